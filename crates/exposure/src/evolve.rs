//! Folds the observations log into the book.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_contracts::common::v1::CauseKind;
use orewatch_contracts::ingestion::v1::{
    ObservationEventKind, Release, ReleaseCommitted, ReleaseOpened, RowsRepaired, SourcePolicyRevised,
    TenantErased,
};
use orewatch_eventlog::{Error, Event};
use orewatch_store::sealed::plain_part;

use crate::book::{
    Book, DatasetPolicy, Holding, Market, OpenRelease, RecordedAt, ReleaseContent, WithheldRows,
};

/// The state of the fold: the book, and the releases that are not committed yet.
#[derive(Debug, Default)]
pub struct BookState {
    book: Arc<Book>,
    /// By stream.
    open: BTreeMap<String, OpenRelease>,
    /// Rows to be added to committed releases, by stream.
    added: BTreeMap<String, OpenRelease>,
    /// Identifier of the release, by stream.
    ids: BTreeMap<String, String>,
}

/// A change of the book by one event.
#[derive(Clone, Debug)]
pub struct BookRevision {
    /// The book just before.
    pub old: Arc<Book>,
    /// The book just after.
    pub new: Arc<Book>,
    /// The content that was committed or withdrawn; for a repair only the added rows.
    pub content: Arc<ReleaseContent>,
    /// The release that was replaced by another reading of the same files.
    pub replaced: Option<Arc<ReleaseContent>>,
    /// The kind of change.
    pub kind: CauseKind,
    /// When it was recorded.
    pub moment: RecordedAt,
    /// Trace context of the event.
    pub traceparent: Option<String>,
}

impl BookRevision {
    /// Whether the source policy was revised, and no release.
    #[must_use]
    pub fn is_policy(&self) -> bool {
        self.kind == CauseKind::SourceChanged
    }

    /// Whether releases of projections changed. No figure of observations depends on them; verdicts on claims
    /// do.
    #[must_use]
    pub fn is_of_projections(&self) -> bool {
        self.content.is_of_projections()
    }

    /// The contents that changed; after a revision of the source policy, all that are visible.
    #[must_use]
    pub fn contents(&self) -> Vec<&ReleaseContent> {
        if self.is_policy() {
            let visible = self.new.releases().iter().filter(|entry| entry.withdrawn.is_none());
            return visible.map(|entry| &**entry.newest()).collect();
        }
        std::iter::once(&self.content).chain(&self.replaced).map(|content| &**content).collect()
    }

    /// Materials and stages with any flow in the release or the one that it replaced. For a repair the whole
    /// release counts: added rows join its reports, and what a report lacks depends on all that it holds.
    #[must_use]
    pub fn stages(&self) -> BTreeSet<(&'static str, orewatch_catalog::Stage)> {
        let whole = self.new.visible_release(&self.content.release.id);
        let others = self.replaced.iter().chain(whole).flat_map(|content| content.stages());
        self.content.stages().chain(others).collect()
    }

    /// Markets with flows or output in the release or the one that it replaced.
    #[must_use]
    pub fn markets(&self) -> BTreeSet<Market> {
        let given_way = self.replaced.iter().flat_map(|content| content.markets());
        self.content.markets().into_iter().chain(given_way).collect()
    }
}

/// Types of the events that change the state. A fold of these alone gives the same state.
pub fn folded_kinds() -> impl Iterator<Item = &'static str> {
    ObservationEventKind::ALL.iter().filter(|kind| is_folded(**kind)).map(|kind| kind.name())
}

fn is_folded(kind: ObservationEventKind) -> bool {
    match kind {
        ObservationEventKind::ReleaseOpened
        | ObservationEventKind::ObservationsRecorded
        | ObservationEventKind::ReleaseRefused
        | ObservationEventKind::ReleaseCommitted
        | ObservationEventKind::ReleaseWithdrawn
        | ObservationEventKind::RowsRepaired
        | ObservationEventKind::SourcePolicyRevised
        | ObservationEventKind::TenantErased => true,
        ObservationEventKind::RowsQuarantined
        | ObservationEventKind::ReleaseHeld
        | ObservationEventKind::FetchRecorded
        | ObservationEventKind::PollStarted
        | ObservationEventKind::PollEnded => false,
    }
}

