//! What the service knows, folded from its log, for all who ask.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use orewatch_contracts::alerting::v1::{Alert, RuleSuspended};
use orewatch_eventlog::{Error, Event, EventLog, Filter, Item, Position, Projection};
use orewatch_runtime::{Class, Context, Failure};
use tokio::sync::watch;
use uuid::Uuid;

use crate::alert::{Evidence, phase};
use crate::batch::ended;
use crate::cost::Cost;
use crate::decide::{Present, Untold};
use crate::delivery;
use crate::evolve::{Mark, State};
use crate::facts::Fact;
use crate::figures::Figures;
use crate::notify;
use crate::rulebook::Rulebook;
use crate::subscribe::{Entry, Tail};

/// How long what was appended may take to be read back.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is known of rules and alerts at one moment. A copy shares all of it: what takes long works on one, and holds nobody up.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    /// The alerts log, folded.
    pub(crate) log: Projection<State>,
    /// How rules stand, by material.
    pub(crate) present: BTreeMap<String, Arc<Present>>,
    /// What open alerts are shown with.
    pub(crate) latest: Latest,
}

/// What the service knows, for all who ask.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// Rules and alerts.
    pub(crate) view: View,
    /// Receivers and messages by the alerts log.
    pub(crate) delivery: delivery::State,
    /// Who is told, by the same log.
    pub(crate) notify: notify::State,
    /// The last event that was folded: where, and its identifier.
    pub(crate) last: Option<(Position, Uuid)>,
    /// All of its history has been folded once.
    pub(crate) caught_up: bool,
    /// How rules stand by what was evaluated before the service started is known.
    pub(crate) is_current: bool,
    /// The figures that rules watch, as they were evaluated last.
    pub(crate) figures: Figures,
    /// Position of the exposures log up to which these are folded.
    pub(crate) folded: Position,
}

impl Book {
    /// The state.
    #[must_use]
    pub(crate) fn state(&self) -> &State {
        self.view.state()
    }

    /// Folds an event of the alerts log into all that rests on it. What came out of a snapshot knows it already.
    fn fold(&mut self, event: &Event, fact: Option<Fact>) -> Result<(), Error> {
        self.notify.evolve_read(event, fact.as_ref())?;
        self.delivery.evolve_read(event, fact.as_ref())?;
        if self.view.log.fold(event, |state, event| state.evolve_read(event, fact))? {
            self.last = Some((event.position, event.id));
        }
        Ok(())
    }

    /// An alert as it stands: while it is open, with the newest figure as its evidence.
    pub(crate) fn standing(&self, alert: &Alert) -> Alert {
        self.view.latest.standing(alert)
    }

    /// What open alerts are shown with, if it is what the log says was evaluated last. None: it is not that far yet.
    pub(crate) fn settled(&self) -> Option<&Latest> {
        Some(&self.view.latest).filter(|latest| latest.mark == self.state().evaluated())
    }
}

impl View {
    /// The state.
    #[must_use]
    pub(crate) fn state(&self) -> &State {
        self.log.state()
    }

    /// How many subjects a rule is evaluated on.
    pub(crate) fn subjects(&self, rule: &str) -> u32 {
        self.present.values().filter_map(|present| present.subjects.get(rule)).sum()
    }

    /// What of a rule's subjects is not told.
    pub(crate) fn untold(&self, rule: &str) -> Untold {
        let mut all = Untold::default();
        self.present.values().filter_map(|present| present.untold.get(rule)).for_each(|one| all.add(one));
        all
    }

    /// What an evaluation of a rule on all figures costs. None: it has not been evaluated at its last revision, or this version cannot.
    pub(crate) fn cost(&self, rule: &str, revision: u32) -> Option<Cost> {
        let standing = self.latest.rules.get(rule)?.filter(|standing| standing.revision == revision)?;
        let cost = |(material, present): (&String, &Arc<Present>)| {
            let subjects = usize::try_from(*present.subjects.get(rule)?).ok()?;
            let periods = self.latest.figures.periods_of(material, &standing.rule);
            Some(Cost::of(&standing.rule, subjects, periods))
        };
        Some(self.present.iter().filter_map(cost).fold(Cost::default(), Cost::and))
    }

    /// Steps of an evaluation of all rules but some on all figures.
    pub(crate) fn steps_beside(&self, rules: &BTreeSet<&str>) -> u64 {
        let others = self.state().standing().filter(|(_, rule)| !rules.contains(rule.id.as_str()));
        let active =
            others.filter(|(revision, rule)| self.state().suspension(&rule.id, revision.number).is_none());
        let costs = active.filter_map(|(revision, rule)| self.cost(&rule.id, revision.number));
        costs.map(|cost| cost.steps).fold(0, u64::saturating_add)
    }

    /// Whether the catalogue supports a rule. None: it has not been looked at.
    pub(crate) fn is_supported(&self, rule: &str, revision: u32) -> Option<bool> {
        let standing = self.latest.rules.get(rule)?;
        standing.is_none_or(|standing| standing.revision == revision).then_some(standing.is_some())
    }
}

