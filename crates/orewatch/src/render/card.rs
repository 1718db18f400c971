//! Summary of one consumer's supply of one material: suppliers, concentration, other measures and sources.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::material;
use orewatch_contracts::common::v1::{By, Estimate, Status};
use orewatch_contracts::exposure::v1::{Exposure, Subject};

use super::out::Out;
use super::sheet::{Align, fit, pad};
use super::wrap::{labelled, wrap};
use crate::view::{projection_words, trend, verdict};
use crate::words::economy_name;
use orewatch_contracts::figure::{bar, brief, estimate, percent, status_word};
use orewatch_contracts::market::{names_text, products_text, proxy_caveat, size_text};

/// Widths of the columns, in characters.
const CODE_WIDTH: usize = 5;
const NAME_WIDTH: usize = 24;
const FIGURE_WIDTH: usize = 9;

/// Maximum width of a bar, in characters.
const MAX_BAR_WIDTH: usize = 40;

/// Families of measures: prefix of their names, title, and the word for their suppliers.
const FAMILIES: [(&str, &str, &str); 3] = [
    ("production", "World production by producer", "producer"),
    ("import", "Imports by supplier", "supplier"),
    ("lookthrough", "Estimated origin, after re-exports", "origin"),
];

/// Endings of the names of measures that a family shows.
const FAMILY_MEASURES: [&str; 5] = ["share", "hhi", "top1", "top3", "suppliers"];

/// Maximum number of suppliers that are named for a measure outside the families.
const MAX_NAMED: usize = 3;

/// Renders one summary per stage and period. All exposures belong to one consumer and one material.
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

/// A supplier with its shares by quantity and by value.
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

    /// Both shares as text.
    fn texts(&self) -> [String; 2] {
        [self.quantity, self.value].map(|share| figure_text("share", share))
    }
}

/// A line of the summary of a family.
struct SummaryRow {
    label: String,
    quantity: String,
    value: String,
    names: String,
}

/// The columns of a family: label, figure by quantity, bar or names, figure by value.
struct FigureColumns {
    quantity: usize,
    /// Width of bars and names.
    room: usize,
    /// 0 without figures by value.
    value: usize,
}

impl FigureColumns {
    /// The widths that the figures need; bars take what is left.
    fn fit(out: &Out, shares: &[Supplier<'_>], summary: &[SummaryRow], top: usize) -> Self {
        let length = |text: &str| text.chars().count();
        let shown: Vec<_> = shares.iter().take(top).map(Supplier::texts).collect();
        let quantities = shown.iter().map(|[quantity, _]| length(quantity));
        let quantities = quantities.chain(summary.iter().map(|row| length(&row.quantity)));
        let values = shown.iter().map(|[_, value]| length(value));
        let values = values.chain(summary.iter().map(|row| length(&row.value)));
        let quantity = quantities.fold(FIGURE_WIDTH, usize::max);
        let by_value = shares.iter().any(|supplier| supplier.value.is_some());
        let value = if by_value { values.fold(FIGURE_WIDTH, usize::max) + 3 } else { 0 };
        let taken = 2 + CODE_WIDTH + NAME_WIDTH + quantity + 2 + value;
        Self { quantity, room: out.width.saturating_sub(taken).min(MAX_BAR_WIDTH), value }
    }

    fn line(&self, label: &str, figures: [&str; 2], names: &str) -> String {
        self.painted_line(label, figures, &pad(names, self.room, Align::Left))
    }

    /// A line with a text of the width of bars.
    fn painted_line(&self, label: &str, [quantity, value]: [&str; 2], bar: &str) -> String {
        let value = if self.value == 0 { String::new() } else { pad(value, self.value, Align::Right) };
        format!(
            "  {}{}  {bar}{value}",
            pad(label, CODE_WIDTH + NAME_WIDTH, Align::Left),
            pad(quantity, self.quantity, Align::Right)
        )
    }
}

/// The sum of all other suppliers in one line. `None`: there are no others.
fn other_suppliers(rest: &[Supplier<'_>], columns: &FigureColumns) -> Option<String> {
    let sum = |values: Vec<f64>| if values.is_empty() { String::new() } else { percent(values.iter().sum()) };
    let quantity = sum(rest.iter().filter_map(Supplier::quantity).collect());
    let value = sum(rest.iter().filter_map(Supplier::value).collect());
    (!rest.is_empty()).then(|| columns.line(&format!("{} others", rest.len()), [&quantity, &value], ""))
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
            "{} ({consumer}) · {} · {stage} · {period}{}",
            economy_name(consumer),
            material(about).map_or(about, |material| material.name),
            self.projection()
        );
        let mut lines = vec![style.bold(&title)];
        for (prefix, title, party) in FAMILIES {
            self.family(&mut lines, prefix, title, party, top);
        }
        lines.push(String::new());
        self.other_figures(&mut lines);
        if let Some(certainty) = self.certainty() {
            let text = labelled("Certainty", &certainty, self.out.width, 2 + CODE_WIDTH + NAME_WIDTH + 1);
            lines.extend(text.lines().map(str::to_owned));
        }
        for (label, text) in self.data_notes() {
            let text = labelled(label, &text, self.out.width, 2 + CODE_WIDTH + NAME_WIDTH + 1);
            lines.extend(text.lines().map(str::to_owned));
        }
        for (index, release) in self.releases().into_iter().enumerate() {
            let label = if index == 0 { "Releases" } else { "" };
            lines.push(format!("  {} {release}", pad(label, CODE_WIDTH + NAME_WIDTH, Align::Left)));
        }
        lines.push(String::new());
        lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
    }

