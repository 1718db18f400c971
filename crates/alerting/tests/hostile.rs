//! Rule files that are wrong, careless or meant to do harm: each is refused with its place, the reason and what to do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
use orewatch_alerting::rules::parse;

/// A rule with a condition.
fn with(when: &str) -> String {
    format!("id: r\ntitle: T\nmeasure: import-share\nselect: {{supplier: CHN}}\nwhen:\n{when}\n")
}

/// What is written, and what is said: `CODE MESSAGE | HINT`.
const CONDITIONS: &[(&str, &str)] = &[
    ("  above: high", ""),
    ("  above: [0.5]", ""),
    ("  above: 0.5\n  above: 0.6", ""),
    ("  abov: 0.5", ""),
    ("  above: 0.5\n  change: percent\n  age: {older_than: 1d}", ""),
    ("  above: 0.5\n  age: {older_than: 1d}", ""),
    ("  age: {older_than: soon}", ""),
    ("  age: {older_than: 0s}", ""),
    ("  above: 1.5\n  change: {over: 2}", ""),
    ("  below: -150\n  change: percent", ""),
    ("  above: 1\n  change: {over: 500}", ""),
    ("  above: 1\n  change: often", ""),
    ("  above: 0.1\n  window: {periods: 1}", ""),
    ("  above: 0.1\n  window: {periods: 4, of: mode}", ""),
    ("  above: 0.1\n  window: {periods: 4, minimum: -1}", ""),
    ("  top_supplier: switched", ""),
    ("  top_supplier: {is: new, share: 2}", ""),
    ("  target: {by: 2030, from: 2020}", ""),
    ("  target: {at_most: 0.6, by: 2020, from: 2030}", ""),
    ("  target: {at_most: 65, by: 2030, from: 2020}", ""),
    ("  target: {at_most: 0.6, by: someday, from: 2020}", ""),
    ("  all: []", ""),
    ("  all:\n  - above: 0.5\n  - {measure: production-hii, above: 5000}", ""),
    ("  all:\n  - above: 0.5\n  - {measure: production-hhi, above: 0.5, by: price}", ""),
    ("  all:\n  - above: 0.5\n  - {measure: production-hhi, above: 20000}", ""),
    ("  any:\n  - {above: 0.5, consumer: GER}", ""),
    ("  any:\n  - {above: 0.5, consumer: deu}", ""),
    ("  any:\n  - {above: 0.5, stage: smelted}", ""),
    ("  not: {above: 0.5, below: 0.4}", ""),
    ("  not: {}", ""),
    ("  measure: import-hhi\n  above: 0.5", ""),
    ("  all: [{measure: import-top1, supplier: CHN, above: 0.5}]", ""),
    ("  cel: ''", ""),
    ("  cel: value >", ""),
    ("  cel: \"value > 0.5 && vlue < 1\"", ""),
    ("  cel: 'value > 0.5 && (previous(1) < 0.5'", ""),
    ("  cel: |\n    value > 0.5 &&\n    previous(0) < 0.5", ""),
    ("  cel: value", ""),
    ("  cel: value > 'high'", ""),
    ("  cel: value * 2 > 1.0", ""),
    ("  cel: now() > 5", ""),
    ("  cel: valeu > 0.5", ""),
    ("  cel: matches(period, '.*')", ""),
    ("  cel: measure('import-hii') > 2500.0", ""),
    ("  cel: measure('import-hhi', 'GER') > 2500.0", ""),
    ("  cel: measure(period) > 2500.0", ""),
    ("  cel: value.exact > 0.5", ""),
    ("  cel: \"{'a': value}.a > 0.5\"", ""),
    ("  cel: period.all(c, true)", ""),
    ("  cel: series.all(a, series.all(b, series.all(c, a + b + c > 0.5)))", ""),
];

fn said(text: &str) -> String {
    match parse("r.yaml", text.as_bytes()) {
        Ok(_) => "nothing".to_owned(),
        Err(failure) => format!("{} {} | {}", failure.code, failure.message, failure.hint),
    }
}

