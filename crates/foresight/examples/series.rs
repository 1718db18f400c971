//! Writes the table of reference series in `crates/foresight/data` anew.
//!
//! ```text
//! cargo run --release -p orewatch-foresight --example series -- \
//!     BACI_HS92_V202601.csv.gz country_codes_V202601.csv
//! ```
//!
//! Of every kind of goods and every importer it gives China's share, the largest supplier's share and the HHI
//! of imports by quantity. `data/README.md` says what is counted. The same files give the same rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};
use orewatch_catalog::{Period, bloc};

const NAME: &str = "share-series-baci-hs92-202601.csv.gz";

/// Years of the series.
const FIRST: u16 = 1995;
const LAST: u16 = 2024;

/// Least median of a consumer's imports a year, in tonnes.
const LEAST_MEDIAN: f64 = 20.0;

/// Kinds of goods by HS 1992 codes.
const GOODS: [(&str, &[&str]); 25] = [
    ("aluminium ore", &["260600"]),
    ("antimony ore", &["261710"]),
    ("baryte", &["251110"]),
    ("beryllium", &["811211"]),
    ("bismuth", &["810600"]),
    ("borates", &["252890"]),
    ("boron and tellurium", &["280450"]),
    ("chromium ore", &["261000"]),
    ("cobalt metal", &["810510"]),
    ("cobalt oxides", &["282200"]),
    ("copper ore", &["260300"]),
    ("ferroniobium", &["720293"]),
    ("fluorspar", &["252922"]),
    ("graphite", &["250410", "250490"]),
    ("lithium", &["282520", "283691"]),
    ("magnesite", &["251910"]),
    ("manganese ore", &["260200"]),
    ("nickel ore", &["260400"]),
    ("phosphate", &["251020"]),
    ("rare earths", &["280530", "284610", "284690"]),
    ("tantalum", &["810310"]),
    ("titanium ore", &["261400"]),
    ("tungsten ore", &["261100"]),
    ("tungsten powder", &["810110"]),
    ("zirconium ore", &["261510"]),
];

/// Importing economies beside the blocs.
const IMPORTERS: [&str; 17] = [
    "AUS", "BEL", "BRA", "CAN", "DEU", "ESP", "FRA", "GBR", "IND", "ITA", "JPN", "KOR", "MEX", "NLD", "POL",
    "TUR", "USA",
];

const BLOCS: [&str; 2] = ["EU27", "G7"];

/// Imports in tonnes by goods, consumer, year and supplier.
type Imports = BTreeMap<(&'static str, &'static str), BTreeMap<u16, BTreeMap<String, f64>>>;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [baci, codes] = arguments.as_slice() else {
        bail!("two files are expected: BACI (columns t,i,j,k,v,q) and its country codes");
    };
    let economies = economies(codes)?;
    let imports = imports(baci, &economies)?;
    let mut rows = String::new();
    let mut count = 0;
    for ((goods, consumer), years) in &imports {
        if let Some(series) = series(years) {
            count += 1;
            for (year, [china, top, hhi]) in series {
                rows.push_str(&format!("{goods},{consumer},{year},{china:.6},{top:.6},{hhi:.6}\n"));
            }
        }
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data").join(NAME);
    write(&path, &format!("{}{rows}", head()))?;
    writeln!(std::io::stdout().lock(), "{}: {count} series", path.display()).context("standard output")
}

/// Shares and index by year. `None`: a year has no imports, or they are too small.
fn series(years: &BTreeMap<u16, BTreeMap<String, f64>>) -> Option<Vec<(u16, [f64; 3])>> {
    let mut totals: Vec<f64> =
        (FIRST..=LAST).map(|year| years.get(&year).map_or(0.0, |all| all.values().sum())).collect();
    let figures = (FIRST..=LAST).zip(&totals).map(|(year, total)| {
        let suppliers = years.get(&year).filter(|_| *total > 0.0)?;
        let shares = || suppliers.values().map(|tonnes| tonnes / total);
        let china = suppliers.get("CHN").copied().unwrap_or(0.0) / total;
        Some((year, [china, shares().fold(0.0, f64::max), shares().map(|share| share * share).sum()]))
    });
    let figures = figures.collect::<Option<Vec<_>>>()?;
    totals.sort_by(f64::total_cmp);
    // The number of years is even: the median lies between two of them.
    let middle = totals.get(totals.len() / 2 - 1).zip(totals.get(totals.len() / 2));
    middle.filter(|(low, high)| (*low + *high) / 2.0 >= LEAST_MEDIAN).map(|_| figures)
}

