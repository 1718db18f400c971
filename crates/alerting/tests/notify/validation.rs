//! What is wrong with a subscription or an inhibition is said with field, value and what to do.
use orewatch_alerting::notify::decide::{put_inhibition, put_subscription, remove_subscription, warnings};
use orewatch_alerting::notify::route::Route;
use orewatch_contracts::Class;
use orewatch_contracts::alerting::v1::*;
use orewatch_rules::filter::{Filter, RuleWords};

use crate::kit::*;

fn matcher(field: &str, operator: MatchOperator, value: &str) -> AlertFilter {
    let matcher = Matcher { field: field.to_owned(), operator: operator.into(), value: value.to_owned() };
    AlertFilter { matchers: vec![matcher], ..AlertFilter::default() }
}

/// Invalid subscriptions, each with the field of its error and a part of the hint.
fn invalid_subscriptions() -> Vec<(Subscription, &'static str, &'static str)> {
    let base = prompt;
    let cadence = |cadence: Cadence| Subscription { cadence: Some(cadence), ..base() };
    let quiet = |quiet: QuietHours| Subscription { quiet: vec![quiet], ..base() };
    let select = |select: AlertFilter| Subscription { select: Some(select), ..base() };
    let night = QuietHours { from: "22:00".to_owned(), until: "07:00".to_owned(), ..QuietHours::default() };
    let step = Escalation { after: length(60), receiver: "boss".to_owned(), severities: vec![] };
    let escalation = |step: Escalation| Subscription { escalation: Some(step), ..base() };
    let digest = |at: &str, weekday: &str, zone: &str| {
        let [at, weekday, zone] = [at, weekday, zone].map(str::to_owned);
        cadence(Cadence { digest: Some(Digest { at, weekday, zone }), ..Cadence::default() })
    };
    vec![
        (Subscription { id: "No".to_owned(), ..base() }, "id", "lower-case"),
        (Subscription { receiver: "opss".to_owned(), ..base() }, "receiver", "did you mean ops?"),
        (
            Subscription { group_by: vec!["matrial".to_owned()], ..base() },
            "group_by[0]",
            "did you mean material?",
        ),
        (
            select(AlertFilter { materials: vec!["cobolt".to_owned()], ..alerts_of_rules(&[]) }),
            "select.materials[0]",
            "cobalt",
        ),
        (select(matcher("rul", MatchOperator::Equal, "x")), "select.matchers[0].field", "did you mean rule?"),
        (select(matcher("rule", MatchOperator::Matches, "(")), "select.matchers[0].value", "whole field"),
        (
            cadence(Cadence { wait: length(90_000), ..Cadence::default() }),
            "cadence.wait",
            "use 0 s to 86400 s",
        ),
        (cadence(Cadence { repeat: length(5), ..Cadence::default() }), "cadence.repeat", "use 60 s"),
        (digest("8:00", "", ""), "cadence.digest.at", "HH:MM"),
        (digest("08:00", "mondey", ""), "cadence.digest.weekday", "did you mean monday?"),
        (digest("08:00", "", "Europe/Brusels"), "cadence.digest.zone", "did you mean Europe/Brussels?"),
        (quiet(QuietHours { until: "24:00".to_owned(), ..night.clone() }), "quiet[0].until", "write 00:00"),
        (quiet(QuietHours { until: "7".to_owned(), ..night.clone() }), "quiet[0].until", "HH:MM"),
        (
            quiet(QuietHours { from: "00:00".to_owned(), until: "00:00".to_owned(), ..night }),
            "quiet",
            "leave an hour",
        ),
        (
            escalation(Escalation { receiver: "ops".to_owned(), ..step.clone() }),
            "escalation.receiver",
            "another",
        ),
        (
            escalation(Escalation { receiver: "bosss".to_owned(), ..step.clone() }),
            "escalation.receiver",
            "boss",
        ),
        (escalation(Escalation { after: length(1), ..step.clone() }), "escalation.after", "use 60 s"),
        (escalation(Escalation { after: None, ..step }), "escalation.after", "give a duration"),
        (Subscription { expires_at: Some(proto_time(-1)), ..base() }, "expires_at", "it is now"),
    ]
}

