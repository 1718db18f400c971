//! Addresses of pages: what a page shows is all in its address.
//!
//! ```text
//! /x/MEASURE/CONSUMER/MATERIAL/STAGE[/SUPPLIER]?as-of=PERIOD&as-at=POINT&by=BASIS
//! /x/MEASURE/CONSUMER/MATERIAL/STAGE[/SUPPLIER].csv      the series as a file
//! ```
use orewatch_contracts::common::v1::By;
use orewatch_contracts::exposure::v1::Subject;

/// First part of the paths of figures.
const FIGURES: &str = "/x/";

/// Stands for a supplier in a measure that has none.
const NO_SUPPLIER: &str = "-";

/// The parameters that a path names, in its order.
const PARAMETERS: [&str; 5] = ["measure", "consumer", "material", "stage", "supplier"];

/// What the path of a figure names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FigurePath {
    /// The subject as parameters of a query.
    pub(super) query: String,
    /// The path without an ending.
    pub(super) stem: String,
    /// Ending of the file that is asked for. `None`: the page.
    pub(super) ending: Option<String>,
}

impl FigurePath {
    /// Reads a path. `None`: it is not that of a figure.
    pub(super) fn read(path: &str) -> Option<Self> {
        let rest = path.strip_prefix(FIGURES)?;
        // No code has a dot.
        let (rest, ending) =
            rest.rsplit_once('.').map_or((rest, None), |(rest, ending)| (rest, Some(ending.to_owned())));
        let parts: Vec<&str> = rest.split('/').collect();
        let is_whole = matches!(parts.len(), 4 | 5) && parts.iter().all(|part| !part.is_empty());
        if !is_whole {
            return None;
        }
        let named = PARAMETERS.iter().zip(parts).filter(|(_, part)| *part != NO_SUPPLIER);
        // Parts of paths are escaped as values of queries are, but for these two.
        let pairs =
            named.map(|(name, part)| format!("{name}={}", part.replace('+', "%2B").replace('&', "%26")));
        Some(Self { query: pairs.collect::<Vec<_>>().join("&"), stem: format!("{FIGURES}{rest}"), ending })
    }

    /// The query of this subject with further parameters.
    pub(super) fn with(&self, query: &str) -> String {
        if query.is_empty() { self.query.clone() } else { format!("{}&{query}", self.query) }
    }
}

/// The parameters of a query that say how figures are computed. Links to other figures keep them.
pub(super) fn reading(query: &str) -> String {
    let own = ["mirror=", "tenant=", "dataset=", "scenario="];
    let kept = query.split('&').filter(|pair| own.iter().any(|name| pair.starts_with(name)));
    kept.collect::<Vec<_>>().join("&")
}

/// The address of the page of a figure. An empty point of knowledge is now.
pub(super) fn figure_address(subject: &Subject, period: &str, as_at: &str, reading: &str) -> String {
    let Subject { consumer, material, stage, supplier, measure, .. } = subject;
    let measure = measure.split('/').next().unwrap_or_default();
    let parts = [measure, consumer, material, stage, supplier];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).map(escaped).collect();
    let by = if subject.by() == By::Value { "value" } else { "" };
    let query = [("as-of", period), ("by", by), ("as-at", as_at)];
    let query = query.into_iter().filter(|(_, value)| !value.is_empty());
    let query = query.map(|(name, value)| format!("{name}={}", escaped(value)));
    let query: Vec<String> = query.chain((!reading.is_empty()).then(|| reading.to_owned())).collect();
    let path = format!("{FIGURES}{}", parts.join("/"));
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}

/// A text as a part of an address.
fn escaped(text: &str) -> String {
    let escaped = |byte: u8| match char::from(byte) {
        plain if plain.is_ascii_alphanumeric() || "-_~:".contains(plain) => plain.to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(supplier: &str) -> Subject {
        Subject {
            consumer: "DEU".to_owned(),
            material: "rare-earths".to_owned(),
            stage: "refined".to_owned(),
            supplier: supplier.to_owned(),
            measure: "import-share/1".to_owned(),
            by: By::Value.into(),
        }
    }

    #[test]
    fn an_address_is_read_as_it_is_written() {
        let address = figure_address(&subject("CHN"), "2023", "@7", &reading("as-of=2020&mirror=larger"));
        assert_eq!(
            address,
            "/x/import-share/DEU/rare-earths/refined/CHN?as-of=2023&by=value&as-at=%407&mirror=larger"
        );
        let path = FigurePath::read("/x/import-share/DEU/rare-earths/refined/CHN").unwrap();
        assert_eq!(
            path.with("as-of=2023"),
            "measure=import-share&consumer=DEU&material=rare-earths&stage=refined&supplier=CHN&as-of=2023"
        );
        let address = figure_address(&subject(""), "", "", "");
        assert_eq!(address, "/x/import-share/DEU/rare-earths/refined?by=value");
    }

    #[test]
    fn a_file_and_a_measure_without_supplier_have_addresses() {
        let file = FigurePath::read("/x/import-hhi/DEU/cobalt/refined/-.parquet").unwrap();
        assert_eq!(file.ending.as_deref(), Some("parquet"));
        assert_eq!(file.query, "measure=import-hhi&consumer=DEU&material=cobalt&stage=refined");
        assert_eq!(file.stem, "/x/import-hhi/DEU/cobalt/refined/-");
    }

    #[test]
    fn nothing_hides_in_a_part() {
        let path = FigurePath::read("/x/import-share/DEU&as-at=@1/rare+earths/refined/CHN").unwrap();
        assert!(path.query.contains("consumer=DEU%26as-at=@1&material=rare%2Bearths"), "{}", path.query);
        for wrong in ["/x/import-share/DEU", "/x/a//b/c/d", "/y/a/b/c/d", "/x/a/b/c/d/e/f", "/x/"] {
            assert_eq!(FigurePath::read(wrong), None, "{wrong}");
        }
        assert!(escaped("a b/ü").starts_with("a%20b%2F%C3"));
    }
}
