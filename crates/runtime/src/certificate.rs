//! When certificates expire.
//!
//! A certificate is renewed by replacing its file, so files are read again and again. Of a certificate only
//! the validity is read (RFC 5280, section 4.1): whether it is the right one is for TLS to decide.
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use crate::metrics::{Metrics, catalogue};

/// Upper bound on a file with certificates, in bytes.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// The lines around a certificate in a PEM file.
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Tags of the encoding (DER) that are read.
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Files with certificates, by the name under which their expiry is reported. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Certificates(Arc<Mutex<Vec<WatchedFile>>>);

#[derive(Clone, Debug)]
struct WatchedFile {
    name: &'static str,
    file: PathBuf,
    /// What was wrong when the file was read last.
    problem: Option<String>,
}

impl Certificates {
    /// Reports the expiry of a file from now on.
    pub(crate) fn watch(&self, name: &'static str, file: PathBuf) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.push(WatchedFile { name, file, problem: None });
    }

    /// Reads the files, and records when the first certificate of each expires. A file that cannot be read is
    /// reported once; what was known of it stays.
    pub(crate) fn record(&self, metrics: &Metrics) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for WatchedFile { name, file, problem } in &mut files {
            let before = problem.take();
            match read(file) {
                Ok(expiry) => metrics.set_deadline(&catalogue::CERTIFICATE_EXPIRY, [*name], expiry),
                Err(why) => *problem = Some(why),
            }
            if let Some(why) = problem.as_ref().filter(|why| before.as_ref() != Some(*why)) {
                let file = file.display();
                tracing::warn!(certificate = *name, %file, why, "the expiry of a certificate is not known");
            }
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (known, read) in known.iter_mut().zip(files) {
            known.problem = read.problem;
        }
    }
}

/// When the first certificate of a PEM file expires.
fn read(file: &Path) -> Result<Timestamp, String> {
    let about = file.metadata().map_err(|error| error.to_string())?;
    if about.len() > MAX_FILE_BYTES {
        return Err(format!("it is larger than {MAX_FILE_BYTES} bytes"));
    }
    first_expiry(&std::fs::read_to_string(file).map_err(|error| error.to_string())?)
}

/// When the first certificate of a PEM text expires.
fn first_expiry(pem: &str) -> Result<Timestamp, String> {
    let parts = pem.split(BEGIN).skip(1);
    let expiries = parts.map(|part| {
        let (body, _) = part.split_once(END).ok_or("a certificate has no end")?;
        let text: String = body.split_whitespace().collect();
        let der = STANDARD.decode(text).map_err(|error| format!("a certificate is not base64: {error}"))?;
        not_after(&der).ok_or_else(|| "a certificate cannot be read".to_owned())
    });
    let expiries = expiries.collect::<Result<Vec<_>, String>>()?;
    expiries.into_iter().min().ok_or_else(|| "it has no certificate".to_owned())
}

/// The end of the validity of a certificate in DER. `None`: this is no certificate.
fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut fields, _) = element(certificate, SEQUENCE)?;
    if let Some((_, rest)) = element(fields, VERSION) {
        fields = rest;
    }
    // The serial number, the algorithm of the signature and the issuer come before the validity.
    for _ in 0..3 {
        fields = any_element(fields)?.2;
    }
    let (validity, _) = element(fields, SEQUENCE)?;
    let (_, _, rest) = any_element(validity)?;
    let (tag, time, _) = any_element(rest)?;
    parse_time(tag, std::str::from_utf8(time).ok()?)
}

/// The content of an element with this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = any_element(bytes)?;
    (found == tag).then_some((content, rest))
}

/// The tag and content of the next element, and what follows it.
fn any_element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    // Up to 127 the length is in one byte; otherwise that byte says how many bytes follow with it.
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let add = |sum: usize, digit: &u8| sum.checked_mul(256)?.checked_add(usize::from(*digit));
        (digits.iter().try_fold(0, add)?, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// Reads `YYMMDDhhmmssZ`, whose years are those from 1950 to 2049, or `YYYYMMDDhhmmssZ`.
fn parse_time(tag: u8, text: &str) -> Option<Timestamp> {
    let full = match tag {
        UTC_TIME => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| full.get(from..to);
    let (date, time) =
        ((part(0, 4)?, part(4, 6)?, part(6, 8)?), (part(8, 10)?, part(10, 12)?, part(12, 14)?));
    let text = format!("{}-{}-{}T{}:{}:{}Z", date.0, date.1, date.2, time.0, time.1, time.2);
    (full.get(14..) == Some("Z")).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate with the times as they are encoded, and nothing else that a certificate has.
    fn certificate(tag: u8, not_before: &str, not_after: &str) -> String {
        let element = |tag: u8, content: &[u8]| {
            let length = u8::try_from(content.len()).unwrap();
            let head = if length < 0x80 { vec![tag, length] } else { vec![tag, 0x81, length] };
            [head.as_slice(), content].concat()
        };
        let times = [element(tag, not_before.as_bytes()), element(tag, not_after.as_bytes())].concat();
        let version = element(VERSION, &element(0x02, &[2]));
        let (serial, name) = (element(0x02, &[1]), element(SEQUENCE, &[7; 100]));
        let fields = [version, serial, element(SEQUENCE, &[]), name, element(SEQUENCE, &times)].concat();
        let der = element(SEQUENCE, &element(SEQUENCE, &fields));
        format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(der))
    }

    #[test]
    fn the_first_expiry_of_a_file_counts() {
        let later = certificate(GENERALIZED_TIME, "20260101000000Z", "20510102030405Z");
        let sooner = certificate(UTC_TIME, "260101000000Z", "270102030405Z");
        assert_eq!(first_expiry(&later), Ok("2051-01-02T03:04:05Z".parse().unwrap()));
        let both = first_expiry(&format!("a comment\n{later}{sooner}"));
        assert_eq!(both, Ok("2027-01-02T03:04:05Z".parse().unwrap()));
        let old = certificate(UTC_TIME, "500101000000Z", "991231235959Z");
        assert_eq!(first_expiry(&old), Ok("1999-12-31T23:59:59Z".parse().unwrap()));
    }

    #[test]
    fn what_is_no_certificate_is_an_error() {
        let good = certificate(UTC_TIME, "260101000000Z", "270102030405Z");
        let body = good.lines().nth(1).unwrap();
        for text in ["", "nothing", BEGIN, &format!("{BEGIN}\n!\n{END}"), &format!("{BEGIN}\nAAAA\n{END}")] {
            assert!(first_expiry(text).is_err(), "{text}");
        }
        for length in 0..body.len() {
            let cut = format!("{BEGIN}\n{}\n{END}", &body[..length]);
            assert!(first_expiry(&cut).is_err(), "{length}");
        }
        assert!(first_expiry(&certificate(UTC_TIME, "260101000000Z", "271302030405Z")).is_err());
        assert!(first_expiry(&certificate(0x04, "260101000000Z", "270102030405Z")).is_err());
    }
}
