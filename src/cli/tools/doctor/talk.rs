//! A WebSocket through the path: messages and Pings, and how long silence may last.
//!
//! ```text
//!   we    ── message ── Ping "1" ──▶
//!   they  ◀── answer ── Pong "1" ──   in this order, if the server itself has sent the Pong
//! ```
//!
//! Input: a target. Output: facts. Invariant: frames go through the client of the library, so
//! offers, masks and Pongs are those of any client. Nothing is sent while a connection is idle
//! except Pongs.

use crate::cli::tools::common::progress::Progress;
use crate::cli::tools::common::terminal::one_line;
use crate::cli::tools::doctor::facts::{Idle, IdleEnd, Talk};
use crate::cli::tools::doctor::target::Target;
use std::time::{Duration, Instant};
use wirebell::client::{Client, Endpoint, Error, Limits, Options, ProxyChoice, Wait};
use wirebell::push::native::ENVELOPES;
use wirebell::{CloseCode, Event, Message, deflate};

/// Rounds: enough that one delayed packet does not count.
const ROUNDS: u32 = 5;

/// Opens a WebSocket at `/topics`, with compression if the server agrees.
fn open(target: &Target) -> Result<Client, Error> {
    let timeout = target.timeout.as_millis() as u32;
    let mut limits = Limits::default().open_ms(timeout);
    limits.protocol.ping_ms = 0;
    let options = Options::default()
        .fields(target.credentials.clone().into_iter().collect())
        .subprotocols(vec![ENVELOPES.into()])
        .limits(limits)
        .deflate(Some(deflate::Settings::default()))
        .tls(target.tls.clone())
        .proxy(ProxyChoice::Direct);
    let uri = target.socket_uri("/topics");
    Client::open(&Endpoint::at(&uri, options, vec![target.address])?)
}

/// Sends messages and Pings, and measures.
pub fn talk(target: &Target) -> Result<Talk, String> {
    let said = |error: Error| one_line(&error.to_string());
    let mut client = open(target).map_err(said)?;
    let mut talk = Talk {
        envelopes: client.subprotocol() == Some(ENVELOPES),
        ..Talk::default()
    };
    for number in 0..ROUNDS {
        round(&mut client, &mut talk, number, target.timeout).map_err(said)?;
        if talk.ponged == 0 && talk.answered == 0 {
            break; // Each further round would take as long.
        }
    }
    let _ = client.close(Some(CloseCode::NORMAL), "");
    client.set_receive_timeout(Some(target.timeout));
    while let Ok(Some(_)) = client.receive() {}
    Ok(talk)
}

/// One message, then one Ping.
fn round(
    client: &mut Client,
    talk: &mut Talk,
    number: u32,
    timeout: Duration,
) -> Result<(), Error> {
    let reference = format!("doctor-{number}");
    let started = Instant::now();
    let mut waits_for_answer = talk.envelopes;
    let mut waits_for_pong = true;
    if waits_for_answer {
        // Of no known type: the server says so, even without a token.
        let question = format!("{{\"type\":\"doctor\",\"ref\":\"{reference}\"}}");
        client.send(Message::text(&question))?;
    }
    let pinged = Instant::now();
    client.ping(reference.as_bytes())?;
    while waits_for_answer || waits_for_pong {
        let left = timeout.saturating_sub(started.elapsed());
        client.set_receive_timeout(Some(left.max(Duration::from_millis(1))));
        match client.receive_event() {
            Ok(Some(Event::Pong(payload))) if payload == reference.as_bytes() => {
                waits_for_pong = false;
                talk.ponged += 1;
                talk.early_pongs += u32::from(waits_for_answer);
                shorten(&mut talk.pong, pinged.elapsed());
            }
            Ok(Some(Event::Pong(_))) => talk.foreign_pongs += 1,
            Ok(Some(Event::Piece(piece))) => {
                let text = String::from_utf8_lossy(piece.bytes);
                if waits_for_answer && text.contains(&reference) {
                    waits_for_answer = false;
                    talk.answered += 1;
                    shorten(&mut talk.answer, started.elapsed());
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => return Err(Error::Lost(None)),
            Err(Error::TimedOut(Wait::Receive)) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn shorten(shortest: &mut Option<Duration>, time: Duration) {
    *shortest = Some(shortest.map_or(time, |least| least.min(time)));
}

/// Leaves a WebSocket silent.
pub fn idle(target: &Target, asked: Duration) -> Idle {
    let mut idle = Idle {
        lived: Duration::ZERO,
        pings: 0,
        end: IdleEnd::Alive,
    };
    let mut client = match open(target) {
        Ok(client) => client,
        Err(error) => {
            idle.end = IdleEnd::Unopened(one_line(&error.to_string()));
            return idle;
        }
    };
    let opened = Instant::now();
    let mut progress = Progress::new();
    let end = loop {
        let left = asked.saturating_sub(opened.elapsed());
        if left.is_zero() {
            break None;
        }
        progress.show(|| {
            let (lived, asked) = (opened.elapsed().as_secs(), asked.as_secs());
            format!("idle for {lived} of {asked} seconds")
        });
        client.set_receive_timeout(Some(left.min(Duration::from_millis(500))));
        match client.receive_event() {
            Ok(Some(Event::Ping(_))) => idle.pings += 1,
            Err(Error::TimedOut(Wait::Receive)) | Ok(Some(Event::Piece(_) | Event::Pong(_))) => {}
            Ok(Some(Event::Close(close))) => {
                let code = close.code.map_or(1005, CloseCode::get);
                let text = one_line(&format!("{code} {}", close.reason));
                break Some(IdleEnd::Closed(text.trim_end().to_owned()));
            }
            Ok(_) => break Some(IdleEnd::Closed(String::new())),
            Err(error) => break Some(IdleEnd::Cut(one_line(&error.to_string()))),
        }
    };
    drop(progress);
    idle.lived = opened.elapsed();
    idle.end = end.unwrap_or_else(|| last_sign(&mut client, target.timeout));
    idle
}

/// Whether a Ping is still answered: a firewall may have forgotten the connection.
fn last_sign(client: &mut Client, timeout: Duration) -> IdleEnd {
    if client.ping(b"doctor-idle").is_err() {
        return IdleEnd::Dead;
    }
    client.set_receive_timeout(Some(timeout));
    while let Ok(Some(event)) = client.receive_event() {
        if event == Event::Pong(b"doctor-idle") {
            let _ = client.close(Some(CloseCode::NORMAL), "");
            return IdleEnd::Alive;
        }
    }
    IdleEnd::Dead
}
