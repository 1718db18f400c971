//! The demo's output as one JSON document.
use serde_json::{Value, json};

use super::facts::{AsAtFigure, Entry, Facts, Flip, Headline, Restated, SUPPLIER, Side};
use super::{goal, monthly, origins};
use crate::render::{document as rows, object, status_word};
use crate::view::state_word;

/// Renders the facts as one JSON document.
pub(crate) fn document(facts: &Facts) -> Value {
    json!({
        "releases": rows(&facts.releases),
        "seconds": facts.seconds,
        "supplier": SUPPLIER,
        "goal": goal::document(&facts.standing.goal),
        "monthly": monthly::document(&facts.standing.months),
        "headlines": facts.standing.headlines.iter().map(headline).collect::<Vec<_>>(),
        "table": facts.standing.entries.iter().map(entry).collect::<Vec<_>>(),
        "origins": facts.standing.origins.as_ref().map(origins::document),
        "alerts": rows(&facts.standing.alerts),
        "restatement": {
            "shares_changed": facts.restatement.changed,
            "largest_producers": facts.restatement.restated.iter().map(restated).collect::<Vec<_>>(),
            "alerts": facts.restatement.flips.iter().map(flip).collect::<Vec<_>>(),
            "as_at": facts.restatement.as_at.iter().map(as_at).collect::<Vec<_>>(),
        },
    })
}

fn headline(headline: &Headline) -> Value {
    let series: Vec<Value> =
        headline.series.iter().map(|(period, value)| json!({"period": period, "value": value})).collect();
    json!({
        "consumer": headline.consumer,
        "material": headline.material,
        "stage": headline.stage,
        "supplier": SUPPLIER,
        "line": headline.line,
        "series": series,
    })
}

fn entry(entry: &Entry) -> Value {
    json!({
        "consumer": entry.consumer,
        "material": entry.material,
        "stage": entry.stage,
        "period": entry.period,
        "share": entry.share.value,
        "share_status": status_word(entry.share.status()),
        "hhi": entry.hhi.value,
        "top_supplier": entry.top,
        "top_share": entry.top_share.value,
        "releases": entry.releases,
    })
}

fn restated(restated: &Restated) -> Value {
    let side = |side: &Side| json!({"producer": side.name, "share": side.share, "hhi": side.hhi});
    json!({
        "material": restated.material,
        "stage": restated.stage,
        "period": restated.period,
        "old": side(&restated.old),
        "new": side(&restated.new),
        "difference": restated.difference(),
    })
}

fn flip(flip: &Flip) -> Value {
    let restated = flip
        .restated
        .as_ref()
        .map(|(period, was, is)| json!({"period": period, "was": state_word(*was), "is": state_word(*is)}));
    json!({"event": flip.event, "restated": restated, "alert": object(&flip.alert)})
}

fn as_at(figure: &AsAtFigure) -> Value {
    json!({
        "as_at": figure.vintage,
        "material": figure.material,
        "stage": figure.stage,
        "period": figure.period,
        "measure": figure.measure,
        "value": figure.value.value,
        "names": figure.names,
    })
}
