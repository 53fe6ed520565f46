//! The server that a bridge leads to, and what every request to it carries.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, Uri, header},
};
use data_encoding::BASE64;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use secrecy::{ExposeSecret, SecretString};

use crate::transport::http::{X_BUREAU_FEATURES, X_BUREAU_READ_ONLY, X_WORKSPACE_SLUG};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection without a request is kept: shorter than common proxies keep theirs, so that a request seldom meets
/// one that is being closed.
const IDLE: Duration = Duration::from_secs(20);

/// Why a server cannot be connected to as it was named. Each says what to do.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum RemoteError {
    #[error("`{0}` is not an address. Write for example https://crm.example.com/mcp.")]
    Address(String),
    #[error(
        "The address holds a name or a password. Leave it out, and give the key in BUREAU_API_KEY."
    )]
    UserInfo,
    #[error(
        "Over http:// everyone on the way to {0} can read the key. Use https://, or say --insecure if that way is your own."
    )]
    Insecure(String),
    #[error("{0} cannot be sent: it is 1 to 200 characters of plain ASCII.")]
    Header(&'static str),
}

/// What a bridge may do there, besides what the key allows: it narrows, it never widens.
#[derive(Debug, Clone, Default)]
pub struct Narrowing {
    /// The workspace to work in; none is the key's own.
    pub workspace: Option<String>,
    /// Groups of tools to be seen; empty is no narrowing.
    pub features: Vec<String>,
    /// See and call no tool that writes.
    pub read_only: bool,
}

/// A server, and what every request to it carries.
#[derive(Debug, Clone)]
pub struct Remote {
    pub(super) endpoint: Uri,
    /// The key's header is marked as sensitive, so that no form of this shows it.
    pub(super) headers: HeaderMap,
}

impl Remote {
    /// The server at `address` (`https://HOST[:PORT][/PATH]`; without a path it is `/mcp`).
    ///
    /// # Errors
    ///
    /// [`RemoteError`] for what is no address, a name or password in it, a key that would travel in the clear to another
    /// machine (unless `insecure`), and values that no header can hold.
    pub fn new(
        address: &str,
        key: Option<&SecretString>,
        narrowing: &Narrowing,
        insecure: bool,
    ) -> Result<Self, RemoteError> {
        let endpoint = endpoint(address)?;
        let is_local = endpoint.host().is_some_and(is_loopback);
        if endpoint.scheme_str() == Some("http") && key.is_some() && !is_local && !insecure {
            return Err(RemoteError::Insecure(
                endpoint.host().unwrap_or_default().to_owned(),
            ));
        }
        let mut headers = HeaderMap::new();
        let fixed = [
            (header::CONTENT_TYPE, "application/json"),
            (header::ACCEPT, "application/json, text/event-stream"),
            (
                header::USER_AGENT,
                concat!("bureau-connect/", env!("CARGO_PKG_VERSION")),
            ),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let value = |what, text: &str| {
            let sound = !text.is_empty() && text.len() <= 200;
            HeaderValue::from_str(text)
                .ok()
                .filter(|value| sound && value.to_str().is_ok())
                .ok_or(RemoteError::Header(what))
        };
        if let Some(key) = key {
            let mut bearer = value("The key", &format!("Bearer {}", key.expose_secret()))?;
            bearer.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, bearer);
        }
        if let Some(workspace) = &narrowing.workspace {
            headers.insert(X_WORKSPACE_SLUG, value("--workspace", workspace)?);
        }
        if !narrowing.features.is_empty() {
            headers.insert(
                X_BUREAU_FEATURES,
                HeaderValue::from_str(&narrowing.features.join(","))
                    .map_err(|_| RemoteError::Header("--features"))?,
            );
        }
        if narrowing.read_only {
            headers.insert(X_BUREAU_READ_ONLY, HeaderValue::from_static("true"));
        }
        Ok(Self { endpoint, headers })
    }

    /// The address as a person knows it, without a query, which may hold a secret.
    #[must_use]
    pub fn shown(&self) -> String {
        let part = |part: Option<&str>| part.unwrap_or_default().to_owned();
        format!(
            "{}://{}{}",
            part(self.endpoint.scheme_str()),
            part(
                self.endpoint
                    .authority()
                    .map(axum::http::uri::Authority::as_str)
            ),
            self.endpoint.path()
        )
    }

    /// Whether the way to the server is open to everyone on it and leads to another machine.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.endpoint.scheme_str() == Some("http") && !self.endpoint.host().is_some_and(is_loopback)
    }
}

