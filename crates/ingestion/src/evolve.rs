//! State of the releases, folded from the log. Pure: state and event give the next state.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_catalog::DatasetKind;
use orewatch_contracts::codes::current;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    DatasetDeclaration, ObservationEvent, ObservationEventKind, Release, ReleaseState, Report, RowsRepaired,
    Table, TenantErased,
};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Event, Position};
use orewatch_formats::codes::{self, ListedCodes};
use orewatch_formats::dataset;
use orewatch_formats::ids;
use orewatch_store::sealed::plain_part;
use sha2::{Digest as _, Sha256};

use crate::chunk::{ChunkDigest, quarantine_digest};
use crate::events;
use crate::policy::Policy;
use crate::rejections::RejectionLedger;
use crate::row_counts::RowCounts;
use crate::tally::{CommittedRows, Tally};
use crate::withheld::Withheld;

/// The folded state of the service: all releases, and the source policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct IngestionState {
    /// Shared between copies of the state until they differ.
    releases: BTreeMap<String, Arc<ReleaseRecord>>,
    /// Identifiers in the order in which the releases were first opened.
    order: Vec<String>,
    /// The source policy.
    pub(crate) policy: Policy,
    /// How often each tenant was erased.
    erasures: BTreeMap<String, u32>,
}

/// The part of a release that deciding about its next chunk needs. It is small enough to be copied for every
/// recording.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReleaseHead {
    pub(crate) release: Arc<Release>,
    pub(crate) state: ReleaseState,
    /// Openings so far. A refused or abandoned release may be opened again, and chunks count anew from there.
    pub(crate) attempt: u32,
    /// Position of the stream's last event.
    pub(crate) last: Position,
    /// Digests of the chunks of rows in this opening.
    pub(crate) observations: Vec<ChunkDigest>,
    /// Digests of the chunks of rejections in this opening.
    pub(crate) quarantine: Vec<ChunkDigest>,
    /// Why its rows cannot be read. `None`: they can.
    pub(crate) withheld: Option<Withheld>,
}

/// A release and everything known about it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReleaseRecord {
    pub(crate) head: ReleaseHead,
    pub(crate) opened_at: Timestamp,
    pub(crate) closed_at: Option<Timestamp>,
    pub(crate) committed_position: Option<Position>,
    pub(crate) report: Option<Report>,
    pub(crate) reason: String,
    /// Rows of this opening, until it is committed.
    pub(crate) tally: Tally,
    /// Rows of a committed release, as far as the gates of its successors compare with them.
    pub(crate) committed_rows: CommittedRows,
    /// Codes that a concordance assigns.
    pub(crate) concordance_codes: Arc<ListedCodes>,
    /// Position and number of rejections of each chunk of rejections.
    pub(crate) rejection_chunks: Vec<(Position, usize)>,
    /// Rejections, and how they were settled.
    pub(crate) rejections: RejectionLedger,
    /// Row counts that the reader reported when the release was last held or refused.
    pub(crate) counts: Option<RowCounts>,
    /// Positions of the chunks and repairs of this opening.
    pub(crate) recorded_positions: Vec<Position>,
    /// The same for the opening before, if it was refused: these are recorded again when the release is
    /// opened anew.
    pub(crate) previous_positions: Vec<Position>,
}

/// Types of the events that change the state. A fold of these alone gives the same state.
pub(crate) fn folded_kinds() -> impl Iterator<Item = &'static str> {
    ObservationEventKind::ALL.iter().filter(|kind| events::is_folded(**kind)).map(|kind| kind.name())
}

impl ReleaseHead {
    /// Takes in an event of the release: the digest of a chunk, and the position of any event.
    pub(crate) fn add_chunk(
        &mut self,
        kind: ObservationEventKind,
        digest: impl FnOnce() -> ChunkDigest,
        position: Position,
    ) {
        match kind {
            ObservationEventKind::ObservationsRecorded => self.observations.push(digest()),
            ObservationEventKind::RowsQuarantined => self.quarantine.push(digest()),
            ObservationEventKind::ReleaseOpened
            | ObservationEventKind::RowsRepaired
            | ObservationEventKind::ReleaseHeld
            | ObservationEventKind::ReleaseCommitted
            | ObservationEventKind::ReleaseRefused
            | ObservationEventKind::ReleaseWithdrawn
            | ObservationEventKind::SourcePolicyRevised
            | ObservationEventKind::TenantErased
            | ObservationEventKind::PollStarted
            | ObservationEventKind::FetchRecorded
            | ObservationEventKind::PollEnded => {}
        }
        self.last = position;
    }
}

