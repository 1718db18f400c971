//! Statistics of production.
use super::variants::*;
use super::{Parser, Sent, sent};

pub(super) fn parsers() -> Vec<Parser> {
    vec![
        Parser { id: "usgs-mcs", file: "mcs2024-graph_world.csv", hs: "", files: usgs() },
        Parser { id: "wmd", file: "wmd.csv", hs: "", files: wmd() },
        Parser { id: "iea-cm", file: "iea.csv", hs: "", files: iea() },
    ]
}

const USGS: &str = "Source,Country,Type,Prod_t_2022,Prod_t_est_2023,Prod_notes,Reserves_t,Reserves_notes\n\
                    MCS2024,China,\"Mine production, graphite\",72000,80000,,,\nMCS2024,Brazil6,\"Mine \
                    production, graphite\",70,W,,,\n";
const USGS_ROWS: &str = "= 2022,CHN,graphite,mined,72000,gross; \
                         2023,CHN,graphite,mined,80000,gross,estimated; 2022,BRA,graphite,mined,70,gross; \
                         2023,BRA,graphite,mined,Withheld,gross";

fn usgs() -> Vec<Sent> {
    let row = |row: &str| {
        format!(
            "Source,Country,Type,Prod_t_2023,Prod_notes\nMCS2024,China,\"Mine production, \
             graphite\",72000,\n{row}\n"
        )
    };
    vec![
        sent("as it is published", USGS, USGS_ROWS),
        sent("Excel's mark", bom(USGS), USGS_ROWS),
        sent("Windows", crlf(USGS), USGS_ROWS),
        sent("an editor adds blank lines", blank_lines(USGS), USGS_ROWS),
        sent("a German spreadsheet", semicolons(), USGS_ROWS),
        sent("Excel's Unicode text", utf16(USGS), USGS_ROWS),
        sent(
            "names in capitals, and so the units in them",
            capitals(USGS),
            "~  | unknown-unit: did you mean t?",
        ),
        sent("rows that end with commas", trailing_commas_of_rows(USGS), USGS_ROWS),
        sent(
            "thousands within quotes",
            row("MCS2024,Brazil,\"Mine production, graphite\",\"88,000\","),
            "= 2023,CHN,graphite,mined,72000,gross; 2023,BRA,graphite,mined,88000,gross",
        ),
        sent(
            "other countries",
            row("MCS2024,Other countries6,\"Mine production, graphite\",5,"),
            "= 2023,CHN,graphite,mined,72000,gross; 2023,OTHER,graphite,mined,5,gross",
        ),
        sent(
            "a rounded total of the world",
            row("MCS2024,World total (rounded),\"Mine production, graphite\",72000,"),
            "= 2023,CHN,graphite,mined,72000,gross",
        ),
        sent(
            "a dash for zero",
            row("MCS2024,Brazil,\"Mine production, graphite\",\u{2014},"),
            "= 2023,CHN,graphite,mined,72000,gross; 2023,BRA,graphite,mined,0,gross",
        ),
        sent(
            "a decimal comma",
            row("MCS2024,Brazil,\"Mine production, graphite\",\"0,4\","),
            "~ 2023,CHN,graphite,mined,72000,gross | invalid-number: decimal comma? write 0.4",
        ),
        sent(
            "an economy of no table",
            row("MCS2024,Atlantis,\"Mine production, graphite\",5,"),
            "~ 2023,CHN,graphite,mined,72000,gross | unknown-economy: Atlantis",
        ),
        sent(
            "a row of another edition",
            row("MCS2023,Brazil,\"Mine production, graphite\",5,"),
            "~ 2023,CHN,graphite,mined,72000,gross | mixed-editions: not of the file",
        ),
    ]
}

/// The same with semicolons: its quoted commas stay.
fn semicolons() -> String {
    USGS.replace(", graphite", "@ graphite").replace(',', ";").replace('@', ",").replace('"', "")
}

const WMD: &str = "material,Country,Country_Code,Country_ISO,2021,2022,unit,data_source\n\
                   Cobalt,Chile,152,CHL,1,7.0,metr. t,r\nCobalt,Australia,36,AUS,5,,metr. t,e\n";
