//! Tests of the reference figures: they are well-formed, and reproduce published values.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed assumption fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use flate2::read::GzDecoder;
use orewatch_catalog::{
    Basis, Consumer, HsMatch, HsRevision, Material, OTHER, Period, Stage, Unit, concordance, economy,
    material, parameter, reference,
};

struct Table {
    keys: BTreeMap<String, String>,
    header: String,
    rows: Vec<Vec<String>>,
}

fn table(name: &str) -> Table {
    let found = reference::tables().iter().find(|table| table.name == name).unwrap();
    let mut text = String::new();
    GzDecoder::new(found.bytes).read_to_string(&mut text).unwrap();
    let (head, body): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("# "));
    let key = |line: &&str| {
        line[2..].split_once(": ").map(|(key, value)| (key.to_owned(), value.to_owned())).unwrap()
    };
    Table {
        keys: head.iter().map(key).collect(),
        header: body[0].to_owned(),
        rows: body[1..].iter().map(|line| line.split(',').map(str::to_owned).collect()).collect(),
    }
}

fn figure(text: &str) -> Option<f64> {
    if ["W", "NA"].contains(&text) {
        return None;
    }
    assert!(
        text.bytes().all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte)),
        "`{text}` is no plain number"
    );
    Some(text.parse().unwrap())
}

const TRADE: &str = "trade-baci-hs92-202601.csv.gz";
const GOVERNANCE: &str = "governance-wgi-2024.csv.gz";
const PARAMETERS: &str = "parameters-eu-crm-2023.csv.gz";
const MCS2025: &str = "production-usgs-mcs-MCS2025.csv.gz";
const MCS2026: &str = "production-usgs-mcs-MCS2026.csv.gz";
const CLAIMS: &str = "claims-orewatch-2026-11.csv.gz";

#[test]
fn tables_are_small_ordered_and_name_their_source() {
    let names: Vec<_> = reference::tables().iter().map(|table| table.name).collect();
    assert_eq!(names, [TRADE, GOVERNANCE, PARAMETERS, MCS2025, MCS2026, CLAIMS]);
    let bytes: usize = reference::tables().iter().map(|table| table.bytes.len()).sum();
    assert!(bytes < 2_000_000, "{bytes} bytes");
    for name in names {
        let Table { keys, rows, .. } = table(name);
        for key in ["table", "dataset", "vintage", "publisher", "title", "url", "licence", "published"] {
            assert!(keys.contains_key(key), "{name} lacks {key}");
        }
        assert!(name.starts_with(&format!("{}-{}-{}.", keys["table"], keys["dataset"], keys["vintage"])));
        assert!(rows.len() > if name == CLAIMS { 20 } else { 300 }, "{name}");
    }
}

#[test]
fn claims_name_what_they_are_about_who_said_it_and_how_well_that_is_known() {
    let Table { header, rows, .. } = table(CLAIMS);
    let columns: Vec<&str> = header.split(',').collect();
    let ids: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(ids.len(), rows.len(), "each identifier once");
    for row in &rows {
        let field = |name: &str| row[columns.iter().position(|column| *column == name).unwrap()].as_str();
        assert!(!field("text").is_empty() && !field("said_by").is_empty() && !field("source").is_empty());
        assert_eq!(field("date").len(), "2026-01-11".len(), "{row:?}");
        assert!(field("consumer").parse::<Consumer>().is_ok() && field("stage").parse::<Stage>().is_ok());
        assert!(field("materials").split(' ').all(|name| material(name).is_ok()), "{row:?}");
        let [low, high] = ["low", "high"].map(|name| figure(field(name)).unwrap());
        assert!((0.0..=1.0).contains(&low) && (low..=1.0).contains(&high), "{row:?}");
        assert!(["confirmed", "reported"].contains(&field("confirmation")), "nothing recalled ships");
    }
}

#[test]
fn trade_rows_are_valid_and_unique() {
    let Table { keys, header, rows } = table(TRADE);
    assert_eq!(header, "period,exporter,importer,product,value_kusd,quantity_t");
    assert_eq!((keys["licence"].as_str(), keys["hs"].as_str()), ("etalab-2.0", "HS92"));
    let mut seen = BTreeSet::new();
    let mut found = BTreeSet::new();
    for row in &rows {
        assert!((2018..=2024).contains(&row[0].parse::<Period>().unwrap().calendar_year()));
        assert!(economy(&row[1]).is_some() && economy(&row[2]).is_some() && row[1] != row[2], "{row:?}");
        let HsMatch::InScope(code) = concordance(HsRevision::Hs92, &row[3]) else { panic!("{row:?}") };
        found.insert(code.material);
        assert!(figure(&row[4]).is_some_and(|value| value > 0.0), "{row:?}");
        assert!(figure(&row[5]).is_none_or(|quantity| quantity >= 0.0), "{row:?}");
        assert!(seen.insert(row[..4].to_vec()), "{row:?} twice");
    }
    let expected = [
        "antimony",
        "bismuth",
        "cobalt",
        "copper",
        "graphite",
        "lithium",
        "magnesium",
        "manganese",
        "nickel",
        "rare-earths",
        "tungsten",
    ];
    assert!(found.into_iter().eq(expected));
}

