//! Credentials of callers: which are accepted, and why others are not.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::alerting_service_client::AlertingServiceClient;
use orewatch_contracts::alerting::v1::{ListRulesRequest, RemoveRuleRequest};
use orewatch_contracts::{Class, Failure};
use orewatch_runtime::{Access, ClientTls, Clock, Running, ServerTls, ServerTlsFiles, SystemClock, client};
use orewatch_testkit::{Authority, TokenSigner, Validity, published_keys, unsigned_token};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::tls::{StandingClock, start, write};

/// The present, for servers and tokens.
const NOW: &str = "2026-06-01T12:00:00Z";

const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
const AUDIENCE: &str = "orewatch-of-the-desk";
const SUBJECT: &str = "system:serviceaccount:minerals:dashboard";

/// What the access file permits. KEYS stands for the place of the keys.
const ACCESS: &str = r#"
[[issuer]]
name = "cluster"
issuer = "https://kubernetes.default.svc.cluster.local"
audiences = ["orewatch-of-the-desk"]
keys = "KEYS"

[[subject]]
issuer = "cluster"
subject = "system:serviceaccount:minerals:dashboard"
name = "dashboard"
roles = ["reader"]

[[subject]]
issuer = "cluster"
subject = "system:serviceaccount:operations:*"
roles = ["operator"]
tenants = ["*"]

[[subject]]
issuer = "cluster"
claim = "groups"
value = "analysts"
roles = ["analyst"]
tenants = ["acme"]

[[certificate]]
uri = "spiffe://cluster/ns/minerals/sa/console"
name = "console"
roles = ["reader"]
"#;

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(StandingClock(now()))
}

fn access(dir: &TempDir, keys: &str) -> Result<Access, Failure> {
    let path = write(dir.path(), "access.toml", &ACCESS.replace("KEYS", keys));
    Access::open().with_access_file(&path, &clock())
}

/// A server that accepts tokens of an issuer with these signers.
async fn serve(dir: &TempDir, signers: &[&TokenSigner]) -> Running {
    write(dir.path(), "keys.json", &published_keys(signers));
    start(access(dir, "keys.json").unwrap(), clock()).await.unwrap()
}

/// Claims as Kubernetes writes them into the projected token of a service account, with changes.
fn claims(change: impl FnOnce(&mut Value)) -> Value {
    let second = now().as_second();
    let mut claims = json!({
        "aud": [AUDIENCE],
        "exp": second + 3_607,
        "iat": second,
        "iss": ISSUER,
        "jti": "8f6e0b0e-9f5b-4f6e-8d2a-1b8c2f3e4d5a",
        "kubernetes.io": {
            "namespace": "minerals",
            "node": {"name": "node-1", "uid": "b0d5b7a2-9c1e-4f1f-9a53-0d7a1f7f3f10"},
            "pod": {"name": "dashboard-0", "uid": "2a9c2c0b-51d0-4c57-8d4a-79b55a0b8a61"},
            "serviceaccount": {"name": "dashboard", "uid": "d1c2c8d7-3b5e-47d1-8a53-6a3f0e7a9b21"}
        },
        "nbf": second,
        "sub": SUBJECT
    });
    change(&mut claims);
    claims
}

async fn rules(running: &Running) -> AlertingServiceClient<Channel> {
    AlertingServiceClient::new(client::connect(&format!("http://{}", running.address())).await.unwrap())
}

fn with_token<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    if !token.is_empty() {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    request
}

/// Makes a call that any role may make. There is no such service: a caller that is accepted learns that.
async fn list(client: &mut AlertingServiceClient<Channel>, token: &str) -> Result<(), Status> {
    match client.list_rules(with_token(ListRulesRequest::default(), token)).await.unwrap_err() {
        status if status.code() == Code::Unimplemented => Ok(()),
        status => Err(status),
    }
}

/// The same with a call that takes the role of an analyst.
async fn remove(client: &mut AlertingServiceClient<Channel>, token: &str) -> Result<(), Code> {
    match client.remove_rule(with_token(RemoveRuleRequest::default(), token)).await.unwrap_err().code() {
        Code::Unimplemented => Ok(()),
        code => Err(code),
    }
}

#[tokio::test]
async fn tokens_of_each_kind_of_signature_are_accepted() {
    let dir = TempDir::new().unwrap();
    let signers = [TokenSigner::rs256("one"), TokenSigner::es256("two"), TokenSigner::ed25519("three")];
    let running = serve(&dir, &signers.each_ref()).await;
    let mut client = rules(&running).await;
    for signer in &signers {
        list(&mut client, &signer.sign(&claims(|_| ()))).await.unwrap();
    }
    let leeway = claims(|claims| claims["exp"] = json!(now().as_second() - 60));
    list(&mut client, &signers[0].sign(&leeway)).await.unwrap();
    running.stop().await.unwrap();
}

