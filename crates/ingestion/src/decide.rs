//! Decisions: a command and the state give facts, or a failure. Pure.
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use orewatch_contracts::ingestion::v1::{
    CommitReleaseRequest, ObservationsRecorded, Release, ReleaseCommitted, ReleaseHeld, ReleaseOpened,
    ReleaseRefused, ReleaseState, ReleaseWithdrawn, Report, RowsRepaired, SourceFile, Verdict,
};
use orewatch_runtime::{Class, Failure};

use crate::dataset;
use crate::evolve::{Book, Head, Held};
use crate::fact::{Chunk, Fact, RECORDED};
use crate::gates::{self, Asked, Counts, GateModes, Inspected};
use crate::policy::Standing;
use crate::scope;
use crate::tally::Tally;
use crate::units;
use crate::validate;

/// What follows from a command.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Decision {
    /// Nothing: what is asked for is so already.
    Known,
    /// A fact, in this opening of the release (from 1).
    Append(Box<Fact>, u32),
    /// Facts that stand together or not at all, in this opening of the release.
    AppendAll(Vec<Fact>, u32),
    /// Nothing; the answer is a report that differs from the one on the log.
    Repeat(Box<Report>, String),
}

/// Opens a release.
///
/// The same content while it is open goes on where it stopped; if it is described differently, it begins anew. Committed
/// content is known. Refused content is known too, until a commit with other options admits it, or until something else is said
/// of what it restates: then it begins anew as well. Content that was abandoned before it was committed may be opened again.
/// Content that was withdrawn after it was committed may not: it was judged, and stays so; a corrected publication has other
/// content, or another vintage.
///
/// # Errors
/// Content that is committed, of which something else is said now of what it restates.
pub(crate) fn open(
    head: Option<&Head>,
    committed_once: bool,
    release: &Release,
) -> Result<Decision, Failure> {
    let append = |attempt| {
        Decision::Append(Box::new(Fact::Opened(ReleaseOpened { release: Some(release.clone()) })), attempt)
    };
    let Some(head) = head else { return Ok(append(1)) };
    let next = head.attempt.saturating_add(1);
    let alike = dataset::declared_alike(&head.release, release);
    Ok(match head.state {
        ReleaseState::Open if dataset::described_alike(&head.release, release) => Decision::Known,
        ReleaseState::Open => append(next),
        ReleaseState::Withdrawn if !committed_once => append(next),
        ReleaseState::Refused if !alike => append(next),
        ReleaseState::Committed if !alike && dataset::declares(release) => {
            return Err(declared_otherwise(&head.release));
        }
        _ => Decision::Known,
    })
}

fn declared_otherwise(known: &Release) -> Failure {
    let message = format!(
        "release {} is committed already, and something else was said of its kind, scope or supplemented dataset",
        known.id
    );
    Failure::new(Class::Refused, "declared-otherwise", message).with_hint(
        "hand the files in under another vintage (--vintage): that release restates this one; \
         `orewatch policy` says which kind a dataset is of",
    )
}

/// Whether a chunk is there already; it is to be appended if not. Chunks that are there already are recognised by their bytes, also after the release is closed, so that
/// a client that lost the connection can send all of them again.
pub(crate) fn record(head: &Head, chunk: &Chunk) -> Result<bool, Failure> {
    let chunks = if chunk.kind == RECORDED { &head.observations } else { &head.quarantine };
    let number = usize::try_from(chunk.number).unwrap_or(usize::MAX);
    match chunks.get(number) {
        Some(known) if *known == chunk.digest => Ok(true),
        Some(_) => Err(Failure::new(
            Class::Refused,
            "chunk-differs",
            format!("chunk {number} of {} was recorded with other content before", head.release.id),
        )
        .with_hint("another version of the program began this release: withdraw it, then ingest it again")),
        None if head.state != ReleaseState::Open => Err(closed(head)),
        None if number == chunks.len() => Ok(false),
        None => Err(Failure::new(
            Class::Invalid,
            "chunk-gap",
            format!("chunk {number} was sent, chunk {} is next", chunks.len()),
        )
        .at("chunk", number.to_string())),
    }
}

