//! Queries the services for everything that the demo shows.
use std::collections::BTreeMap;

use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::condition::Line;
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::{
    AlertFilter, AlertState, AlertTransition, Rule, SubscribeAlertsRequest,
};
use orewatch_contracts::common::v1::{AsAt, By, Estimate, Status, as_at::At};
use orewatch_contracts::exposure::v1::{
    CompareVintagesRequest, Exposure, ExposureFilter, GetExposureRequest, Subject,
};
use orewatch_contracts::ingestion::v1::ReleaseInfo;
use orewatch_rules::rules;

use super::facts::{AsAtFigure, CONSUMERS, Entry, Headline, Restatement, SUPPLIER, Standing};
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

/// Queries the state with all releases.
pub(crate) async fn standing(client: &Client) -> Result<Standing, Failure> {
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
    Ok(Standing {
        goal: goal::gather(client).await?,
        months: monthly::gather(client, &rules).await?,
        headlines,
        origins: origins::gather(client).await?,
        entries: entries(&latest),
        alerts: alerts::query(client, firing).await?,
        rules,
    })
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
pub(crate) async fn restatement(client: &Client, releases: &[ReleaseInfo]) -> Result<Restatement, Failure> {
    let (older, newer) = vintages(releases);
    let world = ExposureFilter {
        consumers: strings(&["WLD"]),
        measures: strings(&[restated::TOP, restated::HHI]),
        as_of: "all".to_owned(),
        ..ExposureFilter::default()
    };
    let mut vintages = Vec::new();
    for release in [&older, &newer] {
        let request = exposure::known_at(world.clone(), Some(as_at_release(release)));
        vintages.push(exposure::query(client, request).await?.exposures);
    }
    let restated = match vintages.as_slice() {
        [old, new] => restated::compare(old, new),
        _ => Vec::new(),
    };
    let mut as_at = Vec::new();
    let mut changed = 0;
    if let Some(largest) = restated.first() {
        changed = changed_total(client, &newer, &largest.period).await?;
        for (release, vintage) in [&older, &newer] {
            as_at.push(figure_in_vintage(client, largest, release, vintage).await?);
        }
    }
    let flips = restated::flips(&transitions(client).await?, &newer.0);
    Ok(Restatement { changed, restated, flips, as_at })
}

/// Number of shares of largest producers that a release changed in a period.
async fn changed_total(client: &Client, release: &(String, String), as_of: &str) -> Result<u64, Failure> {
    let filter = ExposureFilter {
        consumers: strings(&["WLD"]),
        measures: strings(&[restated::TOP]),
        as_of: as_of.to_owned(),
        ..ExposureFilter::default()
    };
    let request = CompareVintagesRequest {
        filter: Some(filter),
        to: Some(as_at_release(release)),
        page_size: 1,
        ..CompareVintagesRequest::default()
    };
    let mut service = client.exposure().await?;
    Ok(service.compare_vintages(client.request(request)).await?.into_inner().changes_total)
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
    let measure = restated::TOP;
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
