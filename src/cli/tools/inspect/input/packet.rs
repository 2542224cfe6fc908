//! One packet → its TCP segment.
//!
//! Input: bytes from the link header on. Output: the segment, or in a few words what the packet is
//! instead. VLAN tags, PPPoE, MPLS and tunnels (VXLAN, GENEVE, GRE, IP in IP) are removed.

use crate::cli::tools::inspect::model::Text;
use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
use std::net::{IpAddr, SocketAddr};

/// Link types of <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcaplinktype-07.html>.
const NULL: u32 = 0;
pub const ETHERNET: u32 = 1;
const PPP: u32 = 9;
const RAW_OLD: [u32; 2] = [12, 14];
const PPP_HDLC: u32 = 50;
const PPPOE: u32 = 51;
pub const RAW: u32 = 101;
const LOOP: u32 = 108;
const LINUX_COOKED: u32 = 113;
const IPV4: u32 = 228;
const IPV6: u32 = 229;
const NFLOG: u32 = 239;
const LINUX_COOKED_2: u32 = 276;

/// Nested tunnels: more of them are an attack or a loop.
const MAX_TUNNELS: u8 = 4;

/// One TCP segment.
#[derive(Debug, PartialEq)]
pub struct Segment<'b> {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub sequence: u32,
    /// The next byte expected from the other side.
    pub acknowledged: Option<u32>,
    pub syn: bool,
    pub push: bool,
    pub payload: &'b [u8],
}

/// The name of a link type whose packets can be read.
pub fn link_name(link: u32) -> Option<&'static str> {
    Some(match link {
        NULL | LOOP => "BSD loopback",
        ETHERNET => "Ethernet",
        PPP | PPP_HDLC => "PPP",
        PPPOE => "PPPoE",
        RAW | IPV4 | IPV6 => "raw IP",
        _ if RAW_OLD.contains(&link) => "raw IP",
        LINUX_COOKED => "Linux cooked",
        LINUX_COOKED_2 => "Linux cooked v2",
        NFLOG => "NFLOG",
        _ => return None,
    })
}

/// `Err` names what is not TCP over IP, or malformed.
pub fn segment(link: u32, bytes: &[u8]) -> Result<Segment<'_>, Text> {
    let short = || Text::from("packets that are too short");
    let tail = |at: usize| bytes.get(at..).ok_or_else(short);
    match link {
        ETHERNET => ethernet(bytes, 0),
        NULL | LOOP => ip(tail(4)?, 0),
        LINUX_COOKED => protocol(half(bytes, 14).ok_or_else(short)?, tail(16)?, 0),
        LINUX_COOKED_2 => protocol(half(bytes, 0).ok_or_else(short)?, tail(20)?, 0),
        PPP | PPP_HDLC => ppp(bytes, 0),
        PPPOE => ppp(tail(6)?, 0),
        NFLOG => ip(nflog(bytes).ok_or("NFLOG without a packet")?, 0),
        _ => ip(bytes, 0),
    }
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let half = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*half))
}

fn ethernet(bytes: &[u8], tunnels: u8) -> Result<Segment<'_>, Text> {
    let kind = half(bytes, 12).ok_or("packets that are too short")?;
    protocol(kind, &bytes[14..], tunnels)
}

/// What follows an EtherType.
fn protocol(mut kind: u16, mut rest: &[u8], tunnels: u8) -> Result<Segment<'_>, Text> {
    // VLAN tags: 802.1Q, 802.1ad and the older one of QinQ.
    while let 0x8100 | 0x88A8 | 0x9100 = kind {
        kind = half(rest, 2).ok_or("packets that are too short")?;
        rest = &rest[4..];
    }
    match kind {
        0x0800 | 0x86DD => ip(rest, tunnels),
        0x8864 => ppp(rest.get(6..).unwrap_or_default(), tunnels),
        0x8847 | 0x8848 => ip(mpls(rest), tunnels),
        0x6558 if tunnels < MAX_TUNNELS => ethernet(rest, tunnels + 1),
        0x0806 => Err("ARP".into()),
        0x888E => Err("802.1X".into()),
        0x88CC => Err("LLDP".into()),
        0x88E5 => Err("MACsec, which is encrypted".into()),
        0..0x0600 => Err("802.3 with LLC".into()),
        _ => Err(format!("EtherType 0x{kind:04x}").into()),
    }
}

/// RFC 1661: a protocol of one or two bytes, perhaps with address and control before it.
fn ppp(bytes: &[u8], tunnels: u8) -> Result<Segment<'_>, Text> {
    let bytes = bytes.strip_prefix(&[0xFF, 3]).unwrap_or(bytes);
    match bytes {
        [0x00, 0x21 | 0x57, rest @ ..] | [0x21 | 0x57, rest @ ..] => ip(rest, tunnels),
        _ => Err("PPP without IP".into()),
    }
}

