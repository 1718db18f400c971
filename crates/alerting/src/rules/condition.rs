//! Makes of a condition as it is stored one that can judge, and says what no condition can be.
use std::sync::Arc;

use orewatch_catalog::{Consumer, Period, Scheme, Stage, resolve_economy};
use orewatch_contracts::alerting::v1::condition::{Kind, Line as Side};
use orewatch_contracts::alerting::v1::{
    Age, AgeOf, Average, Change, Condition as Stored, Scale, SupplierTurn, Target, TopSupplier, Window,
    target,
};
use orewatch_contracts::common::v1::{By, Frequency};
use orewatch_measures::{Method, Weight};
use orewatch_runtime::Failure;

use super::check::{invalid, known_measure, unknown, weighed_by, weight_by};
use super::line::{Bounds, difference, line, on_near_side};
use super::shares::WORLD_OUTPUT;
use crate::condition::{Condition, Expression, Flaw, Look, Path, Source, Test};
use crate::figures::frequency_of;
use crate::judgement::Line;

/// Deepest nesting of combinations.
const DEEPEST: usize = 8;
/// Most parts of a condition, all combinations together.
const MOST_PARTS: usize = 32;
/// Most periods that a change or a window reaches back.
const FURTHEST: u32 = 120;
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
/// Whether a stored condition says another thing as time passes.
#[must_use]
pub(crate) fn is_timed(when: Option<&Stored>) -> bool {
    match when.and_then(|when| when.kind.as_ref()) {
        Some(Kind::Age(_)) => true,
        Some(Kind::All(all) | Kind::Any(all)) => all.conditions.iter().any(|one| is_timed(Some(one))),
        Some(Kind::Not(one)) => is_timed(Some(one)),
        Some(Kind::Change(_) | Kind::Window(_) | Kind::TopSupplier(_) | Kind::Target(_) | Kind::Cel(_))
        | None => false,
    }
}

/// Whether a greater value is more severe: as the line says, in a combination that of the first part over the figure itself.
#[must_use]
pub(super) fn is_ascending(when: Option<&Stored>) -> bool {
    let Some(when) = when else { return true };
    match &when.kind {
        None | Some(Kind::Change(_) | Kind::Window(_)) => !matches!(when.line, Some(Side::Below(_))),
        Some(Kind::All(all) | Kind::Any(all)) => {
            is_ascending(all.conditions.iter().find(|part| part.measure.is_empty()))
        }
        Some(Kind::Not(one)) => !is_ascending(Some(one)),
        Some(Kind::TopSupplier(_) | Kind::Age(_) | Kind::Target(_) | Kind::Cel(_)) => true,
    }
}

/// Makes a condition of a rule on a measure ready to judge.
///
/// # Errors
/// The first thing that is wrong, with field, value and what to do; fields are named as in the YAML form.
pub(super) fn compile(
    when: Option<&Stored>,
    method: &'static Method,
    by: By,
    frequency: Frequency,
) -> Result<Condition, Failure> {
    let mut compiler = Compiler { method, by, frequency, looks: Vec::new(), parts: 0 };
    let when = when.cloned().unwrap_or_default();
    if let Some(field) = elsewhere(&when) {
        let wrong = invalid(
            "misplaced-field",
            format!("{field} belongs to a part of a combination"),
            format!("when.{field}"),
            "",
        );
        return Err(wrong.with_hint("a rule says it by `measure`, `by` and `select`"));
    }
    let test = compiler.test(&when, "when", 0)?;
    Ok(Condition { test, looks: compiler.looks, confirmed_by: 0 })
}

/// A field by which a part of a combination looks elsewhere.
fn elsewhere(part: &Stored) -> Option<&'static str> {
    let said = [
        ("measure", !part.measure.is_empty()),
        ("by", part.by != i32::from(By::Unspecified)),
        ("consumer", !part.consumer.is_empty()),
        ("stage", !part.stage.is_empty()),
        ("supplier", !part.supplier.is_empty()),
    ];
    said.into_iter().find(|(_, is_said)| *is_said).map(|(field, _)| field)
}

struct Compiler {
    method: &'static Method,
    by: By,
    frequency: Frequency,
    looks: Vec<Look>,
    parts: usize,
}

