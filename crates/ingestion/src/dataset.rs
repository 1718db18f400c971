//! Kinds of datasets: as releases record them, as they are known, as the source policy declares them. Pure.
use orewatch_catalog::DatasetKind;
use orewatch_contracts::ingestion::v1 as proto;
use orewatch_contracts::ingestion::v1::Release;
use orewatch_runtime::{Class, Failure};

/// The kind that a release records, or that is known by its dataset's name and its parser.
pub(crate) fn recorded_kind(release: &Release) -> DatasetKind {
    stated_kind(release.kind()).unwrap_or_else(|| DatasetKind::known(&release.dataset, &release.parser))
}

/// The kind that a message states. None: it states none.
pub(crate) fn stated_kind(kind: proto::DatasetKind) -> Option<DatasetKind> {
    match kind {
        proto::DatasetKind::Unspecified => None,
        proto::DatasetKind::Reconciled => Some(DatasetKind::Reconciled),
        proto::DatasetKind::Declarations => Some(DatasetKind::Declarations),
        proto::DatasetKind::Tables => Some(DatasetKind::Tables),
        proto::DatasetKind::Supplement => Some(DatasetKind::Supplement),
    }
}

/// Reads a kind that somebody declares.
///
/// # Errors
/// [`Class::Invalid`] for a word that is no kind; that a dataset is undeclared need not be said.
pub(crate) fn read_kind(text: &str) -> Result<DatasetKind, Failure> {
    let wrong = |message: String| {
        Failure::new(Class::Invalid, "unknown-kind", message)
            .at("kind", text)
            .with_hint("write reconciled, declarations, tables or supplement")
    };
    match text.parse::<DatasetKind>() {
        Ok(DatasetKind::Undeclared) => {
            Err(wrong("a dataset of which nothing is said is undeclared".to_owned()))
        }
        Ok(kind) => Ok(kind),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// A kind as messages have it.
pub(crate) fn kind_message(kind: DatasetKind) -> proto::DatasetKind {
    match kind {
        DatasetKind::Reconciled => proto::DatasetKind::Reconciled,
        DatasetKind::Declarations => proto::DatasetKind::Declarations,
        DatasetKind::Tables => proto::DatasetKind::Tables,
        DatasetKind::Supplement => proto::DatasetKind::Supplement,
        DatasetKind::Undeclared => proto::DatasetKind::Unspecified,
    }
}

/// Records in a release what is known of its kind. One that is known to nobody stays as it is, so that content that was opened
/// before releases had a kind is recognised.
pub(crate) fn record_kind(release: &mut Release) {
    if !release.supplements.is_empty() && release.kind() == proto::DatasetKind::Unspecified {
        release.set_kind(proto::DatasetKind::Supplement);
    }
    release.set_kind(kind_message(recorded_kind(release)));
}

/// Whether the same is said of two releases that decides what they restate: kind, supplemented dataset, scope.
pub(crate) fn declared_alike(one: &Release, other: &Release) -> bool {
    recorded_kind(one) == recorded_kind(other)
        && one.supplements == other.supplements
        && one.scope == other.scope
}

/// Whether a release says itself what decides what it restates. What is known by its name and format does not count.
pub(crate) fn declares(release: &Release) -> bool {
    let known = DatasetKind::known(&release.dataset, &release.parser);
    recorded_kind(release) != known || !release.supplements.is_empty() || release.scope.is_some()
}

/// Whether two descriptions of the same content are the same, whether or not they record a kind that is known anyway.
pub(crate) fn described_alike(one: &Release, other: &Release) -> bool {
    let recorded = |release: &Release| {
        let mut release = release.clone();
        record_kind(&mut release);
        release
    };
    recorded(one) == recorded(other)
}
