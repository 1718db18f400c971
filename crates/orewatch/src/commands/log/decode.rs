//! Data of events as JSON, by the descriptors of the contracts.
use orewatch_contracts::common::v1::SealedContent;
use orewatch_contracts::{DESCRIPTORS, Failure};
use orewatch_eventlog::Event;
use orewatch_store::sealed::sealed_with;
use prost::Name as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value, json};

/// Items of a list, and characters of a text, that a summary has.
const MAX_ITEMS: usize = 2;
const MAX_CHARS: usize = 32;

/// The contracts.
#[derive(Clone, Debug)]
pub(super) struct Decoder(DescriptorPool);

impl Decoder {
    /// Reads the descriptors.
    pub(super) fn new() -> Result<Self, Failure> {
        DescriptorPool::decode(DESCRIPTORS).map(Self).map_err(|error| Failure::internal(error.to_string()))
    }

    /// The data of an event, as they are stored: content that is sealed stays so. Null if this version does
    /// not know its type, or cannot decode it.
    pub(super) fn data(&self, event: &Event) -> Value {
        let name = match sealed_with(event) {
            Ok(Some(_)) => SealedContent::full_name(),
            Ok(None) => event.kind.clone(),
            Err(_) => return Value::Null,
        };
        let decoded = self.0.get_message_by_name(&name).and_then(|message| {
            let message = DynamicMessage::decode(message, event.data.clone()).ok()?;
            serde_json::to_value(message).ok()
        });
        decoded.unwrap_or(Value::Null)
    }
}

/// An event as a JSON object, with all of its data.
pub(super) fn as_json(event: &Event, data: &Value) -> Value {
    json!({
        "log": event.stream.log(),
        "position": event.position,
        "time": event.time.to_string(),
        "kind": event.kind,
        "stream": event.stream.as_str(),
        "id": event.id.to_string(),
        "traceparent": event.traceparent,
        "bytes": event.data.len(),
        "data": data,
    })
}

/// Shortens lists and texts, so that the beginning of each field is seen.
pub(super) fn summary(data: Value) -> Value {
    match data {
        Value::String(text) if text.chars().count() > MAX_CHARS => {
            Value::String(text.chars().take(MAX_CHARS).chain(['…']).collect())
        }
        Value::Array(items) => {
            let more = items.len().saturating_sub(MAX_ITEMS);
            let note = (more > 0).then(|| Value::String(format!("… {more} more")));
            Value::Array(items.into_iter().take(MAX_ITEMS).map(summary).chain(note).collect())
        }
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, summary(value))).collect())
        }
        short => short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_has_the_beginning_of_everything() {
        let long = "x".repeat(MAX_CHARS + 1);
        let data = json!({"list": [1, 2, 3, 4], "text": long, "inner": {"list": [], "flag": true}});
        let cut = format!("{}…", "x".repeat(MAX_CHARS));
        let expected = json!({"list": [1, 2, "… 2 more"], "text": cut, "inner": {"list": [], "flag": true}});
        assert_eq!(summary(data), expected);
    }
}
