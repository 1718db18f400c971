//! The rules in force at a position of the alerts log: checked once, indexed by what they watch.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_contracts::alerting::v1::Rule;
use orewatch_contracts::log::Position;
use orewatch_measures::Measure;

use crate::cost::breadth;
use crate::evolve::{Revision, RulesState};
use crate::figures::{KeptFigures, Measured, Touched};
use crate::rules::{CheckedRule, check};

/// A rule at the revision in force.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveRule {
    /// Position at which the revision was put.
    pub position: Position,
    /// Number of the revision.
    pub revision: u32,
    /// The rule.
    pub rule: CheckedRule,
    /// Breadth of the rule, see [`breadth`].
    pub breadth: u32,
}

/// The rules in force at a position of the alerts log, by identifier. Copies share the rules.
#[derive(Clone, Debug, Default)]
pub struct Rulebook {
    position: Position,
    /// `None`: the catalogue no longer supports the rule.
    rules: BTreeMap<String, Option<Arc<ActiveRule>>>,
    /// Rules by each measure that they read, then by material; the empty material stands for any.
    watching: BTreeMap<Measured, BTreeMap<String, BTreeSet<String>>>,
    /// Rules whose result depends on the time.
    timed: BTreeSet<String>,
    /// Rules that set a limit on open alerts.
    limited: BTreeSet<String>,
}

impl Rulebook {
    /// The rules in force at a position.
    #[must_use]
    pub fn at(state: &RulesState, position: Position) -> Self {
        let mut book = Self::default();
        book.move_to(state, position);
        book
    }

    /// Moves to a position. If that is later than the current position, only rules that were put or removed
    /// in between are checked.
    pub fn move_to(&mut self, state: &RulesState, position: Position) {
        if position < self.position {
            *self = Self::default();
        }
        for (id, revisions) in state.rules().iter() {
            let changed =
                |revision: &&Revision| revision.position > self.position && revision.position <= position;
            if let Some(revision) = revisions.iter().rev().find(changed) {
                self.remove(id);
                if revision.rule.is_some() {
                    self.insert(id, active_rule(revision));
                }
            }
        }
        self.position = position;
    }

    fn insert(&mut self, id: &str, active: Option<ActiveRule>) {
        if let Some(ActiveRule { rule, .. }) = &active {
            if rule.is_timed() {
                self.timed.insert(id.to_owned());
            }
            if rule.rule.limit > 0 {
                self.limited.insert(id.to_owned());
            }
            for (measured, _) in rule.measures() {
                let by_material = self.watching.entry(measured).or_default();
                for material in materials(rule) {
                    by_material.entry(material).or_default().insert(id.to_owned());
                }
            }
        }
        self.rules.insert(id.to_owned(), active.map(Arc::new));
    }

    fn remove(&mut self, id: &str) {
        self.timed.remove(id);
        self.limited.remove(id);
        if let Some(Some(active)) = self.rules.remove(id) {
            let rule = &active.rule;
            for (measured, _) in rule.measures() {
                let by_material = self.watching.entry(measured).or_default();
                for material in materials(rule) {
                    by_material.entry(material).or_default().remove(id);
                }
            }
        }
    }

    /// Position at which these rules are in force.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// A rule by its identifier. `None`: there is none. `Some(None)`: the catalogue no longer supports it.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Option<&Arc<ActiveRule>>> {
        self.rules.get(id).map(Option::as_ref)
    }

    /// The rules that the catalogue supports, by identifier.
    pub fn rules(&self) -> impl Iterator<Item = &Arc<ActiveRule>> {
        self.rules.values().flatten()
    }

    /// The rules whose result depends on the time, by identifier.
    pub fn timed(&self) -> impl Iterator<Item = &Arc<ActiveRule>> {
        self.timed.iter().filter_map(|id| self.rules.get(id)?.as_ref())
    }

    /// Identifiers of the rules that set a limit on open alerts.
    pub fn limited(&self) -> impl Iterator<Item = &str> {
        self.limited.iter().map(String::as_str)
    }

    /// The figures that the rules watch.
    #[must_use]
    pub fn kept(&self) -> KeptFigures {
        KeptFigures::for_rules(self.rules().map(|active| &active.rule))
    }

    /// The rules that may watch subjects of a material, by identifier.
    #[must_use]
    pub fn for_material(&self, material: &str) -> Vec<&Arc<ActiveRule>> {
        let ids_of = |by_material: &'_ BTreeMap<String, BTreeSet<String>>| {
            let ids = ["", material].into_iter().filter_map(|material| by_material.get(material)).flatten();
            ids.cloned().collect::<Vec<_>>()
        };
        let ids: BTreeSet<String> = self.watching.values().flat_map(ids_of).collect();
        ids.iter().filter_map(|id| self.rules.get(id)?.as_ref()).collect()
    }

    /// The rules whose result for a material may change, by identifier: those that read a touched measure,
    /// and those in `due`. All rules if `touched` is `None`.
    #[must_use]
    pub fn touched<'a>(
        &'a self,
        material: &str,
        touched: Option<&Touched>,
        due: impl IntoIterator<Item = &'a str>,
    ) -> Vec<&'a Arc<ActiveRule>> {
        let Some(touched) = touched else { return self.rules().collect() };
        let mut ids: BTreeSet<&str> = due.into_iter().collect();
        for measured in touched.measures().collect::<BTreeSet<_>>() {
            let by_material = self.watching.get(measured);
            let rules_of = |material: &str| by_material.and_then(|by_material| by_material.get(material));
            ids.extend(["", material].into_iter().filter_map(rules_of).flatten().map(String::as_str));
        }
        ids.into_iter().filter_map(|id| self.rules.get(id)?.as_ref()).collect()
    }
}

/// The materials by which a rule is indexed.
fn materials(rule: &CheckedRule) -> Vec<String> {
    let selected = rule.materials();
    if selected.is_empty() { vec![String::new()] } else { selected.to_vec() }
}

/// The rule of a revision. `None`: it was removed, or the catalogue no longer supports it.
#[must_use]
pub fn active_rule(revision: &Revision) -> Option<ActiveRule> {
    let rule = check(&with_newest_measure(revision.rule.as_ref()?)).ok()?;
    let breadth = breadth(&rule);
    Some(ActiveRule { position: revision.position, revision: revision.number, rule, breadth })
}

/// Moves a rule to the newest version of its measure. Figures of an earlier version are no longer published,
/// and a rule without figures would look like a line that is not crossed.
pub fn with_newest_measure(rule: &Rule) -> Rule {
    let name = rule.measure.split('/').next().unwrap_or_default();
    let measure = name.parse::<Measure>().map_or_else(|_| rule.measure.clone(), |newest| newest.to_string());
    Rule { measure, ..rule.clone() }
}
