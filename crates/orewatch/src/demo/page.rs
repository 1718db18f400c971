//! The demo's output as a page for people.
use std::path::Path;

use orewatch_catalog::hs_codes;
use orewatch_contracts::ingestion::v1::{Release, Table};

use super::facts::{CONSUMERS, Facts, Headline, SUPPLIER};
use super::{alerts, command, goal, headline, monthly, origins, restatement, table};
use crate::render::{Align, Out, Style, pad, sparkline, wrap};
use crate::words::{economy_name, grouped, material_name};

/// Maximum width of the page, in characters.
const MAX_WIDTH: usize = 100;

/// Widths of the labels and of a share in the series of imports, and of what follows the shares, in
/// characters.
const CONSUMER_WIDTH: usize = 6;
const MARKET_WIDTH: usize = 21;
const SHARE_WIDTH: usize = 7;
const SPARKLINE_WIDTH: usize = 12;

/// Renders the full page, or a short one of about a screen and a half.
pub(crate) fn render(out: &Out, facts: &Facts, data: Option<&Path>, full: bool) -> String {
    let page = Page { style: out.style, width: out.width.min(MAX_WIDTH), facts, full };
    let parts = [
        page.title(data),
        page.targets(),
        page.refining(),
        page.headlines(),
        page.table(),
        page.origins(),
        page.alerts(),
        page.restatement(),
        page.months(),
        page.next(),
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
        format!("{}\n", self.style.bold(&format!("━━ {text} {line}")))
    }

    fn command(&self, text: &str) -> String {
        command::lines(self.style, self.width, text)
    }

    fn note(&self, text: &str) -> String {
        self.style.dim(&wrap(text, self.width, "  "))
    }

    fn title(&self, data: Option<&Path>) -> String {
        let facts = self.facts;
        let summary = format!(
            "{} releases of statistics (orewatch releases), {} rules (orewatch rules list), {:.1} s on this \
             machine. Each command gives the figures above it, once the data are kept:",
            facts.releases.len(),
            facts.standing.rules.len(),
            facts.seconds
        );
        let keep = match data {
            Some(dir) => format!("export OREWATCH_DATA={}", dir.display()),
            None => "orewatch demo --data ./demo; export OREWATCH_DATA=./demo".to_owned(),
        };
        let title = self.style.bold("OREWATCH  who depends on whom for critical minerals");
        let sources = if self.full { self.releases() } else { self.sources() };
        format!("{title}\n{}{}{sources}", wrap(&summary, self.width, ""), self.command(&keep))
    }

    /// Publishers with their licences, each once.
    fn sources(&self) -> String {
        let mut sources: Vec<String> = Vec::new();
        for release in self.facts.releases.iter().filter_map(|info| info.release.as_ref()) {
            let source = source_text(release);
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
        self.note(&format!("Sources: {}.", sources.join(", ")))
    }

    /// One line for each release.
    fn releases(&self) -> String {
        let line = |info: &orewatch_contracts::ingestion::v1::ReleaseInfo| {
            let release = info.release.clone().unwrap_or_default();
            let report = info.report.clone().unwrap_or_default();
            let table = release.table();
            let origin = release.provenance.unwrap_or_default();
            let line = format!(
                "  {}{}{}{} rows",
                pad(&format!("{} {}", release.dataset, release.vintage), 31, Align::Left),
                pad(&format!("{}, {}", origin.publisher, origin.licence), 44, Align::Left),
                pad(&span(table, &report.first_period, &report.last_period), 19, Align::Left),
                grouped(report.rows_recorded)
            );
            format!("{}\n", self.style.dim(&line))
        };
        self.facts.releases.iter().map(line).collect()
    }

    fn targets(&self) -> String {
        let goal = &self.facts.standing.goal;
        if goal::is_empty(goal) {
            return String::new();
        }
        self.heading(&goal::targets_title()) + &goal::targets_block(self.style, self.width, goal)
    }

    fn refining(&self) -> String {
        let goal = &self.facts.standing.goal;
        if goal::is_empty(goal) {
            return String::new();
        }
        self.heading(&goal::refining_title()) + &goal::refining_block(self.style, self.width, goal)
    }

    fn headlines(&self) -> String {
        let headlines = &self.facts.standing.headlines;
        let Some(first) = headlines.first() else { return String::new() };
        let mut text = self.heading(&format!(
            "Imports from {}, by quantity (* above the threshold of a rule)",
            economy_name(SUPPLIER)
        ));
        let shown = self.newest(&first.series);
        let periods: String =
            shown.iter().map(|(period, _)| pad(period, SHARE_WIDTH, Align::Right)).collect();
        let margin = " ".repeat(CONSUMER_WIDTH + MARKET_WIDTH);
        text.push_str(&self.style.dim(&format!("  {margin}{periods}\n")));
        for headline in headlines {
            text.push_str(&self.headline(headline));
        }
        let years = match (shown.first(), shown.last()) {
            (Some((from, _)), Some((to, _))) => format!("{from}..{to}"),
            _ => String::new(),
        };
        text.push_str(
            &self.command(&format!("orewatch exposure {} --as-of {years} --wide", selection(headlines))),
        );
        if self.full {
            for headline in headlines {
                text.push_str(&wrap(&headline::sentence(headline), self.width, "  "));
            }
            text.push_str(&self.note(&self.product_codes()));
        }
        text
    }

    /// The last periods of a series, as many as fit on a line.
    fn newest<'s, T>(&self, series: &'s [T]) -> &'s [T] {
        let fixed = 2 + CONSUMER_WIDTH + MARKET_WIDTH + SPARKLINE_WIDTH;
        let fitting = self.width.saturating_sub(fixed) / SHARE_WIDTH;
        series.get(series.len().saturating_sub(fitting)..).unwrap_or_default()
    }

    fn headline(&self, headline: &Headline) -> String {
        let series = self.newest(&headline.series);
        let shares: String = series.iter().map(|(_, share)| self.share(*share, headline.line)).collect();
        let label = format!("{}, {}", material_name(&headline.material), &headline.stage);
        format!(
            "  {}{}{shares} %  {}\n",
            self.style.bold(&pad(&headline.consumer, CONSUMER_WIDTH, Align::Left)),
            pad(&label, MARKET_WIDTH, Align::Left),
            self.style.cyan(&sparkline(series.iter().map(|(_, share)| *share)))
        )
    }

    /// A share in percent, marked with `*` if it is above the threshold.
    fn share(&self, share: Option<f64>, line: Option<f64>) -> String {
        let Some(share) = share else { return pad("-", SHARE_WIDTH, Align::Right) };
        let text = format!("{:.1}", share * 100.0);
        if line.is_some_and(|line| share > line) {
            self.style.red(&pad(&format!("*{text}"), SHARE_WIDTH, Align::Right))
        } else {
            pad(&text, SHARE_WIDTH, Align::Right)
        }
    }

    /// The product codes of the series.
    fn product_codes(&self) -> String {
        let headlines = self.facts.standing.headlines.iter();
        let mut markets: Vec<(&str, &str)> =
            headlines.map(|headline| (&*headline.material, &*headline.stage)).collect();
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
        let codes = codes.collect::<Vec<_>>().join("; ");
        format!("Trade between members of a bloc is not counted. {codes}.")
    }

    /// Every material and consumer. The short page leaves it out.
    fn table(&self) -> String {
        if !self.full {
            return String::new();
        }
        let standing = &self.facts.standing;
        let mut text = self.heading(&format!(
            "Share of imports from {}, concentration, largest supplier",
            economy_name(SUPPLIER)
        ));
        text.push_str(&table::render(self.style, self.width, &table::markets(&standing.entries)));
        let note = format!(
            "By quantity. For each material, the stage at which the G7 depends most on {}. %: share of \
             imports, ~ if some quantity is unknown, ? if it may differ by a point or more (the commands \
             print the range). HHI: concentration, 0 to 10 000. *: the product code also covers other goods.",
            economy_name(SUPPLIER),
        );
        text.push_str(&self.note(&note));
        let consumers = CONSUMERS.join(",");
        for select in [
            format!("--measure import-share --supplier {SUPPLIER}"),
            "--measure import-hhi,import-top1".to_owned(),
        ] {
            text.push_str(
                &self.command(&format!("orewatch exposure --consumer {consumers} {select} --by quantity")),
            );
        }
        text
    }

    fn origins(&self) -> String {
        let Some(known) = &self.facts.standing.origins else { return String::new() };
        self.heading(&origins::title(known)) + &origins::block(self.style, self.width, known, self.full)
    }

    fn alerts(&self) -> String {
        let standing = &self.facts.standing;
        let block = if self.full {
            alerts::full_block(self.style, self.width, &standing.alerts, &standing.rules)
        } else {
            alerts::short_block(self.style, self.width, &standing.alerts)
        };
        self.heading(&alerts::title(&standing.alerts)) + &block
    }

    fn restatement(&self) -> String {
        let changes = &self.facts.restatement;
        let Some(title) = restatement::title(changes) else { return String::new() };
        self.heading(&title) + &restatement::block(self.style, self.width, changes, self.full)
    }

    fn months(&self) -> String {
        let months = &self.facts.standing.months;
        if months.series.is_empty() {
            return String::new();
        }
        self.heading(&monthly::title(months)) + &monthly::block(self.style, self.width, months)
    }

    fn next(&self) -> String {
        let full = ("orewatch demo --full", "every material, and the alerts by rule");
        let others = [
            ("orewatch ingest --help", "read your own statistics, or --reference for more of ours"),
            ("orewatch up", "start a server with all services; it keeps its data"),
        ];
        let rows = (!self.full).then_some(full).into_iter().chain(others);
        let rows = rows
            .map(|(command, what)| format!("  {}{}\n", pad(command, 24, Align::Left), self.style.dim(what)));
        self.heading("Next") + &rows.collect::<String>()
    }
}

/// Options that select the series of imports.
fn selection(headlines: &[Headline]) -> String {
    let listed = |field: fn(&Headline) -> &String| {
        let mut values: Vec<&str> = Vec::new();
        for value in headlines.iter().map(field) {
            if !values.contains(&value.as_str()) {
                values.push(value);
            }
        }
        values.join(",")
    };
    format!(
        "--consumer {} --material {} --stage {} --supplier {SUPPLIER} --measure import-share --by quantity",
        listed(|headline| &headline.consumer),
        listed(|headline| &headline.material),
        listed(|headline| &headline.stage)
    )
}

/// The publisher of a release and its licence.
fn source_text(release: &Release) -> String {
    let origin = release.provenance.clone().unwrap_or_default();
    format!("{} ({})", origin.publisher, origin.licence)
}

/// The periods of a release. Parameters are valid from their period on.
fn span(table: Table, first: &str, last: &str) -> String {
    match table {
        Table::Parameters => format!("from {first} on"),
        _ if first == last => first.to_owned(),
        _ => format!("{first} to {last}"),
    }
}