    /// The mark of a projection in the title. Empty for observations.
    fn projection(&self) -> String {
        let words = self.figures.first().map(|(_, exposure)| projection_words(exposure)).unwrap_or_default();
        if words.is_empty() { words } else { format!(" · {words}") }
    }

    fn family(&self, lines: &mut Vec<String>, prefix: &str, title: &str, party: &str, top: usize) {
        let shares = self.shares(&format!("{prefix}-share"));
        if shares.is_empty() && self.find(&format!("{prefix}-hhi"), By::Quantity).is_none() {
            return;
        }
        let summary = self.summary(prefix, party);
        let columns = FigureColumns::fit(self.out, &shares, &summary, top);
        lines.push(String::new());
        let heading = columns.line(title, ["quantity", "value"], "");
        lines.push(self.out.style.dim(heading.trim_end()));
        for supplier in shares.iter().take(top) {
            let bar = bar(supplier.quantity().unwrap_or(0.0), columns.room);
            let bar = self.out.style.cyan(&pad(&bar, columns.room, Align::Left));
            let label = format!(
                "{}{}",
                pad(supplier.code, CODE_WIDTH, Align::Left),
                pad(economy_name(supplier.code), NAME_WIDTH, Align::Left)
            );
            lines.push(columns.painted_line(&label, supplier.texts().each_ref().map(String::as_str), &bar));
        }
        lines.extend(other_suppliers(shares.get(top..).unwrap_or_default(), &columns));
        lines.push(String::new());
        for row in &summary {
            let figures = [row.quantity.as_str(), row.value.as_str()];
            lines.push(columns.line(&row.label, figures, &row.names));
        }
    }

    /// Concentration, largest suppliers and number of suppliers of a family.
    fn summary(&self, prefix: &str, party: &str) -> Vec<SummaryRow> {
        let rows = [
            ("hhi", "Concentration (HHI)".to_owned(), "hhi"),
            ("top1", format!("Largest {party}"), "share"),
            ("top3", format!("Three largest {party}s"), "share"),
            ("suppliers", format!("Effective number of {party}s"), "count"),
        ];
        let row = |(suffix, label, unit): (&str, String, &str)| {
            let measure = format!("{prefix}-{suffix}");
            let quantity = self.find(&measure, By::Quantity)?;
            let value = self.find(&measure, By::Value);
            let change = quantity.trend.as_ref().map_or_else(String::new, |trend| {
                trend::change_words(
                    unit,
                    trend,
                    quantity.estimate.as_ref().and_then(|estimate| estimate.value),
                )
            });
            let names = [names_text(&quantity.names, &quantity.tied), change];
            let names = names.into_iter().filter(|text| !text.is_empty());
            Some(SummaryRow {
                label,
                quantity: figure_text(unit, quantity.estimate.as_ref()),
                value: value.map_or_else(String::new, |value| figure_text(unit, value.estimate.as_ref())),
                names: names.collect::<Vec<_>>().join("  "),
            })
        };
        rows.into_iter().filter_map(row).collect()
    }

