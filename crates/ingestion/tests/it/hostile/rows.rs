//! Bad files and rows of BACI and of tidy tables, case by case: each gets a clear error or a rejected row.
use std::time::Duration;

use orewatch_contracts::Class;
use orewatch_contracts::ingestion::v1::{ReleaseState, Verdict};
use orewatch_formats::{Limits, Metadata};
use orewatch_ingestion::Config;
use orewatch_ingestion::client::Options;

use crate::harness::{BACI, Service, file, gzip, lenient, on_disk, output, trade};

/// A good row, so that a release with a bad row has something to record.
const GOOD: &str = "2020,36,360,250410,26.628,40.261";

fn baci(rows: &str) -> String {
    format!("t,i,j,k,v,q\n{GOOD}\n{rows}\n")
}

/// Name, content, code, part of the message, part of the hint.
type RefusedFile<'a> = (&'a str, &'a [u8], &'a str, &'a str, &'a str);

/// Files that are refused.
const REFUSED_FILES: &[RefusedFile<'static>] = &[
    (BACI, b"", "empty-file", "the file is empty", "expected a line"),
    (BACI, b"\xef\xbb\xbf", "missing-header", "no header", ""),
    (BACI, b"t,i,j,k,v,q\n", "no-rows", "a header and no rows", "complete"),
    (BACI, b"2020,36,360,250410,1,1\n", "unknown-format", "no known format", "baci/2: t,i,j,k,v,q"),
    (BACI, b"t,i,j,k,v\n2020,36,360,250410,1\n", "missing-column", "`q` is missing", "expected t,i,j,k,v,q"),
    (BACI, b"t,i,j,k,v,q,q\n1,1,1,1,1,1,1\n", "duplicate-column", "`q` is there twice", "t,i,j,k,v,q"),
    (BACI, b"t,i,j,k,v,qty\n1,1,1,1,1,1\n", "missing-column", "is `qty` meant to be `q`?", ""),
    (BACI, b"t,i,j,k,v,q,note\n1,1,1,1,1,1,1\n", "unknown-column", "`note` is not known", ""),
    (
        BACI,
        b"t,i,j,k,v,q\n2020,36,360,250410,1,\xe9\n",
        "not-utf8",
        ":2: byte 22 of the line (0xe9)",
        "UTF-8",
    ),
    (BACI, b"t,i,j,k,v,q\0\n2020,36,360,250410,1,1\n", "invalid-header", "NUL", "text file"),
    (
        BACI,
        b"\x1f\x8b\x08garbage that is no gzip at all",
        "damaged-gzip",
        "is damaged",
        "download the file again",
    ),
    (
        "trade.csv",
        b"t,i,j,k,v,q\n2020,36,360,250410,1,1\n",
        "missing-hs-revision",
        "HS revision",
        "--hs HS92",
    ),
    (
        "x.csv",
        b"# dataset: a\n# vintage: 1\n# hs: \
                HS93\nperiod,exporter,importer,product,value_kusd,quantity_t\n1,2,3,4,5,6\n",
        "unknown-hs-revision",
        "HS93",
        "HS92, HS96",
    ),
    (
        "x.csv",
        b"# vintage: 1\nperiod,economy,indicator,value\n2020,DEU,x,1\n",
        "missing-metadata-key",
        "the dataset is unknown",
        "--dataset",
    ),
    (
        "x.csv",
        b"# dataset: A b\n# vintage: 1\nperiod,economy,indicator,value\n2020,DEU,x,1\n",
        "invalid-name",
        "dataset",
        "lower-case",
    ),
    (
        "x.csv",
        b"# datset: a\n# vintage: 1\nperiod,economy,indicator,value\n2020,DEU,x,1\n",
        "unknown-metadata-key",
        "`datset`",
        "did you mean `dataset`?",
    ),
    (
        "x.csv",
        b"# vintage: 1\n# vintage: 2\nperiod,economy,indicator,value\n2020,DEU,x,1\n",
        "duplicate-metadata-key",
        "`vintage` is there twice",
        "",
    ),
    (
        "x.csv",
        b"# dataset: a\n# vintage: 1\n# table: trade\nperiod,economy,indicator,value\n2020,DEU,x,1\n",
        "table-mismatch",
        "those of governance",
        "",
    ),
];

