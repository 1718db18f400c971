//! `silences`: no messages about some alerts for some time.
use std::io::IsTerminal as _;

use jiff::{SignedDuration, Timestamp};
use orewatch_alerting::notify::document::matcher;
use orewatch_contracts::alerting::v1::{
    EndSilenceRequest, ListSilencesRequest, PutSilenceRequest, PutSilenceResponse, Silence, SilenceInfo,
};
use orewatch_runtime::{Class, Failure};

use super::alerts::Filter;
use super::say;
use crate::options::{ClientOptions, Format, Whose};
use crate::render::{Align, Out, Sheet, document, object};
use crate::session::Client;
use crate::view::{SilenceRow, filter_words, silence_word};
use crate::words::instant;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch silences add --material cobalt --lasts 48h --author ann --reason 'known: mine reopens on Monday'
  orewatch silences add --match 'rule=~china-.*' --from 2027-01-01T00:00:00Z --until 2027-01-08T00:00:00Z --author ann --reason leave
  orewatch silences add --id 0198c0de-0000-7000-8000-000000000000 --material cobalt --lasts 96h --author ann --reason 'not yet'
  orewatch silences list --all
  orewatch silences end 0198c0de-0000-7000-8000-000000000000")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a silence, or change one
    Add(Box<AddArgs>),
    /// List silences
    List(ListArgs),
    /// End a silence now; alerts that it held back are told at once
    End(EndArgs),
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    #[command(flatten)]
    filter: Filter,
    /// Further conditions: FIELD=VALUE, FIELD!=VALUE, FIELD=~EXPRESSION, FIELD!~EXPRESSION
    #[arg(long = "match", value_name = "CONDITION")]
    matchers: Vec<String>,
    /// Identifier of the silence that is changed [default: a new one]
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    id: String,
    /// Beginning [default: now, or as it was]
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// End
    #[arg(long, value_name = "TIME", required_unless_present = "lasts")]
    until: Option<Timestamp>,
    /// How long it lasts, in place of an end
    #[arg(long, value_name = "DURATION", conflicts_with = "until")]
    lasts: Option<SignedDuration>,
    /// Who makes it
    #[arg(long, value_name = "NAME")]
    author: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Make it without asking, also if it holds back every alert or speaks of what no rule has
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Also those that are over
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct EndArgs {
    /// Identifier of the silence
    silence: String,
    /// Who ends it
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    #[command(flatten)]
    client: ClientOptions,
}

impl Args {
    /// Where to ask.
    pub(crate) fn client(&self) -> &ClientOptions {
        match &self.command {
            Command::Add(args) => &args.client,
            Command::List(args) => &args.client,
            Command::End(args) => &args.client,
        }
    }
}

/// Runs the command; `now` is the present.
pub(crate) async fn run(args: &Args, client: &Client, now: Timestamp) -> Result<(), Failure> {
    match &args.command {
        Command::Add(args) => add(args, client, now).await,
        Command::List(args) => list(args, client).await,
        Command::End(args) => end(args, client).await,
    }
}

