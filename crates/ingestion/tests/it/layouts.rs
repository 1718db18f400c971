//! Layouts in which publishers and programs give what is published: the same figures whatever their columns
//! are called and what separates them. Figures are made up but for those of Finland's nickel.
use orewatch_formats::Codes;
use orewatch_formats::{Limits, Metadata, SourceError, plan};

use crate::taking::{Taken, memory, take, take_one};

/// Shares of importers' sources in per cent, by weight.
fn shares(taken: &Taken) -> Vec<(String, f64)> {
    let weight = |flow: &String| flow.split(' ').nth(5).unwrap().parse::<f64>().unwrap_or(0.0);
    let flows = taken.flows();
    let sum: f64 = flows.iter().map(weight).sum();
    let of = |flow: &String| (flow.split(' ').nth(1).unwrap().to_owned(), 100.0 * weight(flow) / sum);
    flows.iter().map(of).collect()
}

/// Germany's lithium of 2022: 3,000 t from Chile, 1,000 t from China, and the world.
const FLOWS: [(&str, &str, &str); 3] =
    [("0", "4000000", "16000000"), ("152", "3000000", "12000000"), ("156", "1000000", "4000000")];

/// Every column of a bulk file, with what a row has there; `{}` stands for partner, weight and value.
const BULK: [(&str, &str); 47] = [
    ("TypeCode", "C"),
    ("FreqCode", "A"),
    ("RefPeriodId", "20220101"),
    ("RefYear", "2022"),
    ("RefMonth", "52"),
    ("Period", "2022"),
    ("ReporterCode", "276"),
    ("ReporterISO", "DEU"),
    ("ReporterDesc", "Germany"),
    ("FlowCode", "M"),
    ("FlowDesc", "Import"),
    ("PartnerCode", "{partner}"),
    ("PartnerISO", ""),
    ("PartnerDesc", ""),
    ("Partner2Code", "0"),
    ("Partner2ISO", "W00"),
    ("Partner2Desc", "World"),
    ("ClassificationCode", "H6"),
    ("ClassificationSearchCode", "HS"),
    ("IsOriginalClassification", "True"),
    ("CmdCode", "283691"),
    ("CmdDesc", "Lithium carbonates"),
    ("AggrLevel", "6"),
    ("IsLeaf", "True"),
    ("CustomsCode", "C00"),
    ("CustomsDesc", "TOTAL CPC"),
    ("MosCode", "0"),
    ("MotCode", "0"),
    ("MotDesc", "TOTAL MOT"),
    ("QtyUnitCode", "8"),
    ("QtyUnitAbbr", "kg"),
    ("Qty", "{weight}"),
    ("IsQtyEstimated", "False"),
    ("AtlQtyUnitCode", "-1"),
    ("AtlQtyUnitAbbr", "N/A"),
    ("AtlQty", "0.0"),
    ("IsAltQtyEstimated", "False"),
    ("NetWgt", "{weight}"),
    ("IsNetWgtEstimated", "False"),
    ("GrossWgt", "0.0"),
    ("IsGrossWgtEstimated", "False"),
    ("Cifvalue", "{value}"),
    ("Fobvalue", ""),
    ("PrimaryValue", "{value}"),
    ("LegacyEstimationFlag", "0"),
    ("IsReported", "False"),
    ("IsAggregate", "True"),
];

/// A table of the flows from a row of pairs of name and text.
fn table(columns: &[(&str, &str)], separator: &str) -> String {
    let line = |texts: Vec<String>| format!("{}\n", texts.join(separator));
    let mut content = line(columns.iter().map(|(name, _)| (*name).to_owned()).collect());
    for (partner, weight, value) in FLOWS {
        let fill = |text: &str| {
            text.replace("{partner}", partner).replace("{weight}", weight).replace("{value}", value)
        };
        content.push_str(&line(columns.iter().map(|(_, text)| fill(text)).collect()));
    }
    content
}

fn snake(name: &str) -> String {
    let mut found = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !found.is_empty() {
            found.push('_');
        }
        found.push(letter.to_ascii_lowercase());
    }
    found
}

