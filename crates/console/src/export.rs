//! Listings as files, sent while they are made.
//!
//! Without a page size a file has all entries. They come from the service as a stream, or page after page;
//! each piece becomes rows on a thread of its own, some pieces at a time, and is put into the file in order.
//! What a client does not read is not asked for. When the rows end early, the connection is broken off, and a
//! format whose end cannot be told from a break says so in its last line.
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use orewatch_contracts::Failure;
use orewatch_query::files::{Batch, FileForm, FileFormat, FileWriter, Heading};
use orewatch_query::{Cell, Dialect};
use orewatch_runtime::Permit;

use crate::Console;
use crate::answer::Envelope;
use crate::contract::Listing;
use crate::entries::Making;
use crate::listing::{Pinned, check_licence};
use crate::message::{encoded, set};
use crate::question::in_terms_of;
use crate::refused::Refused;
use crate::services::Caller;
use crate::validator::Validator;

/// Pieces of an answer that are prepared at a time.
const PREPARED_AT_A_TIME: usize = 4;

/// Entries of a page of a listing that has no stream: as many as every service returns at once.
const PAGE_ENTRIES: u32 = 500;

/// Rows up to which a file is made before it is sent, so that its length is known.
const MAX_WHOLE_ROWS: usize = 2_000;

/// How the answers of a service become rows of a file. Threads share it.
pub(crate) struct Recipe {
    pub(crate) console: Arc<Console>,
    pub(crate) form: FileForm,
    pub(crate) columns: Vec<usize>,
    pub(crate) making: Making,
}

impl Recipe {
    fn rows(&self, message: &[u8]) -> Result<Vec<Vec<Cell>>, Failure> {
        Ok((self.making)(&self.console.tables, message, &self.columns)?.rows)
    }
}

/// The columns that a file has, with their places among all.
pub(crate) fn chosen(headings: &[Heading], wanted: Option<Vec<usize>>) -> (Vec<Heading>, Vec<usize>) {
    let places = wanted.unwrap_or_else(|| (0..headings.len()).collect());
    let chosen = places.iter().filter_map(|place| headings.get(*place).copied()).collect();
    (chosen, places)
}

/// How a file looks.
pub(crate) fn form(
    format: FileFormat,
    is_for_excel: bool,
    headings: Vec<Heading>,
    envelope: &Envelope,
) -> FileForm {
    let dialect = if is_for_excel { Dialect::Excel } else { Dialect::Guarded };
    let notes = [
        ("source", "Orewatch".to_owned()),
        ("address", envelope.permalink()),
        ("as_at", envelope.as_at.clone()),
        ("program", concat!("orewatch/", env!("CARGO_PKG_VERSION")).to_owned()),
        ("citation", format!("{} has the sources with their licences", cited(&envelope.permalink()))),
    ];
    let notes = notes.into_iter().filter(|(_, text)| !text.is_empty());
    FileForm { format, dialect, headings, notes: notes.map(|(name, text)| [name.to_owned(), text]).collect() }
}

/// The address of the citation of a file.
fn cited(permalink: &str) -> String {
    let (path, query) = permalink.split_once('?').unwrap_or((permalink, ""));
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    if query.is_empty() { format!("{stem}.md") } else { format!("{stem}.md?{query}") }
}

/// Computes on a thread for work that takes a while.
pub(crate) async fn blocking<T: Send + 'static>(
    compute: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(compute).await;
    done.unwrap_or_else(|error| Err(Failure::internal(format!("a computation ended badly: {error}"))))
}

