//! The two addresses a target can have: a base URL and a Lightning node address.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bitcoin::secp256k1::PublicKey;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// Why an address was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no `@` between the node id and the host.
    #[error("there is no '@' in it, write NODEID@HOST:PORT")]
    NoAt,
    /// The part before the `@` isn't a compressed public key.
    #[error(
        "the part before '@' is not a node id (66 hexadecimal digits of a compressed public key)"
    )]
    NodeId,
    /// There is no port, or it isn't a number from 1 to 65535.
    #[error("the part after '@' does not end in ':PORT' with a port from 1 to 65535")]
    Port,
    /// The host is empty or holds characters that no host name has.
    #[error("'{0}' is not a host name or an IP address (IPv6 needs brackets)")]
    Host(String),
    /// The host is an onion service, which can't be dialled.
    #[error("'{0}' is a Tor address, which can't be dialled from here; give a clearnet address")]
    Onion(String),
    /// The URL doesn't parse.
    #[error("{0}; write for example http://127.0.0.1:3000/api/v1")]
    Url(String),
    /// The URL has another scheme than http or https.
    #[error("the scheme is '{0}', only http and https are spoken")]
    Scheme(String),
    /// The URL has a query or a fragment, to which no path can be appended.
    #[error("a base URL has no query and no fragment, '/get_info' is appended to it")]
    Tail,
}

/// `NODEID@HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeAddress {
    /// The node's id, a compressed secp256k1 public key.
    pub id: PublicKey,
    /// A host name, an IPv4 address or an IPv6 address without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl NodeAddress {
    /// The first socket address that the host resolves to, IPv4 before IPv6.
    ///
    /// # Errors
    /// Says why the name couldn't be resolved.
    pub async fn resolve(&self) -> Result<SocketAddr, String> {
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Ok(SocketAddr::new(ip, self.port));
        }
        let found: Vec<SocketAddr> = tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(|error| format!("failed to resolve '{}': {error}", self.host))?
            .collect();
        found
            .iter()
            .find(|address| address.is_ipv4())
            .or(found.first())
            .copied()
            .ok_or_else(|| format!("'{}' resolves to no address", self.host))
    }

    /// Whether the host is this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

impl FromStr for NodeAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (id, address) = text.split_once('@').ok_or(AddressError::NoAt)?;
        if id.len() != 66 {
            return Err(AddressError::NodeId);
        }
        let id = id.parse().map_err(|_| AddressError::NodeId)?;
        let (host, port) = address.rsplit_once(':').ok_or(AddressError::Port)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or(AddressError::Port)?;
        let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(inner) if inner.parse::<Ipv6Addr>().is_ok() => inner,
            Some(_) => return Err(AddressError::Host(host.to_owned())),
            None => host,
        };
        let is_name = |host: &str| {
            !host.is_empty()
                && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
        };
        if host.ends_with(".onion") {
            return Err(AddressError::Onion(host.to_owned()));
        }
        if !address.starts_with('[') && !is_name(host) {
            return Err(AddressError::Host(host.to_owned()));
        }
        Ok(Self { id, host: host.to_owned(), port })
    }
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "{}@[{}]:{}", self.id, self.host, self.port)
        } else {
            write!(f, "{}@{}:{}", self.id, self.host, self.port)
        }
    }
}

