//! Compiles stored conditions into conditions that can be assessed, and refuses invalid ones.
use std::sync::Arc;

use orewatch_catalog::{Consumer, Period, Scheme, Stage, UnknownCode, resolve_economy};
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::condition::{Kind, Line as Side};
use orewatch_contracts::alerting::v1::{
    Age, AgeOf, Average, Change, Condition as Stored, Scale, SupplierTurn, Target, TopSupplier, Window,
    target,
};
use orewatch_contracts::common::v1::{By, Frequency};
use orewatch_measures::{Method, Weight};

use super::bounds::{Bounds, check_clear_line, difference_bounds, read_line};
use super::codes::{known_code, known_measure, weighed_by, weight_by};
use super::failure::invalid;
use super::shares::WORLD_OUTPUT;
use super::verdicts::known_verdicts;
use crate::assessment::Line;
use crate::condition::{Condition, Criterion, Expression, Flaw, Path, Source};
use crate::period::frequency_of;
use crate::series_selector::SeriesSelector;

/// Upper bound on the nesting of combinations.
const MAX_DEPTH: usize = 8;
/// Upper bound on the parts of a condition, in all combinations together.
const MAX_PARTS: usize = 32;
/// Upper bound on the periods that a change or a window reaches back.
const MAX_PERIODS_BACK: u32 = 120;
/// Measures whose figures name the largest suppliers.
const NAMING: &[&str] = &[
    "crma-third-country",
    "import-top1",
    "import-top3",
    "lookthrough-top1",
    "n1-cover",
    "production-top1",
    "production-top3",
];
/// Whether the result of a stored condition depends on the time.
#[must_use]
pub(crate) fn is_timed(when: Option<&Stored>) -> bool {
    match when.and_then(|when| when.kind.as_ref()) {
        Some(Kind::Age(_)) => true,
        Some(Kind::All(all) | Kind::Any(all)) => all.conditions.iter().any(|part| is_timed(Some(part))),
        Some(Kind::Not(negated)) => is_timed(Some(negated)),
        Some(
            Kind::Change(_)
            | Kind::Window(_)
            | Kind::TopSupplier(_)
            | Kind::Target(_)
            | Kind::Claim(_)
            | Kind::Cel(_),
        )
        | None => false,
    }
}

/// Whether greater values are more severe. The line decides; in a combination that of the first part about
/// the rule's own measure.
#[must_use]
pub(super) fn is_ascending(when: Option<&Stored>) -> bool {
    let Some(when) = when else { return true };
    match &when.kind {
        None | Some(Kind::Change(_) | Kind::Window(_)) => !matches!(when.line, Some(Side::Below(_))),
        Some(Kind::All(all) | Kind::Any(all)) => {
            is_ascending(all.conditions.iter().find(|part| part.measure.is_empty()))
        }
        Some(Kind::Not(negated)) => !is_ascending(Some(negated)),
        Some(Kind::TopSupplier(_) | Kind::Age(_) | Kind::Target(_) | Kind::Claim(_) | Kind::Cel(_)) => true,
    }
}

/// Compiles the condition of a rule on a measure.
///
/// # Errors
/// The first thing that is wrong, with field, value and hint. Fields are named as in the YAML form.
pub(super) fn compile(
    when: Option<&Stored>,
    method: &'static Method,
    by: By,
    frequency: Frequency,
) -> Result<Condition, Failure> {
    let mut compiler = Compiler { method, by, frequency, other_series: Vec::new(), parts: 0 };
    let when = when.cloned().unwrap_or_default();
    if let Some(field) = other_series_field(&when) {
        let wrong = invalid(
            "unexpected-field",
            format!("`{field}` is only for parts of a combination"),
            format!("when.{field}"),
            "",
        );
        return Err(wrong.with_hint("for the rule itself use `measure`, `by` and `select`"));
    }
    let criterion = compiler.criterion(&when, "when", 0)?;
    Ok(Condition::new(criterion, compiler.other_series))
}

