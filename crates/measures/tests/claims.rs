//! Claims beside figures: what agrees, what differs, and what nobody can tell.
#![allow(missing_docs, reason = "tests speak through their names")]

use orewatch_measures::{Agreement, ClaimReading, ClaimVerdict, ClaimedRange, Estimate, Status};
use proptest::prelude::*;

fn range(low: f64, high: f64, tolerance: f64) -> ClaimedRange {
    ClaimedRange { low, high, tolerance }
}

fn band(value: Option<f64>, low: Option<f64>, high: Option<f64>) -> Estimate {
    Estimate { value, low, high, coverage: None, status: Status::Partial, reason: "" }
}

fn known(figures: &[f64]) -> Vec<Estimate> {
    figures.iter().copied().map(Estimate::known).collect()
}

/// China's shares of refining: copper, lithium, cobalt, graphite, rare earths (IEA Critical Minerals Dataset,
/// May 2025, CC BY 4.0).
const IN_2024: [f64; 5] = [0.4402, 0.7023, 0.7841, 0.9571, 0.9128];
const IN_2030: [f64; 5] = [0.466, 0.616, 0.774, 0.8706, 0.760];

#[test]
fn forty_seven_to_eighty_seven_percent_is_the_case_for_2030() {
    let claim = range(0.47, 0.87, 0.005);
    assert_eq!(claim.compare(&known(&IN_2024)), Some(Agreement::Differs));
    assert_eq!(claim.compare(&known(&IN_2030)), Some(Agreement::Confirmed));
    let reading =
        |is_open, figures: &[f64]| ClaimReading { is_open, agreement: claim.compare(&known(figures)) };
    let verdict = ClaimVerdict::from_readings(&[reading(true, &IN_2024), reading(false, &IN_2030)]);
    assert_eq!(verdict, ClaimVerdict::AgreesOnlyWith);
}

#[test]
fn with_one_material_the_figure_lies_in_the_range_and_with_several_its_ends_are_theirs() {
    let claim = range(0.4, 0.8, 0.0);
    assert_eq!(claim.compare(&known(&[0.6])), Some(Agreement::Confirmed));
    assert_eq!(claim.compare(&known(&[0.6, 0.7])), Some(Agreement::Differs), "0.4 to 0.8 is not 0.6 to 0.7");
    assert_eq!(claim.compare(&known(&[0.7, 0.4, 0.8])), Some(Agreement::Confirmed));
}

#[test]
fn the_tolerance_includes_its_own_edge() {
    let claim = range(0.6, 0.6, 0.05);
    assert_eq!(claim.compare(&known(&[0.65])), Some(Agreement::Confirmed));
    assert_eq!(claim.compare(&known(&[0.55])), Some(Agreement::Confirmed));
    assert_eq!(claim.compare(&known(&[0.6501])), Some(Agreement::Differs));
}

#[test]
fn bounds_decide_confirm_or_leave_open() {
    let at_most = range(0.0, 0.6, 0.0);
    let compare = |value, low, high| at_most.compare(&[band(value, low, high)]);
    assert_eq!(compare(Some(0.5), Some(0.4), Some(0.6)), Some(Agreement::Confirmed));
    assert_eq!(compare(Some(0.5), Some(0.4), Some(0.7)), Some(Agreement::NotConfirmed));
    assert_eq!(compare(Some(0.65), Some(0.5), Some(0.7)), Some(Agreement::Undecided));
    assert_eq!(compare(None, Some(0.5), Some(0.7)), Some(Agreement::Undecided));
    assert_eq!(compare(Some(0.65), Some(0.61), Some(0.7)), Some(Agreement::Differs));
    assert_eq!(compare(Some(0.5), Some(0.4), None), Some(Agreement::NotConfirmed), "no upper bound");
    assert_eq!(compare(None, None, None), None);
}

#[test]
fn a_material_without_a_figure_may_be_anything_but_cannot_mend_a_range() {
    let claim = range(0.47, 0.87, 0.005);
    let missing = Estimate::missing(Status::Withheld, "withheld");
    let with_missing = |figures: &[f64]| [known(figures), vec![missing]].concat();
    assert_eq!(claim.compare(&with_missing(&[0.47, 0.87])), Some(Agreement::Undecided));
    assert_eq!(
        claim.compare(&with_missing(&[0.44, 0.87])),
        Some(Agreement::Differs),
        "the least is below 0.47"
    );
    assert_eq!(claim.compare(&with_missing(&[0.6])), Some(Agreement::Undecided));
}

