//! The figures that alerts are shown with: those of the last evaluation, or of the one that is running.
use std::collections::BTreeMap;
use std::sync::Arc;

use orewatch_contracts::alerting::v1::{Alert, RuleSuspended};
use orewatch_eventlog::Position;
use orewatch_rules::alert::{Evidence, phase};
use orewatch_rules::evolve::{Mark, RulesState};
use orewatch_rules::figures::Figures;
use orewatch_rules::rulebook::Rulebook;

/// What an evaluation takes in: figures and rules. A copy shares all of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evaluated {
    pub(crate) figures: Figures,
    pub(crate) rules: Arc<Rulebook>,
    /// Positions of the logs that the evaluation takes in.
    pub(crate) mark: Mark,
    /// Position of the exposures log from which each rule has seen figures.
    seen_since: Arc<BTreeMap<String, Position>>,
    /// The revisions of suspended rules, which are not evaluated.
    suspended: Arc<BTreeMap<String, u32>>,
}

impl Evaluated {
    /// What an evaluation at a mark takes in.
    pub(crate) fn new(figures: Figures, rules: Arc<Rulebook>, mark: Mark, state: &RulesState) -> Self {
        let suspended = state.suspensions().map(|(rule, suspension)| (rule.to_owned(), suspension.revision));
        let suspended = Arc::new(suspended.collect());
        Self { figures, rules, mark, seen_since: state.all_seen_since(), suspended }
    }

    /// Records suspended rules: their alerts keep the figures of their last transitions.
    pub(crate) fn suspend(&mut self, suspended: &[RuleSuspended]) {
        if !suspended.is_empty() {
            let revisions = suspended.iter().map(|suspended| (suspended.rule.clone(), suspended.revision));
            Arc::make_mut(&mut self.suspended).extend(revisions);
        }
    }

    /// A recorded alert with its newest figure, if it is open; the figure of its last transition stays beside
    /// it.
    pub(crate) fn show(&self, recorded: &Alert) -> Alert {
        let mut shown = recorded.clone();
        if phase(Some(recorded)).is_open()
            && let Some(newest) = self.newest_evidence(recorded)
        {
            newest.apply_beside(&mut shown);
        }
        shown
    }

    /// The newest figure of an alert's subject. None: its rule has none, or is not evaluated.
    fn newest_evidence(&self, alert: &Alert) -> Option<Evidence> {
        let current = self.rules.get(&alert.rule)??;
        if self.suspended.get(&alert.rule) == Some(&current.revision) {
            return None;
        }
        let rule = &current.rule;
        let subject = alert.subject.as_ref().filter(|subject| rule.watches(subject))?;
        let material = self.figures.material(&subject.material);
        let watched = material.subject(rule, &Arc::new(subject.clone()))?;
        let since = self.seen_since.get(&alert.rule).copied().unwrap_or(Position::MAX);
        Evidence::newest(rule, &watched.remembering(since), self.mark.as_at)
    }
}
