//! How far a consumer relies on imports.

use orewatch_catalog::Consumer;
use orewatch_measures::{Measure, Status, Term, Weight};

use super::{Answer, Collector, Explanation, Family, Key, Question, Reach};
use crate::scope::Scope;

const THE_WORLD: &str = "the world imports from nobody: ask for an economy or a bloc";

/// Net import reliance. It exists for economies that import or are listed as producers, and for blocs that import, where
/// output and trade are on one basis.
pub(super) struct NetImports;

const MEASURE: Measure = Measure::NetImportReliance;

impl Family for NetImports {
    fn measures(&self) -> &'static [Measure] {
        &[MEASURE]
    }

    fn reach(&self) -> Reach {
        Reach::BOTH
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        if !figures.wants(MEASURE, Weight::Quantity) {
            return;
        }
        let accounts = scope.accounts();
        for consumer in figures.of(accounts.reliant()) {
            if let Ok(reliance) = accounts.reliance(consumer) {
                let (by, consumer) = (Weight::Quantity, consumer.code());
                figures.push(Key { measure: MEASURE, by, consumer, supplier: None }, reliance.estimate());
            }
        }
    }

    fn one(&self, scope: &Scope<'_>, asked: Question) -> Answer {
        match scope.accounts().reliance(asked.consumer) {
            _ if asked.consumer == Consumer::World => Answer::missing(Status::NotApplicable, THE_WORLD),
            Ok(reliance) => reliance.estimate().into(),
            Err(gap) => Answer::missing(Status::Unavailable, gap),
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, asked: Question, _: usize) -> Explanation<'a> {
        let reliance = scope.accounts().reliance(asked.consumer).ok();
        let terms = reliance.map(|reliance| {
            [
                Term::new("I", reliance.imports.estimate(), "t"),
                Term::new("E", reliance.exports.estimate(), "t"),
                Term::new("P", reliance.production.estimate(), "t"),
            ]
        });
        let mut rows = scope.imports_cited(asked.consumer);
        rows.extend(scope.exports_cited(asked.consumer));
        rows.extend(scope.output_cited(asked.consumer));
        let terms = terms.into_iter().flatten().collect();
        Explanation { terms, rows, ..Explanation::default() }
    }
}
