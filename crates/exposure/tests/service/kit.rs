//! What the tests drive: an observations log that is written by hand, and the service over gRPC.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::{AsAt, By, Estimate, Status, as_at::At};
use orewatch_contracts::exposure::v1::exposure_service_client::ExposureServiceClient;
use orewatch_contracts::exposure::v1::exposure_service_server::SERVICE_NAME;
use orewatch_contracts::exposure::v1::{
    Exposure, ExposureFilter, GetExposureRequest, QueryExposuresRequest, StreamExposuresRequest, Subject,
};
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    GovernanceColumns, ObservationsRecorded, Parameter, ParameterColumns, Product, ProductionColumns,
    Release, ReleaseCommitted, ReleaseOpened, ReleaseRefused, ReleaseWithdrawn, Series, SourceFile, Table,
    TradeColumns,
};
use orewatch_eventlog::{Event, EventLog, Filter, Item, NewEvent, Position, StreamName, embedded};
use orewatch_exposure::{Config, Logs};
use orewatch_runtime::{Access, Budget, Context, Running, Server, SystemClock, Work, client};
use prost::Message;
use tempfile::TempDir;
use tonic::service::RoutesBuilder;
use tonic::transport::Channel;
use uuid::Uuid;

/// A row of trade: period, exporter, importer, product, value in kUSD, quantity in tonnes.
pub(crate) type Trade<'a> = (&'a str, &'a str, &'a str, &'a str, f64, Option<f64>);

/// A row of production: period, economy, material, stage, tonnes (none: withheld), basis.
pub(crate) type Output<'a> = (&'a str, &'a str, &'a str, &'a str, Option<f64>, &'a str);

/// A row of governance: year, economy, indicator, estimate.
pub(crate) type Governed<'a> = (&'a str, &'a str, &'a str, f64);

/// A row of parameters: period, name, value (none: withheld), economy, partner, material, stage, item; what a
/// row lacks is empty.
pub(crate) type Parametric<'a> = (&'a str, &'a str, Option<f64>, [&'a str; 5]);

/// Both logs in a directory of their own.
pub(crate) struct House {
    pub(crate) dir: TempDir,
    pub(crate) observations: Arc<dyn EventLog>,
    pub(crate) exposures: Arc<dyn EventLog>,
}

