//! Ten thousand hostile files through real worker processes: the node survives all of them, each has an outcome, none
//! takes long and no worker grows large. Alone in its binary: every child of this process is a worker.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the helpers of a test may panic as the test itself may, and it says what it has seen"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};
use trocar_terms::{Deidentification, Limits, Modality, PrivateGroups};
use trocar_testkit::mutant::mutant;
use trocar_worker::{
    Grant, JobModels, Launcher, MapJob, Mapped, Reason, Scan, ScanRules, SeriesRecord, Subject, compile, map,
    scan,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

const WORKER: &str = env!("CARGO_BIN_EXE_trocar-worker");
const MUTANTS: u32 = 10_000;
const SEED: u64 = 1;
/// What one file may take, and what a worker may hold.
const PATIENCE: Duration = Duration::from_secs(2);
const MEMORY_KIB: u64 = 512 << 10;
/// Series that one worker opens, one after the other.
const BATCH: usize = 50;

fn rules() -> ScanRules {
    ScanRules {
        deidentification: Deidentification { require: true, private_groups: PrivateGroups::Ignore },
        modalities: vec![Modality::CT, Modality::MR, Modality::PT],
        attributes: vec![],
    }
}

fn grant() -> Grant {
    Grant {
        modalities: rules().modalities,
        pixels: true,
        masks: vec!["Lesion".into()],
        attributes: vec![],
        columns: vec![],
        models: false,
    }
}

/// Opens series 0 to 49, reads every slice of each, asks for a mask of each, and answers how many slices it could read.
const READ_ALL: &str = r#"(module
  (import "trocar:guest/imaging@0.1.0" "[method]patient.open" (func $open (param i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.0" "[method]patient.open-mask" (func $mask (param i32 i32 i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.0" "[method]volume.grid" (func $grid (param i32 i32)))
  (import "trocar:guest/imaging@0.1.0" "[method]volume.read-bytes" (func $read (param i32 i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.0" "[resource-drop]volume" (func $close (param i32)))
  (memory (export "memory") 72)
  (data (i32.const 16) "Lesion")
  (global $free (mut i32) (i32.const 8192))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $free)
    (global.set $free (i32.and (i32.add (i32.add (global.get $free) (local.get 3)) (i32.const 7)) (i32.const -8))))
  (func (export "map-patient") (param $patient i32) (param i32 i32 i32 i32) (result i32)
    (local $series i32) (local $z i32) (local $seen f64)
    (loop $all
      (call $mask (local.get $patient) (local.get $series) (i32.const 16) (i32.const 6) (i32.const 200))
      (call $open (local.get $patient) (local.get $series) (i32.const 64))
      (if (i32.eqz (i32.load8_u (i32.const 64)))
        (then
          (call $grid (i32.load (i32.const 68)) (i32.const 128))
          (local.set $z (i32.const 0))
          (loop $slices
            (global.set $free (i32.const 8192))
            (call $read (i32.load (i32.const 68)) (local.get $z) (i32.const 1) (i32.const 96))
            (if (i32.eqz (i32.load8_u (i32.const 96)))
              (then (local.set $seen (f64.add (local.get $seen) (f64.const 1)))))
            (local.set $z (i32.add (local.get $z) (i32.const 1)))
            (br_if $slices (i32.lt_u (local.get $z) (i32.load (i32.const 136)))))
          (call $close (i32.load (i32.const 68)))))
      (local.set $series (i32.add (local.get $series) (i32.const 1)))
      (br_if $all (i32.lt_u (local.get $series) (i32.const 50))))
    (f64.store (i32.const 1024) (local.get $seen))
    (i32.store (i32.const 512) (i32.const 1024)) (i32.store (i32.const 516) (i32.const 1))
    (i32.store (i32.const 500) (i32.const 512)) (i32.store (i32.const 504) (i32.const 1))
    (i32.const 500)))"#;

fn job(launcher: &Launcher) -> MapJob {
    let mut module = wat::parse_str(READ_ALL).expect("WAT");
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir("../../sdk/wit").expect("sdk/wit");
    let world = resolve.select_world(&[package], Some("algorithm")).expect("world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).expect("embeds");
    let component = ComponentEncoder::default().module(&module).expect("module").encode().expect("encodes");
    let code = compile(launcher, &component, &grant()).expect("compiles");
    let limits = Limits::new(15_000_000_000, 16, 60).unwrap();
    MapJob {
        code,
        models: JobModels::default(),
        grant: grant(),
        limits,
        params: vec![],
        state: vec![],
        shape: vec![1],
        author: true,
        shared: false,
    }
}

/// The largest memory that a child of this process has held, in KiB, while something is done.
fn watched<T>(what: impl FnOnce() -> T) -> (T, u64) {
    let (done, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                peak.fetch_max(children().filter_map(peak_kib).max().unwrap_or_default(), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(2));
            }
        });
        let result = what();
        done.store(true, Ordering::Relaxed);
        (result, peak.load(Ordering::Relaxed))
    })
}

