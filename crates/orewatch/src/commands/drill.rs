//! `drill`: sends messages as if an alert had fired, to check that they arrive.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::RunDrillRequest;
use serde_json::json;

use super::{print_message, with_client};
use crate::options::{ClientOptions, Format};
use crate::session::{Client, Session};
use crate::words::count_text;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch drill --receiver desk-mail
  orewatch drill --alert g7-china-rare-earths/G7/rare-earths/refined/CHN --actor ann

Every message is marked as a drill. Check with `orewatch deliveries` that the messages arrive.")]
pub(crate) struct Args {
    /// Receiver of the message [default: the receivers of all subscriptions that select the alert]
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    receiver: String,
    /// Alert to use [default: a made-up alert of a rule named `drill`]
    #[arg(long, value_name = "ALERT", default_value = "", hide_default_value = true)]
    alert: String,
    /// Name recorded as the author of the drill
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| run_drill(&args, client).await).await
}

async fn run_drill(args: &Args, client: &Client) -> Result<(), Failure> {
    let request = RunDrillRequest {
        receiver: args.receiver.clone(),
        alert: args.alert.clone(),
        actor: args.actor.clone(),
    };
    let response = client.notifications().await?.run_drill(client.request(request)).await?.into_inner();
    print_message(&format!("{} planned.", count_text(response.notifications.len(), "message")));
    match client.out.format {
        Format::Json => client.out.json(&json!({"notifications": response.notifications})),
        Format::Csv | Format::Table => {
            client.out.text(&response.notifications.iter().map(|id| format!("{id}\n")).collect::<String>())
        }
    }
}
