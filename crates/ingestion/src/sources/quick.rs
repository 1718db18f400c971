//! Lines of BACI's plainest form, many at a time: `1995,4,8,260150,26.399,19.439`.
//!
//! Hardly a line of such files looks otherwise, and a file may have a thousand million. What is not of this form is not
//! judged here: it takes the way of every other line, so that there is one place that says what is wrong with a row.
use super::figure::LARGEST;

/// Powers of ten that doubles hold exactly, as far as an amount has digits.
const TENS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Most digits of an amount: as whole numbers they are exact.
const MOST_DIGITS: usize = 15;

/// Bytes of a word.
const WORD: usize = 8;

/// A line in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plain {
    pub(super) year: u16,
    pub(super) exporter: u16,
    pub(super) importer: u16,
    pub(super) product: u32,
    pub(super) value: f64,
    /// NaN: `NA`.
    pub(super) quantity: f64,
}

/// A line of a block: in numbers, if it has the plain form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Line {
    /// Where it begins.
    pub(super) at: u32,
    pub(super) plain: Option<Plain>,
}

/// Finds the lines of a text.
pub(super) fn scan(text: &str) -> Vec<Line> {
    let bytes = text.as_bytes();
    let mut lines = Vec::with_capacity(bytes.len() / 24);
    let mut at = 0;
    while at < bytes.len() {
        let start = u32::try_from(at).unwrap_or(u32::MAX);
        let found = plain(bytes, at);
        lines.push(Line { at: start, plain: found.map(|(plain, _)| plain) });
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

/// The line that begins at a place, and where the next begins.
fn plain(bytes: &[u8], at: usize) -> Option<(Plain, usize)> {
    let (year, at) = code(bytes, at, 4, 4)?;
    let (exporter, at) = code(bytes, at, 1, 3)?;
    let (importer, at) = code(bytes, at, 1, 3)?;
    let (product, at) = code(bytes, at, 6, 6)?;
    let (value, at) = amount(bytes, blanks(bytes, at))?;
    let at = comma(bytes, blanks(bytes, at))?;
    let at = blanks(bytes, at);
    let (quantity, at) = match bytes.get(at..at + 2)? {
        b"NA" => (f64::NAN, at + 2),
        _ => amount(bytes, at)?,
    };
    let at = match bytes.get(at)? {
        b'\n' => at + 1,
        b'\r' if bytes.get(at + 1) == Some(&b'\n') => at + 2,
        _ => return None,
    };
    let [year, exporter, importer] =
        [year, exporter, importer].map(|number| u16::try_from(number).unwrap_or(u16::MAX));
    Some((Plain { year, exporter, importer, product, value, quantity }, at))
}

/// A code of so many digits with its comma.
fn code(bytes: &[u8], at: usize, least: usize, most: usize) -> Option<(u32, usize)> {
    let (number, digits) = number(bytes, at)?;
    let fits = (least..=most).contains(&digits);
    let at = comma(bytes, at + digits)?;
    fits.then(|| (u32::try_from(number).unwrap_or(u32::MAX), at))
}

/// An amount: digits with a point among them, or none; 15 at most.
fn amount(bytes: &[u8], at: usize) -> Option<(f64, usize)> {
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
    if digits + decimals > MOST_DIGITS {
        return None;
    }
    // Both numbers are exact, so that the quotient is the double that is nearest to the text.
    #[allow(clippy::cast_precision_loss, reason = "15 digits are below 2^53")]
    let number = scaled as f64 / TENS.get(decimals)?;
    (number <= LARGEST).then_some((number, at))
}

/// Powers of ten as far as a word has digits.
const WHOLE_TENS: [u64; WORD] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// The digits from a place on, one to seven of them, as a number, and how many they are: eight bytes at once, without a
/// branch that depends on them.
fn number(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let word = bytes.get(at..at + WORD)?;
    let word = u64::from_le_bytes(word.try_into().ok()?) ^ 0x3030_3030_3030_3030;
    // The high bit of the first byte that is no digit; what it does to later bytes does not matter.
    let other = (word.wrapping_add(0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080;
    let bits = other.trailing_zeros() & !7;
    if !(8..64).contains(&bits) {
        return None;
    }
    // The digits at the end of the word, zeros before them; pairs, fours and eights of them are added up.
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

    /// What a line says by the plainest of means.
    fn slowly(line: &str) -> Option<Plain> {
        let fields: Vec<&str> = line.split(',').collect();
        let [year, exporter, importer, product, value, quantity] = fields[..] else { return None };
        let number = |text: &str| text.trim_matches(' ').parse::<f64>().ok();
        Some(Plain {
            year: year.parse().ok()?,
            exporter: exporter.parse().ok()?,
            importer: importer.parse().ok()?,
            product: product.parse().ok()?,
            value: number(value)?,
            quantity: if quantity.trim_matches(' ') == "NA" { f64::NAN } else { number(quantity)? },
        })
    }

    fn same(one: Plain, other: Plain) -> bool {
        let bits = |plain: Plain| [plain.value, plain.quantity].map(f64::to_bits);
        (one.year, one.exporter, one.importer, one.product, bits(one))
            == (other.year, other.exporter, other.importer, other.product, bits(other))
    }

    #[test]
    fn the_plain_form_is_read() {
        for line in [
            "1995,4,8,260150,26.399,19.439",
            "2022,842,76,010121,0.001,NA",
            "2022,36,392,999999,   12.5,     3",
            "2022,4,8,260150,0001.500,1234567.1234567",
            "2022,4,8,260150,7,0.0\r",
        ] {
            // What follows a line is read with it; without, the last takes the other way.
            let text = format!("{line}\n{line}\n");
            let lines = scan(&text);
            assert_eq!(lines.len(), 2);
            let (read, meant) = (lines[0].plain.unwrap(), slowly(line.trim_end()).unwrap());
            assert!(same(read, meant), "{read:?} is not {line}");
            assert_eq!(usize::try_from(lines[1].at).unwrap(), line.len() + 1);
        }
    }

    #[test]
    fn everything_else_takes_the_other_way() {
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
            let plain = found[0].plain;
            let allowed = ["1995,4,8,260150,1.0 ,1.0"].contains(&line);
            assert!(plain.is_none() || allowed, "{line:?} is {plain:?}");
            assert_eq!(found.len(), 2, "{line:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_is_what_the_text_says(
            year in 1000_u16..9999, exporter in 0_u16..1000, importer in 0_u16..1000, product in 0_u32..1_000_000,
            value in "[0-9]{1,7}(\\.[0-9]{1,7})?", quantity in "[0-9]{1,7}(\\.[0-9]{1,7})?|NA",
            blanks in 0_usize..4,
        ) {
            let pad = " ".repeat(blanks);
            let line = format!("{year},{exporter},{importer},{product:06},{pad}{value},{pad}{quantity}");
            let found = scan(&format!("{line}\n          \n"));
            let plain = found[0].plain.unwrap();
            proptest::prop_assert!(same(plain, slowly(&line).unwrap()), "{line}: {plain:?}");
        }

        #[test]
        fn any_text_is_split_into_its_lines(text in "[0-9,. \\nNA\\r]{0,200}") {
            let starts: Vec<usize> = scan(&text).iter().map(|line| usize::try_from(line.at).unwrap()).collect();
            let mut at = 0;
            let meant: Vec<usize> = text.split_inclusive('\n').map(|line| { let start = at; at += line.len(); start }).collect();
            proptest::prop_assert_eq!(starts, meant);
        }
    }
}
