//! One publication to many subscribers, from the call until the last of them has it.
//!
//! `cargo bench --bench fanout`. A real server and real sockets, all in this process: it measures
//! the whole way, kernel included. `benches/loopback` has the server's share alone, next to bare
//! writes.
#![forbid(unsafe_code)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;
use wirebell::net::Options;
use wirebell::push::{PushServer, Settings};

const REGISTRATION: &[u8] = br#"{"token":"u","event":"e"}"#;

fn subscribe(server: &PushServer) -> TcpStream {
    let mut stream = TcpStream::connect(server.local_addr()).expect("connects");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    let request = "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
                   Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("writes");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("reads the response");
        head.push(byte[0]);
    }
    // A key of zeros leaves the payload as it is.
    let mut frame = vec![0x81, 0x80 | REGISTRATION.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(REGISTRATION);
    stream.write_all(&frame).expect("writes");
    stream
}

fn fan_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan_out");
    group.sample_size(20);
    for subscribers in [1usize, 100, 1000] {
        let options = Options::default().workers(1);
        let server =
            PushServer::bind("127.0.0.1:0", options, Settings::default()).expect("a free port");
        let mut streams: Vec<_> = (0..subscribers).map(|_| subscribe(&server)).collect();
        while server.push("u", "e", "ready") != Ok(subscribers) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let message = "x".repeat(120);
        let mut buffer = vec![0; 64 * 1024];
        for stream in &mut streams {
            drain(stream, &mut buffer);
        }
        group.throughput(Throughput::Elements(subscribers as u64));
        group.bench_function(BenchmarkId::from_parameter(subscribers), |bencher| {
            bencher.iter(|| {
                server.push("u", "e", &message).expect("it runs");
                for stream in &mut streams {
                    stream
                        .read_exact(&mut buffer[..2 + message.len()])
                        .expect("a frame");
                }
            });
        });
        server.stop();
        server.join().unwrap();
    }
}

/// Reads away what came while the subscribers registered.
fn drain(stream: &mut TcpStream, buffer: &mut [u8]) {
    stream
        .set_read_timeout(Some(Duration::from_millis(20)))
        .expect("a timeout");
    while stream.read(buffer).is_ok() {}
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
}

criterion_group!(benches, fan_out);
criterion_main!(benches);
