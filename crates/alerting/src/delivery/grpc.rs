//! The edge: requests in, answers out. No rule lives here.
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use orewatch_contracts::alerting::v1::delivery_service_server::DeliveryService;
use orewatch_contracts::alerting::v1::{
    Delivery, EnableReceiverRequest, EnableReceiverResponse, GetDeliveryRequest, GetDeliveryResponse,
    ListDeliveriesRequest, ListDeliveriesResponse, ListReceiversRequest, ListReceiversResponse,
    PutReceiverRequest, PutReceiverResponse, ReceiverInfo, RemoveReceiverRequest, RemoveReceiverResponse,
    ReplayDeliveriesRequest, ReplayDeliveriesResponse,
};
use orewatch_eventlog::{EventLog, Filter, Item, Position, StreamName};
use orewatch_runtime::{Class, Context, Failure, Identity};
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use super::decide;
use super::evolve::{Message, Place, Standing, State, instant};
use super::sender::Sender;
use super::work::{caught_up, whole};
use crate::append::{append, unnameable};
use crate::batch::ended;
use crate::book::{Book, see};
use crate::facts::{Fact, LOG, notification_stream, notifications, notifications_to, receiver_stream};
use crate::subscribe::timestamp;
use crate::tenant::{IDENTIFIERS, tenant_of};

/// How often a change is decided anew because somebody else was faster.
const ATTEMPTS: usize = 8;

/// Page size where none is asked for, and the largest.
const PAGE: usize = 50;
const LARGEST_PAGE: usize = 500;

/// Most messages that are sent again by one call.
const MOST_REPLAYS: usize = 1000;

/// How long the past may take to be read.
const PATIENCE: Duration = Duration::from_secs(30);

/// The service.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) context: Context,
    pub(crate) alerts: Arc<dyn EventLog>,
    pub(crate) book: watch::Receiver<Book>,
    pub(crate) sender: Arc<Sender>,
}

impl Edge {
    /// The book, once all history is in it.
    async fn book(&self) -> Result<watch::Receiver<Book>, Failure> {
        let mut book = self.book.clone();
        caught_up(&mut book).await?;
        Ok(book)
    }

    /// Decides about a receiver and appends, anew whenever somebody else was faster. Returns whether there was anything to append.
    async fn change(
        &self,
        book: &mut watch::Receiver<Book>,
        receiver: &str,
        decide: impl Fn(&State) -> Result<Option<Fact>, Failure>,
    ) -> Result<bool, Failure> {
        let stream = receiver_stream(receiver).map_err(|_| unnamed(receiver))?;
        for _ in 0..ATTEMPTS {
            let (fact, expected) = {
                let book = book.borrow();
                (decide(&book.delivery)?, decide::expectation(&book.delivery, receiver))
            };
            let Some(fact) = fact else { return Ok(false) };
            if self.append(book, &stream, expected, fact).await? {
                return Ok(true);
            }
        }
        Err(busy("receiver", receiver))
    }

    /// Appends, and waits until the book has it. Returns whether nobody else was faster.
    async fn append(
        &self,
        book: &mut watch::Receiver<Book>,
        stream: &StreamName,
        expected: Position,
        fact: Fact,
    ) -> Result<bool, Failure> {
        let event = fact.into_event(stream, &expected.to_string(), self.context.clock.now());
        let appended = append(&*self.alerts, stream, expected, vec![event]).await?;
        let (Ok(position) | Err(position)) = appended;
        see(book, position).await?;
        Ok(appended.is_ok())
    }

    async fn put(&self, who: &Identity, request: PutReceiverRequest) -> Result<PutReceiverResponse, Failure> {
        let receiver = request.receiver.ok_or_else(|| {
            Failure::new(Class::Invalid, "missing-receiver", "the request holds no receiver")
                .at("receiver", "")
        })?;
        who.check_change(tenant_of(&receiver.id))?;
        let actor = who.actor(request.actor);
        let receiver = self.sender.approve(&receiver).await?;
        let mut book = self.book().await?;
        if request.validate_only {
            decide::put(&book.borrow().delivery, &receiver, &actor)?;
            let receiver = Some(ReceiverInfo { receiver: Some(receiver), ..ReceiverInfo::default() });
            return Ok(PutReceiverResponse { receiver, changed: false });
        }
        let put = |state: &State| decide::put(state, &receiver, &actor);
        let changed = self.change(&mut book, &receiver.id, put).await?;
        let receiver = Some(info(decide::standing(&book.borrow().delivery, &receiver.id)?));
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
        let mut book = self.book().await?;
        let enable = |state: &State| decide::enable(state, &receiver, &actor);
        let changed = self.change(&mut book, &receiver, enable).await?;
        let receiver = Some(info(decide::standing(&book.borrow().delivery, &receiver)?));
        Ok(EnableReceiverResponse { receiver, changed })
    }

