//! The wserver dialect: members that register for events of users over `/ws`, and a publisher at
//! `/push` and `/drop`.
//!
//! - A member gets messages of topics that it has registered for, in the order of their
//!   publication, none twice and nothing after a Close.
//! - From its first message of a topic to its last none is missing; a member that was never ended
//!   has all from its registration on.
//! - Not more members get a message than its publisher is told, and it is told of no more than
//!   there were.
//! - What is published after a `/drop` does not come to those that it ends.

use super::requests::{Answered, Requests};
use super::socket::Socket;
use super::subscriber::number;
use super::world::World;
use crate::support::Rng;
use crate::support::frames::text;
use std::collections::BTreeMap;
use wirebell::push::Grant;

pub const MEMBERS: usize = 3;

/// The key of the publisher.
pub const KEY: &str = "key";

/// How long input may rest, at most, because the mail of a worker is half full.
const RESTS_MS: u64 = 50;

/// Users and their events.
const ALL: [(&str, &str); 4] = [("ann", "e"), ("ann", "f,*"), ("bob", "e"), ("bob", "**")];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A member registers for one event, or for all of its user; over a new connection if it has
    /// none.
    Join {
        member: usize,
        topic: usize,
        all: bool,
    },
    Read {
        member: usize,
        most: usize,
    },
    Vanish {
        member: usize,
        reset: bool,
    },
    Push {
        topic: usize,
        bytes: usize,
    },
    /// The members of an event are closed, or all of its user.
    Drop {
        topic: usize,
        all: bool,
    },
}

impl Step {
    pub fn new(rng: &mut Rng) -> Self {
        let (member, topic) = (rng.below(MEMBERS), rng.below(ALL.len()));
        match rng.below(12) {
            0..=2 => Self::Join {
                member,
                topic,
                all: rng.one_in(2),
            },
            3..=6 => Self::Push {
                topic,
                bytes: [10, 10, 300, 2_000][rng.below(4)],
            },
            7..=9 => Self::Read {
                member,
                most: [50, 1_500, usize::MAX][rng.below(3)],
            },
            10 => Self::Vanish {
                member,
                reset: rng.one_in(2),
            },
            _ => Self::Drop {
                topic,
                all: rng.one_in(3),
            },
        }
    }
}

/// What a token may: nothing but register for events of its user.
pub fn grant(token: &str) -> Option<Grant> {
    let name = token.strip_prefix("user-")?;
    Some(Grant::new(name, Vec::new(), Vec::new()))
}

/// Topics of this many, as bits.
type Topics = usize;

fn topics(topic: usize, all: bool) -> Topics {
    let of_user = |at: &usize| ALL[*at].0 == ALL[topic].0;
    match all {
        true => (0..ALL.len()).filter(of_user).map(|at| 1 << at).sum(),
        false => 1 << topic,
    }
}

/// One connection of a member.
struct Life {
    socket: Socket,
    /// By topic: the last message before it had certainly registered, if that is known.
    joined: BTreeMap<usize, Option<u64>>,
    got: Vec<u64>,
    /// Topics of its first registration.
    first: Topics,
    /// Its first registration has certainly been read. A server reads nothing of who has not read
    /// all that was sent: later ones may wait for that.
    is_settled: bool,
    /// When it began.
    since: u64,
}

/// What the publisher waits for: a message, or the drop of topics after this message.
enum Asked {
    Push(u64, usize),
    Drop(u64, Topics),
}

#[derive(Default)]
pub struct Wserver {
    members: [Option<Life>; MEMBERS],
    past: Vec<Life>,
    publisher: Requests<Asked>,
    /// By number: the topic, and how many members the publisher was told of.
    pushed: BTreeMap<u64, (usize, usize)>,
    /// Topics that were dropped after a message.
    dropped: Vec<(u64, Topics)>,
    pub refused: usize,
}

impl Life {
    fn read(&mut self, most: usize) -> Result<usize, String> {
        let read = self.socket.read(most);
        while let Some(text) = self.socket.text()? {
            self.take(number(&text).ok_or("another message")?)?;
        }
        Ok(read)
    }

    // req: wserver-order
    fn take(&mut self, number: u64) -> Result<(), String> {
        if let Some(last) = self.got.last().filter(|last| **last >= number) {
            return Err(format!("message {number} after {last}"));
        }
        self.got.push(number);
        Ok(())
    }
}