#[test]
fn production_rows_are_valid_and_unique() {
    for name in [MCS2025, MCS2026] {
        let Table { keys, header, rows } = table(name);
        assert_eq!(header, "period,economy,material,stage,quantity,unit,basis,estimated");
        assert_eq!(keys["licence"], "US public domain");
        let mut seen = BTreeSet::new();
        for row in &rows {
            let stage: Stage = row[3].parse().unwrap();
            let entry: &Material = material(&row[2]).unwrap();
            assert!(row[1] == OTHER || economy(&row[1]).is_some(), "{row:?}");
            assert_eq!(row[6].parse::<Basis>().unwrap(), entry.basis(stage), "{row:?}");
            assert!(figure(&row[4]).is_none_or(|quantity| quantity >= 0.0), "{row:?}");
            assert!(
                row[5].parse::<Unit>().is_ok() && ["true", "false"].contains(&row[7].as_str()),
                "{row:?}"
            );
            assert!(seen.insert(row[..4].to_vec()), "{row:?} twice");
        }
        let markets: BTreeSet<_> = rows.iter().map(|row| (&row[2], &row[3])).collect();
        assert_eq!(markets.len(), 14, "eleven materials and gallium, two of them at two stages");
    }
}

#[test]
fn governance_rows_are_valid_and_unique() {
    let Table { keys, rows, .. } = table(GOVERNANCE);
    assert_eq!(keys["licence"], "CC-BY-4.0");
    let mut seen = BTreeSet::new();
    for row in &rows {
        assert!(economy(&row[1]).is_some() && row[0].parse::<Period>().is_ok(), "{row:?}");
        assert!(figure(&row[3]).is_none_or(|estimate| (-3.5..=3.5).contains(&estimate)), "{row:?}");
        assert!(seen.insert(row[..3].to_vec()), "{row:?} twice");
    }
    let indicators: BTreeSet<_> = rows.iter().map(|row| row[2].as_str()).collect();
    assert!(indicators.len() == 6 && indicators.contains("political-stability"));
    for iso3 in ["COD", "ROU", "TLS", "PSE", "TWN", "NAM"] {
        assert!(rows.iter().any(|row| row[1] == iso3 && row[0] == "2023"), "{iso3}");
    }
}

#[test]
fn parameters_are_valid_and_unique() {
    let Table { keys, header, rows } = table(PARAMETERS);
    assert_eq!(header, "period,parameter,value,economy,partner,material,stage,item");
    assert_eq!(keys["licence"], "CC-BY-4.0");
    let mut seen = BTreeSet::new();
    for row in &rows {
        let [period, id, value, consumer, supplier, of, stage, item] = &row[..] else { panic!("{row:?}") };
        let known = parameter(id).unwrap();
        assert!(figure(value).is_some_and(|value| known.admits(value)), "{row:?}");
        assert!(material(of).is_ok() && (stage.is_empty() || stage.parse::<Stage>().is_ok()), "{row:?}");
        assert!(consumer.is_empty() || consumer.parse::<Consumer>().is_ok(), "{row:?}");
        assert!(supplier.is_empty() || economy(supplier).is_some(), "{row:?}");
        assert!(seen.insert([period, id, consumer, supplier, of, stage, item]), "{row:?} twice");
    }
    // One flag a stage: a material cannot be assessed by two kinds of supply at once.
    let flags = rows.iter().filter(|row| row[1] == "supply-used").map(|row| (&row[5], &row[6]));
    assert_eq!(flags.clone().collect::<BTreeSet<_>>().len(), flags.count());
}

