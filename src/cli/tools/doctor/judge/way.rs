//! Checks `dns`, `tcp` and `tls`: the name, its addresses, and the certificate.
//!
//! Input: what `reach` has seen. Output: a finding for each check, and one for a certificate that
//! ends soon.

use crate::cli::tools::doctor::facts::{Connect, Facts};
use crate::cli::tools::doctor::finding::Place::{Alb, Caddy, Elsewhere, Haproxy, Nginx, Server};
use crate::cli::tools::doctor::finding::{Change, Finding, shown};
use wirebell::push::time::rfc3339;
use wirebell::tls::TlsErrorKind as Kind;

const DNS: &[Change] = &[(
    Elsewhere,
    "add an A or AAAA record for the host, or correct the name in the URL",
)];

const TCP: &[Change] = &[
    (
        Server,
        "is it running, and does it listen beyond this machine? --listen 0.0.0.0:8080 or [::]:8080",
    ),
    (Elsewhere, "open the port in the firewall or security group"),
    (
        Elsewhere,
        "remove an AAAA or A record whose address does not serve",
    ),
];

const RENEW: &[Change] = &[
    (
        Elsewhere,
        "renew the certificate; with ACME, look why the last renewal failed",
    ),
    (
        Server,
        "it reads --tls-cert and --tls-key again when they change",
    ),
    (Nginx, "after a renewal: nginx -s reload"),
    (Haproxy, "after a renewal: systemctl reload haproxy"),
    (
        Caddy,
        "it renews by itself: look for errors of ACME in its log",
    ),
    (
        Alb,
        "certificates of ACM are renewed if their DNS validation record still exists",
    ),
];

const TRUST: &[Change] = &[
    (
        Elsewhere,
        "get a certificate from an authority that clients trust; for one of your own, --ca-file",
    ),
    (
        Server,
        "--tls-cert has the certificate first, then those of the intermediate authorities",
    ),
    (
        Nginx,
        "ssl_certificate names the full chain (fullchain.pem)",
    ),
    (
        Haproxy,
        "the file of bind … crt has certificate, intermediate authorities and key",
    ),
];

const NAME: &[Change] = &[
    (
        Elsewhere,
        "get a certificate for the host of the URL, or use one of the names it is for",
    ),
    (
        Nginx,
        "server_name and ssl_certificate stand in the same server block",
    ),
    (
        Haproxy,
        "bind … crt with a directory has a certificate for each name",
    ),
];

const NOT_TLS: &[Change] = &[
    (Elsewhere, "use http:// or the port on which TLS is spoken"),
    (Server, "set --tls-cert and --tls-key"),
    (Nginx, "listen 443 ssl;"),
    (Haproxy, "bind :443 ssl crt FILE"),
];

/// Seconds of a day.
const DAY: i64 = 86_400;

/// ACME renews 90-day certificates 30 days before they end: one that has less than 14 days left
/// was not renewed.
const SOON: i64 = 14 * DAY;

/// A weekend.
const NOW: i64 = 3 * DAY;

pub(super) fn dns(facts: &Facts) -> Vec<Finding> {
    let (host, lookup) = (&facts.host, &facts.lookup);
    let mut all = match &lookup.error {
        Some(error) => vec![
            Finding::problem("dns", format!("{host} has no address: {error}"))
                .means("no client finds the server")
                .change(DNS),
        ],
        None => {
            let addresses = lookup
                .addresses
                .iter()
                .map(|address| address.ip().to_string());
            let addresses = addresses.collect::<Vec<_>>().join(", ");
            let took = shown(lookup.took);
            let text = match host.parse::<std::net::IpAddr>() {
                Ok(_) => format!("{addresses}, without a look-up"),
                Err(_) => format!("{host} is {addresses} ({took})"),
            };
            vec![Finding::ok("dns", text)]
        }
    };
    all.extend(lookup.ignored_proxy.as_ref().map(|proxy| {
        let text = format!("the proxy {proxy} of the environment is not used here");
        Finding::note("dns", text).means("clients on this machine may take another path")
    }));
    all
}

pub(super) fn tcp(facts: &Facts) -> Vec<Finding> {
    let open = facts.connects.iter().any(|one| one.result.is_ok());
    let judge = |one: &Connect| match &one.result {
        Ok(took) => Finding::ok("tcp", format!("{} ({})", one.address, shown(*took))),
        Err(error) if open => Finding::warning("tcp", format!("{}: {error}", one.address))
            .means("clients that try this address first connect late, or not at all")
            .change(TCP),
        Err(error) => Finding::problem("tcp", format!("{}: {error}", one.address))
            .means("no client can connect")
            .change(TCP),
    };
    facts.connects.iter().map(judge).collect()
}

pub(super) fn tls(facts: &Facts) -> Vec<Finding> {
    let reached = facts.connects.iter().any(|one| one.result.is_ok());
    let Some(tls) = &facts.tls else {
        let plain = Finding::note("tls", "not spoken: the URL is http:// or ws://")
            .means("every machine on the path can read messages and tokens");
        return reached.then_some(plain).into_iter().collect();
    };
    let mut all = Vec::new();
    if let Some((kind, text)) = &tls.error {
        let changes = match kind {
            Kind::Expired | Kind::NotYetValid => RENEW,
            Kind::WrongName => NAME,
            Kind::NotTls | Kind::Broken => NOT_TLS,
            _ => TRUST,
        };
        let refused = Finding::problem("tls", text.clone());
        all.push(refused.means("clients refuse to connect").change(changes));
    }
    let is_expired = matches!(tls.error, Some((Kind::Expired, _)));
    if let Some(ends) = tls.ends.filter(|_| !is_expired) {
        all.push(expiry(ends, tls.now));
    }
    if tls.unverified {
        let text = format!("{}: not verified, as --insecure says", tls.version);
        all.push(Finding::note("tls", text));
    } else if tls.error.is_none() {
        all.push(Finding::ok("tls", format!("{}, trusted", tls.version)));
    }
    all
}

/// `ends` and `now` are seconds since 1970.
fn expiry(ends: i64, now: i64) -> Finding {
    let left = ends - now;
    let date = rfc3339(u64::try_from(ends * 1000).unwrap_or_default());
    let date = date.split('T').next().unwrap_or_default();
    if left < 0 {
        return Finding::problem("tls", format!("the certificate ended on {date}"))
            .means("clients refuse to connect")
            .change(RENEW);
    }
    let days = left / DAY;
    let text = format!("the certificate ends in {days} days, on {date}");
    if left < NOW {
        let finding = Finding::problem("tls", text);
        return finding
            .means("clients will refuse to connect")
            .change(RENEW);
    }
    if left < SOON {
        let finding = Finding::warning("tls", text);
        return finding
            .means("it should have been renewed by now")
            .change(RENEW);
    }
    Finding::ok("tls", text)
}
