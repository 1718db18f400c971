//! Colour codes, and whether to use them.
use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};

use orewatch_contracts::{Class, Failure};

/// ANSI codes. No other control sequences are ever written.
const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const RED: &str = "\u{1b}[31m";
const YELLOW: &str = "\u{1b}[33m";
const GREEN: &str = "\u{1b}[32m";
const CYAN: &str = "\u{1b}[36m";
const END: &str = "\u{1b}[0m";

/// Our code at the beginning of a text, if there is one.
pub(super) fn leading_code(text: &str) -> Option<&'static str> {
    [BOLD, DIM, RED, YELLOW, GREEN, CYAN, END].into_iter().find(|code| text.starts_with(code))
}

/// Whether to colour text. Colour never carries information that the text does not have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    colour: bool,
}

impl Style {
    /// Reads `--color`: `always`, `never`, or `auto`, which colours only on a capable terminal without
    /// `NO_COLOR`.
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
                return Err(Failure::new(Class::Invalid, "invalid-setting", "unknown value of color")
                    .at("color", other)
                    .with_hint("write auto, always or never"));
            }
        };
        Ok(Self { colour })
    }

    /// Whether text is not coloured.
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

    /// Secondary text.
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint(DIM, text)
    }

    /// Beyond a threshold, or an error.
    pub(crate) fn red(self, text: &str) -> String {
        self.paint(RED, text)
    }

    /// Pending, or a warning.
    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint(YELLOW, text)
    }

    /// Resolved, or passed.
    pub(crate) fn green(self, text: &str) -> String {
        self.paint(GREEN, text)
    }

    /// Bars and names.
    pub(crate) fn cyan(self, text: &str) -> String {
        self.paint(CYAN, text)
    }
}
