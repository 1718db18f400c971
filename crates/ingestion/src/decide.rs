//! Decisions: a command and the state give events, or a failure. Pure.
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use orewatch_contracts::ingestion::v1::{
    CommitReleaseRequest, ObservationEvent, ObservationEventKind, ObservationsRecorded, Release,
    ReleaseCommitted, ReleaseHeld, ReleaseOpened, ReleaseRefused, ReleaseState, ReleaseWithdrawn, Report,
    RowsRepaired, SourceFile, Verdict,
};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::dataset;

use crate::chunk::Chunk;
use crate::decision::{Decision, NumberedEvent};
use crate::evolve::{IngestionState, ReleaseHead, ReleaseRecord};
use crate::gates::{self, GateModes, GateRequest, Inspected};
use crate::policy::Precedence;
use crate::rejection_codes;
use crate::row_counts::RowCounts;
use crate::scope;
use crate::tally::Tally;
use crate::units;
use crate::validate;
use crate::withheld::Withheld;

/// Opens a release.
///
/// The same content while the release is open continues it; if it is described differently, it starts over.
/// Committed content is known. Refused content is known too, until a commit with other options admits it, or
/// its declaration changes, which starts it over. Content that was abandoned before its commit may be opened
/// again. Content that was withdrawn after its commit may not: it was judged, and a corrected publication has
/// other content or another vintage. Content that was erased may: who has the files may record them anew.
///
/// # Errors
/// Committed content that is now declared differently: kind, scope or supplemented dataset. Content for which
/// this service has no key.
pub(crate) fn open_release(
    head: Option<&ReleaseHead>,
    committed_once: bool,
    release: &Release,
    actor: &str,
) -> Result<Decision, Failure> {
    let opened = ReleaseOpened { release: Some(release.clone()), actor: actor.to_owned() };
    let append = |attempt| Decision::append(opened, attempt);
    let Some(head) = head else { return Ok(append(1)) };
    let next = head.attempt.saturating_add(1);
    let alike = dataset::declared_alike(&head.release, release);
    Ok(match head.state {
        ReleaseState::Erased => match head.withheld {
            Some(withheld @ Withheld::NoKey) => return Err(withheld.failure(&release.id)),
            Some(Withheld::Erased(_)) | None => append(next),
        },
        ReleaseState::Open if dataset::described_alike(&head.release, release) => Decision::Unchanged,
        ReleaseState::Open => append(next),
        ReleaseState::Withdrawn if !committed_once => append(next),
        ReleaseState::Refused if !alike => append(next),
        ReleaseState::Committed if !alike && dataset::declares(release) => {
            return Err(declaration_mismatch(&head.release));
        }
        _ => Decision::Unchanged,
    })
}

fn declaration_mismatch(known: &Release) -> Failure {
    let message =
        format!("release {} is already committed with another kind, scope or supplemented dataset", known.id);
    Failure::new(Class::Refused, "declaration-mismatch", message).with_hint(
        "ingest the files under another vintage (--vintage): that release restates this one; \
         `orewatch policy` shows the kind of each dataset",
    )
}

/// Whether a chunk is on the log already; if not, it is to be appended.
///
/// Known chunks are recognised by their digests, even after the release is closed, so a client that lost its
/// connection can send all of them again.
///
/// # Errors
/// A chunk with a known number and other content, a gap in the numbers, or a release that is closed or
/// erased.
pub(crate) fn is_chunk_recorded(head: &ReleaseHead, chunk: &Chunk) -> Result<bool, Failure> {
    if let Some(withheld) = head.withheld {
        return Err(withheld.failure(&head.release.id));
    }
    let is_rows = chunk.kind == ObservationEventKind::ObservationsRecorded;
    let chunks = if is_rows { &head.observations } else { &head.quarantine };
    let number = usize::try_from(chunk.number).unwrap_or(usize::MAX);
    match chunks.get(number) {
        Some(known) if *known == chunk.digest => Ok(true),
        Some(_) => Err(Failure::new(
            Class::Refused,
            "chunk-mismatch",
            format!("chunk {number} of {} was recorded with other content before", head.release.id),
        )
        .with_hint("another version of the program began this release: withdraw it, then ingest it again")),
        None if head.state != ReleaseState::Open => Err(release_closed(head)),
        None if number == chunks.len() => Ok(false),
        None => Err(Failure::new(
            Class::Invalid,
            "chunk-gap",
            format!("chunk {number} was sent, chunk {} is next", chunks.len()),
        )
        .at("chunk", number.to_string())),
    }
}

