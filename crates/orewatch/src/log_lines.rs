//! Decides, before anything can be said, in which form this process writes to standard error.
use std::env;

use orewatch_contracts::Failure;
use orewatch_runtime::Settings;
use orewatch_runtime::stderr::LogFormat;

use crate::options::{Keyed as _, ProcessOptions};

/// Name of the setting.
const KEY: &str = "log-format";

/// Uses what the command line and the environment say. A value that is none is reported when the settings are
/// read, with the source of it.
pub(crate) fn apply_early(process: &ProcessOptions, is_service: bool) {
    let flag = process.flags().into_iter().find(|(key, _)| *key == KEY).map(|(_, value)| value);
    let variable = || env::var("OREWATCH_LOG_FORMAT").ok();
    let format = flag.or_else(variable).and_then(|text| text.parse().ok());
    format.unwrap_or(LogFormat::Auto).apply(is_service);
}

/// Uses what all settings say, the configuration file included.
///
/// # Errors
/// A value that is no format.
pub(crate) fn apply(settings: &Settings, is_service: bool) -> Result<(), Failure> {
    settings.get_or(KEY, LogFormat::Auto)?.apply(is_service);
    Ok(())
}
