//! What is no error in a rule, and still likely not meant.
use orewatch_contracts::alerting::v1::Warning;
use orewatch_contracts::common::v1::Frequency;

use super::check::Checked;
use super::shares::WORLD_OUTPUT;

/// Consumer of the measures of the world's output.
const WORLD: &str = "WLD";

/// What the author of a rule should know. `subjects` says how many subjects the rule watches among the figures that there are;
/// None: it has not been evaluated.
#[must_use]
pub fn warnings(rule: &Checked, subjects: Option<u32>) -> Vec<Warning> {
    let selected = cannot_match(rule);
    let matches_nothing = subjects == Some(0) && selected.is_none();
    let nothing = matches_nothing.then(|| {
        let message = "of the figures that there are now, none is selected".to_owned();
        let hint = match rule.frequency {
            Frequency::Monthly => {
                "look at `select`; it watches months, and years without `frequency: monthly`"
            }
            Frequency::Annual | Frequency::Unspecified => {
                "look at `select`; it watches years, and months with `frequency: monthly`"
            }
        };
        let hint = format!("{hint}; the rule waits for figures that match");
        warning("matches-nothing", message, hint, "select")
    });
    let severity = unreachable_severity(rule);
    selected.into_iter().chain(nothing).chain(severity).chain(other_frequency(rule)).collect()
}

/// That as many alerts are open as the limit allows.
#[must_use]
pub fn limited(rule: &Checked, open: u32, held_back: u32) -> Option<Warning> {
    let limit = rule.limit();
    (open >= limit).then(|| {
        let message = format!("{open} alerts are open, the limit; {held_back} further ones are held back");
        warning(
            "limit-reached",
            message,
            "select less, draw the line elsewhere, or raise `limit`".to_owned(),
            "limit",
        )
    })
}

fn warning(code: &str, message: String, hint: String, field: &str) -> Warning {
    Warning { code: code.to_owned(), message, hint, field: field.to_owned() }
}

/// A selector that no figure can ever match.
fn cannot_match(rule: &Checked) -> Option<Warning> {
    let method = rule.measure.method();
    let consumers = rule.consumers();
    let select = rule.rule.select.as_ref()?;
    if method.name.starts_with(WORLD_OUTPUT)
        && !consumers.is_empty()
        && !consumers.iter().any(|code| code == WORLD)
    {
        let message = format!(
            "{} has figures of the world alone, and {} is selected",
            method.name,
            consumers.join(", ")
        );
        return Some(warning(
            "matches-nothing",
            message,
            format!("select the consumer {WORLD}"),
            "select.consumers",
        ));
    }
    let is_left = |supplier: &String| rule.watches_supplier(supplier);
    if !select.suppliers.is_empty() && !select.suppliers.iter().any(is_left) {
        let message = "every supplier that is selected is left out again".to_owned();
        return Some(warning(
            "matches-nothing",
            message,
            "look at `except_supplier`".to_owned(),
            "select.except_suppliers",
        ));
    }
    None
}

/// An expression that compares its period with one that the rule never sees.
fn other_frequency(rule: &Checked) -> Option<Warning> {
    let other = rule.condition.other_period(rule.frequency)?;
    let (own, hint) = match rule.frequency {
        Frequency::Monthly => {
            ("months", "write a month such as `2024-01`, or leave `frequency: monthly` out")
        }
        Frequency::Annual | Frequency::Unspecified => {
            ("years", "write a year such as `2024`, or say `frequency: monthly`")
        }
    };
    let message = format!("the expression speaks of {other}, and the rule watches {own}");
    Some(warning("other-frequency", message, hint.to_owned(), "when.cel"))
}

/// A first severity that begins beyond the line: what is crossed before it has it all the same.
fn unreachable_severity(rule: &Checked) -> Option<Warning> {
    let line = rule.condition.line()?;
    let first = rule.rule.severity.first()?;
    let is_beyond = if line.above { first.from > line.at } else { first.from < line.at };
    is_beyond.then(|| {
        let message =
            format!("{} begins at {} and holds from the line {} on", first.severity, first.from, line.at);
        warning("severity-gap", message, "let the mildest severity begin at the line".to_owned(), "severity")
    })
}
