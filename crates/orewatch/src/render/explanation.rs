//! Page that explains a figure: formula, terms, suppliers, routes, source rows and releases.
use orewatch_contracts::common::v1::By;
use orewatch_contracts::exposure::v1::{
    Balance, Contribution, ExplainExposureResponse, Exposure, ReleaseNote, Route, SourceRow, Subject, Term,
};
use orewatch_contracts::ingestion::v1::Release;
use orewatch_contracts::market::{names_text, products_text, proxy_caveat, size_text};

use super::out::Out;
use super::row::table;
use super::sheet::{Align, pad};
use super::wrap::labelled;
use crate::view::revision::firmness_sentence;
use crate::view::verdict::{standing_words, verdict_line};
use crate::view::{projection_words, skipped_texts};
use crate::words::{by_word, economy_name};
use orewatch_contracts::figure::{bar, difference_in, estimate, percent, status_word, value_in};

/// Maximum number of suppliers, and of balances, on the page.
const MAX_SUPPLIERS: usize = 12;
const MAX_BALANCES: usize = 8;

/// Column in which the text of a field begins.
const MARGIN: usize = 11;

/// Maximum width of a bar, in characters.
const MAX_BAR_WIDTH: usize = 20;

/// Renders the page.
pub(crate) fn explanation(out: &Out, exposure: &Exposure, response: &ExplainExposureResponse) -> String {
    let style = out.style;
    let mut text = head(out, exposure);
    text.push_str(&labelled("formula", &response.formula, out.width, MARGIN));
    text.push_str(&labelled("source", &response.citation, out.width, MARGIN));
    let section = |title: &str, body: String| {
        if body.is_empty() { body } else { format!("\n{}\n{body}", style.dim(title)) }
    };
    text.push_str(&section("Terms", terms(out, &response.terms)));
    text.push_str(&section("Suppliers", contributions(out, &response.contributions)));
    text.push_str(&section("Routes, from origin to consumer", routes(out, exposure, response)));
    text.push_str(&section(
        "Supply added because exports exceed production and imports",
        balances(&response.balances),
    ));
    let shown = response.rows.len();
    let rows = format!("Source rows: the {shown} largest of {}", response.rows_total);
    text.push_str(&section(&rows, sources(out, &response.rows)));
    text.push_str(&section("Releases", releases(&response.releases)));
    text.push_str(&section("What the publishers say", notes(out, &response.notes)));
    let skipped = skipped_texts(&response.skipped).into_iter().map(|text| format!("  {text}\n")).collect();
    text.push_str(&section("Recorded, but marked as not to count", skipped));
    text
}

/// Releases with their origin, grouped by origin.
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
    let texts = groups.iter().map(|(from, ids)| match ids.as_slice() {
        [one] => format!("  {one}  {from}\n"),
        several => {
            let lines: String = several.iter().map(|id| format!("  {id}\n")).collect();
            if from.is_empty() { lines } else { format!("{lines}    {from}\n") }
        }
    });
    texts.collect()
}

