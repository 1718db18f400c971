//! Every gate in each of its states: off, warn, block, and final.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_contracts::Class;
use orewatch_contracts::ingestion::v1::{
    CommitReleaseRequest, GateInfo, GateMode, ListGatesRequest, ReleaseState, TradeColumns, Verdict,
};
use orewatch_formats::Metadata;
use orewatch_ingestion::client::Options;

use crate::comtrade::{csv, row};
use crate::gates::{chunk, columns, foreign, with_a_total};
use crate::harness::{Service, file, output, trade};
use crate::policy::{PARAMETERS, gate, tidy};
use crate::projections::{COUNTED_TWICE, PROJECTIONS, cut_off};
use crate::revisions::flows;

/// Input that a gate finds wrong.
struct Wrong {
    gate: &'static str,
    /// What was committed before, where a gate compares.
    before: Option<String>,
    content: String,
    /// The dataset of that, where it is another one.
    other: Option<&'static str>,
    /// Revision of product codes, where it is not that of the file.
    hs: Option<&'static str>,
}

fn alone(gate: &'static str, content: String) -> Wrong {
    Wrong { gate, before: None, other: None, content, hs: None }
}

fn wrong_after(gate: &'static str, before: String, content: String) -> Wrong {
    Wrong { gate, before: Some(before), other: None, content, hs: None }
}

/// A flow that is sound, and one that is not.
fn beside(row: &str) -> String {
    trade("v", &["2020,CHN,DEU,250410,1,1", row])
}

/// For each gate that can be weakened, an input that it finds wrong. Recorded self-flows come from clients of
/// others.
fn wrongs() -> Vec<Wrong> {
    let reported = |partner, customs, weight, value| {
        row(["2021", "360", "M", partner, "750210", customs, "0", weight, value])
    };
    let total = with_a_total(&["DEU", "FRA", "ITA"]);
    let total: Vec<_> = total.iter().map(String::as_str).collect();
    let uneven = |place: u32| if place < 5 { 10.0 + f64::from(place) * 10.0 } else { 12.0 };
    let shares = ["2016,end-use-share,0.7,,,cobalt,,C24", "2016,end-use-share,0.6,,,cobalt,,C27"];
    let pounds = ["2020,COD,cobalt,mined,1,t,content", "2020,CHN,cobalt,mined,1,lbs,content"];
    vec![
        alone("rejects", beside("2020,CHN,FRA,250410,x,1")),
        alone("unknown-codes", beside("2020,CHN,ZZZ,250410,1,1")),
        alone("aggregates", beside("2020,CHN,WLD,250410,1,1")),
        alone("units", output(&pounds)),
        alone(
            "declared-totals",
            csv(&[
                reported("156", "C00", "4", "100"),
                reported("36", "C00", "4", "100"),
                reported("0", "C00", "6", "150"),
            ]),
        ),
        alone("partner-sums", trade("v", &total)),
        alone("shares", tidy("v", PARAMETERS, &shares)),
        alone("region-overlaps", trade("v", &["2020,BLX,DEU,250410,1,1", "2020,BEL,DEU,250410,1,1"])),
        Wrong {
            hs: Some("HS96"),
            ..wrong_after("hs-revision", beside("2020,CHN,FRA,250410,1,1"), beside("2020,CHN,FRA,250410,1,2"))
        },
        alone("period-range", beside("20222,CHN,FRA,250410,1,1")),
        alone("later-periods", beside("2061,CHN,FRA,250410,1,1")),
        alone("past-projections", tidy("v", PROJECTIONS, &["1999,CHN,cobalt,mined,supply,base,1,t,content"])),
        alone("rest-of-world-double-count", tidy("v", PROJECTIONS, &COUNTED_TWICE)),
        alone("looks-cut", cut_off("")),
        wrong_after("magnitudes", flows("v", |_| 10.0), flows("v", |_| 10_000.0)),
        wrong_after("scope-jump", flows("v", |_| 10.0), beside("2020,CHN,FRA,250410,1,1")),
        wrong_after("vintage-order", flows("v", |_| 10.0), flows("v", |_| 10.1)),
        wrong_after("revisions", flows("v", |_| 10.0), flows("v", uneven)),
        wrong_after("bases", flows("v", uneven), flows("v", move |place| 1.4 * uneven(place))),
        wrong_after(
            "dataset-kind",
            format!("# kind: declarations\n{}", flows("v", |_| 10.0)),
            flows("v", |_| 10.1),
        ),
        Wrong {
            other: Some("baci-test"),
            ..wrong_after("outranked", flows("v", |_| 10.0), beside("2020,CHN,FRA,250410,1,1"))
        },
        alone("procedures", csv(&[reported("156", "C04", "5", "100"), reported("36", "C00", "4", "100")])),
    ]
}

async fn listed(service: &Service) -> Vec<GateInfo> {
    let request = ListGatesRequest::default();
    service.client().list_gates(request).await.unwrap().into_inner().gates
}

