//! Idempotency keys: which publications were seen, and what they were answered.
//!
//! ```text
//!   hash of a key ──▶ 41        40 ── 41 ── 42 ── 43    what was seen, oldest first
//! ```
//!
//! Input: publications with keys, in the order of the log. Output: whether each is new. Invariants:
//! a key is remembered for [`KEY_MS`], unless there are more than the limits allow: then the oldest
//! are forgotten first. Of two keys with the same hash the older one is forgotten; the hash is
//! secret, so no client can look for such keys. A table of hashes is small enough for a near cache.

#[cfg(feature = "take-over")]
use crate::net::fields::{Reader, Writer};
use crate::options::options;
use crate::push::log::port::{Entry, LogError, Logged};
use crate::push::record::{Key, Publication};
use crate::wire::MessageKind;
use sha1::{Digest, Sha1};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};

/// How long a key is remembered: longer than clients repeat a request that was not answered.
pub(in crate::push) const KEY_MS: u64 = 5 * 60 * 1000;

options! {
    /// The bounds of all idempotency keys together.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub const struct KeyLimits {
        /// Keys; beyond it the oldest go. More than 200 a second.
        pub count: usize = 65_536,
        /// Bytes that they take.
        pub bytes: usize = 16 * 1024 * 1024,
    }
}

#[derive(Debug)]
pub(in crate::push) struct Keys {
    limits: KeyLimits,
    hasher: RandomState,
    /// By hash: the number of what was seen last.
    numbers: HashMap<u64, u64>,
    /// The oldest first.
    seen: VecDeque<Seen>,
    /// The number of the oldest.
    first: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Seen {
    key: Key,
    hash: u64,
    time: u64,
    digest: [u8; 20],
    sequence: u64,
    subscribers: Option<usize>,
}

/// What is known of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Nothing.
    No,
    /// It has this sequence number and has reached this many subscribers.
    Yes(u64, Option<usize>),
    /// Another one had its key.
    Another,
}

/// What a key takes besides its text: what is known of it, slots in lists that may be half empty,
/// counters and what an allocator adds.
const KEY: usize = 2 * size_of::<Seen>() + 4 * size_of::<u64>() + 64;

fn cost(key: &Key) -> usize {
    key.owner.len() + key.text.len() + KEY
}

impl Keys {
    pub(in crate::push) fn new(limits: KeyLimits) -> Self {
        Self {
            limits,
            hasher: RandomState::new(),
            numbers: HashMap::new(),
            seen: VecDeque::new(),
            first: 0,
            bytes: 0,
        }
    }

    /// Looks a publication up, and remembers it with this sequence number if it is new.
    // req: push-publish-08
    fn note(&mut self, publication: &Publication, sequence: u64, now: u64) -> Known {
        self.forget(|_, seen| seen.time.saturating_add(KEY_MS) <= now);
        let Some(key) = &publication.key else {
            return Known::No;
        };
        let digest = digest(publication);
        let hash = self.hasher.hash_one(key);
        match self.find(hash, key) {
            Some(seen) if seen.digest == digest => Known::Yes(seen.sequence, seen.subscribers),
            Some(_) => Known::Another,
            None => {
                self.bytes += cost(key);
                let number = self.first + self.seen.len() as u64;
                self.numbers.insert(hash, number);
                self.seen.push_back(Seen {
                    key: key.clone(),
                    hash,
                    time: now,
                    digest,
                    sequence,
                    subscribers: None,
                });
                let KeyLimits { count, bytes } = self.limits;
                self.forget(|it, _| it.seen.len() > count || it.bytes > bytes);
                Known::No
            }
        }
    }

    /// What became of a publication whose key was seen before; `None` if it is new, and is now
    /// remembered with this sequence number.
    pub(in crate::push) fn seen(
        &mut self,
        publication: &Publication,
        sequence: u64,
        now: u64,
    ) -> Option<Logged> {
        match self.note(publication, sequence, now) {
            Known::No => None,
            Known::Yes(sequence, subscribers) => Some(Ok(Entry::Repeated {
                sequence,
                subscribers,
            })),
            Known::Another => Some(Err(LogError::KeyReused)),
        }
    }

    /// The same of a publication that is not logged: see [`Log::repeats`](super::Log::repeats).
    pub(in crate::push) fn repeats(
        &mut self,
        publication: &Publication,
        now: u64,
    ) -> Result<Option<usize>, LogError> {
        match self.note(publication, 0, now) {
            Known::No => Ok(None),
            Known::Yes(_, subscribers) => Ok(Some(subscribers.unwrap_or(0))),
            Known::Another => Err(LogError::KeyReused),
        }
    }

    /// Returns the sequence number of the publication, if its key is still remembered.
    pub(in crate::push) fn delivered(&mut self, key: &Key, subscribers: usize) -> Option<u64> {
        let hash = self.hasher.hash_one(key);
        let seen = self.find(hash, key)?;
        seen.subscribers = Some(subscribers);
        Some(seen.sequence)
    }

    /// The least sequence number of a publication whose key is remembered.
    #[cfg(feature = "data")]
    pub(in crate::push) fn oldest(&self) -> Option<u64> {
        let mut all = self.seen.iter().map(|seen| seen.sequence);
        all.find(|sequence| *sequence > 0)
    }