fn proto(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

async fn add(args: &AddArgs, client: &Client, now: Timestamp) -> Result<(), Failure> {
    let lasts = |lasts: SignedDuration| {
        args.from.unwrap_or(now).checked_add(lasts).map_err(|_| {
            Failure::new(Class::Invalid, "out-of-range", "the silence would outlast all calendars")
                .at("lasts", lasts.to_string())
        })
    };
    let until = args.until.map(Ok).or_else(|| args.lasts.map(lasts)).transpose()?;
    let mut filter = args.filter.proto();
    for (k, text) in args.matchers.iter().enumerate() {
        filter.matchers.push(matcher(text, &format!("match[{k}]"))?);
    }
    let silence = Silence {
        id: args.id.clone(),
        filter: Some(filter),
        starts_at: args.from.map(proto),
        ends_at: until.map(proto),
        author: args.author.clone(),
        reason: args.reason.clone(),
    };
    let tenant = args.whose.tenant.clone();
    let ask = PutSilenceRequest { silence: Some(silence), validate_only: false, tenant };
    let mut service = client.notifications().await?;
    let check = PutSilenceRequest { validate_only: true, ..ask.clone() };
    let checked = service.put_silence(client.request(check)).await?.into_inner();
    if args.yes {
        checked.warnings.iter().for_each(|warning| say(warning));
    } else {
        is_meant(&checked)?;
    }
    let answer = service.put_silence(client.request(ask)).await?.into_inner();
    one(&client.out, &answer.silence.unwrap_or_default())
}

/// Asks on a terminal whether a silence is meant that holds back everything, or speaks of what no rule has; elsewhere it wants to be
/// told.
///
/// # Errors
/// It is not meant, or nobody says so.
fn is_meant(checked: &PutSilenceResponse) -> Result<(), Failure> {
    let held = checked.silence.as_ref().map(|info| info.alerts).unwrap_or_default();
    let all =
        (held > 1 && held == checked.firing).then(|| format!("it holds back all {held} alerts that fire"));
    let doubts: Vec<String> = checked.warnings.iter().cloned().chain(all).collect();
    if doubts.is_empty() || confirmed(&doubts.join("; "), "make the silence")? {
        return Ok(());
    }
    let message = format!("the silence was not made: {}", doubts.join("; "));
    let wrong = Failure::new(Class::Refused, "not-meant", message);
    Err(wrong.with_hint("if that is meant, add --yes"))
}

/// Asks on a terminal; elsewhere nobody could answer, and nothing is taken for granted.
fn confirmed(doubts: &str, action: &str) -> Result<bool, Failure> {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Ok(false);
    }
    say(&format!("{doubts}; {action}? [y/N]"));
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.map_err(|error| Failure::new(Class::Unavailable, "no-answer", error.to_string()))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

async fn list(args: &ListArgs, client: &Client) -> Result<(), Failure> {
    let ask = ListSilencesRequest { also_over: args.all };
    let answer = client.notifications().await?.list_silences(client.request(ask)).await?.into_inner();
    if answer.silences.is_empty() && client.out.format == Format::Table {
        say("no silence; every alert is told");
        return Ok(());
    }
    let rows: Vec<SilenceRow<'_>> = answer.silences.iter().map(SilenceRow).collect();
    match client.out.format {
        Format::Json => client.out.json(&document(&rows)),
        Format::Csv => client.out.csv(&rows),
        Format::Table => client.out.text(&table(&client.out, &answer.silences)),
    }
}

async fn end(args: &EndArgs, client: &Client) -> Result<(), Failure> {
    let ask = EndSilenceRequest { silence: args.silence.clone(), actor: args.actor.clone() };
    let answer = client.notifications().await?.end_silence(client.request(ask)).await?.into_inner();
    one(&client.out, &answer.silence.unwrap_or_default())
}

fn one(out: &Out, info: &SilenceInfo) -> Result<(), Failure> {
    let row = SilenceRow(info);
    match out.format {
        Format::Json => out.json(&object(&row)),
        Format::Csv => out.csv(&[row]),
        Format::Table => out.text(&table(out, std::slice::from_ref(info))),
    }
}

fn table(out: &Out, silences: &[SilenceInfo]) -> String {
    let mut sheet = Sheet::new(
        out,
        &[
            ("silence", Align::Left),
            ("state", Align::Left),
            ("holds back", Align::Right),
            ("from", Align::Left),
            ("until", Align::Left),
            ("of", Align::Left),
            ("author", Align::Left),
            ("reason", Align::Left),
        ],
    );
    for info in silences {
        let silence = info.silence.clone().unwrap_or_default();
        let time = |time: Option<prost_types::Timestamp>| time.map(|time| instant(time.seconds));
        sheet.row([
            silence.id,
            silence_word(info.state()),
            info.alerts.to_string(),
            time(silence.starts_at).unwrap_or_default(),
            time(silence.ends_at).unwrap_or_default(),
            filter_words(silence.filter.as_ref()),
            silence.author,
            silence.reason,
        ]);
    }
    sheet.finish()
}
