//! Which cases of `wirebell verify` detect which fault of a server.

use super::faulty::Fault::{self, *};

/// Names of cases; * stands for anything.
type Names = &'static [&'static str];

pub struct Row {
    pub fault: Fault,
    /// Cases that must fail, unless they are among the others.
    pub fails: Names,
    /// Cases that this fault does not affect.
    pub passes: Names,
}

pub const fn row(fault: Fault, fails: Names, passes: Names) -> Row {
    Row {
        fault,
        fails,
        passes,
    }
}

/// Cases that expect an HTTP error.
const HTTP_ERRORS: &[&str] = &["handshake.bad.*.status", "handshake.names-version.*"];

/// Cases that expect an answer to a Close.
const ANSWERED_CLOSES: &[&str] = &[
    "close.1*",
    "close.3*",
    "close.4*",
    "close.empty",
    "close.reason*",
    "close.then-*",
    "close.tcp",
    "close.inside",
    "close.chopped",
    "close.behind-message",
];

/// Faults that show at once.
pub const LOUD: [Row; 36] = [
    row(
        TakesAnyRequest,
        &[
            "handshake.bad.*",
            "handshake.names-version.*",
            "handshake.huge",
        ],
        &["handshake.plain"],
    ),
    row(
        RefusesAll,
        &["handshake.*"],
        &["handshake.bad.*", "handshake.names-version.*"],
    ),
    row(RefusesWith200, HTTP_ERRORS, &["handshake.bad.post"]),
    row(RefusesWithoutAnswer, HTTP_ERRORS, &["handshake.bad.post"]),
    row(
        NamesNoVersion,
        &["handshake.names-version.*"],
        &["handshake.bad.ws-version-12.status"],
    ),
    row(
        ComparesLiterally,
        &[
            "handshake.*er-case",
            "handshake.upgrade-*",
            "handshake.connection-*",
            "handshake.*white-space",
        ],
        &[
            "handshake.plain",
            "handshake.cookies",
            "handshake.connection-twice",
        ],
    ),
    row(
        WrongAccept,
        &["handshake.*"],
        &["handshake.bad.*", "handshake.names-version.*"],
    ),
    row(NoAccept, &["handshake.plain"], &["handshake.bad.post"]),
    row(TwoAccepts, &["handshake.plain"], &["handshake.bad.post"]),
    row(NoUpgrade, &["handshake.plain"], &["handshake.bad.post"]),
    row(NoConnection, &["handshake.plain"], &["handshake.bad.post"]),
    row(Http10, &["handshake.plain"], &["handshake.bad.post"]),
    row(
        UnaskedExtension,
        &["handshake.plain", "handshake.extension*"],
        &["handshake.bad.post"],
    ),
    row(
        UnaskedSubprotocol,
        &["handshake.protocols*", "handshake.subprotocol"],
        &["handshake.bad.post"],
    ),
    row(
        WantsHeadInOneRead,
        &["handshake.in-bytes"],
        &["handshake.plain"],
    ),
    row(
        TakesAnyCloseBody,
        &["close.bad.*", "close.one-byte"],
        &["close.bad-reason", "close.empty"],
    ),
    row(IgnoresWindow, &["deflate.window.*"], &["deflate.hello"]),
    row(
        FlipsLastByte,
        &[
            "message.*",
            "fragment.two*",
            "deflate.offer.*",
            "deflate.hello",
            "deflate.stored",
            "deflate.final",
            "deflate.two-blocks",
            "deflate.long",
            "deflate.fragments",
            "deflate.uncompressed",
            "deflate.no-takeover",
        ],
        &["message.text.0", "message.binary.0"],
    ),
    row(
        OtherKind,
        &[
            "message.*",
            "fragment.all-empty",
            "deflate.empty",
            "ping.then-message",
        ],
        &["ping.0"],
    ),
    row(
        EchoesTwice,
        &["message.together", "load.small-messages"],
        &["message.text.1"],
    ),
    row(
        MasksFrames,
        &["message.text.1*", "ping.0", "close.1000", "frame.opcode.3"],
        &["handshake.bad.post"],
    ),
    row(
        LongLengths,
        &["message.text.1", "ping.0", "close.1000", "frame.opcode.3"],
        &["message.text.65536"],
    ),
    row(
        SetsRsv,
        &["message.text.1", "ping.0", "close.1000", "deflate.hello"],
        &["handshake.bad.post"],
    ),
    row(
        SpeaksReservedOpcodes,
        &["message.text.1", "ping.0", "ping.then-message"],
        &["handshake.bad.post"],
    ),
    row(AnswersPongs, &["pong.unasked.*"], &["fragment.pong"]),
    row(
        EndsWithoutClose,
        ANSWERED_CLOSES,
        &["close.bad.*", "close.tcp.violation"],
    ),
    row(
        OtherCloseCode,
        &["close.*.reply"],
        &["close.1000", "close.empty"],
    ),
    row(SpeaksBehindClose, &["close.then-*"], &["close.1000"]),
    row(
        DropsWhatIsPending,
        &["close.behind-message", "message.before-bad"],
        &["message.text.1", "close.1000"],
    ),
    row(
        FailsWith1000,
        &["*.code", "close.bad*", "close.cut-reason", "close.too-long"],
        &["frame.mask.text", "utf8.bad.fe"],
    ),
    row(
        FailsWithoutClose,
        &["*.code"],
        &["frame.mask.text", "utf8.bad.fe", "close.bad.0"],
    ),
    row(
        AgreesToAll,
        &[
            "deflate.declined.*",
            "deflate.offer.*",
            "handshake.extension",
            "handshake.extensions-twice",
        ],
        &["handshake.plain", "handshake.protocols"],
    ),
    row(
        AgreesWithoutParameters,
        &[
            "deflate.offer.server-*",
            "deflate.offer.quoted",
            "deflate.no-takeover",
        ],
        &["deflate.offer.plain", "deflate.offer.client-takeover"],
    ),
    row(
        NamesClientBits,
        &[
            "deflate.offer.plain",
            "deflate.offer.server-*",
            "deflate.offer.client-takeover",
            "deflate.offer.quoted",
        ],
        &["deflate.offer.client-bits*"],
    ),
    row(
        TakesContextOver,
        &["deflate.no-takeover", "deflate.offer.server-takeover"],
        &["deflate.long", "deflate.offer.plain"],
    ),
    row(
        CorruptsCompressed,
        &[
            "deflate.offer.*",
            "deflate.long",
            "deflate.fragments",
            "deflate.no-takeover",
        ],
        &["message.text.1"],
    ),
];

