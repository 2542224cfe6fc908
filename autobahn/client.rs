//! The clients under test: runs the cases of a fuzzing server with the blocking client or with
//! clients in the event loop, and echoes every message.
//!
//! ```text
//! autobahn_client blocking|loop ws[s]://HOST:PORT AGENT [CASE-NUMBER ...]
//! ```
//!
//! Exit status: 0 if all cases were run, whatever their verdicts, which the server knows.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use wirebell::client::{Client, Endpoint, Error, Options};
use wirebell::deflate::Settings;
use wirebell::handshake::DeflatePolicy;
use wirebell::net::{Clients, Context, Dial, End, PeerId, Service};
use wirebell::tls::Connector;
use wirebell::{Limits, Message, client, net};

const USAGE: &str = "usage: autobahn_client blocking|loop ws://HOST:PORT AGENT [CASE-NUMBER ...]";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [role, server, agent, numbers @ ..] = &args[..] else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(role, server.trim_end_matches('/'), agent, numbers) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("autobahn_client: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(
    role: &str,
    server: &str,
    agent: &str,
    numbers: &[String],
) -> Result<(), Box<dyn std::error::Error>> {
    let all = (1..=case_count(server)?).map(|number| number.to_string());
    let numbers = match numbers {
        [] => all.collect(),
        some => some.to_vec(),
    };
    let count = numbers.len();
    let cases = numbers.iter().enumerate().map(|(done, number)| {
        eprint!("\r{agent}: case {} of {count} ", done + 1);
        format!("{server}/runCase?case={number}&agent={agent}")
    });
    match role {
        "blocking" => cases.for_each(|uri| echo(&uri)),
        "loop" => run_in_loop(cases)?,
        _ => return Err(USAGE.into()),
    }
    eprintln!();
    match Client::connect(&format!("{server}/updateReports?agent={agent}"), options()) {
        Ok(mut client) => while let Ok(Some(_)) = client.receive() {},
        // One engine writes its report and ends without a word.
        Err(Error::Lost(_)) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn case_count(server: &str) -> Result<u32, Box<dyn std::error::Error>> {
    let mut client = Client::connect(&format!("{server}/getCaseCount"), options())?;
    let count = match client.receive()? {
        Some(message) => message.as_text().unwrap_or_default().trim().parse()?,
        None => return Err("the server tells no number of cases".into()),
    };
    while client.receive()?.is_some() {}
    Ok(count)
}

const LIMITS: Limits = Limits::DEFAULT.ping_ms(0);

/// Compression as it is offered by most: both sides may refer to earlier messages. The limits on
/// time are for a server that computes for seconds.
fn options() -> Options {
    // A report is made before its request is answered.
    Options::default()
        .deflate(Some(
            Settings::default()
                .policy(DeflatePolicy::TAKEOVER)
                .min_bytes(0),
        ))
        .limits(client::Limits::default().protocol(LIMITS).open_ms(120_000))
        .tls(Some(Connector::default()))
}

fn echo(uri: &str) {
    let outcome = Client::connect(uri, options()).and_then(|mut client| {
        let sender = client.sender();
        while let Some(message) = client.receive()? {
            sender.send(message)?;
        }
        Ok(())
    });
    match outcome {
        // What a case is about.
        Ok(()) | Err(Error::Violation(_) | Error::Lost(_) | Error::Misuse(_)) => {}
        Err(error) => eprintln!("\n{uri}: {error}"),
    }
}

/// Echoes on every connection and says when it has ended.
struct Echo {
    ended: Sender<()>,
}

impl Service for Echo {
    type Mail = Dial;

    fn mail(&mut self, context: &mut Context<'_>, dial: Dial) {
        context.dial(dial);
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let _ = context.send(peer, message);
    }

    fn not_opened(&mut self, _: &mut Context<'_>, _: u32, error: &Error) {
        eprintln!("\n{error}");
        let _ = self.ended.send(());
    }

    fn closed(&mut self, _: &mut Context<'_>, _: PeerId, _: End<'_>) {
        let _ = self.ended.send(());
    }
}

fn run_in_loop(cases: impl Iterator<Item = String>) -> Result<(), Box<dyn std::error::Error>> {
    let options_of_loop = net::Options::default()
        .workers(1)
        .limits(net::Limits::default().protocol(LIMITS));
    let (ended, next) = channel();
    let clients = Clients::start(options_of_loop, move |_| Echo {
        ended: ended.clone(),
    })?;
    for uri in cases {
        let dial = Dial::new(Arc::new(Endpoint::resolve(&uri, options())?));
        clients.mailboxes()[0].post(dial, 0).expect("the loop runs");
        next.recv()?;
    }
    clients.stop();
    clients.join().unwrap();
    Ok(())
}