/// Children of this process, and theirs.
fn children() -> impl Iterator<Item = String> {
    let own = children_of("self");
    own.into_iter().flat_map(|child| children_of(&child).into_iter().chain([child]).collect::<Vec<_>>())
}

fn children_of(pid: &str) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).unwrap_or_default();
    let found: Vec<String> = tasks.map(of).collect();
    found.join(" ").split_whitespace().map(str::to_owned).collect()
}

fn peak_kib(pid: String) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// What became of a batch of series: their number of slices, or words.
fn mapped(
    launcher: &Launcher,
    job: &MapJob,
    root: &Path,
    scan: &Scan,
    batch: &[&SeriesRecord],
) -> Result<u64, String> {
    let mut files = Vec::new();
    let series = batch.iter().map(|record| {
        let first = u32::try_from(files.len()).unwrap();
        files.extend(
            record.files.iter().map(|f| File::open(root.join(&scan.files[*f as usize].path)).unwrap()),
        );
        let places = (first..u32::try_from(files.len()).unwrap()).collect();
        record.subject(places)
    });
    let subject = Subject { series: series.collect(), ..Subject::default() };
    let Mapped { contribution, detail, node_fault } = map(launcher, job, subject, files);
    assert!(!node_fault, "a hostile file became the node's fault");
    let json = contribution.map(|c| serde_json::to_value(c).unwrap());
    json.and_then(|json| json[0][0].as_f64()).map(|slices| slices as u64).ok_or(detail.unwrap_or_default())
}

/// Maps series in batches, and each of a batch that fails or is slow by itself.
struct Reading<'a> {
    launcher: &'a Launcher,
    job: &'a MapJob,
    root: &'a Path,
    scan: &'a Scan,
    slices: u64,
    failed: Vec<(String, String)>,
}

impl Reading<'_> {
    fn read(&mut self, batch: &[&SeriesRecord]) {
        let once = || {
            let begun = Instant::now();
            (mapped(self.launcher, self.job, self.root, self.scan, batch), begun.elapsed())
        };
        let (mut seen, mut took) = once();
        if batch.len() == 1 && took > PATIENCE {
            // The machine may have had something else to do.
            (seen, took) = once();
        }
        let slow = took > PATIENCE;
        match (seen, batch) {
            (Ok(slices), _) if !slow => self.slices += slices,
            (seen, [one]) => {
                let path = &self.scan.files[one.files[0] as usize].path;
                let words = seen.err().unwrap_or_else(|| format!("took {took:?}"));
                self.failed.push((path.display().to_string(), words));
            }
            (_, _) => {
                let (left, right) = batch.split_at(batch.len() / 2);
                self.read(left);
                self.read(right);
            }
        }
    }
}

