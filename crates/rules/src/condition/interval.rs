//! How certain an expression is, by interval arithmetic on the bounds of its figures.
//!
//! Numbers become ranges, comparisons of ranges become likelihoods, and `&&`, `||` and `!` take the minimum,
//! the maximum and the negation. A figure that occurs twice counts as two independent ones (the dependency
//! problem of interval arithmetic), so that the result may be less certain than the truth, but never more.
//! Lists, texts and functions have no bounds here.
use std::collections::BTreeMap;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};

use crate::assessment::{Likelihood, Line, Range};

type Ranges<'a> = BTreeMap<&'a str, Range>;

/// Likelihood that an expression is true. `None`: its bounds are not known.
pub(super) fn likelihood(node: &IdedExpr, ranges: &Ranges<'_>) -> Option<Likelihood> {
    match &node.expr {
        Expr::Literal(LiteralValue::Boolean(holds)) => Some(Likelihood::new(*holds.inner(), true)),
        Expr::Call(call) => {
            let argument = |k: usize| call.args.get(k).and_then(|node| likelihood(node, ranges));
            match call.func_name.as_str() {
                operators::LOGICAL_NOT => argument(0).map(Likelihood::negation),
                // One side may decide without the other.
                operators::LOGICAL_AND => combine(argument(0), argument(1), false),
                operators::LOGICAL_OR => combine(argument(0), argument(1), true),
                operator => compare(operator, &difference(call, ranges)?),
            }
        }
        _ => None,
    }
}

fn combine(left: Option<Likelihood>, right: Option<Likelihood>, any: bool) -> Option<Likelihood> {
    match (left, right) {
        (Some(left), Some(right)) => Some(if any { left.max(right) } else { left.min(right) }),
        (Some(left), None) | (None, Some(left)) => match (left, any) {
            (Likelihood::Certain, true) | (Likelihood::No, false) => Some(left),
            _ => None,
        },
        (None, None) => None,
    }
}

/// Difference of the two sides of a comparison.
fn difference(call: &CallExpr, ranges: &Ranges<'_>) -> Option<Range> {
    let [left, right] = call.args.as_slice() else { return None };
    Some(range(left, ranges)?.less(&range(right, ranges)?))
}

fn compare(operator: &str, difference: &Range) -> Option<Likelihood> {
    let beyond = |above| Line { at: 0.0, above, clear: None }.assess(difference).crossed;
    match operator {
        operators::GREATER => Some(beyond(true)),
        operators::LESS => Some(beyond(false)),
        operators::GREATER_EQUALS => Some(beyond(false).negation()),
        operators::LESS_EQUALS => Some(beyond(true).negation()),
        operators::EQUALS => Some(beyond(true).max(beyond(false)).negation()),
        operators::NOT_EQUALS => Some(beyond(true).max(beyond(false))),
        _ => None,
    }
}

/// Range of a numeric expression.
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
        (operators::NEGATE, [left]) => Some(zero.less(&range(left, ranges)?)),
        ("double", [left]) => range(left, ranges),
        (operators::SUBSTRACT, [left, right]) => Some(range(left, ranges)?.less(&range(right, ranges)?)),
        (operators::ADD, [left, right]) => {
            Some(range(left, ranges)?.less(&zero.less(&range(right, ranges)?)))
        }
        (operators::MULTIPLY, [left, right]) => {
            Some(corner_range(&range(left, ranges)?, &range(right, ranges)?, |left, right| left * right))
        }
        (operators::DIVIDE, [left, right]) => {
            let (left, right) = (range(left, ranges)?, range(right, ranges)?);
            let signed = right.low.is_some_and(|low| low > 0.0) || right.high.is_some_and(|high| high < 0.0);
            signed.then(|| corner_range(&left, &right, |left, right| left / right))
        }
        _ => None,
    }
}

/// Product or quotient of two ranges: its bounds are at the corners.
fn corner_range(left: &Range, right: &Range, operation: impl Fn(f64, f64) -> f64) -> Range {
    let corners = |bounds: [Option<f64>; 4]| {
        let [a, b, c, d] = bounds;
        let (a, b, c, d) = (a?, b?, c?, d?);
        Some([operation(a, c), operation(a, d), operation(b, c), operation(b, d)])
    };
    let corners = corners([left.low, left.high, right.low, right.high]);
    Range {
        value: operation(left.value, right.value),
        low: corners.map(|corners| corners.into_iter().fold(f64::INFINITY, f64::min)),
        high: corners.map(|corners| corners.into_iter().fold(f64::NEG_INFINITY, f64::max)),
    }
}
