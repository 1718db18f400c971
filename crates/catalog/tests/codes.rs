//! Tests of every lookup of the catalogue, through its public interface.

#![allow(
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a failed assumption fails the test, and conversions are exact where compared"
)]

use orewatch_catalog::{
    Basis, CodeKind, Consumer, HsMatch, HsRevision, Scheme, Stage, Unit, blocs, concordance, economies,
    economy, hs_codes, material, materials, product_name, resolve_consumer, resolve_economy,
    resolve_material, resolve_stage, resolve_supplier,
};
use proptest::prelude::*;

const SCHEMES: [Scheme; 7] =
    [Scheme::Iso3, Scheme::Iso2, Scheme::Numeric, Scheme::Wgi, Scheme::Usgs, Scheme::Bgs, Scheme::Any];

fn resolved(scheme: Scheme, text: &str) -> &'static str {
    resolve_economy(scheme, text).unwrap().iso3
}

fn refused(scheme: Scheme, text: &str) -> String {
    resolve_economy(scheme, text).unwrap_err().to_string()
}

#[test]
fn economies_are_those_of_iso_3166_kosovo_and_former_ones() {
    let today = economies().iter().filter(|economy| economy.until.is_none()).count();
    assert_eq!(today, 249 + 1, "ISO 3166-1 and Kosovo");
    assert!(economies().is_sorted_by(|a, b| a.iso3 < b.iso3));
    assert_eq!(economy("DEU").unwrap().name, "Germany");
    assert!(economy("deu").is_none());
}

#[test]
fn every_economy_is_found_by_each_of_its_codes_and_names() {
    for economy in economies() {
        assert_eq!(resolved(Scheme::Iso3, economy.iso3), economy.iso3);
        assert_eq!(resolved(Scheme::Wgi, economy.iso3), economy.iso3);
        assert_eq!(resolved(Scheme::Any, economy.iso3), economy.iso3);
        assert_eq!(resolved(Scheme::Any, &economy.iso3.to_lowercase()), economy.iso3);
        assert_eq!(resolved(Scheme::Usgs, economy.name), economy.iso3);
        assert_eq!(resolved(Scheme::Bgs, economy.name), economy.iso3);
        assert_eq!(resolved(Scheme::Any, economy.name), economy.iso3);
        if let Some(iso2) = economy.iso2 {
            assert_eq!(resolved(Scheme::Iso2, iso2), economy.iso3);
        }
        // UN Comtrade uses Monaco's number for a residual of the EU.
        if let Some(numeric) = economy.numeric.filter(|_| economy.iso3 != "MCO") {
            assert_eq!(resolved(Scheme::Numeric, &numeric.to_string()), economy.iso3);
            assert_eq!(resolved(Scheme::Numeric, &format!("{numeric:03}")), economy.iso3);
        }
    }
}

#[test]
fn no_two_economies_share_a_code_or_name() {
    for (index, one) in economies().iter().enumerate() {
        for other in &economies()[index + 1..] {
            assert!(one.iso3 != other.iso3 && one.name != other.name, "{} {}", one.iso3, other.iso3);
            assert!(one.iso2.is_none() || one.iso2 != other.iso2, "{} {}", one.iso3, other.iso3);
            assert!(one.numeric.is_none() || one.numeric != other.numeric, "{} {}", one.iso3, other.iso3);
        }
    }
}

#[test]
fn numbers_of_trade_statistics_are_resolved() {
    let numbers = [
        ("842", "USA"),
        ("840", "USA"),
        ("699", "IND"),
        ("251", "FRA"),
        ("490", "TWN"),
        ("757", "CHE"),
        ("579", "NOR"),
        ("381", "ITA"),
        ("736", "SDN"),
        ("729", "SDN"),
        ("8", "ALB"),
        ("008", "ALB"),
        (" 156 ", "CHN"),
        ("891", "SCG"),
        ("58", "BLX"),
        ("711", "ZA1"),
        ("516", "NAM"),
    ];
    for (number, iso3) in numbers {
        assert_eq!(resolved(Scheme::Numeric, number), iso3, "{number}");
    }
    assert_eq!(resolved(Scheme::Any, "S19"), "TWN");
    assert_eq!(resolved(Scheme::Any, "Other Asia, nes"), "TWN");
}

