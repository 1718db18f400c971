//! Identifiers that follow from content: UUIDs of version 5, SHA-1 over a namespace and a name.
//!
//! Who records the same fact in the same place gives it the same identifier, so a repeated append is
//! recognised instead of stored again, and a message that two replicas plan is one message. Identifiers are
//! stored: neither a namespace nor the form of a name may ever change.
use uuid::Uuid;

/// What an identifier names. Equal names in two namespaces give different identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// Events on a log.
    Event,
    /// Messages to receivers.
    Notification,
    /// The random part of the pause before a message is sent again.
    DeliveryJitter,
}

impl Namespace {
    /// The URN from which the namespace itself is derived.
    const fn urn(self) -> &'static str {
        match self {
            Self::Event => "urn:orewatch:event",
            Self::Notification => "urn:orewatch:notification",
            Self::DeliveryJitter => "urn:orewatch:delivery:jitter",
        }
    }

    /// Derives the identifier of a name.
    #[must_use]
    pub fn derive(self, name: impl AsRef<[u8]>) -> Uuid {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, self.urn().as_bytes());
        Uuid::new_v5(&namespace, name.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_stay_as_they_were_stored() {
        let derived = |namespace: Namespace| namespace.derive("a/1").to_string();
        assert_eq!(derived(Namespace::Event), "2570f404-3312-52af-847b-e028e6462cd7");
        assert_eq!(derived(Namespace::Notification), "c3b4222c-9f48-5c1e-a9cd-5846d729690d");
        assert_eq!(derived(Namespace::DeliveryJitter), "35e65dd6-1714-545d-8689-445f3223cef1");
    }
}
