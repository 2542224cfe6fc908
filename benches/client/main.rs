//! The blocking client next to a bare socket and to tungstenite, and masking alone.
//!
//! `cargo bench --bench client` prints a table of echoes: one message in flight, the same server
//! for all, in alternating rounds; the CPU is that of the client's thread. `-- masks` prints how
//! quickly a MiB is masked. `-- --help` has the rest.

mod clients;

use clap::{Parser, ValueEnum};
use clients::{Bare, Echo, Tungstenite, Wirebell};
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::time::{Duration, Instant};
use wirebell::net::{Context, Options, PeerId, Reply, Request, Server, Service};
use wirebell::wire::Mask;
use wirebell::{Limits, Message};

#[derive(Parser)]
struct Args {
    /// What to measure
    #[arg(default_value = "echo")]
    what: What,
    /// Rounds, of which the medians count
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Bytes that each side of a round echoes, about
    #[arg(long, default_value_t = 32 << 20)]
    bytes: usize,
    /// Only this length
    #[arg(long)]
    size: Option<usize>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    Echo,
    Masks,
}

const SIZES: [usize; 9] = [
    16,
    32,
    256,
    1024,
    16 << 10,
    64 << 10,
    256 << 10,
    1 << 20,
    4 << 20,
];

/// Messages of one round at most: a tenth of a second on any machine.
const MOST: usize = 10_000;

fn main() {
    let args = Args::parse();
    match args.what {
        What::Echo => echo(&args),
        What::Masks => masks(args.rounds),
    }
}

struct EchoService;

impl Service for EchoService {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, request: &Request<'r>) -> Reply<'r> {
        request.handshake().map(|ask| ask.accept(None)).into()
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let _ = context.send(peer, message);
    }
}

/// What one client took for one message.
#[derive(Clone, Copy)]
struct Cost {
    cpu: f64,
    wall: f64,
}

fn echo(args: &Args) {
    let options = Options {
        workers: 1,
        limits: Limits {
            queued_bytes: 64 << 20,
            ..Limits::default()
        },
        ..Options::default()
    };
    let server = Server::bind("127.0.0.1:0", options, |_| EchoService).expect("a server");
    let address = server.local_addr();
    println!(
        "{:>8} {:>12} {:>12} {:>12} {:>10} {:>14}",
        "bytes", "bare ns", "wirebell ns", "tungsten. ns", "CPU/bare", "rate/tungsten."
    );
    for size in SIZES
        .into_iter()
        .filter(|size| args.size.is_none_or(|one| one == *size))
    {
        let payload: Vec<u8> = (0..size).map(|i| i as u8).collect();
        let messages = (args.bytes / size).clamp(4, MOST);
        let mut bare = Bare::connect(address, &payload);
        let mut ours = Wirebell::connect(address);
        let mut theirs = Tungstenite::connect(address);
        let mut rounds = Vec::new();
        for round in 0..=args.rounds {
            let costs = [
                measure(&mut bare, &payload, messages),
                measure(&mut ours, &payload, messages),
                measure(&mut theirs, &payload, messages),
            ];
            if round > 0 {
                rounds.push(costs);
            }
        }
        let cpu = |which: usize| median(rounds.iter().map(|costs| costs[which].cpu));
        let to_bare = median(rounds.iter().map(|costs| costs[1].cpu / costs[0].cpu));
        let to_theirs = median(rounds.iter().map(|costs| costs[2].wall / costs[1].wall));
        println!(
            "{size:>8} {:>12.0} {:>12.0} {:>12.0} {to_bare:>10.2} {to_theirs:>14.2}",
            cpu(0),
            cpu(1),
            cpu(2)
        );
    }
    server.stop();
    server.join();
}

fn measure(client: &mut impl Echo, payload: &[u8], messages: usize) -> Cost {
    let (cpu, wall) = (thread_time(), Instant::now());
    for _ in 0..messages {
        client.echo(payload);
    }
    let per_message = |time: Duration| time.as_nanos() as f64 / messages as f64;
    Cost {
        cpu: per_message(thread_time() - cpu),
        wall: per_message(wall.elapsed()),
    }
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Masks a MiB in place, and from one place to another.
fn masks(rounds: usize) {
    const REPEATS: u32 = 500;
    let from: Vec<u8> = (0..1 << 20).map(|i| i as u8).collect();
    let mut to = from.clone();
    let rate = |time: Duration| f64::from(REPEATS) * from.len() as f64 / time.as_secs_f64() / 1e9;
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..=rounds {
        let began = Instant::now();
        for n in 0..REPEATS {
            Mask::new(n.to_ne_bytes().map(|byte| byte | 1)).apply(black_box(&mut to));
        }
        rates[0].push(rate(began.elapsed()));
        let began = Instant::now();
        for n in 0..REPEATS {
            let mut mask = Mask::new(n.to_ne_bytes().map(|byte| byte | 1));
            mask.copy(black_box(&from), black_box(&mut to));
        }
        rates[1].push(rate(began.elapsed()));
    }
    for (name, rates) in ["in place", "while copying"].iter().zip(rates) {
        println!(
            "masking 1 MiB {name}: {:.1} GB/s",
            median(rates.into_iter().skip(1))
        );
    }
}
