//! How an event of the observations log changes what is known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_contracts::common::v1::CauseKind;
use orewatch_contracts::ingestion::v1::{PACKAGE, ReleaseOpened, RowsRepaired, SourcePolicyRevised};
use orewatch_eventlog::{Error, Event};
use prost::Message;

use crate::book::{Book, Content, Market, Moment, Open, Policy};

/// Everything that follows from the observations log: the book, and the releases that are not committed yet.
#[derive(Debug, Default)]
pub struct Knowing {
    book: Arc<Book>,
    /// By stream.
    open: BTreeMap<String, Open>,
    /// Rows to be added to committed releases, by stream.
    added: BTreeMap<String, Open>,
    /// Identifier of the release, by stream.
    ids: BTreeMap<String, String>,
}

/// A change of the book.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The book just before.
    pub old: Arc<Book>,
    /// The book just after.
    pub new: Arc<Book>,
    /// What came or went: the release that was committed or withdrawn, or only the rows that were added to one.
    pub content: Arc<Content>,
    /// The release that gave way to another reading of the same files.
    pub replaced: Option<Arc<Content>>,
    /// What happened to it.
    pub kind: CauseKind,
    /// Where and when.
    pub moment: Moment,
    /// Trace context of the event.
    pub traceparent: Option<String>,
}

impl Turn {
    /// Whether the source policy was revised: no release came or went.
    #[must_use]
    pub fn is_policy(&self) -> bool {
        self.kind == CauseKind::SourceChanged
    }

    /// What came or went; where the source policy was revised, everything that is visible.
    #[must_use]
    pub fn contents(&self) -> Vec<&Content> {
        if self.is_policy() {
            let visible = self.new.entries().iter().filter(|entry| entry.withdrawn.is_none());
            return visible.map(|entry| &**entry.newest()).collect();
        }
        std::iter::once(&self.content).chain(&self.replaced).map(|content| &**content).collect()
    }

    /// Materials and stages of which the release, or the one that gave way to it, has any flow. Rows that are added to a release
    /// join its reports, which speak of all that it holds.
    #[must_use]
    pub fn stages(&self) -> BTreeSet<(&'static str, orewatch_catalog::Stage)> {
        let whole = self.new.committed(&self.content.release.id);
        let others = self.replaced.iter().chain(whole).flat_map(|content| content.stages());
        self.content.stages().chain(others).collect()
    }

    /// The markets that the release, or the one that gave way to it, says something about.
    #[must_use]
    pub fn markets(&self) -> BTreeSet<Market> {
        let given_way = self.replaced.iter().flat_map(|content| content.markets());
        self.content.markets().into_iter().chain(given_way).collect()
    }
}

impl Knowing {
    /// The book.
    #[must_use]
    pub fn book(&self) -> &Arc<Book> {
        &self.book
    }

    /// Folds an event. Returns the change of the book, if there is one. Events of other kinds change nothing.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot be decoded or names what this version does not know.
    pub fn evolve(&mut self, event: &Event) -> Result<Option<Turn>, Error> {
        let stream = event.stream.as_str();
        match event.kind.strip_prefix(PACKAGE) {
            Some(".ReleaseOpened") => {
                let release = decode::<ReleaseOpened>(event)?.release.unwrap_or_default();
                self.ids.insert(stream.to_owned(), release.id.clone());
                self.open.insert(stream.to_owned(), Open::new(release));
                Ok(None)
            }
            Some(".ObservationsRecorded") => {
                let rows = self.recording(stream);
                let recorded = rows.map_or(Ok(()), |rows| rows.record(&event.data));
                recorded.map(|()| None).map_err(|error| corrupt(event, &error))
            }
            Some(".ReleaseRefused") => {
                self.open.remove(stream);
                Ok(None)
            }
            Some(".ReleaseCommitted") => Ok(self.commit(event)),
            Some(".ReleaseWithdrawn") => Ok(self.withdraw(event)),
            Some(".RowsRepaired") => Ok(self.repair(decode(event)?, event)),
            Some(".SourcePolicyRevised") => self.revise(&decode(event)?, event),
            _ => Ok(None),
        }
    }

    /// Where rows on a stream go. None: to a release that is refused or withdrawn.
    fn recording(&mut self, stream: &str) -> Option<&mut Open> {
        if let Some(open) = self.open.get_mut(stream) {
            return Some(open);
        }
        let content = self.book.committed(self.ids.get(stream)?)?;
        Some(self.added.entry(stream.to_owned()).or_insert_with(|| Open::behind(content)))
    }

    /// Rows that were added to a committed release become visible. Those of an open one wait for its commit.
    fn repair(&mut self, repaired: RowsRepaired, event: &Event) -> Option<Turn> {
        let stream = event.stream.as_str();
        let rows = self.recording(stream)?;
        repaired.file.into_iter().for_each(|file| rows.add_file(file));
        let content = Arc::new(self.added.remove(stream)?.close());
        let new = self.book.repaired(&content, moment(event))?;
        self.turn(new, content, CauseKind::ReleaseRestated, event)
    }

    /// A revised source policy: other datasets may answer from here on.
    fn revise(&mut self, revised: &SourcePolicyRevised, event: &Event) -> Result<Option<Turn>, Error> {
        let policy = Policy::read(&revised.policy.clone().unwrap_or_default());
        let policy = policy.map_err(|error| corrupt(event, &error))?;
        let new = self.book.under(policy, moment(event));
        Ok(self.turn(new, Arc::default(), CauseKind::SourceChanged, event))
    }

    fn commit(&mut self, event: &Event) -> Option<Turn> {
        let content = Arc::new(self.open.remove(event.stream.as_str())?.close());
        let kind = if self.book.has_dataset(&content.release.dataset) {
            CauseKind::ReleaseRestated
        } else {
            CauseKind::ReleaseCommitted
        };
        let new = self.book.with(Arc::clone(&content), moment(event));
        self.turn(new, content, kind, event)
    }

    /// A release that is withdrawn before its commit was never visible: its rows are dropped, and nothing changes.
    fn withdraw(&mut self, event: &Event) -> Option<Turn> {
        self.open.remove(event.stream.as_str());
        self.added.remove(event.stream.as_str());
        let id = self.ids.get(event.stream.as_str())?;
        let (new, content) = self.book.without(id, moment(event))?;
        self.turn(new, content, CauseKind::ReleaseWithdrawn, event)
    }

    /// Turns the book. What a tenant's release changes is nobody else's: it is answered, and not published.
    fn turn(&mut self, new: Book, content: Arc<Content>, kind: CauseKind, event: &Event) -> Option<Turn> {
        let new = Arc::new(new);
        let old = std::mem::replace(&mut self.book, Arc::clone(&new));
        let traceparent = event.traceparent.clone();
        let everyones = content.release.tenant.is_empty();
        everyones.then(|| {
            let replaced = old.committed(&content.release.in_place_of).cloned();
            Turn { old, new, content, replaced, kind, moment: moment(event), traceparent }
        })
    }
}

fn moment(event: &Event) -> Moment {
    Moment { position: event.position, time: event.time }
}

fn decode<M: Message + Default>(event: &Event) -> Result<M, Error> {
    M::decode(event.data.clone()).map_err(|error| corrupt(event, &error))
}

fn corrupt(event: &Event, reason: &dyn std::error::Error) -> Error {
    Error::Corrupt {
        log: "observations".to_owned(),
        position: event.position,
        reason: format!("{} on {} cannot be read: {reason}", event.kind, event.stream),
    }
}
