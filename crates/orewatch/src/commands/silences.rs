//! `silences`: mute matching alerts for some time.
use jiff::Timestamp;
use orewatch_alerting::notify::document::parse_matcher;
use orewatch_contracts::alerting::v1::{
    EndSilenceRequest, ListSilencesRequest, PutSilenceRequest, PutSilenceResponse, Silence, SilenceInfo,
};
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};

use super::alerts::Filter;
use super::shared::{confirm, is_interactive, is_prefix, print_list, whole_id};
use super::{print_message, with_client};
use crate::options::{ClientOptions, Format, TenantOption};
use crate::render::{Out, table};
use crate::session::{Client, Session};
use crate::times::{self, End};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch silences add --material cobalt --for 7d --author ann --reason 'mine reopens on Monday'
  orewatch silences add --match 'rule=~china-.*' --until 2027-01-08 \\
      --author ann --reason leave
  orewatch silences add --id 0198c0de-0000-7000-8000-000000000000 --material cobalt \\
      --lasts 96h --author ann --reason 'not reopened yet'
  orewatch silences list --all
  orewatch silences end 0198c0de-0000-7000-8000-000000000000")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Create a silence, or change one
    Add(Box<AddArgs>),
    /// List silences
    List(ListArgs),
    /// End a silence now; receivers are notified at once of alerts that it muted
    End(EndArgs),
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    #[command(flatten)]
    filter: Filter,
    /// Further matcher: FIELD=VALUE, FIELD!=VALUE, FIELD=~REGEX or FIELD!~REGEX; repeat the option for
    /// several
    #[arg(long = "match", value_name = "MATCHER")]
    matchers: Vec<String>,
    /// Identifier of the silence to change [default: create a new one]
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    id: String,
    /// Start: a time such as 2027-01-01T00:00:00Z, or a day (UTC) [default: now; when changing a silence,
    /// unchanged]
    #[arg(long, value_name = "TIME", value_parser = times::start)]
    from: Option<Timestamp>,
    /// End: a time, a day (its end, UTC), or a duration such as 48h, 7d or 2w
    #[arg(long, value_name = "TIME", required_unless_present = "lasts")]
    until: Option<End>,
    /// Duration, such as 48h, 7d or 2w
    #[arg(long, visible_alias = "for", value_name = "DURATION", conflicts_with = "until")]
    lasts: Option<End>,
    /// Name recorded as the author of the silence
    #[arg(long, value_name = "NAME")]
    author: String,
    /// Reason recorded with the silence
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Create the silence without confirmation, even if it mutes every firing alert or matches no rule
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    owner: TenantOption,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Also list silences that have ended
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct EndArgs {
    /// Identifier of the silence, or the beginning of it
    silence: String,
    /// Name recorded as the author of the change
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    let now = session.clock.now();
    match &args.command {
        Command::Add(args) => {
            with_client(session, &args.client, async |client| add(args, client, now).await).await
        }
        Command::List(args) => {
            with_client(session, &args.client, async |client| list(args, client).await).await
        }
        Command::End(args) => {
            with_client(session, &args.client, async |client| end(args, client).await).await
        }
    }
}

async fn add(args: &AddArgs, client: &Client, now: Timestamp) -> Result<(), Failure> {
    let start = args.from.unwrap_or(now);
    let end = args.until.map(|end| (end, "until")).or_else(|| args.lasts.map(|end| (end, "lasts")));
    let until = end.map(|(end, field)| end.when_started_at(start, field)).transpose()?;
    let mut filter = args.filter.proto()?;
    for (k, text) in args.matchers.iter().enumerate() {
        filter.matchers.push(parse_matcher(text, &format!("match[{k}]"))?);
    }
    let silence = Silence {
        id: args.id.clone(),
        filter: Some(filter),
        starts_at: args.from.map(timestamp),
        ends_at: until.map(timestamp),
        author: args.author.clone(),
        reason: args.reason.clone(),
    };
    let tenant = args.owner.tenant.clone();
    let request = PutSilenceRequest { silence: Some(silence), validate_only: false, tenant };
    let mut service = client.notifications().await?;
    let check = PutSilenceRequest { validate_only: true, ..request.clone() };
    let checked = service.put_silence(client.request(check)).await?.into_inner();
    if args.yes {
        checked.warnings.iter().for_each(|warning| print_message(warning));
    } else {
        require_confirmation(&checked)?;
    }
    let response = service.put_silence(client.request(request)).await?.into_inner();
    print(&client.out, &response.silence.unwrap_or_default())
}

/// Requires confirmation for a silence that mutes all firing alerts, or that has warnings, such as a name
/// that no rule has. Without a terminal, only --yes confirms it.
///
/// # Errors
/// [`Class::Refused`] if the silence is not confirmed.
fn require_confirmation(checked: &PutSilenceResponse) -> Result<(), Failure> {
    let muted = checked.silence.as_ref().map(|info| info.alerts).unwrap_or_default();
    let all = (muted > 1 && muted == checked.firing).then(|| format!("it mutes all {muted} firing alerts"));
    let doubts: Vec<String> = checked.warnings.iter().cloned().chain(all).collect();
    let question = format!("{}. Create the silence", doubts.join("; "));
    if doubts.is_empty() || is_interactive() && confirm(&question)? {
        return Ok(());
    }
    let message = format!("the silence was not created: {}", doubts.join("; "));
    let refused = Failure::new(Class::Refused, "not-confirmed", message);
    Err(refused.with_hint("if this is intended, add --yes"))
}

async fn list(args: &ListArgs, client: &Client) -> Result<(), Failure> {
    let request = ListSilencesRequest { also_over: args.all };
    let response = client.notifications().await?.list_silences(client.request(request)).await?.into_inner();
    print_list(&client.out, &response.silences, "No silences: no alert is muted by one.")
}

async fn end(args: &EndArgs, client: &Client) -> Result<(), Failure> {
    let silence = whole_silence(client, &args.silence).await?;
    let request = EndSilenceRequest { silence, actor: args.actor.clone() };
    let response = client.notifications().await?.end_silence(client.request(request)).await?.into_inner();
    print(&client.out, &response.silence.unwrap_or_default())
}

/// The identifier of the only silence that begins like the argument.
async fn whole_silence(client: &Client, text: &str) -> Result<String, Failure> {
    if !is_prefix(text) {
        return Ok(text.to_owned());
    }
    let request = ListSilencesRequest { also_over: true };
    let response = client.notifications().await?.list_silences(client.request(request)).await?.into_inner();
    let ids = response.silences.into_iter().filter_map(|info| Some(info.silence?.id));
    whole_id(text, ids.collect())
}

fn print(out: &Out, info: &SilenceInfo) -> Result<(), Failure> {
    match out.format {
        Format::Json | Format::Csv => out.row(info),
        Format::Table => out.text(&table(out, [info])),
    }
}
