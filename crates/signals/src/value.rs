//! What is found in a text: candidates with fields, each with its characters and the rule that found it.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;

use crate::span::Span;

/// What happened, or was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Parties agreed on something, such as a partnership.
    Agreement,
    /// Trade is forbidden.
    Ban,
    /// Somebody states a figure. It is no event, but a candidate row of the claims.
    Claim,
    /// Trade is restricted in a way that the text does not specify.
    Control,
    /// Money is or will be spent.
    Investment,
    /// Trade requires a licence.
    Licence,
    /// A list, such as that of critical materials, changes.
    List,
    /// Parties meet.
    Meeting,
    /// Somebody commits to something.
    Pledge,
    /// The amount that may be traded is limited.
    Quota,
    /// Somebody says something of which none of the other kinds is found.
    Statement,
    /// Trade is taxed.
    Tariff,
}

impl Kind {
    /// All kinds, by identifier.
    pub const ALL: [Self; 12] = [
        Self::Agreement,
        Self::Ban,
        Self::Claim,
        Self::Control,
        Self::Investment,
        Self::Licence,
        Self::List,
        Self::Meeting,
        Self::Pledge,
        Self::Quota,
        Self::Statement,
        Self::Tariff,
    ];

    /// The identifier, such as `ban`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agreement => "agreement",
            Self::Ban => "ban",
            Self::Claim => "claim",
            Self::Control => "control",
            Self::Investment => "investment",
            Self::Licence => "licence",
            Self::List => "list",
            Self::Meeting => "meeting",
            Self::Pledge => "pledge",
            Self::Quota => "quota",
            Self::Statement => "statement",
            Self::Tariff => "tariff",
        }
    }

    /// Finds a kind by its identifier.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether it restricts trade.
    pub const fn is_restriction(self) -> bool {
        matches!(self, Self::Ban | Self::Control | Self::Licence | Self::Quota | Self::Tariff)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a field says of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldName {
    /// Who acts, or whom a claim is about: an economy, bloc or organisation.
    Actor,
    /// How much: a share, mass, sum or count.
    Amount,
    /// When it happened or was announced; for a claim the period of the figure.
    Date,
    /// First day in force.
    From,
    /// A material of the catalogue.
    Material,
    /// A product, such as magnets.
    Product,
    /// Who reports it: a medium.
    Reporter,
    /// Who says it. A role and where the speaker belongs, such as `official:USA`, or an organisation.
    Speaker,
    /// A stage of the supply chain.
    Stage,
    /// Day until which it is suspended.
    SuspendedUntil,
    /// Towards whom: an economy or bloc.
    Target,
    /// Last day in force, or the day by which something shall be done.
    Until,
}

impl FieldName {
    /// The name as a word, such as `suspended-until`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Amount => "amount",
            Self::Date => "date",
            Self::From => "from",
            Self::Material => "material",
            Self::Product => "product",
            Self::Reporter => "reporter",
            Self::Speaker => "speaker",
            Self::Stage => "stage",
            Self::SuspendedUntil => "suspended-until",
            Self::Target => "target",
            Self::Until => "until",
        }
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A day, or the days of a week, month or year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Days {
    /// First day.
    pub first: Date,
    /// Last day.
    pub last: Date,
}

impl Days {
    /// A single day.
    pub const fn day(date: Date) -> Self {
        Self { first: date, last: date }
    }

    /// Whether it is a single day.
    pub fn is_day(self) -> bool {
        self.first == self.last
    }
}

impl fmt::Display for Days {
    /// `2025-11-01` for a day, `2025-06` for a month, `2025` for a year, and first and last day otherwise.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last } = *self;
        let begins_year = first.month() == 1 && first.day() == 1;
        let same_year = first.year() == last.year();
        if self.is_day() {
            write!(f, "{first}")
        } else if begins_year && same_year && last.month() == 12 && last.day() == 31 {
            write!(f, "{:04}", first.year())
        } else if first.day() == 1 && last == first.last_of_month() {
            write!(f, "{:04}-{:02}", first.year(), first.month())
        } else {
            write!(f, "{first}/{last}")
        }
    }
}

/// An amount or a range, as it is written: a range may be upside down.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// The number, or the first one of a range.
    pub low: f64,
    /// The second number of a range. `None` if the amount is at least `low`.
    pub high: Option<f64>,
    /// Unit: `%`, `t`, a currency such as `USD`, or what is counted, such as `projects`.
    pub unit: &'static str,
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.low)?;
        match self.high {
            None => write!(f, "..")?,
            Some(high) if high.total_cmp(&self.low).is_ne() => write!(f, "..{high}")?,
            Some(_) => {}
        }
        write!(f, " {}", self.unit)
    }
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A code of the catalogue, or a word of the tables of rules.
    Code(String),
    /// A day or days.
    Days(Days),
    /// An amount.
    Quantity(Quantity),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => f.write_str(code),
            Self::Days(days) => days.fmt(f),
            Self::Quantity(quantity) => quantity.fmt(f),
        }
    }
}

