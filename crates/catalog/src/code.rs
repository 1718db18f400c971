//! The error of every lookup: an unknown code, with a suggestion of what was meant.

use std::fmt;

/// What a code was expected to name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CodeKind {
    /// A country or territory.
    Economy,
    /// A set of economies.
    Bloc,
    /// A consumer: the world, a bloc or an economy.
    Consumer,
    /// A critical material.
    Material,
    /// A stage of the supply chain.
    Stage,
    /// A unit of mass.
    Unit,
    /// What is weighed: the content, the gross weight, a compound.
    Basis,
    /// A revision of the Harmonized System.
    HsRevision,
    /// A list of product codes.
    Nomenclature,
    /// A named formula over a market.
    Measure,
    /// A parameter of a method.
    Parameter,
    /// A kind of export restriction.
    Restriction,
    /// How the figures of a dataset are compiled.
    DatasetKind,
    /// A list of critical materials.
    List,
}

impl CodeKind {
    /// The word used in messages and, after `unknown-`, in error codes.
    pub fn as_str(self) -> &'static str {
        match self {
            CodeKind::Economy => "economy",
            CodeKind::Bloc => "bloc",
            CodeKind::Consumer => "consumer",
            CodeKind::Material => "material",
            CodeKind::Stage => "stage",
            CodeKind::Unit => "unit",
            CodeKind::Basis => "basis",
            CodeKind::HsRevision => "HS revision",
            CodeKind::Nomenclature => "nomenclature",
            CodeKind::Measure => "measure",
            CodeKind::Parameter => "parameter",
            CodeKind::Restriction => "restriction",
            CodeKind::DatasetKind => "dataset kind",
            CodeKind::List => "list",
        }
    }

    /// Says how such a code is written. Empty if that does not fit into a sentence.
    fn expected_form(self) -> &'static str {
        match self {
            CodeKind::Economy => "write an ISO 3166-1 alpha-3 code, such as CHN",
            CodeKind::Bloc => "write the code of a bloc, such as G7 or EU27",
            CodeKind::Consumer => "write an ISO 3166-1 alpha-3 code, a bloc such as G7 or EU27, or WLD",
            CodeKind::Material => "write a material as in rare-earths or cobalt",
            CodeKind::Stage => "write mined, refined or manufactured",
            CodeKind::Nomenclature => {
                "write HS92 to HS22, CN2024, or the name of a list of your own in lower-case letters"
            }
            CodeKind::DatasetKind => "write reconciled, declarations, tables or supplement",
            CodeKind::List => {
                "write a list: AUS-2024, CAN-2024, EU-2024, IND-2023, JPN-2020, KOR-2023, UK-2024 or USA-2025"
            }
            CodeKind::Unit => {
                "write kg, t, kt or Mt, metric; a short ton is 0.907185 t, a long ton 1.016047 t"
            }
            CodeKind::Basis => {
                "write content, gross, or the compound that is weighed, such as rare-earth-oxide"
            }
            CodeKind::HsRevision | CodeKind::Measure | CodeKind::Parameter | CodeKind::Restriction => "",
        }
    }
}

impl fmt::Display for CodeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A code that is not in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCode {
    /// What the code was expected to name.
    pub kind: CodeKind,
    /// The code as given.
    pub value: String,
    /// The entry or entries that were probably meant, such as `COD (Congo, Democratic Republic)`. `None` if
    /// no entry is similar.
    pub suggestion: Option<String>,
    /// The code is known, but it stands for the world total, a region or a residual, not for a single
    /// economy.
    pub aggregate: bool,
}

impl UnknownCode {
    /// Creates the error for a `value`, and suggests the most similar one of `known`, the entries of the
    /// table as they should be written.
    pub fn closest<'a>(kind: CodeKind, value: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(kind, value, closest(value, known).map(str::to_owned))
    }

    /// Creates the error for a `value`, and suggests the entry of `known` that differs only in case, blanks
    /// or underscores, or else the entry that `others` gives for the name (pairs of another name and its
    /// entry), or else the most similar one.
    pub(crate) fn alias<'a>(
        kind: CodeKind,
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

    /// Creates the error for a code that is in no table.
    pub(crate) fn new(kind: CodeKind, value: &str, suggestion: Option<String>) -> Self {
        Self { kind, value: value.to_owned(), suggestion, aggregate: false }
    }

    /// Creates the error for a code that stands for `meaning`, a sum over several economies.
    pub(crate) fn aggregate(kind: CodeKind, value: &str, meaning: &str) -> Self {
        Self { kind, value: value.to_owned(), suggestion: Some(meaning.to_owned()), aggregate: true }
    }

    /// Stable identifier of the error for programs: `unknown-economy`, or `aggregate-economy` for a total or
    /// region.
    pub fn code(&self) -> String {
        let prefix = if self.aggregate { "aggregate" } else { "unknown" };
        format!("{prefix}-{}", self.kind.as_str().to_lowercase().replace(' ', "-"))
    }

    /// What is wrong, without the suggestion.
    pub fn reason(&self) -> String {
        let Self { kind, value, .. } = self;
        match &self.suggestion {
            Some(meaning) if self.aggregate => format!("`{value}` is {meaning}, not one {kind}"),
            _ => format!("unknown {kind} `{value}`"),
        }
    }

    /// What to do about it, one sentence. Empty if there is nothing to add to the reason.
    pub fn hint(&self) -> String {
        match (&self.suggestion, self.aggregate) {
            (Some(_), true) => {
                "leave totals and regions out: rows name one economy each; what has no name is `OTHER` in \
                 output and `OTHER:unspecified` in trade"
                    .to_owned()
            }
            (Some(near), false) => format!("did you mean {near}?"),
            (None, _) => self.kind.expected_form().to_owned(),
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

/// Longest text in bytes that is taken for a misspelt name: the time of a comparison grows with the product
/// of both lengths.
pub const MAX_MISSPELT: usize = 128;

/// Most names that a text is compared with.
const MAX_COMPARED: usize = 4_096;

/// Similarity (Jaro-Winkler, 0 to 1) over which a text is taken for a misspelt name.
const MIN_SIMILARITY: f64 = 0.8;

/// The entry most like `value`, if it is like it at all. Ties go to the entry that comes first. A text longer
/// than [`MAX_MISSPELT`] is like none, and of very many entries only the first are looked at, so that no text
/// takes long.
#[must_use]
pub fn closest<'a>(value: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    closest_above(MIN_SIMILARITY, value, known)
}

/// The entry most like `value`, as [`closest`] finds it, if their similarity (Jaro-Winkler, 0 to 1) is above
/// a minimum: higher than that of `closest` where a wrong guess would do harm.
#[must_use]
pub fn closest_above<'a>(
    min_similarity: f64,
    value: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let value = value.trim();
    if value.len() > MAX_MISSPELT {
        return None;
    }
    let wanted = value.to_lowercase();
    let mut best = None;
    let mut best_score = min_similarity;
    for candidate in known.into_iter().take(MAX_COMPARED).filter(|known| known.len() <= MAX_MISSPELT) {
        let score = strsim::jaro_winkler(&wanted, &candidate.to_lowercase());
        if score > best_score {
            best_score = score;
            best = Some(candidate);
        }
    }
    best
}
