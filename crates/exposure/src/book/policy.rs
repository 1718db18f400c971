//! Rows of governance, parameters and restrictions, small.

use jiff::civil::Date;
use orewatch_catalog::{Period, Stage};

use super::{Cell, EconomyId, Origin, Row, Who};

/// A governance indicator of one economy, in the table of its indicator and period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Governed {
    /// Whom it judges.
    pub economy: EconomyId,
    /// The estimate in the indicator's units; it may be negative.
    pub value: Cell,
    /// Where it was read.
    pub origin: Origin,
}

impl Row for Governed {
    type Key = (EconomyId, Origin);
    fn key(&self) -> Self::Key {
        (self.economy, self.origin)
    }
}

/// What the rows of a parameter are restated by, beside its name: a release with any row replaces all older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holding {
    /// Identifier of the material. None: of no material in particular.
    pub material: Option<&'static str>,
    /// Stage. None: every stage.
    pub stage: Option<Stage>,
    /// Whom it is about; the consumer where there is a partner. None: nobody in particular.
    pub economy: Option<Who>,
    /// From when on it holds.
    pub period: Period,
}

/// A parameter of a method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// The other side, such as the supplier of a trade parameter.
    pub partner: Option<Who>,
    /// Index into the release's products: a sector, a product code, a kind of supply; the empty text for none.
    pub item: u16,
    /// The value in the parameter's unit; it may be negative.
    pub value: Cell,
    /// Where it was read.
    pub origin: Origin,
}

impl Row for Parameter {
    type Key = (Option<Who>, u16, Origin);
    fn key(&self) -> Self::Key {
        (self.partner, self.item, self.origin)
    }
}

/// What restrictions are restated by: a release with any row replaces all older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Restricting {
    /// Identifier of the material.
    pub material: &'static str,
    /// Stage.
    pub stage: Stage,
    /// Who restricts its exports.
    pub economy: EconomyId,
}

/// How a restriction is judged by those who record it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evaluation {
    /// Not judged: counts as harmful.
    Unspecified,
    /// Almost certainly discriminates against foreign interests.
    Red,
    /// Likely does: counts as harmful.
    Amber,
    /// Does not: does not count.
    Green,
}

impl Evaluation {
    /// Whether a restriction so judged counts. What nobody judged does: a figure must not look better for want of a judge.
    #[must_use]
    pub fn is_harmful(self) -> bool {
        self != Self::Green
    }

    /// The word for it; empty where nobody judged.
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
    /// First day in force. None: not limited.
    pub from: Option<Date>,
    /// Last day in force. None: still in force.
    pub until: Option<Date>,
    /// Index into the release's lists of those concerned.
    pub concerned: u16,
    /// How it is judged.
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

impl Row for Restriction {
    type Key = (u16, Option<Date>, Option<Date>, u16, u16, Origin);
    fn key(&self) -> Self::Key {
        (self.product, self.from, self.until, self.kind, self.concerned, self.origin)
    }
}
