//! Restrictions of exports in the forms of those who list them: the OECD's inventory and the Global Trade
//! Alert.
use orewatch_formats::Metadata;
use proptest::prelude::*;

use crate::tables::{take, take_one};

/// A record of the Global Trade Alert with some members replaced.
fn record(id: u64, members: &str) -> String {
    let mut record = serde_json::json!({
        "intervention_id": id, "state_act_id": 1, "state_act_title": "Title, with a comma", "gta_evaluation": "Red",
        "implementing_jurisdictions": [{"id": 360, "name": "Indonesia", "iso": "IDN"}],
        "implementing_jurisdiction_groups": [],
        "affected_jurisdictions": [{"id": 156, "name": "China", "iso": "CHN"}, {"id": 699, "name": "India", "iso": "IND"}],
        "intervention_type": "Export ban", "mast_chapter": "P: Export-related measures (incl. subsidies)",
        "affected_products": [260400], "date_announced": "2019-09-02", "date_implemented": "2020-01-01",
        "date_removed": null, "is_in_force": 1
    });
    let changes: serde_json::Value = serde_json::from_str(members).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        record[name] = value.clone();
    }
    record.to_string()
}

fn answer(records: &[String]) -> String {
    format!("[{}]", records.join(",\n"))
}

#[test]
fn interventions_become_one_row_for_each_economy_and_product() {
    let content = answer(&[
        record(1, "{}"),
        record(
            2,
            r#"{"intervention_type": "Export tax", "gta_evaluation": "Amber", "date_removed": "2021-06-30",
                "implementing_jurisdictions": [{"id": 251, "name": "France", "iso": ""}, {"id": 699}, {"id": 840}, {"id": 756}, {"id": 578},
                    {"id": 381}, {"id": 999}, {"id": 180, "name": "DR Congo", "iso": "COD"}],
                "affected_products": [{"product_id": 260500, "prior_level": "0", "new_level": "5", "unit": null}, {"product_id": 10121}]}"#,
        ),
        record(3, r#"{"intervention_type": "Import tariff", "mast_chapter": "Tariff measures"}"#),
        record(4, r#"{"intervention_type": "Export subsidy"}"#),
        record(5, r#"{"date_implemented": null}"#),
        record(6, r#"{"affected_products": []}"#),
        record(
            7,
            r#"{"intervention_type": "Export licensing requirement", "gta_evaluation": "Green", "inferred_jurisdictions": "Targeted"}"#,
        ),
        record(8, r#"{"intervention_type": "Local supply requirement for exports"}"#),
    ]);
    let taken = take_one("gta.json", &content);
    let tax = |economy: &str| {
        format!("2020-01-01..2021-06-30,{economy},cobalt,mined,export-tax,Amber,260500,[] @2")
    };
    let mut expected = vec!["2020-01-01..,IDN,nickel,mined,prohibition,Red,260400,[] @1".to_owned()];
    expected.extend(["FRA", "IND", "USA", "CHE", "NOR", "ITA", "XKX", "COD"].map(tax));
    expected.push("2020-01-01..,IDN,nickel,mined,licensing,Green,260400,[CHN,IND] @7".to_owned());
    expected.push("2020-01-01..,IDN,nickel,mined,domestic-market-obligation,Red,260400,[] @8".to_owned());
    assert_eq!(taken.rows, expected);
    assert_eq!(taken.counts(), (11, 8 + 4, 0), "010121 is of no material");
    let release = &taken.release;
    assert_eq!((&*release.dataset, &*release.hs_revision, &*release.parser), ("gta", "HS12", "gta/2"));
    // The same records within an envelope.
    let wrapped = format!(r#"{{"count": 8, "next": null, "results": {content}}}"#);
    assert_eq!(take_one("gta.json", wrapped).rows, taken.rows);
}

/// What a record says of one product counts for it instead of what it says of all; what is null there is said
/// of all.
#[test]
fn a_restriction_of_a_product_applies_to_that_product_only() {
    let china = r#"[{"id": 156, "name": "China", "iso": "CHN"}]"#;
    let content = answer(&[
        record(
            1,
            &format!(
                r#"{{"implementing_jurisdictions": {china}, "date_implemented": "2023-02-01", "affected_products": [
                    {{"product_id": 261710, "date_implemented": null, "date_removed": "2023-11-30"}},
                    {{"product_id": 811010, "date_implemented": "2024-02-01"}},
                    {{"product_id": 260400, "prior_level": "0", "new_level": "5"}}, 260500]}}"#
            ),
        ),
        // The record was never in force, or is over; a product of it is not.
        record(
            2,
            r#"{"date_implemented": null, "affected_products": [260400, {"product_id": 260500, "date_implemented": "2021-05-01T00:00:00"}]}"#,
        ),
        record(
            3,
            r#"{"date_removed": "2020-12-31", "affected_products": [{"product_id": 260500, "date_removed": "2022-12-31"}]}"#,
        ),
        record(
            4,
            r#"{"intervention_type": "Export tax", "affected_products": [{"product_id": 260500, "date_removed": "2019-12-31"}]}"#,
        ),
        // Evaluation, flow, jurisdictions.
        record(
            5,
            r#"{"intervention_type": "Export quota", "gta_evaluation": "Murky", "affected_flow": "outward", "affected_products": [
                {"product_id": 260400, "gta_evaluation": "Green"},
                {"product_id": 260500, "gta_evaluation": {"id": 2, "name": "Amber"}, "affected_flows": ["inward"]},
                {"product_id": 810520, "gta_evaluation": 1, "implementing_jurisdictions": [{"id": 152}]}]}"#,
        ),
        record(6, r#"{"affected_flow": "inward"}"#),
        record(
            7,
            r#"{"affected_products": [{"product_id": 810520, "inferred_jurisdictions": "targeted", "affected_jurisdictions": [{"id": 392}]}]}"#,
        ),
    ]);
    let taken = take_one("gta.json", &content);
    assert_eq!(
        taken.rows,
        [
            "2023-02-01..2023-11-30,CHN,antimony,mined,prohibition,Red,261710,[] @1",
            "2024-02-01..,CHN,antimony,refined,prohibition,Red,811010,[] @1",
            "2023-02-01..,CHN,nickel,mined,prohibition,Red,260400,[] @1",
            "2023-02-01..,CHN,cobalt,mined,prohibition,Red,260500,[] @1",
            "2021-05-01..,IDN,cobalt,mined,prohibition,Red,260500,[] @2",
            "2020-01-01..2022-12-31,IDN,cobalt,mined,prohibition,Red,260500,[] @3",
            "2020-01-01..,IDN,nickel,mined,quota,Green,260400,[] @5",
            "2020-01-01..,CHL,cobalt,refined,quota,Red,810520,[] @5",
            "2020-01-01..,IDN,cobalt,refined,prohibition,Red,810520,[JPN] @7",
        ]
    );
    assert_eq!(taken.aside(), ["4,until,end-before-start,2019-12-31"]);
}

/// A table that a program made of an answer has the products as lists within cells, in the words of its
/// language.
#[test]
fn lists_within_cells_are_read() {
    let header = "intervention_id,gta_evaluation,implementing_jurisdictions,intervention_type,mast_chapter,\
                  affected_products,date_implemented,date_removed\n";
    let python = r#"1,Red,"[{'id': 156, 'name': 'China', 'iso': 'CHN'}]",Export ban,P,"[{'product_id': 261710, 'date_implemented': None, 'date_removed': '2023-11-30'}, {'product_id': 811010, 'date_implemented': '2024-02-01'}]",2023-02-01,"#;
    let json = r#"2,Red,"[{""iso"": ""IDN""}]",Export ban,P,"[260400, {""product_id"": 260500, ""date_removed"": ""2023-11-30""}]",2023-02-01,2024-01-01"#;
    let taken = take_one("gta.csv", format!("{header}{python}\n{json}\n"));
    assert_eq!(
        taken.rows,
        [
            "2023-02-01..2023-11-30,CHN,antimony,mined,prohibition,Red,261710,[] @2",
            "2024-02-01..,CHN,antimony,refined,prohibition,Red,811010,[] @2",
            "2023-02-01..2024-01-01,IDN,nickel,mined,prohibition,Red,260400,[] @3",
            "2023-02-01..2023-11-30,IDN,cobalt,mined,prohibition,Red,260500,[] @3",
        ]
    );
}

#[test]
fn wrong_interventions_are_rejected_with_their_codes() {
    let content = answer(&[
        record(1, "{}"),
        record(1, "{}"),
        record(1, r#"{"date_removed": "2022-01-01"}"#),
        record(2, "{}"),
        record(3, r#"{"date_removed": "2023-01-01"}"#),
        record(4, r#"{"gta_evaluation": "Murky"}"#),
        record(5, r#"{"intervention_type": "Export suspension"}"#),
        record(6, r#"{"implementing_jurisdictions": [{"id": 12345, "name": "Atlantis", "iso": "ATL"}]}"#),
        record(7, r#"{"affected_products": [2604, 260400123456789]}"#),
        record(8, r#"{"date_implemented": "soon"}"#),
        record(9, r#"{"date_implemented": "2020-02-02", "date_removed": "2020-02-01"}"#),
        record(10, r#"{"intervention_id": null}"#),
    ]);
    let taken = take_one("gta.json", &content);
    assert_eq!(
        taken.aside(),
        [
            "2,intervention_id,duplicate-key,1",
            "3,intervention_id,duplicate-key,1",
            "5,,duplicate-key,2020-01-01,IDN,nickel,mined,prohibition,260400",
            "6,evaluation,unknown-evaluation,murky",
            "7,intervention_type,unknown-restriction,Export suspension",
            "8,implementing_jurisdictions,unknown-economy,ATL",
            "9,affected_products,invalid-product,2604",
            "9,affected_products,invalid-product,260400123456789",
            "10,from,invalid-day,soon",
            "11,until,end-before-start,2020-02-01",
            "12,intervention_id,missing-field,",
        ]
    );
    assert_eq!(taken.counts(), (1, 1, 11), "record 4 says again what record 1 said");
    assert!(taken.rejections[0].reason.contains("record 1, with the same content"));
    assert!(taken.rejections[1].reason.contains("record 1, with other content"));
}

#[test]
fn an_export_of_the_data_centre_has_one_row_for_each_record() {
    let content = "\u{feff}State Act ID,State Act Title,Intervention ID,Intervention Type,MAST Chapter,GTA \
                   Evaluation,\
                   Implementing Jurisdictions,Affected Jurisdictions,Affected Products,Date Announced,Date \
                   Implemented,Date Removed,Is In Force\n\
                   1,\"A, b\",11,Export quota,P,Red,\"DR Congo, Congo, Chinese Taipei, Republic of \
                   Kosovo\",China,\"260500, 10121\",2024-01-01,2024-02-01 00:00:00,,1\n\
                   1,\"A\n b\",12,Export tax,P,Amber,United States of America,China,810520,2024-01-01,,,0\n\
                   1,A,13,Export tax,P,Amber,Atlantis,China,810520,2024-01-01,2024-02-01,,1\n\n";
    let taken = take_one("interventions.csv", content);
    let row = |economy| format!("2024-02-01..,{economy},cobalt,mined,quota,Red,260500,[] @2");
    assert_eq!(taken.rows, ["COD", "COG", "TWN", "XKX"].map(row));
    assert_eq!(taken.aside(), ["5,implementing_jurisdictions,unknown-economy,Atlantis"]);
    assert_eq!(taken.counts(), (4, 5, 1));
}

#[test]
fn the_inventory_is_read_by_year() {
    let content = "Country,ISO3,Year,HS6,Product,Measure type,Unit,Value,Notes\n\
                   \"Congo, Democratic Republic of\",COD,2021,260500,Cobalt ores,Export tax,%,10,\n\
                   \"Congo, Democratic Republic of\",COD,2021,26050010,Cobalt ores,Export tax,%,10,by line\n\
                   \"Congo, Democratic Republic of\",COD,2021,26050020,Cobalt ores,Export tax,%,10,by line\n\
                   Indonesia,IDN,2020,260400,Nickel ores,Export prohibition,,,\n\
                   Indonesia,IDN,2020,260400,Nickel ores,Domestic market obligation,,,\n\
                   Indonesia,IDN,2020,260400,Nickel ores,Non-automatic licensing requirement,,,\n\
                   Indonesia,IDN,2020,260400,Nickel ores,Restriction on customs clearance point for \
                   exports,,,\n\
                   Indonesia,IDN,2020,260400,Nickel ores,Other export measures,,,\n\
                   China,CHN,2012,810520.0,Cobalt,VAT tax rebate reduction/withdrawal,%,17,\n\
                   Chile,CHL,2012,260300,Copper ores,No measure,,,\nChile,CHL,2012,440710,Wood,Export \
                   tax,,,\n";
    let taken = take_one("inventory.csv", content);
    assert_eq!(
        taken.rows,
        [
            "2021-01-01..2021-12-31,COD,cobalt,mined,export-tax,Unspecified,260500,[] @2",
            "2021-01-01..2021-12-31,COD,cobalt,mined,export-tax,Unspecified,260500~,[] @3",
            "2020-01-01..2020-12-31,IDN,nickel,mined,prohibition,Unspecified,260400,[] @5",
            "2020-01-01..2020-12-31,IDN,nickel,mined,domestic-market-obligation,Unspecified,260400,[] @6",
            "2020-01-01..2020-12-31,IDN,nickel,mined,licensing,Unspecified,260400,[] @7",
            "2020-01-01..2020-12-31,IDN,nickel,mined,restricted-customs-points,Unspecified,260400,[] @8",
            "2020-01-01..2020-12-31,IDN,nickel,mined,other,Unspecified,260400,[] @9",
            "2012-01-01..2012-12-31,CHN,cobalt,refined,vat-rebate-reduction,Unspecified,810520,[] @10",
        ]
    );
    assert_eq!(taken.counts(), (8, 3, 0), "a second line of a subheading, no measure, wood");
    assert_eq!((&*taken.release.dataset, &*taken.release.hs_revision), ("oecd-export-restrictions", "HS07"));
    let newer = Metadata { hs: Some("HS17".to_owned()), ..Metadata::default() };
    assert_eq!(take(&[("inventory.csv", content)], &newer).unwrap().release.hs_revision, "HS17");
}

#[test]
fn the_inventory_is_read_from_the_explorer_and_by_day() {
    let content = "STRUCTURE,REF_AREA,Reference \
                   area,MEASURE,Measure,COMMODITY,Commodity,TIME_PERIOD,OBS_VALUE\n\
                   DATAFLOW,COD,Congo,XT,Export tax,HS_260500,Cobalt ores,2022,1\n\
                   DATAFLOW,IDN,Indonesia,XP,Export prohibition,HS_260400,Nickel ores,2022,0\n\
                   DATAFLOW,IDN,Indonesia,XQ,Export quota,HS_260400,Nickel ores,2022,1\n";
    let taken = take_one("explorer.csv", content);
    assert_eq!(
        taken.rows,
        [
            "2022-01-01..2022-12-31,COD,cobalt,mined,export-tax,Unspecified,260500,[] @2",
            "2022-01-01..2022-12-31,IDN,nickel,mined,quota,Unspecified,260400,[] @4",
        ]
    );
    let content = "Country,HS code,Measure,Date introduced,End date\nIndonesia,260400,Export \
                   quota,20120506,2013\n\
                   Indonesia,260400,Export ban,2014,\nIndonesia,260400,Embargo,2014,\nAtlantis,260400,Export \
                   ban,2014,\n\
                   Indonesia,2604,Export ban,2014,\nIndonesia,260400,Export ban,01/02/2014,\n";
    let taken = take_one("days.csv", content);
    assert_eq!(
        taken.rows,
        [
            "2012-05-06..2013-12-31,IDN,nickel,mined,quota,Unspecified,260400,[] @2",
            "2014-01-01..,IDN,nickel,mined,prohibition,Unspecified,260400,[] @3",
        ]
    );
    assert_eq!(
        taken.aside(),
        [
            "4,Measure,unknown-restriction,Embargo",
            "5,Country,unknown-economy,Atlantis",
            "6,HS code,invalid-product,2604",
            "7,from,invalid-day,01/02/2014",
        ]
    );
}

proptest! {
    /// Whatever stands in files of these forms: it is read or refused, and what is read adds up.
    #[test]
    fn nothing_is_lost(
        rows in prop::collection::vec("(IDN|COD|Chile|x|)(,(2020|2012.0|260400|26040010|Export tax|Export \
                                       ban|none|\"|a, b|0|)){0,6}", 0..20),
        values in prop::collection::vec("(1|null|\"Export \
                                         ban\"|\"2020-01-01\"|\\[\\]|\\[260400,1,\
                                         \\{\"product_id\":260500\\}\\]|\\[\\{\"id\":360\\},\\{\\},\"Chile\",\
                                         7\\]|\\{\\})", 8),
    ) {
        let names = ["intervention_id", "intervention_type", "gta_evaluation",
            "implementing_jurisdictions", "affected_products", "date_implemented", "date_removed",
            "mast_chapter"];
        let members: Vec<_> = names.iter().zip(&values).map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        let record = format!("{{{}}}", members.join(","));
        let files = [
            ("a.csv", format!("ISO3,Year,HS6,Measure,From\nIDN,2020,260400,Export \
                               tax,x\n{}", rows.join("\n"))),
            ("a.json", format!("[{record},{record},{}]", values.join(","))),
        ];
        for file in files {
            if let Ok(taken) = take(&[file], &Metadata::default()) {
                taken.counts();
            }
        }
    }
}
