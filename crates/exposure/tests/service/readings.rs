//! How recorded figures are read: which of two reports counts, and whose figures come first.

use orewatch_contracts::common::v1::as_at::At;
use orewatch_contracts::common::v1::{Estimate, Status};
use orewatch_contracts::exposure::v1::{ExplainExposureRequest, GetExposureRequest, Mirror, Reading};
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{ProductionColumns, SourceFile, Table, TradeColumns};
use orewatch_contracts::{Class, Failure};
use orewatch_runtime::Access;
use tonic::{Code, Request};

use crate::kit::{Api, House, Trade, production, reported, subject, trade};

async fn read(api: &mut Api, of: [&str; 5], reading: Reading) -> Result<Estimate, Failure> {
    let request = GetExposureRequest {
        subject: Some(subject(of)),
        as_of: "2022".to_owned(),
        reading: Some(reading),
        ..GetExposureRequest::default()
    };
    let answer = api.client.get_exposure(request).await?;
    Ok(answer.into_inner().exposure.unwrap().estimate.unwrap())
}

fn reading_by(mirror: Mirror) -> Reading {
    Reading { mirror: mirror.into(), ..Reading::default() }
}

/// Both reports are kept, so that each question may choose; what is doubtful stays so whatever is chosen.
#[tokio::test]
async fn either_report_may_be_the_best_and_both_bound_the_figure() {
    let flow: [Trade<'_>; 3] = [
        ("2022", "ZAF", "DEU", "260200", 10.0, Some(40.0)),
        ("2022", "ZAF", "DEU", "260200", 10.0, Some(60.0)),
        ("2022", "GAB", "DEU", "260200", 10.0, Some(60.0)),
    ];
    let rows = [(flow[0], 1), (flow[1], 2), (flow[2], 1)];
    let house = House::new();
    let position = house.release("comtrade/202501-aaaaaaaaaaaa", reported(&rows)).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let share = ["DEU", "manganese", "mined", "import-share", "ZAF"];
    for (mirror, expected) in [
        (Mirror::Unspecified, 0.4),
        (Mirror::Importer, 0.4),
        (Mirror::Exporter, 0.5),
        (Mirror::Larger, 0.5),
        (Mirror::Mean, 50.0 / 110.0),
    ] {
        let found = read(&mut api, share, reading_by(mirror)).await.unwrap();
        assert!((found.value.unwrap() - expected).abs() < 1e-12, "{mirror:?}: {found:?}");
        assert_eq!((found.low, found.high), (Some(0.4), Some(0.5)), "{mirror:?}");
        assert_eq!(found.status(), Status::Partial);
    }
    let unknown = Reading { mirror: 77, ..Reading::default() };
    assert_eq!(read(&mut api, share, unknown).await.unwrap_err().class, Class::Invalid);
    api.stop().await;
}

