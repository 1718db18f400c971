//! The OpenAPI document, made from the table of listings and from the contracts, whose comments become its
//! descriptions. The console serves the committed one.
//!
//! After a change of either write it anew with `UPDATE_SNAPSHOT=1 cargo test --workspace --test openapi`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]
#[allow(dead_code, reason = "the tests of the contracts use the rest")]
#[path = "../../contracts/tests/artefacts/pool.rs"]
mod pool;
#[allow(dead_code, reason = "the tests of the contracts use the rest")]
#[path = "../../contracts/tests/artefacts/schema.rs"]
mod schema;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::{env, fs};

use orewatch_console::Method;
use orewatch_console::contract::{CHANGES, Change, FileBody, Form, Knowledge, LISTINGS, Listing, Parameter};
use orewatch_console::fixed::{FIXED, FixedListing, own_headings};
use orewatch_query::files::{ColumnKind, FileFormat, Heading};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use serde_json::{Map, Value, json};

use pool::{comment, pool};
use schema::{Schemas, collect};

const SCHEMAS: &str = "#/components/schemas/";
const API: &str = "/api/v1";

const ABOUT: &str = "Data by URL: everything that Orewatch lists, as JSON by protobuf's mapping of the \
    contracts, or as a file. Figures name the point of knowledge that they rest on, and can be asked for \
    again at it for ever. Fields that a later version adds are no error: pass over what you do not know.";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts/openapi.json")
}

fn descriptor(method: Method) -> MethodDescriptor {
    let (service, name) = method.path.trim_start_matches('/').split_once('/').expect("a method");
    let service = pool().get_service_by_name(service).expect("a service of the contracts");
    service.methods().find(|method| method.name() == name).expect("a method of the service")
}

fn field(message: &MessageDescriptor, path: &str) -> FieldDescriptor {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let found =
        message.get_field_by_name(first).unwrap_or_else(|| panic!("{} has no {path}", message.name()));
    match (found.kind(), rest) {
        (_, "") => found,
        (Kind::Message(inner), rest) => field(&inner, rest),
        _ => panic!("{path} is in no message"),
    }
}

/// The words of an enumeration.
fn words(field: &FieldDescriptor) -> Vec<String> {
    let Kind::Enum(kind) = field.kind() else { panic!("{} has no words", field.full_name()) };
    let unspecified = kind.default_value().name().to_owned();
    let prefix = unspecified.strip_suffix("UNSPECIFIED").expect("the first value is unspecified");
    let named = kind.values().filter(|value| value.name() != unspecified);
    named
        .map(|value| value.name().strip_prefix(prefix).expect("a prefix").to_lowercase().replace('_', "-"))
        .collect()
}

fn parameter_schema(parameter: &Parameter, field: &FieldDescriptor) -> Value {
    let text = json!({"type": "string"});
    let one = match parameter.form {
        Form::Word | Form::Words => json!({"type": "string", "enum": words(field)}),
        Form::Flag => json!({"type": "boolean"}),
        Form::Number | Form::Numbers => json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}),
        _ => text,
    };
    if parameter.form.is_list() || parameter.form == Form::Labels {
        json!({"type": "array", "items": one})
    } else {
        one
    }
}

fn parameter(parameter: &Parameter, request: &MessageDescriptor) -> Value {
    let field = field(request, parameter.field);
    let mut document = json!({
        "name": parameter.name,
        "in": "query",
        "description": comment(&field.parent_message().parent_file(), field.path()),
        "schema": parameter_schema(parameter, &field),
    });
    if parameter.form.is_list() {
        document["style"] = json!("form");
        document["explode"] = json!(false);
    }
    document
}

fn reference(kind: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}

fn parameters(listing: &Listing, request: &MessageDescriptor, is_file: bool) -> Vec<Value> {
    let own = listing.parameters.iter().map(|one| parameter(one, request));
    let paged = if listing.is_paged { ["page-size", "page-token"].as_slice() } else { &[] };
    let licence = if listing.name == "rows" { ["own-use"].as_slice() } else { &[] };
    let file = if is_file { ["format", "fields", "excel"].as_slice() } else { &[] };
    let shared = paged.iter().chain(licence).chain(file);
    own.chain(shared.map(|name| reference("parameters", name))).collect()
}

