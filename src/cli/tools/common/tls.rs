//! TLS of the commands that connect: whom they trust, who they are, and what to do when a server is
//! not to be trusted (RFC 6455 section 10.6).
//!
//! Input: flags, and a URL. Output: a [`Connector`] for `wss://` and `https://`, or a [`Failure`]
//! that names the flag that helps. Invariant: a server is trusted without verification only after a
//! line on stderr has said so. The handshake itself is left to the library.

use crate::cli::common::Failure;
use crate::cli::tools::common::failure::{refused, within};
use crate::cli::tools::common::terminal::one_line;
use clap::{Arg, Args};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;
use wirebell::client::{Error, Stream};
use wirebell::tls::{
    Authorities, Connector, ConnectorOptions, Identity, TlsError, TlsErrorKind as Kind,
};

/// How a client speaks TLS.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS, for wss:// and https://")]
pub struct TlsFlags {
    /// Trust the servers whose certificates are in this PEM file or signed by one in it, instead
    /// of those that the system trusts
    #[arg(long, value_name = "FILE", env = "WIREBELL_CA_FILE")]
    pub ca_file: Option<PathBuf>,

    /// Trust every server: any machine in between can read and change everything
    #[arg(short = 'k', long)]
    pub insecure: bool,

    /// The certificate for servers that ask for one, followed by those that lead to its
    /// authority: a PEM file
    #[arg(long, value_name = "FILE", env = "WIREBELL_CLIENT_CERT")]
    #[arg(requires = "client_key")]
    pub client_cert: Option<PathBuf>,

    /// The key of that certificate: a PEM file
    #[arg(long, value_name = "FILE", env = "WIREBELL_CLIENT_KEY")]
    #[arg(requires = "client_cert")]
    pub client_key: Option<PathBuf>,

    /// The name that the server must prove, instead of the host of the URL
    #[arg(long, value_name = "NAME")]
    pub tls_server_name: Option<String>,
}

impl TlsFlags {
    /// For servers that are reached through TLS; `None` if this one is not.
    pub fn connector(&self, url: &str) -> Result<Option<Connector>, Failure> {
        if !is_secure(url) {
            return Ok(None);
        }
        if self.insecure {
            eprintln!("wirebell: --insecure: the server is not verified, and may be another one");
        }
        let authorities = self.ca_file.as_ref().filter(|_| !self.insecure);
        let authorities = authorities.map(Authorities::from_file).transpose();
        let identity = self.client_cert.as_ref().zip(self.client_key.as_ref());
        let identity = identity.map(|(chain, key)| Identity::from_files(chain, key));
        let options = ConnectorOptions::default()
            .authorities(authorities.map_err(|error| wrong("--ca-file", &error))?)
            .insecure(self.insecure)
            .identity(
                identity
                    .transpose()
                    .map_err(|error| wrong("--client-cert", &error))?,
            )
            .server_name(self.tls_server_name.clone())
            .key_log(true);
        Ok(Some(Connector::new(options)))
    }
}

/// Also gives the flags of the client's certificate short names, in commands that have no other
/// `--key`.
pub fn with_short_names(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "client_cert" => arg.visible_alias("cert"),
        "client_key" => arg.visible_alias("key"),
        _ => arg,
    }
}

/// A connection on which nothing is sent unencrypted if TLS is spoken: with whom to trust, and the
/// host that the certificate is for. Each step may take `timeout`.
pub fn connect(
    address: SocketAddr,
    tls: Option<(&Connector, &str)>,
    timeout: Duration,
) -> Result<Stream, Error> {
    let tcp = TcpStream::connect_timeout(&address, timeout).map_err(Error::Connect)?;
    // Without it what is asked takes longer, nothing else.
    let _ = tcp.set_nodelay(true);
    match tls {
        None => Ok(tcp.into()),
        Some((connector, host)) => Stream::secure(tcp, connector, host, timeout),
    }
}

/// `wss://` or `https://`.
pub fn is_secure(url: &str) -> bool {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    ["wss", "https"]
        .iter()
        .any(|one| scheme.eq_ignore_ascii_case(one))
}

fn wrong(flag: &str, error: &TlsError) -> Failure {
    within(flag, Failure::usage(error.to_string()))
}

/// No TLS with a server: what went wrong, and what to do.
pub fn insecure(error: &TlsError) -> Failure {
    let text = one_line(&format!("no secure connection: {error}"));
    let hint = match error.kind() {
        Kind::Setup => return Failure::usage(format!("{text} (--ca-file FILE)")),
        Kind::Untrusted => "; if it should be trusted, name its authority with --ca-file FILE",
        Kind::WrongName => "; if it is the right server, use --tls-server-name NAME",
        Kind::NotTls => "; is it ws:// or http://?",
        // RFC 8446 section 6: handshake_failure, and all about certificates.
        Kind::Alert(40 | 42..=46 | 48 | 49 | 116) => "; see --client-cert",
        _ => "",
    };
    refused(text + hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_urls_are_secure() {
        for (url, expected) in [
            ("wss://a/", true),
            ("HTTPS://a", true),
            ("ws://a/", false),
            ("http://wss://a", false),
            ("a", false),
        ] {
            assert_eq!(is_secure(url), expected, "{url}");
        }
    }
}
