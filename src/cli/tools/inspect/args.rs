//! The arguments of `inspect`.

use clap::{Args, ValueEnum};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
                  echo '81 85 37 fa 21 3d 7f 9f 4d 51 58' | wirebell inspect\n  \
                  wirebell inspect --format html --output frames.html capture.pcap\n  \
                  echo 'c1 07 f2 48 cd c9 c9 07 00' | wirebell inspect --deflate permessage-deflate\
                  \n\n\
                  A capture to look at:\n  \
                  wirebell connect --trace talk.pcap ws://127.0.0.1:8080/echo\n  \
                  tcpdump -i lo -w talk.pcap port 8080\n\n\
                  Captures are pcap or pcapng. Hexadecimal text may have white space, colons, 0x\n\
                  and comments after #. Dumps of xxd, hexdump -C, od -A x -t x1, Wireshark and\n\
                  tcpdump -x are read too, and so are arrays, escaped strings and base64. A line\n\
                  that begins with > is from the client, with < from the server; = and perhaps a\n\
                  name begin another connection:\n  \
                  printf '> 89 80 00 00 00 00\\n< 8a 00\\n' | wirebell inspect\n\n\
                  Exit status: 0 all rules are kept, 1 a rule is broken (the explanation is\n\
                  printed all the same), 2 wrong usage or input that cannot be read.")]
pub struct InspectArgs {
    /// What to explain [default: stdin, as with -]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,

    /// What the input is [default: guessed]
    #[arg(long = "as", value_name = "FORM")]
    pub form: Option<Form>,

    /// Who has sent the bytes, for hex and raw [default: guessed from the first frame or head]
    #[arg(long, value_name = "SIDE")]
    pub from: Option<Side>,

    /// What was agreed on about compression, as the server's answer names it, where the input has
    /// no handshake: 'permessage-deflate; server_no_context_takeover'
    #[arg(long, value_name = "PARAMETERS")]
    pub deflate: Option<String>,

    /// Show at most so many bytes of each payload, as text and HTML; JSON has them all
    #[arg(long, value_name = "N", default_value = "256")]
    pub show_bytes: usize,

    /// Explain at most so many heads and frames of each side; the others are counted and checked,
    /// and those that break a rule are explained, as many again
    #[arg(long, value_name = "N", default_value = "1000")]
    pub max_items: usize,

    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// How the explanation is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal
    Text,
    /// For programs
    Json,
    /// One page for a browser, which needs nothing else
    Html,
}

/// What the input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Hexadecimal digits, or another text that stands for bytes
    Hex,
    /// The bytes of one direction
    Raw,
    /// A capture of packets, both directions: pcap or pcapng
    Pcap,
}

/// An end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The end that connects; it masks what it sends
    Client,
    /// The end that listens
    Server,
}

impl Side {
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }

    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}
