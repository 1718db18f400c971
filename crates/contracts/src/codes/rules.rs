//! Codes of rules, their tests and backtests.
use super::{Area, external, internal, user};

pub(super) const AREA: Area = Area {
    name: "Rules",
    about: "Codes of rules, their tests and backtests.",
    codes: &[
        user("empty-combination", "A combination has no conditions.", "List at least one condition."),
        internal(
            "evaluation-mismatch",
            "Two evaluations of the same data gave different results.",
            "Report the defect. The log of the service names the rule.",
        ),
        user(
            "frequency-mismatch",
            "A period or measure does not have the frequency of the rule.",
            "Write years for an annual rule and months for a monthly one.",
        ),
        user(
            "invalid-case",
            "A test case is incomplete or has an invalid cell.",
            "Correct the case that the error names.",
        ),
        user(
            "invalid-cel",
            "The CEL expression cannot be read or evaluated.",
            "Correct the expression at the position that the error names.",
        ),
        user(
            "invalid-clear-line",
            "The clear line is on the wrong side of the line at which the alert fires.",
            "Move it to the other side, or leave it out.",
        ),
        user(
            "invalid-label",
            "The text is not a valid label name.",
            "Use only letters, digits, `.`, `_` and `-`.",
        ),
        user(
            "invalid-revision",
            "The text is not a revision of the rule.",
            "Give its number, `standing`, or a rule file.",
        ),
        user("invalid-severity", "The name of a severity is empty or too long.", "Give it a short name."),
        user(
            "invalid-severity-order",
            "The severities are not in the order of their values.",
            "Order them from the mildest to the most severe.",
        ),
        user(
            "invalid-states",
            "The number of expected states in a test differs from the number of periods.",
            "Give one state for each period.",
        ),
        user(
            "invalid-yaml",
            "The text is not valid YAML, or a value has the wrong form.",
            "Correct the line that the error names.",
        ),
        user(
            "limit-reached",
            "Warning: the rule has reached its limit of open alerts. Further alerts are held back.",
            "Narrow the selection, move the line, or raise `limit`.",
        ),
        user(
            "matches-nothing",
            "Warning: the rule selects nothing that has figures.",
            "Check the selection. The rule waits for matching figures.",
        ),
        user("missing-line", "The rule has no line.", "Set `above` or `below` to a number."),
        user("no-tests", "The file contains no tests.", "Add a section `tests`."),
        user(
            "proxy-products",
            "Warning: trade data measure a selected material by product codes that also cover other goods.",
            "Read the figures as those of the codes, or select another stage or a measure of output.",
        ),
        external(
            "quota-reached",
            "The maximum number of rules, receivers or other entries is reached.",
            "Remove entries that are not needed.",
        ),
        user(
            "rule-too-costly",
            "Evaluating the rule would take too many steps.",
            "Select fewer consumers, materials or periods.",
        ),
        external(
            "rules-too-costly",
            "Evaluating all rules of this owner would take too many steps.",
            "Narrow or remove costly rules. `orewatch rules list` shows what each costs.",
        ),
        user(
            "severity-gap",
            "Warning: the mildest severity starts beyond the line of the rule.",
            "Start the mildest severity at the line.",
        ),
        user(
            "tests-failed",
            "A rule did not behave as a test expects.",
            "Correct the rule, or the expectation.",
        ),
        user(
            "unknown-pack",
            "No pack of rules has this name.",
            "List the packs with `orewatch rules packs`.",
        ),
        user(
            "unknown-period",
            "The series of a test does not contain this period.",
            "Use a period of the series.",
        ),
        user(
            "unknown-revision",
            "The rule has no revision with this number.",
            "List the revisions of the rule.",
        ),
        user("unknown-rule", "No rule has this identifier.", "List the rules with `orewatch rules list`."),
        user(
            "unsupported-measure",
            "This kind of condition does not support the measure.",
            "Use one of the measures that the hint lists.",
        ),
        user(
            "unused-measure",
            "A test has figures of a measure that the rule does not use.",
            "Remove the measure from the test.",
        ),
    ],
};
