//! Tables for people.
use comfy_table::{CellAlignment, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle};

use super::out::Out;

/// A header, a line below it, and nothing else that is not data.
const PLAIN: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none())
    .header_separator(LineStyle::none().fill('─'))
    .content_lines(ContentLineStyle::none());

/// On which side a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table.
#[derive(Debug)]
pub(crate) struct Sheet {
    table: Table,
}

impl Sheet {
    /// A table with these columns.
    pub(crate) fn new(out: &Out, columns: &[(&str, Align)]) -> Self {
        let mut table = Table::new();
        table
            .load_style(PLAIN)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(out.width).unwrap_or(u16::MAX))
            .set_header(columns.iter().map(|(name, _)| (*name).to_owned()));
        for (column, (_, align)) in table.column_iter_mut().zip(columns) {
            column.set_padding((0, 2));
            column.set_cell_alignment(match align {
                Align::Left => CellAlignment::Left,
                Align::Right => CellAlignment::Right,
            });
        }
        Self { table }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.table.add_row(cells.into_iter().collect::<Vec<_>>());
    }

    /// The table as text, with no space at the end of a line.
    pub(crate) fn finish(&self) -> String {
        let mut text = self.table.trim_fmt();
        text.push('\n');
        text
    }
}

/// Text of at most `width` characters; what is cut off shows as `…`.
pub(crate) fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// Text filled with spaces to `width` characters, or cut to it.
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
    fn a_cut_text_says_so() {
        assert_eq!(fit("Netherlands", 11), "Netherlands");
        assert_eq!(fit("Congo, Democratic Republic", 12), "Congo, Demo…");
        assert_eq!(fit("South Africa", 7), "South…");
        assert_eq!(pad("é", 3, Align::Right), "  é");
    }
}
