//! Quiet hours, digests and heartbeats, by the clocks of a place.
use jiff::Timestamp;
use orewatch_alerting::notify::digest::DigestTimes;
use orewatch_alerting::notify::quiet::{QuietWindow, next_audible};
use orewatch_contracts::alerting::v1::*;

use crate::kit::*;

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn hours(from: &str, until: &str, zone: &str) -> QuietHours {
    QuietHours {
        from: from.to_owned(),
        until: until.to_owned(),
        zone: zone.to_owned(),
        ..QuietHours::default()
    }
}

fn window(from: &str, until: &str, zone: &str) -> Vec<QuietWindow> {
    vec![QuietWindow::read(&hours(from, until, zone), "quiet[0]").unwrap()]
}

#[test]
fn quiet_hours_end_in_their_time_zone() {
    let night = window("22:00", "07:00", "Europe/Brussels");
    let ends = |time: &str| next_audible(&night, "warning", instant(time)).unwrap();
    assert_eq!(
        ends("2026-01-10T20:59:59Z"),
        instant("2026-01-10T20:59:59Z"),
        "winter, one hour ahead of UTC"
    );
    assert_eq!(ends("2026-01-10T21:00:00Z"), instant("2026-01-11T06:00:00Z"));
    assert_eq!(ends("2026-07-10T20:00:00Z"), instant("2026-07-11T05:00:00Z"), "summer, two hours ahead");
    assert_eq!(
        ends("2026-07-11T05:00:00Z"),
        instant("2026-07-11T05:00:00Z"),
        "the end does not belong to it"
    );
}

#[test]
fn quiet_hours_follow_a_change_of_clocks() {
    let night = window("22:00", "07:00", "Europe/Brussels");
    let ends = |time: &str| next_audible(&night, "warning", instant(time)).unwrap();
    // 29 March 2026: clocks go from 2:00 to 3:00; 25 October: from 3:00 back to 2:00.
    assert_eq!(ends("2026-03-28T22:00:00Z"), instant("2026-03-29T05:00:00Z"), "a night of eight hours");
    assert_eq!(ends("2026-10-24T21:00:00Z"), instant("2026-10-25T06:00:00Z"), "a night of ten hours");
    let skipped = window("01:00", "02:30", "Europe/Brussels");
    assert_eq!(
        next_audible(&skipped, "warning", instant("2026-03-29T00:30:00Z")).unwrap(),
        instant("2026-03-29T01:30:00Z"),
        "an end that clocks skip is as much later as they skip"
    );
    let twice = window("01:00", "02:30", "Europe/Brussels");
    assert_eq!(
        next_audible(&twice, "warning", instant("2026-10-25T00:10:00Z")).unwrap(),
        instant("2026-10-25T00:30:00Z"),
        "an end that clocks show twice is the first of the two"
    );
}

#[test]
fn windows_begin_on_their_weekdays_and_adjoining_windows_join() {
    let weekend = QuietHours {
        weekdays: vec!["saturday".to_owned(), "sunday".to_owned()],
        ..hours("00:00", "00:00", "")
    };
    let night = hours("22:00", "07:00", "");
    let windows: Vec<QuietWindow> =
        [&weekend, &night].iter().map(|hours| QuietWindow::read(hours, "quiet").unwrap()).collect();
    let ends = |time: &str| next_audible(&windows, "warning", instant(time)).unwrap();
    // 10 January 2026 is a Saturday.
    assert_eq!(ends("2026-01-09T23:00:00Z"), instant("2026-01-12T07:00:00Z"));
    assert_eq!(ends("2026-01-12T08:00:00Z"), instant("2026-01-12T08:00:00Z"));
}

#[test]
fn messages_wait_for_the_end_of_quiet_hours_except_for_exempt_severities() {
    let mut world = World::new();
    let quiet =
        QuietHours { except_severities: vec!["critical".to_owned()], ..hours("13:00", "15:00", "UTC") };
    world.subscribe(Subscription { quiet: vec![quiet], ..prompt() });
    world.advance_to(HOUR);
    world.fire("a");
    world.fire_as("b", "critical");
    world.advance_to(HOUR + 60);
    assert_eq!(world.new_messages(), ["3600 FIRST ops +b"]);
    world.resolve("b").advance_to(2 * HOUR);
    assert_eq!(world.new_messages(), [""; 0], "its end is told with the severity that it has then");
    world.advance_to(DAY);
    assert_eq!(world.new_messages(), ["10800 NEW_ALERTS ops +a -b"]);
}

