//! The table of lists.

use super::CriticalList;

/// Every list, sorted by identifier. Groups of elements are listed by each of their members in the catalogue:
/// the platinum group without osmium, the rare earths with yttrium unless a list names single ones.
pub(super) static LISTS: &[CriticalList] = &[
    CriticalList {
        id: "AUS-2024",
        consumer: "AUS",
        title: "Australia's Critical Minerals List of December 2023, with nickel since February 2024",
        announced: "2024-02",
        in_force: None,
        source: "International Energy Agency, policies database, and the Australian Department of Industry, \
                 Science and Resources",
        url: "https://www.iea.org/policies/15861-critical-minerals-list",
        strategic: "",
        critical: "antimony arsenic beryllium bismuth chromium cobalt fluorspar gallium germanium graphite \
                   hafnium indium iridium lithium magnesium manganese nickel niobium palladium platinum \
                   rare-earths rhenium rhodium ruthenium scandium silicon tantalum tellurium titanium \
                   tungsten vanadium yttrium zirconium",
        recalled: "",
        others: &["high-purity alumina", "molybdenum", "selenium"],
        note: "Australia's Strategic Materials List of December 2023 is another list: aluminium, copper, \
               phosphorus, tin and zinc, and nickel until February 2024.",
    },
    CriticalList {
        id: "CAN-2024",
        consumer: "CAN",
        title: "Canada's critical minerals list, update of June 2024: 34 minerals and metals",
        announced: "2024-06-10",
        in_force: None,
        source: "Government of Canada, Critical minerals: an opportunity for Canada",
        url: "https://www.canada.ca/en/campaign/critical-minerals-in-canada/\
              critical-minerals-an-opportunity-for-canada.html",
        strategic: "",
        critical: "aluminium antimony bismuth caesium chromium cobalt copper fluorspar gallium germanium \
                   graphite helium indium iridium lithium magnesium manganese nickel niobium palladium \
                   phosphorus platinum potash rare-earths rhodium ruthenium scandium silicon tantalum \
                   tellurium tin titanium tungsten uranium vanadium yttrium zinc",
        recalled: "",
        others: &["high-purity iron ore", "molybdenum"],
        note: "",
    },
    CriticalList {
        id: "EU-2024",
        consumer: "EU27",
        title: "Critical Raw Materials Act: 34 critical raw materials, 17 of them strategic",
        announced: "2024-05-03",
        in_force: Some("2024-05-23"),
        source: "Regulation (EU) 2024/1252, annexes I and II",
        url: "http://data.europa.eu/eli/reg/2024/1252/oj",
        strategic: "aluminium bismuth boron cobalt copper gallium germanium graphite iridium lithium \
                    magnesium manganese nickel palladium platinum rare-earths rhodium ruthenium silicon \
                    titanium tungsten",
        critical: "antimony arsenic baryte beryllium coking-coal feldspar fluorspar hafnium helium niobium \
                   phosphate-rock phosphorus scandium strontium tantalum vanadium yttrium",
        recalled: "",
        others: &[],
        note: "The list of the Commission's study of March 2023 is the same at the critical level. \
               Strategic are certain grades: of boron the metallurgical, of graphite, lithium, manganese \
               and nickel the battery grade, and of rare earths those of permanent magnets.",
    },
    CriticalList {
        id: "IND-2023",
        consumer: "IND",
        title: "Critical minerals for India: 30 minerals",
        announced: "2023-06-28",
        in_force: None,
        source: "Ministry of Mines, report of the Committee on Identification of Critical Minerals, as \
                 released to the press on 24 July 2023",
        url: "https://mines.gov.in/admin/storage/app/uploads/649d4212cceb01688027666.pdf",
        strategic: "",
        critical: "antimony beryllium bismuth cobalt copper gallium germanium graphite hafnium indium \
                   iridium lithium nickel niobium palladium phosphorus platinum potash rare-earths rhenium \
                   rhodium ruthenium silicon strontium tantalum tellurium tin titanium tungsten vanadium \
                   yttrium zirconium",
        recalled: "",
        others: &["cadmium", "molybdenum", "selenium"],
        note: "",
    },
    CriticalList {
        id: "JPN-2020",
        consumer: "JPN",
        title: "Japan's International Resource Strategy: 34 rare metals of the national stockpile",
        announced: "2020-03",
        in_force: None,
        source: "International Energy Agency, policies database, of which the first 12 of 34 entries were \
                 read",
        url: "https://www.iea.org/policies/16639-international-resource-strategy-national-stockpiling-system",
        strategic: "",
        critical: "antimony baryte beryllium bismuth boron caesium chromium cobalt fluorspar gallium \
                   germanium graphite",
        recalled: "hafnium indium iridium lithium magnesium manganese nickel niobium palladium platinum \
                   rare-earths rhenium rhodium rubidium ruthenium scandium silicon strontium tantalum \
                   tellurium titanium tungsten vanadium yttrium zirconium",
        others: &["molybdenum", "selenium", "thallium"],
        note: "Barium is listed as baryte, carbon as graphite, fluorine as fluorspar.",
    },
    CriticalList {
        id: "KOR-2023",
        consumer: "KOR",
        title: "Korea's strategy for securing reliable critical minerals supply: 33 minerals, 10 of them \
                strategic",
        announced: "2023-02-27",
        in_force: None,
        source: "International Energy Agency, policies database",
        url: "https://www.iea.org/policies/\
              17942-the-strategy-for-securing-reliable-critical-minerals-supply",
        strategic: "cobalt graphite lithium manganese nickel rare-earths",
        critical: "aluminium antimony bismuth chromium copper gallium indium lead magnesium niobium \
                   palladium platinum silicon strontium tantalum tin titanium tungsten vanadium zinc \
                   zirconium",
        recalled: "",
        others: &["molybdenum", "selenium"],
        note: "Of rare earths the list has neodymium, dysprosium, terbium, cerium and lanthanum.",
    },
    CriticalList {
        id: "UK-2024",
        consumer: "GBR",
        title: "UK 2024 Criticality Assessment: 34 critical of 82 materials",
        announced: "2024-11-28",
        in_force: None,
        source: "British Geological Survey, OR/24/047, as reported; the table of the report was not read",
        url: "https://nora.nerc.ac.uk/id/eprint/538471/",
        strategic: "",
        critical: "aluminium chromium cobalt gallium germanium magnesium nickel niobium phosphorus \
                   rare-earths rhodium ruthenium tungsten",
        recalled: "antimony bismuth boron hafnium helium indium iridium lithium manganese platinum rhenium \
                   silicon tantalum tellurium tin titanium vanadium yttrium zinc",
        others: &["iron", "magnesite (recalled)", "sodium compounds (recalled)"],
        note: "Reports name the ten most critical materials and those that were added; the rest is recalled.",
    },
    CriticalList {
        id: "USA-2025",
        consumer: "USA",
        title: "Final 2025 List of Critical Minerals: 60 minerals",
        announced: "2025-11-07",
        in_force: None,
        source: "US Geological Survey, Mineral Commodity Summaries 2026, data release, column `Is critical \
                 mineral 2025`; uranium and metallurgical coal, which have no chapter there, by the \
                 Department of the Interior's announcement as reported",
        url: "https://www.usgs.gov/centers/national-minerals-information-center/mineral-commodity-summaries",
        strategic: "",
        critical: "aluminium antimony arsenic baryte beryllium bismuth boron caesium chromium cobalt \
                   coking-coal copper fluorspar gallium germanium graphite hafnium indium iridium lead \
                   lithium magnesium manganese nickel niobium palladium phosphate-rock platinum potash \
                   rare-earths rhenium rhodium rubidium ruthenium scandium silicon silver tantalum \
                   tellurium tin titanium tungsten uranium vanadium yttrium zinc zirconium",
        recalled: "",
        others: &[],
        note: "The list names rare earths one by one.",
    },
];
