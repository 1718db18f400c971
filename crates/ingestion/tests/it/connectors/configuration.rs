//! What a `poll` section may say, and the errors for what it may not.
use std::collections::BTreeMap;

use orewatch_contracts::{Class, Failure};
use orewatch_ingestion::connectors::{Connector, Polling, parse_connectors};

use super::bench::{KEY, try_sections};

fn read(text: &str) -> Result<Vec<Connector>, Failure> {
    let environment = BTreeMap::from([("COMTRADE_KEY".to_owned(), KEY.to_owned())]);
    let polling =
        Polling { connectors: parse_connectors(try_sections(text)?, &environment)?, ..Polling::default() };
    polling.check_keys()?;
    Ok(polling.connectors)
}

#[test]
fn a_name_and_a_kind_are_enough() {
    let found =
        read("[[poll]]\nname = 'b'\nkind = 'world-bank'\n[[poll]]\nname = 'a'\nkind = 'comtrade'\n").unwrap();
    let brief: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.kind, one.quota, one.every)).collect();
    assert_eq!(brief, [("a", "comtrade", Some(500), None), ("b", "world-bank", None, None)]);
    assert_eq!(found[0].base, "https://comtradeapi.un.org");
}

#[test]
fn a_key_from_the_environment_is_not_shown() {
    let found = read("[[poll]]\nname = 'a'\nkind = 'comtrade'\nkey_env = 'COMTRADE_KEY'\n").unwrap();
    let shown = format!("{found:?}");
    assert!(shown.contains("COMTRADE_KEY") && !shown.contains(KEY), "{shown}");
}

#[test]
fn a_wrong_setting_is_named_with_what_to_write() {
    for (lines, words) in [
        ("name = 'A b'\nkind = 'gta'", "lower-case letters"),
        ("name = 'a'\nkind = 'eurostat'", "comtrade, world-bank or gta"),
        ("name = 'a'\nkind = 'gta'", "key-file"),
        ("name = 'a'\nkind = 'comtrade'\nperods = ['2022']", "perods"),
        ("name = 'a'\nkind = 'comtrade'\nperiods = '2022'", "periods"),
        ("name = 'a'\nkind = 'comtrade'\nperiods = ['22']", "years such as 2024"),
        ("name = 'a'\nkind = 'comtrade'\nfrequency = 'monthly'\nperiods = ['2022']", "months such as 202403"),
        ("name = 'a'\nkind = 'comtrade'\nperiods = ['2022']\nlast = 3", "one of periods and last"),
        ("name = 'a'\nkind = 'comtrade'\nperiods = []", "at least one"),
        ("name = 'a'\nkind = 'comtrade'\nreporters = ['Germany']", "842 or USA"),
        ("name = 'a'\nkind = 'comtrade'\nproducts = ['2604']", "six digits"),
        ("name = 'a'\nkind = 'comtrade'\nflows = ['imports']", "M, X"),
        ("name = 'a'\nkind = 'comtrade'\ncap = 1", "2 to 250000"),
        ("name = 'a'\nkind = 'comtrade'\nquota = 0", "at least one call"),
        ("name = 'a'\nkind = 'comtrade'\nevery = 'daily'", "24h"),
        ("name = 'a'\nkind = 'comtrade'\nevery = '1s'", "at least 1m"),
        ("name = 'a'\nkind = 'comtrade'\nindicators = ['PV.EST']", "world-bank"),
        ("name = 'a'\nkind = 'comtrade'\nkey-env = 'NO_SUCH_KEY'", "NO_SUCH_KEY is not set"),
        (
            "name = 'a'\nkind = 'comtrade'\nkey-env = 'COMTRADE_KEY'\nkey-file = '/k'",
            "one of key-env and key-file",
        ),
        ("name = 'a'\nkind = 'comtrade'\nkey-env = 'COMTRADE_KEY'\nbase-url = 'http://example.org'", "https"),
        ("name = 'a'\nkind = 'comtrade'\nbase-url = 'ftp://example.org'", "https://HOST"),
        (
            "name = 'a'\nkind = 'comtrade'\nbase-url = 'https://me:secret@example.org'",
            "without name, password",
        ),
        ("name = 'a'\nkind = 'world-bank'\nindicators = ['PV&EST']", "GOV_WGI_PV.EST"),
        ("name = 'a'\nkind = 'gta'\nkey-file = '/k'\nannounced = ['2020', '2021']", "2020-01-01"),
        ("name = 'a'\nkind = 'gta'\nkey-file = '/k'\ncap = 2000", "1 to 1000"),
    ] {
        let failure = read(&format!("[[poll]]\n{lines}\n")).unwrap_err();
        assert_eq!(failure.class, Class::Invalid);
        assert!(failure.to_string().contains(words), "{lines}\n{failure}");
    }
    let twice = read("[[poll]]\nname = 'a'\nkind = 'comtrade'\n[[poll]]\nname = 'a'\nkind = 'comtrade'\n")
        .unwrap_err();
    assert!(twice.to_string().contains("no other poll has"), "{twice}");
}
