//! Import reliance, its printed forms, cover without the largest supplier, and trends.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests speak through their names, and stop where they fail"
)]

mod kit;

use kit::{amount, any_amount, any_estimate, encloses, estimate, holds, is_sane, truth, widened};
use orewatch_catalog::Period;
use orewatch_measures::{Amount, Cover, Estimate, PrintedReliance, Reliance, Sourcing, Status, Trend};
use proptest::prelude::*;

fn known(production: f64, imports: f64, exports: f64) -> Reliance {
    Reliance {
        production: Amount::known(production),
        secondary: None,
        imports: Amount::known(imports),
        exports: Amount::known(exports),
        stock_decrease: None,
    }
}

#[test]
fn a_net_exporter_is_told_from_balanced_trade() {
    let exporter = known(100.0, 10.0, 50.0);
    assert_eq!((exporter.estimate().value, exporter.estimate().status), (Some(0.0), Status::Known));
    assert_eq!(
        (exporter.is_net_exporter(), PrintedReliance::from_reliance(&exporter)),
        (Some(true), PrintedReliance::NetExporter)
    );
    assert_eq!(exporter.net_imports().value, Some(-40.0));
    let even = known(100.0, 50.0, 50.0);
    assert_eq!(
        (even.estimate().value, PrintedReliance::from_reliance(&even)),
        (Some(0.0), PrintedReliance::Percent(0))
    );
    let unsure = Reliance { exports: Amount::between(0.0, 20.0), ..exporter };
    assert_eq!(unsure.is_net_exporter(), None);
}

#[test]
fn what_is_printed_reads_and_writes_the_same() {
    for text in ["E", "W", "NA", "0", "73", "100", ">95", ">75", ">50", ">25", "<25", "<50"] {
        let printed: PrintedReliance = text.parse().unwrap();
        assert_eq!(printed.to_string(), text);
    }
    for text in ["", "e", "101", "-3", "> x", "73 %", ">", "NaN", "256"] {
        let error = text.parse::<PrintedReliance>().unwrap_err();
        assert!(error.to_string().starts_with(&format!("`{text}` is not a net import reliance")), "{error}");
    }
    let above = PrintedReliance::Above(50).estimate();
    assert_eq!((above.value, above.low, above.high), (None, Some(0.5), Some(1.0)));
    let below = PrintedReliance::Below(25).estimate();
    assert_eq!((below.low, below.high, below.status), (Some(0.0), Some(0.25), Status::Withheld));
}

#[test]
fn what_is_withheld_is_printed_by_the_narrowest_line_that_holds() {
    let cases = [(1.0, ">95"), (20.0, ">75"), (80.0, ">50"), (250.0, ">25")];
    for (most, printed) in cases {
        let reliance = Reliance { production: Amount::between(0.0, most), ..known(0.0, 100.0, 0.0) };
        assert_eq!(PrintedReliance::from_reliance(&reliance).to_string(), printed, "output up to {most}");
    }
    let withheld = Reliance { production: Amount::withheld(), ..known(0.0, 100.0, 0.0) };
    assert_eq!(PrintedReliance::from_reliance(&withheld), PrintedReliance::Withheld);
    let absent = Reliance { production: Amount::unavailable(), ..known(0.0, 100.0, 0.0) };
    assert_eq!(PrintedReliance::from_reliance(&absent), PrintedReliance::NotAvailable);
    let mostly_own = Reliance { imports: Amount::between(0.0, 10.0), ..known(90.0, 0.0, 0.0) };
    assert_eq!(PrintedReliance::from_reliance(&mostly_own), PrintedReliance::Below(25));
}

