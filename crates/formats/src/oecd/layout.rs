//! Finds the inventory's columns.
use super::super::csv_file::Sample;
use super::super::text::without_decimals;
use super::measure::is_measure;

/// Where the columns are, from 0.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) economy: usize,
    pub(super) product: usize,
    pub(super) measure: usize,
    pub(super) year: Option<usize>,
    pub(super) from: Option<usize>,
    pub(super) until: Option<usize>,
    /// The explorer's value: how much of the measure there is. Empty or zero: there is no measure.
    pub(super) observed: Option<usize>,
    header: Vec<String>,
}

const ECONOMIES: &[&str] =
    &["ref area", "iso3", "iso", "iso code", "country code", "country", "country name", "reference area"];
const PRODUCTS: &[&str] = &[
    "hs6",
    "hs6 code",
    "hs 6",
    "hs code",
    "hs",
    "hs2007",
    "hs2007 code",
    "hs2012",
    "hs2017",
    "hs2022",
    "product code",
    "commodity code",
    "commodity",
    "product",
];
const MEASURES: &[&str] = &[
    "measure type",
    "type of measure",
    "measure",
    "export restriction",
    "type of export restriction",
    "restriction type",
    "restriction",
    "policy measure",
    "trade measure",
];
const YEARS: &[&str] = &["year", "time period", "time"];
const FROM: &[&str] = &[
    "date introduced",
    "introduction date",
    "introduced",
    "start date",
    "date of entry into force",
    "entry into force",
];
const UNTIL: &[&str] = &["end date", "date removed", "removal date", "expiry date", "date of expiry"];

/// Columns that must be there, each with its names.
pub(super) fn needs() -> Vec<Vec<&'static str>> {
    vec![ECONOMIES.to_vec(), PRODUCTS.to_vec(), MEASURES.to_vec(), [YEARS, FROM].concat()]
}

impl Layout {
    /// Finds the columns by the beginning of a file. None: it is not of the inventory.
    ///
    /// Several columns may have a name of the product or measure, such as `Product` beside `HS6`. The one
    /// with the most texts that look like a code or a measure is taken.
    pub(super) fn find(sample: &Sample) -> Option<Self> {
        let Sample { header, rows } = sample;
        let plain = |name: &String| name.to_lowercase().replace(['_', '-'], " ");
        let names: Vec<_> = header.iter().map(plain).collect();
        let place =
            |known: &[&str]| known.iter().find_map(|name| names.iter().position(|column| column == name));
        let likely = |known: &[&str], fits: &dyn Fn(&str) -> bool| {
            let score = |column: usize| {
                rows.iter().filter(|row| row.get(column).is_some_and(|text| fits(text))).count()
            };
            let columns = names.iter().enumerate().filter(|(_, name)| known.contains(&name.as_str()));
            // Without rows any column of the name may be it.
            let scored = columns.map(|(column, _)| (score(column), column));
            let scored = scored.filter(|(score, _)| *score > 0 || rows.is_empty());
            scored.rev().max_by_key(|(score, _)| *score).map(|(_, column)| column)
        };
        let (year, from) = (place(YEARS), place(FROM));
        year.or(from)?;
        Some(Self {
            economy: place(ECONOMIES)?,
            product: likely(PRODUCTS, &|text| is_code(without_letters(text)))?,
            measure: likely(MEASURES, &is_measure)?,
            year,
            from,
            until: place(UNTIL),
            observed: place(&["obs value"]),
            header: header.clone(),
        })
    }

    /// Number of known columns.
    pub(super) fn likeness(&self) -> usize {
        3 + [self.year, self.from, self.until, self.observed].iter().flatten().count()
    }

    /// Name of a column in the file.
    pub(super) fn name(&self, column: usize) -> &str {
        self.header.get(column).map_or("", String::as_str)
    }
}

/// A code without the letters that the explorer puts before it: `HS_260400`.
pub(super) fn without_letters(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | ' '))
}

fn is_code(text: &str) -> bool {
    let text = without_decimals(text);
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let others = text.bytes().any(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b' '));
    !others && (5..=12).contains(&digits)
}
