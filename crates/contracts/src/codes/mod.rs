//! The register of error codes: what each code means, who has to act, and what to do.
//!
//! Programs compare codes, and people read the register: `orewatch errors CODE` prints an entry, and
//! `docs/errors.md` lists all of them. Every code in a response, an event or a message of the command line is
//! in the register; a test scans the sources for codes that are not. The register depends only on the
//! contracts' `Blame`.
//!
//! # Names of codes
//!
//! A code consists of lower-case words with hyphens. It says what is wrong; the field of the error says
//! where. The same mistake has the same code in all services.
//!
//! | form | meaning | example |
//! | --- | --- | --- |
//! | `invalid-X` | a value is no valid X: its form or its range is wrong | `invalid-period` |
//! | `unknown-X` | a name does not exist | `unknown-economy` |
//! | `missing-X` | something required is absent; for fields always `missing-field` | `missing-column` |
//! | `unexpected-X` | something is given that does not apply | `unexpected-supplier` |
//! | `unsupported-X` | something exists but cannot be used here | `unsupported-by` |
//! | `duplicate-X` | something that must be unique occurs twice | `duplicate-id` |
//! | `X-mismatch` | two things that must agree do not | `size-mismatch` |
//! | `mixed-X` | things that must be alike are not | `mixed-periods` |
//! | `too-X`, `too-many-X`, `X-too-large`, `X-too-long` | a limit is exceeded | `too-many` |
//! | `damaged-X`, `truncated-X` | content is damaged, or ends too early | `damaged-zip` |
//! | `not-X`, `no-X` | a state or a thing that an action needs is absent | `not-permitted` |
//! | `X-refused`, `X-failed` | X did not happen, by decision or by a fault | `release-refused` |
//! | `X-full`, `X-quota`, `quota-reached` | no room is left for more | `log-full` |
//! | `X-unavailable`, `X-slow`, `stopping`, ... | a temporary state of a service or its log | `starting` |
//!
//! # Changes of codes
//!
//! It does not change. If a code needs a better name, the old code becomes an alias of the new one for ever,
//! because logs contain it and programs compare it: [`current`] resolves aliases. No alias ever becomes a
//! code again. A code that is no longer used but may be on logs stays in the register as
//! [`retired`](ErrorCode::retired).

mod aliases;
mod backup;
mod client;
mod files;
mod notify;
mod releases;
mod requests;
mod rows;
mod rules;
mod services;

use crate::common::v1::Blame;

/// An entry of the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode {
    /// The code, such as `unknown-economy`.
    pub code: &'static str,
    /// What is wrong, one sentence.
    pub meaning: &'static str,
    /// Who has to act.
    pub blame: Blame,
    /// What to do, one sentence.
    pub remedy: &'static str,
    /// The code is no longer used. Only logs that an earlier version wrote may contain it.
    pub retired: bool,
}

/// A group of related codes.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    /// Heading of the area.
    pub name: &'static str,
    /// What the codes are about, one sentence for people.
    pub about: &'static str,
    /// The entries, in the order of their codes.
    pub codes: &'static [ErrorCode],
}

/// All areas of the register, in the order in which they are listed.
pub const AREAS: &[Area] = &[
    requests::AREA,
    files::AREA,
    rows::AREA,
    releases::AREA,
    rules::AREA,
    notify::AREA,
    services::AREA,
    backup::AREA,
    client::AREA,
];

/// An error that the caller has to correct.
const fn user(code: &'static str, meaning: &'static str, remedy: &'static str) -> ErrorCode {
    ErrorCode { code, meaning, blame: Blame::User, remedy, retired: false }
}

/// An error of something outside Orewatch, which may pass.
const fn external(code: &'static str, meaning: &'static str, remedy: &'static str) -> ErrorCode {
    ErrorCode { code, meaning, blame: Blame::External, remedy, retired: false }
}

/// A defect of Orewatch.
const fn internal(code: &'static str, meaning: &'static str, remedy: &'static str) -> ErrorCode {
    ErrorCode { code, meaning, blame: Blame::Internal, remedy, retired: false }
}

/// Lists every entry, area by area.
pub fn entries() -> impl Iterator<Item = &'static ErrorCode> + Clone {
    AREAS.iter().flat_map(|area| area.codes)
}

/// Finds the entry of a code or an alias. `None` if the register has neither.
#[must_use]
pub fn find(code: &str) -> Option<&'static ErrorCode> {
    let code = current(code);
    entries().find(|entry| entry.code == code)
}

/// Resolves a code that an earlier version may have written: returns the current code of an alias, and any
/// other code as it is.
#[must_use]
pub fn current(code: &str) -> &str {
    let at = aliases::ALIASES.binary_search_by_key(&code, |&(old, _)| old);
    at.ok().and_then(|at| aliases::ALIASES.get(at)).map_or(code, |&(_, new)| new)
}

/// Lists every alias with its current code.
pub fn aliases() -> impl Iterator<Item = (&'static str, &'static str)> {
    aliases::ALIASES.iter().copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_register_is_sorted_and_has_each_code_once() {
        let mut seen = BTreeSet::new();
        for area in AREAS {
            assert!(area.codes.is_sorted_by_key(|entry| entry.code), "{} is not in order", area.name);
            for entry in area.codes {
                assert!(seen.insert(entry.code), "{} is there twice", entry.code);
            }
        }
    }

    #[test]
    fn codes_are_lower_case_words_and_texts_are_sentences() {
        for ErrorCode { code, meaning, remedy, .. } in entries() {
            let words = code.split('-').all(|word| {
                !word.is_empty()
                    && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            });
            assert!(words, "{code}");
            for sentence in [meaning, remedy] {
                let begins = sentence.starts_with(|first: char| first.is_uppercase());
                assert!(begins && sentence.ends_with('.'), "{code}: {sentence}");
            }
        }
    }

    #[test]
    fn every_alias_resolves_to_a_code_and_is_no_code_itself() {
        assert!(aliases().is_sorted_by_key(|(old, _)| old));
        for (old, new) in aliases() {
            assert!(entries().all(|entry| entry.code != old), "{old} is a code again");
            assert!(entries().any(|entry| entry.code == new), "{old} leads to {new}, which is no code");
            assert_eq!((current(old), find(old).map(|entry| entry.code)), (new, Some(new)));
        }
    }

    #[test]
    fn codes_of_token_errors_keep_their_names() {
        for code in ["resume-token-gone", "invalid-token", "token-of-another-filter"] {
            assert_eq!((current(code), find(code).map(|entry| entry.blame)), (code, Some(Blame::User)));
        }
        assert_eq!((current("no such code"), find("no such code")), ("no such code", None));
    }
}