impl Compiler {
    fn test(&mut self, when: &Stored, field: &str, depth: usize) -> Result<Test, Failure> {
        self.parts += 1;
        if depth > DEEPEST {
            let deep =
                invalid("too-deep", format!("conditions are nested more than {DEEPEST} deep"), field, "");
            return Err(deep.with_hint("write them flatter"));
        }
        if self.parts > MOST_PARTS {
            let many =
                invalid("too-many", format!("the condition has more than {MOST_PARTS} parts"), field, "");
            return Err(many.with_hint("split it into several rules"));
        }
        let has_line = when.line.is_some();
        match &when.kind {
            None | Some(Kind::Change(_) | Kind::Window(_)) => {}
            Some(kind) if has_line || (when.clear.is_some() && !matches!(kind, Kind::Target(_))) => {
                let (word, said) = (word(kind), if has_line { "above or below" } else { "clear" });
                let wrong = invalid("misplaced-line", format!("{word} has a line of its own"), field, "");
                return Err(wrong.with_hint(format!("leave {said} out")));
            }
            Some(_) => {}
        }
        match &when.kind {
            Some(Kind::All(all)) => {
                Ok(Test::All(self.tests(&all.conditions, &format!("{field}.all"), depth)?))
            }
            Some(Kind::Any(any)) => {
                Ok(Test::Any(self.tests(&any.conditions, &format!("{field}.any"), depth)?))
            }
            Some(Kind::Not(one)) => {
                Ok(Test::Not(Box::new(self.test(one, &format!("{field}.not"), depth + 1)?)))
            }
            Some(Kind::Cel(text)) => self.cel(text, &format!("{field}.cel")),
            kind => {
                let (source, method) = self.source(when, field)?;
                self.single(kind.as_ref(), when, (source, method), field)
            }
        }
    }

    fn tests(&mut self, parts: &[Stored], field: &str, depth: usize) -> Result<Vec<Test>, Failure> {
        if parts.is_empty() {
            let empty = invalid("empty-combination", format!("{field} has no condition"), field, "");
            return Err(empty.with_hint("list at least one condition"));
        }
        let numbered = parts.iter().enumerate();
        numbered.map(|(k, part)| self.test(part, &format!("{field}[{k}]"), depth + 1)).collect()
    }

    /// A condition on the figures of one source.
    fn single(
        &self,
        kind: Option<&Kind>,
        when: &Stored,
        (source, method): (Source, &Method),
        field: &str,
    ) -> Result<Test, Failure> {
        match kind {
            Some(Kind::Change(change)) => {
                let Change { over, .. } = *change;
                let over = reach(over, &format!("{field}.change.over"))?;
                let scale = scale(change.scale());
                Ok(Test::Change { source, over, scale, line: line(when, &difference(method, scale), field)? })
            }
            Some(Kind::Window(window)) => self::window(window, when, source, method, field),
            Some(Kind::TopSupplier(turn)) => self::turn(turn, source, method, field),
            Some(Kind::Age(age)) => {
                let Age { seconds, .. } = *age;
                if seconds == 0 {
                    let wrong =
                        invalid("missing-length", "the age has no length", format!("{field}.age"), "0");
                    return Err(wrong.with_hint("say, for example, `older_than: 400d`"));
                }
                let of = if age.of() == AgeOf::Release { AgeOf::Release } else { AgeOf::Period };
                Ok(Test::Age { source, of, seconds })
            }
            Some(Kind::Target(target)) => self::target(target, self.frequency, when, (source, method), field),
            Some(Kind::All(_) | Kind::Any(_) | Kind::Not(_) | Kind::Cel(_)) | None => {
                Ok(Test::Level(source, line(when, &Bounds::of(method), field)?))
            }
        }
    }

