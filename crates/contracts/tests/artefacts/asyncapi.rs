//! The AsyncAPI document: what Orewatch sends, and where.
use prost_reflect::MessageDescriptor;
use serde_json::{Map, Value, json};

use crate::channels::{CHANNELS, Channel, parameter, parameters};
use crate::pool::comment;
use crate::sample;
use crate::schema::{Schemas, collect};

const SCHEMAS: &str = "#/components/schemas/";
const WEBHOOK: &str = "orewatch.webhook";

const ABOUT: &str = "What Orewatch tells other programs: every fact of its three logs as a CloudEvent on \
    NATS JetStream, and messages about alerts by webhook. On NATS the payload is the protobuf message that \
    `ce-type` names; the schemas show the same message by protobuf's JSON mapping, in which fields that have \
    their default are left out. Contracts only grow: pass over fields, values and kinds of events that you \
    do not know. An event is delivered at least once under a stable `ce-id`: act once on each.";

/// The document, for events and the schema of webhooks.
pub(crate) fn document(events: &[MessageDescriptor], webhook: &Value) -> Value {
    let mut schemas = Schemas::new();
    events.iter().for_each(|event| collect(event, SCHEMAS, &mut schemas));
    schemas.insert("CloudEvent".to_owned(), headers());
    schemas.extend(webhook_schemas(webhook));
    let mut messages: Map<String, Value> =
        events.iter().map(|event| (event.full_name().to_owned(), message(event))).collect();
    messages.insert(WEBHOOK.to_owned(), webhook_message());
    let mut channels: Map<String, Value> =
        places().map(|(name, address, channel)| (name, channel_document(channel, &address))).collect();
    channels.insert("webhook".to_owned(), webhook_channel());
    let mut operations: Map<String, Value> =
        places().map(|(name, _, channel)| (format!("send-{name}"), operation(&name, channel.says))).collect();
    let says = "Posts a message to a receiver of kind webhook, again until it is taken.";
    operations.insert("send-webhook".to_owned(), operation("webhook", says));
    json!({
        "asyncapi": "3.0.0",
        "id": "urn:orewatch",
        "info": {
            "title": "Orewatch",
            "version": "1",
            "description": ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/protobuf",
        "servers": {
            "nats": {
                "host": "localhost:4222",
                "protocol": "nats",
                "description": "The NATS server of the deployment, 2.12 or later with JetStream.",
            },
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas.into_iter().collect::<Map<_, _>>()},
    })
}

/// Names and subjects of all channels: of everyone's things, and of tenants'.
fn places() -> impl Iterator<Item = (String, String, &'static Channel)> {
    let own = |channel: &'static Channel| {
        let name = format!("tenant-{}", channel.name);
        channel.tenant_address().map(|address| (name, address, channel))
    };
    CHANNELS.iter().flat_map(move |channel| {
        let everyones = (channel.name.to_owned(), channel.address.to_owned(), channel);
        std::iter::once(everyones).chain(own(channel))
    })
}

fn channel_document(channel: &Channel, address: &str) -> Value {
    let parameters: Map<String, Value> =
        parameters(address).map(|name| (name.to_owned(), json!({"description": parameter(name)}))).collect();
    let messages: Map<String, Value> = channel.messages().into_iter().map(reference).collect();
    json!({
        "address": address,
        "description": format!("{} On stream `{}`.", channel.says, channel.stream()),
        "servers": [{"$ref": "#/servers/nats"}],
        "parameters": parameters,
        "messages": messages,
    })
}

fn reference(name: String) -> (String, Value) {
    let reference = json!({"$ref": format!("#/components/messages/{name}")});
    (name, reference)
}

fn operation(channel: &str, says: &str) -> Value {
    json!({"action": "send", "channel": {"$ref": format!("#/channels/{channel}")}, "summary": says})
}

fn message(event: &MessageDescriptor) -> Value {
    let name = event.full_name();
    json!({
        "name": name,
        "title": event.name(),
        "summary": comment(&event.parent_file(), event.path()),
        "contentType": "application/protobuf",
        "headers": {
            "allOf": [{"$ref": format!("{SCHEMAS}CloudEvent")}],
            "type": "object",
            "properties": {"ce-type": {"type": "string", "const": name}},
        },
        "payload": {"$ref": format!("{SCHEMAS}{name}")},
        "examples": [{"name": event.name(), "payload": sample::json(event)}],
    })
}

