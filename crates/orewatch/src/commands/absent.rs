//! What to say where there is no figure: which of the things that were asked for is the one that is not there, and what is.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{Consumer, Period};
use orewatch_contracts::common::v1::{AsAt, By, Frequency};
use orewatch_contracts::exposure::v1::ExposureFilter;
use orewatch_measures::{Measure, Table};
use orewatch_runtime::Failure;

use super::exposure;
use crate::session::Client;

/// The periods that have trade and those that have output, by stage.
type Stages = BTreeMap<String, Recorded>;

/// The periods of a stage.
#[derive(Default)]
struct Recorded {
    trade: BTreeSet<String>,
    output: BTreeSet<String>,
}

impl Recorded {
    /// The periods in which there is what a measure needs; without a measure those in which there is anything.
    fn periods(&self, measure: Option<Measure>) -> BTreeSet<String> {
        match measure.map(|measure| measure.method().table) {
            Some(Table::Trade) => self.trade.clone(),
            Some(Table::Production) => self.output.clone(),
            Some(Table::Both) => &self.trade & &self.output,
            None => &self.trade | &self.output,
        }
    }

    /// What a measure needs and the stage has not in any period.
    fn lacks(&self, measure: Option<Measure>) -> Option<&'static str> {
        let table = measure?.method().table;
        match table {
            Table::Trade | Table::Both if self.trade.is_empty() => Some("trade"),
            Table::Production | Table::Both if self.output.is_empty() => Some("output"),
            Table::Trade | Table::Production | Table::Both => None,
        }
    }
}

/// What is not there and what is, one sentence each; nothing where all that was asked for is in the figures.
pub(crate) async fn reasons(
    client: &Client,
    asked: &ExposureFilter,
    as_at: Option<AsAt>,
) -> Result<Vec<String>, Failure> {
    let mut reasons: Vec<String> =
        asked.consumers.iter().filter_map(|code| unfounded(code, &asked.as_of)).collect();
    for material in &asked.materials {
        let stages = recorded(client, material, as_at.clone()).await?;
        let measure = asked.measures.first().and_then(|measure| measure.parse().ok());
        reasons.extend(not_recorded(material, &asked.stages, &asked.as_of, measure, &stages));
    }
    Ok(reasons)
}

/// The same for a question that has no answer at all, with where to ask on if nothing that was asked for is missing.
pub(crate) async fn reasons_for_nothing(
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
        return Ok(vec![format!("`{}` says what it is missing", explaining(asked))]);
    }
    Ok(asked.consumers.iter().filter_map(|code| not_in_the_data(code, &asked.suppliers)).collect())
}

/// The periods, years and months alike, in which there are figures of what was asked for.
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
    let found = exposure::query(client, exposure::as_at(filter, as_at)).await?;
    Ok(found.exposures.into_iter().map(|exposure| exposure.period).collect())
}

/// Of which periods there are figures, and how to ask for those of the other length. None: of no period.
fn other_periods(periods: &BTreeSet<String>, asked: &ExposureFilter) -> Option<String> {
    let (months, years): (BTreeSet<String>, BTreeSet<String>) =
        periods.iter().cloned().partition(|period| period.contains('-'));
    let wants_months = asked.frequency() == Frequency::Monthly || asked.as_of.contains('-');
    match (years.is_empty(), months.is_empty()) {
        (true, true) => None,
        (true, false) if !wants_months => Some(format!(
            "there are such figures of months alone, {}: ask for them with --frequency monthly",
            span(&months)
        )),
        (false, true) if wants_months => Some(format!(
            "there are such figures of years alone, {}: ask for them with --frequency annual",
            span(&years)
        )),
        (true, false) => Some(format!("there are such figures of {}", span(&months))),
        (false, true) => Some(format!("there are such figures of {}", span(&years))),
        (false, false) => {
            Some(format!("there are such figures of {}, and of {}", span(&years), span(&months)))
        }
    }
}

