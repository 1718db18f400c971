//! The file `record.toml`: the questions to a recorded log, and how the record was made.
use orewatch_contracts::alerting::v1::AlertFilter;
use orewatch_contracts::common::v1::{AsAt, as_at};
use orewatch_contracts::exposure::v1::{ExposureFilter, Mirror, Reading};
use serde::{Deserialize, Serialize};

/// Questions to a recorded log.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Questions {
    /// Commit whose services wrote the log and gave the answers.
    pub commit: String,
    /// When it was recorded, RFC 3339.
    pub recorded_at: String,
    /// All measures of that version, with their versions. Measures that were added later are not queried.
    pub measures: Vec<String>,
    /// Positions of the ends of the logs.
    pub heads: Heads,
    /// Queries of figures.
    pub figures: Vec<FigureQuestion>,
    /// Subscriptions to alerts to resume.
    pub alerts: Vec<AlertStream>,
    /// Watches of exposures to resume.
    pub exposures: Vec<ExposureStream>,
}

/// Positions of the last events.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Heads {
    /// Position in the observations log.
    pub observations: u64,
    /// Position in the exposures log.
    pub exposures: u64,
    /// Position in the alerts log.
    pub alerts: u64,
}

/// A query of all figures of all periods.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct FigureQuestion {
    /// Its name in the answers.
    pub name: String,
    /// Knowledge time as a release, by identifier or vintage. Now if neither this nor a position is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_at_release: Option<String>,
    /// Knowledge time as a position of the observations log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_at_position: Option<u64>,
    /// Tenant whose data take precedence. Empty if none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tenant: String,
    /// Whether the exporter's report of a flow gives the best estimate.
    pub by_exporter: bool,
    /// Whether to include trends.
    pub trend: bool,
    /// Only these materials. Empty means all.
    pub materials: Vec<String>,
}

impl FigureQuestion {
    /// Whether it queries what is known now, which a restatement may change.
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

    /// The filter, with the measures of that version.
    #[must_use]
    pub fn filter(&self, measures: &[String]) -> ExposureFilter {
        ExposureFilter {
            materials: self.materials.clone(),
            measures: measures.to_vec(),
            as_of: "all".to_owned(),
            ..ExposureFilter::default()
        }
    }

    /// The reading.
    #[must_use]
    pub fn reading(&self) -> Reading {
        let mirror = if self.by_exporter { Mirror::Exporter } else { Mirror::Unspecified };
        Reading { mirror: mirror.into(), tenant: self.tenant.clone(), ..Reading::default() }
    }
}

/// A subscription to alerts that was interrupted.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct AlertStream {
    /// Its name in the answers.
    pub name: String,
    /// Token of the last message before the interruption.
    pub resume_token: String,
    /// Only alerts of these rules. Empty means all.
    pub rules: Vec<String>,
}

impl AlertStream {
    /// The filter.
    #[must_use]
    pub fn filter(&self) -> AlertFilter {
        AlertFilter { rules: self.rules.clone(), ..AlertFilter::default() }
    }
}

/// A watch of exposures that was interrupted.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct ExposureStream {
    /// Its name in the answers.
    pub name: String,
    /// Token of the last message before the interruption.
    pub resume_token: String,
    /// Only figures of these materials. Empty means all.
    pub materials: Vec<String>,
}

impl ExposureStream {
    /// The filter, with the measures of that version.
    #[must_use]
    pub fn filter(&self, measures: &[String]) -> ExposureFilter {
        ExposureFilter {
            materials: self.materials.clone(),
            measures: measures.to_vec(),
            ..ExposureFilter::default()
        }
    }
}
