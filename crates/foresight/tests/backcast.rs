//! Backcasts: the scores of the reference series, computed in another language too, and what holds of every
//! score.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed assumption fails the test"
)]

use std::collections::BTreeMap;

use orewatch_foresight::{
    Backcast, BackcastCase, Baseline, CaseScore, Distribution, ErrorPool, Loss, MIN_HISTORY, ReferenceFigure,
    Scores, TooShort, YearlySeries, calibration, calibration_error, compare_with_no_change, holm, rank_pools,
    reference_series,
};
use proptest::prelude::*;

const SCORES: &str = include_str!("../data/scores.csv");

fn backcast(series: &[YearlySeries], line: f64) -> Backcast<'_> {
    Backcast { series, origins: 2009..=2023, horizon: 6, line, pool: ErrorPool::All }
}

fn line(figure: ReferenceFigure) -> f64 {
    if figure == ReferenceFigure::Hhi { 0.4 } else { 0.65 }
}

/// Scores by baseline and years ahead.
fn by_model(cases: &[BackcastCase]) -> BTreeMap<(Baseline, usize), Scores> {
    let mut groups = BTreeMap::<_, Vec<CaseScore>>::new();
    for case in cases {
        groups.entry((case.baseline, case.ahead)).or_default().push(case.score);
    }
    groups.into_iter().map(|(key, cases)| (key, Scores::from_cases(&cases).unwrap())).collect()
}

/// The rows of the published scores for a figure and a choice of origins.
fn published(figure: ReferenceFigure, origins: &str) -> Vec<(Baseline, usize, Vec<f64>)> {
    let rows = SCORES.lines().filter(|row| !row.starts_with('#')).skip(1);
    let rows = rows.map(|row| row.split(',').collect::<Vec<_>>());
    let rows = rows.filter(|row| row[0] == figure.as_str() && row[1] == origins);
    rows.map(|row| {
        let numbers = row[4..].iter().map(|number| number.parse().unwrap()).collect();
        (row[2].parse().unwrap(), row[3].parse().unwrap(), numbers)
    })
    .collect()
}

fn assert_reproduced(figure: ReferenceFigure, origins: &str, ours: &BTreeMap<(Baseline, usize), Scores>) {
    let rows = published(figure, origins);
    assert!(rows.len() >= Baseline::ALL.len(), "{origins}: the scores were not found");
    for (baseline, ahead, row) in rows {
        let scores = ours[&(baseline, ahead)];
        let [cases, mae, crps, brier, covered, switched] = *row.as_slice() else { panic!("six scores") };
        let name = format!("{}, {origins}, {baseline}, {ahead} years", figure.as_str());
        assert!((f64::from(u32::try_from(scores.cases).unwrap()) - cases).abs() < 0.5, "{name}: cases");
        // Points, and so the hundredth of one.
        assert!((100.0 * scores.mae - mae).abs() < 0.01, "{name}: MAE {} {mae}", 100.0 * scores.mae);
        assert!((100.0 * scores.crps - crps).abs() < 0.01, "{name}: CRPS {} {crps}", 100.0 * scores.crps);
        assert!((scores.brier - brier).abs() < 1e-4, "{name}: Brier {} {brier}", scores.brier);
        assert!((scores.coverage[1] - covered).abs() < 1e-3, "{name}: {:?} {covered}", scores.coverage);
        assert!((scores.switched - switched).abs() < 1e-4, "{name}: {} {switched}", scores.switched);
    }
}

#[test]
fn scores_agree_with_those_of_another_program_to_a_hundredth_of_a_point() {
    for figure in ReferenceFigure::ALL {
        let series = reference_series(figure).unwrap();
        assert_eq!(series.len(), if figure == ReferenceFigure::ChinaShare { 224 } else { 404 });
        assert!(series.iter().all(|series| series.last_year() == 2024));
        let cases = backcast(&series, line(figure)).run(&Baseline::ALL);
        assert_reproduced(figure, "2009-2023", &by_model(&cases));
        let one: Vec<_> = cases.into_iter().filter(|case| case.origin == 2018 && case.ahead == 6).collect();
        assert_reproduced(figure, "2018", &by_model(&one));
    }
}

