//! Imports of unknown origin pass through a network as an origin of their own, and bounds hold whoever they
//! are from.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests speak through their names, and stop at what is wrong"
)]

mod kit;

use kit::holds;
use orewatch_measures::{
    Amount, Chain, Estimate, Lookthrough, Network, Residual, Solver, Status, StopKind, Term,
};
use proptest::prelude::*;

const COUNT: u32 = 6;
/// An economy that no figure names.
const STRANGER: u32 = 99;

type Flows = Vec<(u32, u32, f64)>;

/// What is known of an amount, and the truth.
type Guess = (Amount, f64);

#[derive(Clone, Debug)]
struct Case {
    output: Vec<Guess>,
    flows: Vec<(u32, u32, Guess)>,
    /// Importer, kind, amount, and whose it truly is.
    unknown: Vec<(u32, Residual, Guess, u32)>,
}

fn exact() -> BoxedStrategy<Guess> {
    (1.0..50.0).prop_map(|truth| (Amount::known(truth), truth)).boxed()
}

fn guess() -> BoxedStrategy<Guess> {
    let parts = (0..5, 0.0..50.0, 0.0..10.0, 0.0..=1.0);
    let guess = parts.prop_map(|(kind, low, more, at): (i32, f64, f64, f64)| {
        let truth = low + at * more;
        match kind {
            0 => (Amount::between(low, low + more), truth),
            1 => (Amount::known(low) + Amount::between(0.0, more), truth),
            2 => (Amount::withheld(), truth),
            _ => (Amount::known(truth), truth),
        }
    });
    guess.boxed()
}

fn cases(guess: BoxedStrategy<Guess>) -> impl Strategy<Value = Case> {
    let kind = prop::sample::select(&Residual::ALL[1..]);
    let unknown = (0..COUNT, kind, guess.clone(), prop_oneof![0..COUNT, Just(STRANGER)]);
    let output = prop_oneof![1 => Just((Amount::NOTHING, 0.0)), 2 => guess.clone()];
    (
        prop::collection::vec(output, COUNT as usize),
        prop::collection::vec((0..COUNT, 0..COUNT, guess), 0..18),
        prop::collection::vec(unknown, 0..4),
    )
        .prop_map(|(output, flows, unknown)| Case { output, flows, unknown })
}

impl Case {
    fn network(&self) -> Network<u32> {
        let output = (0..).zip(&self.output).map(|(key, guess)| (key, guess.0));
        Network::new(
            output,
            Amount::NOTHING,
            self.flows.iter().map(|(from, to, guess)| (*from, *to, guess.0)),
        )
    }

    /// Whether a consumer may have anything left, apart from what is of unknown origin. Who has not has no
    /// mix, though best estimates may give it one.
    fn may_use(&self, consumer: u32) -> bool {
        let foreign = || self.flows.iter().filter(|flow| flow.0 != flow.1);
        let has: f64 = foreign().filter(|flow| flow.1 == consumer).map(|flow| flow.2.0.high()).sum();
        let sends: f64 = foreign().filter(|flow| flow.0 == consumer).map(|flow| flow.2.0.low()).sum();
        self.output[consumer as usize].0.high() + has > sends
    }

    fn solved(&self) -> Lookthrough<u32> {
        let unknown = self.unknown.iter();
        let network = unknown.fold(self.network(), |network, (economy, kind, guess, _)| {
            network.with_unknown(*economy, *kind, guess.0)
        });
        network.solve(&mut Solver::default())
    }

    /// The network as it truly is: what is of unknown origin is from its partner where that has as much to
    /// send, and else from a producer that no figure names.
    fn truth(&self, only_strangers: bool) -> Lookthrough<u32> {
        let mut output: Vec<f64> = self.output.iter().map(|guess| guess.1).collect();
        output.resize(STRANGER as usize + 1, 0.0);
        let mut flows: Flows = self.flows.iter().map(|(from, to, guess)| (*from, *to, guess.1)).collect();
        let foreign = |flows: &Flows, pick: fn(&(u32, u32, f64)) -> u32, economy| -> f64 {
            flows.iter().filter(|flow| flow.0 != flow.1 && pick(flow) == economy).map(|flow| flow.2).sum()
        };
        for (to, _, guess, from) in &self.unknown {
            let has = output[*from as usize] + foreign(&flows, |flow| flow.1, *from);
            let sends = foreign(&flows, |flow| flow.0, *from);
            if from != to && !only_strangers && has >= sends + guess.1 {
                flows.push((*from, *to, guess.1));
            } else {
                output[STRANGER as usize] += guess.1;
                flows.push((STRANGER, *to, guess.1));
            }
        }
        let output = (0..).zip(output).map(|(key, amount)| (key, Amount::known(amount)));
        let flows = flows.into_iter().map(|(from, to, amount)| (from, to, Amount::known(amount)));
        Network::new(output, Amount::NOTHING, flows).solve(&mut Solver::default())
    }
}