    async fn list(
        &self,
        who: &Identity,
        request: &ListDeliveriesRequest,
    ) -> Result<ListDeliveriesResponse, Failure> {
        let size = match usize::try_from(request.page_size) {
            Ok(0) => PAGE,
            Ok(size) if size <= LARGEST_PAGE => size,
            _ => return Err(too_large_a_page(request.page_size)),
        };
        let before = read_page(&request.page_token)?;
        if !who.may_read(tenant_of(&request.receiver)) {
            return Ok(ListDeliveriesResponse::default());
        }
        let book = self.book().await?;
        let forgotten =
            book.borrow().delivery.receivers().get(&request.receiver).and_then(Standing::forgotten);
        // What is not kept any more is read from the log, for one receiver.
        let recalled = if forgotten.is_some() { Some(self.recall(&request.receiver).await?) } else { None };
        let book = book.borrow();
        let state = recalled.as_ref().unwrap_or(&book.delivery);
        let seen = state.messages().rev().filter(|message| is_seen(who, message));
        let mut matching = seen.filter(|message| message.planned < before && matches(message, request));
        let deliveries: Vec<&Message> = matching.by_ref().take(size).collect();
        let next_page_token = match (matching.next(), deliveries.last()) {
            (Some(_), Some(last)) => format!("d{}", last.planned),
            _ => String::new(),
        };
        Ok(ListDeliveriesResponse {
            deliveries: deliveries.into_iter().map(delivery).collect(),
            next_page_token,
        })
    }

    async fn get(&self, who: &Identity, id: &str) -> Result<GetDeliveryResponse, Failure> {
        let book = self.book().await?;
        let message = self.message(who, &book, id).await?;
        let whole = whole(&*self.alerts, &message.outline).await?;
        let receiver = {
            let book = book.borrow();
            book.delivery.receiver(&whole.receiver).and_then(|standing| standing.receiver.clone())
        };
        let body = self.sender.body(receiver.as_ref(), &whole);
        let delivery = Delivery { notification: Some(whole), ..delivery(&message) };
        Ok(GetDeliveryResponse { delivery: Some(delivery), body })
    }

    /// A message that a caller may see, kept or from the log.
    async fn message(
        &self,
        who: &Identity,
        book: &watch::Receiver<Book>,
        id: &str,
    ) -> Result<Message, Failure> {
        let kept = book.borrow().delivery.message(id).cloned();
        let message = match kept {
            Some(message) => message,
            None => self.find(id).await?,
        };
        if is_seen(who, &message) { Ok(message) } else { Err(unknown(id)) }
    }

    async fn replay(
        &self,
        who: &Identity,
        request: &ReplayDeliveriesRequest,
    ) -> Result<ReplayDeliveriesResponse, Failure> {
        let mut book = self.book().await?;
        let chosen = self.chosen(who, &book, request).await?;
        let actor = who.actor(request.actor.clone());
        let mut notifications = Vec::new();
        for message in chosen {
            decide::standing(&book.borrow().delivery, &message.outline.receiver)?;
            let id = message.outline.id.clone();
            if self.replay_one(&mut book, message, &actor).await? {
                notifications.push(id);
            }
        }
        Ok(ReplayDeliveriesResponse { notifications })
    }

