//! The protocol core on a machine without an operating system: a whole session, from the opening
//! handshake to the close, in buffers on the stack.
//!
//! There is no `std` to link, or the panic handler below would be a second one; and no allocator,
//! or `alloc` would ask for one. So this builds only as long as the core needs neither.
#![no_std]

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use wirebell::handshake::{UpgradeRequest, ClientHandshake, Refused};
use wirebell::http::{EMPTY_FIELD, Fields, HeadLimits, HeadReader};
use wirebell::http::{MAX_FIELDS, RequestHead, ResponseHead};
use wirebell::wire::{Entropy, NoEntropy};
use wirebell::{CloseCode, Connection, Event, MessageKind, Limits, Outbox, Role};

#[cfg(target_os = "none")]
pub mod board;
#[path = "../../embedded/endpoint.rs"]
pub mod endpoint;
pub mod script;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    #[cfg(target_os = "none")]
    board::failed();
    #[cfg(not(target_os = "none"))]
    loop {}
}

struct Buffer<'b> {
    bytes: &'b mut [u8],
    len: usize,
}

impl Write for Buffer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.len..self.len + text.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

struct Counter(u8);

impl Entropy for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
    }
}

/// Opens, sends `payload` from a client to a server, closes. Returns the bytes that arrived.
#[unsafe(no_mangle)]
pub extern "C" fn wirebell_session(payload: u8) -> usize {
    session(&[payload; 32]).unwrap_or_default()
}

fn session(payload: &[u8]) -> Option<usize> {
    open()?;
    refuse()?;
    let limits = Limits::DEFAULT;
    let mut client = Connection::new(Role::Client, &limits, 0);
    let mut server = Connection::new(Role::Server, &limits, 0);
    let (mut outbox, mut entropy) = (Outbox::new(), Counter(0));
    let mut wire = [0; 512];
    let length = payload.len() as u64;
    let (header, mask) = client.begin(MessageKind::Binary, length, true, &mut entropy).ok()?;
    wire[..header.len()].copy_from_slice(&header);
    let mut end = header.len() + payload.len();
    wire[header.len()..end].copy_from_slice(payload);
    mask?.apply(&mut wire[header.len()..end]);
    client.close(Some(CloseCode::NORMAL), "", &mut outbox).ok()?;
    end += client.transmit(&mut outbox, &mut wire[end..], &mut entropy);
    let mut arrived = 0;
    let mut rest = &mut wire[..end];
    while !rest.is_empty() {
        let received = server.receive(rest, &mut outbox);
        let consumed = received.consumed;
        if let Some(Event::Piece(piece)) = received.event {
            arrived += piece.bytes.len();
        }
        rest = &mut rest[consumed..];
    }
    let mut reply = [0; 256];
    let end = server.transmit(&mut outbox, &mut reply, &mut NoEntropy);
    client.receive(&mut reply[..end], &mut outbox);
    Some(arrived)
}

fn open() -> Option<()> {
    let client = ClientHandshake::new("device", "/", &mut Counter(7)).ok()?;
    let (mut request, mut response) = ([0; 512], [0; 512]);
    let mut out = Buffer { bytes: &mut request, len: 0 };
    write!(out, "{client}").ok()?;
    let len = out.len;
    let range = HeadReader::new().find(&request[..len], &HeadLimits::DEFAULT).ok()??;
    let mut fields = [EMPTY_FIELD; MAX_FIELDS];
    let head = RequestHead::parse(&request[range], &mut fields).ok()?;
    let opening = UpgradeRequest::read(head).ok()?;
    let accepted = opening.accept(None).fields(&[("Set-Cookie", "a=b")]).ok()?;
    let mut out = Buffer { bytes: &mut response, len: 0 };
    write!(out, "{accepted}").ok()?;
    let len = out.len;
    let mut fields = [EMPTY_FIELD; MAX_FIELDS];
    let head = ResponseHead::parse(&response[..len], &mut fields).ok()?;
    client.verify(&head).ok().map(drop)
}

/// A request from another parser that asks for something else.
fn refuse() -> Option<()> {
    let mut storage = [EMPTY_FIELD; MAX_FIELDS];
    let fields = Fields::from_pairs([("Host", &b"device"[..])], &mut storage).ok()?;
    let refusal = UpgradeRequest::read(RequestHead::new("GET", "/", 1, fields).ok()?).err()?;
    let mut response = [0; 512];
    write!(Buffer { bytes: &mut response, len: 0 }, "{}", Refused::new(refusal)).ok()
}
