//! `--listen` of `serve` and `echo`: where they listen, and what they speak there.
//!
//! ```text
//!   [tls:|http:] ADDR:PORT | unix:PATH | fd:N
//!   redirect:    (ADDR:PORT | unix:PATH | fd:N)[=PORT]
//! ```
//!
//! Input: texts of this form, and whether there is a certificate. Output: [`Listeners`], to start a
//! server with and to announce. Invariant: TLS is spoken if and only if there is a certificate, so
//! a mistake never makes an unencrypted server. A redirect leads to the port that it names or else
//! to that of a listener with TLS: one on the same address, or on all addresses, or the first.

use crate::cli::common::Failure;
use crate::cli::common::tls::Tls;
use crate::cli::server::takeover::{Handed, HandedListener};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::num::NonZeroU16;
#[cfg(unix)]
use std::os::fd::OwnedFd;
#[cfg(unix)]
use std::path::PathBuf;
use wirebell::net::Listen;

/// The default address.
pub const LISTEN: &str = "127.0.0.1:8080";

/// The first socket that a service manager passes (`sd_listen_fds(3)`).
#[cfg(all(unix, feature = "socket-activation"))]
const FIRST_FD: usize = 3;

/// What a server listens on.
pub struct Listeners(Vec<Listener>);

struct Listener {
    /// As it was written.
    text: String,
    speaks: Speaks,
    at: At,
    /// Where a redirect leads, if it says so.
    to: Option<NonZeroU16>,
}

#[derive(Clone, Copy, PartialEq)]
enum Speaks {
    Http,
    Tls,
    /// HTTP, to tell that there is TLS.
    Redirect,
}

enum At {
    Tcp(Vec<SocketAddr>),
    #[cfg(unix)]
    Unix(PathBuf),
    #[cfg(unix)]
    #[cfg_attr(not(feature = "socket-activation"), expect(dead_code))]
    Inherited(OwnedFd, Option<SocketAddr>),
    Handed(HandedListener),
}

impl Listeners {
    /// Checks what is written; without anything, the sockets that a service manager passes, or
    /// [`LISTEN`].
    ///
    /// What another process hands over is taken where it is the same.
    pub fn new(
        texts: Option<&[String]>,
        has_tls: bool,
        mut handed: Handed,
    ) -> Result<Self, Failure> {
        let mut inherited = Inherited::new();
        let texts = match texts {
            Some(texts) if !texts.is_empty() => texts.to_vec(),
            _ if !handed.is_empty() => handed.names(),
            _ if inherited.len() > 0 => inherited.names(),
            _ => vec![LISTEN.to_owned()],
        };
        let read = |text: &String| Listener::new(text, has_tls, &mut inherited, &mut handed);
        let all = Self(texts.iter().map(read).collect::<Result<_, _>>()?);
        let is_tls = |listener: &Listener| listener.speaks == Speaks::Tls;
        if has_tls && !all.0.iter().any(is_tls) {
            return Err(Failure::usage(format!(
                "--listen {}: there is a certificate, but no listener speaks TLS: add one such as \
                 tls:0.0.0.0:8443",
                texts.join(",")
            )));
        }
        let mut redirects = all.0.iter().filter(|one| one.speaks == Speaks::Redirect);
        if let Some(listener) = redirects.find(|one| all.redirect_port(one).is_none()) {
            return Err(listener.wrong(
                "it needs a listener with TLS and a fixed port to redirect to, or that port, as in \
                 redirect:0.0.0.0:80=443",
            ));
        }
        Ok(all)
    }

    /// Where this redirect leads.
    fn redirect_port(&self, from: &Listener) -> Option<NonZeroU16> {
        if from.to.is_some() {
            return from.to;
        }
        let secure = self.0.iter().filter(|one| one.speaks == Speaks::Tls);
        let secure: Vec<_> = secure.flat_map(|one| one.at.addresses()).collect();
        let same = |to: &&&SocketAddr| {
            let mut own = from.at.addresses().iter();
            own.any(|own| own.ip() == to.ip())
        };
        let on_all = |to: &&&SocketAddr| to.ip().is_unspecified();
        let to = secure.iter().find(same);
        let to = to.or_else(|| secure.iter().find(on_all));
        NonZeroU16::new(to.or(secure.first())?.port())
    }

    /// Whether only this machine reaches what is served.
    pub fn is_local(&self) -> bool {
        self.beyond().is_none()
    }

    /// What was written of the first that others reach as well.
    pub fn beyond(&self) -> Option<&str> {
        let mut serving = self.0.iter().filter(|one| one.speaks != Speaks::Redirect);
        let beyond = serving.find(|listener| !listener.at.is_local());
        beyond.map(|listener| &*listener.text)
    }

