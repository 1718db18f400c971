//! Tests of periods, and of the members of blocs, which depend on the period.

#![allow(clippy::unwrap_used, reason = "a failed assumption fails the test")]

use jiff::civil::date;
use orewatch_catalog::{Consumer, Period, bloc, blocs, economy};
use proptest::prelude::*;

fn period(text: &str) -> Period {
    text.parse().unwrap()
}

fn members(code: &str, when: &str) -> Vec<&'static str> {
    bloc(code).unwrap().members(period(when)).iter().map(|economy| economy.iso3).collect()
}

#[test]
fn a_period_is_a_year_or_a_month() {
    assert_eq!(period("2024").end(), date(2024, 12, 31));
    assert_eq!(period("2024-02").end(), date(2024, 2, 29));
    assert_eq!(period("2024-02").start(), date(2024, 2, 1));
    assert!(period("2024-02").is_month() && !period("2024").is_month());
    for text in [
        "",
        "20222",
        "024",
        "2024-13",
        "2024-00",
        "2024-1",
        "2024-03-01",
        "1899",
        "2101",
        " 2024",
        "+024",
        "-2024",
    ] {
        let error = text.parse::<Period>().unwrap_err();
        assert!(error.to_string().starts_with(&format!("`{text}` is not a period")), "{error}");
    }
}

/// Texts of periods.
const PERIOD: &str = "(19|20)[0-9]{2}(-(0[1-9]|1[0-2]))?";

proptest! {
    #[test]
    fn a_period_equals_its_text_parsed_again(year in 1900..=2100_i16, month in 1..=12_i8) {
        let year = Period::year(year).unwrap();
        prop_assert_eq!(year.to_string().parse::<Period>().unwrap(), year);
        let month = Period::month(year.calendar_year(), month).unwrap();
        prop_assert_eq!(month.to_string().parse::<Period>().unwrap(), month);
        prop_assert!(year < month && month.end() <= year.end() && month.start() >= year.start());
    }

    #[test]
    fn periods_are_ordered_like_their_text(a in PERIOD, b in PERIOD) {
        prop_assert_eq!(period(&a).cmp(&period(&b)), a.cmp(&b));
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in ".{0,12}") {
        if let Ok(read) = text.parse::<Period>() {
            prop_assert_eq!(read.to_string(), text);
        }
    }
}

#[test]
fn every_member_of_a_bloc_exists() {
    assert!(blocs().is_sorted_by(|a, b| a.code < b.code));
    for entry in blocs() {
        assert!(!entry.source.is_empty() && !entry.definition.is_empty());
        assert!(entry.memberships.is_sorted_by(|a, b| a.iso3 < b.iso3), "{}", entry.code);
        for member in entry.memberships {
            assert!(economy(member.iso3).is_some(), "{} {}", entry.code, member.iso3);
        }
    }
}

#[test]
fn members_of_a_bloc_are_those_on_the_last_day_of_the_period() {
    assert_eq!(members("G7", "2024"), ["CAN", "DEU", "FRA", "GBR", "ITA", "JPN", "USA"]);
    assert_eq!(members("QUAD", "2024"), ["AUS", "IND", "JPN", "USA"]);
    assert!(members("MSP", "2021").is_empty());
    assert_eq!(members("MSP", "2024").len(), 14);
    assert_eq!(members("EU27", "2024").len(), 27);
    assert_eq!(members("EU27", "2018"), members("EU27", "2024"));
    assert_eq!(members("EU", "2024"), members("EU27", "2024"));
    assert_eq!(members("G7-plus", "2024").len(), 27 + 4 + 4);

    let britain = economy("GBR").unwrap();
    let holds = |when: &str| bloc("EU").unwrap().contains(britain, period(when));
    assert_eq!(["2019", "2020-01", "2020-02", "2020"].map(holds), [true, true, false, false]);
    assert_eq!([members("EU", "2012").len(), members("EU", "2013").len()], [27, 28]);
}

#[test]
fn the_world_contains_every_economy() {
    let world: Consumer = "WLD".parse().unwrap();
    let japan: Consumer = "JPN".parse().unwrap();
    let (chn, jpn) = (economy("CHN").unwrap(), economy("JPN").unwrap());
    assert!(world.contains(chn, period("2024")) && japan.contains(jpn, period("2024")));
    assert!(!japan.contains(chn, period("2024")));
}
