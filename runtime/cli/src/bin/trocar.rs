//! `trocar`, with the clock and the randomness of the operating system. It has no switch for any other.

use std::process::ExitCode;

fn main() -> ExitCode {
    trocar::main(trocar::Outside::SYSTEM)
}
