//! Explains why a query has no figure: which part of it has no data, and which data there are instead.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{Consumer, Period};
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::{AsAt, By, Frequency};
use orewatch_contracts::exposure::v1::ExposureFilter;
use orewatch_measures::{Measure, Table};

use super::{known_at, query};
use crate::session::Client;

/// Recorded periods by stage.
type Stages = BTreeMap<String, Recorded>;

/// The periods of a stage that have trade, and those that have production.
#[derive(Default)]
struct Recorded {
    trade: BTreeSet<String>,
    production: BTreeSet<String>,
}

impl Recorded {
    /// Periods that have the data that a measure needs; without a measure, periods that have any data.
    fn periods(&self, measure: Option<Measure>) -> BTreeSet<String> {
        match measure.map(|measure| measure.method().table) {
            Some(Table::Trade) => self.trade.clone(),
            Some(Table::Production) => self.production.clone(),
            Some(Table::Both) => &self.trade & &self.production,
            None => &self.trade | &self.production,
        }
    }

    /// The data that a measure needs and that the stage has in no period: `trade` or `production`.
    fn missing_data(&self, measure: Option<Measure>) -> Option<&'static str> {
        let table = measure?.method().table;
        match table {
            Table::Trade | Table::Both if self.trade.is_empty() => Some("trade"),
            Table::Production | Table::Both if self.production.is_empty() => Some("production"),
            Table::Trade | Table::Production | Table::Both => None,
        }
    }
}

/// Reasons why there is no figure, one sentence each. Empty if the data has everything that the query names.
pub(crate) async fn reasons(
    client: &Client,
    asked: &ExposureFilter,
    as_at: Option<AsAt>,
) -> Result<Vec<String>, Failure> {
    let mut reasons: Vec<String> =
        asked.consumers.iter().filter_map(|code| bloc_without_members(code, &asked.as_of)).collect();
    for material in &asked.materials {
        let stages = recorded_stages(client, material, as_at.clone()).await?;
        let measure = asked.measures.first().and_then(|measure| measure.parse().ok());
        reasons.extend(not_recorded(material, &asked.stages, &asked.as_of, measure, &stages));
    }
    Ok(reasons)
}

/// Reasons why a query has no result at all. If the data has everything that it names, the hint says what to
/// query instead.
pub(crate) async fn reasons_for_empty_result(
    client: &Client,
    asked: &ExposureFilter,
    as_at: Option<AsAt>,
) -> Result<Vec<String>, Failure> {
    let reasons = reasons(client, asked, as_at.clone()).await?;
    if !reasons.is_empty() {
        return Ok(reasons);
    }
    if let Some(elsewhere) = other_periods(&periods_with_figures(client, asked, as_at).await?, asked) {
        return Ok(vec![elsewhere]);
    }
    if !asked.measures.is_empty() {
        return Ok(vec![format!("see what is missing with `{}`", explain_command(asked))]);
    }
    Ok(asked.consumers.iter().filter_map(|code| not_in_the_data(code, &asked.suppliers)).collect())
}

/// Years and months that have figures for the query.
async fn periods_with_figures(
    client: &Client,
    asked: &ExposureFilter,
    as_at: Option<AsAt>,
) -> Result<BTreeSet<String>, Failure> {
    let measures = match asked.measures.as_slice() {
        [] if asked.suppliers.is_empty() => ["import-hhi", "production-hhi"].map(str::to_owned).to_vec(),
        [] => ["import-share", "production-share"].map(str::to_owned).to_vec(),
        named => named.to_vec(),
    };
    let filter = ExposureFilter {
        measures,
        as_of: "all".to_owned(),
        frequency: Frequency::Unspecified.into(),
        ..asked.clone()
    };
    let found = query(client, known_at(filter, as_at)).await?;
    Ok(found.exposures.into_iter().map(|exposure| exposure.period).collect())
}

/// Says which periods have figures, and how to query the other frequency. `None` if no period has any.
fn other_periods(periods: &BTreeSet<String>, asked: &ExposureFilter) -> Option<String> {
    let (months, years): (BTreeSet<String>, BTreeSet<String>) =
        periods.iter().cloned().partition(|period| period.contains('-'));
    let wants_months = asked.frequency() == Frequency::Monthly || asked.as_of.contains('-');
    match (years.is_empty(), months.is_empty()) {
        (true, true) => None,
        (true, false) if !wants_months => Some(format!(
            "only monthly figures exist, {}: query them with --frequency monthly",
            span(&months)
        )),
        (false, true) if wants_months => {
            Some(format!("only annual figures exist, {}: query them with --frequency annual", span(&years)))
        }
        (true, false) => Some(format!("figures exist for {}", span(&months))),
        (false, true) => Some(format!("figures exist for {}", span(&years))),
        (false, false) => {
            Some(format!("figures exist for {}, and monthly for {}", span(&years), span(&months)))
        }
    }
}

