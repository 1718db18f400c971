//! Errors that cross a service's interface: what is wrong, who has to act, and how that shows in gRPC and as
//! an exit code.
#[cfg(feature = "grpc")]
mod status;

use std::fmt;
use std::time::Duration;

use crate::common::v1::Blame;
use crate::log::Error;

/// Time after which a caller that was refused by a full log may try again.
const FULL_LOG_RETRY: Duration = Duration::from_secs(10);

/// Time after which a caller may try again while a log is away.
const AWAY_LOG_RETRY: Duration = Duration::from_secs(5);

/// Upper bound on the offending value that an error repeats, in characters.
const MAX_VALUE_CHARS: usize = 200;

/// Code of an error for a method whose role the caller lacks.
pub const MISSING_ROLE: &str = "missing-role";

/// Code of an error for a call without a known token.
pub const UNAUTHENTICATED: &str = "unauthenticated";

/// Class of an error. It decides who has to act, the gRPC status and the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The request or its data are wrong. The user has to act; exit code 2.
    Invalid,
    /// What is asked for does not exist. The user has to act; exit code 2.
    NotFound,
    /// The request makes sense, but not in the present state, or a release is refused. The user has to act;
    /// exit code 3.
    Refused,
    /// Something outside cannot be reached or did not answer in time. External cause; exit code 4.
    Unavailable,
    /// Something outside has no room left, or a limit is reached. External cause; exit code 4.
    Exhausted,
    /// Stored data is damaged, or not what was there before. External cause; exit code 6.
    Damaged,
    /// Something outside is not set up as it must be. External cause; exit code 7.
    Misconfigured,
    /// A defect of Orewatch. Exit code 5.
    Internal,
}

impl Class {
    /// Who has to act.
    #[must_use]
    pub fn blame(self) -> Blame {
        match self {
            Self::Invalid | Self::NotFound | Self::Refused => Blame::User,
            Self::Unavailable | Self::Exhausted | Self::Damaged | Self::Misconfigured => Blame::External,
            Self::Internal => Blame::Internal,
        }
    }

    /// Exit code of a process that ends with such an error: 2 and 3 user, 5 internal, and of external causes
    /// 4 for what is absent or full, 6 for what is damaged, 7 for what is not set up as it must be.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Invalid | Self::NotFound => 2,
            Self::Refused => 3,
            Self::Unavailable | Self::Exhausted => 4,
            Self::Internal => 5,
            Self::Damaged => 6,
            Self::Misconfigured => 7,
        }
    }
}

/// An error that crosses a service's interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Class of the error.
    pub class: Class,
    /// Stable identifier for programs, such as `unknown-economy`.
    pub code: String,
    /// What is wrong: one sentence for people.
    pub message: String,
    /// What to do about it. Empty if the message says all.
    pub hint: String,
    /// The request field, configuration key or column concerned. Empty if there is none in particular.
    pub field: String,
    /// The offending value, shortened to 200 characters. Empty if there is none.
    pub value: String,
    /// Time after which the same request may succeed. `None`: waiting does not help.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// An error of a class, with its code and message.
    pub fn new(class: Class, code: impl Into<String>, message: impl Into<String>) -> Self {
        let [hint, field, value] = [const { String::new() }; 3];
        Self { class, code: code.into(), message: message.into(), hint, field, value, retry_after: None }
    }

    /// A defect of Orewatch.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Class::Internal, "internal", message)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Adds the time after which the same request may succeed.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// Adds the field and the value that are wrong.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>, value: impl AsRef<str>) -> Self {
        self.field = field.into();
        self.value = value.as_ref().chars().take(MAX_VALUE_CHARS).collect();
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.field.is_empty() {
            write!(f, " ({}: {:?})", self.field, self.value)?;
        }
        if !self.hint.is_empty() {
            write!(f, "\n  {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (class, code) = match &error {
            Error::Conflict { .. } => (Class::Unavailable, "log-conflict"),
            Error::Unavailable { .. } => (Class::Unavailable, "log-unavailable"),
            Error::TooLarge { .. } => (Class::Invalid, "log-too-large"),
            Error::Invalid { .. } => (Class::Internal, "log-invalid-append"),
            Error::Full { .. } => (Class::Exhausted, "log-full"),
            Error::Gone { .. } => (Class::Damaged, "log-gone"),
            Error::Replaced { .. } => (Class::Damaged, "log-replaced"),
            Error::Corrupt { .. } => (Class::Damaged, "log-corrupt"),
            Error::NotPermitted { .. } => (Class::Misconfigured, "log-not-permitted"),
            Error::Misconfigured { .. } => (Class::Misconfigured, "log-misconfigured"),
        };
        let failure = Self::new(class, code, error.to_string());
        match error {
            Error::Full { .. } => failure.retry_after(FULL_LOG_RETRY).with_hint(
                "make room on its disk, or raise its limit; nothing was stored, what is known is still \
                 answered, and writing goes on by itself",
            ),
            Error::Unavailable { .. } => failure.retry_after(AWAY_LOG_RETRY).with_hint(
                "try again in a while: the service goes on by itself once the log is back, and what was \
                 stored before is recognised",
            ),
            Error::Corrupt { .. } => failure.with_hint(
                "restore the log from a backup, or mark the position as one to pass over; what was read \
                 before is still answered",
            ),
            Error::Replaced { .. } => failure.with_hint(
                "if nobody replaced it on purpose, restore the log that was read before from a backup",
            ),
            Error::NotPermitted { .. } => failure.with_hint(
                "give this identity the permission, or this process the credentials of another one; \
                 `orewatch setup --print nats` prints what each identity needs",
            ),
            _ => failure,
        }
    }
}
