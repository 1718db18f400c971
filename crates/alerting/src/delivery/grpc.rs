//! The gRPC interface of receivers and deliveries. It decides nothing: it reads requests, calls `decide`,
//! appends, and answers.
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use orewatch_contracts::alerting::v1::delivery_service_server;
use orewatch_contracts::alerting::v1::{
    AlertEvent, Delivery, EnableReceiverRequest, EnableReceiverResponse, GetDeliveryRequest,
    GetDeliveryResponse, ListDeliveriesRequest, ListDeliveriesResponse, ListReceiversRequest,
    ListReceiversResponse, PutReceiverRequest, PutReceiverResponse, ReceiverInfo, RemoveReceiverRequest,
    RemoveReceiverResponse, ReplayDeliveriesRequest, ReplayDeliveriesResponse,
};
use orewatch_contracts::page::{Page, PageSize, invalid_token};
use orewatch_contracts::time::{instant, timestamp};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{EventLog, Filter, Position, StreamName, history};
use orewatch_receivers::Sender;
use orewatch_rules::facts::{
    alert_event, notification_stream, notifications, notifications_to, receiver_stream,
};
use orewatch_rules::tenant::{IDENTIFIER_HINT, tenant_of};
use orewatch_runtime::{Context, Identity};
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use super::decide;
use super::message::{MessageRecord, MessageStatus};
use super::receiver::ReceiverRecord;
use super::state::DelivererState;
use super::work::read_message;
use crate::actors::with_names;
use crate::append::{append, invalid_stream};
use crate::service_state::{ServiceState, wait_for, wait_for_position};

/// Attempts to make a change: each decides anew, because another change was appended first.
const MAX_CHANGE_ATTEMPTS: usize = 8;

const DELIVERY_PAGE: PageSize = PageSize::new(50, 500, "messages");

/// Messages that one call sends again.
const MAX_REPLAYS: usize = 1000;

/// Time to read forgotten messages from the log.
const RECALL_TIMEOUT: Duration = Duration::from_secs(30);

/// The service of receivers and deliveries.
#[derive(Debug)]
pub(crate) struct DeliveryService {
    pub(crate) context: Context,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) service: watch::Receiver<ServiceState>,
    pub(crate) sender: Arc<Sender>,
}

impl DeliveryService {
    /// The state, once the log has been folded to its end.
    async fn caught_up(&self) -> Result<watch::Receiver<ServiceState>, Failure> {
        let mut service = self.service.clone();
        wait_for(&mut service, |service| service.caught_up).await?;
        Ok(service)
    }

    /// Decides about a receiver and appends, and starts again if another change was appended first. Returns
    /// whether there was anything to append.
    async fn change(
        &self,
        service: &mut watch::Receiver<ServiceState>,
        receiver: &str,
        decide: impl Fn(&DelivererState) -> Result<Option<AlertEvent>, Failure>,
    ) -> Result<bool, Failure> {
        let stream = receiver_stream(receiver).map_err(|_| invalid_receiver_id(receiver))?;
        for _ in 0..MAX_CHANGE_ATTEMPTS {
            let (event, expected) = {
                let service = service.borrow();
                (decide(&service.delivery)?, decide::expected_position(&service.delivery, receiver))
            };
            let Some(event) = event else { return Ok(false) };
            if self.append(service, &stream, expected, event).await? {
                return Ok(true);
            }
        }
        Err(contended("receiver", receiver))
    }

    /// Appends an event and waits until it is folded. Returns false if another event was appended first.
    async fn append(
        &self,
        service: &mut watch::Receiver<ServiceState>,
        stream: &StreamName,
        expected: Position,
        event: AlertEvent,
    ) -> Result<bool, Failure> {
        let event = alert_event(event, stream, &expected.to_string(), self.context.clock.now());
        let appended = append(&*self.log, stream, expected, vec![event]).await?;
        let (Ok(position) | Err(position)) = appended;
        wait_for_position(service, position).await?;
        Ok(appended.is_ok())
    }

