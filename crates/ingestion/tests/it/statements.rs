//! Targets and claims: what is read, and what is quarantined. Every statement here is made up.
use orewatch_contracts::ingestion::v1::Table;

use crate::harness::Service;
use crate::policy::{gate, tidy};
use crate::tables::{Taken, take_one};

const TARGETS: &str = "id,title,announced_by,consumer,material,stage,measure,supplier,line,direction,by,due,\
                       status,source,url,announced,in_force,confirmation";
const CLAIMS: &str = "id,text,said_by,reported_by,date,consumer,materials,stage,measure,supplier,low,high,by,\
                      period,basis,vintage,tolerance,source,url,confirmation";

/// A sound target, with one column changed.
fn target(column: &str, value: &str) -> String {
    const FIELDS: [&str; 18] = [
        "g7-2030",
        "At most 60 % from one country",
        "G7",
        "G7",
        "rare-earths",
        "refined",
        "import-share",
        "",
        "0.6",
        "at-most",
        "",
        "2030",
        "declaration",
        "Communique",
        "https://example.org/c",
        "2026-06-17",
        "",
        "confirmed",
    ];
    changed(TARGETS, &FIELDS, column, value)
}

/// A sound claim, with one column changed.
fn claim(column: &str, value: &str) -> String {
    const FIELDS: [&str; 20] = [
        "china-47-87",
        "China refines 47 to 87 %",
        "An agency",
        "A newspaper",
        "2026-01-11",
        "WLD",
        "copper lithium",
        "refined",
        "production-share",
        "CHN",
        "0.47",
        "0.87",
        "quantity",
        "2030",
        "iea-cm:base",
        "2025-05",
        "0.005",
        "The newspaper",
        "",
        "reported",
    ];
    changed(CLAIMS, &FIELDS, column, value)
}

fn changed(header: &str, fields: &[&str], column: &str, value: &str) -> String {
    assert!(column.is_empty() || header.split(',').any(|name| name == column), "{column}");
    let field =
        |(name, field): (&str, &&str)| if name == column { value.to_owned() } else { (*field).to_owned() };
    header.split(',').zip(fields).map(field).collect::<Vec<_>>().join(",")
}

