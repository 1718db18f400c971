//! The page of one figure: what it is, how it moved, what it is made of, and which alerts are about it.
//!
//! All parts rest on one point of knowledge, which the foot of the page names.
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::response::Response;
use orewatch_contracts::alerting::v1::{Alert, AlertFilter, ListAlertsRequest, ListAlertsResponse};
use orewatch_contracts::common::v1::{Estimate, Frequency, Status};
use orewatch_contracts::exposure::v1::{
    ExplainExposureRequest, ExplainExposureResponse, Exposure, ExposureFilter, QueryExposuresRequest,
    QueryExposuresResponse, Standing, Subject,
};
use orewatch_contracts::figure::{brief, difference_in, estimate, line_in, percent, status_word, value_in};
use orewatch_contracts::market::{names_text, products_text, proxy_caveat, size_text};
use orewatch_contracts::{Class, Failure};
use orewatch_query::files::FileFormat;
use orewatch_query::names::economy_name;

use super::address::{FigurePath, figure_address, reading};
use super::html::{Html, element, link, numbers, table, texts};
use super::layout::{Page, data_links, part, stale};
use super::rows::{data_query, rows_part};
use super::{figure_title, listing, measure_words, unit_of, within};
use crate::Console;
use crate::answer::API;
use crate::entries::decoded;
use crate::message::encoded;
use crate::question::in_terms_of;
use crate::refused::Refused;
use crate::services::Caller;

/// Periods that the series shows.
const SHOWN_PERIODS: usize = 40;

/// Periods that are asked for: more than any series has.
const MAX_PERIODS: u32 = 1_000;

/// Suppliers that are shown.
const SHOWN_SUPPLIERS: usize = 15;

/// What the page shows of one figure.
#[derive(Debug)]
struct Figure {
    explained: ExplainExposureResponse,
    series: Result<QueryExposuresResponse, Failure>,
    alerts: Result<ListAlertsResponse, Failure>,
    as_at: String,
    /// Subject and parameters of the address as a query.
    query: String,
}

