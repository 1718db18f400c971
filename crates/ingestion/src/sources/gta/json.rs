//! Interventions as the interface gives them.
use orewatch_catalog::HsRevision;
use serde_json::{Map, Value};

use super::super::input::Content;
use super::super::json::{Item, read, text, written};
use super::super::out::{Halt, Out};
use super::super::{Head, Limits, Reader};
use super::record::{Intervention, Interventions, Jurisdiction};

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
    let jurisdictions = |name: &str| list(name).iter().map(jurisdiction).collect();
    let is_targeted = named("inferred_jurisdictions").eq_ignore_ascii_case("targeted");
    Intervention {
        id: named("intervention_id"),
        kind: named("intervention_type"),
        chapter: named("mast_chapter"),
        evaluation: named("gta_evaluation"),
        implementers: jurisdictions("implementing_jurisdictions"),
        targeted: if is_targeted { jurisdictions("affected_jurisdictions") } else { Vec::new() },
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

fn jurisdiction(value: &Value) -> Jurisdiction {
    match value {
        Value::Object(object) => {
            let [iso, id, name] = ["iso", "id", "name"].map(|member| text(object.get(member)));
            Jurisdiction { iso, id, name }
        }
        Value::Number(_) => Jurisdiction { id: text(Some(value)), ..Jurisdiction::default() },
        other => Jurisdiction { name: text(Some(other)), ..Jurisdiction::default() },
    }
}

/// The code of a product: a number, or an object that has it beside the levels.
fn product(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let members = ["product_id", "hs_code", "code", "id"];
            text(members.iter().find_map(|member| object.get(*member)))
        }
        other => text(Some(other)),
    }
}

/// A day without its time.
pub(super) fn day(text: &str) -> String {
    text.split(['T', ' ']).next().unwrap_or_default().to_owned()
}
