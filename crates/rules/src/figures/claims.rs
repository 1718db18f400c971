//! Verdicts on claims, by the subject that they are about.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_contracts::common::v1::{By, Frequency};
use orewatch_contracts::exposure::v1::{ClaimVerdict, ClaimVerdictChanged, Subject};

use super::market::{Market, Touched};
use super::{Figures, Measured};

/// A claim with the verdict that was published last.
pub type JudgedClaim = Arc<ClaimVerdictChanged>;

/// The claims about one material.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Claims {
    /// By subject, without what flows are weighted by; sorted by identifier.
    by_subject: BTreeMap<ClaimSubject, Vec<JudgedClaim>>,
    /// The subject of each claim.
    subjects: BTreeMap<String, ClaimSubject>,
}

/// Consumer, stage, supplier and measure.
type ClaimSubject = [String; 4];

fn claim_subject(claim: &ClaimVerdictChanged) -> ClaimSubject {
    let ClaimVerdictChanged { consumer, stage, supplier, measure, .. } = claim;
    [consumer, stage, supplier, measure].map(Clone::clone)
}

impl Claims {
    /// The claims about a subject, sorted by identifier. A claim that does not say what flows are weighted by
    /// is about both.
    pub(super) fn about(&self, subject: &Subject) -> Vec<JudgedClaim> {
        if self.by_subject.is_empty() {
            return Vec::new();
        }
        let Subject { consumer, stage, supplier, measure, .. } = subject;
        let claims = self.by_subject.get(&[consumer, stage, supplier, measure].map(Clone::clone));
        let is_about = |claim: &&JudgedClaim| claim.by() == By::Unspecified || claim.by() == subject.by();
        claims.into_iter().flatten().filter(is_about).cloned().collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &JudgedClaim> {
        self.by_subject.values().flatten()
    }

    fn has(&self, claim: &str) -> bool {
        self.subjects.contains_key(claim)
    }

    /// Removes a claim and returns it.
    fn remove(&mut self, id: &str) -> Option<JudgedClaim> {
        let subject = self.subjects.remove(id)?;
        let claims = self.by_subject.get_mut(&subject)?;
        let place = claims.iter().position(|claim| claim.claim == id)?;
        let removed = claims.remove(place);
        if claims.is_empty() {
            self.by_subject.remove(&subject);
        }
        Some(removed)
    }

    fn insert(&mut self, claim: &JudgedClaim) {
        let subject = claim_subject(claim);
        self.subjects.insert(claim.claim.clone(), subject.clone());
        let claims = self.by_subject.entry(subject).or_default();
        let place = claims.partition_point(|other| other.claim < claim.claim);
        claims.insert(place, Arc::clone(claim));
    }
}

impl Figures {
    /// Folds a verdict on a claim and records what it touches. Returns the materials that the claim is or was
    /// about.
    pub fn apply_claim(&mut self, changed: &ClaimVerdictChanged, touched: &mut Touched) -> BTreeSet<String> {
        let mut materials = self.remove_claim(&changed.claim, touched);
        touched.note_claim(changed);
        materials.extend(changed.materials.iter().cloned());
        if changed.after() == ClaimVerdict::Unspecified {
            return materials;
        }
        let claim = Arc::new(changed.clone());
        for material in changed.materials.iter().collect::<BTreeSet<_>>() {
            Arc::make_mut(self.materials.entry(material.clone()).or_default()).claims.insert(&claim);
        }
        materials
    }

    /// Removes a claim. Returns the materials that it was about.
    fn remove_claim(&mut self, id: &str, touched: &mut Touched) -> BTreeSet<String> {
        let mut materials = BTreeSet::new();
        for (material, figures) in self.materials.iter_mut().filter(|(_, figures)| figures.claims.has(id)) {
            if let Some(removed) = Arc::make_mut(figures).claims.remove(id) {
                touched.note_claim(&removed);
                materials.insert(material.clone());
            }
        }
        materials
    }

    /// All claims with a verdict, each once, by identifier.
    pub(super) fn claims(&self) -> BTreeMap<&str, &JudgedClaim> {
        let claims = self.materials.values().flat_map(|figures| figures.claims.iter());
        claims.map(|claim| (claim.claim.as_str(), claim)).collect()
    }
}

impl Touched {
    /// Records that the verdict on a claim may have changed what its subjects are judged by.
    fn note_claim(&mut self, claim: &ClaimVerdictChanged) {
        let weights = match claim.by() {
            By::Unspecified => vec![By::Quantity, By::Value],
            by => vec![by],
        };
        for by in weights {
            for frequency in [Frequency::Annual, Frequency::Monthly] {
                let measured = Measured { measure: Arc::from(claim.measure.as_str()), by, frequency };
                let market = Market { stage: Arc::from(claim.stage.as_str()), measured };
                self.0.entry(market).or_default().note_consumer(&claim.consumer);
            }
        }
    }
}