fn encloses(
    wide: &Lookthrough<u32>,
    narrow: &Lookthrough<u32>,
    members: &[u32],
) -> Result<(), TestCaseError> {
    let (outer, inner) = (wide.origins(members.iter().copied()), narrow.origins(members.iter().copied()));
    if outer.hhi().low.is_none() || inner.hhi().low.is_none() {
        return Ok(());
    }
    for origin in (0..COUNT).chain([STRANGER]) {
        let (outer, inner) = (outer.share(origin), inner.share(origin));
        prop_assert!(holds(&outer, &inner), "{members:?} from {origin}: {outer:?} {inner:?}");
    }
    prop_assert!(holds(&outer.hhi(), &inner.hhi()), "{members:?} {:?} {:?}", outer.hhi(), inner.hhi());
    prop_assert!(holds(&outer.top().0, &inner.top().0), "{members:?} {:?} {:?}", outer.top(), inner.top());
    Ok(())
}

/// The same for the best estimates of a network of which everything is known.
fn holds_true(
    wide: &Lookthrough<u32>,
    truth: &Lookthrough<u32>,
    members: &[u32],
) -> Result<(), TestCaseError> {
    let (outer, inner) = (wide.origins(members.iter().copied()), truth.origins(members.iter().copied()));
    let (Some(_), Some(hhi)) = (outer.hhi().low, inner.hhi().value) else { return Ok(()) };
    for origin in (0..COUNT).chain([STRANGER]) {
        let (outer, value) = (outer.share(origin), inner.share(origin).value.unwrap());
        prop_assert!(kit::encloses(&outer, value), "{members:?} from {origin}: {outer:?} {value}");
    }
    prop_assert!(kit::encloses(&outer.hhi(), hhi), "{members:?} {:?} {hhi}", outer.hhi());
    let top = inner.top().0.value.unwrap();
    prop_assert!(kit::encloses(&outer.top().0, top), "{members:?} {:?} {top}", outer.top());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn bounds_enclose_every_partner_that_has_enough(case in cases(exact()), guessed in cases(guess())) {
        for case in [case, guessed] {
            let (wide, truth) = (case.solved(), case.truth(false));
            for consumer in 0..COUNT {
                holds_true(&wide, &truth, &[consumer])?;
            }
        }
    }

    #[test]
    fn bounds_of_blocs_enclose_producers_that_nobody_names(
        case in cases(exact()),
        guessed in cases(guess()),
    ) {
        for case in [case, guessed] {
            let (wide, truth) = (case.solved(), case.truth(true));
            for consumer in 0..COUNT {
                holds_true(&wide, &truth, &[consumer, (consumer + 1) % COUNT])?;
                let quantity = |network: &Lookthrough<u32>| network.origins([consumer]).quantity(0);
                let (outer, inner) = (quantity(&wide), quantity(&truth));
                prop_assert!(
                    outer.low.is_none() || inner.low.is_none() || holds(&outer, &inner),
                    "{outer:?} {inner:?}"
                );
            }
        }
    }

    #[test]
    fn more_of_unknown_origin_never_narrows_a_bound(
        case in cases(exact()),
        guessed in cases(guess()),
        to in 0..COUNT,
        more in guess(),
    ) {
        for case in [case, guessed] {
            let mut wide = case.clone();
            wide.unknown.push((to, Residual::Remainder, more, STRANGER));
            let wide = wide.solved();
            for narrow in [case.solved(), case.network().solve(&mut Solver::default())] {
                for consumer in (0..COUNT).filter(|consumer| case.may_use(*consumer)) {
                    encloses(&wide, &narrow, &[consumer])?;
                }
            }
        }
    }

    #[test]
    fn nothing_of_unknown_origin_changes_no_bit(case in cases(guess()), to in 0..9_u32) {
        let plain = case.network().solve(&mut Solver::default());
        let network = case.network().with_unknown(to, Residual::Special, Amount::NOTHING);
        let same = network
            .with_unknown(to, Residual::Remainder, Amount::between(0.0, 0.0))
            .solve(&mut Solver::default());
        for consumer in 0..COUNT {
            let [one, other] = [&plain, &same].map(|network| format!("{:?}", network.origins([consumer])));
            prop_assert_eq!(one, other);
        }
    }

    #[test]
    fn named_and_unknown_origins_make_up_everything(case in cases(exact())) {
        let solved = case.solved();
        for consumer in 0..COUNT {
            let origins = solved.origins([consumer]);
            if origins.hhi().value.is_none() {
                continue;
            }
            let named: f64 = origins.shares().iter().filter_map(|(_, share)| share.value).sum();
            let unknown: f64 = origins.unknown_by_kind().iter().filter_map(|(_, share)| share.value).sum();
            prop_assert!((named + unknown - 1.0).abs() < 1e-9, "{named} {unknown}");
            prop_assert!(unknown <= origins.unknown().high.unwrap() + 1e-9);
            for (_, share) in origins.shares() {
                let (value, high) = (share.value.unwrap(), share.high.unwrap());
                // What was added may count for the origin already: then the bound grows by less.
                prop_assert!(high <= (value + origins.unknown().high.unwrap()).min(1.0) + 1e-9, "{share:?}");
                prop_assert!(
                    unknown <= 0.0 || share.status == Status::Partial && share.coverage.unwrap() < 1.0
                );
            }
        }
    }

    #[test]
    fn ways_of_what_is_unknown_add_up_to_its_share(stages in [cases(exact()), cases(exact())]) {
        let [mined, refined] = stages.each_ref().map(Case::solved);
        let whole = |_: u32| None;
        let chain = Chain::new().with(&mined, &whole).with(&refined, &whole);
        for (consumer, counts) in [(0, [true, false]), (1, [false, true]), (2, [true, true])] {
            let hand = chain.trace_unknown_origin(&counts);
            let Some(share) = hand.share(&[consumer]).value else { continue };
            let (routes, other) = hand.routes(&[consumer], 1000).unwrap();
            let sum: f64 = routes.iter().map(|route| route.share).sum();
            prop_assert!((sum + other - share).abs() < 1e-9, "{sum} {other} {share}");
            prop_assert!(routes.iter().all(|route| route.stops[0].kind == StopKind::Unknown));
        }
    }

    #[test]
    fn chains_enclose_every_partner_that_has_enough(stages in [cases(exact()), cases(exact())]) {
        let [mined, refined] = stages.each_ref().map(Case::solved);
        let [true_mined, true_refined] = stages.each_ref().map(|case| case.truth(false));
        // What an economy whose supply just covers its exports uses is nothing, or what rounding leaves.
        let used = |network: &Lookthrough<u32>, economy| {
            network.origins([economy]).consumption().value.unwrap_or(0.0)
        };
        let rounded =
            |network: &Lookthrough<u32>| (0..COUNT).any(|one| (1e-300..1e-9).contains(&used(network, one)));
        if [&mined, &refined, &true_mined, &true_refined].into_iter().any(rounded) {
            return Ok(());
        }
        let whole = |_: u32| None;
        let wide = Chain::new().with(&mined, &whole).with(&refined, &whole);
        let truth = Chain::new().with(&true_mined, &whole).with(&true_refined, &whole);
        for consumer in 0..COUNT {
            for supplier in 0..COUNT {
                for counts in [[true, false], [false, true], [true, true]] {
                    let share =
                        |chain: &Chain<'_, u32>| chain.trace_supplier(supplier, &counts).share(&[consumer]);
                    let (outer, inner) = (share(&wide), share(&truth));
                    if outer.low.is_some() && inner.low.is_some() {
                        prop_assert!(
                            holds(&outer, &inner),
                            "{consumer} {supplier} {counts:?}: {outer:?} {inner:?}"
                        );
                    }
                }
            }
        }
    }
}