/// The answers that every operation can give beside its own.
fn responses(answer: Value) -> Value {
    json!({
        "200": answer,
        "304": reference("responses", "NotModified"),
        "default": reference("responses", "Problem"),
    })
}

fn headers(knowledge: Knowledge) -> Value {
    let names = ["ETag", "Link", "Orewatch-Stale"].into_iter();
    let names = names.chain((knowledge == Knowledge::AsAt).then_some("Orewatch-As-At"));
    names.map(|name| (name.to_owned(), reference("headers", name))).collect::<Map<_, _>>().into()
}

fn file_answer(headers: Value, has_citation: bool) -> Value {
    let binary = |format: FileFormat| (format.media_type().to_owned(), json!({}));
    let mut content: Map<String, Value> = FileFormat::ALL.into_iter().map(binary).collect();
    if has_citation {
        content.insert("text/markdown; charset=utf-8".to_owned(), json!({"schema": {"type": "string"}}));
    }
    json!({
        "description": "The rows: one header line where there is one, and the same columns in every format.",
        "headers": headers,
        "content": content,
    })
}

/// Rows by their columns.
fn rows(headings: &[Heading]) -> Value {
    let column = |heading: &Heading| {
        let kind = match heading.kind {
            ColumnKind::Text => json!({"type": ["string", "array", "object", "null"]}),
            ColumnKind::Number => json!({"type": ["number", "null"]}),
            ColumnKind::Count => json!({"type": ["integer", "null"]}),
            ColumnKind::Flag => json!({"type": "boolean"}),
        };
        (heading.name.to_owned(), kind)
    };
    let columns: Map<String, Value> = headings.iter().map(column).collect();
    json!({"type": "array", "items": {"type": "object", "properties": columns}})
}

fn json_schema(listing: &Listing, method: &MethodDescriptor, schemas: &mut Schemas) -> Value {
    let own = json!({
        "type": "object",
        "required": ["permalink"],
        "properties": {
            "permalink": {"type": "string", "description": "Address at which the same is answered again."},
            "asAt": {"type": "string", "description": "Point of knowledge that the figures rest on."},
        },
    });
    let headings = own_headings(listing.name);
    if !headings.is_empty() {
        let rows = json!({"type": "object", "properties": {(listing.items): rows(headings)}});
        return json!({"allOf": [rows, own]});
    }
    collect(&method.output(), SCHEMAS, schemas);
    json!({"allOf": [{"$ref": format!("{SCHEMAS}{}", method.output().full_name())}, own]})
}

fn add_listing(listing: &Listing, paths: &mut Map<String, Value>, schemas: &mut Schemas) {
    let method = descriptor(listing.method);
    let request = method.input();
    let description = comment(&method.parent_file(), method.path());
    let headers = headers(listing.knowledge);
    let answer = json!({
        "description": listing.about,
        "headers": headers,
        "content": {"application/json": {"schema": json_schema(listing, &method, schemas)}},
    });
    add(
        paths,
        format!("{API}/{}", listing.name),
        "get",
        json!({
            "operationId": format!("list-{}", listing.name),
            "summary": listing.about,
            "description": description,
            "tags": ["listings"],
            "parameters": parameters(listing, &request, false),
            "responses": responses(answer),
        }),
    );
    add(
        paths,
        format!("{API}/{}.{{format}}", listing.name),
        "get",
        json!({
            "operationId": format!("file-of-{}", listing.name),
            "summary": format!("{} As a file.", listing.about),
            "tags": ["files"],
            "parameters": parameters(listing, &request, true),
            "responses": responses(file_answer(headers, listing.name != "episodes")),
        }),
    );
}

fn add_fixed(listing: &FixedListing, paths: &mut Map<String, Value>) {
    let headings = own_headings(listing.name);
    let rows = if headings.is_empty() { json!({"type": "array"}) } else { rows(headings) };
    let schema =
        json!({"type": "object", "properties": {(listing.name): rows, "permalink": {"type": "string"}}});
    let headers = json!({"ETag": reference("headers", "ETag")});
    let answer = json!({
        "description": listing.about,
        "headers": headers,
        "content": {"application/json": {"schema": schema}},
    });
    let of_files = ["fields", "excel"].map(|name| reference("parameters", name));
    add(
        paths,
        format!("{API}/{}", listing.name),
        "get",
        json!({
            "operationId": format!("list-{}", listing.name),
            "summary": listing.about,
            "tags": ["listings"],
            "parameters": of_files,
            "responses": responses(answer),
        }),
    );
    let of_files = ["format", "fields", "excel"].map(|name| reference("parameters", name));
    add(
        paths,
        format!("{API}/{}.{{format}}", listing.name),
        "get",
        json!({
            "operationId": format!("file-of-{}", listing.name),
            "summary": format!("{} As a file.", listing.about),
            "tags": ["files"],
            "parameters": of_files,
            "responses": responses(file_answer(headers, false)),
        }),
    );
}

