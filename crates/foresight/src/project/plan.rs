//! Draws of future supply.
//!
//! A draw decides for every project whether and when it is built, and adds up supply by economy and year.
//! What is drawn for a project follows from the seed, its identifier and the number of the draw alone
//! ([`Stream`]), so draws can be computed in any order and on any number of threads.
//!
//! Time is counted in whole ticks of 2^-16 years (eight minutes), in integers: no processor rounds it
//! differently. Output rises linearly, so a project changes the slope of its economy's curve twice: each
//! change is two additions, whatever the number of years, and the curve follows by adding up twice.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use orewatch_catalog::{Basis, Stage};

use super::hazard::Hazards;
use super::row::{BadProject, Project, ProjectProblem, ProjectStatus};
use crate::Stream;
use crate::number::is_share;

/// Most draws of a run.
pub const MAX_DRAWS: u32 = 1_000_000;

/// Most years of a plan, and most projects.
const MAX_YEARS: usize = 64;
const MAX_PROJECTS: usize = 10_000;

/// Binary digits of a tick.
const TICK_BITS: u32 = 16;
const TICKS_PER_YEAR: f64 = 65_536.0;

/// How late a project is beside its announced start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delay {
    /// Share of projects that are late, 0 to 1.
    pub share: f64,
    /// Least delay of one that is, in years.
    pub least: f64,
    /// Greatest delay, in years. Delays between are equally likely.
    pub most: f64,
}

impl Delay {
    /// Every project starts when it was announced to.
    pub const NONE: Self = Self { share: 0.0, least: 0.0, most: 0.0 };
}

/// Whether projects are built.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Prospects {
    /// As probable as the hazards say, and not before they say so.
    Hazards(Hazards),
    /// Every one with this probability, at its announced time.
    Fixed(f64),
}

/// Which projects count, and how they are believed. The same draws are used for each, so the curves differ by
/// that alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Curve {
    /// Projects that are committed, as probable as they are.
    Committed,
    /// All projects, as probable as they are.
    Expected,
    /// All projects, each built as announced.
    Announced,
}

impl Curve {
    /// All curves, from the least to the most supply.
    pub const ALL: [Self; 3] = [Self::Committed, Self::Expected, Self::Announced];

    /// The identifier.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Expected => "expected",
            Self::Announced => "announced",
        }
    }

    fn includes(self, project: &Project) -> bool {
        project.status.may_add() && (self != Self::Committed || project.status == ProjectStatus::Committed)
    }
}

/// What draws are made from: one material at one stage.
#[derive(Clone, Debug)]
pub struct SupplySetup<'a> {
    /// Material of the supply and of all projects.
    pub material: &'a str,
    /// Stage of the supply and of all projects.
    pub stage: Stage,
    /// Basis of the supply and of all projects.
    pub basis: Basis,
    /// The year that statuses describe; hazards count from its end.
    pub as_of: i16,
    /// The years whose supply is drawn.
    pub years: Range<i16>,
    /// Supply by economy that goes on as it is, in kilotonnes a year.
    pub today: &'a [(String, f64)],
    /// The projects. Those that operate, are suspended or cancelled add nothing.
    pub projects: &'a [Project],
    /// Whether projects are built.
    pub prospects: Prospects,
    /// Probabilities of one's own by project, each at the announced time. They replace the prospects.
    pub own: &'a BTreeMap<String, f64>,
    /// How late projects are.
    pub delay: Delay,
    /// Years from the start to full output, above 0: about 2 for a refinery, 3 for a mine.
    pub ramp_years: f64,
    /// Output of a running plant as a share of its capacity, 0 to 1.
    pub utilisation: f64,
    /// The seed of all draws.
    pub seed: u64,
}

/// Projects and supply, ready to be drawn.
#[derive(Clone, Debug)]
pub struct SupplyPlan {
    first_year: i16,
    years: usize,
    economies: Vec<String>,
    /// Supply today by economy.
    today: Vec<f64>,
    /// By identifier of the project.
    steps: Vec<Step>,
}

