//! The facts of the observations log, and their form on it.
use bytes::Bytes;
use orewatch_contracts::ingestion::v1::{
    ObservationsRecorded, ReleaseCommitted, ReleaseHeld, ReleaseOpened, ReleaseRefused, ReleaseWithdrawn,
    RowsQuarantined, RowsRepaired,
};
use prost::{DecodeError, Message as _};

/// A fact about one release.
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
}

/// Full name of a message of this service's contract.
macro_rules! kind {
    ($message:literal) => {
        concat!("orewatch.ingestion.v1.", $message)
    };
}

impl Fact {
    /// Full name of the protobuf message.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Opened(_) => kind!("ReleaseOpened"),
            Self::Recorded(_) => kind!("ObservationsRecorded"),
            Self::Quarantined(_) => kind!("RowsQuarantined"),
            Self::Repaired(..) => kind!("RowsRepaired"),
            Self::Held(_) => kind!("ReleaseHeld"),
            Self::Committed(_) => kind!("ReleaseCommitted"),
            Self::Refused(_) => kind!("ReleaseRefused"),
            Self::Withdrawn(_) => kind!("ReleaseWithdrawn"),
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
        }
        .into()
    }

    /// Reads an event. None: a kind that a newer version writes, and this one passes over.
    pub(crate) fn decode(kind: &str, data: Bytes) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match kind {
            kind!("ReleaseOpened") => Self::Opened(ReleaseOpened::decode(data)?),
            kind!("ObservationsRecorded") => Self::Recorded(ObservationsRecorded::decode(data)?),
            kind!("RowsQuarantined") => Self::Quarantined(RowsQuarantined::decode(data)?),
            kind!("RowsRepaired") => Self::Repaired(RowsRepaired::decode(data)?, 0),
            kind!("ReleaseHeld") => Self::Held(ReleaseHeld::decode(data)?),
            kind!("ReleaseCommitted") => Self::Committed(ReleaseCommitted::decode(data)?),
            kind!("ReleaseRefused") => Self::Refused(ReleaseRefused::decode(data)?),
            kind!("ReleaseWithdrawn") => Self::Withdrawn(ReleaseWithdrawn::decode(data)?),
            _ => return Ok(None),
        }))
    }
}
