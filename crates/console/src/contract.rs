//! What can be asked for over HTTP: each listing and each change is a method of a service, and each parameter
//! a field of its request.
//!
//! One table says it for all uses: requests are read by it, `GET /api/v1` lists it, and the OpenAPI document
//! is generated from it and from the descriptors of the contracts, whose comments describe the fields. A
//! listing has its rows from a [`crate::Tables`], which the command line has too.
use crate::entries::{self, Entries, Making};
use crate::services::{Method, Service};
use orewatch_contracts::Failure;

/// How the text of a parameter becomes a value of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Codes or names of consumers, as a list.
    Consumers,
    /// Code or name of one consumer.
    Consumer,
    /// Codes or names of suppliers, as a list.
    Suppliers,
    /// Code or name of one supplier.
    Supplier,
    /// Identifiers or names of materials, or those of a list of critical materials, as a list.
    Materials,
    /// Identifier or name of one material.
    Material,
    /// Stages, as a list.
    Stages,
    /// One stage.
    Stage,
    /// Measures, as a list.
    Measures,
    /// One measure.
    Measure,
    /// Texts, as a list.
    Texts,
    /// A text.
    Text,
    /// Values of an enumeration, as a list of words.
    Words,
    /// A value of an enumeration, as a word.
    Word,
    /// True or false.
    Flag,
    /// A whole number.
    Number,
    /// Whole numbers, as a list.
    Numbers,
    /// A time, or a day.
    Time,
    /// A point of knowledge: a release or its vintage, a time, a day, or `@POSITION`.
    AsAt,
    /// Periods, as a list that the service reads.
    Periods,
    /// `KEY=VALUE`, several by repeating the parameter.
    Labels,
}

impl Form {
    /// Whether the parameter takes several values, separated by commas.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(
            self,
            Self::Consumers
                | Self::Suppliers
                | Self::Materials
                | Self::Stages
                | Self::Measures
                | Self::Texts
                | Self::Words
                | Self::Numbers
                | Self::Periods
        )
    }
}

/// A parameter of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in addresses.
    pub name: &'static str,
    /// Path of the field in the request of the method.
    pub field: &'static str,
    /// How its text is read.
    pub form: Form,
}

const fn parameter(name: &'static str, field: &'static str, form: Form) -> Parameter {
    Parameter { name, field, form }
}

/// Which knowledge an answer rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knowledge {
    /// That of a point in time, which the answer names, so that it can be asked for again.
    AsAt,
    /// That of the present. Earlier states are on the log and not in the answers of the services.
    Present,
}

/// A stream of a service that has all entries of a listing.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// The method.
    pub method: Method,
    /// Makes its request from the request of the listing.
    pub(crate) request: fn(&[u8]) -> Result<Vec<u8>, Failure>,
    /// Makes rows from one of its messages.
    pub(crate) entries: Making,
}

/// Something that can be listed.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    /// Last part of its address.
    pub name: &'static str,
    /// What is listed, for people: one sentence.
    pub about: &'static str,
    /// The method that answers with a page.
    pub method: Method,
    /// Field of the answer with the entries.
    pub items: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// Whether it comes in pages.
    pub is_paged: bool,
    /// Which knowledge it rests on.
    pub knowledge: Knowledge,
    /// Makes rows from an answer.
    pub(crate) entries: Making,
    /// The stream that has all entries, if there is one: quicker than page after page.
    pub(crate) stream: Option<Stream>,
}

const fn method(service: Service, path: &'static str) -> Method {
    Method { service, path }
}

/// The method whose answer names the position of the log that figures rest on.
pub(crate) const POSITION: Method =
    method(Service::Exposure, "/orewatch.exposure.v1.ExposureService/QueryExposures");

/// The method that returns a release.
pub(crate) const RELEASE: Method =
    method(Service::Ingestion, "/orewatch.ingestion.v1.IngestionService/GetRelease");

/// The method that returns an alert with its transitions.
pub(crate) const ALERT: Method = method(Service::Alerting, "/orewatch.alerting.v1.AlertingService/GetAlert");

/// The method that checks or puts one rule.
pub(crate) const PUT_RULE: Method =
    method(Service::Alerting, "/orewatch.alerting.v1.AlertingService/PutRule");

/// The method that puts rules.
pub(crate) const PUT_RULES: Method =
    method(Service::Alerting, "/orewatch.alerting.v1.AlertingService/PutRules");

/// The method that repairs rows.
pub(crate) const REPAIR: Method =
    method(Service::Ingestion, "/orewatch.ingestion.v1.IngestionService/RepairRows");

/// Parameters of a selection of alerts.
const OF_ALERTS: &[Parameter] = &[
    parameter("rule", "filter.rules", Form::Texts),
    parameter("consumer", "filter.consumers", Form::Consumers),
    parameter("material", "filter.materials", Form::Materials),
    parameter("stage", "filter.stages", Form::Stages),
    parameter("supplier", "filter.suppliers", Form::Suppliers),
    parameter("state", "filter.states", Form::Words),
    parameter("severity", "filter.severities", Form::Texts),
    parameter("label", "filter.labels", Form::Labels),
];

