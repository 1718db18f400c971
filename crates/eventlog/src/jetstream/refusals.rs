//! What the server refuses to this client.
//!
//! A server answers a request that its permissions forbid with nothing: the request runs into its deadline,
//! and the reason comes beside it, as an error of the connection that names only the subject. [`Refusals`]
//! brings the two together, so that a forbidden request fails at once and says what is not permitted.
use tokio::sync::broadcast;

/// Upper bound on refusals that a question has not looked at. Those beyond it are dropped; the next attempt
/// is refused again.
const MAX_WAITING: usize = 64;

/// Refusals as they arrive, for all questions that wait.
#[derive(Clone, Debug)]
pub(super) struct Refusals(broadcast::Sender<Refusal>);

/// Something that the permissions of the server forbid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What was tried.
    verb: Verb,
    /// The subject.
    subject: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Publish,
    Subscribe,
}

/// What the refusals of one question are recognised by.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Subjects that it publishes on, and beginnings of them up to a whole token.
    pub(super) publishes: Vec<String>,
    /// Beginning of the subjects on which its answer arrives.
    pub(super) inbox: String,
}

impl Default for Refusals {
    fn default() -> Self {
        Self(broadcast::channel(MAX_WAITING).0)
    }
}

impl Refusals {
    /// Takes an error of the connection. Returns whether it is a refusal.
    pub(super) fn observe(&self, text: &str) -> bool {
        let refusal = Refusal::parse(text);
        let is_refusal = refusal.is_some();
        if let Some(refusal) = refusal {
            // Nobody may be waiting.
            let _unheard = self.0.send(refusal);
        }
        is_refusal
    }

    /// Refusals from now on.
    pub(super) fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// Listens to refusals.
pub(super) struct Listener(broadcast::Receiver<Refusal>);

impl Listener {
    /// Waits for a refusal that concerns a question, and says what is not permitted.
    pub(super) async fn refusal_of(&mut self, asked: &Asked) -> String {
        loop {
            match self.0.recv().await {
                Ok(refusal) if asked.is_refused_by(&refusal) => return refusal.to_string(),
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                // The client is gone, which the question itself notices.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

impl Asked {
    fn is_refused_by(&self, refusal: &Refusal) -> bool {
        match refusal.verb {
            Verb::Publish => self.publishes.iter().any(|subject| begins_with(&refusal.subject, subject)),
            Verb::Subscribe => begins_with(&refusal.subject, &self.inbox),
        }
    }
}

/// Whether a subject begins with tokens.
fn begins_with(subject: &str, tokens: &str) -> bool {
    subject.strip_prefix(tokens).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl Refusal {
    /// Reads the server's text: `Permissions Violation for Publish to "SUBJECT"`.
    fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let rest = lower.strip_prefix("permissions violation for ")?;
        let verb = match rest.split(' ').next()? {
            "publish" => Verb::Publish,
            "subscription" => Verb::Subscribe,
            _ => return None,
        };
        // The subject as it was written, not in lower case.
        let subject = text.split('"').nth(1)?.to_owned();
        Some(Self { verb, subject })
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verb = match self.verb {
            Verb::Publish => "publish to",
            Verb::Subscribe => "subscribe to",
        };
        write!(f, "{verb} {}", self.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        Asked {
            publishes: vec!["$JS.API.STREAM.INFO.ALERTS".to_owned()],
            inbox: "_INBOX_alerting".to_owned(),
        }
    }

    #[test]
    fn a_refusal_names_its_subject() {
        for (text, shown) in [
            (
                r#"Permissions Violation for Publish to "$JS.API.STREAM.INFO.ALERTS""#,
                Some("publish to $JS.API.STREAM.INFO.ALERTS"),
            ),
            (
                r#"Permissions Violation for Subscription to "_INBOX.x.*" using queue "q""#,
                Some("subscribe to _INBOX.x.*"),
            ),
            ("Authorization Violation", None),
            ("Permissions Violation for Publish to", None),
        ] {
            assert_eq!(Refusal::parse(text).map(|refusal| refusal.to_string()).as_deref(), shown);
        }
    }

    #[test]
    fn a_refusal_concerns_only_its_question() {
        let refused =
            |verb, subject: &str| asked().is_refused_by(&Refusal { verb, subject: subject.to_owned() });
        assert!(refused(Verb::Publish, "$JS.API.STREAM.INFO.ALERTS"));
        assert!(!refused(Verb::Publish, "$JS.API.STREAM.INFO.ALERTS_OLD"));
        assert!(!refused(Verb::Publish, "$JS.API.STREAM.DELETE.ALERTS"));
        assert!(refused(Verb::Subscribe, "_INBOX_alerting.abc.*"));
        assert!(!refused(Verb::Subscribe, "_INBOX.abc.*"));
    }
}
