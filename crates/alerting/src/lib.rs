//! Service 3: rules, episodes, alerts, subscriptions.

pub mod episode;
pub mod rules;
