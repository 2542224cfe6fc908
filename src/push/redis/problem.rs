//! Why a Redis cannot be the log.
//!
//! Input: errors of its client and of our scripts. Output: one line that says what is wrong and
//! what to do. Invariant: it quotes no password.

use redis::{ErrorKind, RedisError, ServerErrorKind};
use std::fmt;

/// Why a Redis cannot be the log of this server, at least for now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedisProblem {
    /// The address cannot be read.
    Address(String),
    /// The server cannot be reached.
    Unreachable(String),
    /// The server's certificate is not trusted.
    Certificate(String),
    /// The server wants another password or user.
    Credentials(String),
    /// The user may not run a command that is needed.
    Permission(String),
    /// The server has this version, which is too old.
    TooOld(String),
    /// Every address is that of a replica.
    Replica,
    /// The keys are in use by another program.
    Foreign,
    /// The keys are in use by a newer version of this program.
    Newer,
    /// Something else has failed.
    Failed(String),
}

/// What scripts say of a log that they cannot use.
pub(super) const FOREIGN: &str = "WBFOREIGN";
pub(super) const NEWER: &str = "WBNEWER";

impl From<RedisError> for RedisProblem {
    fn from(error: RedisError) -> Self {
        let text = one_line(&error);
        match error.kind() {
            _ if text.contains(FOREIGN) || text.contains("WRONGTYPE") => Self::Foreign,
            _ if text.contains("equal or smaller than the target stream") => Self::Foreign,
            _ if text.contains(NEWER) => Self::Newer,
            ErrorKind::AuthenticationFailed => Self::Credentials(text),
            _ if text.contains("WRONGPASS") || text.contains("NOAUTH") => Self::Credentials(text),
            ErrorKind::Server(ServerErrorKind::NoPerm) => Self::Permission(text),
            _ if text.contains("NOPERM") => Self::Permission(text),
            ErrorKind::Server(ServerErrorKind::ReadOnly) => Self::Replica,
            _ if text.contains("READONLY") => Self::Replica,
            ErrorKind::InvalidClientConfig => Self::Address(text),
            _ if text.contains("invalid peer certificate") => Self::Certificate(text),
            ErrorKind::Io => Self::Unreachable(text),
            _ => Self::Failed(text),
        }
    }
}

fn one_line(error: &RedisError) -> String {
    let text = error.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Display for RedisProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(text) => write!(
                f,
                "{text}: write redis://USER:PASSWORD@HOST:6379/0?prefix=NAME"
            ),
            Self::Unreachable(text) => write!(
                f,
                "it cannot be reached ({text}): check that it runs there, and the address"
            ),
            Self::Certificate(text) => write!(
                f,
                "its certificate is not trusted ({text}): name the file of its authority in the \
                 variable SSL_CERT_FILE"
            ),
            Self::Credentials(text) => write!(
                f,
                "it refuses the user or the password ({text}): correct them in the URL"
            ),
            Self::Permission(text) => write!(
                f,
                "its user may not do everything that is needed ({text}): the ACL is in the \
                 section \"Several servers\" of src/push/README.md"
            ),
            Self::TooOld(version) => write!(
                f,
                "it is version {version}: Redis 7.0 or Valkey 7.2 and newer will do"
            ),
            Self::Replica => f.write_str("it is a replica: name the primary, or both"),
            Self::Foreign => f.write_str(
                "its keys are in use by another program: choose another ?prefix=NAME in the URL",
            ),
            Self::Newer => {
                f.write_str("its log was written by a newer version of wirebell: update this one")
            }
            Self::Failed(text) => write!(f, "it has failed: {text}"),
        }
    }
}

impl std::error::Error for RedisProblem {}
