//! Which pairs of files are refused, and what causes warnings.

use crate::tls::tests::{Authority, Scratch, expire};
use crate::tls::{Identity, TlsErrorKind};
use rcgen::{BasicConstraints, CertificateParams, IsCa};
use std::fs;
use std::time::Duration;

#[test]
fn wrong_pairs_are_told_at_the_start() {
    let authority = Authority::new();
    let (one, two) = (authority.server("a.example"), authority.server("b.example"));
    let wrong = |chain: &str, key: &str| {
        let error = Identity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), TlsErrorKind::Setup);
        error.to_string()
    };
    let bad = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let bad_key = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    let rows = [
        (wrong(&one.chain, &two.key), "key: the key does not belong"),
        (
            wrong(&format!("{}{}", one.chain, two.chain), &two.key),
            "key: the key belongs to certificate 2",
        ),
        (
            wrong(&format!("{}{bad}", one.chain), &one.key),
            "certificate: certificate 2 in it",
        ),
        (wrong(&one.chain, bad_key), "key: a key of this kind"),
        (wrong(&one.key, &one.chain), "interchanged?"),
    ];
    for (text, part) in rows {
        assert!(text.contains(part), "{text}");
    }
    // Both in one text is fine.
    let both = format!("{}{}", one.key, one.chain);
    assert!(Identity::from_pem(both.as_bytes(), both.as_bytes()).is_ok());
}

#[test]
fn warnings_say_what_clients_will_refuse() {
    let authority = Authority::new();
    let warned = |names: &[&str], change: fn(&mut CertificateParams)| {
        authority.sign(names, change).identity().warnings().concat()
    };
    assert!(warned(&["a.example"], |_| ()).contains("fullchain.pem"));
    assert!(warned(&["a.example"], expire).contains("expired"));
    assert!(warned(&[], |_| ()).contains("for no name"));
    let ca = warned(&["a.example"], |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    assert!(ca.contains("CA:TRUE"), "{ca}");
    let pair = authority.server("a.example");
    let chain = format!("{}{}", pair.chain, authority.pem);
    let whole = Identity::from_pem(chain.as_bytes(), pair.key.as_bytes()).unwrap();
    assert_eq!(whole.warnings(), Vec::<String>::new());
    assert!(whole.check().is_ok());
    let expired = authority.sign(&["a.example"], expire).identity();
    assert_eq!(expired.check().unwrap_err().kind(), TlsErrorKind::Expired);
    let soon = authority.sign(&["a.example"], |params| {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let end = now + Duration::from_secs(5 * 86_400 + 60);
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + end;
    });
    assert_eq!(soon.identity().valid_for(), "5 days");
}

#[cfg(unix)]
#[test]
fn a_key_that_all_may_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let pair = Authority::new().server("a.example");
    let place = Scratch::new("public");
    let (chain, key) = place.pair(&pair);
    for (mode, warns) in [(0o644, true), (0o640, false), (0o600, false)] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let warnings = Identity::from_files(&chain, &key)
            .unwrap()
            .warnings()
            .concat();
        assert_eq!(warnings.contains("chmod o-rwx"), warns, "{mode:o}");
    }
    let debug = format!("{:?}", Identity::from_files(&chain, &key).unwrap());
    assert_eq!(debug, r#"Identity(["a.example"])"#);
}
