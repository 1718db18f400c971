//! Figures of claims about materials that other replicas hold.
//!
//! A reading of a claim needs a figure of each of its materials. Which readings there are follows from what
//! every replica knows, so a replica asks the others to check the same claims, and takes from each answer the
//! figures of the materials that its sender holds.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_contracts::exposure::v1::{CheckClaimsResponse, CheckedClaim, ClaimReading};
use orewatch_measures::{Estimate, Status};

use super::choices::Choice;
use super::figures::MaterialFigure;

/// The reason of a figure that cannot be taken over: the other replica runs another version.
const OTHER_READINGS: &str = "the replica that holds the material reads the claim in other ways";

/// What other replicas answered. Empty: this one holds everything.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere {
    answers: Vec<Answer>,
}

/// The answer of one replica.
#[derive(Debug)]
struct Answer {
    /// The materials that it holds, of those that were asked for.
    materials: BTreeSet<&'static str>,
    /// Its claims, by identifier.
    claims: BTreeMap<String, CheckedClaim>,
}

impl Elsewhere {
    /// Adds the answer of a replica that holds some of the materials.
    pub(crate) fn add(&mut self, materials: BTreeSet<&'static str>, answer: CheckClaimsResponse) {
        let id = |checked: &CheckedClaim| checked.claim.as_ref().map(|claim| claim.id.clone());
        let claims = answer.claims.into_iter().map(|checked| (id(&checked).unwrap_or_default(), checked));
        self.answers.push(Answer { materials, claims: claims.collect() });
    }

    /// The figure of a material in a reading of a claim. `None`: this replica holds the material.
    pub(super) fn figure(
        &self,
        claim: &str,
        reading: usize,
        choice: &Choice,
        material: &'static str,
    ) -> Option<MaterialFigure> {
        let mut answers = self.answers.iter().filter(|answer| answer.materials.contains(material)).peekable();
        answers.peek()?;
        let checked = answers.find_map(|answer| answer.claims.get(claim));
        let found = checked.and_then(|checked| checked.readings.get(reading));
        let found = found.filter(|reading| is_of_choice(reading, choice));
        let figure = found.and_then(|reading| reading.figures.iter().find(|one| one.material == material));
        Some(figure.map_or_else(
            || {
                MaterialFigure::new(
                    material,
                    Estimate::missing(Status::Unavailable, OTHER_READINGS),
                    Vec::new(),
                )
            },
            |figure| MaterialFigure::from_message(material, figure),
        ))
    }
}

/// Whether a reading of another replica is the same as a choice of this one.
fn is_of_choice(reading: &ClaimReading, choice: &Choice) -> bool {
    let period = choice.period.map(|period| period.to_string()).unwrap_or_default();
    reading.by() == crate::wire::weight(choice.by)
        && reading.period == period
        && reading.source == choice.source
        && reading.vintage == choice.vintage
}
