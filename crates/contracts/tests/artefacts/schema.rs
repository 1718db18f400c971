//! JSON Schemas of messages, by the JSON mapping of protobuf. What a later version adds is no error.
use std::collections::BTreeMap;

use prost_reflect::{Cardinality, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor};
use serde_json::{Map, Value, json};

use crate::pool::comment;

/// Schemas by the full names of what they are of.
pub(crate) type Schemas = BTreeMap<String, Value>;

/// The schema of an event, whole in itself.
pub(crate) fn document(event: &MessageDescriptor) -> Value {
    let mut parts = Schemas::new();
    collect(event, "#/$defs/", &mut parts);
    let mut schema = parts.remove(event.full_name()).expect("it was collected");
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["$id"] = json!(format!("urn:orewatch:schema:{}", event.full_name()));
    if !parts.is_empty() {
        schema["$defs"] = Value::Object(parts.into_iter().collect());
    }
    schema
}

/// Adds the schemas of a message and of all that it is made of; they name each other with `prefix`.
pub(crate) fn collect(message: &MessageDescriptor, prefix: &str, schemas: &mut Schemas) {
    if schemas.contains_key(message.full_name()) {
        return;
    }
    // There before its parts are looked at: one of them may hold the message again.
    schemas.insert(message.full_name().to_owned(), Value::Null);
    let fields: Map<String, Value> = message
        .fields()
        .map(|field| (field.json_name().to_owned(), field_schema(&field, prefix, schemas)))
        .collect();
    let mut schema = json!({
        "title": message.name(),
        "description": comment(&message.parent_file(), message.path()),
        "type": "object",
        "properties": fields,
    });
    let choices: Vec<Value> =
        message.oneofs().filter(|oneof| !oneof.is_synthetic()).map(|oneof| at_most_one(&oneof)).collect();
    if !choices.is_empty() {
        schema["allOf"] = Value::Array(choices);
    }
    schemas.insert(message.full_name().to_owned(), schema);
}

/// At most one of the fields is there.
fn at_most_one(oneof: &OneofDescriptor) -> Value {
    let required: Vec<Value> = oneof.fields().map(|field| json!({"required": [field.json_name()]})).collect();
    let mut choices = required.clone();
    choices.push(json!({"not": {"anyOf": required}}));
    json!({"description": comment(&oneof.parent_message().parent_file(), oneof.path()), "oneOf": choices})
}

fn field_schema(field: &FieldDescriptor, prefix: &str, schemas: &mut Schemas) -> Value {
    let mut schema = if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
        let value = entry.map_entry_value_field();
        json!({"type": "object", "additionalProperties": kind_schema(&value.kind(), prefix, schemas)})
    } else if field.cardinality() == Cardinality::Repeated {
        json!({"type": "array", "items": kind_schema(&field.kind(), prefix, schemas)})
    } else {
        kind_schema(&field.kind(), prefix, schemas)
    };
    let description = comment(&field.parent_message().parent_file(), field.path());
    // Beside a reference a description would be lost on many readers.
    if schema.get("$ref").is_some() {
        schema = json!({"allOf": [schema]});
    }
    schema["description"] = json!(description);
    schema
}

fn kind_schema(kind: &Kind, prefix: &str, schemas: &mut Schemas) -> Value {
    match kind {
        Kind::Double | Kind::Float => {
            json!({"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]})
        }
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            json!({"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX})
        }
        Kind::Uint32 | Kind::Fixed32 => json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            json!({"type": "string", "pattern": "^-?[0-9]{1,19}$"})
        }
        Kind::Uint64 | Kind::Fixed64 => json!({"type": "string", "pattern": "^[0-9]{1,20}$"}),
        Kind::Bool => json!({"type": "boolean"}),
        Kind::String => json!({"type": "string"}),
        Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
        Kind::Enum(of) => {
            schemas.entry(of.full_name().to_owned()).or_insert_with(|| enum_schema(of));
            json!({"$ref": format!("{prefix}{}", of.full_name())})
        }
        Kind::Message(of) => match of.full_name() {
            "google.protobuf.Timestamp" => json!({"type": "string", "format": "date-time"}),
            "google.protobuf.Duration" => json!({"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,9})?s$"}),
            name => {
                let reference = json!({"$ref": format!("{prefix}{name}")});
                collect(of, prefix, schemas);
                reference
            }
        },
    }
}

fn enum_schema(of: &EnumDescriptor) -> Value {
    let value = |value: prost_reflect::EnumValueDescriptor| {
        let description = comment(&of.parent_file(), value.path());
        json!({"const": value.name(), "description": description})
    };
    json!({
        "title": of.name(),
        "description": comment(&of.parent_file(), of.path()),
        "oneOf": of.values().map(value).collect::<Vec<_>>(),
    })
}
