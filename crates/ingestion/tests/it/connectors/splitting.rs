//! However responses are cut off, everything that was requested is covered once.
use std::collections::BTreeMap;

use jiff::Timestamp;
use orewatch_ingestion::connectors::{
    Headers, NextStep, PollMachine, PublisherResponse, Slice, parse_connectors,
};
use proptest::prelude::*;

use super::bench::sections;

const CAP: usize = 10;

fn machine(reporters: &[u16], periods: &[u16], products: usize) -> PollMachine {
    let products: Vec<_> = (0..products).map(|product| format!("'{:06}'", 260_400 + product)).collect();
    let quoted = |list: &[u16]| list.iter().map(|one| format!("'{one}'")).collect::<Vec<_>>().join(",");
    let text = format!(
        "[[poll]]\nname = 'trade'\nkind = 'comtrade'\ncap = {CAP}\nreporters = [{}]\nperiods = \
         [{}]\nproducts = [{}]\n",
        quoted(reporters),
        quoted(periods),
        products.join(",")
    );
    let connector = parse_connectors(sections(&text), &BTreeMap::new()).unwrap().remove(0);
    PollMachine::new(&connector, "2026-03-01".parse().unwrap(), "seed", BTreeMap::new())
}

fn list(target: &str, name: &str) -> Vec<String> {
    let query = target.split_once('?').unwrap().1;
    let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    found.map(|list| list.split(',').map(str::to_owned).collect()).unwrap_or_default()
}

fn rows(count: usize, serial: u32) -> PublisherResponse {
    let rows = vec![serial.to_string(); count].join(",");
    let body = format!("{{\"data\":[{rows}]}}").into();
    PublisherResponse::Whole { status: 200, body, headers: Headers::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_cell_is_covered_once_whatever_the_answers(
        reporters in prop::collection::btree_set(1_u16..900, 1..6),
        periods in prop::collection::btree_set(2000_u16..2030, 1..16),
        products in 1_usize..6,
        answers in prop::collection::vec(0_u8..5, 0..200),
    ) {
        let (reporters, periods): (Vec<_>, Vec<_>) = (reporters.into_iter().collect(), periods.into_iter()
            .collect());
        let mut machine = machine(&reporters, &periods, products);
        let mut covered = BTreeMap::<_, (u32, std::collections::BTreeSet<String>)>::new();
        let mut answers = answers.into_iter().chain(std::iter::repeat(0));
        let mut at: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        let mut serial = 0;
        while let NextStep::Ask(call) = machine.next() {
            serial += 1;
            prop_assert!(serial < 20_000, "it does not end");
            let flows = list(&call.target, "flowCode");
            let cells: Vec<_> = list(&call.target, "period").into_iter().flat_map(|period| {
                let products = list(&call.target, "cmdCode");
                list(&call.target, "reporterCode").into_iter().flat_map(move |reporter| {
                    let period = period.clone();
                    products.clone().into_iter().map(move |product| (period.clone(), reporter.clone(),
                        product))
                })
            }).collect();
            // A single cell of all partners is never full here, so that partners stay together.
            let single = cells.len() == 1 && flows.len() == 1;
            let answer = match answers.next().unwrap() {
                1 | 2 if !single => rows(CAP, serial),
                3 if !single => PublisherResponse::TooLarge { status: 200, limit: 100 },
                4 => PublisherResponse::Broken { status: 0, trouble: "down".to_owned() },
                _ => rows(CAP - 1, serial),
            };
            let note = machine.handle_response(&answer, at);
            if let Some(resume) = note.resume_at {
                at = resume;
            } else if note.consequence.is_empty() {
                for cell in cells {
                    for flow in &flows {
                        let seen = covered.entry(cell.clone()).or_default();
                        seen.0 += 1;
                        prop_assert!(seen.1.insert(flow.clone()), "{cell:?} came twice");
                    }
                }
            }
            if matches!(machine.next(), NextStep::Failed(..)) {
                // Twelve tries in a row: what is generated may be as bad as that.
                prop_assert!(note.problem.contains("tries"), "{}", note.problem);
                return Ok(());
            }
        }
        prop_assert_eq!(machine.next(), NextStep::Done);
        prop_assert_eq!(covered.len(), reporters.len() * periods.len() * products);
        prop_assert!(covered.values().all(|(times, flows)| *times == 2 && flows.len() == 2));
    }

    #[test]
    fn halves_are_the_whole_and_nothing_twice(sides in prop::collection::vec(1_usize..5, 5)) {
        let side = |place: usize| (0..sides[place]).map(|one| format!("{place}{one}")).collect::<Vec<_>>();
        let partners = side(4);
        let whole = Slice { periods: side(0), reporters: side(1), products: side(2), flows: side(3),
            partners: Vec::new() };
        let cells = |slice: &Slice| {
            let partners = if slice.partners.is_empty() { &partners } else { &slice.partners };
            slice.periods.len() * slice.reporters.len() * slice.products.len() * slice.flows.len()
                * partners.len()
        };
        let (mut left, mut single) = (vec![whole.clone()], 0);
        while let Some(slice) = left.pop() {
            match slice.halves(&partners) {
                Some(halves) => {
                    prop_assert_eq!(cells(&halves[0]) + cells(&halves[1]), cells(&slice));
                    left.extend(halves);
                }
                None => {
                    prop_assert_eq!(cells(&slice), 1);
                    single += 1;
                }
            }
        }
        prop_assert_eq!(single, cells(&whole));
    }
}