impl BookState {
    /// A state without any event that keeps the trade of some materials.
    #[must_use]
    pub fn holding(holding: Holding) -> Self {
        Self { book: Arc::new(Book::holding(holding)), ..Self::default() }
    }

    /// The book.
    #[must_use]
    pub fn book(&self) -> &Arc<Book> {
        &self.book
    }

    /// The state with fewer materials: without the rows of trade of those that a holding does not include.
    #[must_use]
    pub fn held_by(self, holding: &Holding) -> Self {
        let held = |rows: BTreeMap<String, OpenRelease>| {
            rows.into_iter().map(|(stream, rows)| (stream, rows.held_by(holding))).collect()
        };
        Self {
            book: Arc::new(self.book.held_by(holding)),
            open: held(self.open),
            added: held(self.added),
            ids: self.ids,
        }
    }

    /// Folds an event. Returns the change of the book, if there is one. Content that is sealed makes its
    /// release one whose rows cannot be read.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot be decoded or names what this version does not know.
    pub fn evolve(&mut self, event: &Event) -> Result<Option<BookRevision>, Error> {
        let Some(plain) = plain_part(event)? else { return self.fold(event) };
        if let Some(rows) = self.recording(event.stream.as_str()) {
            rows.withhold(WithheldRows::Sealed);
        }
        self.fold(&plain)
    }

    fn fold(&mut self, event: &Event) -> Result<Option<BookRevision>, Error> {
        // A kind of a later version changes nothing that this version answers.
        let Some(kind) = ObservationEventKind::from_name(&event.kind) else { return Ok(None) };
        match kind {
            ObservationEventKind::ReleaseOpened => {
                let opened: ReleaseOpened = event.message()?;
                self.begin(event.stream.as_str(), opened.release.unwrap_or_default());
                Ok(None)
            }
            ObservationEventKind::ObservationsRecorded => self.record(event).map(|()| None),
            ObservationEventKind::ReleaseRefused => {
                self.open.remove(event.stream.as_str());
                Ok(None)
            }
            ObservationEventKind::ReleaseCommitted => Ok(self.commit(event.message()?, event)),
            ObservationEventKind::ReleaseWithdrawn => Ok(self.withdraw(event)),
            ObservationEventKind::RowsRepaired => Ok(self.repair(event.message()?, event)),
            ObservationEventKind::SourcePolicyRevised => self.revise(&event.message()?, event),
            ObservationEventKind::TenantErased => {
                self.erase(&event.message()?, event);
                Ok(None)
            }
            ObservationEventKind::RowsQuarantined
            | ObservationEventKind::ReleaseHeld
            | ObservationEventKind::FetchRecorded
            | ObservationEventKind::PollStarted
            | ObservationEventKind::PollEnded => Ok(None),
        }
    }

    fn begin(&mut self, stream: &str, release: Release) {
        self.ids.insert(stream.to_owned(), release.id.clone());
        self.open.insert(stream.to_owned(), OpenRelease::new(release).held_by(self.book.held()));
    }

    /// Adds rows to a release. They are checked and kept as they lie: decoding them would take several times
    /// the memory.
    fn record(&mut self, event: &Event) -> Result<(), Error> {
        let Some(rows) = self.recording(event.stream.as_str()) else { return Ok(()) };
        rows.record(&event.data).map_err(|error| corrupt(event, &error))
    }

    /// Where rows on a stream go. `None`: to a release that is refused or withdrawn.
    fn recording(&mut self, stream: &str) -> Option<&mut OpenRelease> {
        if let Some(open) = self.open.get_mut(stream) {
            return Some(open);
        }
        let id = self.ids.get(stream)?;
        let content = self.book.visible_release(id).or_else(|| self.book.visible_projections(id))?;
        let adding = || OpenRelease::adding_to(content).held_by(self.book.held());
        Some(self.added.entry(stream.to_owned()).or_insert_with(adding))
    }

