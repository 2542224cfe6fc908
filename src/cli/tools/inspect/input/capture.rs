//! What a capture holds: packets, whatever the form of the file.

use crate::cli::tools::inspect::input::packet;
use crate::cli::tools::inspect::model::Text;
use std::collections::BTreeSet;

#[derive(Default)]
pub struct Capture<'b> {
    pub packets: Vec<Packet<'b>>,
    /// Packets that the file describes wrongly.
    pub broken: usize,
    /// Why the file ends early.
    pub cut: Option<Text>,
}

impl Capture<'_> {
    /// Every link type that packets have, each once.
    pub fn links(&self) -> BTreeSet<u32> {
        self.packets.iter().map(|packet| packet.link).collect()
    }

    /// As `capture of 3 packets, link type 1 (Ethernet)`.
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
    /// What it begins with.
    pub link: u32,
    pub bytes: &'b [u8],
    /// Bytes of the packet that the file does not have.
    pub dropped: usize,
}
