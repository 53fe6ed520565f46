//! Which names a request may use for this server, and which pages may send one: the wall against DNS rebinding and
//! cross-site calls to a server on the user's own machine.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::{HeaderMap, Uri, header, uri::Authority};

use super::StartError;

/// Names allowed besides the loopback ones.
pub(crate) struct Guard {
    hosts: Vec<Name>,
    origins: Vec<Origin>,
}

/// A host in lower case without brackets, and the port where one is written.
#[derive(Debug, PartialEq, Eq)]
struct Name {
    host: String,
    port: Option<u16>,
}

/// An origin of RFC 6454 with its port made explicit.
#[derive(Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    name: Name,
}

/// Label for the count, and message for the client.
type Reason = (&'static str, &'static str);

const BAD_HOST: Reason = (
    "host",
    "This server is not known by that Host. The operator can allow it with --allowed-host.",
);
const BAD_ORIGIN: Reason = (
    "origin",
    "Pages of this Origin may not call this server. The operator can allow it with --allowed-origin.",
);

impl Guard {
    pub(crate) fn new(hosts: &[String], origins: &[String]) -> Result<Self, StartError> {
        let hosts = hosts
            .iter()
            .map(|host| Name::parse(host).ok_or_else(|| StartError::Host(host.clone())));
        let origins = origins
            .iter()
            .map(|origin| Origin::parse(origin).ok_or_else(|| StartError::Origin(origin.clone())));
        Ok(Self {
            hosts: hosts.collect::<Result<_, _>>()?,
            origins: origins.collect::<Result<_, _>>()?,
        })
    }

    /// Exactly one Host (and, in an absolute request line, the same rule for its authority); at most one Origin.
    pub(crate) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Reason> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok());
        let one_host = host.is_some_and(|host| self.knows(host)) && hosts.next().is_none();
        let same_line = uri
            .authority()
            .is_none_or(|authority| self.knows(authority.as_str()));
        if !(one_host && same_line) {
            return Err(BAD_HOST);
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else {
            return Ok(());
        };
        let allowed =
            origin.to_str().is_ok_and(|origin| self.trusts(origin)) && origins.next().is_none();
        if allowed { Ok(()) } else { Err(BAD_ORIGIN) }
    }

    fn knows(&self, host: &str) -> bool {
        Name::parse(host).is_some_and(|name| {
            let listed = |known: &Name| {
                known.host == name.host && (known.port.is_none() || known.port == name.port)
            };
            name.is_loopback() || self.hosts.iter().any(listed)
        })
    }

    fn trusts(&self, origin: &str) -> bool {
        Origin::parse(origin).is_some_and(|origin| {
            let of_web = matches!(origin.scheme.as_str(), "http" | "https");
            of_web && origin.name.is_loopback() || self.origins.contains(&origin)
        })
    }
}

impl Name {
    fn parse(text: &str) -> Option<Self> {
        let authority = text.parse::<Authority>().ok()?;
        let host = authority.host();
        // A host and nothing else, or a port after it: neither `user@host` nor `host:` nor `host:99999` nor `[::1](:80`.
        let port = match text.strip_prefix(host)? {
            "" => None,
            rest => {
                let digits = rest.strip_prefix(':')?;
                let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
                Some(digits.parse().ok().filter(|_| plain)?)
            }
        };
        let host = match host.strip_prefix('[') {
            // Only such an address stands in brackets: `[localhost]` is nobody's name.
            Some(rest) => rest
                .strip_suffix(']')
                .filter(|address| address.parse::<Ipv6Addr>().is_ok())?,
            None => host,
        };
        Some(Self {
            host: host.to_ascii_lowercase(),
            port,
        })
    }

    fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self
                .host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let mut name = Name::parse(authority)?;
        let scheme = scheme.to_ascii_lowercase();
        name.port = name.port.or(match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        });
        Some(Self { scheme, name })
    }
}
