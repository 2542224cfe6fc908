//! Merges settings from four sources into the options of the server.
//!
//! Input: flags, environment, a settings file, and the defaults. Output: options of the library, or
//! a [`Failure`]. What the settings are is left to `args`.

use crate::cli::common::Failure;
use crate::cli::common::deflate::DeflateMode;
use crate::cli::common::units::{Period, Size};
use crate::cli::server::args::{CommonArgs, EchoSettings, FileSettings};
use crate::cli::server::args::{LoopSettings, OverflowPolicy};
use crate::cli::server::listeners::{LISTEN, Listeners};
use crate::cli::server::listening::cannot_read;
use log::LevelFilter;
use serde::de::DeserializeOwned;
use std::env::VarError;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use wirebell::handshake::DeflatePolicy;
use wirebell::http::{MAX_FIELDS, TrustedProxy, is_token};
use wirebell::net::{Limits, Options, Overflow};
use wirebell::push::{Auth, BadOrigin, BadRate, Bounds, HistoryRules, OriginPolicy, PushKey};
use wirebell::push::{Rate, Settings, TokenFile, Tokens, is_host_name};
use wirebell::{deflate, push};

/// Holds the push key itself, not the name of a file.
const PUSH_KEY: &str = "WIREBELL_PUSH_KEY";

/// Milliseconds over which a stopping server spreads the ends of its connections: a tenth of what
/// service managers wait for before they kill.
const DRAIN_MS: u32 = 10_000;

/// Takes each field that is not set from `$from`.
macro_rules! fill {
    ($into:expr, $from:expr, $($field:ident),+ $(,)?) => {
        $( if $into.$field.is_none() { $into.$field = $from.$field; } )+
    };
}

impl LoopSettings {
    /// Takes what is not set here from `file`.
    pub fn or(mut self, file: Self) -> Self {
        fill!(self, file, listen, workers, host, origin, max_message);
        fill!(self, file, max_queued, overflow, log);
        fill!(self, file, deflate, deflate_level, deflate_window_bits);
        fill!(self, file, deflate_budget, deflate_min);
        fill!(
            self,
            file,
            max_connections,
            max_connections_per_address,
            ping_interval
        );
        fill!(
            self,
            file,
            pong_timeout,
            head_timeout,
            close_timeout,
            stall_timeout
        );
        fill!(self, file, message_timeout, memory, drain);
        fill!(self, file, max_head, max_fields, max_target, idle_timeout);
        self
    }

    /// All settings with their defaults, as `--check` prints them.
    pub fn effective(self) -> Self {
        let (limits, deflate) = (Limits::default(), deflate::Settings::default());
        let size = |bytes: usize| Some(Size(bytes as u64));
        self.or(Self {
            listen: Some(vec![LISTEN.into()]),
            workers: Some(0),
            host: Some(Vec::new()),
            origin: Some(vec!["same-host".into()]),
            max_message: Some(Size(limits.protocol.message_bytes)),
            max_queued: size(limits.queued_bytes),
            overflow: Some(OverflowPolicy::Disconnect),
            deflate: Some(DeflateMode::On),
            deflate_level: Some(deflate.level),
            deflate_window_bits: Some(deflate.policy.server_window_bits),
            deflate_budget: size(deflate.budget),
            deflate_min: size(deflate.min_bytes),
            max_connections: Some(limits.connections),
            max_connections_per_address: Some(limits.connections_per_address),
            ping_interval: Some(Period(limits.protocol.ping_ms)),
            pong_timeout: Some(Period(limits.protocol.pong_ms)),
            head_timeout: Some(Period(limits.head_ms)),
            close_timeout: Some(Period(limits.protocol.close_ms)),
            stall_timeout: Some(Period(limits.stall_ms)),
            message_timeout: Some(Period(limits.message_ms)),
            drain: Some(Period(DRAIN_MS)),
            memory: size(limits.memory_bytes),
            max_head: size(limits.head.bytes),
            max_fields: Some(limits.head.fields),
            max_target: size(limits.head.target_bytes),
            idle_timeout: Some(Period(limits.http_idle_ms)),
            log: Some("info".into()),
        })
    }

