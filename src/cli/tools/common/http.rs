//! The HTTP client of `push` and `bench`: which proxy, which responses, how they are reported.
//!
//! Input: a URL, then a response. Output: an agent, then what the response says. Invariant: a
//! redirect is never followed, since after 301, 302 or 303 the message would be lost, and no other
//! host gets the key; text of a server is shown escaped and truncated.

use crate::cli::common::Failure;
use crate::cli::tools::common::https::Https;
use crate::cli::tools::common::terminal::{excerpt, one_line};
use crate::cli::tools::common::tls::insecure;
use std::io::Read as _;
use std::time::{Duration, SystemTime};
use ureq::http::Response;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector as _, DefaultConnector};
use ureq::{Agent, Body};
use wirebell::client::{Proxy, Uri};
use wirebell::tls::{Connector, TlsError};

/// How much of a response is read: more than an error page needs.
const MAX_ANSWER: u64 = 16 * 1024;

/// The URI of a WebSocket on the server of an `http://…` or `https://…` URL.
pub fn socket_uri(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => format!("wss://{rest}"),
        Some((_, rest)) => format!("ws://{rest}"),
        None => format!("ws://{url}"),
    }
}

/// Whether this is the URL of an HTTP server.
pub fn is_http(url: &str) -> bool {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str())
}

/// An agent for the server of `url`, and the proxy, if there is one. The rules for proxies are
/// those of `connect`.
pub fn agent(
    url: &str,
    timeout: Duration,
    tls: Option<&Connector>,
) -> Result<(Agent, Option<Proxy>), Failure> {
    let uri: Uri = socket_uri(url)
        .parse()
        .map_err(|error| Failure::usage(format!("{url}: {error}")))?;
    let proxy = Proxy::for_http(&uri).map_err(|error| {
        Failure::usage(format!("http_proxy, https_proxy or all_proxy: {error}"))
    })?;
    let https = Https::new(tls, uri.host()).map_err(|error| insecure(&error))?;
    let through = match &proxy {
        None => None,
        Some(proxy) => Some(ureq_proxy(proxy)?),
    };
    let config = Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(through)
        .user_agent(concat!("wirebell/", env!("CARGO_PKG_VERSION")))
        .build();
    let connector = DefaultConnector::new().chain(https);
    let agent = Agent::with_parts(config, connector, DefaultResolver::default());
    Ok((agent, proxy))
}

/// What ended TLS, if that is what an error is about.
pub fn tls_error(error: &ureq::Error) -> Option<&TlsError> {
    match error {
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    }
}

fn ureq_proxy(proxy: &Proxy) -> Result<ureq::Proxy, Failure> {
    let mut builder = ureq::Proxy::builder(ureq::ProxyProtocol::Http)
        .host(proxy.host())
        .port(proxy.port());
    if let Some((user, password)) = proxy.credentials() {
        builder = builder.username(&user).password(&password);
    }
    let what = |error| Failure::usage(format!("the proxy {}: {error}", proxy.host()));
    builder.build().map_err(what)
}

/// A topic, percent-encoded as one segment of a path (RFC 3986 section 2).
pub fn segment(topic: &str) -> String {
    let mut path = String::new();
    for byte in topic.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => path.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => path.push(byte.into()),
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

/// A response, read as far as it is shown.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    encoding: Option<String>,
    location: Option<String>,
    retry_after: Option<String>,
}

impl Answer {
    pub fn read(response: Response<Body>) -> Self {
        Self::read_at_most(response, MAX_ANSWER)
    }

    /// Reads at most this much of the body.
    pub fn read_at_most(mut response: Response<Body>, most: u64) -> Self {
        let field = |name: &str| {
            let value = response.headers().get(name);
            value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let mut answer = Self {
            status: response.status().as_u16(),
            body: Vec::new(),
            encoding: field("Content-Encoding"),
            location: field("Location"),
            retry_after: field("Retry-After"),
        };
        // A truncated body is shown as far as it was received.
        let reader = response.body_mut().as_reader();
        let _ = reader.take(most).read_to_end(&mut answer.body);
        answer
    }

    /// The status and the start of the body; for a redirect, its target.
    pub fn describe(&self) -> String {
        let text = format!("HTTP status {}", self.status);
        match &self.location {
            Some(to) if (300..=399).contains(&self.status) => {
                format!("{text}, which redirects to {}", one_line(to))
            }
            _ => text + &excerpt(self.encoding.as_deref(), &self.body),
        }
    }

    /// How long the server asks clients to wait: RFC 9110 section 10.2.3.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self.retry_after.as_deref()?, SystemTime::now())
    }
}

fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // Even more digits than a number can hold mean a long time.
        return Some(Duration::from_secs(
            value.parse().unwrap_or(u32::MAX.into()),
        ));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_segments_of_paths() {
        assert_eq!(segment("orders.eu-1"), "orders.eu-1");
        assert_eq!(segment("größe.50%"), "gr%C3%B6%C3%9Fe.50%25");
    }

    #[test]
    fn waits_that_a_server_asks_for() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let rows = [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("99999999999999999999999", Some(u64::from(u32::MAX))),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sunday, 06-Nov-94 08:49:38 GMT", Some(1)),
            ("Sun, 06 Nov 1994 08:49:36 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ];
        for (value, seconds) in rows {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(value, now), expected, "{value}");
        }
    }
}
