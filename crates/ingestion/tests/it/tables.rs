//! What a source reads from files, without a service: rows as text, rejections, and totals.
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{
    ClaimRow, Evaluation, ParameterColumns, ProjectionColumns, Rejection, Release, RestrictionColumns, Side,
    TargetRow,
};
use orewatch_formats::Codes;
use orewatch_formats::{Limits, Metadata, Plan, SourceError, Totals, plan, read};

use crate::harness::{Service, file};

/// The result of reading files with one table.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) release: Release,
    pub(crate) notes: Vec<String>,
    pub(crate) rows: Vec<String>,
    pub(crate) rejections: Vec<Rejection>,
    pub(crate) totals: Totals,
}

impl Taken {
    /// Rows recorded, out of scope and quarantined: nothing else was read.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        let Totals { read, recorded, out_of_scope, .. } = self.totals;
        let rejected = self.totals.rejected_rows();
        assert_eq!(read, recorded + out_of_scope + rejected, "nothing is lost");
        assert_eq!(u64::try_from(self.rows.len()).unwrap(), recorded);
        (recorded, out_of_scope, rejected)
    }

    /// What was quarantined, as `line,column,code,value`.
    pub(crate) fn aside(&self) -> Vec<String> {
        let text = |row: &Rejection| format!("{},{},{},{}", row.line, row.column, row.code, row.value);
        self.rejections.iter().map(text).collect()
    }
}

/// Reads files as one release.
pub(crate) fn take<C: AsRef<[u8]>>(files: &[(&str, C)], given: &Metadata) -> Result<Taken, SourceError> {
    let mut taken = take_all(files, given)?;
    assert_eq!(taken.len(), 1, "the files hold one table");
    Ok(taken.remove(0))
}

/// Reads files as the releases that they hold.
pub(crate) fn take_all<C: AsRef<[u8]>>(
    files: &[(&str, C)],
    given: &Metadata,
) -> Result<Vec<Taken>, SourceError> {
    let inputs = files.iter().map(|(name, content)| file(name, content)).collect();
    let plans = plan(inputs, given, &Codes::default(), Limits::default(), &mut |_| {})?;
    plans.into_iter().map(take_plan).collect()
}

fn take_plan(plan: Plan) -> Result<Taken, SourceError> {
    let (mut rows, mut rejections) = (Vec::new(), Vec::new());
    let totals = read::<SourceError>(&plan, &mut |piece, _| {
        match piece {
            Rows::Observations(chunk) => rows.extend(texts(&chunk.columns.unwrap())),
            Rows::Quarantine(chunk) => rejections.extend(chunk.rejections),
        }
        Ok(())
    })?;
    Ok(Taken { release: plan.release, notes: plan.notes, rows, rejections, totals })
}

/// Reads one complete file that describes itself.
pub(crate) fn take_one(name: &str, content: impl AsRef<[u8]>) -> Taken {
    take(&[(name, content)], &Metadata::default()).unwrap()
}

fn texts(columns: &Columns) -> Vec<String> {
    match columns {
        Columns::Governance(it) => (0..it.line.len())
            .map(|row| {
                let [period, economy, indicator] = [
                    &it.periods[index(&it.period, row)],
                    &it.economies[index(&it.economy, row)],
                    &it.indicators[index(&it.indicator, row)],
                ];
                let (value, at) = (figure(it.value[row], &it.status, row), place(&it.line, &it.column, row));
                format!("{period},{economy},{indicator},{value} @{at}")
            })
            .collect(),
        Columns::Production(it) => (0..it.line.len())
            .map(|row| {
                let (period, economy) =
                    (&it.periods[index(&it.period, row)], &it.economies[index(&it.economy, row)]);
                let series = &it.series[index(&it.product, row)];
                let (value, at) =
                    (figure(it.quantity[row], &it.status, row), place(&it.line, &it.column, row));
                let mark = if it.estimated.get(row) == Some(&true) { ",estimated" } else { "" };
                format!(
                    "{period},{economy},{},{},{value},{}{mark} @{at}",
                    series.material, series.stage, series.basis
                )
            })
            .collect(),
        Columns::Trade(_) => Vec::new(),
        Columns::Restrictions(it) => (0..it.line.len()).map(|row| restriction_text(it, row)).collect(),
        Columns::Parameters(it) => (0..it.line.len()).map(|row| parameter_text(it, row)).collect(),
        Columns::Projections(it) => (0..it.line.len()).map(|row| projection_text(it, row)).collect(),
        Columns::Targets(it) => it.rows.iter().map(target_text).collect(),
        Columns::Claims(it) => it.rows.iter().map(claim_text).collect(),
        other => panic!("{other:?}"),
    }
}

