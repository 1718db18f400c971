//! Cost of evaluating a commit. Each rule watches the shares of one consumer in one material; a release
//! changes some of the current exposures. Everything is pure code on one thread.
use std::time::Instant;

use orewatch_catalog::{economies, materials};
use orewatch_contracts::alerting::v1::condition::Line;
use orewatch_contracts::alerting::v1::{
    AlertEvent, Condition, EvaluationBegun, ExposuresEvaluated, Rule, RulePut, Selector,
};
use orewatch_contracts::common::v1::Market;
use orewatch_contracts::exposure::v1::{ExposureColumns, ExposuresChanged};
use orewatch_rules::alert::alert_of;
use orewatch_rules::cost::Limits;
use orewatch_rules::decide::{
    EvaluationInput, MaterialChange, OutcomeSink, RuleOutcome, evaluate, evaluate_each,
};
use orewatch_rules::evolve::{Mark, RulesState};
use orewatch_rules::figures::{Figures, Touched};
use orewatch_rules::rulebook::Rulebook;
use orewatch_rules::rules::check;

use crate::{Options, median, print_head, print_row};

/// The line of every rule: it is crossed by shares above.
pub(crate) const ABOVE: f64 = 0.5;

/// Number of transitions that the worker records together.
const SLICE: usize = 4096;

/// The exposures: of all materials and periods, and of every consumer with every supplier.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) materials: Vec<&'static str>,
    pub(crate) consumers: Vec<&'static str>,
    pub(crate) suppliers: Vec<&'static str>,
    pub(crate) periods: usize,
}

