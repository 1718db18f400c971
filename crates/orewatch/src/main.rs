//! The `orewatch` binary: `demo`, `up`, `serve`, and the client commands.
//!
//! Standard output holds data only; messages for people go to standard error. Exit codes: 0 done, 1 an empty
//! answer with `--fail-if-empty`, 2 invalid input, 3 refused, 4 something outside Orewatch that is absent or
//! full (log, disk, network), 5 a defect in Orewatch, 6 damaged data, 7 a log that is not set up as it must
//! be.

mod amount_unit;
mod cli;
mod commands;
mod demo;
mod names;
mod nats_options;
mod options;
mod render;
mod services;
mod session;
mod settings;
mod settle;
mod times;
mod view;
mod words;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use orewatch_contracts::Failure;

use cli::{Cli, Command};
use commands::{
    acknowledge, alerts, changes, cite, claims, concordance, deliveries, download, drill, errors, explain,
    exposure, gates, ingest, inhibitions, lists, log, measures, outlook, policy, poll, receivers, rejections,
    releases, repair, revisions, rules, scenarios, serve, setup, silences, sources, subscriptions, targets,
    units, verify, with_client, withdraw,
};
use session::Session;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code of an empty answer with `--fail-if-empty`.
const EMPTY_ANSWER: u8 = 1;

/// Longest wait for blocked threads when the process exits.
const MAX_EXIT_WAIT: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match orewatch_runtime::build_runtime() {
        Ok(runtime) => runtime,
        Err(error) => return report(&Failure::internal(format!("cannot start threads: {error}"))),
    };
    let outcome = runtime.block_on(Box::pin(run(cli)));
    runtime.shutdown_timeout(MAX_EXIT_WAIT);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if render::is_broken_pipe(&failure) => ExitCode::SUCCESS,
        Err(failure) if render::is_empty_answer(&failure) => ExitCode::from(EMPTY_ANSWER),
        Err(failure) => report(&failure),
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    let session = Session::new(&cli.process)?;
    dispatch(cli.command, session).await
}

/// Runs a command and releases what it used, whatever its outcome.
async fn dispatch(command: Command, session: Session) -> Result<(), Failure> {
    match command {
        Command::Demo(args) => Box::pin(demo::run(args, session)).await,
        Command::Up(args) => Box::pin(serve::up(args, session)).await,
        Command::Serve(args) => Box::pin(serve::serve(args, session)).await,
        Command::Setup(args) => Box::pin(setup::run(args, session)).await,
        Command::Log(args) => Box::pin(log::run(args, session)).await,
        Command::Exposure(args) => Box::pin(exposure::run(args, session)).await,
        Command::Targets(args) => Box::pin(targets::run(args, session)).await,
        Command::Outlook(args) => Box::pin(outlook::run(args, session)).await,
        Command::Explain(args) => Box::pin(explain::run(args, session)).await,
        Command::Changes(args) => Box::pin(changes::run(args, session)).await,
        Command::Revisions(args) => Box::pin(revisions::run(args, session)).await,
        Command::Alerts(args) => {
            with_client(session, args.client(), async |client| alerts::run(&args, client).await).await
        }
        Command::Claims(args) => Box::pin(claims::run(args, session)).await,
        Command::Scenarios(args) => Box::pin(scenarios::run(args, session)).await,
        Command::Cite(args) => Box::pin(cite::run(args, session)).await,
        Command::Units(args) => units::run(&args, &session),
        Command::Errors(args) => errors::run(&args, &session),
        Command::Measures(args) => measures::run(&args, &session),
        Command::Concordance(args) => concordance::run(&args, &session),
        Command::Lists(args) => lists::run(&args, &session),
        Command::Verify(args) => verify::run(&args, &session),
        Command::Ingest(args) => {
            with_client(session, &args.client, async |client| ingest::run(&args, client).await).await
        }
        Command::Sources(args) => sources::run(&args, &session),
        Command::Download(args) => Box::pin(download::run(args, session)).await,
        Command::Releases(args) => Box::pin(releases::run(args, session)).await,
        Command::Rejections(args) => Box::pin(rejections::run(args, session)).await,
        Command::Poll(args) => {
            with_client(session, &args.client, async |client| poll::run(&args, client).await).await
        }
        Command::Connectors(args) => {
            with_client(session, &args.client, async |client| poll::connectors(client).await).await
        }
        Command::Fetches(args) => {
            with_client(session, &args.client, async |client| poll::fetches(&args, client).await).await
        }
        Command::Gates(args) => Box::pin(gates::run(args, session)).await,
        Command::Repair(args) => {
            with_client(session, &args.client, async |client| repair::repair(&args, client).await).await
        }
        Command::Commit(args) => {
            with_client(session, &args.client, async |client| repair::commit(&args, client).await).await
        }
        Command::Withdraw(args) => Box::pin(withdraw::run(args, session)).await,
        Command::Policy(args) => Box::pin(policy::run(args, session)).await,
        Command::Rules(args) => Box::pin(rules::run(args, session)).await,
        Command::Subscriptions(args) => Box::pin(subscriptions::run(args, session)).await,
        Command::Inhibitions(args) => Box::pin(inhibitions::run(args, session)).await,
        Command::Silences(args) => Box::pin(silences::run(args, session)).await,
        Command::Acknowledge(args) => Box::pin(acknowledge::run(args, session)).await,
        Command::Unacknowledge(args) => Box::pin(acknowledge::run_unacknowledge(args, session)).await,
        Command::Drill(args) => Box::pin(drill::run(args, session)).await,
        Command::Receivers(args) => Box::pin(receivers::run(args, session)).await,
        Command::Deliveries(args) => Box::pin(deliveries::run(args, session)).await,
    }
}

#[allow(clippy::print_stderr, reason = "the error of a failed process goes to standard error")]
fn report(failure: &Failure) -> ExitCode {
    eprint!("{}", render::to_stderr(&format!("error: {failure}")));
    ExitCode::from(failure.class.exit_code())
}
