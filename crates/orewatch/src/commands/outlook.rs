//! `outlook`: what history says about the future of a figure, and how good such forecasts were.
use orewatch_contracts::common::v1::By;
use orewatch_contracts::exposure::v1::{
    Baseline, ErrorPool, GetOutlookRequest, GetOutlookResponse, ListTargetsRequest, ScoreForecastsRequest,
    ScoreForecastsResponse, Subject, TargetProgress, TargetStanding,
};
use orewatch_contracts::{Class, Failure};

use super::exposure::Weight;
use super::{as_at, print_message, with_client};
use crate::names;
use crate::options::{ClientOptions, Format};
use crate::render::{Out, line_in, percent, sparkline, table, value_in, wrap};
use crate::session::{Client, Session};
use crate::view::{OutlookRow, PoolRow, ScoresRow};
use crate::words::by_word;

/// What the numbers do not say.
const HISTORY_ALONE: &str = "This is history alone: the last figures, and how far figures like them moved in \
                             as many years. It knows of no project, plan or law. Which past counts as alike \
                             moves the probability, so all are shown.";

/// The greatest index of concentration, for the line of past figures.
const GREATEST_HHI: f64 = 10_000.0;

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Name a target, or a figure with a threshold: a share with its supplier, or without one the share of
the largest. An outlook is a distribution: the probability that the threshold is met in each year,
with each choice of the past errors that count as alike.

Examples:
  orewatch outlook g7-2030-rare-earths
  orewatch outlook --consumer G7 --material rare-earths --stage refined --supplier China \\
      --at-most 60% --until 2030
  orewatch outlook --consumer EU27 --material graphite --stage mined --measure import-hhi \\
      --at-most 4000 --until 2030 --format csv
  orewatch outlook score --from 2009 --horizon 6"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    ask: Ask,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Score forecasts that would have been made in past years, beside no change
    Score(ScoreArgs),
}

/// The figure and the threshold.
#[derive(Debug, clap::Args)]
struct Ask {
    /// A target by identifier, instead of a figure and a threshold
    #[arg(
        value_name = "TARGET",
        conflicts_with_all = ["consumer", "material", "stage", "at_most", "at_least"]
    )]
    target: Option<String>,
    /// The consumer: an economy or a bloc, such as G7
    #[arg(long, value_name = "CODE", required_unless_present = "target")]
    consumer: Option<String>,
    /// The material, such as rare-earths
    #[arg(long, value_name = "MATERIAL", required_unless_present = "target")]
    material: Option<String>,
    /// The stage: mined, refined or manufactured
    #[arg(long, value_name = "STAGE", required_unless_present = "target")]
    stage: Option<String>,
    /// The supplier
    #[arg(long, value_name = "CODE")]
    supplier: Option<String>,
    /// The measure [default: import-share with a supplier, import-top1 without]
    #[arg(long, value_name = "MEASURE")]
    measure: Option<String>,
    /// Weight of flows [default: quantity; of a target each that it allows]
    #[arg(long, value_enum)]
    by: Option<Weight>,
    /// The threshold is met by figures of at most this: 60%, or a number in the unit of the measure
    #[arg(long, value_name = "FIGURE", value_parser = threshold, conflicts_with = "at_least")]
    at_most: Option<f64>,
    /// The threshold is met by figures of at least this
    #[arg(long, value_name = "FIGURE", value_parser = threshold)]
    at_least: Option<f64>,
    /// The last year of the outlook [default: the year in which the target is due, or 2030]
    #[arg(long, value_name = "YEAR")]
    until: Option<u32>,
    /// How the series is continued
    #[arg(long, value_enum, default_value = "shrink")]
    baseline: BaselineName,
    #[arg(long, value_name = "POINT", help = as_at::HELP)]
    as_at: Option<String>,
}

#[derive(Debug, clap::Args)]
struct ScoreArgs {
    /// The measure: import-share (of China), import-top1 or import-hhi
    #[arg(long, value_name = "MEASURE", default_value = "import-share")]
    measure: String,
    /// First year at whose end forecasts are made
    #[arg(long, value_name = "YEAR", default_value_t = 2009)]
    from: u32,
    /// Last year at whose end forecasts are made
    #[arg(long, value_name = "YEAR", default_value_t = 2023)]
    until: u32,
    /// Years ahead
    #[arg(long, value_name = "YEARS", default_value_t = 6)]
    horizon: u32,
    /// The threshold whose crossing is scored [default: 65%, of an index 4000]
    #[arg(long, value_name = "FIGURE", value_parser = threshold)]
    line: Option<f64>,
    /// The past errors that give forecasts their spread
    #[arg(long, value_enum, default_value = "all")]
    pool: PoolName,
    #[command(flatten)]
    client: ClientOptions,
}

/// A baseline, as an argument.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum BaselineName {
    /// The last figure for ever
    NoChange,
    /// Part of the last move undone: the best scores
    Shrink,
    /// The mean change of ten years goes on
    Drift,
    /// The smoothed level, and half of the trend
    Theta,
}

