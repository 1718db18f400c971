//! The commands that the page prints beside its figures.
use crate::render::{Style, wrap};

/// Margin of a command, and of its further lines.
const MARGIN: &str = "  ";
const FURTHER_MARGIN: &str = "      ";

/// Room for the mark at the end of a line that goes on.
const MARK_WIDTH: usize = 2;

/// Renders a command on lines that a shell takes together.
pub(crate) fn lines(style: Style, width: usize, command: &str) -> String {
    let wrapped = wrap(command, width.saturating_sub(MARK_WIDTH), FURTHER_MARGIN);
    let joined = wrapped.trim().replace('\n', " \\\n");
    let dimmed: Vec<String> = format!("{MARGIN}{joined}").lines().map(|line| style.dim(line)).collect();
    format!("{}\n", dimmed.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_command_goes_on_where_the_shell_reads_on() {
        let style = Style::default();
        assert_eq!(lines(style, 40, "orewatch alerts"), "  orewatch alerts\n");
        assert_eq!(
            lines(style, 40, "orewatch exposure --consumer DEU --as-of 2024"),
            "  orewatch exposure --consumer DEU \\\n      --as-of 2024\n"
        );
    }
}