/// The URL to which `/get_info` is appended: http or https, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Whether the URL names a host and nothing behind it, so that `/api/v1` may have been left out.
    #[must_use]
    pub fn is_bare_origin(&self) -> bool {
        self.0.path().trim_end_matches('/').is_empty()
    }

    /// The same host with `/api/v1` behind it.
    #[must_use]
    pub fn with_default_path(&self) -> Self {
        let mut url = self.0.clone();
        url.set_path("/api/v1");
        Self(url)
    }

    /// Whether the host is this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => is_loopback(name),
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }

    /// The host (IPv6 without brackets) and the port, the scheme's own if none is written.
    #[must_use]
    pub fn host_and_port(&self) -> Option<(String, u16)> {
        let host = self.0.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some((host, self.0.port_or_known_default()?))
    }

    /// The name and the password in it, percent-encoded as in the URL and decoded, and as they are sent: what isn't to be
    /// shown of it.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let (user, password) = (self.0.username(), self.0.password().unwrap_or_default());
        if user.is_empty() && password.is_empty() {
            return Vec::new();
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (user, password) = (user.to_owned(), password.to_owned());
        let basic = BASE64_STANDARD.encode(format!("{}:{}", decoded(&user), decoded(&password)));
        let mut secrets = vec![basic, decoded(&password), password];
        if secrets[1].is_empty() {
            // A name alone is a token.
            secrets.extend([decoded(&user), user]);
        }
        secrets
    }

    /// As [`BaseUrl::join`], without what isn't to be shown.
    #[must_use]
    pub fn shown(&self, path: &str, query: &[(String, String)]) -> String {
        without_user(self.join(path, query)).into()
    }

    /// The URL of `path` below this one, with `query` behind it.
    #[must_use]
    pub fn join(&self, path: &str, query: &[(String, String)]) -> Url {
        let mut url = self.0.clone();
        let below = path.trim_start_matches('/');
        url.set_path(&format!("{}/{below}", self.0.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

impl FromStr for BaseUrl {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let mut url = Url::parse(text).map_err(|error| AddressError::Url(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(AddressError::Scheme(url.scheme().to_owned()));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::Tail);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(without_user(self.0.clone()).as_str().trim_end_matches('/'))
    }
}

/// The user part of a URL can hold a password, or a token.
fn without_user(mut url: Url) -> Url {
    if !url.username().is_empty() || url.password().is_some() {
        // Only fails for URLs without a host, which http and https ones have.
        let _ = (url.set_username("***"), url.set_password(None));
    }
    url
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619";

    #[test]
    fn node_addresses_survive_a_round_trip() {
        for host in ["127.0.0.1", "lsp.example.com", "[::1]"] {
            let text = format!("{ID}@{host}:9735");
            assert_eq!(text.parse::<NodeAddress>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn malformed_node_addresses_are_refused_with_their_reason() {
        let parse = |text: &str| text.parse::<NodeAddress>().unwrap_err();
        assert_eq!(parse("127.0.0.1:9735"), AddressError::NoAt);
        assert_eq!(parse("02ee@127.0.0.1:9735"), AddressError::NodeId);
        assert_eq!(
            parse(&format!("{}@127.0.0.1:9735", ID.replace('e', "x"))),
            AddressError::NodeId
        );
        assert_eq!(parse(&format!("{ID}@127.0.0.1")), AddressError::Port);
        assert_eq!(parse(&format!("{ID}@127.0.0.1:0")), AddressError::Port);
        assert_eq!(parse(&format!("{ID}@127.0.0.1:99999")), AddressError::Port);
        assert!(matches!(parse(&format!("{ID}@:9735")), AddressError::Host(_)));
        assert!(matches!(parse(&format!("{ID}@::1:9735")), AddressError::Host(_)));
        assert!(matches!(parse(&format!("{ID}@a b:9735")), AddressError::Host(_)));
        assert!(matches!(parse(&format!("{ID}@abc.onion:9735")), AddressError::Onion(_)));
    }

    #[test]
    fn base_urls_lose_the_slash_at_their_end() {
        let url: BaseUrl = "http://127.0.0.1:3000/api/v1/".parse().unwrap();
        assert_eq!(url.to_string(), "http://127.0.0.1:3000/api/v1");
        assert!(!url.is_bare_origin());
        assert!(url.is_loopback());
        assert_eq!(url.join("get_info", &[]).as_str(), "http://127.0.0.1:3000/api/v1/get_info");
    }

    #[test]
    fn a_bare_origin_is_known_as_one() {
        let url: BaseUrl = "https://lsp.example.com".parse().unwrap();
        assert!(url.is_bare_origin());
        assert_eq!(url.with_default_path().to_string(), "https://lsp.example.com/api/v1");
        let query = [("order_id".to_owned(), "a b&c".to_owned())];
        assert_eq!(
            url.join("/get_order", &query).as_str(),
            "https://lsp.example.com/get_order?order_id=a+b%26c"
        );
    }

    #[test]
    fn malformed_base_urls_are_refused_with_their_reason() {
        let parse = |text: &str| text.parse::<BaseUrl>().unwrap_err();
        assert!(matches!(parse("127.0.0.1:3000"), AddressError::Url(_)));
        assert_eq!(parse("ftp://x/"), AddressError::Scheme("ftp".into()));
        assert_eq!(parse("localhost:3000"), AddressError::Scheme("localhost".into()));
        assert_eq!(parse("http://x/?a=1"), AddressError::Tail);
    }

    #[test]
    fn passwords_are_not_shown() {
        let url: BaseUrl = "http://me:p%20ss@localhost:1/".parse().unwrap();
        assert_eq!(url.to_string(), "http://***@localhost:1");
        assert_eq!(url.shown("get_info", &[]), "http://***@localhost:1/get_info");
        assert_eq!(url.secrets(), ["bWU6cCBzcw==", "p ss", "p%20ss"]);
        let token: BaseUrl = "http://token@localhost:1/".parse().unwrap();
        assert_eq!(token.to_string(), "http://***@localhost:1");
        assert!(token.secrets().contains(&"token".to_owned()));
        assert_eq!("http://localhost:1/".parse::<BaseUrl>().unwrap().secrets(), [""; 0]);
    }
}
