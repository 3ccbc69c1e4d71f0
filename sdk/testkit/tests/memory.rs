//! A cohort of any size is written from the memory of one patient. Alone in its binary: the peak is the process's.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it skips"
)]

use trocar_terms::Modality;
use trocar_testkit::{
    Size,
    cohort::{self, Recipe},
};

/// The most memory that this process has held, in KiB.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn ten_times_as_many_patients_take_no_more_memory() {
    if peak_kib().is_none() {
        println!("skipped: the system does not say how much memory a process has held");
        return;
    }
    let written = |patients| {
        let dir = tempfile::tempdir().unwrap();
        let modalities = vec![Modality::CT, Modality::PT];
        let recipe =
            Recipe { size: Size::Tiny, tables: true, modalities, ..Recipe::new(patients, 1, Modality::CT) };
        cohort::write(dir.path(), recipe).unwrap();
        peak_kib().unwrap()
    };
    let (few, many) = (written(200), written(2_000));
    println!("peak with 200 patients {few} KiB, with 2,000 {many} KiB");
    // All files of 2,000 patients are 32 MB, all rows 0.8 MB.
    assert!(many < few + 512, "{few} KiB for 200 patients, {many} KiB for 2,000");
}
