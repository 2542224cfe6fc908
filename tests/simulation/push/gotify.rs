//! The dialect of gotify: applications that post messages, and streams of the clients of two users.
//!
//! - A stream gets the messages of its user alone; their ids grow and are those that applications
//!   were told.
//! - None is missing between two that came; a stream that was never ended has all that were posted
//!   after its 101.
//! - A stream gets no Close. That of a client which was deleted ends, and its token is worth
//!   nothing.
//! - The list has what is kept, the newest first, and nothing that was deleted.

use super::accounts::{APPLICATIONS, CLIENTS, USERS, made};
use super::requests::{Answered, Requests};
use super::socket::Socket;
use super::subscriber::{number, parse};
use super::world::World;
use crate::support::Rng;
use serde_json::Value;
use std::collections::BTreeMap;

/// Connections that post.
const POSTERS: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Post {
        poster: usize,
        application: usize,
        bytes: usize,
    },
    /// A client opens its stream, again if it had one.
    Open {
        client: usize,
    },
    Read {
        client: usize,
        most: usize,
    },
    Vanish {
        client: usize,
        reset: bool,
    },
    /// The list of a client is compared with what is known.
    List {
        client: usize,
    },
    /// All messages of its user are deleted.
    Forget {
        client: usize,
    },
    /// A client is deleted.
    Remove {
        client: usize,
    },
}

impl Step {
    pub fn new(rng: &mut Rng) -> Self {
        let client = rng.below(CLIENTS.len());
        match rng.below(24) {
            0..=8 => Self::Post {
                poster: rng.below(POSTERS),
                application: rng.below(APPLICATIONS.len()),
                bytes: [10, 10, 100, 400][rng.below(4)],
            },
            9..=13 => Self::Open { client },
            14..=18 => Self::Read {
                client,
                most: [50, 1_500, usize::MAX][rng.below(3)],
            },
            19 => Self::Vanish {
                client,
                reset: rng.one_in(2),
            },
            20 | 21 => Self::List { client },
            22 => Self::Forget { client },
            _ => Self::Remove { client },
        }
    }
}

/// One stream.
struct Life {
    socket: Socket,
    /// The last message that was sent when its 101 had come.
    since: u64,
    /// Ids and numbers.
    got: Vec<(u64, u64)>,
}

enum Asked {
    Post(u64, usize),
    /// By a client, after this message.
    List(usize, Since),
    /// By a user.
    Forget(usize, Since),
    Remove(usize),
}

/// A message, if it is known that all before it were answered.
type Since = Option<u64>;

/// A message that was taken.
#[derive(Clone, Copy, Debug)]
struct Posted {
    number: u64,
    application: usize,
}

#[derive(Default)]
pub struct Posters {
    posters: [Requests<Asked>; POSTERS],
    streams: [Option<Life>; CLIENTS.len()],
    past: Vec<(usize, Life)>,
    /// By id.
    posted: BTreeMap<u64, Posted>,
    /// The last id that was deleted, by user.
    forgotten: [u64; USERS],
    /// Whether that may be another one: an answer was lost.
    unsure: bool,
    /// The last message of a poster that is not the first.
    last_of_others: u64,
    /// By client: the last message before it was deleted.
    removed: [Option<u64>; CLIENTS.len()],
    pub refused: usize,
    pub listed: usize,
}

fn id_and_number(value: &Value) -> Result<(u64, u64, usize), String> {
    let id = value["id"].as_u64().ok_or("no id")?;
    let number = value["message"].as_str().and_then(number);
    let application = value["appid"].as_u64().ok_or("no application")?;
    Ok((
        id,
        number.ok_or("another message")?,
        application as usize - 1,
    ))
}

impl Life {
    fn read(&mut self, most: usize, last: u64) -> Result<usize, String> {
        if self.socket.status.is_none() {
            self.since = last;
        }
        let read = self.socket.read(most);
        while let Some(text) = self.socket.text()? {
            self.take(&parse(&text)?)?;
        }
        match self.socket.closes.first() {
            Some(code) => Err(format!("a Close of {code}")),
            None => Ok(read),
        }
    }

    fn take(&mut self, value: &Value) -> Result<(), String> {
        let (id, number, _) = id_and_number(value)?;
        if let Some((last, _)) = self.got.last().filter(|(last, _)| *last >= id) {
            return Err(format!("id {id} after {last}"));
        }
        self.got.push((id, number));
        Ok(())
    }
}

