//! What the service knows of its log and shares with everything that answers or works: one value behind a
//! `tokio::sync::watch`.
//!
//! [`follow`](crate::follow) folds events into it, the evaluator adds the figures, and everybody else reads.
//! Whatever takes long works on a copy, which shares all large parts, so that nobody waits for it.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::alerting::v1::AlertEvent;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Error, Event, Position, Projection};
use orewatch_rules::cost::{Cost, SpentSteps};
use orewatch_rules::decide::{RuleStatuses, Unreported};
use orewatch_rules::evolve::RulesState;
use orewatch_rules::figures::Figures;
use orewatch_rules::rules::{CheckedRule, check};
use tokio::sync::watch;
use uuid::Uuid;

use crate::causes::Causes;
use crate::delivery::DelivererState;
use crate::evaluated::Evaluated;
use crate::folds::Folds;
use crate::notify::NotifierState;

/// Time until an appended event must have been read back.
const READ_BACK_TIMEOUT: Duration = Duration::from_secs(30);

/// Rules and alerts at one moment. A copy shares all of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct RulesView {
    /// The alerts log, folded.
    pub(crate) log: Projection<RulesState>,
    /// Counts of what rules watch, by material.
    pub(crate) statuses: BTreeMap<String, Arc<RuleStatuses>>,
    /// The figures that open alerts are shown with.
    pub(crate) evaluated: Evaluated,
}

/// All that the service knows.
#[derive(Debug, Default)]
pub(crate) struct ServiceState {
    /// Rules and alerts.
    pub(crate) view: RulesView,
    /// Receivers, and messages to them.
    pub(crate) delivery: DelivererState,
    /// Subscriptions, silences, and what is due.
    pub(crate) notify: NotifierState,
    /// What first caused recent events, for traces.
    pub(crate) causes: Causes,
    /// The last event that was folded: its position and identifier.
    pub(crate) last: Option<(Position, Uuid)>,
    /// The log has been folded up to its end once.
    pub(crate) caught_up: bool,
    /// `view.statuses` reflects all that was evaluated before the service started.
    pub(crate) is_current: bool,
    /// The figures that rules watch, as they were evaluated last.
    pub(crate) figures: Figures,
    /// Position of the exposures log up to which `figures` are folded.
    pub(crate) folded: Position,
}

impl ServiceState {
    /// Rules and alerts, as the log says.
    #[must_use]
    pub(crate) fn rules(&self) -> &RulesState {
        self.view.rules()
    }

    /// The state of a snapshot, which has folded the log up to an event.
    pub(crate) fn from_snapshot(folds: Folds, last: (Position, Uuid)) -> Self {
        let Folds { rules, notify, delivery } = folds;
        let mut log = Projection::new(rules);
        log.pass(last.0);
        let view = RulesView { log, ..RulesView::default() };
        Self { view, notify, delivery, last: Some(last), ..Self::default() }
    }

    /// A copy of what answers are made from.
    pub(crate) fn to_copy(&self) -> StateCopy {
        StateCopy { view: self.view.clone(), notify: self.notify.clone(), delivery: self.delivery.clone() }
    }

    /// A copy of what is folded of the alerts log.
    pub(crate) fn folds(&self) -> Folds {
        Folds { rules: self.rules().clone(), notify: self.notify.clone(), delivery: self.delivery.clone() }
    }

    /// Folds an event of the alerts log.
    pub(crate) fn fold(&mut self, event: &Event, decoded: Option<AlertEvent>) -> Result<(), Error> {
        self.notify.evolve_decoded(event, decoded.as_ref())?;
        self.delivery.evolve_decoded(event, decoded.as_ref())?;
        self.fold_rules(event, decoded)
    }

    /// Folds an event into rules and alerts. It has been folded into the rest before.
    pub(crate) fn fold_rules(&mut self, event: &Event, decoded: Option<AlertEvent>) -> Result<(), Error> {
        self.causes.record(event, decoded.as_ref());
        self.view.log.fold(event, |rules, event| rules.evolve_read(event, decoded))?;
        self.last = Some((event.position, event.id));
        Ok(())
    }

    /// The figures that open alerts are shown with, if they are those of the last evaluation on the log.
    /// None: this replica has not come that far.
    pub(crate) fn settled(&self) -> Option<&Evaluated> {
        Some(&self.view.evaluated).filter(|evaluated| evaluated.mark == self.rules().evaluated())
    }
}

/// A copy of what answers are made from. It shares all large parts.
#[derive(Clone, Debug)]
pub(crate) struct StateCopy {
    /// Rules and alerts.
    pub(crate) view: RulesView,
    /// Subscriptions, silences, and what is due.
    pub(crate) notify: NotifierState,
    /// Receivers, and messages to them.
    pub(crate) delivery: DelivererState,
}

impl RulesView {
    /// Rules and alerts, as the log says.
    #[must_use]
    pub(crate) fn rules(&self) -> &RulesState {
        self.log.state()
    }

