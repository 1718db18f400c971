//! The recorded scenario, step by step. Figures other than the reference tables are invented;
//! `tests/recorded/README.md` explains the purpose of each file.
use std::fs;
use std::process::Command;

use orewatch_tests::recorded::ask::streams::{self, BEGINNING};
use orewatch_tests::recorded::questions::{AlertStream, ExposureStream, FigureQuestion, Questions};
use orewatch_tests::tools::{orewatch, output, text};

use crate::desk::{Desk, input};
use crate::receiver;

/// Product codes (HS92) of ores of antimony and tungsten and of powders of tungsten, each with its first
/// year.
const TRADE: [(&str, &str); 3] = [("261710", "2020"), ("261100", "2020"), ("810110", "2022")];

/// Fraction of a stream that is read before it is interrupted.
const INTERRUPTED_AFTER: (usize, usize) = (3, 4);

/// Runs the scenario. Returns the questions to the log.
pub(crate) async fn run(desk: &mut Desk) -> Questions {
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
    desk.wait_for_messages().await;

    let measures = measures();
    Questions {
        figures: figure_questions(before_repair, before_second),
        alerts: alert_streams(desk).await,
        exposures: exposure_streams(desk, &measures).await,
        measures,
        ..Questions::default()
    }
}

/// Puts rules, receivers, subscriptions and inhibitions.
fn configure(desk: &Desk) {
    desk.run(&["rules", "apply", "--pack", "crma-2030"]);
    desk.run(&["rules", "apply", "--pack", "g7-china"]);
    desk.run(&["rules", "apply", &input("desk-rules.yaml"), "--actor", "desk", "--reason", "first lines"]);
    let receivers = fs::read_to_string(input("receivers.yaml")).expect("an input");
    let receivers = desk.write("receivers.yaml", &receivers.replace("URL", &receiver::listen()));
    desk.run(&["receivers", "apply", &receivers, "--actor", "desk"]);
    desk.run(&["subscriptions", "apply", &input("subscriptions.yaml"), "--actor", "desk"]);
    desk.run(&["inhibitions", "apply", &input("inhibitions.yaml"), "--actor", "desk"]);
}

/// Ingests trade in three codes, and all of governance, parameters and the older vintage of output.
async fn reference_figures(desk: &Desk) {
    let is_traded = |row: &[&str]| {
        let is_row = |(code, first): &(&str, &str)| row.get(3) == Some(code) && row.first() >= Some(first);
        TRADE.iter().any(is_row)
    };
    desk.ingest_reference("trade-baci", is_traded).await;
    desk.ingest_reference("governance", |_| true).await;
    desk.ingest_reference("parameters", |_| true).await;
    desk.ingest_reference("production-usgs-mcs-MCS2025", |_| true).await;
    desk.wait_for_messages().await;
}

/// Acknowledges alerts, withdraws one acknowledgement, creates two silences and ends one of them.
async fn acknowledge_and_silence(desk: &Desk) {
    let kept = ["--verdict", "confirmed", "--note", "second source", "--owner", "desk"];
    desk.run(&[&["acknowledge", "g7-china-tungsten/ITA/tungsten/mined/CHN"], &kept[..]].concat());
    desk.run(&["acknowledge", "world-production-concentration/WLD/graphite/mined/-", "--owner", "desk"]);
    desk.run(&["unacknowledge", "world-production-concentration/WLD/graphite/mined/-"]);
    let until = ["--until", "2099-01-01T00:00:00Z", "--author", "desk", "--reason", "known"];
    desk.run(&[&["silences", "add", "--material", "tungsten"], &until[..]].concat());
    let ended = [&["silences", "add", "--material", "lithium", "--format", "json"], &until[..]].concat();
    let made: serde_json::Value = serde_json::from_str(&desk.run(&ended)).expect("JSON");
    let id = silence_id(&made).unwrap_or_else(|| panic!("no silence in {made}"));
    desk.run(&["silences", "end", &id]);
    desk.wait_for_messages().await;
}

fn silence_id(made: &serde_json::Value) -> Option<String> {
    let one = made.as_array().and_then(|all| all.first()).unwrap_or(made);
    ["silence", "id"].iter().find_map(|name| one.get(name)?.as_str()).map(str::to_owned)
}

