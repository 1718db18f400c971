//! Reading the message of an event, and the errors of events that contradict their contracts.
use prost::{Message, Name};

use super::{Error, Event};

impl Event {
    /// Reads the data as the message that the type of the event names. Where any event may come, read it with
    /// the enum of the log instead, such as [`AlertEvent::read`](crate::alerting::v1::AlertEvent::read).
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the event is of another type, or its data are not such a message.
    pub fn message<M: Message + Name + Default>(&self) -> Result<M, Error> {
        if self.kind != M::full_name() {
            return Err(Error::corrupt(self, format!("it is {}, not {}", self.kind, M::full_name())));
        }
        M::decode(self.data.clone()).map_err(|error| Error::undecodable(self, &error))
    }
}

impl Error {
    /// The error for an event that contradicts its contract, with the reason.
    #[must_use]
    pub fn corrupt(event: &Event, reason: impl Into<String>) -> Self {
        let log = event.stream.log().to_owned();
        Self::Corrupt { log, position: event.position, reason: reason.into() }
    }

    /// The error for an event whose data are not the message that its type names.
    #[must_use]
    pub fn undecodable(event: &Event, error: &prost::DecodeError) -> Self {
        Self::corrupt(event, format!("{} on {} cannot be decoded: {error}", event.kind, event.stream))
    }
}
