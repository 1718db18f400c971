//! Parses lines of BACI's plain form, many at a time: `1995,4,8,260150,26.399,19.439`.
//!
//! Almost every line of such a file has this form, and a file may have a thousand million of them. A line of
//! any other form is only marked as such, and then read as text like the lines of other formats. So one place
//! alone says what is wrong with a row, and this one may be fast and strict.
use super::decimal::Decimal;

/// Digits of an amount up to which it is exact as a whole number below 2^53.
const MAX_DIGITS: usize = 15;

/// Bytes of a word.
const WORD: usize = 8;

/// A line of a block, as numbers if it has the plain form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Line {
    /// Offset of its first byte in the block.
    pub(super) at: u32,
    /// Year, exporter, importer and product, from the highest bits, in one word: loading fields together that
    /// were just stored one by one stalls the processor. [`OTHER_FORM`]: the line has another form.
    codes: u64,
    pub(super) value: Decimal,
    quantity: Decimal,
}

/// Bits of the product, and of each other code.
const PRODUCT_BITS: u32 = 20;
const CODE_BITS: u32 = 14;

/// Stands for the codes of a line that has another form.
const OTHER_FORM: u64 = u64::MAX;

/// Stands for a quantity that is `NA`: no amount has 15 digits behind the point.
const NO_QUANTITY: u64 = u64::MAX;

/// The codes of a line, as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Codes {
    pub(super) year: usize,
    pub(super) exporter: usize,
    pub(super) importer: usize,
    pub(super) product: usize,
}

impl Line {
    /// Its codes. None: it has another form.
    #[inline]
    pub(super) fn codes(&self) -> Option<Codes> {
        let bits = |from: u32, count: u32| {
            usize::try_from(self.codes >> from & ((1 << count) - 1)).unwrap_or(usize::MAX)
        };
        (self.codes != OTHER_FORM).then(|| Codes {
            year: bits(PRODUCT_BITS + 2 * CODE_BITS, CODE_BITS),
            exporter: bits(PRODUCT_BITS + CODE_BITS, CODE_BITS),
            importer: bits(PRODUCT_BITS, CODE_BITS),
            product: bits(0, PRODUCT_BITS),
        })
    }

    /// The quantity. None: `NA`.
    #[inline]
    pub(super) fn quantity(&self) -> Option<Decimal> {
        (self.quantity.bits() != NO_QUANTITY).then_some(self.quantity)
    }

    /// A line of another form.
    fn of_other_form(at: u32) -> Self {
        let [value, quantity] = [Decimal::ZERO; 2];
        Self { at, codes: OTHER_FORM, value, quantity }
    }
}

/// Splits a text into lines and parses those of the plain form.
pub(super) fn scan(text: &str) -> Vec<Line> {
    let bytes = text.as_bytes();
    let mut lines = Vec::with_capacity(bytes.len() / 24);
    let mut at = 0;
    while at < bytes.len() {
        let start = u32::try_from(at).unwrap_or(u32::MAX);
        let found = parse_plain(bytes, at, start);
        lines.push(found.map_or_else(|| Line::of_other_form(start), |(line, _)| line));
        at = match found {
            Some((_, next)) => next,
            None => {
                let rest = bytes.get(at..).unwrap_or_default();
                at + memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1)
            }
        };
    }
    lines
}

/// The line that begins at an offset, and where the next begins. None: it has another form.
fn parse_plain(bytes: &[u8], at: usize, start: u32) -> Option<(Line, usize)> {
    let (year, at) = code(bytes, at, 4, 4)?;
    let (exporter, at) = code(bytes, at, 1, 3)?;
    let (importer, at) = code(bytes, at, 1, 3)?;
    let (product, at) = code(bytes, at, 6, 6)?;
    let (value, at) = amount(bytes, blanks(bytes, at))?;
    let at = comma(bytes, blanks(bytes, at))?;
    let at = blanks(bytes, at);
    let (quantity, at) = match bytes.get(at..at + 2)? {
        b"NA" => (Decimal::from_bits(NO_QUANTITY), at + 2),
        _ => amount(bytes, at)?,
    };
    let at = match bytes.get(at)? {
        b'\n' => at + 1,
        b'\r' if bytes.get(at + 1) == Some(&b'\n') => at + 2,
        _ => return None,
    };
    let codes = ((year << CODE_BITS | exporter) << CODE_BITS | importer) << PRODUCT_BITS | product;
    Some((Line { at: start, codes, value, quantity }, at))
}

/// A code of `least` to `most` digits and the comma behind it.
fn code(bytes: &[u8], at: usize, least: usize, most: usize) -> Option<(u64, usize)> {
    let (number, digits) = number(bytes, at)?;
    let fits = (least..=most).contains(&digits);
    let at = comma(bytes, at + digits)?;
    fits.then_some((number, at))
}

/// An amount: up to 15 digits, with or without a point among them.
fn amount(bytes: &[u8], at: usize) -> Option<(Decimal, usize)> {
    let (whole, digits) = number(bytes, at)?;
    let at = at + digits;
    let (scaled, decimals, at) = match bytes.get(at) {
        Some(b'.') => {
            let (fraction, decimals) = number(bytes, at + 1)?;
            let scale = WHOLE_TENS.get(decimals)?;
            (whole * scale + fraction, decimals, at + 1 + decimals)
        }
        _ => (whole, 0, at),
    };
    if digits + decimals > MAX_DIGITS {
        return None;
    }
    Some((Decimal::new(scaled, u32::try_from(decimals).ok()?), at))
}