    /// The addresses, if only this machine reaches them and they are all there is: such a server
    /// answers to its own names only. Names of the others are those of a proxy, or public.
    pub fn loopback(&self) -> Vec<SocketAddr> {
        let serving = self.0.iter().filter(|one| one.speaks != Speaks::Redirect);
        let addresses = serving.map(|listener| match &listener.at {
            At::Tcp(addresses) if listener.at.is_local() => Some(&addresses[..]),
            _ => None,
        });
        let addresses: Option<Vec<_>> = addresses.collect();
        addresses.unwrap_or_default().concat()
    }

    /// What was written, for a message.
    pub fn text(&self) -> String {
        let texts: Vec<_> = self.0.iter().map(|listener| &*listener.text).collect();
        texts.join(", ")
    }

    /// Listeners for a server, and what to call them once it listens.
    pub fn open(self, tls: Option<&Tls>) -> io::Result<(Vec<Listen>, Names)> {
        let ports: Vec<_> = self.0.iter().map(|one| self.redirect_port(one)).collect();
        let mut names = Vec::new();
        let mut listens = Vec::new();
        for (Listener { speaks, at, .. }, port) in self.0.into_iter().zip(ports) {
            let (listen, place) = at.open()?;
            names.push((speaks, place));
            listens.push(match (speaks, tls, port) {
                (Speaks::Tls, Some(tls), _) => tls.secure(listen),
                (Speaks::Redirect, _, Some(port)) => listen.redirecting(port),
                _ => listen,
            });
        }
        Ok((listens, Names(names)))
    }
}

impl Listener {
    fn new(
        text: &str,
        has_tls: bool,
        inherited: &mut Inherited,
        handed: &mut Handed,
    ) -> Result<Self, Failure> {
        let schemes = [
            ("tls:", Speaks::Tls),
            ("http:", Speaks::Http),
            ("redirect:", Speaks::Redirect),
        ];
        let written = schemes
            .iter()
            .find_map(|(scheme, speaks)| Some((*speaks, text.strip_prefix(scheme)?)));
        let usual = if has_tls { Speaks::Tls } else { Speaks::Http };
        let (speaks, place) = written.unwrap_or((usual, text));
        if speaks == Speaks::Tls && !has_tls {
            return Err(wrong(text, NO_CERTIFICATE));
        }
        let named = place
            .rsplit_once('=')
            .filter(|_| speaks == Speaks::Redirect);
        let named = named.and_then(|(place, port)| Some((place, port.parse().ok()?)));
        let (place, to) = named.map_or((place, None), |(place, port)| (place, Some(port)));
        Ok(Self {
            at: At::new(place, inherited, handed).map_err(|problem| wrong(text, &problem))?,
            text: text.to_owned(),
            speaks,
            to,
        })
    }

    fn wrong(&self, problem: &str) -> Failure {
        wrong(&self.text, problem)
    }
}

const NO_CERTIFICATE: &str = if cfg!(feature = "ring") {
    "TLS needs a certificate: set --tls-cert and --tls-key"
} else {
    "this build has no TLS (feature `ring`)"
};

fn wrong(text: &str, problem: &str) -> Failure {
    Failure::usage(format!("--listen {text}: {problem}"))
}

impl At {
    fn new(place: &str, inherited: &mut Inherited, handed: &mut Handed) -> Result<Self, String> {
        #[cfg(unix)]
        if let Some(path) = place.strip_prefix("unix:") {
            if let Some(same) = handed.take(|name, _| name == place) {
                return Ok(Self::Handed(same));
            }
            return match path.is_empty() {
                true => Err("write the path of a socket, such as unix:/run/wirebell.sock".into()),
                false => Ok(Self::Unix(path.into())),
            };
        }
        #[cfg(unix)]
        if let Some(number) = place.strip_prefix("fd:") {
            // Their order is that of the other process.
            if let Some(next) = handed.take(|_, _| true) {
                return Ok(Self::Handed(next));
            }
            return inherited.take(number);
        }
        let _ = inherited;
        let addresses = place.to_socket_addrs().map(Vec::from_iter);
        match addresses {
            Ok(addresses) if !addresses.is_empty() => {
                let is_one = |one: &SocketAddr| addresses.iter().any(|it| is_same(it, one));
                let same = handed.take(|_, address| address.is_some_and(|it| is_one(&it)));
                Ok(same.map_or(Self::Tcp(addresses), Self::Handed))
            }
            _ => Err("write an address and a port, such as 127.0.0.1:8080".into()),
        }
    }

