//! Names of those whose commands the log records by pseudonyms, in answers and in messages to receivers.
//!
//! The log cannot be changed, and so keeps pseudonyms. Names are looked up where something leaves the
//! service, for as long as the table of names has them. Whoever reads the log itself sees pseudonyms.
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::{
    AcknowledgeAlertResponse, Acknowledgement, Alert, AlertHold, AlertTold, AlertTransition,
    EndSilenceResponse, ExplainAlertResponse, GetAlertResponse, GetRuleResponse, ListAlertsResponse,
    ListHoldsResponse, ListRulesResponse, ListSilencesResponse, Notification, PutRuleResponse,
    PutRulesResponse, PutSilenceResponse, RuleInfo, SilenceInfo, SubscribeAlertsResponse,
    SubscriptionTelling,
};
use orewatch_runtime::{ActorNames, Context};
use tonic::Response;

/// A message that says who did something.
pub(crate) trait NamesActors {
    /// Replaces pseudonyms by names.
    fn name_actors(&mut self, names: &ActorNames);
}

/// A message with names in the place of pseudonyms.
pub(crate) fn with_names<T: NamesActors>(mut message: T, names: &ActorNames) -> T {
    message.name_actors(names);
    message
}

/// An answer with names in the place of pseudonyms.
pub(crate) fn answer<T: NamesActors>(message: T, context: &Context) -> Response<T> {
    Response::new(with_names(message, &context.actors))
}

fn name(actor: &mut String, names: &ActorNames) {
    *actor = names.shown(actor);
}

impl<T: NamesActors> NamesActors for Option<T> {
    fn name_actors(&mut self, names: &ActorNames) {
        self.iter_mut().for_each(|message| message.name_actors(names));
    }
}

impl<T: NamesActors> NamesActors for Vec<T> {
    fn name_actors(&mut self, names: &ActorNames) {
        self.iter_mut().for_each(|message| message.name_actors(names));
    }
}

impl NamesActors for RuleInfo {
    fn name_actors(&mut self, names: &ActorNames) {
        name(&mut self.actor, names);
    }
}

impl NamesActors for Alert {
    fn name_actors(&mut self, names: &ActorNames) {
        if let Some(change) = &mut self.rule_change {
            name(&mut change.actor, names);
        }
    }
}

impl NamesActors for AlertTransition {
    fn name_actors(&mut self, names: &ActorNames) {
        let alert = match &mut self.event {
            Some(Event::Pending(event)) => &mut event.alert,
            Some(Event::Fired(event)) => &mut event.alert,
            Some(Event::Resolved(event)) => &mut event.alert,
            Some(Event::Stale(event)) => &mut event.alert,
            Some(Event::SeverityChanged(event)) => &mut event.alert,
            Some(Event::Restated(event)) => &mut event.alert,
            None => return,
        };
        alert.name_actors(names);
    }
}

impl NamesActors for SubscribeAlertsResponse {
    fn name_actors(&mut self, names: &ActorNames) {
        match &mut self.message {
            Some(Message::Transition(transition)) => transition.name_actors(names),
            Some(Message::Alert(alert)) => alert.name_actors(names),
            Some(
                Message::CaughtUp(_)
                | Message::Checkpoint(_)
                | Message::SnapshotEnd(_)
                | Message::FellBehind(_),
            )
            | None => {}
        }
    }
}

impl NamesActors for GetAlertResponse {
    fn name_actors(&mut self, names: &ActorNames) {
        self.alert.name_actors(names);
        self.transitions.name_actors(names);
    }
}

impl NamesActors for Acknowledgement {
    fn name_actors(&mut self, names: &ActorNames) {
        name(&mut self.owner, names);
    }
}

impl NamesActors for SilenceInfo {
    fn name_actors(&mut self, names: &ActorNames) {
        if let Some(silence) = &mut self.silence {
            name(&mut silence.author, names);
        }
    }
}

impl NamesActors for SubscriptionTelling {
    fn name_actors(&mut self, names: &ActorNames) {
        self.text = names.shown_in(&self.text);
    }
}

impl NamesActors for ExplainAlertResponse {
    fn name_actors(&mut self, names: &ActorNames) {
        name(&mut self.rule_actor, names);
        self.alert.name_actors(names);
        self.acknowledgement.name_actors(names);
        self.tellings.name_actors(names);
    }
}

impl NamesActors for AlertTold {
    fn name_actors(&mut self, names: &ActorNames) {
        self.alert.name_actors(names);
        self.acknowledgement.name_actors(names);
    }
}

/// Messages whose one field says who did something.
macro_rules! names_actors_in {
    ($($message:ident: $field:ident),* $(,)?) => {
        $(impl NamesActors for $message {
            fn name_actors(&mut self, names: &ActorNames) {
                self.$field.name_actors(names);
            }
        })*
    };
}

names_actors_in! {
    AcknowledgeAlertResponse: acknowledgement,
    AlertHold: acknowledgement,
    EndSilenceResponse: silence,
    GetRuleResponse: rule,
    ListAlertsResponse: alerts,
    ListHoldsResponse: holds,
    ListRulesResponse: rules,
    ListSilencesResponse: silences,
    Notification: alerts,
    PutRuleResponse: rule,
    PutRulesResponse: rules,
    PutSilenceResponse: silence,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use futures_util::FutureExt as _;
    use futures_util::future::BoxFuture;
    use orewatch_contracts::Failure;
    use orewatch_contracts::alerting::v1::{AlertFired, RuleChange};
    use orewatch_runtime::{ACTOR_KEY_BYTES, ActorStore, ActorTable};

    use super::*;

    const PSEUDONYM: &str = "id:0123456789abcdef";

    #[derive(Debug)]
    struct Table;

    impl ActorStore for Table {
        fn load(&self) -> BoxFuture<'_, Result<Option<ActorTable>, Failure>> {
            let names = BTreeMap::from([(PSEUDONYM.to_owned(), "ann".to_owned())]);
            async move { Ok(Some(ActorTable { key: [7; ACTOR_KEY_BYTES], names })) }.boxed()
        }

        fn add(&self, _: BTreeMap<String, String>) -> BoxFuture<'_, Result<(), Failure>> {
            async { Ok(()) }.boxed()
        }
    }

    #[tokio::test]
    async fn transitions_show_who_changed_the_rule() {
        let names = ActorNames::new(Arc::new(Table));
        names.load().await.unwrap();
        let change = RuleChange { actor: PSEUDONYM.to_owned(), ..RuleChange::default() };
        let alert = Alert { rule_change: Some(change), ..Alert::default() };
        let fired = Event::Fired(AlertFired { alert: Some(alert.clone()) });
        let transition = AlertTransition { event: Some(fired), ..AlertTransition::default() };
        let named = |message: &dyn std::fmt::Debug| {
            let text = format!("{message:?}");
            text.contains("\"ann\"") && !text.contains(PSEUDONYM)
        };
        let got = GetAlertResponse {
            alert: Some(alert.clone()),
            transitions: vec![transition.clone()],
            ..GetAlertResponse::default()
        };
        assert!(named(&with_names(got, &names)));
        for message in [Message::Transition(transition), Message::Alert(alert)] {
            let streamed =
                SubscribeAlertsResponse { message: Some(message), ..SubscribeAlertsResponse::default() };
            assert!(named(&with_names(streamed, &names)));
        }
    }
}
