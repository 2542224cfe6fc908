//! Reports of one server or client, or of several side by side, as one self-contained page.
//!
//! Input: reports, as `--format json` writes them. Output: HTML that needs no script and loads
//! nothing. Invariant: everything from a report goes through [`Escaped`].

use crate::cli::tools::common::markup::Escaped;
use crate::cli::tools::inspect::STYLE as COMMON_STYLE;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

const STYLE: &str = include_str!("page.css");

const LEVELS: [&str; 3] = ["MUST", "SHOULD", "QUALITY"];

/// A report, as in JSON.
#[derive(Debug, Deserialize)]
pub struct Run {
    url: String,
    agent: Option<String>,
    suite: String,
    milliseconds: u64,
    unsolicited: Option<String>,
    outcomes: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Row {
    id: String,
    section: String,
    level: String,
    rule: String,
    verdict: String,
    why: String,
    exchange: Vec<String>,
}

impl Run {
    fn name(&self) -> &str {
        self.agent.as_deref().unwrap_or(&self.url)
    }

    fn count(&self, counts: impl Fn(&&Row) -> bool) -> usize {
        self.outcomes.iter().filter(counts).count()
    }

    /// Whether the endpoint under test is the client.
    fn is_client(&self) -> bool {
        self.agent.is_some()
    }
}

impl Row {
    fn group(&self) -> &str {
        self.id.split('.').next().unwrap_or_default()
    }

    fn failed(&self) -> bool {
        self.verdict == "fail"
    }
}

/// Reads reports in JSON.
pub fn runs(texts: &[String]) -> Result<Vec<Run>, serde_json::Error> {
    texts
        .iter()
        .map(|text| serde_json::from_str(text))
        .collect()
}

/// The page; the cases are in the order of the reports.
pub fn print(runs: &[Run]) -> String {
    let names: Vec<&str> = runs.iter().map(Run::name).collect();
    let mut page = Page(String::new());
    page.put(format_args!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\">\n\
         <title>WebSocket conformance: {}</title>\n<style>\n{COMMON_STYLE}{STYLE}</style>\n\
         </head>\n<body>\n<h1>WebSocket conformance</h1>\n",
        Escaped(&names.join(", "))
    ));
    page.summary(runs);
    page.groups(runs);
    page.cases(runs);
    page.put(format_args!("</body>\n</html>\n"));
    page.0
}

struct Page(String);

/// A section of an RFC, such as `6455 5.2`, as a link.
struct Link<'s>(&'s str);

impl fmt::Display for Link<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rfc, section) = self.0.split_once(' ').unwrap_or((self.0, ""));
        let (rfc, section) = (Escaped(rfc), Escaped(section));
        write!(
            f,
            "<a class=\"rfc\" href=\"https://www.rfc-editor.org/rfc/rfc{rfc}#section-{section}\">\
             RFC {rfc} §{section}</a>"
        )
    }
}

impl Page {
    fn put(&mut self, text: fmt::Arguments<'_>) {
        let _ = self.0.write_fmt(text);
    }

    fn summary(&mut self, runs: &[Run]) {
        self.put(format_args!(
            "<div class=\"scroll\"><table class=\"summary\"><tr><th>tested</th>\
             <th class=\"n\">cases</th><th class=\"n\">passed</th><th class=\"n\">MUST failed</th>\
             <th class=\"n\">SHOULD failed</th><th class=\"n\">quality failed</th>\
             <th class=\"n\">skipped</th><th class=\"n\">seconds</th><th>by</th></tr>\n"
        ));
        for run in runs {
            let of = |verdict: &str| run.count(|row| row.verdict == verdict);
            self.put(format_args!(
                "<tr><th>{}</th><td class=\"n\">{}</td><td class=\"n good\">{}</td>",
                Escaped(run.name()),
                run.outcomes.len(),
                of("pass")
            ));
            for level in LEVELS {
                let failed = run.count(|row| row.failed() && row.level == level);
                let class = if failed > 0 { "n bad" } else { "n" };
                self.put(format_args!("<td class=\"{class}\">{failed}</td>"));
            }
            self.put(format_args!(
                "<td class=\"n\">{}</td><td class=\"n\">{:.1}</td><td>{}</td></tr>\n",
                of("skip"),
                run.milliseconds as f64 / 1000.0,
                Escaped(&run.suite)
            ));
        }
        self.put(format_args!("</table></div>\n"));
        for run in runs {
            if let Some(unsolicited) = &run.unsolicited {
                let (name, what) = (Escaped(run.name()), Escaped(unsolicited));
                self.put(format_args!("<p class=\"note\">{name}: {what}</p>\n"));
            }
        }
    }

    /// How many cases of each group each one passed.
    fn groups(&mut self, runs: &[Run]) {
        self.put(format_args!(
            "<h2>Groups</h2>\n<div class=\"scroll\"><table class=\"groups\"><tr><th>group</th>"
        ));
        for run in runs {
            self.put(format_args!("<th class=\"n\">{}</th>", Escaped(run.name())));
        }
        self.put(format_args!("</tr>\n"));
        for group in groups(runs) {
            let name = Escaped(group);
            self.put(format_args!("<tr><th><a href=\"#{name}\">{name}</a></th>"));
            for run in runs {
                let all = run.count(|row| row.group() == group);
                let of =
                    |verdict: &str| run.count(|row| row.group() == group && row.verdict == verdict);
                let class = if of("fail") > 0 { "n bad" } else { "n" };
                let passed = of("pass");
                self.put(format_args!("<td class=\"{class}\">{passed} of {all}</td>"));
            }
            self.put(format_args!("</tr>\n"));
        }
        self.put(format_args!("</table></div>\n<h2>Cases</h2>\n"));
    }

