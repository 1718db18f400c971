//! What is recorded, step by step. Figures beside the reference tables are made up; `tests/recorded/README.md` says what each
//! file is there for.
use std::fs;
use std::process::Command;

use orewatch_tests::recorded::ask::streams::{self, BEGINNING};
use orewatch_tests::recorded::questions::{AlertStream, ExposureStream, FigureQuestion, Questions};
use orewatch_tests::tools::{orewatch, output, text};

use crate::desk::{Desk, input};
use crate::receiver;

/// Ores of antimony and tungsten, and powders of tungsten, in HS92, each with the first year that is wanted.
const TRADE: [(&str, &str); 3] = [("261710", "2020"), ("261100", "2020"), ("810110", "2022")];

/// Part of a stream that is over when it is interrupted: all but the last quarter.
const INTERRUPTED_AFTER: (usize, usize) = (3, 4);

/// Plays everything. Returns what is to be asked of the log.
pub(crate) async fn play(desk: &mut Desk) -> Questions {
    configure(desk);
    reference_figures(desk).await;
    acknowledge_and_silence(desk).await;
    restate(desk).await;
    own_figures(desk).await;
    let before_repair = desk.position().await;
    repair_and_withdraw(desk).await;
    concordances(desk).await;
    tenant(desk).await;
    let before_second = desk.position().await;
    two_datasets(desk).await;
    revise(desk).await;
    desk.calm().await;

    let measures = measures();
    Questions {
        figures: figure_questions(before_repair, before_second),
        alerts: alert_streams(desk).await,
        exposures: exposure_streams(desk, &measures).await,
        measures,
        ..Questions::default()
    }
}

/// Rules, and who is told.
fn configure(desk: &Desk) {
    desk.ok(&["rules", "apply", "--pack", "crma-2030"]);
    desk.ok(&["rules", "apply", "--pack", "g7-china"]);
    desk.ok(&["rules", "apply", &input("desk-rules.yaml"), "--actor", "desk", "--reason", "first lines"]);
    let receivers = fs::read_to_string(input("receivers.yaml")).expect("an input");
    let receivers = desk.write("receivers.yaml", &receivers.replace("URL", &receiver::listen()));
    desk.ok(&["receivers", "apply", &receivers, "--actor", "desk"]);
    desk.ok(&["subscriptions", "apply", &input("subscriptions.yaml"), "--actor", "desk"]);
    desk.ok(&["inhibitions", "apply", &input("inhibitions.yaml"), "--actor", "desk"]);
}

/// Trade of three codes, and all of governance, parameters and the older vintage of output.
async fn reference_figures(desk: &Desk) {
    let is_traded = |row: &[&str]| {
        let is_row = |(code, first): &(&str, &str)| row.get(3) == Some(code) && row.first() >= Some(first);
        TRADE.iter().any(is_row)
    };
    desk.ingest_reference("trade-baci", is_traded).await;
    desk.ingest_reference("governance", |_| true).await;
    desk.ingest_reference("parameters", |_| true).await;
    desk.ingest_reference("production-usgs-mcs-MCS2025", |_| true).await;
    desk.calm().await;
}

/// Alerts are taken on, one is let go, and one of two silences is ended.
async fn acknowledge_and_silence(desk: &Desk) {
    let kept = ["--verdict", "confirmed", "--note", "second source", "--owner", "desk"];
    desk.ok(&[&["acknowledge", "g7-china-tungsten/ITA/tungsten/mined/CHN"], &kept[..]].concat());
    desk.ok(&["acknowledge", "world-production-concentration/WLD/graphite/mined/-", "--owner", "desk"]);
    desk.ok(&["unacknowledge", "world-production-concentration/WLD/graphite/mined/-"]);
    let until = ["--until", "2099-01-01T00:00:00Z", "--author", "desk", "--reason", "known"];
    desk.ok(&[&["silences", "add", "--material", "tungsten"], &until[..]].concat());
    let ended = [&["silences", "add", "--material", "lithium", "--format", "json"], &until[..]].concat();
    let made: serde_json::Value = serde_json::from_str(&desk.ok(&ended)).expect("JSON");
    let id = silence_id(&made).unwrap_or_else(|| panic!("no silence in {made}"));
    desk.ok(&["silences", "end", &id]);
    desk.calm().await;
}

fn silence_id(made: &serde_json::Value) -> Option<String> {
    let one = made.as_array().and_then(|all| all.first()).unwrap_or(made);
    ["silence", "id"].iter().find_map(|name| one.get(name)?.as_str()).map(str::to_owned)
}

/// Restrictions, a consumption of one's own, and the newer vintage of output, which moves an alert of the past.
async fn restate(desk: &Desk) {
    desk.ingest("export-watch.csv", &[]).await;
    desk.ingest("desk-parameters.csv", &[]).await;
    desk.ingest_reference("production-usgs-mcs-MCS2026", |_| true).await;
    desk.calm().await;
}

/// Small releases: one with rows that are set aside, one that will be withdrawn, one that is refused, months, mirror flows, and two
/// stages of one chain.
async fn own_figures(desk: &Desk) {
    desk.ingest("desk-trade.csv", &["--max-rejects", "2"]).await;
    desk.ingest("wire-report.csv", &[]).await;
    desk.refused(&["ingest", &input("torn-report.csv")]);
    desk.ingest("desk-monthly.csv", &[]).await;
    desk.ingest("desk-mirror.csv", &[]).await;
    desk.ingest("desk-chain.csv", &[]).await;
    desk.ingest("desk-refiners.csv", &[]).await;
    desk.calm().await;
}

