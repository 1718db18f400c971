//! What was known at a time: which releases count.
use jiff::Timestamp;
use orewatch_contracts::common::v1::{AsAt, Cause, as_at};
use orewatch_eventlog::Position;
use orewatch_runtime::{Class, Failure};

/// Up to where releases count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Horizon {
    /// All of them.
    #[default]
    Everything,
    /// Those that were recorded at or before this instant.
    Time(Timestamp),
    /// Those at or before this position of the observations log.
    Position(Position),
    /// Those up to and including one, by its identifier or its vintage.
    Release(String),
}

impl Horizon {
    /// Reads a request's knowledge time.
    ///
    /// # Errors
    /// [`Class::Invalid`] for an instant that is none.
    pub fn read(as_at: Option<&AsAt>) -> Result<Self, Failure> {
        match as_at.and_then(|as_at| as_at.at.as_ref()) {
            None => Ok(Self::Everything),
            Some(as_at::At::Position(position)) => Ok(Self::Position(*position)),
            Some(as_at::At::Release(release)) => Ok(Self::Release(release.clone())),
            Some(as_at::At::Time(time)) => {
                Timestamp::new(time.seconds, time.nanos).map(Self::Time).map_err(|_| {
                    Failure::new(Class::Invalid, "bad-as-at", "this is no point in time")
                        .at("as_at.time", format!("{}.{:09}", time.seconds, time.nanos))
                })
            }
        }
    }

    /// Whether what a cause changed counts. A release that is named must have been [resolved](Self::resolved) to its position.
    #[must_use]
    pub fn includes(&self, cause: Option<&Cause>) -> bool {
        match self {
            Self::Everything => true,
            Self::Time(time) => recorded(cause).is_none_or(|recorded| recorded <= *time),
            Self::Position(position) => cause.is_none_or(|cause| cause.position <= *position),
            Self::Release(_) => false,
        }
    }

    /// The horizon with the position of the release that it names, given the causes of all that is published.
    ///
    /// # Errors
    /// [`Class::NotFound`] if nothing is published of such a release, [`Class::Invalid`] if several have its vintage.
    pub fn resolved<'a>(self, causes: impl IntoIterator<Item = &'a Cause>) -> Result<Self, Failure> {
        let Self::Release(wanted) = &self else { return Ok(self) };
        let mut found: Option<&Cause> = None;
        for cause in causes.into_iter().filter(|cause| is_named(&cause.release, wanted)) {
            match found {
                Some(other) if other.release != cause.release => return Err(ambiguous(wanted, other, cause)),
                Some(other) if other.position <= cause.position => {}
                _ => found = Some(cause),
            }
        }
        found.map(|cause| Self::Position(cause.position)).ok_or_else(|| {
            Failure::new(Class::NotFound, "unknown-release", "nothing is published of such a release")
                .at("as_at.release", wanted)
                .with_hint("list the releases to see which there are")
        })
    }
}

fn recorded(cause: Option<&Cause>) -> Option<Timestamp> {
    let time = cause?.time?;
    Timestamp::new(time.seconds, time.nanos).ok()
}

/// Whether a release `DATASET/VINTAGE-DIGEST` is meant by its identifier or by its vintage.
fn is_named(release: &str, wanted: &str) -> bool {
    let vintage =
        release.split_once('/').and_then(|(_, rest)| rest.rsplit_once('-')).map(|(vintage, _)| vintage);
    release == wanted || vintage == Some(wanted)
}

fn ambiguous(wanted: &str, one: &Cause, other: &Cause) -> Failure {
    let message = format!("{} and {} both have this vintage", one.release, other.release);
    Failure::new(Class::Invalid, "ambiguous-release", message)
        .at("as_at.release", wanted)
        .with_hint("give the release's identifier")
}