/// What the study prints, or is quoted with elsewhere.
#[test]
fn parameters_have_their_published_values() {
    let rows = table(PARAMETERS).rows;
    let published = [
        ("eol-rir", "cobalt", "", "", "", "", 0.22),
        ("substitution-supply-risk", "cobalt", "", "", "", "", 0.98),
        ("supply-used", "cobalt", "mined", "", "", "GSonly", 1.0),
        ("eol-rir", "tungsten", "", "", "", "", 0.42),
        ("trade-parameter", "nickel", "mined", "IDN", "", "", 1.3),
        ("trade-parameter", "phosphate-rock", "mined", "CHN", "", "", 1.4),
        ("trade-parameter", "tin", "refined", "CHN", "", "", 1.5),
        ("trade-parameter", "titanium", "mined", "NOR", "EU27", "", 0.8),
    ];
    for (id, of, stage, supplier, consumer, item, value) in published {
        let wanted = [id, consumer, supplier, of, stage, item];
        let row = rows.iter().find(|row| [1, 3, 4, 5, 6, 7].map(|at| row[at].as_str()) == wanted);
        assert_eq!(row.map(|row| row[2].parse()), Some(Ok(value)), "{wanted:?}");
    }
    let dysprosium = ["substitution-supply-risk", "rare-earths"];
    assert!(
        !rows.iter().any(|row| [&*row[1], &*row[5]] == dysprosium),
        "of each rare earth another is printed"
    );
}

/// Share of `supplier` in the output listed for a market.
fn production_share(name: &str, year: &str, id: &str, stage: &str, supplier: &str) -> f64 {
    let rows = table(name).rows;
    let market = rows.iter().filter(|row| row[0] == year && row[2] == id && row[3] == stage);
    let known: Vec<_> = market.filter_map(|row| Some((row[1].clone(), figure(&row[4])?))).collect();
    let of = |wanted: &dyn Fn(&str) -> bool| -> f64 {
        known.iter().filter(|(economy, _)| wanted(economy)).map(|(_, quantity)| quantity).sum()
    };
    of(&|economy| economy == supplier) / of(&|_| true)
}

#[test]
fn leading_producers_have_their_published_shares() {
    let published = [
        (MCS2025, "2024", "antimony", "mined", "CHN", 0.577),
        (MCS2026, "2024", "antimony", "mined", "CHN", 0.336),
        (MCS2026, "2024", "cobalt", "mined", "COD", 0.749),
        (MCS2026, "2024", "graphite", "mined", "CHN", 0.819),
        (MCS2026, "2024", "rare-earths", "mined", "CHN", 0.703),
        (MCS2026, "2024", "gallium", "refined", "CHN", 0.989),
        (MCS2026, "2024", "copper", "refined", "CHN", 0.449),
        (MCS2026, "2024", "nickel", "mined", "IDN", 0.623),
    ];
    for (name, year, id, stage, supplier, share) in published {
        let found = production_share(name, year, id, stage, supplier);
        assert!((found - share).abs() < 0.0015, "{name} {id} {supplier}: {found:.4}, published {share}");
    }
}

/// Share of `supplier` in a consumer's imports of `products` by quantity, without trade inside the consumer.
fn import_share(trade: &Table, consumer: &str, products: &[&str], year: &str, supplier: &str) -> f64 {
    let consumer: Consumer = consumer.parse().unwrap();
    let period: Period = year.parse().unwrap();
    let inside = |iso3: &str| consumer.contains(economy(iso3).unwrap(), period);
    let flows = trade.rows.iter().filter(|row| row[0] == year && products.contains(&row[3].as_str()));
    let imports: Vec<_> = flows.filter(|row| inside(&row[2]) && !inside(&row[1])).collect();
    let total = |from: &dyn Fn(&str) -> bool| -> f64 {
        imports.iter().filter(|row| from(&row[1])).filter_map(|row| figure(&row[5])).sum()
    };
    total(&|exporter| exporter == supplier) / total(&|_| true)
}

#[test]
fn headline_shares_are_reproduced() {
    let trade = table(TRADE);
    let (rare_earths, graphite) = (["280530", "284610", "284690"], ["250410", "250490"]);
    let headlines: [(&str, &[&str], &str, &str, f64); 9] = [
        ("G7", &rare_earths, "2018", "CHN", 0.6107),
        ("G7", &rare_earths, "2024", "CHN", 0.6773),
        ("EU27", &rare_earths, "2018", "CHN", 0.2917),
        ("EU27", &rare_earths, "2024", "CHN", 0.4416),
        ("JPN", &graphite, "2018", "CHN", 0.951),
        ("JPN", &graphite, "2024", "CHN", 0.8903),
        ("DEU", &["260200"], "2022", "NLD", 0.302),
        ("DEU", &["260200"], "2022", "BEL", 0.207),
        ("DEU", &["260200"], "2022", "MAR", 0.128),
    ];
    for (consumer, products, year, supplier, share) in headlines {
        let found = import_share(&trade, consumer, products, year, supplier);
        assert!((found - share).abs() < 0.0005, "{consumer} {supplier} {year}: {found:.4}, expected {share}");
    }
}