    /// The messages that are meant, oldest first.
    async fn chosen(
        &self,
        who: &Identity,
        book: &watch::Receiver<Book>,
        request: &ReplayDeliveriesRequest,
    ) -> Result<Vec<Message>, Failure> {
        let mut chosen = Vec::new();
        match (request.notifications.as_slice(), request.receiver.as_str()) {
            ([], "") => return Err(nothing_chosen()),
            (ids, "") => {
                for id in ids.iter().take(MOST_REPLAYS.saturating_add(1)) {
                    let message = self.message(who, book, id).await?;
                    who.check_change(tenant_of(&message.outline.receiver))?;
                    chosen.push(message);
                }
            }
            ([], receiver) => {
                who.check_change(tenant_of(receiver))?;
                let bounds = [&request.from, &request.until].map(|time| time.as_ref().and_then(instant));
                let [Some(from), Some(until)] = bounds else { return Err(nothing_chosen()) };
                let forgotten = decide::standing(&book.borrow().delivery, receiver)?.forgotten();
                let recalled = match forgotten {
                    Some(newest) if newest >= from => Some(self.recall(receiver).await?),
                    _ => None,
                };
                let book = book.borrow();
                let state = recalled.as_ref().unwrap_or(&book.delivery);
                let is_meant = |message: &&Message| {
                    let planned = message.outline.planned_at.as_ref().and_then(instant);
                    message.outline.receiver == receiver
                        && planned.is_some_and(|planned| from <= planned && planned < until)
                        && (request.also_delivered || message.place != Place::Delivered)
                };
                chosen.extend(state.messages().filter(is_meant).cloned());
            }
            _ => return Err(nothing_chosen()),
        }
        if chosen.len() > MOST_REPLAYS {
            let message =
                format!("{} messages are meant, and a call sends at most {MOST_REPLAYS} again", chosen.len());
            let failure = Failure::new(Class::Invalid, "too-many-messages", message);
            return Err(failure.with_hint("choose a shorter range"));
        }
        chosen.sort_by_key(|message| message.planned);
        Ok(chosen)
    }

    async fn replay_one(
        &self,
        book: &mut watch::Receiver<Book>,
        mut message: Message,
        actor: &str,
    ) -> Result<bool, Failure> {
        let id = message.outline.id.clone();
        let stream =
            notification_stream(&message.outline.receiver, &id).map_err(|error| unnameable(&error))?;
        let whole = whole(&*self.alerts, &message.outline).await?;
        for _ in 0..ATTEMPTS {
            let Some(fact) = decide::request(&message, whole.clone(), actor) else { return Ok(false) };
            if self.append(book, &stream, message.last, fact).await? {
                return Ok(true);
            }
            let kept = book.borrow().delivery.message(&id).cloned();
            message = kept.ok_or_else(|| unknown(&id))?;
        }
        Err(busy("notification", &id))
    }

    /// All messages of a receiver, from the log.
    async fn recall(&self, receiver: &str) -> Result<State, Failure> {
        let stream = notifications_to(receiver).map_err(|_| unnamed(receiver))?;
        self.fold(stream, |_| true).await
    }

    /// A message that is not kept any more, from the log.
    async fn find(&self, id: &str) -> Result<Message, Failure> {
        if uuid::Uuid::parse_str(id).is_err() {
            return Err(unknown(id));
        }
        for all in notifications().map_err(|error| unnameable(&error))? {
            let state = self.fold(all, |stream| stream.as_str().ends_with(id)).await?;
            if let Some(message) = state.message(id) {
                return Ok(message.clone());
            }
        }
        Err(unknown(id))
    }

    async fn fold(
        &self,
        streams: StreamName,
        wanted: impl Fn(&StreamName) -> bool,
    ) -> Result<State, Failure> {
        let fold = async {
            let mut state = State::of_all();
            let mut items = self.alerts.read(Filter::Under(streams), 0);
            loop {
                match items.next().await.unwrap_or_else(|| Err(ended(LOG)))? {
                    Item::Event(event) if wanted(&event.stream) => state.evolve(&event)?,
                    Item::Event(_) => {}
                    Item::CaughtUp(_) => return Ok(state),
                }
            }
        };
        tokio::time::timeout(PATIENCE, fold).await.unwrap_or_else(|_| {
            let message = format!("the past was not read within {} s", PATIENCE.as_secs());
            Err(Failure::new(Class::Unavailable, "alerts-log-slow", message))
        })
    }
}

/// Whether a caller may see a message: it belongs to whom its receiver does.
fn is_seen(who: &Identity, message: &Message) -> bool {
    who.may_read(tenant_of(&message.outline.receiver))
}

/// A receiver as it stands.
fn info(standing: &Standing) -> ReceiverInfo {
    let disabled = standing.disabled.as_ref();
    ReceiverInfo {
        receiver: standing.receiver.clone(),
        revision: standing.revision,
        put_at: Some(timestamp(standing.put_at)),
        disabled_at: disabled.map(|disabled| timestamp(disabled.since)),
        disabled_reason: disabled.map(|disabled| disabled.reason.clone()).unwrap_or_default(),
        waiting: u32::try_from(standing.waiting()).unwrap_or(u32::MAX),
        delivered: standing.delivered,
        given_up: standing.given_up,
        failing_since: standing.failing_since.map(timestamp),
    }
}

