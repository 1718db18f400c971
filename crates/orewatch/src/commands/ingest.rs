//! `ingest`: files of statistics into a release.
use std::path::PathBuf;

use orewatch_runtime::Failure;

use crate::cli::ClientOptions;
use crate::session::Client;
use crate::settle;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Formats: BACI csv (t,i,j,k,v,q) and our own tidy csv, each plain or gzip-compressed. All of a release becomes visible at once,
or none of it; the same content again changes nothing.

Examples:
  orewatch ingest --reference
  orewatch ingest BACI_HS92_Y2023_V202601.csv BACI_HS92_Y2024_V202601.csv
  orewatch ingest production.csv --dataset our-survey --vintage 2026-11 --max-rejects 20")]
pub(crate) struct Args {
    /// Files of one release
    #[arg(value_name = "FILE", required_unless_present = "reference")]
    files: Vec<PathBuf>,
    /// The reference figures that ship with the program, each table as a release
    #[arg(long, conflicts_with = "files")]
    reference: bool,
    /// Dataset, such as baci-hs92
    #[arg(long, value_name = "DATASET")]
    dataset: Option<String>,
    /// The publisher's name for this vintage, such as 202601
    #[arg(long, value_name = "VINTAGE")]
    vintage: Option<String>,
    /// Revision of the Harmonized System that the product codes follow, such as HS92
    #[arg(long, value_name = "REVISION")]
    hs: Option<String>,
    /// Refuse the release if more rows than this are set aside [default: 0]
    #[arg(long, value_name = "N")]
    max_rejects: Option<u64>,
    /// Let a gate that blocks only warn; the report keeps what it found
    #[arg(long, value_name = "GATE", value_delimiter = ',')]
    accept: Vec<String>,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let _ = (args, client);
    Ok(())
}

/// Waits until everything up to a position of the observations log is computed and evaluated.
pub(crate) async fn settle(client: &Client, observations: u64) -> Result<(), Failure> {
    let exposures = settle::exposures(&mut client.exposure().await?, observations, client.timeout).await?;
    settle::alerts(&mut client.alerting().await?, exposures, client.timeout).await
}
