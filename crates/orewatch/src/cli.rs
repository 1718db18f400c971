//! The command line: one subcommand per task, grouped in the help as a user meets them.

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};

use crate::commands::{
    acknowledge, alerts, changes, cite, claims, concordance, deliveries, download, drill, errors, explain,
    exposure, gates, ingest, inhibitions, lists, log, measures, outlook, policy, poll, receivers, rejections,
    releases, repair, revisions, rules, scenarios, serve, setup, silences, sources, subscriptions, targets,
    units, verify, withdraw,
};
use crate::demo;
use crate::options::ProcessOptions;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Cyan.on_default().bold())
    .usage(AnsiColor::Cyan.on_default().bold())
    .literal(AnsiColor::Green.on_default());

/// Compute how far economies depend on foreign suppliers for critical minerals, and alert when a threshold is
/// crossed.
#[derive(Debug, Parser)]
#[command(
    name = "orewatch",
    version,
    styles = STYLES,
    help_template = HELP,
    before_help = COMMANDS,
    after_help = EXAMPLES,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) process: ProcessOptions,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Layout of the help.
const HELP: &str = "\
{about-with-newline}
{usage-heading} {usage}
{before-help}Options:
{options}{after-help}";

/// The commands in groups. A test checks that the list has every command, with its own help text.
const COMMANDS: &str = "
Try it:
  demo         Load the reference figures, evaluate the rule packs, and show the results

Run:
  up           Run all services in one process, with an embedded log
  serve        Run one service on a shared log
  setup        Make the logs on NATS, check their settings, or print the permissions
  log          Back up, verify, restore, inspect and follow the event logs

Query:
  exposure     Show how far a consumer depends on its suppliers
  explain      Explain a figure: formula, terms, suppliers, source rows, releases
  changes      Show the figures that a release changed, or that differ between two points in time
  revisions    Show how much published figures were revised from one edition to the next
  alerts       List alerts: which thresholds are crossed, since when, and by how much
  claims       Show statements with figures, and whether our figures agree with them
  scenarios    List the scenarios that have projections, and what each covers
  targets      Show how far the figures are from announced targets, and at which pace they move
  outlook      Show how probable it is that a figure meets a threshold, or score forecasts
  measures     List measures, or explain one: formula, inputs, thresholds, source
  concordance  List the material and stage that each product code stands for
  lists        List the lists of critical materials, or show one with its materials and sources
  units        List units and bases with their factors
  cite         Print citations of releases: publisher, title, vintage, address, licence
  verify       Recompute published figures from their inputs, and compare
  errors       List error codes, or explain one: meaning, who has to act, remedy

Ingest:
  ingest       Read statistics files into a release and commit it
  sources      List the file formats that can be read, or identify a file
  releases     List releases, or show one with its report
  rejections   List the quarantined rows of a release
  download     Download an original file from the archive, byte for byte
  gates        List the checks that a release must pass before it is committed
  repair       Correct quarantined rows of a release
  commit       Commit a release that is held open or was refused, without reading its files again
  policy       Show, apply or export the source policy: which of several datasets answers
  withdraw     Withdraw a release; queries with an earlier --as-at still use its figures
  poll         Poll a publisher now and ingest the result
  connectors   List the connectors to publishers, and when each polls next
  fetches      List requests to publishers and their outcomes

Alert:
  rules          Apply, test, backtest, list or remove rules
  subscriptions  Apply, list, show or remove subscriptions: who is notified of which alerts
  silences       Create, list or end silences, which mute matching alerts for some time
  inhibitions    Apply, list or remove inhibitions, which mute alerts while another alert fires
  acknowledge    Acknowledge an alert, which stops repeats and escalation
  unacknowledge  Withdraw an acknowledgement
  drill          Send test messages as if an alert had fired
  receivers      Apply, list, test or remove receivers: where notifications are sent
  deliveries     List messages to receivers with their delivery state, or send them again
";

const EXAMPLES: &str = "\
Examples:
  orewatch demo
  orewatch up --data ./orewatch-data
  orewatch ingest --reference
  orewatch exposure --consumer DEU --material manganese --stage mined --as-of 2022
  orewatch measures eu-supply-risk
  orewatch rules apply --pack g7-china
  orewatch alerts --watch

