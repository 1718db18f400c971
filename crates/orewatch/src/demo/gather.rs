//! Queries the services for everything that the demo shows.
use std::collections::BTreeMap;

use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::condition::Line;
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::{
    AlertFilter, AlertState, AlertTransition, Rule, SubscribeAlertsRequest,
};
use orewatch_contracts::common::v1::{AsAt, By, Estimate, Status, as_at::At};
use orewatch_contracts::exposure::v1::{Exposure, ExposureFilter, GetExposureRequest, Subject};
use orewatch_contracts::ingestion::v1::ReleaseInfo;
use orewatch_rules::rules;

use super::facts::{After, AsAtFigure, Before, CONSUMERS, Entry, Headline, SUPPLIER};
use super::{goal, monthly, origins, restated};
use crate::commands::{alerts, exposure};
use crate::session::Client;

/// Series of the headline: consumer, material, stage.
const HEADLINES: [(&str, &str, &str); 3] =
    [("G7", "rare-earths", "refined"), ("EU27", "rare-earths", "refined"), ("JPN", "graphite", "mined")];

/// Number of years in a series of the headline.
const HEADLINE_YEARS: usize = 7;

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Queries the state before the newest release.
pub(crate) async fn before(client: &Client) -> Result<Before, Failure> {
    let all = ExposureFilter { as_of: "all".to_owned(), ..ExposureFilter::default() };
    let figures = exposure::query(client, exposure::current(all)).await?.exposures.len();
    let latest = ExposureFilter {
        consumers: strings(&CONSUMERS),
        measures: strings(&["import-share", "import-hhi", "import-top1"]),
        by: By::Quantity.into(),
        ..ExposureFilter::default()
    };
    let latest = exposure::query(client, exposure::current(latest)).await?.exposures;
    let listed = crate::commands::rules::query(client).await?;
    let rules: Vec<Rule> = listed.into_iter().filter_map(|info| info.rule).collect();
    let mut headlines = Vec::new();
    for (consumer, material, stage) in HEADLINES {
        headlines.push(headline(client, consumer, material, stage, &rules).await?);
    }
    let firing = AlertFilter { states: vec![AlertState::Firing.into()], ..AlertFilter::default() };
    let alerts = alerts::query(client, firing).await?;
    let origins = origins::gather(client).await?;
    let goal = goal::gather(client).await?;
    let months = monthly::gather(client).await?;
    Ok(Before { figures, goal, months, headlines, origins, entries: entries(&latest), alerts, rules })
}

async fn headline(
    client: &Client,
    consumer: &str,
    material: &str,
    stage: &str,
    rules: &[Rule],
) -> Result<Headline, Failure> {
    let filter = ExposureFilter {
        consumers: strings(&[consumer]),
        materials: strings(&[material]),
        stages: strings(&[stage]),
        suppliers: strings(&[SUPPLIER]),
        measures: strings(&["import-share"]),
        by: By::Quantity.into(),
        as_of: "all".to_owned(),
        ..ExposureFilter::default()
    };
    let found = exposure::query(client, exposure::current(filter)).await?.exposures;
    let series: BTreeMap<String, Option<f64>> =
        found.into_iter().map(|one| (one.period, one.estimate.and_then(|estimate| estimate.value))).collect();
    let earlier = series.len().saturating_sub(HEADLINE_YEARS);
    let subject = Subject {
        consumer: consumer.to_owned(),
        material: material.to_owned(),
        stage: stage.to_owned(),
        supplier: SUPPLIER.to_owned(),
        measure: "import-share/1".to_owned(),
        by: By::Quantity.into(),
    };
    let line = rules.iter().find_map(|rule| threshold_for(rule, &subject));
    Ok(Headline {
        consumer: subject.consumer,
        material: subject.material,
        stage: subject.stage,
        line,
        series: series.into_iter().skip(earlier).collect(),
    })
}

/// The threshold of a rule, if the rule watches the subject.
fn threshold_for(rule: &Rule, subject: &Subject) -> Option<f64> {
    rules::check(rule).ok().filter(|checked| checked.watches(subject))?;
    match rule.when.as_ref()?.line? {
        Line::Above(line) | Line::Below(line) => Some(line),
    }
}

/// Groups figures by consumer and market.
fn entries(exposures: &[Exposure]) -> Vec<Entry> {
    let mut entries: BTreeMap<[&str; 4], Entry> = BTreeMap::new();
    for exposure in exposures {
        let Some(subject) = &exposure.subject else { continue };
        let key = [&*subject.material, &*subject.stage, &*exposure.period, &*subject.consumer];
        let entry = entries.entry(key).or_insert_with(|| empty(subject, exposure));
        let estimate = exposure.estimate.clone().unwrap_or_default();
        match subject.measure.split('/').next() {
            Some("import-hhi") => entry.hhi = estimate,
            Some("import-top1") => {
                entry.top = exposure.names.first().cloned();
                entry.top_share = estimate;
            }
            Some("import-share") if subject.supplier == SUPPLIER => entry.share = estimate,
            _ => {}
        }
    }
    entries.into_values().map(zero_without_flow).collect()
}

