//! The contracts with their comments.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use prost_reflect::{DescriptorPool, FileDescriptor, Kind, MessageDescriptor};

/// Files whose messages are facts on a log, or parts of them.
const LOGS: [&str; 4] = [
    "orewatch/ingestion/v1/events.proto",
    "orewatch/exposure/v1/events.proto",
    "orewatch/alerting/v1/events.proto",
    "orewatch/alerting/v1/notification.proto",
];

/// All contracts, compiled from `proto/` with what they say of themselves.
pub(crate) fn pool() -> &'static DescriptorPool {
    static POOL: OnceLock<DescriptorPool> = OnceLock::new();
    POOL.get_or_init(|| {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../proto");
        let mut files = Vec::new();
        collect(&root, &mut files);
        files.sort();
        let compiled = protox::compile(&files, [&root]).expect("the contracts compile");
        DescriptorPool::from_file_descriptor_set(compiled).expect("the contracts are whole")
    })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the contracts are in the repository") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
}

/// The facts: messages of the logs' files that are no part of another one.
pub(crate) fn events() -> Vec<MessageDescriptor> {
    let messages: Vec<_> = LOGS
        .iter()
        .flat_map(|name| {
            let file = pool().get_file_by_name(name).unwrap_or_else(|| panic!("{name} is a contract"));
            file.messages().collect::<Vec<_>>()
        })
        .collect();
    let parts: BTreeSet<String> = messages.iter().flat_map(parts).collect();
    let mut events: Vec<_> =
        messages.into_iter().filter(|message| !parts.contains(message.full_name())).collect();
    events.sort_by(|a, b| a.full_name().cmp(b.full_name()));
    events
}

/// The messages that fields of a message are of.
fn parts(message: &MessageDescriptor) -> Vec<String> {
    let kinds = message.fields().map(|field| field.kind());
    let named = kinds.filter_map(|kind| match kind {
        Kind::Message(part) => Some(part.full_name().to_owned()),
        _ => None,
    });
    named.collect()
}

/// What the comment of an element says, as one text.
pub(crate) fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let info = file.file_descriptor_proto().source_code_info.clone().unwrap_or_default();
    let location = info.location.iter().find(|location| location.path == path);
    let text = location.map(|location| location.leading_comments().to_owned()).unwrap_or_default();
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
