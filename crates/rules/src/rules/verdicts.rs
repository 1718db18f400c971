//! Verdicts on claims, as conditions name them.
use orewatch_contracts::alerting::v1::ClaimCondition;
use orewatch_contracts::alerting::v1::condition::Kind;
use orewatch_contracts::exposure::v1::ClaimVerdict;
use orewatch_contracts::{Class, Failure};
use schemars::JsonSchema;
use serde::Deserialize;

use super::failure::invalid;
use crate::condition::{verdict_of, verdict_words};

/// One verdict, or several of which one is enough.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a verdict such as `contradicted`, or a list of verdicts")]
pub(super) enum Verdicts {
    /// One verdict.
    One(#[schemars(with = "Verdict")] String),
    /// A list of verdicts.
    List(#[schemars(with = "Vec<Verdict>")] Vec<String>),
}

// Rules are read with texts in its place, so that errors can suggest what was meant.
/// Verdict on a claim.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is used")]
enum Verdict {
    /// The figures agree.
    Agrees,
    /// Only figures of another basis, period, vintage or scenario agree.
    AgreesOnlyWith,
    /// No figures agree.
    Contradicted,
    /// There are no figures, or they do not decide.
    CannotBeChecked,
}

impl Verdicts {
    /// Converts to the stored form. Errors name `field` as the location.
    pub(super) fn into_kind(self, field: &str) -> Result<Kind, Failure> {
        let verdicts = match self {
            Self::One(word) => vec![known_verdict(&word, field)?],
            Self::List(words) => {
                let numbered = words.iter().enumerate();
                let known = numbered.map(|(k, word)| known_verdict(word, &format!("{field}[{k}]")));
                known.collect::<Result<_, _>>()?
            }
        };
        Ok(Kind::Claim(ClaimCondition { verdicts: verdicts.into_iter().map(i32::from).collect() }))
    }
}

/// The verdict with a word.
///
/// # Errors
/// [`Class::Invalid`] for another word, with a suggestion.
pub(super) fn known_verdict(word: &str, field: &str) -> Result<ClaimVerdict, Failure> {
    verdict_of(word).ok_or_else(|| {
        let hint = match orewatch_catalog::closest(word, verdict_words()) {
            Some(near) => format!("did you mean {near}?"),
            None => all_words(),
        };
        invalid("unknown-verdict", format!("{word:?} is not a verdict on a claim"), field, word)
            .with_hint(hint)
    })
}

fn all_words() -> String {
    format!("use {}", verdict_words().collect::<Vec<_>>().join(", "))
}

/// The verdicts of a stored condition, each once, in their order.
///
/// # Errors
/// [`Class::Invalid`] if there is none, or one that this version does not know.
pub(super) fn known_verdicts(claim: &ClaimCondition, field: &str) -> Result<Vec<ClaimVerdict>, Failure> {
    let known = |number: &i32| match ClaimVerdict::try_from(*number) {
        Ok(ClaimVerdict::Unspecified) | Err(_) => {
            let message = format!("{number} is not a verdict on a claim");
            Err(Failure::new(Class::Invalid, "unknown-verdict", message)
                .at(field, number.to_string())
                .with_hint(all_words()))
        }
        Ok(verdict) => Ok(verdict),
    };
    let mut verdicts = claim.verdicts.iter().map(known).collect::<Result<Vec<_>, _>>()?;
    verdicts.sort_unstable();
    verdicts.dedup();
    if verdicts.is_empty() {
        let missing = invalid("missing-field", "the condition names no verdict", field, "");
        return Err(missing.with_hint(all_words()));
    }
    Ok(verdicts)
}
