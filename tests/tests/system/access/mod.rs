//! Access control: which callers may call which methods, and that tenants see only their own entries.
mod actors;
mod erase;
mod matrix;
mod nats;
mod server;
mod tenants;
mod tls;

use orewatch_tests::system::file;
use orewatch_tests::tools::{output, text};

use server::SecuredServer;

/// A rule whose alerts fire on [`trade`](crate::feeder::trade).
const RULES: &str = "\
rules:
  - id: lines
    title: A supplier has more than 65 %
    measure: import-share
    select: {supplier: CHN}
    when: {above: 0.65}
";

#[test]
fn a_command_without_the_role_names_the_role_and_who_can_grant_it() {
    let server = SecuredServer::start();
    let rules = file(&server.folder, "rules.yaml", RULES);
    let refused = output(&mut server.command("acme-reader", &["rules", "apply", &rules, "--tenant", "acme"]));
    let message = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{message}");
    for part in ["the role analyst", "acme-reader has reader", "file of tokens", "roles = [\"analyst\"]"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    // The analyst of a tenant has the role, but not for what belongs to everyone.
    let refused = output(&mut server.command("acme-analyst", &["rules", "apply", &rules, "--yes"]));
    let message = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{message}");
    assert!(message.contains("belongs to everyone") && message.contains("--tenant"), "{message}");
}
