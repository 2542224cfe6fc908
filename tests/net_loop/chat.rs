//! The chat of the documentation, with people in it: broadcast through mailboxes.

use crate::net_support::{Client, options};
use std::thread;
use wirebell::Message;
use wirebell::net::{Context, End, Mailbox, PeerId, Reply, Request};
use wirebell::net::{Server, Service, SharedFrame, Worker};

struct Chat {
    members: Vec<PeerId>,
    rooms: Vec<Mailbox<SharedFrame>>,
}

impl Chat {
    fn new(worker: &Worker<SharedFrame>) -> Self {
        Self {
            members: Vec::new(),
            rooms: worker.mailboxes.clone(),
        }
    }
}

impl Service for Chat {
    type Mail = SharedFrame;

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        request.upgrade().map(|opening| opening.accept(None)).into()
    }

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        self.members.push(peer);
        let _ = context.send(peer, Message::text("welcome"));
    }

    fn message(&mut self, _: &mut Context<'_>, _: PeerId, message: Message<'_>) {
        let frame = SharedFrame::new(message);
        for room in &self.rooms {
            let size = frame.as_bytes().len();
            room.post(frame.clone(), size).expect("there is room");
        }
    }

    fn mail(&mut self, context: &mut Context<'_>, frame: SharedFrame) {
        for member in &self.members {
            let _ = context.send_frame(*member, &frame, 0);
        }
    }

    fn closed(&mut self, _: &mut Context<'_>, peer: PeerId, _: End<'_>) {
        self.members.retain(|member| *member != peer);
    }
}

#[test]
fn everybody_hears_everybody() {
    let options = options().workers(2);
    let server = Server::bind("127.0.0.1:0", options, Chat::new).expect("a free port");
    let mut people: Vec<Client> = (0..8).map(|_| Client::open(server.local_addr())).collect();
    for person in &mut people {
        person.expect_text("welcome");
    }
    for n in 0..people.len() {
        people[n].send_text(&format!("{n} speaks"));
        for person in &mut people {
            person.expect_text(&format!("{n} speaks"));
        }
    }
    let rooms = server.mailboxes().to_vec();
    let news = thread::spawn(move || {
        let frame = SharedFrame::new(Message::text("news"));
        rooms
            .iter()
            .for_each(|room| room.post(frame.clone(), 0).expect("there is room"));
    });
    news.join().expect("posted");
    for person in &mut people {
        person.expect_text("news");
    }
    people.pop();
    people[0].send_text("still here");
    for person in &mut people {
        person.expect_text("still here");
    }
    drop(people);
    server.stop();
    server.join().unwrap();
}
