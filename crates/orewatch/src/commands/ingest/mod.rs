//! `ingest`: reads statistics files into a release and commits it.
mod dry_run;
mod progress;

use std::collections::BTreeSet;
use std::path::PathBuf;

use bytes::Bytes;
use orewatch_catalog::closest;
use orewatch_catalog::reference::{self, ReferenceTable, TableSet};
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::{GateMode, ReleaseState};
use orewatch_formats::{Input, Metadata};
use orewatch_ingestion::client::{self as ingestion, Options, Outcome};
use serde_json::json;

use super::print_message;
use super::refusal::refusal;
use crate::options::{ClientOptions, Format};
use crate::render::object;
use crate::services::Service;
use crate::session::Client;
use crate::settle;
use crate::view::release_page;
use progress::ProgressDisplay;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Files are recognised by their content; `orewatch sources` lists the formats. A release becomes
visible as a whole or not at all. Ingesting the same content again changes nothing. Options
override and complete the metadata in the files. The archive keeps the original files unchanged.

Examples:
  orewatch ingest --reference
  orewatch ingest --reference=hmrc-uk
  orewatch ingest BACI_HS92_Y2023_V202601.csv BACI_HS92_Y2024_V202601.csv
  orewatch ingest production.csv --dry-run
  orewatch ingest production.csv --dataset our-survey --vintage 2026-11 --max-rejects 20
  orewatch ingest purchases.csv --tenant acme --concordance acme-codes.csv --gate scope-jump=warn
  orewatch ingest germany.csv --kind declarations
  orewatch ingest einkauf.csv --dataset einkauf --vintage 2026 --publisher us --hs HS22 --tenant acme \\
      --map period=Jahr,exporter=Herkunft,importer==DEU,product=Ware,value_kusd=Wert,quantity_t=Menge
  orewatch ingest our-mines.csv --supplements usgs-mcs
  orewatch ingest extract.csv --scope partner=CHN,VNM --scope period=2022

Exit codes: 0 committed, held open or already known; 2 a file cannot be read; 3 refused at a gate;
4 a problem with the server or its disk.")]
pub(crate) struct Args {
    /// Files of one release
    #[arg(value_name = "FILE", required_unless_present = "reference")]
    files: Vec<PathBuf>,
    /// Ingest the reference figures that ship with the program, one release per table: those of the demo
    /// (`demo`), also other products, governance and parameters (`standard`, the default), all of them
    /// (`all`), or those of one dataset, as in --reference=hmrc-uk
    #[arg(long, conflicts_with = "files", value_name = "SET", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "standard", value_parser = reference_set)]
    reference: Option<ReferenceSet>,
    /// Maximum number of quarantined rows; with more, the release is refused
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_rejects: u64,
    /// Only warn where these gates would block; the report keeps their findings
    #[arg(long, value_name = "GATE", value_delimiter = ',')]
    accept: Vec<String>,
    /// Mode of a gate for this release, such as scope-jump=warn [default: as configured]
    #[arg(long, value_name = "NAME=off|warn|block", value_delimiter = ',', value_parser = gate)]
    gate: Vec<(String, GateMode)>,
    /// Read and check the files and show what would be recorded, but record nothing
    #[arg(long, conflicts_with = "hold")]
    dry_run: bool,
    /// Record the rows but leave the release open: it is not visible until `orewatch commit`
    #[arg(long)]
    hold: bool,
    /// Concordances that map product codes to materials: datasets, releases, or files, which are ingested
    /// first. The first that has a code decides; the catalogue comes last
    #[arg(long, value_name = "NAME|FILE", value_delimiter = ',')]
    concordance: Vec<String>,
    /// Read columns of a csv file under other names: COLUMN=NAME with the column of a tidy table first, such
    /// as period=Jahr; NAME beginning with = is the value of all rows, as in importer==DEU. Semicolons,
    /// decimal commas, empty cells, and names of economies are then read as a spreadsheet writes them
    #[arg(long, value_name = "COLUMN=NAME", value_delimiter = ',', value_parser = mapping)]
    map: Vec<(String, String)>,
    /// Return as soon as the release is committed, without waiting for figures and alerts
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    about: About,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Metadata of the release.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Metadata of the release")]
struct About {
    /// Ingest only this table of the files: trade, production, governance, parameters, restrictions or
    /// concordance
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
    /// Tenant that owns the release; others cannot see it [default: everyone]
    #[arg(long, value_name = "TENANT", default_value = "", hide_default_value = true)]
    tenant: String,
    /// Dataset, such as baci-hs92
    #[arg(long, value_name = "DATASET")]
    dataset: Option<String>,
    /// Vintage: the publisher's name for this edition of its figures, such as 202601
    #[arg(long, value_name = "VINTAGE")]
    vintage: Option<String>,
    /// Nomenclature of the product codes: a revision of the Harmonized System, such as HS92, or a list of
    /// your own
    #[arg(long, value_name = "REVISION")]
    hs: Option<String>,
    /// Publisher
    #[arg(long, value_name = "NAME")]
    publisher: Option<String>,
    /// Title of the publication
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Address of the publication
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Licence: SPDX identifier or name
    #[arg(long, value_name = "LICENCE")]
    licence: Option<String>,
    /// Day, month or year of publication
    #[arg(long, value_name = "DATE")]
    published: Option<String>,
    /// Kind of dataset, which decides what a release restates: reconciled, declarations, tables or supplement
    /// [default: from name and format]
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Declare the dataset a supplement of this dataset: it fills missing cells and replaces none
    #[arg(long, value_name = "DATASET")]
    supplements: Option<String>,
    /// Declare what an extract covers, such as partner=CHN,VNM; dimensions are reporter, partner, flow,
    /// product and period. Items listed here are restated even if the files have no rows for them, and
    /// nothing outside is. For a dimension that is not declared, the items in the files count
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
            // Only the file itself says so.
            cut: None,
        }
    }
}