    /// Whose figures a part looks at.
    fn source(&mut self, part: &Stored, field: &str) -> Result<(Source, &'static Method), Failure> {
        if elsewhere(part).is_none() {
            return Ok((Source::Own, self.method));
        }
        let method = if part.measure.is_empty() {
            self.method
        } else {
            known_measure(&part.measure, &format!("{field}.measure"))?.method()
        };
        let by = if part.by == i32::from(By::Unspecified) {
            self.by_of(method)
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
                "no-supplier",
                format!("{} has no supplier to look at", method.name),
                format!("{field}.supplier"),
                &part.supplier,
            );
            return Err(wrong.with_hint("leave the supplier out"));
        }
        if supplier.is_none() && method.has_supplier && !self.method.has_supplier {
            let message = format!("{} is about one supplier, and {} is not", method.name, self.method.name);
            let missing = invalid("missing-supplier", message, format!("{field}.measure"), &part.measure);
            return Err(missing.with_hint("add `supplier:` to this part"));
        }
        Ok((self.look(method, by, consumer, stage, supplier), method))
    }

    /// What another measure is weighed by where nothing is said: as the rule's is, if it can be.
    fn by_of(&self, method: &Method) -> By {
        let can = |weight: &Weight| weight_by(*weight).0 == self.by;
        let first = || method.weights.first().map_or(By::Quantity, |weight| weight_by(*weight).0);
        if method.weights.iter().any(can) { self.by } else { first() }
    }

    fn look(
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
        let of_world = method.name.starts_with(WORLD_OUTPUT).then(|| Arc::from(Consumer::World.code()));
        let has_supplier = method.has_supplier;
        let consumer = consumer.or(of_world);
        let look = Look { measure: Arc::from(method.id), by, has_supplier, consumer, stage, supplier };
        let known = self.looks.iter().position(|other| *other == look);
        Source::Look(known.unwrap_or_else(|| {
            self.looks.push(look);
            self.looks.len() - 1
        }))
    }

    fn cel(&mut self, text: &str, field: &str) -> Result<Test, Failure> {
        let expression = Expression::new(text, &mut |measure, consumer| self.named(measure, consumer));
        let told = |flaw: Flaw| {
            let wrong = invalid("invalid-cel", flaw.what, format!("{field}@{}", flaw.at), text);
            wrong.with_hint(flaw.hint)
        };
        Ok(Test::Cel(Arc::new(expression.map_err(told)?)))
    }

    /// The figures that an expression asks for by name.
    fn named(&mut self, measure: &str, consumer: Option<&str>) -> Result<usize, Flaw> {
        let flaw = |failure: Failure| Flaw { at: 0, what: failure.message, hint: failure.hint };
        let method = known_measure(measure, "").map_err(flaw)?.method();
        let consumer = consumer.map_or(Ok(None), |consumer| {
            code(consumer, "", |code| code.parse().map(|consumer: Consumer| consumer.code()))
        });
        let consumer = consumer.map_err(flaw)?;
        if method.has_supplier && !self.method.has_supplier {
            let what = format!("{} is about one supplier, and {} is not", method.name, self.method.name);
            return Err(Flaw { at: 0, what, hint: "look at a measure without supplier".to_owned() });
        }
        match self.look(method, self.by_of(method), consumer, None, None) {
            Source::Look(look) => Ok(look),
            Source::Own => {
                let hint = "say `value`".to_owned();
                Err(Flaw { at: 0, what: format!("{} is the rule's own measure", method.name), hint })
            }
        }
    }
}

/// A code that is written exactly as the catalogue writes it.
fn code(
    text: &str,
    field: &str,
    lookup: impl Fn(&str) -> Result<&'static str, orewatch_catalog::UnknownCode>,
) -> Result<Option<Arc<str>>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    match lookup(text) {
        Ok(known) if known == text => Ok(Some(Arc::from(known))),
        Ok(known) => {
            let wrong =
                invalid("unknown-code", format!("{text:?} is not how {known} is written"), field, text);
            Err(wrong.with_hint(format!("did you mean {known}?")))
        }
        Err(error) => Err(unknown(&error, field.to_owned())),
    }
}

fn word(kind: &Kind) -> &'static str {
    match kind {
        Kind::Change(_) => "a change",
        Kind::Window(_) => "a window",
        Kind::TopSupplier(_) => "a change of suppliers",
        Kind::Age(_) => "an age",
        Kind::Target(_) => "a target",
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
) -> Result<Test, Failure> {
    let at = |name: &str| format!("{field}.window.{name}");
    if !(2..=FURTHEST).contains(&window.periods) {
        let message = format!("a window of {} periods says nothing", window.periods);
        let wrong = invalid("window-length", message, at("periods"), window.periods.to_string());
        return Err(wrong.with_hint(format!("use 2 to {FURTHEST} periods")));
    }
    if !window.minimum.is_finite() || window.minimum < 0.0 {
        let wrong = invalid(
            "out-of-range",
            format!("{} is no minimum", window.minimum),
            at("minimum"),
            window.minimum.to_string(),
        );
        return Err(wrong.with_hint("use a number from 0 on, in the measure's unit"));
    }
    let scale = scale(window.scale());
    let average = if window.average() == Average::Mean { Average::Mean } else { Average::Median };
    let line = line(when, &difference(method, scale), field)?;
    Ok(Test::Window { source, periods: window.periods, average, scale, minimum: window.minimum, line })
}

