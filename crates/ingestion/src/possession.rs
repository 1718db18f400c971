//! Whether a caller may use a file of the archive: who has handed it in, or may read a release of it, may; to others it is not
//! there, whether it is or not. So a digest, which releases and messages show, is worth nothing by itself.
use std::collections::BTreeSet;

use orewatch_runtime::{Failure, Identity};

use crate::archive::{self, Archive, ContentId};
use crate::evolve::{Book, Held};
use crate::work::Keeper;

/// Sees to it that a caller may use contents, given that the keeper is up to date.
///
/// # Errors
/// [`Class::NotFound`](orewatch_runtime::Class::NotFound) for the first that it may not use, as for one that is not there.
pub(crate) async fn check(
    keeper: &Keeper,
    archive: &Archive,
    who: &Identity,
    contents: impl IntoIterator<Item = ContentId>,
) -> Result<(), Failure> {
    if who.may_read_all() {
        return Ok(());
    }
    let wanted: BTreeSet<ContentId> = contents.into_iter().collect();
    let read = keeper.view(|book| readable(book, who, &wanted));
    for content in wanted.difference(&read) {
        if !archive.is_holder(*content, &who.name).await? {
            return Err(archive::unknown(*content));
        }
    }
    Ok(())
}

/// Whether a caller may use a content.
///
/// # Errors
/// Those of the archive.
pub(crate) async fn holds(
    keeper: &Keeper,
    archive: &Archive,
    who: &Identity,
    content: ContentId,
) -> Result<bool, Failure> {
    let read = keeper.view(|book| readable(book, who, &BTreeSet::from([content])));
    Ok(who.may_read_all() || !read.is_empty() || archive.is_holder(content, &who.name).await?)
}

/// Those of some contents of which a caller may read a release.
fn readable(book: &Book, who: &Identity, wanted: &BTreeSet<ContentId>) -> BTreeSet<ContentId> {
    let seen = |held: &&Held| who.may_read(&held.head.release.tenant);
    let files = book.iter().filter(seen).flat_map(|held| &held.head.release.files);
    let contents = files.filter_map(|file| ContentId::parse("sha256", &file.stored_sha256).ok());
    contents.filter(|content| wanted.contains(content)).collect()
}
