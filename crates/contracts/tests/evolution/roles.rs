//! Every method says who may call it; one that does not is refused by the build.
use std::fs;

use prost_reflect::DescriptorPool;

#[path = "../../build/roles.rs"]
mod read;

/// Contracts with one method, which says this.
fn with_method(option: &str) -> DescriptorPool {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let access = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto/orewatch/common/v1/access.proto");
    let common = folder.path().join("orewatch/common/v1");
    fs::create_dir_all(&common).expect("a temporary folder");
    fs::copy(access, common.join("access.proto")).expect("the option is in the repository");
    let source = format!(
        "syntax = \"proto3\";\npackage orewatch.t.v1;\nimport \"orewatch/common/v1/access.proto\";\n\
         message A {{}}\n\
         service S {{\n  rpc Do(A) returns (A) {{ {option} }}\n}}\n"
    );
    fs::write(folder.path().join("t.proto"), source).expect("a temporary file");
    let mut compiler = protox::Compiler::new([folder.path()]).expect("the folder is there");
    compiler.include_imports(true).open_files(["t.proto"]).expect("the example compiles");
    compiler.descriptor_pool()
}

#[test]
fn a_method_that_does_not_say_who_may_call_it_does_not_build() {
    let said = with_method("option (orewatch.common.v1.role) = ROLE_ANALYST;");
    assert_eq!(read::method_roles(&said), Ok(vec![("/orewatch.t.v1.S/Do".to_owned(), 2)]));
    for option in ["", "option (orewatch.common.v1.role) = ROLE_UNSPECIFIED;"] {
        let error = read::method_roles(&with_method(option)).expect_err("the method says no role");
        assert!(error.contains("/orewatch.t.v1.S/Do"), "{error}");
    }
}

#[test]
fn every_method_has_its_role() {
    let pool = DescriptorPool::decode(orewatch_contracts::DESCRIPTORS).expect("the descriptors decode");
    let methods: usize = pool
        .services()
        .filter(|service| service.full_name().starts_with("orewatch."))
        .map(|service| service.methods().count())
        .sum();
    assert_eq!(orewatch_contracts::roles().count(), methods);
    for (path, role) in orewatch_contracts::roles() {
        assert_eq!(orewatch_contracts::role_of(path), Some(role), "{path}");
    }
    assert_eq!(orewatch_contracts::role_of("/orewatch.alerting.v1.AlertingService/Drop"), None);
}
