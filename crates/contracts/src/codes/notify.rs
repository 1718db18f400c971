//! Codes of subscriptions, silences, inhibitions, acknowledgements, receivers, deliveries and alert
//! streams.
use super::{Area, external, user};

pub(super) const AREA: Area = Area {
    name: "Notifications and receivers",
    about: "Codes of subscriptions, silences, inhibitions, acknowledgements, receivers, deliveries and alert \
            streams.",
    codes: &[
        user(
            "address-refused",
            "The receiver's address is on a network that the service may not connect to.",
            "Use a public address with https, or ask the operator to add the network to `allow-private`.",
        ),
        external(
            "address-unknown",
            "The receiver's host name cannot be resolved.",
            "Check the name. The service itself must be able to resolve it.",
        ),
        user(
            "alert-not-open",
            "The alert is neither pending nor firing.",
            "No action is needed: only open alerts can be acknowledged.",
        ),
        user(
            "always-quiet",
            "The quiet hours of the subscription never end.",
            "Leave at least an hour of the week out, or remove the subscription.",
        ),
        user(
            "ambiguous-alert",
            "Several alerts match what the argument names.",
            "Name one of them by its identifier, which `orewatch alerts` lists.",
        ),
        user(
            "another-tenant",
            "The entry names something that belongs to another tenant.",
            "Name something that belongs to the same tenant.",
        ),
        external(
            "delivery-pending",
            "The receiver has neither accepted nor refused the message in time.",
            "See `orewatch deliveries`. Check that the receiver is not disabled.",
        ),
        user(
            "invalid-heartbeat",
            "The heartbeat interval is out of range.",
            "Use 1 s to 5 min, or leave it out.",
        ),
        user(
            "invalid-matcher",
            "The text is not a condition on a field.",
            "Write `FIELD=VALUE`, `FIELD!=VALUE`, `FIELD=~EXPRESSION` or `FIELD!~EXPRESSION`.",
        ),
        user(
            "invalid-receiver",
            "The definition of the receiver has an invalid value.",
            "Correct the field that the error names.",
        ),
        user("invalid-regex", "The text is not a supported regular expression.", "Correct the expression."),
        user(
            "matches-all",
            "The silence would mute every alert.",
            "Restrict it, for example to materials or rules.",
        ),
        user(
            "never-matches",
            "No alert can ever match the conditions.",
            "Correct the condition that the error names, or leave it out.",
        ),
        user(
            "no-recipient",
            "No subscription selects the alert of the drill.",
            "Name a receiver, or another alert.",
        ),
        external(
            "not-delivered",
            "The receiver did not accept the message.",
            "Wait for the next attempt, which is made automatically. See `orewatch deliveries`.",
        ),
        user(
            "nothing-chosen",
            "The request does not say which messages to send again.",
            "Give identifiers, or a receiver and a time range.",
        ),
        external(
            "reader-too-slow",
            "The client did not read the response in time.",
            "Send the request again, and read the response without delay.",
        ),
        user(
            "resume-token-gone",
            "The log no longer reaches back to the resume token.",
            "Subscribe with a snapshot and without a token.",
        ),
        user("same-receiver", "The escalation leads to the same receiver.", "Name another receiver."),
        user(
            "silence-begun",
            "The silence has started, so its start cannot be moved.",
            "Leave the start unchanged, or leave it out.",
        ),
        user("silence-over", "The silence has ended.", "Create a new one."),
        user(
            "snapshot-and-token",
            "The request has both a snapshot and a resume token.",
            "Leave one of them out.",
        ),
        user(
            "token-of-another-filter",
            "The resume token belongs to a subscription with another filter.",
            "Use the filter that the token was issued for, or start without a token.",
        ),
        user(
            "too-many-messages",
            "The request selects too many messages to send again.",
            "Choose a shorter time range.",
        ),
        user("unknown-alert", "No alert has this identifier.", "List the alerts with `orewatch alerts`."),
        user(
            "unknown-delivery",
            "No message has this identifier.",
            "List the messages with `orewatch deliveries`.",
        ),
        user("unknown-operator", "The operator is not supported.", "Use `=`, `!=`, `=~` or `!~`."),
        user(
            "unknown-receiver",
            "No receiver has this name.",
            "List the receivers with `orewatch receivers`.",
        ),
        user(
            "unknown-silence",
            "No silence has this identifier.",
            "List the silences with `orewatch silences`.",
        ),
        user("unknown-state", "No alert state has this name.", "Use `pending`, `firing` or `resolved`."),
        user(
            "unknown-subscription",
            "No subscription has this identifier.",
            "List the subscriptions with `orewatch subscriptions`.",
        ),
        user(
            "unknown-verdict",
            "No verdict of an acknowledgement, or on a claim, has this name.",
            "Use the verdict that the hint suggests.",
        ),
        user("unknown-weekday", "No day of the week has this name.", "Write a day as the hint suggests."),
        user(
            "unknown-zone",
            "No time zone has this name.",
            "Write a name from the IANA time zone database, such as `Europe/Berlin`.",
        ),
    ],
};