fn add_change(change: &Change, paths: &mut Map<String, Value>, schemas: &mut Schemas) {
    let method = descriptor(change.method);
    collect(&method.input(), SCHEMAS, schemas);
    collect(&method.output(), SCHEMAS, schemas);
    let of = |message: MessageDescriptor| json!({"$ref": format!("{SCHEMAS}{}", message.full_name())});
    let mut bodies = Map::from_iter([("application/json".to_owned(), json!({"schema": of(method.input())}))]);
    for media_type in change.file.map(FileBody::media_types).unwrap_or_default() {
        bodies.insert((*media_type).to_owned(), json!({"schema": {"type": "string"}}));
    }
    let names = change.file.map(FileBody::parameters).unwrap_or_default();
    let query = |name: &&str| {
        json!({
            "name": name,
            "in": "query",
            "description": "With a file as the body: the field of the request that has this name.",
            "schema": {"type": "string"},
        })
    };
    let parameters: Vec<Value> = names.iter().map(query).collect();
    add(
        paths,
        format!("{API}/{}", change.name),
        "post",
        json!({
            "operationId": change.name.replace('/', "-"),
            "summary": change.about,
            "description": comment(&method.parent_file(), method.path()),
            "tags": ["changes"],
            "parameters": parameters,
            "requestBody": {"required": true, "content": bodies},
            "responses": {
                "200": {
                    "description": "What was done. For a file of rules, the answers for each of them.",
                    "content": {"application/json": {"schema": answer_schema(change, of(method.output()))}},
                },
                "default": reference("responses", "Problem"),
            },
        }),
    );
}

/// A check of a file answers for each of its rules.
fn answer_schema(change: &Change, answer: Value) -> Value {
    if change.name == "rules/check" {
        let many = json!({"type": "object", "properties": {"rules": {"type": "array", "items": answer}}});
        return json!({"anyOf": [answer, many]});
    }
    answer
}

fn add(paths: &mut Map<String, Value>, path: String, method: &str, operation: Value) {
    let item = paths.entry(path).or_insert_with(|| json!({}));
    item[method] = operation;
}

/// Parameters that several operations have.
fn shared_parameters() -> Value {
    let query = |name: &str, description: &str, schema: Value| {
        let mut parameter = json!({"name": name, "in": "query", "schema": schema});
        parameter["description"] = json!(description);
        parameter
    };
    let formats: Vec<&str> = FileFormat::ALL.into_iter().map(FileFormat::extension).chain(["md"]).collect();
    json!({
        "format": {
            "name": "format",
            "in": "path",
            "required": true,
            "description": "Ending of the file; `md` is a citation.",
            "schema": {"type": "string", "enum": formats},
        },
        "fields": {
            "name": "fields",
            "in": "query",
            "description": "Columns of the file, in this order.",
            "style": "form",
            "explode": false,
            "schema": {"type": "array", "items": {"type": "string"}},
        },
        "excel": query(
            "excel",
            "CSV as Excel opens it in most of Europe: semicolons, decimal commas, names of economies.",
            json!({"type": "boolean"}),
        ),
        "own-use": query(
            "own-use",
            "The data stay with whoever asks, so that a licence that forbids passing them on is kept.",
            json!({"type": "boolean"}),
        ),
        "page-size": query(
            "page-size",
            "Maximum number of entries of a page. In a file, that page alone instead of all rows.",
            json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}),
        ),
        "page-token": query(
            "page-token",
            "Token of the page, as the link `next` of the page before has it.",
            json!({"type": "string"}),
        ),
    })
}

fn shared_headers() -> Value {
    let header = |description: &str| json!({"description": description, "schema": {"type": "string"}});
    json!({
        "ETag": header("Validator: send it as If-None-Match, and what has not changed is not sent again."),
        "Link": header("`next`: address of the next page."),
        "Orewatch-As-At": header("Point of knowledge that the figures rest on."),
        "Orewatch-Stale": header("The answer is old: a log cannot be read on, since when, and why."),
    })
}

