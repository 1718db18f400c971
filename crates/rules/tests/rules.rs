//! Rule files: the packs, the schema, and the messages for mistakes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
use orewatch_contracts::alerting::v1::{Rule, condition, span};
use orewatch_contracts::common::v1::{By, Frequency};
use orewatch_contracts::exposure::v1::Subject;
use orewatch_measures::{Method, Side, Weight, methods};
use orewatch_rules::rules::packs::packs;
use orewatch_rules::rules::{CheckedRule, check, parse, schema, warnings};
use serde_json::Value;

const SCHEMA: &str = include_str!("../schema/rule.schema.json");

fn example() -> String {
    "id: r\ntitle: T\nmeasure: import-share\nselect:\n  consumer: [DEU, JPN]\n  material: cobalt\n\
     when:\n  above: 0.65\n  clear: 0.6\n"
        .to_owned()
}

fn parse_one(text: &str) -> Rule {
    let mut rules = parse("rules.yaml", text.as_bytes()).unwrap();
    assert_eq!(rules.len(), 1);
    rules.remove(0)
}

fn pack_rules(name: &str) -> Vec<Rule> {
    let pack = packs().iter().find(|pack| pack.name == name).unwrap();
    parse(pack.name, pack.text.as_bytes()).unwrap()
}

fn subject(measure: &str, consumer: &str, material: &str, stage: &str, supplier: &str) -> Subject {
    let [measure, consumer, material, stage, supplier] =
        [measure, consumer, material, stage, supplier].map(str::to_owned);
    Subject { consumer, material, stage, supplier, measure, by: By::Quantity.into() }
}

#[test]
fn the_committed_schema_is_current() {
    let current = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("OREWATCH_BLESS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/schema/rule.schema.json"), &current).unwrap();
    }
    assert!(current == SCHEMA, "schema/rule.schema.json is not current: run with OREWATCH_BLESS=1");
}

