//! Why a figure is what it is, as a page.
use orewatch_contracts::common::v1::By;
use orewatch_contracts::exposure::v1::{
    Balance, Contribution, ExplainExposureResponse, Exposure, Route, SourceRow, Subject, Term,
};
use orewatch_contracts::ingestion::v1::Release;

use super::out::Out;
use super::sheet::{Align, Sheet, fit, pad};
use super::wrap::labelled;
use crate::view::verdict::{standing_words, verdict_line};
use crate::words::{by_word, name_of};
use orewatch_runtime::figure::{
    bar, brief, difference_in, estimate, number, percent, quantity, status_word, value_in,
};

/// Most suppliers and most balances that people are shown.
const SUPPLIERS: usize = 12;
const BALANCES: usize = 8;

/// Where the text of a field begins.
const MARGIN: usize = 11;

/// Width of a bar.
const BAR: usize = 20;

/// The page.
pub(crate) fn explanation(out: &Out, exposure: &Exposure, answer: &ExplainExposureResponse) -> String {
    let style = out.style;
    let mut text = head(out, exposure);
    text.push_str(&labelled("formula", &answer.formula, out.width, MARGIN));
    text.push_str(&labelled("source", &answer.citation, out.width, MARGIN));
    let section = |title: &str, body: String| {
        if body.is_empty() { body } else { format!("\n{}\n{body}", style.dim(title)) }
    };
    text.push_str(&section("Terms", terms(out, &answer.terms)));
    text.push_str(&section("Suppliers", contributions(out, &answer.contributions)));
    text.push_str(&section("Routes, from where it comes to where it is used", routes(out, exposure, answer)));
    text.push_str(&section("Added so that exports are covered", balances(&answer.balances)));
    let shown = answer.rows.len();
    let rows = format!("Source rows, the largest {shown} of {}", answer.rows_total);
    text.push_str(&section(&rows, sources(out, &answer.rows)));
    text.push_str(&section("Releases", releases(&answer.releases)));
    text
}

/// Releases with where they are from, which those of one origin share.
fn releases(releases: &[Release]) -> String {
    let origin = |release: &Release| {
        let origin = release.provenance.clone().unwrap_or_default();
        let parts = [origin.publisher, origin.title, origin.licence];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    };
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for release in releases {
        let from = origin(release);
        match groups.iter_mut().find(|(known, _)| *known == from) {
            Some((_, ids)) => ids.push(&release.id),
            None => groups.push((from, vec![&release.id])),
        }
    }
    let told = groups.iter().map(|(from, ids)| match ids.as_slice() {
        [one] => format!("  {one}  {from}\n"),
        several => {
            let lines: String = several.iter().map(|id| format!("  {id}\n")).collect();
            if from.is_empty() { lines } else { format!("{lines}    {from}\n") }
        }
    });
    told.collect()
}