/// A file that cannot be read leaves nothing on the log, and the error says where, what and what to do.
#[tokio::test]
async fn wrong_files_are_refused_with_their_reason() {
    let whole = gzip(baci("2020,36,842,250410,1,1").repeat(2_000).as_bytes());
    let half = &whole[..whole.len() / 2];
    let long = format!("t,i,j,k,v,q\n{GOOD}\n{}\n", "x".repeat(3 << 20));
    let compressed: [RefusedFile<'_>; 4] = [
        (BACI, &gzip(b""), "empty-file", "the file is empty", ""),
        (BACI, long.as_bytes(), "line-too-long", ":3: the line is longer than 1048576 bytes", "line feed"),
        (BACI, half, "truncated-gzip", "ends too early", "download the file again"),
        (BACI, &whole[..10], "truncated-gzip", "after line 0", ""),
    ];
    let service = Service::start().await;
    for (name, content, code, message, hint) in compressed.iter().chain(REFUSED_FILES) {
        let failure = service.take(name, content).await.unwrap_err();
        assert_eq!((failure.code.as_str(), failure.class), (*code, Class::Invalid), "{failure}");
        assert!(failure.message.starts_with(&format!("{name}:")), "names the file: {failure}");
        assert!(failure.message.contains(message), "{message:?} in {failure}");
        assert!(failure.hint.contains(hint), "{hint:?} in {failure}");
    }
    assert_eq!(service.events().await, [], "nothing of a refused file is recorded");
    service.stop().await;
}

#[tokio::test]
async fn directories_and_missing_files_are_refused() {
    let service = Service::start().await;
    let directory = tempfile::tempdir().unwrap();
    for (path, code, class) in [
        (directory.path().to_owned(), "not-a-file", Class::Invalid),
        (directory.path().join("none.csv"), "file-not-found", Class::NotFound),
        ("/dev/null".into(), "not-a-file", Class::Invalid),
    ] {
        let failure = service.ingest(vec![on_disk(&path)], Options::default()).await.unwrap_err();
        assert_eq!((failure.code.as_str(), failure.class), (code, class));
    }
    service.stop().await;
}

/// A line of any length is refused as soon as it is too long, without being kept.
#[tokio::test]
async fn an_endless_line_is_refused() {
    let service = Service::start().await;
    // Three GB of zeros that take no room: so compressed they are a small file.
    let zeros = gzip(&vec![0; 16 << 20]).repeat(200);
    let ingesting = service.ingest(vec![file(BACI, zeros)], Options::default());
    // Only so that a reading that does not end fails; how much is read before a refusal is measured
    // elsewhere.
    let failure = tokio::time::timeout(Duration::from_secs(300), ingesting).await.unwrap().unwrap_err();
    assert_eq!(failure.code, "line-too-long");
    service.stop().await;
}

#[tokio::test]
async fn a_file_beyond_the_limit_is_refused() {
    let limits = Limits { bytes: 1_000, ..Limits::default() };
    let service = Service::configured(|config| Config { limits, ..config }).await;
    let content = gzip(baci(GOOD).repeat(100).as_bytes());
    let failure = service.take(BACI, content).await.unwrap_err();
    assert_eq!(failure.code, "file-too-large");
    service.stop().await;
}

/// Row, column, value, code, part of the reason, part of the hint.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

