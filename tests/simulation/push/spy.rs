//! A push service, and the deliveries that it was sent.

use std::cell::RefCell;
use std::rc::Rc;
use wirebell::Message;
use wirebell::http::RequestHead;
use wirebell::net::{Context, End, PeerId, Reply, Request, Response, Service};
use wirebell::proto::Millis;
use wirebell::push::{BrokerMail, Delivery, PushMail, PushService};

pub type Deliveries = Rc<RefCell<Vec<Delivery>>>;

pub struct Spy {
    pub inner: PushService,
    pub deliveries: Deliveries,
}

impl Service for Spy {
    type Mail = PushMail;

    fn body(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        head: &RequestHead<'_>,
    ) -> Result<usize, Response> {
        self.inner.body(context, from, head)
    }

    fn request<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
    ) -> Reply<'r> {
        self.inner.request(context, from, request)
    }

    fn refused(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        head: &RequestHead<'_>,
        response: Response,
    ) -> Response {
        self.inner.refused(context, from, head, response)
    }

    fn whole<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
    ) -> Reply<'r> {
        self.inner.whole(context, from, request)
    }

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        self.inner.opened(context, peer);
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        self.inner.message(context, peer, message);
    }

    fn pong(&mut self, context: &mut Context<'_>, peer: PeerId, payload: &[u8]) {
        self.inner.pong(context, peer, payload);
    }

    fn writable(&mut self, context: &mut Context<'_>, peer: PeerId) {
        self.inner.writable(context, peer);
    }

    fn timer(&mut self, context: &mut Context<'_>, peer: PeerId) {
        self.inner.timer(context, peer);
    }

    fn closing(&mut self, context: &mut Context<'_>, peer: PeerId) {
        self.inner.closing(context, peer);
    }

    fn closed(&mut self, context: &mut Context<'_>, peer: PeerId, end: End<'_>) {
        self.inner.closed(context, peer, end);
    }

    fn mail(&mut self, context: &mut Context<'_>, mail: PushMail) {
        if let PushMail::Broker(BrokerMail::Delivery(delivery)) = &mail {
            self.deliveries.borrow_mut().push(delivery.clone());
        }
        self.inner.mail(context, mail);
    }

    fn deadline(&self) -> Option<Millis> {
        self.inner.deadline()
    }

    fn tick(&mut self, context: &mut Context<'_>) {
        self.inner.tick(context);
    }
}
