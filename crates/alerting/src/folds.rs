//! All folds of the alerts log together, as a snapshot keeps them.
use orewatch_contracts::alerting::v1::AlertEvent;
use orewatch_eventlog::{Error, Event};
use orewatch_rules::evolve::RulesState;
use orewatch_rules::figures::saved::Folded;
use prost::Message;

use crate::delivery::{self, DelivererState};
use crate::notify::{self, NotifierState};

/// A fold whose state can be kept in a snapshot.
pub(crate) trait Fold: Sized {
    /// Its name among the sections.
    const NAME: &'static str;
    /// Version of its encoded form. A section of another version is not read.
    const VERSION: u32;

    /// Encodes the state.
    fn save(&self) -> Vec<u8>;

    /// Decodes the state. None: the bytes are invalid.
    fn load(bytes: &[u8]) -> Option<Self>;
}

/// The folds of the alerts log, at the same position. A copy shares what neither changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Folds {
    /// Rules and alerts.
    pub rules: RulesState,
    /// Subscriptions, silences, and what is due.
    pub notify: NotifierState,
    /// Receivers, and messages to them.
    pub delivery: DelivererState,
}

impl Folds {
    /// Folds an event.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot be decoded or cannot follow.
    pub fn evolve(&mut self, event: &Event) -> Result<(), Error> {
        self.evolve_decoded(event, AlertEvent::read(event)?)
    }

    /// Folds an event that has been decoded.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot follow.
    fn evolve_decoded(&mut self, event: &Event, decoded: Option<AlertEvent>) -> Result<(), Error> {
        self.notify.evolve_decoded(event, decoded.as_ref())?;
        self.delivery.evolve_decoded(event, decoded.as_ref())?;
        self.rules.evolve_read(event, decoded)
    }

    /// The bytes of a snapshot.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.save()
    }

    /// Reads the bytes of a snapshot. None: they are invalid.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::load(bytes)
    }
}

#[derive(Clone, PartialEq, Message)]
struct SavedFolds {
    #[prost(bytes = "vec", tag = "1")]
    rules: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    notify: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    delivery: Vec<u8>,
}

impl Fold for Folds {
    const NAME: &'static str = "alerts";
    const VERSION: u32 = 4;

    fn save(&self) -> Vec<u8> {
        let rules = self.rules.save();
        let notify = notify::saved::save(&self.notify, &self.rules);
        let delivery = delivery::saved::save(&self.delivery);
        SavedFolds { rules, notify, delivery }.encode_to_vec()
    }

    fn load(bytes: &[u8]) -> Option<Self> {
        let saved = SavedFolds::decode(bytes).ok()?;
        let rules = RulesState::load(&saved.rules)?;
        let notify = notify::saved::load(&saved.notify, &rules)?;
        Some(Self { notify, delivery: delivery::saved::load(&saved.delivery)?, rules })
    }
}

impl Fold for Folded {
    const NAME: &'static str = "figures";
    const VERSION: u32 = Self::VERSION;

    fn save(&self) -> Vec<u8> {
        self.save()
    }

    fn load(bytes: &[u8]) -> Option<Self> {
        Self::load(bytes)
    }
}
