//! Projections, targets and claims from clients in other languages are checked like those of our readers.
use orewatch_contracts::Class;
use orewatch_contracts::common::v1::By;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    ClaimRow, ClaimRows, Confirmation, ProjectedSeries, ProjectionColumns, Side, Table, TargetRow,
    TargetRows, TargetStatus,
};

use crate::foreign::foreign;
use crate::harness::Service;

fn projection() -> ProjectionColumns {
    ProjectionColumns {
        periods: vec!["2030".to_owned()],
        economies: ["CHN", "OTHER", "WLD"].map(str::to_owned).to_vec(),
        series: vec![ProjectedSeries {
            material: "rare-earths".to_owned(),
            stage: "refined".to_owned(),
            side: Side::Supply.into(),
            scenario: "base".to_owned(),
            unit: "t".to_owned(),
            basis: "content".to_owned(),
        }],
        period: vec![0; 3],
        economy: vec![0, 1, 2],
        product: vec![0; 3],
        quantity: vec![76.0, 24.0, 100.0],
        line: vec![2, 3, 4],
        ..ProjectionColumns::default()
    }
}

fn target() -> TargetRow {
    TargetRow {
        id: "g7-2030".to_owned(),
        title: "At most 60 %".to_owned(),
        announced_by: "G7".to_owned(),
        consumer: "G7".to_owned(),
        material: "rare-earths".to_owned(),
        stage: "refined".to_owned(),
        measure: "import-share".to_owned(),
        line: 0.6,
        at_most: true,
        due: "2030".to_owned(),
        status: TargetStatus::Declaration.into(),
        source: "Communique".to_owned(),
        announced: "2026-06-17".to_owned(),
        confirmation: Confirmation::Confirmed.into(),
        line_number: 2,
        ..TargetRow::default()
    }
}

fn claim() -> ClaimRow {
    ClaimRow {
        id: "china".to_owned(),
        text: "China refines 47 to 87 %".to_owned(),
        said_by: "An agency".to_owned(),
        date: "2026-01-11".to_owned(),
        consumer: "WLD".to_owned(),
        materials: ["copper", "lithium"].map(str::to_owned).to_vec(),
        stage: "refined".to_owned(),
        measure: "production-share/1".to_owned(),
        supplier: "CHN".to_owned(),
        low: 0.47,
        high: 0.87,
        source: "A newspaper".to_owned(),
        confirmation: Confirmation::Reported.into(),
        line: 2,
        ..ClaimRow::default()
    }
}

#[tokio::test]
async fn clients_are_not_trusted_with_projections() {
    let service = Service::start().await;
    type Spoil = fn(&mut ProjectionColumns);
    let cases: [(&str, Spoil); 9] = [
        ("series.side", |columns| columns.series[0].side = 0),
        ("series.side", |columns| columns.series[0].side = 9),
        ("series.scenario", |columns| columns.series[0].scenario = "Base case".to_owned()),
        ("series.basis", |columns| columns.series[0].basis = "gross".to_owned()),
        ("series.unit", |columns| columns.series[0].unit = "kt".to_owned()),
        ("economies", |columns| columns.economies[0] = "G7".to_owned()),
        ("periods", |columns| columns.periods = vec!["3030".to_owned()]),
        ("quantity", |columns| columns.quantity[0] = -1.0),
        ("economy", |columns| columns.economy[0] = 3),
    ];
    for (field, spoil) in cases {
        let mut columns = projection();
        spoil(&mut columns);
        let columns = Columns::Projections(columns);
        let failure = foreign(&service, Table::Projections, columns).await.unwrap_err();
        assert_eq!((failure.class, &*failure.field), (Class::Invalid, field), "{failure}");
    }
    foreign(&service, Table::Projections, Columns::Projections(projection())).await.unwrap();
    service.stop().await;
}

#[tokio::test]
async fn clients_are_not_trusted_with_targets() {
    let service = Service::start().await;
    type Spoil = fn(&mut TargetRow);
    let cases: [(&str, Spoil); 15] = [
        ("id", |row| row.id = "G7".to_owned()),
        ("title", |row| row.title = String::new()),
        ("consumer", |row| row.consumer = "g7".to_owned()),
        ("material", |row| row.material = "mithril".to_owned()),
        ("stage", |row| row.stage = "ore".to_owned()),
        ("measure", |row| row.measure = "luck".to_owned()),
        ("supplier", |row| row.supplier = "G7".to_owned()),
        ("line", |row| row.line = 60.0),
        ("line", |row| row.line = f64::NAN),
        ("by", |row| row.by = 9),
        ("status", |row| row.status = 0),
        ("announced", |row| row.announced = "2026".to_owned()),
        ("due", |row| row.due = "soon".to_owned()),
        ("confirmation", |row| row.confirmation = 0),
        ("file", |row| row.file = 1),
    ];
    for (field, spoil) in cases {
        let mut row = target();
        spoil(&mut row);
        let columns = Columns::Targets(TargetRows { rows: vec![row] });
        let failure = foreign(&service, Table::Targets, columns).await.unwrap_err();
        assert_eq!((failure.class, &*failure.field), (Class::Invalid, field), "{failure}");
    }
    let columns = Columns::Targets(TargetRows { rows: Vec::new() });
    assert_eq!(foreign(&service, Table::Targets, columns).await.unwrap_err().field, "columns");
    foreign(&service, Table::Targets, Columns::Targets(TargetRows { rows: vec![target()] })).await.unwrap();
    service.stop().await;
}

#[tokio::test]
async fn clients_are_not_trusted_with_claims() {
    let service = Service::start().await;
    type Spoil = fn(&mut ClaimRow);
    let cases: [(&str, Spoil); 12] = [
        ("date", |row| row.date = String::new()),
        ("high", |row| row.high = 0.4),
        ("low", |row| row.low = f64::INFINITY),
        ("materials", |row| row.materials = Vec::new()),
        ("material", |row| row.materials[1] = "copper".to_owned()),
        ("supplier", |row| row.supplier = String::new()),
        ("by", |row| row.by = By::Value.into()),
        ("tolerance", |row| row.tolerance = -0.1),
        ("tolerance", |row| row.tolerance = f64::NAN),
        ("vintage", |row| row.vintage = "May 2025".to_owned()),
        ("source", |row| row.source = String::new()),
        ("line", |row| row.line = 0),
    ];
    for (field, spoil) in cases {
        let mut row = claim();
        spoil(&mut row);
        let columns = Columns::Claims(ClaimRows { rows: vec![row] });
        let failure = foreign(&service, Table::Claims, columns).await.unwrap_err();
        assert_eq!((failure.class, &*failure.field), (Class::Invalid, field), "{failure}");
    }
    foreign(&service, Table::Claims, Columns::Claims(ClaimRows { rows: vec![claim()] })).await.unwrap();
    service.stop().await;
}
