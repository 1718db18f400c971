//! What holds whatever happens.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_alerting::folds::Folds;
use orewatch_alerting::notify::{NotifierState, next_due, plan};
use orewatch_contracts::alerting::v1::*;
use proptest::prelude::*;

use crate::kit::*;

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    Fire(usize),
    Resolve(usize),
    Stale(usize),
    Worse(usize),
    Milder(usize),
    Silence {
        of: usize,
        lasts: i64,
    },
    EndSilence(usize),
    Acknowledge(usize, Option<i64>),
    TakeBack(usize),
    Disable,
    Enable,
    Wait(i64),
    /// Time passes while nobody plans.
    Sleep(i64),
}

const NAMES: [&str; 5] = ["a", "b", "a:JPN", "c", "b:FRA"];

fn step() -> impl Strategy<Value = Step> {
    let alert = 0..NAMES.len();
    prop_oneof![
        4 => alert.clone().prop_map(Step::Fire),
        3 => alert.clone().prop_map(Step::Resolve),
        1 => alert.clone().prop_map(Step::Stale),
        1 => alert.clone().prop_map(Step::Worse),
        1 => alert.clone().prop_map(Step::Milder),
        1 => (alert.clone(), 1..2000i64).prop_map(|(of, lasts)| Step::Silence { of, lasts }),
        1 => alert.clone().prop_map(Step::EndSilence),
        1 => (alert.clone(), prop::option::of(60..2000i64))
            .prop_map(|(of, until)| Step::Acknowledge(of, until)),
        1 => alert.prop_map(Step::TakeBack),
        1 => Just(Step::Disable),
        1 => Just(Step::Enable),
        4 => (1..900i64).prop_map(Step::Wait),
        1 => (1..900i64).prop_map(Step::Sleep),
    ]
}

fn subscription() -> impl Strategy<Value = Subscription> {
    let groups = prop_oneof![Just(vec![]), Just(vec!["rule"]), Just(vec!["alert"]), Just(vec!["severity"])];
    let repeat = prop::option::of(60..1200u64);
    (groups, 0..60u64, 0..400u64, repeat, any::<bool>(), any::<bool>()).prop_map(
        |(groups, wait, interval, repeat, without_resolved, escalates)| {
            let step = Escalation { after: length(900), receiver: "boss".to_owned(), severities: vec![] };
            Subscription {
                group_by: groups.into_iter().map(str::to_owned).collect(),
                without_resolved,
                escalation: escalates.then_some(step),
                ..paced(wait, interval, repeat)
            }
        },
    )
}

/// A world, and which of the alerts fire in it.
struct Run {
    world: World,
    firing: BTreeMap<usize, String>,
    seconds: i64,
    is_disabled: bool,
}

