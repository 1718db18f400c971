//! Codes of files that cannot be read as a release, whatever their rows say.
use super::{Area, external, user};

pub(super) const AREA: Area = Area {
    name: "Files",
    about: "Codes of files that cannot be read as a release, whatever their rows say.",
    codes: &[
        user(
            "answer-is-an-error",
            "The file contains an error message from the publisher's API instead of data.",
            "Correct what the error message names, or wait; then download the file again.",
        ),
        user("damaged-7z", "The 7z content is damaged.", "Download the file again."),
        user("damaged-gzip", "The gzip content is damaged.", "Download the file again."),
        user("damaged-parquet", "The Parquet file is damaged.", "Download or write the file again."),
        user("damaged-zip", "The zip content is damaged.", "Download the file again."),
        user("damaged-zstd", "The Zstandard content is damaged.", "Download the file again."),
        user(
            "decompression-bomb",
            "The content unpacks to many times its stored size.",
            "Unpack the file yourself, check it, and ingest the result.",
        ),
        user(
            "dictionary-too-large",
            "Unpacking the archive would take too much memory.",
            "Pack the files again with a smaller dictionary, or as zip.",
        ),
        user(
            "digest-mismatch",
            "The content of the file does not have the announced SHA-256.",
            "Send the file again: it changed in transit, or while it was read.",
        ),
        user(
            "duplicate-column",
            "Two columns of the file have the same name.",
            "Rename or remove one of the columns.",
        ),
        user(
            "duplicate-member",
            "Two files in the archive have the same name.",
            "Rename one of them, and pack the archive again.",
        ),
        user(
            "duplicate-metadata-key",
            "A metadata key at the top of the file is given twice.",
            "Keep one of the two lines.",
        ),
        user("empty-archive", "The archive contains no file.", "Check that the download is complete."),
        user(
            "empty-file",
            "The file is empty, or its list has no entries.",
            "Check that the file is the right one and is complete.",
        ),
        user(
            "encrypted-archive",
            "The archive is encrypted.",
            "Unpack it with its password, and ingest the files.",
        ),
        user(
            "file-changed",
            "The file changed while it was read.",
            "Ingest the file again when nothing writes to it.",
        ),
        user("file-not-found", "No file has this name.", "Check the path."),
        user(
            "file-not-readable",
            "A file cannot be opened or read.",
            "Check the path and the permissions of the file.",
        ),
        external(
            "file-read-failed",
            "The disk or the network failed while a file was read.",
            "Try again; if it fails again, check the disk.",
        ),
        user(
            "file-too-large",
            "The file or its content is too large.",
            "Split the file, for example by period.",
        ),
        user(
            "hs-revision-mismatch",
            "No row of the file follows the stated revision of the Harmonized System.",
            "State the revision that the file uses, or leave it out.",
        ),
        user(
            "invalid-column",
            "A column of the Parquet file has an unsupported type.",
            "Write the column with another type.",
        ),
        user(
            "invalid-file-count",
            "A release has no files, or too many.",
            "Give at least one file, and at most as many as the message says.",
        ),
        user(
            "invalid-header",
            "The line with the column names cannot be read.",
            "Correct the header as the hint says.",
        ),
        user(
            "invalid-json",
            "The content is not valid JSON, or not the expected response.",
            "Download the file again.",
        ),
        user(
            "invalid-line-ends",
            "The lines of the file end with a carriage return only.",
            "Convert the line endings to line feeds.",
        ),
        user(
            "invalid-name",
            "The text is not a valid name of a dataset or a vintage.",
            "Use only the characters that the hint names.",
        ),
        user(
            "licence-forbids",
            "The licence of the data forbids passing them on.",
            "Keep them for your own use with `--own-use`, or ask the publisher for permission.",
        ),
        user(
            "line-too-long",
            "A line of the file is too long.",
            "Check that the file is a table with one row per line.",
        ),
        user(
            "misplaced-columns",
            "The column names are shifted by one column against the values.",
            "Ingest the file as it was downloaded.",
        ),
        user(
            "missing-column",
            "The file lacks a column that its format requires.",
            "Add the column, or correct its name as the hint suggests.",
        ),
        user(
            "missing-header",
            "The file has no line with column names.",
            "Add a header line above the rows.",
        ),
        user(
            "missing-hs-revision",
            "The file does not state which revision of the Harmonized System it follows.",
            "State it with `--hs`, or in the file with `# hs: HS92`.",
        ),
        user(
            "missing-indicator",
            "The file does not say which indicator its figures belong to.",
            "Download the file with its indicator column, or one file per indicator.",
        ),
        user(
            "missing-metadata-key",
            "The file does not state its dataset or vintage.",
            "State it with the option that the hint names, or at the top of the file.",
        ),
        user(
            "mixed-periods",
            "The file mixes years and months, or has more months than its format allows.",
            "Split the file as the hint says.",
        ),
        user(
            "mixed-releases",
            "The files belong to different releases.",
            "Ingest the files of one release at a time.",
        ),
        user(
            "mixed-revisions",
            "The rows follow several revisions of the Harmonized System.",
            "Split the file by revision, or state which revision applies.",
        ),
        user(
            "mixed-tables",
            "The files contain several tables, which cannot share a dataset.",
            "Leave `--dataset` out: each table gets its own dataset.",
        ),
        user(
            "nested-archive",
            "The archive contains another archive.",
            "Unpack the inner archive, and ingest its files.",
        ),
        user(
            "no-rows",
            "The file has no data below its header.",
            "Check that the download is complete and that the query returns data.",
        ),
        user(
            "not-a-file",
            "The path names a directory, a pipe or a device.",
            "Name regular files. Save the content of a pipe to a file first.",
        ),
        user("not-utf8", "The text is not UTF-8.", "Save the file as UTF-8."),
        user(
            "parquet-too-large",
            "Reading the Parquet file would take too much memory.",
            "Write it with smaller row groups or pages.",
        ),
        user(
            "record-too-long",
            "A record of the JSON file is too long.",
            "Check that the file is the publisher's response.",
        ),
        user(
            "rescaled-figures",
            "The governance figures are not the published estimates: they are on another scale.",
            "Download the estimates, which lie between about -2.5 and 2.5.",
        ),
        user(
            "size-mismatch",
            "The file does not have the announced number of bytes.",
            "Send the whole file again.",
        ),
        user(
            "table-mismatch",
            "The columns do not belong to the table that the file states.",
            "Correct the stated table, or leave it out.",
        ),
        user("too-many-columns", "The file has too many columns.", "Remove columns that are not needed."),
        user("too-many-flows", "The file has too many trade flows.", "Split the file by year."),
        user("too-many-members", "The archive contains too many files.", "Split the archive."),
        user(
            "too-many-metadata-keys",
            "The file has too many metadata lines above its header.",
            "Check that the file has a header; keep only the keys that are needed.",
        ),
        user("truncated-7z", "The 7z content ends too early.", "Download the file again: it is incomplete."),
        user(
            "truncated-answer",
            "The publisher's response is cut off at its row limit.",
            "Request less data at a time.",
        ),
        user(
            "truncated-gzip",
            "The gzip content ends too early.",
            "Download the file again: it is incomplete.",
        ),
        user("truncated-json", "The JSON ends too early.", "Download the file again: it is incomplete."),
        user(
            "truncated-zip",
            "The zip content ends too early.",
            "Download the file again: it is incomplete.",
        ),
        user(
            "truncated-zstd",
            "The Zstandard content ends too early.",
            "Download the file again: it is incomplete.",
        ),
        user(
            "unclosed-quote",
            "A quoted text has no closing quotation mark.",
            "Close the quotation mark, or double it if it is part of the text.",
        ),
        user(
            "unknown-classification",
            "The product codes do not follow the Harmonized System.",
            "Download the data by the Harmonized System.",
        ),
        user(
            "unknown-column",
            "The file has a column that the format does not know.",
            "Remove the column, or correct its name as the hint suggests.",
        ),
        user(
            "unknown-format",
            "The content is in no supported format.",
            "See `orewatch sources` for the formats. Convert other tables to CSV.",
        ),
        user(
            "unknown-metadata-key",
            "A metadata key at the top of the file is not known.",
            "Correct the key as the hint suggests, or remove its line.",
        ),
        user(
            "unknown-separator",
            "The columns of the file are not separated by commas.",
            "Save the file with commas as separators.",
        ),
        user(
            "unnamed-column",
            "The first column of the file has no name.",
            "Write the file without row numbers, or name the column.",
        ),
        user(
            "unsafe-member",
            "The path of a file in the archive leads outside the archive.",
            "Pack the archive again with plain file names.",
        ),
        user(
            "unsupported-compression",
            "The archive uses an unsupported compression.",
            "Pack the files again as zip, gzip or Zstandard.",
        ),
    ],
};
