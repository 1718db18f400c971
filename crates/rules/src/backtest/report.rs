//! The report of a replay: subject by subject, and a summary.
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::{
    AlertState, BacktestBar, BacktestCounts, BacktestDifference, BacktestEpisode, BacktestPeriod,
    BacktestSubject, BacktestSummary, Certainty, EpisodeKnowledge,
};
use orewatch_contracts::exposure::v1::Subject;

use super::Window;
use super::episodes::{Compared, Episode, Knowledge, compare, flaps, trajectory_episodes};
use super::replay::{Replay, RuleRun, Sent};
use crate::alert::alert_id;
use crate::episode::Phase;
use crate::figures::WatchedSubject;
use crate::trajectory::{Point, Trajectory};

/// Upper bound on the periods that are reported one by one.
const MAX_PERIODS: usize = 240;

/// A rule on one subject, by the final figures.
struct SubjectRun<'a> {
    rule_run: &'a RuleRun,
    subject: Arc<Subject>,
    points: Vec<Point>,
    /// The reported episodes, oldest first.
    episodes: Vec<Episode>,
    /// All periods of the subject.
    periods: Vec<Period>,
}

/// Report on one subject.
pub struct SubjectReport<'a> {
    here: Option<SubjectRun<'a>>,
    there: Option<SubjectRun<'a>>,
    sent: Option<&'a Sent>,
    window: Window,
}

/// Report of a replay.
#[derive(Debug)]
pub struct BacktestReport {
    /// Summary of all subjects.
    pub summary: BacktestSummary,
    /// The chosen subjects, by their number in the order of the walk.
    chosen: Vec<usize>,
}

impl BacktestReport {
    /// Reads all subjects once and chooses the `limit` subjects with most episodes. `None`: `should_continue`
    /// stopped it.
    #[must_use]
    pub fn new(replay: &Replay, limit: usize, should_continue: &dyn Fn() -> bool) -> Option<Self> {
        let mut sum = Sum::default();
        let mut weights: Vec<(Reverse<usize>, usize)> = Vec::new();
        replay.walk(|number, report| {
            sum.add(report);
            let weight = report.weight();
            if weight > 0 {
                weights.push((Reverse(weight), number));
            }
            should_continue()
        });
        if !should_continue() {
            return None;
        }
        weights.sort_unstable();
        let mut chosen: Vec<usize> = weights.iter().take(limit).map(|(_, number)| *number).collect();
        chosen.sort_unstable();
        let summary = BacktestSummary {
            subjects_left_out: number_of(weights.len() - chosen.len()),
            ..sum.summary(replay)
        };
        Some(Self { summary, chosen })
    }

    /// Passes the chosen subjects to `give`, one by one, until it returns `false`.
    pub fn subjects(&self, replay: &Replay, mut give: impl FnMut(BacktestSubject) -> bool) {
        let mut chosen = self.chosen.iter().peekable();
        replay.walk(|number, report| {
            if chosen.peek() == Some(&&number) {
                chosen.next();
                return give(report.message()) && chosen.peek().is_some();
            }
            chosen.peek().is_some()
        });
    }
}

impl Replay {
    /// Visits the subjects that any rule watches, numbered, in order, until `visit` returns `false`.
    fn walk(&self, mut visit: impl FnMut(usize, &SubjectReport<'_>) -> bool) {
        let mut number = 0;
        for material in self.figures.materials() {
            let figures = self.figures.material(material);
            let mut subjects: BTreeMap<String, [Option<WatchedSubject<'_>>; 2]> = BTreeMap::new();
            for (side, rule_run) in self.runs.iter().enumerate().take(2) {
                for watched in figures.watched(material, &rule_run.rule) {
                    let sides = subjects.entry(alert_id("", &watched.subject)).or_default();
                    if let Some(place) = sides.get_mut(side) {
                        *place = Some(watched);
                    }
                }
            }
            for [here, there] in subjects.into_values() {
                let report = self.subject_report(here, there);
                if !visit(number, &report) {
                    return;
                }
                number += 1;
            }
        }
    }

    fn subject_report(
        &self,
        here: Option<WatchedSubject<'_>>,
        there: Option<WatchedSubject<'_>>,
    ) -> SubjectReport<'_> {
        let run = |side: usize, watched: Option<WatchedSubject<'_>>| {
            self.runs
                .get(side)
                .zip(watched)
                .map(|(rule_run, watched)| SubjectRun::new(rule_run, watched, &self.window))
        };
        let (here, there) = (run(0, here), run(1, there));
        let id = here.as_ref().map(|run| alert_id(&run.rule_run.rule.rule.id, &run.subject));
        let sent = self.runs.first().zip(id).and_then(|(rule_run, id)| rule_run.sent.get(&id));
        SubjectReport { here, there, sent, window: self.window }
    }
}

