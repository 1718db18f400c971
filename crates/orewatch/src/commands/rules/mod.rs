//! `rules`: the lines that alerts watch.
mod test;

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use orewatch_alerting::rules;
use orewatch_contracts::alerting::v1::{
    GetRuleRequest, ListRulesRequest, PutRuleRequest, PutRuleResponse, PutRulesRequest, RemoveRuleRequest,
    Rule, RuleInfo,
};
use orewatch_runtime::{Class, Failure};
use prost::Message as _;
use serde_json::json;

use crate::commands::{ask, backtest, ingest, say};
use crate::options::{ClientOptions, Format, Whose};
use crate::render::{Align, Cell, Out, Row, Sheet, document, object};
use crate::session::{Client, Session};
use crate::view::{RuleRow, health_word};
use crate::words::counted;
use test::TestArgs;

/// Most rules that are put by one request, and about how many bytes of them: an answer holds them too.
const MAX_TOGETHER: usize = 1000;
const TOGETHER_BYTES: usize = 1 << 20;
/// Most rules of which it is said without being asked what they would do.
const MAX_PREVIEWED: usize = 100;
/// Rules that are asked for at once.
const ASKED_AT_ONCE: usize = 32;
/// Largest file of rules that is read.
const LARGEST: u64 = 1 << 20;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch rules packs
  orewatch rules apply --pack g7-china
  orewatch rules apply our-lines.yaml --check
  orewatch rules apply our-lines.yaml --actor desk --reason \"new benchmark\"
  orewatch rules backtest our-lines.yaml --from 2015 --against standing
  orewatch rules test our-lines-tests.yaml
  orewatch rules schema > rules.schema.json")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Create or revise the rules of files or of a pack
    Apply(ApplyArgs),
    /// What rules would have said, over the figures as they came
    Backtest(backtest::Args),
    /// List rules with the alerts they have
    List(ListArgs),
    /// Show one rule
    Show(OneArgs),
    /// Remove a rule; its open alerts resolve
    Remove(RemoveArgs),
    /// Run tests of rules: a series that is made up, and what a rule must say about it
    Test(TestArgs),
    /// Print the JSON Schema of rule files
    Schema,
    /// List the packs that ship with the program
    Packs(PacksArgs),
}

#[derive(Debug, clap::Args)]
struct ApplyArgs {
    /// Files of rules, YAML; `-` reads standard input
    #[arg(value_name = "FILE", required_unless_present = "pack")]
    files: Vec<PathBuf>,
    /// A pack that ships with the program
    #[arg(long, value_name = "NAME")]
    pack: Vec<String>,
    /// Only check them, and say what they would do
    #[arg(long)]
    check: bool,
    /// Do not ask whether what they would do is meant
    #[arg(long)]
    yes: bool,
    /// First period that is told of what they would have done [default: the first that there is]
    #[arg(long, value_name = "PERIOD", default_value = "", hide_default_value = true)]
    from: String,
    /// Who applies them
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    /// Why they are applied
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// End open episodes of the rules and judge their subjects anew; otherwise an alert that fires goes on in its episode
    #[arg(long)]
    re_evaluate: bool,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct RemoveArgs {
    /// Identifier of the rule
    rule: String,
    /// Who removes it
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    /// Why it is removed
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only of this pack
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pack: String,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct OneArgs {
    /// Identifier of the rule
    rule: String,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct PacksArgs {
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    match args.command {
        Command::Apply(args) => {
            // What is wrong in a file is said before a server is asked for.
            let rules = args.rules()?;
            ask(session, &args.client, async |client| apply(&args, rules, client).await).await
        }
        Command::Backtest(args) => {
            let chosen = args.chosen()?;
            ask(session, &args.client, async |client| backtest::run(&args, chosen, client).await).await
        }
        Command::List(args) => ask(session, &args.client, async |client| list(&args, client).await).await,
        Command::Show(args) => ask(session, &args.client, async |client| show(&args, client).await).await,
        Command::Remove(args) => ask(session, &args.client, async |client| remove(&args, client).await).await,
        Command::Test(args) => {
            let settings = session.settings(&[&args.client])?;
            test::test(&args, &session.out(&settings)?)
        }
        Command::Schema => {
            let settings = session.settings(&[])?;
            session.out(&settings)?.json(&rules::schema())
        }
        Command::Packs(args) => {
            let settings = session.settings(&[&args.client])?;
            packs(&session.out(&settings)?)
        }
    }
}

impl ApplyArgs {
    fn rules(&self) -> Result<Vec<Rule>, Failure> {
        let mut all = Vec::new();
        for name in &self.pack {
            all.extend(pack_rules(name)?);
        }
        for file in &self.files {
            all.extend(read_rules(file)?);
        }
        all.iter_mut().for_each(|rule| self.whose.own(&mut rule.id));
        Ok(all)
    }
}

/// The rules of a pack that ships with the program.
pub(crate) fn pack_rules(name: &str) -> Result<Vec<Rule>, Failure> {
    let pack = rules::packs::pack(name).ok_or_else(|| {
        let known: Vec<&str> = rules::packs::packs().iter().map(|pack| pack.name).collect();
        Failure::new(Class::NotFound, "unknown-pack", "no pack has this name")
            .at("pack", name)
            .with_hint(format!("the packs are {}", known.join(", ")))
    })?;
    rules::parse(pack.name, pack.text.as_bytes())
}

/// The rules of a file.
pub(crate) fn read_rules(file: &Path) -> Result<Vec<Rule>, Failure> {
    rules::parse(&file.display().to_string(), &read(file)?)
}

/// Reads a file, or standard input for `-`, up to a limit.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let wrong = |what: String| {
        Failure::new(Class::Invalid, "unreadable-file", what).at("file", file.display().to_string())
    };
    let mut bytes = Vec::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| wrong(format!("the file cannot be read: {error}")))?;
    Ok(bytes)
}

