//! The gRPC interface of rules and alerts. It decides nothing: it reads requests, calls `decide`, appends,
//! and answers.
mod history;
mod info;
mod page;
mod put;

use std::ops::{Bound, RangeInclusive};
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::alerting::v1::alerting_service_server;
use orewatch_contracts::alerting::v1::{
    Alert, AlertEvent, BacktestRuleRequest, GetAlertRequest, GetAlertResponse, GetRuleRequest,
    GetRuleResponse, ListAlertsRequest, ListAlertsResponse, ListRulesRequest, ListRulesResponse,
    PutRuleRequest, PutRuleResponse, PutRulesRequest, PutRulesResponse, RemoveRuleRequest,
    RemoveRuleResponse, RuleInfo, SubscribeAlertsRequest,
};
use orewatch_contracts::page::{Page, PageSize, invalid_token};
use orewatch_contracts::stale::Answer;
use orewatch_contracts::time::{display_duration, duration};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{EventLog, Position, WaitingLog};
use orewatch_rules::alert::alert_of;
use orewatch_rules::backtest::{Candidate, Replay, Window};
use orewatch_rules::decide::{self, Author};
use orewatch_rules::evolve::RulesState;
use orewatch_rules::facts::{alert_event, rule_stream};
use orewatch_rules::filter::Filter;
use orewatch_rules::rules::{CheckedRule, check, warnings};
use orewatch_rules::tenant::{Scope, tenant_of};
use orewatch_runtime::{Admission, Context, FollowedLog, Identity};
use prost::Message as _;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use crate::actors::{NamesActors, answer};
use crate::append::{append, invalid_stream};
use crate::backtest::request::{ParsedBacktest, call_timeout, read_period};
use crate::backtest::run::{self, BacktestRunner, ReadOptions};
use crate::blocking::compute_answer;
use crate::evaluated::Evaluated;
use crate::observe::{log_rule_change, report_subscribers};
use crate::service_state::{RulesView, ServiceState, wait_for, wait_for_position};
use crate::subscribe::{
    AlertSnapshot, RecentEvents, Responses, Selection, SubscriptionStart, start as start_subscription,
};
use crate::token::{self, ResumeToken, Start};

use history::newest_within_limit;
use info::{current_rule_info, unknown_words, warnings_of};
use put::admit;

/// Attempts to change a rule: each decides anew, because another change was appended first.
const MAX_CHANGE_ATTEMPTS: usize = 8;
/// Time that the answer to a put rule waits for its evaluation.
const EVALUATION_WAIT: Duration = Duration::from_millis(500);
const ALERT_PAGE: PageSize = PageSize::new(100, 1000, "alerts");
/// Time to read the history of an alert.
const HISTORY_TIMEOUT: Duration = Duration::from_secs(10);
/// Time that a subscriber waits for a permit to be sent a snapshot.
const SNAPSHOT_PERMIT_TIMEOUT: Duration = Duration::from_secs(10);
/// Subscriptions at a time.
const MAX_SUBSCRIPTIONS: usize = 1024;
const MAX_SUBSCRIPTIONS_PER_IDENTITY: usize = 256;
/// Subscriptions that are being sent a snapshot: each holds its alerts until they are taken.
const MAX_SNAPSHOTS: usize = 16;
const MAX_SNAPSHOTS_PER_IDENTITY: usize = 4;
/// Heartbeat interval of an idle stream, unless the request has one.
const DEFAULT_HEARTBEAT: Duration = Duration::from_secs(15);
/// Heartbeat intervals that a request may have.
const HEARTBEAT_RANGE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(300);

/// The service of rules and alerts.
#[derive(Debug)]
pub(crate) struct AlertingService {
    context: Context,
    log: Arc<dyn EventLog>,
    service: watch::Receiver<ServiceState>,
    recent: Arc<RecentEvents>,
    subscriptions: Admission,
    snapshots: Admission,
    backtests: BacktestRunner,
    /// The logs that answers rest on.
    followed: Vec<FollowedLog>,
}

impl AlertingService {
    /// The service, on the state that its workers maintain.
    pub(crate) fn new(
        context: Context,
        log: Arc<dyn EventLog>,
        service: watch::Receiver<ServiceState>,
        recent: Arc<RecentEvents>,
        backtests: BacktestRunner,
        followed: Vec<FollowedLog>,
    ) -> Self {
        let subscriptions =
            Admission::new("subscriptions", MAX_SUBSCRIPTIONS, MAX_SUBSCRIPTIONS_PER_IDENTITY);
        report_subscribers(&context.metrics, &subscriptions);
        let snapshots = Admission::new("snapshots", MAX_SNAPSHOTS, MAX_SNAPSHOTS_PER_IDENTITY);
        Self { context, log, service, recent, subscriptions, snapshots, backtests, followed }
    }

