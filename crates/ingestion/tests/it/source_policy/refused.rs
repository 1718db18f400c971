//! Policies that make no sense: each is refused with the field, the value and what to write instead.
use orewatch_contracts::Class;
use orewatch_contracts::ingestion::v1::{
    DatasetKind, Preference, PutSourcePolicyRequest, SourcePolicy, Table,
};
use orewatch_ingestion::policy::document::parse_policy;

use super::{asking, declare, declaring, get, list, prefer, preferring, put, stocked};

/// A policy as its file writes it, with the field, the value and a part of the text of the failure.
type Case = (&'static str, &'static str, &'static str, &'static str);

/// Preferences that are wrong by themselves.
const PREFERENCES: &[Case] = &[
    (
        "preferences: [{table: governance, materials: [lithium], datasets: [usgs-mcs]}]",
        "policy.preferences[0].materials",
        "lithium",
        "not about materials",
    ),
    (
        "preferences: [{table: trade, datasets: [baci-hs2]}]",
        "policy.preferences[0].datasets",
        "baci-hs2",
        "did you mean baci-hs22?",
    ),
    (
        "preferences: [{table: trade, datasets: [usgs-mcs]}]",
        "policy.preferences[0].datasets",
        "usgs-mcs",
        "has production, and no trade",
    ),
    ("preferences: [{table: trade, datasets: []}]", "policy.preferences[0].datasets", "", "at least one"),
    (
        "preferences: [{table: trade, datasets: [baci-hs22, baci-hs17, baci-hs22]}]",
        "policy.preferences[0].datasets",
        "baci-hs22",
        "twice",
    ),
    (
        "preferences: [{table: trade, materials: [litium], datasets: [baci-hs22]}]",
        "policy.preferences[0].materials",
        "litium",
        "lithium",
    ),
    (
        "preferences: [{table: trade, stages: [smelted], datasets: [baci-hs22]}]",
        "policy.preferences[0].stages",
        "smelted",
        "",
    ),
    (
        "preferences: [{table: trade, economies: [GER], datasets: [baci-hs22]}]",
        "policy.preferences[0].economies",
        "GER",
        "",
    ),
    (
        "preferences: [{table: trade, economies: [WLD], datasets: [baci-hs22]}]",
        "policy.preferences[0].economies",
        "WLD",
        "leave economies out",
    ),
    (
        "preferences: [{table: trade, from: '20222', datasets: [baci-hs22]}]",
        "policy.preferences[0].from",
        "20222",
        "2024",
    ),
    (
        "preferences: [{table: trade, from: 2024, until: 2022-12, datasets: [baci-hs22]}]",
        "policy.preferences[0].from",
        "2024",
        "after until 2022-12",
    ),
    // A dataset without figures of what a preference is about does not answer there.
    (
        "preferences: [{table: trade, materials: [graphite], datasets: [baci-hs22]}]",
        "policy.preferences[0].datasets",
        "baci-hs22",
        "no figures of graphite",
    ),
    (
        "preferences: [{table: production, stages: [refined], datasets: [usgs-mcs]}]",
        "policy.preferences[0].datasets",
        "usgs-mcs",
        "it has graphite mined",
    ),
    (
        "preferences: [{table: production, economies: [JPN], datasets: [usgs-mcs]}]",
        "policy.preferences[0].economies",
        "JPN",
        "leave economies out",
    ),
    (
        "preferences: [{table: restrictions, from: 2020, datasets: [wmd]}]",
        "policy.preferences[0].from",
        "2020",
        "days of their own",
    ),
];

/// Preferences that never decide, because an earlier one matches all that they match.
const UNREACHABLE: &[Case] = &[
    (
        "preferences: [{table: trade, datasets: [baci-hs22]}, {table: trade, datasets: [baci-hs22]}]",
        "policy.preferences[1]",
        "baci-hs22",
        "never decides",
    ),
    (
        "preferences: [{table: trade, datasets: [baci-hs22]}, {table: trade, datasets: [baci-hs17]}]",
        "policy.preferences[1]",
        "baci-hs17",
        "preferences[0]",
    ),
    (
        "preferences:
           - {table: trade, datasets: [baci-hs22]}
           - {table: trade, economies: [JPN], datasets: [baci-hs17]}",
        "policy.preferences[1]",
        "baci-hs17",
        "preferences[0] matches all that it matches",
    ),
    (
        "preferences:
           - {table: trade, stages: [mined, refined, manufactured], datasets: [baci-hs22]}
           - {table: trade, materials: [lithium], datasets: [baci-hs17]}",
        "policy.preferences[1]",
        "baci-hs17",
        "never decides",
    ),
    (
        "preferences:
           - {table: trade, economies: [G7, JPN], from: 2020, datasets: [baci-hs22]}
           - {table: trade, economies: [DEU, JPN], from: 2021-03, until: 2022, datasets: [baci-hs17]}",
        "policy.preferences[1]",
        "baci-hs17",
        "never decides",
    ),
];

