//! UN Comtrade: what its rows become. Every figure here is made up.
use std::collections::BTreeMap;

use orewatch_formats::Codes;
use orewatch_formats::{Limits, Metadata, SourceError, plan};
use proptest::prelude::*;

use crate::harness::gzip;
use crate::taking::{Taken, memory, take, take_one};

const HEADER: &str = "typeCode,freqCode,refPeriodId,refYear,refMonth,period,reporterCode,reporterISO,\
                      flowCode,partnerCode,\
     partnerISO,partner2Code,classificationCode,cmdCode,customsCode,mosCode,motCode,qtyUnitCode,qty,netWgt,\
     isNetWgtEstimated,cifvalue,fobvalue,primaryValue,isReported,isAggregate";

/// A row of the header above: period, reporter, flow, partner, product, customs, transport, weight, value.
pub(crate) fn row(of: [&str; 9]) -> String {
    let [period, reporter, flow, partner, product, customs, transport, weight, value] = of;
    let year = &period[..4];
    format!(
        "C,A,{year}0101,{year},52,{period},{reporter},,{flow},{partner},,0,H5,{product},{customs},0,\
         {transport},8,\
         {weight},{weight},false,,,{value},false,true\n"
    )
}

fn total(of: [&str; 7]) -> String {
    let [period, reporter, flow, partner, product, weight, value] = of;
    row([period, reporter, flow, partner, product, "C00", "0", weight, value])
}

pub(crate) fn csv(rows: &[String]) -> String {
    format!("{HEADER}\n{}", rows.concat())
}

fn record(period: &str, flow: &str, partner: u16, class: &str, weight: &str, value: &str) -> String {
    format!(
        r#"{{"typeCode":"C","freqCode":"A","refMonth":52,"period":"{period}","reporterCode":276,"reporterISO":null,"flowCode":"{flow}","partnerCode":{partner},"partner2Code":0,"classificationCode":"{class}","cmdCode":"250410","customsCode":"C00","mosCode":"0","motCode":0,"qtyUnitCode":-1,"netWgt":{weight},"isNetWgtEstimated":true,"primaryValue":{value}}}"#
    )
}

fn envelope(count: usize, records: &[String], error: &str) -> String {
    format!(
        r#"{{"elapsedTime":"0.1 secs","count":{count},"data":[{}],"error":"{error}"}}"#,
        records.join(",")
    )
}

fn refused(content: impl AsRef<[u8]>) -> SourceError {
    take_one("comtrade", content).map(drop).unwrap_err()
}

fn hs17() -> Metadata {
    Metadata { hs: Some("HS17".to_owned()), ..Metadata::default() }
}

#[test]
fn the_reports_of_both_sides_are_separate_flows() {
    let taken = take_one(
        "comtrade.csv",
        csv(&[
            total(["2021", "276", "M", "156", "250410", "12000", "34000"]),
            total(["2021", "156", "X", "276", "250410", "11000", "30500"]),
            // Taiwan, France and India have numbers of their own.
            total(["2021", "251", "M", "490", "250410", "1500", "2000"]),
            total(["2021", "699", "X", "842", "250410", "", "2000"]),
        ]),
    )
    .unwrap();
    assert_eq!(
        taken.flows(),
        [
            "2021 CHN DEU 250410 34 12 importer",
            "2021 CHN DEU 250410 30.5 11 exporter",
            "2021 TWN FRA 250410 2 1.5 importer",
            "2021 IND USA 250410 2 - exporter",
        ]
    );
    let release = &taken.plan.release;
    assert_eq!((&*release.dataset, &*release.hs_revision), ("comtrade-hs17", "HS17"));
    assert!(taken.plan.notes[0].contains("--vintage"), "{:?}", taken.plan.notes);
}

/// What is part of another row, or a sum of several, is counted and not recorded.
#[test]
fn no_flow_is_counted_twice() {
    let outside = [
        ["2021", "276", "RX", "156", "250410", "1", "1"],
        ["2021", "276", "RM", "156", "250410", "1", "1"],
        ["2021", "276", "MIP", "156", "250410", "1", "1"],
        ["2021", "276", "M", "156", "2504", "1", "1"],
        ["2021", "276", "M", "156", "TOTAL", "1", "1"],
        ["2021", "276", "M", "156", "010121", "1", "1"],
        ["2021", "276", "M", "97", "250410", "1", "1"],
        ["2021", "276", "M", "918", "250410", "1", "1"],
        ["2021", "276", "M", "276", "250410", "1", "1"],
        ["2021", "97", "M", "156", "250410", "1", "1"],
    ];
    let mut rows: Vec<_> = outside.iter().map(|row| total(*row)).collect();
    rows.push(total(["2021", "276", "M", "156", "250410", "5000", "5000"]));
    let taken = take_one("comtrade.csv", csv(&rows)).unwrap();
    assert_eq!(taken.flows(), ["2021 CHN DEU 250410 5 5 importer"]);
    assert_eq!(taken.totals.out_of_scope, u64::try_from(outside.len()).unwrap());
    assert_eq!(taken.reasons(), [""; 0]);
}