    /// Sends an answer. It is marked if a log that it rests on cannot be followed.
    fn respond<T: Answer + NamesActors>(&self, mut message: T) -> Response<T> {
        message.set_stale(self.followed.iter().find_map(FollowedLog::stale));
        answer(message, &self.context)
    }

    /// The state, once the log has been folded to its end.
    async fn caught_up(&self) -> Result<watch::Receiver<ServiceState>, Failure> {
        let mut service = self.service.clone();
        wait_for(&mut service, |service| service.caught_up).await?;
        Ok(service)
    }

    /// The state, once it reflects all that was evaluated before the service started.
    async fn current(&self) -> Result<watch::Receiver<ServiceState>, Failure> {
        let mut service = self.service.clone();
        wait_for(&mut service, |service| service.is_current).await?;
        Ok(service)
    }

    async fn put(
        &self,
        who: &Identity,
        mut request: PutRuleRequest,
        deadline: Option<Duration>,
    ) -> Result<PutRuleResponse, Failure> {
        let rule = request.rule.clone().ok_or_else(|| {
            Failure::new(Class::Invalid, "missing-field", "the request holds no rule").at("rule", "")
        })?;
        who.check_change(tenant_of(&rule.id))?;
        request.actor = who.actor(request.actor);
        let mut service = self.caught_up().await?;
        let checked = compute_answer(move || check(&rule)).await?;
        let id = checked.rule.id.clone();
        if request.validate_only {
            return self.preview(checked, &request, deadline).await;
        }
        let author = Author { actor: &request.actor, reason: &request.reason };
        let is_change =
            decide::put_checked(service.borrow().rules(), &checked, author, request.re_evaluate)?.is_some();
        if is_change {
            admit(&service, vec![checked.clone()]).await?;
        }
        let changed = self
            .change(&mut service, &id, |state| {
                Ok(decide::put_checked(state, &checked, author, request.re_evaluate)?
                    .map(AlertEvent::RulePut))
            })
            .await?;
        self.wait_for_evaluation(&mut service, &id).await;
        let view = service.borrow().view.clone();
        compute_answer(move || {
            let info = Some(current_rule_info(&view, &id)?);
            let warnings = warnings_of(&checked, &view);
            Ok(PutRuleResponse { rule: info, changed, warnings, ..PutRuleResponse::default() })
        })
        .await
    }

    /// What a rule would do, on the figures in memory or, if these do not have its measures, on the log.
    async fn preview(
        &self,
        checked: CheckedRule,
        request: &PutRuleRequest,
        deadline: Option<Duration>,
    ) -> Result<PutRuleResponse, Failure> {
        let author = Author { actor: &request.actor, reason: &request.reason };
        let from = read_period("preview_from", &request.preview_from)?;
        let candidate = Candidate { rule: checked.rule.clone(), revision: 0 };
        let replay = || Replay::new(std::slice::from_ref(&candidate), Window { from, to: None });
        let (would_change, in_memory) = {
            let service = self.caught_up().await?;
            let service = service.borrow();
            let put = decide::put_checked(service.rules(), &checked, author, request.re_evaluate)?;
            (put.is_some(), replay()?.with_figures(&service.figures, service.folded))
        };
        admit(&self.service, vec![checked.clone()]).await?;
        let preview = match in_memory {
            Some(replay) => self.backtests.summarise(replay, deadline).await?,
            None => {
                let options = ReadOptions { deadline, ..ReadOptions::default() };
                self.backtests.summarise_log(replay()?, options).await?
            }
        };
        let is_known = preview.position > 0;
        let warnings = warnings(&checked, is_known.then_some(preview.subjects));
        let info = RuleInfo { rule: Some(checked.rule), ..RuleInfo::default() };
        let preview = Some(preview);
        Ok(PutRuleResponse { rule: Some(info), changed: false, warnings, preview, would_change })
    }

    async fn backtest(
        &self,
        who: &Identity,
        request: &BacktestRuleRequest,
        deadline: Option<Duration>,
    ) -> Result<run::Responses, Failure> {
        let service = self.caught_up().await?;
        let parsed = ParsedBacktest::parse(request, who, service.borrow().rules(), deadline)?;
        let ParsedBacktest { replay, options, max_subjects } = parsed;
        Ok(self.backtests.stream(replay, options, max_subjects))
    }

