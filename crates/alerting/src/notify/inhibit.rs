//! Inhibitions: no messages about target alerts while a source alert fires that explains them.
use std::collections::BTreeSet;

use orewatch_contracts::alerting::v1::{Alert, AlertFilter, Inhibition};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::Position;
use orewatch_rules::field::Field;
use orewatch_rules::filter::Filter;
use orewatch_rules::shared::{SharedMap, SharedSet};
use orewatch_rules::tenant::{Scope, tenant_of};

use super::Id;
use super::limits::{Limits, check_count, check_identifier, check_size};

/// An inhibition that has been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct InhibitRule {
    source: Filter,
    target: Filter,
    equal: Vec<Field>,
}

impl InhibitRule {
    /// Checks an inhibition.
    ///
    /// # Errors
    /// The first error, with the field, the value and what to do.
    pub fn check(inhibition: &Inhibition, limits: &Limits) -> Result<Self, Failure> {
        check_size("inhibition", prost::Message::encoded_len(inhibition), limits)?;
        check_identifier("id", &inhibition.id)?;
        check_count("equal", inhibition.equal.len())?;
        let scope = || tenant_scope(inhibition);
        let side = |field: &str, filter: &Option<AlertFilter>| match filter {
            Some(filter) if *filter != AlertFilter::default() => {
                Ok(Filter::named(field, Some(filter.clone()))?.within(scope()))
            }
            _ => {
                let missing =
                    Failure::new(Class::Invalid, "missing-field", format!("the {field} would be any alert"));
                Err(missing.at(field, "").with_hint("select alerts, for example by rule or severity"))
            }
        };
        let rule = Self {
            source: side("source", &inhibition.source)?,
            target: side("target", &inhibition.target)?,
            equal: Field::parse_all(&inhibition.equal, "equal")?,
        };
        rule.check_effect()?;
        Ok(rule)
    }

    /// Refuses an inhibition that can never mute an alert.
    fn check_effect(&self) -> Result<(), Failure> {
        if self.source == self.target {
            let message =
                "source and target select the same alerts, and an alert that matches both mutes none of them";
            let wrong = Failure::new(Class::Invalid, "never-matches", message);
            return Err(wrong
                .at("target", "")
                .with_hint("let source select the alerts that explain, and target those that they explain"));
        }
        for field in &self.equal {
            let both = self.source.candidates(field).zip(self.target.candidates(field));
            if let Some((sources, targets)) = both.filter(|(sources, targets)| sources.is_disjoint(targets)) {
                let join = |codes: BTreeSet<&str>| codes.into_iter().collect::<Vec<_>>().join(",");
                let message = format!(
                    "source and target must have the same {field}, but it is {} of sources and {} of targets",
                    join(sources),
                    join(targets)
                );
                let wrong = Failure::new(Class::Invalid, "never-matches", message);
                return Err(wrong
                    .at("equal", field.to_string())
                    .with_hint(format!("leave {field} out of `equal`")));
            }
        }
        Ok(())
    }

    /// Compiles an inhibition that was checked when it was put.
    fn from_log(inhibition: &Inhibition) -> Option<Self> {
        let side = |filter: &Option<AlertFilter>| {
            let filter = filter.clone().filter(|filter| *filter != AlertFilter::default())?;
            Some(Filter::compiled("filter", filter).ok()?.within(tenant_scope(inhibition)))
        };
        Some(Self {
            source: side(&inhibition.source)?,
            target: side(&inhibition.target)?,
            equal: Field::parse_all(&inhibition.equal, "equal").ok()?,
        })
    }
}

/// The alerts that an inhibition can concern: those of its tenant.
fn tenant_scope(inhibition: &Inhibition) -> Scope {
    Scope::Only(tenant_of(&inhibition.id).into())
}

/// An inhibition and the firing alerts that it concerns.
///
/// An alert that matches both sides mutes no other alert that does: both would be muted, and no receiver
/// would be notified of either.
#[derive(Clone, Debug, PartialEq)]
pub struct InhibitionRecord {
    /// The inhibition. None: it was removed.
    pub inhibition: Option<Inhibition>,
    /// Its revision, from 1.
    pub revision: u32,
    /// Position of the last event on its stream.
    pub position: Position,
    rule: Option<InhibitRule>,
    /// Firing alerts that match the source, by the values that source and target must share.
    sources: SharedMap<String, SharedSet<Id>>,
    /// Firing alerts that match the target, by the same values.
    targets: SharedMap<String, SharedSet<Id>>,
    /// The entry of each alert in these maps.
    entries: SharedMap<Id, InhibitEntry>,
}

