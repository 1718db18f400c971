//! Codes of single rows that were rejected. `orewatch rejections` lists those of a release.
use super::{Area, user};

pub(super) const AREA: Area = Area {
    name: "Rows",
    about: "Codes of single rows that were rejected. `orewatch rejections` lists those of a release.",
    codes: &[
        user(
            "basis-mismatch",
            "The figure is given on a basis that cannot be converted.",
            "Give the figure on the basis that the hint names.",
        ),
        user(
            "bounded-figure",
            "The cell contains a bound, such as `<5`, instead of a figure.",
            "Write the figure; write `NA` if no source gives it.",
        ),
        user(
            "duplicate-key",
            "An earlier row of the release has the same key.",
            "Leave the row out, or correct the key.",
        ),
        user(
            "field-count-mismatch",
            "The row has more or fewer fields than the header.",
            "Check for commas that are not in quotation marks.",
        ),
        user("field-too-long", "A field of the row is too long.", "Shorten the text."),
        user("figure-too-large", "The figure is too large to be real.", "Check the unit of the column."),
        user(
            "invalid-day",
            "The text is not a day between 1900 and 2100.",
            "Write a day such as `2024-03-31`.",
        ),
        user(
            "invalid-flag",
            "The text is not a yes-or-no value.",
            "Write one of the values that the hint names.",
        ),
        user(
            "invalid-item",
            "The item is not valid for this parameter.",
            "Write an item as the hint describes.",
        ),
        user(
            "invalid-number",
            "The text is not a plain decimal number.",
            "Write a plain number with a decimal point, or `NA` or `W` if there is none.",
        ),
        user(
            "invalid-product",
            "The text is not a valid product code.",
            "Write the code with all its digits, including leading zeros.",
        ),
        user(
            "invalid-purity",
            "The purity is not above 0 and at most 1.",
            "Write the purity as a fraction, such as `0.6`.",
        ),
        user(
            "missing-figure",
            "The cell that should contain the figure is empty.",
            "Write `NA` if no source gives the figure, `W` if the publisher withholds it.",
        ),
        user(
            "mixed-editions",
            "The row belongs to another edition than the rest of the file.",
            "Ingest one file per edition.",
        ),
        user(
            "negative-figure",
            "The figure is negative, but quantities are not.",
            "Correct the figure, or leave the row out.",
        ),
        user("no-economy", "Neither side of the flow is an economy.", "Leave the row out."),
        user(
            "no-total",
            "The flow has only partial figures and no total.",
            "Download the totals as the hint says.",
        ),
        user("nul-byte", "The row contains a NUL byte.", "Download the file again: it may be damaged."),
        user(
            "product-mismatch",
            "The product code does not belong to the material and stage of the row.",
            "Correct the product, the material or the stage.",
        ),
        user("self-flow", "The row reports trade of an economy with itself.", "Leave the row out."),
        user(
            "self-partner",
            "The economy and its partner are the same.",
            "Leave the row out, or correct the partner.",
        ),
        user(
            "stray-quote",
            "A field contains an unescaped quotation mark.",
            "Double it, and put the field in quotation marks.",
        ),
        user("too-many-names", "The release has too many different names.", "Split the release."),
        user(
            "unknown-evaluation",
            "No evaluation of a restriction has this name.",
            "Write `Red`, `Amber` or `Green`.",
        ),
        user(
            "unknown-flow",
            "No trade flow has this code.",
            "Use the codes for import and export that the hint names.",
        ),
        user(
            "unknown-indicator",
            "No indicator has this name.",
            "Use an indicator such as `political-stability`.",
        ),
        user(
            "unknown-procedure",
            "No statistical procedure has this code, or it is not part of a flow.",
            "Leave the row out, or correct the code.",
        ),
        user(
            "unknown-reporter",
            "The text does not say who reports the flow.",
            "Write `importer` or `exporter`, or leave the cell empty.",
        ),
        user(
            "unnamed-commodity",
            "The file does not say which commodity the row is about.",
            "Name the commodity, or leave the row out.",
        ),
        user(
            "year-and-edition",
            "The edition of the file cannot have figures for this year.",
            "Correct the year, or split the file by edition.",
        ),
    ],
};
