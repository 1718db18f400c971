//! Keys of tenants: what is sealed with one becomes unreadable everywhere at once when the key is destroyed,
//! in logs, archives, snapshots and backups alike.
//!
//! This is the part that has no state and does no I/O: how bytes are sealed, and the table of keys. The table
//! in its place is [`TenantKeys`]; what is sealed is in [`sealed`](crate::sealed).
//!
//! Sealed bytes are a nonce (12 bytes), then the content encrypted with ChaCha20-Poly1305 (RFC 8439), then
//! the tag (16 bytes). The nonce is the beginning of an HMAC-SHA256 over context and content, so that the
//! same content in the same context gives the same bytes: an append that is repeated stays the same append.
//! The context is what the bytes belong to, such as the identifier of an event; elsewhere they do not open.
//!
//! The [`KeyTable`] has a random key for each tenant, sealed with a master key of the operator's key file.
//! Who has only the table has nothing. A destroyed key leaves its identifier and the time, so that readers
//! can say that something was erased instead of that something is wrong.
mod tenant_keys;

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use tenant_keys::Found;
pub use tenant_keys::{CurrentKey, FORGOTTEN_AFTER, TenantKeyError, TenantKeys};

/// Length of a key, in bytes.
pub const KEY_BYTES: usize = 32;

/// Why something cannot be sealed or opened. No error repeats a key or a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A line of a key file is no key, or it has none.
    #[error("a key file has lines of 64 hexadecimal digits, one for each key")]
    NoKey,
    /// The bytes were sealed with another key or in another context, or they are damaged.
    #[error("this key does not open it, or it is damaged")]
    NotOpened,
    /// The bytes are too long to be sealed as a whole (256 GiB).
    #[error("this is too long to be sealed")]
    TooLong,
    /// The table has the tenant or the key already.
    #[error("the tenant has a key already")]
    HasKey,
}

/// A key that seals and opens.
pub struct SealingKey {
    cipher: LessSafeKey,
    nonces: hmac::Key,
    files: hmac::Key,
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey")
    }
}

impl SealingKey {
    /// A key of random bytes. Cipher, nonces and files have keys of their own that follow from them.
    ///
    /// # Errors
    /// None in practice: the cipher takes every key of this length.
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Result<Self, KeyError> {
        let root = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let cipher = cipher(hmac::sign(&root, b"orewatch: cipher").as_ref())?;
        let derived = |label: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, label).as_ref());
        Ok(Self { cipher, nonces: derived(b"orewatch: nonces"), files: derived(b"orewatch: files") })
    }

    fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = from_hex(text).and_then(|bytes| <[u8; KEY_BYTES]>::try_from(bytes).ok());
        Self::new(&bytes.ok_or(KeyError::NoKey)?)
    }

    /// The cipher of one file, by the SHA-256 of its content: it has a key of its own, so that the numbers of
    /// pieces can be nonces.
    pub(crate) fn file_cipher(&self, content: &[u8; 32]) -> Result<LessSafeKey, KeyError> {
        cipher(hmac::sign(&self.files, content).as_ref())
    }

    /// Seals a content for a context.
    ///
    /// # Errors
    /// [`KeyError::TooLong`].
    pub fn seal(&self, context: &[u8], content: &[u8]) -> Result<Vec<u8>, KeyError> {
        let nonce = self.nonce(context, content);
        let mut sealed = content.to_vec();
        self.cipher
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut sealed)
            .map_err(|_| KeyError::TooLong)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for a context.
    ///
    /// # Errors
    /// [`KeyError::NotOpened`].
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, KeyError> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(KeyError::NotOpened)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| KeyError::NotOpened)?;
        let mut content = sealed.to_vec();
        let opened = self.cipher.open_in_place(nonce, Aad::from(context), &mut content);
        let length = opened.map_err(|_| KeyError::NotOpened)?.len();
        content.truncate(length);
        Ok(content)
    }

    fn nonce(&self, context: &[u8], content: &[u8]) -> [u8; NONCE_LEN] {
        let mut hmac = hmac::Context::with_key(&self.nonces);
        // The length keeps context and content apart.
        hmac.update(&u64::try_from(context.len()).unwrap_or(u64::MAX).to_be_bytes());
        hmac.update(context);
        hmac.update(content);
        let mut nonce = [0; NONCE_LEN];
        nonce.iter_mut().zip(hmac.sign().as_ref()).for_each(|(to, from)| *to = *from);
        nonce
    }
}

