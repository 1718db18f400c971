//! The one binary of Orewatch: `demo`, `up`, `serve`, and the client commands.
//!
//! Standard output is data, standard error is talk. Exit codes: 0 done, 2 wrong input, 3 refused, 4 something outside,
//! 5 a defect of ours.

mod cli;
mod commands;
mod demo;
mod house;
mod options;
mod render;
mod session;
mod settle;
mod view;
mod words;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use orewatch_runtime::Failure;

use cli::{Cli, Command};
use commands::{
    acknowledge, alerts, ask, concordance, deliveries, drill, explain, exposure, fetch, gates, ingest,
    inhibitions, measures, mend, policy, poll, receivers, releases, rules, serve, silences, sources,
    subscriptions, verify, withdraw,
};
use session::Session;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long threads that still block may hold the end of the process up.
const PATIENCE: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return report(&Failure::internal(format!("no threads to run on: {error}"))),
    };
    let outcome = runtime.block_on(Box::pin(run(cli)));
    runtime.shutdown_timeout(PATIENCE);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if render::is_broken_pipe(&failure) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    let session = Session::new(&cli.process)?;
    dispatch(cli.command, session).await
}

/// Runs a command.
async fn dispatch(command: Command, session: Session) -> Result<(), Failure> {
    match command {
        Command::Demo(args) => Box::pin(demo::run(args, session)).await,
        Command::Up(args) => Box::pin(serve::up(args, session)).await,
        Command::Serve(args) => Box::pin(serve::serve(args, session)).await,
        Command::Exposure(args) => {
            ask(session, &args.client, async |at| exposure::run(&args, at).await).await
        }
        Command::Explain(args) => ask(session, &args.client, async |at| explain::run(&args, at).await).await,
        Command::Alerts(args) => ask(session, args.client(), async |at| alerts::run(&args, at).await).await,
        Command::Measures(args) => measures::run(&args, &session),
        Command::Concordance(args) => concordance::run(&args, &session),
        Command::Verify(args) => verify::run(&args, &session),
        Command::Ingest(args) => ask(session, &args.client, async |at| ingest::run(&args, at).await).await,
        Command::Sources(args) => sources::run(&args, &session),
        Command::Fetch(args) => ask(session, &args.client, async |at| fetch::run(&args, at).await).await,
        Command::Releases(args) => {
            ask(session, &args.client, async |at| releases::run(&args, at).await).await
        }
        Command::Rejections(args) => {
            ask(session, &args.client, async |at| releases::rejections(&args, at).await).await
        }
        Command::Poll(args) => ask(session, &args.client, async |at| poll::run(&args, at).await).await,
        Command::Connectors(args) => ask(session, &args.client, async |at| poll::connectors(at).await).await,
        Command::Requests(args) => {
            ask(session, &args.client, async |at| poll::requests(&args, at).await).await
        }
        Command::Gates(args) => ask(session, &args.client, async |at| gates::run(&args, at).await).await,
        Command::Repair(args) => ask(session, &args.client, async |at| mend::repair(&args, at).await).await,
        Command::Commit(args) => ask(session, &args.client, async |at| mend::commit(&args, at).await).await,
        Command::Withdraw(args) => {
            ask(session, &args.client, async |at| withdraw::run(&args, at).await).await
        }
        Command::Policy(args) => Box::pin(policy::run(args, session)).await,
        Command::Rules(args) => Box::pin(rules::run(args, session)).await,
        Command::Subscriptions(args) => Box::pin(subscriptions::run(args, session)).await,
        Command::Inhibitions(args) => Box::pin(inhibitions::run(args, session)).await,
        Command::Silences(args) => {
            let now = session.clock.now();
            ask(session, args.client(), async |at| silences::run(&args, at, now).await).await
        }
        Command::Acknowledge(args) => {
            ask(session, &args.client, async |at| acknowledge::run(&args, at).await).await
        }
        Command::Unacknowledge(args) => {
            ask(session, &args.client, async |at| acknowledge::back(&args, at).await).await
        }
        Command::Drill(args) => ask(session, &args.client, async |at| drill::run(&args, at).await).await,
        Command::Receivers(args) => Box::pin(receivers::run(args, session)).await,
        Command::Deliveries(args) => Box::pin(deliveries::run(args, session)).await,
    }
}

#[allow(clippy::print_stderr, reason = "the last words of a process that failed")]
fn report(failure: &Failure) -> ExitCode {
    eprintln!("error: {}", render::plain(&failure.to_string(), false));
    ExitCode::from(failure.class.exit_code())
}
