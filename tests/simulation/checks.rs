//! The promises, held against what a run has recorded.
//!
//! - What a client reads are whole frames, none between the pieces of another; after a Close come
//!   Pongs alone.
//! - Messages come in the order in which they were taken, none twice; one that is missing was
//!   dropped by a policy, which is counted, or the connection has ended and its service was told
//!   why.
//! - Each beginning that a service was told of has one end, with a cause that fits what happened.
//! - Memory is back to nothing, and the counters add up.

use crate::client::Client;
use crate::record::{CLIENT, SERVER, Seen};
use crate::services::is_ours;
use crate::wire;
use crate::world::World;
use wirebell::net::{Cause, Overflow};

type Check = Result<(), String>;

fn hold(condition: bool, problem: impl FnOnce() -> String) -> Check {
    match condition {
        true => Ok(()),
        false => Err(problem()),
    }
}

/// All clients have read all that there is, and nothing was stopped by the checks.
pub fn alive(world: &World<'_>) -> Check {
    let record = world.record.borrow();
    for client in &world.lives {
        let mine = record.of(SERVER, client.who);
        let Some(seen) = mine.first().filter(|seen| !seen.request) else {
            continue;
        };
        let still_open = seen.opened == 1 && seen.closed == 0 && !seen.dismissed;
        let quiet = !client.closed && !client.half_closed && !client.broke && !client.reset;
        let told = client.frames().0.iter().any(|sent| sent.first == 0x88);
        if !still_open || !quiet || told || client.peer.has_ended() {
            continue;
        }
        let (who, got) = (client.who, messages(client)?);
        if seen.overflow == Overflow::Disconnect {
            hold(got == seen.taken, || {
                format!("client {who} has {got:?} of {:?}", seen.taken)
            })?;
        }
        let heard = client.began || client.sent == seen.received;
        hold(heard, || {
            format!(
                "client {who} said {:?}, {:?} came",
                client.sent, seen.received
            )
        })?;
    }
    Ok(())
}

/// Everything has ended.
pub fn after(world: &World<'_>) -> Check {
    let record = world.record.borrow();
    if let Some(problem) = record.problems.first() {
        return Err(problem.clone());
    }
    let mut missing = 0;
    for client in &world.lives {
        if client.socket {
            let mine = record.of(SERVER, client.who);
            hold(mine.len() <= 1, || format!("{} opened twice", client.who))?;
            stream(client)?;
            if let Some(seen) = mine.first() {
                missing += bare(world, client, seen)?;
                if world.plan().is_timeless() {
                    told(client, seen, world.counters().shed)?;
                }
            }
        }
    }
    for who in 1_000..1_000 + crate::plan::DIALLED {
        missing += pairs(world, &record.of(SERVER, who), &record.of(CLIENT, who))?;
    }
    let counters = world.counters();
    if missing as u64 > counters.dropped {
        return Err(format!(
            "{missing} messages are missing, {} were dropped",
            counters.dropped
        ));
    }
    for ((side, peer), seen) in &record.connections {
        ends(world, *side, seen).map_err(|problem| format!("{peer:?} ({side}): {problem}"))?;
    }
    counted(world)
}

/// Frames are whole, and a Close is the last, but for Pongs: RFC 6455 section 5.5.2 asks for them
/// until the peer's Close has come.
fn stream(client: &Client) -> Check {
    if !client.is_open() {
        return Ok(());
    }
    let (frames, rest) = client.frames();
    let who = client.who;
    let first = frames.iter().position(|sent| sent.first == 0x88);
    if let Some(at) = first {
        let pongs = frames[at + 1..].iter().all(|sent| sent.first == 0x8A);
        // The last one is cut where the wait for the peer's Close ends.
        let is_pong = rest.first().is_none_or(|first| *first == 0x8A);
        hold(pongs && is_pong, || {
            format!("client {who} was sent frames after a Close")
        })?;
    }
    for sent in &frames {
        let known = matches!(sent.first, 0x82 | 0x88 | 0x89 | 0x8A);
        hold(known && sent.key.is_none(), || {
            format!("client {who} was sent a frame {:#x}", sent.first)
        })?;
    }
    Ok(())
}

