//! The contracts with their comments.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use prost_reflect::{DescriptorPool, FileDescriptor, Kind, MessageDescriptor};

/// Files whose messages are events of a log, or parts of them.
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
        // A set of file descriptors would lose the options that are ours; the compiler's pool keeps them.
        let mut compiler = protox::Compiler::new([&root]).expect("the folder is there");
        compiler.include_imports(true).include_source_info(true);
        compiler.open_files(&files).expect("the contracts compile");
        compiler.descriptor_pool()
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

/// The events: messages that have the option which says so, by name.
pub(crate) fn events() -> Vec<MessageDescriptor> {
    let option = pool().get_extension_by_name("orewatch.common.v1.event").expect("the option is a contract");
    let is_event =
        |message: &MessageDescriptor| message.options().get_extension(&option).as_bool() == Some(true);
    let mut events: Vec<_> = pool().all_messages().filter(is_event).collect();
    events.sort_by(|a, b| a.full_name().cmp(b.full_name()));
    events
}

/// Messages of the logs' files that are no part of another one there, by name: each should be an event.
pub(crate) fn whole_messages() -> Vec<MessageDescriptor> {
    let messages: Vec<_> = LOGS
        .iter()
        .flat_map(|name| {
            let file = pool().get_file_by_name(name).unwrap_or_else(|| panic!("{name} is a contract"));
            file.messages().collect::<Vec<_>>()
        })
        .collect();
    let parts: BTreeSet<String> = messages.iter().flat_map(parts).collect();
    let mut whole: Vec<_> =
        messages.into_iter().filter(|message| !parts.contains(message.full_name())).collect();
    whole.sort_by(|a, b| a.full_name().cmp(b.full_name()));
    whole
}

/// Full names of the messages that a message has fields of.
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
