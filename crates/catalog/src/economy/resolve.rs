//! From what a source or a person writes to an economy.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{Economy, aliases, economies, economy};
use crate::code::{Kind, UnknownCode, closest};

/// How a source names economies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// ISO 3166-1 alpha-3 in capitals.
    Iso3,
    /// ISO 3166-1 alpha-2 in capitals. `NA` is Namibia, `CG` the Republic of the Congo.
    Iso2,
    /// Numbers of UN Comtrade and BACI: ISO 3166-1 numeric but for 842 USA, 699 India, 251 France, 490 Taiwan and others.
    /// ISO's own numbers are understood as well where trade statistics do not use them for something else.
    Numeric,
    /// Worldwide Governance Indicators: alpha-3, and the World Bank's old codes `ADO`, `KSV`, `ROM`, `TMP`, `WBG`, `ZAR`.
    Wgi,
    /// Names of the US Geological Survey. A remark in parentheses and footnote digits after a known name are understood.
    Usgs,
    /// Names of the British Geological Survey.
    Bgs,
    /// Any of these, in any case. `CG` is refused: half of the sources mean the one Congo by it, half the other.
    Any,
}

/// The economy that `text` names in `scheme`. Blanks around it do not matter.
///
/// # Errors
/// [`UnknownCode`] with the entry that may have been meant; with `aggregate` set if `text` names the world, a region or a
/// residual. A name that several economies go by, such as `Congo`, is an error that lists them.
pub fn resolve_economy(scheme: Scheme, text: &str) -> Result<&'static Economy, UnknownCode> {
    let text = text.trim();
    find(scheme, text).ok_or_else(|| unknown(text, Search::Similar))
}

/// The same without a search for similar names and codes, for texts that come by the thousand: the error has a suggestion only
/// where a table has one.
///
/// # Errors
/// As [`resolve_economy`].
pub fn look_up_economy(scheme: Scheme, text: &str) -> Result<&'static Economy, UnknownCode> {
    let text = text.trim();
    find(scheme, text).ok_or_else(|| unknown(text, Search::Tables))
}

fn find(scheme: Scheme, text: &str) -> Option<&'static Economy> {
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

/// How far to look for what an unknown text may have meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Search {
    /// In tables of other names.
    Tables,
    /// There, and among all names and codes for similar ones.
    Similar,
}

/// Number of an economy with UN Comtrade, by its alpha-3 code. None: it has none, or there is no such economy.
#[must_use]
pub fn comtrade_number(iso3: &str) -> Option<u16> {
    let own = aliases::COMTRADE.binary_search_by(|(code, _)| (*code).cmp(iso3)).ok();
    let own = own.and_then(|place| aliases::COMTRADE.get(place)).map(|(_, number)| *number);
    own.or_else(|| economy(iso3)?.numeric)
}

/// Lookups that need another order than that of the table.
struct Index {
    iso2: BTreeMap<&'static str, &'static Economy>,
    numeric: BTreeMap<u16, &'static Economy>,
    names: BTreeMap<String, &'static Economy>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let aliased = |&(name, iso3): &(&str, &str)| Some((name.to_owned(), economy(iso3)?));
    let own = economies().iter().map(|economy| (fold(economy.name), economy));
    Index {
        iso2: economies().iter().filter_map(|economy| Some((economy.iso2?, economy))).collect(),
        numeric: economies().iter().filter_map(|economy| Some((economy.numeric?, economy))).collect(),
        names: own.chain(aliases::NAMES.iter().filter_map(aliased)).collect(),
    }
});

fn by_iso2(text: &str) -> Option<&'static Economy> {
    INDEX.iso2.get(text).copied()
}

fn by_number(text: &str) -> Option<&'static Economy> {
    let number = number(text)?;
    if get(aliases::NUMERIC_AGGREGATES, number).is_some() {
        return None;
    }
    match get(aliases::NUMERIC, number) {
        Some(iso3) => economy(iso3),
        None => INDEX.numeric.get(&number).copied(),
    }
}

fn by_letters(text: &str) -> Option<&'static Economy> {
    get(aliases::LETTERS, text).and_then(economy)
}

fn by_name(folded: &str) -> Option<&'static Economy> {
    INDEX.names.get(folded).copied()
}

/// A name that may carry footnote digits (`China6`) or a remark (`Brazil (beneficiated)`).
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

/// The error for `text`, which named nothing in the scheme at hand.
fn unknown(text: &str, search: Search) -> UnknownCode {
    if let Some(meaning) = aggregate(text) {
        return UnknownCode::aggregate(Kind::Economy, text, meaning);
    }
    let label = |economy: &Economy| economy.label();
    let suggestion = ambiguous(text)
        .map(|several| {
            several.iter().filter_map(|iso3| economy(iso3)).map(label).collect::<Vec<_>>().join(" or ")
        })
        .or_else(|| by_anything(text).map(label))
        .or_else(|| similar(search, || similar_name(text).map(label)))
        .or_else(|| similar(search, || similar_code(text)));
    UnknownCode::new(Kind::Economy, text, suggestion)
}

fn similar<T>(search: Search, found: impl FnOnce() -> Option<T>) -> Option<T> {
    if search == Search::Similar { found() } else { None }
}

/// What `text` means if it is a total, a region or a residual.
fn aggregate(text: &str) -> Option<&'static str> {
    let folded = fold(text);
    let by_number = || get(aliases::NUMERIC_AGGREGATES, number(text)?);
    let by_word = || match folded.split(' ').next() {
        Some("world") => Some("the world total"),
        Some("other" | "others") => Some("a residual of economies that the source does not list"),
        _ => None,
    };
    get(aliases::LETTER_AGGREGATES, text.to_uppercase().as_str())
        .or_else(|| get(aliases::NAME_AGGREGATES, folded.as_str()))
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

/// Up to three economies whose alpha-3 code is one slip away.
fn similar_code(text: &str) -> Option<String> {
    // One slip makes a code of three letters one of two to four.
    if !(2..=4).contains(&text.chars().count()) {
        return None;
    }
    let capitals = text.to_uppercase();
    let near = |economy: &&Economy| strsim::osa_distance(&capitals, economy.iso3) == 1;
    let labels: Vec<_> = economies().iter().filter(near).map(Economy::label).collect();
    (1..=3).contains(&labels.len()).then(|| labels.join(" or "))
}

/// One to four digits, with leading zeros or without.
fn number(text: &str) -> Option<u16> {
    let digits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// The value of `key` in a table sorted by key.
fn get<K: Ord>(table: &[(K, &'static str)], key: K) -> Option<&'static str> {
    let found = table.binary_search_by(|(entry, _)| entry.cmp(&key)).ok()?;
    table.get(found).map(|&(_, value)| value)
}

/// A name in lower case without accents and punctuation, its words separated by one space.
pub(crate) fn fold(name: &str) -> String {
    let letters: String = name.to_lowercase().chars().map(plain).collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn plain(letter: char) -> char {
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
