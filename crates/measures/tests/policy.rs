//! Benchmarks of the Critical Raw Materials Act, and tests of dependency on trade.
#![allow(missing_docs, reason = "tests speak through their names")]

mod kit;

use kit::{amount, any_amount, any_estimate, bounded, encloses, estimate, holds, is_sane, truth, widened};
use orewatch_measures::{
    Amount, Benchmarks, EcYear, Estimate, ExtraImports, GeodepYear, Reliance, Sourcing, Status, TradeBalance,
    ec_dependency_years, geodep_years, methods,
};
use proptest::prelude::*;

fn accounts(production: f64, imports: f64, exports: f64) -> Reliance {
    Reliance {
        production: Amount::known(production),
        secondary: None,
        imports: Amount::known(imports),
        exports: Amount::known(exports),
        stock_decrease: None,
    }
}

fn apparent(accounts: Reliance) -> Benchmarks {
    Benchmarks { accounts, consumption: None }
}

#[test]
fn own_output_is_a_share_of_apparent_or_recorded_consumption() {
    let benchmarks = apparent(accounts(10.0, 40.0, 0.0));
    assert_eq!(benchmarks.own_output().value, Some(0.2));
    let recorded = Benchmarks { consumption: Some(Amount::known(100.0)), ..benchmarks };
    assert_eq!((recorded.own_output().value, recorded.own_output().status), (Some(0.1), Status::Known));
    let exporter = apparent(accounts(30.0, 0.0, 10.0));
    assert_eq!(exporter.own_output().value, Some(1.5), "more than it uses");
    assert_eq!(apparent(accounts(0.0, 5.0, 5.0)).own_output().status, Status::NotApplicable);
}

#[test]
fn recycling_needs_a_figure_of_scrap() {
    let blind = apparent(accounts(10.0, 40.0, 0.0)).recycling();
    assert_eq!((blind.value, blind.status), (None, Status::Unavailable));
    assert_eq!((blind.low, blind.high), (Some(0.0), Some(1.0)));
    let scrap = Reliance { secondary: Some(Amount::known(50.0)), ..accounts(10.0, 40.0, 0.0) };
    assert_eq!(apparent(scrap).recycling().value, Some(0.5));
    assert_eq!(apparent(scrap).own_output().value, Some(0.1));
}

#[test]
fn the_largest_third_country_is_named_and_what_is_shipped_on_is_no_more_than_all() {
    let rows = [("AUS", Amount::known(10.0)), ("CHN", Amount::known(70.0))];
    let imports = Sourcing::new(rows, Amount::NOTHING);
    let (share, country) = apparent(accounts(20.0, 80.0, 0.0)).third_country(&imports);
    assert_eq!((share.value, share.status, country), (Some(0.7), Status::Known, Some("CHN")));
    let (share, _) = apparent(accounts(0.0, 80.0, 60.0)).third_country(&imports);
    assert_eq!(share.value, Some(1.0));
    let nothing = Sourcing::new([], Amount::NOTHING);
    let (share, country) = apparent(accounts(20.0, 0.0, 0.0)).third_country::<&str>(&nothing);
    assert_eq!((share.value, share.status, country), (Some(0.0), Status::Known, None));
}

#[test]
fn lines_are_where_the_sources_draw_them() {
    let lines: Vec<_> = methods()
        .flat_map(|method| method.lines.iter().map(|line| (method.name, line.at, line.inclusive)))
        .collect();
    for expected in [
        ("crma-extraction", 0.10, false),
        ("crma-processing", 0.40, false),
        ("crma-recycling", 0.25, false),
        ("crma-third-country", 0.65, false),
        ("ec-dependency-years", 2.0, true),
        ("eu-economic-importance", 2.8, true),
        ("eu-supply-risk", 1.0, true),
        ("eu-supply-risk-max", 1.0, true),
        ("geodep-years", 2.0, true),
    ] {
        assert!(lines.contains(&expected), "{expected:?}");
    }
}

