//! Reads YAML texts. Errors say in plain words what is wrong, with file, line and column.
use orewatch_catalog::closest;
use orewatch_contracts::{Class, Failure};
use serde::de::DeserializeOwned;
use serde_saphyr::Location;

use super::locate::{character_at, locate, yaml_options};

/// Upper bound on a file, in bytes.
const MAX_FILE_BYTES: usize = 1 << 20;

/// The text of a file.
///
/// # Errors
/// [`Class::Invalid`] for a file that is too large, empty, or not UTF-8.
pub fn read_text<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, Failure> {
    if bytes.len() > MAX_FILE_BYTES {
        let message = format!("{name} has {} bytes, the limit is {MAX_FILE_BYTES}", bytes.len());
        let failure = Failure::new(Class::Invalid, "file-too-large", message);
        return Err(failure.with_hint("split it into several files"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let message = format!("{name}:{line}: not UTF-8 at byte {}", error.valid_up_to());
        Failure::new(Class::Invalid, "not-utf8", message).with_hint("save the file as UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(Failure::new(Class::Invalid, "empty-file", format!("{name} is empty")));
    }
    Ok(text)
}

/// Parses a text.
///
/// # Errors
/// [`Class::Invalid`] with the location at which the text does not have the form of `T`.
pub fn parse_yaml<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Failure> {
    serde_saphyr::from_str_with_options(text, yaml_options()).map_err(|error| parse_failure(name, &error))
}

/// A failure from an error of the parser.
fn parse_failure(name: &str, error: &serde_saphyr::Error) -> Failure {
    use serde_saphyr::Error;
    let place = describe_location(name, error.location());
    let invalid = |code: &str, what: String| Failure::new(Class::Invalid, code, format!("{place}: {what}"));
    match error.without_snippet() {
        Error::SerdeUnknownField { field, expected, .. } => {
            let hint = closest(field, expected.iter().copied()).map_or_else(
                || format!("use one of {}", expected.join(", ")),
                |near| format!("did you mean {near}?"),
            );
            invalid("unknown-field", format!("unknown field {field:?}")).at(field, "").with_hint(hint)
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            let hint = format!("use {}", expected.join(" or "));
            invalid("unknown-word", format!("{variant:?} is not known here")).at("", variant).with_hint(hint)
        }
        Error::SerdeMissingField { field, .. } => {
            let hint = format!("add `{field}:`");
            invalid("missing-field", format!("the field {field:?} is missing")).at(*field, "").with_hint(hint)
        }
        other => {
            let (what, hint) = in_plain_words(first_line(&other.to_string()));
            invalid("invalid-yaml", what).with_hint(hint)
        }
    }
}

/// First line of an error of the parser, without the location.
fn first_line(message: &str) -> &str {
    let line = message.lines().next().unwrap_or_default().trim_start_matches("error: ");
    line.rsplit_once(" at line ").map_or(line, |(what, _)| what)
}

/// Beginnings of errors of the parser, with plain words and a hint for each.
const PLAIN_WORDS: &[(&str, &str, &str)] = &[
    ("invalid floating point", "this is not a number", "write a number such as `0.65`"),
    ("invalid u", "this is not a whole number from 0 on", "write a number such as `2`"),
    ("invalid i", "this is not a whole number", "write a number such as `2`"),
    ("expected mapping start", "fields are expected here", "write `name: value`"),
    ("expected string scalar", "one value is expected here", "write it without brackets"),
    ("tabs disallowed", "a tab is used where only spaces may be", "indent with spaces"),
    ("alias references unknown anchor", "the alias has no anchor", "write the value itself"),
    ("budget breached: Depth", "the text is nested too deep", "nest it less"),
    (
        "budget breached",
        "the text grows too large through its anchors",
        "use fewer anchors, or several files",
    ),
    ("multiple YAML documents", "a second document begins here", "list several rules under `rules:`"),
];

fn in_plain_words(what: &str) -> (String, String) {
    if let Some(rest) = what.strip_prefix("duplicate mapping key: ") {
        let key = rest.split(',').next().unwrap_or_default();
        return (format!("the field {key:?} is written twice"), "keep one of them".to_owned());
    }
    let known = PLAIN_WORDS.iter().find(|(begin, ..)| what.starts_with(begin));
    known.map_or_else(
        || (what.to_owned(), String::new()),
        |(_, plain, hint)| ((*plain).to_owned(), (*hint).to_owned()),
    )
}

/// Adds file, line and column to a failure about a field. `FIELD@N` is the character N, from 0, of a field.
pub fn add_location(name: &str, text: &str, prefix: &str, mut failure: Failure) -> Failure {
    let field = format!("{prefix}{}", failure.field);
    let (field, character) = match field.rsplit_once('@') {
        Some((field, at)) => (field.to_owned(), at.parse::<usize>().ok()),
        None => (field, None),
    };
    let location = locate(text, &field);
    let inside = character.zip(location).and_then(|(at, location)| character_at(text, location, at));
    let place = match inside {
        Some((line, column)) => format!("{name}:{line}:{column}"),
        None => describe_location(name, location),
    };
    failure.field = field;
    failure.message = format!("{place}: {}", failure.message);
    failure
}

/// `FILE:LINE:COLUMN`, or only the file if the location is not known.
pub(super) fn describe_location(name: &str, location: Option<Location>) -> String {
    match location.filter(|location| *location != Location::UNKNOWN) {
        Some(location) => format!("{name}:{}:{}", location.line(), location.column()),
        None => name.to_owned(),
    }
}