/// Ingests restrictions, consumption, and the newer vintage of output, which changes an alert of the past.
async fn restate(desk: &Desk) {
    desk.ingest("export-watch.csv", &[]).await;
    desk.ingest("desk-parameters.csv", &[]).await;
    desk.ingest_reference("production-usgs-mcs-MCS2026", |_| true).await;
    desk.wait_for_messages().await;
}

/// Ingests small releases: one with rejected rows, one that will be withdrawn, one that is refused, monthly
/// figures, mirror flows, and two stages of a supply chain.
async fn own_figures(desk: &Desk) {
    desk.ingest("desk-trade.csv", &["--max-rejects", "2"]).await;
    desk.ingest("wire-report.csv", &[]).await;
    desk.run_refused(&["ingest", &input("torn-report.csv")]);
    desk.ingest("desk-monthly.csv", &[]).await;
    desk.ingest("desk-mirror.csv", &[]).await;
    desk.ingest("desk-chain.csv", &[]).await;
    desk.ingest("desk-refiners.csv", &[]).await;
    desk.wait_for_messages().await;
}

async fn repair_and_withdraw(desk: &Desk) {
    let wrong = desk.write("wrong.csv", "");
    fs::remove_file(&wrong).expect("it was there");
    desk.run(&["rejections", "desk-trade/2026-10", "--export", &wrong]);
    let mended =
        fs::read_to_string(&wrong).expect("it was exported").replace("5o", "50").replace("GAX", "GAB");
    let mended = desk.write("mended.csv", &mended);
    let who = ["--reason", "typing errors", "--actor", "desk"];
    desk.run(&[&["repair", "desk-trade/2026-10", &mended], &who[..]].concat());
    desk.settled().await;
    let why = ["--reason", "a false report", "--actor", "desk"];
    desk.run(&[&["withdraw", "wire-report/2026-10"], &why[..]].concat());
    desk.wait_for_messages().await;
}

/// Ingests a concordance, a release that uses it, and a newer concordance, with which the release is read
/// again.
async fn concordances(desk: &Desk) {
    desk.ingest("desk-codes-1.csv", &[]).await;
    desk.ingest("desk-purchases.csv", &["--concordance", "desk-codes"]).await;
    desk.ingest("desk-codes-2.csv", &[]).await;
}

/// Ingests a release of a tenant, with an access token.
async fn tenant(desk: &mut Desk) {
    let token = desk.write("acme.token", "token-of-acme-0001\n");
    desk.restart_with_tokens();
    desk.ingest("acme-purchases.csv", &["--tenant", "acme", "--token-file", &token]).await;
    desk.restart();
    desk.settled().await;
}

/// Ingests two datasets of one table about one market. In the first recorded version the second one replaced
/// the first.
async fn two_datasets(desk: &Desk) {
    let made_up = |layout: &'static str| ["--publisher", "Desk", "--title", layout, "--licence", "CC0-1.0"];
    desk.ingest("BACI_HS22_Y2022_V202501.csv", &made_up("made-up figures in the layout of BACI")).await;
    desk.wait_for_messages().await;
    desk.ingest("comtrade-japan.csv", &made_up("made-up figures in the layout of Comtrade")).await;
    desk.ingest("comtrade-unspecified.csv", &made_up("made-up figures in the layout of Comtrade")).await;
    desk.ingest("desk-survey.csv", &[]).await;
    desk.wait_for_messages().await;
}

/// Revises one rule and removes another.
async fn revise(desk: &Desk) {
    let why = ["--actor", "desk", "--reason", "it flaps"];
    desk.run(&[&["rules", "apply", &input("desk-rules-revised.yaml")], &why[..]].concat());
    desk.run(&["rules", "remove", "desk-trial", "--actor", "desk", "--reason", "tried"]);
}

/// Lists every measure of the binary, with its version.
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

/// A subscription to all alerts from the beginning, and two interrupted ones: to all alerts, and to a rule of
/// a pack.
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

/// Interrupted watches: of all figures, and of two materials.
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

/// Token of the last message before the interruption.
fn token<T>(received: &[(String, T)]) -> String {
    let (part, of) = INTERRUPTED_AFTER;
    let (token, _) = received.get(received.len() * part / of).expect("there are messages");
    token.clone()
}
