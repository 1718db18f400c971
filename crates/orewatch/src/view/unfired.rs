//! Figures that a rule watches and for which there is no alert.
use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::exposure::v1::{Exposure, Subject};
use orewatch_rules::assessment::{Assessment, Likelihood, Line, Range};
use orewatch_rules::rules::CheckedRule;

use crate::render::{Cell, Column, Row, column, estimate, line_in};
use crate::words::by_word;

/// A figure beside the threshold of a rule.
#[derive(Debug)]
pub(crate) struct Unfired<'a> {
    exposure: &'a Exposure,
    /// `None`: the condition of the rule is not a threshold on the figure.
    line: Option<Line>,
    /// The condition in words, if it is not such a threshold.
    condition: String,
}

impl<'a> Unfired<'a> {
    /// Compares a figure with the threshold of a rule.
    pub(crate) fn new(rule: &CheckedRule, exposure: &'a Exposure) -> Self {
        let line = rule.condition.line().filter(|_| rule.condition.is_own_level());
        Self { exposure, line, condition: rule.condition.describe(&exposure.unit) }
    }

    /// The value, for an order. Figures without one are last.
    pub(crate) fn value(&self) -> f64 {
        self.estimate(|estimate| estimate.value).unwrap_or(f64::NEG_INFINITY)
    }

    fn estimate(&self, field: fn(&Estimate) -> Option<f64>) -> Option<f64> {
        self.exposure.estimate.as_ref().and_then(field)
    }

    fn assessment(&self) -> Option<Assessment> {
        Some(self.line?.assess(&Range::from_estimate(self.exposure.estimate.as_ref()?)?))
    }

    /// The subject and its figure: `JPN gallium refined from CHN: 9.2 % in 2024, threshold > 80 %: not
    /// crossed`.
    pub(crate) fn sentence(&self) -> String {
        let Subject { consumer, material, stage, supplier, .. } =
            self.exposure.subject.clone().unwrap_or_default();
        let from = if supplier.is_empty() { String::new() } else { format!(" from {supplier}") };
        let figure = estimate(&self.exposure.unit, self.exposure.estimate.as_ref());
        let verdict = match self.line {
            Some(line) => {
                let threshold = line_in(&self.exposure.unit, line.at, line.above, false);
                format!("threshold {threshold}: {}", self.standing())
            }
            None => format!("condition not met: {}", self.condition),
        };
        format!("{consumer} {material} {stage}{from}: {figure} in {}, {verdict}", self.exposure.period)
    }

    /// Whether the threshold is crossed.
    fn standing(&self) -> &'static str {
        match self.assessment() {
            None => "no figure to compare",
            Some(assessment) if assessment.is_crossed() => {
                "crossed, but the rule has not been evaluated on it or has reached its limit of alerts"
            }
            Some(assessment) if assessment.crossed == Likelihood::No => "not crossed",
            Some(_) => "not crossed, not confirmed: the threshold lies inside the figure's bounds",
        }
    }
}

impl Row for Unfired<'_> {
    fn columns() -> Vec<Column<Self>> {
        let subject = |row: &Self, field: fn(&Subject) -> &String| {
            Cell::text(row.exposure.subject.as_ref().map(field).cloned().unwrap_or_default())
        };
        vec![
            column("consumer", move |row: &Self| subject(row, |subject| &subject.consumer)),
            column("material", move |row: &Self| subject(row, |subject| &subject.material)),
            column("stage", move |row: &Self| subject(row, |subject| &subject.stage)),
            column("supplier", move |row: &Self| subject(row, |subject| &subject.supplier)),
            column("measure", move |row: &Self| subject(row, |subject| &subject.measure)),
            column("by", |row: &Self| {
                Cell::text(by_word(row.exposure.subject.as_ref().map(Subject::by).unwrap_or_default()))
            }),
            column("period", |row: &Self| Cell::text(&row.exposure.period)),
            column("value", |row: &Self| Cell::Number(row.estimate(|estimate| estimate.value))),
            column("low", |row: &Self| Cell::Number(row.estimate(|estimate| estimate.low))),
            column("high", |row: &Self| Cell::Number(row.estimate(|estimate| estimate.high))),
            column("unit", |row: &Self| Cell::text(&row.exposure.unit)),
            column("line", |row: &Self| Cell::Number(row.line.map(|line| line.at))),
            column("above", |row: &Self| {
                Cell::text(row.line.map(|line| line.above.to_string()).unwrap_or_default())
            }),
            column("condition", |row: &Self| Cell::text(&row.condition)),
            column("standing", |row: &Self| Cell::text(row.standing())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::common::v1::Status;
    use orewatch_rules::rules::{check, parse};

    use super::*;

    const RULE: &str = "\
id: china
title: More than four fifths from China
measure: import-share
select:
  consumer: [JPN, DEU]
  material: gallium
  stage: refined
  supplier: CHN
when:
  above: 0.8
";

    fn sentence(value: Option<f64>, high: f64) -> String {
        let rule = parse("rule.yaml", RULE.as_bytes()).unwrap().remove(0);
        let estimate = Estimate {
            value,
            low: value,
            high: value.map(|_| high),
            status: Status::Known.into(),
            ..Estimate::default()
        };
        let exposure = Exposure {
            subject: Some(Subject {
                consumer: "JPN".to_owned(),
                material: "gallium".to_owned(),
                stage: "refined".to_owned(),
                supplier: "CHN".to_owned(),
                ..Subject::default()
            }),
            period: "2024".to_owned(),
            unit: "share".to_owned(),
            estimate: Some(estimate),
            ..Exposure::default()
        };
        Unfired::new(&check(&rule).unwrap(), &exposure).sentence()
    }

    #[test]
    fn a_figure_stands_beside_the_threshold_that_it_does_not_cross() {
        assert_eq!(
            sentence(Some(0.092), 0.092),
            "JPN gallium refined from CHN: 9.2 % in 2024, threshold > 80 %: not crossed"
        );
        assert!(
            sentence(Some(0.5), 0.9)
                .ends_with("not confirmed: the threshold lies inside the figure's bounds")
        );
        assert!(sentence(Some(0.9), 0.9).contains("threshold > 80 %: crossed, but the rule has not"));
        assert!(sentence(None, 0.0).ends_with("no figure to compare"));
    }
}