/// Powers of ten up to the digits of a word.
const WHOLE_TENS: [u64; WORD] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// The number that begins at an offset, of one to seven digits, and how many digits it has.
///
/// Eight bytes are read at once, without a branch that depends on them: lengths of numbers vary from line to
/// line, and a branch for each digit would be mispredicted most of the time.
fn number(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let word = bytes.get(at..at + WORD)?;
    let word = u64::from_le_bytes(word.try_into().ok()?) ^ 0x3030_3030_3030_3030;
    // Digits are 0 to 9 now. Adding 0x76 sets the high bit of every larger byte; a carry may spoil the bytes
    // behind the first that is no digit, which do not matter.
    let other = (word.wrapping_add(0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080;
    let bits = other.trailing_zeros() & !7;
    if !(8..64).contains(&bits) {
        return None;
    }
    // The digits move to the end of the word, with zeros before them. Neighbouring digits are then added up
    // to numbers of two digits, these to numbers of four, and these to one of eight.
    let word = word << (64 - bits);
    let word = word.wrapping_mul(10).wrapping_add(word >> 8);
    let pairs = (word & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let more = ((word >> 16) & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    Some((pairs.wrapping_add(more) >> 32, usize::try_from(bits / 8).ok()?))
}

fn comma(bytes: &[u8], at: usize) -> Option<usize> {
    (bytes.get(at) == Some(&b',')).then_some(at + 1)
}

fn blanks(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at) == Some(&b' ') {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Year, exporter, importer, product, and bits of value and quantity.
    type Fields = ([usize; 4], [u64; 2]);

    /// Parses a line with the standard library.
    fn parse_slowly(line: &str) -> Option<Fields> {
        let fields: Vec<&str> = line.split(',').collect();
        let [year, exporter, importer, product, value, quantity] = fields[..] else { return None };
        let number = |text: &str| text.trim_matches(' ').parse::<f64>().ok();
        let quantity = if quantity.trim_matches(' ') == "NA" { f64::NAN } else { number(quantity)? };
        let codes = [year, exporter, importer, product].map(|text| text.parse().unwrap());
        Some((codes, [number(value)?, quantity].map(f64::to_bits)))
    }

    /// The fields of a line as `scan` read it.
    fn fields(line: &Line) -> Option<Fields> {
        let Codes { year, exporter, importer, product } = line.codes()?;
        let quantity = line.quantity().map_or(f64::NAN, Decimal::number);
        let codes = [year, exporter, importer, product];
        Some((codes, [line.value.number(), quantity].map(f64::to_bits)))
    }

    #[test]
    fn lines_of_the_plain_form_are_parsed() {
        for line in [
            "1995,4,8,260150,26.399,19.439",
            "2022,842,76,010121,0.001,NA",
            "2022,36,392,999999,   12.5,     3",
            "2022,4,8,260150,0001.500,1234567.1234567",
            "2022,4,8,260150,7,0.0\r",
        ] {
            // Parsing needs some bytes behind a line: the last line of a text is of another form.
            let text = format!("{line}\n{line}\n");
            let lines = scan(&text);
            assert_eq!(lines.len(), 2);
            assert_eq!(fields(&lines[0]).unwrap(), parse_slowly(line.trim_end()).unwrap(), "{line}");
            assert_eq!(usize::try_from(lines[1].at).unwrap(), line.len() + 1);
        }
    }

    #[test]
    fn lines_of_other_forms_are_left_to_the_text_parser() {
        for line in [
            "",
            " ",
            "#",
            "1995,4,8,260150,26.399",
            "95,4,8,260150,1.0,1.0",
            "1995,4444,8,260150,1.0,1.0",
            "1995,4,8,26015,1.0,1.0",
            "1995,4,8,260150,NA,1.0",
            "1995,4,8,260150,1.0,NA ",
            "1995,4,8,260150,1.,1.0",
            "1995,4,8,260150,.5,1.0",
            "1995,4,8,260150,-1.0,1.0",
            "1995,4,8,260150,1.0,1e3",
            "1995,4,8,260150,12345678,1.0",
            "1995,4,8,260150,1.0,1.0,",
            "1995,4,8,260150,1.0 ,1.0",
            "1995,4,8,260150,\"1.0\",1.0",
            "1995,é,8,260150,1.0,1.0",
            "1995,4,8,260150,1.0,NAN",
        ] {
            let found = scan(&format!("{line}\n1995,4,8,260150,1.0,1.0\n"));
            let plain = fields(&found[0]);
            let allowed = ["1995,4,8,260150,1.0 ,1.0"].contains(&line);
            assert!(plain.is_none() || allowed, "{line:?} is {plain:?}");
            assert_eq!(found.len(), 2, "{line:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_plain_line_is_parsed_as_the_standard_library_parses_it(
            year in 1000_u16..9999,
            exporter in 0_u16..1000,
            importer in 0_u16..1000,
            product in 0_u32..1_000_000,
            value in "[0-9]{1,7}(\\.[0-9]{1,7})?",
            quantity in "[0-9]{1,7}(\\.[0-9]{1,7})?|NA",
            blanks in 0_usize..4,
        ) {
            let pad = " ".repeat(blanks);
            let line = format!("{year},{exporter},{importer},{product:06},{pad}{value},{pad}{quantity}");
            let found = scan(&format!("{line}\n          \n"));
            proptest::prop_assert_eq!(fields(&found[0]).unwrap(), parse_slowly(&line).unwrap(), "{}", line);
        }

        #[test]
        fn any_text_is_split_into_its_lines(text in "[0-9,. \\nNA\\r]{0,200}") {
            let starts = scan(&text).iter().map(|line| usize::try_from(line.at).unwrap()).collect::<Vec<_>>();
            let mut at = 0;
            let mut expected = Vec::new();
            for line in text.split_inclusive('\n') {
                expected.push(at);
                at += line.len();
            }
            proptest::prop_assert_eq!(starts, expected);
        }
    }
}
