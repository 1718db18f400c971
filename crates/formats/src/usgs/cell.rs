//! Parses cells: figures as they are printed, and the Survey's signs.
use super::super::Reject;
use super::super::figure::Figure;

/// A cell of a figure.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// A number in plain digits. A dash is zero, and so is `s`, a figure that rounds to zero: other figures
    /// are rounded to their unit as well.
    Number(String),
    /// A number that is marked as an estimate.
    Estimate(String),
    /// An empty cell.
    Blank,
    /// `W`: withheld.
    Withheld,
    /// `NA`: not available.
    NotAvailable,
    /// `XX`: not applicable.
    NotApplicable,
    /// `E`: net exporter.
    NetExporter,
    /// `>50`: withheld, but above this.
    Above(String),
    /// `<25`: withheld, but below this.
    Below(String),
    /// `50–300`, `Large`: no single figure is given.
    Vague,
}

impl Cell {
    /// Parses a cell. None: it is neither figure nor sign.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let lower = text.to_lowercase();
        let sign = match lower.as_str() {
            "" => Self::Blank,
            "w" => Self::Withheld,
            "na" | "n.a." | "n/a" => Self::NotAvailable,
            "xx" => Self::NotApplicable,
            "e" => Self::NetExporter,
            "large" | "small" | "moderate" => Self::Vague,
            "—" | "–" | "-" | "--" | "−" | "s" => Self::Number("0".to_owned()),
            _ if rounds_to_zero(&lower) => Self::Number("0".to_owned()),
            _ => return Self::number(text),
        };
        Some(sign)
    }

    fn number(text: &str) -> Option<Self> {
        let (bare, marked) = without_marks(text);
        let estimated = |number| if marked { Self::Estimate(number) } else { Self::Number(number) };
        let bound = |line: &str| plain(line.trim_start_matches('=').trim());
        match (bare.strip_prefix(['>', '≥']), bare.strip_prefix(['<', '≤'])) {
            (Some(line), _) => bound(line).map(Self::Above),
            (_, Some(line)) => bound(line).map(Self::Below),
            _ => plain(bare).map(estimated).or_else(|| is_range(bare).then_some(Self::Vague)),
        }
    }

    /// Reads a figure that cannot be negative, with whether it is marked as an estimate. None: not
    /// applicable. A figure with only a bound is withheld; the bound is never taken for the figure.
    pub(super) fn amount(column: &str, text: &str) -> Result<Option<(Figure, bool)>, Reject> {
        Ok(match Self::parse(text) {
            Some(Self::Number(number)) => Some((Figure::amount(column, &number)?, false)),
            Some(Self::Estimate(number)) => Some((Figure::amount(column, &number)?, true)),
            Some(Self::Withheld | Self::Above(_) | Self::Below(_)) => Some((Figure::WITHHELD, false)),
            Some(Self::Blank | Self::NotAvailable | Self::Vague) => Some((Figure::UNAVAILABLE, false)),
            Some(Self::NotApplicable) => None,
            Some(Self::NetExporter) => {
                let reason = "`E` stands for a net exporter, in figures of net import reliance only";
                return Err(Reject::new("invalid-number", column, text, reason)
                    .with_hint("an estimate has the letter beside its digits, such as e150"));
            }
            // Gives the reason why it is no figure.
            None => Some((Figure::amount(column, text)?, false)),
        })
    }
}

/// Whether a text is a sign of a figure that rounds to zero: `(1/2 unit)`, `Less than ½ unit`.
fn rounds_to_zero(lower: &str) -> bool {
    lower.contains("unit") && (lower.contains("1/2") || lower.contains('½'))
}

/// A text without the letters beside its digits that mark estimates and revisions, and whether one of them
/// marks an estimate.
fn without_marks(text: &str) -> (&str, bool) {
    let marks = ['e', 'r'];
    let front = text.trim_start_matches(marks);
    let bare = front.trim_end_matches(marks).trim();
    let cut = text.len() - bare.len();
    (bare, cut > 0 && text.matches('e').count() > bare.matches('e').count())
}

/// Whether a text is two numbers with a dash or `to` between them.
fn is_range(text: &str) -> bool {
    let mut split = ['–', '—', '-'].into_iter().filter_map(|dash| text.split_once(dash));
    let both = |(low, high): (&str, &str)| plain(low.trim()).is_some() && plain(high.trim()).is_some();
    split.any(both) || text.split_once(" to ").is_some_and(both)
}

/// The digits of a number without the separators of its thousands. None: it has separators elsewhere, or
/// anything other than digits and one point.
fn plain(text: &str) -> Option<String> {
    const SEPARATORS: [char; 4] = [',', '\u{a0}', '\u{202f}', '\u{2009}'];
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let separator = SEPARATORS.into_iter().find(|separator| whole.contains(*separator));
    let whole = match separator {
        None => whole.to_owned(),
        Some(separator) => {
            let mut groups = whole.split(separator);
            let first = groups.next().filter(|first| first.len() <= 3 && digits(first))?;
            let rest: Option<Vec<_>> =
                groups.map(|group| (group.len() == 3 && digits(group)).then_some(group)).collect();
            format!("{first}{}", rest?.concat())
        }
    };
    let fits = |part: &str| part.is_empty() || digits(part);
    match fraction {
        None => digits(&whole).then_some(whole),
        Some(fraction) => {
            let some = digits(&whole) || digits(fraction);
            (some && fits(&whole) && fits(fraction)).then(|| format!("{whole}.{fraction}"))
        }
    }
}