impl Console {
    /// Answers a listing as a file.
    ///
    /// # Errors
    /// Wrong parameters, and those of the service before the first row.
    pub(crate) async fn file(
        self: &Arc<Self>,
        caller: &Caller,
        listing: &'static Listing,
        format: FileFormat,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<Response, Refused> {
        let permit = self.exports.admit(&caller.identity)?;
        let pinned = self.pin(caller, listing, query).await?;
        let mut envelope = pinned.envelope(listing, &format!(".{}", format.extension()));
        if pinned.position.is_some() {
            let validator = Validator::new(&self.version, pinned.position);
            envelope.validator = validator.text();
            if validator.is_known(headers) {
                return Ok(envelope.not_modified());
            }
        }
        let (headings, columns) = chosen(&self.headings(listing.name), pinned.question.columns.clone());
        let form = form(format, pinned.question.is_for_excel, headings, &envelope);
        let console = Arc::clone(self);
        let is_page = pinned.question.page_size.is_some() || !listing.is_paged;
        match listing.stream {
            Some(source) if !is_page => {
                let request = (source.request)(&encoded(&pinned.question.request))?;
                let messages = self.services.stream(caller, source.method, request.into()).await;
                let messages = messages.map_err(|failure| in_terms_of(listing, failure))?;
                let messages = messages.map(|message| message.map_err(Failure::from));
                let recipe = Recipe { console, form, columns, making: source.entries };
                send(envelope, recipe, messages.boxed(), permit).await
            }
            _ => {
                let recipe = Recipe { console, form, columns, making: listing.entries };
                let messages = self.pages(caller, listing, pinned, is_page, &mut envelope).await?;
                send(envelope, recipe, messages, permit).await
            }
        }
    }

    /// The answers with all pages of a listing, of which the first is asked for now: or one page alone.
    async fn pages(
        self: &Arc<Self>,
        caller: &Caller,
        listing: &'static Listing,
        mut pinned: Pinned,
        is_page: bool,
        envelope: &mut Envelope,
    ) -> Result<BoxStream<'static, Result<Bytes, Failure>>, Refused> {
        if !is_page {
            set(&mut pinned.question.request, "page_size", prost_reflect::Value::U32(PAGE_ENTRIES))?;
        }
        let first = self.services.ask(caller, listing.method, encoded(&pinned.question.request)).await;
        let first = first.map_err(|failure| in_terms_of(listing, failure))?;
        check_licence(listing, &pinned.question, &first)?;
        let next = (listing.entries)(&self.tables, &first, &[])?.next;
        if is_page {
            envelope.next = (!next.is_empty()).then(|| pinned.question.query(Some(&next)));
            return Ok(stream::once(async move { Ok(first) }).boxed());
        }
        let (console, caller) = (Arc::clone(self), caller.clone());
        let later = stream::unfold((next, pinned), move |(token, mut pinned)| {
            let (console, caller) = (Arc::clone(&console), caller.clone());
            async move {
                if token.is_empty() {
                    return None;
                }
                let page = console.later_page(&caller, listing, &mut pinned, token).await;
                Some(match page {
                    Ok((bytes, next)) => (Ok(bytes), (next, pinned)),
                    Err(failure) => (Err(failure), (String::new(), pinned)),
                })
            }
        });
        Ok(stream::once(async move { Ok(first) }).chain(later).boxed())
    }

    async fn later_page(
        &self,
        caller: &Caller,
        listing: &Listing,
        pinned: &mut Pinned,
        token: String,
    ) -> Result<(Bytes, String), Failure> {
        set(&mut pinned.question.request, "page_token", prost_reflect::Value::String(token))?;
        let bytes = self.services.ask(caller, listing.method, encoded(&pinned.question.request)).await?;
        let next = (listing.entries)(&self.tables, &bytes, &[])?.next;
        Ok((bytes, next))
    }
}