fn read(header: &str, rows: &[String]) -> Taken {
    take_one("s.csv", tidy("v", header, &rows.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// Checks what is quarantined when one column of a sound row has one value: its column, code, and hint.
fn check_rejected(header: &str, row: fn(&str, &str) -> String, cases: &[(&str, &str, &str, &str)]) {
    for (column, value, code, hint) in cases {
        let taken = read(header, &[row(column, value)]);
        assert_eq!(taken.counts(), (0, 0, 1), "{column} {value}");
        let found = &taken.rejections[0];
        assert_eq!((&*found.column, &*found.code), (*column, *code), "{value}: {found:?}");
        assert!(found.hint.contains(hint), "{column} {value}: {found:?}");
    }
}

#[test]
fn targets_say_who_announced_which_line_for_whom() {
    let rows = [
        target("", ""),
        target("id", "g7-2030-value").replace(",at-most,,", ",at-least,value,"),
        target("id", "from-china").replace("import-share,,", "import-share/1,CHN,"),
        target("id", "undated").replace(",2030,", ",,"),
        target("id", "law").replace("declaration", "law").replace("06-17,,", "06-17,2026-07-01,"),
        target("id", "recalled").replace(",Communique,", ",,").replace("confirmed", "recalled"),
    ];
    let taken = read(TARGETS, &rows);
    assert_eq!(taken.rejections, []);
    assert_eq!(taken.release.table(), Table::Targets);
    let about = "G7 rare-earths refined import-share";
    let said = "Declaration of 2026-06-17 in force ";
    assert_eq!(
        taken.rows,
        [
            format!("g7-2030: {about}  at most 0.6 Unspecified by 2030, {said}, Confirmed @6"),
            format!("g7-2030-value: {about}  at least 0.6 Value by 2030, {said}, Confirmed @7"),
            format!("from-china: {about}/1 CHN at most 0.6 Unspecified by 2030, {said}, Confirmed @8"),
            format!("undated: {about}  at most 0.6 Unspecified by , {said}, Confirmed @9"),
            format!(
                "law: {about}  at most 0.6 Unspecified by 2030, Law of 2026-06-17 in force 2026-07-01, \
                 Confirmed @10"
            ),
            format!("recalled: {about}  at most 0.6 Unspecified by 2030, {said}, Recalled @11"),
        ]
    );
}

#[test]
fn a_target_for_what_is_not_there_is_set_aside() {
    check_rejected(
        TARGETS,
        target,
        &[
            ("id", "", "missing-field", "such as g7-2030-rare-earths"),
            ("id", "G7 2030", "invalid-id", "lower-case letters"),
            ("title", "", "missing-field", "one sentence"),
            ("consumer", "G9", "unknown-economy", ""),
            ("consumer", "", "missing-field", "WLD"),
            ("material", "rare earths", "unknown-material", "rare-earths"),
            ("material", "mithril", "unknown-material", ""),
            ("stage", "smelted", "unknown-stage", ""),
            ("measure", "import-shares", "unknown-measure", "import-share"),
            ("measure", "import-share/9", "unknown-measure", "import-share/1"),
            ("supplier", "Chin", "unknown-economy", "CHN"),
            ("line", "60", "out-of-range", "write per cent as a fraction: 0.6"),
            ("line", "60%", "invalid-number", "0.60"),
            ("line", "NA", "missing-figure", "leave the row out"),
            ("direction", "below", "unknown-word", "at-most"),
            ("direction", "", "missing-field", "at-most, at-least"),
            ("by", "weight", "unknown-by", "quantity or value"),
            ("due", "soon", "invalid-period", ""),
            ("due", "2020", "end-before-start", ""),
            ("status", "promise", "unknown-word", "law, declaration, plan"),
            ("source", "", "missing-field", "recalled"),
            ("announced", "", "missing-field", "2026-06-17"),
            ("announced", "June 2026", "invalid-day", ""),
            ("in_force", "2026-01-01", "end-before-start", ""),
            ("confirmation", "yes", "unknown-word", "confirmed, reported, recalled"),
        ],
    );
    let supplier = target("", "").replace("import-share,,", "import-hhi,CHN,");
    assert_eq!(read(TARGETS, &[supplier]).rejections[0].code, "unexpected-supplier");
    let weight = target("by", "value").replace("import-share", "production-share");
    assert_eq!(read(TARGETS, &[weight]).rejections[0].code, "unsupported-by");
    let law = read(TARGETS, &[target("status", "law")]);
    assert_eq!((&*law.rejections[0].column, &*law.rejections[0].code), ("in_force", "missing-field"));
}

#[test]
fn claims_say_who_said_what_of_which_figures() {
    let rows = [
        claim("", ""),
        claim("id", "semicolons").replace("copper lithium", "copper;lithium; cobalt"),
        claim("id", "bare").replace("quantity,2030,iea-cm:base,2025-05,0.005", ",,,,"),
        claim("id", "quoted").replace("China refines 47 to 87 %", "\"It said: \"\"47, or 87\"\"\""),
    ];
    let taken = read(CLAIMS, &rows);
    assert_eq!(taken.rejections, []);
    let range = "refined production-share CHN 0.47 to 0.87";
    let basis = "Quantity in 2030 of iea-cm:base 2025-05 within 0.005";
    let rest = "on 2026-01-11, Reported";
    assert_eq!(
        taken.rows,
        [
            format!("china-47-87: WLD copper+lithium {range} {basis}, {rest} @6"),
            format!("semicolons: WLD copper+lithium+cobalt {range} {basis}, {rest} @7"),
            format!("bare: WLD copper+lithium {range} Unspecified in  of   within 0, {rest} @8"),
            format!("quoted: WLD copper+lithium {range} {basis}, {rest} @9"),
        ]
    );
}

#[test]
fn a_claim_that_cannot_be_held_beside_figures_is_set_aside() {
    check_rejected(
        CLAIMS,
        claim,
        &[
            ("text", "", "missing-field", ""),
            ("text", "a\u{202e}b", "hidden-character", ""),
            ("said_by", "", "missing-field", ""),
            ("date", "", "missing-field", "2026-06-17"),
            ("date", "2026", "invalid-day", "2026-01-01"),
            ("materials", "", "missing-field", "copper lithium"),
            ("materials", "copper unobtainium", "unknown-material", ""),
            ("materials", "copper copper", "duplicate-id", "name it once"),
            ("supplier", "", "missing-field", "name it"),
            ("high", "87", "out-of-range", "0.87"),
            ("low", "", "missing-figure", ""),
            ("basis", "IEA", "invalid-id", "iea-cm"),
            ("basis", "iea-cm:Base case", "invalid-id", "base"),
            ("vintage", "May 2025", "invalid-id", "2025-05"),
            ("tolerance", "-1", "negative-figure", ""),
            ("tolerance", "NA", "missing-figure", ""),
            ("period", "2030s", "invalid-period", ""),
            ("confirmation", "", "missing-field", "confirmed, reported, recalled"),
        ],
    );
    let reversed = read(CLAIMS, &[claim("low", "0.9")]);
    let found = &reversed.rejections[0];
    assert_eq!((&*found.column, &*found.code), ("high", "end-before-start"));
    assert!(found.reason.contains("ends at 0.87, below its beginning 0.9"), "{found:?}");
}

#[test]
fn an_identifier_is_there_once() {
    let taken = read(TARGETS, &[target("", ""), target("line", "0.5"), target("", "")]);
    assert_eq!(taken.counts(), (1, 0, 2));
    let reasons: Vec<_> =
        taken.rejections.iter().map(|row| (&*row.code, &*row.value, &*row.reason)).collect();
    assert_eq!(
        reasons,
        [
            ("duplicate-key", "g7-2030", "the same key is in line 6, with other content"),
            ("duplicate-key", "g7-2030", "the same key is in line 6, with the same content"),
        ]
    );
}

/// Texts may be long, codes may not, and a release holds a bounded number of statements in chunks of bounded
/// size.
#[test]
fn statements_are_bounded() {
    let long = "x".repeat(1_900);
    let rows: Vec<_> =
        (0..10_001).map(|number| target("id", &format!("t-{number}")).replace("Communique", &long)).collect();
    let taken = read(TARGETS, &rows);
    assert_eq!(taken.counts(), (10_000, 0, 1));
    assert_eq!(taken.rejections[0].code, "too-many-names");
    let longer = read(TARGETS, &[target("title", &"x".repeat(2_001))]);
    assert_eq!(longer.rejections[0].code, "field-too-long");
    let code = read(TARGETS, &[target("material", &"x".repeat(300))]);
    assert_eq!(code.rejections[0].code, "field-too-long");
}

/// The service records statements, restates those whose identifiers it has, and checks those of other
/// clients.
#[tokio::test]
async fn statements_are_restated_by_identifier() {
    let service = Service::start().await;
    let rows = [target("", ""), target("id", "second")];
    let content = |vintage: &str, rows: &[String]| {
        tidy(vintage, TARGETS, &rows.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert!(service.take("t.csv", content("1", &rows)).await.unwrap().is_committed());
    let second = service.take("t.csv", content("2", &[target("line", "0.5")])).await.unwrap();
    assert!(second.is_committed(), "{second:?}");
    let message = &gate(&second, "scope-jump").message;
    assert!(message.starts_with("of 1 keys in 1 restated market 0 vanish"), "{message}");
    service.stop().await;
}