    /// The options of the loops.
    pub fn options(&self) -> Result<Options, Failure> {
        let mut options = Options::default().deflate(self.compression()?);
        let limits = &mut options.limits;
        let bytes = |size: Size| usize::try_from(size.0).unwrap_or(usize::MAX);
        let set = |into: &mut u32, ms: Option<u32>| *into = ms.unwrap_or(*into);
        let limit = |period: Option<Period>| period.map(Period::limit);
        let span = |period: Option<Period>| period.map(|period| period.0);
        if let Some(size) = self.max_message {
            limits.protocol.message_bytes = size.0;
            limits.protocol.frame_bytes = size.0;
        }
        limits.queued_bytes = self.max_queued.map_or(limits.queued_bytes, bytes);
        limits.connections = self.max_connections.unwrap_or(limits.connections);
        limits.connections_per_address = self
            .max_connections_per_address
            .unwrap_or(limits.connections_per_address);
        set(&mut limits.protocol.ping_ms, span(self.ping_interval));
        set(&mut limits.protocol.pong_ms, limit(self.pong_timeout));
        set(&mut limits.head_ms, limit(self.head_timeout));
        set(&mut limits.protocol.close_ms, span(self.close_timeout));
        set(&mut limits.stall_ms, limit(self.stall_timeout));
        set(&mut limits.message_ms, span(self.message_timeout));
        limits.drain_ms = DRAIN_MS;
        set(&mut limits.drain_ms, span(self.drain));
        limits.memory_bytes = self.memory.map_or(limits.memory_bytes, bytes);
        limits.head.bytes = self.max_head.map_or(limits.head.bytes, bytes);
        limits.head.target_bytes = self.max_target.map_or(limits.head.target_bytes, bytes);
        limits.head.fields = self.max_fields.unwrap_or(limits.head.fields);
        set(&mut limits.http_idle_ms, limit(self.idle_timeout));
        if limits.protocol.close_ms == 0 {
            return Err(Failure::usage(
                "--close-timeout 0: write a time above 0, as some peers never answer a Close"
                    .into(),
            ));
        }
        if limits.head.fields == 0 || limits.head.fields > MAX_FIELDS {
            let fields = limits.head.fields;
            return Err(Failure::usage(format!(
                "--max-fields {fields}: write a number from 1 to {MAX_FIELDS}"
            )));
        }
        options.workers = self.workers.unwrap_or(options.workers);
        options.overflow = self.overflow.map_or(options.overflow, Overflow::from);
        Ok(options)
    }

    /// The compression settings.
    fn compression(&self) -> Result<Option<deflate::Settings>, Failure> {
        let within = |flag: &str, value: Option<u8>, range: RangeInclusive<u8>| match value {
            Some(value) if !range.contains(&value) => Err(Failure::usage(format!(
                "--{flag} {value}: write a number from {} to {}",
                range.start(),
                range.end()
            ))),
            value => Ok(value),
        };
        let level = within("deflate-level", self.deflate_level, 1..=9)?;
        let window_bits = within("deflate-window-bits", self.deflate_window_bits, 9..=15)?;
        let bytes = |size: Size| usize::try_from(size.0).unwrap_or(usize::MAX);
        let mut policy = match self.deflate {
            Some(DeflateMode::Off) => return Ok(None),
            None | Some(DeflateMode::On) => DeflatePolicy::NO_TAKEOVER,
            Some(DeflateMode::Takeover) => DeflatePolicy::TAKEOVER,
        };
        if let Some(bits) = window_bits {
            policy.server_window_bits = bits;
            policy.client_window_bits = bits;
        }
        let usual = deflate::Settings::default();
        Ok(Some(
            deflate::Settings::default()
                .policy(policy)
                .level(level.unwrap_or(usual.level))
                .min_bytes(self.deflate_min.map_or(usual.min_bytes, bytes))
                .budget(self.deflate_budget.map_or(usual.budget, bytes))
                .idle_ms(usual.idle_ms),
        ))
    }

    /// The origins that may connect.
    pub fn origin_policy(&self) -> Result<OriginPolicy, Failure> {
        let origins = self.origin.as_deref().unwrap_or_default();
        if let [one] = origins
            && one == "any"
        {
            return Ok(OriginPolicy::Any);
        }
        let mut listed = Vec::new();
        for origin in origins.iter().map(String::as_str) {
            let problem = match origin {
                // Always allowed.
                "same-host" => continue,
                "any" => "it allows every page, so write nothing else".to_owned(),
                origin => match origin.parse() {
                    Ok(origin) => {
                        listed.push(origin);
                        continue;
                    }
                    Err(error) => BadOrigin::to_string(&error),
                },
            };
            return Err(Failure::usage(format!("--origin {origin}: {problem}")));
        }
        Ok(match listed.is_empty() {
            true => OriginPolicy::SameHost,
            false => OriginPolicy::Listed(listed),
        })
    }

