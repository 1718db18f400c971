//! Rows of releases and quarantined rows.
use orewatch_catalog::passing_on;
use orewatch_contracts::common::v1::EventSkipped;
use orewatch_contracts::ingestion::v1::{
    GateVerdict, Provenance, Rejection, Release, ReleaseInfo, ReleaseState, Report, Table,
};
use orewatch_formats::scope;

use super::{covers_words, kind_word, originals_kept, period_words};
use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Row, column, only_shown};
use crate::words::{enum_word, grouped, time_text};

/// State of a release, as a word.
pub(crate) fn release_state_word(state: ReleaseState) -> String {
    enum_word(state.as_str_name(), "RELEASE_STATE_")
}

impl Row for ReleaseInfo {
    fn columns() -> Vec<Column<Self>> {
        let groups = [
            state_columns(),
            report_columns(),
            time_columns(),
            origin_columns(),
            scope_columns(),
            terms_columns(),
        ];
        groups.into_iter().flatten().collect()
    }
}

/// A cell from the release itself. Without a release, that of an empty one.
fn release_cell(info: &ReleaseInfo, cell: fn(&Release) -> Cell) -> Cell {
    info.release.as_ref().map_or_else(|| cell(&Release::default()), cell)
}

/// A text of the report. Empty before there is one.
fn report_text(info: &ReleaseInfo, text: fn(&Report) -> &String) -> Cell {
    Cell::text(info.report.as_ref().map(text).cloned().unwrap_or_default())
}

/// A count of the report, if there is one.
fn report_count(info: &ReleaseInfo, count: fn(&Report) -> u64) -> Cell {
    Cell::Count(info.report.as_ref().map(count))
}

/// A text of where the release comes from.
fn origin_text(info: &ReleaseInfo, text: fn(&Provenance) -> &String) -> Cell {
    let origin = info.release.as_ref().and_then(|release| release.provenance.as_ref());
    Cell::text(origin.map(text).cloned().unwrap_or_default())
}

fn state_columns() -> Vec<Column<ReleaseInfo>> {
    vec![
        column("release", |info: &ReleaseInfo| release_cell(info, |release| Cell::text(&release.id)))
            .shown("release", Left),
        column("dataset", |info: &ReleaseInfo| release_cell(info, |release| Cell::text(&release.dataset))),
        column("vintage", |info: &ReleaseInfo| release_cell(info, |release| Cell::text(&release.vintage))),
        column("table", |info: &ReleaseInfo| {
            release_cell(info, |release| Cell::text(table_word(release.table())))
        })
        .shown("table", Left)
        .if_room(2),
        column("state", |info: &ReleaseInfo| Cell::text(release_state_word(info.state())))
            .shown("state", Left),
        column("reason", |info: &ReleaseInfo| Cell::text(&info.reason)),
    ]
}

fn report_columns() -> Vec<Column<ReleaseInfo>> {
    let rows = |info: &ReleaseInfo, count: fn(&Report) -> u64| {
        grouped(info.report.as_ref().map(count).unwrap_or_default())
    };
    let periods = |info: &ReleaseInfo| {
        let report = info.report.as_ref();
        report.map_or_else(String::new, |report| period_words(&report.first_period, &report.last_period))
    };
    vec![
        column("rows_read", |info: &ReleaseInfo| report_count(info, |report| report.rows_read)),
        column("rows_recorded", |info: &ReleaseInfo| report_count(info, |report| report.rows_recorded))
            .shown_as("rows", Right, move |info| rows(info, |report| report.rows_recorded)),
        column("rows_out_of_scope", |info: &ReleaseInfo| {
            report_count(info, |report| report.rows_out_of_scope)
        }),
        column("rows_rejected", |info: &ReleaseInfo| report_count(info, |report| report.rows_rejected))
            .shown_as("quarantined", Right, move |info| rows(info, |report| report.rows_rejected))
            .if_room(3),
        column("first_period", |info: &ReleaseInfo| report_text(info, |report| &report.first_period))
            .shown_as("periods", Left, periods)
            .if_room(1),
        column("last_period", |info: &ReleaseInfo| report_text(info, |report| &report.last_period)),
        column("restates", |info: &ReleaseInfo| report_text(info, |report| &report.restates)),
    ]
}

fn time_columns() -> Vec<Column<ReleaseInfo>> {
    let day = |info: &ReleaseInfo| time_text(info.closed_at).chars().take("2026-01-31".len()).collect();
    vec![
        column("opened_at", |info: &ReleaseInfo| Cell::time(info.opened_at)),
        column("closed_at", |info: &ReleaseInfo| Cell::time(info.closed_at))
            .shown_as("closed", Left, day)
            .if_room(1),
        column("committed_position", |info: &ReleaseInfo| Cell::Count(info.committed_position)),
    ]
}

