//! The same work without a sandbox: the peer of the guest, and the numbers that it must agree with.
//!
//! `kernels-native WHAT FILE REPEAT [WIDTH]` prints the median CPU time of this thread in nanoseconds, a tab, and the numbers as a JSON list.
//! WHAT is that of the guest, WIDTH that of grey levels; FILE the volume that `measure volume` writes, for work on a lesion one that
//! tests/oracles/radiomics_cases.py wrote.

use bench_kernels::{Figures, Filter, GLCM, RADIOMICS, STATISTICS, filtered, matrix, middle, radiomics};
use std::hint::black_box;
use std::{error::Error, fs, process::ExitCode, thread};
use trocar_guest::kernels::Shape;
use trocar_guest::{Fault, Grid, Windows};

type Outcome<T> = Result<T, Box<dyn Error>>;

const PLANE: usize = 512 * 512;

/// Voxels of a slab, as the SDK asks for them.
const SLAB: usize = 2 * PLANE;

/// Nanoseconds that this thread has run. The kernel brings its account up to date when a thread yields.
fn now() -> Outcome<u64> {
    thread::yield_now();
    let account = fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(account.split(' ').next().ok_or("an empty schedstat")?.parse()?)
}

fn timed(repeat: usize, mut work: impl FnMut() -> Outcome<Vec<f64>>) -> Outcome<(u64, Vec<f64>)> {
    let (mut times, mut numbers) = (Vec::new(), Vec::new());
    for _ in 0..repeat {
        let begun = now()?;
        numbers = black_box(work()?);
        times.push(now()? - begun);
    }
    times.sort_unstable();
    Ok((times.get(repeat / 2).copied().unwrap_or(0), numbers))
}

/// In place: the slabs are parts of the volume.
fn statistics(volume: &[i16]) -> Outcome<Vec<f64>> {
    let mut work = Figures::new()?;
    volume.chunks(SLAB).for_each(|slab| work.add(black_box(slab)));
    Ok(work.numbers())
}

/// The lesion of one of pyradiomics' cases: its box, and its marks.
fn lesion(bytes: &[u8]) -> Outcome<(Vec<f32>, Vec<u8>, Shape)> {
    let end = bytes.iter().position(|b| *b == b'\n').ok_or("no head")?;
    let (head, rest) = bytes.split_at(end + 1);
    let sides: Vec<usize> =
        std::str::from_utf8(head)?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [columns, rows, slices] = sides[..] else { return Err("not three sides".into()) };
    let shape = Shape::new(columns, rows, slices);
    let (reals, inside) = rest.split_at_checked(4 * shape.voxels()?).ok_or("too short")?;
    let voxels = reals.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
    Ok((voxels, inside.to_vec(), shape))
}

fn perform(what: i64, bytes: &[u8], repeat: usize, width: f64) -> Outcome<(u64, Vec<f64>)> {
    if what == RADIOMICS {
        let (voxels, inside, shape) = lesion(bytes)?;
        return timed(repeat, || Ok(radiomics(&voxels, &inside, shape, width)?));
    }
    let volume: Vec<i16> = bytes.as_chunks::<2>().0.iter().map(|two| i16::from_le_bytes(*two)).collect();
    if what == STATISTICS {
        return timed(repeat, || statistics(&volume));
    }
    let slices = u32::try_from(volume.len() / PLANE)?;
    let grid = Grid { columns: 512, rows: 512, slices, spacing_mm: (1.0, 1.0, 1.0) };
    if what == GLCM {
        let region = middle(Shape::from(&grid));
        let part =
            volume.get(region.slices.start * PLANE..region.slices.end * PLANE).ok_or("too few slices")?;
        return timed(repeat, || Ok(matrix(&reals(part), region.shape())?));
    }
    let filter = Filter::new(what)?;
    let read = |first: u32, count: u32| {
        let at = |slice: u32| slice as usize * PLANE;
        volume.get(at(first)..at(first + count)).map(reals).ok_or(Fault::OutOfRange)
    };
    timed(repeat, || Ok(filtered(&filter, Windows::new(read, &grid, filter.halo()))?))
}

/// The guest reads reals; this makes them, within the time.
fn reals(voxels: &[i16]) -> Vec<f32> {
    black_box(voxels).iter().map(|v| f32::from(*v)).collect()
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "a program of its own")]
fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = || -> Outcome<(u64, Vec<f64>)> {
        let [what, file, repeat, more @ ..] = &words[..] else {
            return Err("kernels-native WHAT FILE REPEAT [WIDTH]".into());
        };
        let width = more.first().map_or(Ok(25.0), |n| n.parse())?;
        perform(what.parse()?, &fs::read(file)?, repeat.parse()?, width)
    };
    match done() {
        Ok((nanoseconds, numbers)) => {
            println!("{nanoseconds}\t{numbers:?}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("kernels-native: {error}");
            ExitCode::FAILURE
        }
    }
}