#[test]
fn ambiguous_names_of_the_two_congos_are_refused_with_both() {
    for (scheme, text) in [
        (Scheme::Wgi, "ZAR"),
        (Scheme::Any, "ZAR"),
        (Scheme::Iso3, "COD"),
        (Scheme::Usgs, "Congo (Kinshasa)"),
        (Scheme::Any, "DR Congo"),
        (Scheme::Any, "D.R. Congo"),
        (Scheme::Bgs, "Congo, Democratic Republic"),
        (Scheme::Any, "Congo, The Democratic Republic of the"),
        (Scheme::Numeric, "180"),
    ] {
        assert_eq!(resolved(scheme, text), "COD", "{text}");
    }
    for (scheme, text) in [(Scheme::Iso2, "CG"), (Scheme::Usgs, "Congo (Brazzaville)"), (Scheme::Any, "COG")]
    {
        assert_eq!(resolved(scheme, text), "COG", "{text}");
    }
    let both = "did you mean COG (Congo, Republic) or COD (Congo, Democratic Republic)?";
    for (scheme, text) in [
        (Scheme::Any, "Congo"),
        (Scheme::Usgs, "Congo"),
        (Scheme::Bgs, "CONGO"),
        (Scheme::Any, "CG"),
        (Scheme::Iso3, "CG"),
    ] {
        assert_eq!(refused(scheme, text), format!("unknown economy `{text}`: {both}"));
    }
    assert_eq!(
        refused(Scheme::Iso3, "ZAR"),
        "unknown economy `ZAR`: did you mean COD (Congo, Democratic Republic)?"
    );
}

#[test]
fn the_code_of_namibia_is_not_a_missing_value() {
    assert_eq!(resolved(Scheme::Iso2, "NA"), "NAM");
    assert_eq!(resolved(Scheme::Any, "NA"), "NAM");
    assert_eq!(refused(Scheme::Iso3, "NA"), "unknown economy `NA`: did you mean NAM (Namibia)?");
}

#[test]
fn old_codes_of_the_world_bank_are_resolved() {
    for (old, iso3) in
        [("ADO", "AND"), ("KSV", "XKX"), ("ROM", "ROU"), ("TMP", "TLS"), ("WBG", "PSE"), ("ZAR", "COD")]
    {
        assert_eq!(resolved(Scheme::Wgi, old), iso3);
        assert!(resolve_economy(Scheme::Iso3, old).is_err(), "{old}");
    }
}

#[test]
fn names_of_geological_surveys_are_resolved() {
    for (name, iso3) in [
        ("Burma", "MMR"),
        ("Korea, Republic of", "KOR"),
        ("Korea, North", "PRK"),
        ("Côte d’Ivoire", "CIV"),
        ("United\u{a0}States", "USA"),
        ("Turkey", "TUR"),
        ("Russia ", "RUS"),
        ("Brazil (beneficiated)", "BRA"),
        ("New Caledonia11", "NCL"),
        ("China6", "CHN"),
        ("The Bahamas", "BHS"),
    ] {
        assert_eq!(resolved(Scheme::Usgs, name), iso3, "{name}");
    }
    assert_eq!(resolved(Scheme::Bgs, "Korea (Rep. of)"), "KOR");
    assert_eq!(
        refused(Scheme::Usgs, "Korea"),
        "unknown economy `Korea`: did you mean KOR (South Korea) or PRK (North Korea)?"
    );
    assert_eq!(
        refused(Scheme::Usgs, "Kazahkstan"),
        "unknown economy `Kazahkstan`: did you mean KAZ (Kazakhstan)?"
    );
}

