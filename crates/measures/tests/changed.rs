//! Whoever is not named as changed has the same figures, to the bit.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests speak through their names, and stop at what is wrong"
)]

mod kit;

use std::collections::BTreeMap;

use kit::amount;
use orewatch_measures::{
    Amount, Buyer, Group, Ledger, Lookthrough, Network, Reliance, Residual, Solver, Sourcing, TradeChanges,
};
use proptest::prelude::*;

const COUNT: u16 = 7;
const BLOCS: [&[u16]; 3] = [&[0, 1, 2], &[2, 3], &[0, 1, 2, 3, 4, 5, 6]];

type Flows = BTreeMap<(u16, u16), Amount>;
type Unknown = BTreeMap<(u16, Residual), Amount>;
type Rows = (Vec<(u16, u16, f64)>, Vec<(u16, f64)>);

/// One state of a market.
#[derive(Clone, Debug, Default)]
struct State {
    flows: Flows,
    unknown: Unknown,
    output: BTreeMap<u16, Amount>,
    residual: Option<Amount>,
}

/// One thing that a commit may say anew; none takes it away.
#[derive(Clone, Debug)]
enum Step {
    Flow(u16, u16, Option<Amount>),
    Unknown(u16, Residual, Option<Amount>),
    Output(u16, Option<Amount>),
    Residual(Option<Amount>),
}

fn optional_amount() -> impl Strategy<Value = Option<Amount>> {
    let one = amount().prop_map(|(amount, _)| Some(amount));
    prop_oneof![6 => (1.0..100.0).prop_map(|t| Some(Amount::known(t))), 1 => one, 1 => Just(None)]
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop::sample::select(&Residual::ALL[1..]);
    prop_oneof![
        8 => (0..COUNT, 0..COUNT, optional_amount())
            .prop_map(|(importer, exporter, amount)| Step::Flow(importer, exporter, amount)),
        1 => (0..COUNT, kind, optional_amount())
            .prop_map(|(importer, kind, amount)| Step::Unknown(importer, kind, amount)),
        2 => (0..COUNT, optional_amount()).prop_map(|(producer, amount)| Step::Output(producer, amount)),
        1 => optional_amount().prop_map(Step::Residual),
    ]
}

fn put<Q: Ord>(all: &mut BTreeMap<Q, Amount>, key: Q, amount: Option<Amount>) {
    match amount {
        Some(amount) => all.insert(key, amount),
        None => all.remove(&key),
    };
}

impl State {
    fn after(&self, steps: &[Step]) -> Self {
        let mut state = self.clone();
        for step in steps {
            match step.clone() {
                Step::Flow(importer, exporter, amount) => put(&mut state.flows, (importer, exporter), amount),
                Step::Unknown(importer, kind, amount) => put(&mut state.unknown, (importer, kind), amount),
                Step::Output(producer, amount) => put(&mut state.output, producer, amount),
                Step::Residual(amount) => state.residual = amount,
            }
        }
        state
    }

    fn rows(&self) -> Vec<(u16, u16, [Amount; 1])> {
        self.flows.iter().map(|((importer, exporter), amount)| (*importer, *exporter, [*amount])).collect()
    }

    fn open(&self) -> Vec<(u16, Residual, [Amount; 1])> {
        self.unknown.iter().map(|((importer, kind), amount)| (*importer, *kind, [*amount])).collect()
    }

    fn made(&self) -> (BTreeMap<u16, Amount>, Amount) {
        (self.output.clone(), self.residual.unwrap_or(Amount::NOTHING))
    }

    fn ledger(&self) -> Ledger<u16> {
        let rows = self.rows().into_iter().map(|(importer, exporter, [amount])| (importer, exporter, amount));
        let mut ledger = Ledger::from_flows(groups(), rows);
        for (importer, kind, [amount]) in self.open() {
            ledger.set_unknown(importer, kind, Some(amount));
        }
        ledger
    }

    fn solved(&self) -> Lookthrough<u16> {
        let (output, residual) = self.made();
        let flows =
            self.rows().into_iter().map(|(importer, exporter, [amount])| (exporter, importer, amount));
        let network = self
            .open()
            .into_iter()
            .fold(Network::new(output, residual, flows), |network, (importer, kind, [amount])| {
                network.with_unknown(importer, kind, amount)
            });
        network.solve(&mut Solver::default())
    }

    /// What a consumer exports, by customer, from the definition.
    fn exports(&self, seller: Buyer<u16>) -> Vec<(u16, Amount)> {
        let is_export = |importer: u16, exporter: u16| match seller {
            Buyer::Economy(one) => exporter == one,
            Buyer::Group(3) => true,
            Buyer::Group(bloc) => BLOCS[bloc].contains(&exporter) && !BLOCS[bloc].contains(&importer),
        };
        let exports = self.flows.iter().filter(|((importer, exporter), _)| is_export(*importer, *exporter));
        let exports = exports.map(|((importer, _), amount)| (*importer, *amount));
        Sourcing::new(exports, Amount::NOTHING).suppliers().to_vec()
    }

