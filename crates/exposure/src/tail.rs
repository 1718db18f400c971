//! Where the stream of a material stands: what its last event says.

use std::cmp::Ordering;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use orewatch_contracts::common::v1::{Cause, CauseKind};
use orewatch_contracts::exposure::v1::{ExposureEvent, ExposureEventKind, ReleaseApplied};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Error, Event, EventLog, Filter, NewEvent, Position, StreamName, history};
use orewatch_measures::{Measure, methods};
use uuid::Uuid;

use crate::decide::{EDITION, Gap, Published};

/// What was published before events said what they publish.
const FIRST: [&str; 11] = [
    "import-hhi/1",
    "import-share/1",
    "import-suppliers/1",
    "import-top1/1",
    "import-top3/1",
    "net-import-reliance/1",
    "production-hhi/1",
    "production-share/1",
    "production-suppliers/1",
    "production-top1/1",
    "production-top3/1",
];

/// What events are published for, with its position in the observations log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A turn of the book.
    Turn(Position),
    /// Measures that the stream lacked, of the book as the stream has followed it.
    Measures(Position),
    /// All figures of the stream brought in line with this edition of the rules, of the book as the stream
    /// has followed it.
    Edition(Position),
}

/// Where a material's stream stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tail {
    /// Position of its last event, 0 if there is none.
    pub(crate) position: Position,
    last: Option<Last>,
}

/// The last event of a stream.
#[derive(Clone, Debug)]
struct Last {
    id: Uuid,
    step: Step,
    time: Timestamp,
    /// It says that all of its step is there.
    complete: bool,
    /// Measures of this version of which the stream has no figures; of an incomplete step, had none before
    /// it.
    lacks: Vec<Measure>,
    /// The figures follow an older edition of the rules; of an incomplete step, did before it.
    is_older: bool,
}

impl Tail {
    /// The tail once all events of a step are appended, this one at `position` as the last.
    pub(crate) fn at_end(step: Step, event: &NewEvent, position: Position) -> Self {
        let (id, time, lacks) = (event.id, event.time, Vec::new());
        Self { position, last: Some(Last { id, step, time, complete: true, lacks, is_older: false }) }
    }

    /// How many events of a step are there already. None: all of them, and perhaps later ones.
    pub(crate) fn present(
        &self,
        events: &[NewEvent],
        step: Step,
        stream: &StreamName,
    ) -> Result<Option<usize>, Failure> {
        let Some(last) = &self.last else { return Ok(Some(0)) };
        let behind = last.position().cmp(&step.position());
        let place = events.iter().position(|event| event.id == last.id).map(|place| place + 1);
        let adds = |step: Step| !matches!(step, Step::Turn(_));
        match (behind, last.complete, place) {
            (Ordering::Greater, ..) => Ok(None),
            // Adding measures, or bringing figures in line, comes after the turn at the same position.
            (Ordering::Equal, true, _) if adds(step) && !adds(last.step) => Ok(Some(0)),
            (Ordering::Equal, true, _) if matches!(step, Step::Edition(_)) && last.is_older => Ok(Some(0)),
            (Ordering::Equal, true, _) => Ok(None),
            (Ordering::Equal, false, _) if adds(last.step) && !adds(step) => Ok(None),
            (Ordering::Equal, false, Some(place)) if adds(step) || !last.is_behind() => Ok(Some(place)),
            (Ordering::Less, true, _) => Ok(Some(0)),
            _ => Err(foreign(stream, self.position)),
        }
    }

    /// Whether all of a turn is there, and perhaps later ones.
    pub(crate) fn is_past(&self, turn: Position) -> bool {
        self.last.as_ref().is_some_and(|last| match last.step {
            Step::Turn(at) => at > turn || at == turn && last.complete,
            Step::Measures(at) | Step::Edition(at) => at >= turn,
        })
    }

    /// What the stream lacks of the measures of this version. None: nothing, or a turn has to be finished
    /// first.
    pub(crate) fn gap(&self) -> Option<Gap> {
        let last = self.last.as_ref().filter(|last| last.complete || !matches!(last.step, Step::Turn(_)))?;
        let (measures, is_older) = (last.lacks.clone(), last.is_older);
        last.is_behind().then_some(Gap { position: last.position(), time: last.time, measures, is_older })
    }

