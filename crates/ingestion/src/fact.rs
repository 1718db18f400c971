//! The facts of the observations log, and their form on it.
use bytes::Bytes;
use orewatch_contracts::ingestion::v1::{
    ObservationsRecorded, ReleaseCommitted, ReleaseHeld, ReleaseOpened, ReleaseRefused, ReleaseWithdrawn,
    RowsQuarantined, RowsRepaired, SourcePolicyRevised,
};
use prost::{DecodeError, Message as _};
use sha2::{Digest as _, Sha256};

use crate::evolve::Digest;

/// A fact about one release, or about the source policy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fact {
    Opened(ReleaseOpened),
    Recorded(ObservationsRecorded),
    Quarantined(RowsQuarantined),
    /// Rows that were set aside are mended, and how often that was so before in this opening.
    Repaired(RowsRepaired, u32),
    Held(ReleaseHeld),
    Committed(ReleaseCommitted),
    Refused(ReleaseRefused),
    Withdrawn(ReleaseWithdrawn),
    PolicyRevised(SourcePolicyRevised),
}

/// Full name of a message of this service's contract.
macro_rules! kind {
    ($message:literal) => {
        concat!("orewatch.ingestion.v1.", $message)
    };
}

/// Kind of a chunk of rows.
pub(crate) const RECORDED: &str = kind!("ObservationsRecorded");

/// Kind of a chunk of rejections.
pub(crate) const QUARANTINED: &str = kind!("RowsQuarantined");

/// A chunk in its form on the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// [`RECORDED`] or [`QUARANTINED`].
    pub(crate) kind: &'static str,
    /// Number among those of its kind.
    pub(crate) number: u32,
    /// The protobuf message.
    pub(crate) data: Bytes,
    /// Its SHA-256.
    pub(crate) digest: Digest,
}

impl Chunk {
    /// A chunk of rows.
    pub(crate) fn rows(number: u32, data: Bytes) -> Self {
        let digest = Sha256::digest(&data).into();
        Self { kind: RECORDED, number, data, digest }
    }

    /// A chunk of rejections.
    pub(crate) fn rejections(chunk: &RowsQuarantined) -> Self {
        let data: Bytes = chunk.encode_to_vec().into();
        let digest = Sha256::digest(&data).into();
        Self { kind: QUARANTINED, number: chunk.chunk, data, digest }
    }
}

impl Fact {
    /// Full name of the protobuf message.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Opened(_) => kind!("ReleaseOpened"),
            Self::Recorded(_) => RECORDED,
            Self::Quarantined(_) => QUARANTINED,
            Self::Repaired(..) => kind!("RowsRepaired"),
            Self::Held(_) => kind!("ReleaseHeld"),
            Self::Committed(_) => kind!("ReleaseCommitted"),
            Self::Refused(_) => kind!("ReleaseRefused"),
            Self::Withdrawn(_) => kind!("ReleaseWithdrawn"),
            Self::PolicyRevised(_) => kind!("SourcePolicyRevised"),
        }
    }

    /// Number among those of its kind in one opening of a release.
    pub(crate) fn number(&self) -> u32 {
        match self {
            Self::Recorded(chunk) => chunk.chunk,
            Self::Quarantined(chunk) => chunk.chunk,
            Self::Repaired(_, number) => *number,
            _ => 0,
        }
    }

    /// The protobuf message.
    pub(crate) fn encode(&self) -> Bytes {
        match self {
            Self::Opened(message) => message.encode_to_vec(),
            Self::Recorded(message) => message.encode_to_vec(),
            Self::Quarantined(message) => message.encode_to_vec(),
            Self::Repaired(message, _) => message.encode_to_vec(),
            Self::Held(message) => message.encode_to_vec(),
            Self::Committed(message) => message.encode_to_vec(),
            Self::Refused(message) => message.encode_to_vec(),
            Self::Withdrawn(message) => message.encode_to_vec(),
            Self::PolicyRevised(message) => message.encode_to_vec(),
        }
        .into()
    }

    /// Reads an event. None: a kind that a newer version writes, and this one passes over.
    pub(crate) fn decode(kind: &str, data: Bytes) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match kind {
            kind!("ReleaseOpened") => Self::Opened(ReleaseOpened::decode(data)?),
            RECORDED => Self::Recorded(ObservationsRecorded::decode(data)?),
            QUARANTINED => Self::Quarantined(RowsQuarantined::decode(data)?),
            kind!("RowsRepaired") => Self::Repaired(RowsRepaired::decode(data)?, 0),
            kind!("ReleaseHeld") => Self::Held(ReleaseHeld::decode(data)?),
            kind!("ReleaseCommitted") => Self::Committed(ReleaseCommitted::decode(data)?),
            kind!("ReleaseRefused") => Self::Refused(ReleaseRefused::decode(data)?),
            kind!("ReleaseWithdrawn") => Self::Withdrawn(ReleaseWithdrawn::decode(data)?),
            kind!("SourcePolicyRevised") => Self::PolicyRevised(SourcePolicyRevised::decode(data)?),
            _ => return Ok(None),
        }))
    }
}
