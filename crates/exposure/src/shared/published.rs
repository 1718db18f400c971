//! Figures as they are on the exposures log, for answers about a material that no replica holds at present.
//!
//! They are what a watcher of the log has: without the datasets behind a figure, its trend and its firmness,
//! and as old as what was published last. An answer with such figures says so.

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::{By, LogState};
use orewatch_contracts::exposure::v1::{
    Exposure, ExposureEvent, ExposuresChanged, GetExposureRequest, GetExposureResponse,
};
use orewatch_eventlog::{EventLog, Filter, Position, history};
use orewatch_measures::{Measure, Weight};

use crate::book::{EconomyId, Knowledge, Market};
use crate::columns;
use crate::decide;
use crate::figures::{FigureFilter as _, FigureKey};
use crate::query::{SelectedMarket, latest_period};
use crate::request::{ExposureRequest, Selection};
use crate::snapshot::Snapshot;
use crate::watch;
use crate::wire;

/// What a figure is about, within its market, in the order of queries but for its value.
type FigureId = (Option<Measure>, String, i32, String, String);

/// The figures of one material as they were published last.
#[derive(Debug, Default)]
pub(crate) struct Published {
    material: String,
    position: Position,
    figures: BTreeMap<Market, BTreeMap<FigureId, Exposure>>,
}

impl Published {
    /// Reads the stream of a material.
    ///
    /// # Errors
    /// Those of the log.
    pub(crate) async fn read(log: &dyn EventLog, material: &str) -> Result<Self, Failure> {
        let stream = decide::stream(log.name(), material);
        let stream = stream.map_err(|error| Failure::internal(error.to_string()))?;
        let mut published = Self { material: material.to_owned(), ..Self::default() };
        let mut events = history(log, Filter::Under(stream), 0);
        while let Some(event) = events.try_next().await? {
            published.position = event.position;
            if let Some(ExposureEvent::ExposuresChanged(changed)) = ExposureEvent::read(&event)? {
                published.fold(&changed);
            }
        }
        Ok(published)
    }

    /// Folds changes. Those that this version does not know are left out.
    fn fold(&mut self, changed: &ExposuresChanged) {
        let (Some(market), Some(columns)) = (watch::market(changed), &changed.columns) else { return };
        let known = self.figures.entry(market).or_default();
        for row in columns::rows(columns).flatten() {
            let (measure, by) = (row.measure.parse().ok(), row.by.into());
            let [name, consumer, supplier] = [row.measure, row.consumer, row.supplier].map(str::to_owned);
            let id: FigureId = (measure, name, by, consumer, supplier);
            if row.gone {
                known.remove(&id);
            } else {
                let spread = row.spread.clone();
                let exposure = watch::change(&market, changed, row).exposure;
                known.extend(exposure.map(|exposure| (id, Exposure { spread, ..exposure })));
            }
        }
    }

    /// The wanted figures of a market, in the order of queries.
    pub(crate) fn of_market(&self, wanted: &SelectedMarket, selection: &Selection) -> Vec<Exposure> {
        let known = self.figures.get(&wanted.market()).into_iter().flatten();
        let is_wanted = |(measure, _, by, consumer, supplier): &FigureId| {
            let weight = if *by == i32::from(By::Value) { Weight::Value } else { Weight::Quantity };
            measure.is_some_and(|measure| selection.measure(measure) && wanted.wants(measure.method().table))
                && selection.weight(weight)
                && selection.consumer(consumer)
                && selection.supplier(EconomyId::from_code(supplier))
        };
        let mut found: Vec<_> = known.filter(|(id, _)| is_wanted(id)).collect();
        found.sort_by(|(a, one), (b, other)| {
            let value = |exposure: &Exposure| {
                exposure.estimate.as_ref().and_then(|estimate| estimate.value).unwrap_or(f64::NEG_INFINITY)
            };
            let order = (&a.0, a.2, &a.3).cmp(&(&b.0, b.2, &b.3));
            order.then(value(other).total_cmp(&value(one))).then_with(|| a.4.cmp(&b.4))
        });
        found.into_iter().map(|(_, exposure)| exposure.clone()).collect()
    }

    /// One figure of a market. `None`: it is not published.
    fn figure(&self, market: Market, key: &FigureKey) -> Option<Exposure> {
        let supplier = key.supplier.map_or("", EconomyId::code);
        let [name, consumer, supplier] = [key.measure.id(), key.consumer, supplier].map(str::to_owned);
        let id: FigureId = (Some(key.measure), name, wire::weight(key.by).into(), consumer, supplier);
        self.figures.get(&market)?.get(&id).cloned()
    }

    /// The mark of an answer with these figures.
    pub(crate) fn mark(&self) -> LogState {
        LogState {
            log: "exposures".to_owned(),
            position: self.position,
            behind_since: None,
            reason: format!(
                "no replica holds {} at present: its figures are those that were published last",
                self.material
            ),
        }
    }
}

/// One exposure as it was published last. `None`: it is not published, or the request asks for more than is
/// published.
///
/// # Errors
/// A request that makes no sense; those of the log.
pub(crate) async fn get(
    known: &Snapshot,
    request: &GetExposureRequest,
    exposures: &dyn EventLog,
) -> Result<Option<GetExposureResponse>, Failure> {
    let wanted = ExposureRequest::parse(request.subject.as_ref(), &request.as_of)?;
    let is_plain =
        request.as_at.is_none() && request.reading.is_none() && !request.trend && !request.firmness;
    let now = Knowledge::up_to(known.position);
    let period = wanted.period.or_else(|| latest_period(&known.book, now, &wanted));
    let Some(period) = period.filter(|_| is_plain) else { return Ok(None) };
    let published = Published::read(exposures, wanted.material).await?;
    let exposure = published.figure(wanted.market(period), &wanted.key);
    let mark = published.mark();
    Ok(exposure.map(|exposure| GetExposureResponse {
        exposure: Some(exposure),
        stale: Some(mark),
        ..GetExposureResponse::default()
    }))
}
