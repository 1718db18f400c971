//! Writes the enums of the logs' events: one for each package with messages that have the option `event`.
use std::error::Error;
use std::fmt::Write as _;

use protox::prost_reflect::{DescriptorPool, ExtensionDescriptor, MessageDescriptor};

/// The option that marks a message as an event.
const OPTION: &str = "orewatch.common.v1.event";

/// A package with events: its name, the log that holds them, and the name of their enum.
struct Events(&'static str, &'static str, &'static str);

/// Every package with events.
const PACKAGES: [Events; 3] = [
    Events("orewatch.ingestion.v1", "observations", "ObservationEvent"),
    Events("orewatch.exposure.v1", "exposures", "ExposureEvent"),
    Events("orewatch.alerting.v1", "alerts", "AlertEvent"),
];

/// For each package with events its name and a call of the macro `event_enum!`, which declares the enum.
///
/// # Errors
/// A message that has the option and is in a package without an enum, or is declared inside another message.
pub(crate) fn enums(pool: &DescriptorPool) -> Result<Vec<(&'static str, String)>, Box<dyn Error>> {
    let events = marked(pool)?;
    let is_known = |event: &MessageDescriptor| PACKAGES.iter().any(|known| known.0 == event.package_name());
    if let Some(event) = events.iter().find(|event| !is_known(event)) {
        let name = event.full_name();
        return Err(format!("{name} is an event: name the enum of its package in build/events.rs").into());
    }
    let mut enums = Vec::new();
    for known in PACKAGES {
        let own: Vec<_> = events.iter().filter(|event| event.package_name() == known.0).collect();
        enums.push((known.0, event_enum(&known, &own)?));
    }
    Ok(enums)
}

/// The messages that have the option, in the order of their files.
fn marked(pool: &DescriptorPool) -> Result<Vec<MessageDescriptor>, Box<dyn Error>> {
    let option = pool.get_extension_by_name(OPTION).ok_or_else(|| format!("there is no option {OPTION}"))?;
    let mut events: Vec<_> = pool.all_messages().filter(|message| is_marked(message, &option)).collect();
    if let Some(inner) = events.iter().find(|event| event.parent_message().is_some()) {
        return Err(format!("{} is an event: declare it outside of other messages", inner.full_name()).into());
    }
    let place = |event: &MessageDescriptor| (event.parent_file().name().to_owned(), event.path().to_vec());
    events.sort_by_key(place);
    Ok(events)
}

fn is_marked(message: &MessageDescriptor, option: &ExtensionDescriptor) -> bool {
    let options = message.options();
    options.has_extension(option) && options.get_extension(option).as_bool() == Some(true)
}

fn event_enum(known: &Events, events: &[&MessageDescriptor]) -> Result<String, std::fmt::Error> {
    let Events(_, log, name) = known;
    let mut text = format!("crate::log::event_enum! {{\n    {log:?}, {name}, {name}Kind:\n");
    for event in events {
        writeln!(text, "    #[doc = {:?}]", comment(event))?;
        writeln!(text, "    {} = {:?},", event.name(), event.full_name())?;
    }
    text.push_str("}\n");
    Ok(text)
}

/// The first sentence of what the contracts say of a message. Brackets are no links.
fn comment(message: &MessageDescriptor) -> String {
    let file = message.parent_file();
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let mut locations = info.into_iter().flat_map(|info| &info.location);
    let location = locations.find(|location| location.path == message.path());
    let text = location.map(|location| location.leading_comments()).unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let first = text.split_once(". ").map_or(text.as_str(), |(first, _)| first).trim_end_matches('.');
    format!("{}.", first.replace('[', "\\[").replace(']', "\\]"))
}
