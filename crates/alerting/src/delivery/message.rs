//! What a message says, once for all kinds of receivers: they differ in form, never in what they tell.
use orewatch_contracts::alerting::v1::{
    Alert, AlertState, AlertTold, Notification, NotificationReason, Reason, Verdict,
};
use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::text::without_hidden;
use orewatch_measures::Measure;
use orewatch_runtime::figure::{difference_in, estimate, percent, value_in};

use crate::wording;

/// Stands before everything that a drill says.
pub const DRILL: &str = "DRILL";

/// Heights of a sparkline.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What a message says.
#[derive(Clone, Debug, PartialEq)]
pub struct Telling {
    /// One line.
    pub title: String,
    /// Why it goes out, and what it does not tell.
    pub lines: Vec<String>,
    /// Its alerts.
    pub stories: Vec<Story>,
    /// An exercise; nothing has happened.
    pub drill: bool,
}

/// What it says about one alert.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Story {
    /// Identifier of the alert.
    pub alert: String,
    /// The alert fires.
    pub firing: bool,
    /// Its severity.
    pub severity: String,
    /// One line: what is where.
    pub headline: String,
    /// Title of the rule.
    pub title: String,
    /// What is known, each with its name.
    pub facts: Vec<(&'static str, String)>,
    /// The largest suppliers with their shares.
    pub contributors: Vec<(String, f64)>,
    /// The figure over its last periods, with how it reads; no value: none is known.
    pub series: Vec<(String, Option<f64>, String)>,
    /// Text of the rule.
    pub text: String,
    /// How to find out why.
    pub link: Link,
}

/// How to find out why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// An address.
    Url(String),
    /// A command to type.
    Command(String),
}

impl Default for Link {
    fn default() -> Self {
        Self::Command(String::new())
    }
}

impl Link {
    /// The address or the command.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Url(text) | Self::Command(text) => text,
        }
    }

    /// The address, if it is one.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Url(url) => Some(url),
            Self::Command(_) => None,
        }
    }
}

impl Story {
    /// The series as one bar a period; a gap where there is no value.
    #[must_use]
    pub fn sparkline(&self) -> String {
        let most = self.highest();
        let bar = |value: &Option<f64>| {
            value.map_or('·', |value| {
                let level = if most > 0.0 { (value.max(0.0) / most * 7.0).round() } else { 0.0 };
                let level = LEVELS.iter().zip(0_u8..8).rev().find(|(_, k)| f64::from(*k) <= level);
                level.map_or('▁', |(bar, _)| *bar)
            })
        };
        self.series.iter().map(|(_, value, _)| bar(value)).collect()
    }

    /// The highest value of the series, 0 if there is none.
    #[must_use]
    pub fn highest(&self) -> f64 {
        self.series
            .iter()
            .filter_map(|(_, value, _)| *value)
            .filter(|value| value.is_finite())
            .fold(0.0, f64::max)
    }
}

impl Telling {
    /// What a message says. Whatever is missing or makes no sense is told as such: nothing keeps a message from going out.
    #[must_use]
    pub fn of(message: &Notification, public_url: Option<&str>) -> Self {
        let stories: Vec<Story> =
            message.alerts.iter().map(|told| story(told, message.drill, public_url)).collect();
        let title = title(message, &stories);
        // A story alone is the title as it is, with its mark.
        let is_marked = !message.drill || title.starts_with(DRILL);
        let title = if is_marked { title } else { format!("{DRILL}: {title}") };
        let telling = Self { title, lines: lines(message), stories, drill: message.drill };
        telling.without_hidden()
    }

    /// The same without characters that would act on who shows it: logs of earlier versions hold them in titles and notes.
    fn without_hidden(mut self) -> Self {
        let line = |text: &mut String| *text = without_hidden(text, false).into_owned();
        line(&mut self.title);
        self.lines.iter_mut().for_each(line);
        for story in &mut self.stories {
            [&mut story.alert, &mut story.severity, &mut story.headline, &mut story.title]
                .into_iter()
                .for_each(line);
            story.facts.iter_mut().for_each(|(_, value)| line(value));
            story.text = without_hidden(&story.text, true).into_owned();
        }
        self
    }

    /// All of it as plain text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.title);
        for line in &self.lines {
            text.push_str(&format!("{line}\n"));
        }
        for story in &self.stories {
            text.push_str(&format!("\n{}\n  {}\n", story.headline, story.title));
            for (name, value) in &story.facts {
                text.push_str(&format!("  {name:<14} {value}\n"));
            }
            if !story.contributors.is_empty() {
                text.push_str(&format!("  {:<14} {}\n", "suppliers", suppliers(&story.contributors)));
            }
            if let (Some(first), Some(last)) = (story.series.first(), story.series.last()) {
                text.push_str(&format!("  {:<14} {} {} {}\n", "series", first.0, story.sparkline(), last.0));
            }
            for line in story.text.lines() {
                text.push_str(format!("  {line}").trim_end());
                text.push('\n');
            }
            text.push_str(&format!("  {:<14} {}\n", "why", story.link.text()));
        }
        text
    }
}

