//! The token that the calls of this process show.
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use orewatch_contracts::{Class, Failure};
use tokio::time::Instant;
use tonic::metadata::AsciiMetadataValue;

/// Age at which the file is read again: mounted tokens are replaced long before they expire.
const MAX_TOKEN_AGE: Duration = Duration::from_secs(60);

/// The token of this process: it has one user, and so one token.
static TOKEN: Mutex<Option<ShownToken>> = Mutex::new(None);

struct ShownToken {
    file: PathBuf,
    value: AsciiMetadataValue,
    read_at: Instant,
}

/// Reads a token from a file, and shows it with every call of this process from now on. A token that is
/// replaced in the file is used within a minute.
///
/// # Errors
/// [`Class::Invalid`] for a file that cannot be read or holds no token. No error repeats it.
pub fn show_token(file: &Path) -> Result<(), Failure> {
    let shown = ShownToken { file: file.to_owned(), value: read(file)?, read_at: Instant::now() };
    TOKEN.lock().unwrap_or_else(PoisonError::into_inner).replace(shown);
    Ok(())
}

/// The token to show. A file that cannot be read again leaves the last one in use: the server says what is
/// wrong with it.
pub(super) fn token() -> Option<AsciiMetadataValue> {
    let mut token = TOKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let shown = token.as_mut()?;
    if shown.read_at.elapsed() > MAX_TOKEN_AGE {
        shown.read_at = Instant::now();
        if let Ok(value) = read(&shown.file) {
            shown.value = value;
        }
    }
    Some(shown.value.clone())
}

fn read(file: &Path) -> Result<AsciiMetadataValue, Failure> {
    let wrong = |message: String| {
        Failure::new(Class::Invalid, "invalid-token-file", message)
            .at("token-file", file.display().to_string())
    };
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| wrong(format!("the file of the token cannot be read: {error}")))?;
    let value = AsciiMetadataValue::try_from(format!("Bearer {}", text.trim()));
    let mut value = value.ok().filter(|_| !text.trim().is_empty()).ok_or_else(|| {
        wrong("the file holds no token".to_owned())
            .with_hint("it holds the token in one line, and nothing else")
    })?;
    value.set_sensitive(true);
    Ok(value)
}
