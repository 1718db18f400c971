//! A tenant is erased while the services run, and nothing of it comes back: not after a restart, not from a
//! backup.
use std::fs;
use std::path::Path;
use std::process::Command;

use orewatch_tests::process::Server;
use orewatch_tests::system::{client, file, run};
use orewatch_tests::tools::{orewatch, output, text};
use serde_json::Value;
use tempfile::TempDir;

use super::server::SecuredServer;

const KEY: &str = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";

/// Mine production of antimony with these tonnes of two economies.
fn table(dataset: &str, tonnes: [u32; 2]) -> String {
    format!(
        "# table: production\n# dataset: {dataset}\n# vintage: 1\n# publisher: Test\n# licence: CC0-1.0\n\
         period,economy,material,stage,quantity,unit,basis\n\
         2024,CHN,antimony,mined,{},t,content\n2024,TJK,antimony,mined,{},t,content\n",
        tonnes[0], tonnes[1]
    )
}

fn json(output: &[u8]) -> Value {
    serde_json::from_slice(output).expect("JSON")
}

/// A command that must succeed, and what it said on standard error.
#[track_caller]
fn answer(mut command: Command) -> (Value, String) {
    command.args(["--format", "json"]);
    let output = run(command);
    (json(&output.stdout), text(&output.stderr))
}

/// A command that must fail, and what it said.
#[track_caller]
fn refused(mut command: Command) -> String {
    let output = output(&mut command);
    assert!(!output.status.success(), "{}", text(&output.stdout));
    text(&output.stderr)
}

/// The share of China in the world's antimony, as a tenant sees it.
fn exposure_of(tenant: &str) -> Vec<&str> {
    let subject = ["--consumer", "WLD", "--material", "antimony", "--stage", "mined", "--as-of", "2024"];
    let measure = ["--measure", "production-share", "--supplier", "CHN", "--tenant", tenant];
    [&["exposure"], subject.as_slice(), measure.as_slice()].concat()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => {
                fs::copy(entry.path(), target).expect("a file");
            }
        }
    }
}

/// A server with a release of each of two tenants and one of everyone.
struct Scene {
    server: SecuredServer,
    keys: String,
    /// Digest of the file of acme.
    original: String,
}

impl Scene {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let keys = file(&folder, "keys.txt", KEY);
        let server = SecuredServer::start_in(folder, &["--keys-file", &keys]);
        for (caller, tenant, tonnes) in
            [("root", "", [9, 1]), ("acme-operator", "acme", [1, 3]), ("beta-operator", "beta", [1, 1])]
        {
            let dataset = format!("output-of-{caller}");
            let own = file(&server.folder, &format!("{dataset}.csv"), &table(&dataset, tonnes));
            server.run(caller, &["ingest", &own, "--tenant", tenant]);
        }
        let mut scene = Self { server, keys, original: String::new() };
        let own = scene.release("acme-operator", "acme");
        scene.original = own["originals"][0].as_str().expect("a digest").to_owned();
        scene
    }

    /// The release of a tenant.
    fn release(&self, caller: &str, tenant: &str) -> Value {
        let (rows, _) = answer(self.server.command(caller, &["releases"]));
        let rows = rows.as_array().expect("a list").clone();
        rows.into_iter().find(|row| row["tenant"] == tenant).expect("the release of the tenant")
    }

    /// The figure of a tenant, and what is said beside it.
    fn share(&self, caller: &str, tenant: &str) -> (f64, String) {
        let (rows, said) = answer(self.server.command(caller, &exposure_of(tenant)));
        (rows[0]["value"].as_f64().expect("a number"), said)
    }

    fn restart(self) -> Self {
        let SecuredServer { process, folder, .. } = self.server;
        assert!(process.stop().success());
        let server = SecuredServer::start_in(folder, &["--keys-file", &self.keys]);
        Self { server, ..self }
    }

    /// Checks that nothing of acme is shown, and all of beta is.
    fn assert_erased(&self) {
        let release = self.release("acme-operator", "acme");
        assert_eq!((&release["state"], &release["originals_kept"]), (&"erased".into(), &"erased".into()));
        assert!(release["rows_recorded"].is_null() && release["erased_at"].is_string(), "{release}");
        let id = release["release"].as_str().expect("a text");
        let (share, said) = self.share("acme-operator", "acme");
        assert!((share - 0.9).abs() < 1e-9, "everyone's: {share}");
        assert!(said.contains("erased") && said.contains(id), "{said}");
        for command in [["download", self.original.as_str()], ["rejections", id]] {
            let said = refused(self.server.command("acme-operator", &command));
            assert!(said.contains("erased"), "{said}");
        }
        let (share, said) = self.share("beta-operator", "beta");
        assert!((share - 0.5).abs() < 1e-9 && !said.contains("erased"), "{share} {said}");
        let original = self.release("beta-operator", "beta")["originals"][0].clone();
        let original = original.as_str().expect("a digest");
        let content = run(self.server.command("beta-operator", &["download", original])).stdout;
        assert_eq!(text(&content), table("output-of-beta-operator", [1, 1]));
    }
}