/// The numbers of the messages that a client has read.
fn messages(client: &Client) -> Result<Vec<u64>, String> {
    let (frames, _) = client.frames();
    let data = frames.iter().filter(|sent| sent.first == 0x82);
    let number = |payload: &Vec<u8>| {
        wire::number(payload).ok_or_else(|| format!("client {} was sent other bytes", client.who))
    };
    data.map(|sent| number(&sent.payload)).collect()
}

/// A bare client and what the server saw of it; returns how many messages are missing without the
/// connection having ended badly.
fn bare(world: &World<'_>, client: &Client, seen: &Seen) -> Result<usize, String> {
    let (who, got) = (client.who, messages(client)?);
    let (_, rest) = client.frames();
    let cause = seen.cause;
    let broken = client.reset || cause.is_none_or(|cause| is_ours(cause) || cause == Cause::Lost);
    // Who is through and reads no more is not waited for.
    let broken = broken || client.closed || client.broke || !seen.clean;
    hold(
        rest.is_empty() || broken || cause == Some(Cause::Stopped),
        || format!("client {who} was sent a part of a frame before {cause:?}"),
    )?;
    hold(client.sent.starts_with(&seen.received), || {
        format!(
            "client {who} said {:?}, {:?} came",
            client.sent, seen.received
        )
    })?;
    let mut seen = seen.clone();
    seen.clean &= !client.reset && !client.closed && !may_lose(world, &seen);
    order(who, &got, &seen)
}

/// A client that the server ends, and that reads, learns why; unless memory was short, which takes
/// what waits to be written from a connection that is closing already, its Close included.
fn told(client: &Client, seen: &Seen, shed: u64) -> Check {
    let code: u16 = match seen.cause {
        Some(Cause::Overflow) if shed == 0 => 1013,
        Some(Cause::Stopped) if shed == 0 => 1001,
        _ => return Ok(()),
    };
    if client.reset || client.half_closed || client.broke || client.closed {
        return Ok(());
    }
    let (frames, _) = client.frames();
    let close = frames.iter().rfind(|sent| sent.first == 0x88);
    let said = close.and_then(|sent| sent.payload.first_chunk().copied());
    hold(said.map(u16::from_be_bytes) == Some(code), || {
        format!("client {} was not told of {:?}", client.who, seen.cause)
    })
}

/// The peer has closed, of which the service was told; after that a lack of memory may still take
/// what waits to be written.
fn may_lose(world: &World<'_>, seen: &Seen) -> bool {
    seen.cause == Some(Cause::Closed) && world.counters().shed > 0
}

/// What came is what was taken, in order; what is missing was dropped or has a reason.
fn order(who: usize, got: &[u64], seen: &Seen) -> Result<usize, String> {
    let mut taken = seen.taken.iter();
    for number in got {
        hold(taken.any(|other| other == number), || {
            format!("{who} got {got:?} of {:?}", seen.taken)
        })?;
    }
    let missing = seen.taken.len() - got.len();
    if seen.overflow == Overflow::Disconnect {
        hold(seen.taken.starts_with(got), || {
            format!("{who} got {got:?} of {:?}, with a gap", seen.taken)
        })?;
        let told = seen.cause.is_some_and(|cause| cause != Cause::Closed) || seen.closed == 0;
        hold(missing == 0 || told || !seen.clean, || {
            format!("{who} misses {missing} messages and ended cleanly")
        })?;
        return Ok(0);
    }
    // Those at the end may have been lost with the connection.
    let last = got
        .last()
        .and_then(|last| seen.taken.iter().position(|one| one == last));
    Ok(last.map_or(0, |last| last + 1 - got.len()))
}

/// Both ends of the connections that were dialled, in the order of their beginnings.
fn pairs(world: &World<'_>, servers: &[&Seen], clients: &[&Seen]) -> Result<usize, String> {
    let mut missing = 0;
    let mut servers = servers.iter();
    for client in clients {
        let mut problem = format!("{} has no other end", client.who);
        // A server may have opened one that its client has never seen open.
        let found = servers.find_map(|server| match pair(world, server, client)? {
            Ok(missing) => Some(missing),
            Err(why) => {
                problem = why;
                None
            }
        });
        missing += found.ok_or(problem)?;
    }
    Ok(missing)
}