/// Puts rules as a request says; returns what the service says of each. What they should know is said to whoever asks.
pub(crate) async fn put(
    client: &Client,
    rules: Vec<Rule>,
    request: &PutRuleRequest,
) -> Result<Vec<PutRuleResponse>, Failure> {
    let mut service = client.alerting().await?;
    let mut answers = Vec::new();
    for rule in rules {
        let id = rule.id.clone();
        let ask = PutRuleRequest { rule: Some(rule), ..request.clone() };
        let answer = service.put_rule(client.request(ask)).await?.into_inner();
        for warning in &answer.warnings {
            let hint = if warning.hint.is_empty() { String::new() } else { format!("; {}", warning.hint) };
            say(&format!("warning: rule {id}: {}{hint}", warning.message));
        }
        answers.push(answer);
    }
    Ok(answers)
}

/// Puts rules many at a time; returns what the service says of each.
async fn put_together(
    client: &Client,
    rules: Vec<Rule>,
    request: &PutRuleRequest,
) -> Result<Vec<PutRuleResponse>, Failure> {
    let mut service = client.alerting().await?;
    let mut answers = Vec::new();
    let mut rest = rules.into_iter().peekable();
    while rest.peek().is_some() {
        let (mut together, mut bytes) = (Vec::new(), 0);
        while together.len() < MAX_TOGETHER
            && bytes < TOGETHER_BYTES
            && let Some(rule) = rest.next()
        {
            bytes += rule.encoded_len();
            together.push(rule);
        }
        let PutRuleRequest { actor, reason, re_evaluate, .. } = request.clone();
        let ask = PutRulesRequest { rules: together, actor, reason, re_evaluate };
        answers.extend(service.put_rules(client.request(ask)).await?.into_inner().rules);
    }
    Ok(answers)
}

async fn apply(args: &ApplyArgs, rules: Vec<Rule>, client: &Client) -> Result<(), Failure> {
    let request = PutRuleRequest {
        actor: args.actor.clone(),
        reason: args.reason.clone(),
        re_evaluate: args.re_evaluate,
        ..PutRuleRequest::default()
    };
    let is_many = rules.len() > MAX_PREVIEWED && !args.check;
    if is_many {
        say(&format!(
            "{} are stored without saying first what they would do; --check says it",
            counted(rules.len(), "rule")
        ));
    } else if !foresee(args, &rules, &request, client).await? {
        return Ok(());
    }
    let answers = put_together(client, rules, &request).await?;
    let changed = answers.iter().filter(|answer| answer.changed).count();
    if changed > 0 {
        ingest::settle(client, 0).await?;
    }
    let stands = current(client, answers).await?;
    say(&match changed {
        0 => format!("{} stood like this already", counted(stands.len(), "rule")),
        changed => format!("{changed} of {} new or revised", counted(stands.len(), "rule")),
    });
    print(&client.out, &stands)
}

/// Says what rules would do. Returns whether they shall be stored.
async fn foresee(
    args: &ApplyArgs,
    rules: &[Rule],
    request: &PutRuleRequest,
    client: &Client,
) -> Result<bool, Failure> {
    let check = PutRuleRequest { validate_only: true, preview_from: args.from.clone(), ..request.clone() };
    let checked = put(client, rules.to_vec(), &check).await?;
    backtest::preview(client, &checked);
    let news = checked.iter().filter(|answer| answer.would_change).count();
    if args.check {
        let stands: Vec<RuleInfo> = checked.into_iter().filter_map(|answer| answer.rule).collect();
        say(&format!("{} checked and sound; nothing was changed", counted(stands.len(), "rule")));
        // Nothing was evaluated that a table could show; what they would say is shown above.
        if client.out.format != Format::Table {
            print(&client.out, &stands)?;
        }
        return Ok(false);
    }
    if news > 0 && !args.yes && !is_meant(news)? {
        say("nothing was changed");
        return Ok(false);
    }
    Ok(true)
}