/// Faults that show as a missing or late answer.
pub const SILENT: [Row; 21] = [
    row(
        DropsWhatIsBehindHead,
        &["handshake.frames-behind"],
        &["handshake.plain"],
    ),
    row(
        TakesAnyMask,
        &["frame.mask.*"],
        &["frame.mask.close", "frame.mask.zero", "frame.rsv1.text*"],
    ),
    row(
        TakesAnyRsv,
        &["frame.rsv*", "deflate.rsv*"],
        &["frame.rsv*.close", "deflate.rsv1.close", "frame.opcode.3"],
    ),
    row(
        TakesAnyOpcode,
        &["frame.opcode.*"],
        &["frame.mask.text", "frame.rsv1.text"],
    ),
    row(
        TakesAnyLength,
        &["frame.length.*"],
        &["ping.too-long.*", "message.text.125"],
    ),
    row(
        TakesLongControls,
        &["ping.too-long.*", "close.too-long"],
        &["frame.length.125-in-2", "ping.125"],
    ),
    row(
        TakesAnyFragments,
        &["fragment.bad.*", "fragment.control.*"],
        &["fragment.control.close", "fragment.two"],
    ),
    row(
        TakesAnyText,
        &[
            "utf8.bad.*",
            "utf8.at-once.*",
            "close.bad-reason",
            "close.cut-reason",
        ],
        &["utf8.nul", "close.one-byte"],
    ),
    row(
        ReadsWholeFrames,
        &["utf8.at-once.*.frame"],
        &["utf8.at-once.*.fragment"],
    ),
    row(
        ChecksWholeMessages,
        &["utf8.at-once.*.fragment"],
        &["utf8.bad.fe.fragments", "fragment.ping"],
    ),
    row(
        DeafInsideMessages,
        &["ping.inside", "close.inside"],
        &["ping.0", "fragment.ping"],
    ),
    row(
        WantsFrameInOneRead,
        &["message.*.chopped-*", "ping.chopped", "close.chopped"],
        &["ping.0", "close.1000"],
    ),
    row(
        NoEcho,
        &[
            "message.*",
            "fragment.*",
            "utf8.*",
            "frame.mask.zero",
            "ping.inside",
            "ping.many",
            "ping.then-message",
            "pong.unasked.*",
            "close.behind-message",
            "load.small-messages",
        ],
        &[
            "fragment.bad.nothing*",
            "fragment.bad.*-in-*",
            "fragment.bad.after-ping*",
            "fragment.control.*",
            "utf8.bad.*",
            "utf8.at-once.*",
        ],
    ),
    row(NoPong, &["ping.*"], &["ping.too-long.*"]),
    row(WrongPong, &["ping.*"], &["ping.too-long.*"]),
    row(
        FirstPongOnly,
        &["ping.many", "ping.order"],
        &["ping.0", "ping.inside"],
    ),
    row(
        NoAnswerToClose,
        ANSWERED_CLOSES,
        &["close.bad.*", "close.tcp.violation", "close.half"],
    ),
    row(KeepsTcp, &["close.tcp*", "close.then-*"], &["close.3000"]),
    row(
        IgnoresEnd,
        &["close.half", "close.half.frame"],
        &["close.tcp"],
    ),
    row(
        GoesOnAfterViolation,
        &[
            "frame.*",
            "fragment.bad.*",
            "fragment.control.*",
            "utf8.bad.*",
            "utf8.at-once.*",
            "ping.too-long.*",
            "close.bad*",
            "close.one-byte",
            "close.cut-reason",
            "close.too-long",
            "close.tcp.violation",
            "message.before-bad",
            "deflate.rsv*",
            "deflate.utf8*",
            "deflate.corrupt.*",
            "deflate.bomb",
        ],
        &["frame.mask.zero", "ping.0"],
    ),
    row(
        TakesCorruptData,
        &["deflate.corrupt.*", "deflate.utf8*"],
        &["utf8.bad.fe", "deflate.hello"],
    ),
];

/// Faults that one case triggers and others suffer from: one case at a time, each with its own
/// server.
pub const LASTING: [Row; 3] = [
    row(
        DeclinesLists,
        &["deflate.fallback"],
        &["deflate.offer.plain"],
    ),
    row(
        OneAtATime,
        &[
            "load.huge-promise",
            "load.ping-flood",
            "load.empty-fragments",
            "load.half-open",
        ],
        &["load.small-messages"],
    ),
    row(
        GivesUpAfterTrouble,
        &[
            "load.dropped",
            "load.garbage",
            "deflate.bomb",
            "handshake.huge",
        ],
        &["load.small-messages"],
    ),
];