#[tokio::test]
async fn subjects_and_claims_have_the_roles_of_the_access_file() {
    let dir = TempDir::new().unwrap();
    let signer = TokenSigner::es256("one");
    let running = serve(&dir, &[&signer]).await;
    let mut client = rules(&running).await;
    let about = |subject: &str, groups: Value| {
        signer.sign(&claims(|claims| {
            claims["sub"] = json!(subject);
            claims["groups"] = groups;
        }))
    };
    for (token, may_remove) in [
        (about(SUBJECT, json!("analysts")), false),
        (about("ann", json!(["readers", "analysts"])), true),
        (about("system:serviceaccount:operations:setup", json!(null)), true),
    ] {
        list(&mut client, &token).await.unwrap();
        let expected = if may_remove { Ok(()) } else { Err(Code::PermissionDenied) };
        assert_eq!(remove(&mut client, &token).await, expected);
    }
    running.stop().await.unwrap();
}

/// Tokens that are refused: what is wrong with each, and what its owner reads.
fn bad_tokens(signer: &TokenSigner) -> Vec<(&'static str, String, &'static str)> {
    let (stranger, same_name) = (TokenSigner::es256("two"), TokenSigner::es256("one"));
    let second = now().as_second();
    let signed = |change: fn(&mut Value)| signer.sign(&claims(change));
    let whole = signed(|_| ());
    vec![
        ("nothing", String::new(), "asks for a token"),
        ("an unknown token", "0123456789abcdef".to_owned(), "not known"),
        ("a damaged token", whole[..whole.len() / 2].to_owned() + ".x.y", "not known"),
        ("no header", format!("eyJ9.{}", whole.split_once('.').unwrap().1), "no JSON Web Token"),
        ("no signature", unsigned_token(&claims(|_| ())), "is not signed"),
        ("a shared secret", signer.sign_with_public_key(&claims(|_| ())), "shared secret"),
        (
            "another algorithm",
            signer.sign_with_header(&json!({"alg": "PS256"}), &claims(|_| ())),
            "not accepted",
        ),
        ("an unknown key", stranger.sign(&claims(|_| ())), "publishes no key \"two\""),
        ("another key of this name", same_name.sign(&claims(|_| ())), "publishes no key"),
        ("a changed token", tampered(&whole), "signature of this token is wrong"),
        (
            "another issuer",
            signed(|claims| claims["iss"] = json!("https://other.example")),
            "https://other.example",
        ),
        ("no issuer", signed(|claims| claims["iss"] = json!(null)), "does not accept tokens of the issuer"),
        ("another audience", signed(|claims| claims["aud"] = json!(["vault"])), "is for vault"),
        ("no audience", signed(|claims| claims["aud"] = json!(null)), "names no audience"),
        ("no expiry", signed(without_expiry), "no time of expiry"),
        ("a wrong expiry", signed(|claims| claims["exp"] = json!("soon")), "no JSON Web Token"),
        ("no subject", signed(|claims| claims["sub"] = json!("")), "names nobody"),
        ("a subject without roles", signed(|claims| claims["sub"] = json!("mallory")), "mallory"),
        (
            "expired",
            signer.sign(&claims(|claims| claims["exp"] = json!(second - 61))),
            "expired at 2026-06-01T11:58:59Z",
        ),
        (
            "not yet valid",
            signer.sign(&claims(|claims| claims["nbf"] = json!(second + 61))),
            "valid from 2026-06-01T12:01:01Z",
        ),
        ("of the future", signer.sign(&claims(|claims| claims["iat"] = json!(second + 61))), "valid from"),
    ]
}

#[tokio::test]
async fn every_bad_token_is_refused_with_a_reason_for_its_owner() {
    let dir = TempDir::new().unwrap();
    let signer = TokenSigner::rs256("one");
    let running = serve(&dir, &[&signer, &TokenSigner::ed25519("three")]).await;
    let mut client = rules(&running).await;
    for (what, token, word) in bad_tokens(&signer) {
        let status = list(&mut client, &token).await.expect_err(what);
        let failure = Failure::from(status.clone());
        assert_eq!(
            (status.code(), failure.code.as_str()),
            (Code::Unauthenticated, "unauthenticated"),
            "{what}"
        );
        assert!(failure.message.contains(word), "{what}: {failure}");
        // Only who shows a token of the issuer learns what this service expects.
        let is_proven = ["another audience", "no audience"].contains(&what);
        assert_eq!(failure.to_string().contains(AUDIENCE), is_proven, "{what}: {failure}");
        for secret in ["cluster\"", "minerals", "operations", "analysts"] {
            assert!(!failure.to_string().contains(secret), "{what}: {failure}");
        }
    }
    list(&mut client, &signer.sign(&claims(|_| ()))).await.unwrap();
    running.stop().await.unwrap();
}