/// What can be listed, in the order in which `GET /api/v1` shows it.
pub const LISTINGS: &[Listing] = &[
    Listing {
        name: "exposures",
        about: "How far consumers depend on suppliers: the value of each measure in each period.",
        method: method(Service::Exposure, "/orewatch.exposure.v1.ExposureService/QueryExposures"),
        items: "exposures",
        parameters: &[
            parameter("consumer", "filter.consumers", Form::Consumers),
            parameter("material", "filter.materials", Form::Materials),
            parameter("stage", "filter.stages", Form::Stages),
            parameter("supplier", "filter.suppliers", Form::Suppliers),
            parameter("measure", "filter.measures", Form::Measures),
            parameter("by", "filter.by", Form::Word),
            parameter("as-of", "filter.as_of", Form::Periods),
            parameter("frequency", "filter.frequency", Form::Word),
            parameter("as-at", "as_at", Form::AsAt),
            parameter("trend", "trend", Form::Flag),
            parameter("firmness", "firmness", Form::Flag),
            parameter("mirror", "reading.mirror", Form::Word),
            parameter("tenant", "reading.tenant", Form::Text),
            parameter("dataset", "reading.dataset", Form::Text),
            parameter("scenario", "reading.scenario", Form::Text),
        ],
        is_paged: true,
        knowledge: Knowledge::AsAt,
        entries: entries::exposures,
        stream: Some(Stream {
            method: method(Service::Exposure, "/orewatch.exposure.v1.ExposureService/StreamExposures"),
            request: entries::stream_request,
            entries: entries::streamed_exposures,
        }),
    },
    Listing {
        name: "rows",
        about: "The source rows behind one figure, with file and line.",
        method: method(Service::Exposure, "/orewatch.exposure.v1.ExposureService/ExplainExposure"),
        items: "rows",
        parameters: &[
            parameter("consumer", "subject.consumer", Form::Consumer),
            parameter("material", "subject.material", Form::Material),
            parameter("stage", "subject.stage", Form::Stage),
            parameter("supplier", "subject.supplier", Form::Supplier),
            parameter("measure", "subject.measure", Form::Measure),
            parameter("by", "subject.by", Form::Word),
            parameter("as-of", "as_of", Form::Text),
            parameter("as-at", "as_at", Form::AsAt),
            parameter("max-rows", "max_rows", Form::Number),
            parameter("max-routes", "max_routes", Form::Number),
            parameter("mirror", "reading.mirror", Form::Word),
            parameter("tenant", "reading.tenant", Form::Text),
            parameter("dataset", "reading.dataset", Form::Text),
            parameter("scenario", "reading.scenario", Form::Text),
        ],
        is_paged: false,
        knowledge: Knowledge::AsAt,
        entries: entries::source_rows,
        stream: None,
    },
    Listing {
        name: "targets",
        about: "Announced targets, with the figures that they are about and how far these are from them.",
        method: method(Service::Exposure, "/orewatch.exposure.v1.ExposureService/ListTargets"),
        items: "targets",
        parameters: &[
            parameter("consumer", "consumers", Form::Consumers),
            parameter("material", "materials", Form::Materials),
            parameter("target", "targets", Form::Texts),
            parameter("since", "since", Form::Numbers),
            parameter("as-at", "as_at", Form::AsAt),
        ],
        is_paged: false,
        knowledge: Knowledge::AsAt,
        entries: entries::targets,
        stream: None,
    },
    Listing {
        name: "claims",
        about: "Statements with figures, and whether the figures agree with them.",
        method: method(Service::Exposure, "/orewatch.exposure.v1.ExposureService/CheckClaims"),
        items: "claims",
        parameters: &[
            parameter("claim", "claims", Form::Texts),
            parameter("material", "materials", Form::Materials),
            parameter("as-at", "as_at", Form::AsAt),
        ],
        is_paged: false,
        knowledge: Knowledge::AsAt,
        entries: entries::claims,
        stream: None,
    },
    Listing {
        name: "alerts",
        about: "Alerts as they stand; without a state, those that are pending or firing.",
        method: method(Service::Alerting, "/orewatch.alerting.v1.AlertingService/ListAlerts"),
        items: "alerts",
        parameters: OF_ALERTS,
        is_paged: true,
        knowledge: Knowledge::Present,
        entries: entries::alerts,
        stream: None,
    },
    EPISODES,
    Listing {
        name: "rules",
        about: "Rules, with their alerts, cost and health.",
        method: method(Service::Alerting, "/orewatch.alerting.v1.AlertingService/ListRules"),
        items: "rules",
        parameters: &[parameter("pack", "pack", Form::Text)],
        is_paged: true,
        knowledge: Knowledge::Present,
        entries: entries::rules,
        stream: None,
    },
    Listing {
        name: "silences",
        about: "Silences, which mute messages about some alerts for some time.",
        method: method(Service::Alerting, "/orewatch.alerting.v1.NotificationService/ListSilences"),
        items: "silences",
        parameters: &[parameter("also-over", "also_over", Form::Flag)],
        is_paged: false,
        knowledge: Knowledge::Present,
        entries: entries::silences,
        stream: None,
    },
    Listing {
        name: "deliveries",
        about: "Messages to receivers, with their delivery state and attempts, newest first.",
        method: method(Service::Alerting, "/orewatch.alerting.v1.DeliveryService/ListDeliveries"),
        items: "deliveries",
        parameters: &[
            parameter("receiver", "receiver", Form::Text),
            parameter("subscription", "subscription", Form::Text),
            parameter("alert", "alert", Form::Text),
            parameter("state", "states", Form::Words),
            parameter("from", "from", Form::Time),
            parameter("until", "until", Form::Time),
        ],
        is_paged: true,
        knowledge: Knowledge::Present,
        entries: entries::deliveries,
        stream: None,
    },
    Listing {
        name: "releases",
        about: "Releases of datasets, with their state and report.",
        method: method(Service::Ingestion, "/orewatch.ingestion.v1.IngestionService/ListReleases"),
        items: "releases",
        parameters: &[parameter("dataset", "dataset", Form::Text), parameter("state", "state", Form::Word)],
        is_paged: true,
        knowledge: Knowledge::Present,
        entries: entries::releases,
        stream: None,
    },
    Listing {
        name: "sources",
        about: "Datasets with a visible release, with their kind and rank in the source policy.",
        method: method(Service::Ingestion, "/orewatch.ingestion.v1.IngestionService/GetSourcePolicy"),
        items: "datasets",
        parameters: &[],
        is_paged: false,
        knowledge: Knowledge::Present,
        entries: entries::sources,
        stream: None,
    },
];

