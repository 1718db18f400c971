//! The source policy: revised, refused, listed; by several replicas, and after a crash.
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    DatasetDeclaration, DatasetKind, GetSourcePolicyRequest, GetSourcePolicyResponse, ObservationsRecorded,
    Preference, PutSourcePolicyRequest, PutSourcePolicyResponse, SourcePolicy, SourcePolicyRevised, Table,
    Verdict, WithdrawReleaseRequest,
};
use orewatch_eventlog::{Error, EventLog, Extent, Filter, Items, NewEvent, Position, StreamName, embedded};
use orewatch_ingestion::client::Options;
use orewatch_ingestion::sources::Metadata;
use orewatch_runtime::{Access, Class, Failure};
use prost::Message as _;

use crate::harness::{Service, events, file};
use crate::policy::gate;
use crate::units::{flows, id, mines, report, supplementing};

async fn get(service: &Service) -> GetSourcePolicyResponse {
    service.client().get_source_policy(GetSourcePolicyRequest {}).await.unwrap().into_inner()
}

async fn put(service: &Service, request: PutSourcePolicyRequest) -> Result<PutSourcePolicyResponse, Failure> {
    Ok(service.client().put_source_policy(request).await?.into_inner())
}

fn asking(policy: &SourcePolicy) -> PutSourcePolicyRequest {
    PutSourcePolicyRequest { policy: Some(policy.clone()), ..PutSourcePolicyRequest::default() }
}

