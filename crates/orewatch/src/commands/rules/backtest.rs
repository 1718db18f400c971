//! `rules backtest`: runs rules on past figures, and previews rules that are not stored yet.
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use orewatch_contracts::alerting::v1::backtest_rule_response::Message;
use orewatch_contracts::alerting::v1::{
    BacktestCounts, BacktestDifference, BacktestRuleRequest, BacktestSubject, BacktestSummary,
    PutRuleResponse, Rule, RuleChoice, StoredRule, rule_choice,
};
use orewatch_contracts::{Class, Failure};
use serde_json::{Value, json};

use super::read_rules;
use crate::commands::{as_at, print_message};
use crate::options::{ClientOptions, Format};
use crate::render::{Out, document, object, sparkline, table};
use crate::session::Client;
use crate::view::{EpisodeRow, counts_text};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The rule runs over every release in the order of ingestion, with the same state machine as the
service. A subject is a consumer, a material, a stage and a supplier that the rule watches. An episode
is the time from crossing the threshold to its resolution; \"fired again\" counts episodes that began
soon after another one. Episodes marked - appear only with earlier figures that were corrected since,
episodes marked + only with the corrected figures.

Examples:
  orewatch rules backtest our-lines.yaml --from 2015 --to 2024
  orewatch rules backtest g7-china-rare-earths --against 1
  orewatch rules backtest new.yaml --against standing --format csv
  orewatch rules backtest g7-china-rare-earths --as-at MCS2025")]
