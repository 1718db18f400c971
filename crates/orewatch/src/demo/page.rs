//! The demo's output as a page for people.
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;

use orewatch_catalog::hs_codes;
use orewatch_contracts::alerting::v1::{Alert, Certainty, Rule};
use orewatch_contracts::ingestion::v1::{Release, Table};

use super::facts::{AsAtFigure, Facts, Flip, Restated, SUPPLIER};
use super::{goal, headline, monthly, origins, table};
use crate::commands::alerts::NOT_CONFIRMED;
use crate::render::{
    Align, Out, Style, estimate, number, pad, percent, signed_points, sparkline, value_in, wrap,
};
use crate::view::{margin_text, reason_word, state_word, threshold_text, value_text};
use crate::words::{economy_name, grouped, material_name};

/// Maximum width of the page, in characters.
const MAX_WIDTH: usize = 100;

/// Width of the figures of alerts with their bounds, in characters.
const VALUE_WIDTH: usize = 21;

/// Maximum number of alerts per rule, and of restated figures, on the full page.
const MAX_ALERTS_PER_RULE: usize = 5;
const MAX_RESTATED: usize = 8;

/// Maximum number of materials, alerts and restated figures on the short page.
const SHORT_MAX_MATERIALS: usize = 3;
const SHORT_MAX_ALERTS: usize = 6;
const SHORT_MAX_RESTATED: usize = 2;

