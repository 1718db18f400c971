//! Messages of the contracts by their descriptors: requests from named values, and answers as JSON.
use std::collections::HashMap;

use bytes::Bytes;
use orewatch_contracts::{Class, DESCRIPTORS, Failure};
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, MethodDescriptor,
    SerializeOptions, Value,
};

use crate::services::Method;

/// All contracts.
#[derive(Clone, Debug)]
pub(crate) struct Contracts(DescriptorPool);

impl Contracts {
    /// Reads the descriptors of the contracts.
    ///
    /// # Errors
    /// None but a defect.
    pub(crate) fn read() -> Result<Self, Failure> {
        DescriptorPool::decode(DESCRIPTORS).map(Self).map_err(|error| broken(&error))
    }

    fn method(&self, method: Method) -> Result<MethodDescriptor, Failure> {
        let unknown = || Failure::internal(format!("the contracts have no method {}", method.path));
        let (service, name) = method.path.trim_start_matches('/').split_once('/').ok_or_else(unknown)?;
        let service = self.0.get_service_by_name(service).ok_or_else(unknown)?;
        service.methods().find(|method| method.name() == name).ok_or_else(unknown)
    }

    /// An empty request of a method.
    pub(crate) fn request(&self, method: Method) -> Result<DynamicMessage, Failure> {
        Ok(DynamicMessage::new(self.method(method)?.input()))
    }

    /// A request of a method from JSON, by protobuf's mapping.
    ///
    /// # Errors
    /// [`Class::Invalid`] for any other text, with the place.
    pub(crate) fn request_from_json(&self, method: Method, text: &[u8]) -> Result<DynamicMessage, Failure> {
        let kind = self.method(method)?.input();
        let fields: Vec<String> = kind.fields().map(|field| field.json_name().to_owned()).collect();
        let mut reader = serde_json::Deserializer::from_slice(text);
        let read = DynamicMessage::deserialize(kind, &mut reader).and_then(|message| {
            reader.end()?;
            Ok(message)
        });
        read.map_err(|error| {
            Failure::new(Class::Invalid, "undecodable", format!("the body is not the request: {error}"))
                .with_hint(format!("write a JSON object with some of {}", fields.join(", ")))
        })
    }

    /// The answer of a method as JSON, by protobuf's mapping. Fields without a value are there with their
    /// default, unless their absence means something.
    pub(crate) fn answer(&self, method: Method, bytes: &[u8]) -> Result<serde_json::Value, Failure> {
        to_json(self.method(method)?.output(), bytes)
    }

    /// A message as a value of a field that has its type.
    pub(crate) fn value(&self, name: &str, bytes: Vec<u8>) -> Result<Value, Failure> {
        let kind = self.0.get_message_by_name(name);
        let kind = kind.ok_or_else(|| Failure::internal(format!("the contracts have no message {name}")))?;
        let message = DynamicMessage::decode(kind, Bytes::from(bytes)).map_err(|error| broken(&error))?;
        Ok(Value::Message(message))
    }
}

fn to_json(kind: MessageDescriptor, bytes: &[u8]) -> Result<serde_json::Value, Failure> {
    let message = DynamicMessage::decode(kind, bytes).map_err(|error| broken(&error))?;
    let options = SerializeOptions::new().skip_default_fields(false);
    let json = message.serialize_with_options(serde_json::value::Serializer, &options);
    json.map_err(|error| broken(&error))
}

fn broken(error: &dyn std::error::Error) -> Failure {
    Failure::internal(format!("a message of the contracts: {error}"))
}

/// The encoded message.
pub(crate) fn encoded(message: &DynamicMessage) -> Bytes {
    Bytes::from(message.encode_to_vec())
}

/// Sets a field of a message, or of a message within it: `filter.consumers`.
///
/// # Errors
/// None but a defect: a path that the message does not have, or a value of another type.
pub(crate) fn set(message: &mut DynamicMessage, path: &str, value: Value) -> Result<(), Failure> {
    let unknown = || Failure::internal(format!("there is no field {path}"));
    match path.split_once('.') {
        None => {
            message.try_set_field_by_name(path, value).map_err(|error| Failure::internal(error.to_string()))
        }
        Some((first, rest)) => {
            let inner = message.get_field_by_name_mut(first).and_then(Value::as_message_mut);
            set(inner.ok_or_else(unknown)?, rest, value)
        }
    }
}

/// The field at a path of a message. `None`: there is none.
pub(crate) fn field(message: &MessageDescriptor, path: &str) -> Option<FieldDescriptor> {
    match path.split_once('.') {
        None => message.get_field_by_name(path),
        Some((first, rest)) => match message.get_field_by_name(first)?.kind() {
            Kind::Message(inner) => field(&inner, rest),
            _ => None,
        },
    }
}

/// The values of an enumeration as words, with their numbers: `ALERT_STATE_FIRING` is `firing`.
pub(crate) fn words(field: &FieldDescriptor) -> Vec<(String, i32)> {
    let Kind::Enum(kind) = field.kind() else { return Vec::new() };
    let unspecified = kind.default_value().name().to_owned();
    let prefix = unspecified.strip_suffix("UNSPECIFIED").unwrap_or_default().to_owned();
    let named = kind.values().filter(|value| value.name() != unspecified);
    named.map(|value| (word(value.name(), &prefix), value.number())).collect()
}

fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase().replace('_', "-")
}

/// A list of texts.
pub(crate) fn texts(texts: impl IntoIterator<Item = String>) -> Value {
    Value::List(texts.into_iter().map(Value::String).collect())
}

/// Texts by their names.
pub(crate) fn text_map(pairs: impl IntoIterator<Item = (String, String)>) -> Value {
    let entries = pairs.into_iter().map(|(key, value)| (MapKey::String(key), Value::String(value)));
    Value::Map(entries.collect::<HashMap<_, _>>())
}