    /// Reads the last event of a stream.
    pub(crate) async fn read(log: &dyn EventLog, stream: &StreamName) -> Result<Self, Failure> {
        let position = log.last(stream).await?;
        let Some(before) = position.checked_sub(1) else { return Ok(Self::default()) };
        let mut events = history(log, Filter::Under(stream.clone()), before);
        let mut tail = Self { position, last: None };
        while let Some(event) = events.try_next().await? {
            tail = Self { position: event.position, last: Some(Last::read(&event)?) };
        }
        if let Some(last) = tail.last.as_mut().filter(|last| !last.complete) {
            (last.lacks, last.is_older) = behind(log, stream).await?;
        }
        Ok(tail)
    }
}

impl Step {
    fn position(self) -> Position {
        match self {
            Self::Turn(position) | Self::Measures(position) | Self::Edition(position) => position,
        }
    }
}

impl Last {
    fn position(&self) -> Position {
        self.step.position()
    }

    fn read(event: &Event) -> Result<Self, Failure> {
        let (cause, behind) = match ExposureEvent::read(event)? {
            Some(ExposureEvent::ReleaseApplied(applied)) => {
                let behind = (lacks(&applied), applied.edition < EDITION);
                (applied.cause, Some(behind))
            }
            Some(ExposureEvent::ExposuresChanged(changed)) => (changed.cause, None),
            Some(ExposureEvent::ClaimVerdictChanged(_)) | None => (None, None),
        };
        let cause = cause.ok_or_else(|| nameless(event))?;
        let complete = behind.is_some();
        let (lacks, is_older) = behind.unwrap_or_default();
        Ok(Self { id: event.id, step: step(&cause), time: event.time, complete, lacks, is_older })
    }

    /// Whether the stream has to be brought up to this version.
    fn is_behind(&self) -> bool {
        self.is_older || !self.lacks.is_empty()
    }
}

fn step(cause: &Cause) -> Step {
    match cause.kind() {
        CauseKind::MeasuresAdded => Step::Measures(cause.position),
        CauseKind::SourcesSeparated => Step::Edition(cause.position),
        _ => Step::Turn(cause.position),
    }
}

/// Measures of this version of which a stream has no figures after a step.
fn lacks(applied: &ReleaseApplied) -> Vec<Measure> {
    let listed = applied.measures.iter().map(String::as_str);
    let published: Vec<_> = if applied.measures.is_empty() { FIRST.to_vec() } else { listed.collect() };
    methods().filter(|method| !published.contains(&method.id)).map(|method| method.measure).collect()
}

/// Measures of which a stream had no figures after its last whole step, and whether these followed an older
/// edition. Only asked after a crash, it reads all of the stream.
async fn behind(log: &dyn EventLog, stream: &StreamName) -> Result<(Vec<Measure>, bool), Failure> {
    let mut events = history(log, Filter::Under(stream.clone()), 0);
    let mut behind = (Vec::new(), false);
    while let Some(event) = events.try_next().await? {
        match ExposureEventKind::from_name(&event.kind) {
            Some(ExposureEventKind::ReleaseApplied) => {
                let last = Last::read(&event)?;
                behind = (last.lacks, last.is_older);
            }
            Some(ExposureEventKind::ExposuresChanged | ExposureEventKind::ClaimVerdictChanged) | None => {}
        }
    }
    Ok(behind)
}

/// Every figure on a stream, as it was before it is brought in line with this edition: what a crash left of
/// that is left out, and what earlier editions brought in line to their end counts.
pub(crate) async fn published(log: &dyn EventLog, stream: &StreamName) -> Result<Published, Failure> {
    let mut events = history(log, Filter::Under(stream.clone()), 0);
    let (mut published, mut in_line) = (Published::default(), Vec::new());
    while let Some(event) = events.try_next().await? {
        match ExposureEvent::read(&event)? {
            Some(ExposureEvent::ExposuresChanged(changed)) => {
                let kind = changed.cause.as_ref().map(Cause::kind).unwrap_or_default();
                if kind == CauseKind::SourcesSeparated {
                    in_line.push(changed);
                } else {
                    published.fold(&changed);
                }
            }
            Some(ExposureEvent::ReleaseApplied(_)) => {
                in_line.drain(..).for_each(|changed| published.fold(&changed));
            }
            Some(ExposureEvent::ClaimVerdictChanged(_)) | None => {}
        }
    }
    Ok(published)
}

fn nameless(event: &Event) -> Error {
    Error::corrupt(event, format!("{} on {} names no cause", event.kind, event.stream))
}

fn foreign(stream: &StreamName, position: Position) -> Failure {
    let message = format!(
        "stream {stream} ends at position {position} with an event that does not \
         follow from the observations log"
    );
    Failure::new(Class::Damaged, "exposures-mismatch", message)
        .with_hint("finish what an older version began with that version, or start an empty exposures log")
}
