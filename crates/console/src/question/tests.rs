//! Addresses, whole and wrong.
use orewatch_contracts::exposure::v1::QueryExposuresRequest;
use orewatch_query::files::ColumnKind;

use super::*;
use crate::contract::LISTINGS;
use crate::message::encoded;

fn listing(name: &str) -> &'static Listing {
    LISTINGS.iter().find(|listing| listing.name == name).unwrap()
}

fn read(name: &str, query: &str) -> Result<Question, Refused> {
    let headings = ["consumer", "value"].map(|name| Heading { name, kind: ColumnKind::Text });
    Question::read(&Contracts::read().unwrap(), listing(name), &headings, query)
}

/// The problem of a query, as it is sent.
async fn problem(name: &str, query: &str) -> serde_json::Value {
    let response = read(name, query).unwrap_err().response();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn parameters_become_the_fields_of_the_request() {
    let query = "consumer=Germany,JPN&material=rare+earths&material=lithium&by=value&as-of=2018..2020,2024\
                 &as-at=@7&trend&mirror=larger&page-size=5&fields=value,consumer";
    let question = read("exposures", query).unwrap();
    let request = QueryExposuresRequest::decode(encoded(&question.request)).unwrap();
    let filter = request.filter.unwrap();
    assert_eq!(filter.consumers, ["DEU", "JPN"]);
    assert_eq!(filter.materials, ["rare-earths", "lithium"]);
    assert_eq!((filter.by().as_str_name(), filter.as_of.as_str()), ("BY_VALUE", "2018..2020,2024"));
    assert_eq!(request.as_at.unwrap().at, Some(At::Position(7)));
    assert!(request.trend && !request.firmness);
    assert_eq!(request.reading.unwrap().mirror().as_str_name(), "MIRROR_LARGER");
    assert_eq!((request.page_size, question.columns), (5, Some(vec![1, 0])));
}

#[tokio::test]
async fn every_wrong_parameter_is_named_with_what_to_write_instead() {
    let query = "consumer=Germny&material=unobtainium&by=weight&as-at=@x&trend=maybe&colour=red&as_of=2024\
                 &page-size=ten&fields=valu&mirror=importer&mirror=exporter";
    let problem = problem("exposures", query).await;
    let errors = problem["errors"].as_array().unwrap();
    let named: Vec<&str> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
    for name in
        ["consumer", "material", "by", "as-at", "trend", "colour", "as_of", "page-size", "fields", "mirror"]
    {
        assert!(named.contains(&name), "{name} is not in {named:?}");
    }
    let hint = |name: &str| {
        let error = errors.iter().find(|error| error["field"] == name).unwrap();
        error["hint"].as_str().unwrap_or_default().to_owned()
    };
    assert!(hint("consumer").contains("DEU"), "{}", hint("consumer"));
    assert_eq!(hint("as_of"), "did you mean as-of?");
    assert_eq!(hint("fields"), "did you mean value?");
    assert!(hint("by").contains("quantity"), "{}", hint("by"));
    assert!(errors.iter().all(|error| error.get("value").is_some() && error.get("code").is_some()));
}

#[tokio::test]
async fn parameters_beyond_the_limit_are_not_dropped() {
    let query = "consumer=DEU&".repeat(MAX_PARAMETERS);
    assert!(read("exposures", &query).is_ok());
    let problem = problem("exposures", &(query + "consumer=JPN")).await;
    assert_eq!(problem["code"], "too-many");
}

#[tokio::test]
async fn a_list_of_the_present_has_no_as_at() {
    let problem = problem("alerts", "as-at=2024-01-01").await;
    assert_eq!((&problem["code"], &problem["field"]), (&"unexpected-field".into(), &"as-at".into()));
}

#[test]
fn an_address_can_be_asked_for_again() {
    let contracts = Contracts::read().unwrap();
    let mut question = read("exposures", "consumer=Germany&as-of=2024&page-token=x").unwrap();
    question.pin(&contracts, AsAt { at: Some(At::Position(9)) }).unwrap();
    assert_eq!(question.query(None), "consumer=Germany&as-of=2024&page-token=x&as-at=%409");
    assert_eq!(question.query(Some("y")), "consumer=Germany&as-of=2024&as-at=%409&page-token=y");
    let again = read("exposures", &question.query(Some("y"))).unwrap();
    assert_eq!((again.as_at_text(), again.page_token), ("@9".to_owned(), "y".to_owned()));
    let day = read("exposures", "as-at=2026-01-31").unwrap();
    assert_eq!(day.as_at_text(), "2026-01-31T23:59:59.999999999Z");
}

#[test]
fn every_parameter_is_a_field_of_its_request() {
    let contracts = Contracts::read().unwrap();
    for listing in LISTINGS {
        let request = contracts.request(listing.method).unwrap();
        for parameter in listing.parameters {
            let found = field(&request.descriptor(), parameter.field);
            assert!(found.is_some(), "{}: {}", listing.name, parameter.field);
            let has_words = !words(&found.unwrap()).is_empty();
            assert_eq!(has_words, matches!(parameter.form, Form::Word | Form::Words), "{}", parameter.name);
        }
        let known = names_of(listing);
        let once: std::collections::BTreeSet<_> = known.iter().collect();
        assert_eq!(once.len(), known.len(), "{}: a name is there twice", listing.name);
    }
}

#[test]
fn a_failure_of_a_service_names_the_parameter() {
    let failure = |field: &str| Failure::new(Class::Invalid, "invalid-period", "").at(field, "20x4");
    let seen = |field: &str| in_terms_of(listing("exposures"), failure(field)).field;
    assert_eq!(seen("as_of"), "as-of");
    assert_eq!(seen("filter.as_of"), "as-of");
    assert_eq!(seen("page_size"), "page-size");
    assert_eq!(seen("somewhere"), "somewhere");
}