/// What is explained, its figure, and where that is against the lines.
fn head(out: &Out, exposure: &Exposure) -> String {
    let subject = exposure.subject.clone().unwrap_or_default();
    let figure = estimate(&exposure.unit, exposure.estimate.as_ref());
    let mut text = format!("{}\n\n", out.style.bold(&title(&subject, &exposure.period)));
    let weighed = if subject.by() == By::Unspecified { "" } else { by_word(subject.by()) };
    let weighed = if weighed.is_empty() { String::new() } else { format!(" by {weighed}") };
    text.push_str(&format!("  {}{weighed}  =  {}\n", subject.measure, out.style.bold(&figure)));
    let known = exposure.estimate.clone().unwrap_or_default();
    let parts = [status_word(known.status()), known.reason.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    text.push_str(&labelled("status", &parts.join(": "), out.width, MARGIN));
    text.push_str(&labelled("names", &exposure.names.join(", "), out.width, MARGIN));
    for line in &exposure.lines {
        let side = line.beyond.map(|beyond| {
            let far = difference_in(&exposure.unit, beyond.abs());
            let side = if beyond > 0.0 { "beyond it" } else { "from it" };
            format!(", {} {side}", far.trim_start_matches('+'))
        });
        let side = side.unwrap_or_default();
        let told = format!(
            "{} {}{side}: {}",
            verdict_line(&exposure.unit, line),
            standing_words(line.standing()),
            line.name
        );
        text.push_str(&labelled("line", &told, out.width, MARGIN));
    }
    text
}

fn title(subject: &Subject, period: &str) -> String {
    let on = match subject.supplier.as_str() {
        "" => String::new(),
        supplier => format!("from {} · ", name_of(supplier)),
    };
    let consumer = format!("{} ({})", name_of(&subject.consumer), subject.consumer);
    let when = if period.is_empty() { "no period" } else { period };
    format!("{consumer} · {} · {} · {on}{when}", subject.material, subject.stage)
}

fn terms(out: &Out, terms: &[Term]) -> String {
    if terms.is_empty() {
        return String::new();
    }
    let mut sheet =
        Sheet::new(out, &[("  term", Align::Left), ("value", Align::Right), ("what it is", Align::Left)]);
    for term in terms {
        sheet.row([
            format!("  {}", term.symbol),
            estimate(&term.unit, term.estimate.as_ref()),
            term.description.clone(),
        ]);
    }
    sheet.finish()
}

fn contributions(out: &Out, contributions: &[Contribution]) -> String {
    if contributions.is_empty() {
        return String::new();
    }
    let shown = contributions.iter().take(SUPPLIERS);
    let has_amounts =
        shown.clone().any(|one| one.amount.as_ref().is_some_and(|amount| amount.value.is_some()));
    let mut heads = vec![("  supplier", Align::Left), ("", Align::Left)];
    heads.extend(has_amounts.then_some(("amount", Align::Right)));
    heads.extend([("share", Align::Right), ("", Align::Left)]);
    let mut sheet = Sheet::new(out, &heads);
    for one in shown {
        let share = one.share.as_ref().and_then(|share| share.value).unwrap_or(0.0);
        let mut cells = vec![format!("  {}", one.supplier), fit(name_of(&one.supplier), 24)];
        cells.extend(has_amounts.then(|| brief(&one.unit, one.amount.as_ref())));
        cells.extend([brief("share", one.share.as_ref()), bar(share, BAR)]);
        sheet.row(cells);
    }
    sheet.finish() + &more(contributions.len(), SUPPLIERS)
}

/// What is not shown.
fn more(all: usize, shown: usize) -> String {
    match all.checked_sub(shown) {
        Some(more) if more > 0 => format!("  and {more} more; --format json lists all\n"),
        _ => String::new(),
    }
}

/// The routes, each with its share, then all others, then the sum, which is the figure.
fn routes(out: &Out, exposure: &Exposure, answer: &ExplainExposureResponse) -> String {
    if answer.routes.is_empty() && answer.other_routes.is_none() {
        return String::new();
    }
    let paths: Vec<String> = answer.routes.iter().map(path).collect();
    let widest = paths.iter().map(|path| path.chars().count()).max().unwrap_or_default().max(16);
    let widest = widest.min(out.width.saturating_sub(14));
    let row = |label: &str, share: f64| {
        let bar = out.style.cyan(&bar(share, BAR.min(out.width.saturating_sub(widest + 14))));
        let text =
            format!("  {}{}  {bar}", pad(label, widest, Align::Left), pad(&percent(share), 9, Align::Right));
        format!("{}\n", text.trim_end())
    };
    let mut text: String =
        paths.iter().zip(&answer.routes).map(|(path, route)| row(path, route.share)).collect();
    if let Some(other) = answer.other_routes {
        text.push_str(&row("other routes", other));
    }
    let sum = answer.routes.iter().map(|route| route.share).sum::<f64>() + answer.other_routes.unwrap_or(0.0);
    if exposure.unit == "share" {
        text.push_str(&row("sum", sum));
    }
    text
}

/// `ZAF mined > NLD traded > DEU used`.
fn path(route: &Route) -> String {
    let stops = route.stops.iter().map(|stop| format!("{} {}", stop.economy, stop.what));
    stops.collect::<Vec<_>>().join(" > ")
}

fn balances(balances: &[Balance]) -> String {
    let one = |balance: &Balance| {
        format!(
            "  {:<5}{}{}, where output and imports give {}\n",
            balance.economy,
            pad(name_of(&balance.economy), 25, Align::Left),
            pad(&value_in("t", balance.added), 14, Align::Right),
            value_in("t", balance.supply)
        )
    };
    balances.iter().take(BALANCES).map(one).collect::<String>() + &more(balances.len(), BALANCES)
}

/// A file without what its name ends with.
fn stem(file: &str) -> &str {
    let file = file.strip_suffix(".gz").unwrap_or(file);
    file.strip_suffix(".csv").unwrap_or(file)
}

/// The rows, without the columns that none of them fills.
fn sources(out: &Out, rows: &[SourceRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let size = |amount: Option<f64>| amount.map(quantity).unwrap_or_default();
    let tonnes = |row: &SourceRow| match row.figure {
        None if row.note.is_empty() && row.quantity.is_none() => {
            status_word(row.quantity_status()).to_owned()
        }
        _ => size(row.quantity),
    };
    let figure = |row: &SourceRow| row.figure.map(|figure| number(figure, 3)).unwrap_or_default();
    type Cell<'a> = &'a dyn Fn(&SourceRow) -> String;
    let columns: [(&str, Align, Cell<'_>); 9] = [
        ("  from", Align::Left, &|row| format!("  {}", row.economy)),
        ("to", Align::Left, &|row| row.partner.clone()),
        ("period", Align::Left, &|row| row.period.clone()),
        ("what", Align::Left, &|row| row.product.clone()),
        ("tonnes", Align::Right, &tonnes),
        ("kUSD", Align::Right, &|row| size(row.value)),
        ("figure", Align::Right, &figure),
        ("", Align::Left, &|row| row.note.clone()),
        ("file:line, column", Align::Left, &|row| {
            format!("{}:{} {}", stem(&row.file), row.line, row.column).trim_end().to_owned()
        }),
    ];
    let is_filled = |cell: Cell<'_>| rows.iter().any(|row| !cell(row).is_empty());
    let columns: Vec<_> = columns.into_iter().filter(|(_, _, cell)| is_filled(*cell)).collect();
    let heads: Vec<(&str, Align)> = columns.iter().map(|(head, align, _)| (*head, *align)).collect();
    let mut sheet = Sheet::new(out, &heads);
    for row in rows {
        sheet.row(columns.iter().map(|(_, _, cell)| cell(row)));
    }
    sheet.finish()
}
