//! Single cases of the geopolitical supply risk.

use orewatch_measures::{Amount, Estimate, GeoPolRisk, ImportFlow, Sourcing, Status, instability};

#[test]
fn a_flow_inside_a_bloc_carries_no_risk_and_counts_as_supply() {
    let output = Sourcing::new([("GAB", Amount::known(1.0))], Amount::NOTHING);
    let outside = ImportFlow {
        quantity: Amount::known(60.0),
        value: Amount::known(30.0),
        instability: Estimate::known(0.5),
    };
    let inside = ImportFlow::inside(Amount::known(40.0), Amount::known(20.0));
    let risk = GeoPolRisk { output, imports: vec![outside, inside], domestic: Amount::NOTHING };
    assert_eq!(risk.import_risk(), Estimate::known(0.3));
    assert_eq!(risk.score(), Estimate::known(0.3));
    assert_eq!(risk.price(), Estimate::known(0.5));
    let symbols: Vec<_> = risk.terms().iter().map(|term| term.symbol).collect();
    assert_eq!(symbols, ["HHI", "sum(q_j * g_j)", "sum(q_j)", "P", "WTA", "Score", "price", "CF"]);
    assert_eq!(risk.terms().last().unwrap().estimate, risk.factor());
}

#[test]
fn a_supplier_without_an_indicator_has_the_methods_half_between_all_and_nothing() {
    let g = instability(&Estimate::missing(Status::Unavailable, "no indicator of this economy"));
    assert_eq!((g.value, g.low, g.high), (Some(0.5), Some(0.0), Some(1.0)));
    assert_eq!((g.status, g.reason), (Status::Partial, "no indicator of this economy"));
    let earlier = instability(&Estimate::known(-1.5).as_substitute(-2.5, 2.5));
    assert_eq!((earlier.value, earlier.low, earlier.high), (Some(0.8), Some(0.0), Some(1.0)));
    assert_eq!(instability(&Estimate::known(-3.0)), Estimate::known(1.0), "the scale ends at -2.5");
}

#[test]
fn output_at_home_that_is_not_known_lowers_the_least_import_risk_to_nothing() {
    let output = Sourcing::new([("GAB", Amount::known(1.0))], Amount::NOTHING);
    let flow = ImportFlow {
        quantity: Amount::known(10.0),
        value: Amount::unavailable(),
        instability: Estimate::known(0.4),
    };
    let with = |domestic| GeoPolRisk { output: output.clone(), imports: vec![flow], domestic };
    let withheld = with(Amount::withheld()).import_risk();
    assert_eq!((withheld.value, withheld.low, withheld.high), (None, Some(0.0), Some(0.4)));
    assert_eq!(withheld.status, Status::Partial);
    let bounded = with(Amount::between(0.0, 10.0)).import_risk();
    assert_eq!((bounded.value, bounded.low, bounded.high), (Some(0.4), Some(0.2), Some(0.4)));
    let factor = with(Amount::NOTHING).factor();
    assert_eq!((factor.value, factor.low, factor.high), (None, Some(0.0), None), "no price, no upper bound");
    let nothing = GeoPolRisk { imports: vec![], ..with(Amount::NOTHING) };
    assert!(figures_of(&nothing).iter().all(|figure| figure.status == Status::NotApplicable));
}

fn figures_of(risk: &GeoPolRisk<&str>) -> [Estimate; 4] {
    [risk.import_risk(), risk.score(), risk.price(), risk.factor()]
}