fn empty(subject: &Subject, exposure: &Exposure) -> Entry {
    Entry {
        consumer: subject.consumer.clone(),
        material: subject.material.clone(),
        stage: subject.stage.clone(),
        period: exposure.period.clone(),
        share: Estimate::default(),
        hhi: Estimate::default(),
        top: None,
        top_share: Estimate::default(),
        releases: exposure.releases.clone(),
    }
}

/// Sets an absent share to zero where all shares of the market are known: they sum to one, so an absent
/// supplier supplies nothing.
fn zero_without_flow(mut entry: Entry) -> Entry {
    if entry.share.status() == Status::Unspecified && entry.hhi.value.is_some() {
        entry.share = Estimate { value: Some(0.0), status: Status::Known.into(), ..Estimate::default() };
    }
    entry
}

/// Queries the changes by the newest release.
pub(crate) async fn after(client: &Client, releases: &[ReleaseInfo]) -> Result<After, Failure> {
    let (older, newer) = vintages(releases);
    let world = ExposureFilter {
        consumers: strings(&["WLD"]),
        measures: strings(&[
            "production-share",
            "production-hhi",
            "production-top1",
            "production-top3",
            "production-suppliers",
        ]),
        as_of: "all".to_owned(),
        ..ExposureFilter::default()
    };
    let old = exposure::query(client, exposure::known_at(world.clone(), Some(as_at_release(&older))))
        .await?
        .exposures;
    let new =
        exposure::query(client, exposure::known_at(world, Some(as_at_release(&newer)))).await?.exposures;
    let comparison = restated::compare(&old, &new);
    let transitions = transitions(client).await?;
    let mut as_at = Vec::new();
    if let Some(largest) = comparison.restated.first() {
        for (release, vintage) in [&older, &newer] {
            as_at.push(figure_in_vintage(client, largest, release, vintage).await?);
        }
    }
    Ok(After {
        compared: comparison.compared,
        changed: comparison.changed,
        restated: comparison.restated,
        flips: restated::flips(&transitions, &newer.0),
        as_at,
    })
}

/// Identifier and vintage of the release that the newest one restates, and of the newest one.
fn vintages(releases: &[ReleaseInfo]) -> ((String, String), (String, String)) {
    let named = |info: &ReleaseInfo| {
        info.release.as_ref().map(|release| (release.id.clone(), release.vintage.clone())).unwrap_or_default()
    };
    let newest = releases.last();
    let restates = newest.and_then(|info| info.report.as_ref()).map_or("", |report| report.restates.as_str());
    let older = releases.iter().map(named).find(|(id, _)| id == restates).unwrap_or_default();
    (older, newest.map(named).unwrap_or_default())
}

fn as_at_release((release, _): &(String, String)) -> AsAt {
    AsAt { at: Some(At::Release(release.clone())) }
}

async fn figure_in_vintage(
    client: &Client,
    figure: &super::facts::Restated,
    release: &str,
    vintage: &str,
) -> Result<AsAtFigure, Failure> {
    let measure = "production-top1";
    let request = GetExposureRequest {
        subject: Some(Subject {
            consumer: "WLD".to_owned(),
            material: figure.material.clone(),
            stage: figure.stage.clone(),
            supplier: String::new(),
            measure: measure.to_owned(),
            by: By::Quantity.into(),
        }),
        as_of: figure.period.clone(),
        as_at: Some(AsAt { at: Some(At::Release(release.to_owned())) }),
        ..GetExposureRequest::default()
    };
    let found = client.exposure().await?.get_exposure(client.request(request)).await?.into_inner().exposure;
    let found = found.unwrap_or_default();
    Ok(AsAtFigure {
        vintage: vintage.to_owned(),
        material: figure.material.clone(),
        stage: figure.stage.clone(),
        period: figure.period.clone(),
        measure: measure.to_owned(),
        value: found.estimate.unwrap_or_default(),
        names: found.names,
    })
}

/// Reads all transitions of alerts so far.
async fn transitions(client: &Client) -> Result<Vec<AlertTransition>, Failure> {
    let request =
        SubscribeAlertsRequest { resume_token: "beginning".to_owned(), ..SubscribeAlertsRequest::default() };
    let mut messages = client.alerting().await?.subscribe_alerts(request).await?.into_inner();
    let mut transitions = Vec::new();
    while let Some(message) = messages.message().await? {
        match message.message {
            Some(Message::Transition(transition)) => transitions.push(transition),
            Some(Message::CaughtUp(_)) => break,
            Some(_) | None => {}
        }
    }
    Ok(transitions)
}
