//! `log backup`, `log verify` and `log restore`.
use orewatch_backup::{BackupPlace, BackupReport, Digest, Restore, RestoreReport, VerifyReport};
use orewatch_contracts::{Class, Failure};
use orewatch_store::Location;

use super::options::{LogName, LogNames, LogOptions};
use super::progress::ProgressDisplay;
use crate::commands::print_message;
use crate::options::OutputOptions;
use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Out, Row, column};
use crate::session::Session;
use crate::words::grouped;

/// Characters of a digest in tables. JSON and CSV have all of it.
const SHORT_DIGEST: usize = 16;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A place holds the logs of one system, in segments of 64 MiB that are never changed. Each run adds
what is new; an interrupted run is continued by the next. Services may run meanwhile. A bucket
takes region, address and keys from AWS_REGION, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY.

Examples:
  orewatch log backup --to /var/backups/orewatch --data ./orewatch-data
  orewatch log backup --to s3://BUCKET/orewatch --log nats://localhost:4222 --format json

Exit codes: 0 done; 3 the place holds another system's logs; 4 a problem with the logs or the
place.")]
pub(super) struct BackupArgs {
    /// Folder or bucket: DIR or s3://BUCKET/PREFIX
    #[arg(long, value_name = "PLACE")]
    to: Location,
    #[command(flatten)]
    names: LogNames,
    #[command(flatten)]
    logs: LogOptions,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch log verify /var/backups/orewatch
  orewatch log verify s3://BUCKET/orewatch --log-name alerts --format json

Exit codes: 0 all is whole; 2 there is no backup; 4 a segment is torn, missing or changed.")]
pub(super) struct VerifyArgs {
    /// Folder or bucket: DIR or s3://BUCKET/PREFIX
    #[arg(value_name = "PLACE")]
    place: Location,
    #[command(flatten)]
    names: LogNames,
    #[command(flatten)]
    output: OutputOptions,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The logs must be empty, or what an interrupted restore left. Stop the services first. Every event
keeps its position, so resume tokens stay valid. Afterwards the logs are read again and compared
with the backup.

Examples:
  orewatch log restore --from /var/backups/orewatch --data ./restored
  orewatch log restore --from s3://BUCKET/orewatch --log nats://localhost:4222

Exit codes: 0 restored; 2 there is no backup; 3 a log has something else on it; 4 the backup is
damaged, or a problem with the logs.")]
pub(super) struct RestoreArgs {
    /// Folder or bucket with the backup: DIR or s3://BUCKET/PREFIX
    #[arg(long, value_name = "PLACE")]
    from: Location,
    #[command(flatten)]
    names: LogNames,
    #[command(flatten)]
    logs: LogOptions,
}

/// What was done with a log.
#[derive(Debug)]
struct LogRow {
    log: String,
    identity: Option<Digest>,
    events: u64,
    /// Number of events that this run wrote. `None`: it only read.
    written: Option<u64>,
    segments: Option<usize>,
    bytes: Option<u64>,
    head: Digest,
    taken_at: Option<prost_types::Timestamp>,
}

impl Row for LogRow {
    fn columns() -> Vec<Column<Self>> {
        let optional = |count: Option<u64>| count.map(grouped).unwrap_or_default();
        let short = |digest: String| digest.chars().take(SHORT_DIGEST).collect::<String>();
        let segments = |row: &Self| row.segments.and_then(|segments| u64::try_from(segments).ok());
        let identity = |row: &Self| row.identity.map(|digest| digest.to_string()).unwrap_or_default();
        vec![
            column("log", |row: &Self| Cell::text(&row.log)).shown("log", Left),
            column("events", |row: &Self| Cell::count(row.events))
                .shown_as("events", Right, |row| grouped(row.events)),
            column("written", |row: &Self| Cell::Count(row.written))
                .shown_as("of these new", Right, move |row| optional(row.written))
                .unless_empty(),
            column("segments", move |row: &Self| Cell::Count(segments(row)))
                .shown_as("segments", Right, move |row| optional(segments(row)))
                .unless_empty(),
            column("bytes", |row: &Self| Cell::Count(row.bytes))
                .shown_as("bytes", Right, move |row| optional(row.bytes))
                .unless_empty(),
            column("taken_at", |row: &Self| Cell::time(row.taken_at)).shown("taken at", Left).unless_empty(),
            column("identity", move |row: &Self| Cell::text(identity(row)))
                .shown_as("identity", Left, move |row| short(identity(row)))
                .if_room(1),
            column("head", |row: &Self| Cell::text(row.head.to_string())).shown_as(
                "head digest",
                Left,
                move |row| short(row.head.to_string()),
            ),
        ]
    }
}

impl From<BackupReport> for LogRow {
    fn from(report: BackupReport) -> Self {
        Self {
            log: report.log,
            identity: report.identity,
            events: report.position,
            written: Some(report.added),
            segments: Some(report.segments),
            bytes: Some(report.bytes),
            head: report.head,
            taken_at: None,
        }
    }
}

impl From<VerifyReport> for LogRow {
    fn from(report: VerifyReport) -> Self {
        Self {
            log: report.log,
            identity: Some(report.identity),
            events: report.position,
            written: None,
            segments: Some(report.segments),
            bytes: Some(report.bytes),
            head: report.head,
            taken_at: report.taken_at.map(orewatch_contracts::time::timestamp),
        }
    }
}

impl From<RestoreReport> for LogRow {
    fn from(report: RestoreReport) -> Self {
        Self {
            log: report.log,
            identity: Some(report.identity),
            events: report.position,
            written: Some(report.position.saturating_sub(report.found)),
            segments: None,
            bytes: None,
            head: report.head,
            taken_at: None,
        }
    }
}

/// Backs up the logs, downstream first: what a log refers to is then in the backup of the other.
pub(super) async fn backup(args: &BackupArgs, session: &Session) -> Result<(), Failure> {
    let logs = args.logs.open(session).await?;
    let place = BackupPlace::open(args.to.clone())?;
    let mut rows = Vec::new();
    for log in logs.existing(&args.names).await?.into_iter().rev() {
        let mut display = ProgressDisplay::new();
        let now = session.clock.now();
        let done =
            orewatch_backup::backup(log.as_ref(), &place, now, None, &mut |now| display.update(now)).await?;
        rows.insert(0, LogRow::from(done));
    }
    logs.out.rows(&rows)
}

/// Verifies the backups of the logs. The backup of a log that was not asked for by name may be missing.
pub(super) async fn verify(args: &VerifyArgs, session: &Session) -> Result<(), Failure> {
    let settings = session.settings(&[&args.output])?;
    let out = args.output.output(session.out(&settings)?)?;
    let _telemetry = session.telemetry(&settings, "orewatch", "warn")?;
    let place = BackupPlace::open(args.place.clone())?;
    let (mut rows, mut missing) = (Vec::new(), Vec::new());
    for name in args.names.iter() {
        if !place.has_backup(name.as_str()).await? {
            missing.push(name);
            continue;
        }
        let mut display = ProgressDisplay::new();
        let report = orewatch_backup::verify(&place, name.as_str(), &mut |now| display.update(now)).await?;
        rows.push(LogRow::from(report));
    }
    finish(&out, &args.place, &rows, &missing)
}

/// Restores the logs, upstream first. Nothing is written before all of them were compared with the backup.
pub(super) async fn restore(args: &RestoreArgs, session: &Session) -> Result<(), Failure> {
    let opened = args.logs.open_to_write(session).await?;
    let place = BackupPlace::open(args.from.clone())?;
    let (mut logs, mut missing) = (Vec::new(), Vec::new());
    for name in args.names.iter() {
        match place.has_backup(name.as_str()).await? {
            true => logs.push(opened.new_or_existing(name).await?),
            false => missing.push(name),
        }
    }
    let mut prepared = Vec::new();
    for log in &logs {
        prepared.push(Restore::prepare(&place, log.as_ref()).await?);
    }
    let mut rows = Vec::new();
    for restore in prepared {
        let mut display = ProgressDisplay::new();
        rows.push(LogRow::from(restore.run(&mut |now| display.update(now)).await?));
    }
    finish(&opened.out, &args.from, &rows, &missing)
}

/// Prints the rows. Logs without a backup are an error if there is none at all, and a message otherwise: a
/// system that has no alerts yet has no such log.
fn finish(out: &Out, place: &Location, rows: &[LogRow], missing: &[LogName]) -> Result<(), Failure> {
    let missing: Vec<&str> = missing.iter().map(|name| name.as_str()).collect();
    let message = format!("{place} has no backup of: {}", missing.join(", "));
    if rows.is_empty() {
        return Err(Failure::new(Class::NotFound, "no-backup", message)
            .at("place", place.to_string())
            .with_hint("name the place that `orewatch log backup --to` wrote"));
    }
    if !missing.is_empty() {
        print_message(&message);
    }
    out.rows(rows)
}
