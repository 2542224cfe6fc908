//! `wirebell token`: creates, lists and revokes the tokens of a push server, in the file that it
//! reads with `--tokens`.
//!
//! Input: arguments, and the file. Output: the token, once, or a list; and the changed file. The
//! server sees a change within a second. Invariant: the file holds no token, only digests, and is
//! replaced whole or not at all; what the server would refuse is never written.
//!
//! Reading order: `args`, `edit`.

mod args;
mod edit;

use crate::cli::common::Failure;
use crate::cli::common::stdout::print;
use crate::cli::common::terminal::visible;
use crate::cli::common::units::timestamp;
pub use args::TokenArgs;
use args::{Action, ListArgs, NewArgs, RevokeArgs};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use edit::Edit;
use rand::TryRng as _;
use rand::rngs::SysRng;
use std::io::IsTerminal as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use toml_edit::{Array, DocumentMut, Item, Table, value};
use wirebell::push::{Digest, Grant, Pattern};

/// Tells what a token is for wherever it turns up: in a log, or to a scanner of sources.
const PREFIX: &str = "wb_";

/// Random bytes of a token: as many as its digest has.
const TOKEN_BYTES: usize = 32;

pub fn run(args: &TokenArgs) -> Result<(), Failure> {
    match &args.action {
        Action::New(args) => create(args),
        Action::List(args) => list(args),
        Action::Revoke(args) => revoke(args),
    }
}

// req: push-auth-10
fn create(args: &NewArgs) -> Result<(), Failure> {
    if args.publish.is_empty() && args.subscribe.is_empty() && !args.admin {
        let text = "set --publish, --subscribe or --admin: this token would allow nothing";
        return Err(Failure::usage(text.into()));
    }
    let token = random()?;
    let digest = Digest::of(token.as_bytes());
    let mut entry = Table::new();
    entry["name"] = value(&args.name);
    entry["sha256"] = value(digest.to_string());
    if let Some(expires) = &args.expires {
        entry["expires"] = value(expires.0);
    }
    for (key, patterns) in [("publish", &args.publish), ("subscribe", &args.subscribe)] {
        if !patterns.is_empty() {
            let patterns = patterns.iter().map(Pattern::as_str);
            entry[key] = value(patterns.collect::<Array>());
        }
    }
    if args.admin {
        entry["admin"] = value(true);
    }
    let mut edit = Edit::begin(&args.tokens, true)?;
    let all = edit.document.entry("token");
    let all = all.or_insert(Item::ArrayOfTables(Default::default()));
    match all.as_array_of_tables_mut() {
        Some(all) => all.push(entry),
        None => return Err(edit.fail("write each token as [[token]]")),
    }
    let grants = edit.tokens()?.grants();
    let is_expired = |grant: &Grant| grant.is_expired(now()) && grant.id() == digest.short();
    if grants.iter().any(|grant| is_expired(grant)) {
        return Err(Failure::usage("--expires: this time has passed".into()));
    }
    edit.commit()?;
    print(format!("{token}\n"))?;
    if std::io::stderr().is_terminal() {
        eprintln!("This is the only time that the token is shown.");
    }
    Ok(())
}

fn random() -> Result<String, Failure> {
    let mut bytes = [0; TOKEN_BYTES];
    let filled = SysRng.try_fill_bytes(&mut bytes);
    filled.map_err(|error| Failure::failed(format!("no random bytes: {error}")))?;
    Ok(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)))
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_millis() as u64
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let (document, tokens) = edit::read(&args.tokens)?;
    let mut rows =
        vec![["ID", "NAME", "EXPIRES", "PUBLISH", "SUBSCRIBE", "ADMIN"].map(str::to_owned)];
    rows.extend(tokens.grants().iter().map(|grant| row(grant)));
    let widths: [usize; 6] = std::array::from_fn(|column| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0)
    });
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths);
        let line: String = cells
            .map(|(cell, width)| format!("{cell:width$}  "))
            .collect();
        text = text + line.trim_end() + "\n";
    }
    for subject in revoked(&document) {
        text += &format!("revoked JWT subject: {}\n", visible(subject));
    }
    print(text)
}

fn row(grant: &Grant) -> [String; 6] {
    let patterns = |patterns: &[Pattern]| match patterns {
        [] => "-".to_owned(),
        all => all
            .iter()
            .map(Pattern::as_str)
            .collect::<Vec<_>>()
            .join(","),
    };
    let expires = match grant.expires() {
        None => "never".to_owned(),
        Some(_) if grant.is_expired(now()) => "expired".to_owned(),
        Some(ms) => timestamp(UNIX_EPOCH + Duration::from_millis(ms)),
    };
    [
        grant.id(),
        visible(grant.name()),
        expires,
        visible(&patterns(grant.publish())),
        visible(&patterns(grant.subscribe())),
        if grant.is_admin() { "yes" } else { "no" }.to_owned(),
    ]
}

fn revoked(document: &DocumentMut) -> impl Iterator<Item = &str> {
    let list = document.get("revoked").and_then(Item::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|subject| subject.as_str())
}

fn revoke(args: &RevokeArgs) -> Result<(), Failure> {
    let mut edit = Edit::begin(&args.tokens, args.subject.is_some())?;
    if let Some(subject) = &args.subject {
        if !revoked(&edit.document).any(|other| other == subject) {
            let list = edit
                .document
                .entry("revoked")
                .or_insert(value(Array::new()));
            if let Some(list) = list.as_array_mut() {
                list.push(subject);
            }
        }
        edit.tokens()?;
        return edit.commit();
    }
    let is_meant = |entry: &Table| {
        let text = |key: &str| entry.get(key).and_then(Item::as_str);
        match (&args.name, &args.token) {
            (Some(name), _) => text("name") == Some(name),
            (_, Some(token)) => text("sha256").is_some_and(|digest| is_of(token, digest)),
            _ => false,
        }
    };
    let all = edit
        .document
        .get_mut("token")
        .and_then(Item::as_array_of_tables_mut);
    let Some(all) = all else {
        return Err(edit.fail("it has no [[token]]"));
    };
    let before = all.len();
    all.retain(|entry| !is_meant(entry));
    match (before - all.len(), &args.name) {
        (0, Some(name)) => return Err(edit.fail(&format!("no token has the name {name:?}"))),
        (0, None) => return Err(edit.fail("it has no such token: see `wirebell token list`")),
        (1, _) | (_, Some(_)) => {}
        _ => return Err(edit.fail("several tokens begin like this: write more digits")),
    }
    edit.tokens()?;
    edit.commit()
}

/// Whether this is the token of a digest, or the first digits of the digest.
fn is_of(token: &str, digest: &str) -> bool {
    let digest = digest.to_ascii_lowercase();
    let is_id = token.len() >= 4 && digest.starts_with(&token.to_ascii_lowercase());
    is_id || digest == Digest::of(token.as_bytes()).to_string()
}
