//! Stages of a supply chain.

use std::fmt;
use std::str::FromStr;

use crate::code::{CodeKind, UnknownCode};

/// A stage of the supply chain of a material.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Ores and concentrates, as they leave a mine.
    Mined,
    /// Metals, oxides, salts and other compounds, as they leave a smelter or refinery.
    Refined,
    /// Parts and alloys made of the material, such as magnets or anodes.
    Manufactured,
}

impl Stage {
    /// All stages, starting at the mine.
    pub const ALL: [Stage; 3] = [Stage::Mined, Stage::Refined, Stage::Manufactured];

    /// The identifier: `mined`, `refined` or `manufactured`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Stage::Mined => "mined",
            Stage::Refined => "refined",
            Stage::Manufactured => "manufactured",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Stage {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let known = Stage::ALL.map(Stage::as_str);
        let found = Stage::ALL.into_iter().find(|stage| stage.as_str() == text.trim());
        found.ok_or_else(|| UnknownCode::closest(CodeKind::Stage, text, known))
    }
}