/// Episodes are folded here from the transitions of alerts: no service lists them.
pub(crate) const EPISODES: Listing = Listing {
    name: "episodes",
    about: "Episodes of alerts: each continuous time from pending or firing to resolved.",
    method: method(Service::Alerting, "/orewatch.alerting.v1.AlertingService/ListAlerts"),
    items: "episodes",
    parameters: OF_ALERTS,
    is_paged: true,
    knowledge: Knowledge::Present,
    entries: entries::none,
    stream: None,
};

/// Something that is changed by a POST request whose body is the request of a method as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its address below `/api/v1/`.
    pub name: &'static str,
    /// What it does, for people: one sentence.
    pub about: &'static str,
    /// The method.
    pub method: Method,
    /// A field of the request that is always set here.
    pub(crate) set: Option<&'static str>,
    /// What its body may be beside JSON.
    pub file: Option<FileBody>,
}

/// A file as the body of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileBody {
    /// A file of rules, YAML.
    Rules,
    /// Corrected rows, in the format of their release.
    Rows,
}

impl FileBody {
    /// Media types by which it is recognised; the first is the usual one.
    #[must_use]
    pub fn media_types(self) -> &'static [&'static str] {
        match self {
            Self::Rules => &["application/yaml", "application/x-yaml", "text/yaml"],
            Self::Rows => &["text/csv"],
        }
    }

    /// Parameters that stand in the address because the body has no place for them.
    #[must_use]
    pub fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Rules => &["actor", "reason", "re-evaluate", "preview-from"],
            Self::Rows => &["release", "rejection", "reason", "actor", "accept"],
        }
    }
}

const fn change(name: &'static str, about: &'static str, method: Method) -> Change {
    Change { name, about, method, set: None, file: None }
}

/// What can be changed.
pub const CHANGES: &[Change] = &[
    change(
        "alerts/acknowledge",
        "Acknowledges an alert, which stops repeats and escalation.",
        method(Service::Alerting, "/orewatch.alerting.v1.NotificationService/AcknowledgeAlert"),
    ),
    change(
        "alerts/unacknowledge",
        "Withdraws an acknowledgement.",
        method(Service::Alerting, "/orewatch.alerting.v1.NotificationService/UnacknowledgeAlert"),
    ),
    change(
        "silences",
        "Creates or changes a silence.",
        method(Service::Alerting, "/orewatch.alerting.v1.NotificationService/PutSilence"),
    ),
    change(
        "silences/end",
        "Ends a silence now.",
        method(Service::Alerting, "/orewatch.alerting.v1.NotificationService/EndSilence"),
    ),
    Change {
        set: Some("validate_only"),
        file: Some(FileBody::Rules),
        ..change("rules/check", "Checks rules and says what they would do, and changes nothing.", PUT_RULE)
    },
    Change {
        file: Some(FileBody::Rules),
        ..change(
            "rules/apply",
            "Creates or revises rules. All are checked before the first is stored.",
            PUT_RULES,
        )
    },
    Change {
        file: Some(FileBody::Rows),
        ..change("releases/repair", "Repairs quarantined rows of a release.", REPAIR)
    },
];
