//! Releases.
use orewatch_contracts::ingestion::v1::{Rejection, Release, ReleaseInfo, ReleaseState, Report, Table};
use orewatch_ingestion::scope;

use super::{covers_words, kind_word};
use crate::render::{Cell, Row};
use crate::words::{instant, word};

/// A release with what became of it.
#[derive(Debug)]
pub(crate) struct ReleaseRow<'a>(pub(crate) &'a ReleaseInfo);

/// The state of a release as a word.
pub(crate) fn release_state_word(state: ReleaseState) -> String {
    word(state.as_str_name(), "RELEASE_STATE_")
}

impl Row for ReleaseRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "release",
        "dataset",
        "vintage",
        "table",
        "state",
        "reason",
        "rows_read",
        "rows_recorded",
        "rows_out_of_scope",
        "rows_rejected",
        "first_period",
        "last_period",
        "restates",
        "opened_at",
        "closed_at",
        "committed_position",
        "publisher",
        "title",
        "url",
        "licence",
        "published",
        "parser",
        "files",
        "originals",
        "tenant",
        "gates",
        "kind",
        "supplements",
        "scope",
        "covers",
    ];

    fn cells(&self) -> Vec<Cell> {
        let info = self.0;
        let empty = Release::default();
        let release = info.release.as_ref().unwrap_or(&empty);
        let origin = release.provenance.clone().unwrap_or_default();
        let report = info.report.as_ref();
        let count = |pick: fn(&Report) -> u64| Cell::Count(report.map(pick));
        let text = |pick: fn(&Report) -> &String| Cell::text(report.map(pick).cloned().unwrap_or_default());
        let time = |time: Option<prost_types::Timestamp>| {
            Cell::text(time.map(|time| instant(time.seconds)).unwrap_or_default())
        };
        let gates = report.map(|report| report.gates.as_slice()).unwrap_or_default();
        vec![
            Cell::text(&release.id),
            Cell::text(&release.dataset),
            Cell::text(&release.vintage),
            Cell::text(table_word(release.table())),
            Cell::text(release_state_word(info.state())),
            Cell::text(&info.reason),
            count(|report| report.rows_read),
            count(|report| report.rows_recorded),
            count(|report| report.rows_out_of_scope),
            count(|report| report.rows_rejected),
            text(|report| &report.first_period),
            text(|report| &report.last_period),
            text(|report| &report.restates),
            time(info.opened_at),
            time(info.closed_at),
            Cell::Count(info.committed_position),
            Cell::text(origin.publisher),
            Cell::text(origin.title),
            Cell::text(origin.url),
            Cell::text(origin.licence),
            Cell::text(origin.published),
            Cell::text(&release.parser),
            Cell::List(release.files.iter().map(|file| file.name.clone()).collect()),
            Cell::List(release.files.iter().map(|file| file.stored_sha256.clone()).collect()),
            Cell::text(&release.tenant),
            Cell::List(
                gates
                    .iter()
                    .map(|gate| format!("{}: {}", gate.gate, word(gate.verdict().as_str_name(), "VERDICT_")))
                    .collect(),
            ),
            Cell::text(kind_word(release.kind())),
            Cell::text(&release.supplements),
            Cell::text(release.scope.as_ref().map(scope::text).unwrap_or_default()),
            Cell::text(covers_words(info)),
        ]
    }
}

/// What a release's rows are about.
pub(crate) fn table_word(table: Table) -> String {
    word(table.as_str_name(), "TABLE_")
}

/// A row that was set aside.
#[derive(Debug)]
pub(crate) struct RejectionRow<'a>(pub(crate) &'a Rejection);

impl Row for RejectionRow<'_> {
    const COLUMNS: &'static [&'static str] = &["file", "line", "column", "value", "code", "reason", "hint"];

    fn cells(&self) -> Vec<Cell> {
        let row = self.0;
        vec![
            Cell::text(&row.file),
            Cell::Count(Some(row.line)),
            Cell::text(&row.column),
            Cell::text(&row.value),
            Cell::text(&row.code),
            Cell::text(&row.reason),
            Cell::text(&row.hint),
        ]
    }
}
