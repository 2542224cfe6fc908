//! JSON Web Tokens: RFC 7519, signed with HMAC-SHA-256 (`HS256`, RFC 7518 section 3.2).
//!
//! ```text
//!   {"alg":"HS256"} . {"sub":"alice","exp":1798761600,"nbf":…,          seconds since 1970
//!                      "publish":["orders.**"],"subscribe":"news","admin":false} . signature
//! ```
//!
//! Input: a token, and the time. Output: a grant, or why there is none. Invariants: nothing of a
//! token is read before its signature was found right, and the algorithm is ours, never the
//! token's. There is no leeway: `exp` and `nbf` hold to the millisecond.
//!
//! The HMAC is the crate `hmac`, which also compares in constant time. The rest is here, as the
//! crates for JWTs take the time from the system and their cryptography from a setting of the whole
//! process, or bring that of RSA and elliptic curves, which no token here may use.

use crate::push::auth::digest::Digest;
use crate::push::auth::grant::{Denied, Grant, Proof, Source, check_name, check_pattern};
use crate::push::name::Pattern;
use crate::push::watched::Watched;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::de::{Deserializer, IgnoredAny};
use serde::{Deserialize, de::DeserializeOwned};
use sha2::Sha256;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Bytes of a key: a shorter one is easier to guess than its signatures are to forge (RFC 7518
/// section 3.2 demands it).
const MIN_KEY_BYTES: usize = 32;

/// The key with which JWTs are signed. Clones share it.
#[derive(Clone)]
pub struct JwtKey(Watched<Key>);

#[derive(Clone, PartialEq)]
struct Key {
    bytes: String,
    digest: Digest,
}

impl JwtKey {
    /// A key of at least 32 bytes. White space at its end is not part of it.
    ///
    /// # Errors
    ///
    /// The key is shorter.
    pub fn new(key: &str) -> io::Result<Self> {
        parse_key(key).map(|key| Self(Watched::new(key)))
    }

    /// Reads a file, and again when it changes, within about a second. While a changed file cannot
    /// be read, the old key stays valid.
    ///
    /// # Errors
    ///
    /// The same as [`JwtKey::new`]; or the system's error, or the file is not a regular file.
    pub fn watch(path: impl Into<PathBuf>) -> io::Result<Self> {
        Watched::open(path.into(), parse_key).map(Self)
    }

    /// Reads its file again at once, if it has one. Does not wait for the result.
    pub fn reload(&self) {
        self.0.reload();
    }

    pub(super) fn generation(&self) -> u64 {
        self.0.generation()
    }

    /// Whether tokens that this key proved are still proven.
    pub(super) fn is(&self, digest: Digest) -> bool {
        self.0.get().digest == digest
    }

    /// What a token grants that is signed with this key.
    pub(super) fn check(&self, token: &str, now: u64) -> Result<Grant, Denied> {
        let key = self.0.get();
        let (signed, signature) = token.rsplit_once('.').ok_or(Denied::Unknown)?;
        let signature = decode(signature).ok_or(Denied::Unknown)?;
        let mac = Hmac::<Sha256>::new_from_slice(key.bytes.as_bytes());
        let mac = mac.map_err(|_| Denied::Unknown)?;
        let mac = mac.chain_update(signed.as_bytes());
        mac.verify_slice(&signature).map_err(|_| Denied::Unknown)?;
        let (header, claims) = signed
            .split_once('.')
            .ok_or(Denied::Invalid("it has no header"))?;
        check_header(header)?;
        let claims: Claims = json(claims).ok_or(Denied::Invalid(
            "its claims must be a JSON object with \"sub\", a text, and \"exp\", in seconds",
        ))?;
        let proof = Proof {
            digest: key.digest,
            source: Source::Jwt,
        };
        claims.grant(proof, now)
    }
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtKey(…)")
    }
}

fn parse_key(text: &str) -> io::Result<Key> {
    let bytes = text.trim_end();
    if bytes.len() < MIN_KEY_BYTES {
        let (has, least) = (bytes.len(), MIN_KEY_BYTES);
        let problem = format!("the key has {has} bytes, and HS256 needs at least {least}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    Ok(Key {
        bytes: bytes.to_owned(),
        digest: Digest::of(bytes.as_bytes()),
    })
}

fn decode(part: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(part).ok()
}

