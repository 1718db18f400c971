//! The table of the demo: the supplier's share of each consumer's imports, by material.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::hs_codes;
use orewatch_contracts::common::v1::Estimate;

use super::facts::{CONSUMERS, Entry};
use crate::render::{Align, Style, level, pad, status_word};
use crate::words::material_name;

/// Width of the first column and of each other column, in characters.
const LABEL_WIDTH: usize = 17;
const CELL_WIDTH: usize = 6;

/// Shares above which a cell is red, and above which it is yellow.
const HIGH_SHARE: f64 = 0.65;
const ELEVATED_SHARE: f64 = 0.4;

/// A material at the stage at which the first consumer depends most on the supplier.
pub(crate) struct Market<'a> {
    pub(crate) material: &'a str,
    pub(crate) stage: &'a str,
    pub(crate) period: &'a str,
    entries: BTreeMap<&'a str, &'a Entry>,
}

/// Whether all product codes of a market are proxies, which also cover other goods.
fn is_proxy(material: &str, stage: &str) -> bool {
    let mut codes =
        hs_codes().iter().filter(|code| code.material == material && code.stage.to_string() == stage);
    codes.all(|code| code.proxy)
}

/// One market per material, the most dependent first. Markets with proxies only come last.
pub(crate) fn markets(entries: &[Entry]) -> Vec<Market<'_>> {
    let mut markets: BTreeMap<[&str; 3], Market<'_>> = BTreeMap::new();
    for entry in entries {
        let (material, stage, period) = (&*entry.material, &*entry.stage, &*entry.period);
        let market = markets.entry([material, stage, period]).or_insert_with(|| Market {
            material,
            stage,
            period,
            entries: BTreeMap::new(),
        });
        market.entries.insert(&entry.consumer, entry);
    }
    let mut markets: Vec<Market<'_>> = markets.into_values().collect();
    markets.sort_by(|a, b| {
        let rank = |market: &Market<'_>| is_proxy(market.material, market.stage);
        rank(a)
            .cmp(&rank(b))
            .then(b.dependence().total_cmp(&a.dependence()))
            .then_with(|| a.material.cmp(b.material))
    });
    let mut seen = BTreeSet::new();
    markets.retain(|market| seen.insert(market.material));
    markets
}

impl Market<'_> {
    fn dependence(&self) -> f64 {
        let first = CONSUMERS.first().and_then(|consumer| self.entries.get(consumer));
        first.and_then(|entry| entry.value()).unwrap_or(-1.0)
    }
}

/// Renders the table, with as many consumers as fit into `width`.
pub(crate) fn render(style: Style, width: usize, markets: &[Market<'_>]) -> String {
    let room = width.saturating_sub(LABEL_WIDTH + 4) / CELL_WIDTH;
    let consumers: Vec<&str> = CONSUMERS.into_iter().take(room).collect();
    let rule = |left: &str, middle: &str, right: &str| {
        format!(
            "{left}{}{middle}{}{right}\n",
            "─".repeat(LABEL_WIDTH + 1),
            "─".repeat(CELL_WIDTH * consumers.len())
        )
    };
    let heading: String =
        consumers.iter().map(|consumer| pad(consumer, CELL_WIDTH - 1, Align::Right) + " ").collect();
    let mut text = rule("╭", "┬", "╮");
    text.push_str(&format!("│{}│{}│\n", " ".repeat(LABEL_WIDTH + 1), style.bold(&heading)));
    for market in markets {
        text.push_str(&rule("├", "┼", "┤"));
        let labels = [
            (material_name(market.material), "%"),
            (stage_label(market), "HHI"),
            (market.period.to_owned(), "top"),
        ];
        for (index, (label, what)) in labels.iter().enumerate() {
            let label =
                format!(" {}{} ", pad(label, LABEL_WIDTH - 4, Align::Left), pad(what, 3, Align::Right));
            let cells: String = consumers
                .iter()
                .map(|consumer| cell(style, index, market.entries.get(consumer).copied()))
                .collect();
            text.push_str(&format!(
                "│{}│{cells}│\n",
                if index == 0 { style.bold(&label) } else { style.dim(&label) }
            ));
        }
    }
    text.push_str(&rule("╰", "┴", "╯"));
    text
}

fn stage_label(market: &Market<'_>) -> String {
    let mark = if is_proxy(market.material, market.stage) { " *" } else { "" };
    format!("{}{mark}", market.stage)
}

fn cell(style: Style, line: usize, entry: Option<&Entry>) -> String {
    let Some(entry) = entry else { return pad("-", CELL_WIDTH - 1, Align::Right) + " " };
    match line {
        0 => share(style, entry),
        1 => style.dim(&(pad(&concentration(&entry.hhi), CELL_WIDTH - 1, Align::Right) + " ")),
        _ => style.dim(&(pad(entry.top.as_deref().unwrap_or("-"), CELL_WIDTH - 1, Align::Right) + " ")),
    }
}

fn share(style: Style, entry: &Entry) -> String {
    let Some(value) = entry.value() else {
        return pad(short_status(&entry.share), CELL_WIDTH - 1, Align::Right) + " ";
    };
    let mark = entry.mark();
    let text = format!(
        "{}{} ",
        pad(&format!("{mark}{:.0}", value * 100.0), CELL_WIDTH - 2, Align::Right),
        level(value)
    );
    if value > HIGH_SHARE {
        style.red(&text)
    } else if value > ELEVATED_SHARE {
        style.yellow(&text)
    } else {
        text
    }
}

fn concentration(hhi: &Estimate) -> String {
    match hhi.value {
        Some(hhi) => format!("{hhi:.0}"),
        None => short_status(hhi).to_owned(),
    }
}

/// The status of a missing figure, in at most five characters.
fn short_status(estimate: &Estimate) -> &'static str {
    match status_word(estimate.status()) {
        "withheld" => "withh",
        "not applicable" => "n/a",
        _ => "-",
    }
}
