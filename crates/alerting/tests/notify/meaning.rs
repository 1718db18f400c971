//! Configurations that cannot be meant: conditions that no alert meets together are refused, words that
//! nothing has are told.
use orewatch_alerting::notify::decide::{put_inhibition, put_silence, put_subscription};
use orewatch_contracts::Class;
use orewatch_contracts::alerting::v1::*;
use orewatch_rules::filter::{Filter, RuleWords};

use crate::kit::*;

/// A filter of conditions such as `consumer!=DEU`.
fn matching(conditions: &[&str]) -> AlertFilter {
    let matcher = |text: &&str| {
        let at = text.find(['=', '!']).unwrap();
        let (field, rest) = text.split_at(at);
        let (operator, value) = [
            ("=~", MatchOperator::Matches),
            ("!~", MatchOperator::NotMatches),
            ("!=", MatchOperator::NotEqual),
            ("=", MatchOperator::Equal),
        ]
        .into_iter()
        .find_map(|(sign, operator)| Some((operator, rest.strip_prefix(sign)?)))
        .unwrap();
        Matcher { field: field.to_owned(), operator: operator.into(), value: value.to_owned() }
    };
    AlertFilter { matchers: conditions.iter().map(matcher).collect(), ..AlertFilter::default() }
}

#[test]
fn conditions_that_no_alert_can_meet_together_are_refused() {
    let consumers = |list: &[&str], conditions: &[&str]| AlertFilter {
        consumers: list.iter().map(|code| (*code).to_owned()).collect(),
        ..matching(conditions)
    };
    let labelled = |value: &str, conditions: &[&str]| AlertFilter {
        labels: [("theme".to_owned(), value.to_owned())].into(),
        ..matching(conditions)
    };
    let never = [
        (matching(&["consumer=DEU", "consumer=USA"]), "consumer=DEU, consumer=USA"),
        (matching(&["consumer=DEU", "consumer!=DEU"]), "consumer=DEU, consumer!=DEU"),
        (matching(&["consumer=DEU", "consumer=~J.*"]), "consumer=DEU, consumer=~J.*"),
        (matching(&["rule=~china.*", "rule!~china.*"]), "rule=~china.*, rule!~china.*"),
        (matching(&["supplier=CHN", "supplier="]), "supplier=CHN, supplier="),
        (consumers(&["DEU", "FRA"], &["consumer=USA"]), "consumer one of DEU,FRA, consumer=USA"),
        (consumers(&["DEU", "FRA"], &["consumer!~DEU|FRA"]), "consumer one of DEU,FRA, consumer!~DEU|FRA"),
        (labelled("g7", &["label.theme=crma"]), "label.theme=g7, label.theme=crma"),
    ];
    for (filter, said) in never {
        let failure = Filter::new(Some(filter)).unwrap_err();
        assert_eq!((failure.class, failure.code.as_str()), (Class::Invalid, "never-matches"), "{failure}");
        assert!(failure.message.ends_with(said) && !failure.hint.is_empty(), "{failure}");
    }
    let sound = [
        matching(&["consumer=DEU", "material=cobalt"]),
        matching(&["consumer!=DEU", "consumer!=USA"]),
        matching(&["consumer=~D.*", "consumer!~DE."]),
        consumers(&["DEU", "FRA"], &["consumer!=DEU"]),
        labelled("g7", &["label.theme=~g.*"]),
    ];
    for filter in sound {
        Filter::new(Some(filter)).unwrap();
    }
    // What was stored when nobody looked is read all the same.
    Filter::compiled("filter", matching(&["consumer=DEU", "consumer=USA"])).unwrap();
}

#[test]
fn codes_of_conditions_are_those_of_the_catalogue() {
    for (condition, hint) in [("consumer=GER", ""), ("consumer!=GER", ""), ("material=cobolt", "cobalt")] {
        let failure = Filter::new(Some(matching(&[condition]))).unwrap_err();
        assert_eq!(failure.field, "filter.matchers[0].value", "{failure}");
        assert!(failure.hint.contains(hint), "{failure}");
    }
    Filter::new(Some(matching(&["consumer=~GER.*"]))).unwrap();
}