/// What is drawn for one project.
#[derive(Clone, Debug)]
struct Step {
    project: String,
    stream: Stream,
    /// Place of the economy's first year in the table of a draw.
    offset: usize,
    /// Output that is added a year while it rises.
    slope: f64,
    /// The draws up to which it is built by each year.
    built: Vec<u32>,
    /// The number of years.
    years: i32,
    /// Ticks from the first year to the earliest start.
    start: i32,
    /// Ticks of the window of the start.
    window: i32,
    /// The draws up to which it is late.
    late: u32,
    least_delay: i32,
    delay_window: i32,
    ramp: i32,
}

impl SupplyPlan {
    /// Prepares draws of one curve.
    ///
    /// # Errors
    /// [`BadSupplyPlan`] if a project or a parameter cannot be used.
    pub fn new(setup: &SupplySetup<'_>, curve: Curve) -> Result<Self, BadSupplyPlan> {
        let years = check(setup)?;
        let mut projects: Vec<&Project> = setup.projects.iter().collect();
        projects.sort_by(|a, b| a.id.cmp(&b.id));
        let named = setup.today.iter().map(|(economy, _)| economy);
        let places: BTreeSet<&String> =
            named.chain(projects.iter().map(|project| &project.economy)).collect();
        let economies: Vec<String> = places.into_iter().cloned().collect();
        let mut today = vec![0.0; economies.len()];
        for (economy, supply) in setup.today {
            let place = economies.binary_search(economy).ok();
            if let Some(total) = place.and_then(|place| today.get_mut(place)) {
                *total += supply;
            }
        }
        let step = |project: &&Project| {
            let place = economies.binary_search(&project.economy).unwrap_or_default();
            Step::new(setup, curve, project, place * years, years)
        };
        let steps = projects.iter().filter(|project| curve.includes(project)).map(step).collect();
        Ok(Self { first_year: setup.years.start, years, economies, today, steps })
    }

    /// The years whose supply is drawn.
    pub fn years(&self) -> impl Iterator<Item = i16> + use<> {
        (self.first_year..).take(self.years)
    }

    /// Place of a year. `None`: it is not drawn.
    pub(super) fn place_of_year(&self, year: i16) -> Option<usize> {
        let place = usize::try_from(i32::from(year) - i32::from(self.first_year)).ok()?;
        (place < self.years).then_some(place)
    }

    /// The economies with supply or projects, by code.
    #[must_use]
    pub fn economies(&self) -> &[String] {
        &self.economies
    }

    /// The projects that are drawn, by identifier.
    pub fn projects(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| step.project.as_str())
    }

    /// Draws supply, and shows each draw: its number, and supply in kilotonnes by economy and then year. A
    /// draw is the same in whatever range it is asked for.
    pub fn run(&self, draws: Range<u32>, mut show: impl FnMut(u32, &[f64])) {
        let mut table = vec![0.0; self.economies.len() * self.years];
        for draw in draws {
            self.draw(draw, &mut table);
            show(draw, &table);
        }
    }

    /// Fills the table of one draw. Apart from [`Self::run`], so that it is compiled and optimised once.
    fn draw(&self, draw: u32, table: &mut [f64]) {
        table.fill(0.0);
        for step in &self.steps {
            step.add(draw, table, self.years);
        }
        for (curve, today) in table.chunks_mut(self.years.max(1)).zip(&self.today) {
            add_up_twice(curve, *today);
        }
    }

    /// Whether the project at a place runs in a year of a draw, at least in part.
    pub(super) fn is_running(&self, place: usize, draw: u32, year: usize) -> bool {
        let begin = self.steps.get(place).and_then(|step| step.begin(draw));
        begin.is_some_and(|begin| i32::try_from(year << TICK_BITS).is_ok_and(|year| begin < year))
    }
}

