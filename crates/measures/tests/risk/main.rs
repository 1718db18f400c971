//! Properties of the risk measures that hold for all inputs: bounds enclose the truth, and wider inputs never
//! narrow them.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests speak through their names, and stop at what is wrong"
)]

use std::collections::BTreeMap;

use orewatch_measures::{
    Amount, Disruption, Estimate, GeoPolRisk, ImportFlow, Industry, Mirror, Reliance, RestrictedFlow,
    RestrictedImports, Sourcing, Status, SupplyIndices, UsgsSupplyRisk, Willingness, ability,
    economic_vulnerability, instability, trade_ties, unit_value,
};
use proptest::prelude::*;

use crate::doubt::{Doubt, EPSILON, contains, doubt, encloses, is_sane};

mod doubt;
mod examples;

type Flow = (Doubt, Doubt, Doubt);

fn flows() -> impl Strategy<Value = Vec<Flow>> {
    prop::collection::vec((doubt(), doubt(), doubt()), 0..6)
}

fn market(output: &[Doubt], residual: &Doubt, of: impl Fn(&Doubt) -> Amount) -> Sourcing<usize> {
    Sourcing::new(output.iter().map(&of).enumerate(), of(residual))
}

fn risk(output: Sourcing<usize>, flows: &[Flow], home: Amount, wide: bool) -> GeoPolRisk<usize> {
    let amount = |of: &Doubt| if wide { of.wide_amount() } else { of.narrow_amount() };
    let imports = flows.iter().map(|(q, v, g)| ImportFlow {
        quantity: amount(q),
        value: amount(v),
        instability: if wide { g.wide_figure(1.0) } else { g.narrow_figure(1.0) },
    });
    GeoPolRisk { output, imports: imports.collect(), domestic: home }
}

/// Import risk, score, price and factor of what is true.
fn true_risk(output: &[f64], flows: &[Flow], home: f64) -> Option<[f64; 4]> {
    let sum = |of: &dyn Fn(&Flow) -> f64| flows.iter().map(of).sum::<f64>();
    let (world, quantity) = (output.iter().sum::<f64>(), sum(&|(q, ..)| q.truth));
    if world <= 0.0 || quantity <= 0.0 {
        return None;
    }
    let wta = sum(&|(q, _, g)| q.truth * g.at(1.0)) / (quantity + home);
    let score = wta * output.iter().map(|p| (p / world).powi(2)).sum::<f64>();
    let price = sum(&|(_, v, _)| v.truth) / quantity;
    Some([wta, score, price, score * price / 0.409_412_948])
}

fn figures(risk: &GeoPolRisk<usize>) -> [Estimate; 4] {
    [risk.import_risk(), risk.score(), risk.price(), risk.factor()]
}

/// An amount whose numbers need not be numbers.
fn any_amount(x: &[f64; 8], at: usize) -> Amount {
    if x[at].to_bits() & 1 == 0 { Amount::known(x[at]) } else { Amount::between(x[at], x[at + 1]) }
}

/// An estimate whose numbers need not be numbers.
fn any_estimate(x: &[f64; 8], at: usize) -> Estimate {
    Estimate {
        value: Some(x[at]),
        low: Some(x[at + 1]),
        high: Some(x[at + 2]),
        coverage: None,
        status: Status::Partial,
        reason: "odd",
    }
}

