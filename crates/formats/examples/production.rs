//! Writes the reference figures of world production in `crates/catalog/reference` from two editions of the
//! Mineral Commodity Summaries, read by Orewatch's own format.
//!
//! ```text
//! cargo run -p orewatch-formats --example production -- MCS2025_World_Data.csv MCS2026_Commodities_Data.csv
//! ```
//!
//! Figures keep the unit in which they were printed. The file of 2025 prints neither dashes nor `W`, so that
//! a blank can only be read as not available; it takes the sign, zero or `W`, that the next edition prints
//! for the same series and economy in 2024. The same files always give the same rows.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{ProductionColumns, Release};
use orewatch_formats::Codes;
use orewatch_formats::{Input, Limits, Metadata, SourceError, plan, read};

type Failure = Box<dyn std::error::Error>;

/// The year that both editions contain.
const SHARED_YEAR: &str = "2024";

/// Series of the reference figures, with the unit in which they are printed and how many of it a tonne is.
const SERIES: [(&str, &str, &str, f64); 14] = [
    ("antimony", "mined", "t", 1.0),
    ("bismuth", "refined", "t", 1.0),
    ("cobalt", "mined", "t", 1.0),
    ("copper", "mined", "kt", 1e-3),
    ("copper", "refined", "kt", 1e-3),
    ("gallium", "refined", "kg", 1e3),
    ("graphite", "mined", "t", 1.0),
    ("lithium", "mined", "t", 1.0),
    ("magnesium", "mined", "kt", 1e-3),
    ("magnesium", "refined", "kt", 1e-3),
    ("manganese", "mined", "kt", 1e-3),
    ("nickel", "mined", "t", 1.0),
    ("rare-earths", "mined", "t", 1.0),
    ("tungsten", "mined", "t", 1.0),
];

/// Material, stage, period and economy.
type Key = [String; 4];

/// A figure in its printed unit, `W` or `NA`; its unit and basis; whether it is an estimate.
#[derive(Clone)]
struct Output {
    quantity: String,
    unit: &'static str,
    basis: String,
    estimated: bool,
}

/// An edition.
struct Edition {
    release: Release,
    outputs: BTreeMap<Key, Output>,
}

fn main() -> Result<(), Failure> {
    let files: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [older, newer] = files.as_slice() else {
        return Err("name the files of 2025 and of 2026".into());
    };
    let newer = edition(newer)?;
    let mut older = edition(older)?;
    older.complete(&newer);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../catalog/reference");
    older.write(&folder)?;
    newer.write(&folder)
}

/// Reads the output of an edition.
fn edition(path: &Path) -> Result<Edition, Failure> {
    let given = Metadata { table: Some("production".to_owned()), ..Metadata::default() };
    let input = vec![Input::File(path.to_owned())];
    let plans = plan(input, &given, &Codes::default(), Limits::default(), &mut |_| {})?;
    let plan = plans.first().ok_or("the file holds no output")?;
    let mut outputs = BTreeMap::new();
    let totals = read::<SourceError>(plan, &mut |piece, _| {
        if let Rows::Observations(chunk) = piece
            && let Some(Columns::Production(columns)) = &chunk.columns
        {
            outputs.extend((0..columns.period.len()).filter_map(|row| output(columns, row)));
        }
        Ok(())
    })?;
    if totals.rejected_rows() > 0 {
        return Err(format!("{}: {totals:?}", path.display()).into());
    }
    Ok(Edition { release: plan.release.clone(), outputs })
}

/// A row of output. None: it is of no series of the reference figures.
fn output(columns: &ProductionColumns, row: usize) -> Option<(Key, Output)> {
    fn entry<'a, T>(dictionary: &'a [T], indices: &[u32], row: usize) -> Option<&'a T> {
        dictionary.get(usize::try_from(*indices.get(row)?).ok()?)
    }
    let series = entry(&columns.series, &columns.product, row)?;
    let is_printed = |(material, stage, ..): &&(&str, &str, &str, f64)| {
        series.material == *material && series.stage == *stage
    };
    let (_, _, unit, per_tonne) = SERIES.iter().find(is_printed)?;
    let quantity = match columns.status.get(row).and_then(|status| Status::try_from(*status).ok()) {
        Some(Status::Withheld) => "W".to_owned(),
        Some(Status::Unavailable) => "NA".to_owned(),
        // Printed figures have no more than three decimals.
        _ => ((columns.quantity.get(row)? * per_tonne * 1e3).round() / 1e3).to_string(),
    };
    let period = entry(&columns.periods, &columns.period, row)?.clone();
    let economy = entry(&columns.economies, &columns.economy, row)?.clone();
    let estimated = columns.estimated.get(row).copied().unwrap_or(false);
    let output = Output { quantity, unit, basis: series.basis.clone(), estimated };
    Some(([series.material.clone(), series.stage.clone(), period, economy], output))
}

impl Edition {
    /// Replaces blanks of the shared year by the sign of the next edition.
    fn complete(&mut self, next: &Self) {
        for ([material, stage, _, economy], output) in &mut self.outputs {
            let same = [material.clone(), stage.clone(), SHARED_YEAR.to_owned(), economy.clone()];
            let sign = next.outputs.get(&same).filter(|next| ["0", "W"].contains(&next.quantity.as_str()));
            if let ("NA", Some(sign)) = (output.quantity.as_str(), sign) {
                output.quantity.clone_from(&sign.quantity);
            }
        }
    }

    /// Writes the table. Name and time stay out of the gzip header, so that bytes depend on rows alone.
    fn write(&self, folder: &Path) -> Result<(), Failure> {
        let Release { dataset, vintage, .. } = &self.release;
        let mut file = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
        file.write_all(self.text().as_bytes())?;
        let path = folder.join(format!("production-{dataset}-{vintage}.csv.gz"));
        std::fs::write(&path, file.finish()?)?;
        writeln!(std::io::stdout(), "{}: {} rows", path.display(), self.outputs.len())?;
        Ok(())
    }

    fn text(&self) -> String {
        let provenance = self.release.provenance.clone().unwrap_or_default();
        let keys = [
            ("table", "production"),
            ("dataset", &self.release.dataset),
            ("vintage", &self.release.vintage),
            ("publisher", &provenance.publisher),
            ("title", &provenance.title),
            ("url", &provenance.url),
            ("licence", &provenance.licence),
            ("published", &provenance.published),
        ];
        let mut text: String = keys.map(|(key, value)| format!("# {key}: {value}\n")).concat();
        text.push_str("period,economy,material,stage,quantity,unit,basis,estimated\n");
        for ([material, stage, period, economy], output) in &self.outputs {
            let Output { quantity, unit, basis, estimated } = output;
            text.push_str(&format!(
                "{period},{economy},{material},{stage},{quantity},{unit},{basis},{estimated}\n"
            ));
        }
        text
    }
}
