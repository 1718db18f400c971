//! The rules that count at a position, checked once and found by what they watch.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_eventlog::Position;

use crate::cost::breadth;
use crate::decide::on_newest_version;
use crate::evolve::{Revision, State};
use crate::figures::{Kept, Measured, Touched};
use crate::rules::{Checked, check};

/// A rule at the revision that counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Where it was put.
    pub position: Position,
    /// Number of the revision.
    pub revision: u32,
    /// The rule.
    pub rule: Checked,
    /// How broad it is: see [`breadth`].
    pub breadth: u32,
}

/// The rules at a position of the alerts log, by identifier. A copy shares the rules.
#[derive(Clone, Debug, Default)]
pub struct Rulebook {
    position: Position,
    /// None: the catalogue no longer supports the rule.
    rules: BTreeMap<String, Option<Arc<Standing>>>,
    /// Rules by each measure that they look at, then by material; the empty one stands for any.
    watching: BTreeMap<Measured, BTreeMap<String, BTreeSet<String>>>,
    /// Rules that say another thing as time passes.
    timed: BTreeSet<String>,
    /// Rules with a limit of their own.
    limited: BTreeSet<String>,
}

impl Rulebook {
    /// The rules at a position.
    #[must_use]
    pub fn at(state: &State, position: Position) -> Self {
        let mut book = Self::default();
        book.turn_to(state, position);
        book
    }

    /// Turns to a position: only what was put or removed since the one before is looked at, if that lies behind.
    pub fn turn_to(&mut self, state: &State, position: Position) {
        if position < self.position {
            *self = Self::default();
        }
        for (id, revisions) in state.rules().iter() {
            let changed =
                |revision: &&Revision| revision.position > self.position && revision.position <= position;
            if let Some(revision) = revisions.iter().rev().find(changed) {
                self.remove(id);
                if revision.rule.is_some() {
                    self.insert(id, standing(revision));
                }
            }
        }
        self.position = position;
    }

    fn insert(&mut self, id: &str, standing: Option<Standing>) {
        if let Some(Standing { rule, .. }) = &standing {
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
        self.rules.insert(id.to_owned(), standing.map(Arc::new));
    }

    fn remove(&mut self, id: &str) {
        self.timed.remove(id);
        self.limited.remove(id);
        if let Some(Some(standing)) = self.rules.remove(id) {
            let rule = &standing.rule;
            for (measured, _) in rule.measures() {
                let by_material = self.watching.entry(measured).or_default();
                for material in materials(rule) {
                    by_material.entry(material).or_default().remove(id);
                }
            }
        }
    }

    /// Position at which these are the rules.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// A rule. None: there is none; `Some(None)`: the catalogue no longer supports it.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Option<&Arc<Standing>>> {
        self.rules.get(id).map(Option::as_ref)
    }

    /// The rules that the catalogue supports, by identifier.
    pub fn rules(&self) -> impl Iterator<Item = &Arc<Standing>> {
        self.rules.values().flatten()
    }

    /// The rules that say another thing as time passes, by identifier.
    pub fn timed(&self) -> impl Iterator<Item = &Arc<Standing>> {
        self.timed.iter().filter_map(|id| self.rules.get(id)?.as_ref())
    }

    /// Identifiers of the rules with a limit of their own.
    pub fn limited(&self) -> impl Iterator<Item = &str> {
        self.limited.iter().map(String::as_str)
    }

    /// Which figures the rules watch.
    #[must_use]
    pub fn kept(&self) -> Kept {
        Kept::by(self.rules().map(|standing| &standing.rule))
    }

    /// The rules that may watch subjects of a material, by identifier.
    #[must_use]
    pub fn of_material(&self, material: &str) -> Vec<&Arc<Standing>> {
        let of = |by_material: &'_ BTreeMap<String, BTreeSet<String>>| {
            let ids = ["", material].into_iter().filter_map(|material| by_material.get(material)).flatten();
            ids.cloned().collect::<Vec<_>>()
        };
        let ids: BTreeSet<String> = self.watching.values().flat_map(of).collect();
        ids.iter().filter_map(|id| self.rules.get(id)?.as_ref()).collect()
    }

    /// The rules that may say another thing of a material once this is touched, by identifier: those that look at a measure that
    /// is, and those that are due anyway. All of them, if nothing says what is touched.
    #[must_use]
    pub fn touched<'a>(
        &'a self,
        material: &str,
        touched: Option<&Touched>,
        due: impl IntoIterator<Item = &'a str>,
    ) -> Vec<&'a Arc<Standing>> {
        let Some(touched) = touched else { return self.rules().collect() };
        let mut ids: BTreeSet<&str> = due.into_iter().collect();
        for measured in touched.measures().collect::<BTreeSet<_>>() {
            let by_material = self.watching.get(measured);
            let of = |material: &str| by_material.and_then(|by_material| by_material.get(material));
            ids.extend(["", material].into_iter().filter_map(of).flatten().map(String::as_str));
        }
        ids.into_iter().filter_map(|id| self.rules.get(id)?.as_ref()).collect()
    }
}

/// The materials by which a rule is found.
fn materials(rule: &Checked) -> Vec<String> {
    let selected = rule.materials();
    if selected.is_empty() { vec![String::new()] } else { selected.to_vec() }
}

/// The rule of a revision. None: it was removed, or the catalogue no longer supports it.
#[must_use]
pub fn standing(revision: &Revision) -> Option<Standing> {
    let rule = check(&on_newest_version(revision.rule.as_ref()?)).ok()?;
    let breadth = breadth(&rule);
    Some(Standing { position: revision.position, revision: revision.number, rule, breadth })
}