fn cipher(key: &[u8]) -> Result<LessSafeKey, KeyError> {
    UnboundKey::new(&CHACHA20_POLY1305, key).map(LessSafeKey::new).map_err(|_| KeyError::NoKey)
}

/// The master keys of a key file. The first one seals, each of them opens: a new key comes before the old
/// one, the table is sealed anew, and then the old one is destroyed.
pub struct MasterKeys {
    first: SealingKey,
    others: Vec<SealingKey>,
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKeys")
    }
}

impl MasterKeys {
    /// Reads the text of a key file: a key on each line, as 64 hexadecimal digits. Empty lines and those that
    /// begin with `#` are comments.
    ///
    /// # Errors
    /// [`KeyError::NoKey`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut keys = lines.map(SealingKey::parse);
        let first = keys.next().ok_or(KeyError::NoKey)??;
        Ok(Self { first, others: keys.collect::<Result<_, _>>()? })
    }

    fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut keys = std::iter::once(&self.first).chain(&self.others);
        keys.find_map(|key| key.open(context, sealed).ok()).ok_or(KeyError::NotOpened)
    }
}

/// The keys of all tenants, sealed, in the order in which they were made. The JSON form only grows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyTable {
    keys: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    tenant: String,
    id: Uuid,
    /// The key, sealed with the master key, in hexadecimal. `None`: it was destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    erased_at: Option<Timestamp>,
}

/// A key of the table.
#[derive(Debug)]
pub enum TenantKey {
    /// The table does not know it.
    Unknown,
    /// It was destroyed then: what was sealed with it is erased.
    Erased(Timestamp),
    /// It seals and opens.
    Key(Box<SealingKey>),
}

impl KeyTable {
    /// The key with which a tenant's content is sealed from now on. `None`: it has none, or all were
    /// destroyed.
    #[must_use]
    pub fn current(&self, tenant: &str) -> Option<Uuid> {
        let own = self.keys.iter().rev().find(|entry| entry.tenant == tenant && entry.sealed.is_some());
        own.map(|entry| entry.id)
    }

    /// Whether a key was destroyed.
    pub(crate) fn is_destroyed(&self, id: Uuid) -> bool {
        self.keys.iter().any(|entry| entry.id == id && entry.sealed.is_none())
    }

    /// Identifiers of the keys that were not destroyed.
    pub(crate) fn live(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.keys.iter().filter(|entry| entry.sealed.is_some()).map(|entry| entry.id)
    }

    /// Identifiers of a tenant's keys that were destroyed, in the order in which they were made.
    #[must_use]
    pub fn destroyed(&self, tenant: &str) -> Vec<Uuid> {
        let own = self.keys.iter().filter(|entry| entry.tenant == tenant && entry.sealed.is_none());
        own.map(|entry| entry.id).collect()
    }

    /// A key by its identifier, which stands beside whatever is sealed with it.
    ///
    /// # Errors
    /// [`KeyError::NotOpened`] if no master key opens it.
    pub fn key(&self, id: Uuid, masters: &MasterKeys) -> Result<TenantKey, KeyError> {
        let Some(entry) = self.keys.iter().find(|entry| entry.id == id) else {
            return Ok(TenantKey::Unknown);
        };
        match &entry.sealed {
            None => Ok(TenantKey::Erased(entry.erased_at.unwrap_or(Timestamp::MIN))),
            Some(_) => {
                let bytes = entry.open(masters)?.ok_or(KeyError::NotOpened)?;
                SealingKey::new(&bytes).map(|key| TenantKey::Key(Box::new(key)))
            }
        }
    }

    /// The table with a new key of a tenant. `fresh` are random bytes.
    ///
    /// # Errors
    /// [`KeyError::HasKey`].
    pub fn with_key(
        &self,
        tenant: &str,
        id: Uuid,
        fresh: &[u8; KEY_BYTES],
        masters: &MasterKeys,
    ) -> Result<Self, KeyError> {
        if self.current(tenant).is_some() || self.keys.iter().any(|entry| entry.id == id) {
            return Err(KeyError::HasKey);
        }
        let mut entry = Entry { tenant: tenant.to_owned(), id, sealed: None, erased_at: None };
        entry.sealed = Some(to_hex(&masters.first.seal(&entry.context(), fresh)?));
        let keys = self.keys.iter().cloned().chain([entry]).collect();
        Ok(Self { keys })
    }

