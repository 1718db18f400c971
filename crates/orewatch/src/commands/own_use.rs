//! Data that may not be passed on: a person may look at them, but what is written for programs needs the word
//! of whoever runs the command that they stay.
use orewatch_contracts::exposure::v1::SourceRow;
use orewatch_contracts::ingestion::v1::Release;
use orewatch_contracts::{Class, Failure};
use orewatch_query::licence::forbidden_release;

use crate::options::Format;

/// The option of commands that write source data.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(super) struct OwnUse {
    /// The data stay with you: write them even if their licence forbids passing them on
    #[arg(long = "own-use")]
    pub(super) is_declared: bool,
}

impl OwnUse {
    /// Checks that rows may be written in a format. A table for people may have any row.
    ///
    /// # Errors
    /// [`Class::Refused`] with the release and its licence.
    pub(super) fn check<'a>(
        self,
        format: Format,
        rows: impl IntoIterator<Item = &'a SourceRow>,
        releases: &'a [Release],
    ) -> Result<(), Failure> {
        if self.is_declared || format == Format::Table {
            return Ok(());
        }
        let Some((release, licence)) = forbidden_release(rows, releases) else { return Ok(()) };
        let message = format!("the licence of source rows forbids passing them on: {licence}");
        Err(Failure::new(Class::Refused, "licence-forbids", message).at("release", release).with_hint(
            "if they stay with you, add --own-use; --format table shows them; figures may be written",
        ))
    }
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::ingestion::v1::Provenance;

    use super::*;

    #[test]
    fn rows_that_may_not_be_passed_on_need_a_word() {
        let release = |id: &str, licence: &str| Release {
            id: id.to_owned(),
            provenance: Some(Provenance { licence: licence.to_owned(), ..Provenance::default() }),
            ..Release::default()
        };
        let releases = [release("baci/1", "etalab-2.0"), release("un/1", "UN-Comtrade-terms")];
        let row = |release: &str| SourceRow { release: release.to_owned(), ..SourceRow::default() };
        let check = |is_declared, format, names: &[&str]| {
            let rows: Vec<SourceRow> = names.iter().map(|name| row(name)).collect();
            OwnUse { is_declared }.check(format, &rows, &releases)
        };
        for format in [Format::Json, Format::Csv] {
            assert_eq!(check(false, format, &["baci/1", "unheard/1"]), Ok(()));
            let refused = check(false, format, &["baci/1", "un/1"]).unwrap_err();
            assert_eq!((refused.code.as_str(), refused.value.as_str()), ("licence-forbids", "un/1"));
            assert_eq!(check(true, format, &["un/1"]), Ok(()));
        }
        assert_eq!(check(false, Format::Table, &["un/1"]), Ok(()), "a person may look");
    }
}
