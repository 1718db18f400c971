//! What a release restates of its own dataset: a market, codes of a market, declarations or cells, narrowed
//! or widened by its scope.
use orewatch_contracts::ingestion::v1::{
    DatasetKind, GateVerdict, ReleaseOpened, ReleaseState, Report, Scope, Verdict,
};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::Metadata;
use orewatch_ingestion::client::{Options, Outcome};
use prost::Message as _;

use crate::harness::{Service, file};
use crate::policy::gate;

/// Tidy trade of a dataset, with who reports each flow.
pub(crate) fn flows(dataset: &str, vintage: &str, rows: &[&str]) -> String {
    format!(
        "# dataset: {dataset}\n# vintage: {vintage}\n# hs: HS22\n\
         period,exporter,importer,product,value_kusd,quantity_t,reporter\n{}\n",
        rows.join("\n")
    )
}

/// Tidy output of a dataset.
pub(crate) fn mines(dataset: &str, vintage: &str, rows: &[&str]) -> String {
    format!(
        "# dataset: {dataset}\n# vintage: {vintage}\nperiod,economy,material,stage,quantity,unit,basis\n{}\n",
        rows.join("\n")
    )
}

/// Options that state a scope.
pub(crate) fn stating(scope: &str) -> Options {
    let metadata = Metadata { scope: Some(scope.to_owned()), ..Metadata::default() };
    Options { metadata, ..Options::default() }
}

/// Options that declare a supplement.
pub(crate) fn supplementing(base: &str) -> Options {
    let metadata = Metadata { supplements: Some(base.to_owned()), ..Metadata::default() };
    Options { metadata, ..Options::default() }
}

pub(crate) fn report(outcome: &Outcome) -> &Report {
    outcome.release.report.as_ref().unwrap()
}

pub(crate) fn id(outcome: &Outcome) -> String {
    outcome.release.release.as_ref().unwrap().id.clone()
}

fn jump(outcome: &Outcome) -> &GateVerdict {
    gate(outcome, "scope-jump")
}

async fn committed(service: &Service, content: String) -> Outcome {
    let outcome = service.take("f.csv", content).await.unwrap();
    assert!(outcome.is_committed(), "{outcome:?}");
    outcome
}

const GERMANY: [&str; 2] =
    ["2022,CHL,DEU,283691,9000,3000,importer", "2022,CHN,DEU,283691,4000,1000,importer"];

/// Files of two reporters, one after the other: both stay.
#[tokio::test]
async fn declarations_of_economies_do_not_restate_each_other() {
    let service = Service::start().await;
    let first = committed(&service, flows("comtrade-test", "2", &GERMANY)).await;
    assert_eq!(first.release.release.as_ref().unwrap().kind(), DatasetKind::Declarations);
    assert_eq!(
        report(&first).scope,
        Some(Scope {
            reporters: vec!["DEU".to_owned()],
            partners: vec!["CHL".to_owned(), "CHN".to_owned()],
            flows: vec!["imports".to_owned()],
            products: vec!["283691".to_owned()],
            periods: vec!["2022".to_owned()],
        })
    );
    for (vintage, row) in [
        ("1", "2022,CHL,FRA,283691,900,300,importer"),
        ("exports", "2022,DEU,FRA,283691,5,1,exporter"),
        ("year", "2023,CHL,DEU,283691,900,300,importer"),
        ("code", "2022,CHL,DEU,282520,900,300,importer"),
    ] {
        let other = committed(&service, flows("comtrade-test", vintage, &[row])).await;
        assert_eq!(jump(&other).message, "nothing is restated", "{row}");
        assert_eq!(report(&other).restates, "", "{row}");
        assert_eq!(gate(&other, "vintage-order").verdict(), Verdict::Pass, "{row}");
    }
    let again = service.take("f.csv", flows("comtrade-test", "3", &GERMANY[1..])).await.unwrap();
    assert_eq!(again.release.state(), ReleaseState::Refused);
    assert_eq!(report(&again).restates, id(&first));
    assert_eq!(
        jump(&again).message,
        "of 2 keys in 1 restated declaration 1 vanish (50.0 %), 0 are new (0.0 %). Would vanish: DEU imports \
         283691 from CHL in \
         2022. If the file is an extract, state what it covers: --scope partner=CHN; if they are really \
         gone: --accept scope-jump"
    );
    service.stop().await;
}