fn closed(head: &Head) -> Failure {
    let state = word(head.state);
    Failure::new(Class::Refused, "release-closed", format!("release {} is {state}", head.release.id))
        .with_hint("open it first")
}

/// A state as a word.
pub(crate) fn word(state: ReleaseState) -> &'static str {
    match state {
        ReleaseState::Unspecified => "in no state",
        ReleaseState::Open => "open",
        ReleaseState::Committed => "committed",
        ReleaseState::Refused => "refused",
        ReleaseState::Withdrawn => "withdrawn",
    }
}

/// Runs the gates over a release and commits, holds or refuses it.
///
/// A refused release is looked at again, with the options of this request: if it is refused again, nothing is recorded and
/// the answer says why; if the gates now let it pass it is opened anew, and its rows have to be recorded again, because the
/// log said that the rows before the refusal will never be visible. A release that is held keeps its counts; whether the gates
/// would refuse it is said, and no more.
pub(crate) fn commit(
    book: &Book,
    held: &Held,
    request: &CommitReleaseRequest,
    judging: &Judging,
) -> Result<Decision, Failure> {
    match held.head.state {
        ReleaseState::Committed => return Ok(Decision::Known),
        ReleaseState::Open | ReleaseState::Refused => {}
        ReleaseState::Withdrawn | ReleaseState::Unspecified => return Err(closed(&held.head)),
    }
    let report = assess(book, held, request, judging)?;
    let reason = blocks(&report);
    let attempt = held.head.attempt;
    let append = |fact, attempt| Decision::Append(Box::new(fact), attempt);
    Ok(match (held.head.state, reason) {
        (ReleaseState::Refused, Some(reason)) => Decision::Repeat(Box::new(report), reason),
        (ReleaseState::Refused, None) => reopened(held),
        _ if request.hold && held.report.is_some() => Decision::Repeat(Box::new(report), String::new()),
        _ if request.hold => append(Fact::Held(ReleaseHeld { report: Some(report) }), attempt),
        (_, Some(reason)) => append(Fact::Refused(ReleaseRefused { report: Some(report), reason }), attempt),
        (_, None) => append(Fact::Committed(ReleaseCommitted { report: Some(report) }), attempt),
    })
}

/// What a judgement needs beside the releases.
#[derive(Clone, Debug)]
pub(crate) struct Judging {
    /// What gates may do, as configured.
    pub(crate) modes: GateModes,
    /// The time.
    pub(crate) now: Timestamp,
}

/// The opening of a release anew.
pub(crate) fn anew(held: &Held) -> Fact {
    Fact::Opened(ReleaseOpened { release: Some((*held.head.release).clone()) })
}

/// Why a release is refused, if it is.
fn blocks(report: &Report) -> Option<String> {
    let blocks = report.gates.iter().filter(|gate| gate.verdict() == Verdict::Block);
    let blocks: Vec<_> = blocks.map(|gate| format!("{}: {}", gate.gate, gate.message)).collect();
    (!blocks.is_empty()).then(|| blocks.join("; "))
}

/// The counts that a request says, or those of when the release was held or refused, with what is mended since.
fn counts(held: &Held, request: &CommitReleaseRequest) -> Counts {
    let max_rejects = request.max_rejects.unwrap_or(0);
    let read = match (&held.counted, request.rows_read) {
        (Some(counted), None) => Counts { max_rejects, ..counted.clone() },
        (_, read) => Counts {
            read,
            out_of_scope: request.rows_out_of_scope,
            rejected: request.rejected_by_code.clone(),
            max_rejects,
            totals: request.totals.clone(),
        },
    };
    held.mended.settled_in(read)
}

/// Gates that are asked for exist, and may do what is asked.
pub(crate) fn acceptable(accept: &[String], modes: &BTreeMap<String, i32>) -> Result<(), Failure> {
    Asked::new(accept, modes).map(|_| ())
}

/// What became of a release's rows, with every gate's verdict.
///
/// # Errors
/// Gates that do not exist, or may not be weakened as is asked.
pub(crate) fn assess(
    book: &Book,
    held: &Held,
    request: &CommitReleaseRequest,
    judging: &Judging,
) -> Result<Report, Failure> {
    let asked = Asked::new(&request.accept, &request.gates)?;
    Ok(judge(book, held, &held.tally, counts(held, request), judging, &asked))
}

