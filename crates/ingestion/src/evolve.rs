//! State of the releases, folded from the log. Pure: state + event -> state.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_catalog::DatasetKind;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    DatasetDeclaration, Release, ReleaseState, Report, RowsRepaired, Table,
};
use orewatch_eventlog::{Event, Position};
use orewatch_runtime::{Class, Failure};
use sha2::{Digest as _, Sha256};

use crate::codes::{self, Codes, Listed};
use crate::dataset;
use crate::fact::{Fact, QUARANTINED, RECORDED};
use crate::gates::Counts;
use crate::glance;
use crate::ids;
use crate::mended::Mended;
use crate::policy::Policy;
use crate::tally::{Kept, Tally};

/// SHA-256 of a chunk as it is stored.
pub(crate) type Digest = [u8; 32];

/// Everything that the service knows: the releases.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Book {
    releases: BTreeMap<String, Held>,
    /// Identifiers in the order of their first opening.
    order: Vec<String>,
    /// The source policy.
    pub(crate) policy: Policy,
}

/// The small part of a release: all that deciding about its next chunk needs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Head {
    pub(crate) release: Arc<Release>,
    pub(crate) state: ReleaseState,
    /// Openings so far.
    pub(crate) attempt: u32,
    /// Position of the stream's last event.
    pub(crate) last: Position,
    /// Chunks of rows of this opening.
    pub(crate) observations: Vec<Digest>,
    /// Chunks of rejections of this opening.
    pub(crate) quarantine: Vec<Digest>,
}

/// A release and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Held {
    pub(crate) head: Head,
    pub(crate) opened_at: Timestamp,
    pub(crate) closed_at: Option<Timestamp>,
    pub(crate) committed_position: Option<Position>,
    pub(crate) report: Option<Report>,
    pub(crate) reason: String,
    /// Rows of this opening, until it is committed.
    pub(crate) tally: Tally,
    /// What is known of the rows of a committed release, for the gates of those that restate it.
    pub(crate) kept: Kept,
    /// What a concordance says.
    pub(crate) listed_codes: Arc<Listed>,
    /// Position and rejections of each chunk of them.
    pub(crate) listed: Vec<(Position, usize)>,
    /// What became of the rejections.
    pub(crate) mended: Mended,
    /// What was read of the files, as whoever read them said when the release was held or refused last.
    pub(crate) counted: Option<Counts>,
    /// Positions of everything that was recorded in this opening.
    pub(crate) trail: Vec<Position>,
    /// Those of the opening before, if it was refused: what is recorded again when the release is opened anew.
    pub(crate) before: Vec<Position>,
}

impl Head {
    /// Notes a chunk that is on the log.
    pub(crate) fn recorded(&mut self, kind: &str, digest: impl FnOnce() -> Digest, position: Position) {
        match kind {
            RECORDED => self.observations.push(digest()),
            QUARANTINED => self.quarantine.push(digest()),
            _ => {}
        }
        self.last = position;
    }
}

impl Book {
    /// A release by identifier.
    pub(crate) fn get(&self, id: &str) -> Option<&Held> {
        self.releases.get(id)
    }

