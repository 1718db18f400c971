//! Chains worked out by hand, and what holds of every chain.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests speak through their names, and stop at what is wrong"
)]

use orewatch_measures::{Amount, Chain, Estimate, Lookthrough, Network, Route, Solver, Status, StopKind};
use proptest::prelude::*;

type Flows<'a> = &'a [(u32, u32, f64)];

fn known(output: &[(u32, f64)], flows: Flows<'_>) -> Lookthrough<u32> {
    let output = output.iter().map(|(key, amount)| (*key, Amount::known(*amount)));
    let flows = flows.iter().map(|(from, to, amount)| (*from, *to, Amount::known(*amount)));
    Network::new(output, Amount::NOTHING, flows).solve(&mut Solver::default())
}

fn assert_near(actual: Option<f64>, expected: f64) {
    assert!(actual.is_some_and(|actual| (actual - expected).abs() < 1e-12), "{actual:?} is not {expected}");
}

const MINED: &[bool] = &[true, false, false];
const REFINED: &[bool] = &[false, true, false];
const MADE: &[bool] = &[false, false, true];
const ANY: &[bool] = &[true, true, true];

/// 1 and 2 mine 60 and 40, all of which goes to the refiners 3 (1's 60 and 10 of 2) and 1 (30 of 2). They
/// refine half of it: 35 and 15. All of that goes to 4 and 5, who make 40 and 10; 5 buys all of 4's.
struct Case {
    mined: Lookthrough<u32>,
    refined: Lookthrough<u32>,
    made: Lookthrough<u32>,
}

fn case() -> Case {
    Case {
        mined: known(&[(1, 60.0), (2, 40.0)], &[(1, 3, 60.0), (2, 3, 10.0), (2, 1, 30.0)]),
        refined: known(&[(3, 35.0), (1, 15.0)], &[(3, 4, 30.0), (1, 4, 10.0), (3, 5, 5.0), (1, 5, 5.0)]),
        made: known(&[(4, 40.0), (5, 10.0)], &[(4, 5, 40.0)]),
    }
}

fn half(_: u32) -> Option<f64> {
    Some(0.5)
}

fn whole(_: u32) -> Option<f64> {
    Some(1.0)
}

impl Case {
    fn chain(&self) -> Chain<'_, u32> {
        Chain::new().with(&self.mined, &half).with(&self.refined, &half).with(&self.made, &whole)
    }
}

#[test]
fn the_origin_passes_through_every_stage() {
    let case = case();
    let chain = case.chain();
    // What 1 has is 1's own 60 and 2's 30, of which it sends 60 on: two thirds of all it has are its own.
    let mined3 = 60.0 / 70.0 * 2.0 / 3.0;
    let mined1 = 2.0 / 3.0;
    let made4 = 0.75 * mined3 + 0.25 * mined1;
    let made5 = 0.5 * mined3 + 0.5 * mined1;
    assert_near(chain.trace_supplier(1, MINED).share(&[5]).value, 0.8 * made4 + 0.2 * made5);
    let refined = 0.8 * 0.25 + 0.2 * 0.5;
    assert_near(chain.trace_supplier(1, REFINED).share(&[5]).value, refined);
    assert_near(chain.trace_supplier(4, MADE).share(&[5]).value, 0.8);
    // Refined in 1, or refined in 3 from what 1 mined.
    assert_near(chain.trace_supplier(1, ANY).share(&[5]).value, refined + (1.0 - refined) * mined3);
    assert_eq!(chain.trace_supplier(1, ANY).share(&[5]).status, Status::Known);
    assert_near(chain.trace_supplier(4, ANY).share(&[5]).value, 0.8);
    assert_eq!(
        chain.trace_supplier(1, ANY).share(&[4]).status,
        Status::NotApplicable,
        "4 sends away all it makes"
    );
}