pub(crate) struct Args {
    /// YAML file with rules (`-` reads standard input), or the identifier of a stored rule
    #[arg(value_name = "FILE|RULE")]
    what: String,
    /// First period to report, such as 2018 or 2018-01 [default: the first with figures]
    #[arg(long, value_name = "PERIOD", default_value = "", hide_default_value = true)]
    from: String,
    /// Last period to evaluate [default: the latest with figures]
    #[arg(long, value_name = "PERIOD", default_value = "", hide_default_value = true)]
    to: String,
    #[arg(long, value_name = "POINT", help = as_at::HELP)]
    as_at: Option<String>,
    /// Compare with a revision number of the stored rule, with `standing` (its current revision), or with a
    /// YAML file that has rules of the same identifiers
    #[arg(long, value_name = "REVISION")]
    against: Option<String>,
    /// Maximum number of subjects to show for each rule, 1 to 10000; those with the most episodes come first
    #[arg(long, value_name = "N", default_value_t = 50)]
    top: u32,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Rules to run, each with the rule that it is compared with.
pub(crate) struct Chosen(Vec<(RuleChoice, Option<RuleChoice>)>);

impl Args {
    /// Returns the rules to run. Reads files first, so that their errors show without a server.
    pub(crate) fn chosen(&self) -> Result<Chosen, Failure> {
        let rules: Vec<(String, RuleChoice)> = if is_file(&self.what) {
            let rules = read_rules(Path::new(&self.what))?;
            rules.into_iter().map(|rule| (rule.id.clone(), given_rule(rule))).collect()
        } else {
            vec![(self.what.clone(), stored_rule(&self.what, 0))]
        };
        let others = self.against.as_deref().filter(|text| is_file(text));
        let others = others.map(|file| read_rules(Path::new(file))).transpose()?;
        let against = |id: &str| match (self.against.as_deref(), &others) {
            (None, _) => Ok(None),
            (Some(_), Some(rules)) => rule_to_compare(rules, id).map(Some),
            (Some("standing"), None) => Ok(Some(stored_rule(id, 0))),
            (Some(text), None) => text
                .parse()
                .map(|revision| Some(stored_rule(id, revision)))
                .map_err(|_| invalid_revision(text)),
        };
        let pair = |(id, choice): (String, RuleChoice)| Ok((choice, against(&id)?));
        rules.into_iter().map(pair).collect::<Result<_, _>>().map(Chosen)
    }
}

/// The rule of a file to compare with: the one with the same identifier, or the only one.
fn rule_to_compare(rules: &[Rule], id: &str) -> Result<RuleChoice, Failure> {
    let only = if let [only] = rules { Some(only) } else { None };
    let other = rules.iter().find(|rule| rule.id == id).or(only);
    other.cloned().map(given_rule).ok_or_else(|| {
        let missing = Failure::new(
            Class::Invalid,
            "unknown-rule",
            "the file to compare with has no rule with this identifier",
        );
        missing.at("against", id)
    })
}

/// Whether a text names a file: identifiers of rules have neither a dot nor a slash.
fn is_file(text: &str) -> bool {
    text == "-" || text.contains(['.', '/', '\\']) || PathBuf::from(text).is_file()
}

fn given_rule(rule: Rule) -> RuleChoice {
    RuleChoice { choice: Some(rule_choice::Choice::Rule(rule)) }
}

fn stored_rule(id: &str, revision: u32) -> RuleChoice {
    RuleChoice { choice: Some(rule_choice::Choice::Stored(StoredRule { id: id.to_owned(), revision })) }
}

fn invalid_revision(text: &str) -> Failure {
    Failure::new(Class::Invalid, "invalid-revision", "this is not a revision to compare with")
        .at("against", text)
        .with_hint("write a revision number, `standing`, or the name of a file with rules")
}

/// Result of one rule's backtest.
struct Outcome {
    subjects: Vec<BacktestSubject>,
    summary: BacktestSummary,
}

/// Runs the rules one after another.
pub(crate) async fn run(args: &Args, chosen: Chosen, client: &Client) -> Result<(), Failure> {
    let as_at = as_at::parse(args.as_at.as_deref())?;
    let mut outcomes = Vec::new();
    for (rule, against) in chosen.0 {
        let request = BacktestRuleRequest {
            rule: Some(rule),
            against,
            from: args.from.clone(),
            to: args.to.clone(),
            as_at: as_at.clone(),
            most_subjects: args.top.max(1),
        };
        outcomes.push(backtest_rule(request, client).await?);
    }
    match client.out.format {
        Format::Json => {
            client.out.json(&json!(outcomes.iter().map(Outcome::json).collect::<Result<Vec<_>, _>>()?))
        }
        Format::Csv => {
            let rows: Vec<EpisodeRow<'_>> = outcomes.iter().flat_map(Outcome::rows).collect();
            client.out.csv(&rows)
        }
        Format::Table => {
            let pages: Vec<String> = outcomes.iter().map(|outcome| outcome.page(&client.out)).collect();
            client.out.text(&pages.join("\n"))
        }
    }
}

async fn backtest_rule(request: BacktestRuleRequest, client: &Client) -> Result<Outcome, Failure> {
    let mut service = client.alerting().await?;
    let mut responses = service.backtest_rule(client.request(request)).await?.into_inner();
    let mut subjects = Vec::new();
    // The bar is drawn on a terminal only, and is removed when it is dropped.
    let bar = ProgressBar::new(0);
    while let Some(response) = responses.message().await? {
        match response.message {
            Some(Message::Progress(progress)) => {
                bar.set_length(progress.head);
                bar.set_position(progress.position);
            }
            Some(Message::Subject(subject)) => subjects.push(subject),
            Some(Message::Summary(summary)) => {
                bar.finish_and_clear();
                return Ok(Outcome { subjects, summary });
            }
            None => {}
        }
    }
    Err(Failure::internal("the backtest ended without a summary"))
}

impl Outcome {
    fn id(&self) -> &str {
        self.summary.rule.as_ref().map_or("", |rule| &rule.id)
    }

    fn json(&self) -> Result<Value, Failure> {
        let value = |value: Result<Value, serde_json::Error>| {
            value.map_err(|error| Failure::internal(error.to_string()))
        };
        let summary = value(serde_json::to_value(object(&self.summary)))?;
        let subjects = value(serde_json::to_value(document(&self.subjects)))?;
        Ok(json!({"summary": summary, "subjects": subjects}))
    }

    fn rows(&self) -> impl Iterator<Item = EpisodeRow<'_>> {
        self.subjects.iter().flat_map(move |subject| {
            let row = move |episode, is_there| EpisodeRow { rule: self.id(), subject, episode, is_there };
            let there = subject.difference.iter().flat_map(|difference| &difference.there);
            let here = subject.episodes.iter().map(move |episode| row(episode, false));
            here.chain(there.map(move |episode| row(episode, true)))
        })
    }