impl World<'_> {
    pub(super) fn wserver(&mut self, step: Step) -> Result<(), String> {
        match step {
            Step::Join { member, topic, all } => self.join(member, topic, all),
            Step::Read { member, most } => drop(self.read_member(member, most)?),
            Step::Vanish { member, reset } => self.leave(member, reset),
            Step::Push { topic, bytes } => {
                let (user, event) = ALL[topic];
                let (number, text) = self.message(user, bytes);
                let body = format!(r#"{{"userId":"{user}","event":"{event}","message":"{text}"}}"#);
                self.ask_wserver("/push", &body, Asked::Push(number, topic));
            }
            Step::Drop { topic, all } => {
                let (user, event) = ALL[topic];
                let body = match all {
                    true => format!(r#"{{"userId":"{user}"}}"#),
                    false => format!(r#"{{"userId":"{user}","event":"{event}"}}"#),
                };
                let asked = Asked::Drop(self.last_number(), topics(topic, all));
                self.ask_wserver("/drop", &body, asked);
            }
        }
        Ok(())
    }

    fn ask_wserver(&mut self, path: &str, body: &str, asked: Asked) {
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        let (network, address) = (&self.network, self.server.loops[0].address());
        self.wserver
            .publisher
            .send(network, address, &request, asked);
    }

    fn join(&mut self, member: usize, topic: usize, all: bool) {
        let topics = topics(topic, all);
        let named = (0..ALL.len()).filter(|at| topics & 1 << at != 0);
        let events: Vec<_> = named.clone().map(|at| ALL[at].1).collect();
        let (user, events) = (ALL[topic].0, events.join("\",\""));
        let say = text(format!(r#"{{"token":"user-{user}","event":["{events}"]}}"#));
        let it = &mut self.wserver.members[member];
        if it.is_none() {
            let upgrade = self.plan.layers.upgrade();
            let request = format!("GET /ws HTTP/1.1\r\nHost: localhost\r\n{upgrade}\r\n");
            let address = self.server.loops[0].address();
            let Some(socket) = Socket::open(&self.network, address, &request) else {
                return;
            };
            *it = Some(Life {
                socket,
                joined: BTreeMap::new(),
                got: Vec::new(),
                first: topics,
                is_settled: false,
                since: self.network.now(),
            });
        }
        if let Some(life) = it {
            life.socket.send(&say);
            for topic in named {
                life.joined.entry(topic).or_default();
            }
        }
    }

    fn read_member(&mut self, member: usize, most: usize) -> Result<usize, String> {
        let Some(life) = &mut self.wserver.members[member] else {
            return Ok(0);
        };
        let read = life.read(most);
        read.map_err(|problem| format!("member {member}: {problem}"))
    }

    fn leave(&mut self, member: usize, reset: bool) {
        if let Some(mut life) = self.wserver.members[member].take() {
            life.socket.end(reset);
            self.wserver.past.push(life);
        }
    }

    /// The server was killed.
    pub(super) fn lose_wserver(&mut self) {
        self.wserver.publisher.lose();
        (0..MEMBERS).for_each(|member| self.leave(member, true));
    }

    /// All that was sent has been read by the server.
    pub(super) fn note_members(&mut self) {
        let (last, now) = (self.last_number(), self.network.now());
        let mail_bytes = self.plan.options.limits.mail_bytes;
        let Wserver {
            members, pushed, ..
        } = &mut self.wserver;
        for life in members.iter_mut().flatten() {
            let is_small = mail_bytes < 1 << 20;
            let may_rest = is_small && now < life.since + RESTS_MS;
            if life.socket.unsent() > 0 || life.is_settled || may_rest {
                continue;
            }
            life.is_settled = true;
            // What was sent in the moment of its beginning may have come after it.
            let mut for_it = pushed.iter().filter(|(number, (topic, _))| {
                life.joined.contains_key(topic) && self.sent[*number].0 >= life.since
            });
            let later_too = !is_small && for_it.next().is_none();
            let marks = life.joined.iter_mut();
            let sure = marks.filter(|(topic, _)| later_too || life.first & 1 << **topic != 0);
            sure.for_each(|(_, mark)| *mark = Some(last));
        }
    }

    pub(super) fn read_wserver(&mut self) -> Result<bool, String> {
        let it = &mut self.wserver;
        let read = it.publisher.read()?;
        for Answered { to, status, body } in read.answers {
            let count = body.split(' ').find_map(|word| word.parse().ok());
            match (status, to, count) {
                (200, Asked::Push(number, topic), Some(count)) => {
                    it.pushed.insert(number, (topic, count));
                }
                (200, Asked::Drop(number, topics), Some(_)) => it.dropped.push((number, topics)),
                (503, ..) => it.refused += 1,
                _ => return Err(format!("a publisher of wserver got {status}: {body}")),
            }
        }
        Ok(read.moved)
    }

    pub(super) fn wserver_waits(&self) -> bool {
        self.wserver.publisher.waits()
    }

    /// Members read all there is, and what they have got is checked.
    pub(super) fn finish_wserver(&mut self) -> Result<(), String> {
        for member in 0..MEMBERS {
            self.drain(|world| world.read_member(member, usize::MAX))?;
        }
        let mut reached: BTreeMap<u64, usize> = BTreeMap::new();
        let mut members = [0; ALL.len()];
        let current = self.wserver.members.iter().enumerate();
        let current = current.filter_map(|(at, life)| Some((at, life.as_ref()?)));
        let past = self.wserver.past.iter().map(|life| (MEMBERS, life));
        for (at, life) in past.chain(current) {
            let checked = self.check_member(life);
            checked.map_err(|problem| format!("member {at}: {problem}"))?;
            let got = life.got.iter();
            got.for_each(|number| *reached.entry(*number).or_default() += 1);
            life.joined.keys().for_each(|topic| members[*topic] += 1);
        }
        for (number, (topic, told)) in &self.wserver.pushed {
            let (reached, most) = (reached.get(number).unwrap_or(&0), members[*topic]);
            if !(*reached..=most).contains(told) {
                return Err(format!(
                    "{number} has reached {reached} of {most} members, {told} were told"
                ));
            }
        }
        (0..MEMBERS).for_each(|member| self.leave(member, true));
        Ok(())
    }

    fn check_member(&self, life: &Life) -> Result<(), String> {
        let Wserver {
            pushed, dropped, ..
        } = &self.wserver;
        for number in &life.got {
            if let Some((topic, _)) = pushed.get(number)
                && !life.joined.contains_key(topic)
            {
                return Err(format!("message {number} was not asked for"));
            }
            if !self.encoded.get(number).is_some_and(|forms| forms[0]) {
                return Err(format!("message {number} was encoded for each member"));
            }
        }
        for (topic, joined) in &life.joined {
            self.check_topic(life, *topic, *joined)?;
            let mut drops = dropped
                .iter()
                .filter(|(_, topics)| topics & 1 << topic != 0);
            let Some((after, _)) = drops.find(|(at, _)| joined.is_some_and(|it| it < *at)) else {
                continue;
            };
            let of_topic = |number: &u64| pushed.get(number).is_some_and(|it| it.0 == *topic);
            let mut late = life.got.iter().filter(|it| *it > after && of_topic(it));
            if let Some(number) = late.next() {
                return Err(format!("message {number} after a drop at {after}"));
            }
            if life.socket.is_alive() {
                return Err(format!("it was dropped after {after}, and lives"));
            }
        }
        Ok(())
    }

    /// No message of a topic is missing in the middle; at the end of who lives none is.
    fn check_topic(&self, life: &Life, topic: usize, joined: Option<u64>) -> Result<(), String> {
        let of_topic = |it: &(&u64, &(usize, usize))| it.1.0 == topic;
        let all = self.wserver.pushed.iter().filter(of_topic);
        let all: Vec<u64> = all.map(|(number, _)| *number).collect();
        let got: Vec<u64> = life
            .got
            .iter()
            .copied()
            .filter(|it| all.contains(it))
            .collect();
        let is_alive = life.socket.is_alive();
        let begins = joined.filter(|_| is_alive);
        let first = begins.map_or(got.first().copied(), |it| Some(it + 1));
        let last = match is_alive {
            true => all.last().copied(),
            false => got.last().copied(),
        };
        let (Some(first), Some(last)) = (first, last) else {
            return Ok(());
        };
        let expected = all.iter().filter(|it| (first..=last).contains(*it));
        let mut missing = expected.filter(|it| !got.contains(it));
        match missing.next() {
            Some(number) => Err(format!(
                "{:?}: message {number} is missing in {got:?} of {all:?}, from {first}",
                ALL[topic]
            )),
            None => Ok(()),
        }
    }

    /// Messages that members have got.
    pub(super) fn got_by_members(&self) -> usize {
        let current = self.wserver.members.iter().flatten();
        let all = self.wserver.past.iter().chain(current);
        all.map(|life| life.got.len()).sum()
    }

    /// Members that were dropped.
    pub(super) fn dropped_members(&self) -> usize {
        let all = self.wserver.past.iter();
        all.filter(|life| life.socket.closes.contains(&1000))
            .count()
    }
}
