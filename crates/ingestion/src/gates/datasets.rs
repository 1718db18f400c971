//! Gates over datasets: the kind of the release's dataset, what it supplements, and which datasets answer
//! before it.
use orewatch_catalog::DatasetKind;
use orewatch_contracts::ingestion::v1::{GateMode, Table};

use super::{Finding, Gate, Inspected};
use crate::policy::Answered;

/// Tables whose datasets answer. Concordances are asked by name.
const ANSWERING: &[Table] =
    &[Table::Trade, Table::Production, Table::Governance, Table::Parameters, Table::Restrictions];

pub(super) static GATES: [Gate; 3] = [
    Gate {
        name: "supplement",
        looks_at: "Whether a supplement fits the dataset whose missing cells it fills: its table, units and \
                   bases.",
        argument: "A cell in another unit or basis makes a wrong sum of right figures, which nobody would \
                   notice.",
        default: GateMode::Block,
        is_final: true,
        tables: ANSWERING,
        inspect: supplement,
    },
    Gate {
        name: "dataset-kind",
        looks_at: "Whether the release states the same kind of dataset as earlier ones, and as its name \
                   implies.",
        argument: "The kind decides what a release restates; it rarely changes, and more often it was \
                   forgotten.",
        default: GateMode::Warn,
        is_final: false,
        tables: ANSWERING,
        inspect: dataset_kind,
    },
    Gate {
        name: "outranked",
        looks_at: "Whether another dataset answers first wherever this one has rows.",
        argument: "Its figures are kept and shown beside the others, but no measure uses them, which is \
                   rarely intended.",
        default: GateMode::Warn,
        is_final: false,
        tables: ANSWERING,
        inspect: outranked,
    },
];

fn supplement(inspected: &Inspected<'_>) -> Finding {
    let Some(base) = &inspected.precedence.base else { return Finding::clean("it is no supplement") };
    let name = &base.name;
    if !base.supplements.is_empty() {
        let further = &base.supplements;
        return Finding::Wrong(format!(
            "{name} is a supplement of {further} itself: supplement {further}, or declare {name} otherwise \
             with `orewatch policy`"
        ));
    }
    if let Some(difference) = &base.difference {
        return Finding::Wrong(format!("{difference}: bring the figures onto one basis first"));
    }
    match (base.is_there, base.is_elsewhere) {
        (true, _) => Finding::Clean(format!("it fills missing cells of {name}")),
        (false, true) => Finding::Wrong(format!(
            "{name} has another table: a supplement is of the same table as what it supplements"
        )),
        (false, false) => {
            let meant = if base.meant.is_empty() {
                String::new()
            } else {
                format!(" (did you mean {}?)", base.meant)
            };
            Finding::Doubtful(format!("{name} has no release yet, so there is nothing to fill{meant}"))
        }
    }
}

fn dataset_kind(inspected: &Inspected<'_>) -> Finding {
    let [now, then] = [inspected.precedence.kind, inspected.precedence.kind_before]
        .map(|kind| kind.unwrap_or(DatasetKind::Undeclared));
    let dataset = &inspected.release.dataset;
    if inspected.precedence.kind_before.is_none() || now == then {
        // A kind that was stated is not questioned.
        let is_said = DatasetKind::from_name_and_parser(dataset, &inspected.release.parser) != now;
        return match DatasetKind::from_name(dataset).filter(|_| !is_said) {
            Some(named) if named != now => Finding::Doubtful(format!(
                "{}, although {dataset} is the name of a dataset that is {}: is --dataset right?",
                now.as_str(),
                named.as_str()
            )),
            _ => Finding::Clean(now.as_str().to_owned()),
        };
    }
    Finding::Wrong(format!(
        "{}, but {dataset} was {} before: say it with --kind, or for all releases with `orewatch policy \
         apply`",
        now.as_str(),
        then.as_str()
    ))
}

fn outranked(inspected: &Inspected<'_>) -> Finding {
    if inspected.precedence.base.is_some() {
        return Finding::clean("a supplement fills missing cells");
    }
    let answering = &inspected.precedence.answering;
    let others: Vec<_> = (answering.others.iter())
        .map(|(dataset, count)| format!("{dataset} in {}", market_count(inspected, *count)))
        .collect();
    let others = others.join(", ");
    let all = answering.others.values().copied().fold(answering.own, Answered::plus);
    match answering.own.markets {
        own if own == all.markets => {
            Finding::Clean(format!("it answers in {}", market_count(inspected, all)))
        }
        0 => Finding::Wrong(format!(
            "it answers nowhere; first comes {others}. {}",
            declaration_hint(inspected)
        )),
        own => Finding::Clean(format!(
            "it answers in {own} of {}; elsewhere first comes {others}",
            market_count(inspected, all)
        )),
    }
}

/// A count of markets in words; of trade with the number of importers, each of which has a market of its own
/// in every material, stage and period.
fn market_count(inspected: &Inspected<'_>, answered: Answered) -> String {
    let counted = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    let markets = counted(answered.markets, "market");
    match inspected.release.table() {
        Table::Trade => format!("{markets} of {}", counted(answered.importers.len(), "importer")),
        _ => markets,
    }
}

/// What to do so that the dataset answers.
fn declaration_hint(inspected: &Inspected<'_>) -> String {
    let first = inspected.precedence.answering.others.keys().next().map_or("DATASET", String::as_str);
    let tenants = !inspected.release.tenant.is_empty();
    match inspected.precedence.kind {
        Some(DatasetKind::Undeclared) | None if tenants => {
            format!(
                "If it fills missing cells of {first}, ingest it with --supplements {first}; else say with \
                 --kind what it is"
            )
        }
        _ if tenants => "Its other datasets come before it".to_owned(),
        Some(DatasetKind::Undeclared) | None => format!(
            "If it fills missing cells of {first}, declare it with --supplements {first}; else say with \
             --kind what it is, or \
             prefer it with `orewatch policy apply`"
        ),
        Some(_) => "Prefer it with `orewatch policy apply` if it is to answer".to_owned(),
    }
}
