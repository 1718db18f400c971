//! The monthly example: what the United Kingdom's customs say about magnets.
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::{By, Frequency};
use orewatch_contracts::exposure::v1::{Exposure, ExposureFilter};
use serde_json::{Value, json};

use super::facts::{Months, SUPPLIER};
use crate::commands::exposure;
use crate::render::{Style, percent, sparkline, wrap};
use crate::session::Client;
use crate::words::economy_name;

/// The example: consumer, material, stage.
const EXAMPLE: (&str, &str, &str) = ("GBR", "rare-earths", "manufactured");

/// Months that are shown.
const MONTHS: usize = 25;

/// Queries the supplier's share by month.
pub(crate) async fn gather(client: &Client) -> Result<Months, Failure> {
    let (consumer, material, stage) = EXAMPLE;
    let filter = ExposureFilter {
        consumers: vec![consumer.to_owned()],
        materials: vec![material.to_owned()],
        stages: vec![stage.to_owned()],
        suppliers: vec![SUPPLIER.to_owned()],
        measures: vec!["import-share".to_owned()],
        by: By::Quantity.into(),
        as_of: "all".to_owned(),
        frequency: Frequency::Monthly.into(),
    };
    let found = exposure::query(client, exposure::current(filter)).await?.exposures;
    let month = |one: Exposure| (one.period, one.estimate.and_then(|estimate| estimate.value));
    let mut months: Months = found.into_iter().map(month).collect();
    months.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(months.split_off(months.len().saturating_sub(MONTHS)))
}

/// The heading of the block.
pub(crate) fn title(months: &Months) -> String {
    let last = months.last().map_or("", |(month, _)| month);
    format!("By month: magnets that the United Kingdom imports from {}, up to {last}", economy_name(SUPPLIER))
}

/// Renders the series, with its lowest and its last month.
pub(crate) fn block(style: Style, width: usize, months: &Months) -> String {
    let known = || months.iter().filter_map(|(month, share)| Some((month.as_str(), (*share)?)));
    let lowest = known().min_by(|a, b| a.1.total_cmp(&b.1));
    let highest = known().max_by(|a, b| a.1.total_cmp(&b.1));
    let said = |what: &str, found: Option<(&str, f64)>| {
        found.map(|(month, share)| format!("{what} {} in {month}", percent(share)))
    };
    let parts = [said("lowest", lowest), said("highest", highest), said("last", known().next_back())];
    let sentence = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let line = sparkline(months.iter().map(|(_, share)| *share));
    let (consumer, material, stage) = EXAMPLE;
    let command = format!(
        "orewatch exposure --consumer {consumer} --material {material} --stage {stage} --supplier {SUPPLIER} \
         --measure import-share --by quantity --frequency monthly --as-of all"
    );
    format!("  {}  {sentence}\n{}", style.cyan(&line), style.dim(&wrap(&command, width, "  ")))
}

/// The block as JSON.
pub(crate) fn document(months: &Months) -> Value {
    let (consumer, material, stage) = EXAMPLE;
    let series: Vec<Value> =
        months.iter().map(|(period, value)| json!({"period": period, "value": value})).collect();
    json!({
        "consumer": consumer,
        "material": material,
        "stage": stage,
        "supplier": SUPPLIER,
        "series": series,
    })
}
