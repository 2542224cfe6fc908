//! Why there is no TLS session, or why it ended.
//!
//! Input: an error of rustls. Output: a [`TlsError`]: a kind to match on, and a text that says what
//! to do. Invariant: no text names a flag of the command, which adds its own. What a certificate
//! calls itself is quoted as received; escaping it is left to the code that shows it.

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};
use std::fmt;
use std::io;

/// Why there is no TLS session, or why it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError {
    kind: TlsErrorKind,
    text: String,
}

/// The kinds of [`TlsError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsErrorKind {
    /// The certificate of the peer is not signed by an authority that we trust.
    Untrusted,
    /// The certificate of the server is for other names.
    WrongName,
    /// The certificate of the peer is no longer valid.
    Expired,
    /// The certificate of the peer is not valid yet.
    NotYetValid,
    /// Something else is wrong with the certificate of the peer.
    BadCertificate,
    /// The peer must have a certificate and sent none.
    NoCertificate,
    /// The peer does not speak TLS.
    NotTls,
    /// The peer does not speak HTTP/1.1 (ALPN, RFC 7301).
    NoProtocol,
    /// There is no version of TLS, or no cipher, that both ends speak.
    Incompatible,
    /// The peer ended the session with this alert (RFC 8446 section 6).
    Alert(u8),
    /// The peer broke a rule of TLS, or its records were changed on their way.
    Broken,
    /// A certificate, a key or another setting of ours cannot be used.
    Setup,
}

impl TlsError {
    pub(crate) fn new(kind: TlsErrorKind, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { kind, text }
    }

    /// What came is no TLS.
    pub(crate) fn not_tls() -> Self {
        Self::new(
            TlsErrorKind::NotTls,
            "the peer does not speak TLS on this port",
        )
    }

    /// The stream ended before the session was established, or failed with an error.
    #[cfg(any(feature = "client", feature = "net"))]
    pub(crate) fn incomplete(error: Option<&io::Error>) -> Self {
        let what = "the TLS handshake was not completed";
        let text = match error {
            None => format!("{what}: the peer ended the connection"),
            Some(error) => format!("{what}: {error}"),
        };
        Self::new(TlsErrorKind::Broken, text)
    }

    /// More records were sealed than the keys allow (RFC 8446 section 5.5).
    pub(crate) fn exhausted() -> Self {
        let text = "so much was sent that the keys are used up: connect again";
        Self::new(TlsErrorKind::Broken, text)
    }

    /// A setting of ours that cannot be used.
    pub(crate) fn setup(text: impl Into<String>) -> Self {
        Self::new(TlsErrorKind::Setup, text)
    }

