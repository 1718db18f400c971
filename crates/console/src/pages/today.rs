//! The first page: what is beyond its threshold, what came in, how far targets are, and a map of dependence.
//!
//! Each part asks its service by itself. A service that is away takes its part along, and no other.
use std::sync::Arc;

use axum::response::Response;
use orewatch_contracts::alerting::v1::{Alert, Certainty, ListAlertsRequest, ListAlertsResponse};
use orewatch_contracts::exposure::v1::{
    ListTargetsRequest, ListTargetsResponse, QueryExposuresRequest, QueryExposuresResponse, Subject,
    TargetProgress, TargetStanding, TargetVerdict,
};
use orewatch_contracts::figure::{brief, difference_in, line_in, number};
use orewatch_contracts::ingestion::v1::{
    ListReleasesRequest, ListReleasesResponse, ReleaseInfo, ReleaseState, TargetRow,
};
use orewatch_contracts::{Class, Failure};
use orewatch_query::minute_text;
use url::form_urlencoded;

use super::address::{figure_address, reading};
use super::heat::{Heat, complete};
use super::html::{Html, element, link, numbers, table, texts};
use super::layout::{Page, data_links, part, stale};
use super::{figure_words, listing, unit_of, within};
use crate::Console;
use crate::answer::API;
use crate::entries::decoded;
use crate::message::encoded;
use crate::question::{Question, in_terms_of};
use crate::refused::Refused;
use crate::services::Caller;

/// Entries of a page of alerts and of releases: the most that a service returns at once.
const PAGE: u32 = 1_000;

/// Pages of releases that are read to find the newest.
const MAX_RELEASE_PAGES: usize = 20;

/// Entries that a part shows.
const SHOWN_ALERTS: usize = 25;
const SHOWN_RELEASES: usize = 8;
const SHOWN_TARGETS: usize = 15;

/// The map with what the page says of it.
#[derive(Debug)]
struct Map {
    heat: Heat,
    /// Query of the same figures as data.
    query: String,
    as_at: String,
    stale: Html,
}

/// What the page shows. A part may have failed.
#[derive(Debug)]
struct Parts {
    map: Result<Map, Failure>,
    alerts: Result<ListAlertsResponse, Failure>,
    releases: Result<Vec<ReleaseInfo>, Failure>,
    targets: Result<ListTargetsResponse, Failure>,
}

impl Console {
    /// Answers with the first page.
    ///
    /// # Errors
    /// Wrong parameters of the map.
    pub(super) async fn today(self: &Arc<Self>, caller: &Caller, query: &str) -> Result<Response, Refused> {
        let exposures = listing("exposures")?;
        Question::read(&self.contracts, exposures, &self.headings(exposures.name), query)?;
        let (map, alerts, releases, targets) = tokio::join!(
            within(Box::pin(self.map(caller, query))),
            within(self.open_alerts(caller)),
            within(self.newest_releases(caller)),
            within(self.targets(caller)),
        );
        Ok(page(&Parts { map, alerts, releases, targets }, query).response(&self.version))
    }

    async fn map(&self, caller: &Caller, query: &str) -> Result<Map, Failure> {
        let exposures = listing("exposures")?;
        let pinned = self.pin(caller, exposures, query).await.map_err(Refused::into_first)?;
        let mut request: QueryExposuresRequest = decoded(&encoded(&pinned.question.request))?;
        let added = complete(&mut request);
        let answer: QueryExposuresResponse = self
            .ask(caller, exposures.method, &request)
            .await
            .map_err(|failure| in_terms_of(exposures, failure))?;
        let mut asked = form_urlencoded::Serializer::new(pinned.question.query(None));
        asked.extend_pairs(added);
        Ok(Map {
            stale: stale(answer.stale.as_ref()),
            heat: Heat::of(&request.filter.unwrap_or_default(), answer),
            query: asked.finish(),
            as_at: pinned.question.as_at_text(),
        })
    }

    async fn open_alerts(&self, caller: &Caller) -> Result<ListAlertsResponse, Failure> {
        let request = ListAlertsRequest { page_size: PAGE, ..ListAlertsRequest::default() };
        self.ask(caller, listing("alerts")?.method, &request).await
    }

