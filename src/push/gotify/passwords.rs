//! Passwords: hashed with Argon2id (RFC 9106), away from the event loops.
//!
//! ```text
//!   job ──▶ a bounded queue ──▶ one thread, tens of milliseconds each ──▶ its callback
//! ```
//!
//! Input: passwords, hashes in the PHC string format. Output: hashes, yes or no. Invariants: no
//! event loop computes a hash; jobs that wait are bounded; a result is remembered only under a
//! keyed digest, so memory has no password for longer than a job needs it.

use crate::push::auth::Digest;
use crate::push::gotify::credentials::{Basic, random};
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Argon2, Params};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// The most jobs that wait: what one thread does in about ten seconds.
const WAITING: usize = 256;

/// Results that are remembered: about 100 KiB.
const REMEMBERED: usize = 1024;

/// Bytes of a password: longer ones are refused.
pub(super) const MAX_PASSWORD: usize = 1024;

type Job = Box<dyn FnOnce() + Send>;

/// Hashes and compares passwords. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None`: jobs are done on the thread of the caller.
    jobs: Option<SyncSender<Job>>,
    params: Params,
    secret: [u8; 32],
    /// By the digest of secret, name, password and hash: whether they belong together.
    known: Mutex<HashMap<Digest, bool>>,
}

/// There are too many jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Busy;

impl Passwords {
    /// With a thread of its own, and the parameters that OWASP recommends: 19 MiB, two passes.
    ///
    /// # Errors
    ///
    /// The thread cannot be started.
    pub fn on_thread() -> io::Result<Self> {
        let (jobs, received) = sync_channel::<Job>(WAITING);
        let work = move || received.into_iter().for_each(|job| job());
        let thread = std::thread::Builder::new().name("wirebell-passwords".into());
        thread.spawn(work)?;
        Ok(Self::new(Some(jobs), Params::default()))
    }

    /// On the thread of the caller, as cheaply as possible: for tests, where each step is to follow
    /// from the one before.
    pub fn immediate() -> Self {
        let params = Params::new(Params::MIN_M_COST, 1, 1, None);
        Self::new(None, params.expect("the least is enough"))
    }

    fn new(jobs: Option<SyncSender<Job>>, params: Params) -> Self {
        let inner = Inner {
            jobs,
            params,
            secret: random(),
            known: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Hashes a password, now.
    // req: gotify-passwords-01
    pub(super) fn hash_now(&self, password: &str) -> String {
        let salt: [u8; 16] = random();
        let argon = Argon2::from(&self.inner.params);
        let hash = argon.hash_password_with_salt(password.as_bytes(), &salt);
        hash.expect("salt and output have lengths that it takes")
            .to_string()
    }

    /// Hashes a password and calls `done` with the hash.
    ///
    /// # Errors
    ///
    /// [`Busy`]: `done` is not called.
    pub(super) fn hash(
        &self,
        password: String,
        done: impl FnOnce(String) + Send + 'static,
    ) -> Result<(), Busy> {
        let this = self.clone();
        self.start(Box::new(move || done(this.hash_now(&password))))
    }

    /// What is known of a name with a password and a hash.
    pub(super) fn known(&self, basic: &Basic, hash: &str) -> Option<bool> {
        let digest = self.digest(basic, hash);
        let known = self
            .inner
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.get(&digest).copied()
    }

    /// Compares a password with a hash, which is `None` for a name without a user: that takes as
    /// long. Calls `done` with whether they belong together.
    ///
    /// # Errors
    ///
    /// [`Busy`]: `done` is not called.
    pub(super) fn verify(
        &self,
        basic: Basic,
        hash: Option<String>,
        done: impl FnOnce(bool) + Send + 'static,
    ) -> Result<(), Busy> {
        let this = self.clone();
        self.start(Box::new(move || {
            let Some(hash) = hash else {
                this.hash_now(&basic.password);
                return done(false);
            };
            let argon = Argon2::from(&this.inner.params);
            let verified = argon.verify_password(basic.password.as_bytes(), &*hash);
            this.remember(&basic, &hash, verified.is_ok());
            done(verified.is_ok());
        }))
    }

    fn remember(&self, basic: &Basic, hash: &str, belongs: bool) {
        let digest = self.digest(basic, hash);
        let mut known = self
            .inner
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(digest, belongs);
    }

    // req: gotify-passwords-02
    fn digest(&self, basic: &Basic, hash: &str) -> Digest {
        let mut text = self.inner.secret.to_vec();
        for part in [&*basic.name, &*basic.password, hash] {
            text.extend(part.len().to_le_bytes());
            text.extend(part.as_bytes());
        }
        Digest::of(&text)
    }

    // req: gotify-passwords-03
    fn start(&self, job: Job) -> Result<(), Busy> {
        let Some(jobs) = &self.inner.jobs else {
            job();
            return Ok(());
        };
        jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Busy,
        })
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    fn verify(passwords: &Passwords, password: &str, hash: Option<&str>) -> bool {
        let basic = Basic {
            name: "a".into(),
            password: password.into(),
        };
        let (said, result) = channel();
        let done = move |belongs| said.send(belongs).unwrap();
        passwords
            .verify(basic, hash.map(str::to_owned), done)
            .unwrap();
        result.recv().unwrap()
    }

    #[test]
    // req: gotify-passwords-01
    fn a_password_belongs_to_its_hash_and_to_no_other() {
        let passwords = Passwords::immediate();
        let hash = passwords.hash_now("secret");
        assert!(hash.starts_with("$argon2id$v=19$"), "{hash}");
        assert_ne!(
            hash,
            passwords.hash_now("secret"),
            "each has a salt of its own"
        );
        assert!(verify(&passwords, "secret", Some(&hash)));
        assert!(!verify(&passwords, "Secret", Some(&hash)));
        assert!(!verify(&passwords, "secret", None));
        assert!(!verify(&passwords, "secret", Some("no hash")));
    }

    #[test]
    // req: gotify-passwords-02
    fn what_was_compared_is_remembered_for_this_hash_alone() {
        let passwords = Passwords::immediate();
        let basic = |password: &str| Basic {
            name: "a".into(),
            password: password.into(),
        };
        let hash = passwords.hash_now("secret");
        assert_eq!(passwords.known(&basic("secret"), &hash), None);
        verify(&passwords, "secret", Some(&hash));
        verify(&passwords, "wrong", Some(&hash));
        assert_eq!(passwords.known(&basic("secret"), &hash), Some(true));
        assert_eq!(passwords.known(&basic("wrong"), &hash), Some(false));
        let newer = passwords.hash_now("other");
        assert_eq!(passwords.known(&basic("secret"), &newer), None);
        for n in 0..2 * REMEMBERED {
            passwords.remember(&basic(&n.to_string()), &hash, false);
        }
        assert!(passwords.inner.known.lock().unwrap().len() <= REMEMBERED);
    }

    #[test]
    // req: gotify-passwords-03
    fn jobs_are_bounded() {
        let passwords = Passwords::on_thread().unwrap();
        let (go, wait) = channel::<()>();
        let block = Box::new(move || wait.recv().unwrap_or_default());
        passwords.start(block).unwrap();
        let many = (0..2 * WAITING).filter(|_| passwords.start(Box::new(|| ())).is_ok());
        assert!(many.count() <= WAITING + 1);
        drop(go);
    }
}