/// How an alert takes part in an inhibition.
#[derive(Clone, Debug, PartialEq)]
struct InhibitEntry {
    key: String,
    is_source: bool,
    is_target: bool,
}

impl InhibitionRecord {
    /// An inhibition of the log, without alerts. `None` records a removal.
    pub(crate) fn from_log(inhibition: Option<Inhibition>, revision: u32, position: Position) -> Self {
        let rule = inhibition.as_ref().and_then(InhibitRule::from_log);
        let [sources, targets] = [const { SharedMap::new() }; 2];
        Self { inhibition, revision, position, rule, sources, targets, entries: SharedMap::new() }
    }

    /// Records the current state of an alert (`None` if it is not firing) and returns the alerts whose
    /// inhibition may have changed.
    pub(crate) fn update(&mut self, id: &Id, alert: Option<&Alert>) -> BTreeSet<Id> {
        let old = self.entries.remove(id);
        let new = alert.and_then(|alert| self.entry(alert));
        let mut touched = BTreeSet::new();
        if old != new {
            if let Some(old) = &old {
                self.remove_entry(id, old);
                touched.extend(self.affected_targets(old));
            }
            if let Some(new) = &new {
                self.insert_entry(id, new);
                touched.extend(self.affected_targets(new));
            }
        }
        if let Some(new) = new {
            self.entries.insert(id.clone(), new);
        }
        touched.remove(id);
        touched
    }

    /// Whether [`update`](Self::update) would change anything.
    pub(crate) fn would_change(&self, id: &Id, alert: Option<&Alert>) -> bool {
        self.entries.get(id) != alert.and_then(|alert| self.entry(alert)).as_ref()
    }

    fn entry(&self, alert: &Alert) -> Option<InhibitEntry> {
        let rule = self.rule.as_ref()?;
        let [is_source, is_target] = [rule.source.matches(alert), rule.target.matches(alert)];
        let key = Field::group_key(&rule.equal, alert);
        (is_source || is_target).then_some(InhibitEntry { key, is_source, is_target })
    }

    fn insert_entry(&mut self, id: &Id, entry: &InhibitEntry) {
        let sides = [(&mut self.sources, entry.is_source), (&mut self.targets, entry.is_target)];
        for (side, _) in sides.into_iter().filter(|(_, is_in)| *is_in) {
            side.update(&entry.key, |alerts| alerts.insert(id.clone()));
        }
    }

    fn remove_entry(&mut self, id: &Id, entry: &InhibitEntry) {
        for side in [&mut self.sources, &mut self.targets] {
            if let Some(alerts) = side.get_mut(&entry.key) {
                alerts.remove(id);
                if alerts.is_empty() {
                    side.remove(&entry.key);
                }
            }
        }
    }

    /// The targets whose inhibition may depend on a source with this entry; none if other sources mute them
    /// all.
    fn affected_targets(&self, entry: &InhibitEntry) -> BTreeSet<Id> {
        if !entry.is_source || self.count_pure_sources(&entry.key) > 2 {
            return BTreeSet::new();
        }
        self.targets.get(&entry.key).into_iter().flat_map(SharedSet::iter).cloned().collect()
    }

    /// How many alerts with a key are sources and not targets, counted up to 3.
    fn count_pure_sources(&self, key: &str) -> usize {
        let is_pure = |source: &&Id| self.entries.get(&***source).is_none_or(|entry| !entry.is_target);
        self.sources.get(key).map_or(0, |sources| sources.iter().filter(is_pure).take(3).count())
    }

    /// The firing alert that mutes another one.
    #[must_use]
    pub fn source_of(&self, alert: &str) -> Option<&Id> {
        let entry = self.entries.get(alert).filter(|entry| entry.is_target)?;
        let is_other = |source: &&Id| {
            let is_both = self.entries.get(&***source).is_some_and(|source| source.is_target);
            &***source != alert && !(entry.is_source && is_both)
        };
        self.sources.get(&entry.key)?.iter().find(is_other)
    }

    /// The firing alerts that match the target.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Id> {
        self.targets.values().flat_map(SharedSet::iter)
    }

    /// How many alerts it mutes.
    #[must_use]
    pub fn muted_count(&self) -> u32 {
        let muted = self.targets().filter(|target| self.source_of(target).is_some()).count();
        u32::try_from(muted).unwrap_or(u32::MAX)
    }
}
