//! Tests of what operators and tools rely on: health, reflection, and clear errors when something outside
//! fails.
use std::fs;
use std::path::Path;
use std::process::Command;

use orewatch_tests::process::{Server, run_without_log};
use orewatch_tests::system::{Embedded, SERVICES, System as _, client, run};
use orewatch_tests::tools::{orewatch, output, reference_tables, text};
use tempfile::TempDir;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

const NAMES: [&str; 6] = [
    "orewatch.ingestion.v1.IngestionService",
    "orewatch.exposure.v1.ExposureService",
    "orewatch.exposure.v1.OutlookService",
    "orewatch.alerting.v1.AlertingService",
    "orewatch.alerting.v1.DeliveryService",
    "orewatch.alerting.v1.NotificationService",
];

async fn connect(system: &Embedded) -> Channel {
    let [address, ..] = system.addresses();
    Channel::from_shared(format!("http://{address}"))
        .expect("an address")
        .connect()
        .await
        .expect("the server listens")
}

#[tokio::test]
async fn health_reports_every_service_as_ready() {
    let system = Embedded::start();
    system.api().settled().await.expect("the services are ready");
    let mut health = HealthClient::new(connect(&system).await);
    for service in NAMES.into_iter().chain([""]) {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = health.check(request).await.expect("the service is known").into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service:?}");
    }
    let stranger = HealthCheckRequest { service: "orewatch.Nobody".to_owned() };
    assert!(health.check(stranger).await.is_err(), "an unknown service has no health");
}

/// Sends one reflection request.
async fn reflect(
    client: &mut ServerReflectionClient<Channel>,
    request: MessageRequest,
) -> ServerReflectionResponse {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(request) };
    let stream =
        client.server_reflection_info(tokio_stream::iter([request])).await.expect("reflection answers");
    stream.into_inner().message().await.expect("an answer").expect("one answer")
}

#[tokio::test]
async fn reflection_describes_every_service() {
    let system = Embedded::start();
    let mut client = ServerReflectionClient::new(connect(&system).await);
    let answer = reflect(&mut client, MessageRequest::ListServices(String::new())).await;
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("no list of services: {answer:?}");
    };
    let listed: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    for name in NAMES.into_iter().chain(["grpc.health.v1.Health"]) {
        assert!(listed.contains(&name), "{name} is not in {listed:?}");
    }
    for name in NAMES {
        let answer = reflect(&mut client, MessageRequest::FileContainingSymbol(name.to_owned())).await;
        let described = matches!(answer.message_response, Some(MessageResponse::FileDescriptorResponse(_)));
        assert!(described, "{name}: {answer:?}");
    }
}

#[test]
fn a_service_waits_for_an_unreachable_nats_server_and_hears_sigterm() {
    let binary = orewatch();
    std::thread::scope(|scope| {
        for service in SERVICES {
            scope.spawn(move || {
                let args = ["serve", service, "--log", "nats://127.0.0.1:1", "--listen", "127.0.0.1:0"];
                let output = run_without_log(Command::new(binary).args(args));
                assert!(output.contains("no NATS server at 127.0.0.1:1"), "{output}");
            });
        }
    });
}

#[test]
fn a_missing_server_is_a_clear_error() {
    let run = output(&mut client("http://127.0.0.1:1", &["alerts"]));
    assert_eq!(run.status.code(), Some(4), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("127.0.0.1:1"), "{}", text(&run.stderr));
}

/// A separate file system of a few megabytes. Unmounted when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount(megabytes: u32) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let size = format!("size={megabytes}m");
        let mount =
            output(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()));
        assert!(
            mount.status.success(),
            "this test mounts a small tmpfs and so runs as root: {}",
            text(&mount.stderr)
        );
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Occupies space on the disk. 0 frees it again.
    fn occupy(&self, kilobytes: usize) {
        let ballast = self.path().join("ballast");
        if kilobytes == 0 {
            fs::remove_file(ballast).expect("the ballast goes away");
        } else {
            fs::write(ballast, vec![1; kilobytes * 1024]).expect("there is room for the ballast");
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        output(Command::new("umount").arg("--lazy").arg(self.path()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_a_clear_error_and_does_not_damage_the_log() {
    let disk = SmallDisk::mount(64);
    let data = disk.path().join("data");
    let start = || Server::start(&["up", "--data", data.to_str().expect("UTF-8")]);
    let server = start();
    let address = format!("http://{}", server.address());
    let tables = reference_tables();
    let [trade, targets] = ["trade", "targets"].map(|kind| {
        let found = tables.iter().find(|path| path.contains(&format!("/{kind}-")));
        found.unwrap_or_else(|| panic!("no table of {kind}"))
    });
    run(client(&address, &["ingest", targets]));

    // There is space for a part of the release only.
    let free = free_kilobytes(disk.path());
    disk.occupy(free - 1024);
    let full = output(&mut client(&address, &["ingest", trade]));
    let message = text(&full.stderr);
    assert_eq!(full.status.code(), Some(4), "{message}\n{}", server.process_output());
    assert!(message.contains("full"), "{message}");

    // With space again, the same command on the same data succeeds after a restart.
    disk.occupy(0);
    drop(server);
    let server = start();
    run(client(&format!("http://{}", server.address()), &["ingest", trade]));
    let api = orewatch_tests::api::Api::at(server.address());
    api.settled().await.expect("the pipeline follows");
    let releases = api.releases().await.expect("the log is whole");
    assert_eq!(releases.iter().filter(|release| release.committed_position.is_some()).count(), 2);
    assert!(server.stop().success());
}

fn free_kilobytes(path: &Path) -> usize {
    let df = output(Command::new("df").args(["--output=avail", "-k"]).arg(path));
    let free = text(&df.stdout).lines().nth(1).and_then(|line| line.trim().parse().ok());
    free.expect("df says how much room there is")
}
