//! Texts that mislead, contradict themselves or are no texts: what is flagged, what is left out, and that
//! nothing panics.

use jiff::civil::{Date, date};
use orewatch_signals::{
    Description, Extraction, FieldName, Flag, Kind, MAX_DOCUMENT_BYTES, extract, read_documents,
};
use proptest::prelude::*;

const DAY: Date = date(2026, 1, 12);

fn read(text: &str) -> Extraction {
    extract(text, Some(DAY))
}

fn only(text: &str, name: FieldName) -> Vec<String> {
    let found = read(text);
    assert_eq!(found.candidates.len(), 1, "{text}: {found:#?}");
    Vec::from_iter(found.candidates[0].values(name))
}

#[test]
fn names_of_several_places_are_resolved_by_the_text_or_not_at_all() {
    for (text, expected) in [
        ("Georgia banned exports of copper, an official in Tbilisi said.", vec!["GEO"]),
        ("Georgia banned the use of copper pipes in exports, the mayor of Atlanta said.", vec![]),
        ("Congo banned exports of cobalt.", vec![]),
        ("Congo banned exports of cobalt. Kinshasa wants higher prices.", vec!["COD"]),
        ("The Republic of the Congo banned exports of copper.", vec!["COG"]),
        ("The Democratic Republic of the Congo banned exports of copper.", vec!["COD"]),
        ("China banned exports of gallium.", vec!["CHN"]),
        ("China (Taipei) banned exports of gallium.", vec!["TWN"]),
        ("Chinese Taipei banned exports of gallium.", vec!["TWN"]),
        ("Hong Kong banned exports of gallium.", vec!["HKG"]),
        ("New Mexico banned exports of copper.", vec![]),
    ] {
        let found = read(text);
        let actors: Vec<String> =
            found.candidates.iter().flat_map(|ban| ban.values(FieldName::Actor)).collect();
        assert_eq!(actors, expected, "{text}: {found:#?}");
    }
    let flags = read("Congo banned exports of cobalt.").flags;
    assert!(flags.contains(&Flag::AmbiguousName("Congo".to_owned())), "{flags:?}");
}

#[test]
fn what_cannot_be_is_flagged_and_kept_as_written() {
    let flags =
        |text: &str| read(text).candidates.into_iter().flat_map(|found| found.flags).collect::<Vec<_>>();
    assert_eq!(flags("China refines 130 percent of the world's cobalt."), [Flag::PercentOver100]);
    assert_eq!(
        flags("China refines between 87 and 47 percent of the world's cobalt."),
        [Flag::RangeUpsideDown]
    );
    assert_eq!(flags("Japan and India signed an agreement on graphite on 5 May 2031."), [Flag::FutureDate]);
    assert_eq!(
        only("China refines between 87 and 47 percent of the cobalt.", FieldName::Amount),
        ["87..47 %"]
    );
    assert_eq!(flags("Japan considers a ban on exports of gallium."), [Flag::Possible]);
    assert_eq!(flags("Japan lifted its ban on exports of gallium."), [Flag::Ended]);
}

#[test]
fn an_article_without_a_date_has_no_relative_dates() {
    let found = extract("China banned exports of gallium on Monday.", None);
    assert!(found.flags.contains(&Flag::NoPublicationDay));
    assert!(found.candidates[0].values(FieldName::Date).is_empty());
}

#[test]
fn satire_and_withdrawals_are_flagged_and_stay_candidates() {
    let satire =
        "Satire\n\nThe Moon banned exports of cheese. Japan banned exports of gallium until pigs fly.";
    let found = read(satire);
    assert!(found.flags.contains(&Flag::Satire));
    assert!(found.candidates.iter().all(|candidate| candidate.kind == Kind::Ban));
    let withdrawn = read("Correction: Reuters retracts its report that China banned exports of gallium.");
    assert!(withdrawn.flags.contains(&Flag::Withdrawn));
}

