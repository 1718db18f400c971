//! Decides where messages may be sent, so that a receiver cannot make the service reach into its own network
//! (server-side request forgery).
//!
//! An address is checked when a receiver is stored and again at every attempt. The trap is a name that
//! resolves differently a moment later: the name is resolved once, every address it resolves to is checked,
//! and the connection is made to such an address, never to the name.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use url::{Host, Url};

/// Timeout of resolving a name.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Ports of other protocols, whose servers might act on a crafted request.
const OTHER_PROTOCOLS: [u16; 24] =
    [1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 53, 69, 110, 111, 119, 135, 139, 143, 161, 179, 445];

/// Decides which addresses may be sent to.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    allowed: Vec<IpNet>,
}

/// A parsed HTTP URL; its host is not resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Name or address of the host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether it uses TLS.
    pub secure: bool,
    /// Path and query.
    pub target: String,
}

impl Destination {
    /// Host, with the port if it is not the default, as the `Host` header has it.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let default_port = if self.secure { 443 } else { 80 };
        if self.port == default_port { host } else { format!("{host}:{}", self.port) }
    }
}

impl Guard {
    /// A guard that permits these private networks.
    #[must_use]
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Parses an HTTP URL.
    ///
    /// # Errors
    /// What is wrong: not a URL, a user in it, or a port of another protocol.
    pub fn parse_url(&self, text: &str) -> Result<Destination, String> {
        let url = Url::parse(text).map_err(|error| format!("it is not a URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("it does not begin with https:// or http://".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it contains a user or a password: name a secret instead".to_owned());
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err("it names no host".to_owned()),
        };
        let port = url.port_or_known_default().unwrap_or_default();
        if port == 0 || OTHER_PROTOCOLS.contains(&port) {
            return Err(format!("port {port} is not permitted for HTTP"));
        }
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Ok(Destination {
            host,
            port,
            secure: url.scheme() == "https",
            target: format!("{}{query}", url.path()),
        })
    }

    /// Resolves a host to addresses, all of which may be sent to.
    ///
    /// # Errors
    /// [`ResolveError`] if the name does not resolve, an address may not be sent to, or the connection is not
    /// `protected` by TLS and an address is not in a permitted private network.
    pub async fn resolve(
        &self,
        host: &str,
        port: u16,
        protected: bool,
    ) -> Result<Vec<SocketAddr>, ResolveError> {
        let lookup = tokio::time::timeout(RESOLVE_TIMEOUT, tokio::net::lookup_host((host, port))).await;
        let found: Vec<SocketAddr> = lookup
            .map_err(|_| {
                ResolveError::Unresolved(format!(
                    "{host} was not resolved within {} s",
                    RESOLVE_TIMEOUT.as_secs()
                ))
            })?
            .map_err(|error| ResolveError::Unresolved(format!("{host} cannot be resolved: {error}")))?
            .collect();
        if found.is_empty() {
            return Err(ResolveError::Unresolved(format!("{host} has no address")));
        }
        for address in &found {
            self.check_address(host, address.ip(), protected).map_err(ResolveError::Refused)?;
        }
        Ok(found)
    }

    fn check_address(&self, host: &str, address: IpAddr, protected: bool) -> Result<(), String> {
        let is_allowed = self.is_allowed(address);
        if !is_allowed && !is_public(address) {
            return Err(format!("{host} is at {address}, which is not a public address"));
        }
        if !is_allowed && !protected {
            return Err(format!(
                "{host} is at {address}: without TLS, only private networks in allow-private may be used"
            ));
        }
        Ok(())
    }

    fn is_allowed(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed.iter().any(|network| network.contains(&address))
    }
}

/// Why a host cannot be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolveError {
    /// Its name does not resolve.
    Unresolved(String),
    /// Its address is not permitted.
    Refused(String),
}

impl ResolveError {
    /// What is wrong.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Unresolved(text) | Self::Refused(text) => text,
        }
    }
}

