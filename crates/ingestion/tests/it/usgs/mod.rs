//! Mineral Commodity Summaries in every layout, with the signs and slips that their files have. Figures are those of the
//! Survey where they are of it at all.
mod properties;

use encoding_rs::WINDOWS_1252;
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{Rejection, Table};
use orewatch_ingestion::Codes;
use orewatch_ingestion::sources::{Input, Limits, Metadata, SourceError, Totals, plan, read};

use crate::harness::file;

/// What became of a table.
struct Taken {
    dataset: String,
    vintage: String,
    /// A figure a line: what it is about, the figure, its line and column.
    rows: Vec<String>,
    aside: Vec<Rejection>,
    totals: Totals,
}

impl Taken {
    fn codes(&self) -> Vec<(u64, &str, &str)> {
        self.aside.iter().map(|one| (one.line, one.code.as_str(), one.value.as_str())).collect()
    }

    fn figures(&self) -> u64 {
        let totals = &self.totals;
        assert_eq!(totals.read, totals.recorded + totals.out_of_scope + totals.rejected_rows());
        assert_eq!(usize::try_from(totals.recorded).unwrap(), self.rows.len());
        totals.read
    }
}

fn take(inputs: Vec<Input>) -> Result<Vec<Taken>, SourceError> {
    plan(inputs, &Metadata::default(), &Codes::default(), Limits::default(), &mut |_| {})?
        .iter()
        .map(|plan| {
            let (mut rows, mut aside) = (Vec::new(), Vec::new());
            let totals = read::<SourceError>(plan, &mut |piece, _| {
                match piece {
                    Rows::Observations(chunk) => rows.extend(shown(&chunk.columns.unwrap())),
                    Rows::Quarantine(chunk) => aside.extend(chunk.rejections),
                }
                Ok(())
            })?;
            let (dataset, vintage) = (plan.release.dataset.clone(), plan.release.vintage.clone());
            Ok(Taken { dataset, vintage, rows, aside, totals })
        })
        .collect()
}

fn one(content: impl AsRef<[u8]>) -> Taken {
    let mut taken = take(vec![file("download.csv", content)]).unwrap();
    assert_eq!(taken.len(), 1);
    taken.remove(0)
}

fn index(columns: &[u32], row: usize) -> usize {
    usize::try_from(columns[row]).unwrap()
}

fn figure(values: &[f64], status: &[i32], row: usize) -> String {
    match status.get(row).map(|status| Status::try_from(*status).unwrap()) {
        None | Some(Status::Known) => values[row].to_string(),
        Some(Status::Withheld) => "W".to_owned(),
        Some(other) => {
            assert!(other == Status::Unavailable && values[row].is_nan());
            "NA".to_owned()
        }
    }
}

fn shown(columns: &Columns) -> Vec<String> {
    match columns {
        Columns::Production(all) => (0..all.period.len())
            .map(|row| {
                let series = &all.series[index(&all.product, row)];
                let (period, economy) =
                    (&all.periods[index(&all.period, row)], &all.economies[index(&all.economy, row)]);
                let estimated = if all.estimated.get(row).copied().unwrap_or(false) { " e" } else { "" };
                let quantity = figure(&all.quantity, &all.status, row);
                let (material, stage, basis) = (&series.material, &series.stage, &series.basis);
                let place = format!("{}:{}", all.line[row], all.column[row]);
                format!("{material} {stage} {basis} {period} {economy} {quantity}{estimated} @{place}")
            })
            .collect(),
        Columns::Parameters(all) => (0..all.period.len())
            .map(|row| {
                let about = &all.parameters[index(&all.parameter, row)];
                let (period, economy) =
                    (&all.periods[index(&all.period, row)], &all.economies[index(&all.economy, row)]);
                let value = figure(&all.value, &all.status, row);
                let (name, material, stage, item) = (&about.name, &about.material, &about.stage, &about.item);
                let place = format!("{}:{}", all.line[row], all.column[row]);
                format!("{name} {material} {stage} {item} {period} {economy} {value} @{place}")
            })
            .collect(),
        _ => panic!("no such table"),
    }
}

