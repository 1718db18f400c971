//! What a metric is: its name, kind, unit, labels and help. [`catalogue`](super::catalogue) defines all of
//! them.
//!
//! The type of a metric says how it is recorded and by how many labels, so that the compiler refuses a
//! counter that is set and a label that is missing.

/// A metric as it is documented and exported.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// Name, unique, in the style of Prometheus: `orewatch_` first, the unit last.
    pub name: &'static str,
    /// How it is recorded and exported.
    pub kind: Kind,
    /// What its values count.
    pub unit: Unit,
    /// Its labels, in the order in which they are recorded.
    pub labels: &'static [Label],
    /// The services that report it.
    pub services: &'static [&'static str],
    /// What it says, as [`Metric::help`] gives it.
    pub(super) text: &'static str,
}

impl Metric {
    /// What the metric says, in one line.
    #[must_use]
    pub fn help(&self) -> &'static str {
        self.text.trim()
    }
}

/// How a metric is recorded and exported.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A number that only grows while the process runs.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// Durations in seconds, counted by these upper bounds.
    Histogram(&'static [f64]),
    /// A time, exported as a gauge of the seconds since then.
    Age,
    /// A time, exported as a gauge of the seconds until then.
    Countdown,
}

impl Kind {
    /// The type as Prometheus names it.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge | Self::Age | Self::Countdown => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// What the values of a metric count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Things, in the plural: `events`, `rows`.
    Count(&'static str),
    /// 1 if something is so, 0 if it is not.
    Boolean,
    /// A position of a log.
    Position,
}

impl Unit {
    /// The unit for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Count(things) => things,
            Self::Boolean => "0 or 1",
            Self::Position => "position",
        }
    }

    /// The unit in the notation of OpenTelemetry (UCUM).
    pub(super) fn ucum(self) -> String {
        match self {
            Self::Seconds => "s".to_owned(),
            Self::Bytes => "By".to_owned(),
            Self::Count(things) => format!("{{{things}}}"),
            Self::Boolean | Self::Position => "1".to_owned(),
        }
    }
}

/// A label of a metric. The number of its values is bounded, so that no input can make series without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Name.
    pub name: &'static str,
    /// The values that it can have.
    pub values: Values,
}

/// The values that a label can have. Whatever else is recorded counts as [`OTHER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// One of these.
    Listed(&'static [&'static str]),
    /// Full name of a method of the contracts or of the health protocol, such as `package.Service/Method`.
    Methods,
    /// A name that is known only when the process runs: at most so many of them.
    UpTo(usize),
}

/// Value of a label for whatever exceeds its bound.
pub const OTHER: &str = "other";

impl Values {
    /// Upper bound on the number of values, [`OTHER`] included.
    #[must_use]
    pub fn max_count(self) -> usize {
        match self {
            Self::Listed(values) => values.len() + 1,
            Self::Methods => orewatch_contracts::roles().count() + 2,
            Self::UpTo(most) => most + 1,
        }
    }

    /// The values for people.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Listed(values) => values.join(", "),
            Self::Methods => "methods of the contracts".to_owned(),
            Self::UpTo(1) => "one name".to_owned(),
            Self::UpTo(most) => format!("up to {most} names, then {OTHER}"),
        }
    }
}

/// Declares a type of metrics with `N` labels.
macro_rules! typed {
    ($($(#[doc = $says:literal])+ $name:ident;)+) => {$(
        $(#[doc = $says])+
        #[derive(Clone, Copy, Debug)]
        pub struct $name<const N: usize>(Metric);

        impl<const N: usize> $name<N> {
            /// A metric. Only the catalogue makes them.
            pub(super) const fn new(metric: Metric) -> Self {
                Self(metric)
            }

            /// What is documented and exported.
            #[must_use]
            pub const fn definition(&self) -> &Metric {
                &self.0
            }
        }
    )+};
}

typed! {
    /// A counter with `N` labels.
    Counter;
    /// A gauge with `N` labels.
    Gauge;
    /// A histogram of durations with `N` labels.
    Histogram;
    /// A time in the past with `N` labels.
    Age;
    /// A time in the future with `N` labels.
    Countdown;
}
