//! Rule files that are wrong or malicious: each is rejected with location, reason and hint.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
use orewatch_rules::rules::parse;

/// A rule with the given condition.
fn rule_with(when: &str) -> String {
    format!("id: r\ntitle: T\nmeasure: import-share\nselect: {{supplier: CHN}}\nwhen:\n{when}\n")
}

/// Conditions, and the expected result: `CODE MESSAGE | HINT`.
const CONDITIONS: &[(&str, &str)] = &[
    ("  above: high", "invalid-yaml r.yaml:6:10: this is not a number | write a number such as `0.65`"),
    ("  above: [0.5]", "invalid-yaml r.yaml:6:10: one value is expected here | write it without brackets"),
    (
        "  above: 0.5\n  above: 0.6",
        "invalid-yaml r.yaml:7:3: the field \"above\" is written twice | keep one of them",
    ),
    ("  abov: 0.5", "unknown-field r.yaml:6:3: unknown field \"abov\" | did you mean above?"),
    (
        "  above: 0.5\n  change: percent\n  age: {older_than: 1d}",
        "not-exactly-one r.yaml:6:3: the condition has two kinds | use one of `change`, `window`, \
         `top_supplier`, `age`, `target`, `claim`, `cel`, or combine several with `all` or `any`",
    ),
    (
        "  above: 0.5\n  age: {older_than: 1d}",
        "unexpected-field r.yaml:6:3: an age has a line of its own | leave above or below out",
    ),
    (
        "  claim: contradictd",
        "unknown-verdict r.yaml:6:10: \"contradictd\" is not a verdict on a claim | did you mean \
         contradicted?",
    ),
    (
        "  claim: [agrees, wrong-answer]",
        "unknown-verdict r.yaml:6:19: \"wrong-answer\" is not a verdict on a claim | use agrees, \
         agrees-only-with, contradicted, cannot-be-checked",
    ),
    (
        "  claim: []",
        "missing-field r.yaml:6:10: the condition names no verdict | use agrees, agrees-only-with, \
         contradicted, cannot-be-checked",
    ),
    (
        "  claim: contradicted\n  above: 0.5",
        "unexpected-field r.yaml:6:3: a verdict on a claim has a line of its own | leave above or below out",
    ),
    (
        "  claim: contradicted\nhold: {periods: 1}",
        "unexpected-field r.yaml:7:7: a verdict on a claim counts from the release that changes it, \
         without hold | leave `hold` out",
    ),
    (
        "  age: {older_than: soon}",
        "invalid-duration r.yaml:6:21: \"soon\" is not a duration | write a number with `s`, `m`, `h`, \
         `d` or `w`, such as `30d`",
    ),
    (
        "  age: {older_than: 0s}",
        "missing-field r.yaml:6:8: the age has no length | write, for example, `older_than: 400d`",
    ),
    (
        "  above: 1.5\n  change: {over: 2}",
        "out-of-range r.yaml:6:10: 1.5 is outside the range of a change of import-share | use -1 to 1: it \
         is a share of one, 0.65 for 65 %",
    ),
    (
        "  below: -150\n  change: percent",
        "out-of-range r.yaml:6:10: -150 is outside the range of a change of import-share | use a number \
         from -100 on: it is in percent, 20 for a fifth more",
    ),
    (
        "  above: 1\n  change: {over: 500}",
        "out-of-range r.yaml:7:18: 500 periods are too far back | use 1 to 120",
    ),
    (
        "  above: 1\n  change: often",
        "invalid-yaml r.yaml:7:11: expected `absolute`, `percent` or `{over: 3, in: percent}` | ",
    ),
    (
        "  above: 0.1\n  window: {periods: 1}",
        "out-of-range r.yaml:7:21: a window cannot have 1 periods | use 2 to 120 periods",
    ),
    (
        "  above: 0.1\n  window: {periods: 4, of: mode}",
        "unknown-word r.yaml:7:28: \"mode\" is not known here | use median or mean",
    ),
    (
        "  above: 0.1\n  window: {periods: 4, minimum: -1}",
        "out-of-range r.yaml:7:33: the minimum cannot be -1 | use a number from 0 on, in the measure's unit",
    ),
    (
        "  top_supplier: switched",
        "unsupported-measure r.yaml:6:17: import-share is about one supplier and does not name the \
         largest | watch one of crma-third-country, import-top1, import-top3, lookthrough-top1, n1-cover, \
        production-top1, production-top3",
    ),
    ("  top_supplier: {is: new, share: 2}", "out-of-range r.yaml:6:34: the share cannot be 2 | use 0 to 1"),
    (
        "  target: {by: 2030, from: 2020}",
        "not-exactly-one r.yaml:6:11: the target has no goal | give exactly one of `at_most` and `at_least`",
    ),
    (
        "  target: {at_most: 0.6, by: 2020, from: 2030}",
        "end-before-start r.yaml:6:42: the path begins in 2030 and ends in 2020 | begin the path before 2020",
    ),
    (
        "  target: {at_most: 65, by: 2030, from: 2020}",
        "out-of-range r.yaml:6:21: 65 is outside the range of import-share | use 0 to 1: it is a share of \
         one, 0.65 for 65 %",
    ),
    (
        "  target: {at_most: 0.6, by: someday, from: 2020}",
        "invalid-period r.yaml:6:30: \"someday\" is not a period | write a year such as `2030` or a month \
         such as `2030-06`",
    ),
    ("  all: []", "empty-combination r.yaml:6:8: when.all has no condition | list at least one condition"),
    (
        "  all:\n  - above: 0.5\n  - {measure: production-hii, above: 5000}",
        "unknown-measure r.yaml:8:15: unknown measure \"production-hii\" | did you mean production-hhi?",
    ),
    (
        "  all:\n  - above: 0.5\n  - {measure: production-hhi, above: 0.5, by: price}",
        "unknown-word r.yaml:8:47: \"price\" is not known here | use quantity or value",
    ),
    (
        "  all:\n  - above: 0.5\n  - {measure: production-hhi, above: 20000}",
        "out-of-range r.yaml:8:38: 20000 is outside the range of production-hhi | use 0 to 10000: it is \
         in hhi",
    ),
    (
        "  any:\n  - {above: 0.5, consumer: GER}",
        "unknown-consumer r.yaml:7:28: unknown consumer `GER` | write an ISO 3166-1 alpha-3 code, a bloc \
         such as G7 or EU27, or WLD",
    ),
    (
        "  any:\n  - {above: 0.5, consumer: deu}",
        "unknown-consumer r.yaml:7:28: unknown consumer `deu` | did you mean DEU (Germany)?",
    ),
    (
        "  any:\n  - {above: 0.5, stage: smelted}",
        "unknown-stage r.yaml:7:25: unknown stage `smelted` | write mined, refined or manufactured",
    ),
    (
        "  not: {above: 0.5, below: 0.4}",
        "not-exactly-one r.yaml:6:8: the rule has two lines | give exactly one of `above` and `below`",
    ),
    (
        "  not: {}",
        "not-exactly-one r.yaml:6:8: the rule has no line | give exactly one of `above` and `below`",
    ),
    (
        "  measure: import-hhi\n  above: 0.5",
        "unexpected-field r.yaml:6:12: `measure` is only for parts of a combination | for the \
         rule itself use `measure`, `by` and `select`",
    ),
    (
        "  all: [{measure: import-top1, supplier: CHN, above: 0.5}]",
        "unexpected-supplier r.yaml:6:42: import-top1 has no supplier | leave the supplier out",
    ),
    ("  cel: ''", "invalid-cel r.yaml:6:9: the expression is empty | write, for example, `value > 0.65`"),
    ("  cel: value >", "invalid-cel r.yaml:6:15: the end is not expected here | "),
    (
        "  cel: \"value > 0.5 && vlue < 1\"",
        "invalid-cel r.yaml:6:24: unknown name \"vlue\" | did you mean value?",
    ),
    ("  cel: 'value > 0.5 && (previous(1) < 0.5'", "invalid-cel r.yaml:6:42: missing ')' at the end | "),
    (
        "  cel: |\n    value > 0.5 &&\n    previous(0) < 0.5",
        "invalid-cel r.yaml:8:5: previous takes a literal number of periods, 1 to 120 | write, \
         for example, `previous(1)`",
    ),
    (
        "  cel: value",
        "invalid-cel r.yaml:6:8: the expression gives a float, not true or false | compare it with \
         something, such as `value > 0.65`",
    ),
    ("  cel: value > 'high'", "invalid-cel r.yaml:6:8: `>` cannot be applied to double and string | "),
    (
        "  cel: now() > 5",
        "invalid-cel r.yaml:6:8: unknown function \"now\" | use one of contains, double, endsWith, \
         int, size, startsWith, measure, previous",
    ),
    ("  cel: valeu > 0.5", "invalid-cel r.yaml:6:8: unknown name \"valeu\" | did you mean value?"),
    (
        "  cel: matches(period, '.*')",
        "invalid-cel r.yaml:6:8: unknown function \"matches\" | use one of contains, double, \
         endsWith, int, size, startsWith, measure, previous",
    ),
    (
        "  cel: measure('import-hii') > 2500.0",
        "invalid-cel r.yaml:6:8: unknown measure \"import-hii\" | did you mean import-hhi?",
    ),
    (
        "  cel: measure('import-hhi', 'GER') > 2500.0",
        "invalid-cel r.yaml:6:8: unknown consumer `GER` | write an ISO 3166-1 alpha-3 code, a bloc such as \
         G7 or EU27, or WLD",
    ),
    (
        "  cel: measure(period) > 2500.0",
        "invalid-cel r.yaml:6:8: measure takes the name of a measure, and a consumer if it is not the \
         subject's | write, for example, `measure(\"production-hhi\", \"WLD\")`",
    ),
    (
        "  cel: value.exact > 0.5",
        "invalid-cel r.yaml:6:13: there is no field \"exact\": figures are plain numbers | ",
    ),
    (
        "  cel: \"{'a': value}.a > 0.5\"",
        "invalid-cel r.yaml:6:21: there is no field \"a\": figures are plain numbers | ",
    ),
    (
        "  cel: period.all(c, true)",
        "invalid-cel r.yaml:6:18: `all`, `exists`, `map` and `filter` need `series` or a list \
         literal | ",
    ),
    (
        "  cel: series.all(a, series.all(b, series.all(c, a + b + c > 0.5)))",
        "invalid-cel r.yaml:6:8: the expression may take 156868 steps, the limit is 10000 | nest fewer \
         `all`, `exists`, `map` and `filter`",
    ),
];

