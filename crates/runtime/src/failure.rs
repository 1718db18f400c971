//! One taxonomy of errors: what is wrong, who has to act, and what that means to gRPC and to a shell.
use std::fmt;
use std::time::Duration;

use orewatch_contracts::common::v1::{Blame, Problem};
use orewatch_contracts::time::length;
use prost::Message as _;
use tonic::{Code, Status};

use crate::access::{MISSING_ROLE, UNAUTHENTICATED};

/// How soon who was refused by a full log may ask again.
const FULL: Duration = Duration::from_secs(10);

/// Longest offending value that is repeated in an error, in characters.
const LONGEST_VALUE: usize = 200;

/// Longest message and longest hint that a status carries, in bytes. Both go into headers, of which clients take 8 KiB: a longer
/// one would come out as an error of the transport instead of this one. A letter may take three bytes there.
const MAX_TEXT: usize = 1_024;

/// Longest names of fields and codes that a status carries, in bytes.
const MAX_NAME: usize = 200;

/// Trailer that tells clients of gRPC after how many milliseconds to try again.
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// Kind of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The request or its data are wrong. User; exit code 2.
    Invalid,
    /// What is asked for does not exist. User; exit code 2.
    NotFound,
    /// The request makes sense, but not in the present state; a refused release. User; exit code 3.
    Refused,
    /// Something outside cannot be reached or did not answer in time. External; exit code 4.
    Unavailable,
    /// Something outside has no room left, or a limit is reached. External; exit code 4.
    Exhausted,
    /// What is stored is damaged. External; exit code 4.
    Damaged,
    /// A defect of Orewatch. Internal; exit code 5.
    Internal,
}

impl Class {
    /// Who has to act.
    #[must_use]
    pub fn blame(self) -> Blame {
        match self {
            Self::Invalid | Self::NotFound | Self::Refused => Blame::User,
            Self::Unavailable | Self::Exhausted | Self::Damaged => Blame::External,
            Self::Internal => Blame::Internal,
        }
    }

    /// The gRPC status code.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::Invalid => Code::InvalidArgument,
            Self::NotFound => Code::NotFound,
            Self::Refused => Code::FailedPrecondition,
            Self::Unavailable => Code::Unavailable,
            Self::Exhausted => Code::ResourceExhausted,
            Self::Damaged => Code::DataLoss,
            Self::Internal => Code::Internal,
        }
    }

    /// The exit code of a process that ends with it: 2 and 3 user, 4 external, 5 internal.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Invalid | Self::NotFound => 2,
            Self::Refused => 3,
            Self::Unavailable | Self::Exhausted | Self::Damaged => 4,
            Self::Internal => 5,
        }
    }

    fn from_code(code: Code) -> Self {
        match code {
            Code::InvalidArgument | Code::OutOfRange | Code::Unimplemented | Code::AlreadyExists => {
                Self::Invalid
            }
            Code::NotFound => Self::NotFound,
            Code::FailedPrecondition | Code::Aborted | Code::PermissionDenied | Code::Unauthenticated => {
                Self::Refused
            }
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => Self::Unavailable,
            Code::ResourceExhausted => Self::Exhausted,
            Code::DataLoss => Self::Damaged,
            Code::Ok | Code::Unknown | Code::Internal => Self::Internal,
        }
    }
}

/// An error that crosses a service's edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Kind of the error.
    pub class: Class,
    /// Stable identifier for programs, such as `unknown-economy`.
    pub code: String,
    /// What is wrong, one sentence for people.
    pub message: String,
    /// What to do about it; empty if there is nothing better than the message.
    pub hint: String,
    /// The request field, configuration key or column concerned; empty if none in particular.
    pub field: String,
    /// The offending value, shortened to 200 characters; empty if none.
    pub value: String,
    /// After how long the same request may succeed. None: waiting alone helps nothing.
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

    /// Says what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Says after how long the same request may succeed.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// Names the field and the value that are to blame.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>, value: impl AsRef<str>) -> Self {
        self.field = field.into();
        self.value = value.as_ref().chars().take(LONGEST_VALUE).collect();
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

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        let code = match failure.code.as_str() {
            UNAUTHENTICATED => Code::Unauthenticated,
            MISSING_ROLE => Code::PermissionDenied,
            _ => failure.class.code(),
        };
        let message = shortened(failure.message, MAX_TEXT);
        let problem = Problem {
            code: shortened(failure.code, MAX_NAME),
            blame: failure.class.blame().into(),
            message: message.clone(),
            hint: shortened(failure.hint, MAX_TEXT),
            field: shortened(failure.field, MAX_NAME),
            value: failure.value.chars().take(LONGEST_VALUE).collect(),
            retry_after: failure.retry_after.and_then(|delay| delay.try_into().ok()),
        };
        let mut status = Self::with_details(code, message, problem.encode_to_vec().into());
        if let Some(delay) = failure.retry_after {
            let milliseconds = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
            status.metadata_mut().insert(PUSHBACK, milliseconds.into());
        }
        status
    }
}