fn compare(cases: impl Iterator<Item = (String, String, &'static str)>) {
    let wrong: Vec<String> = cases
        .filter_map(|(name, text, expected)| {
            let said = said(&text);
            (said != expected).then(|| format!("({name:?}, {said:?}),"))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_condition_that_is_wrong_is_told_where_and_what_to_do() {
    compare(CONDITIONS.iter().map(|(when, expected)| ((*when).to_owned(), with(when), *expected)));
}

/// Files that are no rules at all, or too much of them.
fn files() -> Vec<(&'static str, String, &'static str)> {
    let rule = "id: r\ntitle: T\nmeasure: import-share\n";
    let list = |count: usize| {
        let rules: Vec<String> = (0..count)
            .map(|k| format!("- {{id: r{k}, title: T, measure: import-share, when: {{above: 0.5}}}}"))
            .collect();
        format!("rules:\n{}\n", rules.join("\n"))
    };
    vec![
        ("duplicate key", format!("{rule}title: U\nwhen: {{above: 0.5}}\n"), ""),
        ("duplicate id", list(2).replace("r1", "r0"), ""),
        ("wrong type", format!("{rule}when: 0.5\n"), ""),
        ("wrong limit", format!("{rule}when: {{above: 0.5}}\nlimit: many\n"), ""),
        ("negative limit", format!("{rule}when: {{above: 0.5}}\nlimit: -1\n"), ""),
        ("labels of another type", format!("{rule}when: {{above: 0.5}}\nlabels: [a, b]\n"), ""),
        ("tab", format!("{rule}when:\n\tabove: 0.5\n"), ""),
        ("unknown anchor", format!("{rule}when: *line\n"), ""),
        (
            "alias bomb",
            format!(
                "{rule}a: &a [x, x, x, x, x, x, x, x, x, x]\n{}when: {{above: 0.5}}\n",
                ('b'..='j')
                    .map(|name| {
                        let before = char::from_u32(u32::from(name) - 1).unwrap();
                        format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 10].join(", "))
                    })
                    .collect::<String>()
            ),
            "",
        ),
        ("deep list", format!("{rule}when: {}{}\n", "[".repeat(5000), "]".repeat(5000)), ""),
        (
            "deep condition",
            format!(
                "{rule}when: {}above: 0.5{}\n",
                "{not: {".repeat(30).replace("{not: {", "{not: ") + "{",
                "}".repeat(31)
            ),
            "",
        ),
        (
            "very deep condition",
            format!("{rule}when: {}{{above: 0.5}}{}\n", "{not: ".repeat(5000), "}".repeat(5000)),
            "",
        ),
        ("wide condition", format!("{rule}when: {{any: [{}]}}\n", vec!["{above: 0.5}"; 40].join(", ")), ""),
        ("huge file", format!("{rule}when: {{above: 0.5}}\ntext: {}\n", "x".repeat(1 << 20)), ""),
        ("long text", format!("{rule}when: {{above: 0.5}}\ntext: {}\n", "x".repeat(4001)), ""),
        ("long expression", format!("{rule}when: {{cel: '{}true'}}\n", "true && ".repeat(200)), ""),
        (
            "nested expression",
            format!("{rule}when: {{cel: '{}true{}'}}\n", "(".repeat(200), ")".repeat(200)),
            "",
        ),
        ("many negations", format!("{rule}when: {{cel: '{}true'}}\n", "!".repeat(900)), ""),
        ("two documents", format!("{rule}when: {{above: 0.5}}\n---\n{rule}when: {{above: 0.5}}\n"), ""),
        ("json", "{\"id\": \"r\"".to_owned(), ""),
        ("not a mapping", "42\n".to_owned(), ""),
    ]
}

#[test]
fn a_file_that_is_wrong_is_told_where_and_what_to_do() {
    compare(files().into_iter().map(|(name, text, expected)| (name.to_owned(), text, expected)));
}
