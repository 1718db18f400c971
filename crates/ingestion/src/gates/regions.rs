//! Gates over regions: a whole beside its parts.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_contracts::ingestion::v1::{GateMode, Table};

use super::{Finding, Gate, Inspected, few};
use crate::tally::{Gathered, Market, code_of};

/// A whole and its parts.
struct Union {
    whole: &'static str,
    parts: &'static [&'static str],
    holds: Holds,
}

/// Whether figures of a whole hold those of its parts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// Always.
    Certainly,
    /// Where trade statistics are compiled as the United Nations advise, from this year on; a source may still do otherwise.
    Since(&'static str),
    /// In publications of this publisher, not always.
    By(&'static str),
    /// Until it fell apart. In the year of that, and in the books of partners that kept its code, both are right.
    WhileItStood,
}

/// Economies that hold others. Blocs such as the EU are no economies of the catalogue: their rows are set aside.
static UNIONS: [Union; 10] = [
    Union { whole: "BLX", parts: &["BEL", "LUX"], holds: Holds::Certainly },
    Union { whole: "ZA1", parts: &["ZAF", "BWA", "LSO", "NAM", "SWZ"], holds: Holds::Certainly },
    Union { whole: "SCG", parts: &["SRB", "MNE", "XKX"], holds: Holds::WhileItStood },
    Union { whole: "CSK", parts: &["CZE", "SVK"], holds: Holds::WhileItStood },
    Union {
        whole: "YUG",
        parts: &["SVN", "HRV", "BIH", "MKD", "SCG", "SRB", "MNE"],
        holds: Holds::WhileItStood,
    },
    Union {
        whole: "SUN",
        parts: &[
            "RUS", "UKR", "BLR", "KAZ", "UZB", "TKM", "KGZ", "TJK", "ARM", "AZE", "GEO", "MDA", "EST", "LVA",
            "LTU",
        ],
        holds: Holds::WhileItStood,
    },
    Union { whole: "ANT", parts: &["CUW", "SXM", "BES"], holds: Holds::WhileItStood },
    Union { whole: "FRA", parts: &["GLP", "MTQ", "GUF", "REU", "MCO"], holds: Holds::Since("1997") },
    Union { whole: "USA", parts: &["PRI", "VIR"], holds: Holds::Since("1981") },
    Union { whole: "CHN", parts: &["HKG", "MAC"], holds: Holds::By("U.S. Geological Survey") },
];

pub(super) static GATES: [Gate; 1] = [Gate {
    name: "region-overlaps",
    looks_at: "Unions of economies that stand beside their members in one market: Belgium-Luxembourg beside Belgium, a customs \
               union beside South Africa.",
    argument: "What is in both is counted twice, and every share of the market is too small.",
    default: GateMode::Block,
    is_final: false,
    tables: &[Table::Trade, Table::Production],
    look: overlaps,
}];

fn overlaps(inspected: &Inspected<'_>) -> Finding {
    let publisher = inspected.release.provenance.as_ref().map_or("", |from| from.publisher.as_str());
    let mut found: BTreeMap<(bool, String), usize> = BTreeMap::new();
    for (market, gathered) in &inspected.tally.markets {
        for known in sides(gathered) {
            for (certain, pair) in beside(&known, market, publisher) {
                *found.entry((!certain, pair)).or_default() += 1;
            }
        }
    }
    let certain = found.keys().any(|(doubtful, _)| !doubtful);
    let named: Vec<_> =
        found.into_iter().map(|((_, pair), markets)| format!("{pair} in {markets} markets")).collect();
    match (named.len(), certain) {
        (0, _) => Finding::clean("no union stands beside its members"),
        (_, true) => Finding::Wrong(few(&named, 5)),
        (_, false) => Finding::Doubtful(format!("{}: does the first hold the others?", few(&named, 5))),
    }
}

/// The economies that have an amount above zero: who ships and who receives, or who produces.
fn sides(gathered: &Gathered) -> [BTreeSet<String>; 3] {
    let produce = gathered.entries.iter().filter(|entry| entry.amount > 0.0).map(|entry| code_of(entry.key));
    let [mut ship, mut receive] = [BTreeSet::new(), BTreeSet::new()];
    for sum in gathered.flows.sums().filter(|sum| sum.amount > 0.0) {
        let side = if sum.ships { &mut ship } else { &mut receive };
        side.insert(sum.who.to_owned());
    }
    [ship, receive, produce.collect()]
}

/// The unions among these economies of one side of a market that stand beside their members; true: they certainly hold them.
fn beside(known: &BTreeSet<String>, market: &Market, publisher: &str) -> Vec<(bool, String)> {
    let holds = |union: &&Union| match union.holds {
        Holds::Certainly | Holds::WhileItStood => true,
        Holds::Since(year) => market.period.as_str() >= year,
        Holds::By(merger) => merger == publisher,
    };
    let found = UNIONS.iter().filter(holds).filter(|union| known.contains(union.whole));
    let pair = |union: &Union| {
        let parts: Vec<_> = union.parts.iter().copied().filter(|part| known.contains(*part)).collect();
        let named = format!("{} beside {}", union.whole, parts.join(", "));
        (!parts.is_empty()).then_some((union.holds == Holds::Certainly, named))
    };
    found.filter_map(pair).collect()
}