/// A figure without a reporter stands for the importer's declaration.
#[tokio::test]
async fn a_figure_of_both_sides_is_the_importers_declaration() {
    let service = Service::start().await;
    committed(&service, flows("hmrc-test", "1", &["2022,CHL,DEU,283691,9,3,", "2022,CHN,FRA,283691,9,3,"]))
        .await;
    let next = committed(&service, flows("hmrc-test", "2", &["2022,CHL,DEU,283691,8,3,importer"])).await;
    assert_eq!(
        jump(&next).message,
        "of 1 keys in 1 restated declaration 0 vanish (0.0 %), 0 are new (0.0 %)"
    );
    service.stop().await;
}

/// A reconciled set restates whole markets, with all of their product codes.
#[tokio::test]
async fn a_reconciled_set_restates_whole_markets() {
    let service = Service::start().await;
    let rows = [
        "2022,CHL,DEU,283691,9,3,",
        "2022,CHN,DEU,283691,4,1,",
        "2022,CHN,DEU,282520,4,1,",
        "2023,CHN,DEU,282520,4,1,",
    ];
    let first = committed(&service, flows("baci-test", "1", &rows)).await;
    assert_eq!(first.release.release.as_ref().unwrap().kind(), DatasetKind::Reconciled);
    // An extract of one code takes the other one away, and is told how not to.
    let one = ["2022,CHL,DEU,283691,8,3,", "2022,CHN,DEU,283691,4,2,"];
    let extract = service.take("f.csv", flows("baci-test", "2", &one)).await.unwrap();
    assert_eq!(
        jump(&extract).message,
        "of 3 keys in 1 restated market 1 vanish (33.3 %), 0 are new (0.0 %). Would vanish: 282520 from CHN \
         to DEU in 2022. If \
         the file is an extract, state what it covers: --scope product=283691; if they are really gone: \
         --accept scope-jump"
    );
    let inputs = vec![file("f.csv", flows("baci-test", "2", &one))];
    let stated = service.ingest(inputs, stating("product=283691")).await.unwrap();
    assert!(stated.is_committed(), "{stated:?}");
    assert_eq!(jump(&stated).message, "of 2 keys in 1 restated market 0 vanish (0.0 %), 0 are new (0.0 %)");
    assert_eq!(report(&stated).restates, id(&first));
    service.stop().await;
}

/// Tables and undeclared datasets restate whole markets of their own, and nothing of other datasets.
#[tokio::test]
async fn tables_and_undeclared_datasets_restate_whole_markets_of_their_own() {
    let service = Service::start().await;
    let all = ["2024,CHN,graphite,mined,1270,kt,gross", "2024,MOZ,graphite,mined,75,kt,gross"];
    let usgs = committed(&service, mines("usgs-mcs", "1", &all)).await;
    assert_eq!(usgs.release.release.as_ref().unwrap().kind(), DatasetKind::Tables);
    let survey = committed(&service, mines("our-survey", "1", &all[1..])).await;
    assert_eq!(survey.release.release.as_ref().unwrap().kind(), DatasetKind::Unspecified);
    assert_eq!(jump(&survey).message, "nothing is restated");
    for dataset in ["usgs-mcs", "our-survey"] {
        let rows = ["2024,CHN,graphite,mined,1271,kt,gross"];
        let fewer = service.take("f.csv", mines(dataset, "2", &rows)).await.unwrap();
        assert_eq!(fewer.release.state(), ReleaseState::Refused, "{dataset}");
        assert!(
            jump(&fewer).message.contains("Would vanish: MOZ graphite mined 2024."),
            "{:?}",
            jump(&fewer)
        );
    }
    service.stop().await;
}

