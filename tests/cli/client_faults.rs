//! Which cases of `wirebell verify --listen` detect which fault of a client. Servers have most of
//! these faults too.

use super::faults::{Row, row};
use super::faulty::Fault::{self, *};
use super::faulty::Offer;

/// Faults that a client cannot have, or that show differently in one.
pub const NOT_SHARED: [Fault; 6] = [
    AgreesWithoutParameters,
    TakesContextOver,
    EndsWithoutClose,
    KeepsTcp,
    IgnoresEnd,
    FirstPongOnly,
];

/// A fault in the request.
const fn asks(old: &'static str, new: &'static str, fails: &'static [&'static str]) -> Row {
    row(Asks(old, new), fails, &["request.*"])
}

/// Faults in the request: everything else is correct.
pub const REQUESTS: [Row; 20] = [
    asks("GET ", "POST ", &["request.method"]),
    asks("HTTP/1.1", "HTTP/1.0", &["request.version"]),
    asks(" HTTP/1.1", "#x HTTP/1.1", &["request.target"]),
    asks("Host: ", "X-Host: ", &["request.host"]),
    asks("Host: 127.0.0.1:", "Host: 127.0.0.1;", &["request.host"]),
    asks("Upgrade: websocket", "Upgrade: h2c", &["request.upgrade"]),
    asks(
        "Connection: Upgrade",
        "Connection: close",
        &["request.connection"],
    ),
    asks(
        "==\r\n",
        "\r\n",
        &["request.key", "request.waits", "request.then-silence"],
    ),
    asks(
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Version: 12",
        &["request.websocket-version"],
    ),
    asks(
        "Version: 13",
        "Version: 13\r\nSec-WebSocket-Accept: x",
        &["request.no-accept"],
    ),
    asks(
        "Version: 13",
        "Version: 13\r\nContent-Length: 5",
        &["request.no-body"],
    ),
    asks("Version: 13", "Version: 13\r\nX-A : b", &["request.names"]),
    asks(
        "Version: 13",
        "Version: 13\r\nX-A: b\r\n c:d",
        &["request.no-fold", "request.names"],
    ),
    asks(
        "Version: 13",
        "Version: 13\r\nX-A: b\nX-C: d",
        &["request.line-ends", "request.values"],
    ),
    asks(
        "Version: 13",
        "Version: 13\r\nX-A: b\x01",
        &["request.values"],
    ),
    asks(
        "Version: 13",
        "Version: 13\r\nSec-WebSocket-Protocol: a, a",
        &["request.protocols"],
    ),
    asks("Extensions: ", "Extensions: =, ", &["request.extensions"]),
    asks(
        "client_max_window_bits",
        "client_max_window_bits=99",
        &["request.deflate"],
    ),
    row(SpeaksFirst, &["request.waits"], &["request.key"]),
    row(SpeaksAtOnce, &["request.then-silence"], &["request.key"]),
];

/// Faults that show at once.
pub const LOUD: [Row; 12] = [
    row(
        RefusesAll,
        &["answer.*", "deflate.answer.*"],
        &["answer.bad.*"],
    ),
    row(
        ComparesLiterally,
        &[
            "answer.*er-case",
            "answer.upgrade-*",
            "answer.connection-l*",
            "answer.*-reason",
            "answer.white-space",
            "answer.no-space",
        ],
        &["answer.plain", "answer.cookies", "answer.connection-twice"],
    ),
    row(
        WantsHeadInOneRead,
        &["answer.in-bytes", "answer.in-halves"],
        &["answer.plain"],
    ),
    row(
        TakesAnyAnswer(Offer::Usual),
        &["answer.bad.*", "deflate.illegal.*"],
        &["answer.plain"],
    ),
    row(
        TakesAnyAnswer(Offer::WithoutWindow),
        &["deflate.illegal.client-bits-unasked"],
        &["answer.plain"],
    ),
    row(
        TakesAnyAnswer(Offer::SmallWindow),
        &["deflate.illegal.server-bits-ignored"],
        &["answer.plain"],
    ),
    row(
        TakesAnyAnswer(Offer::Nothing),
        &["answer.bad.deflate-unasked"],
        &["answer.plain"],
    ),
    row(
        SpeaksWhenRefused,
        &["answer.bad.*", "deflate.illegal.*"],
        &["answer.plain", "answer.bad.endless"],
    ),
    row(
        TakesContextOver,
        &[
            "deflate.no-takeover",
            "deflate.answer.client-takeover",
            "deflate.answer.both-takeovers",
            "deflate.answer.all",
        ],
        &[
            "deflate.long",
            "deflate.answer.plain",
            "deflate.answer.server-takeover",
        ],
    ),
    row(IgnoresWindow, &["deflate.window.*"], &["deflate.hello"]),
    row(
        CorruptsCompressed,
        &["deflate.answer.*"],
        &["message.text.1"],
    ),
    row(
        EchoesTwice,
        &["key.changes", "load.small-messages"],
        &["message.text.1"],
    ),
];

/// Cases that are skipped because nothing was offered.
pub const UNASKED: [&str; 3] = [
    "deflate.illegal.client-bits-unasked",
    "deflate.illegal.server-bits-ignored",
    "answer.bad.deflate-unasked",
];

/// Faults that show as a missing or late answer.
pub const SILENT: [Row; 8] = [
    row(
        DropsWhatIsBehindHead,
        &[
            "answer.frame-behind",
            "answer.*-a-frame-behind",
            "answer.byte-behind",
        ],
        &["request.key"],
    ),
    row(
        ReadsEndlessHeads,
        &["answer.bad.endless"],
        &["answer.bad.accept-missing"],
    ),
    row(
        EndsWithoutClose,
        &["close.1*", "close.empty", "close.tcp", "close.inside"],
        &["close.tcp.violation"],
    ),
    row(
        KeepsTcp,
        &["close.tcp", "close.tcp.violation", "load.huge-promise"],
        &["close.1000.reply"],
    ),
    row(
        IgnoresEnd,
        &["close.half", "close.half.frame", "cut.*"],
        &["ping.0"],
    ),
    row(
        NoPong,
        &["load.ping-flood", "key.of-pong"],
        &["message.text.1"],
    ),
    row(
        NoEcho,
        &["load.empty-fragments", "answer.*", "key.*"],
        &["answer.bad.*"],
    ),
    row(
        FirstPongOnly,
        &["ping.many", "ping.order"],
        &["ping.0", "ping.inside"],
    ),
];

/// Faults that show from one connection to the next: one after another.
pub const LASTING: [Row; 4] = [
    row(SameRequestKey, &["request.key-fresh"], &["request.key"]),
    row(
        SameKeys,
        &[
            "key.changes",
            "key.unpredictable",
            "key.all-bytes",
            "key.of-pong",
            "key.first",
        ],
        &["key.not-zero"],
    ),
    row(ZeroKeys, &["key.*"], &["ping.0"]),
    row(
        CountedKeys,
        &["key.unpredictable", "key.all-bytes"],
        &["key.changes", "key.of-pong"],
    ),
];
