//! Looks up the figures of one reading of a claim.

use std::borrow::Cow;

use orewatch_contracts::common::v1 as common;
use orewatch_contracts::exposure::v1 as exposure;
use orewatch_measures::{Agreement, ClaimReading, Estimate, Status};

use super::books::Books;
use super::choices::Choice;
use super::stated::StatedClaim;
use crate::figures::{FigureKey, figure_alone};
use crate::request::ExposureRequest;
use crate::scope::ScopeCache;
use crate::wire;

const NO_PERIOD: &str = "no period before the claim has figures";
const NO_SOURCE: &str = "no release of this dataset or scenario was committed";
const NO_VINTAGE: &str = "no release of this vintage was committed";

/// A reading of a claim with its figures.
#[derive(Clone, Debug)]
pub(super) struct EvaluatedReading {
    /// Which reading.
    pub(super) choice: Choice,
    /// The figures, in the order of the claim's materials.
    pub(super) figures: Vec<MaterialFigure>,
    /// How they compare with the claim. `None`: there are none.
    pub(super) agreement: Option<Agreement>,
}

/// The figure of one material.
#[derive(Clone, Debug)]
pub(super) struct MaterialFigure {
    /// The material.
    pub(super) material: &'static str,
    /// The figure.
    pub(super) estimate: Estimate,
    /// Why it is not known. Empty if it is.
    pub(super) reason: Cow<'static, str>,
    /// The releases that it is based on.
    releases: Vec<String>,
}

impl MaterialFigure {
    /// A figure that was looked up here.
    pub(super) fn new(material: &'static str, estimate: Estimate, releases: Vec<String>) -> Self {
        Self { material, estimate, reason: Cow::Borrowed(estimate.reason), releases }
    }

    /// A figure that another replica looked up.
    pub(super) fn from_message(material: &'static str, figure: &exposure::ClaimFigure) -> Self {
        let found = figure.estimate.clone().unwrap_or_default();
        let status = wire::status_of(found.status());
        let common::Estimate { value, low, high, coverage, reason, .. } = found;
        let estimate = Estimate { value, low, high, coverage, status, reason: "" };
        Self { material, estimate, reason: Cow::Owned(reason), releases: figure.releases.clone() }
    }

    fn message(&self) -> exposure::ClaimFigure {
        let estimate = wire::estimate(&self.estimate);
        exposure::ClaimFigure {
            material: self.material.to_owned(),
            estimate: Some(common::Estimate { reason: self.reason.clone().into_owned(), ..estimate }),
            releases: self.releases.clone(),
        }
    }
}

impl EvaluatedReading {
    /// What the verdict is decided from.
    pub(super) fn compared(&self) -> ClaimReading {
        ClaimReading { is_open: self.choice.is_open, agreement: self.agreement }
    }

    /// Whether the best estimate agrees.
    pub(super) fn agrees(&self) -> bool {
        self.agreement.is_some_and(Agreement::agrees)
    }

    pub(super) fn message(&self) -> exposure::ClaimReading {
        exposure::ClaimReading {
            by: wire::weight(self.choice.by).into(),
            period: self.choice.period.map(|period| period.to_string()).unwrap_or_default(),
            source: self.choice.source.clone(),
            vintage: self.choice.vintage.clone(),
            figures: self.figures.iter().map(MaterialFigure::message).collect(),
            agrees: self.agrees(),
        }
    }
}

/// The figures of a reading, and how they compare with the claim. `elsewhere` gives those that another
/// replica has looked up.
pub(super) fn evaluate(
    claim: &StatedClaim,
    choice: Choice,
    books: &mut Books<'_>,
    elsewhere: impl Fn(&Choice, &'static str) -> Option<MaterialFigure>,
) -> EvaluatedReading {
    let book = books.book(&choice.source);
    let figure = |request: &ExposureRequest| {
        if let Some(found) = elsewhere(&choice, request.material) {
            return found;
        }
        let missing = |reason| (Estimate::missing(Status::Unavailable, reason), Vec::new());
        let (estimate, releases) = match (&book, choice.at, choice.period) {
            (None, ..) => missing(NO_SOURCE),
            (Some(_), None, _) => missing(NO_VINTAGE),
            (Some(_), Some(_), None) => missing(NO_PERIOD),
            (Some(book), Some(at), Some(period)) => {
                let key = FigureKey { by: choice.by, ..request.key };
                let request = ExposureRequest { key, period: Some(period), ..*request };
                let scope = ScopeCache::new(book, at).scope(request.market(period));
                let estimate = figure_alone(&scope, request.figure_request()).estimate;
                let consulted = scope.consulted(claim.measure.method().table);
                (estimate, consulted.iter().map(|content| content.release.id.clone()).collect())
            }
        };
        MaterialFigure::new(request.material, estimate, releases)
    };
    let figures: Vec<_> = claim.figures.iter().map(figure).collect();
    let estimates: Vec<_> = figures.iter().map(|figure| figure.estimate).collect();
    let agreement = claim.range.compare(&estimates);
    EvaluatedReading { choice, figures, agreement }
}
