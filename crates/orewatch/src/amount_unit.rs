//! Amounts in another unit than tonnes, or on another basis than they are recorded on: `--unit`.
use orewatch_catalog::{Basis, Stage, Unit, material};
use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::exposure::v1::{ExplainExposureResponse, Subject};
use orewatch_contracts::{Class, Failure};

/// A unit or basis for amounts that are recorded in tonnes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AmountUnit {
    /// Amount in one tonne.
    factor: f64,
    /// Name of the unit, such as `kt` or `t LCE`.
    name: String,
}

impl AmountUnit {
    /// Reads a unit, or a basis to which the amounts of a figure can be converted.
    ///
    /// # Errors
    /// An unknown unit, or a basis without a fixed ratio to that of the amounts.
    pub(crate) fn parse(text: &str, subject: &Subject) -> Result<Self, Failure> {
        if let Ok(unit) = text.parse::<Unit>() {
            return Ok(Self { factor: 1.0 / unit.to_tonnes(1.0), name: unit.as_str().to_owned() });
        }
        let basis: Basis = text.parse().map_err(|_| unknown(text))?;
        let from = recorded_basis(subject);
        let factor = from.convert(&subject.material, 1.0, basis).map_err(|mismatch| {
            Failure::new(Class::Invalid, "basis-mismatch", mismatch.to_string())
                .at("unit", text)
                .with_hint("`orewatch units` lists the bases of each material and the factors between them")
        })?;
        let short = if basis.symbol().is_empty() { basis.as_str() } else { basis.symbol() };
        Ok(Self { factor, name: format!("t {short}") })
    }

    /// Converts the amounts behind a figure: its terms and contributions. Source rows stay as they are.
    pub(crate) fn convert(&self, response: &mut ExplainExposureResponse) {
        for term in response.terms.iter_mut().filter(|term| term.unit == "t") {
            self.scale(term.estimate.as_mut());
            term.unit.clone_from(&self.name);
        }
        for one in response.contributions.iter_mut().filter(|one| one.unit == "t") {
            self.scale(one.amount.as_mut());
            one.unit.clone_from(&self.name);
        }
    }

    fn scale(&self, estimate: Option<&mut Estimate>) {
        if let Some(estimate) = estimate {
            for number in [&mut estimate.value, &mut estimate.low, &mut estimate.high] {
                *number = number.map(|number| number * self.factor);
            }
        }
    }
}

/// The basis of the amounts of a figure: output is recorded on the basis of the material, trade in gross
/// weight.
fn recorded_basis(subject: &Subject) -> Basis {
    if !subject.measure.starts_with("production-") {
        return Basis::Gross;
    }
    let known = material(&subject.material).ok().zip(subject.stage.parse::<Stage>().ok());
    known.map_or(Basis::Gross, |(material, stage)| material.basis(stage))
}

fn unknown(text: &str) -> Failure {
    Failure::new(Class::Invalid, "unknown-unit", format!("unknown unit `{text}`"))
        .at("unit", text)
        .with_hint("write kg, t, kt or Mt, or a basis such as LCE; `orewatch units` lists all")
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::exposure::v1::{Contribution, Term};

    use super::*;

    fn subject(measure: &str, material: &str) -> Subject {
        Subject {
            measure: measure.to_owned(),
            material: material.to_owned(),
            stage: "mined".to_owned(),
            ..Subject::default()
        }
    }

    #[test]
    fn amounts_are_converted_with_their_bounds_and_unit() {
        let output = subject("production-share/1", "lithium");
        let unit = AmountUnit::parse("LCE", &output).unwrap();
        let estimate = Estimate { value: Some(1000.0), low: Some(900.0), ..Estimate::default() };
        let term =
            |unit: &str| Term { unit: unit.to_owned(), estimate: Some(estimate.clone()), ..Term::default() };
        let amount =
            Contribution { unit: "t".to_owned(), amount: Some(estimate.clone()), ..Contribution::default() };
        let mut response = ExplainExposureResponse {
            terms: vec![term("t"), term("share")],
            contributions: vec![amount],
            ..ExplainExposureResponse::default()
        };
        unit.convert(&mut response);
        let lithium = response.contributions[0].amount.clone().unwrap();
        assert_eq!((lithium.value, lithium.low, lithium.high), (Some(5323.0), Some(900.0 * 5.323), None));
        assert_eq!((&*response.terms[0].unit, &*response.contributions[0].unit), ("t LCE", "t LCE"));
        assert_eq!(response.terms[1], term("share"));
    }

    #[test]
    fn only_fixed_ratios_are_accepted() {
        let output = subject("production-share/1", "lithium");
        assert_eq!(
            AmountUnit::parse("kt", &output).unwrap(),
            AmountUnit { factor: 0.001, name: "kt".to_owned() }
        );
        assert_eq!(AmountUnit::parse("barrels", &output).unwrap_err().code, "unknown-unit");
        let trade = subject("import-share/1", "lithium");
        assert_eq!(AmountUnit::parse("LCE", &trade).unwrap_err().code, "basis-mismatch");
        let cobalt = subject("production-share/1", "cobalt");
        assert_eq!(AmountUnit::parse("REO", &cobalt).unwrap_err().code, "basis-mismatch");
    }
}