/// Rows of BACI that are rejected.
const BACI_REJECTED: &[Case] = &[
    ("2020,36,842,250410,-,1", "v", "-", "invalid-number", "a mark, not a figure", "NA if no source"),
    ("2020,36,842,250410,1,>50", "q", ">50", "bounded-figure", "a bound", "NA"),
    (
        "2020,36,842,250410,1,234,5",
        "",
        "2020,36,842,250410,1,234,5",
        "field-count-mismatch",
        "7 fields, the header has 6",
        "thousands",
    ),
    (
        "2020,36,842,250410,\"1,234\",5",
        "v",
        "1,234",
        "invalid-number",
        "a comma, which may separate decimals or thousands",
        "1234",
    ),
    ("2020,36,842,250410,1e999,1", "v", "1e999", "invalid-number", "exponent", "larger than"),
    ("2020,36,842,250410,1e3,1", "v", "1e3", "invalid-number", "exponent", "1000"),
    ("2020,36,842,250410,NaN,1", "v", "NaN", "invalid-number", "a mark", "NA"),
    ("2020,36,842,250410,inf,1", "v", "inf", "invalid-number", "not finite", ""),
    ("2020,36,842,250410,1,-5", "q", "-5", "negative-figure", "is negative", ""),
    ("2020,36,842,250410,,1", "v", "", "missing-figure", "empty", "NA"),
    ("2020,36,842,250410,9999999999999,1", "v", "9999999999999", "figure-too-large", "larger than", "unit"),
    ("2020,36,842,80510,1,1", "k", "80510", "invalid-product", "not a code", "did you mean 080510?"),
    ("2020,36,842,2504,1,1", "k", "2504", "invalid-product", "not a code", "six digits"),
    ("2020,36,999,250410,1,1", "j", "999", "unknown-economy", "unknown economy", ""),
    ("2020,0,842,250410,1,1", "i", "0", "aggregate-economy", "the world total", "leave totals"),
    ("2020,36,36,250410,1,1", "j", "36", "self-flow", "the same", "leave such rows out"),
    ("20222,36,842,250410,1,1", "t", "20222", "invalid-period", "1900 to 2100", ""),
    ("1850,36,842,250410,1,1", "t", "1850", "invalid-period", "`1850` is not a period", ""),
    (GOOD, "", "2020,AUS,IDN,250410", "duplicate-key", "in line 2, with the same figures", "keep one"),
    (
        "2020,36,360,250410,5,5",
        "",
        "2020,AUS,IDN,250410",
        "duplicate-key",
        "in line 2, with other figures",
        "",
    ),
    ("2020,36,842", "", "2020,36,842", "field-count-mismatch", "3 fields", "cut off"),
    ("2020,36,842,250410,1,\0", "", "", "nul-byte", "byte 22", "damaged"),
    ("2020,36,842,250410,\"1,1", "", "1,1", "unclosed-quote", "does not end", "close"),
];

/// A bad row is rejected with its line and reason; the others are recorded.
#[tokio::test]
async fn each_wrong_row_of_baci_is_rejected_with_its_code() {
    let service = Service::start().await;
    let rows = BACI_REJECTED.iter().map(|(row, ..)| *row).collect::<Vec<_>>().join("\n");
    let outcome = service.ingest(vec![file(BACI, baci(&rows))], lenient()).await.unwrap();
    let report = outcome.release.report.clone().unwrap();
    assert_eq!(report.rows_rejected, u64::try_from(BACI_REJECTED.len()).unwrap());
    assert_eq!((report.rows_read, report.rows_recorded), (report.rows_rejected + 1, 1));
    let rejections = service.rejections(&outcome.release.release.unwrap().id).await;
    assert_eq!(rejections.len(), BACI_REJECTED.len());
    for (line, (found, (row, column, value, code, reason, hint))) in
        (3..).zip(rejections.iter().zip(BACI_REJECTED))
    {
        assert_eq!((found.file.as_str(), found.line), (BACI, line), "{row:?}");
        assert_eq!((&*found.column, &*found.value, &*found.code), (*column, *value, *code), "{row:?}");
        assert!(include_str!("../../../README.md").contains(&format!("`{code}`")), "{code} is documented");
        assert!(found.reason.contains(reason), "{row:?}: {}", found.reason);
        assert!(found.hint.contains(hint), "{row:?}: {}", found.hint);
    }
    service.stop().await;
}

