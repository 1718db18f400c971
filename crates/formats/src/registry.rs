//! The list of all formats. A new format is a module and a line here.
use crate::format::{About, Source};
use crate::{baci, comext, comtrade, gta, hmrc, iea, oecd, parquet, tidy, usgs, wgi, wmd};

/// All formats, in the order in which they are tried: of two that match a file equally, the first reads
/// it.
pub(crate) static SOURCES: [&dyn Source; 13] = [
    &baci::Baci,
    &tidy::Tidy,
    &parquet::TidyParquet,
    &usgs::Summaries,
    &iea::CriticalMinerals,
    &wgi::Wgi,
    &wmd::Wmd,
    &oecd::Oecd,
    &gta::Gta,
    &comtrade::Comtrade,
    &comext::Comext,
    &comext::Sdmx,
    &hmrc::Hmrc,
];

/// Descriptions of all formats.
pub fn sources() -> impl Iterator<Item = &'static About> {
    SOURCES.iter().map(|source| source.about())
}