impl House {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().expect("a directory");
        let observations = embedded::open(dir.path(), "observations").expect("a log");
        let exposures = embedded::open(dir.path(), "exposures").expect("a log");
        Self { dir, observations, exposures }
    }

    /// The same observations with an exposures log of its own, empty.
    pub(crate) fn beside(&self) -> Self {
        let dir = TempDir::new().expect("a directory");
        let exposures = embedded::open(dir.path(), "exposures").expect("a log");
        Self { dir, observations: Arc::clone(&self.observations), exposures }
    }

    pub(crate) async fn append(&self, release: &str, name: &str, message: &impl Message) -> Position {
        let stream = StreamName::new(format!("observations.{}", release.replace('/', "."))).unwrap();
        let expected = self.observations.last(&stream).await.unwrap();
        let head = self.observations.extent().await.unwrap().head;
        let event = NewEvent {
            id: Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{stream}/{expected}").as_bytes()),
            kind: format!("orewatch.ingestion.v1.{name}"),
            time: time(head + 1),
            data: message.encode_to_vec().into(),
            traceparent: None,
        };
        let positions = self.observations.append(&stream, expected, vec![event]).await.unwrap();
        positions[0]
    }

    pub(crate) async fn open(&self, id: &str, table: Table) {
        self.open_for("", id, table).await;
    }

    /// Opens a release of a tenant; of everyone where the name is empty.
    pub(crate) async fn open_for(&self, tenant: &str, id: &str, table: Table) {
        let release = Release { tenant: tenant.to_owned(), ..described(id, table) };
        self.append(
            id,
            "ReleaseOpened",
            &ReleaseOpened { release: Some(release), ..ReleaseOpened::default() },
        )
        .await;
    }

    /// Opens a release of which more is said.
    pub(crate) async fn open_with(&self, id: &str, table: Table, say: impl FnOnce(&mut Release)) {
        let mut release = described(id, table);
        say(&mut release);
        self.append(
            id,
            "ReleaseOpened",
            &ReleaseOpened { release: Some(release), ..ReleaseOpened::default() },
        )
        .await;
    }

    /// Opens a release of a file.
    pub(crate) async fn open_file(&self, file: SourceFile, id: &str, table: Table) {
        let release = Release { files: vec![file], ..described(id, table) };
        self.append(
            id,
            "ReleaseOpened",
            &ReleaseOpened { release: Some(release), ..ReleaseOpened::default() },
        )
        .await;
    }

    /// Opens a release that is another reading of one that is there.
    pub(crate) async fn open_in_place(&self, of: &str, id: &str, table: Table) {
        let release = Release { in_place_of: of.to_owned(), ..described(id, table) };
        self.append(
            id,
            "ReleaseOpened",
            &ReleaseOpened { release: Some(release), ..ReleaseOpened::default() },
        )
        .await;
    }

    pub(crate) async fn record(&self, id: &str, chunk: u32, columns: Columns) {
        let recorded = ObservationsRecorded { chunk, columns: Some(columns) };
        self.append(id, "ObservationsRecorded", &recorded).await;
    }

    pub(crate) async fn commit(&self, id: &str) -> Position {
        self.append(id, "ReleaseCommitted", &ReleaseCommitted::default()).await
    }

    pub(crate) async fn refuse(&self, id: &str) -> Position {
        self.append(id, "ReleaseRefused", &ReleaseRefused::default()).await
    }

    pub(crate) async fn withdraw(&self, id: &str) -> Position {
        self.append(id, "ReleaseWithdrawn", &ReleaseWithdrawn::default()).await
    }

    /// A release of trade, from its opening to its commit, in chunks of two rows.
    pub(crate) async fn trade(&self, id: &str, rows: &[Trade<'_>]) -> Position {
        self.open(id, Table::Trade).await;
        for (chunk, part) in rows.chunks(2).enumerate() {
            let first = u64::try_from(chunk).unwrap() * 2 + 2;
            self.record(id, u32::try_from(chunk).unwrap(), trade(part, first)).await;
        }
        self.commit(id).await
    }

    /// A release of production, from its opening to its commit.
    pub(crate) async fn production(&self, id: &str, rows: &[Output<'_>]) -> Position {
        self.open(id, Table::Production).await;
        self.record(id, 0, production(rows)).await;
        self.commit(id).await
    }

    /// A release of governance, from its opening to its commit.
    pub(crate) async fn governance(&self, id: &str, rows: &[Governed<'_>]) -> Position {
        self.release(id, governance(rows)).await
    }

    /// A release of parameters, from its opening to its commit.
    pub(crate) async fn parameters(&self, id: &str, rows: &[Parametric<'_>]) -> Position {
        self.release(id, parameters(rows)).await
    }

    /// A release of any table, from its opening to its commit, in one chunk.
    pub(crate) async fn release(&self, id: &str, columns: Columns) -> Position {
        let table = match &columns {
            Columns::Trade(_) => Table::Trade,
            Columns::Production(_) => Table::Production,
            Columns::Governance(_) => Table::Governance,
            Columns::Parameters(_) => Table::Parameters,
            Columns::Restrictions(_) => Table::Restrictions,
            Columns::Concordance(_) => Table::Concordance,
            Columns::Projections(_) => Table::Projections,
            Columns::Targets(_) => Table::Targets,
            Columns::Claims(_) => Table::Claims,
        };
        self.open(id, table).await;
        self.record(id, 0, columns).await;
        self.commit(id).await
    }

    /// The service on these logs.
    pub(crate) async fn serve(&self) -> Api {
        self.guarded(Access::open()).await
    }

    /// A service that only those may call who show a token.
    pub(crate) async fn guarded(&self, access: Access) -> Api {
        self.configured(access, Config::default()).await
    }

    /// A service that is configured otherwise.
    pub(crate) async fn configured(&self, access: Access, config: Config) -> Api {
        let logs = self.logs();
        Api::start(access, async move |context, routes| {
            orewatch_exposure::start(context, logs, config, routes).await
        })
        .await
    }

    /// Both logs, as a service takes them.
    pub(crate) fn logs(&self) -> Logs {
        Logs { observations: Arc::clone(&self.observations), exposures: Arc::clone(&self.exposures) }
    }

    /// Everything on the exposures log.
    pub(crate) async fn published(&self) -> Vec<Event> {
        read(&*self.exposures).await
    }

    /// Everything on the observations log.
    pub(crate) async fn observed(&self) -> Vec<Event> {
        read(&*self.observations).await
    }
}

async fn read(log: &dyn EventLog) -> Vec<Event> {
    let mut items = log.read(Filter::All, 0);
    let mut events = Vec::new();
    while let Some(Item::Event(event)) = items.next().await.transpose().unwrap() {
        events.push(event);
    }
    events
}

fn described(id: &str, table: Table) -> Release {
    let (dataset, rest) = id.split_once('/').unwrap();
    Release {
        id: id.to_owned(),
        dataset: dataset.to_owned(),
        vintage: rest.split('-').next().unwrap().to_owned(),
        table: table.into(),
        files: vec![SourceFile { name: format!("{dataset}.csv"), ..SourceFile::default() }],
        ..Release::default()
    }
}

/// Time of the event at a position: a second apart.
pub(crate) fn time(position: Position) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + i64::try_from(position).unwrap()).unwrap()
}

/// The service as a client sees it.
pub(crate) struct Api {
    running: Running,
    pub(crate) client: ExposureServiceClient<Channel>,
}

impl Api {
    /// A server with what `build` adds to it.
    pub(crate) async fn start(
        access: Access,
        build: impl AsyncFnOnce(Context, &mut RoutesBuilder) -> Result<(), Failure>,
    ) -> Self {
        let server = Server {
            listen: "127.0.0.1:0".parse().unwrap(),
            services: vec![SERVICE_NAME],
            clock: Arc::new(SystemClock),
            shutdown_budget: Duration::from_secs(20),
            access,
        };
        let running = server.start(build).await.expect("the service starts");
        let channel = client::connect(&format!("http://{}", running.address())).await.expect("a server");
        Self { running, client: ExposureServiceClient::new(channel) }
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.running.address())
    }

    /// Where its requests compute.
    pub(crate) fn work(&self) -> Work {
        self.running.context().work.clone()
    }

    /// What its requests and answers hold.
    pub(crate) fn memory(&self) -> Budget {
        self.running.context().memory.clone()
    }

    pub(crate) async fn stop(self) {
        drop(self.client);
        self.running.stop().await.expect("an ordered stop");
    }

    /// Waits until all that follows from the observations log up to a position is published.
    pub(crate) async fn published(&mut self, position: Position) -> Position {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            assert!(tokio::time::Instant::now() < deadline, "not published in time: {position}");
            let request = QueryExposuresRequest { page_size: 1, ..QueryExposuresRequest::default() };
            match self.client.query_exposures(request).await {
                Ok(answer) => {
                    let answer = answer.into_inner();
                    if answer.as_at_position >= position
                        && let Some(published) = answer.exposures_position
                    {
                        return published;
                    }
                }
                Err(status) => assert_eq!(status.code(), tonic::Code::Unavailable, "{status}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn get(
        &mut self,
        subject: Subject,
        as_of: &str,
        at: Option<At>,
    ) -> Result<Exposure, Failure> {
        let as_at = at.map(|at| AsAt { at: Some(at) });
        let request = GetExposureRequest {
            subject: Some(subject),
            as_of: as_of.to_owned(),
            as_at,
            ..GetExposureRequest::default()
        };
        let answer = self.client.get_exposure(request).await?;
        Ok(answer.into_inner().exposure.expect("an exposure"))
    }

    pub(crate) async fn estimate(&mut self, subject: Subject, as_of: &str) -> Estimate {
        self.get(subject, as_of, None).await.expect("an answer").estimate.expect("an estimate")
    }

    pub(crate) async fn stream(&mut self, filter: ExposureFilter, at: Option<At>) -> Vec<Exposure> {
        let as_at = at.map(|at| AsAt { at: Some(at) });
        let request =
            StreamExposuresRequest { filter: Some(filter), as_at, ..StreamExposuresRequest::default() };
        let mut stream = self.client.stream_exposures(request).await.expect("a stream").into_inner();
        let mut all = Vec::new();
        while let Some(message) = stream.message().await.expect("a message") {
            all.extend(message.exposures);
        }
        all
    }
}

/// A subject by quantity: consumer, material, stage, measure, supplier.
pub(crate) fn subject([consumer, material, stage, measure, supplier]: [&str; 5]) -> Subject {
    let [consumer, material, stage, measure, supplier] =
        [consumer, material, stage, measure, supplier].map(str::to_owned);
    Subject { consumer, material, stage, supplier, measure, by: By::Quantity.into() }
}

fn index(dictionary: &mut Vec<String>, text: &str) -> u32 {
    let found = dictionary.iter().position(|known| known == text).unwrap_or_else(|| {
        dictionary.push(text.to_owned());
        dictionary.len() - 1
    });
    u32::try_from(found).unwrap()
}

fn status(number: Option<f64>) -> i32 {
    if number.is_some() { Status::Known.into() } else { Status::Unavailable.into() }
}

/// Rows of trade as columns; material and stage by the concordance of HS92.
pub(crate) fn trade(rows: &[Trade<'_>], first_line: u64) -> Columns {
    use orewatch_catalog::{HsMatch, HsRevision, concordance};
    let mut columns = TradeColumns::default();
    let mut codes = Vec::new();
    for (line, (period, exporter, importer, product, value, quantity)) in (first_line..).zip(rows) {
        columns.period.push(index(&mut columns.periods, period));
        columns.exporter.push(index(&mut columns.economies, exporter));
        columns.importer.push(index(&mut columns.economies, importer));
        columns.product.push(index(&mut codes, product));
        columns.value.push(*value);
        columns.quantity.push(quantity.unwrap_or(f64::NAN));
        columns.quantity_status.push(status(*quantity));
        columns.line.push(line);
    }
    let product = |code: &String| match concordance(HsRevision::Hs92, code) {
        HsMatch::InScope(entry) => Product {
            code: code.clone(),
            material: entry.material.to_owned(),
            stage: entry.stage.to_string(),
            proxy: entry.proxy,
            ..Product::default()
        },
        other => panic!("{code} is {other:?}"),
    };
    columns.products = codes.iter().map(product).collect();
    Columns::Trade(columns)
}

/// Rows of trade that say who reports them: 1 the importer, 2 the exporter.
pub(crate) fn reported(rows: &[(Trade<'_>, i32)]) -> Columns {
    let flows: Vec<_> = rows.iter().map(|(flow, _)| *flow).collect();
    match trade(&flows, 2) {
        Columns::Trade(columns) => {
            let reporter = rows.iter().map(|(_, reporter)| *reporter).collect();
            Columns::Trade(TradeColumns { reporter, ..columns })
        }
        other => other,
    }
}

/// Purities of product codes from a period on.
pub(crate) fn purities(rows: &[(&str, &str, f64)]) -> Columns {
    let mut columns = ParameterColumns { economies: vec![String::new()], ..ParameterColumns::default() };
    for (line, (period, code, purity)) in (2..).zip(rows) {
        columns.parameter.push(u32::try_from(columns.parameters.len()).unwrap());
        columns.parameters.push(Parameter {
            name: "basket-purity".to_owned(),
            item: (*code).to_owned(),
            ..Parameter::default()
        });
        columns.period.push(index(&mut columns.periods, period));
        columns.economy.push(0);
        columns.value.push(*purity);
        columns.line.push(line);
    }
    Columns::Parameters(columns)
}

/// Rows of production as columns.
pub(crate) fn production(rows: &[Output<'_>]) -> Columns {
    let mut columns = ProductionColumns::default();
    let mut series = Vec::<Series>::new();
    for (line, (period, economy, material, stage, tonnes, basis)) in (2..).zip(rows) {
        let of = Series {
            material: (*material).to_owned(),
            stage: (*stage).to_owned(),
            unit: "t".to_owned(),
            basis: (*basis).to_owned(),
        };
        let product = series.iter().position(|known| *known == of).unwrap_or_else(|| {
            series.push(of);
            series.len() - 1
        });
        columns.period.push(index(&mut columns.periods, period));
        columns.economy.push(index(&mut columns.economies, economy));
        columns.product.push(u32::try_from(product).unwrap());
        columns.quantity.push(tonnes.unwrap_or(f64::NAN));
        columns.status.push(if tonnes.is_some() { Status::Known.into() } else { Status::Withheld.into() });
        columns.line.push(line);
    }
    columns.series = series;
    Columns::Production(columns)
}

/// Rows of governance as columns.
pub(crate) fn governance(rows: &[Governed<'_>]) -> Columns {
    let mut columns = GovernanceColumns::default();
    for (line, (year, economy, indicator, estimate)) in (2..).zip(rows) {
        columns.period.push(index(&mut columns.periods, year));
        columns.economy.push(index(&mut columns.economies, economy));
        columns.indicator.push(index(&mut columns.indicators, indicator));
        columns.value.push(*estimate);
        columns.line.push(line);
    }
    Columns::Governance(columns)
}

/// Rows of parameters as columns.
pub(crate) fn parameters(rows: &[Parametric<'_>]) -> Columns {
    let mut columns = ParameterColumns::default();
    for (line, (period, name, value, [economy, partner, material, stage, item])) in (2..).zip(rows) {
        let [name, material, stage, item] = [*name, *material, *stage, *item].map(str::to_owned);
        let of = Parameter { name, material, stage, item };
        let known = columns.parameters.iter().position(|known| *known == of).unwrap_or_else(|| {
            columns.parameters.push(of);
            columns.parameters.len() - 1
        });
        columns.period.push(index(&mut columns.periods, period));
        columns.economy.push(index(&mut columns.economies, economy));
        columns.partner.push(index(&mut columns.economies, partner));
        columns.parameter.push(u32::try_from(known).unwrap());
        columns.value.push(value.unwrap_or(f64::NAN));
        columns.status.push(if value.is_some() { Status::Known.into() } else { Status::Withheld.into() });
        columns.line.push(line);
    }
    Columns::Parameters(columns)
}
