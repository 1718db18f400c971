//! What the server permits, tried without any effect.
//!
//! NATS has no question for permissions. So each subject that an identity needs gets a message that cannot be
//! carried out: requests to the API hold no request, and an event names another stream than the one that it
//! is for. A server that permits the message answers with an error or not at all; one that does not says so
//! at once (`refusals.rs`). Nothing is stored, made or removed either way, also where a service with the same
//! identity runs.
use std::time::Duration;

use async_nats::{HeaderMap, Request, RequestErrorKind, header};

use super::names::consumer_name;
use super::refusals::Asked;
use super::{Finding, Identity, JetStream};
use crate::Error;

/// Time for the answer to one message. A refusal comes at once; without one, the message is permitted.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// A stream that no event of ours is for.
const NO_STREAM: &str = "OREWATCH-DOCTOR";

/// What a message of the API holds instead of a request: broken JSON, which every question refuses. Any other
/// text would be taken for a request by `CONSUMER.MSG.NEXT`, which would then hand out a message of a
/// consumer that a service is using.
const NO_REQUEST: &str = "{no request";

impl JetStream {
    /// Compares what the server permits with what an identity needs: a finding for each log that it reads and
    /// each one that it writes, with the subjects that are refused. The connection must be one of the
    /// identity.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the connection is lost.
    pub async fn permissions(&self, identity: &Identity) -> Result<Vec<Finding>, Error> {
        let instance = self.options.instance.clone().unwrap_or_else(|| format!("{}-0", identity.name));
        let consumer = consumer_name(&instance, 0);
        let mut findings = Vec::new();
        for (purpose, subjects) in identity.needs(&consumer) {
            let mut refused = Vec::new();
            for subject in &subjects {
                refused.extend(self.refusal(subject).await?);
            }
            findings.push(finding(identity, &purpose, &refused));
        }
        Ok(findings)
    }

    /// What the server refuses of a message on a subject. `None`: nothing.
    async fn refusal(&self, subject: &str) -> Result<Option<String>, Error> {
        let asked = Asked { publishes: vec![subject.to_owned()], inbox: self.inbox().to_owned() };
        let mut headers = HeaderMap::new();
        headers.insert(header::NATS_EXPECTED_STREAM, NO_STREAM);
        let request =
            Request::new().headers(headers).payload(NO_REQUEST.into()).timeout(Some(ANSWER_TIMEOUT));
        let mut refusals = self.refusals.listen();
        tokio::select! {
            biased;
            what = refusals.refusal_of(&asked) => Ok(Some(what)),
            answer = self.client.send_request(subject.to_owned(), request) => match answer {
                Ok(_) => Ok(None),
                Err(error) => match error.kind() {
                    // Nobody answers: there is no such stream or consumer, or its leader is away.
                    RequestErrorKind::NoResponders | RequestErrorKind::TimedOut => Ok(None),
                    _ => Err(Error::Unavailable {
                        log: "nats".to_owned(),
                        reason: error.to_string(),
                        outcome_unknown: false,
                    }),
                },
            },
        }
    }
}

fn finding(identity: &Identity, purpose: &str, refused: &[String]) -> Finding {
    let found = match refused {
        [] => "permitted".to_owned(),
        _ => format!("refused: {}", refused.join(", ")),
    };
    Finding::compared(
        &format!("permission of {}: {purpose}", identity.name),
        "permitted".to_owned(),
        found,
        refused.is_empty(),
        "give the identity its permissions, as `orewatch setup --print nats` lists them, or name its own \
         credentials",
    )
}
