//! The state as bytes of a snapshot.
use std::sync::Arc;

use orewatch_contracts::alerting::v1::{Alert, Rule, RuleSteps};
use prost::Message;

use super::{
    AlertRecord, BTreeMap, Mark, OpenEvaluation, Revision, RulesState, SharedMap, Suspension, Timestamp,
};
use crate::alert::phase;

#[derive(Clone, PartialEq, Message)]
struct SavedState {
    #[prost(message, repeated, tag = "1")]
    revisions: Vec<SavedRevision>,
    #[prost(message, repeated, tag = "2")]
    records: Vec<SavedRecord>,
    #[prost(message, optional, tag = "3")]
    evaluated: Option<SavedMark>,
    #[prost(uint64, tag = "4")]
    evaluations: u64,
    #[prost(message, optional, tag = "5")]
    open: Option<SavedOpen>,
    #[prost(string, repeated, tag = "6")]
    limited: Vec<String>,
    #[prost(message, repeated, tag = "7")]
    since: Vec<SavedSince>,
    #[prost(string, repeated, tag = "8")]
    mismatched: Vec<String>,
    #[prost(message, repeated, tag = "9")]
    suspended: Vec<SavedSuspension>,
    #[prost(message, repeated, tag = "10")]
    steps: Vec<RuleSteps>,
}

#[derive(Clone, PartialEq, Message)]
struct SavedSuspension {
    #[prost(string, tag = "1")]
    rule: String,
    #[prost(uint32, tag = "2")]
    revision: u32,
    #[prost(uint64, tag = "3")]
    steps: u64,
    #[prost(uint64, tag = "4")]
    limit: u64,
    #[prost(int64, tag = "5")]
    seconds: i64,
    #[prost(int32, tag = "6")]
    nanos: i32,
    #[prost(string, tag = "7")]
    reason: String,
}

#[derive(Clone, PartialEq, Message)]
struct SavedSince {
    #[prost(string, tag = "1")]
    rule: String,
    #[prost(uint64, tag = "2")]
    position: u64,
}

#[derive(Clone, PartialEq, Message)]
struct SavedRevision {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(uint64, tag = "2")]
    position: u64,
    #[prost(uint32, tag = "3")]
    number: u32,
    #[prost(int64, tag = "4")]
    seconds: i64,
    #[prost(int32, tag = "5")]
    nanos: i32,
    #[prost(message, optional, tag = "6")]
    rule: Option<Rule>,
    #[prost(string, tag = "7")]
    actor: String,
    #[prost(string, tag = "8")]
    reason: String,
    #[prost(bool, tag = "9")]
    re_evaluate: bool,
}

#[derive(Clone, PartialEq, Message)]
struct SavedRecord {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(uint64, tag = "2")]
    position: u64,
    #[prost(message, optional, tag = "3")]
    alert: Option<Arced>,
}

