//! `commit` and `repair`: what a release still needs, and the rows that were set aside.
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use orewatch_contracts::ingestion::v1::{
    CommitReleaseRequest, DownloadFileRequest, GetReleaseRequest, Rejection, Release, ReleaseInfo,
    ReleaseState, RepairRowsRequest,
};
use orewatch_ingestion::sources::{Input, REJECTION, around, form};
use orewatch_runtime::{Class, Failure};

use super::{ingest, releases, say};
use crate::options::{ClientOptions, Format};
use crate::render::{document, object};
use crate::session::Client;
use crate::view::{RejectionRow, ReleaseRow};

/// Largest original file that is fetched to show the lines around a row, in bytes.
const LARGEST_SHOWN: u64 = 64 << 20;

/// Largest file of mended rows, in bytes: a message to the service holds little more.
const LARGEST_REPAIR: u64 = 3 << 20;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
For a release that was held open (ingest --hold), or refused: its rows are on the log already, and
nothing is read again.

Examples:
  orewatch commit MCS2026
  orewatch commit MCS2026 --max-rejects 3 --accept partner-sums")]
pub(crate) struct CommitArgs {
    /// The release: its identifier, or its vintage where that is unambiguous
    release: String,
    /// Refuse the release if more rows than this are set aside
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_rejects: u64,
    /// Let a gate that blocks only warn; the report keeps what it found
    #[arg(long, value_name = "GATE", value_delimiter = ',')]
    accept: Vec<String>,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The file is csv in the format of the release, with a first column `rejection` that says which row
stands for which; `orewatch rejections RELEASE --export FILE` writes it. All rows are recorded, or
none: those that are wrong still are listed with their reasons. A release that is committed shows
them at once; one that is held or was refused goes on with `orewatch commit RELEASE`.

Example:
  orewatch rejections 202601 --export wrong.csv
  orewatch repair 202601 wrong.csv --reason \"erratum of 3 March\"")]
pub(crate) struct RepairArgs {
    /// The release: its identifier, or its vintage where that is unambiguous
    release: String,
    /// The mended rows
    file: PathBuf,
    /// Why, for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Who asks
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    /// Let a gate that blocks only warn; the report keeps what it found
    #[arg(long, value_name = "GATE", value_delimiter = ',')]
    accept: Vec<String>,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Commits a release whose rows are on the log.
pub(crate) async fn commit(args: &CommitArgs, client: &Client) -> Result<(), Failure> {
    let ask = CommitReleaseRequest {
        release: args.release.clone(),
        max_rejects: Some(args.max_rejects),
        accept: args.accept.clone(),
        ..CommitReleaseRequest::default()
    };
    let answer = client.ingestion().await?.commit_release(client.request(ask)).await?.into_inner();
    let info = answer.release.unwrap_or_default();
    print(client, &info)?;
    match info.state() {
        ReleaseState::Committed => settled(client, &info).await,
        _ => Err(Failure::new(Class::Refused, "release-refused", format!("it was refused: {}", info.reason))
            .with_hint(ingest::what_to_do(&info, &args.release))),
    }
}

/// Mends rows.
pub(crate) async fn repair(args: &RepairArgs, client: &Client) -> Result<(), Failure> {
    let ask = RepairRowsRequest {
        release: args.release.clone(),
        content: mended(&args.file)?.into(),
        reason: args.reason.clone(),
        actor: args.actor.clone(),
        accept: args.accept.clone(),
        ..RepairRowsRequest::default()
    };
    let answer = client.ingestion().await?.repair_rows(client.request(ask)).await?.into_inner();
    if !answer.rejections.is_empty() {
        let rows: Vec<_> = answer.rejections.iter().map(RejectionRow).collect();
        match client.out.format {
            Format::Json => client.out.json(&document(&rows))?,
            Format::Csv => client.out.csv(&rows)?,
            Format::Table => client.out.text(&releases::rejected(&client.out, &answer.rejections))?,
        }
        let message = format!("{} rows are wrong still; nothing was recorded", rows.len());
        return Err(Failure::new(Class::Refused, "still-wrong", message)
            .with_hint("mend them in the file and hand it in again, or leave them out"));
    }
    let info = answer.release.unwrap_or_default();
    print(client, &info)?;
    say(&format!("{} rows recorded", answer.recorded));
    match info.state() {
        ReleaseState::Committed => settled(client, &info).await,
        _ => {
            say(&format!("the release is open: orewatch commit {}", args.release));
            Ok(())
        }
    }
}

/// The mended rows, as far as one request can bring them.
fn mended(path: &Path) -> Result<Vec<u8>, Failure> {
    let refuse = |code, message: String| {
        Failure::new(Class::Invalid, code, message).at("file", path.display().to_string())
    };
    let mut content = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST_REPAIR + 1).read_to_end(&mut content));
    match read {
        Err(error) => Err(refuse("file-not-readable", format!("the file cannot be read: {error}"))),
        Ok(0) => Err(refuse("empty-file", "the file is empty".to_owned())
            .with_hint("`orewatch rejections RELEASE --export FILE` writes a file to mend")),
        Ok(size) if u64::try_from(size).unwrap_or(u64::MAX) > LARGEST_REPAIR => {
            let message = format!("mended rows take at most {LARGEST_REPAIR} bytes at a time");
            Err(refuse("file-too-large", message).with_hint("mend them in several files"))
        }
        Ok(_) => Ok(content),
    }
}

/// Waits until the release is computed. Where rows were mended after its commit, their position is not told.
async fn settled(client: &Client, info: &ReleaseInfo) -> Result<(), Failure> {
    ingest::settle(client, info.committed_position.unwrap_or(0)).await
}

