//! What the echo servers share: their command line, the listening socket, and Tokio's runtime.

pub mod sockudo;
pub mod tls;

use std::error::Error;
use std::future::Future;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::exit;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

/// How the end of a connection or of a server is reported.
pub type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// The longest message, and the longest frame, that every server takes.
pub const MAX_MESSAGE: usize = 64 << 20;

const LOCK: &str = include_str!("../Cargo.lock");

/// What the command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    pub listen: SocketAddr,
    pub threads: usize,
    pub deflate: bool,
    pub tls: bool,
}

impl Options {
    /// Reads the command line; ends the process if it asks for what there is not.
    pub fn of_process(name: &str, has_deflate: bool) -> Self {
        Self::with_tls(name, has_deflate, false)
    }

    /// The same for a server that can speak TLS.
    pub fn with_tls(name: &str, has_deflate: bool, has_tls: bool) -> Self {
        let options = Self::parse(std::env::args().skip(1));
        let options = options.and_then(|options| match options.tls && !has_tls {
            true => Err("this server has no TLS".to_owned()),
            false => Ok(options),
        });
        let options = options.and_then(|options| match options.deflate && !has_deflate {
            true => Err("the library has no permessage-deflate".to_owned()),
            false => Ok(options),
        });
        options.unwrap_or_else(|problem| {
            eprintln!("{name}: {problem}");
            eprintln!("usage: {name} [--listen ADDR:PORT] [--threads N] [--deflate] [--tls]");
            exit(2)
        })
    }

    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            threads: 1,
            deflate: false,
            tls: false,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| format!("{argument} needs a value"))
            };
            match argument.as_str() {
                "--listen" => {
                    let value = value()?;
                    let address = value.parse();
                    options.listen = address.map_err(|_| format!("not ADDR:PORT: {value}"))?;
                }
                "--threads" => {
                    let value = value()?;
                    let threads = value.parse().ok().filter(|threads| *threads > 0);
                    options.threads = threads.ok_or_else(|| format!("not a number: {value}"))?;
                }
                "--deflate" => options.deflate = true,
                "--tls" => options.tls = true,
                _ => return Err(format!("unknown argument: {argument}")),
            }
        }
        Ok(options)
    }
}

/// The version of a package in the lock file.
///
/// # Panics
///
/// If the lock file does not have it.
pub fn version(package: &str) -> &'static str {
    let head = format!("name = \"{package}\"\nversion = \"");
    let at = LOCK.find(&head).expect("a dependency in the lock file") + head.len();
    LOCK[at..]
        .split('"')
        .next()
        .expect("the text up to a quote")
}

/// Listens, and says so on stdout.
pub fn listen(name: &str, package: &str, options: Options) -> std::io::Result<TcpListener> {
    let address = options.listen;
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    // Thousands of clients may connect in one moment; the standard library's queue has room for
    // a few.
    socket.listen(4096)?;
    let listener = TcpListener::from(socket);
    let mut stdout = std::io::stdout();
    let address = listener.local_addr()?;
    writeln!(
        stdout,
        "{name} {} listens on {}://{address}/",
        version(package),
        if options.tls { "wss" } else { "ws" }
    )?;
    stdout.flush()?;
    Ok(listener)
}

/// Tells why a connection ended, unless it ended well.
pub fn report(name: &str, outcome: Outcome) {
    if let Err(problem) = outcome {
        eprintln!("{name}: {problem}");
    }
}

/// Serves each connection in a task of its own.
pub fn serve<H, F>(name: &'static str, package: &str, options: Options, handler: H) -> Outcome
where
    H: Fn(TcpStream) -> F,
    F: Future<Output = Outcome> + Send + 'static,
{
    let listener = listen(name, package, options)?;
    listener.set_nonblocking(true)?;
    runtime(options.threads)?.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let connection = handler(stream);
            tokio::spawn(async move { report(name, connection.await) });
        }
    })
}

/// The same over TLS.
pub fn serve_tls<H, F>(name: &'static str, package: &str, options: Options, handler: H) -> Outcome
where
    H: Fn(tokio_rustls::server::TlsStream<TcpStream>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    let acceptor = tokio_rustls::TlsAcceptor::from(tls::config()?);
    serve(name, package, options, move |stream| {
        let (acceptor, handler) = (acceptor.clone(), handler.clone());
        async move { handler(acceptor.accept(stream).await?).await }
    })
}

/// One thread needs no work stealing: the examples that are meant to be fast do without.
fn runtime(threads: usize) -> std::io::Result<Runtime> {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn versions_are_those_of_the_manifest() {
        let manifest = include_str!("../Cargo.toml");
        let pinned: Vec<_> = manifest
            .lines()
            .filter(|line| line.contains("\"="))
            .collect();
        assert_eq!(pinned.len(), 5);
        for line in pinned {
            let package = line.split(' ').next().expect("a name");
            let pin = format!("\"={}\"", version(package));
            assert!(line.contains(&pin), "{line} is not {pin}");
        }
    }

    #[test]
    fn options_are_read_and_checked() {
        let options = parse("").expect("all of them have a default");
        assert!(options.threads == 1 && !options.deflate && options.listen.port() == 0);
        let options = parse("--threads 2 --deflate --listen 0.0.0.0:9001").expect("all of them");
        assert!(options.threads == 2 && options.deflate && options.listen.port() == 9001);
        for wrong in [
            "--threads",
            "--threads 0",
            "--threads x",
            "--listen 1",
            "--help",
            "x",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