/// RFC 3032: labels of four bytes; the last one has the bottom bit.
fn mpls(mut bytes: &[u8]) -> &[u8] {
    while let Some((label, rest)) = bytes.split_at_checked(4) {
        bytes = rest;
        if label[2] & 1 != 0 {
            break;
        }
    }
    bytes
}

/// The payload among the attributes; their lengths have the byte order of the host.
fn nflog(bytes: &[u8]) -> Option<&[u8]> {
    const PAYLOAD: u16 = 9;
    let attributes = bytes.get(4..)?;
    for read in [u16::from_le_bytes, u16::from_be_bytes] {
        let mut rest = attributes;
        while let Some(&[a, b, c, d]) = rest.first_chunk() {
            let (length, kind) = (usize::from(read([a, b])), read([c, d]) & 0x7FFF);
            if length < 4 {
                break;
            }
            if kind == PAYLOAD {
                return Some(&rest[4..length.min(rest.len())]);
            }
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
    }
    None
}

fn ip(bytes: &[u8], tunnels: u8) -> Result<Segment<'_>, Text> {
    let sliced = LaxSlicedPacket::from_ip(bytes).map_err(|_| "not IP, or a malformed IP header")?;
    let net = sliced.net.ok_or("not IP, or a malformed IP header")?;
    let (source, destination): (IpAddr, IpAddr) = match &net {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            (
                header.source_addr().into(),
                header.destination_addr().into(),
            )
        }
        LaxNetSlice::Ipv6(ip) => {
            let header = ip.header();
            (
                header.source_addr().into(),
                header.destination_addr().into(),
            )
        }
        LaxNetSlice::Arp(_) => return Err("ARP".into()),
    };
    let payload = net.ip_payload_ref().ok_or("IP without payload")?;
    if payload.fragmented {
        return Err("fragments of IP packets".into());
    }
    let inner = payload.payload;
    let deeper = tunnels < MAX_TUNNELS;
    match sliced.transport {
        Some(TransportSlice::Tcp(tcp)) => Ok(Segment {
            from: SocketAddr::new(source, tcp.source_port()),
            to: SocketAddr::new(destination, tcp.destination_port()),
            sequence: tcp.sequence_number(),
            acknowledged: tcp.ack().then(|| tcp.acknowledgment_number()),
            syn: tcp.syn(),
            push: tcp.psh(),
            // RFC 9293 section 3.5.3: data in a reset is an error message.
            payload: if tcp.rst() { &[] } else { tcp.payload() },
        }),
        Some(TransportSlice::Udp(udp)) => {
            let ports = (udp.source_port(), udp.destination_port());
            match ports.1 {
                VXLAN if deeper => ethernet(udp.payload().get(8..).unwrap_or(&[]), tunnels + 1),
                GENEVE if deeper => geneve(udp.payload(), tunnels + 1),
                _ => Err(format!("UDP port {}", ports.0.min(ports.1)).into()),
            }
        }
        Some(TransportSlice::Icmpv4(_) | TransportSlice::Icmpv6(_)) => Err("ICMP".into()),
        Some(TransportSlice::Igmp(_)) => Err("IGMP".into()),
        None => match payload.ip_number.0 {
            4 | 41 if deeper => ip(inner, tunnels + 1),
            47 if deeper => gre(inner, tunnels + 1),
            6 => Err("TCP with an incomplete header".into()),
            number => Err(format!("IP protocol {number}").into()),
        },
    }
}

/// The registered ports of the tunnels.
const VXLAN: u16 = 4789;
const GENEVE: u16 = 6081;

/// RFC 8926 section 3.4.
fn geneve(bytes: &[u8], tunnels: u8) -> Result<Segment<'_>, Text> {
    let options = bytes
        .first()
        .map_or(0, |first| usize::from(first & 0x3F) * 4);
    let kind = half(bytes, 2).ok_or("packets that are too short")?;
    protocol(kind, bytes.get(8 + options..).unwrap_or(&[]), tunnels)
}

/// RFC 2784 and 2890: a checksum, a key and a sequence number may be there.
fn gre(bytes: &[u8], tunnels: u8) -> Result<Segment<'_>, Text> {
    let (flags, kind) = match (half(bytes, 0), half(bytes, 2)) {
        (Some(flags), Some(kind)) => (flags, kind),
        _ => return Err("packets that are too short".into()),
    };
    let words = [0x8000, 0x2000, 0x1000]
        .iter()
        .filter(|bit| flags & *bit != 0);
    let header = 4 + 4 * words.count();
    protocol(kind, bytes.get(header..).unwrap_or(&[]), tunnels)
}