#[test]
fn totals_regions_and_residuals_are_refused_as_aggregates() {
    let rows = [
        (Scheme::Any, "WLD"),
        (Scheme::Iso3, "WLD"),
        (Scheme::Iso3, "EU"),
        (Scheme::Iso3, "OTHER"),
        (Scheme::Numeric, "0"),
        (Scheme::Numeric, "899"),
        (Scheme::Numeric, "97"),
        (Scheme::Numeric, "492"),
        (Scheme::Usgs, "World total (rounded) 10"),
        (Scheme::Usgs, "Other countries6"),
        (Scheme::Usgs, "United\u{a0}States and Canada"),
        (Scheme::Any, "Areas, nes"),
        (Scheme::Any, "Europe EFTA, nes"),
        (Scheme::Wgi, "R20"),
    ];
    for (scheme, text) in rows {
        let error = resolve_economy(scheme, text).unwrap_err();
        assert!(error.aggregate, "{error}");
        assert_eq!(error.code(), "aggregate-economy");
    }
    assert_eq!(refused(Scheme::Numeric, "0"), "`0` is the world total, not one economy");
}

#[test]
fn nonsense_is_refused_in_every_scheme() {
    for text in ["", " ", "Atlantis", "QQQ", "-5", "99999", "1e3", "\u{0}", "\u{202e}", "842.0", "4294967298"]
    {
        for scheme in SCHEMES {
            let error = resolve_economy(scheme, text).unwrap_err();
            assert!(!error.aggregate && error.kind == CodeKind::Economy, "{text}");
        }
    }
}

#[test]
fn a_consumer_is_the_world_a_bloc_or_an_economy() {
    for code in ["WLD", "G7", "G7-plus", "EU27", "EU", "QUAD", "MSP", "JPN"] {
        assert_eq!(code.parse::<Consumer>().unwrap().code(), code);
    }
    let refused = |code: &str| code.parse::<Consumer>().unwrap_err().to_string();
    assert_eq!(
        refused("g7-PLUS"),
        "unknown consumer `g7-PLUS`: did you mean G7-plus (G7 with the EU, Australia, India, South Korea and \
         Mexico)?"
    );
    assert_eq!(refused("Japan"), "unknown consumer `Japan`: did you mean JPN (Japan)?");
    assert_eq!(
        refused("World"),
        "unknown consumer `World`: did you mean WLD (World) or a bloc such as EU27?"
    );
}