/// A field that selects another series than the rule's, if one is set.
fn other_series_field(part: &Stored) -> Option<&'static str> {
    let fields = [
        ("measure", !part.measure.is_empty()),
        ("by", part.by != i32::from(By::Unspecified)),
        ("consumer", !part.consumer.is_empty()),
        ("stage", !part.stage.is_empty()),
        ("supplier", !part.supplier.is_empty()),
    ];
    fields.into_iter().find(|(_, is_set)| *is_set).map(|(field, _)| field)
}

struct Compiler {
    method: &'static Method,
    by: By,
    frequency: Frequency,
    other_series: Vec<SeriesSelector>,
    parts: usize,
}

impl Compiler {
    fn criterion(&mut self, when: &Stored, field: &str, depth: usize) -> Result<Criterion, Failure> {
        self.parts += 1;
        if depth > MAX_DEPTH {
            let deep =
                invalid("too-deep", format!("conditions are nested more than {MAX_DEPTH} deep"), field, "");
            return Err(deep.with_hint("nest them less"));
        }
        if self.parts > MAX_PARTS {
            let many =
                invalid("too-many", format!("the condition has more than {MAX_PARTS} parts"), field, "");
            return Err(many.with_hint("split it into several rules"));
        }
        let has_line = when.line.is_some();
        match &when.kind {
            None | Some(Kind::Change(_) | Kind::Window(_)) => {}
            Some(kind) if has_line || (when.clear.is_some() && !matches!(kind, Kind::Target(_))) => {
                let (word, unexpected) = (word(kind), if has_line { "above or below" } else { "clear" });
                let wrong = invalid("unexpected-field", format!("{word} has a line of its own"), field, "");
                return Err(wrong.with_hint(format!("leave {unexpected} out")));
            }
            Some(_) => {}
        }
        match &when.kind {
            Some(Kind::All(all)) => {
                Ok(Criterion::All(self.criteria(&all.conditions, &format!("{field}.all"), depth)?))
            }
            Some(Kind::Any(any)) => {
                Ok(Criterion::Any(self.criteria(&any.conditions, &format!("{field}.any"), depth)?))
            }
            Some(Kind::Not(negated)) => {
                Ok(Criterion::Not(Box::new(self.criterion(negated, &format!("{field}.not"), depth + 1)?)))
            }
            Some(Kind::Cel(text)) => self.cel(text, &format!("{field}.cel")),
            kind => {
                let (source, method) = self.source(when, field)?;
                self.series_criterion(kind.as_ref(), when, (source, method), field)
            }
        }
    }

    fn criteria(&mut self, parts: &[Stored], field: &str, depth: usize) -> Result<Vec<Criterion>, Failure> {
        if parts.is_empty() {
            let empty = invalid("empty-combination", format!("{field} has no condition"), field, "");
            return Err(empty.with_hint("list at least one condition"));
        }
        let numbered = parts.iter().enumerate();
        numbered.map(|(k, part)| self.criterion(part, &format!("{field}[{k}]"), depth + 1)).collect()
    }

    /// Compiles a criterion on one series.
    fn series_criterion(
        &self,
        kind: Option<&Kind>,
        when: &Stored,
        (source, method): (Source, &Method),
        field: &str,
    ) -> Result<Criterion, Failure> {
        match kind {
            Some(Kind::Change(change)) => {
                let Change { over, .. } = *change;
                let over = check_reach(over, &format!("{field}.change.over"))?;
                let scale = scale(change.scale());
                Ok(Criterion::Change {
                    source,
                    over,
                    scale,
                    line: read_line(when, &difference_bounds(method, scale), field)?,
                })
            }
            Some(Kind::Window(window)) => self::window(window, when, source, method, field),
            Some(Kind::TopSupplier(turn)) => supplier_change(turn, source, method, field),
            Some(Kind::Age(age)) => {
                let Age { seconds, .. } = *age;
                if seconds == 0 {
                    let wrong =
                        invalid("missing-field", "the age has no length", format!("{field}.age"), "0");
                    return Err(wrong.with_hint("write, for example, `older_than: 400d`"));
                }
                let of = if age.of() == AgeOf::Release { AgeOf::Release } else { AgeOf::Period };
                Ok(Criterion::Age { source, of, seconds })
            }
            Some(Kind::Claim(claim)) => {
                Ok(Criterion::Claim { source, verdicts: known_verdicts(claim, &format!("{field}.claim"))? })
            }
            Some(Kind::Target(target)) => self::target(target, self.frequency, when, (source, method), field),
            Some(Kind::All(_) | Kind::Any(_) | Kind::Not(_) | Kind::Cel(_)) | None => {
                Ok(Criterion::Level(source, read_line(when, &Bounds::of_measure(method), field)?))
            }
        }
    }