/// A company's purchases say whom the company depends on, and change nothing for anyone else.
#[tokio::test]
async fn a_tenants_figures_are_its_own() {
    let house = House::new();
    house
        .trade(
            "baci/1-aaaaaaaaaaaa",
            &[
                ("2022", "CHN", "DEU", "250410", 9.0, Some(9.0)),
                ("2022", "MOZ", "DEU", "250410", 1.0, Some(1.0)),
            ],
        )
        .await;
    let id = "acme-purchases/1-bbbbbbbbbbbb";
    house.open_for("acme", id, Table::Trade).await;
    house
        .record(
            id,
            0,
            trade(
                &[
                    ("2022", "CHN", "DEU", "250410", 1.0, Some(1.0)),
                    ("2022", "MOZ", "DEU", "250410", 3.0, Some(3.0)),
                ],
                2,
            ),
        )
        .await;
    let committed = house.commit(id).await;
    // Everyone's next release restates everyone's, and not the tenant's.
    let newest = house
        .trade(
            "baci/2-cccccccccccc",
            &[
                ("2022", "CHN", "DEU", "250410", 8.0, Some(8.0)),
                ("2022", "MOZ", "DEU", "250410", 2.0, Some(2.0)),
            ],
        )
        .await;
    let mut api = house.serve().await;
    api.published(newest).await;
    let share = ["DEU", "graphite", "mined", "import-share", "CHN"];
    let of = |tenant: &str| Reading { tenant: tenant.to_owned(), ..Reading::default() };
    for (tenant, expected) in [("", 0.8), ("acme", 0.25), ("somebody-else", 0.8)] {
        let found = read(&mut api, share, of(tenant)).await.unwrap().value.unwrap();
        assert!((found - expected).abs() < 1e-12, "{tenant}: {found}");
    }
    let caused = |event: &orewatch_eventlog::Event| {
        use prost::Message as _;
        let changed = orewatch_contracts::exposure::v1::ReleaseApplied::decode(event.data.clone());
        changed.ok().and_then(|applied| applied.cause).map(|cause| cause.position)
    };
    let applied = house.published().await.into_iter().filter(|event| event.kind.ends_with(".ReleaseApplied"));
    assert!(applied.filter_map(|event| caused(&event)).all(|position| position != committed));

    let position = house.withdraw(id).await;
    api.published(position).await;
    let found = read(&mut api, share, of("acme")).await.unwrap().value.unwrap();
    assert!((found - 0.8).abs() < 1e-12, "what is withdrawn is gone: {found}");
    api.stop().await;
}

/// A release that is read again by other codes stands where it stood: what came after it still comes before
/// it, markets that it has no more are empty, and an earlier day shows what was known then.
#[tokio::test]
async fn another_reading_takes_the_place_of_the_first() {
    let house = House::new();
    let first = "customs/1-aaaaaaaaaaaa";
    let known = house
        .trade(
            first,
            &[
                ("2022", "CHN", "DEU", "250410", 9.0, Some(9.0)),
                ("2022", "MOZ", "DEU", "250410", 1.0, Some(1.0)),
                ("2022", "GAB", "DEU", "260200", 1.0, Some(1.0)),
                ("2021", "CHN", "DEU", "250410", 1.0, Some(1.0)),
            ],
        )
        .await;
    house.trade("customs/2-bbbbbbbbbbbb", &[("2022", "ZAF", "DEU", "260200", 1.0, Some(1.0))]).await;
    let again = "customs/1-cccccccccccc";
    house.open_in_place(first, again, Table::Trade).await;
    let rows = [
        ("2022", "CHN", "DEU", "250410", 5.0, Some(5.0)),
        ("2022", "MOZ", "DEU", "250410", 5.0, Some(5.0)),
        ("2022", "GAB", "DEU", "260200", 7.0, Some(7.0)),
    ];
    house.record(again, 0, trade(&rows, 2)).await;
    let committed = house.commit(again).await;
    let mut api = house.serve().await;
    api.published(committed).await;
    let share =
        |material: &str, supplier: &str| subject(["DEU", material, "mined", "import-share", supplier]);
    assert_eq!(api.estimate(share("graphite", "CHN"), "2022").await.value, Some(0.5));
    assert_eq!(
        api.estimate(share("manganese", "ZAF"), "2022").await.value,
        Some(1.0),
        "the later release stays"
    );
    assert_eq!(api.estimate(share("graphite", "CHN"), "2021").await.value, None, "the first reading is gone");
    let then = api.get(share("graphite", "CHN"), "2022", Some(At::Position(known))).await.unwrap();
    assert_eq!(then.estimate.unwrap().value, Some(0.9));
    api.stop().await;
}

