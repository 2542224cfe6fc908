//! What a case is, and its outcome.

use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::problem::Problem;
use serde::Serialize;

/// How strongly a rule binds an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// An RFC says MUST or MUST NOT
    Must,
    /// An RFC says SHOULD, or describes the usual way
    Should,
    /// Good practice that no RFC requires
    Quality,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::Quality => "quality",
        }
    }
}

/// One thing that a case checks, with a line of its own in the report.
#[derive(Clone, Debug)]
pub struct Check {
    /// Stable: group, a dot, and the subject.
    pub id: String,
    /// The RFC and its section, such as `6455 5.2`.
    pub section: &'static str,
    pub level: Level,
    /// What a conforming endpoint does, in a few words.
    pub rule: String,
    /// It checks the code of the Close only.
    pub of_code: bool,
}

/// A script that runs against an endpoint, and the one or two checks that it decides. Each case
/// opens one connection or more.
pub struct Case {
    pub checks: Vec<Check>,
    pub run: Box<Script>,
}

impl Check {
    /// The verdict on it; time and exchange belong to the whole case.
    pub fn outcome(&self, verdict: Verdict, why: String) -> Outcome {
        Outcome {
            id: self.id.clone(),
            section: self.section,
            level: self.level,
            rule: self.rule.clone(),
            verdict,
            why,
            milliseconds: 0,
            exchange: Vec::new(),
        }
    }
}

/// Runs a case; an error says what was wrong.
pub type Script = dyn Fn(&mut Probe) -> Result<(), Problem> + Send + Sync;

/// The verdict on one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Pass,
    Fail,
    /// What it needs was not negotiated.
    Skip,
}

/// The result of a check.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    pub id: String,
    pub section: &'static str,
    pub level: Level,
    pub rule: String,
    pub verdict: Verdict,
    /// Why, unless it passed.
    pub why: String,
    pub milliseconds: u64,
    /// What was sent and what came back, in order.
    pub exchange: Vec<String>,
}

/// All cases, as the groups add them.
#[derive(Default)]
pub struct Cases {
    pub list: Vec<Case>,
}

impl Cases {
    pub fn add(
        &mut self,
        id: impl Into<String>,
        section: &'static str,
        level: Level,
        rule: impl Into<String>,
        run: impl Fn(&mut Probe) -> Result<(), Problem> + Send + Sync + 'static,
    ) {
        let check = Check {
            id: id.into(),
            section,
            level,
            rule: rule.into(),
            of_code: false,
        };
        self.list.push(Case {
            checks: vec![check],
            run: Box::new(run),
        });
    }

    /// Two checks of the same bytes, which break a rule: that the endpoint fails the connection,
    /// and that its Close has one of these codes (RFC 6455 section 7.1.7).
    pub fn add_broken(
        &mut self,
        id: &str,
        section: &'static str,
        level: Level,
        what: &str,
        codes: &'static [u16],
        send: impl Fn(&mut Probe) -> Result<(), Problem> + Send + Sync + 'static,
    ) {
        self.add_broken_in(Probe::open, id, section, level, what, codes, send);
    }

    /// The same, after a handshake of its own.
    #[expect(clippy::too_many_arguments, reason = "each appears in the report")]
    pub fn add_broken_in(
        &mut self,
        open: impl Fn(&mut Probe) -> Result<(), Problem> + Send + Sync + 'static,
        id: &str,
        section: &'static str,
        level: Level,
        what: &str,
        codes: &'static [u16],
        send: impl Fn(&mut Probe) -> Result<(), Problem> + Send + Sync + 'static,
    ) {
        let failed = Check {
            id: id.to_owned(),
            section,
            level,
            rule: format!("{what} fails the connection"),
            of_code: false,
        };
        let code = Check {
            id: format!("{id}.code"),
            section: "6455 7.1.7",
            level: level.max(Level::Should),
            rule: format!("{what} is answered with Close {}", codes[0]),
            of_code: true,
        };
        self.list.push(Case {
            checks: vec![failed, code],
            run: Box::new(move |probe| {
                open(probe)?;
                send(probe)?;
                probe.expect_failed(codes)
            }),
        });
    }
}
