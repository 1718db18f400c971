//! Salient statistics as parameters of the catalogue.
use orewatch_catalog::{Parameter, Stage, Unit, parameter};
use orewatch_contracts::common::v1::Status;

use super::super::figure::Figure;
use super::super::names::{Names, Symbol, Topic};
use super::super::{Beside, Observation, Reject};
use super::cell::Cell;
use super::chapters::Chapter;
use super::series::words;
use super::world::unit;
use crate::shape;

/// Longest form, in bytes.
const LONGEST_FORM: usize = 64;

/// Kinds of statistics, by what tables call them.
const IMPORTS: [&str; 3] = ["import", "imports", "imports for consumption"];
const EXPORTS: [&str; 2] = ["export", "exports"];
const STOCKS: [&str; 2] = ["stock", "stocks"];
const CONSUMPTION: [&str; 2] = ["consump", "consumption"];
const PRODUCTION: [&str; 2] = ["usprod", "production"];
const RELIANCE: [&str; 2] = ["nir", "net import reliance"];

/// A statistic that is a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statistic {
    parameter: &'static str,
    material: &'static str,
    stage: Option<Stage>,
    item: String,
}

impl Statistic {
    /// The parameter of a statistic of a commodity, with its detail. None: there is none.
    pub(super) fn of(statistic: &str, commodity: &str, detail: &str) -> Option<Self> {
        let statistic = statistic.trim().to_lowercase();
        let is = |kinds: &[&str]| kinds.contains(&statistic.as_str());
        let chapter = Chapter::of(commodity, detail)?;
        let by_form = |parameter| {
            Some(Self {
                parameter,
                material: chapter.material,
                stage: chapter.stage(detail),
                item: form(detail),
            })
        };
        match () {
            () if is(&IMPORTS) => by_form("imports"),
            () if is(&EXPORTS) => by_form("exports"),
            () if is(&STOCKS) => by_form("stocks"),
            () if is(&RELIANCE) => Some(Self { item: String::new(), ..by_form("printed-reliance")? }),
            () if is(&CONSUMPTION) => consumption(&chapter, detail, by_form("counted-consumption")),
            () if is(&PRODUCTION) => scrap(&chapter, detail),
            () => None,
        }
    }

    /// What is recorded. None: the question does not arise, or the figure is no mass.
    pub(super) fn observation(
        self,
        names: &mut Names,
        economy: Symbol,
        year: i16,
        (in_unit, unit_text): (&str, &str),
        (in_value, text): (&str, &str),
    ) -> Result<Option<Observation>, Reject> {
        let known = parameter(self.parameter).map_err(|error| Reject::unknown("parameter", &error))?;
        let read = match known.id {
            "printed-reliance" => Some(reliance(in_value, text)?),
            _ if is_no_mass(unit_text) => None,
            _ => amount((in_unit, unit_text), (in_value, text))?.map(|figure| (figure, "")),
        };
        let Some((figure, printed)) = read else { return Ok(None) };
        if !figure.number.is_nan() {
            shape::value(known, figure.number, text)?;
        }
        let period = names.period(in_value, &year.to_string())?;
        let partner = names.nobody(in_value)?;
        let topic = names.topic(in_value, text, self.topic(known, printed))?;
        let figures = [figure, Figure::known(0.0)];
        Ok(Some(Observation { period, economy, partner, topic, figures, beside: Beside::Nothing }))
    }

    fn topic(self, known: &Parameter, printed: &str) -> Topic {
        let item = if printed.is_empty() { self.item } else { printed.to_owned() };
        let stage = self.stage.map_or("", Stage::as_str);
        Topic::Parameter { name: known.id, material: self.material, stage, item }
    }
}

