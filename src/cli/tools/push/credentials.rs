//! What `wirebell push` shows the server: a key or a token.
//!
//! Input: flags, files, the environment. Output: the value of Authorization, if there is one.

use crate::cli::common::Failure;
use crate::cli::tools::push::args::PushArgs;

/// For topics: a token, else the content of the file.
pub fn for_topics(args: &PushArgs) -> Result<Option<String>, Failure> {
    match args.credentials.field()? {
        Some((_, value)) => Ok(Some(value)),
        None => Ok(from_file(args)?.map(bearer)),
    }
}

/// For `/push`: the content of the file, else the environment variable, else a token.
pub fn for_users(args: &PushArgs) -> Result<Option<String>, Failure> {
    let key = match from_file(args)? {
        Some(key) => Some(key),
        None => std::env::var("WIREBELL_PUSH_KEY").ok().and_then(trimmed),
    };
    match key {
        Some(key) => Ok(Some(bearer(key))),
        None => Ok(args.credentials.field()?.map(|(_, value)| value)),
    }
}

fn bearer(key: String) -> String {
    format!("Bearer {key}")
}

fn from_file(args: &PushArgs) -> Result<Option<String>, Failure> {
    let Some(path) = &args.key_file else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(path);
    let what = |error| Failure::failed(format!("{}: {error}", path.display()));
    text.map_err(what).map(trimmed)
}

/// Without what an editor adds.
fn trimmed(key: impl AsRef<str>) -> Option<String> {
    let key = key.as_ref().trim_start_matches('\u{feff}').trim();
    (!key.is_empty()).then(|| key.to_owned())
}
