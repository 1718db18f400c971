//! Rule tests: a rule, a made-up series, and the states that the rule must reach. They run through the same
//! fold and the same reconciliation as in the service.
//!
//! A file contains rule tests (`tests:`), or language-neutral cases of the state machine (`rule_state:`).

mod cases;
mod expect;
mod own;
mod period_key;

use orewatch_contracts::{Class, Failure};

use super::locate::has_key;
use super::yaml::read_text;
use crate::episode::Phase;

/// Results of the tests of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestReport {
    /// Results, in the order of the file. A case with several subjects has a result for each of them.
    pub tests: Vec<TestResult>,
    /// Parts of the file that were ignored.
    pub notes: Vec<String>,
}

/// Outcome of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All steps are as expected.
    Pass,
    /// At least one step differs.
    Differs,
    /// The case describes another system, from which Orewatch differs on purpose.
    Intended,
}

/// Result of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestResult {
    /// Name of the test.
    pub name: String,
    /// Title of the test.
    pub title: String,
    /// Outcome.
    pub verdict: Verdict,
    /// The comparisons, in order.
    pub steps: Vec<Step>,
    /// Note to print with the result. May be empty.
    pub note: String,
}

/// A comparison of an expected with an actual value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// A period, the number of an evaluation (from 0), or the name of a property of the whole run.
    pub step: String,
    /// Figure of the measure there.
    pub value: String,
    /// Expected value. Empty: any.
    pub expected: String,
    /// Actual value.
    pub got: String,
}

impl Step {
    /// Whether the actual value is not the expected one.
    #[must_use]
    pub fn differs(&self) -> bool {
        !self.expected.is_empty() && self.expected != self.got
    }
}

impl TestResult {
    /// Creates the result of a test from its steps.
    fn new(name: &str, title: &str, steps: Vec<Step>) -> Self {
        let verdict = if steps.iter().any(Step::differs) { Verdict::Differs } else { Verdict::Pass };
        Self { name: name.to_owned(), title: title.to_owned(), verdict, steps, note: String::new() }
    }
}

impl TestReport {
    /// Number of tests that differ.
    #[must_use]
    pub fn differing(&self) -> usize {
        self.tests.iter().filter(|test| test.verdict == Verdict::Differs).count()
    }
}

/// Runs the tests of a file. `name` is its name in errors; `read` returns the content of a rule file that a
/// test refers to.
///
/// # Errors
/// A mistake in the file, or in a rule that it refers to.
pub fn run(
    name: &str,
    bytes: &[u8],
    read: &mut dyn FnMut(&str) -> Result<Vec<u8>, Failure>,
) -> Result<TestReport, Failure> {
    let text = read_text(name, bytes)?;
    let (is_own, is_cases) = (has_key(text, "tests"), has_key(text, "rule_state"));
    match (is_own, is_cases) {
        (true, _) => own::run(name, text, read),
        (false, true) => cases::run(name, text),
        (false, false) => {
            let wrong = Failure::new(Class::Invalid, "no-tests", format!("{name} contains no rule tests"));
            Err(wrong
                .with_hint("list them under `tests:`, or cases of the state machine under `rule_state:`"))
        }
    }
}

/// A state as one letter: `I` for inactive and resolved, `P` for pending, `F` for firing.
fn letter(phase: Phase) -> &'static str {
    match phase {
        Phase::Inactive | Phase::Resolved => "I",
        Phase::Pending => "P",
        Phase::Firing => "F",
    }
}
