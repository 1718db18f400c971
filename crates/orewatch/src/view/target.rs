//! Rows of targets: each target on each basis, with its progress.
use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::exposure::v1::{Progress, TargetProgress, TargetStanding, TargetVerdict};
use orewatch_contracts::ingestion::v1::TargetRow;

use crate::render::Align::{Left, Right};
use crate::render::{
    Cell, Column, Record, Row, brief, column, difference_in, estimate, only_shown, status_word, value_in,
};
use crate::words::{by_word, enum_word};

/// A target on one basis.
#[derive(Debug)]
pub(crate) struct TargetBasis<'a> {
    /// The target.
    pub(crate) standing: &'a TargetStanding,
    /// Its figures on the basis.
    pub(crate) progress: &'a TargetProgress,
}

impl TargetBasis<'_> {
    fn target(&self, field: fn(&TargetRow) -> &String) -> Cell {
        Cell::text(self.standing.target.as_ref().map(field).cloned().unwrap_or_default())
    }

    fn word(&self, word: fn(&TargetRow) -> String) -> Cell {
        Cell::text(self.standing.target.as_ref().map(word).unwrap_or_default())
    }

    fn number(&self, field: fn(&Estimate) -> Option<f64>) -> Cell {
        Cell::Number(self.progress.estimate.as_ref().and_then(field))
    }

    /// A value in the unit of the measure; `-` if there is none.
    fn value(&self, value: Option<f64>) -> String {
        value.map_or_else(|| "-".to_owned(), |value| value_in(&self.standing.unit, value))
    }

    /// The figure with its supplier: `CHN 67.7 %`.
    fn figure(&self) -> String {
        let figure = brief(&self.standing.unit, self.progress.estimate.as_ref());
        format!("{} {figure}", self.progress.supplier).trim_start().to_owned()
    }

    /// The bounds of the figure. Empty if they are the figure.
    fn range(&self) -> String {
        let bounds = self.progress.estimate.clone().unwrap_or_default();
        match (bounds.low, bounds.high) {
            (Some(low), Some(high)) if self.value(Some(low)) != self.value(Some(high)) => {
                estimate(&self.standing.unit, Some(&Estimate { value: None, ..bounds }))
            }
            _ => String::new(),
        }
    }
}

/// What a pace leads to, as a word for programs: `met`, `towards` or `moving-away`. Empty without a pace.
fn course(progress: &TargetProgress, pace: Option<f64>, years: Option<f64>) -> &'static str {
    let is_met = progress.distance.is_some_and(|distance| distance <= 0.0);
    match (pace, is_met, years) {
        (None, ..) => "",
        (Some(_), true, _) => "met",
        (Some(_), false, Some(_)) => "towards",
        (Some(_), false, None) => "moving-away",
    }
}

/// Whether a target is met, in a word for tables. `?`: not confirmed.
pub(crate) fn verdict_mark(verdict: TargetVerdict) -> &'static str {
    match verdict {
        TargetVerdict::Met => "met",
        TargetVerdict::MetNotConfirmed => "met?",
        TargetVerdict::MissedNotConfirmed => "missed?",
        TargetVerdict::Missed => "missed",
        TargetVerdict::Unknown | TargetVerdict::Unspecified => "unknown",
    }
}

fn since_record(since: &Progress) -> Record {
    let number = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
    Record {
        text: format!("{} {} {}", since.period, number(since.value), number(since.made)),
        fields: vec![
            ("period", Cell::text(&since.period)),
            ("value", Cell::Number(since.value)),
            ("change", Cell::Number(since.change)),
            ("made", Cell::Number(since.made)),
        ],
    }
}

