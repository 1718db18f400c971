//! [`Horizon`]: which releases were known at a time.
use jiff::Timestamp;
use orewatch_contracts::common::v1::{AsAt, Cause, as_at};
use orewatch_contracts::log::Position;
use orewatch_contracts::time::instant;
use orewatch_contracts::{Class, Failure};

/// Limit on the releases that count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Horizon {
    /// All releases count.
    #[default]
    Everything,
    /// Those recorded at or before this time.
    Time(Timestamp),
    /// Those at or before this position of the observations log.
    Position(Position),
    /// Those up to and including a release, given by its identifier or its vintage.
    Release(String),
}

impl Horizon {
    /// Reads the `as_at` of a request.
    ///
    /// # Errors
    /// [`Class::Invalid`] for a time outside of all calendars.
    pub fn read(as_at: Option<&AsAt>) -> Result<Self, Failure> {
        match as_at.and_then(|as_at| as_at.at.as_ref()) {
            None => Ok(Self::Everything),
            Some(as_at::At::Position(position)) => Ok(Self::Position(*position)),
            Some(as_at::At::Release(release)) => Ok(Self::Release(release.clone())),
            Some(as_at::At::Time(time)) => instant(time).map(Self::Time).ok_or_else(|| {
                Failure::new(Class::Invalid, "invalid-as-at", "this is not a valid time")
                    .at("as_at.time", format!("{}.{:09}", time.seconds, time.nanos))
            }),
        }
    }

    /// Whether a change with this cause counts. A horizon that names a release must be
    /// [resolved](Self::resolved) first.
    #[must_use]
    pub fn includes(&self, cause: Option<&Cause>) -> bool {
        match self {
            Self::Everything => true,
            Self::Time(time) => recorded(cause).is_none_or(|recorded| recorded <= *time),
            Self::Position(position) => cause.is_none_or(|cause| cause.position <= *position),
            Self::Release(_) => false,
        }
    }

    /// Replaces the release that the horizon names by its position, given the causes of all published
    /// changes.
    ///
    /// # Errors
    /// [`Class::NotFound`] if nothing is published of the release, [`Class::Invalid`] if several releases
    /// have the vintage.
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
            Failure::new(Class::NotFound, "unknown-release", "nothing is published of this release")
                .at("as_at.release", wanted)
                .with_hint("list the releases: `orewatch releases list`")
        })
    }
}

fn recorded(cause: Option<&Cause>) -> Option<Timestamp> {
    let time = cause?.time?;
    instant(&time)
}

/// Whether `wanted` is the identifier or the vintage of a release `DATASET/VINTAGE-DIGEST`.
fn is_named(release: &str, wanted: &str) -> bool {
    let vintage =
        release.split_once('/').and_then(|(_, rest)| rest.rsplit_once('-')).map(|(vintage, _)| vintage);
    release == wanted || vintage == Some(wanted)
}

fn ambiguous(wanted: &str, first: &Cause, second: &Cause) -> Failure {
    let message = format!("{} and {} both have this vintage", first.release, second.release);
    Failure::new(Class::Invalid, "ambiguous-release", message)
        .at("as_at.release", wanted)
        .with_hint("give the release's identifier")
}