#[test]
fn stocks_and_scrap_that_are_withheld_widen_the_bounds() {
    let cobalt = Reliance {
        production: Amount::NOTHING,
        secondary: Some(Amount::known(1920.0)),
        imports: Amount::known(10_500.0),
        exports: Amount::known(5360.0),
        stock_decrease: Some(Estimate::known(80.0)),
    };
    assert_eq!(PrintedReliance::from_reliance(&cobalt), PrintedReliance::Percent(73));
    let scrap = Reliance { secondary: Some(Amount::withheld()), ..cobalt }.estimate();
    assert_eq!((scrap.low, scrap.high, scrap.status), (Some(0.0), Some(1.0), Status::Partial));
    let missing = Estimate::missing(Status::Withheld, "withheld");
    let stocks = Reliance { stock_decrease: Some(missing), ..cobalt };
    assert_eq!((stocks.estimate().low, stocks.estimate().high), (Some(0.0), Some(1.0)));
    assert_eq!(stocks.net_imports().high, None);
    assert_eq!(stocks.estimate().status, Status::Partial);
}

#[test]
fn the_eu_leaves_scrap_and_stocks_out() {
    let both = Reliance {
        secondary: Some(Amount::known(1000.0)),
        stock_decrease: Some(Estimate::known(40.0)),
        ..known(60.0, 50.0, 10.0)
    };
    assert_eq!(both.eu_estimate().value, Some(0.4));
    assert_eq!(known(60.0, 10.0, 50.0).eu_estimate().value, Some(0.0), "exports exceed imports");
    assert_eq!(known(0.0, 0.0, 0.0).eu_estimate().status, Status::NotApplicable);
}

#[test]
fn terms_follow_the_symbols_of_the_catalogue() {
    let reliance = known(60.0, 50.0, 10.0);
    for (measure, terms) in
        [("net-import-reliance", reliance.terms()), ("eu-import-reliance", reliance.eu_terms())]
    {
        let method = measure.parse::<orewatch_measures::Measure>().unwrap().method();
        let symbols: Vec<_> = method.symbols.iter().map(|symbol| symbol.symbol).collect();
        assert_eq!(terms.iter().map(|term| term.symbol).collect::<Vec<_>>(), symbols, "{measure}");
    }
}

