//! `demo`: the whole road in one command.
use std::path::PathBuf;

use orewatch_runtime::Failure;

use crate::session::Session;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Keep the data in this directory [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Form of the answer: table or json [default: table]
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    let _ = (args, session);
    Ok(())
}