fn index(column: &[u32], row: usize) -> usize {
    usize::try_from(column[row]).unwrap()
}

fn place(line: &[u64], column: &[u32], row: usize) -> String {
    match column.get(row) {
        None | Some(0) => line[row].to_string(),
        Some(column) => format!("{}:{column}", line[row]),
    }
}

fn figure(number: f64, status: &[i32], row: usize) -> String {
    match status.get(row).map(|at| Status::try_from(*at)) {
        None | Some(Ok(Status::Known)) => number.to_string(),
        Some(status) => format!("{:?}", status.unwrap()),
    }
}

fn parameter_text(it: &ParameterColumns, row: usize) -> String {
    let (period, economy) = (&it.periods[index(&it.period, row)], &it.economies[index(&it.economy, row)]);
    let about = &it.parameters[index(&it.parameter, row)];
    let (value, at) = (figure(it.value[row], &it.status, row), place(&it.line, &it.column, row));
    format!("{period},{},{value},{economy},{},{} @{at}", about.name, about.material, about.stage)
}

fn projection_text(it: &ProjectionColumns, row: usize) -> String {
    let (period, economy) = (&it.periods[index(&it.period, row)], &it.economies[index(&it.economy, row)]);
    let series = &it.series[index(&it.product, row)];
    let (value, at) = (figure(it.quantity[row], &it.status, row), place(&it.line, &it.column, row));
    let side = if series.side() == Side::Demand { "demand" } else { "supply" };
    format!(
        "{period},{economy},{},{},{side},{},{value},{} @{at}",
        series.material, series.stage, series.scenario, series.basis
    )
}

fn target_text(row: &TargetRow) -> String {
    let direction = if row.at_most { "at most" } else { "at least" };
    format!(
        "{}: {} {} {} {} {} {direction} {} {:?} by {}, {:?} of {} in force {}, {:?} @{}",
        row.id,
        row.consumer,
        row.material,
        row.stage,
        row.measure,
        row.supplier,
        row.line,
        row.by(),
        row.due,
        row.status(),
        row.announced,
        row.in_force,
        row.confirmation(),
        row.line_number
    )
}

fn claim_text(row: &ClaimRow) -> String {
    format!(
        "{}: {} {} {} {} {} {} to {} {:?} in {} of {} {} within {}, on {}, {:?} @{}",
        row.id,
        row.consumer,
        row.materials.join("+"),
        row.stage,
        row.measure,
        row.supplier,
        row.low,
        row.high,
        row.by(),
        row.period,
        row.basis,
        row.vintage,
        row.tolerance,
        row.date,
        row.confirmation(),
        row.line
    )
}

fn restriction_text(it: &RestrictionColumns, row: usize) -> String {
    let product = &it.products[index(&it.product, row)];
    let day = |column: &[u32]| it.days[index(column, row)].as_str();
    let (economy, kind) = (&it.economies[index(&it.economy, row)], &it.kinds[index(&it.kind, row)]);
    let judged = it.evaluation().nth(row).unwrap_or(Evaluation::Unspecified);
    format!(
        "{}..{},{economy},{},{},{kind},{judged:?},{}{},[{}] @{}",
        day(&it.from),
        day(&it.until),
        product.material,
        product.stage,
        product.code,
        if product.proxy { "~" } else { "" },
        it.partners[index(&it.partner, row)],
        it.line[row]
    )
}

/// The service records what the sources read.
#[tokio::test]
async fn rows_that_are_read_are_committed() {
    let service = Service::start().await;
    let gta = r#"[{"intervention_id":1,"intervention_type":"Export ban","gta_evaluation":"Red","date_implemented":"2020-01-01",
        "implementing_jurisdictions":[{"iso":"IDN"}],"affected_products":[260400]}]"#;
    for (name, content) in [
        ("pv.csv", "Country/Territory,Code,2021,2022\nChile,CHL,0.1,-0.2\n"),
        ("wmd.csv", "material,Country,Country_ISO,2021,2022,unit,data_source\nZinc,Peru,PER,1,2,metr. t,e\n"),
        ("oecd.csv", "ISO3,Year,HS6,Measure type\nIDN,2020,260400,Export tax\n"),
        ("gta.json", gta),
    ] {
        let outcome = service.take(name, content).await.unwrap();
        assert!(outcome.is_committed(), "{name}: {outcome:?}");
        assert!(outcome.release.report.unwrap().rows_recorded > 0, "{name}");
    }
    service.stop().await;
}
