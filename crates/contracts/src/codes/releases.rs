//! Codes of releases, gates, repairs, the archive, the source policy and publishers' APIs.
use super::{Area, external, user};

pub(super) const AREA: Area = Area {
    name: "Releases",
    about: "Codes of releases, gates, repairs, the archive, the source policy and publishers' APIs.",
    codes: &[
        user(
            "already-repaired",
            "Other rows have already repaired this rejection.",
            "Leave its row out. To correct a wrong figure, ingest a newer vintage.",
        ),
        external(
            "archive-damaged",
            "The content of a stored original has changed.",
            "Restore the file from a backup, or remove it from the archive and ingest the original again.",
        ),
        external(
            "archive-full",
            "The disk of the archive has no room left.",
            "Make room on the disk. Nothing was recorded from this file.",
        ),
        external(
            "archive-quota",
            "The quota of the archive or of the tenant is used up.",
            "Remove originals that are not needed, or raise the quota.",
        ),
        external(
            "archive-spool",
            "One ingest would read too much from the bucket.",
            "Ingest fewer files at a time.",
        ),
        external(
            "archive-unavailable",
            "The archive cannot be reached or written.",
            "Check the folder or the bucket that `--archive` names.",
        ),
        user(
            "chunk-gap",
            "An earlier chunk of the release is missing.",
            "Send the chunks in order, without gaps.",
        ),
        user(
            "chunk-mismatch",
            "The chunk was already recorded with other content.",
            "Withdraw the release, then ingest it again.",
        ),
        user(
            "declaration-mismatch",
            "The same content was committed with another kind, scope or supplemented dataset.",
            "Ingest the files under another vintage.",
        ),
        user(
            "duplicate-rejection",
            "Two rows of the file repair the same rejection.",
            "Keep one of the two rows.",
        ),
        user(
            "erased",
            "The rows or the file are erased: the key of their tenant was destroyed.",
            "Ingest the files again if you still have them. Nobody can read what was erased.",
        ),
        user(
            "invalid-api-key",
            "The publisher's API key contains characters that an HTTP header cannot contain.",
            "Check the environment variable or the file that contains the key.",
        ),
        user(
            "invalid-gate",
            "The gate does not exist, or does not have this mode.",
            "Use a gate that the hint lists, with mode `off`, `warn` or `block`.",
        ),
        user(
            "invalid-policy",
            "The source policy contradicts itself or the datasets that exist.",
            "Correct the field that the error names.",
        ),
        user(
            "invalid-rejection",
            "The text is not the number of a rejection.",
            "Export the rejections with `orewatch rejections RELEASE --export FILE`; keep the first column.",
        ),
        user(
            "invalid-release",
            "The text is not a valid identifier of a release.",
            "Write `DATASET/VINTAGE-DIGEST`, as `orewatch releases` lists it.",
        ),
        user(
            "invalid-repair-file",
            "The file of repaired rows does not have the columns of the release.",
            "Use the columns that the hint names.",
        ),
        user(
            "invalid-scope",
            "The stated scope of a release is invalid.",
            "Correct the scope, or leave it out.",
        ),
        user(
            "invalid-supplement",
            "The supplement is incomplete, or the dataset that it names cannot be supplemented.",
            "State both the kind `supplement` and the dataset that it supplements.",
        ),
        external(
            "no-authorities",
            "This machine has no certificate authorities for HTTPS.",
            "Install certificate authorities, or set `SSL_CERT_FILE` to a file of them.",
        ),
        external(
            "no-keys-file",
            "The service was started without a key file, and what is asked for needs the keys of tenants.",
            "Start the services with `--keys-file`.",
        ),
        user("no-original", "The archive does not keep the original of this file.", "Ingest the file again."),
        external(
            "no-room",
            "The folder for temporary files has no room left.",
            "Make room there, or name another folder with `TMPDIR`.",
        ),
        external(
            "no-tenant-key",
            "The rows of the release are sealed, and this service has no key for them.",
            "Start the services with the key file of this installation (`--keys-file`).",
        ),
        external(
            "no-thread",
            "The system cannot start another thread.",
            "Raise the process limit, or try again later.",
        ),
        user(
            "outside-scope",
            "A row is outside the scope that its release states.",
            "Leave the row out, or widen the scope.",
        ),
        user(
            "policy-revised",
            "Somebody revised the source policy in the meantime.",
            "Read the new revision, then revise it again.",
        ),
        external(
            "poll-failed",
            "A poll ended early because the publisher or the network failed.",
            "Wait for the next poll. `orewatch fetches` lists the requests and responses.",
        ),
        user(
            "poll-refused",
            "The publisher refused a request of the poll, or a gate refused the result.",
            "Correct the connector's key or query. `orewatch fetches` lists the requests and responses.",
        ),
        user("poll-under-way", "Another poll of this connector is running.", "Wait until it ends."),
        external(
            "poll-waits",
            "The poll is waiting, because the publisher asked for a pause.",
            "Wait. A service that polls continues automatically.",
        ),
        user("release-closed", "The release is not open.", "Open the release first."),
        user(
            "release-refused",
            "The gates refused the release.",
            "Read its report with `orewatch releases`. Correct the files, or accept the gate.",
        ),
        user(
            "release-withdrawn",
            "The release was withdrawn. The same content cannot be ingested again under its vintage.",
            "If the files are correct after all, ingest them under another vintage.",
        ),
        user(
            "repair-refused",
            "The gates would refuse the release with the repaired rows.",
            "Correct the rows, or accept the gate.",
        ),
        user(
            "row-count-mismatch",
            "The file does not have one row for each rejection that was named.",
            "Give one row for each rejection.",
        ),
        user(
            "still-wrong",
            "Some repaired rows are still wrong, so nothing was recorded.",
            "Correct them in the file, or leave them out.",
        ),
        external(
            "tenant-keys-unavailable",
            "The table of the tenants' keys cannot be read or replaced, or the key file does not open it.",
            "Check the key file, and the folder `keys` in the place of the archive. It goes on by itself.",
        ),
        user(
            "unknown-concordance",
            "No committed concordance has this identifier or dataset.",
            "Ingest the concordance first, or leave it out.",
        ),
        user(
            "unknown-connector",
            "No connector has this name.",
            "List the connectors with `orewatch connectors`.",
        ),
        user(
            "unknown-file",
            "The archive has no file with this SHA-256.",
            "Check the digest. `orewatch releases` shows the digests of a release.",
        ),
        user(
            "unknown-rejection",
            "The release has no rejection with this number.",
            "List the rejections with `orewatch rejections RELEASE`.",
        ),
        user(
            "unknown-tenant",
            "No release has this tenant.",
            "Check its name. `orewatch releases --format csv` shows the tenant of each release.",
        ),
        user(
            "would-be-refused",
            "The gates would refuse the release. Nothing was recorded.",
            "Correct the files, or accept the gate.",
        ),
    ],
};
