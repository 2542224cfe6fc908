//! Messages between two processes, with descriptors.
//!
//! ```text
//!   kind 1 · descriptors 4 · length 8 · content · one byte with the descriptors, if there are any
//! ```
//!
//! Input: a unix socket. Output: messages. Invariant: whatever the other process sends, memory
//! follows the bytes that arrive, and a message has the descriptors that it announces.

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recvmsg, sendmsg};
#[cfg(target_os = "linux")]
use rustix::process::Uid;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// What both have to say: another version of these messages has another number.
pub const VERSION: &[u8] = b"wirebell upgrade 2";

/// Descriptors of one message: the kernel takes 253.
pub const DESCRIPTORS: usize = 200;

/// Bytes of a message that is not a log.
const LONGEST: u64 = 1 << 40;

/// How long one read or write may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Of the new process: the version.
    Hello = b'H',
    /// Of the old one: the version.
    Welcome = b'W',
    /// Of either: why it does not go on.
    No = b'N',
    /// A listener: its name, a zero, and its path.
    Listener = b'L',
    /// The log.
    Log = b'S',
    /// A key and a value of the store.
    Value = b'V',
    /// Connections: a length and a record for each.
    Connections = b'C',
    /// That is all: the number of connections.
    End = b'E',
    /// Of the new process: how many it has.
    Done = b'D',
}

impl Kind {
    fn of(byte: u8) -> io::Result<Self> {
        let all = [
            Self::Hello,
            Self::Welcome,
            Self::No,
            Self::Listener,
            Self::Log,
            Self::Value,
            Self::Connections,
            Self::End,
            Self::Done,
        ];
        let kind = all.into_iter().find(|kind| *kind as u8 == byte);
        kind.ok_or_else(|| invalid("a message of an unknown kind"))
    }
}

/// A message.
#[derive(Debug)]
pub struct Message {
    pub kind: Kind,
    pub content: Vec<u8>,
    pub descriptors: Vec<OwnedFd>,
}

/// One end of a conversation.
#[derive(Debug)]
pub struct Wire(UnixStream);

impl Wire {
    /// Only a process of the same user, or of root, is spoken with.
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        check_user(&stream)?;
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(stream))
    }

    /// How long the next message may take.
    pub fn set_patience(&self, patience: Duration) -> io::Result<()> {
        self.0.set_read_timeout(Some(patience))
    }

    pub fn send(&mut self, kind: Kind, content: &[u8]) -> io::Result<()> {
        self.send_with(kind, content, &[])
    }

    pub fn send_with(
        &mut self,
        kind: Kind,
        content: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<()> {
        let mut head = vec![kind as u8];
        head.extend_from_slice(&(descriptors.len() as u32).to_le_bytes());
        head.extend_from_slice(&(content.len() as u64).to_le_bytes());
        self.0.write_all(&head)?;
        self.0.write_all(content)?;
        if descriptors.is_empty() {
            return Ok(());
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(invalid("too many descriptors"));
        }
        let sent = retry(|| {
            let byte = [IoSlice::new(b"!")];
            sendmsg(&self.0, &byte, &mut control, SendFlags::NOSIGNAL)
        })?;
        match sent {
            1 => Ok(()),
            _ => Err(ErrorKind::WriteZero.into()),
        }
    }

    /// The next message; [`ErrorKind::UnexpectedEof`] if the other process has gone.
    pub fn receive(&mut self) -> io::Result<Message> {
        let mut head = [0; 13];
        match self.0.read_exact(&mut head) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Err(io::Error::new(error.kind(), "the other process has gone"));
            }
            other => other?,
        }
        let (kind, rest) = (Kind::of(head[0])?, &head[1..]);
        let count = rest.first_chunk().map_or(0, |it| u32::from_le_bytes(*it));
        let length = rest.last_chunk().map_or(0, |it| u64::from_le_bytes(*it));
        if length > LONGEST || count as usize > DESCRIPTORS {
            return Err(invalid("a message that is too long"));
        }
        let mut content = Vec::new();
        (&mut self.0).take(length).read_to_end(&mut content)?;
        if content.len() as u64 != length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let descriptors = match count {
            0 => Vec::new(),
            count => self.descriptors(count as usize)?,
        };
        Ok(Message {
            kind,
            content,
            descriptors,
        })
    }

    fn descriptors(&self, count: usize) -> io::Result<Vec<OwnedFd>> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = retry(|| {
            let mut byte = [0];
            let mut into = [IoSliceMut::new(&mut byte)];
            recvmsg(&self.0, &mut into, &mut control, RecvFlags::CMSG_CLOEXEC)
        })?;
        let rights = control.drain().filter_map(|it| match it {
            RecvAncillaryMessage::ScmRights(rights) => Some(rights),
            _ => None,
        });
        let all: Vec<OwnedFd> = rights.flatten().collect();
        match received.bytes {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ if received.flags.contains(ReturnFlags::CTRUNC) => Err(io::Error::other(
                "this process may not have so many open files",
            )),
            _ if all.len() != count => Err(invalid("a message without its descriptors")),
            _ => Ok(all),
        }
    }

    /// Waits until the other process ends the conversation, but not for ever.
    pub fn wait_for_end(mut self) {
        while self.receive().is_ok() {}
    }

    /// From now on the other process can send nothing. What it has sent can still be received.
    pub fn end(&self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// What is sent over sockets only this side has written.
pub fn borrow(all: &[OwnedFd]) -> Vec<BorrowedFd<'_>> {
    all.iter().map(|one| one.as_fd()).collect()
}