/// Suppliers in one line.
#[must_use]
pub fn suppliers(contributors: &[(String, f64)]) -> String {
    let told: Vec<String> =
        contributors.iter().map(|(supplier, share)| format!("{supplier} {}", percent(*share))).collect();
    told.join(", ")
}

fn title(message: &Notification, stories: &[Story]) -> String {
    match (message.reason(), stories) {
        (NotificationReason::Heartbeat, _) => "Orewatch: all is well".to_owned(),
        (NotificationReason::ReceiverDown, []) => first_line(&message.text, "a receiver is down"),
        (NotificationReason::Escalated, [only]) => format!("Not acknowledged: {}", only.headline),
        (_, [only]) if message.omitted == 0 => only.headline.clone(),
        _ => {
            let group =
                if message.group.is_empty() { String::new() } else { format!(" ({})", message.group) };
            format!("{} firing, {} over{group}", message.firing, message.resolved)
        }
    }
}

fn first_line(text: &str, otherwise: &str) -> String {
    text.lines().next().filter(|line| !line.trim().is_empty()).unwrap_or(otherwise).to_owned()
}

fn lines(message: &Notification) -> Vec<String> {
    let mut lines = Vec::new();
    if message.drill {
        lines.push("This is a drill: nothing has happened, and there is nothing to do.".to_owned());
    }
    let why = why(message.reason());
    if !why.is_empty() {
        lines.push(why.to_owned());
    }
    lines.extend(message.text.lines().map(str::to_owned));
    if message.omitted > 0 {
        lines.push(format!("{} more are not told here; list them: orewatch alerts", message.omitted));
    }
    lines
}

fn why(reason: NotificationReason) -> &'static str {
    match reason {
        NotificationReason::Unspecified | NotificationReason::First | NotificationReason::Drill => "",
        NotificationReason::NewAlerts => "Further lines are crossed.",
        NotificationReason::Resolved => "Some alerts are over.",
        NotificationReason::AllResolved => "All alerts of the group are over.",
        NotificationReason::Repeat => "Nothing has changed; this is a reminder.",
        NotificationReason::Changed => "What was told before has changed.",
        NotificationReason::SilenceOver => "A silence is over.",
        NotificationReason::InhibitionOver => "What explained these alerts is over.",
        NotificationReason::AcknowledgementOver => "Nobody has this on any more.",
        NotificationReason::Escalated => "Nobody has acknowledged.",
        NotificationReason::Digest => "What has changed since the last digest.",
        NotificationReason::Heartbeat => "A sign of life: no message means trouble.",
        NotificationReason::ReceiverDown => "Another receiver cannot be told.",
    }
}

fn story(told: &AlertTold, drill: bool, public_url: Option<&str>) -> Story {
    let Some(alert) = &told.alert else {
        let headline = "An alert that cannot be shown: the message does not hold it".to_owned();
        return Story { headline, ..Story::default() };
    };
    let unit = unit(alert);
    let firing = alert.state() == AlertState::Firing;
    let headline = headline(alert, unit, firing);
    let contributors = alert.contributors.iter().map(|one| (one.supplier.clone(), one.share));
    let series = alert.series.iter().map(|point| {
        let figure = Estimate { value: point.value, low: point.low, high: point.high, ..Estimate::default() };
        (point.period.clone(), point.value, estimate(unit, Some(&figure)))
    });
    Story {
        alert: alert.id.clone(),
        firing,
        severity: alert.severity.clone(),
        headline: if drill { format!("{DRILL}: {headline}") } else { headline },
        title: alert.title.clone(),
        facts: facts(told, alert, unit),
        contributors: contributors.collect(),
        series: series.collect(),
        text: alert.text.trim().to_owned(),
        link: link(&alert.id, public_url),
    }
}

/// `critical: EU27 bismuth refined from CHN, 87.6 % (> 65.0 %) in 2024`.
fn headline(alert: &Alert, unit: &str, firing: bool) -> String {
    let word = match (firing, alert.state()) {
        (true, _) => alert.severity.as_str(),
        (false, AlertState::Resolved) => "over",
        (false, AlertState::Pending) => "pending",
        (false, _) => "not crossed",
    };
    // Nobody must take a change of sources for one of the world, not even who reads the subject of a mail alone.
    let by = Some(wording::not_the_world(alert.reason())).filter(|by| !by.is_empty());
    let by = by.map(|by| format!(", {by}")).unwrap_or_default();
    let value = wording::figure(alert, unit);
    let is_missing = alert.stale || alert.period.is_empty();
    let period = if is_missing { String::new() } else { format!(" in {}", alert.period) };
    let then = Some(wording::at_transition(alert, unit)).filter(|then| !then.is_empty());
    let then = then.map(|then| format!("; {then}")).unwrap_or_default();
    let disagree = if alert.sources_disagree { "; sources disagree" } else { "" };
    format!("{word}{by}: {}, {value} ({}){period}{then}{disagree}", about(alert), line(alert, unit))
}

