//! Outlooks: figures that another program computed, and what holds of every outlook.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed assumption fails the test"
)]

use orewatch_foresight::{
    BANDS, Baseline, ConsumerClass, ErrorPool, NoOutlook, OutlookQuestion, ProbabilityWord, ReferenceFigure,
    YearlySeries, first_even_year, probability_text, reference_series,
};
use orewatch_measures::TargetLine;
use proptest::prelude::*;

const G7_2030: TargetLine = TargetLine { at: 0.6, at_most: true };

fn series() -> Vec<YearlySeries> {
    reference_series(ReferenceFigure::ChinaShare).unwrap()
}

fn find<'a>(series: &'a [YearlySeries], goods: &str, consumer: &str) -> &'a YearlySeries {
    series.iter().find(|series| series.goods() == goods && series.consumer() == consumer).unwrap()
}

fn question<'a>(series: &'a [YearlySeries], subject: &'a YearlySeries) -> OutlookQuestion<'a> {
    OutlookQuestion {
        subject,
        series,
        origin: 2024,
        until: 2030,
        target: G7_2030,
        baseline: Baseline::Shrink,
    }
}

/// Probability, 10, 50 and 90 % quantiles in 2030 and the share that never meets the target, for the G7's
/// imports of rare earths from China by quantity, computed with numpy on the same table.
#[test]
fn the_goal_of_the_g7_depends_on_the_past_that_counts_as_alike() {
    let all = series();
    let subject = find(&all, "rare earths", "G7");
    let outlooks = question(&all, subject).over_pools().unwrap();
    let expected = [
        (ErrorPool::All, 0.306_533, [0.382_81, 0.655_55, 0.939_073], 0.530_692),
        (ErrorPool::Centred, 0.311_558, [0.379_351, 0.652_091, 0.935_614], 0.525_112),
        (ErrorPool::SameLevel, 0.567_839, [0.126_189, 0.553_19, 0.848_389], 0.195_426),
        (ErrorPool::SameClass, 0.361_809, [0.438_626, 0.646_132, 0.874_263], 0.476_190),
    ];
    for (outlook, (pool, probability, quantiles, never)) in outlooks.iter().zip(expected) {
        assert_eq!((outlook.pool, outlook.years.len()), (pool, 6));
        let year = outlook.years.last().unwrap();
        assert_eq!(year.year, 2030);
        assert!((year.probability - probability).abs() < 1e-5, "{pool}: {}", year.probability);
        let ours = [100, 500, 900].map(|at| year.distribution.quantile(at, 1000));
        let is_near = ours.iter().zip(quantiles).all(|(ours, theirs)| (ours - theirs).abs() < 1e-5);
        assert!(is_near, "{pool}: {ours:?}");
        assert!((outlook.never.unwrap() - never).abs() < 1e-5, "{pool}: {:?}", outlook.never);
    }
    let shown = |outlook: &orewatch_foresight::Outlook| outlook.years.last().unwrap().shown_probability();
    // 5,376 changes over six years are worth 896 draws: steps of 5 %.
    assert_eq!(outlooks.iter().map(shown).collect::<Vec<_>>(), ["30 %", "30 %", "55 %", "35 %"]);
    let words: Vec<_> = outlooks.iter().map(|outlook| outlook.years.last().unwrap().likelihood()).collect();
    assert_eq!(words[0], ProbabilityWord::Unlikely);
    assert_eq!(words[2], ProbabilityWord::AsLikelyAsNot);
    assert_eq!(first_even_year(&outlooks[0].years), None);
    assert_eq!(first_even_year(&outlooks[2].years), Some(2028));
}

/// Of the series of blocs between 60 and 75 %, 37 of 80 were at most at 60 % six years later.
#[test]
fn like_cases_give_a_base_rate() {
    let all = series();
    let question = question(&all, find(&all, "rare earths", "G7"));
    let blocs = question.base_rate(Some(ConsumerClass::Bloc), 0.6..=0.75, 2030);
    assert_eq!((blocs.cases, blocs.met), (80, 37));
    let everybody = question.base_rate(None, 0.6..=0.75, 2030);
    assert_eq!((everybody.cases, everybody.met), (359, 188));
    let nobody = question.base_rate(None, 2.0..=3.0, 2030);
    assert_eq!((nobody.cases, nobody.share()), (0, None));
}