pub fn invalid(problem: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, problem)
}

fn retry<R>(mut call: impl FnMut() -> rustix::io::Result<R>) -> io::Result<R> {
    loop {
        match call() {
            Err(rustix::io::Errno::INTR) => {}
            other => return other.map_err(io::Error::from),
        }
    }
}

/// The file of the socket has mode 0600 as well.
#[cfg(target_os = "linux")]
fn check_user(stream: &UnixStream) -> io::Result<()> {
    let other = rustix::net::sockopt::socket_peercred(stream)?.uid;
    match is_allowed(other, rustix::process::geteuid()) {
        true => Ok(()),
        false => Err(io::Error::new(
            ErrorKind::PermissionDenied,
            format!("a process of another user, {}, is there", other.as_raw()),
        )),
    }
}

// req: push-upgrade-05
#[cfg(target_os = "linux")]
fn is_allowed(other: Uid, own: Uid) -> bool {
    other.is_root() || other == own
}

#[cfg(not(target_os = "linux"))]
fn check_user(_: &UnixStream) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    fn pair() -> (Wire, Wire) {
        let (one, other) = UnixStream::pair().unwrap();
        (Wire::new(one).unwrap(), Wire::new(other).unwrap())
    }

    #[test]
    fn messages_arrive_with_their_descriptors() {
        let (mut one, mut other) = pair();
        let (read, write) = std::io::pipe().unwrap();
        let descriptors = [OwnedFd::from(read), OwnedFd::from(write)];
        one.send(Kind::Hello, VERSION).unwrap();
        one.send_with(Kind::Listener, b"name\0", &borrow(&descriptors))
            .unwrap();
        one.send(Kind::End, &[]).unwrap();
        let hello = other.receive().unwrap();
        assert_eq!((hello.kind, &hello.content[..]), (Kind::Hello, VERSION));
        let mut listener = other.receive().unwrap();
        assert_eq!(listener.content, b"name\0");
        let (write, read) = (listener.descriptors.pop(), listener.descriptors.pop());
        File::from(write.unwrap()).write_all(b"through").unwrap();
        drop(descriptors);
        let mut text = String::new();
        File::from(read.unwrap()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
        assert_eq!(other.receive().unwrap().kind, Kind::End);
        drop(one);
        let gone = other.receive().unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn after_the_end_nothing_can_be_sent_and_all_before_it_is_received() {
        let (mut one, mut other) = pair();
        one.send(Kind::Done, b"3").unwrap();
        other.end();
        assert!(one.send(Kind::Done, b"4").is_err());
        assert_eq!(other.receive().unwrap().content, b"3");
        assert!(other.receive().is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    // req: push-upgrade-05
    fn root_and_the_same_user_are_allowed() {
        let [root, one, other] = [0, 1_000, 1_001].map(Uid::from_raw);
        assert!(is_allowed(one, one) && is_allowed(root, one) && is_allowed(root, root));
        assert!(!is_allowed(other, one) && !is_allowed(one, root));
    }

    #[test]
    fn nonsense_is_refused() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"H\xC9\0\0\0\0\0\0\0\0\0\0\0",
            b"H\0\0\0\0\0\0\0\0\0\0\0\xFF",
            b"H\0\0\0\0\x05\0\0\0\0\0\0\0abc",
        ] {
            let (one, mut other) = pair();
            (&one.0).write_all(bytes).unwrap();
            drop(one);
            assert!(other.receive().is_err());
        }
    }
}
