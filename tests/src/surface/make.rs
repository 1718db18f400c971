//! Messages of a given shape, filled with whatever fits it.
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

use super::Words;
use crate::random::Random;

/// How deep messages stand in each other.
const DEEPEST: u32 = 6;

/// A message with some of its fields set.
pub(super) fn message(
    random: &mut Random,
    of: &MessageDescriptor,
    words: &Words,
    depth: u32,
) -> DynamicMessage {
    let mut made = DynamicMessage::new(of.clone());
    if depth >= DEEPEST {
        return made;
    }
    // Some messages are nearly empty, as most calls are, some nearly full.
    let odds = random.below(4) + 1;
    for field in of.fields() {
        if random.below(5) < odds {
            made.set_field(&field, value(random, &field, words, depth));
        }
    }
    made
}

fn value(random: &mut Random, field: &FieldDescriptor, words: &Words, depth: u32) -> Value {
    if let Kind::Message(entry) = field.kind()
        && entry.is_map_entry()
    {
        let (key, held) = (words.pick(random), one(random, &entry.map_entry_value_field(), words, depth));
        return Value::Map([(MapKey::String(key), held)].into());
    }
    if !field.is_list() {
        return one(random, field, words, depth);
    }
    let length = if random.below(60) == 0 { 300 } else { random.below(4) };
    Value::List((0..length).map(|_| one(random, field, words, depth)).collect())
}

fn one(random: &mut Random, field: &FieldDescriptor, words: &Words, depth: u32) -> Value {
    match field.kind() {
        Kind::Message(of) => Value::Message(message(random, &of, words, depth + 1)),
        Kind::Enum(of) => {
            // One in ten is a number that a later version may give a meaning.
            let known =
                i32::try_from(random.below(of.values().len().try_into().unwrap_or(1))).unwrap_or_default();
            Value::EnumNumber(if random.below(10) == 0 { 4_711 } else { known })
        }
        Kind::String => Value::String(words.fitting(random, field.name())),
        Kind::Bytes => Value::Bytes(words.pick(random).into_bytes().into()),
        Kind::Bool => Value::Bool(random.below(2) == 0),
        Kind::Double => Value::F64(figure(random)),
        #[allow(clippy::cast_possible_truncation, reason = "any number will do")]
        Kind::Float => Value::F32(figure(random) as f32),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            Value::I32(i32::try_from(whole(random)).unwrap_or(i32::MIN))
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(whole(random)),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(u32::try_from(whole(random)).unwrap_or(u32::MAX)),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(u64::try_from(whole(random)).unwrap_or(u64::MAX)),
    }
}

fn figure(random: &mut Random) -> f64 {
    let odd = [0.0, -0.0, 1.0, 0.65, 1e308, -1.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE];
    if random.below(2) == 0 { random.unit() * 100.0 } else { random.pick(&odd).copied().unwrap_or_default() }
}

fn whole(random: &mut Random) -> i64 {
    let odd = [0, 1, 2, 7, 100, 1_000, -1, 253_402_300_800, i64::MAX, i64::MIN, 1 << 31, 1_780_000_000];
    random.pick(&odd).copied().unwrap_or_default()
}
