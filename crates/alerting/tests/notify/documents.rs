//! Files of subscriptions and inhibitions.
use orewatch_alerting::notify::document::{parse_matcher, read_inhibitions, read_subscriptions};
use orewatch_contracts::alerting::v1::MatchOperator;

const FILE: &str = "\
subscriptions:
  - id: desk
    receiver: desk-mail
    select:
      material: [rare-earths, cobalt]
      severity: critical
      matchers: ['consumer!=USA', 'rule=~china-.*']
    group_by: [material, label.team]
    cadence: {wait: 30s, interval: 10m, repeat: 1d}
    quiet:
      - {from: '22:00', until: '07:00', zone: Europe/Brussels, except_severities: [critical]}
    escalation: {after: 4h, receiver: boss}
  - id: weekly
    receiver: desk-mail
    cadence:
      digest: {at: '08:00', weekday: monday}
    expires_at: 2030-01-01T00:00:00Z
";

#[test]
fn a_file_can_have_every_field_of_a_subscription() {
    let read = read_subscriptions("file.yaml", FILE.as_bytes()).unwrap();
    let [desk, weekly] = read.as_slice() else { panic!("two") };
    let select = desk.select.as_ref().unwrap();
    assert_eq!((select.materials.len(), select.severities.as_slice()), (2, &["critical".to_owned()][..]));
    assert_eq!(select.matchers[1].operator(), MatchOperator::Matches);
    assert_eq!(desk.cadence.as_ref().unwrap().repeat.unwrap().seconds, 86_400);
    assert_eq!(desk.escalation.as_ref().unwrap().after.unwrap().seconds, 4 * 3600);
    assert_eq!(weekly.cadence.as_ref().unwrap().digest.as_ref().unwrap().weekday, "monday");
    assert!(weekly.expires_at.is_some());
    let one = "id: one\nreceiver: r\n";
    assert_eq!(read_subscriptions("one.yaml", one.as_bytes()).unwrap()[0].id, "one");
}

#[test]
fn errors_name_line_and_column() {
    let cases = [
        ("recevier: x\nid: a\n", "f.yaml:1:1: ", "did you mean receiver?"),
        ("id: a\nreceiver: r\nselect:\n  material: cobolt\n", "f.yaml:4:13: ", "cobalt"),
        ("id: a\nreceiver: r\nselect:\n  matchers:\n    - rule\n", "f.yaml:5:7: ", "FIELD=VALUE"),
        ("id: a\nreceiver: r\nselect:\n  matchers:\n    - 'rule=~('\n", "f.yaml:5:7: ", "whole field"),
        ("id: a\nreceiver: r\ncadence:\n  wait: soon\n", "f.yaml:4:9: ", "write a number"),
        ("id: a\nreceiver: r\nquiet:\n  - {from: '22:00', until: '7'}\n", "f.yaml:4:28: ", "HH:MM"),
        ("id: a\nreceiver: r\nexpires_at: tomorrow\n", "f.yaml:3:13: ", "2027-01-01"),
        ("subscriptions:\n  - {id: a, receiver: r}\n  - {id: a, receiver: r}\n", "f.yaml:3:10: ", ""),
        ("id: a\n", "f.yaml:1", "receiver"),
    ];
    for (text, place, hint) in cases {
        let failure = read_subscriptions("f.yaml", text.as_bytes()).unwrap_err();
        assert!(failure.message.starts_with(place), "{place}: {failure}");
        assert!(failure.hint.contains(hint), "{failure}");
    }
    let text = "inhibitions:\n  - id: i\n    source: {rule: a}\n    target: {}\n";
    let failure = read_inhibitions("f.yaml", text.as_bytes()).unwrap_err();
    assert!(failure.message.starts_with("f.yaml:4:13: "), "{failure}");
}

#[test]
fn an_inhibition_is_read() {
    let text = "inhibitions:\n  - id: i\n    source: {rule: a}\n    target: {severity: warning}\n    \
                equal: [material]\n";
    let read = read_inhibitions("f.yaml", text.as_bytes()).unwrap();
    assert_eq!(read[0].equal, ["material"]);
}

#[test]
fn conditions_are_told_apart_by_their_sign() {
    for (text, operator, value) in [
        ("rule=a=b", MatchOperator::Equal, "a=b"),
        ("rule!=a", MatchOperator::NotEqual, "a"),
        ("rule =~ a.*", MatchOperator::Matches, "a.*"),
        ("rule!~a", MatchOperator::NotMatches, "a"),
    ] {
        let read = parse_matcher(text, "m").unwrap();
        assert_eq!((read.field.as_str(), read.operator(), read.value.as_str()), ("rule", operator, value));
    }
    assert_eq!(parse_matcher("rule!a", "m").unwrap_err().code, "invalid-matcher");
}