    async fn put(&self, who: &Identity, request: PutReceiverRequest) -> Result<PutReceiverResponse, Failure> {
        let receiver = request.receiver.ok_or_else(|| {
            Failure::new(Class::Invalid, "missing-field", "the request holds no receiver").at("receiver", "")
        })?;
        who.check_change(tenant_of(&receiver.id))?;
        let actor = who.actor(request.actor);
        let receiver = self.sender.approve(&receiver).await?;
        let mut service = self.caught_up().await?;
        if request.validate_only {
            decide::put_receiver(&service.borrow().delivery, &receiver, &actor)?;
            let receiver = Some(ReceiverInfo { receiver: Some(receiver), ..ReceiverInfo::default() });
            return Ok(PutReceiverResponse { receiver, changed: false });
        }
        let put = |state: &DelivererState| decide::put_receiver(state, &receiver, &actor);
        let changed = self.change(&mut service, &receiver.id, put).await?;
        let receiver = Some(receiver_info(decide::find_receiver(&service.borrow().delivery, &receiver.id)?));
        Ok(PutReceiverResponse { receiver, changed })
    }

    async fn enable(
        &self,
        who: &Identity,
        request: EnableReceiverRequest,
    ) -> Result<EnableReceiverResponse, Failure> {
        let EnableReceiverRequest { receiver, actor } = request;
        who.check_change(tenant_of(&receiver))?;
        let actor = who.actor(actor);
        let mut service = self.caught_up().await?;
        let enable = |state: &DelivererState| decide::enable_receiver(state, &receiver, &actor);
        let changed = self.change(&mut service, &receiver, enable).await?;
        let receiver = Some(receiver_info(decide::find_receiver(&service.borrow().delivery, &receiver)?));
        Ok(EnableReceiverResponse { receiver, changed })
    }

    async fn list(
        &self,
        who: &Identity,
        request: &ListDeliveriesRequest,
    ) -> Result<ListDeliveriesResponse, Failure> {
        let size = DELIVERY_PAGE.resolve(request.page_size)?;
        let before = parse_page_token(&request.page_token)?;
        if !who.may_read(tenant_of(&request.receiver)) {
            return Ok(ListDeliveriesResponse::default());
        }
        let service = self.caught_up().await?;
        let forgotten = service
            .borrow()
            .delivery
            .receivers()
            .get(&request.receiver)
            .and_then(|record| record.newest_forgotten());
        // Forgotten messages are read from the log, of one receiver.
        let recalled = if forgotten.is_some() { Some(self.recall(&request.receiver).await?) } else { None };
        let service = service.borrow();
        let state = recalled.as_ref().unwrap_or(&service.delivery);
        let seen = state.messages().rev().filter(|message| is_visible(who, message));
        let matching = seen.filter(|message| message.planned < before && matches(message, request));
        // Outlines are small: the bytes of a page need no bound of their own.
        let page = Page::collect(matching, size, |_| 0);
        let next_page_token = page.next_token(|last| format!("d{}", last.planned));
        let deliveries = page.items.into_iter().map(delivery_info).collect();
        Ok(ListDeliveriesResponse { deliveries, next_page_token })
    }

    async fn get(&self, who: &Identity, id: &str) -> Result<GetDeliveryResponse, Failure> {
        let service = self.caught_up().await?;
        let message = self.visible_message(who, &service, id).await?;
        let whole = with_names(read_message(&*self.log, &message.outline).await?, &self.context.actors);
        let receiver = {
            let service = service.borrow();
            service.delivery.receiver(&whole.receiver).and_then(|record| record.receiver.clone())
        };
        let body = self.sender.body(receiver.as_ref(), &whole);
        let delivery = Delivery { notification: Some(whole), ..delivery_info(&message) };
        Ok(GetDeliveryResponse { delivery: Some(delivery), body })
    }

