//! `rules backtest`: what rules would have said, and the preview of rules that are not stored yet.
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use orewatch_contracts::alerting::v1::backtest_rule_response::Message;
use orewatch_contracts::alerting::v1::{
    AlertState, BacktestCounts, BacktestDifference, BacktestRuleRequest, BacktestSubject, BacktestSummary,
    PutRuleResponse, Rule, RuleChoice, StoredRule, rule_choice,
};
use orewatch_runtime::{Class, Failure};
use serde_json::{Value, json};

use super::{point, rules, say};
use crate::options::{ClientOptions, Format};
use crate::render::{Align, Out, Sheet, object, sparkline};
use crate::session::Client;
use crate::view::{EpisodeRow, SubjectRow, SummaryRow, state_word};

/// Most periods of a course that a line shows.
const SHOWN: usize = 24;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The rule runs over every release of figures as it came, by the same machine as the service. Told are the
episodes by the figures as they are known now, and those that earlier figures would have told.

Examples:
  orewatch rules backtest our-lines.yaml --from 2015 --to 2024
  orewatch rules backtest g7-china-rare-earths --against 1
  orewatch rules backtest new.yaml --against standing --format csv
  orewatch rules backtest g7-china-rare-earths --as-at MCS2025")]
pub(crate) struct Args {
    /// A file of rules, YAML, `-` for standard input; or the identifier of a rule that is stored
    #[arg(value_name = "FILE|RULE")]
    what: String,
    /// First period that is told of, such as 2018 or 2018-01
    #[arg(long, value_name = "PERIOD", default_value = "", hide_default_value = true)]
    from: String,
    /// Last period that is looked at
    #[arg(long, value_name = "PERIOD", default_value = "", hide_default_value = true)]
    to: String,
    #[arg(long, value_name = "POINT", help = point::AS_AT)]
    as_at: Option<String>,
    /// What to compare with: a revision's number, `standing`, or a file with rules of the same identifiers
    #[arg(long, value_name = "REVISION")]
    against: Option<String>,
    /// Most subjects that are shown of a rule, 1 to 10000, those with most episodes
    #[arg(long, value_name = "N", default_value_t = 50)]
    top: u32,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Rules to run, each with what it is compared with.
pub(crate) struct Chosen(Vec<(RuleChoice, Option<RuleChoice>)>);

impl Args {
    /// What is to be run: what is wrong in a file is said before a server is asked for.
    pub(crate) fn chosen(&self) -> Result<Chosen, Failure> {
        let rules: Vec<(String, RuleChoice)> = if is_file(&self.what) {
            let rules = rules::read_rules(Path::new(&self.what))?;
            rules.into_iter().map(|rule| (rule.id.clone(), choice(rule))).collect()
        } else {
            vec![(self.what.clone(), stored(&self.what, 0))]
        };
        let others = self.against.as_deref().filter(|text| is_file(text));
        let others = others.map(|file| rules::read_rules(Path::new(file))).transpose()?;
        let against = |id: &str| match (self.against.as_deref(), &others) {
            (None, _) => Ok(None),
            (Some(_), Some(rules)) => other(rules, id).map(Some),
            (Some("standing"), None) => Ok(Some(stored(id, 0))),
            (Some(text), None) => {
                text.parse().map(|revision| Some(stored(id, revision))).map_err(|_| wrong(text))
            }
        };
        let pair = |(id, choice): (String, RuleChoice)| Ok((choice, against(&id)?));
        rules.into_iter().map(pair).collect::<Result<_, _>>().map(Chosen)
    }
}

/// The rule of a file that another one is compared with: of the same identifier, or the only one.
fn other(rules: &[Rule], id: &str) -> Result<RuleChoice, Failure> {
    let only = if let [only] = rules { Some(only) } else { None };
    let other = rules.iter().find(|rule| rule.id == id).or(only);
    other.cloned().map(choice).ok_or_else(|| {
        let missing =
            Failure::new(Class::Invalid, "unknown-rule", "the file to compare with has no such rule");
        missing.at("against", id)
    })
}

/// Whether a text names a file: identifiers of rules have neither a dot nor a slash.
fn is_file(text: &str) -> bool {
    text == "-" || text.contains(['.', '/', '\\']) || PathBuf::from(text).is_file()
}

fn choice(rule: Rule) -> RuleChoice {
    RuleChoice { choice: Some(rule_choice::Choice::Rule(rule)) }
}

fn stored(id: &str, revision: u32) -> RuleChoice {
    RuleChoice { choice: Some(rule_choice::Choice::Stored(StoredRule { id: id.to_owned(), revision })) }
}

fn wrong(text: &str) -> Failure {
    Failure::new(Class::Invalid, "bad-revision", "this is no revision to compare with")
        .at("against", text)
        .with_hint("give its number, `standing`, or a file of rules")
}

/// What one rule would have said.
struct Outcome {
    subjects: Vec<BacktestSubject>,
    summary: BacktestSummary,
}

/// Runs the rules one after another.
pub(crate) async fn run(args: &Args, chosen: Chosen, client: &Client) -> Result<(), Failure> {
    let as_at = point::as_at(args.as_at.as_deref())?;
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
        outcomes.push(one(request, client).await?);
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

async fn one(request: BacktestRuleRequest, client: &Client) -> Result<Outcome, Failure> {
    let mut service = client.alerting().await?;
    let mut answers = service.backtest_rule(client.request(request)).await?.into_inner();
    let mut subjects = Vec::new();
    // Drawn on a terminal only, and gone when it is dropped.
    let bar = ProgressBar::new(0);
    while let Some(answer) = answers.message().await? {
        match answer.message {
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
        let summary = value(serde_json::to_value(object(&SummaryRow(&self.summary))))?;
        let subjects =
            self.subjects.iter().map(|subject| value(serde_json::to_value(object(&SubjectRow(subject)))));
        Ok(json!({"summary": summary, "subjects": subjects.collect::<Result<Vec<_>, _>>()?}))
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
        let mut text = lines(out, &self.summary, "episodes by the figures as known");
        let sent = self.summary.sent.unwrap_or_default();
        text.push_str(&format!("  would have been sent: {}\n", counts(&sent)));
        if self.summary.now_only + self.summary.then_only > 0 {
            text.push_str(&format!(
                "  {} told by figures that were corrected since, {} only by the corrected figures\n",
                self.summary.then_only, self.summary.now_only
            ));
        }
        if let Some(difference) = &self.summary.difference {
            text.push_str(&format!("  {}\n", compared(difference, self.summary.against_revision)));
        }
        if !self.subjects.is_empty() {
            text.push('\n');
            text.push_str(&self.sheet(out));
        }
        if self.summary.subjects_left_out > 0 {
            text.push_str(&format!(
                "{} more subjects have episodes; --top shows more\n",
                self.summary.subjects_left_out
            ));
        }
        text
    }

    fn sheet(&self, out: &Out) -> String {
        let mut columns = vec![
            ("consumer", Align::Left),
            ("material", Align::Left),
            ("stage", Align::Left),
            ("on", Align::Left),
            ("course", Align::Left),
            ("episodes", Align::Left),
            ("worst", Align::Left),
            ("flaps", Align::Right),
            ("sent", Align::Right),
            ("state", Align::Left),
        ];
        let is_compared = self.summary.difference.is_some();
        if is_compared {
            columns.push(("against", Align::Left));
        }
        let mut sheet = Sheet::new(out, &columns);
        for row in &self.subjects {
            let subject = row.subject.clone().unwrap_or_default();
            let sent = row.sent.unwrap_or_default();
            let all = sent.pending
                + sent.fired
                + sent.resolved
                + sent.stale
                + sent.severity_changed
                + sent.restated;
            let mut cells = vec![
                subject.consumer,
                subject.material,
                subject.stage,
                subject.supplier,
                course(row),
                episodes(row),
                row.severity.clone(),
                row.flaps.to_string(),
                all.to_string(),
                state_word(row.state()),
            ];
            if is_compared {
                cells.push(row.difference.as_ref().map(difference_word).unwrap_or_default());
            }
            sheet.row(cells);
        }
        sheet.finish()
    }
}

/// What a preview says of a rule, on few lines.
fn foreseen(out: &Out, summary: &BacktestSummary) -> String {
    let mut text = lines(out, summary, "episodes by the figures as known");
    if summary.most_open > summary.limit {
        text.push_str(&format!(
            "  beyond its limit: {} alerts were open at once, {} may be; further ones are not told\n",
            summary.most_open, summary.limit
        ));
    }
    if summary.subjects == 0 {
        text.push_str("  it watches nothing that there are figures of\n");
    }
    text
}

/// The rule, its subjects and episodes, and how many alerts were open over time.
fn lines(out: &Out, summary: &BacktestSummary, what: &str) -> String {
    let rule = summary.rule.clone().unwrap_or_default();
    let revision = if summary.revision == 0 {
        "not stored".to_owned()
    } else {
        format!("revision {}", summary.revision)
    };
    let mut text = format!("{} ({revision}) · {}\n", out.style.bold(&rule.id), rule.title);
    text.push_str(&format!(
        "  {} subjects, {} with episodes; at the end {} fire, {} are pending\n",
        summary.subjects, summary.subjects_with_episodes, summary.firing, summary.pending
    ));
    let mut severities: Vec<_> =
        summary.severities.iter().map(|(name, count)| format!("{count} {name}")).collect();
    severities.sort();
    let severities =
        if severities.is_empty() { String::new() } else { format!(" ({})", severities.join(", ")) };
    text.push_str(&format!(
        "  {} {what}{severities}, {} pending only; longest {}, median {} periods; {} flaps\n",
        summary.episodes, summary.pending_only, summary.longest, summary.median, summary.flaps
    ));
    if let (Some(first), Some(last)) = (summary.bars.first(), summary.bars.last()) {
        let most = f64::from(summary.most_open.max(1));
        let bars = summary.bars.iter().map(|bar| Some(f64::from(bar.firing + bar.pending) / most));
        let bars = out.style.cyan(&sparkline(bars));
        text.push_str(&format!(
            "  open  {} {bars} {}  at most {}\n",
            first.period, last.period, summary.most_open
        ));
    }
    text
}

/// A mark a period: `█` fires, `▄` is pending, `·` neither.
fn course(subject: &BacktestSubject) -> String {
    let skipped = subject.course.len().saturating_sub(SHOWN);
    let mark = |state: AlertState| match state {
        AlertState::Firing => '█',
        AlertState::Pending => '▄',
        AlertState::Unspecified | AlertState::Inactive | AlertState::Resolved => '·',
    };
    subject.course.iter().skip(skipped).map(|period| mark(period.state())).collect()
}

fn episodes(subject: &BacktestSubject) -> String {
    use orewatch_contracts::alerting::v1::EpisodeKnowledge;
    let mark = |known: EpisodeKnowledge| match known {
        EpisodeKnowledge::NowOnly => "+",
        EpisodeKnowledge::ThenOnly => "-",
        EpisodeKnowledge::Both | EpisodeKnowledge::Unspecified => "",
    };
    let one = |episode: &orewatch_contracts::alerting::v1::BacktestEpisode| {
        let brackets = if episode.fired.is_empty() { ("(", ")") } else { ("", "") };
        format!("{}{}{}–{}{}", mark(episode.known()), brackets.0, episode.since, episode.resolved, brackets.1)
    };
    subject.episodes.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn counts(sent: &BacktestCounts) -> String {
    let all = [
        (sent.pending, "pending"),
        (sent.fired, "fired"),
        (sent.resolved, "resolved"),
        (sent.severity_changed, "changes of severity"),
        (sent.stale, "stale or back"),
        (sent.restated, "restated"),
    ];
    let told: Vec<String> = all
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if told.is_empty() { "nothing".to_owned() } else { told.join(", ") }
}

fn compared(difference: &BacktestDifference, revision: u32) -> String {
    let other = if revision == 0 { "the other".to_owned() } else { format!("revision {revision}") };
    format!(
        "against {other}: {} episodes only here, {} only there, {} the same, {} longer here, {} shorter here",
        difference.only_here, difference.only_there, difference.same, difference.longer, difference.shorter
    )
}

fn difference_word(difference: &BacktestDifference) -> String {
    let all = [
        (difference.only_here, "only here"),
        (difference.only_there, "only there"),
        (difference.longer, "longer"),
        (difference.shorter, "shorter"),
    ];
    let told: Vec<String> = all
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if told.is_empty() { "same".to_owned() } else { told.join(", ") }
}

/// Says what rules that would change something would do, before they are stored.
pub(crate) fn preview(client: &Client, checked: &[PutRuleResponse]) {
    for summary in
        checked.iter().filter(|answer| answer.would_change).filter_map(|answer| answer.preview.as_ref())
    {
        say(foreseen(&client.out, summary).trim_end());
    }
}
