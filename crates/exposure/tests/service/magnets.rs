//! Permanent magnets: direct shares of the reference figures, and a supplier's hand through the stages once
//! output of magnets and yields are known.

use orewatch_contracts::common::v1::{By, Status};
use orewatch_contracts::exposure::v1::Subject;
use orewatch_contracts::ingestion::v1::Table;

use crate::kit::{Api, House, Trade, subject, trade};
use crate::reference::{flow, rows};
use crate::totals::cut_to;

const MAGNETS: &str = "850511";

fn magnets_subject(consumer: &str, measure: &str) -> Subject {
    subject([consumer, "rare-earths", "manufactured", measure, "CHN"])
}

fn by_value(subject: Subject) -> Subject {
    Subject { by: By::Value.into(), ..subject }
}

/// BACI HS17 202601, permanent magnets, trade inside a bloc left out; in percent.
#[tokio::test]
async fn the_reference_figures_give_the_direct_shares_of_magnets() {
    let house = House::new();
    let records = rows("trade-baci-hs17-202601-magnets");
    let magnets: Vec<_> = records.iter().map(flow).collect();
    let id = "baci-hs17/202601-aaaaaaaaaaaa";
    house.open(id, Table::Trade).await;
    for (chunk, part) in magnets.chunks(4096).enumerate() {
        house.record(id, u32::try_from(chunk).unwrap(), trade(part, 1)).await;
    }
    let position = house.commit(id).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let share = async |api: &mut Api, subject: Subject, year: &str| {
        api.estimate(subject, year).await.value.expect("a value") * 100.0
    };
    let shares = [
        ("G7", 67.3, 75.2, 68.3),
        ("EU27", 88.6, 91.0, 88.5),
        ("USA", 74.5, 77.4, 77.8),
        ("JPN", 27.6, 35.9, 27.8),
    ];
    for (consumer, value_2024, quantity_2024, value_2022) in shares {
        let direct = || magnets_subject(consumer, "import-share");
        for (found, expected) in [
            (share(&mut api, by_value(direct()), "2024").await, value_2024),
            (share(&mut api, direct(), "2024").await, quantity_2024),
            (share(&mut api, by_value(direct()), "2022").await, value_2022),
        ] {
            assert!((found - expected).abs() < 0.1, "{consumer}: {found:.2}, expected {expected}");
        }
        let unweighed = api.estimate(direct(), "2022").await;
        assert_eq!((unweighed.status(), unweighed.value), (Status::Unavailable, None), "{unweighed:?}");
        let chain = api.estimate(magnets_subject(consumer, "chain-any-share"), "2024").await;
        assert_eq!((chain.status(), chain.value), (Status::Unavailable, None), "{chain:?}");
        assert!(chain.reason.contains("output"), "it says what is missing: {}", chain.reason);
    }
    api.stop().await;
}

/// The table of each year, cut to the six largest partners and marked so: its bounds enclose the share by the
/// full table.
#[tokio::test]
async fn the_bounds_of_a_cut_table_enclose_the_full_one() {
    let records = rows("trade-baci-hs17-202601-magnets");
    let published = [("2024", [67.3, 88.6, 74.5, 27.6]), ("2022", [68.3, 88.5, 77.8, 27.8])];
    for (year, shares) in published {
        let full: Vec<_> = records.iter().filter(|row| &row[0] == year).map(flow).collect();
        let listed = cut_to(&full, 6);
        assert!(listed.len() < full.len() / 2, "{} of {} flows", listed.len(), full.len());
        let house = House::new();
        let id = "baci-hs17-top6/202601-aaaaaaaaaaaa";
        house.open_with(id, Table::Trade, |release| release.cut_partners = 6).await;
        for (chunk, part) in listed.chunks(4096).enumerate() {
            house.record(id, u32::try_from(chunk).unwrap(), trade(part, 1)).await;
        }
        let position = house.commit(id).await;
        let mut api = house.serve().await;
        api.published(position).await;
        for (consumer, share) in ["G7", "EU27", "USA", "JPN"].into_iter().zip(shares) {
            let found = api.estimate(by_value(magnets_subject(consumer, "import-share")), year).await;
            assert_eq!(found.status(), Status::Partial, "{consumer} {year}");
            let [low, high] = [found.low, found.high].map(|bound| bound.expect("a bound") * 100.0);
            assert!(
                (low - 0.05..=high + 0.05).contains(&share),
                "{consumer} {year}: {low} to {high}, not {share}"
            );
            assert!(high - low < 16.0, "{consumer} {year}: bounds that say little, {low} to {high}");
        }
        api.stop().await;
    }
}

/// Made-up figures: all oxide is China's. China and Japan make magnets of it, and Germany buys from both.
const FLOWS: [Trade<'_>; 3] = [
    ("2024", "CHN", "JPN", "284690", 1.0, Some(30.0)),
    ("2024", "CHN", "DEU", MAGNETS, 1.0, Some(15.0)),
    ("2024", "JPN", "DEU", MAGNETS, 1.0, Some(5.0)),
];

#[tokio::test]
async fn output_and_yields_give_the_hand_in_magnets() {
    let house = House::new();
    house.trade("baci-hs17/202601-aaaaaaaaaaaa", &FLOWS).await;
    let output = [
        ("2024", "CHN", "rare-earths", "refined", Some(90.0), "gross"),
        ("2024", "CHN", "rare-earths", "manufactured", Some(20.0), "gross"),
        ("2024", "JPN", "rare-earths", "manufactured", Some(10.0), "gross"),
    ];
    let position = house.production("survey/2024-aaaaaaaaaaaa", &output).await;
    let mut api = house.serve().await;
    api.published(position).await;

    // 0.4 t of magnets from a tonne: Japan's 10 t take 25 t, and it has 30 t. With 0.2 t from a tonne, Japan
    // has oxide for 6 t of its 10 t, and the rest is of unknown origin.
    for (id, out, lowest) in
        [("yields/2024-aaaaaaaaaaaa", 0.4, 1.0), ("yields/2025-bbbbbbbbbbbb", 0.2, 0.75 + 0.25 * 0.6)]
    {
        let yields =
            [("2024", "conversion-yield", Some(out), ["JPN", "", "rare-earths", "manufactured", ""])];
        let position = house.parameters(id, &yields).await;
        api.published(position).await;
        let made = api.estimate(magnets_subject("DEU", "chain-made-share"), "2024").await;
        assert_eq!((made.status(), made.value), (Status::Known, Some(0.75)), "{made:?}");
        for measure in ["chain-refined-share", "chain-any-share"] {
            let share = api.estimate(magnets_subject("DEU", measure), "2024").await;
            let (low, high) = (share.low.unwrap(), share.high.unwrap());
            assert!((low - lowest).abs() < 1e-12 && (high - 1.0).abs() < 1e-12, "{measure}: {share:?}");
            // No product code stands for rare earths as mined.
            assert_eq!(share.status(), Status::Partial, "{measure}: {share:?}");
            assert!(share.reason.contains("some stage before has no figures"), "{share:?}");
        }
        let mined = api.estimate(magnets_subject("DEU", "chain-mined-share"), "2024").await;
        assert_eq!((mined.status(), mined.value), (Status::Unavailable, None), "{mined:?}");
    }
    api.stop().await;
}
