//! An echo server or client that can be made to do one thing wrong, to check that a case detects
//! it.
//!
//! Without a fault it is the library on blocking sockets, with a thread for each connection. A
//! fault is put in one of three places: into the handshake (`opening`, `asking`), before the
//! library, which then never sees what it would refuse (`filter`), or after it, in what is sent
//! (`talk`).

mod asking;
mod filter;
mod keys;
mod opening;
mod talk;

use std::io::{self, Read as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use wirebell::Role;

/// What the server or the client does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Nothing,
    // The opening handshake.
    TakesAnyRequest,
    RefusesAll,
    RefusesWith200,
    RefusesWithoutAnswer,
    NamesNoVersion,
    ComparesLiterally,
    WrongAccept,
    NoAccept,
    TwoAccepts,
    NoUpgrade,
    NoConnection,
    Http10,
    UnaskedExtension,
    UnaskedSubprotocol,
    WantsHeadInOneRead,
    DropsWhatIsBehindHead,
    // What it accepts.
    TakesAnyMask,
    TakesAnyRsv,
    TakesAnyOpcode,
    TakesAnyLength,
    TakesLongControls,
    TakesAnyFragments,
    TakesAnyText,
    TakesAnyCloseBody,
    ReadsWholeFrames,
    ChecksWholeMessages,
    DeafInsideMessages,
    WantsFrameInOneRead,
    // What it answers.
    NoEcho,
    FlipsLastByte,
    OtherKind,
    EchoesTwice,
    MasksFrames,
    LongLengths,
    SetsRsv,
    SpeaksReservedOpcodes,
    NoPong,
    WrongPong,
    FirstPongOnly,
    AnswersPongs,
    // How it ends.
    NoAnswerToClose,
    EndsWithoutClose,
    OtherCloseCode,
    SpeaksBehindClose,
    KeepsTcp,
    IgnoresEnd,
    DropsWhatIsPending,
    GoesOnAfterViolation,
    FailsWith1000,
    FailsWithoutClose,
    // Compression.
    AgreesToAll,
    AgreesWithoutParameters,
    NamesClientBits,
    DeclinesLists,
    TakesContextOver,
    CorruptsCompressed,
    IgnoresWindow,
    TakesCorruptData,
    // The others.
    OneAtATime,
    GivesUpAfterTrouble,
    // Not faults, but servers that need something of their clients.
    /// Greets three times, needs the token `secret` or the user `you` with the password `p@ss`, and
    /// the subprotocol `chat`.
    Demanding,
    /// Sends one more message after its first echo.
    SpeaksLater,
    // The handshake of a client.
    /// Replaces one text in the request by another.
    Asks(&'static str, &'static str),
    SameRequestKey,
    SpeaksFirst,
    SpeaksAtOnce,
    TakesAnyAnswer(Offer),
    SpeaksWhenRefused,
    ReadsEndlessHeads,
    // Its masks.
    SameKeys,
    ZeroKeys,
    CountedKeys,
}

/// What a client offers of compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// And a window of our own, if the server wants one.
    Usual,
    WithoutWindow,
    SmallWindow,
    Nothing,
}

/// How long a connection is still read after its end, so that a reset overtakes nothing.
const LINGER: Duration = Duration::from_millis(500);

/// A server that runs until the test ends.
#[derive(Debug)]
pub struct Faulty {
    pub address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

impl Faulty {
    pub fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = stopped.clone();
        thread::spawn(move || accept(&listener, fault, &stop));
        Self { address, stopped }
    }

    pub fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(listener: &TcpListener, fault: Fault, stopped: &AtomicBool) {
    let trouble = Arc::new(AtomicBool::new(false));
    for stream in listener.incoming().map_while(Result::ok) {
        if stopped.load(Ordering::Acquire) {
            return;
        }
        let given_up = fault == Fault::GivesUpAfterTrouble && trouble.load(Ordering::Acquire);
        if given_up {
            continue;
        }
        let trouble = trouble.clone();
        let serve = move || {
            if !serve(&stream, fault).is_ok_and(|well| well) {
                trouble.store(true, Ordering::Release);
            }
            linger(&stream);
        };
        match fault {
            Fault::OneAtATime => serve(),
            _ => drop(thread::spawn(serve)),
        }
    }
}

/// Serves one client; true if it behaved.
fn serve(stream: &TcpStream, fault: Fault) -> io::Result<bool> {
    stream.set_nodelay(true)?;
    match opening::open(stream, fault)? {
        None => Ok(true),
        Some(opened) => talk::Talk::new(stream, fault, Role::Server, &opened).run(opened.rest),
    }
}

/// Is a client on a connection of its own.
pub fn ask(address: SocketAddr, path: &str, fault: Fault) -> io::Result<()> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let talked = match asking::open(&stream, fault, path) {
        Ok(Some(opened)) => talk::Talk::new(&stream, fault, Role::Client, &opened).run(opened.rest),
        Ok(None) => Ok(true),
        Err(error) => Err(error),
    };
    linger(&stream);
    talked.map(|_| ())
}

fn linger(mut stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(LINGER));
    let mut nowhere = [0; 16 * 1024];
    while stream.read(&mut nowhere).is_ok_and(|n| n > 0) {}
}

/// What was wrong with the verdicts on a fault, retried once if something was: how bytes are split
/// and how long they take depends on the scheduling of a busy machine.
pub fn settled(ask: impl Fn() -> Vec<String>) -> Vec<String> {
    let wrong = ask();
    match wrong.is_empty() {
        true => wrong,
        false => ask(),
    }
}