    /// A message that a caller may see, from the state or the log.
    async fn visible_message(
        &self,
        who: &Identity,
        service: &watch::Receiver<ServiceState>,
        id: &str,
    ) -> Result<MessageRecord, Failure> {
        let kept = service.borrow().delivery.message(id).cloned();
        let message = match kept {
            Some(message) => message,
            None => self.find_forgotten(id).await?,
        };
        if is_visible(who, &message) { Ok(message) } else { Err(unknown_delivery(id)) }
    }

    async fn replay(
        &self,
        who: &Identity,
        request: &ReplayDeliveriesRequest,
    ) -> Result<ReplayDeliveriesResponse, Failure> {
        let mut service = self.caught_up().await?;
        let chosen = self.chosen_messages(who, &service, request).await?;
        let actor = who.actor(request.actor.clone());
        let mut notifications = Vec::new();
        for message in chosen {
            decide::find_receiver(&service.borrow().delivery, &message.outline.receiver)?;
            let id = message.outline.id.clone();
            if self.replay_one(&mut service, message, &actor).await? {
                notifications.push(id);
            }
        }
        Ok(ReplayDeliveriesResponse { notifications })
    }

    /// The messages that a request chooses, oldest first.
    async fn chosen_messages(
        &self,
        who: &Identity,
        service: &watch::Receiver<ServiceState>,
        request: &ReplayDeliveriesRequest,
    ) -> Result<Vec<MessageRecord>, Failure> {
        let mut chosen = Vec::new();
        match (request.notifications.as_slice(), request.receiver.as_str()) {
            ([], "") => return Err(nothing_chosen()),
            (ids, "") => {
                for id in ids.iter().take(MAX_REPLAYS.saturating_add(1)) {
                    let message = self.visible_message(who, service, id).await?;
                    who.check_change(tenant_of(&message.outline.receiver))?;
                    chosen.push(message);
                }
            }
            ([], receiver) => {
                who.check_change(tenant_of(receiver))?;
                let bounds = [&request.from, &request.until].map(|time| time.as_ref().and_then(instant));
                let [Some(from), Some(until)] = bounds else { return Err(nothing_chosen()) };
                let forgotten =
                    decide::find_receiver(&service.borrow().delivery, receiver)?.newest_forgotten();
                let recalled = match forgotten {
                    Some(newest) if newest >= from => Some(self.recall(receiver).await?),
                    _ => None,
                };
                let service = service.borrow();
                let state = recalled.as_ref().unwrap_or(&service.delivery);
                let is_chosen = |message: &&MessageRecord| {
                    let planned = message.outline.planned_at.as_ref().and_then(instant);
                    message.outline.receiver == receiver
                        && planned.is_some_and(|planned| from <= planned && planned < until)
                        && (request.also_delivered || message.status != MessageStatus::Delivered)
                };
                chosen.extend(state.messages().filter(is_chosen).cloned());
            }
            _ => return Err(nothing_chosen()),
        }
        if chosen.len() > MAX_REPLAYS {
            let message =
                format!("the request chooses {} messages, the limit is {MAX_REPLAYS}", chosen.len());
            let failure = Failure::new(Class::Invalid, "too-many-messages", message);
            return Err(failure.with_hint("choose a shorter range"));
        }
        chosen.sort_by_key(|message| message.planned);
        Ok(chosen)
    }

    async fn replay_one(
        &self,
        service: &mut watch::Receiver<ServiceState>,
        mut message: MessageRecord,
        actor: &str,
    ) -> Result<bool, Failure> {
        let id = message.outline.id.clone();
        let stream =
            notification_stream(&message.outline.receiver, &id).map_err(|error| invalid_stream(&error))?;
        let whole = read_message(&*self.log, &message.outline).await?;
        for _ in 0..MAX_CHANGE_ATTEMPTS {
            let request = decide::request_attempt(&message, whole.clone(), actor);
            let Some(event) = request else { return Ok(false) };
            if self.append(service, &stream, message.last, event).await? {
                return Ok(true);
            }
            let kept = service.borrow().delivery.message(&id).cloned();
            message = kept.ok_or_else(|| unknown_delivery(&id))?;
        }
        Err(contended("notification", &id))
    }

