//! Which format a file has, and what is said of one that has none.
use serde_json::{Map, Value};

use super::json::first_object;
use super::row::MOST_FIELDS;
use super::{Head, SOURCES, Source, SourceError, baci, nearest, records, tidy};

/// Names of columns or members that are told of a file that is not known.
const MOST_TOLD: usize = 12;

/// The format that a file is most like.
///
/// # Errors
/// What the file is instead, as far as it can be told, and what to do about it.
pub(super) fn recognise(head: &Head) -> Result<&'static dyn Source, SourceError> {
    let mut best: Option<(usize, &'static dyn Source)> = None;
    for source in SOURCES {
        if let Some(like) = source.probe(head)
            && like > best.map_or(0, |(found, _)| found)
        {
            best = Some((like, source));
        }
    }
    let source = best.map(|(_, source)| source);
    if head.is_utf16 && source.is_none_or(|source| source.is_lines() || head.is_json()) {
        return Err(SourceError::utf16(&head.file));
    }
    source.ok_or_else(|| unknown_format(head))
}

fn unknown_format(head: &Head) -> SourceError {
    if is_unmarked_utf16(&head.bytes) {
        return SourceError::utf16(&head.file);
    }
    if head.is_json() {
        return unknown_json(head);
    }
    // A header that is too wide for formats of ours may be one of others; what else is wrong with it is wrong for all.
    let is_sound = head.preamble.is_ok() || head.names().len() > MOST_FIELDS;
    let told = web_page(head)
        .or_else(|| country_list(head))
        .or_else(|| with_other_separator(head))
        .or_else(|| with_missing_columns(head).filter(|_| is_sound));
    if let Some(error) = told {
        return error;
    }
    let preamble = match &head.preamble {
        Ok(preamble) => preamble,
        Err(error) => return error.clone(),
    };
    let header = if preamble.header.len() > 1 { preamble.header.clone() } else { head.names() };
    let forms = |about: &'static super::About| about.forms.iter().map(|form| format!("{}: {form}", about.id));
    let known: Vec<_> = super::sources().flat_map(forms).collect();
    SourceError::new("unknown-format", &head.file, preamble.line, "the header is of no known format")
        .at("header", header.join(","))
        .with_hint(format!("known are\n  {}", known.join("\n  ")))
}

/// Whether content looks like UTF-16 without a byte order mark: every other byte of its beginning is zero, and no other.
fn is_unmarked_utf16(bytes: &[u8]) -> bool {
    let (pairs, _) = bytes.get(..64).unwrap_or(bytes).as_chunks::<2>();
    let is_zero = |place: usize| move |pair: &[u8; 2]| pair.get(place) == Some(&0);
    let fits =
        |zero: usize, letter: usize| pairs.iter().all(is_zero(zero)) && !pairs.iter().any(is_zero(letter));
    pairs.len() > 2 && (fits(0, 1) || fits(1, 0))
}

/// JSON that is no answer of a publisher whom we read.
fn unknown_json(head: &Head) -> SourceError {
    let refuse = |code, message: String| SourceError::new(code, &head.file, 0, message);
    if head.is_empty_json() {
        return refuse(SourceError::NO_ROWS, "the JSON holds nothing".to_owned())
            .with_hint("is the download complete, and does the question have an answer?");
    }
    const READ: &str = "JSON is read of UN Comtrade, the World Bank's indicators and the Global Trade Alert; write other tables as csv";
    let object = first_object(&head.bytes).unwrap_or_default();
    let is = |member: &str, value: &str| object.get(member).and_then(Value::as_str) == Some(value);
    let geojson = is("type", "FeatureCollection") || is("type", "Feature") || is("type", "Topology");
    let (what, hint) = if geojson || begins_as_geojson(head) {
        (
            "this is GeoJSON: shapes on a map, not statistics".to_owned(),
            "hand in the table of figures that it was made with",
        )
    } else if is("class", "dataset") || head.text().contains("\"class\":\"dataset\"") {
        ("this is JSON-stat, which is not read".to_owned(), "ask for the same as SDMX-CSV (format=SDMX-CSV)")
    } else if is_lines(head) {
        (
            "this is a line of JSON a record, which is not read".to_owned(),
            "write the records as one array, or as csv",
        )
    } else {
        (format!("this is JSON that is not known{}", members(&object)), READ)
    };
    refuse("unknown-json", what).with_hint(hint)
}

/// GeoJSON whose first object does not end within the beginning.
fn begins_as_geojson(head: &Head) -> bool {
    let begin: String = head.text().chars().take(512).filter(|letter| !letter.is_whitespace()).collect();
    ["FeatureCollection", "Topology"].iter().any(|kind| begin.contains(&format!("\"type\":\"{kind}\"")))
}