#[test]
fn nothing_exported_has_the_ratio_that_geodep_gives_it() {
    let ratio = |imports, exports| {
        TradeBalance { imports: Amount::known(imports), exports: Amount::known(exports) }.ratio()
    };
    assert_eq!((ratio(6.0, 3.0).value, ratio(6.0, 0.0).value), (Some(2.0), Some(9999.0)));
    assert_eq!((ratio(0.0, 3.0).value, ratio(0.0, 0.0).status), (Some(0.0), Status::NotApplicable));
    let unsure = TradeBalance { imports: Amount::known(6.0), exports: Amount::between(0.0, 3.0) }.ratio();
    assert_eq!((unsure.low, unsure.high), (Some(2.0), None));
}

fn year(import_hhi: f64, export_hhi: f64, ratio: f64) -> GeodepYear {
    GeodepYear {
        import_hhi: Estimate::known(import_hhi),
        export_hhi: Estimate::known(export_hhi),
        ratio: Estimate::known(ratio),
    }
}

#[test]
fn years_count_where_all_tests_are_met_for_certain() {
    let (met, not) = (Some(year(5000.0, 4001.0, 1.5)), Some(year(5000.0, 4000.0, 1.5)));
    let two = geodep_years(&[met, met, not]);
    assert_eq!((two.value, two.status), (Some(2.0), Status::Known), "on the line is not above it");
    let gap = geodep_years(&[met, met, None]);
    assert_eq!((gap.value, gap.low, gap.high), (Some(2.0), Some(2.0), Some(3.0)));
    assert_eq!(gap.status, Status::Partial);
    let blank = geodep_years(&[None; 3]);
    assert_eq!((blank.value, blank.low, blank.high), (None, Some(0.0), Some(3.0)));
    assert_eq!(blank.status, Status::Unavailable);
    let band = bounded(Some(4100.0), Some(3900.0), Some(4300.0));
    let straddling = Some(GeodepYear { export_hhi: band, ..year(5000.0, 0.0, 2.0) });
    let open = geodep_years(&[straddling, not, not]);
    assert_eq!((open.value, open.low, open.high), (Some(1.0), Some(0.0), Some(1.0)));
    let failed = Some(GeodepYear { export_hhi: band, ..year(100.0, 0.0, 2.0) });
    assert_eq!(geodep_years(&[failed, met, met]).status, Status::Known, "one test that fails decides");
}

#[test]
fn a_consumer_that_imports_nothing_does_not_depend() {
    let nothing = Estimate::missing(Status::NotApplicable, "nothing is imported");
    let year = Some(EcYear { import_hhi: nothing, extra_share: nothing, ratio: nothing });
    let years = ec_dependency_years(&[year, year, year]);
    assert_eq!((years.value, years.status), (Some(0.0), Status::Known));
}

