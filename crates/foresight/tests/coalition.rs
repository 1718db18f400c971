//! Coalitions: the closed form, another solver, and what holds of every game.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed assumption fails the test"
)]

use std::time::Instant;

use orewatch_foresight::{
    CoalitionMarket, MAX_MEMBERS, MarketBuyer, MarketSupplier, NoAllocation, RouteTerms, shapley,
};
use proptest::prelude::*;

fn suppliers(supply: &[f64]) -> Vec<MarketSupplier> {
    let named = supply.iter().enumerate();
    named.map(|(place, supply)| MarketSupplier { name: format!("S{place}"), supply: *supply }).collect()
}

fn buyers(demand: &[f64], members: usize) -> Vec<MarketBuyer> {
    let buyer = |(place, demand): (usize, &f64)| MarketBuyer {
        name: format!("B{place}"),
        demand: *demand,
        member: place < members,
    };
    demand.iter().enumerate().map(buyer).collect()
}

fn market(supply: &[f64], demand: &[f64], routes: &[RouteTerms]) -> Result<CoalitionMarket, NoAllocation> {
    CoalitionMarket::new(suppliers(supply), 0, buyers(demand, demand.len()), routes)
}

fn route(supplier: usize, buyer: usize, today: f64, contracted: f64) -> RouteTerms {
    RouteTerms { supplier, buyer, today, contracted, most: f64::INFINITY }
}

/// The dependence `t` at which what all need, `max(contracted, (1 - t) demand)`, is what there is: supply is
/// filled in like water. Found by halving.
fn water_level(available: f64, demand: &[f64], contracted: &[f64]) -> f64 {
    let needed = |t: f64| -> f64 {
        demand.iter().zip(contracted).map(|(demand, own)| own.max((1.0 - t) * demand)).sum()
    };
    let (mut low, mut high) = (0.0, 1.0);
    if needed(0.0) <= available {
        return 0.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if needed(middle) > available { low = middle } else { high = middle }
    }
    high
}

/// Prices of what other programs give are in `data/coalition-oracle.csv`.
#[test]
fn another_solver_comes_to_the_same_allocations() {
    let rows = include_str!("../data/coalition-oracle.csv").lines().filter(|line| !line.starts_with('#'));
    let mut seen = 0;
    for row in rows.skip(1) {
        let fields: Vec<&str> = row.split(',').collect();
        let numbers = |text: &str| -> Vec<f64> {
            text.split_whitespace().map(|number| number.parse().unwrap()).collect()
        };
        let route = |text: &str| {
            let parts: Vec<&str> = text.split(':').collect();
            let number = |place: usize| parts[place].parse::<f64>().unwrap();
            let place = |place: usize| parts[place].parse::<usize>().unwrap();
            RouteTerms {
                supplier: place(0),
                buyer: place(1),
                today: number(2),
                contracted: number(3),
                most: number(4),
            }
        };
        let routes: Vec<RouteTerms> = fields[2].split_whitespace().map(route).collect();
        let (supply, demand) = (numbers(fields[0]), numbers(fields[1]));
        let market = market(&supply, &demand, &routes).unwrap();
        let ours = market.allocate(&market.members()).unwrap();
        let expected: Vec<f64> = fields[3..].iter().map(|number| number.parse().unwrap()).collect();
        assert!((ours.dependence - expected[0]).abs() < 1e-7, "{row}: {ours:?}");
        assert!((ours.shortage - expected[1]).abs() < 1e-4, "{row}: {ours:?}");
        assert!((ours.moved - expected[2]).abs() < 1e-3, "{row}: {ours:?}");
        for (supply, row) in supply.iter().zip(&ours.tonnes) {
            assert!(row.iter().sum::<f64>() <= supply + 1e-6, "{ours:?}");
        }
        seen += 1;
    }
    assert_eq!(seen, 80);
}

