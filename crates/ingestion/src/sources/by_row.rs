//! Files with one figure or flow a line: read line by line, without a copy.
use super::blocks::Block;
use super::header::{Columns, Preamble};
use super::in_order::in_order;
use super::input::Content;
use super::lines::{Lines, line_at};
use super::names::Names;
use super::out::{Flow, Halt, Out, Place};
use super::quick;
use super::row::{MOST_FIELDS, Row};
use super::{Limits, Parsed, Reader, Reject};

/// Reads rows, one at a time, without I/O.
pub(super) trait RowParser: Send {
    /// Where the columns are.
    fn columns(&self) -> &Columns;

    /// Column of a row's only figure, as [`RowParser::columns`] numbers them. None: a row has several figures, or none.
    fn figure(&self) -> Option<usize> {
        None
    }

    /// What a row says. An error sets it aside.
    fn parse(&self, row: &Row<'_>, names: &mut Names) -> Result<Parsed, Reject>;

    /// Whether lines may have the plain form.
    fn is_plain(&self) -> bool {
        false
    }

    /// What a line of the plain form says, if all that it names was met before.
    fn recall(&self, _line: &quick::Line) -> Option<Plain> {
        None
    }

    /// What a line of the plain form says. None: its text has to be looked at.
    fn resolve(&mut self, _line: &quick::Line, _names: &mut Names) -> Option<Plain> {
        None
    }
}

/// What a line of the plain form says.
pub(super) enum Plain {
    /// A flow to record.
    Flow(Flow),
    /// A valid row about goods that no material of the catalogue covers.
    OutOfScope,
}

/// Reads a file by a parser of its rows.
pub(super) struct ByRow<P> {
    pub(super) parser: P,
    pub(super) file: String,
    pub(super) limits: Limits,
}

impl<P: RowParser> Reader for ByRow<P> {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        let mut lines = Lines::new(&self.file, content, self.limits);
        Preamble::read(&self.file, &mut lines)?;
        if self.parser.is_plain() {
            let (first, blocks) = lines.rest();
            return in_order(first, blocks, quick::scan, &mut |block, lines| self.block(&block, &lines, out));
        }
        while let Some((line, text)) = lines.next()? {
            self.line(text, line, out)?;
        }
        Ok(())
    }
}

impl<P: RowParser> ByRow<P> {
    /// Hands over the lines of a block.
    fn block(&mut self, block: &Block, lines: &[quick::Line], out: &mut dyn Out) -> Result<(), Halt> {
        for (line, number) in lines.iter().zip(block.first..) {
            // By reference: what is copied as soon as it is written is waited for.
            let recalled = self.parser.recall(line);
            let resolved = match recalled {
                Some(_) => None,
                None => self.parser.resolve(line, out.names()),
            };
            match (&recalled, &resolved) {
                (Some(Plain::Flow(flow)), _) | (None, Some(Plain::Flow(flow))) => out.flow(flow, number)?,
                (Some(Plain::OutOfScope), _) | (None, Some(Plain::OutOfScope)) => {
                    out.outside(Place::line(number));
                }
                (None, None) => {
                    let at = usize::try_from(line.at).unwrap_or(usize::MAX);
                    self.line(line_at(&block.text, at).0, number, out)?;
                }
            }
        }
        Ok(())
    }

    /// Hands over one line.
    fn line(&self, text: &str, number: u64, out: &mut dyn Out) -> Result<(), Halt> {
        if text.trim().is_empty() {
            return Ok(());
        }
        let column = self.parser.figure().map_or(0, |column| self.parser.columns().number(column));
        let place = Place { line: number, column };
        match parse(&self.parser, text, out.names()) {
            Ok(Parsed::Row(row)) => out.row(row, place),
            Ok(Parsed::OutOfScope) => {
                out.outside(place);
                Ok(())
            }
            Err(reject) => out.reject(reject, place, text),
        }
    }
}

fn parse(parser: &dyn RowParser, text: &str, names: &mut Names) -> Result<Parsed, Reject> {
    if let Some(at) = text.find('\0') {
        let reason = format!("byte {} of the line is NUL", at + 1);
        return Err(Reject::new("nul-byte", "", "", reason).with_hint("is the file damaged?"));
    }
    let row = Row::split(text)?;
    let columns = parser.columns();
    if row.count != columns.count {
        return Err(miscounted(text, row.count, columns.count));
    }
    if let Some(place) = (columns.named..columns.count).find(|place| !row.get(*place).is_empty()) {
        let reason = format!("field {} of the row is of a column without a name", place + 1);
        return Err(Reject::new("field-count", "", row.get(place), reason)
            .with_hint("name the column in the header, or take the field away"));
    }
    if let Some(field) = row.oversized() {
        let reason = format!("a field has {} bytes: no code or figure is that long", field.len());
        return Err(Reject::new("field-too-long", "", field, reason));
    }
    parser.parse(&row, names)
}

fn miscounted(text: &str, found: usize, expected: usize) -> Reject {
    let shown = match found {
        found if found > MOST_FIELDS => format!("more than {MOST_FIELDS}"),
        found => found.to_string(),
    };
    let hint = match found > expected {
        true => {
            "a comma inside a field? A decimal comma becomes a point (97,63 is 97.63), thousands have no separator, names are quoted"
        }
        false => "is the line cut off?",
    };
    Reject::new("field-count", "", text, format!("the row has {shown} fields, the header {expected}"))
        .with_hint(hint)
}
