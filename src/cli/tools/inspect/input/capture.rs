//! The packets of a capture, whatever the file format.

use crate::cli::tools::inspect::input::packet;
use crate::cli::tools::inspect::model::Text;
use std::collections::BTreeSet;

#[derive(Default)]
pub struct Capture<'b> {
    pub packets: Vec<Packet<'b>>,
    /// Packets with an invalid description in the file.
    pub broken: usize,
    /// Why the file is truncated.
    pub cut: Option<Text>,
}

impl Capture<'_> {
    /// The link types of the packets, each once.
    pub fn links(&self) -> BTreeSet<u32> {
        self.packets.iter().map(|packet| packet.link).collect()
    }

    /// Such as `capture of 3 packets, link type 1 (Ethernet)`.
    pub fn name(&self) -> String {
        let link = |link| match packet::link_name(link) {
            Some(name) => format!(", link type {link} ({name})"),
            None => format!(", link type {link}"),
        };
        let links: String = self.links().into_iter().map(link).collect();
        format!("capture of {} packets{links}", self.packets.len())
    }
}

pub struct Packet<'b> {
    /// Seconds.
    pub time: f64,
    /// The link type of its first header.
    pub link: u32,
    pub bytes: &'b [u8],
    /// Bytes of the packet that are missing in the file.
    pub dropped: usize,
}
