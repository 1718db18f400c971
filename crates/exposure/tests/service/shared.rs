//! Replicas that share the work by material: whichever is asked, the answer is that of a single process.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use orewatch_catalog::{HsMatch, HsRevision, concordance};
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::{AsAt, ErasedRelease, as_at::At};
use orewatch_contracts::exposure::v1::{
    CheckClaimsRequest, CompareSourcesRequest, CompareVintagesRequest, ExplainExposureRequest, Exposure,
    ExposureFilter, GetExposureRequest, ListRevisionsRequest, ListScenariosRequest, ListTargetsRequest,
    Mirror, QueryExposuresRequest, QueryExposuresResponse, Reading, StreamExposuresRequest, Subject,
};
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{Table, TargetRow, TargetRows, TenantErased};
use orewatch_eventlog::leases::{Leases, LocalLeases, assign};
use orewatch_eventlog::{Event, Position};
use orewatch_exposure::{Config, partitions};
use orewatch_runtime::{Access, ClientTls, Member, OpenLeases, Sharing};
use tokio::time::{Instant, sleep};
use tonic::{Code, Request, Response, Status};

use crate::claims::{IN_2024, claims, graphite, output, projected, refining};
use crate::kit::{Api, House, Output, Trade, subject, trade};
use crate::reference::load_production;
use crate::targets::target;

/// Product codes of HS92, each of another material and stage.
const CODES: [&str; 8] = ["250410", "284690", "260200", "260300", "283691", "810510", "260400", "810600"];
const EXPORTERS: [&str; 4] = ["AUS", "CHL", "CHN", "COD"];
const IMPORTERS: [&str; 4] = ["DEU", "FRA", "JPN", "USA"];
const YEARS: [&str; 2] = ["2022", "2023"];

/// Rows of one release of trade of each code.
const ROWS: usize = EXPORTERS.len() * IMPORTERS.len() * YEARS.len();

const TRADE: [&str; 3] =
    ["baci-hs92/202501-aaaaaaaaaaaa", "baci-hs92/202601-bbbbbbbbbbbb", "comtrade-h6/202601-cccccccccccc"];

const PATIENCE: Duration = Duration::from_secs(60);

/// One replica of several.
struct Replica {
    api: Api,
    sharing: Sharing,
}

impl Replica {
    async fn start(house: &House, leases: &Arc<LocalLeases>, ordinal: usize) -> Self {
        let (logs, leases) = (house.logs(), Arc::clone(leases) as Arc<dyn Leases>);
        let open: OpenLeases = Box::new(move || {
            let leases = Arc::clone(&leases);
            async move { Ok(leases) }.boxed()
        });
        let mut started = None;
        let api = Api::start(Access::open(), async |context, routes| {
            let address = format!("http://{}", context.address.expect("it listens"));
            let tls = ClientTls::new(None, None, Arc::clone(&context.clock));
            let member = Member { name: ordinal.to_string(), address, tls };
            let sharing = Sharing::start(&context, open, member, partitions());
            started = Some(sharing.clone());
            orewatch_exposure::start_shared(context, logs, Config::default(), sharing, routes).await
        })
        .await;
        Self { api, sharing: started.expect("it was started") }
    }

    /// What it holds.
    fn held(&self) -> BTreeSet<String> {
        self.sharing.record().held
    }
}

/// Trade of all codes between all economies. `edition` differs a little from others.
fn flows(edition: usize) -> Columns {
    let mut rows: Vec<Trade<'_>> = Vec::new();
    for (c, code) in CODES.into_iter().enumerate() {
        for (y, year) in YEARS.into_iter().enumerate() {
            for (e, exporter) in EXPORTERS.into_iter().enumerate() {
                for (i, importer) in IMPORTERS.into_iter().enumerate() {
                    let size = u32::try_from(7 * c + 5 * y + 3 * e * e + i * (e + 1) + edition + 1).unwrap();
                    let tonnes = (size % 11 != 0).then_some(f64::from(size) / 3.0);
                    rows.push((year, exporter, importer, code, f64::from(size * 10 + 3), tonnes));
                }
            }
        }
    }
    trade(&rows, 2)
}

