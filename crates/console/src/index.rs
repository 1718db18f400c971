//! What can be asked for, as JSON: the answer to `GET /api/v1`.
use axum::response::Response;
use orewatch_query::files::FileFormat;
use serde_json::{Value, json};

use crate::answer::{API, Envelope, json_body};
use crate::contract::{CHANGES, Change, Knowledge, LISTINGS, Listing};
use crate::fixed::{FIXED, FixedListing};
use crate::question::{EXCEL, FIELDS, names_of};

/// The OpenAPI document, which is generated from the contracts and from the table of listings.
pub(crate) const OPENAPI: &str = include_str!("../../../contracts/openapi.json");

/// Path of the document.
pub(crate) const OPENAPI_PATH: &str = "/api/v1/openapi.json";

/// Names of listings and changes, for suggestions.
pub(crate) fn addresses() -> impl Iterator<Item = &'static str> {
    let listings = LISTINGS.iter().map(|listing| listing.name);
    listings.chain(FIXED.iter().map(|listing| listing.name)).chain(CHANGES.iter().map(|change| change.name))
}

/// The formats of files of a listing, by their endings.
fn formats() -> Vec<&'static str> {
    FileFormat::ALL.into_iter().map(FileFormat::extension).chain(["md"]).collect()
}

fn listing(listing: &Listing) -> Value {
    json!({
        "name": listing.name,
        "about": listing.about,
        "address": format!("{API}/{}", listing.name),
        "files": formats(),
        "parameters": names_of(listing),
        "asAt": listing.knowledge == Knowledge::AsAt,
    })
}

fn fixed(listing: &FixedListing) -> Value {
    let files: Vec<&str> = FileFormat::ALL.into_iter().map(FileFormat::extension).collect();
    json!({
        "name": listing.name,
        "about": listing.about,
        "address": format!("{API}/{}", listing.name),
        "files": files,
        "parameters": [FIELDS, EXCEL],
        "asAt": false,
    })
}

fn change(change: &Change) -> Value {
    let files = change.file.map(|file| file.media_types().to_vec()).unwrap_or_default();
    let bodies: Vec<&str> = ["application/json"].into_iter().chain(files).collect();
    json!({
        "name": change.name,
        "about": change.about,
        "address": format!("{API}/{}", change.name),
        "method": "POST",
        "bodies": bodies,
    })
}

/// The answer.
pub(crate) fn index() -> Response {
    let listings: Vec<Value> = LISTINGS.iter().map(listing).chain(FIXED.iter().map(fixed)).collect();
    let changes: Vec<Value> = CHANGES.iter().map(change).collect();
    let document = json!({
        "listings": listings,
        "changes": changes,
        "openapi": OPENAPI_PATH,
    });
    let envelope = Envelope { path: API.to_owned(), ..Envelope::default() };
    envelope.response("application/json", json_body(&document))
}
