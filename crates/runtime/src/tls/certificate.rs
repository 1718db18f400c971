//! Reads certificates and keys: PEM files, the names of a certificate, and its period of validity.
use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use webpki::EndEntityCert;

/// Upper bound on the names of a certificate that are looked at, of each kind.
const MAX_NAMES: usize = 64;

/// The names in a client's certificate, after its chain was verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CertificateNames {
    /// DNS names.
    pub(crate) dns: Vec<String>,
    /// URIs, such as `spiffe://cluster/ns/minerals/sa/console`.
    pub(crate) uris: Vec<String>,
}

impl CertificateNames {
    /// The alternative names of a certificate. Its common name does not count, as everywhere in TLS today.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Self {
        let Ok(parsed) = EndEntityCert::try_from(certificate) else { return Self::default() };
        let dns = parsed.valid_dns_names().take(MAX_NAMES).map(str::to_owned).collect();
        let uris = parsed.valid_uri_names().take(MAX_NAMES).map(str::to_owned).collect();
        Self { dns, uris }
    }

    /// The names, for people.
    pub(crate) fn shown(&self) -> String {
        let all: Vec<&str> = self.uris.iter().chain(&self.dns).map(String::as_str).collect();
        if all.is_empty() { "no name".to_owned() } else { all.join(", ") }
    }
}

/// Reads a certificate chain, the certificate itself first.
pub(super) fn read_chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| format!("the certificates cannot be read: {error}"))?;
    if chain.is_empty() { Err("the file has no certificate (PEM)".to_owned()) } else { Ok(chain) }
}

/// Reads a private key. No error repeats any of it.
pub(super) fn read_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| "the file has no private key (PEM)".to_owned())
}

/// Reads certificates of authorities.
pub(super) fn read_authorities(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut authorities = RootCertStore::empty();
    for certificate in read_chain(pem)? {
        authorities
            .add(certificate)
            .map_err(|error| format!("one of the certificates is not that of an authority: {error}"))?;
    }
    Ok(authorities)
}

/// Checks that a certificate is valid now. Returns when it expires.
pub(super) fn check_validity(certificate: &[u8], now: Timestamp) -> Result<Timestamp, String> {
    let (from, until) = validity(certificate).ok_or("the certificate is damaged")?;
    if now > until {
        return Err(format!("the certificate expired at {until:.0}"));
    }
    if now < from {
        return Err(format!("the certificate is valid from {from:.0} on, and here it is {now:.0}"));
    }
    Ok(until)
}

/// First and last instant of a certificate (RFC 5280, section 4.1). `None`: it is damaged.
fn validity(certificate: &[u8]) -> Option<(Timestamp, Timestamp)> {
    const VERSION: u8 = 0xa0;
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (mut rest, _) = element(certificate, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = any_element(rest)?.2;
    }
    // Serial number, algorithm of the signature, issuer.
    for _ in 0..3 {
        rest = any_element(rest)?.2;
    }
    let (period, _) = element(rest, SEQUENCE)?;
    let (tag, from, period) = any_element(period)?;
    let from = time(tag, from)?;
    let (tag, until, _) = any_element(period)?;
    Some((from, time(tag, until)?))
}

const SEQUENCE: u8 = 0x30;

/// The content of an element with a tag, and what follows it.
fn element(bytes: &[u8], expected: u8) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = any_element(bytes)?;
    (tag == expected).then_some((content, rest))
}

/// An element of DER: its tag, its content, and what follows it.
fn any_element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, first, rest @ ..] = bytes else { return None };
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        // The number of bytes that hold the length: no certificate needs more than four.
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// A time in a certificate: `YYMMDDHHMMSSZ` (UTCTime) or `YYYYMMDDHHMMSSZ` (GeneralizedTime).
fn time(tag: u8, bytes: &[u8]) -> Option<Timestamp> {
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii())?;
    let text = match tag {
        // Two digits are a year from 1950 to 2049.
        UTC_TIME if text.get(..1)? >= "5" => format!("19{text}"),
        UTC_TIME => format!("20{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let digits = text.strip_suffix('Z').filter(|digits| digits.len() == 14)?;
    let (date, clock) = digits.split_at(8);
    let date = [date.get(..4)?, date.get(4..6)?, date.get(6..)?].join("-");
    let clock = [clock.get(..2)?, clock.get(2..4)?, clock.get(4..)?].join(":");
    format!("{date}T{clock}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The period of validity of a certificate with the given times.
    fn certificate(times: &[u8]) -> Vec<u8> {
        let wrap = |tag: u8, content: &[u8]| {
            let length = u16::try_from(content.len()).unwrap().to_be_bytes();
            [[tag, 0x82].as_slice(), &length, content].concat()
        };
        let version = wrap(0xa0, &[2, 1, 2]);
        let before = [version, vec![2, 1, 7], wrap(SEQUENCE, &[]), wrap(SEQUENCE, &[])].concat();
        let signed = wrap(SEQUENCE, &[before, wrap(SEQUENCE, times), wrap(SEQUENCE, &[])].concat());
        wrap(SEQUENCE, &signed)
    }

    #[test]
    fn the_validity_of_a_certificate_is_read_in_both_forms() {
        let times = b"\x17\x0d260102030405Z\x18\x0f20500101000000Z";
        let (from, until) = validity(&certificate(times)).unwrap();
        assert_eq!(
            (from.to_string(), until.to_string()),
            ("2026-01-02T03:04:05Z".to_owned(), "2050-01-01T00:00:00Z".to_owned())
        );
        let (from, _) = validity(&certificate(b"\x17\x0d750101000000Z\x17\x0d750101000000Z")).unwrap();
        assert_eq!(from.to_string(), "1975-01-01T00:00:00Z");
    }

    #[test]
    fn a_damaged_certificate_has_no_validity() {
        let whole = certificate(b"\x17\x0d260102030405Z\x17\x0d270102030405Z");
        for length in 0..whole.len() {
            assert_eq!(validity(&whole[..length]), None, "{length}");
        }
        for times in
            [b"\x17\x0d269902030405Z\x17\x0d270102030405Z", b"\x19\x0d260102030405Z\x17\x0d270102030405Z"]
        {
            assert_eq!(validity(&certificate(times)), None);
        }
    }

    #[test]
    fn a_certificate_is_refused_before_and_after_its_validity() {
        let whole = certificate(b"\x17\x0d260102030405Z\x17\x0d270102030405Z");
        let check = |now: &str| check_validity(&whole, now.parse().unwrap());
        assert_eq!(check("2026-06-01T00:00:00Z").unwrap().to_string(), "2027-01-02T03:04:05Z");
        assert!(check("2028-01-01T00:00:00Z").unwrap_err().contains("expired at 2027-01-02T03:04:05Z"));
        assert!(check("2025-01-01T00:00:00Z").unwrap_err().contains("valid from 2026-01-02T03:04:05Z"));
    }
}
