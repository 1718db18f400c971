//! Reads settings that are durations, sizes, and files that belong together.
use std::path::PathBuf;
use std::time::Duration;

use orewatch_contracts::{Class, Failure};
use orewatch_runtime::Settings;

use crate::times;

/// Reads a positive duration such as `20s`, `500ms`, `2m` or `30d`.
pub(crate) fn duration(settings: &Settings, key: &str, default: &str) -> Result<Duration, Failure> {
    let text = settings.get_or(key, default.to_owned())?;
    let parsed = times::duration(&text).and_then(|parsed| Duration::try_from(parsed).ok());
    parsed.filter(|duration| !duration.is_zero()).ok_or_else(|| {
        let from = settings.source(key).map_or_else(|| "the default".to_owned(), ToString::to_string);
        Failure::new(Class::Invalid, "invalid-setting", format!("{from} is not a duration"))
            .at(key, &text)
            .with_hint("write a positive number with its unit, such as 20s, 500ms, 2m or 30d")
    })
}

/// Reads a number of bytes such as `500GiB`, `20MiB` or `4096`.
pub(crate) fn bytes(settings: &Settings, key: &str) -> Result<Option<u64>, Failure> {
    let Some(text) = settings.get::<String>(key)? else { return Ok(None) };
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let power = match text.get(digits.len()..).unwrap_or_default() {
        "" | "B" => Some(0),
        "KiB" => Some(10),
        "MiB" => Some(20),
        "GiB" => Some(30),
        "TiB" => Some(40),
        _ => None,
    };
    let bytes = power.zip(digits.trim().parse::<u64>().ok());
    match bytes.and_then(|(power, number)| number.checked_mul(1 << power)) {
        Some(bytes) => Ok(Some(bytes)),
        None => {
            let from = settings.source(key).map_or_else(String::new, ToString::to_string);
            Err(Failure::new(Class::Invalid, "invalid-setting", format!("{from} is not a size"))
                .at(key, &text)
                .with_hint("write a number of bytes, KiB, MiB, GiB or TiB, such as 500GiB"))
        }
    }
}

/// Reads the two files of a certificate: the chain and its private key.
pub(crate) fn file_pair(
    settings: &Settings,
    certificate: &str,
    key: &str,
) -> Result<Option<(PathBuf, PathBuf)>, Failure> {
    match (settings.get(certificate)?, settings.get(key)?) {
        (Some(chain), Some(private)) => Ok(Some((chain, private))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(alone(certificate, key)),
        (None, Some(_)) => Err(alone(key, certificate)),
    }
}

fn alone(given: &str, missing: &str) -> Failure {
    Failure::new(Class::Invalid, "invalid-setting", format!("{given} is set without {missing}"))
        .at(missing, "")
        .with_hint("a certificate needs both files; leave both out to do without one")
}
