//! The services of the simulation: they do what they are asked to and write down what they see.

use crate::plan::Wish;
use crate::record::{CLIENT, SERVER, Shared};
use crate::wire;
use std::cell::RefCell;
use std::rc::Rc;
use wirebell::http::Status;
use wirebell::net::{Cause, Context, End, Mailbox, Overflow, PeerId, Reply, Request};
use wirebell::net::{Response, Sent, Service, SharedChunk, SharedFrame, Upgrade};
use wirebell::{CloseCode, Message, client};

/// What other threads ask of a worker.
#[derive(Clone, Debug)]
pub enum Mail {
    Publish(SharedFrame, u64, u32),
    Answer(usize),
    Pause(usize, bool),
}

pub struct Server {
    pub record: Shared,
    pub rooms: Vec<Mailbox<Mail>>,
    pub overflow: Overflow,
    pub peers: Vec<PeerId>,
    /// Requests that wait, with what they wait for.
    pub waiting: Vec<(PeerId, usize, bool)>,
}

/// Notes what became of a message.
fn note(record: &Shared, side: usize, peer: PeerId, number: u64, sent: Sent) {
    let mut record = record.borrow_mut();
    let Some(seen) = record.seen(side, peer) else {
        return;
    };
    if sent.is_taken() {
        seen.taken.push(number);
    }
    seen.drops |= sent == Sent::Overflow;
    let over = seen.closed > 0;
    if over && sent.is_taken() {
        record.problem(format!("{peer:?} took message {number} after its end"));
    }
}

/// Does what a message wishes that can be done by either side.
fn obey(
    record: &Shared,
    side: usize,
    context: &mut Context<'_>,
    peer: PeerId,
    message: Message<'_>,
) {
    let Some(number) = wire::number(message.bytes) else {
        return record.borrow_mut().problem("a message was changed".into());
    };
    let mut paused = false;
    if let Some(seen) = record.borrow_mut().seen(side, peer) {
        seen.received.push(number);
        paused = seen.paused;
    }
    if paused {
        let problem = format!("{peer:?} was heard while it was paused");
        record.borrow_mut().problem(problem);
    }
    match wire::wish(message.bytes) {
        Wish::Echo => {
            let sent = context.send(peer, message);
            note(record, side, peer, number, sent);
        }
        Wish::Burst(count, size) => {
            for _ in 0..count {
                let number = record.borrow_mut().number();
                let bytes = wire::message(number, Wish::Nothing, size.into());
                let sent = context.send(peer, Message::binary(&bytes));
                note(record, side, peer, number, sent);
                if !sent.has_room(8_000) {
                    break;
                }
            }
        }
        Wish::Close => {
            context.close(peer, CloseCode::NORMAL, "as you wish");
            if let Some(seen) = record.borrow_mut().seen(side, peer) {
                seen.dismissed = true;
            }
        }
        Wish::Nothing | Wish::Publish => {}
    }
}

fn ended(record: &Shared, side: usize, peer: PeerId, end: End<'_>) {
    let mut record = record.borrow_mut();
    match record.seen(side, peer) {
        None => record.problem(format!("{peer:?} has ended and had not begun")),
        Some(seen) => {
            seen.closed += 1;
            seen.cause = Some(end.cause);
            seen.clean = end.clean;
        }
    }
}

impl Service for Server {
    type Mail = Mail;

