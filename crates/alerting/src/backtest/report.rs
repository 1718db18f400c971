//! What a replay comes to: subject by subject, and of all of them together.
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::{
    AlertState, BacktestBar, BacktestCounts, BacktestDifference, BacktestEpisode, BacktestPeriod,
    BacktestSubject, BacktestSummary, EpisodeKnowledge,
};
use orewatch_contracts::exposure::v1::Subject;

use super::Window;
use super::episodes::{Compared, Episode, Known, compare, flaps, of_trajectory};
use super::replay::{Course, Replay, Sent};
use crate::alert::alert_id;
use crate::episode::Phase;
use crate::figures::Watched;
use crate::trajectory::{Point, Trajectory};

/// Most periods that are told one by one.
const MOST_PERIODS: usize = 240;

/// A rule on one subject, by the figures as they are known in the end.
struct Run<'a> {
    course: &'a Course,
    subject: Arc<Subject>,
    points: Vec<Point>,
    /// Those that are told of, oldest first.
    episodes: Vec<Episode>,
    /// All periods of the subject.
    periods: Vec<Period>,
}

/// What the rules of a replay say of one subject.
pub struct Told<'a> {
    here: Option<Run<'a>>,
    there: Option<Run<'a>>,
    sent: Option<&'a Sent>,
    window: Window,
}

/// What a replay comes to.
#[derive(Debug)]
pub struct Report {
    /// What the rule says of all subjects.
    pub summary: BacktestSummary,
    /// The subjects that are answered, by their number in the order of the walk.
    chosen: Vec<usize>,
}

impl Report {
    /// Walks through all subjects once, and chooses those with most episodes. None: it shall not go on.
    #[must_use]
    pub fn of(replay: &Replay, most: usize, goes_on: &dyn Fn() -> bool) -> Option<Self> {
        let mut sum = Sum::default();
        let mut weights: Vec<(Reverse<usize>, usize)> = Vec::new();
        replay.walk(|number, told| {
            sum.add(told);
            let weight = told.weight();
            if weight > 0 {
                weights.push((Reverse(weight), number));
            }
            goes_on()
        });
        if !goes_on() {
            return None;
        }
        weights.sort_unstable();
        let mut chosen: Vec<usize> = weights.iter().take(most).map(|(_, number)| *number).collect();
        chosen.sort_unstable();
        let summary = BacktestSummary {
            subjects_left_out: number_of(weights.len() - chosen.len()),
            ..sum.summary(replay)
        };
        Some(Self { summary, chosen })
    }

    /// Gives the chosen subjects one by one, until `give` says that it has enough.
    pub fn subjects(&self, replay: &Replay, mut give: impl FnMut(BacktestSubject) -> bool) {
        let mut chosen = self.chosen.iter().peekable();
        replay.walk(|number, told| {
            if chosen.peek() == Some(&&number) {
                chosen.next();
                return give(told.message()) && chosen.peek().is_some();
            }
            chosen.peek().is_some()
        });
    }
}

impl Replay {
    /// Walks through the subjects that any rule watches, numbered, in order, until `visit` says that it has enough.
    fn walk(&self, mut visit: impl FnMut(usize, &Told<'_>) -> bool) {
        let mut number = 0;
        for material in self.figures.materials() {
            let figures = self.figures.material(material);
            let mut subjects: BTreeMap<String, [Option<Watched<'_>>; 2]> = BTreeMap::new();
            for (side, course) in self.courses.iter().enumerate().take(2) {
                for watched in figures.watched(material, &course.rule) {
                    let sides = subjects.entry(alert_id("", &watched.subject)).or_default();
                    if let Some(place) = sides.get_mut(side) {
                        *place = Some(watched);
                    }
                }
            }
            for [here, there] in subjects.into_values() {
                let told = self.told(here, there);
                if !visit(number, &told) {
                    return;
                }
                number += 1;
            }
        }
    }

    fn told(&self, here: Option<Watched<'_>>, there: Option<Watched<'_>>) -> Told<'_> {
        let run = |side: usize, watched: Option<Watched<'_>>| {
            self.courses
                .get(side)
                .zip(watched)
                .map(|(course, watched)| Run::new(course, watched, &self.window))
        };
        let (here, there) = (run(0, here), run(1, there));
        let id = here.as_ref().map(|run| alert_id(&run.course.rule.rule.id, &run.subject));
        let sent = self.courses.first().zip(id).and_then(|(course, id)| course.sent.get(&id));
        Told { here, there, sent, window: self.window }
    }
}

impl<'a> Run<'a> {
    fn new(course: &'a Course, watched: Watched<'_>, window: &Window) -> Self {
        let watched = watched.remembering(course.seen_since());
        let periods = watched.figures.iter().map(|(period, _)| *period).collect();
        let trajectory = Trajectory::fold(&course.rule, &watched, None);
        let mut episodes = of_trajectory(&course.rule, &trajectory);
        episodes.retain(|episode| is_told(episode, window));
        Self { course, subject: watched.subject, points: trajectory.into_points(), episodes, periods }
    }

    fn phase(&self) -> Phase {
        self.points.last().map_or(Phase::Inactive, |point| point.state.phase)
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

/// Whether an episode lasts into the periods that are told of.
fn is_told(episode: &Episode, window: &Window) -> bool {
    window.from.is_none_or(|from| episode.resolved.is_none_or(|resolved| resolved >= from))
}

impl std::fmt::Debug for Told<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Told").field("subject", &self.subject()).finish_non_exhaustive()
    }
}

