//! Expressions: conditions in CEL, the Common Expression Language.
//!
//! | name | value |
//! | --- | --- |
//! | `value`, `low`, `high` | the figure: best estimate and bounds |
//! | `coverage` | known share of its denominator |
//! | `previous(n)` | best estimate `n` periods earlier, by the calendar; `n` is a literal |
//! | `series` | best estimates of the last 24 periods, oldest first, without missing ones |
//! | `measure("NAME")` | best estimate of another measure of the same subject |
//! | `measure("NAME", "WLD")` | best estimate of a measure of another consumer |
//! | `period` | the period as text, `2024` or `2024-03` |
//!
//! Also available are the operators of CEL, `size`, `double`, `int`, `startsWith`, `endsWith`, `contains`,
//! and `all`, `exists`, `exists_one`, `map` and `filter` over `series` or a list literal. There is no clock,
//! no randomness and no regular expression.
//!
//! A name whose figure is missing has no value, and an expression that needs it cannot be assessed; `a || b`
//! and `a && b` do not need a side that cannot change the result. The cost of an expression is bounded when a
//! rule is checked: its length, its nesting, and the steps that it can take.
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use ::cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};
use ::cel::parser::Parser;
use ::cel::{Context, Env, ExecutionError, Value};
use orewatch_catalog::closest;

use super::steps::{length, steps};
use super::{Gap, PeriodView, Source, interval};
use crate::assessment::{Assessment, Likelihood, Range};

/// Upper bound on the length of an expression, in characters.
const MAX_CHARS: usize = 1000;
/// Upper bound on the nesting of brackets and operators.
const MAX_DEPTH: usize = 24;
/// Upper bound on the characters that are operators.
const MAX_OPERATORS: usize = 100;
/// Upper bound on the steps of an expression.
const MAX_STEPS: u64 = 10_000;
/// Upper bound on the periods in `series`.
const MAX_SERIES_PERIODS: usize = 24;
/// Upper bound on the argument of `previous`.
const MAX_PERIODS_BACK: i64 = 120;

/// Names of values.
const NAMES: &[&str] = &["value", "low", "high", "coverage", "series", "period"];
/// Functions that may be called besides operators.
const FUNCTIONS: &[&str] = &["contains", "double", "endsWith", "int", "size", "startsWith"];

/// A checked expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    text: String,
    root: IdedExpr,
    /// The names that it uses, with their meaning.
    words: BTreeMap<String, Word>,
    /// Upper bound on its steps, by the length of `series`.
    steps: Arc<[u64]>,
}

/// Meaning of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Value,
    Low,
    High,
    Coverage,
    Series,
    Period,
    Previous(u32),
    Measure(usize),
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Index of the character at which it is wrong, from 0.
    pub at: usize,
    /// What is wrong.
    pub what: String,
    /// What to do. Empty: no hint.
    pub hint: String,
}

/// Finds the series of another measure by its name and, if it is not the subject's, the consumer. Returns the
/// number of the series.
pub type Find<'a> = dyn FnMut(&str, Option<&str>) -> Result<usize, Flaw> + 'a;

impl Flaw {
    fn new(at: usize, what: impl Into<String>) -> Self {
        Self { at, what: what.into(), hint: String::new() }
    }

    fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }
}

impl Expression {
    /// Parses and checks an expression; `find` finds the series of other measures.
    ///
    /// # Errors
    /// [`Flaw`]: the first thing that is wrong.
    pub fn new(text: &str, find: &mut Find<'_>) -> Result<Self, Flaw> {
        check_limits(text)?;
        let parser = Parser::new().max_recursion_depth(u16::try_from(MAX_DEPTH * 8).unwrap_or(u16::MAX));
        let (mut root, info) =
            parser.parse_with_source_info(text).map_err(|errors| parse_flaw(text, &errors))?;
        let at = |id| {
            let (start, _) = info.offset_for(id).unwrap_or_default();
            usize::try_from(start).unwrap_or_default()
        };
        let mut reader = Reader { at: &at, find, words: BTreeMap::new() };
        reader.read(&mut root, &mut Vec::new(), 0)?;
        let words = reader.words;
        let by_length: Arc<[u64]> = (0..=MAX_SERIES_PERIODS).map(|length| steps(&root, length)).collect();
        let steps = by_length.last().copied().unwrap_or_default();
        if steps > MAX_STEPS {
            let flaw =
                Flaw::new(0, format!("the expression may take {steps} steps, the limit is {MAX_STEPS}"));
            return Err(flaw.with_hint("nest fewer `all`, `exists`, `map` and `filter`"));
        }
        let expression = Self { text: text.to_owned(), root, words, steps: by_length };
        expression.try_out()?;
        Ok(expression)
    }

