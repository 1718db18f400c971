//! What a commit costs to evaluate. Rules watch one consumer's shares of a material each; a release gives new figures to so many
//! of the exposures that are live. All of it is pure and runs on one thread.
use std::time::Instant;

use orewatch_alerting::alert::alert_of;
use orewatch_alerting::cost::Limits;
use orewatch_alerting::decide::{Intake, Restated, evaluate};
use orewatch_alerting::evolve::{Mark, State};
use orewatch_alerting::facts::Fact;
use orewatch_alerting::figures::{Figures, Touched};
use orewatch_alerting::rulebook::Rulebook;
use orewatch_alerting::rules::check;
use orewatch_catalog::{economies, materials};
use orewatch_contracts::alerting::v1::condition::Line;
use orewatch_contracts::alerting::v1::{
    Condition, EvaluationBegun, ExposuresEvaluated, Rule, RulePut, Selector,
};
use orewatch_contracts::common::v1::Market;
use orewatch_contracts::exposure::v1::{ExposureColumns, ExposuresChanged};

use crate::{Options, head, line, median};

/// The line of every rule: a share above it.
pub(crate) const ABOVE: f64 = 0.5;

/// Which exposures there are: of all materials and periods, of every consumer with every supplier.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) materials: Vec<&'static str>,
    pub(crate) consumers: Vec<&'static str>,
    pub(crate) suppliers: Vec<&'static str>,
    pub(crate) periods: usize,
}

impl World {
    pub(crate) fn of(options: &Options) -> Self {
        let codes: Vec<&str> = economies().iter().map(|economy| economy.iso3).collect();
        let materials: Vec<&str> = materials().iter().map(|material| material.id).collect();
        let consumers: Vec<&str> = codes.iter().copied().take(200).collect();
        let per_market = options.exposures / options.periods / materials.len();
        let suppliers = (per_market / consumers.len()).clamp(1, codes.len());
        let suppliers = codes.into_iter().take(suppliers).collect();
        Self { materials, consumers, suppliers, periods: options.periods }
    }

    pub(crate) fn per_market(&self) -> usize {
        self.consumers.len() * self.suppliers.len()
    }

    pub(crate) fn exposures(&self) -> usize {
        self.materials.len() * self.periods * self.per_market()
    }

    /// Material and consumer that a rule watches.
    pub(crate) fn watched(&self, rule: usize) -> (&'static str, &'static str) {
        let (materials, consumers) = (&self.materials, &self.consumers);
        (materials[rule % materials.len()], consumers[(rule / materials.len()) % consumers.len()])
    }

    /// The period of a number, from 0.
    pub(crate) fn period(number: usize) -> String {
        (2000 + number).to_string()
    }

    /// A share, by the numbers of its consumer, supplier and period.
    pub(crate) fn share(consumer: usize, supplier: usize, period: usize) -> f64 {
        ((consumer * 31 + supplier * 17 + period * 7) as f64 / 97.0).fract()
    }

    /// The shares of a market, moved by the same for all.
    fn change(&self, material: &str, period: usize, shift: f64) -> ExposuresChanged {
        let mut columns = columns(&self.consumers, &self.suppliers);
        for consumer in 0..self.consumers.len() {
            for supplier in 0..self.suppliers.len() {
                push(
                    &mut columns,
                    consumer,
                    supplier,
                    (Self::share(consumer, supplier, period) + shift).fract(),
                );
            }
        }
        let (material, stage) = (material.to_owned(), "refined".to_owned());
        ExposuresChanged {
            market: Some(Market { material, stage, period: Self::period(period) }),
            columns: Some(columns),
            ..ExposuresChanged::default()
        }
    }

    /// The rules, put one after the other.
    fn rules(&self, rules: usize) -> Log {
        let mut log = Log::default();
        for k in 0..rules {
            let (material, consumer) = self.watched(k);
            let rule = check(&rule(k, material, consumer)).expect("sound").rule;
            log.follow(Fact::RulePut(RulePut { rule: Some(rule), revision: 1, ..RulePut::default() }));
        }
        log
    }
}

/// Import shares of consumers by suppliers, none of them yet.
pub(crate) fn columns(consumers: &[&str], suppliers: &[&str]) -> ExposureColumns {
    ExposureColumns {
        consumers: consumers.iter().map(|code| (*code).to_owned()).collect(),
        suppliers: std::iter::once("").chain(suppliers.iter().copied()).map(str::to_owned).collect(),
        measures: vec!["import-share/1".to_owned()],
        ..ExposureColumns::default()
    }
}

/// One share more, by the numbers of its consumer and supplier.
pub(crate) fn push(columns: &mut ExposureColumns, consumer: usize, supplier: usize, share: f64) {
    columns.consumer.push(u32::try_from(consumer).expect("few"));
    columns.supplier.push(u32::try_from(supplier + 1).expect("few"));
    columns.measure.push(0);
    columns.value.push(share);
}

