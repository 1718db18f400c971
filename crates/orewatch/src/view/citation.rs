//! Citations of releases, to be pasted into a text.
use orewatch_catalog::passing_on;
use orewatch_contracts::ingestion::v1::{Provenance, Release};

use crate::render::{Cell, Column, Row, column};
use crate::words::time_text;

/// Length of a day in an ISO 8601 timestamp.
const DAY_LENGTH: usize = "2026-01-31".len();

/// A release as a source to cite, alone or as a source of a figure.
#[derive(Clone, Debug)]
pub(crate) struct Citation {
    release: Release,
    /// Identifier of the measure of a figure. Empty for a release alone.
    measure: String,
    /// Where the formula of the measure is published.
    method: String,
}

impl Citation {
    /// Cites a release.
    pub(crate) fn of_release(release: Release) -> Self {
        Self { release, measure: String::new(), method: String::new() }
    }

    /// Cites a release as a source of a figure of this measure.
    pub(crate) fn of_figure(release: Release, measure: &str, method: &str) -> Self {
        Self { release, measure: measure.to_owned(), method: method.to_owned() }
    }

    fn origin(&self) -> Provenance {
        self.release.provenance.clone().unwrap_or_default()
    }

    /// The day on which the newest file was retrieved. Empty if it is not known.
    fn retrieved(&self) -> String {
        let times = self.release.files.iter().filter_map(|file| file.retrieved_at);
        let newest = times.max_by_key(|time| time.seconds);
        time_text(newest).chars().take(DAY_LENGTH).collect()
    }

    /// The address of the publication, or the address of the first file.
    fn address(&self) -> String {
        let of_file = || self.release.files.iter().map(|file| file.url.clone()).find(|url| !url.is_empty());
        Some(self.origin().url).filter(|url| !url.is_empty()).or_else(of_file).unwrap_or_default()
    }

    /// The citation as text.
    pub(crate) fn sentence(&self) -> String {
        let Provenance { publisher, title, licence, published, .. } = self.origin();
        let dataset = &self.release.dataset;
        let author = if publisher.is_empty() { dataset.clone() } else { publisher };
        let title = if title.is_empty() { dataset.clone() } else { title };
        let dated = if published.is_empty() { "no date".to_owned() } else { published };
        let clause = |label: &str, text: String| {
            if text.is_empty() { String::new() } else { format!(" {label}{text}.") }
        };
        let vintage = &self.release.vintage;
        let vintage = if title.contains(vintage.as_str()) { String::new() } else { format!(", {vintage}") };
        let mut text = format!("{author} ({dated}): {title}{vintage}.");
        text.push_str(&clause("", self.address()));
        text.push_str(&clause("Licence: ", licence));
        text.push_str(&clause("Retrieved ", self.retrieved()));
        text.push_str(&format!(" Release {}, read by {}", self.release.id, self.release.parser));
        if !self.measure.is_empty() {
            text.push_str(&format!("; computed as {}", self.measure));
        }
        text.push_str(&format!("; Orewatch {}.", env!("CARGO_PKG_VERSION")));
        text.push_str(&clause("Method: ", self.method.trim_end_matches('.').to_owned()));
        text
    }
}

impl Row for Citation {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("release", |row: &Self| Cell::text(&row.release.id)),
            column("dataset", |row: &Self| Cell::text(&row.release.dataset)),
            column("vintage", |row: &Self| Cell::text(&row.release.vintage)),
            column("publisher", |row: &Self| Cell::text(row.origin().publisher)),
            column("title", |row: &Self| Cell::text(row.origin().title)),
            column("published", |row: &Self| Cell::text(row.origin().published)),
            column("url", |row: &Self| Cell::text(row.address())),
            column("licence", |row: &Self| Cell::text(row.origin().licence)),
            column("retrieved", |row: &Self| Cell::text(row.retrieved())),
            column("parser", |row: &Self| Cell::text(&row.release.parser)),
            column("measure", |row: &Self| Cell::text(&row.measure)),
            column("method", |row: &Self| Cell::text(&row.method)),
            column("program", |_: &Self| Cell::text(concat!("orewatch/", env!("CARGO_PKG_VERSION")))),
            column("citation", |row: &Self| Cell::text(row.sentence())),
            column("may_pass_on", |row: &Self| Cell::text(passing_on(&row.origin().licence).as_str())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::ingestion::v1::SourceFile;

    use super::*;

    #[test]
    fn a_citation_says_who_published_what_when_and_how_it_was_read() {
        let origin = Provenance {
            publisher: "U.S. Geological Survey".to_owned(),
            title: "Mineral Commodity Summaries".to_owned(),
            url: "https://pubs.usgs.gov/periodicals/mcs2026".to_owned(),
            licence: "US-PD".to_owned(),
            published: "2026-02".to_owned(),
        };
        let time = prost_types::Timestamp { seconds: 1_796_029_262, nanos: 0 };
        let file = SourceFile { retrieved_at: Some(time), ..SourceFile::default() };
        let release = Release {
            id: "usgs-mcs/MCS2026-0123456789ab".to_owned(),
            dataset: "usgs-mcs".to_owned(),
            vintage: "MCS2026".to_owned(),
            parser: "usgs/3".to_owned(),
            provenance: Some(origin),
            files: vec![file],
            ..Release::default()
        };
        let program = env!("CARGO_PKG_VERSION");
        assert_eq!(
            Citation::of_figure(release.clone(), "production-top1/1", "IEA 2025.").sentence(),
            format!(
                "U.S. Geological Survey (2026-02): Mineral Commodity Summaries, MCS2026. \
                 https://pubs.usgs.gov/periodicals/mcs2026. Licence: US-PD. Retrieved 2026-11-30. Release \
                 usgs-mcs/MCS2026-0123456789ab, read by usgs/3; computed as production-top1/1; Orewatch \
                 {program}. Method: IEA 2025."
            )
        );
        let bare = Release { provenance: None, files: Vec::new(), ..release };
        assert_eq!(
            Citation::of_release(bare).sentence(),
            format!(
                "usgs-mcs (no date): usgs-mcs, MCS2026. Release usgs-mcs/MCS2026-0123456789ab, read by \
                 usgs/3; Orewatch {program}."
            )
        );
    }
}
