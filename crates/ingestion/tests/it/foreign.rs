//! Foreign clients: parameters and restrictions that they send are checked by the service.
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{
    ObservationsRecorded, OpenReleaseRequest, Parameter, ParameterColumns, Product,
    RecordObservationsRequest, Release, RestrictionColumns, SourceFile, Table,
};
use orewatch_contracts::{Class, Failure};

use crate::harness::Service;

fn parameter() -> ParameterColumns {
    let about = Parameter {
        name: "trade-parameter".to_owned(),
        material: "cobalt".to_owned(),
        stage: "mined".to_owned(),
        item: String::new(),
    };
    ParameterColumns {
        periods: vec!["2016".to_owned()],
        economies: ["", "COD", "EU27"].map(str::to_owned).to_vec(),
        parameters: vec![about],
        period: vec![0],
        economy: vec![0],
        partner: vec![1],
        parameter: vec![0],
        value: vec![1.1],
        line: vec![2],
        ..ParameterColumns::default()
    }
}

fn restriction() -> RestrictionColumns {
    let product = Product { material: "nickel".to_owned(), stage: "mined".to_owned(), ..Product::default() };
    RestrictionColumns {
        economies: vec!["IDN".to_owned()],
        products: vec![product],
        kinds: vec!["quota".to_owned()],
        days: ["2020-01-01", "", "2019-12-31"].map(str::to_owned).to_vec(),
        partners: ["", "EU27,USA"].map(str::to_owned).to_vec(),
        economy: vec![0],
        product: vec![0],
        kind: vec![0],
        from: vec![0],
        until: vec![1],
        partner: vec![1],
        line: vec![2],
        ..RestrictionColumns::default()
    }
}

/// A foreign client sends one chunk.
pub(crate) async fn foreign(service: &Service, table: Table, columns: Columns) -> Result<(), Failure> {
    let release = Release {
        dataset: table.as_str_name().to_lowercase().replace('_', "-"),
        vintage: "1".to_owned(),
        table: table.into(),
        files: vec![SourceFile {
            name: "f".to_owned(),
            bytes: 1,
            sha256: "0".repeat(64),
            ..SourceFile::default()
        }],
        ..Release::default()
    };
    let mut client = service.client();
    let request = OpenReleaseRequest { release: Some(release) };
    let release = client.open_release(request).await?.into_inner().release.unwrap().release.unwrap().id;
    let rows = Rows::Observations(ObservationsRecorded { chunk: 0, columns: Some(columns) });
    let message = RecordObservationsRequest { release, rows: Some(rows) };
    client.record_observations(tokio_stream::iter([message])).await?;
    Ok(())
}

#[tokio::test]
async fn clients_are_not_trusted_with_parameters() {
    let service = Service::start().await;
    type Spoil = fn(&mut ParameterColumns);
    let cases: [(&str, Spoil); 14] = [
        ("partner", |columns| columns.partner = Vec::new()),
        ("partner", |columns| columns.partner = vec![2]),
        ("partner", |columns| columns.partner = vec![3]),
        ("economy", |columns| columns.economy = Vec::new()),
        ("value", |columns| columns.value = vec![6.0]),
        ("value", |columns| columns.value = vec![f64::NAN]),
        ("value", |columns| columns.status = vec![Status::Withheld.into()]),
        ("item", |columns| columns.parameters[0].item = "C24".to_owned()),
        ("material", |columns| columns.parameters[0].material = "kryptonite".to_owned()),
        ("material", |columns| columns.parameters[0].material = " cobalt".to_owned()),
        ("stage", |columns| columns.parameters[0].stage = String::new()),
        ("parameters.name", |columns| columns.parameters[0].name = "luck".to_owned()),
        ("economies", |columns| columns.economies[1] = "ZAR".to_owned()),
        ("periods", |columns| columns.periods = vec!["16".to_owned()]),
    ];
    for (field, spoil) in cases {
        let mut columns = parameter();
        spoil(&mut columns);
        let columns = Columns::Parameters(columns);
        let failure = foreign(&service, Table::Parameters, columns).await.unwrap_err();
        assert_eq!((failure.class, &*failure.field), (Class::Invalid, field), "{failure}");
    }
    foreign(&service, Table::Parameters, Columns::Parameters(parameter())).await.unwrap();
    let other = Columns::Restrictions(restriction());
    assert_eq!(foreign(&service, Table::Parameters, other).await.unwrap_err().field, "columns");
    service.stop().await;
}

#[tokio::test]
async fn clients_are_not_trusted_with_restrictions() {
    let service = Service::start().await;
    type Spoil = fn(&mut RestrictionColumns);
    let cases: [(&str, Spoil); 13] = [
        ("from", |columns| columns.from = vec![1]),
        ("until", |columns| columns.until = vec![2]),
        ("until", |columns| columns.until = vec![9]),
        ("days", |columns| columns.days[0] = "2020".to_owned()),
        ("kinds", |columns| columns.kinds = vec!["ban".to_owned()]),
        ("economies", |columns| columns.economies = vec!["EU27".to_owned()]),
        ("partners", |columns| columns.partners[1] = "USA,EU27".to_owned()),
        ("partners", |columns| columns.partners[1] = "WLD".to_owned()),
        ("partners", |columns| columns.partners[1] = "USA,".to_owned()),
        ("evaluation", |columns| columns.evaluation = vec![9]),
        ("stage", |columns| columns.products[0].stage = "ore".to_owned()),
        ("products.code", |columns| columns.products[0].code = "2604".to_owned()),
        ("kind", |columns| columns.kind = Vec::new()),
    ];
    for (field, spoil) in cases {
        let mut columns = restriction();
        spoil(&mut columns);
        let columns = Columns::Restrictions(columns);
        let failure = foreign(&service, Table::Restrictions, columns).await.unwrap_err();
        assert_eq!((failure.class, &*failure.field), (Class::Invalid, field), "{failure}");
    }
    foreign(&service, Table::Restrictions, Columns::Restrictions(restriction())).await.unwrap();
    service.stop().await;
}