fn words() -> RuleWords {
    let rule = |id: &str, severity: &[&str]| Rule {
        id: id.to_owned(),
        owner: "desk".to_owned(),
        labels: [("theme".to_owned(), "g7-china".to_owned())].into(),
        severity: severity
            .iter()
            .map(|severity| SeverityBand { severity: (*severity).to_owned(), from: 0.0 })
            .collect(),
        ..Rule::default()
    };
    RuleWords::from_rules([rule("china", &["warning", "critical"]), rule("world", &[])].iter())
}

#[test]
fn words_that_no_rule_has_are_told_with_what_follows_from_them() {
    let words = words();
    let cases = [
        (
            matching(&["label.nosuch!=x"]),
            "no rule has a label \"nosuch\"; there are theme: every alert matches it",
        ),
        (
            matching(&["label.teme=g7-china"]),
            "no rule has a label \"teme\"; did you mean theme?: no alert matches it",
        ),
        (
            matching(&["label.theme=g7-chian"]),
            "no rule has the label \"theme=g7-chian\": no alert matches it; did you mean g7-china?",
        ),
        (
            matching(&["severity=criticl"]),
            "no rule has the severity \"criticl\": no alert matches it; did you mean critical?",
        ),
        (matching(&["rule!=chna"]), "there is no rule \"chna\": every alert matches it; did you mean china?"),
        (matching(&["owner=dsk"]), "no rule has the owner \"dsk\": no alert matches it; did you mean desk?"),
        (
            AlertFilter { severities: vec!["high".to_owned()], ..AlertFilter::default() },
            "no rule has the severity \"high\": no alert matches it; there are critical, warning",
        ),
    ];
    for (filter, said) in cases {
        assert_eq!(words.unknown(&filter), [said]);
    }
    for known in ["label.theme=g7-china", "label.nosuch=", "severity=warning", "rule=~nosuch.*", "pack="] {
        assert!(words.unknown(&matching(&[known])).is_empty(), "{known}");
    }
}

fn silence(filter: AlertFilter) -> Silence {
    Silence {
        filter: Some(filter),
        ends_at: Some(proto_time(3600)),
        author: "ann".to_owned(),
        reason: "known".to_owned(),
        ..Silence::default()
    }
}

#[test]
fn a_silence_a_subscription_and_an_inhibition_that_can_never_hold_are_refused() {
    let world = World::new();
    let never = || matching(&["consumer=DEU", "consumer=USA"]);
    let code = |failure: orewatch_contracts::Failure| (failure.code.clone(), failure.field);
    let refused = |at: &str| ("never-matches".to_owned(), at.to_owned());
    let put = |filter| put_silence(&world.state, &silence(filter), "new", world.now).unwrap_err();
    assert_eq!(code(put(never())), refused("filter.matchers[1]"));
    let over = AlertFilter { states: vec![AlertState::Resolved.into()], ..alerts_of_rules(&["china"]) };
    assert_eq!(code(put(over)), refused("filter.states"));
    let subscription = Subscription { select: Some(never()), ..prompt() };
    let failure = put_subscription(&world.state, &subscription, "", world.now).unwrap_err();
    assert_eq!(code(failure), refused("select.matchers[1]"));

    let inhibition = |source: AlertFilter, target: AlertFilter, equal: &[&str]| Inhibition {
        id: "world".to_owned(),
        source: Some(source),
        target: Some(target),
        equal: equal.iter().map(|field| (*field).to_owned()).collect(),
    };
    let put = |inhibition| put_inhibition(&world.state, &inhibition, "").map(drop);
    let same =
        put(inhibition(alerts_of_rules(&["china"]), alerts_of_rules(&["china"]), &["material"])).unwrap_err();
    assert_eq!(code(same), refused("target"));
    let apart = put(inhibition(matching(&["consumer=WLD"]), matching(&["consumer=DEU"]), &["consumer"]));
    assert_eq!(code(apart.unwrap_err()), refused("equal"));
    let never = put(inhibition(never(), alerts_of_rules(&["china"]), &[])).unwrap_err();
    assert_eq!(code(never), refused("source.matchers[1]"));
    put(inhibition(matching(&["consumer=WLD"]), matching(&["consumer=DEU"]), &["material"])).unwrap();
}
