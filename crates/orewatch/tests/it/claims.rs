//! A claim is an event: a release that changes its verdict fires an alert.
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::run::{Up, json};

const CLAIMS: &str = "\
# table: claims
# dataset: our-claims
# vintage: 2026-03
id,text,said_by,date,consumer,materials,stage,measure,supplier,low,high,tolerance,source,confirmation
minister-graphite,Four fifths of the world's graphite comes from China,a minister,2026-03-01,WLD,graphite,\
mined,production-share,CHN,0.8,0.8,0.01,a speech,reported
";

const RULE: &str = "\
id: claims
title: A claim about mined graphite does not hold
measure: production-share
select: {consumer: WLD, material: graphite, stage: mined, supplier: CHN}
when: {claim: [contradicted, agrees-only-with]}
";

/// World output of graphite in 2025, of which China has `china` of a thousand tonnes.
fn output(vintage: &str, china: u32) -> String {
    format!(
        "# table: production\n# dataset: our-survey\n# vintage: {vintage}\n\
         period,economy,material,stage,quantity,unit,basis\n\
         2025,CHN,graphite,mined,{china},kt,gross\n2025,MDG,graphite,mined,{},kt,gross\n",
        1000 - china
    )
}

struct Desk<'a> {
    dir: &'a Path,
    up: Up,
}

impl Desk<'_> {
    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        json(&[args, &["--server", &self.up.address, "--timeout", "120s"]].concat())
    }

    #[track_caller]
    fn send(&self, command: &[&str], name: &str, text: &str) -> Value {
        let file = self.dir.join(name);
        fs::write(&file, text).unwrap();
        self.json(&[command, &[file.to_str().unwrap()]].concat())
    }
}

#[test]
fn a_release_that_changes_a_verdict_fires_an_alert_that_names_both() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path().join("data").to_str().unwrap());
    let desk = Desk { dir: dir.path(), up };
    desk.send(&["ingest"], "claims.csv", CLAIMS);
    desk.send(&["ingest"], "first.csv", &output("2026-04", 800));
    desk.send(&["rules", "apply"], "rule.yaml", RULE);
    assert_eq!(desk.json(&["claims", "minister-graphite"])[0]["verdict"], "agrees");
    assert_eq!(desk.json(&["alerts"]), Value::Array(Vec::new()));

    desk.send(&["ingest"], "second.csv", &output("2026-05", 500));
    let alerts = desk.json(&["alerts"]);
    let [alert] = alerts.as_array().unwrap().as_slice() else { panic!("{alerts:#}") };
    assert_eq!(alert["alert"], "claims/WLD/graphite/mined/CHN", "{alert:#}");
    assert_eq!(alert["state"], "firing", "{alert:#}");
    let finding = "claim \"Four fifths of the world's graphite comes from China\" by a minister: agrees \
                   only with another reading, figures 50.0 %";
    assert_eq!(alert["finding"], finding, "{alert:#}");
    assert!(alert["cause_release"].as_str().unwrap().starts_with("our-survey/2026-05-"), "{alert:#}");
}
