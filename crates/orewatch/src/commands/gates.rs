//! `gates`: what looks at a release before it is committed, and what it may do.
use orewatch_contracts::ingestion::v1::{GateInfo, GateMode, ListGatesRequest};
use orewatch_runtime::Failure;

use crate::options::{ClientOptions, Format};
use crate::render::{Align, Cell, Out, Row, Sheet, document};
use crate::session::Client;
use crate::words::word;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A gate that is off does not look; one that warns keeps what it found on the report; one that blocks
refuses the release. Servers are configured by --gates or `gates = ...` in a file; a request may say
otherwise for its release. Final gates find damage and always block.

Examples:
  orewatch gates
  orewatch gates --dataset baci-hs92 --format csv")]
pub(crate) struct Args {
    /// As they are configured for this dataset
    #[arg(long, value_name = "DATASET", default_value = "", hide_default_value = true)]
    dataset: String,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// A gate.
struct GateRow<'a>(&'a GateInfo);

impl Row for GateRow<'_> {
    const COLUMNS: &'static [&'static str] =
        &["gate", "mode", "default_mode", "final", "looks_at", "argument"];

    fn cells(&self) -> Vec<Cell> {
        let gate = self.0;
        vec![
            Cell::text(&gate.gate),
            Cell::text(mode_word(gate.mode())),
            Cell::text(mode_word(gate.default_mode())),
            Cell::Flag(gate.r#final),
            Cell::text(&gate.looks_at),
            Cell::text(&gate.argument),
        ]
    }
}

fn mode_word(mode: GateMode) -> String {
    word(mode.as_str_name(), "GATE_MODE_")
}

/// Runs the command.
pub(crate) async fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let ask = ListGatesRequest { dataset: args.dataset.clone() };
    let gates = client.ingestion().await?.list_gates(client.request(ask)).await?.into_inner().gates;
    let rows: Vec<_> = gates.iter().map(GateRow).collect();
    match client.out.format {
        Format::Json => client.out.json(&document(&rows)),
        Format::Csv => client.out.csv(&rows),
        Format::Table => client.out.text(&table(&client.out, &gates)),
    }
}

fn table(out: &Out, gates: &[GateInfo]) -> String {
    let columns = ["gate", "mode", "by default", "looks at, and why"].map(|name| (name, Align::Left));
    let mut sheet = Sheet::new(out, &columns);
    for gate in gates {
        let mode = if gate.r#final { "always blocks".to_owned() } else { mode_word(gate.mode()) };
        let why = format!("{} {}", gate.looks_at, gate.argument);
        sheet.row([gate.gate.clone(), mode, mode_word(gate.default_mode()), why]);
    }
    sheet.finish()
}
