//! A connection to the primary, and what is asked of it.
//!
//! Input: the address. Output: answers of scripts and of the stream. Invariants: no call takes
//! longer than a few seconds, whatever the server does; after an error the link is not used again.

use crate::push::position::Epoch;
use crate::push::redis::address::RedisAddress;
use crate::push::redis::pending::Prepared;
use crate::push::redis::problem::RedisProblem;
use crate::push::redis::reply::{self, Id, Item, Opened};
use redis::{Client, Cmd, Connection, Value, cmd, pipe};
use std::collections::HashMap;
use std::time::Duration;

/// For a connection, with all that is asked before the first script.
const CONNECT: Duration = Duration::from_secs(2);

/// For an answer. A server that writes its log to a disk with each command may take a second.
const ANSWER: Duration = Duration::from_secs(3);

/// How long a read of the stream waits for entries: a server that has gone without a word is
/// noticed after this and [`ANSWER`].
const WAIT_MS: usize = 1_000;

/// Entries of one read: each has at most a few megabytes, and most a few kilobytes.
const ENTRIES: usize = 32;

const BEGIN: &str = include_str!("begin.lua");
const OPEN: &str = include_str!("open.lua");
const APPEND: &str = include_str!("append.lua");
const REVOKE: &str = include_str!("revoke.lua");
const CHECK: &str = include_str!("check.lua");
const BEAT: &str = include_str!("beat.lua");

pub(super) struct Link {
    connection: Connection,
    keys: Keys,
    open: String,
    append: String,
    revoke: String,
    check: String,
    beat: String,
}

/// The names of the keys. With braces, so that all are in one slot of a cluster.
struct Keys {
    /// What most scripts use.
    log: Vec<String>,
    nodes: String,
    prefix: String,
}

impl Keys {
    fn new(prefix: &str) -> Self {
        let key = |name: &str| format!("{{{prefix}}}:{name}");
        let names = ["log", "meta", "epochs", "keys", "keys-before", "revoked"];
        Self {
            log: names.map(key).into(),
            nodes: key("nodes"),
            prefix: key("node"),
        }
    }
}

/// A new epoch, in case that the script needs one.
fn candidate() -> String {
    Epoch::random().as_str().to_owned()
}

impl Link {
    /// Connects to the first address that is the one of a primary.
    ///
    /// # Errors
    ///
    /// That of the last address, or of the one that can be reached.
    pub(super) fn connect(address: &RedisAddress) -> Result<Self, RedisProblem> {
        let mut worst = RedisProblem::Address("no host is named".into());
        for client in &address.clients {
            match Self::connect_to(client, &address.prefix) {
                Ok(link) => return Ok(link),
                Err(RedisProblem::Unreachable(_)) if address.clients.len() > 1 => {
                    let problem = RedisProblem::Unreachable("no primary answers".into());
                    if matches!(worst, RedisProblem::Address(_)) {
                        worst = problem;
                    }
                }
                Err(problem) => worst = problem,
            }
        }
        Err(worst)
    }

    fn connect_to(client: &Client, prefix: &str) -> Result<Self, RedisProblem> {
        let mut connection = client.get_connection_with_timeout(CONNECT)?;
        connection.set_read_timeout(Some(ANSWER))?;
        connection.set_write_timeout(Some(ANSWER))?;
        let info: String = cmd("INFO").query(&mut connection)?;
        check_server(&info)?;
        let mut load = |parts: &[&str]| -> Result<String, RedisProblem> {
            let script = parts.concat();
            let mut load = cmd("SCRIPT");
            Ok(load.arg("LOAD").arg(script).query(&mut connection)?)
        };
        Ok(Self {
            open: load(&[BEGIN, OPEN])?,
            append: load(&[BEGIN, APPEND])?,
            revoke: load(&[BEGIN, REVOKE])?,
            check: load(&[CHECK])?,
            beat: load(&[BEAT])?,
            keys: Keys::new(prefix),
            connection,
        })
    }

    /// A node begins to read, or goes on after this position.
    pub(super) fn open(&mut self, at: Option<(Epoch, u64)>) -> Result<Opened, RedisProblem> {
        let mut call = script(&self.open, &self.keys.log);
        call.arg(candidate()).arg(candidate());
        match &at {
            Some((epoch, sequence)) => call.arg(epoch.as_str()).arg(*sequence),
            None => call.arg("").arg(0),
        };
        let value = call.query(&mut self.connection)?;
        Opened::read(value).ok_or(RedisProblem::Foreign)
    }

