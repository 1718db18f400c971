//! E-mail over SMTP, with a text part and an HTML part of the same content.
//!
//! The chart of a series is made of table cells with a background, and is a sparkline in the text part.
//! Images would be attachments, which many mail programs hide, and would need descriptions. All programs show
//! table cells, Outlook included.
mod channel;

use std::path::Path;
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use orewatch_contracts::alerting::v1::{FailureKind, MailReceiver, MailSecurity, Notification};
use orewatch_contracts::text::is_hidden;
use orewatch_contracts::time::instant;

use crate::guard::{Guard, ResolveError};
use crate::http::read_certificates;
use crate::message::{AlertSummary, RenderedMessage, suppliers_line};
use crate::outcome::{Outcome, Refusal};
use crate::secret::Secrets;

/// Height of the chart, in pixels.
const CHART_HEIGHT_PX: f64 = 60.0;

/// The text part.
#[must_use]
pub fn plain_text(rendered: &RenderedMessage) -> String {
    rendered.plain_text()
}

/// The HTML part.
#[must_use]
pub fn html_body(rendered: &RenderedMessage) -> String {
    let mut html = String::from(
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"></head>\
         <body style=\"font-family:sans-serif;font-size:14px;color:#222\">",
    );
    if rendered.drill {
        html.push_str("<p style=\"background:#fde68a;padding:8px\"><b>DRILL</b> Nothing has happened.</p>");
    }
    html.push_str(&format!("<h2 style=\"font-size:18px\">{}</h2>", escape(&rendered.title)));
    for line in &rendered.lines {
        html.push_str(&format!("<p>{}</p>", escape(line)));
    }
    for summary in &rendered.alerts {
        html.push_str(&alert_html(summary));
    }
    html.push_str("</body></html>");
    html
}

fn alert_html(summary: &AlertSummary) -> String {
    let colour = if summary.firing { "#b91c1c" } else { "#15803d" };
    let mut html = format!(
        "<h3 style=\"font-size:15px;border-left:6px solid {colour};padding-left:8px\">{}</h3><p>{}</p>",
        escape(&summary.headline),
        escape(&summary.title)
    );
    html.push_str("<table cellpadding=\"2\" style=\"border-collapse:collapse\">");
    for (name, value) in &summary.facts {
        html.push_str(&fact_row(name, value));
    }
    if !summary.contributors.is_empty() {
        html.push_str(&fact_row("suppliers", &suppliers_line(&summary.contributors)));
    }
    html.push_str("</table>");
    html.push_str(&chart(summary));
    if !summary.text.is_empty() {
        html.push_str(&format!("<p>{}</p>", escape(&summary.text).replace('\n', "<br>")));
    }
    html.push_str(&match summary.link.url() {
        Some(url) => format!("<p><a href=\"{0}\">Why?</a></p>", escape(url)),
        None => format!("<p><code>{}</code></p>", escape(summary.link.text())),
    });
    html
}

fn fact_row(name: &str, value: &str) -> String {
    format!("<tr><td style=\"color:#666\">{}</td><td>{}</td></tr>", escape(name), escape(value))
}

