//! A Cortex-M4 as QEMU has it: from reset to `run`, the depth of the stack, and text for the host.
//!
//! Input: a program's `run`. Output: lines on the standard output of QEMU, and its exit status.
//! Invariant: nothing here is counted: the program `bare` has it as well.

use core::arch::{asm, global_asm};

global_asm!(
    ".section .vectors, \"a\"",
    ".word stack_top",
    ".word reset",
    ".rept 14",
    ".word failed",
    ".endr",
);

unsafe extern "C" {
    static code_end: u8;
    static mut stack_bottom: u32;
    /// The program.
    safe fn run();
}

#[unsafe(no_mangle)]
extern "C" fn reset() -> ! {
    line("text", &raw const code_end as usize);
    run();
    exit(0x20026)
}

/// Ends QEMU with status 1: also for every fault.
#[unsafe(no_mangle)]
pub extern "C" fn failed() -> ! {
    exit(0x20023)
}

fn exit(reason: usize) -> ! {
    call(0x18, reason);
    loop {}
}

/// Semihosting: QEMU does what the number says.
fn call(operation: usize, argument: usize) {
    // SAFETY: the debugger, which QEMU is here, reads at most the text that `line` passes.
    unsafe {
        asm!("bkpt 0xab", inout("r0") operation => _, in("r1") argument);
    }
}

/// Prints `name number`.
#[inline(never)]
pub fn line(name: &str, number: usize) {
    let mut text = [0; 40];
    text[..name.len()].copy_from_slice(name.as_bytes());
    text[name.len()] = b' ';
    let (mut rest, mut at) = (number, name.len() + 8);
    text[at] = b'\n';
    for _ in 0..7 {
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    call(0x04, text.as_ptr() as usize);
}

const PAINT: u32 = 0x5ca1_ab1e;

/// Its frame begins below the stack pointer that `stack` has read.
#[inline(never)]
fn enter(run: impl FnOnce() -> bool) -> bool {
    run()
}

/// How many bytes of stack `run` takes, which returns whether all went well.
#[inline(never)]
pub fn stack(run: impl FnOnce() -> bool) -> usize {
    let top: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) top) };
    let bottom = &raw mut stack_bottom;
    let words = (top - bottom as usize) / 4;
    for at in 0..words {
        // SAFETY: below the stack pointer, in its memory; nothing interrupts.
        unsafe { bottom.add(at).write_volatile(PAINT) };
    }
    if !enter(run) {
        failed();
    }
    // SAFETY: as above.
    let is_painted = |at: &usize| unsafe { bottom.add(*at).read_volatile() } == PAINT;
    top - bottom as usize - 4 * (0..words).take_while(is_painted).count()
}
