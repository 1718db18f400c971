//! The edge: requests in, answers out. No rule lives here.
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::alerting::v1::notification_service_server::NotificationService;
use orewatch_contracts::alerting::v1::{
    AcknowledgeAlertRequest, AcknowledgeAlertResponse, EndSilenceRequest, EndSilenceResponse,
    ExplainAlertRequest, ExplainAlertResponse, ListHoldsRequest, ListHoldsResponse, ListInhibitionsRequest,
    ListInhibitionsResponse, ListSilencesRequest, ListSilencesResponse, ListSubscriptionsRequest,
    ListSubscriptionsResponse, Notification, PutInhibitionRequest, PutInhibitionResponse, PutSilenceRequest,
    PutSilenceResponse, PutSubscriptionRequest, PutSubscriptionResponse, RemoveInhibitionRequest,
    RemoveInhibitionResponse, RemoveSubscriptionRequest, RemoveSubscriptionResponse, RunDrillRequest,
    RunDrillResponse, SilenceInfo, SilenceState, Subscription, SubscriptionInfo, UnacknowledgeAlertRequest,
    UnacknowledgeAlertResponse,
};
use orewatch_eventlog::{EventLog, Filter as Streams, InvalidName, Item, Position, StreamName};
use orewatch_runtime::{Class, Context, Failure, Identity, Stop};
use prost::Message as _;
use tokio::sync::watch;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::decide;
use super::drill::drill;
use super::evolve::State;
use super::explain;
use super::info::{
    count, firing_within, inhibition_info, own_tenant, silence_info, subscription_info, warnings, words,
};
use super::replay::Replay;
use super::silence::Silenced;
use super::subscription::Terms;
use super::time::read_instant;
use super::why::hold;
use super::work::put;
use crate::append::{append, unnameable};
use crate::batch::ended;
use crate::book::{Book, see, wait_for};
use crate::facts::{Fact, acknowledgement_stream, inhibition_stream, silence_stream, subscription_stream};
use crate::field::Field;
use crate::grpc::visible_alert;
use crate::tenant::{Scope, identifier_of, tenant_of};

/// How often a change is decided anew because somebody else was faster.
const ATTEMPTS: usize = 8;
/// Most bytes of messages in an answer: well within the limit of a message.
const ANSWER_BYTES: usize = 3 << 20;
/// How far back a dry run goes if nothing else is said.
const A_YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);
/// How long a dry run may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most alerts that can be asked about at a time.
const MOST_ALERTS: usize = 1000;

/// The service.
#[derive(Debug)]
pub(crate) struct Notifications {
    pub(crate) context: Context,
    pub(crate) alerts: Arc<dyn EventLog>,
    pub(crate) book: watch::Receiver<Book>,
}

/// What to append: the fact, and the position of the last event of its stream.
type Decision = Option<(Fact, Position)>;

impl Notifications {
    /// The book, once all history is in it.
    async fn book(&self) -> Result<watch::Receiver<Book>, Failure> {
        let mut book = self.book.clone();
        wait_for(&mut book, |book| book.caught_up).await?;
        Ok(book)
    }

    /// Decides and appends, anew whenever somebody else was faster. Returns whether there was anything to append.
    async fn change(
        &self,
        id: &str,
        stream: fn(&str) -> Result<StreamName, InvalidName>,
        decide: impl Fn(&Book, Timestamp) -> Result<Decision, Failure>,
    ) -> Result<bool, Failure> {
        let mut book = self.book().await?;
        for _ in 0..ATTEMPTS {
            let now = self.context.clock.now();
            let decision = decide(&book.borrow(), now)?;
            let Some((fact, expected)) = decision else { return Ok(false) };
            let stream = stream(id).map_err(|error| unnameable(&error))?;
            let event = fact.into_event(&stream, &expected.to_string(), now);
            match append(&*self.alerts, &stream, expected, vec![event]).await? {
                Ok(position) => return see(&mut book, position).await.map(|()| true),
                Err(position) => see(&mut book, position).await?,
            }
        }
        let busy = Failure::new(Class::Unavailable, "busy", format!("{id} keeps being changed"));
        Err(busy.at("id", id).with_hint("try again"))
    }