/// An object: serde would take the fields of a structure from a list as well.
fn json<T: DeserializeOwned>(part: &str) -> Option<T> {
    let text = decode(part)?;
    let is_object = text.trim_ascii_start().starts_with(b"{");
    is_object.then(|| serde_json::from_slice(&text).ok())?
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

/// A field that is there, even as `null`.
fn present<'de, D: Deserializer<'de>>(field: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(field).map(|_| true)
}

// req: push-auth-11
fn check_header(part: &str) -> Result<(), Denied> {
    let header: Header =
        json(part).ok_or(Denied::Invalid("its header is not JSON with \"alg\""))?;
    match header {
        Header { crit: true, .. } => {
            // RFC 7515 section 4.1.11: we understand no extension.
            Err(Denied::Invalid("its header has \"crit\""))
        }
        Header { alg, .. } if alg != "HS256" => Err(Denied::Invalid("its algorithm must be HS256")),
        _ => Ok(()),
    }
}

/// A claim that is repeated is an error of serde.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    #[serde(default, deserialize_with = "present")]
    aud: bool,
    #[serde(default)]
    publish: Names,
    #[serde(default)]
    subscribe: Names,
    #[serde(default)]
    admin: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Many(Vec<String>),
}

impl Default for Names {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Names {
    // req: push-auth-13
    fn patterns(&self) -> Result<Vec<Pattern>, Denied> {
        let names = match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Many(names) => names,
        };
        let patterns = names.iter().map(|name| check_pattern(name));
        let patterns: Result<_, _> = patterns.collect();
        patterns.map_err(|_| Denied::Invalid("\"publish\" or \"subscribe\" has a wrong pattern"))
    }
}

