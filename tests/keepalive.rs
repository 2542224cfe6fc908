//! Time: when a connection asks for its peer, and when it stops waiting, in each state.

use crate::support::Rng;
use crate::support::driver::Driver;
use crate::support::frames::{close, ping};
use wirebell::proto::Tick;
use wirebell::{Connection, Eof, Limits, Misuse, Role, State};

const LIMITS: Limits = Limits::DEFAULT
    .ping_ms(1000)
    .pong_ms(300)
    .close_ms(50)
    .linger_ms(20);

/// A server whose handshake was at this time.
const START: u64 = 1_000_000;

fn server(limits: &Limits) -> Driver {
    let mut driver = Driver::new(Role::Server, limits);
    driver.connection = Connection::new(Role::Server, limits, START);
    driver
}

fn tick(driver: &mut Driver, now: u64) -> Tick {
    driver.tick(now)
}

#[track_caller]
fn expect_wait(driver: &Driver, deadline: Option<u64>) {
    assert_eq!(driver.deadline(), deadline.map(|after| START + after));
}

#[test]
fn a_silent_peer_is_asked_and_then_given_up() {
    let mut driver = server(&LIMITS);
    expect_wait(&driver, Some(1000));
    assert_eq!(tick(&mut driver, START + 999), Tick::Early);
    assert!(driver.outbox.is_empty());
    assert_eq!(tick(&mut driver, START + 1000), Tick::Ping);
    driver.transmit();
    assert_eq!(driver.sent, [0x89, 0]);
    expect_wait(&driver, Some(1300));
    assert_eq!(tick(&mut driver, START + 1299), Tick::Early);
    assert_eq!(driver.connection.state(), State::Open);
    assert_eq!(tick(&mut driver, START + 1300), Tick::Expired);
    assert_eq!(driver.connection.state(), State::Gone);
    assert_eq!(driver.deadline(), None);
    assert_eq!(driver.connection.receive_eof(), Eof::Lost);
}

/// A late clock gives the peer its full time: the wait for the answer begins with the Ping.
#[test]
fn a_tick_that_comes_late() {
    let mut driver = server(&LIMITS);
    assert_eq!(tick(&mut driver, START + 5000), Tick::Ping);
    expect_wait(&driver, Some(5300));
    assert_eq!(tick(&mut driver, START + 9000), Tick::Expired);
}

#[test]
fn any_byte_starts_the_wait_again() {
    let mut driver = server(&LIMITS);
    driver.connection.heard(START + 700);
    expect_wait(&driver, Some(1700));
    assert_eq!(tick(&mut driver, START + 1000), Tick::Early);
    assert_eq!(tick(&mut driver, START + 1700), Tick::Ping);
    // Whatever comes is an answer, not only a Pong.
    driver.connection.heard(START + 1800);
    expect_wait(&driver, Some(2800));
    assert_eq!(tick(&mut driver, START + 2000), Tick::Early);
    assert_eq!(
        tick(&mut driver, START + 2800),
        Tick::Ping,
        "one more Ping per silence"
    );
}

#[test]
fn without_keepalive_an_open_connection_has_no_deadline() {
    let limits = LIMITS.ping_ms(0);
    let mut driver = server(&limits);
    expect_wait(&driver, None);
    assert_eq!(tick(&mut driver, START + (1 << 40)), Tick::Early);
    driver.connection.heard(START + (1 << 40));
    expect_wait(&driver, None);
    // Even so, no end waits forever for a Close.
    let closed = driver.connection.close(None, "", &mut driver.outbox);
    assert_eq!(closed, Ok(()));
    assert_eq!(driver.deadline(), Some(0));
    let now = (1 << 40) + 7;
    assert_eq!(tick(&mut driver, START + now), Tick::Early);
    expect_wait(&driver, Some(now + 50));
    assert_eq!(tick(&mut driver, START + now + 50), Tick::Expired);
}

/// The moment of `close` is not known to the connection; the next tick tells it.
#[test]
fn our_close_is_answered_in_time_or_the_transport_is_dropped() {
    let mut driver = server(&LIMITS);
    let closed = driver.connection.close(None, "", &mut driver.outbox);
    assert_eq!(closed, Ok(()));
    driver.transmit();
    assert_eq!(driver.deadline(), Some(0), "at once, to learn the time");
    assert_eq!(tick(&mut driver, START + 10), Tick::Early);
    expect_wait(&driver, Some(60));
    // A second close gains no time.
    let again = driver.connection.close(None, "", &mut driver.outbox);
    assert_eq!(again, Ok(()));
    expect_wait(&driver, Some(60));
    assert_eq!(tick(&mut driver, START + 59), Tick::Early);
    assert_eq!(tick(&mut driver, START + 60), Tick::Expired);
    assert_eq!(driver.connection.state(), State::Gone);
    assert_eq!(driver.connection.receive_eof(), Eof::Lost);
}

