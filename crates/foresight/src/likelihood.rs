//! Probabilities in words and in figures for people.

use std::fmt;

/// Fewest independent draws for a probability that is shown to the percent.
const DRAWS_FOR_PERCENT: f64 = 1_000.0;

/// Steps, in percent, in which a probability from fewer draws is shown.
const COARSE_STEP: f64 = 5.0;

/// The words of the Intergovernmental Panel on Climate Change for probabilities (Fourth Assessment Report,
/// working group II, box on the communication of uncertainty). One table, so that the same word always means
/// the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProbabilityWord {
    /// Less than 1 %.
    ExceptionallyUnlikely,
    /// 1 to 10 %.
    VeryUnlikely,
    /// 10 to 33 %.
    Unlikely,
    /// 33 to 66 %.
    AsLikelyAsNot,
    /// 66 to 90 %.
    Likely,
    /// 90 to 99 %.
    VeryLikely,
    /// More than 99 %.
    VirtuallyCertain,
}

impl ProbabilityWord {
    /// The word for a probability, 0 to 1. On the border of two words it is the one nearer to even odds.
    #[must_use]
    pub fn from_probability(probability: f64) -> Self {
        match probability {
            p if p > 0.99 => Self::VirtuallyCertain,
            p if p > 0.90 => Self::VeryLikely,
            p if p > 0.66 => Self::Likely,
            p if p >= 0.33 => Self::AsLikelyAsNot,
            p if p >= 0.10 => Self::Unlikely,
            p if p >= 0.01 => Self::VeryUnlikely,
            _ => Self::ExceptionallyUnlikely,
        }
    }

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExceptionallyUnlikely => "exceptionally unlikely",
            Self::VeryUnlikely => "very unlikely",
            Self::Unlikely => "unlikely",
            Self::AsLikelyAsNot => "about as likely as not",
            Self::Likely => "likely",
            Self::VeryLikely => "very likely",
            Self::VirtuallyCertain => "virtually certain",
        }
    }
}

impl fmt::Display for ProbabilityWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A probability as it is shown: to the percent from 1,000 independent draws on, else in steps of 5 %, and
/// never as 0 or 100 %, which no number of draws can show.
///
/// ```
/// use orewatch_foresight::probability_text;
///
/// assert_eq!(probability_text(0.337, 10_000.0), "34 %");
/// assert_eq!(probability_text(0.337, 500.0), "35 %");
/// assert_eq!(probability_text(0.01, 500.0), "under 5 %");
/// assert_eq!(probability_text(1.0, 10_000.0), "over 99 %");
/// ```
#[must_use]
pub fn probability_text(probability: f64, independent_draws: f64) -> String {
    let step = if independent_draws >= DRAWS_FOR_PERCENT { 1.0 } else { COARSE_STEP };
    let percent = (probability * 100.0 / step).round() * step;
    match percent {
        percent if percent < step => format!("under {step} %"),
        percent if percent > 100.0 - step => format!("over {} %", 100.0 - step),
        percent => format!("{percent} %"),
    }
}
