//! `rules test`: runs rules on made-up series and compares their states with the expected ones.
use std::path::{Path, PathBuf};

use orewatch_contracts::{Class, Failure};
use orewatch_rules::rules::rule_test::{Step, TestReport, TestResult, Verdict, run};
use serde_json::{Value, json};

use crate::commands::print_message;
use crate::commands::shared::read_file;
use crate::options::{ClientOptions, Format};
use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Out, Row, column, table};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A test file lists under `tests:` a rule, a series by period, and the expected states;
docs/rules.md has an example. Tests of the state machine under `rule_state:` run too. Exit code 2:
some test differs.")]
pub(super) struct TestArgs {
    /// YAML files with tests; `-` reads standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) client: ClientOptions,
}

/// Runs the tests of all files and prints their results.
pub(super) fn test(args: &TestArgs, out: &Out) -> Result<(), Failure> {
    let mut reports = Vec::new();
    for file in &args.files {
        let name = file.display().to_string();
        let folder = file.parent().unwrap_or_else(|| Path::new(""));
        let mut beside = |rules: &str| read_file(&folder.join(rules));
        let report = run(&name, &read_file(file)?, &mut beside)?;
        reports.push((name, report));
    }
    match out.format {
        Format::Json => out.json(&json!(reports.iter().map(file_value).collect::<Vec<_>>()))?,
        Format::Csv => out.csv(&rows(&reports))?,
        Format::Table => {
            for (_, report) in &reports {
                out.text(&report_text(out, report))?;
            }
        }
    }
    for (name, report) in &reports {
        report.notes.iter().for_each(|note| print_message(&format!("{name}: {note}")));
    }
    conclude(&reports)
}

fn conclude(reports: &[(String, TestReport)]) -> Result<(), Failure> {
    let tests = || reports.iter().flat_map(|(_, report)| &report.tests);
    let count = |verdict| tests().filter(|test| test.verdict == verdict).count();
    let (pass, ours, differ) = (count(Verdict::Pass), count(Verdict::Intended), count(Verdict::Differs));
    let apart = if ours > 0 { format!(", {ours} differ on purpose") } else { String::new() };
    print_message(&format!("{pass} of {} tests pass{apart}.", tests().count()));
    if differ == 0 {
        return Ok(());
    }
    let first = tests().find(|test| test.verdict == Verdict::Differs).map(|test| test.name.clone());
    let message = format!("{differ} of {} tests differ from the expected states", tests().count());
    Err(Failure::new(Class::Invalid, "tests-failed", message).at("test", first.unwrap_or_default()))
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Differs => "differs",
        Verdict::Intended => "ours",
    }
}

fn report_text(out: &Out, report: &TestReport) -> String {
    let mut text = String::new();
    for test in &report.tests {
        let word = format!("{:<7}", verdict_word(test.verdict));
        let word = if test.verdict == Verdict::Differs { out.style.bold(&word) } else { word };
        text.push_str(&format!("{word} {}  {}\n", test.name, test.title));
        if test.verdict == Verdict::Differs {
            text.push_str(&indented(&table(out, &step_rows("", test))));
        }
        text.push_str(&indented(&test.note));
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("          {line}\n")).collect()
}

fn file_value((name, report): &(String, TestReport)) -> Value {
    let step = |step: &Step| {
        let Step { step: name, value, expected, got, .. } = step;
        json!({"step": name, "value": value, "expected": expected, "got": got, "differs": step.differs()})
    };
    let test = |test: &TestResult| {
        let steps: Vec<Value> = test.steps.iter().map(step).collect();
        let verdict = verdict_word(test.verdict);
        json!({"name": test.name, "title": test.title, "verdict": verdict, "steps": steps, "note": test.note})
    };
    json!({"file": name, "tests": report.tests.iter().map(test).collect::<Vec<_>>(), "notes": report.notes})
}

/// One step of one test.
struct StepRow<'a> {
    file: &'a str,
    test: &'a TestResult,
    step: &'a Step,
}

fn step_rows<'a>(file: &'a str, test: &'a TestResult) -> Vec<StepRow<'a>> {
    test.steps.iter().map(|step| StepRow { file, test, step }).collect()
}

/// All steps of all tests.
fn rows(reports: &[(String, TestReport)]) -> Vec<StepRow<'_>> {
    let tests = reports.iter().flat_map(|(file, report)| report.tests.iter().map(move |test| (file, test)));
    tests.flat_map(|(file, test)| step_rows(file, test)).collect()
}

/// The table of a test has its steps, with a mark at those that differ.
impl Row for StepRow<'_> {
    fn columns() -> Vec<Column<Self>> {
        let mark = |row: &Self| if row.step.differs() { "<- differs" } else { "" }.to_owned();
        vec![
            column("file", |row: &Self| Cell::text(row.file)),
            column("test", |row: &Self| Cell::text(&row.test.name)),
            column("title", |row: &Self| Cell::text(&row.test.title)),
            column("verdict", |row: &Self| Cell::text(verdict_word(row.test.verdict))),
            column("step", |row: &Self| Cell::text(&row.step.step)).shown("step", Left),
            column("value", |row: &Self| Cell::text(&row.step.value)).shown("value", Right),
            column("expected", |row: &Self| Cell::text(&row.step.expected)).shown("expected", Left),
            column("got", |row: &Self| Cell::text(&row.step.got)).shown("got", Left),
            column("differs", |row: &Self| Cell::Flag(row.step.differs())).shown_as("", Left, mark),
        ]
    }
}