    /// Rows that were added to a committed release become visible. Those of an open one wait for its commit.
    fn repair(&mut self, repaired: RowsRepaired, event: &Event) -> Option<BookRevision> {
        let stream = event.stream.as_str();
        let rows = self.recording(stream)?;
        repaired.file.into_iter().for_each(|file| rows.add_file(file));
        let content = Arc::new(self.added.remove(stream)?.close());
        if content.is_of_projections() {
            let new = self.book.with_repaired_projections(&content, moment(event))?;
            return self.replace_book(new, content, CauseKind::ReleaseRestated, event);
        }
        let new = self.book.with_repaired_rows(&content, moment(event))?;
        self.replace_book(new, content, CauseKind::ReleaseRestated, event)
    }

    /// Drops the rows of a tenant, as at every time: they cannot be read again. Nothing of them is published.
    fn erase(&mut self, erased: &TenantErased, event: &Event) {
        let tenant = erased.tenant.as_str();
        self.book = Arc::new(self.book.without_rows_of(tenant, event.time));
        for rows in self.open.values_mut().filter(|rows| rows.tenant() == tenant) {
            rows.withhold(WithheldRows::Erased(event.time));
        }
        self.added.retain(|_, rows| rows.tenant() != tenant);
    }

    /// A revised source policy: other datasets may answer from here on.
    fn revise(
        &mut self,
        revised: &SourcePolicyRevised,
        event: &Event,
    ) -> Result<Option<BookRevision>, Error> {
        let policy = DatasetPolicy::read(&revised.policy.clone().unwrap_or_default());
        let policy = policy.map_err(|error| corrupt(event, &error))?;
        let new = self.book.with_policy(policy, moment(event));
        Ok(self.replace_book(new, Arc::default(), CauseKind::SourceChanged, event))
    }

    fn commit(&mut self, committed: ReleaseCommitted, event: &Event) -> Option<BookRevision> {
        let mut open = self.open.remove(event.stream.as_str())?;
        open.set_notes(committed.report.map(|report| report.notes).unwrap_or_default());
        let content = Arc::new(open.close());
        let dataset = &content.release.dataset;
        let (is_restated, new) = if content.is_of_projections() {
            let new = self.book.with_projections(Arc::clone(&content), moment(event));
            (self.book.has_projections_of(dataset), new)
        } else {
            (self.book.has_dataset(dataset), self.book.with_release(Arc::clone(&content), moment(event)))
        };
        let kind = if is_restated { CauseKind::ReleaseRestated } else { CauseKind::ReleaseCommitted };
        self.replace_book(new, content, kind, event)
    }

    /// A release that is withdrawn before its commit was never visible: its rows are dropped, and nothing
    /// changes.
    fn withdraw(&mut self, event: &Event) -> Option<BookRevision> {
        self.open.remove(event.stream.as_str());
        self.added.remove(event.stream.as_str());
        let id = self.ids.get(event.stream.as_str())?;
        let Some((new, content)) = self.book.without_release(id, moment(event)) else {
            let content = Arc::clone(self.book.visible_projections(id)?);
            let new = self.book.without_projections(id, moment(event))?;
            return self.replace_book(new, content, CauseKind::ReleaseWithdrawn, event);
        };
        self.replace_book(new, content, CauseKind::ReleaseWithdrawn, event)
    }

    /// Replaces the book. Returns the change, except for a tenant's release: that is answered, and not
    /// published.
    fn replace_book(
        &mut self,
        new: Book,
        content: Arc<ReleaseContent>,
        kind: CauseKind,
        event: &Event,
    ) -> Option<BookRevision> {
        let new = Arc::new(new);
        let old = std::mem::replace(&mut self.book, Arc::clone(&new));
        let traceparent = event.traceparent.clone();
        let everyones = content.release.tenant.is_empty();
        everyones.then(|| {
            let replaced = old.visible_release(&content.release.in_place_of).cloned();
            BookRevision { old, new, content, replaced, kind, moment: moment(event), traceparent }
        })
    }
}

fn moment(event: &Event) -> RecordedAt {
    RecordedAt { position: event.position, time: event.time }
}

fn corrupt(event: &Event, reason: &dyn std::error::Error) -> Error {
    Error::corrupt(event, format!("{} on {} cannot be read: {reason}", event.kind, event.stream))
}
