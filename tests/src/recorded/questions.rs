//! What is asked of a recorded log, and how the record was made: the file `record.toml`.
use orewatch_contracts::alerting::v1::AlertFilter;
use orewatch_contracts::common::v1::{AsAt, as_at};
use orewatch_contracts::exposure::v1::{ExposureFilter, Mirror, Reading};
use serde::{Deserialize, Serialize};

/// What is asked of a recorded log.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Questions {
    /// Commit whose services wrote the log and gave the answers.
    pub commit: String,
    /// When it was recorded, RFC 3339.
    pub recorded_at: String,
    /// Measures with their versions, all that there were. Others came later: they are not asked for.
    pub measures: Vec<String>,
    /// Where each log ended.
    pub heads: Heads,
    /// Questions for figures.
    pub figures: Vec<FigureQuestion>,
    /// Subscriptions to alerts that are resumed.
    pub alerts: Vec<AlertStream>,
    /// Watches of exposures that are resumed.
    pub exposures: Vec<ExposureStream>,
}

/// Positions of the last events.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Heads {
    /// Of the observations log.
    pub observations: u64,
    /// Of the exposures log.
    pub exposures: u64,
    /// Of the alerts log.
    pub alerts: u64,
}

/// A question for all figures of all periods.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct FigureQuestion {
    /// What it is called in the answers.
    pub name: String,
    /// Knowledge time as a release, by identifier or vintage. Neither this nor a position: now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_at_release: Option<String>,
    /// Knowledge time as a position of the observations log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_at_position: Option<u64>,
    /// In whose reading. Empty: everyone's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tenant: String,
    /// Whether the exporter's report of a flow is taken for the best estimate.
    pub by_exporter: bool,
    /// Whether to ask how figures moved.
    pub trend: bool,
    /// Only these materials. Empty: all.
    pub materials: Vec<String>,
}

impl FigureQuestion {
    /// Whether it asks for what is known now, which a restatement may change.
    #[must_use]
    pub fn is_now(&self) -> bool {
        self.as_at_release.is_none() && self.as_at_position.is_none()
    }

    /// The knowledge time.
    #[must_use]
    pub fn as_at(&self) -> Option<AsAt> {
        let release = self.as_at_release.clone().map(as_at::At::Release);
        let at = release.or_else(|| self.as_at_position.map(as_at::At::Position))?;
        Some(AsAt { at: Some(at) })
    }

    /// Which figures, of measures that there were.
    #[must_use]
    pub fn filter(&self, measures: &[String]) -> ExposureFilter {
        ExposureFilter {
            materials: self.materials.clone(),
            measures: measures.to_vec(),
            as_of: "all".to_owned(),
            ..ExposureFilter::default()
        }
    }

    /// How they are read.
    #[must_use]
    pub fn reading(&self) -> Reading {
        let mirror = if self.by_exporter { Mirror::Exporter } else { Mirror::Unspecified };
        Reading { mirror: mirror.into(), tenant: self.tenant.clone(), ..Reading::default() }
    }
}

/// A subscription to alerts that was interrupted.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct AlertStream {
    /// What it is called in the answers.
    pub name: String,
    /// Token of the last message before the interruption.
    pub resume_token: String,
    /// Only alerts of these rules. Empty: all.
    pub rules: Vec<String>,
}

impl AlertStream {
    /// Which alerts.
    #[must_use]
    pub fn filter(&self) -> AlertFilter {
        AlertFilter { rules: self.rules.clone(), ..AlertFilter::default() }
    }
}

/// A watch of exposures that was interrupted.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct ExposureStream {
    /// What it is called in the answers.
    pub name: String,
    /// Token of the last message before the interruption.
    pub resume_token: String,
    /// Only figures of these materials. Empty: all.
    pub materials: Vec<String>,
}

impl ExposureStream {
    /// Which figures, of measures that there were.
    #[must_use]
    pub fn filter(&self, measures: &[String]) -> ExposureFilter {
        ExposureFilter {
            materials: self.materials.clone(),
            measures: measures.to_vec(),
            ..ExposureFilter::default()
        }
    }
}
