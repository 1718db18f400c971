//! The EU's criticality assessment: concentration weighed by governance, supply risk, economic importance.
#![allow(missing_docs, reason = "tests speak through their names")]

mod kit;

use kit::{
    amount, any_amount, any_estimate, any_number, bounded, encloses, estimate, holds, is_sane, truth, widened,
};
use orewatch_measures::{
    Amount, EconomicImportance, Estimate, GovernedSupply, Risk, Sector, Sourcing, Status, SupplyRisk,
    SupplyUsed, governance, supply_risk_max, trade_parameter,
};
use proptest::prelude::*;

fn risk(wgi: f64, trade: f64) -> Risk {
    Risk { governance: Estimate::known(wgi), trade }
}

fn near(actual: Option<f64>, expected: f64) -> bool {
    actual.is_some_and(|actual| (actual - expected).abs() < 1e-12)
}

fn unknown() -> Estimate {
    Estimate::missing(Status::Unavailable, "nobody says")
}

#[test]
fn governance_is_the_mean_of_the_years_that_are_there() {
    let year = |estimate| [Some(estimate); 6];
    let five = governance(&[year(-1.0), year(-0.5), year(0.0), year(0.5), year(1.0)]);
    assert_eq!((five.value, five.status), (Some(5.0), Status::Known));
    let four = governance(&[year(-1.0), [None; 6], year(0.0), year(0.5), year(1.0)]);
    assert!(near(four.value, (2.5 - 0.125) * 2.0));
    assert_eq!((four.status, four.low), (Status::Partial, four.value));
    assert!(four.reason.contains("years"), "{}", four.reason);
    let none = governance(&[[None; 6]; 5]);
    assert_eq!((none.value, none.low, none.high), (None, Some(0.0), Some(10.0)));
    assert_eq!(none.status, Status::Unavailable);
    assert_eq!(governance(&[year(-9.0); 5]).value, Some(10.0), "beyond the scale");
}

#[test]
fn members_weigh_less_and_what_is_recorded_wins() {
    assert_eq!((trade_parameter(None, true), trade_parameter(None, false)), (0.8, 1.0));
    assert_eq!((trade_parameter(Some(1.1), true), trade_parameter(Some(1.3), false)), (1.1, 1.3));
    assert_eq!(Some(trade_parameter(Some(f64::NAN), false)), Some(1.0));
}

#[test]
fn concentration_weighs_shares_by_governance_and_trade() {
    let supply = Sourcing::new([("CHN", Amount::known(60.0)), ("FRA", Amount::known(40.0))], Amount::NOTHING);
    let governed =
        GovernedSupply::new(supply, |key| if key == "CHN" { risk(5.0, 1.1) } else { risk(2.0, 0.8) });
    let hhi = governed.hhi();
    assert_eq!(hhi.status, Status::Known);
    assert!(near(hhi.value, 0.36 * 5.5 + 0.16 * 1.6));
    let parts: Vec<_> = governed.contributions().collect();
    assert!(near(parts[0].1.value, 0.36 * 5.5) && near(parts[1].1.value, 0.16 * 1.6));
}

#[test]
fn a_supplier_of_unknown_governance_is_not_well_governed() {
    let supply = Sourcing::new([("CHN", Amount::known(60.0)), ("NCL", Amount::known(40.0))], Amount::NOTHING);
    let governance = governance(&[[None; 6]; 5]);
    let governed = GovernedSupply::new(supply.clone(), |key| match key {
        "CHN" => risk(5.0, 1.0),
        _ => Risk { governance, trade: 1.0 },
    });
    let hhi = governed.hhi();
    assert_eq!(hhi.status, Status::Partial);
    assert!(near(hhi.low, 0.36 * 5.0) && near(hhi.high, 0.36 * 5.0 + 0.16 * 10.0));
    let nobody = GovernedSupply::new(supply, |_| Risk { governance, trade: 1.0 }).hhi();
    assert_eq!((nobody.value, nobody.status, nobody.low), (None, Status::Unavailable, Some(0.0)));
}

#[test]
fn a_residual_lies_between_many_suppliers_and_one_of_the_worst() {
    let supply = Sourcing::new([("CHN", Amount::known(60.0))], Amount::known(40.0));
    let hhi = GovernedSupply::new(supply, |_| risk(5.0, 1.1)).hhi();
    assert_eq!(hhi.status, Status::Partial);
    assert!(near(hhi.low, 0.36 * 5.5) && near(hhi.value, 0.36 * 5.5));
    assert!(near(hhi.high, 0.36 * 5.5 + 0.16 * 11.0));
}