    fn request<'r>(
        &mut self,
        _: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
    ) -> Reply<'r> {
        let mut path = request.path().split('/').skip(1);
        let how = path.next().unwrap_or_default();
        let who = path.next().and_then(|who| who.parse().ok()).unwrap_or(0);
        let mut record = self.record.borrow_mut();
        if how != "now" {
            record.begin(SERVER, from, who, self.overflow);
        }
        match how {
            "ws" => match request.upgrade() {
                Ok(opening) => Upgrade::new(opening.accept(None)).tag(who as u32).into(),
                Err(refusal) => refusal.into(),
            },
            "later" | "stream" => {
                if let Some(seen) = record.seen(SERVER, from) {
                    seen.request = true;
                    seen.opened += 1;
                }
                self.waiting.push((from, who, how == "stream"));
                match how {
                    "later" => Reply::Later { tag: who as u32 },
                    _ => Reply::Stream {
                        head: Response::new(Status::OK),
                        tag: who as u32,
                    },
                }
            }
            _ => Response::text(Status::OK, "now").into(),
        }
    }

    fn opened(&mut self, _: &mut Context<'_>, peer: PeerId) {
        self.peers.push(peer);
        if let Some(seen) = self.record.borrow_mut().seen(SERVER, peer) {
            seen.opened += 1;
            seen.request = false;
        }
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        obey(&self.record, SERVER, context, peer, message);
        if wire::wish(message.bytes) == Wish::Publish {
            let number = wire::number(message.bytes).unwrap_or_default();
            let frame = SharedFrame::new(message);
            for room in &self.rooms {
                let mail = Mail::Publish(frame.clone(), number, 1);
                if room.post(mail, message.bytes.len()).is_err() {
                    self.record.borrow_mut().refused_mail += 1;
                }
            }
        }
    }

    /// A pause ends with the Close that is sent, as the peer's is waited for.
    fn closing(&mut self, _: &mut Context<'_>, peer: PeerId) {
        if let Some(seen) = self.record.borrow_mut().seen(SERVER, peer) {
            seen.paused = false;
        }
    }

    fn closed(&mut self, _: &mut Context<'_>, peer: PeerId, end: End<'_>) {
        self.peers.retain(|other| *other != peer);
        self.waiting.retain(|(other, ..)| *other != peer);
        ended(&self.record, SERVER, peer, end);
    }

    fn mail(&mut self, context: &mut Context<'_>, mail: Mail) {
        match mail {
            Mail::Publish(frame, number, key) => {
                for peer in &self.peers {
                    let sent = context.send_frame(*peer, &frame, key);
                    note(&self.record, SERVER, *peer, number, sent);
                }
            }
            Mail::Answer(who) => self.answer(context, who),
            Mail::Pause(who, pause) => {
                let mut record = self.record.borrow_mut();
                for peer in &self.peers {
                    let Some(seen) = record.seen(SERVER, *peer).filter(|seen| seen.who == who)
                    else {
                        continue;
                    };
                    seen.paused = pause;
                    match pause {
                        true => context.pause(*peer),
                        false => context.resume(*peer),
                    }
                }
            }
        }
    }
}

impl Server {
    /// Answers the requests of one peer, or sends a part of the answer, and now and then the end.
    fn answer(&mut self, context: &mut Context<'_>, who: usize) {
        let waiting = std::mem::take(&mut self.waiting);
        for (peer, of, stream) in waiting {
            if of != who {
                self.waiting.push((peer, of, stream));
                continue;
            }
            let number = self.record.borrow_mut().number();
            let done = match stream {
                false => context
                    .respond(peer, Response::text(Status::OK, "later"))
                    .is_taken(),
                true if number.is_multiple_of(3) => context.finish(peer).is_taken(),
                true => {
                    let part = SharedChunk::new(format!("part {number}\n").as_bytes());
                    let _ = context.write(peer, &part, 0);
                    self.waiting.push((peer, of, stream));
                    false
                }
            };
            if done && let Some(seen) = self.record.borrow_mut().seen(SERVER, peer) {
                seen.opened -= 1; // It is answered: no end will be told.
            }
        }
    }
}

/// The service of the loop that dials.
pub struct Dialler {
    pub record: Shared,
    pub failures: Rc<RefCell<usize>>,
    pub peers: Vec<(u32, PeerId)>,
}

impl Service for Dialler {
    type Mail = ();

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let tag = context.tag(peer).unwrap_or_default();
        self.peers.push((tag, peer));
        let mut record = self.record.borrow_mut();
        record.begin(CLIENT, peer, tag as usize, Overflow::Disconnect);
        if let Some(seen) = record.seen(CLIENT, peer) {
            seen.opened += 1;
        }
    }

    fn not_opened(&mut self, _: &mut Context<'_>, _: u32, _: &client::Error) {
        *self.failures.borrow_mut() += 1;
    }

    fn message(&mut self, _: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let Some(number) = wire::number(message.bytes) else {
            return self
                .record
                .borrow_mut()
                .problem("a message was changed".into());
        };
        if let Some(seen) = self.record.borrow_mut().seen(CLIENT, peer) {
            seen.received.push(number);
        }
    }

    fn closed(&mut self, _: &mut Context<'_>, peer: PeerId, end: End<'_>) {
        self.peers.retain(|(_, other)| *other != peer);
        ended(&self.record, CLIENT, peer, end);
    }
}

impl Dialler {
    pub fn call(&mut self, context: &mut Context<'_>, who: u32, bytes: usize, wish: Wish) {
        for (_, peer) in self.peers.iter().filter(|(tag, _)| *tag == who) {
            let number = self.record.borrow_mut().number();
            let bytes = wire::message(number, wish, bytes);
            let sent = context.send(*peer, Message::binary(&bytes));
            note(&self.record, CLIENT, *peer, number, sent);
        }
    }
}

/// Causes that need a reason of the server's own.
pub fn is_ours(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::Overflow | Cause::Memory | Cause::Stalled | Cause::Late | Cause::Silent
    )
}
