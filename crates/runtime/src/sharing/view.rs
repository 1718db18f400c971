//! Which members are there, from announcements as they were read: plain code over plain values.
//!
//! A member is there for as long as its announcements follow each other. That is measured by the reader's own
//! monotonic clock, so clocks of several machines need not agree.
use std::collections::BTreeMap;
use std::time::Duration;

use orewatch_eventlog::leases::Announcement;
use tokio::time::Instant;

use super::Record;

/// Time after the last announcement that was seen at which a member counts as gone.
pub(super) const LEASE: Duration = Duration::from_secs(3);

/// The members that were seen.
#[derive(Debug, Default)]
pub(super) struct View {
    seen: BTreeMap<String, Seen>,
    /// Last revisions of members that are gone: they may still be read for a while.
    gone: BTreeMap<String, u64>,
}

/// A member, as it was seen last.
#[derive(Debug)]
struct Seen {
    revision: u64,
    /// When this announcement was first seen.
    since: Instant,
    record: Record,
}

impl View {
    /// Takes all announcements that were read at a time.
    pub(super) fn observe(&mut self, now: Instant, found: Vec<Announcement>) {
        for Announcement { member, revision, record } in found {
            let known = self.seen.get(&member).map(|seen| seen.revision);
            let known = known.or_else(|| self.gone.get(&member).copied());
            if known == Some(revision) {
                continue;
            }
            match serde_json::from_slice(&record) {
                Ok(record) => {
                    self.gone.remove(&member);
                    self.seen.insert(member, Seen { revision, since: now, record });
                }
                Err(error) => tracing::warn!(member, %error, "an announcement cannot be read"),
            }
        }
        let is_there =
            |seen: &Seen| !seen.record.is_leaving && now.saturating_duration_since(seen.since) < LEASE;
        let gone = self.seen.extract_if(.., |_, seen| !is_there(seen));
        self.gone.extend(gone.map(|(member, seen)| (member, seen.revision)));
    }

    /// Lets all members begin a new lease: announcements could not be read for a while, and nobody may be
    /// called gone for that.
    pub(super) fn renew_all(&mut self, now: Instant) {
        self.seen.values_mut().for_each(|seen| seen.since = now);
    }

    /// The announcement of a member that was seen last, with its revision.
    pub(super) fn last_of(&self, member: &str) -> Option<(u64, &Record)> {
        self.seen.get(member).map(|seen| (seen.revision, &seen.record))
    }

    /// The members that are there, by name.
    pub(super) fn records(&self) -> BTreeMap<String, Record> {
        self.seen.iter().map(|(member, seen)| (member.clone(), seen.record.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announcement(member: &str, revision: u64) -> Announcement {
        let record = serde_json::to_vec(&Record::default()).unwrap().into();
        Announcement { member: member.to_owned(), revision, record }
    }

    fn names(view: &View) -> Vec<String> {
        view.records().into_keys().collect()
    }

    #[test]
    fn a_member_that_is_not_renewed_is_gone_although_its_announcement_is_still_read() {
        let (mut view, start) = (View::default(), Instant::now());
        view.observe(start, vec![announcement("0", 1), announcement("1", 2)]);
        view.observe(start + LEASE / 2, vec![announcement("1", 2), announcement("0", 3)]);
        assert_eq!(names(&view), ["0", "1"]);
        view.observe(start + LEASE, vec![announcement("1", 2), announcement("0", 4)]);
        assert_eq!(names(&view), ["0"]);
        view.observe(start + LEASE, vec![announcement("1", 2), announcement("0", 4)]);
        assert_eq!(names(&view), ["0"], "the old announcement does not count again");
        view.observe(start + LEASE, vec![announcement("0", 4), announcement("1", 5)]);
        assert_eq!(names(&view), ["0", "1"], "a new one does");
    }

    #[test]
    fn a_member_that_leaves_is_gone_at_once() {
        let (mut view, now) = (View::default(), Instant::now());
        view.observe(now, vec![announcement("0", 1)]);
        let record = serde_json::to_vec(&Record { is_leaving: true, ..Record::default() }).unwrap().into();
        view.observe(now, vec![Announcement { member: "0".to_owned(), revision: 2, record }]);
        assert_eq!(names(&view), Vec::<String>::new());
    }

    #[test]
    fn nobody_is_gone_because_announcements_could_not_be_read() {
        let (mut view, start) = (View::default(), Instant::now());
        view.observe(start, vec![announcement("0", 1)]);
        view.renew_all(start + LEASE * 10);
        view.observe(start + LEASE * 10, Vec::new());
        assert_eq!(names(&view), ["0"]);
        view.observe(start + LEASE * 11, Vec::new());
        assert_eq!(names(&view), Vec::<String>::new());
    }
}