fn rule(k: usize, material: &str, consumer: &str) -> Rule {
    Rule {
        id: format!("r{k}"),
        title: "A share".to_owned(),
        measure: "import-share".to_owned(),
        select: Some(Selector {
            consumers: vec![consumer.to_owned()],
            materials: vec![material.to_owned()],
            ..Selector::default()
        }),
        when: Some(Condition { line: Some(Line::Above(ABOVE)), ..Condition::default() }),
        ..Rule::default()
    }
}

/// A log of which only the fold is kept.
#[derive(Default)]
struct Log {
    state: State,
    position: u64,
}

impl Log {
    fn follow(&mut self, fact: Fact) {
        self.position += 1;
        self.state.fold(self.position, jiff::Timestamp::UNIX_EPOCH, fact).expect("it follows");
    }

    fn open(&self) -> usize {
        let alerts = self.state.alerts().values().filter_map(|record| record.alert.as_ref());
        alerts.filter(|alert| alert.resolved_at.is_empty()).count()
    }
}

/// Seconds of this thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) cpu: f64,
    pub(crate) wall: f64,
}

/// Seconds of processor time of this thread.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
    stat.split_whitespace().next().and_then(|text| text.parse::<f64>().ok()).expect("a number") / 1e9
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let (began, cpu_began) = (Instant::now(), cpu());
    let done = work();
    (done, Cost { cpu: cpu() - cpu_began, wall: began.elapsed().as_secs_f64() })
}

/// What one run came to.
#[derive(Debug)]
pub(crate) struct Run {
    checked: Cost,
    folded: Cost,
    /// All rules on all exposures.
    pub(crate) first: Cost,
    /// The figures of a release folded, and what it touches evaluated.
    pub(crate) commit: Cost,
    pub(crate) moved: usize,
    /// Alerts that are open after the first evaluation.
    pub(crate) open: usize,
    transitions: usize,
}

pub(crate) fn run(world: &World, rules: usize, moved: usize) -> Run {
    let mut log = world.rules(rules);
    let put = log.position;
    let begun = |exposures| Mark { exposures, rules: put, as_at: None };
    let (book, checked) = timed(|| Rulebook::at(&log.state, put));
    let mut figures = Figures::new(book.kept());
    let ((), folded) = timed(|| {
        for material in &world.materials {
            for period in 0..world.periods {
                figures.apply(1, &world.change(material, period, 0.0)).expect("sound");
            }
        }
    });
    log.follow(Fact::Begun(EvaluationBegun::from(begun(1))));
    let limits = Limits::default();
    let (outcome, first) = timed(|| {
        let (state, mark) = (&log.state, begun(1));
        evaluate(Intake { state, mark, rules: &book, figures: &figures, restated: None, limits })
    });
    for event in outcome.planned.into_iter().flat_map(|planned| planned.events) {
        log.follow(Fact::Alert(event));
    }
    log.follow(Fact::Evaluated(ExposuresEvaluated { position: 1, ..ExposuresEvaluated::default() }));

    let touched = (moved / world.per_market()).clamp(1, world.materials.len());
    let changes: Vec<_> = world.materials[..touched]
        .iter()
        .map(|material| (*material, world.change(material, world.periods - 1, 0.31)))
        .collect();
    let (transitions, commit) = timed(|| {
        let mut transitions = 0;
        for (material, change) in &changes {
            let before = figures.clone();
            let mut touched = Touched::default();
            figures.apply_noting(2, change, &mut touched).expect("sound");
            let restated = Restated { material, cause: None, before: &before, touched: Some(&touched) };
            let (state, mark, restated) = (&log.state, begun(2), Some(restated));
            let outcome = evaluate(Intake { state, mark, rules: &book, figures: &figures, restated, limits });
            transitions +=
                outcome.planned.iter().flat_map(|planned| &planned.events).filter_map(alert_of).count();
        }
        transitions
    });
    let (moved, open) = (touched * world.per_market(), log.open());
    Run { checked, folded, first, commit, moved, open, transitions }
}

/// The medians of some runs.
pub(crate) fn middle(runs: &[Run], of: impl Fn(&Run) -> Cost) -> Cost {
    let over = |seconds: fn(Cost) -> f64| median(runs.iter().map(|run| seconds(of(run))).collect());
    Cost { cpu: over(|cost| cost.cpu), wall: over(|cost| cost.wall) }
}

pub(crate) fn tell(options: &Options) {
    let world = World::of(options);
    let runs: Vec<Run> = (0..options.runs).map(|_| run(&world, options.rules, options.moved)).collect();
    let Run { moved, open, transitions, .. } = runs[0];
    head(&format!("{} rules, {} exposures", options.rules, world.exposures()), &["CPU s", "wall s"]);
    let row = |what: &str, of: fn(&Run) -> Cost| {
        let Cost { cpu, wall } = middle(&runs, of);
        line(what, &[format!("{cpu:.3}"), format!("{wall:.3}")]);
    };
    row("rules checked and found by what they watch", |run| run.checked);
    row("exposures folded", |run| run.folded);
    row(&format!("first evaluation of everything: {open} open"), |run| run.first);
    row(&format!("a commit that moves {moved}: {transitions} transitions"), |run| run.commit);
}