/// Consumption of all forms is what reliance is a percentage of; any other count of it stands beside.
fn consumption(chapter: &Chapter, detail: &str, beside: Option<Statistic>) -> Option<Statistic> {
    let words = words(detail);
    let counts = ["apparent", "estimated", "reported"];
    let count = counts.into_iter().find(|count| words.iter().any(|word| word == count));
    if count.unwrap_or(chapter.count) != chapter.count || !chapter.is_whole(&words) {
        return beside;
    }
    let stage = Some(chapter.used?);
    Some(Statistic { parameter: "consumption", material: chapter.material, stage, item: String::new() })
}

fn scrap(chapter: &Chapter, detail: &str) -> Option<Statistic> {
    let told =
        |word: &str| words(detail).iter().any(|one| one == word || one.split('-').any(|part| part == word));
    if chapter.scrap.is_empty() || !told(chapter.scrap) || (told("new") && !told("old")) {
        return None;
    }
    let stage = Some(chapter.used?);
    Some(Statistic {
        parameter: "secondary-production",
        material: chapter.material,
        stage,
        item: String::new(),
    })
}

/// The form that a detail names: its own words without those that every detail of the statistic has. Ores and concentrates
/// are `ores` whatever they are called, since each edition has another name for them.
fn form(detail: &str) -> String {
    const GENERAL: [&str; 11] = [
        "and",
        "imports",
        "exports",
        "stocks",
        "consumption",
        "for",
        "yearend",
        "year-end",
        "metric",
        "tons",
        "including",
    ];
    const AS_MINED: [&str; 4] = ["ore", "ores", "concentrate", "concentrates"];
    let words = words(detail);
    let own = words.iter().map(String::as_str).filter(|word| !GENERAL.contains(word));
    let own = own.map(|word| if AS_MINED.contains(&word) { "ores" } else { word });
    let letters =
        |word: &str| word.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect();
    let mut own: Vec<String> = own.map(letters).filter(|word: &String| !word.is_empty()).collect();
    own.dedup();
    let mut form = own.join("-");
    form.truncate(LONGEST_FORM);
    let form = form.trim_matches('-');
    if form.is_empty() { "all".to_owned() } else { form.to_owned() }
}

fn amount(
    (in_unit, unit_text): (&str, &str),
    (in_value, text): (&str, &str),
) -> Result<Option<Figure>, Reject> {
    let Some((mut figure, _)) = Cell::amount(in_value, text)? else { return Ok(None) };
    let unit: Unit = unit(unit_text).parse().map_err(|error| Reject::unknown(in_unit, &error))?;
    figure.number *= unit.to_tonnes(1.0);
    Ok(Some(figure))
}

/// Volumes, carats and money.
fn is_no_mass(unit: &str) -> bool {
    let unit = unit.to_lowercase();
    ["carat", "cubic", "liter", "dollar", "mcm", "ct", "md"].iter().any(|part| unit.contains(part))
}

/// Reliance as it is printed: its figure, or the line that it lies above or below, and which of these it is.
fn reliance(column: &str, text: &str) -> Result<(Figure, &'static str), Reject> {
    let percent = |digits: &str| -> Result<Figure, Reject> {
        let mut figure = Figure::amount(column, digits)?;
        figure.number /= 100.0;
        Ok(figure)
    };
    let missing = |status| Figure { number: f64::NAN, status };
    Ok(match Cell::read(text) {
        Some(Cell::Number(digits) | Cell::Estimate(digits)) => (percent(&digits)?, "figure"),
        Some(Cell::Above(line)) => (percent(&line)?, "above"),
        Some(Cell::Below(line)) => (percent(&line)?, "below"),
        Some(Cell::NetExporter) => (Figure::known(0.0), "net-exporter"),
        Some(Cell::Withheld) => (missing(Status::Withheld), "figure"),
        Some(Cell::Blank | Cell::NotAvailable | Cell::NotApplicable | Cell::Vague) => {
            (missing(Status::Unavailable), "figure")
        }
        None => {
            return Err(Reject::new("bad-number", column, text, "this is no net import reliance")
                .with_hint("write a percentage, E, >50, <25, W or NA"));
        }
    })
}
