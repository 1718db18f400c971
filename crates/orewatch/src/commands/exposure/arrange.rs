//! Which figures of an answer to show, and in which order: `--members`, `--above`, `--below`, `--sort`.
use std::cmp::Ordering;
use std::str::FromStr;

use orewatch_catalog::{Bloc, Period, bloc, economy};
use orewatch_contracts::exposure::v1::{Exposure, Subject};
use orewatch_contracts::{Class, Failure};

/// Selection and order of the figures of an answer.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Arrange {
    /// Also show the figures of each member of the blocs
    #[arg(long)]
    members: bool,
    /// Only figures above this: 65%, or a number in the unit of the measure
    #[arg(long, value_name = "FIGURE")]
    above: Option<Limit>,
    /// Only figures below this: 65%, or a number in the unit of the measure
    #[arg(long, value_name = "FIGURE")]
    below: Option<Limit>,
    /// Order of the figures: value, consumer, material, stage, supplier, measure or period; a minus reverses
    /// it, as in --sort=-value
    #[arg(long, value_name = "KEY", value_delimiter = ',', allow_hyphen_values = true)]
    sort: Vec<SortKey>,
    /// Show years side by side: one line per figure, one column per period
    #[arg(long)]
    pub(crate) wide: bool,
}

/// A figure that others are compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    /// A share, as a fraction. It is compared with shares only.
    Share(f64),
    /// A number in the unit of the measure.
    Number(f64),
}

impl FromStr for Limit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "write a share such as 65%, or a number in the unit of the measure, such as 2500";
        let text = text.trim();
        let (digits, is_share) = match text.strip_suffix('%') {
            Some(digits) => (digits.trim_end(), true),
            None => (text, false),
        };
        let number = digits.parse::<f64>().ok().filter(|number| number.is_finite()).ok_or(form)?;
        Ok(if is_share { Self::Share(number / 100.0) } else { Self::Number(number) })
    }
}

impl Limit {
    /// The limit in a unit. `None` if figures in this unit are not compared with it.
    fn in_unit(self, unit: &str) -> Option<f64> {
        match self {
            Self::Share(share) => (unit == "share").then_some(share),
            Self::Number(number) => Some(number),
        }
    }
}

/// A key of an order, and whether it is reversed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SortKey {
    field: Field,
    reverse: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Value,
    Consumer,
    Material,
    Stage,
    Supplier,
    Measure,
    Period,
}

impl FromStr for SortKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, reverse) = match text.trim().strip_prefix('-') {
            Some(name) => (name, true),
            None => (text.trim(), false),
        };
        let field = match name {
            "value" => Field::Value,
            "consumer" => Field::Consumer,
            "material" => Field::Material,
            "stage" => Field::Stage,
            "supplier" => Field::Supplier,
            "measure" => Field::Measure,
            "period" => Field::Period,
            _ => {
                return Err(
                    "write value, consumer, material, stage, supplier, measure or period, with a minus to \
                     reverse the order",
                );
            }
        };
        Ok(Self { field, reverse })
    }
}

impl SortKey {
    /// Compares two figures. Figures without a value are last in either order.
    fn compare(self, a: &Exposure, b: &Exposure) -> Ordering {
        let order = |order: Ordering| if self.reverse { order.reverse() } else { order };
        let text = |exposure: &Exposure, field: fn(&Subject) -> &String| {
            exposure.subject.as_ref().map(field).cloned().unwrap_or_default()
        };
        let by_text = |field: fn(&Subject) -> &String| order(text(a, field).cmp(&text(b, field)));
        match self.field {
            Field::Value => match (value(a), value(b)) {
                (Some(a), Some(b)) => order(a.total_cmp(&b)),
                (a, b) => b.is_some().cmp(&a.is_some()),
            },
            Field::Consumer => by_text(|subject| &subject.consumer),
            Field::Material => by_text(|subject| &subject.material),
            Field::Stage => by_text(|subject| &subject.stage),
            Field::Supplier => by_text(|subject| &subject.supplier),
            Field::Measure => by_text(|subject| &subject.measure),
            Field::Period => order(a.period.cmp(&b.period)),
        }
    }
}

