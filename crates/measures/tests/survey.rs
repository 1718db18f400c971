//! The supply risk of the US Geological Survey and the share under restriction, on figures worked out by
//! hand.
#![allow(missing_docs, reason = "tests speak through their names")]

use orewatch_measures::{
    Amount, Estimate, Industry, RestrictedFlow, RestrictedImports, Status, UsgsSupplyRisk, Willingness,
    economic_vulnerability,
};

#[test]
fn a_partner_in_collective_defence_is_more_willing() {
    let freedom = |score| Estimate::known(score);
    let with = |collective_defence| Willingness {
        trade_tie: Estimate::known(0.4),
        own_freedom: freedom(90.0),
        freedom: freedom(30.0),
        collective_defence,
    };
    assert_eq!(with(Some(false)).index(), Estimate::known(0.6));
    assert!((with(Some(true)).index().value.unwrap() - 0.4).abs() < 1e-12);
    let unclear = with(None).index();
    assert_eq!(
        (unclear.value, unclear.low, unclear.high),
        (Some(0.6), with(Some(true)).index().value, Some(0.6))
    );
}

#[test]
fn supply_risk_is_the_geometric_mean_and_needs_every_term() {
    let risk = UsgsSupplyRisk {
        disruption: Estimate::known(0.8),
        exposure: Estimate::known(0.5),
        vulnerability: Estimate::known(0.16),
    };
    assert!((risk.estimate().value.unwrap() - 0.4).abs() < 1e-12);
    let none =
        UsgsSupplyRisk { vulnerability: Estimate::missing(Status::Unavailable, "no accounts"), ..risk }
            .estimate();
    assert_eq!(
        (none.value, none.low, none.status, none.reason),
        (None, None, Status::Unavailable, "no accounts")
    );
    let between =
        Estimate { low: Some(0.0), high: Some(0.5), ..Estimate::missing(Status::Partial, "bounded") };
    let bounded = UsgsSupplyRisk { exposure: between, ..risk }.estimate();
    assert_eq!((bounded.value, bounded.low, bounded.status), (None, Some(0.0), Status::Partial));
}

#[test]
fn an_industry_without_profit_loses_all_of_it() {
    let industry = |x, op| Industry {
        value_added: Amount::known(10.0),
        expenditure: Amount::known(x),
        operating_profit: Amount::known(op),
    };
    let gdp = Amount::known(100.0);
    assert_eq!(economic_vulnerability([industry(2.0, 8.0), industry(2.0, 0.0)], gdp), Estimate::known(0.125));
    assert_eq!(economic_vulnerability([industry(9.0, 3.0), industry(0.0, 0.0)], gdp), Estimate::known(0.1));
    assert_eq!(economic_vulnerability([industry(1.0, 1.0)], Amount::NOTHING).status, Status::Unavailable);
}

#[test]
fn what_nobody_vouches_for_is_on_both_sides_of_the_restricted_share() {
    let flow = |amount, restricted| RestrictedFlow { amount: Amount::known(amount), restricted };
    let all =
        RestrictedImports { flows: vec![flow(60.0, Some(true)), flow(20.0, Some(false)), flow(20.0, None)] }
            .share();
    assert_eq!((all.value, all.low, all.high, all.coverage), (Some(0.75), Some(0.6), Some(0.8), Some(0.8)));
    let told = RestrictedImports { flows: vec![flow(60.0, Some(true)), flow(40.0, Some(false))] };
    assert_eq!(told.share(), Estimate::known(0.6));
    let only = RestrictedFlow { amount: Amount::withheld(), restricted: Some(true) };
    let share = RestrictedImports { flows: vec![only] }.share();
    assert_eq!((share.low, share.high), (Some(1.0), Some(1.0)), "whatever it is, all of it is restricted");
    assert_eq!(RestrictedImports { flows: vec![] }.share().status, Status::NotApplicable);
}