/// Codes of BACI's economies by number, as BACI names them: Belgium with Luxembourg until 1998 is `BEL`.
fn economies(path: &Path) -> Result<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(File::open(path).with_context(|| path.display().to_string())?);
    let header = reader.headers()?.clone();
    let column = |name: &str| header.iter().position(|column| column == name).context("a column is missing");
    let (number, code) = (column("country_code")?, column("country_iso3")?);
    let mut economies = BTreeMap::new();
    for record in reader.records() {
        let record = record?;
        economies.insert(field(&record, number)?.to_owned(), field(&record, code)?.to_owned());
    }
    Ok(economies)
}

fn imports(path: &Path, economies: &BTreeMap<String, String>) -> Result<Imports> {
    let goods: BTreeMap<&str, &str> =
        GOODS.iter().flat_map(|(name, codes)| codes.iter().map(|code| (*code, *name))).collect();
    let year = Period::year(i16::try_from(LAST)?)?;
    let mut members = BTreeMap::<&str, BTreeSet<&str>>::new();
    for code in BLOCS {
        let codes = bloc(code).map_err(|error| anyhow::anyhow!("{}", error.reason()))?.members(year);
        members.insert(code, codes.into_iter().map(|economy| economy.iso3).collect());
    }
    members.extend(IMPORTERS.map(|code| (code, BTreeSet::from([code]))));
    let mut imports = Imports::new();
    let mut reader = csv::Reader::from_reader(unpacked(path)?);
    ensure!(reader.headers()?.iter().eq(["t", "i", "j", "k", "v", "q"]), "the columns are not BACI's");
    for record in reader.records() {
        let record = record?;
        let (code, quantity) = (format!("{:0>6}", field(&record, 3)?), field(&record, 5)?);
        let Some(goods) = goods.get(code.as_str()).filter(|_| !matches!(quantity, "" | "NA")) else {
            continue;
        };
        let (year, quantity): (u16, f64) = (field(&record, 0)?.parse()?, quantity.parse()?);
        let name = |number: &str| economies.get(number).with_context(|| format!("no economy {number}"));
        let (exporter, importer) = (name(field(&record, 1)?)?, name(field(&record, 2)?)?);
        for (consumer, members) in &members {
            if members.contains(importer.as_str()) && !members.contains(exporter.as_str()) {
                let years = imports.entry((goods, consumer)).or_default();
                *years.entry(year).or_default().entry(exporter.clone()).or_default() += quantity;
            }
        }
    }
    Ok(imports)
}

fn field(record: &csv::StringRecord, column: usize) -> Result<&str> {
    record.get(column).map(str::trim).context("a row is too short")
}

fn unpacked(path: &Path) -> Result<Box<dyn Read>> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let is_packed = path.extension().is_some_and(|ending| ending == "gz");
    Ok(if is_packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

fn head() -> String {
    let mut head = "\
# table: share-series
# dataset: baci-hs92
# vintage: 202601
# publisher: Orewatch, from CEPII, BACI, HS92, version 202601
# title: Shares in imports by quantity, 1995 to 2024, of China and of the largest supplier; HHI from 0 to 1
# url: https://www.cepii.fr/CEPII/en/bdd_modele/bdd_modele_item.asp?id=37
# licence: etalab-2.0
# published: 2026-01
"
    .to_owned();
    for (name, codes) in GOODS {
        head.push_str(&format!("# goods: {name} = {}\n", codes.join(" ")));
    }
    head.push_str("goods,consumer,period,china-share,top-share,hhi\n");
    head
}

/// Writes a file whose bytes depend on the text alone.
fn write(path: &Path, text: &str) -> Result<()> {
    let file = File::create(path).with_context(|| path.display().to_string())?;
    let mut writer = GzBuilder::new().mtime(0).write(file, Compression::best());
    writer.write_all(text.as_bytes())?;
    writer.finish().map(drop).context("the end of the table")
}
