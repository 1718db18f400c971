//! One sample of every event, filled from what its fields are called.
use prost_reflect::prost_types::Timestamp;
use prost_reflect::{Cardinality, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

/// Monday, 12 January 2026, 08:30 UTC.
const TIME: i64 = 1_768_206_600;

/// Texts of fields, by the end of their full names; the first that fits counts.
const TEXTS: &[(&str, &str)] = &[
    ("Alert.id", "g7-china-rare-earths/G7/rare-earths/refined/CHN"),
    ("AlertTold.event_id", "7f3ad1c2-5c83-5f0e-9d55-0c5c8f1f8a01"),
    ("Notification.id", "0b6b6c1e-6f0b-5d0b-8f52-5f7f0f6f2c11"),
    (".notification", "0b6b6c1e-6f0b-5d0b-8f52-5f7f0f6f2c11"),
    (".alert", "g7-china-rare-earths/G7/rare-earths/refined/CHN"),
    (".episode", "g7-china-rare-earths/G7/rare-earths/refined/CHN@2024"),
    ("Rule.id", "g7-china-rare-earths"),
    (".rule", "g7-china-rare-earths"),
    (".title", "G7: refined rare earths from China"),
    (".measure", "import-share/1"),
    (".measures", "import-share/1"),
    (".consumer", "G7"),
    (".consumers", "G7"),
    (".supplier", "CHN"),
    (".suppliers", "CHN"),
    (".except_suppliers", "RUS"),
    (".exporters", "CHN"),
    (".importers", "JPN"),
    (".economies", "CHN"),
    (".economy", "CHN"),
    (".names", "CHN"),
    (".material", "rare-earths"),
    (".materials", "rare-earths"),
    (".stage", "refined"),
    (".stages", "refined"),
    (".period", "2024"),
    (".periods", "2024"),
    (".pending_since", "2024"),
    (".fired_at", "2024"),
    (".fired_period", "2024"),
    (".resolved_at", "2025"),
    (".severity", "critical"),
    (".severities", "critical"),
    (".from", "22:00"),
    (".until", "06:00"),
    (".at", "07:30"),
    (".weekday", "monday"),
    (".weekdays", "saturday"),
    (".zone", "Europe/Brussels"),
    (".receiver", "supply-desk-hook"),
    (".subscription", "supply-desk"),
    (".group", "consumer=G7,severity=critical"),
    (".group_by", "consumer"),
    (".owner", "supply-desk"),
    (".actor", "maria"),
    (".author", "maria"),
    (".pack", "g7-china"),
    (".release", "baci-hs92/202601-5f0c2a"),
    (".releases", "baci-hs92/202601-5f0c2a"),
    (".dataset", "baci-hs92"),
    (".vintage", "202601"),
    (".publisher", "CEPII"),
    (".licence", "Etalab-2.0"),
    (".sha256", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    (".url", "https://hooks.example.org/orewatch"),
    (".server", "mail.example.org:587"),
    (".environment", "OREWATCH_WEBHOOK_KEY"),
    (".subject", "supply.alerts"),
];

/// Figures, in the same way.
const FIGURES: &[(&str, f64)] = &[
    (".clear", 0.6),
    (".above", 0.65),
    (".line", 0.65),
    (".margin", 0.0273),
    (".previous", 0.512),
    (".coverage", 1.0),
    (".low", 0.65),
    (".high", 0.7),
    ("SeverityBand.from", 0.65),
];

/// Values of enumerations, in the same way; otherwise the first that means something.
const WORDS: &[(&str, &str)] = &[
    ("Alert.state", "ALERT_STATE_FIRING"),
    ("AlertRestated.was", "ALERT_STATE_FIRING"),
    ("AlertRestated.is", "ALERT_STATE_RESOLVED"),
];

/// Fields that stand in the sample of one event only, or of all but one.
fn belongs(field: &FieldDescriptor, event: &str) -> bool {
    match field.full_name().rsplit("v1.").next().unwrap_or_default() {
        "Alert.stale" => event == "AlertStale",
        "Alert.resolved_at" => event == "AlertResolved",
        "Alert.fired_at" => event != "AlertPending",
        "Estimate.reason" | "Notification.drill" | "Notification.omitted" | "Notification.resolved" => false,
        _ => true,
    }
}

/// The sample of an event, in JSON.
pub(crate) fn json(event: &MessageDescriptor) -> serde_json::Value {
    let mut sample = serde_json::to_value(message(event, event.name(), 0)).expect("a message is JSON");
    let state = match event.name() {
        "AlertPending" => "ALERT_STATE_PENDING",
        "AlertResolved" => "ALERT_STATE_RESOLVED",
        _ => return sample,
    };
    sample["alert"]["state"] = state.into();
    sample
}

fn message(of: &MessageDescriptor, event: &str, depth: u32) -> DynamicMessage {
    if of.full_name() == "google.protobuf.Timestamp" {
        let mut time = DynamicMessage::new(of.clone());
        time.transcode_from(&Timestamp { seconds: TIME, nanos: 0 }).expect("it is a timestamp");
        return time;
    }
    let mut message = DynamicMessage::new(of.clone());
    if of.full_name() == "google.protobuf.Duration" {
        message.set_field_by_name("seconds", Value::I64(300));
        return message;
    }
    for field in of.fields() {
        let is_first = field
            .containing_oneof()
            .is_none_or(|oneof| oneof.is_synthetic() || oneof.fields().next().as_ref() == Some(&field));
        // Deep enough for all that there is; a message that holds itself ends here.
        if is_first && belongs(&field, event) && depth < 8 {
            message.set_field(&field, value(&field, event, depth));
        }
    }
    message
}

fn value(field: &FieldDescriptor, event: &str, depth: u32) -> Value {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => {
            let value = sample_value(&entry.map_entry_value_field(), event, depth);
            Value::Map([(MapKey::String("team".to_owned()), value)].into())
        }
        _ if field.cardinality() == Cardinality::Repeated => {
            Value::List(vec![sample_value(field, event, depth)])
        }
        _ => sample_value(field, event, depth),
    }
}

fn sample_value(field: &FieldDescriptor, event: &str, depth: u32) -> Value {
    // Columns name values of their dictionaries, which have one each.
    let is_index = field.is_list() && field.parent_message().name().ends_with("Columns");
    match field.kind() {
        Kind::Double => Value::F64(named(field, FIGURES).unwrap_or(0.6773)),
        Kind::Float => Value::F32(0.5),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(1),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(1),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(u32::from(!is_index)),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(42),
        Kind::Bool => Value::Bool(true),
        Kind::String => {
            let text = named(field, TEXTS).map(str::to_owned);
            Value::String(text.unwrap_or_else(|| field.name().replace('_', "-")))
        }
        Kind::Bytes => Value::Bytes(b"orewatch".to_vec().into()),
        Kind::Enum(of) => {
            let word = named(field, WORDS).and_then(|word| of.get_value_by_name(word));
            let first = || of.values().filter(|value| value.number() > 0).min_by_key(|value| value.number());
            Value::EnumNumber(word.or_else(first).map_or(0, |value| value.number()))
        }
        Kind::Message(of) => Value::Message(message(&of, event, depth + 1)),
    }
}

fn named<T: Copy>(field: &FieldDescriptor, table: &[(&str, T)]) -> Option<T> {
    table.iter().find(|(end, _)| field.full_name().ends_with(end)).map(|(_, value)| *value)
}
