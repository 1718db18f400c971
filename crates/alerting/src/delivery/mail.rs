//! Mail over SMTP: a text and an HTML part that say the same.
//!
//! The chart of a series is made of table cells with a background, and stands in the text as a sparkline. Pictures would be
//! attachments that many programs hide or ask about, need a description for who cannot see them, and weigh more than the rest;
//! cells are shown by all of them, Outlook included, and can be read and copied.
use std::path::Path;
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use orewatch_contracts::alerting::v1::{FailureKind, MailReceiver, MailSecurity, Notification};
use orewatch_contracts::text::is_hidden;

use super::evolve::instant;
use super::guard::{Guard, Trouble};
use super::http::certificates;
use super::message::{Story, Telling, suppliers};
use super::outcome::{Outcome, Refusal};
use super::secret::Secrets;

/// Height of the chart in pixels.
const HEIGHT: f64 = 60.0;

/// The text part.
#[must_use]
pub fn text(telling: &Telling) -> String {
    telling.text()
}

/// The HTML part.
#[must_use]
pub fn html(telling: &Telling) -> String {
    let mut html = String::from(
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"></head><body style=\"font-family:sans-serif;font-size:14px;color:#222\">",
    );
    if telling.drill {
        html.push_str("<p style=\"background:#fde68a;padding:8px\"><b>DRILL</b> Nothing has happened.</p>");
    }
    html.push_str(&format!("<h2 style=\"font-size:18px\">{}</h2>", escape(&telling.title)));
    for line in &telling.lines {
        html.push_str(&format!("<p>{}</p>", escape(line)));
    }
    for story in &telling.stories {
        html.push_str(&of_story(story));
    }
    html.push_str("</body></html>");
    html
}

fn of_story(story: &Story) -> String {
    let colour = if story.firing { "#b91c1c" } else { "#15803d" };
    let mut html = format!(
        "<h3 style=\"font-size:15px;border-left:6px solid {colour};padding-left:8px\">{}</h3><p>{}</p>",
        escape(&story.headline),
        escape(&story.title)
    );
    html.push_str("<table cellpadding=\"2\" style=\"border-collapse:collapse\">");
    for (name, value) in &story.facts {
        html.push_str(&row(name, value));
    }
    if !story.contributors.is_empty() {
        html.push_str(&row("suppliers", &suppliers(&story.contributors)));
    }
    html.push_str("</table>");
    html.push_str(&chart(story));
    if !story.text.is_empty() {
        html.push_str(&format!("<p>{}</p>", escape(&story.text).replace('\n', "<br>")));
    }
    html.push_str(&match story.link.url() {
        Some(url) => format!("<p><a href=\"{0}\">Why?</a></p>", escape(url)),
        None => format!("<p><code>{}</code></p>", escape(story.link.text())),
    });
    html
}

fn row(name: &str, value: &str) -> String {
    format!("<tr><td style=\"color:#666\">{}</td><td>{}</td></tr>", escape(name), escape(value))
}

/// The series as bars, each with its figure for who points at it or has it read out; a dash where there is none.
fn chart(story: &Story) -> String {
    let most = story.highest();
    if story.series.is_empty() {
        return String::new();
    }
    let mut bars = String::new();
    let mut periods = String::new();
    for (period, value, told) in &story.series {
        let height = value
            .filter(|value| most > 0.0 && value.is_finite())
            .map_or(1.0, |value| (value / most * HEIGHT).max(1.0));
        let bar = if value.is_some() {
            format!(
                "<div style=\"width:24px;height:{height:.0}px;background:#3b82f6;font-size:1px\">&nbsp;</div>"
            )
        } else {
            "&ndash;".to_owned()
        };
        bars.push_str(&format!(
            "<td valign=\"bottom\" align=\"center\" title=\"{0}: {1}\" aria-label=\"{0}: {1}\">{bar}</td>",
            escape(period),
            escape(told)
        ));
        periods.push_str(&format!(
            "<td align=\"center\" style=\"font-size:10px;color:#666\">{}</td>",
            escape(period)
        ));
    }
    format!(
        "<table cellpadding=\"2\" cellspacing=\"0\" role=\"img\"><tr>{bars}</tr><tr>{periods}</tr></table>"
    )
}

/// A text as HTML and XML take it.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(letter),
            // Not even by number do XML and HTML take these.
            hidden if is_hidden(hidden) => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The mail. Its `Message-ID` is the identifier of the message, so that a mailbox recognises it when it comes again.
///
/// # Errors
/// What is wrong with sender or recipients.
pub fn mail(receiver: &MailReceiver, message: &Notification, telling: &Telling) -> Result<Message, String> {
    let mailbox =
        |text: &String| text.parse::<Mailbox>().map_err(|error| format!("{text} is no address: {error}"));
    let from = mailbox(&receiver.from)?;
    let domain = from.email.domain().to_owned();
    let planned = message.planned_at.as_ref().and_then(instant).unwrap_or_default();
    let seconds = u64::try_from(planned.as_second()).unwrap_or_default();
    let mut mail = Message::builder()
        .from(from)
        .message_id(Some(format!("<{}@{domain}>", message.id)))
        .date(std::time::UNIX_EPOCH + Duration::from_secs(seconds))
        .subject(telling.title.clone())
        .header(AutoSubmitted);
    for to in &receiver.to {
        mail = mail.to(mailbox(to)?);
    }
    // Replies and later messages of a group stand together.
    let thread = format!("<{}.{}@{domain}>", hex(&message.subscription), hex(&message.group));
    mail = mail.references(thread);
    let parts = MultiPart::alternative_plain_html(text(telling), html(telling));
    mail.multipart(parts).map_err(|error| format!("the mail cannot be made: {error}"))
}