    /// None, of a unix socket.
    fn addresses(&self) -> &[SocketAddr] {
        match self {
            Self::Tcp(addresses) => addresses,
            #[cfg(unix)]
            Self::Unix(_) => &[],
            #[cfg(unix)]
            Self::Inherited(_, address) => address.as_slice(),
            Self::Handed(listener) => listener.address().as_slice(),
        }
    }

    fn is_local(&self) -> bool {
        let is_loopback = |address: &SocketAddr| address.ip().to_canonical().is_loopback();
        self.addresses().iter().all(is_loopback)
    }

    /// Also returns its name, if it is not an address.
    fn open(self) -> io::Result<(Listen, Option<String>)> {
        Ok(match self {
            Self::Tcp(addresses) => (Listen::tcp(&addresses[..])?, None),
            #[cfg(unix)]
            Self::Unix(path) => {
                let name = format!("unix:{}", path.display());
                (Listen::unix(path), Some(name))
            }
            #[cfg(unix)]
            Self::Inherited(socket, address) => {
                let name = address.is_none().then(|| "an inherited socket".to_owned());
                (Listen::inherited(socket), name)
            }
            Self::Handed(listener) => listener.open(),
        })
    }
}

/// Whether this address is the wanted one, of which the port may be open.
fn is_same(wanted: &SocketAddr, address: &SocketAddr) -> bool {
    wanted == address || wanted.port() == 0 && wanted.ip() == address.ip()
}

/// The sockets that a service manager has opened (`LISTEN_FDS`).
#[cfg(all(unix, feature = "socket-activation"))]
struct Inherited(listenfd::ListenFd);

#[cfg(all(unix, feature = "socket-activation"))]
impl Inherited {
    fn new() -> Self {
        Self(listenfd::ListenFd::from_env())
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, as `--listen` names them.
    fn names(&self) -> Vec<String> {
        let numbers = FIRST_FD..FIRST_FD + self.len();
        numbers.map(|number| format!("fd:{number}")).collect()
    }

    fn take(&mut self, number: &str) -> Result<At, String> {
        let last = FIRST_FD + self.len();
        let number: Option<usize> = number.parse().ok();
        let number = number.filter(|number| (FIRST_FD..last).contains(number));
        let index = number
            .map(|number| number - FIRST_FD)
            .ok_or_else(|| match self.len() {
                0 => "no socket was passed to this process: LISTEN_FDS is not set".to_owned(),
                passed => format!("{passed} sockets were passed (LISTEN_FDS): fd:3 is the first"),
            })?;
        if let Ok(Some(socket)) = self.0.take_tcp_listener(index) {
            let address = socket.local_addr().ok();
            return Ok(At::Inherited(socket.into(), address));
        }
        match self.0.take_unix_listener(index) {
            Ok(Some(socket)) => Ok(At::Inherited(socket.into(), None)),
            Ok(None) => Err("it is given twice".into()),
            Err(_) => Err("it is not a stream socket, TCP or unix".into()),
        }
    }
}

/// This build takes none.
#[cfg(not(all(unix, feature = "socket-activation")))]
struct Inherited;

#[cfg(not(all(unix, feature = "socket-activation")))]
impl Inherited {
    fn new() -> Self {
        Self
    }

