//! Citations of listings as Markdown: where the figures are from, under which licences, by which formulas,
//! and where the same can be found again.
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use orewatch_catalog::passing_on;
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::{GetReleaseRequest, GetReleaseResponse, Release};
use orewatch_measures::methods;
use orewatch_query::Cell;
use prost::Message as _;

use crate::Console;
use crate::contract::{Listing, RELEASE};
use crate::entries::decoded;
use crate::export::blocking;
use crate::message::encoded;
use crate::question::in_terms_of;
use crate::refused::Refused;
use crate::services::Caller;

/// Columns that name releases and measures.
const RELEASES: [&str; 2] = ["releases", "release"];
const MEASURE: &str = "measure";

/// Upper bound on the releases that are cited.
const MAX_RELEASES: usize = 200;

/// Releases that are asked for at a time.
const ASKED_AT_A_TIME: usize = 8;

/// What the rows of an answer rest on.
#[derive(Debug, Default)]
struct Grounds {
    rows: usize,
    releases: BTreeSet<String>,
    measures: BTreeSet<String>,
    has_more: bool,
}

impl Console {
    /// Answers with a citation of what a listing would answer: of its first page, which says if there is
    /// more.
    ///
    /// # Errors
    /// Wrong parameters, and those of the services.
    pub(crate) async fn citation(
        self: &Arc<Self>,
        caller: &Caller,
        listing: &'static Listing,
        query: &str,
    ) -> Result<Response, Refused> {
        let pinned = self.pin(caller, listing, query).await?;
        let envelope = pinned.envelope(listing, ".md");
        let bytes = self.services.ask(caller, listing.method, encoded(&pinned.question.request)).await;
        let bytes = bytes.map_err(|failure| in_terms_of(listing, failure))?;
        let console = Arc::clone(self);
        let grounds = blocking(move || console.grounds(listing, &bytes)).await?;
        let wanted = grounds.releases.iter().take(MAX_RELEASES);
        let releases = wanted.map(|release| self.release(caller, release.clone()));
        let releases: Vec<Release> = stream::iter(releases).buffered(ASKED_AT_A_TIME).try_collect().await?;
        let text = self.citation_text(listing, &envelope.permalink(), &envelope.as_at, &grounds, &releases);
        Ok(envelope.response("text/markdown; charset=utf-8", Body::from(text)))
    }

    /// What the rows of an answer rest on.
    fn grounds(&self, listing: &Listing, bytes: &[u8]) -> Result<Grounds, Failure> {
        let headings = self.headings(listing.name);
        let place = |name: &str| headings.iter().position(|heading| heading.name == name);
        let releases: Vec<usize> = RELEASES.into_iter().filter_map(&place).collect();
        let measure: Vec<usize> = place(MEASURE).into_iter().collect();
        let entries = (listing.entries)(&self.tables, bytes, &[releases.as_slice(), &measure].concat())?;
        let mut grounds =
            Grounds { rows: entries.rows.len(), has_more: !entries.next.is_empty(), ..Grounds::default() };
        for row in &entries.rows {
            let (of_releases, of_measure) = row.split_at(releases.len().min(row.len()));
            grounds.releases.extend(of_releases.iter().flat_map(texts));
            grounds.measures.extend(of_measure.iter().flat_map(texts));
        }
        Ok(grounds)
    }

    async fn release(&self, caller: &Caller, release: String) -> Result<Release, Failure> {
        let request = GetReleaseRequest { release }.encode_to_vec();
        let answer = self.services.ask(caller, RELEASE, request.into()).await?;
        Ok(decoded::<GetReleaseResponse>(&answer)?.release.and_then(|info| info.release).unwrap_or_default())
    }

    fn citation_text(
        &self,
        listing: &Listing,
        permalink: &str,
        as_at: &str,
        grounds: &Grounds,
        releases: &[Release],
    ) -> String {
        let mut text = format!("# {}\n\n{}\n\n", listing.name, listing.about);
        let of_all = permalink.replacen(".md", "", 1);
        let more = if grounds.has_more { ", of which this is the first page" } else { "" };
        // A write into a text does not fail.
        let _written = writeln!(text, "- Rows: {}{more}", grounds.rows);
        let _written = writeln!(text, "- Address: `{of_all}`");
        if !as_at.is_empty() {
            let _written =
                writeln!(text, "- Known as at: `{as_at}`, which the address names: it stays the same");
        }
        let _written = writeln!(text, "- Computed by: Orewatch {}", self.version);
        text.push_str("\n## Sources\n\n");
        if releases.is_empty() {
            text.push_str("The rows name no release.\n");
        }
        for release in releases {
            let licence = release.provenance.as_ref().map_or("", |origin| origin.licence.as_str());
            let may = passing_on(licence).as_str();
            let sentence = plain(&(self.tables.cite)(release));
            let _written = writeln!(text, "- {sentence} May the data be passed on: {may}.");
        }
        if grounds.releases.len() > releases.len() {
            let _written = writeln!(text, "- and {} more", grounds.releases.len() - releases.len());
        }
        if !grounds.measures.is_empty() {
            text.push_str("\n## Measures\n\n");
        }
        for method in methods().filter(|method| grounds.measures.contains(method.id)) {
            let _written = writeln!(
                text,
                "- `{}`: {}. `{}`. {}",
                method.id, method.title, method.formula, method.citation
            );
        }
        text
    }
}

/// The texts of a cell that has one or several.
fn texts(cell: &Cell) -> Vec<String> {
    match cell {
        Cell::List(texts) => texts.clone(),
        Cell::Text(text) if !text.is_empty() => vec![text.clone()],
        _ => Vec::new(),
    }
}

/// A text in which no character means anything in Markdown but what it is.
fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\r' | '\t' => shown.push(' '),
            '<' => shown.push_str("&lt;"),
            '&' => shown.push_str("&amp;"),
            '[' | ']' | '`' | '*' | '_' | '\\' | '|' => {
                shown.push('\\');
                shown.push(letter);
            }
            letter => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_cannot_act_in_markdown() {
        assert_eq!(plain("<b>[x](y)`"), "&lt;b>\\[x\\](y)\\`");
        assert_eq!(plain("one\n# two"), "one # two");
    }
}
