//! The beginning of a file of lines: `# key: value` lines that describe it, then the names of its columns.
use std::collections::BTreeSet;

use orewatch_contracts::ingestion::v1::Table;

use super::lines::{BOM, Lines};
use super::row::{MAX_FIELDS, Row};
use super::{Head, SourceError, nearest};

/// Upper bound on the lines that describe a file.
const MAX_KEYS: usize = 64;

/// The lines of a file up to its header.
#[derive(Clone, Debug)]
pub struct Preamble {
    /// File name.
    pub file: String,
    /// `# key: value` lines: line number, key, value.
    pub keys: Vec<(u64, String, String)>,
    /// Line of the header, from 1.
    pub line: u64,
    /// Names of the columns.
    pub header: Vec<String>,
}

/// The columns of one table of one format.
#[derive(Debug)]
pub struct Layout {
    /// What its rows are about.
    pub table: Table,
    /// Columns that must be there.
    pub required: &'static [&'static str],
    /// Columns that may be there.
    pub optional: &'static [&'static str],
}

impl Layout {
    /// All columns.
    fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.required.iter().chain(self.optional).copied()
    }

    /// How many of the columns a header has.
    pub(super) fn likeness(&self, header: &[String]) -> usize {
        self.columns().filter(|column| header.iter().any(|name| name.eq_ignore_ascii_case(column))).count()
    }

    /// The header as it should be.
    pub(super) fn expected(&self) -> String {
        let mut text = self.required.join(",");
        for column in self.optional {
            text.push_str("[,");
            text.push_str(column);
            text.push(']');
        }
        text
    }
}

/// Where the columns of a layout are in a file.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    places: [usize; MAX_FIELDS],
    /// Columns of the file that have a name. Fields behind them must be empty.
    pub(super) named: usize,
    /// Columns of the file.
    pub(super) count: usize,
}

impl Columns {
    /// Finds the columns of a layout, in any order.
    ///
    /// # Errors
    /// [`SourceError`] for a column that is missing, unknown, without a name or there twice.
    pub(super) fn find(layout: &Layout, preamble: &Preamble) -> Result<Self, SourceError> {
        let error = |code, value: &str, message: String| {
            SourceError::new(code, &preamble.file, preamble.line, message)
                .at("header", value)
                .with_hint(format!("expected {}", layout.expected()))
        };
        let ends = preamble.header.iter().rev().take_while(|name| name.is_empty()).count();
        let named = preamble.header.len().saturating_sub(ends);
        let header = preamble.header.get(..named).unwrap_or_default();
        if header.first().is_some_and(String::is_empty) {
            let message = "the first column has no name: does it hold row numbers that a program wrote?";
            return Err(error("unnamed-column", "", message.to_owned())
                .with_hint("write the file without them, with pandas by to_csv(FILE, index=False)"));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = header.iter().find(|name| !seen.insert(name.to_ascii_lowercase())) {
            return Err(error("duplicate-column", twice, format!("column `{twice}` is there twice")));
        }
        let is = |name: &str, column: &str| name.eq_ignore_ascii_case(column);
        let is_unknown = |name: &&String| !layout.columns().any(|column| is(name, column));
        let missing = layout.required.iter().find(|column| !seen.contains(**column));
        if let Some(missing) = missing {
            let unknown = header.iter().filter(is_unknown).map(String::as_str);
            let instead = nearest(missing, unknown)
                .map_or_else(String::new, |name| format!("; is `{name}` meant to be `{missing}`?"));
            let header = header.join(",");
            return Err(error("missing-column", &header, format!("column `{missing}` is missing{instead}")));
        }
        if let Some(unknown) = header.iter().find(is_unknown) {
            let meant = nearest(unknown, layout.columns())
                .map_or_else(String::new, |name| format!("; is it meant to be `{name}`?"));
            let message = format!("column `{unknown}` is not known{meant}");
            return Err(error("unknown-column", unknown, message));
        }
        let mut places = [usize::MAX; MAX_FIELDS];
        for (place, column) in places.iter_mut().zip(layout.columns()) {
            *place = header.iter().position(|name| is(name, column)).unwrap_or(usize::MAX);
        }
        Ok(Self { places, named, count: preamble.header.len() })
    }

    /// Whether the file has exactly the first `count` columns of the layout, in order.
    pub(super) fn are_in_order(&self, count: usize) -> bool {
        self.count == count && self.places.iter().take(count).enumerate().all(|(at, place)| at == *place)
    }

    /// Number in the file of a column of the layout, from 1; 0 if the file does not have it.
    pub(super) fn number(&self, column: usize) -> u32 {
        let place = self.places.get(column).and_then(|place| place.checked_add(1));
        place.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
    }

    /// Place in the file of a column of the layout, from 0. None: the file does not have it.
    pub(super) fn place(&self, column: usize) -> Option<usize> {
        self.places.get(column).copied().filter(|place| *place < self.count)
    }

    /// The field of a row in a column of the layout; empty if the file does not have it.
    pub(super) fn get<'a>(&self, row: &Row<'a>, column: usize) -> &'a str {
        self.places.get(column).map_or("", |place| row.get(*place))
    }
}

