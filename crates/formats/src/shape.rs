//! Checks the fields of a parameter's row by the rules of the catalogue, for readers and the service alike.
use orewatch_catalog::parameter::{ItemKind, PRINTED_FIGURE_ITEMS, Presence, SUPPLY_ITEMS};
use orewatch_catalog::{Consumer, HsMatch, HsRevision, Parameter, Stage, concordance};

/// Longest code of a sector in bytes.
const MAX_SECTOR_BYTES: usize = 32;

/// Longest name of a form in bytes.
const MAX_FORM_BYTES: usize = 64;

/// The fields of a parameter's row as text; empty if there is none.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    /// The economy that it describes.
    pub economy: &'a str,
    /// The other side.
    pub partner: &'a str,
    /// The material.
    pub material: &'a str,
    /// The stage.
    pub stage: &'a str,
    /// The item.
    pub item: &'a str,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Reason code.
    pub code: &'static str,
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What is wrong, in one sentence.
    pub reason: String,
    /// What to do about it; empty if the reason says it all.
    pub hint: String,
}

fn misfit(code: &'static str, field: &'static str, value: &str, reason: String, hint: &str) -> Misfit {
    Misfit { code, field, value: value.to_owned(), reason, hint: hint.to_owned() }
}

/// Checks that a row has the fields that its parameter takes, and no others.
pub fn check_fields(parameter: &Parameter, row: &Fields<'_>) -> Result<(), Misfit> {
    let item = if parameter.item == ItemKind::None { Presence::Never } else { Presence::Required };
    for (field, takes, text) in [
        ("economy", parameter.economy, row.economy),
        ("partner", parameter.partner, row.partner),
        ("material", parameter.material, row.material),
        ("stage", parameter.stage, row.stage),
        ("item", item, row.item),
    ] {
        check_field(parameter, field, takes, text)?;
    }
    check_item(parameter, row.item)?;
    check_sides(parameter, row)?;
    check_stage(parameter, row.stage)
}

fn check_field(
    parameter: &Parameter,
    field: &'static str,
    takes: Presence,
    text: &str,
) -> Result<(), Misfit> {
    match (takes, text) {
        (Presence::Required, "") => {
            let reason = format!("`{parameter}` needs {}", with_article(field));
            let hint = match field {
                "item" => item_hint(parameter.item),
                _ => "without it the figure is about nothing",
            };
            Err(misfit("missing-field", field, text, reason, hint))
        }
        (Presence::Never, given) if !given.is_empty() => {
            let reason = format!("`{parameter}` has no {field}");
            Err(misfit("unexpected-field", field, given, reason, "leave the field empty"))
        }
        _ => Ok(()),
    }
}

fn with_article(field: &str) -> String {
    let article = if field.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {field}")
}

/// What to write as an item.
fn item_hint(item: ItemKind) -> &'static str {
    match item {
        ItemKind::None => "leave the field empty",
        ItemKind::Sector => "name the sector by its code, such as C24",
        ItemKind::Supply => "write one of GS+EU, GSonly, EUonly",
        ItemKind::Product => "name the product by the six digits of its code",
        ItemKind::Form => {
            "name the form in lower-case letters, digits and hyphens, such as ore-and-concentrates, or \
             write all"
        }
        ItemKind::PrintedFigure => "write one of figure, above, below, net-exporter",
    }
}

fn check_item(parameter: &Parameter, text: &str) -> Result<(), Misfit> {
    let code = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let form = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fits = match parameter.item {
        ItemKind::None => true,
        ItemKind::Sector => text.len() <= MAX_SECTOR_BYTES && text.bytes().all(code),
        ItemKind::Supply => SUPPLY_ITEMS.contains(&text),
        ItemKind::Product => !matches!(concordance(HsRevision::Hs22, text), HsMatch::Malformed { .. }),
        ItemKind::Form => text.len() <= MAX_FORM_BYTES && text.bytes().all(form),
        ItemKind::PrintedFigure => PRINTED_FIGURE_ITEMS.contains(&text),
    };
    if fits {
        return Ok(());
    }
    let reason = format!("this is no item of `{parameter}`");
    Err(misfit("invalid-item", "item", text, reason, item_hint(parameter.item)))
}

/// Checks that a relation has two different sides. A supplier's share in its own supply, which has a
/// material, is no relation.
fn check_sides(parameter: &Parameter, row: &Fields<'_>) -> Result<(), Misfit> {
    let relation = parameter.partner == Presence::Required && parameter.material == Presence::Never;
    if !relation || row.economy != row.partner {
        return Ok(());
    }
    let reason = "economy and partner are the same".to_owned();
    Err(misfit("self-partner", "partner", row.partner, reason, "leave such rows out"))
}

/// Checks that a conversion yield is about a stage that has one before it.
fn check_stage(parameter: &Parameter, stage: &str) -> Result<(), Misfit> {
    if parameter.id != "conversion-yield" || stage != Stage::Mined.as_str() {
        return Ok(());
    }
    let reason = "nothing is converted into what is mined".to_owned();
    Err(misfit("unexpected-field", "stage", stage, reason, "the stage is the one that is produced"))
}

/// Checks that a parameter may be about this economy, bloc or the world.
pub fn check_consumer(parameter: &Parameter, consumer: Consumer) -> Result<(), Misfit> {
    if parameter.allows_blocs || matches!(consumer, Consumer::Economy(_)) {
        return Ok(());
    }
    let (code, name) = (consumer.code(), consumer.name());
    let reason = format!("`{code}` is {name}, and `{parameter}` is about one economy");
    let hint = "give the figure of each economy";
    Err(misfit("aggregate-economy", "economy", code, reason, hint))
}

/// Checks that a figure lies in its parameter's range.
pub fn check_value(parameter: &Parameter, number: f64, text: &str) -> Result<(), Misfit> {
    if parameter.admits(number) {
        return Ok(());
    }
    let reason = format!("`{parameter}` is {}, in {}", parameter.range(), unit(parameter.unit));
    let fraction = parameter.unit == "share" && number > parameter.max && number <= 100.0;
    let hint =
        if fraction { format!("write a fraction: {text} % is {}", number / 100.0) } else { String::new() };
    Err(Misfit { hint, ..misfit("out-of-range", "value", text, reason, "") })
}

fn unit(unit: &str) -> &str {
    match unit {
        "share" => "fractions of 1",
        "t" => "tonnes",
        other => other,
    }
}
