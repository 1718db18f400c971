//! Follows where the quotes of a csv file open and close. The csv parser accepts any quotes: one that is
//! missing joins rows into one, and one too many joins fields. Both are found here.

/// A quoted field that text follows where a separator should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stray {
    /// Line on which its quote opens, from 1.
    pub(super) opened: u64,
    /// Line on which text follows the quote that ends it.
    pub(super) line: u64,
}

/// Follows the quotes of a file.
#[derive(Debug)]
pub(super) struct Quotes {
    state: QuoteState,
    /// The byte that separates fields.
    delimiter: u8,
}

/// The state between two bytes.
#[derive(Clone, Copy, Debug)]
enum QuoteState {
    /// At the beginning of a field.
    Begin,
    /// In a field that does not begin with a quote, or in the text behind a quoted field.
    Plain,
    /// Within quotes that opened on this line.
    Quoted(u64),
    /// Behind a quote within them: it ends the field, or is the first of two that stand for one.
    Ended(u64),
    /// In blanks that follow such a field.
    Behind(u64),
}

impl Quotes {
    /// At the beginning of a file with this separator.
    pub(super) fn new(delimiter: u8) -> Self {
        Self { state: QuoteState::Begin, delimiter }
    }

    /// The line on which the quote opened that is not closed yet.
    pub(super) fn open(&self) -> Option<u64> {
        match self.state {
            QuoteState::Quoted(line) => Some(line),
            _ => None,
        }
    }

    /// Follows the next bytes, the first of them on this line. Returns the first stray field among them.
    pub(super) fn pass(&mut self, bytes: &[u8], mut line: u64) -> Option<Stray> {
        let outside = matches!(self.state, QuoteState::Begin | QuoteState::Plain);
        if outside && memchr::memchr(b'"', bytes).is_none() {
            self.state = bytes.last().map_or(self.state, |last| self.plain(*last));
            return None;
        }
        let mut stray = None;
        for byte in bytes.iter().copied() {
            self.state = match (self.state, byte) {
                (QuoteState::Begin, b'"') => QuoteState::Quoted(line),
                (QuoteState::Quoted(opened), b'"') => QuoteState::Ended(opened),
                (QuoteState::Quoted(opened), _) | (QuoteState::Ended(opened), b'"') => {
                    QuoteState::Quoted(opened)
                }
                (QuoteState::Ended(opened) | QuoteState::Behind(opened), b' ' | b'\t')
                    if byte != self.delimiter =>
                {
                    QuoteState::Behind(opened)
                }
                (state, byte) => {
                    let after = self.plain(byte);
                    if let (QuoteState::Ended(opened) | QuoteState::Behind(opened), QuoteState::Plain) =
                        (state, after)
                    {
                        stray = stray.or(Some(Stray { opened, line }));
                    }
                    after
                }
            };
            line = line.saturating_add(u64::from(byte == b'\n'));
        }
        stray
    }

    /// The state after a byte outside of quotes.
    fn plain(&self, byte: u8) -> QuoteState {
        if byte == self.delimiter || matches!(byte, b'\n' | b'\r') {
            QuoteState::Begin
        } else {
            QuoteState::Plain
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passes over a text in pieces of a size.
    fn passed(text: &str, size: usize) -> (Option<Stray>, Option<u64>) {
        let (mut quotes, mut line, mut stray) = (Quotes::new(b','), 1, None);
        for piece in text.as_bytes().chunks(size) {
            let found = quotes.pass(piece, line);
            stray = stray.or(found);
            line += piece.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        }
        (stray, quotes.open())
    }

    #[test]
    fn quotes_are_followed_however_the_file_is_cut_into_pieces() {
        let stray = |opened, line| Some(Stray { opened, line });
        for (text, expected) in [
            ("a,b\n\"1,2\",3\n", (None, None)),
            ("\"say \"\"x\"\"\",\"\"\r\n\"\" ,1\n", (None, None)),
            ("5\" pipe,a\"b\"c\n", (None, None)),
            ("a\n\"1\n2\",3\n", (None, None)),
            ("a\nx,\"1,2\n3", (None, Some(2))),
            ("a\n\"b\"\"\n", (None, Some(2))),
            ("a\n\"b\"c,1\n", (stray(2, 2), None)),
            ("a\n\"b\" \"c,1\n", (stray(2, 2), None)),
            ("a\n\"x,1\ny,\"2,3\",4\n", (stray(2, 3), None)),
            ("a\n\"x,1\ny,\"2,3\n", (stray(2, 3), None)),
        ] {
            for size in 1..=text.len() {
                assert_eq!(passed(text, size), expected, "{text:?} in pieces of {size}");
            }
        }
    }
}
