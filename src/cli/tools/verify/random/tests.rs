//! The oracle against the core itself, in memory, and against peers that do one thing wrong.

use super::dice::Dice;
use super::generate;
use super::judge::{Deviation, Judge, Silence};
use super::oracle::{self, Ending, Heard, Reader, Whole};
use super::stream::{Step, Stream};
use crate::cli::tools::verify::case::Level;
use crate::cli::tools::verify::unsolicited::Unsolicited;
use proptest::prelude::*;
use wirebell::deflate::{Compressor, Params};
use wirebell::handshake::DeflateTerms;
use wirebell::{MessageKind, Role};

/// What a peer in memory does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    Strict,
    // Choices that are allowed.
    OnePongForSeveral,
    Fragments,
    NoReason,
    PingsToo,
    Compresses,
    // Faults.
    NoEcho,
    Twice,
    OtherKind,
    FlipsLastByte,
    NoPong,
    WrongPong,
    PongForPong,
    OtherCloseCode,
    NoClose,
    AfterClose,
    FailsWith1000,
    GoesOn,
    SetsRsv,
    LongLengths,
    TakesContextOver,
}

const ALLOWED: [Peer; 6] = [
    Peer::Strict,
    Peer::OnePongForSeveral,
    Peer::Fragments,
    Peer::NoReason,
    Peer::PingsToo,
    Peer::Compresses,
];

const FAULTS: [(Peer, &str); 15] = [
    (Peer::NoEcho, "no-echo"),
    (Peer::Twice, "echo"),
    (Peer::OtherKind, "echo"),
    (Peer::FlipsLastByte, "echo"),
    (Peer::NoPong, "no-pong"),
    (Peer::WrongPong, "no-pong"),
    (Peer::PongForPong, "pong-for-pong"),
    (Peer::OtherCloseCode, "close-reply"),
    (Peer::NoClose, "close-unanswered"),
    (Peer::AfterClose, "speaks-after-close"),
    (Peer::FailsWith1000, "close-code"),
    (Peer::GoesOn, "accepts-violation"),
    (Peer::SetsRsv, "invalid-frame"),
    (Peer::LongLengths, "invalid-frame"),
    (Peer::TakesContextOver, "invalid-frame"),
];

struct Echo {
    peer: Peer,
    masks: bool,
    key: u32,
    compressor: Option<Compressor>,
    pings: Vec<Vec<u8>>,
    out: Vec<u8>,
}

impl Echo {
    fn frame(&mut self, first: u8, payload: &[u8]) {
        let rsv = if self.peer == Peer::SetsRsv { 0x20 } else { 0 };
        let mut length = crate::cli::tools::verify::wire::shortest(payload.len() as u64);
        if self.peer == Peer::LongLengths && length.len() == 1 {
            length = vec![126, 0, length[0]];
        }
        length[0] |= u8::from(self.masks) << 7;
        self.out.push(first | rsv);
        self.out.extend(length);
        self.key = self.key.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let key = if self.masks {
            self.key.to_be_bytes()
        } else {
            [0; 4]
        };
        if self.masks {
            self.out.extend(key);
        }
        let masked = payload.iter().zip(key.iter().cycle());
        self.out.extend(masked.map(|(byte, key)| byte ^ key));
    }

    fn pongs(&mut self) {
        let pings = std::mem::take(&mut self.pings);
        let from = match self.peer {
            Peer::OnePongForSeveral => pings.len().saturating_sub(1),
            _ => 0,
        };
        for mut ping in pings.into_iter().skip(from) {
            match (self.peer, ping.last_mut()) {
                (Peer::NoPong, _) => continue,
                (Peer::WrongPong, Some(last)) => *last ^= 1,
                (Peer::WrongPong, None) => ping.push(b'x'),
                _ => {}
            }
            self.frame(0x8A, &ping);
        }
    }

    fn message(&mut self, mut message: Whole) {
        let text = match (message.kind, self.peer == Peer::OtherKind) {
            (MessageKind::Text, other) => !other,
            (MessageKind::Binary, other) => other,
        };
        if self.peer == Peer::FlipsLastByte
            && let Some(last) = message.bytes.last_mut()
        {
            *last ^= 1;
        }
        let opcode = if text { 1 } else { 2 };
        if let Some(compressor) = &mut self.compressor {
            if self.peer != Peer::TakesContextOver {
                compressor.restart();
            }
            let mut packed = Vec::new();
            compressor.fragment(&message.bytes, true, true, &mut packed);
            return self.frame(0xC0 | opcode, &packed);
        }
        match self.peer {
            Peer::NoEcho => {}
            Peer::Fragments => {
                let (head, tail) = message.bytes.split_at(message.bytes.len() / 2);
                let (head, tail) = (head.to_vec(), tail.to_vec());
                self.frame(opcode, &head);
                self.frame(0x89, b"in between");
                self.frame(0x80, &tail);
            }
            Peer::Twice => {
                self.frame(0x80 | opcode, &message.bytes);
                self.frame(0x80 | opcode, &message.bytes);
            }
            _ => self.frame(0x80 | opcode, &message.bytes),
        }
    }

