//! Changes: requests that acknowledge, silence, check, apply and repair. The body is the request of a method
//! as JSON, or for rules and corrected rows a file.
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use orewatch_contracts::alerting::v1::{PutRuleRequest, PutRulesRequest, PutRulesResponse};
use orewatch_contracts::ingestion::v1::RepairRowsRequest;
use orewatch_contracts::{Class, Failure};
use orewatch_rules::rules;
use prost::Message as _;
use prost_reflect::Value as Field;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::Console;
use crate::answer::json_body;
use crate::contract::{Change, FileBody, PUT_RULE, PUT_RULES, REPAIR};
use crate::entries::decoded;
use crate::message::{encoded, set};
use crate::question::flag;
use crate::refused::Refused;
use crate::services::Caller;

/// Upper bound on a body, in bytes: that of a request of the services.
const MAX_BODY_BYTES: usize = 4 << 20;

/// Rules that one request checks: each is run on the whole history.
const MAX_CHECKED_RULES: usize = 100;

/// Name that stands for the file in locations of errors.
const FILE: &str = "body";

/// The parameters of a change whose body is a file.
#[derive(Debug, Default)]
struct FileOptions(Vec<(String, String)>);

impl FileOptions {
    /// Reads a query.
    ///
    /// # Errors
    /// Every name that the body does not go with.
    fn read(body: FileBody, query: &str) -> Result<Self, Refused> {
        let given: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let known = body.parameters();
        let unknown = given.iter().filter(|(name, _)| !known.contains(&name.as_str()));
        let wrong = unknown.map(|(name, value)| {
            Failure::new(Class::Invalid, "unknown-field", format!("there is no parameter {name:?}"))
                .at(name, value)
                .with_hint(format!("use some of {}", known.join(", ")))
        });
        Refused::all(wrong.collect()).map_or(Ok(Self(given)), Err)
    }

    fn text(&self, name: &str) -> String {
        let found = self.0.iter().find(|(given, _)| given == name);
        found.map(|(_, text)| text.clone()).unwrap_or_default()
    }

    fn list(&self, name: &str) -> Vec<String> {
        let given = self.0.iter().filter(|(given, _)| given == name);
        let items = given.flat_map(|(_, text)| text.split(','));
        items.map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.0.iter().find(|(given, _)| given == name) {
            Some((_, text)) => flag(name, text),
            None => Ok(false),
        }
    }
}

