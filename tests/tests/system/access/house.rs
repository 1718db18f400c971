//! A house that asks for tokens, and everybody who calls.
use std::process::Command;

use orewatch_contracts::alerting::v1::alerting_service_client::AlertingServiceClient;
use orewatch_contracts::alerting::v1::delivery_service_client::DeliveryServiceClient;
use orewatch_contracts::alerting::v1::notification_service_client::NotificationServiceClient;
use orewatch_tests::process::Server;
use orewatch_tests::system::{client, file, run};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// Everybody who calls. A token reads `token-of-NAME`.
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

/// All services in one process that asks for tokens.
pub(super) struct House {
    pub(super) server: Server,
    pub(super) folder: TempDir,
}

impl House {
    pub(super) fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let tokens = file(&folder, "tokens.toml", TOKENS);
        let data = folder.path().join("data");
        let data = data.to_str().expect("UTF-8");
        let secrets = folder.path().to_str().expect("UTF-8");
        let server =
            Server::start(&["up", "--data", data, "--tokens-file", &tokens, "--secrets-dir", secrets]);
        Self { server, folder }
    }

    pub(super) fn channel(&self) -> Channel {
        let address = format!("http://{}", self.server.address());
        Endpoint::from_shared(address).expect("an address").connect_lazy()
    }

    /// The interfaces of the alerting service as a caller meets them.
    pub(super) fn caller(&self, name: &str) -> Caller {
        let shows = Shows(format!("Bearer {}", token(name)).parse().expect("a token is ASCII"));
        let channel = InterceptedService::new(self.channel(), shows);
        Caller {
            alerting: AlertingServiceClient::new(channel.clone()),
            notifications: NotificationServiceClient::new(channel.clone()),
            deliveries: DeliveryServiceClient::new(channel),
        }
    }

    /// A command of a caller.
    pub(super) fn command(&self, name: &str, args: &[&str]) -> Command {
        let token = file(&self.folder, &format!("{name}.token"), &token(name));
        let mut command = client(&format!("http://{}", self.server.address()), args);
        command.args(["--token-file", &token]);
        command
    }

    pub(super) fn run(&self, name: &str, args: &[&str]) {
        run(self.command(name, args));
    }

    /// What a feed answers: the head, and the body.
    pub(super) async fn feed(&self, name: &str, id: &str) -> String {
        use base64::Engine as _;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("any:{}", token(name)));
        let mut stream = tokio::net::TcpStream::connect(self.server.address()).await.expect("it listens");
        let request = format!(
            "GET /feeds/{id}.atom HTTP/1.1\r\nhost: localhost\r\nauthorization: Basic {pair}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        answer
    }
}

/// A token as the file has it: none is shorter than 16 characters.
pub(super) fn token(name: &str) -> String {
    format!("{:-<16}", format!("token-of-{name}"))
}

#[derive(Clone)]
pub(super) struct Shows(AsciiMetadataValue);

impl Interceptor for Shows {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

pub(super) type Shown = InterceptedService<Channel, Shows>;

#[derive(Clone)]
pub(super) struct Caller {
    pub(super) alerting: AlertingServiceClient<Shown>,
    pub(super) notifications: NotificationServiceClient<Shown>,
    pub(super) deliveries: DeliveryServiceClient<Shown>,
}
