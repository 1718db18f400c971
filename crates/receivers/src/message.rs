//! Renders a message for people. All kinds of receivers use the same content and differ only in form.
use orewatch_contracts::alerting::v1::{
    Alert, AlertState, AlertTold, Notification, NotificationReason, Reason, Verdict,
};
use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::figure::{difference_in, estimate, percent, value_in};
use orewatch_contracts::market::{products_text, proxy_caveat, size_text};
use orewatch_contracts::text::without_hidden;
use orewatch_measures::Measure;
use orewatch_rules::sentence::{sentence, threshold};
use orewatch_rules::wording;

/// Prefix of titles and headlines of a drill.
pub const DRILL: &str = "DRILL";

/// Bars of a sparkline, from the lowest to the highest.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Content of a message, ready for every kind of receiver.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedMessage {
    /// Title, one line.
    pub title: String,
    /// Why it was sent, and notes such as how many alerts are left out.
    pub lines: Vec<String>,
    /// Summaries of its alerts.
    pub alerts: Vec<AlertSummary>,
    /// Whether it is a drill.
    pub drill: bool,
}

/// Summary of one alert.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertSummary {
    /// Identifier of the alert.
    pub alert: String,
    /// Whether the alert is firing.
    pub firing: bool,
    /// Its severity.
    pub severity: String,
    /// One line with severity, subject and figure.
    pub headline: String,
    /// Title of the rule.
    pub title: String,
    /// Further facts, each with its name.
    pub facts: Vec<(&'static str, String)>,
    /// The largest suppliers with their shares, 0 to 1.
    pub contributors: Vec<(String, f64)>,
    /// The last periods, each with its value (`None`: not known) and the formatted figure.
    pub series: Vec<(String, Option<f64>, String)>,
    /// Text of the rule.
    pub text: String,
    /// Link to the explanation.
    pub link: Link,
}

/// Link to the explanation of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// A URL.
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
    /// The URL or the command.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Url(text) | Self::Command(text) => text,
        }
    }

    /// The URL. `None`: it is a command.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Url(url) => Some(url),
            Self::Command(_) => None,
        }
    }
}

impl AlertSummary {
    /// The series as a sparkline: one bar per period, `·` for a missing value.
    #[must_use]
    pub fn sparkline(&self) -> String {
        let max = self.max_value();
        let bar = |value: &Option<f64>| {
            value.map_or('·', |value| {
                let level = if max > 0.0 { (value.max(0.0) / max * 7.0).round() } else { 0.0 };
                let level = LEVELS.iter().zip(0_u8..8).rev().find(|(_, k)| f64::from(*k) <= level);
                level.map_or('▁', |(bar, _)| *bar)
            })
        };
        self.series.iter().map(|(_, value, _)| bar(value)).collect()
    }

    /// The greatest value of the series, 0 if there is none.
    #[must_use]
    pub fn max_value(&self) -> f64 {
        self.series
            .iter()
            .filter_map(|(_, value, _)| *value)
            .filter(|value| value.is_finite())
            .fold(0.0, f64::max)
    }
}

impl RenderedMessage {
    /// Renders a message. Missing or inconsistent parts are shown as such: rendering never fails, so that
    /// every message can be sent.
    #[must_use]
    pub fn new(message: &Notification, public_url: Option<&str>) -> Self {
        let alerts: Vec<AlertSummary> =
            message.alerts.iter().map(|entry| summary(entry, message.drill, public_url)).collect();
        let title = title(message, &alerts);
        // The headline of a single alert has the mark already.
        let is_marked = !message.drill || title.starts_with(DRILL);
        let title = if is_marked { title } else { format!("{DRILL}: {title}") };
        let rendered = Self { title, lines: lines(message), alerts, drill: message.drill };
        rendered.without_hidden()
    }

    /// Removes control characters and other hidden characters, which logs of earlier versions have in titles
    /// and notes.
    fn without_hidden(mut self) -> Self {
        let line = |text: &mut String| *text = without_hidden(text, false).into_owned();
        line(&mut self.title);
        self.lines.iter_mut().for_each(line);
        for summary in &mut self.alerts {
            [&mut summary.alert, &mut summary.severity, &mut summary.headline, &mut summary.title]
                .into_iter()
                .for_each(line);
            summary.facts.iter_mut().for_each(|(_, value)| line(value));
            summary.text = without_hidden(&summary.text, true).into_owned();
        }
        self
    }

