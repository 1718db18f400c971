//! The configuration that a log's JetStream stream must have, and the differences of one that exists.
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};

use super::JetStreamOptions;
use super::envelope;

/// Name of a log's JetStream stream.
pub(super) fn stream_name(log: &str) -> String {
    log.to_ascii_uppercase()
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
        duplicate_window: options.duplicate_window,
        allow_direct: true,
        allow_atomic_publish: true,
        deny_delete: true,
        deny_purge: true,
        ..Config::default()
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
        let actual = Config { discard: DiscardPolicy::Old, allow_atomic_publish: false, ..wanted.clone() };
        assert_eq!(
            drift(&wanted, &actual),
            ["discard is Old, not New", "allow_atomic_publish is false, not true"]
        );
    }
}