    /// Waits a little for a rule to be evaluated, so that the answer can say what it matches.
    async fn wait_for_evaluation(&self, service: &mut watch::Receiver<ServiceState>, rule: &str) {
        let position = decide::rule_expectation(service.borrow().rules(), rule);
        let is_evaluated =
            |service: &ServiceState| service.is_current && service.rules().evaluated().rules >= position;
        // If it has not been evaluated, the answer does not say what it matches.
        drop(tokio::time::timeout(EVALUATION_WAIT, service.wait_for(is_evaluated)).await);
    }

    /// Decides and appends, and starts again if another change was appended first. Returns whether there was
    /// anything to append.
    async fn change(
        &self,
        service: &mut watch::Receiver<ServiceState>,
        rule: &str,
        decide: impl Fn(&RulesState) -> Result<Option<AlertEvent>, Failure>,
    ) -> Result<bool, Failure> {
        for _ in 0..MAX_CHANGE_ATTEMPTS {
            let (event, expected) = {
                let service = service.borrow();
                (decide(service.rules())?, decide::rule_expectation(service.rules(), rule))
            };
            let Some(change) = event else { return Ok(false) };
            let stream = rule_stream(rule).map_err(|error| invalid_stream(&error))?;
            let (key, now) = (expected.to_string(), self.context.clock.now());
            let event = alert_event(change.clone(), &stream, &key, now);
            match append(&*self.log, &stream, expected, vec![event]).await? {
                Ok(position) => {
                    log_rule_change(&change);
                    return wait_for_position(service, position).await.map(|()| true);
                }
                Err(position) => wait_for_position(service, position).await?,
            }
        }
        let busy =
            Failure::new(Class::Unavailable, "contended", format!("rule {rule} is being changed by others"));
        Err(busy.at("rule", rule).with_hint("try again"))
    }

    async fn get(&self, who: &Identity, request: &GetAlertRequest) -> Result<GetAlertResponse, Failure> {
        check_visible(who, &request.alert)?;
        let alert = {
            let view = self.current().await?.borrow().view.clone();
            let record = view.rules().alerts().get(&request.alert);
            let record = record.ok_or_else(|| unknown_alert(&request.alert))?;
            record.alert.as_deref().map(|alert| view.evaluated.show(alert))
        };
        let transitions = tokio::time::timeout(HISTORY_TIMEOUT, self.history(&request.alert)).await;
        let transitions = transitions.map_err(|_| {
            let message = format!("the history was not read within {} s", HISTORY_TIMEOUT.as_secs());
            Failure::new(Class::Unavailable, "log-slow", message)
        })??;
        let last_alert =
            || transitions.last().and_then(|last| last.event.as_ref()).and_then(alert_of).cloned();
        Ok(GetAlertResponse {
            alert: alert.or_else(last_alert),
            transitions: newest_within_limit(transitions),
            stale: None,
        })
    }

    async fn subscribe(
        &self,
        who: Arc<Identity>,
        request: SubscribeAlertsRequest,
    ) -> Result<Responses, Failure> {
        let SubscribeAlertsRequest { filter, resume_token, snapshot, heartbeat } = request;
        let scope = scope_of(&who);
        let (selection, filter) = compute_answer(move || Selection::new(filter, scope)).await?;
        let start = token::parse_start(&resume_token, selection.selector)?;
        let heartbeat = heartbeat_interval(heartbeat)?;
        let permit = self.subscriptions.admit(&who)?;
        let service = self.caught_up().await?;
        let (selection, after, snapshot) = match start {
            Start::Now if snapshot => {
                let selection = compute_answer(move || selection.with_mirror(filter)).await?;
                let permit = self.snapshots.admit_within(&who, SNAPSHOT_PERMIT_TIMEOUT).await?;
                let taken_at = self.context.clock.now();
                let view = self.current().await?.borrow().view.clone();
                let taken = compute_answer(move || Ok((take_snapshot(&view, &selection), selection)));
                let ((alerts, evaluated, position), selection) = taken.await?;
                (selection, position, Some(AlertSnapshot { alerts, evaluated, taken_at, permit }))
            }
            Start::Now => (selection, service.borrow().view.log.position(), None),
            Start::After(_) if snapshot => return Err(snapshot_and_token(&resume_token)),
            Start::After(token) => {
                let mirrors = token.mirrors;
                let mirror = move || {
                    if mirrors { selection.with_mirror(filter) } else { Ok(selection) }
                };
                let selection = compute_answer(mirror).await?;
                (selection, self.resume_position(&service, token, &resume_token).await?, None)
            }
        };
        let start = SubscriptionStart { selection, after, snapshot, heartbeat, permit };
        // While the log is away, what it still has to read waits; what is in memory is sent.
        let log = WaitingLog::new(Arc::clone(&self.log)) as Arc<dyn EventLog>;
        Ok(start_subscription(start, &log, &self.recent, &self.context))
    }