fn release_closed(head: &ReleaseHead) -> Failure {
    if let Some(withheld) = head.withheld {
        return withheld.failure(&head.release.id);
    }
    let state = state_word(head.state);
    Failure::new(Class::Refused, "release-closed", format!("release {} is {state}", head.release.id))
        .with_hint("open it first")
}

/// The state of a release as a word in a sentence.
pub(crate) fn state_word(state: ReleaseState) -> &'static str {
    match state {
        ReleaseState::Unspecified => "in no state",
        ReleaseState::Open => "open",
        ReleaseState::Committed => "committed",
        ReleaseState::Refused => "refused",
        ReleaseState::Withdrawn => "withdrawn",
        ReleaseState::Erased => "erased",
    }
}

/// Runs the gates over a release and commits, holds or refuses it.
///
/// A refused release is judged again with the options of this request. If it is refused again, nothing is
/// recorded and the response says why. If the gates let it pass now, it is opened anew and its rows have to
/// be recorded again, because the log said that the rows before the refusal will never be visible. A held
/// release keeps its counts, and the response says whether the gates would refuse it.
pub(crate) fn commit_release(
    state: &IngestionState,
    record: &ReleaseRecord,
    request: &CommitReleaseRequest,
    gate_context: &GateContext,
) -> Result<Decision, Failure> {
    match record.head.state {
        ReleaseState::Committed => return Ok(Decision::Unchanged),
        ReleaseState::Open | ReleaseState::Refused => {}
        ReleaseState::Withdrawn | ReleaseState::Unspecified => return Err(release_closed(&record.head)),
    }
    let report = gate_report(state, record, request, gate_context)?;
    let reason = block_reason(&report);
    let (attempt, actor) = (record.head.attempt, actor.to_owned());
    let append = |event: ObservationEvent| Decision::append(event, attempt);
    Ok(match (record.head.state, reason) {
        (ReleaseState::Refused, Some(reason)) => Decision::Report(Box::new(report), reason),
        (ReleaseState::Refused, None) => reopen(record, &actor),
        _ if request.hold && record.report.is_some() => Decision::Report(Box::new(report), String::new()),
        _ if request.hold => append(ReleaseHeld { report: Some(report), actor }.into()),
        (_, Some(reason)) => append(ReleaseRefused { report: Some(report), reason, actor }.into()),
        (_, None) => append(ReleaseCommitted { report: Some(report), actor }.into()),
    })
}

/// What gates need besides the releases.
#[derive(Clone, Debug)]
pub(crate) struct GateContext {
    /// Configured modes of the gates.
    pub(crate) modes: GateModes,
    /// The time of the decision.
    pub(crate) now: Timestamp,
}

/// Why the gates refuse a release. `None`: they do not.
fn block_reason(report: &Report) -> Option<String> {
    let block_reason = report.gates.iter().filter(|gate| gate.verdict() == Verdict::Block);
    let block_reason: Vec<_> = block_reason.map(|gate| format!("{}: {}", gate.gate, gate.message)).collect();
    (!block_reason.is_empty()).then(|| block_reason.join("; "))
}

/// Row counts as the request reports them, or as they were when the release was last held or refused,
/// adjusted for repairs since.
fn row_counts(record: &ReleaseRecord, request: &CommitReleaseRequest) -> RowCounts {
    let max_rejects = request.max_rejects.unwrap_or(0);
    let read = match (&record.counts, request.rows_read) {
        (Some(counted), None) => RowCounts { max_rejects, ..counted.clone() },
        (_, read) => RowCounts {
            read,
            out_of_scope: request.rows_out_of_scope,
            rejected: rejection_codes::merge_renamed(request.rejected_by_code.clone()),
            max_rejects,
            totals: request.totals.clone(),
            notes: request.notes.clone(),
        },
    };
    record.rejections.after_repairs(read)
}

/// Checks that the named gates exist and may be accepted or weakened as requested.
pub(crate) fn check_gate_request(accept: &[String], modes: &BTreeMap<String, i32>) -> Result<(), Failure> {
    GateRequest::new(accept, modes).map(|_| ())
}

