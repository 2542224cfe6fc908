//! When a certificate ends: RFC 5280 section 4.1.2.5.
//!
//! ```text
//!   Certificate  30 ┬─ tbsCertificate 30 ┬─ version       A0   may be missing
//!                   │                    ├─ serialNumber  02
//!                   │                    ├─ signature     30
//!                   │                    ├─ issuer        30
//!                   │                    └─ validity      30 ┬─ notBefore  17 or 18
//!                   └─ …                                     └─ notAfter   17 or 18
//! ```
//!
//! Input: DER. Output: seconds since 1970, or nothing for what is not a certificate. Whether it is
//! to be trusted is left to rustls.

use wirebell::push::time::parse_rfc3339;

/// The last second in which a certificate is valid.
pub fn not_after(certificate: &[u8]) -> Option<i64> {
    let (_, certificate, _) = value(certificate)?;
    let (_, mut inside, _) = value(certificate)?;
    if inside.first() == Some(&0xA0) {
        (_, _, inside) = value(inside)?;
    }
    for _ in ["serialNumber", "signature", "issuer"] {
        (_, _, inside) = value(inside)?;
    }
    let (_, validity, _) = value(inside)?;
    let (_, _, rest) = value(validity)?;
    let (tag, time, _) = value(rest)?;
    seconds(tag, std::str::from_utf8(time).ok()?)
}

/// The tag and the content of a value, and what follows it.
fn value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&short, rest) = rest.split_first()?;
    let (len, rest) = match short {
        0..=0x7F => (short.into(), rest),
        // A certificate is shorter than 16 MiB.
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked((short & 0x7F).into())?;
            let add = |len: usize, byte: &u8| len << 8 | usize::from(*byte);
            (bytes.iter().fold(0, add), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(len)?;
    Some((tag, content, rest))
}

/// `YYMMDDHHMMSSZ` (UTCTime: 1950 to 2049) or `YYYYMMDDHHMMSSZ` (GeneralizedTime).
fn seconds(tag: u8, text: &str) -> Option<i64> {
    let whole = match (tag, text.len()) {
        (0x17, 13) if text.is_ascii() && &text[..2] >= "50" => format!("19{text}"),
        (0x17, 13) => format!("20{text}"),
        (0x18, 15) => text.to_owned(),
        _ => return None,
    };
    let digits = whole.strip_suffix('Z')?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize| &digits[from..from + 2];
    let (year, month, day) = (&digits[..4], part(4), part(6));
    let (hour, minute, second) = (part(8), part(10), part(12));
    let ms = parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))?;
    i64::try_from(ms / 1000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_both_forms() {
        let rows = [
            (0x17, "700101000010Z", Some(10)),
            (0x17, "491231235959Z", Some(2_524_607_999)),
            (0x18, "20500101000000Z", Some(2_524_608_000)),
            (0x18, "500101000000Z", None),
            (0x17, "7001010000100", None),
            (0x17, "70010100001üZ", None),
            (0x04, "700101000010Z", None),
        ];
        for (tag, text, expected) in rows {
            assert_eq!(seconds(tag, text), expected, "{text}");
        }
    }

    #[test]
    fn a_made_certificate_ends_after_90_days() {
        use wirebell::tls::rustls::pki_types::CertificateDer;
        use wirebell::tls::rustls::pki_types::pem::PemObject as _;
        let made = wirebell::tls::SelfSigned::new(["a.example"]).unwrap();
        let der = CertificateDer::from_pem_slice(made.certificate_pem().as_bytes()).unwrap();
        let now = std::time::SystemTime::now();
        let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let days = (not_after(&der).unwrap() - now as i64) / 86_400;
        assert!((88..=90).contains(&days), "{days}");
        for len in 0..100 {
            assert_eq!(not_after(&der[..len]), None);
        }
    }
}