/// A value with the characters that say it, and the rule that read them.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// What it says.
    pub name: FieldName,
    /// The value.
    pub value: Value,
    /// The characters of the normalised text.
    pub span: Span,
    /// Identifier of the rule, as the tables of rules have it.
    pub rule: &'static str,
}

/// Why a person should look twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flag {
    /// A name of several economies that the text leaves open.
    AmbiguousName(String),
    /// What is over: lifted or abolished.
    Ended,
    /// It happened, by the text, after the day of publication.
    FutureDate,
    /// The day of publication is not known, so that relative dates are left out.
    NoPublicationDay,
    /// A share above 100 %.
    PercentOver100,
    /// It is considered, demanded or threatened, not decided.
    Possible,
    /// The range ends below its beginning.
    RangeUpsideDown,
    /// The document calls itself satire.
    Satire,
    /// The text, a sentence of it, or the number of candidates is above a limit: the rest was not read.
    TooLong,
    /// The document says that something was withdrawn or corrected.
    Withdrawn,
}

impl Flag {
    /// The flag as a word, such as `future-date`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AmbiguousName(_) => "ambiguous-name",
            Self::Ended => "ended",
            Self::FutureDate => "future-date",
            Self::NoPublicationDay => "no-publication-day",
            Self::PercentOver100 => "percent-over-100",
            Self::Possible => "possible",
            Self::RangeUpsideDown => "range-upside-down",
            Self::Satire => "satire",
            Self::TooLong => "too-long",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AmbiguousName(name) => write!(f, "{}: {name}", self.as_str()),
            _ => f.pad(self.as_str()),
        }
    }
}

/// A signal or claim that a text seems to make. It counts for nothing until it is confirmed.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// What it is.
    pub kind: Kind,
    /// The sentence, or the part of one, that it was found in.
    pub span: Span,
    /// Identifier of the rule that found it.
    pub rule: &'static str,
    /// What is known of it. A name may be there several times, a value of a name once.
    pub fields: Vec<Field>,
    /// Why to look twice.
    pub flags: BTreeSet<Flag>,
    /// Number of the sentence.
    pub(crate) sentence: usize,
}

impl Candidate {
    pub(crate) fn new(kind: Kind, span: Span, rule: &'static str) -> Self {
        Self { kind, span, rule, fields: Vec::new(), flags: BTreeSet::new(), sentence: 0 }
    }

    /// Adds a field unless its value is there already.
    pub(crate) fn add(&mut self, field: Field) {
        let known = |other: &Field| other.name == field.name && other.value == field.value;
        if !self.fields.iter().any(known) {
            self.fields.push(field);
        }
    }

    /// Adds a code.
    pub(crate) fn add_code(&mut self, name: FieldName, code: &str, span: Span, rule: &'static str) {
        self.add(Field { name, value: Value::Code(code.to_owned()), span, rule });
    }

    /// The values of a name, as texts in a fixed order.
    pub fn values(&self, name: FieldName) -> BTreeSet<String> {
        self.fields.iter().filter(|field| field.name == name).map(|field| field.value.to_string()).collect()
    }

    /// Whether there is a value of a name.
    pub(crate) fn has(&self, name: FieldName) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_are_written_as_short_as_they_are_exact() {
        let days = |first, last| Days { first, last }.to_string();
        assert_eq!(Days::day(date(2025, 11, 1)).to_string(), "2025-11-01");
        assert_eq!(days(date(2025, 6, 1), date(2025, 6, 30)), "2025-06");
        assert_eq!(days(date(2024, 1, 1), date(2024, 12, 31)), "2024");
        assert_eq!(days(date(2025, 5, 12), date(2025, 5, 18)), "2025-05-12/2025-05-18");
    }

    #[test]
    fn quantities_keep_ranges_as_they_are_written() {
        let text = |low, high, unit| Quantity { low, high, unit }.to_string();
        assert_eq!(text(47.0, Some(87.0), "%"), "47..87 %");
        assert_eq!(text(87.0, Some(47.0), "%"), "87..47 %");
        assert_eq!(text(90.0, None, "%"), "90.. %");
        assert_eq!(text(1.5e9, Some(1.5e9), "EUR"), "1500000000 EUR");
    }

    #[test]
    fn kinds_are_found_by_their_identifier() {
        assert!(Kind::ALL.iter().all(|kind| Kind::parse(kind.as_str()) == Some(*kind)));
        assert!(Kind::ALL.is_sorted_by_key(|kind| kind.as_str()));
        assert_eq!(Kind::parse("gossip"), None);
    }
}
