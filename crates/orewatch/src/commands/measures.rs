//! `measures`: what can be measured, and how each measure is defined.
use orewatch_measures::{Measure, Method, Symbol, Table, UnknownMeasure, methods};
use orewatch_runtime::{Class, Failure};

use crate::options::{AnswerOptions, Format};
use crate::render::{Align, Out, document, labelled, number, object, pad, wrap};
use crate::session::Session;
use crate::view::MethodRow;
use crate::view::method::{method_line, needs, weight_word};

/// Widths of the columns of the list: identifier, unit, range.
const ID: usize = 31;
const UNIT: usize = 14;
const RANGE: usize = 14;

/// Where the text of a page begins.
const MARGIN: usize = 14;

/// Widest page: definitions are read, not scanned.
const WIDEST: usize = 100;

/// The families in the order in which an analyst meets them, by identifier, with their titles.
const FAMILIES: [(&str, &str); 10] = [
    ("sourcing", "Who supplies: shares and concentration of imports and of the world's output"),
    ("reliance", "Reliance on imports"),
    ("lookthrough", "True origins, after re-exports"),
    ("chain", "Through all stages: mined, refined, made"),
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
    /// Explain this measure, by its identifier with or without version
    #[arg(value_name = "MEASURE")]
    measure: Option<String>,
    #[command(flatten)]
    answer: AnswerOptions,
}

/// Runs the command. The catalogue is part of the program: no server is asked.
pub(crate) fn run(args: &Args, session: &Session) -> Result<(), Failure> {
    let out = session.out(&session.settings(&[&args.answer])?)?;
    match &args.measure {
        Some(text) => one(&out, named(text)?.method()),
        None => all(&out),
    }
}

/// The measure of this name.
///
/// # Errors
/// [`Class::NotFound`] if there is none, with what may have been meant.
pub(crate) fn named(text: &str) -> Result<Measure, Failure> {
    text.parse().map_err(|error| unknown(&error))
}

fn unknown(error: &UnknownMeasure) -> Failure {
    let near = error.suggestion.as_ref().map(|near| format!("did you mean {near}? "));
    Failure::new(Class::NotFound, "unknown-measure", format!("unknown measure `{}`", error.value))
        .at("measure", &error.value)
        .with_hint(format!("{}`orewatch measures` lists all", near.unwrap_or_default()))
}

fn one(out: &Out, method: &'static Method) -> Result<(), Failure> {
    let row = MethodRow(method);
    match out.format {
        Format::Json => out.json(&object(&row)),
        Format::Csv => out.csv(&[row]),
        Format::Table => out.text(&page(out, method)),
    }
}

fn all(out: &Out) -> Result<(), Failure> {
    match out.format {
        Format::Json => out.json(&document(&methods().map(MethodRow).collect::<Vec<_>>())),
        Format::Csv => out.csv(&methods().map(MethodRow).collect::<Vec<_>>()),
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
    text.push_str(&out.style.dim("A share is shown in per cent and written from 0 to 1 in rules.\n"));
    text.push_str(&out.style.dim("orewatch measures MEASURE gives formula, inputs and source of one.\n"));
    text
}

/// A measure in the list: what it is called and can be, what it says, and the lines that its source draws.
fn entry(out: &Out, method: &Method) -> String {
    let width = out.width.min(WIDEST);
    let head = format!(
        "  {}{}{}{}",
        pad(method.id, ID, Align::Left),
        pad(method.unit, UNIT, Align::Left),
        pad(&range(method), RANGE, Align::Left),
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
    let width = out.width.min(WIDEST);
    let field = |label: &str, value: &str| labelled(label, value, width, MARGIN);
    let family =
        FAMILIES.iter().find(|(id, _)| *id == method.measure.family()).map_or("", |(_, title)| title);
    let mut text = format!("{}\n", out.style.bold(method.id));
    text.push_str(&wrap(method.title, width, "  "));
    text.push('\n');
    text.push_str(&field("formula", method.formula));
    text.push_str(&symbols(method, width));
    text.push_str(&field("unit", &unit(method)));
    text.push_str(&field("about", about(method)));
    let weights: Vec<&str> = method.weights.iter().map(|weight| weight_word(*weight)).collect();
    text.push_str(&field("weighed by", &weights.join(" or ")));
    text.push_str(&field("needs", needs(method.table)));
    text.push_str(&field("family", family));
    text.push_str(&field("source", method.citation));
    text.push_str(&lines(out, method, width));
    text.push_str(&inputs(out, method, width));
    text.push_str(&format!("\n{}\n", out.style.dim(&format!("  {}", example(method)))));
    text
}

/// The symbols under the formula, each beside what it stands for.
fn symbols(method: &Method, width: usize) -> String {
    let longest = method.symbols.iter().map(|symbol| symbol.symbol.chars().count()).max().unwrap_or_default();
    let margin = MARGIN + longest.min(16) + 2;
    let one = |symbol: &Symbol| {
        let head = format!("{}{}", " ".repeat(MARGIN), symbol.symbol);
        let wrapped = wrap(symbol.description, width, &" ".repeat(margin));
        let rest: String = wrapped.chars().skip(head.chars().count()).collect();
        if head.chars().count() < margin { format!("{head}{rest}") } else { format!("{head}\n{wrapped}") }
    };
    method.symbols.iter().map(one).collect()
}

fn lines(out: &Out, method: &Method, width: usize) -> String {
    if method.lines.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", out.style.dim("  Lines that the source draws"));
    for line in method.lines {
        text.push_str(&labelled(&method_line(method, line), line.name, width, MARGIN));
    }
    text
}

fn inputs(out: &Out, method: &Method, width: usize) -> String {
    if method.inputs.is_empty() {
        return String::new();
    }
    let mut text =
        format!("\n{}\n", out.style.dim("  Computed from, and what becomes of it where that is missing"));
    for input in method.inputs {
        text.push_str(&wrap(input.name, width, "  "));
        text.push_str(&wrap(input.missing, width, "      "));
    }
    text
}

/// The unit with the range in words.
fn unit(method: &Method) -> String {
    let note = if method.unit == "share" { "; in rules 0 to 1" } else { "" };
    format!("{}, {}{note}", method.unit, range(method))
}

/// From the least to the greatest value.
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
        (least, _) if least.is_finite() => format!("from {}{sign}", bound(least)),
        (_, most) if most.is_finite() => format!("up to {}{sign}", bound(most)),
        _ => "any".to_owned(),
    }
}

fn about(method: &Method) -> &'static str {
    match (is_of_the_world(method), method.has_supplier) {
        (true, true) => "the world (WLD) and one producer",
        (true, false) => "the world (WLD)",
        (false, true) => "a consumer (an economy or a bloc) and one supplier",
        (false, false) => "a consumer (an economy or a bloc)",
    }
}

/// Whether the measure is about the world's output, whoever uses it.
fn is_of_the_world(method: &Method) -> bool {
    method.table == Table::Production && method.measure.family() == "sourcing"
}

/// A command that asks for the measure.
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
    use crate::render::Style;

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
        let out = Out { format: Format::Table, style: Style::default(), width: 80 };
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