fn subject_columns<'a>() -> Vec<Column<TargetBasis<'a>>> {
    vec![
        column("target", |row: &TargetBasis<'_>| row.target(|target| &target.id)),
        column("title", |row: &TargetBasis<'_>| row.target(|target| &target.title)),
        column("consumer", |row: &TargetBasis<'_>| row.target(|target| &target.consumer)),
        column("material", |row: &TargetBasis<'_>| row.target(|target| &target.material)),
        column("stage", |row: &TargetBasis<'_>| row.target(|target| &target.stage)),
        column("supplier", |row: &TargetBasis<'_>| Cell::text(&row.progress.supplier)),
        column("measure", |row: &TargetBasis<'_>| row.target(|target| &target.measure)),
        column("by", |row: &TargetBasis<'_>| Cell::text(by_word(row.progress.by()))).shown("basis", Left),
        column("period", |row: &TargetBasis<'_>| Cell::text(&row.progress.period)).shown("period", Left),
    ]
}

fn figure_columns<'a>() -> Vec<Column<TargetBasis<'a>>> {
    vec![
        column("value", |row: &TargetBasis<'_>| row.number(|estimate| estimate.value)).shown_as(
            "figure",
            Right,
            TargetBasis::figure,
        ),
        column("low", |row: &TargetBasis<'_>| row.number(|estimate| estimate.low))
            .shown_as("bounds", Right, TargetBasis::range)
            .unless_empty()
            .if_room(2),
        column("high", |row: &TargetBasis<'_>| row.number(|estimate| estimate.high)),
        column("unit", |row: &TargetBasis<'_>| Cell::text(&row.standing.unit)),
        column("status", |row: &TargetBasis<'_>| {
            Cell::text(status_word(row.progress.estimate.as_ref().map(Estimate::status).unwrap_or_default()))
        }),
        column("reason", |row: &TargetBasis<'_>| {
            Cell::text(row.progress.estimate.as_ref().map(|one| one.reason.clone()).unwrap_or_default())
        }),
        column("line", |row: &TargetBasis<'_>| {
            Cell::Number(row.standing.target.as_ref().map(|target| target.line))
        }),
        column("at_most", |row: &TargetBasis<'_>| {
            Cell::Flag(row.standing.target.as_ref().is_some_and(|target| target.at_most))
        }),
        column("due", |row: &TargetBasis<'_>| row.target(|target| &target.due)),
        column("verdict", |row: &TargetBasis<'_>| {
            Cell::text(enum_word(row.progress.verdict().as_str_name(), "TARGET_VERDICT_"))
        })
        .shown_as("verdict", Left, |row: &TargetBasis<'_>| verdict_mark(row.progress.verdict()).to_owned()),
    ]
}

fn progress_columns<'a>() -> Vec<Column<TargetBasis<'a>>> {
    let signed = |row: &TargetBasis<'_>, value: Option<f64>| {
        value.map_or_else(|| "-".to_owned(), |value| difference_in(&row.standing.unit, value))
    };
    vec![
        column("distance", |row: &TargetBasis<'_>| Cell::Number(row.progress.distance)).shown_as(
            "distance",
            Right,
            move |row: &TargetBasis<'_>| signed(row, row.progress.distance),
        ),
        column("path", |row: &TargetBasis<'_>| Cell::Number(row.progress.path))
            .shown_as("path", Right, |row: &TargetBasis<'_>| row.value(row.progress.path))
            .if_room(1),
        column("path_from", |row: &TargetBasis<'_>| Cell::text(&row.progress.path_from)),
        column("needed", |row: &TargetBasis<'_>| Cell::Number(row.progress.needed)).shown_as(
            "needed a year",
            Right,
            move |row: &TargetBasis<'_>| signed(row, row.progress.needed),
        ),
        column("pace3", |row: &TargetBasis<'_>| Cell::Number(row.progress.pace3)),
        column("years3", |row: &TargetBasis<'_>| Cell::Number(row.progress.years3)),
        column("course3", |row: &TargetBasis<'_>| {
            Cell::text(course(row.progress, row.progress.pace3, row.progress.years3))
        }),
        column("pace5", |row: &TargetBasis<'_>| Cell::Number(row.progress.pace5)),
        column("years5", |row: &TargetBasis<'_>| Cell::Number(row.progress.years5)),
        column("course5", |row: &TargetBasis<'_>| {
            Cell::text(course(row.progress, row.progress.pace5, row.progress.years5))
        }),
        column("since", |row: &TargetBasis<'_>| {
            Cell::Records(row.progress.since.iter().map(since_record).collect())
        }),
    ]
}

fn source_columns<'a>() -> Vec<Column<TargetBasis<'a>>> {
    vec![
        column("announced_by", |row: &TargetBasis<'_>| row.target(|target| &target.announced_by)),
        column("announced", |row: &TargetBasis<'_>| row.target(|target| &target.announced)),
        column("in_force", |row: &TargetBasis<'_>| row.target(|target| &target.in_force)),
        column("kind", |row: &TargetBasis<'_>| row.word(kind_of_target)),
        column("confirmation", |row: &TargetBasis<'_>| row.word(confirmation)),
        column("source", |row: &TargetBasis<'_>| row.target(|target| &target.source)),
        column("url", |row: &TargetBasis<'_>| row.target(|target| &target.url)),
        column("release", |row: &TargetBasis<'_>| Cell::text(&row.standing.release)),
    ]
}

impl Row for TargetBasis<'_> {
    fn columns() -> Vec<Column<Self>> {
        let groups = [subject_columns(), figure_columns(), progress_columns(), source_columns()];
        groups.into_iter().flatten().collect()
    }
}

/// How binding a target is: `law`, `declaration` or `plan`.
pub(crate) fn kind_of_target(target: &TargetRow) -> String {
    enum_word(target.status().as_str_name(), "TARGET_STATUS_")
}

/// How well its source is known: `confirmed`, `reported` or `recalled`.
pub(crate) fn confirmation(target: &TargetRow) -> String {
    enum_word(target.confirmation().as_str_name(), "CONFIRMATION_")
}

/// A line of the table of progress: over the last years, or since a year.
#[derive(Debug)]
pub(crate) struct ProgressLine<'a> {
    basis: &'static str,
    over: String,
    unit: &'a str,
    then: f64,
    /// Change since then.
    change: f64,
    /// Number of years since then.
    years: f64,
    /// What the pace leads to, or empty.
    leads_to: String,
    /// Share of the way that has been made. `None`: there was no way to make.
    made: Option<f64>,
}

impl ProgressLine<'_> {
    /// The lines of a target on all its bases: the last three and five years, then each year that progress is
    /// measured since and that has a figure.
    pub(crate) fn all(standing: &TargetStanding) -> Vec<ProgressLine<'_>> {
        let lines = standing.progress.iter().flat_map(|progress| {
            let recent = [(3.0, progress.pace3, progress.years3), (5.0, progress.pace5, progress.years5)];
            let recent = recent.into_iter().filter_map(move |(years, pace, left)| {
                ProgressLine::over(standing, progress, years, (pace?, left))
            });
            recent.chain(
                progress.since.iter().filter_map(move |since| ProgressLine::since(standing, progress, since)),
            )
        });
        lines.collect()
    }

    fn over<'a>(
        standing: &'a TargetStanding,
        progress: &TargetProgress,
        years: f64,
        (pace, left): (f64, Option<f64>),
    ) -> Option<ProgressLine<'a>> {
        let now = progress.estimate.as_ref()?.value?;
        let leads_to = match (course(progress, Some(pace), left), left) {
            ("towards", Some(left)) => value_in("years", round_to_tenth(left)),
            (course, _) => course.replace('-', " "),
        };
        let target = standing.target.as_ref()?;
        let line = orewatch_measures::TargetLine { at: target.line, at_most: target.at_most };
        let then = now - pace * years;
        Some(ProgressLine {
            basis: by_word(progress.by()),
            over: format!("{years:.0} years"),
            unit: &standing.unit,
            then,
            change: pace * years,
            years,
            leads_to,
            made: line.way_made(then, now),
        })
    }

    fn since<'a>(
        standing: &'a TargetStanding,
        progress: &TargetProgress,
        since: &Progress,
    ) -> Option<ProgressLine<'a>> {
        let year = |period: &str| period.get(..4).and_then(|year| year.parse::<f64>().ok());
        Some(ProgressLine {
            basis: by_word(progress.by()),
            over: format!("since {}", since.period),
            unit: &standing.unit,
            then: since.value?,
            change: since.change?,
            years: year(&progress.period)? - year(&since.period)?,
            leads_to: String::new(),
            made: since.made,
        })
    }

    fn a_year(&self) -> String {
        if self.years > 0.0 { difference_in(self.unit, self.change / self.years) } else { "-".to_owned() }
    }
}

/// Years with one decimal, so that an even number is written without any.
fn round_to_tenth(years: f64) -> f64 {
    (years * 10.0).round() / 10.0
}

impl Row for ProgressLine<'_> {
    fn columns() -> Vec<Column<Self>> {
        vec![
            only_shown("basis", Left, |line: &Self| line.basis.to_owned()),
            only_shown("progress", Left, |line: &Self| line.over.clone()),
            only_shown("from", Right, |line: &Self| value_in(line.unit, line.then)),
            only_shown("change", Right, |line: &Self| difference_in(line.unit, line.change)),
            only_shown("a year", Right, Self::a_year),
            only_shown("way made", Right, |line: &Self| {
                line.made.map_or_else(|| "was met".to_owned(), |made| format!("{:.0} %", made * 100.0))
            }),
            only_shown("at that pace", Left, |line: &Self| line.leads_to.clone()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::common::v1::{By, Status};

    use super::*;

    /// The G7's imports of rare earths from China in 2024 by quantity: 67.7 %, up two points a year since
    /// 2021 and down 0.7 a year since 2019.
    fn standing() -> TargetStanding {
        let estimate = Estimate {
            value: Some(0.677),
            low: Some(0.677),
            high: Some(0.677),
            status: Status::Known.into(),
            ..Estimate::default()
        };
        let since = |period: &str, value: f64, made| Progress {
            period: period.to_owned(),
            value: Some(value),
            change: Some(0.677 - value),
            made,
        };
        let progress = TargetProgress {
            by: By::Quantity.into(),
            supplier: "CHN".to_owned(),
            period: "2024".to_owned(),
            estimate: Some(estimate),
            verdict: TargetVerdict::Missed.into(),
            distance: Some(0.077),
            pace3: Some(0.02),
            pace5: Some(-0.007),
            years5: Some(11.0),
            since: vec![
                since("2007", 0.82, Some(0.65)),
                since("2023", 0.512, None),
                Progress { period: "1990".to_owned(), ..Progress::default() },
            ],
            ..TargetProgress::default()
        };
        let target = TargetRow { id: "g7".to_owned(), line: 0.6, at_most: true, ..TargetRow::default() };
        TargetStanding {
            target: Some(target),
            progress: vec![progress],
            unit: "share".to_owned(),
            ..TargetStanding::default()
        }
    }

    #[test]
    fn progress_is_told_over_years_and_since_years_with_a_figure() {
        let standing = standing();
        let lines = ProgressLine::all(&standing);
        let columns = ProgressLine::columns();
        let texts: Vec<Vec<String>> =
            lines.iter().map(|line| columns.iter().map(|column| column.cell_text(line)).collect()).collect();
        assert_eq!(
            texts,
            [
                ["quantity", "3 years", "61.7 %", "+6.0 pp", "+2.0 pp", "-353 %", "moving away"],
                ["quantity", "5 years", "71.2 %", "-3.5 pp", "-0.7 pp", "31 %", "11 years"],
                ["quantity", "since 2007", "82.0 %", "-14.3 pp", "-0.8 pp", "65 %", ""],
                ["quantity", "since 2023", "51.2 %", "+16.5 pp", "+16.5 pp", "was met", ""],
            ]
        );
    }

    #[test]
    fn a_course_says_what_a_pace_leads_to() {
        let standing = standing();
        let progress = &standing.progress[0];
        assert_eq!(course(progress, progress.pace3, progress.years3), "moving-away");
        assert_eq!(course(progress, progress.pace5, progress.years5), "towards");
        assert_eq!(course(progress, None, None), "");
        let met = TargetProgress { distance: Some(-0.1), ..progress.clone() };
        assert_eq!(course(&met, met.pace3, None), "met");
    }
}
