//! Tables for people.
use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle,
    Width,
};
use orewatch_query::one_line;

use super::out::Out;

/// Table style: a header with a rule below it, no other lines.
const PLAIN: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none())
    .header_separator(LineStyle::none().fill('─'))
    .content_lines(ContentLineStyle::none());

/// Spaces between two columns.
const PADDING: u16 = 2;

/// Longest word that is never broken, in characters: people copy identifiers.
const MAX_UNBROKEN: u16 = 48;

/// A space at which a cell is not wrapped, as long as the table is put together.
const GLUE: char = '\u{a0}';

/// A column of texts: heading, alignment, cells.
pub(super) type TextColumn<'a> = (&'a str, Align, Vec<String>);

/// Alignment of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// For text.
    Left,
    /// For numbers.
    Right,
}

/// A table for people.
#[derive(Debug)]
pub(crate) struct Sheet {
    table: Table,
    width: u16,
    /// Length of the longest word of each column.
    words: Vec<u16>,
}

impl Sheet {
    /// Creates a table with these columns.
    pub(crate) fn new(out: &Out, columns: &[(&str, Align)]) -> Self {
        let mut table = Table::new();
        table
            .load_style(PLAIN)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(columns.iter().map(|(name, _)| (*name).to_owned()));
        for (place, (column, (_, align))) in table.column_iter_mut().zip(columns).enumerate() {
            column.set_padding((0, padding(place, columns.len())));
            column.set_cell_alignment(match align {
                Align::Left => CellAlignment::Left,
                Align::Right => CellAlignment::Right,
            });
        }
        let words = columns.iter().map(|(name, _)| longest_word(name)).collect();
        Self { table, width: u16::try_from(out.width).unwrap_or(u16::MAX), words }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        // A line break in a cell would look like another row.
        let cells: Vec<String> = cells.into_iter().map(|cell| glued(&one_line(&cell))).collect();
        for (longest, cell) in self.words.iter_mut().zip(&cells) {
            *longest = longest_word(cell).max(*longest);
        }
        self.table.add_row(cells);
    }

    /// Renders the table without trailing spaces. Cells are wrapped between words only, and never inside a
    /// number or before its unit, so a table can be wider than the page.
    pub(crate) fn finish(mut self) -> String {
        let least = self.words.iter().enumerate();
        let least = least.map(|(place, word)| word.saturating_add(padding(place, self.words.len())));
        let narrowest = least.clone().fold(0, u16::saturating_add);
        for (column, least) in self.table.column_iter_mut().zip(least) {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
        }
        self.table.set_width(self.width.max(narrowest));
        let mut text = self.table.trim_fmt().replace(GLUE, " ");
        text.push('\n');
        text
    }
}

/// Spaces after a column, by its place among the columns of a table.
fn padding(place: usize, columns: usize) -> u16 {
    if place + 1 < columns { PADDING } else { 0 }
}

/// Fewest characters that a column takes, with the spaces before the next one.
pub(super) fn column_width((heading, _, cells): &TextColumn<'_>) -> usize {
    let cells = cells.iter().map(|cell| longest_word(&glued(cell))).max().unwrap_or_default();
    usize::from(cells.max(longest_word(heading)) + PADDING)
}

/// Whether a page has room for columns of these widths.
pub(super) fn has_room(out: &Out, widths: impl Iterator<Item = usize>) -> bool {
    widths.sum::<usize>() <= out.width + usize::from(PADDING)
}

/// Replaces the spaces inside a number (`8 163`), before its unit (`98.4 %`) and after its sign (`> 50`).
fn glued(cell: &str) -> String {
    let mut words = cell.split(' ');
    let mut last = words.next().unwrap_or_default();
    let mut glued = last.to_owned();
    for word in words {
        let is_joined = match last.chars().next_back() {
            Some(end) if end.is_ascii_digit() => is_unit(word) || is_group(last) && is_group(word),
            Some('<' | '>' | '≤' | '≥') => word.starts_with(|letter: char| letter.is_ascii_digit()),
            _ => false,
        };
        glued.push(if is_joined { GLUE } else { ' ' });
        glued.push_str(word);
        last = word;
    }
    glued
}

fn is_unit(word: &str) -> bool {
    word.starts_with('%') || ["t", "t,", "pp", "pp,"].contains(&word)
}

/// Whether a word is digits that may be written apart from others: `8` and `163` of `8 163`.
fn is_group(word: &str) -> bool {
    let digits = word.trim_matches(|letter: char| !letter.is_ascii_digit());
    (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Length of the longest word of a text.
fn longest_word(text: &str) -> u16 {
    text.split(' ').map(length).max().unwrap_or_default()
}

/// Length of a piece of text, up to [`MAX_UNBROKEN`].
fn length(text: &str) -> u16 {
    u16::try_from(text.chars().count()).unwrap_or(u16::MAX).min(MAX_UNBROKEN)
}

/// Shortens a text to `width` characters; a cut text ends with `…`.
pub(crate) fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// Pads a text with spaces to `width` characters, or shortens it.
pub(crate) fn pad(text: &str, width: usize, align: Align) -> String {
    let text = fit(text, width);
    match align {
        Align::Left => format!("{text:<width$}"),
        Align::Right => format!("{text:>width$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits_and_units_together() {
        let pieces = |cell| glued(cell).split(' ').map(|word| word.replace(GLUE, "_")).collect::<Vec<_>>();
        assert_eq!(pieces("8 163 t (8 162 to 8 433)"), ["8_163_t", "(8_162", "to", "8_433)"]);
        assert_eq!(pieces("> 50.0 % of 12 codes"), [">_50.0_%", "of", "12", "codes"]);
        assert_eq!(pieces("-7 355 t, $1.2m"), ["-7_355_t,", "$1.2m"]);
        assert_eq!(pieces("2026-12-01 00:00"), ["2026-12-01", "00:00"]);
    }

    #[test]
    fn a_shortened_text_ends_with_an_ellipsis() {
        assert_eq!(fit("Netherlands", 11), "Netherlands");
        assert_eq!(fit("Congo, Democratic Republic", 12), "Congo, Demo…");
        assert_eq!(fit("South Africa", 7), "South…");
        assert_eq!(pad("é", 3, Align::Right), "  é");
    }
}