#[test]
fn routes_add_up_to_the_share() {
    let case = case();
    let chain = case.chain();
    for counts in [MINED, REFINED, MADE, ANY] {
        let (routes, other) = chain.trace_supplier(1, counts).routes(&[5], 100).unwrap();
        let sum: f64 = routes.iter().map(|route| route.share).sum();
        assert_near(Some(sum + other), chain.trace_supplier(1, counts).share(&[5]).value.unwrap());
        assert!(routes.windows(2).all(|pair| pair[0].share >= pair[1].share));
        assert!(other < 1e-12, "no material circles here: {other}");
    }
    let (routes, other) = chain.trace_supplier(1, MINED).routes(&[5], 1).unwrap();
    let [Route { stops, share }] = &routes[..] else { panic!("one route was asked for") };
    let way: Vec<_> = stops.iter().map(|stop| (stop.economy, stop.kind)).collect();
    let made = |stage| StopKind::Made(stage);
    assert_eq!(way, [(1, made(0)), (3, made(1)), (4, made(2)), (5, StopKind::Used)]);
    assert_near(Some(*share), 0.8 * 0.75 * 60.0 / 70.0 * 2.0 / 3.0);
    assert!(other > 0.0);
}

#[test]
fn a_hub_on_a_route_is_named_as_one() {
    let network = known(&[(1, 10.0), (4, 4.0)], &[(1, 2, 10.0), (2, 3, 8.0), (3, 2, 4.0), (3, 4, 4.0)]);
    let chain = Chain::new().with(&network, &whole);
    let (routes, other) = chain.trace_supplier(1, &[true]).routes(&[4], 10).unwrap();
    let way: Vec<_> = routes[0].stops.iter().map(|stop| (stop.economy, stop.kind)).collect();
    assert_eq!(
        way,
        [(1, StopKind::Made(0)), (2, StopKind::Traded), (3, StopKind::Traded), (4, StopKind::Used)]
    );
    // 2 has 10 of 14 from 1 directly; the rest has been there before, through 3.
    assert_near(Some(routes[0].share), 0.5 * 10.0 / 14.0);
    assert!((routes[0].share + other - 0.5).abs() < 1e-12 && other > 0.1, "the circle is among the others");
}

#[test]
fn output_beyond_what_use_before_yields_is_of_unknown_origin() {
    let mined = known(&[(1, 10.0)], &[(1, 3, 10.0)]);
    let refined = known(&[(3, 20.0)], &[(3, 4, 20.0)]);
    let chain = Chain::new().with(&mined, &half).with(&refined, &half);
    // 20 refined took 40 of ore; 3 used 10.
    let share = chain.trace_supplier(1, &[true, false]).share(&[4]);
    assert_eq!((share.value, share.low, share.high), (Some(1.0), Some(0.25), Some(1.0)));
    assert_eq!(share.status, Status::Partial);
    let other = chain.trace_supplier(9, &[true, false]).share(&[4]);
    assert_eq!((other.value, other.low, other.high), (Some(0.0), Some(0.0), Some(0.75)));
}

#[test]
fn without_a_yield_nothing_is_checked_and_the_figure_says_so() {
    let mined = known(&[(1, 10.0)], &[(1, 3, 10.0)]);
    let refined = known(&[(3, 20.0)], &[(3, 4, 20.0)]);
    let none = |_: u32| None;
    let share =
        Chain::new().with(&mined, &none).with(&refined, &none).trace_supplier(1, &[true, false]).share(&[4]);
    assert_eq!((share.value, share.low, share.status), (Some(1.0), Some(1.0), Status::Partial));
    assert!(share.reason.contains("yield"));
}

#[test]
fn a_stage_without_figures_leaves_open_what_happened_there() {
    let refined = known(&[(3, 20.0), (1, 20.0)], &[(3, 4, 20.0), (1, 4, 20.0)]);
    let chain = Chain::new().with_gap().with(&refined, &whole);
    let any = chain.trace_supplier(1, &[true, true]).share(&[4]);
    assert_eq!((any.value, any.low, any.high), (Some(0.5), Some(0.5), Some(1.0)));
    let mined = chain.trace_supplier(1, &[true, false]).share(&[4]);
    assert_eq!((mined.value, mined.low, mined.high), (None, Some(0.0), Some(1.0)));
    assert_eq!(chain.trace_supplier(1, &[false, true]).share(&[4]), Estimate::known(0.5));
}

fn stage() -> impl Strategy<Value = (Vec<f64>, Vec<(u32, u32, f64)>)> {
    let amount = prop_oneof![1 => Just(0.0), 2 => 1.0..50.0];
    let flows = prop::collection::vec((0_u32..6, 0_u32..6, 1.0..30.0), 0..16);
    (prop::collection::vec(amount, 6), flows)
}

