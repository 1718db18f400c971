//! Why the rows of a release cannot be read: its tenant was erased, or this service has no key.
use jiff::Timestamp;
use orewatch_contracts::{Class, Failure};

/// Why the rows of a release cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Withheld {
    /// They are sealed with a key that was destroyed, or that this service has no key file for.
    NoKey,
    /// Their tenant was erased then.
    Erased(Timestamp),
}

impl Withheld {
    /// This reason, given the one of before: that a tenant was erased stays, with its first time.
    pub(crate) fn after(self, before: Option<Self>) -> Self {
        match before {
            Some(erased @ Self::Erased(_)) => erased,
            Some(Self::NoKey) | None => self,
        }
    }

    /// When the rows were erased. `None`: as far as this service knows, they were not.
    pub(crate) fn erased_at(self) -> Option<Timestamp> {
        match self {
            Self::Erased(time) => Some(time),
            Self::NoKey => None,
        }
    }

    /// The reason, one sentence.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Erased(time) => format!("its tenant was erased at {time:.0}"),
            Self::NoKey => "its rows are sealed with a key that this service does not have".to_owned(),
        }
    }

    /// The failure for who asks for the rows of a release, or wants to change it.
    pub(crate) fn failure(self, release: &str) -> Failure {
        let message = format!("release {release} cannot be read: {}", self.text());
        match self {
            Self::Erased(_) => Failure::new(Class::NotFound, "erased", message)
                .with_hint("nobody can read it any more; if you still have its files, ingest them again"),
            Self::NoKey => Failure::new(Class::Misconfigured, "no-tenant-key", message).with_hint(
                "start the services with the key file of this installation (--keys-file); if its tenant was \
                     erased, nobody can read it any more",
            ),
        }
    }
}
