//! Codes of backups, restores and marks of events.
use super::{Area, external, user};

pub(super) const AREA: Area = Area {
    name: "Backups",
    about: "Codes of backups and restores of the logs, and of marks of events that must not count.",
    codes: &[
        external(
            "backup-damaged",
            "A file of a backup is torn, missing or changed.",
            "Restore the file from another copy, or make a new backup in another place.",
        ),
        user(
            "backup-mismatch",
            "The place holds the backup of another log.",
            "Choose another place: each holds the logs of one system.",
        ),
        external(
            "backup-place-full",
            "The place of the backup has no room left.",
            "Make room and run the backup again. It continues after what is complete.",
        ),
        external(
            "backup-place-unavailable",
            "The folder or bucket of the backup cannot be used.",
            "Check the path or the settings of the bucket, and the permissions.",
        ),
        user(
            "log-not-empty",
            "The log to restore into has something else on it.",
            "Restore into a new directory or an empty NATS server.",
        ),
        user("mark-unchanged", "The event is marked already, or is not marked.", "List the marks."),
        user("no-backup", "There is no backup of the log in this place.", "Name the place of the backup."),
        user("no-event", "The log has no event at this position that can be marked.", "Check the position."),
        user(
            "no-logs",
            "There are no logs in the directory or on the server.",
            "Name the place of the logs with `--data` or `--log`.",
        ),
        user(
            "restore-mismatch",
            "The log does not take the events of the backup at their positions.",
            "Stop what else writes to the log, and begin again with an empty log.",
        ),
    ],
};
