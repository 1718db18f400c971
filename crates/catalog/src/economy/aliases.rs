//! Other codes and names of economies in statistics, and codes and names that look like economies but are
//! not.
//!
//! Names are stored normalised (lower case, no accents, words separated by one space): see `resolve::fold`.

/// Numeric codes of UN Comtrade, BACI and Global Trade Alert that differ from ISO 3166-1, sorted.
pub(super) static NUMERIC: &[(u16, &str)] = &[
    (251, "FRA"), // France with Monaco and the overseas departments
    (280, "DEU"), // Federal Republic of Germany to 1990: ISO kept DEU
    (381, "ITA"), // Italy with San Marino and the Holy See
    (412, "XKX"), // Kosovo, to which ISO 3166 gives no number
    (490, "TWN"), // "Other Asia, not elsewhere specified", which is Taiwan
    (579, "NOR"), // Norway with Svalbard and Jan Mayen
    (699, "IND"), // India with Sikkim
    (736, "SDN"), // Sudan with the south, to 2011: ISO kept SDN
    (757, "CHE"), // Switzerland with Liechtenstein
    (842, "USA"), // United States with Puerto Rico and the US Virgin Islands
    (849, "UMI"), // US miscellaneous Pacific islands, part of the minor outlying islands since 1986
];

/// Economies that report to UN Comtrade under another number than ISO 3166-1 gives them, sorted.
pub(super) static COMTRADE: &[(&str, u16)] =
    &[("CHE", 757), ("FRA", 251), ("IND", 699), ("NOR", 579), ("TWN", 490), ("USA", 842), ("XKX", 412)];

/// Numeric codes of UN Comtrade that stand for a sum or a residual, sorted. They take precedence over ISO,
/// where for example 492 is Monaco.
pub(super) static NUMERIC_AGGREGATES: &[(u16, &str)] = &[
    (0, "the world total"),
    (97, "the European Union as one partner"),
    (129, "the residual of the Caribbean"),
    (221, "the residual of eastern Europe"),
    (290, "the residual of northern Africa"),
    (471, "the residual of the Central American Common Market"),
    (472, "the residual of the African economies associated with the EU"),
    (473, "the residual of the Latin American Integration Association"),
    (492, "the residual of the EU in trade statistics (Monaco in ISO 3166)"),
    (527, "the residual of Oceania"),
    (568, "the residual of Europe"),
    (577, "the residual of Africa"),
    (636, "the residual of America"),
    (637, "the residual of North and Central America"),
    (697, "the residual of EFTA"),
    (837, "bunkers, the supply of ships and aircraft"),
    (838, "free zones"),
    (839, "special categories"),
    (879, "the residual of western Asia"),
    (899, "areas not elsewhere specified"),
    (918, "the European Union as one partner"),
];

/// Letter codes that a source uses instead of the alpha-3 code, sorted.
pub(super) static LETTERS: &[(&str, &str)] = &[
    ("ADO", "AND"),
    ("KSV", "XKX"),
    ("PUS", "UMI"),
    ("ROM", "ROU"),
    ("S19", "TWN"),
    ("TMP", "TLS"),
    ("WBG", "PSE"),
    ("ZAR", "COD"),
];

/// Letter codes that name a sum or a residual, sorted.
pub(super) static LETTER_AGGREGATES: &[(&str, &str)] = &[
    ("CHI", "the Channel Islands together"),
    ("E19", "the residual of Europe"),
    ("EU", "the European Union"),
    ("EU27", "the European Union"),
    ("EU27_2020", "the European Union"),
    ("EU28", "the European Union with the United Kingdom"),
    ("EUU", "the European Union"),
    ("OECD", "the members of the OECD"),
    ("OTHER", "the residual of economies that a source does not list"),
    ("R20", "the residual of EFTA"),
    ("W00", "the world total"),
    ("WLD", "the world total"),
    ("X2", "free zones"),
    ("XX", "special categories"),
    ("_X", "areas not elsewhere specified"),
];

/// Folded names of sums and residuals, sorted. Names that begin with `world` or `other` are ones too.
pub(super) static NAME_AGGREGATES: &[(&str, &str)] = &[
    ("africa", "a continent"),
    ("areas nes", "areas not elsewhere specified"),
    ("asia", "a continent"),
    ("bunkers", "bunkers, the supply of ships and aircraft"),
    ("china germany and russia", "several economies together"),
    ("europe", "a continent"),
    ("europe efta nes", "the residual of EFTA"),
    ("european union", "the European Union"),
    ("free zones", "free zones"),
    ("north america", "a continent"),
    ("rest of the world", "a residual"),
    ("rest of world", "a residual"),
    ("south america", "a continent"),
    ("special categories", "special categories"),
    ("total", "a total"),
    ("united states and canada", "several economies together"),
];

