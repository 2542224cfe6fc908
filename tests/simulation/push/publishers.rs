//! The publishers of topics in one run: what they send, and what they are answered.
//!
//! Each message has an idempotency key. What had no answer when the server was killed is sent
//! again: that it is there once is checked with what subscribers get.

use super::plan::{PUBLISHERS, TOPICS};
use super::requests::Answered;
use super::world::{Published, World};
use wirebell::push::Position;

/// One request: its messages have these numbers.
pub struct Batch {
    topic: usize,
    numbers: Vec<u64>,
    request: String,
}

impl World<'_> {
    pub(super) fn publish(&mut self, publisher: usize, topic: usize, bytes: usize, count: usize) {
        let name = TOPICS[topic];
        let messages: Vec<_> = (0..count).map(|_| self.message(name, bytes)).collect();
        let (target, key, body) = match &messages[..] {
            [(number, text)] => {
                let key = format!("Idempotency-Key: {number}\r\n");
                (format!("/topics/{name}"), key, text.clone())
            }
            all => {
                let line = |(number, text): &(u64, String)| {
                    format!("{{\"topic\":\"{name}\",\"data\":\"{text}\",\"key\":\"{number}\"}}\n")
                };
                let lines = all.iter().map(line).collect();
                ("/topics".to_owned(), String::new(), lines)
            }
        };
        let length = body.len();
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer publisher\r\n{key}\
             Content-Length: {length}\r\n\r\n{body}"
        );
        let numbers = messages.into_iter().map(|(number, _)| number).collect();
        let batch = Batch {
            topic,
            numbers,
            request,
        };
        self.send_batch(publisher, batch);
    }

    fn send_batch(&mut self, publisher: usize, batch: Batch) {
        let (address, request) = (self.server.loops[0].address(), batch.request.clone());
        self.publishers[publisher].send(&self.network, address, &request, batch);
    }

    /// The server was killed.
    pub(super) fn publish_again(&mut self) {
        for at in 0..PUBLISHERS {
            for batch in self.publishers[at].lose() {
                self.send_batch(at, batch);
            }
        }
    }

    /// Reads what publishers are answered; true if something came.
    pub(super) fn read_publishers(&mut self) -> Result<bool, String> {
        let mut moved = false;
        for at in 0..PUBLISHERS {
            let read = self.publishers[at].read()?;
            moved |= read.moved;
            for answer in read.answers {
                self.published(answer)?;
            }
        }
        Ok(moved)
    }

    fn published(&mut self, answer: Answered<Batch>) -> Result<(), String> {
        let Answered { to, status, body } = answer;
        match status {
            200..=202 => {
                for (line, number) in body.lines().zip(to.numbers) {
                    let answer: serde_json::Value =
                        serde_json::from_str(line).map_err(|error| error.to_string())?;
                    if answer["error"] == "unavailable" || answer["error"] == "full" {
                        self.refused += 1;
                        continue;
                    }
                    let id = answer["id"]
                        .as_str()
                        .and_then(|it| it.parse::<Position>().ok());
                    let id = id.ok_or_else(|| format!("a publisher got {line}"))?;
                    self.note(id.sequence, number, TOPICS[to.topic])?;
                }
            }
            503 | 507 => self.refused += 1,
            _ => return Err(format!("a publisher got {status}: {body}")),
        }
        Ok(())
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