impl Step {
    fn new(setup: &SupplySetup<'_>, curve: Curve, project: &Project, offset: usize, years: usize) -> Self {
        let certain = curve == Curve::Announced;
        let delay = if certain { Delay::NONE } else { setup.delay };
        let own = setup.own.get(&project.id).copied();
        let prospects =
            if certain { Prospects::Fixed(1.0) } else { own.map_or(setup.prospects, Prospects::Fixed) };
        let built = built_by(setup, prospects, project, years);
        let first = f64::from(setup.years.start);
        Self {
            project: project.id.clone(),
            stream: Stream::new(setup.seed, &project.id),
            offset,
            slope: project.capacity_kt * setup.utilisation
                / (f64::from(ticks(setup.ramp_years)) / TICKS_PER_YEAR),
            years: i32::try_from(years).unwrap_or(i32::MAX),
            built: built.into_iter().map(limit).collect(),
            start: ticks(project.start_from - first),
            window: ticks(project.start_to - project.start_from),
            late: limit(delay.share),
            least_delay: ticks(delay.least),
            delay_window: ticks(delay.most - delay.least),
            ramp: ticks(setup.ramp_years),
        }
    }

    /// When the project begins to produce in a draw, in ticks from the first year. `None`: never.
    fn begin(&self, draw: u32) -> Option<i32> {
        let [fate, start, size, late] = self.stream.words(draw);
        // No draw is 0, so that nothing happens with a probability of 0: its limit is 0, and that of 1 is the
        // greatest draw. All years are compared, because guessing where to stop takes a processor longer.
        let (fate, late) = (fate | 1, late | 1);
        let year: u32 = self.built.iter().map(|limit| u32::from(fate > *limit)).sum();
        let year = i32::try_from(year).unwrap_or(i32::MAX);
        if year >= self.years {
            return None;
        }
        let delay = if late <= self.late { self.least_delay + scaled(size, self.delay_window) } else { 0 };
        let announced = self.start + scaled(start, self.window) + delay;
        // What is built by the first year may have been built at any time before.
        Some(if year > 0 { announced.max(year << TICK_BITS) } else { announced })
    }

    fn add(&self, draw: u32, table: &mut [f64], years: usize) {
        if let (Some(begin), Some(curve)) =
            (self.begin(draw), table.get_mut(self.offset..self.offset + years))
        {
            bend(curve, begin, self.slope);
            bend(curve, begin + self.ramp, -self.slope);
        }
    }
}

/// Adds the second differences of `slope * max(0, year - at)`: a curve that is flat until `at` ticks and then
/// rises.
fn bend(curve: &mut [f64], at: i32, slope: f64) {
    let year = (at >> TICK_BITS).max(-1);
    let part = f64::from(at - (year << TICK_BITS)) / TICKS_PER_YEAR;
    let Ok(place) = usize::try_from(year + 1) else { return };
    if let Some(value) = curve.get_mut(place) {
        *value += slope * (1.0 - part);
    }
    if let Some(value) = curve.get_mut(place + 1) {
        *value += slope * part;
    }
}

/// Turns second differences into values, on top of a constant.
fn add_up_twice(curve: &mut [f64], constant: f64) {
    let (mut rise, mut value) = (0.0, 0.0);
    for slot in curve {
        rise += *slot;
        value += rise;
        *slot = value + constant;
    }
}

/// Checks all of a setup. Returns the number of years.
fn check(setup: &SupplySetup<'_>) -> Result<usize, BadSupplyPlan> {
    let years =
        usize::try_from(i32::from(setup.years.end) - i32::from(setup.years.start)).unwrap_or_default();
    let in_calendar = 1900 <= setup.as_of && setup.as_of <= setup.years.start && setup.years.start <= 2100;
    if !(1..=MAX_YEARS).contains(&years) || !in_calendar {
        let (from, to) = (setup.years.start, setup.years.end);
        return Err(BadSupplyPlan::Years { as_of: setup.as_of, from, to });
    }
    if setup.projects.len() > MAX_PROJECTS {
        return Err(BadSupplyPlan::Projects { count: setup.projects.len() });
    }
    let delay = setup.delay;
    let in_order = 0.0 <= delay.least && delay.least <= delay.most && delay.most <= 100.0;
    let parameters = [
        ("share of late projects", delay.share, is_share(delay.share)),
        ("delay", delay.most, in_order),
        ("time to full output", setup.ramp_years, (0.1..=100.0).contains(&setup.ramp_years)),
        ("utilisation", setup.utilisation, is_share(setup.utilisation)),
        ("probability of projects", setup.prospects.fixed(), is_share(setup.prospects.fixed())),
    ];
    if let Some((parameter, value, _)) = parameters.into_iter().find(|(.., is_good)| !is_good) {
        return Err(BadSupplyPlan::Parameter { parameter, value });
    }
    let wrong = setup.today.iter().find(|(_, supply)| !(supply.is_finite() && *supply >= 0.0));
    if let Some((economy, supply)) = wrong {
        return Err(BadSupplyPlan::Supply { economy: economy.clone(), value: *supply });
    }
    let mut seen = BTreeSet::new();
    for project in setup.projects {
        check_project(setup, project, seen.insert(&project.id))?;
    }
    Ok(years)
}

