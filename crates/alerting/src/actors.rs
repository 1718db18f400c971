//! Names of those whose commands the log records by pseudonyms, in answers and in messages to receivers.
//!
//! The log cannot be changed, and so keeps pseudonyms. Names are looked up where something leaves the
//! service, for as long as the table of names has them. Streams of events and feeds are passed on as they are
//! recorded.
use orewatch_contracts::alerting::v1::{
    AcknowledgeAlertResponse, Acknowledgement, Alert, AlertHold, AlertTold, EndSilenceResponse,
    ExplainAlertResponse, GetAlertResponse, GetRuleResponse, ListAlertsResponse, ListHoldsResponse,
    ListRulesResponse, ListSilencesResponse, Notification, PutRuleResponse, PutRulesResponse,
    PutSilenceResponse, RuleInfo, SilenceInfo, SubscriptionTelling,
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
    GetAlertResponse: alert,
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
