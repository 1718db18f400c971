//! Amounts as they are written.
use crate::flows;

/// Bits of the number of digits.
const DIGITS: u32 = 4;

/// An amount as it is written: a whole number, and how many of its digits are behind the point. The number is below 2^53, so that
/// the amount as a double is their quotient, rounded once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal(u64);

impl Decimal {
    /// Nothing.
    pub(super) const ZERO: Self = Self(0);

    /// A number below 2^53 with at most 9 digits behind the point.
    pub(super) fn new(scaled: u64, digits: u32) -> Self {
        Self(scaled << DIGITS | u64::from(digits & ((1 << DIGITS) - 1)))
    }

    /// As [`Decimal::bits`] gave it.
    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// In one word.
    pub(super) fn bits(self) -> u64 {
        self.0
    }

    /// The whole number.
    pub(super) fn scaled(self) -> u64 {
        self.0 >> DIGITS
    }

    /// Digits behind the point.
    pub(super) fn digits(self) -> u32 {
        let [low, ..] = self.0.to_le_bytes();
        u32::from(low) & ((1 << DIGITS) - 1)
    }

    /// The nearest double.
    pub(super) fn number(self) -> f64 {
        flows::unscaled(self.scaled(), flows::ten_to(self.digits()))
    }
}