impl Console {
    /// Answers with the page of a figure, or with its series as a file.
    ///
    /// # Errors
    /// A path and parameters that name no figure, and those of the exposure service.
    pub(super) async fn figure(
        self: &Arc<Self>,
        caller: &Caller,
        path: &FigurePath,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<Response, Refused> {
        if let Some(ending) = &path.ending {
            return Box::pin(self.figure_file(caller, path, ending, query, headers)).await;
        }
        let rows = listing("rows")?;
        let asked = path.with(query);
        let pinned = self.pin(caller, rows, &asked).await?;
        let request: ExplainExposureRequest = decoded(&encoded(&pinned.question.request))?;
        let explained = self.ask(caller, rows.method, &request).await;
        let explained: ExplainExposureResponse = explained.map_err(|failure| in_terms_of(rows, failure))?;
        let exposure = explained.exposure.clone().unwrap_or_default();
        let (series, alerts) = tokio::join!(
            within(self.series(caller, &exposure, &request)),
            within(self.alerts_about(caller, &exposure)),
        );
        let as_at = pinned.question.as_at_text();
        let figure = Figure { explained, series, alerts, as_at, query: path.with(query) };
        Ok(page(&figure).response(&self.version))
    }

    /// The series of a figure as a file.
    async fn figure_file(
        self: &Arc<Self>,
        caller: &Caller,
        path: &FigurePath,
        ending: &str,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<Response, Refused> {
        let exposures = listing("exposures")?;
        let has_period = query.split('&').any(|pair| pair.starts_with("as-of="));
        let all = if has_period { query.to_owned() } else { format!("{query}&as-of=all") };
        let asked = path.with(all.trim_start_matches('&'));
        match FileFormat::from_extension(ending) {
            Some(format) => self.file(caller, exposures, format, &asked, headers).await,
            None if ending == "md" => self.citation(caller, exposures, &asked).await,
            None => Err(Failure::new(
                Class::NotFound,
                "unknown-address",
                format!("there is no format {ending:?}"),
            )
            .at("path", ending)
            .with_hint(format!("use csv, xlsx, parquet, arrow, json or md, or {} alone", path.stem))
            .into()),
        }
    }

    /// The figure in all periods of the same length, at the same point of knowledge.
    async fn series(
        &self,
        caller: &Caller,
        exposure: &Exposure,
        asked: &ExplainExposureRequest,
    ) -> Result<QueryExposuresResponse, Failure> {
        let subject = exposure.subject.clone().unwrap_or_default();
        let is_monthly = exposure.period.contains('-');
        let frequency = if is_monthly { Frequency::Monthly } else { Frequency::Annual };
        let filter = ExposureFilter {
            consumers: vec![subject.consumer],
            materials: vec![subject.material],
            stages: vec![subject.stage],
            suppliers: some(subject.supplier),
            measures: vec![subject.measure],
            by: subject.by,
            as_of: "all".to_owned(),
            frequency: frequency.into(),
        };
        let request = QueryExposuresRequest {
            filter: Some(filter),
            as_at: asked.as_at.clone(),
            page_size: MAX_PERIODS,
            trend: true,
            reading: asked.reading.clone(),
            ..QueryExposuresRequest::default()
        };
        self.ask(caller, listing("exposures")?.method, &request).await
    }

    /// The open alerts about a figure.
    async fn alerts_about(
        &self,
        caller: &Caller,
        exposure: &Exposure,
    ) -> Result<ListAlertsResponse, Failure> {
        let subject = exposure.subject.clone().unwrap_or_default();
        let filter = AlertFilter {
            consumers: vec![subject.consumer],
            materials: vec![subject.material],
            stages: vec![subject.stage],
            suppliers: some(subject.supplier),
            ..AlertFilter::default()
        };
        let request = ListAlertsRequest { filter: Some(filter), ..ListAlertsRequest::default() };
        let mut answer: ListAlertsResponse = self.ask(caller, listing("alerts")?.method, &request).await?;
        answer.alerts.retain(|alert| {
            let about = alert.subject.as_ref();
            about.is_some_and(|about| about.measure == subject.measure && about.by == subject.by)
        });
        Ok(answer)
    }
}

/// A list of one, or of none for an empty text.
fn some(text: String) -> Vec<String> {
    if text.is_empty() { Vec::new() } else { vec![text] }
}

fn page(figure: &Figure) -> Page {
    let Figure { explained, series, alerts, as_at, query } = figure;
    let exposure = explained.exposure.clone().unwrap_or_default();
    let subject = exposure.subject.clone().unwrap_or_default();
    let mut content = stale(explained.stale.as_ref());
    content.add(element("p").class("lead").with(measure_words(&subject)));
    content.add(facts(&exposure));
    let series = series.as_ref().map(|answer| series_part(answer, query, as_at)).map_err(Clone::clone);
    content.add(part("series", "Over time", series));
    let address = |subject: &Subject| figure_address(subject, &exposure.period, as_at, &reading(query));
    content.add(part("suppliers", "Suppliers", Ok(suppliers_part(explained, &subject, address))));
    content.add(part("formula", "Formula", Ok(formula_part(explained))));
    content.add(part("rows", "Source rows", Ok(rows_part(explained, query, as_at))));
    let alerts = alerts.as_ref().map(alerts_part).map_err(Clone::clone);
    content.add(part("alerts", "Open alerts", alerts));
    Page {
        title: figure_title(&subject),
        place: "/x",
        content,
        permalink: address(&subject),
        as_at: as_at.clone(),
    }
}

/// The figure in words: what is known, and what is not.
fn facts(exposure: &Exposure) -> Html {
    let Exposure { unit, period, names, tied, spread, missing_members, missing_codes, .. } = exposure;
    let figure = exposure.estimate.as_ref();
    let status = figure.map(Estimate::status).unwrap_or_default();
    let reason = figure.map(|figure| figure.reason.as_str()).unwrap_or_default();
    let known = match (status, reason) {
        (Status::Known, _) | (_, "") => status_word(status).to_owned(),
        (_, reason) => format!("{}: {reason}", status_word(status)),
    };
    let coverage = figure.and_then(|figure| figure.coverage);
    let subject = exposure.subject.clone().unwrap_or_default();
    let others = spread.as_ref().and_then(|spread| {
        let (lowest, highest) = (value_in(unit, spread.lowest?), value_in(unit, spread.highest?));
        let (least, most) = (&spread.lowest_dataset, &spread.highest_dataset);
        Some(format!("{} datasets: {lowest} ({least}) to {highest} ({most})", spread.sources))
    });
    let lines = exposure.lines.iter().map(|line| {
        let threshold = line_in(unit, line.line, line.above, line.inclusive);
        format!("{} ({threshold}): {}", line.name, standing_words(line.standing()))
    });
    let scenario = match exposure.scenario.as_str() {
        "" => String::new(),
        scenario => format!("{scenario}: what somebody expects, not what was observed"),
    };
    let facts = [
        ("Figure", format!("{} in {period}", estimate(unit, figure))),
        ("Known", known),
        ("Thresholds", lines.collect::<Vec<_>>().join("; ")),
        ("Coverage", coverage.map(percent).unwrap_or_default()),
        ("Named", names_text(names, tied)),
        ("Other sources", others.unwrap_or_default()),
        ("Size of the market", size_text(exposure.size.as_ref())),
        ("Products", products_text(&exposure.products)),
        ("Caveat", proxy_caveat(&subject.material, &exposure.products)),
        ("Missing members", missing_members.join(", ")),
        ("Missing codes", missing_codes.join(", ")),
        ("Scenario", scenario),
    ];
    let facts = facts.into_iter().filter(|(_, text)| !text.is_empty());
    let entries = facts.flat_map(|(name, text)| [element("dt").with(name), element("dd").with(text)]);
    element("dl").with(entries.collect::<Html>()).into()
}

fn standing_words(standing: Standing) -> &'static str {
    match standing {
        Standing::Crossed => "crossed",
        Standing::CrossedNotConfirmed => "crossed, not confirmed",
        Standing::ClearNotConfirmed => "not crossed, not confirmed",
        Standing::Clear => "not crossed",
        Standing::Unspecified | Standing::Unknown => "no figure",
    }
}

fn series_part(answer: &QueryExposuresResponse, query: &str, as_at: &str) -> Html {
    let mut html = stale(answer.stale.as_ref());
    let columns = [texts("period"), numbers("figure"), numbers("change"), texts("status"), texts("datasets")];
    let newest = answer.exposures.iter().rev().take(SHOWN_PERIODS);
    let rows = newest.map(|exposure| {
        let figure = exposure.estimate.as_ref();
        let change = exposure.trend.as_ref().and_then(|trend| trend.change.as_ref()?.value);
        vec![
            exposure.period.as_str().into(),
            brief(&exposure.unit, figure).into(),
            change.map(|change| difference_in(&exposure.unit, change)).unwrap_or_default().into(),
            status_word(figure.map(Estimate::status).unwrap_or_default()).into(),
            exposure.datasets.join(", ").into(),
        ]
    });
    html.add(table("The newest first", &columns, rows));
    let asked = data_query(query, &["as-of=", "max-rows=", "max-routes=", "own-use="], as_at);
    html.add(data_links("exposures", &format!("{asked}&as-of=all")));
    html
}

fn suppliers_part(
    answer: &ExplainExposureResponse,
    subject: &Subject,
    address: impl Fn(&Subject) -> String,
) -> Html {
    if answer.contributions.is_empty() && answer.routes.is_empty() {
        return element("p").with("This figure has no suppliers.").into();
    }
    let mut html = Html::default();
    let has_supplier = !subject.supplier.is_empty();
    let columns = [texts("supplier"), numbers("share"), numbers("amount")];
    let rows = answer.contributions.iter().take(SHOWN_SUPPLIERS).map(|one| {
        let name = economy_name(&one.supplier).to_owned();
        let other = Subject { supplier: one.supplier.clone(), ..subject.clone() };
        let name = match has_supplier {
            true => link(&address(&other), name),
            false => name.into(),
        };
        vec![name, brief("share", one.share.as_ref()).into(), brief(&one.unit, one.amount.as_ref()).into()]
    });
    if !answer.contributions.is_empty() {
        let more = answer.contributions.len().saturating_sub(SHOWN_SUPPLIERS);
        let caption = if more > 0 {
            format!("The largest; {more} more contribute")
        } else {
            "The largest first".to_owned()
        };
        html.add(table(&caption, &columns, rows));
    }
    if !answer.routes.is_empty() {
        let rows = answer.routes.iter().map(|route| {
            let stops: Vec<String> = route
                .stops
                .iter()
                .map(|stop| format!("{} ({})", economy_name(&stop.economy), stop.what))
                .collect();
            vec![stops.join(" → ").into(), percent(route.share).into()]
        });
        html.add(table("Routes from the origin", &[texts("route"), numbers("share of use")], rows));
    }
    html
}

fn formula_part(answer: &ExplainExposureResponse) -> Html {
    let formula = element("p").with(element("code").with(answer.formula.as_str()));
    let rows = answer.terms.iter().map(|term| {
        vec![
            term.symbol.as_str().into(),
            term.description.as_str().into(),
            estimate(&term.unit, term.estimate.as_ref()).into(),
        ]
    });
    let terms = table("Terms", &[texts("symbol"), texts("meaning"), numbers("figure")], rows);
    let citation = element("p").class("quiet").with(answer.citation.as_str());
    let mut html: Html = formula.into();
    html.add(terms);
    html.add(citation);
    html
}

fn alerts_part(answer: &ListAlertsResponse) -> Html {
    let mut html = stale(answer.stale.as_ref());
    if answer.alerts.is_empty() {
        html.add(element("p").with("No alert about this figure is open."));
        return html;
    }
    let columns = [texts("alert"), texts("severity"), numbers("figure"), texts("since"), texts("finding")];
    html.add(table("Open", &columns, answer.alerts.iter().map(alert_row)));
    let first = answer.alerts.first().and_then(|alert| alert.subject.as_ref());
    if let Some(Subject { consumer, material, .. }) = first {
        let query = format!("consumer={consumer}&material={material}");
        html.add(element("p").with(link(&format!("{API}/episodes?{query}"), "Earlier episodes")));
    }
    html
}

fn alert_row(alert: &Alert) -> Vec<Html> {
    let subject = alert.subject.clone().unwrap_or_default();
    vec![
        alert.title.as_str().into(),
        alert.severity.as_str().into(),
        brief(unit_of(&subject.measure), alert.estimate.as_ref()).into(),
        alert.pending_since.as_str().into(),
        alert.finding.as_str().into(),
    ]
}

#[cfg(test)]
mod tests {
    use orewatch_catalog::PassingOn;
    use orewatch_contracts::common::v1::By;
    use orewatch_contracts::exposure::v1::{Contribution, SourceRow, Term};
    use orewatch_contracts::ingestion::v1::{Provenance, Release};

