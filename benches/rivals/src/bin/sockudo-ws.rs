//! An echo server made with sockudo-ws.

fn main() -> rivals::Outcome {
    rivals::sockudo::run("sockudo-ws")
}
