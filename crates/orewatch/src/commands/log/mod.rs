//! `log`: backs up, verifies, restores, inspects and follows the event logs. These commands read and write
//! the logs themselves; no service is called.
pub(crate) mod audit;
mod backup;
mod decode;
mod options;
mod progress;
mod skip;
mod stats;
mod tail;

use orewatch_contracts::Failure;

use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Everything that Orewatch knows is on three event logs: observations, exposures and alerts. The
archive of original files is beside them, and is backed up as any folder or bucket.

Examples:
  orewatch log stats --data ./orewatch-data
  orewatch log tail --log-name alerts --follow --log nats://localhost:4222
  orewatch log backup --to s3://BUCKET/orewatch --log nats://localhost:4222
  orewatch log verify s3://BUCKET/orewatch
  orewatch log restore --from s3://BUCKET/orewatch --data ./restored")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Copy to a folder or bucket what the logs have more than the last backup there
    Backup(backup::BackupArgs),
    /// Read a backup again, check every byte, and name the first position that is damaged
    Verify(backup::VerifyArgs),
    /// Restore a backup into empty logs, every event at its position
    Restore(backup::RestoreArgs),
    /// Count the events of the logs by kind and by stream
    Stats(stats::Args),
    /// Print the last events of the logs, and follow new ones
    Tail(tail::Args),
    /// Mark an event that must not count, with reason and actor
    Skip(skip::SkipArgs),
    /// List the marks of events that do not count
    Skipped(skip::SkippedArgs),
}

/// Runs a command on the logs.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    match args.command {
        Command::Backup(args) => backup::backup(&args, &session).await,
        Command::Verify(args) => backup::verify(&args, &session).await,
        Command::Restore(args) => backup::restore(&args, &session).await,
        Command::Stats(args) => stats::run(&args, &session).await,
        Command::Tail(args) => tail::run(&args, &session).await,
        Command::Skip(args) => skip::skip(&args, &session).await,
        Command::Skipped(args) => skip::list(&args, &session).await,
    }
}