#[test]
fn the_packs_conform_to_the_schema_and_pass_the_checks() {
    let validator = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    for pack in packs() {
        let value: Value = serde_saphyr::from_str(pack.text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", pack.name);
        let rules = pack_rules(pack.name);
        assert!(
            rules
                .iter()
                .all(|rule| rule.pack == pack.name && !rule.text.is_empty() && !rule.owner.is_empty())
        );
    }
    let mut wrong: Value = serde_saphyr::from_str(&example()).unwrap();
    assert!(validator.is_valid(&wrong));
    wrong["wen"] = Value::Null;
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn the_packs_watch_the_intended_subjects() {
    let crma: Vec<_> = pack_rules("crma-2030").iter().map(|rule| check(rule).unwrap()).collect();
    let share = |supplier| subject("import-share/1", "EU27", "magnesium", "refined", supplier);
    assert!(crma[0].watches(&share("CHN")));
    assert!(!crma[0].watches(&share("DEU")), "members are not third countries");
    assert!(!crma[0].watches(&subject("import-share/1", "DEU", "magnesium", "refined", "CHN")));
    assert!(crma[1].watches(&subject("crma-third-country/1", "EU27", "graphite", "mined", "")));
    assert!(crma[2].watches(&subject("crma-extraction/1", "EU27", "graphite", "mined", "")));
    assert!(!crma[2].watches(&subject("crma-extraction/1", "EU27", "graphite", "refined", "")));
    assert!(crma[3].watches(&subject("production-top1/1", "WLD", "antimony", "mined", "")));

    for rule in pack_rules("g7-china") {
        let checked = check(&rule).unwrap();
        let material = &rule.select.as_ref().unwrap().materials[0];
        for consumer in ["G7", "G7-plus", "EU27", "JPN", "MEX"] {
            assert!(checked.watches(&subject("import-share/1", consumer, material, "refined", "CHN")));
        }
        assert!(!checked.watches(&subject("import-share/1", "G7", material, "refined", "USA")));
        let line = checked.condition.line().unwrap();
        assert!((line.at, line.clear) == (0.65, Some(0.6)));
    }
}

#[test]
fn all_notations_are_parsed() {
    let rule = parse_one(&example());
    assert_eq!(rule.select.as_ref().unwrap().consumers, ["DEU", "JPN"]);
    assert_eq!(rule.when.unwrap().line, Some(condition::Line::Above(0.65)));

    let hold = |text: &str| parse_one(&format!("{}hold: {text}\n", example())).hold.unwrap().length.unwrap();
    assert_eq!(hold("{periods: 2}"), span::Length::Periods(2));
    assert_eq!(hold("{seconds: 7}"), span::Length::Seconds(7));
    assert_eq!(hold("30d"), span::Length::Seconds(30 * 86_400));
    assert_eq!(hold("90m"), span::Length::Seconds(5400));

    let bands = |text: &str| {
        let bands = parse_one(&format!("{}severity: {text}\n", example())).severity;
        bands.into_iter().map(|band| (band.severity, band.from)).collect::<Vec<_>>()
    };
    let expected = vec![("high".to_owned(), 0.65), ("critical".to_owned(), 0.8)];
    assert_eq!(bands("{critical: 0.8, high: 0.65}"), expected);
    assert_eq!(bands("[{severity: high, from: 0.65}, {severity: critical, from: 0.8}]"), expected);

    let frequency = |text: &str| parse_one(&format!("{}frequency: {text}\n", example())).frequency();
    assert_eq!(parse_one(&example()).frequency(), Frequency::Unspecified);
    assert_eq!((frequency("annual"), frequency("monthly")), (Frequency::Annual, Frequency::Monthly));
    let confirmed = |text: &str| parse_one(&format!("{}confirmed_by: {text}\n", example())).confirmed_by;
    assert_eq!((confirmed("2"), confirmed("3 sources"), confirmed("2 datasets")), (2, 3, 2));

    let list = "pack: p\nrules:\n- {id: a, title: A, measure: import-hhi, when: {above: 2500}}\n\
        - {id: b, title: B, measure: import-suppliers/1, by: value, when: {below: 3}}\n";
    let rules = parse("p.yaml", list.as_bytes()).unwrap();
    assert_eq!(
        rules.iter().map(|rule| (&*rule.id, &*rule.pack)).collect::<Vec<_>>(),
        [("a", "p"), ("b", "p")]
    );
    assert_eq!(parse("p.yaml", format!("\u{feff}{}", list.replace('\n', "\r\n")).as_bytes()).unwrap(), rules);
}

/// Mistakes: old and new text of the example, location, code, and a part of the hint.
const MISTAKES: &[(&str, &str, &str, &str, &str)] = &[
    ("when:\n", "wen:\n", "r.yaml:7:1", "unknown-field", "when"),
    ("import-share", "import-shar", "r.yaml:3:10", "unknown-measure", "import-share"),
    ("JPN", "JAP", "r.yaml:5:19", "unknown-consumer", ""),
    ("JPN", "jpn", "r.yaml:5:19", "unknown-c", "JPN"),
    ("cobalt", "cobold", "r.yaml:6:13", "unknown-material", "cobalt"),
    ("clear: 0.6", "clear: 0.7", "r.yaml:9:10", "invalid-clear-line", "at most 0.65"),
    ("above: 0.65", "above: 65", "r.yaml:8:10", "out-of-range", "0 to 1"),
    ("above: 0.65", "above: .nan", "r.yaml:8:10", "", ""),
    ("above: 0.65", "above: 0.65\n  below: 0.2", "r.yaml:8:3", "not-exactly-one", "exactly one"),
    ("  above: 0.65\n", "", "r.yaml:8:3", "not-exactly-one", "exactly one"),
    ("id: r", "id: R.1", "r.yaml:1:5", "invalid-id", "lower-case"),
    ("title: T\n", "", "r.yaml:", "missing-field", "title"),
    ("title: T", "title: ''", "r.yaml:2:8", "missing-field", ""),
    ("import-share\n", "import-hhi\nhold: soon\n", "r.yaml:", "invalid-duration", "30d"),
    ("import-share\n", "import-share\nhold: 1y\n", "r.yaml:4:7", "invalid-duration", "30d"),
    ("import-share\n", "import-share\nby: weight\n", "r.yaml:4:5", "unknown-word", "quantity"),
    ("import-share\n", "import-share\nhold: {years: 2}\n", "r.yaml:", "invalid-yaml", ""),
    ("import-share", "import-hhi", "r.yaml:8:10", "", ""),
    (
        "import-share\n",
        "import-share\nseverity: [{severity: a, from: 0.8}, {severity: b, from: 0.7}]\n",
        "r.yaml:4:38",
        "invalid-severity-order",
        "ascending",
    ),
    ("  material: cobalt\n", "  supplier: [CHN, XYZ]\n", "r.yaml:6:19", "unknown-economy", ""),
    ("select:\n", "labels: {'a b': c}\nselect:\n", "r.yaml:4:9", "invalid-label", "letters"),
    ("id: r", "id: [r", "r.yaml:", "invalid-yaml", ""),
    ("select:\n", "frequency: weekly\nselect:\n", "r.yaml:4:12", "unknown-word", "annual or monthly"),
    ("select:\n", "confirmed_by: 1\nselect:\n", "r.yaml:4:15", "out-of-range", "2 or more"),
    ("select:\n", "confirmed_by: 99\nselect:\n", "r.yaml:4:15", "out-of-range", "2 to 16"),
    ("select:\n", "confirmed_by: two\nselect:\n", "r.yaml:4:15", "invalid-count", "`2 sources`"),
    ("select:\n", "confirmed_by: 2 years\nselect:\n", "r.yaml:4:15", "invalid-count", "`2 sources`"),
    (
        "  above: 0.65\n  clear: 0.6\n",
        "  change: percent\n  above: 20\nconfirmed_by: 2\n",
        "r.yaml:10:15",
        "unexpected-field",
        "`above` or `below`",
    ),
    (
        "  above: 0.65\n  clear: 0.6\n",
        "  target: {at_most: 0.65, by: 2030, from: 2024-01}\n",
        "r.yaml:8:43",
        "frequency-mismatch",
        "frequency: monthly",
    ),
    (
        "  above: 0.65\n  clear: 0.6\n",
        "  target: {at_most: 0.65, by: 2030, from: 2024}\nfrequency: monthly\n",
        "r.yaml:8:43",
        "frequency-mismatch",
        "2024-01",
    ),
];

#[test]
fn a_mistake_is_reported_with_location_code_and_hint() {
    let mut wrong = Vec::new();
    for (old, new, location, code, hint) in MISTAKES {
        let text = example().replacen(old, new, 1);
        assert_ne!(text, example(), "{old:?} is in the example");
        if new.contains("import-hhi") && code.is_empty() {
            // 0.65 is a possible, though useless, threshold for an index of 0 to 10000.
            assert!(parse("r.yaml", text.as_bytes()).is_ok());
            continue;
        }
        let failure = parse("r.yaml", text.as_bytes()).expect_err(new);
        let is_located = failure.message.starts_with(location) && failure.code.starts_with(code);
        if !is_located || !failure.hint.contains(hint) {
            wrong.push(format!("{new:?}: {} {failure}", failure.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_list_of_critical_materials_is_resolved_when_the_rule_is_read() {
    let listed = |selected: &str| {
        let text = example().replace("material: cobalt", &format!("material: {selected}"));
        parse("r.yaml", text.as_bytes())
    };
    let materials = |selected: &str| listed(selected).unwrap()[0].select.clone().unwrap().materials;
    let usa = materials("listed(USA-2025)");
    assert!(usa.len() == 47 && usa.contains(&"uranium".to_owned()) && !usa.contains(&"helium".to_owned()));
    let more = materials("[helium, listed(USA-2025), uranium]");
    assert_eq!((more.len(), more[0].as_str()), (47 + 1, "helium"), "uranium is on the list already");
    let failure = listed("[cobalt, listed(USA-2052)]").unwrap_err();
    assert_eq!((&*failure.code, &*failure.value), ("unknown-list", "listed(USA-2052)"));
    assert!(
        failure.hint.contains("did you mean USA-2025?") && failure.hint.contains("KOR-2023"),
        "{failure}"
    );
    assert!(failure.to_string().contains(":6:"), "the line of the selector: {failure}");
}

#[test]
fn a_supplier_is_rejected_for_a_measure_without_suppliers() {
    let text =
        example().replace("import-share", "import-top1").replace("  material: cobalt", "  supplier: CHN");
    let failure = parse("r.yaml", text.as_bytes()).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.field.as_str()), ("unexpected-supplier", "select.suppliers"));
    assert!(failure.message.starts_with("r.yaml:6:13"), "{failure}");
}

/// A rule on a measure, without `by` and supplier.
fn rule_on(method: &Method, line: f64) -> String {
    format!("id: r\ntitle: T\nmeasure: {}\nselect:\n  consumer: EU27\nwhen:\n  above: {line}\n", method.name)
}

#[test]
fn every_measure_can_be_watched() {
    for method in methods() {
        let (min, max) = method.range;
        let inside = if max.is_finite() { f64::midpoint(min, max) } else { min + 1.0 };
        let rule = check(&parse_one(&rule_on(method, inside))).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(rule.rule.measure, method.id);
        let by = if method.weights.contains(&Weight::Quantity) { By::Quantity } else { By::Value };
        assert_eq!(rule.by, by, "{}", method.id);
    }
}

#[test]
fn every_published_threshold_can_be_a_rule() {
    for method in methods() {
        for line in method.lines {
            let text = match line.beyond {
                Side::Above => rule_on(method, line.at),
                Side::Below => rule_on(method, line.at).replace("above", "below"),
            };
            assert!(parse("r.yaml", text.as_bytes()).is_ok(), "{}: {}", method.id, line.name);
        }
    }
}

#[test]
fn an_impossible_threshold_is_rejected_with_the_unit() {
    for method in methods() {
        let outside = if method.range.1.is_finite() { method.range.1 + 1.0 } else { method.range.0 - 1.0 };
        let failure = parse("r.yaml", rule_on(method, outside).as_bytes()).unwrap_err();
        assert_eq!(failure.code, "out-of-range", "{}", method.id);
        assert!(failure.message.contains(method.name), "{failure}");
        let unit = if method.unit == "share" { "0.65 for 65 %" } else { method.unit };
        assert!(failure.hint.contains(unit), "{failure}");
    }
}

#[test]
fn a_weight_or_supplier_that_the_measure_lacks_is_rejected() {
    for method in methods() {
        let line = method.range.0 + 1.0_f64.min((method.range.1 - method.range.0) / 2.0);
        for (weight, word) in [(Weight::Quantity, "quantity"), (Weight::Value, "value")] {
            let text = rule_on(method, line).replace("select:", &format!("by: {word}\nselect:"));
            let read = parse("r.yaml", text.as_bytes());
            assert_eq!(read.is_ok(), method.weights.contains(&weight), "{} by {word}", method.id);
            if let Err(failure) = read {
                assert!(failure.code == "unknown-by" && failure.hint.contains("`by`"), "{failure}");
            }
        }
        let text = rule_on(method, line).replace("EU27", "EU27\n  supplier: CHN");
        assert_eq!(parse("r.yaml", text.as_bytes()).is_ok(), method.has_supplier, "{}", method.id);
    }
}

#[test]
fn files_without_rules_are_rejected() {
    let twice =
        "rules:\n".to_owned() + &"- {id: a, title: A, measure: import-hhi, when: {above: 1}}\n".repeat(2);
    for (bytes, code) in [
        (&b""[..], "empty-file"),
        (b" \n", "empty-file"),
        (b"id: \xff\n", "not-utf8"),
        (b"- 1\n- 2\n", ""),
        (b"rules: []\n", "empty-file"),
        (b"\0\0\0", ""),
        (twice.as_bytes(), "duplicate-id"),
    ] {
        let failure = parse("r.yaml", bytes).unwrap_err();
        let is_located = failure.message.starts_with("r.yaml");
        assert!(failure.code.starts_with(code) && is_located, "{bytes:?}: {failure}");
    }
}

/// The target of a monthly rule may be the end of a year.
#[test]
fn periods_of_another_frequency_are_warned_about() {
    let monthly = |when: &str| {
        let text = format!("id: r\ntitle: T\nmeasure: import-share\nfrequency: monthly\nwhen: {when}\n");
        check(&parse_one(&text)).unwrap()
    };
    let annual = |when: &str| {
        let text = format!("id: r\ntitle: T\nmeasure: import-share\nwhen: {when}\n");
        check(&parse_one(&text)).unwrap()
    };
    let warnings_of = |rule: &CheckedRule| -> Vec<(String, String)> {
        let all = warnings(rule, None);
        all.into_iter().map(|warning| (warning.code, warning.message)).collect()
    };
    assert!(warnings_of(&monthly("{target: {at_most: 0.65, by: 2030, from: 2024-01}}")).is_empty());
    assert!(warnings_of(&monthly("{cel: 'value > 0.5 && period >= \"2024-01\"'}")).is_empty());
    let mismatch = |message: &str| vec![("frequency-mismatch".to_owned(), message.to_owned())];
    let actual = warnings_of(&monthly("{cel: 'value > 0.5 && period != \"2024\"'}"));
    assert_eq!(actual, mismatch("the expression contains 2024, and the rule watches months"));
    let actual = warnings_of(&annual("{all: [{above: 0.5}, {cel: 'period >= \"2024-03\"'}]}"));
    assert_eq!(actual, mismatch("the expression contains 2024-03, and the rule watches years"));
    let nothing = &warnings(&annual("{above: 0.5}"), Some(0))[0];
    assert!(nothing.hint.contains("`frequency: monthly`"), "{nothing:?}");
}
