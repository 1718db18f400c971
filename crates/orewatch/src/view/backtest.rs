//! Rows of backtests.
use orewatch_contracts::alerting::v1::{
    AlertState, BacktestBar, BacktestCounts, BacktestDifference, BacktestEpisode, BacktestPeriod,
    BacktestSubject, BacktestSummary, EpisodeKnowledge,
};
use orewatch_contracts::exposure::v1::Subject;

use super::state_word;
use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Record, Row, column, fields, only_shown};
use crate::words::enum_word;

/// Maximum number of periods in the history of a subject; older ones are not shown.
const MAX_PERIODS_SHOWN: usize = 24;

/// An episode on one line: `2020..2022 (2 periods, critical)`.
fn episode_text(episode: &BacktestEpisode) -> String {
    let pending = if episode.fired.is_empty() { ", pending only" } else { "" };
    format!(
        "{}..{} ({} periods, {}{pending})",
        episode.since, episode.resolved, episode.periods, episode.severity
    )
}

/// By which figures an episode is known, as a word.
fn known_word(episode: &BacktestEpisode) -> String {
    match episode.known() {
        EpisodeKnowledge::Unspecified => String::new(),
        known => enum_word(known.as_str_name(), "EPISODE_KNOWLEDGE_"),
    }
}

impl Row for BacktestEpisode {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("since", |episode: &Self| Cell::text(&episode.since)),
            column("fired", |episode: &Self| Cell::text(&episode.fired)),
            column("resolved", |episode: &Self| Cell::text(&episode.resolved)),
            column("periods", |episode: &Self| Cell::count(episode.periods)),
            column("severity", |episode: &Self| Cell::text(&episode.severity)),
            column("peak", |episode: &Self| Cell::Number(episode.peak)),
            column("known", |episode: &Self| Cell::text(known_word(episode))),
        ]
    }
}

fn episode_records(episodes: &[BacktestEpisode]) -> Cell {
    let record = |episode| Record { text: episode_text(episode), fields: fields(episode) };
    Cell::Records(episodes.iter().map(record).collect())
}

/// Columns of how many notifications of each kind are sent.
fn sent_columns<T: 'static>(sent: fn(&T) -> BacktestCounts) -> Vec<Column<T>> {
    vec![
        column("sent_pending", move |row: &T| Cell::count(sent(row).pending)),
        column("sent_fired", move |row: &T| Cell::count(sent(row).fired)),
        column("sent_resolved", move |row: &T| Cell::count(sent(row).resolved)),
        column("sent_stale", move |row: &T| Cell::count(sent(row).stale)),
        column("sent_severity_changed", move |row: &T| Cell::count(sent(row).severity_changed)),
        column("sent_restated", move |row: &T| Cell::count(sent(row).restated)),
    ]
}

/// Columns of how the episodes differ from those of the rule that is compared with. Empty without one.
fn difference_columns<T: 'static>(difference: fn(&T) -> Option<&BacktestDifference>) -> Vec<Column<T>> {
    let count = move |row: &T, count: fn(&BacktestDifference) -> u32| {
        Cell::Count(difference(row).map(count).map(u64::from))
    };
    vec![
        column("only_here", move |row: &T| count(row, |difference| difference.only_here)),
        column("only_there", move |row: &T| count(row, |difference| difference.only_there)),
        column("same", move |row: &T| count(row, |difference| difference.same)),
        column("longer", move |row: &T| count(row, |difference| difference.longer)),
        column("shorter", move |row: &T| count(row, |difference| difference.shorter)),
    ]
}

/// Columns of the subject that a row is about.
fn subject_columns<T: 'static>(subject: fn(&T) -> Option<&Subject>) -> Vec<Column<T>> {
    let text = move |row: &T, field: fn(&Subject) -> &String| {
        Cell::text(subject(row).map(field).cloned().unwrap_or_default())
    };
    vec![
        column("consumer", move |row: &T| text(row, |subject| &subject.consumer)).shown("consumer", Left),
        column("material", move |row: &T| text(row, |subject| &subject.material)).shown("material", Left),
        column("stage", move |row: &T| text(row, |subject| &subject.stage)).shown("stage", Left),
        column("supplier", move |row: &T| text(row, |subject| &subject.supplier)).shown("supplier", Left),
    ]
}

