//! Decimal amounts, kept as they are written.
use crate::flows;

/// Bits that hold the number of digits behind the point.
const DIGITS_BITS: u32 = 4;

/// An amount as it is written: a whole number, and how many of its digits are behind the point. The number is
/// below 2^53, so that the nearest double is the quotient of both, rounded once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal(u64);

impl Decimal {
    /// 0.
    pub(super) const ZERO: Self = Self(0);

    /// A number below 2^53 with at most 9 digits behind the point.
    pub(super) fn new(scaled: u64, digits: u32) -> Self {
        Self(scaled << DIGITS_BITS | u64::from(digits & ((1 << DIGITS_BITS) - 1)))
    }

    /// From the word that [`Decimal::bits`] gave.
    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The amount in one word.
    pub(super) fn bits(self) -> u64 {
        self.0
    }

    /// The whole number.
    pub(super) fn scaled(self) -> u64 {
        self.0 >> DIGITS_BITS
    }

    /// Digits behind the point.
    pub(super) fn digits(self) -> u32 {
        let [low, ..] = self.0.to_le_bytes();
        u32::from(low) & ((1 << DIGITS_BITS) - 1)
    }

    /// The nearest double.
    pub(super) fn number(self) -> f64 {
        flows::unscaled(self.scaled(), flows::ten_to(self.digits()))
    }
}