    /// Upper bound on its steps if `periods` periods are known. Setting a name takes a step, too.
    pub(super) fn steps(&self, periods: usize) -> u64 {
        let steps = self.steps.get(periods.min(MAX_SERIES_PERIODS)).copied().unwrap_or(MAX_STEPS);
        steps.saturating_add(u64::try_from(self.words.len()).unwrap_or(u64::MAX))
    }

    /// The syntax tree.
    pub(super) fn root(&self) -> &IdedExpr {
        &self.root
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Runs it once on example figures, to check that it gives true or false.
    fn try_out(&self) -> Result<(), Flaw> {
        let mut context = Context::with_env(environment());
        for (name, word) in &self.words {
            match word {
                Word::Series => set(&mut context, name, vec![0.5_f64; MAX_SERIES_PERIODS]),
                Word::Period => set(&mut context, name, "2024"),
                _ => set(&mut context, name, 0.5_f64),
            }
        }
        match context.resolve(&self.root) {
            Ok(Value::Bool(_)) => Ok(()),
            Ok(other) => {
                Err(Flaw::new(0, format!("the expression gives a {}, not true or false", other.type_of()))
                    .with_hint("compare it with something, such as `value > 0.65`"))
            }
            Err(ExecutionError::NoSuchOverload(error)) => {
                let operator = error.function().trim_matches('_');
                let types = error.argument_types().join(" and ");
                Err(Flaw::new(0, format!("`{operator}` cannot be applied to {types}")))
            }
            Err(ExecutionError::UnexpectedType { .. } | ExecutionError::ValuesNotComparable(..)) => {
                Err(Flaw::new(0, "the expression compares what cannot be compared"))
            }
            // It may fail on these figures, such as by a division by zero, and not on others.
            Err(_) => Ok(()),
        }
    }

    /// Assesses the expression.
    ///
    /// # Errors
    /// [`Gap`]: a figure that it needs is missing or stale, or the evaluation failed.
    pub(super) fn assess(&self, view: &PeriodView<'_>) -> Result<Assessment, Gap> {
        let mut context = Context::with_env(environment());
        let mut ranges = BTreeMap::new();
        let mut gap = Gap::Missing;
        for (name, word) in &self.words {
            match word {
                Word::Series => set(&mut context, name, series(view)),
                Word::Period => {
                    set(&mut context, name, view.period().map(|at| at.to_string()).unwrap_or_default())
                }
                _ => match range(view, *word) {
                    Ok(range) => {
                        set(&mut context, name, range.value);
                        ranges.insert(name.as_str(), range);
                    }
                    // A name without a value: the expression fails only if it needs the name.
                    Err(why) => gap = super::worse(Some(why), gap),
                },
            }
        }
        let holds = match context.resolve(&self.root) {
            Ok(Value::Bool(holds)) => holds,
            Ok(other) => return Err(failed(&format!("the expression gave a {}", other.type_of()))),
            Err(ExecutionError::UndeclaredReference(_)) => return Err(gap),
            Err(error) => return Err(failed(&error.to_string())),
        };
        let by_bounds = interval::likelihood(&self.root, &ranges).filter(|found| found.holds() == holds);
        let is_exact = || !self.words.contains_key("series") && ranges.values().all(Range::is_exact);
        let crossed = by_bounds.unwrap_or_else(|| Likelihood::new(holds, is_exact()));
        Ok(Assessment::plain(crossed, view.now(Source::Own).ok().map(|range| range.value)))
    }
}

fn failed(why: &str) -> Gap {
    let short: String = why.chars().take(200).collect();
    Gap::Failed(short.into())
}

/// Operators and functions of the language.
fn environment() -> Arc<Env> {
    static ENVIRONMENT: OnceLock<Arc<Env>> = OnceLock::new();
    Arc::clone(ENVIRONMENT.get_or_init(|| Arc::new(Env::stdlib())))
}

/// Sets the value of a name.
fn set<V: Into<Value>>(context: &mut Context<'_, '_>, name: &str, value: V) {
    context.add_variable_from_value(name, value);
}

fn range(view: &PeriodView<'_>, word: Word) -> Result<Range, Gap> {
    let own = || view.now(Source::Own);
    let exactly = |bound: Option<f64>| bound.map(Range::exactly).ok_or(Gap::Missing);
    match word {
        Word::Low => exactly(own()?.low),
        Word::High => exactly(own()?.high),
        Word::Coverage => exactly(view.figure(Source::Own, 0)?.estimate.coverage),
        Word::Previous(over) => view.earlier(Source::Own, over),
        Word::Measure(series) => view.now(Source::Other(series)),
        Word::Value | Word::Series | Word::Period => own(),
    }
}

/// Known best estimates of the last periods.
fn series(view: &PeriodView<'_>) -> Vec<f64> {
    let upto = view.watched.figures.get(..=view.index).unwrap_or_default();
    let last = upto.get(upto.len().saturating_sub(MAX_SERIES_PERIODS)..).unwrap_or_default();
    last.iter().filter_map(|(_, figure)| super::read(figure).ok()).map(|range| range.value).collect()
}

/// Checks the limits that do not need a parser: parsing takes time and stack.
fn check_limits(text: &str) -> Result<(), Flaw> {
    let length = text.chars().count();
    if text.trim().is_empty() {
        return Err(Flaw::new(0, "the expression is empty").with_hint("write, for example, `value > 0.65`"));
    }
    if length > MAX_CHARS {
        return Err(Flaw::new(
            MAX_CHARS,
            format!("the expression has {length} characters, the limit is {MAX_CHARS}"),
        ));
    }
    let (mut depth, mut signs, mut operators) = (0_usize, 0_usize, 0_usize);
    for (at, character) in text.chars().enumerate() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        // Unary operators in a row nest as well.
        match character {
            '!' | '-' => signs += 1,
            ' ' | '\n' | '\t' | '\r' => {}
            _ => signs = 0,
        }
        operators += usize::from("!-+*/%?<>=&|.".contains(character));
        if depth > MAX_DEPTH || signs > MAX_DEPTH {
            return Err(too_deep(at));
        }
        if operators > MAX_OPERATORS {
            let flaw = Flaw::new(
                at,
                format!("the expression has more than {MAX_OPERATORS} characters of operators"),
            );
            return Err(flaw.with_hint("split it into several conditions, combined with `all` or `any`"));
        }
    }
    Ok(())
}

