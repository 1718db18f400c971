//! What an identity may do on a NATS server: the subjects that it may publish on and subscribe to.
//!
//! NATS permissions name subjects, in which `*` stands for one whole token and `>` for the rest. Everything
//! that a client asks of JetStream is a message on a subject of `$JS.API` that names the stream and, for a
//! consumer, the consumer. What is not listed is refused.
//!
//! No permission to acknowledge (`$JS.ACK`) is needed: readers keep their own cursors.
use super::config::LEASES;
use super::names::{MAX_NAMES, consumer_name};
use super::{API, config, envelope};

/// Who connects, and to which logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name, such as `exposure`; its answers arrive below `_INBOX_exposure`.
    pub name: String,
    /// Logs that it reads.
    pub reads: Vec<String>,
    /// Streams of logs that it writes, such as `exposures` or, for the marks of an operator,
    /// `exposures.skips`.
    pub writes: Vec<String>,
    /// Number of processes with this identity at the same time. Their consumers have names of their own:
    /// `exposure-0-0`, ..., `exposure-1-0`, ...
    pub instances: usize,
    /// It makes streams and changes them, and reads nothing.
    pub administers: bool,
    /// Its processes share their work, and announce what they hold.
    pub holds_leases: bool,
}

/// The permissions of an identity. Everything else is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Subjects that it may publish on.
    pub publish: Vec<String>,
    /// Subjects that it may subscribe to.
    pub subscribe: Vec<String>,
}

impl Identity {
    /// Beginning of the subjects on which its answers arrive.
    #[must_use]
    pub fn inbox(&self) -> String {
        format!("_INBOX_{}", self.name)
    }

    /// What it needs, and nothing else.
    #[must_use]
    pub fn grants(&self) -> Grants {
        let publish = match self.administers {
            true => vec![format!("{API}.>")],
            false => {
                let mut logs: Vec<&str> = self.reads.iter().map(String::as_str).collect();
                logs.extend(self.writes.iter().map(|name| log_of(name)));
                logs.sort_unstable();
                logs.dedup();
                let questions = logs.into_iter().flat_map(|log| self.questions(log));
                let writes = self.writes.iter().map(|name| writing(name));
                questions.chain(writes).chain(self.leases()).collect()
            }
        };
        Grants { publish, subscribe: vec![format!("{}.>", self.inbox())] }
    }

    /// What it needs, by purpose, as subjects that stand for all others: those of a reader with one consumer
    /// of this name.
    pub(super) fn needs(&self, consumer: &str) -> Vec<(String, Vec<String>)> {
        if self.administers {
            let made = |log: &str| format!("{API}.STREAM.CREATE.{}", config::stream_name(log));
            let subjects = ["observations", "exposures", "alerts", LEASES].map(made);
            return vec![("make streams".to_owned(), Vec::from(subjects))];
        }
        let reads = self.reads.iter().map(|log| {
            let stream = config::stream_name(log);
            let subjects: Vec<String> =
                looks(&stream).into_iter().chain(consumes(&stream, consumer)).collect();
            (format!("read {log}"), subjects)
        });
        let writes = self.writes.iter().map(|name| {
            // A wildcard is no subject of a message; any stream of the log stands for all.
            let subject = writing(name).replace('>', "doctor.none");
            let questions = looks(&config::stream_name(log_of(name)));
            let subjects: Vec<String> = questions.into_iter().chain([subject]).collect();
            (format!("write {name}"), subjects)
        });
        let leases = self.holds_leases.then(|| {
            let subjects: Vec<String> =
                self.leases().iter().map(|subject| subject.replace('*', "doctor")).collect();
            ("announce replicas".to_owned(), subjects)
        });
        reads.chain(writes).chain(leases).collect()
    }

    /// The questions of the API that a reader or a writer of a log asks.
    fn questions(&self, log: &str) -> Vec<String> {
        let stream = config::stream_name(log);
        let mut all = looks(&stream).to_vec();
        if self.reads.iter().any(|read| read == log) {
            all.extend(self.consumers().flat_map(|name| consumes(&stream, &name)));
        }
        all
    }

