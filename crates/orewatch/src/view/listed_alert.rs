//! Rows of the list of alerts: each alert with how it is handled.
use orewatch_contracts::alerting::v1::{Alert, AlertHold};
use orewatch_contracts::market::size_text;
use orewatch_rules::wording;
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::acknowledgement_summary;
use super::alert_text::{
    known_value, margin_text, short_id, since_text, state_text, subject_summary, threshold_text,
};
use crate::render::Align::{Left, Right};
use crate::render::{Column, Row, fields, object, only_shown, proxy_mark};
use crate::words::minute_text;

/// An alert with how it is handled.
#[derive(Debug)]
pub(crate) struct ListedAlert<'a> {
    pub(crate) alert: &'a Alert,
    /// Its acknowledgement, silence and inhibition, if there is any.
    pub(crate) hold: Option<&'a AlertHold>,
}

impl ListedAlert<'_> {
    fn state(&self) -> String {
        if self.alert.stale { "stale".to_owned() } else { state_text(self.alert) }
    }

    /// The supplier, or the suppliers that the measure names.
    fn supplier(&self) -> String {
        let supplier = self.alert.subject.as_ref().map_or("", |subject| subject.supplier.as_str());
        match (supplier, self.alert.names.len()) {
            ("", 0 | 1) => wording::largest(self.alert),
            ("", _) => self.alert.names.join(", "),
            _ => supplier.to_owned(),
        }
    }

    /// What the condition found and how the alert is handled, in a few words: `67.7 % by quantity (above
    /// 60 %), 50.7 % by value (not above 60 %), acknowledged by ann, silenced until 2026-12-01 00:00`.
    fn notes(&self) -> String {
        let found = Some(self.alert.finding.clone()).filter(|found| !found.is_empty());
        found.into_iter().chain(self.handling()).collect::<Vec<_>>().join(", ")
    }

    fn handling(&self) -> Option<String> {
        let hold = self.hold?;
        let acknowledged = hold.acknowledgement.as_ref().map(acknowledgement_summary);
        let silenced =
            hold.silenced_until.map(|until| format!("silenced until {}", minute_text(Some(until))));
        let inhibition = Some(&hold.inhibition).filter(|inhibition| !inhibition.is_empty());
        let inhibited = inhibition.map(|inhibition| format!("inhibited by {inhibition}"));
        let handling: Vec<_> = [acknowledged, silenced, inhibited].into_iter().flatten().collect();
        (!handling.is_empty()).then(|| handling.join(", "))
    }
}

/// The columns for people. Programs get those of the alert: see [`Serialize`] below.
impl Row for ListedAlert<'_> {
    fn columns() -> Vec<Column<Self>> {
        let subject = |row: &Self| row.alert.subject.clone().unwrap_or_default();
        vec![
            only_shown("id", Left, |row: &Self| short_id(&row.alert.id)),
            only_shown("state", Left, Self::state),
            only_shown("severity", Left, |row: &Self| row.alert.severity.clone()),
            only_shown("subject", Left, |row: &Self| subject_summary(row.alert)).on_narrow_pages(),
            only_shown("consumer", Left, move |row: &Self| subject(row).consumer).on_wide_pages(),
            only_shown("material", Left, move |row: &Self| subject(row).material).on_wide_pages(),
            only_shown("stage", Left, move |row: &Self| subject(row).stage).on_wide_pages(),
            only_shown("supplier", Left, Self::supplier).on_wide_pages(),
            only_shown("period", Left, |row: &Self| row.alert.period.clone()),
            only_shown("value", Right, |row: &Self| {
                let value = known_value(row.alert);
                value.map_or_else(
                    || "no data".to_owned(),
                    |value| format!("{value}{}", proxy_mark(&row.alert.products)),
                )
            }),
            only_shown("market", Right, |row: &Self| size_text(row.alert.size.as_ref()))
                .unless_empty()
                .if_room(4),
            only_shown("threshold", Right, |row: &Self| threshold_text(row.alert)),
            only_shown("margin", Right, |row: &Self| margin_text(row.alert)).if_room(3),
            only_shown("since", Left, |row: &Self| since_text(row.alert)).if_room(2),
            only_shown("notes", Left, Self::notes).unless_empty(),
        ]
    }
}

/// The columns of the alert, and how it is handled as an object.
impl Serialize for ListedAlert<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, cell) in fields(self.alert) {
            map.serialize_entry(name, &cell)?;
        }
        map.serialize_entry("held", &self.hold.map(object))?;
        map.end()
    }
}