    fn close(&mut self, code: Option<u16>) {
        let code = match self.peer {
            Peer::OtherCloseCode => Some(4242),
            _ => code,
        };
        let mut body = code.map_or(Vec::new(), |code| code.to_be_bytes().to_vec());
        if self.peer != Peer::NoReason && code.is_some() {
            body.extend(b"bye");
        }
        if self.peer != Peer::NoClose {
            self.frame(0x88, &body);
        }
        if self.peer == Peer::AfterClose {
            self.frame(0x81, b"and another thing");
        }
    }
}

/// What the peer sends for these bytes.
fn answer(peer: Peer, role: Role, terms: Option<&DeflateTerms>, sent: &[u8]) -> Vec<u8> {
    let mut reader = Reader::new(role, terms);
    let params = terms.map(|terms| match role {
        Role::Server => Params::server(terms),
        Role::Client => Params::client(terms),
    });
    let packs = matches!(peer, Peer::Compresses | Peer::TakesContextOver);
    let compressor = params.filter(|_| packs);
    let mut echo = Echo {
        peer,
        masks: role == Role::Client,
        key: 0,
        compressor: compressor.map(|params| Compressor::new(params.send.window_bits, 6)),
        pings: Vec::new(),
        out: Vec::new(),
    };
    let (mut input, mut at) = (sent.to_vec(), 0);
    while at < input.len() {
        let (consumed, heard) = reader.read(&mut input[at..]);
        if consumed == 0 && heard == Heard::Nothing {
            break;
        }
        at += consumed;
        match heard {
            Heard::Nothing => {}
            Heard::Ping(payload) => echo.pings.push(payload),
            Heard::Pong(_) if peer == Peer::PongForPong => echo.frame(0x8A, b"thanks"),
            Heard::Pong(_) => {}
            Heard::Message(message) => {
                echo.pongs();
                if peer == Peer::PingsToo {
                    echo.frame(0x89, b"there?");
                }
                echo.message(message);
            }
            Heard::Close(code) => {
                echo.pongs();
                echo.close(code);
                return echo.out;
            }
            Heard::Broken(violation) => {
                echo.pongs();
                match peer {
                    Peer::GoesOn => {}
                    Peer::FailsWith1000 => echo.close(Some(1000)),
                    _ => echo.close(Some(violation.close_code().get())),
                }
                return echo.out;
            }
        }
    }
    echo.pongs();
    echo.out
}

/// What the judge says, if the answers come in pieces of this size after everything was sent.
fn judged(
    peer: Peer,
    role: Role,
    terms: Option<&DeflateTerms>,
    stream: &Stream,
    piece: usize,
) -> Result<(), Deviation> {
    let bytes = stream.bytes();
    let expected = oracle::expect(role, terms, &bytes);
    let mut judge = Judge::new(role, terms, &expected, Unsolicited::default());
    let answers = answer(peer, role, terms, &bytes);
    for part in answers.chunks(piece.max(1)) {
        judge.hear(part, bytes.len())?;
    }
    if judge.must_end(bytes.len()) || !judge.has_all(bytes.len()) {
        let silence = match judge.has_closed() {
            true => Silence::Ended,
            false => Silence::Waits,
        };
        judge.silent(silence, bytes.len(), stream.steps.contains(&Step::End))?;
    }
    Ok(())
}

fn drawn(seed: u64, role: Role, terms: Option<&DeflateTerms>) -> Stream {
    let params = terms.map(|terms| match role {
        Role::Server => Params::client(terms),
        Role::Client => Params::server(terms),
    });
    let steps = generate::steps(&mut Dice::of(seed, 0), role == Role::Server, params);
    Stream {
        steps,
        ..Stream::default()
    }
}

