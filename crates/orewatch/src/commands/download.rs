//! `download`: fetches an original file from the archive. The output file appears only after its digest has
//! been verified.
use std::fs::{File, Permissions};
use std::io::{self, Seek as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use orewatch_contracts::ingestion::v1::DownloadFileRequest;
use orewatch_contracts::{Class, Failure};
use sha2::{Digest as _, Sha256};
use tempfile::TempPath;

use super::own_use::OwnUse;
use super::with_client;
use crate::options::ClientOptions;
use crate::render::broken_pipe;
use crate::session::{Client, Session};

/// Permissions of a downloaded file, before the process's umask.
const FILE_MODE: u32 = 0o666;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
`orewatch releases RELEASE` shows the digests of a release's files, and their licence. A file that may
not be passed on is downloaded with --own-use only.

Examples:
  orewatch download 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 -o original.csv
  orewatch download 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 | head")]
pub(crate) struct Args {
    /// SHA-256 digest of the original file, in hexadecimal
    #[arg(value_name = "SHA256")]
    sha256: String,
    /// Output file, which must not exist yet [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    own_use: OwnUse,
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| download(&args, client).await).await
}

/// Downloads the file. It has a temporary name until it is complete and its digest is verified.
async fn download(args: &Args, client: &Client) -> Result<(), Failure> {
    let request = DownloadFileRequest { sha256: args.sha256.clone(), own_use: args.own_use.is_declared };
    let mut pieces = client.ingestion().await?.download_file(client.request(request)).await?.into_inner();
    let mut to = Output::open(args)?;
    let mut digest = Sha256::new();
    loop {
        let piece = tokio::time::timeout(client.timeout, pieces.message()).await;
        let Some(piece) = piece.map_err(|_| stalled(client))?? else { break };
        digest.update(&piece.data);
        to.write(&piece.data).map_err(|error| write_failure(args, &error))?;
    }
    let found = digest.finalize().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    if found != args.sha256 {
        return Err(Failure::new(
            Class::Damaged,
            "archive-damaged",
            "the downloaded file does not have the requested digest",
        )
        .at("sha256", found)
        .with_hint("download it again; if the digest is the same, the stored file is damaged"));
    }
    to.finish().map_err(|error| write_failure(args, &error))
}

/// Destination of the file.
enum Output {
    /// A temporary file that is copied to standard output when it is complete.
    Stdout(File),
    /// A temporary file in the destination's folder, which is removed unless it is finished.
    File { file: File, part: TempPath, destination: PathBuf },
}

impl Output {
    fn open(args: &Args) -> Result<Self, Failure> {
        let Some(destination) = &args.output else {
            return tempfile::tempfile().map(Self::Stdout).map_err(|error| write_failure(args, &error));
        };
        if destination.symlink_metadata().is_ok() {
            return Err(write_failure(args, &io::Error::from(io::ErrorKind::AlreadyExists)));
        }
        let folder = destination.parent().filter(|folder| !folder.as_os_str().is_empty());
        let part = tempfile::Builder::new()
            .prefix(".orewatch-")
            .suffix(".part")
            .permissions(Permissions::from_mode(FILE_MODE))
            .tempfile_in(folder.unwrap_or_else(|| Path::new(".")));
        let (file, part) = part.map_err(|error| write_failure(args, &error))?.into_parts();
        Ok(Self::File { file, part, destination: destination.clone() })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout(file) | Self::File { file, .. } => file.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Stdout(mut file) => {
                file.rewind()?;
                let mut stdout = io::stdout();
                io::copy(&mut file, &mut stdout)?;
                stdout.flush()
            }
            Self::File { file, part, destination } => {
                file.sync_all()?;
                part.persist_noclobber(destination).map_err(|error| error.error)
            }
        }
    }
}

fn stalled(client: &Client) -> Failure {
    let message = format!("the service has sent no data for {} s", client.timeout.as_secs());
    Failure::new(Class::Unavailable, "stalled", message)
        .with_hint("nothing was written; download the file again")
}

fn write_failure(args: &Args, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return broken_pipe();
    }
    let to = args.output.as_ref().map_or_else(|| "standard output".into(), |path| path.display().to_string());
    let (class, code) = match error.kind() {
        io::ErrorKind::AlreadyExists => (Class::Invalid, "file-exists"),
        _ => (Class::Unavailable, "file-not-writable"),
    };
    Failure::new(class, code, format!("cannot write {to}: {error}")).at("output", to)
}
