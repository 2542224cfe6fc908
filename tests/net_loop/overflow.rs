//! Many frames for a peer that does not read, in one turn and over many: what leaves is whole
//! frames and at most one Close, the last; every send is told what became of it; each end counts
//! once.

use super::is_taken;
use crate::net_support::{Client, Probes, limits, protocol, wait_until};
use crate::support::frames::{Frame, close, take_frames};
use wirebell::net::{Context, Counters, Options, Overflow, PeerId, Sent, SharedFrame};
use wirebell::{CloseCode, Message};

/// Bytes of each message: enough that a few hundred fill every buffer of a narrow socket.
const SIZE: usize = 16 * 1024;
const BOUND: usize = 8 * SIZE;
const COUNT: usize = 600;

fn options(overflow: Overflow) -> Options {
    Options::default().workers(1).overflow(overflow).limits(
        limits()
            .protocol(protocol().close_ms(20_000))
            .queued_bytes(BOUND),
    )
}

/// One way to send number `n`.
type Send = fn(&mut Context<'_>, PeerId, &[u8]) -> Sent;

const WAYS: [(&str, Send); 4] = [
    ("message", |context, peer, bytes| {
        context.send(peer, Message::binary(bytes))
    }),
    ("never compressed", |context, peer, bytes| {
        context.send_uncompressed(peer, Message::binary(bytes))
    }),
    ("frame", |context, peer, bytes| {
        context.send_frame(peer, &SharedFrame::new(Message::binary(bytes)), 0)
    }),
    ("frame with a key", |context, peer, bytes| {
        context.send_frame(peer, &SharedFrame::new(Message::binary(bytes)), 7)
    }),
];

/// Sends many messages in turns of `batch` each, to a peer that does not read. Returns what became
/// of each.
fn flood(server: &Probes, peer: PeerId, send: Send, batch: usize) -> Vec<Sent> {
    let mut all = Vec::new();
    while all.len() < COUNT {
        let from = all.len();
        all.extend(server.run(move |context, _| {
            let numbers = from..(from + batch).min(COUNT);
            let payload = |n: usize| [&n.to_be_bytes()[..], &[0; SIZE - 8]].concat();
            let sent = numbers.map(|n| send(context, peer, &payload(n)));
            sent.collect::<Vec<_>>()
        }));
    }
    all
}

/// The numbers that came, and the last frame if it is of another kind.
fn received(client: &mut Client) -> (Vec<usize>, Option<Frame>) {
    let mut numbers = Vec::new();
    while let Some(sent) = client.next_frame() {
        let frame = sent.frame();
        if frame.first != 0x82 {
            return (numbers, Some(frame));
        }
        assert_eq!(frame.payload.len(), SIZE);
        let number = frame.payload[..8].try_into().map(usize::from_be_bytes);
        numbers.push(number.expect("eight bytes"));
    }
    (numbers, None)
}

#[test]
fn by_default_the_close_is_the_last_whatever_is_sent_after_it() {
    for (what, send) in WAYS {
        for batch in [COUNT, 37, 1] {
            let server = Probes::start(options(Overflow::Disconnect));
            let mut client = Client::connect_narrow(server.address()).upgraded("/");
            let peer = server.opened();
            let sent = flood(&server, peer, send, batch);
            let taken = sent.iter().take_while(|sent| is_taken(sent)).count();
            assert!(taken < COUNT, "{what}, {batch}: all were taken");
            let rest = &sent[taken..];
            assert!(
                rest.iter().all(|sent| *sent == Sent::Closed),
                "{what}: {rest:?}"
            );
            assert_eq!(server.counters().overflowed, 1, "{what}, {batch}");
            let (numbers, last) = received(&mut client);
            assert_eq!(numbers, (0..numbers.len()).collect::<Vec<_>>(), "{what}");
            assert!(numbers.len() <= taken);
            assert_eq!(
                last,
                Some(close(1013, "reading too slowly")),
                "{what}, {batch}"
            );
            client.send_frame(&close(1013, ""));
            let after = take_frames(&client.rest());
            assert!(after.is_empty(), "{what}, {batch}: {} frames", after.len());
        }
    }
}

#[test]
fn a_policy_that_drops_leaves_whole_frames_in_order_and_counts_each_drop() {
    for overflow in [Overflow::DropOldest, Overflow::KeepLatest] {
        for (what, send) in WAYS {
            for batch in [COUNT, 37] {
                let server = Probes::start(options(overflow));
                let mut client = Client::connect_narrow(server.address()).upgraded("/");
                let peer = server.opened();
                let sent = flood(&server, peer, send, batch);
                assert!(!sent.contains(&Sent::Closed), "{what}");
                let counters = server.counters();
                server.run(move |context, _| context.close(peer, CloseCode::NORMAL, "enough"));
                let (numbers, last) = received(&mut client);
                assert!(
                    numbers.is_sorted_by(|one, next| one < next),
                    "{what}: {numbers:?}"
                );
                assert_eq!(numbers.last(), Some(&(COUNT - 1)), "{what}");
                assert_eq!(last, Some(close(1000, "enough")), "{what}");
                assert_eq!(counters.dropped as usize, COUNT - numbers.len(), "{what}");
                let none = Counters::default().overflowed;
                assert_eq!(server.counters().overflowed, none);
            }
        }
    }
}

/// What was sent before a Close of any origin leaves before it, and nothing after it.
#[test]
fn frames_of_the_same_turn_leave_before_a_close() {
    let server = Probes::start(options(Overflow::Disconnect));
    let mut client = server.open();
    let peer = server.opened();
    let sent = server.run(move |context, _| {
        let before = context.send(peer, Message::text("before"));
        let waits = context.queued_bytes(peer);
        context.close(peer, CloseCode::NORMAL, "");
        [before, context.send(peer, Message::text("after"))].map(|sent| (sent, waits))
    });
    // Two bytes of header: the frames of this turn count as waiting.
    let [(first, 8), (Sent::Closed, 8)] = sent[..] else {
        panic!("{sent:?}");
    };
    assert!(is_taken(&first));
    client.expect_text("before");
    assert_eq!(client.frame(), close(1000, ""));
    client.send_frame(&close(1000, ""));
    client.expect_end();
}

/// A burst of mail for one peer is spread over many turns, each with its own write, so that one who
/// reads at full speed is not called slow.
#[test]
fn a_burst_of_mail_leaves_in_many_turns() {
    let server =
        Probes::start(options(Overflow::Disconnect).limits(limits().queued_bytes(64 << 20)));
    let mut client = server.open();
    server.opened();
    let turns = server.counters().turns;
    let held_up = server.hold_up();
    let rooms = server.rooms();
    for n in 0..4000u32 {
        let payload = [&n.to_be_bytes()[..], &[0; 1020]].concat();
        rooms.publish(&SharedFrame::new(Message::binary(&payload)));
    }
    drop(held_up);
    for n in 0..4000u32 {
        assert_eq!(client.frame().payload[..4], n.to_be_bytes());
    }
    let turns = server.counters().turns - turns;
    assert!(turns >= 30, "4 MB left in {turns} turns");
    wait_until("nothing is held", || {
        server.run(|context, _| context.held_bytes()) < 4096
    });
}