/// Folded names and codes that more than one economy goes by.
pub(super) static AMBIGUOUS: &[(&str, &[&str])] = &[
    // ISO 3166 gives CG to the Republic, FIPS 10-4 (GDELT and others) to the Democratic Republic.
    ("cg", &["COG", "COD"]),
    ("congo", &["COG", "COD"]),
    ("congos", &["COG", "COD"]),
    ("korea", &["KOR", "PRK"]),
    ("virgin islands", &["VGB", "VIR"]),
];

/// Folded names in use beside the table's own, sorted: ISO, United Nations, USGS, BGS, World Bank, and common
/// English.
pub(super) static NAMES: &[(&str, &str)] = &[
    ("aland", "ALA"),
    ("bahamas the", "BHS"),
    ("belgium luxembourg 1998", "BLX"),
    ("bolivia plurinational state of", "BOL"),
    ("bolivia the plurinational state of", "BOL"),
    ("bonaire", "BES"),
    ("bosnia", "BIH"),
    ("bosnia herzegovina", "BIH"),
    ("br indian ocean terr", "IOT"),
    ("br virgin isds", "VGB"),
    ("brunei darussalam", "BRN"),
    ("burma", "MMR"),
    ("burma myanmar", "MMR"),
    ("byelorussia", "BLR"),
    ("cape verde", "CPV"),
    ("cayman isds", "CYM"),
    ("central african rep", "CAF"),
    ("china hong kong sar", "HKG"),
    ("china macao sar", "MAC"),
    ("china mainland", "CHN"),
    ("christmas isds", "CXR"),
    ("cocos isds", "CCK"),
    ("congo brazzaville", "COG"),
    ("congo d r", "COD"),
    ("congo dem rep", "COD"),
    ("congo dem rep of", "COD"),
    ("congo democratic republic of", "COD"),
    ("congo democratic republic of the", "COD"),
    ("congo dr", "COD"),
    ("congo kinshasa", "COD"),
    ("congo rep", "COG"),
    ("congo rep of", "COG"),
    ("congo republic of", "COG"),
    ("congo republic of the", "COG"),
    ("congo the democratic republic of the", "COD"),
    ("cook isds", "COK"),
    ("czech republic", "CZE"),
    ("czechoslovakia 1992", "CSK"),
    ("d r congo", "COD"),
    ("dem people s rep of korea", "PRK"),
    ("dem rep of germany 1990", "DDR"),
    ("dem rep of the congo", "COD"),
    ("democratic people s republic of korea", "PRK"),
    ("democratic republic of congo", "COD"),
    ("democratic republic of the congo", "COD"),
    ("dominican rep", "DOM"),
    ("dprk", "PRK"),
    ("dr congo", "COD"),
    ("drc", "COD"),
    ("east germany", "DDR"),
    ("east timor", "TLS"),
    ("egypt arab rep", "EGY"),
    ("falkland islands malvinas", "FLK"),
    ("falkland isds malvinas", "FLK"),
    ("faroe isds", "FRO"),
    ("fed rep of germany 1990", "DEU"),
    ("fr south antarctic terr", "ATF"),
    ("fs micronesia", "FSM"),
    ("fyr macedonia", "MKD"),
    ("gambia the", "GMB"),
    ("great britain", "GBR"),
    ("holland", "NLD"),
    ("holy see vatican city state", "VAT"),
    ("hong kong sar china", "HKG"),
    ("iran islamic rep", "IRN"),
    ("iran islamic republic of", "IRN"),
    ("ivory coast", "CIV"),
    ("jersey channel islands", "JEY"),
    ("korea dem p r of", "PRK"),
    ("korea dem people s rep", "PRK"),
    ("korea dem pr of", "PRK"),
    ("korea democratic people s republic of", "PRK"),
    ("korea north", "PRK"),
    ("korea rep", "KOR"),
    ("korea rep of", "KOR"),
    ("korea republic of", "KOR"),
    ("korea south", "KOR"),
    ("korea the democratic people s republic of", "PRK"),
    ("korea the republic of", "KOR"),
    ("kyrgyz republic", "KGZ"),
    ("lao pdr", "LAO"),
    ("lao people s dem rep", "LAO"),
    ("lao people s democratic republic", "LAO"),
    ("macau", "MAC"),
    ("macedonia", "MKD"),
    ("marshall isds", "MHL"),
    ("mayotte overseas france", "MYT"),
    ("micronesia federated states of", "FSM"),
    ("moldova republic of", "MDA"),
    ("moldova the republic of", "MDA"),
    ("myanmar burma", "MMR"),
    ("n mariana isds", "MNP"),
    ("netherlands antilles 2010", "ANT"),
    ("netherlands antilles former", "ANT"),
    ("norfolk isds", "NFK"),
    ("other asia nes", "TWN"),
    ("palestine state of", "PSE"),
    ("people s republic of china", "CHN"),
    ("rep of korea", "KOR"),
    ("rep of moldova", "MDA"),
    ("republic of congo", "COG"),
    ("republic of korea", "KOR"),
    ("republic of the congo", "COG"),
    ("russian federation", "RUS"),
    ("saint helena ascension and tristan da cunha", "SHN"),
    ("saint maarten", "SXM"),
    ("saint martin french part", "MAF"),
    ("serbia and montenegro 2005", "SCG"),
    ("sint maarten dutch part", "SXM"),
    ("slovak republic", "SVK"),
    ("solomon isds", "SLB"),
    ("southern african customs union 1999", "ZA1"),
    ("soviet union", "SUN"),
    ("st kitts and nevis", "KNA"),
    ("st lucia", "LCA"),
    ("st vincent and the grenadines", "VCT"),
    ("state of palestine", "PSE"),
    ("sudan 2011", "SDN"),
    ("swaziland", "SWZ"),
    ("syrian arab republic", "SYR"),
    ("taiwan china", "TWN"),
    ("taiwan province of china", "TWN"),
    ("tanzania the united republic of", "TZA"),
    ("tanzania united republic of", "TZA"),
    ("the bahamas", "BHS"),
    ("the gambia", "GMB"),
    ("the netherlands", "NLD"),
    ("turkey", "TUR"),
    ("turks and caicos isds", "TCA"),
    ("uae", "ARE"),
    ("uk", "GBR"),
    ("united kingdom of great britain and northern ireland", "GBR"),
    ("united rep of tanzania", "TZA"),
    ("united republic of tanzania", "TZA"),
    ("united states of america", "USA"),
    ("us misc pacific isds", "UMI"),
    ("ussr", "SUN"),
    ("ussr 1990", "SUN"),
    ("vatican", "VAT"),
    ("venezuela bolivarian republic of", "VEN"),
    ("venezuela rb", "VEN"),
    ("viet nam", "VNM"),
    ("virgin islands british", "VGB"),
    ("virgin islands u s", "VIR"),
    ("wallis and futuna isds", "WLF"),
    ("west bank and gaza", "PSE"),
    ("yemen rep", "YEM"),
    ("zaire", "COD"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economy::resolve::fold;
    use crate::economy::{economies, economy};

    #[test]
    fn tables_are_sorted_for_the_search() {
        assert!(NUMERIC.is_sorted_by(|a, b| a.0 < b.0));
        assert!(COMTRADE.is_sorted_by(|a, b| a.0 < b.0));
        assert!(COMTRADE.iter().all(|(iso3, number)| NUMERIC.contains(&(*number, *iso3))));
        assert!(NUMERIC_AGGREGATES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(LETTERS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(LETTER_AGGREGATES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(NAME_AGGREGATES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(NAMES.windows(2).all(|pair| pair[0].0 != pair[1].0));
    }

    #[test]
    fn aliases_name_an_economy_and_take_no_other_ones_name() {
        let targets = NAMES.iter().chain(LETTERS).map(|&(_, iso3)| iso3);
        let targets = targets.chain(NUMERIC.iter().map(|&(_, iso3)| iso3));
        assert!(
            targets
                .chain(AMBIGUOUS.iter().flat_map(|(_, several)| several.iter().copied()))
                .all(|iso3| economy(iso3).is_some())
        );
        for (name, iso3) in NAMES {
            assert_eq!(fold(name), *name, "stored as it is looked up");
            assert!(
                economies().iter().all(|economy| fold(economy.name) != *name || economy.iso3 == *iso3),
                "{name}"
            );
            assert!(AMBIGUOUS.iter().all(|(ambiguous, _)| ambiguous != name), "{name}");
        }
        assert!(LETTERS.iter().all(|(code, _)| economy(code).is_none()));
        assert!(LETTER_AGGREGATES.iter().all(|(code, _)| economy(code).is_none()));
    }
}
