//! The scan of a dataset, as its operator runs it: the whole command, with the index written.

use super::made::{self, Large, Spec};
use super::peers::{Python, dcmdump, seconds};
use super::rows::{Op, Row};
use super::{ROUNDS, folder, median};
use crate::run::{say, step};
use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// 128 x 128 is the smallest slice that scanners in use make (PET); CT slices are 512 x 512.
///
/// Elements, file meta group and items of sequences counted: 142, 3 sequences among them, 14 of private groups, in 2.8 kB. Real
/// ones have 100 (CT), 157 (PET) and 97 (MR) in ../shared/data/sts (de-identified), 140 in ct512, 268 in pydicom's CT_small.
const SMALL: Spec = Spec { patients: 2_000, slices: 10, side: 128, rich: true };

/// One process, as `pydicom` is used: each file read up to its pixels.
const PYDICOM: &str = "
import sys, time, pathlib, pydicom
files = sorted(str(p) for p in pathlib.Path(sys.argv[1]).rglob('*.dcm'))
begun = time.perf_counter()
for file in files:
    pydicom.dcmread(file, stop_before_pixels=True)
print(time.perf_counter() - begun)
";

pub(super) fn rows(binary: &Path, full: bool) -> Result<Vec<Row>> {
    let below = folder("index")?;
    let ours = Ours { binary, below: &below };
    let mut rows = compared(&ours)?;
    rows.extend(read_whole(&ours, full)?);
    let (contours, pixels) = (made::rtstruct(20 << 20), made::segmentation(40));
    rows.push(passed_over(&ours, "rtstruct", &contours)?);
    rows.push(passed_over(&ours, "seg", &pixels)?);
    rows.extend(grown(&ours, full)?);
    Ok(rows)
}

/// Ours.
struct Ours<'a> {
    binary: &'a Path,
    below: &'a Path,
}

impl Ours<'_> {
    fn command(&self, home: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.binary);
        command.arg("--home").arg(home).arg("--json").args(arguments);
        command
    }

    /// A fresh home with this dataset, not scanned yet.
    fn home(&self, tree: &Path) -> Result<PathBuf> {
        let home = self.below.join("home");
        if home.exists() {
            fs::remove_dir_all(&home)?;
        }
        let path = tree.display().to_string();
        seconds(&mut self.command(&home, &["node", "init"]))?;
        seconds(&mut self.command(&home, &["node", "dataset", "add", "bench", &path]))?;
        let policy = home.join("policy").join("bench.toml");
        let text = fs::read_to_string(&policy)?;
        ensure!(text.contains("size_bound = 500"), "the policy has no size_bound = 500");
        fs::write(policy, text.replace("size_bound = 500", "size_bound = 1000000"))?;
        Ok(home)
    }

    fn scan(&self, home: &Path) -> Command {
        self.command(home, &["node", "scan", "bench"])
    }
}

/// Seconds of each program, a round a place.
#[derive(Default)]
struct Seconds {
    first: Vec<f64>,
    second: Vec<f64>,
    reading: Vec<f64>,
    pydicom: Vec<f64>,
    dcmtk: Vec<f64>,
}

fn compared(ours: &Ours<'_>) -> Result<Vec<Row>> {
    let (python, dcmtk) = (Python::find()?, dcmdump());
    let tree = SMALL.write(ours.below)?;
    let files = files_of(&tree)?;
    read_all(&files)?;
    let mut all = Seconds::default();
    for round in 1..=ROUNDS {
        say(&format!("round {round} of {ROUNDS}"));
        let home = ours.home(&tree)?;
        all.first.push(seconds(&mut ours.scan(&home))?);
        all.second.push(seconds(&mut ours.scan(&home))?);
        all.reading.push(read_all(&files)?);
        if let Some(python) = &python {
            all.pydicom.push(python.number(PYDICOM, &[&tree])?);
        }
        if dcmtk.is_some() {
            let mut command = Command::new("dcmdump");
            all.dcmtk
                .push(seconds(command.args(["-q", "-M", "+sd", "+r"]).arg(&tree).stdout(Stdio::null()))?);
        }
    }
    Ok(compared_rows(all, &dcmtk.unwrap_or_else(|| "dcmtk (not here)".to_owned())))
}