impl<'a> SubjectRun<'a> {
    fn new(rule_run: &'a RuleRun, watched: WatchedSubject<'_>, window: &Window) -> Self {
        let watched = watched.remembering(rule_run.seen_since());
        let periods = watched.figures.iter().map(|(period, _)| *period).collect();
        let trajectory = Trajectory::fold(&rule_run.rule, &watched, None);
        let mut episodes = trajectory_episodes(&rule_run.rule, &trajectory);
        episodes.retain(|episode| is_reported(episode, window));
        Self { rule_run, subject: watched.subject, points: trajectory.into_points(), episodes, periods }
    }

    fn phase(&self) -> Phase {
        self.points.last().map_or(Phase::Inactive, |point| point.state.phase)
    }

    /// Whether an alert is open at the last period and not confirmed.
    fn is_unconfirmed(&self) -> bool {
        let assessed = self.points.last().and_then(|point| point.assessed.as_ref().ok());
        self.phase().is_open() && assessed.is_some_and(|last| last.certainty() == Certainty::NotConfirmed)
    }

    fn length(&self, episode: &Episode) -> u32 {
        number_of(episode.length(&self.periods))
    }

    fn fired(&self) -> Vec<Episode> {
        self.episodes.iter().filter(|episode| episode.fired.is_some()).cloned().collect()
    }

    fn message(&self, episode: &Episode, known: EpisodeKnowledge) -> BacktestEpisode {
        let text = |period: Option<Period>| period.map(|period| period.to_string()).unwrap_or_default();
        BacktestEpisode {
            since: episode.since.to_string(),
            fired: text(episode.fired),
            resolved: text(episode.resolved),
            periods: self.length(episode),
            severity: episode.severity.to_string(),
            peak: episode.peak,
            known: known.into(),
        }
    }
}

/// Whether an episode reaches into the reported periods.
fn is_reported(episode: &Episode, window: &Window) -> bool {
    window.from.is_none_or(|from| episode.resolved.is_none_or(|resolved| resolved >= from))
}

impl std::fmt::Debug for SubjectReport<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubjectReport").field("subject", &self.subject()).finish_non_exhaustive()
    }
}

impl SubjectReport<'_> {
    fn subject(&self) -> Option<&Subject> {
        self.here.as_ref().or(self.there.as_ref()).map(|run| &*run.subject)
    }

    /// All episodes, with the data by which they are known.
    fn known(&self) -> Vec<(Episode, Knowledge)> {
        let now = self.here.as_ref().map(|run| run.episodes.as_slice()).unwrap_or_default();
        let report = self.sent.map(|sent| sent.episodes.as_slice()).unwrap_or_default();
        let report: Vec<Episode> =
            report.iter().filter(|episode| is_reported(episode, &self.window)).cloned().collect();
        let known = compare(now, &report).into_iter().map(|pair| match pair {
            Compared::Both(now, _) => (now.clone(), Knowledge::Both),
            Compared::Here(now) => (now.clone(), Knowledge::NowOnly),
            Compared::There(report) => (report.clone(), Knowledge::ThenOnly),
        });
        known.collect()
    }

    fn difference(&self) -> BacktestDifference {
        let fired = |run: &Option<SubjectRun<'_>>| run.as_ref().map(SubjectRun::fired).unwrap_or_default();
        let (here, there) = (fired(&self.here), fired(&self.there));
        let mut difference = BacktestDifference::default();
        for pair in compare(&here, &there) {
            let count = match pair {
                Compared::Here(_) => &mut difference.only_here,
                Compared::There(_) => &mut difference.only_there,
                Compared::Both(ours, theirs) => {
                    let length =
                        |run: &Option<SubjectRun<'_>>, episode| run.as_ref().map(|run| run.length(episode));
                    match length(&self.here, ours).cmp(&length(&self.there, theirs)) {
                        std::cmp::Ordering::Equal => &mut difference.same,
                        std::cmp::Ordering::Greater => &mut difference.longer,
                        std::cmp::Ordering::Less => &mut difference.shorter,
                    }
                }
            };
            *count = count.saturating_add(1);
        }
        difference
    }

    /// Number of episodes, to rank subjects.
    fn weight(&self) -> usize {
        let there = self.there.as_ref().map_or(0, |run| run.episodes.len());
        let sent = self.sent.map_or(0, |sent| sent.episodes.len());
        self.here.as_ref().map_or(0, |run| run.episodes.len()).max(sent).max(there)
    }

    fn message(&self) -> BacktestSubject {
        let mut subject = BacktestSubject {
            subject: self.subject().cloned(),
            sent: Some(self.sent.map(|sent| sent.counts).unwrap_or_default()),
            state: AlertState::Inactive.into(),
            ..BacktestSubject::default()
        };
        if let Some(run) = &self.here {
            let report: Vec<&Point> =
                run.points.iter().filter(|point| self.window.covers(point.period)).collect();
            subject.periods = number_of(report.len());
            subject.flaps = number_of(flaps(&run.episodes, &run.periods));
            subject.state = AlertState::from(run.phase()).into();
            subject.severity = worst(run).map(|severity| severity.to_string()).unwrap_or_default();
            subject.course =
                report.iter().skip(report.len().saturating_sub(MAX_PERIODS)).map(period_of).collect();
            let message = |(episode, known): (Episode, Knowledge)| run.message(&episode, known.into());
            subject.episodes = self.known().into_iter().map(message).collect();
        }
        if let Some(run) = &self.there {
            let there = run.fired();
            let there = there.iter().map(|episode| run.message(episode, EpisodeKnowledge::Unspecified));
            subject.difference = Some(BacktestDifference { there: there.collect(), ..self.difference() });
        }
        subject
    }
}