#[test]
fn an_alert_resolved_within_quiet_hours_is_not_notified() {
    let mut world = World::new();
    world.subscribe(Subscription { quiet: vec![hours("13:00", "15:00", "UTC")], ..prompt() });
    world.advance_to(HOUR).fire("a").advance_to(HOUR + 60);
    world.resolve("a").advance_to(DAY);
    assert_eq!(world.new_messages(), [""; 0]);
}

#[test]
fn the_end_of_a_silence_waits_for_the_end_of_quiet_hours() {
    let mut world = World::new();
    world.subscribe(Subscription { quiet: vec![hours("13:00", "15:00", "UTC")], ..prompt() });
    world.silence("s", &["a"], 0, 2 * HOUR);
    world.fire("a").advance_to(DAY);
    assert_eq!(world.new_messages(), ["10800 SILENCE_OVER ops +a"]);
}

fn digest(at: &str, weekday: &str, zone: &str) -> Digest {
    let [at, weekday, zone] = [at, weekday, zone].map(str::to_owned);
    Digest { at, weekday, zone }
}

#[test]
fn digest_times_follow_their_time_zone() {
    let daily = DigestTimes::read(&digest("08:00", "", "Europe/Brussels"), "digest").unwrap();
    assert_eq!(daily.next(instant("2026-03-28T12:00:00Z")), instant("2026-03-29T06:00:00Z"));
    assert_eq!(daily.next(instant("2026-03-27T12:00:00Z")), instant("2026-03-28T07:00:00Z"));
    assert_eq!(
        daily.next(instant("2026-03-28T07:00:00Z")),
        instant("2026-03-28T07:00:00Z"),
        "at the time itself"
    );
    assert_eq!(daily.last(instant("2026-03-29T05:59:59Z")), instant("2026-03-28T07:00:00Z"));
    let weekly = DigestTimes::read(&digest("02:30", "sunday", "Europe/Brussels"), "digest").unwrap();
    assert_eq!(
        weekly.next(instant("2026-03-28T12:00:00Z")),
        instant("2026-03-29T01:30:00Z"),
        "clocks skip 2:30"
    );
    assert_eq!(weekly.next(instant("2026-03-29T01:30:01Z")), instant("2026-04-05T00:30:00Z"));
}

#[test]
fn a_digest_lists_what_has_changed_since_the_last_one() {
    let mut world = World::new();
    let cadence = Cadence { digest: Some(digest("18:00", "", "")), ..Cadence::default() };
    world.subscribe(Subscription { cadence: Some(cadence), ..prompt() });
    world.fire("a").advance_to(HOUR);
    world.fire("b").advance_to(2 * HOUR);
    world.fire("c").advance_to(3 * HOUR);
    world.resolve("c").advance_to(DAY);
    assert_eq!(world.new_messages(), ["21600 DIGEST ops +a +b -c"], "c was over before anybody was told");
    world.resolve("a").advance_to(2 * DAY);
    assert_eq!(world.new_messages(), [format!("{} DIGEST ops -a", DAY + 6 * HOUR)]);
    world.advance_to(9 * DAY);
    assert_eq!(world.new_messages(), [""; 0], "nothing changed");
}

#[test]
fn a_weekly_digest_repeats_firing_alerts_if_configured() {
    let mut world = World::new();
    let cadence = Cadence {
        digest: Some(digest("09:00", "wednesday", "Asia/Tokyo")),
        repeat: length(7 * 86_400),
        ..Cadence::default()
    };
    world.subscribe(Subscription { cadence: Some(cadence), ..prompt() });
    world.fire("a").advance_to(15 * DAY);
    // Monday noon UTC to Wednesday midnight UTC.
    let first = DAY + 12 * HOUR;
    assert_eq!(
        world.new_messages(),
        [format!("{first} DIGEST ops +a"), format!("{} DIGEST ops +a", first + 7 * DAY)]
    );
}

#[test]
fn heartbeats_come_at_their_interval_and_missed_ones_once() {
    let mut world = World::new();
    world.put_receiver(Receiver { id: "well".to_owned(), heartbeat: length(100), ..Receiver::default() });
    world.advance_to(250);
    assert_eq!(world.new_messages(), ["100 HEARTBEAT well", "200 HEARTBEAT well"]);
    let mut world = world.restarted();
    world.asleep_until(1000).flush();
    assert_eq!(world.new_messages(), ["1000 HEARTBEAT well"]);
    world.disable("well", "");
    world.advance_to(2000);
    assert_eq!(world.new_messages(), [""; 0]);
    world.enable("well");
    world.advance_to(2050);
    assert_eq!(world.new_messages(), ["2000 HEARTBEAT well"]);
    let ids: std::collections::BTreeSet<&str> = world.sent.iter().map(|sent| sent.id.as_str()).collect();
    assert_eq!(ids.len(), world.sent.len());
}
