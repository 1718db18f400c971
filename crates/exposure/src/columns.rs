//! The columns of an event of changes: [`encode`] writes them, [`rows`] reads them row by row.
//!
//! Texts are stored once, in dictionaries; a row holds indices. A column in which every row has its default
//! is left empty, as the contract documents.

use std::collections::BTreeMap;

use orewatch_contracts::common::v1 as common;
use orewatch_contracts::exposure::v1::{ExposureColumns, MarketSize, SourceSpread};
use orewatch_measures::{Estimate, Status};

use crate::accounts::Size;
use crate::book::{DatasetId, EconomyId};
use crate::figures::{Change, SupplierNames};
use crate::wire;

/// A dictionary: the texts of keys and their indices, in the order of first use.
struct Dictionary<K> {
    texts: Vec<String>,
    indices: BTreeMap<K, u32>,
    /// The last key with its index: neighbouring rows often have the same.
    last: Option<(K, u32)>,
}

impl<K: Copy + Ord> Dictionary<K> {
    fn new() -> Self {
        Self { texts: Vec::new(), indices: BTreeMap::new(), last: None }
    }

    /// A dictionary whose entry 0 is the empty text, which is that of the key `none`.
    fn with_none(none: K) -> Self {
        let mut dictionary = Self::new();
        dictionary.index(none, String::new);
        dictionary
    }

    /// Index of a key; a new key is added with its text.
    fn index(&mut self, key: K, text: impl FnOnce() -> String) -> u32 {
        if let Some((_, index)) = self.last.filter(|(last, _)| *last == key) {
            return index;
        }
        let Self { texts, indices, .. } = self;
        let index = *indices.entry(key).or_insert_with(|| {
            texts.push(text());
            u32::try_from(texts.len() - 1).unwrap_or(u32::MAX)
        });
        self.last = Some((key, index));
        index
    }
}

impl Dictionary<&'static str> {
    fn index_of(&mut self, text: &'static str) -> u32 {
        self.index(text, || text.to_owned())
    }
}

/// The dictionary of sizes, in the order of first use. Entry 0 stands for no size.
struct Sizes {
    quantities: Vec<f64>,
    values: Vec<f64>,
    indices: BTreeMap<[Option<u64>; 2], u32>,
}

impl Default for Sizes {
    fn default() -> Self {
        let none = Size::default().bits();
        Self { quantities: vec![f64::NAN], values: vec![f64::NAN], indices: BTreeMap::from([(none, 0)]) }
    }
}

impl Sizes {
    fn index(&mut self, size: Size) -> u32 {
        let Self { quantities, values, indices } = self;
        *indices.entry(size.bits()).or_insert_with(|| {
            quantities.push(size.quantity.unwrap_or(f64::NAN));
            values.push(size.value.unwrap_or(f64::NAN));
            u32::try_from(quantities.len() - 1).unwrap_or(u32::MAX)
        })
    }
}

/// The new value of a figure that no longer exists.
const GONE: Estimate = Estimate::missing(Status::NotApplicable, "no flow is left");