#[test]
fn the_verdict_depends_on_what_the_claim_leaves_open() {
    use Agreement::{Confirmed, Differs, NotConfirmed, Undecided};
    let verdict = |open: &[Option<Agreement>], others: &[Option<Agreement>]| {
        let reading =
            |is_open| move |agreement: &Option<Agreement>| ClaimReading { is_open, agreement: *agreement };
        let readings: Vec<_> =
            open.iter().map(reading(true)).chain(others.iter().map(reading(false))).collect();
        ClaimVerdict::from_readings(&readings)
    };
    assert_eq!(verdict(&[Some(Confirmed)], &[Some(Differs)]), ClaimVerdict::Agrees);
    assert_eq!(verdict(&[Some(NotConfirmed), Some(Undecided)], &[]), ClaimVerdict::Agrees);
    assert_eq!(verdict(&[Some(Confirmed), Some(Differs)], &[]), ClaimVerdict::AgreesOnlyWith, "either basis");
    assert_eq!(verdict(&[Some(Differs)], &[Some(Confirmed)]), ClaimVerdict::AgreesOnlyWith);
    assert_eq!(verdict(&[None], &[Some(NotConfirmed)]), ClaimVerdict::AgreesOnlyWith, "another year");
    assert_eq!(verdict(&[Some(Differs), None], &[Some(Differs)]), ClaimVerdict::Contradicted);
    assert_eq!(verdict(&[Some(Differs), Some(Undecided)], &[]), ClaimVerdict::CannotBeChecked);
    assert_eq!(
        verdict(&[None], &[Some(Differs)]),
        ClaimVerdict::CannotBeChecked,
        "nothing of what it states"
    );
    assert_eq!(verdict(&[], &[]), ClaimVerdict::CannotBeChecked);
}

fn figure() -> impl Strategy<Value = Estimate> {
    let ends = (0.0..1.0_f64, 0.0..1.0_f64, 0.0..1.0_f64, any::<[bool; 3]>());
    ends.prop_map(|(a, b, c, has)| {
        let mut all = [a, b, c];
        all.sort_by(f64::total_cmp);
        let [low, value, high] = all;
        let given = |has: bool, figure: f64| has.then_some(figure);
        let [has_low, has_value, has_high] = has;
        band(given(has_value, value), given(has_low, low), given(has_high, high))
    })
}

fn figures() -> impl Strategy<Value = Vec<Estimate>> {
    prop::collection::vec(figure(), 1..5)
}

fn claimed() -> impl Strategy<Value = ClaimedRange> {
    (0.0..1.0_f64, 0.0..1.0_f64, 0.0..0.2_f64)
        .prop_map(|(a, b, tolerance)| range(a.min(b), a.max(b), tolerance))
}

fn readings(claim: &ClaimedRange, all: &[(bool, Vec<Estimate>)]) -> Vec<ClaimReading> {
    let reading = |(is_open, figures): &(bool, Vec<Estimate>)| ClaimReading {
        is_open: *is_open,
        agreement: claim.compare(figures),
    };
    all.iter().map(reading).collect()
}

proptest! {
    /// A wider tolerance only adds agreement: what agrees is never contradicted by it.
    #[test]
    fn a_wider_tolerance_never_contradicts_what_agrees(
        claim in claimed(),
        wider in 0.0..0.5_f64,
        all in prop::collection::vec((any::<bool>(), figures()), 0..6),
    ) {
        let wide = ClaimedRange { tolerance: claim.tolerance + wider, ..claim };
        for (_, figures) in &all {
            prop_assert!(wide.compare(figures) >= claim.compare(figures));
        }
        let before = ClaimVerdict::from_readings(&readings(&claim, &all));
        let after = ClaimVerdict::from_readings(&readings(&wide, &all));
        match before {
            ClaimVerdict::Agrees => prop_assert_eq!(after, ClaimVerdict::Agrees),
            ClaimVerdict::AgreesOnlyWith => {
                prop_assert!(matches!(after, ClaimVerdict::Agrees | ClaimVerdict::AgreesOnlyWith));
            }
            ClaimVerdict::CannotBeChecked => prop_assert_ne!(after, ClaimVerdict::Contradicted),
            ClaimVerdict::Contradicted => {}
        }
    }

    /// Knowing less, wider bounds, never turns agreement into a difference or a difference into agreement.
    #[test]
    fn wider_bounds_never_decide_more(claim in claimed(), figures in figures(), wider in 0.0..0.5_f64) {
        let widen = |figure: &Estimate| Estimate {
            low: figure.low.map(|low| low - wider),
            high: figure.high.map(|high| high + wider),
            ..*figure
        };
        let widened: Vec<_> = figures.iter().map(widen).collect();
        let (before, after) = (claim.compare(&figures), claim.compare(&widened));
        prop_assert_eq!(before.is_none(), after.is_none());
        if let (Some(before), Some(after)) = (before, after) {
            match before {
                Agreement::Differs => prop_assert!(!after.agrees()),
                Agreement::Undecided => prop_assert_eq!(after, Agreement::Undecided),
                Agreement::NotConfirmed => prop_assert_eq!(after, Agreement::NotConfirmed),
                Agreement::Confirmed => prop_assert!(after != Agreement::Differs),
            }
        }
    }

    /// The order of the materials does not matter.
    #[test]
    fn the_order_of_materials_does_not_matter(claim in claimed(), figures in figures()) {
        let reversed: Vec<_> = figures.iter().rev().copied().collect();
        prop_assert_eq!(claim.compare(&figures), claim.compare(&reversed));
    }

    /// A claim of exactly the figures agrees with them.
    #[test]
    fn figures_agree_with_their_own_range(shares in prop::collection::vec(0.0..1.0_f64, 1..6)) {
        let least = shares.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let claim = range(least, greatest, 0.0);
        prop_assert_eq!(claim.compare(&known(&shares)), Some(Agreement::Confirmed));
    }
}
