//! Where readers hand over what they find.
use super::decimal::Decimal;
use super::figure::Figure;
use super::location::SourceLocation;
use super::names::{Names, Symbol};
use super::sums::{DeclaredTotal, TotalKey};
use super::{Observation, Qualifier, Reject, SourceError};

/// A flow of a line in the plain form: nobody in particular reports it, and its value is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    /// Period, economy, partner and topic, 16 bits each, in one word: loading fields together that were just
    /// stored one by one stalls the processor.
    pub(super) key: u64,
    pub(super) value: Decimal,
    /// None: not available.
    pub(super) quantity: Option<Decimal>,
}

impl Flow {
    /// Period, economy, partner and topic.
    pub(super) fn names(&self) -> [Symbol; 4] {
        let [a, b, c, d, e, f, g, h] = self.key.to_be_bytes();
        [[a, b], [c, d], [e, f], [g, h]].map(Symbol::from_be_bytes)
    }

    /// The flow as a row of any table.
    pub(super) fn observation(&self) -> Observation {
        let [period, economy, partner, topic] = self.names();
        let quantity = self.quantity.map_or(f64::NAN, Decimal::number);
        Observation {
            period,
            economy,
            partner,
            topic,
            figures: [Figure::known(self.value.number()), Figure::known_or_unavailable(quantity)],
            qualifier: Qualifier::None,
        }
    }
}

/// Packs four names into one word, the first in the highest bits.
#[inline]
pub(super) fn packed(parts: [Symbol; 4]) -> u64 {
    parts.into_iter().fold(0, |key, part| key << 16 | u64::from(part))
}

/// Why a reading ends early.
#[derive(Debug)]
pub(super) enum Halt {
    /// The file cannot be read.
    Source(SourceError),
    /// The sink takes no more rows; it keeps the reason.
    Stopped,
}

impl From<SourceError> for Halt {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

/// Takes what a reader finds, in the order in which it finds it.
///
/// A reader hands over every figure of a file exactly once: as a row, as out of scope, or as a rejection. So
/// the counts of a release add up to what was read.
pub(super) trait RowSink {
    /// The dictionaries of the release.
    fn names(&mut self) -> &mut Names;

    /// Takes a row to record.
    ///
    /// # Errors
    /// [`Halt`] if no more rows are taken.
    fn row(&mut self, row: Observation, location: SourceLocation) -> Result<(), Halt>;

    /// Takes a flow of a plain line.
    ///
    /// # Errors
    /// [`Halt`] if no more rows are taken.
    fn flow(&mut self, flow: &Flow, line: u64) -> Result<(), Halt> {
        self.row(flow.observation(), SourceLocation::row(line))
    }

    /// Takes a valid figure about something that no material of the catalogue covers.
    fn out_of_scope(&mut self, location: SourceLocation);

    /// Takes a figure, or a row, that is quarantined; `text` is the row as it is written, empty if there is
    /// none.
    ///
    /// # Errors
    /// [`Halt`] if no more rows are taken.
    fn reject(&mut self, reject: Reject, location: SourceLocation, text: &str) -> Result<(), Halt>;

    /// Takes what the publisher says about the figure of a row that is recorded. Notes are kept once for a
    /// series, however many rows they stand beside.
    fn note(&mut self, _row: &Observation, _text: &str) {}

    /// Takes a total that the source declares beside its parts, such as the row `World` of a reporter's
    /// partners.
    ///
    /// A total is no row: it is neither counted nor recorded, but compared with the sum of its parts once
    /// everything is read, in whichever order they come; gate `declared-totals` judges the difference. Its
    /// parts are the recorded rows of its key and what [`RowSink::unrecorded_part`] takes. Only sources for
    /// which [`Source::has_totals`](super::Source::has_totals) is true are summed up.
    ///
    /// A source of trade whose rows are reported by one side does this for each row with partner `World`:
    ///
    /// ```text
    /// let key = flow.total_key();
    /// out.declared_total(DeclaredTotal { key, figures: [value, quantity], rounding: 0.0 }, location);
    /// ```
    ///
    /// with [`Figure::UNAVAILABLE`] for a figure that is not to be compared, and nothing for products that
    /// are out of scope.
    fn declared_total(&mut self, _total: DeclaredTotal, _location: SourceLocation) {}

    /// Takes a part of a total that is not recorded as a row: a partner that is no economy (`Areas, nes`,
    /// bunkers, free zones) or the reporter itself. The row itself is handed over as well, as a rejection or
    /// as out of scope.
    fn unrecorded_part(&mut self, _group: TotalKey, _figures: [Figure; 2]) {}
}

impl dyn RowSink + '_ {
    /// Takes what was read of a figure: a row, nothing because it is out of scope, or the reason why it is
    /// quarantined. `text` writes the row out, for a rejection only.
    ///
    /// # Errors
    /// [`Halt`] if no more rows are taken.
    #[inline]
    pub(super) fn take(
        &mut self,
        found: Result<Option<Observation>, Reject>,
        location: SourceLocation,
        text: impl FnOnce() -> String,
    ) -> Result<(), Halt> {
        match found {
            Ok(Some(row)) => self.row(row, location),
            Ok(None) => {
                self.out_of_scope(location);
                Ok(())
            }
            Err(reject) => self.reject(reject, location, &text()),
        }
    }
}