/// The series as bars, each with its figure as tooltip and for screen readers. A dash marks a missing figure.
fn chart(summary: &AlertSummary) -> String {
    let max = summary.max_value();
    if summary.series.is_empty() {
        return String::new();
    }
    let mut bars = String::new();
    let mut periods = String::new();
    for (period, value, figure) in &summary.series {
        let height = value
            .filter(|value| max > 0.0 && value.is_finite())
            .map_or(1.0, |value| (value / max * CHART_HEIGHT_PX).max(1.0));
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
            escape(figure)
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

/// Escapes a text for HTML and XML.
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
            // XML and HTML do not permit these even as numeric references.
            hidden if is_hidden(hidden) => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Builds the e-mail. Its `Message-ID` is the identifier of the message, so that mailboxes recognise a
/// repeated one.
///
/// # Errors
/// What is wrong with the sender or the recipients.
pub fn build_mail(
    receiver: &MailReceiver,
    message: &Notification,
    rendered: &RenderedMessage,
) -> Result<Message, String> {
    let mailbox =
        |text: &String| text.parse::<Mailbox>().map_err(|error| format!("{text} is not an address: {error}"));
    let from = mailbox(&receiver.from)?;
    let domain = from.email.domain().to_owned();
    let planned = message.planned_at.as_ref().and_then(instant).unwrap_or_default();
    let seconds = u64::try_from(planned.as_second()).unwrap_or_default();
    let mut mail = Message::builder()
        .from(from)
        .message_id(Some(format!("<{}@{domain}>", message.id)))
        .date(std::time::UNIX_EPOCH + Duration::from_secs(seconds))
        .subject(rendered.title.clone())
        .header(AutoSubmitted);
    for to in &receiver.to {
        mail = mail.to(mailbox(to)?);
    }
    // A reference that all messages of a group share makes them one thread.
    let thread = format!("<{}.{}@{domain}>", hex_token(&message.subscription), hex_token(&message.group));
    mail = mail.references(thread);
    let parts = MultiPart::alternative_plain_html(plain_text(rendered), html_body(rendered));
    mail.multipart(parts).map_err(|error| format!("cannot build the e-mail: {error}"))
}

/// A text as a token that may be part of a `Message-ID`.
fn hex_token(text: &str) -> String {
    text.bytes().fold(String::from("g"), |hex, byte| format!("{hex}{byte:02x}"))
}

/// Header that asks for no automatic replies, such as absence notes.
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
/// A [`Refusal`] if it is not accepted.
pub async fn send(
    guard: &Guard,
    secrets: &Secrets,
    ca: Option<&Path>,
    receiver: &MailReceiver,
    message: &Notification,
    rendered: &RenderedMessage,
    timeout: Duration,
) -> Result<Outcome, Refusal> {
    let mail =
        build_mail(receiver, message, rendered).map_err(|error| Refusal::new(FailureKind::Client, error))?;
    let (host, port) = parse_server(&receiver.server).map_err(Refusal::configuration)?;
    let protected = receiver.security() != MailSecurity::None;
    let found = guard.resolve(&host, port, protected).await.map_err(|error| match error {
        ResolveError::Unresolved(text) => Refusal::connection(text),
        ResolveError::Refused(text) => Refusal::configuration(text),
    })?;
    let address = found.first().ok_or_else(|| Refusal::connection("the server has no address"))?;
    let tls = tls_settings(receiver.security(), &host, ca).map_err(Refusal::configuration)?;
    // Connects to the address that was checked; the certificate has to be for the name.
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
        .port(port)
        .tls(tls)
        // Many servers require a name with a domain; the sender's domain is known.
        .hello_name(ClientId::Domain(sender_domain(receiver)))
        .timeout(Some(timeout));
    let password = receiver.password.as_ref().map(|password| secrets.read(password)).transpose();
    let password = password.map_err(Refusal::configuration)?;
    if let Some(password) = &password {
        transport =
            transport.credentials(Credentials::new(receiver.user.clone(), password.expose().to_owned()));
    }
    let redact =
        |text: &str| password.as_ref().map_or_else(|| text.to_owned(), |password| password.scrub(text));
    match transport.build::<Tokio1Executor>().send(mail).await {
        Ok(answer) => {
            let lines: Vec<&str> = answer.message().collect();
            Ok(Outcome::Taken(crate::outcome::shorten(&format!("{} {}", answer.code(), lines.join(" ")))))
        }
        Err(error) => Err(classify_error(&error, redact)),
    }
}

/// Domain of the sender.
fn sender_domain(receiver: &MailReceiver) -> String {
    let from = receiver.from.parse::<Mailbox>();
    from.map_or_else(|_| "localhost".to_owned(), |from| from.email.domain().to_owned())
}

/// Classifies an SMTP error: 4xx is temporary, 53x concerns the login, other 5xx the message.
fn classify_error(error: &lettre::transport::smtp::Error, redact: impl Fn(&str) -> String) -> Refusal {
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
    Refusal::new(kind, redact(&text))
}

fn tls_settings(security: MailSecurity, host: &str, ca: Option<&Path>) -> Result<Tls, String> {
    let setup_error = |error: lettre::transport::smtp::Error| format!("cannot set up TLS: {error}");
    let parameters = || {
        let mut parameters = TlsParameters::builder(host.to_owned());
        for certificate in ca.map(read_certificates).transpose()?.unwrap_or_default() {
            parameters = parameters
                .add_root_certificate(Certificate::from_der(certificate.to_vec()).map_err(setup_error)?);
        }
        parameters.build_rustls().map_err(setup_error)
    };
    Ok(match security {
        MailSecurity::Unspecified => Tls::Required(parameters()?),
        MailSecurity::Tls => Tls::Wrapper(parameters()?),
        MailSecurity::None => Tls::None,
    })
}

/// Parses host and port of a server.
///
/// # Errors
/// What is wrong.
pub fn parse_server(text: &str) -> Result<(String, u16), String> {
    let wrong = || format!("{text:?} is not HOST:PORT");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port: u16 = port.parse().map_err(|_| wrong())?;
    let is_name =
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte));
    if is_name && port > 0 { Ok((host.to_owned(), port)) } else { Err(wrong()) }
}