/// The total of all procedures and modes is the flow, wherever its parts are; without it the parts are not
/// added up.
#[test]
fn procedures_and_modes_of_transport_are_summed() {
    let part = |partner, customs, transport, weight| {
        row(["2021", "360", "M", partner, "750210", customs, transport, weight, "100"])
    };
    let taken = take_one(
        "comtrade.csv",
        csv(&[
            part("156", "C00", "1000", "1"),
            part("156", "C00", "9100", "38"),
            part("156", "C00", "0", "39"),
            part("156", "C04", "0", "20"),
            part("392", "C00", "2100", "7"),
            part("392", "C01", "2100", "7"),
            part("36", "C00", "0", "4"),
            part("0", "C00", "1000", "4"),
        ]),
    )
    .unwrap();
    assert_eq!(
        taken.flows(),
        ["2021 CHN IDN 750210 0.1 0.039 importer", "2021 AUS IDN 750210 0.1 0.004 importer"]
    );
    assert_eq!(taken.reasons(), ["6  2021,M,360,392,750210 no-total"]);
    assert_eq!((taken.totals.read, taken.totals.out_of_scope), (8, 5));
}

/// Goods that were paid for weigh something.
#[test]
fn missing_weights_stay_missing() {
    let flow = |partner, weight, value| total(["2021", "276", "M", partner, "250410", weight, value]);
    let taken = take_one(
        "c.csv",
        csv(&[flow("156", "0.0", "7"), flow("36", "", "7"), flow("76", "0", "0"), flow("124", "2.5", "")]),
    );
    assert_eq!(
        taken.unwrap().flows(),
        [
            "2021 CHN DEU 250410 0.007 - importer",
            "2021 AUS DEU 250410 0.007 - importer",
            "2021 BRA DEU 250410 0 0 importer",
            "2021 CAN DEU 250410 - 0.0025 importer",
        ]
    );
}

#[test]
fn wrong_rows_are_rejected_with_their_codes() {
    let cases = [
        (["2021", "276", "Q", "156", "250410", "1", "1"], "flowCode Q unknown-flow"),
        (["2021", "276", "M", "999", "250410", "1", "1"], "partnerCode 999 unknown-economy"),
        (["2021", "999", "M", "156", "250410", "1", "1"], "reporterCode 999 unknown-economy"),
        (["2021", "276", "M", "156", "25041", "1", "1"], "cmdCode 25041 invalid-product"),
        (["2021", "276", "M", "156", "250410", "-1", "1"], "netWgt -1 negative-figure"),
        (["2021", "276", "M", "156", "250410", "1", "1e5"], "primaryValue 1e5 invalid-number"),
        (["20x1", "276", "M", "156", "250410", "1", "1"], "period 20x1 invalid-period"),
    ];
    let mut rows = vec![total(["2021", "276", "M", "36", "250410", "1", "1"])];
    rows.extend(cases.iter().map(|(row, _)| total(*row)));
    rows.push("C,A,2021\n".to_owned());
    let taken = take_one("comtrade.csv", csv(&rows)).unwrap();
    let mut expected: Vec<_> =
        cases.iter().zip(3..).map(|((_, reason), line)| format!("{line} {reason}")).collect();
    expected.push("10  C,A,2021 field-count-mismatch".to_owned());
    assert_eq!(taken.reasons(), expected);
    assert!(taken.rejections[0].text.starts_with("C,A,20210101,2021,52,2021,276,,Q,156"));
}

/// Others leave columns out and put their own before them; then `--hs` has to say the revision.
#[test]
fn files_put_together_by_others_are_read() {
    let content = "mineral,period,reporterCode,reporterDesc,partnerCode,flowCode,cmdCode,primaryValue,netWgt,\
                   note\n\
                   graphite,2021,276,Germany,0,M,250410,30.0,3000.0,\n\
                   graphite,2021,276,\"Germany, Fed. Rep.\",156,M,250410,30.0,3000.0,,\n";
    assert_eq!(refused(content).code, "missing-hs-revision");
    let taken = take(vec![memory("nickel.csv", content)], &hs17(), Limits::default()).unwrap();
    assert_eq!(taken.flows(), ["2021 CHN DEU 250410 0.03 3 importer"]);
    assert_eq!(taken.totals.read, 1, "the world is a total, not a row");
}

