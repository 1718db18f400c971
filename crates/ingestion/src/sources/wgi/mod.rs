//! The World Bank's Worldwide Governance Indicators: six estimates an economy and year.
//!
//! | form | verified on |
//! | --- | --- |
//! | long csv: `code,countryname,year,indicator,estimate,...`, also with `codeindyr` before | a real file |
//! | wide csv: `Country/Territory,Code,1996,1998,...`, the indicator in the file's name | a real file |
//! | wide csv of the DataBank: `Series Code`, `Country Code`, `1996 [YR1996]`; of the bulk download: `Indicator Code`, `1996` | documentation |
//! | csv of the Stata file: `code,countryname,year,vae,vas,...,pve,...`, a row an economy and year | programs that read it |
//! | csv of a sheet since 2025: `Economy (code)`, `Year`, `Governance estimate (approx. -2.5 to +2.5)` | documentation |
//! | JSON of the API: `[{page,pages,...},[{indicator,country,countryiso3code,date,value},...]]` | documentation |

mod csv;
mod json;

use std::collections::BTreeSet;

use orewatch_catalog::{Economy, Scheme, UnknownCode, resolve_economy};
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::Table;
use serde_json::{Map, Value};

use self::csv::Layout;
use super::figure::Figure;
use super::json::{first_object, text};
use super::metadata::Metadata;
use super::names::Names;
use super::{About, Beside, Head, Observation, Part, Reader, Reject, Setup, Source, SourceError, records};
use crate::ids::UNDATED;

/// Worldwide Governance Indicators. What is missing is `..`, `nan` or empty. Economies are alpha-3 codes, some of them the
/// bank's old ones. Percentile ranks, standard errors and scores from 0 to 100 are other figures and out of scope.
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

/// Farthest from zero that an estimate may be. They are standard normal; of some 30,000 none is beyond 3.4.
const FARTHEST: f64 = 4.0;

/// The indicators: the bank's letters and the catalogue's name.
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
        if json::is_answer(head) {
            return Some(usize::MAX);
        }
        let sample = records::sample(head);
        let layout = sample.first().and_then(|header| Layout::find(header))?;
        layout.is_like(&sample).then(|| layout.likeness())
    }

    fn needs(&self) -> Vec<Vec<&'static str>> {
        vec![csv::CODES.to_vec(), vec!["year"], csv::NAMES.to_vec(), vec!["estimate"]]
    }

    fn parts(
        &self,
        head: &Head,
        _given: &Metadata,
        _texts: &BTreeSet<String>,
    ) -> Result<Vec<Part>, SourceError> {
        let vintage = if json::is_answer(head) {
            json::vintage(head)?
        } else {
            let sample = records::sample(head);
            layout(head, &sample)?.check(head, &sample)?;
            None
        };
        let said = Metadata {
            dataset: Some("wgi".to_owned()),
            published: vintage.clone(),
            vintage: Some(vintage.unwrap_or_else(|| UNDATED.to_owned())),
            table: Some("governance".to_owned()),
            publisher: Some(ABOUT.publisher.to_owned()),
            title: Some("Worldwide Governance Indicators: estimates".to_owned()),
            url: Some(ABOUT.url.to_owned()),
            licence: Some(ABOUT.licence.to_owned()),
            ..Metadata::default()
        };
        Ok(vec![Part::of(Table::Governance, said)])
    }

    fn notes(&self, heads: &[&Head]) -> Vec<String> {
        json::missing_pages(heads)
    }

    fn reader(&self, head: &Head, _part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let file = head.file.clone();
        if json::is_answer(head) {
            return Ok(Box::new(json::Answer { file, limits: setup.limits }));
        }
        let layout = layout(head, &records::sample(head))?;
        Ok(Box::new(csv::Estimates { file, limits: setup.limits, form: records::form(head), layout }))
    }
}

fn layout(head: &Head, sample: &[Vec<String>]) -> Result<Layout, SourceError> {
    let found = sample.first().and_then(|header| Layout::find(header));
    found.ok_or_else(|| SourceError::new("unknown-format", &head.file, 1, "the header is another"))
}

/// What a code of the bank names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Series {
    /// Estimates of an indicator of the catalogue.
    Estimate(&'static str),
    /// Other figures of the bank.
    Other,
}

/// The indicator of a bare pair of letters in any case: `pv`.
fn by_letters(text: &str) -> Option<&'static str> {
    let found = INDICATORS.iter().find(|(letters, _)| letters.eq_ignore_ascii_case(text));
    found.map(|&(_, name)| name)
}

