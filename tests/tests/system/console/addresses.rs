//! Addresses that are written by hand and wrong, and requests that should not be answered.
use orewatch_tests::http::{get, get_with, post, send};
use orewatch_tests::system::file;
use serde_json::Value;
use tempfile::TempDir;

use super::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_says_which_parameters_are_wrong_and_what_was_meant() {
    let desk = Desk::start(&[]);
    let answer = desk.get(
        "/api/v1/exposures?consumer=Germny&material=unobtainium&stage=smelted&supplier=Chian&measure=hhi9\
         &by=weight&as-of=20x4&frequency=weekly&as-at=@seven&trend=maybe&mirror=both&page-size=many\
         &fields=valu&colour=red",
    );
    assert_eq!((answer.status, answer.header("content-type")), (400, "application/problem+json"));
    let problem: Value = answer.json();
    let errors = problem["errors"].as_array().expect("all that is wrong");
    let named: Vec<&str> = errors.iter().filter_map(|error| error["field"].as_str()).collect();
    for name in [
        "consumer",
        "material",
        "stage",
        "supplier",
        "measure",
        "by",
        "frequency",
        "as-at",
        "trend",
        "mirror",
        "page-size",
        "fields",
        "colour",
    ] {
        assert!(named.contains(&name), "{name} is not in {named:?}");
    }
    for error in errors {
        assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{error}");
        assert!(!error["value"].is_null() && !error["code"].is_null(), "{error}");
    }
    // What only the service can say names the parameter as well.
    let period: Value = desk.get("/api/v1/exposures?as-of=20x4").json();
    assert_eq!(period["field"], "as-of", "{period}");
    let page: Value = desk.get("/api/v1/exposures?page-size=20000").json();
    assert_eq!((&page["field"], &page["code"]), (&"page-size".into(), &"invalid-page-size".into()), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_not_there_is_answered_with_the_one_that_was_meant() {
    let desk = Desk::start(&[]);
    for (path, status, hint) in [
        ("/api/v1/exposres", 404, "/api/v1/exposures"),
        ("/api/v1/exposures.cvs", 404, ".csv"),
        ("/api/v2/exposures", 404, "GET /api/v1"),
        ("/orewatch.exposure.v1.ExposureService/GetExposure", 404, "GET /api/v1"),
        ("/api/v1/alerts/acknowledge", 405, "POST"),
        ("/api/v1/alerts?as-at=2024", 400, "exposures"),
        ("/api/v1/deliveries?from=yesterday", 400, "2026-01-31T12:00:00Z"),
        ("/api/v1/economies.csv?fields=nam", 400, "name"),
    ] {
        let answer = desk.get(path);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        let problem: Value = answer.json();
        assert!(problem["hint"].as_str().is_some_and(|found| found.contains(hint)), "{path}: {problem}");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
    }
    let put = send(&desk.console, "PUT", "/api/v1/rules/apply", &[], b"{}").answer();
    assert_eq!((put.status, put.header("allow")), (405, "POST"));
    let long = desk.get(&format!("/api/v1/exposures?consumer={}", "x".repeat(4_000)));
    assert_eq!(long.status, 404, "{}", long.text());
    let encoded = desk.get("/api/v1/exposures?consumer=%00%1b%e2%80%ae");
    assert_eq!(encoded.status, 404, "{}", encoded.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_reach_nothing() {
    let desk = Desk::start(&[]);
    let bent = get_with(&desk.console, "/api/v1/exposures", &[("Host", "evil.example:7080")]);
    assert_eq!((bent.status, bent.json::<Value>()["code"].clone()), (421, "foreign-host".into()));
    let body = "{\"alert\": \"a\"}";
    let headers = [("Content-Type", "application/json"), ("Sec-Fetch-Site", "cross-site")];
    let crossed = post(&desk.console, "/api/v1/alerts/acknowledge", &headers, body);
    assert_eq!((crossed.status, crossed.json::<Value>()["code"].clone()), (403, "foreign-origin".into()));
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""] {
        let form = desk.post("/api/v1/alerts/acknowledge", media_type, body);
        assert_eq!(form.status, 415, "{media_type}: {}", form.text());
    }
    let asked = [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "POST")];
    let preflight = send(&desk.console, "OPTIONS", "/api/v1/rules/apply", &asked, b"").answer();
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (405, ""));
}

const TOKENS: &str = r#"
[[token]]
name = "reader"
token = "token-of-a-reader"
roles = ["reader"]

[[token]]
name = "slow"
token = "token-of-a-slow-one"
roles = ["reader"]
calls_per_second = 1
"#;

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_asked_for_and_passed_on() {
    let folder = TempDir::new().expect("a temporary folder");
    let tokens = file(&folder, "tokens.toml", TOKENS);
    let desk = Desk::start(&["--tokens-file", &tokens]);
    let unknown = get(&desk.console, "/api/v1/rules");
    assert_eq!((unknown.status, unknown.json::<Value>()["code"].clone()), (401, "unauthenticated".into()));
    assert!(
        unknown.headers.iter().any(|(name, value)| name == "www-authenticate" && value.contains("Bearer"))
    );
    let open = get(&desk.console, "/api/v1/openapi.json");
    assert_eq!(open.status, 200);

    let reader = [("Authorization", "Bearer token-of-a-reader")];
    assert_eq!(get_with(&desk.console, "/api/v1/rules", &reader).status, 200);
    // A browser and Excel show a token as the password of any user.
    let basic = [("Authorization", "Basic YW55OnRva2VuLW9mLWEtcmVhZGVy")];
    assert_eq!(get_with(&desk.console, "/api/v1/rules.csv", &basic).status, 200);
    let headers = [reader[0], ("Content-Type", "application/json")];
    let change = post(&desk.console, "/api/v1/silences", &headers, "{\"silence\": {}}");
    assert_eq!((change.status, change.json::<Value>()["code"].clone()), (403, "missing-role".into()));
    let tenant = get_with(&desk.console, "/api/v1/exposures?tenant=acme", &reader);
    assert_eq!((tenant.status, tenant.json::<Value>()["code"].clone()), (403, "not-permitted".into()));

    let slow = [("Authorization", "Bearer token-of-a-slow-one")];
    let answers: Vec<_> = (0..8).map(|_| get_with(&desk.console, "/api/v1/economies", &slow)).collect();
    let refused = answers.iter().find(|answer| answer.status == 429).expect("too many calls");
    assert_eq!(refused.json::<Value>()["code"], "too-many-calls");
    assert!(!refused.header("retry-after").is_empty());
}
