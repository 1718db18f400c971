//! Limits on the number and size of rules, and which old revisions are kept.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use jiff::Timestamp;
use orewatch_contracts::Class;
use orewatch_contracts::alerting::v1::{
    AlertEvent, EvaluationBegun, ExposuresEvaluated, Rule, RulePut, RuleRemoved,
};
use orewatch_rules::evolve::RulesState;
use orewatch_rules::quota::{MAX_RULE_BYTES, MAX_RULES, admit};

/// A state, and the position of the last event that was folded.
#[derive(Default)]
struct Folded {
    state: RulesState,
    position: u64,
}

impl Folded {
    fn fold(&mut self, event: AlertEvent) {
        self.position += 1;
        self.state.fold(self.position, Timestamp::UNIX_EPOCH, event).unwrap();
    }

    fn put(&mut self, rule: Rule) {
        let last = self.state.rules().get(&rule.id).and_then(|revisions| revisions.last());
        let revision = last.map_or(1, |last| last.number + 1);
        self.fold(AlertEvent::RulePut(RulePut { rule: Some(rule), revision, ..RulePut::default() }));
    }

    fn remove(&mut self, rule: &str) {
        let revision = self.state.rules().get(rule).unwrap().last().unwrap().number;
        let rule = rule.to_owned();
        self.fold(AlertEvent::RuleRemoved(RuleRemoved { rule, revision, ..RuleRemoved::default() }));
    }

    fn evaluate(&mut self) {
        self.fold(AlertEvent::EvaluationBegun(EvaluationBegun {
            rules_position: self.position,
            ..Default::default()
        }));
        self.fold(AlertEvent::ExposuresEvaluated(ExposuresEvaluated::default()));
    }

    fn kept(&self, rule: &str) -> Vec<(u32, bool)> {
        let revisions = self.state.rules().get(rule).unwrap();
        revisions.iter().map(|revision| (revision.number, revision.rule.is_some())).collect()
    }
}

fn rule(id: impl Into<String>, text: usize) -> Rule {
    Rule { id: id.into(), text: "x".repeat(text), ..Rule::default() }
}

#[test]
fn a_tenant_at_its_limit_leaves_room_for_others() {
    let mut folded = Folded::default();
    for k in 0..MAX_RULES / 4 {
        let rule = rule(format!("acme:r{k}"), 0);
        assert!(k % 1000 > 0 || admit(&folded.state, [&rule]).is_ok(), "{k}");
        folded.put(rule);
    }
    let state = &folded.state;
    let refused = admit(state, [&rule("acme:one-more", 0)]).unwrap_err();
    assert_eq!((refused.class, refused.code.as_str()), (Class::Exhausted, "quota-reached"));
    assert!(refused.message.contains("10001 rules of acme"), "{refused}");
    assert!(admit(state, [&rule("acme:r7", 10)]).is_ok(), "a rule is revised");
    assert!(admit(state, [&rule("beta:first", 0), &rule("everyones", 0)]).is_ok());
    folded.remove("acme:r7");
    assert!(admit(&folded.state, [&rule("acme:one-more", 0)]).is_ok());
    assert!(admit(&folded.state, [&rule("acme:a", 0), &rule("acme:b", 0)]).is_err(), "together");
}

#[test]
fn rule_bytes_are_limited_and_a_shorter_revision_is_always_admitted() {
    let mut folded = Folded::default();
    let long = MAX_RULE_BYTES / 4 / 8;
    for k in 0..8 {
        folded.put(rule(format!("acme:r{k}"), long));
    }
    let refused = admit(&folded.state, [&rule("acme:one-more", 1)]).unwrap_err();
    assert!(refused.message.contains("bytes, the limit is 8388608"), "{refused}");
    assert!(admit(&folded.state, [&rule("acme:r1", long + 1)]).is_err());
    assert!(admit(&folded.state, [&rule("acme:r1", long - 1)]).is_ok());
    assert!(admit(&folded.state, [&rule("beta:r1", long)]).is_ok());
}

#[test]
fn revisions_that_are_not_needed_are_forgotten() {
    let mut folded = Folded::default();
    for _ in 0..40 {
        folded.put(rule("r", 10));
    }
    assert_eq!(folded.kept("r").len(), 40, "none of them has been evaluated");
    folded.evaluate();
    folded.put(rule("r", 10));
    assert_eq!(folded.kept("r"), (26..=41).map(|number| (number, true)).collect::<Vec<_>>());
    folded.evaluate();
    folded.remove("r");
    assert_eq!(folded.kept("r").last(), Some(&(41, false)));
    folded.put(rule("r", 10));
    assert_eq!(folded.kept("r").last(), Some(&(42, true)), "numbers go on");
}

#[test]
fn only_the_removal_is_kept_of_rules_removed_long_ago() {
    let mut folded = Folded::default();
    for k in 0..1_100 {
        folded.put(rule(format!("r{k}"), 10));
        folded.evaluate();
        folded.remove(&format!("r{k}"));
        folded.evaluate();
    }
    folded.put(rule("r0", 10));
    assert_eq!(folded.kept("r0"), [(1, false), (2, true)]);
    assert_eq!(folded.kept("r50"), [(1, false)]);
    assert_eq!(folded.kept("r1099"), [(1, true), (1, false)]);
    assert_eq!(folded.state.held().map(|(_, held)| held.rules).sum::<usize>(), 1);
}
