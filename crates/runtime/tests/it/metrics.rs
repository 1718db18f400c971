//! Metrics: every one that is promised is there, their series are bounded, and what is recorded is exported.
use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use orewatch_runtime::metrics::{Kind, Metrics, OTHER, Unit, Values, catalogue};

fn now() -> Timestamp {
    Timestamp::from_second(1_000_000).unwrap()
}

/// The lines of a page that have a sample of a metric.
fn samples<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let is_own = |line: &&str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
    };
    page.lines().filter(is_own).collect()
}

#[test]
fn names_and_labels_follow_the_conventions() {
    let names: BTreeSet<&str> = catalogue::ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), catalogue::ALL.len(), "a name is used twice");
    for metric in catalogue::ALL {
        let name = metric.name;
        let is_word = |text: &str| text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
        assert!(name.starts_with("orewatch_") && is_word(name), "{name}");
        assert_eq!(
            name.ends_with("_total"),
            metric.kind == Kind::Counter,
            "{name}: counters end with _total"
        );
        assert_eq!(name.ends_with("_seconds"), metric.unit == Unit::Seconds, "{name}: the unit comes last");
        assert!(metric.help().ends_with('.') && metric.help().len() > 20, "{name}: {}", metric.help());
        assert!(!metric.services.is_empty(), "{name}");
        for label in metric.labels {
            assert!(is_word(label.name) && label.name != "le", "{name}: {}", label.name);
            assert!(!["subject", "alert", "rule", "release", "consumer"].contains(&label.name), "{name}");
            if let Values::Listed(values) = label.values {
                assert!(!values.contains(&OTHER), "{name}");
            }
        }
    }
}

#[test]
fn no_metric_can_have_series_without_end() {
    for metric in catalogue::ALL {
        let series: usize = metric.labels.iter().map(|label| label.values.max_count()).product();
        let lines = match metric.kind {
            Kind::Histogram(bounds) => series * (bounds.len() + 3),
            _ => series,
        };
        assert!(lines <= 5_000, "{} may have {lines} lines", metric.name);
    }
}

#[test]
fn each_service_lists_every_metric_that_it_promises_and_no_other() {
    for service in ["ingestion", "exposure", "alerting"] {
        let page = Metrics::for_services(&[service]).page(now());
        for metric in catalogue::ALL {
            let is_listed = page.contains(&format!("# TYPE {} {}\n", metric.name, metric.kind.type_name()));
            assert_eq!(is_listed, metric.services.contains(&service), "{service}: {}", metric.name);
        }
    }
}

#[test]
fn ten_thousand_datasets_make_a_hundred_series_and_the_worst_of_the_rest() {
    let metrics = Metrics::default();
    let name = |number: i64| format!("dataset-{number:05}");
    let time = |number: i64| Timestamp::from_second(1_000_000 - number).unwrap();
    metrics.replace_times(&catalogue::DATA_AGE, (0..10_000).rev().map(|n| ([name(n)], time(n))));
    for number in 0..10_000 {
        metrics.add(&catalogue::RELEASE_ROWS, [&name(number), "recorded"], 2);
    }
    let page = metrics.page(now());
    let ages = samples(&page, "orewatch_data_age_seconds");
    assert_eq!(ages.len(), 101);
    assert!(ages.contains(&"orewatch_data_age_seconds{dataset=\"dataset-00007\"} 7"), "{ages:?}");
    assert!(ages.contains(&"orewatch_data_age_seconds{dataset=\"other\"} 9999"), "{ages:?}");
    let rows = samples(&page, "orewatch_release_rows_total");
    assert_eq!(rows.len(), 101);
    let other = "orewatch_release_rows_total{dataset=\"other\",verdict=\"recorded\"} 19800";
    assert!(rows.contains(&other), "{rows:?}");
}

#[test]
fn a_value_that_no_label_has_counts_as_other() {
    let metrics = Metrics::default();
    let method = "orewatch.alerting.v1.AlertingService/ListAlerts";
    for method in [method, "grpc.health.v1.Health/Check", "evil.Service/Method", "wp-login.php"] {
        metrics.add(&catalogue::RPC_CALLS, [method, "OK"], 1);
    }
    let page = metrics.page(now());
    let calls = samples(&page, "orewatch_rpc_calls_total");
    assert_eq!(calls.len(), 3, "{calls:?}");
    assert!(calls.iter().any(|line| line.contains("method=\"other\"") && line.ends_with(" 2")), "{calls:?}");
    assert!(calls.iter().any(|line| line.contains(method)), "{calls:?}");
}

#[test]
fn counters_that_can_be_listed_begin_with_zero_and_gauges_with_nothing() {
    let page = Metrics::for_services(&["alerting"]).page(now());
    let conflicts = samples(&page, "orewatch_log_append_conflicts_total");
    assert!(!conflicts.is_empty() && conflicts.iter().all(|line| line.ends_with(" 0")), "{conflicts:?}");
    assert_eq!(samples(&page, "orewatch_log_lag_events"), [""; 0], "a lag that nobody knows is not zero");
}

#[test]
fn times_are_exported_as_ages_and_countdowns() {
    let metrics = Metrics::default();
    metrics.set_time(&catalogue::SNAPSHOT_AGE, ["alerting"], Timestamp::from_second(999_940).unwrap());
    let expiry = Timestamp::from_second(1_000_090).unwrap();
    metrics.set_deadline(&catalogue::CERTIFICATE_EXPIRY, ["nats"], expiry);
    let page = metrics.page(now());
    assert_eq!(
        samples(&page, "orewatch_snapshot_age_seconds"),
        ["orewatch_snapshot_age_seconds{service=\"alerting\"} 60"]
    );
    assert_eq!(
        samples(&page, "orewatch_certificate_expiry_seconds"),
        ["orewatch_certificate_expiry_seconds{certificate=\"nats\"} 90"]
    );
}

#[test]
fn collectors_record_whenever_metrics_are_gathered() {
    let metrics = Metrics::default();
    metrics.collect_with(|metrics| metrics.set_count(&catalogue::SUBSCRIBERS, ["alerts"], 5));
    metrics.collect_with(|metrics| {
        metrics.observe(&catalogue::EVALUATION_SECONDS, [], Duration::from_millis(70));
    });
    let _first = metrics.page(now());
    let page = metrics.page(now());
    assert_eq!(samples(&page, "orewatch_subscribers"), ["orewatch_subscribers{stream=\"alerts\"} 5"]);
    assert_eq!(samples(&page, "orewatch_evaluation_seconds_count"), ["orewatch_evaluation_seconds_count 2"]);
}

#[test]
fn a_series_that_is_not_replaced_ends() {
    let metrics = Metrics::default();
    let disabled = |name: &str| ([name.to_owned()], 1.0);
    metrics.replace(&catalogue::RECEIVER_DISABLED, [disabled("mail"), disabled("chat")]);
    metrics.replace(&catalogue::RECEIVER_DISABLED, [disabled("chat")]);
    let page = metrics.page(now());
    assert_eq!(
        samples(&page, "orewatch_receiver_disabled"),
        ["orewatch_receiver_disabled{receiver=\"chat\"} 1"]
    );
}
