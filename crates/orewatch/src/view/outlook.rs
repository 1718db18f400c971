//! Rows of outlooks, by pool and year, and of the scores of forecasts.
use orewatch_contracts::exposure::v1::{
    ForecastScores, GetOutlookResponse, OutlookBand, OutlookYear, PoolOutlook, ScoreForecastsResponse,
    Subject,
};

use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Row, column, difference_in, only_shown, percent, value_in};
use crate::words::{by_word, enum_word};

/// Width of a fan, in characters.
const FAN_WIDTH: u8 = 41;

/// The greatest index of concentration.
const GREATEST_HHI: f64 = 10_000.0;

/// A year of an outlook with one pool of errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutlookRow<'a> {
    /// The whole answer.
    pub(crate) answer: &'a GetOutlookResponse,
    /// The pool.
    pub(crate) pool: &'a PoolOutlook,
    /// The year.
    pub(crate) year: &'a OutlookYear,
}

/// The last year of an outlook with one pool, for the table of pools.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolRow<'a>(pub(crate) OutlookRow<'a>);

/// The scores of one baseline, some years ahead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScoresRow<'a> {
    /// The whole answer.
    pub(crate) answer: &'a ScoreForecastsResponse,
    /// The scores.
    pub(crate) scores: &'a ForecastScores,
}

/// A pool as a word.
pub(crate) fn pool_word(pool: &PoolOutlook) -> String {
    enum_word(pool.pool().as_str_name(), "ERROR_POOL_")
}

impl<'a> OutlookRow<'a> {
    /// All years of all pools.
    pub(crate) fn all(answer: &'a GetOutlookResponse) -> Vec<Self> {
        let of_pool = |pool: &'a PoolOutlook| pool.years.iter().map(move |year| Self { answer, pool, year });
        answer.outlooks.iter().flat_map(of_pool).collect()
    }

    /// The last year of each pool.
    pub(crate) fn last_years(answer: &'a GetOutlookResponse) -> Vec<Self> {
        let last = |pool: &'a PoolOutlook| Some(Self { answer, pool, year: pool.years.last()? });
        answer.outlooks.iter().filter_map(last).collect()
    }

    fn subject(&self, field: fn(&Subject) -> &String) -> Cell {
        Cell::text(self.answer.subject.as_ref().map(field).cloned().unwrap_or_default())
    }

    fn band(&self, percent: u32) -> Option<&OutlookBand> {
        self.year.bands.iter().find(|band| band.percent == percent)
    }

    fn end(&self, percent: u32, end: fn(&OutlookBand) -> f64) -> Cell {
        Cell::Number(self.band(percent).map(end))
    }

    fn value(&self, value: f64) -> String {
        value_in(&self.answer.unit, value)
    }

    fn band_text(&self, percent: u32) -> String {
        let text = |band: &OutlookBand| format!("{} to {}", self.value(band.low), self.value(band.high));
        self.band(percent).map(text).unwrap_or_default()
    }

    /// The distribution as a row of marks over the whole range of the figure: `·` the band of 95 %, `-` of
    /// 80 %, `=` of 50 %, `#` the median, `|` the threshold.
    fn fan(&self) -> String {
        let greatest = if self.answer.unit == "hhi" { GREATEST_HHI } else { 1.0 };
        let step = greatest / f64::from(FAN_WIDTH - 1);
        let is_near = |place: f64, value: f64| (place - value).abs() <= step / 2.0;
        let is_inside = |place: f64, percent: u32| {
            self.band(percent)
                .is_some_and(|band| band.low - step / 2.0 <= place && place <= band.high + step / 2.0)
        };
        let mark = |column: u8| match f64::from(column) * step {
            place if is_near(place, self.year.median) => '#',
            place if is_near(place, self.answer.line) => '|',
            place if is_inside(place, 50) => '=',
            place if is_inside(place, 80) => '-',
            place if is_inside(place, 95) => '·',
            _ => ' ',
        };
        let marks: String = (0..FAN_WIDTH).map(mark).collect();
        marks.trim_end().to_owned()
    }
}

