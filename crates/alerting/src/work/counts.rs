//! What an evaluator does with evaluations of others: it waits for its turn, and catches up with what was
//! evaluated meanwhile.
use std::collections::BTreeSet;
use std::sync::Arc;

use orewatch_contracts::Failure;
use orewatch_rules::evolve::Mark;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Evaluator;
use super::job::{count_subjects, counting_steps};
use crate::blocking::run_blocking;
use crate::evaluated::Evaluated;
use crate::service_state::{ServiceState, stopping};
use crate::turns::RULES;

/// Steps of counting subjects that callers may wait for.
const MAX_AWAITED_STEPS: u64 = 2_000_000;

impl Evaluator {
    /// Whether this replica is to carry out an evaluation now: by the material of its release, or as one
    /// about rules.
    pub(super) fn is_turn(&mut self, mark: Mark) -> bool {
        let release = self.releases.peek().filter(|release| release.position == mark.exposures);
        let key = release.and_then(|release| release.material()).unwrap_or(RULES).to_owned();
        let what = format!("{}/{}", mark.exposures, mark.rules);
        self.turns.keep(&BTreeSet::from([what.clone()]));
        self.turns.is_own(&key, &what)
    }

    /// Waits until the state has changed, until the next release is read, or until another replica may have
    /// the turn.
    pub(super) async fn wait_for_turn(
        &mut self,
        changes: &mut watch::Receiver<ServiceState>,
    ) -> Result<(), Failure> {
        let is_unread = self.releases.next_position().is_none();
        let (releases, turns) = (&mut self.releases, &mut self.turns);
        tokio::select! {
            filled = releases.fill(), if is_unread => filled?,
            changed = changes.changed() => changed.map_err(|_| stopping())?,
            () = turns.changed() => {}
        }
        Ok(())
    }

    /// Catches up with what another replica, or this one before a restart, has evaluated.
    pub(super) async fn advance(&mut self) -> Result<(), Failure> {
        let evaluated = self.service.borrow().rules().evaluated();
        let before = self.rules.position();
        self.use_rules_of(evaluated).await?;
        let materials = self.fold_up_to(evaluated.exposures).await?;
        self.publish_figures();
        let is_current = self.service.borrow().is_current;
        // A replica that leaves most evaluations to others cannot count everything after each.
        let is_about_some =
            self.turns.are_shared() && self.rules.position() == before && self.rules.timed().next().is_none();
        if is_current && is_about_some {
            self.publish_counts(evaluated, true, Some(materials)).await?;
            return self.update_due().await;
        }
        if !is_current && self.is_slow_to_count().await? {
            // The subjects are known at once. Which of them are held back has to be evaluated.
            self.publish_counts(evaluated, false, None).await?;
            self.service.send_modify(|service| service.is_current = true);
        }
        self.publish_counts(evaluated, true, None).await?;
        self.service.send_modify(|service| service.is_current = true);
        self.update_due().await
    }

    /// Whether it takes long to count the subjects of all rules.
    async fn is_slow_to_count(&mut self) -> Result<bool, Failure> {
        let state = self.service.borrow().rules().clone();
        let (rules, figures) = (Arc::clone(&self.rules), self.figures.clone());
        run_blocking(move |_| counting_steps(&state, &rules, &figures) > MAX_AWAITED_STEPS).await
    }

    /// Publishes counts of the subjects of all rules, of some materials or (`None`) of all; `in_full` also of
    /// those that are held back.
    async fn publish_counts(
        &mut self,
        mark: Mark,
        in_full: bool,
        materials: Option<BTreeSet<String>>,
    ) -> Result<(), Failure> {
        let state = self.service.borrow().rules().clone();
        let evaluated = Evaluated::new(self.figures.clone(), Arc::clone(&self.rules), mark, &state);
        let (rules, figures) = (Arc::clone(&self.rules), self.figures.clone());
        let is_about_all = materials.is_none();
        let count = move |stop: &CancellationToken| {
            let is_wanted =
                |material: &&str| materials.as_ref().is_none_or(|materials| materials.contains(*material));
            let wanted = figures.materials().filter(is_wanted);
            count_subjects(&state, (mark, &rules, &figures), wanted, in_full, stop)
        };
        let statuses = run_blocking(count).await?;
        // The notifier waits for the figures of the last evaluation, also if another replica has made it.
        self.service.send_modify(|service| {
            if is_about_all {
                service.view.statuses = statuses;
            } else {
                service.view.statuses.extend(statuses);
            }
            service.view.evaluated = evaluated;
        });
        Ok(())
    }
}