proptest! {
    #[test]
    fn benchmarks_enclose_every_completion(
        amounts in [amount(), amount(), amount()],
        suppliers in prop::collection::vec(amount(), 1..5),
        stocks in estimate(-1e3, 1e3),
        recorded in prop::option::of(amount()),
    ) {
        let [production, secondary, exports] = amounts;
        let imports = Sourcing::new(suppliers.iter().map(|(amount, _)| *amount).enumerate(), Amount::NOTHING);
        let accounts = Reliance {
            production: production.0,
            secondary: Some(secondary.0),
            imports: imports.total(),
            exports: exports.0,
            stock_decrease: Some(stocks.0),
        };
        let benchmarks = Benchmarks { accounts, consumption: recorded.map(|(amount, _)| amount) };
        let imported: Vec<_> = suppliers.iter().map(|row| truth(*row)).collect();
        let net = imported.iter().sum::<f64>() - truth(exports) + stocks.1;
        let consumed = recorded.map_or_else(|| truth(production) + truth(secondary) + net, truth);
        prop_assume!(consumed > 1e-3);
        let own = truth(production) / consumed;
        prop_assert!(encloses(&benchmarks.own_output(), own), "{own} {:?}", benchmarks.own_output());
        let scrap = truth(secondary) / consumed;
        prop_assert!(encloses(&benchmarks.recycling(), scrap), "{scrap} {:?}", benchmarks.recycling());
        let most = (imported.iter().copied().fold(0.0, f64::max) / consumed).min(1.0);
        let (third, _) = benchmarks.third_country(&imports);
        prop_assert!(encloses(&third, most), "{most} {third:?}");
    }

    #[test]
    fn wider_inputs_never_narrow_a_benchmark(
        amounts in [amount(), amount(), amount()],
        suppliers in prop::collection::vec(amount(), 1..5),
        by in prop::collection::vec(0.0..1.0_f64, 8),
    ) {
        let build = |wide: bool| {
            let of = |amount: Amount, i: usize| if wide { widened(amount, by[i]) } else { amount };
            let [production, secondary, exports] = [0, 1, 2].map(|i| of(amounts[i].0, i));
            let rows = suppliers.iter().enumerate().map(|(i, (amount, _))| (i, of(*amount, i + 3)));
            let imports = Sourcing::new(rows, Amount::NOTHING);
            let accounts = Reliance {
                production,
                secondary: Some(secondary),
                imports: imports.total(),
                exports,
                stock_decrease: None,
            };
            let benchmarks = apparent(accounts);
            [benchmarks.own_output(), benchmarks.recycling(), benchmarks.third_country(&imports).0]
        };
        for (narrow, wide) in build(false).iter().zip(&build(true)) {
            prop_assume!(narrow.status != Status::NotApplicable && wide.status != Status::NotApplicable);
            prop_assert!(holds(wide, narrow), "{narrow:?} {wide:?}");
        }
    }

    #[test]
    fn trade_tests_enclose_every_completion(a in amount(), b in amount()) {
        let (one, other) = (truth(a), truth(b));
        let share = ExtraImports { extra: a.0, intra: b.0 }.share();
        if one + other > 0.0 {
            prop_assert!(encloses(&share, one / (one + other)), "{share:?}");
        }
        let ratio = TradeBalance { imports: a.0, exports: b.0 }.ratio();
        let truth = if other > 0.0 { one / other } else { 9999.0 };
        if one + other > 0.0 && (one > 0.0 || other > 0.0) {
            prop_assert!(encloses(&ratio, truth), "{truth} {ratio:?}");
        }
    }

    #[test]
    fn counts_of_years_enclose_every_completion(
        years in prop::collection::vec(
            prop::option::of((estimate(3e3, 5e3), estimate(3e3, 5e3), estimate(0.5, 1.5))),
            3,
        ),
        missing in prop::collection::vec(any::<bool>(), 3),
    ) {
        let given: Vec<_> = years
            .iter()
            .map(|year| year.map(|(a, b, c)| GeodepYear { import_hhi: a.0, export_hhi: b.0, ratio: c.0 }))
            .collect();
        let figure = geodep_years(&[given[0], given[1], given[2]]);
        let met = |(year, other): (&Option<_>, &bool)| match year {
            Some(((_, a), (_, b), (_, c))) => {
                let (a, b, c): (&f64, &f64, &f64) = (a, b, c);
                *a > 4e3 && *b > 4e3 && *c > 1.0
            }
            None => *other,
        };
        let count = years.iter().zip(&missing).map(met).map(|met| f64::from(u8::from(met))).sum::<f64>();
        prop_assert!(encloses(&figure, count), "{count} {figure:?}");
        prop_assert!(figure.value.is_none_or(|value| (0.0..=3.0).contains(&value)));
    }

    #[test]
    fn no_input_makes_a_benchmark_or_test_anything_but_a_figure(
        amounts in prop::collection::vec(any_amount(), 8),
        figures in prop::collection::vec(any_estimate(), 9),
        recorded in any::<bool>(),
    ) {
        let accounts = Reliance {
            production: amounts[0],
            secondary: Some(amounts[1]),
            imports: amounts[2],
            exports: amounts[3],
            stock_decrease: Some(figures[0]),
        };
        let benchmarks = Benchmarks { accounts, consumption: recorded.then_some(amounts[4]) };
        let imports = Sourcing::new(amounts[5..7].iter().copied().enumerate(), amounts[7]);
        is_sane(&benchmarks.own_output())?;
        is_sane(&benchmarks.recycling())?;
        is_sane(&benchmarks.third_country(&imports).0)?;
        is_sane(&ExtraImports { extra: amounts[0], intra: amounts[1] }.share())?;
        is_sane(&TradeBalance { imports: amounts[0], exports: amounts[1] }.ratio())?;
        let year = |i: usize| {
            Some(EcYear { import_hhi: figures[i], extra_share: figures[i + 1], ratio: figures[i + 2] })
        };
        is_sane(&ec_dependency_years(&[year(0), year(3), year(6)]))?;
    }
}