/// The subject, its figure, and the figure's side of each threshold.
fn head(out: &Out, exposure: &Exposure) -> String {
    let subject = exposure.subject.clone().unwrap_or_default();
    let figure = estimate(&exposure.unit, exposure.estimate.as_ref());
    let period = match (exposure.period.as_str(), projection_words(exposure)) {
        (period, words) if words.is_empty() => period.to_owned(),
        (period, words) => format!("{period} · {words}"),
    };
    let mut text = format!("{}\n\n", out.style.bold(&explanation_title(&subject, &period)));
    let weighed = if subject.by() == By::Unspecified { "" } else { by_word(subject.by()) };
    let weighed = if weighed.is_empty() { String::new() } else { format!(" by {weighed}") };
    text.push_str(&format!("  {}{weighed}  =  {}\n", subject.measure, out.style.bold(&figure)));
    let known = exposure.estimate.clone().unwrap_or_default();
    let parts = [status_word(known.status()), known.reason.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    text.push_str(&labelled("status", &parts.join(": "), out.width, MARGIN));
    text.push_str(&labelled("names", &names_text(&exposure.names, &exposure.tied), out.width, MARGIN));
    text.push_str(&labelled("firmness", &firmness_sentence(exposure), out.width, MARGIN));
    text.push_str(&labelled("product", &products_text(&exposure.products), out.width, MARGIN));
    let caveat = proxy_caveat(&subject.material, &exposure.products);
    text.push_str(&labelled("caveat", &caveat, out.width, MARGIN));
    text.push_str(&labelled("market", &size_text(exposure.size.as_ref()), out.width, MARGIN));
    for line in &exposure.lines {
        let side = line.beyond.map(|beyond| {
            let far = difference_in(&exposure.unit, beyond.abs());
            let side = if beyond > 0.0 { "beyond it" } else { "below it" };
            format!(", {} {side}", far.trim_start_matches('+'))
        });
        let side = side.unwrap_or_default();
        let verdict = format!(
            "{} {}{side}: {}",
            verdict_line(&exposure.unit, line),
            standing_words(line.standing()),
            line.name
        );
        text.push_str(&labelled("threshold", &verdict, out.width, MARGIN));
    }
    text
}

/// Whom and what an explanation is about.
pub(crate) fn explanation_title(subject: &Subject, period: &str) -> String {
    let on = match subject.supplier.as_str() {
        "" => String::new(),
        supplier => format!("from {} · ", economy_name(supplier)),
    };
    let consumer = format!("{} ({})", economy_name(&subject.consumer), subject.consumer);
    let when = if period.is_empty() { "no period" } else { period };
    format!("{consumer} · {} · {} · {on}{when}", subject.material, subject.stage)
}

fn terms(out: &Out, terms: &[Term]) -> String {
    if terms.is_empty() { String::new() } else { table(out, terms) }
}

fn contributions(out: &Out, contributions: &[Contribution]) -> String {
    if contributions.is_empty() {
        return String::new();
    }
    let shown = table(out, contributions.iter().take(MAX_SUPPLIERS));
    shown + &remainder_line(contributions.len(), MAX_SUPPLIERS)
}

/// A line that says how many entries are not shown.
fn remainder_line(all: usize, shown: usize) -> String {
    match all.checked_sub(shown) {
        Some(more) if more > 0 => format!("  and {more} more; --format json lists all\n"),
        _ => String::new(),
    }
}

/// The routes with their shares, then the sum of all other routes, then the total, which is the figure.
fn routes(out: &Out, exposure: &Exposure, response: &ExplainExposureResponse) -> String {
    if response.routes.is_empty() && response.other_routes.is_none() {
        return String::new();
    }
    let paths: Vec<String> = response.routes.iter().map(route_text).collect();
    let widest = paths.iter().map(|path| path.chars().count()).max().unwrap_or_default().max(16);
    let widest = widest.min(out.width.saturating_sub(14));
    let row = |label: &str, share: f64| {
        let bar = out.style.cyan(&bar(share, MAX_BAR_WIDTH.min(out.width.saturating_sub(widest + 14))));
        let text =
            format!("  {}{}  {bar}", pad(label, widest, Align::Left), pad(&percent(share), 9, Align::Right));
        format!("{}\n", text.trim_end())
    };
    let mut text: String =
        paths.iter().zip(&response.routes).map(|(path, route)| row(path, route.share)).collect();
    if let Some(other) = response.other_routes {
        text.push_str(&row("other routes", other));
    }
    let sum =
        response.routes.iter().map(|route| route.share).sum::<f64>() + response.other_routes.unwrap_or(0.0);
    if exposure.unit == "share" {
        text.push_str(&row("total", sum));
    }
    text
}

/// A route as text: `ZAF mined > NLD traded > DEU used`.
fn route_text(route: &Route) -> String {
    let stops = route.stops.iter().map(|stop| format!("{} {}", stop.economy, stop.what));
    stops.collect::<Vec<_>>().join(" > ")
}

fn balances(balances: &[Balance]) -> String {
    let one = |balance: &Balance| {
        format!(
            "  {:<5}{}{} added to {} of production and imports\n",
            balance.economy,
            pad(economy_name(&balance.economy), 25, Align::Left),
            pad(&value_in("t", balance.added), 14, Align::Right),
            value_in("t", balance.supply)
        )
    };
    balances.iter().take(MAX_BALANCES).map(one).collect::<String>()
        + &remainder_line(balances.len(), MAX_BALANCES)
}

fn notes(out: &Out, notes: &[ReleaseNote]) -> String {
    if notes.is_empty() { String::new() } else { table(out, notes) }
}

fn sources(out: &Out, rows: &[SourceRow]) -> String {
    if rows.is_empty() { String::new() } else { table(out, rows) }
}
