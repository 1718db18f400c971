//! What is of unknown origin may be of anybody: it stays in every sum, and every figure's bounds allow for
//! it.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests speak through their names, and stop at what is wrong"
)]

mod kit;

use kit::{amount, encloses, holds, truth};
use orewatch_measures::{
    Amount, Benchmarks, Cover, Disruption, Estimate, GovernedSupply, Reliance, Residual, Risk, Sourcing,
    Status, SupplyIndices,
};
use proptest::prelude::*;

const KINDS: [Residual; 5] = [
    Residual::Unspecified,
    Residual::Confidential,
    Residual::Special,
    Residual::Remainder,
    Residual::NotReported,
];

/// Suppliers, the residual of those that are not listed, and residuals of unknown origin: what is known, and
/// the truth.
#[derive(Clone, Debug)]
struct Market {
    suppliers: Vec<(Amount, f64)>,
    unlisted: (Amount, f64),
    unknown: Vec<(Residual, Amount, f64)>,
    /// How what is of unknown origin is divided: weights of each supplier, of the one that is not listed, and
    /// of another.
    owners: Vec<f64>,
}

fn markets() -> impl Strategy<Value = Market> {
    let none = || Just((Amount::NOTHING, 0.0));
    (1_usize..7).prop_flat_map(move |count| {
        let unlisted = prop_oneof![2 => none(), 1 => amount()];
        let kind = (prop::sample::select(&KINDS[..]), amount());
        let unknown = prop::collection::vec(kind.prop_map(|(kind, (amount, at))| (kind, amount, at)), 0..4);
        // Often one supplier has all of it: that is where bounds are reached.
        let weight = prop_oneof![3 => Just(0.0), 1 => Just(1.0), 1 => 0.0..1.0];
        (prop::collection::vec(amount(), count), unlisted, unknown, prop::collection::vec(weight, count + 2))
            .prop_map(|(suppliers, unlisted, unknown, owners)| Market {
                suppliers,
                unlisted,
                unknown,
                owners,
            })
    })
}

impl Market {
    fn sourcing(&self) -> Sourcing<usize> {
        let unknown = self.unknown.iter().map(|(kind, amount, _)| (*kind, *amount));
        Sourcing::with_residuals(
            self.suppliers.iter().map(|(amount, _)| *amount).enumerate(),
            unknown.chain([(Residual::Unlisted, self.unlisted.0)]),
        )
    }

    /// The market of somebody who knows the amounts as they are, but nothing of what is of unknown origin.
    fn without_unknown(&self) -> Sourcing<usize> {
        Self { unknown: Vec::new(), ..self.clone() }.sourcing()
    }

    /// The true amounts: of the suppliers by key, then of one that is not listed, then of another.
    fn truth(&self) -> Vec<f64> {
        let unknown: f64 = self.unknown.iter().map(|(_, amount, at)| truth((*amount, *at))).sum();
        let weights: f64 = self.owners.iter().sum();
        let mut all: Vec<f64> = self.suppliers.iter().map(|amount| truth(*amount)).collect();
        all.extend([truth(self.unlisted), 0.0]);
        for (own, weight) in all.iter_mut().zip(&self.owners).filter(|_| weights > 0.0) {
            *own += unknown * weight / weights;
        }
        if weights <= 0.0 {
            *all.last_mut().unwrap() += unknown;
        }
        all
    }
}

fn largest(shares: &[f64], n: usize) -> f64 {
    let mut shares = shares.to_vec();
    shares.sort_by(|a, b| b.total_cmp(a));
    shares.iter().take(n).sum()
}

fn risk(key: usize) -> (f64, f64) {
    ([2.0, 9.0, 0.5, 6.0, 4.0, 7.0, 10.0, 10.0][key], [1.0, 0.8, 1.3, 1.0, 1.1, 0.8, 1.0, 1.0][key])
}

fn governed(supply: Sourcing<usize>) -> GovernedSupply<usize> {
    GovernedSupply::new(supply, |key| Risk { governance: Estimate::known(risk(key).0), trade: risk(key).1 })
}

fn disruption(output: Sourcing<usize>) -> Disruption<usize> {
    let index = |key: usize| {
        let of = Estimate::known(risk(key).0 / 10.0);
        SupplyIndices { ability: of, willingness: of }
    };
    let indices = output.suppliers().iter().map(|(key, _)| (*key, index(*key))).collect();
    Disruption { output, indices }
}

