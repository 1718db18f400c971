//! The command line.

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};

use crate::commands::{
    acknowledge, alerts, concordance, deliveries, drill, explain, exposure, fetch, gates, ingest,
    inhibitions, measures, mend, policy, poll, receivers, releases, rules, serve, silences, sources,
    subscriptions, verify, withdraw,
};
use crate::demo;
use crate::options::ProcessOptions;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Cyan.on_default().bold())
    .usage(AnsiColor::Cyan.on_default().bold())
    .literal(AnsiColor::Green.on_default());

/// How far economies depend on foreign suppliers for critical minerals, and an alert the moment a line is crossed.
#[derive(Debug, Parser)]
#[command(
    name = "orewatch",
    version,
    styles = STYLES,
    help_template = "{about-with-newline}\n{usage-heading} {usage}\n{before-help}Options:\n{options}{after-help}",
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

/// The commands in groups; a test holds the list to the commands that there are.
const COMMANDS: &str = "
Look around:
  demo         Load the reference figures, compute, evaluate the rule packs, and show what they say

Run:
  up           Run all services in one process, on a log in a directory
  serve        Run one service on a log that others share

Ask:
  exposure     How far a consumer depends on its suppliers
  explain      Why a figure is what it is: formula, terms, suppliers, source rows, releases
  alerts       Which lines are crossed, since when, and by how much
  measures     List the measures, or explain one: formula, inputs, lines, source
  concordance  Which material, at which stage, product codes stand for
  verify       Published figures beside ours, recomputed from their inputs

Feed:
  ingest       Read files of statistics into a release, and commit it
  sources      List the formats that are read, or say what a file is
  releases     List releases, or show one with its report
  rejections   List the rows of a release that were set aside
  fetch        Get an original file back from the archive, byte for byte
  gates        List what looks at a release before it is committed, and what it may do
  repair       Mend rows of a release that were set aside
  commit       Commit a release that was held open or refused, from the rows on the log
  policy       Show, apply and export the source policy: which dataset answers where several could
  withdraw     Withdraw a release: its figures go, except as at an earlier time
  poll         Ask a publisher's interface now, and ingest what it has
  connectors   List the publishers' interfaces that are asked, and when next
  requests     List the requests that were made of publishers, and what followed
  rules        Apply, test, backtest, list and remove rules

Be told:
  subscriptions  Apply, list, show and remove subscriptions: who hears of which alerts
  silences       Make, list and end silences: no messages about some alerts for some time
  inhibitions    Apply, list and remove inhibitions: alerts that others explain
  acknowledge    Take an alert on: no more repeats, and no step up
  unacknowledge  Let an alert go that was taken on
  drill          Send messages as if an alert fired, to see that they arrive
  receivers      Apply, list, test and remove receivers: where messages about alerts go
  deliveries     What became of messages to receivers; send them again
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

Options of servers and clients can also stand in the environment (OREWATCH_LISTEN for --listen)
or in a TOML file (--config); a flag wins over the environment, and that over the file.
";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Load the reference figures, compute, evaluate the rule packs, and show what they say
    Demo(demo::Args),
    /// Run all services in one process, on a log in a directory
    Up(serve::UpArgs),
    /// Run one service on a log that others share
    Serve(serve::ServeArgs),
    /// How far a consumer depends on its suppliers
    Exposure(exposure::Args),
    /// Why a figure is what it is: formula, terms, suppliers, source rows, releases
    Explain(explain::Args),
    /// Which lines are crossed, since when, and by how much
    Alerts(alerts::Args),
    /// List the measures, or explain one: formula, inputs, lines, source
    Measures(measures::Args),
    /// Which material, at which stage, product codes stand for
    Concordance(concordance::Args),
    /// Published figures beside ours, recomputed from their inputs
    Verify(verify::Args),
    /// Read files of statistics into a release, and commit it
    Ingest(ingest::Args),
    /// List the formats that are read, or say what a file is
    Sources(sources::Args),
    /// List releases, or show one with its report
    Releases(releases::Args),
    /// List the rows of a release that were set aside
    Rejections(releases::RejectionsArgs),
    /// Get an original file back from the archive, byte for byte
    Fetch(fetch::Args),
    /// List what looks at a release before it is committed, and what it may do
    Gates(gates::Args),
    /// Mend rows of a release that were set aside
    Repair(mend::RepairArgs),
    /// Commit a release that was held open or refused, from the rows on the log
    Commit(mend::CommitArgs),
    /// Show, apply and export the source policy: which dataset answers where several could
    Policy(policy::Args),
    /// Withdraw a release: its figures go, except as at an earlier time
    Withdraw(withdraw::Args),
    /// Ask a publisher's interface now, and ingest what it has
    Poll(poll::Args),
    /// List the publishers' interfaces that are asked, and when next
    Connectors(poll::ConnectorsArgs),
    /// List the requests that were made of publishers, and what followed
    // Their name before they were told from `fetch`.
    #[command(alias = "fetches")]
    Requests(poll::RequestsArgs),
    /// Apply, test, backtest, list and remove rules
    Rules(rules::Args),
    /// Apply, list, show and remove subscriptions: who hears of which alerts
    Subscriptions(subscriptions::Args),
    /// Make, list and end silences: no messages about some alerts for some time
    Silences(silences::Args),
    /// Apply, list and remove inhibitions: alerts that others explain
    Inhibitions(inhibitions::Args),
    /// Take an alert on: no more repeats, and no step up
    Acknowledge(acknowledge::Args),
    /// Let an alert go that was taken on
    Unacknowledge(acknowledge::BackArgs),
    /// Send messages as if an alert fired, to see that they arrive
    Drill(drill::Args),
    /// Apply, list, test and remove receivers: where messages about alerts go
    Receivers(receivers::Args),
    /// What became of messages to receivers; send them again
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