Server and client options can also be set in the environment (OREWATCH_LISTEN for --listen) or in
a TOML file (--config). A flag overrides the environment, and the environment overrides the file.
";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Load the reference figures, evaluate the rule packs, and show the results
    Demo(demo::Args),
    /// Run all services in one process, with an embedded log
    Up(serve::UpArgs),
    /// Run one service on a shared log
    Serve(serve::ServeArgs),
    /// Make the logs on NATS, check their settings, or print the permissions
    Setup(setup::Args),
    /// Back up, verify, restore, inspect and follow the event logs
    Log(log::Args),
    /// Show how far a consumer depends on its suppliers
    Exposure(exposure::Args),
    /// Explain a figure: formula, terms, suppliers, source rows, releases
    Explain(explain::Args),
    /// Show the figures that a release changed, or that differ between two points in time
    Changes(changes::Args),
    /// Show how much published figures were revised from one edition to the next
    Revisions(revisions::Args),
    /// List alerts: which thresholds are crossed, since when, and by how much
    Alerts(alerts::Args),
    /// Show statements with figures, and whether our figures agree with them
    Claims(claims::Args),
    /// List the scenarios that have projections, and what each covers
    Scenarios(scenarios::Args),
    /// Show how far the figures are from announced targets, and at which pace they move
    Targets(targets::Args),
    /// Show how probable it is that a figure meets a threshold, or score forecasts
    Outlook(outlook::Args),
    /// List measures, or explain one: formula, inputs, thresholds, source
    Measures(measures::Args),
    /// List the material and stage that each product code stands for
    Concordance(concordance::Args),
    /// List the lists of critical materials, or show one with its materials and sources
    Lists(lists::Args),
    /// List units and bases with their factors
    Units(units::Args),
    /// Print citations of releases: publisher, title, vintage, address, licence
    Cite(cite::Args),
    /// Recompute published figures from their inputs, and compare
    Verify(verify::Args),
    /// List error codes, or explain one: meaning, who has to act, remedy
    Errors(errors::Args),
    /// Read statistics files into a release and commit it
    Ingest(ingest::Args),
    /// List the file formats that can be read, or identify a file
    Sources(sources::Args),
    /// List releases, or show one with its report
    Releases(releases::Args),
    /// List the quarantined rows of a release
    Rejections(rejections::Args),
    /// Download an original file from the archive, byte for byte
    #[command(alias = "fetch")]
    Download(download::Args),
    /// List the checks that a release must pass before it is committed
    Gates(gates::Args),
    /// Correct quarantined rows of a release
    Repair(repair::RepairArgs),
    /// Commit a release that is held open or was refused, without reading its files again
    Commit(repair::CommitArgs),
    /// Show, apply or export the source policy: which of several datasets answers
    Policy(policy::Args),
    /// Withdraw a release; queries with an earlier --as-at still use its figures
    Withdraw(withdraw::Args),
    /// Poll a publisher now and ingest the result
    Poll(poll::Args),
    /// List the connectors to publishers, and when each polls next
    Connectors(poll::ConnectorsArgs),
    /// List requests to publishers and their outcomes
    #[command(alias = "requests")]
    Fetches(poll::FetchesArgs),
    /// Apply, test, backtest, list or remove rules
    Rules(rules::Args),
    /// Apply, list, show or remove subscriptions: who is notified of which alerts
    Subscriptions(subscriptions::Args),
    /// Create, list or end silences, which mute matching alerts for some time
    Silences(silences::Args),
    /// Apply, list or remove inhibitions, which mute alerts while another alert fires
    Inhibitions(inhibitions::Args),
    /// Acknowledge an alert, which stops repeats and escalation
    Acknowledge(acknowledge::Args),
    /// Withdraw an acknowledgement
    Unacknowledge(acknowledge::UnacknowledgeArgs),
    /// Send test messages as if an alert had fired
    Drill(drill::Args),
    /// Apply, list, test or remove receivers: where notifications are sent
    Receivers(receivers::Args),
    /// List messages to receivers with their delivery state, or send them again
    Deliveries(deliveries::Args),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::options::KEYS;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_lists_every_command_with_its_own_words() {
        for command in Cli::command().get_subcommands() {
            let about = command.get_about().unwrap().to_string();
            let line = COMMANDS.lines().find(|line| {
                line.trim_start().strip_prefix(command.get_name()).is_some_and(|rest| rest.starts_with("  "))
            });
            assert!(
                line.is_some_and(|line| line.ends_with(&about)),
                "{} is not in the help",
                command.get_name()
            );
        }
    }

    #[test]
    fn every_key_is_an_option_of_some_command() {
        let cli = Cli::command();
        let all = || cli.get_arguments().chain(cli.get_subcommands().flat_map(clap::Command::get_arguments));
        for key in KEYS.iter().filter(|key| !key.section) {
            assert!(all().any(|option| option.get_long() == Some(key.name)), "no option --{}", key.name);
        }
    }
}
