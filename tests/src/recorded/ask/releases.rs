//! Questions about releases with their reports, and about rejected rows.
use orewatch_contracts::ingestion::v1::{ListRejectionsRequest, Release, ReleaseInfo, Report, SourceFile};
use tonic::Status;

use crate::api::Api;
use crate::recorded::answers::{Answers, Section, add_row, bits};
use crate::recorded::compare::{REJECTIONS, RELEASES};
use crate::recorded::rows::{list, time, word};

/// Adds the sections `releases`, `release files`, `gates` and `rejections`.
pub(super) async fn ask(api: &Api, into: &mut Answers) -> Result<(), Status> {
    let releases = api.releases().await?;
    let [mut states, mut files, mut gates, mut rejections] = [(); 4].map(|()| Section::new());
    for (number, info) in releases.iter().enumerate() {
        let release = info.release.clone().unwrap_or_default();
        add_row(&mut states, format!("{number:03} {}", release.id), state(info, &release));
        for (number, file) in release.files.iter().enumerate() {
            add_row(&mut files, format!("{} {number}", release.id), file_row(file));
        }
        for verdict in info.report.iter().flat_map(|report| &report.gates) {
            let row = format!("{} {}", verdict.verdict, verdict.mode);
            add_row(&mut gates, format!("{} {}", release.id, verdict.gate), row);
        }
        add_rejections(api, &release.id, &mut rejections).await?;
    }
    into.add(RELEASES, states);
    into.add("release files", files);
    into.add("gates", gates);
    into.add(REJECTIONS, rejections);
    Ok(())
}

fn state(info: &ReleaseInfo, release: &Release) -> String {
    let Release { dataset, vintage, table, hs_revision, concordances, tenant, in_place_of, parser, .. } =
        release;
    let position = info.committed_position.map_or_else(|| "-".to_owned(), |position| position.to_string());
    let report = info.report.as_ref().map_or_else(|| "-".to_owned(), report);
    format!(
        "{} {} {} {position} {}; {dataset} {vintage} {table} {parser} {} {} {} {}; {report}",
        info.state,
        time(info.opened_at),
        time(info.closed_at),
        info.chunks,
        word(hs_revision),
        list(concordances),
        word(tenant),
        word(in_place_of)
    )
}

fn report(report: &Report) -> String {
    // Maps of the contracts have no order.
    let mut codes: Vec<_> =
        report.rejected_by_code.iter().map(|(code, count)| format!("{code}={count}")).collect();
    codes.sort();
    let totals = report.totals.as_ref().map_or_else(
        || "-".to_owned(),
        |totals| {
            let worst =
                totals.worst.iter().map(|one| bits(Some(one.declared)) + "/" + &bits(Some(one.summed)));
            format!("{} {} {}", totals.compared, totals.differing, list(&worst.collect::<Vec<_>>()))
        },
    );
    format!(
        "{} {} {} {} {} {} {} {} {totals}",
        report.rows_read,
        report.rows_recorded,
        report.rows_out_of_scope,
        report.rows_rejected,
        list(&codes),
        word(&report.first_period),
        word(&report.last_period),
        word(&report.restates)
    )
}

fn file_row(file: &SourceFile) -> String {
    format!(
        "{} {} {} {} {}",
        file.name.replace(' ', "_"),
        file.bytes,
        file.sha256,
        word(&file.stored_sha256),
        time(file.retrieved_at)
    )
}

async fn add_rejections(api: &Api, release: &str, into: &mut Section) -> Result<(), Status> {
    let request = ListRejectionsRequest {
        release: release.to_owned(),
        page_size: 1000,
        ..ListRejectionsRequest::default()
    };
    let page = api.ingestion.clone().list_rejections(request).await?.into_inner();
    assert!(page.next_page_token.is_empty(), "a record has few rejections");
    for (number, rejection) in page.rejections.iter().enumerate() {
        let row =
            format!("{} {} {} {}", rejection.file, rejection.line, rejection.code, word(&rejection.value));
        add_row(into, format!("{release} {number}"), row);
    }
    Ok(())
}
