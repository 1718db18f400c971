//! Licences of data as rows and as words.
use orewatch_catalog::{Licence, PassingOn, licence};
use orewatch_contracts::ingestion::v1::{ReleaseInfo, ReleaseState};

use crate::render::Align::Left;
use crate::render::{Cell, Column, Row, column};

/// A licence with what it says of passing data on: `etalab-2.0: may be passed on: name the source ...`. Empty
/// without a licence.
pub(crate) fn licence_text(name: &str) -> String {
    let Some(known) = licence(name) else { return name.to_owned() };
    let may = match known.passing_on {
        PassingOn::Allowed => "may be passed on: ",
        PassingOn::Forbidden => "may not be passed on: ",
        PassingOn::Unknown => "",
    };
    format!("{name} ({may}{})", known.condition)
}

/// How long the originals of a release are kept: `always`, `open` while it is, `removed` after a while, or
/// `erased`.
pub(crate) fn originals_kept(info: &ReleaseInfo) -> &'static str {
    match (info.committed_position, info.state()) {
        (_, ReleaseState::Erased) => "erased",
        (Some(_), _) => "always",
        (None, ReleaseState::Open) => "open",
        (None, _) => "removed",
    }
}

/// Whether the archive got files of a release.
pub(super) fn has_originals(info: &ReleaseInfo) -> bool {
    let files = info.release.iter().flat_map(|release| &release.files);
    files.into_iter().any(|file| !file.stored_sha256.is_empty())
}

/// The same in words. Empty if a release has no originals.
pub(crate) fn kept_text(info: &ReleaseInfo) -> String {
    let text = match originals_kept(info) {
        "always" => "originals are kept: the release was committed",
        "open" => "originals are kept while the release is open",
        "erased" => "originals are erased, or sealed with a key that the service does not have",
        _ => "originals are removed after the time that --keep-refused says",
    };
    if has_originals(info) { text.to_owned() } else { String::new() }
}

impl Row for Licence {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("licence", |one: &Self| Cell::text(one.id)).shown("licence", Left),
            column("title", |one: &Self| Cell::text(one.title)).shown("title", Left).if_room(1),
            column("may_pass_on", |one: &Self| Cell::text(one.passing_on.as_str()))
                .shown("may be passed on", Left),
            column("condition", |one: &Self| Cell::text(one.condition)).shown("condition", Left),
            column("aliases", |one: &Self| {
                Cell::List(one.aliases.iter().map(|alias| (*alias).to_owned()).collect())
            }),
            column("source", |one: &Self| Cell::text(one.source)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::ingestion::v1::{Release, SourceFile};

    use super::*;

    #[test]
    fn a_licence_says_what_may_be_done() {
        assert!(licence_text("OGL-UK-3.0").ends_with("(may be passed on: acknowledge the source)"));
        assert!(licence_text("UN-Comtrade-terms").contains("may not be passed on: "));
        assert_eq!(licence_text("some terms"), "some terms");
        assert_eq!(licence_text(""), "");
    }

    #[test]
    fn originals_are_kept_by_the_state_of_their_release() {
        let file = SourceFile { stored_sha256: "ab".to_owned(), ..SourceFile::default() };
        let info = |state: ReleaseState, committed_position| ReleaseInfo {
            release: Some(Release { files: vec![file.clone()], ..Release::default() }),
            state: state.into(),
            committed_position,
            ..ReleaseInfo::default()
        };
        assert_eq!(originals_kept(&info(ReleaseState::Withdrawn, Some(7))), "always");
        assert_eq!(originals_kept(&info(ReleaseState::Open, None)), "open");
        assert_eq!(originals_kept(&info(ReleaseState::Refused, None)), "removed");
        assert_eq!(originals_kept(&info(ReleaseState::Erased, Some(7))), "erased");
        assert!(kept_text(&info(ReleaseState::Refused, None)).contains("--keep-refused"));
        assert_eq!(kept_text(&ReleaseInfo::default()), "");
    }
}
