//! `verify`: published figures beside ours, recomputed from inputs that ship with the program.
use orewatch_runtime::{Class, Failure};
use orewatch_verification::{Case, Verdict, verify};

use super::measures;
use crate::options::{AnswerOptions, Format};
use crate::render::{Align, Out, Sheet, document, wrap};
use crate::session::Session;
use crate::view::CaseRow;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every figure is computed anew, with the formulas that the services use, from inputs that ship with the
program: no server is asked. What is not reproduced says why; if one could not say why, the exit code
would be 5.

Examples:
  orewatch verify
  orewatch verify geopolrisk-score
  orewatch verify --format csv > verification.csv")]
pub(crate) struct Args {
    /// Only this measure, by its identifier with or without version
    #[arg(value_name = "MEASURE")]
    measure: Option<String>,
    #[command(flatten)]
    answer: AnswerOptions,
}

/// Runs the command.
///
/// # Errors
/// [`Class::Internal`] if a figure is not reproduced and nothing is known that explains it.
pub(crate) fn run(args: &Args, session: &Session) -> Result<(), Failure> {
    let out = session.out(&session.settings(&[&args.answer])?)?;
    let only = args.measure.as_deref().map(measures::named).transpose()?;
    let mut cases = verify().map_err(|error| Failure::internal(error.to_string()))?;
    cases.retain(|case| only.is_none_or(|only| only == case.measure));
    if let Some(measure) = only.filter(|_| cases.is_empty()) {
        let message = format!("no published figure of {measure} is held that it could be checked against");
        return Err(Failure::new(Class::NotFound, "no-case", message).at("measure", measure.id()));
    }
    let rows: Vec<CaseRow<'_>> = cases.iter().map(CaseRow).collect();
    match out.format {
        Format::Json => out.json(&document(&rows))?,
        Format::Csv => out.csv(&rows)?,
        Format::Table => out.text(&page(&out, &cases))?,
    }
    judge(&cases)
}

/// A figure that is not reproduced is a defect unless what keeps it from being so is known.
fn judge(cases: &[Case]) -> Result<(), Failure> {
    let unexplained = |case: &&Case| case.verdict != Verdict::Reproduced && case.reason.is_empty();
    let open: Vec<&Case> = cases.iter().filter(unexplained).collect();
    match open.first() {
        None => Ok(()),
        Some(first) => Err(Failure::internal(format!(
            "{} published figures are not reproduced, the first {}, {}: {} where {} is published",
            open.len(),
            first.measure,
            first.case,
            first.ours_text(),
            first.published.text
        ))),
    }
}

fn page(out: &Out, cases: &[Case]) -> String {
    let groups = cases.chunk_by(|a, b| a.measure == b.measure && a.source == b.source);
    let mut text: String = groups.map(|group| section(out, group)).collect();
    let count = |verdict| cases.iter().filter(|case| case.verdict == verdict).count();
    let counts = [Verdict::Reproduced, Verdict::WithinBounds, Verdict::NotReproduced]
        .map(|verdict| format!("{} {verdict}", count(verdict)));
    text.push_str(&out.style.bold(&format!("{} published figures: {}\n", cases.len(), counts.join(", "))));
    text.push_str(&out.style.dim(&wrap(
        "reproduced: ours is within the tolerance, or within the bound that is published. within bounds: some input is not \
         published, and our bounds allow the figure and exclude others.",
        out.width,
        "",
    )));
    text
}

/// The cases of one measure from one source.
fn section(out: &Out, group: &[Case]) -> String {
    let Some(first) = group.first() else { return String::new() };
    let mut text = format!("{}\n", out.style.bold(first.measure.id()));
    let source = format!("{}; {}", first.source.title, first.source.licence);
    text.push_str(&out.style.dim(&wrap(&source, out.width, "  ")));
    text.push_str(&table(out, group));
    text.push_str(&remarks(out, group));
    text.push('\n');
    text
}

fn table(out: &Out, group: &[Case]) -> String {
    let mut columns = vec![
        ("case", Align::Left),
        ("published", Align::Right),
        ("ours", Align::Right),
        ("+/-", Align::Right),
        ("verdict", Align::Left),
    ];
    let has_terms = group.iter().any(|case| !case.term.is_empty());
    if has_terms {
        columns.insert(1, ("figure", Align::Left));
    }
    let mut sheet = Sheet::new(out, &columns);
    for case in group {
        let mut cells = vec![
            case.case.clone(),
            case.published.text.clone(),
            case.ours_text(),
            case.tolerance_text(),
            painted(out, case.verdict),
        ];
        if has_terms {
            let figure = if case.term.is_empty() { "the measure" } else { case.term };
            cells.insert(1, figure.to_owned());
        }
        sheet.row(cells);
    }
    sheet.finish()
}

fn painted(out: &Out, verdict: Verdict) -> String {
    match verdict {
        Verdict::Reproduced => out.style.green(verdict.as_str()),
        Verdict::WithinBounds => out.style.yellow(verdict.as_str()),
        Verdict::NotReproduced => out.style.red(verdict.as_str()),
    }
}

/// What should be known of single cases, each remark once.
fn remarks(out: &Out, group: &[Case]) -> String {
    let mut said: Vec<&str> = Vec::new();
    let mut text = String::new();
    for case in group.iter().filter(|case| !case.reason.is_empty()) {
        if said.contains(&case.reason.as_str()) {
            continue;
        }
        said.push(&case.reason);
        let mut about: Vec<&str> = group
            .iter()
            .filter(|other| other.reason == case.reason)
            .map(|other| other.case.as_str())
            .collect();
        about.dedup();
        text.push_str(&wrap(&format!("{}: {}", named(&about), case.reason), out.width, "    "));
    }
    if text.is_empty() { text } else { format!("  {}\n{text}", out.style.dim("What to know")) }
}

/// The first of some cases, and how many more there are.
fn named(cases: &[&str]) -> String {
    match cases {
        [first, _, _, _, ..] => format!("{first} and {} more", cases.len() - 1),
        few => few.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_reproduced_for_no_known_reason_is_a_defect() {
        let mut cases = verify().unwrap();
        assert_eq!(judge(&cases), Ok(()));
        let case = cases.first_mut().unwrap();
        (case.verdict, case.reason) = (Verdict::NotReproduced, String::new());
        let failure = judge(&cases).unwrap_err();
        assert_eq!(failure.class.exit_code(), 5);
        assert!(failure.message.contains(&cases.first().unwrap().published.text), "{failure}");
    }
}