    async fn put_subscription(
        &self,
        who: &Identity,
        request: PutSubscriptionRequest,
    ) -> Result<PutSubscriptionResponse, Failure> {
        let subscription = request
            .subscription
            .ok_or_else(|| missing("subscription", "the request holds no subscription"))?;
        who.check_change(tenant_of(&subscription.id))?;
        let actor = who.actor(request.actor);
        let warnings = {
            let book = self.book().await?;
            let book = book.borrow();
            decide::put_subscription(&book.notify, &subscription, &actor, self.context.clock.now())?;
            warnings(&book, &subscription, &Terms::check(&subscription)?)
        };
        if request.validate_only {
            let now = self.context.clock.now();
            let since = read_instant(request.since.as_ref(), "since")?;
            let since = since.unwrap_or_else(|| now.checked_sub(A_YEAR).unwrap_or(Timestamp::MIN));
            let (count, mut sent) = self.rehearse(who, &subscription, since, now).await?;
            within_limit(&mut sent);
            let info = SubscriptionInfo { subscription: Some(subscription), ..SubscriptionInfo::default() };
            return Ok(PutSubscriptionResponse {
                subscription: Some(info),
                changed: false,
                would_have_sent: sent,
                would_have_sent_count: count,
                warnings,
            });
        }
        let id = subscription.id.clone();
        let decide = |book: &Book, now| {
            let put = decide::put_subscription(&book.notify, &subscription, &actor, now)?;
            let before = book.notify.subscriptions().get(id.as_str()).map_or(0, |listed| listed.position);
            Ok(put.map(|put| (Fact::SubscriptionPut(put), before)))
        };
        let changed = self.change(&id, subscription_stream, decide).await?;
        let book = self.book.borrow();
        let info = subscription_info(&book.notify, &id, self.context.clock.now());
        Ok(PutSubscriptionResponse { subscription: info, changed, warnings, ..Default::default() })
    }

