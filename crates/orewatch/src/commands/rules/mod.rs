//! `rules`: the rules that decide when alerts fire.
mod backtest;
mod list;
mod packs;
mod test;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{
    GetRuleRequest, ListRulesRequest, PutRuleRequest, PutRuleResponse, PutRulesRequest, RemoveRuleRequest,
    Rule, RuleInfo,
};
use orewatch_rules::rules;
use prost::Message as _;

use super::shared::{Removal, all_pages, confirm, is_interactive, print_applied, print_removal, read_file};
use super::{print_message, with_client};
use crate::options::{ClientOptions, Format, TenantOption};
use crate::session::{Client, Session};
use crate::settle;
use crate::words::count_text;
pub(crate) use packs::pack_rules;
use test::TestArgs;

/// Maximum number of rules in one request, and their approximate maximum size: the response repeats each rule
/// with its author and reason.
const MAX_RULES_PER_REQUEST: usize = 1000;
const MAX_BYTES_PER_REQUEST: usize = 1 << 20;
/// Maximum number of rules that are previewed without --check.
const MAX_PREVIEWED: usize = 100;
/// Concurrent requests for rules.
const CONCURRENT_REQUESTS: usize = 32;

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
    /// Create or revise rules from files or from a pack
    Apply(ApplyArgs),
    /// Run rules on past figures, as they were published, and report their alerts
    Backtest(backtest::Args),
    /// List rules with their alerts, cost and health
    List(list::Args),
    /// Show one rule
    Show(OneArgs),
    /// Remove a rule and resolve its open alerts
    Remove(RemoveArgs),
    /// Run rule tests: a made-up series, and the states that the rule must give
    Test(TestArgs),
    /// Print the JSON Schema of rule files
    Schema,
    /// List the rule packs that ship with the program
    Packs(PacksArgs),
}

#[derive(Debug, clap::Args)]
struct ApplyArgs {
    /// YAML files with rules; `-` reads standard input
    #[arg(value_name = "FILE", required_unless_present = "pack")]
    files: Vec<PathBuf>,
    /// Rule pack that ships with the program; `orewatch rules packs` lists them
    #[arg(long, value_name = "NAME")]
    pack: Vec<String>,
    /// Check the rules and show what they would do, but change nothing
    #[arg(long)]
    check: bool,
    /// Store the rules without asking for confirmation
    #[arg(long)]
    yes: bool,
    /// First period of the preview [default: the first with figures]
    #[arg(long, value_name = "PERIOD", default_value = "", hide_default_value = true)]
    from: String,
    /// Name recorded as the author of the change
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    /// Reason recorded with the change
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// End open episodes of the rules and evaluate their subjects again [default: firing alerts continue
    /// their episodes]
    #[arg(long)]
    re_evaluate: bool,
    #[command(flatten)]
    owner: TenantOption,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
struct RemoveArgs {
    /// Identifier of the rule
    rule: String,
    /// Name recorded as the author of the change
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    /// Reason recorded with the change
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
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
            // Reads the files first, so that their errors show without a server.
            let rules = args.rules()?;
            with_client(session, &args.client, async |client| apply(&args, rules, client).await).await
        }
        Command::Backtest(args) => {
            let chosen = args.chosen()?;
            with_client(session, &args.client, async |client| backtest::run(&args, chosen, client).await)
                .await
        }
        Command::List(args) => {
            with_client(session, &args.client, async |client| list::list(&args, client).await).await
        }
        Command::Show(args) => {
            with_client(session, &args.client, async |client| show(&args, client).await).await
        }
        Command::Remove(args) => {
            with_client(session, &args.client, async |client| remove(&args, client).await).await
        }
        Command::Test(args) => {
            let settings = session.settings(&[&args.client])?;
            test::test(&args, &args.client.output(session.out(&settings)?)?)
        }
        Command::Schema => {
            let settings = session.settings(&[])?;
            session.out(&settings)?.json(&rules::schema())
        }
        Command::Packs(args) => {
            let settings = session.settings(&[&args.client])?;
            packs::list_packs(&args.client.output(session.out(&settings)?)?)
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
        all.iter_mut().for_each(|rule| self.owner.qualify(&mut rule.id));
        Ok(all)
    }
}

/// Reads the rules of a file.
fn read_rules(file: &Path) -> Result<Vec<Rule>, Failure> {
    rules::parse(&file.display().to_string(), &read_file(file)?)
}

/// Puts rules one by one with the options of a request. Prints warnings, and returns the responses.
async fn put(
    client: &Client,
    rules: Vec<Rule>,
    request: &PutRuleRequest,
) -> Result<Vec<PutRuleResponse>, Failure> {
    let mut service = client.alerting().await?;
    let mut responses = Vec::new();
    for rule in rules {
        let id = rule.id.clone();
        let request = PutRuleRequest { rule: Some(rule), ..request.clone() };
        let response = service.put_rule(client.request(request)).await?.into_inner();
        for warning in &response.warnings {
            let hint = if warning.hint.is_empty() { String::new() } else { format!("; {}", warning.hint) };
            print_message(&format!("warning: rule {id}: {}{hint}", warning.message));
        }
        responses.push(response);
    }
    Ok(responses)
}