#[test]
fn responses_of_the_interface_are_read() {
    let records = [
        record("2021", "M", 0, "H5", "4000.5", "9e3"),
        record("2021", "M", 156, "H5", "4000.5", "9000.0"),
        record("2021", "M", 276, "H5", "0.0", "0"),
    ];
    let bare = format!("[{}]", records.join(","));
    for content in [envelope(3, &records, ""), format!("\u{feff}{}", envelope(3, &records, "")), bare] {
        let taken = take_one("answer.json", gzip(content.as_bytes())).unwrap();
        assert_eq!(taken.flows(), ["2021 CHN DEU 250410 9 4.0005 importer"]);
        assert_eq!(taken.lines(), [2], "places are numbers of records");
        assert!(taken.plan.release.files[0].records);
        assert_eq!((taken.totals.read, taken.totals.out_of_scope), (2, 1));
    }
}

#[test]
fn responses_without_data_are_refused_with_advice() {
    let one = [record("2021", "M", 156, "H5", "1", "1")];
    let cases = [
        (envelope(0, &[], ""), "no-rows"),
        (envelope(0, &[], "Quota exceeded"), "answer-is-an-error"),
        (envelope(1, &one, "Timeout"), "answer-is-an-error"),
        (envelope(2, &one, ""), "truncated-answer"),
        (r#"{"statusCode":429,"message":"Rate limit is exceeded."}"#.to_owned(), "answer-is-an-error"),
        (envelope(1, &one, "")[..200].to_owned(), "no-rows"),
        (envelope(2, &[one[0].clone(), one[0].clone()], "")[..600].to_owned(), "truncated-json"),
    ];
    for (content, code) in cases {
        let error = refused(&content);
        assert_eq!(error.code, code, "{error}: {content}");
        assert!(!error.hint.is_empty(), "{error}");
    }
}

/// An answer of as many rows as the interface gives at most was probably longer.
#[test]
fn a_response_at_the_cap_gets_a_note() {
    let records: Vec<_> =
        (0..500).map(|year| record(&(1950 + year % 100).to_string(), "M", 156, "H5", "1", "1")).collect();
    let taken = take_one("answer.json", envelope(500, &records, "")).unwrap();
    assert!(taken.plan.notes.iter().any(|note| note.contains("exactly 500 rows")), "{:?}", taken.plan.notes);
}

/// Reporters come in the revision that they report in: each revision is a release.
#[test]
fn each_revision_in_a_file_makes_a_release() {
    let records = [
        record("2021", "M", 156, "H5", "1000", "1000"),
        record("2022", "M", 156, "H6", "2000", "1000"),
        record("2022", "M", 156, "S4", "2000", "1000"),
    ];
    let content = envelope(3, &records, "");
    let plans = |given: &Metadata| {
        plan(vec![memory("a.json", &content)], given, &Codes::default(), Limits::default(), &mut |_| {})
    };
    let names: Vec<_> =
        plans(&Metadata::default()).unwrap().iter().map(|plan| plan.release.dataset.clone()).collect();
    assert_eq!(names, ["comtrade-hs17", "comtrade-hs22"]);
    let named = Metadata { dataset: Some("mine".to_owned()), ..Metadata::default() };
    assert_eq!(plans(&named).map(drop).unwrap_err().code, "mixed-revisions");
    let taken = take(vec![memory("a.json", &content)], &hs17(), Limits::default()).unwrap();
    assert_eq!(taken.flows(), ["2021 CHN DEU 250410 1 1 importer"]);
    assert_eq!(taken.totals.out_of_scope, 1);
    assert_eq!(taken.reasons(), ["3 classificationCode S4 unknown-classification"]);
    let hs12 = Metadata { hs: Some("HS12".to_owned()), ..Metadata::default() };
    let error = plans(&hs12).map(drop).unwrap_err();
    assert_eq!(error.code, "hs-revision-mismatch");
    assert!(error.hint.contains("H5, H6, S4"), "{}", error.hint);
}

/// A revision that the first 64 KiB do not show is found and read by itself, in csv and JSON; `--hs` takes
/// any one of them.
#[test]
fn a_second_revision_is_found_far_below_the_first() {
    let codes = [("156", "1000"), ("36", "500")];
    let mut records: Vec<_> =
        (0..300).map(|n| record(&(1900 + n % 150).to_string(), "M", 500 + n, "H4", "1", "1")).collect();
    records.extend(
        codes.map(|(partner, weight)| record("2021", "M", partner.parse().unwrap(), "H5", weight, "1000")),
    );
    let json = envelope(records.len(), &records, "");
    let mut rows: Vec<_> = (1900..2600)
        .map(|n| {
            total(["2020", "276", "M", "156", "250410", "5", "5"])
                .replace("H5", "H4")
                .replace(",2020,", &format!(",{n},"))
        })
        .collect();
    rows.truncate(150);
    let filler = total(["2020", "276", "M", "156", "010121", "5", "5"]).replace("H5", "H4");
    rows.extend(std::iter::repeat_n(filler, 700));
    rows.extend(
        codes.map(|(partner, weight)| total(["2021", "276", "M", partner, "250410", weight, "1000"])),
    );
    let csv = csv(&rows);
    assert!(json.len() > 64 << 10 && csv.len() > 64 << 10);
    for (name, content) in [("a.json", json), ("a.csv", csv)] {
        let plans = |given: &Metadata| {
            plan(vec![memory(name, &content)], given, &Codes::default(), Limits::default(), &mut |_| {})
                .unwrap()
        };
        let names: Vec<_> =
            plans(&Metadata::default()).iter().map(|plan| plan.release.dataset.clone()).collect();
        assert_eq!(names, ["comtrade-hs12", "comtrade-hs17"]);
        for (hs, flows) in [("HS12", 0), ("HS17", 2)] {
            let given = Metadata { hs: Some(hs.to_owned()), ..Metadata::default() };
            let taken = take(vec![memory(name, &content)], &given, Limits::default()).unwrap();
            let of_2021 =
                taken.flows().iter().filter(|flow| flow.starts_with("2021 ") && flow.contains(" 1 ")).count();
            assert_eq!(of_2021, flows, "{hs}");
            assert!(taken.totals.recorded >= 2, "{hs}: {:?}", taken.totals);
        }
    }
}

#[test]
fn years_and_months_are_different_periods() {
    let months = csv(&[total(["202103", "276", "M", "156", "250410", "1000", "1000"])]);
    let taken = take_one("m.csv", months).unwrap();
    assert_eq!(taken.flows(), ["2021-03 CHN DEU 250410 1 1 importer"]);
    assert_eq!(taken.plan.release.dataset, "comtrade-hs17-monthly");
    let year = total(["2021", "276", "M", "156", "250410", "9000", "9000"]);
    let month = total(["202103", "276", "M", "36", "250410", "1000", "1000"]);
    assert_eq!(refused(csv(&[year.clone(), month.clone()])).code, "mixed-periods");
    assert_eq!(refused(csv(&[month, year])).code, "mixed-periods");
}

/// A field of a row: right, wrong or anything.
fn field(right: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(right).prop_map(str::to_owned),
        1 => "[^,\"\r\n]{0,8}",
    ]
}