fn value(exposure: &Exposure) -> Option<f64> {
    exposure.estimate.as_ref().and_then(|estimate| estimate.value)
}

impl Arrange {
    /// Whether the answer is a list and never the summary of one consumer.
    pub(crate) fn is_list(&self) -> bool {
        self.members || self.wide || self.above.is_some() || self.below.is_some() || !self.sort.is_empty()
    }

    /// The consumers to ask for: those that are named, and with `--members` all that ever belonged to the
    /// blocs among them.
    ///
    /// # Errors
    /// `--members` without a bloc.
    pub(crate) fn consumers(&self, named: &[String]) -> Result<Vec<String>, Failure> {
        if !self.members {
            return Ok(named.to_vec());
        }
        let blocs = blocs_among(named);
        if blocs.is_empty() {
            return Err(Failure::new(Class::Invalid, "missing-field", "--members needs a bloc")
                .at("consumer", named.join(","))
                .with_hint("name a bloc, as in --consumer G7 --members"));
        }
        let mut all = named.to_vec();
        for member in blocs.iter().flat_map(|bloc| bloc.memberships) {
            if !all.iter().any(|code| code == member.iso3) {
                all.push(member.iso3.to_owned());
            }
        }
        Ok(all)
    }

    /// Leaves out what is not wanted, and puts the rest in order. Returns how many figures without a value a
    /// limit left out.
    pub(crate) fn apply(&self, named: &[String], exposures: &mut Vec<Exposure>) -> usize {
        if self.members {
            keep_members(named, exposures);
        }
        let before = exposures.iter().filter(|exposure| value(exposure).is_none()).count();
        exposures.retain(|exposure| self.within_limits(exposure));
        let after = exposures.iter().filter(|exposure| value(exposure).is_none()).count();
        if !self.sort.is_empty() {
            exposures.sort_by(|a, b| {
                self.sort.iter().fold(Ordering::Equal, |order, key| order.then_with(|| key.compare(a, b)))
            });
        }
        before - after
    }

    /// Whether a figure is beyond the limits. One without a best value counts if all of its range is.
    fn within_limits(&self, exposure: &Exposure) -> bool {
        let Some(estimate) = &exposure.estimate else { return self.above.is_none() && self.below.is_none() };
        let at_least = estimate.value.or(estimate.low);
        let at_most = estimate.value.or(estimate.high);
        let above = self.above.is_none_or(|limit| {
            limit.in_unit(&exposure.unit).zip(at_least).is_some_and(|(limit, least)| least > limit)
        });
        let below = self.below.is_none_or(|limit| {
            limit.in_unit(&exposure.unit).zip(at_most).is_some_and(|(limit, most)| most < limit)
        });
        above && below
    }
}

fn blocs_among(codes: &[String]) -> Vec<&'static Bloc> {
    codes.iter().filter_map(|code| bloc(code).ok()).collect()
}

