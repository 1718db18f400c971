//! Settings: precedence of flags, environment and file, and their errors.
use std::path::Path;

use orewatch_contracts::{Class, Failure};
use orewatch_runtime::{Key, Settings};

const KEYS: &[Key] = &[
    Key::new("listen"),
    Key::new("log-level"),
    Key::new("shutdown-budget"),
    Key::new("otlp-endpoint").shared("OTEL_EXPORTER_OTLP_ENDPOINT"),
];

fn settings(
    flags: &[(&'static str, &str)],
    environment: &[(&str, &str)],
    file: Option<&str>,
) -> Result<Settings, Failure> {
    Settings::new(
        KEYS,
        flags.iter().map(|(key, value)| (*key, (*value).to_owned())),
        environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
        file.map(|text| (Path::new("orewatch.toml"), text)),
    )
}

#[test]
fn flags_come_before_environment_before_file() {
    let file = Some("listen = 'file'\nlog-level = 'file'\nshutdown-budget = 3");
    let environment = [("OREWATCH_LISTEN", "environment"), ("OREWATCH_LOG_LEVEL", "environment")];
    let all = settings(&[("listen", "flag")], &environment, file).unwrap();
    assert_eq!(all.get::<String>("listen").unwrap().unwrap(), "flag");
    assert_eq!(all.get::<String>("log-level").unwrap().unwrap(), "environment");
    assert_eq!(all.get::<u32>("shutdown-budget").unwrap(), Some(3));
    assert_eq!(all.get::<String>("otlp-endpoint").unwrap(), None);
}

#[test]
fn all_values_are_listed_with_their_sources_and_sections_without_theirs() {
    let keys = [Key::new("listen"), Key::section("poll")];
    let file = "[[poll]]\nname = \"un\"\nkey = \"planted-secret\"\n";
    let environment = [("OREWATCH_LISTEN".to_owned(), "127.0.0.1:1".to_owned())];
    let all = Settings::new(&keys, [], environment, Some((Path::new("orewatch.toml"), file))).unwrap();
    let listed: Vec<_> =
        all.entries().map(|(key, source, value)| format!("{key} {source} {value:?}")).collect();
    assert_eq!(
        listed,
        [
            "listen environment variable OREWATCH_LISTEN Some(\"127.0.0.1:1\")",
            "poll key poll in orewatch.toml None"
        ]
    );
}

#[test]
fn a_variable_of_ours_comes_before_the_shared_one() {
    let shared = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://shared:4317");
    let only = settings(&[], &[shared], None).unwrap();
    assert_eq!(only.get::<String>("otlp-endpoint").unwrap().unwrap(), "http://shared:4317");
    let both = settings(&[], &[shared, ("OREWATCH_OTLP_ENDPOINT", "http://own:4317")], None).unwrap();
    assert_eq!(both.get::<String>("otlp-endpoint").unwrap().unwrap(), "http://own:4317");
}

#[test]
fn a_wrong_value_names_key_source_and_value() {
    let cases = [
        (settings(&[("shutdown-budget", "soon")], &[], None), "flag --shutdown-budget"),
        (
            settings(&[], &[("OREWATCH_SHUTDOWN_BUDGET", "soon")], None),
            "environment variable OREWATCH_SHUTDOWN_BUDGET",
        ),
        (settings(&[], &[], Some("shutdown-budget = 'soon'")), "key shutdown-budget in orewatch.toml"),
    ];
    for (settings, source) in cases {
        let failure = settings.unwrap().get::<u32>("shutdown-budget").unwrap_err();
        assert_eq!(failure.class, Class::Invalid);
        assert!(failure.message.contains(source), "{failure}");
        assert_eq!((failure.field.as_str(), failure.value.as_str()), ("shutdown-budget", "soon"));
    }
}

#[test]
fn an_unknown_key_is_refused_with_a_suggestion() {
    let typo = settings(&[], &[], Some("lisen = 'x'")).unwrap_err();
    assert_eq!((typo.value.as_str(), typo.hint.as_str()), ("lisen", "did you mean listen?"));
    let alien = settings(&[], &[], Some("colour = 'x'")).unwrap_err();
    assert!(alien.hint.contains("listen, log-level"), "{alien}");
    let variable = settings(&[], &[("OREWATCH_LISTN", "x")], None).unwrap_err();
    assert!(variable.hint.contains("OREWATCH_LISTEN"), "{variable}");
}

#[test]
fn variables_of_other_programs_are_ignored() {
    settings(&[], &[("OREWATCH_PORT_50051_TCP_ADDR", "10.0.0.1"), ("HOME", "/")], None).unwrap();
}

#[test]
fn a_file_that_is_not_toml_or_holds_a_table_is_refused() {
    for text in ["listen", "listen = {a = 1}", "[listen]\na = 1"] {
        let failure = settings(&[], &[], Some(text)).unwrap_err();
        assert_eq!(failure.class, Class::Invalid);
        assert!(failure.message.contains("orewatch.toml"), "{failure}");
    }
}
