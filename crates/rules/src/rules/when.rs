//! The YAML form of conditions.
use orewatch_contracts::alerting::v1 as proto;
use orewatch_contracts::alerting::v1::condition::{Kind, Line};
use orewatch_contracts::common::v1::By;
use orewatch_contracts::{Class, Failure};
use schemars::JsonSchema;
use serde::Deserialize;

use super::duration::{invalid_duration, parse_seconds};
use super::verdicts::Verdicts;

/// Condition of a rule: a line over the figure itself, or one of the other kinds.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    /// Crossed by greater values than this.
    above: Option<f64>,
    /// Crossed by smaller values than this.
    below: Option<f64>,
    /// A crossed line is cleared only beyond this.
    clear: Option<f64>,
    /// Assess the change of the figure since an earlier period.
    change: Option<Change>,
    /// Assess the distance of the figure from its average in the preceding periods.
    window: Option<Window>,
    /// Assess whether the suppliers have changed.
    top_supplier: Option<TopSupplier>,
    /// Assess the age of the data.
    age: Option<Age>,
    /// Assess whether the figure is on a straight path to a target.
    target: Option<Target>,
    /// Crossed if a claim about the subject has this verdict, or one of these.
    claim: Option<Verdicts>,
    /// Crossed if all of these are crossed.
    all: Option<Vec<When>>,
    /// Crossed if any of these is crossed.
    any: Option<Vec<When>>,
    /// Crossed if this is cleared.
    not: Option<Box<When>>,
    /// An expression in CEL over `value`, `low`, `high`, `coverage`, `previous(n)`, `series`,
    /// `measure("NAME")`, `period`.
    cel: Option<String>,
    /// In a part of a combination: the measure. Default: that of the rule.
    #[serde(default)]
    measure: String,
    /// In a part of a combination: weight of the flows. Default: that of the rule, if the measure has it.
    by: Option<Weight>,
    /// In a part of a combination: the consumer. Default: that of the subject, or the world for measures of
    /// world production.
    #[serde(default)]
    consumer: String,
    /// In a part of a combination: the stage. Default: that of the subject.
    #[serde(default)]
    stage: String,
    /// In a part of a combination: the supplier. Default: that of the subject.
    #[serde(default)]
    supplier: String,
}

/// Weight of flows.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Weight {
    /// By tonnes.
    Quantity,
    /// By trade value.
    Value,
}

/// Scale of a difference.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Scale {
    /// In the measure's unit.
    Absolute,
    /// In percent: 20 is a fifth more.
    Percent,
}

/// Change of the figure since an earlier period.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[serde(expecting = "expected `absolute`, `percent` or `{over: 3, in: percent}`")]
enum Change {
    /// Over one period.
    Plain(Scale),
    /// Over several periods.
    Over {
        /// Number of periods back. Default: 1.
        over: Option<u32>,
        /// Scale of the difference. Default: in the measure's unit.
        r#in: Option<Scale>,
    },
}

/// Kind of average of a window.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Average {
    /// The middle value.
    Median,
    /// The arithmetic mean.
    Mean,
}

/// Distance of the figure from the average of the preceding periods.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Window {
    /// Number of preceding periods, 2 to 120.
    periods: u32,
    /// Kind of average. Default: median.
    of: Option<Average>,
    /// Scale of the difference. Default: in the measure's unit.
    r#in: Option<Scale>,
    /// Nothing is crossed while figure and average are below this.
    minimum: Option<f64>,
}

/// Kind of change of suppliers.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Turn {
    /// There is a new supplier.
    New,
    /// A supplier is gone.
    Lost,
    /// Another supplier is the largest.
    Switched,
}

/// Change of suppliers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[serde(expecting = "expected `new`, `lost`, `switched` or `{is: new, share: 0.05, over: 1}`")]
enum TopSupplier {
    /// Since the preceding period.
    Plain(Turn),
    /// Since an earlier period, or from a share on.
    Since {
        /// Kind of change.
        is: Turn,
        /// Number of periods back. Default: 1.
        over: Option<u32>,
        /// For a measure about one supplier: share from which on it counts as one. Default: any share.
        share: Option<f64>,
    },
}

/// Whose age is assessed.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum AgeOf {
    /// That of the newest period with a figure.
    Period,
    /// That of the release that last changed a figure of the market.
    Release,
}

/// Age of the data; crossed if they are older than a duration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Age {
    /// A number with a unit up to weeks, such as `400d`.
    older_than: String,
    /// Whose age. Default: that of the newest period with a figure.
    of: Option<AgeOf>,
}

/// A period.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a year such as `2030` or a month such as `2030-06`")]
enum Period {
    /// A year.
    Year(i16),
    /// A year or a month.
    Text(String),
}

/// A target with a date; crossed if the figure is off the straight path to it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Target {
    /// The figure should be at most this.
    at_most: Option<f64>,
    /// The figure should be at least this.
    at_least: Option<f64>,
    /// Period in which the target should be met.
    by: Period,
    /// Period in which the path begins.
    from: Period,
    /// Figure at which the path begins. Default: the figure of that period.
    base: Option<f64>,
    /// Permitted distance from the path.
    tolerance: Option<f64>,
}