/// Which reference tables to ingest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReferenceSet {
    /// Those of a set of the catalogue.
    Set(TableSet),
    /// Those of one dataset.
    Dataset(&'static str),
}

impl ReferenceSet {
    fn includes(self, table: &ReferenceTable) -> bool {
        match self {
            Self::Set(set) => table.set <= set,
            Self::Dataset(dataset) => table.dataset == dataset,
        }
    }
}

/// Reads the name of a set of reference tables.
fn reference_set(text: &str) -> Result<ReferenceSet, String> {
    match text {
        "demo" => return Ok(ReferenceSet::Set(TableSet::Demo)),
        "standard" => return Ok(ReferenceSet::Set(TableSet::Standard)),
        "all" => return Ok(ReferenceSet::Set(TableSet::All)),
        _ => {}
    }
    let datasets = || reference::tables().iter().map(|table| table.dataset);
    datasets().find(|dataset| *dataset == text).map(ReferenceSet::Dataset).ok_or_else(|| {
        let known: BTreeSet<_> = datasets().collect();
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        match closest(text, datasets()) {
            Some(near) => format!("did you mean {near}? write demo, standard, all, or one of {known}"),
            None => format!("write demo, standard, all, or one of {known}"),
        }
    })
}

/// The reference tables of a set, in the order of ingestion.
pub(crate) fn reference_inputs(set: ReferenceSet) -> impl Iterator<Item = Input> {
    let tables = reference::tables().iter().filter(move |table| set.includes(table));
    tables.map(|table| Input::Memory { name: table.name.to_owned(), bytes: Bytes::from_static(table.bytes) })
}

/// Runs the command.
pub(crate) async fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let sets: Vec<Vec<Input>> = match args.reference {
        Some(set) => reference_inputs(set).map(|input| vec![input]).collect(),
        None => vec![args.files.iter().cloned().map(Input::File).collect()],
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
            column_map: args.map.iter().cloned().collect(),
            archive: None,
        };
        let done = ingest(client, inputs, options).await?;
        done.iter().for_each(|outcome| print_notes(outcome, args.dry_run));
        outcomes.extend(done);
    }
    if args.dry_run {
        dry_run::print(&client.out, &outcomes)?;
        return outcomes.iter().find_map(dry_run::refusal).map_or(Ok(()), Err);
    }
    print(client, &outcomes)?;
    if !args.no_wait {
        let committed = outcomes.iter().filter(|outcome| outcome.is_committed());
        if let Some(position) = committed.filter_map(|outcome| outcome.release.committed_position).max() {
            settle_if_reachable(client, position).await?;
        }
    }
    outcomes.iter().find_map(refusal).map_or(Ok(()), Err)
}

