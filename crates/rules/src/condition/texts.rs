//! Finds periods in the texts of an expression.
use ::cel::common::ast::{Expr, IdedExpr, LiteralValue};
use orewatch_catalog::Period;
use orewatch_contracts::common::v1::Frequency;

use super::{Condition, Criterion};
use crate::period::frequency_of;

impl Condition {
    /// A period of another frequency in an expression. The period of a rule of this frequency never equals
    /// it.
    #[must_use]
    pub fn other_period(&self, frequency: Frequency) -> Option<String> {
        other_period(&self.criterion, frequency)
    }
}

fn other_period(criterion: &Criterion, frequency: Frequency) -> Option<String> {
    match criterion {
        Criterion::All(criteria) | Criterion::Any(criteria) => {
            criteria.iter().find_map(|criterion| other_period(criterion, frequency))
        }
        Criterion::Not(criterion) => other_period(criterion, frequency),
        Criterion::Cel(expression) => {
            let mut texts = Vec::new();
            gather(expression.root(), &mut texts);
            let is_other =
                |text: &&String| text.parse::<Period>().is_ok_and(|period| frequency_of(period) != frequency);
            texts.iter().find(is_other).cloned()
        }
        Criterion::Level(..)
        | Criterion::Change { .. }
        | Criterion::Window { .. }
        | Criterion::SupplierChange { .. }
        | Criterion::Age { .. }
        | Criterion::Target { .. }
        | Criterion::Claim { .. } => None,
    }
}

fn gather(node: &IdedExpr, texts: &mut Vec<String>) {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => texts.push(text.inner().to_owned()),
        Expr::Call(call) => {
            call.target.iter().for_each(|target| gather(target, texts));
            call.args.iter().for_each(|argument| gather(argument, texts));
        }
        Expr::List(list) => list.elements.iter().for_each(|element| gather(element, texts)),
        Expr::Comprehension(inner) => {
            [&inner.iter_range, &inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result]
                .into_iter()
                .for_each(|part| gather(part, texts));
        }
        Expr::Literal(_)
        | Expr::Ident(_)
        | Expr::Select(_)
        | Expr::Map(_)
        | Expr::Struct(_)
        | Expr::Unspecified => {}
    }
}
