//! How files come to look otherwise than their publishers made them.

/// With a byte order mark, as Excel writes.
pub(super) fn bom(text: &str) -> String {
    format!("\u{feff}{text}")
}

/// With the line ends of Windows.
pub(super) fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

/// With another separator in place of commas.
pub(super) fn separated(text: &str, separator: &str) -> String {
    text.replace(',', separator)
}

/// In UTF-16, as Excel's "Unicode text".
pub(super) fn utf16(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

/// With quotes around every field.
pub(super) fn quoted(text: &str) -> String {
    let line = |line: &str| line.split(',').map(|field| format!("\"{field}\"")).collect::<Vec<_>>().join(",");
    text.lines().map(|text| if text.starts_with('#') { text.to_owned() } else { line(text) } + "\n").collect()
}

/// With blank lines between and behind the rows.
pub(super) fn blank_lines(text: &str) -> String {
    text.replace('\n', "\n\n") + "\n\n"
}

/// With a comma at the end of every line.
pub(super) fn trailing_commas(text: &str) -> String {
    text.lines()
        .map(|line| if line.starts_with('#') { format!("{line}\n") } else { format!("{line},\n") })
        .collect()
}

/// With commas at the end of rows, and not of the header.
pub(super) fn trailing_commas_of_rows(text: &str) -> String {
    let (header, rows) = text.split_once('\n').unwrap();
    format!("{header}\n{}", rows.lines().map(|line| format!("{line},\n")).collect::<String>())
}

/// With the names of columns in capitals.
pub(super) fn capitals(text: &str) -> String {
    header(text, str::to_uppercase)
}

/// With the names of columns in small letters.
pub(super) fn small(text: &str) -> String {
    header(text, str::to_lowercase)
}

fn header(text: &str, change: impl Fn(&str) -> String) -> String {
    let mut done = false;
    let mut line = |line: &str| {
        let is_header = !done && !line.starts_with('#');
        done |= is_header;
        (if is_header { change(line) } else { line.to_owned() }) + "\n"
    };
    text.lines().map(&mut line).collect()
}

/// With the row numbers of a program in a column before the others.
pub(super) fn numbered(text: &str) -> String {
    let mut number = 0;
    let mut line = |line: &str| {
        let found = match number {
            _ if line.starts_with('#') => return format!("{line}\n"),
            0 => format!(",{line}\n"),
            _ => format!("{},{line}\n", number - 1),
        };
        number += 1;
        found
    };
    text.lines().map(&mut line).collect()
}