#[test]
fn what_is_denied_is_no_signal() {
    for text in [
        "Indonesia has no plans to ban exports of nickel.",
        "Japan did not sign an agreement on graphite.",
        "中国没有禁止镓出口。",
    ] {
        assert!(read(text).candidates.is_empty(), "{text}");
    }
}

#[test]
fn marks_of_direction_and_combining_characters_change_nothing() {
    let source = "China\u{202e} banned exports of gal\u{200b}lium to the U\u{301}nited States. \
                  Cote\u{301} d'Ivoire did not.";
    let description =
        Description { media_type: "text/plain", published: Some(DAY), ..Description::default() };
    let document = read_documents(source.as_bytes(), &description).unwrap().remove(0);
    let found = extract(document.text.content(), document.published);
    let gallium = found.candidates[0].fields.iter().find(|field| field.name == FieldName::Material).unwrap();
    assert_eq!(document.text.source_span(gallium.span).of(source), "gal\u{200b}lium");
}

#[test]
fn long_and_repetitive_texts_end() {
    let long = "China banned exports of gallium to Japan on 3 December 2024, Reuters said. ".repeat(100);
    assert_eq!(read(&long).candidates.len(), 1);
    read(&"(".repeat(100_000));
    read(&"said ".repeat(2_000));
    read(&"China, ".repeat(2_000));
    let page = format!("<p>{}", "&amp;".repeat(MAX_DOCUMENT_BYTES / 64));
    let description = Description { media_type: "text/html", ..Description::default() };
    assert!(read_documents(page.as_bytes(), &description).is_ok());
}

#[test]
fn texts_made_to_be_slow_end() {
    for word in [
        "1 May ",
        "50 percent ",
        "an official of the ministry ",
        "China, ",
        "China banned exports of gallium. ",
        "signed a new and long and broad ",
        "added a, b, c to ",
        "between 4 and 5 and 6 ",
        "a\u{301}",
        "中国禁止镓出口，",
        "日本は、",
    ] {
        let text = word.repeat((64 << 10) / word.len());
        let description =
            Description { media_type: "text/plain", published: Some(DAY), ..Description::default() };
        let document = read_documents(text.as_bytes(), &description).unwrap().remove(0);
        let found = extract(document.text.content(), document.published);
        assert!(found.candidates.len() < 600, "{word:?}: the number of candidates is bounded");
    }
}

/// Words that rules look for.
const WORDS: [&str; 36] = [
    "China",
    "banned",
    "exports",
    "of",
    "gallium",
    "to",
    "Japan",
    "on",
    "3 December",
    "said",
    ",",
    ";",
    ".\n",
    "Reuters",
    "50 percent",
    "between",
    "and",
    "the ban",
    "until",
    "2027",
    "an official",
    "he",
    "signed",
    "met",
    "中国",
    "禁止",
    "出口",
    "镓",
    "表示",
    "日本",
    "は",
    "輸出",
    "%",
    "\"",
    "the country",
    "according to",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_read_and_leads_back(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        html in any::<bool>(),
    ) {
        let media_type = if html { "text/html" } else { "text/plain" };
        let description = Description { media_type, encoding: Some("windows-1252"), published: Some(DAY) };
        for document in read_documents(&bytes, &description).into_iter().flatten() {
            let content = document.text.content();
            let whole = document.text.source_of(0..content.len());
            prop_assert!(whole.end <= bytes.len());
            extract(content, document.published);
        }
    }

    #[test]
    fn words_of_the_rules_in_any_order_are_read(
        words in proptest::collection::vec(proptest::sample::select(WORDS.to_vec()), 0..60),
    ) {
        let text = words.join(" ");
        let found = read(&text);
        for candidate in &found.candidates {
            prop_assert!(candidate.span.end <= text.len());
            prop_assert!(candidate.fields.iter().all(|field| !field.span.of(&text).is_empty()));
        }
    }
}