    /// The names of the server.
    pub fn hosts(&self) -> Result<&[String], Failure> {
        let hosts = self.host.as_deref().unwrap_or_default();
        match hosts.iter().find(|host| !is_host_name(host)) {
            None => Ok(hosts),
            Some(host) => Err(Failure::usage(format!(
                "--host {host}: write a name or an address without scheme and port, such as \
                 push.example.org"
            ))),
        }
    }

    /// The log level.
    pub fn log_level(&self) -> Result<LevelFilter, Failure> {
        let level = self.log.as_deref().unwrap_or("info");
        level.parse().map_err(|_| {
            let levels = "off, error, warn, info, debug or trace";
            Failure::usage(format!("--log {level}: write {levels}"))
        })
    }
}

impl FileSettings {
    /// Takes what is not set here from `file`.
    pub fn or(mut self, file: Self) -> Self {
        fill!(
            self,
            file,
            tokens,
            open,
            push_key_file,
            token_file,
            trusted_proxy,
            connection_rate,
            handshake_rate,
            publish_rate,
            connections_per_token,
            max_body,
            register_timeout,
            echo
        );
        self.jwt = self.jwt.or(file.jwt);
        self.data = self.data.or(file.data);
        self.engine = self.engine.or(file.engine);
        self.gotify = self.gotify.or(file.gotify);
        self.upgrade = self.upgrade.or(file.upgrade);
        if self.topics.is_empty() {
            self.topics = file.topics;
        }
        self.event_loop = self.event_loop.or(file.event_loop);
        self.access = self.access.or(file.access);
        self.tls = self.tls.or(file.tls);
        self.trace = self.trace.or(file.trace);
        self
    }

    /// All settings that have a default.
    pub fn effective(mut self) -> Self {
        let body_bytes = Limits::DEFAULT.body_bytes as u64;
        self.trusted_proxy.get_or_insert_default();
        self.max_body.get_or_insert(Size(body_bytes));
        let register_ms = push::Limits::DEFAULT.register_ms;
        self.register_timeout.get_or_insert(Period(register_ms));
        let has_key = self.push_key_file.is_some()
            || std::env::var_os(PUSH_KEY).is_some_and(|key| !key.is_empty());
        let has_tokens = self.tokens.is_some() || self.jwt.is_set() || self.token_file.is_some();
        self.echo.get_or_insert(!has_key && !has_tokens);
        self.open.get_or_insert(false);
        self.event_loop = self.event_loop.effective();
        self.gotify = self.gotify.effective(self.data.is_set());
        self.data = self.data.effective();
        self.engine = self.engine.effective();
        self.access = self.access.effective();
        self.tls = self.tls.effective();
        self.trace = self.trace.effective();
        self
    }

    /// The options of the loops, with the limits that only `serve` has.
    pub fn options(&self) -> Result<Options, Failure> {
        let mut options = self.event_loop.options()?;
        options.trusted_proxies = self.trusted_proxies()?;
        options.connection_rate = rate("connection-rate", self.connection_rate.as_deref())?;
        let limits = &mut options.limits;
        let bytes = |size: Size| usize::try_from(size.0).unwrap_or(usize::MAX);
        limits.body_bytes = self.max_body.map_or(limits.body_bytes, bytes);
        Ok(options)
    }

    /// Who is believed about the clients of requests.
    // req: push-pages-11
    fn trusted_proxies(&self) -> Result<Vec<TrustedProxy>, Failure> {
        let proxies = self.trusted_proxy.iter().flatten();
        let read = |text: &String| {
            let proxy = text.parse::<TrustedProxy>();
            proxy.map_err(|bad| Failure::usage(format!("--trusted-proxy {text}: {bad}")))
        };
        proxies.map(read).collect()
    }