    /// How many subjects a rule is evaluated on.
    pub(crate) fn count_subjects(&self, rule: &str) -> u32 {
        self.statuses.values().filter_map(|statuses| statuses.subjects.get(rule)).sum()
    }

    /// The subjects of a rule that have no alert although they would: held back, or failed.
    pub(crate) fn unreported(&self, rule: &str) -> Unreported {
        let mut sum = Unreported::default();
        let unreported = self.statuses.values().filter_map(|statuses| statuses.unreported.get(rule));
        unreported.for_each(|unreported| sum.add(unreported));
        sum
    }

    /// The cost of evaluating a rule on all figures. None: this revision has not been evaluated, or this
    /// version cannot evaluate it.
    pub(crate) fn cost(&self, rule: &str, revision: u32) -> Option<Cost> {
        let current = self.evaluated.rules.get(rule)?.filter(|current| current.revision == revision)?;
        let cost = |(material, statuses): (&String, &Arc<RuleStatuses>)| {
            let subjects = usize::try_from(*statuses.subjects.get(rule)?).ok()?;
            let periods = self.evaluated.figures.periods_of(material, &current.rule);
            Some(Cost::for_subjects(&current.rule, subjects, periods))
        };
        Some(self.statuses.iter().filter_map(cost).fold(Cost::default(), Cost::and))
    }

    /// The cost of evaluating all rules but some on all figures. For a rule that has not been evaluated it is
    /// an estimate: rules may be put faster than they are evaluated.
    pub(crate) fn steps_beside(&self, rules: &BTreeSet<&str>, figures: &Figures) -> SpentSteps {
        let others = self.rules().current_rules().filter(|(_, rule)| !rules.contains(rule.id.as_str()));
        let active =
            others.filter(|(revision, rule)| self.rules().suspension(&rule.id, revision.number).is_none());
        let mut spent = SpentSteps::default();
        for (revision, rule) in active {
            let known = self.cost(&rule.id, revision.number).filter(|cost| cost.steps > 0);
            let estimate = || check(rule).map(|rule| figures.cost(&rule)).unwrap_or_default();
            spent.add(&rule.id, known.unwrap_or_else(estimate).steps);
        }
        spent
    }

    /// Whether there are figures of the materials that a rule selects, of any measure.
    pub(crate) fn has_figures_for(&self, rule: &CheckedRule) -> bool {
        let selected = rule.materials();
        let mut known = self.evaluated.figures.known_materials();
        known.any(|material| selected.is_empty() || selected.iter().any(|wanted| wanted == material))
    }

    /// Whether the catalogue supports a rule. None: this revision has not been checked.
    pub(crate) fn is_supported(&self, rule: &str, revision: u32) -> Option<bool> {
        let current = self.evaluated.rules.get(rule)?;
        current.is_none_or(|current| current.revision == revision).then_some(current.is_some())
    }
}

/// Waits, without a deadline, until the log has been folded up to a position: a log that is away delays
/// workers, and does not end them.
///
/// # Errors
/// [`Class::Unavailable`] if the service stops before.
pub(crate) async fn wait_until_folded(
    service: &mut watch::Receiver<ServiceState>,
    position: Position,
) -> Result<(), Failure> {
    let folded = service.wait_for(|service| service.view.log.position() >= position);
    folded.await.map(drop).map_err(|_| stopping())
}

/// Waits until the log has been folded up to a position.
///
/// # Errors
/// [`Class::Unavailable`] if that takes too long or the service stops.
pub(crate) async fn wait_for_position(
    service: &mut watch::Receiver<ServiceState>,
    position: Position,
) -> Result<(), Failure> {
    wait_for(service, |service| service.view.log.position() >= position).await
}

/// Waits, without a deadline, until the log has been folded up to its end once.
///
/// # Errors
/// [`Class::Unavailable`] if the service stops before.
pub(crate) async fn wait_until_caught_up(service: &mut watch::Receiver<ServiceState>) -> Result<(), Failure> {
    service.wait_for(|service| service.caught_up).await.map(drop).map_err(|_| stopping())
}

/// Waits for a condition, within a deadline.
///
/// # Errors
/// [`Class::Unavailable`] if that takes too long or the service stops.
pub(crate) async fn wait_for(
    service: &mut watch::Receiver<ServiceState>,
    condition: impl FnMut(&ServiceState) -> bool,
) -> Result<(), Failure> {
    match tokio::time::timeout(READ_BACK_TIMEOUT, service.wait_for(condition)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err(stopping()),
        Err(_) => Err(Failure::new(
            Class::Unavailable,
            "not-caught-up",
            format!("the alerts log was not read to its end within {} s", READ_BACK_TIMEOUT.as_secs()),
        )),
    }
}

/// The failure of a call while the service stops.
pub(crate) fn stopping() -> Failure {
    Failure::new(Class::Unavailable, "stopping", "the alerting service is stopping")
}
