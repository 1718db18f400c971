//! Rules.
use orewatch_alerting::rules::check;
use orewatch_contracts::alerting::v1::condition::Line;
use orewatch_contracts::alerting::v1::{Rule, RuleHealth, RuleInfo};
use orewatch_contracts::common::v1::Frequency;

use crate::render::{Cell, Row};
use crate::words::{by_word, instant, word};

/// How the evaluation of a rule fares, as a word.
pub(crate) fn health_word(health: RuleHealth) -> String {
    word(health.as_str_name(), "RULE_HEALTH_")
}

/// The condition in words; empty for a line over the figure itself, and for what this version does not know.
fn condition(rule: &Rule) -> String {
    check(rule).map(|rule| rule.condition.words(rule.measure.method().unit)).unwrap_or_default()
}

/// A rule as it stands.
#[derive(Debug)]
pub(crate) struct RuleRow<'a>(pub(crate) &'a RuleInfo);

impl Row for RuleRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "rule",
        "title",
        "pack",
        "measure",
        "by",
        "consumers",
        "materials",
        "stages",
        "suppliers",
        "except_suppliers",
        "above",
        "below",
        "clear",
        "condition",
        "severity",
        "revision",
        "put_at",
        "subjects",
        "firing",
        "pending",
        "health",
        "health_reason",
        "held_back",
        "failed",
        "stale",
        "actor",
        "reason",
        "owner",
        "labels",
        "text",
        "frequency",
        "confirmed_by",
        "cost_steps",
        "cost_limit",
        "cost_last_steps",
        "periods",
        "suspended_at",
    ];

    fn cells(&self) -> Vec<Cell> {
        let info = self.0;
        let cost = info.cost.as_ref();
        let suspended = info.suspension.as_ref().and_then(|suspension| suspension.time);
        let empty = Rule::default();
        let rule = info.rule.as_ref().unwrap_or(&empty);
        let select = rule.select.clone().unwrap_or_default();
        let when = rule.when.clone().unwrap_or_default();
        let (above, below) = match when.line {
            Some(Line::Above(line)) => (Some(line), None),
            Some(Line::Below(line)) => (None, Some(line)),
            None => (None, None),
        };
        vec![
            Cell::text(&rule.id),
            Cell::text(&rule.title),
            Cell::text(&rule.pack),
            Cell::text(&rule.measure),
            Cell::text(by_word(rule.by())),
            Cell::List(select.consumers),
            Cell::List(select.materials),
            Cell::List(select.stages),
            Cell::List(select.suppliers),
            Cell::List(select.except_suppliers),
            Cell::Number(above),
            Cell::Number(below),
            Cell::Number(when.clear),
            Cell::text(condition(rule)),
            Cell::List(
                rule.severity.iter().map(|band| format!("{} from {}", band.severity, band.from)).collect(),
            ),
            Cell::Count(Some(info.revision.into())),
            Cell::text(info.put_at.map(|time| instant(time.seconds)).unwrap_or_default()),
            Cell::Count(Some(info.subjects.into())),
            Cell::Count(Some(info.firing.into())),
            Cell::Count(Some(info.pending.into())),
            Cell::text(health_word(info.health())),
            Cell::text(&info.health_reason),
            Cell::Count(Some(info.held_back.into())),
            Cell::Count(Some(info.failed.into())),
            Cell::Count(Some(info.stale.into())),
            Cell::text(&info.actor),
            Cell::text(&info.reason),
            Cell::text(&rule.owner),
            Cell::List(rule.labels.iter().map(|(key, value)| format!("{key}={value}")).collect()),
            Cell::text(rule.text.trim()),
            Cell::text(if rule.frequency() == Frequency::Monthly { "monthly" } else { "annual" }),
            Cell::Count(Some(rule.confirmed_by.into())),
            Cell::Count(
                info.suspension.as_ref().map_or_else(|| cost.map(|cost| cost.steps), |one| Some(one.steps)),
            ),
            Cell::Count(cost.map(|cost| cost.limit)),
            Cell::Count(cost.map(|cost| cost.last_steps)),
            Cell::Count(cost.map(|cost| cost.periods.into())),
            Cell::text(suspended.map(|time| instant(time.seconds)).unwrap_or_default()),
        ]
    }
}
