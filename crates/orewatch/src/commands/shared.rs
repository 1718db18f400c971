//! What commands for rules, receivers, subscriptions, silences and inhibitions have in common: reading files,
//! collecting pages, asking for confirmation, and reporting what was listed, applied or removed.
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use orewatch_catalog::closest;
use orewatch_contracts::{Class, Failure};
use serde_json::json;

use super::print_message;
use crate::options::Format;
use crate::render::{Out, Row};
use crate::words::count_text;

/// Maximum size of a file with rules, receivers and the like, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Reads a file, or standard input for `-`, up to one byte more than [`MAX_FILE_BYTES`]: the parser refuses
/// larger files.
pub(super) fn read_file(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| {
        let message = format!("the file cannot be read: {error}");
        Failure::new(Class::Invalid, "file-not-readable", message).at("file", file.display().to_string())
    })?;
    Ok(bytes)
}

/// Reads several files with a parser, which gets the name and the content of each.
pub(super) fn read_files<T>(
    files: &[impl AsRef<Path>],
    parse: impl Fn(&str, &[u8]) -> Result<Vec<T>, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut all = Vec::new();
    for file in files.iter().map(AsRef::as_ref) {
        all.extend(parse(&file.display().to_string(), &read_file(file)?)?);
    }
    Ok(all)
}

/// Collects the items of all pages of a list. `page` requests the page after a token, which is empty for the
/// first, and returns its items with the token of the next, which is empty after the last.
pub(crate) async fn all_pages<T>(
    mut page: impl AsyncFnMut(String) -> Result<(Vec<T>, String), Failure>,
) -> Result<Vec<T>, Failure> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let (items, next) = page(token).await?;
        all.extend(items);
        if next.is_empty() {
            return Ok(all);
        }
        token = next;
    }
}

/// Maximum number of known values that a hint lists.
const MAX_SUGGESTED: usize = 12;

/// Length of a whole identifier of a silence or message, in characters.
const UUID_LENGTH: usize = 36;

/// Fewest characters of the beginning of an identifier.
const MIN_PREFIX: usize = 8;

/// Whether a text can be the beginning of an identifier of a silence or message, as tables show it.
pub(super) fn is_prefix(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    (MIN_PREFIX..UUID_LENGTH).contains(&text.len()) && text.bytes().all(is_part)
}

/// The only identifier that begins like this. Without any, the text itself: the service says what is wrong.
///
/// # Errors
/// Several begin like this.
pub(super) fn whole_id(text: &str, mut ids: Vec<String>) -> Result<String, Failure> {
    ids.retain(|id| id.starts_with(text));
    ids.sort();
    ids.dedup();
    match ids.as_slice() {
        [] => Ok(text.to_owned()),
        [only] => Ok(only.clone()),
        several => {
            let message = format!("{} identifiers begin like this", several.len());
            Err(Failure::new(Class::Invalid, "ambiguous-id", message)
                .at("id", text)
                .with_hint(format!("name one of {}", several.join(", "))))
        }
    }
}

/// Refuses a value of a filter that is none of the known ones: nothing would match it. The hint suggests the
/// nearest.
pub(super) fn require_known(
    (field, code): (&str, &str),
    value: &str,
    known: impl IntoIterator<Item = String>,
) -> Result<(), Failure> {
    let known: BTreeSet<String> = known.into_iter().filter(|known| !known.is_empty()).collect();
    if known.contains(value) {
        return Ok(());
    }
    let listed = || known.iter().take(MAX_SUGGESTED).cloned().collect::<Vec<_>>().join(", ");
    let more = if known.len() > MAX_SUGGESTED { " and more" } else { "" };
    let hint = match closest(value, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None if known.is_empty() => format!("no {field} is known yet"),
        None => format!("write one of {}{more}", listed()),
    };
    let message = format!("there is no {field} {value:?}");
    Err(Failure::new(Class::NotFound, code, message).at(field, value).with_hint(hint))
}

/// Whether a person can be asked: standard input and standard error are a terminal.
pub(super) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks a question on the terminal. Everything but `y` and `yes` is a no.
pub(super) fn confirm(question: &str) -> Result<bool, Failure> {
    print_message(&format!("{question}? [y/N]"));
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.map_err(|error| Failure::new(Class::Unavailable, "no-answer", error.to_string()))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Prints a list. An empty one is a message for people, and an empty document for programs.
pub(super) fn print_list<R: Row>(out: &Out, rows: &[R], message_if_empty: &str) -> Result<(), Failure> {
    if rows.is_empty() && out.format == Format::Table {
        print_message(message_if_empty);
    } else {
        out.rows(rows)?;
    }
    out.require(rows.is_empty())
}

/// Says how many of the applied resources were created or revised.
pub(super) fn print_applied(changed: usize, count: usize, kind: &str) {
    print_message(&match changed {
        0 => format!("No change: {} already applied.", count_text(count, kind)),
        changed => format!("{changed} of {} created or revised.", count_text(count, kind)),
    });
}

/// A resource that a command was to remove.
pub(super) struct Removal<'a> {
    /// Kind of resource: `rule`.
    pub(super) kind: &'static str,
    pub(super) id: &'a str,
    /// Whether it was there.
    pub(super) removed: bool,
    /// Sentence about what else happens. Empty if nothing does.
    pub(super) consequence: &'static str,
}

/// Reports whether a resource was removed.
pub(super) fn print_removal(out: &Out, removal: &Removal<'_>) -> Result<(), Failure> {
    let Removal { kind, id, removed, consequence } = removal;
    if out.format == Format::Json {
        out.json(&json!({(*kind): id, "removed": removed}))?;
    }
    print_message(&match removed {
        true => format!("Removed {kind} {id}. {consequence}").trim_end().to_owned(),
        false => format!("No such {kind}. Nothing changed."),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_an_identifier_is_enough_where_it_is_unique() {
        let ids = ["0198c0de-0000-7000-8000-000000000000", "0198c0de-0001-7000-8000-000000000000"];
        let whole = |text| whole_id(text, ids.map(str::to_owned).to_vec());
        assert_eq!(whole("0198c0de-0001").as_deref(), Ok(ids[1]));
        assert_eq!(whole("0198c0de").unwrap_err().code, "ambiguous-id");
        assert_eq!(whole("77777777").as_deref(), Ok("77777777"));
        assert!(
            is_prefix("0198c0de") && !is_prefix("0198") && !is_prefix(ids[0]) && !is_prefix("acme:lines")
        );
    }

    #[test]
    fn an_unknown_value_is_refused_with_the_nearest_known_one() {
        let check = |value: &str, known: &[&str]| {
            require_known(("receiver", "unknown-receiver"), value, known.iter().map(|id| (*id).to_owned()))
        };
        assert_eq!(check("desk-hook", &["desk-hook"]), Ok(()));
        assert_eq!(check("desk-hok", &["feed", "desk-hook"]).unwrap_err().hint, "did you mean desk-hook?");
        assert_eq!(check("zzz", &["feed", "desk"]).unwrap_err().hint, "write one of desk, feed");
        assert_eq!(check("zzz", &[""]).unwrap_err().hint, "no receiver is known yet");
    }

    #[tokio::test]
    async fn pages_are_collected_until_one_has_no_next_token() {
        let pages = [("", vec![1, 2], "a"), ("a", Vec::new(), "b"), ("b", vec![3], "")];
        let all = all_pages(async |token: String| {
            let (_, items, next) = pages.iter().find(|(this, ..)| *this == token).unwrap();
            Ok((items.clone(), (*next).to_owned()))
        });
        assert_eq!(all.await, Ok(vec![1, 2, 3]));
    }
}
