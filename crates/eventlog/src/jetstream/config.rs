//! The configuration that a log's JetStream stream must have, and the differences of one that exists.
use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, Placement, RetentionPolicy, StorageType};

use super::JetStreamOptions;
use super::envelope;

/// Name of the bucket of leases, which is set up and checked like a log.
pub const LEASES: &str = "leases";

/// The bucket, as clients of NATS call it.
const BUCKET: &str = "orewatch-leases";

/// Name of a log's JetStream stream.
pub(super) fn stream_name(log: &str) -> String {
    if log == LEASES { format!("KV_{BUCKET}") } else { log.to_ascii_uppercase() }
}

/// Subject of the leases of a service.
pub(super) fn lease_subject(service: &str) -> String {
    format!("$KV.{BUCKET}.{service}")
}

/// The subjects of a log's stream.
fn subjects(log: &str) -> String {
    if log == LEASES { format!("$KV.{BUCKET}.>") } else { envelope::subjects(log) }
}

/// What differs from one installation to the next in the stream of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSettings {
    /// Name of the stream.
    pub name: String,
    /// Name of the log.
    pub log: String,
    /// Its subjects.
    pub subject: String,
    /// Copies of each message.
    pub replicas: usize,
    /// Upper bound on its size. `None`: as much as the server has room for.
    pub max_bytes: Option<u64>,
    /// Time for which the server recognises a repeated id.
    pub duplicate_window: Duration,
    /// Tags of the servers that store it.
    pub placement_tags: Vec<String>,
}

/// The settings of the stream of a log.
#[must_use]
pub fn stream_settings(log: &str, options: &JetStreamOptions) -> StreamSettings {
    StreamSettings {
        name: stream_name(log),
        log: log.to_owned(),
        subject: subjects(log),
        replicas: options.replicas,
        max_bytes: options.max_log_bytes.filter(|_| log != LEASES),
        duplicate_window: options.duplicate_window,
        placement_tags: options.placement_tags.clone(),
    }
}

/// The configuration of the bucket of leases: that of a key-value bucket with the last value of each key, and
/// a time to live for each.
fn bucket(options: &JetStreamOptions) -> Config {
    Config {
        name: stream_name(LEASES),
        description: Some("Orewatch: which replicas are there, and what each holds".to_owned()),
        subjects: vec![subjects(LEASES)],
        max_messages_per_subject: 1,
        max_bytes: -1,
        allow_atomic_publish: false,
        allow_rollup: true,
        allow_message_ttl: true,
        deny_purge: false,
        ..log_stream(LEASES, options)
    }
}

/// The configuration of a log's stream, or of the bucket of leases.
pub(super) fn wanted(log: &str, options: &JetStreamOptions) -> Config {
    if log == LEASES { bucket(options) } else { log_stream(log, options) }
}

fn log_stream(log: &str, options: &JetStreamOptions) -> Config {
    Config {
        name: stream_name(log),
        description: Some(format!(
            "Orewatch: the {log} log; an event is a CloudEvent with a protobuf payload"
        )),
        subjects: vec![subjects(log)],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        // A full log refuses what is new; the default would drop what is old.
        discard: DiscardPolicy::New,
        max_bytes: options.max_log_bytes.map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        max_messages: -1,
        max_messages_per_subject: -1,
        max_message_size: -1,
        max_consumers: -1,
        num_replicas: options.replicas,
        placement: (!options.placement_tags.is_empty())
            .then(|| Placement { cluster: None, tags: options.placement_tags.clone() }),
        duplicate_window: options.duplicate_window,
        allow_direct: true,
        allow_atomic_publish: true,
        deny_delete: true,
        deny_purge: true,
        ..Config::default()
    }
}

/// The configuration that a stream must have for a service that does not administer it, given the one that
/// it has: where and how often it is stored, beyond the wanted copies, is the administrator's business.
pub(super) fn tolerated(wanted: Config, actual: &Config) -> Config {
    Config {
        max_bytes: actual.max_bytes,
        placement: actual.placement.clone(),
        num_replicas: wanted.num_replicas.max(actual.num_replicas),
        duplicate_window: wanted.duplicate_window.max(actual.duplicate_window),
        ..wanted
    }
}

/// The fields in which a stream differs from the wanted configuration, as `name is ACTUAL, not WANTED`.
///
/// The server silently drops options that it does not know, so a stream that was just created is compared
/// like one that was found.
pub(super) fn drift(wanted: &Config, actual: &Config) -> Vec<String> {
    macro_rules! differences {
        ($($field:ident),+ $(,)?) => {
            [$((wanted.$field != actual.$field)
                .then(|| {
                    format!("{} is {:?}, not {:?}", stringify!($field), actual.$field, wanted.$field)
                })),+]
        };
    }
    let differences = differences!(
        name,
        subjects,
        retention,
        storage,
        discard,
        discard_new_per_subject,
        max_age,
        max_bytes,
        max_messages,
        max_messages_per_subject,
        max_message_size,
        max_consumers,
        num_replicas,
        placement,
        duplicate_window,
        no_ack,
        sealed,
        allow_direct,
        allow_atomic_publish,
        allow_rollup,
        allow_message_ttl,
        deny_delete,
        deny_purge,
        mirror,
        sources,
        republish,
        subject_transform,
        first_sequence,
        persist_mode,
    );
    differences.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_are_a_bucket_and_logs_are_none() {
        let wanted = |log| wanted(log, &JetStreamOptions::default());
        let (leases, alerts) = (wanted(LEASES), wanted("alerts"));
        assert_eq!((&*leases.name, leases.subjects), ("KV_orewatch-leases", vec![lease_subject(">")]));
        assert!(leases.allow_message_ttl && leases.max_messages_per_subject == 1);
        assert!(!alerts.allow_message_ttl && alerts.deny_purge);
    }

    #[test]
    fn every_difference_is_named_with_both_values() {
        let wanted = wanted("alerts", &JetStreamOptions::default());
        assert_eq!(drift(&wanted, &wanted.clone()), Vec::<String>::new());
        let placed = Config {
            num_replicas: 3,
            max_bytes: 1 << 40,
            placement: Some(Placement { cluster: None, tags: vec!["ssd".to_owned()] }),
            ..wanted.clone()
        };
        assert_eq!(drift(&wanted, &placed).len(), 3);
        assert_eq!(drift(&tolerated(wanted.clone(), &placed), &placed), Vec::<String>::new());
        assert_eq!(drift(&tolerated(placed, &wanted), &wanted), ["num_replicas is 1, not 3"]);
        let actual = Config { discard: DiscardPolicy::Old, allow_atomic_publish: false, ..wanted.clone() };
        assert_eq!(
            drift(&wanted, &actual),
            ["discard is Old, not New", "allow_atomic_publish is false, not true"]
        );
    }
}
