//! What is restated, compared with a model that looks at every pair of rows; and independence of other
//! datasets.
use std::collections::BTreeSet;

use orewatch_formats::Metadata;
use orewatch_ingestion::client::{Options, Outcome};

use crate::harness::{Service, file};
use crate::policy::gate;
use crate::units::{flows, id, report};

/// Pseudo-random numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Flow {
    period: &'static str,
    exporter: &'static str,
    importer: &'static str,
    code: &'static str,
    reporter: &'static str,
}

/// Dimensions of a scope with their items; `None` is not stated.
type Stated = Vec<(&'static str, Vec<&'static str>)>;

#[derive(Clone, Debug)]
struct Published {
    rows: BTreeSet<Flow>,
    scope: Stated,
}

const PERIODS: [&str; 2] = ["2021", "2022"];
const ECONOMIES: [&str; 4] = ["CHL", "CHN", "DEU", "FRA"];
/// The first two are of one market.
const CODES: [&str; 3] = ["283691", "282520", "250410"];

impl Flow {
    fn is_export(&self) -> bool {
        self.reporter == "exporter"
    }

    fn item(&self, dimension: &str) -> &'static str {
        let (reporter, partner) =
            if self.is_export() { (self.exporter, self.importer) } else { (self.importer, self.exporter) };
        match dimension {
            "reporter" => reporter,
            "partner" => partner,
            "flow" if self.is_export() => "exports",
            "flow" => "imports",
            "product" => self.code,
            _ => self.period,
        }
    }

    fn market(&self) -> &'static str {
        if self.code == CODES[2] { "graphite" } else { "lithium" }
    }
}

impl Published {
    fn states(&self, dimension: &str) -> bool {
        self.scope.iter().any(|(stated, _)| *stated == dimension)
    }

    fn admits(&self, flow: &Flow) -> bool {
        self.scope.iter().all(|(dimension, items)| items.contains(&flow.item(dimension)))
    }

    /// Whether two flows agree in a dimension, unless the scope states it.
    fn agree(&self, one: &Flow, other: &Flow, dimension: &str) -> bool {
        self.states(dimension) || one.item(dimension) == other.item(dimension)
    }

    /// Whether it restates a flow of an older release of the same dataset.
    fn restates(&self, kind: &str, old: &Flow) -> bool {
        let holds = |own: &Flow| match kind {
            "comtrade" => ["reporter", "flow", "product", "period"]
                .iter()
                .all(|dimension| self.agree(own, old, dimension)),
            "cells" => {
                let (exporter, importer) =
                    if old.is_export() { ("reporter", "partner") } else { ("partner", "reporter") };
                (self.states(exporter) || own.exporter == old.exporter)
                    && (self.states(importer) || own.importer == old.importer)
                    && ["flow", "product", "period"].iter().all(|dimension| self.agree(own, old, dimension))
            }
            _ => (self.states("product") || own.market() == old.market()) && self.agree(own, old, "period"),
        };
        self.admits(old) && self.rows.iter().any(holds)
    }

    /// Whether it has a flow of an older release as well.
    fn has(&self, kind: &str, old: &Flow) -> bool {
        self.rows.iter().any(|own| {
            let same = (own.period, own.exporter, own.importer, own.code)
                == (old.period, old.exporter, old.importer, old.code);
            same && match kind {
                "cells" | "comtrade" => own.is_export() == old.is_export(),
                _ => own.reporter == old.reporter,
            }
        })
    }
}

fn published(dice: &mut Dice, kind: &str) -> Published {
    let mut rows = BTreeSet::new();
    for _ in 0..2 + dice.roll(8) {
        let (exporter, importer) = (dice.pick(&ECONOMIES), dice.pick(&ECONOMIES));
        let reporter =
            if matches!(kind, "comtrade" | "cells") { dice.pick(&["importer", "exporter", ""]) } else { "" };
        let flow =
            Flow { period: dice.pick(&PERIODS), exporter, importer, code: dice.pick(&CODES), reporter };
        // A flow has one figure for both sides, or one of each.
        let mixed = |known: &Flow| {
            let same = Flow { reporter: "", ..*known } == Flow { reporter: "", ..flow };
            same && (known.reporter.is_empty() || reporter.is_empty())
        };
        if exporter != importer && !rows.iter().any(mixed) {
            rows.insert(flow);
        }
    }
    let mut scope = Stated::new();
    if dice.roll(2) == 0 {
        let dimensions: [(&str, &[&str]); 4] =
            [("reporter", &ECONOMIES), ("partner", &ECONOMIES), ("product", &CODES), ("period", &PERIODS)];
        for (dimension, items) in dimensions {
            let some: Vec<_> = items.iter().copied().filter(|_| dice.roll(2) == 0).collect();
            if dice.roll(3) == 0 && !some.is_empty() {
                scope.push((dimension, some));
            }
        }
    }
    let mut published = Published { rows, scope };
    let rows = std::mem::take(&mut published.rows);
    published.rows = rows.into_iter().filter(|flow| published.admits(flow)).collect();
    published
}

