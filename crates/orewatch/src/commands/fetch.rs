//! `fetch`: an original file back from the archive.
use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use orewatch_contracts::ingestion::v1::DownloadFileRequest;
use orewatch_runtime::{Class, Failure};
use sha2::{Digest as _, Sha256};
use tempfile::TempPath;

use crate::options::ClientOptions;
use crate::render::broken_pipe;
use crate::session::Client;

/// Who may read and write a file that is fetched, before the mask of the process takes from it.
const MODE: u32 = 0o666;

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

/// Runs the command. A file gets its name when all of it is there and is what was asked for; until then it has another one.
pub(crate) async fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let ask = DownloadFileRequest { sha256: args.sha256.clone() };
    let mut pieces = client.ingestion().await?.download_file(client.request(ask)).await?.into_inner();
    let mut to = Output::open(args)?;
    let mut digest = Sha256::new();
    loop {
        let piece = tokio::time::timeout(client.timeout, pieces.message()).await;
        let Some(piece) = piece.map_err(|_| silent(client))?? else { break };
        digest.update(&piece.data);
        to.write(&piece.data).map_err(|error| unwritten(args, &error))?;
    }
    let found = digest.finalize().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    if found != args.sha256 {
        return Err(Failure::new(Class::Damaged, "archive-damaged", "what came is not what was asked for")
            .at("sha256", found)
            .with_hint("fetch it again; if that gives the same, the stored file is damaged"));
    }
    to.finish().map_err(|error| unwritten(args, &error))
}

/// Where a file goes.
enum Output {
    Stdout(io::Stdout),
    /// A file beside its place, which is removed unless it is finished.
    File {
        file: File,
        part: TempPath,
        place: PathBuf,
    },
}

impl Output {
    fn open(args: &Args) -> Result<Self, Failure> {
        let Some(place) = &args.output else { return Ok(Self::Stdout(io::stdout())) };
        if place.symlink_metadata().is_ok() {
            return Err(unwritten(args, &io::Error::from(io::ErrorKind::AlreadyExists)));
        }
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
        let part = tempfile::Builder::new()
            .prefix(".orewatch-")
            .suffix(".part")
            .permissions(Permissions::from_mode(MODE))
            .tempfile_in(folder.unwrap_or_else(|| Path::new(".")));
        let (file, part) = part.map_err(|error| unwritten(args, &error))?.into_parts();
        Ok(Self::File { file, part, place: place.clone() })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.write_all(bytes),
            Self::File { file, .. } => file.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Stdout(mut stdout) => stdout.flush(),
            Self::File { file, part, place } => {
                file.sync_all()?;
                part.persist_noclobber(place).map_err(|error| error.error)
            }
        }
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