/// The headers of a CloudEvent in binary mode.
fn headers() -> Value {
    let text = |says: &str| json!({"type": "string", "description": says});
    let formatted =
        |format: &str, says: &str| json!({"type": "string", "format": format, "description": says});
    json!({
        "title": "CloudEvent",
        "description": "Attributes of a CloudEvent 1.0 in binary mode. Values are percent-encoded: space, \
                        `\"`, `%` and whatever is not printable ASCII.",
        "type": "object",
        "required": [
            "Nats-Msg-Id", "ce-id", "ce-specversion", "ce-source", "ce-subject", "ce-type", "ce-time",
            "ce-datacontenttype",
        ],
        "properties": {
            "Nats-Msg-Id": text("The same as `ce-id`: JetStream stores it once."),
            "ce-id": formatted("uuid", "Identifier, the same in every delivery."),
            "ce-specversion": json!({"type": "string", "const": "1.0"}),
            "ce-source": json!({
                "type": "string",
                "enum": ["/orewatch/observations", "/orewatch/exposures", "/orewatch/alerts"],
                "description": "The log.",
            }),
            "ce-subject": text(
                "Name of the event's stream in the log; the NATS subject is `orewatch.` and this."
            ),
            "ce-type": text("Full name of the protobuf message in the payload."),
            "ce-time": formatted("date-time", "When it was recorded, UTC."),
            "ce-datacontenttype": json!({"type": "string", "const": "application/protobuf"}),
            "content-type": json!({"type": "string", "const": "application/protobuf"}),
            "traceparent": text("W3C trace context of what caused it, where there is one."),
        },
    })
}

fn webhook_channel() -> Value {
    let (name, reference) = reference(WEBHOOK.to_owned());
    json!({
        "address": null,
        "description": "The address that a receiver of kind webhook names, by POST. Signed by the Standard \
                        Webhooks specification.",
        "messages": {name: reference},
    })
}

fn webhook_message() -> Value {
    json!({
        "name": WEBHOOK,
        "title": "Notification",
        "summary": "A message about alerts, as a CloudEvent in structured mode.",
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
            "properties": {
                "webhook-id": {
                    "type": "string",
                    "format": "uuid",
                    "description": "Identifier of the message: the same at every attempt and in every \
                                    replay. Act once on each.",
                },
                "webhook-timestamp": {
                    "type": "string",
                    "pattern": "^[0-9]+$",
                    "description": "Time of the attempt, seconds since 1970. Refuse what is older or newer \
                                    than 5 minutes.",
                },
                "webhook-signature": {
                    "type": "string",
                    "description": "Signatures over `ID.TIMESTAMP.BODY`, separated by spaces: `v1,` and \
                                    base64 of HMAC-SHA256, `v1a,` and base64 of Ed25519. One that verifies is \
                                    enough.",
                },
            },
        },
        "payload": {"$ref": format!("{SCHEMAS}{WEBHOOK}")},
    })
}

/// The parts of the webhook's schema among those of the document.
fn webhook_schemas(webhook: &Value) -> Schemas {
    let mut body = moved(webhook);
    let parts = body.as_object_mut().map(|body| {
        body.remove("$schema");
        body.remove("$id");
        body.remove("$defs")
    });
    let parts = parts.flatten().and_then(|parts| parts.as_object().cloned()).unwrap_or_default();
    let named = parts.into_iter().map(|(name, part)| (format!("{WEBHOOK}.{name}"), part));
    named.chain([(WEBHOOK.to_owned(), body)]).collect()
}

/// The same, with references to where its parts are in the document.
fn moved(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| match value.as_str().filter(|_| name == "$ref") {
                Some(target) => {
                    (name.clone(), json!(target.replace("#/$defs/", &format!("{SCHEMAS}{WEBHOOK}."))))
                }
                None => (name.clone(), moved(value)),
            };
            Value::Object(fields.iter().map(field).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(moved).collect()),
        other => other.clone(),
    }
}
