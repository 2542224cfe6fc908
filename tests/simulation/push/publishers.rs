//! The publishers of one run: what they send, and what they are answered.

use super::body::Input;
use super::plan::{PUBLISHERS, TOPICS};
use super::world::{Published, World};
use std::collections::VecDeque;
use wirebell::net::testing::Peer;
use wirebell::push::Position;

/// A connection that publishes.
#[derive(Default)]
pub struct Publisher {
    pub(super) peer: Option<Peer>,
    input: Input,
    status: Option<(u16, usize)>,
    /// What has not been answered: topics and numbers.
    pub(super) waiting: VecDeque<(usize, Vec<u64>)>,
}

impl World<'_> {
    pub(super) fn message(&mut self, topic: usize, bytes: usize) -> (u64, String) {
        let number = self.sent.len() as u64 + 1;
        self.sent
            .insert(number, (self.network.now(), TOPICS[topic]));
        (number, format!("{number} {}", "x".repeat(bytes)))
    }

    pub(super) fn publish(&mut self, publisher: usize, topic: usize, bytes: usize, count: usize) {
        let messages: Vec<_> = (0..count).map(|_| self.message(topic, bytes)).collect();
        let name = TOPICS[topic];
        let (target, body) = match &messages[..] {
            [(_, text)] => (format!("/topics/{name}"), text.clone()),
            all => {
                let lines = all
                    .iter()
                    .map(|(_, text)| format!("{{\"topic\":\"{name}\",\"data\":\"{text}\"}}\n"));
                ("/topics".to_owned(), lines.collect())
            }
        };
        let address = self.loops[0].address();
        let it = &mut self.publishers[publisher];
        if it.peer.is_none() {
            it.peer = self.network.connect(address).ok();
        }
        let Some(peer) = &mut it.peer else {
            return;
        };
        let length = body.len();
        peer.send(
            format!(
                "POST {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer publisher\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            )
            .as_bytes(),
        );
        let numbers = messages.into_iter().map(|(number, _)| number).collect();
        it.waiting.push_back((topic, numbers));
    }

    /// Reads what publishers are answered; true if something came.
    pub(super) fn read_publishers(&mut self) -> Result<bool, String> {
        let mut came = false;
        for at in 0..PUBLISHERS {
            let it = &mut self.publishers[at];
            let Some(peer) = &mut it.peer else {
                continue;
            };
            came |= peer.read(usize::MAX) > 0;
            it.input.push(&peer.take_bytes());
            let unsent = peer.unsent();
            peer.send(&[]);
            came |= unsent != peer.unsent();
            let ended = peer.has_ended();
            while self.answered(at)? {}
            if ended {
                self.publishers[at] = Publisher::default();
            }
        }
        Ok(came)
    }

    /// Takes one answer.
    fn answered(&mut self, publisher: usize) -> Result<bool, String> {
        let it = &mut self.publishers[publisher];
        let (status, length) = match it.status {
            Some(status) => status,
            None => match it.input.head() {
                Some(head) => {
                    let length = head.field("content-length").and_then(|it| it.parse().ok());
                    *it.status.insert((head.status, length.unwrap_or(0)))
                }
                None => return Ok(false),
            },
        };
        let Some(body) = it.input.body(length) else {
            return Ok(false);
        };
        it.status = None;
        let (topic, numbers) = it.waiting.pop_front().ok_or("an answer to nothing")?;
        match status {
            200..=202 => {
                for (line, number) in body.lines().zip(numbers) {
                    let answer: serde_json::Value =
                        serde_json::from_str(line).map_err(|error| error.to_string())?;
                    let id = answer["id"]
                        .as_str()
                        .and_then(|it| it.parse::<Position>().ok());
                    let id = id.ok_or_else(|| format!("a publisher got {line}"))?;
                    self.note(id.sequence, number, TOPICS[topic])?;
                }
            }
            503 => self.refused += 1,
            _ => return Err(format!("a publisher got {status}: {body}")),
        }
        Ok(true)
    }

    pub(super) fn note(
        &mut self,
        sequence: u64,
        number: u64,
        topic: &'static str,
    ) -> Result<(), String> {
        let published = Published { topic, number };
        match self.published.insert(sequence, published) {
            Some(other) if other.number != number => Err(format!(
                "{sequence} is the id of {other:?} and {published:?}"
            )),
            _ => Ok(()),
        }
    }
}