impl Console {
    /// Makes a change.
    ///
    /// # Errors
    /// A body that is no request, and those of the service.
    pub(crate) async fn change(
        self: &Arc<Self>,
        caller: &Caller,
        change: &Change,
        query: &str,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Response, Refused> {
        let media_type = media_type(headers);
        let body = to_bytes(body, MAX_BODY_BYTES).await.map_err(|error| too_large(&error))?;
        let file = change.file.filter(|file| file.media_types().contains(&media_type.as_str()));
        let document = match file {
            Some(file) => {
                let options = FileOptions::read(file, query)?;
                match (file, change.method) {
                    (FileBody::Rules, PUT_RULE) => self.check_rules(caller, &options, &body).await?,
                    (FileBody::Rules, _) => self.apply_rules(caller, &options, &body).await?,
                    (FileBody::Rows, _) => self.repair(caller, &options, body).await?,
                }
            }
            None if media_type == "application/json" => {
                let mut request = self.contracts.request_from_json(change.method, &body)?;
                if let Some(field) = change.set {
                    set(&mut request, field, Field::Bool(true))?;
                }
                let answer = self.services.ask(caller, change.method, encoded(&request)).await?;
                self.contracts.answer(change.method, &answer)?
            }
            None => return Err(unsupported_type(change, &media_type).into()),
        };
        let mut response = Response::new(json_body(&document));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }

    /// Checks the rules of a file, one after another.
    async fn check_rules(
        &self,
        caller: &Caller,
        options: &FileOptions,
        body: &[u8],
    ) -> Result<Value, Failure> {
        let rules = rules::parse(FILE, body)?;
        if rules.len() > MAX_CHECKED_RULES {
            let message = format!("{} rules are too many to be checked at a time", rules.len());
            return Err(Failure::new(Class::Invalid, "too-many", message)
                .with_hint(format!("send up to {MAX_CHECKED_RULES} rules")));
        }
        let mut checked = Vec::new();
        for rule in rules {
            let request = PutRuleRequest {
                rule: Some(rule),
                actor: options.text("actor"),
                validate_only: true,
                reason: options.text("reason"),
                re_evaluate: options.flag("re-evaluate")?,
                preview_from: options.text("preview-from"),
            };
            let answer = self.services.ask(caller, PUT_RULE, request.encode_to_vec().into()).await?;
            checked.push(self.contracts.answer(PUT_RULE, &answer)?);
        }
        Ok(json!({"rules": checked}))
    }

    /// Stores the rules of a file.
    async fn apply_rules(
        &self,
        caller: &Caller,
        options: &FileOptions,
        body: &[u8],
    ) -> Result<Value, Failure> {
        let request = PutRulesRequest {
            rules: rules::parse(FILE, body)?,
            actor: options.text("actor"),
            reason: options.text("reason"),
            re_evaluate: options.flag("re-evaluate")?,
        };
        let answer = self.services.ask(caller, PUT_RULES, request.encode_to_vec().into()).await?;
        let stored: PutRulesResponse = decoded(&answer)?;
        tracing::info!(rules = stored.rules.len(), "rules were applied over HTTP");
        self.contracts.answer(PUT_RULES, &answer)
    }

    /// Repairs rows of a release by a file with corrected rows.
    async fn repair(&self, caller: &Caller, options: &FileOptions, body: Bytes) -> Result<Value, Failure> {
        let number = |text: &String| {
            text.parse::<u64>().map_err(|_| {
                Failure::new(Class::Invalid, "invalid-count", "rejection is not a whole number")
                    .at("rejection", text)
                    .with_hint("write the numbers of the rejections, such as 0,3")
            })
        };
        let rejections: Result<Vec<u64>, Failure> = options.list("rejection").iter().map(number).collect();
        let request = RepairRowsRequest {
            release: options.text("release"),
            content: body,
            rejections: rejections?,
            reason: options.text("reason"),
            actor: options.text("actor"),
            accept: options.list("accept"),
            ..RepairRowsRequest::default()
        };
        let answer = self.services.ask(caller, REPAIR, request.encode_to_vec().into()).await?;
        self.contracts.answer(REPAIR, &answer)
    }
}

/// The media type of a body, without its parameters.
fn media_type(headers: &HeaderMap) -> String {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim().to_lowercase()
}

fn unsupported_type(change: &Change, given: &str) -> Failure {
    let files = change.file.map(FileBody::media_types).unwrap_or_default();
    let known = ["application/json"].iter().chain(files).copied().collect::<Vec<_>>().join(", ");
    Failure::new(Class::Invalid, "unsupported-media-type", "the body is of a type that is not accepted here")
        .at("content-type", given)
        .with_hint(format!("send one of {known} in the header Content-Type"))
}

fn too_large(error: &axum::Error) -> Failure {
    let message = format!("the body cannot be read, or has more than {MAX_BODY_BYTES} bytes: {error}");
    Failure::new(Class::Invalid, "too-large", message).with_hint("send it in several requests")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_files_are_checked() {
        let options = FileOptions::read(FileBody::Rows, "release=a/1&rejection=0,3&rejection=4").unwrap();
        assert_eq!((options.text("release").as_str(), options.list("rejection").len()), ("a/1", 3));
        assert!(FileOptions::read(FileBody::Rows, "relase=a").is_err());
        let options = FileOptions::read(FileBody::Rules, "re-evaluate").unwrap();
        assert_eq!((options.flag("re-evaluate"), options.flag("actor")), (Ok(true), Ok(false)));
    }

    #[test]
    fn a_media_type_is_read_without_its_parameters() {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, "Text/CSV; charset=utf-8".parse().unwrap())]);
        assert_eq!(media_type(&headers), "text/csv");
        assert_eq!(media_type(&HeaderMap::new()), "");
    }
}
