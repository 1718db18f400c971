//! Lists page by page: how many entries a page has, and the token of the next one.
//!
//! A request names a `page_size` and the `page_token` of the page before. A page ends where it has as many
//! entries as were asked for, or as many bytes as an answer holds; its token leads to what follows, and an
//! empty token says that this was the last page. What a token holds is the service's own: most name the last
//! entry of the page, so that what is added meanwhile neither repeats nor hides an entry.
//!
//! ```
//! use orewatch_contracts::page::{Page, PageSize};
//!
//! const SIZE: PageSize = PageSize::new(2, 100, "rules");
//! let rules = ["a", "b", "c"];
//! let size = SIZE.resolve(0)?;
//!
//! let first = Page::collect(rules, size, |rule| rule.len()); assert_eq!((first.next_token(|last|
//! format!("r:{last}")), first.items), ("r:b".to_owned(), vec!["a", "b"]));
//!
//! let last = Page::collect(["c"], size, |rule| rule.len());
//! assert_eq!(last.next_token(|last| format!("r:{last}")), "");
//! # Ok::<(), orewatch_contracts::Failure>(())
//! ```
use crate::{Class, Failure};

/// Upper bound on the bytes of one page's entries (3 MiB): clients take messages of 4 MiB.
pub const MAX_PAGE_BYTES: usize = 3 << 20;

/// How many entries a page of one kind of list may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize {
    /// Entries of a page whose size is not asked for. `None`: as many as an answer holds.
    default: Option<u32>,
    max: u32,
    /// What the entries are, in the plural, for people.
    entries: &'static str,
}

impl PageSize {
    /// Pages of at most `max` entries, and of `default` where no size is asked for.
    #[must_use]
    pub const fn new(default: u32, max: u32, entries: &'static str) -> Self {
        Self { default: Some(default), max, entries }
    }

    /// Pages of at most `max` entries, and of as many as an answer holds where no size is asked for.
    #[must_use]
    pub const fn bounded_by_bytes(max: u32, entries: &'static str) -> Self {
        Self { default: None, max, entries }
    }

    /// The number of entries for the `page_size` of a request, where 0 is the default.
    ///
    /// # Errors
    /// [`Class::Invalid`] with code `invalid-page-size` for a size over the maximum.
    pub fn resolve(&self, asked: u32) -> Result<usize, Failure> {
        let size = match (asked, self.default) {
            (0, None) => return Ok(usize::MAX),
            (0, Some(default)) => default,
            (asked, _) if asked <= self.max => asked,
            _ => return Err(self.too_large(asked)),
        };
        Ok(usize::try_from(size).unwrap_or(usize::MAX))
    }

    fn too_large(&self, asked: u32) -> Failure {
        let Self { default, max, entries } = self;
        let otherwise = match default {
            Some(default) => default.to_string(),
            None => "as many as an answer holds".to_owned(),
        };
        let message = format!("a page holds at most {max} {entries}");
        Failure::new(Class::Invalid, "invalid-page-size", message)
            .at("page_size", asked.to_string())
            .with_hint(format!("use 1 to {max}, or 0 for {otherwise}"))
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries, in the order of the list.
    pub items: Vec<T>,
    /// More entries follow.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// Takes the first `size` entries of a list, and fewer if these have more than [`MAX_PAGE_BYTES`]. The
    /// first entry is always taken, so that a list of any entries comes to its end.
    pub fn collect(
        list: impl IntoIterator<Item = T>,
        size: usize,
        encoded_len: impl Fn(&T) -> usize,
    ) -> Self {
        let (mut items, mut bytes) = (Vec::new(), 0_usize);
        for item in list {
            bytes = bytes.saturating_add(encoded_len(&item));
            if items.len() == size || (bytes > MAX_PAGE_BYTES && !items.is_empty()) {
                return Self { items, has_more: true };
            }
            items.push(item);
        }
        Self { items, has_more: false }
    }

    /// Token of the next page, made from the last entry of this one. Empty: this is the last page.
    pub fn next_token(&self, token: impl FnOnce(&T) -> String) -> String {
        self.items.last().filter(|_| self.has_more).map(token).unwrap_or_default()
    }
}

/// A token in `field` that the service has not given out.
#[must_use]
pub fn invalid_token(field: &str, token: &str) -> Failure {
    let message = format!("{token:?} is no token that this service has given out");
    Failure::new(Class::Invalid, "invalid-token", message)
        .at(field, token)
        .with_hint("pass a token as it was received, or leave it empty")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_over_the_maximum_is_refused_with_what_to_use() {
        let size = PageSize::new(100, 1_000, "alerts");
        assert_eq!((size.resolve(0), size.resolve(1), size.resolve(1_000)), (Ok(100), Ok(1), Ok(1_000)));
        let failure = size.resolve(1_001).unwrap_err();
        assert_eq!((failure.class, failure.code.as_str()), (Class::Invalid, "invalid-page-size"));
        assert_eq!((failure.field.as_str(), failure.value.as_str()), ("page_size", "1001"));
        assert_eq!(failure.message, "a page holds at most 1000 alerts");
        assert_eq!(failure.hint, "use 1 to 1000, or 0 for 100");

        let size = PageSize::bounded_by_bytes(1_000, "rules");
        assert_eq!(size.resolve(0), Ok(usize::MAX));
        assert_eq!(
            size.resolve(1_001).unwrap_err().hint,
            "use 1 to 1000, or 0 for as many as an answer holds"
        );
    }

    #[test]
    fn a_page_ends_by_count_or_by_bytes_and_never_before_its_first_entry() {
        let page = |size, bytes: usize| Page::collect(0..3, size, move |_| bytes);
        assert_eq!(page(3, 1), Page { items: vec![0, 1, 2], has_more: false });
        assert_eq!(page(2, 1), Page { items: vec![0, 1], has_more: true });
        assert_eq!(page(3, MAX_PAGE_BYTES / 2), Page { items: vec![0, 1], has_more: true });
        assert_eq!(page(3, usize::MAX), Page { items: vec![0], has_more: true });
    }
}
