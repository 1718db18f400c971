//! Tests of the reference figures: they are well-formed, and reproduce published values.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed assumption fails the test")]

mod tables;

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{
    Basis, Consumer, HsMatch, HsRevision, Material, Nomenclature, OTHER, Period, Stage, Unit, concordance,
    economy, material, parameter,
    reference::{self, TableSet},
};

use tables::{Table, table};

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
const MAGNETS: &str = "trade-baci-hs17-202601-magnets.csv.gz";
const HS17_OTHERS: &str = "trade-baci-hs17-202601-others.csv.gz";
const MAGNETS_CUT: &str = "trade-baci-hs17-202601-top6-magnets.csv.gz";
const HS17_CUT_OTHERS: &str = "trade-baci-hs17-202601-top6-others.csv.gz";
const HS17_COMPARE: &str = "trade-baci-hs17-compare-202601.csv.gz";
const UK_MAGNETS: &str = "trade-hmrc-uk-2026-06-magnets.csv.gz";
const UK_OTHERS: &str = "trade-hmrc-uk-2026-06-others.csv.gz";
const GOVERNANCE: &str = "governance-wgi-2024.csv.gz";
const PARAMETERS: &str = "parameters-eu-crm-2023.csv.gz";
const MCS2025: &str = "production-usgs-mcs-MCS2025.csv.gz";
const IEA_OUTPUT: &str = "production-iea-cm-2025-05.csv.gz";
const IEA_PROJECTIONS: &str = "projections-iea-cm-2025-05.csv.gz";
const IEA_DEMAND: &str = "parameters-iea-cm-2025-05.csv.gz";
const MCS2026: &str = "production-usgs-mcs-MCS2026.csv.gz";
const TARGETS: &str = "targets-announced-targets-202606.csv.gz";
const CLAIMS: &str = "claims-orewatch-2026-11.csv.gz";

