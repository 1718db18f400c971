//! The analyst's view of one market of one consumer.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::material;
use orewatch_contracts::common::v1::{By, Estimate, Status};
use orewatch_contracts::exposure::v1::{Exposure, Subject};

use super::figure::{bar, estimate, percent, status_word, value_in};
use super::out::Out;
use super::sheet::{Align, fit, pad};
use crate::words::name_of;

/// Widths of the columns: code, name, figure.
const CODE: usize = 5;
const NAME: usize = 24;
const FIGURE: usize = 9;

/// A family of measures: prefix of their names, title, and what its parties are called.
const FAMILIES: [(&str, &str, &str); 2] =
    [("production", "World output by producer", "producer"), ("import", "Imports by supplier", "supplier")];

/// One view for each stage and period among the exposures, all of one consumer and one material.
pub(crate) fn render(out: &Out, exposures: &[Exposure], top: usize) -> String {
    let mut markets: BTreeMap<(String, String), Vec<(&Subject, &Exposure)>> = BTreeMap::new();
    for exposure in exposures {
        if let Some(subject) = &exposure.subject {
            let market = (subject.stage.clone(), exposure.period.clone());
            markets.entry(market).or_default().push((subject, exposure));
        }
    }
    let views: Vec<String> = markets
        .into_iter()
        .map(|((stage, period), figures)| View { out, figures }.render(&stage, &period, top))
        .collect();
    views.join("\n")
}

/// A supplier with its shares.
struct Supplier<'a> {
    code: &'a str,
    quantity: Option<&'a Estimate>,
    value: Option<&'a Estimate>,
}

impl Supplier<'_> {
    fn quantity(&self) -> Option<f64> {
        self.quantity.and_then(|estimate| estimate.value)
    }

    fn value(&self) -> Option<f64> {
        self.value.and_then(|estimate| estimate.value)
    }
}

struct View<'a> {
    out: &'a Out,
    figures: Vec<(&'a Subject, &'a Exposure)>,
}