/// Asks on a terminal whether rules shall be stored; elsewhere nobody could answer.
fn is_meant(count: usize) -> Result<bool, Failure> {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Ok(true);
    }
    say(&format!("store {count} rules? [y/N]"));
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.map_err(|error| Failure::new(Class::Unavailable, "no-answer", error.to_string()))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// The rules as they stand after their evaluation.
async fn current(client: &Client, put: Vec<PutRuleResponse>) -> Result<Vec<RuleInfo>, Failure> {
    let service = client.alerting().await?;
    let get = |answer: PutRuleResponse| {
        let mut service = service.clone();
        let rule = answer.rule.and_then(|info| info.rule).map(|rule| rule.id).unwrap_or_default();
        let ask = client.request(GetRuleRequest { rule });
        async move { Ok(service.get_rule(ask).await?.into_inner().rule.unwrap_or_default()) }
    };
    stream::iter(put).map(get).buffered(ASKED_AT_ONCE).try_collect().await
}

async fn list(args: &ListArgs, client: &Client) -> Result<(), Failure> {
    let ask = ListRulesRequest { pack: args.pack.clone() };
    let answer = client.alerting().await?.list_rules(client.request(ask)).await?.into_inner();
    if answer.rules.is_empty() && client.out.format == Format::Table {
        say("no rule yet; the packs that ship with the program: orewatch rules packs");
        return Ok(());
    }
    print(&client.out, &answer.rules)
}

fn print(out: &Out, rules: &[RuleInfo]) -> Result<(), Failure> {
    let rows: Vec<RuleRow<'_>> = rules.iter().map(RuleRow).collect();
    match out.format {
        Format::Json => out.json(&document(&rows)),
        Format::Csv => out.csv(&rows),
        Format::Table => out.text(&table(out, rules)),
    }
}

fn table(out: &Out, rules: &[RuleInfo]) -> String {
    let mut sheet = Sheet::new(
        out,
        &[
            ("rule", Align::Left),
            ("rev", Align::Right),
            ("firing", Align::Right),
            ("pending", Align::Right),
            ("subjects", Align::Right),
            ("cost", Align::Right),
            ("health", Align::Left),
            ("title", Align::Left),
        ],
    );
    for info in rules {
        let rule = info.rule.clone().unwrap_or_default();
        sheet.row([
            rule.id,
            info.revision.to_string(),
            info.firing.to_string(),
            info.pending.to_string(),
            info.subjects.to_string(),
            cost(info),
            health_word(info.health()),
            rule.title,
        ]);
    }
    sheet.finish()
}

/// What a rule costs, in percent of what one may. Empty: it is not known yet.
fn cost(info: &RuleInfo) -> String {
    let steps = |steps: u64, limit: u64| u128::from(steps) * 1000 / u128::from(limit.max(1));
    let told = info.suspension.as_ref().map(|one| steps(one.steps, one.limit));
    let told = told.or_else(|| info.cost.as_ref().map(|cost| steps(cost.steps, cost.limit)));
    told.map_or_else(String::new, |tenths| format!("{}.{} %", tenths / 10, tenths % 10))
}

async fn show(args: &OneArgs, client: &Client) -> Result<(), Failure> {
    let ask = GetRuleRequest { rule: args.rule.clone() };
    let info =
        client.alerting().await?.get_rule(client.request(ask)).await?.into_inner().rule.unwrap_or_default();
    let row = RuleRow(&info);
    match client.out.format {
        Format::Json => client.out.json(&object(&row)),
        Format::Csv => client.out.csv(&[row]),
        Format::Table => client.out.text(&super::fields(&client.out, &row)),
    }
}

async fn remove(args: &RemoveArgs, client: &Client) -> Result<(), Failure> {
    let (rule, actor, reason) = (args.rule.clone(), args.actor.clone(), args.reason.clone());
    let ask = RemoveRuleRequest { rule, actor, reason };
    let answer = client.alerting().await?.remove_rule(client.request(ask)).await?.into_inner();
    if client.out.format == Format::Json {
        client.out.json(&json!({"rule": args.rule, "removed": answer.removed}))?;
    }
    say(if answer.removed {
        "removed; its open alerts resolve"
    } else {
        "there is no such rule; nothing was changed"
    });
    Ok(())
}

struct PackRow {
    name: &'static str,
    rules: Vec<String>,
}

impl Row for PackRow {
    const COLUMNS: &'static [&'static str] = &["pack", "rules"];

    fn cells(&self) -> Vec<Cell> {
        vec![Cell::text(self.name), Cell::List(self.rules.clone())]
    }
}

fn packs(out: &Out) -> Result<(), Failure> {
    let mut rows = Vec::new();
    let mut sheet = Sheet::new(out, &[("pack", Align::Left), ("rule", Align::Left), ("title", Align::Left)]);
    for pack in rules::packs::packs() {
        let rules = pack_rules(pack.name)?;
        for rule in &rules {
            sheet.row([pack.name.to_owned(), rule.id.clone(), rule.title.clone()]);
        }
        rows.push(PackRow { name: pack.name, rules: rules.into_iter().map(|rule| rule.id).collect() });
    }
    match out.format {
        Format::Json => out.json(&document(&rows)),
        Format::Csv => out.csv(&rows),
        Format::Table => out.text(&sheet.finish()),
    }
}
