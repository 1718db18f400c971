//! What a caller asks for, checked as if nobody had.
use std::collections::BTreeMap;

use orewatch_contracts::ingestion::v1::{
    ArchivedFile, CommitReleaseRequest, Description, IngestFilesRequest, Scope, SourceFile,
};
use orewatch_runtime::{Class, Failure};

use crate::archive::ContentId;
use crate::dataset;
use crate::ids;
use crate::scope;
use crate::sources::{MOST_FILES, Metadata, Totals};
use crate::validate::short;

/// Most concordances that are asked.
const MOST_CONCORDANCES: usize = 32;

/// Longest name of a file in bytes.
const LONGEST_FILE_NAME: usize = 255;

/// A request that makes sense.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) files: Vec<(ContentId, SourceFile)>,
    pub(super) metadata: Metadata,
    pub(super) tenant: String,
    pub(super) concordances: Vec<String>,
    pub(super) max_rejects: Option<u64>,
    pub(super) accept: Vec<String>,
    pub(super) gates: BTreeMap<String, i32>,
    pub(super) dry_run: bool,
    pub(super) hold: bool,
}

impl Asked {
    /// Checks a request. Files that do not say when they were retrieved were handed in `now`.
    pub(super) fn of(request: IngestFilesRequest, now: prost_types::Timestamp) -> Result<Self, Failure> {
        let count = request.files.len();
        if count == 0 || count > MOST_FILES {
            let message = format!("a release has 1 to {MOST_FILES} files");
            return Err(invalid("files", count.to_string(), message));
        }
        let said = request.description.unwrap_or_default();
        if !said.tenant.is_empty() && !ids::is_dataset(&said.tenant) {
            return Err(invalid("description.tenant", said.tenant, "this cannot name a tenant")
                .with_hint("use up to 64 lower-case letters, digits and hyphens"));
        }
        if request.concordances.len() > MOST_CONCORDANCES {
            let message = format!("at most {MOST_CONCORDANCES} concordances are asked");
            return Err(invalid("concordances", request.concordances.len().to_string(), message));
        }
        let files = request.files.into_iter().map(|file| archived(file, now));
        Ok(Self {
            files: files.collect::<Result<_, _>>()?,
            tenant: said.tenant.clone(),
            metadata: metadata(said)?,
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
            gates: self.gates.clone().into_iter().collect(),
            hold: self.hold,
        }
    }
}

fn archived(file: ArchivedFile, now: prost_types::Timestamp) -> Result<(ContentId, SourceFile), Failure> {
    let content = ContentId::parse("files.sha256", &file.sha256)?;
    let name = file.name;
    let fits = (1..=LONGEST_FILE_NAME).contains(&name.len()) && !name.contains(['/', '\\']);
    if !fits || name.contains(char::is_control) {
        return Err(invalid("files.name", name, "this cannot be the name of a file")
            .with_hint(format!("names have no folders and at most {LONGEST_FILE_NAME} bytes")));
    }
    short("files.url", &file.url)?;
    let about = SourceFile {
        name,
        stored_sha256: file.sha256,
        retrieved_at: Some(file.retrieved_at.unwrap_or(now)),
        url: file.url,
        ..SourceFile::default()
    };
    Ok((content, about))
}

fn metadata(said: Description) -> Result<Metadata, Failure> {
    let kind = said.kind();
    let said_text = |field: &str, text: String| {
        short(&format!("description.{field}"), &text)?;
        Ok::<_, Failure>(Some(text).filter(|text| !text.is_empty()))
    };
    Ok(Metadata {
        dataset: said_text("dataset", said.dataset)?,
        vintage: said_text("vintage", said.vintage)?,
        hs: said_text("hs", said.hs)?,
        table: said_text("table", said.table)?,
        publisher: said_text("publisher", said.publisher)?,
        title: said_text("title", said.title)?,
        url: said_text("url", said.url)?,
        licence: said_text("licence", said.licence)?,
        published: said_text("published", said.published)?,
        kind: dataset::stated_kind(kind).map(|kind| kind.as_str().to_owned()),
        supplements: said_text("supplements", said.supplements)?,
        scope: said.scope.map(|scope| written(&scope)).transpose()?.filter(|text| !text.is_empty()),
    })
}

/// A scope as it is written, which holds all of it.
fn written(stated: &Scope) -> Result<String, Failure> {
    let text = scope::text(stated);
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