fn compared_rows(all: Seconds, dcmtk: &str) -> Vec<Row> {
    let first = median(all.first);
    let row = |name: &str, against: &str, peer: Vec<f64>, bar| Row {
        name: format!("index, 20,000 files of 142 elements and 128 x 128 pixels, {name}"),
        value: SMALL.files() / first,
        unit: "files/s",
        against: against.to_owned(),
        ratio: Some(median(peer) / first),
        bar,
        op: Op::AtLeast,
    };
    let second = median(all.second);
    vec![
        row("whole command with the index written", "pydicom 3.0.2, stop_before_pixels", all.pydicom, 20.0),
        row("whole command with the index written", &format!("{dcmtk}, dcmdump"), all.dcmtk, 1.0),
        // Files of 36 kB cost more to open than to read; CT slices have the bar of 0.7.
        row("whole command with the index written", "one thread reading the whole files", all.reading, 0.35),
        // The first scan of files this small takes 14 us a file, six times what the system takes to list one.
        second_row(first, second, 5.0),
    ]
}

/// CT slices: half a megabyte each, of which a scan needs 3 kB.
fn read_whole(ours: &Ours<'_>, full: bool) -> Result<Vec<Row>> {
    // The page cache has to hold them all; where memory is short, smaller ones are compared.
    let patients = if full { 2_000 } else { 300 };
    let spec = |side| Spec { patients, slices: 10, side, rich: true };
    let bytes = u64::from(patients) * 10 * 512 * 512 * 2;
    let spec = if available()? > bytes + (6 << 30) { spec(512) } else { spec(256) };
    let tree = spec.write(ours.below)?;
    let files = files_of(&tree)?;
    read_all(&files)?;
    let mut all = Seconds::default();
    for _ in 0..ROUNDS {
        let home = ours.home(&tree)?;
        all.first.push(seconds(&mut ours.scan(&home))?);
        all.second.push(seconds(&mut ours.scan(&home))?);
        all.reading.push(read_all(&files)?);
    }
    fs::remove_dir_all(tree)?;
    Ok(slice_rows(spec, all, full))
}

fn slice_rows(spec: Spec, all: Seconds, full: bool) -> Vec<Row> {
    let (first, second, side) = (median(all.first), median(all.second), spec.side);
    let named = format!("index, {} files of 142 elements and {side} x {side} pixels", spec.files());
    let against = format!("one thread reading the whole files of {side} x {side}");
    let read = Row {
        name: named.clone(),
        value: spec.files() / first,
        unit: "files/s",
        against,
        ratio: Some(median(all.reading) / first),
        bar: 0.7,
        op: Op::AtLeast,
    };
    let again = Row {
        name: format!("{named}, second scan of the unchanged tree"),
        ..second_row(first, second, 10.0)
    };
    // Of few files the start of the program is the most.
    if full { vec![read, again] } else { vec![read] }
}

/// A second scan asks the system for the size and time of every file: 2.2 us of kernel time each, which no scan can save.
fn second_row(first: f64, second: f64, bar: f64) -> Row {
    Row {
        name: "index, second scan of the unchanged tree of 128 x 128 pixels".to_owned(),
        value: second * 1e3,
        unit: "ms",
        against: "the first scan".to_owned(),
        ratio: Some(first / second),
        bar,
        op: Op::AtLeast,
    }
}

/// Bytes of memory that are free or hold what can be read again.
fn available() -> Result<u64> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kib.context("/proc/meminfo does not say what is available")? * 1024)
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files.extend(files_of(&entry.path())?);
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Seconds that one thread takes to read all bytes of these files.
fn read_all(files: &[PathBuf]) -> Result<f64> {
    let begun = Instant::now();
    let mut buffer = vec![0; 1 << 20];
    for path in files {
        let mut file = File::open(path)?;
        while file.read(&mut buffer)? > 0 {}
    }
    Ok(begun.elapsed().as_secs_f64())
}

