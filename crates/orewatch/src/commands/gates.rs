//! `gates`: lists the checks of a release before its commit, with their modes.
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::{GateInfo, GateMode, ListGatesRequest};

use super::with_client;
use crate::options::ClientOptions;
use crate::render::Align::Left;
use crate::render::{Cell, Column, Row, column};
use crate::session::{Client, Session};
use crate::words::enum_word;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each gate has a mode. off: no check. warn: findings go into the release's report. block: a finding
refuses the release. Set the modes of a server with --gates or `gates = ...` in its configuration
file, and the modes for one release with `orewatch ingest --gate`. Final gates detect damage and
always block.

Examples:
  orewatch gates
  orewatch gates --dataset baci-hs92 --format csv")]
pub(crate) struct Args {
    /// Show the modes configured for this dataset
    #[arg(long, value_name = "DATASET", default_value = "", hide_default_value = true)]
    dataset: String,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// The mode in tables. A final gate blocks whatever its mode.
fn effective_mode(gate: &GateInfo) -> String {
    if gate.r#final { "always blocks".to_owned() } else { mode_word(gate.mode()) }
}

impl Row for GateInfo {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("gate", |gate: &Self| Cell::text(&gate.gate)).shown("gate", Left),
            column("mode", |gate: &Self| Cell::text(mode_word(gate.mode()))).shown_as(
                "mode",
                Left,
                effective_mode,
            ),
            column("default_mode", |gate: &Self| Cell::text(mode_word(gate.default_mode())))
                .shown("default", Left),
            column("final", |gate: &Self| Cell::Flag(gate.r#final)),
            column("looks_at", |gate: &Self| Cell::text(&gate.looks_at)).shown_as(
                "check and reason",
                Left,
                |gate| format!("{} {}", gate.looks_at, gate.argument),
            ),
            column("argument", |gate: &Self| Cell::text(&gate.argument)),
        ]
    }
}

fn mode_word(mode: GateMode) -> String {
    enum_word(mode.as_str_name(), "GATE_MODE_")
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| list(&args, client).await).await
}

async fn list(args: &Args, client: &Client) -> Result<(), Failure> {
    let request = ListGatesRequest { dataset: args.dataset.clone() };
    let gates = client.ingestion().await?.list_gates(client.request(request)).await?.into_inner().gates;
    client.out.rows(&gates)
}
