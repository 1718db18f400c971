//! `withdraw`: withdraws a release that is wrong.
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::WithdrawReleaseRequest;

use super::{print_message, releases, with_client};
use crate::options::ClientOptions;
use crate::session::{Client, Session};
use crate::settle;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  orewatch withdraw MCS2026 --reason \"Russian antimony is wrong, see erratum\""
)]
pub(crate) struct Args {
    /// Release: its identifier, or its vintage if only one release has it
    release: String,
    /// Reason recorded with the change
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Name recorded as the author of the change
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs the command, and waits until figures and alerts no longer use the release.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| withdraw(&args, client).await).await
}

async fn withdraw(args: &Args, client: &Client) -> Result<(), Failure> {
    let request = WithdrawReleaseRequest {
        release: args.release.clone(),
        reason: args.reason.clone(),
        actor: args.actor.clone(),
    };
    let response = client.ingestion().await?.withdraw_release(client.request(request)).await?.into_inner();
    let info = response.release.unwrap_or_default();
    releases::print(&client.out, &info)?;
    // The response does not have the position of the withdrawal. It follows the commit, so wait for at least
    // the next position.
    settle::settle(client, info.committed_position.map_or(0, |position| position.saturating_add(1))).await?;
    print_message("Release withdrawn. Queries with an earlier --as-at still use it.");
    Ok(())
}