impl Run {
    fn new(subscription: Subscription) -> Self {
        let mut world = World::new();
        world.bands("a", &["warning", "critical"]);
        let inhibition = Inhibition {
            id: "i".to_owned(),
            source: Some(alerts_of_rules(&["c"])),
            target: Some(alerts_of_rules(&["b"])),
            equal: vec!["consumer".to_owned()],
        };
        world.inhibit(inhibition);
        world.subscribe(subscription);
        Self { world, firing: BTreeMap::new(), seconds: 0, is_disabled: false }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Fire(k) if !self.firing.contains_key(&k) => {
                self.world.fire(NAMES[k]);
                self.firing.insert(k, "warning".to_owned());
            }
            Step::Resolve(k) if self.firing.remove(&k).is_some() => {
                self.world.resolve(NAMES[k]);
            }
            Step::Stale(k) if self.firing.contains_key(&k) => self.world.stale(NAMES[k], true),
            Step::Worse(k) if self.firing.contains_key(&k) => {
                self.world.change_severity(NAMES[k], "warning", "critical");
            }
            Step::Milder(k) if self.firing.contains_key(&k) => {
                self.world.change_severity(NAMES[k], "critical", "warning");
            }
            Step::Silence { of, lasts } => {
                let id = format!("s{of}-{}", self.world.log.len());
                let names = [NAMES[of].split(':').next().unwrap()];
                self.world.silence(&id, &names, self.seconds, self.seconds + lasts);
            }
            Step::EndSilence(k) => {
                let id = self.world.state.silences().keys().nth(k).cloned();
                let now = self.world.now;
                if let Some(id) = id.filter(|id| self.world.state.silences().get(id).unwrap().until > now) {
                    self.world.end_silence(&id);
                }
            }
            Step::Acknowledge(k, until) if self.firing.contains_key(&k) => {
                self.world.acknowledge(NAMES[k], until.map(|until| self.seconds + until));
            }
            Step::TakeBack(k) if self.firing.contains_key(&k) => self.world.unacknowledge(NAMES[k]),
            Step::Disable if !self.is_disabled => {
                self.world.disable("ops", "");
                self.is_disabled = true;
            }
            Step::Enable if self.is_disabled => {
                self.world.enable("ops");
                self.is_disabled = false;
            }
            Step::Wait(wait) => {
                self.seconds += wait;
                self.world.advance_to(self.seconds);
            }
            Step::Sleep(wait) => {
                self.seconds += wait;
                self.world.asleep_until(self.seconds);
            }
            _ => {}
        }
    }

    /// Lets everything that waits come out.
    fn settle(&mut self) {
        if self.is_disabled {
            self.take(&Step::Enable);
        }
        self.seconds += 10_000;
        self.world.advance_to(self.seconds);
    }

    /// What `ops` knows: the alerts that it believes fire.
    fn known(&self, receiver: &str) -> BTreeSet<String> {
        let mut known = BTreeSet::new();
        for told in
            self.world.sent.iter().filter(|sent| sent.receiver == receiver).flat_map(|sent| &sent.alerts)
        {
            let alert = told.alert.as_ref().unwrap();
            if alert.state() == AlertState::Firing {
                known.insert(alert.id.clone());
            } else {
                known.remove(&alert.id);
            }
        }
        known
    }

    fn firing_ids(&self) -> BTreeSet<String> {
        self.firing.keys().map(|k| firing(NAMES[*k]).id).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Once everything is out, a receiver knows what fires: none is lost. Inhibited ones are those that it
    /// need not know.
    #[test]
    fn finally_every_receiver_knows_which_alerts_fire(
        subscription in subscription(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let with_resolved = !subscription.without_resolved;
        let mut run = Run::new(subscription);
        steps.iter().for_each(|step| run.take(step));
        run.settle();
        let muting = run.world.state.muting();
        let is_inhibited = |id: &str| muting.alert(id).is_some_and(|muting| muting.inhibited_by.is_some());
        let firing = run.world.state.firing().map(|(id, _)| id.to_string());
        let held: BTreeSet<String> = firing.filter(|id| is_inhibited(id)).collect();
        let known = run.known("ops");
        let firing = run.firing_ids();
        for id in firing.difference(&held) {
            prop_assert!(known.contains(id), "{id} fires, unknown to ops: {:?}", run.world.new_messages());
        }
        if with_resolved {
            for receiver in ["ops", "boss"] {
                for id in run.known(receiver) {
                    let told = run.world.new_messages();
                    prop_assert!(firing.contains(&id), "{receiver} believes that {id} fires: {told:?}");
                }
            }
        }
        prop_assert!(run.world.state.tracked_count() <= firing.len(), "what is over is kept by nobody");
    }

    /// An alert that may be told is told within the wait and the interval.
    #[test]
    fn no_notification_is_late(
        subscription in subscription(),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let cadence = subscription.cadence.clone().unwrap();
        let patience = cadence.wait.unwrap().seconds + cadence.interval.unwrap().seconds;
        let mut run = Run::new(subscription);
        let holds = |step: &&Step| matches!(step, Step::Silence { .. } | Step::Disable | Step::Sleep(_));
        steps.iter().filter(|step| !holds(step)).for_each(|step| run.take(step));
        run.settle();
        for (k, event) in run.world.log.iter().enumerate() {
            let is_fired = event.kind.ends_with("AlertFired")
                && !event.stream.as_str().starts_with("alerts.alert.b.");
            let next = run.world.log[k + 1..].iter().find(|next| next.stream == event.stream);
            let latest = plus_seconds(event.time, patience);
            if !is_fired || next.is_some_and(|next| next.time <= latest) {
                continue;
            }
            let told = run.world.sent.iter().find(|sent| {
                sent.receiver == "ops"
                    && sent.alerts.iter().any(|told| told.event_id == event.id.to_string())
            });
            prop_assert!(told.is_some(), "never told: {}", event.stream);
            let planned = time(seconds(told.unwrap()));
            prop_assert!(planned <= latest, "told at {planned}, {latest} at the latest");
        }
    }

    /// Nothing is told twice without a cause.
    #[test]
    fn nothing_is_told_twice(subscription in subscription(), steps in prop::collection::vec(step(), 1..60)) {
        let mut run = Run::new(subscription);
        steps.iter().for_each(|step| run.take(step));
        run.settle();
        let mut seen = BTreeSet::new();
        for sent in &run.world.sent {
            let again = matches!(
                sent.reason(),
                NotificationReason::Repeat | NotificationReason::SilenceOver
                    | NotificationReason::InhibitionOver | NotificationReason::AcknowledgementOver
                    | NotificationReason::NewAlerts | NotificationReason::First
            );
            for told in &sent.alerts {
                let is_new = seen.insert((sent.receiver.clone(), told.event_id.clone()));
                prop_assert!(is_new || again, "{:?} told twice by {:?}", told.event_id, sent.reason());
            }
            prop_assert!(!sent.alerts.is_empty(), "a message says something");
        }
        let ids: BTreeSet<&str> = run.world.sent.iter().map(|sent| sent.id.as_str()).collect();
        prop_assert_eq!(ids.len(), run.world.sent.len());
    }

    /// Folded anew from the log, at any point, the state is the same, and so is what follows from it.
    #[test]
    fn a_restart_changes_nothing(
        subscription in subscription(),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut run = Run::new(subscription);
        for step in &steps {
            run.take(step);
            let again = run.world.restarted();
            prop_assert_eq!(plan(&again.state, run.world.now), plan(&run.world.state, run.world.now));
            prop_assert_eq!(next_due(&again.state, run.world.now), next_due(&run.world.state, run.world.now));
        }
    }

    /// Whoever plans later, or between any two events, tells the same alerts in the end.
    #[test]
    fn the_order_of_arrival_does_not_matter(
        subscription in subscription(),
        names in Just(NAMES.to_vec()).prop_shuffle(),
        over in prop::collection::vec(any::<bool>(), NAMES.len()),
    ) {
        let run = |names: &[&str]| {
            let mut world = World::new();
            world.subscribe(subscription.clone());
            names.iter().for_each(|name| { world.fire(name); });
            world.advance_to(1000);
            for (name, over) in NAMES.iter().zip(&over) {
                if *over {
                    world.resolve(name);
                }
            }
            world.advance_to(5000);
            world.new_messages()
        };
        prop_assert_eq!(run(&names), run(&NAMES));
    }

    /// A message that was planned and whose planner died right after is not planned again, at any split of
    /// the log.
    #[test]
    fn a_death_after_any_event_repeats_nothing(
        subscription in subscription(),
        steps in prop::collection::vec(step(), 1..25),
    ) {
        let mut run = Run::new(subscription);
        steps.iter().for_each(|step| run.take(step));
        for split in 0..=run.world.log.len() {
            let mut state = NotifierState::default();
            run.world.log[..split].iter().for_each(|event| state.evolve(event).unwrap());
            let planned: BTreeSet<&str> = run.world.log[..split].iter()
                .filter_map(|event| event.stream.as_str().strip_prefix("alerts.notification."))
                .filter_map(|rest| rest.split('.').nth(1)).collect();
            for due in plan(&state, run.world.now) {
                prop_assert!(!planned.contains(due.id.as_str()), "planned before the death");
            }
        }
    }
}

/// All that the log of a world folds to.
fn folded(world: &World) -> Folds {
    let mut folds = Folds::default();
    for event in &world.log {
        folds.evolve(event).unwrap();
    }
    folds
}

proptest! {
    #[test]
    fn what_a_snapshot_holds_is_what_the_log_folds_to(
        subscription in subscription(),
        steps in prop::collection::vec(step(), 1..50),
        damage in any::<(prop::sample::Index, u8)>(),
    ) {
        let mut run = Run::new(subscription);
        for step in &steps {
            run.take(step);
            run.world.flush();
        }
        let folds = folded(&run.world);
        prop_assert_eq!(&folds.notify, &run.world.state);
        let bytes = folds.to_bytes();
        let loaded = Folds::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&loaded, &folds);
        // Whatever happens next happens to both in the same way.
        let (mut one, mut other) = (folds, loaded);
        let before = run.world.log.len();
        for step in &steps {
            run.take(step);
        }
        for event in &run.world.log[before..] {
            one.evolve(event).unwrap();
            other.evolve(event).unwrap();
        }
        prop_assert_eq!(&one, &other);
        prop_assert_eq!(plan(&one.notify, run.world.now), plan(&other.notify, run.world.now));
        prop_assert_eq!(next_due(&one.notify, run.world.now), next_due(&other.notify, run.world.now));
        prop_assert_eq!(one.to_bytes(), other.to_bytes());
        // One that is damaged is no panic, whatever it says.
        let mut damaged = bytes;
        let at = damage.0.index(damaged.len());
        damaged[at] ^= damage.1;
        let _unused = Folds::from_bytes(&damaged);
    }
}
