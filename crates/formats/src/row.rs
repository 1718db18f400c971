//! One line of csv: its fields, without a copy.
use super::Reject;

/// Upper bound on the columns of a format that is read line by line, with room for one too many.
pub(super) const MAX_FIELDS: usize = 21;

/// Longest field that is a code or a figure, in bytes.
pub(super) const MAX_FIELD_BYTES: usize = 256;

/// The fields of a line.
#[derive(Debug)]
pub(super) struct Row<'a> {
    fields: [&'a str; MAX_FIELDS],
    /// Number of fields; more than [`MAX_FIELDS`] if the line has more.
    pub(super) count: usize,
}

impl<'a> Row<'a> {
    /// Splits a line at its commas. Quotes may enclose a field (RFC 4180), which must end on its line.
    pub(super) fn split(line: &'a str) -> Result<Self, Reject> {
        let mut row = Self { fields: [""; MAX_FIELDS], count: 0 };
        if line.contains('"') {
            row.split_quoted(line)?;
        } else {
            line.split(',').take(MAX_FIELDS + 1).for_each(|field| row.push(field));
        }
        Ok(row)
    }

    /// A row of these fields.
    pub(super) fn from_fields(fields: impl Iterator<Item = &'a str>) -> Self {
        let mut row = Self { fields: [""; MAX_FIELDS], count: 0 };
        fields.for_each(|field| row.push(field));
        row
    }

    /// The field at a place from 0, trimmed; empty if there is none.
    pub(super) fn get(&self, place: usize) -> &'a str {
        self.fields.get(place).map_or("", |field| field.trim())
    }

    /// Rejects a row with a field that is longer than this. A note, at its place from 0, may be of any
    /// length: it is shortened.
    pub(super) fn check_field_lengths(&self, most: usize, note: Option<usize>) -> Result<(), Reject> {
        let mut fields = self.fields.iter().enumerate().filter(|(place, _)| Some(*place) != note);
        let Some((_, field)) = fields.find(|(_, field)| field.len() > most) else {
            return Ok(());
        };
        let reason = match most {
            MAX_FIELD_BYTES => format!("a field has {} bytes: no code or figure is that long", field.len()),
            most => format!("a field has {} bytes: at most {most} are read", field.len()),
        };
        Err(Reject::new("field-too-long", "", field, reason))
    }

    fn push(&mut self, field: &'a str) {
        if let Some(place) = self.fields.get_mut(self.count) {
            *place = field;
        }
        self.count += 1;
    }

    fn split_quoted(&mut self, line: &'a str) -> Result<(), Reject> {
        let mut rest = line;
        loop {
            let (field, after) = match rest.trim_start().strip_prefix('"') {
                Some(quoted) => quoted_field(quoted)?,
                None => rest.split_once(',').map_or((rest, None), |(field, after)| (field, Some(after))),
            };
            self.push(field);
            match after {
                Some(after) if self.count <= MAX_FIELDS => rest = after,
                _ => return Ok(()),
            }
        }
    }
}

/// The field up to its closing quote, and the text behind the comma that follows it. Doubled quotes stay
/// doubled: no valid field of these formats holds any, and a rejected value is shown as it is written.
fn quoted_field(quoted: &str) -> Result<(&str, Option<&str>), Reject> {
    let unclosed = || {
        Reject::new("unclosed-quote", "", quoted, "a quoted field does not end on its line")
            .with_hint("close the quotes; a field cannot hold line feeds")
    };
    let mut from = 0;
    loop {
        let tail = quoted.get(from..).ok_or_else(unclosed)?;
        let end = from + tail.find('"').ok_or_else(unclosed)?;
        let after = quoted.get(end + 1..).ok_or_else(unclosed)?;
        if after.starts_with('"') {
            from = end + 2;
            continue;
        }
        let field = quoted.get(..end).ok_or_else(unclosed)?;
        return match after.trim_start() {
            "" => Ok((field, None)),
            after => after.strip_prefix(',').map(|rest| (field, Some(rest))).ok_or_else(unclosed),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str) -> Vec<&str> {
        let row = Row::split(line).unwrap();
        (0..row.count).map(|place| row.get(place)).collect()
    }

    #[test]
    fn quotes_keep_the_commas_of_a_field_together() {
        assert_eq!(fields(r#"a, "1,234" ,c"#), ["a", "1,234", "c"]);
        assert_eq!(fields(r#""a","","c""#), ["a", "", "c"]);
        assert_eq!(fields("a,,"), ["a", "", ""]);
        assert_eq!(fields(r#""say ""x""",b"#), [r#"say ""x"""#, "b"]);
        assert_eq!(Row::split(r#"a,"b"#).unwrap_err().code, "unclosed-quote");
    }
}