    /// Forgets the keys of publications from this sequence number on: they were not logged.
    #[cfg(feature = "data")]
    pub(in crate::push) fn take_back(&mut self, sequence: u64) {
        for seen in self.seen.iter_mut().rev() {
            if seen.sequence >= sequence {
                self.numbers.remove(&seen.hash);
            }
        }
    }

    fn find(&mut self, hash: u64, key: &Key) -> Option<&mut Seen> {
        let place = self.numbers.get(&hash)? - self.first;
        let seen = self.seen.get_mut(place as usize);
        seen.filter(|seen| seen.key == *key)
    }

    /// Forgets the oldest while this holds of it.
    // req: push-publish-13
    fn forget(&mut self, condition: impl Fn(&Self, &Seen) -> bool) {
        while let Some(oldest) = self.seen.front()
            && condition(self, oldest)
            && let Some(oldest) = self.seen.pop_front()
        {
            self.bytes -= cost(&oldest.key);
            if self.numbers.get(&oldest.hash) == Some(&self.first) {
                self.numbers.remove(&oldest.hash);
            }
            self.first += 1;
        }
    }
}

/// Of what must be the same in a repetition. SHA-1 will do: who makes two messages with the same
/// digest only loses the second.
// req: push-publish-12
pub(in crate::push) fn digest(publication: &Publication) -> [u8; 20] {
    let topic = publication.topic.as_str();
    let kind = match publication.payload.kind() {
        MessageKind::Text => b'T',
        MessageKind::Binary => b'B',
    };
    // A topic cannot contain a zero.
    let parts = [
        &[kind][..],
        topic.as_bytes(),
        &[0],
        publication.payload.bytes(),
    ];
    let digest = parts
        .iter()
        .fold(Sha1::new(), |sha, part| sha.chain_update(part));
    digest.finalize().into()
}

/// Between processes.
#[cfg(feature = "take-over")]
impl Keys {
    /// All of them, for another process.
    pub(super) fn write(&self, out: &mut Writer) {
        out.list(self.seen.iter(), |out, seen| {
            out.text(&seen.key.owner);
            out.text(&seen.key.text);
            out.number(seen.time);
            out.bytes(&seen.digest);
            out.number(seen.sequence);
            out.option(seen.subscribers, |out, count| out.number(count as u64));
        });
    }

    /// Those of another process.
    pub(super) fn read(limits: KeyLimits, from: &mut Reader<'_>) -> Option<Self> {
        let mut keys = Self::new(limits);
        from.list(|from| {
            let key = Key {
                owner: from.text()?.into(),
                text: from.text()?.into(),
            };
            let hash = keys.hasher.hash_one(&key);
            keys.bytes += cost(&key);
            keys.numbers.insert(hash, keys.seen.len() as u64);
            keys.seen.push_back(Seen {
                key,
                hash,
                time: from.number()?,
                digest: from.bytes()?.try_into().ok()?,
                sequence: from.number()?,
                subscribers: from.option(Reader::number)?.map(|count| count as usize),
            });
            Some(())
        })?;
        Some(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::record::Payload;

    fn publication(topic: &str, payload: impl Into<Payload>, key: &str) -> Publication {
        let mut publication = Publication::new(topic.parse().unwrap(), payload.into());
        publication.key = Some(Key {
            owner: "alice".into(),
            text: key.into(),
        });
        publication
    }

    #[test]
    fn a_key_means_one_publication_for_five_minutes() {
        let mut keys = Keys::new(KeyLimits::default());
        let first = publication("a", "x", "k");
        assert_eq!(keys.note(&first, 1, 0), Known::No);
        assert_eq!(keys.note(&first, 2, 1), Known::Yes(1, None));
        keys.delivered(first.key.as_ref().unwrap(), 7);
        assert_eq!(keys.note(&first, 2, KEY_MS - 1), Known::Yes(1, Some(7)));
        for other in [
            publication("b", "x", "k"),
            publication("a", "y", "k"),
            publication("a", b"x".to_vec(), "k"),
        ] {
            assert_eq!(keys.note(&other, 2, 2), Known::Another);
        }
        let mut of_bob = first.clone();
        of_bob.key.as_mut().unwrap().owner = "bob".into();
        assert_eq!(keys.note(&of_bob, 2, 2), Known::No);
        assert_eq!(keys.note(&publication("a", "x", "l"), 3, 2), Known::No);
        assert_eq!(keys.note(&first, 4, KEY_MS), Known::No);
    }

    #[test]
    // req: push-publish-13
    fn too_many_keys_push_the_oldest_out() {
        let of = |number: usize| publication("a", "x", &format!("{number:03}"));
        let size = cost(of(0).key.as_ref().unwrap());
        let count = KeyLimits {
            count: 10,
            bytes: usize::MAX,
        };
        let bytes = KeyLimits {
            count: usize::MAX,
            bytes: 10 * size,
        };
        for limits in [count, bytes] {
            let mut keys = Keys::new(limits);
            for number in 0..20 {
                assert_eq!(keys.note(&of(number), number as u64, 0), Known::No);
                assert!(keys.seen.len() <= 10 && keys.numbers.len() == keys.seen.len());
            }
            assert_eq!(keys.note(&of(10), 20, 0), Known::Yes(10, None));
            assert_eq!(keys.note(&of(9), 20, 0), Known::No);
        }
    }
}