    /// The accounts of a consumer: imports and exports across its border and inside of it, and output.
    fn accounts(&self, consumer: Buyer<u16>) -> String {
        let member = |economy: u16| match consumer {
            Buyer::Economy(one) => economy == one,
            Buyer::Group(3) => true,
            Buyer::Group(bloc) => BLOCS[bloc].contains(&economy),
        };
        let sum = |of: &mut dyn Iterator<Item = Amount>| of.fold(Amount::NOTHING, |sum, amount| sum + amount);
        let trade = |inside: (bool, bool)| {
            let counts = |(importer, exporter): &(u16, u16)| (member(*importer), member(*exporter)) == inside;
            sum(&mut self.flows.iter().filter(|(pair, _)| counts(pair)).map(|(_, amount)| *amount))
        };
        let reliance = Reliance {
            production: sum(&mut self
                .output
                .iter()
                .filter(|(key, _)| member(**key))
                .map(|(_, amount)| *amount)),
            secondary: None,
            imports: trade((true, false)),
            exports: trade((false, true)),
            stock_decrease: None,
        };
        let unknown = self.unknown.iter().filter(|((importer, _), _)| member(*importer)).collect::<Vec<_>>();
        format!("{:?} {:?} {unknown:?}", reliance.terms(), trade((true, true)))
    }
}

fn groups() -> Vec<Group> {
    BLOCS.iter().map(|members| Group::bloc(members.iter().copied())).chain([Group::world()]).collect()
}

fn everyone() -> impl Iterator<Item = Buyer<u16>> {
    (0..COUNT).map(Buyer::Economy).chain((0..=BLOCS.len()).map(Buyer::Group))
}

fn changed(before: &State, after: &State) -> TradeChanges<u16> {
    TradeChanges::between(before.rows(), after.rows())
        .with_unknown(before.open(), after.open())
        .with_output(before.made(), after.made())
}

fn states() -> impl Strategy<Value = (State, State)> {
    let steps = |most| prop::collection::vec(step(), 0..most);
    (steps(40), steps(4)).prop_map(|(first, then)| {
        let before = State::default().after(&first);
        let after = before.after(&then);
        (before, after)
    })
}

/// Markets in which only amounts are revised, which is what most commits do.
fn revised() -> impl Strategy<Value = (State, State)> {
    let flows = prop::collection::vec((0..COUNT, 0..COUNT, 1.0..100.0), 1..14);
    let output = prop::collection::vec((0..COUNT, 1.0..100.0), 0..6);
    ((flows, output), any::<prop::sample::Index>(), 1.0..100.0).prop_map(
        |((flows, output), which, amount): (Rows, _, f64)| {
            let mut before = State::default();
            before.flows.extend(flows.into_iter().map(|(a, b, t)| ((a, b), Amount::known(t))));
            before.output.extend(output.into_iter().map(|(key, t)| (key, Amount::known(t))));
            let mut after = before.clone();
            *after.flows.values_mut().nth(which.index(before.flows.len())).unwrap() = Amount::known(amount);
            (before, after)
        },
    )
}

fn supply(ledger: &Ledger<u16>, buyer: Buyer<u16>) -> String {
    format!("{:?} {:?}", ledger.sourcing(buyer), ledger.concentration(buyer))
}

fn origins(solved: &Lookthrough<u16>, consumer: u16) -> String {
    let origins = solved.origins([consumer]);
    format!("{origins:?} {:?} {:?} {:?}", origins.hhi(), origins.top(), solved.balanced(consumer))
}

