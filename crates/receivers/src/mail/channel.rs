//! [`Channel`] of e-mail: YAML form, checks, and sending.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{MailReceiver, MailSecurity, Notification, Receiver, SecretReference};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::channel::{Attempt, Channel};
use crate::context::{ChannelContext, unreadable_secret};
use crate::entry::Secret;
use crate::invalid::invalid_receiver;
use crate::message::RenderedMessage;
use crate::outcome::{Outcome, Refusal};

use super::{parse_server, plain_text, send};

/// Upper bound on the recipients of a message.
const MAX_RECIPIENTS: usize = 50;

/// E-mail.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Host and port of the SMTP server.
    server: String,
    /// Encryption of the connection. Default: starttls.
    security: Option<Security>,
    /// Sender.
    from: String,
    /// Recipients, 1 to 50.
    to: Vec<String>,
    /// User name, for a login.
    #[serde(default)]
    user: String,
    /// Password, for a login.
    password: Option<Secret>,
}

/// Encryption of the connection to a mail server.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Security {
    /// STARTTLS; nothing is sent without it.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// No encryption; only for private networks in `allow-private`.
    None,
}

impl Channel for MailReceiver {
    type Entry = Mail;

    fn read(entry: Mail) -> Result<Self, Failure> {
        let security = match entry.security {
            None | Some(Security::Starttls) => MailSecurity::Unspecified,
            Some(Security::Tls) => MailSecurity::Tls,
            Some(Security::None) => MailSecurity::None,
        };
        let password = entry.password.map(|password| password.into_reference("mail.password")).transpose()?;
        let Mail { server, from, to, user, .. } = entry;
        Ok(Self { server, security: security.into(), from, to, user, password })
    }

    fn check(&self, _: &Receiver, context: &ChannelContext<'_>) -> Result<(), Failure> {
        parse_server(&self.server).map_err(|error| {
            invalid_receiver(
                "mail.server",
                &self.server,
                error,
                "write host and port, such as mail.example.org:587",
            )
        })?;
        check_mailbox("mail.from", &self.from)?;
        if self.to.is_empty() || self.to.len() > MAX_RECIPIENTS {
            let count = self.to.len().to_string();
            let hint = "give 1 to 50 recipients";
            return Err(invalid_receiver("mail.to", count, "the number of recipients is wrong", hint));
        }
        for (k, to) in self.to.iter().enumerate() {
            check_mailbox(&format!("mail.to[{k}]"), to)?;
        }
        if self.user.is_empty() != self.password.is_none() {
            let hint = "give both of them or neither";
            return Err(invalid_receiver("mail.user", &self.user, "give user and password together", hint));
        }
        self.password
            .as_ref()
            .map_or(Ok(()), |password| context.check_secret("mail.password", Some(password)))
    }

    async fn approve(&self, context: &ChannelContext<'_>) -> Result<(), Failure> {
        // A password may be any text.
        context.check_secret_exists("mail.password", self.password.as_ref())?;
        let (host, port) =
            parse_server(&self.server).map_err(|error| unreadable_secret("mail.server", error))?;
        context.check_host("mail.server", &host, port, self.security() != MailSecurity::None).await
    }

    async fn send(&self, attempt: &Attempt<'_>, context: &ChannelContext<'_>) -> Result<Outcome, Refusal> {
        let Attempt { message, rendered, timeout, .. } = *attempt;
        send(context.guard, &context.secrets, context.ca, self, message, rendered, timeout).await
    }

    fn body(&self, _: &Receiver, _: &Notification, rendered: &RenderedMessage) -> String {
        plain_text(rendered)
    }

    fn describe_destination(&self, _: &Receiver) -> String {
        format!("{} by {}", self.to.join(", "), self.server)
    }

    fn secrets(&self) -> Vec<&SecretReference> {
        self.password.iter().collect()
    }
}

fn check_mailbox(field: &str, text: &str) -> Result<(), Failure> {
    let read = text.parse::<lettre::message::Mailbox>();
    read.map(drop).map_err(|error| {
        invalid_receiver(
            field,
            text,
            format!("this is not an e-mail address: {error}"),
            "write NAME@HOST, or \"Name\" <NAME@HOST>",
        )
    })
}
