//! Conditions that the kinds do not cover, written in CEL, the Common Expression Language.
//!
//! | word | what |
//! | --- | --- |
//! | `value`, `low`, `high` | the figure: best estimate and bounds |
//! | `coverage` | share of its denominator that is known |
//! | `previous(n)` | best estimate `n` periods earlier, by the calendar; `n` is written out |
//! | `series` | best estimates of the last 24 periods, oldest first, this one last; those that are missing are left out |
//! | `measure("NAME")`, `measure("NAME", "WLD")` | best estimate of another measure of the same subject, or of another consumer |
//! | `period` | the period as text, `2024` or `2024-03` |
//!
//! Beside these the operators of CEL, `size`, `double`, `int`, `startsWith`, `endsWith`, `contains`, and `all`, `exists`, `exists_one`,
//! `map` and `filter` over `series` or a list that is written out. There is no clock, no randomness and no regular expression.
//!
//! A word whose figure is missing has no value, and an expression that needs it judges nothing; `a || b` and `a && b` do without
//! what cannot turn them. What an expression may cost is known before it runs: its length, its nesting and the steps that it can
//! take at most are bounded when a rule is checked.
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use ::cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};
use ::cel::parser::Parser;
use ::cel::{Context, Env, ExecutionError, Value};
use orewatch_catalog::closest;

use super::{Gap, Sight, Source, interval};
use crate::judgement::{Judgement, Likelihood, Range};

/// Longest expression, in characters.
const LONGEST: usize = 1000;
/// Deepest nesting of brackets and of operators.
const DEEPEST: usize = 24;
/// Most characters that are operators.
const MOST_OPERATORS: usize = 100;
/// Most steps that an expression may take.
const MOST_STEPS: u64 = 10_000;
/// Most periods in `series`.
const SERIES: usize = 24;
/// Most periods that `previous` looks back.
const FURTHEST: i64 = 120;

/// Words that stand for something.
const WORDS: &[&str] = &["value", "low", "high", "coverage", "series", "period"];
/// Functions that may be called, beside operators.
const FUNCTIONS: &[&str] = &["contains", "double", "endsWith", "int", "size", "startsWith"];

/// An expression that has been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    text: String,
    root: IdedExpr,
    /// What each word in it stands for.
    words: BTreeMap<String, Word>,
    /// Steps that it takes at most, by how many figures `series` has.
    steps: Arc<[u64]>,
}

/// What a word stands for.
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
    /// Character at which it is wrong, from 0.
    pub at: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it. Empty: nothing better than what is wrong.
    pub hint: String,
}

