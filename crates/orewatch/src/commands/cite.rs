//! `cite`: prints citations of releases, to be pasted into a text.
use std::collections::BTreeMap;

use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::{GetReleaseRequest, Release, ReleaseInfo, ReleaseState};

use super::releases::query;
use super::{print_message, with_client};
use crate::options::{ClientOptions, Format};
use crate::render::{Out, wrap};
use crate::session::{Client, Session};
use crate::view::Citation;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A citation has publisher, title, vintage, address, licence, date of retrieval, and the versions of what
read the file and computed the figure. `orewatch explain --cite` cites the releases behind a figure.

Examples:
  orewatch cite
  orewatch cite MCS2026
  orewatch cite usgs-mcs --format json")]
pub(crate) struct Args {
    /// Release (identifier or vintage) or dataset, of which the newest release is cited [default: the newest
    /// release of every dataset]
    what: Option<String>,
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| cite(&args, client).await).await
}

async fn cite(args: &Args, client: &Client) -> Result<(), Failure> {
    let committed = query(client, "", ReleaseState::Committed).await?;
    let newest = newest_by_dataset(&committed);
    let releases = match args.what.as_deref() {
        None => newest.into_values().collect(),
        Some(what) => match newest.get(what) {
            Some(release) => vec![release.clone()],
            None => vec![release(client, what).await?],
        },
    };
    let citations: Vec<Citation> = releases.into_iter().map(Citation::of_release).collect();
    print(&client.out, &citations)
}

/// Prints citations: one paragraph each, or rows.
pub(super) fn print(out: &Out, citations: &[Citation]) -> Result<(), Failure> {
    match out.format {
        Format::Json | Format::Csv => out.rows(citations)?,
        Format::Table if citations.is_empty() => print_message("No release to cite."),
        Format::Table => {
            let paragraphs = citations.iter().map(|citation| wrap(&citation.sentence(), out.width, ""));
            out.text(&paragraphs.collect::<Vec<_>>().join("\n"))?;
        }
    }
    out.require(citations.is_empty())
}

/// The release of each dataset that was committed last.
fn newest_by_dataset(committed: &[ReleaseInfo]) -> BTreeMap<String, Release> {
    let mut newest: BTreeMap<String, (Option<u64>, Release)> = BTreeMap::new();
    for info in committed {
        let Some(release) = &info.release else { continue };
        let is_newer =
            newest.get(&release.dataset).is_none_or(|(position, _)| info.committed_position >= *position);
        if is_newer {
            newest.insert(release.dataset.clone(), (info.committed_position, release.clone()));
        }
    }
    newest.into_iter().map(|(dataset, (_, release))| (dataset, release)).collect()
}

async fn release(client: &Client, what: &str) -> Result<Release, Failure> {
    let request = GetReleaseRequest { release: what.to_owned() };
    let response = client.ingestion().await?.get_release(client.request(request)).await?.into_inner();
    Ok(response.release.and_then(|info| info.release).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_releases_the_last_committed_is_cited() {
        let info = |dataset: &str, vintage: &str, position: u64| ReleaseInfo {
            release: Some(Release {
                dataset: dataset.to_owned(),
                vintage: vintage.to_owned(),
                ..Release::default()
            }),
            committed_position: Some(position),
            ..ReleaseInfo::default()
        };
        let newest = newest_by_dataset(&[info("a", "2", 9), info("a", "1", 3), info("b", "1", 4)]);
        let vintages: Vec<&str> = newest.values().map(|release| release.vintage.as_str()).collect();
        assert_eq!(vintages, ["2", "1"]);
    }
}