#[test]
fn who_does_not_act_keeps_what_it_buys_today() {
    // 20 t from elsewhere. A buys 12 of them today, B buys 4, both need 20.
    let routes = [route(1, 0, 12.0, 0.0), route(1, 1, 4.0, 0.0)];
    let market = market(&[100.0, 20.0], &[20.0, 20.0], &routes).unwrap();
    let reach = |acting: &[usize]| market.reach(acting).unwrap();
    assert!((reach(&[0]) - 0.2).abs() < 1e-9, "A leaves 4 t to B");
    assert!((reach(&[1]) - 0.6).abs() < 1e-9, "B leaves 12 t to A");
    assert!((reach(&[0, 1]) - 0.5).abs() < 1e-9, "together they share 20 t");
    assert!(reach(&[]).abs() < 1e-9);
    let [a, b] = market.member_values().unwrap().try_into().unwrap();
    assert!((a.today - 0.4).abs() < 1e-9 && (b.today - 0.8).abs() < 1e-9);
    // A is better off outside: it rides free. B gains from the coalition.
    assert!((a.outside + 0.1).abs() < 1e-9 && (b.outside - 0.3).abs() < 1e-9);
    assert!((a.marginal - 0.1).abs() < 1e-9 && (b.marginal + 0.3).abs() < 1e-9);
    assert!((a.part + b.part - 0.5).abs() < 1e-9);
}

#[test]
fn a_contract_with_the_dominant_supplier_binds() {
    let bound = market(&[100.0, 50.0], &[20.0], &[route(0, 0, 15.0, 15.0)]).unwrap();
    assert!((bound.reach(&[0]).unwrap() - 0.75).abs() < 1e-9);
}

#[test]
fn projects_are_ranked_by_what_a_tonne_does() {
    let closed = RouteTerms { supplier: 2, buyer: 0, today: 0.0, contracted: 0.0, most: 0.0 };
    let market = market(&[100.0, 10.0, 0.0], &[25.0], &[closed]).unwrap();
    // One tonne lowers the dependence by 1/25, until nothing is left to lower; nothing passes a closed route.
    let effects = market.rank_projects(&[(1, 5.0), (2, 50.0), (1, 30.0), (1, 0.0)]).unwrap();
    let [first, second, third, fourth] = effects.try_into().unwrap();
    assert_eq!((first.project, second.project), (0, 2));
    assert!((first.lowers - 0.2).abs() < 1e-9 && (first.per_tonne - 0.04).abs() < 1e-9);
    assert!((second.lowers - 0.6).abs() < 1e-9 && (second.per_tonne - 0.02).abs() < 1e-9);
    assert!(third.lowers.abs() < 1e-9 && fourth.lowers.abs() < 1e-9);
}

#[test]
fn impossible_terms_name_their_constraint() {
    let refused = |routes: &[RouteTerms]| market(&[10.0, 5.0], &[6.0, 7.0], routes).unwrap_err();
    let promised = refused(&[route(1, 0, 0.0, 3.0), route(1, 1, 0.0, 3.0)]);
    assert_eq!(promised.to_string(), "S1 has contracted 6 t of its supply of 5 t: lower the contracts");
    let bought = refused(&[route(0, 0, 0.0, 4.0), route(1, 0, 0.0, 3.0)]);
    assert_eq!(bought.to_string(), "B0 has contracted 7 t for a demand of 6 t: lower the contracts");
    let limited = refused(&[RouteTerms { most: 1.0, ..route(0, 0, 0.0, 2.0) }]);
    assert!(matches!(limited, NoAllocation::Limit { .. }), "{limited}");
    for wrong in
        [route(0, 0, -1.0, 0.0), route(0, 0, 0.0, f64::NAN), route(9, 0, 1.0, 0.0), route(0, 9, 1.0, 0.0)]
    {
        assert!(matches!(refused(&[wrong]), NoAllocation::Route { .. }));
    }
    assert!(matches!(market(&[10.0, f64::INFINITY], &[1.0], &[]), Err(NoAllocation::Amount { .. })));
    assert!(matches!(market(&[], &[1.0], &[]), Err(NoAllocation::Sides { .. })));
    let many = market(&[10.0, 5.0], &[1.0; MAX_MEMBERS + 1], &[]).unwrap();
    assert!(matches!(many.member_values(), Err(NoAllocation::Members { .. })));
    let nobody = CoalitionMarket::new(suppliers(&[1.0, 1.0]), 0, buyers(&[1.0], 0), &[]);
    assert!(matches!(nobody, Err(NoAllocation::Sides { .. })));
}

