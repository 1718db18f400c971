//! The configuration that a log's JetStream stream must have, and the differences of one that exists.
use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, Placement, RetentionPolicy, StorageType};

use super::JetStreamOptions;
use super::envelope;

/// Name of a log's JetStream stream.
pub(super) fn stream_name(log: &str) -> String {
    log.to_ascii_uppercase()
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
        subject: envelope::subjects(log),
        replicas: options.replicas,
        max_bytes: options.max_log_bytes,
        duplicate_window: options.duplicate_window,
        placement_tags: options.placement_tags.clone(),
    }
}

/// The configuration of a log's stream.
pub(super) fn wanted(log: &str, options: &JetStreamOptions) -> Config {
    Config {
        name: stream_name(log),
        description: Some(format!(
            "Orewatch: the {log} log; an event is a CloudEvent with a protobuf payload"
        )),
        subjects: vec![envelope::subjects(log)],
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
