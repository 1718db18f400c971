//! Generates random messages of a type that is known only by its descriptor.
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

use super::words::Words;
use crate::random::Random;

/// How deep messages are nested: deeper ones are empty, so that recursive types end.
const MAX_DEPTH: u32 = 6;

/// Generates a message with some of its fields set. `depth` is 0 for the request itself.
pub(super) fn random_message(
    random: &mut Random,
    message_type: &MessageDescriptor,
    words: &Words,
    depth: u32,
) -> DynamicMessage {
    let mut message = DynamicMessage::new(message_type.clone());
    if depth >= MAX_DEPTH {
        return message;
    }
    // Some messages are nearly empty, as most calls are, some nearly full.
    let odds = random.below(4) + 1;
    for field in message_type.fields() {
        if random.below(5) < odds {
            message.set_field(&field, random_value(random, &field, words, depth));
        }
    }
    message
}

fn random_value(random: &mut Random, field: &FieldDescriptor, words: &Words, depth: u32) -> Value {
    if let Kind::Message(entry) = field.kind()
        && entry.is_map_entry()
    {
        let (key, held) =
            (words.pick(random), random_item(random, &entry.map_entry_value_field(), words, depth));
        return Value::Map([(MapKey::String(key), held)].into());
    }
    if !field.is_list() {
        return random_item(random, field, words, depth);
    }
    let length = if random.below(60) == 0 { 300 } else { random.below(4) };
    Value::List((0..length).map(|_| random_item(random, field, words, depth)).collect())
}

/// Generates one value of a field: of a list, one of its items.
fn random_item(random: &mut Random, field: &FieldDescriptor, words: &Words, depth: u32) -> Value {
    match field.kind() {
        Kind::Message(inner) => Value::Message(random_message(random, &inner, words, depth + 1)),
        Kind::Enum(kind) => {
            let count = kind.values().len().try_into().unwrap_or(1);
            let known = i32::try_from(random.below(count)).unwrap_or_default();
            // One in ten is a number without a meaning, as a later version may send.
            Value::EnumNumber(if random.below(10) == 0 { 4_711 } else { known })
        }
        Kind::String => Value::String(words.pick_for_field(random, field.name())),
        Kind::Bytes => Value::Bytes(words.pick(random).into_bytes().into()),
        Kind::Bool => Value::Bool(random.below(2) == 0),
        Kind::Double => Value::F64(random_float(random)),
        #[allow(clippy::cast_possible_truncation, reason = "any number will do")]
        Kind::Float => Value::F32(random_float(random) as f32),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            Value::I32(i32::try_from(random_integer(random)).unwrap_or(i32::MIN))
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(random_integer(random)),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(u32::try_from(random_integer(random)).unwrap_or(u32::MAX)),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(u64::try_from(random_integer(random)).unwrap_or(u64::MAX)),
    }
}

fn random_float(random: &mut Random) -> f64 {
    let odd = [0.0, -0.0, 1.0, 0.65, 1e308, -1.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE];
    if random.below(2) == 0 { random.unit() * 100.0 } else { random.pick(&odd).copied().unwrap_or_default() }
}

fn random_integer(random: &mut Random) -> i64 {
    let odd = [0, 1, 2, 7, 100, 1_000, -1, 253_402_300_800, i64::MAX, i64::MIN, 1 << 31, 1_780_000_000];
    random.pick(&odd).copied().unwrap_or_default()
}