/// The layout that a header resembles most, and how many of its columns the header has.
pub(super) fn probe(layouts: &'static [Layout], head: &Head) -> Option<(usize, &'static Layout)> {
    closest_layout(layouts, head.columns())
}

/// The layout that column names resemble most, if they have at least half of its required columns.
pub(super) fn closest_layout(
    layouts: &'static [Layout],
    names: &[String],
) -> Option<(usize, &'static Layout)> {
    // `max_by_key` takes the last of equals; `rev` makes it the first.
    let likely = layouts.iter().rev().map(|layout| (layout.likeness(names), layout));
    let best = likely.max_by_key(|(likeness, _)| *likeness);
    best.filter(|(likeness, layout)| *likeness > 0 && likeness * 2 >= layout.required.len())
}

/// The layout of a file, and where its columns are.
///
/// # Errors
/// [`SourceError`] if the header resembles no layout, or lacks columns.
pub(super) fn recognise(
    layouts: &'static [Layout],
    head: &Head,
) -> Result<(&'static Layout, Columns), SourceError> {
    let preamble = head.preamble.as_ref().map_err(Clone::clone)?;
    let unknown = || SourceError::unknown_header(&head.file, preamble.line);
    let (_, layout) = probe(layouts, head).ok_or_else(unknown)?;
    Ok((layout, Columns::find(layout, preamble)?))
}

impl Preamble {
    /// Reads lines up to the header.
    pub(super) fn read(file: &str, lines: &mut Lines<'_>) -> Result<Self, SourceError> {
        let mut keys = Vec::new();
        let mut any = false;
        while let Some((line, text)) = lines.next()? {
            any = true;
            let text = text.trim();
            check_line(file, line, text)?;
            if let Some(comment) = text.strip_prefix('#') {
                if let Some((key, value)) = comment.split_once(':') {
                    keys.push((line, key.trim().to_owned(), value.trim().to_owned()));
                }
                if keys.len() > MAX_KEYS {
                    let message = format!("more than {MAX_KEYS} lines describe the file");
                    return Err(SourceError::new("too-many-metadata-keys", file, line, message));
                }
            } else if !text.is_empty() {
                let header = parse_header(file, line, text)?;
                return Ok(Self { file: file.to_owned(), keys, line, header });
            }
        }
        let (code, message) = match any {
            false => ("empty-file", "the file is empty"),
            true => ("missing-header", "the file has no header"),
        };
        Err(SourceError::new(code, file, 0, message)
            .with_hint("expected a line with the names of the columns, then rows"))
    }
}

/// Refuses characters that would become an invisible part of a name.
fn check_line(file: &str, line: u64, text: &str) -> Result<(), SourceError> {
    let refuse = |code, message, hint| Err(SourceError::new(code, file, line, message).with_hint(hint));
    if text.starts_with(BOM) {
        let message = "the line begins with a second byte order mark";
        return refuse("invalid-header", message, "was the file made by joining files? Remove the mark");
    }
    if text.contains('\r') {
        let message = "the lines end with a carriage return alone, as on the first Macs";
        return refuse("invalid-line-ends", message, "convert them: tr '\\r' '\\n' < OLD > NEW");
    }
    Ok(())
}

fn parse_header(file: &str, line: u64, text: &str) -> Result<Vec<String>, SourceError> {
    let refuse = |message: &str| SourceError::new("invalid-header", file, line, message).at("header", text);
    if text.contains('\0') {
        return Err(refuse("the header contains a NUL byte").with_hint("is this a text file?"));
    }
    let row = Row::split(text).map_err(|_| refuse("a quoted name does not end on its line"))?;
    if row.count > MAX_FIELDS {
        return Err(refuse("the header has more columns than any known format"));
    }
    Ok((0..row.count).map(|place| row.get(place).to_owned()).collect())
}
