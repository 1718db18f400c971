//! `docs/metrics.md` lists every metric, as the catalogue defines them.
use std::path::PathBuf;
use std::{env, fs};

use orewatch_runtime::metrics::{Label, catalogue};

/// Marks in the page between which the list stands.
const BEGIN: &str = "<!-- metrics: begin -->\n";
const END: &str = "<!-- metrics: end -->";

fn page_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md")
}

#[test]
fn the_page_lists_every_metric() {
    let text = fs::read_to_string(page_path()).expect("docs/metrics.md is in the repository");
    let (before, rest) = text.split_once(BEGIN).expect("the page has a place for the metrics");
    let (_, after) = rest.split_once(END).expect("the place for the metrics ends");
    let wanted = format!("{before}{BEGIN}{}{END}{after}", listed());
    if env::var_os("UPDATE_SNAPSHOT").is_some() {
        fs::write(page_path(), wanted).expect("the page can be written");
        return;
    }
    assert!(
        text == wanted,
        "docs/metrics.md is not what the catalogue says; renew it with `UPDATE_SNAPSHOT=1 cargo test \
         --workspace --locked --test it page`"
    );
}

/// The list of metrics as Markdown.
fn listed() -> String {
    let mut text =
        String::from("\n<!-- Generated from crates/runtime/src/metrics/catalogue.rs: edit that. -->\n\n");
    text.push_str("| metric | type, unit | labels | services | meaning |\n| --- | --- | --- | --- | --- |\n");
    for metric in catalogue::ALL {
        let labels: Vec<String> = metric.labels.iter().map(label).collect();
        let (name, kind, unit) = (metric.name, metric.kind.type_name(), metric.unit.words());
        let services = if metric.services.len() == 3 { "all".to_owned() } else { metric.services.join(", ") };
        let (labels, help) = (labels.join("; "), metric.help());
        text.push_str(&format!("| `{name}` | {kind}, {unit} | {labels} | {services} | {help} |\n"));
    }
    text.push('\n');
    text
}

fn label(label: &Label) -> String {
    format!("`{}`: {}", label.name, label.values.words())
}