/// Row counts of a release with every gate's verdict.
///
/// # Errors
/// Gates that do not exist, or may not be weakened.
pub(crate) fn gate_report(
    state: &IngestionState,
    record: &ReleaseRecord,
    request: &CommitReleaseRequest,
    gate_context: &GateContext,
) -> Result<Report, Failure> {
    let asked = GateRequest::new(&request.accept, &request.gates)?;
    Ok(report_on(state, record, &record.tally, row_counts(record, request), gate_context, &asked))
}

/// Runs the gates over these rows of a release.
fn report_on(
    state: &IngestionState,
    record: &ReleaseRecord,
    tally: &Tally,
    counts: RowCounts,
    gate_context: &GateContext,
    asked: &GateRequest,
) -> Report {
    let release = &*record.head.release;
    let before = state.baseline(record);
    let restated =
        units::compare_with_baseline(release, tally, &before, |release| state.dataset_kind(release));
    let year = TimeZone::UTC.to_datetime(gate_context.now).year();
    let precedence = Precedence::new(state, release, tally);
    let (before, restated, precedence) = (&before[..], &restated, &precedence);
    let inspected = Inspected { release, tally, counts: &counts, before, restated, precedence, year };
    let gates = gates::run_gates(&inspected, &gate_context.modes, asked);
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
        notes: counts.notes,
        scope: scope::covered_scope(release.table(), tally),
    }
}

/// Repaired rows of a release, read and checked.
#[derive(Clone, Debug)]
pub(crate) struct RepairCommand {
    /// Numbers of the rejections that the rows settle.
    pub(crate) rejections: Vec<u64>,
    /// The rows. Their chunks are numbered anew.
    pub(crate) chunks: Vec<ObservationsRecorded>,
    /// The file of repaired rows.
    pub(crate) file: SourceFile,
    /// Reason and author, recorded with the repair.
    pub(crate) reason: String,
    pub(crate) actor: String,
}

/// Records repaired rows in an open release, to be committed with all others, or in a committed one, visible
/// at once. The same rows again change nothing.
///
/// # Errors
/// A rejection that does not exist or is settled already; gates that would refuse the committed release with
/// these rows.
pub(crate) fn repair_rows(
    state: &IngestionState,
    record: &ReleaseRecord,
    command: &RepairCommand,
    asked: &GateRequest,
    gate_context: &GateContext,
) -> Result<Decision, Failure> {
    if record.rejections.repairs.iter().any(|known| known.is_same(&command.file.sha256, &command.rejections))
    {
        return Ok(Decision::Unchanged);
    }
    let report = match record.head.state {
        ReleaseState::Open => None,
        ReleaseState::Committed => Some(repaired_report(state, record, command, asked, gate_context)?),
        ReleaseState::Refused => return Ok(reopen(record, &command.actor)),
        ReleaseState::Withdrawn | ReleaseState::Erased | ReleaseState::Unspecified => {
            return Err(release_closed(&record.head));
        }
    };
    check_repairable(record, &command.rejections)?;
    let first = record.head.observations.len();
    let place =
        u32::try_from(record.head.release.files.len().saturating_add(record.rejections.repairs.len()));
    let mut events = Vec::new();
    for (number, chunk) in command.chunks.iter().enumerate() {
        let mut chunk = chunk.clone();
        chunk.chunk = u32::try_from(first.saturating_add(number)).unwrap_or(u32::MAX);
        if let Some(columns) = &mut chunk.columns {
            validate::set_file(columns, place.unwrap_or(u32::MAX));
        }
        events.push(NumberedEvent::new(chunk));
    }
    let repaired = RowsRepaired {
        rejections: command.rejections.clone(),
        report,
        reason: command.reason.clone(),
        actor: command.actor.clone(),
        file: Some(command.file.clone()),
    };
    let number = u32::try_from(record.rejections.repairs.len()).unwrap_or(u32::MAX);
    events.push(NumberedEvent::repair(repaired, number));
    Ok(Decision::Append(events, record.head.attempt))
}