    /// The series that a part reads.
    fn source(&mut self, part: &Stored, field: &str) -> Result<(Source, &'static Method), Failure> {
        if other_series_field(part).is_none() {
            return Ok((Source::Own, self.method));
        }
        let method = if part.measure.is_empty() {
            self.method
        } else {
            known_measure(&part.measure, &format!("{field}.measure"))?.method()
        };
        let by = if part.by == i32::from(By::Unspecified) {
            self.default_weight(method)
        } else {
            weighed_by(part.by, method, &format!("{field}.by"))?
        };
        let consumer = code(&part.consumer, &format!("{field}.consumer"), |code| {
            code.parse().map(|consumer: Consumer| consumer.code())
        })?;
        let stage = code(&part.stage, &format!("{field}.stage"), |code| code.parse().map(Stage::as_str))?;
        let supplier = code(&part.supplier, &format!("{field}.supplier"), |code| {
            resolve_economy(Scheme::Iso3, code).map(|economy| economy.iso3)
        })?;
        if supplier.is_some() && !method.has_supplier {
            let wrong = invalid(
                "unexpected-supplier",
                format!("{} has no supplier", method.name),
                format!("{field}.supplier"),
                &part.supplier,
            );
            return Err(wrong.with_hint("leave the supplier out"));
        }
        if supplier.is_none() && method.has_supplier && !self.method.has_supplier {
            let message = format!("{} is about one supplier, and {} is not", method.name, self.method.name);
            let missing = invalid("missing-field", message, format!("{field}.measure"), &part.measure);
            return Err(missing.with_hint("add `supplier:` to this part"));
        }
        Ok((self.other_series(method, by, consumer, stage, supplier), method))
    }

    /// Default weight of another measure: that of the rule, if the measure has it.
    fn default_weight(&self, method: &Method) -> By {
        let can = |weight: &Weight| weight_by(*weight).0 == self.by;
        let first = || method.weights.first().map_or(By::Quantity, |weight| weight_by(*weight).0);
        if method.weights.iter().any(can) { self.by } else { first() }
    }

    fn other_series(
        &mut self,
        method: &'static Method,
        by: By,
        consumer: Option<Arc<str>>,
        stage: Option<Arc<str>>,
        supplier: Option<Arc<str>>,
    ) -> Source {
        let is_elsewhere = consumer.is_some() || stage.is_some() || supplier.is_some();
        if !is_elsewhere && method.id == self.method.id && by == self.by {
            return Source::Own;
        }
        let is_other_basis = !is_elsewhere && method.id == self.method.id;
        let of_world = method.name.starts_with(WORLD_OUTPUT).then(|| Arc::from(Consumer::World.code()));
        let selector = SeriesSelector {
            measure: Arc::from(method.id),
            by,
            has_supplier: method.has_supplier,
            consumer: consumer.or(of_world),
            stage,
            supplier,
            is_other_basis,
        };
        let known = self.other_series.iter().position(|other| *other == selector);
        Source::Other(known.unwrap_or_else(|| {
            self.other_series.push(selector);
            self.other_series.len() - 1
        }))
    }

