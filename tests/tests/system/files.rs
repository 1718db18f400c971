//! Files as users have them, from ingestion to the figure that an analyst reads.
use orewatch_contracts::common::v1::{By, Estimate, Status};
use orewatch_contracts::exposure::v1::{GetExposureRequest, Subject};
use orewatch_tests::system::{Embedded, System as _, file, run};
use tempfile::TempDir;

struct Desk {
    system: Embedded,
    folder: TempDir,
}

impl Desk {
    fn start() -> Self {
        Self { system: Embedded::start(), folder: TempDir::new().expect("a temporary folder") }
    }

    async fn ingest(&self, name: &str, content: &str) {
        run(self.system.client(&["ingest", &file(&self.folder, name, content)]));
        self.system.api().settled().await.expect("the pipeline follows");
    }

    async fn figure(&self, of: [&str; 5], as_of: &str) -> Estimate {
        let [consumer, material, stage, measure, supplier] = of.map(str::to_owned);
        let subject = Subject { consumer, material, stage, supplier, measure, by: By::Quantity.into() };
        let request = GetExposureRequest {
            subject: Some(subject),
            as_of: as_of.to_owned(),
            ..GetExposureRequest::default()
        };
        let answer = self.system.api().exposure.get_exposure(request).await.expect("the figure is there");
        answer.into_inner().exposure.and_then(|exposure| exposure.estimate).expect("an estimate")
    }
}

/// The origin of half of the antimony that the Netherlands import is unknown: it may be any supplier's, so
/// that the share has bounds.
#[tokio::test(flavor = "multi_thread")]
async fn an_unspecified_partner_widens_the_bounds_of_a_share() {
    let desk = Desk::start();
    desk.ingest(
        "comtrade_NLD.csv",
        "period,reporterCode,partnerCode,flowCode,cmdCode,primaryValue,netWgt,classificationCode\n\
         2024,528,0,M,811010,100000,100000,H6\n2024,528,156,M,811010,40000,40000,H6\n\
         2024,528,704,M,811010,10000,10000,H6\n2024,528,899,M,811010,50000,50000,H6\n",
    )
    .await;
    let share = desk.figure(["NLD", "antimony", "refined", "import-share", "CHN"], "2024").await;
    assert_eq!((share.low, share.high, share.status()), (Some(0.4), Some(0.9), Status::Partial));
}

/// The weights are in the column of the supplementary unit, which is kilograms.
#[tokio::test(flavor = "multi_thread")]
async fn weights_in_the_column_of_the_supplementary_unit_are_read() {
    let desk = Desk::start();
    desk.ingest(
        "comtrade_FIN.csv",
        "period,reporterCode,partnerCode,flowCode,cmdCode,primaryValue,netWgt,qty,qtyUnitAbbr,\
         classificationCode\n\
         2019,246,124,M,260400,180000000,,182279488.276,kg,H5\n\
         2019,246,578,M,260400,450000,,450259.471,kg,H5\n\
         2019,246,360,M,260400,100,66,66,kg,H5\n2019,246,36,M,260400,100,47,47,kg,H5\n",
    )
    .await;
    let share = desk.figure(["FIN", "nickel", "mined", "import-share", "CAN"], "2019").await;
    let expected = 182_279_488.276 / (182_279_488.276 + 450_259.471 + 66.0 + 47.0);
    assert!(share.value.is_some_and(|value| (value - expected).abs() < 1e-9), "{share:?} is not {expected}");
}

/// A restriction applies to one product until 2023, and to another from 2024 on. It restricts neither outside
/// of these dates.
#[tokio::test(flavor = "multi_thread")]
async fn the_dates_of_a_product_take_precedence_over_those_of_its_record() {
    let desk = Desk::start();
    desk.ingest(
        "BACI_HS17_Y2023_V202601.csv",
        "t,i,j,k,v,q\n2023,156,276,261710,60,60\n2023,76,276,261710,40,40\n\
         2023,156,276,811010,70,70\n2023,76,276,811010,30,30\n\
         2024,156,276,261710,60,60\n2024,76,276,261710,40,40\n\
         2024,156,276,811010,70,70\n2024,76,276,811010,30,30\n",
    )
    .await;
    let record = serde_json::json!([{
        "intervention_id": 1, "state_act_id": 1, "state_act_title": "Licences", "gta_evaluation": "Red",
        "implementing_jurisdictions": [{"id": 156, "name": "China", "iso": "CHN"}],
        "affected_jurisdictions": [{"id": 276, "name": "Germany", "iso": "DEU"}],
        "implementing_jurisdiction_groups": [], "intervention_type": "Export ban",
        "mast_chapter": "P: Export-related measures (incl. subsidies)", "date_announced": "2023-01-01",
        "date_implemented": "2023-02-01", "date_removed": null, "is_in_force": 1,
        "affected_products": [
            {"product_id": 261710, "date_removed": "2023-11-30"},
            {"product_id": 811010, "date_implemented": "2024-02-01"}],
    }]);
    desk.ingest("gta.json", &record.to_string()).await;
    for (stage, year, expected) in
        [("mined", "2023", 0.6), ("mined", "2024", 0.0), ("refined", "2023", 0.0), ("refined", "2024", 0.7)]
    {
        let share = desk.figure(["DEU", "antimony", stage, "restricted-share", ""], year).await;
        let found = [share.value, share.low, share.high];
        assert_eq!(found, [Some(expected); 3], "{stage} {year}: {share:?}");
    }
}
