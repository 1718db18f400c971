//! The gRPC interface of subscriptions, silences, inhibitions and acknowledgements. It decides nothing: it
//! reads requests, calls `decide`, appends, and answers.
mod silences;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::alerting::v1::notification_service_server;
use orewatch_contracts::alerting::v1::{
    AcknowledgeAlertRequest, AcknowledgeAlertResponse, AlertEvent, EndSilenceRequest, EndSilenceResponse,
    ExplainAlertRequest, ExplainAlertResponse, ListHoldsRequest, ListHoldsResponse, ListInhibitionsRequest,
    ListInhibitionsResponse, ListSilencesRequest, ListSilencesResponse, ListSubscriptionsRequest,
    ListSubscriptionsResponse, Notification, PutInhibitionRequest, PutInhibitionResponse, PutSilenceRequest,
    PutSilenceResponse, PutSubscriptionRequest, PutSubscriptionResponse, RemoveInhibitionRequest,
    RemoveInhibitionResponse, RemoveSubscriptionRequest, RemoveSubscriptionResponse, RunDrillRequest,
    RunDrillResponse, SilenceState, Subscription, SubscriptionInfo, UnacknowledgeAlertRequest,
    UnacknowledgeAlertResponse,
};
use orewatch_contracts::page::MAX_PAGE_BYTES;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{EventLog, Filter as Streams, InvalidName, Position, StreamName, history};
use orewatch_rules::facts::{acknowledgement_stream, alert_event, inhibition_stream, subscription_stream};
use orewatch_rules::field::Field;
use orewatch_rules::tenant::{Scope, tenant_of};
use orewatch_runtime::{Context, Identity, Stop};
use prost::Message as _;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use super::decide;
use super::drill::plan_drill;
use super::explain;
use super::info::{inhibition_info, silence_info, subscription_info, warnings, words};
use super::replay::SubscriptionReplay;
use super::route::Route;
use super::silence::SilenceRecord;
use super::state::NotifierState;
use super::time::read_instant;
use super::why::hold_of_alert;
use super::work::append_message;
use crate::actors::answer;
use crate::append::{append, invalid_stream};
use crate::blocking::compute_answer;
use crate::grpc::check_visible;
use crate::service_state::{ServiceState, StateCopy, wait_for, wait_for_position};

/// Attempts to make a change: each decides anew, because another change was appended first.
const MAX_CHANGE_ATTEMPTS: usize = 8;
/// Time that a dry run covers, unless the request says otherwise.
const DEFAULT_DRY_RUN: SignedDuration = SignedDuration::from_hours(365 * 24);
/// Time that a dry run may take.
const DRY_RUN_TIMEOUT: Duration = Duration::from_secs(60);
/// Alerts in one request for holds.
const MAX_ALERTS: usize = 1000;

/// The service of subscriptions, silences, inhibitions and acknowledgements.
#[derive(Debug)]
pub(crate) struct NotificationService {
    pub(crate) context: Context,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) service: watch::Receiver<ServiceState>,
}

/// The event to append, and the position of the last event on its stream. None: there is nothing to append.
type Decision = Option<(AlertEvent, Position)>;

impl NotificationService {
    /// The state, once the log has been folded to its end.
    async fn caught_up(&self) -> Result<watch::Receiver<ServiceState>, Failure> {
        let mut service = self.service.clone();
        wait_for(&mut service, |service| service.caught_up).await?;
        Ok(service)
    }

    /// A copy of the state, once the log has been folded to its end.
    async fn state_copy(&self) -> Result<StateCopy, Failure> {
        Ok(self.caught_up().await?.borrow().to_copy())
    }

