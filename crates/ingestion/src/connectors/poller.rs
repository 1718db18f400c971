//! Polls connectors on their schedules and on demand, one poll of a connector at a time.
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::{Class, Failure};
use tracing::Instrument as _;

use super::OnProgress;
use super::hub::{ConnectorSlot, Connectors};
use super::run::{PollReason, PollResult};
use super::schedule;
use super::status::jitter;

/// Upper bound on the sleep of a schedule: another process may have polled meanwhile.
const MAX_SLEEP: SignedDuration = SignedDuration::from_mins(15);

impl Connectors {
    /// Starts polling on schedule.
    pub fn start(self: &Arc<Self>) {
        for name in self.slots.keys() {
            let (connectors, name) = (Arc::clone(self), name.clone());
            self.context.spawn("poll", async move { connectors.follow(&name).await });
        }
    }

    /// Stops polling. A poll in progress stops and stays open.
    pub fn stop(&self) {
        self.context.shutdown.cancel();
    }

    /// Polls a connector now. An open poll is resumed; `force` begins a new one and requests everything
    /// again.
    ///
    /// # Errors
    /// [`Class::NotFound`] for a name that is not configured; [`Class::Refused`] while another process polls;
    /// errors of the log, the archive and the ingest. That a publisher returns nothing useful is no error
    /// here: see [`PollResult`].
    pub async fn poll(
        &self,
        name: &str,
        force: bool,
        progress: OnProgress<'_>,
    ) -> Result<PollResult, Failure> {
        let slot = self.slot(name)?;
        let Ok(_poll_lock) = slot.poll_lock.try_lock() else {
            return Err(Failure::new(Class::Refused, "poll-under-way", format!("{name} is being polled"))
                .with_hint("`orewatch fetches` shows its calls; try again when it is done"));
        };
        let asked = if force { PollReason::Anew } else { PollReason::OnDemand };
        let run = Box::pin(self.run(&slot.connector, asked, progress)).await;
        slot.wake.notify_one();
        run
    }

    /// Polls on schedule until the process stops. After a failure it tries again later.
    async fn follow(self: Arc<Self>, name: &str) -> Result<(), Failure> {
        let Ok(slot) = self.slot(name) else { return Ok(()) };
        let mut failures: u32 = 0;
        while !self.context.shutdown.is_cancelled() {
            let outcome = self.poll_if_due(slot).await;
            let now = self.context.clock.now();
            let wake = match outcome {
                Ok(next) => {
                    failures = 0;
                    next.min(time_after(now, MAX_SLEEP))
                }
                Err(failure) => {
                    tracing::warn!(connector = name, %failure, "a poll stopped; trying again later");
                    failures = failures.saturating_add(1);
                    // A full disk may have room again at any time, and trying costs the publisher nothing.
                    let most = if failure.class == Class::Exhausted { 1 } else { 7 };
                    let wait =
                        SignedDuration::from_secs(30).checked_mul(2_i32.saturating_pow(failures.min(most)));
                    time_after(now, jitter(wait.unwrap_or(MAX_SLEEP), name, failures))
                }
            };
            tokio::select! {
                () = self.context.shutdown.cancelled() => {}
                () = slot.wake.notified() => {}
                () = self.context.clock.sleep_until(wake) => {}
            }
        }
        Ok(())
    }

    /// Polls if it is due. Returns when the next poll is due.
    async fn poll_if_due(&self, slot: &ConnectorSlot) -> Result<Timestamp, Failure> {
        let _poll_lock = slot.poll_lock.lock().await;
        let connector = &*slot.connector;
        self.catch_up().await?;
        let next = || {
            self.view(&connector.name, |record| {
                schedule::next_poll(connector, record, &self.who, self.started)
            })
            .unwrap_or(Timestamp::MAX)
        };
        if next() <= self.context.clock.now() {
            let mut unheard = |_| {};
            let span = tracing::info_span!("poll", connector = connector.name);
            let run = Box::pin(self.run(connector, PollReason::BySchedule, &mut unheard));
            match run.instrument(span).await? {
                PollResult::Ended(ended) if ended.problem.is_empty() => {
                    let releases = ended.releases.join(", ");
                    tracing::info!(
                        connector = connector.name,
                        releases,
                        unchanged = ended.unchanged,
                        "polled"
                    );
                }
                PollResult::Ended(ended) => {
                    tracing::warn!(connector = connector.name, problem = ended.problem, "a poll failed");
                }
                PollResult::Paused(until, why) => {
                    tracing::info!(connector = connector.name, %until, why, "a poll waits");
                    return Ok(until);
                }
            }
        }
        Ok(next())
    }
}

fn time_after(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
