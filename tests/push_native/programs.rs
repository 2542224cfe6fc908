//! What programs add to the push server: functions that decide, and a service of their own.

use super::{BEGIN, Native, bearer};
use crate::net_support::push::{ask, publication, registration};
use crate::net_support::{Client, limits, options_with};
use crate::support::frames::{ping, pong};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use wirebell::Message;
use wirebell::http::Status;
use wirebell::net::{Context, Listen, PeerId, Reply, Request, Response, Service};
use wirebell::push::{Auth, Broker, Grant, MayPublish, PushKey, PushServer, Settings};

/// Tokens are `of-NAME`; that of `late` ends after ten seconds.
fn names() -> Auth {
    Auth::default().function(|token| {
        let name = token.strip_prefix("of-")?;
        let own = vec![format!("users.{name}.**").parse().ok()?];
        let grant = Grant::new(name, own.clone(), own);
        match name {
            "late" => Some(grant.until(BEGIN + 10_000)),
            _ => Some(grant),
        }
    })
}

#[test]
fn a_function_knows_tokens() {
    let native = Native::with(Settings::default().auth(Some(names())));
    let publish = |topic: &str, token: &str| {
        let target = format!("/topics/{topic}");
        native.post(&target, &bearer(token), "x").status
    };
    assert_eq!(publish("users.alice.a", "of-alice"), 202);
    assert_eq!(publish("users.alice.a", "of-bob"), 403);
    assert_eq!(publish("users.alice.a", "alice"), 401);
    let stats = native.get("/topics/$stats?poll=0", &bearer("of-alice"));
    assert_eq!(stats.status, 403);
    let mut late = native.raw("/topics/users.late.**?token=of-late");
    native.advance(10_000);
    late.expect_close(4001);
    assert_eq!(publish("users.late.a", "of-late"), 401);
}

#[test]
fn its_names_are_the_users_of_the_wserver_dialect() {
    let settings = Settings::default().auth(Some(names()));
    let native = Native::with(settings.push_key(PushKey::new("key")));
    let mut alice = native.raw("/ws");
    alice.register(&registration("of-alice", "e"));
    let mut wrong = native.raw("/ws");
    assert_eq!(
        wrong.refused(&registration("alice", "e"), 1008),
        "unknown token"
    );
    let answer = native.post("/push", &bearer("key"), publication("alice", "e", "m"));
    assert_eq!(answer.body, "message sent to 1 clients");
    alice.expect_text("m");
}

#[test]
fn a_function_decides_who_pushes() {
    let may_publish = MayPublish::new(|head| match head.fields.get("X-Team") {
        Some("shop") => Ok(()),
        Some(_) => Err(Response::text(Status::FORBIDDEN, "not your team")),
        None => Err(Response::text(Status::UNAUTHORIZED, "which team?")),
    });
    let settings = Settings::default().may_publish(Some(may_publish));
    let native = Native::with(settings.clone().auth(Some(Auth::default())));
    let body = publication("a", "e", "m");
    let push = |fields: &str| {
        let answer = native.post("/push", fields, &body);
        (answer.status, answer.body)
    };
    assert_eq!(push("X-Team: shop\r\n").0, 200);
    assert_eq!(push("X-Team: x\r\n"), (403, "not your team".into()));
    assert_eq!(push("").0, 401);
    // With a key both must agree.
    let native = Native::with(settings.push_key(PushKey::new("key")));
    let team = "X-Team: shop\r\n";
    let both = format!("{}{team}", bearer("key"));
    for (fields, expected) in [(team, 401), (&*bearer("key"), 401), (&*both, 200)] {
        let answer = ask(&mut native.connect(), "POST", "/push", fields, &body);
        assert_eq!(answer.status, expected, "{fields}");
    }
}

/// `/chat` is a WebSocket whose messages are published, and which follows two patterns.
struct Chat {
    broker: Broker,
}

impl Service for Chat {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        match request.head().path() {
            "/chat" => request.upgrade().map(|it| it.accept(None)).into(),
            "/hello" => Response::text(Status::OK, "hello").into(),
            _ => Response::new(Status::NOT_FOUND).into(),
        }
    }

    fn opened(&mut self, _: &mut Context<'_>, peer: PeerId) {
        let patterns = ["chat", "*"].map(|it| it.parse().expect("a pattern"));
        self.broker.follow(peer, &patterns).expect("there is room");
    }

    fn message(&mut self, _: &mut Context<'_>, _: PeerId, message: Message<'_>) {
        let topic = "chat".parse().expect("a topic");
        self.broker.send(topic, message.into()).expect("it runs");
    }
}