async fn repair_and_withdraw(desk: &Desk) {
    let wrong = desk.write("wrong.csv", "");
    fs::remove_file(&wrong).expect("it was there");
    desk.ok(&["rejections", "desk-trade/2026-10", "--export", &wrong]);
    let mended =
        fs::read_to_string(&wrong).expect("it was exported").replace("5o", "50").replace("GAX", "GAB");
    let mended = desk.write("mended.csv", &mended);
    let who = ["--reason", "typing errors", "--actor", "desk"];
    desk.ok(&[&["repair", "desk-trade/2026-10", &mended], &who[..]].concat());
    desk.settled().await;
    let why = ["--reason", "a false report", "--actor", "desk"];
    desk.ok(&[&["withdraw", "wire-report/2026-10"], &why[..]].concat());
    desk.calm().await;
}

/// A list of codes, what is read by it, and a newer list, by which it is read again.
async fn concordances(desk: &Desk) {
    desk.ingest("desk-codes-1.csv", &[]).await;
    desk.ingest("desk-purchases.csv", &["--concordance", "desk-codes"]).await;
    desk.ingest("desk-codes-2.csv", &[]).await;
}

/// A tenant's release, handed in by token.
async fn tenant(desk: &mut Desk) {
    let token = desk.write("acme.token", "token-of-acme-0001\n");
    desk.restart_with_tokens();
    desk.ingest("acme-purchases.csv", &["--tenant", "acme", "--token-file", &token]).await;
    desk.restart();
    desk.settled().await;
}

/// Two datasets in one table about one market: the second replaces the first, by the code that is recorded.
async fn two_datasets(desk: &Desk) {
    let made_up = |layout: &'static str| ["--publisher", "Desk", "--title", layout, "--licence", "CC0-1.0"];
    desk.ingest("BACI_HS22_Y2022_V202501.csv", &made_up("made-up figures in the layout of BACI")).await;
    desk.calm().await;
    desk.ingest("comtrade-japan.csv", &made_up("made-up figures in the layout of Comtrade")).await;
    desk.ingest("comtrade-unspecified.csv", &made_up("made-up figures in the layout of Comtrade")).await;
    desk.ingest("desk-survey.csv", &[]).await;
    desk.calm().await;
}

/// A rule is revised, another removed.
async fn revise(desk: &Desk) {
    let why = ["--actor", "desk", "--reason", "it flaps"];
    desk.ok(&[&["rules", "apply", &input("desk-rules-revised.yaml")], &why[..]].concat());
    desk.ok(&["rules", "remove", "desk-trial", "--actor", "desk", "--reason", "tried"]);
}

/// Every measure of the binary, with its version.
fn measures() -> Vec<String> {
    let told = output(Command::new(orewatch()).args(["measures", "--format", "json"]));
    assert!(told.status.success(), "{}", text(&told.stderr));
    let told: Vec<serde_json::Value> = serde_json::from_slice(&told.stdout).expect("JSON");
    told.iter().filter_map(|measure| measure["measure"].as_str()).map(str::to_owned).collect()
}

fn figure_questions(before_repair: u64, before_second: u64) -> Vec<FigureQuestion> {
    let named = |name: &str| FigureQuestion { name: name.to_owned(), ..FigureQuestion::default() };
    let materials = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    vec![
        named("everyone"),
        FigureQuestion { tenant: "acme".to_owned(), ..named("acme") },
        FigureQuestion { as_at_release: Some("MCS2025".to_owned()), ..named("MCS2025") },
        FigureQuestion {
            as_at_position: Some(before_repair),
            materials: materials(&["magnesium", "manganese"]),
            ..named("before the repair")
        },
        FigureQuestion { as_at_position: Some(before_second), ..named("before the second datasets") },
        FigureQuestion {
            by_exporter: true,
            materials: materials(&["cobalt", "lithium"]),
            ..named("everyone, by exporter")
        },
        FigureQuestion {
            trend: true,
            materials: materials(&["antimony", "rare-earths"]),
            ..named("everyone, with trends")
        },
    ]
}

/// A subscription to all alerts from the beginning, and two that are interrupted: to all, and to a pack's rule.
async fn alert_streams(desk: &Desk) -> Vec<AlertStream> {
    let api = desk.clients().api;
    let rules = vec!["world-production-concentration".to_owned(), "desk-lithium-single".to_owned()];
    let mut streams = vec![AlertStream {
        name: "all, from the beginning".to_owned(),
        resume_token: BEGINNING.to_owned(),
        ..AlertStream::default()
    }];
    for (name, rules) in [("all, interrupted", Vec::new()), ("two rules, interrupted", rules)] {
        let stream = AlertStream { name: name.to_owned(), resume_token: String::new(), rules };
        let all = streams::alerts(&api, &stream.filter(), BEGINNING).await.expect("it answers");
        streams.push(AlertStream { resume_token: token(&all), ..stream });
    }
    streams
}

/// Watches that are interrupted: of all figures, and of two materials.
async fn exposure_streams(desk: &Desk, measures: &[String]) -> Vec<ExposureStream> {
    let api = desk.clients().api;
    let two = vec!["graphite".to_owned(), "lithium".to_owned()];
    let mut streams = Vec::new();
    for (name, materials) in [("all, interrupted", Vec::new()), ("two materials, interrupted", two)] {
        let stream = ExposureStream { name: name.to_owned(), resume_token: String::new(), materials };
        let all = streams::exposures(&api, &stream.filter(measures), BEGINNING).await.expect("it answers");
        streams.push(ExposureStream { resume_token: token(&all), ..stream });
    }
    streams
}

/// The token of the message after which a stream is interrupted.
fn token<T>(received: &[(String, T)]) -> String {
    let (part, of) = INTERRUPTED_AFTER;
    let (token, _) = received.get(received.len() * part / of).expect("there are messages");
    token.clone()
}
