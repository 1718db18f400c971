//! Lists of critical materials.
use crate::run::{err, json, ok, run};

#[test]
fn lists_are_shown_with_dates_sources_and_what_is_recalled() {
    let all = json(&["lists"]);
    let rows = all.as_array().unwrap();
    let of = |list: &str| rows.iter().filter(|row| row["list"] == list).count();
    assert_eq!(of("USA-2025"), 47);
    let uranium = rows.iter().find(|row| row["list"] == "USA-2025" && row["material"] == "uranium").unwrap();
    assert_eq!(
        (&uranium["confirmation"], &uranium["announced"]),
        (&"confirmed".into(), &"2025-11-07".into())
    );
    let recalled =
        |list: &str| rows.iter().any(|row| row["list"] == list && row["confirmation"] == "recalled");
    assert!(recalled("UK-2024") && !recalled("CAN-2024"));

    let overview = ok(&["lists"]);
    assert!(overview.contains("KOR-2023") && overview.contains("2024-05-23"), "{overview}");
    let page = ok(&["lists", "CAN-2024"]);
    for part in ["34 minerals", "2024-06-10", "molybdenum", "Government of Canada"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}

#[test]
fn an_unknown_list_is_refused_with_a_suggestion() {
    let output = run(&["lists", "USA-2052"]);
    assert_eq!(output.status.code(), Some(2), "{}", err(&output));
    assert!(err(&output).contains("did you mean USA-2025?"), "{}", err(&output));
}
