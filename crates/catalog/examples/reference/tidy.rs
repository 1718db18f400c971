//! Writes a table as tidy CSV.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};

/// How a table writes a figure that the source does not have.
pub(crate) const NO_FIGURE: &str = "NA";

/// A reference table before it is written.
pub(crate) struct Table {
    /// `trade`, `production`, `projections`, `governance` or `parameters`.
    pub(crate) table: &'static str,
    pub(crate) dataset: &'static str,
    pub(crate) vintage: String,
    /// The other `# key: value` lines.
    pub(crate) provenance: Vec<(&'static str, String)>,
    pub(crate) header: &'static str,
    /// Rows without line endings, in the order in which they are written.
    pub(crate) rows: Vec<String>,
}

impl Table {
    /// Writes `FOLDER/TABLE-DATASET-VINTAGE.csv.gz`. Name and time are left out of the gzip header, so that
    /// the bytes depend only on the rows.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let name = format!("{}-{}-{}.csv.gz", self.table, self.dataset, self.vintage);
        let mut file = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
        file.write_all(self.text().as_bytes())?;
        let bytes = file.finish()?;
        let path = folder.join(name);
        fs::write(&path, &bytes).with_context(|| path.display().to_string())?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}: {} rows, {} bytes", path.display(), self.rows.len(), bytes.len())?;
        Ok(())
    }

    fn text(&self) -> String {
        let own = [("table", self.table.to_owned()), ("dataset", self.dataset.to_owned())];
        let vintage = [("vintage", self.vintage.clone())];
        let keys = own.iter().chain(&vintage).chain(&self.provenance);
        let mut text: String = keys.map(|(key, value)| format!("# {key}: {value}\n")).collect();
        text.push_str(self.header);
        text.push('\n');
        for row in &self.rows {
            text.push_str(row);
            text.push('\n');
        }
        text
    }
}

/// Prints what is left out: nothing is left out silently.
pub(crate) fn report_omission(what: &str) -> Result<()> {
    writeln!(std::io::stdout().lock(), "left out: {what}").context("standard output")
}
