//! The history of an alert: the transitions on its stream.
use std::collections::VecDeque;

use futures_util::StreamExt as _;
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{AlertEvent, AlertTransition};
use orewatch_contracts::page::MAX_PAGE_BYTES;
use orewatch_eventlog::{Error, Filter as Streams, Item};
use orewatch_rules::facts::alert_stream;
use prost::Message as _;

use super::{AlertingService, unknown_alert};
use crate::blocking::process_chunk;
use crate::subscribe::transition;

/// Transitions that are returned with an alert.
const MAX_TRANSITIONS: usize = 1000;
/// Events that are decoded at a time.
const CHUNK_SIZE: usize = 256;

impl AlertingService {
    /// The last transitions of an alert, oldest first.
    pub(super) async fn history(&self, alert: &str) -> Result<Vec<AlertTransition>, Failure> {
        let stream = alert_stream(alert).map_err(|_| unknown_alert(alert))?;
        let mut items = self.log.read(Streams::Under(stream), 0).ready_chunks(CHUNK_SIZE);
        let mut last = VecDeque::new();
        while let Some(items) = items.next().await {
            let (transitions, is_complete) = process_chunk(move || decode_transitions(items)).await?;
            last.extend(transitions);
            last.drain(..last.len().saturating_sub(MAX_TRANSITIONS));
            if is_complete {
                break;
            }
        }
        Ok(last.into())
    }
}

/// The transitions among items of a stream, and whether the stream ends with them.
fn decode_transitions(items: Vec<Result<Item, Error>>) -> Result<(Vec<AlertTransition>, bool), Failure> {
    let mut transitions = Vec::new();
    for item in items {
        match item? {
            Item::Event(event) => {
                transitions.extend(AlertEvent::read(&event)?.and_then(|fact| transition(&event, fact)));
            }
            Item::CaughtUp(_) => return Ok((transitions, true)),
        }
    }
    Ok((transitions, false))
}

/// The newest transitions that fit into an answer.
pub(super) fn newest_within_limit(mut transitions: Vec<AlertTransition>) -> Vec<AlertTransition> {
    let mut bytes = 0;
    let fits = |transition: &&AlertTransition| {
        bytes += transition.encoded_len();
        bytes <= MAX_PAGE_BYTES
    };
    let kept = transitions.iter().rev().take_while(fits).count();
    transitions.split_off(transitions.len() - kept)
}
