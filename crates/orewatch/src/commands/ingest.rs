//! `ingest`: files of statistics into a release.
use std::path::PathBuf;

use bytes::Bytes;
use orewatch_catalog::reference;
use orewatch_contracts::ingestion::v1::{GateMode, ReleaseInfo, ReleaseState, Verdict};
use orewatch_ingestion::client::{self as ingestion, Options, Outcome};
use orewatch_ingestion::sources::{Input, Metadata};
use orewatch_runtime::{Class, Failure};
use serde_json::json;

use super::progress::Shown;
use super::{releases, say, trial};
use crate::house::Service;
use crate::options::{ClientOptions, Format};
use crate::render::object;
use crate::session::Client;
use crate::settle;
use crate::view::ReleaseRow;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
`orewatch sources` lists the formats; a file is recognised by its content. All of a release becomes
visible at once, or none of it; the same content again changes nothing. What the options say
overrides and completes what the files say. The files go into the service's archive as they are.

Examples:
  orewatch ingest --reference
  orewatch ingest BACI_HS92_Y2023_V202601.csv BACI_HS92_Y2024_V202601.csv
  orewatch ingest production.csv --dry-run
  orewatch ingest production.csv --dataset our-survey --vintage 2026-11 --max-rejects 20
  orewatch ingest purchases.csv --tenant acme --concordance acme-codes.csv --gate scope-jump=warn
  orewatch ingest germany.csv --kind declarations
  orewatch ingest our-mines.csv --supplements usgs-mcs
  orewatch ingest extract.csv --scope partner=CHN,VNM --scope period=2022

Exit codes: 0 committed, held or known already; 2 files that cannot be read; 3 refused at a gate;
4 the server, or its disk.")]
pub(crate) struct Args {
    /// Files of one release
    #[arg(value_name = "FILE", required_unless_present = "reference")]
    files: Vec<PathBuf>,
    /// The reference figures that ship with the program, each table as a release
    #[arg(long, conflicts_with = "files")]
    reference: bool,
    /// Refuse the release if more rows than this are set aside
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_rejects: u64,
    /// Let a gate that blocks only warn; the report keeps what it found
    #[arg(long, value_name = "GATE", value_delimiter = ',')]
    accept: Vec<String>,
    /// What a gate may do in this release, such as scope-jump=warn; others do as configured
    #[arg(long, value_name = "NAME=off|warn|block", value_delimiter = ',', value_parser = gate)]
    gate: Vec<(String, GateMode)>,
    /// Read, map and gate, and show what would be recorded; nothing is
    #[arg(long, conflicts_with = "hold")]
    dry_run: bool,
    /// Leave the release open after its rows are recorded: nothing of it is visible until it is committed
    #[arg(long)]
    hold: bool,
    /// What product codes stand for: a dataset or release of concordances, or a file, which is ingested first; of several the
    /// first that knows a code decides, and the catalogue comes last
    #[arg(long, value_name = "NAME|FILE", value_delimiter = ',')]
    concordance: Vec<String>,
    /// Return when the release is committed, before its figures are computed
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    about: About,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// What is said about the release.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "About the release")]
struct About {
    /// Of a file with several tables only this one: trade, production, governance, parameters, restrictions or concordance
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
    /// Whose data it is: only who may see this tenant's data sees it [default: everyone's]
    #[arg(long, value_name = "TENANT", default_value = "", hide_default_value = true)]
    tenant: String,
    /// Dataset, such as baci-hs92
    #[arg(long, value_name = "DATASET")]
    dataset: Option<String>,
    /// The publisher's name for this vintage, such as 202601
    #[arg(long, value_name = "VINTAGE")]
    vintage: Option<String>,
    /// Revision of the Harmonized System that the product codes follow, such as HS92
    #[arg(long, value_name = "REVISION")]
    hs: Option<String>,
    /// Who publishes it
    #[arg(long, value_name = "NAME")]
    publisher: Option<String>,
    /// Title of the publication
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Address of the publication
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// SPDX identifier or name of its licence
    #[arg(long, value_name = "LICENCE")]
    licence: Option<String>,
    /// Day, month or year of publication
    #[arg(long, value_name = "DATE")]
    published: Option<String>,
    /// How the dataset's figures come about, which decides what a release restates: reconciled, declarations, tables or supplement
    /// [default: as its name and format say]
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Declare it a supplement: it fills missing cells of this dataset, and replaces none
    #[arg(long, value_name = "DATASET")]
    supplements: Option<String>,
    /// State what an extract covers, such as partner=CHN,VNM (reporter, partner, flow, product, period): nothing outside of it is
    /// restated. Inside of it the items that are listed are restated with rows or without; of a dimension that is left out, what the
    /// files have rows of
    #[arg(long, value_name = "DIMENSION=ITEM,...")]
    scope: Vec<String>,
}

impl About {
    fn metadata(&self) -> Metadata {
        Metadata {
            dataset: self.dataset.clone(),
            vintage: self.vintage.clone(),
            hs: self.hs.clone(),
            table: self.table.clone(),
            publisher: self.publisher.clone(),
            title: self.title.clone(),
            url: self.url.clone(),
            licence: self.licence.clone(),
            published: self.published.clone(),
            kind: self.kind.clone(),
            supplements: self.supplements.clone(),
            scope: (!self.scope.is_empty()).then(|| self.scope.join("; ")),
        }
    }
}

/// The reference tables that ship with the program, by name, in the order in which to ingest them.
pub(crate) fn reference_inputs() -> impl Iterator<Item = Input> {
    reference::tables()
        .iter()
        .map(|table| Input::Memory { name: table.name.to_owned(), bytes: Bytes::from_static(table.bytes) })
}

/// Runs the command.
pub(crate) async fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let sets: Vec<Vec<Input>> = if args.reference {
        reference_inputs().map(|input| vec![input]).collect()
    } else {
        vec![args.files.iter().cloned().map(Input::File).collect()]
    };
    let concordances = concordances(args, client).await?;
    let mut outcomes = Vec::new();
    for inputs in sets {
        let options = Options {
            metadata: args.about.metadata(),
            tenant: args.about.tenant.clone(),
            concordances: concordances.clone(),
            max_rejects: args.max_rejects,
            accept: args.accept.clone(),
            gates: args.gate.iter().cloned().collect(),
            dry_run: args.dry_run,
            hold: args.hold,
            archive: None,
        };
        let done = ingest(client, inputs, options).await?;
        done.iter().for_each(|outcome| told(outcome, args.dry_run));
        outcomes.extend(done);
    }
    if args.dry_run {
        trial::print(&client.out, &outcomes)?;
        return outcomes.iter().find_map(trial::refusal).map_or(Ok(()), Err);
    }
    print(client, &outcomes)?;
    if !args.no_wait {
        let committed = outcomes.iter().filter(|outcome| outcome.is_committed());
        if let Some(position) = committed.filter_map(|outcome| outcome.release.committed_position).max() {
            wait(client, position).await?;
        }
    }
    outcomes.iter().find_map(refusal).map_or(Ok(()), Err)
}