fn period_record(period: &BacktestPeriod) -> Record {
    Record {
        text: format!("{} {}", period.period, state_word(period.state())),
        fields: vec![
            ("period", Cell::text(&period.period)),
            ("state", Cell::text(state_word(period.state()))),
            ("value", Cell::Number(period.value)),
        ],
    }
}

/// One mark per period: `█` firing, `▄` pending, `·` neither.
fn history_marks(subject: &BacktestSubject) -> String {
    let skipped = subject.course.len().saturating_sub(MAX_PERIODS_SHOWN);
    let mark = |state: AlertState| match state {
        AlertState::Firing => '█',
        AlertState::Pending => '▄',
        AlertState::Unspecified | AlertState::Inactive | AlertState::Resolved => '·',
    };
    subject.course.iter().skip(skipped).map(|period| mark(period.state())).collect()
}

/// The episodes of a subject: `2019–2021`, in parentheses if it never fired, with `+` or `-` if only one
/// vintage has it.
fn episodes_text(subject: &BacktestSubject) -> String {
    let mark = |known: EpisodeKnowledge| match known {
        EpisodeKnowledge::NowOnly => "+",
        EpisodeKnowledge::ThenOnly => "-",
        EpisodeKnowledge::Both | EpisodeKnowledge::Unspecified => "",
    };
    let range = |episode: &BacktestEpisode| {
        let (open, close) = if episode.fired.is_empty() { ("(", ")") } else { ("", "") };
        format!("{}{open}{}–{}{close}", mark(episode.known()), episode.since, episode.resolved)
    };
    subject.episodes.iter().map(range).collect::<Vec<_>>().join(" ")
}

/// The kinds of difference that occur, each with its number of episodes: `1 only here, 2 longer`.
fn difference_text(subject: &BacktestSubject) -> String {
    let Some(difference) = &subject.difference else { return String::new() };
    let kinds = [
        (difference.only_here, "only here"),
        (difference.only_there, "only there"),
        (difference.longer, "longer"),
        (difference.shorter, "shorter"),
    ];
    counts_text(&kinds, "same")
}

/// The counts above zero with what they count, such as `2 fired, 1 resolved`; `none` if there are none.
pub(crate) fn counts_text(counts: &[(u32, &str)], none: &str) -> String {
    let parts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if parts.is_empty() { none.to_owned() } else { parts.join(", ") }
}

/// One subject of a backtest.
impl Row for BacktestSubject {
    fn columns() -> Vec<Column<Self>> {
        let sent = |subject: &Self| {
            let sent = subject.sent.unwrap_or_default();
            let counts =
                [sent.pending, sent.fired, sent.resolved, sent.stale, sent.severity_changed, sent.restated];
            counts.iter().sum::<u32>().to_string()
        };
        let state: Vec<Column<Self>> = vec![
            column("state", |subject: &Self| Cell::text(state_word(subject.state()))).shown("state", Left),
            column("severity", |subject: &Self| Cell::text(&subject.severity))
                .shown("highest severity", Left),
            column("periods", |subject: &Self| Cell::count(subject.periods)),
            column("flaps", |subject: &Self| Cell::count(subject.flaps)).shown("fired again", Right),
            only_shown("history", Left, history_marks),
            column("episodes", |subject: &Self| episode_records(&subject.episodes)).shown_as(
                "episodes",
                Left,
                episodes_text,
            ),
            only_shown("notifications", Right, sent),
        ];
        let course = column("course", |subject: &Self| {
            Cell::Records(subject.course.iter().map(period_record).collect())
        });
        let there = column("episodes_there", |subject: &Self| {
            let there = subject.difference.as_ref().map(|difference| difference.there.as_slice());
            episode_records(there.unwrap_or_default())
        });
        subject_columns::<Self>(|subject| subject.subject.as_ref())
            .into_iter()
            .chain(state)
            .chain(sent_columns(|subject: &Self| subject.sent.unwrap_or_default()))
            .chain([course])
            .chain(difference_columns(|subject: &Self| subject.difference.as_ref()))
            .chain([there, only_shown("comparison", Left, difference_text).unless_empty()])
            .collect()
    }
}