impl IngestionState {
    /// A release by identifier.
    pub(crate) fn get(&self, id: &str) -> Option<&ReleaseRecord> {
        self.releases.get(id).map(|record| &**record)
    }

    /// A release by identifier.
    ///
    /// # Errors
    /// [`Class::NotFound`] if there is none.
    pub(crate) fn find(&self, id: &str) -> Result<&ReleaseRecord, Failure> {
        self.get(id).ok_or_else(|| unknown_release(id))
    }

    /// Releases in the order of their first opening.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &ReleaseRecord> {
        self.order.iter().filter_map(|id| self.get(id))
    }

    /// Releases by identifier.
    pub(crate) fn releases_by_id(&self) -> impl Iterator<Item = &ReleaseRecord> {
        self.releases.values().map(|record| &**record)
    }

    /// Visible releases of the same dataset, table and tenant that rank before this one, newest first.
    pub(crate) fn baseline(&self, record: &ReleaseRecord) -> Vec<&ReleaseRecord> {
        let release = &record.head.release;
        let own = self.rank_position(record);
        let same = |other: &&ReleaseRecord| {
            let known = &other.head.release;
            known.dataset == release.dataset
                && known.table == release.table
                && known.tenant == release.tenant
                && known.id != release.id
                && (own.is_none() || self.rank_position(other) <= own)
        };
        let mut found: Vec<_> = self.visible().filter(same).collect();
        found
            .sort_by_key(|record| std::cmp::Reverse((self.rank_position(record), record.committed_position)));
        found
    }

    /// Committed releases that no later reading of the same files has replaced.
    pub(crate) fn visible(&self) -> impl Iterator<Item = &ReleaseRecord> {
        let committed = |record: &&ReleaseRecord| record.head.state == ReleaseState::Committed;
        let replaced: BTreeSet<&str> = (self.releases_by_id().filter(committed))
            .map(|record| record.head.release.in_place_of.as_str())
            .filter(|id| !id.is_empty())
            .collect();
        self.releases_by_id()
            .filter(committed)
            .filter(move |record| !replaced.contains(&*record.head.release.id))
    }

    /// The position by which a release ranks in its dataset: that of its commit, or that of the commit of the
    /// release whose rereading it is. `None`: it is neither committed nor a rereading.
    pub(crate) fn rank_position(&self, record: &ReleaseRecord) -> Option<Position> {
        let mut position = record.committed_position;
        let mut reading = record;
        // A rereading replaces an older release, so this loop ends.
        for _ in 0..self.releases.len() {
            let Some(read) = self.get(&reading.head.release.in_place_of) else { break };
            (position, reading) = (read.committed_position.or(position), read);
        }
        position
    }

    /// The kind of a release's dataset: as the policy declares it, else as the release records it, else as
    /// the catalogue knows it. The policy declares public datasets only.
    pub(crate) fn dataset_kind(&self, release: &Release) -> DatasetKind {
        let declared = self.declaration(release).and_then(|declared| dataset::stated_kind(declared.kind()));
        declared.unwrap_or_else(|| dataset::recorded_kind(release))
    }

    /// The dataset whose missing cells a release fills. Empty: the release is no supplement.
    pub(crate) fn supplements<'a>(&'a self, release: &'a Release) -> &'a str {
        self.declaration(release).map_or(&release.supplements, |declared| &declared.supplements)
    }

    fn declaration(&self, release: &Release) -> Option<&DatasetDeclaration> {
        self.policy.declaration(&release.dataset).filter(|_| release.tenant.is_empty())
    }

    /// Position of the first commit of each dataset of a tenant, by table and name.
    pub(crate) fn first_commits(&self, tenant: &str) -> BTreeMap<(i32, &str), Position> {
        let mut first = BTreeMap::new();
        for record in self.releases_by_id().filter(|record| record.head.release.tenant == tenant) {
            let release = &record.head.release;
            let Some(position) = record.committed_position else { continue };
            let since = first.entry((release.table, release.dataset.as_str())).or_insert(position);
            *since = position.min(*since);
        }
        first
    }

    /// How often a tenant was erased.
    pub(crate) fn erasures(&self, tenant: &str) -> u32 {
        self.erasures.get(tenant).copied().unwrap_or_default()
    }

    /// Folds an event. `digest` is that of its data, if it is known. Content that is sealed counts as not
    /// there, and its release as one whose rows cannot be read.
    ///
    /// # Errors
    /// What is wrong with the event.
    pub(crate) fn evolve(&mut self, event: &Event, digest: Option<ChunkDigest>) -> Result<(), String> {
        let Some(plain) = plain_part(event).map_err(|error| error.to_string())? else {
            return self.fold(event, digest);
        };
        self.fold(&plain, digest)?;
        if let Some(record) = self.releases.get_mut(&ids::release_of_stream(&event.stream)) {
            Arc::make_mut(record).withhold(Withheld::NoKey);
        }
        Ok(())
    }

    fn erase(&mut self, erased: &TenantErased, event: &Event) {
        let is_own = |record: &&mut Arc<ReleaseRecord>| record.head.release.tenant == erased.tenant;
        for record in self.releases.values_mut().filter(is_own) {
            Arc::make_mut(record).withhold(Withheld::Erased(event.time));
        }
        *self.erasures.entry(erased.tenant.clone()).or_default() += 1;
    }

    fn fold(&mut self, event: &Event, digest: Option<ChunkDigest>) -> Result<(), String> {
        let decoded = events::decode_for_fold(event)
            .map_err(|error| format!("{} cannot be decoded: {error}", event.kind))?;
        let decoded = match decoded {
            None => return Ok(()),
            Some(ObservationEvent::ReleaseOpened(opened)) => {
                let release = opened.release.ok_or_else(|| "ReleaseOpened has no release".to_owned())?;
                self.open(release, event);
                return Ok(());
            }
            Some(ObservationEvent::SourcePolicyRevised(revised)) => {
                let (revision, policy) = (revised.revision, revised.policy.unwrap_or_default());
                self.policy = Policy { policy, revision, revised_at: Some(event.time) };
                return Ok(());
            }
            Some(ObservationEvent::TenantErased(erased)) => {
                self.erase(&erased, event);
                return Ok(());
            }
            Some(decoded) => decoded,
        };
        let id = ids::release_of_stream(&event.stream);
        let record = self.releases.get_mut(&id);
        let record =
            record.ok_or_else(|| format!("{} of release {id}, which was never opened", event.kind))?;
        Arc::make_mut(record).evolve(decoded, event, digest);
        Ok(())
    }

    fn open(&mut self, release: Release, event: &Event) {
        let before = self.releases.remove(&release.id);
        let attempt = before.as_ref().map_or(0, |record| record.head.attempt).saturating_add(1);
        let opened_at = before.as_ref().map_or(event.time, |record| record.opened_at);
        let id = release.id.clone();
        let mut record = ReleaseRecord::opened(release, attempt, event.position, opened_at);
        if let Some(before) = before.filter(|before| before.head.state == ReleaseState::Refused) {
            let before = Arc::unwrap_or_clone(before);
            (record.previous_positions, record.counts) = (before.recorded_positions, before.counts);
        }
        if attempt == 1 {
            self.order.push(id.clone());
        }
        self.releases.insert(id, Arc::new(record));
    }
}