    /// All messages to a receiver, from the log.
    async fn recall(&self, receiver: &str) -> Result<DelivererState, Failure> {
        let stream = notifications_to(receiver).map_err(|_| invalid_receiver_id(receiver))?;
        self.fold(stream, |_| true).await
    }

    /// A message that is no longer kept, from the log.
    async fn find_forgotten(&self, id: &str) -> Result<MessageRecord, Failure> {
        if uuid::Uuid::parse_str(id).is_err() {
            return Err(unknown_delivery(id));
        }
        for streams in notifications().map_err(|error| invalid_stream(&error))? {
            let state = self.fold(streams, |stream| stream.as_str().ends_with(id)).await?;
            if let Some(message) = state.message(id) {
                return Ok(message.clone());
            }
        }
        Err(unknown_delivery(id))
    }

    async fn fold(
        &self,
        streams: StreamName,
        wanted: impl Fn(&StreamName) -> bool,
    ) -> Result<DelivererState, Failure> {
        let fold = async {
            let mut state = DelivererState::keeping_all();
            let mut events = history(&*self.log, Filter::Under(streams), 0);
            while let Some(event) = events.try_next().await? {
                if wanted(&event.stream) {
                    state.evolve(&event)?;
                }
            }
            Ok(state)
        };
        tokio::time::timeout(RECALL_TIMEOUT, fold).await.unwrap_or_else(|_| {
            let message =
                format!("the messages were not read from the log within {} s", RECALL_TIMEOUT.as_secs());
            Err(Failure::new(Class::Unavailable, "log-slow", message))
        })
    }
}

/// Whether a caller may see a message, which belongs to the tenant of its receiver.
fn is_visible(who: &Identity, message: &MessageRecord) -> bool {
    who.may_read(tenant_of(&message.outline.receiver))
}

/// A receiver as calls return it.
fn receiver_info(record: &ReceiverRecord) -> ReceiverInfo {
    let disabled = record.disabled.as_ref();
    ReceiverInfo {
        receiver: record.receiver.clone(),
        revision: record.revision,
        put_at: Some(timestamp(record.put_at)),
        disabled_at: disabled.map(|disabled| timestamp(disabled.since)),
        disabled_reason: disabled.map(|disabled| disabled.reason.clone()).unwrap_or_default(),
        waiting: u32::try_from(record.waiting()).unwrap_or(u32::MAX),
        delivered: record.delivered,
        given_up: record.given_up,
        failing_since: record.failing_since.map(timestamp),
    }
}

/// A message and what became of it, without figures and texts.
pub(crate) fn delivery_info(message: &MessageRecord) -> Delivery {
    let (next_at, given_up) = match &message.status {
        MessageStatus::Waiting { due, since } => (Some(timestamp(due.unwrap_or(*since))), String::new()),
        MessageStatus::Delivered => (None, String::new()),
        MessageStatus::GivenUp(reason) => (None, reason.clone()),
    };
    Delivery {
        notification: Some((*message.outline).clone()),
        state: message.state().into(),
        attempts: message.attempts.iter().cloned().collect(),
        attempt_count: message.attempt_count,
        next_at,
        given_up,
    }
}

fn matches(message: &MessageRecord, request: &ListDeliveriesRequest) -> bool {
    let outline = &message.outline;
    let planned = outline.planned_at.as_ref().and_then(instant);
    let bound = |time: &Option<prost_types::Timestamp>| time.as_ref().and_then(instant);
    let is = |asked: &str, own: &str| asked.is_empty() || asked == own;
    let tells = |alert: &str| {
        outline.alerts.iter().filter_map(|told| told.alert.as_ref()).any(|told| told.id == alert)
    };
    is(&request.receiver, &outline.receiver)
        && is(&request.subscription, &outline.subscription)
        && (request.alert.is_empty() || tells(&request.alert))
        && (request.states.is_empty() || request.states.contains(&message.state().into()))
        && bound(&request.from).is_none_or(|from| planned >= Some(from))
        && bound(&request.until).is_none_or(|until| planned < Some(until))
}