fn subject_columns<'a>() -> Vec<Column<OutlookRow<'a>>> {
    vec![
        column("consumer", |row: &OutlookRow<'_>| row.subject(|subject| &subject.consumer)),
        column("material", |row: &OutlookRow<'_>| row.subject(|subject| &subject.material)),
        column("stage", |row: &OutlookRow<'_>| row.subject(|subject| &subject.stage)),
        column("supplier", |row: &OutlookRow<'_>| row.subject(|subject| &subject.supplier)),
        column("measure", |row: &OutlookRow<'_>| row.subject(|subject| &subject.measure)),
        column("by", |row: &OutlookRow<'_>| {
            Cell::text(row.answer.subject.as_ref().map_or("", |subject| by_word(subject.by())))
        }),
        column("unit", |row: &OutlookRow<'_>| Cell::text(&row.answer.unit)),
        column("line", |row: &OutlookRow<'_>| Cell::Number(Some(row.answer.line))),
        column("at_least", |row: &OutlookRow<'_>| Cell::Flag(row.answer.at_least)),
        column("baseline", |row: &OutlookRow<'_>| {
            Cell::text(enum_word(row.answer.baseline().as_str_name(), "BASELINE_"))
        }),
        column("origin", |row: &OutlookRow<'_>| {
            Cell::Count(row.answer.history.last().map(|last| last.year.into()))
        }),
        column("last", |row: &OutlookRow<'_>| Cell::Number(row.answer.history.last().map(|last| last.value))),
        column("pool", |row: &OutlookRow<'_>| Cell::text(pool_word(row.pool))),
        column("best_scored", |row: &OutlookRow<'_>| Cell::Flag(row.pool.best_scored)),
    ]
}

fn year_columns<'a>() -> Vec<Column<OutlookRow<'a>>> {
    vec![
        column("year", |row: &OutlookRow<'_>| Cell::count(row.year.year)).shown("year", Left),
        column("median", |row: &OutlookRow<'_>| Cell::Number(Some(row.year.median))).shown_as(
            "median",
            Right,
            |row: &OutlookRow<'_>| row.value(row.year.median),
        ),
        column("low50", |row: &OutlookRow<'_>| row.end(50, |band| band.low))
            .shown_as("50 %", Left, |row: &OutlookRow<'_>| row.band_text(50))
            .if_room(2),
        column("high50", |row: &OutlookRow<'_>| row.end(50, |band| band.high)),
        column("low80", |row: &OutlookRow<'_>| row.end(80, |band| band.low)).shown_as(
            "80 %",
            Left,
            |row: &OutlookRow<'_>| row.band_text(80),
        ),
        column("high80", |row: &OutlookRow<'_>| row.end(80, |band| band.high)),
        column("low95", |row: &OutlookRow<'_>| row.end(95, |band| band.low))
            .shown_as("95 %", Left, |row: &OutlookRow<'_>| row.band_text(95))
            .if_room(3),
        column("high95", |row: &OutlookRow<'_>| row.end(95, |band| band.high)),
        column("probability", |row: &OutlookRow<'_>| Cell::Number(Some(row.year.probability))),
        column("shown", |row: &OutlookRow<'_>| Cell::text(&row.year.shown)).shown("probability", Right),
        column("likelihood", |row: &OutlookRow<'_>| Cell::text(&row.year.likelihood)),
        column("independent_draws", |row: &OutlookRow<'_>| Cell::Number(Some(row.year.independent_draws))),
        only_shown("from nothing to all", Left, |row: &OutlookRow<'_>| row.fan()).if_room(1),
    ]
}

fn pool_columns<'a>() -> Vec<Column<OutlookRow<'a>>> {
    vec![
        column("never", |row: &OutlookRow<'_>| Cell::Number(row.pool.never)),
        column("first_even_year", |row: &OutlookRow<'_>| {
            Cell::Count(row.pool.first_even_year.map(u64::from))
        }),
        column("base_rate_cases", |row: &OutlookRow<'_>| {
            Cell::Count(row.answer.base_rate.as_ref().map(|rate| rate.cases.into()))
        }),
        column("base_rate_met", |row: &OutlookRow<'_>| {
            Cell::Count(row.answer.base_rate.as_ref().map(|rate| rate.met.into()))
        }),
    ]
}

impl Row for OutlookRow<'_> {
    fn columns() -> Vec<Column<Self>> {
        [subject_columns(), year_columns(), pool_columns()].into_iter().flatten().collect()
    }
}

impl Row for PoolRow<'_> {
    fn columns() -> Vec<Column<Self>> {
        let odds = |row: &Self| {
            row.0.pool.first_even_year.map_or_else(|| "none".to_owned(), |year| year.to_string())
        };
        vec![
            only_shown("errors of the past", Left, |row: &Self| {
                let best = if row.0.pool.best_scored { " (best scores)" } else { "" };
                format!("{}{best}", pool_word(row.0.pool))
            }),
            only_shown("median", Right, |row: &Self| row.0.value(row.0.year.median)),
            only_shown("80 %", Left, |row: &Self| row.0.band_text(80)),
            only_shown("probability", Right, |row: &Self| row.0.year.shown.clone()),
            only_shown("", Left, |row: &Self| row.0.year.likelihood.clone()),
            only_shown("even odds from", Left, odds).if_room(1),
            only_shown("never until then", Right, |row: &Self| {
                row.0.pool.never.map(percent).unwrap_or_default()
            })
            .if_room(2),
        ]
    }
}

/// A loss in the unit of the figures: points of a share, or a part of an index.
fn loss(row: &ScoresRow<'_>, loss: f64) -> String {
    difference_in(&row.answer.unit, loss).trim_start_matches('+').to_owned()
}

fn scores_columns<'a>() -> Vec<Column<ScoresRow<'a>>> {
    vec![
        column("ahead", |row: &ScoresRow<'_>| Cell::count(row.scores.ahead)).shown("years ahead", Right),
        column("baseline", |row: &ScoresRow<'_>| {
            Cell::text(enum_word(row.scores.baseline().as_str_name(), "BASELINE_"))
        })
        .shown("baseline", Left),
        column("cases", |row: &ScoresRow<'_>| Cell::count(row.scores.cases)).shown("cases", Right).if_room(3),
        column("mae", |row: &ScoresRow<'_>| Cell::Number(Some(row.scores.mae))).shown_as(
            "MAE",
            Right,
            |row: &ScoresRow<'_>| loss(row, row.scores.mae),
        ),
        column("crps", |row: &ScoresRow<'_>| Cell::Number(Some(row.scores.crps))).shown_as(
            "CRPS",
            Right,
            |row: &ScoresRow<'_>| loss(row, row.scores.crps),
        ),
        column("pinball10", |row: &ScoresRow<'_>| Cell::Number(row.scores.pinball.get(0).copied())),
        column("pinball50", |row: &ScoresRow<'_>| Cell::Number(row.scores.pinball.get(1).copied())),
        column("pinball90", |row: &ScoresRow<'_>| Cell::Number(row.scores.pinball.get(2).copied())),
        column("brier", |row: &ScoresRow<'_>| Cell::Number(Some(row.scores.brier))).shown_as(
            "Brier",
            Right,
            |row: &ScoresRow<'_>| format!("{:.4}", row.scores.brier),
        ),
        column("coverage50", |row: &ScoresRow<'_>| Cell::Number(row.scores.coverage.first().copied())),
        column("coverage80", |row: &ScoresRow<'_>| Cell::Number(row.scores.coverage.get(1).copied()))
            .shown_as("80 % covers", Right, |row: &ScoresRow<'_>| {
                row.scores.coverage.get(1).copied().map(percent).unwrap_or_default()
            }),
        column("coverage95", |row: &ScoresRow<'_>| Cell::Number(row.scores.coverage.get(2).copied())),
        column("switched", |row: &ScoresRow<'_>| Cell::Number(Some(row.scores.switched))),
        column("calibration_error", |row: &ScoresRow<'_>| Cell::Number(Some(row.scores.calibration_error)))
            .shown_as("off by", Right, |row: &ScoresRow<'_>| percent(row.scores.calibration_error))
            .if_room(2),
    ]
}

fn comparison_columns<'a>() -> Vec<Column<ScoresRow<'a>>> {
    let verdict = |row: &ScoresRow<'_>| match (row.scores.difference, row.scores.beats_no_change) {
        (None, _) => String::new(),
        (Some(_), true) => "yes".to_owned(),
        (Some(_), false) => "no".to_owned(),
    };
    vec![
        column("difference", |row: &ScoresRow<'_>| Cell::Number(row.scores.difference)),
        column("difference_low", |row: &ScoresRow<'_>| Cell::Number(row.scores.difference_low)),
        column("difference_high", |row: &ScoresRow<'_>| Cell::Number(row.scores.difference_high)),
        column("p", |row: &ScoresRow<'_>| Cell::Number(row.scores.p)),
        column("beats_no_change", |row: &ScoresRow<'_>| Cell::Flag(row.scores.beats_no_change)).shown_as(
            "beats no change",
            Left,
            verdict,
        ),
        column("unit", |row: &ScoresRow<'_>| Cell::text(&row.answer.unit)),
        column("line", |row: &ScoresRow<'_>| Cell::Number(Some(row.answer.line))),
        column("from", |row: &ScoresRow<'_>| Cell::count(row.answer.from)),
        column("until", |row: &ScoresRow<'_>| Cell::count(row.answer.until)),
        column("series", |row: &ScoresRow<'_>| Cell::count(row.answer.series)),
    ]
}

impl Row for ScoresRow<'_> {
    fn columns() -> Vec<Column<Self>> {
        [scores_columns(), comparison_columns()].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fan_shows_bands_median_and_threshold() {
        let band = |percent, low, high| OutlookBand { percent, low, high };
        let year = OutlookYear {
            median: 0.5,
            bands: vec![band(50, 0.4, 0.6), band(80, 0.3, 0.7), band(95, 0.2, 0.8)],
            ..OutlookYear::default()
        };
        let answer = GetOutlookResponse { unit: "share".to_owned(), line: 0.65, ..Default::default() };
        let pool = PoolOutlook::default();
        let row = OutlookRow { answer: &answer, pool: &pool, year: &year };
        assert_eq!(row.fan(), "        ····----====#====-|--····");
        assert_eq!(row.band_text(80), "30.0 % to 70.0 %");
    }
}
