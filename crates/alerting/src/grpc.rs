//! The edge: requests in, answers out. No rule lives here.
mod info;
mod put;

use std::collections::VecDeque;
use std::ops::{Bound, RangeInclusive};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use orewatch_contracts::alerting::v1::alerting_service_server::AlertingService;
use orewatch_contracts::alerting::v1::{
    Alert, AlertTransition, BacktestRuleRequest, GetAlertRequest, GetAlertResponse, GetRuleRequest,
    GetRuleResponse, ListAlertsRequest, ListAlertsResponse, ListRulesRequest, ListRulesResponse,
    PutRuleRequest, PutRuleResponse, PutRulesRequest, PutRulesResponse, RemoveRuleRequest,
    RemoveRuleResponse, RuleInfo, SubscribeAlertsRequest,
};
use orewatch_contracts::time::length;
use orewatch_eventlog::{EventLog, Filter as Streams, Item, Position};
use orewatch_runtime::{Class, Context, Failure, Identity};
use prost::Message as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tonic::{Request, Response, Status};

use crate::alert::alert_of;
use crate::append::{append, unnameable};
use crate::aside::answer;
use crate::backtest::request::{Asked, deadline, period};
use crate::backtest::run::{self, Reading, Runner};
use crate::backtest::{Candidate, Replay, Window};
use crate::book::{Book, Latest, View, see, wait_for};
use crate::decide::{self, Author};
use crate::evolve::State;
use crate::facts::{Fact, alert_stream, rule_stream};
use crate::filter::Filter;
use crate::rules::{Checked, check, warnings};
use crate::subscribe::{Beginning, Responses, Selection, Snapshot, Tail, begin, transition};
use crate::tenant::{Scope, tenant_of};
use crate::token::{self, Resume, Start};

use info::{info, standing_info, unknown_words, warnings_of};
use put::admit;

/// How often a change of a rule is decided anew because somebody else was faster.
const ATTEMPTS: usize = 8;
/// How long the answer to a rule that is put waits for its evaluation.
const EVALUATION: Duration = Duration::from_millis(500);
/// Page size where none is asked for, and the largest.
const PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;
/// Most bytes of alerts on a page: well within the limit of a message.
const PAGE_BYTES: usize = 3 << 20;
/// Most transitions that are told with an alert.
const MOST_TRANSITIONS: usize = 1000;
/// How long the history of an alert may take to be read, and how long a subscriber waits for a place.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most subscriptions at a time, and most of them that send a snapshot: each of these holds its alerts until they are taken.
const MOST_SUBSCRIPTIONS: usize = 1024;
const MOST_SNAPSHOTS: usize = 16;
/// How often a quiet stream says that it lives where nothing else is asked for, and what may be asked for.
const HEARTBEAT: Duration = Duration::from_secs(15);
const HEARTBEATS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(300);

/// The service.
#[derive(Debug)]
pub(crate) struct Grpc {
    context: Context,
    alerts: Arc<dyn EventLog>,
    book: watch::Receiver<Book>,
    tail: Arc<Tail>,
    subscriptions: Arc<Semaphore>,
    snapshots: Arc<Semaphore>,
    backtests: Runner,
}

impl Grpc {
    /// The service on what its workers know.
    pub(crate) fn new(
        context: Context,
        alerts: Arc<dyn EventLog>,
        book: watch::Receiver<Book>,
        tail: Arc<Tail>,
        backtests: Runner,
    ) -> Self {
        let [subscriptions, snapshots] =
            [MOST_SUBSCRIPTIONS, MOST_SNAPSHOTS].map(|most| Arc::new(Semaphore::new(most)));
        Self { context, alerts, book, tail, subscriptions, snapshots, backtests }
    }

    /// The book, once all history is in it.
    async fn book(&self) -> Result<watch::Receiver<Book>, Failure> {
        let mut book = self.book.clone();
        wait_for(&mut book, |book| book.caught_up).await?;
        Ok(book)
    }

    /// The book, once it also says how rules stand.
    async fn current(&self) -> Result<watch::Receiver<Book>, Failure> {
        let mut book = self.book.clone();
        wait_for(&mut book, |book| book.is_current).await?;
        Ok(book)
    }