    /// Releases in the order of their first opening.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Held> {
        self.order.iter().filter_map(|id| self.releases.get(id))
    }

    /// Visible releases of the dataset, table and tenant of a release that come before it, the newest first.
    pub(crate) fn baseline(&self, held: &Held) -> Vec<&Held> {
        let release = &held.head.release;
        let own = self.place(held);
        let same = |other: &&Held| {
            let known = &other.head.release;
            known.dataset == release.dataset
                && known.table == release.table
                && known.tenant == release.tenant
                && known.id != release.id
                && (own.is_none() || self.place(other) <= own)
        };
        let mut found: Vec<_> = self.visible().filter(same).collect();
        found.sort_by_key(|held| std::cmp::Reverse((self.place(held), held.committed_position)));
        found
    }

    /// Committed releases that no other reading of them has taken the place of.
    pub(crate) fn visible(&self) -> impl Iterator<Item = &Held> {
        let committed = |held: &&Held| held.head.state == ReleaseState::Committed;
        let replaced: BTreeSet<&str> = (self.releases.values().filter(committed))
            .map(|held| held.head.release.in_place_of.as_str())
            .filter(|id| !id.is_empty())
            .collect();
        self.releases
            .values()
            .filter(committed)
            .filter(move |held| !replaced.contains(&*held.head.release.id))
    }

    /// The place of a release among those of its dataset: where it was committed, or the one was that it is another reading of.
    /// None: it is neither committed nor another reading.
    pub(crate) fn place(&self, held: &Held) -> Option<Position> {
        let mut place = held.committed_position;
        let mut reading = held;
        // A reading takes the place of an older one, so that this ends.
        for _ in 0..self.releases.len() {
            let Some(read) = self.releases.get(&reading.head.release.in_place_of) else { break };
            (place, reading) = (read.committed_position.or(place), read);
        }
        place
    }

    /// How a release's dataset comes about: as the policy declares, else as the release records, else as it is known. The policy
    /// declares everyone's datasets only.
    pub(crate) fn kind(&self, release: &Release) -> DatasetKind {
        let declared = self.declaration(release).and_then(|declared| dataset::stated_kind(declared.kind()));
        declared.unwrap_or_else(|| dataset::recorded_kind(release))
    }

    /// The dataset whose missing cells a release fills; empty for one that is no supplement.
    pub(crate) fn supplements<'a>(&'a self, release: &'a Release) -> &'a str {
        self.declaration(release).map_or(&release.supplements, |declared| &declared.supplements)
    }

    fn declaration(&self, release: &Release) -> Option<&DatasetDeclaration> {
        self.policy.declaration(&release.dataset).filter(|_| release.tenant.is_empty())
    }

    /// Where the first release of each dataset of a tenant was ever committed, by table and name.
    pub(crate) fn first_commits(&self, tenant: &str) -> BTreeMap<(i32, &str), Position> {
        let mut first = BTreeMap::new();
        for held in self.releases.values().filter(|held| held.head.release.tenant == tenant) {
            let release = &held.head.release;
            let Some(position) = held.committed_position else { continue };
            let since = first.entry((release.table, release.dataset.as_str())).or_insert(position);
            *since = position.min(*since);
        }
        first
    }

    /// The concordances that go by these names for a tenant, in their order: a release, or a dataset, of which the newest release counts.
    ///
    /// # Errors
    /// A name that no committed concordance has.
    pub(crate) fn codes(&self, names: &[String], tenant: &str) -> Result<Codes, Failure> {
        let lists = names.iter().map(|name| {
            let held = self.concordance(name, tenant).ok_or_else(|| self.no_concordance(name, tenant))?;
            Ok((held.head.release.id.clone(), Arc::clone(&held.listed_codes)))
        });
        lists.collect::<Result<_, _>>().map(Codes::new)
    }

    /// How often a concordance was committed or withdrawn.
    pub(crate) fn changes_of_concordances(&self) -> u64 {
        let concordances =
            self.releases.values().filter(|held| held.head.release.table() == Table::Concordance);
        let changes =
            concordances.filter(|held| held.committed_position.is_some()).map(|held| match held.head.state {
                ReleaseState::Withdrawn => 2,
                _ => 1,
            });
        changes.sum()
    }

    /// Committed concordances of a tenant and of everyone, the newest first.
    fn concordances(&self, tenant: &str) -> Vec<&Held> {
        let committed = |held: &&Held| {
            let release = &held.head.release;
            held.head.state == ReleaseState::Committed
                && release.table() == Table::Concordance
                && (release.tenant.is_empty() || release.tenant == tenant)
        };
        let mut found: Vec<_> = self.releases.values().filter(committed).collect();
        found.sort_by_key(|held| std::cmp::Reverse(held.committed_position));
        found
    }

    fn concordance(&self, name: &str, tenant: &str) -> Option<&Held> {
        let named = |held: &&Held| held.head.release.id == name || held.head.release.dataset == name;
        self.concordances(tenant).into_iter().find(named)
    }

    fn no_concordance(&self, name: &str, tenant: &str) -> Failure {
        let mut known: Vec<_> =
            self.concordances(tenant).iter().map(|held| held.head.release.dataset.clone()).collect();
        known.sort_unstable();
        known.dedup();
        let hint = match known.is_empty() {
            true => {
                "ingest one first: a tidy csv with the columns nomenclature,code,material,stage".to_owned()
            }
            false => format!("there are {}", known.join(", ")),
        };
        Failure::new(Class::NotFound, "unknown-concordance", "there is no such concordance")
            .at("concordances", name)
            .with_hint(hint)
    }

    /// Folds one event, of whose data the digest may be known. An error says what is wrong with it.
    pub(crate) fn evolve(&mut self, event: &Event, digest: Option<Digest>) -> Result<(), String> {
        let fact = match event.kind.as_str() {
            RECORDED => glance::chunk(&event.data).map(|chunk| Some(Fact::Recorded(chunk))),
            kind => Fact::decode(kind, event.data.clone()),
        };
        let fact = fact.map_err(|error| format!("{} cannot be decoded: {error}", event.kind))?;
        let Some(fact) = fact else { return Ok(()) };
        if let Fact::Opened(opened) = fact {
            let release = opened.release.ok_or_else(|| "ReleaseOpened has no release".to_owned())?;
            self.open(release, event);
            return Ok(());
        }
        if let Fact::PolicyRevised(revised) = fact {
            let (revision, policy) = (revised.revision, revised.policy.unwrap_or_default());
            self.policy = Policy { policy, revision, revised_at: Some(event.time) };
            return Ok(());
        }
        let id = ids::release_of(&event.stream);
        let held = self.releases.get_mut(&id);
        let held = held.ok_or_else(|| format!("{} of release {id}, which was never opened", event.kind))?;
        held.evolve(fact, event, digest);
        Ok(())
    }

    fn open(&mut self, release: Release, event: &Event) {
        let before = self.releases.remove(&release.id);
        let attempt = before.as_ref().map_or(0, |held| held.head.attempt).saturating_add(1);
        let opened_at = before.as_ref().map_or(event.time, |held| held.opened_at);
        let id = release.id.clone();
        let mut held = Held::opened(release, attempt, event.position, opened_at);
        if let Some(before) = before.filter(|before| before.head.state == ReleaseState::Refused) {
            (held.before, held.counted) = (before.trail, before.counted);
        }
        if attempt == 1 {
            self.order.push(id.clone());
        }
        self.releases.insert(id, held);
    }
}

