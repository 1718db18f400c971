//! Tests of tokens, roles and tenants.
use orewatch_contracts::common::v1::Role;

use super::*;

/// Who makes a call with these headers.
fn identify(access: &Access, headers: &HeaderMap) -> Result<Arc<Identity>, Failure> {
    access.identify(headers, None, Timestamp::UNIX_EPOCH).map(|identified| match identified {
        Identified::Known(identity) => identity,
        Identified::UnknownKey(..) => panic!("no issuer is configured"),
    })
}

fn shown(token: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    headers
}

#[test]
fn a_token_says_who_calls_and_what_they_may() {
    let access = Access::parse(
        "[[token]]\nname = \"acme\"\ntoken = \"0123456789abcdef\"\nwrite = [\"acme\"]\nread = [\"shared\"]\n\
         [[token]]\nname = \"keeper\"\n\
         sha256 = \"9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f\"\n\
         write = [\"everyone\"]\ndatasets = [\"baci-hs92\"]\n",
    )
    .unwrap();
    let acme = identify(&access, &shown("0123456789abcdef")).unwrap();
    assert_eq!(
        ["", "acme", "shared", "other"].map(|tenant| acme.may_read(tenant)),
        [true, true, true, false]
    );
    assert_eq!(["", "acme", "shared"].map(|tenant| acme.may_write(tenant)), [false, true, false]);
    assert!(!acme.may_read_all());
    for headers in [HeaderMap::new(), shown(""), shown("0123456789abcdeg")] {
        let failure = identify(&access, &headers).unwrap_err();
        assert_eq!((failure.class, &*failure.code), (Class::Refused, "unauthenticated"));
    }
    assert!(!format!("{access:?}").contains("0123"), "no token is shown");
    let mut basic = HeaderMap::new();
    let pair = STANDARD.encode("anybody:0123456789abcdef");
    basic.insert("authorization", format!("Basic {pair}").parse().unwrap());
    assert_eq!(identify(&access, &basic).unwrap().name, "acme", "as readers of feeds show it");
    let anybody = identify(&Access::open(), &HeaderMap::new()).unwrap();
    assert!(anybody.may_read_all() && anybody.check_write("acme", "d").is_ok());
    for refused in [anybody.check_write("everyone", "d"), anybody.check_change("everyone")] {
        assert_eq!(refused.unwrap_err().code, "reserved-tenant", "a tenant cannot be everyone");
    }
}

#[test]
fn a_wrong_list_shows_no_token() {
    for text in [
        "[[token]]\nname = \"a\"\ntoken = \"short-secret\"\n",
        "[[token]]\nname = \"a\"\ntoken = \"0123456789-secret\"\nsha256 = \"00\"\n",
        "[[token]]\nname = \"a\"\ntoken = \"0123456789-secret\nwrite = []\n",
        "[[token]]\nname = \"a\"\ntoken = \"0123456789-secret\"\nrights = \"all\"\n",
        "[[token]]\ntoken = \"0123456789-secret\"\n",
        "[[token]]\nname = \"a\"\ntoken = \"0123456789-secret\"\nroles = []\n",
        "[[token]]\nname = \"a\"\ntoken = \"0123456789-secret\"\nroles = [\"admin\"]\n",
        "[[token]]\nname = \"a\"\ntoken = \"0123456789-secret\"\nroles = [\"reader\"]\nwrite = [\"a\"]\n",
        "[[token]]\nname = \"a\"\ntoken = \"0123456789-secret\"\ntenants = [\"a\"]\n",
        "[[token]]\nname = \"a\\nb\"\ntoken = \"0123456789-secret\"\n",
        "[[token]]\nname = \"a\"\ntoken = \"0123456789-secret\"\nread = [\"everyone\"]\n",
        "[[token]]\nname = \"a\"\ntoken = \"0123456789-secret\"\ncalls-per-second = 0\n",
    ] {
        let failure = Access::parse(text).unwrap_err();
        assert_eq!(failure.code, "invalid-token-file");
        assert!(!failure.to_string().contains("secret"), "{failure}");
    }
}