/// What the last evaluation, or the one that is under way, rests on. A copy shares all of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latest {
    figures: Figures,
    rules: Arc<Rulebook>,
    /// What was taken in.
    mark: Mark,
    /// Position of the exposures log from which on each rule has seen figures.
    since: Arc<BTreeMap<String, Position>>,
    /// The revisions of rules that are not evaluated.
    suspended: Arc<BTreeMap<String, u32>>,
}

impl Latest {
    pub(crate) fn new(figures: Figures, rules: Arc<Rulebook>, mark: Mark, state: &State) -> Self {
        let suspended = state.suspensions().map(|(rule, suspension)| (rule.to_owned(), suspension.revision));
        Self { figures, rules, mark, since: state.all_seen_since(), suspended: Arc::new(suspended.collect()) }
    }

    /// Notes rules that are evaluated no more: nobody looks at the newest figures of their alerts.
    pub(crate) fn suspend(&mut self, suspended: &[RuleSuspended]) {
        if !suspended.is_empty() {
            let revisions = suspended.iter().map(|one| (one.rule.clone(), one.revision));
            Arc::make_mut(&mut self.suspended).extend(revisions);
        }
    }

    /// An alert as it stands: while it is open, with the newest figure as its evidence, and beside it that of its last transition.
    pub(crate) fn standing(&self, alert: &Alert) -> Alert {
        let mut standing = alert.clone();
        if phase(Some(alert)).is_open()
            && let Some(newest) = self.evidence(alert)
        {
            newest.tell_beside(&mut standing);
        }
        standing
    }

    /// What the newest figure tells about an alert. None: there is none that its rule watches.
    fn evidence(&self, alert: &Alert) -> Option<Evidence> {
        let standing = self.rules.get(&alert.rule)??;
        if self.suspended.get(&alert.rule) == Some(&standing.revision) {
            return None;
        }
        let rule = &standing.rule;
        let subject = alert.subject.as_ref().filter(|subject| rule.watches(subject))?;
        let material = self.figures.material(&subject.material);
        let watched = material.one(rule, &Arc::new(subject.clone()))?;
        let since = self.since.get(&alert.rule).copied().unwrap_or(Position::MAX);
        Evidence::newest(rule, &watched.remembering(since), self.mark.as_at)
    }
}

/// Folds the alerts log into the book, and keeps its end for subscribers, until the process stops.
///
/// # Errors
/// Those of the log, once its adapter has given up, and events that cannot be read.
pub(crate) async fn follow(
    log: Arc<dyn EventLog>,
    book: watch::Sender<Book>,
    tail: Arc<Tail>,
    context: Context,
) -> Result<(), Failure> {
    let mut items = log.read(Filter::All, 0);
    let known = book.borrow().view.log.position();
    loop {
        let item = tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            item = items.next() => item.unwrap_or_else(|| Err(ended(log.name())))?,
        };
        // An event is read once for all who fold it.
        let fact = match &item {
            Item::Event(event) => Fact::read(event)?,
            Item::CaughtUp(_) => None,
        };
        let entry = match &item {
            Item::Event(event) if event.position > known => {
                Some(Entry::of(event, fact.clone()).after(book.borrow().state()))
            }
            Item::Event(_) | Item::CaughtUp(_) => None,
        };
        let mut folded = Ok(());
        book.send_modify(|book| match &item {
            Item::Event(event) => folded = book.fold(event, fact),
            Item::CaughtUp(position) => {
                book.view.log.pass(*position);
                book.caught_up = true;
            }
        });
        folded?;
        match (entry, item) {
            (Some(entry), Item::Event(event)) => tail.push(entry, event.data.len()),
            (_, Item::CaughtUp(position)) => tail.caught_up(position),
            (None, Item::Event(_)) => {}
        }
    }
}

/// Waits until the book has folded a position.
///
/// # Errors
/// [`Class::Unavailable`] if that takes too long or the service stops.
pub(crate) async fn see(book: &mut watch::Receiver<Book>, position: Position) -> Result<(), Failure> {
    wait_for(book, |book| book.view.log.position() >= position).await
}

/// Waits until the book has folded all history.
///
/// # Errors
/// [`Class::Unavailable`] if the service stops before.
pub(crate) async fn caught_up(book: &mut watch::Receiver<Book>) -> Result<(), Failure> {
    book.wait_for(|book| book.caught_up).await.map(drop).map_err(|_| closed())
}

/// Waits until something is true of the book, within a deadline.
///
/// # Errors
/// [`Class::Unavailable`] if that takes too long or the service stops.
pub(crate) async fn wait_for(
    book: &mut watch::Receiver<Book>,
    condition: impl FnMut(&Book) -> bool,
) -> Result<(), Failure> {
    match tokio::time::timeout(PATIENCE, book.wait_for(condition)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err(closed()),
        Err(_) => Err(Failure::new(
            Class::Unavailable,
            "alerts-log-behind",
            format!("the alerts log was not read up to the present within {} s", PATIENCE.as_secs()),
        )),
    }
}

pub(crate) fn closed() -> Failure {
    Failure::new(Class::Unavailable, "shutting-down", "the alerting service is stopping")
}