    /// What it needs to announce its own leases and to see those of others.
    fn leases(&self) -> Vec<String> {
        if !self.holds_leases {
            return Vec::new();
        }
        let mut all = self.questions(LEASES);
        all.push(format!("{}.*", config::lease_subject(&self.name)));
        all
    }

    /// Names of its consumers, those of all its processes.
    fn consumers(&self) -> impl Iterator<Item = String> + '_ {
        let instances = (0..self.instances).map(|ordinal| format!("{}-{ordinal}", self.name));
        instances.flat_map(|instance| (0..MAX_NAMES).map(move |number| consumer_name(&instance, number)))
    }
}

/// Questions about a stream.
fn looks(stream: &str) -> [String; 2] {
    [format!("{API}.STREAM.INFO.{stream}"), format!("{API}.STREAM.MSG.GET.{stream}")]
}

/// Questions of a reader with a consumer of this name.
fn consumes(stream: &str, consumer: &str) -> [String; 4] {
    ["CREATE", "INFO", "DELETE", "MSG.NEXT"]
        .map(|question| format!("{API}.CONSUMER.{question}.{stream}.{consumer}"))
}

/// The log of a stream's name: its first token.
fn log_of(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// The subjects of what is written to a log, or to one stream of it.
fn writing(name: &str) -> String {
    match name.contains('.') {
        true => format!("{}.{name}", envelope::SUBJECT_ROOT),
        false => envelope::subjects(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposure() -> Identity {
        Identity {
            name: "exposure".to_owned(),
            reads: vec!["observations".to_owned(), "exposures".to_owned()],
            writes: vec!["exposures".to_owned()],
            instances: 2,
            administers: false,
            holds_leases: true,
        }
    }

    #[test]
    fn a_service_may_what_it_needs() {
        let grants = exposure().grants();
        for subject in [
            "orewatch.exposures.>",
            "$JS.API.STREAM.INFO.OBSERVATIONS",
            "$JS.API.STREAM.MSG.GET.EXPOSURES",
            "$JS.API.CONSUMER.CREATE.OBSERVATIONS.exposure-1-0",
            "$JS.API.CONSUMER.MSG.NEXT.EXPOSURES.exposure-0-15",
            "$JS.API.STREAM.MSG.GET.KV_orewatch-leases",
            "$KV.orewatch-leases.exposure.*",
        ] {
            assert!(grants.publish.iter().any(|granted| granted == subject), "{subject}");
        }
        assert_eq!(grants.subscribe, ["_INBOX_exposure.>"]);
        let consumers = 2 * 2 * MAX_NAMES * 4;
        assert_eq!(grants.publish.len(), 2 * 2 + consumers + 1 + 3, "and nothing else");
    }

    #[test]
    fn what_is_needed_is_granted_subject_by_subject() {
        let exposure = exposure();
        let (needs, grants) = (exposure.needs("exposure-0-0"), exposure.grants());
        let purposes: Vec<&str> = needs.iter().map(|(purpose, _)| purpose.as_str()).collect();
        assert_eq!(purposes, ["read observations", "read exposures", "write exposures", "announce replicas"]);
        for subject in needs.iter().flat_map(|(_, subjects)| subjects) {
            let is_granted = |granted: &String| match granted.strip_suffix(['>', '*']) {
                Some(beginning) => subject.starts_with(beginning),
                None => granted == subject,
            };
            assert!(grants.publish.iter().any(is_granted), "{subject}");
            assert!(!subject.contains(['*', '>']), "{subject} is a subject of a message");
        }
    }

    #[test]
    fn who_only_writes_makes_no_consumers() {
        let operator = Identity {
            name: "operator".to_owned(),
            reads: Vec::new(),
            writes: vec!["alerts.skips".to_owned()],
            instances: 1,
            administers: false,
            holds_leases: false,
        };
        assert_eq!(
            operator.grants().publish,
            ["$JS.API.STREAM.INFO.ALERTS", "$JS.API.STREAM.MSG.GET.ALERTS", "orewatch.alerts.skips"]
        );
    }
}
