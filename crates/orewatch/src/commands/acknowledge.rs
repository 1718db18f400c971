//! `acknowledge` and `unacknowledge`: acknowledge an alert, or withdraw the acknowledgement.
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{AcknowledgeAlertRequest, UnacknowledgeAlertRequest, Verdict};
use orewatch_contracts::{Class, Failure};
use serde_json::json;

use super::alerts::find_existing;
use super::{print_message, with_client};
use crate::options::{ClientOptions, Format};
use crate::session::{Client, Session};
use crate::times::End;
use crate::view::acknowledgement_summary;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch acknowledge g7-china-rare-earths/G7/rare-earths/refined/CHN --owner ann
  orewatch acknowledge china/DEU/cobalt/refined/CHN --verdict potential --for 3d \\
      --note 'asked customs'

An acknowledgement stops repeats and escalation, but never the message that the alert is resolved.
It ends with the episode, when the severity rises, after --for or --until, or by `orewatch unacknowledge`.")]
pub(crate) struct Args {
    /// Identifier of the alert: RULE/CONSUMER/MATERIAL/STAGE/SUPPLIER, or the short one of the list
    alert: String,
    /// Verdict on the alert [default: none]
    #[arg(long, value_enum)]
    verdict: Option<VerdictArg>,
    /// Note recorded with the acknowledgement
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
    /// Name recorded as the owner of the alert
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    owner: String,
    /// Duration of the acknowledgement, such as 72h, 7d or 2w [default: until the episode ends]
    #[arg(long, visible_alias = "for", value_name = "DURATION")]
    lasts: Option<End>,
    /// End of the acknowledgement: a time, a day (its end, UTC), or a duration
    #[arg(long, value_name = "TIME", conflicts_with = "lasts")]
    until: Option<End>,
    #[command(flatten)]
    client: ClientOptions,
}

/// Verdict on an alert, as an argument.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum VerdictArg {
    /// The alert may matter
    Potential,
    /// The alert matters
    Confirmed,
    /// The alert is correct, but has no consequences
    NoImpact,
}

impl From<VerdictArg> for Verdict {
    fn from(verdict: VerdictArg) -> Self {
        match verdict {
            VerdictArg::Potential => Self::Potential,
            VerdictArg::Confirmed => Self::Confirmed,
            VerdictArg::NoImpact => Self::NoImpact,
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch unacknowledge china/DEU/cobalt/refined/CHN --note 'the customs office does not answer'")]
pub(crate) struct UnacknowledgeArgs {
    /// Identifier of the alert: RULE/CONSUMER/MATERIAL/STAGE/SUPPLIER, or the short one of the list
    alert: String,
    /// Reason recorded with the change
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
    /// Name recorded as the author of the change
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs `acknowledge`.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    let now = session.clock.now();
    with_client(session, &args.client, async |client| acknowledge(&args, client, now).await).await
}

/// Runs `unacknowledge`.
pub(crate) async fn run_unacknowledge(args: UnacknowledgeArgs, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| unacknowledge(&args, client).await).await
}

async fn acknowledge(args: &Args, client: &Client, now: Timestamp) -> Result<(), Failure> {
    let end = args.until.map(|end| (end, "until")).or_else(|| args.lasts.map(|end| (end, "lasts")));
    let expires_in = |(end, field): (End, &str)| {
        let lasts = end.from_start(now, field)?.duration_since(now);
        let length = Duration::try_from(lasts).ok().and_then(|length| length.try_into().ok());
        length.ok_or_else(|| {
            Failure::new(Class::Invalid, "out-of-range", "the acknowledgement would end in the past")
                .at(field, lasts.to_string())
        })
    };
    let request = AcknowledgeAlertRequest {
        alert: find_existing(client, &args.alert).await?,
        verdict: args.verdict.map_or(Verdict::Unspecified, Verdict::from).into(),
        note: args.note.clone(),
        owner: args.owner.clone(),
        expires_in: end.map(expires_in).transpose()?,
    };
    let response =
        client.notifications().await?.acknowledge_alert(client.request(request)).await?.into_inner();
    let acknowledgement = response.acknowledgement.unwrap_or_default();
    match client.out.format {
        Format::Json | Format::Csv => client.out.row(&acknowledgement),
        Format::Table => client.out.text(&format!("{}\n", acknowledgement_summary(&acknowledgement))),
    }
}

async fn unacknowledge(args: &UnacknowledgeArgs, client: &Client) -> Result<(), Failure> {
    let alert = find_existing(client, &args.alert).await?;
    let request = UnacknowledgeAlertRequest {
        alert: alert.clone(),
        actor: args.actor.clone(),
        note: args.note.clone(),
    };
    let response =
        client.notifications().await?.unacknowledge_alert(client.request(request)).await?.into_inner();
    if client.out.format == Format::Json {
        client.out.json(&json!({"alert": alert, "changed": response.changed}))?;
    }
    print_message(if response.changed {
        "Acknowledgement withdrawn."
    } else {
        "The alert is not acknowledged. Nothing changed."
    });
    Ok(())
}
