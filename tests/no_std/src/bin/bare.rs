//! Nothing but the board: what all programs have.
#![no_std]
#![no_main]

use wirebell_no_std::board;

#[unsafe(no_mangle)]
extern "C" fn run() {
    board::line("stack", board::stack(|| true));
}
