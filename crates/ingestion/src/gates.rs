//! Gates: each looks at one thing that goes wrong with statistics, and says what it found. Pure functions.
//! `README.md` beside this crate's sources lists what each blocks and warns of.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::parameter;
use orewatch_contracts::ingestion::v1::{GateVerdict, Release, Table, Verdict};

use crate::evolve::Held;
use crate::ids::UNDATED;
use crate::tally::{Gathered, Group, Market, Markets, Suspects, Tally, code_of, known};

/// Share of the keys of restated markets beyond which a scope jumps.
const JUMP: f64 = 0.2;

/// Other partners that a group must have before one of them can be said to be the sum of all others.
const OTHERS: u32 = 3;

/// Groups in which an economy must be the sum of all others to be a total in disguise: one equality may be chance.
const EQUALITIES: u32 = 3;

/// How exactly a total equals the sum; sources round to three decimals.
const TOLERANCE: f64 = 1e-6;

/// What parts may add up to beyond their whole: sources round each to two decimals.
const ROUNDING: f64 = 0.05;

/// What a slip by three digits looks like, with what figures change by themselves.
const THOUSAND: std::ops::Range<f64> = 300.0..3_000.0;

/// Amounts below this (thousand US dollars, tonnes) equal each other by rounding.
const LEAST_AMOUNT: f64 = 1.0;

/// What the client says about the rows it read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Rows read. None: not said.
    pub(crate) read: Option<u64>,
    /// Valid rows that no material covers.
    pub(crate) out_of_scope: u64,
    /// Rows set aside, by reason code.
    pub(crate) rejected: BTreeMap<String, u64>,
    /// Rows that may be set aside.
    pub(crate) max_rejects: u64,
}

/// What the gates look at.
pub(crate) struct Inspected<'a> {
    pub(crate) release: &'a Release,
    pub(crate) tally: &'a Tally,
    pub(crate) counts: &'a Counts,
    /// Committed releases of the dataset and table, the newest first.
    pub(crate) before: &'a [&'a Held],
}

type Gate = fn(&Inspected<'_>) -> (Verdict, String);

/// Every gate, in the order in which they run.
const GATES: [(&str, Gate); 14] = [
    ("lost-rows", lost_rows),
    ("empty", empty),
    ("rejects", rejects),
    ("unknown-codes", unknown_codes),
    ("aggregates", aggregates),
    ("units", units),
    ("self-flows", self_flows),
    ("duplicates", duplicates),
    ("partner-sums", partner_sums),
    ("shares", shares),
    ("magnitudes", magnitudes),
    ("later-periods", later_periods),
    ("scope-jump", scope_jump),
    ("vintage-order", vintage_order),
];

/// Gates whose block cannot be accepted: what they find is damage, not judgement.
pub(crate) const FINAL: [&str; 3] = ["lost-rows", "empty", "duplicates"];

/// Names of the gates.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    GATES.iter().map(|(name, _)| *name)
}

/// Runs every gate. A block by a gate that is accepted becomes a warning that keeps what was found.
pub(crate) fn run(inspected: &Inspected<'_>, accepted: &[String]) -> Vec<GateVerdict> {
    let verdict = |(name, gate): &(&str, Gate)| {
        let (mut verdict, mut message) = gate(inspected);
        if verdict == Verdict::Block && accepted.iter().any(|accepted| accepted == name) {
            verdict = Verdict::Warn;
            message.push_str(" (accepted)");
        }
        GateVerdict { gate: (*name).to_owned(), verdict: verdict.into(), message, ..GateVerdict::default() }
    };
    GATES.iter().map(verdict).collect()
}