impl World {
    pub(crate) fn new(options: &Options) -> Self {
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

    /// Material and consumer that a rule watches, by the number of the rule.
    pub(crate) fn watched(&self, rule: usize) -> (&'static str, &'static str) {
        let (materials, consumers) = (&self.materials, &self.consumers);
        (materials[rule % materials.len()], consumers[(rule / materials.len()) % consumers.len()])
    }

    /// The period with a number, from 0.
    pub(crate) fn period(number: usize) -> String {
        (2000 + number).to_string()
    }

    /// The share for the numbers of a consumer, a supplier and a period.
    pub(crate) fn share(consumer: usize, supplier: usize, period: usize) -> f64 {
        ((consumer * 31 + supplier * 17 + period * 7) as f64 / 97.0).fract()
    }

    /// The shares of a market, all shifted by the same amount.
    pub(crate) fn change(&self, material: &str, period: usize, shift: f64) -> ExposuresChanged {
        let mut columns = empty_columns(&self.consumers, &self.suppliers);
        for consumer in 0..self.consumers.len() {
            for supplier in 0..self.suppliers.len() {
                push_share(
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

    /// A log with all rules.
    fn rules(&self, rules: usize) -> Log {
        let mut log = Log::default();
        for k in 0..rules {
            let (material, consumer) = self.watched(k);
            let rule = check(&rule(k, material, consumer)).expect("sound").rule;
            log.follow(AlertEvent::RulePut(RulePut { rule: Some(rule), revision: 1, ..RulePut::default() }));
        }
        log
    }
}

/// Empty columns for import shares of consumers by supplier.
pub(crate) fn empty_columns(consumers: &[&str], suppliers: &[&str]) -> ExposureColumns {
    ExposureColumns {
        consumers: consumers.iter().map(|code| (*code).to_owned()).collect(),
        suppliers: std::iter::once("").chain(suppliers.iter().copied()).map(str::to_owned).collect(),
        measures: vec!["import-share/1".to_owned()],
        ..ExposureColumns::default()
    }
}

/// Adds a share, by the numbers of its consumer and supplier.
pub(crate) fn push_share(columns: &mut ExposureColumns, consumer: usize, supplier: usize, share: f64) {
    columns.consumer.push(u32::try_from(consumer).expect("few"));
    columns.supplier.push(u32::try_from(supplier + 1).expect("few"));
    columns.measure.push(0);
    columns.value.push(share);
}

pub(crate) fn rule(k: usize, material: &str, consumer: &str) -> Rule {
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

/// A log of which only the folded state is kept.
#[derive(Default)]
struct Log {
    state: RulesState,
    position: u64,
}

impl Log {
    fn follow(&mut self, fact: AlertEvent) {
        self.position += 1;
        self.state.fold(self.position, jiff::Timestamp::UNIX_EPOCH, fact).expect("it follows");
    }

    fn open(&self) -> usize {
        let alerts = self.state.alerts().values().filter_map(|record| record.alert.as_ref());
        alerts.filter(|alert| alert.resolved_at.is_empty()).count()
    }
}

/// CPU and wall-clock seconds of this thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) cpu: f64,
    pub(crate) wall: f64,
}

/// CPU seconds of this thread so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
    stat.split_whitespace().next().and_then(|text| text.parse::<f64>().ok()).expect("a number") / 1e9
}

pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let (began, cpu_began) = (Instant::now(), cpu_seconds());
    let done = work();
    (done, Cost { cpu: cpu_seconds() - cpu_began, wall: began.elapsed().as_secs_f64() })
}

/// Results of one run.
#[derive(Debug)]
pub(crate) struct Run {
    checked: Cost,
    folded: Cost,
    /// Cost of evaluating all rules on all exposures.
    pub(crate) first: Cost,
    /// Cost of folding a release and evaluating what it touches.
    pub(crate) commit: Cost,
    pub(crate) moved: usize,
    /// Number of open alerts after the first evaluation.
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
    log.follow(AlertEvent::EvaluationBegun(EvaluationBegun::from(begun(1))));
    let limits = Limits::default();
    let (outcome, first) = timed(|| {
        let (state, mark) = (&log.state, begun(1));
        evaluate(EvaluationInput { state, mark, rules: &book, figures: &figures, change: None, limits })
    });
    for event in outcome.planned.into_iter().flat_map(|planned| planned.events) {
        log.follow(AlertEvent::from(event));
    }
    log.follow(AlertEvent::ExposuresEvaluated(ExposuresEvaluated {
        position: 1,
        ..ExposuresEvaluated::default()
    }));

    let touched = (moved / world.per_market()).clamp(1, world.materials.len());
    let changes: Vec<_> = world.materials[..touched]
        .iter()
        .map(|material| (*material, world.change(material, world.periods - 1, 0.31)))
        .collect();
    let (transitions, commit) = timed(|| {
        let mut transitions = 0;
        for (material, changed) in &changes {
            let before = figures.clone();
            let mut touched = Touched::default();
            figures.apply_recording(2, changed, &mut touched).expect("sound");
            let change = MaterialChange {
                materials: &[material],
                cause: None,
                before: &before,
                touched: Some(&touched),
            };
            let (state, mark, change) = (&log.state, begun(2), Some(change));
            let intake = EvaluationInput { state, mark, rules: &book, figures: &figures, change, limits };
            let mut taker = Collector::default();
            assert!(evaluate_each(intake, &mut taker));
            transitions += taker.transitions;
        }
        transitions
    });
    let (moved, open) = (touched * world.per_market(), log.open());
    Run { checked, folded, first, commit, moved, open, transitions }
}

/// Takes the outcomes of rules as the worker of the service does: in slices, which are dropped when they are
/// recorded.
#[derive(Default)]
struct Collector {
    slice: Vec<RuleOutcome>,
    transitions: usize,
}

impl OutcomeSink for Collector {
    fn accept(&mut self, outcome: RuleOutcome) {
        let events = outcome.planned.iter().flat_map(|planned| &planned.events);
        self.transitions += events.filter_map(alert_of).count();
        self.slice.push(outcome);
        if self.slice.iter().map(|outcome| outcome.planned.len()).sum::<usize>() >= SLICE {
            self.slice.clear();
        }
    }
}

/// Median costs of several runs.
pub(crate) fn median_cost(runs: &[Run], of: impl Fn(&Run) -> Cost) -> Cost {
    let over = |seconds: fn(Cost) -> f64| median(runs.iter().map(|run| seconds(of(run))).collect());
    Cost { cpu: over(|cost| cost.cpu), wall: over(|cost| cost.wall) }
}

pub(crate) fn report(options: &Options) {
    let world = World::new(options);
    let runs: Vec<Run> = (0..options.runs).map(|_| run(&world, options.rules, options.moved)).collect();
    let Run { moved, open, transitions, .. } = runs[0];
    print_head(&format!("{} rules, {} exposures", options.rules, world.exposures()), &["CPU s", "wall s"]);
    let row = |what: &str, of: fn(&Run) -> Cost| {
        let Cost { cpu, wall } = median_cost(&runs, of);
        print_row(what, &[format!("{cpu:.3}"), format!("{wall:.3}")]);
    };
    let least = |of: fn(&Run) -> Cost| runs.iter().map(|run| of(run).cpu).fold(f64::INFINITY, f64::min);
    row("rules checked and found by what they watch", |run| run.checked);
    row("exposures folded", |run| run.folded);
    row(&format!("first evaluation of everything: {open} open"), |run| run.first);
    row(&format!("a commit that moves {moved}: {transitions} transitions"), |run| run.commit);
    println!("  the commit at least {:.3} CPU s", least(|run| run.commit));
}
