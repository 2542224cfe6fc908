//! The stream of a client that connects by itself: TCP, perhaps under TLS.
//!
//! Input: a connected socket, and whether TLS is spoken on it. Output: one stream for any number of
//! threads, of which one reads. Invariant: once it is encrypted, nothing leaves unencrypted. TLS is
//! left to `secure`.

#[cfg(not(feature = "tls"))]
use crate::client::blocking::no_secure::Secure;
#[cfg(feature = "tls")]
use crate::client::blocking::secure::Secure;
use crate::client::blocking::transport::{Io, Received};
use crate::client::open::{Endpoint, Error};
#[cfg(feature = "tls")]
use crate::tls::{Acceptor, Connector};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A TCP connection to a server, plain or encrypted (RFC 6455 section 10.6).
///
/// Any number of threads may write, and one read at the same time, by means of a `&Stream`. It
/// blocks, with the timeouts that are set. If a write on an encrypted connection fails or times
/// out, so do all later ones, as a part of a record cannot be withdrawn; what the server has sent
/// can still be read.
#[derive(Debug)]
pub struct Stream(Carrier);

#[derive(Debug)]
enum Carrier {
    Plain(TcpStream),
    #[cfg_attr(not(feature = "tls"), expect(dead_code))]
    Secure(Box<Secure>),
}

impl From<TcpStream> for Stream {
    fn from(tcp: TcpStream) -> Self {
        Self(Carrier::Plain(tcp))
    }
}

impl Stream {
    /// Speaks TLS with the server of this name at the other end of `tcp`, which must prove it.
    /// `host` is that of a URI: a name, or an address without brackets.
    ///
    /// # Errors
    ///
    /// `Error::Tls`; [`Error::TimedOut`] if the handshake takes longer than `time`;
    /// [`Error::Lost`].
    #[cfg(feature = "tls")]
    pub fn secure(
        tcp: TcpStream,
        connector: &Connector,
        host: &str,
        time: Duration,
    ) -> Result<Self, Error> {
        let server = connector.server(host).map_err(Error::Tls)?;
        let secure = Secure::connect(tcp, &server, after(time))?;
        secure.send_owed().map_err(Error::of_stream)?;
        Ok(Self(Carrier::Secure(Box::new(secure))))
    }

    /// Speaks TLS with a client that has connected: the other end of [`Stream::secure`], for
    /// programs that test clients.
    ///
    /// # Errors
    ///
    /// `Error::Tls`; [`Error::TimedOut`] if the handshake takes longer than `time`;
    /// [`Error::Lost`].
    #[cfg(feature = "tls")]
    pub fn accept(tcp: TcpStream, acceptor: &Acceptor, time: Duration) -> Result<Self, Error> {
        let secure = Secure::accept(tcp, acceptor, after(time))?;
        secure.send_owed().map_err(Error::of_stream)?;
        Ok(Self(Carrier::Secure(Box::new(secure))))
    }

    /// Speaks TLS with the server of an endpoint. The end of the handshake may leave with what is
    /// written first.
    pub(super) fn into_secure(self, endpoint: &Endpoint, until: Instant) -> Result<Self, Error> {
        let Carrier::Plain(tcp) = self.0 else {
            return Ok(self);
        };
        #[cfg(feature = "tls")]
        if let Some(server) = endpoint.secure() {
            let secure = Secure::connect(tcp, server, until)?;
            return Ok(Self(Carrier::Secure(Box::new(secure))));
        }
        let _ = (tcp, endpoint, until);
        Err(Error::Secure)
    }

    /// The connection itself, for its addresses and options. Bytes that the caller reads from it or
    /// writes to it corrupt an encrypted stream.
    pub fn tcp(&self) -> &TcpStream {
        match &self.0 {
            Carrier::Plain(tcp) => tcp,
            Carrier::Secure(secure) => secure.tcp(),
        }
    }

    /// The address at the other end.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tcp().peer_addr()
    }

    /// How long reads wait for bytes; `None` for no limit.
    ///
    /// # Errors
    ///
    /// The time is zero.
    pub fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        self.tcp().set_read_timeout(time)
    }

    /// How long writes wait until the system accepts bytes; `None` for no limit.
    ///
    /// # Errors
    ///
    /// The time is zero.
    pub fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        self.tcp().set_write_timeout(time)
    }

    /// Ends one direction or both. The server is told that nothing follows (close_notify, RFC 8446
    /// section 6.1), if the system accepts that at once.
    pub fn shutdown(&self, how: Shutdown) {
        match &self.0 {
            Carrier::Plain(tcp) => Io::shutdown(tcp, how),
            Carrier::Secure(secure) => secure.shutdown(how),
        }
    }
}

/// Longer than any handshake: times beyond it, which the clock may not be able to express, count as
/// this long.
#[cfg(feature = "tls")]
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// When this time is up.
#[cfg(feature = "tls")]
fn after(time: Duration) -> Instant {
    Instant::now() + time.min(YEAR)
}

impl Io for Stream {
    const TIMED: bool = true;

    #[inline]
    fn read(&self, buffer: &mut [u8]) -> io::Result<Received> {
        match &self.0 {
            Carrier::Plain(tcp) => Io::read(tcp, buffer),
            Carrier::Secure(secure) => secure.read(buffer),
        }
    }

    #[inline]
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.0 {
            Carrier::Plain(tcp) => Io::write(tcp, bytes),
            Carrier::Secure(secure) => secure.write(bytes),
        }
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        match &self.0 {
            Carrier::Plain(tcp) => Io::write_all(tcp, bytes),
            Carrier::Secure(secure) => secure.write_all(bytes),
        }
    }

    fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        Self::set_read_timeout(self, time)
    }

    fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        Self::set_write_timeout(self, time)
    }

    fn shutdown(&self, how: Shutdown) {
        Self::shutdown(self, how);
    }
}

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match Io::read(*self, buffer)? {
                Received::Bytes(len) => return Ok(len),
                Received::Nothing => {}
                Received::End => return Ok(0),
            }
        }
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Io::write(*self, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(&mut &*self, buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Io::write(self, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
