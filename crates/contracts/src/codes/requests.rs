//! Codes of values, names and fields of a request that hold for every service.
use super::{Area, user};

pub(super) const AREA: Area = Area {
    name: "Requests",
    about: "Codes of values, names and fields of a request that hold for every service.",
    codes: &[
        user(
            "aggregate-economy",
            "The value is a total or a region, but a single economy is needed.",
            "Name one economy, or leave the row out.",
        ),
        user(
            "ambiguous-release",
            "Several releases have this vintage.",
            "Give the identifier of the release, which `orewatch releases` lists.",
        ),
        user(
            "duplicate-id",
            "Two entries of a list have the same identifier.",
            "Give each entry an identifier of its own.",
        ),
        user(
            "end-before-start",
            "A range ends before it starts.",
            "Swap the two ends, or correct the one that is wrong.",
        ),
        user("end-in-the-past", "The given end time has passed.", "Choose an end in the future."),
        user(
            "hidden-character",
            "A text contains characters that are not shown, such as control characters.",
            "Remove control characters, line breaks and direction marks.",
        ),
        user(
            "invalid-as-at",
            "The knowledge time is not a release, a time, a day or a position.",
            "Write a release or its vintage, a time such as `2026-01-31T12:00:00Z`, a day, or `@POSITION`.",
        ),
        user("invalid-count", "The text is not a whole number.", "Write a whole number, such as `2`."),
        user(
            "invalid-duration",
            "The text is not a duration, or the duration is out of range.",
            "Write a number and a unit (`s`, `m`, `h`, `d` or `w`), such as `30d`.",
        ),
        user(
            "invalid-id",
            "The text is not a valid identifier.",
            "Use only the characters that the hint names.",
        ),
        user(
            "invalid-page-size",
            "The page size exceeds the maximum.",
            "Ask for a smaller page, or leave the size out.",
        ),
        user(
            "invalid-period",
            "The text is not a year or a month.",
            "Write a year such as `2024`, or a month such as `2024-03`.",
        ),
        user(
            "invalid-request",
            "A field of the request has an invalid value.",
            "Correct the field that the error names.",
        ),
        user(
            "invalid-time",
            "The text is not a time, or the time is outside the calendar.",
            "Write a time such as `2026-01-31T12:00:00Z`.",
        ),
        user(
            "invalid-token",
            "A page token or resume token is damaged, or it belongs to another request.",
            "Start without a token, or send the request that the token came from.",
        ),
        user(
            "missing-field",
            "A required field is empty or missing.",
            "Fill in the field that the error names.",
        ),
        user(
            "not-exactly-one",
            "Exactly one of several alternatives is required, but none or more than one is given.",
            "Set exactly one of the alternatives that the hint names.",
        ),
        user(
            "out-of-range",
            "A number or a length is out of range.",
            "Use a value within the range that the message or the hint names.",
        ),
        user("too-deep", "A value is nested too deeply.", "Write it with fewer levels."),
        user(
            "too-few-years",
            "A forecast needs five years without a gap, and there are fewer.",
            "Ingest more years, or ask for a figure with a longer series.",
        ),
        user(
            "too-large",
            "A request or a document has too many bytes.",
            "Make it smaller, or split it into several requests.",
        ),
        user("too-long", "A text is longer than its field allows.", "Shorten the text."),
        user(
            "too-many",
            "A list has too many entries, or a request asks for too many results.",
            "Split the request into smaller ones.",
        ),
        user(
            "undecodable",
            "The bytes of the request are not a valid message of the contract.",
            "Encode the request as `proto/` defines it.",
        ),
        user(
            "unexpected-dataset",
            "The request names a dataset, but it compares all datasets, or its scenario names one.",
            "Leave the dataset out, or ask for the figure from that dataset alone.",
        ),
        user("unexpected-field", "A field is set that does not apply here.", "Leave the field out."),
        user(
            "unexpected-scenario",
            "The request names a scenario, but it is about observations.",
            "Leave the scenario out, or ask for the figure under the scenario alone.",
        ),
        user(
            "unexpected-supplier",
            "The request names a supplier, but the measure has no supplier.",
            "Leave the supplier out, or choose a measure that has one.",
        ),
        user(
            "unknown-basis",
            "No weight basis has this name.",
            "Use a basis of the catalogue, such as `content` or `gross`.",
        ),
        user("unknown-bloc", "No bloc has this code.", "Use the code of a bloc, such as `G7` or `EU27`."),
        user("unknown-by", "No weighting has this name or number.", "Choose quantity or value."),
        user(
            "unknown-claim",
            "No committed release has a claim with this identifier.",
            "List the claims with `orewatch claims`.",
        ),
        user(
            "unknown-code",
            "The code is recognised, but it is not written as in the catalogue.",
            "Write the code as the hint shows it.",
        ),
        user(
            "unknown-consumer",
            "No economy or bloc has this code.",
            "Use an ISO 3166-1 alpha-3 code, the code of a bloc, or `WLD`.",
        ),
        user(
            "unknown-dataset",
            "No committed release belongs to this dataset.",
            "Check the name with `orewatch releases`, or ingest a release first.",
        ),
        user(
            "unknown-dataset-kind",
            "No kind of dataset has this name.",
            "Write `reconciled`, `declarations`, `tables` or `supplement`.",
        ),
        user(
            "unknown-economy",
            "No economy has this code or name.",
            "Use an ISO 3166-1 alpha-3 code, such as `CHN`.",
        ),
        user("unknown-field", "No field has this name.", "Use the field that the hint suggests."),
        user(
            "unknown-frequency",
            "The frequency does not exist, or the measure does not have it.",
            "Request annual or monthly figures, as the hint says.",
        ),
        user(
            "unknown-hs-revision",
            "No revision of the Harmonized System has this name.",
            "Write a revision such as `HS92` or `HS22`.",
        ),
        user(
            "unknown-list",
            "No list of critical materials has this name.",
            "Show the lists with `orewatch lists`.",
        ),
        user(
            "unknown-market",
            "No source has figures for this material at this stage.",
            "Choose a stage that the hint names, or another material.",
        ),
        user(
            "unknown-material",
            "The catalogue has no material with this name.",
            "Use the name that the hint suggests.",
        ),
        user("unknown-measure", "No measure has this name.", "List the measures with `orewatch measures`."),
        user(
            "unknown-nomenclature",
            "No list of product codes has this name.",
            "Write a nomenclature such as `HS22` or `CN2024`.",
        ),
        user(
            "unknown-parameter",
            "The catalogue has no parameter with this name.",
            "Use the name that the hint suggests.",
        ),
        user(
            "unknown-release",
            "No release has this identifier or vintage.",
            "List the releases with `orewatch releases`.",
        ),
        user(
            "unknown-restriction",
            "No kind of export restriction has this name.",
            "Use the name that the hint suggests.",
        ),
        user(
            "unknown-scenario",
            "No committed release has projections of this scenario.",
            "List the scenarios with `orewatch scenarios`.",
        ),
        user("unknown-stage", "No stage has this name.", "Use `mined`, `refined` or `manufactured`."),
        user(
            "unknown-target",
            "No release has a target with this identifier.",
            "List the targets with `orewatch targets`.",
        ),
        user("unknown-unit", "No unit has this name.", "Use a unit of mass, such as `t` or `kg`."),
        user(
            "unknown-value",
            "A filter names something that does not exist, so that nothing can match it.",
            "Correct the name as the message suggests.",
        ),
        user(
            "unknown-word",
            "The field does not accept this value.",
            "Use one of the values that the hint lists.",
        ),
        user(
            "unsupported-by",
            "The measure does not support this weighting.",
            "Leave the weighting out, or use the one that the hint names.",
        ),
        user(
            "unsupported-measure",
            "The request does not support this measure.",
            "Ask for one of the measures that the hint names.",
        ),
    ],
};
