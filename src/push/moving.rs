//! The connections of a push server, and its topics, on their way to another process.
//!
//! Input: connections while nothing is read; records of another process. Output: the reverse.
//! Invariant: one process delivers at a time, and the other begins where it ended. What a
//! connection of topics is, is left to its dialect; sockets are left to `net`.

use crate::net::fields::{Reader, Writer};
use crate::net::{Context, Export, PeerId};
use crate::proto::Millis;
use crate::push::gotify::GOTIFY;
use crate::push::hub::Past;
use crate::push::log::{Handed, KeyLimits, Log, MemoryLog};
use crate::push::name::TopicName;
use crate::push::native::NATIVE;
use crate::push::position::Position;
use crate::push::record::{Payload, Record};
use crate::push::service::{ECHO, PushService, WSERVER};
use crate::wire::MessageKind;
use std::sync::Arc;

/// What a process that takes over gets to know of the log of the other.
#[derive(Debug)]
pub struct Inheritance {
    position: Position,
    /// What was in the memory of the other.
    memory: Option<(Vec<u8>, Past)>,
}

impl Inheritance {
    pub(super) fn write(position: Position, handed: &Handed, past: &Past) -> Vec<u8> {
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
        let imported = self.members.import(broker, peer, &topics, limits);
        if let Some((owner, _)) = topics.first() {
            // It counts, but it is not refused.
            let place = self.shared.throttles.place(Some(&owner.as_str().into()));
            self.members.keep_place(peer, place.ok().flatten());
        }
        (imported.is_ok() && from.is_done()).then_some(())
    }
}
