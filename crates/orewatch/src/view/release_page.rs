//! Page of a release: its origin, its report and the verdicts of its gates.
use orewatch_contracts::ingestion::v1::{Release, ReleaseInfo, Report, Verdict};
use orewatch_formats::scope;

use super::{
    covers_words, kept_text, kind_word, licence_text, period_words, release_state_word, skipped_texts,
    table_word,
};
use crate::render::{Out, hanging, labels};
use crate::words::{enum_word, grouped, instant, time_text};

/// Width of the labels, in characters.
const LABEL_WIDTH: usize = 11;

/// Column in which the message of a gate begins.
const GATE_MARGIN: usize = 28;

/// A release with its report. If `brief`, gates without findings are only counted.
pub(crate) fn release_page(out: &Out, info: &ReleaseInfo, brief: bool) -> String {
    let release = info.release.clone().unwrap_or_default();
    let origin = release.provenance.clone().unwrap_or_default();
    let report = info.report.clone().unwrap_or_default();
    let originals: Vec<String> = if brief { Vec::new() } else { originals(&release) };
    let position = info.committed_position.map(|position| format!("@{position}")).unwrap_or_default();
    let state = release_state_word(info.state());
    let kind = match release.supplements.as_str() {
        "" => kind_word(release.kind()),
        base => format!("{} of {base}", kind_word(release.kind())),
    };
    let fields = [
        ("state", state.clone()),
        ("reason", info.reason.clone()),
        ("table", table_word(release.table())),
        ("publisher", origin.publisher),
        ("title", origin.title),
        ("address", origin.url),
        ("published", origin.published),
        ("licence", licence_text(&origin.licence)),
        ("files", file_names(&release).join(", ")),
        ("originals", originals.join("\n              ")),
        ("kept", if brief { String::new() } else { kept_text(info) }),
        ("kind", kind),
        ("scope", release.scope.as_ref().map(scope::scope_text).unwrap_or_default()),
        ("tenant", release.tenant.clone()),
        ("rows", row_counts(&report)),
        ("quarantined", rejected_by_code(&report)),
        ("periods", period_words(&report.first_period, &report.last_period)),
        ("covers", covers_words(info)),
        ("restates", report.restates.clone()),
        (state.as_str(), time_text(info.closed_at)),
        ("position", position),
        ("not counted", skipped_texts(&info.skipped).join("; ")),
    ];
    let mut text = format!("{}\n", out.style.bold(&release.id));
    text.push_str(&labels(&fields, LABEL_WIDTH, out.width));
    text.push_str(&gates(out, &report, brief));
    text
}

fn file_names(release: &Release) -> Vec<String> {
    release.files.iter().map(|file| format!("{} ({} bytes)", file.name, grouped(file.bytes))).collect()
}

fn row_counts(report: &Report) -> String {
    format!(
        "{} read: {} recorded, {} out of scope, {} quarantined",
        grouped(report.rows_read),
        grouped(report.rows_recorded),
        grouped(report.rows_out_of_scope),
        grouped(report.rows_rejected)
    )
}

/// The quarantined rows by error code.
fn rejected_by_code(report: &Report) -> String {
    let counts = report.rejected_by_code.iter().map(|(code, count)| format!("{code} {}", grouped(*count)));
    counts.collect::<Vec<_>>().join(", ")
}

/// The verdicts of the gates. If `brief`, gates without findings are only counted.
fn gates(out: &Out, report: &Report, brief: bool) -> String {
    let mut text = String::new();
    let (passed, found): (Vec<_>, Vec<_>) =
        report.gates.iter().partition(|gate| brief && gate.verdict() == Verdict::Pass);
    if !report.gates.is_empty() {
        let passed = if passed.is_empty() { String::new() } else { format!("{} passed", passed.len()) };
        text.push_str(format!("  gates       {passed}").trim_end());
        text.push('\n');
    }
    for gate in found {
        let verdict = enum_word(gate.verdict().as_str_name(), "VERDICT_");
        let painted = match gate.verdict() {
            Verdict::Block => out.style.red(&format!("{verdict:<6}")),
            Verdict::Warn => out.style.yellow(&format!("{verdict:<6}")),
            Verdict::Pass | Verdict::Off | Verdict::Unspecified => out.style.green(&format!("{verdict:<6}")),
        };
        let line = format!("    {painted} {:<16} {}", gate.gate, gate.message);
        text.push_str(&hanging(&line, out.width, GATE_MARGIN));
    }
    text
}

/// Digests of the archived files, each once, with the time and address of retrieval.
fn originals(release: &Release) -> Vec<String> {
    let mut lines = Vec::new();
    for file in release.files.iter().filter(|file| !file.stored_sha256.is_empty()) {
        let when = file.retrieved_at.map(|time| format!("  {}", instant(time.seconds))).unwrap_or_default();
        let line = format!("{}{when}  {}", file.stored_sha256, file.url);
        let line = line.trim_end().to_owned();
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}
