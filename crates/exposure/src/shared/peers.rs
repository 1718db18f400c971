//! The other replicas: who holds what, and how they are asked.
//!
//! A request that is passed on says as of which position of the observations log it is answered, and for
//! which materials. A replica that gets such a request answers it itself or refuses it: it never passes it on
//! again, so that no request goes in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::Position;
use orewatch_runtime::{Members, Sharing, client};
use tokio::sync::watch;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use super::question::{Client, Question};
use crate::MAX_MESSAGE_BYTES;

/// Headers of a request that is passed on.
const POSITION: &str = "orewatch-position";
const MATERIALS: &str = "orewatch-materials";

/// Time until another replica must have answered: the longest computation, and waiting for it.
const ANSWER_PATIENCE: Duration = Duration::from_secs(90);

/// How far with what a member holds it has come, by name: see `WorkerProgress`.
pub(crate) const APPLIED: &str = "applied";
pub(crate) const JUDGED: &str = "judged";
pub(crate) const PUBLISHED: &str = "published";
/// Rows of trade that a member keeps.
pub(crate) const TRADE_ROWS: &str = "trade-rows";

/// What a request that was passed on says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PassedOn {
    /// Position of the observations log as of which it is answered.
    pub(crate) position: Position,
    /// Materials for which it is answered.
    pub(crate) materials: BTreeSet<&'static str>,
}

impl PassedOn {
    /// Reads the headers of a request. `None`: it comes from a caller.
    ///
    /// # Errors
    /// Headers that no replica of this version writes.
    pub(crate) fn read(headers: &MetadataMap) -> Result<Option<Self>, Failure> {
        let Some(position) = headers.get(POSITION) else { return Ok(None) };
        let text = |value: &AsciiMetadataValue| value.to_str().unwrap_or_default().to_owned();
        let position = text(position);
        let wrong = |message: &str| Failure::new(Class::Invalid, "invalid-request", message);
        let position = position.parse().map_err(|_| wrong("this is no position").at(POSITION, &position))?;
        let materials = headers.get(MATERIALS).map(text).unwrap_or_default();
        let known = |id: &str| match orewatch_catalog::material(id) {
            Ok(material) => Ok(material.id),
            Err(_) => Err(wrong("this version does not know a material").at(MATERIALS, id)),
        };
        let ids = materials.split(',').filter(|id| !id.is_empty());
        Ok(Some(Self { position, materials: ids.map(known).collect::<Result<_, _>>()? }))
    }

    fn write(&self, headers: &mut MetadataMap) -> Result<(), Failure> {
        let ids: Vec<_> = self.materials.iter().copied().collect();
        let materials = AsciiMetadataValue::try_from(ids.join(","));
        let materials = materials.map_err(|_| Failure::internal("a material is no text of a header"))?;
        headers.insert(POSITION, AsciiMetadataValue::from(self.position));
        headers.insert(MATERIALS, materials);
        Ok(())
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) enum Asker {
    /// This process, with its own token.
    Process,
    /// A caller, with the token that it has shown.
    Caller(AsciiMetadataValue),
}

/// A replica that is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Peer {
    name: String,
    address: String,
}

/// The other replicas.
#[derive(Clone, Debug)]
pub(crate) struct Peers {
    sharing: Sharing,
    /// Connections by address, made when they are first used.
    channels: Arc<Mutex<BTreeMap<String, Channel>>>,
    /// Why TLS ended a connection, as it was logged last.
    refusal: Arc<Mutex<Option<Failure>>>,
}

impl Peers {
    pub(crate) fn new(sharing: Sharing) -> Self {
        Self { sharing, channels: Arc::default(), refusal: Arc::default() }
    }

    /// How this replica shares its work.
    pub(crate) fn sharing(&self) -> &Sharing {
        &self.sharing
    }

    /// Who is there, now and whenever it changes.
    pub(crate) fn members(&self) -> watch::Receiver<Arc<Members>> {
        self.sharing.members()
    }