/// A gate and what it may do.
fn gate(text: &str) -> Result<(String, GateMode), String> {
    let (name, mode) = text.split_once('=').ok_or("write NAME=off, NAME=warn or NAME=block")?;
    let mode = match mode {
        "off" => GateMode::Off,
        "warn" => GateMode::Warn,
        "block" => GateMode::Block,
        other => return Err(format!("`{other}` is none of off, warn and block")),
    };
    Ok((name.to_owned(), mode))
}

/// Names of the concordances; those that are files are ingested first, and stand for themselves.
async fn concordances(args: &Args, client: &Client) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for named in &args.concordance {
        let path = PathBuf::from(named);
        if !path.is_file() {
            names.push(named.clone());
            continue;
        }
        let options = Options {
            metadata: Metadata { table: Some("concordance".to_owned()), ..Metadata::default() },
            tenant: args.about.tenant.clone(),
            ..Options::default()
        };
        for outcome in ingest(client, vec![Input::File(path)], options).await? {
            told(&outcome, false);
            if let Some(refusal) = refusal(&outcome) {
                return Err(refusal);
            }
            names.push(outcome.release.release.map(|release| release.id).unwrap_or_default());
        }
    }
    Ok(names)
}

/// Ingests files, and tells how far it is.
pub(crate) async fn ingest(
    client: &Client,
    inputs: Vec<Input>,
    options: Options,
) -> Result<Vec<Outcome>, Failure> {
    let shown = Shown::new();
    let mut tell = shown.clone();
    let channel = client.channel(Service::Ingestion).await?;
    let options = Options { archive: client.archive(), ..options };
    let outcome = Box::pin(ingestion::ingest(channel, inputs, options, move |now| tell.tell(&now))).await;
    shown.end();
    outcome
}