/// The `explain` command for a query. Arguments that the query does not name are placeholders in capitals.
fn explain_command(asked: &ExposureFilter) -> String {
    let first = |list: &[String], missing: &str| list.first().map_or(missing, String::as_str).to_owned();
    let measure = first(&asked.measures, "MEASURE");
    let mut words = vec![
        format!("orewatch explain --consumer {}", first(&asked.consumers, "CONSUMER")),
        format!(
            "--material {} --stage {}",
            first(&asked.materials, "MATERIAL"),
            first(&asked.stages, "STAGE")
        ),
        format!("--measure {measure}"),
    ];
    if measure.parse::<Measure>().is_ok_and(|measure| measure.method().has_supplier) {
        words.push(format!("--supplier {}", first(&asked.suppliers, "SUPPLIER")));
    }
    match asked.by() {
        By::Quantity => words.push("--by quantity".to_owned()),
        By::Value => words.push("--by value".to_owned()),
        By::Unspecified => {}
    }
    if asked.as_of.parse::<Period>().is_ok() {
        words.push(format!("--as-of {}", asked.as_of));
    }
    words.join(" ")
}

/// Says that a bloc has no members in the queried period.
fn bloc_without_members(code: &str, as_of: &str) -> Option<String> {
    let Ok(Consumer::Bloc(bloc)) = code.parse() else { return None };
    let period: Period = as_of.split("..").last()?.trim().parse().ok()?;
    if !bloc.members(period).is_empty() {
        return None;
    }
    let first = bloc.memberships.iter().filter_map(|member| member.from).min();
    let since = first.filter(|first| period.end() < *first);
    Some(match since {
        Some(first) => format!("{code} has no members in {period}: the first joined in {first}"),
        None => format!("{code} has no members in {period}"),
    })
}

/// Stages and periods in which any figure of a material is recorded.
async fn recorded_stages(client: &Client, material: &str, as_at: Option<AsAt>) -> Result<Stages, Failure> {
    let filter = ExposureFilter {
        consumers: vec!["WLD".to_owned()],
        materials: vec![material.to_owned()],
        measures: ["import-hhi", "production-hhi"].map(str::to_owned).to_vec(),
        by: By::Quantity.into(),
        as_of: "all".to_owned(),
        ..ExposureFilter::default()
    };
    let mut stages = Stages::new();
    for exposure in query(client, known_at(filter, as_at)).await?.exposures {
        let subject = exposure.subject.unwrap_or_default();
        let recorded = stages.entry(subject.stage).or_default();
        let periods = if subject.measure.starts_with("production") {
            &mut recorded.production
        } else {
            &mut recorded.trade
        };
        periods.insert(exposure.period);
    }
    Ok(stages)
}

/// Says which of the queried stages and periods of a material have no figures, or lack the data that the
/// measure needs.
fn not_recorded(
    material: &str,
    stages: &[String],
    as_of: &str,
    measure: Option<Measure>,
    recorded: &Stages,
) -> Vec<String> {
    if recorded.is_empty() {
        return vec![format!("no release has data on {material}; see `orewatch releases`")];
    }
    let all = || recorded.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let absent = |stage: &&String| !recorded.contains_key(*stage);
    let absent_stages = stages.iter().filter(absent);
    let mut reasons: Vec<String> = absent_stages
        .map(|stage| format!("{material} has no figures at stage {stage}, only at {}", all()))
        .collect();
    let asked = recorded.iter().filter(|(stage, _)| stages.is_empty() || stages.contains(stage));
    for (stage, recorded) in asked {
        let periods = recorded.periods(measure);
        if let Some(data) = recorded.missing_data(measure) {
            reasons.push(format!(
                "the measure needs {data} data, and no release has any for {material}, {stage}"
            ));
        } else if as_of.parse::<Period>().is_ok() && !periods.contains(as_of) {
            reasons.push(format!(
                "{material}, {stage} has no such figures for {as_of}, only for {}",
                span(&periods)
            ));
        }
    }
    reasons
}

