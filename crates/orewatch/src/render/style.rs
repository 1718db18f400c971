//! Colour, where it is wanted.
use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};

use orewatch_runtime::{Class, Failure};

/// What colours begin and end with. Nothing else that acts on a terminal is ever written.
const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const RED: &str = "\u{1b}[31m";
const YELLOW: &str = "\u{1b}[33m";
const GREEN: &str = "\u{1b}[32m";
const CYAN: &str = "\u{1b}[36m";
const END: &str = "\u{1b}[0m";

/// The one of our codes that a text begins with.
pub(super) fn leading_code(text: &str) -> Option<&'static str> {
    [BOLD, DIM, RED, YELLOW, GREEN, CYAN, END].into_iter().find(|code| text.starts_with(code))
}

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
        if self.colour && !text.is_empty() { format!("{code}{text}{END}") } else { text.to_owned() }
    }

    /// Titles.
    pub(crate) fn bold(self, text: &str) -> String {
        self.paint(BOLD, text)
    }

    /// What matters less.
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint(DIM, text)
    }

    /// Beyond a line.
    pub(crate) fn red(self, text: &str) -> String {
        self.paint(RED, text)
    }

    /// Near a line.
    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint(YELLOW, text)
    }

    /// Cleared.
    pub(crate) fn green(self, text: &str) -> String {
        self.paint(GREEN, text)
    }

    /// Bars and names.
    pub(crate) fn cyan(self, text: &str) -> String {
        self.paint(CYAN, text)
    }
}