impl Counts {
    /// Rows set aside in all.
    pub(crate) fn rejected_rows(&self) -> u64 {
        self.rejected.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Rows set aside for reasons with one of these beginnings.
    fn because(&self, beginnings: &[&str]) -> u64 {
        let counts =
            self.rejected.iter().filter(|(code, _)| beginnings.iter().any(|begin| code.starts_with(begin)));
        counts.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

fn pass(message: impl Into<String>) -> (Verdict, String) {
    (Verdict::Pass, message.into())
}

fn lost_rows(inspected: &Inspected<'_>) -> (Verdict, String) {
    let Counts { read, out_of_scope, .. } = inspected.counts;
    let (recorded, rejected) = (inspected.tally.rows, inspected.counts.rejected_rows());
    let found = recorded.saturating_add(*out_of_scope).saturating_add(rejected);
    let sum = format!("{recorded} recorded + {out_of_scope} out of scope + {rejected} set aside");
    match read {
        _ if inspected.tally.listed > rejected => {
            (Verdict::Block, format!("{} rejections are listed, {rejected} counted", inspected.tally.listed))
        }
        Some(read) if *read != found => (Verdict::Block, format!("{read} rows read, but {sum} = {found}")),
        Some(read) => pass(format!("{read} rows read = {sum}")),
        None => pass(format!("not checked: {sum}")),
    }
}

fn empty(inspected: &Inspected<'_>) -> (Verdict, String) {
    match inspected.tally.rows {
        0 => (Verdict::Block, "no row is about a material of the catalogue".to_owned()),
        rows => pass(format!("{rows} rows")),
    }
}

fn rejects(inspected: &Inspected<'_>) -> (Verdict, String) {
    let (rejected, allowed) = (inspected.counts.rejected_rows(), inspected.counts.max_rejects);
    let reasons: Vec<_> =
        inspected.counts.rejected.iter().map(|(code, count)| format!("{code} {count}")).collect();
    let message = format!("{rejected} rows set aside, {allowed} allowed: {}", reasons.join(", "));
    match rejected {
        0 => pass("no row set aside"),
        rejected if rejected > allowed => (Verdict::Block, message),
        _ => (Verdict::Warn, message),
    }
}

/// Rows that were set aside for a reason are worth a look, however many may be.
fn aside(inspected: &Inspected<'_>, beginnings: &[&str], what: &str) -> (Verdict, String) {
    match inspected.counts.because(beginnings) {
        0 => pass(format!("no row set aside for {what}")),
        count => (Verdict::Warn, format!("{count} rows set aside for {what}")),
    }
}

fn unknown_codes(inspected: &Inspected<'_>) -> (Verdict, String) {
    aside(
        inspected,
        &[
            "unknown-economy",
            "unknown-material",
            "unknown-stage",
            "unknown-parameter",
            "unknown-restriction",
            "bad-product",
            "product-mismatch",
        ],
        "unknown codes",
    )
}

fn aggregates(inspected: &Inspected<'_>) -> (Verdict, String) {
    aside(inspected, &["aggregate-"], "the world or a region counted as an economy")
}

fn units(inspected: &Inspected<'_>) -> (Verdict, String) {
    aside(
        inspected,
        &["unknown-unit", "unknown-basis", "basis-mismatch"],
        "a unit or basis that does not fit",
    )
}

fn self_flows(inspected: &Inspected<'_>) -> (Verdict, String) {
    let found: usize = inspected.tally.markets.values().map(|gathered| gathered.flows.own).sum();
    if found > 0 {
        return (Verdict::Block, format!("{found} rows recorded in which an economy trades with itself"));
    }
    aside(inspected, &["self-flow"], "trade of an economy with itself")
}

fn duplicates(inspected: &Inspected<'_>) -> (Verdict, String) {
    // One figure for both sides of a flow and one of a side say the same thing twice.
    let found: usize = inspected.tally.markets.values().map(Gathered::repeated).sum();
    match found {
        0 => aside(inspected, &["duplicate-key"], "a key that was there before"),
        found => (Verdict::Block, format!("{found} rows recorded whose key was recorded before")),
    }
}

/// Finds totals that are booked as if they were partners: the world under the code of an economy.
///
/// In each group (imports of one product by one economy in one period, exports likewise, world output of one material) the
/// largest amount is compared with the sum of the others. Equality, at least three others given, is rare by chance; an
/// economy for which it holds in three groups or more, and in half of all its groups or more, is a total in disguise.
fn partner_sums(inspected: &Inspected<'_>) -> (Verdict, String) {
    let trade = match inspected.release.table() {
        Table::Trade => true,
        Table::Production | Table::Unspecified => false,
        Table::Governance | Table::Parameters | Table::Restrictions | Table::Concordance => {
            return pass("not applicable");
        }
    };
    for (market, gathered) in &inspected.tally.markets {
        if !gathered.sum().is_finite() {
            let message =
                format!("the sum of {} {} {} is not finite", market.material, market.stage, market.period);
            return (Verdict::Block, message);
        }
    }
    let mut suspects =
        if trade { of_flows(&inspected.tally.markets) } else { of_output(&inspected.tally.markets) };
    suspects.retain(|_, found| found.equal > 0 && found.equal.saturating_mul(2) >= found.groups);
    let worst = suspects.values().map(|found| found.equal).max().unwrap_or(0);
    let shown = suspects.iter().take(5).map(|(who, found)| {
        format!("{who} is the sum of all others in {} of {} groups", found.equal, found.groups)
    });
    let message = shown.collect::<Vec<_>>().join("; ");
    match worst {
        0 => pass("no partner is the sum of the others"),
        worst if worst >= EQUALITIES => {
            (Verdict::Block, format!("{message}: a world total counted as an economy?"))
        }
        _ => (Verdict::Warn, format!("{message}; chance, or a world total counted as an economy")),
    }
}

/// Whether a group is large enough for one to be the sum of the others by more than chance.
fn counts(group: &Group) -> bool {
    group.count > OTHERS && group.largest >= LEAST_AMOUNT
}

/// Whether the largest of a group is the sum of the others.
fn equals(group: &Group) -> bool {
    let others = group.sum - group.largest;
    (group.largest - others).abs() <= TOLERANCE * group.sum
}

fn of_flows(markets: &Markets) -> Suspects {
    let mut suspects = Suspects::new();
    markets.values().for_each(|gathered| gathered.flows.weigh(counts, equals, &mut suspects));
    markets.values().for_each(|gathered| gathered.flows.recount(counts, &mut suspects));
    suspects
}

fn of_output(markets: &Markets) -> Suspects {
    let mut suspects = Suspects::new();
    for gathered in markets.values() {
        let known = || gathered.entries.iter().filter(|entry| entry.amount > 0.0);
        let largest = known().max_by(|one, other| one.amount.total_cmp(&other.amount));
        let Some(largest) = largest else { continue };
        let group = Group::of(known().map(|entry| entry.amount));
        if !counts(&group) {
            continue;
        }
        for entry in known() {
            suspects.entry(code_of(entry.key)).or_default().groups += 1;
        }
        if equals(&group) {
            suspects.entry(code_of(largest.key)).or_default().equal += 1;
        }
    }
    suspects
}

/// Finds parts of a whole that add up to more than the whole: sectors counted twice, or per cent read as fractions.
fn shares(inspected: &Inspected<'_>) -> (Verdict, String) {
    if inspected.release.table() != Table::Parameters {
        return pass("not applicable");
    }
    let parts = inspected.tally.markets.iter().filter(|(market, _)| market.name() == "end-use-share");
    let sums = parts.map(|(market, gathered)| (market, known(&gathered.entries).sum::<f64>()));
    let beyond: Vec<_> = sums
        .filter(|(_, sum)| *sum > 1.0 + ROUNDING)
        .map(|(market, sum)| format!("{} in {}: {sum:.3}", market.material, market.period))
        .collect();
    match beyond.len() {
        0 => pass("no parts add up to more than their whole"),
        _ => (Verdict::Block, format!("end-use shares add up to more than 1: {}", beyond.join("; "))),
    }
}

/// Finds units that slipped by three digits: kilograms read as tonnes, dollars as thousands of dollars.
///
/// Where half or more of the markets that the release restates, and in which both add up to something, are about a thousand
/// times as large as before or as small, the figures are in another unit; in fewer it may be a correction.
fn magnitudes(inspected: &Inspected<'_>) -> (Verdict, String) {
    let table = inspected.release.table();
    let (mut compared, mut slipped) = (0_u32, Vec::new());
    for (market, gathered) in &inspected.tally.markets {
        if !adds_up(table, market) {
            continue;
        }
        let Some(old) = inspected.before.iter().find_map(|held| held.kept(market)) else { continue };
        let (then, now) = (old.sum(), gathered.sum());
        if then > 0.0 && now > 0.0 {
            compared = compared.saturating_add(1);
            if [now / then, then / now].iter().any(|times| THOUSAND.contains(times)) {
                slipped.push(format!("{}: {then} became {now}", name(market)));
            }
        }
    }
    let count = u32::try_from(slipped.len()).unwrap_or(u32::MAX);
    let shown = slipped.into_iter().take(3).collect::<Vec<_>>().join("; ");
    let message =
        format!("of {compared} restated markets {count} are a thousand times as large or small: {shown}");
    match count {
        0 => pass(format!("no slip by three digits in {compared} restated markets")),
        count if count.saturating_mul(2) >= compared => (Verdict::Block, message),
        _ => (Verdict::Warn, message),
    }
}

/// Whether the amounts of a market are in a unit that can slip.
fn adds_up(table: Table, market: &Market) -> bool {
    match table {
        Table::Trade | Table::Production => true,
        Table::Parameters => parameter(market.name()).is_ok_and(|known| ["t", "money"].contains(&known.unit)),
        Table::Governance | Table::Restrictions | Table::Concordance | Table::Unspecified => false,
    }
}

/// A market for people.
fn name(market: &Market) -> String {
    let parts = [&market.about, &market.material, &market.stage, &market.period];
    parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// Finds parameters that hold from a year on that was yet to come when they were published: a slip of the pen, as what holds
/// from 2061 on holds nowhere today.
fn later_periods(inspected: &Inspected<'_>) -> (Verdict, String) {
    if inspected.release.table() != Table::Parameters {
        return pass("not applicable");
    }
    let published = inspected.release.provenance.as_ref().and_then(|from| from.published.get(..4));
    let Some(published) = published else { return pass("not checked: no day of publication") };
    let later: BTreeSet<&str> = inspected
        .tally
        .markets
        .keys()
        .map(|market| market.period.as_str())
        .filter(|period| period.get(..4).is_some_and(|year| year > published))
        .collect();
    match later.len() {
        0 => pass(format!("no period begins after {published}")),
        _ => {
            let periods = later.into_iter().collect::<Vec<_>>().join(", ");
            (Verdict::Warn, format!("published in {published}, but holds from a later period on: {periods}"))
        }
    }
}

/// Compares the keys with those of the releases that are restated, over the markets that both have.
///
/// A market is restated as a whole, so a key that is missing from it vanishes from what is known: that blocks, because a
/// cut-off download or a filter that went wrong look like this. New keys take nothing away, and sources do widen their
/// coverage: that warns. Markets that only one side has are neither: what a release does not cover stays as it was.
fn scope_jump(inspected: &Inspected<'_>) -> (Verdict, String) {
    let (mut old_keys, mut vanished, mut new) = (0_u32, 0_u32, 0_u32);
    for (market, gathered) in &inspected.tally.markets {
        let Some(old) = inspected.before.iter().find_map(|held| held.kept(market)) else { continue };
        let (then, now, kept) = (old.keys(), gathered.keys(), gathered.shared(old));
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        old_keys = old_keys.saturating_add(count(then));
        vanished = vanished.saturating_add(count(then.saturating_sub(kept)));
        new = new.saturating_add(count(now.saturating_sub(kept)));
    }
    if old_keys == 0 {
        return pass("no market is restated");
    }
    let share = |count: u32| f64::from(count) / f64::from(old_keys);
    let message = format!(
        "of {old_keys} keys in restated markets {vanished} vanish ({:.1} %), {new} are new ({:.1} %)",
        100.0 * share(vanished),
        100.0 * share(new)
    );
    match (share(vanished) > JUMP, share(new) > JUMP) {
        (true, _) => (Verdict::Block, message),
        (false, true) => (Verdict::Warn, message),
        (false, false) => (Verdict::Pass, message),
    }
}

fn vintage_order(inspected: &Inspected<'_>) -> (Verdict, String) {
    let Some(before) = inspected.before.first() else { return pass("the first of its dataset") };
    let (now, then) = (&inspected.release.vintage, &before.head.release.vintage);
    if [now, then].iter().any(|vintage| *vintage == UNDATED) {
        return pass(format!("not compared: {now} restates {then}"));
    }
    if now < then {
        return (Verdict::Warn, format!("vintage {now} sorts before {then}, which it restates"));
    }
    pass(format!("follows {then}"))
}