#[test]
fn what_cannot_be_answered_says_why() {
    let all = series();
    let subject = find(&all, "rare earths", "G7");
    let ask = |origin, until, series: &[YearlySeries]| {
        OutlookQuestion { origin, until, series, ..question(&all, subject) }
            .outlook(ErrorPool::All)
            .unwrap_err()
    };
    assert_eq!(ask(2024, 2024, &all), NoOutlook::Years { origin: 2024, until: 2024 });
    assert_eq!(ask(2024, 2090, &all), NoOutlook::Years { origin: 2024, until: 2090 });
    assert!(matches!(ask(2030, 2032, &all), NoOutlook::History(_)), "it has no figure of 2030");
    assert!(matches!(ask(1997, 1999, &all), NoOutlook::History(_)), "three years are too few");
    let few = NoOutlook::FewErrors { pool: ErrorPool::All, ahead: 1 };
    assert_eq!(
        ask(2024, 2030, std::slice::from_ref(subject)),
        few,
        "one series of 30 years gives 29 changes"
    );
    assert!(few.to_string().contains("ask for fewer years"));
}

#[test]
fn a_probability_has_one_word() {
    let words = [
        (0.0, "exceptionally unlikely"),
        (0.05, "very unlikely"),
        (0.2, "unlikely"),
        (0.5, "about as likely as not"),
        (0.66, "about as likely as not"),
        (0.67, "likely"),
        (0.95, "very likely"),
        (1.0, "virtually certain"),
    ];
    for (probability, word) in words {
        assert_eq!(ProbabilityWord::from_probability(probability).to_string(), word, "{probability}");
    }
    assert_eq!(probability_text(0.0, 1e6), "under 1 %");
    assert_eq!(probability_text(0.5, 999.0), "50 %");
    assert_eq!(probability_text(0.99, 10.0), "over 95 %");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// What comes after the origin changes nothing.
    #[test]
    fn nothing_after_the_origin_is_read(
        origin in 2005_i16..2020,
        future in prop::collection::vec(0.0..=1.0, 30),
        place in 0_usize..224,
    ) {
        let known = series();
        let other = |series: &YearlySeries| {
            let values = (1995_i16..=2024).zip(series.values()).zip(&future);
            let values = values.map(|((year, value), other)| if year > origin { *other } else { *value });
            YearlySeries::new(series.goods(), series.consumer(), 1995, values.collect()).unwrap()
        };
        let changed: Vec<YearlySeries> = known.iter().map(other).collect();
        let ask = |series: &[YearlySeries]| {
            let question = OutlookQuestion { origin, until: origin + 4, ..question(series, &series[place]) };
            let rate = question.base_rate(None, 0.0..=1.0, origin + 4);
            (ErrorPool::ALL.map(|pool| question.outlook(pool)), rate)
        };
        prop_assert_eq!(ask(&known), ask(&changed));
    }

    #[test]
    fn every_outlook_is_a_distribution_of_shares(place in 0_usize..224, line in 0.0..=1.0) {
        let all = series();
        let target = TargetLine { at: line, at_most: true };
        let question = OutlookQuestion { target, ..question(&all, &all[place]) };
        for outlook in question.over_pools().unwrap() {
            for year in &outlook.years {
                prop_assert!((0.0..=1.0).contains(&year.probability));
                prop_assert!(year.distribution.values().iter().all(|value| (0.0..=1.0).contains(value)));
                let [half, most, nearly_all] = year.bands();
                prop_assert!(nearly_all[0] <= most[0] && most[0] <= half[0] && half[1] <= most[1]);
                prop_assert!(most[1] <= nearly_all[1] && BANDS[2].percent == 95);
            }
        }
        // A target the other way round is met where this one is missed, except on the line itself.
        let other = OutlookQuestion { target: TargetLine { at: line, at_most: false }, ..question };
        let both = [question, other].map(|question| question.outlook(ErrorPool::All).unwrap());
        for (a, b) in both[0].years.iter().zip(&both[1].years) {
            prop_assert!(a.probability + b.probability >= 1.0 - 1e-9);
        }
    }
}