const WMD_ROWS: &str = "= 2021,CHL,cobalt,mined,1,content; 2022,CHL,cobalt,mined,7,content; \
                        2021,AUS,cobalt,mined,5,content,estimated; \
                        2022,AUS,cobalt,mined,Unavailable,content,estimated";

fn wmd() -> Vec<Sent> {
    let row = |row: &str| {
        format!("material,Country,Country_ISO,2022,unit,data_source\nCobalt,Chile,CHL,7.0,metr. t,r\n{row}\n")
    };
    const CHILE: &str = "= 2022,CHL,cobalt,mined,7,content";
    vec![
        sent("in its wide form", WMD, WMD_ROWS),
        sent("Excel's mark", bom(WMD), WMD_ROWS),
        sent("Windows", crlf(WMD), WMD_ROWS),
        sent("a program quotes everything", quoted(WMD), WMD_ROWS),
        sent("an editor adds blank lines", blank_lines(WMD), WMD_ROWS),
        sent("a German spreadsheet", separated(WMD, ";"), WMD_ROWS),
        sent("tabs", separated(WMD, "\t"), WMD_ROWS),
        sent("Excel's Unicode text", utf16(&separated(WMD, "\t")), WMD_ROWS),
        sent("names in capitals", capitals(WMD), WMD_ROWS),
        sent("row numbers of a program", numbered(WMD), WMD_ROWS),
        sent("rows that end with a comma", trailing_commas_of_rows(WMD), WMD_ROWS),
        sent(
            "the unit left out",
            WMD.replace(",unit", ",measure"),
            "! missing-column: column `unit` is missing",
        ),
        sent("a total", row("Cobalt,Total,,7.0,metr. t,"), CHILE),
        sent(
            "a decimal comma",
            row("Cobalt,Australia,AUS,\"97,63\",metr. t,r"),
            "~ 2022,CHL,cobalt,mined,7,content | invalid-number: decimal comma? write 97.63",
        ),
    ]
}

const IEA: &str =
    "material,stage,economy,year,kt\nCopper,mining,CHL,2024,5476.5\nCopper,mining,OTHER,2024,9\n";
const IEA_ROWS: &str = "= 2024,CHL,copper,mined,5476500,content; 2024,OTHER,copper,mined,9000,content";

fn iea() -> Vec<Sent> {
    let row = |row: &str| format!("material,stage,economy,year,kt\nCopper,mining,CHL,2024,5476.5\n{row}\n");
    vec![
        sent("as copies have it", IEA, IEA_ROWS),
        sent("Excel's mark", bom(IEA), IEA_ROWS),
        sent("Windows", crlf(IEA), IEA_ROWS),
        sent("an editor adds blank lines", blank_lines(IEA), IEA_ROWS),
        sent("a spreadsheet with semicolons", separated(IEA, ";"), IEA_ROWS),
        sent("Excel's Unicode text", utf16(IEA), IEA_ROWS),
        sent("names in capitals", capitals(IEA), IEA_ROWS),
        sent("a program quotes everything", quoted(IEA), IEA_ROWS),
        sent("the rest of the world by its name", row("Copper,mining,Rest of world,2024,9"), IEA_ROWS),
        sent(
            "a printed total of the world",
            row("Copper,mining,Total,2024,22794"),
            "= 2024,CHL,copper,mined,5476500,content; 2024,WLD,copper,mined,22794000,content",
        ),
        sent(
            "a total of another table",
            row("Total clean technologies,mining,CHL,2024,9"),
            "~ 2024,CHL,copper,mined,5476500,content | unknown-material: rare earth elements",
        ),
        sent(
            "a stage that the dataset does not have",
            row("Copper,smelting,PER,2024,9"),
            "~ 2024,CHL,copper,mined,5476500,content | unknown-word: ining",
        ),
        sent(
            "an economy by its name",
            row("Copper,mining,Peru,2024,9"),
            "~ 2024,CHL,copper,mined,5476500,content | unknown-economy: PER",
        ),
    ]
}
