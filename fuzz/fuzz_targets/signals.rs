//! Documents that signals are extracted from: the first byte selects media type and encoding.
#![no_main]

use orewatch_signals::{Description, extract, read_documents, read_gdelt};

const FORMS: [(&str, Option<&str>); 6] = [
    ("text/plain", None),
    ("text/html", None),
    ("application/rss+xml", None),
    ("text/html", Some("windows-1252")),
    ("text/plain", Some("gb18030")),
    ("text/plain", Some("iso-2022-jp")),
];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let (media_type, encoding) = FORMS[usize::from(*first) % FORMS.len()];
    let description = Description { media_type, encoding, ..Description::default() };
    for document in read_documents(rest, &description).into_iter().flatten() {
        let content = document.text.content();
        let found = extract(content, document.published);
        for field in found.candidates.iter().flat_map(|candidate| &candidate.fields) {
            assert!(!field.span.of(content).is_empty(), "a field points at nothing");
            assert!(
                document.text.source_span(field.span).end <= rest.len(),
                "a field points behind the document"
            );
        }
    }
    read_gdelt(&String::from_utf8_lossy(rest));
});
