//! The World Bank's Worldwide Governance Indicators
//! (<https://www.worldbank.org/en/publication/worldwide-governance-indicators>): six estimates for each
//! economy and year.
//!
//! Verified on real files:
//!
//! - long csv: `code,countryname,year,indicator,estimate,...`, also with `codeindyr` before;
//! - wide csv: `Country/Territory,Code,1996,1998,...`, the indicator in the file name.
//!
//! Verified on documentation, or on programs that read them:
//!
//! - wide csv of the DataBank: `Series Code`, `Country Code`, `1996 [YR1996]`; of the bulk download:
//!   `Indicator Code`, `1996`;
//! - csv of the Stata file: `code,countryname,year,vae,vas,...,pve,...`, a row an economy and year;
//! - csv of a sheet since 2025: `Economy (code)`, `Year`, `Governance estimate (approx. -2.5 to +2.5)`;
//! - JSON of the API: `[{page,pages,...},[{indicator,country,countryiso3code,date,value},...]]`.
//!
//! An estimate that is `..`, `nan` or empty is not available. Economies are alpha-3 codes, some of them old
//! ones of the bank. Out of scope: percentile ranks, standard errors, scores from 0 to 100, and groups of
//! economies. Quarantined: unknown economies and indicators, figures outside of the range of an estimate.

mod csv;
mod json;

use orewatch_catalog::{Economy, Scheme, UnknownCode, resolve_economy};
use orewatch_contracts::ingestion::v1::Table;
use serde_json::{Map, Value};

use self::csv::Layout;
use super::csv_file::{CsvFile, Sample};
use super::figure::Figure;
use super::json::{first_object, text};
use super::names::Names;
use super::text::without_decimals;
use super::{
    About, FileFacts, Head, Metadata, Observation, Part, Qualifier, Reader, Reject, Setup, Source,
    SourceError,
};

/// Worldwide Governance Indicators, as csv and as JSON.
#[derive(Debug)]
pub(super) struct Wgi;

static ABOUT: About = About {
    id: "wgi/2",
    title: "Worldwide Governance Indicators: six estimates an economy and year",
    publisher: "World Bank",
    url: "https://www.worldbank.org/en/publication/worldwide-governance-indicators",
    licence: "CC-BY-4.0",
    tables: &[Table::Governance],
    forms: &[
        "code,countryname,year,indicator,estimate,...",
        "Country/Territory,Code,1996,1998,...",
        "Series Code,Country Code,1996 [YR1996],...",
        "code,countryname,year,vae,pve,gee,rqe,rle,cce,...",
        "Economy (code),Year,Governance estimate (approx. -2.5 to +2.5),...",
        "JSON: [{page,pages,...},[{indicator,countryiso3code,date,value},...]]",
    ],
};

/// Largest absolute value of an estimate. Estimates are standard normal; none of some 30,000 is beyond 3.4.
const MAX_ESTIMATE: f64 = 4.0;

/// The indicators: the bank's letters and the catalogue's names.
static INDICATORS: [(&str, &str); 6] = [
    ("CC", "control-of-corruption"),
    ("GE", "government-effectiveness"),
    ("PV", "political-stability"),
    ("RL", "rule-of-law"),
    ("RQ", "regulatory-quality"),
    ("VA", "voice-and-accountability"),
];

impl Source for Wgi {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        if json::is_response(head) {
            return Some(usize::MAX);
        }
        let sample = Sample::new(head);
        let layout = Layout::find(&sample.header)?;
        layout.resembles(&sample).then(|| layout.likeness())
    }

    fn needs(&self) -> Vec<Vec<&'static str>> {
        vec![csv::ECONOMIES.to_vec(), vec!["year"], csv::INDICATOR_NAMES.to_vec(), vec!["estimate"]]
    }

    fn parts(&self, file: &FileFacts<'_>) -> Result<Vec<Part>, SourceError> {
        let head = file.head;
        let published = if json::is_response(head) {
            json::publication_day(head)?
        } else {
            let sample = Sample::new(head);
            layout(head, &sample)?.check(head, &sample)?;
            None
        };
        let metadata = ABOUT.metadata(Table::Governance, "wgi", "Worldwide Governance Indicators: estimates");
        let vintage = published.clone().or(metadata.vintage);
        let metadata = Metadata { published, vintage, ..metadata };
        Ok(vec![Part::whole_table(Table::Governance, metadata)])
    }

    fn notes(&self, heads: &[&Head]) -> Vec<String> {
        json::missing_pages(heads)
    }

    fn reader(&self, head: &Head, _part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        if json::is_response(head) {
            return Ok(Box::new(json::Response { file: head.file.clone(), limits: setup.limits }));
        }
        let layout = layout(head, &Sample::new(head))?;
        Ok(Box::new(csv::Estimates { file: CsvFile::new(head, setup), layout }))
    }
}

fn layout(head: &Head, sample: &Sample) -> Result<Layout, SourceError> {
    Layout::find(&sample.header).ok_or_else(|| SourceError::unknown_header(&head.file, 1))
}