/// A supplement restates cell by cell, so nothing of it vanishes by another supplement.
#[tokio::test]
async fn a_supplement_restates_the_cells_that_it_has() {
    let service = Service::start().await;
    committed(&service, mines("usgs-mcs", "1", &["2024,CHN,graphite,mined,1270,kt,gross"])).await;
    let take = async |vintage: &str, rows: &[&str]| {
        let inputs = vec![file("s.csv", mines("our-survey", vintage, rows))];
        service.ingest(inputs, supplementing("usgs-mcs")).await.unwrap()
    };
    let first =
        take("1", &["2024,MOZ,graphite,mined,75,kt,gross", "2024,BRA,graphite,mined,60,kt,gross"]).await;
    assert_eq!(gate(&first, "supplement").message, "it fills missing cells of usgs-mcs");
    assert_eq!(jump(&first).message, "nothing is restated");
    let release = first.release.release.clone().unwrap();
    assert_eq!((release.kind(), &*release.supplements), (DatasetKind::Supplement, "usgs-mcs"));
    let next =
        take("2", &["2024,MOZ,graphite,mined,76,kt,gross", "2024,IND,graphite,mined,1,kt,gross"]).await;
    assert_eq!(jump(&next).message, "of 1 keys in 1 restated cell 0 vanish (0.0 %), 0 are new (0.0 %)");
    assert_eq!(report(&next).restates, id(&first));
    // Its own scope can take cells away.
    let inputs = vec![file("s.csv", mines("our-survey", "3", &["2024,MOZ,graphite,mined,77,kt,gross"]))];
    let options = Options {
        metadata: Metadata {
            scope: Some("reporter=MOZ,BRA,IND".to_owned()),
            supplements: Some("usgs-mcs".to_owned()),
            ..Metadata::default()
        },
        ..Options::default()
    };
    let wider = service.ingest(inputs, options).await.unwrap();
    assert!(jump(&wider).message.starts_with("of 3 keys in 3 restated cells 2 vanish"), "{:?}", jump(&wider));
    service.stop().await;
}

/// A stated scope narrows what is restated. Inside it everything is restated, even where the release has no
/// row.
#[tokio::test]
async fn a_scope_narrows_and_widens() {
    let service = Service::start().await;
    let rows =
        [GERMANY[0], GERMANY[1], "2022,CHN,DEU,282520,4,1,importer", "2023,CHN,DEU,283691,4,1,importer"];
    committed(&service, flows("comtrade-test", "1", &rows)).await;
    let take = async |vintage: &str, scope: &str, row: &str| {
        let inputs = vec![file("f.csv", flows("comtrade-test", vintage, &[row]))];
        service.ingest(inputs, stating(scope)).await.unwrap()
    };
    let partner = take("2", "partner=CHN", GERMANY[1]).await;
    assert!(partner.is_committed());
    assert_eq!(
        jump(&partner).message,
        "of 1 keys in 1 restated declaration 0 vanish (0.0 %), 0 are new (0.0 %)"
    );
    let products = take("3", "partner=CHN; product=282520,283691", GERMANY[1]).await;
    assert!(
        jump(&products).message.starts_with(
            "of 2 keys in 2 restated declarations 1 vanish (50.0 %), 0 are new (0.0 %). Would vanish: DEU \
             imports 282520 from CHN"
        ),
        "{:?}",
        jump(&products)
    );
    let periods = take("4", "partner=CHN; period=2022,2023", GERMANY[1]).await;
    assert!(
        jump(&periods).message.contains("Would vanish: DEU imports 283691 from CHN in 2023."),
        "{periods:?}"
    );
    let elsewhere = take("5", "reporter=DEU; partner=ARG", "2022,ARG,DEU,283691,1,1,importer").await;
    assert_eq!(jump(&elsewhere).message, "nothing is restated");
    service.stop().await;
}

/// The advice of scope-jump is right: the same file with the advised scope is committed, and takes nothing
/// away.
#[tokio::test]
async fn the_advised_scope_keeps_all_keys() {
    let service = Service::start().await;
    committed(&service, flows("comtrade-test", "1", &GERMANY)).await;
    let inputs = || vec![file("f.csv", flows("comtrade-test", "2", &GERMANY[1..]))];
    let refused = service.ingest(inputs(), Options::default()).await.unwrap();
    let advice =
        jump(&refused).message.split_once("--scope ").unwrap().1.split_once(';').unwrap().0.to_owned();
    let outcome = service.ingest(inputs(), stating(&advice)).await.unwrap();
    assert!(outcome.is_committed(), "{outcome:?}");
    assert_eq!((report(&outcome).rows_recorded, jump(&outcome).verdict()), (1, Verdict::Pass));
    assert_eq!(outcome.release.release.clone().unwrap().scope.unwrap().partners, ["CHN"]);
    // Without the scope it is the same content, and known; with another one it would be silently something
    // else.
    assert!(service.ingest(inputs(), Options::default()).await.unwrap().known);
    let failure = service.ingest(inputs(), stating("partner=CHN,CHL")).await.unwrap_err();
    assert_eq!((failure.class, &*failure.code), (Class::Refused, "declaration-mismatch"), "{failure}");
    service.stop().await;
}