    /// The releases that were committed last, the newest first.
    async fn newest_releases(&self, caller: &Caller) -> Result<Vec<ReleaseInfo>, Failure> {
        let method = listing("releases")?.method;
        let state = ReleaseState::Committed.into();
        let mut request = ListReleasesRequest { state, page_size: PAGE, ..ListReleasesRequest::default() };
        let mut all: Vec<ReleaseInfo> = Vec::new();
        for _ in 0..MAX_RELEASE_PAGES {
            let page: ListReleasesResponse = self.ask(caller, method, &request).await?;
            all.extend(page.releases);
            all.sort_by_key(|release| std::cmp::Reverse(release.committed_position));
            all.truncate(SHOWN_RELEASES);
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            request.page_token = page.next_page_token;
        }
        Err(Failure::new(Class::Refused, "too-many", "there are more releases than this page reads")
            .with_hint(format!("{API}/releases has all of them")))
    }

    async fn targets(&self, caller: &Caller) -> Result<ListTargetsResponse, Failure> {
        self.ask(caller, listing("targets")?.method, &ListTargetsRequest::default()).await
    }
}

fn page(parts: &Parts, query: &str) -> Page {
    let Parts { map, alerts, releases, targets } = parts;
    let open = alerts.as_ref().map_or(&[][..], |answer| answer.alerts.as_slice());
    let as_at = map.as_ref().map(|map| map.as_at.clone()).unwrap_or_default();
    let content = [
        part("alerts", "Open alerts", shown(alerts, alerts_part)),
        part("map", "Dependence", shown(map, |map| map_part(map, open, query))),
        part("releases", "Newest releases", shown(releases, |all| releases_part(all))),
        part("targets", "Targets", shown(targets, targets_part)),
    ];
    Page {
        title: "Today".to_owned(),
        place: "/",
        content: content.into_iter().collect(),
        permalink: permalink(query, &as_at),
        as_at,
    }
}

/// What was loaded, as it is shown.
fn shown<T>(loaded: &Result<T, Failure>, show: impl FnOnce(&T) -> Html) -> Result<Html, Failure> {
    loaded.as_ref().map(show).map_err(Clone::clone)
}

/// The address of the page at a point of knowledge.
fn permalink(query: &str, as_at: &str) -> String {
    if as_at.is_empty() {
        return String::new();
    }
    let given = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "as-at");
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(given).append_pair("as-at", as_at);
    format!("/?{}", query.finish())
}

fn map_part(map: &Map, alerts: &[Alert], given: &str) -> Html {
    let Map { heat, query, as_at, stale } = map;
    let mut html: Html = stale.clone();
    html.add(heat.form(given));
    if heat.is_empty() {
        let hint = "There are no such figures. `orewatch ingest --reference` brings some.";
        html.add(element("p").with(hint));
        return html;
    }
    html.add(heat.table(alerts, as_at, &reading(query)));
    let legend = "Shares are in percent. Hatched: the bounds of the figure do not decide on a threshold. \
                  Dashed: there is no figure, which is not zero. !: an alert is open.";
    html.add(element("p").class("quiet").with(legend));
    if heat.has_more {
        html.add(element("p").with("There are more figures than the map shows: choose fewer consumers."));
    }
    html.add(data_links("exposures", query));
    html
}

fn alerts_part(answer: &ListAlertsResponse) -> Html {
    let mut html = stale(answer.stale.as_ref());
    if answer.alerts.is_empty() {
        html.add(element("p").with("No alert is open."));
        return html;
    }
    let mut alerts: Vec<&Alert> = answer.alerts.iter().collect();
    alerts.sort_by(|one, other| {
        rank(&one.severity).cmp(&rank(&other.severity)).then_with(|| since(other).cmp(since(one)))
    });
    let count = match answer.next_page_token.as_str() {
        "" => number(count_of(alerts.len()), 0),
        _ => format!("more than {}", number(count_of(alerts.len()), 0)),
    };
    let caption = format!("{count} open; the most severe and newest first");
    let columns =
        [texts("alert"), texts("severity"), numbers("figure"), texts("threshold"), texts("since"), texts("")];
    html.add(table(&caption, &columns, alerts.into_iter().take(SHOWN_ALERTS).map(alert_row)));
    html.add(data_links("alerts", ""));
    html
}

