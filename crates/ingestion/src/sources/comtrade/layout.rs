//! Where the columns of UN Comtrade are, whatever they are called.
//!
//! | layout | names | from |
//! | --- | --- | --- |
//! | interface | `reporterCode`, `netWgt` | its JSON and the csv that programs write of it |
//! | bulk files | `ReporterCode`, `NetWgt`, `AtlQty` | the bulk download |
//! | before 2023 | `Reporter Code`, `Netweight (kg)`, `Trade Value (US$)`, `Trade Flow Code` 1 to 4 | the former site and its interface |
//! | snake case | `reporter_code`, `net_wgt` | what R packages make of the interface |
//!
//! Names are compared by their letters and digits alone, so that case, blanks and underscores do not matter.
use super::super::SourceError;

/// Columns that are read.
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

/// Every column with its name in the interface, and by letters and digits alone what else it is called.
const NAMES: [(Column, &str, &[&str]); COLUMNS] = [
    (Column::Period, "period", &[]),
    (Column::Year, "refYear", &["year"]),
    (Column::Reporter, "reporterCode", &[]),
    (Column::Partner, "partnerCode", &[]),
    (Column::Flow, "flowCode", &["tradeflowcode", "tradeflow"]),
    (Column::Product, "cmdCode", &["commoditycode"]),
    (Column::Value, "primaryValue", &["tradevalueus", "tradevalueusd"]),
    (Column::Weight, "netWgt", &["netweightkg"]),
    (Column::WeightEstimated, "isNetWgtEstimated", &[]),
    (Column::Quantity, "qty", &[]),
    (Column::QuantityUnit, "qtyUnitCode", &[]),
    (Column::QuantityUnitName, "qtyUnitAbbr", &["qtyunit"]),
    (Column::QuantityEstimated, "isQtyEstimated", &[]),
    (Column::Second, "altQty", &["atlqty"]),
    (Column::SecondUnit, "altQtyUnitCode", &["atlqtyunitcode"]),
    (Column::SecondUnitName, "altQtyUnitAbbr", &["atlqtyunitabbr", "altqtyunit"]),
    (Column::SecondEstimated, "isAltQtyEstimated", &["isatlqtyestimated"]),
    (Column::Gross, "grossWgt", &["grossweightkg"]),
    (Column::GrossEstimated, "isGrossWgtEstimated", &[]),
    (Column::Classification, "classificationCode", &["classification"]),
    (Column::Customs, "customsCode", &["customsproccode"]),
    (Column::Transport, "motCode", &["modeoftransportcode"]),
    (Column::SecondPartner, "partner2Code", &["2ndpartnercode"]),
];

/// Groups of columns of which one must be there, each with the name that is asked for.
const REQUIRED: [(&str, &[Column]); 7] = [
    ("period", &[Column::Period, Column::Year]),
    ("reporterCode", &[Column::Reporter]),
    ("partnerCode", &[Column::Partner]),
    ("flowCode", &[Column::Flow]),
    ("cmdCode", &[Column::Product]),
    ("primaryValue", &[Column::Value]),
    ("netWgt", &[Column::Weight, Column::Quantity]),
];

/// The columns that must be there, each by all of its names.
pub(super) fn needs() -> Vec<Vec<&'static str>> {
    let names = |(first, columns): &(&'static str, &[Column])| {
        let of = |column: &Column| {
            let found = NAMES.iter().find(|(other, ..)| other == column);
            found
                .into_iter()
                .flat_map(|(_, name, others)| std::iter::once(*name).chain(others.iter().copied()))
        };
        std::iter::once(*first).chain(columns.iter().flat_map(of)).collect()
    };
    REQUIRED.iter().map(names).collect()
}

/// Columns whose texts are numbers of UN Comtrade.
const NUMBERED: [Column; 2] = [Column::Reporter, Column::Partner];

/// Where the columns of a file are.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    places: [Option<usize>; COLUMNS],
    /// Their names in the file; where it has none, those of the interface.
    names: [String; COLUMNS],
    /// They are columns, which have numbers; members of records have none.
    numbered: bool,
}

