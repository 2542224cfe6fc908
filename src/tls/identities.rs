//! Several identities: which one a client gets, and how their files are read again.
//!
//! Input: identities, the name that a client asks for (RFC 6066 section 3), and the clock. Output:
//! the certificate of a handshake. Invariant: there always is one: files that are gone, do not
//! belong together or cannot be parsed change nothing, are reported once, and are tried again.
//! Programs that renew certificates replace two files, but not at once.

use crate::tls::error::TlsError;
use crate::tls::identity::Identity;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The identities of a server. There is at least one.
#[derive(Debug)]
pub(super) struct Identities {
    current: RwLock<Arc<[Identity]>>,
    /// What was wrong with the files of each when they were last read. Locked while they are read.
    problems: Mutex<Vec<Option<TlsError>>>,
}

/// What became of files that were read again.
pub(super) type Outcome = Result<String, TlsError>;

impl Identities {
    pub(super) fn new(first: Identity, others: impl IntoIterator<Item = Identity>) -> Self {
        let all: Arc<[Identity]> = [first].into_iter().chain(others).collect();
        Self {
            problems: Mutex::new(vec![None; all.len()]),
            current: RwLock::new(all),
        }
    }

    /// The identities as they are now.
    pub(super) fn all(&self) -> Arc<[Identity]> {
        let current = self.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the files that have changed; all if it is `forced`. Returns what is new: a changed
    /// certificate, or a problem that was not reported yet; if forced, what became of each.
    pub(super) fn look(&self, forced: bool) -> Vec<Outcome> {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.all();
        let mut new = old.to_vec();
        let mut outcomes = Vec::new();
        for (identity, problem) in new.iter_mut().zip(&mut *problems) {
            let Some((chain, key)) = identity.files() else {
                continue;
            };
            if problem.is_none() && !forced && identity.is_current() {
                continue;
            }
            match Identity::from_files(chain, key) {
                Ok(read) => {
                    let changed = read.certified().cert != identity.certified().cert;
                    if changed || forced || problem.is_some() {
                        outcomes.push(Ok(told(&read, changed)));
                    }
                    (*identity, *problem) = (read, None);
                }
                Err(error) => {
                    let text = format!("{error}; the certificate from before stays in use");
                    let error = TlsError::setup(text);
                    if forced || problem.as_ref() != Some(&error) {
                        outcomes.push(Err(error.clone()));
                    }
                    *problem = Some(error);
                }
            }
        }
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = new.into();
        outcomes
    }

    /// The first that is for this name and has a key that the client understands; otherwise the
    /// first that is for this name; otherwise the first of all.
    fn choose(&self, name: Option<&str>, fits: impl Fn(&Identity) -> bool) -> Arc<CertifiedKey> {
        let all = self.all();
        let name = name.and_then(|name| ServerName::try_from(name).ok());
        let is_named =
            |identity: &&Identity| name.as_ref().is_none_or(|name| identity.is_for(name));
        let chosen = match &*all {
            [only] => only,
            all => {
                let named: Vec<_> = all.iter().filter(is_named).collect();
                let fitting = named.iter().find(|identity| fits(identity));
                fitting.or(named.first()).copied().unwrap_or(&all[0])
            }
        };
        Arc::clone(chosen.certified())
    }
}

impl ResolvesServerCert for Identities {
    fn resolve(&self, client: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let fits = |identity: &Identity| {
            let key = &identity.certified().key;
            key.choose_scheme(client.signature_schemes()).is_some()
        };
        Some(self.choose(client.server_name(), fits))
    }
}

fn told(identity: &Identity, changed: bool) -> String {
    let (place, names) = (identity.place(), identity.names().join(", "));
    let what = if changed { "read again" } else { "unchanged" };
    let validity = match identity.check() {
        Ok(()) => format!("valid for {}", identity.valid_for()),
        Err(error) => error.to_string(),
    };
    format!("{place}: {what}: the certificate for {names}, {validity}")
}
