//! What latencies say: percentiles, and how long it took until they were small again. Pure functions.
use std::time::Duration;

/// Length of the window that has to be quick again.
const WINDOW: Duration = Duration::from_secs(1);

/// Distance between two windows that are tried.
const STEP: Duration = Duration::from_millis(50);

/// A commit, and when its transitions reached a subscriber. Times count from the start of the load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Commit {
    /// When the service acknowledged it.
    pub(super) acknowledged: Duration,
    /// When each transition arrived.
    pub(super) arrivals: Vec<Duration>,
}

/// A time with a fault and its consequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Disturbance {
    pub(super) begin: Duration,
    pub(super) end: Duration,
}

impl Commit {
    /// Time from the acknowledgement to each arrival. A commit without an arrival has none that ends.
    fn latencies(&self) -> impl Iterator<Item = Duration> + '_ {
        let none = self.arrivals.is_empty().then_some(Duration::MAX);
        // A subscriber may hear of a commit before the one who made it.
        self.arrivals.iter().map(|arrival| arrival.saturating_sub(self.acknowledged)).chain(none)
    }
}

/// The latency that `thousandth` of a thousand do not exceed. `None`: there are none.
pub(super) fn quantile(mut latencies: Vec<Duration>, thousandth: usize) -> Option<Duration> {
    latencies.sort_unstable();
    let place = (latencies.len() * thousandth / 1000).min(latencies.len().saturating_sub(1));
    latencies.get(place).copied()
}

/// Latencies of the commits outside of all disturbances.
pub(super) fn undisturbed(commits: &[Commit], disturbances: &[Disturbance]) -> Vec<Duration> {
    let is_quiet = |commit: &&Commit| {
        let at = commit.acknowledged;
        !disturbances.iter().any(|disturbance| disturbance.begin <= at && at < disturbance.end)
    };
    commits.iter().filter(is_quiet).flat_map(Commit::latencies).collect()
}

/// Time after `end` until the commits of a second have a 99th percentile below `limit`. `None`: that did not
/// happen before `until`. A second without a commit is not quick.
pub(super) fn recovery(
    commits: &[Commit],
    end: Duration,
    until: Duration,
    limit: Duration,
) -> Option<Duration> {
    let mut begin = end;
    while begin + WINDOW <= until {
        let window = begin..begin + WINDOW;
        let within = commits.iter().filter(|commit| window.contains(&commit.acknowledged));
        let latencies = within.flat_map(Commit::latencies).collect();
        if quantile(latencies, 990).is_some_and(|latency| latency < limit) {
            return Some(begin - end);
        }
        begin += STEP;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// A commit every 100 ms, each with these latencies in turn.
    fn commits(latencies: &[u64]) -> Vec<Commit> {
        let commit = |(number, latency): (u64, &u64)| Commit {
            acknowledged: ms(100 * number),
            arrivals: vec![ms(100 * number + latency)],
        };
        (0..).zip(latencies).map(commit).collect()
    }

    #[test]
    fn a_quantile_is_one_of_the_latencies() {
        assert_eq!(quantile(Vec::new(), 500), None);
        let latencies: Vec<_> = (1..=100).rev().map(ms).collect();
        let found = [0, 500, 990, 1000].map(|thousandth| quantile(latencies.clone(), thousandth));
        assert_eq!(found, [1, 51, 100, 100].map(|latency| Some(ms(latency))));
    }

    #[test]
    fn recovery_is_the_first_second_that_is_quick() {
        let (limit, until) = (ms(100), ms(10_000));
        let slow_until = |slow: usize| commits(&[vec![500; slow], vec![5; 100 - slow]].concat());
        assert_eq!(recovery(&slow_until(0), ms(0), until, limit), Some(ms(0)));
        assert_eq!(recovery(&slow_until(40), ms(1_000), until, limit), Some(ms(2_950)));
        assert_eq!(recovery(&slow_until(40), ms(5_000), until, limit), Some(ms(0)));
        assert_eq!(recovery(&slow_until(100), ms(0), until, limit), None);
        assert_eq!(recovery(&[], ms(0), until, limit), None, "nothing was committed");
    }

    #[test]
    fn a_commit_that_nobody_hears_of_is_slow() {
        let mut all = commits(&[5; 30]);
        all[10].arrivals.clear();
        assert_eq!(recovery(&all, ms(0), ms(3_000), ms(100)), Some(ms(0)), "it comes after the window");
        assert_eq!(recovery(&all, ms(500), ms(3_000), ms(100)), Some(ms(550)));
    }

    #[test]
    fn what_is_disturbed_does_not_count() {
        let all = commits(&[5, 500, 500, 5]);
        let disturbance = Disturbance { begin: ms(100), end: ms(300) };
        assert_eq!(undisturbed(&all, &[disturbance]), [ms(5), ms(5)]);
        assert_eq!(undisturbed(&all, &[]).len(), 4);
    }

    #[test]
    fn who_hears_of_a_commit_early_does_not_wait() {
        let early = Commit { acknowledged: ms(100), arrivals: vec![ms(90)] };
        assert_eq!(undisturbed(&[early], &[]), [Duration::ZERO]);
    }
}
