//! The JSON of the API: an array of records, or an envelope with one.
use orewatch_catalog::HsRevision;
use serde_json::{Map, Value};

use super::super::input::Content;
use super::super::json::{Item, read, record_text, text};
use super::super::sink::{Halt, RowSink};
use super::super::{Head, Limits, Reader};
use super::record::{Affected, Intervention, Interventions, Jurisdiction};

/// Whether a file is a response of the API.
pub(super) fn is_response(head: &Head) -> bool {
    let beginning = head.text();
    let beginning = beginning.trim_start_matches('\u{feff}').trim_start();
    beginning.starts_with(['[', '{'])
        && beginning.contains("\"intervention_id\"")
        && ["\"gta_evaluation\"", "\"intervention_type\""].iter().any(|name| beginning.contains(name))
}

/// Reads a response.
pub(super) struct Response {
    pub(super) file: String,
    pub(super) limits: Limits,
    pub(super) revision: HsRevision,
}

impl Reader for Response {
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt> {
        let mut interventions = Interventions::new(self.revision);
        read(&self.file, content, self.limits, &mut |item| match item {
            Item::Record(number, record) => {
                interventions.take(&intervention(record), number, &record_text(record), out)
            }
            Item::Envelope(..) => Ok(()),
        })
    }
}

fn intervention(record: &Map<String, Value>) -> Intervention {
    let named = |name: &str| label(record.get(name));
    let list = |name: &str| record.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_targeted = is_targeted(record);
    Intervention {
        id: named("intervention_id"),
        kind: named("intervention_type"),
        chapter: named("mast_chapter"),
        evaluation: named("gta_evaluation"),
        flow: flow(record),
        implementers: jurisdictions(record, "implementing_jurisdictions").unwrap_or_default(),
        targeted: jurisdictions(record, "affected_jurisdictions").filter(|_| is_targeted).unwrap_or_default(),
        products: list("affected_products").iter().map(product).collect(),
        implemented: day(&named("date_implemented")),
        removed: day(&named("date_removed")),
    }
}

/// The text of a value that is a text, a number, or an object with a name.
fn label(value: Option<&Value>) -> String {
    match value {
        Some(Value::Object(object)) => text(object.get("name").or_else(|| object.get("id"))),
        other => text(other),
    }
}

/// Whether the affected jurisdictions are those that the intervention is aimed at.
fn is_targeted(object: &Map<String, Value>) -> bool {
    label(object.get("inferred_jurisdictions")).eq_ignore_ascii_case("targeted")
}

/// The direction of trade that is affected; several are separated by commas.
fn flow(object: &Map<String, Value>) -> String {
    let found = ["affected_flow", "affected_flows"].iter().find_map(|name| object.get(*name));
    match found {
        Some(Value::Array(flows)) => {
            flows.iter().map(|flow| label(Some(flow))).collect::<Vec<_>>().join(", ")
        }
        other => label(other),
    }
}

/// The jurisdictions of a list. None: the member is no list.
fn jurisdictions(object: &Map<String, Value>, name: &str) -> Option<Vec<Jurisdiction>> {
    Some(object.get(name)?.as_array()?.iter().map(jurisdiction).collect())
}

/// A jurisdiction: a name, a number, or an object with code, number and name.
pub(super) fn jurisdiction(value: &Value) -> Jurisdiction {
    match value {
        Value::Object(object) => {
            let [iso, id, name] = ["iso", "id", "name"].map(|member| text(object.get(member)));
            Jurisdiction { iso, id, name }
        }
        Value::Number(_) => Jurisdiction { id: text(Some(value)), ..Jurisdiction::default() },
        other => Jurisdiction { name: text(Some(other)), ..Jurisdiction::default() },
    }
}

/// A product: a number, or an object with its number and what is said of this product alone.
pub(super) fn product(value: &Value) -> Affected {
    let Value::Object(object) = value else {
        return Affected { code: text(Some(value)), ..Affected::default() };
    };
    let own = |name: &str| Some(label(object.get(name))).filter(|text| !text.is_empty());
    let members = ["product_id", "hs_code", "code", "id"];
    Affected {
        code: text(members.iter().find_map(|member| object.get(*member))),
        implemented: own("date_implemented").map(|text| day(&text)),
        removed: own("date_removed").map(|text| day(&text)),
        evaluation: own("gta_evaluation"),
        flow: Some(flow(object)).filter(|flow| !flow.is_empty()),
        implementers: jurisdictions(object, "implementing_jurisdictions").filter(|list| !list.is_empty()),
        targeted: jurisdictions(object, "affected_jurisdictions").filter(|_| is_targeted(object)),
    }
}

/// The day of a date with or without a time.
pub(super) fn day(text: &str) -> String {
    text.split(['T', ' ']).next().unwrap_or_default().to_owned()
}