/// Result of parsing a rule file; empty if it is valid.
fn result_of(text: &str) -> String {
    match parse("r.yaml", text.as_bytes()) {
        Ok(_) => String::new(),
        Err(failure) => format!("{} {} | {}", failure.code, failure.message, failure.hint),
    }
}

fn compare(cases: impl Iterator<Item = (String, String, &'static str)>) {
    let wrong: Vec<String> = cases
        .filter_map(|(name, text, expected)| {
            let result = result_of(&text);
            (result != expected).then(|| format!("({name:?}, {result:?}),"))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_wrong_condition_is_reported_with_location_and_hint() {
    compare(CONDITIONS.iter().map(|(when, expected)| ((*when).to_owned(), rule_with(when), *expected)));
}

/// A case: name, text and expected result.
type FileCase = (&'static str, String, &'static str);

/// A rule without a condition.
const RULE: &str = "id: r\ntitle: T\nmeasure: import-share\n";

/// Files with wrong fields or values.
fn files_with_wrong_fields() -> Vec<FileCase> {
    vec![
        (
            "duplicate id",
            "rules:\n".to_owned()
                + &"- {id: r0, title: T, measure: import-share, when: {above: 0.5}}\n".repeat(2),
            "duplicate-id r.yaml:3:8: rule r0 is listed twice | give each rule an identifier of its own",
        ),
        (
            "wrong limit",
            format!("{RULE}when: {{above: 0.5}}\nlimit: many\n"),
            "invalid-yaml r.yaml:5:8: this is not a whole number from 0 on | write a number such as `2`",
        ),
        (
            "negative limit",
            format!("{RULE}when: {{above: 0.5}}\nlimit: -1\n"),
            "invalid-yaml r.yaml:5:8: this is not a whole number from 0 on | write a number such as `2`",
        ),
        (
            "labels of another type",
            format!("{RULE}when: {{above: 0.5}}\nlabels: [a, b]\n"),
            "invalid-yaml r.yaml:5:9: fields are expected here | write `name: value`",
        ),
    ]
}

/// Files that are not the expected YAML.
fn files_with_wrong_yaml() -> Vec<FileCase> {
    vec![
        (
            "duplicate key",
            format!("{RULE}title: U\nwhen: {{above: 0.5}}\n"),
            "invalid-yaml r.yaml:4:1: the field \"title\" is written twice | keep one of them",
        ),
        (
            "wrong type",
            format!("{RULE}when: 0.5\n"),
            "invalid-yaml r.yaml:4:7: fields are expected here | write `name: value`",
        ),
        (
            "tab",
            format!("{RULE}when:\n\tabove: 0.5\n"),
            "invalid-yaml r.yaml:5:2: a tab is used where only spaces may be | indent with spaces",
        ),
        (
            "unknown anchor",
            format!("{RULE}when: *line\n"),
            "invalid-yaml r.yaml:4:7: the alias has no anchor | write the value itself",
        ),
        (
            "two documents",
            format!("{RULE}when: {{above: 0.5}}\n---\n{RULE}when: {{above: 0.5}}\n"),
            "invalid-yaml r.yaml:6:1: a second document begins here | list several rules under `rules:`",
        ),
        (
            "not a mapping",
            "42\n".to_owned(),
            "invalid-yaml r.yaml:1:1: fields are expected here | write `name: value`",
        ),
    ]
}

/// Files with deep nesting.
fn nested_files() -> Vec<FileCase> {
    vec![
        (
            "alias bomb",
            format!(
                "{RULE}a: &a [x, x, x, x, x, x, x, x, x, x]\n{}when: {{above: 0.5}}\n",
                ('b'..='j')
                    .map(|name| {
                        let before = char::from_u32(u32::from(name) - 1).unwrap();
                        format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 10].join(", "))
                    })
                    .collect::<String>()
            ),
            "unknown-field r.yaml:4:1: unknown field \"a\" | use one of id, title, measure, by, select, \
             when, hold, keep_firing, no_data, severity, limit, frequency, confirmed_by, confirm, \
             min_quantity, min_value, labels, owner, text",
        ),
        (
            "deep list",
            format!("{RULE}when: {}{}\n", "[".repeat(5000), "]".repeat(5000)),
            "invalid-yaml r.yaml:4:7: fields are expected here | write `name: value`",
        ),
        (
            "deep condition",
            format!(
                "{RULE}when: {}above: 0.5{}\n",
                "{not: {".repeat(30).replace("{not: {", "{not: ") + "{",
                "}".repeat(31)
            ),
            "too-deep r.yaml:4:61: conditions are nested more than 8 deep | nest them less",
        ),
        (
            "very deep condition",
            format!("{RULE}when: {}{{above: 0.5}}{}\n", "{not: ".repeat(5000), "}".repeat(5000)),
            "invalid-yaml r.yaml:4:289: the text is nested too deep | nest it less",
        ),
        (
            "nested expression",
            format!("{RULE}when: {{cel: '{}true{}'}}\n", "(".repeat(200), ")".repeat(200)),
            "invalid-cel r.yaml:4:38: the expression is nested more than 24 deep | nest it less",
        ),
        (
            "many negations",
            format!("{RULE}when: {{cel: '{}true'}}\n", "!".repeat(900)),
            "invalid-cel r.yaml:4:38: the expression is nested more than 24 deep | nest it less",
        ),
        (
            "long list",
            format!("{RULE}when:\n  {}above: 0.5\n", "- ".repeat(5000)),
            "invalid-yaml r.yaml:5:3: fields are expected here | write `name: value`",
        ),
        ("json", "{\"id\": \"r\"".to_owned(), "invalid-yaml r.yaml:1:1: unclosed bracket '{' | "),
    ]
}

/// Files with too many or too long parts.
fn long_files() -> Vec<FileCase> {
    vec![
        (
            "wide condition",
            format!("{RULE}when: {{any: [{}]}}\n", vec!["{above: 0.5}"; 40].join(", ")),
            "too-many r.yaml:4:448: the condition has more than 32 parts | split it into several rules",
        ),
        (
            "huge file",
            format!("{RULE}when: {{above: 0.5}}\ntext: {}\n", "x".repeat(1 << 20)),
            "file-too-large r.yaml has 1048639 bytes, the limit is 1048576 | split it into several files",
        ),
        (
            "long text",
            format!("{RULE}when: {{above: 0.5}}\ntext: {}\n", "x".repeat(4001)),
            "too-long r.yaml:5:7: text has 4001 characters, the limit is 4000 | ",
        ),
        (
            "long expression",
            format!("{RULE}when: {{cel: '{}true'}}\n", "true && ".repeat(200)),
            "invalid-cel r.yaml:4:1014: the expression has 1604 characters, the limit is 1000 | ",
        ),
        (
            "long sum",
            format!("{RULE}when: {{cel: '{}1 > 0'}}\n", "1+".repeat(450)),
            "invalid-cel r.yaml:4:215: the expression has more than 100 characters of operators | split it \
             into several conditions, combined with `all` or `any`",
        ),
    ]
}

#[test]
fn a_wrong_file_is_reported_with_location_and_hint() {
    let files = [files_with_wrong_fields(), files_with_wrong_yaml(), nested_files(), long_files()];
    let files = files.into_iter().flatten();
    compare(files.map(|(name, text, expected)| (name.to_owned(), text, expected)));
}

#[test]
fn the_step_limit_covers_growing_lists_and_texts() {
    // Each `map` doubles a list or a text.
    for start in ["[series]", "[period]", "[[1.0]]", "['CHN']"] {
        let doubled = ".map(p, p + p)".repeat(20);
        let result = result_of(&rule_with(&format!("  cel: \"size({start}{doubled}) > 0\"")));
        assert!(result.contains("steps, the limit is 10000"), "{start}: {result}");
    }
    for harmless in
        ["series.map(a, a + a).all(b, b > 0.0)", "['2023', '2024'].exists(p, period.startsWith(p))"]
    {
        assert_eq!(result_of(&rule_with(&format!("  cel: \"{harmless}\""))), "", "{harmless}");
    }
}