    fn cel(&mut self, text: &str, field: &str) -> Result<Criterion, Failure> {
        let expression = Expression::new(text, &mut |measure, consumer| self.named_series(measure, consumer));
        let failure = |flaw: Flaw| {
            let wrong = invalid("invalid-cel", flaw.what, format!("{field}@{}", flaw.at), text);
            wrong.with_hint(flaw.hint)
        };
        Ok(Criterion::Cel(Arc::new(expression.map_err(failure)?)))
    }

    /// The series of a measure that an expression names.
    fn named_series(&mut self, measure: &str, consumer: Option<&str>) -> Result<usize, Flaw> {
        let flaw = |failure: Failure| Flaw { at: 0, what: failure.message, hint: failure.hint };
        let method = known_measure(measure, "").map_err(flaw)?.method();
        let consumer = consumer.map_or(Ok(None), |consumer| {
            code(consumer, "", |code| code.parse().map(|consumer: Consumer| consumer.code()))
        });
        let consumer = consumer.map_err(flaw)?;
        if method.has_supplier && !self.method.has_supplier {
            let what = format!("{} is about one supplier, and {} is not", method.name, self.method.name);
            return Err(Flaw { at: 0, what, hint: "use a measure without a supplier".to_owned() });
        }
        match self.other_series(method, self.default_weight(method), consumer, None, None) {
            Source::Other(series) => Ok(series),
            Source::Own => {
                let hint = "use `value`".to_owned();
                Err(Flaw { at: 0, what: format!("{} is the rule's own measure", method.name), hint })
            }
        }
    }
}

/// A code of the catalogue. `None`: the text is empty.
fn code(
    text: &str,
    field: &str,
    lookup: impl Fn(&str) -> Result<&'static str, UnknownCode>,
) -> Result<Option<Arc<str>>, Failure> {
    if text.is_empty() {
        Ok(None)
    } else {
        known_code(field, text, lookup).map(|known| Some(Arc::from(known)))
    }
}

fn word(kind: &Kind) -> &'static str {
    match kind {
        Kind::Change(_) => "a change",
        Kind::Window(_) => "a window",
        Kind::TopSupplier(_) => "a change of suppliers",
        Kind::Age(_) => "an age",
        Kind::Target(_) => "a target",
        Kind::Claim(_) => "a verdict on a claim",
        Kind::All(_) | Kind::Any(_) | Kind::Not(_) => "a combination",
        Kind::Cel(_) => "an expression",
    }
}

fn window(
    window: &Window,
    when: &Stored,
    source: Source,
    method: &Method,
    field: &str,
) -> Result<Criterion, Failure> {
    let at = |name: &str| format!("{field}.window.{name}");
    if !(2..=MAX_PERIODS_BACK).contains(&window.periods) {
        let message = format!("a window cannot have {} periods", window.periods);
        let wrong = invalid("out-of-range", message, at("periods"), window.periods.to_string());
        return Err(wrong.with_hint(format!("use 2 to {MAX_PERIODS_BACK} periods")));
    }
    if !window.minimum.is_finite() || window.minimum < 0.0 {
        let wrong = invalid(
            "out-of-range",
            format!("the minimum cannot be {}", window.minimum),
            at("minimum"),
            window.minimum.to_string(),
        );
        return Err(wrong.with_hint("use a number from 0 on, in the measure's unit"));
    }
    let scale = scale(window.scale());
    let average = if window.average() == Average::Mean { Average::Mean } else { Average::Median };
    let line = read_line(when, &difference_bounds(method, scale), field)?;
    Ok(Criterion::Window { source, periods: window.periods, average, scale, minimum: window.minimum, line })
}