/// Options of a release with one gate in a mode, and all others off that can be.
fn asking(gates: &[GateInfo], wrong: &Wrong, mode: GateMode, accept: bool) -> Options {
    let others = gates.iter().filter(|gate| !gate.r#final && gate.gate != wrong.gate);
    let mut asked: BTreeMap<_, _> = others.map(|gate| (gate.gate.clone(), GateMode::Off)).collect();
    asked.insert(wrong.gate.to_owned(), mode);
    let metadata = Metadata {
        dataset: Some(format!("{}-{}-{accept}", wrong.gate, i32::from(mode))),
        // Only the order of vintages depends on their names.
        vintage: Some(if wrong.gate == "vintage-order" { "a" } else { "z" }.to_owned()),
        hs: wrong.hs.map(str::to_owned),
        ..Metadata::default()
    };
    let accept = if accept { vec![wrong.gate.to_owned()] } else { Vec::new() };
    Options { gates: asked, metadata, accept, ..Options::default() }
}

/// A wrong input is ignored, warned of or refused as requested, and an accepted block is a warning that says
/// so.
#[tokio::test]
async fn every_gate_can_be_off_warn_and_block() {
    let service = Service::start().await;
    let gates = listed(&service).await;
    for wrong in wrongs() {
        for (mode, accept, verdict) in [
            (GateMode::Off, false, Verdict::Off),
            (GateMode::Warn, false, Verdict::Warn),
            (GateMode::Block, false, Verdict::Block),
            (GateMode::Block, true, Verdict::Warn),
        ] {
            let options = asking(&gates, &wrong, mode, accept);
            if let Some(before) = &wrong.before {
                let dataset = wrong.other.map(str::to_owned).or_else(|| options.metadata.dataset.clone());
                let vintage = Some("m".to_owned());
                let metadata = Metadata { dataset, vintage, hs: None, ..options.metadata.clone() };
                let earlier = Options { metadata, ..asking(&gates, &wrong, GateMode::Off, accept) };
                assert!(service.ingest(vec![file("f.csv", before)], earlier).await.unwrap().is_committed());
            }
            let outcome = service.ingest(vec![file("f.csv", &wrong.content)], options).await.unwrap();
            let found = gate(&outcome, wrong.gate);
            assert_eq!((found.verdict(), found.mode()), (verdict, mode), "{found:?}");
            assert_eq!(outcome.is_committed(), verdict != Verdict::Block, "{found:?}");
            assert_eq!(found.message == "not looked at", mode == GateMode::Off, "{found:?}");
            assert_eq!(found.message.ends_with("(accepted)"), accept, "{found:?}");
        }
    }
    service.stop().await;
}

/// Our readers reject self-flows; a client in another language may have recorded them.
#[tokio::test]
async fn recorded_self_flows_can_be_ignored_warned_of_and_blocked() {
    let service = Service::start().await;
    let own = TradeColumns { importer: vec![0], ..columns() };
    for (mode, verdict) in
        [(GateMode::Off, Verdict::Off), (GateMode::Warn, Verdict::Warn), (GateMode::Block, Verdict::Block)]
    {
        let release = foreign(&service, mode.as_str_name(), vec![chunk(0, own.clone())]).await.unwrap();
        let gates = [("self-flows".to_owned(), mode.into())].into();
        let request =
            CommitReleaseRequest { release, rows_read: Some(1), gates, ..CommitReleaseRequest::default() };
        let info = service.client().commit_release(request).await.unwrap().into_inner().release.unwrap();
        assert_eq!(info.state() == ReleaseState::Refused, verdict == Verdict::Block);
        let gates = info.report.unwrap().gates;
        assert_eq!(gates.iter().find(|gate| gate.gate == "self-flows").unwrap().verdict(), verdict);
    }
    service.stop().await;
}

/// No gate is left out above. Final gates cannot be weakened by a request, and block without being asked to.
#[tokio::test]
async fn final_gates_say_so_and_stay() {
    let service = Service::start().await;
    let gates = listed(&service).await;
    let (last, others): (Vec<_>, Vec<_>) = gates.iter().partition(|gate| gate.r#final);
    let shown: BTreeSet<_> = wrongs().iter().map(|wrong| wrong.gate).chain(["self-flows"]).collect();
    assert_eq!(others.iter().map(|gate| &*gate.gate).collect::<BTreeSet<_>>(), shown);
    assert_eq!(
        last.iter().map(|gate| &*gate.gate).collect::<Vec<_>>(),
        ["lost-rows", "empty", "duplicates", "mixed-bases", "supplement"]
    );
    for of in last {
        assert_eq!((of.mode(), of.default_mode()), (GateMode::Block, GateMode::Block));
        for mode in [GateMode::Off, GateMode::Warn] {
            let gates = BTreeMap::from([(of.gate.clone(), mode)]);
            let asked = Options { gates, ..Options::default() };
            let accepted = Options { accept: vec![of.gate.clone()], ..Options::default() };
            for options in [asked, accepted] {
                let content = trade("v", &["2020,CHN,DEU,250410,1,1"]);
                let failure = service.ingest(vec![file("a.csv", content)], options).await.unwrap_err();
                assert_eq!((failure.class, &*failure.code), (Class::Invalid, "invalid-gate"), "{failure}");
            }
        }
    }
    let twice = foreign(&service, "twice", vec![chunk(0, columns()), chunk(1, columns())]).await.unwrap();
    let lost = foreign(&service, "lost", vec![chunk(0, columns())]).await.unwrap();
    for (release, blocked) in [(twice, "duplicates"), (lost, "lost-rows")] {
        let rows_read = Some(if blocked == "lost-rows" { 7 } else { 2 });
        let request = CommitReleaseRequest { release, rows_read, ..CommitReleaseRequest::default() };
        let info = service.client().commit_release(request).await.unwrap().into_inner().release.unwrap();
        let blocks = info.report.unwrap().gates.into_iter().filter(|gate| gate.verdict() == Verdict::Block);
        assert_eq!(blocks.map(|gate| gate.gate).collect::<Vec<_>>(), [blocked]);
    }
    let nothing = service.take("a.csv", trade("v", &["2020,CHN,DEU,010121,1,1"])).await.unwrap();
    assert_eq!(gate(&nothing, "empty").verdict(), Verdict::Block);
    service.stop().await;
}
