//! Rows of rules.
use orewatch_contracts::alerting::v1::condition::Line;
use orewatch_contracts::alerting::v1::{Condition, Rule, RuleHealth, RuleInfo, Selector};
use orewatch_contracts::common::v1::Frequency;
use orewatch_rules::rules::check;

use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Row, column, only_shown};
use crate::words::{by_word, enum_word};

use super::alert::label_object;
use super::revision::firmness_word;

/// Health of a rule's evaluation, as a word.
pub(crate) fn health_word(health: RuleHealth) -> String {
    enum_word(health.as_str_name(), "RULE_HEALTH_")
}

/// The condition in words. Empty for a threshold on the figure itself, and for conditions that this version
/// does not know.
fn condition(rule: &Rule) -> String {
    check(rule).map(|rule| rule.condition.describe(rule.measure.method().unit)).unwrap_or_default()
}

/// Steps that evaluating a rule takes: those that suspended it, otherwise those of its last evaluation.
fn cost_steps(info: &RuleInfo) -> Option<u64> {
    let suspended = info.suspension.as_ref().map(|suspension| suspension.steps);
    suspended.or_else(|| info.cost.as_ref().map(|cost| cost.steps))
}

/// Cost of a rule in percent of the limit for one rule. Empty if it is not known yet.
fn cost_text(info: &RuleInfo) -> String {
    let tenths_of_percent = |steps: u64, limit: u64| u128::from(steps) * 1000 / u128::from(limit.max(1));
    let tenths = info.suspension.as_ref().map(|one| tenths_of_percent(one.steps, one.limit));
    let tenths = tenths.or_else(|| info.cost.as_ref().map(|cost| tenths_of_percent(cost.steps, cost.limit)));
    tenths.map_or_else(String::new, |tenths| format!("{}.{} %", tenths / 10, tenths % 10))
}

impl Row for RuleInfo {
    fn columns() -> Vec<Column<Self>> {
        let groups = [selection_columns(), threshold_columns(), health_columns(), revision_columns()];
        let title = only_shown("title", Left, |info: &Self| {
            info.rule.as_ref().map(|rule| rule.title.clone()).unwrap_or_default()
        });
        groups.into_iter().chain([cost_columns(), vec![title]]).flatten().collect()
    }
}

/// A cell from the rule itself. Without a rule, that of an empty one.
fn rule_cell(info: &RuleInfo, cell: fn(&Rule) -> Cell) -> Cell {
    info.rule.as_ref().map_or_else(|| cell(&Rule::default()), cell)
}

/// The values by which the rule selects subjects; empty: all.
fn selected(info: &RuleInfo, list: fn(&Selector) -> &Vec<String>) -> Cell {
    let select = info.rule.as_ref().and_then(|rule| rule.select.as_ref());
    Cell::List(select.map(list).cloned().unwrap_or_default())
}

/// A number of the rule's threshold.
fn threshold(info: &RuleInfo, number: fn(&Condition) -> Option<f64>) -> Cell {
    Cell::Number(info.rule.as_ref().and_then(|rule| rule.when.as_ref()).and_then(number))
}

fn selection_columns() -> Vec<Column<RuleInfo>> {
    vec![
        column("rule", |info: &RuleInfo| rule_cell(info, |rule| Cell::text(&rule.id))).shown("rule", Left),
        column("title", |info: &RuleInfo| rule_cell(info, |rule| Cell::text(&rule.title))),
        column("pack", |info: &RuleInfo| rule_cell(info, |rule| Cell::text(&rule.pack))),
        column("measure", |info: &RuleInfo| rule_cell(info, |rule| Cell::text(&rule.measure))),
        column("by", |info: &RuleInfo| rule_cell(info, |rule| Cell::text(by_word(rule.by())))),
        column("consumers", |info: &RuleInfo| selected(info, |select| &select.consumers)),
        column("materials", |info: &RuleInfo| selected(info, |select| &select.materials)),
        column("stages", |info: &RuleInfo| selected(info, |select| &select.stages)),
        column("suppliers", |info: &RuleInfo| selected(info, |select| &select.suppliers)),
        column("except_suppliers", |info: &RuleInfo| selected(info, |select| &select.except_suppliers)),
    ]
}

