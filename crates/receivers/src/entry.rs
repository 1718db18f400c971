//! The YAML form of receivers, and how a file of them is read.
use jiff::SignedDuration;
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1 as proto;
use orewatch_contracts::alerting::v1::secret_reference::Source;
use orewatch_rules::document::EntryFile;
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;

use crate::invalid::invalid_receiver;
use crate::registry::{ReceiverEntry, list_kind_names};

/// A file of receivers: one receiver, or a list of them.
#[derive(Debug, JsonSchema)]
#[schemars(untagged, title = "Orewatch receivers")]
pub enum Document {
    /// Several receivers.
    List(ReceiverList),
    /// One receiver.
    One(Box<ReceiverEntry>),
}

/// Several receivers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiverList {
    /// The receivers.
    receivers: Vec<ReceiverEntry>,
}

/// Location of a secret; give exactly one of the two.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Secret {
    /// Environment variable of the service; its name begins with `RECEIVER_`.
    pub(crate) environment: Option<String>,
    /// File below the service's secrets directory.
    pub(crate) file: Option<String>,
}

/// JSON Schema of a file of receivers.
#[must_use]
pub fn document_schema() -> Schema {
    schema_for!(Document)
}

/// Reads a file of receivers; errors call it `name`. The service checks each receiver when it is stored.
///
/// # Errors
/// The first thing that is wrong, with file, line, column, field, value and what to do.
pub fn parse(name: &str, bytes: &[u8]) -> Result<EntryFile<proto::Receiver>, Failure> {
    let file = EntryFile::read(
        name,
        bytes,
        "receivers",
        |list: ReceiverList| list.receivers,
        ReceiverEntry::into_receiver,
    )?;
    for (k, receiver) in file.entries().iter().enumerate() {
        if file.entries().iter().take(k).any(|other| other.id == receiver.id) {
            let twice = invalid_receiver(
                "id",
                &receiver.id,
                format!("receiver {} is listed twice", receiver.id),
                "keep one of them",
            );
            return Err(file.locate(k, twice));
        }
    }
    Ok(file)
}

impl ReceiverEntry {
    fn into_receiver(mut self) -> Result<proto::Receiver, Failure> {
        let mut kinds = self.take_kinds().into_iter();
        let (Some(kind), None) = (kinds.next(), kinds.next()) else {
            let hint = format!("give exactly one of {}", list_kind_names());
            return Err(invalid_receiver(
                "id",
                &self.id,
                "the receiver does not have exactly one kind",
                hint,
            ));
        };
        Ok(proto::Receiver {
            id: self.id,
            title: self.title,
            kind: Some(kind?),
            owner: self.owner,
            fallback: self.fallback,
            timeout: parse_duration("timeout", self.timeout.as_deref())?,
            heartbeat: parse_duration("heartbeat", self.heartbeat.as_deref())?,
        })
    }
}

impl Secret {
    pub(crate) fn into_reference(self, field: &str) -> Result<proto::SecretReference, Failure> {
        let source = match (self.environment, self.file) {
            (Some(name), None) => Source::Environment(name),
            (None, Some(path)) => Source::File(path),
            _ => {
                let hint = "write `{environment: RECEIVER_NAME}` or `{file: PATH}`";
                return Err(invalid_receiver(
                    field,
                    "",
                    "the secret does not have exactly one location",
                    hint,
                ));
            }
        };
        Ok(proto::SecretReference { source: Some(source) })
    }
}

fn parse_duration(field: &str, text: Option<&str>) -> Result<Option<prost_types::Duration>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let parsed: SignedDuration = text.parse().map_err(|_| {
        invalid_receiver(
            field,
            text,
            format!("{text:?} is not a duration"),
            "write a number with its unit, such as 15s or 5m",
        )
    })?;
    Ok(Some(prost_types::Duration { seconds: parsed.as_secs(), nanos: parsed.subsec_nanos() }))
}
