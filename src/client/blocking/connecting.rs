//! Connecting with a blocking stream: RFC 6455 section 4.1.
//!
//! Input: an [`Endpoint`]. Output: a stream on which the handshakes have succeeded, and what was
//! negotiated. Invariant: all of it takes no longer than `Limits::open_ms`, not counting the wait
//! for a permit. What is sent and how answers are judged is left to `open`.

use crate::client::blocking::stream::Stream;
use crate::client::blocking::transport::{Over, Received, Transport, is_timeout};
use crate::client::open::{
    BODY_GRACE_MS, ConnectPermit, Endpoint, Error, Opened, Opening, Progress, Wait,
};
use crate::proto::Role;
use crate::tap::{ConnectionInfo, Tapped};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The other end of a stream without addresses.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Bytes of one read of the answer.
const READ: usize = 4096;

/// Tries the addresses in order; the first that accepts the connection is used.
// req: 6455-4.1-13 6455-7.2.1-01
pub(super) fn open(endpoint: &Endpoint) -> Result<(Stream, Option<Tapped>, Opened), Error> {
    let mut time = Duration::from_millis(endpoint.options.limits.open_ms.into());
    let mut last = Error::TimedOut(Wait::Open);
    let addresses = endpoint.addresses();
    for (at, address) in addresses.iter().enumerate() {
        let _permit = ConnectPermit::wait(endpoint.remote(*address), endpoint.options.handshakes);
        let began = Instant::now();
        // A silent address must not use up the time of those that may answer.
        let share = time / (addresses.len() - at) as u32;
        if share.is_zero() {
            return Err(Error::TimedOut(Wait::Open));
        }
        match TcpStream::connect_timeout(address, share) {
            Ok(tcp) => {
                let set = tcp.set_nodelay(true);
                set.map_err(|error| Error::Lost(Some(error)))?;
                let tap = tapped(endpoint, tcp.local_addr().ok(), *address);
                let exchange = Exchange::new(endpoint, tap.as_ref(), began + time)?;
                let (stream, opened) = shake_hands(tcp.into(), exchange)?;
                return Ok((stream, tap, opened));
            }
            Err(error) if is_timeout(&error) => last = Error::TimedOut(Wait::Open),
            Err(error) => last = Error::Connect(error),
        }
        time = time.saturating_sub(began.elapsed());
    }
    Err(last)
}

/// Through a proxy if there is one, and then through TLS if that is spoken.
// req: 6455-4.1-14
fn shake_hands(mut stream: Stream, mut exchange: Exchange<'_>) -> Result<(Stream, Opened), Error> {
    let (endpoint, deadline) = (exchange.endpoint, exchange.deadline);
    if Opening::is_secure_at_once(endpoint) {
        stream = stream.into_secure(endpoint, deadline)?;
    }
    loop {
        match exchange.run(&stream)? {
            Some(opened) => return Ok((stream, opened)),
            None => stream = stream.into_secure(endpoint, deadline)?,
        }
    }
}

/// The same on a stream that already leads to the server. Only the stream decides when its reads
/// end, so the time limit is checked between them.
pub(super) fn over<S: Read + Write>(
    stream: S,
    endpoint: &Endpoint,
) -> Result<(Over<S>, Option<Tapped>, Opened), Error> {
    let deadline = Instant::now() + Duration::from_millis(endpoint.options.limits.open_ms.into());
    let stream = Over::new(stream);
    let tap = tapped(endpoint, None, NOWHERE);
    let opened = Exchange::new(endpoint, tap.as_ref(), deadline)?.run(&stream)?;
    Ok((stream, tap, opened.ok_or(Error::Secure)?))
}

/// `None` if no time is left: to the system a time limit of zero means no limit.
fn left(deadline: Instant) -> Option<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    (!left.is_zero()).then_some(left)
}

fn tapped(endpoint: &Endpoint, local: Option<SocketAddr>, remote: SocketAddr) -> Option<Tapped> {
    let tap = endpoint.options.tap.clone()?;
    let ends = ConnectionInfo {
        role: Role::Client,
        local,
        remote,
    };
    Some(Tapped::open(tap, &ends))
}

/// What is sent and answered until the WebSocket is open.
struct Exchange<'e> {
    endpoint: &'e Endpoint,
    tap: Option<&'e Tapped>,
    opening: Opening,
    /// What is to be sent next.
    out: Vec<u8>,
    deadline: Instant,
    answered: bool,
    /// Nothing more can be sent. What has come may still say why.
    unsent: Option<io::Error>,
}

impl<'e> Exchange<'e> {
    fn new(
        endpoint: &'e Endpoint,
        tap: Option<&'e Tapped>,
        deadline: Instant,
    ) -> Result<Self, Error> {
        let mut out = Vec::new();
        Ok(Self {
            endpoint,
            tap,
            opening: Opening::new(endpoint, &mut out)?,
            out,
            deadline,
            answered: false,
            unsent: None,
        })
    }

    /// Sends and receives until the WebSocket is open, or, with `None`, until the stream has to be
    /// encrypted first.
    fn run<T: Transport>(&mut self, stream: &T) -> Result<Option<Opened>, Error> {
        loop {
            if self.opening.is_settled() && !self.answered {
                self.answered = true;
                let grace = Instant::now() + Duration::from_millis(BODY_GRACE_MS);
                self.deadline = self.deadline.min(grace);
            }
            let left = left(self.deadline).ok_or_else(|| self.opening.timed_out())?;
            let set = stream.set_read_timeout(Some(left));
            set.map_err(|error| Error::Lost(Some(error)))?;
            self.send(stream)?;
            match self.receive(stream)? {
                Progress::More => {}
                Progress::Secure => return Ok(None),
                Progress::Opened(opened) => return Ok(Some(opened)),
            }
        }
    }

    fn send<T: Transport>(&mut self, stream: &T) -> Result<(), Error> {
        match write(stream, &self.out, self.deadline) {
            Ok(()) => {}
            Err(error) if is_timeout(&error) => return Err(self.opening.timed_out()),
            Err(error) if !T::TIMED => return Err(Error::of_stream(error)),
            Err(error) => self.unsent = Some(error),
        }
        if let Some(tap) = self.tap {
            tap.sent(&self.out);
        }
        self.out.clear();
        Ok(())
    }

    fn receive(&mut self, stream: &impl Transport) -> Result<Progress, Error> {
        let mut buffer = [0; READ];
        match stream.read(&mut buffer) {
            Ok(Received::End) => Err(match self.unsent.take() {
                Some(error) if !self.answered => Error::of_stream(error),
                _ => self.opening.receive_eof(),
            }),
            Ok(Received::Nothing) => Ok(Progress::More),
            Ok(Received::Bytes(n)) => {
                if let Some(tap) = self.tap {
                    tap.received(&buffer[..n]);
                }
                let Self { opening, out, .. } = self;
                opening.receive(self.endpoint, &buffer[..n], out)
            }
            Err(error) if is_timeout(&error) => Err(self.opening.timed_out()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Progress::More),
            Err(error) => Err(Error::of_stream(error)),
        }
    }
}

/// Not `write_all`, which restarts its wait after each part that the server accepts.
fn write(stream: &impl Transport, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        let left = left(deadline).ok_or(io::ErrorKind::TimedOut)?;
        stream.set_write_timeout(Some(left))?;
        match stream.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => bytes = &bytes[n..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    stream.flush()
}
