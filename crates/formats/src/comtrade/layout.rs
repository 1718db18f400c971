//! Finds the columns of UN Comtrade, whatever they are called.
//!
//! | layout | names | from |
//! | --- | --- | --- |
//! | API | `reporterCode`, `netWgt` | its JSON, and csv that programs write of it |
//! | bulk files | `ReporterCode`, `NetWgt`, `AtlQty` | the bulk download |
//! | before 2023 | `Reporter Code`, `Netweight (kg)`, `Trade Flow Code` | the former site and its API |
//! | snake case | `reporter_code`, `net_wgt` | R packages that use the API |
//!
//! Names are compared by their letters and digits alone, so that case, blanks and underscores do not matter.
use super::super::SourceError;
use super::super::csv_file::ColumnMap;
use super::super::text::{is_digits, letters_and_digits, without_decimals};

/// Number of columns that are read.
pub(super) const COLUMNS: usize = 23;

/// A column that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Period,
    Year,
    Reporter,
    Partner,
    Flow,
    Product,
    Value,
    Weight,
    WeightEstimated,
    Quantity,
    QuantityUnit,
    QuantityUnitName,
    QuantityEstimated,
    Second,
    SecondUnit,
    SecondUnitName,
    SecondEstimated,
    Gross,
    GrossEstimated,
    Classification,
    Customs,
    Transport,
    SecondPartner,
}

impl From<Column> for usize {
    fn from(column: Column) -> Self {
        column as Self
    }
}

/// Names of every column, in the order of [`Column`], that of the API first. Only letters and digits count.
const NAMES: [&[&str]; COLUMNS] = [
    &["period"],
    &["refYear", "year"],
    &["reporterCode"],
    &["partnerCode"],
    &["flowCode", "tradeflowcode", "tradeflow"],
    &["cmdCode", "commoditycode"],
    &["primaryValue", "tradevalueus", "tradevalueusd"],
    &["netWgt", "netweightkg"],
    &["isNetWgtEstimated"],
    &["qty"],
    &["qtyUnitCode"],
    &["qtyUnitAbbr", "qtyunit"],
    &["isQtyEstimated"],
    &["altQty", "atlqty"],
    &["altQtyUnitCode", "atlqtyunitcode"],
    &["altQtyUnitAbbr", "atlqtyunitabbr", "altqtyunit"],
    &["isAltQtyEstimated", "isatlqtyestimated"],
    &["grossWgt", "grossweightkg"],
    &["isGrossWgtEstimated"],
    &["classificationCode", "classification"],
    &["customsCode", "customsproccode"],
    &["motCode", "modeoftransportcode"],
    &["partner2Code", "2ndpartnercode"],
];

/// Groups of columns of which one must be there, each with the name that errors use.
const REQUIRED: [(&str, &[Column]); 7] = [
    ("period", &[Column::Period, Column::Year]),
    ("reporterCode", &[Column::Reporter]),
    ("partnerCode", &[Column::Partner]),
    ("flowCode", &[Column::Flow]),
    ("cmdCode", &[Column::Product]),
    ("primaryValue", &[Column::Value]),
    ("netWgt", &[Column::Weight, Column::Quantity]),
];

/// The columns that must be there, each with all of its names.
pub(super) fn needs() -> Vec<Vec<&'static str>> {
    let names = |(first, columns): &(&'static str, &[Column])| {
        let all = columns.iter().filter_map(|column| NAMES.get(usize::from(*column)));
        std::iter::once(*first).chain(all.flat_map(|names| names.iter().copied())).collect()
    };
    REQUIRED.iter().map(names).collect()
}

/// Columns whose texts are numbers of economies.
const NUMBERED: [Column; 2] = [Column::Reporter, Column::Partner];

/// Where the columns of a file are.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    columns: ColumnMap<COLUMNS>,
    /// They are columns of csv, which have numbers. Members of records have none.
    is_csv: bool,
}

impl Layout {
    /// Finds the columns in a header of csv.
    pub(super) fn of_columns(header: &[String]) -> Self {
        Self { columns: ColumnMap::find(header, NAMES, letters_and_digits), is_csv: true }
    }

    /// Finds the columns among the members of records.
    pub(super) fn of_members(names: &[String]) -> Self {
        Self { is_csv: false, ..Self::of_columns(names) }
    }