/// A pool of past errors, as an argument.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum PoolName {
    /// Those of all series
    All,
    /// Those of all series, less their mean
    Centred,
    /// Those that began at a like level
    SameLevel,
    /// Those of blocs, or of economies
    SameClass,
}

/// Reads `60%` or a number.
fn threshold(text: &str) -> Result<f64, &'static str> {
    let (digits, scale) = text.trim().strip_suffix('%').map_or((text.trim(), 1.0), |digits| (digits, 100.0));
    let number = digits.trim_end().parse::<f64>().ok().filter(|number| number.is_finite());
    number
        .map(|number| number / scale)
        .ok_or("write a share such as 60%, or a number in the unit of the measure")
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    match &args.command {
        Some(Command::Score(score)) => {
            with_client(session, &score.client, async |client| score_forecasts(score, client).await).await
        }
        None => with_client(session, &args.client, async |client| outlook(&args.ask, client).await).await,
    }
}

async fn outlook(ask: &Ask, client: &Client) -> Result<(), Failure> {
    let requests = match &ask.target {
        Some(target) => of_target(ask, target, client).await?,
        None => vec![of_figure(ask)?],
    };
    let mut service = client.outlooks().await?;
    let mut answers = Vec::new();
    for request in requests {
        answers.push(client.take(service.get_outlook(client.request(request)).await?));
    }
    if answers.is_empty() {
        print_message("The target has no figure of imports that could be continued.");
    }
    let rows: Vec<OutlookRow<'_>> = answers.iter().flat_map(OutlookRow::all).collect();
    match client.out.format {
        Format::Json | Format::Csv => client.out.rows(&rows)?,
        Format::Table => {
            let pages = answers.iter().map(|answer| page(&client.out, answer));
            client.out.text(&pages.collect::<String>())?;
        }
    }
    client.out.require(rows.is_empty())
}

/// The request for a figure and a threshold.
fn of_figure(ask: &Ask) -> Result<GetOutlookRequest, Failure> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let supplier = names::supplier(&text(&ask.supplier))?;
    let default = if supplier.is_empty() { "import-top1" } else { "import-share" };
    let (line, at_least) = match (ask.at_most, ask.at_least) {
        (Some(line), _) => (line, false),
        (None, Some(line)) => (line, true),
        (None, None) => {
            return Err(Failure::new(Class::Invalid, "missing-field", "the threshold is not given")
                .with_hint("write --at-most 60%, or name a target")
                .at("at-most", ""));
        }
    };
    let subject = Subject {
        consumer: names::consumer(&text(&ask.consumer))?,
        material: names::material(&text(&ask.material))?,
        stage: names::stage(&text(&ask.stage))?,
        supplier,
        measure: names::measure(ask.measure.as_deref().unwrap_or(default))?,
        by: ask.by.map_or(By::Unspecified, By::from).into(),
    };
    request(ask, subject, line, at_least, ask.until.unwrap_or(2030))
}

/// The requests for a target: one on each basis that it allows.
async fn of_target(ask: &Ask, id: &str, client: &Client) -> Result<Vec<GetOutlookRequest>, Failure> {
    let wanted = ListTargetsRequest {
        targets: vec![id.to_owned()],
        as_at: as_at::parse(ask.as_at.as_deref())?,
        ..ListTargetsRequest::default()
    };
    let answer = client.exposure().await?.list_targets(client.request(wanted)).await?;
    let standings = client.take(answer).targets;
    let by = ask.by.map(By::from);
    let requests = standings.iter().flat_map(|standing| {
        let has_figure = |progress: &&TargetProgress| {
            progress.estimate.as_ref().is_some_and(|figure| figure.value.is_some())
        };
        let bases = standing.progress.iter().filter(has_figure);
        let bases = bases.filter(move |progress| by.is_none_or(|by| progress.by() == by));
        bases.map(move |progress| of_basis(ask, standing, &progress.supplier, progress.by()))
    });
    requests.collect()
}

fn of_basis(
    ask: &Ask,
    standing: &TargetStanding,
    supplier: &str,
    by: By,
) -> Result<GetOutlookRequest, Failure> {
    let target = standing.target.clone().unwrap_or_default();
    let due = target.due.get(..4).and_then(|year| year.parse().ok());
    let has_supplier = target.measure.starts_with("import-share");
    let subject = Subject {
        consumer: target.consumer,
        material: target.material,
        stage: target.stage,
        supplier: if has_supplier { supplier.to_owned() } else { String::new() },
        measure: target.measure,
        by: by.into(),
    };
    request(ask, subject, target.line, !target.at_most, ask.until.or(due).unwrap_or(2030))
}

fn request(
    ask: &Ask,
    subject: Subject,
    line: f64,
    at_least: bool,
    until: u32,
) -> Result<GetOutlookRequest, Failure> {
    let baseline = match ask.baseline {
        BaselineName::NoChange => Baseline::NoChange,
        BaselineName::Shrink => Baseline::Shrink,
        BaselineName::Drift => Baseline::Drift,
        BaselineName::Theta => Baseline::Theta,
    };
    Ok(GetOutlookRequest {
        subject: Some(subject),
        line,
        at_least,
        until,
        baseline: baseline.into(),
        as_at: as_at::parse(ask.as_at.as_deref())?,
        reading: None,
    })
}