/// Who shows the token `TOKEN` of an entry.
fn identity(entry: &str) -> Arc<Identity> {
    let text = format!("[[token]]\nname = \"ann\"\ntoken = \"0123456789abcdef\"\n{entry}\n");
    identify(&Access::parse(&text).unwrap(), &shown("0123456789abcdef")).unwrap()
}

const PUT_RULE: &str = "/orewatch.alerting.v1.AlertingService/PutRule";
const UPLOAD: &str = "/orewatch.ingestion.v1.IngestionService/UploadFile";
const POLL: &str = "/orewatch.ingestion.v1.IngestionService/Poll";

#[test]
fn roles_say_what_and_tenants_say_whose() {
    let needs =
        [("", Role::Reader), (PUT_RULE, Role::Analyst), (UPLOAD, Role::Ingester), (POLL, Role::Operator)];
    for (entry, expected) in [
        ("write = [\"acme\"]", [true, false, true, true]),
        ("roles = [\"reader\"]\ntenants = [\"acme\"]", [true, false, false, false]),
        ("roles = [\"analyst\"]\ntenants = [\"acme\"]", [true, true, false, false]),
        ("roles = [\"ingester\"]\ntenants = [\"acme\"]", [true, false, true, false]),
        ("roles = [\"operator\"]\ntenants = [\"acme\"]", [true; 4]),
    ] {
        let who = identity(entry);
        let may = needs.map(|(path, role)| who.check_role(path, role).is_ok());
        assert_eq!(may, expected, "{entry}");
        assert!(who.may_read("acme") && who.may_read("") && !who.may_read("beta"), "{entry}");
        assert!(who.check_change("").is_err() && who.check_change("beta").is_err(), "{entry}");
        assert_eq!(who.check_change("acme").is_ok(), !entry.contains("reader"), "{entry}");
    }
    let failure = identity("roles = [\"reader\"]").check_role(PUT_RULE, Role::Analyst).unwrap_err();
    let said = failure.to_string();
    assert!(said.contains("PutRule takes the role analyst, and ann has reader"), "{said}");
    assert!(said.contains("roles = [\"analyst\"]"), "{said}");
}

#[test]
fn the_actor_is_who_shows_the_token() {
    assert_eq!(identity("roles = [\"analyst\"]").actor("somebody else".to_owned()), "ann");
    assert_eq!(identity("").actor("somebody else".to_owned()), "ann");
    assert_eq!(Identity::open().actor("desk".to_owned()), "desk");
}

#[test]
fn other_machines_are_answered_by_tokens_and_tls_or_by_name() {
    let tokens = Access::parse("").unwrap();
    for (address, is_local) in [
        ("127.0.0.1:0", true),
        ("127.8.8.8:7070", true),
        ("[::1]:7070", true),
        ("[::ffff:127.0.0.1]:7070", true),
        ("0.0.0.0:7070", false),
        ("[::]:7070", false),
        ("10.0.0.1:7070", false),
    ] {
        let address = address.parse().unwrap();
        let code = |access: Access| access.check_address(address).map_err(|failure| failure.code);
        let refused = |code: &str| if is_local { Ok(()) } else { Err(code.to_owned()) };
        assert_eq!(code(Access::open()), refused("open-to-all"), "{address}");
        assert_eq!(code(Access::open().in_plain_text()), refused("open-to-all"), "{address}");
        assert_eq!(code(Access::open_to_all()), refused("without-tls"), "{address}");
        assert_eq!(code(tokens.clone()), refused("without-tls"), "{address}");
        assert_eq!(code(tokens.clone().in_plain_text()), Ok(()), "{address}");
        assert_eq!(code(Access::open_to_all().in_plain_text()), Ok(()), "{address}");
    }
}
