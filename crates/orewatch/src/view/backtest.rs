//! What rules would have said.
use orewatch_contracts::alerting::v1::{
    BacktestCounts, BacktestEpisode, BacktestSubject, BacktestSummary, EpisodeKnowledge,
};

use super::state_word;
use crate::render::{Cell, Record, Row};
use crate::words::word;

fn count(number: u32) -> Cell {
    Cell::Count(Some(number.into()))
}

/// How an episode was known, as a word.
fn known_word(known: EpisodeKnowledge) -> String {
    word(known.as_str_name(), "EPISODE_KNOWLEDGE_")
}

/// An episode on one line: `2020..2022 (2 periods, critical)`.
fn told(episode: &BacktestEpisode) -> String {
    let pending = if episode.fired.is_empty() { ", pending only" } else { "" };
    format!(
        "{}..{} ({} periods, {}{pending})",
        episode.since, episode.resolved, episode.periods, episode.severity
    )
}

fn record(episode: &BacktestEpisode) -> Record {
    let known = Some(episode.known()).filter(|known| *known != EpisodeKnowledge::Unspecified);
    Record {
        text: told(episode),
        fields: vec![
            ("since", Cell::text(&episode.since)),
            ("fired", Cell::text(&episode.fired)),
            ("resolved", Cell::text(&episode.resolved)),
            ("periods", count(episode.periods)),
            ("severity", Cell::text(&episode.severity)),
            ("peak", Cell::Number(episode.peak)),
            ("known", Cell::text(known.map(known_word).unwrap_or_default())),
        ],
    }
}

fn sent_cells(sent: &BacktestCounts) -> [Cell; 6] {
    [sent.pending, sent.fired, sent.resolved, sent.stale, sent.severity_changed, sent.restated].map(count)
}

/// What a rule would have said of one subject.
#[derive(Debug)]
pub(crate) struct SubjectRow<'a>(pub(crate) &'a BacktestSubject);

impl Row for SubjectRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "consumer",
        "material",
        "stage",
        "supplier",
        "state",
        "severity",
        "periods",
        "flaps",
        "episodes",
        "sent_pending",
        "sent_fired",
        "sent_resolved",
        "sent_stale",
        "sent_severity_changed",
        "sent_restated",
        "course",
        "only_here",
        "only_there",
        "same",
        "longer",
        "shorter",
        "episodes_there",
    ];

    fn cells(&self) -> Vec<Cell> {
        let BacktestSubject { subject, episodes, periods, flaps, sent, course, difference, .. } = self.0;
        let subject = subject.clone().unwrap_or_default();
        let period = |period: &orewatch_contracts::alerting::v1::BacktestPeriod| Record {
            text: format!("{} {}", period.period, state_word(period.state())),
            fields: vec![
                ("period", Cell::text(&period.period)),
                ("state", Cell::text(state_word(period.state()))),
                ("value", Cell::Number(period.value)),
            ],
        };
        let mut cells = vec![
            Cell::text(subject.consumer),
            Cell::text(subject.material),
            Cell::text(subject.stage),
            Cell::text(subject.supplier),
            Cell::text(state_word(self.0.state())),
            Cell::text(&self.0.severity),
            count(*periods),
            count(*flaps),
            Cell::Records(episodes.iter().map(record).collect()),
        ];
        cells.extend(sent_cells(&sent.unwrap_or_default()));
        cells.push(Cell::Records(course.iter().map(period).collect()));
        let other = difference.as_ref();
        let counts =
            other.map(|other| [other.only_here, other.only_there, other.same, other.longer, other.shorter]);
        cells.extend(
            (0..5).map(|k| Cell::Count(counts.and_then(|counts| counts.get(k).map(|n| (*n).into())))),
        );
        let there = other.map(|other| other.there.iter().map(record).collect()).unwrap_or_default();
        cells.push(Cell::Records(there));
        cells
    }
}

