//! Mineral Commodity Summaries in every layout, with the signs and slips that their files have. Figures are
//! those of the Survey where they are of it at all.
mod long;
mod properties;
mod salient;

use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::Rejection;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_formats::Codes;
use orewatch_formats::{Input, Limits, Metadata, SourceError, Totals, plan, read};

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

fn take_one(content: impl AsRef<[u8]>) -> Taken {
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
    let text = "\u{feff}Source,Country,Type,Prod_t_2022,Prod_t_est_2023,Prod_notes,Reserves_t,Reserves_notes,\
                ,\r\n\
        MCS2024,United\u{a0}States,\"Mine production, lithium content\",W,W,,1100000,\"Reserves, \
        revised\",,\r\n\
        MCS2024,Japane,\"Mine production, lithium content\",—,s,,NA,,,\r\n\
        MCS2024,Chile,\"Mine production, lithium content\",\"38,000\",44000,,101600000,,,\r\n\
        MCS2024,China6,\"Mine production, lithium content\",22600,33000,Also estimated in 2022,3000000,,,\r\n\
        MCS2024,Other countries6,\"Mine production, lithium content\",0,NA,,2800000,,,\r\n\
        MCS2024,World total (rounded),\"Mine production, lithium content\",146000,180000,Excludes U.S. \
        production.,28000000,,,\r\n\
        ,,,,,,,,,\r\n";
    let taken = take_one(text);
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
fn units_years_and_stages_are_read_from_column_names_and_types() {
    let text = "Source,Country,Type,Prod_kt_2020,Prod_Est_2021_kt,Prod_notes,Cap_kt_2021\n\
        MCS2022,Chile,\"Mine production, recoverable copper content\",5730,5600,,\n\
        MCS2022,Chile,\"Refinery production, copper\",2330,\"2,200\",,2500\n\
        MCS2022,Chile,\"Mine production, unobtainium content\",1,2,,3\n\
        MCS2022,Peru,Mine production,2150,2200,,\n";
    let taken = take_one(text);
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
    let rows = take_one(kilograms).rows;
    assert_eq!(rows[0], "rhenium mined content 2021 POL 9.5 @2:4");
}

/// A published file of 2024 has the years of the edition before above its own figures.
#[test]
fn impossible_years_are_rejected_and_not_corrected() {
    let text = "Source,Country,Type,Prod_t_est_2021,Prod_t_est_2022\n\
        MCS2024,Cuba,\"Mine production, metric tons of contained cobalt\",3700,3200\n\
        MCS2024,World total (rounded),\"Mine production, metric tons of contained cobalt\",197000,230000\n";
    let taken = take_one(text);
    assert_eq!(taken.codes(), [(2, "year-and-edition", "2021"), (2, "year-and-edition", "2022")]);
    assert_eq!((taken.figures(), taken.rows.len()), (4, 0));
    assert!(taken.aside[0].hint.contains("wrong names"), "{:?}", taken.aside[0]);
}

#[test]
fn rejected_figures_say_why() {
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
    let taken = take_one(text);
    let codes = [
        (2, "unknown-economy", "Kyrgystan"),
        (2, "unknown-economy", "Kyrgystan"),
        (3, "invalid-number", "1,2345"),
        (3, "invalid-number", "E"),
        (4, "aggregate-economy", "United States and Canada"),
        (4, "aggregate-economy", "United States and Canada"),
        (5, "mixed-editions", "MCS2023"),
        (5, "mixed-editions", "MCS2023"),
        (7, "duplicate-key", "2022,IRN,antimony,mined"),
        (7, "duplicate-key", "2023,IRN,antimony,mined"),
        (8, "field-count-mismatch", "MCS2024,Turkey,\"Mine production, antimony content\",9"),
        (9, "field-count-mismatch", "MCS2024,Turkey,\"Mine production, antimony content\",1,2,3"),
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
    let taken = take_one(nameless);
    assert_eq!(taken.codes(), [(2, "unnamed-commodity", "Mine production"); 2]);
}

/// Totals are rounded to two or three digits, and some leave out the United States: those are no total of the
/// world.
#[test]
fn world_totals_are_compared_and_never_recorded() {
    let rows = |total: &str, notes: &str| {
        take_one(format!(
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
fn the_file_name_gives_the_commodity_if_nothing_else_does() {
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
    assert_eq!(mixed.err().unwrap().code, "mixed-releases");
}

#[test]
fn notes_of_the_wide_file_explain_its_blanks() {
    let header = "SOURCE,COMMODITY,COUNTRY,TYPE,UNIT_MEAS,PROD_2023,PROD_EST_ \
                  2024,PROD_NOTES,CAP_2023,CAP_EST_ 2024,CAP_NOTES,\
                  RESERVES_2024,RESERVE_NOTES";
    let rows = "MCS2025,Gemanium,Russia ,Primary and secondary refinery \
                production,kilograms,5000,5000,,,,,,\n\
        MCS2025,Lithium ,United States,\"Mine production, lithium content\",metric tons,,,W for \
        23-24,,,,1800000,\n\
        MCS2025,Graphite,United\u{a0}States,Mine production,metric tons,,,,,,,,\n\
        MCS2025,Bauxite,China,\"Mine production, bauxite, dry tons\",thousand metric dry \
        tons,93000,93000,reported,,,,680000,\n\
        MCS2025,Bauxite,China,\"Refinery production, alumina - calcined equivalent weights\",thousand metric \
        dry tons,82400,84000,,,,,,\n\
        MCS2025,Titanium & titanium dioxide,Japan,Sponge Metal Production,metric tons,60000,55000,,,,,,\n\
        MCS2025,Titanium & titanium dioxide,Japan,Pigment Capacity,metric tons,,,,,322000,,,\n\
        MCS2025,Barite  ,Iran,\"Mine production, barite, estimated\",thousand metric \
        tons,200,220,,,,,100000,\n\
        MCS2025,Barite  ,World total (rounded) 10,\"Mine production, barite, estimated\",thousand metric \
        tons,7800,8200,Excludes U.S. production.,,,,NA,\n";
    let taken = take_one(format!("\u{feff}{header}\n{rows}"));
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

#[test]
fn an_ambiguous_unit_is_not_guessed() {
    let rows = |unit: &str| {
        take_one(format!(
            "Source,Country,Type,Prod_{unit}_2022,Prod_{unit}_est_2023\nMCS2024,Iran,\"Mine production, \
             barite\",1,2\n"
        ))
    };
    assert_eq!(rows("Mt").rows[0], "baryte mined gross 2022 IRN 1000000 @2:4");
    assert_eq!(rows("mt").codes(), [(2, "unknown-unit", "mt"); 2], "metric or million tons");
}