/// The series of a code: `PV.EST`, since 2025 also `GOV_WGI_PV.EST`; `PV.PER.RNK` is a percentile rank.
fn by_code(text: &str) -> Series {
    let code = text.to_uppercase().replace('.', "_");
    let code = code.strip_prefix("GOV_WGI_").unwrap_or(&code);
    match code.strip_suffix("_EST").and_then(by_letters) {
        Some(name) => Series::Estimate(name),
        None => Series::Other,
    }
}

/// The economy of a code, and whether it stands for several of them.
fn economy(code: &str) -> Result<Option<&'static Economy>, UnknownCode> {
    /// The bank's regions and groups of income.
    const GROUPS: &str = "AFE AFR AFW ARB CEA CEB CEU CLA CME CSA CSS EAP EAR EAS ECA ECS EMU EUU FCS HIC HPC IBB IBD IBT IDA \
                          IDB IDX INX LAC LCN LDC LIC LMC LMY LTE MDE MEA MIC MNA NAC NAF NRS NXS OED OSS PRE PSS PST RRS \
                          SAS SSA SSF SST SXZ TEA TEC TLA TMN TSA TSS UMC WLD XZN";
    if GROUPS.split(' ').any(|group| group == code) {
        return Ok(None);
    }
    let scheme = if code.len() == 2 { Scheme::Iso2 } else { Scheme::Wgi };
    resolve_economy(scheme, code).map(Some)
}

/// An estimate as its row says it, and what its columns are called.
#[derive(Clone, Copy, Debug)]
struct Estimate<'a> {
    /// Column and text.
    economy: (&'a str, &'a str),
    year: (&'a str, &'a str),
    value: (&'a str, &'a str),
    /// Name of the catalogue.
    indicator: &'static str,
}

impl Estimate<'_> {
    /// What is recorded of it. None: it is of several economies together.
    fn observe(&self, names: &mut Names) -> Result<Option<Observation>, Reject> {
        let (column, code) = self.economy;
        let found = economy(code).map_err(|error| Reject::unknown(column, &error))?;
        let Some(found) = found else { return Ok(None) };
        let economy = names.economy(Scheme::Iso3, column, found.iso3)?;
        let year = self.year.1.strip_suffix(".0").unwrap_or(self.year.1);
        let period = names.period(self.year.0, year)?;
        let topic = names.indicator("indicator", self.indicator)?;
        let figures = [figure(self.value.0, self.value.1)?, Figure::known(0.0)];
        let beside = Beside::Nothing;
        Ok(Some(Observation { period, economy, partner: economy, topic, figures, beside }))
    }
}

/// Whether a text says that there is no estimate.
fn is_missing(text: &str) -> bool {
    matches!(text, "" | ".." | "…" | "#N/A" | "NA" | "N/A" | "na" | "n/a" | "nan" | "NaN" | "None" | "null")
}

/// The number that a text is; programs write small ones with an exponent.
fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    if plain { text.parse().ok().filter(|number: &f64| number.is_finite()) } else { None }
}

fn figure(column: &str, text: &str) -> Result<Figure, Reject> {
    if is_missing(text) {
        return Ok(Figure { number: f64::NAN, status: Status::Unavailable });
    }
    match number(text) {
        Some(number) if number.abs() <= FARTHEST => Ok(Figure::known(number)),
        Some(_) => {
            Err(Reject::new("out-of-range", column, text, "an estimate lies between about -2.5 and 2.5")
                .with_hint(
                    "percentile ranks and rescaled scores are other figures: take the column of estimates",
                ))
        }
        None => Figure::signed(column, text),
    }
}

/// Refuses figures that are no estimates by the look of them: estimates are centred on zero, so that among many some are
/// negative, and none is as large as a score or a rank.
fn rescaled(file: &str, figures: &[f64]) -> Result<(), SourceError> {
    const ENOUGH: usize = 10;
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (scale, doubt) =
        if most > FARTHEST { ("0 to 100 or the like", false) } else { ("0 to 1", most > 1.0) };
    if figures.len() < ENOUGH || least < 0.0 || doubt {
        return Ok(());
    }
    let message = format!("the figures are no estimates: none is negative, they go from {least} to {most}");
    Err(SourceError::new("rescaled-figures", file, 0, message).with_hint(format!(
        "a table on a scale of {scale}? Take the estimates, from about -2.5 to 2.5, as the bank gives them"
    )))
}

/// A member of an object within an object.
fn inner(record: &Map<String, Value>, name: &str, member: &str) -> String {
    text(record.get(name).and_then(|value| value.get(member)))
}

/// The envelope at the beginning of an answer.
fn envelope(head: &Head) -> Option<Map<String, Value>> {
    first_object(&head.bytes)
}
