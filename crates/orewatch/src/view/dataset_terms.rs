//! What may be done with the data of a dataset, and how long its originals stay, from its releases.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{PassingOn, licence, passing_on};
use orewatch_contracts::ingestion::v1::ReleaseInfo;

use super::licence::{has_originals, originals_kept};
use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Row, column};

/// What is said of releases that have no originals.
const NONE: &str = "none";

/// The terms of a dataset of a tenant, or of everyone (empty).
#[derive(Debug)]
pub(crate) struct DatasetTerms {
    dataset: String,
    tenant: String,
    releases: u64,
    licences: BTreeSet<String>,
    /// Number of releases by how long their originals are kept.
    kept: BTreeMap<&'static str, u64>,
}

impl DatasetTerms {
    /// The terms of all datasets with these releases.
    pub(crate) fn of_releases(infos: &[ReleaseInfo]) -> Vec<Self> {
        let mut all: BTreeMap<(&str, &str), Self> = BTreeMap::new();
        for (info, release) in infos.iter().filter_map(|info| Some((info, info.release.as_ref()?))) {
            let key = (release.dataset.as_str(), release.tenant.as_str());
            let terms = all.entry(key).or_insert_with(|| Self {
                dataset: release.dataset.clone(),
                tenant: release.tenant.clone(),
                releases: 0,
                licences: BTreeSet::new(),
                kept: BTreeMap::new(),
            });
            terms.releases += 1;
            let licence = release.provenance.as_ref().map(|origin| origin.licence.clone());
            terms.licences.extend(licence.filter(|licence| !licence.is_empty()));
            let kept = if has_originals(info) { originals_kept(info) } else { NONE };
            *terms.kept.entry(kept).or_default() += 1;
        }
        all.into_values().collect()
    }

    /// Whether all of it may be passed on: the strictest licence decides.
    fn passing_on(&self) -> PassingOn {
        let each: Vec<PassingOn> = self.licences.iter().map(|licence| passing_on(licence)).collect();
        if each.contains(&PassingOn::Forbidden) {
            return PassingOn::Forbidden;
        }
        if each.is_empty() || each.contains(&PassingOn::Unknown) {
            return PassingOn::Unknown;
        }
        PassingOn::Allowed
    }

    /// How long originals are kept, such as `always: 3`.
    fn kept(&self) -> Vec<String> {
        self.kept.iter().map(|(kept, releases)| format!("{kept}: {releases}")).collect()
    }
}

impl Row for DatasetTerms {
    fn columns() -> Vec<Column<Self>> {
        let conditions = |terms: &Self| {
            let known = terms.licences.iter().filter_map(|name| licence(name));
            Cell::List(known.map(|licence| licence.condition.to_owned()).collect())
        };
        vec![
            column("dataset", |terms: &Self| Cell::text(&terms.dataset)).shown("dataset", Left),
            column("tenant", |terms: &Self| Cell::text(&terms.tenant)).shown("tenant", Left).unless_empty(),
            column("releases", |terms: &Self| Cell::count(terms.releases)).shown("releases", Right),
            column("licences", |terms: &Self| Cell::List(terms.licences.iter().cloned().collect()))
                .shown("licence", Left),
            column("may_pass_on", |terms: &Self| Cell::text(terms.passing_on().as_str()))
                .shown("may be passed on", Left),
            column("conditions", conditions).shown("condition", Left).if_room(1),
            column("originals_kept", |terms: &Self| Cell::List(terms.kept()))
                .shown("originals kept (releases)", Left),
        ]
    }
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::ingestion::v1::{Provenance, Release, ReleaseState, SourceFile};

    use super::*;

    fn info(dataset: &str, licence: &str, state: ReleaseState) -> ReleaseInfo {
        let file = SourceFile { stored_sha256: "ab".to_owned(), ..SourceFile::default() };
        let provenance = Provenance { licence: licence.to_owned(), ..Provenance::default() };
        let release = Release {
            dataset: dataset.to_owned(),
            files: vec![file],
            provenance: Some(provenance),
            ..Release::default()
        };
        let committed_position = (state == ReleaseState::Committed).then_some(7);
        ReleaseInfo {
            release: Some(release),
            state: state.into(),
            committed_position,
            ..ReleaseInfo::default()
        }
    }

    #[test]
    fn the_strictest_licence_of_a_dataset_decides() {
        let infos = [
            info("b", "OGL-UK-3.0", ReleaseState::Committed),
            info("b", "UN-Comtrade-terms", ReleaseState::Committed),
            info("a", "OGL-UK-3.0", ReleaseState::Refused),
            info("c", "", ReleaseState::Erased),
        ];
        let terms = DatasetTerms::of_releases(&infos);
        let said: Vec<_> = terms
            .iter()
            .map(|terms| (terms.dataset.as_str(), terms.passing_on().as_str(), terms.kept().join(", ")))
            .collect();
        let expected = [
            ("a", "yes", "removed: 1".to_owned()),
            ("b", "no", "always: 2".to_owned()),
            ("c", "unknown", "erased: 1".to_owned()),
        ];
        assert_eq!(said, expected);
    }
}