    async fn put(
        &self,
        who: &Identity,
        mut request: PutRuleRequest,
        deadline: Option<Duration>,
    ) -> Result<PutRuleResponse, Failure> {
        let rule = request.rule.clone().ok_or_else(|| {
            Failure::new(Class::Invalid, "missing-rule", "the request holds no rule").at("rule", "")
        })?;
        who.check_change(tenant_of(&rule.id))?;
        request.actor = who.actor(request.actor);
        let mut book = self.book().await?;
        let checked = check(&rule)?;
        if request.validate_only {
            return self.preview(checked, &request, deadline).await;
        }
        let author = Author { actor: &request.actor, reason: &request.reason };
        let is_news = decide::put_rule(book.borrow().state(), &rule, author, request.re_evaluate)?.is_some();
        if is_news {
            admit(&book, vec![checked.clone()]).await?;
        }
        let changed = self
            .change(&mut book, &rule.id, |state| {
                Ok(decide::put_rule(state, &rule, author, request.re_evaluate)?.map(Fact::RulePut))
            })
            .await?;
        self.evaluated(&mut book, &rule.id).await;
        let view = book.borrow().view.clone();
        answer(move || {
            let info = Some(standing_info(&view, &rule.id)?);
            let warnings = warnings_of(&checked, &view);
            Ok(PutRuleResponse { rule: info, changed, warnings, ..PutRuleResponse::default() })
        })
        .await
    }

