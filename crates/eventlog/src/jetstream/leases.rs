//! Leases in a bucket of NATS: one key a member, with a time to live.
//!
//! A bucket is a stream that keeps the last message of each subject. An announcement is a message with the
//! header `Nats-TTL`; the server removes it when its time is over, so nobody has to clean up after a process
//! that was killed. Members are found with single reads from the stream's leader, which need no consumer, and
//! so no permission to make one.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::stream::Stream;
use async_nats::{HeaderMap, Request, header};
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::config::{self, LEASES};
use super::publish::{Outcome, acknowledged};
use super::refusals::Asked;
use super::{JetStream, Trouble, lookup, misconfigured, patiently};
use crate::Error;
use crate::leases::{Announcement, Leases};

/// Time that an announcement, or reading all of them, waits for the server. It is shorter than a lease: a
/// process that hangs here must not lose its lease for that.
const PATIENCE: Duration = Duration::from_secs(1);

/// Upper bound on members of a service: their names are ordinals of two digits.
const MAX_MEMBERS: usize = 100;

/// The leases of one service.
struct JetStreamLeases {
    nats: JetStream,
    stream: Stream<()>,
    /// Subject of the leases of the service, without the member.
    subject: String,
}

impl JetStream {
    /// Opens the leases of a service. Makes the bucket if there is none and the options allow it.
    ///
    /// # Errors
    /// As [`open`](Self::open), with `leases` as the log.
    pub async fn leases(&self, service: &str) -> Result<Arc<dyn Leases>, Error> {
        let deadline = Instant::now() + self.options.opening_patience;
        self.check_server().map_err(|reason| misconfigured(LEASES, reason))?;
        let asked = self.asked(LEASES, &["STREAM.INFO", "STREAM.CREATE"]);
        let stream = patiently(LEASES, deadline, |wait| self.ask(wait, &asked, self.stream(LEASES))).await?;
        let subject = config::lease_subject(service);
        Ok(Arc::new(JetStreamLeases { nats: self.clone(), stream, subject }))
    }
}

impl Leases for JetStreamLeases {
    fn announce<'a>(
        &'a self,
        member: &'a str,
        record: Bytes,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        async move {
            let subject = format!("{}.{member}", self.subject);
            let asked = Asked { publishes: vec![subject.clone()], inbox: self.nats.inbox().to_owned() };
            let question = |wait| self.nats.ask(wait, &asked, self.publish(&subject, &record, ttl, wait));
            patiently(LEASES, Instant::now() + PATIENCE, question).await
        }
        .boxed()
    }

    fn announcements(&self) -> BoxFuture<'_, Result<Vec<Announcement>, Error>> {
        async move {
            let asked = self.nats.asked(LEASES, &["STREAM.MSG.GET"]);
            let question = |wait| self.nats.ask(wait, &asked, self.read_all());
            patiently(LEASES, Instant::now() + PATIENCE, question).await
        }
        .boxed()
    }
}

impl JetStreamLeases {
    async fn publish(
        &self,
        subject: &str,
        record: &Bytes,
        ttl: Duration,
        wait: Duration,
    ) -> Result<u64, Trouble> {
        let mut headers = HeaderMap::new();
        headers.insert(header::NATS_MESSAGE_TTL, format!("{}s", ttl.as_secs()));
        let request = Request::new().headers(headers).payload(record.clone()).timeout(Some(wait));
        let answer = self.nats.client.send_request(subject.to_owned(), request).await;
        let answer = answer.map_err(|error| Trouble::Passing(error.to_string()))?;
        match acknowledged(&answer.payload) {
            Outcome::Stored(revision) => Ok(revision),
            Outcome::Full(reason) | Outcome::Failed { reason, .. } => Err(Trouble::Passing(reason)),
            // Neither an id nor an expectation is sent along.
            Outcome::KnownId | Outcome::OtherLast => {
                Err(Trouble::Passing("the server compares it with others".to_owned()))
            }
        }
    }

    async fn read_all(&self) -> Result<Vec<Announcement>, Trouble> {
        let (all_members, mut from) = (format!("{}.*", self.subject), 1);
        let mut all = Vec::new();
        while let Some(message) = lookup::next_message(&self.stream, &all_members, from).await? {
            from = message.sequence + 1;
            let member = message.subject.as_str().rsplit('.').next().unwrap_or_default().to_owned();
            all.push(Announcement { member, revision: message.sequence, record: message.payload });
            if all.len() >= MAX_MEMBERS {
                break;
            }
        }
        Ok(all)
    }
}

impl fmt::Debug for JetStreamLeases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStreamLeases").field("subject", &self.subject).finish_non_exhaustive()
    }
}