#[test]
fn a_file_of_one_commodity_gives_its_world_production() {
    let text = "\u{feff}Source,Country,Type,Prod_t_2022,Prod_t_est_2023,Prod_notes,Reserves_t,Reserves_notes,,\r\n\
        MCS2024,United\u{a0}States,\"Mine production, lithium content\",W,W,,1100000,\"Reserves, revised\",,\r\n\
        MCS2024,Japane,\"Mine production, lithium content\",—,s,,NA,,,\r\n\
        MCS2024,Chile,\"Mine production, lithium content\",\"38,000\",44000,,101600000,,,\r\n\
        MCS2024,China6,\"Mine production, lithium content\",22600,33000,Also estimated in 2022,3000000,,,\r\n\
        MCS2024,Other countries6,\"Mine production, lithium content\",0,NA,,2800000,,,\r\n\
        MCS2024,World total (rounded),\"Mine production, lithium content\",146000,180000,Excludes U.S. production.,28000000,,,\r\n\
        ,,,,,,,,,\r\n";
    let taken = one(text);
    assert_eq!((taken.dataset.as_str(), taken.vintage.as_str()), ("usgs-mcs", "MCS2024"));
    assert_eq!(
        taken.rows,
        [
            "lithium mined content 2022 USA W @2:4",
            "lithium mined content 2023 USA W @2:5",
            "lithium mined content 2022 JPN 0 @3:4",
            "lithium mined content 2023 JPN 0 e @3:5",
            "lithium mined content 2022 CHL 38000 @4:4",
            "lithium mined content 2023 CHL 44000 e @4:5",
            "lithium mined content 2022 CHN 22600 e @5:4",
            "lithium mined content 2023 CHN 33000 e @5:5",
            "lithium mined content 2022 OTHER 0 @6:4",
            "lithium mined content 2023 OTHER NA @6:5",
        ]
    );
    // Six reserves and two world totals are outside, nothing is lost.
    assert_eq!((taken.figures(), taken.totals.out_of_scope, taken.aside.len()), (18, 8, 0));
}

#[test]
fn units_years_and_stages_come_from_names_of_columns_and_types() {
    let text = "Source,Country,Type,Prod_kt_2020,Prod_Est_2021_kt,Prod_notes,Cap_kt_2021\n\
        MCS2022,Chile,\"Mine production, recoverable copper content\",5730,5600,,\n\
        MCS2022,Chile,\"Refinery production, copper\",2330,\"2,200\",,2500\n\
        MCS2022,Chile,\"Mine production, unobtainium content\",1,2,,3\n\
        MCS2022,Peru,Mine production,2150,2200,,\n";
    let taken = one(text);
    assert_eq!(taken.vintage, "MCS2022");
    assert_eq!(
        taken.rows,
        [
            "copper mined content 2020 CHL 5730000 @2:4",
            "copper mined content 2021 CHL 5600000 e @2:5",
            "copper refined content 2020 CHL 2330000 @3:4",
            "copper refined content 2021 CHL 2200000 e @3:5",
            "copper mined content 2020 PER 2150000 @5:4",
            "copper mined content 2021 PER 2200000 e @5:5",
        ],
        "a type without a commodity is of the file's only one"
    );
    assert_eq!((taken.figures(), taken.totals.out_of_scope), (10, 4));

    let kilograms = "Source,Country,Type,Prod_kg_2021,Prod_kg_est_2022\n\
        MCS2023,Poland,\"Mine production, rhenium content\",9500,9600\n\
        MCS2023,Chile,\"Mine production, rhenium content\",29000,29000\n";
    let rows = one(kilograms).rows;
    assert_eq!(rows[0], "rhenium mined content 2021 POL 9.5 @2:4");
}