/// Declarations that are wrong.
const DECLARATIONS: &[Case] = &[
    ("datasets: [{dataset: usgs-mc, kind: tables}]", "policy.datasets[0].dataset", "usgs-mc", "usgs-mcs"),
    (
        "datasets: [{dataset: our-survey, kind: supplement, supplements: usgs-mc}]",
        "policy.datasets[0].supplements",
        "usgs-mc",
        "usgs-mcs",
    ),
    ("datasets: [{dataset: wmd, kind: supplement}]", "policy.datasets[0].supplements", "", "which dataset"),
    (
        "datasets: [{dataset: wmd, kind: tables, supplements: usgs-mcs}]",
        "policy.datasets[0].supplements",
        "usgs-mcs",
        "only a supplement",
    ),
    (
        "datasets:
           - {dataset: wmd, kind: tables}
           - {dataset: wmd, kind: supplement, supplements: usgs-mcs}",
        "policy.datasets[1].dataset",
        "wmd",
        "twice",
    ),
    (
        "datasets: [{dataset: our-survey, kind: supplement, supplements: baci-hs22}]",
        "policy.datasets[0].supplements",
        "baci-hs22",
        "same table",
    ),
    (
        "datasets: [{dataset: wmd, kind: supplement, supplements: wmd}]",
        "policy.datasets[0].supplements",
        "wmd",
        "circle: wmd supplements wmd",
    ),
    (
        "datasets:
           - {dataset: wmd, kind: supplement, supplements: usgs-mcs}
           - {dataset: usgs-mcs, kind: supplement, supplements: wmd}",
        "policy.datasets[1].supplements",
        "wmd",
        "circle: usgs-mcs supplements wmd supplements usgs-mcs",
    ),
    (
        "datasets:
           - {dataset: our-survey, kind: supplement, supplements: wmd}
           - {dataset: wmd, kind: supplement, supplements: usgs-mcs}",
        "policy.datasets[0].supplements",
        "wmd",
        "a supplement of usgs-mcs itself",
    ),
];

/// Policies that a client in another language can send, and a file cannot say.
fn unwritable_cases() -> [(SourcePolicy, &'static str, &'static str, &'static str); 4] {
    [
        (
            preferring(vec![prefer(Table::Unspecified, &["baci-hs22"])]),
            "policy.preferences[0].table",
            "unspecified",
            "trade",
        ),
        (
            preferring(vec![prefer(Table::Concordance, &["baci-hs22"])]),
            "policy.preferences[0].table",
            "concordance",
            "trade",
        ),
        (preferring(vec![prefer(Table::Trade, &["baci-hs22"]); 201]), "policy.preferences", "201", "200"),
        (
            declaring(vec![declare("wmd", DatasetKind::Unspecified, "")]),
            "policy.datasets[0].kind",
            "",
            "reconciled",
        ),
    ]
}

#[tokio::test]
async fn a_policy_that_makes_no_sense_is_refused_with_its_field_and_value() {
    let service = stocked().await;
    let written = [PREFERENCES, UNREACHABLE, DECLARATIONS].into_iter().flatten();
    let written = written.map(|(yaml, field, value, part)| {
        (parse_policy("policy.yaml", yaml.as_bytes()).unwrap(), *field, *value, *part)
    });
    for (policy, field, value, part) in written.chain(unwritable_cases()) {
        for dry_run in [true, false] {
            let failure =
                put(&service, PutSourcePolicyRequest { dry_run, ..asking(&policy) }).await.unwrap_err();
            assert_eq!(
                (failure.class, &*failure.field, &*failure.value),
                (Class::Invalid, field, value),
                "{failure}"
            );
            assert!(failure.to_string().contains(part), "{part}: {failure}");
        }
    }
    let failure = put(&service, PutSourcePolicyRequest::default()).await.unwrap_err();
    assert_eq!((failure.class, &*failure.field), (Class::Invalid, "policy"));
    assert_eq!(get(&service).await.revision, 0);
    service.stop().await;
}

/// A preference that an earlier one does not cover altogether is applied.
#[tokio::test]
async fn a_later_preference_decides_what_an_earlier_one_does_not_match() {
    let service = stocked().await;
    let later = || prefer(Table::Trade, &["baci-hs17"]);
    let first = || prefer(Table::Trade, &["baci-hs22"]);
    for (first, later) in [
        (Preference { economies: list(&["JPN"]), ..first() }, later()),
        (
            Preference { from: "2021".to_owned(), ..first() },
            Preference { from: "2020".to_owned(), ..later() },
        ),
        (
            Preference { until: "2021".to_owned(), ..first() },
            Preference { from: "2020".to_owned(), ..later() },
        ),
        // The United Kingdom is no member.
        (
            Preference { economies: list(&["EU27"]), ..first() },
            Preference { economies: list(&["GBR"]), ..later() },
        ),
        (
            Preference { stages: list(&["refined"]), ..first() },
            Preference { materials: list(&["lithium"]), ..later() },
        ),
        (first(), prefer(Table::Production, &["usgs-mcs"])),
    ] {
        put(&service, asking(&preferring(vec![first, later]))).await.unwrap();
    }
    service.stop().await;
}