fn terms() -> impl Strategy<Value = Option<DeflateTerms>> {
    let bits = || prop_oneof![Just(None), (9..=15_u8).prop_map(Some)];
    let some = (any::<bool>(), any::<bool>(), bits(), bits()).prop_map(|(s, c, sb, cb)| {
        Some(DeflateTerms {
            server_no_context_takeover: s,
            client_no_context_takeover: c,
            server_max_window_bits: sb,
            client_max_window_bits: cb,
        })
    });
    prop_oneof![Just(None), some]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_allowed_is_no_deviation(
        seed: u64,
        server: bool,
        terms in terms(),
        peer in prop::sample::select(&ALLOWED[..]),
        piece in 1..2_000_usize,
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let stream = drawn(seed, role, terms.as_ref());
        let deviation = judged(peer, role, terms.as_ref(), &stream, piece).err();
        // A stream may be cut where a lazy endpoint waits; this one never does.
        prop_assert_eq!(deviation, None);
    }

    #[test]
    fn the_verdict_does_not_depend_on_the_cuts(seed: u64, piece in 1..100_usize) {
        let stream = drawn(seed, Role::Server, None);
        for (peer, _) in FAULTS {
            let whole = judged(peer, Role::Server, None, &stream, usize::MAX);
            let cut = judged(peer, Role::Server, None, &stream, piece);
            prop_assert_eq!(whole.is_err(), cut.is_err());
        }
    }

    #[test]
    fn any_bytes_are_judged(sent: Vec<u8>, came: Vec<u8>, server: bool) {
        let role = if server { Role::Server } else { Role::Client };
        let terms = DeflateTerms::default();
        let expected = oracle::expect(role, Some(&terms), &sent);
        let mut judge = Judge::new(role, Some(&terms), &expected, Unsolicited::default());
        let _ = judge.hear(&came, sent.len());
        let _ = judge.silent(Silence::Waits, sent.len(), true);
    }
}

#[test]
fn every_fault_is_found_soon() {
    let terms = DeflateTerms {
        server_no_context_takeover: true,
        client_no_context_takeover: true,
        ..DeflateTerms::default()
    };
    for role in [Role::Server, Role::Client] {
        for (peer, name) in FAULTS {
            let terms = Some(&terms).filter(|_| peer == Peer::TakesContextOver);
            let found = (0..300).any(|seed| {
                let stream = drawn(seed, role, terms);
                judged(peer, role, terms, &stream, 1_000).is_err_and(|one| one.name == name)
            });
            assert!(found, "{peer:?} {role:?}");
        }
    }
}

#[test]
fn many_kinds_of_violations_are_drawn() {
    let mut seen = std::collections::BTreeSet::new();
    let terms = DeflateTerms::default();
    for seed in 0..3_000 {
        for terms in [None, Some(&terms)] {
            let stream = drawn(seed, Role::Server, terms);
            let expected = oracle::expect(Role::Server, terms, &stream.bytes());
            if let Ending::Broken { violation, .. } = expected.ending {
                seen.insert(violation.text());
            }
        }
    }
    assert!(seen.len() >= 15, "{seen:#?}");
}

#[test]
fn levels_are_those_of_the_cases() {
    let stream = (0..100)
        .map(|seed| drawn(seed, Role::Server, None))
        .find_map(|stream| judged(Peer::FailsWith1000, Role::Server, None, &stream, 99).err());
    assert_eq!(stream.map(|one| one.level), Some(Level::Should));
}

/// The verdict on these bytes of a server's answer to these of a client.
fn verdict(sent: &[u8], came: &[u8]) -> Option<(&'static str, Level)> {
    let expected = oracle::expect(Role::Server, None, sent);
    let mut judge = Judge::new(Role::Server, None, &expected, Unsolicited::default());
    let judged = judge
        .hear(came, sent.len())
        .and_then(|()| judge.silent(Silence::Ended, sent.len(), false));
    judged.err().map(|one| (one.name, one.level))
}

#[test]
fn what_may_be_seen_late_may_be_another_error() {
    let protocol_error = b"\x88\x02\x03\xEA";
    // Text that is not UTF-8: whole, not finished before the next message, in a Close.
    let whole = b"\x81\x81\0\0\0\0\xFF";
    let unfinished = b"\x01\x81\0\0\0\0\xFF\x81\x80\0\0\0\0";
    let close = b"\x88\x83\0\0\0\0\x03\xE8\xFF";
    let followed = b"\x81\x81\0\0\0\0\xFF\x83\x80\0\0\0\0";
    assert_eq!(
        verdict(whole, protocol_error),
        Some(("close-code", Level::Should))
    );
    assert_eq!(verdict(unfinished, protocol_error), None);
    assert_eq!(verdict(close, protocol_error), None);
    assert_eq!(verdict(followed, protocol_error), None);
}

#[test]
fn a_pong_after_a_violation_is_no_answer_to_a_pong() {
    // A Pong, a violation, a Ping: one that goes on answers the Ping.
    let sent = b"\x8A\x80\0\0\0\0\x82\xFE\0\0\0\0\0\0\x89\x80\0\0\0\0";
    let deviation = verdict(sent, b"\x8A\x00\x82\x00");
    assert_eq!(deviation, Some(("accepts-violation", Level::Should)));
}
