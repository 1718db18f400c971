//! `measures`: lists measures, or explains how one is defined.
use orewatch_contracts::{Class, Failure};
use orewatch_measures::{Measure, Method, Symbol, Table, UnknownMeasure, methods};

use crate::options::{Format, OutputOptions};
use crate::render::{Align, Out, document, labelled, number, pad, wrap};
use crate::session::Session;
use crate::view::method::{method_line, needs, weight_word};

/// Widths of the columns of the list, in characters.
const ID_WIDTH: usize = 31;
const UNIT_WIDTH: usize = 14;
const RANGE_WIDTH: usize = 14;

/// Column in which the text of a page begins.
const MARGIN: usize = 14;

/// Maximum width of a page: long lines of prose are hard to read.
const MAX_WIDTH: usize = 100;

/// Families by identifier, with their titles, in the order of the list.
const FAMILIES: [(&str, &str); 10] = [
    ("sourcing", "Suppliers: shares and concentration of imports and of world production"),
    ("reliance", "Reliance on imports"),
    ("lookthrough", "Estimated origin, after re-exports"),
    ("chain", "Estimated origin through all stages: mined, refined, manufactured"),
    ("criticality", "Criticality, as the European Commission assesses it"),
    ("crma", "Benchmarks of the Critical Raw Materials Act for 2030"),
    ("dependency", "Tests of dependency: European Commission 2021, GeoDep"),
    ("geopolrisk", "Geopolitical supply risk (GeoPolRisk)"),
    ("usgs", "Supply risk as the US Geological Survey assesses it"),
    ("restriction", "Export restrictions"),
];

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch measures
  orewatch measures eu-supply-risk
  orewatch measures --format csv > measures.csv")]
pub(crate) struct Args {
    /// Measure to explain: its identifier, with or without version
    #[arg(value_name = "MEASURE")]
    measure: Option<String>,
    #[command(flatten)]
    output: OutputOptions,
}

/// Runs the command. The catalogue is part of the program, so no server is needed.
pub(crate) fn run(args: &Args, session: &Session) -> Result<(), Failure> {
    let out = args.output.output(session.out(&session.settings(&[&args.output])?)?)?;
    match &args.measure {
        Some(text) => show(&out, parse_measure(text)?.method()),
        None => list_all(&out),
    }
}

/// Reads the name of a measure.
///
/// # Errors
/// [`Class::NotFound`] for an unknown measure, with a suggestion.
pub(crate) fn parse_measure(text: &str) -> Result<Measure, Failure> {
    text.parse().map_err(|error| unknown(&error))
}

fn unknown(error: &UnknownMeasure) -> Failure {
    let near = error.suggestion.as_ref().map(|near| format!("did you mean {near}? "));
    Failure::new(Class::NotFound, "unknown-measure", format!("unknown measure `{}`", error.value))
        .at("measure", &error.value)
        .with_hint(format!("{}`orewatch measures` lists all", near.unwrap_or_default()))
}

fn show(out: &Out, method: &'static Method) -> Result<(), Failure> {
    match out.format {
        Format::Json | Format::Csv => out.row(method),
        Format::Table => out.text(&page(out, method)),
    }
}

fn list_all(out: &Out) -> Result<(), Failure> {
    match out.format {
        Format::Json => out.json(&document(methods())),
        Format::Csv => out.csv(methods()),
        Format::Table => out.text(&list(out)),
    }
}

fn list(out: &Out) -> String {
    let mut text = String::new();
    for (family, title) in FAMILIES {
        text.push_str(&format!("{}\n", out.style.bold(title)));
        for method in methods().filter(|method| method.measure.family() == family) {
            text.push_str(&entry(out, method));
        }
        text.push('\n');
    }
    text.push_str(
        &out.style.dim("Shares are shown in percent here, and written as fractions from 0 to 1 in rules.\n"),
    );
    text.push_str(
        &out.style.dim("`orewatch measures MEASURE` shows the formula, inputs and source of a measure.\n"),
    );
    text
}

/// Entry of a measure in the list: identifier, unit, range, title, and the thresholds of its source.
fn entry(out: &Out, method: &Method) -> String {
    let width = out.width.min(MAX_WIDTH);
    let head = format!(
        "  {}{}{}{}",
        pad(method.id, ID_WIDTH, Align::Left),
        pad(method.unit, UNIT_WIDTH, Align::Left),
        pad(&range(method), RANGE_WIDTH, Align::Left),
        if method.has_supplier { "per supplier" } else { "" }
    );
    let mut text = format!("{}\n", head.trim_end());
    text.push_str(&out.style.dim(&wrap(method.title, width, "      ")));
    for line in method.lines {
        text.push_str(&wrap(&format!("{}  {}", method_line(method, line), line.name), width, "      "));
    }
    text
}