impl Claims {
    // req: push-auth-11 push-auth-12
    fn grant(&self, proof: Proof, now: u64) -> Result<Grant, Denied> {
        // RFC 7519 section 4.1.3: we have no name that an audience could be.
        if self.aud {
            return Err(Denied::Invalid("it is for an audience (\"aud\")"));
        }
        let name = check_name(&self.sub);
        let name = name.map_err(|_| Denied::Invalid("its \"sub\" cannot be a name"))?;
        // Too large a time is the end of all times, and a negative one the beginning.
        let expires = (self.exp * 1000.0).floor() as u64;
        let begins = (self.nbf.unwrap_or(0.0) * 1000.0).ceil() as u64;
        match now {
            _ if now >= expires => return Err(Denied::Expired),
            _ if now < begins => return Err(Denied::Early),
            _ => {}
        }
        Ok(Grant {
            name,
            publish: self.publish.patterns()?,
            subscribe: self.subscribe.patterns()?,
            admin: self.admin,
            expires: Some(expires),
            proof,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::auth::{Auth, Tokens, Verdict};
    use proptest::prelude::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";
    const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
    /// In seconds.
    const END: u64 = 1_798_761_600;

    fn encode(bytes: impl AsRef<[u8]>) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    fn sign(signed: &str, key: &str) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
        let mac = mac.chain_update(signed.as_bytes()).finalize();
        format!("{signed}.{}", encode(mac.into_bytes()))
    }

    fn token(header: &str, claims: &str) -> String {
        sign(&format!("{}.{}", encode(header), encode(claims)), KEY)
    }

    fn claims(more: &str) -> String {
        format!(r#"{{"sub":"alice","exp":{END}{more}}}"#)
    }

    fn check(token: &str) -> Result<Grant, Denied> {
        JwtKey::new(KEY).unwrap().check(token, 0)
    }

    fn is_invalid(header: &str, claims: &str) {
        let checked = check(&token(header, claims));
        assert!(
            matches!(checked, Err(Denied::Invalid(_))),
            "{header} {claims} {checked:?}"
        );
    }

    #[test]
    fn a_signed_token_grants_what_it_claims() {
        let all = r#","publish":["orders.**","a"],"subscribe":"news","admin":true,"iat":1,"x":{}"#;
        let grant = check(&token(HEADER, &claims(all))).unwrap();
        assert_eq!((&**grant.name(), &*grant.id()), ("alice", "jwt"));
        assert_eq!(grant.expires(), Some(END * 1000));
        assert!(grant.is_admin());
        assert_eq!((grant.publish().len(), grant.subscribe().len()), (2, 1));
        let grant = check(&token(r#" {"alg":"HS256"} "#, &claims(""))).unwrap();
        assert!(!grant.is_admin());
        assert!(grant.publish().is_empty() && grant.subscribe().is_empty());
    }

    /// RFC 7515 appendix A.1: its key has bytes that are not text, so only the HMAC is compared.
    #[test]
    fn the_example_of_the_rfc() {
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                      eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                      cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4h\
                   cgUuTwjAzZr1Z9CAow";
        let mac = Hmac::<Sha256>::new_from_slice(&decode(key).unwrap()).unwrap();
        let signature = decode("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        mac.chain_update(signed).verify_slice(&signature).unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        assert_eq!(check_header(header), Ok(()));
        assert!(json::<Claims>(claims).is_none(), "it has no subject");
    }

    #[test]
    fn no_token_is_believed_without_its_signature() {
        let good = token(HEADER, &claims(""));
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let (header, body) = signed.split_once('.').unwrap();
        let admin = encode(claims(r#","admin":true"#));
        let none = encode(r#"{"alg":"none"}"#);
        for bad in [
            "".to_owned(),
            ".".into(),
            "..".into(),
            signed.into(),
            format!("{signed}."),
            format!("{signed}.{}", &signature[1..]),
            format!("{signed}.{}", &signature[..42]),
            format!("{good}A"),
            format!("{good}="),
            format!("{good}.{signature}"),
            format!("{header}.{admin}.{signature}"),
            format!("{none}.{body}."),
            format!("{none}.{body}.{signature}"),
            sign(signed, "another key that has thirty-two bytes"),
            sign(signed, ""),
            good.replace('.', "!"),
        ] {
            assert_eq!(check(&bad), Err(Denied::Unknown), "{bad}");
        }
        // The last digit has bits that are not part of the signature.
        let same = signature.bytes().last().unwrap() + 1;
        let other = format!("{signed}.{}{}", &signature[..42], char::from(same));
        assert_eq!(check(&other), Err(Denied::Unknown));
    }

    #[test]
    // req: push-auth-11
    fn only_hs256_without_extensions() {
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"hs256"}"#,
            r#"{"alg":"HS512"}"#,
            r#"{"alg":"RS256"}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{"alg":"HS256","alg":"none"}"#,
            r#"{"alg":"HS256","crit":["b64"],"b64":false}"#,
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","crit":null}"#,
            r#"["HS256"]"#,
            r#"{"typ":"JWT"}"#,
            r#"{"alg":"HS256"}}"#,
            "",
        ] {
            is_invalid(header, &claims(""));
        }
        assert!(matches!(check(&sign("e30", KEY)), Err(Denied::Invalid(_))));
        assert!(matches!(
            check(&sign("!.e30", KEY)),
            Err(Denied::Invalid(_))
        ));
        let nested = format!("{}.e30", token(HEADER, &claims("")));
        assert!(matches!(
            check(&sign(&nested, KEY)),
            Err(Denied::Invalid(_))
        ));
    }

    #[test]
    // req: push-auth-11
    fn claims_that_cannot_be_accepted() {
        for body in [
            "",
            "null",
            "[]",
            r#"["alice",2000000000]"#,
            r#"{"exp":2000000000}"#,
            r#"{"sub":"alice"}"#,
            r#"{"sub":7,"exp":2000000000}"#,
            r#"{"sub":"","exp":2000000000}"#,
            r#"{"sub":"a\nb","exp":2000000000}"#,
            r#"{"sub":"alice","exp":"2000000000"}"#,
            r#"{"sub":"alice","exp":null}"#,
            r#"{"sub":"alice","exp":1e999}"#,
            r#"{"sub":"alice","exp":2000000000,"exp":1}"#,
            r#"{"sub":"alice","sub":"bob","exp":2000000000}"#,
            &claims(r#","nbf":"soon""#),
            &claims(r#","aud":"shop""#),
            &claims(r#","aud":null"#),
            &claims(r#","admin":"true""#),
            &claims(r#","admin":1"#),
            &claims(r#","publish":{}"#),
            &claims(r#","publish":[1]"#),
            &claims(r#","publish":["a..b"]"#),
            &claims(r#","publish":"a,b""#),
            &claims(r#","subscribe":["$stats"]"#),
            &claims(r#","x":"#),
            &format!("{}{}", claims(""), claims("")),
        ] {
            is_invalid(HEADER, body);
        }
    }

    #[test]
    // req: push-auth-12
    fn times_hold_to_the_millisecond() {
        let key = JwtKey::new(KEY).unwrap();
        let at = |claims: &str, now| key.check(&token(HEADER, claims), now).map(|_| ());
        let ms = END * 1000;
        assert_eq!(at(&claims(""), ms - 1), Ok(()));
        assert_eq!(at(&claims(""), ms), Err(Denied::Expired));
        let nbf = claims(r#","nbf":1000"#);
        assert_eq!(at(&nbf, 999_999), Err(Denied::Early));
        assert_eq!(at(&nbf, 1_000_000), Ok(()));
        let parts = r#"{"sub":"a","nbf":1.0005,"exp":2.0005}"#;
        assert_eq!(at(parts, 1000), Err(Denied::Early));
        assert_eq!(at(parts, 1001), Ok(()));
        assert_eq!(at(parts, 1999), Ok(()));
        assert_eq!(at(parts, 2000), Err(Denied::Expired));
        assert_eq!(at(r#"{"sub":"a","exp":-5}"#, 0), Err(Denied::Expired));
        assert_eq!(at(r#"{"sub":"a","exp":1e300}"#, u64::MAX - 1), Ok(()));
        assert_eq!(
            at(r#"{"sub":"a","exp":1e300,"nbf":1e300}"#, ms),
            Err(Denied::Early)
        );
    }

    #[test]
    fn a_key_has_as_many_bytes_as_its_signatures() {
        for short in ["", " \n", &KEY[1..], &format!("{} \r\n", &KEY[1..])] {
            let error = JwtKey::new(short).unwrap_err().to_string();
            assert!(error.contains("32") && !error.contains("0123"), "{error}");
        }
        let key = JwtKey::new(&format!("{KEY}\r\n ")).unwrap();
        assert!(key.check(&token(HEADER, &claims("")), 0).is_ok());
        assert_eq!(format!("{key:?}"), "JwtKey(…)");
    }

    #[test]
    fn a_jwt_is_good_beside_the_file_until_its_subject_is_revoked_or_its_key_changes() {
        let tokens = Tokens::parse("").unwrap();
        let key = JwtKey::new(KEY).unwrap();
        let auth = Auth::default().tokens(tokens.clone()).jwt_key(key.clone());
        let good = token(HEADER, &claims(""));
        let grant = auth.check(&good, 0).unwrap();
        assert_eq!(auth.revalidate(&grant, END * 1000 - 1), Verdict::Unchanged);
        assert_eq!(auth.revalidate(&grant, END * 1000), Verdict::Gone);
        assert_eq!(auth.check(&good, END * 1000), Err(Denied::Expired));
        assert_eq!(auth.check("a.b.c", 0), Err(Denied::Unknown));
        let before = auth.generation();
        tokens.replace("revoked = [\"alice\"]").unwrap();
        assert!(auth.generation() > before);
        assert_eq!(auth.check(&good, 0), Err(Denied::Revoked));
        assert_eq!(auth.revalidate(&grant, 0), Verdict::Gone);
        tokens.replace("revoked = [\"bob\"]").unwrap();
        assert_eq!(auth.revalidate(&grant, 0), Verdict::Unchanged);
        let before = auth.generation();
        key.0.set(parse_key(&KEY.to_uppercase()).unwrap());
        assert!(auth.generation() > before);
        assert_eq!(auth.check(&good, 0), Err(Denied::Unknown));
        assert_eq!(auth.revalidate(&grant, 0), Verdict::Gone);
        assert_eq!(Auth::default().revalidate(&grant, 0), Verdict::Gone);
        // 8 KiB are enough, and more is not looked at.
        let long = claims(&format!(r#","x":"{}""#, "x".repeat(6100)));
        assert!(token(HEADER, &long).len() > 8192);
        let auth = Auth::default().jwt_key(JwtKey::new(KEY).unwrap());
        assert_eq!(auth.check(&token(HEADER, &long), 0), Err(Denied::Unknown));
        assert!(
            auth.check(&token(HEADER, &long.replace("xxxx", "")), 0)
                .is_ok()
        );
    }

    proptest! {
        #[test]
        fn no_changed_byte_is_believed(at in 0usize..200, to in "[A-Za-z0-9_.=é-]") {
            let good = token(HEADER, &claims(""));
            let at = at % good.len();
            let bad = format!("{}{to}{}", &good[..at], &good[at + 1..]);
            prop_assert_eq!(check(&bad).is_ok(), bad == good);
        }

        #[test]
        fn no_signed_text_panics(header in ".{0,40}", claims in ".{0,60}") {
            let _ = check(&token(&header, &claims));
            let _ = check(&sign(&header, KEY));
        }
    }
}
