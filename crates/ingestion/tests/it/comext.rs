//! Eurostat Comext: what its rows become. Every figure here is made up.
use std::io::Cursor;

use orewatch_formats::{Limits, Metadata, SourceError};
use proptest::prelude::*;
use sevenz_rust2::{ArchiveEntry, ArchiveWriter};

use crate::taking::{memory, take, take_one};

const HEADER: &str = "REPORTER,PARTNER,TRADE_TYPE,PRODUCT_NC,PRODUCT_SITC,PRODUCT_CPA21,PRODUCT_CPA22,\
                      PRODUCT_BEC,PRODUCT_BEC5,\
     PRODUCT_SECTION,FLOW,STAT_PROCEDURE,SUPPL_UNIT,PERIOD,VALUE_EUR,VALUE_NAC,QUANTITY_KG,\
     QUANTITY_SUPPL_UNIT\n";

/// Reporter, partner, product, flow, procedure, period, euros, kilograms.
fn row(of: [&str; 8]) -> String {
    let [reporter, partner, product, flow, procedure, period, value, weight] = of;
    format!(
        "{reporter},{partner},E,{product},27852,0899,0899,22,22,05,{flow},{procedure},,{period},{value},\
         {value},{weight},\n"
    )
}

fn dat(rows: &[[&str; 8]]) -> String {
    format!("{HEADER}{}", rows.iter().map(|of| row(*of)).collect::<String>())
}

fn refused(content: impl AsRef<[u8]>) -> SourceError {
    take_one("full202403.dat", content).map(drop).unwrap_err()
}

/// A flow is the sum over its customs procedures; euros are no dollars.
#[test]
fn procedures_are_summed_into_one_flow() {
    let taken = take_one(
        "full202403.dat",
        dat(&[
            ["DE", "CN", "25041000", "1", "1", "202403", "9000", "4000"],
            ["DE", "CN", "25041000", "1", "2", "202403", "100", "500"],
            ["DE", "CN", "25041000", "2", "1", "202403", "70", "20"],
            ["GR", "XS", "25041000", "1", "1", "202403", "5", "1000"],
            ["FR", "XI", "25041000", "1", "1", "202403", "5", "1000"],
            ["FR", "XU", "25041000", "1", "1", "202403", "5", "2000"],
            ["NL", "XK", "25041000", "1", "3", "202403", "5", "0"],
            ["DE", "CN", "25041000", "1", "9", "202403", "1", "1"],
            ["AT", "CN", "25041000", "1", "1", "202403", "9", "10"],
            ["AT", "CN", "25041000", "1", "2", "202403", "9", ""],
        ]),
    )
    .unwrap();
    assert_eq!(
        taken.flows(),
        [
            "2024-03 CHN DEU 25041000 - 4.501 importer",
            "2024-03 DEU CHN 25041000 - 0.02 exporter",
            "2024-03 SRB GRC 25041000 - 1 importer",
            "2024-03 GBR FRA 25041000 - 3 importer",
            "2024-03 XKX NLD 25041000 - - importer",
            "2024-03 CHN AUT 25041000 - - importer",
        ]
    );
    assert_eq!(taken.lines(), [2, 4, 5, 6, 8, 10], "a sum stands where its first row does");
    let release = &taken.plan.release;
    assert_eq!((&*release.dataset, &*release.hs_revision), ("comext-cn2024", "CN2024"));
}

/// Eight digits tell gallium from germanium where six do not.
#[test]
fn codes_of_eight_digits_are_more_specific() {
    let flow = |code| ["DE", "CN", code, "1", "1", "202403", "5", "1000"];
    let taken = take_one("x.csv", dat(&[flow("81129289"), flow("81129295")])).unwrap();
    let materials: Vec<_> = taken.trade[0].products.iter().map(|product| &*product.material).collect();
    assert_eq!(materials, ["gallium", "germanium"]);
}

#[test]
fn rows_out_of_scope_are_counted() {
    let outside = [
        ["DE", "CN", "250410SS", "1", "1", "202403", "5", "5"],
        ["DE", "CN", "2504MMXX", "1", "1", "202403", "5", "5"],
        ["DE", "EU", "25041000", "1", "1", "202403", "5", "5"],
        ["EU", "CN", "25041000", "1", "1", "202403", "5", "5"],
        ["ES", "XC", "25041000", "2", "1", "202403", "5", "5"],
        ["XI", "CN", "25041000", "1", "1", "202403", "5", "5"],
        ["DE", "DE", "25041000", "1", "1", "202403", "5", "5"],
        ["DE", "CN", "01012100", "1", "1", "202403", "5", "5"],
    ];
    let taken = take_one("x.csv", dat(&outside)).unwrap();
    assert_eq!(taken.flows(), [""; 0]);
    assert_eq!((taken.totals.read, taken.totals.out_of_scope), (8, 8));
}