#[test]
fn errors_name_the_field_and_what_to_do() {
    let world = World::new();
    for (subscription, field, hint) in invalid_subscriptions() {
        let failure = put_subscription(&world.state, &subscription, "", world.now).unwrap_err();
        assert_eq!(failure.class, Class::Invalid, "{failure}");
        assert_eq!(failure.field, field, "{failure}");
        assert!(failure.hint.contains(hint), "{field}: {failure}");
    }
}

#[test]
fn putting_an_equal_subscription_changes_nothing() {
    let mut world = World::new();
    let put = put_subscription(&world.state, &prompt(), "ann", world.now).unwrap().unwrap();
    assert_eq!((put.revision, put.actor.as_str()), (1, "ann"));
    world.subscribe(prompt());
    assert_eq!(put_subscription(&world.state, &prompt(), "ann", world.now).unwrap(), None);
    let removed = remove_subscription(&world.state, "all", "ann").unwrap();
    assert_eq!(removed.revision, 1);
    assert_eq!(remove_subscription(&world.state, "none", "ann"), None);
}

#[test]
fn an_inhibition_needs_source_and_target() {
    let world = World::new();
    let sound = Inhibition {
        id: "i".to_owned(),
        source: Some(alerts_of_rules(&["a"])),
        target: Some(alerts_of_rules(&["b"])),
        equal: vec!["consumer".to_owned()],
    };
    assert!(put_inhibition(&world.state, &sound, "").unwrap().is_some());
    for (inhibition, field) in [
        (Inhibition { source: None, ..sound.clone() }, "source"),
        (Inhibition { target: Some(AlertFilter::default()), ..sound.clone() }, "target"),
        (Inhibition { equal: vec!["consumr".to_owned()], ..sound.clone() }, "equal[0]"),
        (Inhibition { id: "a b".to_owned(), ..sound }, "id"),
    ] {
        assert_eq!(put_inhibition(&world.state, &inhibition, "").unwrap_err().field, field);
    }
}

#[test]
fn matchers_compare_the_whole_field() {
    let alert = Alert { labels: [("team".to_owned(), "mines".to_owned())].into(), ..firing("china-rare") };
    let is = |field: &str, operator, value: &str| {
        Filter::new(Some(matcher(field, operator, value))).unwrap().matches(&alert)
    };
    assert!(is("rule", MatchOperator::Matches, "china-.*"));
    assert!(!is("rule", MatchOperator::Matches, "china"), "not a part of it");
    assert!(is("rule", MatchOperator::Matches, "japan|china-rare"));
    assert!(is("rule", MatchOperator::NotMatches, "japan.*"));
    assert!(is("label.team", MatchOperator::Equal, "mines"));
    assert!(is("label.none", MatchOperator::Equal, ""), "a label that is not there is empty");
    assert!(is("consumer", MatchOperator::NotEqual, "JPN"));
    assert!(is("rule", MatchOperator::Unspecified, "china-rare"));
}

#[test]
fn expressions_are_bounded() {
    for text in ["(a{1000}){1000}", &"(".repeat(40), ")(", &"x".repeat(501)] {
        let failure = Filter::new(Some(matcher("rule", MatchOperator::Matches, text))).unwrap_err();
        assert_eq!(failure.class, Class::Invalid, "{text:.20}");
    }
}

#[test]
fn a_selection_that_matches_nothing_or_everything_causes_a_warning() {
    let alerts = [firing("china")];
    let rule = Rule { id: "china".to_owned(), ..Rule::default() };
    let words = RuleWords::from_rules([&rule].into_iter());
    let warn = |select: AlertFilter| {
        let subscription = Subscription { select: Some(select), ..prompt() };
        warnings(&subscription, &Route::check(&subscription).unwrap(), &words, alerts.iter())
    };
    assert_eq!(warn(alerts_of_rules(&["china"])), [""; 0]);
    let unknown = warn(alerts_of_rules(&["chian"]));
    assert_eq!(unknown[0], "there is no rule \"chian\": no alert matches it; did you mean china?");
    assert_eq!(unknown.len(), 2, "and nothing matches: {unknown:?}");
    assert_eq!(warn(alerts_of_rules(&[])).len(), 1, "it matches everything");
}
