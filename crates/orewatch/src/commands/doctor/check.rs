//! What a check found: the verdict, and what to do about it.
use orewatch_contracts::Failure;
use orewatch_eventlog::jetstream::{Finding, Verdict as Found};

use crate::render::Align::Left;
use crate::render::{Cell, Column, Row, column};

/// How good what was found is, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// It is as it must be.
    Pass,
    /// It works, but should be looked at; or it could not be seen.
    Warn,
    /// It does not work, or will lose something.
    Fail,
}

impl Verdict {
    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    /// How good it is.
    pub(super) verdict: Verdict,
    /// What kind of check it is, such as `dns`.
    pub(super) area: &'static str,
    /// What was looked at, such as a host or a folder.
    pub(super) subject: String,
    /// What was found.
    pub(super) found: String,
    /// What to do. Empty if it passes.
    pub(super) remedy: String,
}

impl Check {
    /// What is as it must be.
    pub(super) fn pass(area: &'static str, subject: impl Into<String>, found: impl Into<String>) -> Self {
        let (subject, found) = (subject.into(), found.into());
        Self { verdict: Verdict::Pass, area, subject, found, remedy: String::new() }
    }

    /// What should be looked at.
    pub(super) fn warn(
        area: &'static str,
        subject: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Warn, remedy: remedy.into(), ..Self::pass(area, subject, found) }
    }

    /// What does not work.
    pub(super) fn fail(
        area: &'static str,
        subject: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Fail, ..Self::warn(area, subject, found, remedy) }
    }

    /// What fails with an error. A failure that names no remedy has that of its code.
    pub(super) fn of_failure(area: &'static str, subject: impl Into<String>, failure: &Failure) -> Self {
        let of_code = || orewatch_contracts::codes::find(&failure.code).map_or("", |entry| entry.remedy);
        let remedy = if failure.hint.is_empty() { of_code() } else { failure.hint.as_str() };
        Self::fail(area, subject, failure.message.clone(), remedy)
    }

    /// A setting of the log on NATS. One that could not be seen is a warning.
    pub(super) fn of_finding(finding: &Finding) -> Self {
        let Finding { setting, wanted, found, verdict, remedy } = finding;
        let area = if setting.starts_with("clock") { "clock" } else { "nats" };
        match verdict {
            Found::Pass => Self::pass(area, setting, found),
            Found::Fail => Self::fail(area, setting, format!("{found} (wanted: {wanted})"), remedy),
            Found::Unknown => Self::warn(area, setting, format!("not seen (wanted: {wanted})"), remedy),
        }
    }
}

impl Row for Check {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("verdict", |check: &Self| Cell::text(check.verdict.word())).shown("", Left),
            column("area", |check: &Self| Cell::text(check.area)).shown("area", Left),
            column("subject", |check: &Self| Cell::text(&check.subject)).shown("checked", Left),
            column("found", |check: &Self| Cell::text(&check.found)).shown("found", Left),
            column("remedy", |check: &Self| Cell::text(&check.remedy)).shown("remedy", Left).unless_empty(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::Class;

    use super::*;

    #[test]
    fn whatever_does_not_pass_has_a_remedy() {
        let bare = Failure::new(Class::Unavailable, "log-unavailable", "the log is away");
        let hinted = bare.clone().with_hint("start it");
        let checks = [
            Check::of_failure("nats", "the log", &bare),
            Check::of_failure("nats", "the log", &hinted),
            Check::of_finding(&Finding::unknown("sync_interval", "always".to_owned(), "name the port")),
            Check::of_finding(&Finding::compared("x", "1".to_owned(), "2".to_owned(), false, "set it")),
        ];
        assert!(checks.iter().all(|check| !check.remedy.is_empty()), "{checks:?}");
        assert_eq!(checks[1].remedy, "start it");
        assert_eq!(checks[3].found, "2 (wanted: 1)");
        let passed = Finding::compared("clock difference", "a".to_owned(), "b".to_owned(), true, "set it");
        let passed = Check::of_finding(&passed);
        assert_eq!((passed.verdict, passed.area, passed.remedy.as_str()), (Verdict::Pass, "clock", ""));
        assert!(Verdict::Pass < Verdict::Warn && Verdict::Warn < Verdict::Fail);
    }
}