/// Sends a file of what a service answers. The first pieces are made before anything is sent: a failure of
/// theirs is a problem and no file, and a short file is sent with its length.
async fn send(
    envelope: Envelope,
    recipe: Recipe,
    messages: BoxStream<'static, Result<Bytes, Failure>>,
    permit: Permit,
) -> Result<Response, Refused> {
    let writer = recipe.form.writer()?;
    let media_type = recipe.form.format.media_type();
    let recipe = Arc::new(recipe);
    let prepared =
        messages.map(move |message| prepare(Arc::clone(&recipe), message)).buffered(PREPARED_AT_A_TIME);
    let mut prepared = Box::pin(prepared);
    let mut begun = Vec::new();
    let (mut rows, mut is_whole) = (0, false);
    while rows <= MAX_WHOLE_ROWS && !is_whole {
        match prepared.next().await {
            Some(piece) => {
                let (count, batch) = piece?;
                rows += count;
                begun.push(batch);
            }
            None => is_whole = true,
        }
    }
    let rest = prepared.map(|piece| piece.map(|(_, batch)| batch));
    let batches = stream::iter(begun).map(Ok).chain(rest);
    let pieces = write(writer, batches.boxed(), permit);
    if !is_whole {
        return Ok(envelope.file(media_type, Body::from_stream(pieces)));
    }
    let mut bytes = Vec::new();
    let mut pieces = Box::pin(pieces);
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(envelope.file(media_type, Body::from(bytes)))
}

/// A file of rows that are all there.
///
/// # Errors
/// None but a defect, and rows beyond what the format has room for.
pub(crate) fn whole_file(
    envelope: &Envelope,
    form: &FileForm,
    rows: Vec<Vec<Cell>>,
) -> Result<Response, Refused> {
    let mut writer = form.writer()?;
    let mut bytes = writer.begin()?;
    bytes.extend(writer.add(form.prepare(rows)?)?);
    bytes.extend(writer.finish()?);
    Ok(envelope.file(form.format.media_type(), Body::from(bytes)))
}

/// The rows of an answer, ready for the file, and their number.
async fn prepare(recipe: Arc<Recipe>, message: Result<Bytes, Failure>) -> Result<(usize, Batch), Failure> {
    let message = message?;
    blocking(move || {
        let rows = recipe.rows(&message)?;
        Ok((rows.len(), recipe.form.prepare(rows)?))
    })
    .await
}

/// Where a file is while it is written.
enum Stage {
    Begin,
    Rows,
    Broken(Failure),
    End,
}

/// A file that is being written.
struct Writing<S> {
    batches: Pin<Box<S>>,
    /// `None`: a defect ended a thread that had it.
    writer: Option<Box<dyn FileWriter>>,
    stage: Stage,
    _permit: Permit,
}

/// Puts batches into a file, and returns its bytes piece by piece.
pub(crate) fn write(
    writer: Box<dyn FileWriter>,
    batches: BoxStream<'static, Result<Batch, Failure>>,
    permit: Permit,
) -> impl Stream<Item = Result<Bytes, Failure>> + Send + 'static {
    let batches = Box::pin(batches);
    let writing = Writing { batches, writer: Some(writer), stage: Stage::Begin, _permit: permit };
    let pieces = stream::unfold(writing, |mut writing| {
        async move {
            let piece = writing.next().await?;
            Some((piece, writing))
        }
        .boxed()
    });
    // An empty piece would be sent as the end of the file.
    pieces.filter(|piece| std::future::ready(!matches!(piece, Ok(bytes) if bytes.is_empty())))
}

impl<S: Stream<Item = Result<Batch, Failure>> + Send> Writing<S> {
    /// The next piece of the file. `None`: it is complete, or broken off.
    async fn next(&mut self) -> Option<Result<Bytes, Failure>> {
        match std::mem::replace(&mut self.stage, Stage::End) {
            Stage::Begin => {
                self.stage = Stage::Rows;
                Some(self.with_writer(|writer| writer.begin()).await)
            }
            Stage::Rows => match self.batches.next().await {
                Some(Ok(batch)) => {
                    self.stage = Stage::Rows;
                    let written = self.with_writer(move |writer| writer.add(batch)).await;
                    Some(written.or_else(|failure| self.broken(failure)))
                }
                Some(Err(failure)) => Some(self.broken(failure)),
                None => Some(self.with_writer(|writer| writer.finish()).await),
            },
            Stage::Broken(failure) => Some(Err(failure)),
            Stage::End => None,
        }
    }

