//! One packet → its TCP segment.

use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
use std::net::{IpAddr, SocketAddr};

/// Link types of <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcaplinktype-07.html>.
const NULL: u32 = 0;
const ETHERNET: u32 = 1;
const RAW_OLD: [u32; 2] = [12, 14];
pub const RAW: u32 = 101;
const LOOP: u32 = 108;
const LINUX_COOKED: u32 = 113;
const IPV4: u32 = 228;
const IPV6: u32 = 229;
const LINUX_COOKED_2: u32 = 276;

/// What one packet says about a connection.
#[derive(Debug, PartialEq)]
pub struct Segment<'b> {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub sequence: u32,
    pub syn: bool,
    pub ack: bool,
    pub payload: &'b [u8],
}

/// Whether packets of this link type can be read.
pub fn is_known(link: u32) -> bool {
    let known = [
        NULL,
        ETHERNET,
        RAW,
        LOOP,
        LINUX_COOKED,
        IPV4,
        IPV6,
        LINUX_COOKED_2,
    ];
    known.contains(&link) || RAW_OLD.contains(&link)
}

/// `None` for whatever is no TCP over IP, or broken.
pub fn segment(link: u32, bytes: &[u8]) -> Option<Segment<'_>> {
    let sliced = match link {
        ETHERNET => LaxSlicedPacket::from_ethernet(bytes).ok()?,
        NULL | LOOP => ip(bytes.get(4..)?)?,
        LINUX_COOKED => ip(cooked(bytes, 14, 16)?)?,
        LINUX_COOKED_2 => ip(cooked(bytes, 0, 20)?)?,
        _ => ip(bytes)?,
    };
    let (source, destination): (IpAddr, IpAddr) = match sliced.net? {
        LaxNetSlice::Ipv4(ip) if !ip.payload().fragmented => {
            let header = ip.header();
            (
                header.source_addr().into(),
                header.destination_addr().into(),
            )
        }
        LaxNetSlice::Ipv6(ip) if !ip.payload().fragmented => {
            let header = ip.header();
            (
                header.source_addr().into(),
                header.destination_addr().into(),
            )
        }
        _ => return None,
    };
    let Some(TransportSlice::Tcp(tcp)) = sliced.transport else {
        return None;
    };
    Some(Segment {
        from: SocketAddr::new(source, tcp.source_port()),
        to: SocketAddr::new(destination, tcp.destination_port()),
        sequence: tcp.sequence_number(),
        syn: tcp.syn(),
        ack: tcp.ack(),
        payload: tcp.payload(),
    })
}

fn ip(bytes: &[u8]) -> Option<LaxSlicedPacket<'_>> {
    LaxSlicedPacket::from_ip(bytes).ok()
}

/// What a header of Linux leaves, if its protocol is IP.
fn cooked(bytes: &[u8], protocol: usize, header: usize) -> Option<&[u8]> {
    let protocol = bytes.get(protocol..)?.first_chunk::<2>()?;
    let is_ip = matches!(u16::from_be_bytes(*protocol), 0x0800 | 0x86DD);
    bytes.get(header..).filter(|_| is_ip)
}