/// Recorded consumption twice as large as the imports, at home nothing.
fn benchmarks(consumption: f64) -> Benchmarks {
    let nothing = Amount::NOTHING;
    let accounts = Reliance {
        production: nothing,
        secondary: None,
        imports: Amount::unavailable(),
        exports: nothing,
        stock_decrease: None,
    };
    Benchmarks { accounts, consumption: Some(Amount::known(consumption)) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn bounds_enclose_every_owner_of_what_is_of_unknown_origin(market in markets()) {
        let (sourcing, all) = (market.sourcing(), market.truth());
        let (total, listed) = (all.iter().sum::<f64>(), market.suppliers.len());
        prop_assume!(total > 0.0);
        let shares: Vec<_> = all.iter().map(|amount| amount / total).collect();
        prop_assert!(encloses(&sourcing.total().estimate(), total));
        for (key, share) in shares.iter().enumerate().take(listed) {
            prop_assert!(encloses(&sourcing.share(key), *share), "{key}: {share} {:?}", sourcing.share(key));
        }
        for stranger in &shares[listed..] {
            prop_assert!(encloses(&sourcing.share(99), *stranger), "{stranger} {:?}", sourcing.share(99));
        }
        let hhi = 10_000.0 * shares.iter().map(|share| share * share).sum::<f64>();
        prop_assert!(encloses(&sourcing.hhi(), hhi), "hhi {hhi} {:?}", sourcing.hhi());
        prop_assert!(encloses(&sourcing.effective_suppliers(), 10_000.0 / hhi));
        prop_assert!(
            encloses(&sourcing.top::<1>().0, largest(&shares, 1)),
            "{shares:?} {:?}",
            sourcing.top::<1>()
        );
        prop_assert!(
            encloses(&sourcing.top::<3>().0, largest(&shares, 3)),
            "{shares:?} {:?}",
            sourcing.top::<3>()
        );
        let figures = sourcing.concentration();
        prop_assert_eq!((figures.hhi, figures.top1), (sourcing.hhi(), sourcing.top::<1>().0));

        // Who is not listed is governed as badly as can be, with the largest trade parameter of all.
        let steepest = (0..listed).map(|key| risk(key).1).fold(1.0, f64::max);
        let weight = |key| if key < listed { risk(key).0 * risk(key).1 } else { 10.0 * steepest };
        let weighed = shares.iter().enumerate().map(|(key, share)| share * share * weight(key)).sum::<f64>();
        let index = governed(sourcing.clone()).hhi();
        prop_assert!(encloses(&index, weighed), "{weighed} {index:?}");
        let index = |key| if key < listed { (risk(key).0 / 10.0).powi(2) } else { 1.0 };
        let potential = shares.iter().enumerate().map(|(key, share)| share * share * index(key)).sum::<f64>();
        prop_assert!(encloses(&disruption(sourcing.clone()).potential(), potential));
        let third = benchmarks(2.0 * total).third_country(&sourcing).0;
        prop_assert!(encloses(&third, largest(&shares, 1) / 2.0), "{shares:?} {third:?}");
    }

    #[test]
    fn cover_without_the_largest_encloses_every_owner(supply in markets(), demand in markets()) {
        let (made, used) = (supply.truth(), demand.truth());
        let listed = supply.suppliers.len().min(demand.suppliers.len());
        let first = (0..made.len()).fold(0, |best, key| if made[key] > made[best] { key } else { best });
        // Keys mean the same economies on both sides only as long as both list them.
        let others = used.iter().sum::<f64>() - if first < listed { used[first] } else { 0.0 };
        if first >= listed || others < 1e-6 {
            return Ok(());
        }
        let (supply, demand) = (supply.sourcing(), demand.sourcing());
        let cover = Cover { supply: &supply, demand: &demand }.estimate().0;
        let truth = (made.iter().sum::<f64>() - made[first]) / others;
        prop_assert!(cover.status == Status::NotApplicable || encloses(&cover, truth), "{truth} {cover:?}");
    }

    #[test]
    fn what_is_of_unknown_origin_never_narrows_a_bound(market in markets(), more in amount()) {
        let wide = {
            let mut wide = market.clone();
            wide.unknown.push((Residual::Special, more.0, more.1));
            wide.sourcing()
        };
        for narrow in [market.sourcing(), market.without_unknown()] {
            prop_assume!(narrow.total().high() > 0.0);
            for key in 0..=market.suppliers.len() {
                prop_assert!(
                    holds(&wide.share(key), &narrow.share(key)),
                    "{:?} {:?}",
                    wide.share(key),
                    narrow.share(key)
                );
            }
            prop_assert!(holds(&wide.hhi(), &narrow.hhi()), "{:?} {:?}", wide.hhi(), narrow.hhi());
            prop_assert!(holds(&wide.effective_suppliers(), &narrow.effective_suppliers()));
            prop_assert!(holds(&wide.top::<1>().0, &narrow.top::<1>().0));
            prop_assert!(holds(&wide.top::<3>().0, &narrow.top::<3>().0));
            let (outer, inner) = (governed(wide.clone()).hhi(), governed(narrow.clone()).hhi());
            prop_assert!(holds(&outer, &inner), "{outer:?} {inner:?}");
            let potential = |market: &Sourcing<usize>| disruption(market.clone()).potential();
            let (outer, inner) = (potential(&wide), potential(&narrow));
            prop_assert!(holds(&outer, &inner), "{outer:?} {inner:?}");
            let (outer, inner) =
                (benchmarks(1e7).third_country(&wide).0, benchmarks(1e7).third_country(&narrow).0);
            prop_assert!(holds(&outer, &inner), "{outer:?} {inner:?}");
        }
    }

    #[test]
    fn coverage_says_that_a_part_has_no_supplier(market in markets()) {
        let sourcing = market.sourcing();
        let figures = [
            sourcing.share(0),
            sourcing.share(99),
            sourcing.hhi(),
            sourcing.top::<1>().0,
            sourcing.top::<3>().0,
        ];
        let some = sourcing.unknown_origin().high() > 0.0;
        for figure in figures {
            prop_assert!(!some || figure.coverage.is_none_or(|part| part < 1.0), "{figure:?}");
            prop_assert!(!some || figure.status != Status::Known, "{figure:?}");
            prop_assert!(
                sourcing.unknown_origin().high().is_finite() || figure.coverage == Some(0.0),
                "{figure:?}"
            );
        }
    }

    #[test]
    fn kinds_keep_their_names_and_add_up(market in markets()) {
        let sourcing = market.sourcing();
        prop_assert!(sourcing.residuals().windows(2).all(|pair| pair[0].0 < pair[1].0));
        let sum: f64 = sourcing.residuals().iter().map(|(_, amount)| amount.low()).sum();
        prop_assert!((sum - sourcing.residual().low()).abs() <= 1e-9 * sum);
        for ((kind, amount), (named, share)) in sourcing.residuals().iter().zip(sourcing.residual_shares()) {
            prop_assert_eq!(*kind, named);
            let all = sourcing.residual_share();
            prop_assert!(
                share.high <= all.high.map(|high| high + 1e-9) || amount.high() <= 0.0,
                "{share:?} {all:?}"
            );
        }
    }
}

fn known(tonnes: f64) -> Amount {
    Amount::known(tonnes)
}

#[test]
fn half_of_unspecified_origin_leaves_china_between_two_fifths_and_nine_tenths() {
    let partners = [(156, known(40.0)), (704, known(10.0))];
    let imports = Sourcing::with_residuals(partners, [(Residual::Unspecified, known(50.0))]);
    let bounds = |figure: Estimate| (figure.value, figure.low, figure.high);
    assert_eq!(bounds(imports.share(156)), (Some(0.4), Some(0.4), Some(0.9)));
    assert_eq!(bounds(imports.share(36)), (Some(0.0), Some(0.0), Some(0.5)));
    assert_eq!(bounds(imports.top::<1>().0), (Some(0.4), Some(0.4), Some(0.9)));
    assert_eq!(bounds(imports.top::<3>().0), (Some(0.5), Some(0.5), Some(1.0)));
    let hhi = imports.hhi();
    let near = |bound: Option<f64>, index: f64| (bound.unwrap() - index).abs() < 1e-9;
    assert!(near(hhi.value, 1700.0) && near(hhi.low, 1700.0) && near(hhi.high, 8200.0), "{hhi:?}");
    for figure in [imports.share(156), imports.share(36), hhi, imports.top::<1>().0] {
        assert_eq!((figure.status, figure.coverage), (Status::Partial, Some(0.5)));
        assert_eq!(figure.reason, "a part of the total is of unknown origin: it may be of any supplier");
    }
}

#[test]
fn other_countries_are_none_of_those_listed() {
    let partners = [(156, known(40.0)), (704, known(10.0))];
    let unlisted = Sourcing::with_residuals(partners, [(Residual::Unlisted, known(50.0))]);
    assert_eq!(unlisted, Sourcing::new(partners, known(50.0)));
    assert_eq!(unlisted.share(156), Estimate::known(0.4));
    assert_eq!(unlisted.hhi().high.map(f64::round), Some(4200.0));
}

#[test]
fn all_of_unknown_origin_is_anything_between_many_and_one() {
    let imports = Sourcing::<u32>::with_residuals([], [(Residual::Confidential, known(5.0))]);
    let (hhi, top) = (imports.hhi(), imports.top::<1>().0);
    assert_eq!((hhi.low, hhi.high), (Some(0.0), Some(10_000.0)));
    assert_eq!((top.low, top.high, top.coverage), (Some(0.0), Some(1.0), Some(0.0)));
    assert_eq!(imports.share(1).high, Some(1.0));
    let open = Sourcing::with_residuals([(1, known(9.0))], [(Residual::Remainder, Amount::withheld())]);
    let share = open.share(1);
    assert_eq!(
        (share.value, share.low, share.high, share.coverage),
        (Some(1.0), Some(0.0), Some(1.0), Some(0.0))
    );
}
