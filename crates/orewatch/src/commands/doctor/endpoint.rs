//! Addresses of servers: whom to look up, and who speaks TLS.
use std::fmt;
use std::net::IpAddr;

use hyper::Uri;

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scheme {
    /// HTTP without TLS.
    Http,
    /// HTTP over TLS.
    Https,
    /// NATS; the server says whether it wants TLS.
    Nats,
    /// NATS over TLS.
    NatsTls,
}

/// A server. User, password and path of its address are left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Endpoint {
    /// How it is spoken to.
    pub(super) scheme: Scheme,
    /// Name or address of the host, IPv6 without brackets.
    pub(super) host: String,
    /// Port; the usual one of the scheme if the address names none.
    pub(super) port: u16,
}

impl Endpoint {
    /// Reads an address. `None`: it is none of a server that is known here.
    pub(super) fn parse(address: &str) -> Option<Self> {
        let uri: Uri = address.trim().parse().ok()?;
        let (scheme, usual) = match uri.scheme_str()? {
            "http" => (Scheme::Http, 80),
            "https" => (Scheme::Https, 443),
            "nats" => (Scheme::Nats, 4222),
            "tls" => (Scheme::NatsTls, 4222),
            _ => return None,
        };
        let host = uri.host()?.trim_matches(['[', ']']).to_owned();
        (!host.is_empty()).then(|| Self { scheme, host, port: uri.port_u16().unwrap_or(usual) })
    }

    /// Whether its host is a name, which has to be looked up.
    pub(super) fn has_name(&self) -> bool {
        self.host.parse::<IpAddr>().is_err()
    }

    /// Whether it speaks TLS.
    pub(super) fn speaks_tls(&self) -> bool {
        matches!(self.scheme, Scheme::Https | Scheme::NatsTls)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_without_their_secrets() {
        for (address, shown, tls, name) in [
            ("http://127.0.0.1:7070", "127.0.0.1:7070", false, false),
            ("https://figures.example", "figures.example:443", true, true),
            ("nats://user:hidden@nats.example", "nats.example:4222", false, true),
            ("tls://token@nats.example:4333", "nats.example:4333", true, true),
            ("http://[::1]:80/path?key=hidden", "[::1]:80", false, false),
        ] {
            let endpoint = Endpoint::parse(address).unwrap();
            assert_eq!(endpoint.to_string(), shown);
            assert_eq!((endpoint.speaks_tls(), endpoint.has_name()), (tls, name), "{address}");
        }
        for none in ["", "figures.example", "ftp://figures.example", "http://", "https://a b"] {
            assert_eq!(Endpoint::parse(none), None, "{none}");
        }
    }
}
