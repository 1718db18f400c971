//! Columns of projections.
use orewatch_contracts::ingestion::v1::{ProjectedSeries, ProjectionColumns, Side};

use super::Chunker;
use crate::names::{Names, Topic};

impl Chunker {
    pub(super) fn projections(&self, names: &Names) -> ProjectionColumns {
        let (periods, period) = self.periods(names);
        let (economies, economy) = self.economies(names);
        let (series, product) = self.topics(names, projected_series);
        ProjectionColumns {
            periods,
            economies,
            series,
            period,
            economy,
            product,
            quantity: self.numbers(0),
            status: self.statuses(0),
            file: self.files(),
            line: self.lines(),
            column: self.columns(),
        }
    }
}

fn projected_series(topic: &Topic) -> Option<ProjectedSeries> {
    let Topic::Projected { material, stage, basis, is_demand, scenario } = topic else { return None };
    let side = if *is_demand { Side::Demand } else { Side::Supply };
    Some(ProjectedSeries {
        material: (*material).to_owned(),
        stage: stage.to_string(),
        side: side.into(),
        scenario: scenario.clone(),
        unit: "t".to_owned(),
        basis: basis.to_string(),
    })
}