/// Observations of every kind about many materials.
async fn fill(house: &House) -> Position {
    for (edition, id) in TRADE.into_iter().enumerate() {
        house.release(id, flows(edition)).await;
    }
    load_production(house, "usgs-mcs/MCS2025-aaaaaaaaaaaa", "MCS2025").await;
    load_production(house, "usgs-mcs/MCS2026-bbbbbbbbbbbb", "MCS2026").await;
    let refined: Vec<Output<'_>> =
        IN_2024.iter().flat_map(|(material, china)| output("2024", material, "refined", *china)).collect();
    house.production("iea-cm/2025-aaaaaaaaaaaa", &refined).await;
    house.release("iea-cm/2025-bbbbbbbbbbbb", projected()).await;
    let own = "acme-trade/1-ffffffffffff";
    house.open_for("acme", own, Table::Trade).await;
    house.record(own, 0, flows(5)).await;
    house.commit(own).await;
    let erased = TenantErased { tenant: "acme".to_owned(), ..TenantErased::default() };
    house.append("_tenants/acme", "TenantErased", &erased).await;
    house.governance("wgi/2024-aaaaaaaaaaaa", &[("2022", "CHN", "rule-of-law", -0.1)]).await;
    house.release("press/1-cccccccccccc", claims(&[refining(), graphite(0.5, 0.9)])).await;
    let cobalt = TargetRow { material: "cobalt".to_owned(), ..target("deu-cobalt") };
    let rows = vec![target("deu-rare-earths"), cobalt];
    house.release("targets/1-dddddddddddd", Columns::Targets(TargetRows { rows })).await
}

/// Release that changes trade of all codes once more.
async fn change(house: &House) -> Position {
    house.release("comtrade-h6/202602-eeeeeeeeeeee", flows(9)).await
}

/// An answer, or the failure, as text. Numbers are written with all their digits.
fn said<A: Debug>(answer: Result<Response<A>, Status>) -> String {
    match answer {
        Ok(answer) => format!("{:?}", answer.into_inner()),
        Err(status) => format!("{:?}", Failure::from(status)),
    }
}

/// All pages of a query. Which position of the exposures log they give depends on the order of appends.
async fn pages(api: &mut Api, mut request: QueryExposuresRequest) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let page = api.client.query_exposures(request.clone()).await.expect("a page").into_inner();
        let is_published = page.exposures_position.is_some();
        assert!(is_published, "everything is published");
        request.page_token.clone_from(&page.next_page_token);
        all.push(format!("{:?}", QueryExposuresResponse { exposures_position: None, ..page }));
        if request.page_token.is_empty() {
            return all;
        }
    }
}

async fn queries(api: &mut Api) -> Vec<String> {
    let filter = |materials: &[&str], as_of: &str| {
        let materials = materials.iter().map(|material| (*material).to_owned()).collect();
        Some(ExposureFilter { materials, as_of: as_of.to_owned(), ..ExposureFilter::default() })
    };
    let base = QueryExposuresRequest { page_size: 2000, ..QueryExposuresRequest::default() };
    let reading = |reading: Reading| QueryExposuresRequest { reading: Some(reading), ..base.clone() };
    let as_at = Some(AsAt { at: Some(At::Release(TRADE[0].to_owned())) });
    let requests = [
        base.clone(),
        QueryExposuresRequest { filter: filter(&[], "all"), trend: true, firmness: true, ..base.clone() },
        QueryExposuresRequest { filter: filter(&[], "2023"), as_at, ..base.clone() },
        QueryExposuresRequest { filter: filter(&["cobalt", "graphite"], ""), page_size: 7, ..base.clone() },
        reading(Reading { mirror: Mirror::Exporter.into(), ..Reading::default() }),
        reading(Reading { dataset: "comtrade-h6".to_owned(), ..Reading::default() }),
        reading(Reading { scenario: "iea-cm:base".to_owned(), ..Reading::default() }),
        reading(Reading { tenant: "acme".to_owned(), ..Reading::default() }),
    ];
    let mut all = Vec::new();
    for request in requests {
        all.extend(pages(api, request).await);
    }
    let wrong = QueryExposuresRequest { filter: filter(&["unobtainium"], ""), ..base };
    all.push(said(api.client.query_exposures(wrong).await));
    let everything = filter(&[], "all").unwrap();
    all.extend(api.stream(everything, None).await.iter().map(|exposure: &Exposure| format!("{exposure:?}")));
    all.push(format!("{:?}", erased_in_stream(api).await));
    all
}

