//! Writes the limits of every request as tables, so that services need no descriptors at run time.
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;

use protox::prost_reflect::{DescriptorPool, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor};

/// Limits of fields that state none; `limits.proto` documents them.
const MAX_BYTES: u32 = 1_024;
const MAX_ITEMS: u32 = 1_000;
const MAX_NUMBERS: u32 = 65_536;

/// Upper bound on the fields with limits of one message: their entries are counted on the stack.
const MAX_COUNTED: usize = 32;

/// The options that state limits.
struct Options {
    bytes: ExtensionDescriptor,
    items: ExtensionDescriptor,
    lines: ExtensionDescriptor,
    raw: ExtensionDescriptor,
}

impl Options {
    fn number(field: &FieldDescriptor, option: &ExtensionDescriptor) -> Option<u32> {
        let options = field.options();
        options.has_extension(option).then(|| options.get_extension(option).as_u32()).flatten()
    }

    fn is_set(field: &FieldDescriptor, option: &ExtensionDescriptor) -> bool {
        let options = field.options();
        options.has_extension(option) && options.get_extension(option).as_bool() == Some(true)
    }

    /// The characters that a text may have, as a variant of `Letters`.
    fn letters(&self, field: &FieldDescriptor) -> &'static str {
        if field.kind() == Kind::Bytes || Self::is_set(field, &self.raw) {
            "Letters::Any"
        } else if Self::is_set(field, &self.lines) {
            "Letters::Lines"
        } else {
            "Letters::Line"
        }
    }
}

/// Rust source of two tables: `MESSAGES`, every message that may be in a request, and `REQUESTS`, the names
/// of requests with their indices in it.
pub(crate) fn tables(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let extension = |name: &str| {
        let found = pool.get_extension_by_name(&format!("orewatch.common.v1.{name}"));
        found.ok_or_else(|| format!("there is no option {name}"))
    };
    let options = Options {
        bytes: extension("max_bytes")?,
        items: extension("max_items")?,
        lines: extension("lines")?,
        raw: extension("raw")?,
    };
    let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let requests: BTreeMap<_, _> =
        methods.map(|method| (method.input().full_name().to_owned(), method.input())).collect();
    let mut messages = Vec::new();
    requests.values().for_each(|request| add_reachable(request, &mut messages));

    let place =
        |name: &str| messages.iter().position(|message| message.full_name() == name).unwrap_or_default();
    let mut text = String::from("pub(crate) static MESSAGES: &[Message] = &[\n");
    for message in &messages {
        write_message(&mut text, message, &options, &place)?;
    }
    text.push_str("];\n\npub(crate) static REQUESTS: &[(&str, usize)] = &[\n");
    for name in requests.keys() {
        writeln!(text, "    ({name:?}, {}),", place(name))?;
    }
    text.push_str("];\n");
    Ok(text)
}

/// Adds a message and the messages of its fields.
fn add_reachable(message: &MessageDescriptor, found: &mut Vec<MessageDescriptor>) {
    if found.contains(message) {
        return;
    }
    found.push(message.clone());
    for field in message.fields() {
        if let Kind::Message(part) = field.kind() {
            add_reachable(&part, found);
        }
    }
}

fn write_message(
    text: &mut String,
    message: &MessageDescriptor,
    options: &Options,
    place: &impl Fn(&str) -> usize,
) -> Result<(), Box<dyn Error>> {
    writeln!(text, "    // {}", message.full_name())?;
    text.push_str("    &[\n");
    let mut counted = 0;
    for field in message.fields() {
        let kind = match field.kind() {
            Kind::String | Kind::Bytes => {
                let bytes = Options::number(&field, &options.bytes).unwrap_or(MAX_BYTES);
                format!("Kind::Text({bytes}, {})", options.letters(&field))
            }
            Kind::Message(part) => format!("Kind::Part({})", place(part.full_name())),
            _ if !field.is_list() => continue,
            Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => "Kind::Numbers(8)".to_owned(),
            Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => "Kind::Numbers(4)".to_owned(),
            _ => "Kind::Numbers(0)".to_owned(),
        };
        let usual = if kind.starts_with("Kind::Numbers") { MAX_NUMBERS } else { MAX_ITEMS };
        let many = field.is_list() || field.is_map();
        let max = if many { Options::number(&field, &options.items).unwrap_or(usual) } else { 1 };
        writeln!(
            text,
            "        Field {{ number: {}, name: {:?}, kind: {kind}, max: {max}, many: {many} }},",
            field.number(),
            field.name()
        )?;
        counted += 1;
    }
    if counted > MAX_COUNTED {
        return Err(format!("{} has more than {MAX_COUNTED} fields with limits", message.full_name()).into());
    }
    text.push_str("    ],\n");
    Ok(())
}
