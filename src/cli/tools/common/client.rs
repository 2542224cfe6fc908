//! What the commands that connect to a server share: their credentials, the header fields they
//! send, and their exit status when the connection fails.
//!
//! Input: flags, or an error of the client. Output: header fields, or a [`Failure`] with its exit
//! status. Invariant: a field that cannot be sent is refused before anything is sent. Connecting
//! itself is left to the commands.

use crate::cli::common::Failure;
use crate::cli::tools::common::failure::{refused, timed_out};
use crate::cli::tools::common::terminal::{excerpt, one_line};
use crate::cli::tools::common::tls::insecure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use wirebell::client::{Error, Proxy};
use wirebell::http::is_token;

/// The credentials of the client.
#[derive(Debug, Args)]
pub struct Credentials {
    /// Send `Authorization: Basic` with this user and password
    #[arg(
        long,
        value_name = "USER:PASS",
        env = "WIREBELL_AUTH",
        hide_env_values = true
    )]
    #[arg(conflicts_with = "token")]
    pub auth: Option<String>,

    /// Send `Authorization: Bearer` with this token
    #[arg(
        long,
        value_name = "TOKEN",
        env = "WIREBELL_TOKEN",
        hide_env_values = true
    )]
    pub token: Option<String>,
}

impl Credentials {
    /// Moves `user:password@` from a URL into `auth`, percent-decoded, as other clients of HTTP do:
    /// a WebSocket URI names no user (RFC 6455 section 3), and no message then shows the password.
    pub fn take_from(&mut self, url: &mut String) -> Result<(), Failure> {
        let start = url.find("://").map_or(0, |at| at + 3);
        let rest = &url[start..];
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let Some(at) = rest[..end].rfind('@') else {
            return Ok(());
        };
        // The same syntax as that of a proxy's credentials.
        let proxy: Result<Proxy, _> = format!("http://{}@host", &rest[..at]).parse();
        let pair = proxy.ok().and_then(|proxy| proxy.credentials());
        let Some((user, password)) = pair.filter(|_| at > 0) else {
            let what = "the user in the URL is empty or has a % without two hexadecimal digits";
            return Err(Failure::usage(what.into()));
        };
        if self.auth.is_some() || self.token.is_some() {
            let what = "the URL names a user: leave out --auth and --token, and their variables";
            return Err(Failure::usage(what.into()));
        }
        self.auth = Some(format!("{user}:{password}"));
        url.replace_range(start..=start + at, "");
        Ok(())
    }

    /// The header field with the credentials.
    pub fn field(&self) -> Result<Option<(String, String)>, Failure> {
        let value = match (&self.auth, &self.token) {
            (Some(pair), _) if pair.contains(':') => format!("Basic {}", STANDARD.encode(pair)),
            (Some(_), _) => return Err(Failure::usage("--auth: write USER:PASS".into())),
            (None, Some(token)) => format!("Bearer {token}"),
            (None, None) => return Ok(None),
        };
        Ok(Some(("Authorization".into(), value)))
    }
}

/// What went wrong, as an exit status.
pub fn failure(error: Error) -> Failure {
    failure_of(&error)
}

/// The same, of a borrowed error.
pub fn failure_of(error: &Error) -> Failure {
    let text = one_line(&error.to_string());
    match error {
        Error::Uri(_) | Error::Secure | Error::ProxySetting(_) => Failure::usage(text),
        Error::Tls(error) => insecure(error),
        Error::Lookup(_) | Error::Connect(_) | Error::NotHttp(_) => refused(text),
        Error::Answer(answer) | Error::Proxy(answer) => {
            let hint = match (error, answer.status) {
                (Error::Answer(_), 401) => "; use --auth, --token or --header",
                _ => "",
            };
            let said = excerpt(answer.field("Content-Encoding"), &answer.body);
            refused(format!("{text}{said}{hint}"))
        }
        Error::TimedOut(_) => timed_out(text),
        _ => Failure::failed(text),
    }
}

/// A hint for a field that the handshake sends itself.
fn instead_of(name: &str) -> Option<&'static str> {
    const ITSELF: &str = "the handshake sends it itself";
    const OWN: [(&str, &str); 10] = [
        ("Content-Length", "a handshake has no body"),
        ("Transfer-Encoding", "a handshake has no body"),
        ("Sec-WebSocket-Protocol", "offer it with --subprotocol"),
        (
            "Sec-WebSocket-Extensions",
            "choose compression with --deflate",
        ),
        ("Sec-WebSocket-Key", ITSELF),
        ("Sec-WebSocket-Version", ITSELF),
        ("Sec-WebSocket-Accept", ITSELF),
        (
            "Origin",
            "send it with --origin, where the command has that",
        ),
        ("Upgrade", ITSELF),
        ("Connection", ITSELF),
    ];
    let own = OWN.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
    own.map(|(_, hint)| *hint)
}

/// Why a field cannot be in a request.
fn unsendable(name: &str, value: &str) -> Option<&'static str> {
    let is_visible = |byte: u8| byte == b'\t' || (b' '..0x7F).contains(&byte);
    match (is_token(name), value.bytes().all(is_visible)) {
        (false, _) => Some("its name is not a token: letters, digits and a few symbols"),
        (_, false) => Some("a value must be ASCII without control characters"),
        _ => None,
    }
}

/// The fields of `--header`.
pub fn header_fields(headers: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let field = |header: &String| match header.split_once(':') {
        Some((name, value)) => {
            let name = name.trim();
            let hint = instead_of(name).or_else(|| unsendable(name, value.trim()));
            match hint {
                Some(hint) => Err(Failure::usage(format!("--header {name}: {hint}"))),
                None => Ok((name.to_owned(), value.trim().to_owned())),
            }
        }
        None => {
            let text = format!("--header {header}: write it as 'Name: value'");
            Err(Failure::usage(text))
        }
    };
    headers.iter().map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(url: &str, token: Option<&str>) -> Option<(String, Option<String>)> {
        let mut credentials = Credentials {
            auth: None,
            token: token.map(str::to_owned),
        };
        let mut url = url.to_owned();
        credentials.take_from(&mut url).ok()?;
        Some((url, credentials.auth))
    }

    #[test]
    fn the_user_of_a_url_is_taken_from_it() {
        for (url, rest, auth) in [
            ("ws://a/", "ws://a/", None),
            ("ws://a/b@c?d@e#f@g", "ws://a/b@c?d@e#f@g", None),
            ("wss://me:word@a:1/x@y", "wss://a:1/x@y", Some("me:word")),
            ("http://me@[::1]:8080", "http://[::1]:8080", Some("me:")),
            ("ws://m%40e:p%3Aq@r@a?x", "ws://a?x", Some("m@e:p:q@r")),
        ] {
            let expected = Some((rest.to_owned(), auth.map(str::to_owned)));
            assert_eq!(taken(url, None), expected, "{url}");
        }
        for url in ["ws://@a/", "ws://me:%@a/", "ws://me:%4x@a/"] {
            assert_eq!(taken(url, None), None, "{url}");
        }
        assert_eq!(taken("ws://me:word@a/", Some("secret")), None);
        assert!(taken("ws://a/", Some("secret")).is_some());
    }
}
