//! Identifiers that follow from content: of releases, their streams, and their events.
use orewatch_contracts::ingestion::v1::{Release, SourcePolicyRevised, Table};
use orewatch_contracts::log::{InvalidName, StreamName};
use prost::Message;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::table::table_name;

/// Vintage of a release whose files do not name one.
pub const UNDATED: &str = "undated";

/// Digits of the content's digest in the identifier of a release.
const ID_DIGITS: usize = 12;

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _done = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 of content, in lower-case hexadecimal.
pub fn sha256(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

/// Identifier of a release: `DATASET/VINTAGE-DIGEST`.
///
/// DIGEST is the first 12 digits of a SHA-256 over, in this order:
///
/// 1. the SHA-256 digests of the decompressed files in hexadecimal, sorted, each followed by a line feed;
/// 2. the identifiers of the concordances that explained product codes, in their order, each followed by a
///    line feed;
/// 3. the tenant, if it has one;
/// 4. the name of the table, if it is projections, targets or claims: a file may hold these beside another
///    table of the same dataset.
///
/// Names, order and compression of the files do not matter. The same file read with another concordance, or
/// of another tenant, is another release.
#[must_use]
pub fn release_id(release: &Release) -> String {
    let mut digests: Vec<_> = release.files.iter().map(|file| file.sha256.as_str()).collect();
    digests.sort_unstable();
    let mut hash = Sha256::new();
    for part in digests.into_iter().chain(release.concordances.iter().map(String::as_str)) {
        hash.update(part);
        hash.update(b"\n");
    }
    hash.update(&release.tenant);
    if matches!(release.table(), Table::Projections | Table::Targets | Table::Claims) {
        hash.update(b"\n");
        hash.update(table_name(release.table()));
    }
    let digest: String = hex(&hash.finalize()).chars().take(ID_DIGITS).collect();
    format!("{}/{}-{digest}", release.dataset, release.vintage)
}

/// The stream of a release: `observations.DATASET.VINTAGE-DIGEST`.
pub fn release_stream(log: &str, release: &str) -> Result<StreamName, InvalidName> {
    StreamName::new(format!("{log}.{}", release.replacen('/', ".", 1)))
}

/// Identifier of an event. It follows from these arguments, so that a repeated append is recognised,
/// whichever replica makes it.
///
/// `attempt` counts the openings of the release, from 1; `number` counts the events of the kind within the
/// attempt, from 0.
pub fn event_id(stream: &StreamName, attempt: u32, kind: &str, number: u32) -> Uuid {
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"urn:orewatch:event");
    Uuid::new_v5(&namespace, format!("{stream}/{attempt}/{kind}/{number}").as_bytes())
}

/// Identifier of a revision of the source policy. It includes the policy: of two different policies that
/// follow the same revision only the first can be appended.
pub fn policy_revision_id(stream: &StreamName, revised: &SourcePolicyRevised) -> Uuid {
    let policy = revised.policy.as_ref().map(Message::encode_to_vec).unwrap_or_default();
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"urn:orewatch:event");
    let name = format!("{stream}/{}/{}", revised.revision, sha256(&policy));
    Uuid::new_v5(&namespace, name.as_bytes())
}

/// Whether a release has the identifier that follows from its content.
pub fn has_own_id(release: &Release) -> bool {
    release.id == release_id(release)
}

/// Longest name of a dataset or vintage in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Whether a text can name a dataset.
pub fn is_dataset(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(fits)
}

/// Whether a text can name a vintage.
pub fn is_vintage(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(fits)
}

/// The identifier of the release with this stream, the inverse of [`release_stream`].
pub fn release_of_stream(stream: &StreamName) -> String {
    let below = stream.as_str().split_once('.').map_or("", |(_, below)| below);
    below.replacen('.', "/", 1)
}
