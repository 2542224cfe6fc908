//! One peer that sends as fast as it can does not keep others waiting.

use crate::net_support::{Client, Probes, options};
use crate::support::frames::{binary, text};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wirebell::Role;

#[test]
fn a_flooding_peer_does_not_starve_another() {
    // The loop may do one buffer's worth for the flood, then it is the other's turn.
    let server = Probes::start(options().receive_buffer(16 * 1024));
    for flood in [
        text("small").to(Role::Server).repeat(5000),
        binary(&[0; 200_000]).to(Role::Server),
    ] {
        let mut flooding = Client::open_at(server.address(), "/sink");
        let over = Arc::new(AtomicBool::new(false));
        let sender = {
            let over = Arc::clone(&over);
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    flooding.send(&flood);
                }
            })
        };
        let before = server.counters().messages;
        let mut client = server.open();
        let (start, mut echoes, mut longest) = (Instant::now(), 0, Duration::ZERO);
        while echoes < 20 || start.elapsed() < Duration::from_millis(500) {
            let began = Instant::now();
            client.expect_echo("steady");
            longest = longest.max(began.elapsed());
            echoes += 1;
        }
        // In the meantime the loop had the flood as well.
        let flooded = server.counters().messages - before - echoes;
        over.store(true, Ordering::Relaxed);
        sender.join().expect("it could send all the time");
        assert!(flooded > 20, "{flooded} messages");
        assert!(longest < Duration::from_secs(3), "{longest:?}");
    }
}