impl ReleaseRecord {
    /// A release that was just opened.
    fn opened(release: Release, attempt: u32, last: Position, opened_at: Timestamp) -> Self {
        let head = ReleaseHead {
            release: Arc::new(release),
            state: ReleaseState::Open,
            attempt,
            last,
            observations: Vec::new(),
            quarantine: Vec::new(),
            withheld: None,
        };
        Self {
            head,
            opened_at,
            closed_at: None,
            committed_position: None,
            report: None,
            reason: String::new(),
            tally: Tally::default(),
            committed_rows: CommittedRows::default(),
            concordance_codes: Arc::default(),
            rejection_chunks: Vec::new(),
            rejections: RejectionLedger::default(),
            counts: None,
            recorded_positions: Vec::new(),
            previous_positions: Vec::new(),
        }
    }

    /// A release that is not on the log.
    pub(crate) fn unrecorded(release: Release) -> Self {
        Self::opened(release, 1, 0, Timestamp::UNIX_EPOCH)
    }

    /// Folds an event that is not on the log.
    pub(crate) fn fold_unrecorded(&mut self, event: ObservationEvent) {
        self.fold(event, 0, Timestamp::UNIX_EPOCH);
    }

    /// Folds an event after the opening.
    fn evolve(&mut self, decoded: ObservationEvent, event: &Event, digest: Option<ChunkDigest>) {
        let digest = || match (digest, &decoded) {
            (Some(digest), _) => digest,
            (None, ObservationEvent::RowsQuarantined(chunk)) => quarantine_digest(chunk, &event.data),
            (None, _) => Sha256::digest(&event.data).into(),
        };
        self.head.add_chunk(decoded.kind(), digest, event.position);
        self.fold(decoded, event.position, event.time);
        // What is recorded of it after that counts no more either.
        if let Some(why) = self.head.withheld {
            self.withhold(why);
        }
    }