proptest! {
    #[test]
    fn geopolrisk_is_sound_and_monotone(
        output in prop::collection::vec(doubt(), 1..6),
        residual in doubt(),
        flows in flows(),
        home in doubt(),
    ) {
        let narrow =
            risk(market(&output, &residual, Doubt::narrow_amount), &flows, home.narrow_amount(), false);
        let wide = risk(market(&output, &residual, Doubt::wide_amount), &flows, home.wide_amount(), true);
        let truths: Vec<f64> = output.iter().chain([&residual]).map(|doubt| doubt.truth).collect();
        for (inner, outer) in figures(&narrow).iter().zip(&figures(&wide)) {
            prop_assert!(is_sane(inner) && is_sane(outer), "{inner:?} {outer:?}");
            prop_assert!(contains(outer, inner), "{inner:?} {outer:?}");
        }
        if let Some(truth) = true_risk(&truths, &flows, home.truth) {
            for (estimate, truth) in figures(&narrow).iter().zip(truth) {
                prop_assert!(encloses(estimate, truth), "{truth} {estimate:?}");
            }
        }
    }

    #[test]
    fn the_bounds_of_import_risk_are_reached(flows in flows(), home in doubt()) {
        let risk = risk(Sourcing::new([], Amount::NOTHING), &flows, home.narrow_amount(), false);
        let estimate = risk.import_risk();
        prop_assume!(estimate.status == Status::Partial);
        // Every corner of the box: the extremes of a ratio of sums lie in one of them.
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for corner in 0..1_u32 << (flows.len() + 1) {
            let pick =
                |index: usize, doubt: &Doubt| if corner >> index & 1 == 0 { doubt.low } else { doubt.high };
            let all: f64 = flows.iter().enumerate().map(|(at, (q, ..))| pick(at, q)).sum();
            let all = all + pick(flows.len(), &home);
            let sum = |of: &dyn Fn(&Doubt) -> f64| {
                flows.iter().enumerate().map(|(at, (q, _, g))| pick(at, q) * of(g) / 100.0).sum::<f64>()
            };
            if all > 0.0 {
                least = least.min(sum(&|g| g.low) / all);
                most = most.max(sum(&|g| g.high) / all);
            }
        }
        prop_assume!(most.is_finite());
        prop_assert!((estimate.low.unwrap() - least).abs() < EPSILON, "{least} {estimate:?}");
        prop_assert!((estimate.high.unwrap() - most).abs() < EPSILON, "{most} {estimate:?}");
    }

    #[test]
    fn disruption_is_sound_and_monotone(
        producers in prop::collection::vec((doubt(), doubt(), doubt()), 1..6),
        residual in doubt(),
        own in 0.0..=1.0_f64,
    ) {
        let build = |amount: &dyn Fn(&Doubt) -> Amount, index: &dyn Fn(&Doubt) -> Estimate| {
            let output =
                Sourcing::new(producers.iter().map(|(p, ..)| amount(p)).enumerate(), amount(&residual));
            let indices =
                producers.iter().map(|(_, a, w)| SupplyIndices { ability: index(a), willingness: index(w) });
            Disruption { output, indices: indices.enumerate().collect() }.potential()
        };
        let narrow = build(&Doubt::narrow_amount, &|doubt| doubt.narrow_figure(1.0));
        let wide = build(&Doubt::wide_amount, &|doubt| doubt.wide_figure(1.0));
        prop_assert!(is_sane(&narrow) && is_sane(&wide), "{narrow:?} {wide:?}");
        prop_assert!(contains(&wide, &narrow), "{narrow:?} {wide:?}");
        let world = producers.iter().map(|(p, ..)| p.truth).sum::<f64>() + residual.truth;
        if world > 0.0 {
            let part = |p: f64, weight: f64| (p / world).powi(2) * weight;
            let named: f64 = producers.iter().map(|(p, a, w)| part(p.truth, a.at(1.0) * w.at(1.0))).sum();
            let truth = named + part(residual.truth, own);
            prop_assert!(encloses(&narrow, truth), "{truth} {narrow:?}");
        }
    }

    #[test]
    fn vulnerability_is_sound_and_monotone(
        industries in prop::collection::vec((doubt(), doubt(), doubt()), 0..6),
        gdp in doubt(),
    ) {
        let build = |amount: &dyn Fn(&Doubt) -> Amount| {
            let industry = |(va, x, op): &Flow| Industry {
                value_added: amount(va),
                expenditure: amount(x),
                operating_profit: amount(op),
            };
            economic_vulnerability(industries.iter().map(industry), amount(&gdp))
        };
        let (narrow, wide) = (build(&Doubt::narrow_amount), build(&Doubt::wide_amount));
        prop_assert!(is_sane(&narrow) && is_sane(&wide), "{narrow:?} {wide:?}");
        if gdp.truth > 0.0 {
            prop_assert!(contains(&wide, &narrow), "{narrow:?} {wide:?}");
            let lost = |x: f64, op: f64| {
                if x <= 0.0 {
                    0.0
                } else if op > 0.0 {
                    (x / op).min(1.0)
                } else {
                    1.0
                }
            };
            let sum: f64 = industries.iter().map(|(va, x, op)| va.truth * lost(x.truth, op.truth)).sum();
            prop_assert!(encloses(&narrow, (sum / gdp.truth).min(1.0)), "{narrow:?}");
        }
    }

    #[test]
    fn supply_risk_is_sound_and_monotone(terms in prop::array::uniform3(doubt())) {
        let build = |[disruption, exposure, vulnerability]: [Estimate; 3]| {
            UsgsSupplyRisk { disruption, exposure, vulnerability }.estimate()
        };
        let narrow = build(terms.map(|doubt| doubt.narrow_figure(1.0)));
        let wide = build(terms.map(|doubt| doubt.wide_figure(1.0)));
        prop_assert!(is_sane(&narrow) && is_sane(&wide) && contains(&wide, &narrow), "{narrow:?} {wide:?}");
        let truth = terms.iter().map(|doubt| doubt.at(1.0)).product::<f64>().cbrt();
        prop_assert!(encloses(&narrow, truth), "{truth} {narrow:?}");
    }

    #[test]
    fn willingness_is_sound_and_monotone(
        parts in prop::array::uniform3(doubt()),
        ally in any::<bool>(),
        told in any::<bool>(),
    ) {
        let build = |of: &dyn Fn(&Doubt, f64) -> Estimate, collective_defence| {
            let [tie, own, other] = &parts;
            Willingness {
                trade_tie: of(tie, 1.0),
                own_freedom: of(own, 100.0),
                freedom: of(other, 100.0),
                collective_defence,
            }
            .index()
        };
        let narrow = build(&|doubt, top| doubt.narrow_figure(top), told.then_some(ally));
        let wide = build(&|doubt, top| doubt.wide_figure(top), None);
        prop_assert!(is_sane(&narrow) && is_sane(&wide) && contains(&wide, &narrow), "{narrow:?} {wide:?}");
        let [tie, own, other] = &parts;
        let sum = 1.0 - tie.at(1.0) + (own.truth - other.truth).abs() / 100.0;
        prop_assert!(encloses(&narrow, sum / if ally { 3.0 } else { 2.0 }), "{narrow:?}");
    }

    #[test]
    fn trade_ties_are_sound_and_monotone(economies in prop::collection::vec((doubt(), doubt()), 1..6)) {
        let build = |amount: &dyn Fn(&Doubt) -> Amount| {
            trade_ties(
                economies
                    .iter()
                    .map(|(trade, gdp)| (amount(trade), amount(gdp)))
                    .enumerate()
                    .map(|(k, (t, g))| (k, t, g)),
            )
        };
        prop_assume!(economies.iter().all(|(_, gdp)| gdp.truth > 0.0));
        let (narrow, wide) = (build(&Doubt::narrow_amount), build(&Doubt::wide_amount));
        prop_assert!(
            narrow.iter().zip(&wide).all(|((_, a), (_, b))| is_sane(a) && is_sane(b) && contains(b, a))
        );
        let ties: Vec<f64> = economies.iter().map(|(trade, gdp)| trade.truth / gdp.truth).collect();
        let largest = ties.iter().copied().fold(0.0, f64::max);
        if largest > 0.0 && ties.iter().all(|tie| tie.is_finite()) {
            for (key, tie) in ties.iter().enumerate() {
                prop_assert!(encloses(&narrow[&key], tie / largest), "{} {:?}", tie / largest, narrow[&key]);
            }
        }
    }

    #[test]
    fn the_restricted_share_is_sound_and_monotone(
        flows in prop::collection::vec((doubt(), any::<bool>(), any::<bool>()), 0..6),
    ) {
        let build = |amount: &dyn Fn(&Doubt) -> Amount, forget: bool| {
            let flow = |(a, restricted, told): &(Doubt, bool, bool)| RestrictedFlow {
                amount: amount(a),
                restricted: (*told && !forget).then_some(*restricted),
            };
            RestrictedImports { flows: flows.iter().map(flow).collect() }.share()
        };
        let (narrow, wide) = (build(&Doubt::narrow_amount, false), build(&Doubt::wide_amount, false));
        let forgotten = build(&Doubt::narrow_amount, true);
        prop_assert!(
            is_sane(&narrow) && is_sane(&wide) && is_sane(&forgotten),
            "{narrow:?} {wide:?} {forgotten:?}"
        );
        prop_assert!(
            contains(&wide, &narrow) && contains(&forgotten, &narrow),
            "{narrow:?} {wide:?} {forgotten:?}"
        );
        let all: f64 = flows.iter().map(|(a, ..)| a.truth).sum();
        if all > 0.0 {
            let restricted: f64 =
                flows.iter().filter(|(_, restricted, _)| *restricted).map(|(a, ..)| a.truth).sum();
            prop_assert!(encloses(&narrow, restricted / all), "{} {narrow:?}", restricted / all);
        }
    }

    #[test]
    fn doubt_about_a_flow_only_widens_what_follows_from_it(
        amounts in prop::collection::vec((doubt(), doubt(), 0.0..=1.0_f64), 1..6),
        residual in doubt(),
    ) {
        // Each flow as it is; as reported by two sides; as part of a basket; and both.
        let rest = residual.narrow_amount();
        let build = |of: &dyn Fn(&(Doubt, Doubt, f64)) -> Amount| {
            Sourcing::new(amounts.iter().map(of).enumerate(), rest)
        };
        let mirrored = |(a, b, _): &(Doubt, Doubt, f64)| {
            Amount::from_reports(Some(a.narrow_amount()), Some(b.narrow_amount()), Mirror::Importer)
        };
        let plain = build(&|(a, ..)| a.narrow_amount());
        let wider = [
            build(&mirrored),
            build(&|(a, _, purity)| a.narrow_amount().with_purity(*purity)),
            build(&|flow| mirrored(flow).with_purity(flow.2)),
        ];
        let risk = |imports: &Sourcing<usize>| GeoPolRisk {
            output: plain.clone(),
            imports: imports
                .suppliers()
                .iter()
                .map(|(key, quantity)| ImportFlow {
                    quantity: *quantity,
                    value: Amount::known(1.0),
                    instability: Estimate::known([0.2, 0.9, 0.5][key % 3]),
                })
                .collect(),
            domestic: rest,
        };
        let reliance = |imports: &Sourcing<usize>| {
            Reliance {
                production: rest,
                secondary: None,
                imports: imports.total(),
                exports: Amount::known(5.0),
                stock_decrease: None,
            }
            .estimate()
        };
        for wide in &wider {
            prop_assert!(contains(&wide.hhi(), &plain.hhi()), "{:?} {:?}", plain.hhi(), wide.hhi());
            prop_assert!(contains(&wide.top::<1>().0, &plain.top::<1>().0));
            prop_assert!(contains(&wide.top::<3>().0, &plain.top::<3>().0));
            prop_assert!(contains(&reliance(wide), &reliance(&plain)));
            for (outer, inner) in figures(&risk(wide)).iter().zip(&figures(&risk(&plain))) {
                prop_assert!(contains(outer, inner), "{inner:?} {outer:?}");
            }
            for ((_, inner), (_, outer)) in plain.shares().zip(wide.shares()) {
                prop_assert!(contains(&outer, &inner), "{inner:?} {outer:?}");
            }
        }
    }

    #[test]
    fn wider_inputs_never_narrow_sourcing_or_reliance(
        amounts in prop::collection::vec(doubt(), 3..7),
        residual in doubt(),
        stocks in -10.0..10.0_f64,
    ) {
        let (narrow, wide) = (
            market(&amounts, &residual, Doubt::narrow_amount),
            market(&amounts, &residual, Doubt::wide_amount),
        );
        prop_assert!(contains(&wide.hhi(), &narrow.hhi()), "{:?} {:?}", narrow.hhi(), wide.hhi());
        prop_assert!(contains(&wide.top::<1>().0, &narrow.top::<1>().0));
        prop_assert!(contains(&wide.top::<3>().0, &narrow.top::<3>().0));
        prop_assert!(
            narrow.shares().zip(wide.shares()).all(|((_, inner), (_, outer))| contains(&outer, &inner))
        );
        let reliance = |of: &dyn Fn(&Doubt) -> Amount| {
            Reliance {
                production: of(&amounts[0]),
                secondary: None,
                imports: of(&amounts[1]),
                exports: of(&amounts[2]),
                stock_decrease: Some(Estimate::known(stocks)),
            }
            .estimate()
        };
        let (inner, outer) = (reliance(&Doubt::narrow_amount), reliance(&Doubt::wide_amount));
        prop_assert!(contains(&outer, &inner), "{inner:?} {outer:?}");
    }

    #[test]
    fn two_reports_are_spanned_and_a_silent_side_says_nothing(a in doubt(), b in doubt()) {
        let (one, other) = (a.narrow_amount(), b.narrow_amount());
        let both = one.best().zip(other.best());
        let known = [
            (Mirror::Importer, both.map(|(importer, _)| importer)),
            (Mirror::Exporter, both.map(|(_, exporter)| exporter)),
            (Mirror::Larger, both.map(|(importer, exporter)| importer.max(exporter))),
            (Mirror::Mean, both.map(|(importer, exporter)| importer / 2.0 + exporter / 2.0)),
        ];
        for (mirror, best) in known {
            let flow = Amount::from_reports(Some(one), Some(other), mirror);
            prop_assert!(
                flow.low() <= one.low().min(other.low()) && flow.high() >= one.high().max(other.high())
            );
            prop_assert_eq!(flow.best(), best.or_else(|| one.best()).or_else(|| other.best()));
            prop_assert_eq!(flow.is_known(), one.is_known() && one == other);
            prop_assert_eq!(Amount::from_reports(Some(one), None, mirror), one);
            prop_assert_eq!(Amount::from_reports(None, Some(one), mirror), one);
            prop_assert_eq!(Amount::from_reports(None, None, mirror), Amount::NOTHING);
        }
    }

    #[test]
    fn no_number_at_all_gives_anything_but_numbers(x in prop::array::uniform8(prop::num::f64::ANY)) {
        let (amount, odd) = (|at| any_amount(&x, at), |at| any_estimate(&x, at));
        let purity = amount(0).with_purity(x[1]).estimate();
        let reported = Amount::from_reports(Some(amount(2)), Some(amount(4)), Mirror::Mean).estimate();
        let output = || Sourcing::new([(0, amount(0)), (1, amount(1)), (2, amount(2))], amount(3));
        let flow = |at: usize| ImportFlow {
            quantity: amount(at),
            value: amount(at + 1),
            instability: instability(&odd(at)),
        };
        let risk =
            GeoPolRisk { output: output(), imports: vec![flow(0), flow(3), flow(5)], domestic: amount(6) };
        let willing =
            Willingness { trade_tie: odd(0), own_freedom: odd(2), freedom: odd(4), collective_defence: None };
        let indices = SupplyIndices { ability: ability(&odd(1)), willingness: willing.index() };
        let disruption =
            Disruption { output: output(), indices: BTreeMap::from([(0, indices), (1, indices)]) }
                .potential();
        let industry =
            Industry { value_added: amount(1), expenditure: amount(4), operating_profit: amount(5) };
        let vulnerability = economic_vulnerability([industry, industry], amount(6));
        let known = Estimate { status: Status::Known, reason: "", ..odd(3) };
        let supply = UsgsSupplyRisk { disruption, exposure: known, vulnerability };
        let restricted = RestrictedImports {
            flows: vec![
                RestrictedFlow { amount: amount(0), restricted: Some(true) },
                RestrictedFlow { amount: amount(2), restricted: Some(false) },
                RestrictedFlow { amount: amount(4), restricted: None },
            ],
        };
        let ties =
            trade_ties([(0, amount(0), amount(2)), (1, amount(4), amount(6)), (2, amount(5), amount(1))]);
        let mut all = vec![
            purity,
            reported,
            supply.estimate(),
            disruption,
            vulnerability,
            restricted.share(),
            instability(&known),
        ];
        all.extend([odd(5).as_substitute(-2.5, 2.5), indices.ability, unit_value([(amount(0), amount(1))])]);
        all.extend(figures(&risk));
        all.extend(ties.into_values());
        all.extend(
            restricted
                .terms("t")
                .iter()
                .chain(&willing.terms())
                .chain(&risk.terms())
                .map(|term| term.estimate),
        );
        for estimate in all {
            prop_assert!(is_sane(&estimate), "{estimate:?}");
        }
    }
}
