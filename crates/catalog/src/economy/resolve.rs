//! Resolves what a source or a person writes to an economy.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{Economy, aliases, economies, economy};
use crate::code::{CodeKind, UnknownCode, closest};

/// Maximum length of a text that may name an economy, including remarks, in bytes.
const MAX_NAME_BYTES: usize = 1_024;

/// How a source names economies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// ISO 3166-1 alpha-3 in capitals.
    Iso3,
    /// ISO 3166-1 alpha-2 in capitals. `NA` is Namibia, `CG` the Republic of the Congo.
    Iso2,
    /// Numbers of UN Comtrade and BACI: ISO 3166-1 numeric except for 842 USA, 699 India, 251 France, 490
    /// Taiwan and others. The ISO numbers of these are accepted too, unless trade statistics use them for
    /// something else.
    Numeric,
    /// Worldwide Governance Indicators: alpha-3, and the old codes of the World Bank `ADO`, `KSV`, `ROM`,
    /// `TMP`, `WBG`, `ZAR`.
    Wgi,
    /// Names of the US Geological Survey. Footnote digits and a remark in parentheses after the name are
    /// accepted.
    Usgs,
    /// Names of the British Geological Survey.
    Bgs,
    /// Any of these, in upper or lower case. `CG` is refused as ambiguous: some sources use it for the
    /// Republic of the Congo, others for the Democratic Republic of the Congo.
    Any,
}

/// Resolves `text` to the economy that it names in `scheme`. Surrounding blanks are ignored.
///
/// # Errors
/// [`UnknownCode`] with a suggestion; with `aggregate` set if `text` names the world, a region or a residual.
/// If several economies share a name, such as `Congo`, the suggestion lists them.
pub fn resolve_economy(scheme: Scheme, text: &str) -> Result<&'static Economy, UnknownCode> {
    let text = text.trim();
    find(scheme, text).ok_or_else(|| unknown_economy(text, Search::Similar))
}

/// As [`resolve_economy`], but does not search for similar names and codes. Fast enough for millions of
/// texts; the error has a suggestion only if a table of other names has one.
///
/// # Errors
/// As [`resolve_economy`].
pub fn look_up_economy(scheme: Scheme, text: &str) -> Result<&'static Economy, UnknownCode> {
    let text = text.trim();
    find(scheme, text).ok_or_else(|| unknown_economy(text, Search::Tables))
}

fn find(scheme: Scheme, text: &str) -> Option<&'static Economy> {
    if text.len() > MAX_NAME_BYTES {
        return None;
    }
    match scheme {
        Scheme::Iso3 => economy(text),
        Scheme::Iso2 => by_iso2(text),
        Scheme::Numeric => by_number(text),
        Scheme::Wgi => economy(text).or_else(|| by_letters(text)),
        Scheme::Usgs => by_remarked_name(text),
        Scheme::Bgs => by_name(&fold(text)),
        Scheme::Any => by_anything(text),
    }
}

/// Where to search for a suggestion.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Search {
    /// Only in the tables of other names.
    Tables,
    /// Also among all names and codes, for similar ones.
    Similar,
}

/// Number of an economy in UN Comtrade, by its alpha-3 code. `None` if it has no number, or if there is no
/// such economy.
#[must_use]
pub fn comtrade_number(iso3: &str) -> Option<u16> {
    let special = aliases::COMTRADE.binary_search_by(|(code, _)| (*code).cmp(iso3)).ok();
    let special = special.and_then(|index| aliases::COMTRADE.get(index)).map(|(_, number)| *number);
    special.or_else(|| economy(iso3)?.numeric)
}

/// Lookup tables in other orders than that of the table of economies.
struct Index {
    iso2: BTreeMap<&'static str, &'static Economy>,
    numeric: BTreeMap<u16, &'static Economy>,
    names: BTreeMap<String, &'static Economy>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let alias = |&(name, iso3): &(&str, &str)| Some((name.to_owned(), economy(iso3)?));
    let names = economies().iter().map(|economy| (fold(economy.name), economy));
    Index {
        iso2: economies().iter().filter_map(|economy| Some((economy.iso2?, economy))).collect(),
        numeric: economies().iter().filter_map(|economy| Some((economy.numeric?, economy))).collect(),
        names: names.chain(aliases::NAMES.iter().filter_map(alias)).collect(),
    }
});

fn by_iso2(text: &str) -> Option<&'static Economy> {
    INDEX.iso2.get(text).copied()
}

fn by_number(text: &str) -> Option<&'static Economy> {
    let number = parse_number(text)?;
    if sorted_get(aliases::NUMERIC_AGGREGATES, number).is_some() {
        return None;
    }
    match sorted_get(aliases::NUMERIC, number) {
        Some(iso3) => economy(iso3),
        None => INDEX.numeric.get(&number).copied(),
    }
}