/// Whether an address belongs to the public Internet. An address of unknown use does not.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => embedded_ipv4(address).map_or_else(|| is_public_v6(address), is_public_v4),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_unspecified()
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_multicast()
        || address.is_documentation()
        // "This network", carrier-grade NAT, IETF protocols, 6to4 relays, benchmarks, reserved.
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Only 2000::/3 is assigned, except for 2001::/23 (protocols such as Teredo), documentation, and 6to4.
    (a & 0xe000) == 0x2000
        && !(a == 0x2001 && b < 0x0200)
        && !(a == 0x2001 && b == 0x0db8)
        && !(a == 0x3fff && b < 0x1000)
        && a != 0x2002
}

/// The IPv4 address embedded in an IPv6 address: mapped, compatible, NAT64 or 6to4.
fn embedded_ipv4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let joined = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(joined(high, low)),
        // A local NAT64 prefix, which leads into a private network.
        [0x64, 0xff9b, 1, ..] => Some(Ipv4Addr::UNSPECIFIED),
        [0x2002, high, low, ..] => Some(joined(high, low)).filter(|address| !is_public_v4(*address)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// IPv4 addresses that are not public.
    #[rustfmt::skip]
    const NOT_PUBLIC_V4: &[&str] = &[
        "0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.9.9.9",
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1",
        "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
        "239.1.1.1", "240.0.0.1", "255.255.255.255",
    ];

    /// IPv6 addresses that are not public, or that embed an IPv4 address that is not.
    #[rustfmt::skip]
    const NOT_PUBLIC_V6: &[&str] = &[
        "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::ffff:0:10.0.0.1",
        "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8", "2002:0a00:0001::1",
        "2002:7f00:0001::", "2002:0808:0808::1", "2001::1", "2001:db8::1", "3fff::1", "fc00::1",
        "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "fd00:ec2::254", "100::1", "4000::1",
    ];

    /// Public addresses, some just beside ranges that are not.
    #[rustfmt::skip]
    const PUBLIC: &[&str] = &[
        "8.8.8.8", "1.1.1.1", "100.63.0.1", "100.128.0.1", "172.32.0.1", "198.20.0.1", "2606:4700::1111",
        "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
    ];

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for text in NOT_PUBLIC_V4.iter().chain(NOT_PUBLIC_V6) {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in PUBLIC {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn urls_are_parsed_as_browsers_and_resolvers_parse_them() {
        let guard = Guard::default();
        let good = guard.parse_url("https://hooks.example.org:8443/a/b?c=d#e").unwrap();
        assert_eq!((good.authority().as_str(), good.target.as_str()), ("hooks.example.org:8443", "/a/b?c=d"));
        // Unusual spellings of 127.0.0.1.
        for text in ["http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/"] {
            assert_eq!(guard.parse_url(text).unwrap().host, "127.0.0.1", "{text}");
        }
        assert_eq!(guard.parse_url("http://[::1]:8080/").unwrap().authority(), "[::1]:8080");
        for bad in [
            "ftp://example.org/",
            "https://user:pw@example.org/",
            "https://user@example.org/",
            "https://",
            "no address",
            "https://example.org:22/",
            "https://example.org:25/",
            "https://example.org:0/",
            "file:///etc/passwd",
            "gopher://x/",
        ] {
            assert!(guard.parse_url(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_private_address_passes_only_if_its_network_is_permitted() {
        let refused = Guard::default().resolve("127.0.0.1", 80, true).await.unwrap_err();
        assert!(matches!(refused, ResolveError::Refused(_)), "{refused:?}");
        assert!(Guard::default().resolve("localhost", 443, true).await.is_err());
        let guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap()]);
        assert_eq!(guard.resolve("127.0.0.1", 80, false).await.unwrap(), ["127.0.0.1:80".parse().unwrap()]);
        assert!(
            guard.resolve("::ffff:127.0.0.1", 80, false).await.is_ok(),
            "the same host in another spelling"
        );
        assert!(guard.resolve("10.0.0.1", 80, true).await.is_err());
        assert!(guard.resolve("8.8.8.8", 443, true).await.is_ok());
        assert!(
            guard.resolve("8.8.8.8", 80, false).await.is_err(),
            "without TLS only to permitted private networks"
        );
    }
}