fn too_deep(at: usize) -> Flaw {
    Flaw::new(at, format!("the expression is nested more than {MAX_DEPTH} deep")).with_hint("nest it less")
}

fn parse_flaw(text: &str, errors: &::cel::ParseErrors) -> Flaw {
    let Some(error) = errors.errors.first() else { return Flaw::new(0, "the expression cannot be read") };
    if error.msg.contains("Recursion limit") {
        return too_deep(0);
    }
    let (line, column) = error.pos;
    let before = usize::try_from(line - 1).unwrap_or_default();
    let lines = text.split_inclusive('\n').take(before).map(|line| line.chars().count());
    let at = lines.sum::<usize>() + usize::try_from(column - 1).unwrap_or_default();
    let what = error.msg.lines().next().unwrap_or_default();
    let what = what.strip_prefix("Syntax error: ").unwrap_or(what);
    let what = what.split(" expecting ").next().unwrap_or_default();
    let what: String = what.chars().take(120).collect::<String>().replace("'<EOF>'", "the end");
    let what = match what.strip_prefix("mismatched input ") {
        Some(input) => format!("{input} is not expected here"),
        None => what,
    };
    Flaw::new(at.min(text.chars().count()), what)
}

/// Walks a syntax tree: refuses what is not permitted, and replaces calls that stand for figures by names.
struct Reader<'a, 'f> {
    at: &'a dyn Fn(u64) -> usize,
    find: &'a mut Find<'f>,
    words: BTreeMap<String, Word>,
}

