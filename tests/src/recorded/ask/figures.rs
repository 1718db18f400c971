//! Questions about figures: all figures of all periods, by reading and knowledge time.
use orewatch_contracts::exposure::v1::{QueryExposuresRequest, QueryExposuresResponse};
use tonic::Status;

use crate::api::Api;
use crate::recorded::answers::{Answers, Section, add_row};
use crate::recorded::compare::{FIGURES_AS_AT, FIGURES_NOW};
use crate::recorded::questions::{FigureQuestion, Questions};
use crate::recorded::rows;

/// Number of figures on a page.
const PAGE_SIZE: u32 = 5_000;

/// Sends all queries of figures, two at a time, and adds a section for each.
pub(super) async fn ask(api: &Api, questions: &Questions, into: &mut Answers) -> Result<(), Status> {
    for pair in questions.figures.chunks(2) {
        let asked = pair.iter().map(|question| section(api, question, &questions.measures));
        for (question, section) in pair.iter().zip(futures_util::future::join_all(asked).await) {
            let kind = if question.is_now() { FIGURES_NOW } else { FIGURES_AS_AT };
            into.add(&format!("{kind}{}", question.name), section?);
        }
    }
    Ok(())
}

async fn section(api: &Api, question: &FigureQuestion, measures: &[String]) -> Result<Section, Status> {
    let (mut section, mut page_token) = (Section::new(), String::new());
    loop {
        let page = page(api, question, measures, page_token).await?;
        for exposure in &page.exposures {
            let key = rows::figure_key(exposure.subject.as_ref(), &exposure.period);
            add_row(&mut section, key, rows::exposure(exposure));
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(section);
        }
    }
}

async fn page(
    api: &Api,
    question: &FigureQuestion,
    measures: &[String],
    page_token: String,
) -> Result<QueryExposuresResponse, Status> {
    let request = QueryExposuresRequest {
        filter: Some(question.filter(measures)),
        as_at: question.as_at(),
        page_size: PAGE_SIZE,
        page_token,
        trend: question.trend,
        reading: Some(question.reading()),
        firmness: false,
    };
    Ok(api.exposure.clone().query_exposures(request).await?.into_inner())
}