fn by_letters(text: &str) -> Option<&'static Economy> {
    sorted_get(aliases::LETTERS, text).and_then(economy)
}

fn by_name(folded: &str) -> Option<&'static Economy> {
    INDEX.names.get(folded).copied()
}

/// Finds a name that may end with footnote digits (`China6`) or a remark (`Brazil (beneficiated)`).
fn by_remarked_name(text: &str) -> Option<&'static Economy> {
    let bare = text.trim_end_matches(|c: char| c.is_ascii_digit() || c == ',').trim_end();
    let unremarked = || bare.split_once('(').map(|(name, _remark)| fold(name));
    by_name(&fold(text)).or_else(|| by_name(&fold(bare))).or_else(|| by_name(&unremarked()?))
}

fn by_anything(text: &str) -> Option<&'static Economy> {
    if ambiguous(text).is_some() {
        return None;
    }
    let capitals = text.to_uppercase();
    economy(&capitals)
        .or_else(|| by_iso2(&capitals))
        .or_else(|| by_letters(&capitals))
        .or_else(|| by_number(text))
        .or_else(|| by_remarked_name(text))
}

/// Creates the error for a `text` that names no economy in the scheme.
fn unknown_economy(text: &str, search: Search) -> UnknownCode {
    if text.len() > MAX_NAME_BYTES {
        return UnknownCode::new(CodeKind::Economy, text, None);
    }
    if let Some(meaning) = aggregate(text) {
        return UnknownCode::aggregate(CodeKind::Economy, text, meaning);
    }
    let label = |economy: &Economy| economy.label();
    let suggestion = ambiguous(text)
        .map(|several| {
            several.iter().filter_map(|iso3| economy(iso3)).map(label).collect::<Vec<_>>().join(" or ")
        })
        .or_else(|| by_anything(text).map(label))
        .or_else(|| similar(search, || similar_name(text).map(label)))
        .or_else(|| similar(search, || similar_code(text)));
    UnknownCode::new(CodeKind::Economy, text, suggestion)
}

fn similar<T>(search: Search, found: impl FnOnce() -> Option<T>) -> Option<T> {
    if search == Search::Similar { found() } else { None }
}

/// Describes what `text` stands for if it is a total, a region or a residual.
fn aggregate(text: &str) -> Option<&'static str> {
    let folded = fold(text);
    let by_number = || sorted_get(aliases::NUMERIC_AGGREGATES, parse_number(text)?);
    let by_word = || match folded.split(' ').next() {
        Some("world") => Some("the world total"),
        Some("other" | "others") => Some("a residual of economies that the source does not list"),
        _ => None,
    };
    sorted_get(aliases::LETTER_AGGREGATES, text.to_uppercase().as_str())
        .or_else(|| sorted_get(aliases::NAME_AGGREGATES, folded.as_str()))
        .or_else(by_number)
        .or_else(by_word)
}

fn ambiguous(text: &str) -> Option<&'static [&'static str]> {
    let folded = fold(text);
    aliases::AMBIGUOUS.iter().find(|(name, _)| *name == folded).map(|&(_, several)| several)
}

fn similar_name(text: &str) -> Option<&'static Economy> {
    let folded = fold(text);
    let long = folded.chars().count() > 3;
    long.then(|| closest(&folded, INDEX.names.keys().map(String::as_str))).flatten().and_then(by_name)
}

/// Lists the economies whose alpha-3 code differs by one typing mistake. `None` if there are none or more
/// than three.
fn similar_code(text: &str) -> Option<String> {
    // One mistake turns a code of three letters into one of two to four.
    if !(2..=4).contains(&text.chars().count()) {
        return None;
    }
    let capitals = text.to_uppercase();
    let near = |economy: &&Economy| strsim::osa_distance(&capitals, economy.iso3) == 1;
    let labels: Vec<_> = economies().iter().filter(near).map(Economy::label).collect();
    (1..=3).contains(&labels.len()).then(|| labels.join(" or "))
}

/// Parses one to four digits, with or without leading zeros.
fn parse_number(text: &str) -> Option<u16> {
    let digits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Finds the value of `key` in a table that is sorted by key.
fn sorted_get<K: Ord>(table: &[(K, &'static str)], key: K) -> Option<&'static str> {
    let found = table.binary_search_by(|(entry, _)| entry.cmp(&key)).ok()?;
    table.get(found).map(|&(_, value)| value)
}

/// Normalises a name for lookups: lower case, no accents or punctuation, words separated by one space.
pub(crate) fn fold(name: &str) -> String {
    let letters: String = name.to_lowercase().chars().map(without_accent).collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn without_accent(letter: char) -> char {
    match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        letter if letter.is_alphanumeric() => letter,
        _ => ' ',
    }
}