#[test]
fn a_service_beside_uses_the_topics() {
    let address: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let options = options_with(limits()).workers(2);
    let listen = Listen::tcp(address).expect("an address");
    let make = |broker: &Broker| Chat {
        broker: broker.clone(),
    };
    let server = PushServer::beside([listen], &[address], options, Settings::default(), make);
    let server = server.expect("a free port");
    let at = server.local_addr();
    let connect = || Client::connect(at);
    let get = |path: &str| ask(&mut connect(), "GET", path, "", "");
    assert_eq!(get("/hello").body, "hello");
    assert_eq!(get("/healthz").body, "ok");
    assert_eq!(get("/nowhere").status, 404);
    let foreign = "Origin: https://evil.example\r\n";
    assert_eq!(
        ask(&mut connect(), "GET", "/hello", foreign, "").status,
        403
    );
    let mut chats = [(); 3].map(|()| connect().upgraded("/chat"));
    let mut raw = connect().upgraded("/topics/chat");
    let mut user = connect().upgraded("/ws");
    user.register(&registration("a", "e"));
    // It follows once its own loop has read its mail: then it counts, and its pong has come.
    for chat in &mut chats {
        chat.expect_nothing();
    }
    chats[0].send_text("to all");
    raw.expect_text("to all");
    assert_eq!(
        ask(&mut connect(), "POST", "/topics/chat", "", "more").status,
        201
    );
    raw.expect_text("more");
    for chat in &mut chats {
        chat.expect_text("to all");
        chat.expect_text("more");
    }
    assert_eq!(server.push("a", "e", "m"), Ok(1));
    user.expect_text("m");
    let topic = "chat".parse().expect("a topic");
    assert_eq!(server.broker().presence(&topic).connections, 4);
    drop(chats);
    server.stop();
    server.join().expect("it stops");
}

/// A program whose WebSocket at `/own` follows the topic `a`, and which notes the Pongs it gets.
struct Follower {
    broker: Broker,
    pongs: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Service for Follower {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        request.upgrade().map(|it| it.accept(None)).into()
    }

    fn opened(&mut self, _: &mut Context<'_>, peer: PeerId) {
        let pattern = "a".parse().expect("a pattern");
        let followed = self.broker.follow(peer, &[pattern]);
        followed.expect("there is room");
    }

    fn message(&mut self, _: &mut Context<'_>, _: PeerId, _: Message<'_>) {}

    fn pong(&mut self, _: &mut Context<'_>, _: PeerId, payload: &[u8]) {
        self.pongs.lock().expect("whole").push(payload.to_vec());
    }
}

#[test]
// req: push-receipt-02
fn connections_of_a_program_give_receipts() {
    let pongs = Arc::<Mutex<Vec<Vec<u8>>>>::default();
    let address: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let listen = Listen::tcp(address).expect("an address");
    let noted = pongs.clone();
    let make = move |broker: &Broker| Follower {
        broker: broker.clone(),
        pongs: noted.clone(),
    };
    let options = options_with(limits());
    let server = PushServer::beside([listen], &[address], options, Settings::default(), make);
    let server = server.expect("a free port");
    let mut own = Client::connect(server.local_addr()).upgraded("/own");
    own.expect_nothing();
    let mut publisher = Client::connect(server.local_addr());
    let head =
        "POST /topics/a?receipt=50s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx";
    publisher.send(head);
    own.expect_text("x");
    let asked = own.frame();
    assert_eq!(asked, ping(&asked.payload), "not a Ping");
    own.send_frame(&pong(b"unsolicited"));
    own.send_frame(&pong(&asked.payload));
    let answer = publisher.response();
    let counts = r#""matched":1,"written":1,"confirmed":1,"unsupported":0"#;
    assert!(answer.body.contains(counts), "{}", answer.body);
    let others = pongs.lock().expect("whole").clone();
    assert!(others.contains(&b"unsolicited".to_vec()), "{others:?}");
    assert!(!others.contains(&asked.payload), "{others:?}");
    server.stop();
    server.join().expect("it stops");
}
