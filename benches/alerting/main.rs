//! What a commit costs to evaluate, and a restart from a snapshot's fold.
//!
//! `just bench-alerting [--rules N] [--exposures N] [--moved N] [--periods N]`. Rules watch one consumer's shares of a material
//! each; a release gives new figures to so many of the exposures that are live. Told are seconds of processor time and of the wall.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    reason = "a benchmark: it prints, and stops at the first thing that is wrong"
)]

use std::env;
use std::time::Instant;

use orewatch_alerting::alert::alert_of;
use orewatch_alerting::decide::{Restated, evaluate};
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

struct Options {
    rules: usize,
    exposures: usize,
    moved: usize,
    periods: usize,
}

fn options() -> Options {
    let mut options = Options { rules: 10_000, exposures: 1_000_000, moved: 100_000, periods: 5 };
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(flag) = args.next() {
        let number = args.next().and_then(|value| value.parse().ok()).expect("a number after the flag");
        match flag.as_str() {
            "--rules" => options.rules = number,
            "--exposures" => options.exposures = number,
            "--moved" => options.moved = number,
            "--periods" => options.periods = number,
            _ => panic!("{flag} is none of --rules, --exposures, --moved, --periods"),
        }
    }
    options
}

/// Seconds of processor time of this thread.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
    stat.split_whitespace().next().and_then(|text| text.parse::<f64>().ok()).expect("a number") / 1e9
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let (began, cpu_began) = (Instant::now(), cpu());
    let done = work();
    println!("{what:<58}{:>9.3} s CPU{:>9.3} s", cpu() - cpu_began, began.elapsed().as_secs_f64());
    done
}

/// The shares of a market: every consumer with every supplier.
fn change(
    material: &str,
    year: usize,
    consumers: &[&str],
    suppliers: &[&str],
    shift: f64,
) -> ExposuresChanged {
    let mut columns = ExposureColumns {
        consumers: consumers.iter().map(|code| (*code).to_owned()).collect(),
        suppliers: std::iter::once("").chain(suppliers.iter().copied()).map(str::to_owned).collect(),
        measures: vec!["import-share/1".to_owned()],
        ..ExposureColumns::default()
    };
    for consumer in 0..consumers.len() {
        for supplier in 0..suppliers.len() {
            columns.consumer.push(u32::try_from(consumer).expect("few"));
            columns.supplier.push(u32::try_from(supplier + 1).expect("few"));
            columns.measure.push(0);
            columns.value.push(((consumer * 31 + supplier * 17 + year * 7) as f64 / 97.0 + shift).fract());
        }
    }
    let (material, stage, period) = (material.to_owned(), "refined".to_owned(), (2000 + year).to_string());
    ExposuresChanged {
        market: Some(Market { material, stage, period }),
        columns: Some(columns),
        ..ExposuresChanged::default()
    }
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
        when: Some(Condition { line: Some(Line::Above(0.5)), ..Condition::default() }),
        ..Rule::default()
    }
}

fn follow(state: &mut State, position: &mut u64, fact: Fact) {
    *position += 1;
    state.fold(*position, jiff::Timestamp::UNIX_EPOCH, fact).expect("it follows");
}

fn main() {
    let Options { rules, exposures, moved, periods } = options();
    let codes: Vec<&str> = economies().iter().map(|economy| economy.iso3).collect();
    let ids: Vec<&str> = materials().iter().map(|material| material.id).collect();
    let consumers = &codes[..codes.len().min(200)];
    let per_market = (exposures / periods / ids.len()).max(1);
    let suppliers = &codes[..(per_market / consumers.len()).clamp(1, codes.len())];
    let (mut state, mut position) = (State::default(), 0);
    for k in 0..rules {
        let rule = check(&rule(k, ids[k % ids.len()], consumers[(k / ids.len()) % consumers.len()]))
            .expect("sound")
            .rule;
        let put = RulePut { rule: Some(rule), revision: 1, ..RulePut::default() };
        follow(&mut state, &mut position, Fact::RulePut(put));
    }
    let put = position;
    let begun = |exposures| Mark { exposures, rules: put, as_at: None };
    let book = timed("rules checked and found by what they watch", || Rulebook::at(&state, put));
    let mut figures = Figures::new(book.kept());
    timed("exposures folded", || {
        for material in &ids {
            for year in 0..periods {
                figures.apply(&change(material, year, consumers, suppliers, 0.0)).expect("sound");
            }
        }
    });
    let live = ids.len() * periods * consumers.len() * suppliers.len();
    follow(&mut state, &mut position, Fact::Begun(EvaluationBegun::from(begun(1))));
    let first = timed("first evaluation of all rules on all of them", || {
        evaluate(&state, begun(1), &book, &figures, None)
    });
    for event in first.planned.into_iter().flat_map(|planned| planned.events) {
        follow(&mut state, &mut position, Fact::Alert(event));
    }
    follow(&mut state, &mut position, Fact::Evaluated(ExposuresEvaluated { position: 1 }));
    let open = state
        .alerts()
        .values()
        .filter(|record| record.alert.as_ref().is_some_and(|alert| alert.resolved_at.is_empty()));
    println!("{rules} rules, {live} exposures, {} alerts, {} open", state.alerts().len(), open.count());

    let per_release = consumers.len() * suppliers.len();
    let touched_materials = (moved / per_release).clamp(1, ids.len());
    let changes: Vec<_> = ids[..touched_materials]
        .iter()
        .map(|material| (*material, change(material, periods - 1, consumers, suppliers, 0.31)))
        .collect();
    let events = timed(&format!("a commit that moves {} exposures", touched_materials * per_release), || {
        let mut events = 0;
        for (material, change) in &changes {
            let before = figures.clone();
            let mut touched = Touched::default();
            figures.apply_noting(change, &mut touched).expect("sound");
            let restated = Restated { material, cause: None, before: &before, touched: Some(&touched) };
            let outcome = evaluate(&state, begun(2), &book, &figures, Some(restated));
            events += outcome.planned.iter().flat_map(|planned| &planned.events).filter_map(alert_of).count();
        }
        events
    });
    println!("{events} transitions follow from it");
}