#[test]
fn tables_are_small_ordered_and_name_their_source() {
    let names: Vec<_> = reference::tables().iter().map(|table| table.name).collect();
    let trade =
        [TRADE, MAGNETS, HS17_OTHERS, MAGNETS_CUT, HS17_CUT_OTHERS, HS17_COMPARE, UK_MAGNETS, UK_OTHERS];
    let mcs2025_and_before = [GOVERNANCE, PARAMETERS, MCS2025];
    let later = [IEA_OUTPUT, IEA_PROJECTIONS, IEA_DEMAND, TARGETS, MCS2026, CLAIMS];
    assert_eq!(names, [&trade[..], &mcs2025_and_before, &later].concat());
    let bytes: usize = reference::tables().iter().map(|table| table.bytes.len()).sum();
    assert!(bytes < 4_000_000, "{bytes} bytes");
    for entry in reference::tables() {
        let Table { keys, rows, .. } = table(entry.name);
        for key in ["table", "dataset", "vintage", "publisher", "title", "url", "licence", "published"] {
            assert!(keys.contains_key(key), "{} lacks {key}", entry.name);
        }
        let name = format!("{}-{}-{}.csv.gz", keys["table"], keys["dataset"], keys["vintage"]);
        assert_eq!((entry.name, entry.dataset), (name.as_str(), keys["dataset"].as_str()));
        let smallest = match entry.dataset {
            "iea-cm" => 6,
            "orewatch" => 20,
            "announced-targets" => 50,
            _ => 300,
        };
        assert!(rows.len() >= smallest, "{name}");
    }
    let names_in = |set: TableSet| {
        let tables = reference::tables().iter().filter(move |table| table.set == set);
        tables.map(|table| table.name).collect::<Vec<_>>()
    };
    assert_eq!(
        names_in(TableSet::Standard),
        [HS17_OTHERS, UK_OTHERS, GOVERNANCE, PARAMETERS, IEA_DEMAND],
        "what the demo does not show"
    );
    assert_eq!(names_in(TableSet::All), [HS17_CUT_OTHERS, HS17_COMPARE]);
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
        let first = if ["280530", "284610", "284690"].contains(&&*row[3]) { 2007 } else { 2018 };
        assert!((first..=2024).contains(&row[0].parse::<Period>().unwrap().calendar_year()));
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

/// Materials and stages of the products of a table, by its list of codes.
fn markets(table: &Table) -> BTreeSet<(&'static str, Stage)> {
    let list: Nomenclature = table.keys["hs"].parse().unwrap();
    let meaning = |row: &Vec<String>| list.code_meaning(&row[3]).unwrap();
    table.rows.iter().map(meaning).map(|meaning| (meaning.material, meaning.stage)).collect()
}

#[test]
fn trade_by_hs17_is_complete_and_doubles_no_market_of_hs92() {
    let [hs92, full_magnets, hs17, cut, others, compare] =
        [TRADE, MAGNETS, HS17_OTHERS, MAGNETS_CUT, HS17_CUT_OTHERS, HS17_COMPARE].map(table);
    assert!(markets(&hs17).is_disjoint(&markets(&hs92)), "one dataset answers for a market");
    assert!(markets(&compare).is_subset(&markets(&hs92)), "these are for comparison");
    let magnets = BTreeSet::from([("rare-earths", Stage::Manufactured)]);
    assert_eq!((markets(&full_magnets), markets(&cut)), (magnets.clone(), magnets.clone()));
    assert!(markets(&hs17).is_disjoint(&magnets) && markets(&others) == markets(&hs17));
    let full = [&full_magnets, &hs17, &compare].into_iter().flat_map(|table| &table.rows);
    let products: BTreeSet<_> = full.map(|row| row[3].clone()).collect();
    assert_eq!(products.len(), 29, "30 codes, of which coking coal with steam coal is no material");
    for (found, years) in [
        (&full_magnets, &["2022", "2024"][..]),
        (&hs17, &["2022", "2024"]),
        (&compare, &["2022", "2024"]),
        (&cut, &["2018", "2019", "2020", "2021", "2023"]),
        (&others, &["2018", "2019", "2020", "2021", "2023"]),
    ] {
        assert_eq!(found.header, "period,exporter,importer,product,value_kusd,quantity_t");
        assert_eq!((found.keys["licence"].as_str(), found.keys["hs"].as_str()), ("etalab-2.0", "HS17"));
        let mut seen = BTreeSet::new();
        for row in &found.rows {
            assert!(years.contains(&row[0].as_str()) && row[1] != row[2], "{row:?}");
            assert!(economy(&row[1]).is_some() && economy(&row[2]).is_some(), "{row:?}");
            assert!(figure(&row[4]).is_some_and(|value| value > 0.0), "{row:?}");
            assert!(figure(&row[5]).is_none() || row[0] == "2024", "only 2024 has weights: {row:?}");
            assert!(seen.insert(row[..4].to_vec()), "{row:?} twice");
        }
    }
    assert_eq!((cut.keys["cut"].as_str(), others.keys["cut"].as_str()), ("6", "6"));
    assert!(!hs17.keys.contains_key("cut") && !compare.keys.contains_key("cut"));
}

#[test]
fn uk_trade_is_by_complete_months_and_says_who_reports() {
    let [magnets, others] = [UK_MAGNETS, UK_OTHERS].map(table);
    for uk in [&magnets, &others] {
        assert_eq!(uk.header, "period,exporter,importer,product,value_kusd,quantity_t,reporter");
        assert_eq!((uk.keys["licence"].as_str(), uk.keys["hs"].as_str()), ("OGL-UK-3.0", "CN2024"));
        let months: BTreeSet<_> = uk.rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!((months.first(), months.last(), months.len()), (Some(&"2024-06"), Some(&"2026-06"), 25));
    }
    let mut seen = BTreeSet::new();
    for row in magnets.rows.iter().chain(&others.rows) {
        assert!(row[0].parse::<Period>().unwrap().is_month(), "{row:?}");
        let (own, partner) = if row[6] == "importer" { (&row[2], &row[1]) } else { (&row[1], &row[2]) };
        assert!(["importer", "exporter"].contains(&row[6].as_str()) && own == "GBR", "{row:?}");
        assert!(economy(partner).is_some_and(|known| known.iso3 != "GBR") || partner == "OTHER:confidential");
        assert!(figure(&row[4]).is_some_and(|value| value >= 0.0), "{row:?}");
        assert!(figure(&row[5]).is_none_or(|tonnes| tonnes > 0.0), "zero stands for not known: {row:?}");
        assert!(seen.insert(row[..4].to_vec()), "{row:?} twice");
    }
    assert_eq!(markets(&magnets), BTreeSet::from([("rare-earths", Stage::Manufactured)]));
    assert!(markets(&others).contains(&("gallium", Stage::Refined)));
}

/// Quantities by economy of a block of a table of the IEA: material, stage and year.
fn block(of: &Table, [material, stage, year]: [&str; 3]) -> BTreeMap<String, f64> {
    let is_projected = of.header.contains("side");
    let wanted = |row: &&Vec<String>| {
        (&*row[0], &*row[2], &*row[3]) == (year, material, stage)
            && (!is_projected || (&*row[4], &*row[5]) == ("supply", "base"))
    };
    let quantity = |row: &Vec<String>| figure(&row[if is_projected { 6 } else { 4 }]).unwrap();
    of.rows.iter().filter(wanted).map(|row| (row[1].clone(), quantity(row))).collect()
}

const IEA_MATERIALS: [&str; 6] = ["cobalt", "copper", "graphite", "lithium", "nickel", "rare-earths"];

#[test]
fn supply_of_the_iea_adds_up_to_its_printed_totals() {
    let projections = table(IEA_PROJECTIONS);
    assert_eq!(projections.header, "period,economy,material,stage,side,scenario,quantity,unit,basis");
    for material in IEA_MATERIALS {
        for (stage, year) in ["mined", "refined"]
            .into_iter()
            .flat_map(|stage| ["2030", "2035", "2040"].map(|year| (stage, year)))
        {
            let mut parts = block(&projections, [material, stage, year]);
            let total = parts.remove("WLD").unwrap();
            let sum: f64 = parts.values().sum();
            assert!(
                parts.contains_key("OTHER") && (sum - total).abs() < 2e-6 * total.max(1.0),
                "{material} {stage} {year}: {sum} of {total}"
            );
        }
    }
    let demand = projections.rows.iter().filter(|row| row[4] == "demand");
    let scenarios: BTreeSet<_> = demand.clone().map(|row| row[5].as_str()).collect();
    assert!(scenarios.into_iter().eq(["aps", "nze", "steps"]));
    assert!(demand.clone().all(|row| row[1] == "WLD" && figure(&row[6]).is_some_and(|kt| kt > 0.0)));
    assert_eq!(demand.count(), 6 * 3 * 5);
    assert_eq!(table(IEA_DEMAND).rows.len(), IEA_MATERIALS.len());
    for (at, of) in [(3, &table(IEA_OUTPUT)), (3, &projections)] {
        let basis = of.header.split(',').count() - 1;
        for row in &of.rows {
            let stage: Stage = row[at].parse().unwrap();
            let basis = row[basis].parse::<Basis>().unwrap();
            assert!(material(&row[2]).unwrap().records(stage, basis), "{row:?}");
        }
    }
}

/// China's share of refining: observed, and in the base case of 2030, of which the press quotes "47 to 87 %".
#[test]
fn shares_of_china_in_refining_are_those_of_the_iea() {
    let (output, projections) = (table(IEA_OUTPUT), table(IEA_PROJECTIONS));
    let shares = [
        ("copper", 44.02, 46.6),
        ("cobalt", 78.41, 77.4),
        ("lithium", 70.23, 61.6),
        ("nickel", 31.32, 32.88),
        ("graphite", 95.71, 87.06),
        ("rare-earths", 91.28, 76.05),
    ];
    for (material, observed, projected) in shares {
        let parts = block(&output, [material, "refined", "2024"]);
        let share = 100.0 * parts["CHN"] / parts.values().sum::<f64>();
        assert!((share - observed).abs() < 0.01, "{material} 2024: {share:.3}, published {observed}");
        let parts = block(&projections, [material, "refined", "2030"]);
        let share = 100.0 * parts["CHN"] / parts["WLD"];
        assert!((share - projected).abs() < 0.05, "{material} 2030: {share:.3}, published {projected}");
    }
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

#[test]
fn targets_are_valid_and_none_is_recalled() {
    let Table { header, rows, .. } = table(TARGETS);
    assert_eq!(
        header,
        "id,title,announced_by,consumer,material,stage,measure,supplier,line,direction,by,due,status,source,\
         url,announced,in_force,confirmation"
    );
    let mut seen = BTreeSet::new();
    for row in &rows {
        assert_eq!(row.len(), 18, "{row:?}");
        assert!(seen.insert(&row[0]), "{row:?} twice");
        assert!(row[3].parse::<Consumer>().is_ok() && material(&row[4]).is_ok(), "{row:?}");
        assert!(
            row[5].parse::<Stage>().is_ok() && figure(&row[8]).is_some_and(|line| line <= 1.0),
            "{row:?}"
        );
        assert!(
            ["at-most", "at-least"].contains(&&*row[9]) && ["quantity", ""].contains(&&*row[10]),
            "{row:?}"
        );
        assert!(row[11].is_empty() || row[11] == "2030", "{row:?}");
        assert!(["confirmed", "reported"].contains(&&*row[17]) && row[14].starts_with("https://"), "{row:?}");
    }
    let of =
        |id: &str| rows.iter().find(|row| row[0] == id).map(|row| [3, 4, 5, 8, 10, 11].map(|at| &*row[at]));
    assert_eq!(of("g7-2030-rare-earths"), Some(["G7", "rare-earths", "refined", "0.6", "", "2030"]));
    assert_eq!(of("g7-2030-magnets"), Some(["G7", "rare-earths", "manufactured", "0.6", "", "2030"]));
    assert_eq!(of("g7-later-rare-earths"), Some(["G7", "rare-earths", "refined", "0.5", "", ""]));
    let gallium = of("crma-2030-third-country-gallium-refined");
    assert_eq!(gallium, Some(["EU27", "gallium", "refined", "0.65", "quantity", "2030"]));
    assert_eq!(of("crma-2030-processing-gallium").map(|row| row[3]), Some("0.4"));
    assert!(of("crma-2030-extraction-antimony").is_none(), "it is critical and not strategic");
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

/// Columns of trade by which a share can be weighed.
const VALUE: usize = 4;
const QUANTITY: usize = 5;

/// Share of `supplier` in a consumer's imports of `products`, weighed by a column, without trade inside the
/// consumer.
fn import_share(
    trade: &Table,
    by: usize,
    consumer: &str,
    products: &[&str],
    year: &str,
    supplier: &str,
) -> f64 {
    let consumer: Consumer = consumer.parse().unwrap();
    let period: Period = year.parse().unwrap();
    let inside = |iso3: &str| consumer.contains(economy(iso3).unwrap(), period);
    let flows = trade.rows.iter().filter(|row| row[0] == year && products.contains(&row[3].as_str()));
    let imports: Vec<_> = flows.filter(|row| inside(&row[2]) && !inside(&row[1])).collect();
    let total = |from: &dyn Fn(&str) -> bool| -> f64 {
        imports.iter().filter(|row| from(&row[1])).filter_map(|row| figure(&row[by])).sum()
    };
    total(&|exporter| exporter == supplier) / total(&|_| true)
}

#[test]
fn headline_shares_are_reproduced() {
    let trade = table(TRADE);
    let (rare_earths, graphite) = (["280530", "284610", "284690"], ["250410", "250490"]);
    let headlines: [(&str, &[&str], &str, &str, f64); 12] = [
        ("G7", &rare_earths, "2007", "CHN", 0.82),
        ("G7", &rare_earths, "2011", "CHN", 0.7423),
        ("G7", &rare_earths, "2012", "CHN", 0.6362),
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
        let found = import_share(&trade, QUANTITY, consumer, products, year, supplier);
        assert!((found - share).abs() < 0.0005, "{consumer} {supplier} {year}: {found:.4}, expected {share}");
    }
}

/// Permanent magnets from China, in percent: by value and weight in 2024, by value in 2022, and of what the
/// cut table of 2018 shows.
#[test]
fn shares_of_magnets_are_reproduced() {
    let (full, cut) = (table(MAGNETS), table(MAGNETS_CUT));
    let shares = [
        ("G7", 67.3, 75.2, 68.3, 64.1),
        ("EU27", 88.6, 91.0, 88.5, 81.5),
        ("USA", 74.5, 77.4, 77.8, 65.0),
        ("JPN", 27.6, 35.9, 27.8, 30.9),
    ];
    for (consumer, value_2024, quantity_2024, value_2022, cut_2018) in shares {
        for (trade, by, year, expected) in [
            (&full, VALUE, "2024", value_2024),
            (&full, QUANTITY, "2024", quantity_2024),
            (&full, VALUE, "2022", value_2022),
            (&cut, VALUE, "2018", cut_2018),
        ] {
            let found = 100.0 * import_share(trade, by, consumer, &["850511"], year, "CHN");
            assert!((found - expected).abs() < 0.1, "{consumer} {year}: {found:.2}, expected {expected}");
        }
    }
}