#[test]
fn every_code_is_valid_in_the_name_of_a_stream() {
    let fit = |code: &str| {
        !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    assert!(economies().iter().all(|economy| fit(economy.iso3)));
    assert!(blocs().iter().all(|bloc| fit(bloc.code) && economy(bloc.code).is_none()));
    assert!(materials().iter().all(|material| fit(material.id)));
}

#[test]
fn materials_are_found_only_by_their_identifiers() {
    assert!(materials().is_sorted_by(|a, b| a.id < b.id));
    for entry in materials() {
        assert_eq!(material(entry.id).unwrap().name, entry.name);
        assert!(entry.is_critical(), "{}", entry.id);
    }
    let refused = |id: &str| material(id).unwrap_err().to_string();
    assert_eq!(
        refused("rare earths"),
        "unknown material `rare earths`: did you mean rare-earths (Rare earths)?"
    );
    assert_eq!(refused("REE"), "unknown material `REE`: did you mean rare-earths (Rare earths)?");
    assert_eq!(refused("lithum"), "unknown material `lithum`: did you mean lithium (Lithium)?");
    assert_eq!(refused("oil"), "unknown material `oil`");
}

#[test]
fn the_concordance_is_sorted_and_consistent() {
    assert!(hs_codes().is_sorted_by(|a, b| (a.code, a.first) < (b.code, b.first)));
    for entry in hs_codes() {
        assert!(material(entry.material).is_ok(), "{}", entry.code);
        assert!(entry.first <= entry.last, "{}", entry.code);
        assert!(!entry.note.is_empty() && !entry.source.is_empty());
        assert!(!entry.product.is_empty() && !entry.product.contains(','), "{}", entry.code);
        assert_eq!(product_name(entry.code), Some(entry.product), "{}: one name a code", entry.code);
        for revision in HsRevision::ALL {
            let found = concordance(revision, entry.code);
            let valid = (entry.first..=entry.last).contains(&revision);
            assert!(!valid || found == HsMatch::InScope(entry), "{} {revision}", entry.code);
        }
    }
}

#[test]
fn product_codes_stand_for_a_material_and_a_stage() {
    let scope = |code: &str| match concordance(HsRevision::Hs92, code) {
        HsMatch::InScope(entry) => Some((entry.material, entry.stage, entry.proxy)),
        _ => None,
    };
    for code in ["280530", "284610", "284690"] {
        assert_eq!(scope(code), Some(("rare-earths", Stage::Refined, false)));
    }
    for code in ["250410", "250490"] {
        assert_eq!(scope(code), Some(("graphite", Stage::Mined, false)));
    }
    assert_eq!(scope("260200"), Some(("manganese", Stage::Mined, false)));
    assert_eq!(scope("251910"), Some(("magnesium", Stage::Mined, true)));
    assert_eq!(scope("850511"), Some(("rare-earths", Stage::Manufactured, true)));
    assert_eq!(concordance(HsRevision::Hs92, "270900"), HsMatch::OutOfScope);
    assert_eq!(concordance(HsRevision::Hs92, "810520"), HsMatch::OutOfScope, "cobalt has 810510 there");
    assert!(matches!(concordance(HsRevision::Hs17, "810520"), HsMatch::InScope(_)));
    let malformed = |code: &str| match concordance(HsRevision::Hs92, code) {
        HsMatch::Malformed { suggestion } => suggestion,
        other => panic!("{code}: {other:?}"),
    };
    assert_eq!(malformed("71021").as_deref(), Some("071021"));
    assert_eq!(malformed("2804.10").as_deref(), Some("280410"));
    for code in ["", "2804", "280a10", "2804100", "000000", "TOTAL", "２８０４１０"] {
        assert_eq!(malformed(code), None, "{code}");
    }
}

#[test]
fn units_are_converted_but_bases_only_where_chemistry_fixes_the_ratio() {
    assert_eq!("thousand metric tons".parse::<Unit>().unwrap().to_tonnes(12.5), 12_500.0);
    assert_eq!("kg".parse::<Unit>().unwrap().to_tonnes(1.0), 0.001);
    assert!("short tons".parse::<Unit>().is_err());
    for unit in Unit::ALL {
        assert_eq!(unit.as_str().parse::<Unit>().unwrap(), unit);
    }
    for basis in Basis::ALL {
        assert_eq!(basis.as_str().parse::<Basis>().unwrap(), basis);
        assert_eq!(basis.convert("cobalt", 7.0, basis), Ok(7.0));
    }
    let lithium = |from: Basis, mass: f64, to: Basis| from.convert("lithium", mass, to).unwrap();
    assert!((lithium(Basis::LithiumCarbonate, 5.323, Basis::Content) - 1.0).abs() < 1e-12);
    assert!((lithium(Basis::LithiumOxide, 1.0, Basis::Content) - 0.464).abs() < 1e-12);
    assert!((lithium(Basis::LithiumOxide, 1.0, Basis::LithiumCarbonate) - 2.469_872).abs() < 1e-9);
    let error = Basis::Gross.convert("lithium", 1.0, Basis::Content).unwrap_err();
    assert!(error.to_string().contains("lithium: a mass of gross cannot be expressed as content"));
    assert!(Basis::RareEarthOxide.convert("rare-earths", 1.0, Basis::Content).is_err());
    assert!(Basis::LithiumOxide.convert("cobalt", 1.0, Basis::Content).is_err());
}

proptest! {
    #[test]
    fn any_text_is_resolved_or_quoted_in_the_refusal(text in "\\PC{0,16}|[A-Z]{2,3}|[0-9]{1,6}") {
        for scheme in SCHEMES {
            match resolve_economy(scheme, &text) {
                Ok(found) => prop_assert!(economy(found.iso3).is_some()),
                Err(error) => {
                    prop_assert_eq!(&error.value, text.trim());
                    prop_assert!(error.to_string().contains(text.trim()));
                }
            }
        }
        prop_assert!(text.parse::<Consumer>().is_ok() || resolve_economy(Scheme::Iso3, &text).is_err());
        prop_assert!(material(&text).is_ok() == materials().iter().any(|entry| entry.id == text.trim()));
        if let HsMatch::InScope(entry) = concordance(HsRevision::Hs92, &text) {
            prop_assert_eq!(entry.code, text);
        }
    }

    #[test]
    fn conversions_of_lithium_are_reversible(mass in 0.0..1e9_f64) {
        let bases = [Basis::Content, Basis::LithiumOxide, Basis::LithiumCarbonate];
        for (from, to) in bases.iter().flat_map(|&from| bases.map(|to| (from, to))) {
            let back = to.convert("lithium", from.convert("lithium", mass, to).unwrap(), from).unwrap();
            prop_assert!((back - mass).abs() <= 1e-12 * mass, "{} {} {}", from, to, mass);
        }
    }
}

#[test]
fn a_long_text_is_refused_without_a_search() {
    let begun = std::time::Instant::now();
    let long = "rare-earth".repeat(100_000);
    for _ in 0..20 {
        assert_eq!(orewatch_catalog::closest(&long, ["rare-earths"]), None);
        let unknown = resolve_economy(Scheme::Any, &long).unwrap_err();
        assert_eq!(unknown.suggestion, None);
        assert!(material(&long).is_err());
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn look_up_economy_suggests_only_what_is_in_a_table() {
    use orewatch_catalog::look_up_economy;
    assert_eq!(look_up_economy(Scheme::Iso3, "DEU").map(|economy| economy.iso3), Ok("DEU"));
    let by = |text| {
        (look_up_economy(Scheme::Iso3, text).unwrap_err(), resolve_economy(Scheme::Iso3, text).unwrap_err())
    };
    let (looked_up, searched) = by("Germany");
    assert_eq!(looked_up, searched, "another name is in a table");
    let (looked_up, searched) = by("Germny");
    assert!(looked_up.suggestion.is_none() && searched.suggestion.is_some());
}

#[test]
fn people_may_write_names_where_they_mean_one_thing() {
    let consumer = |text: &str| resolve_consumer(text).map(|consumer| consumer.code()).unwrap();
    for (text, code) in [
        ("Germany", "DEU"),
        ("jpn", "JPN"),
        ("UK", "GBR"),
        ("united states", "USA"),
        ("g7", "G7"),
        ("Group of Seven", "G7"),
        ("world", "WLD"),
    ] {
        assert_eq!(consumer(text), code, "{text}");
    }
    assert_eq!(resolve_supplier("China").unwrap().iso3, "CHN");
    assert_eq!(resolve_supplier("cn").unwrap().iso3, "CHN");
    let material = |text: &str| resolve_material(text).map(|material| material.id).unwrap();
    for (text, id) in [("rare earths", "rare-earths"), ("Cobalt", "cobalt"), ("REE", "rare-earths")] {
        assert_eq!(material(text), id, "{text}");
    }
    assert_eq!(resolve_stage("Refining").unwrap(), Stage::Refined);
}

#[test]
fn names_that_mean_several_things_or_a_part_are_only_suggestions() {
    let consumer = |text: &str| resolve_consumer(text).unwrap_err().to_string();
    assert!(consumer("European Union").contains("EU27 (European Union of 27)"));
    assert!(consumer("Congo").contains("COD") && consumer("Congo").contains("COG"));
    assert_eq!(
        resolve_supplier("ZAR").unwrap_err().to_string(),
        "unknown economy `ZAR`: did you mean COD (Congo, Democratic Republic)?"
    );
    assert!(resolve_supplier("Germny").unwrap_err().to_string().contains("DEU"));
    assert!(resolve_supplier("156").is_err());
    let material = resolve_material("neodymium").unwrap_err();
    assert_eq!(material.suggestion.as_deref(), Some("rare-earths (Rare earths)"));
    assert!(resolve_stage("smelting").is_err());
}

proptest! {
    #[test]
    fn every_code_is_a_name_of_itself(lower: bool) {
        let written = |code: &str| if lower { code.to_lowercase() } else { code.to_owned() };
        for economy in economies() {
            prop_assert_eq!(resolve_supplier(&written(economy.iso3)).unwrap().iso3, economy.iso3);
            prop_assert_eq!(resolve_supplier(economy.name).unwrap().iso3, economy.iso3);
        }
        for bloc in blocs() {
            let code = written(bloc.code);
            prop_assert_eq!(resolve_consumer(&code).unwrap().code(), bloc.code);
        }
        for entry in materials() {
            prop_assert_eq!(resolve_material(&written(entry.id)).unwrap().id, entry.id);
            prop_assert_eq!(resolve_material(entry.name).unwrap().id, entry.id);
        }
    }
}