impl Held {
    /// A release that was just opened.
    fn opened(release: Release, attempt: u32, last: Position, opened_at: Timestamp) -> Self {
        let head = Head {
            release: Arc::new(release),
            state: ReleaseState::Open,
            attempt,
            last,
            observations: Vec::new(),
            quarantine: Vec::new(),
        };
        Self {
            head,
            opened_at,
            closed_at: None,
            committed_position: None,
            report: None,
            reason: String::new(),
            tally: Tally::default(),
            kept: Kept::default(),
            listed_codes: Arc::default(),
            listed: Vec::new(),
            mended: Mended::default(),
            counted: None,
            trail: Vec::new(),
            before: Vec::new(),
        }
    }

    /// A release that is on no log: it is only looked at.
    pub(crate) fn imagined(release: Release) -> Self {
        Self::opened(release, 1, 0, Timestamp::UNIX_EPOCH)
    }

    /// Folds a chunk that is on no log.
    pub(crate) fn imagine(&mut self, fact: Fact) {
        self.fold(fact, 0, Timestamp::UNIX_EPOCH);
    }

    /// Folds an event after the opening.
    fn evolve(&mut self, fact: Fact, event: &Event, digest: Option<Digest>) {
        let digest = || digest.unwrap_or_else(|| Sha256::digest(&event.data).into());
        self.head.recorded(&event.kind, digest, event.position);
        self.fold(fact, event.position, event.time);
    }