/// Tidy files name economies by alpha-3 and nothing else; what was probably meant is said, never guessed.
#[tokio::test]
async fn economies_by_other_names_are_rejected_with_their_codes() {
    let cases = [
        ("ZAR", "unknown-economy", "COD"),
        ("CG", "unknown-economy", "COD"),
        ("Congo (Kinshasa)", "unknown-economy", "COD"),
        ("S19", "unknown-economy", "TWN"),
        ("490", "unknown-economy", "TWN"),
        ("NA", "unknown-economy", "NAM"),
        ("deu", "unknown-economy", "DEU"),
        ("WLD", "aggregate-economy", ""),
        ("Qqqq", "unknown-economy", ""),
    ];
    let service = Service::start().await;
    let rows: Vec<_> = cases.iter().map(|(code, ..)| format!("2020,{code},DEU,250410,1,1")).collect();
    let mut rows: Vec<_> = rows.iter().map(String::as_str).collect();
    rows.extend(["2020,COD,DEU,250410,1,1", "2020,TWN,DEU,250410,1,1", "2020,NAM,DEU,250410,1,1"]);
    // What has no name is an amount of unknown origin, not a mistake.
    rows.push("2020,OTHER,DEU,250410,1,1");
    let outcome = service.ingest(vec![file("t.csv", trade("v1", &rows))], lenient()).await.unwrap();
    assert_eq!(outcome.release.report.clone().unwrap().rows_recorded, 4);
    let rejections = service.rejections("v1").await;
    assert_eq!(rejections.len(), cases.len());
    for (found, (value, code, meant)) in rejections.iter().zip(cases) {
        assert_eq!((&*found.value, &*found.code, &*found.column), (value, code, "exporter"));
        assert!(found.hint.contains(meant) || found.reason.contains(meant), "{value}: {found:?}");
    }
    service.stop().await;
}

/// In BACI the Congo is 180, Taiwan 490, Namibia 516; in a figure `NA` is unavailable and `W` withheld, never
/// zero.
#[tokio::test]
async fn unusual_but_valid_rows_are_recorded() {
    let service = Service::start().await;
    let rows = "2020,180,842,250410,1,1\n2020,490,842,250410,2,NA\r\n2020,516,842,250410,   3.5 , \
                4\n\n2020,842,516,010121,1,1";
    let content = format!("\u{feff}{}", baci(rows));
    let outcome = service.take(BACI, content).await.unwrap();
    assert!(outcome.is_committed(), "{outcome:?}");
    let report = outcome.release.report.unwrap();
    assert_eq!((report.rows_recorded, report.rows_out_of_scope, report.rows_rejected), (4, 1, 0));

    let rows = [
        "2020,COD,cobalt,mined,W,t,content",
        "2020,CHN,cobalt,mined,NA,t,content",
        "2020,OTHER,cobalt,mined,1.5,kt,content",
    ];
    let outcome = service.take("p.csv", output(&rows)).await.unwrap();
    assert!(outcome.is_committed(), "{outcome:?}");
    service.stop().await;
}

#[tokio::test]
async fn wrong_units_and_bases_are_rejected() {
    let service = Service::start().await;
    let cases = [
        ("2020,CHN,cobalt,mined,1,lbs,content", "unit", "unknown-unit"),
        ("2020,CHN,cobalt,mined,1,t,wet", "basis", "unknown-basis"),
        ("2020,CHN,cobalt,mined,1,t,gross", "basis", "basis-mismatch"),
        ("2020,CHN,kobalt,mined,1,t,content", "material", "unknown-material"),
        ("2020,CHN,cobalt,mind,1,t,content", "stage", "unknown-stage"),
    ];
    let mut rows = vec!["2020,COD,cobalt,mined,1,t,content"];
    rows.extend(cases.iter().map(|(row, ..)| *row));
    let outcome = service.ingest(vec![file("p.csv", output(&rows))], lenient()).await.unwrap();
    let rejections = service.rejections("v1").await;
    for (found, (row, column, code)) in rejections.iter().zip(cases) {
        assert_eq!((&*found.column, &*found.code), (column, code), "{row}");
    }
    let gates = outcome.release.report.unwrap().gates;
    let units = gates.iter().find(|gate| gate.gate == "units").unwrap();
    assert_eq!(
        (units.verdict(), &*units.message),
        (Verdict::Warn, "3 rows quarantined for a unit or basis that does not fit")
    );
    service.stop().await;
}