#[test]
fn wrong_rows_are_rejected_with_their_codes() {
    let cases = [
        (["DE", "CN", "2504100", "1", "1", "202403", "5", "5"], "PRODUCT_NC 2504100 invalid-product"),
        (["DE", "CN", "25041000", "3", "1", "202403", "5", "5"], "FLOW 3 unknown-flow"),
        (["DE", "CN", "25041000", "1", "4", "202403", "5", "5"], "STAT_PROCEDURE 4 unknown-procedure"),
        (["D1", "CN", "25041000", "1", "1", "202403", "5", "5"], "REPORTER D1 unknown-economy"),
        (["DE", "ZZ", "25041000", "1", "1", "202403", "5", "5"], "PARTNER ZZ unknown-economy"),
        (["DE", "CN", "25041000", "1", "1", "202403", "5", "-5"], "QUANTITY_KG -5 negative-figure"),
        (["DE", "CN", "25041000", "1", "1", "202403", "x", "5"], "VALUE_EUR x invalid-number"),
        (["DE", "CN", "25041000", "1", "1", "March", "5", "5"], "PERIOD March invalid-period"),
    ];
    let mut rows = vec![["DE", "CN", "25041000", "1", "1", "202403", "5", "5"]];
    rows.extend(cases.iter().map(|(row, _)| *row));
    let taken = take_one("x.csv", dat(&rows)).unwrap();
    let expected: Vec<_> =
        cases.iter().zip(3..).map(|((_, reason), line)| format!("{line} {reason}")).collect();
    assert_eq!(taken.reasons(), expected);
}

#[test]
fn years_and_months_are_different_periods() {
    let of = |period| ["DE", "CN", "25041000", "1", "1", period, "5", "5000"];
    let year = take_one("full_v2_202352.dat", dat(&[of("202352")])).unwrap();
    assert_eq!(year.flows(), ["2023 CHN DEU 25041000 - 5 importer"]);
    assert_eq!(year.plan.release.dataset, "comext-cn2023-annual");
    for other in ["202352", "202403", "202252"] {
        assert_eq!(refused(dat(&[of("202303"), of(other)])).code, "mixed-periods", "{other}");
    }
    let files = ["202301", "202352"].map(|period| memory(period, dat(&[of(period)])));
    let both = take(files.to_vec(), &Metadata::default(), Limits::default());
    assert_eq!(both.map(drop).unwrap_err().code, "mixed-releases");
    assert_eq!(refused(HEADER).code, "no-rows");
    assert_eq!(refused(dat(&[of("2023")])).code, "invalid-period");
}

/// Older files call the same columns otherwise, and months of a year make one release.
#[test]
fn older_files_and_whole_years_are_read() {
    let header = "DECLARANT,DECLARANT_ISO,PARTNER,PARTNER_ISO,TRADE_TYPE,PRODUCT_NC,FLOW,STAT_REGIME,PERIOD,\
                  VALUE_IN_EUROS,\
                  QUANTITY_IN_KG,SUP_QUANTITY\n";
    let month = |period: &str| {
        let content = format!(
            "{header}004,DE,0720,CN,E,25041000,1,1,{period},5,5000,\n004,DE,0720,CN,E,25041000,1,2,{period},\
             5,1,\n"
        );
        let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
        let entry = ArchiveEntry::new_file(&format!("full{period}.dat"));
        writer.push_archive_entry(entry, Some(content.as_bytes())).unwrap();
        memory(&format!("full{period}.7z"), writer.finish().unwrap().into_inner())
    };
    let taken =
        take(vec![month("201601"), month("201602")], &Metadata::default(), Limits::default()).unwrap();
    assert_eq!(
        taken.flows(),
        ["2016-01 CHN DEU 25041000 - 5.001 importer", "2016-02 CHN DEU 25041000 - 5.001 importer"]
    );
    assert_eq!(taken.plan.release.files[1].name, "full201602.7z/full201602.dat");
}

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(texts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What is recorded, outside and quarantined are all flows of a file, and together they weigh what their
    /// rows weigh.
    #[test]
    fn no_flow_is_lost(rows in prop::collection::vec((
        one_of(&["DE", "FR", "XI", "ZZ"]), one_of(&["CN", "QU", "DE", "US"]), one_of(&["25041000",
            "2504XXSS", "01012100"]),
        one_of(&["1", "2"]), one_of(&["1", "2", "9", "4"]), one_of(&["1000", "2000", "W"]),
    ), 1..40)) {
        let rows: Vec<_> = rows.iter().map(|&(a, b, c, d, e, f)| [a, b, c, d, e, "202403", "1", f]).collect();
        let taken = take_one("x.csv", dat(&rows)).unwrap();
        let set_aside: u64 = taken.totals.rejected.values().sum();
        prop_assert_eq!(taken.totals.read, taken.totals.recorded + taken.totals.out_of_scope + set_aside);
        let right = |[reporter, partner, product, _, procedure, ..]: &[&str; 8]| {
            matches!(*reporter, "DE" | "FR") && partner != reporter && *product == "25041000"
                && *procedure != "4"
        };
        let mut flows = std::collections::BTreeMap::new();
        for row in rows.iter().filter(|row| right(row)) {
            let kilograms = row[7].parse().unwrap_or(f64::NAN);
            *flows.entry([row[0], row[1], row[3]]).or_insert(0.0) += kilograms / 1000.0;
        }
        let recorded: Vec<_> = taken.flows().iter().map(|flow| {
            flow.split(' ').nth(5).unwrap().parse().unwrap_or(f64::NAN)
        }).collect();
        prop_assert_eq!(recorded.len(), flows.len());
        let unknown = |figures: &[f64]| figures.iter().filter(|figure| figure.is_nan()).count();
        let sum = |figures: &[f64]| figures.iter().filter(|figure| !figure.is_nan()).sum::<f64>();
        let flows: Vec<_> = flows.into_values().collect();
        prop_assert_eq!(unknown(&recorded), unknown(&flows));
        prop_assert!((sum(&recorded) - sum(&flows)).abs() < 1e-9);
    }

    #[test]
    fn no_row_panics(rows in "[^\\r]{0,120}") {
        drop(take_one("x.csv", format!("{HEADER}{rows}")).map(drop));
    }
}