/// Writes changes as columns. `name_of` gives the names of datasets.
#[must_use]
pub fn encode(changes: &[Change], name_of: &dyn Fn(DatasetId) -> String) -> ExposureColumns {
    let (mut consumers, mut measures) = (Dictionary::new(), Dictionary::new());
    let (mut suppliers, mut reasons) = (Dictionary::with_none(None), Dictionary::with_none(""));
    let mut names = Dictionary::with_none([None; 3]);
    let mut datasets = Dictionary::with_none(None);
    let mut sizes = Sizes::default();
    let mut columns = ExposureColumns::default();
    for change in changes {
        let estimate = change.new.map_or(GONE, |figure| figure.estimate);
        let named = change.new.map_or([None; 3], |figure| figure.names);
        let supplier = change.key.supplier;
        columns.consumer.push(consumers.index_of(change.key.consumer));
        columns.supplier.push(suppliers.index(supplier, || text_of(supplier)));
        columns.measure.push(measures.index_of(change.key.measure.id()));
        columns.by.push(wire::weight(change.key.by).into());
        push_estimate(&mut columns, &estimate);
        columns.reason.push(reasons.index_of(estimate.reason));
        columns.name.push(names.index(named, || joined(named)));
        columns.old_value.push(change.old.and_then(|old| old.value).unwrap_or(f64::NAN));
        columns
            .old_status
            .push(change.old.map_or(common::Status::Unspecified, |old| wire::status(old.status)).into());
        columns.gone.push(change.new.is_none());
        let spread = change.new.and_then(|figure| figure.spread);
        let mut index =
            |dataset: Option<DatasetId>| datasets.index(dataset, || dataset.map(name_of).unwrap_or_default());
        let (lowest, highest) = (spread.map(|spread| spread.lowest), spread.map(|spread| spread.highest));
        columns.lowest_dataset.push(index(lowest.map(|(_, dataset)| dataset)));
        columns.highest_dataset.push(index(highest.map(|(_, dataset)| dataset)));
        columns.sources.push(spread.map_or(0, |spread| spread.sources));
        columns.lowest.push(lowest.map_or(f64::NAN, |(value, _)| value));
        columns.highest.push(highest.map_or(f64::NAN, |(value, _)| value));
        columns.size.push(sizes.index(change.new.map(|figure| figure.size).unwrap_or_default()));
    }
    columns.consumers = consumers.texts;
    columns.suppliers = suppliers.texts;
    columns.measures = measures.texts;
    columns.reasons = reasons.texts;
    columns.names = names.texts;
    columns.datasets = datasets.texts;
    (columns.size_quantity, columns.size_value) = (sizes.quantities, sizes.values);
    trim(&mut columns);
    columns
}

fn text_of(supplier: Option<EconomyId>) -> String {
    supplier.map_or("", EconomyId::code).to_owned()
}

fn push_estimate(columns: &mut ExposureColumns, estimate: &Estimate) {
    columns.value.push(estimate.value.unwrap_or(f64::NAN));
    columns.low.push(estimate.low.unwrap_or(f64::NAN));
    columns.high.push(estimate.high.unwrap_or(f64::NAN));
    columns.coverage.push(estimate.coverage.unwrap_or(f64::NAN));
    columns.status.push(wire::status(estimate.status).into());
}

/// Codes of the suppliers that a figure names, separated by commas.
#[must_use]
pub fn joined(names: SupplierNames) -> String {
    names.into_iter().flatten().map(|supplier| supplier.code()).collect::<Vec<_>>().join(",")
}

/// Empties every column in which every row has its default.
fn trim(columns: &mut ExposureColumns) {
    let same = |a: &[f64], b: &[f64]| a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits()));
    if same(&columns.low, &columns.value) {
        columns.low.clear();
    }
    if same(&columns.high, &columns.value) {
        columns.high.clear();
    }
    clear_if_all(&mut columns.coverage, |coverage| coverage.to_bits() == 1.0_f64.to_bits());
    clear_if_all(&mut columns.status, |status| *status == i32::from(common::Status::Known));
    clear_if_all(&mut columns.by, |by| *by == i32::from(common::By::Quantity));
    clear_if_all(&mut columns.supplier, |index| *index == 0);
    clear_if_all(&mut columns.reason, |index| *index == 0);
    clear_if_all(&mut columns.name, |index| *index == 0);
    clear_if_all(&mut columns.old_value, |old| old.is_nan());
    clear_if_all(&mut columns.old_status, |old| *old == i32::from(common::Status::Unspecified));
    clear_if_all(&mut columns.gone, |gone| !gone);
    clear_if_all(&mut columns.sources, |sources| *sources == 0);
    clear_if_all(&mut columns.lowest, |lowest| lowest.is_nan());
    clear_if_all(&mut columns.highest, |highest| highest.is_nan());
    clear_if_all(&mut columns.lowest_dataset, |index| *index == 0);
    clear_if_all(&mut columns.highest_dataset, |index| *index == 0);
    if columns.sources.is_empty() {
        columns.datasets.clear();
    }
    clear_if_all(&mut columns.size, |index| *index == 0);
    if columns.size.is_empty() {
        columns.size_quantity.clear();
        columns.size_value.clear();
    }
}

fn clear_if_all<T>(column: &mut Vec<T>, is_default: impl FnMut(&T) -> bool) {
    if column.iter().all(is_default) {
        column.clear();
    }
}