    fn fold(&mut self, fact: Fact, position: Position, time: Timestamp) {
        if matches!(fact, Fact::Recorded(_) | Fact::Quarantined(_) | Fact::Repaired(..)) {
            self.trail.push(position);
        }
        match fact {
            Fact::Recorded(chunk) => {
                if let Some(columns) = &chunk.columns {
                    self.add(columns);
                }
                if let Some(Columns::Concordance(columns)) = &chunk.columns {
                    codes::add(Arc::make_mut(&mut self.listed_codes), columns);
                }
            }
            Fact::Quarantined(chunk) => {
                let count = chunk.rejections.len();
                self.mended.list(chunk.rejections.iter().map(|rejection| rejection.code.as_str()));
                self.tally.listed =
                    self.tally.listed.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
                self.listed.push((position, count));
            }
            Fact::Committed(committed) => {
                self.close(ReleaseState::Committed, time, committed.report, String::new());
                self.committed_position = Some(position);
                self.kept = std::mem::take(&mut self.tally).into();
            }
            Fact::Refused(refused) => {
                self.counted = refused.report.as_ref().map(|report| self.mended.counted(report));
                self.close(ReleaseState::Refused, time, refused.report, refused.reason);
            }
            Fact::Withdrawn(withdrawn) => {
                let report = self.report.take();
                self.close(ReleaseState::Withdrawn, time, report, withdrawn.reason);
                (self.tally, self.kept) = (Tally::default(), Kept::default());
                self.listed_codes = Arc::default();
            }
            Fact::Held(held) => {
                self.counted = held.report.as_ref().map(|report| self.mended.counted(report));
                self.report = held.report;
            }
            Fact::Repaired(repaired, _) => self.settle(repaired),
            Fact::Opened(_) | Fact::PolicyRevised(_) => {}
        }
    }

    /// Adds rows: to those that wait for the commit, or to those that are visible.
    fn add(&mut self, columns: &Columns) {
        let files = self.head.release.files.len();
        self.mended.rows_of(columns, files);
        if self.head.state != ReleaseState::Committed {
            self.tally.add(columns);
            return;
        }
        let mut tally = Tally::from(std::mem::take(&mut self.kept));
        tally.add(columns);
        self.kept = tally.into();
    }

    /// Settles rejections whose rows were mended.
    fn settle(&mut self, repaired: RowsRepaired) {
        let settled = self.mended.settle(&repaired);
        self.tally.listed = self.tally.listed.saturating_sub(settled);
        match (repaired.report, &mut self.report) {
            (Some(report), _) => self.report = Some(report),
            (None, Some(report)) => {
                let rows = self.tally.rows;
                if let Some(counted) = &self.counted {
                    self.mended.correct(report, counted, rows);
                }
            }
            (None, None) => {}
        }
    }

    /// Everything that gates look at of a release whose rows are on the log, visible or not.
    pub(crate) fn tallied(&self) -> Tally {
        let Some(report) = self.report.as_ref().filter(|_| self.head.state == ReleaseState::Committed) else {
            return self.tally.clone();
        };
        let span = (report.first_period.clone(), report.last_period.clone());
        Tally {
            rows: report.rows_recorded,
            listed: self.mended.open(),
            span: Some(span).filter(|(first, _)| !first.is_empty()),
            ..Tally::from(self.kept.clone())
        }
    }

    fn close(&mut self, state: ReleaseState, time: Timestamp, report: Option<Report>, reason: String) {
        self.head.state = state;
        self.closed_at = Some(time);
        self.report = report;
        self.reason = reason;
    }
}