fn market(rows: &[(&'static str, f64)]) -> Sourcing<&'static str> {
    Sourcing::new(rows.iter().map(|(key, t)| (*key, Amount::known(*t))), Amount::NOTHING)
}

#[test]
fn cover_leaves_the_largest_supplier_out_of_supply_and_demand() {
    // Of 100 t, China supplies 80 and uses 50: the others have 20 t for the 50 t that they use.
    let supply = market(&[("AUS", 15.0), ("CHN", 80.0), ("USA", 5.0)]);
    let demand = market(&[("CHN", 50.0), ("DEU", 30.0), ("USA", 20.0)]);
    let (cover, largest) = Cover { supply: &supply, demand: &demand }.estimate();
    assert_eq!((cover.value, cover.status, largest), (Some(0.4), Status::Known, Some("CHN")));
    let alone = market(&[("CHN", 50.0)]);
    let (cover, _) = Cover { supply: &supply, demand: &alone }.estimate();
    assert_eq!(cover.status, Status::NotApplicable, "nobody else uses any");
    let nothing = market(&[]);
    let (cover, largest) = Cover { supply: &nothing, demand: &demand }.estimate();
    assert_eq!((cover.status, largest), (Status::NotApplicable, None));
}

#[test]
fn a_residual_that_may_be_the_largest_supplier_opens_the_cover() {
    let supply =
        Sourcing::new([("CHN", Amount::known(40.0)), ("USA", Amount::known(10.0))], Amount::known(50.0));
    let demand = market(&[("CHN", 30.0), ("USA", 70.0)]);
    let (cover, largest) = Cover { supply: &supply, demand: &demand }.estimate();
    assert_eq!((cover.status, largest), (Status::Partial, Some("CHN")));
    assert_eq!(cover.value, Some(60.0 / 70.0));
    assert!(cover.low.unwrap() <= 50.0 / 100.0, "the residual is one supplier that uses nothing");
}

#[test]
fn demand_of_the_largest_supplier_that_is_hidden_in_a_residual_leaves_a_lower_bound() {
    // Non-Chinese supply of 25.56 kt for a world that uses 122.85 kt, of which China's own use is not known.
    let supply = market(&[("CHN", 81.12), ("USA", 25.56)]);
    let demand = Sourcing::new([("DEU", Amount::known(20.0))], Amount::known(102.85));
    let (cover, largest) = Cover { supply: &supply, demand: &demand }.estimate();
    assert_eq!((cover.status, cover.value, largest), (Status::Partial, None, Some("CHN")));
    assert!((cover.low.unwrap() - 25.56 / 122.85).abs() < 1e-12, "if China uses none");
    assert!((cover.high.unwrap() - 25.56 / 20.0).abs() < 1e-12, "if China uses all of the residual");
    assert!(cover.reason.contains("uses itself"), "{cover:?}");
}

fn year(year: i16) -> Period {
    Period::year(year).unwrap()
}

#[test]
fn a_trend_needs_every_period_it_speaks_of() {
    let rows = [(2019, 0.5), (2020, 0.4), (2022, 0.6), (2023, 0.9), (2024, 0.3)];
    let series: Vec<_> = rows.map(|(at, value)| (year(at), Estimate::known(value))).to_vec();
    let trend = Trend::from_series(&series, year(2024));
    assert!((trend.change.value.unwrap() + 0.6).abs() < 1e-12);
    assert!((trend.mean3.value.unwrap() - 0.6).abs() < 1e-12);
    assert_eq!((trend.mean5.value, trend.mean5.status), (None, Status::Unavailable), "2021 is missing");
    assert_eq!(trend.mean5.reason, "a period that it needs has no figure");
    let before = Trend::from_series(&series, year(2019));
    assert_eq!((before.change.value, before.mean3.value), (None, None));
}

#[test]
fn months_follow_months_across_a_year() {
    let month = |year, month| Period::month(year, month).unwrap();
    let series = [
        (month(2024, 1), Estimate::known(5.0)),
        (year(2023), Estimate::known(100.0)),
        (month(2023, 12), Estimate::known(3.0)),
        (month(2023, 11), Estimate::known(1.0)),
    ];
    let trend = Trend::from_series(&series, month(2024, 1));
    assert_eq!((trend.change.value, trend.mean3.value), (Some(2.0), Some(3.0)));
    assert_eq!(Trend::from_series(&series, year(2023)).change.status, Status::Unavailable);
}

proptest! {
    #[test]
    fn reliance_encloses_every_completion(
        production in amount(),
        secondary in amount(),
        imports in amount(),
        exports in amount(),
        stocks in estimate(-1e3, 1e3),
    ) {
        let reliance = Reliance {
            production: production.0,
            secondary: Some(secondary.0),
            imports: imports.0,
            exports: exports.0,
            stock_decrease: Some(stocks.0),
        };
        let net = truth(imports) - truth(exports) + stocks.1;
        let consumption = truth(production) + truth(secondary) + net;
        prop_assert!(encloses(&reliance.net_imports(), net));
        prop_assert!(encloses(&reliance.consumption(), consumption));
        let figure = reliance.estimate();
        prop_assume!(net < 0.0 || consumption > 0.0);
        let share = if net < 0.0 { 0.0 } else { net / consumption };
        prop_assert!(encloses(&figure, share), "{share} {figure:?}");
    }

    #[test]
    fn wider_inputs_never_narrow_reliance(
        amounts in [amount(), amount(), amount(), amount()],
        by in [0.0..1.0, 0.0..1.0, 0.0..1.0, 0.0..1.0],
    ) {
        let build = |wide: bool| {
            let [production, secondary, imports, exports] =
                [0, 1, 2, 3].map(|i| if wide { widened(amounts[i].0, by[i]) } else { amounts[i].0 });
            Reliance { production, secondary: Some(secondary), imports, exports, stock_decrease: None }
        };
        let (narrow, wide) = (build(false).estimate(), build(true).estimate());
        prop_assume!(narrow.status != Status::NotApplicable && wide.status != Status::NotApplicable);
        prop_assert!(holds(&wide, &narrow), "{narrow:?} {wide:?}");
    }

    #[test]
    fn cover_encloses_every_completion(
        supply in prop::collection::vec(amount(), 1..6),
        demand in prop::collection::vec(amount(), 6),
        rest in (amount(), amount()),
        parts in 1_usize..4,
    ) {
        let rows =
            |all: &[(Amount, f64)]| all.iter().map(|(amount, _)| *amount).enumerate().collect::<Vec<_>>();
        let (s, d) = (Sourcing::new(rows(&supply), rest.0.0), Sourcing::new(rows(&demand), rest.1.0));
        let (figure, _) = Cover { supply: &s, demand: &d }.estimate();

        // The residuals belong to economies beyond those listed, in equal parts; the first of them uses all
        // of its residual.
        let count = f64::from(u32::try_from(parts).unwrap());
        let mut supplied: Vec<_> = supply.iter().map(|row| truth(*row)).collect();
        supplied.resize(6, 0.0);
        let mut used: Vec<_> = demand.iter().map(|row| truth(*row)).collect();
        supplied.extend(vec![truth(rest.0) / count; parts]);
        used.push(truth(rest.1));
        used.resize(supplied.len(), 0.0);
        let largest = (0..supplied.len()).max_by(|a, b| supplied[*a].total_cmp(&supplied[*b])).unwrap();
        let without =
            |all: &[f64]| all.iter().enumerate().filter(|(i, _)| *i != largest).map(|(_, t)| t).sum::<f64>();
        let (others, needs) = (without(&supplied), without(&used));
        prop_assume!(supplied[largest] > 0.0 && needs > 1e-6);
        prop_assert!(encloses(&figure, others / needs), "{} {figure:?}", others / needs);
    }

    #[test]
    fn a_trend_encloses_every_completion(figures in prop::collection::vec(estimate(-5.0, 5.0), 5)) {
        let series: Vec<_> =
            figures.iter().zip(2020..).map(|((figure, _), at)| (year(at), *figure)).collect();
        let trend = Trend::from_series(&series, year(2024));
        let truths: Vec<_> = figures.iter().map(|(_, truth)| *truth).collect();
        prop_assert!(encloses(&trend.change, truths[4] - truths[3]));
        prop_assert!(encloses(&trend.mean3, truths[2..].iter().sum::<f64>() / 3.0));
        prop_assert!(encloses(&trend.mean5, truths.iter().sum::<f64>() / 5.0));
    }

    #[test]
    fn no_input_makes_reliance_cover_or_trend_anything_but_a_figure(
        amounts in prop::collection::vec(any_amount(), 8),
        figures in prop::collection::vec(any_estimate(), 5),
    ) {
        let reliance = Reliance {
            production: amounts[0],
            secondary: Some(amounts[1]),
            imports: amounts[2],
            exports: amounts[3],
            stock_decrease: Some(figures[0]),
        };
        for figure in
            [reliance.estimate(), reliance.eu_estimate(), reliance.net_imports(), reliance.consumption()]
        {
            is_sane(&figure)?;
        }
        let _ = PrintedReliance::from_reliance(&reliance).to_string();
        let supply = Sourcing::new(amounts[..3].iter().copied().enumerate(), amounts[3]);
        let demand = Sourcing::new(amounts[4..7].iter().copied().enumerate(), amounts[7]);
        is_sane(&Cover { supply: &supply, demand: &demand }.estimate().0)?;
        let series: Vec<_> = figures.iter().zip(2020..).map(|(figure, at)| (year(at), *figure)).collect();
        let trend = Trend::from_series(&series, year(2024));
        for figure in [trend.change, trend.mean3, trend.mean5] {
            is_sane(&figure)?;
        }
    }
}

#[test]
fn output_that_is_all_withheld_is_not_taken_for_nothing() {
    let withheld = Reliance { production: Amount::withheld(), ..known(0.0, 100.0, 20.0) };
    let estimate = withheld.estimate();
    assert_eq!((estimate.value, estimate.low, estimate.high), (None, Some(0.0), Some(1.0)));
    assert_eq!(withheld.consumption().value, None);
    // Of an economy that the source does not list, at most the residual is known: next to nothing.
    let unlisted = Reliance { production: Amount::between(0.0, 20.0), ..known(0.0, 100.0, 20.0) };
    assert_eq!((unlisted.estimate().value, unlisted.estimate().low), (Some(1.0), Some(0.8)));
}
