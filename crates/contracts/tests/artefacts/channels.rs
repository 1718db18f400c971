//! Where events are: the subjects of the three logs. What the contracts say in words at the head of their
//! files stands here as a table, which the whole-system tests hold against what is really on NATS.

/// Subjects that carry the same kinds of events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channel {
    /// Name in the document.
    pub(crate) name: &'static str,
    /// Subject; `{name}` stands for one token.
    pub(crate) address: &'static str,
    /// What it carries.
    pub(crate) says: &'static str,
    package: &'static str,
    events: &'static [&'static str],
}

impl Channel {
    /// Full names of the events.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.events.iter().map(|event| format!("{}.{event}", self.package)).collect()
    }

    /// The subject of the same events of what belongs to a tenant; `None`: these belong to nobody.
    pub(crate) fn tenant_address(&self) -> Option<String> {
        let rest = self.address.strip_prefix("orewatch.alerts.").filter(|rest| rest.contains('.'))?;
        Some(format!("orewatch.alerts.tenant.{{tenant}}.{rest}"))
    }

    /// JetStream stream that holds it.
    pub(crate) fn stream(&self) -> String {
        self.address.split('.').nth(1).unwrap_or_default().to_ascii_uppercase()
    }
}

/// Names of the tokens of a subject that vary.
pub(crate) fn parameters(address: &str) -> impl Iterator<Item = &str> {
    address.split('.').filter_map(|token| token.strip_prefix('{')?.strip_suffix('}'))
}

/// What stands in a token.
pub(crate) fn parameter(name: &str) -> &'static str {
    match name {
        "rule" => "Identifier of the rule; of a tenant's, here and below, its name alone.",
        "tenant" => "The tenant.",
        "consumer" => "Economy, bloc or `WLD`.",
        "material" => "Material.",
        "stage" => "Stage.",
        "supplier" => "Supplier; `-` where the measure has none.",
        "dataset" => "Dataset.",
        "vintage" => "Vintage and digest of the release.",
        "connector" => "Name of the connector.",
        "receiver" => "Identifier of the receiver.",
        "subscription" => "Identifier of the subscription.",
        "silence" => "Identifier of the silence.",
        "inhibition" => "Identifier of the inhibition.",
        "notification" => "Identifier of the message, a UUID.",
        other => panic!("say what {other} is"),
    }
}

const INGESTION: &str = "orewatch.ingestion.v1";
const EXPOSURE: &str = "orewatch.exposure.v1";
const ALERTING: &str = "orewatch.alerting.v1";

/// All of them.
pub(crate) const CHANNELS: &[Channel] = &[
    Channel {
        name: "alerts",
        address: "orewatch.alerts.alert.{rule}.{consumer}.{material}.{stage}.{supplier}",
        says: "Transitions of alerts: what most subscribers want. Wildcards select: \
               `orewatch.alerts.alert.*.JPN.>`.",
        package: ALERTING,
        events: &[
            "AlertPending",
            "AlertFired",
            "AlertResolved",
            "AlertStale",
            "AlertSeverityChanged",
            "AlertRestated",
        ],
    },
    Channel {
        name: "acknowledgements",
        address: "orewatch.alerts.acknowledgement.{rule}.{consumer}.{material}.{stage}.{supplier}",
        says: "Who has taken alerts on.",
        package: ALERTING,
        events: &["AlertAcknowledged", "AlertUnacknowledged"],
    },
    Channel {
        name: "rules",
        address: "orewatch.alerts.rule.{rule}",
        says: "Revisions of rules.",
        package: ALERTING,
        events: &["RulePut", "RuleRemoved"],
    },
    Channel {
        name: "evaluations",
        address: "orewatch.alerts.evaluations",
        says: "Beginnings and ends of evaluations: after an end all alerts that follow from the exposures up \
               to its position are told. Before it the rules that are evaluated no more, because they cost \
               too much.",
        package: ALERTING,
        events: &["EvaluationBegun", "ExposuresEvaluated", "RuleSuspended"],
    },
    Channel {
        name: "receivers",
        address: "orewatch.alerts.receiver.{receiver}",
        says: "Where messages go, and whether they are sent there.",
        package: ALERTING,
        events: &["ReceiverPut", "ReceiverRemoved", "ReceiverDisabled", "ReceiverEnabled"],
    },
    Channel {
        name: "subscriptions",
        address: "orewatch.alerts.subscription.{subscription}",
        says: "Who wants to hear of which alerts.",
        package: ALERTING,
        events: &["SubscriptionPut", "SubscriptionRemoved"],
    },
    Channel {
        name: "silences",
        address: "orewatch.alerts.silence.{silence}",
        says: "Silences.",
        package: ALERTING,
        events: &["SilencePut", "SilenceEnded"],
    },
    Channel {
        name: "inhibitions",
        address: "orewatch.alerts.inhibition.{inhibition}",
        says: "Inhibitions.",
        package: ALERTING,
        events: &["InhibitionPut", "InhibitionRemoved"],
    },
    Channel {
        name: "notifications",
        address: "orewatch.alerts.notification.{receiver}.{notification}",
        says: "Messages to receivers: that they were planned, their attempts and how they ended.",
        package: ALERTING,
        events: &[
            "NotificationPlanned",
            "DeliveryRequested",
            "DeliveryAttempted",
            "DeliverySucceeded",
            "DeliveryFailed",
            "DeliveryGivenUp",
        ],
    },
    Channel {
        name: "exposures",
        address: "orewatch.exposures.{material}",
        says: "Figures that changed, market by market, then that a release is applied to a material.",
        package: EXPOSURE,
        events: &["ExposuresChanged", "ReleaseApplied"],
    },
    Channel {
        name: "claims",
        address: "orewatch.exposures.claims",
        says: "Verdicts on claims that changed, after the figures of the same release.",
        package: EXPOSURE,
        events: &["ClaimVerdictChanged"],
    },
    Channel {
        name: "releases",
        address: "orewatch.observations.{dataset}.{vintage}",
        says: "Releases of statistics: opened, recorded, and committed, refused or withdrawn.",
        package: INGESTION,
        events: &[
            "ReleaseOpened",
            "ObservationsRecorded",
            "RowsQuarantined",
            "ReleaseHeld",
            "ReleaseCommitted",
            "ReleaseRefused",
            "ReleaseWithdrawn",
            "RowsRepaired",
        ],
    },
    Channel {
        name: "polls",
        address: "orewatch.observations._connectors.{connector}",
        says: "Polls of publishers and each request of them.",
        package: INGESTION,
        events: &["PollStarted", "FetchRecorded", "PollEnded"],
    },
    Channel {
        name: "sourcePolicy",
        address: "orewatch.observations._policy",
        says: "Revisions of the source policy: which dataset answers where several could.",
        package: INGESTION,
        events: &["SourcePolicyRevised"],
    },
    Channel {
        name: "tenants",
        address: "orewatch.observations._tenants.{tenant}",
        says: "That the rows and the original files of a tenant are erased.",
        package: INGESTION,
        events: &["TenantErased"],
    },
];
