//! A checked claim: names become entries of the catalogue, or failures with a hint at what may have been
//! meant.

use jiff::civil::Date;
use orewatch_catalog::Period;
use orewatch_contracts::exposure::v1::Subject;
use orewatch_contracts::ingestion::v1::ClaimRow;
use orewatch_contracts::{Class, Failure};
use orewatch_measures::{ClaimedRange, Measure, Weight};

use crate::request::{ExposureRequest, weight};

/// Upper bound on the materials of a claim.
const MAX_MATERIALS: usize = 50;

/// What a claim states. What it leaves open is `None` or empty.
#[derive(Clone, Debug)]
pub(super) struct StatedClaim {
    /// The figure of each material, each once, in the order of the claim; without a period.
    pub(super) figures: Vec<ExposureRequest>,
    /// The measure of all of them.
    pub(super) measure: Measure,
    /// The range.
    pub(super) range: ClaimedRange,
    /// When it was said.
    pub(super) date: Date,
    /// What flows are weighted by.
    pub(super) by: Option<Weight>,
    /// The period that it is about.
    pub(super) period: Option<Period>,
    /// The dataset or scenario that it names.
    pub(super) basis: String,
    /// The vintage that it names.
    pub(super) vintage: String,
}

impl StatedClaim {
    /// Checks a claim.
    ///
    /// # Errors
    /// A name that is unknown or missing, a date or period that is none, a range that is upside down.
    pub(super) fn read(row: &ClaimRow) -> Result<Self, Failure> {
        let mut figures = Vec::<ExposureRequest>::new();
        for material in &row.materials {
            let figure = ExposureRequest::parse(Some(&subject(row, material)), "")?;
            if !figures.iter().any(|known| known.material == figure.material) {
                figures.push(figure);
            }
        }
        let Some(first) = figures.first() else { return Err(missing("materials")) };
        if figures.len() > MAX_MATERIALS {
            let message = format!("a claim names at most {MAX_MATERIALS} materials");
            return Err(
                Failure::new(Class::Invalid, "too-many", message).at("materials", figures.len().to_string())
            );
        }
        Ok(Self {
            measure: first.key.measure,
            range: range(row)?,
            date: date(&row.date)?,
            by: weight(row.by)?,
            period: period(&row.period)?,
            basis: row.basis.trim().to_owned(),
            vintage: row.vintage.trim().to_owned(),
            figures,
        })
    }

    /// Its materials.
    pub(super) fn materials(&self) -> impl Iterator<Item = &'static str> {
        self.figures.iter().map(|figure| figure.material)
    }

    /// Unit of the measure.
    pub(super) fn unit(&self) -> &'static str {
        self.measure.method().unit
    }

    /// What flows are weighted by, if the claim does not say.
    pub(super) fn default_by(&self) -> Weight {
        self.by.or_else(|| self.measure.method().weights.first().copied()).unwrap_or(Weight::Quantity)
    }
}

fn subject(row: &ClaimRow, material: &str) -> Subject {
    Subject {
        consumer: row.consumer.clone(),
        material: material.to_owned(),
        stage: row.stage.clone(),
        supplier: row.supplier.clone(),
        measure: row.measure.clone(),
        by: row.by,
    }
}

fn missing(field: &str) -> Failure {
    Failure::new(Class::Invalid, "missing-field", format!("the claim does not name its {field}"))
        .at(field, "")
}

fn range(row: &ClaimRow) -> Result<ClaimedRange, Failure> {
    let ClaimRow { low, high, tolerance, .. } = *row;
    for (field, number) in [("low", low), ("high", high), ("tolerance", tolerance)] {
        if !number.is_finite() || field == "tolerance" && number < 0.0 {
            let message = format!("the {field} of a claim is a finite number in the unit of its measure");
            return Err(Failure::new(Class::Invalid, "invalid-number", message).at(field, number.to_string()));
        }
    }
    if low > high {
        let message = format!("the range ends at {high}, before it starts at {low}");
        return Err(Failure::new(Class::Invalid, "end-before-start", message)
            .with_hint("swap low and high")
            .at("high", high.to_string()));
    }
    Ok(ClaimedRange { low, high, tolerance })
}

fn date(text: &str) -> Result<Date, Failure> {
    if text.trim().is_empty() {
        return Err(missing("date").with_hint("write the day on which it was said, such as 2026-01-11"));
    }
    text.trim().parse().map_err(|_| {
        Failure::new(Class::Invalid, "invalid-day", "the date of a claim is a day")
            .with_hint("write the day on which it was said, such as 2026-01-11")
            .at("date", text)
    })
}

fn period(text: &str) -> Result<Option<Period>, Failure> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    text.trim().parse().map(Some).map_err(|error: orewatch_catalog::PeriodError| {
        Failure::new(Class::Invalid, "invalid-period", error.to_string())
            .with_hint("write a year `2022` or a month `2022-03`")
            .at("period", text)
    })
}