fn count_of(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// The order of severities; one of a rule's own comes after those that are usual.
fn rank(severity: &str) -> usize {
    let usual = ["critical", "warning", "info"];
    usual.iter().position(|known| *known == severity).unwrap_or(usual.len())
}

fn since(alert: &Alert) -> &str {
    if alert.fired_at.is_empty() { &alert.pending_since } else { &alert.fired_at }
}

fn alert_row(alert: &Alert) -> Vec<Html> {
    let subject = alert.subject.clone().unwrap_or_default();
    let unit = unit_of(&subject.measure);
    let title =
        element("span").with(link(&figure_address(&subject, &alert.period, "", ""), alert.title.as_str()));
    let about = element("div").class("quiet").with(figure_words(&subject));
    let threshold = match alert.condition.as_str() {
        "" => line_in(unit, alert.line, alert.above, false),
        words => words.to_owned(),
    };
    let mut notes = Vec::new();
    if alert.certainty() == Certainty::NotConfirmed {
        notes.push("not confirmed");
    }
    if alert.stale {
        notes.push("its figure is missing");
    }
    if alert.sources_disagree {
        notes.push("sources disagree");
    }
    vec![
        [title, about].into_iter().collect(),
        alert.severity.as_str().into(),
        brief(unit, alert.estimate.as_ref()).into(),
        threshold.into(),
        since(alert).into(),
        notes.join(", ").into(),
    ]
}

fn releases_part(releases: &[ReleaseInfo]) -> Html {
    if releases.is_empty() {
        return element("p").with("No release is visible yet.").into();
    }
    let columns = [
        texts("release"),
        texts("publisher"),
        texts("visible since (UTC)"),
        texts("periods"),
        numbers("rows"),
    ];
    let rows = releases.iter().map(|info| {
        let release = info.release.clone().unwrap_or_default();
        let provenance = release.provenance.unwrap_or_default();
        let report = info.report.clone().unwrap_or_default();
        let periods = match (report.first_period.as_str(), report.last_period.as_str()) {
            (first, last) if first == last => first.to_owned(),
            (first, last) => format!("{first} to {last}"),
        };
        let rows = u32::try_from(report.rows_recorded).map_or(f64::INFINITY, f64::from);
        let name = format!("{} {}", release.dataset, release.vintage);
        vec![
            link(&provenance.url, name),
            provenance.publisher.into(),
            minute_text(info.closed_at).into(),
            periods.into(),
            number(rows, 0).into(),
        ]
    });
    let mut html = table("The newest first", &columns, rows);
    html.add(data_links("releases", ""));
    html
}

fn targets_part(answer: &ListTargetsResponse) -> Html {
    let mut html = stale(answer.stale.as_ref());
    let mut all: Vec<(&TargetStanding, &TargetRow, &TargetProgress)> = Vec::new();
    for standing in &answer.targets {
        let target = standing.target.iter();
        all.extend(
            target.flat_map(|target| standing.progress.iter().map(move |made| (standing, target, made))),
        );
    }
    if all.is_empty() {
        html.add(element("p").with("No target is known."));
        return html;
    }
    all.sort_by(|(_, one, made), (_, other, also)| {
        verdict_rank(made.verdict())
            .cmp(&verdict_rank(also.verdict()))
            .then_with(|| due(one).cmp(&due(other)))
            .then_with(|| one.id.cmp(&other.id))
    });
    let caption = format!(
        "{} figures of targets; those that are missed first, then by date",
        number(count_of(all.len()), 0)
    );
    let columns = [
        texts("target"),
        texts("verdict"),
        numbers("figure"),
        numbers("line"),
        numbers("distance"),
        texts("due"),
    ];
    html.add(table(&caption, &columns, all.into_iter().take(SHOWN_TARGETS).map(target_row)));
    html.add(data_links("targets", ""));
    html
}

/// The order by date; a target without one comes last.
fn due(target: &TargetRow) -> (bool, &str) {
    (target.due.is_empty(), &target.due)
}

fn target_row((standing, target, made): (&TargetStanding, &TargetRow, &TargetProgress)) -> Vec<Html> {
    let subject = Subject {
        consumer: target.consumer.clone(),
        material: target.material.clone(),
        stage: target.stage.clone(),
        supplier: made.supplier.clone(),
        measure: target.measure.clone(),
        by: made.by,
    };
    let unit = standing.unit.as_str();
    let title = target.title.as_str();
    let title = match made.period.as_str() {
        "" => title.into(),
        period => link(&figure_address(&subject, period, "", ""), title),
    };
    let distance = made.distance.map(|distance| difference_in(unit, distance)).unwrap_or_default();
    vec![
        title,
        verdict_word(made.verdict()).into(),
        brief(unit, made.estimate.as_ref()).into(),
        line_in(unit, target.line, !target.at_most, true).into(),
        distance.into(),
        target.due.as_str().into(),
    ]
}

fn verdict_word(verdict: TargetVerdict) -> &'static str {
    match verdict {
        TargetVerdict::Met => "met",
        TargetVerdict::MetNotConfirmed => "met, not confirmed",
        TargetVerdict::MissedNotConfirmed => "missed, not confirmed",
        TargetVerdict::Missed => "missed",
        TargetVerdict::Unspecified | TargetVerdict::Unknown => "no figure",
    }
}