const WHOLE: SupplyRisk = SupplyRisk {
    global: Estimate::known(4.0),
    sourcing: Estimate::known(2.0),
    reliance: Estimate::known(0.5),
    recycling: Estimate::known(0.2),
    substitution: Estimate::known(0.9),
    used: SupplyUsed::Both,
};

#[test]
fn supply_risk_mixes_two_supplies_by_import_reliance() {
    assert!(near(WHOLE.estimate().value, (4.0 * 0.25 + 2.0 * 0.75) * 0.8 * 0.9));
    let world = SupplyRisk { used: SupplyUsed::Global, sourcing: unknown(), reliance: unknown(), ..WHOLE };
    assert_eq!((world.estimate().value, world.estimate().status), (Some(4.0 * 0.8 * 0.9), Status::Known));
    let own = SupplyRisk { used: SupplyUsed::Sourcing, global: unknown(), ..WHOLE };
    assert_eq!(own.estimate().value, Some(2.0 * 0.8 * 0.9));
    for flag in ["GS+EU", "GSonly", "EUonly"] {
        assert_eq!(flag.parse::<SupplyUsed>().unwrap().to_string(), flag);
    }
    assert!("EU".parse::<SupplyUsed>().is_err());
}

#[test]
fn what_supply_risk_lacks_is_taken_over_its_whole_range() {
    let reliance = SupplyRisk { reliance: unknown(), ..WHOLE }.estimate();
    assert_eq!((reliance.value, reliance.status), (None, Status::Unavailable));
    assert!(near(reliance.low, 2.0 * 0.8 * 0.9) && near(reliance.high, 3.0 * 0.8 * 0.9));
    let recycling = SupplyRisk { recycling: unknown(), ..WHOLE }.estimate();
    assert_eq!((recycling.value, recycling.low, recycling.reason), (None, Some(0.0), "nobody says"));
    assert!(near(recycling.high, 2.5 * 0.9));
    let sourcing = SupplyRisk { sourcing: unknown(), ..WHOLE }.estimate();
    assert_eq!((sourcing.value, sourcing.high), (None, None));
    let nothing = Estimate::missing(Status::NotApplicable, "nothing is consumed");
    let gone = SupplyRisk { reliance: nothing, ..WHOLE }.estimate();
    assert_eq!((gone.status, gone.reason), (Status::NotApplicable, "nothing is consumed"));
}

#[test]
fn the_risk_of_a_material_is_that_of_its_riskiest_stage() {
    let known = |mined, refined| [("mined", Estimate::known(mined)), ("refined", Estimate::known(refined))];
    let (most, stage) = supply_risk_max(known(0.5, 1.2));
    assert_eq!((most.value, most.status, stage), (Some(1.2), Status::Known, Some("refined")));
    let (bound, stage) = supply_risk_max([("mined", Estimate::known(0.5)), ("refined", unknown())]);
    assert_eq!((bound.value, bound.low, bound.high), (Some(0.5), Some(0.5), None));
    assert_eq!((bound.status, stage), (Status::Partial, Some("mined")));
    let band = bounded(None, Some(0.8), Some(2.0));
    let (above, _) = supply_risk_max([("mined", Estimate::known(0.5)), ("refined", band)]);
    assert_eq!((above.value, above.low, above.high), (Some(0.8), Some(0.8), Some(2.0)));
    let near = bounded(Some(1.0), Some(0.8), Some(2.0));
    let (banded, _) = supply_risk_max([("mined", Estimate::known(0.5)), ("refined", near)]);
    assert_eq!((banded.value, banded.reason), (Some(1.0), near.reason), "each stage has a figure");
    let gone = Estimate::missing(Status::NotApplicable, "nothing is supplied");
    let (one, _) = supply_risk_max([("mined", Estimate::known(0.5)), ("refined", gone)]);
    assert_eq!((one.value, one.status), (Some(0.5), Status::Known));
    assert_eq!(supply_risk_max([("mined", gone)]).0.status, Status::NotApplicable);
}

