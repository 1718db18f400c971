//! Folds transitions of alerts.
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::Alert;
use orewatch_contracts::common::v1::Frequency;
use orewatch_contracts::log::Position;

use super::{AlertRecord, RulesState};
use crate::alert::phase;
use crate::rules::max_open_alerts;

/// Why a transition without an alert is refused.
const MISSING_ALERT: &str = "the alert is missing";

impl RulesState {
    /// Records a transition of an alert.
    pub(super) fn record(&mut self, position: Position, alert: Option<Alert>) -> Result<(), &'static str> {
        let alert = alert.ok_or(MISSING_ALERT)?;
        self.count(&alert);
        self.note_frequency(&alert);
        self.set_record(position, alert.id.clone(), Some(Arc::new(alert)));
        Ok(())
    }

    /// Records that the history of an alert was restated. The present alert changes only by the transition
    /// that may follow.
    pub(super) fn record_restatement(
        &mut self,
        position: Position,
        alert: Option<Alert>,
    ) -> Result<(), &'static str> {
        let alert = alert.ok_or(MISSING_ALERT)?;
        self.set_record(position, alert.id, None);
        Ok(())
    }

    /// Sets the position of an alert's record, and the alert unless that is `None`. During an evaluation the
    /// record before its first change is kept.
    fn set_record(&mut self, position: Position, id: String, alert: Option<Arc<Alert>>) {
        let is_open = self.open.is_some();
        let before = match self.alerts.get_mut(&id) {
            Some(record) => {
                let before = is_open.then(|| record.clone());
                record.position = position;
                record.alert = alert.or_else(|| record.alert.take());
                before
            }
            None => {
                self.alerts.insert(id.clone(), AlertRecord { alert, position });
                is_open.then(AlertRecord::default)
            }
        };
        if let Some((open, before)) = self.open.as_mut().zip(before)
            && !open.before.contains_key(&id)
        {
            open.before.insert(id, before);
        }
    }

    /// Updates the number of open alerts of a rule.
    fn count(&mut self, alert: &Alert) {
        let was = phase(self.alerts.get(&alert.id).and_then(|record| record.alert.as_deref())).is_open();
        let is = phase(Some(alert)).is_open();
        let before = self.counts.get(&alert.rule).copied().unwrap_or_default();
        let count = if was { before.saturating_sub(1) } else { before }.saturating_add(u32::from(is));
        match (self.counts.get_mut(&alert.rule), count) {
            (_, 0) => drop(self.counts.remove(&alert.rule)),
            (Some(place), count) => *place = count,
            (None, count) => drop(self.counts.insert(alert.rule.clone(), count)),
        }
        let Some(open) = &mut self.open else { return };
        let opens = u32::from(!was && is);
        let (begun, opened) = match open.opened.get_mut(&alert.rule) {
            Some((begun, opened)) => {
                *opened = opened.saturating_add(opens);
                (*begun, *opened)
            }
            None => {
                open.opened.insert(alert.rule.clone(), (before, opens));
                (before, opens)
            }
        };
        let last = self.rules.get(&alert.rule).and_then(|revisions| revisions.last());
        let limit = last.and_then(|revision| revision.rule.as_ref()).map(max_open_alerts);
        if limit.is_some_and(|limit| begun.saturating_add(opened) >= limit)
            && !self.limited.contains(&alert.rule)
        {
            Arc::make_mut(&mut self.limited).insert(alert.rule.clone());
        }
    }

    /// Notes whether an alert is on a figure of another frequency than its rule's.
    fn note_frequency(&mut self, alert: &Alert) {
        let last = self.rules.get(&alert.rule).and_then(|revisions| revisions.last());
        let rule = last.and_then(|revision| revision.rule.as_ref());
        let is_monthly = rule.is_some_and(|rule| rule.frequency() == Frequency::Monthly);
        let period = alert.period.parse::<Period>().ok();
        if rule.is_some() && period.is_some_and(|period| period.is_month() != is_monthly) {
            Arc::make_mut(&mut self.mismatched).insert(alert.id.clone());
        } else if self.mismatched.contains(&alert.id) {
            Arc::make_mut(&mut self.mismatched).remove(&alert.id);
        }
    }
}