/// The command that explains the first of what was asked for; what was not named is left in capitals.
fn explaining(asked: &ExposureFilter) -> String {
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

/// A bloc that has no members in the period asked for.
fn unfounded(code: &str, as_of: &str) -> Option<String> {
    let Ok(Consumer::Bloc(bloc)) = code.parse() else { return None };
    let period: Period = as_of.split("..").last()?.trim().parse().ok()?;
    if !bloc.members(period).is_empty() {
        return None;
    }
    let first = bloc.memberships.iter().filter_map(|member| member.from).min();
    let since = first.filter(|first| period.end() < *first);
    Some(match since {
        Some(first) => format!("{code} has no members in {period}: the first belong to it since {first}"),
        None => format!("{code} has no members in {period}"),
    })
}

/// The stages and periods in which the world has figures of a material.
async fn recorded(client: &Client, material: &str, as_at: Option<AsAt>) -> Result<Stages, Failure> {
    let filter = ExposureFilter {
        consumers: vec!["WLD".to_owned()],
        materials: vec![material.to_owned()],
        measures: ["import-hhi", "production-hhi"].map(str::to_owned).to_vec(),
        by: By::Quantity.into(),
        as_of: "all".to_owned(),
        ..ExposureFilter::default()
    };
    let mut stages = Stages::new();
    for exposure in exposure::query(client, exposure::as_at(filter, as_at)).await?.exposures {
        let subject = exposure.subject.unwrap_or_default();
        let recorded = stages.entry(subject.stage).or_default();
        let periods = if subject.measure.starts_with("production") {
            &mut recorded.output
        } else {
            &mut recorded.trade
        };
        periods.insert(exposure.period);
    }
    Ok(stages)
}

/// Of a material the stages and the period that have no figures, or none of what the measure needs.
fn not_recorded(
    material: &str,
    stages: &[String],
    as_of: &str,
    measure: Option<Measure>,
    recorded: &Stages,
) -> Vec<String> {
    if recorded.is_empty() {
        return vec![format!("no release has figures of {material}; see `orewatch releases`")];
    }
    let all = || recorded.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let absent = |stage: &&String| !recorded.contains_key(*stage);
    let absent_stages = stages.iter().filter(absent);
    let mut reasons: Vec<String> = absent_stages
        .map(|stage| format!("{material} has no figures at stage {stage}; it has {}", all()))
        .collect();
    let asked = recorded.iter().filter(|(stage, _)| stages.is_empty() || stages.contains(stage));
    for (stage, recorded) in asked {
        let periods = recorded.periods(measure);
        if let Some(table) = recorded.lacks(measure) {
            reasons.push(format!(
                "no release has figures of {table} of {material}, {stage}, which the measure needs"
            ));
        } else if as_of.parse::<Period>().is_ok() && !periods.contains(as_of) {
            reasons.push(format!(
                "{material}, {stage} has no such figures of {as_of}; it has {}",
                span(&periods)
            ));
        }
    }
    reasons
}

/// From the first to the last period.
fn span(periods: &BTreeSet<String>) -> String {
    match (periods.first(), periods.last()) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (Some(only), _) => only.clone(),
        (None, _) => "none".to_owned(),
    }
}

/// An economy or bloc of which nothing of this is recorded.
fn not_in_the_data(code: &str, suppliers: &[String]) -> Option<String> {
    let consumer: Consumer = code.parse().ok()?;
    let from = if suppliers.is_empty() { String::new() } else { format!(" from {}", suppliers.join(" or ")) };
    Some(format!("no release records that {} ({code}) imports this{from}", consumer.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Output of two years, trade of none.
    fn gallium() -> Stages {
        let output = ["2023", "2024"].map(str::to_owned).into();
        Stages::from([("refined".to_owned(), Recorded { output, ..Recorded::default() })])
    }

    #[test]
    fn a_bloc_before_its_founding_says_when_it_was_founded() {
        let told = unfounded("MSP", "2018").unwrap();
        assert!(told.starts_with("MSP has no members in 2018: the first belong to it since 2022"), "{told}");
        assert_eq!(unfounded("MSP", "2024"), None);
        assert_eq!(unfounded("MSP", "2018..2024"), None);
        assert_eq!(unfounded("G7", ""), None);
        assert_eq!(unfounded("DEU", "1900"), None);
    }

    #[test]
    fn what_explains_a_measure_can_be_run_as_it_is_told() {
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
            explaining(&asked),
            "orewatch explain --consumer JPN --material lithium --stage STAGE --measure import-share --supplier SUPPLIER \
             --by value --as-of 2024"
        );
        let whole = ExposureFilter { measures: texts(&["import-hhi"]), stages: texts(&["refined"]), ..asked };
        assert!(explaining(&whole).contains("--stage refined --measure import-hhi --by value"));
    }

    #[test]
    fn figures_of_the_other_frequency_are_told() {
        let told = |frequency: Frequency, as_of: &str, periods: &[&str]| {
            let asked = ExposureFilter {
                frequency: frequency.into(),
                as_of: as_of.to_owned(),
                ..ExposureFilter::default()
            };
            other_periods(&periods.iter().map(|text| (*text).to_owned()).collect(), &asked)
        };
        let (latest, monthly) = (Frequency::Unspecified, Frequency::Monthly);
        let months = ["2024-01", "2024-03"];
        assert_eq!(told(latest, "", &[]), None);
        let hint = "there are such figures of months alone, 2024-01 to 2024-03: ask for them with --frequency monthly";
        assert_eq!(told(latest, "", &months).unwrap(), hint);
        let hint = "there are such figures of years alone, 2023: ask for them with --frequency annual";
        assert_eq!(told(monthly, "", &["2023"]).unwrap(), hint);
        assert_eq!(told(latest, "2022", &["2023"]).unwrap(), "there are such figures of 2023");
        assert_eq!(told(latest, "2024-02", &months).unwrap(), "there are such figures of 2024-01 to 2024-03");
    }

    #[test]
    fn a_stage_or_period_without_figures_says_which_there_are() {
        let told = |stage: &str, as_of| not_recorded("gallium", &[stage.to_owned()], as_of, None, &gallium());
        assert_eq!(told("mined", ""), ["gallium has no figures at stage mined; it has refined"]);
        assert_eq!(
            told("refined", "1950"),
            ["gallium, refined has no such figures of 1950; it has 2023 to 2024"]
        );
        assert!(told("refined", "2024").is_empty());
        assert!(not_recorded("gallium", &[], "", None, &Stages::new())[0].contains("orewatch releases"));
    }

    #[test]
    fn a_measure_without_what_it_needs_says_which_table_is_missing() {
        let told = |measure| not_recorded("gallium", &[], "2024", Some(measure), &gallium());
        assert!(told(Measure::ProductionHhi).is_empty());
        assert!(told(Measure::ImportHhi)[0].contains("no release has figures of trade of gallium, refined"));
        assert!(told(Measure::NetImportReliance)[0].contains("figures of trade"));
    }
}
