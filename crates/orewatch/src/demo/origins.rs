//! Direct suppliers of a consumer, beside the true origins of the material.
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::{By, Estimate};
use orewatch_contracts::exposure::v1::{Exposure, ExposureFilter};
use serde_json::{Value, json};

use super::command;
use super::facts::{Origins, Ranking};
use crate::commands::exposure;
use crate::render::{Align, Style, bar, brief, pad, status_word, wrap};
use crate::session::Client;
use crate::words::{economy_name, material_name};

/// The example: its direct suppliers trade the material more than they mine it.
const EXAMPLE: (&str, &str, &str) = ("DEU", "manganese", "mined");

/// Maximum number of economies on each side, on the full page and on the short one.
const MAX_ECONOMIES: usize = 5;
const SHORT_MAX_ECONOMIES: usize = 3;

/// Page width from which the table has names of economies, in characters.
const WIDE_PAGE: usize = 96;

/// Widths of the parts of one side of the table, in characters: code, name, share with its bounds, and bar.
const CODE_WIDTH: usize = 4;
const NAME_WIDTH: usize = 13;
const FIGURE_WIDTH: usize = 21;
const BAR_WIDTH: usize = 4;

/// Queries both sides, for the latest period with known origins.
pub(crate) async fn gather(client: &Client) -> Result<Option<Origins>, Failure> {
    let traced = query(client, "lookthrough", "").await?;
    let Some(period) = traced.iter().map(|one| one.period.clone()).max() else { return Ok(None) };
    let bought = query(client, "import", &period).await?;
    let (consumer, material, stage) = EXAMPLE;
    Ok(Some(Origins {
        consumer: consumer.to_owned(),
        material: material.to_owned(),
        stage: stage.to_owned(),
        period,
        direct: ranking(bought),
        origins: ranking(traced),
    }))
}

/// Queries the shares and concentration of a family of measures.
async fn query(client: &Client, family: &str, as_of: &str) -> Result<Vec<Exposure>, Failure> {
    let (consumer, material, stage) = EXAMPLE;
    let filter = ExposureFilter {
        consumers: vec![consumer.to_owned()],
        materials: vec![material.to_owned()],
        stages: vec![stage.to_owned()],
        suppliers: Vec::new(),
        measures: vec![format!("{family}-share"), format!("{family}-hhi")],
        by: By::Quantity.into(),
        as_of: as_of.to_owned(),
        ..ExposureFilter::default()
    };
    Ok(exposure::query(client, exposure::current(filter)).await?.exposures)
}

fn ranking(exposures: Vec<Exposure>) -> Ranking {
    let mut ranking = Ranking::default();
    for exposure in exposures {
        let estimate = exposure.estimate.unwrap_or_default();
        match exposure.subject.map(|subject| subject.supplier) {
            Some(supplier) if !supplier.is_empty() => ranking.shares.push((supplier, estimate)),
            _ => ranking.hhi = estimate,
        }
    }
    let value = |(_, share): &(String, Estimate)| share.value.unwrap_or(-1.0);
    ranking.shares.sort_by(|a, b| value(b).total_cmp(&value(a)).then_with(|| a.0.cmp(&b.0)));
    ranking
}

/// The heading of the block.
pub(crate) fn title(origins: &Origins) -> String {
    format!(
        "Estimated origin, after re-exports: {}, {}, {}, {}",
        economy_name(&origins.consumer),
        material_name(&origins.material),
        origins.stage,
        origins.period
    )
}

/// Renders both sides, the largest share first.
pub(crate) fn block(style: Style, width: usize, origins: &Origins, full: bool) -> String {
    let name_width = if width < WIDE_PAGE { 0 } else { NAME_WIDTH };
    let side_width = CODE_WIDTH + name_width + FIGURE_WIDTH + 2 + BAR_WIDTH + 2;
    let heads = pad("direct supplier", side_width, Align::Left) + "estimated origin";
    let mut text = style.dim(&format!("  {heads}\n"));
    for row in 0..if full { MAX_ECONOMIES } else { SHORT_MAX_ECONOMIES } {
        let side = |ranking: &Ranking| {
            let share = ranking.shares.get(row);
            share.map_or_else(|| " ".repeat(side_width), |share| economy_line(style, name_width, share))
        };
        let [direct, origin] = [side(&origins.direct), side(&origins.origins)];
        text.push_str(&format!("{}\n", format!("  {direct}{origin}").trim_end()));
    }
    if full {
        let hhi = |ranking: &Ranking| format!("HHI {}", brief("hhi", Some(&ranking.hhi)));
        let foot = pad(&hhi(&origins.direct), side_width, Align::Left) + &hhi(&origins.origins);
        text.push_str(&style.dim(&format!("  {foot}\n")));
    }
    let Origins { consumer, material, stage, period, .. } = origins;
    let subject = format!("--consumer {consumer} --material {material} --stage {stage}");
    text.push_str(&command::lines(
        style,
        width,
        &format!(
            "orewatch exposure {subject} --measure import-share,import-hhi,lookthrough-share,lookthrough-hhi \
             --by quantity --as-of {period}"
        ),
    ));
    if !full {
        return text;
    }
    let note = format!(
        "Re-exports are traced back through the trade of all economies to where the material was {stage}. \
         Their routes:"
    );
    text.push_str(&style.dim(&wrap(&note, width, "  ")));
    let top = origins.origins.shares.first().map_or("", |(code, _)| code.as_str());
    let explain =
        format!("orewatch explain {subject} --measure lookthrough-share --supplier {top} --as-of {period}");
    text + &command::lines(style, width, &explain)
}

fn economy_line(style: Style, name_width: usize, (code, share): &(String, Estimate)) -> String {
    format!(
        "{}{}{}  {}  ",
        pad(code, CODE_WIDTH, Align::Left),
        if name_width == 0 { String::new() } else { pad(economy_name(code), name_width, Align::Left) },
        pad(&brief("share", Some(share)), FIGURE_WIDTH, Align::Right),
        style.cyan(&pad(&bar(share.value.unwrap_or_default(), BAR_WIDTH), BAR_WIDTH, Align::Left))
    )
}

/// The block as JSON.
pub(crate) fn document(origins: &Origins) -> Value {
    let side = |ranking: &Ranking| {
        let shares: Vec<Value> = ranking
            .shares
            .iter()
            .map(|(code, share)| {
                json!({"economy": code, "share": share.value, "status": status_word(share.status())})
            })
            .collect();
        json!({"hhi": ranking.hhi.value, "shares": shares})
    };
    json!({
        "consumer": origins.consumer,
        "material": origins.material,
        "stage": origins.stage,
        "period": origins.period,
        "bought_from": side(&origins.direct),
        "comes_from": side(&origins.origins),
    })
}