    /// Decides and appends, and starts again if another change was appended first. Returns whether there was
    /// anything to append.
    async fn change(
        &self,
        id: &str,
        stream: fn(&str) -> Result<StreamName, InvalidName>,
        decide: impl Fn(&StateCopy, Timestamp) -> Result<Decision, Failure> + Send + Sync + 'static,
    ) -> Result<bool, Failure> {
        let (mut service, decide) = (self.caught_up().await?, Arc::new(decide));
        for _ in 0..MAX_CHANGE_ATTEMPTS {
            let (state, now, decide) =
                (self.state_copy().await?, self.context.clock.now(), Arc::clone(&decide));
            let decision = compute_answer(move || decide(&state, now)).await?;
            let Some((event, expected)) = decision else { return Ok(false) };
            let stream = stream(id).map_err(|error| invalid_stream(&error))?;
            let event = alert_event(event, &stream, &expected.to_string(), now);
            match append(&*self.log, &stream, expected, vec![event]).await? {
                Ok(position) => return wait_for_position(&mut service, position).await.map(|()| true),
                Err(position) => wait_for_position(&mut service, position).await?,
            }
        }
        let busy = Failure::new(Class::Unavailable, "contended", format!("{id} is being changed by others"));
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
        let (state, now) = (self.state_copy().await?, self.context.clock.now());
        let (wanted, by) = (subscription.clone(), actor.clone());
        let warnings = compute_answer(move || {
            decide::put_subscription(&state.notify, &wanted, &by, now)?;
            Ok(warnings(&state.view, &wanted, &Route::check(&wanted)?))
        });
        let warnings = warnings.await?;
        if request.validate_only {
            let now = self.context.clock.now();
            let since = read_instant(request.since.as_ref(), "since")?;
            let since = since.unwrap_or_else(|| now.checked_sub(DEFAULT_DRY_RUN).unwrap_or(Timestamp::MIN));
            let (count, mut sent) = self.dry_run(who, &subscription, since, now).await?;
            keep_newest_within_limit(&mut sent);
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
        let wanted = id.clone();
        let decide = move |state: &StateCopy, now| {
            let put = decide::put_subscription(&state.notify, &subscription, &actor, now)?;
            Ok(put
                .map(|put| (AlertEvent::SubscriptionPut(put), subscription_position(&state.notify, &wanted))))
        };
        let changed = self.change(&id, subscription_stream, decide).await?;
        let (state, now) = (self.state_copy().await?, self.context.clock.now());
        let info = compute_answer(move || Ok(subscription_info(&state.notify, &id, now))).await?;
        Ok(PutSubscriptionResponse { subscription: info, changed, warnings, ..Default::default() })
    }

    /// The messages that a subscription would have sent: how many, and the newest.
    async fn dry_run(
        &self,
        who: &Identity,
        subscription: &Subscription,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(u64, Vec<Notification>), Failure> {
        let limits = self.service.borrow().notify.limits;
        let mut replay = SubscriptionReplay::new(subscription.clone(), since, limits);
        let (mut events, handle) = (history(&*self.log, Streams::All, 0), tokio::runtime::Handle::current());
        let run = move |stop: &Stop| {
            loop {
                // The thread must not wait longer for the log than the caller does.
                let next = async { tokio::time::timeout(DRY_RUN_TIMEOUT, events.next()).await };
                let Ok(next) = handle.block_on(next) else { return Err(dry_run_too_slow()) };
                let Some(event) = next else { return Ok(replay.finish(now)) };
                stop.check()?;
                replay.fold(&event?)?;
            }
        };
        let run = tokio::time::timeout(DRY_RUN_TIMEOUT, self.context.work.run(who, run));
        run.await.map_err(|_| dry_run_too_slow())?
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
        let wanted = inhibition.clone();
        let decide = move |state: &StateCopy, _| {
            let put = decide::put_inhibition(&state.notify, &wanted, &actor)?;
            Ok(put
                .map(|put| (AlertEvent::InhibitionPut(put), inhibition_position(&state.notify, &wanted.id))))
        };
        let changed = self.change(&id, inhibition_stream, decide).await?;
        let state = self.state_copy().await?;
        compute_answer(move || {
            let words = words(&state.view, &Scope::Only(tenant_of(&id).into()));
            let sides = [&inhibition.source, &inhibition.target].into_iter().flatten();
            let mut warnings: Vec<String> = sides.flat_map(|side| words.unknown(side)).collect();
            warnings.extend(words.unknown_fields(&Field::parse_all(&inhibition.equal, "equal")?));
            let inhibition = inhibition_info(&state.notify, &id);
            Ok(PutInhibitionResponse { inhibition, changed, warnings })
        })
        .await
    }

    async fn acknowledge(
        &self,
        who: &Identity,
        mut request: AcknowledgeAlertRequest,
    ) -> Result<AcknowledgeAlertResponse, Failure> {
        let id = request.alert.clone();
        who.check_change(tenant_of(&id))?;
        request.owner = who.actor(request.owner);
        let wanted = id.clone();
        let decide = move |state: &StateCopy, now| {
            let alert = explain::find_recorded(&state.view, &wanted)?;
            let acknowledged = decide::acknowledge_alert(alert, &request, now)?;
            let expected = acknowledgement_position(&state.notify, &wanted);
            Ok(Some((AlertEvent::AlertAcknowledged(acknowledged), expected)))
        };
        self.change(&id, acknowledgement_stream, decide).await?;
        let service = self.service.borrow();
        let record = service.notify.acknowledgement(&id);
        let acknowledgement = record.and_then(|record| record.current(self.context.clock.now()));
        Ok(AcknowledgeAlertResponse { acknowledgement: acknowledgement.cloned() })
    }

    async fn drill(
        &self,
        who: &Arc<Identity>,
        request: RunDrillRequest,
    ) -> Result<RunDrillResponse, Failure> {
        check_visible(who, &request.alert)?;
        if !request.receiver.is_empty() {
            who.check_change(tenant_of(&request.receiver))?;
        }
        let mut service = self.caught_up().await?;
        let now = self.context.clock.now();
        let messages = async || {
            let (state, who, receiver) =
                (self.state_copy().await?, Arc::clone(who), request.receiver.clone());
            let alert = Some(request.alert.clone()).filter(|alert| !alert.is_empty());
            compute_answer(move || {
                let alert = alert.map(|alert| explain::find_alert(&state.view, &alert)).transpose()?;
                plan_drill(&state.notify, &receiver, alert, &who, now)
            })
            .await
        };
        let actor = who.actor(request.actor.clone());
        tracing::info!(actor, "a drill is requested");
        let mut notifications = Vec::new();
        for mut message in messages().await? {
            let destination = (message.receiver.clone(), message.subscription.clone(), message.group.clone());
            for _ in 0..MAX_CHANGE_ATTEMPTS {
                let id = message.id.clone();
                match append_message(&*self.log, message, actor.clone(), now).await? {
                    Ok(position) => {
                        wait_for_position(&mut service, position).await?;
                        notifications.push(id);
                        break;
                    }
                    Err(position) => wait_for_position(&mut service, position).await?,
                }
                // Another message of the group was appended first. The next plan numbers this one after it.
                let (receiver, subscription, group) = &destination;
                let again = messages().await?.into_iter().find(|message| {
                    (&message.receiver, &message.subscription, &message.group)
                        == (receiver, subscription, group)
                });
                let Some(next) = again else { break };
                message = next;
            }
        }
        Ok(RunDrillResponse { notifications })
    }
}

fn missing(field: &str, message: &str) -> Failure {
    Failure::new(Class::Invalid, "missing-field", message).at(field, "")
}

fn dry_run_too_slow() -> Failure {
    let message = format!("the dry run did not end within {} s", DRY_RUN_TIMEOUT.as_secs());
    Failure::new(Class::Unavailable, "log-slow", message).with_hint("cover less time with `since`")
}

/// Keeps the newest messages that fit into an answer.
fn keep_newest_within_limit(sent: &mut Vec<Notification>) {
    let mut bytes = 0;
    let fits = |notification: &&Notification| {
        bytes += notification.encoded_len();
        bytes <= MAX_PAGE_BYTES
    };
    let kept = sent.iter().take_while(fits).count();
    sent.truncate(kept);
}

fn subscription_position(state: &NotifierState, id: &str) -> Position {
    state.subscriptions().get(id).map_or(0, |record| record.position)
}

fn inhibition_position(state: &NotifierState, id: &str) -> Position {
    state.inhibitions().get(id).map_or(0, |record| record.position)
}

fn acknowledgement_position(state: &NotifierState, alert: &str) -> Position {
    state.acknowledgement(alert).map_or(0, |record| record.position)
}

#[tonic::async_trait]
impl notification_service_server::NotificationService for NotificationService {
    async fn put_subscription(
        &self,
        request: Request<PutSubscriptionRequest>,
    ) -> Result<Response<PutSubscriptionResponse>, Status> {
        let who = Identity::from_request(&request);
        Ok(Response::new(self.put_subscription(&who, request.into_inner()).await?))
    }

    async fn list_subscriptions(
        &self,
        request: Request<ListSubscriptionsRequest>,
    ) -> Result<Response<ListSubscriptionsResponse>, Status> {
        let who = Identity::from_request(&request);
        let owner = request.into_inner().owner;
        let (state, now) = (self.state_copy().await?, self.context.clock.now());
        let subscriptions = compute_answer(move || {
            let seen = state.notify.current_subscriptions().filter(|(id, ..)| who.may_read(tenant_of(id)));
            let wanted = seen.filter(|(.., subscription)| owner.is_empty() || subscription.owner == owner);
            Ok(wanted.filter_map(|(id, ..)| subscription_info(&state.notify, id, now)).collect())
        });
        Ok(Response::new(ListSubscriptionsResponse { subscriptions: subscriptions.await? }))
    }

    async fn remove_subscription(
        &self,
        request: Request<RemoveSubscriptionRequest>,
    ) -> Result<Response<RemoveSubscriptionResponse>, Status> {
        let who = Identity::from_request(&request);
        let RemoveSubscriptionRequest { subscription: id, actor } = request.into_inner();
        who.check_change(tenant_of(&id))?;
        let actor = who.actor(actor);
        let wanted = id.clone();
        let decide = move |state: &StateCopy, _| {
            let removed = decide::remove_subscription(&state.notify, &wanted, &actor);
            let expected = subscription_position(&state.notify, &wanted);
            Ok(removed.map(|removed| (AlertEvent::SubscriptionRemoved(removed), expected)))
        };
        let removed = self.change(&id, subscription_stream, decide).await?;
        Ok(Response::new(RemoveSubscriptionResponse { removed }))
    }

    async fn put_silence(
        &self,
        request: Request<PutSilenceRequest>,
    ) -> Result<Response<PutSilenceResponse>, Status> {
        let who = Identity::from_request(&request);
        Ok(answer(self.put_silence(&who, request.into_inner()).await?, &self.context))
    }

    async fn list_silences(
        &self,
        request: Request<ListSilencesRequest>,
    ) -> Result<Response<ListSilencesResponse>, Status> {
        let who = Identity::from_request(&request);
        let also_over = request.into_inner().also_over;
        let service = self.caught_up().await?;
        let service = service.borrow();
        let now = self.context.clock.now();
        let silences = service.notify.silences().values();
        let wanted = silences.filter(|silence| who.may_read(tenant_of(&silence.silence.id)));
        let wanted = wanted.filter(|silence| also_over || silence.state(now) != SilenceState::Over);
        let mut silences: Vec<&Arc<SilenceRecord>> = wanted.collect();
        silences.sort_by_key(|silence| std::cmp::Reverse((silence.from, silence.position)));
        let silences = silences.into_iter().map(|silence| silence_info(silence, now)).collect();
        Ok(answer(ListSilencesResponse { silences }, &self.context))
    }

    async fn end_silence(
        &self,
        request: Request<EndSilenceRequest>,
    ) -> Result<Response<EndSilenceResponse>, Status> {
        let who = Identity::from_request(&request);
        Ok(answer(self.end_silence(&who, request.into_inner()).await?, &self.context))
    }

    async fn put_inhibition(
        &self,
        request: Request<PutInhibitionRequest>,
    ) -> Result<Response<PutInhibitionResponse>, Status> {
        let who = Identity::from_request(&request);
        Ok(Response::new(self.put_inhibition(&who, request.into_inner()).await?))
    }

    async fn list_inhibitions(
        &self,
        request: Request<ListInhibitionsRequest>,
    ) -> Result<Response<ListInhibitionsResponse>, Status> {
        let who = Identity::from_request(&request);
        let state = self.state_copy().await?;
        let inhibitions = compute_answer(move || {
            let ids = state.notify.inhibitions().keys().filter(|id| who.may_read(tenant_of(id)));
            Ok(ids.filter_map(|id| inhibition_info(&state.notify, id)).collect())
        });
        Ok(Response::new(ListInhibitionsResponse { inhibitions: inhibitions.await? }))
    }

    async fn remove_inhibition(
        &self,
        request: Request<RemoveInhibitionRequest>,
    ) -> Result<Response<RemoveInhibitionResponse>, Status> {
        let who = Identity::from_request(&request);
        let RemoveInhibitionRequest { inhibition: id, actor } = request.into_inner();
        who.check_change(tenant_of(&id))?;
        let actor = who.actor(actor);
        let wanted = id.clone();
        let decide = move |state: &StateCopy, _| {
            let removed = decide::remove_inhibition(&state.notify, &wanted, &actor);
            Ok(removed.map(|removed| {
                (AlertEvent::InhibitionRemoved(removed), inhibition_position(&state.notify, &wanted))
            }))
        };
        let removed = self.change(&id, inhibition_stream, decide).await?;
        Ok(Response::new(RemoveInhibitionResponse { removed }))
    }

    async fn acknowledge_alert(
        &self,
        request: Request<AcknowledgeAlertRequest>,
    ) -> Result<Response<AcknowledgeAlertResponse>, Status> {
        let who = Identity::from_request(&request);
        Ok(answer(self.acknowledge(&who, request.into_inner()).await?, &self.context))
    }

    async fn unacknowledge_alert(
        &self,
        request: Request<UnacknowledgeAlertRequest>,
    ) -> Result<Response<UnacknowledgeAlertResponse>, Status> {
        let who = Identity::from_request(&request);
        let mut request = request.into_inner();
        let id = request.alert.clone();
        who.check_change(tenant_of(&id))?;
        request.actor = who.actor(request.actor);
        let wanted = id.clone();
        let decide = move |state: &StateCopy, now| {
            explain::find_recorded(&state.view, &wanted)?;
            let withdrawn = decide::unacknowledge_alert(&state.notify, &request, now)?;
            let expected = acknowledgement_position(&state.notify, &wanted);
            Ok(withdrawn.map(|withdrawn| (AlertEvent::AlertUnacknowledged(withdrawn), expected)))
        };
        let changed = self.change(&id, acknowledgement_stream, decide).await?;
        Ok(Response::new(UnacknowledgeAlertResponse { changed }))
    }

    async fn list_holds(
        &self,
        request: Request<ListHoldsRequest>,
    ) -> Result<Response<ListHoldsResponse>, Status> {
        let who = Identity::from_request(&request);
        let alerts = request.into_inner().alerts;
        if alerts.len() > MAX_ALERTS {
            let message = format!("the request has {} alerts, the limit is {MAX_ALERTS}", alerts.len());
            let wrong = Failure::new(Class::Invalid, "too-many", message);
            return Err(wrong.at("alerts", alerts.len().to_string()).into());
        }
        let service = self.caught_up().await?;
        let service = service.borrow();
        let now = self.context.clock.now();
        let seen = alerts.iter().filter(|alert| who.may_read(tenant_of(alert)));
        let holds = seen.filter_map(|alert| hold_of_alert(&service.notify, alert, now)).collect();
        Ok(answer(ListHoldsResponse { holds }, &self.context))
    }

    async fn run_drill(
        &self,
        request: Request<RunDrillRequest>,
    ) -> Result<Response<RunDrillResponse>, Status> {
        let who = Identity::from_request(&request);
        Ok(Response::new(self.drill(&who, request.into_inner()).await?))
    }

    async fn explain_alert(
        &self,
        request: Request<ExplainAlertRequest>,
    ) -> Result<Response<ExplainAlertResponse>, Status> {
        let who = Identity::from_request(&request);
        let alert = request.into_inner().alert;
        check_visible(&who, &alert)?;
        let mut service = self.service.clone();
        wait_for(&mut service, |service| service.is_current).await?;
        let now = self.context.clock.now();
        let state = service.borrow().to_copy();
        let explained = explain::explain(&*self.log, state, who, &alert, now).await?;
        Ok(answer(explained, &self.context))
    }
}