    fn page(&self, out: &Out) -> String {
        let mut text = summary_lines(out, &self.summary);
        let sent = self.summary.sent.unwrap_or_default();
        text.push_str(&format!("  notifications: {}\n", sent_text(&sent)));
        if self.summary.now_only + self.summary.then_only > 0 {
            text.push_str(&format!(
                "  {} episodes only with figures that were corrected since (-), {} only with the corrected \
                 figures (+)\n",
                self.summary.then_only, self.summary.now_only
            ));
        }
        if let Some(difference) = &self.summary.difference {
            text.push_str(&format!("  {}\n", comparison_text(difference, self.summary.against_revision)));
        }
        if !self.subjects.is_empty() {
            text.push('\n');
            text.push_str(&table(out, &self.subjects));
        }
        for note in &self.summary.notes {
            text.push_str(&format!("  {note}\n"));
        }
        if self.summary.subjects_left_out > 0 {
            text.push_str(&format!(
                "{} more subjects have episodes. Show more with --top.\n",
                self.summary.subjects_left_out
            ));
        }
        text
    }
}

/// What a rule would do, on a few lines.
fn preview_text(out: &Out, summary: &BacktestSummary) -> String {
    let mut text = summary_lines(out, summary);
    if summary.most_open > summary.limit {
        text.push_str(&format!(
            "  above its limit: up to {} open alerts at once, the limit is {}; further alerts do not fire\n",
            summary.most_open, summary.limit
        ));
    }
    if summary.subjects == 0 {
        text.push_str("  no figure matches what the rule selects\n");
    }
    text
}

/// The rule, its subjects and episodes, and the number of open alerts over time.
fn summary_lines(out: &Out, summary: &BacktestSummary) -> String {
    let rule = summary.rule.clone().unwrap_or_default();
    let revision = if summary.revision == 0 {
        "not stored".to_owned()
    } else {
        format!("revision {}", summary.revision)
    };
    let mut text = format!("{} ({revision}) · {}\n", out.style.bold(&rule.id), rule.title);
    let unsure = match summary.not_confirmed {
        0 => String::new(),
        count => format!(", {count} of them not confirmed"),
    };
    text.push_str(&format!(
        "  subjects: {}, {} with episodes; {} firing and {} pending at the end{unsure}\n",
        summary.subjects, summary.subjects_with_episodes, summary.firing, summary.pending
    ));
    let mut severities: Vec<_> =
        summary.severities.iter().map(|(name, count)| format!("{count} {name}")).collect();
    severities.sort();
    let severities =
        if severities.is_empty() { String::new() } else { format!(" ({})", severities.join(", ")) };
    text.push_str(&format!(
        "  episodes with the figures as known now: {}{severities}, {} of them pending only; longest {}, \
         median {} periods; fired again soon after resolving: {}\n",
        summary.episodes, summary.pending_only, summary.longest, summary.median, summary.flaps
    ));
    if let (Some(first), Some(last)) = (summary.bars.first(), summary.bars.last()) {
        let max_open = f64::from(summary.most_open.max(1));
        let bars = summary.bars.iter().map(|bar| Some(f64::from(bar.firing + bar.pending) / max_open));
        let bars = out.style.cyan(&sparkline(bars));
        text.push_str(&format!(
            "  open alerts  {} {bars} {}  at most {}\n",
            first.period, last.period, summary.most_open
        ));
    }
    text
}

/// The notifications that would have been sent: `2 fired, 1 resolved`.
fn sent_text(sent: &BacktestCounts) -> String {
    let counts = [
        (sent.pending, "pending"),
        (sent.fired, "fired"),
        (sent.resolved, "resolved"),
        (sent.severity_changed, "severity changed"),
        (sent.stale, "stale or data back"),
        (sent.restated, "restated"),
    ];
    counts_text(&counts, "none")
}

fn comparison_text(difference: &BacktestDifference, revision: u32) -> String {
    let other = if revision == 0 { "the other rule".to_owned() } else { format!("revision {revision}") };
    format!(
        "compared with {other}: {} episodes only here, {} only there, {} the same, {} longer, {} shorter",
        difference.only_here, difference.only_there, difference.same, difference.longer, difference.shorter
    )
}

/// Prints what new or revised rules would do, before they are stored.
pub(crate) fn preview(client: &Client, checked: &[PutRuleResponse]) {
    for summary in checked
        .iter()
        .filter(|response| response.would_change)
        .filter_map(|response| response.preview.as_ref())
    {
        print_message(preview_text(&client.out, summary).trim_end());
    }
}