fn print(client: &Client, info: &ReleaseInfo) -> Result<(), Failure> {
    match client.out.format {
        Format::Json => client.out.json(&object(&ReleaseRow(info))),
        Format::Csv => client.out.csv(&[ReleaseRow(info)]),
        Format::Table => client.out.text(&releases::page(&client.out, info, true)),
    }
}

/// The release that is meant.
async fn release(name: &str, client: &Client) -> Result<Release, Failure> {
    let ask = GetReleaseRequest { release: name.to_owned() };
    let answer = client.ingestion().await?.get_release(client.request(ask)).await?.into_inner();
    Ok(answer.release.unwrap_or_default().release.unwrap_or_default())
}

/// Writes the rows that were set aside as a file to mend.
pub(crate) async fn export(
    name: &str,
    rejections: &[Rejection],
    to: &Path,
    client: &Client,
) -> Result<(), Failure> {
    let release = release(name, client).await?;
    let (columns, as_written) = form(&release);
    let header: Vec<_> = columns.iter().map(|name| csv_field(name)).collect();
    let mut text = format!("{REJECTION},{}\n", header.join(","));
    let (mut untold, mut textless) = (0_usize, 0_usize);
    for (number, rejection) in rejections.iter().enumerate() {
        // A mended row stands on a line of its own.
        let is_line = !rejection.text.is_empty() && !rejection.text.contains('\n');
        if as_written && is_line {
            text.push_str(&format!("{number},{}\n", rejection.text));
        } else {
            untold += 1;
            textless += usize::from(rejection.text.is_empty());
            text.push_str(&format!("{number}{}\n", ",".repeat(columns.len())));
        }
    }
    std::fs::write(to, text).map_err(|error| {
        Failure::new(Class::Unavailable, "file-not-writable", format!("the file cannot be written: {error}"))
            .at("export", to.display().to_string())
    })?;
    say(&format!(
        "{} rows in {}; mend them and hand it in: orewatch repair {name} {}",
        rejections.len(),
        to.display(),
        to.display()
    ));
    if untold > 0 {
        say(&to_be_filled_in(untold, textless, as_written, &release.parser, name));
    }
    Ok(())
}

/// Why rows are left to be filled in, and where to read what they were.
fn to_be_filled_in(untold: usize, textless: usize, as_written: bool, parser: &str, name: &str) -> String {
    let why = match (untold == textless, as_written) {
        (true, _) => "have no text of their own, such as figures of a wide table or of JSON".to_owned(),
        (false, true) => "have no line of their own".to_owned(),
        (false, false) => format!("are rows of {parser}, which are not mended as they are written"),
    };
    format!(
        "{untold} of them {why}: fill in what `orewatch rejections {name} --show NUMBER` shows under the columns of the header, or \
         delete them"
    )
}

/// A name as a field of csv.
fn csv_field(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// Shows one row that was set aside with what is around it.
pub(crate) async fn show(
    name: &str,
    rejections: &[Rejection],
    number: usize,
    client: &Client,
) -> Result<(), Failure> {
    let none = || {
        Failure::new(Class::NotFound, "unknown-rejection", "there is no such rejection")
            .at("show", number.to_string())
            .with_hint(format!("{} are listed, from 0", rejections.len()))
    };
    let rejection = rejections.get(number).ok_or_else(none)?;
    if client.out.format == Format::Json {
        return client.out.json(&object(&RejectionRow(rejection)));
    }
    let release = release(name, client).await?;
    let file = release.files.iter().find(|file| file.name == rejection.file);
    let mut lines = vec![
        format!("{}:{}  {}", rejection.file, rejection.line, rejection.code),
        format!("  {} {:?}: {}", rejection.column, rejection.value, rejection.reason),
    ];
    if !rejection.hint.is_empty() {
        lines.push(format!("  {}", rejection.hint));
    }
    let columns = file.map(|file| file.columns.join(",")).unwrap_or_default();
    lines.push(format!("\n{:>8}  {columns}", "header"));
    let beside = match file {
        Some(file) if !file.stored_sha256.is_empty() && !file.records && file.bytes <= LARGEST_SHOWN => {
            original(client, &file.name, &file.stored_sha256, rejection.line).await
        }
        _ => Vec::new(),
    };
    let own = (rejection.line, rejection.text.clone());
    for (line, text) in if beside.is_empty() { vec![own] } else { beside } {
        lines.push(format!("{line:>8}  {text}"));
        if line == rejection.line {
            lines.extend(mark(&text, &rejection.value).map(|mark| format!("{:>8}  {mark}", "")));
        }
    }
    client.out.text(&format!("{}\n", lines.join("\n")))
}

/// Marks a value below its line.
fn mark(text: &str, value: &str) -> Option<String> {
    let value = value.trim();
    let place = text.find(value).filter(|_| !value.is_empty())?;
    let before = text.get(..place)?.chars().count();
    Some(format!("{}{}", " ".repeat(before), "^".repeat(value.chars().count())))
}

/// The lines around a row in the original, if the archive has it.
async fn original(client: &Client, name: &str, sha256: &str, line: u64) -> Vec<(u64, String)> {
    let fetch = async {
        let ask = DownloadFileRequest { sha256: sha256.to_owned() };
        let mut pieces = client.ingestion().await?.download_file(client.request(ask)).await?.into_inner();
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.message().await? {
            bytes.extend_from_slice(&piece.data);
        }
        let input = Input::Memory { name: name.to_owned(), bytes: Bytes::from(bytes) };
        Ok::<_, Failure>(around(&input, line)?)
    };
    fetch.await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_marked_where_it_stands() {
        assert_eq!(mark("2020,CHN,ZZZ,1", "ZZZ").as_deref(), Some("         ^^^"));
        assert_eq!(mark("2020,CHN", ""), None);
        assert_eq!(mark("2020,CHN", "XXX"), None);
    }
}
