//! What a row of a parameter must and must not have: the rules of the catalogue, for readers and service alike.
use orewatch_catalog::parameter::{Item, PRINTS, SUPPLIES, Takes};
use orewatch_catalog::{Consumer, HsMatch, HsRevision, Parameter, Stage, concordance};

/// Longest code of a sector in bytes.
const LONGEST_SECTOR: usize = 32;

/// Longest name of a form in bytes.
const LONGEST_FORM: usize = 64;

/// The fields of a parameter's row as text; empty where there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    pub(crate) economy: &'a str,
    pub(crate) partner: &'a str,
    pub(crate) material: &'a str,
    pub(crate) stage: &'a str,
    pub(crate) item: &'a str,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// Reason code.
    pub(crate) code: &'static str,
    /// The field.
    pub(crate) field: &'static str,
    /// Its value.
    pub(crate) value: String,
    /// What is wrong, one sentence.
    pub(crate) reason: String,
    /// What to do about it; empty: nothing better than the reason.
    pub(crate) hint: String,
}

fn misfit(code: &'static str, field: &'static str, value: &str, reason: String, hint: &str) -> Misfit {
    Misfit { code, field, value: value.to_owned(), reason, hint: hint.to_owned() }
}

/// Checks that a row has the fields that its parameter takes, and no other.
pub(crate) fn fields(parameter: &Parameter, row: &Fields<'_>) -> Result<(), Misfit> {
    let item = if parameter.item == Item::None { Takes::Never } else { Takes::Required };
    for (field, takes, text) in [
        ("economy", parameter.economy, row.economy),
        ("partner", parameter.partner, row.partner),
        ("material", parameter.material, row.material),
        ("stage", parameter.stage, row.stage),
        ("item", item, row.item),
    ] {
        taken(parameter, field, takes, text)?;
    }
    self::item(parameter, row.item)?;
    apart(parameter, row)?;
    made(parameter, row.stage)
}

fn taken(parameter: &Parameter, field: &'static str, takes: Takes, text: &str) -> Result<(), Misfit> {
    match (takes, text) {
        (Takes::Required, "") => {
            let reason = format!("`{parameter}` needs {}", article(field));
            let hint = match field {
                "item" => meaning(parameter.item),
                _ => "without it the figure is about nothing",
            };
            Err(misfit("missing-field", field, text, reason, hint))
        }
        (Takes::Never, given) if !given.is_empty() => {
            let reason = format!("`{parameter}` has no {field}");
            Err(misfit("unexpected-field", field, given, reason, "leave the field empty"))
        }
        _ => Ok(()),
    }
}

fn article(field: &str) -> String {
    let article = if field.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {field}")
}

fn meaning(item: Item) -> &'static str {
    match item {
        Item::None => "leave the field empty",
        Item::Sector => "name the sector by its code, such as C24",
        Item::Supply => "one of GS+EU, GSonly, EUonly",
        Item::Product => "name the product by the six digits of its code",
        Item::Form => {
            "name the form in lower-case letters, digits and hyphens, such as ore-and-concentrates, or all"
        }
        Item::Print => "one of figure, above, below, net-exporter",
    }
}

fn item(parameter: &Parameter, text: &str) -> Result<(), Misfit> {
    let code = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let form = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fits = match parameter.item {
        Item::None => true,
        Item::Sector => text.len() <= LONGEST_SECTOR && text.bytes().all(code),
        Item::Supply => SUPPLIES.contains(&text),
        Item::Product => !matches!(concordance(HsRevision::Hs22, text), HsMatch::Malformed { .. }),
        Item::Form => text.len() <= LONGEST_FORM && text.bytes().all(form),
        Item::Print => PRINTS.contains(&text),
    };
    if fits {
        return Ok(());
    }
    let reason = format!("this cannot be an item of `{parameter}`");
    Err(misfit("bad-item", "item", text, reason, meaning(parameter.item)))
}

/// A relation needs two sides; a supplier's share in its own supply, which has a material, is none.
fn apart(parameter: &Parameter, row: &Fields<'_>) -> Result<(), Misfit> {
    let relation = parameter.partner == Takes::Required && parameter.material == Takes::Never;
    if !relation || row.economy != row.partner {
        return Ok(());
    }
    let reason = "economy and partner are the same".to_owned();
    Err(misfit("self-partner", "partner", row.partner, reason, "leave such rows out"))
}

/// What is converted has a stage before it.
fn made(parameter: &Parameter, stage: &str) -> Result<(), Misfit> {
    if parameter.id != "conversion-yield" || stage != Stage::Mined.as_str() {
        return Ok(());
    }
    let reason = "nothing is converted into what is mined".to_owned();
    Err(misfit("unexpected-field", "stage", stage, reason, "the stage is the one that is made"))
}

/// Checks that a parameter may be about this economy, bloc or the world.
pub(crate) fn whom(parameter: &Parameter, whom: Consumer) -> Result<(), Misfit> {
    if parameter.blocs || matches!(whom, Consumer::Economy(_)) {
        return Ok(());
    }
    let reason = format!("`{}` is {}, and `{parameter}` is about one economy", whom.code(), whom.name());
    let hint = "give the figure of each economy";
    Err(misfit("aggregate-economy", "economy", whom.code(), reason, hint))
}

/// Checks that a figure lies in its parameter's range.
pub(crate) fn value(parameter: &Parameter, number: f64, text: &str) -> Result<(), Misfit> {
    if parameter.admits(number) {
        return Ok(());
    }
    let reason = format!("`{parameter}` is {}, in {}", parameter.range(), unit(parameter.unit));
    let fraction = parameter.unit == "share" && number > parameter.most && number <= 100.0;
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
