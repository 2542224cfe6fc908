//! The opening handshake, with its faults.

use super::Fault;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use wirebell::Refusal;
use wirebell::handshake::{DeflatePolicy, DeflateTerms, UpgradeRequest, accept_key};
use wirebell::http::{Field, HeadLimits, HeadReader, MAX_FIELDS, RequestHead};

const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// A WebSocket that is open.
pub struct Opened {
    /// Bytes received after the request.
    pub rest: Vec<u8>,
    /// The negotiated terms, as the server understands them.
    pub terms: Option<DeflateTerms>,
}

/// Reads a request and responds; `None` if nothing arrives.
pub fn open(mut stream: &TcpStream, fault: Fault) -> io::Result<Option<Opened>> {
    let Some((mut bytes, head)) = read_head(stream, fault)? else {
        return Ok(None);
    };
    let answer = match (fault, head) {
        (Fault::TakesAnyRequest, Ok(end)) => Ok((accept_any(&bytes[..end]), None, end)),
        (_, Ok(end)) => {
            answer(&bytes[..end], fault).map(|(answer, terms)| (wrong(answer, fault), terms, end))
        }
        (_, Err(refusal)) => Err(refusal),
    };
    match answer {
        Ok((answer, terms, end)) => {
            stream.write_all(answer.as_bytes())?;
            bytes.drain(..end);
            if fault == Fault::DropsWhatIsBehindHead {
                bytes.clear();
            }
            let rest = bytes;
            Ok(Some(Opened { rest, terms }))
        }
        Err(refusal) => {
            stream.write_all(refuse(refusal, fault).as_bytes())?;
            Err(io::Error::other(refusal))
        }
    }
}

/// The first bytes, and where the head in them ends.
type Head = (Vec<u8>, Result<usize, Refusal>);

fn read_head(mut stream: &TcpStream, fault: Fault) -> io::Result<Option<Head>> {
    let (limits, mut reader) = (HeadLimits::default(), HeadReader::new());
    let (mut bytes, mut chunk) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let n = stream.read(&mut chunk)?;
        bytes.extend_from_slice(&chunk[..n]);
        let found = match fault {
            Fault::TakesAnyRequest => Ok(end_of_head(&bytes)),
            _ => reader
                .find(&bytes, &limits)
                .map(|head| head.map(|head| head.end)),
        };
        match found {
            Ok(Some(end)) => return Ok(Some((bytes, Ok(end)))),
            Err(refusal) => return Ok(Some((bytes, Err(refusal.into())))),
            Ok(None) if bytes.is_empty() => return Ok(None),
            Ok(None) if n == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(None) if fault == Fault::WantsHeadInOneRead => {
                return Ok(Some((bytes, Err(Refusal::MalformedHead))));
            }
            Ok(None) => {}
        }
    }
}

pub fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let at = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(at + 4)
}

/// 101, whatever the request says.
fn accept_any(head: &[u8]) -> String {
    let head = String::from_utf8_lossy(head);
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_key = name.eq_ignore_ascii_case("Sec-WebSocket-Key");
        is_key.then(|| value.trim())
    });
    format!(
        "HTTP/1.1 101 Whatever\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        accept_key(key.unwrap_or_default()).as_str()
    )
}

/// The response of the library, and the terms that the server takes it to mean.
fn answer(head: &[u8], fault: Fault) -> Result<(String, Option<DeflateTerms>), Refusal> {
    let mut fields = [Field {
        name: "",
        value: b"",
    }; MAX_FIELDS];
    // Empty lines before a request are not part of it.
    let start = head.iter().take_while(|byte| b"\r\n".contains(byte));
    let head = &head[start.count()..];
    let opening = UpgradeRequest::read(RequestHead::parse(head, &mut fields)?)?;
    if fault == Fault::Demanding {
        let mut credentials = opening.head.fields.all("Authorization");
        // The second is `you:p@ss`.
        let known = ["Bearer secret", "Basic eW91OnBAc3M="];
        if !credentials.any(|value| known.contains(&value)) {
            return Err(Refusal::Origin);
        }
    }
    let subprotocol = match fault {
        Fault::Demanding => Some(opening.choose(&["chat"]).ok_or(Refusal::MalformedHead)?),
        _ => None,
    };
    let text = String::from_utf8_lossy(head);
    let literal = ["\r\nUpgrade: websocket\r\n", "\r\nConnection: Upgrade\r\n"];
    if fault == Fault::RefusesAll
        || fault == Fault::ComparesLiterally && !literal.iter().all(|line| text.contains(line))
    {
        return Err(Refusal::NotAnUpgrade);
    }
    let accepted = opening
        .accept(subprotocol)
        .negotiate(&DeflatePolicy::TAKEOVER);
    let bare = accepted.without_extensions().to_string();
    let offers: Vec<&str> = opening.head.fields.all(EXTENSIONS).collect();
    let with =
        |value: &str| bare.replace("\r\n\r\n", &format!("\r\n{EXTENSIONS}: {value}\r\n\r\n"));
    Ok(match (fault, accepted.deflate()) {
        (Fault::AgreesToAll, _) if !offers.is_empty() => (with(&offers.join(", ")), None),
        (Fault::DeclinesLists, _) if opening.extensions.iter().count() > 1 => (bare, None),
        (Fault::AgreesWithoutParameters, Some(_)) => {
            let terms = DeflateTerms::default();
            (with(&terms.to_string()), Some(terms))
        }
        (Fault::NamesClientBits, Some(mut terms)) => {
            terms.client_max_window_bits = Some(10);
            let said = with(&terms.to_string());
            terms.client_max_window_bits = None;
            (said, Some(terms))
        }
        (Fault::TakesContextOver, Some(mut terms)) => {
            terms.server_no_context_takeover = false;
            (accepted.to_string(), Some(terms))
        }
        (_, terms) => (accepted.to_string(), terms),
    })
}

/// Corrupts the response.
fn wrong(answer: String, fault: Fault) -> String {
    let add = |line: &str| answer.replacen("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"), 1);
    let replace = |old: &str, new: &str| answer.replacen(old, new, 1);
    match fault {
        Fault::WrongAccept => replace("-Accept: ", "-Accept: x"),
        Fault::NoAccept => replace("Sec-WebSocket-Accept", "X-Accept"),
        Fault::TwoAccepts => add("Sec-WebSocket-Accept: two"),
        Fault::NoUpgrade => replace("Upgrade: websocket", "Upgrade: h2c"),
        Fault::NoConnection => replace("Connection: Upgrade", "Connection: close"),
        Fault::Http10 => replace("HTTP/1.1", "HTTP/1.0"),
        Fault::UnaskedExtension => add("Sec-WebSocket-Extensions: x-unasked"),
        Fault::UnaskedSubprotocol => add("Sec-WebSocket-Protocol: x-unasked"),
        _ => answer,
    }
}

fn refuse(refusal: Refusal, fault: Fault) -> String {
    let status = match fault {
        Fault::RefusesWithoutAnswer | Fault::GivesUpAfterTrouble => return String::new(),
        Fault::RefusesWith200 => 200,
        Fault::Demanding if refusal == Refusal::Origin => 401,
        _ => refusal.status(),
    };
    let version = match fault {
        Fault::NamesNoVersion => "",
        _ => "Sec-WebSocket-Version: 13\r\n",
    };
    format!("HTTP/1.1 {status} No\r\n{version}Content-Length: 0\r\nConnection: close\r\n\r\n")
}
