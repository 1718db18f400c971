//! The page `VERIFICATION.md`, which is part of the documentation.

use crate::{BadTable, Case, Verdict, verify};

const HEAD: &str = "# Published figures, recomputed\n\n\
                    Generated from the cases of this crate; `orewatch verify` prints the same. A figure is \
                    reproduced if our best value is within the tolerance (a figure published as a bound: \
                    within that bound). It is within bounds if some input is not published and our bounds, \
                    which exclude other figures, contain the published one. Otherwise it is not reproduced, \
                    and a reason is given.\n";

/// The page `VERIFICATION.md`, in Markdown: a summary, and a table per measure with its sources and remarks.
///
/// # Errors
///
/// As [`verify`].
pub fn page() -> Result<String, BadTable> {
    let cases = verify()?;
    let mut text = HEAD.to_owned();
    summary(&mut text, &cases);
    for group in cases.chunk_by(|a, b| a.measure == b.measure && a.source == b.source) {
        section(&mut text, group);
    }
    Ok(text)
}

fn summary(text: &mut String, cases: &[Case]) {
    let count = |verdict| cases.iter().filter(|case| case.verdict == verdict).count();
    let all = [Verdict::Reproduced, Verdict::WithinBounds, Verdict::NotReproduced];
    let counts = all.map(|verdict| format!("{} {verdict}", count(verdict))).join(", ");
    line(text, &format!("\n{} cases: {counts}.", cases.len()));
}

fn section(text: &mut String, group: &[Case]) {
    let Some(first) = group.first() else { return };
    line(text, &format!("\n## {}\n", first.measure));
    let location = if first.source.location.is_empty() {
        String::new()
    } else {
        format!(" {}.", capital(&first.source.location))
    };
    line(text, &format!("Source: {}. Licence: {}.{location}\n", first.source.title, first.source.licence));
    line(text, "| case | figure | published | ours | tolerance | unit | verdict |");
    line(text, "| --- | --- | ---: | ---: | ---: | --- | --- |");
    for case in group {
        let [ours, tolerance] = [case.ours_text(), case.tolerance_text()];
        let Case { case, term, published, unit, verdict, .. } = case;
        line(
            text,
            &format!("| {case} | {term} | {} | {ours} | {tolerance} | {unit} | {verdict} |", published.text),
        );
    }
    remarks(text, group);
}

/// The remarks on cases, each once with the cases that it is about.
fn remarks(text: &mut String, group: &[Case]) {
    let mut written: Vec<&str> = Vec::new();
    for case in group.iter().filter(|case| !case.reason.is_empty()) {
        if written.contains(&case.reason.as_str()) {
            continue;
        }
        if written.is_empty() {
            line(text, "\nRemarks:\n");
        }
        written.push(&case.reason);
        let about = group.iter().filter(|other| other.reason == case.reason).map(|other| other.case.as_str());
        let mut about: Vec<_> = about.collect();
        about.dedup();
        line(text, &format!("- {}: {}.", about.join("; "), case.reason));
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
