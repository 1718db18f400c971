//! Sends the questions of a record to a running system.
use orewatch_contracts::alerting::v1::delivery_service_client::DeliveryServiceClient;
use orewatch_contracts::alerting::v1::notification_service_client::NotificationServiceClient;
use orewatch_contracts::alerting::v1::{Delivery, ListDeliveriesRequest};
use tonic::Status;
use tonic::transport::Channel;

use super::answers::Answers;
use super::questions::Questions;
use crate::api::{Api, channel};

mod alerts;
mod figures;
mod notifications;
mod releases;
pub mod streams;

/// Clients of a running system.
#[derive(Clone, Debug)]
pub struct Clients {
    /// The three services.
    pub api: Api,
    notification: NotificationServiceClient<Channel>,
    delivery: DeliveryServiceClient<Channel>,
}

impl Clients {
    /// Creates clients of services that share one address.
    #[must_use]
    pub fn at(address: &str) -> Self {
        Self {
            api: Api::at(address),
            notification: NotificationServiceClient::new(channel(address)),
            delivery: DeliveryServiceClient::new(channel(address)),
        }
    }

    /// Lists the newest messages, at most one page.
    ///
    /// # Errors
    /// A status of the service.
    pub async fn deliveries(&self, request: ListDeliveriesRequest) -> Result<Vec<Delivery>, Status> {
        Ok(self.delivery.clone().list_deliveries(request).await?.into_inner().deliveries)
    }

    /// Waits until the pipeline has followed all commits, and sends all questions.
    ///
    /// # Errors
    /// A status of a service.
    pub async fn ask(&self, questions: &Questions) -> Result<Answers, Status> {
        self.api.settled().await?;
        let mut answers = Answers::default();
        figures::ask(&self.api, questions, &mut answers).await?;
        releases::ask(&self.api, &mut answers).await?;
        alerts::ask(&self.api, &mut answers).await?;
        notifications::ask(self, &mut answers).await?;
        streams::ask(&self.api, questions, &mut answers).await?;
        Ok(answers)
    }
}