    /// Reads the named files, so that a wrong one is reported at the start.
    pub fn push_settings(&self) -> Result<Settings, Failure> {
        let push_key = match (&self.push_key_file, std::env::var(PUSH_KEY)) {
            (Some(path), _) => Some(
                PushKey::watch(path)
                    .map_err(|error| cannot_read("--push-key-file", path, &error))?,
            ),
            (None, Err(VarError::NotPresent)) => None,
            // Like all our variables. The server then warns that anyone may push.
            (None, Ok(key)) if key.is_empty() => None,
            // Only white space, or not text: a mistake.
            (None, key) => match PushKey::new(key.unwrap_or_default()) {
                None => return Err(Failure::usage(format!("{PUSH_KEY}: contains no key"))),
                key => key,
            },
        };
        let tokens = match &self.token_file {
            None => None,
            Some(path) => Some(
                TokenFile::open(path).map_err(|error| cannot_read("--token-file", path, &error))?,
            ),
        };
        let mut limits = push::Limits::DEFAULT;
        let register = self.register_timeout.map(Period::limit);
        limits.register_ms = register.unwrap_or(limits.register_ms);
        Ok(Settings::default()
            .limits(limits)
            .history(self.history())
            .origin(self.event_loop.origin_policy()?)
            .hosts(self.event_loop.hosts()?.to_vec())
            .auth(self.auth()?)
            .push_key(push_key)
            .handshake_rate(rate("handshake-rate", self.handshake_rate.as_deref())?)
            .publish_rate(rate("publish-rate", self.publish_rate.as_deref())?)
            .connections_per_token(self.connections_per_token.unwrap_or(0))
            .tokens(tokens)
            .echo(self.echo))
    }

    /// How much history topics keep: by the first rule that matches.
    fn history(&self) -> HistoryRules {
        let rules = self.topics.iter().map(|rule| {
            let kept = Bounds::usual(&rule.pattern.0);
            let bytes = rule.bytes.map(|Size(bytes)| usize::try_from(bytes));
            let bounds = kept
                .messages(rule.history.unwrap_or(kept.messages))
                .age(rule.age.map_or(kept.age, Period::age))
                .bytes(bytes.map_or(kept.bytes, |bytes| bytes.unwrap_or(usize::MAX)))
                .overflow(rule.overflow.map_or(kept.overflow, Overflow::from));
            (rule.pattern.0.clone(), bounds)
        });
        HistoryRules::new(rules.collect(), Bounds::default())
    }

    /// The tokens; `None` if none are needed.
    fn auth(&self) -> Result<Option<Auth>, Failure> {
        let read = |path: &PathBuf| {
            let tokens = Tokens::watch(path);
            let tokens = tokens.map(|tokens| Auth::default().tokens(tokens));
            tokens.map_err(|error| cannot_read("--tokens", path, &error))
        };
        self.jwt.add_to(self.tokens.as_ref().map(read).transpose()?)
    }

    /// A shared log goes neither with another log nor with the users of one server.
    pub fn check_engine(&self) -> Result<(), Failure> {
        let has_data = self.data.is_set();
        self.engine.check(has_data || self.gotify.is_on(has_data))
    }

    /// An open server beyond this machine must be wanted.
    // req: push-auth-02
    pub fn check_open(&self, listeners: &Listeners, settings: &Settings) -> Result<(), Failure> {
        let is_open = self.open == Some(true);
        match (settings.auth.is_some(), is_open, listeners.beyond()) {
            (true, true, _) => Err(Failure::usage(
                "--open: this server has tokens, so it is not open: leave out one of them".into(),
            )),
            (false, false, Some(listen)) => Err(Failure::usage(format!(
                "--listen {listen}: without tokens, anyone who can reach this address may publish \
                 and subscribe; set --tokens FILE, or --open if they may"
            ))),
            _ => Ok(()),
        }
    }
}

impl EchoSettings {
    /// Takes what is not set here from `file`.
    pub fn or(mut self, file: Self) -> Self {
        fill!(self, file, subprotocol);
        self.event_loop = self.event_loop.or(file.event_loop);
        self.tls = self.tls.or(file.tls);
        self.trace = self.trace.or(file.trace);
        self
    }

    /// All settings that have a default.
    pub fn effective(mut self) -> Self {
        self.event_loop = self.event_loop.effective();
        self.tls = self.tls.effective();
        self.trace = self.trace.effective();
        self
    }

    /// The subprotocols, checked.
    pub fn subprotocols(&self) -> Result<Vec<String>, Failure> {
        let names = self.subprotocol.clone().unwrap_or_default();
        match names.iter().find(|name| !is_token(name)) {
            None => Ok(names),
            Some(name) => Err(Failure::usage(format!(
                "--subprotocol {name}: write a token, such as ocpp1.6"
            ))),
        }
    }
}