fn list(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn prefer(table: Table, datasets: &[&str]) -> Preference {
    Preference { table: table.into(), datasets: list(datasets), ..Preference::default() }
}

fn declare(dataset: &str, kind: DatasetKind, supplements: &str) -> DatasetDeclaration {
    DatasetDeclaration { dataset: dataset.to_owned(), kind: kind.into(), supplements: supplements.to_owned() }
}

fn preferring(preferences: Vec<Preference>) -> SourcePolicy {
    SourcePolicy { preferences, datasets: Vec::new() }
}

fn declaring(datasets: Vec<DatasetDeclaration>) -> SourcePolicy {
    SourcePolicy { preferences: Vec::new(), datasets }
}

const LITHIUM: &str = "2022,CHL,DEU,283691,9000,3000,";
const GRAPHITE: &str = "2024,CHN,graphite,mined,1270,kt,gross";

/// A service with some datasets of each kind.
async fn stocked() -> Service {
    let service = Service::start().await;
    for content in [
        flows("our-flows", "1", &[LITHIUM]),
        flows("baci-hs22", "1", &[LITHIUM]),
        flows("comtrade-hs22", "1", &["2022,CHL,DEU,283691,9000,3000,importer"]),
        flows("baci-hs17", "1", &[LITHIUM]),
        mines("our-survey", "1", &["2024,MOZ,graphite,mined,75,kt,gross"]),
        mines("usgs-mcs", "1", &[GRAPHITE]),
        mines("wmd", "1", &[GRAPHITE]),
    ] {
        assert!(service.take("f.csv", content).await.unwrap().is_committed());
    }
    service
}

#[tokio::test]
async fn datasets_are_listed_in_the_default_order() {
    let service = stocked().await;
    let answer = get(&service).await;
    assert_eq!((answer.revision, answer.revised_at), (0, None));
    assert_eq!(answer.policy, Some(SourcePolicy::default()));
    let ranked: Vec<_> = answer
        .datasets
        .iter()
        .map(|known| (known.table(), known.rank, known.dataset.as_str(), known.kind()))
        .collect();
    assert_eq!(
        ranked,
        [
            (Table::Trade, 1, "baci-hs22", DatasetKind::Reconciled),
            (Table::Trade, 2, "baci-hs17", DatasetKind::Reconciled),
            (Table::Trade, 3, "comtrade-hs22", DatasetKind::Declarations),
            (Table::Trade, 4, "our-flows", DatasetKind::Unspecified),
            (Table::Production, 1, "usgs-mcs", DatasetKind::Tables),
            (Table::Production, 2, "wmd", DatasetKind::Tables),
            (Table::Production, 3, "our-survey", DatasetKind::Unspecified),
        ],
        "at a tie the older comes first"
    );
    // What is withdrawn answers nothing; what a tenant has is the tenant's.
    let withdraw = WithdrawReleaseRequest {
        release: "wmd/1".to_owned(),
        reason: "wrong".to_owned(),
        actor: String::new(),
    };
    service.client().withdraw_release(withdraw).await.unwrap();
    let options = Options { tenant: "acme".to_owned(), ..Options::default() };
    let inputs = vec![file("f.csv", mines("acme-mines", "1", &[GRAPHITE]))];
    assert!(service.ingest(inputs, options).await.unwrap().is_committed());
    let names: Vec<_> = get(&service).await.datasets.into_iter().map(|known| known.dataset).collect();
    assert_eq!(names[4..], ["usgs-mcs", "our-survey"]);
    service.stop().await;
}

#[tokio::test]
async fn a_policy_is_revised_and_the_same_again_changes_nothing() {
    let service = stocked().await;
    let policy = SourcePolicy {
        preferences: vec![Preference {
            materials: list(&["lithium"]),
            stages: list(&["refined"]),
            economies: list(&["EU27", "JPN"]),
            from: "2020".to_owned(),
            until: "2024-06".to_owned(),
            ..prefer(Table::Trade, &["comtrade-hs22", "baci-hs22"])
        }],
        datasets: vec![declare("our-survey", DatasetKind::Supplement, "usgs-mcs")],
    };
    let dry = PutSourcePolicyRequest { dry_run: true, ..asking(&policy) };
    let answer = put(&service, dry.clone()).await.unwrap();
    assert_eq!((answer.revision, answer.unchanged), (0, false));
    assert_eq!(get(&service).await.revision, 0, "a dry run changes nothing");

    let request = PutSourcePolicyRequest {
        reason: "the months".to_owned(),
        actor: "desk".to_owned(),
        expected_revision: Some(0),
        ..asking(&policy)
    };
    let answer = put(&service, request.clone()).await.unwrap();
    assert_eq!((answer.revision, answer.unchanged), (1, false));
    let again = put(&service, request).await.unwrap();
    assert_eq!((again.revision, again.unchanged), (1, true), "whichever revision was expected");
    assert!(put(&service, dry).await.unwrap().unchanged);
    let held = get(&service).await;
    assert_eq!((held.policy.clone(), held.revision), (Some(policy), 1));
    assert!(held.revised_at.is_some());
    let survey = held.datasets.iter().find(|known| known.dataset == "our-survey").unwrap();
    assert_eq!((survey.kind(), survey.supplements.as_str()), (DatasetKind::Supplement, "usgs-mcs"));

    let stale = PutSourcePolicyRequest { expected_revision: Some(0), ..asking(&SourcePolicy::default()) };
    let failure = put(&service, stale).await.unwrap_err();
    assert_eq!((failure.class, &*failure.code), (Class::Refused, "policy-revised"));
    let answer = put(&service, asking(&SourcePolicy::default())).await.unwrap();
    assert_eq!(answer.revision, 2);

    let recorded: Vec<_> = service.events().await;
    let revisions: Vec<_> =
        recorded.iter().filter(|event| event.kind.ends_with("SourcePolicyRevised")).collect();
    assert!(revisions.iter().all(|event| event.stream.as_str() == "observations._policy"));
    let first = SourcePolicyRevised::decode(revisions[0].data.clone()).unwrap();
    assert_eq!((first.revision, &*first.reason, &*first.actor), (1, "the months", "desk"));
    assert_eq!(revisions.len(), 2);
    service.stop().await;
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let service = stocked().await;
    let trade = || prefer(Table::Trade, &["baci-hs22"]);
    let supplement = |dataset, base| declare(dataset, DatasetKind::Supplement, base);
    let preference = |change: fn(&mut Preference)| {
        let mut preference = prefer(Table::Trade, &["baci-hs22"]);
        change(&mut preference);
        preferring(vec![preference])
    };
    let cases: Vec<(SourcePolicy, &str, &str, &str)> = vec![
        (
            preferring(vec![Preference {
                materials: list(&["lithium"]),
                ..prefer(Table::Governance, &["usgs-mcs"])
            }]),
            "policy.preferences[0].materials",
            "lithium",
            "not about materials",
        ),
        (
            preferring(vec![prefer(Table::Trade, &["baci-hs2"])]),
            "policy.preferences[0].datasets",
            "baci-hs2",
            "did you mean baci-hs22?",
        ),
        (
            declaring(vec![declare("usgs-mc", DatasetKind::Tables, "")]),
            "policy.datasets[0].dataset",
            "usgs-mc",
            "usgs-mcs",
        ),
        (
            declaring(vec![supplement("our-survey", "usgs-mc")]),
            "policy.datasets[0].supplements",
            "usgs-mc",
            "usgs-mcs",
        ),
        (
            preferring(vec![prefer(Table::Trade, &["usgs-mcs"])]),
            "policy.preferences[0].datasets",
            "usgs-mcs",
            "has production, and no trade",
        ),
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
        (preferring(vec![prefer(Table::Trade, &[])]), "policy.preferences[0].datasets", "", "at least one"),
        (
            preferring(vec![prefer(Table::Trade, &["baci-hs22", "baci-hs17", "baci-hs22"])]),
            "policy.preferences[0].datasets",
            "baci-hs22",
            "twice",
        ),
        (
            preference(|wrong| wrong.materials = vec!["litium".to_owned()]),
            "policy.preferences[0].materials",
            "litium",
            "lithium",
        ),
        (
            preference(|wrong| wrong.stages = vec!["smelted".to_owned()]),
            "policy.preferences[0].stages",
            "smelted",
            "",
        ),
        (
            preference(|wrong| wrong.economies = vec!["GER".to_owned()]),
            "policy.preferences[0].economies",
            "GER",
            "",
        ),
        (
            preference(|wrong| wrong.economies = vec!["WLD".to_owned()]),
            "policy.preferences[0].economies",
            "WLD",
            "leave economies out",
        ),
        (preference(|wrong| wrong.from = "20222".to_owned()), "policy.preferences[0].from", "20222", "2024"),
        (
            preference(|wrong| (wrong.from, wrong.until) = ("2024".to_owned(), "2022-12".to_owned())),
            "policy.preferences[0].from",
            "2024",
            "after until 2022-12",
        ),
        (preferring(vec![trade(), trade()]), "policy.preferences[1]", "baci-hs22", "never decides"),
        (
            preferring(vec![trade(), prefer(Table::Trade, &["baci-hs17"])]),
            "policy.preferences[1]",
            "baci-hs17",
            "preferences[0]",
        ),
        // Of several that match the first decides: what a wider one comes before never does.
        (
            preferring(vec![
                trade(),
                Preference { economies: list(&["JPN"]), ..prefer(Table::Trade, &["baci-hs17"]) },
            ]),
            "policy.preferences[1]",
            "baci-hs17",
            "preferences[0] matches all that it matches",
        ),
        (
            preferring(vec![
                Preference { stages: list(&["mined", "refined", "manufactured"]), ..trade() },
                Preference { materials: list(&["lithium"]), ..prefer(Table::Trade, &["baci-hs17"]) },
            ]),
            "policy.preferences[1]",
            "baci-hs17",
            "never decides",
        ),
        (
            preferring(vec![
                Preference { economies: list(&["G7", "JPN"]), from: "2020".to_owned(), ..trade() },
                Preference {
                    economies: list(&["DEU", "JPN"]),
                    from: "2021-03".to_owned(),
                    until: "2022".to_owned(),
                    ..prefer(Table::Trade, &["baci-hs17"])
                },
            ]),
            "policy.preferences[1]",
            "baci-hs17",
            "never decides",
        ),
        // A dataset without figures of what a preference is about does not answer there.
        (
            preferring(vec![Preference { materials: list(&["graphite"]), ..trade() }]),
            "policy.preferences[0].datasets",
            "baci-hs22",
            "no figures of graphite",
        ),
        (
            preferring(vec![Preference {
                stages: list(&["refined"]),
                ..prefer(Table::Production, &["usgs-mcs"])
            }]),
            "policy.preferences[0].datasets",
            "usgs-mcs",
            "it has graphite mined",
        ),
        (
            preferring(vec![Preference {
                economies: list(&["JPN"]),
                ..prefer(Table::Production, &["usgs-mcs"])
            }]),
            "policy.preferences[0].economies",
            "JPN",
            "leave economies out",
        ),
        (
            preferring(vec![Preference { from: "2020".to_owned(), ..prefer(Table::Restrictions, &["wmd"]) }]),
            "policy.preferences[0].from",
            "2020",
            "days of their own",
        ),
        (preferring(vec![trade(); 201]), "policy.preferences", "201", "200"),
        (
            declaring(vec![declare("wmd", DatasetKind::Unspecified, "")]),
            "policy.datasets[0].kind",
            "",
            "reconciled",
        ),
        (
            declaring(vec![declare("wmd", DatasetKind::Supplement, "")]),
            "policy.datasets[0].supplements",
            "",
            "which dataset",
        ),
        (
            declaring(vec![declare("wmd", DatasetKind::Tables, "usgs-mcs")]),
            "policy.datasets[0].supplements",
            "usgs-mcs",
            "only a supplement",
        ),
        (
            declaring(vec![declare("wmd", DatasetKind::Tables, ""), supplement("wmd", "usgs-mcs")]),
            "policy.datasets[1].dataset",
            "wmd",
            "twice",
        ),
        (
            declaring(vec![supplement("our-survey", "baci-hs22")]),
            "policy.datasets[0].supplements",
            "baci-hs22",
            "same table",
        ),
        (
            declaring(vec![supplement("wmd", "wmd")]),
            "policy.datasets[0].supplements",
            "wmd",
            "circle: wmd supplements wmd",
        ),
        (
            declaring(vec![supplement("wmd", "usgs-mcs"), supplement("usgs-mcs", "wmd")]),
            "policy.datasets[1].supplements",
            "wmd",
            "circle: usgs-mcs supplements wmd supplements usgs-mcs",
        ),
        (
            declaring(vec![supplement("our-survey", "wmd"), supplement("wmd", "usgs-mcs")]),
            "policy.datasets[0].supplements",
            "wmd",
            "a supplement of usgs-mcs itself",
        ),
    ];
    for (policy, field, value, part) in cases {
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
async fn what_an_earlier_preference_leaves_is_decided_by_a_later_one() {
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

/// What is withdrawn after the policy named it does not keep anybody from editing the rest of the policy; a name that was never there does.
#[tokio::test]
async fn a_policy_is_edited_after_a_withdrawal() {
    let service = stocked().await;
    let named = SourcePolicy {
        preferences: vec![
            Preference { materials: list(&["graphite"]), ..prefer(Table::Production, &["wmd", "usgs-mcs"]) },
            prefer(Table::Trade, &["comtrade-hs22", "baci-hs22"]),
        ],
        datasets: vec![declare("our-survey", DatasetKind::Supplement, "wmd")],
    };
    put(&service, asking(&named)).await.unwrap();
    for release in ["wmd/1", "comtrade-hs22/1"] {
        let withdraw = WithdrawReleaseRequest {
            release: release.to_owned(),
            reason: "wrong".to_owned(),
            actor: String::new(),
        };
        service.client().withdraw_release(withdraw).await.unwrap();
    }
    let mut edited = named.clone();
    edited.preferences[0].datasets.reverse();
    edited.preferences[1].economies = list(&["JPN"]);
    assert_eq!(put(&service, asking(&edited)).await.unwrap().revision, 2);
    edited.preferences[1].datasets.push("comtrade-hs2".to_owned());
    let failure = put(&service, asking(&edited)).await.unwrap_err();
    assert_eq!((&*failure.code, &*failure.value), ("unknown-dataset", "comtrade-hs2"));
    // What the policy no longer names is as unknown as what was never there.
    put(&service, asking(&SourcePolicy::default())).await.unwrap();
    let failure = put(&service, asking(&named)).await.unwrap_err();
    assert_eq!((&*failure.code, &*failure.value), ("unknown-dataset", "wmd"));
    service.stop().await;
}

/// What is declared of a dataset comes before what its releases say: it decides what they restate.
#[tokio::test]
async fn a_declaration_decides_what_is_restated() {
    let service = Service::start().await;
    let take = async |vintage: &str, row: &str| {
        service.take("f.csv", flows("customs", vintage, &[row])).await.unwrap()
    };
    assert!(take("1", "2022,CHL,DEU,283691,9,3,importer").await.is_committed());
    let refused = take("2", "2022,CHL,FRA,283691,9,3,importer").await;
    assert!(!refused.is_committed(), "the market of a dataset of which nothing is known is restated");
    let policy = declaring(vec![declare("customs", DatasetKind::Declarations, "")]);
    put(&service, asking(&policy)).await.unwrap();
    let stands = take("2", "2022,CHL,FRA,283691,9,3,importer").await;
    assert!(stands.is_committed());
    assert_eq!(gate(&stands, "scope-jump").message, "nothing is restated");
    service.stop().await;
}

/// A dataset that answers nowhere is told so, and how to change that.
#[tokio::test]
async fn a_dataset_that_another_one_comes_before_is_told() {
    let service = Service::start().await;
    let first = service.take("f.csv", mines("usgs-mcs", "1", &[GRAPHITE])).await.unwrap();
    assert_eq!(gate(&first, "outranked").message, "it answers in 1 market");
    let survey = || mines("our-survey", "1", &["2024,MOZ,graphite,mined,75,kt,gross"]);
    let outcome = service.take("f.csv", survey()).await.unwrap();
    let found = gate(&outcome, "outranked");
    assert_eq!(found.verdict(), Verdict::Warn);
    assert_eq!(
        found.message,
        "it answers nowhere; first comes usgs-mcs in 1 market. If it fills missing cells of usgs-mcs, declare it with \
         --supplements usgs-mcs; else say with --kind what it is, or prefer it with `orewatch policy apply`"
    );
    // Elsewhere it answers; where it is preferred as well.
    let wider = mines(
        "our-survey",
        "2",
        &["2024,MOZ,graphite,mined,75,kt,gross", "2023,MOZ,graphite,mined,75,kt,gross"],
    );
    let outcome = service.take("f.csv", wider).await.unwrap();
    assert_eq!(
        gate(&outcome, "outranked").message,
        "it answers in 1 of 2 markets; elsewhere first comes usgs-mcs in 1 market"
    );
    put(&service, asking(&preferring(vec![prefer(Table::Production, &["our-survey"])]))).await.unwrap();
    let outcome = service
        .take("f.csv", mines("our-survey", "3", &["2024,MOZ,graphite,mined,76,kt,gross"]))
        .await
        .unwrap();
    assert_eq!(gate(&outcome, "outranked").verdict(), Verdict::Pass);

    // Trade is decided for each importer: a preference may be about some of them.
    service.take("f.csv", flows("baci-hs22", "1", &[LITHIUM, "2022,CHL,JPN,283691,9,3,"])).await.unwrap();
    let rows = ["2022,CHL,DEU,283691,9,3,importer", "2022,CHL,JPN,283691,9,3,importer"];
    let outcome = service.take("f.csv", flows("comtrade-hs22", "1", &rows)).await.unwrap();
    assert!(
        gate(&outcome, "outranked")
            .message
            .starts_with("it answers nowhere; first comes baci-hs22 in 2 markets of 2 importers.")
    );
    let europe = Preference {
        economies: list(&["EU27"]),
        materials: list(&["lithium"]),
        from: "2022".to_owned(),
        ..prefer(Table::Trade, &["comtrade-hs22"])
    };
    put(&service, asking(&preferring(vec![europe]))).await.unwrap();
    let rows = ["2022,CHL,DEU,283691,8,3,importer", "2022,CHL,JPN,283691,9,3,importer"];
    let outcome = service.take("f.csv", flows("comtrade-hs22", "2", &rows)).await.unwrap();
    assert_eq!(
        gate(&outcome, "outranked").message,
        "it answers in 1 of 2 markets of 2 importers; elsewhere first comes baci-hs22 in 1 market of 1 importer"
    );
    service.stop().await;
}

/// What is counted is markets, one for each importer, material, stage and period: four months of one importer are no four importers.
#[tokio::test]
async fn markets_are_counted_beside_their_importers() {
    let service = Service::start().await;
    let months: Vec<_> = (1..=4).map(|month| format!("2022-{month:02},CHL,DEU,283691,9,3,")).collect();
    let months: Vec<_> = months.iter().map(String::as_str).collect();
    service.take("f.csv", flows("baci-hs22", "1", &months)).await.unwrap();
    let ours: Vec<_> = months.iter().map(|row| format!("{row}importer")).collect();
    let ours: Vec<_> = ours.iter().map(String::as_str).collect();
    let outcome = service.take("f.csv", flows("our-customs", "1", &ours)).await.unwrap();
    let message = &gate(&outcome, "outranked").message;
    assert!(
        message.starts_with("it answers nowhere; first comes baci-hs22 in 4 markets of 1 importer."),
        "{message}"
    );
    service.stop().await;
}

/// Declarations do not become a reconciled set by the name that somebody gives them.
#[tokio::test]
async fn the_format_of_a_publisher_comes_before_the_name() {
    let service = Service::start().await;
    let content = "period,reporterCode,partnerCode,flowCode,cmdCode,primaryValue,netWgt,classificationCode\n\
                   2022,276,152,M,283691,9000,3000,H6\n";
    let named = |dataset: &str| Metadata { dataset: Some(dataset.to_owned()), ..Metadata::default() };
    let options = |metadata| Options { metadata, ..Options::default() };
    let outcome = service.ingest(vec![file("f.csv", content)], options(named("baci-hs22"))).await.unwrap();
    assert_eq!(outcome.release.release.as_ref().unwrap().kind(), DatasetKind::Declarations);
    let found = gate(&outcome, "dataset-kind");
    assert_eq!(found.verdict(), Verdict::Warn);
    assert_eq!(
        found.message,
        "declarations, although baci-hs22 is the name of a dataset that is reconciled: is --dataset right?"
    );
    // A table of nobody's format is what its name says, and what is said of it counts before both.
    let tidy = service.take("f.csv", flows("baci-hs17", "1", &[LITHIUM])).await.unwrap();
    assert_eq!(tidy.release.release.as_ref().unwrap().kind(), DatasetKind::Reconciled);
    let said = Metadata { kind: Some("tables".to_owned()), ..named("baci-hs12") };
    let outcome = service.ingest(vec![file("f.csv", content)], options(said)).await.unwrap();
    assert_eq!(outcome.release.release.as_ref().unwrap().kind(), DatasetKind::Tables);
    assert_eq!(gate(&outcome, "dataset-kind").verdict(), Verdict::Pass);
    service.stop().await;
}

/// Of two reconciled sets the one that holds more of a market's codes answers, at a tie the older; who reports comes before whose
/// trade others report.
#[tokio::test]
async fn completeness_and_own_reports_come_first() {
    let service = Service::start().await;
    let rows = ["2022,CHL,DEU,283691,9,3,", "2022,CHL,DEU,282520,9,3,"];
    service.take("f.csv", flows("baci-one", "1", &rows[..1])).await.unwrap();
    let more = service.take("f.csv", flows("baci-two", "1", &rows)).await.unwrap();
    assert_eq!(gate(&more, "outranked").message, "it answers in 1 market of 1 importer");
    let tie = service.take("f.csv", flows("baci-three", "1", &rows)).await.unwrap();
    assert!(
        gate(&tie, "outranked").message.starts_with("it answers nowhere; first comes baci-two"),
        "{tie:?}"
    );

    let mirrored = ["2023,CHL,FRA,283691,9,3,exporter"];
    service.take("f.csv", flows("comtrade-one", "1", &mirrored)).await.unwrap();
    let own = service
        .take("f.csv", flows("our-customs", "1", &["2023,CHL,FRA,283691,8,3,importer"]))
        .await
        .unwrap();
    assert_eq!(
        gate(&own, "outranked").message,
        "it answers in 1 market of 1 importer",
        "before what exporters say"
    );
    let mirror = service.take("f.csv", flows("our-mirror", "1", &mirrored)).await.unwrap();
    assert!(
        gate(&mirror, "outranked").message.starts_with("it answers nowhere; first comes our-customs"),
        "{mirror:?}"
    );
    service.stop().await;
}

/// A supplement fits what it supplements.
#[tokio::test]
async fn a_supplement_that_does_not_fit_is_refused() {
    let service = stocked().await;
    let take = async |base: &str, content: String| {
        service.ingest(vec![file("f.csv", content)], supplementing(base)).await.unwrap()
    };
    let rows = ["2024,BRA,graphite,mined,75,kt,gross"];
    let early = take("usgs-mc", mines("filler", "0", &rows)).await;
    assert!(early.is_committed(), "what it supplements may come later");
    assert_eq!(
        gate(&early, "supplement").message,
        "usgs-mc has no release yet, so that there is nothing to fill (did you mean usgs-mcs?)"
    );
    let trade = take("usgs-mcs", flows("fillers", "1", &["2022,ARG,DEU,283691,1,1,"])).await;
    assert!(!trade.is_committed());
    assert!(gate(&trade, "supplement").message.contains("same table"), "{trade:?}");
    let chained = take("filler", mines("filler-too", "1", &rows)).await;
    assert!(gate(&chained, "supplement").message.contains("a supplement of usgs-mc itself"), "{chained:?}");
    let forced = Options { accept: vec!["supplement".to_owned()], ..supplementing("filler") };
    let inputs = vec![file("f.csv", mines("filler-too", "1", &rows))];
    assert_eq!(service.ingest(inputs, forced).await.unwrap_err().code, "bad-gate", "it is final");
    // A release that stops saying that it is one is told so.
    let silent = service.take("f.csv", mines("filler", "2", &rows)).await.unwrap();
    assert_eq!(gate(&silent, "dataset-kind").verdict(), Verdict::Warn);
    assert!(
        gate(&silent, "dataset-kind").message.starts_with("undeclared, but filler was supplement before")
    );
    service.stop().await;
}

/// Another version of the catalogue may have kept a series on another basis: no sum is made of both.
#[tokio::test]
async fn a_supplement_on_another_basis_is_refused() {
    let service = Service::start().await;
    service.take("f.csv", mines("usgs-mcs", "1", &[GRAPHITE])).await.unwrap();
    let mut recorded = service.events().await;
    for event in recorded.iter_mut().filter(|event| event.kind.ends_with("ObservationsRecorded")) {
        let mut chunk = ObservationsRecorded::decode(event.data.clone()).unwrap();
        let Some(Columns::Production(columns)) = &mut chunk.columns else { panic!("output") };
        columns.series[0].basis = "content".to_owned();
        event.data = chunk.encode_to_vec().into();
    }
    let (log, directory) = service.copy(recorded).await;
    let later = Service::with(log, directory, |config| config).await;
    let rows = ["2024,MOZ,graphite,mined,75,kt,gross"];
    let inputs = vec![file("f.csv", mines("our-survey", "1", &rows))];
    let outcome = later.ingest(inputs, supplementing("usgs-mcs")).await.unwrap();
    assert!(!outcome.is_committed());
    let difference = "graphite mined is in t of gross in our-survey, and in t of content in usgs-mcs";
    assert!(gate(&outcome, "supplement").message.starts_with(difference), "{outcome:?}");
    assert!(later.take("f.csv", mines("our-survey", "2", &rows)).await.unwrap().is_committed());
    let policy = declaring(vec![declare("our-survey", DatasetKind::Supplement, "usgs-mcs")]);
    let failure = put(&later, asking(&policy)).await.unwrap_err();
    assert!(failure.message.contains(difference), "{failure}");
    later.stop().await;
    service.stop().await;
}

/// A tenant's datasets are not the policy's: its own come before everyone's.
#[tokio::test]
async fn a_tenants_datasets_stand_apart() {
    let service = stocked().await;
    let ours = |tenant: &str| Options { tenant: tenant.to_owned(), ..Options::default() };
    let inputs =
        |dataset: &str| vec![file("f.csv", mines(dataset, "1", &["2024,MOZ,graphite,mined,75,kt,gross"]))];
    let own = service.ingest(inputs("acme-mines"), ours("acme")).await.unwrap();
    assert_eq!(gate(&own, "outranked").message, "it answers in 1 market", "whatever everyone's say");
    let failure = put(&service, asking(&preferring(vec![prefer(Table::Production, &["acme-mines"])])))
        .await
        .unwrap_err();
    assert_eq!(failure.code, "unknown-dataset");
    let metadata = Metadata { kind: Some("tables".to_owned()), ..Metadata::default() };
    let second = service.ingest(inputs("acme-tables"), Options { metadata, ..ours("acme") }).await.unwrap();
    assert_eq!(
        gate(&second, "outranked").message,
        "it answers in 1 market",
        "tables come before the undeclared"
    );
    let inputs = vec![file("f.csv", mines("acme-filler", "1", &["2024,BRA,graphite,mined,75,kt,gross"]))];
    let options = Options { tenant: "acme".to_owned(), ..supplementing("usgs-mcs") };
    let filler = service.ingest(inputs, options).await.unwrap();
    assert_eq!(
        gate(&filler, "supplement").message,
        "it fills missing cells of usgs-mcs",
        "a tenant may fill everyone's"
    );
    service.stop().await;
}

/// Who may write everyone's data may revise the policy; everybody may look at it.
#[tokio::test]
async fn only_who_may_write_everyones_data_may_revise() {
    let tokens = "[[token]]\nname = \"acme\"\ntoken = \"token-of-acme-0001\"\nwrite = [\"acme\"]\n";
    let service = Service::guarded(Access::parse(tokens).unwrap()).await;
    let mut request = tonic::Request::new(asking(&SourcePolicy::default()));
    request.metadata_mut().insert("authorization", "Bearer token-of-acme-0001".parse().unwrap());
    let failure: Failure = service.client().put_source_policy(request).await.unwrap_err().into();
    assert_eq!((failure.class, &*failure.code), (Class::Refused, "not-permitted"));
    let mut request = tonic::Request::new(GetSourcePolicyRequest {});
    request.metadata_mut().insert("authorization", "Bearer token-of-acme-0001".parse().unwrap());
    assert_eq!(service.client().get_source_policy(request).await.unwrap().into_inner().revision, 0);
    service.stop().await;
}

/// A log whose answer to an append of the policy is lost, once it is stored or before.
#[derive(Debug)]
struct Losing {
    log: Arc<dyn EventLog>,
    stored: bool,
}

impl EventLog for Losing {
    fn name(&self) -> &str {
        self.log.name()
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Vec<Position>, Error>> {
        async move {
            let is_policy = stream.as_str().ends_with("._policy");
            if !is_policy || self.stored {
                let positions = self.log.append(stream, expected, events).await?;
                if !is_policy {
                    return Ok(positions);
                }
            }
            let reason = "the test pulled the plug".to_owned();
            Err(Error::Unavailable { log: self.name().to_owned(), reason, outcome_unknown: true })
        }
        .boxed()
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        self.log.read(filter, after)
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        self.log.last(stream)
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        self.log.extent()
    }
}

/// A crash between the append of a revision and its answer: the same request again leads to the same log.
#[tokio::test]
async fn a_crash_between_append_and_fold_is_made_good() {
    for stored in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let log = embedded::open(directory.path(), "observations").unwrap();
        let service = Service::on(Arc::new(Losing { log: Arc::clone(&log), stored })).await;
        service.take("f.csv", flows("baci-hs22", "1", &[LITHIUM])).await.unwrap();
        let request = PutSourcePolicyRequest {
            expected_revision: Some(0),
            ..asking(&preferring(vec![prefer(Table::Trade, &["baci-hs22"])]))
        };
        assert_eq!(put(&service, request.clone()).await.unwrap_err().class, Class::Unavailable);
        service.stop().await;

        let later = Service::on(Arc::clone(&log)).await;
        let answer = put(&later, request).await.unwrap();
        assert_eq!((answer.revision, answer.unchanged), (1, stored));
        assert_eq!(get(&later).await.revision, 1);
        let revisions = events(&*log).await;
        assert_eq!(revisions.iter().filter(|event| event.kind.ends_with("SourcePolicyRevised")).count(), 1);
        later.stop().await;
    }
}

/// Two replicas are asked for two policies at once: one is first, and the other is told; the same one twice is one.
#[tokio::test]
async fn of_two_replicas_one_revises_first() {
    let directory = tempfile::tempdir().unwrap();
    let log = embedded::open(directory.path(), "observations").unwrap();
    let [one, other] = [Service::on(Arc::clone(&log)).await, Service::on(Arc::clone(&log)).await];
    for dataset in ["baci-hs17", "baci-hs22"] {
        assert!(one.take("f.csv", flows(dataset, "1", &[LITHIUM])).await.unwrap().is_committed());
    }
    let policy = |dataset| preferring(vec![prefer(Table::Trade, &[dataset])]);
    let expecting = |revision, dataset| PutSourcePolicyRequest {
        expected_revision: Some(revision),
        ..asking(&policy(dataset))
    };
    for round in 0..5 {
        let revision = 2 * round;
        let (first, second) = tokio::join!(
            put(&one, expecting(revision, "baci-hs17")),
            put(&other, expecting(revision, "baci-hs22"))
        );
        let (won, lost) = match (&first, &second) {
            (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
            both => panic!("{both:?}"),
        };
        assert_eq!((won.revision, won.unchanged, &*lost.code), (revision + 1, false, "policy-revised"));
        assert_eq!(get(&one).await.policy, get(&other).await.policy);
        let both = tokio::join!(
            put(&one, asking(&SourcePolicy::default())),
            put(&other, asking(&SourcePolicy::default()))
        );
        let both = [both.0.unwrap(), both.1.unwrap()];
        assert!(both.iter().all(|answer| answer.revision == revision + 2), "{both:?}");
    }
    one.stop().await;
    other.stop().await;
}

/// Two open releases of a dataset may overlap: the gates of the second compare with what the first committed.
#[tokio::test]
async fn of_two_releases_at_once_the_second_is_compared_with_the_first() {
    let service = Service::start().await;
    let held = |vintage: &str, row: &str| {
        let options = Options { hold: true, ..Options::default() };
        service.ingest(vec![file("f.csv", mines("usgs-mcs", vintage, &[row]))], options)
    };
    let first = held("1", GRAPHITE).await.unwrap();
    let second = held("2", "2024,MOZ,graphite,mined,75,kt,gross").await.unwrap();
    let commit = async |release: String| {
        let request =
            orewatch_contracts::ingestion::v1::CommitReleaseRequest { release, ..Default::default() };
        service.client().commit_release(request).await.unwrap().into_inner().release.unwrap()
    };
    let (one, other) = tokio::join!(commit(id(&first)), commit(id(&second)));
    let refused = [&one, &other].into_iter().filter(|info| !info.reason.is_empty()).collect::<Vec<_>>();
    assert_eq!(refused.len(), 1, "{one:?} {other:?}");
    assert!(refused[0].reason.contains("1 vanish"), "{}", refused[0].reason);
    service.stop().await;
}

/// The same on two replicas: whatever each commits, both end with the same releases, and the log says which restates which.
#[tokio::test]
async fn replicas_agree_on_releases_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let log = embedded::open(directory.path(), "observations").unwrap();
    let [one, other] = [Service::on(Arc::clone(&log)).await, Service::on(Arc::clone(&log)).await];
    let rows = ["2024,CHN,graphite,mined,1270,kt,gross", "2024,CHN,graphite,mined,1300,kt,gross"];
    let (first, second) = tokio::join!(
        one.take("f.csv", mines("usgs-mcs", "1", &rows[..1])),
        other.take("f.csv", mines("usgs-mcs", "2", &rows[1..]))
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(first.is_committed() && second.is_committed());
    for known in [&first, &second] {
        assert_eq!(one.find(&id(known)).await, other.find(&id(known)).await);
    }
    let third = other
        .take("f.csv", mines("usgs-mcs", "3", &["2024,CHN,graphite,mined,1301,kt,gross"]))
        .await
        .unwrap();
    let newest =
        [&first, &second].into_iter().max_by_key(|outcome| outcome.release.committed_position).unwrap();
    assert_eq!(report(&third).restates, id(newest), "the one that was committed last is restated");
    one.stop().await;
    other.stop().await;
}
