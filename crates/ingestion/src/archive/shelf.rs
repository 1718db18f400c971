//! Where a content is: under its own name, or sealed for a tenant under another one.
//!
//! The name of a sealed file follows from the identifier of its key and the SHA-256 of its content, so that
//! it is found without a list, and no two tenants share a file.
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::findings::Findings;
use orewatch_store::keys::{CurrentKey, KeyError};
use orewatch_store::sealed::{FileOpener, FileSealer, plain_size, sealed_size};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::incoming::{IncomingFile, io_failure};
use super::{Archive, ContentId, PIECE_BYTES, StoredFile, damaged, unknown_file, verify_pieces};
use crate::blocking;

/// A content that is there.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) content: ContentId,
    /// The key that opens it. `None`: it is stored as it is.
    pub(super) key: Option<CurrentKey>,
    /// Name under which it is stored.
    stored_as: ContentId,
    /// Size of the content in bytes.
    pub(super) size: u64,
}

/// Name of a content that is sealed with a key.
pub(crate) fn sealed_name(key: Uuid, content: ContentId) -> ContentId {
    let mut name = Sha256::new();
    name.update(b"orewatch: sealed file");
    name.update(key.as_bytes());
    name.update(content.digest());
    ContentId::new(name.finalize().into())
}

impl Archive {
    /// Finds a content: among a tenant's, and then among everyone's.
    pub(super) async fn locate(&self, content: ContentId, tenant: &str) -> Result<Option<Place>, Failure> {
        if let Some(key) = self.keys.current(tenant).await? {
            let stored_as = sealed_name(key.id, content);
            if let Some(size) = self.stored_size(stored_as).await?.and_then(plain_size) {
                return Ok(Some(Place { content, key: Some(key), stored_as, size }));
            }
        }
        let size = self.stored_size(content).await?;
        Ok(size.map(|size| Place { content, key: None, stored_as: content, size }))
    }

    /// Finds a content that has to exist.
    pub(super) async fn required(&self, content: ContentId, tenant: &str) -> Result<Place, Failure> {
        self.locate(content, tenant).await?.ok_or_else(|| unknown_file(content))
    }

    /// The names under which a content of a tenant, or of everyone (empty), may be stored.
    ///
    /// # Errors
    /// Those of the keys.
    pub(crate) async fn names_of(&self, content: ContentId, tenant: &str) -> Result<Vec<ContentId>, Failure> {
        let key = self.keys.current(tenant).await?;
        let sealed = key.map(|key| sealed_name(key.id, content));
        Ok(sealed.into_iter().chain([content]).collect())
    }

    /// Whether content of tenants is sealed that this process has no key file for. It cannot tell which files
    /// are needed.
    pub(crate) fn lacks_keys(&self) -> bool {
        self.keys.is_missing()
    }

    /// Whether something is stored under a name.
    ///
    /// # Errors
    /// Those of the place.
    pub(crate) async fn has(&self, name: ContentId) -> Result<bool, Failure> {
        Ok(self.stored_size(name).await?.is_some())
    }

    /// Seals contents for a tenant that are stored for everyone only, because nobody said whose they would
    /// be. What is everyone's goes with the next sweep if no release needs it.
    ///
    /// # Errors
    /// Those of the storage and of the keys.
    pub(crate) async fn seal_for(&self, contents: &[ContentId], tenant: &str) -> Result<(), Failure> {
        if self.keys.current_or_new(tenant).await?.is_none() {
            return Ok(());
        }
        for content in contents {
            if let Some(place) = self.locate(*content, tenant).await?.filter(|place| place.key.is_none()) {
                let (plain, findings) = self.fetch(&place).await?;
                self.store(plain, findings, tenant).await?;
            }
        }
        Ok(())
    }

    /// Seals a written file, and puts it into its place.
    pub(super) async fn publish_sealed(
        &self,
        incoming: IncomingFile,
        findings: Findings,
        current: CurrentKey,
    ) -> Result<StoredFile, Failure> {
        let (content, size) = (findings.content, incoming.size());
        let stored_as = sealed_name(current.id, content);
        let known = self.stored_size(stored_as).await? == Some(sealed_size(size));
        if !known {
            let folder = self.incoming_folder();
            let seal = move || seal_file(&incoming, &folder, &current, content);
            let sealed = blocking(seal).await??;
            self.publish(sealed, Findings { content: stored_as, ..findings }).await?;
        }
        Ok(StoredFile { content, stored_as, size, known })
    }

    /// A content piece by piece.
    pub(super) async fn pieces(
        &self,
        place: &Place,
    ) -> Result<BoxStream<'static, Result<Bytes, Failure>>, Failure> {
        let stored = self.stored_pieces(place.stored_as).await?;
        let pieces = match &place.key {
            None => stored,
            Some(key) => {
                let opener = FileOpener::new(key, place.content.digest()).map_err(unsealable)?;
                open_pieces(place.content, stored, opener)
            }
        };
        Ok(verify_pieces(place.content, pieces))
    }

    /// A content as a local file, which is removed when it is dropped.
    pub(super) async fn fetch(&self, place: &Place) -> Result<(IncomingFile, Findings), Failure> {
        let (folder, size) = (self.incoming_folder(), place.size);
        let mut file = blocking(move || IncomingFile::begin(&folder, size)).await??;
        let mut pieces = self.pieces(place).await?;
        while let Some(piece) = pieces.next().await.transpose()? {
            file = blocking(move || file.write_bytes(piece).map(|()| file)).await??;
        }
        blocking(move || file.finish()).await?
    }
}

/// Opens pieces as they come.
fn open_pieces(
    content: ContentId,
    stored: BoxStream<'static, Result<Bytes, Failure>>,
    opener: FileOpener,
) -> BoxStream<'static, Result<Bytes, Failure>> {
    let opened = stream::try_unfold((stored, Some(opener)), move |(mut stored, opener)| async move {
        let Some(mut opener) = opener else { return Ok(None) };
        let (piece, opener) = match stored.next().await.transpose()? {
            Some(piece) => (opener.push(&piece), Some(opener)),
            None => (opener.finish(), None),
        };
        let piece = piece.map_err(|_| damaged(content))?;
        Ok(Some((Bytes::from(piece), (stored, opener))))
    });
    opened.try_filter(|piece| std::future::ready(!piece.is_empty())).boxed()
}

/// A sealed copy of a file.
fn seal_file(
    file: &IncomingFile,
    folder: &Path,
    current: &CurrentKey,
    content: ContentId,
) -> Result<IncomingFile, Failure> {
    let at = |error: std::io::Error| io_failure(file.path(), &error);
    let mut from = File::open(file.path()).map_err(at)?;
    let mut sealer = FileSealer::new(current, content.digest()).map_err(unsealable)?;
    let mut sealed = IncomingFile::begin(folder, sealed_size(file.size()))?;
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let count = from.read(&mut buffer).map_err(at)?;
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { break };
        sealed.write_bytes(sealer.push(piece).map_err(unsealable)?.into())?;
    }
    sealed.write_bytes(sealer.finish().map_err(unsealable)?.into())?;
    sealed.finish().map(|(sealed, _)| sealed)
}

fn unsealable(error: KeyError) -> Failure {
    Failure::new(Class::Internal, "internal", format!("a file cannot be sealed: {error}"))
}
