//! What files, and who hands them in, say that decides what a release restates.
use orewatch_contracts::ingestion::v1::Release;
use orewatch_runtime::Failure;

use super::{Metadata, SourceError};
use crate::{dataset, scope};

/// Records what is said that decides what the release restates: kind, supplemented dataset, scope.
pub(super) fn declare(release: &mut Release, said: &Metadata) -> Result<(), Failure> {
    if let Some(kind) = &said.kind {
        let known = dataset::read_kind(kind)?;
        release.set_kind(dataset::kind_message(known));
    }
    release.supplements = said.supplements.clone().unwrap_or_default();
    release.scope = said.scope.as_deref().map(scope::parse).transpose()?;
    dataset::record_kind(release);
    scope::check(release)
}

/// What is wrong with what is said of a release, as an error of the file that may have said it.
pub(super) fn wrong(file: &str, failure: Failure) -> SourceError {
    let code = match failure.code.as_str() {
        "unknown-kind" => "unknown-kind",
        "bad-supplement" => "bad-supplement",
        _ => "bad-scope",
    };
    SourceError::new(code, file, 0, failure.message).at(failure.field, failure.value).with_hint(failure.hint)
}
