//! Reads files with one figure or flow a line, without a copy of the line.
//!
//! A [`RowParser`] says what a row means, [`LineReader`] feeds it lines. A parser of BACI's rows also takes
//! lines of the plain form, which several threads split into numbers ahead of it; every other line takes the
//! way of text.
use super::blocks::Block;
use super::header::{Columns, Preamble};
use super::in_order::map_in_order;
use super::input::Content;
use super::lines::{Lines, line_at};
use super::location::SourceLocation;
use super::names::Names;
use super::quick;
use super::row::{MAX_FIELD_BYTES, MAX_FIELDS, Row};
use super::sink::{Flow, Halt, RowSink};
use super::{Limits, Observation, Reader, Reject};

/// Parses rows, one at a time, without I/O.
pub(super) trait RowParser: Send {
    /// Where the columns are.
    fn columns(&self) -> &Columns;

    /// Column of a row's only figure, numbered as in [`RowParser::columns`]. None: a row has several figures,
    /// or none.
    fn figure_column(&self) -> Option<usize> {
        None
    }

    /// Longest field of a row, in bytes. Errors repeat the field that they are about, and searching for what
    /// was meant takes longer the longer it is.
    fn max_field_bytes(&self) -> usize {
        MAX_FIELD_BYTES
    }

    /// Column of what the publisher says about the figure, numbered as in [`RowParser::columns`]. None: rows
    /// have no such column.
    fn note_column(&self) -> Option<usize> {
        None
    }

    /// Parses a row. None: it is valid, and about goods that no material of the catalogue covers.
    ///
    /// # Errors
    /// [`Reject`] sets the row aside.
    fn parse(&self, row: &Row<'_>, names: &mut Names) -> Result<Option<Observation>, Reject>;

    /// Whether lines may have the plain form.
    fn takes_plain_lines(&self) -> bool {
        false
    }

    /// Parses a line of the plain form from what is remembered of its codes. None: one of them was not met
    /// before, or the line has to be read as text.
    fn recall(&self, _line: &quick::Line) -> Option<PlainRow> {
        None
    }

    /// Parses a line of the plain form, looking its codes up. None: the line has to be read as text.
    fn resolve(&mut self, _line: &quick::Line, _names: &mut Names) -> Option<PlainRow> {
        None
    }
}

/// What a line of the plain form says.
pub(super) enum PlainRow {
    /// A flow to record.
    Flow(Flow),
    /// A valid row about goods that no material of the catalogue covers.
    OutOfScope,
}

/// Reads a file line by line with a parser of its rows.
pub(super) struct LineReader<P> {
    pub(super) parser: P,
    pub(super) file: String,
    pub(super) limits: Limits,
}

impl<P: RowParser> Reader for LineReader<P> {
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt> {
        let mut lines = Lines::new(&self.file, content, self.limits);
        Preamble::read(&self.file, &mut lines)?;
        if self.parser.takes_plain_lines() {
            let (first, blocks) = lines.rest();
            return map_in_order(first, blocks, quick::scan, &mut |block, lines| {
                self.read_block(&block, &lines, out)
            });
        }
        while let Some((line, text)) = lines.next()? {
            self.read_line(text, line, out)?;
        }
        Ok(())
    }
}

impl<P: RowParser> LineReader<P> {
    /// Hands over the lines of a block.
    fn read_block(
        &mut self,
        block: &Block,
        lines: &[quick::Line],
        out: &mut dyn RowSink,
    ) -> Result<(), Halt> {
        for (line, number) in lines.iter().zip(block.first..) {
            // Matched by reference: copying a value that was just written stalls the processor.
            let recalled = self.parser.recall(line);
            let resolved = match recalled {
                Some(_) => None,
                None => self.parser.resolve(line, out.names()),
            };
            match (&recalled, &resolved) {
                (Some(PlainRow::Flow(flow)), _) | (None, Some(PlainRow::Flow(flow))) => {
                    out.flow(flow, number)?;
                }
                (Some(PlainRow::OutOfScope), _) | (None, Some(PlainRow::OutOfScope)) => {
                    out.out_of_scope(SourceLocation::row(number));
                }
                (None, None) => {
                    let at = usize::try_from(line.at).unwrap_or(usize::MAX);
                    self.read_line(line_at(&block.text, at).0, number, out)?;
                }
            }
        }
        Ok(())
    }

    /// Hands over one line.
    fn read_line(&self, text: &str, number: u64, out: &mut dyn RowSink) -> Result<(), Halt> {
        if text.trim().is_empty() {
            return Ok(());
        }
        let column = self.parser.figure_column().map_or(0, |column| self.parser.columns().number(column));
        let location = SourceLocation { line: number, column };
        let (parsed, note) = match parse_line(&self.parser, text, out.names()) {
            Ok((row, note)) => (Ok(row), note),
            Err(reject) => (Err(reject), ""),
        };
        if let (Ok(Some(row)), false) = (&parsed, note.is_empty()) {
            // Quotes inside a quoted field are doubled.
            out.note(row, &note.replace("\"\"", "\""));
        }
        out.take(parsed, location, || text.to_owned())
    }
}

/// Parses a row of checked fields, and returns what its column of notes says, which is often nothing.
pub(super) fn parse_row<'a>(
    parser: &dyn RowParser,
    row: &Row<'a>,
    names: &mut Names,
) -> Result<(Option<Observation>, &'a str), Reject> {
    let columns = parser.columns();
    let note = parser.note_column().and_then(|column| columns.place(column));
    row.check_field_lengths(parser.max_field_bytes(), note)?;
    Ok((parser.parse(row, names)?, note.map_or("", |place| row.get(place))))
}

fn parse_line<'a>(
    parser: &dyn RowParser,
    text: &'a str,
    names: &mut Names,
) -> Result<(Option<Observation>, &'a str), Reject> {
    if let Some(at) = text.find('\0') {
        let reason = format!("byte {} of the line is NUL", at + 1);
        return Err(Reject::new("nul-byte", "", "", reason).with_hint("is the file damaged?"));
    }
    let row = Row::split(text)?;
    let columns = parser.columns();
    if row.count != columns.count {
        return Err(wrong_field_count(text, row.count, columns.count));
    }
    if let Some(place) = (columns.named..columns.count).find(|place| !row.get(*place).is_empty()) {
        let reason = format!("field {} of the row is in a column without a name", place + 1);
        return Err(Reject::new("field-count-mismatch", "", row.get(place), reason)
            .with_hint("name the column in the header, or remove the field"));
    }
    parse_row(parser, &row, names)
}

fn wrong_field_count(text: &str, found: usize, expected: usize) -> Reject {
    let shown = match found {
        found if found > MAX_FIELDS => format!("more than {MAX_FIELDS}"),
        found => found.to_string(),
    };
    let hint = match found > expected {
        true => {
            "is there a comma inside a field? Write decimals with a point (97.63, not 97,63), thousands \
             without separators, and quote names"
        }
        false => "is the line cut off?",
    };
    let reason = format!("the row has {shown} fields, the header has {expected}");
    Reject::new("field-count-mismatch", "", text, reason).with_hint(hint)
}
