//! Warnings about rules: what is valid, but probably not meant.
use orewatch_contracts::alerting::v1::Warning;
use orewatch_contracts::common::v1::Frequency;

use super::check::CheckedRule;
use super::proxies;
use super::shares::WORLD_OUTPUT;

/// Consumer of the measures of world production.
const WORLD: &str = "WLD";

/// Warnings about a rule. `subjects` is the number of subjects that it watches now; `None`: it has not been
/// evaluated.
#[must_use]
pub fn warnings(rule: &CheckedRule, subjects: Option<u32>) -> Vec<Warning> {
    let selected = cannot_match(rule);
    let matches_nothing = subjects == Some(0) && selected.is_none();
    let nothing = matches_nothing.then(|| {
        let message = "no current data match `select`, so this rule watches nothing yet".to_owned();
        let hint = match rule.frequency {
            Frequency::Monthly => {
                "check `select`; the rule watches months, or years without `frequency: monthly`"
            }
            Frequency::Annual | Frequency::Unspecified => {
                "check `select`; the rule watches years, or months with `frequency: monthly`"
            }
        };
        warning("matches-nothing", message, hint.to_owned(), "select")
    });
    let severity = unreachable_severity(rule);
    let about_figures = severity.into_iter().chain(other_frequency(rule)).chain(proxy_products(rule));
    selected.into_iter().chain(nothing).chain(about_figures).collect()
}

/// Warning that the open alerts of a rule have reached its limit.
#[must_use]
pub fn limit_warning(rule: &CheckedRule, open: u32, held_back: u32) -> Option<Warning> {
    let limit = rule.limit();
    (open >= limit).then(|| {
        let message = format!("{open} alerts are open, which is the limit; {held_back} more are held back");
        warning(
            "limit-reached",
            message,
            "select fewer subjects, move the line, or raise `limit`".to_owned(),
            "limit",
        )
    })
}

fn warning(code: &str, message: String, hint: String, field: &str) -> Warning {
    Warning { code: code.to_owned(), message, hint, field: field.to_owned() }
}

/// Warning about a selector that no figure can match.
fn cannot_match(rule: &CheckedRule) -> Option<Warning> {
    let method = rule.measure.method();
    let consumers = rule.consumers();
    let select = rule.rule.select.as_ref()?;
    if method.name.starts_with(WORLD_OUTPUT)
        && !consumers.is_empty()
        && !consumers.iter().any(|code| code == WORLD)
    {
        let message = format!(
            "{} has figures only for the world, and {} is selected",
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
        let message = "every selected supplier is excluded again".to_owned();
        return Some(warning(
            "matches-nothing",
            message,
            "check `except_supplier`".to_owned(),
            "select.except_suppliers",
        ));
    }
    None
}

/// Warning about an expression that compares its period with one of another frequency.
fn other_frequency(rule: &CheckedRule) -> Option<Warning> {
    let other = rule.condition.other_period(rule.frequency)?;
    let (own, hint) = match rule.frequency {
        Frequency::Monthly => {
            ("months", "write a month such as `2024-01`, or leave `frequency: monthly` out")
        }
        Frequency::Annual | Frequency::Unspecified => {
            ("years", "write a year such as `2024`, or add `frequency: monthly`")
        }
    };
    let message = format!("the expression contains {other}, and the rule watches {own}");
    Some(warning("frequency-mismatch", message, hint.to_owned(), "when.cel"))
}

/// Warning about selected materials that trade data measure by codes of other goods.
fn proxy_products(rule: &CheckedRule) -> Option<Warning> {
    let message = proxies::sentence(rule)?;
    let hint =
        "read the figures as those of the product codes, or select another stage or a measure of output";
    Some(warning("proxy-products", message, hint.to_owned(), "select.materials"))
}

/// Warning about a mildest severity that begins beyond the line: it applies from the line on.
fn unreachable_severity(rule: &CheckedRule) -> Option<Warning> {
    let line = rule.condition.line()?;
    let first = rule.rule.severity.first()?;
    let is_beyond = if line.above { first.from > line.at } else { first.from < line.at };
    is_beyond.then(|| {
        let message =
            format!("{} begins at {}, but applies from the line {} on", first.severity, first.from, line.at);
        warning("severity-gap", message, "begin the mildest severity at the line".to_owned(), "severity")
    })
}