/// A series of the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Series {
    /// Estimates of an indicator of the catalogue.
    Estimate(&'static str),
    /// Other figures of the bank.
    Other,
}

/// The indicator of a pair of letters in any case: `pv`.
fn indicator_of_letters(text: &str) -> Option<&'static str> {
    let found = INDICATORS.iter().find(|(letters, _)| letters.eq_ignore_ascii_case(text));
    found.map(|&(_, name)| name)
}

/// The series of a code: `PV.EST`, since 2025 also `GOV_WGI_PV.EST`; `PV.PER.RNK` is a percentile rank.
fn series_of_code(text: &str) -> Series {
    let code = text.to_uppercase().replace('.', "_");
    let code = code.strip_prefix("GOV_WGI_").unwrap_or(&code);
    match code.strip_suffix("_EST").and_then(indicator_of_letters) {
        Some(name) => Series::Estimate(name),
        None => Series::Other,
    }
}

/// The economy of a code. None: it stands for several.
fn economy(code: &str) -> Result<Option<&'static Economy>, UnknownCode> {
    /// The bank's regions and income groups.
    const GROUPS: &str = "AFE AFR AFW ARB CEA CEB CEU CLA CME CSA CSS EAP EAR EAS ECA ECS EMU EUU FCS HIC \
                          HPC IBB IBD IBT IDA IDB IDX INX LAC LCN LDC LIC LMC LMY LTE MDE MEA MIC MNA NAC \
                          NAF NRS NXS OED OSS PRE PSS PST RRS SAS SSA SSF SST SXZ TEA TEC TLA TMN TSA TSS \
                          UMC WLD XZN";
    if GROUPS.split(' ').any(|group| group == code) {
        return Ok(None);
    }
    let scheme = if code.len() == 2 { Scheme::Iso2 } else { Scheme::Wgi };
    resolve_economy(scheme, code).map(Some)
}

/// An estimate as text; each text comes with the name of its column.
#[derive(Clone, Copy, Debug)]
struct Estimate<'a> {
    /// Column and code.
    economy: (&'a str, &'a str),
    year: (&'a str, &'a str),
    value: (&'a str, &'a str),
    /// Name in the catalogue.
    indicator: &'static str,
}

impl Estimate<'_> {
    /// The row of the estimate. None: it is of several economies together.
    fn observe(&self, names: &mut Names) -> Result<Option<Observation>, Reject> {
        let (column, code) = self.economy;
        let found = economy(code).map_err(|error| Reject::unknown(column, &error))?;
        let Some(found) = found else { return Ok(None) };
        let economy = names.economy(Scheme::Iso3, column, found.iso3)?;
        let period = names.period(self.year.0, without_decimals(self.year.1))?;
        let topic = names.indicator("indicator", self.indicator)?;
        let figures = figure(self.value.0, self.value.1)?.alone();
        let qualifier = Qualifier::None;
        Ok(Some(Observation { period, economy, partner: economy, topic, figures, qualifier }))
    }
}

/// Whether a text stands for no estimate.
fn is_missing(text: &str) -> bool {
    matches!(text, "" | ".." | "…" | "#N/A" | "NA" | "N/A" | "na" | "n/a" | "nan" | "NaN" | "None" | "null")
}

/// The number of a text. Programs write small ones with an exponent.
fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    if plain { text.parse().ok().filter(|number: &f64| number.is_finite()) } else { None }
}

fn figure(column: &str, text: &str) -> Result<Figure, Reject> {
    if is_missing(text) {
        return Ok(Figure::UNAVAILABLE);
    }
    match number(text) {
        Some(number) if number.abs() <= MAX_ESTIMATE => Ok(Figure::known(number)),
        Some(_) => {
            let reason = "an estimate lies between about -2.5 and 2.5";
            Err(Reject::new("out-of-range", column, text, reason).with_hint(
                "percentile ranks and rescaled scores are other figures: use the column of estimates",
            ))
        }
        None => Figure::signed(column, text),
    }
}

/// Refuses figures that do not look like estimates. Estimates are centred on zero, so that some of many are
/// negative, and none is as large as a score or a rank.
fn check_scale(file: &str, figures: &[f64]) -> Result<(), SourceError> {
    /// Figures from which a judgement is possible.
    const MIN_FIGURES: usize = 10;
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (scale, doubt) =
        if most > MAX_ESTIMATE { ("0 to 100 or the like", false) } else { ("0 to 1", most > 1.0) };
    if figures.len() < MIN_FIGURES || least < 0.0 || doubt {
        return Ok(());
    }
    let message =
        format!("the figures are no estimates: none is negative, and they range from {least} to {most}");
    Err(SourceError::new("rescaled-figures", file, 0, message).with_hint(format!(
        "is this a table on a scale of {scale}? Use the bank's estimates, from about -2.5 to 2.5"
    )))
}

/// A member of an object within an object.
fn inner(record: &Map<String, Value>, name: &str, member: &str) -> String {
    text(record.get(name).and_then(|value| value.get(member)))
}

/// The envelope at the beginning of a response.
fn envelope(head: &Head) -> Option<Map<String, Value>> {
    first_object(&head.bytes)
}
