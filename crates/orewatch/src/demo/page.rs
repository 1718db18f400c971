//! The page for people.
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;

use orewatch_catalog::{Consumer, hs_codes};
use orewatch_contracts::alerting::v1::{Alert, Certainty, Rule};
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::Table;

use super::facts::{AsAtAnswer, Facts, Flip, Headline, Restated, SUPPLIER};
use super::{origins, table};
use crate::commands::alerts::{NOT_CONFIRMED, beyond, line, value};
use crate::commands::releases::whole;
use crate::render::{
    Align, Out, Style, bar, estimate, number, pad, percent, signed_points, sparkline, value_in, wrap,
};
use crate::view::{reason_word, state_word};
use crate::words::{material_name, name_of};

/// Columns of the page.
const WIDTH: usize = 100;

/// Most alerts shown of one rule, and most restated figures.
const PER_RULE: usize = 5;
const RESTATED: usize = 8;

/// The page.
pub(crate) fn render(out: &Out, facts: &Facts, data: Option<&Path>) -> String {
    let page = Page { style: out.style, width: out.width.min(WIDTH), facts };
    let parts = [
        page.title(),
        page.headlines(),
        page.table(),
        page.origins(),
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
            "\n{}\n{} rows of statistics in, {} figures out, {} rules evaluated, in {:.1} s on this machine.\n",
            self.style.bold("OREWATCH  who depends on whom for critical minerals"),
            whole(rows),
            whole(u64::try_from(facts.before.figures).unwrap_or(u64::MAX)),
            facts.before.rules.len(),
            facts.seconds
        );
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
                pad(&whole(report.rows_recorded), 8, Align::Right)
            );
            text.push_str(&format!("{}\n", self.style.dim(&line)));
        }
        text
    }

    fn headlines(&self) -> String {
        let headlines = &self.facts.before.headlines;
        let mut text = self.heading(&format!("Imports from {}, by quantity", name_of(SUPPLIER)));
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
        text.push('\n');
        for headline in headlines {
            text.push_str(&wrap(&sentence(headline), self.width, "  "));
        }
        text.push_str(&self.style.dim(&wrap(&self.scope(), self.width, "  ")));
        text
    }

    /// A share of the series, marked where it is above the line.
    fn share(&self, share: Option<f64>, line: Option<f64>) -> String {
        let Some(share) = share else { return pad("-", 7, Align::Right) };
        let text = format!("{:.1}", share * 100.0);
        if line.is_some_and(|line| share > line) {
            self.style.red(&pad(&format!("*{text}"), 7, Align::Right))
        } else {
            pad(&text, 7, Align::Right)
        }
    }

    /// What the series hold.
    fn scope(&self) -> String {
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
        format!(
            "* above the line. Trade between members of a bloc is left out. {}.",
            codes.collect::<Vec<_>>().join("; ")
        )
    }

    fn table(&self) -> String {
        let markets = table::markets(&self.facts.before.entries);
        let mut text = self.heading(&format!(
            "Share of imports from {}, concentration, largest supplier",
            name_of(SUPPLIER)
        ));
        text.push_str(&table::render(self.style, self.width, &markets));
        let releases: Vec<&str> = self
            .facts
            .before
            .entries
            .first()
            .into_iter()
            .flat_map(|entry| entry.releases.iter().map(String::as_str))
            .collect();
        let note = format!(
            "By quantity. Of each material the stage at which the G7 depends on {} most. %: share of imports, ~ where \
             some quantity is not known. HHI: 0 to 10 000. *: the product code holds other goods too. Data: {}.",
            name_of(SUPPLIER),
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
        alerts.sort_by(most_beyond);
        let mut text = self.heading(&format!("Alerts: {} lines are crossed", alerts.len()));
        text.push_str(&self.style.dim(&format!(
            "    severity {}{}{}{}{}{}  {}{}{}  since\n",
            pad("consumer", 9, Align::Left),
            pad("material", 12, Align::Left),
            pad("stage", 9, Align::Left),
            pad("on", 5, Align::Left),
            "year",
            pad("value", 9, Align::Right),
            " ".repeat(10),
            pad("line", 9, Align::Right),
            pad("beyond", 10, Align::Right)
        )));
        let mut by_rule: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
        for alert in &alerts {
            by_rule.entry(&alert.rule).or_default().push(alert);
        }
        let rules = &self.facts.before.rules;
        let groups = rules.iter().filter_map(|rule| Some((rule, by_rule.get(rule.id.as_str())?)));
        let groups: Vec<String> = groups.map(|(rule, alerts)| self.alerts_of(rule, alerts)).collect();
        text.push_str(&groups.join("\n"));
        let note = format!("~ some quantity is not known. {NOT_CONFIRMED}.");
        text.push_str(&self.style.dim(&format!("\n{}", wrap(&note, self.width, "  "))));
        text
    }

    fn alerts_of(&self, rule: &Rule, alerts: &[&Alert]) -> String {
        let mut text = format!("  {}\n", self.style.bold(&rule.title));
        text.push_str(&self.style.dim(&wrap(first_sentence(&rule.text), self.width, "  ")));
        for alert in alerts.iter().take(PER_RULE) {
            text.push_str(&self.alert(alert));
        }
        if let Some(more) = alerts.len().checked_sub(PER_RULE).filter(|more| *more > 0) {
            text.push_str(&format!("    and {more} more: orewatch alerts --rule {}\n", rule.id));
        }
        text
    }

    fn alert(&self, alert: &Alert) -> String {
        let subject = alert.subject.clone().unwrap_or_default();
        let on = if subject.supplier.is_empty() { alert.names.join(",") } else { subject.supplier };
        let estimate = alert.estimate.clone().unwrap_or_default();
        let known = if estimate.status() == Status::Known { "" } else { "~" };
        let sure = if alert.certainty() == Certainty::NotConfirmed { " ?" } else { "" };
        let severity = pad(&alert.severity, 9, Align::Left);
        let severity = if alert.severity == "critical" {
            self.style.red(&severity)
        } else {
            self.style.yellow(&severity)
        };
        format!(
            "    {severity}{}{}{}{}{}{}  {}{}{}  {}{sure}\n",
            pad(&subject.consumer, 9, Align::Left),
            pad(&material_name(&subject.material), 12, Align::Left),
            pad(&subject.stage, 9, Align::Left),
            pad(&on, 5, Align::Left),
            pad(&alert.period, 4, Align::Left),
            pad(&format!("{known}{}", value(alert)), 9, Align::Right),
            self.style.cyan(&pad(&bar(estimate.value.unwrap_or_default(), 10), 10, Align::Left)),
            pad(&line(alert), 9, Align::Right),
            pad(&beyond(alert), 10, Align::Right),
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
            "Then {new} arrives: {} of {} figures differ from {old}",
            after.changed, after.compared
        ));
        text.push_str(&self.style.dim(&format!(
            "  {}{}{}{}\n",
            pad("largest producer of", 32, Align::Left),
            pad(old, 18, Align::Left),
            pad(new, 18, Align::Left),
            "difference    HHI"
        )));
        for restated in after.restated.iter().take(RESTATED) {
            text.push_str(&self.restated(restated));
        }
        let rest: Vec<&Restated> = after.restated.iter().skip(RESTATED).collect();
        if let Some(largest) = rest.first() {
            text.push_str(&format!(
                "  and {} more, by {} at most\n",
                rest.len(),
                signed_points(largest.difference().abs()).trim_start_matches('+')
            ));
        }
        if !after.flips.is_empty() {
            text.push_str(&format!("\n  {}\n", self.style.bold("Alerts that this turns")));
        }
        for flip in &after.flips {
            text.push_str(&self.flip(flip));
        }
        text.push_str(&format!("\n  {}\n", self.style.bold("Both answers stay")));
        for answer in &after.as_at {
            text.push_str(&self.as_at(answer));
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
        let unit = crate::words::unit_of(&subject.measure);
        let figures = match alert.previous {
            Some(previous) => format!("{} -> {}", value_in(unit, previous), value(alert)),
            None => value(alert),
        };
        let told = match (&flip.restated, flip.event) {
            (Some((period, was, is)), "restated") => {
                format!("{period} was {}, is {}", state_word(*was), state_word(*is))
            }
            (_, "resolved") => format!("firing -> resolved, {}", reason_word(alert.reason())),
            (_, event) => format!("{event}, {}", reason_word(alert.reason())),
        };
        let told = if flip.event == "fired" { self.style.red(&told) } else { self.style.green(&told) };
        format!(
            "    {}{}{}  {told}\n",
            pad(
                &format!("{} {}, {}", subject.consumer, material_name(&subject.material), &subject.stage),
                28,
                Align::Left
            ),
            pad(&figures, 22, Align::Left),
            pad(&line(alert), 9, Align::Left)
        )
    }

    fn as_at(&self, answer: &AsAtAnswer) -> String {
        let command = format!(
            "orewatch exposure --consumer WLD --material {} --as-of {} --as-at {}",
            answer.material, answer.period, answer.vintage
        );
        format!(
            "    {} {}  {}\n",
            pad(&estimate("share", Some(&answer.value)), 8, Align::Right),
            pad(&answer.names.join(","), 4, Align::Left),
            self.style.dim(&command)
        )
    }

    fn next(&self, data: Option<&Path>) -> String {
        let mut text = self.heading("What to type next");
        let place = data.map(|dir| format!(" --data {}", dir.display())).unwrap_or_default();
        let mut lines =
            vec![(format!("orewatch up{place}"), "a server with all services; it keeps its data")];
        if data.is_none() {
            lines.push(("orewatch ingest --reference".to_owned(), "load the same figures into it"));
            lines.push(("orewatch rules apply --pack g7-china".to_owned(), "watch the same lines"));
        }
        lines.push((
            "orewatch explain --consumer G7 --material rare-earths --stage refined --supplier CHN".to_owned(),
            "",
        ));
        lines.push((
            "orewatch exposure --consumer JPN --material graphite".to_owned(),
            "the analyst's view of one consumer",
        ));
        lines.push(("orewatch alerts --watch".to_owned(), "alerts as they happen"));
        for (command, what) in lines {
            let command = format!("  {}", pad(&command, command.chars().count().max(54), Align::Left));
            text.push_str(&format!("{command}{}\n", self.style.dim(what)).replace(" \n", "\n"));
        }
        text
    }
}