/// Every file is used or quarantined, and none is both.
fn outcomes(scan: &Scan) -> BTreeMap<&'static str, u32> {
    let series = scan.patients.iter().flat_map(|p| &p.series).flat_map(|s| &s.files);
    let masks = scan.patients.iter().flat_map(|p| &p.masks).flat_map(|m| &m.files);
    let used: BTreeSet<_> = series.chain(masks).map(|f| &scan.files[*f as usize].path).collect();
    let refused: BTreeSet<_> = scan.quarantined.iter().map(|(path, _)| path).collect();
    assert_eq!(scan.quarantined.len(), refused.len(), "a file is quarantined twice");
    assert!(used.is_disjoint(&refused), "a file is both used and quarantined");
    assert_eq!(used.len() + refused.len(), scan.files.len(), "a file has no outcome");
    let mut counts = BTreeMap::from([("used", u32::try_from(used.len()).unwrap())]);
    for (_, reason) in &scan.quarantined {
        *counts.entry(reason.word()).or_default() += 1;
    }
    counts
}

#[test]
fn ten_thousand_hostile_files_leave_the_node_standing_and_each_with_an_outcome() {
    let (folder, launcher) = (tempfile::tempdir().unwrap(), Launcher::new(WORKER.into()));
    let root = folder.path();
    let mut families = BTreeMap::new();
    for number in 0..MUTANTS {
        let made = mutant(SEED, number);
        families.insert(format!("{number:05}.dcm"), (made.family, made.kind));
        fs::write(root.join(format!("{number:05}.dcm")), made.bytes).unwrap();
    }
    let begun = Instant::now();
    let (found, scanning) = watched(|| scan(&launcher, root, &rules(), 2, &mut |_, _| {}).unwrap());
    println!("scanned in {:?}, workers held up to {scanning} KiB", begun.elapsed());
    assert_eq!(found.files.len(), MUTANTS as usize);
    println!("{:?}", outcomes(&found));
    let died: Vec<_> = found.quarantined.iter().filter(|(_, reason)| *reason == Reason::Died).collect();
    let named = |path: &Path| families.get(&path.display().to_string());
    for (path, _) in &died {
        println!("a worker died of {} {:?}", path.display(), named(path));
    }

    let series: Vec<_> = found.patients.iter().flat_map(|p| &p.series).collect();
    let job = job(&launcher);
    let mut reading =
        Reading { launcher: &launcher, job: &job, root, scan: &found, slices: 0, failed: Vec::new() };
    let begun = Instant::now();
    let ((), mapping) = watched(|| series.chunks(BATCH).for_each(|batch| reading.read(batch)));
    println!("read {} slices of {} series in {:?}", reading.slices, series.len(), begun.elapsed());
    println!("workers held up to {mapping} KiB");
    for (path, words) in &reading.failed {
        println!("{path} {:?}: {words}", named(Path::new(path)));
    }
    assert!(died.is_empty() && reading.failed.is_empty(), "a worker died, or was slow");
    assert!(scanning.max(mapping) < MEMORY_KIB, "a worker held {} KiB", scanning.max(mapping));
}

#[test]
fn the_costliest_headers_are_read_within_two_seconds_each() {
    let launcher = Launcher::new(WORKER.into());
    for number in (0..MUTANTS).filter(|number| number % 1_000 == 999) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bomb.dcm"), mutant(SEED, number).bytes).unwrap();
        let timed = || {
            let begun = Instant::now();
            let found = scan(&launcher, folder.path(), &rules(), 1, &mut |_, _| {}).unwrap();
            (begun.elapsed(), found.quarantined.first().map(|(_, reason)| reason.word()))
        };
        // The best of three: the machine may have something else to do.
        let (took, reason) = (0..3).map(|_| timed()).min().unwrap();
        println!("{number}: {reason:?} in {took:?}");
        assert!(took < PATIENCE, "{number} took {took:?}");
    }
}