fn verdict_rank(verdict: TargetVerdict) -> u8 {
    match verdict {
        TargetVerdict::Missed => 0,
        TargetVerdict::MissedNotConfirmed => 1,
        TargetVerdict::MetNotConfirmed => 2,
        TargetVerdict::Met => 3,
        TargetVerdict::Unspecified | TargetVerdict::Unknown => 4,
    }
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::alerting::v1::AlertState;
    use orewatch_contracts::common::v1::{By, Estimate, Status};

    use super::*;

    fn alert(title: &str, severity: &str, fired_at: &str) -> Alert {
        Alert {
            title: title.to_owned(),
            severity: severity.to_owned(),
            fired_at: fired_at.to_owned(),
            state: AlertState::Firing.into(),
            subject: Some(Subject {
                consumer: "DEU".to_owned(),
                material: "cobalt".to_owned(),
                stage: "refined".to_owned(),
                supplier: "CHN".to_owned(),
                measure: "import-share/1".to_owned(),
                by: By::Quantity.into(),
            }),
            period: "2023".to_owned(),
            estimate: Some(Estimate {
                value: Some(0.7),
                status: Status::Known.into(),
                ..Estimate::default()
            }),
            line: 0.65,
            above: true,
            ..Alert::default()
        }
    }

    fn parts() -> Parts {
        let away = || Failure::new(Class::Unavailable, "service-unavailable", "the exposure service is away");
        let alerts = vec![
            alert("older", "critical", "2021"),
            alert("less", "warning", "2023"),
            alert("<script>newest</script>", "critical", "2023"),
        ];
        let alerts = ListAlertsResponse { alerts, ..ListAlertsResponse::default() };
        Parts { map: Err(away()), alerts: Ok(alerts), releases: Ok(Vec::new()), targets: Err(away()) }
    }

    #[test]
    fn a_service_that_is_away_takes_only_its_parts_along() {
        let html = page(&parts(), "").document("0.1.0");
        assert_eq!(html.matches("the exposure service is away").count(), 2, "{html}");
        assert!(html.contains("No release is visible yet."), "{html}");
        assert!(!html.contains("Known as at"), "without figures there is no point of knowledge: {html}");
    }

    #[test]
    fn alerts_stand_in_the_order_in_which_they_matter() {
        let html = page(&parts(), "").document("0.1.0");
        let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text} is not in {html}"));
        let newest = place("&lt;script&gt;newest&lt;/script&gt;");
        assert!(newest < place(">older<") && place(">older<") < place(">less<"), "{html}");
        for part in ["70.0 %", "&gt; 65 %", "/x/import-share/DEU/cobalt/refined/CHN?as-of=2023", "Germany: "]
        {
            place(part);
        }
    }

    #[test]
    fn the_address_of_a_page_names_its_point_of_knowledge() {
        assert_eq!(permalink("stage=mined&as-at=2026-01-31", "@7"), "/?stage=mined&as-at=%407");
        assert_eq!(permalink("", ""), "");
    }
}