/// By default no row may be rejected: the release is refused, and says why.
#[tokio::test]
async fn a_release_is_refused_with_too_many_rejections() {
    let service = Service::start().await;
    let content = baci("2020,36,842,250410,-,1");
    let outcome = service.take(BACI, &content).await.unwrap();
    assert_eq!(outcome.release.state(), ReleaseState::Refused);
    assert!(
        outcome.release.reason.contains("1 row is invalid (invalid-number 1) and none is allowed"),
        "{}",
        outcome.release.reason
    );
    assert_eq!(service.rejections("202401b").await.len(), 1, "they are listed all the same");

    let again = service.take(BACI, &content).await.unwrap();
    assert_eq!(
        (again.release.state(), again.known),
        (ReleaseState::Refused, true),
        "refused again, without a trace"
    );
    let before = service.events().await.len();

    let options = Options { max_rejects: 1, ..Options::default() };
    let admitted = service.ingest(vec![file(BACI, &content)], options).await.unwrap();
    assert!(admitted.is_committed() && !admitted.known, "{admitted:?}");
    assert!(service.events().await.len() > before, "its rows were recorded anew");
    service.stop().await;
}

#[tokio::test]
async fn options_complete_the_metadata_of_files() {
    let service = Service::start().await;
    let metadata =
        Metadata { hs: Some("HS92".to_owned()), publisher: Some("Me".to_owned()), ..Metadata::default() };
    let options = Options { metadata, ..Options::default() };
    let outcome = service.ingest(vec![file("trade.csv", baci(""))], options).await.unwrap();
    let release = outcome.release.release.unwrap();
    assert_eq!((&*release.dataset, &*release.vintage), ("baci-hs92", "undated"));
    assert_eq!(release.provenance.unwrap().publisher, "Me");
    assert!(outcome.notes[0].contains("undated"));
    service.stop().await;
}

/// Rows of the greatest length, as strange as they come, are rejected in chunks that the log can take.
#[tokio::test]
async fn rejections_of_any_length_are_recorded() {
    let service = Service::start().await;
    let mut content = baci("");
    for length in [255, 256, 257, 100_000] {
        let odd = "\u{10ffff}".repeat(length / 4);
        content.push_str(
            &format!("2020,36,{odd},250410,1,1\n{odd},36,842,250410,1,1\n2020,36,842,250410,1,{odd}\n")
                .repeat(70),
        );
    }
    let outcome = service.ingest(vec![file(BACI, content)], lenient()).await.unwrap();
    let report = outcome.release.report.unwrap();
    assert_eq!((report.rows_recorded, report.rows_rejected), (1, 840));
    assert_eq!(report.rejected_by_code.get("field-too-long"), Some(&210));
    assert!(
        service.rejections("202401b").await.iter().all(|rejection| rejection.value.chars().count() <= 200)
    );
    service.stop().await;
}

/// Many rejections: all are counted, the first are listed, and pages lead through them.
#[tokio::test]
async fn the_memory_for_rejections_is_bounded() {
    let service = Service::start().await;
    let rows = "2020,36,842,250410,-,1\n".repeat(10_500);
    let outcome = service.ingest(vec![file(BACI, baci(&rows))], lenient()).await.unwrap();
    assert_eq!(outcome.release.report.unwrap().rows_rejected, 10_500);
    let mut lines = Vec::new();
    let mut token = String::new();
    loop {
        let request = orewatch_contracts::ingestion::v1::ListRejectionsRequest {
            release: "202401b".to_owned(),
            page_size: 700,
            page_token: token,
        };
        let page = service.client().list_rejections(request).await.unwrap().into_inner();
        lines.extend(page.rejections.iter().map(|rejection| rejection.line));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(lines, (3..10_003).collect::<Vec<u64>>());
    service.stop().await;
}

/// What an unknown name may have meant is searched for some of them only, and never for long texts.
#[tokio::test]
async fn a_file_of_unknown_economies_is_read_in_bounded_time() {
    let service = Service::start().await;
    let header = "# dataset: a\n# vintage: 1\nperiod,economy,indicator,value\n2020,DEU,x,1\n";
    let file = |name: &dyn Fn(u32) -> String| {
        (0..50_000).fold(header.to_owned(), |text, number| text + &format!("2020,{},x,1\n", name(number)))
    };
    for content in
        [file(&|number| format!("Republic of {number}")), file(&|number| format!("{number:X>250}"))]
    {
        // Whether it is refused for that is the gates' affair.
        let reading = service.take("x.csv", content.as_bytes());
        drop(tokio::time::timeout(Duration::from_secs(60), reading).await.expect("it ends in its time"));
    }
    service.stop().await;
}