/// The alerts of a rule as people read them: farthest beyond the line first.
fn most_beyond(a: &Alert, b: &Alert) -> Ordering {
    let margin = |alert: &Alert| alert.margin.unwrap_or(f64::NEG_INFINITY);
    margin(b).total_cmp(&margin(a)).then_with(|| a.id.cmp(&b.id))
}

/// The series in one sentence.
fn sentence(headline: &Headline) -> String {
    let Some([(first, from), (last, to)]) = headline.ends() else { return String::new() };
    let verdict = headline.line.map(|line| {
        let named = tight(&percent(line).replace(".0 %", " %"));
        match (from > line, to > line) {
            (false, true) => format!(", across the {named} line"),
            (true, false) => format!(", back below the {named} line"),
            (true, true) => format!(", above the {named} line at both ends"),
            (false, false) => format!(", below the {named} line ({})", tight(&signed_points(to - from))),
        }
    });
    let who = match headline.consumer.parse() {
        Ok(Consumer::Bloc(bloc)) => format!("The {}", bloc.code),
        _ => name_of(&headline.consumer).to_owned(),
    };
    format!(
        "{who} took {} of its imported {} {} from {} in {first} and {} in {last}{}.",
        tight(&percent(from)),
        headline.stage,
        material_name(&headline.material),
        name_of(SUPPLIER),
        tight(&percent(to)),
        verdict.unwrap_or_default()
    )
}

