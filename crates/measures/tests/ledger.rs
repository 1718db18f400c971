//! A ledger says what a market built from scratch says, to the bit, whatever was entered in whatever order.
#![allow(missing_docs, reason = "tests speak through their names")]

use std::collections::BTreeMap;

use orewatch_measures::{Amount, Buyer, Concentration, Estimate, Group, Ledger, Sourcing};
use proptest::prelude::*;

const ECONOMIES: u16 = 7;
const BLOCS: [&[u16]; 4] = [&[0, 1, 2], &[2, 3], &[], &[0, 1, 2, 3, 4, 5, 6, 200]];

/// The flows of a market as they are known.
type Flows = BTreeMap<(u16, u16), Amount>;
type Buyers = Vec<Buyer<u16>>;
/// What is said of every consumer: its concentration and its shares, as text.
type Said = Vec<(Buyer<u16>, Option<(String, String)>)>;

fn groups() -> Vec<Group> {
    BLOCS.iter().map(|members| Group::bloc(members.iter().copied())).chain([Group::world()]).collect()
}

fn buyers() -> Buyers {
    (0..ECONOMIES).map(Buyer::Economy).chain((0..=BLOCS.len()).map(Buyer::Group)).collect()
}

/// Known amounts mostly, some of them equal; everything else that can be said of one; and its removal.
fn amount() -> impl Strategy<Value = Option<Amount>> {
    let size = || prop_oneof![Just(0.0), Just(7.3), Just(1e-300), 0.001..10.0, 10.0..1e9, Just(1e30)];
    prop_oneof![
        12 => size().prop_map(|size| Some(Amount::known(size))),
        1 => (size(), size()).prop_map(|(low, high)| Some(Amount::between(low, high))),
        1 => (size(), size())
            .prop_map(|(known, high)| Some(Amount::known(known) + Amount::between(0.0, high))),
        1 => Just(Some(Amount::withheld())),
        1 => Just(Some(Amount::unavailable())),
        3 => Just(None),
    ]
}

fn steps() -> impl Strategy<Value = Vec<(u16, u16, Option<Amount>)>> {
    prop::collection::vec((0..ECONOMIES, 0..ECONOMIES, amount()), 0..60)
}

/// A consumer's suppliers from the definition: whose import a flow is, added up by exporter in the order of
/// importers.
fn sourcing(flows: &Flows, buyer: Buyer<u16>) -> Option<Sourcing<u16>> {
    let is_import = |importer: u16, exporter: u16| match buyer {
        Buyer::Economy(one) => importer == one,
        Buyer::Group(4) => true,
        Buyer::Group(bloc) => {
            BLOCS.get(bloc).is_some_and(|bloc| bloc.contains(&importer) && !bloc.contains(&exporter))
        }
    };
    let imports = flows.iter().filter(|((importer, exporter), _)| is_import(*importer, *exporter));
    let sourcing =
        Sourcing::new(imports.map(|((_, exporter), amount)| (*exporter, *amount)), Amount::NOTHING);
    (!sourcing.suppliers().is_empty()).then_some(sourcing)
}

/// Everything that is said of a market, number by number.
fn numbers(total: Amount, estimates: &[Estimate], names: &[Option<u16>]) -> String {
    let bits = |number: Option<f64>| number.map(f64::to_bits);
    let estimates: Vec<_> = [total.estimate()]
        .iter()
        .chain(estimates)
        .map(|e| (bits(e.value), bits(e.low), bits(e.high), bits(e.coverage), e.status, e.reason))
        .collect();
    format!("{estimates:?} {names:?}")
}

fn said_at_once(figures: &Concentration<u16>) -> String {
    let Concentration { total, hhi, suppliers, top1, top3, names } = figures;
    numbers(*total, &[*hhi, *suppliers, *top1, *top3], names)
}

fn said_one_by_one(sourcing: &Sourcing<u16>) -> String {
    let (top1, first) = sourcing.top::<1>();
    let (top3, names) = sourcing.top::<3>();
    assert!(names.starts_with(&first));
    let names: Vec<_> = (0..3).map(|at| names.get(at).copied()).collect();
    numbers(sourcing.total(), &[sourcing.hhi(), sourcing.effective_suppliers(), top1, top3], &names)
}

fn shares(sourcing: &Sourcing<u16>) -> String {
    format!("{:?}", sourcing.shares().collect::<Vec<_>>())
}

fn everything(flows: &Flows) -> Said {
    let of = |sourcing: Sourcing<u16>| (said_one_by_one(&sourcing), shares(&sourcing));
    buyers().into_iter().map(|buyer| (buyer, sourcing(flows, buyer).map(of))).collect()
}