    /// The replica that holds a material: the one that should, or any other. `None`: none does.
    pub(crate) fn holder(&self, material: &str) -> Option<Peer> {
        let members = self.sharing.members().borrow().clone();
        let assigned = members.assigned.get(material);
        let others = members.records.iter().filter(|(name, _)| *name != self.sharing.name());
        let holding = others.filter(|(_, record)| record.holds(material));
        let best = holding.max_by_key(|(name, _)| Some(*name) == assigned);
        best.map(|(name, record)| Peer { name: name.clone(), address: record.address.clone() })
    }

    /// Asks a replica a question about materials, as of a position.
    ///
    /// # Errors
    /// Those of the replica, unchanged; the replica cannot be reached or has gone.
    pub(crate) async fn ask<Q: Question>(
        &self,
        peer: &Peer,
        passed_on: &PassedOn,
        asker: &Asker,
        question: Q,
    ) -> Result<Q::Answer, Status> {
        let mut client = self.client(&peer.address)?;
        let mut request = match asker {
            Asker::Process => client::within(ANSWER_PATIENCE, question),
            Asker::Caller(token) => {
                let mut request = Request::new(question);
                request.set_timeout(ANSWER_PATIENCE);
                request.metadata_mut().insert("authorization", token.clone());
                request
            }
        };
        passed_on.write(request.metadata_mut())?;
        tokio::select! {
            biased;
            answer = Q::ask_peer(&mut client, request) => {
                answer.map(Response::into_inner).inspect_err(|_| self.log_refusal(peer))
            }
            () = self.until_gone(peer) => Err(gone(peer).into()),
        }
    }

    /// Says why TLS ended a connection, each reason once: for callers it is a replica that cannot be reached.
    fn log_refusal(&self, peer: &Peer) {
        let Some(refusal) = self.sharing.tls().refusal() else { return };
        let mut logged = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.as_ref() != Some(&refusal) {
            let (member, address, code) = (&peer.name, &peer.address, &refusal.code);
            tracing::warn!(member, address, code, %refusal, "another replica cannot be asked");
            *logged = Some(refusal);
        }
    }

    /// Waits until a replica is no longer there.
    async fn until_gone(&self, peer: &Peer) {
        let is_gone = |members: &Arc<Members>| {
            members.records.get(&peer.name).is_none_or(|record| record.address != peer.address)
        };
        let mut members = self.sharing.members();
        if members.wait_for(is_gone).await.is_err() {
            // The sender is gone because the process stops: the answer, or the stop, comes first.
            std::future::pending::<()>().await;
        }
    }

    fn client(&self, address: &str) -> Result<Client, Failure> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let channel = match channels.get(address) {
            Some(channel) => channel.clone(),
            None => {
                let channel = client::connect_lazily(address, self.sharing.tls()).map_err(|failure| {
                    let message = format!("a replica announces an address that is none: {}", failure.message);
                    Failure::new(Class::Unavailable, "no-server", message).at("advertise", address)
                })?;
                channels.insert(address.to_owned(), channel.clone());
                channel
            }
        };
        let client = Client::new(channel);
        Ok(client.max_decoding_message_size(MAX_MESSAGE_BYTES).max_encoding_message_size(MAX_MESSAGE_BYTES))
    }
}

fn gone(peer: &Peer) -> Failure {
    let message = format!("replica {} went before it had answered", peer.name);
    Failure::new(Class::Unavailable, crate::grpc::pinned::MOVED, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_they_were_written() {
        let passed_on = PassedOn { position: 1 << 60, materials: BTreeSet::from(["cobalt", "rare-earths"]) };
        let mut headers = MetadataMap::new();
        assert_eq!(PassedOn::read(&headers), Ok(None), "a caller writes none");
        passed_on.write(&mut headers).unwrap();
        assert_eq!(PassedOn::read(&headers), Ok(Some(passed_on)));
        headers.insert(MATERIALS, "unobtainium".parse().unwrap());
        assert_eq!(PassedOn::read(&headers).unwrap_err().code, "invalid-request");
    }
}
