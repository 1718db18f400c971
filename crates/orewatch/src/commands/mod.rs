//! The commands.
pub(crate) mod alerts;
pub(crate) mod explain;
pub(crate) mod exposure;
pub(crate) mod ingest;
pub(crate) mod releases;
pub(crate) mod rules;
pub(crate) mod serve;
pub(crate) mod withdraw;

mod point;

use orewatch_runtime::Failure;

use crate::cli::{ClientOptions, Command};
use crate::session::{Client, Session};

/// Runs a command.
pub(crate) async fn run(command: Command, session: Session) -> Result<(), Failure> {
    match command {
        Command::Demo(args) => Box::pin(crate::demo::run(args, session)).await,
        Command::Up(args) => Box::pin(serve::up(args, session)).await,
        Command::Serve(args) => Box::pin(serve::serve(args, session)).await,
        Command::Exposure(args) => {
            ask(session, &args.client, async |at| exposure::run(&args, at).await).await
        }
        Command::Explain(args) => ask(session, &args.client, async |at| explain::run(&args, at).await).await,
        Command::Alerts(args) => ask(session, args.client(), async |at| alerts::run(&args, at).await).await,
        Command::Ingest(args) => ask(session, &args.client, async |at| ingest::run(&args, at).await).await,
        Command::Releases(args) => {
            ask(session, &args.client, async |at| releases::run(&args, at).await).await
        }
        Command::Rejections(args) => {
            ask(session, &args.client, async |at| releases::rejections(&args, at).await).await
        }
        Command::Withdraw(args) => {
            ask(session, &args.client, async |at| withdraw::run(&args, at).await).await
        }
        Command::Rules(args) => Box::pin(rules::run(args, session)).await,
    }
}

/// Runs a command that asks services, and ends them in order if they are in this process.
pub(crate) async fn ask(
    session: Session,
    options: &ClientOptions,
    command: impl AsyncFnOnce(&Client) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let client = Box::pin(session.client(options)).await?;
    let outcome = Box::pin(command(&client)).await;
    Box::pin(client.close(outcome)).await
}

/// Says something to the person, not to the program behind the pipe.
#[allow(clippy::print_stderr, reason = "standard error is where talk goes")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}
