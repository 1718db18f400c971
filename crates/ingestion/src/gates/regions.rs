//! Gates over regions: a whole reported beside its parts.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_contracts::ingestion::v1::{GateMode, Table};

use super::{Finding, Gate, Inspected, first_few};
use crate::tally::{Market, MarketRows, number_to_code};

/// A whole and its parts.
struct Union {
    whole: &'static str,
    parts: &'static [&'static str],
    membership: Membership,
}

/// When the figures of a whole include those of its parts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Membership {
    /// Always.
    Always,
    /// From this year on, by the recommendations of the United Nations for trade statistics. A source may
    /// still do otherwise.
    SinceYear(&'static str),
    /// In publications of this publisher, not always.
    ByPublisher(&'static str),
    /// Until it was dissolved. In the year of that, and in the books of partners that kept its code, both are
    /// right.
    UntilDissolved,
}

/// Economies that include others. Blocs such as the EU are no economies of the catalogue: their rows are
/// rejected.
static UNIONS: [Union; 10] = [
    Union { whole: "BLX", parts: &["BEL", "LUX"], membership: Membership::Always },
    Union { whole: "ZA1", parts: &["ZAF", "BWA", "LSO", "NAM", "SWZ"], membership: Membership::Always },
    Union { whole: "SCG", parts: &["SRB", "MNE", "XKX"], membership: Membership::UntilDissolved },
    Union { whole: "CSK", parts: &["CZE", "SVK"], membership: Membership::UntilDissolved },
    Union {
        whole: "YUG",
        parts: &["SVN", "HRV", "BIH", "MKD", "SCG", "SRB", "MNE"],
        membership: Membership::UntilDissolved,
    },
    Union {
        whole: "SUN",
        parts: &[
            "RUS", "UKR", "BLR", "KAZ", "UZB", "TKM", "KGZ", "TJK", "ARM", "AZE", "GEO", "MDA", "EST", "LVA",
            "LTU",
        ],
        membership: Membership::UntilDissolved,
    },
    Union { whole: "ANT", parts: &["CUW", "SXM", "BES"], membership: Membership::UntilDissolved },
    Union {
        whole: "FRA",
        parts: &["GLP", "MTQ", "GUF", "REU", "MCO"],
        membership: Membership::SinceYear("1997"),
    },
    Union { whole: "USA", parts: &["PRI", "VIR"], membership: Membership::SinceYear("1981") },
    Union {
        whole: "CHN",
        parts: &["HKG", "MAC"],
        membership: Membership::ByPublisher("U.S. Geological Survey"),
    },
];

pub(super) static GATES: [Gate; 1] = [Gate {
    name: "region-overlaps",
    looks_at: "Unions of economies beside their members in one market: Belgium-Luxembourg beside Belgium, a \
               customs union beside South Africa.",
    argument: "What is in both is counted twice, and every share of the market is too small.",
    default: GateMode::Block,
    is_final: false,
    tables: &[Table::Trade, Table::Production],
    inspect: region_overlaps,
}];

fn region_overlaps(inspected: &Inspected<'_>) -> Finding {
    let publisher = inspected.release.provenance.as_ref().map_or("", |from| from.publisher.as_str());
    let mut found: BTreeMap<(bool, String), usize> = BTreeMap::new();
    for (market, market_rows) in &inspected.tally.markets {
        for known in trading_and_producing(market_rows) {
            for (certain, pair) in overlapping_unions(&known, market, publisher) {
                *found.entry((!certain, pair)).or_default() += 1;
            }
        }
    }
    let certain = found.keys().any(|(doubtful, _)| !doubtful);
    let named: Vec<_> =
        found.into_iter().map(|((_, pair), markets)| format!("{pair} in {markets} markets")).collect();
    match (named.len(), certain) {
        (0, _) => Finding::clean("no union stands beside its members"),
        (_, true) => Finding::Wrong(first_few(&named, 5)),
        (_, false) => Finding::Doubtful(format!("{}: does the first hold the others?", first_few(&named, 5))),
    }
}

/// The economies with an amount above zero, by role: shippers, receivers, producers.
fn trading_and_producing(market_rows: &MarketRows) -> [BTreeSet<String>; 3] {
    let produce =
        market_rows.entries.iter().filter(|entry| entry.amount > 0.0).map(|entry| number_to_code(entry.key));
    let [mut ship, mut receive] = [BTreeSet::new(), BTreeSet::new()];
    for sum in market_rows.flows.sums().filter(|sum| sum.amount > 0.0) {
        let side = if sum.ships { &mut ship } else { &mut receive };
        side.insert(sum.who.to_owned());
    }
    [ship, receive, produce.collect()]
}

/// Unions among these economies whose members are there too. True: the union certainly includes them.
fn overlapping_unions(known: &BTreeSet<String>, market: &Market, publisher: &str) -> Vec<(bool, String)> {
    let membership = |union: &&Union| match union.membership {
        Membership::Always | Membership::UntilDissolved => true,
        Membership::SinceYear(year) => market.period.as_str() >= year,
        Membership::ByPublisher(merger) => merger == publisher,
    };
    let found = UNIONS.iter().filter(membership).filter(|union| known.contains(union.whole));
    let pair = |union: &Union| {
        let parts: Vec<_> = union.parts.iter().copied().filter(|part| known.contains(*part)).collect();
        let named = format!("{} beside {}", union.whole, parts.join(", "));
        (!parts.is_empty()).then_some((union.membership == Membership::Always, named))
    };
    found.filter_map(pair).collect()
}