/// Records a repair of a reopened release again, once its rows are there.
pub(crate) fn repeat_repair(record: &ReleaseRecord, repaired: &RowsRepaired) -> Decision {
    let sha256 = repaired.file.as_ref().map_or("", |file| file.sha256.as_str());
    if record.rejections.repairs.iter().any(|known| known.is_same(sha256, &repaired.rejections)) {
        return Decision::Unchanged;
    }
    let number = u32::try_from(record.rejections.repairs.len()).unwrap_or(u32::MAX);
    Decision::Append(vec![NumberedEvent::repair(repaired.clone(), number)], record.head.attempt)
}

/// Opens a refused release anew.
fn reopen(record: &ReleaseRecord, actor: &str) -> Decision {
    let release = Some((*record.head.release).clone());
    let opened = ReleaseOpened { release, actor: actor.to_owned() };
    Decision::Reopen(Box::new(NumberedEvent::new(opened)), record.head.attempt.saturating_add(1))
}

/// Checks that rejections exist, are named once, and are not settled yet.
pub(crate) fn check_repairable(record: &ReleaseRecord, rejections: &[u64]) -> Result<(), Failure> {
    let listed = record.rejections.listed_count();
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
            return Err(error(Class::Invalid, "duplicate-rejection", "two rows settle it".to_owned())
                .with_hint("a rejection is repaired by one row"));
        }
        if record.rejections.is_settled(*number) {
            let message = "it was repaired before, by other rows".to_owned();
            return Err(error(Class::Refused, "already-repaired", message)
                .with_hint("leave its row out; correct a wrong figure by a newer vintage"));
        }
    }
    Ok(())
}

/// The report of a committed release with its repaired rows.
fn repaired_report(
    state: &IngestionState,
    record: &ReleaseRecord,
    command: &RepairCommand,
    asked: &GateRequest,
    gate_context: &GateContext,
) -> Result<Report, Failure> {
    let mut tally = record.full_tally();
    let before = tally.rows;
    command.chunks.iter().filter_map(|chunk| chunk.columns.as_ref()).for_each(|columns| tally.add(columns));
    let settled = u64::try_from(command.rejections.len()).unwrap_or(u64::MAX);
    tally.listed = tally.listed.saturating_sub(settled);
    let previous = record.report.clone().unwrap_or_default();
    let mut rejected = previous.rejected_by_code;
    for code in command.rejections.iter().filter_map(|number| record.rejections.code(*number)) {
        if let Some(count) = rejected.get_mut(code) {
            *count = count.saturating_sub(1);
        }
    }
    rejected.retain(|_, count| *count > 0);
    let outside = settled.saturating_sub(tally.rows.saturating_sub(before));
    let counts = RowCounts {
        read: Some(previous.rows_read),
        out_of_scope: previous.rows_out_of_scope.saturating_add(outside),
        rejected,
        // The number of allowed rejections was judged at the commit, and repairs only lower it.
        max_rejects: u64::MAX,
        totals: previous.totals,
        notes: previous.notes,
    };
    let report = report_on(state, record, &tally, counts, gate_context, asked);
    match block_reason(&report) {
        None => Ok(report),
        Some(reason) => Err(Failure::new(Class::Refused, "repair-refused", reason).with_hint(
            "nothing was recorded; correct the rows, or accept a gate's verdict with --accept GATE",
        )),
    }
}

/// Withdraws a committed release or abandons an open one.
pub(crate) fn withdraw_release(head: &ReleaseHead, reason: &str, actor: &str) -> Result<Decision, Failure> {
    let given = [("reason", reason), ("actor", actor)];
    given.iter().try_for_each(|(field, text)| validate::check_text(field, text))?;
    if reason.trim().is_empty() {
        return Err(Failure::new(Class::Invalid, "missing-field", "a withdrawal needs a reason")
            .at("reason", reason)
            .with_hint("give the reason for those who relied on the release"));
    }
    match head.state {
        ReleaseState::Withdrawn => Ok(Decision::Unchanged),
        ReleaseState::Open | ReleaseState::Committed => {
            let [reason, actor] = [reason, actor].map(str::to_owned);
            Ok(Decision::append(ReleaseWithdrawn { reason, actor }, head.attempt))
        }
        ReleaseState::Erased => Err(release_closed(head)),
        ReleaseState::Refused | ReleaseState::Unspecified => Err(Failure::new(
            Class::Refused,
            "release-closed",
            format!("release {} is refused", head.release.id),
        )
        .with_hint("none of its rows are visible: there is nothing to withdraw")),
    }
}
