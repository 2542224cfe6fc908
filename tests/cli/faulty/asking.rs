//! The opening handshake of a client, with its faults.

use super::keys::Zeros;
use super::opening::{Opened, end_of_head};
use super::{Fault, LINGER, Offer};
use std::io::{self, Error, Read as _, Write as _};
use std::net::TcpStream;

use wirebell::client::Random;
use wirebell::handshake::{ClientHandshake, ClientWindow, DeflateOffer};
use wirebell::http::{Field, HeadLimits, HeadReader, MAX_FIELDS, ResponseHead};

/// Requests this path and reads the response; `None` if nothing opens.
pub fn open(mut stream: &TcpStream, fault: Fault, path: &str) -> io::Result<Option<Opened>> {
    let host = stream.peer_addr()?.to_string();
    let request = match fault {
        Fault::SameRequestKey => ClientHandshake::new(&host, path, &mut Zeros),
        _ => ClientHandshake::new(&host, path, &mut Random),
    };
    let offers = offers(fault);
    let request = request.and_then(|request| request.deflate(&offers));
    let request = request.map_err(Error::other)?;
    let mut text = request.to_string();
    if let Fault::Asks(old, new) = fault {
        assert!(text.contains(old), "{old} is not in {text}");
        text = text.replacen(old, new, 1);
    }
    stream.write_all(text.as_bytes())?;
    if fault == Fault::SpeaksFirst {
        stream.write_all(b"\x81\x80\0\0\0\0")?;
    }
    let mut bytes = Vec::new();
    loop {
        let Some(end) = read_head(stream, fault, &mut bytes)? else {
            return Ok(None);
        };
        let head: Vec<u8> = bytes.drain(..end).collect();
        let opened = match fault {
            Fault::TakesAnyAnswer(_) => Some(None),
            _ => verdict(&request, &head, fault),
        };
        let terms = match opened {
            None if head.starts_with(b"HTTP/1.1 103") => continue,
            None => {
                if fault == Fault::SpeaksWhenRefused {
                    stream.write_all(b"\x88\x82\0\0\0\0\x03\xEA")?;
                }
                return Ok(None);
            }
            Some(terms) => terms,
        };
        if fault == Fault::SpeaksAtOnce {
            stream.write_all(b"\x81\x80\0\0\0\0")?;
        }
        if fault == Fault::DropsWhatIsBehindHead {
            bytes.clear();
        }
        let rest = bytes;
        return Ok(Some(Opened { rest, terms }));
    }
}

fn offers(fault: Fault) -> Vec<DeflateOffer> {
    let offer = match fault {
        Fault::TakesAnyAnswer(offer) => offer,
        _ => Offer::Usual,
    };
    let usual = DeflateOffer::default();
    match offer {
        Offer::Usual => vec![usual],
        Offer::WithoutWindow => vec![usual.client_max_window_bits(ClientWindow::Fixed)],
        Offer::SmallWindow => vec![usual.server_max_window_bits(Some(9))],
        Offer::Nothing => Vec::new(),
    }
}

/// Where the next head ends; `None` if it does not arrive or is malformed.
fn read_head(
    mut stream: &TcpStream,
    fault: Fault,
    bytes: &mut Vec<u8>,
) -> io::Result<Option<usize>> {
    let (limits, mut reader) = (HeadLimits::default(), HeadReader::new());
    let (mut chunk, mut searched) = ([0; 4096], 0_usize);
    loop {
        let found = match fault {
            Fault::TakesAnyAnswer(_) | Fault::ReadsEndlessHeads => {
                let from = searched.saturating_sub(3);
                searched = bytes.len();
                Ok(end_of_head(&bytes[from..]).map(|end| from + end))
            }
            _ => reader.find(bytes, &limits).map(|r| r.map(|head| head.end)),
        };
        match found {
            Ok(Some(end)) => return Ok(Some(end)),
            Ok(None) if fault == Fault::WantsHeadInOneRead && !bytes.is_empty() => return Ok(None),
            Ok(None) => {}
            Err(_) => return Ok(None),
        }
        let n = stream.read(&mut chunk)?;
        bytes.extend_from_slice(&chunk[..n]);
        if n == 0 {
            if fault == Fault::IgnoresEnd {
                std::thread::sleep(LINGER);
            }
            return Ok(None);
        }
    }
}

/// The library's verdict on the response: the terms of compression, if it opens a WebSocket.
fn verdict(
    request: &ClientHandshake<'_>,
    head: &[u8],
    fault: Fault,
) -> Option<Option<wirebell::handshake::DeflateTerms>> {
    let mut fields = [Field {
        name: "",
        value: b"",
    }; MAX_FIELDS];
    let text = String::from_utf8_lossy(head);
    let literal = [
        "\r\nUpgrade: websocket\r\n",
        "\r\nConnection: Upgrade\r\n",
        "ing Protocols\r",
    ];
    if fault == Fault::RefusesAll
        || fault == Fault::ComparesLiterally && !literal.iter().all(|line| text.contains(line))
    {
        return None;
    }
    let response = ResponseHead::parse(head, &mut fields).ok()?;
    let mut terms = request.verify(&response).ok()?.deflate;
    if let Some(terms) = terms.as_mut().filter(|_| fault == Fault::TakesContextOver) {
        terms.client_no_context_takeover = false;
    }
    Some(terms)
}
