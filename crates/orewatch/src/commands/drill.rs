//! `drill`: messages as if an alert fired, to see that they arrive.
use orewatch_contracts::alerting::v1::RunDrillRequest;
use orewatch_runtime::Failure;
use serde_json::json;

use super::say;
use crate::options::{ClientOptions, Format};
use crate::session::Client;
use crate::words::counted;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch drill --receiver desk-mail
  orewatch drill --alert g7-china-rare-earths/G7/rare-earths/refined/CHN --actor ann

Every message is marked as a drill. What became of them: orewatch deliveries")]
pub(crate) struct Args {
    /// Receiver that is told [default: those of all subscriptions that select the alert]
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    receiver: String,
    /// Alert that is played through [default: a made one, of a rule named `drill`]
    #[arg(long, value_name = "ALERT", default_value = "", hide_default_value = true)]
    alert: String,
    /// Who asks
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let ask = RunDrillRequest {
        receiver: args.receiver.clone(),
        alert: args.alert.clone(),
        actor: args.actor.clone(),
    };
    let answer = client.notifications().await?.run_drill(client.request(ask)).await?.into_inner();
    say(&format!("{} planned", counted(answer.notifications.len(), "message")));
    match client.out.format {
        Format::Json => client.out.json(&json!({"notifications": answer.notifications})),
        Format::Csv | Format::Table => {
            client.out.text(&answer.notifications.iter().map(|id| format!("{id}\n")).collect::<String>())
        }
    }
}