    /// What a subscription would have told.
    async fn rehearse(
        &self,
        who: &Identity,
        subscription: &Subscription,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(u64, Vec<Notification>), Failure> {
        let limits = self.book.borrow().notify.limits;
        let mut replay = Replay::new(subscription.clone(), since, limits);
        let (mut items, handle) = (self.alerts.read(Streams::All, 0), tokio::runtime::Handle::current());
        let name = self.alerts.name().to_owned();
        let run = move |stop: &Stop| {
            // A thread does not wait longer for the log than its caller does.
            let mut next = || handle.block_on(async { tokio::time::timeout(PATIENCE, items.next()).await });
            while let Ok(Some(item)) = next() {
                stop.check()?;
                match item? {
                    Item::Event(event) => replay.take(&event)?,
                    Item::CaughtUp(_) => return Ok(replay.finish(now)),
                }
            }
            Err(ended(&name).into())
        };
        tokio::time::timeout(PATIENCE, self.context.work.run(who, run)).await.map_err(|_| {
            let message = format!("the log was not run through within {} s", PATIENCE.as_secs());
            Failure::new(Class::Unavailable, "alerts-log-slow", message)
                .with_hint("ask for less with `since`")
        })?
    }

    async fn put_silence(
        &self,
        who: &Identity,
        request: PutSilenceRequest,
    ) -> Result<PutSilenceResponse, Failure> {
        let mut silence =
            request.silence.ok_or_else(|| missing("silence", "the request holds no silence"))?;
        let new = identifier_of(&request.tenant, &Uuid::now_v7().to_string());
        let id = if silence.id.is_empty() { new.clone() } else { silence.id.clone() };
        own_tenant(&request.tenant, &id)?;
        let own = Scope::Of(tenant_of(&id).into());
        who.check_change(tenant_of(&id))?;
        silence.author = who.actor(silence.author);
        let book = self.book().await?;
        let words = words(&book.borrow(), &own);
        let warnings = words.unknown(&silence.filter.clone().unwrap_or_default());
        if request.validate_only {
            let (book, now) = (book.borrow(), self.context.clock.now());
            let put = decide::put_silence(&book.notify, &silence, &new, now)?;
            let would = Silenced::stored(put.silence.unwrap_or_default(), put.revision, 0);
            let alerts = count(book.notify.held_by(&would));
            let info = SilenceInfo { alerts, ..silence_info(&would, now) };
            let firing = firing_within(&book, &own);
            return Ok(PutSilenceResponse { silence: Some(info), warnings, firing });
        }
        let decide = |book: &Book, now| {
            let put = decide::put_silence(&book.notify, &silence, &new, now)?;
            let before = book.notify.silences().get(id.as_str()).map_or(0, |silence| silence.position);
            Ok(Some((Fact::SilencePut(put), before)))
        };
        self.change(&id, silence_stream, decide).await?;
        let book = self.book.borrow();
        let silence = decide::silence_of(&book.notify, &id)?;
        let silence = Some(silence_info(silence, self.context.clock.now()));
        Ok(PutSilenceResponse { silence, warnings, firing: firing_within(&book, &own) })
    }

    async fn end_silence(
        &self,
        who: &Identity,
        request: EndSilenceRequest,
    ) -> Result<EndSilenceResponse, Failure> {
        let EndSilenceRequest { silence: id, actor } = request;
        who.check_change(tenant_of(&id))?;
        let actor = who.actor(actor);
        let decide = |book: &Book, now| {
            let ended = decide::end_silence(&book.notify, &id, &actor, now)?;
            let before = decide::silence_of(&book.notify, &id)?.position;
            Ok(ended.map(|ended| (Fact::SilenceEnded(ended), before)))
        };
        self.change(&id, silence_stream, decide).await?;
        let book = self.book.borrow();
        let silence = decide::silence_of(&book.notify, &id)?;
        Ok(EndSilenceResponse { silence: Some(silence_info(silence, self.context.clock.now())) })
    }

    async fn put_inhibition(
        &self,
        who: &Identity,
        request: PutInhibitionRequest,
    ) -> Result<PutInhibitionResponse, Failure> {
        let inhibition =
            request.inhibition.ok_or_else(|| missing("inhibition", "the request holds no inhibition"))?;
        let id = inhibition.id.clone();
        who.check_change(tenant_of(&id))?;
        let actor = who.actor(request.actor);
        let decide = |book: &Book, _| {
            let put = decide::put_inhibition(&book.notify, &inhibition, &actor)?;
            Ok(put.map(|put| (Fact::InhibitionPut(put), inhibition_position(&book.notify, &id))))
        };
        let changed = self.change(&id, inhibition_stream, decide).await?;
        let book = self.book.borrow();
        let words = words(&book, &Scope::Of(tenant_of(&id).into()));
        let sides = [&inhibition.source, &inhibition.target].into_iter().flatten();
        let mut warnings: Vec<String> = sides.flat_map(|side| words.unknown(side)).collect();
        warnings.extend(words.unknown_fields(&Field::read_all(&inhibition.equal, "equal")?));
        Ok(PutInhibitionResponse { inhibition: inhibition_info(&book.notify, &id), changed, warnings })
    }

    async fn acknowledge(
        &self,
        who: &Identity,
        mut request: AcknowledgeAlertRequest,
    ) -> Result<AcknowledgeAlertResponse, Failure> {
        let id = request.alert.clone();
        who.check_change(tenant_of(&id))?;
        request.owner = who.actor(request.owner);
        let decide = |book: &Book, now| {
            let alert = explain::alert_of(book, &id)?;
            let fact = decide::acknowledge_alert(&alert, &request, now)?;
            Ok(Some((Fact::Acknowledged(fact), acknowledgement_position(&book.notify, &id))))
        };
        self.change(&id, acknowledgement_stream, decide).await?;
        let book = self.book.borrow();
        let acknowledged = book.notify.acknowledged(&id);
        let standing = acknowledged.and_then(|record| record.standing(self.context.clock.now()));
        Ok(AcknowledgeAlertResponse { acknowledgement: standing.cloned() })
    }

    async fn drill(&self, who: &Identity, request: RunDrillRequest) -> Result<RunDrillResponse, Failure> {
        visible_alert(who, &request.alert)?;
        if !request.receiver.is_empty() {
            who.check_change(tenant_of(&request.receiver))?;
        }
        let mut book = self.book().await?;
        let now = self.context.clock.now();
        let messages = |book: &Book| {
            let alert = Some(&request.alert).filter(|alert| !alert.is_empty());
            let alert = alert.map(|alert| explain::alert_of(book, alert)).transpose()?;
            drill(&book.notify, &request.receiver, alert, who, now)
        };
        tracing::info!(actor = who.actor(request.actor.clone()), "a drill is asked for");
        let mut notifications = Vec::new();
        let all = messages(&book.borrow())?;
        for mut message in all {
            let line = (message.receiver.clone(), message.subscription.clone(), message.group.clone());
            for _ in 0..ATTEMPTS {
                let id = message.id.clone();
                match put(&*self.alerts, message, now).await? {
                    Ok(position) => {
                        see(&mut book, position).await?;
                        notifications.push(id);
                        break;
                    }
                    Err(position) => see(&mut book, position).await?,
                }
                // Another message of the group was faster: this one comes after it.
                let again = messages(&book.borrow())?.into_iter().find(|message| {
                    (&message.receiver, &message.subscription, &message.group) == (&line.0, &line.1, &line.2)
                });
                let Some(next) = again else { break };
                message = next;
            }
        }
        Ok(RunDrillResponse { notifications })
    }
}

fn missing(field: &str, message: &str) -> Failure {
    Failure::new(Class::Invalid, format!("missing-{field}"), message).at(field, "")
}

/// Keeps the newest messages that fit into an answer.
fn within_limit(sent: &mut Vec<Notification>) {
    let mut bytes = 0;
    let fits = |notification: &&Notification| {
        bytes += notification.encoded_len();
        bytes <= ANSWER_BYTES
    };
    let kept = sent.iter().take_while(fits).count();
    sent.truncate(kept);
}

fn inhibition_position(state: &State, id: &str) -> Position {
    state.inhibitions().get(id).map_or(0, |inhibiting| inhibiting.position)
}

fn acknowledgement_position(state: &State, alert: &str) -> Position {
    state.acknowledged(alert).map_or(0, |record| record.position)
}

#[tonic::async_trait]
impl NotificationService for Notifications {
    async fn put_subscription(
        &self,
        request: Request<PutSubscriptionRequest>,
    ) -> Result<Response<PutSubscriptionResponse>, Status> {
        let who = Identity::of(&request);
        Ok(Response::new(self.put_subscription(&who, request.into_inner()).await?))
    }

