//! Recognises the format of a file, and explains what a file is that has none.
use serde_json::{Map, Value};

use super::json::first_object;
use super::row::MAX_FIELDS;
use super::text::letters_and_digits;
use super::{About, Head, SOURCES, Source, SourceError, baci, nearest, records, tidy};

/// Names of members that the error about unknown JSON lists.
const MAX_LISTED_MEMBERS: usize = 12;

/// The format that matches a file best.
///
/// # Errors
/// [`SourceError`] if none does. It says what the file is, as far as that is known, and what to do.
pub(super) fn recognise(head: &Head) -> Result<&'static dyn Source, SourceError> {
    let mut best: Option<(usize, &'static dyn Source)> = None;
    for source in SOURCES {
        if let Some(likeness) = source.probe(head)
            && likeness > best.map_or(0, |(found, _)| found)
        {
            best = Some((likeness, source));
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
    // A header with too many columns for tidy formats may be a publisher's; any other error in it matters for
    // all.
    let is_valid = head.preamble.is_ok() || head.names().len() > MAX_FIELDS;
    let explained = web_page(head)
        .or_else(|| country_list(head))
        .or_else(|| with_other_separator(head))
        .or_else(|| with_missing_columns(head).filter(|_| is_valid));
    if let Some(error) = explained {
        return error;
    }
    let preamble = match &head.preamble {
        Ok(preamble) => preamble,
        Err(error) => return error.clone(),
    };
    let header = if preamble.header.len() > 1 { preamble.header.clone() } else { head.names() };
    let forms = |about: &'static About| about.forms.iter().map(|form| format!("{}: {form}", about.id));
    let known: Vec<_> = super::sources().flat_map(forms).collect();
    SourceError::new("unknown-format", &head.file, preamble.line, "the header is of no known format")
        .at("header", header.join(","))
        .with_hint(format!("known formats are\n  {}", known.join("\n  ")))
}

/// Whether content looks like UTF-16 without a byte order mark: every second byte of its beginning is zero,
/// and no other.
fn is_unmarked_utf16(bytes: &[u8]) -> bool {
    let (pairs, _) = bytes.get(..64).unwrap_or(bytes).as_chunks::<2>();
    let is_zero = |place: usize| move |pair: &[u8; 2]| pair.get(place) == Some(&0);
    let fits =
        |zero: usize, letter: usize| pairs.iter().all(is_zero(zero)) && !pairs.iter().any(is_zero(letter));
    pairs.len() > 2 && (fits(0, 1) || fits(1, 0))
}

/// Explains JSON of no known format.
fn unknown_json(head: &Head) -> SourceError {
    let refuse = |code, message: String| SourceError::new(code, &head.file, 0, message);
    if head.is_empty_json() {
        return refuse(SourceError::NO_ROWS, "the JSON is empty".to_owned())
            .with_hint("is the download complete, and does the query have a result?");
    }
    const KNOWN_JSON: &str = "JSON of UN Comtrade, the World Bank's indicators and the Global Trade Alert \
                              is read; write other tables as csv";
    let object = first_object(&head.bytes).unwrap_or_default();
    let is = |member: &str, value: &str| object.get(member).and_then(Value::as_str) == Some(value);
    let geojson = is("type", "FeatureCollection") || is("type", "Feature") || is("type", "Topology");
    let (what, hint) = if geojson || begins_as_geojson(head) {
        (
            "this is GeoJSON: shapes on a map, not statistics".to_owned(),
            "hand in the table of figures that it was made from",
        )
    } else if is("class", "dataset") || head.text().contains("\"class\":\"dataset\"") {
        ("this is JSON-stat, which is not read".to_owned(), "request SDMX-CSV instead (format=SDMX-CSV)")
    } else if is_json_lines(head) {
        (
            "this is JSON with a line for each record, which is not read".to_owned(),
            "write the records as one array, or as csv",
        )
    } else {
        (format!("this is JSON of no known format{}", members(&object)), KNOWN_JSON)
    };
    refuse("unknown-format", what).with_hint(hint)
}

/// Whether a file begins like GeoJSON. Its first object may be longer than the beginning.
fn begins_as_geojson(head: &Head) -> bool {
    let begin: String = head.text().chars().take(512).filter(|letter| !letter.is_whitespace()).collect();
    ["FeatureCollection", "Topology"].iter().any(|kind| begin.contains(&format!("\"type\":\"{kind}\"")))
}

/// Whether a second object follows the first.
fn is_json_lines(head: &Head) -> bool {
    let mut objects = serde_json::Deserializer::from_slice(&head.bytes).into_iter::<Value>();
    let next_is_object = |found: Option<Result<Value, _>>| matches!(found, Some(Ok(Value::Object(_))));
    next_is_object(objects.next()) && next_is_object(objects.next())
}

/// The members of an object, for an error.
fn members(object: &Map<String, Value>) -> String {
    let names: Vec<_> = object.keys().take(MAX_LISTED_MEMBERS).map(String::as_str).collect();
    if names.is_empty() { String::new() } else { format!(": its members are {}", names.join(", ")) }
}

/// Explains a web page or XML.
fn web_page(head: &Head) -> Option<SourceError> {
    let text = head.text();
    let begin = text.trim_start_matches('\u{feff}').trim_start().get(..64).unwrap_or(&text).to_lowercase();
    let what = match &*begin {
        begin if begin.starts_with("<!doctype html") || begin.starts_with("<html") => "a web page (HTML)",
        begin if begin.starts_with('<') => "XML",
        _ => return None,
    };
    Some(SourceError::new("unknown-format", &head.file, 0, format!("this is {what}, not a table")).with_hint(
        "download the file that the page links to; publishers also answer with a page if a key is missing",
    ))
}

/// Explains a list of countries, which publishers such as CEPII provide beside their files.
fn country_list(head: &Head) -> Option<SourceError> {
    let names: Vec<_> = head.names().iter().map(|name| letters_and_digits(name)).collect();
    let has = |name: &str| names.iter().any(|own| own.starts_with(name));
    let is_list =
        names.len() <= 8 && has("countrycode") && has("countryname") && (has("countryiso") || has("iso"));
    is_list.then(|| {
        SourceError::new(
            "unknown-format",
            &head.file,
            1,
            "this is a list of countries, not a table of figures",
        )
        .at("header", names.join(","))
        .with_hint("hand in the files of figures that it belongs to: their country codes are known")
    })
}

/// Explains a tidy table or BACI whose separator is not the comma.
fn with_other_separator(head: &Head) -> Option<SourceError> {
    let (what, separator) = match records::detect_dialect(head).delimiter {
        b';' => ("semicolons", ';'),
        b'\t' => ("tabs", '\t'),
        b'|' => ("bars", '|'),
        _ => return None,
    };
    // The preamble has the header as one name, because it splits at commas.
    let line = head.preamble.as_ref().ok()?.header.join(",");
    let names: Vec<_> = line.split(separator).map(|name| name.trim().trim_matches('"').to_owned()).collect();
    (baci::has_columns_like(&names) || tidy::has_columns_like(&names)).then(|| {
        let line = head.preamble.as_ref().map_or(1, |preamble| preamble.line);
        let message = format!("the columns are separated by {what}");
        SourceError::new("unknown-separator", &head.file, line, message)
            .at("header", names.join(","))
            .with_hint("change decimal commas to points, then save the file with commas between its columns")
    })
}

/// Explains a table that has most of the columns of a known format.
fn with_missing_columns(head: &Head) -> Option<SourceError> {
    let header = head.names();
    let plain: Vec<_> = header.iter().map(|name| letters_and_digits(name)).collect();
    let mut best: Option<(usize, usize, &'static dyn Source, Vec<&'static str>)> = None;
    for source in SOURCES {
        let needs = source.needs();
        let has =
            |names: &&Vec<&'static str>| names.iter().any(|name| plain.contains(&letters_and_digits(name)));
        let missing: Vec<_> =
            needs.iter().filter(|names| !has(names)).filter_map(|names| names.first().copied()).collect();
        let found = needs.len().saturating_sub(missing.len());
        let is_like = found >= 2 && found * 2 >= needs.len() && !missing.is_empty();
        let is_better = |(other, needed, ..): &(usize, usize, _, _)| found * needed > other * needs.len();
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
            .with_hint(format!("the other columns are those of {}: {}", about.title, about.forms.join("; "))),
    )
}