fn threshold_columns() -> Vec<Column<RuleInfo>> {
    vec![
        column("above", |info: &RuleInfo| {
            threshold(info, |when| match when.line {
                Some(Line::Above(line)) => Some(line),
                Some(Line::Below(_)) | None => None,
            })
        }),
        column("below", |info: &RuleInfo| {
            threshold(info, |when| match when.line {
                Some(Line::Below(line)) => Some(line),
                Some(Line::Above(_)) | None => None,
            })
        }),
        column("clear", |info: &RuleInfo| threshold(info, |when| when.clear)),
        column("condition", |info: &RuleInfo| rule_cell(info, |rule| Cell::text(condition(rule)))),
        column("severity", |info: &RuleInfo| rule_cell(info, |rule| Cell::List(severities(rule)))),
    ]
}

/// The severities with the values from which they hold.
fn severities(rule: &Rule) -> Vec<String> {
    rule.severity.iter().map(|band| format!("{} from {}", band.severity, band.from)).collect()
}

fn health_columns() -> Vec<Column<RuleInfo>> {
    vec![
        column("revision", |info: &RuleInfo| Cell::count(info.revision)).shown("revision", Right).if_room(4),
        column("put_at", |info: &RuleInfo| Cell::time(info.put_at)),
        column("subjects", |info: &RuleInfo| Cell::count(info.subjects)).shown("subjects", Right).if_room(2),
        column("firing", |info: &RuleInfo| Cell::count(info.firing)).shown("firing", Right),
        column("pending", |info: &RuleInfo| Cell::count(info.pending)).shown("pending", Right).if_room(1),
        column("health", |info: &RuleInfo| Cell::text(health_word(info.health()))).shown("health", Left),
        column("health_reason", |info: &RuleInfo| Cell::text(&info.health_reason)),
        column("held_back", |info: &RuleInfo| Cell::count(info.held_back)),
        column("failed", |info: &RuleInfo| Cell::count(info.failed)),
        column("stale", |info: &RuleInfo| Cell::count(info.stale)),
    ]
}

fn revision_columns() -> Vec<Column<RuleInfo>> {
    vec![
        column("actor", |info: &RuleInfo| Cell::text(&info.actor)),
        column("reason", |info: &RuleInfo| Cell::text(&info.reason)),
        column("owner", |info: &RuleInfo| rule_cell(info, |rule| Cell::text(&rule.owner))),
        column("labels", |info: &RuleInfo| rule_cell(info, |rule| label_object(&rule.labels))),
        column("text", |info: &RuleInfo| rule_cell(info, |rule| Cell::text(rule.text.trim()))),
        column("frequency", |info: &RuleInfo| {
            rule_cell(info, |rule| {
                Cell::text(if rule.frequency() == Frequency::Monthly { "monthly" } else { "annual" })
            })
        }),
        column("confirmed_by", |info: &RuleInfo| rule_cell(info, |rule| Cell::count(rule.confirmed_by))),
    ]
}

fn cost_columns() -> Vec<Column<RuleInfo>> {
    vec![
        column("cost_steps", |info: &RuleInfo| Cell::Count(cost_steps(info)))
            .shown_as("cost", Right, cost_text)
            .if_room(3),
        column("cost_limit", |info: &RuleInfo| Cell::Count(info.cost.as_ref().map(|cost| cost.limit))),
        column("cost_last_steps", |info: &RuleInfo| {
            Cell::Count(info.cost.as_ref().map(|cost| cost.last_steps))
        }),
        column("periods", |info: &RuleInfo| Cell::Count(info.cost.as_ref().map(|cost| cost.periods.into()))),
        column("suspended_at", |info: &RuleInfo| {
            Cell::time(info.suspension.as_ref().and_then(|suspension| suspension.time))
        }),
        column("min_quantity", |info: &RuleInfo| rule_cell(info, |rule| Cell::Number(rule.min_quantity))),
        column("min_value", |info: &RuleInfo| rule_cell(info, |rule| Cell::Number(rule.min_value))),
        column("confirm_revision", |info: &RuleInfo| {
            rule_cell(info, |rule| Cell::text(firmness_word(rule.confirm_revision())))
        }),
    ]
}