    async fn list_subscriptions(
        &self,
        request: Request<ListSubscriptionsRequest>,
    ) -> Result<Response<ListSubscriptionsResponse>, Status> {
        let who = Identity::of(&request);
        let owner = request.into_inner().owner;
        let book = self.book().await?;
        let book = book.borrow();
        let seen = book.notify.standing().filter(|(id, ..)| who.may_read(tenant_of(id)));
        let wanted = seen.filter(|(.., one)| owner.is_empty() || one.owner == owner);
        let now = self.context.clock.now();
        let subscriptions = wanted.filter_map(|(id, ..)| subscription_info(&book.notify, id, now)).collect();
        Ok(Response::new(ListSubscriptionsResponse { subscriptions }))
    }

    async fn remove_subscription(
        &self,
        request: Request<RemoveSubscriptionRequest>,
    ) -> Result<Response<RemoveSubscriptionResponse>, Status> {
        let who = Identity::of(&request);
        let RemoveSubscriptionRequest { subscription: id, actor } = request.into_inner();
        who.check_change(tenant_of(&id))?;
        let actor = who.actor(actor);
        let decide = |book: &Book, _| {
            let before = book.notify.subscriptions().get(id.as_str()).map_or(0, |listed| listed.position);
            let removed = decide::remove_subscription(&book.notify, &id, &actor);
            Ok(removed.map(|removed| (Fact::SubscriptionRemoved(removed), before)))
        };
        let removed = self.change(&id, subscription_stream, decide).await?;
        Ok(Response::new(RemoveSubscriptionResponse { removed }))
    }

    async fn put_silence(
        &self,
        request: Request<PutSilenceRequest>,
    ) -> Result<Response<PutSilenceResponse>, Status> {
        let who = Identity::of(&request);
        Ok(Response::new(self.put_silence(&who, request.into_inner()).await?))
    }

    async fn list_silences(
        &self,
        request: Request<ListSilencesRequest>,
    ) -> Result<Response<ListSilencesResponse>, Status> {
        let who = Identity::of(&request);
        let also_over = request.into_inner().also_over;
        let book = self.book().await?;
        let book = book.borrow();
        let now = self.context.clock.now();
        let all = book.notify.silences().values();
        let wanted = all.filter(|silence| who.may_read(tenant_of(&silence.silence.id)));
        let wanted = wanted.filter(|silence| also_over || silence.state(now) != SilenceState::Over);
        let mut silences: Vec<&Silenced> = wanted.collect();
        silences.sort_by_key(|silence| std::cmp::Reverse((silence.from, silence.position)));
        let silences = silences.into_iter().map(|silence| silence_info(silence, now)).collect();
        Ok(Response::new(ListSilencesResponse { silences }))
    }

    async fn end_silence(
        &self,
        request: Request<EndSilenceRequest>,
    ) -> Result<Response<EndSilenceResponse>, Status> {
        let who = Identity::of(&request);
        Ok(Response::new(self.end_silence(&who, request.into_inner()).await?))
    }