/// The figure with its period, where that is not the one of the transition.
fn value(alert: &Alert, unit: &str) -> String {
    let value = wording::figure(alert, unit);
    if alert.at_transition.is_some() && !alert.stale { format!("{value} in {}", alert.period) } else { value }
}

/// Why the alert changed, where its state does not say it.
fn because(alert: &Alert) -> String {
    match alert.reason() {
        // What is missing is told with the value.
        Reason::NoData | Reason::StaleData => String::new(),
        reason => wording::why(reason).to_owned(),
    }
}

fn about(alert: &Alert) -> String {
    let Some(subject) = &alert.subject else { return alert.id.clone() };
    let on = match (subject.supplier.as_str(), alert.names.as_slice()) {
        ("", [first, ..]) => format!(" ({first})"),
        ("", []) => String::new(),
        (supplier, _) => format!(" from {supplier}"),
    };
    format!("{} {} {}{on}", subject.consumer, subject.material, subject.stage)
}

fn line(alert: &Alert, unit: &str) -> String {
    format!("{} {}", if alert.above { '>' } else { '<' }, value_in(unit, alert.line))
}

/// Unit of an alert's figure; nothing for a measure that this version does not know.
fn unit(alert: &Alert) -> &'static str {
    let measure = alert.subject.as_ref().map_or("", |subject| subject.measure.as_str());
    let name = measure.split('/').next().unwrap_or_default();
    name.parse::<Measure>().map_or("", |measure| measure.method().unit)
}

fn facts(told: &AlertTold, alert: &Alert, unit: &str) -> Vec<(&'static str, String)> {
    let subject = alert.subject.clone().unwrap_or_default();
    let firing = alert.state() == AlertState::Firing;
    let fired = told.fired_with.as_ref().map(|figure| {
        let cause = wording::cause(told.fired_cause.as_ref());
        let cause = if cause.is_empty() { cause } else { format!(", {cause}") };
        format!("{} in {}{cause}", estimate(unit, Some(figure)), told.fired_period)
    });
    let restated = told.restated.as_ref().map(|restated| wording::restatement(restated, unit));
    let reason = alert.estimate.as_ref().map(|figure| figure.reason.clone()).unwrap_or_default();
    let facts = [
        (if firing { "value" } else { "ended with" }, value(alert, unit)),
        ("changed", wording::at_transition(alert, unit)),
        ("because", because(alert)),
        ("of the past", restated.unwrap_or_default()),
        ("not known", reason),
        ("found", alert.finding.clone()),
        ("sources", wording::sources(alert, unit)),
        ("fired with", fired.unwrap_or_default()),
        ("line", line(alert, unit)),
        ("beyond", alert.margin.map(|margin| difference_in(unit, margin)).unwrap_or_default()),
        ("certainty", wording::certainty(alert).to_owned()),
        ("before", alert.previous.map(|previous| value_in(unit, previous)).unwrap_or_default()),
        ("measure", subject.measure),
        ("since", alert.pending_since.clone()),
        ("over in", alert.resolved_at.clone()),
        ("data", if alert.stale { "the newest period is missing".to_owned() } else { String::new() }),
        ("cause", wording::cause(alert.cause.as_ref())),
        ("acknowledged", acknowledged(told)),
        ("owner", alert.owner.clone()),
    ];
    facts.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

fn acknowledged(told: &AlertTold) -> String {
    let Some(acknowledgement) = &told.acknowledgement else { return String::new() };
    let verdict = match acknowledgement.verdict() {
        Verdict::Unspecified => "",
        Verdict::Potential => ", it may matter",
        Verdict::Confirmed => ", it matters",
        Verdict::NoImpact => ", no impact",
    };
    let note =
        if acknowledgement.note.is_empty() { String::new() } else { format!(": {}", acknowledgement.note) };
    format!("by {}{verdict}{note}", acknowledgement.owner)
}

/// How to find out why: an address where one is configured, the command to type otherwise.
fn link(alert: &str, public_url: Option<&str>) -> Link {
    match public_url {
        Some(base) => Link::Url(format!("{base}/alerts/{alert}")),
        None => Link::Command(format!("orewatch alerts why {alert}")),
    }
}