impl Reader<'_, '_> {
    /// Reads a node. `bound` are the variables of the surrounding macros.
    fn read(&mut self, node: &mut IdedExpr, bound: &mut Vec<String>, depth: usize) -> Result<(), Flaw> {
        let at = (self.at)(node.id);
        if depth > MAX_DEPTH * 4 {
            return Err(too_deep(at));
        }
        let refuse = |what: &str| Err(Flaw::new(at, format!("{what} cannot be used here")));
        match &mut node.expr {
            Expr::Literal(LiteralValue::Bytes(_)) => refuse("bytes"),
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) if bound.contains(name) => Ok(()),
            Expr::Ident(name) => self.word(at, name),
            Expr::List(list) => {
                list.elements.iter_mut().try_for_each(|element| self.read(element, bound, depth + 1))
            }
            Expr::Call(call) => {
                if let Some(name) = self.figure(at, call)? {
                    node.expr = Expr::Ident(name);
                    return Ok(());
                }
                self.call(at, call, bound, depth)
            }
            Expr::Comprehension(inner) => {
                self.read(&mut inner.iter_range, bound, depth + 1)?;
                if length(&inner.iter_range, MAX_SERIES_PERIODS).is_none() {
                    return Err(Flaw::new(
                        at,
                        "`all`, `exists`, `map` and `filter` need `series` or a list literal",
                    ));
                }
                bound.extend([inner.iter_var.clone(), inner.accu_var.clone()]);
                bound.extend(inner.iter_var2.clone());
                let before = bound.len() - 2 - usize::from(inner.iter_var2.is_some());
                for part in
                    [&mut inner.accu_init, &mut inner.loop_cond, &mut inner.loop_step, &mut inner.result]
                {
                    self.read(part, bound, depth + 1)?;
                }
                bound.truncate(before);
                Ok(())
            }
            Expr::Select(select) => {
                let field = select.field.clone();
                Err(Flaw::new(at, format!("there is no field {field:?}: figures are plain numbers")))
            }
            Expr::Map(_) => refuse("a map"),
            Expr::Struct(_) => refuse("a message"),
            Expr::Unspecified => refuse("nothing"),
        }
    }

    fn word(&mut self, at: usize, name: &str) -> Result<(), Flaw> {
        let word = match name {
            "value" => Word::Value,
            "low" => Word::Low,
            "high" => Word::High,
            "coverage" => Word::Coverage,
            "series" => Word::Series,
            "period" => Word::Period,
            _ => {
                let hint = closest(name, NAMES.iter().copied()).map_or_else(
                    || format!("use one of {}, previous(n), measure(\"NAME\")", NAMES.join(", ")),
                    |near| format!("did you mean {near}?"),
                );
                return Err(Flaw::new(at, format!("unknown name {name:?}")).with_hint(hint));
            }
        };
        self.words.insert(name.to_owned(), word);
        Ok(())
    }

    /// The name that replaces a call that stands for a figure. `None`: it is another call.
    fn figure(&mut self, at: usize, call: &CallExpr) -> Result<Option<String>, Flaw> {
        let at = name_start(at, call);
        let arguments: Vec<Option<&LiteralValue>> = call.args.iter().map(literal).collect();
        let (name, word) = match (call.func_name.as_str(), arguments.as_slice()) {
            ("previous", [Some(LiteralValue::Int(over))])
                if (1..=MAX_PERIODS_BACK).contains(over.inner()) =>
            {
                let over = u32::try_from(*over.inner()).unwrap_or(1);
                (format!("previous({over})"), Word::Previous(over))
            }
            ("previous", _) => {
                let flaw = Flaw::new(
                    at,
                    format!("previous takes a literal number of periods, 1 to {MAX_PERIODS_BACK}"),
                );
                return Err(flaw.with_hint("write, for example, `previous(1)`"));
            }
            ("measure", [Some(LiteralValue::String(name)), rest @ ..]) if rest.len() <= 1 => {
                let consumer = match rest {
                    [Some(LiteralValue::String(consumer))] => Some(consumer.inner()),
                    [] => None,
                    _ => return Err(unclear_measure(at)),
                };
                let series = (self.find)(name.inner(), consumer).map_err(|flaw| Flaw { at, ..flaw })?;
                (format!("measure({series})"), Word::Measure(series))
            }
            ("measure", _) => return Err(unclear_measure(at)),
            _ => return Ok(None),
        };
        self.words.insert(name.clone(), word);
        Ok(Some(name))
    }

    fn call(
        &mut self,
        at: usize,
        call: &mut CallExpr,
        bound: &mut Vec<String>,
        depth: usize,
    ) -> Result<(), Flaw> {
        let name = call.func_name.as_str();
        let is_operator = !name.starts_with(|first: char| first.is_ascii_alphabetic());
        if !is_operator && !FUNCTIONS.contains(&name) {
            let at = name_start(at, call);
            let known = FUNCTIONS.iter().copied().chain(["measure", "previous"]);
            let hint = closest(name, known.clone()).map_or_else(
                || format!("use one of {}", known.collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean {near}?"),
            );
            return Err(Flaw::new(at, format!("unknown function {name:?}")).with_hint(hint));
        }
        if let Some(target) = &mut call.target {
            self.read(target, bound, depth + 1)?;
        }
        call.args.iter_mut().try_for_each(|argument| self.read(argument, bound, depth + 1))
    }
}

/// Index at which the name of a function begins, given that of its bracket.
fn name_start(at: usize, call: &CallExpr) -> usize {
    at.saturating_sub(call.func_name.chars().count())
}

fn unclear_measure(at: usize) -> Flaw {
    let flaw =
        Flaw::new(at, "measure takes the name of a measure, and a consumer if it is not the subject's");
    flaw.with_hint("write, for example, `measure(\"production-hhi\", \"WLD\")`")
}

fn literal(node: &IdedExpr) -> Option<&LiteralValue> {
    match &node.expr {
        Expr::Literal(literal) => Some(literal),
        _ => None,
    }
}
