//! Upper bound on the steps of an expression.
//!
//! A node takes a step. Nested loops multiply. An operator reads all of its operands: each element of a list
//! and each character of a text. The trap is a loop that builds ever larger values, such as `p + p` in every
//! round, so that the sizes ("weights") of values are bounded as well.
use ::cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};

/// Upper bound on the length of `period`, in bytes.
const PERIOD_BYTES: u64 = 10;

/// Upper bound on the length of a list, given the length of `series`. `None`: the node is not a list, or its
/// length is not bounded.
pub(super) fn length(node: &IdedExpr, series: usize) -> Option<u64> {
    match &node.expr {
        Expr::Ident(name) if name == "series" => u64::try_from(series).ok(),
        Expr::List(list) => u64::try_from(list.elements.len()).ok(),
        Expr::Comprehension(inner) if matches!(inner.accu_init.expr, Expr::List(_)) => {
            length(&inner.iter_range, series)
        }
        Expr::Call(call) if call.func_name == operators::ADD => {
            let mut lengths = call.args.iter().map(|node| length(node, series));
            lengths.try_fold(0_u64, |sum, length| Some(sum.saturating_add(length?)))
        }
        _ => None,
    }
}

/// Upper bound on the steps of a node, given the length of `series`.
pub(super) fn steps(node: &IdedExpr, series: usize) -> u64 {
    Counter { series, bound: Vec::new() }.steps(node)
}

/// Size of a value: itself, its elements, and its characters.
#[derive(Clone, Copy)]
struct Weight {
    all: u64,
    /// Size of the largest element.
    element: u64,
}

impl Weight {
    /// A number or a Boolean.
    const PLAIN: Self = Self { all: 1, element: 1 };

    fn and(self, other: Self) -> Self {
        Self { all: self.all.saturating_add(other.all), element: self.element.max(other.element) }
    }

    fn or(self, other: Self) -> Self {
        Self { all: self.all.max(other.all), element: self.element.max(other.element) }
    }
}

struct Counter {
    series: usize,
    /// The variables of the surrounding loops, innermost last.
    bound: Vec<(String, Weight)>,
}

impl Counter {
    fn steps(&mut self, node: &IdedExpr) -> u64 {
        let inner = match &node.expr {
            Expr::Call(call) => {
                let given = call.target.as_deref().into_iter().chain(&call.args);
                given.fold(0_u64, |sum, node| {
                    let looked_at = self.weigh(node).all.saturating_sub(1);
                    sum.saturating_add(self.steps(node)).saturating_add(looked_at)
                })
            }
            Expr::List(list) => {
                list.elements.iter().fold(0, |sum: u64, node| sum.saturating_add(self.steps(node)))
            }
            Expr::Comprehension(inner) => self.steps_of_loop(inner),
            Expr::Literal(_)
            | Expr::Ident(_)
            | Expr::Select(_)
            | Expr::Map(_)
            | Expr::Struct(_)
            | Expr::Unspecified => 0,
        };
        inner.saturating_add(1)
    }

    fn steps_of_loop(&mut self, inner: &ComprehensionExpr) -> u64 {
        let rounds = length(&inner.iter_range, self.series).unwrap_or(u64::MAX);
        let made = self.weigh_loop(inner);
        let once = self.steps(&inner.iter_range).saturating_add(self.steps(&inner.accu_init));
        // The accumulator is passed on, not read.
        let round = self.within(inner, Weight::PLAIN, |counter| {
            counter.steps(&inner.loop_cond).saturating_add(counter.steps(&inner.loop_step))
        });
        let result = self.within(inner, made, |counter| counter.steps(&inner.result));
        round.saturating_mul(rounds).saturating_add(once).saturating_add(result)
    }

    /// Runs `work` with the variables of a loop in scope; `made` is the size of the accumulator.
    fn within<T>(&mut self, inner: &ComprehensionExpr, made: Weight, work: impl FnOnce(&mut Self) -> T) -> T {
        let range = self.weigh(&inner.iter_range);
        let element = Weight { all: range.element, element: range.element };
        let before = self.bound.len();
        self.bound.push((inner.iter_var.clone(), element));
        self.bound.extend(inner.iter_var2.clone().map(|name| (name, element)));
        self.bound.push((inner.accu_var.clone(), made));
        let done = work(self);
        self.bound.truncate(before);
        done
    }

    fn weigh(&mut self, node: &IdedExpr) -> Weight {
        match &node.expr {
            Expr::Literal(LiteralValue::String(text)) => {
                Weight { all: count(text.inner().len()).saturating_add(1), element: 1 }
            }
            Expr::Ident(name) => self.weigh_word(name),
            Expr::List(list) => {
                let elements = list.elements.iter().map(|node| self.weigh(node).all);
                let elements: Vec<u64> = elements.collect();
                let all = elements.iter().fold(1, |sum: u64, steps| sum.saturating_add(*steps));
                Weight { all, element: elements.into_iter().max().unwrap_or(1) }
            }
            Expr::Call(call) => self.weigh_call(call),
            Expr::Comprehension(inner) => self.weigh_loop(inner),
            _ => Weight::PLAIN,
        }
    }

    fn weigh_word(&self, name: &str) -> Weight {
        let bound = self.bound.iter().rev().find(|(bound, _)| bound == name);
        match (bound, name) {
            (Some((_, weight)), _) => *weight,
            (None, "series") => Weight { all: count(self.series).saturating_add(1), element: 1 },
            (None, "period") => Weight { all: PERIOD_BYTES, element: 1 },
            (None, _) => Weight::PLAIN,
        }
    }

    /// Size of the result of a call. Only a few operators return their operands; all others give a number or
    /// a Boolean.
    fn weigh_call(&mut self, call: &CallExpr) -> Weight {
        let args: Vec<Weight> = call.args.iter().map(|node| self.weigh(node)).collect();
        match (call.func_name.as_str(), args.as_slice()) {
            (operators::ADD, [left, right]) => match left.and(*right) {
                // The sum of two numbers is a number.
                Weight { all: 2, .. } => Weight::PLAIN,
                both => both,
            },
            (operators::CONDITIONAL, [_, left, right]) => left.or(*right),
            (operators::INDEX, [list, ..]) => Weight { all: list.element, element: list.element },
            _ => Weight::PLAIN,
        }
    }

    /// Size of the result of a loop: a list grows by the same size in each round.
    fn weigh_loop(&mut self, inner: &ComprehensionExpr) -> Weight {
        if !matches!(inner.accu_init.expr, Expr::List(_)) {
            return Weight::PLAIN;
        }
        let rounds = length(&inner.iter_range, self.series).unwrap_or(u64::MAX);
        // A round appends a list of one element to the list before it, here an empty one.
        let round = self.within(inner, Weight::PLAIN, |counter| counter.weigh(&inner.loop_step));
        let element = round.all.saturating_sub(2).max(1);
        Weight { all: element.saturating_mul(rounds).saturating_add(1), element }
    }
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
