//! Archives in the ustar format of POSIX.1-1988, which every tar reads: a header of 512 bytes for each file,
//! its content, and zeros up to the next 512 bytes; two empty blocks at the end.
use std::iter::repeat_n;

/// Size of a block.
const BLOCK: usize = 512;

/// Bytes of the name in a header.
const NAME: usize = 100;

/// An archive of files, each with its name and content. Names have at most 100 bytes, and longer ones are
/// cut. `seconds` is the time of all files, in seconds since 1970.
pub(super) fn archive(files: &[(String, Vec<u8>)], seconds: u64) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, content) in files {
        archive.extend(header(name, content.len(), seconds));
        archive.extend(content);
        archive.extend(repeat_n(0, content.len().next_multiple_of(BLOCK) - content.len()));
    }
    archive.extend(repeat_n(0, 2 * BLOCK));
    archive
}

fn header(name: &str, size: usize, seconds: u64) -> Vec<u8> {
    let mut before = Vec::with_capacity(BLOCK);
    field(&mut before, name.as_bytes(), NAME);
    // Mode, owner, group.
    for text in ["0000644", "0000000", "0000000"] {
        field(&mut before, text.as_bytes(), 8);
    }
    field(&mut before, format!("{size:011o}").as_bytes(), 12);
    field(&mut before, format!("{seconds:011o}").as_bytes(), 12);
    let mut after = Vec::new();
    // A plain file, without a link.
    field(&mut after, b"0", 1);
    field(&mut after, b"", NAME);
    field(&mut after, b"ustar", 6);
    field(&mut after, b"00", 2);
    // Names of owner and group, device, and the first part of a longer name: none.
    field(&mut after, b"", 32 + 32 + 8 + 8 + 155 + 12);
    // The checksum counts itself as eight spaces.
    let sum: u32 =
        before.iter().chain(&after).map(|byte| u32::from(*byte)).sum::<u32>() + 8 * u32::from(b' ');
    before.extend(format!("{sum:06o}\0 ").into_bytes());
    before.extend(after);
    before
}

/// Adds a text of a fixed length, cut or filled with zeros.
fn field(header: &mut Vec<u8>, text: &[u8], length: usize) {
    header.extend(text.iter().copied().chain(repeat_n(0, length)).take(length));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_headers_contents_and_an_end() {
        let files = [("a/first.json".to_owned(), b"{}".to_vec()), ("a/empty".to_owned(), Vec::new())];
        let archive = archive(&files, 1_796_000_000);
        assert_eq!(archive.len(), 5 * BLOCK, "two headers, one content, two blocks at the end");
        assert!(archive.starts_with(b"a/first.json\0"));
        assert_eq!(&archive[BLOCK..BLOCK + 3], b"{}\0");
        assert_eq!(&archive[257..263], b"ustar\0");
        assert_eq!(&archive[124..135], b"00000000002");
        assert_eq!(
            u64::from_str_radix(std::str::from_utf8(&archive[136..147]).unwrap(), 8),
            Ok(1_796_000_000)
        );
        let mut plain = archive[..BLOCK].to_vec();
        plain[148..156].fill(b' ');
        let sum: u32 = plain.iter().map(|byte| u32::from(*byte)).sum();
        assert_eq!(format!("{sum:06o}").as_bytes(), &archive[148..154]);
        assert!(archive[3 * BLOCK..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_name_that_is_too_long_is_cut() {
        let archive = archive(&[("x".repeat(2 * NAME), Vec::new())], 0);
        assert_eq!(archive.iter().take_while(|byte| **byte == b'x').count(), NAME);
    }
}
