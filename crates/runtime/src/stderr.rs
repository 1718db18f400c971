//! What a process writes to standard error: lines for people, or one JSON object on each line. Whoever reads
//! JSON gets nothing else, from the first line to the error that ends the process.
use std::io::{self, IsTerminal as _};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use orewatch_contracts::Failure;
use serde_json::{Map, Value};

use crate::{Clock as _, SystemClock};

/// Whether this process writes JSON: it has one standard error.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// Format of the lines, as it is configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// JSON from a service whose standard error is no terminal, and otherwise lines for people.
    #[default]
    Auto,
    /// Lines for people.
    Human,
    /// One JSON object on each line.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            _ => Err("write auto, human or json"),
        }
    }
}

impl LogFormat {
    /// Uses the format for this process from now on. `is_service`: it runs services until it is stopped.
    pub fn apply(self, is_service: bool) {
        IS_JSON.store(self.is_json(is_service, io::stderr().is_terminal()), Ordering::Relaxed);
    }

    fn is_json(self, is_service: bool, is_terminal: bool) -> bool {
        match self {
            Self::Auto => is_service && !is_terminal,
            Self::Human => false,
            Self::Json => true,
        }
    }
}

/// Whether this process writes JSON to standard error.
#[must_use]
pub fn is_json() -> bool {
    IS_JSON.load(Ordering::Relaxed)
}

/// A message for people as a line of JSON, without its end.
#[must_use]
pub fn message_line(message: &str) -> String {
    line("INFO", message, Map::new())
}

/// The error that ends a process as a line of JSON, without its end.
#[must_use]
pub fn failure_line(failure: &Failure) -> String {
    let Failure { code, message, hint, field, value, .. } = failure;
    let all = [("code", code), ("hint", hint), ("field", field), ("value", value)];
    let known = all.into_iter().filter(|(_, text)| !text.is_empty());
    let fields = known.map(|(name, text)| (name.to_owned(), Value::from(text.as_str())));
    line("ERROR", message, fields.collect())
}

/// A line with the fields that the lines of the log have.
fn line(level: &str, message: &str, more: Map<String, Value>) -> String {
    let mut fields = Map::from_iter([
        ("timestamp".to_owned(), Value::from(SystemClock.now().to_string())),
        ("level".to_owned(), Value::from(level)),
        ("message".to_owned(), Value::from(message.trim_end())),
        ("target".to_owned(), Value::from("orewatch")),
    ]);
    fields.extend(more);
    Value::Object(fields).to_string()
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::Class;

    use super::*;

    #[test]
    fn only_services_write_json_unasked() {
        let is_json = |format: LogFormat| {
            [(true, false), (true, true), (false, false)]
                .map(|(is_service, is_terminal)| format.is_json(is_service, is_terminal))
        };
        assert_eq!(is_json(LogFormat::Auto), [true, false, false]);
        assert_eq!(is_json(LogFormat::Human), [false; 3]);
        assert_eq!(is_json(LogFormat::Json), [true; 3]);
        assert!("yaml".parse::<LogFormat>().is_err());
    }

    #[test]
    fn a_failure_is_one_line_of_json() {
        let failure =
            Failure::new(Class::Invalid, "invalid-setting", "two\nlines \"quoted\"").with_hint("so");
        let line = failure_line(&failure);
        let value: Value = serde_json::from_str(&line).unwrap();
        assert!(!line.contains('\n') && value["message"].as_str().unwrap().contains("\"quoted\""), "{line}");
        assert_eq!(
            (&value["level"], &value["code"]),
            (&Value::from("ERROR"), &Value::from("invalid-setting"))
        );
    }
}
