//! Finds preferences that can never decide. Such a preference is a mistake: its author believes that it does.
use std::collections::BTreeSet;

use orewatch_catalog::{Consumer, Economy, Period, Stage, materials};
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::{Preference, Table};

use super::contest::matches_topic;
use super::datasets::Dataset;
use super::invalid::invalid_policy;

/// Refuses economies and periods for tables that are not answered by economy or period.
pub(super) fn check_matchable(at: &str, preference: &Preference) -> Result<(), Failure> {
    let table = preference.table();
    let no_economy = match table {
        Table::Production => Some("output is answered for the whole world, by one dataset a market"),
        Table::Governance => Some("governance is answered for all economies together, by one dataset"),
        Table::Restrictions => Some("restrictions of all economies are answered together"),
        _ => None,
    };
    if let Some(message) = no_economy.filter(|_| !preference.economies.is_empty()) {
        return Err(invalid_policy(format!("{at}.economies"), preference.economies.join(","), message)
            .with_hint("leave economies out"));
    }
    let dated = [("from", &preference.from), ("until", &preference.until)];
    match dated.into_iter().find(|(_, text)| table == Table::Restrictions && !text.is_empty()) {
        Some((name, text)) => {
            let message =
                "restrictions have days of their own, and no period that a preference could be limited to";
            Err(invalid_policy(format!("{at}.{name}"), text, message).with_hint("leave from and until out"))
        }
        None => Ok(()),
    }
}

/// Refuses a dataset without rows of the preference's materials and stages. Periods are not checked: rows may
/// still come.
pub(super) fn check_has_rows(
    field: &str,
    dataset: &Dataset<'_>,
    preference: &Preference,
) -> Result<(), Failure> {
    let markets = || dataset.releases.iter().flat_map(|record| record.committed_rows.markets.keys());
    if markets().any(|market| matches_topic(preference, market)) {
        return Ok(());
    }
    let meant = [&preference.materials, &preference.stages].map(|list| list.join(", "));
    let meant: Vec<_> = meant.into_iter().filter(|list| !list.is_empty()).collect();
    let has: BTreeSet<String> =
        markets().map(|market| market.topic()).filter(|topic| !topic.is_empty()).collect();
    let shown: Vec<_> = has.iter().take(MAX_SHOWN).cloned().collect();
    let more = if has.len() > MAX_SHOWN { ", and others" } else { "" };
    let message = format!("dataset {} has no figures of {}", dataset.name, meant.join(", "));
    Err(invalid_policy(field, dataset.name, message).with_hint(format!("it has {}{more}", shown.join(", "))))
}

/// Upper bound on the topics that a hint lists.
const MAX_SHOWN: usize = 8;

/// Refuses a preference if an earlier one matches all that it matches: the first match decides.
pub(super) fn check_each_reachable(preferences: &[Preference]) -> Result<(), Failure> {
    for (place, preference) in preferences.iter().enumerate() {
        let earlier = preferences.iter().take(place);
        if let Some(first) = earlier.into_iter().position(|earlier| covers(earlier, preference)) {
            let message =
                format!("preferences[{first}] matches all that it matches, so that it never decides");
            let field = format!("policy.preferences[{place}]");
            return Err(invalid_policy(field, preference.datasets.join(","), message)
                .with_hint("put the narrower one first, or leave one of them out"));
        }
    }
    Ok(())
}

/// Whether the first preference matches all that the other one matches.
fn covers(first: &Preference, other: &Preference) -> bool {
    // Rows of other tables may have no material or stage, so a list of all materials does not match
    // everything there.
    let has_topics = matches!(first.table(), Table::Trade | Table::Production);
    let all_materials = || materials().iter().map(|material| material.id).collect::<Vec<_>>();
    let all_stages = || Stage::ALL.map(Stage::as_str).to_vec();
    first.table == other.table
        && lists_all(&first.materials, &other.materials, has_topics.then(all_materials))
        && lists_all(&first.stages, &other.stages, has_topics.then(all_stages))
        && spans(first, other)
        && concerns_all(first, other)
}

/// Whether a list matches all that another one does. An empty list matches everything.
fn lists_all(first: &[String], other: &[String], everything: Option<Vec<&str>>) -> bool {
    let lists = |item: &str| first.iter().any(|listed| listed == item);
    match (first.is_empty(), other.is_empty()) {
        (true, _) => true,
        (false, true) => everything.is_some_and(|all| all.into_iter().all(lists)),
        (false, false) => other.iter().all(|item| lists(item)),
    }
}

fn spans(first: &Preference, other: &Preference) -> bool {
    let period = |text: &str| text.parse::<Period>().ok();
    let begins = match (period(&first.from), period(&other.from)) {
        (None, _) => true,
        (Some(from), other) => other.is_some_and(|other| from.start() <= other.start()),
    };
    let ends = match (period(&first.until), period(&other.until)) {
        (None, _) => true,
        (Some(until), other) => other.is_some_and(|other| other.end() <= until.end()),
    };
    begins && ends
}

/// Whether the economies of a preference include those of another one in every period of the other.
fn concerns_all(first: &Preference, other: &Preference) -> bool {
    let named = |code: &String| code.parse::<Consumer>().ok();
    let listed: Vec<_> = first.economies.iter().filter_map(named).collect();
    let includes = |who: Consumer| match who {
        _ if listed.contains(&who) => true,
        Consumer::Economy(check_economy) => listed.iter().any(|bloc| has_member(bloc, check_economy, other)),
        Consumer::Bloc(_) | Consumer::World => false,
    };
    match (first.economies.is_empty(), other.economies.is_empty()) {
        (true, _) => true,
        (false, true) => false,
        (false, false) => other.economies.iter().all(|code| named(code).is_some_and(includes)),
    }
}

/// Whether an economy is a member of a bloc in all periods of a preference.
fn has_member(consumer: &Consumer, check_economy: &Economy, preference: &Preference) -> bool {
    let Consumer::Bloc(bloc) = consumer else { return false };
    let [from, until] = [&preference.from, &preference.until].map(|text| text.parse::<Period>().ok());
    bloc.memberships.iter().filter(|member| member.iso3 == check_economy.iso3).any(|member| {
        let joined = member.from.is_none_or(|day| from.is_some_and(|from| day <= from.start()));
        let stays = member.until.is_none_or(|day| until.is_some_and(|until| until.end() <= day));
        joined && stays
    })
}