    use super::*;

    fn figure(licence: &str) -> Figure {
        let subject = Subject {
            consumer: "DEU".to_owned(),
            material: "cobalt".to_owned(),
            stage: "refined".to_owned(),
            supplier: "CHN".to_owned(),
            measure: "import-share/1".to_owned(),
            by: By::Quantity.into(),
        };
        let estimate = Estimate {
            value: Some(0.41),
            low: Some(0.0),
            high: Some(0.7),
            status: Status::Partial.into(),
            ..Estimate::default()
        };
        let exposure = Exposure {
            subject: Some(subject),
            period: "2023".to_owned(),
            estimate: Some(estimate),
            unit: "share".to_owned(),
            ..Exposure::default()
        };
        let provenance = Provenance {
            title: "Trade <b>".to_owned(),
            url: "javascript:alert(1)".to_owned(),
            licence: licence.to_owned(),
            ..Provenance::default()
        };
        let release = Release {
            id: "baci/1-a".to_owned(),
            dataset: "baci".to_owned(),
            provenance: Some(provenance),
            ..Release::default()
        };
        let row = SourceRow {
            release: release.id.clone(),
            file: "trade.csv".to_owned(),
            line: 7,
            quantity: Some(12.5),
            ..SourceRow::default()
        };
        let explained = ExplainExposureResponse {
            exposure: Some(exposure.clone()),
            formula: "a / b".to_owned(),
            terms: vec![Term { symbol: "a".to_owned(), ..Term::default() }],
            contributions: vec![Contribution { supplier: "FIN".to_owned(), ..Contribution::default() }],
            rows: vec![row],
            rows_total: 1,
            releases: vec![release],
            ..ExplainExposureResponse::default()
        };
        let earlier = Exposure { period: "2022".to_owned(), ..exposure.clone() };
        let series = QueryExposuresResponse { exposures: vec![earlier, exposure], ..Default::default() };
        Figure {
            explained,
            series: Ok(series),
            alerts: Ok(ListAlertsResponse::default()),
            as_at: "@7".to_owned(),
            query: "measure=import-share&consumer=DEU&as-of=2023&as-at=2026-01-31&dataset=baci".to_owned(),
        }
    }