/// A text of at most so many bytes; an ellipsis stands for what is cut off.
fn shortened(mut text: String, most: usize) -> String {
    const ELLIPSIS: char = '…';
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most.saturating_sub(ELLIPSIS.len_utf8())));
        text.push(ELLIPSIS);
    }
    text
}

impl From<Status> for Failure {
    /// Reads the [`Problem`] that a service attached; without one (a proxy, a lost connection) the status itself.
    fn from(status: Status) -> Self {
        // Only a status that was made on this side has a source: the connection failed, no service said anything.
        let cut = std::error::Error::source(&status).is_some();
        let class = if cut { Class::Unavailable } else { Class::from_code(status.code()) };
        match Problem::decode(status.details()) {
            Ok(problem) if !problem.code.is_empty() => Self {
                class,
                code: problem.code,
                message: problem.message,
                hint: problem.hint,
                field: problem.field,
                value: problem.value,
                retry_after: problem.retry_after.as_ref().and_then(length),
            },
            _ => Self::new(class, "grpc", format!("{}: {}", status.code(), status.message())),
        }
    }
}

impl From<orewatch_eventlog::Error> for Failure {
    fn from(error: orewatch_eventlog::Error) -> Self {
        use orewatch_eventlog::Error;
        let (class, code) = match &error {
            Error::Conflict { .. } => (Class::Unavailable, "log-conflict"),
            Error::Unavailable { .. } => (Class::Unavailable, "log-unavailable"),
            Error::TooLarge { .. } => (Class::Invalid, "log-too-large"),
            Error::Invalid { .. } => (Class::Internal, "log-invalid-append"),
            Error::Full { .. } => (Class::Exhausted, "log-full"),
            Error::Gone { .. } => (Class::Damaged, "log-gone"),
            Error::Corrupt { .. } => (Class::Damaged, "log-corrupt"),
            Error::Misconfigured { .. } => (Class::Unavailable, "log-misconfigured"),
        };
        let failure = Self::new(class, code, error.to_string());
        match error {
            Error::Full { .. } => failure.retry_after(FULL).with_hint(
                "make room on its disk, or raise its limit; nothing was stored, what is known is still answered, and writing goes on by itself",
            ),
            _ => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_survives_the_wire() {
        let failure = Failure::new(Class::Invalid, "unknown-economy", "no economy has this code")
            .with_hint("did you mean COD?")
            .at("consumer", "ZAR");
        assert_eq!(Failure::from(Status::from(failure.clone())), failure);
    }

    #[test]
    fn a_long_failure_fits_into_headers() {
        let long = "é€".repeat(1 << 20);
        let failure = Failure::new(Class::NotFound, "unknown-economy", long.clone())
            .with_hint(long.clone())
            .at(long.clone(), &long)
            .retry_after(Duration::from_millis(1500));
        let status = Status::from(failure);
        let headers = status.clone().into_http::<()>().into_parts().0.headers;
        let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
        assert!(bytes < 8 << 10, "{bytes}");
        let told = Failure::from(status);
        assert_eq!((told.class, told.retry_after), (Class::NotFound, Some(Duration::from_millis(1500))));
        assert!(told.message.ends_with('…') && told.hint.len() <= MAX_TEXT);
    }

    #[test]
    fn a_foreign_status_becomes_a_failure() {
        let failure = Failure::from(Status::unavailable("tcp connect error"));
        assert_eq!((failure.class, failure.class.exit_code()), (Class::Unavailable, 4));
    }
}