/// An outlook for people: one line, one table, one fan.
fn page(out: &Out, answer: &GetOutlookResponse) -> String {
    let subject = answer.subject.clone().unwrap_or_default();
    let from =
        if subject.supplier.is_empty() { String::new() } else { format!(" from {}", subject.supplier) };
    let line = line_in(&answer.unit, answer.line, answer.at_least, true);
    let title = format!(
        "{} · {} {} · {}{from} by {} · {line}",
        subject.consumer,
        subject.material,
        subject.stage,
        subject.measure,
        by_word(subject.by())
    );
    let mut text = format!("{}\n", out.style.bold(&title));
    text.push_str(&wrap(&past(answer), out.width, "  "));
    text.push_str(&wrap(&summary(answer), out.width, "  "));
    let pools: Vec<_> = OutlookRow::last_years(answer).into_iter().map(PoolRow).collect();
    text.push_str(&table(out, &pools));
    let fan: Vec<_> = OutlookRow::all(answer).into_iter().filter(|row| row.pool.best_scored).collect();
    if !fan.is_empty() {
        text.push_str("by year, with the errors that have the best scores:\n");
        text.push_str(&table(out, &fan));
    }
    text.push_str(&wrap(HISTORY_ALONE, out.width, ""));
    text.push('\n');
    text
}

/// The past figures: `2018 to 2024: ▅▅▆▅▅▄▅ 67.7 %`.
fn past(answer: &GetOutlookResponse) -> String {
    let greatest = if answer.unit == "hhi" { GREATEST_HHI } else { 1.0 };
    let marks = sparkline(answer.history.iter().map(|year| Some(year.value / greatest)));
    let ends = answer.history.first().zip(answer.history.last());
    ends.map_or_else(String::new, |(first, last)| {
        format!("{} to {}: {marks} {}", first.year, last.year, value_in(&answer.unit, last.value))
    })
}

/// The answer in a sentence: the range over pools, and the base rate.
fn summary(answer: &GetOutlookResponse) -> String {
    let last = OutlookRow::last_years(answer);
    let order = |a: &&OutlookRow<'_>, b: &&OutlookRow<'_>| a.year.probability.total_cmp(&b.year.probability);
    let (Some(low), Some(high)) = (last.iter().min_by(order), last.iter().max_by(order)) else {
        return String::new();
    };
    let mut text = format!("met in {}: {} ({})", low.year.year, low.year.shown, low.year.likelihood);
    if low.year.shown != high.year.shown {
        text.push_str(&format!(" to {} ({})", high.year.shown, high.year.likelihood));
    }
    if let Some(rate) = answer.base_rate.as_ref().filter(|rate| rate.cases > 0) {
        let share = percent(f64::from(rate.met) / f64::from(rate.cases));
        let [from, to] = [rate.from_level, rate.to_level].map(|level| value_in(&answer.unit, level));
        text.push_str(&format!(
            "; of {} figures between {from} and {to}, {share} met it after as many years",
            rate.cases
        ));
    }
    text
}

async fn score_forecasts(args: &ScoreArgs, client: &Client) -> Result<(), Failure> {
    let pool = match args.pool {
        PoolName::All => ErrorPool::All,
        PoolName::Centred => ErrorPool::Centred,
        PoolName::SameLevel => ErrorPool::SameLevel,
        PoolName::SameClass => ErrorPool::SameClass,
    };
    let request = ScoreForecastsRequest {
        measure: names::measure(&args.measure)?,
        from: args.from,
        until: args.until,
        horizon: args.horizon,
        line: args.line,
        pool: pool.into(),
    };
    let answer = client.outlooks().await?.score_forecasts(client.request(request)).await?.into_inner();
    let rows: Vec<_> = answer.scores.iter().map(|scores| ScoresRow { answer: &answer, scores }).collect();
    match client.out.format {
        Format::Json | Format::Csv => client.out.rows(&rows)?,
        Format::Table => client.out.text(&scores_page(&client.out, &answer, &rows))?,
    }
    client.out.require(rows.is_empty())
}

fn scores_page(out: &Out, answer: &ScoreForecastsResponse, rows: &[ScoresRow<'_>]) -> String {
    let title = format!(
        "{} series, forecasts at the end of {} to {}, threshold {}",
        answer.series,
        answer.from,
        answer.until,
        value_in(&answer.unit, answer.line)
    );
    let legend = "MAE: mean absolute error. CRPS: the same for distributions. Brier: squared error of the \
                  probability of being above the threshold. Off by: mean distance of probabilities from what \
                  came. A baseline beats no change if a bootstrap over goods and years leaves no doubt.";
    format!("{}\n{}{}", out.style.bold(&title), table(out, rows), wrap(legend, out.width, ""))
}
