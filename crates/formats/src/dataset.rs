//! Kinds of datasets: recorded in releases, known by name, or declared in the source policy. Pure.
use orewatch_catalog::DatasetKind;
use orewatch_contracts::ingestion::v1 as proto;
use orewatch_contracts::ingestion::v1::Release;
use orewatch_contracts::{Class, Failure};

/// The kind that a release records; otherwise the kind that is known by its dataset and its parser.
pub fn recorded_kind(release: &Release) -> DatasetKind {
    stated_kind(release.kind())
        .unwrap_or_else(|| DatasetKind::from_name_and_parser(&release.dataset, &release.parser))
}

/// The kind that a message states. None: it states none.
pub fn stated_kind(kind: proto::DatasetKind) -> Option<DatasetKind> {
    match kind {
        proto::DatasetKind::Unspecified => None,
        proto::DatasetKind::Reconciled => Some(DatasetKind::Reconciled),
        proto::DatasetKind::Declarations => Some(DatasetKind::Declarations),
        proto::DatasetKind::Tables => Some(DatasetKind::Tables),
        proto::DatasetKind::Supplement => Some(DatasetKind::Supplement),
    }
}

/// Reads a declared kind.
///
/// # Errors
/// [`Class::Invalid`] for a word that is no kind, and for `undeclared`, which cannot be declared.
pub fn read_kind(text: &str) -> Result<DatasetKind, Failure> {
    let invalid = |message: String| {
        Failure::new(Class::Invalid, "unknown-dataset-kind", message)
            .at("kind", text)
            .with_hint("write reconciled, declarations, tables or supplement")
    };
    match text.parse::<DatasetKind>() {
        Ok(DatasetKind::Undeclared) => {
            Err(invalid("a dataset is undeclared if nothing is declared".to_owned()))
        }
        Ok(kind) => Ok(kind),
        Err(error) => Err(invalid(error.to_string())),
    }
}

/// A kind as a message.
pub fn kind_message(kind: DatasetKind) -> proto::DatasetKind {
    match kind {
        DatasetKind::Reconciled => proto::DatasetKind::Reconciled,
        DatasetKind::Declarations => proto::DatasetKind::Declarations,
        DatasetKind::Tables => proto::DatasetKind::Tables,
        DatasetKind::Supplement => proto::DatasetKind::Supplement,
        DatasetKind::Undeclared => proto::DatasetKind::Unspecified,
    }
}

/// Records the known kind in a release. A release of unknown kind stays as it is, so that content that was
/// opened before releases had a kind is recognised.
pub fn record_kind(release: &mut Release) {
    if !release.supplements.is_empty() && release.kind() == proto::DatasetKind::Unspecified {
        release.set_kind(proto::DatasetKind::Supplement);
    }
    release.set_kind(kind_message(recorded_kind(release)));
}

/// Whether two releases declare the same kind, supplemented dataset and scope, which decide what they
/// restate.
pub fn declared_alike(first: &Release, second: &Release) -> bool {
    recorded_kind(first) == recorded_kind(second)
        && first.supplements == second.supplements
        && first.scope == second.scope
}

/// Whether a release itself declares what decides which rows it restates, beyond what is known by its dataset
/// and parser.
pub fn declares(release: &Release) -> bool {
    let known = DatasetKind::from_name_and_parser(&release.dataset, &release.parser);
    recorded_kind(release) != known || !release.supplements.is_empty() || release.scope.is_some()
}

/// Whether two descriptions of the same content are equal, apart from a kind that is known whether it is
/// recorded or not.
pub fn described_alike(first: &Release, second: &Release) -> bool {
    let recorded = |release: &Release| {
        let mut release = release.clone();
        record_kind(&mut release);
        release
    };
    recorded(first) == recorded(second)
}
