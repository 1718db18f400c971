//! What the gates find, block and let pass.
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{
    CommitReleaseRequest, GateVerdict, ObservationsRecorded, OpenReleaseRequest, Product,
    RecordObservationsRequest, Release, ReleaseState, Reporter, SourceFile, Table, TradeColumns, Verdict,
};
use orewatch_contracts::{Class, Failure};
use orewatch_ingestion::client::{Options, Outcome};

use crate::harness::{Service, file, output, trade};

fn gate<'a>(outcome: &'a Outcome, name: &str) -> &'a GateVerdict {
    let gates = &outcome.release.report.as_ref().unwrap().gates;
    gates.iter().find(|gate| gate.gate == name).unwrap()
}

fn rows(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

/// Imports of graphite by five economies, with the total of each booked as if South Korea had shipped it.
pub(crate) fn with_a_total(importers: &[&str]) -> Vec<String> {
    let each = |importer: &&str| {
        let from =
            |exporter: &str, amount: u32| format!("2020,{exporter},{importer},250410,{amount},{amount}");
        [from("CHN", 600), from("MOZ", 300), from("BRA", 77), from("KOR", 977)]
    };
    importers.iter().flat_map(each).collect()
}

#[tokio::test]
async fn a_world_total_in_disguise_blocks() {
    let service = Service::start().await;
    let content = trade("v1", &rows(&with_a_total(&["DEU", "FRA", "ITA"])));
    let outcome = service.take("a.csv", &content).await.unwrap();
    assert_eq!(outcome.release.state(), ReleaseState::Refused);
    let found = gate(&outcome, "partner-sums");
    assert_eq!(found.verdict(), Verdict::Block);
    assert!(found.message.contains("KOR is the sum of all others in 3 of 3 groups"), "{}", found.message);

    let accept = vec!["partner-sums".to_owned()];
    let options = Options { accept, ..Options::default() };
    let outcome = service.ingest(vec![file("a.csv", &content)], options).await.unwrap();
    assert!(outcome.is_committed());
    let found = gate(&outcome, "partner-sums");
    assert!(found.verdict() == Verdict::Warn && found.message.ends_with("(accepted)"), "{found:?}");
    service.stop().await;
}

#[tokio::test]
async fn one_equal_sum_may_be_chance() {
    let service = Service::start().await;
    let outcome = service.take("a.csv", trade("v1", &rows(&with_a_total(&["DEU"])))).await.unwrap();
    assert!(outcome.is_committed());
    assert_eq!(gate(&outcome, "partner-sums").verdict(), Verdict::Warn);
    let outcome = service
        .take("p.csv", output(&["2020,COD,cobalt,mined,70,t,content", "2020,IDN,cobalt,mined,10,t,content"]))
        .await
        .unwrap();
    assert_eq!(gate(&outcome, "partner-sums").verdict(), Verdict::Pass);
    service.stop().await;
}

fn flows(importers: usize) -> Vec<String> {
    let codes = ["DEU", "FRA", "ITA", "ESP", "POL", "NLD", "BEL", "AUT", "CZE", "SWE"];
    codes.iter().take(importers).map(|importer| format!("2020,CHN,{importer},250410,1,1")).collect()
}

#[tokio::test]
async fn a_release_that_loses_many_keys_is_blocked() {
    let service = Service::start().await;
    assert!(service.take("a.csv", trade("v1", &rows(&flows(10)))).await.unwrap().is_committed());

    let fewer = service.take("a.csv", trade("v2", &rows(&flows(7)))).await.unwrap();
    assert_eq!(fewer.release.state(), ReleaseState::Refused);
    assert_eq!(
        gate(&fewer, "scope-jump").message,
        "of 10 keys in 1 restated market 3 vanish (30.0 %), 0 are new (0.0 %). Would vanish: 250410 from CHN \
         to AUT in 2020; \
         250410 from CHN to CZE in 2020; 250410 from CHN to SWE in 2020. If the file is an extract, state \
         what it covers: --scope \
         reporter=BEL,DEU,ESP,FRA,ITA,NLD,POL; if they are really gone: --accept scope-jump"
    );
    let bearable = service.take("a.csv", trade("v3", &rows(&flows(8)))).await.unwrap();
    assert_eq!(gate(&bearable, "scope-jump").verdict(), Verdict::Pass, "20 % may vanish, not more");
    let more = service.take("a.csv", trade("v4", &rows(&flows(10)))).await.unwrap();
    assert!(more.is_committed(), "new keys take nothing away");
    assert_eq!(gate(&more, "scope-jump").verdict(), Verdict::Warn);

    let elsewhere = service.take("a.csv", trade("v5", &["2021,CHN,DEU,250410,1,1"])).await.unwrap();
    assert_eq!(gate(&elsewhere, "scope-jump").message, "nothing is restated");
    let older = service.take("a.csv", trade("v0", &["2022,CHN,DEU,250410,1,1"])).await.unwrap();
    assert!(older.is_committed());
    assert_eq!(gate(&older, "vintage-order").verdict(), Verdict::Pass, "it restates nothing");
    let older = service.take("a.csv", trade("v0", &["2021,CHN,DEU,250410,2,1"])).await.unwrap();
    assert!(older.is_committed());
    assert_eq!(gate(&older, "vintage-order").verdict(), Verdict::Warn);
    service.stop().await;
}

#[tokio::test]
async fn every_gate_is_documented() {
    let service = Service::start().await;
    let outcome = service.take("a.csv", trade("v1", &rows(&flows(1)))).await.unwrap();
    for gate in outcome.release.report.unwrap().gates {
        assert!(include_str!("../../README.md").contains(&format!("`{}`", gate.gate)), "{}", gate.gate);
    }
    service.stop().await;
}

#[tokio::test]
async fn a_release_without_rows_in_scope_is_refused() {
    let service = Service::start().await;
    let outcome = service.take("a.csv", trade("v1", &["2020,CHN,DEU,010121,1,1"])).await.unwrap();
    assert_eq!(
        (outcome.release.state(), gate(&outcome, "empty").verdict()),
        (ReleaseState::Refused, Verdict::Block)
    );
    service.stop().await;
}

#[tokio::test]
async fn final_gates_cannot_be_accepted() {
    let service = Service::start().await;
    for (name, hint) in [("scope", "scope-jump"), ("lost-rows", "")] {
        let options = Options { accept: vec![name.to_owned()], ..Options::default() };
        let inputs = vec![file("a.csv", trade("v1", &rows(&flows(1))))];
        let failure = service.ingest(inputs, options).await.unwrap_err();
        assert_eq!((failure.class, &*failure.code), (Class::Invalid, "invalid-gate"));
        assert!(failure.hint.contains(hint), "{failure}");
    }
    service.stop().await;
}

pub(crate) fn columns() -> TradeColumns {
    TradeColumns {
        periods: vec!["2020".to_owned()],
        economies: vec!["CHN".to_owned(), "DEU".to_owned()],
        products: vec![Product {
            code: "250410".to_owned(),
            material: "graphite".to_owned(),
            stage: "mined".to_owned(),
            proxy: false,
            ..Product::default()
        }],
        period: vec![0],
        exporter: vec![0],
        importer: vec![1],
        product: vec![0],
        value: vec![1.0],
        quantity: vec![1.0],
        line: vec![2],
        ..TradeColumns::default()
    }
}

/// Gives the quantity as a whole number.
fn scale(columns: &mut TradeColumns, scaled: u64, digits: u32) {
    columns.quantity.clear();
    (columns.quantity_scaled, columns.quantity_digits) = (vec![scaled], digits);
}

/// Gives the lines as differences.
fn step(columns: &mut TradeColumns, steps: Vec<i64>) {
    columns.line.clear();
    columns.line_step = steps;
}

/// The same row in the form that takes less room.
fn compact() -> TradeColumns {
    let mut columns = TradeColumns { period: Vec::new(), product: Vec::new(), ..columns() };
    scale(&mut columns, 1_000, 3);
    step(&mut columns, vec![2]);
    columns.value.clear();
    (columns.value_scaled, columns.value_digits) = (vec![10], 1);
    columns
}

/// A foreign client: one release of one row, spoilt in one way.
pub(crate) async fn foreign(
    service: &Service,
    vintage: &str,
    chunks: Vec<ObservationsRecorded>,
) -> Result<String, Failure> {
    let release = Release {
        dataset: "foreign".to_owned(),
        vintage: vintage.to_owned(),
        table: Table::Trade.into(),
        files: vec![SourceFile {
            name: "f".to_owned(),
            bytes: 1,
            sha256: "0".repeat(64),
            ..SourceFile::default()
        }],
        ..Release::default()
    };
    let mut client = service.client();
    let request = OpenReleaseRequest { release: Some(release) };
    let id = client.open_release(request).await?.into_inner().release.unwrap().release.unwrap().id;
    let name = id.clone();
    let messages = chunks.into_iter().map(move |chunk| RecordObservationsRequest {
        release: name.clone(),
        rows: Some(Rows::Observations(chunk)),
    });
    client.record_observations(tokio_stream::iter(messages)).await?;
    Ok(id)
}

pub(crate) fn chunk(chunk: u32, columns: TradeColumns) -> ObservationsRecorded {
    ObservationsRecorded { chunk, columns: Some(Columns::Trade(columns)) }
}

#[tokio::test]
async fn clients_are_not_trusted() {
    let service = Service::start().await;
    type Spoil = fn(&mut TradeColumns);
    let cases: [(&str, Spoil); 20] = [
        ("importer", |columns| columns.importer = vec![2]),
        ("exporter", |columns| columns.exporter = Vec::new()),
        ("value", |columns| columns.value = vec![-1.0]),
        ("value", |columns| columns.value = vec![f64::NAN]),
        ("value", |columns| columns.value = vec![f64::INFINITY]),
        ("quantity", |columns| columns.quantity_status = vec![Status::Withheld.into()]),
        ("quantity", |columns| columns.quantity_status = vec![77]),
        ("line", |columns| columns.line = vec![0]),
        ("file", |columns| columns.file = vec![1]),
        ("periods", |columns| columns.periods = vec!["20222".to_owned()]),
        ("economies", |columns| columns.economies = vec!["CHN".to_owned(), "ZAR".to_owned()]),
        ("material", |columns| columns.products[0].material = "kryptonite".to_owned()),
        ("columns", |columns| *columns = TradeColumns::default()),
        ("product", |columns| {
            columns.product.clear();
            columns.products.clear();
        }),
        ("value", |columns| columns.value_scaled = vec![1]),
        ("quantity", |columns| scale(columns, 1 << 53, 0)),
        ("quantity", |columns| scale(columns, 1, 10)),
        ("quantity", |columns| {
            scale(columns, 1, 0);
            columns.quantity_status = vec![Status::Withheld.into()];
        }),
        ("line_step", |columns| step(columns, vec![0])),
        ("line_step", |columns| step(columns, vec![2, 1])),
    ];
    for (field, spoil) in cases {
        let mut columns = columns();
        spoil(&mut columns);
        let failure = foreign(&service, "spoilt", vec![chunk(0, columns)]).await.unwrap_err();
        assert_eq!((failure.class, &*failure.field), (Class::Invalid, field), "{failure}");
    }
    let failure = foreign(&service, "gap", vec![chunk(1, columns())]).await.unwrap_err();
    assert_eq!(failure.code, "chunk-gap");
    let failure = foreign(&service, "empty", vec![ObservationsRecorded::default()]).await.unwrap_err();
    assert_eq!(failure.field, "columns");
    service.stop().await;
}

/// An amount of unknown origin is a row like others. Its reporter is known, and only one side may be unknown.
#[tokio::test]
async fn amounts_of_unknown_origin_are_recorded() {
    let service = Service::start().await;
    let unknown = |code: &str, reporter: Reporter| TradeColumns {
        economies: vec![code.to_owned(), "DEU".to_owned()],
        reporter: vec![reporter.into()],
        ..columns()
    };
    let importer = Reporter::Importer;
    let id =
        foreign(&service, "unknown", vec![chunk(0, unknown("OTHER:unspecified", importer))]).await.unwrap();
    let request = CommitReleaseRequest { release: id, rows_read: Some(1), ..CommitReleaseRequest::default() };
    let info = service.client().commit_release(request).await.unwrap().into_inner().release.unwrap();
    assert_eq!(info.state(), ReleaseState::Committed);
    assert_eq!(info.report.unwrap().scope.unwrap().partners, ["OTHER:unspecified"]);
    let nameless = |code: &str| TradeColumns { importer: vec![0], ..unknown(code, Reporter::Unspecified) };
    for (columns, field) in [
        (unknown("OTHER", importer), "economies"),
        (unknown("OTHER:nothing", importer), "economies"),
        (unknown("OTHER:unspecified", Reporter::Exporter), "exporter"),
        (nameless("OTHER:special"), "importer"),
    ] {
        let failure = foreign(&service, "spoilt", vec![chunk(0, columns)]).await.unwrap_err();
        assert_eq!((failure.class, &*failure.field), (Class::Invalid, field), "{failure}");
    }
    service.stop().await;
}

#[tokio::test]
async fn damage_is_found_at_the_gates() {
    let service = Service::start().await;
    let mut own = columns();
    own.importer = vec![0];
    let by = |reporter: Reporter| TradeColumns { reporter: vec![reporter.into()], ..columns() };
    let sides = [Reporter::Importer, Reporter::Exporter].map(by);
    for (vintage, chunks, rows_read, blocked) in [
        ("twice", vec![chunk(0, columns()), chunk(1, columns())], 2, "duplicates"),
        ("both-forms", vec![chunk(0, columns()), chunk(1, compact())], 2, "duplicates"),
        ("mixed", vec![chunk(0, by(Reporter::Exporter)), chunk(1, columns())], 2, "duplicates"),
        ("same", vec![chunk(0, sides[0].clone()), chunk(1, sides[0].clone())], 2, "duplicates"),
        ("own", vec![chunk(0, own)], 1, "self-flows"),
        ("lost", vec![chunk(0, columns())], 2, "lost-rows"),
    ] {
        let release = foreign(&service, vintage, chunks).await.unwrap();
        let rows_read = Some(rows_read);
        let request = CommitReleaseRequest { release, rows_read, ..CommitReleaseRequest::default() };
        let release = service.client().commit_release(request).await.unwrap().into_inner().release.unwrap();
        assert_eq!(release.state(), ReleaseState::Refused);
        let blocks = release.report.unwrap().gates;
        let blocks = blocks.iter().filter(|gate| gate.verdict() == Verdict::Block).map(|gate| &*gate.gate);
        assert_eq!(blocks.collect::<Vec<_>>(), [blocked]);
    }
    let changed = TradeColumns { value: vec![2.0], ..columns() };
    foreign(&service, "changed", vec![chunk(0, columns())]).await.unwrap();
    let failure = foreign(&service, "changed", vec![chunk(0, changed)]).await.unwrap_err();
    assert_eq!((failure.class, &*failure.code), (Class::Refused, "chunk-mismatch"));
    service.stop().await;
}
