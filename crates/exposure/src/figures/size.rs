//! The size of the market that a figure is a part of: the consumer's imports, or the world's output.

use std::cell::RefCell;
use std::collections::BTreeMap;

use orewatch_measures::{Measure, Table};

use super::{Figure, family};
use crate::accounts::Size;
use crate::scope::Scope;

/// The sizes of one market that were needed so far, by code of the consumer.
#[derive(Default)]
struct Imports(RefCell<BTreeMap<&'static str, Size>>);

/// Whether figures of a measure are about trade, at least in part: they depend on flows, and not on output
/// alone.
pub(crate) fn is_about_trade(measure: Measure) -> bool {
    let looks_at_flows = family(measure).is_some_and(|family| family.reach().flows);
    looks_at_flows && measure.method().table != Table::Production
}

fn looks_at_output(measure: Measure) -> bool {
    family(measure).is_some_and(|family| family.reach().output)
}

/// Adds the size of the market to figures: of imports if they are about trade, otherwise of output.
pub(super) fn add(figures: &mut [Figure], scope: &Scope<'_>) {
    if figures.is_empty() || !scope.has_figures() {
        return;
    }
    // What the size rests on is what the figure rests on already.
    let scope = scope.without_consultations();
    let accounts = scope.accounts();
    let imports = scope.compute_once(|_| Imports::default());
    let mut output = None;
    // Neighbours mostly have the same measure and consumer.
    let mut last = None::<(Measure, &str, Size)>;
    for figure in figures {
        let (measure, code) = (figure.key.measure, figure.key.consumer);
        let known = last.filter(|(own, consumer, _)| (*own, *consumer) == (measure, code));
        figure.size = match known {
            Some((_, _, size)) => size,
            None if is_about_trade(measure) => {
                let size = || code.parse().map(|consumer| accounts.import_size(consumer)).unwrap_or_default();
                *imports.0.borrow_mut().entry(code).or_insert_with(size)
            }
            None if looks_at_output(measure) => *output.get_or_insert_with(|| accounts.output_size()),
            // What a figure does not rest on must not change it.
            None => Size::default(),
        };
        last = Some((measure, code, figure.size));
    }
}