/// One episode of one subject.
#[derive(Debug)]
pub(crate) struct EpisodeRow<'a> {
    pub(crate) rule: &'a str,
    pub(crate) subject: &'a BacktestSubject,
    pub(crate) episode: &'a BacktestEpisode,
    /// Whether the episode belongs to the rule that is compared with.
    pub(crate) is_there: bool,
}

impl Row for EpisodeRow<'_> {
    fn columns() -> Vec<Column<Self>> {
        let subject = subject_columns::<BacktestSubject>(|subject| subject.subject.as_ref());
        let episode = BacktestEpisode::columns();
        let side = |row: &Self| Cell::text(if row.is_there { "against" } else { "rule" });
        [column("rule", |row: &Self| Cell::text(row.rule)), column("side", side)]
            .into_iter()
            .chain(subject.into_iter().map(|column| column.within(|row: &Self| row.subject)))
            .chain(episode.into_iter().map(|column| column.within(|row: &Self| row.episode)))
            .collect()
    }
}

/// The summary of a backtest.
impl Row for BacktestSummary {
    fn columns() -> Vec<Column<Self>> {
        episode_count_columns()
            .into_iter()
            .chain(sent_columns(|summary: &Self| summary.sent.unwrap_or_default()))
            .chain(open_alert_columns())
            .chain(difference_columns(|summary: &Self| summary.difference.as_ref()))
            .chain([
                column("releases", |summary: &Self| Cell::count(summary.releases)),
                column("exposures_position", |summary: &Self| Cell::count(summary.position)),
            ])
            .collect()
    }
}

fn episode_count_columns() -> Vec<Column<BacktestSummary>> {
    vec![
        column("rule", |summary: &BacktestSummary| {
            Cell::text(summary.rule.as_ref().map(|rule| rule.id.clone()).unwrap_or_default())
        }),
        column("revision", |summary: &BacktestSummary| Cell::count(summary.revision)),
        column("subjects", |summary: &BacktestSummary| Cell::count(summary.subjects)),
        column("subjects_with_episodes", |summary: &BacktestSummary| {
            Cell::count(summary.subjects_with_episodes)
        }),
        column("subjects_left_out", |summary: &BacktestSummary| Cell::count(summary.subjects_left_out)),
        column("episodes", |summary: &BacktestSummary| Cell::count(summary.episodes)),
        column("pending_only", |summary: &BacktestSummary| Cell::count(summary.pending_only)),
        column("longest", |summary: &BacktestSummary| Cell::count(summary.longest)),
        column("median", |summary: &BacktestSummary| Cell::count(summary.median)),
        column("flaps", |summary: &BacktestSummary| Cell::count(summary.flaps)),
        column("severities", |summary: &BacktestSummary| {
            let mut severities: Vec<_> = summary.severities.iter().collect();
            severities.sort();
            Cell::Records(severities.into_iter().map(severity_record).collect())
        }),
    ]
}

fn severity_record((severity, episodes): (&String, &u32)) -> Record {
    Record {
        text: format!("{severity} {episodes}"),
        fields: vec![("severity", Cell::text(severity)), ("episodes", Cell::count(*episodes))],
    }
}

fn open_alert_columns() -> Vec<Column<BacktestSummary>> {
    vec![
        column("then_only", |summary: &BacktestSummary| Cell::count(summary.then_only)),
        column("now_only", |summary: &BacktestSummary| Cell::count(summary.now_only)),
        column("firing", |summary: &BacktestSummary| Cell::count(summary.firing)),
        column("pending", |summary: &BacktestSummary| Cell::count(summary.pending)),
        column("limit", |summary: &BacktestSummary| Cell::count(summary.limit)),
        column("most_open", |summary: &BacktestSummary| Cell::count(summary.most_open)),
        column("open", |summary: &BacktestSummary| {
            Cell::Records(summary.bars.iter().map(bar_record).collect())
        }),
        column("against_revision", |summary: &BacktestSummary| {
            Cell::Count(summary.difference.as_ref().map(|_| summary.against_revision.into()))
        }),
    ]
}

fn bar_record(bar: &BacktestBar) -> Record {
    Record {
        text: format!("{} {}", bar.period, bar.firing + bar.pending),
        fields: vec![
            ("period", Cell::text(&bar.period)),
            ("firing", Cell::count(bar.firing)),
            ("pending", Cell::count(bar.pending)),
        ],
    }
}