    /// The content as plain text.
    #[must_use]
    pub fn plain_text(&self) -> String {
        let mut text = format!("{}\n", self.title);
        for line in &self.lines {
            text.push_str(&format!("{line}\n"));
        }
        for summary in &self.alerts {
            text.push_str(&format!("\n{}\n  {}\n", summary.headline, summary.title));
            for (name, value) in &summary.facts {
                text.push_str(&format!("  {name:<14} {value}\n"));
            }
            if !summary.contributors.is_empty() {
                text.push_str(&format!("  {:<14} {}\n", "suppliers", suppliers_line(&summary.contributors)));
            }
            if let (Some(first), Some(last)) = (summary.series.first(), summary.series.last()) {
                text.push_str(&format!(
                    "  {:<14} {} {} {}\n",
                    "series",
                    first.0,
                    summary.sparkline(),
                    last.0
                ));
            }
            for line in summary.text.lines() {
                text.push_str(format!("  {line}").trim_end());
                text.push('\n');
            }
            text.push_str(&format!("  {:<14} {}\n", "why", summary.link.text()));
        }
        text
    }
}

/// Suppliers with their shares in one line.
#[must_use]
pub fn suppliers_line(contributors: &[(String, f64)]) -> String {
    let shares: Vec<String> =
        contributors.iter().map(|(supplier, share)| format!("{supplier} {}", percent(*share))).collect();
    shares.join(", ")
}

fn title(message: &Notification, alerts: &[AlertSummary]) -> String {
    match (message.reason(), alerts) {
        (NotificationReason::Heartbeat, _) => "Orewatch heartbeat".to_owned(),
        (NotificationReason::ReceiverDown, []) => first_line(&message.text, "a receiver is down"),
        (NotificationReason::Escalated, [only]) => format!("Not acknowledged: {}", only.headline),
        (_, [only]) if message.omitted == 0 => only.headline.clone(),
        _ => {
            let group =
                if message.group.is_empty() { String::new() } else { format!(" ({})", message.group) };
            format!("{} firing, {} resolved{group}", message.firing, message.resolved)
        }
    }
}

fn first_line(text: &str, otherwise: &str) -> String {
    text.lines().next().filter(|line| !line.trim().is_empty()).unwrap_or(otherwise).to_owned()
}

fn lines(message: &Notification) -> Vec<String> {
    let mut lines = Vec::new();
    if message.drill {
        lines.push("This is a drill. Nothing has happened, and no action is needed.".to_owned());
    }
    let why = reason_sentence(message.reason());
    if !why.is_empty() {
        lines.push(why.to_owned());
    }
    lines.extend(message.text.lines().map(str::to_owned));
    if message.omitted > 0 {
        lines.push(format!("{} more alerts are not shown. List them: orewatch alerts", message.omitted));
    }
    lines
}

fn reason_sentence(reason: NotificationReason) -> &'static str {
    match reason {
        NotificationReason::Unspecified | NotificationReason::First | NotificationReason::Drill => "",
        NotificationReason::NewAlerts => "More alerts are firing.",
        NotificationReason::Resolved => "Some alerts have resolved.",
        NotificationReason::AllResolved => "All alerts of the group have resolved.",
        NotificationReason::Repeat => "Reminder: nothing has changed.",
        NotificationReason::Changed => "Alerts that were sent before have changed.",
        NotificationReason::SilenceOver => "A silence has ended.",
        NotificationReason::InhibitionOver => "The inhibition of these alerts has ended.",
        NotificationReason::AcknowledgementOver => "The acknowledgement has ended.",
        NotificationReason::Escalated => "Escalated: not acknowledged in time.",
        NotificationReason::Digest => "Changes since the last digest.",
        NotificationReason::Heartbeat => "Heartbeat. If these stop, something is wrong.",
        NotificationReason::ReceiverDown => "Another receiver cannot be reached.",
    }
}

