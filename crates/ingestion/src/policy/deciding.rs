//! Whether a preference can ever decide. One that cannot is a mistake: its author believes that it does.
use std::collections::BTreeSet;

use orewatch_catalog::{Consumer, Economy, Period, Stage, materials};
use orewatch_contracts::ingestion::v1::{Preference, Table};
use orewatch_runtime::Failure;

use super::check::wrong;
use super::contest::is_about;
use super::datasets::Dataset;

/// Refuses lists that what a table holds cannot match: what has no importer, and what has no period.
pub(super) fn matchable(at: &str, preference: &Preference) -> Result<(), Failure> {
    let table = preference.table();
    let no_economy = match table {
        Table::Production => Some("output is answered for the whole world, by one dataset a market"),
        Table::Governance => Some("governance is answered for all economies together, by one dataset"),
        Table::Restrictions => Some("restrictions of all economies are answered together"),
        _ => None,
    };
    if let Some(message) = no_economy.filter(|_| !preference.economies.is_empty()) {
        return Err(wrong(format!("{at}.economies"), preference.economies.join(","), message)
            .with_hint("leave economies out"));
    }
    let dated = [("from", &preference.from), ("until", &preference.until)];
    match dated.into_iter().find(|(_, text)| table == Table::Restrictions && !text.is_empty()) {
        Some((name, text)) => {
            let message =
                "restrictions have days of their own, and no period that a preference could be limited to";
            Err(wrong(format!("{at}.{name}"), text, message).with_hint("leave from and until out"))
        }
        None => Ok(()),
    }
}

/// Refuses a dataset none of whose rows is of the materials and stages of a preference. Periods are left alone: they are still to come.
pub(super) fn has_rows(field: &str, dataset: &Dataset<'_>, preference: &Preference) -> Result<(), Failure> {
    let markets = || dataset.releases.iter().flat_map(|held| held.kept.markets.keys());
    if markets().any(|market| is_about(preference, market)) {
        return Ok(());
    }
    let meant = [&preference.materials, &preference.stages].map(|list| list.join(", "));
    let meant: Vec<_> = meant.into_iter().filter(|list| !list.is_empty()).collect();
    let has: BTreeSet<String> =
        markets().map(|market| market.topic()).filter(|topic| !topic.is_empty()).collect();
    let shown: Vec<_> = has.iter().take(MAX_SHOWN).cloned().collect();
    let more = if has.len() > MAX_SHOWN { ", and others" } else { "" };
    let message = format!("dataset {} has no figures of {}", dataset.name, meant.join(", "));
    Err(wrong(field, dataset.name, message).with_hint(format!("it has {}{more}", shown.join(", "))))
}

/// Topics of a dataset that a hint lists.
const MAX_SHOWN: usize = 8;

/// Refuses a preference of which an earlier one matches all that it matches: of several the first decides.
pub(super) fn each_decides(preferences: &[Preference]) -> Result<(), Failure> {
    for (place, preference) in preferences.iter().enumerate() {
        let earlier = preferences.iter().take(place);
        if let Some(first) = earlier.into_iter().position(|earlier| covers(earlier, preference)) {
            let message =
                format!("preferences[{first}] matches all that it matches, so that it never decides");
            let field = format!("policy.preferences[{place}]");
            return Err(wrong(field, preference.datasets.join(","), message)
                .with_hint("put the narrower one first, or leave one of them out"));
        }
    }
    Ok(())
}

/// Whether a preference matches all that another one matches.
fn covers(first: &Preference, other: &Preference) -> bool {
    // Rows of other tables may have no material or stage, which a list of all of them does not match.
    let has_topics = matches!(first.table(), Table::Trade | Table::Production);
    let all_materials = || materials().iter().map(|material| material.id).collect::<Vec<_>>();
    let all_stages = || Stage::ALL.map(Stage::as_str).to_vec();
    first.table == other.table
        && lists_all(&first.materials, &other.materials, has_topics.then(all_materials))
        && lists_all(&first.stages, &other.stages, has_topics.then(all_stages))
        && spans(first, other)
        && concerns_all(first, other)
}

/// Whether a list matches all that another does; an empty one matches everything.
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

/// Whether the economies of a preference include those of another one in every period of that one.
fn concerns_all(first: &Preference, other: &Preference) -> bool {
    let named = |code: &String| code.parse::<Consumer>().ok();
    let listed: Vec<_> = first.economies.iter().filter_map(named).collect();
    let includes = |who: Consumer| match who {
        _ if listed.contains(&who) => true,
        Consumer::Economy(economy) => listed.iter().any(|bloc| has_member(bloc, economy, other)),
        Consumer::Bloc(_) | Consumer::World => false,
    };
    match (first.economies.is_empty(), other.economies.is_empty()) {
        (true, _) => true,
        (false, true) => false,
        (false, false) => other.economies.iter().all(|code| named(code).is_some_and(includes)),
    }
}

/// Whether an economy is in a bloc in all periods that a preference is about.
fn has_member(consumer: &Consumer, economy: &Economy, preference: &Preference) -> bool {
    let Consumer::Bloc(bloc) = consumer else { return false };
    let [from, until] = [&preference.from, &preference.until].map(|text| text.parse::<Period>().ok());
    bloc.memberships.iter().filter(|member| member.iso3 == economy.iso3).any(|member| {
        let joined = member.from.is_none_or(|day| from.is_some_and(|from| day <= from.start()));
        let stays = member.until.is_none_or(|day| until.is_some_and(|until| until.end() <= day));
        joined && stays
    })
}