fn period_of(point: &&Point) -> BacktestPeriod {
    BacktestPeriod {
        period: point.period.to_string(),
        state: AlertState::from(point.state.phase).into(),
        value: point.figure.estimate.value,
    }
}

fn worst(run: &SubjectRun<'_>) -> Option<Arc<str>> {
    let fired = run.episodes.iter().filter(|episode| episode.fired.is_some());
    let severities = &run.rule_run.rule.terms.severities;
    fired
        .max_by_key(|episode| severities.rank(&episode.severity))
        .map(|episode| Arc::clone(&episode.severity))
}

/// Sums over the subjects so far.
#[derive(Default)]
struct Sum {
    summary: BacktestSummary,
    lengths: Vec<u32>,
    bars: BTreeMap<Period, (u32, u32)>,
    sent: BacktestCounts,
    difference: BacktestDifference,
}

impl Sum {
    fn add(&mut self, report: &SubjectReport<'_>) {
        add_difference(&mut self.difference, &report.difference());
        let Some(run) = &report.here else { return };
        let summary = &mut self.summary;
        summary.subjects += 1;
        summary.subjects_with_episodes += u32::from(!run.episodes.is_empty());
        summary.flaps += number_of(flaps(&run.episodes, &run.periods));
        summary.firing += u32::from(run.phase() == Phase::Firing);
        summary.pending += u32::from(run.phase() == Phase::Pending);
        summary.not_confirmed += u32::from(run.is_unconfirmed());
        for episode in &run.episodes {
            if episode.fired.is_some() {
                self.lengths.push(run.length(episode));
                *summary.severities.entry(episode.severity.to_string()).or_default() += 1;
            } else {
                summary.pending_only += 1;
            }
        }
        for (episode, known) in report.known() {
            let fired = u32::from(episode.fired.is_some());
            match known {
                Knowledge::Both => {}
                Knowledge::NowOnly => summary.now_only += fired,
                Knowledge::ThenOnly => summary.then_only += fired,
            }
        }
        if let Some(sent) = report.sent {
            add_counts(&mut self.sent, &sent.counts);
        }
        for point in run.points.iter().filter(|point| report.window.covers(point.period)) {
            let (firing, pending) = self.bars.entry(point.period).or_default();
            *firing += u32::from(point.state.phase == Phase::Firing);
            *pending += u32::from(point.state.phase == Phase::Pending);
        }
    }

    fn summary(mut self, replay: &Replay) -> BacktestSummary {
        self.lengths.sort_unstable();
        let middle = self.lengths.len().saturating_sub(1) / 2;
        let skipped = self.bars.len().saturating_sub(MAX_PERIODS);
        let bars = self.bars.iter().map(|(period, (firing, pending))| BacktestBar {
            period: period.to_string(),
            firing: *firing,
            pending: *pending,
        });
        let [here, there] = [0, 1].map(|side| replay.runs.get(side));
        BacktestSummary {
            rule: here.map(|rule_run| rule_run.rule.rule.clone()),
            revision: here.map(|rule_run| rule_run.revision).unwrap_or_default(),
            limit: here.map(|rule_run| rule_run.rule.limit()).unwrap_or_default(),
            episodes: number_of(self.lengths.len()),
            longest: self.lengths.last().copied().unwrap_or_default(),
            median: self.lengths.get(middle).copied().unwrap_or_default(),
            most_open: self.bars.values().map(|(firing, pending)| firing + pending).max().unwrap_or_default(),
            bars: bars.skip(skipped).collect(),
            sent: Some(self.sent),
            difference: there.map(|_| self.difference),
            against_revision: there.map(|rule_run| rule_run.revision).unwrap_or_default(),
            position: replay.position,
            releases: replay.releases,
            notes: replay.notes(),
            ..self.summary
        }
    }
}

fn add_counts(sum: &mut BacktestCounts, other: &BacktestCounts) {
    sum.pending += other.pending;
    sum.fired += other.fired;
    sum.resolved += other.resolved;
    sum.stale += other.stale;
    sum.severity_changed += other.severity_changed;
    sum.restated += other.restated;
}

fn add_difference(sum: &mut BacktestDifference, other: &BacktestDifference) {
    sum.only_here += other.only_here;
    sum.only_there += other.only_there;
    sum.same += other.same;
    sum.longer += other.longer;
    sum.shorter += other.shorter;
}

fn number_of(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