fn summary(entry: &AlertTold, drill: bool, public_url: Option<&str>) -> AlertSummary {
    let Some(alert) = &entry.alert else {
        let headline = "An alert that cannot be shown: the message does not contain it".to_owned();
        return AlertSummary { headline, ..AlertSummary::default() };
    };
    let unit = alert_unit(alert);
    let firing = alert.state() == AlertState::Firing;
    let headline = sentence(alert, unit);
    let contributors = alert.contributors.iter().map(|c| (c.supplier.clone(), c.share));
    let series = alert.series.iter().map(|point| {
        let figure = Estimate { value: point.value, low: point.low, high: point.high, ..Estimate::default() };
        (point.period.clone(), point.value, estimate(unit, Some(&figure)))
    });
    AlertSummary {
        alert: alert.id.clone(),
        firing,
        severity: alert.severity.clone(),
        headline: if drill { format!("{DRILL}: {headline}") } else { headline },
        title: alert.title.clone(),
        facts: facts(entry, alert, unit),
        contributors: contributors.collect(),
        series: series.collect(),
        text: alert.text.trim().to_owned(),
        link: explain_link(&alert.id, public_url),
    }
}

/// The figure, with its period if that differs from the period of the transition.
fn value_with_period(alert: &Alert, unit: &str) -> String {
    let value = wording::figure(alert, unit);
    if alert.at_transition.is_some() && !alert.stale { format!("{value} in {}", alert.period) } else { value }
}

/// Why the alert changed, unless its state says so.
fn change_reason(alert: &Alert) -> String {
    match alert.reason() {
        // The value says that the figure is missing.
        Reason::NoData | Reason::StaleData => String::new(),
        reason => wording::why(reason).to_owned(),
    }
}

/// Unit of an alert's figure. Empty for a measure that this version does not know.
fn alert_unit(alert: &Alert) -> &'static str {
    let measure = alert.subject.as_ref().map_or("", |subject| subject.measure.as_str());
    let name = measure.split('/').next().unwrap_or_default();
    name.parse::<Measure>().map_or("", |measure| measure.method().unit)
}

fn facts(entry: &AlertTold, alert: &Alert, unit: &str) -> Vec<(&'static str, String)> {
    let subject = alert.subject.clone().unwrap_or_default();
    let firing = alert.state() == AlertState::Firing;
    let fired = entry.fired_with.as_ref().map(|figure| {
        let cause = wording::cause(entry.fired_cause.as_ref());
        let cause = if cause.is_empty() { cause } else { format!(", {cause}") };
        format!("{} in {}{cause}", estimate(unit, Some(figure)), entry.fired_period)
    });
    let restated = entry.restated.as_ref().map(|restated| wording::restatement(restated, unit));
    let reason = alert.estimate.as_ref().map(|figure| figure.reason.clone()).unwrap_or_default();
    let facts = [
        (if firing { "value" } else { "ended with" }, value_with_period(alert, unit)),
        ("product", products_text(&alert.products)),
        ("market", size_text(alert.size.as_ref())),
        ("caveat", proxy_caveat(&subject.material, &alert.products)),
        ("changed", wording::at_transition(alert, unit)),
        ("because", change_reason(alert)),
        ("of the past", restated.unwrap_or_default()),
        ("not known", reason),
        ("found", alert.finding.clone()),
        ("sources", wording::sources(alert, unit)),
        ("fired with", fired.unwrap_or_default()),
        ("threshold", threshold(alert, unit)),
        ("over by", alert.margin.map(|margin| difference_in(unit, margin)).unwrap_or_default()),
        ("certainty", wording::certainty(alert).to_owned()),
        ("before", alert.previous.map(|previous| value_in(unit, previous)).unwrap_or_default()),
        ("measure", subject.measure),
        ("since", alert.pending_since.clone()),
        ("over in", alert.resolved_at.clone()),
        ("data", if alert.stale { "the newest period is missing".to_owned() } else { String::new() }),
        ("cause", wording::cause(alert.cause.as_ref())),
        ("acknowledged", acknowledged(entry)),
        ("owner", alert.owner.clone()),
    ];
    facts.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

fn acknowledged(entry: &AlertTold) -> String {
    let Some(acknowledgement) = &entry.acknowledgement else { return String::new() };
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

/// Link to the explanation of an alert: a URL if `public_url` is configured, a command otherwise.
fn explain_link(alert: &str, public_url: Option<&str>) -> Link {
    match public_url {
        Some(base) => Link::Url(format!("{base}/alerts/{alert}")),
        None => Link::Command(format!("orewatch alerts why {alert}")),
    }
}
