//! `acknowledge` and `unacknowledge`: somebody takes an alert on, or lets it go.
use std::time::Duration;

use jiff::SignedDuration;
use orewatch_contracts::alerting::v1::{
    AcknowledgeAlertRequest, Acknowledgement, UnacknowledgeAlertRequest, Verdict,
};
use orewatch_runtime::{Class, Failure};
use serde_json::json;

use super::say;
use crate::options::{ClientOptions, Format};
use crate::render::object;
use crate::session::Client;
use crate::view::{AcknowledgementRow, verdict_word};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch acknowledge g7-china-rare-earths/G7/rare-earths/refined/CHN --verdict confirmed --owner ann
  orewatch acknowledge china/DEU/cobalt/refined/CHN --verdict potential --note 'asked customs' --lasts 72h

It stops repeats and escalation, never the message that the alert is over. It ends with the episode, when the severity
rises, after --lasts, or when it is taken back.")]
pub(crate) struct Args {
    /// Identifier: RULE/CONSUMER/MATERIAL/STAGE/SUPPLIER
    alert: String,
    /// What is said about it [default: nothing yet]
    #[arg(long, value_enum)]
    verdict: Option<Said>,
    /// Note for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
    /// Who takes it on
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    owner: String,
    /// How long it holds [default: as long as the episode]
    #[arg(long, value_name = "DURATION")]
    lasts: Option<SignedDuration>,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// What is said about an alert.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Said {
    /// It may matter
    Potential,
    /// It matters
    Confirmed,
    /// It is right, and does not matter
    NoImpact,
}

impl From<Said> for Verdict {
    fn from(said: Said) -> Self {
        match said {
            Said::Potential => Self::Potential,
            Said::Confirmed => Self::Confirmed,
            Said::NoImpact => Self::NoImpact,
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch unacknowledge china/DEU/cobalt/refined/CHN --note 'the customs office does not answer'")]
pub(crate) struct BackArgs {
    /// Identifier: RULE/CONSUMER/MATERIAL/STAGE/SUPPLIER
    alert: String,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
    /// Who takes it back
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Takes an alert on.
pub(crate) async fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let proto = |lasts: SignedDuration| {
        let length = Duration::try_from(lasts).ok().and_then(|length| length.try_into().ok());
        length.ok_or_else(|| {
            Failure::new(Class::Invalid, "out-of-range", "it cannot last that long")
                .at("lasts", lasts.to_string())
        })
    };
    let ask = AcknowledgeAlertRequest {
        alert: args.alert.clone(),
        verdict: args.verdict.map_or(Verdict::Unspecified, Verdict::from).into(),
        note: args.note.clone(),
        owner: args.owner.clone(),
        expires_in: args.lasts.map(proto).transpose()?,
    };
    let answer = client.notifications().await?.acknowledge_alert(client.request(ask)).await?.into_inner();
    let acknowledgement = answer.acknowledgement.unwrap_or_default();
    let row = AcknowledgementRow(&acknowledgement);
    match client.out.format {
        Format::Json => client.out.json(&object(&row)),
        Format::Csv => client.out.csv(&[row]),
        Format::Table => client.out.text(&format!("{}\n", taken_on(&acknowledgement))),
    }
}

/// Who has taken it on, in a few words.
pub(crate) fn taken_on(acknowledgement: &Acknowledgement) -> String {
    let owner = match acknowledgement.owner.as_str() {
        "" => String::new(),
        owner => format!(" by {owner}"),
    };
    let verdict = match verdict_word(acknowledgement.verdict()) {
        word if word.is_empty() => String::new(),
        word => format!(": {word}"),
    };
    format!("taken on{owner}{verdict}")
}

/// Lets an alert go.
pub(crate) async fn back(args: &BackArgs, client: &Client) -> Result<(), Failure> {
    let ask = UnacknowledgeAlertRequest {
        alert: args.alert.clone(),
        actor: args.actor.clone(),
        note: args.note.clone(),
    };
    let answer = client.notifications().await?.unacknowledge_alert(client.request(ask)).await?.into_inner();
    if client.out.format == Format::Json {
        client.out.json(&json!({"alert": args.alert, "changed": answer.changed}))?;
    }
    say(if answer.changed { "taken back" } else { "nobody had taken it on; nothing was changed" });
    Ok(())
}
