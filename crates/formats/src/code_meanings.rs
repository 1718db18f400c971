//! What the numeric codes of plain lines mean, each looked up once and found again by its number.
use super::names::Symbol;
use super::quick::Codes;

/// What a code means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It was not looked up yet.
    #[default]
    Unknown,
    /// It has no simple meaning: the line has to be read as text.
    NotPlain,
    /// A product of no material.
    OutOfScope,
    /// A name in the dictionaries of the release.
    Name(Symbol),
}

/// Meanings by number.
#[derive(Debug, Default)]
pub(super) struct CodeMeanings {
    years: Vec<Meaning>,
    economies: Vec<Meaning>,
    products: Vec<Meaning>,
}

/// Which code of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Year,
    Exporter,
    Importer,
    Product,
}

impl CodeMeanings {
    /// Meanings of year, exporter, importer and product. None: a number is higher than any that was met.
    #[inline]
    pub(super) fn recall(&self, codes: Codes) -> Option<[Meaning; 4]> {
        Some([
            *self.years.get(codes.year)?,
            *self.economies.get(codes.exporter)?,
            *self.economies.get(codes.importer)?,
            *self.products.get(codes.product)?,
        ])
    }

    /// The same; `find` looks up those that are new, by their text.
    pub(super) fn look_up(
        &mut self,
        codes: Codes,
        mut find: impl FnMut(Field, &str) -> Meaning,
    ) -> [Meaning; 4] {
        let mut look = |table: &mut Vec<Meaning>, number: usize, field, digits: usize| {
            if let Some(meaning) = table.get(number).filter(|meaning| **meaning != Meaning::Unknown) {
                return *meaning;
            }
            let meaning = find(field, &format!("{number:0digits$}"));
            if table.len() <= number {
                table.resize(number + 1, Meaning::Unknown);
            }
            if let Some(slot) = table.get_mut(number) {
                *slot = meaning;
            }
            meaning
        };
        [
            look(&mut self.years, codes.year, Field::Year, 4),
            look(&mut self.economies, codes.exporter, Field::Exporter, 1),
            look(&mut self.economies, codes.importer, Field::Importer, 1),
            look(&mut self.products, codes.product, Field::Product, 6),
        ]
    }
}
