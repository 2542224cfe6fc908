//! The settings of a push server besides those of its loops.
//!
//! Read by `service`, which enforces them, and by the command.

use crate::net::Rate;
use crate::options::options;
use crate::push::auth::{Auth, MayPublish, PushKey, TokenFile};
use crate::push::clock::Clock;
use crate::push::gotify::Gotify;
use crate::push::hub::HistoryRules;
use crate::push::limits::Limits;
use crate::push::log::Log;
use crate::push::origin::OriginPolicy;
use std::sync::Arc;

options! {
    /// The settings of a push server besides the [`Options`](crate::net::Options) of its loops.
    #[derive(Clone, Debug)]
    pub struct Settings {
        /// Which pages may connect.
        pub origin: OriginPolicy = OriginPolicy::default(),
        /// Names of the server, without ports. On a loopback address they are accepted in addition
        /// to `localhost` and loopback addresses; elsewhere, any host is accepted if the list is
        /// empty. See [`HostPolicy`](crate::push::HostPolicy).
        pub hosts: Vec<String> = Vec::new(),
        /// Without one, every caller may push and none may drop.
        pub push_key: Option<PushKey> = None,
        /// Which requests may publish at `/push`, besides what the push key says. On a server with
        /// tokens it is enough without a key.
        pub may_publish: Option<MayPublish> = None,
        /// Without one, a token is the name of its user, unless `auth` has a
        /// [function](Auth::function).
        pub tokens: Option<TokenFile> = None,
        /// Who may publish to topics and subscribe to them. Without one, all clients may.
        pub auth: Option<Auth> = None,
        /// The dialect of gotify, with its users. A build without the feature `gotify` has none.
        pub gotify: Option<Gotify> = None,
        /// Where publications get their order and are kept. Without one, they are in memory. A
        /// value is for one server, also where several servers share what is behind it.
        pub log: Option<Arc<dyn Log>> = None,
        /// How much history topics keep.
        pub history: HistoryRules = HistoryRules::default(),
        /// The time of day.
        pub clock: Clock = Clock::default(),
        /// The bounds of subscribers.
        pub limits: Limits = Limits::DEFAULT,
        /// How many WebSockets and streams an address and a token may open; `None` for no limit.
        pub handshake_rate: Option<Rate> = None,
        /// How much an address and a token may publish; `None` for no limit.
        pub publish_rate: Option<Rate> = None,
        /// WebSockets and streams that the tokens of one name may have open at the same time,
        /// counted over all workers; 0 for no limit. On `/ws` the name is that of the user.
        pub connections_per_token: u32 = 0,
        /// Whether there is `/echo`. `None` enables it only if neither publishing nor subscribing
        /// needs a secret: a protected server should not be a public echo.
        pub echo: Option<bool> = None,
    }
}

impl Settings {
    /// Whether `/ws` is closed: on a server with tokens, a token that is only the name
    /// of its user is none.
    pub(super) fn closes_register(&self) -> bool {
        let auth = self.auth.as_ref();
        self.tokens.is_none() && auth.is_some_and(|auth| !auth.has_function())
    }

    /// The user of a token on `/ws`.
    pub(super) fn user_of(&self, token: String) -> Option<String> {
        let known = self.tokens.as_ref().and_then(|tokens| tokens.user(&token));
        let auth = self.auth.as_ref().filter(|auth| auth.has_function());
        match (known, auth) {
            (Some(user), _) => Some(user),
            (None, Some(auth)) => auth.user(&token, self.clock.now()),
            (None, None) => self.tokens.is_none().then_some(token),
        }
    }

    /// Whether `/echo` exists.
    pub(super) fn has_echo(&self) -> bool {
        let publishes = self.push_key.is_none() && self.may_publish.is_none();
        let is_open = publishes && self.tokens.is_none() && self.auth.is_none();
        self.echo.unwrap_or(is_open)
    }
}
