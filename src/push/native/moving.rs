//! Live connections that go on in another process.
//!
//! ```text
//!   form · caller · patterns · what is not finished
//! ```
//!
//! Input: subscribers, while nothing is read or published. Output: records; of records,
//! subscribers. Invariant: a subscriber has had every delivery up to the head, so another process
//! that begins at this head goes on without a gap. Polls do not move: they are answered.

use crate::net::fields::{Reader, Writer};
use crate::net::{Context, Export, PeerId};
use crate::push::auth::{Grant, Verdict};
use crate::push::hub::Subscribe;
use crate::push::name::Pattern;
use crate::push::native::caller::Caller;
use crate::push::native::dialect::{Dialect, KEEPALIVE_MS, TOKEN_MS, earlier};
use crate::push::native::form::Form;
use crate::push::native::session::{Replaying, Work};
use crate::push::native::subscribers::Subscriber;
use crate::push::position::{Epoch, Since};
use std::sync::Arc;

/// What a record says of the caller.
const ANYBODY: u8 = 0;
const BEARER: u8 = 1;
const UNKNOWN: u8 = 2;
const READER: u8 = 3;

/// What a record says is not finished.
const NOTHING: u8 = 0;
const TOKEN: u8 = 1;
const REPLAY: u8 = 2;

impl Dialect {
    /// See [`Service::export`](crate::net::Service::export).
    pub(in crate::push) fn export(&self, peer: PeerId) -> Export {
        let Some(subscriber) = self.subscribers.get(peer) else {
            return Export::Never; // It was sent a Close.
        };
        let mut out = Writer::default();
        out.byte(match subscriber.form {
            Form::Raw => 0,
            Form::Envelopes => 1,
            Form::Events => 2,
            Form::EnvelopeEvents => 3,
            Form::Lines => 4,
            Form::Poll => return Export::Never,
        });
        match &subscriber.caller {
            Some(Caller::Anybody) => out.byte(ANYBODY),
            Some(Caller::Bearer(grant)) => {
                out.byte(BEARER);
                grant.write(&mut out);
            }
            Some(Caller::Reader { reader, .. }) => {
                let gotify = self.gotify.as_ref();
                if gotify.is_none_or(|it| !it.has(reader)) {
                    return Export::Never; // The next look ends it.
                }
                out.byte(READER);
                out.number(reader.client());
            }
            None => out.byte(UNKNOWN),
        }
        let patterns = self.subscribers.patterns(peer);
        out.list(patterns.iter(), |out, it| out.text(it.as_str()));
        match subscriber.work.as_deref() {
            None => out.byte(NOTHING),
            Some(Work::Token { .. }) => out.byte(TOKEN),
            Some(Work::Replay(replaying)) => {
                out.byte(REPLAY);
                let epoch = self.broker.head().epoch;
                if replaying.write(&mut out, epoch).is_none() {
                    return Export::Soon;
                }
            }
            Some(Work::Denied { .. } | Work::Poll { .. }) => return Export::Never,
        }
        Export::Record(out.0)
    }

    /// See [`Service::import`](crate::net::Service::import).
    // req: push-upgrade-04
    pub(in crate::push) fn import(
        &mut self,
        context: &mut Context<'_>,
        peer: PeerId,
        record: &[u8],
    ) -> bool {
        let mut from = Reader(record);
        let Some((form, caller, patterns, work)) = self.read(&mut from).filter(|_| from.is_done())
        else {
            return false;
        };
        let Some(caller) = self.recognise(caller) else {
            return false;
        };
        let name = caller.as_ref().and_then(Caller::name);
        let work = work.map(|work| match work {
            Unfinished::Token => {
                let until = context.now() + TOKEN_MS;
                context.set_timer(peer, Some(until));
                Work::Token { until }
            }
            Unfinished::Replay(replaying) => {
                if form == Form::Envelopes {
                    context.pause(peer);
                }
                context.notify_when_sent(peer);
                Work::Replay(*replaying)
            }
        });
        if form.is_stream() {
            context.set_timer(peer, Some(context.now() + KEEPALIVE_MS));
        }
        // It counts, but it is not refused.
        let place = self.place(caller.as_ref()).ok().flatten();
        self.subscribers
            .insert(Subscriber::new(peer, form, caller, work).with_place(place));
        self.join_again(peer, name, patterns)
    }

    fn read(&self, from: &mut Reader<'_>) -> Option<Read> {
        let form = match from.byte()? {
            0 => Form::Raw,
            1 => Form::Envelopes,
            2 => Form::Events,
            3 => Form::EnvelopeEvents,
            4 => Form::Lines,
            _ => return None,
        };
        let caller = match from.byte()? {
            ANYBODY => Some(Caller::Anybody),
            BEARER => Some(Caller::Bearer(Arc::new(Grant::read(from)?))),
            UNKNOWN => None,
            READER => Some(Caller::Reader {
                reader: self.gotify.as_ref()?.reader_of(from.number()?)?,
                is_open: self.auth.is_none(),
            }),
            _ => return None,
        };
        let patterns = from.list(|from| from.text()?.parse().ok())?;
        let work = match from.byte()? {
            NOTHING => None,
            TOKEN => Some(Unfinished::Token),
            REPLAY => Some(Unfinished::Replay(Box::new(Replaying::read(from)?))),
            _ => return None,
        };
        Some((form, caller, patterns, work))
    }

    /// What the caller may do here.
    fn recognise(&mut self, caller: Option<Caller>) -> Option<Option<Caller>> {
        match (&caller, &self.auth) {
            (Some(Caller::Bearer(grant)), Some(auth)) => {
                let verdict = auth.revalidate(grant, self.broker.now());
                if matches!(verdict, Verdict::Unchanged) {
                    self.expires = earlier(self.expires, grant.expires());
                } else {
                    self.expires = Some(0); // The next look judges it.
                }
            }
            // Who was let in without a token could do everything.
            (Some(Caller::Anybody), Some(_)) => return None,
            _ => {}
        }
        Some(caller)
    }

    fn join_again(&mut self, peer: PeerId, name: Option<Arc<str>>, patterns: Vec<Pattern>) -> bool {
        if patterns.is_empty() {
            return true;
        }
        let request = Subscribe {
            name,
            patterns,
            since: Since::New,
            ..Subscribe::default()
        };
        match self.broker.subscribe(peer, &request) {
            Ok(start) => {
                self.subscribers.join(peer, &start.interests, start.order);
                true
            }
            Err(refused) => {
                log::warn!("a subscriber cannot be taken over: {refused}");
                false
            }
        }
    }
}

impl Replaying {
    /// What another process needs to go on; `None` while a page is on its way.
    fn write(&self, out: &mut Writer, epoch: Epoch) -> Option<()> {
        let cursor = self
            .cursor
            .filter(|_| !self.asking && self.ready.is_none())?;
        out.option(self.reference.as_deref(), Writer::text);
        out.list(self.patterns.iter(), |out, it| out.text(it.as_str()));
        out.flag(self.recovered);
        out.text(&epoch.at(cursor.after()).to_string());
        Some(())
    }

    /// The same of another process: the place to begin is where the next page does.
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let reference = from.option(|from| from.text().map(Into::into))?;
        let patterns = from.list(|from| from.text()?.parse().ok())?;
        let recovered = from.flag()?;
        let at = from.text()?.parse().ok()?;
        Some(Self {
            recovered,
            ..Self::new(patterns, Since::Position(at), reference)
        })
    }
}

enum Unfinished {
    Token,
    Replay(Box<Replaying>),
}

type Read = (Form, Option<Caller>, Vec<Pattern>, Option<Unfinished>);