    fn fold(&mut self, event: ObservationEvent, position: Position, time: Timestamp) {
        match event {
            ObservationEvent::ObservationsRecorded(chunk) => {
                self.recorded_positions.push(position);
                if let Some(columns) = &chunk.columns {
                    self.add_rows(columns);
                }
                if let Some(Columns::Concordance(columns)) = &chunk.columns {
                    codes::add_rows(Arc::make_mut(&mut self.concordance_codes), columns);
                }
            }
            ObservationEvent::RowsQuarantined(chunk) => {
                self.recorded_positions.push(position);
                let count = chunk.rejections.len();
                self.rejections.add(chunk.rejections.iter().map(|rejection| current(&rejection.code)));
                self.tally.listed =
                    self.tally.listed.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
                self.rejection_chunks.push((position, count));
            }
            ObservationEvent::RowsRepaired(repaired) => {
                self.recorded_positions.push(position);
                self.settle(repaired);
            }
            ObservationEvent::ReleaseHeld(held) => {
                self.counts =
                    held.report.as_ref().map(|report| self.rejections.counts_before_repairs(report));
                self.report = held.report;
            }
            ObservationEvent::ReleaseCommitted(committed) => {
                self.close(ReleaseState::Committed, time, committed.report, String::new());
                self.committed_position = Some(position);
                self.committed_rows = std::mem::take(&mut self.tally).into();
            }
            ObservationEvent::ReleaseRefused(refused) => {
                self.counts =
                    refused.report.as_ref().map(|report| self.rejections.counts_before_repairs(report));
                self.close(ReleaseState::Refused, time, refused.report, refused.reason);
            }
            ObservationEvent::ReleaseWithdrawn(withdrawn) => {
                let report = self.report.take();
                self.close(ReleaseState::Withdrawn, time, report, withdrawn.reason);
                (self.tally, self.committed_rows) = (Tally::default(), CommittedRows::default());
                self.concordance_codes = Arc::default();
            }
            // Folded by [`IngestionState`], or by the state of connectors.
            ObservationEvent::ReleaseOpened(_)
            | ObservationEvent::SourcePolicyRevised(_)
            | ObservationEvent::TenantErased(_)
            | ObservationEvent::PollStarted(_)
            | ObservationEvent::FetchRecorded(_)
            | ObservationEvent::PollEnded(_) => {}
        }
    }

    /// Drops the rows, and all that follows from them.
    fn withhold(&mut self, why: Withheld) {
        self.head.withheld = Some(why.after(self.head.withheld));
        self.head.state = ReleaseState::Erased;
        (self.report, self.counts) = (None, None);
        (self.tally, self.committed_rows) = (Tally::default(), CommittedRows::default());
        (self.rejections, self.rejection_chunks) = (RejectionLedger::default(), Vec::new());
        self.concordance_codes = Arc::default();
    }

    /// Adds rows: to the open release, or to what is visible.
    fn add_rows(&mut self, columns: &Columns) {
        let files = self.head.release.files.len();
        self.rejections.count_repaired_rows(columns, files);
        if self.head.state != ReleaseState::Committed {
            self.tally.add(columns);
            return;
        }
        let mut tally = Tally::from(std::mem::take(&mut self.committed_rows));
        tally.add(columns);
        self.committed_rows = tally.into();
    }

    /// Settles rejections whose rows were repaired.
    fn settle(&mut self, repaired: RowsRepaired) {
        let settled = self.rejections.settle(&repaired);
        self.tally.listed = self.tally.listed.saturating_sub(settled);
        match (repaired.report, &mut self.report) {
            (Some(report), _) => self.report = Some(report),
            (None, Some(report)) => {
                let rows = self.tally.rows;
                if let Some(counts) = &self.counts {
                    self.rejections.correct_report(report, counts, rows);
                }
            }
            (None, None) => {}
        }
    }

    fn close(&mut self, state: ReleaseState, time: Timestamp, report: Option<Report>, reason: String) {
        self.head.state = if self.head.withheld.is_some() { ReleaseState::Erased } else { state };
        self.closed_at = Some(time);
        self.report = report;
        self.reason = reason;
    }
}

/// The failure for a release that does not exist, or that the caller may not see.
pub(crate) fn unknown_release(id: &str) -> Failure {
    Failure::new(Class::NotFound, "unknown-release", "there is no such release")
        .at("release", id)
        .with_hint("`orewatch releases` lists them")
}
