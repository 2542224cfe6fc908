//! With which compression the server runs, and whether it has agreed to it.

use std::io;

use wirebell::handshake::DeflateTerms;

use crate::server::Kind;

/// What the server does for clients that offer the extension, as all clients here do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Off,
    On,
    Takeover,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Takeover => "takeover",
        }
    }

    /// The server that runs `command` in this mode.
    pub fn server(self, command: &'static str) -> Kind {
        let mode = self.name();
        Kind::WirebellDeflate { command, mode }
    }

    /// What is agreed on.
    pub fn terms(self) -> Option<DeflateTerms> {
        let alone = self == Self::On;
        (self != Self::Off).then_some(DeflateTerms {
            server_no_context_takeover: alone,
            client_no_context_takeover: alone,
            ..DeflateTerms::default()
        })
    }

    /// The head of the answer must agree to these terms, or something else would be measured.
    pub fn check(self, head: &str) -> io::Result<()> {
        let fields = head.lines().filter_map(|line| line.split_once(':'));
        let mut fields =
            fields.filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-extensions"));
        let answer = fields.next().map(|(_, value)| value.trim().to_owned());
        let terms = self.terms().map(|terms| terms.to_string());
        match answer == terms {
            true => Ok(()),
            false => Err(io::Error::other(format!(
                "the server answered {answer:?} to the offer of compression, not {terms:?}"
            ))),
        }
    }
}
