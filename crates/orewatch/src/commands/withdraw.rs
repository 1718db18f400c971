//! `withdraw`: a release that should not have been.
use orewatch_contracts::ingestion::v1::WithdrawReleaseRequest;
use orewatch_runtime::Failure;

use super::{ingest, releases, say};
use crate::options::{ClientOptions, Format};
use crate::render::object;
use crate::session::Client;
use crate::view::ReleaseRow;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  orewatch withdraw MCS2026 --reason \"antimony of Russia is wrong, see erratum\""
)]
pub(crate) struct Args {
    /// The release: its identifier, or its vintage where that is unambiguous
    release: String,
    /// Why, for people
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who asks
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Runs the command, and waits until its figures have gone.
pub(crate) async fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let ask = WithdrawReleaseRequest {
        release: args.release.clone(),
        reason: args.reason.clone(),
        actor: args.actor.clone(),
    };
    let answer = client.ingestion().await?.withdraw_release(client.request(ask)).await?.into_inner();
    let info = answer.release.unwrap_or_default();
    match client.out.format {
        Format::Json => client.out.json(&object(&ReleaseRow(&info)))?,
        Format::Csv => client.out.csv(&[ReleaseRow(&info)])?,
        Format::Table => client.out.text(&releases::page(&client.out, &info, true))?,
    }
    // The position of the withdrawal itself is not told: everything that is on the log by now includes it.
    ingest::settle(client, info.committed_position.map_or(0, |position| position.saturating_add(1))).await?;
    say("withdrawn; `--as-at` before now still answers with it");
    Ok(())
}