/// A row of the columns: one change of a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeRow<'a> {
    /// Code of the consumer.
    pub consumer: &'a str,
    /// Code of the supplier; empty for none.
    pub supplier: &'a str,
    /// Identifier of the measure with its version.
    pub measure: &'a str,
    /// The weight by which suppliers are compared.
    pub by: common::By,
    /// The new figure.
    pub estimate: common::Estimate,
    /// Codes of the suppliers that it names, separated by commas.
    pub names: &'a str,
    /// The best estimate before the change.
    pub old_value: Option<f64>,
    /// The status before the change.
    pub old_status: common::Status,
    /// Whether the figure no longer exists.
    pub gone: bool,
    /// Lowest and highest figure of all datasets that can give it. `None`: no other dataset can.
    pub spread: Option<SourceSpread>,
    /// Size of the market. `None`: nothing of it is known, or an earlier version wrote the row.
    pub size: Option<MarketSize>,
}

/// The rows of the columns, in order. `None` where a column is too short or an index is outside its
/// dictionary.
pub fn rows(columns: &ExposureColumns) -> impl Iterator<Item = Option<ChangeRow<'_>>> {
    rows_from(columns, 0)
}

/// The rows from index `first` on.
pub(crate) fn rows_from(
    columns: &ExposureColumns,
    first: usize,
) -> impl Iterator<Item = Option<ChangeRow<'_>>> {
    (first..columns.value.len()).map(|index| row(columns, index))
}

fn row(columns: &ExposureColumns, index: usize) -> Option<ChangeRow<'_>> {
    let value = *columns.value.get(index)?;
    let by = common::By::try_from(entry_or(&columns.by, index, common::By::Quantity.into())?).ok()?;
    let estimate = common::Estimate {
        value: number(value),
        low: number(entry_or(&columns.low, index, value)?),
        high: number(entry_or(&columns.high, index, value)?),
        coverage: number(entry_or(&columns.coverage, index, 1.0)?),
        status: entry_or(&columns.status, index, common::Status::Known.into())?,
        reason: text(&columns.reasons, entry_or(&columns.reason, index, 0)?)?.to_owned(),
    };
    let old_status = entry_or(&columns.old_status, index, common::Status::Unspecified.into())?;
    Some(ChangeRow {
        consumer: columns.consumers.get(usize::try_from(*columns.consumer.get(index)?).ok()?)?,
        supplier: text(&columns.suppliers, entry_or(&columns.supplier, index, 0)?)?,
        measure: columns.measures.get(usize::try_from(*columns.measure.get(index)?).ok()?)?,
        by,
        estimate,
        names: text(&columns.names, entry_or(&columns.name, index, 0)?)?,
        old_value: number(entry_or(&columns.old_value, index, f64::NAN)?),
        old_status: common::Status::try_from(old_status).unwrap_or_default(),
        gone: entry_or(&columns.gone, index, false)?,
        spread: spread(columns, index)?,
        size: size(columns, index)?,
    })
}

fn size(columns: &ExposureColumns, index: usize) -> Option<Option<MarketSize>> {
    let index = usize::try_from(entry_or(&columns.size, index, 0)?).ok()?;
    if index == 0 {
        return Some(None);
    }
    let quantity_t = number(*columns.size_quantity.get(index)?);
    Some(Some(MarketSize { quantity_t, value_kusd: number(*columns.size_value.get(index)?) }))
}

fn spread(columns: &ExposureColumns, index: usize) -> Option<Option<SourceSpread>> {
    let sources = entry_or(&columns.sources, index, 0)?;
    if sources == 0 {
        return Some(None);
    }
    let name = |column: &[u32]| Some(text(&columns.datasets, entry_or(column, index, 0)?)?.to_owned());
    Some(Some(SourceSpread {
        sources,
        lowest: number(entry_or(&columns.lowest, index, f64::NAN)?),
        lowest_dataset: name(&columns.lowest_dataset)?,
        highest: number(entry_or(&columns.highest, index, f64::NAN)?),
        highest_dataset: name(&columns.highest_dataset)?,
    }))
}

/// The entry of a column, or the default if the column is empty.
fn entry_or<T: Copy>(column: &[T], index: usize, default: T) -> Option<T> {
    if column.is_empty() { Some(default) } else { column.get(index).copied() }
}

fn number(number: f64) -> Option<f64> {
    (!number.is_nan()).then_some(number)
}

fn text(dictionary: &[String], index: u32) -> Option<&str> {
    if index == 0 && dictionary.is_empty() {
        return Some("");
    }
    dictionary.get(usize::try_from(index).ok()?).map(String::as_str)
}