impl View<'_> {
    fn render(&self, stage: &str, period: &str, top: usize) -> String {
        let style = self.out.style;
        let (consumer, about) = self
            .figures
            .first()
            .map(|(subject, _)| (subject.consumer.as_str(), subject.material.as_str()))
            .unwrap_or_default();
        let title = format!(
            "{} ({consumer}) · {} · {stage} · {period}",
            name_of(consumer),
            material(about).map_or(about, |material| material.name)
        );
        let mut lines = vec![style.bold(&title)];
        for (prefix, title, party) in FAMILIES {
            self.family(&mut lines, prefix, title, party, top);
        }
        lines.push(String::new());
        if let Some(reliance) = self.find("net-import-reliance", By::Quantity) {
            lines.push(format!(
                "  {} {}",
                pad("Net import reliance", CODE + NAME, Align::Left),
                explained("share", reliance)
            ));
        }
        lines.push(format!("  {} {}", pad("Certainty", CODE + NAME, Align::Left), self.certainty()));
        for (index, release) in self.releases().into_iter().enumerate() {
            let label = if index == 0 { "Rests on" } else { "" };
            lines.push(format!("  {} {release}", pad(label, CODE + NAME, Align::Left)));
        }
        lines.push(String::new());
        lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
    }

    fn family(&self, lines: &mut Vec<String>, prefix: &str, title: &str, party: &str, top: usize) {
        let shares = self.shares(&format!("{prefix}-share"));
        if shares.is_empty() && self.find(&format!("{prefix}-hhi"), By::Quantity).is_none() {
            return;
        }
        let by_value = shares.iter().any(|supplier| supplier.value.is_some());
        let room = self
            .out
            .width
            .saturating_sub(2 + CODE + NAME + FIGURE + 2 + if by_value { 12 } else { 0 })
            .min(40);
        lines.push(String::new());
        let heading = format!(
            "  {}{}  {}{}",
            pad(title, CODE + NAME, Align::Left),
            pad("quantity", FIGURE, Align::Right),
            " ".repeat(room),
            if by_value { pad("value", 12, Align::Right) } else { String::new() }
        );
        lines.push(self.out.style.dim(heading.trim_end()));
        for supplier in shares.iter().take(top) {
            let length = pad(&bar(supplier.quantity().unwrap_or(0.0), room), room, Align::Left);
            lines.push(format!(
                "  {}{}{}  {}{}",
                pad(supplier.code, CODE, Align::Left),
                pad(name_of(supplier.code), NAME, Align::Left),
                pad(&supplier.quantity.map_or_else(String::new, short), FIGURE, Align::Right),
                self.out.style.cyan(&length),
                pad(&supplier.value.map_or_else(String::new, short), 12, Align::Right)
            ));
        }
        self.rest(lines, shares.get(top..).unwrap_or_default(), room);
        self.summary(lines, prefix, party, room);
    }

    /// All others in one line.
    fn rest(&self, lines: &mut Vec<String>, rest: &[Supplier<'_>], room: usize) {
        if rest.is_empty() {
            return;
        }
        let sum =
            |values: Vec<f64>| if values.is_empty() { String::new() } else { percent(values.iter().sum()) };
        lines.push(format!(
            "  {}{}  {}{}",
            pad(&format!("{} others", rest.len()), CODE + NAME, Align::Left),
            pad(&sum(rest.iter().filter_map(Supplier::quantity).collect()), FIGURE, Align::Right),
            " ".repeat(room),
            pad(&sum(rest.iter().filter_map(Supplier::value).collect()), 12, Align::Right)
        ));
    }

    fn summary(&self, lines: &mut Vec<String>, prefix: &str, party: &str, room: usize) {
        lines.push(String::new());
        let rows = [
            ("hhi", "Concentration (HHI)".to_owned(), "hhi"),
            ("top1", format!("Largest {party}"), "share"),
            ("top3", format!("Three largest {party}s"), "share"),
            ("suppliers", format!("Effective number of {party}s"), "count"),
        ];
        for (suffix, label, unit) in rows {
            let measure = format!("{prefix}-{suffix}");
            let Some(quantity) = self.find(&measure, By::Quantity) else { continue };
            let value = self.find(&measure, By::Value);
            let names = match quantity.names.join(", ") {
                names if names.is_empty() => bounds(unit, quantity.estimate.as_ref()),
                names => names,
            };
            lines.push(format!(
                "  {}{}  {}{}",
                pad(&label, CODE + NAME, Align::Left),
                pad(&plain(unit, quantity.estimate.as_ref()), FIGURE, Align::Right),
                pad(&names, room, Align::Left),
                pad(
                    &value.map_or_else(String::new, |value| plain(unit, value.estimate.as_ref())),
                    12,
                    Align::Right
                )
            ));
        }
    }

    /// Suppliers by share of quantity, the largest first, each with both shares.
    fn shares(&self, measure: &str) -> Vec<Supplier<'_>> {
        let mut shares: BTreeMap<&str, Supplier<'_>> = BTreeMap::new();
        for (subject, exposure) in self.of(measure) {
            let code = subject.supplier.as_str();
            let supplier = shares.entry(code).or_insert(Supplier { code, quantity: None, value: None });
            match subject.by() {
                By::Value => supplier.value = exposure.estimate.as_ref(),
                By::Quantity | By::Unspecified => supplier.quantity = exposure.estimate.as_ref(),
            }
        }
        let mut rows: Vec<Supplier<'_>> = shares.into_values().collect();
        let descending = |a: Option<f64>, b: Option<f64>| b.unwrap_or(-1.0).total_cmp(&a.unwrap_or(-1.0));
        rows.sort_by(|a, b| {
            descending(a.quantity(), b.quantity())
                .then_with(|| descending(a.value(), b.value()))
                .then_with(|| a.code.cmp(b.code))
        });
        rows
    }

    fn of(&self, measure: &str) -> impl Iterator<Item = (&Subject, &Exposure)> {
        let measure = measure.to_owned();
        self.figures
            .iter()
            .copied()
            .filter(move |(subject, _)| subject.measure.split('/').next() == Some(&measure))
    }

    fn find(&self, measure: &str, by: By) -> Option<&Exposure> {
        let wanted = |subject: &Subject| (subject.by() == By::Value) == (by == By::Value);
        self.of(measure).find(|(subject, _)| wanted(subject)).map(|(_, exposure)| exposure)
    }

    /// How much of the figures is known, and why not more.
    fn certainty(&self) -> String {
        let headline =
            FAMILIES.iter().find_map(|(prefix, ..)| self.find(&format!("{prefix}-hhi"), By::Quantity));
        let Some(estimate) = headline.and_then(|exposure| exposure.estimate.as_ref()) else {
            return status_word(Status::Unavailable).to_owned();
        };
        let coverage = estimate
            .coverage
            .map(|coverage| format!("figures are there for {} of the quantity", percent(coverage)));
        let reason = Some(estimate.reason.clone()).filter(|reason| !reason.is_empty());
        let parts = [Some(status_word(estimate.status()).to_owned()), coverage, reason];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    fn releases(&self) -> BTreeSet<&str> {
        self.figures.iter().flat_map(|(_, exposure)| exposure.releases.iter().map(String::as_str)).collect()
    }
}

/// A share, with a mark where it is not wholly known.
fn short(estimate: &Estimate) -> String {
    match estimate.value {
        Some(value) if estimate.status() == Status::Known => percent(value),
        Some(value) => format!("~{}", percent(value)),
        None => fit(status_word(estimate.status()), FIGURE),
    }
}

fn plain(unit: &str, estimate: Option<&Estimate>) -> String {
    let Some(estimate) = estimate else { return String::new() };
    let mark = if estimate.status() == Status::Known { "" } else { "~" };
    estimate.value.map_or_else(
        || fit(status_word(estimate.status()), FIGURE),
        |value| format!("{mark}{}", value_in(unit, value)),
    )
}

fn bounds(unit: &str, estimate: Option<&Estimate>) -> String {
    match estimate.map(|estimate| (estimate.low, estimate.high)) {
        Some((Some(low), Some(high)))
            if low.total_cmp(&high).is_ne() && value_in(unit, low) != value_in(unit, high) =>
        {
            format!("between {} and {}", value_in(unit, low), value_in(unit, high))
        }
        _ => String::new(),
    }
}

fn explained(unit: &str, exposure: &Exposure) -> String {
    let text = estimate(unit, exposure.estimate.as_ref());
    match exposure.estimate.as_ref().map(|estimate| estimate.reason.as_str()) {
        Some(reason) if !reason.is_empty() => format!("{text} ({reason})"),
        _ => text,
    }
}