/// Findings of other gates in made-up figures do not matter here.
const ACCEPTED: [&str; 4] = ["scope-jump", "magnitudes", "partner-sums", "hs-revision"];

async fn ingest(
    service: &Service,
    dataset: &str,
    kind: &str,
    vintage: usize,
    published: &Published,
) -> Outcome {
    let row = |flow: &Flow| {
        let Flow { period, exporter, importer, code, reporter } = flow;
        format!("{period},{exporter},{importer},{code},10,{},{reporter}", 10 + vintage)
    };
    let rows: Vec<_> = published.rows.iter().map(row).collect();
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let scope = published.scope.iter().map(|(name, items)| format!("{name}={}", items.join(",")));
    let scope = scope.collect::<Vec<_>>().join("; ");
    let metadata = Metadata {
        scope: Some(scope).filter(|scope| !scope.is_empty()),
        supplements: (kind == "cells").then(|| "base".to_owned()),
        ..Metadata::default()
    };
    let accept = ACCEPTED.map(str::to_owned).to_vec();
    let content = flows(dataset, &vintage.to_string(), &rows);
    let options = Options { metadata, accept, ..Options::default() };
    service.ingest(vec![file("f.csv", content)], options).await.unwrap()
}

/// Numbers of restated and vanishing keys, as scope-jump reports them.
fn reported_counts(outcome: &Outcome) -> (usize, usize) {
    let message = &gate(outcome, "scope-jump").message;
    let Some(rest) = message.strip_prefix("of ") else { return (0, 0) };
    let then = rest.split(' ').next().unwrap().parse().unwrap();
    let vanished = rest.split(" vanish").next().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    (then, vanished)
}

/// Some hundred datasets of each kind with three releases each: the gate counts what a comparison of every
/// pair of rows gives, and names the newest restated release.
#[tokio::test]
async fn units_are_those_of_the_model() {
    let service = Service::start().await;
    let mut restated = 0;
    for kind in ["comtrade", "baci", "own", "cells"] {
        for case in 0..30 {
            let mut dice = Dice(case * 7 + u64::try_from(kind.len()).unwrap());
            let dataset = format!("{kind}-{case}");
            let mut older: Vec<(Published, String)> = Vec::new();
            for vintage in 0..4 {
                let new = published(&mut dice, kind);
                if new.rows.is_empty() {
                    continue;
                }
                let outcome = ingest(&service, &dataset, kind, vintage, &new).await;
                assert!(outcome.is_committed(), "{dataset}: {outcome:?}");
                let visible = |place: usize| -> Vec<&Flow> {
                    let hidden =
                        |row: &Flow| older[place + 1..].iter().any(|(newer, _)| newer.restates(kind, row));
                    let rows = older[place].0.rows.iter();
                    rows.filter(|row| new.restates(kind, row) && !hidden(row)).collect()
                };
                let then: Vec<&Flow> = (0..older.len()).flat_map(visible).collect();
                let vanished = then.iter().filter(|row| !new.has(kind, row)).count();
                assert_eq!(
                    reported_counts(&outcome),
                    (then.len(), vanished),
                    "{dataset}: {new:?} over {older:?}: {}",
                    gate(&outcome, "scope-jump").message
                );
                let newest = (0..older.len()).rev().find(|place| !visible(*place).is_empty());
                let newest = newest.map(|place| older[place].1.clone()).unwrap_or_default();
                assert_eq!(report(&outcome).restates, newest, "{dataset}: {new:?} over {older:?}");
                restated += then.len();
                older.push((new, id(&outcome)));
            }
        }
    }
    assert!(restated > 300, "{restated}");
    service.stop().await;
}

/// In whatever order the releases of two datasets arrive, each restates the same of its own, and the gates
/// say the same.
#[tokio::test]
async fn the_order_of_other_datasets_does_not_matter() {
    let mut dice = Dice(11);
    let both: Vec<[Published; 2]> =
        (0..2).map(|_| ["comtrade", "baci"].map(|kind| published(&mut dice, kind))).collect();
    let mut first = None;
    // Which dataset each of the four places is of.
    for order in [[0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 1, 0], [1, 1, 0, 0]] {
        let service = Service::start().await;
        let mut said = BTreeSet::new();
        let mut next = [0, 0];
        for dataset in order {
            let kind = ["comtrade", "baci"][dataset];
            let vintage = next[dataset];
            next[dataset] += 1;
            let outcome =
                ingest(&service, &format!("{kind}-x"), kind, vintage, &both[vintage][dataset]).await;
            let gates = ["scope-jump", "magnitudes", "revisions", "bases", "vintage-order", "dataset-kind"];
            let gates = gates.map(|name| gate(&outcome, name).message.clone());
            said.insert((id(&outcome), report(&outcome).restates.clone(), gates));
        }
        assert_eq!(*first.get_or_insert_with(|| said.clone()), said, "{order:?}");
        service.stop().await;
    }
}
