//! How long the first frame of each file takes to decode: for `cargo xtask bench decode`, which runs pydicom beside it.
//!
//! A line is the file, the bytes that come out, and the nanoseconds of the fastest of so many runs, on one thread. The
//! file's header is read once, outside the time, and its bytes are in memory, as they are for the peer.

use std::{io::Cursor, process::ExitCode, time::Instant};
use trocar_imaging::PixelFile;

const RUNS: usize = 20;

fn time(path: &str) -> Result<(usize, u128), Box<dyn std::error::Error>> {
    let bytes = std::fs::read(path)?;
    let mut file = PixelFile::open(Cursor::new(&bytes[..]))?;
    let size = file.frame(0)?.to_le_bytes().len();
    let mut fastest = u128::MAX;
    for _ in 0..RUNS {
        let start = Instant::now();
        std::hint::black_box(file.frame(0)?);
        fastest = fastest.min(start.elapsed().as_nanos());
    }
    Ok((size, fastest))
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "a program of its own")]
fn main() -> ExitCode {
    for path in std::env::args().skip(1) {
        match time(&path) {
            Ok((size, fastest)) => println!("{path}\t{size}\t{fastest}"),
            Err(error) => {
                eprintln!("{path}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
