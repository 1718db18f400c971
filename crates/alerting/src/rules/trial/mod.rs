//! Tests of rules: what a rule must say about a series that is made up for it, run through the same fold and the same record
//! as in the service.
//!
//! Two forms are read: tests of Orewatch's own rules (`tests:`), and the language-neutral cases of a state machine (`rule_state:`).

mod cases;
mod own;

use orewatch_runtime::{Class, Failure};

use super::document::{at, read as read_form, readable};
use super::locate::has_key;
use crate::episode::Phase;

/// What the tests of a file come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The tests, in the order of the file; one on several subjects counts for each.
    pub tests: Vec<Tested>,
    /// What of the file was not looked at.
    pub notes: Vec<String>,
}

/// How a test came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All is as expected.
    Pass,
    /// Something differs.
    Differs,
    /// The case tells of another system, from which we mean to differ.
    Ours,
}

/// A test that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub title: String,
    /// How it came out.
    pub verdict: Verdict,
    /// What was looked at, in order.
    pub steps: Vec<Step>,
    /// What is to be said beside it. Empty: nothing.
    pub note: String,
}

/// One thing that was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where: a period, or the number of an evaluation from 0.
    pub step: String,
    /// What was figured there.
    pub value: String,
    /// What was expected. Empty: nothing in particular.
    pub expected: String,
    /// What came.
    pub got: String,
}

impl Step {
    /// Whether what came is not what was expected.
    #[must_use]
    pub fn differs(&self) -> bool {
        !self.expected.is_empty() && self.expected != self.got
    }
}

impl Tested {
    /// A test by its steps.
    fn new(name: &str, title: &str, steps: Vec<Step>) -> Self {
        let verdict = if steps.iter().any(Step::differs) { Verdict::Differs } else { Verdict::Pass };
        Self { name: name.to_owned(), title: title.to_owned(), verdict, steps, note: String::new() }
    }
}

impl Report {
    /// How many tests differ.
    #[must_use]
    pub fn differing(&self) -> usize {
        self.tests.iter().filter(|test| test.verdict == Verdict::Differs).count()
    }
}

/// Runs the tests of a file; `name` is what errors call it, `read` gives the text of a file of rules that a test names.
///
/// # Errors
/// What is wrong in the file, or in a rule that it names.
pub fn run(
    name: &str,
    bytes: &[u8],
    read: &mut dyn FnMut(&str) -> Result<Vec<u8>, Failure>,
) -> Result<Report, Failure> {
    let text = readable(name, bytes)?;
    let (is_own, is_cases) = (has_key(text, "tests"), has_key(text, "rule_state"));
    match (is_own, is_cases) {
        (true, _) => own::run(name, text, read),
        (false, true) => cases::run(name, text),
        (false, false) => {
            let wrong = Failure::new(Class::Invalid, "no-tests", format!("{name} holds no tests of rules"));
            Err(wrong.with_hint("list them under `tests:`, or cases of a state machine under `rule_state:`"))
        }
    }
}

/// A state as one letter: inactive or resolved, pending, firing.
fn letter(phase: Phase) -> &'static str {
    match phase {
        Phase::Inactive | Phase::Resolved => "I",
        Phase::Pending => "P",
        Phase::Firing => "F",
    }
}