fn without_expiry(claims: &mut Value) {
    claims.as_object_mut().unwrap().remove("exp");
}

/// A token with another subject and the signature of the first.
fn tampered(token: &str) -> String {
    let parts: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let other = TokenSigner::ed25519("one").sign(&claims(|claims| claims["sub"] = json!("mallory")));
    format!("{}.{}.{}", parts[0], other.split('.').nth(1).unwrap(), parts[2])
}

#[tokio::test]
async fn a_service_does_not_start_without_the_keys_of_its_issuers() {
    let dir = TempDir::new().unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    write(dir.path(), "damaged.json", "{");
    for keys in ["missing.json".to_owned(), "damaged.json".to_owned(), format!("http://{closed}/keys")] {
        let failure = start(access(&dir, &keys).unwrap(), clock()).await.unwrap_err();
        assert_eq!(
            (failure.class, failure.code.as_str()),
            (Class::Unavailable, "keys-unavailable"),
            "{keys}"
        );
        assert!(failure.value.contains(keys.trim_start_matches("http://")), "{failure}");
    }
}

/// Publishes keys over HTTP. Returns the address, and counts the requests.
async fn publish(document: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/openid/v1/jwks", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 4_096];
            let _read = stream.read(&mut head).await;
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/jwk-set+json\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{document}",
                document.len()
            );
            let _written = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, count)
}