fn problem_schema() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "title": "Problem",
        "description": "What is wrong (RFC 9457).",
        "type": "object",
        "required": ["type", "title", "status", "code", "blame"],
        "properties": {
            "type": text("`urn:orewatch:error:` and the code."),
            "title": text("What the code means."),
            "status": {"type": "integer"},
            "detail": text("What is wrong here, one sentence for people."),
            "code": text("Stable identifier for programs, such as `unknown-economy`."),
            "blame": {"type": "string", "enum": ["user", "external", "internal"]},
            "hint": text("What to do about it."),
            "field": text("Parameter, field or column that is wrong."),
            "value": text("The invalid value."),
            "retry_after_s": {"type": "number", "description": "Seconds after which to try again."},
            "errors": {
                "type": "array",
                "description": "Everything that is wrong, if it is more than one thing.",
                "items": {"$ref": format!("{SCHEMAS}Problem")},
            },
        },
    })
}

fn document() -> Value {
    let (mut paths, mut schemas) = (Map::new(), Schemas::new());
    LISTINGS.iter().for_each(|listing| add_listing(listing, &mut paths, &mut schemas));
    FIXED.iter().for_each(|listing| add_fixed(listing, &mut paths));
    CHANGES.iter().for_each(|change| add_change(change, &mut paths, &mut schemas));
    schemas.insert("Problem".to_owned(), problem_schema());
    let problem = json!({
        "description": "What is wrong, who has to act, and what to do.",
        "content": {"application/problem+json": {"schema": {"$ref": format!("{SCHEMAS}Problem")}}},
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Orewatch",
            "version": "1",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:7080", "description": "The console of `orewatch up`."}],
        "security": [{}, {"token": []}],
        "tags": [
            {"name": "listings", "description": "Listings as JSON."},
            {"name": "files", "description": "Listings as files, and their citations."},
            {"name": "changes", "description": "Changes, which take a role."},
        ],
        "paths": paths,
        "components": {
            "schemas": schemas.into_iter().collect::<Map<_, _>>(),
            "parameters": shared_parameters(),
            "headers": shared_headers(),
            "responses": {
                "NotModified": {"description": "What If-None-Match names is still so."},
                "Problem": problem,
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of the file of tokens, or of an issuer.",
                },
            },
        },
    })
}

#[test]
fn the_committed_document_is_up_to_date() {
    let text = serde_json::to_string_pretty(&document()).expect("JSON can be written") + "\n";
    if env::var_os("UPDATE_SNAPSHOT").is_some() {
        fs::write(path(), text).expect("the document can be written");
        return;
    }
    let committed = fs::read_to_string(path()).unwrap_or_default();
    assert!(
        committed == text,
        "contracts/openapi.json is not what the contracts say: write it anew with `UPDATE_SNAPSHOT=1 cargo \
         test --workspace --test openapi` and commit it"
    );
}

#[test]
fn every_reference_has_a_target_and_every_operation_a_name_of_its_own() {
    let document = document();
    let (mut references, mut operations) = (Vec::new(), Vec::new());
    visit(&document, &mut references, &mut operations);
    assert!(references.len() > 100, "{}", references.len());
    for reference in &references {
        let pointer = reference.strip_prefix('#').expect("within the document");
        assert!(document.pointer(pointer).is_some(), "{reference} has no target");
    }
    let names: BTreeSet<&String> = operations.iter().collect();
    assert_eq!(names.len(), operations.len(), "an operation is there twice: {operations:?}");
    assert_eq!(operations.len(), 2 * (LISTINGS.len() + FIXED.len()) + CHANGES.len());
}

fn visit(value: &Value, references: &mut Vec<String>, operations: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value.as_str()) {
                    ("$ref", Some(target)) => references.push(target.to_owned()),
                    ("operationId", Some(operation)) => operations.push(operation.to_owned()),
                    _ => visit(value, references, operations),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, references, operations)),
        _ => {}
    }
}

#[test]
fn every_parameter_is_described() {
    for listing in LISTINGS {
        let request = descriptor(listing.method).input();
        for one in listing.parameters {
            let document = parameter(one, &request);
            assert!(document["description"].as_str().is_some_and(|text| text.len() > 3), "{document}");
        }
    }
}