/// Finds the figures of another measure, by its name and, if it is not the subject's, the consumer: gives their number.
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
    /// Reads and checks an expression; `look` gives the number of another measure's figures, by its name and, if it is not the
    /// subject's, the consumer.
    ///
    /// # Errors
    /// [`Flaw`]: the first thing that is wrong.
    pub fn new(text: &str, look: &mut Find<'_>) -> Result<Self, Flaw> {
        bounded(text)?;
        let parser = Parser::new().max_recursion_depth(u16::try_from(DEEPEST * 8).unwrap_or(u16::MAX));
        let (mut root, info) =
            parser.parse_with_source_info(text).map_err(|errors| unreadable(text, &errors))?;
        let at = |id| {
            let (start, _) = info.offset_for(id).unwrap_or_default();
            usize::try_from(start).unwrap_or_default()
        };
        let mut reader = Reader { at: &at, look, words: BTreeMap::new() };
        reader.read(&mut root, &mut Vec::new(), 0)?;
        let words = reader.words;
        let by_length: Arc<[u64]> = (0..=SERIES).map(|length| steps(&root, length)).collect();
        let steps = by_length.last().copied().unwrap_or_default();
        if steps > MOST_STEPS {
            let flaw =
                Flaw::new(0, format!("the expression may take {steps} steps, the limit is {MOST_STEPS}"));
            return Err(flaw.with_hint("nest fewer `all`, `exists`, `map` and `filter`"));
        }
        let expression = Self { text: text.to_owned(), root, words, steps: by_length };
        expression.try_out()?;
        Ok(expression)
    }

    /// Steps that it takes at most where so many periods are known. Setting a word takes one too.
    pub(super) fn steps(&self, periods: usize) -> u64 {
        let steps = self.steps.get(periods.min(SERIES)).copied().unwrap_or(MOST_STEPS);
        steps.saturating_add(u64::try_from(self.words.len()).unwrap_or(u64::MAX))
    }

    /// As it was read.
    pub(super) fn root(&self) -> &IdedExpr {
        &self.root
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Runs it once on figures that are all there, to see that it says yes or no.
    fn try_out(&self) -> Result<(), Flaw> {
        let mut context = Context::with_env(environment());
        for (name, word) in &self.words {
            match word {
                Word::Series => set(&mut context, name, vec![0.5_f64; SERIES]),
                Word::Period => set(&mut context, name, "2024"),
                _ => set(&mut context, name, 0.5_f64),
            }
        }
        match context.resolve(&self.root) {
            Ok(Value::Bool(_)) => Ok(()),
            Ok(other) => {
                Err(Flaw::new(0, format!("the expression gives a {}, not yes or no", other.type_of()))
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
            // It may divide by nothing on these figures and not on others.
            Err(_) => Ok(()),
        }
    }

    /// Judges.
    ///
    /// # Errors
    /// [`Gap`]: a figure that it needs is missing or stale, or it failed.
    pub(super) fn judge(&self, sight: &Sight<'_>) -> Result<Judgement, Gap> {
        let mut context = Context::with_env(environment());
        let mut ranges = BTreeMap::new();
        let mut gap = Gap::Missing;
        for (name, word) in &self.words {
            match word {
                Word::Series => set(&mut context, name, series(sight)),
                Word::Period => {
                    set(&mut context, name, sight.period().map(|at| at.to_string()).unwrap_or_default())
                }
                _ => match range(sight, *word) {
                    Ok(range) => {
                        set(&mut context, name, range.value);
                        ranges.insert(name.as_str(), range);
                    }
                    // A word without a value: the expression fails where it needs it, and only there.
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
        let crossed = by_bounds.unwrap_or_else(|| Likelihood::of(holds, is_exact()));
        Ok(Judgement::plain(crossed, sight.now(Source::Own).ok().map(|range| range.value)))
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

fn set<V: Into<Value>>(context: &mut Context<'_, '_>, name: &str, value: V) {
    context.add_variable_from_value(name, value);
}

fn range(sight: &Sight<'_>, word: Word) -> Result<Range, Gap> {
    let own = || sight.now(Source::Own);
    let exactly = |bound: Option<f64>| bound.map(Range::exactly).ok_or(Gap::Missing);
    match word {
        Word::Low => exactly(own()?.low),
        Word::High => exactly(own()?.high),
        Word::Coverage => exactly(sight.figure(Source::Own, 0)?.estimate.coverage),
        Word::Previous(over) => sight.earlier(Source::Own, over),
        Word::Measure(look) => sight.now(Source::Look(look)),
        Word::Value | Word::Series | Word::Period => own(),
    }
}

/// Best estimates of the last periods that are known.
fn series(sight: &Sight<'_>) -> Vec<f64> {
    let upto = sight.watched.figures.get(..=sight.at).unwrap_or_default();
    let last = upto.get(upto.len().saturating_sub(SERIES)..).unwrap_or_default();
    last.iter().filter_map(|(_, figure)| super::read(figure).ok()).map(|range| range.value).collect()
}

/// What can be said before reading: reading costs time and depth.
fn bounded(text: &str) -> Result<(), Flaw> {
    let length = text.chars().count();
    if text.trim().is_empty() {
        return Err(Flaw::new(0, "the expression is empty").with_hint("say, for example, `value > 0.65`"));
    }
    if length > LONGEST {
        return Err(Flaw::new(
            LONGEST,
            format!("the expression has {length} characters, the limit is {LONGEST}"),
        ));
    }
    let (mut depth, mut signs, mut operators) = (0_usize, 0_usize, 0_usize);
    for (at, character) in text.chars().enumerate() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        // Signs in a row nest too, and so do operators, one within the other.
        match character {
            '!' | '-' => signs += 1,
            ' ' | '\n' | '\t' | '\r' => {}
            _ => signs = 0,
        }
        operators += usize::from("!-+*/%?<>=&|.".contains(character));
        if depth > DEEPEST || signs > DEEPEST {
            return Err(too_deep(at));
        }
        if operators > MOST_OPERATORS {
            let flaw = Flaw::new(
                at,
                format!("the expression has more than {MOST_OPERATORS} characters of operators"),
            );
            return Err(flaw.with_hint("split it into several conditions, combined by `all` or `any`"));
        }
    }
    Ok(())
}

fn too_deep(at: usize) -> Flaw {
    Flaw::new(at, format!("the expression is nested more than {DEEPEST} deep")).with_hint("write it flatter")
}

fn unreadable(text: &str, errors: &::cel::ParseErrors) -> Flaw {
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
        Some(input) => format!("{input} cannot stand here"),
        None => what,
    };
    Flaw::new(at.min(text.chars().count()), what)
}

/// Walks an expression: refuses what it may not hold, and replaces calls that stand for figures by words.
struct Reader<'a, 'f> {
    at: &'a dyn Fn(u64) -> usize,
    look: &'a mut Find<'f>,
    words: BTreeMap<String, Word>,
}

impl Reader<'_, '_> {
    /// `bound` are the variables of the macros around it.
    fn read(&mut self, node: &mut IdedExpr, bound: &mut Vec<String>, depth: usize) -> Result<(), Flaw> {
        let at = (self.at)(node.id);
        if depth > DEEPEST * 4 {
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
                if length(&inner.iter_range, SERIES).is_none() {
                    return Err(Flaw::new(
                        at,
                        "`all`, `exists`, `map` and `filter` need `series` or a list that is written out",
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
                let hint = closest(name, WORDS.iter().copied()).map_or_else(
                    || format!("there are {}, previous(n) and measure(\"NAME\")", WORDS.join(", ")),
                    |near| format!("did you mean {near}?"),
                );
                return Err(Flaw::new(at, format!("{name:?} stands for nothing here")).with_hint(hint));
            }
        };
        self.words.insert(name.to_owned(), word);
        Ok(())
    }

    /// A call that stands for a figure: the word that takes its place.
    fn figure(&mut self, at: usize, call: &CallExpr) -> Result<Option<String>, Flaw> {
        let at = before(at, call);
        let arguments: Vec<Option<&LiteralValue>> = call.args.iter().map(literal).collect();
        let (name, word) = match (call.func_name.as_str(), arguments.as_slice()) {
            ("previous", [Some(LiteralValue::Int(over))]) if (1..=FURTHEST).contains(over.inner()) => {
                let over = u32::try_from(*over.inner()).unwrap_or(1);
                (format!("previous({over})"), Word::Previous(over))
            }
            ("previous", _) => {
                let flaw = Flaw::new(
                    at,
                    format!("previous takes a number of periods that is written out, 1 to {FURTHEST}"),
                );
                return Err(flaw.with_hint("say, for example, `previous(1)`"));
            }
            ("measure", [Some(LiteralValue::String(name)), rest @ ..]) if rest.len() <= 1 => {
                let consumer = match rest {
                    [Some(LiteralValue::String(consumer))] => Some(consumer.inner()),
                    [] => None,
                    _ => return Err(unclear_measure(at)),
                };
                let look = (self.look)(name.inner(), consumer).map_err(|flaw| Flaw { at, ..flaw })?;
                (format!("measure({look})"), Word::Measure(look))
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
            let at = before(at, call);
            let known = FUNCTIONS.iter().copied().chain(["measure", "previous"]);
            let hint = closest(name, known.clone()).map_or_else(
                || format!("there are {}", known.collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean {near}?"),
            );
            return Err(Flaw::new(at, format!("there is no function {name:?} here")).with_hint(hint));
        }
        if let Some(target) = &mut call.target {
            self.read(target, bound, depth + 1)?;
        }
        call.args.iter_mut().try_for_each(|argument| self.read(argument, bound, depth + 1))
    }
}

/// Where the name of a function begins, given its bracket.
fn before(at: usize, call: &CallExpr) -> usize {
    at.saturating_sub(call.func_name.chars().count())
}

fn unclear_measure(at: usize) -> Flaw {
    let flaw =
        Flaw::new(at, "measure takes the name of a measure, and a consumer if it is not the subject's");
    flaw.with_hint("say, for example, `measure(\"production-hhi\", \"WLD\")`")
}

fn literal(node: &IdedExpr) -> Option<&LiteralValue> {
    match &node.expr {
        Expr::Literal(literal) => Some(literal),
        _ => None,
    }
}

/// How long the list is that a node gives, at most, where `series` has so many figures. None: it is none, or not known to be bounded.
fn length(node: &IdedExpr, series: usize) -> Option<u64> {
    match &node.expr {
        Expr::Ident(name) if name == "series" => u64::try_from(series).ok(),
        Expr::List(list) => u64::try_from(list.elements.len()).ok(),
        Expr::Comprehension(inner) if matches!(inner.accu_init.expr, Expr::List(_)) => {
            length(&inner.iter_range, series)
        }
        Expr::Call(call) if call.func_name == operators::ADD => {
            let mut lengths = call.args.iter().map(|node| length(node, series));
            lengths.try_fold(0_u64, |sum, one| Some(sum.saturating_add(one?)))
        }
        _ => None,
    }
}

/// How many steps a node takes at most, where `series` has so many figures: loops within loops go round as often as both together,
/// and an operator that takes lists looks at each of their elements.
fn steps(node: &IdedExpr, series: usize) -> u64 {
    let one = |node: &IdedExpr| steps(node, series);
    let sum = |nodes: &[IdedExpr]| nodes.iter().map(one).fold(0, u64::saturating_add);
    let inner = match &node.expr {
        Expr::Call(call) => {
            let target = call.target.as_deref().map_or(0, one);
            let lists = call.args.iter().filter_map(|node| length(node, series));
            lists.fold(sum(&call.args).saturating_add(target), u64::saturating_add)
        }
        Expr::List(list) => sum(&list.elements),
        Expr::Comprehension(inner) => {
            let round = one(&inner.loop_cond).saturating_add(one(&inner.loop_step));
            let rounds = length(&inner.iter_range, series).unwrap_or(u64::MAX);
            let once = [&inner.iter_range, &inner.accu_init, &inner.result].map(one);
            once.iter().fold(round.saturating_mul(rounds), |sum, one| sum.saturating_add(*one))
        }
        Expr::Literal(_)
        | Expr::Ident(_)
        | Expr::Select(_)
        | Expr::Map(_)
        | Expr::Struct(_)
        | Expr::Unspecified => 0,
    };
    inner.saturating_add(1)
}