/// One episode of one subject.
#[derive(Debug)]
pub(crate) struct EpisodeRow<'a> {
    pub(crate) rule: &'a str,
    pub(crate) subject: &'a BacktestSubject,
    pub(crate) episode: &'a BacktestEpisode,
    /// Of the rule that it is compared with.
    pub(crate) is_there: bool,
}

impl Row for EpisodeRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "rule", "side", "consumer", "material", "stage", "supplier", "since", "fired", "resolved", "periods",
        "severity", "peak", "known",
    ];

    fn cells(&self) -> Vec<Cell> {
        let subject = self.subject.subject.clone().unwrap_or_default();
        let mut cells = vec![
            Cell::text(self.rule),
            Cell::text(if self.is_there { "against" } else { "rule" }),
            Cell::text(subject.consumer),
            Cell::text(subject.material),
            Cell::text(subject.stage),
            Cell::text(subject.supplier),
        ];
        cells.extend(record(self.episode).fields.into_iter().map(|(_, cell)| cell));
        cells
    }
}

/// What a rule would have said of all subjects.
#[derive(Debug)]
pub(crate) struct SummaryRow<'a>(pub(crate) &'a BacktestSummary);

impl Row for SummaryRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "rule",
        "revision",
        "subjects",
        "subjects_with_episodes",
        "subjects_left_out",
        "episodes",
        "pending_only",
        "longest",
        "median",
        "flaps",
        "severities",
        "sent_pending",
        "sent_fired",
        "sent_resolved",
        "sent_stale",
        "sent_severity_changed",
        "sent_restated",
        "then_only",
        "now_only",
        "firing",
        "pending",
        "limit",
        "most_open",
        "open",
        "against_revision",
        "only_here",
        "only_there",
        "same",
        "longer",
        "shorter",
        "releases",
        "exposures_position",
    ];

    fn cells(&self) -> Vec<Cell> {
        let summary = self.0;
        let mut severities: Vec<_> = summary.severities.iter().collect();
        severities.sort();
        let severity = |(severity, episodes): (&String, &u32)| Record {
            text: format!("{severity} {episodes}"),
            fields: vec![("severity", Cell::text(severity)), ("episodes", count(*episodes))],
        };
        let bar = |bar: &orewatch_contracts::alerting::v1::BacktestBar| Record {
            text: format!("{} {}", bar.period, bar.firing + bar.pending),
            fields: vec![
                ("period", Cell::text(&bar.period)),
                ("firing", count(bar.firing)),
                ("pending", count(bar.pending)),
            ],
        };
        let mut cells =
            vec![Cell::text(summary.rule.as_ref().map(|rule| rule.id.clone()).unwrap_or_default())];
        cells.extend(
            [
                summary.revision,
                summary.subjects,
                summary.subjects_with_episodes,
                summary.subjects_left_out,
                summary.episodes,
                summary.pending_only,
                summary.longest,
                summary.median,
                summary.flaps,
            ]
            .map(count),
        );
        cells.push(Cell::Records(severities.into_iter().map(severity).collect()));
        cells.extend(sent_cells(&summary.sent.unwrap_or_default()));
        cells.extend(
            [
                summary.then_only,
                summary.now_only,
                summary.firing,
                summary.pending,
                summary.limit,
                summary.most_open,
            ]
            .map(count),
        );
        cells.push(Cell::Records(summary.bars.iter().map(bar).collect()));
        let other = summary.difference.as_ref();
        cells.push(Cell::Count(other.map(|_| summary.against_revision.into())));
        let counts =
            other.map(|other| [other.only_here, other.only_there, other.same, other.longer, other.shorter]);
        cells.extend(
            (0..5).map(|k| Cell::Count(counts.and_then(|counts| counts.get(k).map(|n| (*n).into())))),
        );
        cells.extend([count(summary.releases), Cell::Count(Some(summary.position))]);
        cells
    }
}
