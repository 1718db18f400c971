//! `rules test`: what rules say about series that are made up for them.
use std::path::{Path, PathBuf};

use orewatch_alerting::rules::trial::{Report, Step, Tested, Verdict, run};
use orewatch_runtime::{Class, Failure};
use serde_json::{Value, json};

use super::read;
use crate::commands::say;
use crate::options::{ClientOptions, Format};
use crate::render::{Align, Cell, Out, Row, Sheet};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A file of tests lists, under `tests:`, a rule with a series by period and what must come of it; the README shows one. Cases of a
state machine under `rule_state:` are run too. Exit code 2: something differs.")]
pub(super) struct TestArgs {
    /// Files of tests, YAML; `-` reads standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) client: ClientOptions,
}

/// Runs the tests of all files and tells how they came out.
pub(super) fn test(args: &TestArgs, out: &Out) -> Result<(), Failure> {
    let mut reports = Vec::new();
    for file in &args.files {
        let name = file.display().to_string();
        let folder = file.parent().unwrap_or_else(|| Path::new(""));
        let mut beside = |rules: &str| read(&folder.join(rules));
        let report = run(&name, &read(file)?, &mut beside)?;
        reports.push((name, report));
    }
    match out.format {
        Format::Json => out.json(&json!(reports.iter().map(of_file).collect::<Vec<_>>()))?,
        Format::Csv => out.csv(&rows(&reports))?,
        Format::Table => {
            for (_, report) in &reports {
                out.text(&told(out, report))?;
            }
        }
    }
    for (name, report) in &reports {
        report.notes.iter().for_each(|note| say(&format!("{name}: {note}")));
    }
    conclude(&reports)
}

fn conclude(reports: &[(String, Report)]) -> Result<(), Failure> {
    let tests = || reports.iter().flat_map(|(_, report)| &report.tests);
    let count = |verdict| tests().filter(|test| test.verdict == verdict).count();
    let (pass, ours, differ) = (count(Verdict::Pass), count(Verdict::Ours), count(Verdict::Differs));
    let apart = if ours > 0 { format!(", {ours} in which we mean to differ") } else { String::new() };
    say(&format!("{pass} of {} tests pass{apart}", tests().count()));
    if differ == 0 {
        return Ok(());
    }
    let first = tests().find(|test| test.verdict == Verdict::Differs).map(|test| test.name.clone());
    let message = format!("{differ} of {} tests differ from what is expected", tests().count());
    Err(Failure::new(Class::Invalid, "tests-differ", message).at("test", first.unwrap_or_default()))
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Differs => "differs",
        Verdict::Ours => "ours",
    }
}

fn told(out: &Out, report: &Report) -> String {
    let mut text = String::new();
    for test in &report.tests {
        let word = format!("{:<7}", verdict_word(test.verdict));
        let word = if test.verdict == Verdict::Differs { out.style.bold(&word) } else { word };
        text.push_str(&format!("{word} {}  {}\n", test.name, test.title));
        if test.verdict == Verdict::Differs {
            text.push_str(&indented(&steps(out, test)));
        }
        text.push_str(&indented(&test.note));
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("          {line}\n")).collect()
}

/// All steps of a test, with a mark where one differs.
fn steps(out: &Out, test: &Tested) -> String {
    let columns = [
        ("step", Align::Left),
        ("value", Align::Right),
        ("expected", Align::Left),
        ("got", Align::Left),
        ("", Align::Left),
    ];
    let mut sheet = Sheet::new(out, &columns);
    for step in &test.steps {
        let mark = if step.differs() { "<- differs" } else { "" };
        sheet.row([&*step.step, &*step.value, &*step.expected, &*step.got, mark].map(str::to_owned));
    }
    sheet.finish()
}

fn of_file((name, report): &(String, Report)) -> Value {
    let step = |step: &Step| json!({"step": step.step, "value": step.value, "expected": step.expected, "got": step.got, "differs": step.differs()});
    let test = |test: &Tested| {
        let steps: Vec<Value> = test.steps.iter().map(step).collect();
        let verdict = verdict_word(test.verdict);
        json!({"name": test.name, "title": test.title, "verdict": verdict, "steps": steps, "note": test.note})
    };
    json!({"file": name, "tests": report.tests.iter().map(test).collect::<Vec<_>>(), "notes": report.notes})
}

/// One step of one test.
struct StepRow<'a>(&'a str, &'a Tested, &'a Step);

fn rows(reports: &[(String, Report)]) -> Vec<StepRow<'_>> {
    let mut rows = Vec::new();
    for (name, report) in reports {
        for test in &report.tests {
            rows.extend(test.steps.iter().map(|step| StepRow(name, test, step)));
        }
    }
    rows
}

impl Row for StepRow<'_> {
    const COLUMNS: &'static [&'static str] =
        &["file", "test", "title", "verdict", "step", "value", "expected", "got", "differs"];

    fn cells(&self) -> Vec<Cell> {
        let Self(file, test, step) = self;
        vec![
            Cell::text(*file),
            Cell::text(&test.name),
            Cell::text(&test.title),
            Cell::text(verdict_word(test.verdict)),
            Cell::text(&step.step),
            Cell::text(&step.value),
            Cell::text(&step.expected),
            Cell::text(&step.got),
            Cell::Flag(step.differs()),
        ]
    }
}