    /// The next entries after this one, and the life and the epoch of the server that has them.
    /// Waits a second if there are none, if it may.
    pub(super) fn read(
        &mut self,
        after: Id,
        waits: bool,
    ) -> Result<(Vec<Item>, String, String), RedisProblem> {
        let mut both = pipe();
        let read = both.cmd("XREAD").arg("COUNT").arg(ENTRIES);
        if waits {
            read.arg("BLOCK").arg(WAIT_MS);
        }
        read.arg("STREAMS").arg(&self.keys.log[0]);
        read.arg(format!("{}-{}", after.sequence, after.sub));
        both.add_command(script(&self.check, &self.keys.log[1..2]));
        let (items, check): (Value, Value) = both.query(&mut self.connection)?;
        let (life, epoch) = reply::read_check(check).ok_or(RedisProblem::Foreign)?;
        Ok((reply::read_items(items), life, epoch))
    }

    /// Appends a batch of a node, unless it was appended already.
    pub(super) fn append<'p>(
        &mut self,
        node: &str,
        number: u64,
        publications: impl Iterator<Item = &'p Prepared>,
        (keep, most_keys): (u64, usize),
    ) -> Result<(), RedisProblem> {
        let mut keys = self.keys.log.clone();
        keys.push(format!("{}:{node}:batch", self.keys.prefix));
        let mut call = script(&self.append, &keys);
        call.arg(candidate())
            .arg(node)
            .arg(number)
            .arg(keep)
            .arg(most_keys);
        for it in publications {
            call.arg(&it.bytes).arg(it.key_bytes()).arg(&it.digest);
        }
        let _: Value = call.query(&mut self.connection)?;
        Ok(())
    }

    /// Tells all nodes that something was revoked, or is no longer.
    pub(super) fn revoke(&mut self, what: &str, is_revoked: bool) -> Result<(), RedisProblem> {
        let mut call = script(&self.revoke, &self.keys.log);
        call.arg(candidate()).arg(what).arg(u8::from(is_revoked));
        let _: Value = call.query(&mut self.connection)?;
        Ok(())
    }

    /// Says that this node lives and, if it has changed, who subscribes there. Returns the versions
    /// of the other nodes; `None` if the server does not know who subscribes here.
    pub(super) fn beat(
        &mut self,
        node: &str,
        version: u64,
        subscriptions: Option<&[u8]>,
    ) -> Result<Option<HashMap<String, u64>>, RedisProblem> {
        let keys = [
            self.keys.nodes.clone(),
            format!("{}:{node}", self.keys.prefix),
        ];
        let mut call = script(&self.beat, &keys);
        call.arg(node)
            .arg(version)
            .arg(subscriptions.unwrap_or_default());
        let all: Option<Vec<(String, u64)>> = call.query(&mut self.connection)?;
        Ok(all.map(|all| all.into_iter().filter(|(other, _)| other != node).collect()))
    }

    /// Who subscribes at another node.
    pub(super) fn subscriptions(&mut self, node: &str) -> Result<Vec<u8>, RedisProblem> {
        let mut get = cmd("GET");
        get.arg(format!("{}:{node}", self.keys.prefix));
        let bytes: Option<Vec<u8>> = get.query(&mut self.connection)?;
        Ok(bytes.unwrap_or_default())
    }
}

fn script(sha: &str, keys: &[String]) -> Cmd {
    let mut call = cmd("EVALSHA");
    call.arg(sha).arg(keys.len()).arg(keys);
    call
}

/// Whether this server will do.
fn check_server(info: &str) -> Result<(), RedisProblem> {
    let field = |name: &str| {
        let lines = info.lines();
        let mut found = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        found.next()
    };
    let version = field("redis_version").unwrap_or("unknown");
    let major = version
        .split('.')
        .next()
        .and_then(|it| it.parse::<u32>().ok());
    if major.is_none_or(|major| major < 7) {
        return Err(RedisProblem::TooOld(version.to_owned()));
    }
    if field("role").is_some_and(|role| role != "master") {
        return Err(RedisProblem::Replica);
    }
    let policy = field("maxmemory_policy").unwrap_or("noeviction");
    if policy.starts_with("allkeys") && field("maxmemory") != Some("0") {
        log::warn!("Redis evicts keys (maxmemory-policy {policy}): set noeviction, or messages go");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    // req: push-nodes-07
    fn old_servers_and_replicas_are_refused() {
        let info = |version: &str, role: &str| {
            format!("# Server\r\nredis_version:{version}\r\nrole:{role}\r\nmaxmemory:0\r\n")
        };
        assert_eq!(check_server(&info("7.0.15", "master")), Ok(()));
        assert_eq!(check_server(&info("9.1.2", "master")), Ok(()));
        let old = RedisProblem::TooOld("6.2.1".into());
        assert_eq!(check_server(&info("6.2.1", "master")), Err(old));
        assert_eq!(
            check_server(&info("7.2.4", "slave")),
            Err(RedisProblem::Replica)
        );
        assert_eq!(
            check_server(""),
            Err(RedisProblem::TooOld("unknown".into()))
        );
    }

    #[test]
    fn keys_are_in_one_slot() {
        let keys = Keys::new("w");
        assert_eq!(keys.log[0], "{w}:log");
        assert_eq!(keys.nodes, "{w}:nodes");
    }
}
