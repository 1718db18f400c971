//! Events of GDELT 2.0: what machines coded from the news, as corroboration of what texts say.
//!
//! A file has a row an event, 61 columns separated by tabs, no header, and is published every 15 minutes.
//! Source of the columns: "The GDELT Event Database, Data Format Codebook V2.0", 2015; of the event codes:
//! "CAMEO Event and Actor Codebook", version 1.1b3, 2012.
//!
//! Two codes are about trade: 163 (impose embargo, boycott or sanctions) and 1312 (threaten to do so), both
//! without the material. Codes 172 (administrative sanctions: curfews and the like) and 174 (expulsions) are
//! not about trade, whatever their names suggest. Actors have three letters, places two of FIPS 10-4, where
//! `CH` is China and `CG` the Democratic Republic of the Congo.
//!
//! One event has a row for each way in which it was coded. Rows of one day, code and pair of actors are one
//! event with several sources.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::civil::Date;
use orewatch_catalog::economy;

/// Columns of a row.
const COLUMNS: usize = 61;
/// Longest row, in bytes.
const MAX_ROW_BYTES: usize = 16 << 10;
/// Most addresses that are kept of an event.
const MAX_SOURCES: usize = 100;

/// Columns that are read, from 0.
mod column {
    pub(super) const ID: usize = 0;
    pub(super) const DAY: usize = 1;
    pub(super) const ACTOR: usize = 7;
    pub(super) const TARGET: usize = 17;
    pub(super) const CODE: usize = 26;
    pub(super) const PLACE: usize = 53;
    pub(super) const SOURCE: usize = 60;
}

/// Codes of events about trade, each with whether the event is threatened only.
const CODES: [(&str, bool); 2] = [("1312", true), ("163", false)];

static FIPS: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    let rows = include_str!("../rules/fips.tsv").lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| line.split_once('\t')).collect()
});

/// An embargo, boycott or sanction, or the threat of one, as GDELT coded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodedEvent {
    /// The smallest identifier of its rows.
    pub id: u64,
    /// Day of the event.
    pub day: Date,
    /// Alpha-3 code of who acts.
    pub actor: &'static str,
    /// Alpha-3 code of who is acted upon. `None` if it is not coded.
    pub target: Option<&'static str>,
    /// Alpha-3 code of where it happened. `None` if it is not coded.
    pub place: Option<&'static str>,
    /// Whether it is threatened only.
    pub threatened: bool,
    /// Addresses of the reports, each once.
    pub sources: Vec<String>,
}

/// Why a row cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {row}: {reason}")]
pub struct GdeltError {
    /// Number of the row, from 1.
    pub row: usize,
    /// What is wrong.
    pub reason: String,
}

/// Reads the events about trade between economies of the catalogue, in the order of their identifiers, and
/// what is wrong with rows. Rows about anything else are passed over.
pub fn read_gdelt(text: &str) -> (Vec<CodedEvent>, Vec<GdeltError>) {
    let mut events: BTreeMap<(Date, bool, &'static str, Option<&'static str>), CodedEvent> = BTreeMap::new();
    let mut errors = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        match read_row(line) {
            Ok(Some(event)) => {
                let key = (event.day, event.threatened, event.actor, event.target);
                match events.get_mut(&key) {
                    Some(known) => add_row(known, event),
                    None => {
                        events.insert(key, event);
                    }
                }
            }
            Ok(None) => {}
            Err(reason) => errors.push(GdeltError { row: index + 1, reason }),
        }
    }
    let mut events: Vec<CodedEvent> = events.into_values().collect();
    events.sort_by_key(|event| event.id);
    (events, errors)
}

fn add_row(known: &mut CodedEvent, row: CodedEvent) {
    known.id = known.id.min(row.id);
    known.place = known.place.or(row.place);
    for source in row.sources {
        if known.sources.len() < MAX_SOURCES && !known.sources.contains(&source) {
            known.sources.push(source);
        }
    }
}

/// The event of a row. `None` if it is not about trade, or nobody of the catalogue acts.
fn read_row(line: &str) -> Result<Option<CodedEvent>, String> {
    if line.len() > MAX_ROW_BYTES {
        return Err(format!("the row has {} bytes, more than {MAX_ROW_BYTES}", line.len()));
    }
    let cells: Vec<&str> = line.split('\t').collect();
    if cells.len() != COLUMNS {
        return Err(format!("the row has {} columns instead of {COLUMNS}", cells.len()));
    }
    let cell = |index: usize| cells.get(index).copied().unwrap_or_default().trim();
    let Some((_, threatened)) = CODES.iter().find(|(code, _)| *code == cell(column::CODE)) else {
        return Ok(None);
    };
    let Some(actor) = economy(cell(column::ACTOR)) else { return Ok(None) };
    let id = cell(column::ID).parse().map_err(|_| format!("`{}` is no identifier", cell(column::ID)))?;
    let day = parse_day(cell(column::DAY)).ok_or_else(|| format!("`{}` is no day", cell(column::DAY)))?;
    let source = Some(cell(column::SOURCE)).filter(|source| !source.is_empty());
    Ok(Some(CodedEvent {
        id,
        day,
        actor: actor.iso3,
        target: economy(cell(column::TARGET)).map(|target| target.iso3),
        place: FIPS.get(cell(column::PLACE)).copied(),
        threatened: *threatened,
        sources: source.into_iter().map(str::to_owned).collect(),
    }))
}

/// A day as `20250404`.
fn parse_day(text: &str) -> Option<Date> {
    let is_day = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let part = |start: usize, end: usize| text.get(start..end).filter(|_| is_day);
    let year = part(0, 4)?.parse().ok()?;
    Date::new(year, part(4, 6)?.parse().ok()?, part(6, 8)?.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[(usize, &str)]) -> String {
        let mut row = vec![""; COLUMNS];
        for (index, cell) in cells {
            row[*index] = *cell;
        }
        row.join("\t")
    }

    #[test]
    fn rows_of_one_event_are_one_with_several_sources() {
        let first = [
            (0, "11"),
            (1, "20250404"),
            (7, "CHN"),
            (17, "USA"),
            (26, "163"),
            (53, "CH"),
            (60, "https://a.example"),
        ];
        let second =
            [(0, "10"), (1, "20250404"), (7, "CHN"), (17, "USA"), (26, "163"), (60, "https://b.example")];
        let other = [(0, "12"), (1, "20250404"), (7, "CHN"), (26, "174")];
        let text = [row(&first), row(&second), row(&other), row(&first)].join("\n");
        let (events, errors) = read_gdelt(&text);
        assert!(errors.is_empty());
        assert_eq!(events.len(), 1);
        assert_eq!((events[0].id, events[0].place, events[0].sources.len()), (10, Some("CHN"), 2));
    }

    #[test]
    fn rows_that_are_none_say_why() {
        let bad_day = row(&[(0, "1"), (1, "20251399"), (7, "CHN"), (26, "163")]);
        let (events, errors) = read_gdelt(&format!("a\tb\n{bad_day}\n\n"));
        assert!(events.is_empty());
        let reasons: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(reasons, ["row 1: the row has 2 columns instead of 61", "row 2: `20251399` is no day"]);
    }

    #[test]
    fn places_are_economies_of_the_catalogue() {
        assert!(FIPS.values().all(|code| economy(code).is_some()));
        assert_eq!(FIPS.get("CG"), Some(&"COD"));
        assert_eq!(FIPS.get("CF"), Some(&"COG"));
    }
}
