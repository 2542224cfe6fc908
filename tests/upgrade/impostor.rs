//! Processes that begin to take over and stop at some step, as one that is killed does.
//!
//! Their descriptors are dropped unread, which closes them.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Where to stop.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Connected, and nothing said.
    Connected,
    /// The version is another one.
    OtherVersion,
    /// Nonsense is said.
    Nonsense,
    /// So many messages were received.
    Received(usize),
    /// All were received.
    All,
    /// All were received, and another number of connections is said to be there.
    WrongCount,
    /// All were received, and the answer is cut.
    HalfAnswer,
    /// All were received, and nothing happens any more.
    Hangs,
}

/// Some of them, different ones each time.
pub fn steps(round: usize) -> impl Iterator<Item = Step> {
    let all = [
        Step::Connected,
        Step::OtherVersion,
        Step::Nonsense,
        Step::Received(0),
        Step::Received(1),
        Step::Received(2),
        Step::Received(3 + round),
        Step::All,
        Step::WrongCount,
        Step::HalfAnswer,
    ];
    // It takes its time.
    let hangs = (round == 1).then_some(Step::Hangs);
    all.into_iter().chain(hangs)
}

const HELLO: &[u8] = b"wirebell upgrade 2";

/// Begins, and stops.
pub fn stop_at(socket: &Path, step: Step) {
    let mut stream = UnixStream::connect(socket).expect("the server listens");
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).expect("a time");
    match step {
        Step::Connected => return,
        Step::OtherVersion => {
            send(&mut stream, b'H', b"wirebell upgrade 0");
            let no = receive(&mut stream).expect("an answer");
            assert_eq!(no.0, b'N');
            return;
        }
        Step::Nonsense => {
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            return;
        }
        _ => send(&mut stream, b'H', HELLO),
    }
    let welcome = receive(&mut stream).expect("an answer");
    assert_eq!((welcome.0, &welcome.1[..]), (b'W', HELLO));
    let most = match step {
        Step::Received(count) => count,
        _ => usize::MAX,
    };
    for _ in 0..most {
        let Some((kind, _)) = receive(&mut stream) else {
            panic!("{step:?}: it has ended the conversation");
        };
        if kind == b'E' {
            break;
        }
    }
    match step {
        Step::WrongCount => send(&mut stream, b'D', &u64::MAX.to_le_bytes()),
        Step::HalfAnswer => stream.write_all(b"D\0\0\0\0\x08").expect("it reads"),
        Step::Hangs => {
            assert_eq!(
                receive(&mut stream),
                None,
                "the server ends the conversation"
            );
            let late = stream.write_all(b"D");
            assert!(late.is_err(), "it could still be done");
        }
        _ => {}
    }
}

fn send(stream: &mut UnixStream, kind: u8, content: &[u8]) {
    let mut bytes = vec![kind, 0, 0, 0, 0];
    bytes.extend_from_slice(&(content.len() as u64).to_le_bytes());
    bytes.extend_from_slice(content);
    stream.write_all(&bytes).expect("it reads");
}

/// The next message, without its descriptors.
fn receive(stream: &mut UnixStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 13];
    stream.read_exact(&mut head).ok()?;
    let count = u32::from_le_bytes(*head[1..].first_chunk()?);
    let length = u64::from_le_bytes(*head[5..].first_chunk()?);
    let mut content = vec![0; usize::try_from(length).ok()?];
    stream.read_exact(&mut content).ok()?;
    if count > 0 {
        stream.read_exact(&mut [0]).ok()?;
    }
    Some((head[0], content))
}
