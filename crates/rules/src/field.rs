//! The fields of an alert that matchers, groups and inhibitions may name.
use std::fmt;
use std::sync::Arc;

use orewatch_catalog::closest;
use orewatch_contracts::alerting::v1::Alert;
use orewatch_contracts::exposure::v1::Subject;
use orewatch_contracts::{Class, Failure};

use crate::tenant::tenant_of;

/// Prefix of the field of a label.
const LABEL: &str = "label.";

/// A field of an alert. A missing field has the empty value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Identifier of the rule.
    Rule,
    /// The consumer.
    Consumer,
    /// The material.
    Material,
    /// The stage.
    Stage,
    /// The supplier.
    Supplier,
    /// The severity.
    Severity,
    /// Owner of the rule.
    Owner,
    /// Pack of the rule.
    Pack,
    /// Tenant of the rule; empty if the rule belongs to everyone.
    Tenant,
    /// A label of the rule.
    Label(Arc<str>),
    /// Identifier of the alert.
    Alert,
}

/// Names of the fields; that of a label is `label.KEY`.
const NAMES: [(&str, Field); 10] = [
    ("rule", Field::Rule),
    ("consumer", Field::Consumer),
    ("material", Field::Material),
    ("stage", Field::Stage),
    ("supplier", Field::Supplier),
    ("severity", Field::Severity),
    ("owner", Field::Owner),
    ("pack", Field::Pack),
    ("tenant", Field::Tenant),
    ("alert", Field::Alert),
];

impl Field {
    /// Parses the name of a field. Errors name `at` as its location.
    ///
    /// # Errors
    /// [`Class::Invalid`] for an unknown field, with a suggestion.
    pub fn parse(name: &str, at: &str) -> Result<Self, Failure> {
        if let Some(key) = name.strip_prefix(LABEL).filter(|key| !key.is_empty()) {
            return Ok(Self::Label(key.into()));
        }
        if let Some((_, field)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Ok(field.clone());
        }
        let hint = closest(name, NAMES.iter().map(|(known, _)| *known)).map_or_else(
            || format!("use {} or label.KEY", NAMES.map(|(known, _)| known).join(", ")),
            |near| format!("did you mean {near}?"),
        );
        let message = format!("{name:?} is not a field of an alert");
        Err(Failure::new(Class::Invalid, "unknown-field", message).at(at, name).with_hint(hint))
    }

    /// Parses a list of names. Errors name an index of `at` as the location.
    ///
    /// # Errors
    /// As [`Field::parse`].
    pub fn parse_all(names: &[String], at: &str) -> Result<Vec<Self>, Failure> {
        names.iter().enumerate().map(|(k, name)| Self::parse(name, &format!("{at}[{k}]"))).collect()
    }

    /// Value of the field in an alert.
    #[must_use]
    pub fn value_of<'a>(&self, alert: &'a Alert) -> &'a str {
        let subject = |part: fn(&Subject) -> &String| {
            alert.subject.as_ref().map(part).map(String::as_str).unwrap_or_default()
        };
        match self {
            Self::Rule => &alert.rule,
            Self::Consumer => subject(|subject| &subject.consumer),
            Self::Material => subject(|subject| &subject.material),
            Self::Stage => subject(|subject| &subject.stage),
            Self::Supplier => subject(|subject| &subject.supplier),
            Self::Severity => &alert.severity,
            Self::Owner => &alert.owner,
            Self::Pack => &alert.pack,
            Self::Tenant => tenant_of(&alert.rule),
            Self::Label(key) => alert.labels.get(&**key).map(String::as_str).unwrap_or_default(),
            Self::Alert => &alert.id,
        }
    }

    /// Values of several fields of an alert as `KEY=VALUE`, joined by commas. Two alerts have the same key if
    /// and only if they have the same values.
    #[must_use]
    pub fn group_key(fields: &[Self], alert: &Alert) -> String {
        let mut key = String::new();
        for field in fields {
            if !key.is_empty() {
                key.push(',');
            }
            let value = field.value_of(alert).replace('%', "%25").replace(',', "%2C");
            key.push_str(&format!("{field}={value}"));
        }
        key
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(key) => write!(f, "{LABEL}{key}"),
            other => {
                let name = NAMES.iter().find(|(_, field)| field == other).map(|(name, _)| *name);
                f.write_str(name.unwrap_or_default())
            }
        }
    }
}