fn supplier_change(
    turn: &TopSupplier,
    source: Source,
    method: &Method,
    field: &str,
) -> Result<Criterion, Failure> {
    let at = |name: &str| format!("{field}.top_supplier.{name}");
    let kind = turn.turn();
    if kind == SupplierTurn::Unspecified {
        let wrong =
            invalid("missing-field", "the kind of change is missing", format!("{field}.top_supplier"), "");
        return Err(wrong.with_hint("use `new`, `lost` or `switched`"));
    }
    let is_share = method.has_supplier;
    if (is_share && kind == SupplierTurn::Switched) || (!is_share && !NAMING.contains(&method.name)) {
        let message = if is_share {
            format!("{} is about one supplier and does not name the largest", method.name)
        } else {
            format!("{} names no suppliers", method.name)
        };
        let wrong = invalid("unsupported-measure", message, format!("{field}.top_supplier"), method.name);
        return Err(wrong.with_hint(format!("watch one of {}", NAMING.join(", "))));
    }
    if !(0.0..=1.0).contains(&turn.share) || (turn.share > 0.0 && !is_share) {
        let message = format!("the share cannot be {}", turn.share);
        let wrong = invalid("out-of-range", message, at("share"), turn.share.to_string());
        return Err(wrong.with_hint(if is_share {
            "use 0 to 1"
        } else {
            "leave it out: the figure names the largest suppliers"
        }));
    }
    let over = check_reach(turn.over, &at("over"))?;
    Ok(Criterion::SupplierChange { source, is_share, change: kind, over, share: turn.share })
}

fn target(
    target: &Target,
    frequency: Frequency,
    when: &Stored,
    (source, method): (Source, &Method),
    field: &str,
) -> Result<Criterion, Failure> {
    let at = |name: &str| format!("{field}.target.{name}");
    let (goal, at_most, name) = match target.goal {
        Some(target::Goal::AtMost(goal)) => (goal, true, "at_most"),
        Some(target::Goal::AtLeast(goal)) => (goal, false, "at_least"),
        None => {
            let missing = invalid("missing-field", "the target is missing", format!("{field}.target"), "");
            return Err(missing.with_hint("write `at_most: 0.65` or `at_least: 0.1`"));
        }
    };
    let bounds = Bounds::of_measure(method);
    bounds.admit(&at(name), goal)?;
    if let Some(base) = target.base {
        bounds.admit(&at("base"), base)?;
    }
    let period = |name: &str, text: &str| -> Result<Period, Failure> {
        text.parse().map_err(|_| {
            let wrong = invalid("invalid-period", format!("{text:?} is not a period"), at(name), text);
            wrong.with_hint("write a year such as `2030` or a month such as `2030-06`")
        })
    };
    let (by, from) = (period("by", &target.by)?, period("from", &target.from)?);
    if frequency_of(from) != frequency {
        let (period, others, hint) = match frequency {
            Frequency::Monthly => ("year", "months", "write a month such as `2024-01`"),
            Frequency::Annual | Frequency::Unspecified => {
                ("month", "years", "write a year such as `2024`, or add `frequency: monthly` to the rule")
            }
        };
        let message = format!("the path begins in {from}, a {period}, and the rule watches {others}");
        return Err(invalid("frequency-mismatch", message, at("from"), &target.from).with_hint(hint));
    }
    if from >= by {
        let wrong = invalid(
            "end-before-start",
            format!("the path begins in {from} and ends in {by}"),
            at("from"),
            &target.from,
        );
        return Err(wrong.with_hint(format!("begin the path before {by}")));
    }
    if !target.tolerance.is_finite() || target.tolerance < 0.0 {
        let wrong = invalid(
            "out-of-range",
            format!("the tolerance cannot be {}", target.tolerance),
            at("tolerance"),
            target.tolerance.to_string(),
        );
        return Err(wrong.with_hint("use a number from 0 on, in the measure's unit"));
    }
    let line = Line { at: target.tolerance, above: true, clear: when.clear };
    check_clear_line(&line, field)?;
    Ok(Criterion::Target { source, path: Path { goal, at_most, by, from, base: target.base }, line })
}

fn check_reach(over: u32, field: &str) -> Result<u32, Failure> {
    if over <= MAX_PERIODS_BACK {
        return Ok(over.max(1));
    }
    let wrong = invalid("out-of-range", format!("{over} periods are too far back"), field, over.to_string());
    Err(wrong.with_hint(format!("use 1 to {MAX_PERIODS_BACK}")))
}

fn scale(scale: Scale) -> Scale {
    if scale == Scale::Percent { Scale::Percent } else { Scale::Absolute }
}
