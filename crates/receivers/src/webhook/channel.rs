//! [`Channel`] of webhooks: YAML form, checks, and sending.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{
    Notification, Receiver, SecretReference, Signature, SigningKey, WebhookReceiver,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::channel::{Attempt, Channel};
use crate::context::{ChannelContext, unusable_secret};
use crate::entry::Secret;
use crate::invalid::invalid_receiver;
use crate::message::RenderedMessage;
use crate::outcome::{Outcome, Refusal};
use crate::secret::describe_location;
use crate::signature;

use super::{body, send};

/// Upper bound on the keys of a receiver. Several are needed while keys are replaced.
const MAX_KEYS: usize = 3;

/// A signed POST of JSON.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// URL.
    url: String,
    /// Keys, 1 to 3, the newest first.
    keys: Vec<Key>,
}

/// A key that signs messages.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Key {
    /// Environment variable of the service; its name begins with `RECEIVER_`.
    environment: Option<String>,
    /// File below the service's secrets directory.
    file: Option<String>,
    /// Signature scheme. Default: hmac-sha256.
    signature: Option<Signing>,
}

/// Signature scheme.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Signing {
    /// HMAC with SHA-256; the secret is `whsec_...`.
    HmacSha256,
    /// Ed25519; the secret is `whsk_...`.
    Ed25519,
}

impl Key {
    fn into_key(self, field: &str) -> Result<SigningKey, Failure> {
        let secret = Secret { environment: self.environment, file: self.file };
        let signature = match self.signature {
            None | Some(Signing::HmacSha256) => Signature::HmacSha256,
            Some(Signing::Ed25519) => Signature::Ed25519,
        };
        Ok(SigningKey { secret: Some(secret.into_reference(field)?), signature: signature.into() })
    }
}

impl Channel for WebhookReceiver {
    type Entry = Webhook;

    fn read(entry: Webhook) -> Result<Self, Failure> {
        let keys = entry.keys.into_iter().enumerate();
        let keys = keys.map(|(k, key)| key.into_key(&format!("webhook.keys[{k}]")));
        Ok(Self { url: entry.url, keys: keys.collect::<Result<_, Failure>>()? })
    }

    fn check(&self, _: &Receiver, context: &ChannelContext<'_>) -> Result<(), Failure> {
        context.check_url("webhook.url", &self.url)?;
        if self.keys.is_empty() || self.keys.len() > MAX_KEYS {
            let count = self.keys.len().to_string();
            let hint = "give 1 to 3 keys, the newest first";
            return Err(invalid_receiver("webhook.keys", count, "the number of keys is wrong", hint));
        }
        let mut keys = self.keys.iter().enumerate();
        keys.try_for_each(|(k, key)| context.check_secret(&format!("webhook.keys[{k}]"), key.secret.as_ref()))
    }

    async fn approve(&self, context: &ChannelContext<'_>) -> Result<(), Failure> {
        for (k, key) in self.keys.iter().enumerate() {
            let reference = key.secret.clone().unwrap_or_default();
            let secret = context.read_secret("webhook.keys", &reference)?;
            signature::Key::from_secret(&secret, key.signature()).map_err(|error| {
                unusable_secret(&format!("webhook.keys[{k}]"), &describe_location(&reference), &error)
            })?;
        }
        context.check_reachable("webhook.url", &self.url).await
    }

    async fn send(&self, attempt: &Attempt<'_>, context: &ChannelContext<'_>) -> Result<Outcome, Refusal> {
        let Attempt { message, rendered, now, .. } = *attempt;
        send(context.http, &context.secrets, self, message, rendered, now).await
    }

    fn body(&self, _: &Receiver, message: &Notification, rendered: &RenderedMessage) -> String {
        body(message, rendered)
    }

    fn describe_destination(&self, _: &Receiver) -> String {
        self.url.clone()
    }

    fn secrets(&self) -> Vec<&SecretReference> {
        self.keys.iter().filter_map(|key| key.secret.as_ref()).collect()
    }
}