    /// The position of a token. It may be ahead of this replica, if another one has issued it.
    async fn resume_position(
        &self,
        service: &watch::Receiver<ServiceState>,
        token: ResumeToken,
        text: &str,
    ) -> Result<Position, Failure> {
        let head = service.borrow().view.log.position();
        if token.position <= head || token.position <= self.log.extent().await?.head {
            return Ok(token.position);
        }
        Err(invalid_token("resume_token", text))
    }
}

/// The alerts that a caller may see.
fn scope_of(who: &Identity) -> Scope {
    who.readable().map_or(Scope::All, |tenants| Scope::VisibleToAny(Arc::new(tenants)))
}

/// One page of the alerts that match, by identifier.
fn list_alerts(
    who: &Arc<Identity>,
    view: &RulesView,
    request: &ListAlertsRequest,
) -> Result<ListAlertsResponse, Failure> {
    let scope = scope_of(who);
    let filter = Filter::new(request.filter.clone())?.or_open().within(scope.clone());
    let size = ALERT_PAGE.resolve(request.page_size)?;
    let (as_of, after) = match token::parse_alert_page_token(&request.page_token)? {
        Some((as_of, _)) if as_of > view.log.position() => {
            return Err(invalid_token("page_token", &request.page_token));
        }
        Some((as_of, last)) => (as_of, Bound::Excluded(last)),
        None => (view.log.position(), Bound::Unbounded),
    };
    let records = view.rules().alerts().range_from(after);
    let matching = records.filter_map(|(_, record)| record.alert.as_deref()).filter(|a| filter.matches(a));
    let page = Page::collect(matching, size, |alert| alert.encoded_len());
    let next_page_token = page.next_token(|last| token::alert_page_token(as_of, &last.id));
    let is_first = request.page_token.is_empty();
    Ok(ListAlertsResponse {
        alerts: page.items.into_iter().map(|alert| view.evaluated.show(alert)).collect(),
        next_page_token,
        resume_token: ResumeToken::for_any_filter(as_of).encode(),
        evaluated_position: evaluated_position(view.rules()),
        warnings: if is_first { unknown_words(view, &scope, request) } else { Vec::new() },
        stale: None,
    })
}

/// The alerts that a selection holds, the figures that they are shown with, and the position of the log.
fn take_snapshot(view: &RulesView, selection: &Selection) -> (Vec<Arc<Alert>>, Evaluated, Position) {
    let alerts = view.rules().alerts().values().filter_map(|record| record.alert.as_ref());
    let held = alerts.filter(|alert| selection.holds(alert)).cloned().collect();
    (held, view.evaluated.clone(), view.log.position())
}

/// The heartbeat interval of an idle stream.
fn heartbeat_interval(asked: Option<prost_types::Duration>) -> Result<Duration, Failure> {
    let Some(asked) = asked else { return Ok(DEFAULT_HEARTBEAT) };
    let heartbeat = duration(&asked);
    heartbeat.filter(|heartbeat| HEARTBEAT_RANGE.contains(heartbeat)).ok_or_else(|| {
        Failure::new(Class::Invalid, "invalid-heartbeat", "the heartbeat interval must be 1 s to 5 min")
            .at("heartbeat", display_duration(&asked))
            .with_hint(format!("leave it out for {} s", DEFAULT_HEARTBEAT.as_secs()))
    })
}

fn snapshot_and_token(token: &str) -> Failure {
    let message = "a subscription begins with a snapshot or after a token, not both";
    Failure::new(Class::Invalid, "snapshot-and-token", message)
        .at("resume_token", token)
        .with_hint("leave `snapshot` out: a subscription that began with a snapshot continues with its token")
}

/// Position of the exposures log up to which all rules have been evaluated. 0: an evaluation is not complete.
fn evaluated_position(state: &RulesState) -> Position {
    let evaluated = state.evaluated();
    if state.is_settled() { evaluated.exposures } else { 0 }
}

