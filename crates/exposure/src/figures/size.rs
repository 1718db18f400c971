//! The size of the market that a figure is a part of: the consumer's imports, or the world's output.

use std::cell::RefCell;
use std::collections::BTreeMap;

use orewatch_measures::Table;

use super::Figure;
use crate::accounts::Size;
use crate::scope::Scope;

/// The sizes of one market that were needed so far, by code of the consumer.
#[derive(Default)]
struct Imports(RefCell<BTreeMap<&'static str, Size>>);

/// Adds the size of the market to figures. A figure of output alone is a part of output, any other one of
/// imports.
pub(super) fn add(figures: &mut [Figure], scope: &Scope<'_>) {
    if figures.is_empty() || !scope.has_figures() {
        return;
    }
    // What the size rests on is what the figure rests on already.
    let scope = scope.without_consultations();
    let accounts = scope.accounts();
    let imports = scope.compute_once(|_| Imports::default());
    let mut output = None;
    for figure in figures {
        figure.size = match figure.key.measure.method().table {
            Table::Production => *output.get_or_insert_with(|| accounts.output_size()),
            Table::Trade | Table::Both => {
                let code = figure.key.consumer;
                let size = || code.parse().map(|consumer| accounts.import_size(consumer)).unwrap_or_default();
                *imports.0.borrow_mut().entry(code).or_insert_with(size)
            }
        };
    }
}