    /// What kind of error it is.
    pub fn kind(&self) -> TlsErrorKind {
        self.kind
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for TlsError {}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

impl From<Error> for TlsError {
    fn from(error: Error) -> Self {
        use TlsErrorKind::{Broken, Incompatible, NoCertificate, NoProtocol, Setup};
        let (kind, text) = match &error {
            Error::InvalidCertificate(problem) => return certificate(problem),
            Error::AlertReceived(alert) => return received(*alert),
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
            ) => return Self::not_tls(),
            Error::NoCertificatesPresented => (
                NoCertificate,
                "the peer sent no certificate, and one is required".into(),
            ),
            Error::NoApplicationProtocol => (
                NoProtocol,
                "the client does not offer http/1.1, on which WebSocket is based".into(),
            ),
            Error::PeerIncompatible(why) => (Incompatible, incompatible(why)),
            Error::DecryptError => (
                Broken,
                "a record cannot be decrypted: it was changed on its way".into(),
            ),
            Error::InconsistentKeys(_) => (
                Setup,
                "the key does not belong to the certificate: name the two that belong together"
                    .into(),
            ),
            Error::General(text) => (Setup, text.clone()),
            Error::FailedToGetCurrentTime
            | Error::FailedToGetRandomBytes
            | Error::UnsupportedNameType
            | Error::InvalidCertRevocationList(_)
            | Error::BadMaxFragmentSize
            | Error::Other(_) => (Setup, error.to_string()),
            _ => (Broken, error.to_string()),
        };
        Self { kind, text }
    }
}

/// The certificate of the peer does not pass.
fn certificate(problem: &CertificateError) -> TlsError {
    use CertificateError as Problem;
    use TlsErrorKind::{BadCertificate, Expired, NotYetValid, Untrusted, WrongName};
    let (kind, text) = match problem {
        Problem::UnknownIssuer => (
            Untrusted,
            "the certificate is not signed by a trusted authority".into(),
        ),
        Problem::BadSignature => (
            Untrusted,
            "a signature does not match: the certificate is of another authority of the same name, \
             or the peer does not have its key"
                .into(),
        ),
        Problem::NotValidForNameContext {
            expected,
            presented,
        } => {
            let names: Vec<_> = names_of(presented).collect();
            let names = match names.is_empty() {
                true => "no name".into(),
                false => listed(&names),
            };
            let expected = expected.to_str();
            (
                WrongName,
                format!("the certificate is for {names}, not for {expected}"),
            )
        }
        Problem::NotValidForName => (WrongName, "the certificate is for another name".into()),
        Problem::ExpiredContext { time, not_after } => {
            let ago = span(*not_after, *time);
            (Expired, format!("the certificate expired {ago} ago"))
        }
        Problem::Expired => (Expired, "the certificate has expired".into()),
        Problem::NotValidYetContext { time, not_before } => {
            let left = span(*time, *not_before);
            let text = format!("the certificate is valid only in {left}: is the clock right?");
            (NotYetValid, text)
        }
        Problem::NotValidYet => (
            NotYetValid,
            "the certificate is not valid yet: is the clock right?".into(),
        ),
        Problem::InvalidPurpose | Problem::InvalidPurposeContext { .. } => (
            BadCertificate,
            "the certificate is for another purpose: its extended key usage does not allow this"
                .into(),
        ),
        // webpki has no kind of its own for it.
        Problem::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => (
            BadCertificate,
            "the certificate is that of an authority (CA:TRUE), not of a server".into(),
        ),
        problem => (BadCertificate, format!("the certificate: {problem}")),
    };
    TlsError::new(kind, text)
}

/// The peer ended the handshake or the session with an alert.
fn received(alert: AlertDescription) -> TlsError {
    use AlertDescription as Alert;
    let reason = match alert {
        Alert::NoApplicationProtocol => {
            let text = "the server does not speak http/1.1 here, on which WebSocket is based";
            return TlsError::new(TlsErrorKind::NoProtocol, text);
        }
        Alert::UnknownCA => "it does not trust the authority of our certificate",
        Alert::BadCertificate | Alert::CertificateUnknown | Alert::UnsupportedCertificate => {
            "it does not accept our certificate"
        }
        Alert::CertificateExpired => "our certificate is not valid at this time",
        Alert::CertificateRevoked => "our certificate is revoked",
        Alert::CertificateRequired | Alert::NoCertificate => "it requires a certificate of ours",
        Alert::AccessDenied => "our certificate has no access",
        Alert::HandshakeFailure => {
            "no cipher in common, or it requires a certificate that we do not have"
        }
        Alert::ProtocolVersion => "no version of TLS in common",
        Alert::InsufficientSecurity => "it requires stronger ciphers",
        Alert::UnrecognisedName => "it does not know this name",
        _ => "",
    };
    let separator = if reason.is_empty() { "" } else { ": " };
    TlsError::new(
        TlsErrorKind::Alert(alert.into()),
        format!("the peer ended TLS with the alert {alert:?}{separator}{reason}"),
    )
}

fn incompatible(why: &PeerIncompatible) -> String {
    use PeerIncompatible as Why;
    match why {
        Why::ServerDoesNotSupportTls12Or13 | Why::SupportedVersionsExtensionRequired => {
            "the peer speaks only versions of TLS before 1.2".into()
        }
        Why::ServerTlsVersionIsDisabledByOurConfig
        | Why::Tls12NotOffered
        | Why::Tls12NotOfferedOrEnabled => {
            "the peer does not speak a version of TLS that is allowed here".into()
        }
        Why::NoCipherSuitesInCommon => "no cipher in common with the peer".into(),
        Why::NoKxGroupsInCommon => "no group for the key exchange in common with the peer".into(),
        why => format!("the peer is not compatible: {why:?}"),
    }
}

/// The names in a certificate, out of what webpki says about them.
pub(crate) fn names_of(presented: &[String]) -> impl Iterator<Item = &str> {
    presented.iter().filter_map(|name| plain(name))
}

/// A name in a certificate, of which webpki says what kind it is: `DnsName("localhost")`.
fn plain(name: &str) -> Option<&str> {
    let name = name.strip_suffix(')')?;
    let dns = name
        .strip_prefix("DnsName(\"")
        .and_then(|name| name.strip_suffix('"'));
    dns.or_else(|| name.strip_prefix("IpAddress("))
}

/// The most names that a text lists, as a certificate can have a hundred.
const NAMES: usize = 5;

fn listed(names: &[&str]) -> String {
    let (shown, more) = names.split_at(names.len().min(NAMES));
    match (shown, more.len()) {
        ([all @ .., last], 0) if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        (shown, 0) => shown.concat(),
        (shown, more) => format!("{} and {more} more names", shown.join(", ")),
    }
}

/// The time from one to the other, in the largest unit of which there is at least one.
pub(crate) fn span(from: UnixTime, to: UnixTime) -> String {
    let seconds = to.as_secs().saturating_sub(from.as_secs());
    let units = [(86_400, "day"), (3600, "hour"), (60, "minute")];
    let unit = units.into_iter().find(|(unit, _)| seconds >= *unit);
    let (unit, name) = unit.unwrap_or((1, "second"));
    match seconds / unit {
        1 => format!("1 {name}"),
        number => format!("{number} {name}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::ServerName;
    use std::time::Duration;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    fn told(problem: CertificateError) -> (TlsErrorKind, String) {
        let error = TlsError::from(Error::InvalidCertificate(problem));
        (error.kind(), error.to_string())
    }

    #[test]
    fn a_wrong_name_is_told_with_the_names_that_would_be_right() {
        let wrong = |names: &[&str]| {
            let (kind, text) = told(CertificateError::NotValidForNameContext {
                expected: ServerName::try_from("example.org").unwrap(),
                presented: names.iter().map(|name| (*name).to_owned()).collect(),
            });
            assert_eq!(kind, TlsErrorKind::WrongName);
            text
        };
        let rows: [(&[&str], &str); 4] = [
            (&[r#"DnsName("localhost")"#], "localhost"),
            (
                &[
                    r#"DnsName("a.b")"#,
                    "DirectoryName",
                    r#"DnsName("*.c.d")"#,
                    "IpAddress(127.0.0.1)",
                ],
                "a.b, *.c.d and 127.0.0.1",
            ),
            (&[], "no name"),
            (&[r#"DnsName("a")"#; 7], "a, a, a, a, a and 2 more names"),
        ];
        for (names, expected) in rows {
            let expected = format!("the certificate is for {expected}, not for example.org");
            assert_eq!(wrong(names), expected);
        }
    }

    #[test]
    fn times_are_told_from_now() {
        let (kind, text) = told(CertificateError::ExpiredContext {
            time: at(3 * 86_400 + 5),
            not_after: at(5),
        });
        assert_eq!(kind, TlsErrorKind::Expired);
        assert_eq!(text, "the certificate expired 3 days ago");
        let (kind, text) = told(CertificateError::NotValidYetContext {
            time: at(0),
            not_before: at(3600),
        });
        assert_eq!(kind, TlsErrorKind::NotYetValid);
        assert_eq!(
            text,
            "the certificate is valid only in 1 hour: is the clock right?"
        );
        assert_eq!(span(at(9), at(8)), "0 seconds");
        assert_eq!(span(at(0), at(119)), "1 minute");
    }

    #[test]
    fn kinds_follow_from_errors() {
        use TlsErrorKind as Kind;
        let rows = [
            (
                Error::InvalidCertificate(CertificateError::UnknownIssuer),
                Kind::Untrusted,
            ),
            (
                Error::InvalidCertificate(CertificateError::BadSignature),
                Kind::Untrusted,
            ),
            (
                Error::InvalidCertificate(CertificateError::BadEncoding),
                Kind::BadCertificate,
            ),
            (
                Error::InvalidMessage(InvalidMessage::InvalidContentType),
                Kind::NotTls,
            ),
            (
                Error::InvalidMessage(InvalidMessage::MessageTooShort),
                Kind::Broken,
            ),
            (Error::NoCertificatesPresented, Kind::NoCertificate),
            (Error::NoApplicationProtocol, Kind::NoProtocol),
            (
                Error::AlertReceived(AlertDescription::NoApplicationProtocol),
                Kind::NoProtocol,
            ),
            (
                Error::AlertReceived(AlertDescription::UnknownCA),
                Kind::Alert(48),
            ),
            (
                Error::AlertReceived(AlertDescription::Unknown(200)),
                Kind::Alert(200),
            ),
            (
                Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
                Kind::Incompatible,
            ),
            (Error::DecryptError, Kind::Broken),
            (Error::FailedToGetRandomBytes, Kind::Setup),
        ];
        for (error, kind) in rows {
            let told = TlsError::from(error);
            assert_eq!(told.kind(), kind);
            assert!(!told.to_string().contains("--"), "{told}");
        }
    }
}