    /// Names of columns that must be there and are not.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        let lacks = |columns: &[Column]| columns.iter().all(|column| !self.has(*column));
        REQUIRED.iter().filter(|(_, columns)| lacks(columns)).map(|(name, _)| *name).collect()
    }

    /// Number of known columns.
    pub(super) fn likeness(&self) -> usize {
        self.columns.count()
    }

    /// Whether the file has a column.
    fn has(&self, column: Column) -> bool {
        self.columns.place(column).is_some()
    }

    /// Whether rows may be of one customs procedure, mode of transport or second partner.
    pub(super) fn has_parts(&self) -> bool {
        [Column::Customs, Column::Transport, Column::SecondPartner].into_iter().any(|column| self.has(column))
    }

    /// Name of a column in the file; if it has none, in the API.
    pub(super) fn name(&self, column: Column) -> &str {
        self.columns.name(column)
    }

    /// Name of a column if the file has it.
    pub(super) fn own_name(&self, column: Column) -> Option<String> {
        self.has(column).then(|| self.name(column).to_owned())
    }

    /// Number of a column in a csv file, from 1; 0 if it has none.
    pub(super) fn number(&self, column: Column) -> u32 {
        if self.is_csv { self.columns.number(column) } else { 0 }
    }

    /// The texts of a row whose fields `field` gives by their place.
    pub(super) fn texts<'a>(&self, field: impl Fn(usize) -> &'a str) -> Texts<'a> {
        Texts(self.columns.texts(field))
    }

    /// The texts of a record whose members `member` gives by their name.
    pub(super) fn values(&self, member: impl Fn(&str) -> String) -> [String; COLUMNS] {
        self.columns.names().each_ref().map(|name| member(name))
    }

    /// Refuses a file whose column names are one column off their values. Rows of a download end with a comma
    /// and its header does not, so that some programs take the first column for row names and write such
    /// files.
    pub(super) fn check_shift(&self, file: &str, row: &[String]) -> Result<(), SourceError> {
        let text = |column, shift: isize| {
            let place = self.columns.place(column)?.checked_add_signed(shift)?;
            row.get(place).map(|text| without_decimals(text))
        };
        let fits = |shift| {
            let number = |column| text(column, shift).is_some_and(is_number);
            NUMBERED.into_iter().all(number) && text(Column::Product, shift).is_some_and(is_product)
        };
        let Some(shift) = [-1, 1].into_iter().find(|shift| !fits(0) && fits(*shift)) else { return Ok(()) };
        let is_wrong = |column: &Column| text(*column, 0).is_some_and(|text| !is_number(text));
        let column = NUMBERED.into_iter().find(is_wrong).unwrap_or(Column::Product);
        let (name, value) = (self.name(column), text(column, 0).unwrap_or_default());
        let side = if shift < 0 { "right" } else { "left" };
        let message = format!(
            "the column names are one column to the {side} of their values: `{name}` holds `{value}`"
        );
        Err(SourceError::new("misplaced-columns", file, 2, message).at(name, value).with_hint(
            "hand in the file as it was downloaded; pandas.read_csv(FILE, index_col=False) keeps names and \
             values together",
        ))
    }
}

/// Texts of a row, by column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Texts<'a>([&'a str; COLUMNS]);

impl<'a> Texts<'a> {
    /// Texts of values.
    pub(super) fn from_values(values: &'a [String; COLUMNS]) -> Self {
        Self(values.each_ref().map(String::as_str))
    }

    /// The text of a column; empty if there is none.
    pub(super) fn get(&self, column: Column) -> &'a str {
        self.0.get(usize::from(column)).copied().unwrap_or_default()
    }

    /// The text of a column of codes, without decimals.
    pub(super) fn code(&self, column: Column) -> &'a str {
        without_decimals(self.get(column))
    }

    /// The year or month.
    pub(super) fn period(&self) -> &'a str {
        match self.code(Column::Period) {
            "" => self.code(Column::Year),
            period => period,
        }
    }
}

fn is_number(text: &str) -> bool {
    text.len() <= 3 && is_digits(text)
}

fn is_product(text: &str) -> bool {
    text == "TOTAL" || ((2..=6).contains(&text.len()) && is_digits(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_in_the_order_of_the_columns() {
        for (column, name) in [
            (Column::Period, "period"),
            (Column::Product, "cmdCode"),
            (Column::WeightEstimated, "isNetWgtEstimated"),
            (Column::SecondUnit, "altQtyUnitCode"),
            (Column::Classification, "classificationCode"),
            (Column::SecondPartner, "partner2Code"),
        ] {
            assert_eq!(NAMES[usize::from(column)].first(), Some(&name));
        }
        assert_eq!(usize::from(Column::SecondPartner) + 1, COLUMNS);
    }
}
