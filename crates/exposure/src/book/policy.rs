//! Rows of governance, parameters and restrictions.

use jiff::civil::Date;
use orewatch_catalog::{Period, Stage};

use super::{Cell, ConsumerId, EconomyId, Origin, SortedRow};

/// A governance indicator of one economy, in the table of its indicator and period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GovernanceScore {
    /// The economy that it rates.
    pub economy: EconomyId,
    /// The score in the indicator's unit; it may be negative.
    pub value: Cell,
    /// Where it was read.
    pub origin: Origin,
}

impl SortedRow for GovernanceScore {
    type Key = (EconomyId, Origin);
    fn key(&self) -> Self::Key {
        (self.economy, self.origin)
    }
}

/// The table key of parameters, beside their name. A release with any row of a key replaces all older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterKey {
    /// Identifier of the material. `None`: it holds for every material.
    pub material: Option<&'static str>,
    /// Stage. `None`: it holds for every stage.
    pub stage: Option<Stage>,
    /// The consumer or economy that it is about; the consumer where there is a partner. `None`: no particular
    /// one.
    pub economy: Option<ConsumerId>,
    /// The period from which it holds.
    pub period: Period,
}

/// A parameter of a method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// The other side, such as the supplier of a trade parameter.
    pub partner: Option<ConsumerId>,
    /// Index into the release's products: a sector, a product code, a kind of supply; the empty text for
    /// none.
    pub item: u16,
    /// The value in the parameter's unit; it may be negative.
    pub value: Cell,
    /// Where it was read.
    pub origin: Origin,
}

impl SortedRow for Parameter {
    type Key = (Option<ConsumerId>, u16, Origin);
    fn key(&self) -> Self::Key {
        (self.partner, self.item, self.origin)
    }
}

/// The table key of restrictions. A release with any row of a key replaces all older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RestrictionKey {
    /// Identifier of the material.
    pub material: &'static str,
    /// Stage.
    pub stage: Stage,
    /// The economy that restricts its exports.
    pub economy: EconomyId,
}

/// The evaluation of a restriction by its source, in the colours of Global Trade Alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evaluation {
    /// Not evaluated: counts as harmful.
    Unspecified,
    /// Almost certainly discriminates against foreign interests.
    Red,
    /// Likely discriminates: counts as harmful.
    Amber,
    /// Does not discriminate, or eases trade: does not count.
    Green,
}

impl Evaluation {
    /// Whether a restriction counts. One without an evaluation does: missing information must not make a
    /// figure look better.
    #[must_use]
    pub fn is_harmful(self) -> bool {
        self != Self::Green
    }

    /// Its name in lower case; empty where there is none.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "",
            Self::Red => "red",
            Self::Amber => "amber",
            Self::Green => "green",
        }
    }
}

/// A restriction of exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// Index into the release's products: the code; the empty text for every product of material and stage.
    pub product: u16,
    /// Index into the release's products: the kind, such as `export-tax`.
    pub kind: u16,
    /// First day in force. `None`: not limited.
    pub from: Option<Date>,
    /// Last day in force. `None`: still in force.
    pub until: Option<Date>,
    /// Index into the release's lists of consumers that restrictions concern.
    pub concerned: u16,
    /// Its evaluation.
    pub evaluation: Evaluation,
    /// Where it was read.
    pub origin: Origin,
}

impl Restriction {
    /// Whether it is in force on any day of a period.
    #[must_use]
    pub fn is_in_force(&self, period: Period) -> bool {
        self.from.is_none_or(|from| from <= period.end())
            && self.until.is_none_or(|until| period.start() <= until)
    }
}

impl SortedRow for Restriction {
    type Key = (u16, Option<Date>, Option<Date>, u16, u16, Origin);
    fn key(&self) -> Self::Key {
        (self.product, self.from, self.until, self.kind, self.concerned, self.origin)
    }
}
