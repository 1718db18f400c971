//! `metrics`: lists what the services report on their admin ports and to a collector.
use orewatch_contracts::{Class, Failure};
use orewatch_runtime::metrics::{Label, Metric, catalogue};

use crate::options::{Format, OutputOptions};
use crate::render::{Cell, Column, Out, Row, column, labelled, wrap};
use crate::session::Session;

/// Column in which the texts begin in the list, and on the page of a metric.
const LIST_MARGIN: usize = 4;
const MARGIN: usize = 14;

/// Maximum width of the texts, in characters: long lines of prose are hard to read.
const MAX_WIDTH: usize = 100;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The services report these if they have an admin port (--admin) or a collector (--otlp-endpoint). No
server is asked: the list is part of the program. The values of every label are bounded.

Examples:
  orewatch metrics
  orewatch metrics orewatch_log_lag_seconds
  orewatch metrics --format csv > metrics.csv")]
pub(crate) struct Args {
    /// Explain this metric
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    output: OutputOptions,
}

impl Row for &'static Metric {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("metric", |metric: &Self| Cell::text(metric.name)),
            column("type", |metric: &Self| Cell::text(metric.kind.type_name())),
            column("unit", |metric: &Self| Cell::text(metric.unit.words())),
            column("labels", |metric: &Self| Cell::text(label_names(metric.labels))),
            column("services", |metric: &Self| Cell::text(metric.services.join(" "))),
            column("meaning", |metric: &Self| Cell::text(metric.help())),
        ]
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args, session: &Session) -> Result<(), Failure> {
    let out = args.output.output(session.out(&session.settings(&[&args.output])?)?)?;
    if let Some(name) = &args.name {
        return explain(&out, name.trim());
    }
    match out.format {
        Format::Json | Format::Csv => out.rows(catalogue::ALL),
        Format::Table => out.text(&list(&out)),
    }
}

fn explain(out: &Out, name: &str) -> Result<(), Failure> {
    let found = catalogue::ALL.iter().find(|metric| metric.name == name);
    let metric = found.ok_or_else(|| unknown(name))?;
    match out.format {
        Format::Json | Format::Csv => out.row(metric),
        Format::Table => out.text(&page(out, metric)),
    }
}

fn unknown(name: &str) -> Failure {
    let near = orewatch_catalog::closest(name, catalogue::ALL.iter().map(|metric| metric.name));
    let near = near.map(|near| format!("did you mean {near}? ")).unwrap_or_default();
    Failure::new(Class::NotFound, "unknown-metric", "no metric has this name")
        .at("metric", name)
        .with_hint(format!("{near}`orewatch metrics` lists all"))
}

fn label_names(labels: &[Label]) -> String {
    labels.iter().map(|label| label.name).collect::<Vec<_>>().join(" ")
}

fn list(out: &Out) -> String {
    let width = out.width.min(MAX_WIDTH);
    let mut text = String::new();
    for metric in catalogue::ALL {
        text.push_str(&format!("{}\n", out.style.bold(metric.name)));
        text.push_str(&wrap(metric.help(), width, &" ".repeat(LIST_MARGIN)));
    }
    text.push_str(&out.style.dim("\n`orewatch metrics NAME` shows type, unit, labels and services.\n"));
    text
}

fn page(out: &Out, metric: &Metric) -> String {
    let width = out.width.min(MAX_WIDTH);
    let field = |label: &str, value: &str| labelled(label, value, width, MARGIN);
    let mut text = format!("{}\n{}\n", out.style.bold(metric.name), wrap(metric.help(), width, "  "));
    text.push_str(&field("type", metric.kind.type_name()));
    text.push_str(&field("unit", metric.unit.words()));
    text.push_str(&field("services", &metric.services.join(", ")));
    for label in metric.labels {
        text.push_str(&field(label.name, &label.values.words()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_readable_in_eighty_columns() {
        let out = Out::for_tests(80);
        let pages = catalogue::ALL.iter().map(|metric| page(&out, metric));
        for line in pages.chain([list(&out)]).collect::<String>().lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