impl Layout {
    /// Finds the columns among names, in any order.
    pub(super) fn of(header: &[String]) -> Self {
        let plain: Vec<_> = header.iter().map(|name| letters(name)).collect();
        let find = |name: &str| plain.iter().position(|column| column == name);
        let places = NAMES.map(|(_, name, others)| {
            find(&letters(name)).or_else(|| others.iter().find_map(|other| find(other)))
        });
        let mut names = NAMES.map(|(_, name, _)| name.to_owned());
        for (name, place) in names.iter_mut().zip(places) {
            if let Some(own) = place.and_then(|place| header.get(place)) {
                name.clone_from(own);
            }
        }
        Self { places, names, numbered: true }
    }

    /// Finds the members of records.
    pub(super) fn of_members(names: &[String]) -> Self {
        Self { numbered: false, ..Self::of(names) }
    }

    /// Names of columns that must be there and are not.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        let lacks = |columns: &[Column]| columns.iter().all(|column| self.place(*column).is_none());
        REQUIRED.iter().filter(|(_, columns)| lacks(columns)).map(|(name, _)| *name).collect()
    }

    /// Columns that are known.
    pub(super) fn likeness(&self) -> usize {
        self.places.iter().flatten().count()
    }

    /// Place of a column, from 0.
    pub(super) fn place(&self, column: Column) -> Option<usize> {
        self.places.get(column as usize).copied().flatten()
    }

    /// Name of a column in the file.
    pub(super) fn name(&self, column: Column) -> &str {
        self.names.get(column as usize).map_or("", String::as_str)
    }

    /// Name of a column if the file has it.
    pub(super) fn own_name(&self, column: Column) -> Option<String> {
        self.place(column).map(|_| self.name(column).to_owned())
    }

    /// Number of a column in the file, from 1. 0: it has none.
    pub(super) fn number(&self, column: Column) -> u32 {
        let place = self.place(column).filter(|_| self.numbered).and_then(|place| place.checked_add(1));
        place.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
    }

    /// The texts of a row, by column.
    pub(super) fn texts<'a>(&self, get: impl Fn(usize) -> &'a str) -> Texts<'a> {
        Texts(self.places.map(|place| place.map_or("", &get)))
    }

    /// The texts of a record whose members are found by their names, by column.
    pub(super) fn values(&self, get: impl Fn(&str) -> String) -> [String; COLUMNS] {
        self.names.each_ref().map(|name| get(name))
    }

    /// Refuses a file whose names stand one column off its values: programs that take the first column of a download for the names
    /// of its rows, because its rows end with a comma and its header does not, write such files.
    pub(super) fn check_shift(&self, file: &str, row: &[String]) -> Result<(), SourceError> {
        let text = |column, shift: isize| {
            let place = self.place(column)?.checked_add_signed(shift)?;
            row.get(place).map(|text| code(text))
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
        let message =
            format!("the names stand one column to the {side} of their values: `{name}` holds `{value}`");
        Err(SourceError::new("misplaced-columns", file, 2, message).at(name, value).with_hint(
            "hand in the file as it was downloaded; pandas.read_csv(FILE, index_col=False) keeps names and values together",
        ))
    }
}

/// Texts of a row, by column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Texts<'a>([&'a str; COLUMNS]);

impl<'a> Texts<'a> {
    /// Texts that are kept elsewhere.
    pub(super) fn of(values: &'a [String; COLUMNS]) -> Self {
        Self(values.each_ref().map(String::as_str))
    }

    /// The text of a column; empty where there is none.
    pub(super) fn get(&self, column: Column) -> &'a str {
        self.0.get(column as usize).copied().unwrap_or_default()
    }

    /// The text of a column of codes.
    pub(super) fn code(&self, column: Column) -> &'a str {
        code(self.get(column))
    }

    /// The year or month.
    pub(super) fn period(&self) -> &'a str {
        match self.code(Column::Period) {
            "" => self.code(Column::Year),
            period => period,
        }
    }
}

/// A code without the decimals that programs append where a column of numbers has gaps.
fn code(text: &str) -> &str {
    text.strip_suffix(".0").unwrap_or(text)
}

/// A name by its letters and digits alone.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

fn is_number(text: &str) -> bool {
    (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_product(text: &str) -> bool {
    text == "TOTAL" || ((2..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_the_order_of_their_numbers() {
        assert!(NAMES.iter().enumerate().all(|(place, (column, _, _))| *column as usize == place));
    }
}
