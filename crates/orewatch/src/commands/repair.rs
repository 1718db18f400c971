//! `commit` and `repair`: corrects quarantined rows, and commits releases that are on the log.
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use orewatch_contracts::ingestion::v1::{CommitReleaseRequest, ReleaseInfo, ReleaseState, RepairRowsRequest};
use orewatch_contracts::{Class, Failure};

use super::refusal::{Recorded, refusal_hint};
use super::{print_message, releases, with_client};
use crate::options::ClientOptions;
use crate::session::{Client, Session};
use crate::settle;
use crate::view::QuarantinedRow;
use crate::words::count_text;

/// Maximum size of a file with corrected rows, in bytes: one request can hold little more.
const MAX_REPAIR_BYTES: u64 = 3 << 20;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
For a release that is held open (`orewatch ingest --hold`) or was refused. Its rows are already on
the log, so the files are not read again.

Examples:
  orewatch commit MCS2026
  orewatch commit MCS2026 --max-rejects 3 --accept partner-sums")]
pub(crate) struct CommitArgs {
    /// Release: its identifier, or its vintage if only one release has it
    release: String,
    /// Maximum number of quarantined rows; with more, the release is refused
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_rejects: u64,
    /// Only warn where these gates would block; the report keeps their findings
    #[arg(long, value_name = "GATE", value_delimiter = ',')]
    accept: Vec<String>,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The file is CSV in the format of the release. Its first column, `rejection`, has the number of the
quarantined row that each row corrects; `orewatch rejections RELEASE --export FILE` writes such a
file. All rows are recorded or none: if some are still wrong, they are listed with their reasons.
In a committed release the corrected rows are visible at once. Otherwise commit it with `orewatch
commit RELEASE`.

Example:
  orewatch rejections 202601 --export wrong.csv
  orewatch repair 202601 wrong.csv --reason \"erratum of 3 March\"")]
pub(crate) struct RepairArgs {
    /// Release: its identifier, or its vintage if only one release has it
    release: String,
    /// CSV file with the corrected rows
    file: PathBuf,
    /// Reason recorded with the change
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Name recorded as the author of the change
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    /// Only warn where these gates would block; the report keeps their findings
    #[arg(long, value_name = "GATE", value_delimiter = ',')]
    accept: Vec<String>,
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs the command `commit`.
pub(crate) async fn run_commit(args: CommitArgs, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| commit(&args, client).await).await
}

/// Runs the command `repair`.
pub(crate) async fn run_repair(args: RepairArgs, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| repair(&args, client).await).await
}

/// Runs `commit`.
pub(crate) async fn run_commit(args: CommitArgs, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| commit(&args, client).await).await
}

/// Runs `repair`.
pub(crate) async fn run_repair(args: RepairArgs, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| repair(&args, client).await).await
}

/// Commits a release whose rows are on the log.
async fn commit(args: &CommitArgs, client: &Client) -> Result<(), Failure> {
    let request = CommitReleaseRequest {
        release: args.release.clone(),
        max_rejects: Some(args.max_rejects),
        accept: args.accept.clone(),
        ..CommitReleaseRequest::default()
    };
    let response = client.ingestion().await?.commit_release(client.request(request)).await?.into_inner();
    let info = response.release.unwrap_or_default();
    releases::print(&client.out, &info)?;
    match info.state() {
        ReleaseState::Committed => settle_release(client, &info).await,
        _ => Err(Failure::new(
            Class::Refused,
            "release-refused",
            format!("the release was refused: {}", info.reason),
        )
        .with_hint(refusal_hint(&info, Recorded::Yes(&args.release)))),
    }
}

/// Records corrected rows of a release.
async fn repair(args: &RepairArgs, client: &Client) -> Result<(), Failure> {
    let request = RepairRowsRequest {
        release: args.release.clone(),
        content: read_corrections(&args.file)?.into(),
        reason: args.reason.clone(),
        actor: args.actor.clone(),
        accept: args.accept.clone(),
        ..RepairRowsRequest::default()
    };
    let response = client.ingestion().await?.repair_rows(client.request(request)).await?.into_inner();
    if !response.rejections.is_empty() {
        let rows = QuarantinedRow::numbered(&response.rejections);
        client.out.rows(&rows)?;
        let message = format!("{} still wrong; nothing was recorded", count_text(rows.len(), "row"));
        return Err(Failure::new(Class::Refused, "still-wrong", message)
            .with_hint("correct them in the file and repair again, or remove them from it"));
    }
    let info = response.release.unwrap_or_default();
    releases::print(&client.out, &info)?;
    print_message(&format!("{} rows recorded.", response.recorded));
    match info.state() {
        ReleaseState::Committed => settle_release(client, &info).await,
        _ => {
            print_message(&format!("The release is open. Commit it: orewatch commit {}", args.release));
            Ok(())
        }
    }
}

/// Reads the file with corrected rows, up to the size of one request.
fn read_corrections(path: &Path) -> Result<Vec<u8>, Failure> {
    let refuse = |code, message: String| {
        Failure::new(Class::Invalid, code, message).at("file", path.display().to_string())
    };
    let mut content = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_REPAIR_BYTES + 1).read_to_end(&mut content));
    match read {
        Err(error) => Err(refuse("file-not-readable", format!("the file cannot be read: {error}"))),
        Ok(0) => Err(refuse("empty-file", "the file is empty".to_owned())
            .with_hint("write a file to correct with `orewatch rejections RELEASE --export FILE`")),
        Ok(size) if u64::try_from(size).unwrap_or(u64::MAX) > MAX_REPAIR_BYTES => {
            let message = format!("one repair takes at most {MAX_REPAIR_BYTES} bytes");
            Err(refuse("file-too-large", message).with_hint("split the rows into several files"))
        }
        Ok(_) => Ok(content),
    }
}

/// Waits until the figures of the release are computed. The log position of a repair after the commit is not
/// known here.
async fn settle_release(client: &Client, info: &ReleaseInfo) -> Result<(), Failure> {
    settle::settle(client, info.committed_position.unwrap_or(0)).await
}
