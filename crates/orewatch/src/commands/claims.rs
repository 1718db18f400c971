//! `claims`: shows statements with figures, and whether our figures agree with them.
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::By;
use orewatch_contracts::exposure::v1::{CheckClaimsRequest, CheckedClaim, ClaimReading, ClaimVerdict};
use orewatch_contracts::ingestion::v1::{ClaimRow, Confirmation};

use super::{as_at, print_message, with_client};
use crate::commands::exposure::Weight;
use crate::names;
use crate::options::{ClientOptions, Format};
use crate::render::{Out, labelled, table};
use crate::session::{Client, Session};
use crate::view::{ReadingRow, claimed_text, confirmation_word, verdict_phrase};

/// Column in which the text of an entry begins.
const MARGIN: usize = 12;

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
A claim agrees, agrees only with another basis, year, vintage or scenario than it states, is
contradicted, or cannot be checked. One claim alone is shown with everything it was compared with.

Examples:
  orewatch claims
  orewatch claims reuters-47-to-87
  orewatch claims --material rare-earths --verdict contradicted
  orewatch claims check --consumer G7 --material rare-earths --stage refined \\
      --measure import-top1 --low 0 --high 0.6 --date 2026-06-17"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Claims to show, by identifier [default: all]
    #[arg(value_name = "ID")]
    claims: Vec<String>,
    /// Only claims about these materials
    #[arg(long, value_name = "MATERIAL", value_delimiter = ',')]
    material: Vec<String>,
    /// Only claims with these verdicts
    #[arg(long, value_enum, value_delimiter = ',')]
    verdict: Vec<Verdict>,
    #[arg(long, value_name = "POINT", help = as_at::HELP)]
    as_at: Option<String>,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check a claim that is not recorded
    Check(CheckArgs),
}

/// A claim to check. The numbers are in the unit of the measure: shares are fractions.
#[derive(Debug, clap::Args)]
struct CheckArgs {
    /// Economy or bloc that it is about, or WLD for the world
    #[arg(long, value_name = "CODE", default_value = "WLD")]
    consumer: String,
    /// Materials; with several, the range is that over all of them
    #[arg(long, value_name = "MATERIAL", value_delimiter = ',', required = true)]
    material: Vec<String>,
    /// Stage: mined, refined or manufactured
    #[arg(long, value_name = "STAGE")]
    stage: String,
    /// Measure, such as production-share or import-top1
    #[arg(long, value_name = "MEASURE")]
    measure: String,
    /// Supplier, for a measure that has one
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    supplier: String,
    /// Low end of the range
    #[arg(long, value_name = "NUMBER")]
    low: f64,
    /// High end of the range
    #[arg(long, value_name = "NUMBER")]
    high: f64,
    /// Largest difference that counts as rounding
    #[arg(long, value_name = "NUMBER", default_value_t = 0.0)]
    tolerance: f64,
    /// Day on which it was said; without --period, the last period before it counts
    #[arg(long, value_name = "DAY")]
    date: String,
    /// Period that it is about
    #[arg(long, value_name = "PERIOD", default_value = "", hide_default_value = true)]
    period: String,
    /// Weight of flows [default: it does not say]
    #[arg(long, value_enum)]
    by: Option<Weight>,
    /// Dataset or scenario that it names, such as iea-cm or iea-cm:base
    #[arg(long, value_name = "SOURCE", default_value = "", hide_default_value = true)]
    basis: String,
    /// Vintage that it names: the publisher's name for an edition, such as MCS2025
    #[arg(long, value_name = "VINTAGE", default_value = "", hide_default_value = true)]
    vintage: String,
    #[arg(long, value_name = "POINT", help = as_at::HELP)]
    as_at: Option<String>,
    #[command(flatten)]
    client: ClientOptions,
}

/// Verdict, as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Verdict {
    /// The figures agree
    Agrees,
    /// Only figures of another basis, period, vintage or scenario agree
    AgreesOnlyWith,
    /// No figures agree
    Contradicted,
    /// There are no figures, or they do not decide
    CannotBeChecked,
}

impl From<Verdict> for ClaimVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Agrees => Self::Agrees,
            Verdict::AgreesOnlyWith => Self::AgreesOnlyWith,
            Verdict::Contradicted => Self::Contradicted,
            Verdict::CannotBeChecked => Self::CannotBeChecked,
        }
    }
}

impl Args {
    /// Connection options of the chosen subcommand.
    pub(crate) fn client(&self) -> &ClientOptions {
        match &self.command {
            Some(Command::Check(args)) => &args.client,
            None => &self.client,
        }
    }