#[test]
fn an_erased_tenant_stays_erased_after_a_restart_and_in_a_backup() {
    let scene = Scene::new();
    assert!((scene.share("acme-operator", "acme").0 - 0.25).abs() < 1e-9);
    let data = scene.server.folder.path().join("data");
    let place = scene.server.folder.path().join("backup");
    let [data_text, place_text] = [&data, &place].map(|path| path.to_str().expect("UTF-8").to_owned());
    let mut backup = Command::new(orewatch());
    backup.args(["log", "backup", "--to", &place_text, "--data", &data_text]);
    run(backup);
    let archive = scene.server.folder.path().join("archive-of-before");
    copy(&data.join("archive"), &archive);

    let erase = ["tenant", "erase", "acme", "--reason", "the contract ended"];
    let said = refused(scene.server.command("beta-operator", &erase));
    assert!(said.contains("acme"), "a tenant is erased by who may change it: {said}");
    let said = refused(scene.server.command("acme-ingester", &erase));
    assert!(said.contains("operator"), "{said}");
    let (erased, _) = answer(scene.server.command("acme-operator", &erase));
    assert_eq!((&erased["releases"], &erased["keys"], &erased["files"]), (&1.into(), &1.into(), &1.into()));
    scene.assert_erased();
    let scene = scene.restart();
    scene.assert_erased();

    // Logs and archive of before, with the table of keys of now: it is no part of a backup.
    let restored = scene.server.folder.path().join("restored");
    let restored_text = restored.to_str().expect("UTF-8").to_owned();
    let mut restore = Command::new(orewatch());
    restore.args(["log", "restore", "--from", &place_text, "--data", &restored_text]);
    run(restore);
    copy(&archive, &restored.join("archive"));
    copy(&data.join("archive/keys"), &restored.join("archive/keys"));
    let server = Server::start(&["up", "--data", &restored_text, "--keys-file", &scene.keys]);
    let address = format!("http://{}", server.address());
    let (rows, _) = answer(client(&address, &["releases", "--state", "erased"]));
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    let said = refused(client(&address, &["download", &scene.original]));
    assert!(said.contains("sealed"), "{said}");
    let (rows, said) = answer(client(&address, &exposure_of("acme")));
    let share = rows[0]["value"].as_f64().expect("a number");
    assert!((share - 0.9).abs() < 1e-9 && said.contains("erased"), "{share} {said}");
    let (rows, _) = answer(client(&address, &exposure_of("beta")));
    assert!((rows[0]["value"].as_f64().expect("a number") - 0.5).abs() < 1e-9, "{rows}");
}

#[test]
fn the_audit_says_who_opened_committed_and_erased() {
    let scene = Scene::new();
    run(scene.server.command("acme-operator", &["tenant", "erase", "acme", "--reason", "left"]));
    let data = scene.server.folder.path().join("data");
    let data = data.to_str().expect("UTF-8");
    let mut list = Command::new(orewatch());
    list.args(["actors", "list", "--data", data]);
    let (names, _) = answer(list);
    let names = names.as_array().expect("a list").clone();
    let of = |name: &str| {
        let entry = names.iter().find(|entry| entry["name"] == name).expect("the name is noted");
        entry["actor"].as_str().expect("a text").to_owned()
    };
    let deeds = |name: &str| -> Vec<String> {
        let mut audit = Command::new(orewatch());
        audit.args(["audit", "--data", data, "--actor", &of(name)]);
        let (rows, _) = answer(audit);
        let actions = rows.as_array().expect("a list").iter().map(|row| row["action"].as_str());
        actions.map(|action| action.expect("a text").to_owned()).collect()
    };
    assert_eq!(deeds("acme-operator"), ["open release", "commit release", "erase tenant"]);
    assert_eq!(deeds("root"), ["open release", "commit release"]);
}
