//! Our side: a ledger for every market.
use std::hint::black_box;
use std::time::Instant;
use std::{array, fs};

use orewatch_measures::{Buyer, Concentration};

use crate::made::Made;
use crate::markets::{Market, Markets};
use crate::tables::float;
use crate::{Run, Tally};

/// Lines of two measures. A figure that moves from one side of its line to the other is a crossing.
const HHI_LINE: f64 = 2500.0;
const TOP1_LINE: f64 = 0.65;

/// Number of explanations that are measured.
const EXPLANATIONS: usize = 10_000;

/// Consumers whose figures are kept: importers and blocs, or also the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consumers {
    Blocs,
    BlocsAndWorld,
}

/// How an unknown quantity counts: as nothing, as in the other programs, or as unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    AsNothing,
    Kept,
}

/// Runs all updates. Also returns the tally after each of the counts.
pub(crate) fn run(
    made: &Made,
    consumers: Consumers,
    unknown: Unknown,
    counts: &[usize],
) -> (Run, Vec<Tally>) {
    let mut markets = filled_markets(made, consumers, unknown);
    let economies = made.economies.len();
    let mut tallies = vec![Tally::default(); counts.len()];
    let mut times = Vec::with_capacity(made.updates.len());
    let mut tally = Tally::default();
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let mut last = started;
    for (at, update) in made.updates.iter().enumerate() {
        let market = markets.enter(update);
        for buyer in market.ledger.changed() {
            let Some(figures) = black_box(market.ledger.concentration(*buyer)) else { continue };
            let beyond = market
                .beyond
                .get_mut(Market::line_index(*buyer, economies))
                .expect("every consumer has lines");
            let now = lines(&figures);
            tally.crossings += array::from_fn::<_, 2, _>(|line| u64::from(beyond.get(line) != now.get(line)))
                .iter()
                .sum::<u64>();
            *beyond = now;
            tally.records += 1;
            tally.hhi += figures.hhi.value.unwrap_or(0.0) / 10_000.0;
        }
        let now = Instant::now();
        times.push(now - last);
        last = now;
        for (count, so_far) in counts.iter().zip(&mut tallies) {
            if at + 1 == *count {
                *so_far = tally;
            }
        }
    }
    let (wall, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    times.sort_unstable();
    let time = |part: usize| {
        times.get((times.len() - 1) * part / 100).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
    };
    (Run { updates: times.len(), wall, cpu, p50: time(50), p99: time(99), max: time(100), tally }, tallies)
}

/// Creates the markets with the listed flows, and the side of each line that every consumer is on.
fn filled_markets(made: &Made, consumers: Consumers, unknown: Unknown) -> Markets {
    let mut markets = Markets::new(made, consumers, unknown);
    for flow in &made.flows {
        markets.enter(flow);
    }
    let economies: Vec<_> = (0..).map(Buyer::Economy).take(made.economies.len()).collect();
    let buyers: Vec<_> = economies.into_iter().chain((0..4).map(Buyer::Group)).collect();
    for market in markets.all() {
        for (buyer, beyond) in buyers.iter().zip(&mut market.beyond) {
            *beyond = market.ledger.concentration(*buyer).map_or([false; 2], |figures| lines(&figures));
        }
    }
    markets
}

fn lines(figures: &Concentration<u16>) -> [bool; 2] {
    let at_least = |value: Option<f64>, line: f64| value.is_some_and(|value| value >= line);
    [at_least(figures.hhi.value, HHI_LINE), at_least(figures.top1.value, TOP1_LINE)]
}

/// Measures how long it takes to list the suppliers of a figure with their shares and flows.
pub(crate) fn explanations(made: &Made) -> String {
    let mut markets = filled_markets(made, Consumers::BlocsAndWorld, Unknown::AsNothing);
    let (mut count, mut listed, mut seconds) = (0, 0, 0.0);
    for update in made.updates.iter().take(EXPLANATIONS) {
        let ledger = &markets.enter(update).ledger;
        let started = Instant::now();
        for buyer in ledger.changed() {
            let sourcing = ledger.sourcing(*buyer);
            listed +=
                black_box(sourcing.iter().flat_map(|sourcing| sourcing.shares()).collect::<Vec<_>>()).len();
            listed += black_box(ledger.flows(*buyer).collect::<Vec<_>>()).len();
            count += 1;
        }
        seconds += started.elapsed().as_secs_f64();
    }
    let (each, lines) = (seconds * 1e6 / float(count), float(listed) / float(count));
    format!(
        "an explanation, all shares and all flows of a consumer: {each:.1} us for {lines:.0} lines on average"
    )
}

/// CPU seconds of this thread so far.
fn cpu_seconds() -> f64 {
    let usage = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux reports CPU time");
    let nanoseconds = usage.split(' ').next().and_then(|number| number.parse::<f64>().ok());
    nanoseconds.expect("a number of nanoseconds") / 1e9
}
