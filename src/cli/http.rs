//! Requests over plain HTTP, for the commands that publish: one agent, one way to read answers.
//!
//! Input: where to, and how long to wait. Output: an agent that goes the way `connect` goes, so
//! with the same proxies, and follows no redirect: what is published with POST would be lost in
//! the GET that mostly follows (RFC 9110 section 15.4).

use crate::cli::Failure;
use crate::cli::connect::{excerpt, visible};
use std::time::{Duration, SystemTime};
use ureq::http::HeaderMap;
use ureq::{Agent, Body, http::Response};
use wirebell::client::{ProxyChoice, Uri};

/// Bytes of an answer that are read.
const MAX_ANSWER: u64 = 16 * 1024;

/// The longest wait that a server may ask for; whoever wants more is not waited for so long.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// What was answered, as far as somebody wants to know it.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// Where a redirect points, made visible.
    pub location: Option<String>,
    /// How long the server asks to wait (RFC 9110 section 10.2.3).
    pub retry_after: Option<Duration>,
    /// The body is compressed or not text: nothing to show.
    opaque: bool,
}

/// An agent for requests to `url`, none of which takes longer than `timeout`.
pub fn agent(url: &str, timeout: Duration) -> Result<Agent, Failure> {
    let config = Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(proxy(url)?)
        .user_agent(concat!("wirebell/", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(config.into())
}

/// The proxy on the way, by the rules of the WebSocket client.
fn proxy(url: &str) -> Result<Option<ureq::Proxy>, Failure> {
    let wrong = |error: String| Failure::Usage(format!("{url}: {error}"));
    let socket = url.replacen("http", "ws", 1);
    let uri: Uri = socket.parse().map_err(|error| wrong(format!("{error}")))?;
    let choice = ProxyChoice::Environment;
    let proxy = choice
        .resolve(&uri)
        .map_err(|error| wrong(error.to_string()))?;
    let Some(proxy) = proxy else {
        return Ok(None);
    };
    let mut builder = ureq::Proxy::builder(ureq::ProxyProtocol::Http)
        .host(proxy.host())
        .port(proxy.port());
    if let Some((user, password)) = proxy.credentials() {
        builder = builder.username(&user).password(&password);
    }
    let built = builder.build().map_err(|error| wrong(error.to_string()))?;
    Ok(Some(built))
}

impl Answer {
    /// Reads an answer to its end, so that the connection serves the next request.
    pub fn read(mut response: Response<Body>) -> Self {
        let headers = response.headers();
        let text = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
        let encoding = text("Content-Encoding").unwrap_or_default();
        let opaque = !matches!(encoding.trim(), "" | "identity");
        let location = text("Location").map(|location| visible(&location));
        let retry_after = retry_after(headers, SystemTime::now());
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(MAX_ANSWER);
        Self {
            status,
            body: body.read_to_vec().unwrap_or_default(),
            location,
            retry_after,
            opaque,
        }
    }

    /// The first line of the body, if it can be read, with a colon before it.
    pub fn said(&self) -> String {
        match self.opaque || std::str::from_utf8(&self.body).is_err() {
            true => String::new(),
            false => excerpt(&self.body),
        }
    }
}

/// Seconds, or a date, from which the wait is reckoned.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get("Retry-After")?.to_str().ok()?.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = httpdate::parse_http_date(value).ok()?;
            date.duration_since(now).unwrap_or_default()
        }
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_retry_after() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:30 GMT").unwrap();
        let rows = [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("99999999999", Some(300)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ];
        for (value, seconds) in rows {
            let mut headers = HeaderMap::new();
            headers.insert("Retry-After", value.parse().unwrap());
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(&headers, now), expected, "{value}");
        }
    }
}
