//! Every element of the contracts says what it means.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};

// Field numbers of descriptor.proto, of which the paths of source locations are made.
const FILE_MESSAGE: i32 = 4;
const FILE_ENUM: i32 = 5;
const FILE_SERVICE: i32 = 6;
const MESSAGE_FIELD: i32 = 2;
const MESSAGE_NESTED: i32 = 3;
const MESSAGE_ENUM: i32 = 4;
const MESSAGE_ONEOF: i32 = 8;
const ENUM_VALUE: i32 = 2;
const SERVICE_METHOD: i32 = 2;

/// An element's name and the path of its source location.
type Element = (String, Vec<i32>);

#[test]
fn every_element_of_the_contracts_has_a_comment() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let files = proto_files(&root.join("orewatch"));
    assert!(!files.is_empty(), "no contract was found below {}", root.display());
    let compiled = protox::compile(&files, [&root]).expect("the contracts compile");
    let silent: Vec<_> = compiled
        .file
        .iter()
        .filter(|file| file.package().starts_with("orewatch."))
        .flat_map(undocumented)
        .collect();
    assert!(
        silent.is_empty(),
        "say what these mean (unit, range, what absent means):\n- {}\n",
        silent.join("\n- ")
    );
}

#[test]
fn an_element_without_a_comment_is_found() {
    let source = "syntax = \"proto3\";\npackage orewatch.t;\n\
                  // Said.\nmessage A {\n// Said.\nstring b = 1;\nstring c = 2;\n\
                  oneof o {\n// Said.\nstring d = 3;\n}\n}\n\
                  // Said.\nenum E {\nE_U = 0;\n}\n";
    let folder = std::env::temp_dir().join(format!("orewatch-contracts-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a temporary folder");
    fs::write(folder.join("t.proto"), source).expect("a temporary file");
    let compiled = protox::compile([folder.join("t.proto")], [&folder]).expect("the example compiles");
    fs::remove_dir_all(&folder).expect("the temporary folder goes away");
    let silent: Vec<_> = compiled.file.iter().flat_map(undocumented).collect();
    assert_eq!(silent, ["orewatch.t.A.c", "orewatch.t.A.o", "orewatch.t.E.E_U"]);
}

fn proto_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the contracts are in the repository") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            files.extend(proto_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    files
}

fn undocumented(file: &FileDescriptorProto) -> Vec<String> {
    let documented: BTreeSet<&[i32]> = file
        .source_code_info
        .iter()
        .flat_map(|info| &info.location)
        .filter(|location| !location.leading_comments().trim().is_empty())
        .map(|location| location.path.as_slice())
        .collect();
    let silent = elements(file).into_iter().filter(|(_, path)| !documented.contains(path.as_slice()));
    silent.map(|(name, _)| name).collect()
}

fn elements(file: &FileDescriptorProto) -> Vec<Element> {
    let package = file.package();
    let mut all = Vec::new();
    for (at, message) in (0..).zip(&file.message_type) {
        add_message(package, message, &[FILE_MESSAGE, at], &mut all);
    }
    for (at, found) in (0..).zip(&file.enum_type) {
        add_enum(package, found, &[FILE_ENUM, at], &mut all);
    }
    for (at, service) in (0..).zip(&file.service) {
        let name = format!("{package}.{}", service.name());
        for (index, method) in (0..).zip(&service.method) {
            all.push((format!("{name}/{}", method.name()), vec![FILE_SERVICE, at, SERVICE_METHOD, index]));
        }
        all.push((name, vec![FILE_SERVICE, at]));
    }
    all
}

fn add_message(parent: &str, message: &DescriptorProto, path: &[i32], all: &mut Vec<Element>) {
    if message.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry) {
        return;
    }
    let name = format!("{parent}.{}", message.name());
    for (at, field) in (0..).zip(&message.field) {
        all.push((format!("{name}.{}", field.name()), below(path, MESSAGE_FIELD, at)));
    }
    for (at, oneof) in (0..).zip(&message.oneof_decl) {
        // The compiler makes a oneof of its own, `_FIELD`, for every optional field.
        if !oneof.name().starts_with('_') {
            all.push((format!("{name}.{}", oneof.name()), below(path, MESSAGE_ONEOF, at)));
        }
    }
    for (at, nested) in (0..).zip(&message.nested_type) {
        add_message(&name, nested, &below(path, MESSAGE_NESTED, at), all);
    }
    for (at, found) in (0..).zip(&message.enum_type) {
        add_enum(&name, found, &below(path, MESSAGE_ENUM, at), all);
    }
    all.push((name, path.to_vec()));
}

fn add_enum(parent: &str, found: &EnumDescriptorProto, path: &[i32], all: &mut Vec<Element>) {
    let name = format!("{parent}.{}", found.name());
    for (at, value) in (0..).zip(&found.value) {
        all.push((format!("{name}.{}", value.name()), below(path, ENUM_VALUE, at)));
    }
    all.push((name, path.to_vec()));
}

fn below(path: &[i32], number: i32, index: i32) -> Vec<i32> {
    [path, &[number, index]].concat()
}