/// Renders the full page, or a short one of about a screen and a half.
pub(crate) fn render(out: &Out, facts: &Facts, data: Option<&Path>, full: bool) -> String {
    let page = Page { style: out.style, width: out.width.min(MAX_WIDTH), facts, full };
    let parts = [
        page.title(),
        page.targets(),
        page.refining(),
        page.headlines(),
        page.table(),
        page.origins(),
        page.months(),
        page.alerts(),
        page.restatement(),
        page.next(data),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

struct Page<'a> {
    style: Style,
    width: usize,
    facts: &'a Facts,
    full: bool,
}

impl Page<'_> {
    fn heading(&self, text: &str) -> String {
        let line = "━".repeat(self.width.saturating_sub(text.chars().count() + 4));
        format!("{}\n\n", self.style.bold(&format!("━━ {text} {line}")))
    }

    fn title(&self) -> String {
        let facts = self.facts;
        let rows: u64 = facts
            .releases
            .iter()
            .filter_map(|info| info.report.as_ref())
            .map(|report| report.rows_recorded)
            .sum();
        let mut text = format!(
            "\n{}\n{} rows of statistics read, {} figures computed, {} rules evaluated in {:.1} s on this \
             machine.\n",
            self.style.bold("OREWATCH  who depends on whom for critical minerals"),
            grouped(rows),
            grouped(u64::try_from(facts.before.figures).unwrap_or(u64::MAX)),
            facts.before.rules.len(),
            facts.seconds
        );
        if !self.full {
            let sources = facts.releases.iter().filter_map(|info| info.release.as_ref()).map(source_text);
            let sources = sources.collect::<Vec<_>>().join(", ");
            text.push_str(&self.style.dim(&wrap(&format!("Sources: {sources}."), self.width, "  ")));
            return text;
        }
        for info in &facts.releases {
            let release = info.release.clone().unwrap_or_default();
            let report = info.report.clone().unwrap_or_default();
            let table = release.table();
            let origin = release.provenance.unwrap_or_default();
            let line = format!(
                "  {}{}{}{} rows",
                pad(&format!("{} {}", release.dataset, release.vintage), 20, Align::Left),
                pad(&format!("{}, {}", origin.publisher, origin.licence), 44, Align::Left),
                pad(&span(table, &report.first_period, &report.last_period), 14, Align::Left),
                pad(&grouped(report.rows_recorded), 8, Align::Right)
            );
            text.push_str(&format!("{}\n", self.style.dim(&line)));
        }
        text
    }

    fn targets(&self) -> String {
        let goal = &self.facts.before.goal;
        if goal::is_empty(goal) {
            return String::new();
        }
        self.heading(&goal::targets_title()) + &goal::targets_block(self.style, goal)
    }

    fn refining(&self) -> String {
        let goal = &self.facts.before.goal;
        if goal::is_empty(goal) {
            return String::new();
        }
        self.heading(&goal::refining_title()) + &goal::refining_block(self.style, self.width, goal)
    }

    fn months(&self) -> String {
        let months = &self.facts.before.months;
        if months.is_empty() {
            return String::new();
        }
        self.heading(&monthly::title(months)) + &monthly::block(self.style, self.width, months)
    }

    fn headlines(&self) -> String {
        let headlines = &self.facts.before.headlines;
        let mut text = self.heading(&format!("Imports from {}, by quantity", economy_name(SUPPLIER)));
        if let Some(first) = headlines.first() {
            let periods: String =
                first.series.iter().map(|(period, _)| pad(period, 7, Align::Right)).collect();
            text.push_str(&self.style.dim(&format!("  {}{periods}\n", " ".repeat(27))));
        }
        for headline in headlines {
            let shares: String =
                headline.series.iter().map(|(_, share)| self.share(*share, headline.line)).collect();
            let label = format!("{}, {}", material_name(&headline.material), &headline.stage);
            text.push_str(&format!(
                "  {}{}{shares} %  {}\n",
                self.style.bold(&pad(&headline.consumer, 6, Align::Left)),
                pad(&label, 21, Align::Left),
                self.style.cyan(&sparkline(headline.series.iter().map(|(_, share)| *share)))
            ));
        }
        if self.full {
            text.push('\n');
            for headline in headlines {
                text.push_str(&wrap(&headline::sentence(headline), self.width, "  "));
            }
        }
        text.push_str(&self.style.dim(&wrap(&self.scope(), self.width, "  ")));
        text
    }

    /// A share in percent, marked with `*` if it is above the threshold.
    fn share(&self, share: Option<f64>, line: Option<f64>) -> String {
        let Some(share) = share else { return pad("-", 7, Align::Right) };
        let text = format!("{:.1}", share * 100.0);
        if line.is_some_and(|line| share > line) {
            self.style.red(&pad(&format!("*{text}"), 7, Align::Right))
        } else {
            pad(&text, 7, Align::Right)
        }
    }

    /// Legend of the series; on the full page with their product codes.
    fn scope(&self) -> String {
        let marks = "* above the threshold. Trade between members of a bloc is not counted.";
        if !self.full {
            return marks.to_owned();
        }
        let mut markets: Vec<(&str, &str)> = self
            .facts
            .before
            .headlines
            .iter()
            .map(|headline| (&*headline.material, &*headline.stage))
            .collect();
        markets.dedup();
        let codes = markets.iter().map(|(material, stage)| {
            let mut codes: Vec<&str> = hs_codes()
                .iter()
                .filter(|code| code.material == *material && code.stage.to_string() == *stage && !code.proxy)
                .map(|code| code.code)
                .collect();
            codes.dedup();
            format!("{}, {}: HS {}", material_name(material), stage, codes.join(", "))
        });
        format!("{marks} {}.", codes.collect::<Vec<_>>().join("; "))
    }

    fn table(&self) -> String {
        let markets = table::markets(&self.facts.before.entries);
        let mut text = self.heading(&format!(
            "Share of imports from {}, concentration, largest supplier",
            economy_name(SUPPLIER)
        ));
        let shown = if self.full { markets.len() } else { SHORT_MAX_MATERIALS.min(markets.len()) };
        let markets = markets.get(..shown).unwrap_or_default();
        text.push_str(&table::render(self.style, self.width, markets));
        if !self.full {
            let note = "%: share of imports, ~ if some quantity is unknown, ? if it may differ by a point or \
                        more. HHI: concentration, 0 to 10 000.";
            text.push_str(&self.style.dim(&wrap(note, self.width, "  ")));
            return text;
        }
        let releases: Vec<&str> = self
            .facts
            .before
            .entries
            .first()
            .into_iter()
            .flat_map(|entry| entry.releases.iter().map(String::as_str))
            .collect();
        let note = format!(
            "By quantity. For each material, the stage at which the G7 depends most on {}. %: share of \
             imports, ~ if some quantity is unknown, ? if it may differ by a point or more (`orewatch \
             exposure` prints the range). HHI: concentration, 0 to 10 000. *: the product code also covers \
             other goods. Data: {}.",
            economy_name(SUPPLIER),
            releases.join(", ")
        );
        text.push_str(&self.style.dim(&wrap(&note, self.width, "  ")));
        text
    }

    fn origins(&self) -> String {
        let Some(known) = &self.facts.before.origins else { return String::new() };
        self.heading(&origins::title(known)) + &origins::block(self.style, self.width, known)
    }

    fn alerts(&self) -> String {
        let mut alerts = self.facts.before.alerts.clone();
        alerts.sort_by(by_margin);
        let mut text = self.heading(&format!("Alerts: {} thresholds are crossed", alerts.len()));
        text.push_str(&self.style.dim(&format!(
            "    severity {}{}{}{}{}{}{}{}  since\n",
            pad("consumer", 9, Align::Left),
            pad("material", 12, Align::Left),
            pad("stage", 9, Align::Left),
            pad("from", 5, Align::Left),
            "year",
            pad("value", VALUE_WIDTH, Align::Right),
            pad("threshold", 9, Align::Right),
            pad("margin", 10, Align::Right)
        )));
        if !self.full {
            for alert in alerts.iter().take(SHORT_MAX_ALERTS) {
                text.push_str(&self.alert(alert));
            }
            text.push_str(&more(alerts.len(), SHORT_MAX_ALERTS, "orewatch demo --full"));
            return text;
        }
        let mut by_rule: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
        for alert in &alerts {
            by_rule.entry(&alert.rule).or_default().push(alert);
        }
        let rules = &self.facts.before.rules;
        let groups = rules.iter().filter_map(|rule| Some((rule, by_rule.get(rule.id.as_str())?)));
        let groups: Vec<String> = groups.map(|(rule, alerts)| self.rule_alerts(rule, alerts)).collect();
        text.push_str(&groups.join("\n"));
        let note = format!("~ some quantity is unknown, and rounding hides it. {NOT_CONFIRMED}.");
        text.push_str(&self.style.dim(&format!("\n{}", wrap(&note, self.width, "  "))));
        text
    }

    fn rule_alerts(&self, rule: &Rule, alerts: &[&Alert]) -> String {
        let mut text = format!("  {}\n", self.style.bold(&rule.title));
        text.push_str(&self.style.dim(&wrap(first_sentence(&rule.text), self.width, "  ")));
        for alert in alerts.iter().take(MAX_ALERTS_PER_RULE) {
            text.push_str(&self.alert(alert));
        }
        text.push_str(&more(
            alerts.len(),
            MAX_ALERTS_PER_RULE,
            &format!("orewatch alerts --rule {}", rule.id),
        ));
        text
    }

    fn alert(&self, alert: &Alert) -> String {
        let subject = alert.subject.clone().unwrap_or_default();
        let on = if subject.supplier.is_empty() { alert.names.join(",") } else { subject.supplier };
        let sure = if alert.certainty() == Certainty::NotConfirmed { " ?" } else { "" };
        let severity = pad(&alert.severity, 9, Align::Left);
        let severity = if alert.severity == "critical" {
            self.style.red(&severity)
        } else {
            self.style.yellow(&severity)
        };
        format!(
            "    {severity}{}{}{}{}{}{}{}{}  {}{sure}\n",
            pad(&subject.consumer, 9, Align::Left),
            pad(&material_name(&subject.material), 12, Align::Left),
            pad(&subject.stage, 9, Align::Left),
            pad(&on, 5, Align::Left),
            pad(&alert.period, 4, Align::Left),
            pad(&value_text(alert), VALUE_WIDTH, Align::Right),
            pad(&threshold_text(alert), 9, Align::Right),
            pad(&margin_text(alert), 10, Align::Right),
            alert.pending_since
        )
    }

    fn restatement(&self) -> String {
        let after = &self.facts.after;
        let [old, new] = match after.as_at.as_slice() {
            [old, new] => [old.vintage.as_str(), new.vintage.as_str()],
            _ => return String::new(),
        };
        let mut text = self.heading(&format!(
            "Newer vintage {new}: {} of {} figures differ from {old}",
            after.changed, after.compared
        ));
        text.push_str(&self.style.dim(&format!(
            "  {}{}{}{}\n",
            pad("largest producer", 32, Align::Left),
            pad(old, 18, Align::Left),
            pad(new, 18, Align::Left),
            "difference    HHI"
        )));
        let shown = if self.full { MAX_RESTATED } else { SHORT_MAX_RESTATED };
        for restated in after.restated.iter().take(shown) {
            text.push_str(&self.restated(restated));
        }
        let rest: Vec<&Restated> = after.restated.iter().skip(shown).collect();
        if let Some(largest) = rest.first() {
            text.push_str(&format!(
                "  and {} more that differ by at most {}\n",
                rest.len(),
                signed_points(largest.difference().abs()).trim_start_matches('+')
            ));
        }
        if !self.full {
            text.push_str(&after.as_at.iter().map(|figure| self.as_at(figure)).collect::<String>());
            return text;
        }
        if !after.flips.is_empty() {
            text.push_str(&format!("\n  {}\n", self.style.bold("Alerts that change")));
        }
        for flip in &after.flips {
            text.push_str(&self.flip(flip));
        }
        text.push_str(&format!("\n  {}\n", self.style.bold("Both answers stay available")));
        for figure in &after.as_at {
            text.push_str(&self.as_at(figure));
        }
        text
    }

    fn restated(&self, restated: &Restated) -> String {
        let side = |side: &super::facts::Side| {
            pad(&format!("{} {}", side.name, pad(&percent(side.share), 8, Align::Right)), 18, Align::Left)
        };
        let hhi = |hhi: Option<f64>| hhi.map_or_else(|| "-".to_owned(), |hhi| number(hhi, 0));
        let market =
            format!("{}, {}, {}", material_name(&restated.material), &restated.stage, restated.period);
        let difference = pad(&signed_points(restated.difference()), 10, Align::Right);
        format!(
            "  {}{}{}{difference}    {}\n",
            pad(&market, 32, Align::Left),
            side(&restated.old),
            side(&restated.new),
            self.style.dim(&format!("{} -> {}", hhi(restated.old.hhi), hhi(restated.new.hhi)))
        )
    }

    fn flip(&self, flip: &Flip) -> String {
        let alert = &flip.alert;
        let subject = alert.subject.clone().unwrap_or_default();
        let unit = crate::words::measure_unit(&subject.measure);
        let figures = match alert.previous {
            Some(previous) => format!("{} -> {}", value_in(unit, previous), value_text(alert)),
            None => value_text(alert),
        };
        let change = match (&flip.restated, flip.event) {
            (Some((period, was, is)), "restated") => {
                format!("{period} was {}, is {}", state_word(*was), state_word(*is))
            }
            (_, "resolved") => format!("firing -> resolved, {}", reason_word(alert.reason())),
            (_, event) => format!("{event}, {}", reason_word(alert.reason())),
        };
        let change = if flip.event == "fired" { self.style.red(&change) } else { self.style.green(&change) };
        format!(
            "    {}{}{}  {change}\n",
            pad(
                &format!("{} {}, {}", subject.consumer, material_name(&subject.material), &subject.stage),
                28,
                Align::Left
            ),
            pad(&figures, 22, Align::Left),
            pad(&threshold_text(alert), 9, Align::Left)
        )
    }

    fn as_at(&self, figure: &AsAtFigure) -> String {
        let command = format!(
            "orewatch exposure --consumer WLD --material {} --as-of {} --as-at {}",
            figure.material, figure.period, figure.vintage
        );
        format!(
            "    {} {}  {}\n",
            pad(&estimate("share", Some(&figure.value)), 8, Align::Right),
            pad(&figure.names.join(","), 4, Align::Left),
            self.style.dim(&command)
        )
    }

    fn next(&self, data: Option<&Path>) -> String {
        let mut text = self.heading("Next commands");
        let data_option = data.map(|dir| format!(" --data {}", dir.display())).unwrap_or_default();
        let mut lines = vec![(
            format!("orewatch up{data_option}"),
            "start a server with all services; it keeps its data",
        )];
        if data.is_none() {
            lines.push(("orewatch ingest --reference".to_owned(), "load the same figures"));
            lines.push(("orewatch rules apply --pack g7-china".to_owned(), "apply the same rules"));
        }
        lines.push((
            "orewatch explain --consumer G7 --material rare-earths --stage refined --supplier CHN".to_owned(),
            "",
        ));
        lines.push((
            "orewatch exposure --consumer JPN --material graphite".to_owned(),
            "show suppliers and concentration of one consumer",
        ));
        lines.push(("orewatch alerts --watch".to_owned(), "show alerts as they happen"));
        for (command, what) in lines {
            let command = format!("  {}", pad(&command, command.chars().count().max(54), Align::Left));
            text.push_str(&format!("{command}{}\n", self.style.dim(what)).replace(" \n", "\n"));
        }
        text
    }
}

