//! The YAML form of conditions.
use orewatch_contracts::alerting::v1 as proto;
use orewatch_contracts::alerting::v1::condition::{Kind, Line};
use orewatch_contracts::common::v1::By;
use orewatch_runtime::{Class, Failure};
use schemars::JsonSchema;
use serde::Deserialize;

use super::document::{Weight, seconds, unreadable_duration};

/// When a rule is crossed: a line over the figure itself, or one of the kinds.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    /// Crossed when what is judged is greater than this.
    above: Option<f64>,
    /// Crossed when what is judged is less than this.
    below: Option<f64>,
    /// A crossed line counts as cleared only beyond this.
    clear: Option<f64>,
    /// Judge how far the figure has moved since an earlier period.
    change: Option<Change>,
    /// Judge how far the figure is from what it was in the periods before.
    window: Option<Window>,
    /// Judge whether who supplies has changed.
    top_supplier: Option<TopSupplier>,
    /// Judge how old the data are.
    age: Option<Age>,
    /// Judge whether the figure is on a straight way to a target.
    target: Option<Target>,
    /// All of these must be crossed.
    all: Option<Vec<When>>,
    /// One of these must be crossed.
    any: Option<Vec<When>>,
    /// This must be cleared.
    not: Option<Box<When>>,
    /// An expression in CEL over `value`, `low`, `high`, `coverage`, `previous(n)`, `series`, `measure("NAME")`, `period`.
    cel: Option<String>,
    /// In a part of a combination: the measure that is judged. Left out: the rule's.
    #[serde(default)]
    measure: String,
    /// In a part of a combination: what its flows are weighed by. Left out: as the rule's, if it can be.
    by: Option<Weight>,
    /// In a part of a combination: whose figure is judged. Left out: the subject's consumer; the world's for its output.
    #[serde(default)]
    consumer: String,
    /// In a part of a combination: the stage that is judged. Left out: the subject's.
    #[serde(default)]
    stage: String,
    /// In a part of a combination: the supplier that is judged. Left out: the subject's.
    #[serde(default)]
    supplier: String,
}

/// How a difference is written.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Scale {
    /// In the measure's unit.
    Absolute,
    /// In percent, 20 for a fifth more.
    Percent,
}

/// The figure less that of an earlier period.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[serde(expecting = "expected `absolute`, `percent` or `{over: 3, in: percent}`")]
enum Change {
    /// Over one period.
    Plain(Scale),
    /// Over some periods.
    Over {
        /// How many periods. Left out: 1.
        over: Option<u32>,
        /// How the difference is written. Left out: in the measure's unit.
        r#in: Option<Scale>,
    },
}

/// How the periods of a window are summed up.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Average {
    /// The middle value.
    Median,
    /// The arithmetic mean.
    Mean,
}

/// The figure less the average of the periods before it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Window {
    /// How many periods before this one, 2 to 120.
    periods: u32,
    /// How they are summed up. Left out: by their median.
    of: Option<Average>,
    /// How the difference is written. Left out: in the measure's unit.
    r#in: Option<Scale>,
    /// Nothing is crossed while figure and average are less than this.
    minimum: Option<f64>,
}

/// How who supplies may have changed.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Turn {
    /// There is a supplier that there was not.
    New,
    /// A supplier that there was is no more.
    Lost,
    /// Another supplier is the largest.
    Switched,
}

/// A change of who supplies.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[serde(expecting = "expected `new`, `lost`, `switched` or `{is: new, share: 0.05, over: 1}`")]
enum TopSupplier {
    /// Since the period before.
    Plain(Turn),
    /// Since an earlier period, or from some share on.
    Since {
        /// What has changed.
        is: Turn,
        /// Since how many periods earlier. Left out: 1.
        over: Option<u32>,
        /// For a measure about one supplier: from which share on it counts as one. Left out: as soon as there is any.
        share: Option<f64>,
    },
}

/// Of what the age is told.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum AgeOf {
    /// Of the newest period with a figure.
    Period,
    /// Of the release that last changed a figure of the market.
    Release,
}

/// Crossed when the data are older than a span.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Age {
    /// A number with a unit up to weeks, such as `400d`.
    older_than: String,
    /// Of what. Left out: of the newest period with a figure.
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

/// A target with a date; crossed when the figure is off the straight path to it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Target {
    /// The figure shall be this at most.
    at_most: Option<f64>,
    /// The figure shall be this at least.
    at_least: Option<f64>,
    /// Period in which the target shall be met.
    by: Period,
    /// Period in which the path begins.
    from: Period,
    /// Where the path begins. Left out: at the figure of that period.
    base: Option<f64>,
    /// How far the figure may be off the path.
    tolerance: Option<f64>,
}

impl When {
    /// As it is stored; `field` is where it is, for errors.
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
            self.all.map(|all| parts(all, &format!("{field}.all")).map(Kind::All)),
            self.any.map(|any| parts(any, &format!("{field}.any")).map(Kind::Any)),
            self.not
                .map(|not| not.into_condition(&format!("{field}.not")).map(|not| Kind::Not(Box::new(not)))),
            self.cel.map(Kind::Cel).map(Ok),
        ];
        let mut kinds = kinds.into_iter().flatten();
        let kind = kinds.next().transpose()?;
        if kinds.next().is_some() {
            let hint = "use one of `change`, `window`, `top_supplier`, `age`, `target`, `cel`, or combine several by `all` or `any`";
            return Err(invalid("one-kind", "the condition is of two kinds", hint));
        }
        let has_line = matches!(kind, None | Some(Kind::Change(_) | Kind::Window(_)));
        let line = match (above, below) {
            (Some(above), None) => Some(Line::Above(above)),
            (None, Some(below)) => Some(Line::Below(below)),
            (None, None) if !has_line => None,
            (above, _) => {
                let count = if above.is_some() { "two lines" } else { "no line" };
                let message = format!("the rule has {count}");
                return Err(invalid("one-line", &message, "give exactly one of `above` and `below`"));
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
            seconds(&self.older_than).ok_or_else(|| unreadable_duration(field, &self.older_than))?;
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
                let wrong = Failure::new(Class::Invalid, "one-goal", format!("the target has {count}"));
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
