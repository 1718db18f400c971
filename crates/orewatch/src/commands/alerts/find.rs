//! Alerts as arguments name them: by identifier, by the short identifier of the list, or by rule and subject.
use orewatch_contracts::alerting::v1::{Alert, AlertFilter, AlertState};
use orewatch_contracts::{Class, Failure};

use super::query;
use crate::names;
use crate::session::Client;
use crate::view::short_id;

/// Fewest characters of a short identifier.
const MIN_SHORT: usize = 4;
/// Maximum number of identifiers that a hint lists.
const MAX_LISTED: usize = 10;

/// A rule, and the subjects that an argument names. Empty texts match everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) rule: String,
    pub(super) consumer: String,
    pub(super) material: String,
    pub(super) stage: String,
    pub(super) supplier: String,
}

impl Wanted {
    /// Reads `RULE/CONSUMER/MATERIAL/STAGE/SUPPLIER` or the same as separate words. The later ones may be
    /// missing.
    ///
    /// # Errors
    /// A name that is in no table, or too many words.
    pub(super) fn parse(words: &[String]) -> Result<Self, Failure> {
        let mut parts = words.iter().flat_map(|word| word.split('/'));
        let mut next = || parts.next().unwrap_or_default().trim();
        let [rule, consumer, material, stage, supplier] = [next(), next(), next(), next(), next()];
        if parts.next().is_some() {
            return Err(Failure::new(Class::Invalid, "unknown-alert", "an alert has five parts at most")
                .at("alert", words.join(" "))
                .with_hint("write RULE CONSUMER MATERIAL STAGE SUPPLIER; quote names with blanks"));
        }
        let code = |text: &str, resolve: fn(&str) -> Result<String, Failure>| {
            if text.is_empty() { Ok(String::new()) } else { resolve(text) }
        };
        Ok(Self {
            rule: rule.to_owned(),
            consumer: code(consumer, names::consumer)?,
            material: code(material, names::material)?,
            stage: code(stage, names::stage)?,
            supplier: code(supplier, names::supplier)?,
        })
    }

    /// The alerts, in every state.
    fn filter(&self) -> AlertFilter {
        let list = |text: &String| (!text.is_empty()).then(|| text.clone()).into_iter().collect();
        AlertFilter {
            rules: list(&self.rule),
            consumers: list(&self.consumer),
            materials: list(&self.material),
            stages: list(&self.stage),
            suppliers: list(&self.supplier),
            ..every_state()
        }
    }
}

/// Every alert, also those that are resolved or have never fired.
fn every_state() -> AlertFilter {
    let states = [AlertState::Pending, AlertState::Firing, AlertState::Resolved, AlertState::Inactive];
    AlertFilter { states: states.map(i32::from).to_vec(), ..AlertFilter::default() }
}

/// What the arguments name.
pub(super) enum Found {
    /// The identifier of one alert.
    Alert(String),
    /// A subject for which there is no alert.
    NoAlert(Wanted),
}

/// Finds the alert that the arguments name.
///
/// # Errors
/// Several alerts that they could mean, or an unknown name.
pub(super) async fn find(client: &Client, words: &[String]) -> Result<Found, Failure> {
    if let [id] = words
        && is_short(id)
    {
        let all = query(client, every_state()).await?;
        let like: Vec<_> = all.iter().filter(|alert| short_id(&alert.id).starts_with(id.as_str())).collect();
        if !like.is_empty() {
            return one_of(id, like.into_iter()).map(Found::Alert);
        }
    }
    let wanted = Wanted::parse(words)?;
    let alerts = query(client, wanted.filter()).await?;
    // A measure without a supplier has an empty part at the end of the identifier.
    let exact = words.join("/");
    if alerts.iter().any(|alert| alert.id == exact) {
        return Ok(Found::Alert(exact));
    }
    match alerts.is_empty() {
        true => Ok(Found::NoAlert(wanted)),
        false => one_of(&words.join(" "), alerts.iter()).map(Found::Alert),
    }
}

/// Finds the identifier of an alert that must exist.
///
/// # Errors
/// Those of [`find`]. For no alert, the text is returned as it is: the service says what is wrong.
pub(crate) async fn find_existing(client: &Client, text: &str) -> Result<String, Failure> {
    if !is_short(text) {
        return Ok(text.to_owned());
    }
    match find(client, &[text.to_owned()]).await? {
        Found::Alert(id) => Ok(id),
        Found::NoAlert(_) => Ok(text.to_owned()),
    }
}

/// Whether a text can be a short identifier.
fn is_short(text: &str) -> bool {
    text.len() >= MIN_SHORT && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The identifier of the only alert.
fn one_of<'a>(text: &str, alerts: impl Iterator<Item = &'a Alert>) -> Result<String, Failure> {
    let ids: Vec<&str> = alerts.map(|alert| alert.id.as_str()).collect();
    if let [only] = ids.as_slice() {
        return Ok((*only).to_owned());
    }
    let listed = ids.iter().take(MAX_LISTED).copied().collect::<Vec<_>>().join(", ");
    let more = if ids.len() > MAX_LISTED { " and more" } else { "" };
    let message = format!("{} alerts match", ids.len());
    Err(Failure::new(Class::Invalid, "ambiguous-alert", message)
        .at("alert", text)
        .with_hint(format!("name one of {listed}{more}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(text: &str) -> Result<Wanted, Failure> {
        let words: Vec<String> = text.split('|').map(str::to_owned).collect();
        Wanted::parse(&words)
    }

    #[test]
    fn a_subject_is_written_with_slashes_or_as_words() {
        let whole = wanted("china/G7/rare-earths/refined/CHN").unwrap();
        assert_eq!(wanted("china|g7|rare earths|refining|China").unwrap(), whole);
        assert_eq!(whole.supplier, "CHN");
        let part = wanted("china|Japan").unwrap();
        assert_eq!((&*part.rule, &*part.consumer, &*part.material), ("china", "JPN", ""));
        assert_eq!(part.filter().consumers, ["JPN"]);
        assert!(part.filter().materials.is_empty());
        assert_eq!(wanted("china|Jpan").unwrap_err().field, "consumer");
        assert_eq!(wanted("a/G7/cobalt/mined/CHN/x").unwrap_err().code, "unknown-alert");
    }

    #[test]
    fn a_short_identifier_is_a_number_of_hexadecimal_digits() {
        assert!(is_short("3f9a2c1") && is_short("0000"));
        assert!(!is_short("3f9") && !is_short("china") && !is_short("3F9A"));
    }
}