/// Cobalt, extraction, as the EU assessed it in 2023 (CC BY 4.0): world's supply alone; the Democratic
/// Republic of the Congo has 63 % of it, with a trade parameter of 1.1; EoL-RIR 22 %, SI 0.98, supply risk
/// 2.8. Governance is the mean of the Worldwide Governance Indicators of 2016 to 2020. All others together
/// have so little of each that they add next to nothing.
#[test]
fn cobalt_has_the_supply_risk_that_the_eu_published() {
    let supply = Sourcing::new([("COD", Amount::known(63.0))], Amount::known(37.0));
    let congo = Risk { governance: Estimate::known(8.2537), trade: 1.1 };
    let global = GovernedSupply::new(supply, |_| congo).hhi();
    let risk = SupplyRisk {
        global,
        sourcing: unknown(),
        reliance: unknown(),
        recycling: Estimate::known(0.22),
        substitution: Estimate::known(0.98),
        used: SupplyUsed::Global,
    };
    let figure = risk.estimate();
    assert!((figure.value.unwrap() - 2.8).abs() <= 0.15, "{figure:?}");
    assert_eq!(figure.status, Status::Partial);
}

fn sector(share: f64, value_added: f64) -> Sector {
    Sector { share: Estimate::known(share), value_added: Amount::known(value_added) }
}

#[test]
fn economic_importance_scales_by_the_largest_sector() {
    let sectors = vec![sector(0.6, 50.0), sector(0.4, 100.0), sector(0.0, 200.0)];
    let whole = EconomicImportance { sectors, substitution: Estimate::known(0.9) };
    let figure = whole.estimate();
    assert!(near(figure.value, (30.0 + 40.0) * 10.0 / 200.0 * 0.9), "{figure:?}");
    assert_eq!(figure.status, Status::Known);
    let none = EconomicImportance { sectors: vec![], substitution: Estimate::known(0.9) };
    assert_eq!(none.estimate().status, Status::Unavailable);
    let blind = EconomicImportance { substitution: unknown(), ..whole };
    let figure = blind.estimate();
    assert_eq!((figure.value, figure.low, figure.high), (None, Some(0.0), Some(3.5)));
}

#[test]
fn uses_without_a_sector_may_lie_in_the_largest() {
    let sectors = vec![sector(0.6, 50.0), sector(0.0, 100.0)];
    let figure = EconomicImportance { sectors, substitution: Estimate::known(1.0) }.estimate();
    assert_eq!(figure.status, Status::Partial);
    assert!(near(figure.value, 3.0) && near(figure.low, 3.0) && near(figure.high, 7.0), "{figure:?}");
}

