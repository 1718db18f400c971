//! Labels of pods, and selectors of them.
use std::collections::BTreeMap;

use serde_json::Value;

use super::kit::word;

/// Labels by key.
pub(super) type Labels = BTreeMap<String, String>;

/// The labels of an object's metadata.
pub(super) fn labels(object: &Value) -> Labels {
    let all = object["metadata"]["labels"].as_object().into_iter().flatten();
    all.map(|(key, value)| (key.clone(), word(value).to_owned())).collect()
}

/// Whether a label selector selects what has these labels. An empty one selects everything.
pub(super) fn selects(selector: &Value, labels: &Labels) -> bool {
    let parts = selector.as_object().expect("a selector is an object");
    assert!(parts.keys().all(|key| key == "matchLabels"), "only matchLabels is understood: {selector}");
    let mut wanted = selector["matchLabels"].as_object().into_iter().flatten();
    wanted.all(|(key, value)| labels.get(key).is_some_and(|label| label == word(value)))
}
