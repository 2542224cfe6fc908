//! What a case is, and what becomes of it.

use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::trouble::Trouble;
use serde::Serialize;

/// How much an endpoint owes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// An RFC says MUST or MUST NOT
    Must,
    /// An RFC says SHOULD, or says how it is usually done
    Should,
    /// No RFC asks for it; a good endpoint does it all the same
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

/// One question to an endpoint.
#[derive(Clone, Debug)]
pub struct Question {
    /// Stable: group, a dot, and what it is about.
    pub id: String,
    /// The RFC and its section, such as `6455 5.2`.
    pub section: &'static str,
    pub level: Level,
    /// What a good endpoint does, in a few words.
    pub rule: String,
    /// Whether the Close says why, and not whether all went well.
    pub of_code: bool,
}

/// Something that is done to an endpoint, and what it answers: one question or two. A case has a
/// connection of its own, or several.
pub struct Case {
    pub asks: Vec<Question>,
    pub run: Box<Script>,
}

impl Question {
    /// The verdict on it; time and exchange are of the whole case.
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

/// Asks; an error says what was wrong.
pub type Script = dyn Fn(&mut Probe) -> Result<(), Trouble> + Send + Sync;

/// The verdict on one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Pass,
    Fail,
    /// What it needs was not agreed on.
    Skip,
}

/// A case that was run.
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
        run: impl Fn(&mut Probe) -> Result<(), Trouble> + Send + Sync + 'static,
    ) {
        let question = Question {
            id: id.into(),
            section,
            level,
            rule: rule.into(),
            of_code: false,
        };
        self.list.push(Case {
            asks: vec![question],
            run: Box::new(run),
        });
    }

    /// Two questions about the same bytes, which break a rule: whether the connection is failed,
    /// and whether the Close says why, in one of these codes (RFC 6455 section 7.1.7).
    pub fn add_broken(
        &mut self,
        id: &str,
        section: &'static str,
        level: Level,
        what: &str,
        codes: &'static [u16],
        send: impl Fn(&mut Probe) -> Result<(), Trouble> + Send + Sync + 'static,
    ) {
        self.add_broken_in(Probe::open, id, section, level, what, codes, send);
    }

    /// The same behind an opening of its own.
    #[expect(clippy::too_many_arguments, reason = "each stands in the report")]
    pub fn add_broken_in(
        &mut self,
        open: impl Fn(&mut Probe) -> Result<(), Trouble> + Send + Sync + 'static,
        id: &str,
        section: &'static str,
        level: Level,
        what: &str,
        codes: &'static [u16],
        send: impl Fn(&mut Probe) -> Result<(), Trouble> + Send + Sync + 'static,
    ) {
        let failed = Question {
            id: id.to_owned(),
            section,
            level,
            rule: format!("{what} fails the connection"),
            of_code: false,
        };
        let code = Question {
            id: format!("{id}.code"),
            section: "6455 7.1.7",
            level: level.max(Level::Should),
            rule: format!("{what} is answered with Close {}", codes[0]),
            of_code: true,
        };
        self.list.push(Case {
            asks: vec![failed, code],
            run: Box::new(move |probe| {
                open(probe)?;
                send(probe)?;
                probe.expect_failed(codes)
            }),
        });
    }
}