/// A published file of 2024 has the years of the edition before above its own figures.
#[test]
fn years_that_cannot_be_are_not_put_right() {
    let text = "Source,Country,Type,Prod_t_est_2021,Prod_t_est_2022\n\
        MCS2024,Cuba,\"Mine production, metric tons of contained cobalt\",3700,3200\n\
        MCS2024,World total (rounded),\"Mine production, metric tons of contained cobalt\",197000,230000\n";
    let taken = one(text);
    assert_eq!(taken.codes(), [(2, "year-and-edition", "2021"), (2, "year-and-edition", "2022")]);
    assert_eq!((taken.figures(), taken.rows.len()), (4, 0));
    assert!(taken.aside[0].hint.contains("named wrongly"), "{:?}", taken.aside[0]);
}

#[test]
fn what_cannot_be_recorded_says_why() {
    let text = "Source,Country,Type,Prod_t_2022,Prod_t_est_2023\n\
        MCS2024,Kyrgystan,\"Mine production, antimony content\",1,2\n\
        MCS2024,Bolivia,\"Mine production, antimony content\",\"1,2345\",E\n\
        MCS2024,United States and Canada,\"Mine production, antimony content\",3,4\n\
        MCS2023,Mexico,\"Mine production, antimony content\",5,6\n\
        MCS2024,Iran,\"Mine production, antimony content\",>50,50–300\n\
        MCS2024,Iran,\"Mine production, antimony content\",7,8\n\
        MCS2024,Turkey,\"Mine production, antimony content\",9\n\
        MCS2024,Turkey,\"Mine production, antimony content\",1,2,3\n\
        MCS2024,Laos,\"Mine production, antimony content\",XX,e340\n";
    let taken = one(text);
    let codes = [
        (2, "unknown-economy", "Kyrgystan"),
        (2, "unknown-economy", "Kyrgystan"),
        (3, "bad-number", "1,2345"),
        (3, "bad-number", "E"),
        (4, "aggregate-economy", "United States and Canada"),
        (4, "aggregate-economy", "United States and Canada"),
        (5, "mixed-edition", "MCS2023"),
        (5, "mixed-edition", "MCS2023"),
        (7, "duplicate-key", "2022,IRN,antimony,mined"),
        (7, "duplicate-key", "2023,IRN,antimony,mined"),
        (8, "field-count", "MCS2024,Turkey,\"Mine production, antimony content\",9"),
        (9, "field-count", "MCS2024,Turkey,\"Mine production, antimony content\",1,2,3"),
    ];
    assert_eq!(taken.codes(), codes);
    assert!(taken.aside[0].hint.contains("Kyrgyzstan"), "{:?}", taken.aside[0]);
    // A bound is no figure: the publisher withholds it; a range is none either.
    assert_eq!(
        taken.rows,
        [
            "antimony mined content 2022 IRN W @6:4",
            "antimony mined content 2023 IRN NA @6:5",
            "antimony mined content 2023 LAO 340 e @10:5",
        ]
    );
    assert_eq!(taken.figures(), 16);

    let nameless = "Source,Country,Type,Prod_t_2022,Prod_t_est_2023\nMCS2024,China,Mine production,1,\n";
    let taken = one(nameless);
    assert_eq!(taken.codes(), [(2, "unnamed-commodity", "Mine production"); 2]);
}

/// Totals are rounded to two or three digits, and some leave out the United States: those are no total of the world.
#[test]
fn world_totals_are_compared_and_never_recorded() {
    let rows = |total: &str, notes: &str| {
        one(format!(
            "Source,Country,Type,Prod_t_2022,Prod_t_est_2023,Prod_notes\n\
             MCS2024,Chile,\"Mine production, lithium content\",38000,44000,\n\
             MCS2024,Australia,\"Mine production, lithium content\",74700,86000,\n\
             MCS2024,World total (rounded)6,\"Mine production, lithium content\",{total},130000,{notes}\n"
        ))
    };
    let fits = rows("113000", "");
    let declared = fits.totals.declared.clone().unwrap();
    assert_eq!((declared.compared, declared.differing), (2, 0), "{declared:?}");
    assert_eq!((fits.rows.len(), fits.figures(), fits.totals.out_of_scope), (4, 6, 2));
    let misses = rows("146000", "").totals.declared.unwrap();
    assert_eq!((misses.compared, misses.differing), (2, 1));
    let found = &misses.worst[0];
    assert_eq!(
        (found.what.as_str(), found.line),
        ("2022, world output, lithium mined, quantity in tonnes", 4)
    );
    assert_eq!((found.declared, found.summed, found.parts), (146_000.0, 112_700.0, 2));
    assert_eq!(rows("146000", "Excludes U.S. production.").totals.declared, None);
}