/// A text as letters that an identifier may have.
fn hex(text: &str) -> String {
    text.bytes().fold(String::from("g"), |hex, byte| format!("{hex}{byte:02x}"))
}

/// That nobody is to answer it by himself, such as with a note of absence.
#[derive(Clone, Debug)]
struct AutoSubmitted;

impl header::Header for AutoSubmitted {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> header::HeaderValue {
        header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Sends a message.
///
/// # Errors
/// A [`Refusal`] if it is not taken.
pub async fn send(
    guard: &Guard,
    secrets: &Secrets,
    ca: Option<&Path>,
    receiver: &MailReceiver,
    message: &Notification,
    telling: &Telling,
    timeout: Duration,
) -> Result<Outcome, Refusal> {
    let mail = mail(receiver, message, telling).map_err(|error| Refusal::new(FailureKind::Client, error))?;
    let (host, port) = server(&receiver.server).map_err(Refusal::configuration)?;
    let protected = receiver.security() != MailSecurity::None;
    let found = guard.resolve(&host, port, protected).await.map_err(|trouble| match trouble {
        Trouble::Unknown(text) => Refusal::connection(text),
        Trouble::Refused(text) => Refusal::configuration(text),
    })?;
    let address = found.first().ok_or_else(|| Refusal::connection("the server has no address"))?;
    let tls = tls(receiver.security(), &host, ca).map_err(Refusal::configuration)?;
    // To the address that was checked, whose certificate has to be the name's.
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
        .port(port)
        .tls(tls)
        // Many servers want a name with a domain; the sender's is the one that is known.
        .hello_name(ClientId::Domain(domain(receiver)))
        .timeout(Some(timeout));
    let password = receiver.password.as_ref().map(|password| secrets.read(password)).transpose();
    let password = password.map_err(Refusal::configuration)?;
    if let Some(password) = &password {
        transport =
            transport.credentials(Credentials::new(receiver.user.clone(), password.expose().to_owned()));
    }
    let hide =
        |text: &str| password.as_ref().map_or_else(|| text.to_owned(), |password| password.scrub(text));
    match transport.build::<Tokio1Executor>().send(mail).await {
        Ok(answer) => {
            let said: Vec<&str> = answer.message().collect();
            Ok(Outcome::Taken(super::outcome::short(&format!("{} {}", answer.code(), said.join(" ")))))
        }
        Err(error) => Err(refusal(&error, hide)),
    }
}

/// Domain of the sender.
fn domain(receiver: &MailReceiver) -> String {
    let from = receiver.from.parse::<Mailbox>();
    from.map_or_else(|_| "localhost".to_owned(), |from| from.email.domain().to_owned())
}

/// What an error means: 4xx is a matter of time, 53x of who we are, other 5xx of the message.
fn refusal(error: &lettre::transport::smtp::Error, hide: impl Fn(&str) -> String) -> Refusal {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    let kind = match error.status().map(|code| code.to_string()) {
        Some(code) if matches!(code.as_str(), "530" | "534" | "535" | "538") => FailureKind::Authorization,
        Some(code) if matches!(code.as_str(), "421" | "450" | "451" | "452") => FailureKind::RateLimited,
        Some(_) if error.is_permanent() => FailureKind::Client,
        Some(_) => FailureKind::Server,
        None if error.is_client() => FailureKind::Configuration,
        None => FailureKind::Connection,
    };
    Refusal::new(kind, hide(&text))
}

fn tls(security: MailSecurity, host: &str, ca: Option<&Path>) -> Result<Tls, String> {
    let unset = |error: lettre::transport::smtp::Error| format!("TLS cannot be set up: {error}");
    let parameters = || {
        let mut parameters = TlsParameters::builder(host.to_owned());
        for certificate in ca.map(certificates).transpose()?.unwrap_or_default() {
            parameters =
                parameters.add_root_certificate(Certificate::from_der(certificate.to_vec()).map_err(unset)?);
        }
        parameters.build_rustls().map_err(unset)
    };
    Ok(match security {
        MailSecurity::Unspecified => Tls::Required(parameters()?),
        MailSecurity::Tls => Tls::Wrapper(parameters()?),
        MailSecurity::None => Tls::None,
    })
}

/// Host and port of a server.
///
/// # Errors
/// A text for people.
pub fn server(text: &str) -> Result<(String, u16), String> {
    let wrong = || format!("{text:?} is not HOST:PORT");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port: u16 = port.parse().map_err(|_| wrong())?;
    let is_name =
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte));
    if is_name && port > 0 { Ok((host.to_owned(), port)) } else { Err(wrong()) }
}