#[tokio::test]
async fn invented_keys_do_not_make_the_service_ask_the_issuer_again_and_again() {
    let dir = TempDir::new().unwrap();
    let (signer, stranger) = (TokenSigner::es256("one"), TokenSigner::es256("two"));
    let (address, count) = publish(published_keys(&[&signer])).await;
    let running = start(access(&dir, &address).unwrap(), clock()).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 1);
    let client = rules(&running).await;
    let token = stranger.sign(&claims(|_| ()));
    let calls = (0..50).map(|_| {
        let (mut client, token) = (client.clone(), token.clone());
        tokio::spawn(async move { list(&mut client, &token).await.unwrap_err().code() })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), Code::Unauthenticated);
    }
    assert_eq!(count.load(Ordering::SeqCst), 2, "one more than at the start");
    list(&mut client.clone(), &signer.sign(&claims(|_| ()))).await.unwrap();
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_certificate_says_who_calls_unless_a_token_does() {
    let dir = TempDir::new().unwrap();
    let (signer, authority) = (TokenSigner::es256("one"), Authority::new("ours"));
    let ca = write(dir.path(), "ca.pem", authority.pem());
    write(dir.path(), "keys.json", &published_keys(&[&signer]));
    let (certificate, key) =
        authority.issue(&["localhost", "127.0.0.1"], Validity::Now).mount(&dir.path().join("server"));
    let files =
        ServerTlsFiles { certificate, key, client_ca: Some(ca.clone()), requires_client_certificate: false };
    let tls = ServerTls::read(files, clock()).unwrap();
    let running = start(access(&dir, "keys.json").unwrap().with_tls(tls), clock()).await.unwrap();
    let address = format!("https://{}", running.address());
    let caller = async |name: &str, names: &[&str]| {
        let pair = authority.issue(names, Validity::Now).mount(&dir.path().join(name));
        let tls = ClientTls::new(Some(ca.clone()), Some(pair), Arc::new(SystemClock));
        AlertingServiceClient::new(client::connect_with(&address, &tls).await.unwrap())
    };
    let mut console = caller("console", &["spiffe://cluster/ns/minerals/sa/console"]).await;
    list(&mut console, "").await.unwrap();
    assert_eq!(remove(&mut console, "").await, Err(Code::PermissionDenied));
    let operator = signer.sign(&claims(|claims| claims["sub"] = json!("system:serviceaccount:operations:a")));
    assert_eq!(remove(&mut console, &operator).await, Ok(()), "the token counts");
    let status = list(&mut console, "0123456789abcdef").await.unwrap_err();
    assert_eq!(
        status.code(),
        Code::Unauthenticated,
        "a wrong token is refused whatever the certificate says"
    );

    // The name has to be the whole name, and of its kind.
    for name in ["spiffe://cluster/ns/minerals/sa/console2", "console.example"] {
        let mut other = caller(&name.replace('/', "-"), &[name]).await;
        let status = list(&mut other, "").await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert!(status.message().contains(name), "{status}");
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn keys_and_certificates_are_replaced_under_load_without_a_failed_call() {
    const CALLERS: usize = 8;
    let dir = TempDir::new().unwrap();
    let (old, new) = (TokenSigner::rs256("2026-05"), TokenSigner::es256("2026-06"));
    let authority = Authority::new("ours");
    let ca = write(dir.path(), "ca.pem", authority.pem());
    let server = dir.path().join("server");
    let issue = || authority.issue(&["localhost", "127.0.0.1"], Validity::Now);
    let (certificate, key) = issue().mount(&server);
    let files = ServerTlsFiles { certificate, key, client_ca: None, requires_client_certificate: false };
    let tls = ServerTls::read(files, clock()).unwrap();
    write(dir.path(), "keys.json", &published_keys(&[&old]));
    let running = start(access(&dir, "keys.json").unwrap().with_tls(tls), clock()).await.unwrap();
    let address = format!("https://{}", running.address());
    let before = shown(&running, &authority).await;

    let (token, tokens) = tokio::sync::watch::channel(old.sign(&claims(|_| ())));
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let tls = ClientTls::new(Some(ca.clone()), None, Arc::new(SystemClock));
            tokio::spawn(call_until(address.clone(), tls, tokens.clone(), stopped.clone()))
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    // The issuer publishes a key and signs with it at once; the service has not seen it yet.
    write(dir.path(), "keys.json", &published_keys(&[&old, &new]));
    token.send(new.sign(&claims(|_| ()))).unwrap();
    let _paths = issue().mount(&server);
    let begun = std::time::Instant::now();
    while shown(&running, &authority).await == before {
        assert!(begun.elapsed() < Duration::from_secs(30), "the new certificate is not used");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.send(true).unwrap();
    for caller in callers {
        assert!(caller.await.unwrap() > 10, "a caller made hardly any calls");
    }
    running.stop().await.unwrap();
}

/// The certificate that a server shows to a new connection.
async fn shown(running: &Running, authority: &Authority) -> Vec<u8> {
    let connection = crate::tls::open(running, authority).await;
    let (_, session) = connection.get_ref();
    session.peer_certificates().unwrap().first().unwrap().to_vec()
}

/// Calls again and again, each ten calls on a new connection. Returns the number of calls.
async fn call_until(
    address: String,
    tls: ClientTls,
    tokens: tokio::sync::watch::Receiver<String>,
    stopped: tokio::sync::watch::Receiver<bool>,
) -> usize {
    let mut count = 0;
    while !*stopped.borrow() {
        let channel = client::connect_with(&address, &tls).await.unwrap();
        let mut client = AlertingServiceClient::new(channel);
        for _ in 0..10 {
            let token = tokens.borrow().clone();
            list(&mut client, &token).await.unwrap();
            count += 1;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    count
}

#[tokio::test]
async fn who_calls_too_often_is_told_when_to_try_again() {
    let dir = TempDir::new().unwrap();
    let path = write(
        dir.path(),
        "tokens.toml",
        r#"
        [[token]]
        name = "slow"
        token = "0123456789abcdef"
        roles = ["reader"]
        calls-per-second = 5

        [[token]]
        name = "other"
        token = "fedcba9876543210"
        roles = ["reader"]
        "#,
    );
    let running = start(Access::read(&path).unwrap(), clock()).await.unwrap();
    let mut client = rules(&running).await;
    let mut refused = None;
    for _ in 0..100 {
        if let Err(status) = list(&mut client, "0123456789abcdef").await {
            refused = Some(status);
            break;
        }
    }
    let status = refused.expect("a hundred calls at once are more than ten");
    let failure = Failure::from(status.clone());
    assert_eq!((status.code(), failure.code.as_str()), (Code::ResourceExhausted, "too-many-calls"));
    let wait = failure.retry_after.expect("it says when to try again");
    assert!(wait <= Duration::from_millis(250), "{wait:?}");
    list(&mut client, "fedcba9876543210").await.unwrap();
    tokio::time::sleep(wait + Duration::from_millis(50)).await;
    list(&mut client, "0123456789abcdef").await.unwrap();
    running.stop().await.unwrap();
}
