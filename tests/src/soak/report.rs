//! What came of a run: figures, and the promises that they break.
use std::fmt;
use std::time::Duration;

use super::faults::Incident;
use super::releases::ROWS;
use super::verify::Tally;

/// Limit on the time from a commit to a subscriber, 99th percentile.
pub(super) const MAX_LATENCY: Duration = Duration::from_millis(100);

/// Limit on the time until that is so again after a fault.
const MAX_RECOVERY: Duration = Duration::from_secs(10);

/// Limit on the time without an answer while a client knows two replicas.
const MAX_GAP: Duration = Duration::from_secs(5);

/// Part of the load that has to be held: what is due at the end need not be committed yet.
const MIN_PART: f64 = 0.98;

/// What is promised of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promised {
    /// Rows a second.
    pub(super) rows: f64,
    /// Transitions a second.
    pub(super) transitions: f64,
    /// Whether speed is promised, and not only that nothing is lost.
    pub(super) is_timed: bool,
}

/// A fault, and how long it took until commits reached the subscriber in time again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recovered {
    pub(super) incident: Incident,
    /// From the end of the fault. `None`: not before the next one.
    pub(super) after: Option<Duration>,
}

/// The figures of a run.
#[derive(Debug)]
pub struct Report {
    pub(super) seed: u64,
    pub(super) promised: Promised,
    /// How long the load lasted.
    pub(super) duration: Duration,
    pub(super) recovered: Vec<Recovered>,
    /// What was counted, by what it is.
    pub(super) tallies: Vec<(String, Tally)>,
    /// Releases that were acknowledged while the load lasted, and transitions that arrived.
    pub(super) releases: usize,
    pub(super) transitions: usize,
    /// Longest time without an answer, by service.
    pub(super) gaps: Vec<(&'static str, Duration)>,
    /// Time from a commit to the subscriber without a fault: half of all, and 99 %.
    pub(super) latencies: [Option<Duration>; 2],
    /// Streams that the subscriber opened, and how many of them the service ended.
    pub(super) streams: [usize; 2],
    /// Messages that came more than once, under the same identifier.
    pub(super) sent_again: u64,
    /// Calls that failed for a client that retries, and readers that could not go on.
    pub(super) failed: Vec<String>,
    /// The first difference between the replicas, and from an undisturbed run.
    pub(super) differences: Vec<String>,
}

impl Report {
    /// Number of streams that a service ended, and not a connection.
    #[must_use]
    pub fn ended_streams(&self) -> usize {
        self.streams[1]
    }

    /// The promises that the run broke. None of them: it kept all.
    #[must_use]
    pub fn broken(&self) -> Vec<String> {
        let mut broken: Vec<String> = self.failed.clone();
        broken.extend(self.differences.iter().map(|difference| format!("states differ: {difference}")));
        for (what, tally) in self.tallies.iter().filter(|(_, tally)| !tally.is_clean()) {
            broken.push(format!("{what}: {tally:?}"));
        }
        for (what, tally) in self.tallies.iter().filter(|(_, tally)| tally.count == 0) {
            broken.push(format!("{what}: {} of them, so that nothing was shown", tally.count));
        }
        if self.promised.is_timed {
            broken.extend(self.too_slow());
        }
        broken
    }

    /// The promises of speed that the run broke.
    fn too_slow(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for (what, held, promised) in [
            ("rows", self.rows_held(), self.promised.rows),
            ("transitions", self.transitions_held(), self.promised.transitions),
        ] {
            if held < MIN_PART * promised {
                broken.push(format!("{held:.0} {what} a second were held, not {promised:.0}"));
            }
        }
        let slow = self.latencies[1].is_none_or(|latency| latency >= MAX_LATENCY);
        broken.extend(slow.then(|| format!("from commit to subscriber: {:?}", self.latencies)));
        for Recovered { incident, after } in &self.recovered {
            if after.is_none_or(|after| after > MAX_RECOVERY) {
                broken.push(format!("after {}: recovered {after:?} after its end", incident.fault));
            }
        }
        for (service, gap) in self.gaps.iter().filter(|(_, gap)| *gap > MAX_GAP) {
            broken.push(format!("{service} gave no answer for {gap:?}"));
        }
        broken
    }

    fn rows_held(&self) -> f64 {
        self.releases as f64 * ROWS as f64 / self.duration.as_secs_f64()
    }

    fn transitions_held(&self) -> f64 {
        self.transitions as f64 / self.duration.as_secs_f64()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, {} s", self.seed, self.duration.as_secs())?;
        writeln!(f, "{:>6} rows a second held, {} promised", self.rows_held().round(), self.promised.rows)?;
        let held = self.transitions_held().round();
        writeln!(f, "{held:>6} transitions a second held, {} promised", self.promised.transitions)?;
        writeln!(f, "\n{:<28} {:>8} {:>8} {:>12}", "fault", "at s", "for s", "recovered s")?;
        for Recovered { incident, after } in &self.recovered {
            let (begin, length) = (incident.begin, incident.end.saturating_sub(incident.begin));
            let [begin, length] = [begin, length].map(|time| time.as_secs_f64());
            let after = after.map_or("no".to_owned(), |after| format!("{:.2}", after.as_secs_f64()));
            writeln!(f, "{:<28} {begin:>8.1} {length:>8.1} {after:>12}", incident.fault.to_string())?;
        }
        writeln!(
            f,
            "\n{:<28} {:>10} {:>8} {:>8} {:>14}",
            "acknowledged, seen or sent", "count", "lost", "twice", "out of order"
        )?;
        for (what, Tally { count, lost, repeated, misplaced }) in &self.tallies {
            writeln!(f, "{what:<28} {count:>10} {lost:>8} {repeated:>8} {misplaced:>14}")?;
        }
        writeln!(f, "\nmessages sent again under their identifier: {}", self.sent_again)?;
        let [streams, ended] = self.streams;
        writeln!(f, "streams of the subscriber: {streams}, of which a service ended {ended}")?;
        for (service, gap) in &self.gaps {
            writeln!(f, "longest time without an answer of {service}: {:.2} s", gap.as_secs_f64())?;
        }
        let shown = |latency: Option<Duration>| {
            latency
                .map_or_else(|| "none".to_owned(), |latency| format!("{:.1} ms", latency.as_secs_f64() * 1e3))
        };
        let [half, most] = self.latencies.map(shown);
        writeln!(f, "commit to subscriber without a fault: p50 {half}, p99 {most}")?;
        for broken in self.broken() {
            writeln!(f, "BROKEN: {broken}")?;
        }
        Ok(())
    }
}
