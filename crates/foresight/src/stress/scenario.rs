//! Scenarios: what is cut, by how much, for how long. And the export controls of the last years as cases.

use orewatch_catalog::Stage;

use crate::number::is_share;

/// Longest scenario, in months.
const MAX_MONTHS: f64 = 120.0;

/// What stops.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cut {
    /// Output of an economy at a stage, as by an accident: it goes short itself, and exports less.
    Output {
        /// The stage.
        stage: Stage,
        /// Alpha-3 code of the economy.
        economy: String,
    },
    /// Exports of an economy at a stage, as by a control: its own users are not short.
    Exports {
        /// The stage.
        stage: Stage,
        /// Alpha-3 code of the economy.
        economy: String,
    },
    /// One route at a stage.
    Route {
        /// The stage.
        stage: Stage,
        /// Alpha-3 code of the exporter.
        from: String,
        /// Alpha-3 code of the importer.
        to: String,
    },
    /// All trade at a stage.
    Trade {
        /// The stage.
        stage: Stage,
    },
}

impl Cut {
    /// The stage that is cut.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        match self {
            Self::Output { stage, .. }
            | Self::Exports { stage, .. }
            | Self::Route { stage, .. }
            | Self::Trade { stage } => *stage,
        }
    }
}

/// A question with "if".
#[derive(Clone, Debug, PartialEq)]
pub struct StressScenario {
    /// Its identifier, such as `gallium-refined-CHN-exports-100-6`.
    pub id: String,
    /// Identifier of the material.
    pub material: String,
    /// What is cut. To cut a material altogether, cut all of its stages.
    pub cuts: Vec<Cut>,
    /// The part that is cut, above 0 and at most 1.
    pub share: f64,
    /// For how many months, above 0.
    pub months: f64,
    /// Its probability within a year by somebody's judgement, 0 to 1. `None`: nobody has stated one.
    pub probability: Option<f64>,
}

impl StressScenario {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`BadStressScenario`] names the scenario and what is wrong.
    pub fn check(&self) -> Result<(), BadStressScenario> {
        let bad = |what, value| Err(BadStressScenario::Number { scenario: self.id.clone(), what, value });
        if !(self.share > 0.0 && self.share <= 1.0) {
            return bad("part that is cut", self.share);
        }
        if !(self.months > 0.0 && self.months <= MAX_MONTHS) {
            return bad("number of months", self.months);
        }
        match self.probability.filter(|probability| !is_share(*probability)) {
            Some(probability) => bad("probability", probability),
            None if self.cuts.is_empty() => Err(BadStressScenario::Nothing { scenario: self.id.clone() }),
            None => Ok(()),
        }
    }
}

/// A scenario that cannot be applied.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadStressScenario {
    /// A number out of range.
    #[error(
        "scenario {scenario}: the {what} is {value}: a part is above 0 and at most 1, months are above 0 and \
         at most {MAX_MONTHS}, and a probability is from 0 to 1"
    )]
    Number {
        /// The scenario.
        scenario: String,
        /// Which number.
        what: &'static str,
        /// The number.
        value: f64,
    },
    /// Nothing is cut.
    #[error("scenario {scenario} cuts nothing: name a supplier, a route or a stage")]
    Nothing {
        /// The scenario.
        scenario: String,
    },
    /// The chain has no such stage or economy.
    #[error("scenario {scenario}: no figures of {wanted} are held for this material")]
    Unknown {
        /// The scenario.
        scenario: String,
        /// The stage or economy.
        wanted: String,
    },
}

/// An export control of the last years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportControl {
    /// Identifier.
    pub id: &'static str,
    /// What was controlled.
    pub title: &'static str,
    /// Alpha-3 code of the economy whose exports were controlled.
    pub economy: &'static str,
    /// Identifiers of the materials.
    pub materials: &'static [&'static str],
    /// The day from which exports need a licence, as an ISO date.
    pub in_force: &'static str,
    /// Where this was read.
    pub source: &'static str,
}

/// The export controls of 2023 to 2025, as cases. Each requires a licence and forbids nothing by itself, so
/// none of them says what was lost: a scenario takes the material and the supplier from here, and part and
/// months from whoever asks.
#[must_use]
pub const fn recent_controls() -> &'static [ExportControl] {
    CONTROLS
}

const CONTROLS: &[ExportControl] = &[
    ExportControl {
        id: "gallium-germanium-2023",
        title: "gallium, germanium and some of their compounds",
        economy: "CHN",
        materials: &["gallium", "germanium"],
        in_force: "2023-08-01",
        source: "Ministry of Commerce and General Administration of Customs, announcement 23 of 2023, as \
                 described in https://chinajusticeobserver.com/a/\
                 china-imposes-export-controls-on-gallium-and-germanium",
    },
    ExportControl {
        id: "graphite-2023",
        title: "natural flake graphite, and synthetic graphite of high purity, strength and density",
        economy: "CHN",
        materials: &["graphite"],
        in_force: "2023-12-01",
        source: "Ministry of Commerce, 20 October 2023, as reported in \
                 https://www.forexlive.com/news/\
                 china-tightens-restrictions-on-some-graphite-exports-20231020/",
    },
    ExportControl {
        id: "rare-earths-april-2025",
        title: "samarium, gadolinium, terbium, dysprosium, lutetium, scandium and yttrium",
        economy: "CHN",
        materials: &["rare-earths"],
        in_force: "2025-04-04",
        source: "Ministry of Commerce and General Administration of Customs, announcement 18 of 2025, as \
                 translated in https://osencmagnet.com/export-controls-on-rare-earth-elements/",
    },
    ExportControl {
        id: "rare-earths-october-2025",
        title: "rare earths of Chinese origin or technology abroad, and technology for them",
        economy: "CHN",
        materials: &["rare-earths"],
        in_force: "2025-10-09",
        source: "Ministry of Commerce, announcements 61 and 62 of 2025, as described in \
                 https://www.chemradar.com/en/news/detail/f1la2toi5p1c; parts of 61 from 1 December 2025",
    },
];