fn place(failure: &Failure) -> (Class, &str, &str) {
    (failure.class, &failure.code, &failure.field)
}

/// A row outside the stated scope is an error with its line, and nothing of the file is recorded.
#[tokio::test]
async fn a_row_outside_of_the_scope_is_an_error() {
    let service = Service::start().await;
    let inputs = || vec![file("f.csv", flows("comtrade-test", "1", &GERMANY))];
    for (scope, field, value) in [
        ("partner=CHN", "scope.partner", "CHL"),
        ("reporter=FRA", "scope.reporter", "DEU"),
        ("flow=exports", "scope.flow", "imports"),
        ("product=282520", "scope.product", "283691"),
        ("period=2023", "scope.period", "2022"),
    ] {
        let failure = service.ingest(inputs(), stating(scope)).await.unwrap_err();
        assert_eq!(place(&failure), (Class::Invalid, "outside-scope", field), "{failure}");
        assert_eq!(failure.value, value);
        assert!(
            failure.message.starts_with("f.csv:5: DEU imports 283691 from CHL in 2022 is outside"),
            "{failure}"
        );
        let dry = Options { dry_run: true, ..stating(scope) };
        assert_eq!(service.ingest(inputs(), dry).await.unwrap_err().code, "outside-scope");
    }
    // One figure a flow has no direction that a scope could name.
    let inputs = vec![file("f.csv", flows("baci-test", "1", &["2022,CHL,DEU,283691,9,3,"]))];
    let failure = service.ingest(inputs, stating("flow=imports,exports")).await.unwrap_err();
    assert_eq!(place(&failure), (Class::Invalid, "outside-scope", "scope.flow"), "{failure}");
    assert!(failure.hint.contains("leave flow out"), "{failure}");
    let inputs = vec![file("p.csv", mines("usgs-mcs", "1", &["2024,CHN,graphite,mined,1,kt,gross"]))];
    let failure = service.ingest(inputs, stating("product=lithium mined")).await.unwrap_err();
    assert_eq!(failure.value, "graphite mined", "{failure}");
    service.stop().await;
}