/// A line that says how many entries are not shown, and which command shows them.
fn more(all: usize, shown: usize, command: &str) -> String {
    let rest = all.saturating_sub(shown);
    if rest == 0 { String::new() } else { format!("    and {rest} more: {command}\n") }
}

/// A release with its publisher and licence.
fn source_text(release: &Release) -> String {
    let origin = release.provenance.clone().unwrap_or_default();
    format!("{} {} ({}, {})", release.dataset, release.vintage, origin.publisher, origin.licence)
}

/// Orders alerts by margin, the largest first.
fn by_margin(a: &Alert, b: &Alert) -> Ordering {
    let margin = |alert: &Alert| alert.margin.unwrap_or(f64::NEG_INFINITY);
    margin(b).total_cmp(&margin(a)).then_with(|| a.id.cmp(&b.id))
}

/// The first sentence of a text.
fn first_sentence(text: &str) -> &str {
    let text = text.trim();
    text.find(". ").or_else(|| text.find(".\n")).and_then(|end| text.get(..=end)).unwrap_or(text)
}

/// The periods of a release. Parameters are valid from their period on.
fn span(table: Table, first: &str, last: &str) -> String {
    match table {
        Table::Parameters => format!("from {first} on"),
        _ if first == last => first.to_owned(),
        _ => format!("{first} to {last}"),
    }
}