impl CommonArgs {
    /// The settings file, or nothing if none is named.
    pub fn read_file<T: DeserializeOwned + Default>(&self) -> Result<T, Failure> {
        let Some(path) = &self.config else {
            return Ok(T::default());
        };
        let text =
            std::fs::read_to_string(path).map_err(|error| cannot_read("--config", path, &error))?;
        toml::from_str(&text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let (at, error) = first_bad_setting::<T>(&text).unwrap_or((at, error));
            let line = 1 + text[..at].matches('\n').count();
            let what = error.message().lines().next().unwrap_or_default();
            let what = match what.starts_with("unknown field `tls_") && !cfg!(feature = "ring") {
                true => "this build has no TLS (feature `ring`)",
                false => what,
            };
            Failure::usage(format!("{} line {line}: {what}", path.display()))
        })
    }
}

/// How often something is allowed.
fn rate(flag: &str, text: Option<&str>) -> Result<Option<Rate>, Failure> {
    let read = |text: &str| {
        let bad = |bad: BadRate| Failure::usage(format!("--{flag} {text}: {bad}"));
        text.parse().map_err(bad)
    };
    text.map(read).transpose()
}

/// Whether a list is written as tables with headers.
fn is_headed(text: &str) -> bool {
    text.starts_with("[[")
}

/// A table with its header.
fn span_of(table: &Spanned<DeValue<'_>>) -> Range<usize> {
    let fields = table.get_ref().as_table().into_iter().flatten();
    let end = fields.map(|(_, value)| value.span().end).max();
    table.span().start..end.unwrap_or(table.span().end)
}

/// Where the first setting begins that cannot be read alone, and what is wrong: the error of a
/// flattened structure does not have its place. `None` if the text is not TOML; that error does
/// have it.
fn first_bad_setting<T: DeserializeOwned>(text: &str) -> Option<(usize, toml::de::Error)> {
    let table = DeTable::parse(text).ok()?;
    let settings = table.get_ref().iter();
    let spans = settings.flat_map(|(name, value)| {
        let whole = name.span().start..value.span().end;
        match value.get_ref().as_array() {
            Some(tables) if is_headed(&text[value.span()]) => tables.iter().map(span_of).collect(),
            _ => Vec::from_iter([whole]),
        }
    });
    let bad = |span: Range<usize>| {
        let read = toml::from_str::<T>(&text[span.clone()]);
        Some((span.start, read.err()?))
    };
    spans.filter_map(bad).min_by_key(|(at, _)| *at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirebell::push::TopicName;

    fn read(text: &str) -> FileSettings {
        toml::from_str(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    #[test]
    fn no_time_of_zero_ends_connections_at_once() {
        let limits = |text: &str| read(text).options().map(|options| options.limits);
        let zero = |name: &str| limits(&format!("{name} = 0")).unwrap_or(Limits::DEFAULT);
        let never = u32::MAX;
        assert_eq!(zero("head_timeout").head_ms, never);
        assert_eq!(zero("idle_timeout").http_idle_ms, never);
        assert_eq!(zero("stall_timeout").stall_ms, never);
        assert_eq!(zero("pong_timeout").protocol.pong_ms, never);
        let push = read("register_timeout = 0").push_settings();
        assert_eq!(push.map(|it| it.limits.register_ms).ok(), Some(never));
        // Zero means this to the loops themselves.
        assert_eq!(zero("message_timeout").message_ms, 0);
        assert_eq!(zero("ping_interval").protocol.ping_ms, 0);
        assert_eq!(zero("drain").drain_ms, 0);
        let refused = format!("{:?}", limits("close_timeout = 0").err());
        assert!(refused.contains("--close-timeout 0: write a time above 0"));
        let brief = limits("close_timeout = \"1ms\"").ok();
        assert_eq!(brief.map(|it| it.protocol.close_ms), Some(1));
    }

    #[test]
    // req: push-bounds-01
    fn a_rule_keeps_what_it_leaves_out() {
        let rules = read(
            "[[topics]]\npattern = \"$gotify.1.*\"\nhistory = 5\n\n\
             [[topics]]\npattern = \"a.*\"\nhistory = 5\n\n\
             [[topics]]\npattern = \"b\"\nage = \"0\"\n",
        );
        let history = rules.history();
        let of = |topic: &str| history.of(&topic.parse::<TopicName>().expect("a topic"));
        assert_eq!(of("$gotify.1.2"), Bounds::GOTIFY.messages(5));
        assert_eq!(of("$gotify.2.2"), Bounds::GOTIFY);
        assert_eq!(of("a.b"), Bounds::DEFAULT.messages(5));
        assert_eq!(of("b"), Bounds::DEFAULT.age(u64::MAX));
    }
}
