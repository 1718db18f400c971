//! A server that requires its callers to show who they are, and its callers.
use std::process::Command;

use orewatch_contracts::alerting::v1::alerting_service_client::AlertingServiceClient;
use orewatch_contracts::alerting::v1::delivery_service_client::DeliveryServiceClient;
use orewatch_contracts::alerting::v1::notification_service_client::NotificationServiceClient;
use orewatch_runtime::{Clock as _, SystemClock};
use orewatch_testkit::{TokenSigner, published_keys};
use orewatch_tests::process::Server;
use orewatch_tests::system::{client, file, run};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// Tokens of all callers. Each token is `token-of-NAME`, padded to 16 characters.
const TOKENS: &str = r#"
[[token]]
name = "unnamed"
token = "token-of-unnamed"
write = ["acme"]

[[token]]
name = "acme-reader"
token = "token-of-acme-reader"
roles = ["reader"]
tenants = ["acme"]

[[token]]
name = "acme-analyst"
token = "token-of-acme-analyst"
roles = ["analyst"]
tenants = ["acme"]

[[token]]
name = "acme-ingester"
token = "token-of-acme-ingester"
roles = ["ingester"]
tenants = ["acme"]

[[token]]
name = "acme-operator"
token = "token-of-acme-operator"
roles = ["operator"]
tenants = ["acme"]

[[token]]
name = "beta-operator"
token = "token-of-beta-operator"
roles = ["operator"]
tenants = ["beta"]

[[token]]
name = "keeper"
token = "token-of-keeper-"
roles = ["ingester", "analyst", "operator"]
tenants = ["everyone"]

[[token]]
name = "root"
token = "token-of-root---"
roles = ["operator"]
tenants = ["*"]
"#;

/// Callers that an issuer or their certificate identifies.
const ACCESS: &str = r#"
[[issuer]]
name = "login"
issuer = "https://login.example"
audiences = ["orewatch"]
keys = "keys.json"

[[subject]]
issuer = "login"
subject = "ann"
roles = ["reader"]
tenants = ["acme"]

[[subject]]
issuer = "login"
claim = "groups"
value = "analysts"
roles = ["analyst"]
tenants = ["acme"]

[[certificate]]
uri = "spiffe://cluster/dashboard"
roles = ["reader"]

[[certificate]]
dns = "setup.example"
roles = ["operator"]
tenants = ["*"]
"#;

/// All services in one process that requires callers to show who they are.
pub(super) struct SecuredServer {
    pub(super) process: Server,
    pub(super) folder: TempDir,
    signer: TokenSigner,
}

impl SecuredServer {
    pub(super) fn start() -> Self {
        Self::start_in(TempDir::new().expect("a temporary folder"), &[])
    }

    /// Starts it in a folder, with more arguments.
    pub(super) fn start_in(folder: TempDir, more: &[&str]) -> Self {
        let signer = TokenSigner::es256("key-1");
        let _path = file(&folder, "keys.json", &published_keys(&[&signer]));
        let [tokens, access] =
            [("tokens.toml", TOKENS), ("access.toml", ACCESS)].map(|(name, text)| file(&folder, name, text));
        let data = folder.path().join("data");
        let data = data.to_str().expect("UTF-8");
        let secrets = folder.path().to_str().expect("UTF-8");
        let own = ["up", "--data", data, "--tokens-file", &tokens, "--access-file", &access];
        let secrets = ["--secrets-dir", secrets];
        let process = Server::start(&[own.as_slice(), &secrets, more].concat());
        Self { process, folder, signer }
    }

    /// A token of the issuer, for a subject in these groups.
    pub(super) fn signed_token(&self, subject: &str, groups: &[&str]) -> String {
        let expires = SystemClock.now().as_second() + 600;
        self.signer.sign(&json!({
            "iss": "https://login.example",
            "aud": "orewatch",
            "exp": expires,
            "sub": subject,
            "groups": groups,
        }))
    }

    pub(super) fn channel(&self) -> Channel {
        let address = format!("http://{}", self.process.address());
        Endpoint::from_shared(address).expect("an address").connect_lazy()
    }

    /// Clients of the alerting service that use the token of a caller.
    pub(super) fn caller(&self, name: &str) -> Caller {
        let add_token = AddToken(format!("Bearer {}", token(name)).parse().expect("a token is ASCII"));
        let channel = InterceptedService::new(self.channel(), add_token);
        Caller {
            alerting: AlertingServiceClient::new(channel.clone()),
            notifications: NotificationServiceClient::new(channel.clone()),
            deliveries: DeliveryServiceClient::new(channel),
        }
    }

    /// A client command that uses the token of a caller.
    pub(super) fn command(&self, name: &str, args: &[&str]) -> Command {
        let token = file(&self.folder, &format!("{name}.token"), &token(name));
        let mut command = client(&format!("http://{}", self.process.address()), args);
        command.args(["--token-file", &token]);
        command
    }

    pub(super) fn run(&self, name: &str, args: &[&str]) {
        run(self.command(name, args));
    }

    /// Reads a feed over HTTP. Returns the head and the body of the response.
    pub(super) async fn feed(&self, name: &str, id: &str) -> String {
        use base64::Engine as _;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("any:{}", token(name)));
        let mut stream =
            tokio::net::TcpStream::connect(self.process.address()).await.expect("the server listens");
        let request = format!(
            "GET /feeds/{id}.atom HTTP/1.1\r\nhost: localhost\r\nauthorization: Basic {pair}\r\n\
             connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        let mut response = String::new();
        stream.read_to_string(&mut response).await.expect("the server responds");
        response
    }
}

/// The token of a caller. No token may be shorter than 16 characters.
pub(super) fn token(name: &str) -> String {
    format!("{:-<16}", format!("token-of-{name}"))
}

#[derive(Clone)]
pub(super) struct AddToken(AsciiMetadataValue);

impl Interceptor for AddToken {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

pub(super) type TokenChannel = InterceptedService<Channel, AddToken>;

#[derive(Clone)]
pub(super) struct Caller {
    pub(super) alerting: AlertingServiceClient<TokenChannel>,
    pub(super) notifications: NotificationServiceClient<TokenChannel>,
    pub(super) deliveries: DeliveryServiceClient<TokenChannel>,
}
