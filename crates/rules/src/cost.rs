//! Cost of evaluating a rule, counted in steps, and its limits.
//!
//! A step is about one operation of an expression. The upper bound on the steps of an evaluation follows from
//! the rule and the number of figures that it reads, before anything is assessed: the operations of an
//! expression count as often as its loops can run for the number of periods that the series has. The same log
//! thus gives the same count on every machine, and a rule that is too costly is recognised without running
//! it.
mod spent;

use orewatch_contracts::{Class, Failure};

use crate::rules::CheckedRule;

pub use spent::{Excess, SpentSteps};

/// Upper bound on the steps of one evaluation of a rule. The figures before a release are assessed again
/// beside those after it, which costs at most as much once more. A step of the slowest expressions takes
/// about 100 ns (`just bench-alerting steps`), so that the limit is ten seconds of one processor.
pub const MAX_RULE_STEPS: u64 = 100_000_000;
/// Upper bound on the steps of one evaluation of all rules that belong to everyone. Cheap rules come first,
/// so that costly ones exceed it.
pub const MAX_EVALUATION_STEPS: u64 = 4 * MAX_RULE_STEPS;

/// Limits on the steps of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Limit of one rule.
    pub rule: u64,
    /// Limit of all rules that belong to everyone.
    pub all: u64,
}

impl Limits {
    /// Limit of all rules of one tenant.
    #[must_use]
    pub fn tenant(self) -> u64 {
        self.all / 4
    }

    /// Limit of all rules of all tenants.
    #[must_use]
    pub fn tenants(self) -> u64 {
        self.all / 2
    }

    /// Limit on a running evaluation of a rule: twice the estimate, because the figures before a release are
    /// assessed too.
    #[must_use]
    pub fn running(self) -> u64 {
        self.rule.saturating_mul(2)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { rule: MAX_RULE_STEPS, all: MAX_EVALUATION_STEPS }
    }
}

/// Steps of a period besides the condition: finding its figure, and a step of the state machine.
const PERIOD_STEPS: u64 = 16;
/// Number of steps from which on a rule counts as broad.
const BROAD: u64 = 1 << 20;
/// Typical numbers of consumers, materials, stages, and suppliers of a consumer, for rules that select none.
const WORLD: [u64; 4] = [300, 40, 3, 100];

/// Cost of an evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Steps.
    pub steps: u64,
    /// Number of subjects.
    pub subjects: u32,
    /// Greatest number of periods of a subject.
    pub periods: u32,
}

impl Cost {
    /// Sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            steps: self.steps.saturating_add(other.steps),
            subjects: self.subjects.saturating_add(other.subjects),
            periods: self.periods.max(other.periods),
        }
    }

    /// Cost of a number of subjects with a number of periods each.
    #[must_use]
    pub fn for_subjects(rule: &CheckedRule, subjects: usize, periods: usize) -> Self {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let each = subject_steps(rule, periods);
        let steps = each.saturating_mul(u64::try_from(subjects).unwrap_or(u64::MAX));
        Self { steps, subjects: number(subjects), periods: number(periods) }
    }

    /// Refuses a rule that exceeds the limit of one rule.
    ///
    /// # Errors
    /// [`Class::Invalid`] with the estimate, the limit, and how to make the rule cheaper.
    pub fn admit(self, rule: &CheckedRule) -> Result<(), Failure> {
        if self.steps <= MAX_RULE_STEPS {
            return Ok(());
        }
        let message = format!("rule {}: {}", rule.rule.id, self.excess(MAX_RULE_STEPS));
        let wrong = Failure::new(Class::Invalid, "rule-too-costly", message).at("select", &rule.rule.id);
        Err(wrong.with_hint(COST_HINT))
    }

    /// Refuses a rule that would exceed the limit together with the other rules of everyone or of its tenant.
    ///
    /// # Errors
    /// [`Class::Exhausted`] with the sum and the limit.
    pub fn admit_beside(self, rule: &str, others: &SpentSteps) -> Result<(), Failure> {
        let Some(Excess { steps, limit, whose }) = others.excess(rule, self.steps, Limits::default()) else {
            return Ok(());
        };
        let (steps, limit) = (grouped(steps), grouped(limit));
        let message = format!(
            "with rule {rule} all rules {whose} together would take {steps} steps, the limit is {limit}"
        );
        let full = Failure::new(Class::Exhausted, "rules-too-costly", message).at("rule", rule);
        Err(full
            .with_hint("`orewatch rules list` shows what each rule costs; narrow or remove the costly ones"))
    }

    /// Says that the cost exceeds a limit. The text is stored with a suspension.
    #[must_use]
    pub fn excess(self, limit: u64) -> String {
        let Self { steps, subjects, periods } = self;
        let (steps, limit) = (grouped(steps), grouped(limit));
        format!(
            "its evaluation would take {steps} steps ({subjects} subjects, up to {periods} periods each), \
             the limit is {limit}"
        )
    }
}

/// Hint how to make a rule cheaper.
pub const COST_HINT: &str =
    "select consumers, materials, stages or suppliers, or nest fewer `all`, `exists`, `map` and `filter`";

/// Steps of one subject through all of its periods.
fn subject_steps(rule: &CheckedRule, periods: usize) -> u64 {
    (1..=periods).map(|known| period_steps(rule, known)).fold(0, u64::saturating_add)
}

/// Steps of one period of a subject of which `known` periods are known.
pub(crate) fn period_steps(rule: &CheckedRule, known: usize) -> u64 {
    PERIOD_STEPS.saturating_add(rule.condition.steps(known))
}

/// Breadth of a rule, from its terms alone. Rules are evaluated in this order, so that a rule that reads
/// everything does not delay one that reads little. 0: it is not broad.
#[must_use]
pub fn breadth(rule: &CheckedRule) -> u32 {
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

/// A number with commas between groups of three digits.
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
