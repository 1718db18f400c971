//! Explains errors of TLS to the person at the client: which side has to change what.
use std::io;

use orewatch_contracts::{Class, Failure};
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// The failure for an error of a connection to `host`, if TLS caused it.
pub(super) fn explain(error: &io::Error, host: &str) -> Option<Failure> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    Some(match error {
        Error::InvalidCertificate(error) => not_trusted(error, host),
        Error::AlertReceived(alert) => refused(*alert, host),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => speaks_plain_text(host),
        other => failed(host, &other.to_string()),
    })
}

/// The certificate of the server is not accepted by this client.
fn not_trusted(error: &CertificateError, host: &str) -> Failure {
    let (message, hint) = match error {
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            let names = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
            (
                format!("the certificate of the server is for {names}, not for {host}"),
                "call the server by a name of its certificate",
            )
        }
        CertificateError::UnknownIssuer => (
            format!("the certificate of {host} is not from an authority that this client trusts"),
            "name the file of the server's authority with --tls-ca",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            format!("the certificate of {host} has expired"),
            "whoever runs the server has to renew it; check the clock of this machine, too",
        ),
        other => (format!("the certificate of {host} is not valid: {other}"), "tell whoever runs the server"),
    };
    Failure::new(Class::Refused, "not-trusted", message).with_hint(hint)
}

/// A name of a certificate, as the error has it, without its kind: `DnsName("a.example")`.
fn bare(name: &str) -> &str {
    let inside = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inside.unwrap_or(name).trim_matches('"')
}

/// The server ended the connection with an alert.
fn refused(alert: AlertDescription, host: &str) -> Failure {
    let (message, hint) = match alert {
        AlertDescription::CertificateRequired => (
            format!("{host} requires a client certificate, and none was shown"),
            "name its files with --tls-cert and --tls-key",
        ),
        AlertDescription::CertificateExpired => (
            format!("{host} refuses the client certificate: it has expired, or is not valid yet"),
            "request a new certificate",
        ),
        AlertDescription::UnknownCA => (
            format!("{host} does not trust the authority of the client certificate"),
            "use a certificate of an authority that the server accepts (its --tls-client-ca)",
        ),
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied
        | AlertDescription::DecryptError => (
            format!("{host} refuses the client certificate ({alert:?})"),
            "check that it is meant for clients (extended key usage clientAuth) and belongs to its key",
        ),
        other => return failed(host, &format!("the server sent the alert {other:?}")),
    };
    Failure::new(Class::Refused, "certificate-refused", message).with_hint(hint)
}

fn speaks_plain_text(host: &str) -> Failure {
    Failure::new(Class::Refused, "tls-mismatch", format!("{host} does not speak TLS"))
        .with_hint("give the server a certificate (--tls-cert), or write http:// if the network is trusted")
}

/// The failure of a client that spoke plain text to a server with TLS.
pub(super) fn speaks_tls(host: &str) -> Failure {
    Failure::new(Class::Refused, "tls-mismatch", format!("{host} speaks TLS, and the address says http"))
        .with_hint("write https://")
}

fn failed(host: &str, reason: &str) -> Failure {
    Failure::new(Class::Unavailable, "tls-failed", format!("no TLS connection to {host}: {reason}"))
        .with_hint("check the address, and what is between this client and the server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_without_their_kind() {
        assert_eq!(bare("DnsName(\"a.example\")"), "a.example");
        assert_eq!(bare("IpAddress(127.0.0.1)"), "127.0.0.1");
        assert_eq!(bare("other"), "other");
    }

    #[test]
    fn each_side_learns_what_it_has_to_change() {
        let explained = |error: Error| {
            explain(&io::Error::new(io::ErrorKind::InvalidData, error), "log.example").unwrap()
        };
        let alert = |alert| explained(Error::AlertReceived(alert));
        for (failure, code, word) in [
            (alert(AlertDescription::CertificateRequired), "certificate-refused", "--tls-cert"),
            (alert(AlertDescription::UnknownCA), "certificate-refused", "--tls-client-ca"),
            (alert(AlertDescription::CertificateExpired), "certificate-refused", "expired"),
            (explained(CertificateError::UnknownIssuer.into()), "not-trusted", "--tls-ca"),
            (explained(CertificateError::Expired.into()), "not-trusted", "expired"),
            (explained(InvalidMessage::InvalidContentType.into()), "tls-mismatch", "http://"),
            (explained(Error::DecryptError), "tls-failed", "log.example"),
        ] {
            assert_eq!(failure.code, code, "{failure}");
            assert!(failure.to_string().contains(word), "{failure}");
        }
        assert!(explain(&io::Error::other("unrelated"), "log.example").is_none());
    }
}
