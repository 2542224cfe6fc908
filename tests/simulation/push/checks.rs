//! The promises, held against what publishers were answered and subscribers have got.
//!
//! - Each record after the place where a subscriber began has come once, or is in a gap that it was
//!   told of; without a reason there is no gap. A raw WebSocket gets all after its position, until
//!   it ends.
//! - Where slow subscribers lose messages instead of their connection, one is missing only before a
//!   later one that has come: positions jump, and what a subscriber has not passed is not lost.
//! - The order grows: this is checked while it comes.
//! - A message has one place in the log, and what was acknowledged before the server was killed is
//!   there.
//! - A record is encoded once for each form, for all workers.

use super::plan::Transport;
use super::subscriber::{Subscriber, number};
use super::world::World;
use std::collections::HashMap;
use wirebell::Message;
use wirebell::net::{Overflow, SharedFrame};
use wirebell::push::{Delivery, FrameForm};

pub fn all(world: &World<'_>) -> Result<(), String> {
    for it in &world.subscribers {
        let checked = match it.wanted.transport {
            Transport::Raw => raw(world, it),
            _ => complete(world, it),
        };
        let who = it.who;
        checked.map_err(|problem| format!("subscriber {who}: {problem}"))?;
    }
    published_once(world)?;
    encoded_once(world)
}

/// Each message has one place in the log, also if its publisher has sent it again after the server
/// was killed.
// req: push-publish-08
fn published_once(world: &World<'_>) -> Result<(), String> {
    let mut places: HashMap<u64, u64> = HashMap::new();
    let told = world.published.iter();
    let told = told.map(|(sequence, it)| (it.number, *sequence));
    let came = world.subscribers.iter().flat_map(|it| &it.got);
    let came = came.filter_map(|it| Some((number(&it.text)?, it.sequence)));
    for (number, sequence) in told.chain(came) {
        let place = *places.entry(number).or_insert(sequence);
        if place != sequence {
            return Err(format!("message {number} is at {place} and {sequence}"));
        }
    }
    Ok(())
}

// req: push-order-04 push-since-06
fn complete(world: &World<'_>, it: &Subscriber) -> Result<(), String> {
    let mut got = HashMap::new();
    for one in &it.got {
        if got.insert(one.sequence, number(&one.text)).is_some() {
            return Err(format!("record {} came twice", one.sequence));
        }
    }
    let Some(baseline) = it.baseline else {
        return Err("it never began".into());
    };
    let last = got.keys().copied().max().unwrap_or(0);
    let drops = world.plan.overflow != Overflow::Disconnect;
    for (sequence, published) in &world.published {
        let is_wanted = it.matches(published.topic);
        match got.get(sequence) {
            Some(number) if *number == Some(published.number) && is_wanted => {}
            Some(_) => return Err(format!("{published:?} came as another, or unasked")),
            None if !is_wanted || *sequence <= baseline => {}
            None if is_in_gap(it, published.topic, *sequence) => {}
            None if drops && last > *sequence => {}
            None => {
                return Err(format!(
                    "record {sequence} is missing: {published:?}, from {baseline}, gaps {:?}",
                    it.gaps
                ));
            }
        }
    }
    match it.gaps.first() {
        Some(gap) if world.keeps_all() && world.plan.history >= 1_000 => {
            Err(format!("a gap without a reason: {gap:?}"))
        }
        _ => Ok(()),
    }
}

fn is_in_gap(it: &Subscriber, topic: &str, sequence: u64) -> bool {
    let topic = topic.parse().expect("a name");
    it.gaps.iter().any(|gap| {
        let is_before = gap.next.is_none_or(|next| sequence < next);
        gap.topic.matches(&topic) && gap.after < sequence && is_before
    })
}

fn raw(world: &World<'_>, it: &Subscriber) -> Result<(), String> {
    for (position, numbers) in &it.raw {
        let known = |number: &u64| world.published.values().any(|it| it.number == *number);
        let numbers: Vec<u64> = numbers.iter().copied().filter(known).collect();
        let after = world.published.range(position + 1..).map(|(_, it)| it);
        let wanted = after.filter(|published| it.matches(published.topic));
        let wanted: Vec<_> = wanted.map(|it| it.number).collect();
        let came = match world.plan.overflow {
            Overflow::Disconnect => wanted.starts_with(&numbers),
            _ => is_subsequence(&numbers, &wanted),
        };
        if !came {
            return Err(format!("{numbers:?} came of {wanted:?}"));
        }
    }
    Ok(())
}

fn is_subsequence(some: &[u64], all: &[u64]) -> bool {
    let mut all = all.iter();
    some.iter().all(|one| all.any(|other| one == other))
}

/// Looks at the deliveries that all workers have finished with, and forgets them. A probe of a form
/// that is there makes nothing.
pub fn look_at_forms(world: &mut World<'_>) -> Result<(), String> {
    let mut all: HashMap<u64, Delivery> = HashMap::new();
    for delivery in world.server.deliveries.take() {
        match all.get(&delivery.order()) {
            Some(first) if !std::ptr::eq(first.record(), delivery.record()) => {
                return Err("a record has a delivery for each worker".into());
            }
            _ => drop(all.insert(delivery.order(), delivery)),
        }
    }
    for delivery in all.into_values() {
        let forms = [FrameForm::Raw, FrameForm::Envelope, FrameForm::Gotify].map(|form| {
            let mut is_new = false;
            delivery.frame(form, || {
                is_new = true;
                SharedFrame::new(Message::text(""))
            });
            !is_new
        });
        let text = std::str::from_utf8(delivery.record().payload.bytes()).unwrap_or_default();
        // In the payloads of gotify the message is a member.
        let text = text.split_once(r#""message":""#).map_or(text, |(_, it)| it);
        let number = number(text).ok_or("another payload")?;
        world.encoded.insert(number, forms);
    }
    Ok(())
}

/// What came live was encoded where all workers find it.
// req: push-order-10
fn encoded_once(world: &World<'_>) -> Result<(), String> {
    for it in &world.subscribers {
        let (form, came): (_, Vec<u64>) = match it.wanted.transport {
            Transport::Raw => (0, it.raw.iter().flat_map(|(_, all)| all.clone()).collect()),
            Transport::Envelopes => {
                let live = it.got.iter().filter(|it2| it.live.contains(&it2.sequence));
                (1, live.filter_map(|it| number(&it.text)).collect())
            }
            _ => continue,
        };
        let encoded = |number: &u64| world.encoded.get(number).is_some_and(|it| it[form]);
        if let Some(number) = came.iter().find(|number| !encoded(number)) {
            return Err(format!("message {number} was encoded for each subscriber"));
        }
    }
    Ok(())
}
