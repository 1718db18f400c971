//! How sure an expression is, by the bounds of the figures in it.
//!
//! Numbers become ranges, comparisons of ranges become likelihoods, and `&&`, `||` and `!` take the least, the greatest and the
//! contrary. A figure that stands in an expression twice counts as two that move apart, so that the answer is never surer than
//! the truth allows; for what has no bounds here (lists, texts, functions) there is none.
use std::collections::BTreeMap;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};

use crate::judgement::{Likelihood, Line, Range};

type Ranges<'a> = BTreeMap<&'a str, Range>;

/// How likely it is that an expression holds. None: its bounds are not known.
pub(super) fn likelihood(node: &IdedExpr, ranges: &Ranges<'_>) -> Option<Likelihood> {
    match &node.expr {
        Expr::Literal(LiteralValue::Boolean(holds)) => Some(Likelihood::of(*holds.inner(), true)),
        Expr::Call(call) => {
            let of = |k: usize| call.args.get(k).and_then(|node| likelihood(node, ranges));
            match call.func_name.as_str() {
                operators::LOGICAL_NOT => of(0).map(Likelihood::contrary),
                // One side may do without the other where it decides.
                operators::LOGICAL_AND => either(of(0), of(1), false),
                operators::LOGICAL_OR => either(of(0), of(1), true),
                operator => compare(operator, &difference(call, ranges)?),
            }
        }
        _ => None,
    }
}

fn either(one: Option<Likelihood>, other: Option<Likelihood>, any: bool) -> Option<Likelihood> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if any { one.max(other) } else { one.min(other) }),
        (Some(one), None) | (None, Some(one)) => match (one, any) {
            (Likelihood::Certain, true) | (Likelihood::No, false) => Some(one),
            _ => None,
        },
        (None, None) => None,
    }
}

/// One side of a comparison less the other.
fn difference(call: &CallExpr, ranges: &Ranges<'_>) -> Option<Range> {
    let [one, other] = call.args.as_slice() else { return None };
    Some(range(one, ranges)?.less(&range(other, ranges)?))
}

fn compare(operator: &str, difference: &Range) -> Option<Likelihood> {
    let beyond = |above| Line { at: 0.0, above, clear: None }.judge(difference).crossed;
    match operator {
        operators::GREATER => Some(beyond(true)),
        operators::LESS => Some(beyond(false)),
        operators::GREATER_EQUALS => Some(beyond(false).contrary()),
        operators::LESS_EQUALS => Some(beyond(true).contrary()),
        operators::EQUALS => Some(beyond(true).max(beyond(false)).contrary()),
        operators::NOT_EQUALS => Some(beyond(true).max(beyond(false))),
        _ => None,
    }
}

/// The range of a number.
fn range(node: &IdedExpr, ranges: &Ranges<'_>) -> Option<Range> {
    match &node.expr {
        Expr::Literal(LiteralValue::Double(number)) => Some(Range::exactly(*number.inner())),
        #[allow(
            clippy::cast_precision_loss,
            reason = "as the language itself compares whole numbers with figures"
        )]
        Expr::Literal(LiteralValue::Int(number)) => Some(Range::exactly(*number.inner() as f64)),
        Expr::Ident(name) => ranges.get(name.as_str()).copied(),
        Expr::Call(call) => arithmetic(call, ranges),
        _ => None,
    }
}

fn arithmetic(call: &CallExpr, ranges: &Ranges<'_>) -> Option<Range> {
    let zero = Range::exactly(0.0);
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::NEGATE, [one]) => Some(zero.less(&range(one, ranges)?)),
        ("double", [one]) => range(one, ranges),
        (operators::SUBSTRACT, [one, other]) => Some(range(one, ranges)?.less(&range(other, ranges)?)),
        (operators::ADD, [one, other]) => Some(range(one, ranges)?.less(&zero.less(&range(other, ranges)?))),
        (operators::MULTIPLY, [one, other]) => {
            Some(times(&range(one, ranges)?, &range(other, ranges)?, |one, other| one * other))
        }
        (operators::DIVIDE, [one, other]) => {
            let (one, other) = (range(one, ranges)?, range(other, ranges)?);
            let signed = other.low.is_some_and(|low| low > 0.0) || other.high.is_some_and(|high| high < 0.0);
            signed.then(|| times(&one, &other, |one, other| one / other))
        }
        _ => None,
    }
}

/// A product or a quotient: its bounds lie at the corners.
fn times(one: &Range, other: &Range, of: impl Fn(f64, f64) -> f64) -> Range {
    let corners = |bounds: [Option<f64>; 4]| {
        let [a, b, c, d] = bounds;
        let (a, b, c, d) = (a?, b?, c?, d?);
        Some([of(a, c), of(a, d), of(b, c), of(b, d)])
    };
    let corners = corners([one.low, one.high, other.low, other.high]);
    Range {
        value: of(one.value, other.value),
        low: corners.map(|corners| corners.into_iter().fold(f64::INFINITY, f64::min)),
        high: corners.map(|corners| corners.into_iter().fold(f64::NEG_INFINITY, f64::max)),
    }
}