fn solved((output, flows): &(Vec<f64>, Vec<(u32, u32, f64)>), withheld: Option<u32>) -> Lookthrough<u32> {
    let known = |(key, amount): (u32, &f64)| {
        (key, if withheld == Some(key) { Amount::withheld() } else { Amount::known(*amount) })
    };
    let flows = flows.iter().map(|(from, to, amount)| (*from, *to, Amount::known(*amount)));
    Network::new((0..).zip(output).map(known), Amount::NOTHING, flows).solve(&mut Solver::default())
}

proptest! {
    #[test]
    fn any_is_at_least_each_and_at_most_their_sum(stages in [stage(), stage(), stage()], yields in 0.1..3.0) {
        let [mined, refined, made] = stages.each_ref().map(|stage| solved(stage, None));
        let yields = move |_: u32| Some(yields);
        let chain = Chain::new().with(&mined, &yields).with(&refined, &yields).with(&made, &yields);
        for consumer in 0..6 {
            for supplier in 0..6 {
                let [any, each @ ..] = [ANY, MINED, REFINED, MADE]
                    .map(|counts| chain.trace_supplier(supplier, counts).share(&[consumer]));
                if any.low.is_none() {
                    prop_assert!(each.iter().all(|one| one.low.is_none()));
                    continue;
                }
                let of = |pick: fn(&Estimate) -> Option<f64>| {
                    let each = each.iter().filter_map(pick);
                    (pick(&any).unwrap_or(0.0), each.clone().fold(0.0, f64::max), each.sum::<f64>())
                };
                let (low, largest, _) = of(|one| one.low);
                prop_assert!(low >= largest - 1e-12, "{any:?} {each:?}");
                let (value, largest, sum) = of(|one| one.value);
                prop_assert!(value >= largest - 1e-12 && value <= sum.min(1.0) + 1e-12, "{any:?} {each:?}");
                let (high, largest, sum) = of(|one| one.high);
                prop_assert!(high >= largest - 1e-12 && high <= sum.min(1.0) + 1e-12, "{any:?} {each:?}");
            }
        }
    }

    #[test]
    fn routes_and_the_others_are_the_best_estimate(stages in [stage(), stage(), stage()]) {
        let [mined, refined, made] = stages.each_ref().map(|stage| solved(stage, None));
        let chain = Chain::new().with(&mined, &whole).with(&refined, &whole).with(&made, &whole);
        for (consumer, counts) in [(0, ANY), (1, MINED), (2, REFINED), (3, MADE)] {
            let Some(value) = chain.trace_supplier(4, counts).share(&[consumer]).value else { continue };
            let (routes, other) = chain.trace_supplier(4, counts).routes(&[consumer], 1000).unwrap();
            let sum: f64 = routes.iter().map(|route| route.share).sum();
            prop_assert!(other >= 0.0 && (sum + other - value).abs() < 1e-9, "{sum} {other} {value}");
            prop_assert!(routes.windows(2).all(|pair| pair[0].share >= pair[1].share - 1e-12));
        }
    }

    #[test]
    fn a_withheld_producer_widens_the_bounds_around_the_truth(
        stages in [stage(), stage()],
        withheld in 0_u32..6,
    ) {
        let [mined, refined] = stages.each_ref().map(|stage| solved(stage, None));
        let [open_mined, open_refined] = stages.each_ref().map(|stage| solved(stage, Some(withheld)));
        let truth = Chain::new().with(&mined, &half).with(&refined, &half);
        let wide = Chain::new().with(&open_mined, &half).with(&open_refined, &half);
        for consumer in 0..6 {
            for supplier in 0..6 {
                for counts in [MINED, REFINED, ANY] {
                    let (inner, outer) = (
                        truth.trace_supplier(supplier, counts).share(&[consumer]),
                        wide.trace_supplier(supplier, counts).share(&[consumer]),
                    );
                    if let (Some(low), Some(high), Some(least), Some(most)) =
                        (inner.low, inner.high, outer.low, outer.high)
                    {
                        prop_assert!(least <= low + 1e-9 && high <= most + 1e-9, "{inner:?} {outer:?}");
                    }
                }
            }
        }
    }
}