/// The first and the last period as text.
fn span(periods: &BTreeSet<String>) -> String {
    match (periods.first(), periods.last()) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (Some(only), _) => only.clone(),
        (None, _) => "none".to_owned(),
    }
}

/// Says that no release has such imports of an economy or bloc.
fn not_in_the_data(code: &str, suppliers: &[String]) -> Option<String> {
    let consumer: Consumer = code.parse().ok()?;
    let from = if suppliers.is_empty() { String::new() } else { format!(" from {}", suppliers.join(" or ")) };
    Some(format!("no release has imports by {} ({code}){from} that match", consumer.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Production of two years, no trade.
    fn gallium() -> Stages {
        let production = ["2023", "2024"].map(str::to_owned).into();
        Stages::from([("refined".to_owned(), Recorded { production, ..Recorded::default() })])
    }

    #[test]
    fn a_bloc_without_members_says_when_the_first_joined() {
        let reason = bloc_without_members("MSP", "2018").unwrap();
        assert!(reason.starts_with("MSP has no members in 2018: the first joined in 2022"), "{reason}");
        assert_eq!(bloc_without_members("MSP", "2024"), None);
        assert_eq!(bloc_without_members("MSP", "2018..2024"), None);
        assert_eq!(bloc_without_members("G7", ""), None);
        assert_eq!(bloc_without_members("DEU", "1900"), None);
    }

    #[test]
    fn the_explain_command_has_the_arguments_of_the_query() {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let asked = ExposureFilter {
            consumers: texts(&["JPN"]),
            materials: texts(&["lithium"]),
            measures: texts(&["import-share"]),
            by: By::Value.into(),
            as_of: "2024".to_owned(),
            ..ExposureFilter::default()
        };
        assert_eq!(
            explain_command(&asked),
            "orewatch explain --consumer JPN --material lithium --stage STAGE --measure import-share \
             --supplier SUPPLIER --by value --as-of 2024"
        );
        let whole = ExposureFilter { measures: texts(&["import-hhi"]), stages: texts(&["refined"]), ..asked };
        assert!(explain_command(&whole).contains("--stage refined --measure import-hhi --by value"));
    }

    #[test]
    fn a_query_for_the_wrong_frequency_names_the_right_one() {
        let reasons = |frequency: Frequency, as_of: &str, periods: &[&str]| {
            let asked = ExposureFilter {
                frequency: frequency.into(),
                as_of: as_of.to_owned(),
                ..ExposureFilter::default()
            };
            other_periods(&periods.iter().map(|text| (*text).to_owned()).collect(), &asked)
        };
        let (latest, monthly) = (Frequency::Unspecified, Frequency::Monthly);
        let months = ["2024-01", "2024-03"];
        assert_eq!(reasons(latest, "", &[]), None);
        let hint = "only monthly figures exist, 2024-01 to 2024-03: query them with --frequency monthly";
        assert_eq!(reasons(latest, "", &months).unwrap(), hint);
        let hint = "only annual figures exist, 2023: query them with --frequency annual";
        assert_eq!(reasons(monthly, "", &["2023"]).unwrap(), hint);
        assert_eq!(reasons(latest, "2022", &["2023"]).unwrap(), "figures exist for 2023");
        assert_eq!(reasons(latest, "2024-02", &months).unwrap(), "figures exist for 2024-01 to 2024-03");
    }

    #[test]
    fn a_stage_or_period_without_figures_names_those_that_have_some() {
        let reasons =
            |stage: &str, as_of| not_recorded("gallium", &[stage.to_owned()], as_of, None, &gallium());
        assert_eq!(reasons("mined", ""), ["gallium has no figures at stage mined, only at refined"]);
        assert_eq!(
            reasons("refined", "1950"),
            ["gallium, refined has no such figures for 1950, only for 2023 to 2024"]
        );
        assert!(reasons("refined", "2024").is_empty());
        assert!(not_recorded("gallium", &[], "", None, &Stages::new())[0].contains("orewatch releases"));
    }

    #[test]
    fn a_measure_without_its_data_says_which_data_are_missing() {
        let reasons = |measure| not_recorded("gallium", &[], "2024", Some(measure), &gallium());
        assert!(reasons(Measure::ProductionHhi).is_empty());
        assert!(
            reasons(Measure::ImportHhi)[0]
                .contains("the measure needs trade data, and no release has any for gallium, refined")
        );
        assert!(reasons(Measure::NetImportReliance)[0].contains("needs trade data"));
    }
}
