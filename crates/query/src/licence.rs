//! Whether rows of releases may be passed on.
use orewatch_catalog::{PassingOn, passing_on};
use orewatch_contracts::exposure::v1::SourceRow;
use orewatch_contracts::ingestion::v1::Release;

/// The first release of some rows whose licence forbids passing its data on, and that licence. A licence that
/// is not known forbids nothing.
#[must_use]
pub fn forbidden_release<'a>(
    rows: impl IntoIterator<Item = &'a SourceRow>,
    releases: &'a [Release],
) -> Option<(&'a str, &'a str)> {
    let licence = |release: &str| {
        let found = releases.iter().find(|one| one.id == release)?;
        Some(found.provenance.as_ref()?.licence.as_str())
    };
    rows.into_iter().map(|row| row.release.as_str()).find_map(|release| {
        let licence = licence(release).filter(|name| passing_on(name) == PassingOn::Forbidden)?;
        Some((release, licence))
    })
}