/// An alert as bytes, so that it is encoded without a copy of it.
#[derive(Clone, PartialEq, Message)]
struct Arced {
    #[prost(bytes = "vec", tag = "1")]
    alert: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct SavedMark {
    #[prost(uint64, tag = "1")]
    exposures: u64,
    #[prost(uint64, tag = "2")]
    rules: u64,
    #[prost(int64, optional, tag = "3")]
    as_at: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct SavedOpen {
    #[prost(message, optional, tag = "1")]
    mark: Option<SavedMark>,
    #[prost(message, repeated, tag = "2")]
    before: Vec<SavedRecord>,
    #[prost(message, repeated, tag = "3")]
    opened: Vec<SavedOpened>,
    #[prost(string, repeated, tag = "4")]
    mismatched: Vec<String>,
    #[prost(string, repeated, tag = "5")]
    limited: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct SavedOpened {
    #[prost(string, tag = "1")]
    rule: String,
    #[prost(uint32, tag = "2")]
    begun: u32,
    #[prost(uint32, tag = "3")]
    opened: u32,
}

impl RulesState {
    /// Encodes the state for a snapshot.
    pub fn save(&self) -> Vec<u8> {
        let revisions = self
            .rules
            .iter()
            .flat_map(|(id, revisions)| revisions.iter().map(move |revision| (id, revision)));
        let open = self.open.as_ref().map(|open| SavedOpen {
            mark: Some(open.mark.into()),
            before: open.before.iter().map(saved_record).collect(),
            opened: open
                .opened
                .iter()
                .map(|(rule, (begun, opened))| SavedOpened {
                    rule: rule.clone(),
                    begun: *begun,
                    opened: *opened,
                })
                .collect(),
            mismatched: open.mismatched.iter().cloned().collect(),
            limited: open.limited.iter().cloned().collect(),
        });
        let since = self.since.iter();
        let state = SavedState {
            revisions: revisions.map(saved_revision).collect(),
            records: self.alerts.iter().map(saved_record).collect(),
            evaluated: Some(self.evaluated.into()),
            evaluations: self.evaluations,
            open,
            limited: self.limited.iter().cloned().collect(),
            since: since
                .map(|(rule, position)| SavedSince { rule: rule.clone(), position: *position })
                .collect(),
            mismatched: self.mismatched.iter().cloned().collect(),
            suspended: self.suspended.iter().map(saved_suspension).collect(),
            steps: self
                .steps
                .iter()
                .map(|(rule, steps)| RuleSteps { rule: rule.clone(), steps: *steps })
                .collect(),
        };
        state.encode_to_vec()
    }

    /// Decodes the state from a snapshot. `None`: the bytes are not a state.
    pub fn load(bytes: &[u8]) -> Option<Self> {
        let saved = SavedState::decode(bytes).ok()?;
        let mut state = Self {
            alerts: records(saved.records)?,
            evaluated: saved.evaluated?.into(),
            evaluations: saved.evaluations,
            limited: Arc::new(saved.limited.into_iter().collect()),
            since: Arc::new(saved.since.into_iter().map(|since| (since.rule, since.position)).collect()),
            mismatched: Arc::new(saved.mismatched.into_iter().collect()),
            steps: saved.steps.into_iter().map(|saved| (saved.rule, saved.steps)).collect(),
            suspended: Arc::new(saved.suspended.into_iter().map(suspension).collect::<Option<_>>()?),
            ..Self::default()
        };
        for revision in saved.revisions {
            let time = Timestamp::new(revision.seconds, revision.nanos).ok()?;
            state.revise(
                revision.id,
                Revision {
                    position: revision.position,
                    number: revision.number,
                    time,
                    rule: revision.rule,
                    actor: revision.actor,
                    reason: revision.reason,
                    re_evaluate: revision.re_evaluate,
                },
            );
        }
        state.forget_changes();
        let alerts = state.alerts.values().filter_map(|record| record.alert.as_deref());
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for alert in alerts.filter(|alert| phase(Some(alert)).is_open()) {
            *counts.entry(&alert.rule).or_default() += 1;
        }
        state.counts = counts.into_iter().map(|(rule, count)| (rule.to_owned(), count)).collect();
        if let Some(open) = saved.open {
            let opened = open.opened.into_iter().map(|saved| (saved.rule, (saved.begun, saved.opened)));
            let (mark, before) = (open.mark?.into(), records(open.before)?);
            let mismatched = Arc::new(open.mismatched.into_iter().collect());
            let limited = Arc::new(open.limited.into_iter().collect());
            state.open = Some(OpenEvaluation { mark, before, opened: opened.collect(), mismatched, limited });
        }
        Some(state)
    }
}

fn saved_revision((id, revision): (&String, &Revision)) -> SavedRevision {
    SavedRevision {
        id: id.clone(),
        position: revision.position,
        number: revision.number,
        seconds: revision.time.as_second(),
        nanos: revision.time.subsec_nanosecond(),
        rule: revision.rule.clone(),
        actor: revision.actor.clone(),
        reason: revision.reason.clone(),
        re_evaluate: revision.re_evaluate,
    }
}

fn saved_record((id, record): (&String, &AlertRecord)) -> SavedRecord {
    let alert = record.alert.as_ref().map(|alert| Arced { alert: alert.encode_to_vec() });
    SavedRecord { id: id.clone(), position: record.position, alert }
}

fn saved_suspension((rule, suspension): (&String, &Suspension)) -> SavedSuspension {
    SavedSuspension {
        rule: rule.clone(),
        revision: suspension.revision,
        steps: suspension.steps,
        limit: suspension.limit,
        seconds: suspension.time.as_second(),
        nanos: suspension.time.subsec_nanosecond(),
        reason: suspension.reason.clone(),
    }
}

fn suspension(saved: SavedSuspension) -> Option<(String, Suspension)> {
    let SavedSuspension { rule, revision, steps, limit, seconds, nanos, reason } = saved;
    let time = Timestamp::new(seconds, nanos).ok()?;
    Some((rule, Suspension { revision, steps, limit, time, reason }))
}

fn records(saved: Vec<SavedRecord>) -> Option<SharedMap<String, AlertRecord>> {
    let record = |saved: SavedRecord| {
        let alert = match saved.alert {
            Some(arced) => Some(Arc::new(Alert::decode(arced.alert.as_slice()).ok()?)),
            None => None,
        };
        Some((saved.id, AlertRecord { alert, position: saved.position }))
    };
    saved.into_iter().map(record).collect()
}

impl From<Mark> for SavedMark {
    fn from(mark: Mark) -> Self {
        Self { exposures: mark.exposures, rules: mark.rules, as_at: mark.as_at }
    }
}

impl From<SavedMark> for Mark {
    fn from(saved: SavedMark) -> Self {
        Self { exposures: saved.exposures, rules: saved.rules, as_at: saved.as_at }
    }
}