/// What a client misses, if this may be its other end.
fn pair(world: &World<'_>, server: &Seen, client: &Seen) -> Option<Result<usize, String>> {
    let mut received = client.received.iter();
    let fits = client.taken.starts_with(&server.received)
        && received.all(|number| server.taken.contains(number));
    if !fits {
        return None;
    }
    // Who gives up for a reason of its own says so in its Close. A stop is bounded: a client
    // whose loop was held up meanwhile leaves without the Close that it waits for, and without
    // what comes before. The server, which sent both, cannot know.
    let left = client.cause == Some(Cause::Stopped) && !client.clean;
    let gave_up = client.cause.is_some_and(is_ours) || left && world.plan().is_held_up();
    let mut server = server.clone();
    server.clean &= !gave_up && !may_lose(world, &server);
    Some(order(client.who, &client.received, &server))
}

/// One end for each beginning, and a cause that fits.
fn ends(world: &World<'_>, side: usize, seen: &Seen) -> Check {
    hold(seen.opened == seen.closed, || {
        format!("{} beginnings, {} ends", seen.opened, seen.closed)
    })?;
    let Some(cause) = seen.cause else {
        return Ok(());
    };
    let life = (side == SERVER)
        .then(|| world.lives.get(seen.who))
        .flatten();
    let limits = &world.plan().options.limits;
    let fits = match cause {
        Cause::Violation(_) => life.is_some_and(|client| client.broke),
        Cause::Late => life.is_none_or(|client| client.began || limits.message_ms > 0),
        Cause::Overflow => seen.overflow == Overflow::Disconnect,
        Cause::Memory => limits.memory_bytes < 1 << 30,
        Cause::Closed => seen.clean || seen.dismissed,
        _ => true,
    };
    hold(fits, || format!("{cause:?} does not fit"))?;
    let violated = life.is_some_and(|client| client.broke) && seen.closed > 0 && !seen.request;
    let known = !violated || matches!(cause, Cause::Violation(_)) || is_ours(cause);
    let other = matches!(cause, Cause::Lost | Cause::Stopped | Cause::Closed);
    hold(known || other, || {
        format!("{cause:?}, although a rule was broken")
    })
}

/// The counters, and what is held.
fn counted(world: &World<'_>) -> Check {
    let counters = world.counters();
    let record = world.record.borrow();
    let of_server = || {
        let all = record.connections.iter();
        all.filter(|((side, _), _)| *side == SERVER)
            .map(|(_, seen)| seen)
    };
    let sockets = of_server()
        .filter(|seen| seen.opened > 0 && !seen.request)
        .count() as u64;
    let rows = [
        ("opened", counters.opened, sockets),
        ("closed", counters.closed, counters.opened),
        (
            "messages",
            counters.messages,
            of_server().map(|seen| seen.received.len() as u64).sum(),
        ),
        (
            "overflowed",
            counters.overflowed,
            of_server()
                .filter(|seen| seen.cause == Some(Cause::Overflow))
                .count() as u64,
        ),
    ];
    for (name, is, should) in rows {
        hold(is == should, || format!("{name}: {is}, should be {should}"))?;
    }
    // A rule may be broken by a connection that is ending for another reason.
    let violation = |seen: &&Seen| matches!(seen.cause, Some(Cause::Violation(_)));
    let least = of_server().filter(violation).count() as u64;
    let most = world.lives.iter().filter(|client| client.broke).count() as u64;
    hold((least..=most).contains(&counters.violations), || {
        format!("{} violations of {least} to {most}", counters.violations)
    })?;
    let held = world.servers[0].handle().held_bytes();
    let held = held + world.dialler.handle().held_bytes();
    hold(held == 0, || format!("{held} bytes are still held"))?;
    let ended = counters.ended <= counters.accepted;
    hold(ended, || {
        format!("{} of {} ended", counters.ended, counters.accepted)
    })
}