/// What the messages of a stream of a tenant name as erased. It is named in one message only.
async fn erased_in_stream(api: &mut Api) -> Vec<ErasedRelease> {
    let reading = Some(Reading { tenant: "acme".to_owned(), ..Reading::default() });
    let request = StreamExposuresRequest { reading, ..StreamExposuresRequest::default() };
    let mut stream = api.client.stream_exposures(request).await.expect("a stream").into_inner();
    let mut named = Vec::new();
    while let Some(message) = stream.message().await.expect("a message") {
        named.extend(message.erased);
    }
    assert_eq!(named.len(), 1, "{named:?}");
    named
}

async fn about_subjects(api: &mut Api) -> Vec<String> {
    let subjects = [
        ["DEU", "graphite", "mined", "import-share", "CHN"],
        ["JPN", "rare-earths", "refined", "import-hhi", ""],
        ["USA", "cobalt", "refined", "import-share", "COD"],
        ["WLD", "copper", "refined", "production-share", "CHN"],
        ["FRA", "lithium", "refined", "import-top3", ""],
        ["FRA", "unobtainium", "refined", "import-top3", ""],
    ];
    let mut all = Vec::new();
    for path in subjects {
        let subject: Option<Subject> = Some(subject(path));
        let get = GetExposureRequest {
            subject: subject.clone(),
            trend: true,
            firmness: true,
            ..Default::default()
        };
        all.push(said(api.client.get_exposure(get).await));
        let explain = ExplainExposureRequest { subject: subject.clone(), ..Default::default() };
        all.push(said(api.client.explain_exposure(explain).await));
        let compare = CompareSourcesRequest { subject, ..Default::default() };
        all.push(said(api.client.compare_sources(compare).await));
    }
    all
}

async fn lists(api: &mut Api) -> Vec<String> {
    let draft = CheckClaimsRequest { draft: Some(refining()), ..Default::default() };
    let mut all = vec![
        said(api.client.list_targets(ListTargetsRequest::default()).await),
        said(api.client.check_claims(CheckClaimsRequest::default()).await),
        said(api.client.check_claims(draft).await),
        said(api.client.list_revisions(ListRevisionsRequest::default()).await),
        said(api.client.list_scenarios(ListScenariosRequest::default()).await),
    ];
    let mut compare = CompareVintagesRequest { page_size: 50, ..Default::default() };
    compare.to = Some(AsAt { at: Some(At::Release(TRADE[1].to_owned())) });
    for _ in 0..4 {
        let page = api.client.compare_vintages(compare.clone()).await.expect("a page").into_inner();
        compare.page_token.clone_from(&page.next_page_token);
        all.push(format!("{page:?}"));
    }
    all
}

/// What a service says when it is asked everything.
async fn everything(api: &mut Api) -> Vec<String> {
    let mut all = queries(api).await;
    all.extend(about_subjects(api).await);
    all.extend(lists(api).await);
    all
}

fn assert_same(ours: &[String], theirs: &[String], whose: &str) {
    assert_eq!(ours.len(), theirs.len(), "number of answers of {whose}");
    for (place, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert_eq!(ours, theirs, "answer {place} of {whose}");
    }
}

/// Stream, type and content of every event on a log by its identifier. None is there twice.
fn by_id(events: &[Event]) -> BTreeMap<String, String> {
    let content = |event: &Event| format!("{} {} {:?}", event.stream, event.kind, event.data);
    let all: BTreeMap<_, _> = events.iter().map(|event| (event.id.to_string(), content(event))).collect();
    assert_eq!(all.len(), events.len(), "an event is published twice");
    all
}

async fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until all partitions are held, each by one replica.
async fn until_divided(replicas: &[Replica]) {
    let all: BTreeSet<String> = partitions().into_iter().map(str::to_owned).collect();
    wait_until("every partition is held by one replica", || {
        let held: Vec<_> = replicas.iter().flat_map(Replica::held).collect();
        held.len() == all.len() && held.into_iter().collect::<BTreeSet<_>>() == all
    })
    .await;
}

/// Rows of trade of the materials that a replica holds, with so many releases of trade.
fn rows_of(held: &BTreeSet<String>, releases: usize) -> u64 {
    let is_held = |code: &&str| match concordance(HsRevision::Hs92, code) {
        HsMatch::InScope(entry) => held.contains(entry.material),
        other => panic!("{code} is {other:?}"),
    };
    u64::try_from(CODES.iter().filter(|code| is_held(code)).count() * ROWS * releases).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_answer_and_publish_what_one_process_does() {
    let house = House::new();
    fill(&house).await;
    let alone = house.beside();
    let leases = Arc::default();
    let mut replicas = Vec::new();
    for ordinal in 0..3 {
        replicas.push(Replica::start(&house, &leases, ordinal).await);
    }
    until_divided(&replicas).await;
    let last = change(&house).await;
    let mut single = alone.serve().await;
    single.published(last).await;
    let expected = everything(&mut single).await;
    for replica in &mut replicas {
        replica.api.published(last).await;
        let whose = format!("replica {}", replica.sharing.name());
        assert_same(&everything(&mut replica.api).await, &expected, &whose);
        let share = partitions().len() / 3;
        assert!((share..=share + 1).contains(&replica.held().len()), "{whose}: {:?}", replica.held());
        let rows = replica.sharing.record().progress("trade-rows");
        assert_eq!(rows, rows_of(&replica.held(), TRADE.len() + 1), "{whose} keeps its own rows only");
    }
    assert_eq!(by_id(&house.published().await), by_id(&alone.published().await));
    single.stop().await;
    for replica in replicas {
        replica.api.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_takes_its_share_and_one_that_stops_leaves_it_to_the_others() {
    let house = House::new();
    let filled = fill(&house).await;
    let alone = house.beside();
    let leases = Arc::default();
    let mut replicas = Vec::new();
    for ordinal in 0..2 {
        replicas.push(Replica::start(&house, &leases, ordinal).await);
    }
    until_divided(&replicas).await;
    replicas[0].api.published(filled).await;
    let before: Vec<_> = replicas.iter().map(Replica::held).collect();
    replicas.push(Replica::start(&house, &leases, 2).await);
    wait_until("the newcomer holds its share", || replicas[2].held().len() >= partitions().len() / 3).await;
    until_divided(&replicas).await;
    let kept: usize =
        before.iter().zip(&replicas).map(|(before, now)| before.intersection(&now.held()).count()).sum();
    let staying = partitions().len() - replicas[2].held().len();
    assert!(kept + 7 >= staying, "{kept} of {staying} stayed where they were");
    // Whoever is asked while a replica stops waits for the answer at most.
    let stopped = replicas.remove(0);
    let names: BTreeSet<String> = ["1", "2"].map(str::to_owned).into();
    let last = change(&house).await;
    stopped.api.stop().await;
    until_divided(&replicas).await;
    let assigned = assign(&partitions(), &names);
    for replica in &replicas {
        let own = assigned.iter().filter(|(_, member)| *member == replica.sharing.name());
        assert_eq!(
            replica.held(),
            own.map(|(partition, _)| (*partition).to_owned()).collect::<BTreeSet<_>>()
        );
    }
    let mut single = alone.serve().await;
    single.published(last).await;
    let expected = everything(&mut single).await;
    for replica in &mut replicas {
        replica.api.published(last).await;
        assert_same(&everything(&mut replica.api).await, &expected, replica.sharing.name());
    }
    assert_eq!(by_id(&house.published().await), by_id(&alone.published().await));
    single.stop().await;
    for replica in replicas {
        replica.api.stop().await;
    }
}

/// Announces a replica that holds nothing and never answers, until the test ends.
fn announce_idle(leases: &Arc<LocalLeases>, name: &'static str) {
    let leases = Arc::clone(leases);
    tokio::spawn(async move {
        let record = Bytes::from_static(br#"{"address": "http://127.0.0.1:9"}"#);
        loop {
            leases.announce(name, record.clone(), Duration::from_secs(3)).await.unwrap();
            sleep(Duration::from_secs(1)).await;
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_holds_is_answered_from_the_log_and_says_so() {
    let house = House::new();
    let last = house.release(TRADE[0], flows(0)).await;
    let mut single = house.serve().await;
    single.published(last).await;
    let all: BTreeSet<String> = ["0", "idle"].map(str::to_owned).into();
    let assigned = assign(&partitions(), &all);
    let of_idle = |material: &str| assigned[material] == "idle";
    let path = |material: &'static str, stage: &'static str| ["DEU", material, stage, "import-share", "CHN"];
    let paths = [
        path("graphite", "mined"),
        path("rare-earths", "refined"),
        path("manganese", "mined"),
        path("copper", "mined"),
        path("lithium", "refined"),
    ];
    let lost = paths.into_iter().find(|path| of_idle(path[1])).expect("the idle one should hold some");
    let kept = paths.into_iter().find(|path| !of_idle(path[1])).expect("the other one should hold some");
    let get = |path| GetExposureRequest { subject: Some(subject(path)), ..GetExposureRequest::default() };
    let mut expected = Vec::new();
    for path in [lost, kept] {
        let answer = single.client.get_exposure(get(path)).await.unwrap().into_inner();
        expected.push(answer.exposure.unwrap());
    }
    single.stop().await;

    let leases = Arc::default();
    announce_idle(&leases, "idle");
    let mut replica = Replica::start(&house, &leases, 0).await;
    wait_until("it holds its share", || !replica.held().is_empty()).await;
    let client = &mut replica.api.client;
    let kept = client.get_exposure(get(kept)).await.unwrap().into_inner();
    assert_eq!((kept.exposure.as_ref(), kept.stale), (Some(&expected[1]), None));
    let found = client.get_exposure(get(lost)).await.unwrap().into_inner();
    let value = |exposure: &Exposure| exposure.estimate.as_ref().and_then(|estimate| estimate.value);
    assert_eq!(value(&found.exposure.unwrap()), value(&expected[0]));
    let mark = found.stale.expect("the answer says that it may be old");
    assert_eq!(mark.log, "exposures");
    assert!(mark.reason.contains(&format!("no replica holds {}", lost[1])), "{}", mark.reason);
    let explain = ExplainExposureRequest { subject: Some(subject(lost)), ..Default::default() };
    let refused = Failure::from(client.explain_exposure(explain).await.unwrap_err());
    assert_eq!(refused.code, "share-unheld");
    assert!(refused.retry_after.is_some(), "{refused:?}");

    // A request that is passed on is never passed on again.
    let mut passed_on = Request::new(get(lost));
    passed_on.metadata_mut().insert("orewatch-position", last.into());
    passed_on.metadata_mut().insert("orewatch-materials", lost[1].parse().unwrap());
    let refused = client.get_exposure(passed_on).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(Failure::from(refused).code, "share-moved");
    replica.api.stop().await;
}

/// With up to nine replicas, one more moves its share, and at most seven partitions between the others.
#[test]
fn one_more_replica_moves_few_partitions_between_the_others() {
    let names = |count: u32| (0..count).map(|ordinal| ordinal.to_string()).collect::<BTreeSet<_>>();
    for count in 1..9 {
        let (before, after) =
            (assign(&partitions(), &names(count)), assign(&partitions(), &names(count + 1)));
        let newcomer = count.to_string();
        let moved = after.iter().filter(|(partition, member)| before[**partition] != **member);
        let others: Vec<_> = moved.filter(|(_, member)| **member != newcomer).collect();
        assert!(others.len() <= 7, "with {count} replicas: {others:?}");
    }
}
