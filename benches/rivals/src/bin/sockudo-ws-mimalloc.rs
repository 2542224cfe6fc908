//! An echo server made with sockudo-ws and the allocator that its documentation recommends for
//! production.

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> rivals::Outcome {
    rivals::sockudo::run("sockudo-ws-mimalloc")
}