fn rows() -> impl Strategy<Value = Vec<String>> {
    let fields = (
        field(&["2020", "2021", "202152"]),
        field(&["276", "156", "842", "97"]),
        field(&["M", "X", "RX"]),
        field(&["0", "276", "156", "899", "36"]),
        field(&["250410", "2504", "010121", "810520"]),
        field(&["C00", "C01"]),
        field(&["0", "1000"]),
        field(&["0", "1.5", "", "700"]),
        field(&["0", "12", ""]),
    );
    let row = fields.prop_map(|(a, b, c, d, e, f, g, h, i)| {
        let period = if a.len() < 4 { "2020" } else { &*a };
        let period = if period.is_char_boundary(4) { period } else { "2020" };
        row([period, &b, &c, &d, &e, &f, &g, &h, &i])
    });
    prop::collection::vec(row, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Every row is recorded, outside, a total or quarantined with its line, in whatever order rows come.
    #[test]
    fn no_row_is_lost(rows in rows()) {
        let count = u64::try_from(rows.len()).unwrap();
        match take(vec![memory("c.csv", csv(&rows))], &hs17(), Limits::default()) {
            Err(error) => prop_assert_eq!(error.code, "mixed-periods"),
            Ok(Taken { totals, rejections, .. }) => {
                let rejected: BTreeMap<_, _> = totals.rejected.clone();
                prop_assert_eq!(totals.read,
                    totals.recorded + totals.out_of_scope + rejected.values().sum::<u64>());
                prop_assert!(totals.read <= count);
                let worlds = rows.iter().filter(|row| row.contains(",0,,0,H5,")).count();
                prop_assert!(totals.read + u64::try_from(worlds).unwrap() >= count, "{:?} of {}", totals,
                    count);
                prop_assert!(rejections.iter().all(|of| of.line > 1 && !of.reason.is_empty()));
            }
        }
    }

    #[test]
    fn no_answer_panics(content in "[\\[{]?(\"(data|count|error|statusCode|message)\":)?[ -~]{0,60}") {
        drop(take(vec![memory("c.json", content)], &hs17(), Limits::default()).map(drop));
    }
}