    /// Ends the file with what says that it is not complete. The failure itself comes after that, and breaks
    /// the connection off.
    fn broken(&mut self, failure: Failure) -> Result<Bytes, Failure> {
        tracing::warn!(%failure, code = failure.code, "a file was broken off");
        let last = self.writer.as_ref().map(|writer| writer.incomplete(&failure.message));
        self.stage = Stage::Broken(failure);
        Ok(Bytes::from(last.unwrap_or_default()))
    }

    /// Lets the writer work on a thread for that.
    async fn with_writer(
        &mut self,
        work: impl FnOnce(&mut dyn FileWriter) -> Result<Vec<u8>, Failure> + Send + 'static,
    ) -> Result<Bytes, Failure> {
        let Some(mut writer) = self.writer.take() else {
            return Err(Failure::internal("the writer of a file is gone"));
        };
        let (writer, bytes) = blocking(move || {
            let bytes = work(writer.as_mut());
            Ok((writer, bytes))
        })
        .await?;
        self.writer = Some(writer);
        bytes.map(Bytes::from)
    }
}

#[cfg(test)]
mod tests {
    use orewatch_query::files::ColumnKind;
    use orewatch_runtime::{Admission, Identity};

    use super::*;

    fn form_of(format: FileFormat) -> FileForm {
        let headings = vec![Heading { name: "consumer", kind: ColumnKind::Text }];
        form(format, false, headings, &Envelope::default())
    }

    async fn written(format: FileFormat, pieces: Vec<Result<&'static str, Failure>>) -> (String, bool) {
        let form = form_of(format);
        let rows = |name: &str| form.prepare(vec![vec![Cell::text(name)]]).unwrap();
        let batches: Vec<_> = pieces.into_iter().map(|piece| piece.map(rows)).collect();
        let permit = Admission::new("exports", 1, 1).admit(&Identity::open()).unwrap();
        let pieces = write(form.writer().unwrap(), stream::iter(batches).boxed(), permit);
        let pieces: Vec<_> = pieces.collect().await;
        let is_broken = pieces.last().unwrap().is_err();
        let bytes: Vec<u8> = pieces.into_iter().flatten().flatten().collect();
        (String::from_utf8_lossy(&bytes).into_owned(), is_broken)
    }

    #[tokio::test]
    async fn a_file_has_its_rows_in_order() {
        let rows = || vec![Ok("DEU"), Ok("JPN")];
        assert_eq!(written(FileFormat::Csv, rows()).await, ("consumer\nDEU\nJPN\n".to_owned(), false));
        let (json, is_broken) = written(FileFormat::Json, rows()).await;
        assert_eq!(
            (json.as_str(), is_broken),
            ("[\n{\"consumer\":\"DEU\"},\n{\"consumer\":\"JPN\"}\n]\n", false)
        );
        let (empty, _) = written(FileFormat::Csv, Vec::new()).await;
        assert_eq!(empty, "consumer\n");
    }

    #[tokio::test]
    async fn a_file_whose_rows_end_early_is_broken_off_and_says_so() {
        let rows = || vec![Ok("DEU"), Err(Failure::internal("the log is damaged"))];
        let (csv, is_broken) = written(FileFormat::Csv, rows()).await;
        assert!(is_broken && csv.ends_with("DEU\n# incomplete: the log is damaged\n"), "{csv}");
        let (json, is_broken) = written(FileFormat::Json, rows()).await;
        assert!(is_broken && serde_json::from_str::<serde_json::Value>(&json).is_err(), "{json}");
    }

    #[test]
    fn a_file_names_its_citation() {
        assert_eq!(cited("/api/v1/exposures.csv?a=b"), "/api/v1/exposures.md?a=b");
        assert_eq!(cited("/api/v1/targets.xlsx"), "/api/v1/targets.md");
    }
}
