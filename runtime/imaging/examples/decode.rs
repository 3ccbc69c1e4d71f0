//! How long decoding takes: for `cargo xtask bench decode`, which runs pydicom beside it.
//!
//! `decode FILE...`: for each file, the fastest of 20 decodes of its first frame on one thread, its header read and its bytes in
//! memory before, as they are for the peer. `decode --threads N FILE...`: the files of one series, decoded as for the node's
//! cache. A line is the file, `ours`, nanoseconds.

use std::{error::Error, fs::File, io::Cursor, num::NonZero, process::ExitCode, time::Instant};
use trocar_imaging::{PixelFile, ScanRules, decode_series, group, read_header};
use trocar_terms::{Deidentification, Modality, PrivateGroups};

const RUNS: usize = 20;

fn frame(path: &str) -> Result<u128, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    let mut file = PixelFile::open(Cursor::new(&bytes[..]))?;
    let mut fastest = u128::MAX;
    for _ in 0..RUNS {
        let start = Instant::now();
        std::hint::black_box(file.frame(0)?);
        fastest = fastest.min(start.elapsed().as_nanos());
    }
    Ok(fastest)
}

fn series(paths: &[String], threads: NonZero<usize>) -> Result<u128, Box<dyn Error>> {
    let rules = ScanRules {
        deidentification: Deidentification { require: true, private_groups: PrivateGroups::Ignore },
        modalities: vec![Modality::CT],
        attributes: Vec::new(),
    };
    let mut headers = Vec::new();
    for (at, path) in (0..).zip(paths) {
        headers.push((at, read_header(&mut File::open(path)?, &rules)?));
    }
    let grouped = group(headers);
    let record = grouped.patients.first().and_then(|p| p.series.first()).ok_or("the files are no series")?;
    let files: Vec<&String> = record.files.iter().filter_map(|at| paths.get(*at as usize)).collect();
    let opened = files.iter().map(File::open).collect::<Result<Vec<_>, _>>()?;
    let places = (0..u32::try_from(files.len())?).collect();
    let out = std::env::temp_dir().join(format!("trocar-decode-{}", std::process::id()));
    let file = File::create_new(&out)?;
    std::fs::remove_file(out)?;
    let start = Instant::now();
    decode_series(record.subject(places), opened, &file, threads)?;
    Ok(start.elapsed().as_nanos())
}

#[allow(clippy::print_stdout, reason = "a program of its own")]
fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    if let [flag, threads, paths @ ..] = arguments
        && flag == "--threads"
    {
        println!("series\tours\t{}", series(paths, threads.parse()?)?);
        return Ok(());
    }
    for path in arguments {
        println!("{path}\tours\t{}", frame(path)?);
    }
    Ok(())
}

#[allow(clippy::print_stderr, reason = "a program of its own")]
fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