    async fn put_inhibition(
        &self,
        request: Request<PutInhibitionRequest>,
    ) -> Result<Response<PutInhibitionResponse>, Status> {
        let who = Identity::of(&request);
        Ok(Response::new(self.put_inhibition(&who, request.into_inner()).await?))
    }

    async fn list_inhibitions(
        &self,
        request: Request<ListInhibitionsRequest>,
    ) -> Result<Response<ListInhibitionsResponse>, Status> {
        let who = Identity::of(&request);
        let book = self.book().await?;
        let book = book.borrow();
        let ids = book.notify.inhibitions().keys().filter(|id| who.may_read(tenant_of(id)));
        let inhibitions = ids.filter_map(|id| inhibition_info(&book.notify, id)).collect();
        Ok(Response::new(ListInhibitionsResponse { inhibitions }))
    }

    async fn remove_inhibition(
        &self,
        request: Request<RemoveInhibitionRequest>,
    ) -> Result<Response<RemoveInhibitionResponse>, Status> {
        let who = Identity::of(&request);
        let RemoveInhibitionRequest { inhibition: id, actor } = request.into_inner();
        who.check_change(tenant_of(&id))?;
        let actor = who.actor(actor);
        let decide = |book: &Book, _| {
            let removed = decide::remove_inhibition(&book.notify, &id, &actor);
            Ok(removed
                .map(|removed| (Fact::InhibitionRemoved(removed), inhibition_position(&book.notify, &id))))
        };
        let removed = self.change(&id, inhibition_stream, decide).await?;
        Ok(Response::new(RemoveInhibitionResponse { removed }))
    }

    async fn acknowledge_alert(
        &self,
        request: Request<AcknowledgeAlertRequest>,
    ) -> Result<Response<AcknowledgeAlertResponse>, Status> {
        let who = Identity::of(&request);
        Ok(Response::new(self.acknowledge(&who, request.into_inner()).await?))
    }

    async fn unacknowledge_alert(
        &self,
        request: Request<UnacknowledgeAlertRequest>,
    ) -> Result<Response<UnacknowledgeAlertResponse>, Status> {
        let who = Identity::of(&request);
        let mut request = request.into_inner();
        let id = request.alert.clone();
        who.check_change(tenant_of(&id))?;
        request.actor = who.actor(request.actor);
        let decide = |book: &Book, now| {
            explain::alert_of(book, &id)?;
            let fact = decide::unacknowledge_alert(&book.notify, &request, now)?;
            Ok(fact.map(|fact| (Fact::Unacknowledged(fact), acknowledgement_position(&book.notify, &id))))
        };
        let changed = self.change(&id, acknowledgement_stream, decide).await?;
        Ok(Response::new(UnacknowledgeAlertResponse { changed }))
    }

    async fn list_holds(
        &self,
        request: Request<ListHoldsRequest>,
    ) -> Result<Response<ListHoldsResponse>, Status> {
        let who = Identity::of(&request);
        let alerts = request.into_inner().alerts;
        if alerts.len() > MOST_ALERTS {
            let message = format!("at most {MOST_ALERTS} alerts can be asked about at a time");
            let wrong = Failure::new(Class::Invalid, "too-many", message);
            return Err(wrong.at("alerts", alerts.len().to_string()).into());
        }
        let book = self.book().await?;
        let book = book.borrow();
        let now = self.context.clock.now();
        let seen = alerts.iter().filter(|alert| who.may_read(tenant_of(alert)));
        let holds = seen.filter_map(|alert| hold(&book.notify, alert, now)).collect();
        Ok(Response::new(ListHoldsResponse { holds }))
    }

    async fn run_drill(
        &self,
        request: Request<RunDrillRequest>,
    ) -> Result<Response<RunDrillResponse>, Status> {
        let who = Identity::of(&request);
        Ok(Response::new(self.drill(&who, request.into_inner()).await?))
    }

    async fn explain_alert(
        &self,
        request: Request<ExplainAlertRequest>,
    ) -> Result<Response<ExplainAlertResponse>, Status> {
        let who = Identity::of(&request);
        let alert = request.into_inner().alert;
        visible_alert(&who, &alert)?;
        let mut book = self.book.clone();
        wait_for(&mut book, |book| book.is_current).await?;
        let now = self.context.clock.now();
        let explained = explain::explain(&*self.alerts, &book, &who, &alert, now).await?;
        Ok(Response::new(explained))
    }
}
