//! `fetch`: an original file back from the archive.
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use orewatch_contracts::ingestion::v1::DownloadFileRequest;
use orewatch_runtime::{Class, Failure};

use crate::options::ClientOptions;
use crate::render::broken_pipe;
use crate::session::Client;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
`orewatch releases RELEASE` shows the digests of a release's files.

Examples:
  orewatch fetch 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 -o original.csv
  orewatch fetch 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 | head")]
pub(crate) struct Args {
    /// SHA-256 of the file as it was handed in
    #[arg(value_name = "SHA256")]
    sha256: String,
    /// Write to this file, which must not be there yet [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let ask = DownloadFileRequest { sha256: args.sha256.clone() };
    let mut pieces = client.ingestion().await?.download_file(client.request(ask)).await?.into_inner();
    let mut to = open(args)?;
    loop {
        let piece = tokio::time::timeout(client.timeout, pieces.message()).await;
        let Some(piece) = piece.map_err(|_| silent(client))?? else { break };
        to.write_all(&piece.data).map_err(|error| unwritten(args, &error))?;
    }
    to.flush().map_err(|error| unwritten(args, &error))
}

fn open(args: &Args) -> Result<Box<dyn Write + Send>, Failure> {
    match &args.output {
        None => Ok(Box::new(io::stdout())),
        Some(path) => match File::create_new(path) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => Err(unwritten(args, &error)),
        },
    }
}

fn silent(client: &Client) -> Failure {
    let message = format!("the service has sent nothing for {} s", client.timeout.as_secs());
    Failure::new(Class::Unavailable, "stalled", message)
        .with_hint("what was written is not whole; fetch it again")
}

fn unwritten(args: &Args, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return broken_pipe();
    }
    let to = args.output.as_ref().map_or_else(|| "standard output".into(), |path| path.display().to_string());
    let class =
        if error.kind() == io::ErrorKind::AlreadyExists { Class::Invalid } else { Class::Unavailable };
    Failure::new(class, "cannot-write", format!("{to} cannot be written: {error}")).at("output", to)
}