    fn len(&self) -> usize {
        0
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    #[cfg(unix)]
    fn take(&mut self, _: &str) -> Result<At, String> {
        Err("this build takes no sockets of others: it lacks the feature socket-activation".into())
    }
}

/// What to call the listeners of a server.
pub struct Names(Vec<(Speaks, Option<String>)>);

impl Names {
    /// One URL or text for each, given the addresses of the running server. `scheme` is `http` or
    /// `ws`.
    pub fn all(&self, scheme: &str, addresses: &[SocketAddr]) -> Vec<String> {
        let mut addresses = addresses.iter();
        let told = self.0.iter().map(|(speaks, name)| {
            let secure = if *speaks == Speaks::Tls { "s" } else { "" };
            match (name, speaks) {
                (Some(name), Speaks::Tls) => format!("{name} (TLS)"),
                (Some(name), _) => name.clone(),
                (None, _) => {
                    let address = addresses.next().map(SocketAddr::to_string);
                    let address = address.unwrap_or_default();
                    match speaks {
                        Speaks::Redirect => format!("http://{address}/ (redirects)"),
                        _ => format!("{scheme}{secure}://{address}/"),
                    }
                }
            }
        });
        told.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str], has_tls: bool) -> Result<Listeners, String> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).into()).collect();
        Listeners::new(Some(&texts), has_tls, Handed::default())
            .map_err(|failure| failure.to_string())
    }

    fn names(texts: &[&str], has_tls: bool) -> Vec<String> {
        let listeners = read(texts, has_tls).unwrap();
        let addresses: Vec<_> = listeners
            .0
            .iter()
            .filter_map(|one| one.at.addresses().first().copied())
            .collect();
        let names = listeners.0.into_iter().map(|listener| {
            let (_, name) = listener.at.open().unwrap();
            (listener.speaks, name)
        });
        Names(names.collect()).all("http", &addresses)
    }

    #[test]
    fn a_certificate_makes_listeners_speak_tls() {
        assert_eq!(names(&["127.0.0.1:80"], false), ["http://127.0.0.1:80/"]);
        assert_eq!(names(&["127.0.0.1:80"], true), ["https://127.0.0.1:80/"]);
        let mixed = [
            "[::1]:1",
            "http:127.0.0.1:2",
            "redirect:127.0.0.1:3",
            "unix:/x",
        ];
        let expected = [
            "https://[::1]:1/",
            "http://127.0.0.1:2/",
            "http://127.0.0.1:3/ (redirects)",
            "unix:/x (TLS)",
        ];
        assert_eq!(names(&mixed, true), expected);
    }

    #[test]
    fn what_cannot_work_is_told() {
        let no_sockets = match cfg!(feature = "socket-activation") {
            true => "LISTEN_FDS",
            false => "socket-activation",
        };
        let rows: [(&[&str], bool, &str); 10] = [
            (&["nonsense"], false, "write an address and a port"),
            (&["tls:127.0.0.1:1"], false, "--listen tls:127.0.0.1:1: "),
            (&["http:127.0.0.1:1"], true, "no listener speaks TLS"),
            (
                &["redirect:127.0.0.1:1"],
                false,
                "it needs a listener with TLS",
            ),
            (
                &["tls:127.0.0.1:0", "redirect:127.0.0.1:1"],
                true,
                "fixed port",
            ),
            (&["tls:unix:/x", "redirect:127.0.0.1:1"], true, "fixed port"),
            (
                &["127.0.0.1:1", "redirect:127.0.0.1:2=0"],
                true,
                "an address and a port",
            ),
            (&["127.0.0.1:1=443"], true, "an address and a port"),
            (&["unix:"], false, "write the path"),
            (&["fd:3"], false, no_sockets),
        ];
        for (texts, has_tls, part) in rows {
            let error = read(texts, has_tls).err().unwrap();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_redirect_leads_to_the_port_that_fits() {
        let to = |texts: &[&str]| -> Vec<u16> {
            let listeners = read(texts, true).unwrap();
            let redirects = listeners
                .0
                .iter()
                .filter(|one| one.speaks == Speaks::Redirect);
            let ports = redirects.map(|one| listeners.redirect_port(one).unwrap().get());
            ports.collect()
        };
        let several = [
            "[::1]:1",
            "0.0.0.0:2",
            "127.0.0.1:3",
            "127.0.0.1:4",
            "unix:/x",
        ];
        let redirects = [
            "redirect:127.0.0.1:80",
            "redirect:[::1]:80",
            "redirect:127.0.0.2:80",
            "redirect:127.0.0.1:81=443",
            "redirect:unix:/y=443",
            "redirect:unix:/y",
        ];
        assert_eq!(
            to(&[&several[..], &redirects].concat()),
            [3, 1, 2, 443, 443, 2]
        );
        assert_eq!(
            to(&["127.0.0.1:1", "127.0.0.2:2", "redirect:127.0.0.3:80"]),
            [1]
        );
        assert_eq!(to(&["127.0.0.1:0", "redirect:127.0.0.1:80=8443"]), [8443]);
        assert_eq!(to(&["unix:/x", "redirect:127.0.0.1:80=443"]), [443]);
    }

    #[test]
    fn who_can_reach_it() {
        let local = |texts: &[&str]| read(texts, false).unwrap().is_local();
        assert!(local(&[
            "127.0.0.1:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
            "unix:/x"
        ]));
        assert!(!local(&["127.0.0.1:1", "0.0.0.0:1"]));
        // A listener that only redirects serves nothing.
        let texts = ["127.0.0.1:1", "redirect:0.0.0.0:2"];
        assert!(read(&texts, true).unwrap().is_local());
        let loopback = |texts: &[&str]| read(texts, false).unwrap().loopback().len();
        assert_eq!(loopback(&["127.0.0.1:1", "[::1]:1"]), 2);
        assert_eq!(loopback(&["127.0.0.1:1", "0.0.0.0:1"]), 0);
        assert_eq!(loopback(&["127.0.0.1:1", "unix:/x"]), 0);
    }
}
