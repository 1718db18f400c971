//! What a set of contracts promises, and its text: one line a message, field, enum value or method.
use std::collections::BTreeMap;
use std::fmt;

use prost_reflect::{
    Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
};

/// A field: its name, how it may occur, and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// `singular`, `optional`, `repeated`, `map` or `oneof NAME`.
    pub(crate) label: String,
    pub(crate) kind: String,
}

/// Everything that readers of stored events and clients of the services rely on. Keys are full names and
/// numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) messages: BTreeMap<String, BTreeMap<u32, Field>>,
    pub(crate) enums: BTreeMap<String, BTreeMap<i32, String>>,
    pub(crate) services: BTreeMap<String, BTreeMap<String, String>>,
}

impl Shape {
    /// The shape of compiled contracts. Google's own types are not ours to keep.
    pub(crate) fn new(pool: &DescriptorPool) -> Self {
        let ours = |name: &str| name.starts_with("orewatch.");
        Self {
            messages: pool
                .all_messages()
                .filter(|message| ours(message.full_name()) && !message.is_map_entry())
                .map(|message| (message.full_name().to_owned(), fields(&message)))
                .collect(),
            enums: pool
                .all_enums()
                .filter(|found| ours(found.full_name()))
                .map(|found| (found.full_name().to_owned(), values(&found)))
                .collect(),
            services: pool
                .services()
                .filter(|service| ours(service.full_name()))
                .map(|service| {
                    let methods =
                        service.methods().map(|method| (method.name().to_owned(), signature(&method)));
                    (service.full_name().to_owned(), methods.collect())
                })
                .collect(),
        }
    }

    /// Reads what [`Display`](fmt::Display) wrote; the error is the line that makes no sense.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut shape = Self::default();
        let mut inside = String::new();
        for line in text.lines() {
            let read = match line.split_once(' ') {
                Some(("message", name)) => shape.messages.insert(name.to_owned(), BTreeMap::new()).is_none(),
                Some(("enum", name)) => shape.enums.insert(name.to_owned(), BTreeMap::new()).is_none(),
                Some(("service", name)) => shape.services.insert(name.to_owned(), BTreeMap::new()).is_none(),
                _ => shape.parse_member(&inside, line.trim()).is_some(),
            };
            if !read {
                return Err(line.to_owned());
            }
            if !line.starts_with(' ') {
                inside = line.split_once(' ').unwrap_or_default().1.to_owned();
            }
        }
        Ok(shape)
    }

    fn parse_member(&mut self, inside: &str, line: &str) -> Option<()> {
        if let Some(methods) = self.services.get_mut(inside) {
            let (name, signature) = line.strip_prefix("rpc ")?.split_once(": ")?;
            methods.insert(name.to_owned(), signature.to_owned());
        } else if let Some(values) = self.enums.get_mut(inside) {
            let (number, name) = line.split_once(' ')?;
            values.insert(number.parse().ok()?, name.to_owned());
        } else {
            let (front, kind) = line.split_once(": ")?;
            let mut words = front.splitn(3, ' ');
            let number = words.next()?.parse().ok()?;
            let (name, label) = (words.next()?.to_owned(), words.next()?.to_owned());
            self.messages.get_mut(inside)?.insert(number, Field { name, label, kind: kind.to_owned() });
        }
        Some(())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, fields) in &self.messages {
            writeln!(f, "message {name}")?;
            for (number, Field { name, label, kind }) in fields {
                writeln!(f, "  {number} {name} {label}: {kind}")?;
            }
        }
        for (name, values) in &self.enums {
            writeln!(f, "enum {name}")?;
            for (number, name) in values {
                writeln!(f, "  {number} {name}")?;
            }
        }
        for (name, methods) in &self.services {
            writeln!(f, "service {name}")?;
            for (name, signature) in methods {
                writeln!(f, "  rpc {name}: {signature}")?;
            }
        }
        Ok(())
    }
}

fn fields(message: &MessageDescriptor) -> BTreeMap<u32, Field> {
    message
        .fields()
        .map(|field| {
            let (name, label, kind) = (field.name().to_owned(), label(&field), kind(&field.kind()));
            (field.number(), Field { name, label, kind })
        })
        .collect()
}

fn label(field: &FieldDescriptor) -> String {
    match field.containing_oneof() {
        Some(oneof) if !oneof.is_synthetic() => return format!("oneof {}", oneof.name()),
        Some(_) => return "optional".to_owned(),
        None => {}
    }
    let label = match field.cardinality() {
        _ if field.is_map() => "map",
        Cardinality::Repeated => "repeated",
        Cardinality::Optional | Cardinality::Required => "singular",
    };
    label.to_owned()
}

fn kind(found: &Kind) -> String {
    match found {
        Kind::Message(entry) if entry.is_map_entry() => {
            format!(
                "{} to {}",
                kind(&entry.map_entry_key_field().kind()),
                kind(&entry.map_entry_value_field().kind())
            )
        }
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(found) => found.full_name().to_owned(),
        scalar => format!("{scalar:?}"),
    }
}

fn values(found: &EnumDescriptor) -> BTreeMap<i32, String> {
    found.values().map(|value| (value.number(), value.name().to_owned())).collect()
}

fn signature(method: &MethodDescriptor) -> String {
    let stream = |streams: bool| if streams { "stream " } else { "" };
    format!(
        "{}{} to {}{}",
        stream(method.is_client_streaming()),
        method.input().full_name(),
        stream(method.is_server_streaming()),
        method.output().full_name()
    )
}