fn endpoint(address: &str) -> Result<Uri, RemoteError> {
    let malformed = || RemoteError::Address(shown_address(address));
    let uri: Uri = address.parse().map_err(|_| malformed())?;
    if uri
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'))
    {
        return Err(RemoteError::UserInfo);
    }
    if !matches!(uri.scheme_str(), Some("http" | "https"))
        || uri.host().is_none_or(str::is_empty)
        || address.contains('#')
    {
        return Err(malformed());
    }
    if uri.path() != "/" || uri.query().is_some() {
        return Ok(uri);
    }
    let mut parts = uri.into_parts();
    parts.path_and_query = Some(axum::http::uri::PathAndQuery::from_static("/mcp"));
    Uri::from_parts(parts).map_err(|_| malformed())
}

/// Something that is no address may be a key that was put in its place: the beginning of it is enough to know it again.
fn shown_address(address: &str) -> String {
    if address.chars().count() <= 12 {
        return address.to_owned();
    }
    format!("{}…", address.chars().take(12).collect::<String>())
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// How a name is written in `Mcp-Name`: as it is where a header can hold it, else in the protocol's Base64 form.
pub(super) fn header_text(text: &str) -> Option<HeaderValue> {
    let plain = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
        && text.trim() == text
        && !(text.starts_with("=?base64?") && text.ends_with("?="));
    if plain {
        HeaderValue::from_str(text).ok()
    } else {
        HeaderValue::from_str(&format!("=?base64?{}?=", BASE64.encode(text.as_bytes()))).ok()
    }
}

/// The HTTP client: keeps connections, follows no redirect, goes through no proxy.
pub(super) type Http = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client that trusts the authorities that the platform trusts, or Mozilla's where the platform names none.
///
/// # Errors
///
/// When the TLS library refuses its own defaults.
pub(super) fn client() -> io::Result<Http> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = HttpsConnectorBuilder::new();
    let builder = match builder.with_provider_and_native_roots(Arc::clone(&provider)) {
        Ok(builder) => builder,
        Err(_) => HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(provider)
            .map_err(io::Error::other)?,
    };
    let connector = builder.https_or_http().enable_http1().wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .build(connector))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(address: &str, insecure: bool) -> Result<Remote, RemoteError> {
        let key = SecretString::from("bur_secret");
        Remote::new(address, Some(&key), &Narrowing::default(), insecure)
    }

    #[test]
    fn a_key_goes_in_the_clear_to_this_machine_only() {
        for local in [
            "http://localhost:8787",
            "http://127.0.0.1/mcp",
            "http://[::1]:1/mcp",
            "https://crm.example.com",
        ] {
            assert!(remote(local, false).is_ok(), "{local}");
        }
        for open in [
            "http://crm.example.com",
            "http://192.168.1.5:8787/mcp",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
        ] {
            assert!(
                matches!(remote(open, false), Err(RemoteError::Insecure(_))),
                "{open}"
            );
            assert!(remote(open, true).unwrap().is_open(), "{open}");
        }
        let none = Remote::new("http://crm.example.com", None, &Narrowing::default(), false);
        assert!(none.is_ok(), "without a key there is nothing to read");
    }

    #[test]
    fn an_address_is_whole_and_holds_no_secret() {
        let shown = |address: &str| remote(address, false).map(|remote| remote.shown());
        assert_eq!(
            shown("https://crm.example.com").unwrap(),
            "https://crm.example.com/mcp"
        );
        assert_eq!(
            shown("https://crm.example.com/").unwrap(),
            "https://crm.example.com/mcp"
        );
        assert_eq!(
            shown("https://crm.example.com/a/mcp?token=x").unwrap(),
            "https://crm.example.com/a/mcp"
        );
        assert!(matches!(
            shown("https://me:pw@crm.example.com"),
            Err(RemoteError::UserInfo)
        ));
        for wrong in [
            "crm.example.com",
            "ftp://crm.example.com",
            "https://",
            "/mcp",
            "",
            "bur_0123456789abcdef",
        ] {
            let error = shown(wrong).unwrap_err();
            assert!(matches!(error, RemoteError::Address(_)), "{wrong}");
            assert!(!error.to_string().contains("cdef"), "{error}");
        }
    }

    #[test]
    fn no_form_of_a_remote_shows_the_key() {
        let remote = remote("https://crm.example.com", false).unwrap();
        assert!(!format!("{remote:?}").contains("bur_secret"));
    }

    #[test]
    fn a_name_that_no_header_holds_is_written_in_base64() {
        assert_eq!(header_text("get_contact").unwrap(), "get_contact");
        assert_eq!(header_text("é").unwrap(), "=?base64?w6k=?=");
        assert_eq!(header_text(" a").unwrap(), "=?base64?IGE=?=");
        assert!(
            header_text("=?base64?x?=")
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("=?base64?PT9")
        );
    }
}