impl When {
    /// Converts to the stored form. Errors name `field` as the location.
    pub(super) fn into_condition(self, field: &str) -> Result<proto::Condition, Failure> {
        let invalid = |code: &str, message: &str, hint: &str| {
            Failure::new(Class::Invalid, code, message).at(field, "").with_hint(hint)
        };
        let by = self.by.map_or(By::Unspecified, Weight::into_by).into();
        let clear = self.clear;
        let (above, below) = (self.above, self.below);
        let kinds = [
            self.change.map(Change::into_kind).map(Ok),
            self.window.map(Window::into_kind).map(Ok),
            self.top_supplier.map(TopSupplier::into_kind).map(Ok),
            self.age.map(|age| age.into_kind(&format!("{field}.age.older_than"))),
            self.target.map(|target| target.into_kind(&format!("{field}.target"))),
            self.claim.map(|claim| claim.into_kind(&format!("{field}.claim"))),
            self.all.map(|all| parts(all, &format!("{field}.all")).map(Kind::All)),
            self.any.map(|any| parts(any, &format!("{field}.any")).map(Kind::Any)),
            self.not
                .map(|not| not.into_condition(&format!("{field}.not")).map(|not| Kind::Not(Box::new(not)))),
            self.cel.map(Kind::Cel).map(Ok),
        ];
        let mut kinds = kinds.into_iter().flatten();
        let kind = kinds.next().transpose()?;
        if kinds.next().is_some() {
            let hint = "use one of `change`, `window`, `top_supplier`, `age`, `target`, `claim`, `cel`, \
                        or combine several with `all` or `any`";
            return Err(invalid("not-exactly-one", "the condition has two kinds", hint));
        }
        let has_line = matches!(kind, None | Some(Kind::Change(_) | Kind::Window(_)));
        let line = match (above, below) {
            (Some(above), None) => Some(Line::Above(above)),
            (None, Some(below)) => Some(Line::Below(below)),
            (None, None) if !has_line => None,
            (above, _) => {
                let count = if above.is_some() { "two lines" } else { "no line" };
                let message = format!("the rule has {count}");
                return Err(invalid("not-exactly-one", &message, "give exactly one of `above` and `below`"));
            }
        };
        let (measure, consumer, stage, supplier) = (self.measure, self.consumer, self.stage, self.supplier);
        Ok(proto::Condition { line, clear, kind, measure, by, consumer, stage, supplier })
    }
}

fn parts(parts: Vec<When>, field: &str) -> Result<proto::Conditions, Failure> {
    let numbered = parts.into_iter().enumerate();
    let conditions = numbered.map(|(k, part)| part.into_condition(&format!("{field}[{k}]")));
    Ok(proto::Conditions { conditions: conditions.collect::<Result<_, _>>()? })
}

impl Weight {
    pub(super) fn into_by(self) -> By {
        match self {
            Self::Quantity => By::Quantity,
            Self::Value => By::Value,
        }
    }
}

impl Scale {
    fn stored(scale: Option<Self>) -> i32 {
        match scale {
            Some(Self::Percent) => proto::Scale::Percent.into(),
            Some(Self::Absolute) | None => proto::Scale::Absolute.into(),
        }
    }
}

impl Change {
    fn into_kind(self) -> Kind {
        let (over, scale) = match self {
            Self::Plain(scale) => (None, Some(scale)),
            Self::Over { over, r#in } => (over, r#in),
        };
        Kind::Change(proto::Change { over: over.unwrap_or(1), scale: Scale::stored(scale) })
    }
}

impl Window {
    fn into_kind(self) -> Kind {
        let average = match self.of {
            Some(Average::Mean) => proto::Average::Mean,
            Some(Average::Median) | None => proto::Average::Median,
        };
        Kind::Window(proto::Window {
            periods: self.periods,
            average: average.into(),
            scale: Scale::stored(self.r#in),
            minimum: self.minimum.unwrap_or_default(),
        })
    }
}

impl TopSupplier {
    fn into_kind(self) -> Kind {
        let (turn, over, share) = match self {
            Self::Plain(turn) => (turn, None, None),
            Self::Since { is, over, share } => (is, over, share),
        };
        let turn = match turn {
            Turn::New => proto::SupplierTurn::New,
            Turn::Lost => proto::SupplierTurn::Lost,
            Turn::Switched => proto::SupplierTurn::Switched,
        };
        let (over, share) = (over.unwrap_or(1), share.unwrap_or_default());
        Kind::TopSupplier(proto::TopSupplier { turn: turn.into(), over, share })
    }
}

impl Age {
    fn into_kind(self, field: &str) -> Result<Kind, Failure> {
        let seconds =
            parse_seconds(&self.older_than).ok_or_else(|| invalid_duration(field, &self.older_than))?;
        let of = match self.of {
            Some(AgeOf::Release) => proto::AgeOf::Release,
            Some(AgeOf::Period) | None => proto::AgeOf::Period,
        };
        Ok(Kind::Age(proto::Age { of: of.into(), seconds }))
    }
}

impl Target {
    fn into_kind(self, field: &str) -> Result<Kind, Failure> {
        let goal = match (self.at_most, self.at_least) {
            (Some(most), None) => proto::target::Goal::AtMost(most),
            (None, Some(least)) => proto::target::Goal::AtLeast(least),
            (most, _) => {
                let count = if most.is_some() { "two goals" } else { "no goal" };
                let wrong =
                    Failure::new(Class::Invalid, "not-exactly-one", format!("the target has {count}"));
                return Err(wrong.at(field, "").with_hint("give exactly one of `at_most` and `at_least`"));
            }
        };
        let (base, tolerance) = (self.base, self.tolerance.unwrap_or_default());
        let (by, from) = (self.by.into_text(), self.from.into_text());
        Ok(Kind::Target(proto::Target { goal: Some(goal), by, from, base, tolerance }))
    }
}

impl Period {
    fn into_text(self) -> String {
        match self {
            Self::Year(year) => year.to_string(),
            Self::Text(text) => text,
        }
    }
}
