//! Inhibition: no messages about some alerts while others fire that explain them.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_contracts::alerting::v1::{Alert, AlertFilter, Inhibition};
use orewatch_eventlog::Position;
use orewatch_runtime::{Class, Failure};

use super::Id;
use super::limits::{Limits, few, identifier, small};
use crate::field::Field;
use crate::filter::Filter;
use crate::tenant::{Scope, tenant_of};

/// An inhibition that makes sense.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    source: Filter,
    target: Filter,
    equal: Vec<Field>,
}

impl Terms {
    /// Checks an inhibition.
    ///
    /// # Errors
    /// The first thing that is wrong, with the field, the value and what to do.
    pub fn check(inhibition: &Inhibition, limits: &Limits) -> Result<Self, Failure> {
        small("inhibition", prost::Message::encoded_len(inhibition), limits)?;
        identifier("id", &inhibition.id)?;
        few("equal", inhibition.equal.len())?;
        let own = || own(inhibition);
        let side = |at: &str, filter: &Option<AlertFilter>| match filter {
            Some(filter) if *filter != AlertFilter::default() => {
                Ok(Filter::named(at, Some(filter.clone()))?.within(own()))
            }
            _ => {
                let missing =
                    Failure::new(Class::Invalid, "missing-filter", format!("the {at} would be any alert"));
                Err(missing.at(at, "").with_hint("say which alerts, such as rules or severities"))
            }
        };
        let terms = Self {
            source: side("source", &inhibition.source)?,
            target: side("target", &inhibition.target)?,
            equal: Field::read_all(&inhibition.equal, "equal")?,
        };
        terms.can_hold()?;
        Ok(terms)
    }

    /// Refuses one that can never hold back an alert.
    fn can_hold(&self) -> Result<(), Failure> {
        if self.source == self.target {
            let message =
                "source and target are the same alerts, and of those that match both none inhibits another";
            let wrong = Failure::new(Class::Invalid, "never-matches", message);
            return Err(wrong.at("target", "").with_hint("say which alerts explain, and which they explain"));
        }
        for field in &self.equal {
            let both = self.source.candidates(field).zip(self.target.candidates(field));
            if let Some((one, other)) = both.filter(|(one, other)| one.is_disjoint(other)) {
                let shown = |codes: BTreeSet<&str>| codes.into_iter().collect::<Vec<_>>().join(",");
                let message = format!(
                    "source and target must have the same {field}, and it is {} of one and {} of the other",
                    shown(one),
                    shown(other)
                );
                let wrong = Failure::new(Class::Invalid, "never-matches", message);
                return Err(wrong
                    .at("equal", field.to_string())
                    .with_hint(format!("leave {field} out of `equal`")));
            }
        }
        Ok(())
    }

    /// Reads one that was checked when it was put.
    fn stored(inhibition: &Inhibition) -> Option<Self> {
        let side = |filter: &Option<AlertFilter>| {
            let filter = filter.clone().filter(|filter| *filter != AlertFilter::default())?;
            Some(Filter::compiled("filter", filter).ok()?.within(own(inhibition)))
        };
        Some(Self {
            source: side(&inhibition.source)?,
            target: side(&inhibition.target)?,
            equal: Field::read_all(&inhibition.equal, "equal").ok()?,
        })
    }
}

/// The alerts that an inhibition can be about: those of whom it belongs to.
fn own(inhibition: &Inhibition) -> Scope {
    Scope::Of(tenant_of(&inhibition.id).into())
}

/// An inhibition as it stands. None of the alerts that match both of its sides holds back another of them: else both would
/// be silent, and nobody would hear of either.
#[derive(Clone, Debug, PartialEq)]
pub struct Inhibiting {
    /// The inhibition. None: it was removed.
    pub inhibition: Option<Inhibition>,
    /// Its revision, from 1.
    pub revision: u32,
    /// Position of the last event on its stream.
    pub position: Position,
    terms: Option<Terms>,
    /// The alerts that fire and explain, by what they have in common with what they hold back.
    sources: BTreeMap<String, BTreeSet<Id>>,
    targets: BTreeMap<String, BTreeSet<Id>>,
    /// Where each alert is, to find it again when it has changed.
    places: BTreeMap<Id, Place>,
}

