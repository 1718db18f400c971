//! What a subscriber in another language builds on, made from the contracts: `contracts/` holds an AsyncAPI
//! document, a JSON Schema and a sample of every event. Comments of the contracts become their descriptions.
//!
//! After a change of the contracts write them anew with `UPDATE_SNAPSHOT=1 cargo test -p orewatch-contracts
//! --test artefacts`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]
mod asyncapi;
mod channels;
mod pool;
mod sample;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::{env, fs};

use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::Value;

use channels::CHANNELS;

/// How to write them anew.
const REFRESH: &str =
    "write it anew with `UPDATE_SNAPSHOT=1 cargo test -p orewatch-contracts --test artefacts` and commit it";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts")
}

/// The schema of what webhooks are sent, which is no protobuf.
fn webhook() -> Value {
    let path = folder().join("schemas/orewatch.webhook.schema.json");
    let text = fs::read_to_string(&path).expect("the schema of webhooks is in the repository");
    serde_json::from_str(&text).expect("the schema of webhooks is JSON")
}

/// Every artefact by its path below `contracts/`.
fn artefacts() -> BTreeMap<String, Value> {
    let events = pool::events();
    let mut all = BTreeMap::from([("asyncapi.json".to_owned(), asyncapi::document(&events, &webhook()))]);
    for event in &events {
        let name = event.full_name();
        all.insert(format!("schemas/{name}.schema.json"), schema::document(event));
        all.insert(format!("samples/{name}.json"), sample::json(event));
    }
    all
}

/// As it is written: fields by name, whatever the order in which they were put together.
fn text(value: &Value) -> String {
    let text = serde_json::to_string_pretty(&sorted(value)).expect("JSON can be written");
    text + "\n"
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> =
                fields.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// Files that are there below `contracts/`, but for those that are not made here.
fn found() -> BTreeSet<String> {
    let below = |folder_name: &str| {
        let entries = fs::read_dir(folder().join(folder_name)).into_iter().flatten();
        let names = entries.map(|entry| entry.expect("the folder can be read").file_name());
        names.map(|name| format!("{folder_name}/{}", name.to_string_lossy())).collect::<Vec<_>>()
    };
    let all = [below("schemas"), below("samples")].concat();
    all.into_iter().filter(|name| !name.contains("orewatch.webhook.")).collect()
}

#[test]
fn the_committed_artefacts_are_up_to_date() {
    let artefacts = artefacts();
    if env::var_os("UPDATE_SNAPSHOT").is_some() {
        for name in found().iter().filter(|name| !artefacts.contains_key(*name)) {
            fs::remove_file(folder().join(name)).expect("a file can be removed");
        }
        for (name, value) in &artefacts {
            let path = folder().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
            fs::write(path, text(value)).expect("a file can be written");
        }
        return;
    }
    for (name, value) in &artefacts {
        let committed = fs::read_to_string(folder().join(name)).unwrap_or_default();
        assert!(committed == text(value), "contracts/{name} is not what proto/ says: {REFRESH}");
    }
    let strays: Vec<_> = found().into_iter().filter(|name| !artefacts.contains_key(name)).collect();
    assert!(strays.is_empty(), "no event has these: {strays:?}; {REFRESH}");
}

#[test]
fn a_message_of_a_log_is_an_event_or_a_part_of_one() {
    let missing = "mark an event with `option (orewatch.common.v1.event) = true;`, and nothing else";
    let names = |messages: Vec<MessageDescriptor>| -> Vec<String> {
        messages.iter().map(|message| message.full_name().to_owned()).collect()
    };
    assert_eq!(names(pool::events()), names(pool::whole_messages()), "{missing}");
}

#[test]
fn every_event_is_on_one_channel() {
    let events: BTreeSet<String> = pool::events().iter().map(|event| event.full_name().to_owned()).collect();
    let placed: Vec<String> = CHANNELS.iter().flat_map(channels::Channel::messages).collect();
    let once: BTreeSet<String> = placed.iter().cloned().collect();
    assert_eq!(placed.len(), once.len(), "an event is on two channels");
    assert_eq!(once, events, "name each event's channel in channels.rs");
    assert!(events.len() > 30, "{events:?}");
}

#[test]
fn every_sample_is_valid_and_survives_encoding() {
    for event in pool::events() {
        let name = event.full_name().to_owned();
        let sample = sample::json(&event);
        let schema = schema::document(&event);
        let validator =
            jsonschema::draft202012::new(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        let errors: Vec<_> = validator.iter_errors(&sample).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");

        let message = read(&event, &sample);
        let decoded =
            DynamicMessage::decode(event.clone(), message.encode_to_vec().as_slice()).expect("it decodes");
        assert_eq!(decoded, message, "{name}");
        assert_eq!(serde_json::to_value(&decoded).expect("it is JSON"), sample, "{name}");
    }
}

#[test]
fn a_schema_refuses_other_documents() {
    let fired =
        pool::events().into_iter().find(|event| event.name() == "AlertFired").expect("it is an event");
    let schema = schema::document(&fired);
    let validator = jsonschema::draft202012::new(&schema).expect("the schema is one");
    let sample = sample::json(&fired);
    for (pointer, wrong) in [
        ("/alert", Value::from("text")),
        ("/alert/line", Value::from("high")),
        ("/alert/state", Value::from("ALERT_STATE_SOMEWHERE")),
        ("/alert/ruleRevision", Value::from(-1)),
        ("/alert/cause/position", Value::from(12)),
        ("/alert/releases", Value::from("one")),
    ] {
        let mut broken = sample.clone();
        *broken.pointer_mut(pointer).unwrap_or_else(|| panic!("the sample has {pointer}")) = wrong;
        assert!(!validator.is_valid(&broken), "{pointer}");
    }
    // What a later version adds is no error.
    let mut later = sample;
    later["alert"]["ofALaterVersion"] = Value::from(1);
    assert!(validator.is_valid(&later));
}

#[test]
fn the_sample_of_a_webhook_matches_its_schema() {
    let path = folder().join("samples/orewatch.webhook.json");
    let sample: Value =
        serde_json::from_str(&fs::read_to_string(path).expect("the sample is in the repository"))
            .expect("JSON");
    let validator = jsonschema::draft202012::new(&webhook()).expect("the schema is one");
    let errors: Vec<_> = validator.iter_errors(&sample).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let mut broken = sample;
    broken["id"] = Value::from(7);
    assert!(!validator.is_valid(&broken));
}

fn read(event: &MessageDescriptor, json: &Value) -> DynamicMessage {
    DynamicMessage::deserialize(event.clone(), json)
        .unwrap_or_else(|error| panic!("{}: {error}", event.full_name()))
}