/// The name of a file is asked last, and only what its types do not say.
#[test]
fn a_usual_file_name_says_which_commodity_where_nothing_else_does() {
    let text =
        "Source,Country,Type,Prod_t_2022,Prod_t_est_2023\nMCS2024,China,Refinery production,16000,16000\n";
    let named = |name: &str| take(vec![file(name, text)]).unwrap().remove(0);
    let rows =
        ["bismuth refined content 2022 CHN 16000 @2:4", "bismuth refined content 2023 CHN 16000 e @2:5"];
    assert_eq!(named("mcs2024-bismu_world.csv").rows, rows);
    for name in ["mcs2024-iodin_world.csv", "mcs2024-ti_world.csv", "bismuth.csv"] {
        assert_eq!(named(name).codes()[0].1, "unnamed-commodity", "{name}");
    }
    let copper = text.replace("Refinery production", "\"Refinery production, copper\"");
    let taken = take(vec![file("mcs2024-bismu_world.csv", copper)]).unwrap().remove(0);
    assert_eq!(taken.rows[0], "copper refined content 2022 CHN 16000 @2:4");
}

#[test]
fn chapters_of_several_commodities_are_told_by_their_details() {
    let earths = "DataSource,Commodity,Year,Exports_Ores-Compounds_t,Exports_Metals_t\nMCS2024,Rare Earths,2023,40000,64\n";
    let rows = [
        "exports rare-earths  ores-compounds 2023 USA 40000 @2:4",
        "exports rare-earths refined metals 2023 USA 64 @2:5",
    ];
    assert_eq!(one(earths).rows, rows, "what is of two stages has none");

    let text = "DataSource,Commodity,Year,Imports_Palladium_kg,Imports_Osmium_kg,NIR_Platinum_pct\n\
        MCS2024,Platinum-Group Metals,2023,67000,1,83\n\
        MCS2024,Silver and Gold,2023,1,1,1\n";
    let taken = one(text);
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
    let text = "\u{feff}DataSource,Commodity,Year,USprod_Mine_kt,USprod_Post-consumer_kt,Imports_Ores_kt,Imports_Refined_kt,\
        Exports_Refined_kt,Consump_Reported_kt,Consump_Apparent_kt,Price_LME_ctslb,Stocks_kt,Employment_num,NIR_pct,,\r\n\
        MCS2024,Copper,2022,1230,e150,12,732,28,1720,1800,400,83,12000,41,,\r\n\
        MCS2024,Copper,2024,1,1,1,1,1,1,1,1,1,1,1,,\r\n\
        ,,,,,,,,,,,,,,,\r\n";
    let taken = one(text);
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
fn reliance_keeps_what_is_printed() {
    let text = "DataSource,Commodity,Year,USprod_t,Imports_t,Exports_t,Consump_t,NIR_pct\n\
        MCS2024,Lithium,2019,W,2620,1660,W,>25\n\
        MCS2024,Lithium,2020,W,2460,1200,W,<50\n\
        MCS2024,Lithium,2021,W,2640,1870,W,E\n\
        MCS2024,Lithium,2022,W,3270,2440,W,W\n\
        MCS2024,Lithium,2023e,W,3400,2300,W,nearly all\n";
    let taken = one(text);
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
    assert_eq!(taken.codes(), [(6, "bad-number", "nearly all")]);
    assert_eq!(taken.figures(), 25);
}

/// Several commodities are one release, and both kinds of files in one command are two.
#[test]
fn files_of_an_edition_are_releases_of_an_edition() {
    let world =
        |kind: &str| format!("Source,Country,Type,Prod_t_2022,Prod_t_est_2023\nMCS2024,China,{kind},1,2\n");
    let salient = "DataSource,Commodity,Year,USprod_t,Imports_t\nMCS2024,Graphite (Natural),2023,0,84000\n";
    let inputs = vec![
        file("a.csv", world("\"Mine production, graphite\"")),
        file("b.csv", salient),
        file("c.csv", world("\"Rare earths, mine production, rare-earth-oxide equivalent, metric tons\"")),
    ];
    let taken = take(inputs).unwrap();
    let [output, statistics] = taken.as_slice() else { panic!("two tables") };
    assert_eq!(output.rows[0], "graphite mined gross 2022 CHN 1 @2:4");
    assert_eq!(output.rows[2], "rare-earths mined rare-earth-oxide 2022 CHN 1 @2:4");
    assert_eq!(statistics.rows, ["imports graphite mined all 2023 USA 84000 @2:5"]);
    let other = world("\"Mine production, graphite\"").replace("MCS2024", "MCS2023");
    let mixed = take(vec![file("a.csv", world("\"Mine production, graphite\"")), file("b.csv", other)]);
    assert_eq!(mixed.err().unwrap().code, "mixed-release");
}

#[test]
fn the_wide_file_says_what_its_blanks_are_in_its_notes() {
    let header = "SOURCE,COMMODITY,COUNTRY,TYPE,UNIT_MEAS,PROD_2023,PROD_EST_ 2024,PROD_NOTES,CAP_2023,CAP_EST_ 2024,CAP_NOTES,\
                  RESERVES_2024,RESERVE_NOTES";
    let rows = "MCS2025,Gemanium,Russia ,Primary and secondary refinery production,kilograms,5000,5000,,,,,,\n\
        MCS2025,Lithium ,United States,\"Mine production, lithium content\",metric tons,,,W for 23-24,,,,1800000,\n\
        MCS2025,Graphite,United\u{a0}States,Mine production,metric tons,,,,,,,,\n\
        MCS2025,Bauxite,China,\"Mine production, bauxite, dry tons\",thousand metric dry tons,93000,93000,reported,,,,680000,\n\
        MCS2025,Bauxite,China,\"Refinery production, alumina - calcined equivalent weights\",thousand metric dry tons,82400,84000,,,,,,\n\
        MCS2025,Titanium & titanium dioxide,Japan,Sponge Metal Production,metric tons,60000,55000,,,,,,\n\
        MCS2025,Titanium & titanium dioxide,Japan,Pigment Capacity,metric tons,,,,,322000,,,\n\
        MCS2025,Barite  ,Iran,\"Mine production, barite, estimated\",thousand metric tons,200,220,,,,,100000,\n\
        MCS2025,Barite  ,World total (rounded) 10,\"Mine production, barite, estimated\",thousand metric tons,7800,8200,Excludes U.S. production.,,,,NA,\n";
    let taken = one(format!("\u{feff}{header}\n{rows}"));
    assert_eq!((taken.dataset.as_str(), taken.vintage.as_str()), ("usgs-mcs", "MCS2025"));
    assert_eq!(
        taken.rows,
        [
            "germanium refined content 2023 RUS 5 @2:6",
            "germanium refined content 2024 RUS 5 e @2:7",
            "lithium mined content 2023 USA W @3:6",
            "lithium mined content 2024 USA W @3:7",
            "graphite mined gross 2023 USA NA @4:6",
            "graphite mined gross 2024 USA NA @4:7",
            "aluminium mined gross 2023 CHN 93000000 @5:6",
            "aluminium mined gross 2024 CHN 93000000 @5:7",
            "titanium refined content 2023 JPN 60000 @7:6",
            "titanium refined content 2024 JPN 55000 e @7:7",
            "baryte mined gross 2023 IRN 200000 e @9:6",
            "baryte mined gross 2024 IRN 220000 e @9:7",
        ]
    );
    // Alumina, a capacity, four reserves and a world total.
    assert_eq!((taken.figures(), taken.totals.out_of_scope), (21, 9));
}

const LONG: &str = "MCS chapter,Section,Commodity,Country,Statistics,Statistics_detail,Unit,Year,Value,Notes,\
                    Is critical mineral 2025,Other notes";
const WORLD: &str = "World Mine Production and Reserves";
const SALIENT: &str = "Salient Statistics—United States";

/// The long layout in Windows-1252: section, commodity, country, statistic, detail, unit, year, value, notes.
fn long(rows: &[[&str; 9]]) -> Vec<u8> {
    let mut text = format!("{LONG}\n");
    for row in rows {
        let cells: Vec<_> = row.iter().map(|cell| format!("\"{cell}\"")).collect();
        text.push_str(&format!("CHAPTER,{},Yes,\"(Data in metric tons)\"\n", cells.join(",")));
    }
    WINDOWS_1252.encode(&text).0.into_owned()
}

const T: &str = "metric tons";
const MINE: &str = "Mine production";

#[test]
fn the_long_file_holds_two_tables() {
    let rows = [
        [SALIENT, "Cobalt", "United States", "Import", "Imports for consumption", T, "2026", "9,500", ""],
        [SALIENT, "Cobalt", "United States", "Stock", "Stocks, yearend: Industry", T, "2026", "1,500", ""],
        [
            SALIENT,
            "Cobalt",
            "United States",
            "Price",
            "Price, average",
            "dollars per pound",
            "2026",
            "18",
            "",
        ],
        [
            SALIENT,
            "Zinc",
            "United States",
            "Import",
            "Imports for consumption: Ores and concentrates",
            "thousand metric tons",
            "2026",
            "s",
            "",
        ],
        [
            SALIENT,
            "Zinc",
            "United States",
            "Net import reliance",
            "Net import reliance as a percentage of apparent consumption: Ores and concentrates",
            "percent",
            "2026",
            "E",
            "",
        ],
        [
            SALIENT,
            "Zinc",
            "United States",
            "Net import reliance",
            "Net import reliance as a percentage of apparent consumption: Refined zinc",
            "percent",
            "2026",
            "73",
            "",
        ],
        [
            SALIENT,
            "Zirconium",
            "United States",
            "Net import reliance",
            "Net import reliance: Zirconium ores and concentrates",
            "percent",
            "2026",
            "<25",
            "",
        ],
        [
            SALIENT,
            "Helium",
            "United States",
            "Import",
            "Imports for consumption: Helium",
            "million cubic meters",
            "2026",
            "8",
            "",
        ],
        [
            SALIENT,
            "Tin",
            "United States",
            "Consumption",
            "Consumption, apparent, refined",
            T,
            "2021–24",
            "40,000",
            "",
        ],
        [
            "Import Sources",
            "Cobalt",
            "Norway",
            "Import sources 2022-2025",
            "All",
            "percent",
            "2022–25",
            "25",
            "",
        ],
        [WORLD, "Cobalt", "Congo (Kinshasa)", "Production", MINE, T, "2025", "220\u{a0}000", "Estimated."],
        [WORLD, "Cobalt", "Australia", "Production", MINE, T, "2026", "—", ""],
        [WORLD, "Cobalt", "United States", "Production", MINE, T, "2026", "W", ""],
        [WORLD, "Cobalt", "Other countries", "Production", MINE, T, "2026", "NA", ""],
        [
            WORLD,
            "Cobalt",
            "World total",
            "Production",
            "Mine production: rounded",
            T,
            "2026",
            "310,000",
            "Estimated.",
        ],
        [WORLD, "Cobalt", "Cuba", "Reserves", "Reserves", T, "2026", "Large", ""],
        [
            WORLD,
            "Yttrium",
            "World total",
            "Production",
            "mine production of Y2O3 equivalent",
            T,
            "2026",
            "10,000 - 15,000",
            "Yes",
        ],
        [
            WORLD,
            "Silicon",
            "China",
            "Production",
            "Ferrosilicon",
            "thousand metric tons",
            "2026",
            "3,500",
            "",
        ],
        [
            WORLD,
            "Silicon",
            "China",
            "Production",
            "Silicon metal",
            "thousand metric tons",
            "2026",
            "4,000",
            "Estimated.",
        ],
        [WORLD, "Cobalt", "Cuba", "Production", MINE, "metric pounds", "2026", "3,200", ""],
        [WORLD, "Kryptonite", "Krypton", "Production", MINE, T, "2026", "1", ""],
    ];
    let taken = take(vec![file("data.csv", long(&rows))]).unwrap();
    let [output, statistics] = taken.as_slice() else { panic!("two tables") };
    let named = [output, statistics].map(|taken| (taken.dataset.as_str(), taken.vintage.as_str()));
    assert_eq!(named, [("usgs-mcs", "MCS2027"), ("usgs-mcs-salient", "MCS2027")], "newest year + 1");
    assert_eq!(
        output.rows,
        [
            "cobalt mined content 2025 COD 220000 e @12:9",
            "cobalt mined content 2026 AUS 0 @13:9",
            "cobalt mined content 2026 USA W @14:9",
            "cobalt mined content 2026 OTHER NA @15:9",
            "silicon refined content 2026 CHN 4000000 e @20:9",
        ]
    );
    assert_eq!(output.codes(), [(21, "unknown-unit", "metric pounds")]);
    assert_eq!(
        statistics.rows,
        [
            "imports cobalt  all 2026 USA 9500 @2:9",
            "stocks cobalt  industry 2026 USA 1500 @3:9",
            "imports zinc mined ores 2026 USA 0 @5:9",
            "printed-reliance zinc mined net-exporter 2026 USA 0 @6:9",
            "printed-reliance zinc refined figure 2026 USA 0.73 @7:9",
            "printed-reliance zirconium mined below 2026 USA 0.25 @8:9",
        ]
    );
    assert_eq!(statistics.codes(), [(10, "bad-period", "2021–24")]);
    assert!(statistics.aside[0].reason.contains("several years"), "{:?}", statistics.aside[0]);
    assert_eq!(usize::try_from(output.figures() + statistics.figures()).unwrap(), rows.len());
}

#[test]
fn small_letters_of_a_unit_are_not_guessed_at() {
    let rows = |unit: &str| {
        one(format!(
            "Source,Country,Type,Prod_{unit}_2022,Prod_{unit}_est_2023\nMCS2024,Iran,\"Mine production, barite\",1,2\n"
        ))
    };
    assert_eq!(rows("Mt").rows[0], "baryte mined gross 2022 IRN 1000000 @2:4");
    assert_eq!(rows("mt").codes(), [(2, "unknown-unit", "mt"); 2], "metric or million tons");
}

#[test]
fn only_the_table_that_is_asked_for_is_read() {
    let row =
        [SALIENT, "Cobalt", "United States", "Import", "Imports for consumption", T, "2025", "9,500", ""];
    let given = Metadata { table: Some("parameters".to_owned()), ..Metadata::default() };
    let inputs = vec![file("data.csv", long(&[row]))];
    let plans = plan(inputs, &given, &Codes::default(), Limits::default(), &mut |_| {}).unwrap();
    assert_eq!(plans.len(), 1);
    assert_eq!((plans[0].release.table(), plans[0].release.vintage.as_str()), (Table::Parameters, "MCS2026"));
    assert_eq!(plans[0].release.parser, "usgs-mcs/1");

    let given = Metadata { dataset: Some("mine".to_owned()), ..Metadata::default() };
    let both =
        plan(vec![file("data.csv", long(&[row]))], &given, &Codes::default(), Limits::default(), &mut |_| {});
    assert_eq!(both.unwrap_err().code, "several-tables", "two tables cannot have one name");
}
