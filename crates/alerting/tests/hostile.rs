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
    ("  above: high", "malformed-yaml r.yaml:6:10: this is no number | write a number such as `0.65`"),
    ("  above: [0.5]", "malformed-yaml r.yaml:6:10: one value is expected here | write it without brackets"),
    (
        "  above: 0.5\n  above: 0.6",
        "malformed-yaml r.yaml:7:3: the field \"above\" is written twice | keep one of them",
    ),
    ("  abov: 0.5", "unknown-field r.yaml:6:3: unknown field \"abov\" | did you mean above?"),
    (
        "  above: 0.5\n  change: percent\n  age: {older_than: 1d}",
        "one-kind r.yaml:6:3: the condition is of two kinds | use one of `change`, `window`, `top_supplier`, `age`, `target`, `cel`, or combine several by `all` or `any`",
    ),
    (
        "  above: 0.5\n  age: {older_than: 1d}",
        "misplaced-line r.yaml:6:3: an age has a line of its own | leave above or below out",
    ),
    (
        "  age: {older_than: soon}",
        "invalid-duration r.yaml:6:21: \"soon\" is no duration | write a number with `s`, `m`, `h`, `d` or `w`, such as `30d`",
    ),
    (
        "  age: {older_than: 0s}",
        "missing-length r.yaml:6:8: the age has no length | say, for example, `older_than: 400d`",
    ),
    (
        "  above: 1.5\n  change: {over: 2}",
        "out-of-range r.yaml:6:10: 1.5 is outside of what a change of import-share can be | use -1 to 1: it is a share of one, 0.65 for 65 %",
    ),
    (
        "  below: -150\n  change: percent",
        "out-of-range r.yaml:6:10: -150 is outside of what a change of import-share can be | use a number from -100 on: it is in percent, 20 for a fifth more",
    ),
    (
        "  above: 1\n  change: {over: 500}",
        "out-of-range r.yaml:7:18: 500 periods are too far back | use 1 to 120",
    ),
    (
        "  above: 1\n  change: often",
        "malformed-yaml r.yaml:7:11: expected `absolute`, `percent` or `{over: 3, in: percent}` | ",
    ),
    (
        "  above: 0.1\n  window: {periods: 1}",
        "window-length r.yaml:7:21: a window of 1 periods says nothing | use 2 to 120 periods",
    ),
    (
        "  above: 0.1\n  window: {periods: 4, of: mode}",
        "unknown-word r.yaml:7:28: \"mode\" is not known here | use median or mean",
    ),
    (
        "  above: 0.1\n  window: {periods: 4, minimum: -1}",
        "out-of-range r.yaml:7:33: -1 is no minimum | use a number from 0 on, in the measure's unit",
    ),
    (
        "  top_supplier: switched",
        "no-suppliers r.yaml:6:17: import-share is about one supplier and does not say who is the largest | watch one of crma-third-country, import-top1, import-top3, lookthrough-top1, n1-cover, production-top1, production-top3",
    ),
    (
        "  top_supplier: {is: new, share: 2}",
        "out-of-range r.yaml:6:34: 2 is no share from which on a supplier counts here | use 0 to 1",
    ),
    (
        "  target: {by: 2030, from: 2020}",
        "one-goal r.yaml:6:11: the target has no goal | give exactly one of `at_most` and `at_least`",
    ),
    (
        "  target: {at_most: 0.6, by: 2020, from: 2030}",
        "target-order r.yaml:6:42: the path begins in 2030 and ends in 2020 | let it begin before 2020",
    ),
    (
        "  target: {at_most: 65, by: 2030, from: 2020}",
        "out-of-range r.yaml:6:21: 65 is outside of what import-share can be | use 0 to 1: it is a share of one, 0.65 for 65 %",
    ),
    (
        "  target: {at_most: 0.6, by: someday, from: 2020}",
        "invalid-period r.yaml:6:30: \"someday\" is no period | write a year such as `2030` or a month such as `2030-06`",
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
        "out-of-range r.yaml:8:38: 20000 is outside of what production-hhi can be | use 0 to 10000: it is in hhi",
    ),
    (
        "  any:\n  - {above: 0.5, consumer: GER}",
        "unknown-consumer r.yaml:7:28: unknown consumer `GER` | write an ISO 3166-1 alpha-3 code, a bloc such as G7 or EU27, or WLD",
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
        "one-line r.yaml:6:8: the rule has two lines | give exactly one of `above` and `below`",
    ),
    ("  not: {}", "one-line r.yaml:6:8: the rule has no line | give exactly one of `above` and `below`"),
    (
        "  measure: import-hhi\n  above: 0.5",
        "misplaced-field r.yaml:6:12: measure belongs to a part of a combination | a rule says it by `measure`, `by` and `select`",
    ),
    (
        "  all: [{measure: import-top1, supplier: CHN, above: 0.5}]",
        "no-supplier r.yaml:6:42: import-top1 has no supplier to look at | leave the supplier out",
    ),
    ("  cel: ''", "invalid-cel r.yaml:6:9: the expression is empty | say, for example, `value > 0.65`"),
    ("  cel: value >", "invalid-cel r.yaml:6:15: the end cannot stand here | "),
    (
        "  cel: \"value > 0.5 && vlue < 1\"",
        "invalid-cel r.yaml:6:24: \"vlue\" stands for nothing here | did you mean value?",
    ),
    ("  cel: 'value > 0.5 && (previous(1) < 0.5'", "invalid-cel r.yaml:6:42: missing ')' at the end | "),
    (
        "  cel: |\n    value > 0.5 &&\n    previous(0) < 0.5",
        "invalid-cel r.yaml:8:5: previous takes a number of periods that is written out, 1 to 120 | say, for example, `previous(1)`",
    ),
    (
        "  cel: value",
        "invalid-cel r.yaml:6:8: the expression gives a float, not yes or no | compare it with something, such as `value > 0.65`",
    ),
    ("  cel: value > 'high'", "invalid-cel r.yaml:6:8: `>` cannot be applied to double and string | "),
    (
        "  cel: now() > 5",
        "invalid-cel r.yaml:6:8: there is no function \"now\" here | there are contains, double, endsWith, int, size, startsWith, measure, previous",
    ),
    ("  cel: valeu > 0.5", "invalid-cel r.yaml:6:8: \"valeu\" stands for nothing here | did you mean value?"),
    (
        "  cel: matches(period, '.*')",
        "invalid-cel r.yaml:6:8: there is no function \"matches\" here | there are contains, double, endsWith, int, size, startsWith, measure, previous",
    ),
    (
        "  cel: measure('import-hii') > 2500.0",
        "invalid-cel r.yaml:6:8: unknown measure \"import-hii\" | did you mean import-hhi?",
    ),
    (
        "  cel: measure('import-hhi', 'GER') > 2500.0",
        "invalid-cel r.yaml:6:8: unknown consumer `GER` | write an ISO 3166-1 alpha-3 code, a bloc such as G7 or EU27, or WLD",
    ),
    (
        "  cel: measure(period) > 2500.0",
        "invalid-cel r.yaml:6:8: measure takes the name of a measure, and a consumer if it is not the subject's | say, for example, `measure(\"production-hhi\", \"WLD\")`",
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
        "invalid-cel r.yaml:6:18: `all`, `exists`, `map` and `filter` need `series` or a list that is written out | ",
    ),
    (
        "  cel: series.all(a, series.all(b, series.all(c, a + b + c > 0.5)))",
        "invalid-cel r.yaml:6:8: the expression may take 156868 steps, the limit is 10000 | nest fewer `all`, `exists`, `map` and `filter`",
    ),
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
        (
            "duplicate key",
            format!("{rule}title: U\nwhen: {{above: 0.5}}\n"),
            "malformed-yaml r.yaml:4:1: the field \"title\" is written twice | keep one of them",
        ),
        (
            "duplicate id",
            list(2).replace("r1", "r0"),
            "duplicate-id r.yaml:3:8: rule r0 is listed twice | give each rule an identifier of its own",
        ),
        (
            "wrong type",
            format!("{rule}when: 0.5\n"),
            "malformed-yaml r.yaml:4:7: fields are expected here | write `name: value`",
        ),
        (
            "wrong limit",
            format!("{rule}when: {{above: 0.5}}\nlimit: many\n"),
            "malformed-yaml r.yaml:5:8: this is no whole number from 0 on | write a number such as `2`",
        ),
        (
            "negative limit",
            format!("{rule}when: {{above: 0.5}}\nlimit: -1\n"),
            "malformed-yaml r.yaml:5:8: this is no whole number from 0 on | write a number such as `2`",
        ),
        (
            "labels of another type",
            format!("{rule}when: {{above: 0.5}}\nlabels: [a, b]\n"),
            "malformed-yaml r.yaml:5:9: fields are expected here | write `name: value`",
        ),
        (
            "tab",
            format!("{rule}when:\n\tabove: 0.5\n"),
            "malformed-yaml r.yaml:5:2: a tab stands where only spaces may | indent by spaces",
        ),
        (
            "unknown anchor",
            format!("{rule}when: *line\n"),
            "malformed-yaml r.yaml:4:7: the alias names no anchor | write the value out",
        ),
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
            "unknown-field r.yaml:4:1: unknown field \"a\" | there are id, title, measure, by, select, when, hold, keep_firing, no_data, severity, limit, frequency, confirmed_by, labels, owner, text",
        ),
        (
            "deep list",
            format!("{rule}when: {}{}\n", "[".repeat(5000), "]".repeat(5000)),
            "malformed-yaml r.yaml:4:7: fields are expected here | write `name: value`",
        ),
        (
            "deep condition",
            format!(
                "{rule}when: {}above: 0.5{}\n",
                "{not: {".repeat(30).replace("{not: {", "{not: ") + "{",
                "}".repeat(31)
            ),
            "too-deep r.yaml:4:61: conditions are nested more than 8 deep | write them flatter",
        ),
        (
            "very deep condition",
            format!("{rule}when: {}{{above: 0.5}}{}\n", "{not: ".repeat(5000), "}".repeat(5000)),
            "malformed-yaml r.yaml:4:289: the text is nested too deep | write it flatter",
        ),
        (
            "wide condition",
            format!("{rule}when: {{any: [{}]}}\n", vec!["{above: 0.5}"; 40].join(", ")),
            "too-many r.yaml:4:448: the condition has more than 32 parts | split it into several rules",
        ),
        (
            "huge file",
            format!("{rule}when: {{above: 0.5}}\ntext: {}\n", "x".repeat(1 << 20)),
            "file-too-large r.yaml has 1048639 bytes, the limit is 1048576 | split it into several files",
        ),
        (
            "long text",
            format!("{rule}when: {{above: 0.5}}\ntext: {}\n", "x".repeat(4001)),
            "too-long r.yaml:5:7: text has 4001 characters, the limit is 4000 | ",
        ),
        (
            "long expression",
            format!("{rule}when: {{cel: '{}true'}}\n", "true && ".repeat(200)),
            "invalid-cel r.yaml:4:1014: the expression has 1604 characters, the limit is 1000 | ",
        ),
        (
            "nested expression",
            format!("{rule}when: {{cel: '{}true{}'}}\n", "(".repeat(200), ")".repeat(200)),
            "invalid-cel r.yaml:4:38: the expression is nested more than 24 deep | write it flatter",
        ),
        (
            "many negations",
            format!("{rule}when: {{cel: '{}true'}}\n", "!".repeat(900)),
            "invalid-cel r.yaml:4:38: the expression is nested more than 24 deep | write it flatter",
        ),
        (
            "long sum",
            format!("{rule}when: {{cel: '{}1 > 0'}}\n", "1+".repeat(450)),
            "invalid-cel r.yaml:4:215: the expression has more than 100 characters of operators | split it into several conditions, combined by `all` or `any`",
        ),
        (
            "long list",
            format!("{rule}when:\n  {}above: 0.5\n", "- ".repeat(5000)),
            "malformed-yaml r.yaml:5:3: fields are expected here | write `name: value`",
        ),
        (
            "two documents",
            format!("{rule}when: {{above: 0.5}}\n---\n{rule}when: {{above: 0.5}}\n"),
            "malformed-yaml r.yaml:6:1: a second document begins here | list several rules under `rules:`",
        ),
        ("json", "{\"id\": \"r\"".to_owned(), "malformed-yaml r.yaml:1:1: unclosed bracket '{' | "),
        (
            "not a mapping",
            "42\n".to_owned(),
            "malformed-yaml r.yaml:1:1: fields are expected here | write `name: value`",
        ),
    ]
}

#[test]
fn a_file_that_is_wrong_is_told_where_and_what_to_do() {
    compare(files().into_iter().map(|(name, text, expected)| (name.to_owned(), text, expected)));
}
