//! The checked form of an ingest request.
use std::collections::BTreeMap;

use orewatch_contracts::ingestion::v1::{
    ArchivedFile, CommitReleaseRequest, Description, IngestFilesRequest, Scope, SourceFile,
};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::dataset;
use orewatch_formats::ids;
use orewatch_formats::{MAX_FILES, Metadata, Totals};

use crate::archive::ContentId;
use crate::scope;
use crate::validate::check_text;

/// Upper bound on the concordances of a request.
const MAX_CONCORDANCES: usize = 32;

/// Upper bound on a file's name, in bytes.
const MAX_FILE_NAME_BYTES: usize = 255;

/// An ingest request that passed its checks.
#[derive(Clone, Debug)]
pub(super) struct IngestRequest {
    pub(super) files: Vec<(ContentId, SourceFile)>,
    pub(super) metadata: Metadata,
    pub(super) tenant: String,
    /// Who asks, as it is recorded. Empty if not known.
    pub(super) actor: String,
    pub(super) concordances: Vec<String>,
    pub(super) max_rejects: Option<u64>,
    pub(super) accept: Vec<String>,
    pub(super) gates: BTreeMap<String, i32>,
    pub(super) dry_run: bool,
    pub(super) hold: bool,
}

impl IngestRequest {
    /// Checks a request. Files without a time of retrieval were retrieved `now`.
    pub(super) fn check(request: IngestFilesRequest, now: prost_types::Timestamp) -> Result<Self, Failure> {
        let count = request.files.len();
        if count == 0 || count > MAX_FILES {
            let message = format!("a release has 1 to {MAX_FILES} files");
            return Err(invalid("files", count.to_string(), message));
        }
        let described = request.description.unwrap_or_default();
        if !described.tenant.is_empty() && !ids::is_dataset(&described.tenant) {
            return Err(invalid("description.tenant", described.tenant, "this cannot name a tenant")
                .with_hint("use up to 64 lower-case letters, digits and hyphens"));
        }
        if request.concordances.len() > MAX_CONCORDANCES {
            let message = format!("a request names at most {MAX_CONCORDANCES} concordances");
            return Err(invalid("concordances", request.concordances.len().to_string(), message));
        }
        let files = request.files.into_iter().map(|file| check_file(file, now));
        Ok(Self {
            files: files.collect::<Result<_, _>>()?,
            tenant: described.tenant.clone(),
            actor: String::new(),
            metadata: release_metadata(described)?,
            concordances: request.concordances,
            max_rejects: request.max_rejects,
            accept: request.accept,
            gates: request.gates.into_iter().collect(),
            dry_run: request.dry_run,
            hold: request.hold,
        })
    }

    /// The commit of a release whose files were read.
    pub(super) fn commit(&self, release: &str, totals: Totals) -> CommitReleaseRequest {
        CommitReleaseRequest {
            release: release.to_owned(),
            max_rejects: self.max_rejects,
            rows_read: Some(totals.read),
            rows_out_of_scope: totals.out_of_scope,
            rejected_by_code: totals.rejected,
            accept: self.accept.clone(),
            totals: totals.declared,
            notes: totals.notes,
            gates: self.gates.clone().into_iter().collect(),
            hold: self.hold,
        }
    }
}

fn check_file(file: ArchivedFile, now: prost_types::Timestamp) -> Result<(ContentId, SourceFile), Failure> {
    let content = ContentId::parse("files.sha256", &file.sha256)?;
    let name = file.name;
    let fits = (1..=MAX_FILE_NAME_BYTES).contains(&name.len()) && !name.contains(['/', '\\']);
    if !fits || name.contains(char::is_control) {
        return Err(invalid("files.name", name, "this cannot be the name of a file")
            .with_hint(format!("names have no folders and at most {MAX_FILE_NAME_BYTES} bytes")));
    }
    check_text("files.url", &file.url)?;
    let about = SourceFile {
        name,
        stored_sha256: file.sha256,
        retrieved_at: Some(file.retrieved_at.unwrap_or(now)),
        url: file.url,
        column_map: file.column_map,
        ..SourceFile::default()
    };
    Ok((content, about))
}

fn release_metadata(described: Description) -> Result<Metadata, Failure> {
    let kind = described.kind();
    let text_field = |field: &str, text: String| {
        check_text(&format!("description.{field}"), &text)?;
        Ok::<_, Failure>(Some(text).filter(|text| !text.is_empty()))
    };
    Ok(Metadata {
        dataset: text_field("dataset", described.dataset)?,
        vintage: text_field("vintage", described.vintage)?,
        hs: text_field("hs", described.hs)?,
        table: text_field("table", described.table)?,
        publisher: text_field("publisher", described.publisher)?,
        title: text_field("title", described.title)?,
        url: text_field("url", described.url)?,
        licence: text_field("licence", described.licence)?,
        published: text_field("published", described.published)?,
        kind: dataset::stated_kind(kind).map(|kind| kind.as_str().to_owned()),
        supplements: text_field("supplements", described.supplements)?,
        scope: described.scope.map(|scope| scope_text(&scope)).transpose()?.filter(|text| !text.is_empty()),
        // Only the file itself says so.
        cut: None,
    })
}

/// A scope as text, which has to hold all of it.
fn scope_text(stated: &Scope) -> Result<String, Failure> {
    let text = scope::scope_text(stated);
    match scope::parse(&text).is_ok_and(|read| read == *stated) {
        true => Ok(text),
        false => Err(invalid(
            "description.scope",
            text,
            "items of a scope have no comma, semicolon or blank at an end",
        )),
    }
}

fn invalid(field: &str, value: impl AsRef<str>, message: impl Into<String>) -> Failure {
    Failure::new(Class::Invalid, "invalid-request", message).at(field, value)
}
