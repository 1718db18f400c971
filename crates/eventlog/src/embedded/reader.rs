//! A reader: a position, and a look at the pages of the log; woken by the writer.
use std::sync::{Arc, Weak};

use tokio::sync::watch;

use super::pages::{Page, Pages};
use super::row::{self, BATCH_BYTES};
use crate::{Error, Filter, Item, Position, limits};

/// Least data that is read at a time, in bytes.
const LEAST_BYTES: usize = 64 * 1024;

/// One reader of the log.
pub(super) struct Reader {
    pages: Arc<Pages>,
    heads: watch::Receiver<Position>,
    filter: Filter,
    /// Everything that matches up to here is given.
    position: Position,
    is_started: bool,
    /// Where what follows is read from. None: from the log.
    page: Option<Weak<Page>>,
    /// How much is read at a time: less where pages go before they are read, which is where many read different parts.
    bytes: usize,
    /// Whether the end of what is known was said since the last event.
    said: bool,
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
            bytes: BATCH_BYTES,
            said: false,
            ended: false,
        }
    }

    /// The next item; after an error none.
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

    async fn step(&mut self) -> Result<Option<Item>, Error> {
        if !self.is_started {
            self.start().await?;
        }
        if let Some(page) = self.page.take() {
            match page.upgrade() {
                Some(kept) => return self.take(&kept),
                None => self.bytes = (self.bytes / 2).max(LEAST_BYTES),
            }
        }
        let head = *self.heads.borrow_and_update();
        if self.position < head {
            let page = self.pages.page(&self.filter, self.position, head, self.bytes).await?;
            return self.take(&page);
        }
        if self.said {
            let closed = |_| self.pages.place().unavailable("it was closed".to_owned(), false);
            return self.heads.changed().await.map_err(closed).map(|()| None);
        }
        self.said = true;
        Ok(Some(Item::CaughtUp(self.position)))
    }

    async fn start(&mut self) -> Result<(), Error> {
        limits::check_filter(self.pages.place().log(), &self.filter)?;
        let extent = self.pages.ask(row::extent).await?;
        extent.check(self.pages.place().log(), self.position)?;
        self.is_started = true;
        Ok(())
    }

    /// The next event of a page. None: it has no other. An event that cannot be read is told once those before it are given.
    fn take(&mut self, page: &Arc<Page>) -> Result<Option<Item>, Error> {
        if let Some(event) = page.next(self.position) {
            self.position = event.position;
            self.said = false;
            self.page = Some(Arc::downgrade(page));
            return Ok(Some(Item::Event(event.clone())));
        }
        if let Some((position, reason)) = page.damage() {
            let place = self.pages.place();
            return Err(place.corrupt(position, format!("{}: {reason}", place.path().display())));
        }
        self.position = self.position.max(page.upto());
        self.bytes = self.bytes.saturating_mul(2).min(BATCH_BYTES);
        Ok(None)
    }
}
