//! The version of the program, with the commit that it was built from.
use std::sync::LazyLock;

/// `0.1.0`, or `0.1.0 (0123456789ab)` if the build names its commit in the variable `OREWATCH_COMMIT`, as
/// `scripts/release` does. A build that a person makes says nothing: the working tree may have changed.
pub(crate) fn version() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| with_commit(option_env!("OREWATCH_COMMIT")));
    &TEXT
}

fn with_commit(commit: Option<&str>) -> String {
    let version = env!("CARGO_PKG_VERSION");
    match commit.filter(|commit| !commit.is_empty()) {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_names_its_commit() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(with_commit(Some("0123456789ab")), format!("{version} (0123456789ab)"));
        assert_eq!(with_commit(Some("")), version);
        assert_eq!(with_commit(None), version);
    }
}
