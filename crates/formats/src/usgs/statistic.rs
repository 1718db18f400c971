//! Reads salient statistics as parameters of the catalogue.
use orewatch_catalog::{Parameter, Stage, Unit, parameter};

use super::super::figure::Figure;
use super::super::names::{Names, Symbol, Topic};
use super::super::{Observation, Qualifier, Reject};
use super::cell::Cell;
use super::chapters::Chapter;
use super::series::words;
use super::world::unit_name;
use crate::shape;

/// Longest name of a form, in bytes.
const MAX_FORM_BYTES: usize = 64;

/// Names of each kind of statistic.
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
    /// The parameter of a statistic of a commodity with its detail. None: there is none.
    pub(super) fn find(statistic: &str, commodity: &str, detail: &str) -> Option<Self> {
        let statistic = statistic.trim().to_lowercase();
        let is = |kinds: &[&str]| kinds.contains(&statistic.as_str());
        let chapter = Chapter::find(commodity, detail)?;
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
            () if is(&PRODUCTION) => secondary_production(&chapter, detail),
            () => None,
        }
    }

    /// The row of a figure. None: it is not applicable, or no mass.
    pub(super) fn observe(
        self,
        names: &mut Names,
        economy: Symbol,
        year: i16,
        (in_unit, unit_text): (&str, &str),
        (in_value, text): (&str, &str),
    ) -> Result<Option<Observation>, Reject> {
        let known = parameter(self.parameter).map_err(|error| Reject::unknown("parameter", &error))?;
        let found = match known.id {
            "printed-reliance" => Some(reliance(in_value, text)?),
            _ if is_no_mass(unit_text) => None,
            _ => amount((in_unit, unit_text), (in_value, text))?.map(|figure| (figure, "")),
        };
        let Some((figure, printed)) = found else { return Ok(None) };
        if !figure.number.is_nan() {
            shape::check_value(known, figure.number, text)?;
        }
        let period = names.period(in_value, &year.to_string())?;
        let partner = names.no_economy(in_value)?;
        let topic = names.topic(in_value, text, self.topic(known, printed))?;
        let figures = figure.alone();
        Ok(Some(Observation { period, economy, partner, topic, figures, qualifier: Qualifier::None }))
    }

    fn topic(self, known: &Parameter, printed: &str) -> Topic {
        let item = if printed.is_empty() { self.item } else { printed.to_owned() };
        let stage = self.stage.map_or("", Stage::as_str);
        Topic::Parameter { name: known.id, material: self.material, stage, item }
    }
}

/// Consumption of all forms, of which reliance is a percentage; any other count of consumption is
/// `otherwise`.
fn consumption(chapter: &Chapter, detail: &str, otherwise: Option<Statistic>) -> Option<Statistic> {
    let words = words(detail);
    let counts = ["apparent", "estimated", "reported"];
    let count = counts.into_iter().find(|count| words.iter().any(|word| word == count));
    if count.unwrap_or(chapter.count) != chapter.count || !chapter.counts_everything(&words) {
        return otherwise;
    }
    let stage = Some(chapter.used?);
    Some(Statistic { parameter: "consumption", material: chapter.material, stage, item: String::new() })
}

/// Output from old scrap.
fn secondary_production(chapter: &Chapter, detail: &str) -> Option<Statistic> {
    let words = words(detail);
    let has =
        |wanted: &str| words.iter().any(|word| word == wanted || word.split('-').any(|part| part == wanted));
    if chapter.scrap.is_empty() || !has(chapter.scrap) || (has("new") && !has("old")) {
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

/// The form that a detail names: its words without those that details of every statistic have. Ores and
/// concentrates are `ores`, since each edition has another name for them.
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
    form.truncate(MAX_FORM_BYTES);
    let form = form.trim_matches('-');
    if form.is_empty() { "all".to_owned() } else { form.to_owned() }
}

/// The figure of a mass in tonnes. None: not applicable.
fn amount(
    (in_unit, unit_text): (&str, &str),
    (in_value, text): (&str, &str),
) -> Result<Option<Figure>, Reject> {
    let Some((mut figure, _)) = Cell::amount(in_value, text)? else { return Ok(None) };
    let unit: Unit = unit_name(unit_text).parse().map_err(|error| Reject::unknown(in_unit, &error))?;
    figure.number *= unit.to_tonnes(1.0);
    Ok(Some(figure))
}

/// Whether a unit is one of volume, carats or money.
fn is_no_mass(unit: &str) -> bool {
    let unit = unit.to_lowercase();
    ["carat", "cubic", "liter", "dollar", "mcm", "ct", "md"].iter().any(|part| unit.contains(part))
}

/// Reliance as it is printed: its figure, or the bound that it is above or below, and which of these it is.
fn reliance(column: &str, text: &str) -> Result<(Figure, &'static str), Reject> {
    let percent =
        |digits: &str| -> Result<Figure, Reject> { Ok(Figure::amount(column, digits)?.divided_by(100.0)) };
    Ok(match Cell::parse(text) {
        Some(Cell::Number(digits) | Cell::Estimate(digits)) => (percent(&digits)?, "figure"),
        Some(Cell::Above(bound)) => (percent(&bound)?, "above"),
        Some(Cell::Below(bound)) => (percent(&bound)?, "below"),
        Some(Cell::NetExporter) => (Figure::known(0.0), "net-exporter"),
        Some(Cell::Withheld) => (Figure::WITHHELD, "figure"),
        Some(Cell::Blank | Cell::NotAvailable | Cell::NotApplicable | Cell::Vague) => {
            (Figure::UNAVAILABLE, "figure")
        }
        None => {
            return Err(Reject::new("invalid-number", column, text, "this is no net import reliance")
                .with_hint("write a percentage, E, >50, <25, W or NA"));
        }
    })
}