/// A message and what became of it, in outline.
pub(crate) fn delivery(message: &Message) -> Delivery {
    let (next_at, given_up) = match &message.place {
        Place::Waiting { due, since } => (Some(timestamp(due.unwrap_or(*since))), String::new()),
        Place::Delivered => (None, String::new()),
        Place::GivenUp(reason) => (None, reason.clone()),
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

fn matches(message: &Message, request: &ListDeliveriesRequest) -> bool {
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

fn read_page(token: &str) -> Result<Position, Failure> {
    if token.is_empty() {
        return Ok(Position::MAX);
    }
    token
        .strip_prefix('d')
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| crate::token::invalid("page_token", token))
}

fn too_large_a_page(size: u32) -> Failure {
    Failure::new(Class::Invalid, "page-size", format!("a page holds at most {LARGEST_PAGE} messages"))
        .at("page_size", size.to_string())
        .with_hint(format!("use 1 to {LARGEST_PAGE}, or 0 for {PAGE}"))
}

fn unknown(id: &str) -> Failure {
    Failure::new(Class::NotFound, "unknown-delivery", format!("there is no message {id:?}"))
        .at("notification", id)
        .with_hint("list the deliveries to see which there are")
}

fn unnamed(receiver: &str) -> Failure {
    Failure::new(Class::Invalid, "invalid-receiver", "this is no identifier")
        .at("receiver", receiver)
        .with_hint(IDENTIFIERS)
}

fn nothing_chosen() -> Failure {
    Failure::new(Class::Invalid, "nothing-chosen", "the request does not say which messages")
        .with_hint("give identifiers, or a receiver with the beginning and the end of a range of time")
}

fn busy(field: &str, id: &str) -> Failure {
    Failure::new(Class::Unavailable, "busy", format!("{id} keeps being changed"))
        .at(field, id)
        .with_hint("try again")
}

#[tonic::async_trait]
impl DeliveryService for Edge {
    async fn put_receiver(
        &self,
        request: Request<PutReceiverRequest>,
    ) -> Result<Response<PutReceiverResponse>, Status> {
        let who = Identity::of(&request);
        Ok(Response::new(self.put(&who, request.into_inner()).await?))
    }

    async fn list_receivers(
        &self,
        request: Request<ListReceiversRequest>,
    ) -> Result<Response<ListReceiversResponse>, Status> {
        let who = Identity::of(&request);
        let book = self.book().await?;
        let book = book.borrow();
        let seen = book.delivery.receivers().iter().filter(|(id, _)| who.may_read(tenant_of(id)));
        let standing = seen.map(|(_, standing)| standing).filter(|standing| standing.receiver.is_some());
        Ok(Response::new(ListReceiversResponse { receivers: standing.map(info).collect() }))
    }

    async fn remove_receiver(
        &self,
        request: Request<RemoveReceiverRequest>,
    ) -> Result<Response<RemoveReceiverResponse>, Status> {
        let who = Identity::of(&request);
        let RemoveReceiverRequest { receiver, actor } = request.into_inner();
        who.check_change(tenant_of(&receiver))?;
        let actor = who.actor(actor);
        let mut book = self.book().await?;
        let remove = |state: &State| Ok(decide::remove(state, &receiver, &actor));
        let removed = self.change(&mut book, &receiver, remove).await?;
        Ok(Response::new(RemoveReceiverResponse { removed }))
    }

    async fn enable_receiver(
        &self,
        request: Request<EnableReceiverRequest>,
    ) -> Result<Response<EnableReceiverResponse>, Status> {
        let who = Identity::of(&request);
        Ok(Response::new(self.enable(&who, request.into_inner()).await?))
    }

    async fn list_deliveries(
        &self,
        request: Request<ListDeliveriesRequest>,
    ) -> Result<Response<ListDeliveriesResponse>, Status> {
        Ok(Response::new(self.list(&Identity::of(&request), request.get_ref()).await?))
    }

    async fn get_delivery(
        &self,
        request: Request<GetDeliveryRequest>,
    ) -> Result<Response<GetDeliveryResponse>, Status> {
        Ok(Response::new(self.get(&Identity::of(&request), &request.get_ref().notification).await?))
    }

    async fn replay_deliveries(
        &self,
        request: Request<ReplayDeliveriesRequest>,
    ) -> Result<Response<ReplayDeliveriesResponse>, Status> {
        Ok(Response::new(self.replay(&Identity::of(&request), request.get_ref()).await?))
    }
}