fn told(outcome: &Outcome, dry_run: bool) {
    for note in &outcome.notes {
        say(&format!("note: {note}"));
    }
    let id = outcome.release.release.as_ref().map_or("", |release| release.id.as_str());
    if outcome.known && dry_run {
        say(&format!("{id}: it is here already: nothing would be recorded"));
    } else if outcome.known {
        let state = match outcome.release.state() {
            ReleaseState::Withdrawn => "it was here already, and was withdrawn",
            ReleaseState::Refused => "it was here already, and was refused",
            _ => "it is here already",
        };
        say(&format!("{id}: {state}; nothing was recorded"));
    } else if outcome.chunks_known > 0 {
        say(&format!("{id}: went on where an ingestion was interrupted"));
    }
    if !dry_run && outcome.release.state() == ReleaseState::Open {
        say(&format!("{id}: all rows are recorded, and it is left open"));
    }
    for other in &outcome.restated {
        say(&format!("{other}: read again, because its codes stand for something else now"));
    }
}

fn print(client: &Client, outcomes: &[Outcome]) -> Result<(), Failure> {
    let rows: Vec<ReleaseRow<'_>> = outcomes.iter().map(|outcome| ReleaseRow(&outcome.release)).collect();
    match client.out.format {
        Format::Csv => client.out.csv(&rows),
        Format::Json => {
            let documents: Vec<_> = outcomes
                .iter()
                .zip(&rows)
                .map(|(outcome, row)| json!({"release": object(row), "known": outcome.known, "notes": outcome.notes}))
                .collect();
            client.out.json(&documents)
        }
        Format::Table => {
            let pages: Vec<String> =
                outcomes.iter().map(|outcome| releases::page(&client.out, &outcome.release, true)).collect();
            client.out.text(&pages.join("\n"))
        }
    }
}

/// A release that is not visible is an error of the command.
pub(crate) fn refusal(outcome: &Outcome) -> Option<Failure> {
    let id = outcome.release.release.as_ref().map_or("", |release| release.id.as_str());
    let failure = |code: &str, what: &str, hint: String| {
        let reason = Some(outcome.release.reason.as_str())
            .filter(|reason| !reason.is_empty())
            .unwrap_or("see its report");
        Failure::new(Class::Refused, code, format!("{id} {what}: {reason}")).with_hint(hint)
    };
    match outcome.release.state() {
        ReleaseState::Refused => {
            Some(failure("release-refused", "was refused", what_to_do(&outcome.release, id)))
        }
        ReleaseState::Withdrawn => Some(failure(
            "release-withdrawn",
            "was withdrawn",
            "this content does not come back under this dataset and vintage; if it is right after all, hand it in under another \
             vintage (--vintage)"
                .to_owned(),
        )),
        ReleaseState::Unspecified | ReleaseState::Open | ReleaseState::Committed => None,
    }
}

/// What can be done about the gates that refused a release; what a gate finds on its own says so in its message.
pub(crate) fn what_to_do(info: &ReleaseInfo, id: &str) -> String {
    let gates = info.report.as_ref().map(|report| report.gates.as_slice()).unwrap_or_default();
    let blocks: Vec<&str> =
        gates.iter().filter(|gate| gate.verdict() == Verdict::Block).map(|gate| gate.gate.as_str()).collect();
    let mut hints = Vec::new();
    if blocks.contains(&"rejects") {
        hints.push(format!(
            "rows that were set aside: orewatch rejections {id}; to mend them: orewatch repair {id}; to let them go: --max-rejects N"
        ));
    }
    // What scope-jump finds is rarely to be accepted: its message says when.
    let others = blocks.iter().filter(|gate| !["rejects", "scope-jump"].contains(gate));
    let others: Vec<&str> = others.copied().collect();
    if !others.is_empty() {
        hints.push(format!(
            "what each gate looks at: orewatch gates; one that is not final is let go with --accept {}",
            others.join(",")
        ));
    }
    hints.join("; ")
}

/// Waits as [`settle()`] does; that the other services are elsewhere is no error of an ingestion.
async fn wait(client: &Client, observations: u64) -> Result<(), Failure> {
    match settle(client, observations).await {
        Err(failure) if matches!(failure.code.as_str(), "no-server" | "no-service") => {
            say(&format!("committed; whether its figures are computed is not known: {failure}"));
            Ok(())
        }
        outcome => outcome,
    }
}

/// Waits until everything up to a position of the observations log is computed and evaluated.
pub(crate) async fn settle(client: &Client, observations: u64) -> Result<(), Failure> {
    let exposures = settle::exposures(&mut client.exposure().await?, observations, client.timeout).await?;
    settle::alerts(&mut client.alerting().await?, exposures, client.timeout).await
}
