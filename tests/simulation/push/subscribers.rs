//! The subscribers of one run: how they connect, read, resume, and lose their tokens.

use super::plan::{TOPICS, Transport};
use super::server::tokens;
use super::socket::end;
use super::subscriber::{Life, Subscriber, number};
use super::world::World;
use crate::support::frames::text;
use wirebell::Role;

/// The time within which what was revoked must be gone.
const REVOKED_MS: u64 = 1_000;

impl World<'_> {
    pub(super) fn vanish(&mut self, client: usize, reset: bool) {
        if let Some(mut life) = self.subscribers[client].life.take() {
            end(&mut life.peer, reset);
        }
    }

    /// Connects, from its last position.
    pub(super) fn resume(&mut self, client: usize, wait: &str) {
        self.vanish(client, true);
        let Ok(mut peer) = self.network.connect(self.server.loops[0].address()) else {
            return;
        };
        let it = &mut self.subscribers[client];
        if it.wanted.all {
            it.baseline.get_or_insert(0);
            it.position.get_or_insert(0);
        }
        let position = match it.wanted.transport {
            Transport::Raw => None,
            _ => it.position,
        };
        let epoch = self.server.shared.broker().head().epoch;
        let since = position.map_or("new".to_owned(), |it| epoch.at(it).to_string());
        let upgrade = self.plan.layers.upgrade();
        peer.send(request(it, &upgrade, &since, wait).as_bytes());
        if it.says_what_it_wants() {
            let topics = it.wanted.patterns.replace(',', "\",\"");
            let say = format!(
                r#"{{"type":"subscribe","ref":1,"topics":["{topics}"],"since":"{since}"}}"#
            );
            peer.send(&text(say).to(Role::Server));
        }
        it.life = Some(Life::new(peer, position.unwrap_or(0), position.is_none()));
    }

    pub(super) fn say(&mut self, client: usize, topic: usize) {
        let (number, data) = self.message(TOPICS[topic], 100);
        let name = TOPICS[topic];
        let it = &mut self.subscribers[client];
        let is_envelopes = it.wanted.transport == Transport::Envelopes;
        if let Some(life) = it.life.as_mut().filter(|life| is_envelopes && life.begun) {
            let say =
                format!(r#"{{"type":"publish","ref":{number},"topic":"{name}","data":"{data}"}}"#);
            let frame = life.inflating.message(0x81, say.as_bytes());
            life.peer.send(&frame.to(Role::Server));
        }
    }

    /// A subscriber reads. What was published long after its token was revoked must not come.
    pub(super) fn read(&mut self, client: usize, most: usize) -> Result<usize, String> {
        let it = &mut self.subscribers[client];
        let (before, raw) = (it.got.len(), it.raw.last().map_or(0, |(_, all)| all.len()));
        let lives = it.raw.len();
        let read = it.read(most)?;
        if let Some(revoked) = it.revoked {
            let numbers = it.got[before..].iter().filter_map(|it| number(&it.text));
            let skip = if lives == it.raw.len() { raw } else { 0 };
            let raw = it
                .raw
                .last()
                .into_iter()
                .flat_map(|(_, all)| all.iter().skip(skip));
            let late = numbers.chain(raw.copied());
            let mut late = late.filter(|it| self.sent[it].0 > revoked + REVOKED_MS);
            if let Some(number) = late.next() {
                return Err(format!(
                    "subscriber {client} got {number} after its revocation"
                ));
            }
        }
        for (number, sequence) in std::mem::take(&mut self.subscribers[client].said) {
            let topic = self.sent[&number].1;
            self.note(sequence, number, topic)?;
        }
        Ok(read)
    }

    pub(super) fn write_tokens(&mut self) {
        let revoked = |who: usize| self.subscribers[who].revoked.is_some();
        let text = tokens(revoked, self.subscribers.len());
        self.server.tokens.replace(&text).expect("tokens");
    }

    // req: push-auth-07
    pub(super) fn check_revoked(&self) -> Result<(), String> {
        let now = self.network.now();
        for it in &self.subscribers {
            if it.revoked.is_none_or(|at| now < at + REVOKED_MS) {
                continue;
            }
            for topic in TOPICS {
                let topic = topic.parse().expect("a name");
                let presence = self.server.shared.broker().presence(&topic);
                if presence.names.iter().any(|(name, _)| **name == *it.name()) {
                    return Err(format!(
                        "subscriber {} is there after its revocation",
                        it.who
                    ));
                }
            }
        }
        Ok(())
    }

    /// Every subscriber that can resume gets what it has not got.
    pub(super) fn resume_all(&mut self) -> Result<(), String> {
        self.settle()?;
        for client in 0..self.subscribers.len() {
            let _ = self.read(client, usize::MAX)?;
            self.vanish(client, true);
            self.subscribers[client].revoked = None;
        }
        self.write_tokens();
        self.advance(REVOKED_MS)?;
        for client in 0..self.subscribers.len() {
            let mut tries = 0;
            loop {
                let before = self.subscribers[client].got.len();
                self.resume(client, "0");
                self.drain(|world| world.read(client, usize::MAX))?;
                let it = &self.subscribers[client];
                // A stream that the budget of memory ends within its replay goes on from there.
                let is_stream = matches!(it.wanted.transport, Transport::Events | Transport::Lines);
                let is_whole = |life: &Life| life.begun && !(is_stream && life.ended);
                let is_done = it.life.as_ref().is_some_and(is_whole);
                let is_poll = it.wanted.transport == Transport::Poll;
                if is_done && !(is_poll && it.got.len() > before) {
                    break;
                }
                tries += usize::from(!is_done && it.got.len() == before);
                if tries == 10 {
                    let status = it.life.as_ref().map(|life| life.status);
                    return Err(format!("subscriber {client} cannot resume: {status:?}"));
                }
                self.advance(200)?;
            }
            self.vanish(client, true);
        }
        Ok(())
    }
}

fn request(it: &Subscriber, upgrade: &str, since: &str, wait: &str) -> String {
    let patterns = it.wanted.patterns;
    let (target, fields) = match it.wanted.transport {
        Transport::Raw => (format!("/topics/{patterns}"), upgrade.to_owned()),
        Transport::Envelopes => {
            let fields = format!("{upgrade}Sec-WebSocket-Protocol: wirebell.v1\r\n");
            match it.says_what_it_wants() {
                true => ("/topics".to_owned(), fields),
                false => (format!("/topics/{patterns}?since={since}"), fields),
            }
        }
        Transport::Events => {
            let id = match since {
                "new" => String::new(),
                id => format!("Last-Event-ID: {id}\r\n"),
            };
            let fields = format!("Accept: text/event-stream\r\n{id}");
            (format!("/topics/{patterns}"), fields)
        }
        Transport::Lines => {
            let target = format!("/topics/{patterns}?format=ndjson&since={since}");
            (target, String::new())
        }
        Transport::Poll => {
            let target = format!("/topics/{patterns}?poll={wait}&since={since}");
            (target, String::new())
        }
    };
    let name = it.name();
    format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {name}\r\n{fields}\r\n"
    )
}