/// Columns of the layout before 2023, each with a cell.
const BEFORE_2023: [(&str, &str); 19] = [
    ("Classification", "H6"),
    ("Year", "2022"),
    ("Period", "2022"),
    ("Aggregate Level", "6"),
    ("Trade Flow Code", "1"),
    ("Trade Flow", "Import"),
    ("Reporter Code", "276"),
    ("Reporter", "Germany"),
    ("Partner Code", "{partner}"),
    ("2nd Partner Code", ""),
    ("Customs Proc. Code", ""),
    ("Mode of Transport Code", ""),
    ("Commodity Code", "283691"),
    ("Qty Unit Code", "8"),
    ("Qty Unit", "Weight in kilograms"),
    ("Qty", "{weight}"),
    ("Netweight (kg)", "{weight}"),
    ("Trade Value (US$)", "{value}"),
    ("Flag", "0"),
];

/// The columns that a table of Comtrade cannot do without.
const NEEDED: [&str; 8] = [
    "Period",
    "ReporterCode",
    "PartnerCode",
    "FlowCode",
    "CmdCode",
    "PrimaryValue",
    "NetWgt",
    "ClassificationCode",
];

#[test]
fn all_layouts_of_comtrade_give_the_same_flows() {
    let without_period: Vec<_> = BEFORE_2023
        .iter()
        .filter(|(name, _)| !matches!(*name, "Period" | "Netweight (kg)"))
        .copied()
        .collect();
    let names: Vec<_> = BULK.iter().map(|(name, _)| snake(name)).collect();
    let snakes: Vec<_> = names.iter().zip(BULK).map(|(name, (_, text))| (name.as_str(), text)).collect();
    let packed: Vec<_> = BULK.iter().filter(|(name, _)| NEEDED.contains(name)).copied().collect();
    let decimals: Vec<_> = packed
        .iter()
        .map(|(name, text)| match *name {
            "Period" => (*name, "2022.0"),
            "ReporterCode" => (*name, "276.0"),
            _ => (*name, *text),
        })
        .collect();
    for (columns, layout) in [
        (&BULK[..], "bulk"),
        (&BEFORE_2023[..], "before 2023"),
        (&without_period[..], "before 2023 without period and net weight"),
        (&snakes[..], "snake case"),
        (&packed[..], "a few columns"),
        (&decimals[..], "codes as decimals"),
    ] {
        for separator in [",", ";", "\t", "|"] {
            for (mark, ends) in [("", "\n"), ("\u{feff}", "\r\n")] {
                let content = format!("{mark}{}", table(columns, separator)).replace('\n', ends);
                let taken = take_one("c.csv", &content);
                let taken = taken.unwrap_or_else(|error| panic!("{layout} {separator:?}: {error}"));
                assert_eq!(
                    taken.flows(),
                    ["2022 CHL DEU 283691 12000 3000 importer", "2022 CHN DEU 283691 4000 1000 importer"],
                    "{layout} {separator:?}"
                );
                assert_eq!(shares(&taken), [("CHL".to_owned(), 75.0), ("CHN".to_owned(), 25.0)]);
                assert_eq!(taken.plan.release.dataset, "comtrade-hs22");
                let file = &taken.plan.release.files[0];
                assert_eq!(file.columns.len(), columns.len());
                let of_value = file.columns[file.value_column as usize - 1].to_lowercase();
                assert!(of_value.contains("value"), "{of_value}");
            }
        }
    }
}

