//! Pages for browsers. They are made here as whole documents, work without a script, and every state of a
//! page is in its address.
//!
//! `html` builds markup from which no text escapes, `layout` has what all pages share, `address` the paths.
//! Each page (`today`, `figure`) loads answers of the services, and shows them by functions of values. A new
//! page is a module with a path in [`Console::page`] and an entry in the navigation of `layout`; a chart is
//! added to a part as [`Html`] beside its table, which stays.
mod address;
mod figure;
mod heat;
mod html;
mod layout;
mod rows;
mod today;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use orewatch_catalog::material;
use orewatch_contracts::common::v1::By;
use orewatch_contracts::exposure::v1::Subject;
use orewatch_contracts::{Class, Failure};
use orewatch_measures::Measure;
use orewatch_query::names::economy_name;
use prost::Message;

use crate::Console;
use crate::contract::{LISTINGS, Listing};
use crate::entries::decoded;
use crate::refused::Refused;
use crate::services::{Caller, Method};
use address::FigurePath;
use html::Html;
use layout::{ASSETS, Page, asset, failed};

/// Time for a part of a page. What takes longer is left out, and the page says so.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether a path is that of a page or of a file of pages, and not of data.
pub(crate) fn is_page(path: &str) -> bool {
    path != "/api" && !path.starts_with("/api/")
}

/// A refusal as a page. It has the status and the headers of the problem.
pub(crate) fn refused_page(refused: &Refused, version: &str) -> Response {
    let (mut parts, _) = refused.response().into_parts();
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let title = parts.status.canonical_reason().unwrap_or("Error").to_owned();
    let content = refused.failures().iter().map(failed).collect::<Html>();
    let page = Page { title, content, ..Page::default() };
    Response::from_parts(parts, Body::from(page.document(version)))
}

impl Console {
    /// Answers with a page.
    ///
    /// # Errors
    /// An address that is not there, wrong parameters, and those of the services.
    pub(crate) async fn page(self: &Arc<Self>, path: &str, request: Request) -> Result<Response, Refused> {
        if path.starts_with(ASSETS) {
            return asset(path).ok_or_else(|| no_page(path).into());
        }
        let caller = Caller::of(&request);
        let query = request.uri().query().unwrap_or_default();
        if path == "/" {
            return Box::pin(self.today(&caller, query)).await;
        }
        let figure = FigurePath::read(path).ok_or_else(|| no_page(path))?;
        Box::pin(self.figure(&caller, &figure, query, request.headers())).await
    }

    /// Asks a method of a service with messages of their types.
    async fn ask<A: Message + Default>(
        &self,
        caller: &Caller,
        method: Method,
        request: &impl Message,
    ) -> Result<A, Failure> {
        decoded(&self.services.ask(caller, method, request.encode_to_vec().into()).await?)
    }
}

fn no_page(path: &str) -> Failure {
    Failure::new(Class::NotFound, "unknown-address", "there is no page at this address")
        .at("path", path)
        .with_hint("begin at / or ask for data at /api/v1")
}

/// A listing of the contract.
///
/// # Errors
/// None but a defect.
fn listing(name: &str) -> Result<&'static Listing, Failure> {
    let found = LISTINGS.iter().find(|listing| listing.name == name);
    found.ok_or_else(|| Failure::internal(format!("there is no listing {name}")))
}

/// Waits for a part of a page, for some time.
///
/// # Errors
/// Those of the part, and that it took too long.
async fn within<T>(part: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::time::timeout(PATIENCE, part).await.unwrap_or_else(|_| {
        let message = format!("this part took longer than {} s", PATIENCE.as_secs());
        Err(Failure::new(Class::Unavailable, "stalled", message).with_hint("load the page again"))
    })
}

/// The unit of a measure. Empty: this version does not know it.
fn unit_of(measure: &str) -> &'static str {
    measure.parse::<Measure>().map_or("", |measure| measure.method().unit)
}

/// What a figure is about, as a heading.
fn figure_title(subject: &Subject) -> String {
    let Subject { consumer, material: id, stage, supplier, .. } = subject;
    let name = material(id).map_or(id.as_str(), |material| material.name);
    let from = match supplier.as_str() {
        "" => String::new(),
        code => format!(", from {}", economy_name(code)),
    };
    format!("{}: {name}, {stage}{from}", economy_name(consumer))
}

/// What a measure says, and what it weighs by.
fn measure_words(subject: &Subject) -> String {
    let title = subject.measure.parse::<Measure>().map(|measure| measure.method().title);
    let title = title.unwrap_or(subject.measure.as_str());
    let by = if subject.by() == By::Value { "value" } else { "quantity" };
    format!("{title} By {by}; {}.", subject.measure)
}

/// What a figure is about, in one line.
fn figure_words(subject: &Subject) -> String {
    let by = if subject.by() == By::Value { ", by value" } else { "" };
    let measure = subject.measure.split('/').next().unwrap_or_default();
    format!("{} — {measure}{by}", figure_title(subject))
}