fn kept(ledger: &Ledger<u16>) -> Said {
    let of = |buyer| {
        let figures = ledger.concentration(buyer)?;
        Some((said_at_once(&figures), shares(&ledger.sourcing(buyer)?)))
    };
    buyers().into_iter().map(|buyer| (buyer, of(buyer))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_ledger_is_at_every_step_what_a_rebuild_is(steps in steps()) {
        let (mut flows, mut ledger) = (Flows::new(), Ledger::new(groups()));
        let mut before = everything(&flows);
        for (importer, exporter, amount) in steps {
            match amount {
                Some(amount) => flows.insert((importer, exporter), amount),
                None => flows.remove(&(importer, exporter)),
            };
            ledger.set(importer, exporter, amount);
            let after = everything(&flows);
            prop_assert_eq!(&kept(&ledger), &after);
            prop_assert_eq!(ledger.flow(importer, exporter).is_some(), amount.is_some());
            // Whoever is not named has the figures it had.
            let differs = before.iter().zip(&after).filter(|(before, after)| before != after);
            for (_, (buyer, _)) in differs {
                prop_assert!(ledger.changed().contains(buyer), "{buyer:?} is not in {:?}", ledger.changed());
            }
            before = after;
        }
        let rows = flows.iter().map(|((importer, exporter), amount)| (*importer, *exporter, *amount));
        prop_assert_eq!(kept(&Ledger::from_flows(groups(), rows)), before);
    }

    #[test]
    fn all_at_once_is_the_same_as_one_by_one(
        amounts in prop::collection::vec(amount(), 0..9),
        residual in amount(),
    ) {
        let suppliers = (0..ECONOMIES).zip(amounts).filter_map(|(key, amount)| Some((key, amount?)));
        let market = Sourcing::new(suppliers, residual.unwrap_or(Amount::NOTHING));
        prop_assert_eq!(said_at_once(&market.concentration()), said_one_by_one(&market));
    }

    #[test]
    fn the_flows_of_a_consumer_are_what_its_suppliers_add_up_to(steps in steps()) {
        let mut ledger = Ledger::new(groups());
        for (importer, exporter, amount) in steps {
            ledger.set(importer, exporter, amount);
        }
        for buyer in buyers() {
            let listed = Sourcing::new(
                ledger.flows(buyer).map(|(_, exporter, amount)| (exporter, amount)),
                Amount::NOTHING,
            );
            let kept = ledger.sourcing(buyer);
            prop_assert_eq!(kept.map_or_else(Vec::new, |kept| kept.suppliers().to_vec()), listed.suppliers());
        }
    }
}

#[test]
fn only_those_whose_supply_differs_are_named() {
    let mut ledger = Ledger::new(groups());
    let set = |ledger: &mut Ledger<u16>, importer, exporter, tonnes: f64| {
        ledger.set(importer, exporter, Some(Amount::known(tonnes)));
        ledger.changed().to_vec()
    };
    let (economy, bloc) = (Buyer::Economy, Buyer::Group);
    assert_eq!(set(&mut ledger, 1, 9, 5.0), [economy(1), bloc(0), bloc(3), bloc(4)]);
    assert_eq!(set(&mut ledger, 1, 9, 5.0), [], "the same figure once more");
    assert_eq!(set(&mut ledger, 1, 2, 3.0), [economy(1), bloc(4)], "trade inside a bloc");
    assert_eq!(set(&mut ledger, 2, 1, 3.0), [economy(2), bloc(1), bloc(4)], "inside one bloc, into another");
    assert_eq!(set(&mut ledger, 8, 0, 3.0), [economy(8), bloc(4)], "an importer of no bloc");
    ledger.set(1, 9, None);
    assert_eq!(ledger.changed(), [economy(1), bloc(0), bloc(3), bloc(4)]);
    assert!(ledger.sourcing(bloc(0)).is_none(), "its last import from outside is gone");
    ledger.set(5, 6, None);
    assert_eq!(ledger.changed(), [], "there was nothing to remove");
}

#[test]
fn a_change_too_small_to_show_in_a_sum_changes_the_importer_only() {
    let mut ledger = Ledger::new([Group::world()]);
    ledger.set(0, 2, Some(Amount::known(1e20)));
    ledger.set(1, 2, Some(Amount::known(1.0)));
    assert_eq!(ledger.changed(), [Buyer::Economy(1)], "1e20 + 1 is 1e20");
}

#[test]
fn a_group_or_an_economy_that_is_not_there_has_no_figures() {
    let ledger = Ledger::from_flows(groups(), [(1, 2, Amount::known(1.0))]);
    for buyer in [Buyer::Group(5), Buyer::Group(usize::MAX), Buyer::Economy(2), Buyer::Economy(u16::MAX)] {
        assert!(ledger.concentration(buyer).is_none() && ledger.sourcing(buyer).is_none());
        assert_eq!(ledger.flows(buyer).count(), 0);
    }
    assert!(ledger.flow(u16::MAX, 0).is_none());
}
