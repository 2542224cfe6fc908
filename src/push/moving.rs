//! The connections of a push server, and its topics, on their way to another process.
//!
//! Input: connections while nothing is read; records of another process. Output: the reverse.
//! Invariant: one process delivers at a time, and the other begins where it ended. What a
//! connection of topics is, is left to its dialect; sockets are left to `net`.

use crate::net::fields::{Reader, Writer};
use crate::net::{Context, Export, Handle, PeerId};
use crate::proto::Millis;
use crate::push::gotify::GOTIFY;
use crate::push::hub::Past;
use crate::push::log::{Handed, KeyLimits, Log, MemoryLog};
use crate::push::mail::PushMail;
use crate::push::name::TopicName;
use crate::push::native::NATIVE;
use crate::push::position::Position;
use crate::push::record::{Payload, Record};
use crate::push::server::PushHandle;
use crate::push::service::{ECHO, PushService, WSERVER};
use crate::wire::MessageKind;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a process that takes over gets to know of the log of the other.
#[derive(Debug)]
pub struct Inheritance {
    position: Position,
    /// What was in the memory of the other.
    memory: Option<(Vec<u8>, Past)>,
}

impl Inheritance {
    fn write(position: Position, handed: &Handed, past: &Past) -> Vec<u8> {
        let mut out = Writer::default();
        out.text(&position.to_string());
        let state = match handed {
            Handed::Elsewhere => None,
            Handed::State(state) => Some(state),
        };
        out.option(state, |out, state| {
            out.bytes(state);
            write_past(out, past);
        });
        out.0
    }

    /// What the other process has written; `None` if it cannot be read.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader(bytes);
        let position: Position = from.text()?.parse().ok()?;
        let memory = from.option(|from| {
            let state = from.bytes()?.to_vec();
            Some((state, read_past(from, position.sequence)?))
        })?;
        from.is_done().then_some(Self { position, memory })
    }

    /// Where the log of this process has to begin.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The log, if it was in memory.
    pub fn into_log(self, limits: KeyLimits) -> Option<Arc<dyn Log>> {
        let (state, past) = self.memory?;
        let log = MemoryLog::go_on(self.position.epoch, limits, &state, past)?;
        Some(Arc::new(log))
    }
}

fn write_past(out: &mut Writer, past: &Past) {
    out.number(past.common_floor);
    out.list(past.topics.iter(), |out, (name, floor)| {
        out.text(name.as_str());
        out.number(*floor);
    });
    out.list(past.records.iter(), |out, record| {
        out.number(record.sequence);
        out.number(record.time);
        out.option(record.expires, Writer::number);
        out.text(record.topic.as_str());
        out.flag(record.payload.kind() == MessageKind::Text);
        out.bytes(record.payload.bytes());
    });
}

fn read_past(from: &mut Reader<'_>, head: u64) -> Option<Past> {
    let name = |from: &mut Reader<'_>| -> Option<TopicName> { from.text()?.parse().ok() };
    Some(Past {
        head,
        common_floor: from.number()?,
        topics: from.list(|from| Some((name(from)?, from.number()?)))?,
        records: from.list(|from| {
            let (sequence, time) = (from.number()?, from.number()?);
            let expires = from.option(Reader::number)?;
            let topic = name(from)?;
            let kind = match from.flag()? {
                true => MessageKind::Text,
                false => MessageKind::Binary,
            };
            Some(Arc::new(Record {
                sequence,
                time,
                expires,
                topic,
                payload: Payload::new(kind, from.bytes()?.to_vec())?,
            }))
        })?,
    })
}