    fn cases(&mut self, runs: &[Run]) {
        let mut rows: BTreeMap<&str, Vec<Option<&Row>>> = BTreeMap::new();
        let mut order: Vec<&str> = Vec::new();
        for (at, run) in runs.iter().enumerate() {
            for row in &run.outcomes {
                let cells = rows.entry(&row.id).or_insert_with(|| {
                    order.push(&row.id);
                    vec![None; runs.len()]
                });
                cells[at] = Some(row);
            }
        }
        for group in groups(runs) {
            let of_group = |id: &&&str| id.split('.').next() == Some(group);
            let ids: Vec<&str> = order.iter().filter(of_group).copied().collect();
            let fails = |id: &&str| rows[*id].iter().flatten().any(|row| row.failed());
            let open = if ids.iter().any(fails) { " open" } else { "" };
            let name = Escaped(group);
            self.put(format_args!(
                "<details class=\"group\" id=\"{name}\"{open}><summary>{name}</summary>\n"
            ));
            for id in ids {
                self.case(runs, &rows[id]);
            }
            self.put(format_args!("</details>\n"));
        }
    }

    fn case(&mut self, runs: &[Run], cells: &[Option<&Row>]) {
        let Some(row) = cells.iter().flatten().next() else {
            return;
        };
        let level = match row.level.as_str() {
            "MUST" => ("must", "MUST"),
            "SHOULD" => ("should", "SHOULD"),
            _ => ("quality", "quality"),
        };
        self.put(format_args!("<details class=\"case\"><summary>"));
        for cell in cells {
            let (class, word) = match cell.map(|row| row.verdict.as_str()) {
                Some("pass") => ("pass", "pass"),
                Some("fail") => ("fail", "FAIL"),
                Some(_) => ("skip", "skip"),
                None => ("skip", "none"),
            };
            self.put(format_args!(
                "<span class=\"verdict {class}\">{word}</span>"
            ));
        }
        self.put(format_args!(
            "<code>{}</code><span class=\"rule\">{}</span>\
             <span class=\"level {}\">{}</span>{}</summary>\n",
            Escaped(&row.id),
            Escaped(&row.rule),
            level.0,
            level.1,
            Link(&row.section)
        ));
        for (run, cell) in runs.iter().zip(cells) {
            if let Some(row) = cell {
                self.talk(run, row);
            }
        }
        self.put(format_args!("</details>\n"));
    }

    /// What was sent and received, in the colours of client and server.
    fn talk(&mut self, run: &Run, row: &Row) {
        let (name, why) = (Escaped(run.name()), Escaped(&row.why));
        let colon = if row.why.is_empty() { "" } else { ": " };
        self.put(format_args!(
            "<div class=\"talk\"><h4>{name}{colon}{why}</h4>\n<pre>"
        ));
        let (ours, theirs) = match run.is_client() {
            false => ("client", "server"),
            true => ("server", "client"),
        };
        for line in &row.exchange {
            let class = match line.as_bytes().first() {
                Some(b'>') => ours,
                Some(b'<') => theirs,
                _ => "note",
            };
            self.put(format_args!(
                "<span class=\"{class}\">{}</span>\n",
                Escaped(line)
            ));
        }
        self.put(format_args!("</pre></div>\n"));
    }
}

/// The groups, in the order of the cases.
fn groups(runs: &[Run]) -> Vec<&str> {
    let mut groups: Vec<&str> = Vec::new();
    for row in runs.iter().flat_map(|run| &run.outcomes) {
        if !groups.contains(&row.group()) {
            groups.push(row.group());
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, verdict: &str) -> Run {
        let report = serde_json::json!({
            "url": name, "suite": "wirebell 1", "milliseconds": 12,
            "outcomes": [{
                "id": "frame.mask.text", "section": "6455 5.1", "level": "MUST",
                "rule": "a <frame> without a mask fails the connection", "verdict": verdict,
                "why": "the connection stays open", "milliseconds": 1,
                "exchange": ["> text, 1 bytes \"a\"", "< close, 0 bytes []", "  a note"],
            }],
        });
        serde_json::from_value(report).unwrap()
    }

    #[test]
    fn servers_stand_side_by_side_and_nothing_is_markup() {
        let page = print(&[run("ws://<a>/", "fail"), run("ws://b/", "pass")]);
        for part in [
            "<th>ws://&lt;a&gt;/</th>",
            "a &lt;frame&gt; without a mask",
            "rfc6455#section-5.1",
            "<span class=\"verdict fail\">FAIL</span><span class=\"verdict pass\">pass</span>",
            "<span class=\"client\">&gt; text, 1 bytes &quot;a&quot;</span>",
            "<span class=\"server\">&lt; close",
            "<details class=\"group\" id=\"frame\" open>",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("<frame>") && !page.contains("<a>"));
    }
}
