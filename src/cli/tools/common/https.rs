//! TLS under the HTTP client of `push` and `bench`.
//!
//! Input: a connection, perhaps through a proxy, and a [`Connector`]. Output: the same under TLS.
//! Invariant: whom to trust is decided as for `wss://`, and what goes wrong is a [`TlsError`].

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::sync::Arc;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector as Connects, Either, LazyBuffers, NextTimeout, Transport,
    TransportAdapter,
};
use wirebell::tls::rustls::pki_types::ServerName;
use wirebell::tls::rustls::{self, ClientConfig, ClientConnection, StreamOwned};
use wirebell::tls::{Connector, TlsError};

/// Speaks TLS with one server, where the URL is `https://…`.
#[derive(Debug)]
pub struct Https(Option<(Arc<ClientConfig>, ServerName<'static>)>);

impl Https {
    /// With this host, or without TLS.
    pub fn new(connector: Option<&Connector>, host: &str) -> Result<Self, TlsError> {
        let server = connector.map(|connector| {
            let name = connector.server_name(host)?;
            Ok((connector.config()?, name))
        });
        server.transpose().map(Self)
    }
}

impl<In: Transport> Connects<In> for Https {
    type Out = Either<In, Encrypted>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(below) = chained else {
            return Ok(None);
        };
        let server = self.0.as_ref().filter(|_| details.needs_tls());
        let Some((config, name)) = server else {
            return Ok(Some(Either::A(below)));
        };
        let clock = Arc::clone(&details.current_time);
        let mut below = TransportAdapter::new(below.boxed(), clock);
        below.set_timeout(details.timeout);
        let client = ClientConnection::new(Arc::clone(config), name.clone());
        let client = client.map_err(|error| io::Error::from(TlsError::from(error)))?;
        let mut stream = StreamOwned::new(client, below);
        stream.conn.complete_io(&mut stream.sock).map_err(error)?;
        let sizes = (
            details.config.input_buffer_size(),
            details.config.output_buffer_size(),
        );
        Ok(Some(Either::B(Encrypted {
            stream,
            buffers: LazyBuffers::new(sizes.0, sizes.1),
        })))
    }
}

/// What rustls says comes as an error of the stream.
fn error(error: io::Error) -> ureq::Error {
    match error.downcast::<rustls::Error>() {
        Ok(error) => io::Error::from(TlsError::from(error)).into(),
        Err(error) => error.into(),
    }
}

/// A connection under TLS.
pub struct Encrypted {
    stream: StreamOwned<ClientConnection, TransportAdapter>,
    buffers: LazyBuffers,
}

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted").finish_non_exhaustive()
    }
}

impl Transport for Encrypted {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let output = &self.buffers.output()[..amount];
        self.stream.write_all(output).map_err(error)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let read = match self.stream.read(self.buffers.input_append_buf()) {
            // A response has an end of its own (RFC 9112 section 6.3): no close_notify is needed.
            Err(end) if end.kind() == io::ErrorKind::UnexpectedEof => 0,
            read => read.map_err(error)?,
        };
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}
