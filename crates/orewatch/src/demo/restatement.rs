//! What the newest release changed: the largest producers that differ, and the alerts.
use super::command;
use super::facts::{AsAtFigure, Flip, Restated, Restatement, Side};
use super::restated::TOP;
use crate::render::{Align, Style, estimate, hanging, pad, percent, signed_points, value_in};
use crate::view::{reason_word, state_word, threshold_text, value_text};
use crate::words::{grouped, material_name, measure_unit};

/// Maximum number of restated figures on the full page and on the short one.
const MAX_RESTATED: usize = 8;
const SHORT_MAX_RESTATED: usize = 2;

/// The heading of the block. `None`: no release restates another one.
pub(crate) fn title(changes: &Restatement) -> Option<String> {
    let [old, new] = vintages(changes)?;
    let changed = grouped(changes.changed);
    Some(format!("Newer vintage {new}: {changed} shares of largest producers differ from {old}"))
}

/// The vintages that are compared, the older one first.
fn vintages(changes: &Restatement) -> Option<[&str; 2]> {
    match changes.as_at.as_slice() {
        [old, new] => Some([&old.vintage, &new.vintage]),
        _ => None,
    }
}

/// Renders the largest differences; on the full page also the alerts that change.
pub(crate) fn block(style: Style, width: usize, changes: &Restatement, full: bool) -> String {
    let Some([old, new]) = vintages(changes) else { return String::new() };
    let shown = if full { MAX_RESTATED } else { SHORT_MAX_RESTATED };
    let rows = changes.restated.iter().take(shown).map(row);
    let mut text = header(style, [old, new]) + &rows.collect::<String>();
    let period = changes.as_at.first().map_or("", |figure| figure.period.as_str());
    let command = format!("orewatch changes {new} --consumer WLD --measure {TOP} --as-of {period}");
    text.push_str(&command::lines(style, width, &command));
    if full && !changes.flips.is_empty() {
        text.push_str(&format!("  {}\n", style.bold("Alerts that change")));
        text.push_str(&changes.flips.iter().map(|flip| flip_lines(style, width, flip)).collect::<String>());
    }
    let answers = changes.as_at.iter().take(if full { changes.as_at.len() } else { 0 });
    text + &answers.map(|figure| answer(style, width, figure)).collect::<String>()
}

fn header(style: Style, [old, new]: [&str; 2]) -> String {
    style.dim(&format!(
        "  {}{}{}{}\n",
        pad("largest producer", 32, Align::Left),
        pad(old, 18, Align::Left),
        pad(new, 18, Align::Left),
        pad("difference", 10, Align::Right)
    ))
}

fn row(restated: &Restated) -> String {
    let side = |side: &Side| {
        pad(&format!("{} {}", side.name, pad(&percent(side.share), 8, Align::Right)), 18, Align::Left)
    };
    let market = format!("{}, {}, {}", material_name(&restated.material), &restated.stage, restated.period);
    format!(
        "  {}{}{}{}\n",
        pad(&market, 32, Align::Left),
        side(&restated.old),
        side(&restated.new),
        pad(&signed_points(restated.difference()), 10, Align::Right)
    )
}

/// An alert that the release changed: its figure, its threshold, and what became of it.
fn flip_lines(style: Style, width: usize, flip: &Flip) -> String {
    let alert = &flip.alert;
    let subject = alert.subject.clone().unwrap_or_default();
    let unit = measure_unit(&subject.measure);
    let figures = match alert.previous {
        Some(previous) => format!("{} -> {}", value_in(unit, previous), value_text(alert)),
        None => value_text(alert),
    };
    let change = match (&flip.restated, flip.event) {
        (Some((period, was, is)), "restated") => {
            format!("{period} was {}, is {}", state_word(*was), state_word(*is))
        }
        (_, "resolved") => format!("firing -> resolved, {}", reason_word(alert.reason())),
        (_, event) => format!("{event}, {}", reason_word(alert.reason())),
    };
    let market = format!("{} {}, {}", subject.consumer, material_name(&subject.material), &subject.stage);
    let line = format!(
        "    {}{}{}  {change}",
        pad(&market, 28, Align::Left),
        pad(&figures, 22, Align::Left),
        pad(&threshold_text(alert), 9, Align::Left)
    );
    let lines = hanging(&line, width, 8);
    let command = format!("orewatch alerts show {}", alert.id);
    let painted =
        if flip.event == "fired" { style.red(lines.trim_end()) } else { style.green(lines.trim_end()) };
    format!("{painted}\n{}", command::lines(style, width, &command))
}

/// The figure with the largest difference in one vintage, and the command that gives it.
fn answer(style: Style, width: usize, figure: &AsAtFigure) -> String {
    let command = format!(
        "orewatch exposure --consumer WLD --material {} --stage {} --as-of {} --as-at {}",
        figure.material, figure.stage, figure.period, figure.vintage
    );
    let value = estimate("share", Some(&figure.value));
    format!(
        "  as known with {}: {value} {}\n{}",
        figure.vintage,
        figure.names.join(","),
        command::lines(style, width, &command)
    )
}