fn parse_page_token(token: &str) -> Result<Position, Failure> {
    if token.is_empty() {
        return Ok(Position::MAX);
    }
    token
        .strip_prefix('d')
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| invalid_token("page_token", token))
}

fn unknown_delivery(id: &str) -> Failure {
    Failure::new(Class::NotFound, "unknown-delivery", format!("there is no message {id:?}"))
        .at("notification", id)
        .with_hint("list the deliveries to see which there are")
}

fn invalid_receiver_id(receiver: &str) -> Failure {
    Failure::new(Class::Invalid, "invalid-receiver", "the receiver's identifier is invalid")
        .at("receiver", receiver)
        .with_hint(IDENTIFIER_HINT)
}

fn nothing_chosen() -> Failure {
    Failure::new(Class::Invalid, "nothing-chosen", "the request does not say which messages")
        .with_hint("give identifiers, or a receiver with the beginning and the end of a range of time")
}

fn contended(field: &str, id: &str) -> Failure {
    Failure::new(Class::Unavailable, "contended", format!("{id} is being changed by others"))
        .at(field, id)
        .with_hint("try again")
}

#[tonic::async_trait]
impl delivery_service_server::DeliveryService for DeliveryService {
    async fn put_receiver(
        &self,
        request: Request<PutReceiverRequest>,
    ) -> Result<Response<PutReceiverResponse>, Status> {
        let who = Identity::from_request(&request);
        Ok(Response::new(self.put(&who, request.into_inner()).await?))
    }

    async fn list_receivers(
        &self,
        request: Request<ListReceiversRequest>,
    ) -> Result<Response<ListReceiversResponse>, Status> {
        let who = Identity::from_request(&request);
        let service = self.caught_up().await?;
        let service = service.borrow();
        let seen = service.delivery.receivers().iter().filter(|(id, _)| who.may_read(tenant_of(id)));
        let current = seen.map(|(_, record)| record).filter(|record| record.receiver.is_some());
        let receivers = current.map(|record| receiver_info(record)).collect();
        Ok(Response::new(ListReceiversResponse { receivers }))
    }

    async fn remove_receiver(
        &self,
        request: Request<RemoveReceiverRequest>,
    ) -> Result<Response<RemoveReceiverResponse>, Status> {
        let who = Identity::from_request(&request);
        let RemoveReceiverRequest { receiver, actor } = request.into_inner();
        who.check_change(tenant_of(&receiver))?;
        let actor = who.actor(actor);
        let mut service = self.caught_up().await?;
        let remove = |state: &DelivererState| Ok(decide::remove_receiver(state, &receiver, &actor));
        let removed = self.change(&mut service, &receiver, remove).await?;
        Ok(Response::new(RemoveReceiverResponse { removed }))
    }

    async fn enable_receiver(
        &self,
        request: Request<EnableReceiverRequest>,
    ) -> Result<Response<EnableReceiverResponse>, Status> {
        let who = Identity::from_request(&request);
        Ok(Response::new(self.enable(&who, request.into_inner()).await?))
    }

    async fn list_deliveries(
        &self,
        request: Request<ListDeliveriesRequest>,
    ) -> Result<Response<ListDeliveriesResponse>, Status> {
        Ok(Response::new(self.list(&Identity::from_request(&request), request.get_ref()).await?))
    }

    async fn get_delivery(
        &self,
        request: Request<GetDeliveryRequest>,
    ) -> Result<Response<GetDeliveryResponse>, Status> {
        Ok(Response::new(self.get(&Identity::from_request(&request), &request.get_ref().notification).await?))
    }

    async fn replay_deliveries(
        &self,
        request: Request<ReplayDeliveriesRequest>,
    ) -> Result<Response<ReplayDeliveriesResponse>, Status> {
        Ok(Response::new(self.replay(&Identity::from_request(&request), request.get_ref()).await?))
    }
}