fn t(amount: f64) -> Amount {
    Amount::known(amount)
}

/// 1 mines 40 and sends it to 2, which has 60 of unknown origin besides, uses 50 and sends 50 on to 3.
fn hub() -> Lookthrough<u32> {
    Network::new([(1, t(40.0))], Amount::NOTHING, [(1, 2, t(40.0)), (2, 3, t(50.0))])
        .with_unknown(2, Residual::Unspecified, t(50.0))
        .with_unknown(2, Residual::Confidential, t(10.0))
        .solve(&mut Solver::default())
}

fn bounds(figure: Estimate) -> (Option<f64>, Option<f64>, Option<f64>) {
    let round = |bound: Option<f64>| bound.map(|bound| (bound * 1e9).round() / 1e9);
    (round(figure.value), round(figure.low), round(figure.high))
}

#[test]
fn a_hub_passes_on_what_it_does_not_know_the_origin_of() {
    let network = hub();
    let origins = network.origins([3]);
    assert_eq!(bounds(origins.share(1)), (Some(0.4), Some(0.4), Some(1.0)));
    assert_eq!(bounds(origins.share(7)), (Some(0.0), Some(0.0), Some(0.6)));
    assert_eq!(bounds(origins.hhi()), (Some(1600.0), Some(1600.0), Some(10_000.0)));
    assert_eq!(bounds(origins.top().0), (Some(0.4), Some(0.4), Some(1.0)));
    assert_eq!(bounds(origins.quantity(1)), (Some(20.0), Some(20.0), Some(50.0)));
    assert_eq!(origins.top().1, Some(1));
    for figure in [origins.share(1), origins.share(7), origins.hhi(), origins.top().0] {
        assert_eq!(
            (figure.status, bounds(Estimate { low: figure.coverage, ..figure }).1),
            (Status::Partial, Some(0.4))
        );
        assert!(figure.reason.contains("unknown origin"), "{}", figure.reason);
    }
    assert_eq!(origins.consumption(), Estimate::known(50.0));
    assert_eq!(network.balance(2), None, "what is of unknown origin covers the exports");
}