/// What spreadsheets say of separators, and Excel's text in UTF-16.
#[test]
fn files_saved_by_spreadsheets_are_read() {
    let semicolons = format!("sep=;\r\n{}", table(&BULK, ";"));
    let tabs: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(table(&BULK, "\t").encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    for content in [semicolons.into_bytes(), tabs] {
        let taken = take_one("c.csv", content).unwrap();
        assert_eq!(shares(&taken), [("CHL".to_owned(), 75.0), ("CHN".to_owned(), 25.0)]);
        assert_eq!(taken.plan.release.files[0].columns.len(), BULK.len());
    }
}

/// Programs that take the first column of a download for the names of its rows shift all others.
#[test]
fn names_that_are_one_column_off_are_noticed() {
    let row = BULK
        .map(|(_, text)| text.replace("{partner}", "156").replace("{weight}", "5").replace("{value}", "7"));
    let names = BULK.map(|(name, _)| name);
    let right = format!(",{}\n{},\n", names.join(","), row.join(","));
    let left = format!("{}\n{},\n", names[1..].join(","), row.join(","));
    for (content, side, name, value) in
        [(right, "right", "ReporterCode", "DEU"), (left, "left", "ReporterCode", "2022")]
    {
        let error = take_one("c.csv", content).unwrap_err();
        let found = (error.code, &*error.column);
        assert_eq!(found, ("misplaced-columns", name), "{error}");
        assert!(error.message.contains(side) || error.value == value, "{error} {}", error.value);
        assert!(error.hint.contains("index_col=False"), "{}", error.hint);
    }
}

/// Finland's imports of nickel ore in 2019: most of the weight stands in another column.
#[test]
fn weights_are_read_from_another_column() {
    let rows =
        [("124", "", "182279488.276"), ("578", "", "450259.471"), ("360", "66", "66"), ("36", "47", "47")];
    let rows = rows
        .map(|(partner, net, quantity)| format!("2019,246,{partner},M,260400,9000,{net},{quantity},kg\n"));
    let header = "period,reporterCode,partnerCode,flowCode,cmdCode,primaryValue,netWgt,qty,qtyUnitAbbr\n";
    let given = Metadata { hs: Some("HS17".to_owned()), ..Metadata::default() };
    let taken =
        take(vec![memory("c.csv", format!("{header}{}", rows.concat()))], &given, Limits::default()).unwrap();
    let found = shares(&taken);
    assert_eq!(found[0].0, "CAN");
    assert!((found[0].1 - 99.75).abs() < 0.005, "{found:?}");
    let file = &taken.plan.release.files[0];
    assert_eq!((file.value_column, file.quantity_column), (6, 7));
    assert_eq!(taken.trade[0].quantity_column, [8, 8, 0, 0], "each row remembers its column");
}

/// The order of trust, and what is in no column.
#[test]
fn the_column_of_a_weight_is_recorded() {
    let header = "period,reporterCode,partnerCode,flowCode,cmdCode,primaryValue,netWgt,isNetWgtEstimated,qty,\
                  qtyUnitCode,\
                  isQtyEstimated,altQty,altQtyUnitCode,isAltQtyEstimated,grossWgt,isGrossWgtEstimated,\
                  classificationCode";
    let cases = [
        // Net weight as reported, whatever else there is.
        ("1000,false,2000,8,false,3000,8,false,4000,false", "1", 0),
        // The quantity in kilograms.
        (",false,2000,8,false,3000,8,false,4000,false", "2", 9),
        ("0,false,2000,8,false,3000,8,false,4000,false", "2", 9),
        // Another unit is no weight.
        (",false,2000,5,false,3000,8,false,4000,false", "3", 12),
        (",false,2000,-1,false,3000,13,false,4000,false", "4", 15),
        // What is reported comes before what is estimated.
        ("1000,true,2000,8,false,3000,8,false,4000,false", "2", 9),
        ("1000,True,2000,8,1,3000,8,false,4000,false", "3", 12),
        ("1000,true,2000,8,true,3000,8,true,4000,false", "1", 0),
        ("0.0,true,2000,8,true,3000,8,true,4000,false", "2", 9),
        ("0.0,true,0.0,8,true,0.0,-1,true,4000,true", "4", 15),
        // Nothing, or nothing that weighs anything.
        ("0.0,true,0.0,8,true,0.0,-1,true,0.0,false", "-", 0),
        (",,,,,,,,,", "-", 0),
    ];
    for (columns, weight, column) in cases {
        let taken =
            take_one("c.csv", format!("{header}\n2021,276,156,M,250410,9000,{columns},H5\n")).unwrap();
        assert_eq!(taken.flows(), [format!("2021 CHN DEU 250410 9 {weight} importer")], "{columns}");
        let found = taken.trade[0].quantity_column.first().copied().unwrap_or(0);
        assert_eq!(found, column, "{columns}");
    }
    let wrong = take_one("c.csv", format!("{header}\n2021,276,156,M,250410,9000,,,2x,8,,,,,,,H5\n")).unwrap();
    assert_eq!(wrong.reasons(), ["2 qty 2x invalid-number"]);
}

const SDMX: &str =
    "DATAFLOW,LAST UPDATE,freq,reporter,partner,product,flow,indicators,TIME_PERIOD,OBS_VALUE,OBS_FLAG\n";

/// Rows of SDMX csv: `DE,CN,28369100,1,QUANTITY_IN_100KG,2024,12345.60,`.
fn sdmx(rows: &[&str]) -> String {
    let rows = rows.iter().map(|row| format!("ESTAT:DS-045409(1.0),15/09/26 11:00:00,A,{row}\n"));
    format!("{SDMX}{}", rows.collect::<String>())
}

#[test]
fn comext_is_read_as_sdmx_csv() {
    let taken = take_one(
        "ds-045409.csv",
        sdmx(&[
            "DE,CN,28369100,1,QUANTITY_IN_100KG,2024,12345.60,",
            "DE,CN,28369100,1,VALUE_IN_EUROS,2024,9000,",
            "DE,CL,28369100,1,VALUE_IN_EUROS,2024,9000,",
            "DE,QU,28369100,1,QUANTITY_KG,2024,1000,",
            "DE,QX,28369100,1,QUANTITY_IN_100KG,2024,,c",
            "DE,WORLD,28369100,1,QUANTITY_IN_100KG,2024,20000,",
            "DE,WORLD,28369100,1,VALUE_IN_EUROS,2024,20000,",
            "DE,EXT_EU27_2020,28369100,1,QUANTITY_IN_100KG,2024,20000,",
            "EU27_2020,CN,28369100,1,QUANTITY_IN_100KG,2024,20000,",
            "DE,CN,28369100,1,SUPPLEMENTARY_QUANTITY,2024,5,",
            "DE,CN,283691,1,QUANTITY_IN_100KG,2024,12345.60,",
            "FR,CN,28369100,2,QUANTITY_IN_100KG,2024,10,",
            "FR,WORLD,28369100,2,QUANTITY_IN_100KG,2024,25,",
            "FR,CL,28369100,2,QUANTITY_IN_100KG,2024,0,",
            "FR,CL,28369100,2,VALUE_IN_EUROS,2024,700,",
        ]),
    )
    .unwrap();
    assert_eq!(
        taken.flows(),
        [
            "2024 CHN DEU 28369100 - 1234.56 importer",
            "2024 CHL DEU 28369100 - - importer",
            "2024 OTHER:unspecified DEU 28369100 - 1 importer",
            "2024 OTHER:confidential DEU 28369100 - - importer",
            "2024 FRA CHN 28369100 - 1 exporter",
            "2024 FRA CHL 28369100 - - exporter",
        ]
    );
    let release = &taken.plan.release;
    assert_eq!((&*release.dataset, &*release.hs_revision), ("comext-cn2024-annual", "CN2024"));
    assert_eq!(release.files[0].quantity_column, 10);
    assert_eq!(taken.totals.out_of_scope, 4);
    let whole = take_one(
        "w.csv",
        sdmx(&[
            "DE,CN,28369100,1,QUANTITY_IN_100KG,2024,10,",
            "DE,WORLD,28369100,1,QUANTITY_IN_100KG,2024,25,",
        ]),
    );
    assert_eq!(
        whole.unwrap().flows(),
        ["2024 CHN DEU 28369100 - 1 importer", "2024 OTHER:undistributed DEU 28369100 - 1.5 importer"]
    );
}

/// Each year follows a nomenclature of its own; labels, monthly figures and files of six digits are read too.
#[test]
fn years_and_digits_of_sdmx_are_read() {
    let rows = |periods: &[&str], product: &str| {
        let row = |period: &&str| format!("DE,CN,{product},1,QUANTITY_IN_100KG,{period},10,");
        let rows: Vec<_> = periods.iter().map(row).collect();
        sdmx(&rows.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let datasets = |content: &str, given: &Metadata| -> Result<Vec<String>, SourceError> {
        let plans =
            plan(vec![memory("s.csv", content)], given, &Codes::default(), Limits::default(), &mut |_| {})?;
        Ok(plans.into_iter().map(|plan| plan.release.dataset).collect())
    };
    let plain = Metadata::default();
    let many = rows(&["2024", "2023", "2023-01", "2023-02"], "28369100");
    assert_eq!(
        datasets(&many, &plain).unwrap(),
        ["comext-cn2023", "comext-cn2023-annual", "comext-cn2024-annual"]
    );
    // Years that the first 64 KiB do not show.
    let long = format!("{}{}", rows(&["2023"], "01012100"), {
        let filler =
            "ESTAT:DS-045409(1.0),15/09/26 11:00:00,A,DE,CN,28369100,1,SUPPLEMENTARY_QUANTITY,2023,1,\n";
        format!("{}{}", filler.repeat(900), rows(&["2024"], "28369100").replace(SDMX, ""))
    });
    assert_eq!(datasets(&long, &plain).unwrap(), ["comext-cn2023-annual", "comext-cn2024-annual"]);
    let named = Metadata { dataset: Some("mine".to_owned()), ..Metadata::default() };
    assert_eq!(datasets(&many, &named).unwrap_err().code, "mixed-periods");
    let month = take_one("m.csv", rows(&["2024-03"], "28369100")).unwrap();
    assert_eq!(month.flows(), ["2024-03 CHN DEU 28369100 - 1 importer"]);
    let six = take_one("h.csv", rows(&["2024"], "283691")).unwrap();
    assert_eq!(six.flows(), ["2024 CHN DEU 283691 - 1 importer"]);
    assert_eq!((&*six.plan.release.dataset, &*six.plan.release.hs_revision), ("comext-hs22-annual", "HS22"));
    let labelled = rows(&["2024"], "28369100: Lithium carbonates")
        .replace(",DE,CN,", ",DE: Germany,CN: China,")
        .replace("reporter,partner", "reporter: Reporter,partner: Partner");
    assert_eq!(take_one("l.csv", labelled).unwrap().flows(), ["2024 CHN DEU 28369100 - 1 importer"]);
    assert_eq!(take_one("q.csv", rows(&["2024-Q1"], "28369100")).unwrap_err().code, "invalid-period");
    let twice = take_one("t.csv", rows(&["2024", "2024"], "28369100")).unwrap();
    assert_eq!(twice.reasons(), ["3   duplicate-key"]);
    let odd = sdmx(&["DE,CN,28369100,1,QUANTITY_IN_100KG,2024,10,", "DE,CN,28369100,1,TONNES,2024,10,"]);
    assert_eq!(take_one("o.csv", odd).unwrap().reasons(), ["3 indicators TONNES unknown-indicator"]);
}

/// UK customs: months by six digits; several national codes are one flow, a partner that is kept secret is a
/// residual.
#[test]
fn uk_customs_are_read_by_month() {
    let header = "period,flow,reporter,partner,hs6,native_code,value_usd,qty_kg,confidential\n";
    let content = format!(
        "{header}202406,export,GBR,CHN,250410,25041000,4240.5,16000.0,False\n\
         202406,export,GBR,CHN,250410,25041009,1000,4000.0,False\n\
         202406,export,GBR,CHN,250410,25041000,4240.5,16000.0,False\n\
         202406,import,GBR,USA,250410,25041000,5,0.0,False\n\
         202406,export,GBR,n/a,250410,25041000,3000,5000,True\n202406,export,GBR,n/a,250410,25041000,1000,\
         2000,False\n\
         202406,export,GBR,GBR,250410,25041000,1,1,False\n202406,transit,GBR,CHN,250410,25041000,1,1,False\n\
         202406,export,GBR,CHN,010121,01012100,1,1,False\n"
    );
    let taken = take_one("hmrc.csv", &content).unwrap();
    assert_eq!(
        taken.flows(),
        [
            "2024-06 GBR CHN 250410 5.2405 20 exporter",
            "2024-06 USA GBR 250410 0.005 - importer",
            "2024-06 GBR OTHER:confidential 250410 3 5 exporter",
            "2024-06 GBR OTHER:unspecified 250410 1 2 exporter",
        ]
    );
    assert_eq!(taken.reasons(), ["4 native_code 25041000 duplicate-key", "9 flow transit unknown-flow"]);
    assert_eq!(taken.plan.release.dataset, "hmrc-hs22-monthly");
    let older = content.replacen("202406", "202112", 1);
    let plans = |given: &Metadata| {
        plan(vec![memory("h.csv", &older)], given, &Codes::default(), Limits::default(), &mut |_| {})
    };
    let names: Vec<_> =
        plans(&Metadata::default()).unwrap().iter().map(|plan| plan.release.dataset.clone()).collect();
    assert_eq!(names, ["hmrc-hs17-monthly", "hmrc-hs22-monthly"]);
    let named = Metadata { dataset: Some("mine".to_owned()), ..Metadata::default() };
    assert_eq!(plans(&named).map(drop).unwrap_err().code, "mixed-revisions");
}
