//! Metadata of a release: what its files and its user say of it.
use orewatch_catalog::Nomenclature;
use orewatch_contracts::ingestion::v1::Provenance;

use super::SourceError;

/// What is said of a release. None: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Dataset: lower-case letters, digits and hyphens.
    pub dataset: Option<String>,
    /// The publisher's name of the vintage: letters, digits, hyphens and underscores.
    pub vintage: Option<String>,
    /// The list that product codes follow: a revision of the Harmonized System, such as `HS92`, or another
    /// list, such as `CN2024`.
    pub hs: Option<String>,
    /// `trade`, `production`, `governance`, `parameters`, `restrictions`, `concordance`, `projections`,
    /// `targets` or `claims`.
    pub table: Option<String>,
    /// Who publishes it.
    pub publisher: Option<String>,
    /// Title of the publication.
    pub title: Option<String>,
    /// Address of the publication.
    pub url: Option<String>,
    /// SPDX identifier or name of the licence.
    pub licence: Option<String>,
    /// Day, month or year of publication.
    pub published: Option<String>,
    /// Kind of the dataset: `reconciled`, `declarations`, `tables` or `supplement`.
    pub kind: Option<String>,
    /// The dataset whose missing cells it fills.
    pub supplements: Option<String>,
    /// What the release covers, in the form of [`scope_text`](crate::scope::scope_text).
    pub scope: Option<String>,
    /// Number of partners that trade was cut to, on each side of each product and period.
    pub cut: Option<String>,
}

/// The keys, in the order in which they are documented.
pub(super) const KEYS: [&str; 13] = [
    "dataset",
    "vintage",
    "hs",
    "table",
    "publisher",
    "title",
    "url",
    "licence",
    "published",
    "kind",
    "supplements",
    "scope",
    "cut",
];

impl Metadata {
    /// The value of a key. None: there is no such key.
    pub(super) fn slot(&mut self, key: &str) -> Option<&mut Option<String>> {
        match key {
            "dataset" => Some(&mut self.dataset),
            "vintage" => Some(&mut self.vintage),
            "hs" => Some(&mut self.hs),
            "table" => Some(&mut self.table),
            "publisher" => Some(&mut self.publisher),
            "title" => Some(&mut self.title),
            "url" => Some(&mut self.url),
            "licence" => Some(&mut self.licence),
            "published" => Some(&mut self.published),
            "kind" => Some(&mut self.kind),
            "supplements" => Some(&mut self.supplements),
            "scope" => Some(&mut self.scope),
            "cut" => Some(&mut self.cut),
            _ => None,
        }
    }

    /// These values; those that are missing are taken from another.
    #[must_use]
    pub fn or(mut self, mut other: Self) -> Self {
        for key in KEYS {
            let fallback = other.slot(key).and_then(Option::take);
            if let Some(slot @ None) = self.slot(key) {
                *slot = fallback;
            }
        }
        self
    }

    /// The list that product codes follow. None: nothing is said.
    pub(super) fn nomenclature(&self, file: &str) -> Result<Option<Nomenclature>, SourceError> {
        let parse = |text: &String| {
            text.parse::<Nomenclature>().map_err(|error| {
                SourceError::new("unknown-hs-revision", file, 0, error.to_string()).at("hs", text).with_hint(
                    "write one of HS92, HS96, HS02, HS07, HS12, HS17, HS22, a year such as CN2024, or the \
                         name of a list of your own",
                )
            })
        };
        self.hs.as_ref().map(parse).transpose()
    }

    /// The part that is recorded as provenance.
    pub(super) fn provenance(&self) -> Provenance {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        Provenance {
            publisher: text(&self.publisher),
            title: text(&self.title),
            url: text(&self.url),
            licence: text(&self.licence),
            published: text(&self.published),
        }
    }
}