    fn request(&self) -> Result<CheckClaimsRequest, Failure> {
        Ok(match &self.command {
            Some(Command::Check(args)) => CheckClaimsRequest {
                as_at: as_at::parse(args.as_at.as_deref())?,
                draft: Some(args.claim()?),
                ..CheckClaimsRequest::default()
            },
            None => CheckClaimsRequest {
                claims: self.claims.clone(),
                materials: names::materials(&self.material)?,
                as_at: as_at::parse(self.as_at.as_deref())?,
                draft: None,
            },
        })
    }
}

impl CheckArgs {
    /// The claim, with codes in the place of names.
    fn claim(&self) -> Result<ClaimRow, Failure> {
        Ok(ClaimRow {
            id: "draft".to_owned(),
            date: self.date.clone(),
            consumer: names::consumer(&self.consumer)?,
            materials: names::materials(&self.material)?,
            stage: names::stage(&self.stage)?,
            measure: names::measure(&self.measure)?,
            supplier: names::supplier(&self.supplier)?,
            low: self.low,
            high: self.high,
            by: self.by.map_or(By::Unspecified, By::from).into(),
            period: self.period.clone(),
            basis: self.basis.clone(),
            vintage: self.vintage.clone(),
            tolerance: self.tolerance,
            ..ClaimRow::default()
        })
    }
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    with_client(session, args.client(), async |client| answer(&args, client).await).await
}

async fn answer(args: &Args, client: &Client) -> Result<(), Failure> {
    let request = args.request()?;
    let response = client.take(client.exposure().await?.check_claims(client.request(request)).await?);
    let mut claims = response.claims;
    claims.retain(|claim| is_wanted(args, claim));
    match client.out.format {
        Format::Json | Format::Csv => client.out.rows(&claims)?,
        Format::Table => print(&client.out, &claims)?,
    }
    client.out.require(claims.is_empty())
}

fn is_wanted(args: &Args, claim: &CheckedClaim) -> bool {
    let has = |verdict: &Verdict| ClaimVerdict::from(*verdict) == claim.verdict();
    args.verdict.is_empty() || args.verdict.iter().any(has)
}

fn print(out: &Out, claims: &[CheckedClaim]) -> Result<(), Failure> {
    if claims.is_empty() {
        print_message("No claim matches. Load those that ship: orewatch ingest --reference");
    }
    let mut entries: Vec<_> = claims.iter().map(|claim| entry(out, claim)).collect();
    if let ([claim], [entry]) = (claims, entries.as_mut_slice()) {
        entry.push_str(&readings(out, claim));
    }
    out.text(&entries.join("\n"))
}

/// A claim with its verdict and the reason.
fn entry(out: &Out, checked: &CheckedClaim) -> String {
    let claim = checked.claim.clone().unwrap_or_default();
    let verdict = checked.verdict();
    let phrase = verdict_phrase(verdict);
    let painted = match verdict {
        ClaimVerdict::Agrees => out.style.green(phrase),
        ClaimVerdict::AgreesOnlyWith => out.style.yellow(phrase),
        ClaimVerdict::Contradicted => out.style.red(phrase),
        ClaimVerdict::CannotBeChecked | ClaimVerdict::Unspecified => out.style.dim(phrase),
    };
    let mut text = format!("{}  {painted}\n", out.style.bold(&claim.id));
    let fields = [
        ("claim", claim.text.clone()),
        ("said by", said_by(&claim)),
        ("states", claimed_text(&claim)),
        ("because", checked.reason.clone()),
    ];
    for (label, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&labelled(label, value, out.width, MARGIN));
    }
    text
}

/// Who said it, who reported it, when, and how well the source is known.
fn said_by(claim: &ClaimRow) -> String {
    if claim.said_by.is_empty() {
        return String::new();
    }
    let reported = if claim.reported_by.is_empty() {
        String::new()
    } else {
        format!(", reported by {}", claim.reported_by)
    };
    let doubt = match claim.confirmation() {
        Confirmation::Confirmed => String::new(),
        other => format!(" ({})", confirmation_word(other)),
    };
    format!("{}{reported}, {}{doubt}", claim.said_by, claim.date)
}

/// Everything that a claim was compared with.
fn readings(out: &Out, claim: &CheckedClaim) -> String {
    let row = |reading: &ClaimReading| ReadingRow { claim: claim.clone(), reading: reading.clone() };
    let rows: Vec<_> = claim.readings.iter().map(row).collect();
    if rows.is_empty() { String::new() } else { format!("\n{}", table(out, &rows)) }
}