/// Puts rules in batches, and returns the responses. Prints no warnings.
pub(crate) async fn put_batches(
    client: &Client,
    rules: Vec<Rule>,
    request: &PutRuleRequest,
) -> Result<Vec<PutRuleResponse>, Failure> {
    let mut service = client.alerting().await?;
    let mut responses = Vec::new();
    let mut rest = rules.into_iter().peekable();
    while rest.peek().is_some() {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < MAX_RULES_PER_REQUEST
            && bytes < MAX_BYTES_PER_REQUEST
            && let Some(rule) = rest.next()
        {
            bytes += rule.encoded_len() + request.actor.len() + request.reason.len();
            batch.push(rule);
        }
        let PutRuleRequest { actor, reason, re_evaluate, .. } = request.clone();
        let request = PutRulesRequest { rules: batch, actor, reason, re_evaluate };
        responses.extend(service.put_rules(client.request(request)).await?.into_inner().rules);
    }
    Ok(responses)
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
        print_message(&format!(
            "{} are stored without a preview. Preview them with --check.",
            count_text(rules.len(), "rule")
        ));
    } else if !preview_and_confirm(args, &rules, &request, client).await? {
        return Ok(());
    }
    let responses = put_batches(client, rules, &request).await?;
    let changed = responses.iter().filter(|response| response.changed).count();
    if changed > 0 {
        settle(client).await?;
    }
    let infos = evaluated_rules(client, responses).await?;
    print_applied(changed, infos.len(), "rule");
    client.out.rows(&infos)
}

/// Waits until stored rules are evaluated on all published figures. The alerting service stores rules without
/// the exposure service; only this wait needs it, to know how far evaluation must go.
async fn settle(client: &Client) -> Result<(), Failure> {
    let published = match client.exposure().await {
        Ok(mut exposure) => settle::wait_for_exposures(&mut exposure, 0, client.timeout).await,
        Err(failure) => Err(failure),
    };
    match published {
        Ok(position) => {
            settle::wait_for_alerts(&mut client.alerting().await?, position, client.timeout).await
        }
        Err(failure) => {
            print_message(&format!(
                "The rules are stored, but their evaluation is not awaited, because the exposure service \
                 does not respond: {}",
                failure.message
            ));
            Ok(())
        }
    }
}

/// Prints what rules would do. Returns whether to store them.
async fn preview_and_confirm(
    args: &ApplyArgs,
    rules: &[Rule],
    request: &PutRuleRequest,
    client: &Client,
) -> Result<bool, Failure> {
    let check = PutRuleRequest { validate_only: true, preview_from: args.from.clone(), ..request.clone() };
    let checked = put(client, rules.to_vec(), &check).await?;
    backtest::preview(client, &checked);
    let changes = checked.iter().filter(|response| response.would_change).count();
    if args.check {
        let infos: Vec<RuleInfo> = checked.into_iter().filter_map(|response| response.rule).collect();
        print_message(&format!("{} valid. Nothing was changed.", count_text(infos.len(), "rule")));
        // A table would show only zeros, because nothing was evaluated. The preview was printed above.
        if client.out.format != Format::Table {
            client.out.rows(&infos)?;
        }
        return Ok(false);
    }
    // Without a terminal, rules are stored: a script cannot confirm.
    let must_ask = changes > 0 && !args.yes && is_interactive();
    if must_ask && !confirm(&format!("Store {}", count_text(changes, "rule")))? {
        print_message("Nothing was changed.");
        return Ok(false);
    }
    Ok(true)
}

/// Reads rules again after their evaluation.
async fn evaluated_rules(client: &Client, put: Vec<PutRuleResponse>) -> Result<Vec<RuleInfo>, Failure> {
    if put.len() > MAX_PREVIEWED {
        // Listing all rules is faster than this many single requests.
        let id = |info: &RuleInfo| info.rule.as_ref().map(|rule| rule.id.clone()).unwrap_or_default();
        let put: BTreeSet<String> =
            put.iter().filter_map(|response| response.rule.as_ref()).map(id).collect();
        let all = query(client).await?;
        return Ok(all.into_iter().filter(|info| put.contains(&id(info))).collect());
    }
    let service = client.alerting().await?;
    let get = |response: PutRuleResponse| {
        let mut service = service.clone();
        let rule = response.rule.and_then(|info| info.rule).map(|rule| rule.id).unwrap_or_default();
        let request = client.request(GetRuleRequest { rule });
        async move { Ok(client.take(service.get_rule(request).await?).rule.unwrap_or_default()) }
    };
    stream::iter(put).map(get).buffered(CONCURRENT_REQUESTS).try_collect().await
}

/// Queries all rules, page by page.
pub(crate) async fn query(client: &Client) -> Result<Vec<RuleInfo>, Failure> {
    let mut service = client.alerting().await?;
    all_pages(async |page_token| {
        let request = ListRulesRequest { page_token, ..ListRulesRequest::default() };
        let page = client.take(service.list_rules(client.request(request)).await?);
        Ok((page.rules, page.next_page_token))
    })
    .await
}

async fn show(args: &OneArgs, client: &Client) -> Result<(), Failure> {
    let request = GetRuleRequest { rule: args.rule.clone() };
    let response = client.take(client.alerting().await?.get_rule(client.request(request)).await?);
    client.out.row(&response.rule.unwrap_or_default())
}

async fn remove(args: &RemoveArgs, client: &Client) -> Result<(), Failure> {
    let (rule, actor, reason) = (args.rule.clone(), args.actor.clone(), args.reason.clone());
    let request = RemoveRuleRequest { rule, actor, reason };
    let response = client.alerting().await?.remove_rule(client.request(request)).await?.into_inner();
    let consequence = "Its open alerts resolve.";
    let removal = Removal { kind: "rule", id: &args.rule, removed: response.removed, consequence };
    print_removal(&client.out, &removal)
}
