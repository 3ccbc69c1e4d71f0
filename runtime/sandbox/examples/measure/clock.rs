//! CPU time of the calling thread, so that what else the machine does is not measured.

use std::{error::Error, fs, thread};

/// Nanoseconds that this thread has run. The kernel brings its account up to date when a thread yields.
pub(crate) fn now() -> Result<u64, Box<dyn Error>> {
    thread::yield_now();
    let account = fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(account.split(' ').next().ok_or("an empty schedstat")?.parse()?)
}

/// The time of each of so many runs.
pub(crate) fn times<E: Error + 'static>(
    runs: usize,
    mut run: impl FnMut() -> Result<(), E>,
) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut all = Vec::with_capacity(runs);
    for _ in 0..runs {
        let begun = now()?;
        run()?;
        all.push((now()? - begun) as f64);
    }
    Ok(all)
}

/// The middle one.
pub(crate) fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}