impl World<'_> {
    pub(super) fn gotify(&mut self, step: Step) -> Result<(), String> {
        match step {
            Step::Post {
                poster,
                application,
                bytes,
            } => self.post(poster, application, bytes),
            Step::Open { client } => self.open_stream(client),
            Step::Read { client, most } => drop(self.read_stream(client, most)?),
            Step::Vanish { client, reset } => self.end_stream(client, reset),
            Step::List { client } => {
                self.ask_gotify(
                    client,
                    "GET /message?limit=200",
                    Asked::List(client, self.since()),
                );
            }
            Step::Forget { client } => {
                self.ask_gotify(
                    client,
                    "DELETE /message",
                    Asked::Forget(CLIENTS[client], self.since()),
                );
            }
            Step::Remove { client } => {
                let target = format!("DELETE /client/{}", client + 1);
                self.ask_gotify(client, &target, Asked::Remove(client));
            }
        }
        Ok(())
    }

    /// The messages of the other poster may come before or after what the first one asks.
    fn since(&self) -> Since {
        let mut others = self.gotify.posters[1..].iter();
        let is_known = others.all(|it| !it.waits());
        is_known.then_some(self.last_number())
    }

    fn is_exact(&self, since: Since) -> bool {
        !self.gotify.unsure && since.is_some_and(|since| self.gotify.last_of_others <= since)
    }

    fn post(&mut self, poster: usize, application: usize, bytes: usize) {
        let (number, text) = self.message("$gotify", bytes);
        if poster > 0 {
            self.gotify.last_of_others = number;
        }
        let body = format!(r#"{{"message":"{text}"}}"#);
        let (token, length) = (&made().applications[application], body.len());
        let request = format!(
            "POST /message HTTP/1.1\r\nHost: localhost\r\nX-Gotify-Key: {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let (address, asked) = (
            self.server.loops[0].address(),
            Asked::Post(number, application),
        );
        self.gotify.posters[poster].send(&self.network, address, &request, asked);
    }

    /// The first poster sends what clients ask, with their tokens.
    fn ask_gotify(&mut self, client: usize, target: &str, asked: Asked) {
        let token = &made().clients[client];
        let request = format!(
            "{target} HTTP/1.1\r\nHost: localhost\r\nX-Gotify-Key: {token}\r\n\
             Content-Length: 0\r\n\r\n"
        );
        let address = self.server.loops[0].address();
        self.gotify.posters[0].send(&self.network, address, &request, asked);
    }

    fn open_stream(&mut self, client: usize) {
        self.end_stream(client, true);
        let token = &made().clients[client];
        let head = format!("GET /stream?token={token} HTTP/1.1\r\nHost: localhost\r\n");
        let (address, request) = (
            self.server.loops[0].address(),
            format!("{head}{}\r\n", self.plan.layers.upgrade()),
        );
        self.gotify.streams[client] =
            Socket::open(&self.network, address, &request).map(|socket| Life {
                socket,
                since: 0,
                got: Vec::new(),
            });
    }

    fn read_stream(&mut self, client: usize, most: usize) -> Result<usize, String> {
        let last = self.last_number();
        let Some(life) = &mut self.gotify.streams[client] else {
            return Ok(0);
        };
        let read = life.read(most, last);
        read.map_err(|problem| format!("stream {client}: {problem}"))
    }

    fn end_stream(&mut self, client: usize, reset: bool) {
        if let Some(mut life) = self.gotify.streams[client].take() {
            life.socket.end(reset);
            self.gotify.past.push((client, life));
        }
    }

    /// The server was killed.
    pub(super) fn lose_gotify(&mut self) {
        for at in 0..POSTERS {
            self.gotify.unsure |= !self.gotify.posters[at].lose().is_empty();
        }
        (0..CLIENTS.len()).for_each(|client| self.end_stream(client, true));
    }

    /// How many requests wait whose token may be worth nothing.
    pub(super) fn wrong_tokens(&self) -> usize {
        let is_possible = self.gotify.unsure || self.removed_clients() > 0;
        let waiting = self.gotify.posters[0].waiting();
        let of_clients = waiting.filter(|it| !matches!(it, Asked::Post(..)));
        if is_possible { of_clients.count() } else { 0 }
    }

    pub(super) fn gotify_waits(&self) -> bool {
        let mut posters = self.gotify.posters.iter();
        posters.any(Requests::waits)
    }

    pub(super) fn read_gotify(&mut self) -> Result<bool, String> {
        let mut moved = false;
        for at in 0..POSTERS {
            let read = self.gotify.posters[at].read()?;
            moved |= read.moved;
            for answer in read.answers {
                self.answered(answer)?;
            }
            self.gotify.unsure |= !read.lost.is_empty();
        }
        Ok(moved)
    }

    fn answered(&mut self, answer: Answered<Asked>) -> Result<(), String> {
        let Answered { to, status, body } = answer;
        let last = self.last_number();
        match (status, to) {
            (200, Asked::Post(number, application)) => {
                let (id, told, of) = id_and_number(&parse(&body)?)?;
                if (told, of) != (number, application) {
                    return Err(format!("the answer to {number} of {application} is {body}"));
                }
                let posted = Posted {
                    number,
                    application,
                };
                self.gotify.posted.insert(id, posted);
            }
            (200, Asked::List(client, since)) => {
                self.check_list(client, since, &parse(&body)?)?;
            }
            (200, Asked::Forget(user, since)) => {
                self.gotify.unsure |= !self.is_exact(since);
                let ids = self.gotify.posted.keys();
                self.gotify.forgotten[user] = ids.copied().next_back().unwrap_or(0);
            }
            (200, Asked::Remove(client)) => self.gotify.removed[client] = Some(last),
            (401, Asked::List(client, _) | Asked::Remove(client))
                if self.gotify.removed[client].is_some() => {}
            (401, Asked::Forget(..)) if self.gotify.removed.iter().any(Option::is_some) => {}
            (401, _) if self.gotify.unsure => {}
            (507, Asked::Post(..)) | (503, _) => self.gotify.refused += 1,
            _ => return Err(format!("gotify answers {status}: {body}")),
        }
        Ok(())
    }

    /// The list has all that is kept, as far as nothing shortens histories.
    fn check_list(&mut self, client: usize, since: Since, list: &Value) -> Result<(), String> {
        let messages = list["messages"].as_array().ok_or("no messages")?;
        let all: Result<Vec<_>, String> = messages.iter().map(id_and_number).collect();
        let all = all?;
        self.gotify.listed += all.len();
        let user = CLIENTS[client];
        let (posted, forgotten) = (&self.gotify.posted, self.gotify.forgotten[user]);
        if !all
            .iter()
            .map(|it| it.0)
            .is_sorted_by(|one, other| one > other)
        {
            return Err(format!("a list out of order: {all:?}"));
        }
        for (id, number, application) in &all {
            let is_right = posted.get(id).is_none_or(|it| it.number == *number);
            let is_new = *id > forgotten || self.gotify.unsure;
            if APPLICATIONS[*application] != user || !is_right || !is_new {
                return Err(format!("the list of user {user} has {id}: {number}"));
            }
        }
        if !self.keeps_all() || !self.is_exact(since) {
            return Ok(());
        }
        let of_user = posted.iter().rev();
        let of_user = of_user.filter(|(_, it)| APPLICATIONS[it.application] == user);
        let expected = of_user.map(|(id, _)| *id).filter(|id| *id > forgotten);
        match all.iter().map(|it| it.0).eq(expected.clone()) {
            true => Ok(()),
            false => {
                let expected: Vec<_> = expected.collect();
                Err(format!("a list {all:?}, expected {expected:?}"))
            }
        }
    }

    /// Streams read all there is, and what they have got is checked.
    pub(super) fn finish_gotify(&mut self) -> Result<(), String> {
        for client in 0..CLIENTS.len() {
            self.drain(|world| world.read_stream(client, usize::MAX))?;
        }
        let current = self.gotify.streams.iter().enumerate();
        let current = current.filter_map(|(client, life)| Some((client, life.as_ref()?)));
        let past = self
            .gotify
            .past
            .iter()
            .map(|(client, life)| (*client, life));
        for (client, life) in past.chain(current) {
            let checked = self.check_stream(client, life);
            checked.map_err(|problem| format!("stream {client}: {problem}"))?;
        }
        (0..CLIENTS.len()).for_each(|client| self.end_stream(client, true));
        Ok(())
    }

    fn check_stream(&self, client: usize, life: &Life) -> Result<(), String> {
        let is_known = matches!(life.socket.status, None | Some(101 | 401 | 503));
        if !is_known {
            return Err(format!("answered {:?}", life.socket.status));
        }
        let (posted, removed) = (&self.gotify.posted, self.gotify.removed[client]);
        if life.socket.status == Some(401) && removed.is_none() && !self.gotify.unsure {
            return Err("its token is worth nothing".into());
        }
        for (id, number) in &life.got {
            let it = posted.get(id);
            let is_right = it.is_none_or(|it| {
                it.number == *number && APPLICATIONS[it.application] == CLIENTS[client]
            });
            if !is_right {
                return Err(format!("{id}: {number} came, {it:?} was posted"));
            }
            if removed.is_some_and(|after| *number > after) {
                return Err(format!("message {number} after the client was deleted"));
            }
            if !self.encoded.get(number).is_some_and(|forms| forms[2]) {
                return Err(format!("message {number} was encoded for each stream"));
            }
        }
        let is_alive = life.socket.is_alive();
        if is_alive && removed.is_some() {
            return Err("its client was deleted, and it lives".into());
        }
        let of_user = posted.iter();
        let of_user = of_user.filter(|(_, it)| APPLICATIONS[it.application] == CLIENTS[client]);
        let ids: Vec<u64> = life.got.iter().map(|(id, _)| *id).collect();
        let newest = of_user.clone().next_back().map(|(id, _)| *id);
        let last = if is_alive {
            newest
        } else {
            ids.last().copied()
        };
        let mut missing = of_user.filter(|(id, it)| {
            let is_after =
                ids.first().is_some_and(|first| first <= *id) || is_alive && it.number > life.since;
            is_after && Some(**id) <= last && !ids.contains(id)
        });
        match missing.next() {
            Some((id, it)) => Err(format!("{id} is missing, {it:?}, of {ids:?}")),
            None => Ok(()),
        }
    }

    /// Messages that streams have got.
    pub(super) fn got_by_streams(&self) -> usize {
        self.gotify
            .past
            .iter()
            .map(|(_, life)| life.got.len())
            .sum()
    }

    /// Clients that were deleted.
    pub(super) fn removed_clients(&self) -> usize {
        self.gotify.removed.iter().flatten().count()
    }
}