    /// The table without the keys of a tenant. `lost` are identifiers of keys that the log names and the
    /// table may not have, because it was lost or is another one: they are destroyed, too.
    #[must_use]
    pub fn erased(&self, tenant: &str, lost: &BTreeSet<Uuid>, now: Timestamp) -> Self {
        let erase = |entry: &Entry| match entry.tenant == tenant && entry.sealed.is_some() {
            true => Entry { sealed: None, erased_at: Some(now), ..entry.clone() },
            false => entry.clone(),
        };
        let is_missing = |id: &&Uuid| self.keys.iter().all(|entry| entry.id != **id);
        let lost = lost.iter().filter(is_missing).map(|id| Entry {
            tenant: tenant.to_owned(),
            id: *id,
            sealed: None,
            erased_at: Some(now),
        });
        Self { keys: self.keys.iter().map(erase).chain(lost).collect() }
    }

    /// The table under the first of the master keys. Once the others are destroyed, no copy of an earlier
    /// table opens any more, wherever it is: not even the keys that were erased from it.
    ///
    /// # Errors
    /// [`KeyError::NotOpened`] if no master key opens a key.
    pub fn under(&self, masters: &MasterKeys) -> Result<Self, KeyError> {
        let move_key = |entry: &Entry| -> Result<Entry, KeyError> {
            let sealed = match entry.open(masters)? {
                Some(bytes) => Some(to_hex(&masters.first.seal(&entry.context(), &bytes)?)),
                None => None,
            };
            Ok(Entry { sealed, ..entry.clone() })
        };
        let keys = self.keys.iter().map(move_key).collect::<Result<_, KeyError>>()?;
        Ok(Self { keys })
    }
}

impl Entry {
    /// What a sealed key belongs to: an entry cannot be given the key of another tenant.
    fn context(&self) -> Vec<u8> {
        format!("orewatch: key {} of {}", self.id, self.tenant).into_bytes()
    }