/// Runs the gates over these rows of a release.
fn judge(
    book: &Book,
    held: &Held,
    tally: &Tally,
    counts: Counts,
    judging: &Judging,
    asked: &Asked,
) -> Report {
    let release = &*held.head.release;
    let before = book.baseline(held);
    let restated = units::compare(release, tally, &before, |release| book.kind(release));
    let year = TimeZone::UTC.to_datetime(judging.now).year();
    let standing = Standing::new(book, release, tally);
    let (before, restated, standing) = (&before[..], &restated, &standing);
    let inspected = Inspected { release, tally, counts: &counts, before, restated, standing, year };
    let gates = gates::run(&inspected, &judging.modes, asked);
    let (recorded, rejected) = (tally.rows, counts.rejected_rows());
    let found = recorded.saturating_add(counts.out_of_scope).saturating_add(rejected);
    let (first_period, last_period) = tally.span.clone().unwrap_or_default();
    Report {
        rows_read: counts.read.unwrap_or(found),
        rows_recorded: recorded,
        rows_out_of_scope: counts.out_of_scope,
        rows_rejected: rejected,
        gates,
        first_period,
        last_period,
        restates: restated.releases.first().map(|release| release.id.clone()).unwrap_or_default(),
        rejected_by_code: counts.rejected,
        totals: counts.totals,
        scope: scope::covered(release.table(), tally),
    }
}

/// Rows of a release that were mended, read and checked.
#[derive(Clone, Debug)]
pub(crate) struct Mending {
    /// Numbers of the rejections that they stand for.
    pub(crate) rejections: Vec<u64>,
    /// The rows; chunks are numbered anew.
    pub(crate) chunks: Vec<ObservationsRecorded>,
    /// The file that they were read from.
    pub(crate) file: SourceFile,
    /// Why, and who asks.
    pub(crate) reason: String,
    pub(crate) actor: String,
}

/// Records mended rows in a release, which is open or committed: with all others at its commit, or visible at once. The same
/// rows again are known.
///
/// # Errors
/// A rejection that does not exist or is settled already; gates that would not let a committed release pass so.
pub(crate) fn repair(
    book: &Book,
    held: &Held,
    mending: &Mending,
    asked: &Asked,
    judging: &Judging,
) -> Result<Decision, Failure> {
    if held.mended.repairs.iter().any(|known| known.is(&mending.file.sha256, &mending.rejections)) {
        return Ok(Decision::Known);
    }
    let report = match held.head.state {
        ReleaseState::Open => None,
        ReleaseState::Committed => Some(corrected(book, held, mending, asked, judging)?),
        ReleaseState::Refused => return Ok(reopened(held)),
        ReleaseState::Withdrawn | ReleaseState::Unspecified => return Err(closed(&held.head)),
    };
    mendable(held, &mending.rejections)?;
    let first = held.head.observations.len();
    let place = u32::try_from(held.head.release.files.len().saturating_add(held.mended.repairs.len()));
    let mut facts: Vec<Fact> = Vec::new();
    for (number, chunk) in mending.chunks.iter().enumerate() {
        let mut chunk = chunk.clone();
        chunk.chunk = u32::try_from(first.saturating_add(number)).unwrap_or(u32::MAX);
        if let Some(columns) = &mut chunk.columns {
            validate::place_in(columns, place.unwrap_or(u32::MAX));
        }
        facts.push(Fact::Recorded(chunk));
    }
    let repaired = RowsRepaired {
        rejections: mending.rejections.clone(),
        report,
        reason: mending.reason.clone(),
        actor: mending.actor.clone(),
        file: Some(mending.file.clone()),
    };
    let number = u32::try_from(held.mended.repairs.len()).unwrap_or(u32::MAX);
    facts.push(Fact::Repaired(repaired, number));
    Ok(Decision::AppendAll(facts, held.head.attempt))
}

/// Records a repair of a refused release again, once its rows are there.
pub(crate) fn repeated(held: &Held, repaired: &RowsRepaired) -> Decision {
    let sha256 = repaired.file.as_ref().map_or("", |file| file.sha256.as_str());
    if held.mended.repairs.iter().any(|known| known.is(sha256, &repaired.rejections)) {
        return Decision::Known;
    }
    let number = u32::try_from(held.mended.repairs.len()).unwrap_or(u32::MAX);
    Decision::Append(Box::new(Fact::Repaired(repaired.clone(), number)), held.head.attempt)
}