/// From a figure to file, line and cell: a flow's two figures stand where the file says, the only figure of a
/// row in its column.
#[tokio::test]
async fn a_figure_leads_back_to_its_cell() {
    let house = House::new();
    let names = ["t", "i", "j", "k", "v", "q"].map(str::to_owned).to_vec();
    let file = SourceFile {
        name: "trade.csv".to_owned(),
        columns: names,
        value_column: 5,
        quantity_column: 6,
        ..SourceFile::default()
    };
    let id = "baci/1-aaaaaaaaaaaa";
    house.open_file(file, id, Table::Trade).await;
    let flow = |exporter| ("2022", exporter, "DEU", "260200", 1.0, Some(1.0));
    let Columns::Trade(flows) = trade(&[flow("ZAF"), flow("GAB")], 7) else { panic!("columns of trade") };
    // The second row's quantity was taken from another column than the file's.
    let flows = TradeColumns { quantity_column: vec![0, 4], ..flows };
    house.record(id, 0, Columns::Trade(flows)).await;
    house.commit(id).await;
    let Columns::Production(output) =
        production(&[("2022", "ZAF", "manganese", "mined", Some(9.0), "gross")])
    else {
        panic!("columns of output")
    };
    let output = ProductionColumns { column: vec![2], ..output };
    let file = SourceFile {
        name: "wide.csv".to_owned(),
        columns: vec!["who".to_owned(), "2022".to_owned()],
        ..SourceFile::default()
    };
    let id = "output/1-bbbbbbbbbbbb";
    house.open_file(file, id, Table::Production).await;
    house.record(id, 0, Columns::Production(output)).await;
    let position = house.commit(id).await;
    let mut api = house.serve().await;
    api.published(position).await;
    for (of, supplier, expected) in [
        ("import-share", "ZAF", ("trade.csv", 7, "q,v")),
        ("import-share", "GAB", ("trade.csv", 8, "k,v")),
        ("production-share", "ZAF", ("wide.csv", 2, "2022")),
    ] {
        let consumer = if of == "import-share" { "DEU" } else { "WLD" };
        let request = ExplainExposureRequest {
            subject: Some(subject([consumer, "manganese", "mined", of, supplier])),
            as_of: "2022".to_owned(),
            ..ExplainExposureRequest::default()
        };
        let why = api.client.explain_exposure(request).await.unwrap().into_inner();
        let row = why.rows.iter().find(|row| row.economy == supplier).unwrap();
        assert_eq!((&*row.file, row.line, &*row.column), expected, "{of} of {supplier}");
    }
    api.stop().await;
}

/// A tenant's figures are answered to who may read them, and to nobody else.
#[tokio::test]
async fn a_tenants_figures_are_for_its_own() {
    const TOKENS: &str = "[[token]]\nname = \"acme\"\ntoken = \"token-of-acme-0001\"\nwrite = [\"acme\"]\n\
                          [[token]]\nname = \"brown\"\ntoken = \"token-of-brown-001\"\nwrite = [\"brown\"]\n";
    let house = House::new();
    let id = "acme-purchases/1-bbbbbbbbbbbb";
    house.open_for("acme", id, Table::Trade).await;
    house.record(id, 0, trade(&[("2022", "CHN", "DEU", "250410", 1.0, Some(1.0))], 2)).await;
    house.commit(id).await;
    let mut api = house.guarded(Access::parse(TOKENS).unwrap()).await;
    let mut ask = async |token: &str, tenant: &str| {
        let mut request = Request::new(GetExposureRequest {
            subject: Some(subject(["DEU", "graphite", "mined", "import-share", "CHN"])),
            as_of: "2022".to_owned(),
            reading: Some(Reading { tenant: tenant.to_owned(), ..Reading::default() }),
            ..GetExposureRequest::default()
        });
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let answer = loop {
            match api.client.get_exposure(clone_of(&request)).await {
                Err(status) if status.code() == Code::Unavailable => tokio::task::yield_now().await,
                answer => break answer,
            }
        };
        answer.map(|answer| answer.into_inner().exposure.unwrap().estimate.unwrap().value)
    };
    assert_eq!(ask("token-of-acme-0001", "acme").await.unwrap(), Some(1.0));
    assert_eq!(ask("token-of-brown-001", "").await.unwrap(), None, "everyone has no such figure");
    assert_eq!(ask("token-of-brown-001", "acme").await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(ask("no-token-at-all-001", "").await.unwrap_err().code(), Code::Unauthenticated);
    api.stop().await;
}

fn clone_of<T: Clone>(request: &Request<T>) -> Request<T> {
    let mut copy = Request::new(request.get_ref().clone());
    *copy.metadata_mut() = request.metadata().clone();
    copy
}
