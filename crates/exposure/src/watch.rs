//! The exposures log as its followers see it: filtered, with a token to resume from after each message.

use orewatch_contracts::exposure::v1::watch_exposures_response::Message as Said;
use orewatch_contracts::exposure::v1::{
    CaughtUp, Checkpoint, Exposure, ExposureChange, ExposureChanges, ExposuresChanged, PACKAGE, Subject,
    WatchExposuresResponse,
};
use orewatch_eventlog::{Error, Event, Item, Position};
use orewatch_measures::Measure;
use orewatch_runtime::{Class, Failure};
use prost::Message as _;

use crate::book::{EconomyId, Market};
use crate::columns::{self, Row};
use crate::figures::Wanted;
use crate::request::Selection;
use crate::wire;

/// What every resume token begins with: a token of something else is told apart.
const TOKEN: &str = "w1-";

/// Events without a match after which the follower is told how far the watch is.
const CHECKPOINT: u32 = 256;

/// Where a watch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With what comes next.
    Now,
    /// After a position.
    After(Position),
}

impl Start {
    /// Reads a resume token: empty, `beginning`, or one that a watch has given.
    pub(crate) fn parse(token: &str) -> Result<Self, Failure> {
        match token {
            "" => Ok(Self::Now),
            "beginning" => Ok(Self::After(0)),
            token => {
                let position = token.strip_prefix(TOKEN).and_then(|text| text.parse().ok());
                position.map(Self::After).ok_or_else(|| invalid("this is no resume token of a watch", token))
            }
        }
    }

    /// The position after which to begin on a log that ends at `head`. A token from beyond it was given out for another log, or was
    /// made up.
    pub(crate) fn within(self, head: Position, token: &str) -> Result<Position, Failure> {
        match self {
            Self::Now => Ok(head),
            Self::After(position) if position <= head => Ok(position),
            Self::After(_) => Err(invalid("this resume token is from beyond the end of the log", token)),
        }
    }
}

fn invalid(message: &str, token: &str) -> Failure {
    Failure::new(Class::Invalid, "invalid-token", message)
        .with_hint("use the last `resume_token`, `beginning`, or leave it empty to start now")
        .at("resume_token", token)
}

/// Turns what is read from the log into messages.
pub(crate) struct Watcher {
    selection: Selection,
    /// Events since the last message.
    silent: u32,
}

impl Watcher {
    pub(crate) fn new(selection: Selection) -> Self {
        Self { selection, silent: 0 }
    }

    /// The message that follows from an item, if one does.
    ///
    /// # Errors
    /// A damaged event.
    pub(crate) fn next(&mut self, item: &Item) -> Result<Option<WatchExposuresResponse>, Failure> {
        let (position, said) = match item {
            Item::CaughtUp(position) => (*position, Some(Said::CaughtUp(CaughtUp {}))),
            Item::Event(event) => (event.position, self.changes(event)?.map(Said::Changes)),
        };
        self.silent = if said.is_some() { 0 } else { self.silent.saturating_add(1) };
        let checkpoint = self.silent >= CHECKPOINT;
        let said = said.or_else(|| checkpoint.then_some(Said::Checkpoint(Checkpoint {})));
        if checkpoint {
            self.silent = 0;
        }
        let resume_token = format!("{TOKEN}{position}");
        Ok(said.map(|said| WatchExposuresResponse { resume_token, message: Some(said) }))
    }

    fn changes(&self, event: &Event) -> Result<Option<ExposureChanges>, Failure> {
        if event.kind.strip_prefix(PACKAGE) != Some(".ExposuresChanged") {
            return Ok(None);
        }
        let changed = ExposuresChanged::decode(event.data.clone())
            .map_err(|error| damaged(event, &error.to_string()))?;
        let market =
            market(&changed).ok_or_else(|| damaged(event, "its market is not known to this version"))?;
        if !self.selection.material_and_stage(&market) || !self.selection.period(market.period) {
            return Ok(None);
        }
        let columns = changed.columns.unwrap_or_default();
        let mut changes = Vec::new();
        for row in columns::rows(&columns) {
            let row = row.ok_or_else(|| damaged(event, "its columns do not fit together"))?;
            if self.wants(&row) {
                changes.push(change(&market, &changed.releases, row));
            }
        }
        Ok((!changes.is_empty()).then_some(ExposureChanges { cause: changed.cause, changes }))
    }

    /// Whether a row is wanted. A measure that this version does not know is, unless measures were named.
    fn wants(&self, row: &Row<'_>) -> bool {
        let by = match row.by {
            orewatch_contracts::common::v1::By::Value => orewatch_measures::Weight::Value,
            _ => orewatch_measures::Weight::Quantity,
        };
        let measure = row.measure.parse::<Measure>();
        self.selection.consumer(row.consumer)
            && self.selection.by(by)
            && measure
                .map_or_else(|_| self.selection.any_measure(), |measure| self.selection.measure(measure))
            && self.selection.supplier(EconomyId::of(row.supplier))
    }
}

fn market(changed: &ExposuresChanged) -> Option<Market> {
    let market = changed.market.as_ref()?;
    Some(Market {
        material: orewatch_catalog::material(&market.material).ok()?.id,
        stage: market.stage.parse().ok()?,
        period: market.period.parse().ok()?,
    })
}

fn change(market: &Market, releases: &[String], row: Row<'_>) -> ExposureChange {
    let measure = row.measure.parse::<Measure>().ok();
    let unit = measure.map_or("", |measure| measure.method().unit);
    let exposure = Exposure {
        subject: Some(Subject {
            consumer: row.consumer.to_owned(),
            material: market.material.to_owned(),
            stage: market.stage.to_string(),
            supplier: row.supplier.to_owned(),
            measure: row.measure.to_owned(),
            by: row.by.into(),
        }),
        period: market.period.to_string(),
        lines: measure.map(|measure| wire::lines_of(measure, &row.estimate)).unwrap_or_default(),
        estimate: Some(row.estimate),
        unit: unit.to_owned(),
        names: row.names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        releases: releases.to_vec(),
        ..Exposure::default()
    };
    ExposureChange {
        exposure: Some(exposure),
        old_value: row.old_value,
        old_status: row.old_status.into(),
        gone: row.gone,
    }
}

fn damaged(event: &Event, reason: &str) -> Failure {
    let reason = format!("{} on {}: {reason}", event.kind, event.stream);
    Error::Corrupt { log: "exposures".to_owned(), position: event.position, reason }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_from_beyond_the_end_is_invalid() {
        let begin = |token: &str| Start::parse(token).and_then(|start| start.within(7, token));
        assert_eq!((begin(""), begin("beginning"), begin("w1-7")), (Ok(7), Ok(0), Ok(7)));
        for token in ["w1-8", "w1-18446744073709551615"] {
            let failure = begin(token).unwrap_err();
            assert_eq!((failure.class, &*failure.code), (Class::Invalid, "invalid-token"), "{token}");
        }
    }
}