/// A peer that keeps talking after our Close gains no time by it.
#[test]
fn what_is_heard_after_our_close_gains_no_time() {
    let mut driver = server(&LIMITS);
    let closed = driver.connection.close(None, "", &mut driver.outbox);
    assert_eq!(closed, Ok(()));
    driver.connection.heard(START + 5);
    assert_eq!(driver.deadline(), Some(0));
    assert_eq!(tick(&mut driver, START + 10), Tick::Early);
    for now in 11..60 {
        driver.feed(&ping(b"still here").to(Role::Server));
        driver.connection.heard(START + now);
        assert_eq!(tick(&mut driver, START + now), Tick::Early);
        expect_wait(&driver, Some(60));
    }
    assert_eq!(tick(&mut driver, START + 60), Tick::Expired);
}

/// Also if a Ping of ours was unanswered when we closed.
#[test]
fn a_close_while_an_answer_is_awaited() {
    let mut driver = server(&LIMITS);
    assert_eq!(tick(&mut driver, START + 1000), Tick::Ping);
    let closed = driver.connection.close(None, "", &mut driver.outbox);
    assert_eq!(closed, Ok(()));
    assert_eq!(tick(&mut driver, START + 1100), Tick::Early);
    expect_wait(&driver, Some(1150));
}

#[test]
fn a_finished_connection_drains_for_a_bounded_time() {
    let closing = close(1000, "").to(Role::Server);
    for (bytes, state) in [(closing, State::Closed), (vec![0x83], State::Failed)] {
        let mut driver = server(&LIMITS);
        driver.feed(&bytes);
        assert_eq!(driver.connection.state(), state);
        assert_eq!(driver.deadline(), Some(0));
        assert_eq!(tick(&mut driver, START + 5), Tick::Early);
        expect_wait(&driver, Some(25));
        driver.connection.heard(START + 20);
        expect_wait(&driver, Some(25));
        assert_eq!(tick(&mut driver, START + 25), Tick::Expired);
        assert_eq!(driver.connection.state(), State::Gone);
    }
}

/// Two waits in a row: for their Close, then for the end.
#[test]
fn the_wait_restarts_when_their_close_comes() {
    let mut driver = server(&LIMITS);
    let closed = driver.connection.close(None, "", &mut driver.outbox);
    assert_eq!(closed, Ok(()));
    assert_eq!(tick(&mut driver, START), Tick::Early);
    expect_wait(&driver, Some(50));
    driver.feed(&close(1000, "").to(Role::Server));
    assert_eq!(tick(&mut driver, START + 49), Tick::Early);
    expect_wait(&driver, Some(69));
    assert_eq!(tick(&mut driver, START + 69), Tick::Expired);
}

#[test]
fn nothing_is_due_once_the_transport_is_gone() {
    let mut driver = server(&LIMITS);
    driver.connection.receive_eof();
    expect_wait(&driver, None);
    driver.connection.heard(START + 1);
    expect_wait(&driver, None);
    assert_eq!(tick(&mut driver, START + (1 << 40)), Tick::Early);
    assert!(driver.outbox.is_empty());
    let refused = driver.connection.ping(b"", &mut driver.outbox);
    assert_eq!(refused, Err(Misuse::NotOpen));
}

/// Whatever happens, in whatever order: a deadline there is, and ticks at it come to an end.
#[test]
fn every_history_ends() {
    for seed in 0..2000 {
        let mut rng = Rng::new(seed);
        let mut driver = server(&LIMITS);
        let mut now = START;
        for _ in 0..20 {
            now += rng.below(400) as u64;
            match rng.below(6) {
                0 => driver.connection.heard(now),
                1 => drop(driver.connection.close(None, "", &mut driver.outbox)),
                2 if rng.one_in(4) => driver.feed(&close(1000, "").to(Role::Server)),
                3 if rng.one_in(4) => driver.feed(&[0x83]),
                _ => drop(tick(&mut driver, now)),
            }
            let is_gone = driver.connection.state() == State::Gone;
            assert_eq!(driver.deadline().is_none(), is_gone, "seed {seed}");
        }
        let mut ticks = 0;
        while let Some(deadline) = driver.deadline() {
            now = now.max(deadline);
            driver.tick(now);
            ticks += 1;
            assert!(
                ticks <= 4,
                "seed {seed}: a tick at the deadline does something"
            );
        }
        assert!(now <= START + 20 * 400 + 1300, "seed {seed}");
    }
}
