//! The way to the server: its addresses, TCP to each, and TLS.
//!
//! Input: host and port, and whom to trust. Output: facts. Invariant: a server that is not trusted
//! is asked for its certificate again without verification, and for nothing else.

use crate::cli::tools::common::terminal::one_line;
use crate::cli::tools::doctor::facts::{Connect, Lookup, Tls};
use crate::cli::tools::doctor::target::now;
use crate::cli::tools::doctor::validity::not_after;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};
use wirebell::client::{Proxy, Uri};
use wirebell::tls::rustls::{self, ClientConnection};
use wirebell::tls::{Connector, ConnectorOptions, TlsError, TlsErrorKind};

/// Looks the host up.
pub fn look_up(uri: &Uri) -> Lookup {
    let started = Instant::now();
    let found = (uri.host(), uri.port()).to_socket_addrs();
    let took = started.elapsed();
    let proxy = Proxy::for_http(uri).ok().flatten();
    let (addresses, error) = match found {
        Ok(found) => (found.collect(), None),
        Err(error) => (Vec::new(), Some(one_line(&error.to_string()))),
    };
    Lookup {
        addresses,
        error,
        took,
        ignored_proxy: proxy.map(|proxy| format!("{}:{}", proxy.host(), proxy.port())),
    }
}

/// Connects to each address.
pub fn connect(addresses: &[SocketAddr], timeout: Duration) -> Vec<Connect> {
    let connect = |&address: &SocketAddr| {
        let started = Instant::now();
        let result = TcpStream::connect_timeout(&address, timeout);
        let result = result.map(|_| started.elapsed());
        Connect {
            address,
            result: result.map_err(|error| error.to_string()),
        }
    };
    addresses.iter().map(connect).collect()
}

/// Speaks TLS, as clients do. `insecure` verifies nothing, because the user wants it so.
pub fn encrypt(
    address: SocketAddr,
    connector: &Connector,
    host: &str,
    insecure: bool,
    timeout: Duration,
) -> Tls {
    let mut tls = handshake(address, connector, host, timeout).unwrap_or_else(|error| {
        // Only for its dates.
        let anybody = Connector::new(ConnectorOptions::default().insecure(true));
        let seen = handshake(address, &anybody, host, timeout).unwrap_or_default();
        Tls {
            error: Some(error),
            ..seen
        }
    });
    tls.now = now() / 1000;
    tls.unverified = insecure;
    tls
}

/// Why there is no session.
type Refused = (TlsErrorKind, String);

fn handshake(
    address: SocketAddr,
    connector: &Connector,
    host: &str,
    timeout: Duration,
) -> Result<Tls, Refused> {
    let config = connector.config().map_err(refused)?;
    let name = connector.server_name(host).map_err(refused)?;
    let client = ClientConnection::new(config, name);
    let mut client = client.map_err(|error| refused(error.into()))?;
    let mut tcp = TcpStream::connect_timeout(&address, timeout).map_err(broken)?;
    let _ = tcp.set_read_timeout(Some(timeout));
    let _ = tcp.set_write_timeout(Some(timeout));
    client.complete_io(&mut tcp).map_err(broken)?;
    let chain = client.peer_certificates().unwrap_or_default();
    let version = client.protocol_version();
    let _ = tcp.shutdown(Shutdown::Both);
    Ok(Tls {
        version: version.map_or_else(String::new, |version| format!("{version:?}")),
        ends: chain.iter().filter_map(|one| not_after(one)).min(),
        ..Tls::default()
    })
}

fn refused(error: TlsError) -> Refused {
    (error.kind(), one_line(&error.to_string()))
}

/// What rustls says comes as an error of the stream.
fn broken(error: io::Error) -> Refused {
    match error.downcast::<rustls::Error>() {
        Ok(error) => refused(error.into()),
        Err(error) => {
            let text = format!("the TLS handshake was not completed: {error}");
            (TlsErrorKind::Broken, text)
        }
    }
}
