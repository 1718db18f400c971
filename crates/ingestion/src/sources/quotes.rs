//! Where the quotes of a csv file open and end. The parser of others' csv takes whatever comes: a quote that is missing joins
//! rows into one, and a quote too many joins figures. Both are told here.

/// What is wrong with a quoted field.
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
    place: Place,
    /// What separates fields.
    delimiter: u8,
}

/// Between two bytes.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Where a field begins.
    Begin,
    /// In a field that does not begin with a quote, or behind one that was strange.
    Plain,
    /// Within quotes that opened on a line.
    Quoted(u64),
    /// Behind a quote within them: it ends the field, or is the first of two that stand for one.
    Ended(u64),
    /// Behind blanks that follow the end of such a field.
    Behind(u64),
}

impl Quotes {
    /// At the beginning of a file whose fields are separated by this.
    pub(super) fn new(delimiter: u8) -> Self {
        Self { place: Place::Begin, delimiter }
    }

    /// The line on which the quote opened whose field is not at its end.
    pub(super) fn open(&self) -> Option<u64> {
        match self.place {
            Place::Quoted(line) => Some(line),
            _ => None,
        }
    }

    /// Goes on over the next bytes, the first of them on a line. Returns the first field that text follows where a comma should.
    pub(super) fn pass(&mut self, bytes: &[u8], mut line: u64) -> Option<Stray> {
        let outside = matches!(self.place, Place::Begin | Place::Plain);
        if outside && memchr::memchr(b'"', bytes).is_none() {
            self.place = bytes.last().map_or(self.place, |last| self.plain(*last));
            return None;
        }
        let mut stray = None;
        for byte in bytes.iter().copied() {
            self.place = match (self.place, byte) {
                (Place::Begin, b'"') => Place::Quoted(line),
                (Place::Quoted(opened), b'"') => Place::Ended(opened),
                (Place::Quoted(opened), _) | (Place::Ended(opened), b'"') => Place::Quoted(opened),
                (Place::Ended(opened) | Place::Behind(opened), b' ' | b'\t') if byte != self.delimiter => {
                    Place::Behind(opened)
                }
                (place, byte) => {
                    let after = self.plain(byte);
                    if let (Place::Ended(opened) | Place::Behind(opened), Place::Plain) = (place, after) {
                        stray = stray.or(Some(Stray { opened, line }));
                    }
                    after
                }
            };
            line = line.saturating_add(u64::from(byte == b'\n'));
        }
        stray
    }

    /// Where a byte outside of quotes leads to.
    fn plain(&self, byte: u8) -> Place {
        if byte == self.delimiter || matches!(byte, b'\n' | b'\r') { Place::Begin } else { Place::Plain }
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
    fn quotes_are_followed_wherever_they_are_cut() {
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
