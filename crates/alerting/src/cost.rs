//! What the evaluation of a rule costs, counted in steps, and how much it may.
//!
//! A step is about what one operation of an expression takes. How many an evaluation takes at most follows from the rule and from
//! how many figures it looks at, before anything is judged: an expression counts its operations as often as its loops can go
//! round, by the number of periods that the series really has. So the same log gives the same count everywhere, on a slow machine
//! and a fast one, and a rule that is too costly is found out without being run.
use orewatch_runtime::{Class, Failure};

use crate::figures::{Figures, MaterialFigures};
use crate::rules::Checked;

/// Most steps that one evaluation of a rule may take. What the figures were before a release is judged again beside what they are,
/// and costs at most as much once more.
pub const MAX_RULE_STEPS: u64 = 100_000_000;
/// Most steps that one evaluation of all rules may take: the cheap ones come first, so that what is beyond it is of the costly.
pub const MAX_EVALUATION_STEPS: u64 = 4 * MAX_RULE_STEPS;
/// How many steps evaluations may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Those of one rule.
    pub rule: u64,
    /// Those of all rules together.
    pub all: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rule: MAX_RULE_STEPS, all: MAX_EVALUATION_STEPS }
    }
}

/// Steps of a period whatever is judged: finding its figure, and a step of the state machine.
const PERIOD_STEPS: u64 = 16;
/// From how many steps on a rule counts as broad by its terms alone.
const BROAD: u64 = 1 << 20;
/// What a rule that selects nothing may find, about: economies and blocs, materials, stages and suppliers of a consumer.
const WORLD: [u64; 4] = [300, 40, 3, 100];

/// What an evaluation costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Steps.
    pub steps: u64,
    /// Subjects that are evaluated.
    pub subjects: u32,
    /// Most periods of a subject.
    pub periods: u32,
}

impl Cost {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            steps: self.steps.saturating_add(other.steps),
            subjects: self.subjects.saturating_add(other.subjects),
            periods: self.periods.max(other.periods),
        }
    }

    /// What so many subjects cost that have so many periods each.
    #[must_use]
    pub fn of(rule: &Checked, subjects: usize, periods: usize) -> Self {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let each = subject_steps(rule, periods);
        let steps = each.saturating_mul(u64::try_from(subjects).unwrap_or(u64::MAX));
        Self { steps, subjects: number(subjects), periods: number(periods) }
    }

    /// What a rule costs on all figures that there are. Where figures of its measure are not kept, because no rule watches them,
    /// that is an estimate by how many there are.
    #[must_use]
    pub fn on_all(rule: &Checked, figures: &Figures) -> Self {
        let materials = figures.known_materials();
        let costs = materials.map(|material| figures.cost_in(material, rule));
        costs.fold(Self::default(), Self::and)
    }

    /// What a rule costs in a material.
    pub(crate) fn in_material(rule: &Checked, material: &str, figures: &MaterialFigures) -> Self {
        let counts = figures.counts(material, rule);
        counts.map(|(subjects, periods)| Self::of(rule, subjects, periods)).fold(Self::default(), Self::and)
    }

    /// Refuses a rule that costs more than one may.
    ///
    /// # Errors
    /// [`Class::Invalid`] with the estimate, the limit and how to narrow the rule.
    pub fn admit(self, rule: &Checked) -> Result<(), Failure> {
        if self.steps <= MAX_RULE_STEPS {
            return Ok(());
        }
        let message = format!("rule {}: {}", rule.rule.id, self.excess(MAX_RULE_STEPS));
        let wrong = Failure::new(Class::Invalid, "rule-too-costly", message).at("select", &rule.rule.id);
        Err(wrong.with_hint(HINT))
    }

    /// Refuses a rule that together with all others would cost more than all rules may.
    ///
    /// # Errors
    /// [`Class::Exhausted`] with the sum and the limit.
    pub(crate) fn admit_beside(self, rule: &str, others: u64) -> Result<(), Failure> {
        let all = others.saturating_add(self.steps);
        if all <= MAX_EVALUATION_STEPS {
            return Ok(());
        }
        let message = format!(
            "with rule {rule} all rules together would take {} steps, the limit is {}",
            grouped(all),
            grouped(MAX_EVALUATION_STEPS)
        );
        let full = Failure::new(Class::Exhausted, "rules-too-costly", message).at("rule", rule);
        Err(full
            .with_hint("`orewatch rules list` shows what each rule costs; narrow or remove the costly ones"))
    }

    /// That it is more than a limit, for people.
    #[must_use]
    pub fn excess(self, limit: u64) -> String {
        let Self { steps, subjects, periods } = self;
        let (steps, limit) = (grouped(steps), grouped(limit));
        format!(
            "its evaluation would take {steps} steps ({subjects} subjects, up to {periods} periods each), the limit is {limit}"
        )
    }
}

/// How to make a rule cheaper.
pub const HINT: &str =
    "select consumers, materials, stages or suppliers, or nest fewer `all`, `exists`, `map` and `filter`";

/// Steps of one subject through all of its periods.
fn subject_steps(rule: &Checked, periods: usize) -> u64 {
    let each = (1..=periods).map(|known| PERIOD_STEPS.saturating_add(rule.condition.steps(known)));
    each.fold(0, u64::saturating_add)
}

/// How broad a rule is by its terms alone: rules are evaluated in this order, so that one that looks at everything holds up none
/// that looks at little. 0: it is not broad.
#[must_use]
pub fn breadth(rule: &Checked) -> u32 {
    let [consumers, materials, stages, suppliers] = WORLD;
    let count = |list: &[String], all: u64| match u64::try_from(list.len()) {
        Ok(0) | Err(_) => all,
        Ok(selected) => selected,
    };
    let select = rule.rule.select.clone().unwrap_or_default();
    let suppliers = if rule.measure.method().has_supplier { count(&select.suppliers, suppliers) } else { 1 };
    let markets = count(&select.materials, materials).saturating_mul(count(&select.stages, stages));
    let subjects = count(&select.consumers, consumers).saturating_mul(markets).saturating_mul(suppliers);
    let steps = subjects.saturating_mul(PERIOD_STEPS.saturating_add(rule.condition.steps(usize::MAX)));
    if steps < BROAD { 0 } else { steps.ilog2() }
}

/// A number with its thousands set apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut text = String::new();
    for (k, digit) in digits.chars().enumerate() {
        if k > 0 && k % 3 == first {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
