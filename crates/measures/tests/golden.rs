//! Figures as published: US Geological Survey, Mineral Commodity Summaries 2025 and 2026 (public domain).
#![allow(missing_docs, reason = "tests speak through their names")]

use orewatch_measures::{Amount, Estimate, Reliance, Sourcing, Status};

fn market(rows: &[(&'static str, f64)], residual: f64) -> Sourcing<&'static str> {
    Sourcing::new(rows.iter().map(|&(key, tonnes)| (key, Amount::known(tonnes))), Amount::known(residual))
}

fn assert_near(actual: Option<f64>, expected: f64, tolerance: f64) {
    let near = actual.is_some_and(|actual| (actual - expected).abs() <= tolerance);
    assert!(near, "{actual:?} is not {expected} within {tolerance}");
}

const ANTIMONY_2025: &[(&str, f64)] = &[
    ("AUS", 2000.0),
    ("BOL", 3700.0),
    ("CHN", 60000.0),
    ("GTM", 50.0),
    ("IRN", 500.0),
    ("KAZ", 40.0),
    ("KGZ", 20.0),
    ("LAO", 200.0),
    ("MEX", 800.0),
    ("MMR", 4500.0),
    ("PAK", 250.0),
    ("RUS", 13000.0),
    ("TJK", 17000.0),
    ("TUR", 1600.0),
    ("VNM", 300.0),
];

const ANTIMONY_2026: &[(&str, f64)] = &[
    ("AUS", 1270.0),
    ("BOL", 5300.0),
    ("CHN", 40000.0),
    ("GTM", 50.0),
    ("IRN", 90.0),
    ("KAZ", 800.0),
    ("KGZ", 700.0),
    ("LAO", 200.0),
    ("MEX", 600.0),
    ("MMR", 4500.0),
    ("PAK", 260.0),
    ("RUS", 40000.0),
    ("TJK", 22000.0),
    ("TUR", 3000.0),
    ("VNM", 220.0),
];

#[test]
fn antimony_2024_is_above_half_in_one_vintage_and_not_in_the_next() {
    let before = market(ANTIMONY_2025, 0.0);
    let (top, names) = before.top::<1>();
    assert_eq!((names.as_slice(), top.status), (["CHN"].as_slice(), Status::Known));
    assert_near(top.value, 60_000.0 / 103_960.0, 1e-12);
    assert_near(before.share("CHN").value, 0.577, 0.0005);

    let (top, names) = market(ANTIMONY_2026, 0.0).top::<3>();
    assert_eq!(names, ["CHN", "RUS", "TJK"], "China and Russia tie: the code decides");
    assert_near(top.value, 102_000.0 / 118_990.0, 1e-12);
    assert_near(market(ANTIMONY_2026, 0.0).share("CHN").value, 0.336, 0.0005);
}

#[test]
fn refined_copper_2024_has_the_published_leading_share_and_a_residual() {
    let copper = market(
        &[
            ("AUS", 434.0),
            ("CAN", 324.0),
            ("CHL", 1940.0),
            ("CHN", 12400.0),
            ("COD", 2560.0),
            ("DEU", 597.0),
            ("IDN", 349.0),
            ("IND", 545.0),
            ("JPN", 1570.0),
            ("KAZ", 498.0),
            ("KOR", 604.0),
            ("MEX", 489.0),
            ("PER", 385.0),
            ("POL", 589.0),
            ("RUS", 896.0),
            ("USA", 921.0),
            ("ZMB", 189.0),
        ],
        2310.0,
    );
    let (top, names) = copper.top::<1>();
    assert_eq!((names.as_slice(), top.status), (["CHN"].as_slice(), Status::Known));
    assert_near(top.value, 0.449, 0.0005);
    let (three, names) = copper.top::<3>();
    assert_eq!(names, ["CHN", "COD", "CHL"]);
    assert_eq!(three.status, Status::Partial, "the residual may be one producer, larger than Chile");
    assert!(three.high.unwrap() > three.value.unwrap());
    let hhi = copper.hhi();
    assert_near(hhi.high, hhi.low.unwrap() + 10_000.0 * (2310.0_f64 / 27_600.0).powi(2), 0.2);
    assert_eq!(hhi.value, hhi.low);
}

#[test]
fn leading_shares_are_as_printed() {
    let cobalt = [
        ("AUS", 4780.0),
        ("CAN", 3350.0),
        ("CHN", 2000.0),
        ("COD", 226_000.0),
        ("CUB", 3450.0),
        ("IDN", 35000.0),
        ("MDG", 3100.0),
        ("PHL", 3100.0),
        ("PNG", 2630.0),
        ("RUS", 8000.0),
        ("TUR", 2200.0),
        ("USA", 200.0),
    ];
    assert_near(market(&cobalt, 7780.0).share("COD").value, 0.749, 0.0005);
    let gallium = [("CHN", 839.0), ("JPN", 3.0), ("RUS", 6.0), ("USA", 0.0)];
    assert_near(market(&gallium, 0.0).share("CHN").value, 0.989, 0.0005);
}

#[test]
fn net_import_reliance_is_as_printed() {
    let reliance = |production, secondary, imports, exports, stock_decrease| {
        Reliance {
            production: Amount::known(production),
            secondary: Some(Amount::known(secondary)),
            imports: Amount::known(imports),
            exports: Amount::known(exports),
            stock_decrease: Some(Estimate::known(stock_decrease)),
        }
        .estimate()
    };
    assert_near(reliance(0.0, 1920.0, 10_500.0, 5360.0, 80.0).value, 0.73, 0.006);
    // Copper 2024, thousand tonnes: stocks of the year's beginning 127, of its end 123.
    assert_near(reliance(882.0, 140.0, 903.0, 72.0, 4.0).value, 0.45, 0.006);
    // Graphite 2024: nothing is mined, all is imported.
    assert_eq!(reliance(0.0, 0.0, 73_900.0, 8_740.0, 0.0).value, Some(1.0));
    assert_eq!(reliance(100.0, 0.0, 10.0, 50.0, 0.0).value, Some(0.0), "a net exporter, printed as E");
    assert_eq!(reliance(0.0, 0.0, 0.0, 0.0, 0.0).status, Status::NotApplicable);
}

#[test]
fn an_unlisted_producer_has_at_most_the_residual() {
    let copper = market(&[("CHL", 60.0), ("PER", 30.0)], 10.0);
    let share = copper.share("DEU");
    assert_eq!(
        (share.value, share.low, share.high, share.status),
        (None, Some(0.0), Some(0.1), Status::Partial)
    );
    assert_eq!(market(&[("CHL", 60.0)], 0.0).share("DEU").value, Some(0.0));
    let output = Amount::between(0.0, 10.0);
    let reliance = Reliance {
        production: output,
        secondary: None,
        imports: Amount::known(30.0),
        exports: Amount::known(0.0),
        stock_decrease: None,
    };
    let estimate = reliance.estimate();
    assert_eq!((estimate.low, estimate.high, estimate.status), (Some(0.75), Some(1.0), Status::Partial));
}

#[test]
fn a_withheld_producer_stays_withheld() {
    let rows = [("CHN", Amount::known(60.0)), ("JPN", Amount::known(40.0)), ("USA", Amount::withheld())];
    let market = Sourcing::new(rows, Amount::known(0.0));
    let own = market.share("USA");
    assert_eq!((own.value, own.low, own.high, own.status), (None, Some(0.0), Some(1.0), Status::Withheld));
    let china = market.share("CHN");
    assert_eq!((china.value, china.low, china.high), (Some(0.6), Some(0.0), Some(0.6)));
    assert_eq!((china.status, china.coverage), (Status::Partial, None));
    assert_eq!(market.hhi().high, Some(10_000.0));
    assert_eq!(market.top::<1>().1, ["CHN"]);
}
