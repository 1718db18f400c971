//! `releases`: lists releases, or shows one with its report.
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::{GetReleaseRequest, ListReleasesRequest, ReleaseInfo, ReleaseState};

use super::shared::{all_pages, print_list, require_known};
use super::with_client;
use crate::options::{ClientOptions, Format};
use crate::render::Out;
use crate::session::{Client, Session};
use crate::view::{DatasetTerms, release_page};

/// Page size of requests: the most that the server returns at once.
const PAGE_SIZE: u32 = 1_000;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch releases
  orewatch releases --dataset usgs-mcs
  orewatch releases --datasets
  orewatch releases MCS2026")]
pub(crate) struct Args {
    /// Release to show with its report: its identifier, or its vintage if only one release has it
    release: Option<String>,
    /// Only releases of this dataset
    #[arg(long, value_name = "DATASET", default_value = "", hide_default_value = true)]
    dataset: String,
    /// Only releases in this state
    #[arg(long, value_enum)]
    state: Option<State>,
    /// List datasets instead: their licences, whether they may be passed on, and how long originals are kept
    #[arg(long, conflicts_with = "release")]
    datasets: bool,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// State of a release, as an argument.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum State {
    /// Rows are being recorded, or the release is held open
    Open,
    /// The release is visible
    Committed,
    /// A gate refused the release
    Refused,
    /// The release was withdrawn after its commit
    Withdrawn,
    /// The rows of the release are erased, or cannot be read
    Erased,
}

impl From<State> for ReleaseState {
    fn from(state: State) -> Self {
        match state {
            State::Open => Self::Open,
            State::Committed => Self::Committed,
            State::Refused => Self::Refused,
            State::Withdrawn => Self::Withdrawn,
            State::Erased => Self::Erased,
        }
    }
}

/// Lists releases, or shows one.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| answer(&args, client).await).await
}

async fn answer(args: &Args, client: &Client) -> Result<(), Failure> {
    match &args.release {
        Some(release) => show(release, client).await,
        None => list(args, client).await,
    }
}

async fn show(release: &str, client: &Client) -> Result<(), Failure> {
    let request = GetReleaseRequest { release: release.to_owned() };
    let response = client.ingestion().await?.get_release(client.request(request)).await?.into_inner();
    let info = response.release.unwrap_or_default();
    match client.out.format {
        Format::Json | Format::Csv => client.out.row(&info),
        Format::Table => client.out.text(&release_page(&client.out, &info, false)),
    }
}

/// Prints a release after a change, with a short page.
pub(super) fn print(out: &Out, info: &ReleaseInfo) -> Result<(), Failure> {
    match out.format {
        Format::Json | Format::Csv => out.row(info),
        Format::Table => out.text(&release_page(out, info, true)),
    }
}

async fn list(args: &Args, client: &Client) -> Result<(), Failure> {
    let state = args.state.map_or(ReleaseState::Unspecified, ReleaseState::from);
    let releases = query(client, &args.dataset, state).await?;
    if releases.is_empty() && !args.dataset.is_empty() {
        let all = query(client, "", ReleaseState::Unspecified).await?.into_iter();
        let known = all.filter_map(|info| Some(info.release?.dataset));
        require_known(("dataset", "unknown-dataset"), &args.dataset, known)?;
    }
    let none = match args.state.is_some() {
        true => "No release matches.",
        false => "No release yet. Load the reference figures: orewatch ingest --reference",
    };
    if args.datasets {
        return print_list(&client.out, &DatasetTerms::of_releases(&releases), none);
    }
    print_list(&client.out, &releases, none)
}

/// Queries the releases of a dataset in a state, page by page. An empty name and an unspecified state mean
/// all.
pub(super) async fn query(
    client: &Client,
    dataset: &str,
    state: ReleaseState,
) -> Result<Vec<ReleaseInfo>, Failure> {
    let mut service = client.ingestion().await?;
    all_pages(async |page_token| {
        let request = ListReleasesRequest {
            dataset: dataset.to_owned(),
            state: state.into(),
            page_size: PAGE_SIZE,
            page_token,
        };
        let page = service.list_releases(client.request(request)).await?.into_inner();
        Ok((page.releases, page.next_page_token))
    })
    .await
}