impl Told<'_> {
    fn subject(&self) -> Option<&Subject> {
        self.here.as_ref().or(self.there.as_ref()).map(|run| &*run.subject)
    }

    /// The episodes that were told by earlier figures, and those of the end, side by side.
    fn known(&self) -> Vec<(Episode, Known)> {
        let now = self.here.as_ref().map(|run| run.episodes.as_slice()).unwrap_or_default();
        let told = self.sent.map(|sent| sent.episodes.as_slice()).unwrap_or_default();
        let told: Vec<Episode> =
            told.iter().filter(|episode| is_told(episode, &self.window)).cloned().collect();
        let known = compare(now, &told).into_iter().map(|pair| match pair {
            Compared::Both(now, _) => (now.clone(), Known::Both),
            Compared::Here(now) => (now.clone(), Known::NowOnly),
            Compared::There(told) => (told.clone(), Known::ThenOnly),
        });
        known.collect()
    }

    fn difference(&self) -> BacktestDifference {
        let fired = |run: &Option<Run<'_>>| run.as_ref().map(Run::fired).unwrap_or_default();
        let (here, there) = (fired(&self.here), fired(&self.there));
        let mut difference = BacktestDifference::default();
        for pair in compare(&here, &there) {
            let count = match pair {
                Compared::Here(_) => &mut difference.only_here,
                Compared::There(_) => &mut difference.only_there,
                Compared::Both(one, other) => {
                    let length = |run: &Option<Run<'_>>, episode| run.as_ref().map(|run| run.length(episode));
                    match length(&self.here, one).cmp(&length(&self.there, other)) {
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

    /// How much there is to tell.
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
            let told: Vec<&Point> =
                run.points.iter().filter(|point| self.window.tells(point.period)).collect();
            subject.periods = number_of(told.len());
            subject.flaps = number_of(flaps(&run.episodes, &run.periods));
            subject.state = AlertState::from(run.phase()).into();
            subject.severity = worst(run).map(|severity| severity.to_string()).unwrap_or_default();
            subject.course =
                told.iter().skip(told.len().saturating_sub(MOST_PERIODS)).map(period_of).collect();
            let message = |(episode, known): (Episode, Known)| run.message(&episode, known.into());
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

fn worst(run: &Run<'_>) -> Option<Arc<str>> {
    let fired = run.episodes.iter().filter(|episode| episode.fired.is_some());
    let severities = &run.course.rule.terms.severities;
    fired
        .max_by_key(|episode| severities.rank(&episode.severity))
        .map(|episode| Arc::clone(&episode.severity))
}

/// All subjects so far.
#[derive(Default)]
struct Sum {
    summary: BacktestSummary,
    lengths: Vec<u32>,
    bars: BTreeMap<Period, (u32, u32)>,
    sent: BacktestCounts,
    difference: BacktestDifference,
}

impl Sum {
    fn add(&mut self, told: &Told<'_>) {
        add_difference(&mut self.difference, &told.difference());
        let Some(run) = &told.here else { return };
        let summary = &mut self.summary;
        summary.subjects += 1;
        summary.subjects_with_episodes += u32::from(!run.episodes.is_empty());
        summary.flaps += number_of(flaps(&run.episodes, &run.periods));
        summary.firing += u32::from(run.phase() == Phase::Firing);
        summary.pending += u32::from(run.phase() == Phase::Pending);
        for episode in &run.episodes {
            if episode.fired.is_some() {
                self.lengths.push(run.length(episode));
                *summary.severities.entry(episode.severity.to_string()).or_default() += 1;
            } else {
                summary.pending_only += 1;
            }
        }
        for (episode, known) in told.known() {
            let fired = u32::from(episode.fired.is_some());
            match known {
                Known::Both => {}
                Known::NowOnly => summary.now_only += fired,
                Known::ThenOnly => summary.then_only += fired,
            }
        }
        if let Some(sent) = told.sent {
            add_counts(&mut self.sent, &sent.counts);
        }
        for point in run.points.iter().filter(|point| told.window.tells(point.period)) {
            let (firing, pending) = self.bars.entry(point.period).or_default();
            *firing += u32::from(point.state.phase == Phase::Firing);
            *pending += u32::from(point.state.phase == Phase::Pending);
        }
    }

    fn summary(mut self, replay: &Replay) -> BacktestSummary {
        self.lengths.sort_unstable();
        let middle = self.lengths.len().saturating_sub(1) / 2;
        let skipped = self.bars.len().saturating_sub(MOST_PERIODS);
        let bars = self.bars.iter().map(|(period, (firing, pending))| BacktestBar {
            period: period.to_string(),
            firing: *firing,
            pending: *pending,
        });
        let [here, there] = [0, 1].map(|side| replay.courses.get(side));
        BacktestSummary {
            rule: here.map(|course| course.rule.rule.clone()),
            revision: here.map(|course| course.revision).unwrap_or_default(),
            limit: here.map(|course| course.rule.limit()).unwrap_or_default(),
            episodes: number_of(self.lengths.len()),
            longest: self.lengths.last().copied().unwrap_or_default(),
            median: self.lengths.get(middle).copied().unwrap_or_default(),
            most_open: self.bars.values().map(|(firing, pending)| firing + pending).max().unwrap_or_default(),
            bars: bars.skip(skipped).collect(),
            sent: Some(self.sent),
            difference: there.map(|_| self.difference),
            against_revision: there.map(|course| course.revision).unwrap_or_default(),
            position: replay.position,
            releases: replay.releases,
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
