//! Errors of backups and restores.
use std::io::ErrorKind;

use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Error, Position};
use orewatch_store::{Location, StoreError};

use crate::segment::Damage;

/// The failure for a segment that is torn, missing or changed.
pub(crate) fn damaged_segment(location: &Location, segment: &str, damage: &Damage) -> Failure {
    let Damage { position, reason } = damage;
    let message = format!("segment {segment} in {location} is damaged at position {position}: {reason}");
    Failure::new(Class::Damaged, "backup-damaged", message).at("position", position.to_string()).with_hint(
        "events before this position are intact; restore the file from another copy, or make a new backup in \
         another place while the log is still there",
    )
}

/// The failure for a manifest that cannot be used.
pub(crate) fn damaged_manifest(location: &Location, name: &str, reason: &str) -> Failure {
    Failure::new(Class::Damaged, "backup-damaged", format!("{name} in {location} cannot be used: {reason}"))
        .with_hint("restore the file from another copy, or make a new backup in another place")
}

/// The failure for a place without a backup of the log.
pub(crate) fn no_backup(location: &Location, log: &str) -> Failure {
    Failure::new(Class::NotFound, "no-backup", format!("there is no backup of log {log} in {location}"))
        .at("place", location.to_string())
        .with_hint("name the place that `orewatch log backup --to` wrote")
}

/// The failure for a place that holds the backup of another log.
pub(crate) fn other_log(location: &Location, log: &str, reason: &str) -> Failure {
    let message = format!("{location} holds the backup of another log {log}: {reason}");
    Failure::new(Class::Refused, "backup-mismatch", message)
        .at("place", location.to_string())
        .with_hint("choose another place for this log; a place holds the logs of one system")
}

/// The failure for a restore into a log that has something else on it.
pub(crate) fn not_empty(log: &str, position: Position, reason: &str) -> Failure {
    let message = format!("log {log} is not empty, and not what is in the backup: {reason}");
    Failure::new(Class::Refused, "log-not-empty", message)
        .at("position", position.to_string())
        .with_hint("nothing was changed; restore into a new directory or an empty NATS server")
}

/// The failure for an event that does not get its position.
pub(crate) fn other_position(log: &str, wanted: Position, found: Position) -> Failure {
    let message = format!("the event at position {wanted} of the backup got position {found} in log {log}");
    Failure::new(Class::Refused, "restore-mismatch", message)
        .at("position", wanted.to_string())
        .with_hint("something else writes to the log: stop the services, and begin again with an empty log")
}

/// The failure for a restored log that is not what is in the backup.
pub(crate) fn other_content(log: &str, wanted: Position, found: Position) -> Failure {
    let message = if wanted == found {
        format!("log {log} does not hold what is in the backup, though every event was stored")
    } else {
        format!("log {log} ends at position {found}, the backup at {wanted}")
    };
    Failure::new(Class::Refused, "restore-mismatch", message)
        .at("position", found.to_string())
        .with_hint("something else writes to the log: stop the services, and begin again with an empty log")
}

/// The failure for an append that the log refuses. An identifier may be used twice where the log does not
/// remember identifiers for ever.
pub(crate) fn refused_append(position: Position, error: Error) -> Failure {
    match error {
        Error::Conflict { .. } | Error::Invalid { .. } => {
            let message =
                format!("the event at position {position} of the backup cannot be restored: {error}");
            Failure::new(Class::Refused, "restore-mismatch", message)
                .at("position", position.to_string())
                .with_hint("if something else writes to the log, stop it, and begin again with an empty log")
        }
        error => error.into(),
    }
}

/// The failure for a manifest that another backup replaced first.
pub(crate) fn contended(location: &Location, log: &str) -> Failure {
    let message = format!("another backup of log {log} to {location} was faster");
    Failure::new(Class::Unavailable, "contended", message)
        .with_hint("run one backup at a time, and try again")
}

/// The failure for an error of the store.
pub(crate) fn store(location: &Location, error: &StoreError) -> Failure {
    let is_full =
        |kind| matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge);
    match error {
        StoreError::File { error, .. } if is_full(error.kind()) => {
            let message = format!("there is no room left in {location}: {error}");
            Failure::new(Class::Exhausted, "backup-place-full", message)
                .with_hint("make room and run it again: it goes on after what is complete")
        }
        StoreError::Bucket(_) => {
            let message = format!("{location} cannot be used: {error}");
            Failure::new(Class::Unavailable, "backup-place-unavailable", message).with_hint(
                "set AWS_REGION, AWS_ENDPOINT_URL and the keys in the environment, and let them read and \
                 write the bucket",
            )
        }
        _ => {
            let message = format!("{location} cannot be used: {error}");
            Failure::new(Class::Unavailable, "backup-place-unavailable", message)
                .with_hint("name a folder that this process may read and write")
        }
    }
}