/// Opens a refused release anew.
fn reopened(held: &Held) -> Decision {
    Decision::Append(Box::new(anew(held)), held.head.attempt.saturating_add(1))
}

/// Rejections exist, and are not settled yet.
pub(crate) fn mendable(held: &Held, rejections: &[u64]) -> Result<(), Failure> {
    let listed = held.mended.listed();
    let mut seen = BTreeSet::new();
    for number in rejections {
        let error = |class, code, message: String| {
            Failure::new(class, code, message).at("rejection", number.to_string())
        };
        if *number >= listed {
            let message = format!("the release has {listed} rejections that are listed, from 0");
            return Err(error(Class::Invalid, "unknown-rejection", message)
                .with_hint("`orewatch rejections RELEASE` lists them with their numbers"));
        }
        if !seen.insert(*number) {
            return Err(error(Class::Invalid, "doubled-rejection", "two rows stand for it".to_owned())
                .with_hint("a rejection is mended by one row"));
        }
        if held.mended.is_settled(*number) {
            let message = "it was mended before, by other rows".to_owned();
            return Err(error(Class::Refused, "already-repaired", message)
                .with_hint("leave its row out; a figure that is wrong now is corrected by a newer vintage"));
        }
    }
    Ok(())
}

/// The report of a committed release with rows that were mended.
fn corrected(
    book: &Book,
    held: &Held,
    mending: &Mending,
    asked: &Asked,
    judging: &Judging,
) -> Result<Report, Failure> {
    let mut tally = held.tallied();
    let before = tally.rows;
    mending.chunks.iter().filter_map(|chunk| chunk.columns.as_ref()).for_each(|columns| tally.add(columns));
    let settled = u64::try_from(mending.rejections.len()).unwrap_or(u64::MAX);
    tally.listed = tally.listed.saturating_sub(settled);
    let said = held.report.clone().unwrap_or_default();
    let mut rejected = said.rejected_by_code;
    for code in mending.rejections.iter().filter_map(|number| held.mended.code(*number)) {
        if let Some(count) = rejected.get_mut(code) {
            *count = count.saturating_sub(1);
        }
    }
    rejected.retain(|_, count| *count > 0);
    let outside = settled.saturating_sub(tally.rows.saturating_sub(before));
    let counts = Counts {
        read: Some(said.rows_read),
        out_of_scope: said.rows_out_of_scope.saturating_add(outside),
        rejected,
        // What may be set aside was judged at the commit, and there is less of it now.
        max_rejects: u64::MAX,
        totals: said.totals,
    };
    let report = judge(book, held, &tally, counts, judging, asked);
    match blocks(&report) {
        None => Ok(report),
        Some(reason) => Err(Failure::new(Class::Refused, "repair-refused", reason)
            .with_hint("nothing was recorded; mend the rows, or let a gate go with --accept GATE")),
    }
}

/// Withdraws a committed release or abandons an open one.
pub(crate) fn withdraw(head: &Head, reason: &str, actor: &str) -> Result<Decision, Failure> {
    let given = [("reason", reason), ("actor", actor)];
    given.iter().try_for_each(|(field, text)| validate::short(field, text))?;
    if reason.trim().is_empty() {
        return Err(Failure::new(Class::Invalid, "missing-reason", "a withdrawal needs a reason")
            .at("reason", reason)
            .with_hint("say why, for those who relied on the release"));
    }
    match head.state {
        ReleaseState::Withdrawn => Ok(Decision::Known),
        ReleaseState::Open | ReleaseState::Committed => {
            let [reason, actor] = [reason, actor].map(str::to_owned);
            Ok(Decision::Append(Box::new(Fact::Withdrawn(ReleaseWithdrawn { reason, actor })), head.attempt))
        }
        ReleaseState::Refused | ReleaseState::Unspecified => Err(Failure::new(
            Class::Refused,
            "release-closed",
            format!("release {} is refused", head.release.id),
        )
        .with_hint("nothing of it is visible: there is nothing to withdraw")),
    }
}
