//! What a check finds.
//!
//! Input: the judgement of a check. Output: a [`Finding`], which a report can show. Invariant: a
//! problem or a warning says what it means, and what to change if that is known.

use std::time::Duration;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Not checked, or neither good nor bad.
    Note,
    /// Works, but not well or not for long.
    Warning,
    /// Clients fail.
    Problem,
}

/// Where something is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `wirebell serve`.
    Server,
    Nginx,
    Haproxy,
    Caddy,
    /// AWS Application Load Balancer.
    Alb,
    /// Neither the server nor a proxy: DNS, a firewall, a certificate, a clock.
    Elsewhere,
}

/// A place and what to do there.
pub type Change = (Place, &'static str);

/// What a check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    pub level: Level,
    /// The fact, in a few words.
    pub text: String,
    /// What it means for clients.
    pub meaning: &'static str,
    pub changes: &'static [Change],
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

impl Place {
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "wirebell",
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
            Self::Caddy => "Caddy",
            Self::Alb => "ALB",
            Self::Elsewhere => "elsewhere",
        }
    }

    /// Whether it is a proxy of one kind.
    pub fn is_proxy(self) -> bool {
        !matches!(self, Self::Server | Self::Elsewhere)
    }
}

impl Finding {
    pub fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self::new(check, Level::Ok, text)
    }

    pub fn note(check: &'static str, text: impl Into<String>) -> Self {
        Self::new(check, Level::Note, text)
    }

    pub fn warning(check: &'static str, text: impl Into<String>) -> Self {
        Self::new(check, Level::Warning, text)
    }

    pub fn problem(check: &'static str, text: impl Into<String>) -> Self {
        Self::new(check, Level::Problem, text)
    }

    fn new(check: &'static str, level: Level, text: impl Into<String>) -> Self {
        Self {
            check,
            level,
            text: text.into(),
            meaning: "",
            changes: &[],
        }
    }

    pub fn means(mut self, meaning: &'static str) -> Self {
        self.meaning = meaning;
        self
    }

    pub fn change(mut self, changes: &'static [Change]) -> Self {
        self.changes = changes;
        self
    }
}

/// A time for people.
pub fn shown(time: Duration) -> String {
    format!("{time:.1?}")
}
