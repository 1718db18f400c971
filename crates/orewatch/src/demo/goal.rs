//! The G7's goal for 2030 and the world's refining: the figures that the argument is about.
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::{By, Estimate};
use orewatch_contracts::exposure::v1::{
    CheckClaimsRequest, ExposureFilter, ListTargetsRequest, QueryExposuresRequest, Reading, TargetProgress,
    TargetStanding,
};
use serde_json::{Value, json};

use super::command;
use super::facts::{Goal, SUPPLIER};
use crate::commands::exposure;
use crate::render::{Align, Style, document as rows, object, pad, percent, status_word, wrap};
use crate::session::Client;
use crate::view::{TargetBasis, verdict_mark, verdict_phrase};
use crate::words::{economy_name, material_name};

/// The G7's goal for each of the two products.
const TARGETS: [&str; 2] = ["g7-2030-rare-earths", "g7-2030-magnets"];

/// The claim about the world's refining that is checked.
const CLAIM: &str = "reuters-47-to-87";

/// Materials of that claim.
const MATERIALS: [&str; 5] = ["copper", "lithium", "cobalt", "rare-earths", "graphite"];

/// Dataset and scenario of the figures about refining, and the periods that are shown.
const DATASET: &str = "iea-cm";
const SCENARIO: &str = "iea-cm:base";
const PERIODS: [&str; 2] = ["2024", "2030"];

/// Width of the label of a target and of its figure on one basis, in characters.
const TARGET_WIDTH: usize = 26;
const BASIS_WIDTH: usize = 26;

/// Width of the label of a year and of a share in the table of refining, in characters.
const YEAR_WIDTH: usize = 18;
const SHARE_WIDTH: usize = 12;

/// Queries the targets, the shares and the claim.
pub(crate) async fn gather(client: &Client) -> Result<Goal, Failure> {
    let targets =
        ListTargetsRequest { targets: TARGETS.map(str::to_owned).to_vec(), ..ListTargetsRequest::default() };
    let targets = client.exposure().await?.list_targets(client.request(targets)).await?.into_inner().targets;
    let [observed, projected] = PERIODS;
    let observed = refining(client, observed, dataset_reading()).await?;
    let projected = refining(client, projected, scenario_reading()).await?;
    let both = |material: &str| {
        let of = |figures: &[(String, Estimate)]| {
            figures
                .iter()
                .find(|(name, _)| name == material)
                .map(|(_, share)| share.clone())
                .unwrap_or_default()
        };
        (material.to_owned(), [of(&observed), of(&projected)])
    };
    let claim = CheckClaimsRequest { claims: vec![CLAIM.to_owned()], ..CheckClaimsRequest::default() };
    let claim = client.exposure().await?.check_claims(client.request(claim)).await?.into_inner().claims;
    Ok(Goal { targets, refining: MATERIALS.map(both).into_iter().collect(), claim: claim.into_iter().next() })
}

fn dataset_reading() -> Reading {
    Reading { dataset: DATASET.to_owned(), ..Reading::default() }
}

fn scenario_reading() -> Reading {
    Reading { scenario: SCENARIO.to_owned(), ..Reading::default() }
}

/// The supplier's share in the world's refining of each material in a period.
async fn refining(
    client: &Client,
    as_of: &str,
    reading: Reading,
) -> Result<Vec<(String, Estimate)>, Failure> {
    let filter = ExposureFilter {
        consumers: vec!["WLD".to_owned()],
        materials: MATERIALS.map(str::to_owned).to_vec(),
        stages: vec!["refined".to_owned()],
        suppliers: vec![SUPPLIER.to_owned()],
        measures: vec!["production-share".to_owned()],
        as_of: as_of.to_owned(),
        ..ExposureFilter::default()
    };
    let request = QueryExposuresRequest { reading: Some(reading), ..exposure::current(filter) };
    let found = exposure::query(client, request).await?.exposures;
    let share = |one: orewatch_contracts::exposure::v1::Exposure| {
        Some((one.subject?.material, one.estimate.unwrap_or_default()))
    };
    Ok(found.into_iter().filter_map(share).collect())
}

/// Renders the targets on both bases.
pub(crate) fn targets_block(style: Style, width: usize, goal: &Goal) -> String {
    let head =
        format!("{}{}by value", " ".repeat(TARGET_WIDTH), pad("by quantity", BASIS_WIDTH, Align::Left));
    let mut text = style.dim(&format!("  {head}\n"));
    for standing in &goal.targets {
        let target = standing.target.clone().unwrap_or_default();
        let label = format!("{}, {}", material_name(&target.material), target.stage);
        let side = |by: By| standing.progress.iter().find(|progress| progress.by() == by);
        let [quantity, value] = [By::Quantity, By::Value].map(|by| progress_text(style, side(by)));
        text.push_str(&format!(
            "  {}{}{}\n",
            style.bold(&pad(&label, TARGET_WIDTH, Align::Left)),
            pad(&quantity, BASIS_WIDTH, Align::Left),
            value.trim_end()
        ));
    }
    text + &command::lines(style, width, &format!("orewatch targets {}", TARGETS.join(" ")))
}