fn origin_columns() -> Vec<Column<ReleaseInfo>> {
    vec![
        column("publisher", |info: &ReleaseInfo| origin_text(info, |origin| &origin.publisher)),
        column("title", |info: &ReleaseInfo| origin_text(info, |origin| &origin.title)),
        column("url", |info: &ReleaseInfo| origin_text(info, |origin| &origin.url)),
        column("licence", |info: &ReleaseInfo| origin_text(info, |origin| &origin.licence)),
        column("published", |info: &ReleaseInfo| origin_text(info, |origin| &origin.published)),
        column("parser", |info: &ReleaseInfo| release_cell(info, |release| Cell::text(&release.parser))),
        column("files", |info: &ReleaseInfo| {
            release_cell(info, |release| {
                Cell::List(release.files.iter().map(|file| file.name.clone()).collect())
            })
        }),
        column("originals", |info: &ReleaseInfo| {
            release_cell(info, |release| {
                Cell::List(release.files.iter().map(|file| file.stored_sha256.clone()).collect())
            })
        }),
        column("tenant", |info: &ReleaseInfo| release_cell(info, |release| Cell::text(&release.tenant))),
    ]
}

/// The gates with their verdicts: `partner-sums: warn`.
fn gate_verdicts(info: &ReleaseInfo) -> Vec<String> {
    let gates = info.report.as_ref().map(|report| report.gates.as_slice()).unwrap_or_default();
    let verdict = |gate: &GateVerdict| enum_word(gate.verdict().as_str_name(), "VERDICT_");
    gates.iter().map(|gate| format!("{}: {}", gate.gate, verdict(gate))).collect()
}

fn scope_columns() -> Vec<Column<ReleaseInfo>> {
    vec![
        column("gates", |info: &ReleaseInfo| Cell::List(gate_verdicts(info))),
        column("kind", |info: &ReleaseInfo| {
            release_cell(info, |release| Cell::text(kind_word(release.kind())))
        }),
        column("supplements", |info: &ReleaseInfo| {
            release_cell(info, |release| Cell::text(&release.supplements))
        }),
        column("scope", |info: &ReleaseInfo| {
            release_cell(info, |release| {
                Cell::text(release.scope.as_ref().map(scope::scope_text).unwrap_or_default())
            })
        }),
        column("covers", |info: &ReleaseInfo| Cell::text(covers_words(info)))
            .shown("covers", Left)
            .if_room(4),
        column("skipped", |info: &ReleaseInfo| Cell::List(skipped_texts(&info.skipped)))
            .shown("does not count", Left)
            .unless_empty()
            .if_room(5),
    ]
}

/// What may be done with the data, and how long their files stay.
fn terms_columns() -> Vec<Column<ReleaseInfo>> {
    let licence = |info: &ReleaseInfo| {
        let origin = info.release.as_ref().and_then(|release| release.provenance.clone());
        origin.unwrap_or_default().licence
    };
    vec![
        column("may_pass_on", move |info: &ReleaseInfo| Cell::text(passing_on(&licence(info)).as_str())),
        column("originals_kept", |info: &ReleaseInfo| Cell::text(originals_kept(info))),
        column("erased_at", |info: &ReleaseInfo| Cell::time(info.erased_at)),
    ]
}

/// Events that do not count, because somebody marked them.
pub(crate) fn skipped_texts(skipped: &[EventSkipped]) -> Vec<String> {
    let text = |mark: &EventSkipped| {
        let kind = mark.kind.rsplit('.').next().filter(|kind| !kind.is_empty()).unwrap_or("event");
        format!("{kind} at position {}, marked by {}: {}", mark.position, mark.actor, mark.reason)
    };
    skipped.iter().map(text).collect()
}

/// Table of a release, as a word.
pub(crate) fn table_word(table: Table) -> String {
    enum_word(table.as_str_name(), "TABLE_")
}

/// A quarantined row with its number in the release, by which corrections name it.
#[derive(Debug)]
pub(crate) struct QuarantinedRow<'a> {
    number: usize,
    row: &'a Rejection,
}

impl<'a> QuarantinedRow<'a> {
    /// Numbers all quarantined rows of a release, from 0.
    pub(crate) fn numbered(rows: &'a [Rejection]) -> Vec<Self> {
        rows.iter().enumerate().map(|(number, row)| Self { number, row }).collect()
    }
}

impl Row for QuarantinedRow<'_> {
    fn columns() -> Vec<Column<Self>> {
        let location = |this: &Self| format!("{}:{}", this.row.file, this.row.line);
        let reason_and_hint = |this: &Self| {
            let parts = [this.row.reason.as_str(), this.row.hint.as_str()];
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            parts.join("; ")
        };
        vec![
            only_shown("number", Right, |this: &Self| this.number.to_string()),
            column("file", |this: &Self| Cell::text(&this.row.file)).shown_as("file:line", Left, location),
            column("line", |this: &Self| Cell::count(this.row.line)),
            column("column", |this: &Self| Cell::text(&this.row.column)).shown("column", Left),
            column("value", |this: &Self| Cell::text(&this.row.value))
                .shown_as("value", Left, |this| format!("{:?}", this.row.value)),
            column("code", |this: &Self| Cell::text(&this.row.code)).shown("code", Left),
            column("reason", |this: &Self| Cell::text(&this.row.reason)).shown_as(
                "reason and hint",
                Left,
                reason_and_hint,
            ),
            column("hint", |this: &Self| Cell::text(&this.row.hint)),
        ]
    }
}