/// Links to one large file: enough that the start of the command does not count.
const LINKS: u32 = 2_000;

/// A file of 20 MB, of which a scan needs the first few hundred bytes or some kilobytes.
fn passed_over(ours: &Ours<'_>, kind: &str, bytes: &[u8]) -> Result<Row> {
    let Large { file, folder } = made::large(ours.below, kind, bytes, LINKS)?;
    let (mut scans, mut reads) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let home = ours.home(&folder)?;
        scans.push(seconds(&mut ours.scan(&home))? / f64::from(LINKS));
        reads.push(read_all(std::slice::from_ref(&file))?);
    }
    fs::remove_dir_all(folder)?;
    let (scan, read) = (median(scans), median(reads));
    Ok(Row {
        name: format!("index, one {} of {} MB", kind.to_uppercase(), bytes.len() / 1_000_000),
        value: scan * 1e6,
        unit: "us",
        against: "reading the whole file".to_owned(),
        ratio: Some(scan / read),
        bar: 0.1,
        op: Op::AtMost,
    })
}

/// Ten times the patients in about ten times the time, and within a fixed memory.
fn grown(ours: &Ours<'_>, full: bool) -> Result<Vec<Row>> {
    let patients = if full { 100_000 } else { 10_000 };
    let spec = |patients| Spec { patients, slices: 10, side: 8, rich: false };
    let (small, large) = (spec(patients / 10), spec(patients));
    let mut trees = Vec::new();
    for spec in [small, large] {
        let tree = spec.write(ours.below)?;
        read_all(&files_of(&tree)?)?;
        trees.push(tree);
    }
    // Each once in a round, as with every other peer; what takes a minute is run once.
    let rounds = if full { 1 } else { ROUNDS };
    let (mut times, mut peak): ([Vec<f64>; 2], u64) = Default::default();
    for _ in 0..rounds {
        for (tree, times) in trees.iter().zip(&mut times) {
            let home = ours.home(tree)?;
            let (seconds, most) = watched(&mut ours.scan(&home))?;
            times.push(seconds);
            peak = peak.max(most);
        }
    }
    if full {
        step("removing the large tree", Command::new("rm").arg("-rf").args(&trees))?;
    }
    let [small_s, large_s] = times.map(median);
    let name = format!("{patients} patients, {} files", large.files());
    Ok(vec![
        Row {
            name: format!("index, {name}"),
            value: large_s,
            unit: "s",
            against: format!("a tenth of them, {small_s:.2} s"),
            ratio: Some(large_s / small_s),
            bar: 12.0,
            op: Op::AtMost,
        },
        Row {
            name: format!("index, {name}: most memory of the node and its workers"),
            value: megabytes(peak),
            unit: "MB",
            against: String::new(),
            ratio: None,
            bar: 500.0,
            op: Op::AtMost,
        },
    ])
}

#[allow(clippy::cast_precision_loss, reason = "kilobytes of memory are far below 2^53")]
fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 * 1024.0 / 1e6
}

/// Seconds of a command and the sum of the peaks of its own and its workers' resident memory, in KiB.
fn watched(command: &mut Command) -> Result<(f64, u64)> {
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let mut most = 0;
    let status = loop {
        most = memory(&child).max(most);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_millis(5));
    };
    ensure!(status.success(), "{} ended with {status}", crate::run::line(command));
    Ok((begun.elapsed().as_secs_f64(), most))
}

fn memory(child: &Child) -> u64 {
    let threads = fs::read_dir(format!("/proc/{}/task", child.id())).into_iter().flatten().flatten();
    let children = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let workers: Vec<String> =
        children.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
    let own = child.id().to_string();
    workers.iter().chain([&own]).map(|process| peak(process)).sum()
}

/// VmHWM of a process, in KiB; 0 where it is gone.
fn peak(process: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
