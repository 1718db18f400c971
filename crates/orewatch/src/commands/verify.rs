//! `verify`: recomputes published figures from inputs that ship with the program, and compares.
use orewatch_contracts::{Class, Failure};
use orewatch_verification::{Case, Verdict, verify};

use super::measures;
use crate::options::{Format, OutputOptions};
use crate::render::{Out, table, wrap};
use crate::session::Session;
use crate::view::CaseRow;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Figures are recomputed with the formulas that the services use, from inputs that ship with the
program; no server is needed. If a figure is not reproduced, the reason is shown. Exit code 5: a
figure is not reproduced, and no reason is known.

Examples:
  orewatch verify
  orewatch verify geopolrisk-score
  orewatch verify --format csv > verification.csv")]
pub(crate) struct Args {
    /// Only figures of this measure: its identifier, with or without version
    #[arg(value_name = "MEASURE")]
    measure: Option<String>,
    #[command(flatten)]
    output: OutputOptions,
}

/// Runs the command.
///
/// # Errors
/// [`Class::Internal`] if a figure is not reproduced and no reason is known. [`Class::NotFound`] for a
/// measure without published figures.
pub(crate) fn run(args: &Args, session: &Session) -> Result<(), Failure> {
    let out = args.output.output(session.out(&session.settings(&[&args.output])?)?)?;
    let only = args.measure.as_deref().map(measures::parse_measure).transpose()?;
    let mut cases = verify().map_err(|error| Failure::internal(error.to_string()))?;
    cases.retain(|case| only.is_none_or(|only| only == case.measure));
    if let Some(measure) = only.filter(|_| cases.is_empty()) {
        let message = format!("there is no published figure of {measure} to compare with");
        return Err(Failure::new(Class::NotFound, "unknown-case", message).at("measure", measure.id()));
    }
    match out.format {
        Format::Json | Format::Csv => out.rows(&case_rows(&out, &cases))?,
        Format::Table => out.text(&page(&out, &cases))?,
    }
    check_explained(&cases)
}

/// Returns an error if a figure is not reproduced and no reason is known, which is a defect.
fn check_explained(cases: &[Case]) -> Result<(), Failure> {
    let unexplained = |case: &&Case| case.verdict != Verdict::Reproduced && case.reason.is_empty();
    let open: Vec<&Case> = cases.iter().filter(unexplained).collect();
    match open.first() {
        None => Ok(()),
        Some(first) => Err(Failure::internal(format!(
            "{} published figures are not reproduced; the first is {}, {}: {}, published as {}",
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
        "reproduced: our figure is within the tolerance, or within the published bound. within bounds: \
         some input is not published, and the published figure lies within our bounds.",
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
    text.push_str(&table(out, &case_rows(out, group)));
    text.push_str(&remarks(out, group));
    text.push('\n');
    text
}

fn case_rows<'a>(out: &Out, cases: &'a [Case]) -> Vec<CaseRow<'a>> {
    cases.iter().map(|case| CaseRow { case, style: out.style }).collect()
}

/// Remarks on single cases, each once.
fn remarks(out: &Out, group: &[Case]) -> String {
    let mut seen: Vec<&str> = Vec::new();
    let mut text = String::new();
    for case in group.iter().filter(|case| !case.reason.is_empty()) {
        if seen.contains(&case.reason.as_str()) {
            continue;
        }
        seen.push(&case.reason);
        let mut about: Vec<&str> = group
            .iter()
            .filter(|other| other.reason == case.reason)
            .map(|other| other.case.as_str())
            .collect();
        about.dedup();
        text.push_str(&wrap(&format!("{}: {}", case_names(&about), case.reason), out.width, "    "));
    }
    if text.is_empty() { text } else { format!("  {}\n{text}", out.style.dim("Remarks")) }
}

/// The names of cases; of more than three, the first and the number of others.
fn case_names(cases: &[&str]) -> String {
    match cases {
        [first, _, _, _, ..] => format!("{first} and {} more", cases.len() - 1),
        few => few.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_is_not_reproduced_without_a_reason_is_a_defect() {
        let mut cases = verify().unwrap();
        assert_eq!(check_explained(&cases), Ok(()));
        let case = cases.first_mut().unwrap();
        (case.verdict, case.reason) = (Verdict::NotReproduced, String::new());
        let failure = check_explained(&cases).unwrap_err();
        assert_eq!(failure.class.exit_code(), 5);
        assert!(failure.message.contains(&cases.first().unwrap().published.text), "{failure}");
    }
}