/// Reads which column is read as which.
fn mapping(text: &str) -> Result<(String, String), String> {
    let (column, name) = text.split_once('=').ok_or("write COLUMN=NAME, such as period=Jahr")?;
    Ok((column.trim().to_owned(), name.trim().to_owned()))
}

/// Reads a gate and its mode.
fn gate(text: &str) -> Result<(String, GateMode), String> {
    let (name, mode) = text.split_once('=').ok_or("write NAME=off, NAME=warn or NAME=block")?;
    let mode = match mode {
        "off" => GateMode::Off,
        "warn" => GateMode::Warn,
        "block" => GateMode::Block,
        other => return Err(format!("`{other}` is not a mode: write off, warn or block")),
    };
    Ok((name.to_owned(), mode))
}

/// Names of the concordances. Those that are files are ingested first.
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
            print_notes(&outcome, false);
            if let Some(refusal) = refusal(&outcome) {
                return Err(refusal);
            }
            names.push(outcome.release.release.map(|release| release.id).unwrap_or_default());
        }
    }
    Ok(names)
}

/// Ingests files and shows the progress.
pub(crate) async fn ingest(
    client: &Client,
    inputs: Vec<Input>,
    options: Options,
) -> Result<Vec<Outcome>, Failure> {
    let display = ProgressDisplay::new();
    let mut updates = display.clone();
    let channel = client.channel(Service::Ingestion).await?;
    let options = Options { archive: client.archive(), ..options };
    let outcome =
        Box::pin(ingestion::ingest(channel, inputs, options, move |now| updates.update(&now))).await;
    display.clear();
    outcome
}

/// Prints what the user should know about an ingestion.
fn print_notes(outcome: &Outcome, dry_run: bool) {
    for note in &outcome.notes {
        print_message(&format!("note: {note}"));
    }
    let id = outcome.release.release.as_ref().map_or("", |release| release.id.as_str());
    if outcome.known && dry_run {
        print_message(&format!("{id}: already ingested; nothing would be recorded"));
    } else if outcome.known {
        let state = match outcome.release.state() {
            ReleaseState::Withdrawn => "ingested before and withdrawn",
            ReleaseState::Refused => "ingested before and refused",
            _ => "already ingested",
        };
        print_message(&format!("{id}: {state}; nothing was recorded"));
    } else if outcome.chunks_known > 0 {
        print_message(&format!("{id}: continued an interrupted ingestion"));
    }
    if !dry_run && outcome.release.state() == ReleaseState::Open {
        print_message(&format!(
            "{id}: all rows are recorded; the release is held open (commit it with `orewatch commit {id}`)"
        ));
    }
    for other in &outcome.restated {
        print_message(&format!("{other}: read again, because the concordance of its product codes changed"));
    }
}

fn print(client: &Client, outcomes: &[Outcome]) -> Result<(), Failure> {
    let out = &client.out;
    match out.format {
        Format::Csv => out.csv(outcomes.iter().map(|outcome| &outcome.release)),
        Format::Json => {
            let value = |outcome: &Outcome| {
                let Outcome { release, known, notes, .. } = outcome;
                json!({"release": object(release), "known": known, "notes": notes})
            };
            out.json(&outcomes.iter().map(value).collect::<Vec<_>>())
        }
        Format::Table => {
            let pages = outcomes.iter().map(|outcome| release_page(out, &outcome.release, true));
            out.text(&pages.collect::<Vec<_>>().join("\n"))
        }
    }
}

/// Waits as [`settle::settle`] does. If the other services cannot be reached, the ingestion has succeeded
/// nevertheless.
async fn settle_if_reachable(client: &Client, observations: u64) -> Result<(), Failure> {
    match settle::settle(client, observations).await {
        Err(failure) if matches!(failure.code.as_str(), "no-server" | "no-service") => {
            print_message(&format!("Committed, but the state of its figures is unknown: {failure}"));
            Ok(())
        }
        outcome => outcome,
    }
}