/// A figure that stays with its unit when lines are broken.
fn tight(figure: &str) -> String {
    figure.replace(' ', "\u{a0}")
}

/// What a text begins with.
fn first_sentence(text: &str) -> &str {
    let text = text.trim();
    text.find(". ").or_else(|| text.find(".\n")).and_then(|end| text.get(..=end)).unwrap_or(text)
}

/// The periods of a release. Parameters hold from theirs on.
fn span(table: Table, first: &str, last: &str) -> String {
    match table {
        Table::Parameters => format!("from {first} on"),
        _ if first == last => first.to_owned(),
        _ => format!("{first} to {last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_says_on_which_side_of_the_line_a_series_ends() {
        let series = |from, to| Headline {
            consumer: "G7".to_owned(),
            material: "rare-earths".to_owned(),
            stage: "refined".to_owned(),
            line: Some(0.65),
            series: vec![
                ("2018".to_owned(), Some(from)),
                ("2020".to_owned(), None),
                ("2024".to_owned(), Some(to)),
            ],
        };
        assert_eq!(
            sentence(&series(0.61, 0.68)).replace('\u{a0}', " "),
            "The G7 took 61.0 % of its imported refined rare earths from China in 2018 and 68.0 % in 2024, across \
             the 65 % line."
        );
        assert!(sentence(&series(0.7, 0.6)).contains("back below the"));
        assert!(sentence(&series(0.3, 0.4)).contains(", below the"));
        assert!(sentence(&series(0.9, 0.8)).contains("at both ends"));
    }
}
