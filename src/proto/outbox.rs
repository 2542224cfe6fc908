//! Control frames that wait to be sent: at most one Pong, one Ping and one Close.
//!
//! Input: what [`Connection`](crate::Connection) owes the peer. Output: whole frames, through
//! [`Connection::transmit`](crate::Connection::transmit). Invariant: a newer Pong replaces an older
//! one (RFC 6455 section 5.5.3 allows it), so a flood of Pings makes nothing grow; a Close leaves
//! after whatever waits with it, and only a Pong may follow it (section 5.5.2).

use crate::proto::Role;
use crate::wire::{CloseBody, Entropy, FrameHeader, MAX_CONTROL_PAYLOAD, Mask, Opcode};

/// The longest control frame: a masked one of 125 bytes. Give
/// [`Connection::transmit`](crate::Connection::transmit) at least this much room.
pub const MAX_CONTROL_FRAME: usize = 2 + 4 + MAX_CONTROL_PAYLOAD;

/// Room for the control frames that a connection owes.
///
/// It belongs to the caller, not to the [`Connection`](crate::Connection), because nearly all
/// connections owe nothing at nearly all times: a loop with many connections keeps one outbox and
/// drains it after each call, so a connection costs about 70 bytes instead of 500. From the time
/// it is filled until it is drained, an outbox serves one connection only.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    pong: Slot,
    ping: Slot,
    close: Slot,
}

impl Outbox {
    /// Nothing waits.
    pub const fn new() -> Self {
        Self {
            pong: Slot::EMPTY,
            ping: Slot::EMPTY,
            close: Slot::EMPTY,
        }
    }

    /// Nothing waits to be transmitted.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.pong.len.is_none() && self.ping.len.is_none() && self.close.len.is_none()
    }

    pub(super) fn put_pong(&mut self, payload: &[u8]) {
        self.pong.put(payload);
    }

    pub(super) fn put_ping(&mut self, payload: &[u8]) {
        self.ping.put(payload);
    }

    pub(super) fn put_close(&mut self, body: &CloseBody<'_>) {
        self.close.len = Some(body.emit(&mut self.close.payload) as u8);
    }

    /// Moves whole frames to the front of `out`, as many as fit; returns the bytes written.
    pub(super) fn drain(
        &mut self,
        role: Role,
        out: &mut [u8],
        entropy: &mut impl Entropy,
    ) -> usize {
        let mut written = 0;
        let slots = [
            (Opcode::Pong, &mut self.pong),
            (Opcode::Ping, &mut self.ping),
            (Opcode::Close, &mut self.close),
        ];
        for (opcode, slot) in slots {
            match slot.write(opcode, role, &mut out[written..], entropy) {
                Some(len) => written += len,
                None => break,
            }
        }
        written
    }
}

#[derive(Clone, Debug)]
struct Slot {
    payload: [u8; MAX_CONTROL_PAYLOAD],
    len: Option<u8>,
}

impl Default for Slot {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl Slot {
    const EMPTY: Self = Self {
        payload: [0; MAX_CONTROL_PAYLOAD],
        len: None,
    };

    fn put(&mut self, payload: &[u8]) {
        self.payload[..payload.len()].copy_from_slice(payload);
        self.len = Some(payload.len() as u8);
    }

    /// `None` if the frame does not fit; it stays.
    fn write(
        &mut self,
        opcode: Opcode,
        role: Role,
        out: &mut [u8],
        entropy: &mut impl Entropy,
    ) -> Option<usize> {
        let Some(len) = self.len else {
            return Some(0);
        };
        let mut header = FrameHeader::control(opcode, len);
        header.mask = mask_key(role, entropy);
        let bytes = header.emit();
        let total = bytes.len() + len as usize;
        let out = out.get_mut(..total)?;
        let (head, payload) = out.split_at_mut(bytes.len());
        head.copy_from_slice(&bytes);
        payload.copy_from_slice(&self.payload[..len as usize]);
        if let Some(key) = header.mask {
            Mask::new(key).apply(payload);
        }
        self.len = None;
        Some(total)
    }
}

/// A fresh key for a frame of a client, none for a server (RFC 6455 sections 5.1 and 5.3).
// req: 6455-5.1-01 6455-5.1-04 6455-5.3-02 6455-10.3-01
#[inline]
pub(super) fn mask_key(role: Role, entropy: &mut impl Entropy) -> Option<[u8; 4]> {
    match role {
        Role::Server => None,
        Role::Client => {
            let mut key = [0; 4];
            entropy.fill(&mut key);
            Some(key)
        }
    }
}