/// One basis of a target: `67.7 % CHN 2024, missed`.
fn progress_text(style: Style, progress: Option<&TargetProgress>) -> String {
    let Some(progress) = progress else { return "-".to_owned() };
    let value = progress.estimate.as_ref().and_then(|estimate| estimate.value);
    let Some(value) = value else { return "no figure".to_owned() };
    let verdict = verdict_mark(progress.verdict());
    let text = format!("{} {} {}, {verdict}", percent(value), progress.supplier, progress.period);
    if progress.distance.is_some_and(|distance| distance > 0.0) {
        style.red(&text)
    } else {
        style.green(&text)
    }
}

/// Renders the shares of refining, now and projected, and the claim.
pub(crate) fn refining_block(style: Style, width: usize, goal: &Goal) -> String {
    let mut text = format!("  {}", " ".repeat(YEAR_WIDTH));
    for (material, _) in &goal.refining {
        text.push_str(&pad(&material_name(material), SHARE_WIDTH, Align::Right));
    }
    text = style.dim(&format!("{text}\n"));
    for (row, period) in PERIODS.iter().enumerate() {
        let shares: String = goal
            .refining
            .iter()
            .map(|(_, shares)| {
                let value = shares.get(row).and_then(|share| share.value);
                pad(&value.map_or_else(|| "-".to_owned(), percent), SHARE_WIDTH, Align::Right)
            })
            .collect();
        let kind = if row == 0 { "observed" } else { "projection" };
        let label = pad(&format!("{period}, {kind}"), YEAR_WIDTH, Align::Left);
        text.push_str(&format!("  {label}{shares}\n"));
    }
    let select = "--consumer WLD --stage refined --supplier CHN --measure production-share";
    let [now, then] = PERIODS;
    for reading in
        [format!("--dataset {DATASET} --as-of {now}"), format!("--scenario {SCENARIO} --as-of {then}")]
    {
        text.push_str(&command::lines(style, width, &format!("orewatch exposure {select} {reading}")));
    }
    if let Some(checked) = &goal.claim {
        let claim = checked.claim.clone().unwrap_or_default();
        let who = [claim.said_by.as_str(), claim.reported_by.as_str()];
        let who: Vec<&str> = who.into_iter().filter(|name| !name.is_empty()).collect();
        let sentence = format!(
            "\"{}\" ({}): {}. {}",
            claim.text,
            who.join(", reported by "),
            verdict_phrase(checked.verdict()),
            checked.reason
        );
        text.push_str(&wrap(&sentence, width, "  "));
        text.push_str(&command::lines(style, width, &format!("orewatch claims {CLAIM}")));
    }
    text
}

/// The heading of the targets.
pub(crate) fn targets_title() -> String {
    "The goal of the G7: at most 60 % of its imports from one country by 2030".to_owned()
}

/// The heading of the shares.
pub(crate) fn refining_title() -> String {
    let [_, then] = PERIODS;
    format!("Refined in {}: share of the world, and the IEA's base case of {then}", economy_name(SUPPLIER))
}

/// Whether there is anything to show.
pub(crate) fn is_empty(goal: &Goal) -> bool {
    goal.targets.is_empty()
}

/// The block as JSON.
pub(crate) fn document(goal: &Goal) -> Value {
    let share =
        |estimate: &Estimate| json!({"share": estimate.value, "status": status_word(estimate.status())});
    let refining: Vec<Value> = goal
        .refining
        .iter()
        .map(|(material, [observed, projected])| {
            json!({"material": material, "observed": share(observed), "projected": share(projected)})
        })
        .collect();
    let bases: Vec<TargetBasis<'_>> = goal.targets.iter().flat_map(bases).collect();
    json!({
        "targets": rows(&bases),
        "refining": {"dataset": DATASET, "scenario": SCENARIO, "periods": PERIODS, "shares": refining},
        "claim": goal.claim.as_ref().map(object),
    })
}

/// A target on each of its bases.
fn bases(standing: &TargetStanding) -> impl Iterator<Item = TargetBasis<'_>> {
    standing.progress.iter().map(move |progress| TargetBasis { standing, progress })
}