#[test]
fn the_index_lies_between_unknown_origins_spread_thin_and_all_at_the_largest() {
    let network =
        Network::new([(1, t(50.0)), (2, t(30.0))], Amount::NOTHING, [(1, 3, t(50.0)), (2, 3, t(30.0))])
            .with_unknown(3, Residual::Special, t(20.0))
            .solve(&mut Solver::default());
    let hhi = bounds(network.origins([3]).hhi());
    assert_eq!(hhi, (Some(3400.0), Some(3400.0), Some(70.0 * 70.0 + 30.0 * 30.0)));
    assert_eq!(bounds(network.origins([3]).top().0), (Some(0.5), Some(0.5), Some(0.7)));
}

#[test]
fn the_terms_name_the_kinds() {
    let terms = hub().origins([3]).terms(Some(1));
    let of =
        |wanted| terms.iter().find(|term: &&Term| term.symbol == wanted).map(|term| bounds(term.estimate).0);
    assert_eq!(of("u"), Some(Some(0.6)));
    assert_eq!(
        (of("u_unspecified"), of("u_confidential"), of("u_special")),
        (Some(Some(0.5)), Some(Some(0.1)), None)
    );
    let method = "lookthrough-share".parse::<orewatch_measures::Measure>().unwrap().method();
    let symbols: Vec<_> = method.symbols.iter().map(|symbol| symbol.symbol).collect();
    assert!(terms.iter().all(|term| symbols.contains(&term.symbol)), "{symbols:?}");
}

#[test]
fn routes_end_where_the_origin_is_unknown() {
    let network = hub();
    let whole = |_: u32| None;
    let chain = Chain::new().with(&network, &whole);
    let (routes, other) = chain.trace_unknown_origin(&[true]).routes(&[3], 5).unwrap();
    let way: Vec<_> = routes[0].stops.iter().map(|stop| (stop.economy, stop.kind)).collect();
    assert_eq!(way, [(2, StopKind::Unknown), (3, StopKind::Used)]);
    assert!((routes[0].share - 0.6).abs() < 1e-12 && other < 1e-12);
    assert_eq!(bounds(chain.trace_unknown_origin(&[true]).share(&[3])), (Some(0.6), Some(0.6), Some(0.6)));
    let (own, _) = chain.trace_unknown_origin(&[true]).routes(&[2], 5).unwrap();
    let way: Vec<_> = own[0].stops.iter().map(|stop| (stop.economy, stop.kind)).collect();
    assert_eq!(way, [(2, StopKind::Unknown), (2, StopKind::Used)]);
}

#[test]
fn bounds_without_room_between_them_are_an_amount() {
    let one =
        |amount| Network::new([(1, t(5.0))], Amount::NOTHING, [(1, 2, amount)]).solve(&mut Solver::default());
    let [bounded, known] = [one(Amount::between(3.0, 3.0)), one(t(3.0))];
    assert_eq!(bounded.origins([2]).quantity(1), known.origins([2]).quantity(1));
}

#[test]
fn who_has_all_from_nowhere_may_have_it_from_anybody() {
    let network = Network::new([(1, t(5.0))], Amount::NOTHING, [(1, 1, t(0.0))])
        .with_unknown(8, Residual::Remainder, t(3.0))
        .solve(&mut Solver::default());
    let origins = network.origins([8]);
    assert_eq!(bounds(origins.share(1)), (Some(0.0), Some(0.0), Some(1.0)));
    assert_eq!(bounds(origins.hhi()), (Some(0.0), Some(0.0), Some(10_000.0)));
    assert_eq!(network.origins([1]).share(1), Estimate::known(1.0));
    let open = Network::new([(1, t(5.0))], Amount::NOTHING, [(1, 8, t(3.0))])
        .with_unknown(8, Residual::Remainder, Amount::withheld())
        .solve(&mut Solver::default());
    let share = open.origins([8]).share(1);
    assert_eq!((share.value, share.high), (Some(1.0), Some(1.0)));
    assert!(share.low.unwrap() < 1e-20 && share.coverage.unwrap() < 1e-20, "{share:?}");
}
