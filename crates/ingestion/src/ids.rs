//! Names that follow from content: of releases, of their streams, of their events.
use orewatch_contracts::ingestion::v1::{Release, SourcePolicyRevised};
use orewatch_eventlog::{InvalidName, StreamName};
use prost::Message;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Vintage of a release whose files do not name one.
pub(crate) const UNDATED: &str = "undated";

/// Digits of the content's digest in a release's identifier.
const DIGITS: usize = 12;

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _done = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

/// Identifier of a release: `DATASET/VINTAGE-DIGEST`.
///
/// DIGEST is the first 12 digits of the SHA-256 over the SHA-256 digests of the decompressed files, in hexadecimal, sorted,
/// each followed by a line feed, then over the identifiers of the concordances that gave product codes their materials, if there
/// are any, in their order, each followed by a line feed, then over the tenant, if it has one. Names, order and compression of the files do not matter; the same file
/// read by another concordance, or of another tenant, is another release.
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
    let digest: String = hex(&hash.finalize()).chars().take(DIGITS).collect();
    format!("{}/{}-{digest}", release.dataset, release.vintage)
}

/// The stream of a release: `observations.DATASET.VINTAGE-DIGEST`.
pub(crate) fn stream(log: &str, release: &str) -> Result<StreamName, InvalidName> {
    StreamName::new(format!("{log}.{}", release.replacen('/', ".", 1)))
}

/// Identity of an event: whoever appends it, and however often, it is the same event.
///
/// `attempt` counts the openings of the release, from 1; `number` those of the kind within the attempt, from 0.
pub(crate) fn event(stream: &StreamName, attempt: u32, kind: &str, number: u32) -> Uuid {
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"urn:orewatch:event");
    Uuid::new_v5(&namespace, format!("{stream}/{attempt}/{kind}/{number}").as_bytes())
}

/// Identity of a revision of the source policy: that of two policies that follow the same revision differs, so that one of them is
/// told that the other was first.
pub(crate) fn revision(stream: &StreamName, revised: &SourcePolicyRevised) -> Uuid {
    let policy = revised.policy.as_ref().map(Message::encode_to_vec).unwrap_or_default();
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"urn:orewatch:event");
    let name = format!("{stream}/{}/{}", revised.revision, sha256(&policy));
    Uuid::new_v5(&namespace, name.as_bytes())
}

/// Whether a release carries the identifier that follows from it.
pub(crate) fn follows(release: &Release) -> bool {
    release.id == release_id(release)
}

/// Longest name of a dataset or vintage in bytes.
const LONGEST_NAME: usize = 64;

/// Whether a text can name a dataset.
pub(crate) fn is_dataset(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(fits)
}

/// Whether a text can name a vintage.
pub(crate) fn is_vintage(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(fits)
}

/// The release whose stream this is: what [`stream`] was given.
pub(crate) fn release_of(stream: &StreamName) -> String {
    let below = stream.as_str().split_once('.').map_or("", |(_, below)| below);
    below.replacen('.', "/", 1)
}
