//! A reader of the embedded log: a position that moves over the shared pages, woken by the writer.
use std::sync::{Arc, Weak};

use tokio::sync::watch;

use super::pages::{Page, Pages};
use super::row;
use crate::recent::MAX_BATCH_BYTES;
use crate::{Error, Filter, Item, Position, limits};

/// Lower bound on the data that is read at a time, in bytes.
const MIN_BATCH_BYTES: usize = 64 * 1024;

/// One reader of the log.
pub(super) struct Reader {
    pages: Arc<Pages>,
    heads: watch::Receiver<Position>,
    filter: Filter,
    /// Everything that matches up to here was yielded.
    position: Position,
    is_started: bool,
    /// The page that holds the next event. `None`: it is to be looked up.
    page: Option<Weak<Page>>,
    /// Bytes to read at a time. Halved each time a page was evicted before all of it was used, which happens
    /// where many readers are at different places; doubled when one was used up.
    bytes: usize,
    /// [`Item::CaughtUp`] came after the last event.
    has_caught_up: bool,
    ended: bool,
}

impl Reader {
    pub(super) fn new(
        pages: Arc<Pages>,
        heads: watch::Receiver<Position>,
        filter: Filter,
        after: Position,
    ) -> Self {
        Self {
            pages,
            heads,
            filter,
            position: after,
            is_started: false,
            page: None,
            bytes: MAX_BATCH_BYTES,
            has_caught_up: false,
            ended: false,
        }
    }

    /// The next item. `None` after an error.
    pub(super) async fn next(&mut self) -> Option<Result<Item, Error>> {
        while !self.ended {
            match self.step().await {
                Ok(None) => {}
                Ok(Some(item)) => return Some(Ok(item)),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }

    /// Moves on by one event, one page or one wait. `None`: nothing to yield yet.
    async fn step(&mut self) -> Result<Option<Item>, Error> {
        if !self.is_started {
            self.start().await?;
        }
        if let Some(page) = self.page.take() {
            match page.upgrade() {
                Some(kept) => return self.take(&kept),
                None => self.bytes = (self.bytes / 2).max(MIN_BATCH_BYTES),
            }
        }
        let head = *self.heads.borrow_and_update();
        if self.position < head {
            let page = self.pages.page(&self.filter, self.position, head, self.bytes).await?;
            return self.take(&page);
        }
        if self.has_caught_up {
            let closed = |_| self.pages.place().unavailable("it was closed".to_owned(), false);
            return self.heads.changed().await.map_err(closed).map(|()| None);
        }
        self.has_caught_up = true;
        Ok(Some(Item::CaughtUp(self.position)))
    }

    /// Checks filter and position before the first event.
    async fn start(&mut self) -> Result<(), Error> {
        limits::check_filter(self.pages.place().log(), &self.filter)?;
        let extent = self.pages.run_query(row::extent).await?;
        extent.check(self.pages.place().log(), self.position)?;
        self.is_started = true;
        Ok(())
    }

    /// The next event of a page. `None`: the page is used up. An event that cannot be read is reported after
    /// those before it were yielded.
    fn take(&mut self, page: &Arc<Page>) -> Result<Option<Item>, Error> {
        if let Some(event) = page.first_after(self.position) {
            self.position = event.position;
            self.has_caught_up = false;
            self.page = Some(Arc::downgrade(page));
            return Ok(Some(Item::Event(event.clone())));
        }
        if let Some((position, reason)) = page.damage() {
            let place = self.pages.place();
            return Err(place.corrupt(position, format!("{}: {reason}", place.path().display())));
        }
        self.position = self.position.max(page.upto());
        self.bytes = self.bytes.saturating_mul(2).min(MAX_BATCH_BYTES);
        Ok(None)
    }
}