    /// What a rule would do, on the figures that are kept or else on the log.
    async fn preview(
        &self,
        checked: Checked,
        request: &PutRuleRequest,
        deadline: Option<Duration>,
    ) -> Result<PutRuleResponse, Failure> {
        let author = Author { actor: &request.actor, reason: &request.reason };
        let from = period("preview_from", &request.preview_from)?;
        let candidate = Candidate { rule: checked.rule.clone(), revision: 0 };
        let replay = || Replay::new(std::slice::from_ref(&candidate), Window { from, to: None });
        let (would_change, kept) = {
            let book = self.book().await?;
            let book = book.borrow();
            let put = decide::put_rule(book.state(), &checked.rule, author, request.re_evaluate)?;
            (put.is_some(), replay()?.on(&book.figures, book.folded))
        };
        admit(&self.book, vec![checked.clone()]).await?;
        let preview = match kept {
            Some(replay) => self.backtests.sum_up(replay, deadline).await?,
            None => {
                let reading = Reading { deadline, ..Reading::default() };
                self.backtests.summary(replay()?, reading).await?
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
        let book = self.book().await?;
        let Asked { replay, reading, most } = Asked::read(request, who, book.borrow().state(), deadline)?;
        Ok(self.backtests.stream(replay, reading, most))
    }

    /// Waits a little for a rule to be evaluated, so that the answer can say what it matches.
    async fn evaluated(&self, book: &mut watch::Receiver<Book>, rule: &str) {
        let position = decide::rule_expectation(book.borrow().state(), rule);
        let is_evaluated = |book: &Book| book.is_current && book.state().evaluated().rules >= position;
        // Not having been evaluated is an answer too: then nothing is said of what it matches.
        drop(tokio::time::timeout(EVALUATION, book.wait_for(is_evaluated)).await);
    }

    /// Decides and appends, anew whenever somebody else was faster. Returns whether there was anything to append.
    async fn change(
        &self,
        book: &mut watch::Receiver<Book>,
        rule: &str,
        decide: impl Fn(&State) -> Result<Option<Fact>, Failure>,
    ) -> Result<bool, Failure> {
        for _ in 0..ATTEMPTS {
            let (fact, expected) = {
                let book = book.borrow();
                (decide(book.state())?, decide::rule_expectation(book.state(), rule))
            };
            let Some(fact) = fact else { return Ok(false) };
            let stream = rule_stream(rule).map_err(|error| unnameable(&error))?;
            let event = fact.into_event(&stream, &expected.to_string(), self.context.clock.now());
            match append(&*self.alerts, &stream, expected, vec![event]).await? {
                Ok(position) => return see(book, position).await.map(|()| true),
                Err(position) => see(book, position).await?,
            }
        }
        let busy = Failure::new(Class::Unavailable, "rule-busy", format!("rule {rule} keeps being changed"));
        Err(busy.at("rule", rule).with_hint("try again"))
    }

    async fn history(&self, alert: &str) -> Result<Vec<AlertTransition>, Failure> {
        let stream = alert_stream(alert).map_err(|_| unknown_alert(alert))?;
        let mut items = self.alerts.read(Streams::Under(stream), 0);
        let mut last = VecDeque::new();
        while let Some(item) = items.next().await {
            let event = match item? {
                Item::Event(event) => event,
                Item::CaughtUp(_) => break,
            };
            last.extend(Fact::read(&event)?.and_then(|fact| transition(&event, fact)));
            if last.len() > MOST_TRANSITIONS {
                last.pop_front();
            }
        }
        Ok(last.into())
    }

    async fn get(&self, who: &Identity, request: &GetAlertRequest) -> Result<GetAlertResponse, Failure> {
        visible_alert(who, &request.alert)?;
        let alert = {
            let view = self.current().await?.borrow().view.clone();
            let record = view.state().alerts().get(&request.alert);
            let record = record.ok_or_else(|| unknown_alert(&request.alert))?;
            record.alert.as_deref().map(|alert| view.latest.standing(alert))
        };
        let transitions = tokio::time::timeout(PATIENCE, self.history(&request.alert)).await;
        let transitions = transitions.map_err(|_| {
            let message = format!("the history was not read within {} s", PATIENCE.as_secs());
            Failure::new(Class::Unavailable, "alerts-log-slow", message)
        })??;
        let told = || transitions.last().and_then(|last| last.event.as_ref()).and_then(alert_of).cloned();
        Ok(GetAlertResponse { alert: alert.or_else(told), transitions: within_limit(transitions) })
    }

    async fn subscribe(
        &self,
        who: Arc<Identity>,
        request: SubscribeAlertsRequest,
    ) -> Result<Responses, Failure> {
        let SubscribeAlertsRequest { filter, resume_token, snapshot, heartbeat } = request;
        let (selection, filter) = Selection::new(filter, Scope::Caller(who))?;
        let start = token::start(&resume_token, selection.selector)?;
        let heartbeat = self::heartbeat(heartbeat)?;
        let place = place(&self.subscriptions, "subscriptions", MOST_SUBSCRIPTIONS).await?;
        let book = self.book().await?;
        let (selection, after, snapshot) = match start {
            Start::Now if snapshot => {
                let selection = selection.mirroring(filter)?;
                let place = self::place(&self.snapshots, "snapshots", MOST_SNAPSHOTS).await?;
                let taken_at = self.context.clock.now();
                let view = self.current().await?.borrow().view.clone();
                let taken = answer(move || Ok((snapshot_of(&view, &selection), selection)));
                let ((alerts, latest, position), selection) = taken.await?;
                (selection, position, Some(Snapshot { alerts, latest, taken_at, place }))
            }
            Start::Now => (selection, book.borrow().view.log.position(), None),
            Start::After(_) if snapshot => return Err(snapshot_and_token(&resume_token)),
            Start::After(resume) => {
                let selection = if resume.mirrors { selection.mirroring(filter)? } else { selection };
                (selection, self.within(&book, resume, &resume_token).await?, None)
            }
        };
        let beginning = Beginning { selection, after, snapshot, heartbeat, place };
        Ok(begin(beginning, &self.alerts, &self.tail, &self.context))
    }

    /// The position of a token, which another replica may have given out before this one has come so far.
    async fn within(
        &self,
        book: &watch::Receiver<Book>,
        resume: Resume,
        token: &str,
    ) -> Result<Position, Failure> {
        let head = book.borrow().view.log.position();
        if resume.position <= head || resume.position <= self.alerts.extent().await?.head {
            return Ok(resume.position);
        }
        Err(token::invalid("resume_token", token))
    }
}

/// Alerts that match, by identifier.
fn list(
    who: &Arc<Identity>,
    view: &View,
    request: &ListAlertsRequest,
) -> Result<ListAlertsResponse, Failure> {
    let scope = Scope::Caller(Arc::clone(who));
    let filter = Filter::new(request.filter.clone())?.or_open().within(scope.clone());
    let size = match usize::try_from(request.page_size) {
        Ok(0) => PAGE,
        Ok(size) if size <= LARGEST_PAGE => size,
        _ => return Err(too_large_a_page(request.page_size)),
    };
    let (from, after) = match token::read_page(&request.page_token)? {
        // The token of the first page rests on what was folded then.
        Some((from, _)) if from > view.log.position() => {
            return Err(token::invalid("page_token", &request.page_token));
        }
        Some((from, last)) => (from, Bound::Excluded(last)),
        None => (view.log.position(), Bound::Unbounded),
    };
    let records = view.state().alerts().range_from(after);
    let matching = records.filter_map(|(_, record)| record.alert.as_deref()).filter(|a| filter.matches(a));
    let mut bytes = 0;
    let mut alerts: Vec<Alert> = Vec::new();
    let mut next_page_token = String::new();
    for alert in matching {
        bytes += alert.encoded_len();
        if alerts.len() == size || (bytes > PAGE_BYTES && !alerts.is_empty()) {
            next_page_token = alerts.last().map(|last| token::page(from, &last.id)).unwrap_or_default();
            break;
        }
        alerts.push(view.latest.standing(alert));
    }
    let evaluated_position = evaluated(view.state());
    Ok(ListAlertsResponse {
        alerts,
        next_page_token,
        resume_token: Resume::anywhere(from).token(),
        evaluated_position,
        warnings: if request.page_token.is_empty() {
            unknown_words(view, &scope, request)
        } else {
            Vec::new()
        },
    })
}

/// The alerts that a selection holds, what they are shown with, and the position at which they stand so.
fn snapshot_of(view: &View, selection: &Selection) -> (Vec<Arc<Alert>>, Latest, Position) {
    let alerts = view.state().alerts().values().filter_map(|record| record.alert.as_ref());
    let held = alerts.filter(|alert| selection.holds(alert)).cloned().collect();
    (held, view.latest.clone(), view.log.position())
}

/// Takes one of a bounded number of places, waiting for one.
async fn place(places: &Arc<Semaphore>, of: &str, most: usize) -> Result<OwnedSemaphorePermit, Failure> {
    let waited = tokio::time::timeout(PATIENCE, Arc::clone(places).acquire_owned()).await;
    waited.ok().and_then(Result::ok).ok_or_else(|| {
        let message = format!("{most} {of} are under way, which is the most at a time");
        Failure::new(Class::Exhausted, "too-many-subscriptions", message)
            .with_hint("try again later, or ask another replica")
            .retry_after(PATIENCE)
    })
}

/// How often a quiet stream says that it lives.
fn heartbeat(asked: Option<prost_types::Duration>) -> Result<Duration, Failure> {
    let Some(asked) = asked else { return Ok(HEARTBEAT) };
    let heartbeat = length(&asked);
    heartbeat.filter(|heartbeat| HEARTBEATS.contains(heartbeat)).ok_or_else(|| {
        Failure::new(Class::Invalid, "heartbeat", "a heartbeat is 1 s to 5 min")
            .at("heartbeat", format!("{}.{:09}s", asked.seconds, asked.nanos.unsigned_abs()))
            .with_hint(format!("leave it out for {} s", HEARTBEAT.as_secs()))
    })
}

fn snapshot_and_token(token: &str) -> Failure {
    let message = "a subscription begins with a snapshot or after a token, not both";
    Failure::new(Class::Invalid, "snapshot-and-token", message).at("resume_token", token).with_hint(
        "a token of a subscription that began with a snapshot goes on with it: leave `snapshot` out",
    )
}

/// Keeps the newest transitions that fit into a message.
fn within_limit(mut transitions: Vec<AlertTransition>) -> Vec<AlertTransition> {
    let mut bytes = 0;
    let fits = |transition: &&AlertTransition| {
        bytes += transition.encoded_len();
        bytes <= PAGE_BYTES
    };
    let kept = transitions.iter().rev().take_while(fits).count();
    transitions.split_off(transitions.len() - kept)
}

/// Position of the exposures log that all rules have been evaluated up to.
fn evaluated(state: &State) -> Position {
    let evaluated = state.evaluated();
    if state.is_settled() { evaluated.exposures } else { 0 }
}

pub(crate) fn unknown_alert(alert: &str) -> Failure {
    Failure::new(Class::NotFound, "unknown-alert", format!("there is no alert {alert:?}"))
        .at("alert", alert)
        .with_hint(
            "identifiers read RULE/CONSUMER/MATERIAL/STAGE/SUPPLIER; list the alerts to see which there are",
        )
}

/// Sees to it that a caller may see an alert. To others it is not there.
pub(crate) fn visible_alert(who: &Identity, alert: &str) -> Result<(), Failure> {
    if who.may_read(tenant_of(alert)) { Ok(()) } else { Err(unknown_alert(alert)) }
}

fn too_large_a_page(size: u32) -> Failure {
    Failure::new(Class::Invalid, "page-size", format!("a page holds at most {LARGEST_PAGE} alerts"))
        .at("page_size", size.to_string())
        .with_hint(format!("use 1 to {LARGEST_PAGE}, or 0 for {PAGE}"))
}

#[tonic::async_trait]
impl AlertingService for Grpc {
    type BacktestRuleStream = run::Responses;
    type SubscribeAlertsStream = Responses;

    async fn backtest_rule(
        &self,
        request: Request<BacktestRuleRequest>,
    ) -> Result<Response<run::Responses>, Status> {
        let (who, deadline) = (Identity::of(&request), deadline(request.metadata()));
        Ok(Response::new(self.backtest(&who, request.get_ref(), deadline).await?))
    }

    async fn put_rule(&self, request: Request<PutRuleRequest>) -> Result<Response<PutRuleResponse>, Status> {
        let (who, deadline) = (Identity::of(&request), deadline(request.metadata()));
        Ok(Response::new(self.put(&who, request.into_inner(), deadline).await?))
    }

    async fn put_rules(
        &self,
        request: Request<PutRulesRequest>,
    ) -> Result<Response<PutRulesResponse>, Status> {
        let who = Identity::of(&request);
        Ok(Response::new(self.put_all(&who, request.into_inner()).await?))
    }

    async fn get_rule(&self, request: Request<GetRuleRequest>) -> Result<Response<GetRuleResponse>, Status> {
        let who = Identity::of(&request);
        let rule = request.into_inner().rule;
        let view = self.current().await?.borrow().view.clone();
        if !who.may_read(tenant_of(&rule)) {
            return Err(decide::unknown_rule(&rule).into());
        }
        let rule = answer(move || standing_info(&view, &rule)).await?;
        Ok(Response::new(GetRuleResponse { rule: Some(rule) }))
    }

    async fn list_rules(
        &self,
        request: Request<ListRulesRequest>,
    ) -> Result<Response<ListRulesResponse>, Status> {
        let who = Identity::of(&request);
        let pack = request.into_inner().pack;
        let view = self.current().await?.borrow().view.clone();
        let rules = answer(move || {
            let seen = view.state().standing().filter(|(_, rule)| who.may_read(tenant_of(&rule.id)));
            let wanted = seen.filter(|(_, rule)| pack.is_empty() || rule.pack == pack);
            Ok(wanted.map(|(revision, rule)| info(&view, revision, rule)).collect())
        });
        Ok(Response::new(ListRulesResponse { rules: rules.await? }))
    }

    async fn remove_rule(
        &self,
        request: Request<RemoveRuleRequest>,
    ) -> Result<Response<RemoveRuleResponse>, Status> {
        let who = Identity::of(&request);
        let RemoveRuleRequest { rule, actor, reason } = request.into_inner();
        who.check_change(tenant_of(&rule))?;
        let actor = who.actor(actor);
        let mut book = self.book().await?;
        let author = Author { actor: &actor, reason: &reason };
        let decide = |state: &State| Ok(decide::remove_rule(state, &rule, author)?.map(Fact::RuleRemoved));
        let removed = self.change(&mut book, &rule, decide).await?;
        Ok(Response::new(RemoveRuleResponse { removed }))
    }

    async fn get_alert(
        &self,
        request: Request<GetAlertRequest>,
    ) -> Result<Response<GetAlertResponse>, Status> {
        Ok(Response::new(self.get(&Identity::of(&request), request.get_ref()).await?))
    }

    async fn list_alerts(
        &self,
        request: Request<ListAlertsRequest>,
    ) -> Result<Response<ListAlertsResponse>, Status> {
        let who = Identity::of(&request);
        let view = self.current().await?.borrow().view.clone();
        let request = request.into_inner();
        Ok(Response::new(answer(move || list(&who, &view, &request)).await?))
    }

    async fn subscribe_alerts(
        &self,
        request: Request<SubscribeAlertsRequest>,
    ) -> Result<Response<Responses>, Status> {
        let who = Identity::of(&request);
        Ok(Response::new(self.subscribe(who, request.into_inner()).await?))
    }
}