/// Scopes, kinds and supplements that make no sense are refused before anything is recorded.
#[tokio::test]
async fn a_scope_that_makes_no_sense_is_refused() {
    let service = Service::start().await;
    let trade = || vec![file("f.csv", flows("comtrade-test", "1", &GERMANY))];
    let production = || vec![file("p.csv", mines("our-mines", "1", &["2024,CHN,graphite,mined,1,kt,gross"]))];
    for (scope, field, part) in [
        ("partner=CHN,CHL,CHN", "scope.partner", "twice"),
        ("partner=DEU; reporter=DEU", "scope.partner", "does not trade with itself"),
        ("partner=EU27", "scope.partner", "no economy"),
        ("reporter=OTHER:unspecified", "scope.reporter", "reports nothing"),
        ("flow=both", "scope.flow", "direction"),
        ("product=2836910", "scope.product", "six digits"),
        ("product=283691,999999", "scope.product", "stands for no material of the catalogue"),
        ("period=2022-13", "scope.period", "no period"),
        ("party=CHN", "scope", "dimension"),
        ("partner=CHN; partner=CHL", "scope", "twice"),
    ] {
        let failure = service.ingest(trade(), stating(scope)).await.unwrap_err();
        assert_eq!((failure.class, &*failure.field), (Class::Invalid, field), "{scope}: {failure}");
        assert!(failure.message.contains(part), "{scope}: {failure}");
    }
    for (scope, field) in [
        ("partner=CHN", "scope.partner"),
        ("product=graphite", "scope.product"),
        ("reporter=OTHER", "scope.reporter"),
    ] {
        let failure = service.ingest(production(), stating(scope)).await.unwrap_err();
        assert_eq!((failure.class, &*failure.field), (Class::Invalid, field), "{scope}: {failure}");
    }
    let governance = "# dataset: g\n# vintage: 1\nperiod,economy,indicator,value\n2020,CHN,PV.EST,0.5\n";
    let failure = service.ingest(vec![file("g.csv", governance)], stating("reporter=CHN")).await.unwrap_err();
    assert!(failure.message.contains("only trade and output have a scope"), "{failure}");
    let said = |kind: Option<&str>, supplements: Option<&str>| Options {
        metadata: Metadata {
            kind: kind.map(str::to_owned),
            supplements: supplements.map(str::to_owned),
            ..Metadata::default()
        },
        ..Options::default()
    };
    for (options, code) in [
        (said(Some("reconcild"), None), "unknown-dataset-kind"),
        (said(Some("undeclared"), None), "unknown-dataset-kind"),
        (said(Some("supplement"), None), "invalid-supplement"),
        (said(Some("tables"), Some("usgs-mcs")), "invalid-supplement"),
        (said(None, Some("our-mines")), "invalid-supplement"),
        (said(None, Some("USGS")), "invalid-supplement"),
    ] {
        let failure = service.ingest(production(), options).await.unwrap_err();
        assert_eq!((failure.class, &*failure.code), (Class::Invalid, code), "{failure}");
        assert!(!failure.message.is_empty());
    }
    assert!(service.events().await.is_empty(), "nothing was opened");
    service.stop().await;
}

/// A file may state its own kind, scope and supplement.
#[tokio::test]
async fn a_scope_is_read_from_a_file() {
    let service = Service::start().await;
    let content = format!(
        "# kind: declarations\n# scope: partner=CHL,CHN; period=2022\n{}",
        flows("customs", "1", &GERMANY)
    );
    let release = committed(&service, content).await.release.release.unwrap();
    assert_eq!(release.kind(), DatasetKind::Declarations);
    assert_eq!(release.scope.unwrap().periods, ["2022"]);
    let content =
        format!("# supplements: usgs-mcs\n{}", mines("ours", "1", &["2024,CHN,graphite,mined,1,kt,gross"]));
    assert_eq!(committed(&service, content).await.release.release.unwrap().kind(), DatasetKind::Supplement);
    let content = format!("# scope: partner=CHN\n{}", flows("customs", "2", &GERMANY));
    let failure = service.take("f.csv", content).await.unwrap_err();
    assert_eq!(failure.code, "outside-scope");
    service.stop().await;
}

/// A release that was opened before releases had a kind is recognised, and continues where it stopped.
#[tokio::test]
async fn content_that_was_opened_without_a_kind_is_recognised() {
    let service = Service::start().await;
    let inputs = || vec![file("f.csv", flows("comtrade-test", "1", &GERMANY))];
    let held = Options { hold: true, ..Options::default() };
    service.ingest(inputs(), held.clone()).await.unwrap();
    let mut recorded = service.events().await;
    for event in recorded.iter_mut().filter(|event| event.kind.ends_with("ReleaseOpened")) {
        let mut opened = ReleaseOpened::decode(event.data.clone()).unwrap();
        opened.release.as_mut().unwrap().set_kind(DatasetKind::Unspecified);
        event.data = opened.encode_to_vec().into();
    }
    let (log, directory) = service.copy(recorded).await;
    let later = Service::with(log, directory, |config| config).await;
    let outcome = later.ingest(inputs(), Options::default()).await.unwrap();
    assert!(outcome.is_committed() && outcome.chunks_known == 1, "{outcome:?}");
    assert!(later.ingest(inputs(), Options::default()).await.unwrap().known);
    let opened = later.events().await.into_iter().filter(|event| event.kind.ends_with("ReleaseOpened"));
    assert_eq!(opened.count(), 1);
    // Without a recorded kind it is known by its name: another reporter's file restates nothing.
    let other = committed(&later, flows("comtrade-test", "2", &["2022,CHL,FRA,283691,9,3,importer"])).await;
    assert_eq!(jump(&other).message, "nothing is restated");
    later.stop().await;
    service.stop().await;
}