fn turn(turn: &TopSupplier, source: Source, method: &Method, field: &str) -> Result<Test, Failure> {
    let at = |name: &str| format!("{field}.top_supplier.{name}");
    let kind = turn.turn();
    if kind == SupplierTurn::Unspecified {
        let wrong = invalid(
            "missing-turn",
            "it does not say how the suppliers change",
            format!("{field}.top_supplier"),
            "",
        );
        return Err(wrong.with_hint("say `new`, `lost` or `switched`"));
    }
    let is_share = method.has_supplier;
    if (is_share && kind == SupplierTurn::Switched) || (!is_share && !NAMING.contains(&method.name)) {
        let message = if is_share {
            format!("{} is about one supplier and does not say who is the largest", method.name)
        } else {
            format!("{} names no suppliers", method.name)
        };
        let wrong = invalid("no-suppliers", message, format!("{field}.top_supplier"), method.name);
        return Err(wrong.with_hint(format!("watch one of {}", NAMING.join(", "))));
    }
    if !(0.0..=1.0).contains(&turn.share) || (turn.share > 0.0 && !is_share) {
        let message = format!("{} is no share from which on a supplier counts here", turn.share);
        let wrong = invalid("out-of-range", message, at("share"), turn.share.to_string());
        return Err(wrong.with_hint(if is_share {
            "use 0 to 1"
        } else {
            "leave it out: the figure names the largest"
        }));
    }
    let over = reach(turn.over, &at("over"))?;
    Ok(Test::Turn { source, is_share, turn: kind, over, share: turn.share })
}

fn target(
    target: &Target,
    frequency: Frequency,
    when: &Stored,
    (source, method): (Source, &Method),
    field: &str,
) -> Result<Test, Failure> {
    let at = |name: &str| format!("{field}.target.{name}");
    let (goal, at_most, name) = match target.goal {
        Some(target::Goal::AtMost(goal)) => (goal, true, "at_most"),
        Some(target::Goal::AtLeast(goal)) => (goal, false, "at_least"),
        None => {
            let missing = invalid("missing-target", "the target is missing", format!("{field}.target"), "");
            return Err(missing.with_hint("say `at_most: 0.65` or `at_least: 0.1`"));
        }
    };
    let bounds = Bounds::of(method);
    bounds.admit(&at(name), goal)?;
    if let Some(base) = target.base {
        bounds.admit(&at("base"), base)?;
    }
    let period = |name: &str, text: &str| -> Result<Period, Failure> {
        text.parse().map_err(|_| {
            let wrong = invalid("invalid-period", format!("{text:?} is no period"), at(name), text);
            wrong.with_hint("write a year such as `2030` or a month such as `2030-06`")
        })
    };
    let (by, from) = (period("by", &target.by)?, period("from", &target.from)?);
    if frequency_of(from) != frequency {
        let (period, others, hint) = match frequency {
            Frequency::Monthly => ("year", "months", "write a month such as `2024-01`"),
            Frequency::Annual | Frequency::Unspecified => {
                ("month", "years", "write a year such as `2024`, or let the rule say `frequency: monthly`")
            }
        };
        let message = format!("the path begins in {from}, a {period}, and the rule watches {others}");
        return Err(invalid("other-frequency", message, at("from"), &target.from).with_hint(hint));
    }
    if from >= by {
        let wrong = invalid(
            "target-order",
            format!("the path begins in {from} and ends in {by}"),
            at("from"),
            &target.from,
        );
        return Err(wrong.with_hint(format!("let it begin before {by}")));
    }
    if !target.tolerance.is_finite() || target.tolerance < 0.0 {
        let wrong = invalid(
            "out-of-range",
            format!("{} is no tolerance", target.tolerance),
            at("tolerance"),
            target.tolerance.to_string(),
        );
        return Err(wrong.with_hint("use a number from 0 on, in the measure's unit"));
    }
    let line = Line { at: target.tolerance, above: true, clear: when.clear };
    on_near_side(&line, field)?;
    Ok(Test::Target { source, path: Path { goal, at_most, by, from, base: target.base }, line })
}

fn reach(over: u32, field: &str) -> Result<u32, Failure> {
    if over <= FURTHEST {
        return Ok(over.max(1));
    }
    let wrong = invalid("out-of-range", format!("{over} periods are too far back"), field, over.to_string());
    Err(wrong.with_hint(format!("use 1 to {FURTHEST}")))
}

fn scale(scale: Scale) -> Scale {
    if scale == Scale::Percent { Scale::Percent } else { Scale::Absolute }
}