#[test]
fn only_shrinking_beats_no_change_and_a_straight_line_is_worse() {
    let series = reference_series(ReferenceFigure::TopShare).unwrap();
    let cases = backcast(&series, 0.65).run(&Baseline::ALL);
    for ahead in [1, 3, 6] {
        let compared = compare_with_no_change(&series, &cases, ahead, Loss::Crps, 1);
        let of = |baseline| *compared.iter().find(|entry| entry.baseline == baseline).unwrap();
        assert!(of(Baseline::Shrink).beats_no_change(), "{ahead}: {:?}", of(Baseline::Shrink));
        for worse in [Baseline::Drift, Baseline::StraightLine] {
            let [low, _] = of(worse).interval;
            assert!(of(worse).difference > 0.0 && low > 0.0, "{ahead}: {:?}", of(worse));
        }
    }
    let again = compare_with_no_change(&series, &cases, 6, Loss::Absolute, 1);
    assert_eq!(again, compare_with_no_change(&series, &cases, 6, Loss::Absolute, 1), "the seed decides");
    assert_ne!(again, compare_with_no_change(&series, &cases, 6, Loss::Absolute, 2));
}

#[test]
fn bands_cover_what_they_promise_six_years_ahead() {
    let series = reference_series(ReferenceFigure::ChinaShare).unwrap();
    let cases = backcast(&series, 0.65).run(&[Baseline::Shrink]);
    let scores = by_model(&cases)[&(Baseline::Shrink, 6)];
    let [half, most, nearly_all] = scores.coverage;
    assert!((0.45..0.65).contains(&half) && (0.76..0.84).contains(&most), "{:?}", scores.coverage);
    assert!((0.90..0.98).contains(&nearly_all), "{:?}", scores.coverage);
    assert!((scores.histogram.iter().sum::<f64>() - 1.0).abs() < 1e-9);
}

/// Which past counts as alike decides whether probabilities can be believed. With all errors, figures that
/// were said to stay above the line in 85 of 100 cases did so in 56.
#[test]
fn errors_from_the_same_level_are_better_and_calibrated() {
    for figure in ReferenceFigure::ALL {
        let series = reference_series(figure).unwrap();
        let [all, alike] = [ErrorPool::All, ErrorPool::SameLevel].map(|pool| {
            let cases = Backcast { pool, ..backcast(&series, line(figure)) }.run(&[Baseline::Shrink]);
            let last = cases.iter().filter(|case| case.ahead == 6).map(|case| case.score);
            let last: Vec<CaseScore> = last.collect();
            let error = calibration_error(&calibration(&last)).unwrap();
            (Scores::from_cases(&last).unwrap(), error)
        });
        assert!(alike.0.crps < all.0.crps && alike.0.brier < all.0.brier, "{all:?} {alike:?}");
        assert!(alike.1 < 0.04 && all.1 > 0.05, "{}: {} {}", figure.as_str(), alike.1, all.1);
    }
    assert_eq!(calibration_error(&calibration(&[])), None);
}