/// No consumer that is not named has another mix.
fn users_are_all((before, after): &(State, State)) -> Result<Option<usize>, TestCaseError> {
    let Some(users) = changed(before, after).users() else { return Ok(None) };
    let (old, new) = (before.solved(), after.solved());
    for consumer in (0..COUNT).filter(|consumer| !users.contains(consumer)) {
        prop_assert_eq!(
            origins(&old, consumer),
            origins(&new, consumer),
            "{} is not in {:?}",
            consumer,
            users
        );
    }
    Ok(Some(users.len()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn whoever_is_not_named_has_the_same_figures((before, after) in states()) {
        let changed = changed(&before, &after);
        let (old, new) = (before.ledger(), after.ledger());
        let [buyers, sellers, consumers] =
            [changed.buyers(&groups()), changed.sellers(&groups()), changed.consumers(&groups())];
        for consumer in everyone() {
            let same = [
                (&buyers, supply(&old, consumer) == supply(&new, consumer)),
                (&sellers, before.exports(consumer) == after.exports(consumer)),
                (&consumers, before.accounts(consumer) == after.accounts(consumer)),
            ];
            for (named, same) in same {
                prop_assert!(same || named.contains(&consumer), "{consumer:?} is not in {named:?}");
            }
        }
        prop_assert!(changed.output_differs() || before.made() == after.made());
        users_are_all(&(before, after))?;
    }

    #[test]
    fn a_revised_amount_reaches_those_downstream_and_nobody_else(states in revised()) {
        let users = users_are_all(&states)?;
        prop_assert!(users.is_some(), "amounts of the same flows differ, and nothing else");
    }

    #[test]
    fn nothing_new_changes_nobody((state, _) in states()) {
        let changed = changed(&state, &state);
        prop_assert!(
            changed.is_empty()
                && changed.buyers(&groups()).is_empty()
                && changed.consumers(&groups()).is_empty()
        );
        prop_assert_eq!(changed.users().map(|users| users.len()), Some(0));
    }

    #[test]
    fn a_ledger_keeps_what_is_of_unknown_origin((before, after) in states()) {
        // Entered one after the other, or at once: the same figures.
        let mut ledger = before.ledger();
        for ((importer, exporter), _) in
            before.flows.iter().filter(|(pair, _)| !after.flows.contains_key(pair))
        {
            ledger.set(*importer, *exporter, None);
        }
        for ((importer, exporter), amount) in &after.flows {
            ledger.set(*importer, *exporter, Some(*amount));
        }
        for ((importer, kind), _) in before.unknown.iter().filter(|(key, _)| !after.unknown.contains_key(key))
        {
            ledger.set_unknown(*importer, *kind, None);
        }
        for ((importer, kind), amount) in &after.unknown {
            let old: Vec<_> = everyone().map(|buyer| supply(&ledger, buyer)).collect();
            ledger.set_unknown(*importer, *kind, Some(*amount));
            for (buyer, old) in everyone().zip(old) {
                prop_assert!(ledger.changed().contains(&buyer) || supply(&ledger, buyer) == old, "{buyer:?}");
            }
        }
        for buyer in everyone() {
            prop_assert_eq!(supply(&ledger, buyer), supply(&after.ledger(), buyer));
            let of = |amount: Amount| amount.high();
            let kept: f64 = ledger.unknown(buyer).map(|(_, _, amount)| of(amount)).sum();
            let residual = ledger.sourcing(buyer).map_or(0.0, |sourcing| of(sourcing.residual()));
            prop_assert!(
                kept.is_infinite() && residual.is_infinite() || (kept - residual).abs() <= 1e-9 * residual,
                "{kept} {residual}"
            );
        }
    }
}

#[test]
fn a_revision_of_one_flow_leaves_the_rest_of_the_market_alone() {
    let t = |amount| [Amount::known(amount)];
    let (deu, fra, usa, nld, chl, chn) = (0_u16, 1, 2, 3, 4, 5);
    let rest = [(deu, nld, t(60.0)), (fra, chl, t(9.0)), (nld, chn, t(80.0))];
    let with = |amount| rest.into_iter().chain([(usa, chl, t(amount))]);
    let changed = TradeChanges::between(with(20.0), with(30.0));
    let groups = [Group::bloc([deu, fra]), Group::bloc([fra, usa]), Group::world()];
    let (economy, group) = (Buyer::Economy, Buyer::Group);
    assert_eq!(changed.buyers(&groups), [economy(usa), group(1), group(2)]);
    assert_eq!(changed.sellers(&groups), [economy(chl), group(2)]);
    assert_eq!(changed.consumers(&groups), [economy(usa), economy(chl), group(1), group(2)]);
    // Chile's balance may differ, and with it what its customers have.
    assert_eq!(changed.users().unwrap().into_iter().collect::<Vec<_>>(), [fra, usa, chl]);
    assert!(
        TradeChanges::between(with(20.0), rest).users().is_none(),
        "a flow that goes may change the order of a solve"
    );
}

#[test]
fn what_a_member_has_of_unknown_origin_may_be_from_inside_the_bloc() {
    let mut ledger = Ledger::new([Group::bloc([0_u16, 1]), Group::world()]);
    ledger.set(0, 9, Some(Amount::known(40.0)));
    ledger.set_unknown(0, Residual::Unspecified, Some(Amount::known(60.0)));
    assert_eq!(ledger.changed(), [Buyer::Economy(0), Buyer::Group(0), Buyer::Group(1)]);
    let share = |buyer| ledger.sourcing(buyer).map(|imports| imports.share(9)).unwrap();
    let (own, bloc, world) = (share(Buyer::Economy(0)), share(Buyer::Group(0)), share(Buyer::Group(1)));
    assert_eq!((own.value, own.low, own.high), (Some(0.4), Some(0.4), Some(1.0)));
    assert_eq!((bloc.value, bloc.low, bloc.high), (Some(0.4), Some(0.4), Some(1.0)));
    assert_eq!((world.value, world.low, world.high), (Some(0.4), Some(0.4), Some(1.0)));
    ledger.set_unknown(0, Residual::Unspecified, Some(Amount::known(60.0)));
    assert_eq!(ledger.changed(), [], "the same amount once more");
}
