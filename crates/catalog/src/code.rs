//! The error of every lookup: a code that no table knows, with what it may have meant.

use std::fmt;

/// What a code was expected to name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A country or territory.
    Economy,
    /// A set of economies.
    Bloc,
    /// A consumer: the world, a bloc or an economy.
    Consumer,
    /// A critical material.
    Material,
    /// A stage of the chain.
    Stage,
    /// A unit of mass.
    Unit,
    /// What a mass weighs: content, gross, a compound.
    Basis,
    /// A revision of the Harmonized System.
    HsRevision,
    /// A list of product codes.
    Nomenclature,
    /// A named formula over a market.
    Measure,
    /// A parameter of a method.
    Parameter,
    /// A kind of restriction of exports.
    Restriction,
    /// How the figures of a dataset come about.
    DatasetKind,
}

impl Kind {
    /// The word for it in messages and error codes: `unknown-` followed by this word.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Economy => "economy",
            Kind::Bloc => "bloc",
            Kind::Consumer => "consumer",
            Kind::Material => "material",
            Kind::Stage => "stage",
            Kind::Unit => "unit",
            Kind::Basis => "basis",
            Kind::HsRevision => "HS revision",
            Kind::Nomenclature => "nomenclature",
            Kind::Measure => "measure",
            Kind::Parameter => "parameter",
            Kind::Restriction => "restriction",
            Kind::DatasetKind => "dataset kind",
        }
    }

    /// How it is written, where that can be said in a sentence.
    fn forms(self) -> &'static str {
        match self {
            Kind::Economy => "write an ISO 3166-1 alpha-3 code, such as CHN",
            Kind::Bloc => "write the code of a bloc, such as G7 or EU27",
            Kind::Consumer => "write an ISO 3166-1 alpha-3 code, a bloc such as G7 or EU27, or WLD",
            Kind::Material => "write a material as in rare-earths or cobalt",
            Kind::Stage => "write mined, refined or manufactured",
            Kind::Nomenclature => {
                "write HS92 to HS22, CN2024, or the name of a list of your own in lower-case letters"
            }
            Kind::DatasetKind => "write reconciled, declarations, tables or supplement",
            Kind::Unit => "write kg, t, kt or Mt, metric; a short ton is 0.907185 t, a long ton 1.016047 t",
            Kind::Basis => "write content, gross, or the compound that is weighed, such as rare-earth-oxide",
            Kind::HsRevision | Kind::Measure | Kind::Parameter | Kind::Restriction => "",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A code that names no entry of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCode {
    /// What the code was expected to name.
    pub kind: Kind,
    /// The code as given.
    pub value: String,
    /// The entry or entries that may have been meant, such as `COD (Congo, Democratic Republic)`. None: nothing is close.
    pub suggestion: Option<String>,
    /// The code is known, and names a world total, a region or a residual instead of one economy.
    pub aggregate: bool,
}

impl UnknownCode {
    /// The error for a `value` that is close to none or some of `known`, the entries of the table as they should be written.
    pub fn closest<'a>(kind: Kind, value: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(kind, value, closest(value, known).map(str::to_owned))
    }

    /// The error for a `value` that is an entry of `known` in other letters, or goes by one of `others`, pairs of another name
    /// and the entry that it stands for; else as [`UnknownCode::closest`] says.
    pub(crate) fn alias<'a>(
        kind: Kind,
        value: &str,
        known: impl Iterator<Item = &'a str> + Clone,
        others: &[(&str, &str)],
    ) -> Self {
        let wanted = value.trim().to_lowercase().replace(['_', ' '], "-");
        let same = known.clone().find(|entry| *entry == wanted).map(str::to_owned);
        let other = || others.iter().find(|(name, _)| *name == wanted).map(|&(_, entry)| entry.to_owned());
        match same.or_else(other) {
            Some(meant) => Self::new(kind, value, Some(meant)),
            None => Self::closest(kind, value, known),
        }
    }

    /// The error for a code that no table knows.
    pub(crate) fn new(kind: Kind, value: &str, suggestion: Option<String>) -> Self {
        Self { kind, value: value.to_owned(), suggestion, aggregate: false }
    }

    /// The error for a code that names `meaning`, a sum over several economies.
    pub(crate) fn aggregate(kind: Kind, value: &str, meaning: &str) -> Self {
        Self { kind, value: value.to_owned(), suggestion: Some(meaning.to_owned()), aggregate: true }
    }

    /// Stable identifier of the error for programs: `unknown-economy`, or `aggregate-economy` for a total or region.
    pub fn code(&self) -> String {
        let verb = if self.aggregate { "aggregate" } else { "unknown" };
        format!("{verb}-{}", self.kind.as_str().to_lowercase().replace(' ', "-"))
    }

    /// What is wrong, without what may have been meant.
    pub fn reason(&self) -> String {
        let Self { kind, value, .. } = self;
        match &self.suggestion {
            Some(meaning) if self.aggregate => format!("`{value}` is {meaning}, not one {kind}"),
            _ => format!("unknown {kind} `{value}`"),
        }
    }

    /// What to do about it, one sentence. Empty: nothing better than the message.
    pub fn hint(&self) -> String {
        match (&self.suggestion, self.aggregate) {
            (Some(_), true) => {
                "leave totals and regions out: rows name one economy each; what has no name is `OTHER` in output and \
                 `OTHER:unspecified` in trade"
                    .to_owned()
            }
            (Some(near), false) => format!("did you mean {near}?"),
            (None, _) => self.kind.forms().to_owned(),
        }
    }
}

impl fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason())?;
        match &self.suggestion {
            Some(near) if !self.aggregate => write!(f, ": did you mean {near}?"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for UnknownCode {}

/// Longest text in bytes that is taken for a misspelt name: the time of a comparison grows with the product of both lengths.
pub const MAX_MISSPELT: usize = 128;

/// Most names that a text is compared with.
const MAX_COMPARED: usize = 4_096;

/// The entry most like `value`, if it is like it at all. Ties go to the entry that comes first. A text longer than
/// [`MAX_MISSPELT`] is like none, and of very many entries only the first are looked at, so that no text takes long.
#[must_use]
pub fn closest<'a>(value: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.8;
    let value = value.trim();
    if value.len() > MAX_MISSPELT {
        return None;
    }
    let wanted = value.to_lowercase();
    let mut best = None;
    let mut best_score = ALIKE;
    for candidate in known.into_iter().take(MAX_COMPARED).filter(|known| known.len() <= MAX_MISSPELT) {
        let score = strsim::jaro_winkler(&wanted, &candidate.to_lowercase());
        if score > best_score {
            best_score = score;
            best = Some(candidate);
        }
    }
    best
}