proptest! {
    #[test]
    fn concentration_encloses_every_completion(
        rows in prop::collection::vec((amount(), estimate(0.0, 10.0), 0.5..1.5_f64), 1..6),
        rest in amount(),
        worst in 0.0..=10.0_f64,
        parts in 1_usize..5,
    ) {
        let supply = Sourcing::new(rows.iter().map(|row| row.0.0).enumerate(), rest.0);
        let governed =
            GovernedSupply::new(supply, |key| Risk { governance: rows[key].1.0, trade: rows[key].2 });
        let truths: Vec<_> = rows.iter().map(|row| truth(row.0)).collect();
        let whole = truths.iter().sum::<f64>() + truth(rest);
        prop_assume!(whole > 1e-6);
        let count = f64::from(u32::try_from(parts).unwrap());
        let part = truth(rest) / count / whole;
        let listed: f64 =
            truths.iter().zip(&rows).map(|(t, row)| (t / whole).powi(2) * row.1.1 * row.2).sum();
        let index = listed + count * part * part * worst;
        prop_assert!(encloses(&governed.hhi(), index), "{index} {:?}", governed.hhi());
        for ((key, figure), t) in governed.contributions().zip(&truths) {
            let own = (t / whole).powi(2) * rows[key].1.1 * rows[key].2;
            prop_assert!(encloses(&figure, own), "{own} {figure:?}");
        }
    }

    #[test]
    fn wider_supply_never_narrows_concentration(
        rows in prop::collection::vec((amount(), 0.0..=10.0_f64, 0.0..1.0_f64), 1..6),
        rest in amount(),
        by in 0.0..1.0_f64,
    ) {
        let build = |wide: bool| {
            let own = |row: &((Amount, f64), f64, f64)| if wide { widened(row.0.0, row.2) } else { row.0.0 };
            let residual = if wide { widened(rest.0, by) } else { rest.0 };
            let supply = Sourcing::new(rows.iter().map(own).enumerate(), residual);
            GovernedSupply::new(supply, |key| risk(rows[key].1, 1.0)).hhi()
        };
        let (narrow, wide) = (build(false), build(true));
        prop_assume!(narrow.status != Status::NotApplicable && wide.status != Status::NotApplicable);
        prop_assert!(holds(&wide, &narrow), "{narrow:?} {wide:?}");
    }

    #[test]
    fn supply_risk_encloses_every_completion(
        global in estimate(0.0, 10.0),
        sourcing in estimate(0.0, 10.0),
        reliance in estimate(0.0, 1.0),
        recycling in estimate(0.0, 1.0),
        substitution in estimate(0.0, 1.0),
        used in 0_usize..3,
    ) {
        let used = [SupplyUsed::Both, SupplyUsed::Global, SupplyUsed::Sourcing][used];
        let risk = SupplyRisk {
            global: global.0,
            sourcing: sourcing.0,
            reliance: reliance.0,
            recycling: recycling.0,
            substitution: substitution.0,
            used,
        };
        let concentration = match used {
            SupplyUsed::Both => global.1 * reliance.1 / 2.0 + sourcing.1 * (1.0 - reliance.1 / 2.0),
            SupplyUsed::Global => global.1,
            SupplyUsed::Sourcing => sourcing.1,
        };
        let truth = concentration * (1.0 - recycling.1) * substitution.1;
        prop_assert!(encloses(&risk.estimate(), truth), "{truth} {:?}", risk.estimate());
        let blind = SupplyRisk { recycling: unknown(), ..risk }.estimate();
        prop_assert!(holds(&blind, &risk.estimate()));
    }

    #[test]
    fn the_largest_stage_encloses_every_completion(
        stages in prop::collection::vec(estimate(0.0, 9.0), 1..4),
    ) {
        let (figure, _) = supply_risk_max(stages.iter().map(|(stage, _)| *stage).enumerate());
        let truth = stages.iter().map(|(_, truth)| *truth).fold(0.0, f64::max);
        prop_assert!(encloses(&figure, truth), "{truth} {figure:?}");
    }

    #[test]
    fn economic_importance_encloses_every_completion(
        rows in prop::collection::vec((estimate(0.0, 0.2), amount()), 1..5),
        rest in 0.0..1e4_f64,
        substitution in estimate(0.0, 1.0),
    ) {
        let sector = |row: &((Estimate, f64), (Amount, f64))| Sector { share: row.0.0, value_added: row.1.0 };
        let figure =
            EconomicImportance { sectors: rows.iter().map(sector).collect(), substitution: substitution.0 };
        let largest = rows.iter().map(|row| truth(row.1)).fold(0.0, f64::max);
        prop_assume!(largest > 0.0);
        // Use that no sector is recorded for lies in one of at most the largest value added.
        let unassigned = 1.0 - rows.iter().map(|row| row.0.1).sum::<f64>();
        let used: f64 = rows.iter().map(|row| row.0.1 * truth(row.1)).sum();
        let index = (used + unassigned * rest.min(largest)) * 10.0 / largest * substitution.1;
        prop_assert!(encloses(&figure.estimate(), index), "{index} {:?}", figure.estimate());
    }

    #[test]
    fn no_input_makes_criticality_anything_but_a_figure(
        amounts in prop::collection::vec(any_amount(), 4),
        figures in prop::collection::vec(any_estimate(), 6),
        numbers in prop::collection::vec(any_number(), 6),
    ) {
        let supply = Sourcing::new(amounts[..3].iter().copied().enumerate(), amounts[3]);
        let governed =
            GovernedSupply::new(supply, |key| Risk { governance: figures[key], trade: numbers[key] });
        is_sane(&governed.hhi())?;
        for (_, figure) in governed.contributions() {
            is_sane(&figure)?;
        }
        let years = [[Some(numbers[0]), None, Some(numbers[1]), None, None, Some(numbers[2])]; 2];
        is_sane(&governance(&years))?;
        for used in [SupplyUsed::Both, SupplyUsed::Global, SupplyUsed::Sourcing] {
            let [global, sourcing, reliance, recycling, substitution] = [0, 1, 2, 3, 4].map(|i| figures[i]);
            is_sane(&SupplyRisk { global, sourcing, reliance, recycling, substitution, used }.estimate())?;
        }
        is_sane(&supply_risk_max(figures.iter().copied().enumerate()).0)?;
        let sector = |i: usize| Sector { share: figures[i], value_added: amounts[i] };
        let whole = EconomicImportance { sectors: (0..4).map(sector).collect(), substitution: figures[5] };
        is_sane(&whole.estimate())?;
        for term in whole.terms() {
            prop_assert!(term.estimate.value.is_none_or(f64::is_finite) || term.symbol == "SI_EI");
        }
    }
}
