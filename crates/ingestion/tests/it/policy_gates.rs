//! What gates find in parameters and restrictions.
use orewatch_contracts::ingestion::v1::{ReleaseState, Verdict};

use crate::harness::Service;
use crate::policy::{PARAMETERS, RESTRICTIONS, gate, tidy};

/// A release restates whole markets, so a parameter or restriction that is missing from it vanishes.
#[tokio::test]
async fn vanishing_keys_are_blocked() {
    let service = Service::start().await;
    let partners = ["COD", "CHN", "RUS", "AUS"];
    let rows = partners.map(|partner| format!("2016,trade-parameter,1.1,,{partner},cobalt,mined,"));
    let all: Vec<_> = rows.iter().map(String::as_str).collect();
    assert!(service.take("p.csv", tidy("1", PARAMETERS, &all)).await.unwrap().is_committed());
    let fewer = service.take("p.csv", tidy("2", PARAMETERS, &all[1..])).await.unwrap();
    assert_eq!(fewer.release.state(), ReleaseState::Refused);
    assert!(gate(&fewer, "scope-jump").message.starts_with("of 4 keys in 1 restated market 1 vanish"));
    let elsewhere =
        service.take("p.csv", tidy("3", PARAMETERS, &["2016,eol-rir,0.1,,,cobalt,,"])).await.unwrap();
    assert_eq!(
        gate(&elsewhere, "scope-jump").message,
        "nothing is restated",
        "another parameter is another table"
    );

    let kinds = ["quota", "licensing", "export-tax"];
    let rows = kinds.map(|kind| format!("2016-01-01,,COD,cobalt,mined,{kind},red,,"));
    let all: Vec<_> = rows.iter().map(String::as_str).collect();
    assert!(service.take("r.csv", tidy("1", RESTRICTIONS, &all)).await.unwrap().is_committed());
    let later = service
        .take("r.csv", tidy("2", RESTRICTIONS, &["2020-01-01,,COD,cobalt,mined,surtax,red,,"]))
        .await
        .unwrap();
    assert_eq!(
        later.release.state(),
        ReleaseState::Refused,
        "whenever they begin, they are restated together"
    );
    assert!(gate(&later, "scope-jump").message.starts_with("of 3 keys in 1 restated market 3 vanish"));
    service.stop().await;
}

/// Publishers reword goods in each edition, and print a bound where they printed a figure: nothing vanishes
/// by that.
#[tokio::test]
async fn reworded_rows_have_not_vanished() {
    let service = Service::start().await;
    let rows = |forms: &[&str], print: &str| {
        let forms = forms.iter().map(|form| format!("2022,imports,300,USA,,rare-earths,refined,{form}"));
        forms
            .chain([format!("2022,printed-reliance,0.95,USA,,rare-earths,refined,{print}")])
            .collect::<Vec<_>>()
    };
    let content = |vintage: &str, rows: &[String]| {
        tidy(vintage, PARAMETERS, &rows.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let first = rows(&["compounds", "alloys", "metals"], "above");
    let renamed = rows(&["compounds", "ferrocerium-alloys", "rare-earth-metals"], "figure");
    assert!(service.take("p.csv", content("1", &first)).await.unwrap().is_committed());
    let later = service.take("p.csv", content("2", &renamed)).await.unwrap();
    assert!(later.is_committed());
    assert_eq!(
        gate(&later, "scope-jump").message,
        "of 4 keys in 2 restated markets 0 vanish (0.0 %), 0 are new (0.0 %)"
    );
    let fewer = service.take("p.csv", content("3", &rows(&["compounds"], "figure"))).await.unwrap();
    assert_eq!(fewer.release.state(), ReleaseState::Refused);
    assert!(gate(&fewer, "scope-jump").message.starts_with("of 4 keys in 2 restated markets 2 vanish"));
    service.stop().await;
}

/// Kilograms for tonnes: the same figures, three digits longer. A fraction cannot slip so far.
#[tokio::test]
async fn a_figure_in_a_wrong_unit_is_noticed() {
    let service = Service::start().await;
    let rows = |times: f64, stocks: f64| {
        let (used, stocks) = (1234.5 * times, -80.0 * stocks);
        [
            format!("2022,consumption,{used},EU27,,cobalt,refined,"),
            format!("2022,stock-decrease,{stocks},USA,,cobalt,refined,"),
            "2022,stock-decrease,5,USA,,nickel,refined,".to_owned(),
            format!("2022,eol-rir,{},,,cobalt,,", 0.5 / times),
        ]
    };
    let [first, some, all] =
        [(1.0, 1.0), (1000.0, 1.0), (1000.0, 1000.0)].map(|(used, stocks)| rows(used, stocks));
    let content = |vintage: &str, rows: &[String]| {
        tidy(vintage, PARAMETERS, &rows.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert!(service.take("p.csv", content("1", &first)).await.unwrap().is_committed());
    let slipped = service.take("p.csv", content("2", &all)).await.unwrap();
    assert_eq!(slipped.release.state(), ReleaseState::Refused);
    assert_eq!(
        gate(&slipped, "magnitudes").message,
        "of 3 restated markets 2 are a thousand times as large or small: consumption EU27 cobalt refined \
         2022: \
         1234.5 became 1234500; stock-decrease USA cobalt refined 2022: 80 became 80000"
    );
    let corrected = service.take("p.csv", content("3", &some)).await.unwrap();
    assert!(corrected.is_committed());
    assert_eq!(gate(&corrected, "magnitudes").verdict(), Verdict::Warn);
    service.stop().await;
}

#[tokio::test]
async fn shares_and_periods_are_checked() {
    let service = Service::start().await;
    let rows = ["2016,end-use-share,0.7,,,cobalt,,C24", "2016,end-use-share,0.6,,,cobalt,,C27"];
    let outcome = service.take("p.csv", tidy("1", PARAMETERS, &rows)).await.unwrap();
    assert_eq!(outcome.release.state(), ReleaseState::Refused);
    assert_eq!(
        gate(&outcome, "shares").message,
        "end-use shares add up to more than 1: cobalt in 2016: 1.300"
    );
    let rows = ["2016,end-use-share,0.7,,,cobalt,,C24", "2017,end-use-share,0.6,,,cobalt,,C27"];
    let outcome = service.take("p.csv", tidy("2", PARAMETERS, &rows)).await.unwrap();
    assert_eq!(gate(&outcome, "shares").verdict(), Verdict::Pass);
    assert_eq!(gate(&outcome, "later-periods").message, "no period begins after 2023");

    let outcome =
        service.take("p.csv", tidy("3", PARAMETERS, &["2061,eol-rir,0.1,,,cobalt,,"])).await.unwrap();
    let found = gate(&outcome, "later-periods");
    assert_eq!(found.verdict(), Verdict::Warn);
    assert!(outcome.is_committed() && found.message.ends_with("from a later period on: 2061"), "{found:?}");
    service.stop().await;
}
