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
                  To make a capture:\n  \
                  wirebell connect --trace talk.pcap ws://127.0.0.1:8080/echo\n  \
                  tcpdump -i lo -w talk.pcap port 8080\n\n\
                  Captures are pcap or pcapng. Hexadecimal text may have white space, colons, 0x\n\
                  and comments after #. Dumps of xxd, hexdump -C, od -A x -t x1, Wireshark and\n\
                  tcpdump -x are read too, and so are arrays, escaped strings and base64. A line\n\
                  that begins with > is from the client, with < from the server; = and an\n\
                  optional name begin another connection:\n  \
                  printf '> 89 80 00 00 00 00\\n< 8a 00\\n' | wirebell inspect\n\n\
                  Where wirebell.v1 was negotiated, lines of `push:` say what each message means: \
                  its\n\
                  topic and position, whether a resume recovered everything, and what is missing.\
                  \n\n\
                  Exit status: 0 no violation, 1 a violation (the explanation is printed all the\n\
                  same), 2 wrong usage or input that cannot be read.")]
pub struct InspectArgs {
    /// What to explain [default: stdin, as with -]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,

    /// Form of the input [default: detected]
    #[arg(long = "as", value_name = "FORM")]
    pub form: Option<Form>,

    /// Who sent the bytes, for hex and raw [default: detected from the first frame or head]
    #[arg(long, value_name = "SIDE")]
    pub from: Option<Side>,

    /// The negotiated compression, as in the server's response, when the input has no handshake:
    /// 'permessage-deflate; server_no_context_takeover'
    #[arg(long, value_name = "PARAMETERS")]
    pub deflate: Option<String>,

    /// Show at most N bytes of each payload in text and HTML; JSON has them all
    #[arg(long, value_name = "N", default_value = "256")]
    pub show_bytes: usize,

    /// Explain at most N heads and frames of each side; the rest are counted and checked, and up
    /// to N more with a violation are explained
    #[arg(long, value_name = "N", default_value = "1000")]
    pub max_items: usize,

    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// The format of the explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal
    Text,
    /// For programs
    Json,
    /// A self-contained page for a browser
    Html,
}

/// The form of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Hexadecimal digits, or other text that represents bytes
    Hex,
    /// The bytes of one direction
    Raw,
    /// A packet capture of both directions: pcap or pcapng
    Pcap,
}

/// A side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The side that connects; it masks what it sends
    Client,
    /// The side that listens
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
