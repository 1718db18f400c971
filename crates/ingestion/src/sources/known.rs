//! What the numbers of plain lines mean, looked up once each.
use super::names::Symbol;
use super::quick::Codes;

/// What a number means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nobody asked so far.
    #[default]
    Unasked,
    /// Nothing: the row's text says why.
    Nothing,
    /// A product of no material.
    Outside,
    /// A name.
    Name(Symbol),
}

/// Meanings by number.
#[derive(Debug, Default)]
pub(super) struct Known {
    years: Vec<Meaning>,
    economies: Vec<Meaning>,
    products: Vec<Meaning>,
}

/// Which number of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Year,
    Exporter,
    Importer,
    Product,
}

impl Known {
    /// Meanings of year, exporter, importer and product, if all were asked for before.
    #[inline]
    pub(super) fn recall(&self, codes: Codes) -> Option<[Meaning; 4]> {
        Some([
            *self.years.get(codes.year)?,
            *self.economies.get(codes.exporter)?,
            *self.economies.get(codes.importer)?,
            *self.products.get(codes.product)?,
        ])
    }

    /// The same; `find` is asked for those that are new, with their text.
    pub(super) fn meanings(
        &mut self,
        codes: Codes,
        mut find: impl FnMut(Field, &str) -> Meaning,
    ) -> [Meaning; 4] {
        let mut look = |table: &mut Vec<Meaning>, number: usize, field, digits: usize| {
            if let Some(meaning) = table.get(number).filter(|meaning| **meaning != Meaning::Unasked) {
                return *meaning;
            }
            let meaning = find(field, &format!("{number:0digits$}"));
            if table.len() <= number {
                table.resize(number + 1, Meaning::Unasked);
            }
            if let Some(place) = table.get_mut(number) {
                *place = meaning;
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
