//! Parameters of listings that have only those of files.
use orewatch_catalog::closest;
use orewatch_contracts::{Class, Failure};
use orewatch_query::files::Heading;
use url::form_urlencoded;

use crate::question::{EXCEL, FIELDS, flag};
use crate::refused::Refused;

/// What an address of such a listing asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FixedQuery {
    /// Places of the columns. `None`: all.
    pub(crate) columns: Option<Vec<usize>>,
    /// CSV is for Excel.
    pub(crate) is_for_excel: bool,
}

impl FixedQuery {
    /// Reads a query.
    ///
    /// # Errors
    /// Every parameter that is unknown or wrong.
    pub(crate) fn read(listing: &str, headings: &[Heading], query: &str) -> Result<Self, Refused> {
        let (mut asked, mut wrong) = (Self::default(), Vec::new());
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            let read = match &*name {
                EXCEL => flag(EXCEL, &text).map(|flag| asked.is_for_excel = flag),
                FIELDS => asked.add_columns(headings, &text),
                other => Err(unknown(listing, other, &text)),
            };
            wrong.extend(read.err());
        }
        Refused::all(wrong).map_or(Ok(asked), Err)
    }

    fn add_columns(&mut self, headings: &[Heading], text: &str) -> Result<(), Failure> {
        let columns = self.columns.get_or_insert_default();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let place = headings.iter().position(|heading| heading.name == name);
            columns.push(place.ok_or_else(|| unknown_column(headings, name))?);
        }
        Ok(())
    }
}

fn unknown_column(headings: &[Heading], name: &str) -> Failure {
    let known: Vec<&str> = headings.iter().map(|heading| heading.name).collect();
    let hint = match closest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("use some of {}", known.join(", ")),
    };
    let message = format!("{FIELDS} has no value {name:?}");
    Failure::new(Class::Invalid, "unknown-word", message).at(FIELDS, name).with_hint(hint)
}

fn unknown(listing: &str, name: &str, text: &str) -> Failure {
    let hint = match closest(name, [EXCEL, FIELDS]) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("use {FIELDS} or {EXCEL}, or no parameter"),
    };
    Failure::new(Class::Invalid, "unknown-field", format!("{listing} have no parameter {name:?}"))
        .at(name, text)
        .with_hint(hint)
}

#[cfg(test)]
mod tests {
    use orewatch_query::files::ColumnKind;

    use super::*;

    #[test]
    fn columns_are_chosen_by_name() {
        let headings = ["economy", "name"].map(|name| Heading { name, kind: ColumnKind::Text });
        let read = |query: &str| FixedQuery::read("economies", &headings, query);
        assert_eq!(read("").unwrap(), FixedQuery::default());
        assert_eq!(read("fields=name,economy&excel").unwrap().columns, Some(vec![1, 0]));
        assert!(read("fields=nam").is_err());
        assert!(read("consumer=DEU").is_err());
        assert!(read("excel=maybe").is_err());
    }
}
