//! Salient statistics of the United States: parameters, told apart by chapter and detail.
use super::take_one;

#[test]
fn details_tell_the_commodities_of_a_chapter_apart() {
    let earths = "DataSource,Commodity,Year,Exports_Ores-Compounds_t,Exports_Metals_t\nMCS2024,Rare \
                  Earths,2023,40000,64\n";
    let rows = [
        "exports rare-earths  ores-compounds 2023 USA 40000 @2:4",
        "exports rare-earths refined metals 2023 USA 64 @2:5",
    ];
    assert_eq!(take_one(earths).rows, rows, "what is of two stages has none");

    let text = "DataSource,Commodity,Year,Imports_Palladium_kg,Imports_Osmium_kg,NIR_Platinum_pct\n\
        MCS2024,Platinum-Group Metals,2023,67000,1,83\n\
        MCS2024,Silver and Gold,2023,1,1,1\n";
    let taken = take_one(text);
    assert_eq!(
        taken.rows,
        [
            "imports palladium refined palladium 2023 USA 67 @2:4",
            "printed-reliance platinum refined figure 2023 USA 0.83 @2:6"
        ]
    );
    assert_eq!((taken.figures(), taken.totals.out_of_scope), (6, 4));
}

#[test]
fn salient_statistics_are_parameters_of_the_united_states() {
    let text = "\u{feff}DataSource,Commodity,Year,USprod_Mine_kt,USprod_Post-consumer_kt,Imports_Ores_kt,\
                Imports_Refined_kt,\
        Exports_Refined_kt,Consump_Reported_kt,Consump_Apparent_kt,Price_LME_ctslb,Stocks_kt,Employment_num,\
        NIR_pct,,\r\n\
        MCS2024,Copper,2022,1230,e150,12,732,28,1720,1800,400,83,12000,41,,\r\n\
        MCS2024,Copper,2024,1,1,1,1,1,1,1,1,1,1,1,,\r\n\
        ,,,,,,,,,,,,,,,\r\n";
    let taken = take_one(text);
    assert_eq!((taken.dataset.as_str(), taken.vintage.as_str()), ("usgs-mcs-salient", "MCS2024"));
    assert_eq!(
        taken.rows,
        [
            "secondary-production copper refined  2022 USA 150000 @2:5",
            "imports copper mined ores 2022 USA 12000 @2:6",
            "imports copper refined refined 2022 USA 732000 @2:7",
            "exports copper refined refined 2022 USA 28000 @2:8",
            "counted-consumption copper refined reported 2022 USA 1720000 @2:9",
            "consumption copper refined  2022 USA 1800000 @2:10",
            "stocks copper refined all 2022 USA 83000 @2:12",
            "printed-reliance copper refined figure 2022 USA 0.41 @2:14",
        ]
    );
    // Mine output, price and employment are outside; an edition has no figures of its own year.
    assert_eq!((taken.figures(), taken.totals.out_of_scope, taken.aside.len()), (22, 6, 8));
    assert!(taken.aside.iter().all(|one| one.code == "year-and-edition"));
}

#[test]
fn reliance_is_recorded_as_printed() {
    let text = "DataSource,Commodity,Year,USprod_t,Imports_t,Exports_t,Consump_t,NIR_pct\n\
        MCS2024,Lithium,2019,W,2620,1660,W,>25\n\
        MCS2024,Lithium,2020,W,2460,1200,W,<50\n\
        MCS2024,Lithium,2021,W,2640,1870,W,E\n\
        MCS2024,Lithium,2022,W,3270,2440,W,W\n\
        MCS2024,Lithium,2023e,W,3400,2300,W,nearly all\n";
    let taken = take_one(text);
    let reliance: Vec<_> = taken.rows.iter().filter(|row| row.starts_with("printed")).collect();
    assert_eq!(
        reliance,
        [
            "printed-reliance lithium refined above 2019 USA 0.25 @2:8",
            "printed-reliance lithium refined below 2020 USA 0.5 @3:8",
            "printed-reliance lithium refined net-exporter 2021 USA 0 @4:8",
            "printed-reliance lithium refined figure 2022 USA W @5:8",
        ]
    );
    assert_eq!(taken.codes(), [(6, "invalid-number", "nearly all")]);
    assert_eq!(taken.figures(), 25);
}