#[derive(Clone, Debug, PartialEq)]
struct Place {
    key: String,
    is_source: bool,
    is_target: bool,
}

impl Inhibiting {
    pub(crate) fn stored(inhibition: Option<Inhibition>, revision: u32, position: Position) -> Self {
        let terms = inhibition.as_ref().and_then(Terms::stored);
        let [sources, targets] = [BTreeMap::new(), BTreeMap::new()];
        Self { inhibition, revision, position, terms, sources, targets, places: BTreeMap::new() }
    }

    /// Takes an alert as it is now; None: it does not fire. Gives the alerts for which the answer may be another one.
    pub(crate) fn take(&mut self, id: &Id, alert: Option<&Alert>) -> BTreeSet<Id> {
        let old = self.places.remove(id);
        let new = alert.and_then(|alert| self.place(alert));
        let mut touched = BTreeSet::new();
        if old != new {
            if let Some(old) = &old {
                self.leave(id, old);
                touched.extend(self.neighbours(old));
            }
            if let Some(new) = &new {
                self.enter(id, new);
                touched.extend(self.neighbours(new));
            }
        }
        if let Some(new) = new {
            self.places.insert(id.clone(), new);
        }
        touched.remove(id);
        touched
    }

    fn place(&self, alert: &Alert) -> Option<Place> {
        let terms = self.terms.as_ref()?;
        let [is_source, is_target] = [terms.source.matches(alert), terms.target.matches(alert)];
        let key = Field::key(&terms.equal, alert);
        (is_source || is_target).then_some(Place { key, is_source, is_target })
    }

    fn enter(&mut self, id: &Id, place: &Place) {
        let sides = [(&mut self.sources, place.is_source), (&mut self.targets, place.is_target)];
        for (side, _) in sides.into_iter().filter(|(_, is_in)| *is_in) {
            side.entry(place.key.clone()).or_default().insert(id.clone());
        }
    }

    fn leave(&mut self, id: &Id, place: &Place) {
        for side in [&mut self.sources, &mut self.targets] {
            if let Some(alerts) = side.get_mut(&place.key) {
                alerts.remove(id);
                if alerts.is_empty() {
                    side.remove(&place.key);
                }
            }
        }
    }

    /// The alerts that a source at a place holds back, or did; none if others do so anyway.
    fn neighbours(&self, place: &Place) -> BTreeSet<Id> {
        if !place.is_source || self.sources_only(&place.key) > 2 {
            return BTreeSet::new();
        }
        self.targets.get(&place.key).cloned().unwrap_or_default()
    }

    /// How many alerts with a key explain and are not explained, up to 3.
    fn sources_only(&self, key: &str) -> usize {
        let is_only = |source: &&Id| self.places.get(&***source).is_none_or(|place| !place.is_target);
        self.sources.get(key).map_or(0, |sources| sources.iter().filter(is_only).take(3).count())
    }

    /// The alert that holds back another one.
    #[must_use]
    pub fn source_of(&self, alert: &str) -> Option<&Id> {
        let place = self.places.get(alert).filter(|place| place.is_target)?;
        let is_other = |source: &&Id| {
            let is_both = self.places.get(&***source).is_some_and(|source| source.is_target);
            &***source != alert && !(place.is_source && is_both)
        };
        self.sources.get(&place.key)?.iter().find(is_other)
    }

    /// The alerts that fire and that it is about.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Id> {
        self.targets.values().flatten()
    }

    /// How many alerts it holds back.
    #[must_use]
    pub fn held(&self) -> u32 {
        let held = self.targets().filter(|target| self.source_of(target).is_some()).count();
        u32::try_from(held).unwrap_or(u32::MAX)
    }
}
