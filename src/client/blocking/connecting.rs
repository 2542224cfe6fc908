//! Connecting with a blocking stream: RFC 6455 section 4.1.
//!
//! Input: an [`Endpoint`]. Output: a stream on which the handshake has succeeded, and what was
//! negotiated. Invariant: all of it takes no longer than `Limits::open_ms`, not counting the wait
//! for a permit. What is sent and how answers are judged is left to `open`.

use crate::client::blocking::transport::{Over, Transport, is_timeout};
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
pub(super) fn open(endpoint: &Endpoint) -> Result<(TcpStream, Option<Tapped>, Opened), Error> {
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
        let deadline = began + time;
        match TcpStream::connect_timeout(address, share) {
            Ok(stream) => {
                let set = stream.set_nodelay(true);
                set.map_err(|error| Error::Lost(Some(error)))?;
                let tap = tapped(endpoint, stream.local_addr().ok(), *address);
                let opened = shake_hands(&stream, endpoint, tap.as_ref(), deadline)?;
                return Ok((stream, tap, opened));
            }
            Err(error) if is_timeout(&error) => last = Error::TimedOut(Wait::Open),
            Err(error) => last = Error::Connect(error),
        }
        time = time.saturating_sub(began.elapsed());
    }
    Err(last)
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
    let opened = shake_hands(&stream, endpoint, tap.as_ref(), deadline)?;
    Ok((stream, tap, opened))
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

fn shake_hands(
    stream: &impl Transport,
    endpoint: &Endpoint,
    tap: Option<&Tapped>,
    deadline: Instant,
) -> Result<Opened, Error> {
    let lost = |error: io::Error| Error::Lost(Some(error));
    let mut out = Vec::new();
    let mut opening = Opening::new(endpoint, &mut out)?;
    let mut buffer = [0; READ];
    let mut deadline = deadline;
    let mut answered = false;
    loop {
        if opening.is_settled() && !answered {
            answered = true;
            deadline = deadline.min(Instant::now() + Duration::from_millis(BODY_GRACE_MS));
        }
        let Some(left) = left(deadline) else {
            return Err(opening.timed_out());
        };
        stream.set_read_timeout(Some(left)).map_err(lost)?;
        write(stream, &out, deadline).map_err(|error| match is_timeout(&error) {
            true => opening.timed_out(),
            false => lost(error),
        })?;
        if let Some(tap) = tap {
            tap.sent(&out);
        }
        out.clear();
        match stream.read(&mut buffer) {
            Ok(0) => return Err(opening.receive_eof()),
            Ok(n) => {
                if let Some(tap) = tap {
                    tap.received(&buffer[..n]);
                }
                match opening.receive(endpoint, &buffer[..n], &mut out)? {
                    Progress::More => {}
                    Progress::Secure => return Err(Error::Secure),
                    Progress::Opened(opened) => return Ok(opened),
                }
            }
            Err(error) if is_timeout(&error) => return Err(opening.timed_out()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(lost(error)),
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