/// 4,096 programs take well below 2 s; the limit here has room for slow machines and other tests beside.
#[test]
fn all_coalitions_of_twelve_are_solved_in_seconds() {
    let demand: Vec<f64> = (1..=12).map(|place| 10.0 + f64::from(place)).collect();
    let supply = [500.0, 30.0, 22.0, 17.0, 11.0, 7.0, 5.0, 3.0];
    let today = |supplier: usize| (0..12).map(move |buyer| route(supplier, buyer, 0.4, 0.1));
    let routes: Vec<RouteTerms> = (1..supply.len()).flat_map(today).collect();
    let market = market(&supply, &demand, &routes).unwrap();
    let begun = Instant::now();
    let values = market.member_values().unwrap();
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
    let parts: f64 = values.iter().map(|value| value.part).sum();
    assert!((parts - market.reach(&market.members()).unwrap()).abs() < 1e-9);
    assert_eq!(market.buyers().len(), 12);
}

/// A market without limits: supply, demand, and contracts as parts of what is left.
fn unlimited() -> impl Strategy<Value = (Vec<f64>, Vec<f64>, Vec<RouteTerms>)> {
    (1_usize..5, 1_usize..6).prop_flat_map(|(suppliers, buyers)| {
        let supply = prop::collection::vec(0.0..100.0, suppliers + 1);
        let demand = prop::collection::vec(0.1..80.0, buyers);
        let parts = prop::collection::vec((0.0..1.0, any::<bool>()), suppliers * buyers);
        (supply, demand, parts).prop_map(move |(supply, demand, parts)| {
            let mut routes = Vec::new();
            for (place, (part, exists)) in parts.into_iter().enumerate().filter(|(_, (_, exists))| *exists) {
                assert!(exists);
                let (supplier, buyer) = (1 + place / demand.len(), place % demand.len());
                let share = |whole: f64, among: usize| whole / f64::from(u32::try_from(among).unwrap());
                let most = share(supply[supplier], demand.len()).min(share(demand[buyer], supply.len()));
                routes.push(route(supplier, buyer, 0.0, part * most));
            }
            (supply, demand, routes)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn the_program_comes_to_the_closed_form((supply, demand, routes) in unlimited()) {
        let market = market(&supply, &demand, &routes).unwrap();
        let mut contracted = vec![0.0; demand.len()];
        routes.iter().for_each(|route| contracted[route.buyer] += route.contracted);
        let expected = water_level(supply[1..].iter().sum(), &demand, &contracted);
        let reached = market.reach(&market.members()).unwrap();
        prop_assert!((reached - expected).abs() < 1e-9, "{} {}", reached, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn values_of_members_add_up_and_more_supply_never_hurts(
        (supply, demand, routes) in unlimited(),
        more in 0.0..50.0,
    ) {
        let market = market(&supply, &demand, &routes).unwrap();
        let together = market.reach(&market.members()).unwrap();
        let values = market.member_values().unwrap();
        prop_assert!((values.iter().map(|value| value.part).sum::<f64>() - together).abs() < 1e-9);
        for value in &values {
            prop_assert!((0.0..=1.0).contains(&value.alone) && (0.0..=1.0).contains(&value.today));
        }
        let effect = &market.rank_projects(&[(1, more)]).unwrap()[0];
        prop_assert!(effect.lowers >= -1e-9);
    }

    #[test]
    fn shapley_values_are_efficient_and_symmetric(values in prop::collection::vec(-1.0..1.0, 16)) {
        let mut game = values;
        game[0] = 0.0;
        let shares = shapley(&game, 4);
        prop_assert!((shares.iter().sum::<f64>() - game[15]).abs() < 1e-9);
        // Players 0 and 1 swap their names, and their values.
        let swap = |set: usize| (set & !3) | ((set & 1) << 1) | ((set & 2) >> 1);
        let swapped: Vec<f64> = (0..16).map(|set| game[swap(set)]).collect();
        let other = shapley(&swapped, 4);
        prop_assert!((shares[0] - other[1]).abs() < 1e-9 && (shares[2] - other[2]).abs() < 1e-9);
    }
}