/// Keeps the figures of the named consumers and of those that were members of a named bloc in the period of
/// the figure. Each bloc stands before its members, and these in the order of their values.
fn keep_members(named: &[String], exposures: &mut Vec<Exposure>) {
    let blocs = blocs_among(named);
    let code = |exposure: &Exposure| {
        exposure.subject.as_ref().map(|subject| subject.consumer.clone()).unwrap_or_default()
    };
    exposures.retain(|exposure| {
        let code = code(exposure);
        let period = exposure.period.parse::<Period>().ok();
        let is_member = || {
            economy(&code)
                .zip(period)
                .is_some_and(|(economy, period)| blocs.iter().any(|bloc| bloc.contains(economy, period)))
        };
        named.contains(&code) || is_member()
    });
    let group = |exposure: &Exposure| {
        let subject = exposure.subject.clone().unwrap_or_default();
        (
            subject.material,
            subject.stage,
            exposure.period.clone(),
            subject.measure,
            subject.by,
            subject.supplier,
        )
    };
    let by_value = SortKey { field: Field::Value, reverse: true };
    exposures.sort_by(|a, b| {
        group(a)
            .cmp(&group(b))
            .then_with(|| named.contains(&code(b)).cmp(&named.contains(&code(a))))
            .then_with(|| by_value.compare(a, b))
    });
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::common::v1::Estimate;

    use super::*;

    fn exposure(consumer: &str, period: &str, value: Option<f64>) -> Exposure {
        Exposure {
            subject: Some(Subject { consumer: consumer.to_owned(), ..Subject::default() }),
            period: period.to_owned(),
            estimate: Some(Estimate { value, ..Estimate::default() }),
            unit: "share".to_owned(),
            ..Exposure::default()
        }
    }

    fn consumers(exposures: &[Exposure]) -> Vec<&str> {
        exposures.iter().map(|one| one.subject.as_ref().unwrap().consumer.as_str()).collect()
    }

    fn sorted(keys: &[&str]) -> Arrange {
        Arrange { sort: keys.iter().map(|key| key.parse().unwrap()).collect(), ..Arrange::default() }
    }

    #[test]
    fn figures_without_a_value_are_last_in_both_orders() {
        let figures = [("B", Some(0.2)), ("A", None), ("C", Some(0.7))];
        let in_order = |arrange: Arrange| {
            let mut all: Vec<_> =
                figures.iter().map(|(code, value)| exposure(code, "2024", *value)).collect();
            arrange.apply(&[], &mut all);
            consumers(&all).join("")
        };
        assert_eq!(in_order(sorted(&["value"])), "BCA");
        assert_eq!(in_order(sorted(&["-value"])), "CBA");
        assert_eq!(in_order(sorted(&["consumer"])), "ABC");
        assert_eq!(in_order(sorted(&["period", "-consumer"])), "CBA");
        assert!("size".parse::<SortKey>().is_err());
    }

    #[test]
    fn a_limit_leaves_out_what_is_not_beyond_it_and_counts_what_is_unknown() {
        assert_eq!("65 %".parse(), Ok(Limit::Share(0.65)));
        assert_eq!("2500".parse(), Ok(Limit::Number(2500.0)));
        assert!("many".parse::<Limit>().is_err() && "NaN".parse::<Limit>().is_err());
        let above = Arrange { above: Some(Limit::Share(0.65)), ..Arrange::default() };
        let bounded = Estimate { low: Some(0.7), high: Some(0.9), ..Estimate::default() };
        let mut all = vec![
            exposure("A", "2024", Some(0.65)),
            exposure("B", "2024", Some(0.66)),
            exposure("C", "2024", None),
            Exposure { estimate: Some(bounded), ..exposure("D", "2024", None) },
            Exposure { unit: "hhi".to_owned(), ..exposure("E", "2024", Some(9000.0)) },
        ];
        assert_eq!(above.apply(&[], &mut all), 1);
        assert_eq!(consumers(&all), ["B", "D"]);
    }

    #[test]
    fn members_are_those_of_the_period_after_their_bloc() {
        let members = Arrange { members: true, ..Arrange::default() };
        let named = ["EU".to_owned()];
        assert!(members.consumers(&named).unwrap().contains(&"GBR".to_owned()));
        assert_eq!(members.consumers(&["DEU".to_owned()]).unwrap_err().field, "consumer");
        let mut all: Vec<_> = ["2019", "2024"]
            .into_iter()
            .flat_map(|year| {
                [("DEU", 0.1), ("EU", 0.2), ("GBR", 0.3), ("USA", 0.4)]
                    .map(|(code, share)| exposure(code, year, Some(share)))
            })
            .collect();
        members.apply(&named, &mut all);
        assert_eq!(consumers(&all), ["EU", "GBR", "DEU", "EU", "DEU"]);
    }
}