    /// Suppliers by share of quantity, the largest first, each with both shares.
    fn shares(&self, measure: &str) -> Vec<Supplier<'_>> {
        let mut shares: BTreeMap<&str, Supplier<'_>> = BTreeMap::new();
        for (subject, exposure) in self.by_measure(measure) {
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

    fn by_measure(&self, measure: &str) -> impl Iterator<Item = (&Subject, &Exposure)> {
        let measure = measure.to_owned();
        self.figures
            .iter()
            .copied()
            .filter(move |(subject, _)| subject.measure.split('/').next() == Some(&measure))
    }

    fn find(&self, measure: &str, by: By) -> Option<&Exposure> {
        let wanted = |subject: &Subject| (subject.by() == By::Value) == (by == By::Value);
        self.by_measure(measure).find(|(subject, _)| wanted(subject)).map(|(_, exposure)| exposure)
    }

    /// Measures outside the families, with their figures and thresholds; then those without a figure, by
    /// reason.
    fn other_figures(&self, lines: &mut Vec<String>) {
        let mut missing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut shown = Vec::new();
        for name in self.other_measures() {
            match self.measure_line(name) {
                Ok(line) => shown.push(line),
                Err(reason) => missing.entry(reason).or_default().push(name),
            }
        }
        if !shown.is_empty() {
            shown.push(String::new());
        }
        lines.extend(shown);
        if missing.is_empty() {
            return;
        }
        lines.push(self.out.style.dim("  No figure"));
        for (reason, names) in missing {
            let text = format!("{}: {reason}", names.join(", "));
            lines.extend(wrap(&text, self.out.width, "    ").lines().map(str::to_owned));
        }
        lines.push(String::new());
    }

    /// Names of the measures outside the families.
    fn other_measures(&self) -> Vec<&str> {
        let is_shown = |name: &str| {
            name.rsplit_once('-').is_some_and(|(prefix, ending)| {
                FAMILY_MEASURES.contains(&ending) && FAMILIES.iter().any(|(family, ..)| *family == prefix)
            })
        };
        let names = self.figures.iter().filter_map(|(subject, _)| subject.measure.split('/').next());
        let names: BTreeSet<&str> = names.filter(|name| !is_shown(name)).collect();
        names.into_iter().collect()
    }

    /// A measure in one line, or the reason why it has no figure.
    fn measure_line(&self, name: &str) -> Result<String, &str> {
        let label = pad(name, CODE_WIDTH + NAME_WIDTH, Align::Left);
        let suppliers = self.largest_suppliers(name);
        if !suppliers.is_empty() {
            return Ok(format!("  {label} {}", suppliers.join(", ")));
        }
        let exposure = self.find(name, By::Quantity).or_else(|| self.find(name, By::Value));
        let Some(exposure) = exposure else { return Err("") };
        match exposure.estimate.as_ref() {
            Some(known) if known.value.is_some() || known.low.is_some() => {
                let verdict = verdict::headline(exposure)
                    .map(|verdict| format!("   {}", verdict::verdict_words(&exposure.unit, verdict)));
                let figure = estimate(&exposure.unit, exposure.estimate.as_ref());
                let verdict = verdict.unwrap_or_default();
                let text = format!("  {label} {figure}{verdict}   {}", trend_text(exposure));
                Ok(text.trim_end().to_owned())
            }
            Some(unknown) if !unknown.reason.is_empty() => Err(&unknown.reason),
            Some(unknown) => Err(status_word(unknown.status())),
            None => Err(status_word(Status::Unavailable)),
        }
    }

    /// The largest suppliers by a measure that has one figure per supplier.
    fn largest_suppliers(&self, name: &str) -> Vec<String> {
        let mut figures: Vec<(&str, &str, &Estimate)> = self
            .by_measure(name)
            .filter(|(subject, _)| !subject.supplier.is_empty())
            .filter_map(|(subject, one)| Some((&*subject.supplier, &*one.unit, one.estimate.as_ref()?)))
            .filter(|(_, _, estimate)| estimate.value.is_some())
            .collect();
        let value = |estimate: &Estimate| estimate.value.unwrap_or(f64::NEG_INFINITY);
        figures.sort_by(|a, b| value(b.2).total_cmp(&value(a.2)).then_with(|| a.0.cmp(b.0)));
        let named = figures.iter().take(MAX_NAMED);
        named.map(|(code, unit, estimate)| format!("{code} {}", brief(unit, Some(estimate)))).collect()
    }

    /// Status and coverage of the concentration, with the reason if something is unknown. `None` without a
    /// concentration.
    fn certainty(&self) -> Option<String> {
        let headline =
            FAMILIES.iter().find_map(|(prefix, ..)| self.find(&format!("{prefix}-hhi"), By::Quantity));
        let headline = headline?;
        let estimate = headline.estimate.as_ref()?;
        let measure = headline.subject.as_ref()?.measure.split('/').next().unwrap_or_default();
        let coverage = estimate.coverage.map(|coverage| {
            format!("{} of the required product codes, reports and amounts are covered", covered(coverage))
        });
        let family = measure.strip_suffix("-hhi").unwrap_or_default();
        let reason = Some(estimate.reason.clone()).filter(|reason| !reason.is_empty());
        // The rows of a proxy may be complete, and still say little about the material.
        let proxies = headline.products.iter().any(|product| product.proxy);
        let of_what = if proxies { " for the product code, not for the material" } else { "" };
        let status = format!("{measure} by quantity is {}{of_what}", status_word(estimate.status()));
        let parts = [Some(status), coverage, self.without_tonnage(family), reason];
        Some(parts.into_iter().flatten().collect::<Vec<_>>().join("; "))
    }

    /// How many suppliers have no tonnage: `2 of 36 suppliers have no tonnage`. `None`: all have one.
    fn without_tonnage(&self, family: &str) -> Option<String> {
        let shares = self.shares(&format!("{family}-share"));
        let missing = shares.iter().filter(|supplier| supplier.quantity().is_none()).count();
        (missing > 0).then(|| format!("{missing} of {} suppliers have no tonnage", shares.len()))
    }

    /// Missing data, and other datasets that have the figures.
    fn data_notes(&self) -> Vec<(&'static str, String)> {
        let joined = |of: fn(&Exposure) -> &Vec<String>| {
            let texts: BTreeSet<_> = self.figures.iter().flat_map(|(_, exposure)| of(exposure)).collect();
            texts.into_iter().cloned().collect::<Vec<_>>().join(", ")
        };
        let others = self.figures.iter().any(|(_, exposure)| exposure.spread.is_some());
        let mut notes = self.market_notes();
        notes.extend([
            ("Codes without data", joined(|exposure| &exposure.missing_codes)),
            ("Members without data", joined(|exposure| &exposure.missing_members)),
        ]);
        if others {
            notes.push((
                "Other datasets",
                "have these figures too; compare them with --measure and --sources".to_owned(),
            ));
        }
        notes.retain(|(_, text)| !text.is_empty());
        notes
    }

    /// What the figures of trade are about: the products, what stands between them and the material, and how
    /// much is imported.
    fn market_notes(&self) -> Vec<(&'static str, String)> {
        let of_trade = self.figures.iter().find(|(_, exposure)| !exposure.products.is_empty());
        let Some((subject, exposure)) = of_trade else { return Vec::new() };
        vec![
            ("Products", products_text(&exposure.products)),
            ("Caveat", proxy_caveat(&subject.material, &exposure.products)),
            ("Imports", size_text(exposure.size.as_ref())),
        ]
    }

    fn releases(&self) -> BTreeSet<&str> {
        self.figures.iter().flat_map(|(_, exposure)| exposure.releases.iter().map(String::as_str)).collect()
    }
}

/// A coverage in percent: less than all of it is never rounded to 100 %.
fn covered(coverage: f64) -> String {
    if coverage < 1.0 { percent(coverage.min(0.999)) } else { percent(coverage) }
}

/// A figure with its bounds, or its status. Empty without an estimate.
fn figure_text(unit: &str, estimate: Option<&Estimate>) -> String {
    let Some(estimate) = estimate else { return String::new() };
    match estimate.value {
        Some(_) => brief(unit, Some(estimate)),
        None => fit(status_word(estimate.status()), FIGURE_WIDTH),
    }
}

/// The trend of a figure, if it was requested: `↑ +4.1 pp, mean of 3 61.2 %, of 5 60.1 %`.
fn trend_text(exposure: &Exposure) -> String {
    let Some(trend) = &exposure.trend else { return String::new() };
    let unit = exposure.unit.as_str();
    let value = exposure.estimate.as_ref().and_then(|estimate| estimate.value);
    let means = [("mean of 3", &trend.mean3), ("of 5", &trend.mean5)];
    let known = means.into_iter().filter(|(_, mean)| mean.as_ref().is_some_and(|mean| mean.value.is_some()));
    let means = known.map(|(name, mean)| format!(", {name} {}", trend::mean_words(unit, mean.as_ref())));
    let change = trend::change_words(unit, trend, value);
    if change == "-" { String::new() } else { format!("{change}{}", means.collect::<String>()) }
}