    #[test]
    fn a_page_leads_from_the_figure_to_its_row() {
        let html = page(&figure("CC-BY-4.0")).document("0.1.0");
        for part in [
            "<h1>Germany: Cobalt, refined, from China</h1>",
            "41.0 % (0 to 70) in 2023",
            "<code>a / b</code>",
            "trade.csv, line 7",
            "/x/import-share/DEU/cobalt/refined/FIN?as-of=2023&amp;as-at=%407&amp;dataset=baci",
            "Trade &lt;b&gt;",
            "No alert about this figure is open.",
        ] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        assert!(!html.contains("javascript:"), "a link of the data does not act: {html}");
        let place = |text: &str| html.find(&format!("<th scope=\"row\">{text}</th>")).unwrap();
        assert!(place("2023") < place("2022"), "the newest period comes first");
    }

    #[test]
    fn data_beside_a_page_are_at_its_point_of_knowledge() {
        let html = page(&figure("CC-BY-4.0")).document("0.1.0");
        let all = "/api/v1/exposures.csv?measure=import-share&amp;consumer=DEU&amp;dataset=baci&amp;as-at=%407&amp;as-of=all";
        assert!(html.contains(all), "{html}");
        assert!(html.contains("/api/v1/rows.csv?"), "{html}");
    }

    #[test]
    fn rows_that_may_not_be_passed_on_have_no_link_to_a_file() {
        let forbidden =
            orewatch_catalog::licences().iter().find(|one| one.passing_on == PassingOn::Forbidden);
        let html = page(&figure(forbidden.unwrap().id)).document("0.1.0");
        assert!(html.contains("These rows may not be passed on"), "{html}");
        assert!(!html.contains("/api/v1/rows"), "{html}");
    }
}
