//! Access to files of the archive: a caller may use a file that it uploaded itself, or of which it may read a
//! release.
//!
//! For anyone else the file does not exist. A digest, which releases and messages show, is therefore worth
//! nothing by itself.
use std::collections::BTreeSet;

use orewatch_catalog::{PassingOn, passing_on};
use orewatch_contracts::Failure;
use orewatch_runtime::Identity;

use crate::archive::{self, Archive, ContentId};
use crate::evolve::{IngestionState, ReleaseRecord};
use crate::work::Repository;

/// Checks that a caller may use these contents for a tenant, or for everyone (empty). The repository has to
/// be caught up.
///
/// # Errors
/// [`Class::NotFound`](orewatch_contracts::Class::NotFound) for the first content that it may not use, as for
/// one that does not exist.
pub(crate) async fn check_may_use(
    repository: &Repository,
    archive: &Archive,
    identity: &Identity,
    tenant: &str,
    contents: impl IntoIterator<Item = ContentId>,
) -> Result<(), Failure> {
    if identity.may_read_all() {
        return Ok(());
    }
    let wanted: BTreeSet<ContentId> = contents.into_iter().collect();
    let read = repository.view(|state| readable_contents(state, identity, &wanted));
    for content in wanted.difference(&read) {
        if !archive.is_holder(*content, tenant, identity.recorded_name()).await? {
            return Err(archive::unknown_file(*content));
        }
    }
    Ok(())
}

/// Whether a caller may use a content for a tenant, or for everyone (empty).
///
/// # Errors
/// Those of the archive.
pub(crate) async fn may_use(
    repository: &Repository,
    archive: &Archive,
    identity: &Identity,
    tenant: &str,
    content: ContentId,
) -> Result<bool, Failure> {
    let read = repository.view(|state| readable_contents(state, identity, &BTreeSet::from([content])));
    let holds = identity.may_read_all() || !read.is_empty();
    Ok(holds || archive.is_holder(content, tenant, identity.recorded_name()).await?)
}

/// The tenant, or everyone (empty), as which a caller may read a content.
///
/// # Errors
/// [`Class::NotFound`](orewatch_contracts::Class::NotFound) if there is none: the content does not exist for
/// the caller, or is erased.
pub(crate) async fn readable_as(
    repository: &Repository,
    archive: &Archive,
    identity: &Identity,
    content: ContentId,
) -> Result<String, Failure> {
    let (owners, withheld) = repository.view(|state| owners(state, identity, content));
    for tenant in owners {
        if archive.size(content, &tenant).await?.is_some() {
            return Ok(tenant);
        }
    }
    let own = identity.readable().unwrap_or_default().into_iter().chain([String::new()]);
    for tenant in own {
        let holds =
            identity.may_read_all() || archive.is_holder(content, &tenant, identity.recorded_name()).await?;
        if holds && archive.size(content, &tenant).await?.is_some() {
            return Ok(tenant);
        }
    }
    Err(withheld.unwrap_or_else(|| archive::unknown_file(content)))
}

/// The owners of the releases with a content that a caller may read, and the failure for one of them whose
/// rows cannot be read.
fn owners(
    state: &IngestionState,
    identity: &Identity,
    content: ContentId,
) -> (BTreeSet<String>, Option<Failure>) {
    let sha256 = content.to_string();
    let seen = |record: &&ReleaseRecord| identity.may_read(&record.head.release.tenant);
    let has =
        |record: &&ReleaseRecord| record.head.release.files.iter().any(|file| file.stored_sha256 == sha256);
    let (mut owners, mut withheld) = (BTreeSet::new(), None);
    for head in state.iter().filter(seen).filter(has).map(|record| &record.head) {
        match head.withheld {
            Some(why) => withheld = Some(why.failure(&head.release.id).at("sha256", &sha256)),
            None => {
                owners.insert(head.release.tenant.clone());
            }
        }
    }
    (owners, withheld)
}

/// A licence that forbids passing on a content, among those of the releases with it that a caller may read.
pub(crate) fn forbidding_licence(
    repository: &Repository,
    identity: &Identity,
    content: ContentId,
) -> Option<String> {
    let sha256 = content.to_string();
    let seen = |record: &&ReleaseRecord| identity.may_read(&record.head.release.tenant);
    let has =
        |record: &&ReleaseRecord| record.head.release.files.iter().any(|file| file.stored_sha256 == sha256);
    repository.view(|state| {
        let records = state.iter().filter(seen).filter(has);
        let mut licences =
            records.filter_map(|record| Some(&record.head.release.provenance.as_ref()?.licence));
        licences.find(|licence| passing_on(licence) == PassingOn::Forbidden).cloned()
    })
}

/// Those of the wanted contents of which the caller may read a release.
fn readable_contents(
    state: &IngestionState,
    identity: &Identity,
    wanted: &BTreeSet<ContentId>,
) -> BTreeSet<ContentId> {
    let seen = |record: &&ReleaseRecord| identity.may_read(&record.head.release.tenant);
    let readable = state.iter().filter(seen).filter(|record| record.head.withheld.is_none());
    let files = readable.flat_map(|record| &record.head.release.files);
    let contents = files.filter_map(|file| ContentId::parse("sha256", &file.stored_sha256).ok());
    contents.filter(|content| wanted.contains(content)).collect()
}