fn page(out: &Out, method: &Method) -> String {
    let width = out.width.min(MAX_WIDTH);
    let field = |label: &str, value: &str| labelled(label, value, width, MARGIN);
    let family =
        FAMILIES.iter().find(|(id, _)| *id == method.measure.family()).map_or("", |(_, title)| title);
    let mut text = format!("{}\n", out.style.bold(method.id));
    text.push_str(&wrap(method.title, width, "  "));
    text.push('\n');
    text.push_str(&field("formula", method.formula));
    text.push_str(&symbols(method, width));
    text.push_str(&field("unit", &unit(method)));
    text.push_str(&field("subject", subject(method)));
    let weights: Vec<&str> = method.weights.iter().map(|weight| weight_word(*weight)).collect();
    text.push_str(&field("weight", &weights.join(" or ")));
    text.push_str(&field("needs", needs(method.table)));
    text.push_str(&field("family", family));
    text.push_str(&field("source", method.citation));
    text.push_str(&lines(out, method, width));
    text.push_str(&inputs(out, method, width));
    text.push_str(&format!("\n{}\n", out.style.dim(&format!("  {}", example(method)))));
    text
}

/// The symbols of the formula, each beside its meaning.
fn symbols(method: &Method, width: usize) -> String {
    let longest = method.symbols.iter().map(|symbol| symbol.symbol.chars().count()).max().unwrap_or_default();
    let margin = MARGIN + longest.min(16) + 2;
    let line = |symbol: &Symbol| {
        let head = format!("{}{}", " ".repeat(MARGIN), symbol.symbol);
        let wrapped = wrap(symbol.description, width, &" ".repeat(margin));
        let rest: String = wrapped.chars().skip(head.chars().count()).collect();
        if head.chars().count() < margin { format!("{head}{rest}") } else { format!("{head}\n{wrapped}") }
    };
    method.symbols.iter().map(line).collect()
}

fn lines(out: &Out, method: &Method, width: usize) -> String {
    if method.lines.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", out.style.dim("  Thresholds of the source"));
    for line in method.lines {
        text.push_str(&labelled(&method_line(method, line), line.name, width, MARGIN));
    }
    text
}

fn inputs(out: &Out, method: &Method, width: usize) -> String {
    if method.inputs.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", out.style.dim("  Inputs, and the effect of a missing one"));
    for input in method.inputs {
        text.push_str(&wrap(input.name, width, "  "));
        text.push_str(&wrap(input.missing, width, "      "));
    }
    text
}

/// The unit and the range of values.
fn unit(method: &Method) -> String {
    let note = if method.unit == "share" { "; 0 to 1 in rules" } else { "" };
    format!("{}, {}{note}", method.unit, range(method))
}

/// The range of values as text.
fn range(method: &Method) -> String {
    let scale = if method.unit == "share" { 100.0 } else { 1.0 };
    let sign = if method.unit == "share" { " %" } else { "" };
    let bound = |bound: f64| {
        let decimals = if (bound * scale).fract() == 0.0 { 0 } else { 2 };
        number(bound * scale, decimals)
    };
    match method.range {
        (least, most) if least.is_finite() && most.is_finite() => {
            format!("{} to {}{sign}", bound(least), bound(most))
        }
        (least, _) if least.is_finite() => format!("at least {}{sign}", bound(least)),
        (_, most) if most.is_finite() => format!("at most {}{sign}", bound(most)),
        _ => "any".to_owned(),
    }
}

fn subject(method: &Method) -> &'static str {
    match (is_of_the_world(method), method.has_supplier) {
        (true, true) => "the world (WLD) and one producer",
        (true, false) => "the world (WLD)",
        (false, true) => "a consumer (an economy or a bloc) and one supplier",
        (false, false) => "a consumer (an economy or a bloc)",
    }
}

/// Whether the measure is about world production, which has no consumer.
fn is_of_the_world(method: &Method) -> bool {
    method.table == Table::Production && method.measure.family() == "sourcing"
}

/// An example command that explains the measure.
fn example(method: &Method) -> String {
    let output = method.measure.family() == "sourcing" && method.table == Table::Production;
    let consumer = if output { "WLD" } else { "DEU" };
    let supplier = if method.has_supplier { " --supplier ZAF" } else { "" };
    format!(
        "orewatch explain --consumer {consumer} --material manganese --stage mined{supplier} --measure {}",
        method.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measure_is_in_a_family_that_is_listed() {
        for method in methods() {
            let family = method.measure.family();
            assert!(
                FAMILIES.iter().any(|(id, _)| *id == family),
                "{} is of no listed family: {family}",
                method.id
            );
        }
    }

    #[test]
    fn every_measure_is_readable_in_eighty_columns() {
        let out = Out::for_tests(80);
        let pages = methods().map(|method| page(&out, method)).chain([list(&out)]);
        // The command of the example is one line, to be copied.
        for line in pages.flat_map(|page| page.lines().map(str::to_owned).collect::<Vec<_>>()) {
            let is_command = line.trim_start().starts_with("orewatch ");
            assert!(is_command || line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn every_listed_family_has_measures() {
        for (family, _) in FAMILIES {
            assert!(methods().any(|method| method.measure.family() == family), "{family} is empty");
        }
    }
}
