//! Colour, where it is wanted.
use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};

use orewatch_runtime::{Class, Failure};

/// Whether to colour. Colour only ever repeats what the text says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    colour: bool,
}

impl Style {
    /// `always`, `never`, or `auto`: only on a terminal that can, and without `NO_COLOR`.
    pub(crate) fn choose(
        wish: Option<&str>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, Failure> {
        let set = |name: &str| environment.get(name).is_some_and(|value| !value.is_empty());
        let able = environment.get("TERM").is_none_or(|term| term != "dumb");
        let colour = match wish {
            None | Some("auto") => io::stdout().is_terminal() && able && !set("NO_COLOR"),
            Some("always") => true,
            Some("never") => false,
            Some(other) => {
                return Err(Failure::new(Class::Invalid, "config-value", "color is wrong")
                    .at("color", other)
                    .with_hint("write auto, always or never"));
            }
        };
        Ok(Self { colour })
    }

    /// Whether there is none.
    pub(crate) fn is_plain(self) -> bool {
        !self.colour
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// Titles.
    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What matters less.
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// Beyond a line.
    pub(crate) fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// Near a line.
    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// Cleared.
    pub(crate) fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Bars and names.
    pub(crate) fn cyan(self, text: &str) -> String {
        self.paint("36", text)
    }
}