/// Upgrades without reconnects.
impl PushHandle {
    /// Reads and accepts nothing more, so that another process can take over, and waits until what
    /// has begun has ended. What has not ended by then does not move. The loops then
    /// [lend](Handle::lend) their connections.
    ///
    /// # Errors
    ///
    /// A loop is stuck, or the log does not answer by then. As after all of these calls,
    /// [`PushHandle::go`] ends it.
    pub fn rest(&self, until: Instant) -> io::Result<()> {
        let half = until.saturating_duration_since(Instant::now()) / 2;
        let patience = Instant::now() + half;
        loop {
            // Asked first: what the log answers later is mail of the loops.
            let is_idle = self.shared.broker.is_idle();
            let unsettled = self.loops.rest(until)?;
            let is_late = Instant::now() >= patience;
            if is_idle && !unsettled.mail && (unsettled.connections == 0 || is_late) {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "what has begun does not end",
                ));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// After [`PushHandle::rest`]: what the other process needs to know of the log, for its
    /// [`Inheritance::read`]. If that is in a file, it is closed. `None` if the log cannot be
    /// handed over; then subscribers have to connect again.
    pub fn hand_over(&self) -> Option<Vec<u8>> {
        let (position, handed, past) = self.shared.broker.hand_over()?;
        Some(Inheritance::write(position, &handed, &past))
    }

    /// The loops: to lend or adopt connections.
    pub fn loops(&self) -> &Handle<PushMail> {
        &self.loops
    }

    /// Goes on after [`PushHandle::rest`], or begins with
    /// [`Options::resting`](crate::net::Options::resting).
    pub fn go(&self) {
        self.shared.broker.take_back();
        self.loops.go();
    }

    /// Another process has what was lent; what is left ends as in a stop, with close code 1012.
    pub fn leave(&self) {
        self.shared.stop();
        self.loops.leave();
    }
}

impl PushService {
    pub(super) fn export_peer(&mut self, context: &Context<'_>, peer: PeerId) -> Export {
        match context.tag(peer) {
            Some(NATIVE) => self.native.export(peer),
            Some(WSERVER) if self.members.is_open(peer) => {
                let patterns = self.shared.broker.patterns(peer);
                let mut out = Writer::default();
                out.list(patterns.iter(), |out, it| out.text(it.as_str()));
                Export::Record(out.0)
            }
            Some(ECHO) => Export::Record(Vec::new()),
            Some(GOTIFY) => match &self.gotify {
                Some(gotify) => gotify.export(peer),
                None => Export::Never,
            },
            _ => Export::Never,
        }
    }

    pub(super) fn import_peer(
        &mut self,
        context: &mut Context<'_>,
        peer: PeerId,
        record: &[u8],
    ) -> bool {
        match context.tag(peer) {
            Some(NATIVE) => self.native.import(context, peer, record),
            Some(WSERVER) => self.import_member(context, peer, record).is_some(),
            Some(ECHO) => record.is_empty() && self.shared.settings.has_echo(),
            Some(GOTIFY) => match &mut self.gotify {
                Some(gotify) => gotify.import(peer, record),
                None => false,
            },
            _ => false,
        }
    }

    fn import_member(
        &mut self,
        context: &mut Context<'_>,
        peer: PeerId,
        record: &[u8],
    ) -> Option<()> {
        let mut from = Reader(record);
        let topics = from.list(|from| {
            let text = from.text()?;
            let (owner, name) = TopicName::parts_of(text)?;
            Some((owner.to_owned(), name.to_owned()))
        })?;
        let limits = &self.shared.settings.limits;
        if topics.is_empty() {
            let until = context.now() + Millis::from(limits.register_ms);
            context.set_timer(peer, Some(until));
        }
        let broker = &self.shared.broker;
        self.members.open(peer);
        let imported = topics.iter().try_for_each(|(user, event)| {
            let events = std::slice::from_ref(event);
            self.members.subscribe(broker, peer, user, events, limits)
        });
        if let Some((owner, _)) = topics.first() {
            // It counts, but it is not refused.
            let place = self.shared.throttles.place(Some(&owner.as_str().into()));
            self.members.keep_place(peer, place.ok().flatten());
        }
        (imported.is_ok() && from.is_done()).then_some(())
    }
}
