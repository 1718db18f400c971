//! New keys for everyone who connects to NATS, as Secrets for Kubernetes. `deploy/overlays/production` names
//! them.
use nkeys::KeyPair;
use orewatch_contracts::Failure;
use orewatch_eventlog::jetstream::Identity;

/// Secret with what the servers know: the public keys, and the password of the routes between servers.
const KNOWN: &str = "nats-keys";

/// Secrets with a new key for each identity: `nats-keys` for the servers, and `nkey-NAME` with the seed that
/// NAME logs in with. Each call makes others.
///
/// # Errors
/// A key without a seed, which does not happen.
pub(super) fn secrets(identities: &[Identity]) -> Result<String, Failure> {
    let (mut known, mut seeds) = (String::new(), String::new());
    for Identity { name, .. } in identities {
        let key = KeyPair::new_user();
        let seed =
            key.seed().map_err(|error| Failure::internal(format!("a new key has no seed: {error}")))?;
        known += &format!("  {name}: {}\n", key.public_key());
        seeds += &secret(&format!("nkey-{name}"), &format!("  seed: {seed}\n"));
    }
    // The public key of a seed that nobody keeps is a good password.
    known += &format!("  routes: {}\n", KeyPair::new_user().public_key());
    Ok(secret(KNOWN, &known) + &seeds)
}

/// A Secret with some lines of data.
fn secret(name: &str, lines: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  labels:\n    \
         app.kubernetes.io/part-of: orewatch\nstringData:\n{lines}"
    )
}
