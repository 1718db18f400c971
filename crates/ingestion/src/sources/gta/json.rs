//! Interventions as the interface gives them.
use orewatch_catalog::HsRevision;
use serde_json::{Map, Value};

use super::super::input::Content;
use super::super::json::{Item, read, text, written};
use super::super::out::{Halt, Out};
use super::super::{Head, Limits, Reader};
use super::record::{Affected, Intervention, Interventions, Jurisdiction};

/// Whether a file is an answer of the interface.
pub(super) fn is_answer(head: &Head) -> bool {
    let beginning = head.text();
    let beginning = beginning.trim_start_matches('\u{feff}').trim_start();
    beginning.starts_with(['[', '{'])
        && beginning.contains("\"intervention_id\"")
        && ["\"gta_evaluation\"", "\"intervention_type\""].iter().any(|name| beginning.contains(name))
}

/// Reads an answer.
pub(super) struct Answer {
    pub(super) file: String,
    pub(super) limits: Limits,
    pub(super) revision: HsRevision,
}

impl Reader for Answer {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        let mut interventions = Interventions::new(self.revision);
        read(&self.file, content, self.limits, &mut |item| match item {
            Item::Record(number, record) => {
                interventions.take(&intervention(record), number, &written(record), out)
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

/// A value that is a text, a number, or an object with a name.
fn label(value: Option<&Value>) -> String {
    match value {
        Some(Value::Object(object)) => text(object.get("name").or_else(|| object.get("id"))),
        other => text(other),
    }
}

/// Whether those whom it affects are those whom it is meant for.
fn is_targeted(object: &Map<String, Value>) -> bool {
    label(object.get("inferred_jurisdictions")).eq_ignore_ascii_case("targeted")
}

/// The direction of trade that it affects.
fn flow(object: &Map<String, Value>) -> String {
    let found = ["affected_flow", "affected_flows"].iter().find_map(|name| object.get(*name));
    match found {
        Some(Value::Array(flows)) => {
            flows.iter().map(|flow| label(Some(flow))).collect::<Vec<_>>().join(", ")
        }
        other => label(other),
    }
}

/// The jurisdictions of a list. None: there is no list.
fn jurisdictions(object: &Map<String, Value>, name: &str) -> Option<Vec<Jurisdiction>> {
    Some(object.get(name)?.as_array()?.iter().map(jurisdiction).collect())
}

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

/// A product: a number, or an object that has it beside the levels and what holds for it alone.
pub(super) fn product(value: &Value) -> Affected {
    let Value::Object(object) = value else {
        return Affected { code: text(Some(value)), ..Affected::default() };
    };
    let said = |name: &str| Some(label(object.get(name))).filter(|text| !text.is_empty());
    let members = ["product_id", "hs_code", "code", "id"];
    Affected {
        code: text(members.iter().find_map(|member| object.get(*member))),
        implemented: said("date_implemented").map(|text| day(&text)),
        removed: said("date_removed").map(|text| day(&text)),
        evaluation: said("gta_evaluation"),
        flow: Some(flow(object)).filter(|flow| !flow.is_empty()),
        implementers: jurisdictions(object, "implementing_jurisdictions").filter(|list| !list.is_empty()),
        targeted: jurisdictions(object, "affected_jurisdictions").filter(|_| is_targeted(object)),
    }
}

/// A day without its time.
pub(super) fn day(text: &str) -> String {
    text.split(['T', ' ']).next().unwrap_or_default().to_owned()
}
