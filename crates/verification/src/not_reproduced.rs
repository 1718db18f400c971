//! The page `docs/not-reproduced.md`: what does not reproduce and why, and what we got wrong.

use crate::table::{BadTable, Table};
use crate::{Case, Verdict, verify};

const HEAD: &str = "# What does not reproduce, and what we got wrong\n\n\
                    Generated from the cases of `orewatch verify` and from tables of reasons; \
                    [VERIFICATION.md](../crates/verification/VERIFICATION.md) has all cases. A figure that \
                    cannot be recomputed is no proof of anything: it is here so that nobody has to try \
                    again, and so that what was wrong is not forgotten.\n";

/// The page, in Markdown: cases that differ, cases that are only bounded, published figures that are not
/// recomputed, and mistakes of earlier versions.
///
/// # Errors
///
/// As [`verify`].
pub fn not_reproduced_page() -> Result<String, BadTable> {
    let cases = verify()?;
    let mut text = HEAD.to_owned();
    let with = |verdict| cases.iter().filter(move |case| case.verdict == verdict).collect::<Vec<_>>();
    let differ = "Recomputed, and different from what is published, or with inputs that do not suffice.";
    push_cases(&mut text, "Figures that differ", differ, &with(Verdict::NotReproduced));
    let bounded = "Some input is not published; the published figure lies within our bounds.";
    push_cases(&mut text, "Figures that are only bounded", bounded, &with(Verdict::WithinBounds));
    let open = Table::read("not-reproduced.csv", include_str!("../data/not-reproduced.csv"))?;
    text.push_str("\n## Figures that are not recomputed\n\n");
    push_table(&mut text, &open, &[("publisher", ""), ("figure", ""), ("published", ""), ("reason", "")]);
    let mistakes = Table::read("mistakes.csv", include_str!("../data/mistakes.csv"))?;
    text.push_str("\n## What we got wrong\n\n");
    text.push_str(&format!("{}.\n\n", capital(&mistakes.source().location)));
    let columns =
        [("until", ""), ("what", "what was wrong"), ("was", "what it gave"), ("is", "what it gives now")];
    push_table(&mut text, &mistakes, &columns);
    Ok(text)
}

/// A section with one row for each case.
fn push_cases(text: &mut String, title: &str, about: &str, cases: &[&Case]) {
    text.push_str(&format!("\n## {title}\n\n{about}\n\n"));
    text.push_str("| measure | case | published | ours | reason |\n| --- | --- | ---: | ---: | --- |\n");
    for case in cases {
        let Case { measure, case: name, published, reason, .. } = case;
        let row = format!("| {measure} | {name} | {} | {} | {reason} |\n", published.text, case.ours_text());
        text.push_str(&row);
    }
}

/// A table as it lies, with headings in place of the names of its columns where they have one.
fn push_table(text: &mut String, table: &Table, columns: &[(&str, &str)]) {
    let headings = columns.iter().map(|(name, heading)| if heading.is_empty() { *name } else { *heading });
    text.push_str(&format!("| {} |\n", headings.collect::<Vec<_>>().join(" | ")));
    text.push_str(&format!("|{}\n", " --- |".repeat(columns.len())));
    for row in table.rows() {
        let cells = columns.iter().map(|(name, _)| row.text(name));
        text.push_str(&format!("| {} |\n", cells.collect::<Vec<_>>().join(" | ")));
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