fn check_project(setup: &SupplySetup<'_>, project: &Project, is_new: bool) -> Result<(), BadProject> {
    project.check()?;
    let own = setup.own.get(&project.id).copied().filter(|probability| !is_share(*probability));
    let problem = if !is_new {
        ProjectProblem::Twice
    } else if project.material != setup.material || project.stage != setup.stage {
        ProjectProblem::Market { material: project.material.clone(), stage: project.stage }
    } else if project.basis != setup.basis {
        ProjectProblem::Basis { basis: project.basis, wanted: setup.basis }
    } else if let Some(value) = own {
        ProjectProblem::Probability { value }
    } else {
        return Ok(());
    };
    Err(BadProject { project: project.id.clone(), problem })
}

impl Prospects {
    /// The fixed probability; 1 where there is none.
    fn fixed(&self) -> f64 {
        match self {
            Self::Fixed(probability) => *probability,
            Self::Hazards(_) => 1.0,
        }
    }
}

/// Probability that a project is built by each year of the plan.
fn built_by(setup: &SupplySetup<'_>, prospects: Prospects, project: &Project, years: usize) -> Vec<f64> {
    match prospects {
        Prospects::Fixed(probability) => vec![probability; years],
        Prospects::Hazards(hazards) => {
            let passed = i32::from(setup.years.start) - i32::from(setup.as_of);
            let passed = usize::try_from(passed).unwrap_or_default();
            let is_committed = project.status == ProjectStatus::Committed;
            let within = hazards.built_within(is_committed, passed + years);
            within.into_iter().skip(passed).take(years).collect()
        }
    }
}

/// A part of a window, from a uniform word.
fn scaled(word: u32, window: i32) -> i32 {
    i32::try_from((i64::from(word) * i64::from(window)) >> 32).unwrap_or_default()
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "all times were checked to be within some hundreds of years"
)]
fn ticks(years: f64) -> i32 {
    (years * TICKS_PER_YEAR).round() as i32
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "probabilities were checked to be within 0 to 1"
)]
fn limit(probability: f64) -> u32 {
    (probability * f64::from(u32::MAX)).round() as u32
}

/// Why nothing can be drawn.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadSupplyPlan {
    /// A project cannot be used.
    #[error(transparent)]
    Project(#[from] BadProject),
    /// The years are not after the year of the statuses, or too many.
    #[error(
        "statuses are of {as_of}, years {from} to {to}: give 1 to {MAX_YEARS} years, none before the statuses"
    )]
    Years {
        /// The year of the statuses.
        as_of: i16,
        /// First year.
        from: i16,
        /// The year after the last.
        to: i16,
    },
    /// There are too many projects.
    #[error("{count} projects are more than {MAX_PROJECTS}: leave out those of other markets")]
    Projects {
        /// Number of projects.
        count: usize,
    },
    /// A parameter is out of range.
    #[error("the {parameter} is {value}: shares are from 0 to 1, times are in years and in order")]
    Parameter {
        /// Which one.
        parameter: &'static str,
        /// Its value.
        value: f64,
    },
    /// Supply that is not a number of at least 0.
    #[error("supply of {economy} is {value}: give kilotonnes a year, at least 0")]
    Supply {
        /// The economy.
        economy: String,
        /// Its supply.
        value: f64,
    },
}