    /// The bytes of the key. `None`: it was destroyed.
    fn open(&self, masters: &MasterKeys) -> Result<Option<[u8; KEY_BYTES]>, KeyError> {
        let Some(sealed) = &self.sealed else { return Ok(None) };
        let sealed = from_hex(sealed).ok_or(KeyError::NotOpened)?;
        let bytes = masters.open(&self.context(), &sealed)?;
        bytes.try_into().map(Some).map_err(|_| KeyError::NotOpened)
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits: Vec<u8> = text.as_bytes().iter().map(digit).collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| Some((pair.first()? << 4) | pair.get(1)?)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> SealingKey {
        SealingKey::new(&[byte; KEY_BYTES]).unwrap()
    }

    fn masters(bytes: &[u8]) -> MasterKeys {
        let lines = bytes.iter().map(|byte| format!("{byte:02x}").repeat(KEY_BYTES) + "\n");
        MasterKeys::parse(&lines.collect::<String>()).unwrap()
    }

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    /// What a key of a table opens.
    fn opened(table: &KeyTable, number: u128, masters: &MasterKeys, sealed: &[u8]) -> Option<Vec<u8>> {
        match table.key(id(number), masters).unwrap() {
            TenantKey::Key(key) => key.open(b"event", sealed).ok(),
            TenantKey::Unknown | TenantKey::Erased(_) => None,
        }
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_with_its_key_and_context_only(context: Vec<u8>, content: Vec<u8>, at: u16) {
            let sealed = key(1).seal(&context, &content).unwrap();
            prop_assert_eq!(sealed.len(), content.len() + 28);
            prop_assert_eq!(&key(1).seal(&context, &content).unwrap(), &sealed, "a repetition is the same");
            prop_assert_eq!(key(1).open(&context, &sealed), Ok(content));
            prop_assert_eq!(key(2).open(&context, &sealed), Err(KeyError::NotOpened));
            let other = [context.as_slice(), b"x"].concat();
            prop_assert_eq!(key(1).open(&other, &sealed), Err(KeyError::NotOpened));
            let mut damaged = sealed;
            let at = usize::from(at) % damaged.len();
            damaged[at] ^= 1;
            prop_assert_eq!(key(1).open(&context, &damaged), Err(KeyError::NotOpened));
            prop_assert_eq!(key(1).open(&context, &damaged[..at.min(27)]), Err(KeyError::NotOpened));
        }
    }

    #[test]
    fn a_destroyed_key_opens_nothing_and_says_when() {
        let (master, now, none) = (masters(&[9]), Timestamp::UNIX_EPOCH, BTreeSet::new());
        let table = KeyTable::default().with_key("acme", id(1), &[1; KEY_BYTES], &master).unwrap();
        let table = table.with_key("beta", id(2), &[2; KEY_BYTES], &master).unwrap();
        let sealed = key(1).seal(b"event", b"rows").unwrap();
        assert_eq!(opened(&table, 1, &master, &sealed).as_deref(), Some(&b"rows"[..]));
        assert_eq!(opened(&table, 2, &master, &sealed), None, "the key of another tenant");
        assert_eq!(table.with_key("acme", id(3), &[3; KEY_BYTES], &master), Err(KeyError::HasKey));

        let erased = table.erased("acme", &none, now);
        assert_eq!(opened(&erased, 1, &master, &sealed), None);
        assert!(matches!(erased.key(id(1), &master).unwrap(), TenantKey::Erased(time) if time == now));
        assert!(matches!(erased.key(id(7), &master).unwrap(), TenantKey::Unknown));
        assert_eq!((erased.current("acme"), erased.current("beta")), (None, Some(id(2))));
        assert_eq!(erased.destroyed("acme"), [id(1)]);
        assert_eq!(erased.erased("acme", &none, Timestamp::MAX), erased, "the first time stays");
        let lost = erased.erased("acme", &BTreeSet::from([id(1), id(2), id(7)]), now);
        assert_eq!(lost.destroyed("acme"), [id(1), id(7)], "what the log names and the table does not have");
        assert_eq!(lost.current("beta"), Some(id(2)), "a key of another tenant stays");
        // A tenant that comes back has a new key, and what was erased stays erased.
        let again = erased.with_key("acme", id(3), &[3; KEY_BYTES], &master).unwrap();
        assert_eq!(again.current("acme"), Some(id(3)));
        assert_eq!(opened(&again, 1, &master, &sealed), None);
    }

    #[test]
    fn copies_of_an_earlier_table_do_not_open_under_a_new_master_key() {
        let (old, both, new) = (masters(&[8]), masters(&[9, 8]), masters(&[9]));
        let before = KeyTable::default().with_key("acme", id(1), &[1; KEY_BYTES], &old).unwrap();
        let before = before.with_key("beta", id(2), &[2; KEY_BYTES], &old).unwrap();
        let after = before.erased("acme", &BTreeSet::new(), Timestamp::UNIX_EPOCH).under(&both).unwrap();
        let sealed = key(2).seal(b"event", b"rows").unwrap();
        assert_eq!(opened(&after, 2, &new, &sealed).as_deref(), Some(&b"rows"[..]));
        for number in [1, 2] {
            assert_eq!(before.key(id(number), &new).unwrap_err(), KeyError::NotOpened);
            assert!(before.key(id(number), &both).is_ok(), "an old key opens as long as it is in the file");
        }
        assert_eq!(before.under(&new), Err(KeyError::NotOpened));
        assert_eq!(after.under(&both).unwrap(), after, "sealing anew changes nothing");
    }

    #[test]
    fn the_json_form_comes_back_and_holds_no_key() {
        let master = masters(&[9]);
        let table = KeyTable::default().with_key("acme", id(1), &[0xab; KEY_BYTES], &master).unwrap();
        let erased = table.erased("beta", &BTreeSet::new(), Timestamp::UNIX_EPOCH);
        let json = serde_json::to_string(&erased).unwrap();
        assert_eq!(serde_json::from_str::<KeyTable>(&json).unwrap(), table);
        assert!(!json.contains(&"ab".repeat(KEY_BYTES)), "{json}");
        let swapped = json.replace("acme", "beta");
        let swapped: KeyTable = serde_json::from_str(&swapped).unwrap();
        assert_eq!(swapped.key(id(1), &master).unwrap_err(), KeyError::NotOpened, "it is the key of acme");
    }

    #[test]
    fn a_key_file_holds_lines_of_64_hexadecimal_digits() {
        let digits = "0f".repeat(KEY_BYTES);
        let two = MasterKeys::parse(&format!("# of January\n{digits}\n\n  {}\n", "0e".repeat(KEY_BYTES)));
        let two = two.unwrap();
        assert_eq!(key(0x0f).seal(b"", b"x"), two.first.seal(b"", b"x"), "the first seals");
        for byte in [0x0f, 0x0e] {
            assert_eq!(two.open(b"", &key(byte).seal(b"", b"x").unwrap()), Ok(b"x".to_vec()));
        }
        let short = "0f".repeat(31);
        let after = format!("{digits}\n{short}");
        for wrong in ["", "# nothing", "0f", &short, &"0f".repeat(33), &"0g".repeat(KEY_BYTES), &after] {
            assert_eq!(MasterKeys::parse(wrong).unwrap_err(), KeyError::NoKey, "{wrong}");
        }
        assert_eq!(format!("{:?} {two:?}", key(1)), "SealingKey MasterKeys");
    }
}