/// The failure for an unknown alert.
pub(crate) fn unknown_alert(alert: &str) -> Failure {
    Failure::new(Class::NotFound, "unknown-alert", format!("there is no alert {alert:?}"))
        .at("alert", alert)
        .with_hint("list the alerts; identifiers have the form RULE/CONSUMER/MATERIAL/STAGE/SUPPLIER")
}

/// Checks that a caller may see an alert. To others it does not exist.
///
/// # Errors
/// [`Class::NotFound`] if it may not.
pub(crate) fn check_visible(who: &Identity, alert: &str) -> Result<(), Failure> {
    if who.may_read(tenant_of(alert)) { Ok(()) } else { Err(unknown_alert(alert)) }
}

#[tonic::async_trait]
impl alerting_service_server::AlertingService for AlertingService {
    type BacktestRuleStream = run::Responses;
    type SubscribeAlertsStream = Responses;

    async fn backtest_rule(
        &self,
        request: Request<BacktestRuleRequest>,
    ) -> Result<Response<run::Responses>, Status> {
        let (who, deadline) = (Identity::from_request(&request), call_timeout(request.metadata()));
        Ok(Response::new(self.backtest(&who, request.get_ref(), deadline).await?))
    }

    async fn put_rule(&self, request: Request<PutRuleRequest>) -> Result<Response<PutRuleResponse>, Status> {
        let (who, deadline) = (Identity::from_request(&request), call_timeout(request.metadata()));
        Ok(answer(self.put(&who, request.into_inner(), deadline).await?, &self.context))
    }

    async fn put_rules(
        &self,
        request: Request<PutRulesRequest>,
    ) -> Result<Response<PutRulesResponse>, Status> {
        let who = Identity::from_request(&request);
        Ok(answer(self.put_all(&who, request.into_inner()).await?, &self.context))
    }

    async fn get_rule(&self, request: Request<GetRuleRequest>) -> Result<Response<GetRuleResponse>, Status> {
        let who = Identity::from_request(&request);
        let rule = request.into_inner().rule;
        let view = self.current().await?.borrow().view.clone();
        if !who.may_read(tenant_of(&rule)) {
            return Err(decide::unknown_rule(&rule).into());
        }
        let rule = compute_answer(move || current_rule_info(&view, &rule)).await?;
        Ok(self.respond(GetRuleResponse { rule: Some(rule), stale: None }))
    }

    async fn list_rules(
        &self,
        request: Request<ListRulesRequest>,
    ) -> Result<Response<ListRulesResponse>, Status> {
        let who = Identity::from_request(&request);
        let request = request.into_inner();
        let view = self.current().await?.borrow().view.clone();
        Ok(self.respond(compute_answer(move || page::list_rules(&view, &who, &request)).await?))
    }

    async fn remove_rule(
        &self,
        request: Request<RemoveRuleRequest>,
    ) -> Result<Response<RemoveRuleResponse>, Status> {
        let who = Identity::from_request(&request);
        let RemoveRuleRequest { rule, actor, reason } = request.into_inner();
        who.check_change(tenant_of(&rule))?;
        let actor = who.actor(actor);
        let mut service = self.caught_up().await?;
        let author = Author { actor: &actor, reason: &reason };
        let decide =
            |state: &RulesState| Ok(decide::remove_rule(state, &rule, author)?.map(AlertEvent::RuleRemoved));
        let removed = self.change(&mut service, &rule, decide).await?;
        Ok(Response::new(RemoveRuleResponse { removed }))
    }

    async fn get_alert(
        &self,
        request: Request<GetAlertRequest>,
    ) -> Result<Response<GetAlertResponse>, Status> {
        Ok(self.respond(self.get(&Identity::from_request(&request), request.get_ref()).await?))
    }

    async fn list_alerts(
        &self,
        request: Request<ListAlertsRequest>,
    ) -> Result<Response<ListAlertsResponse>, Status> {
        let who = Identity::from_request(&request);
        let view = self.current().await?.borrow().view.clone();
        let request = request.into_inner();
        Ok(self.respond(compute_answer(move || list_alerts(&who, &view, &request)).await?))
    }

    async fn subscribe_alerts(
        &self,
        request: Request<SubscribeAlertsRequest>,
    ) -> Result<Response<Responses>, Status> {
        let who = Identity::from_request(&request);
        Ok(Response::new(self.subscribe(who, request.into_inner()).await?))
    }
}
