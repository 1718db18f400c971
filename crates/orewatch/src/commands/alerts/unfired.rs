//! `alerts why` for a subject without an alert: its figures beside the threshold of the rule.
use orewatch_contracts::alerting::v1::{GetRuleRequest, Rule};
use orewatch_contracts::exposure::v1::ExposureFilter;
use orewatch_contracts::{Class, Failure};
use orewatch_rules::rules::{CheckedRule, check};
use serde_json::json;

use super::find::Wanted;
use crate::commands::exposure::{current, missing, query};
use crate::commands::print_message;
use crate::options::Format;
use crate::render::{document, wrap};
use crate::session::Client;
use crate::view::Unfired;

/// Maximum number of figures on the page.
const MAX_SHOWN: usize = 20;

/// Shows why there is no alert.
pub(super) async fn run(client: &Client, wanted: &Wanted) -> Result<(), Failure> {
    let request = GetRuleRequest { rule: wanted.rule.clone() };
    let response = client.take(client.alerting().await?.get_rule(client.request(request)).await?);
    let rule: Rule = response.rule.and_then(|info| info.rule).unwrap_or_default();
    let checked = check(&rule)?;
    require_watched(&checked, wanted)?;
    let filter = filter(&checked, wanted);
    let mut found = query(client, current(filter.clone())).await?.exposures;
    found.retain(|exposure| exposure.subject.as_ref().is_some_and(|subject| checked.watches(subject)));
    let mut figures: Vec<_> = found.iter().map(|exposure| Unfired::new(&checked, exposure)).collect();
    figures.sort_by(|a, b| b.value().total_cmp(&a.value()));
    if figures.is_empty() {
        print_message("No figure matches, so the rule has nothing to evaluate.");
        for reason in missing::reasons_for_empty_result(client, &filter, None).await? {
            print_message(&format!("  {reason}"));
        }
    }
    match client.out.format {
        Format::Json => client.out.json(&json!({
            "alert": null,
            "rule": rule.id,
            "figures": document(&figures),
        })),
        Format::Csv => client.out.csv(&figures),
        Format::Table => client.out.text(&page(client.out.width, &rule, &figures)),
    }
}

/// The newest figures of the subject that the rule watches.
fn filter(rule: &CheckedRule, wanted: &Wanted) -> ExposureFilter {
    let list = |text: &String, of_rule: &[String]| {
        if text.is_empty() { of_rule.to_vec() } else { vec![text.clone()] }
    };
    ExposureFilter {
        consumers: list(&wanted.consumer, rule.consumers()),
        materials: list(&wanted.material, rule.materials()),
        stages: list(&wanted.stage, &[]),
        suppliers: list(&wanted.supplier, rule.suppliers()),
        measures: vec![rule.rule.measure.clone()],
        by: rule.by.into(),
        frequency: rule.frequency.into(),
        ..ExposureFilter::default()
    }
}

/// Says so if the rule does not watch the subject at all.
fn require_watched(rule: &CheckedRule, wanted: &Wanted) -> Result<(), Failure> {
    let is_watched =
        |text: &String, list: &[String]| text.is_empty() || list.is_empty() || list.contains(text);
    let fields = [
        ("consumer", &wanted.consumer, rule.consumers()),
        ("material", &wanted.material, rule.materials()),
        ("supplier", &wanted.supplier, rule.suppliers()),
    ];
    let unwatched = fields.into_iter().find(|(_, text, list)| !is_watched(text, list));
    let Some((field, text, list)) = unwatched else { return Ok(()) };
    let message = format!("rule {} does not watch this {field}", rule.rule.id);
    let hint = format!("it watches {}", list.join(", "));
    Err(Failure::new(Class::NotFound, "unknown-alert", message).at(field, text).with_hint(hint))
}

/// One sentence for each figure.
fn page(width: usize, rule: &Rule, figures: &[Unfired<'_>]) -> String {
    let mut text = wrap(&format!("{}: {}. No alert so far.", rule.id, rule.title), width, "");
    for figure in figures.iter().take(MAX_SHOWN) {
        text.push_str(&wrap(&figure.sentence(), width, "  "));
    }
    let more = figures.len().saturating_sub(MAX_SHOWN);
    if more > 0 {
        text.push_str(&format!("  {more} more figures: see them with --format csv\n"));
    }
    text
}
