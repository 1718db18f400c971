//! Tables for people.
use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle,
    Width,
};

use super::out::Out;
use super::plain::one_line;

/// Table style: a header with a rule below it, no other lines.
const PLAIN: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none())
    .header_separator(LineStyle::none().fill('─'))
    .content_lines(ContentLineStyle::none());

/// Spaces after a column.
const PADDING: u16 = 2;

/// Longest word that is never broken, in characters: people copy identifiers.
const MAX_UNBROKEN: u16 = 48;

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
    /// Alignment of each column, and the length of its longest piece that must not be broken.
    pieces: Vec<(Align, u16)>,
}

impl Sheet {
    /// Creates a table with these columns.
    pub(crate) fn new(out: &Out, columns: &[(&str, Align)]) -> Self {
        let mut table = Table::new();
        table
            .load_style(PLAIN)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(columns.iter().map(|(name, _)| (*name).to_owned()));
        for (column, (_, align)) in table.column_iter_mut().zip(columns) {
            column.set_padding((0, PADDING));
            column.set_cell_alignment(match align {
                Align::Left => CellAlignment::Left,
                Align::Right => CellAlignment::Right,
            });
        }
        let pieces = columns.iter().map(|(name, align)| (*align, longest_word(name))).collect();
        Self { table, width: u16::try_from(out.width).unwrap_or(u16::MAX), pieces }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        // A line break in a cell would look like another row.
        let cells: Vec<String> = cells.into_iter().map(|cell| one_line(&cell).into_owned()).collect();
        for ((align, longest), cell) in self.pieces.iter_mut().zip(&cells) {
            let piece = match align {
                Align::Left => longest_word(cell),
                // A number and its unit stay together.
                Align::Right => length(cell),
            };
            *longest = piece.max(*longest);
        }
        self.table.add_row(cells);
    }

    /// Renders the table without trailing spaces. Cells are wrapped between words only, so a table can be
    /// wider than the page.
    pub(crate) fn finish(mut self) -> String {
        let least = self.pieces.iter().map(|(_, piece)| piece.saturating_add(PADDING));
        let narrowest = least.clone().fold(0, u16::saturating_add);
        for (column, least) in self.table.column_iter_mut().zip(least) {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
        }
        self.table.set_width(self.width.max(narrowest));
        let mut text = self.table.trim_fmt();
        text.push('\n');
        text
    }
}

/// Fewest characters that a table of these columns is wide: heading, alignment, cells.
pub(super) fn least_width<'a>(columns: impl Iterator<Item = &'a (&'a str, Align, Vec<String>)>) -> usize {
    let piece = |align: Align, cell: &String| match align {
        Align::Left => longest_word(cell),
        Align::Right => length(cell),
    };
    let widths = columns.map(|(heading, align, cells)| {
        let cells = cells.iter().map(|cell| piece(*align, cell)).max().unwrap_or_default();
        usize::from(cells.max(longest_word(heading)) + PADDING)
    });
    widths.sum()
}

/// Length of the longest word of a text.
fn longest_word(text: &str) -> u16 {
    text.split_whitespace().map(length).max().unwrap_or_default()
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
    fn a_shortened_text_ends_with_an_ellipsis() {
        assert_eq!(fit("Netherlands", 11), "Netherlands");
        assert_eq!(fit("Congo, Democratic Republic", 12), "Congo, Demo…");
        assert_eq!(fit("South Africa", 7), "South…");
        assert_eq!(pad("é", 3, Align::Right), "  é");
    }
}
