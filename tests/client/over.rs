//! A client over a stream that is no socket: a pipe in memory.

use crate::net_support::lines::Lines;
use crate::net_support::scripted::{field, switch};
use crate::net_support::{PATIENCE, wait_until};
use crate::support::frames::{Frame, binary, close, frame, ping, pong, take_frame, text, wire};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use wirebell::client::{Client, Error, Options, Over, ProxyChoice, Wait};
use wirebell::{Limits, Message, MessageKind, Role, Violation, client};

/// One direction of the pipe, and whether its writer is gone.
type Line = Arc<(Mutex<(VecDeque<u8>, bool)>, Condvar)>;

/// One end of a pipe in memory. As TLS does, it keeps what is written until it is flushed, and
/// takes little at a time.
struct Pipe {
    from: Line,
    to: Line,
    unflushed: Vec<u8>,
    /// Reads find nothing rather than wait.
    gives_up: bool,
}

fn pipe() -> (Pipe, Pipe) {
    let (one, other) = (Line::default(), Line::default());
    let end = |from: &Line, to: &Line| Pipe {
        from: from.clone(),
        to: to.clone(),
        unflushed: Vec::new(),
        gives_up: false,
    };
    (end(&one, &other), end(&other, &one))
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (line, changed) = &*self.from;
        let mut line = line.lock().unwrap();
        while line.0.is_empty() && !line.1 {
            if self.gives_up {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let (woken, late) = changed.wait_timeout(line, PATIENCE).unwrap();
            assert!(!late.timed_out(), "nothing came");
            line = woken;
        }
        line.0.read(buffer)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let some = &bytes[..bytes.len().min(1000)];
        self.unflushed.extend_from_slice(some);
        Ok(some.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let (line, changed) = &*self.to;
        line.lock().unwrap().0.extend(self.unflushed.drain(..));
        changed.notify_all();
        Ok(())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let (line, changed) = &*self.to;
        line.lock().unwrap().1 = true;
        changed.notify_all();
    }
}

/// The server's end.
struct Peer {
    pipe: Pipe,
    input: Vec<u8>,
}

impl Peer {
    /// Reads once; false at the end.
    fn fill(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let n = self.pipe.read(&mut buffer).unwrap();
        self.input.extend_from_slice(&buffer[..n]);
        n > 0
    }

    fn head(&mut self) -> String {
        while !self.input.ends_with(b"\r\n\r\n") {
            assert!(self.fill(), "the end inside a head");
        }
        String::from_utf8(self.input.drain(..).collect()).unwrap()
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.pipe.write_all(bytes.as_ref()).unwrap();
        self.pipe.flush().unwrap();
    }

    fn send_frames(&mut self, frames: &[Frame]) {
        self.send(wire(Role::Client, frames));
    }

    #[track_caller]
    fn frame(&mut self) -> Frame {
        loop {
            if let Some((sent, len)) = take_frame(&self.input) {
                self.input.drain(..len);
                assert!(sent.key.is_some(), "a client masks everything");
                return sent.frame();
            }
            assert!(self.fill(), "a frame, not the end");
        }
    }

    #[track_caller]
    fn expect(&mut self, expected: &Frame) {
        assert_eq!(self.frame(), *expected);
    }

    #[track_caller]
    fn expect_end(&mut self) {
        assert!(!self.fill() && self.input.is_empty(), "more came");
    }
}

/// Opens over a pipe to a server that opens and follows the script, and then checks the client.
fn with(
    options: Options,
    script: impl FnOnce(&mut Peer) + Send,
    check: impl FnOnce(Client<Over<Pipe>>),
) {
    let (ours, theirs) = pipe();
    thread::scope(|scope| {
        scope.spawn(move || {
            let pipe = theirs;
            let input = Vec::new();
            let mut peer = Peer { pipe, input };
            let head = peer.head();
            assert!(head.starts_with("GET /chat?room=1 HTTP/1.1\r\n"), "{head}");
            assert_eq!(field(&head, "Host"), Some("example.org"));
            let answer = switch(&head, "Sec-WebSocket-Protocol: chat\r\n");
            peer.send(answer);
            script(&mut peer);
        });
        let subprotocols = vec!["mail".to_owned(), "chat".to_owned()];
        let options = options.subprotocols(subprotocols);
        let client = Client::over(ours, "wss://example.org/chat?room=1", options).unwrap();
        assert_eq!(client.subprotocol(), Some("chat"));
        check(client);
    });
}

#[test]
fn messages_go_both_ways_and_the_stream_comes_back() {
    let seen = Arc::new(Lines::default());
    // Who connects goes through the proxy, and that was the caller.
    let proxy = ProxyChoice::Proxy("http://proxy.example".parse().unwrap());
    let options = Options::default().proxy(proxy).tap(Some(seen.clone()));
    let script = |peer: &mut Peer| {
        peer.expect(&text("hello"));
        peer.expect(&binary(&[7; 100_000]));
        peer.send_frames(&[ping(b"p"), text("hello"), binary(&[9; 300_000])]);
        peer.expect(&pong(b"p"));
        peer.expect(&frame(0x01, b"in "));
        peer.expect(&frame(0x80, b"parts"));
        peer.send_frames(&[close(1000, "bye")]);
        peer.expect(&close(1000, ""));
        peer.send("behind the end");
        assert!(peer.fill());
        assert_eq!(peer.input, b"good night");
        peer.input.clear();
        peer.expect_end();
    };
    with(options, script, |mut client| {
        client.send(Message::text("hello")).unwrap();
        client.send(Message::binary(&[7; 100_000])).unwrap();
        assert_eq!(client.receive().unwrap(), Some(Message::text("hello")));
        assert!(client.receive().unwrap() == Some(Message::binary(&[9; 300_000])));
        let mut message = client.begin(MessageKind::Text);
        message.send(b"in ").unwrap();
        message.finish(b"parts").unwrap();
        assert_eq!(client.receive().unwrap(), None);
        assert_eq!(client.closed().unwrap().reason, "bye");
        assert_eq!(client.receive().unwrap(), None);
        assert!(client.send(Message::text("late")).is_err());

        let mut stream = client.into_stream();
        let mut rest = [0; 14];
        stream.read_exact(&mut rest).unwrap();
        assert_eq!(&rest, b"behind the end");
        stream.write_all(b"good night").unwrap();
        stream.flush().unwrap();
    });
    let line = seen.of("0.0.0.0:0".parse().unwrap());
    assert!(line.closed && line.ends.local.is_none());
    assert!(line.sent.starts_with(b"GET /chat"));
    assert!(line.received.ends_with(b"bye"), "not what is not ours");
}

/// All time limits are those of the stream.
#[test]
fn a_read_that_gives_up_is_a_receive_that_does() {
    let limits = client::Limits::default().protocol(Limits::default().ping_ms(1));
    let script = |peer: &mut Peer| {
        let asked = peer.frame();
        assert_eq!(asked.first, 0x89, "a silent server is asked");
        let half = frame(0x01, b"half ");
        peer.send_frames(&[pong(&asked.payload), text("here"), half]);
        let more = std::iter::repeat_with(|| peer.frame()).find(|frame| frame.first != 0x89);
        assert_eq!(more, Some(text("more")));
        peer.send_frames(&[frame(0x80, b"a message")]);
        while peer.fill() {}
    };
    let options = Options::default().limits(limits);
    with(options, script, |mut client| {
        client.stream_mut().gives_up = true;
        wait_until("an answer", || match client.receive() {
            Err(Error::TimedOut(Wait::Receive)) => false,
            other => {
                assert_eq!(other.unwrap(), Some(Message::text("here")));
                true
            }
        });
        // In the midst of a message, too.
        let half = client.receive();
        assert!(matches!(half, Err(Error::TimedOut(Wait::Receive))));
        client.stream_mut().gives_up = false;
        client.send(Message::text("more")).unwrap();
        let whole = client.receive().unwrap();
        assert_eq!(whole, Some(Message::text("half a message")));
    });
}

#[test]
fn a_server_that_is_silent_for_too_long_is_given_up() {
    let limits = client::Limits::default().protocol(Limits::default().ping_ms(1).pong_ms(1));
    let options = Options::default().limits(limits);
    let script = |peer: &mut Peer| while peer.fill() {};
    with(options, script, |mut client| {
        client.stream_mut().gives_up = true;
        wait_until("the end", || match client.receive() {
            Err(Error::TimedOut(Wait::Receive)) => false,
            Err(Error::TimedOut(Wait::Pong)) => true,
            other => panic!("{other:?}"),
        });
        assert!(matches!(client.receive(), Err(Error::Lost(None))));
    });
}

/// The stream is not touched any more, whatever is in it.
#[test]
fn a_broken_rule_ends_the_connection_and_not_the_stream() {
    let script = |peer: &mut Peer| {
        let wrong = text("masked").wrong_mask().to(Role::Client);
        peer.send([wrong, b"more".to_vec()].concat());
        let said = peer.frame();
        assert_eq!((said.first, &said.payload[..2]), (0x88, &[3, 234][..]));
        peer.send("and more");
    };
    with(Options::default(), script, |mut client| {
        match client.receive() {
            Err(Error::Violation(Violation::MaskedFrame)) => {}
            other => panic!("{other:?}"),
        }
        for _ in 0..3 {
            assert!(matches!(client.receive(), Err(Error::Lost(None))));
        }
        let mut stream = client.into_stream();
        let mut rest = [0; 8];
        stream.read_exact(&mut rest).unwrap();
        assert_eq!(&rest, b"and more");
    });
}

#[test]
fn a_handshake_ends_when_the_stream_wants_it_to() {
    let (mut ours, theirs) = pipe();
    ours.gives_up = true;
    match Client::over(ours, "ws://example.org/", Options::default()) {
        Err(Error::TimedOut(Wait::Open)) => {}
        other => panic!("{other:?}"),
    }
    drop(theirs);

    let (ours, theirs) = pipe();
    drop(theirs);
    match Client::over(ours, "ws://example.org/", Options::default()) {
        Err(Error::Lost(None)) => {}
        other => panic!("{other:?}"),
    }
}
