//! Failures in gRPC: a status with a [`Problem`] in its details.
use prost::Message as _;
use tonic::{Code, Status};

use super::{Class, Failure, MAX_VALUE_CHARS, MISSING_ROLE, UNAUTHENTICATED};
use crate::common::v1::Problem;
use crate::time::duration;

/// Upper bound on the message and on the hint of a status, in bytes. Both are sent as headers, of which
/// clients accept 8 KiB in all: a longer one would arrive as an error of the transport. A byte may take three
/// there.
const MAX_TEXT: usize = 1_024;

/// Upper bound on the names of fields and codes in a status, in bytes.
const MAX_NAME: usize = 200;

/// Trailer that tells gRPC clients after how many milliseconds to try again.
const PUSHBACK: &str = "grpc-retry-pushback-ms";

impl Class {
    /// The gRPC status code.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::Invalid => Code::InvalidArgument,
            Self::NotFound => Code::NotFound,
            Self::Refused => Code::FailedPrecondition,
            Self::Unavailable | Self::Misconfigured => Code::Unavailable,
            Self::Exhausted => Code::ResourceExhausted,
            Self::Damaged => Code::DataLoss,
            Self::Internal => Code::Internal,
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
            value: failure.value.chars().take(MAX_VALUE_CHARS).collect(),
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

/// Shortens a text to `max` bytes. An ellipsis stands for what is cut off.
fn shortened(mut text: String, max: usize) -> String {
    const ELLIPSIS: char = '…';
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max.saturating_sub(ELLIPSIS.len_utf8())));
        text.push(ELLIPSIS);
    }
    text
}

impl From<Status> for Failure {
    /// Reads the [`Problem`] that a service attached. Without one, as from a proxy or a lost connection, the
    /// failure is made from the status itself.
    fn from(status: Status) -> Self {
        // Only a status that was made on this side has a source: the connection failed before a service
        // answered.
        let is_cut = std::error::Error::source(&status).is_some();
        let class = if is_cut { Class::Unavailable } else { Class::from_code(status.code()) };
        match Problem::decode(status.details()) {
            Ok(problem) if !problem.code.is_empty() => Self {
                class,
                code: problem.code,
                message: problem.message,
                hint: problem.hint,
                field: problem.field,
                value: problem.value,
                retry_after: problem.retry_after.as_ref().and_then(duration),
            },
            _ => Self::new(class, "grpc", format!("{}: {}", status.code(), status.message())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
        let read = Failure::from(status);
        assert_eq!((read.class, read.retry_after), (Class::NotFound, Some(Duration::from_millis(1500))));
        assert!(read.message.ends_with('…') && read.hint.len() <= MAX_TEXT);
    }

    #[test]
    fn a_foreign_status_becomes_a_failure() {
        let failure = Failure::from(Status::unavailable("tcp connect error"));
        assert_eq!((failure.class, failure.class.exit_code()), (Class::Unavailable, 4));
    }
}
