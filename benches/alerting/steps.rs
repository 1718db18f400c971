//! How long a step of an expression takes: the limits on steps rest on it. Rules that do as much as they can
//! in a step are evaluated on figures, on one thread.
use orewatch_contracts::alerting::v1::{AlertEvent, RulePut};
use orewatch_rules::cost::Limits;
use orewatch_rules::decide::{EvaluationInput, evaluate};
use orewatch_rules::evolve::{Mark, RulesState};
use orewatch_rules::figures::Figures;
use orewatch_rules::rulebook::Rulebook;
use orewatch_rules::rules::{check, parse};

use crate::evaluation::{World, timed};
use crate::{print_head, print_row};

/// Expressions that each use one kind of operation up to its limit.
const EXPRESSIONS: [&str; 8] = [
    "value > 0.5",
    "series.all(a, series.all(b, a + b >= 0.0))",
    "series.exists(a, series.exists(b, a - b > 2.0))",
    "size(series.map(a, a + 1.0)) > 0",
    "size(series.map(a, series.map(b, a))) > 0",
    "size(series.filter(a, a in series)) > 0",
    "size([period, period].map(p, p + p + p + p)) > 0",
    "series + series + series + series == series",
];

pub(crate) fn report(runs: usize) {
    let world = World {
        materials: vec!["cobalt"],
        consumers: vec!["DEU", "JPN", "USA", "FRA"],
        suppliers: vec!["CHN", "COD", "AUS", "CHL"],
        periods: 24,
    };
    print_head(
        &format!("{} subjects of {} periods", world.per_market(), world.periods),
        &["steps", "CPU s", "ns a step"],
    );
    for expression in EXPRESSIONS {
        let taken: Vec<(u64, f64)> = (0..runs).map(|_| run(&world, expression)).collect();
        let steps = taken[0].0;
        let cpu = taken.iter().map(|(_, cpu)| *cpu).fold(f64::INFINITY, f64::min);
        let each = cpu * 1e9 / steps as f64;
        print_row(expression, &[steps.to_string(), format!("{cpu:.3}"), format!("{each:.0}")]);
    }
}

/// Steps and CPU seconds of the first evaluation.
fn run(world: &World, expression: &str) -> (u64, f64) {
    let text = format!("id: r\ntitle: T\nmeasure: import-share\nwhen: {{cel: '{expression}'}}\n");
    let rule = parse("r.yaml", text.as_bytes()).expect("a rule").remove(0);
    let checked = check(&rule).expect("sound");
    let mut state = RulesState::default();
    let put = AlertEvent::RulePut(RulePut { rule: Some(rule), revision: 1, ..RulePut::default() });
    state.fold(1, jiff::Timestamp::UNIX_EPOCH, put).expect("it follows");
    let rules = Rulebook::at(&state, 1);
    let mut figures = Figures::new(rules.kept());
    for period in 0..world.periods {
        figures.apply(1, &world.change("cobalt", period, 0.0)).expect("sound");
    }
    let mark = Mark { exposures: 1, rules: 1, as_at: None };
    let limits = Limits { rule: u64::MAX, all: u64::MAX };
    let (outcome, cost) = timed(|| {
        evaluate(EvaluationInput {
            state: &state,
            mark,
            rules: &rules,
            figures: &figures,
            change: None,
            limits,
        })
    });
    assert!(outcome.suspended.is_empty(), "{expression} runs to its end");
    (figures.cost(&checked).steps, cost.cpu)
}