/// Whether a second object follows the first.
fn is_lines(head: &Head) -> bool {
    let mut objects = serde_json::Deserializer::from_slice(&head.bytes).into_iter::<Value>();
    let next_is_object = |found: Option<Result<Value, _>>| matches!(found, Some(Ok(Value::Object(_))));
    next_is_object(objects.next()) && next_is_object(objects.next())
}

fn members(object: &Map<String, Value>) -> String {
    let names: Vec<_> = object.keys().take(MOST_TOLD).map(String::as_str).collect();
    if names.is_empty() { String::new() } else { format!(": its members are {}", names.join(", ")) }
}

/// A page of the web, or another document in markup.
fn web_page(head: &Head) -> Option<SourceError> {
    let text = head.text();
    let begin = text.trim_start_matches('\u{feff}').trim_start().get(..64).unwrap_or(&text).to_lowercase();
    let what = match &*begin {
        begin if begin.starts_with("<!doctype html") || begin.starts_with("<html") => {
            "a page of the web (HTML)"
        }
        begin if begin.starts_with('<') => "XML",
        _ => return None,
    };
    Some(SourceError::new("unknown-format", &head.file, 0, format!("this is {what}, not a table")).with_hint(
        "fetch the file that the page links to; a publisher also answers with a page where a key is missing",
    ))
}

/// A list of countries, as lies beside the files of BACI and others.
fn country_list(head: &Head) -> Option<SourceError> {
    let names: Vec<_> = head.names().iter().map(|name| letters(name)).collect();
    let has = |name: &str| names.iter().any(|own| own.starts_with(name));
    let is_list =
        names.len() <= 8 && has("countrycode") && has("countryname") && (has("countryiso") || has("iso"));
    is_list.then(|| {
        SourceError::new("unknown-format", &head.file, 1, "this is a list of countries, not of figures")
            .at("header", names.join(","))
            .with_hint("hand in the files of figures that it lies beside: their codes of countries are known")
    })
}

/// One of our own formats, or of BACI, with something else than commas between its columns.
fn with_other_separator(head: &Head) -> Option<SourceError> {
    let (what, separator) = match records::form(head).delimiter {
        b';' => ("semicolons", ';'),
        b'\t' => ("tabs", '\t'),
        b'|' => ("bars", '|'),
        _ => return None,
    };
    // Lines that describe the file come before the names.
    let line = head.preamble.as_ref().ok()?.header.join(",");
    let names: Vec<_> = line.split(separator).map(|name| name.trim().trim_matches('"').to_owned()).collect();
    (baci::has_columns_like(&names) || tidy::has_columns_like(&names)).then(|| {
        let line = head.preamble.as_ref().map_or(1, |preamble| preamble.line);
        SourceError::new("other-separator", &head.file, line, format!("the columns are separated by {what}"))
            .at("header", names.join(","))
            .with_hint(
                "save the file with commas between its columns; a decimal comma becomes a point before",
            )
    })
}

/// A table that is like one that is known, and lacks a column.
fn with_missing_columns(head: &Head) -> Option<SourceError> {
    let header = head.names();
    let plain: Vec<_> = header.iter().map(|name| letters(name)).collect();
    let mut best: Option<(usize, usize, &'static dyn Source, Vec<&'static str>)> = None;
    for source in SOURCES {
        let needs = source.needs();
        let has = |names: &&Vec<&'static str>| names.iter().any(|name| plain.contains(&letters(name)));
        let missing: Vec<_> =
            needs.iter().filter(|names| !has(names)).filter_map(|names| names.first().copied()).collect();
        let found = needs.len().saturating_sub(missing.len());
        let is_like = found >= 2 && found * 2 >= needs.len() && !missing.is_empty();
        let is_better = |(other, of, ..): &(usize, usize, _, _)| found * of > other * needs.len();
        if is_like && best.as_ref().is_none_or(is_better) {
            best = Some((found, needs.len(), source, missing));
        }
    }
    let (_, _, source, missing) = best?;
    let first = missing.first()?;
    let instead = nearest(first, header.iter().map(String::as_str))
        .map_or_else(String::new, |name| format!("; is `{name}` meant to be `{first}`?"));
    let message = match &missing[..] {
        [_] => format!("column `{first}` is missing{instead}"),
        all => format!("columns `{}` are missing{instead}", all.join("`, `")),
    };
    let about = source.about();
    Some(
        SourceError::new("missing-column", &head.file, 1, message)
            .at("header", header.join(","))
            .with_hint(format!("the others are those of {}: {}", about.title, about.forms.join("; "))),
    )
}

/// A name by its letters and digits alone.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}