/// The pool is a choice that is scored on the past alone.
#[test]
fn pools_are_ranked_by_the_past_only() {
    let series = reference_series(ReferenceFigure::ChinaShare).unwrap();
    let until = |year: i16| -> Vec<YearlySeries> {
        let cut = |series: &YearlySeries| {
            YearlySeries::new(series.goods(), series.consumer(), 1995, series.up_to(year).to_vec()).unwrap()
        };
        series.iter().map(cut).collect()
    };
    let ranked = rank_pools(&series, Baseline::Shrink, 2010, 2018, 4);
    assert_eq!(ranked, rank_pools(&until(2018), Baseline::Shrink, 2010, 2018, 4));
    assert_eq!(ranked.len(), ErrorPool::ALL.len());
    assert!(ranked.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{ranked:?}");
    assert_eq!(ranked[0].0, ErrorPool::BEST_SCORED, "{ranked:?}");
}

#[test]
fn a_short_history_gives_no_forecast() {
    for baseline in Baseline::ALL {
        assert_eq!(baseline.forecast(&[0.5; 4], 3), Err(TooShort { years: 4 }));
        assert_eq!(baseline.forecast(&[0.5; MIN_HISTORY], 2), Ok(vec![0.5, 0.5]));
        assert_eq!(baseline.as_str().parse(), Ok(baseline));
    }
    assert!("arima".parse::<Baseline>().unwrap_err().to_string().contains("write no-change"));
}

#[test]
fn values_that_are_no_shares_are_refused_with_their_year() {
    let percent = YearlySeries::new("rare earths", "G7", 2020, vec![0.5, 67.7]).unwrap_err();
    assert!(percent.to_string().contains("67.7 in 2021"), "{percent}");
    assert!(YearlySeries::new("rare earths", "G7", 2020, vec![]).is_err());
    assert!(YearlySeries::new("rare earths", "G7", 2099, vec![0.5; 3]).is_err());
    assert!(YearlySeries::new("rare earths", "G7", i16::MAX, vec![0.5; 3]).is_err());
    assert!(YearlySeries::new("rare earths", "G7", 2020, vec![f64::NAN]).is_err());
}

/// The values of another program for one small sample (the package scoringrules).
#[test]
fn scores_of_a_sample_are_those_of_another_program() {
    let sample = Distribution::new(vec![0.512, 0.95, 0.144, 0.949, 0.312, 0.423, 0.828]).unwrap();
    assert!((sample.crps(0.4) - 0.119_346_938_775_510_2).abs() < 1e-12);
    assert!((sample.pinball(100, 0.4) - 0.015_52).abs() < 1e-9);
    assert!((sample.pinball(900, 0.4) - 0.054_94).abs() < 1e-9);
}

#[test]
fn probabilities_are_adjusted_for_their_number() {
    assert_eq!(holm(&[0.01, 0.04, 0.03]), vec![0.03, 0.06, 0.06]);
    assert_eq!(holm(&[0.9, 0.8]), vec![1.0, 1.0]);
    assert_eq!(holm(&[]), Vec::<f64>::new());
}

proptest! {
    #[test]
    fn forecasts_are_shares(history in prop::collection::vec(0.0..=1.0, 5..40), horizon in 1_usize..12) {
        for baseline in Baseline::ALL {
            let forecasts = baseline.forecast(&history, horizon).unwrap();
            prop_assert!(forecasts.len() == horizon && forecasts.iter().all(|f| (0.0..=1.0).contains(f)));
        }
    }

    #[test]
    fn a_score_is_least_where_the_forecast_is_right(
        values in prop::collection::vec(0.0..=1.0, 1..60),
        observed in 0.0..=1.0,
    ) {
        let sample = Distribution::new(values.clone()).unwrap();
        prop_assert!(sample.crps(observed) >= -1e-12);
        let certain = Distribution::new(vec![observed]).unwrap();
        prop_assert!(certain.crps(observed).abs() < 1e-12);
        // A single value scores its absolute error.
        let one = Distribution::new(vec![values[0]]).unwrap();
        prop_assert!((one.crps(observed) - (values[0] - observed).abs()).abs() < 1e-12);
        for thousandths in [100, 500, 900] {
            prop_assert!(sample.pinball(thousandths, observed) >= 0.0);
        }
    }

    #[test]
    fn quantiles_rise(values in prop::collection::vec(-1.0..=1.0, 1..60), at in 0_usize..1000) {
        let sample = Distribution::new(values).unwrap();
        prop_assert!(sample.quantile(at, 1000) <= sample.quantile(at + 1, 1000) + 1e-15);
        prop_assert!(sample.quantile(0, 1000) <= sample.median());
    }

    #[test]
    fn adjusted_probabilities_keep_their_order(p in prop::collection::vec(0.0..=1.0, 0..8)) {
        let adjusted = holm(&p);
        for (a, before) in adjusted.iter().zip(&p) {
            prop_assert!(a >= before && *a <= 1.0);
        }
        for (i, a) in p.iter().enumerate() {
            for (j, b) in p.iter().enumerate() {
                prop_assert!(a > b || adjusted[i] <= adjusted[j]);
            }
        }
    }
}
