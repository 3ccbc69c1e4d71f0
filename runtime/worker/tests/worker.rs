//! Real worker processes: what they answer, and what the node makes of those that do not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test may panic as the test itself may"
)]

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use trocar_terms::{Deidentification, Limits, Modality, PrivateGroups, Value};
use trocar_testkit::cohort::{self, CohortSpec};
use trocar_worker::{
    CompileError, Grant, JobModels, Launcher, MachineCode, MapJob, Mapped, PatientRecord, Reason, Scan,
    ScanRules, Slot, Subject, WorkerError, compile, map, scan,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

const WORKER: &str = env!("CARGO_BIN_EXE_trocar-worker");

fn launcher() -> Launcher {
    Launcher::new(WORKER.into())
}

fn grant() -> Grant {
    Grant {
        modalities: vec![Modality::CT],
        pixels: true,
        masks: vec![],
        attributes: vec![],
        columns: vec!["age_years".into()],
        models: false,
    }
}

const SUPPORT: &str = r#"
  (memory (export "memory") 40)
  (global $free (mut i32) (i32.const 8192))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $free)
    (global.set $free (i32.and (i32.add (i32.add (global.get $free) (local.get 3)) (i32.const 7)) (i32.const -8))))
  (func $answer (param $x f64) (result i32)
    (f64.store (i32.const 1024) (local.get $x))
    (i32.store (i32.const 512) (i32.const 1024)) (i32.store (i32.const 516) (i32.const 1))
    (i32.store (i32.const 500) (i32.const 512)) (i32.store (i32.const 504) (i32.const 1))
    (i32.const 500))
"#;

/// A component with this body of `map-patient`, which may call `$column`, `$open`, `$grid` and `$read`.
fn component(imports: &str, body: &str) -> Vec<u8> {
    let wat = format!(
        r#"(module {imports} {SUPPORT} (func (export "map-patient")
            (param $patient i32) (param i32 i32 i32 i32) (result i32)
            (local $z i32) (local $at i32) (local $end i32) (local $n f64) (local $sum f64) {body}))"#
    );
    let mut module = wat::parse_str(wat).expect("WAT");
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir("../../sdk/wit").expect("sdk/wit");
    let world = resolve.select_world(&[package], Some("algorithm")).expect("world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).expect("embeds");
    let mut encoder = ComponentEncoder::default();
    encoder.module(&module).expect("module").encode().expect("encodes")
}

/// Answers 7.
fn seven() -> Vec<u8> {
    component("", "(call $answer (f64.const 7))")
}

/// Answers the mean of all voxels of the first series, slice by slice.
fn mean() -> Vec<u8> {
    let imports = r#"
      (import "trocar:guest/imaging@0.1.1" "[method]patient.open" (func $open (param i32 i32 i32)))
      (import "trocar:guest/imaging@0.1.1" "[method]volume.grid" (func $grid (param i32 i32)))
      (import "trocar:guest/imaging@0.1.1" "[method]volume.read-s16" (func $read (param i32 i32 i32 i32)))"#;
    component(
        imports,
        "(call $open (local.get $patient) (i32.const 0) (i32.const 64))
         (call $grid (i32.load (i32.const 68)) (i32.const 128))
         (loop $slices
           (global.set $free (i32.const 8192))
           (call $read (i32.load (i32.const 68)) (local.get $z) (i32.const 1) (i32.const 96))
           (if (i32.load8_u (i32.const 96)) (then unreachable))
           (local.set $at (i32.load (i32.const 100)))
           (local.set $end (i32.add (local.get $at) (i32.mul (i32.load (i32.const 104)) (i32.const 2))))
           (loop $voxels
             (local.set $sum (f64.add (local.get $sum) (f64.convert_i32_s (i32.load16_s (local.get $at)))))
             (local.set $n (f64.add (local.get $n) (f64.const 1)))
             (local.set $at (i32.add (local.get $at) (i32.const 2)))
             (br_if $voxels (i32.lt_u (local.get $at) (local.get $end))))
           (local.set $z (i32.add (local.get $z) (i32.const 1)))
           (br_if $slices (i32.lt_u (local.get $z) (i32.load (i32.const 136)))))
         (call $answer (f64.div (local.get $sum) (local.get $n)))",
    )
}

fn job(code: MachineCode, seconds: u32) -> MapJob {
    let limits = Limits::new(10_000_000_000.min(250_000_000 * u64::from(seconds)), 16, seconds).unwrap();
    MapJob {
        code,
        models: JobModels::default(),
        grant: grant(),
        limits,
        params: vec![],
        state: vec![],
        shape: vec![1],
        author: false,
        shared: false,
    }
}

fn compiled(wasm: &[u8]) -> MachineCode {
    compile(&launcher(), wasm, &grant()).expect("compiles")
}

fn nobody() -> Subject {
    Subject { columns: BTreeMap::new(), series: vec![], masks: vec![] }
}

/// The one number of a contribution; a test's way past the filter.
fn number(mapped: &Mapped) -> Option<f64> {
    let json = serde_json::to_value(mapped.contribution.as_ref()?).unwrap();
    json[0][0].as_f64()
}

fn rules() -> ScanRules {
    ScanRules {
        deidentification: Deidentification { require: true, private_groups: PrivateGroups::Ignore },
        modalities: vec![Modality::CT],
        attributes: vec![],
    }
}

fn scanned(launcher: &Launcher, root: &Path) -> Result<Scan, WorkerError> {
    scan(launcher, root, &rules(), 2, &mut |_, _| {})
}

/// A synthetic cohort of three patients.
fn cohort() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    cohort::write(folder.path(), &CohortSpec { patients: 3, seed: 1, modality: Modality::CT }).unwrap();
    folder
}

/// A program that does what this shell script says instead of a worker's work.
fn program(folder: &TempDir, script: &str) -> Launcher {
    let path = folder.path().join("program");
    let mut file = File::create(&path).unwrap();
    write!(file, "#!/bin/sh\n{script}\n").unwrap();
    file.set_permissions(fs::Permissions::from_mode(0o755)).unwrap();
    // Closed before it is run: a file that is open for writing cannot be executed.
    drop(file);
    Launcher::new(path)
}

/// The hello of a real worker, as an argument of `printf`.
fn hello() -> String {
    let text = format!("trocar worker {} {}", env!("CARGO_PKG_VERSION"), trocar_worker::engine_name());
    format!("printf '\\{:03o}\\0\\0\\0\\0\\0\\0\\0\\{:03o}{text}' >&0", text.len() + 1, text.len())
}

/// A patient's descriptors and what a worker is told of her.
fn subject(scan: &Scan, root: &Path, record: &PatientRecord) -> (Subject, Vec<File>) {
    let mut files = Vec::new();
    let series = record.series.iter().map(|series| {
        let first = u32::try_from(files.len()).unwrap();
        files.extend(
            series.files.iter().map(|f| File::open(root.join(&scan.files[*f as usize].path)).unwrap()),
        );
        let count = u32::try_from(series.files.len()).unwrap();
        series.subject((first..first + count).collect())
    });
    (Subject { columns: BTreeMap::new(), series: series.collect(), masks: vec![] }, files)
}

/// What truth.csv says of each patient.
fn truth(root: &Path, column: &str) -> BTreeMap<String, f64> {
    let text = fs::read_to_string(root.join("truth.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let at = lines.next().unwrap().iter().position(|name| *name == column).unwrap();
    lines.map(|row| (row[0].to_owned(), row[at].parse().unwrap())).collect()
}

#[test]
fn a_scan_finds_every_patient_and_a_map_sees_her_voxels() {
    let folder = cohort();
    let root = folder.path().join("dicom");
    let scan = scanned(&launcher(), &root).unwrap();
    assert_eq!((scan.patients.len(), scan.quarantined.len()), (3, 0));
    let truth = truth(folder.path(), "mean");
    let job = job(compiled(&mean()), 30);
    for record in &scan.patients {
        let (subject, files) = subject(&scan, &root, record);
        let seen = number(&map(&launcher(), &job, subject, files)).expect("a contribution");
        let want = truth[&record.patient_id];
        assert!((seen - want).abs() <= 1e-6 * want.abs(), "{seen} {want}");
    }
}

#[test]
fn a_bad_file_is_quarantined_and_nothing_else() {
    let folder = cohort();
    let root = folder.path().join("dicom");
    let one =
        fs::read(scanned(&launcher(), &root).unwrap().files.first().map(|f| root.join(&f.path)).unwrap())
            .unwrap();
    fs::write(root.join("cut.dcm"), &one[..one.len() / 2]).unwrap();
    fs::write(root.join("empty"), b"").unwrap();
    fs::write(root.join("notes.txt"), b"not an image").unwrap();
    symlink("/etc/passwd", root.join("link")).unwrap();
    let scan = scanned(&launcher(), &root).unwrap();
    let bad: Vec<_> =
        scan.quarantined.iter().map(|(path, reason)| (path.to_str().unwrap(), *reason)).collect();
    assert_eq!(
        bad.iter().map(|(path, _)| *path).collect::<Vec<_>>(),
        ["cut.dcm", "empty", "link", "notes.txt"]
    );
    assert_eq!((bad[0].1, bad[2].1), (Reason::Truncated, Reason::Unreadable));
    assert_eq!(scan.patients.len(), 3);
}

/// A Part 10 file whose data set is this many zeros, deflated.
fn bomb(bytes: usize) -> Vec<u8> {
    let mut file = vec![0; 128];
    file.extend_from_slice(b"DICM\x02\0\x10\0UI\x16\x001.2.840.10008.1.2.1.99");
    let mut packed = flate2::write::DeflateEncoder::new(file, flate2::Compression::fast());
    let zeros = vec![0; 1 << 20];
    (0..bytes >> 20).for_each(|_| packed.write_all(&zeros).unwrap());
    packed.finish().unwrap()
}

#[test]
fn the_largest_data_set_that_is_inflated_fits_a_worker_and_a_larger_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), bomb(192 << 20)).unwrap();
    fs::write(folder.path().join("b"), bomb(193 << 20)).unwrap();
    let scan = scanned(&launcher(), folder.path()).unwrap();
    let expected = [("a".into(), Reason::Malformed), ("b".into(), Reason::TooLarge)];
    assert_eq!(scan.quarantined, expected);
}

#[test]
fn a_scan_does_not_depend_on_the_number_of_workers() {
    let folder = cohort();
    let root = folder.path().join("dicom");
    let with = |workers| {
        let scan = scan(&launcher(), &root, &rules(), workers, &mut |_, _| {}).unwrap();
        (scan.files, scan.patients, scan.quarantined)
    };
    assert_eq!(with(1), with(4));
}

#[test]
fn progress_ends_at_all_files() {
    let folder = cohort();
    let mut last = (0, 0);
    let scan =
        scan(&launcher(), folder.path(), &rules(), 2, &mut |done, total| last = (done, total)).unwrap();
    let all = scan.files.len() as u64;
    assert_eq!(last, (all, all));
}

#[test]
fn a_file_whose_worker_dies_is_quarantined_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    fs::create_dir(&root).unwrap();
    ["a", "b", "c"].iter().for_each(|name| fs::write(root.join(name), name).unwrap());
    // It looks at the order, and dies.
    let scan = scanned(&program(&folder, &format!("{}; head -c 1 <&0", hello())), &root).unwrap();
    assert_eq!(scan.quarantined, ["a", "b", "c"].map(|name| (PathBuf::from(name), Reason::Died)));
}

/// A frame of these bytes, as an argument of `printf`.
fn frame(bytes: &[u8]) -> String {
    let length = (bytes.len() as u64).to_le_bytes();
    length.iter().chain(bytes).map(|b| format!("\\{b:03o}")).collect()
}

/// A worker that looks at its order and sends these bytes. The order may be longer than what it looks at.
fn answering(folder: &TempDir, bytes: &str) -> Launcher {
    program(folder, &format!("{}; head -c 1 <&0 >/dev/null; printf '{bytes}' >&0; exec sleep 2", hello()))
}

#[test]
fn a_scan_takes_one_frame_a_file_and_none_over_its_bound() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    fs::create_dir(&root).unwrap();
    ["a", "b"].iter().for_each(|name| fs::write(root.join(name), name).unwrap());
    // `Err` of the first reason, twice.
    let refused = frame(&[1, 0]).repeat(2);
    let scan = scanned(&answering(&folder, &refused), &root).unwrap();
    assert_eq!(scan.quarantined, ["a", "b"].map(|name| (PathBuf::from(name), Reason::Unreadable)));
    // All of them in one frame, and a frame of 1 MiB and a byte.
    for nonsense in [frame(&[2, 1, 0, 1, 0]), "\\001\\000\\020\\000\\000\\000\\000\\000".to_owned()] {
        let scan = scanned(&answering(&folder, &nonsense), &root).unwrap();
        assert_eq!(
            scan.quarantined,
            ["a", "b"].map(|name| (PathBuf::from(name), Reason::Died)),
            "{nonsense}"
        );
    }
}

#[test]
fn a_worker_is_the_first_that_the_system_kills_for_memory() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let script = format!("sleep 1; cat /proc/$$/oom_score_adj > {}; {}", seen.display(), hello());
    let _ = map(&program(&folder, &script), &job(compiled(&seven()), 10), nobody(), vec![]);
    assert_eq!(fs::read_to_string(seen).unwrap().trim(), "1000");
}

#[test]
fn a_folder_that_is_not_there_is_one_clear_error() {
    let error = scanned(&launcher(), Path::new("/nonexistent/images")).unwrap_err();
    assert_eq!(error.to_string(), "cannot list /nonexistent/images");
}

#[test]
fn a_program_that_is_no_worker_is_the_nodes_fault() {
    let missing = Launcher::new("/nonexistent/trocar".into());
    assert!(matches!(scanned(&missing, &cohort().path().join("dicom")), Err(WorkerError::Start { .. })));
    let other = Launcher::new("/bin/true".into());
    assert!(matches!(scanned(&other, &cohort().path().join("dicom")), Err(WorkerError::NotAWorker(_))));
    let job = job(compiled(&seven()), 10);
    for launcher in [missing, other] {
        let mapped = map(&launcher, &job, nobody(), vec![]);
        assert!(mapped.contribution.is_none() && mapped.node_fault);
    }
}

#[test]
fn compiling_refuses_wasi_by_name_and_nonsense_as_invalid() {
    let wasi = wat::parse_str(r#"(component (import "wasi:cli/environment@0.2.0" (instance)))"#).unwrap();
    let refused = CompileError::ImportRefused { name: "wasi:cli/environment@0.2.0".into() };
    assert_eq!(compile(&launcher(), &wasi, &grant()).unwrap_err(), refused);
    let nonsense = compile(&launcher(), b"\0asm", &grant()).unwrap_err();
    assert!(matches!(&nonsense, CompileError::Invalid { why } if !why.is_empty()), "{nonsense:?}");
}

#[test]
fn a_compiler_that_dies_is_said_to_have_died() {
    let folder = tempfile::tempdir().unwrap();
    let died = compile(&program(&folder, &hello()), &seven(), &grant());
    assert_eq!(died.unwrap_err(), CompileError::Died);
}

#[test]
fn machine_code_goes_through_a_cache_as_bytes() {
    let code = MachineCode::from_authenticated_bytes(compiled(&seven()).as_bytes().to_vec());
    assert_eq!(number(&map(&launcher(), &job(code, 10), nobody(), vec![])), Some(7.0));
}

#[test]
fn a_worker_that_does_not_take_the_code_means_the_default_contribution() {
    let code = MachineCode::from_authenticated_bytes(b"\x7fELF of another version".to_vec());
    let mapped = map(&launcher(), &job(code, 10), nobody(), vec![]);
    assert!(mapped.contribution.is_none() && !mapped.node_fault);
}

#[test]
fn a_worker_that_cannot_be_started_for_a_moment_is_started_a_moment_later() {
    let folder = tempfile::tempdir().unwrap();
    let marker = folder.path().join("tried");
    let script = format!("test -e {0} && exec {WORKER} worker; : > {0}; exit 1", marker.display());
    let mapped = map(&program(&folder, &script), &job(compiled(&seven()), 30), nobody(), vec![]);
    assert_eq!(number(&mapped), Some(7.0));
}

#[test]
fn only_the_author_is_told_why_a_patient_failed() {
    let trap = job(compiled(&component("", "unreachable")), 10);
    let mapped = map(&launcher(), &trap, nobody(), vec![]);
    assert!(mapped.contribution.is_none() && mapped.detail.is_none() && !mapped.node_fault);
    let mapped = map(&launcher(), &MapJob { author: true, ..trap }, nobody(), vec![]);
    assert!(mapped.detail.expect("words").contains("unreachable"));
}

#[test]
fn a_column_reaches_the_guest_through_the_worker() {
    let imports = r#"(import "trocar:guest/imaging@0.1.1" "[method]patient.column" (func $column (param i32 i32 i32 i32)))
        (data (i32.const 0) "age_years")"#;
    let body = "(call $column (local.get $patient) (i32.const 0) (i32.const 9) (i32.const 64))
         (call $answer (f64.convert_i64_s (i64.load (i32.const 80))))";
    let job = job(compiled(&component(imports, body)), 10);
    let columns = BTreeMap::from([("age_years".to_owned(), Value::Integer(61))]);
    assert_eq!(
        number(&map(&launcher(), &job, Subject { columns, series: vec![], masks: vec![] }, vec![])),
        Some(61.0)
    );
}

#[test]
fn a_patient_may_have_more_files_than_one_message_carries() {
    let files = (0..1_500).map(|_| tempfile::tempfile().unwrap()).collect();
    assert_eq!(number(&map(&launcher(), &job(compiled(&seven()), 30), nobody(), files)), Some(7.0));
}

#[test]
fn a_slot_maps_one_patient_after_the_other_apart_or_in_a_shared_worker() {
    let launcher = launcher();
    let many = || (0..300).map(|_| tempfile::tempfile().unwrap()).collect::<Vec<_>>();
    for shared in [false, true] {
        let job = MapJob { shared, ..job(compiled(&seven()), 10) };
        let mut slot = Slot::new(&launcher, &job);
        slot.warm();
        for files in [vec![], many(), vec![]] {
            assert_eq!(number(&slot.map(&nobody(), &files)), Some(7.0), "shared: {shared}");
        }
    }
}

#[test]
fn a_guest_that_fails_in_a_shared_worker_fails_alone() {
    let imports = r#"(import "trocar:guest/imaging@0.1.1" "[method]patient.column" (func $column (param i32 i32 i32 i32)))
        (data (i32.const 0) "age_years")"#;
    // The age, or for a patient of 13 nothing at all.
    let body = "(call $column (local.get $patient) (i32.const 0) (i32.const 9) (i32.const 64))
         (if (i64.eq (i64.load (i32.const 80)) (i64.const 13)) (then unreachable))
         (call $answer (f64.convert_i64_s (i64.load (i32.const 80))))";
    let job = MapJob { shared: true, ..job(compiled(&component(imports, body)), 10) };
    let launcher = launcher();
    let mut slot = Slot::new(&launcher, &job);
    let mut answer = |age| {
        let columns = BTreeMap::from([("age_years".to_owned(), Value::Integer(age))]);
        number(&slot.map(&Subject { columns, series: vec![], masks: vec![] }, &[]))
    };
    assert_eq!([61, 13, 62].map(&mut answer), [Some(61.0), None, Some(62.0)]);
}

#[test]
fn a_worker_that_hangs_is_killed_at_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let hanging = program(&folder, &format!("{}; exec sleep 600", hello()));
    let job = job(compiled(&seven()), 1);
    let start = Instant::now();
    let mapped = map(&hanging, &job, nobody(), vec![]);
    assert!(mapped.contribution.is_none() && !mapped.node_fault);
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_worker_that_is_killed_means_the_default_contribution() {
    let folder = tempfile::tempdir().unwrap();
    let killed = program(&folder, &format!("{}; head -c 1 <&0; kill -9 $$", hello()));
    let mapped = map(&killed, &job(compiled(&seven()), 10), nobody(), vec![]);
    assert!(mapped.contribution.is_none() && mapped.detail.is_none() && !mapped.node_fault);
}

#[test]
fn a_worker_that_answers_nonsense_means_the_default_contribution() {
    for nonsense in
        ["\\4\\0\\0\\0\\0\\0\\0\\0\\7\\7\\7\\7", "\\377\\377\\377\\377\\377\\377\\377\\377", "\\0\\0\\0"]
    {
        let folder = tempfile::tempdir().unwrap();
        let raving = program(&folder, &format!("{}; printf '{nonsense}' >&0; exec sleep 5", hello()));
        let mapped = map(&raving, &job(compiled(&seven()), 2), nobody(), vec![]);
        assert!(mapped.contribution.is_none() && !mapped.node_fault, "{nonsense}");
    }
}

#[test]
fn a_worker_that_dies_once_is_replaced_once() {
    let folder = tempfile::tempdir().unwrap();
    let marker = folder.path().join("died");
    let script = format!(
        "test -e {0} && exec {WORKER} worker; : > {0}; {1}; head -c 1 <&0; kill -9 $$",
        marker.display(),
        hello()
    );
    let mapped = map(&program(&folder, &script), &job(compiled(&seven()), 30), nobody(), vec![]);
    assert!(marker.exists());
    assert_eq!(number(&mapped), Some(7.0));
}

#[test]
fn a_worker_gets_no_environment_and_no_descriptor_but_its_socket() {
    let folder = tempfile::tempdir().unwrap();
    let inherited = File::open("/etc/passwd").unwrap();
    rustix::io::fcntl_setfd(&inherited, rustix::io::FdFlags::empty()).unwrap();
    let seen = folder.path().join("seen");
    let script = format!("{{ env; ls -l /proc/$$/fd; }} > {}; {}", seen.display(), hello());
    let _ = map(&program(&folder, &script), &job(compiled(&seven()), 10), nobody(), vec![]);
    let text = fs::read_to_string(seen).unwrap();
    assert!(!text.contains("passwd") && text.matches("socket:").count() == 1, "{text}");
    // The shell sets these itself.
    let mut set = text.lines().take_while(|line| !line.starts_with("total"));
    assert!(
        set.all(|line| ["PWD=/", "_=", "OLDPWD=", "SHLVL="].iter().any(|own| line.starts_with(own))),
        "{text}"
    );
}

/// Needs the real series of data/README.md; without them there is nothing to test.
#[test]
fn a_real_series_is_mapped_within_a_workers_memory() {
    let data = std::env::var_os("TROCAR_TEST_DATA").map_or("../../../shared/data".into(), PathBuf::from);
    let Ok(listed) = fs::read_dir(data.join("ct512")) else { return };
    let imports = r#"
      (import "trocar:guest/imaging@0.1.1" "[method]patient.open" (func $open (param i32 i32 i32)))
      (import "trocar:guest/imaging@0.1.1" "[method]volume.read-bytes" (func $read (param i32 i32 i32 i32)))"#;
    let body = "(call $open (local.get $patient) (i32.const 0) (i32.const 64))
         (if (i32.load8_u (i32.const 64)) (then unreachable))
         (call $read (i32.load (i32.const 68)) (i32.const 0) (i32.const 1) (i32.const 96))
         (if (i32.load8_u (i32.const 96)) (then unreachable))
         (call $answer (f64.const 7))";
    let modalities = vec![Modality::CT, Modality::MR, Modality::PT];
    let deidentification = Deidentification { require: false, private_groups: PrivateGroups::Ignore };
    let rules = ScanRules { deidentification, modalities: modalities.clone(), attributes: vec![] };
    let job =
        MapJob { grant: Grant { modalities, ..grant() }, ..job(compiled(&component(imports, body)), 60) };
    // One slice in several transfer syntaxes: each is a series by itself.
    for file in listed.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let root = tempfile::tempdir().unwrap();
        fs::copy(&file, root.path().join("one.dcm")).unwrap();
        let scan = scan(&launcher(), root.path(), &rules, 1, &mut |_, _| {}).unwrap();
        let Some(record) = scan.patients.first() else {
            // JPEG8.dcm has been windowed to 8 bits, and says so.
            assert_eq!(scan.quarantined[0].1, Reason::Unit, "{}", file.display());
            continue;
        };
        let (subject, files) = subject(&scan, root.path(), record);
        assert_eq!(number(&map(&launcher(), &job, subject, files)), Some(7.0), "{}", file.display());
    }
}

/// A NIfTI-1 image of 2 x 2 x 2 voxels of 8 bits, all `value`, with the identity as its s-form.
fn nifti(value: u8) -> Vec<u8> {
    let mut bytes = vec![0; 352];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &348_i32.to_le_bytes());
    put(40, &[3, 0, 2, 0, 2, 0, 2, 0]);
    put(70, &[2, 0, 8, 0]);
    put(108, &352_f32.to_le_bytes());
    put(254, &[1, 0]);
    [280, 300, 320].into_iter().for_each(|at| put(at, &1_f32.to_le_bytes()));
    put(344, b"n+1\0");
    bytes.extend([value; 8]);
    bytes
}

fn sidecar(modality: &str, series: &str, more: &str) -> String {
    let text =
        |tag: &str, vr: &str, value: &str| format!("\"{tag}\":{{\"vr\":\"{vr}\",\"Value\":[\"{value}\"]}}");
    let all = [
        text("00080060", "CS", modality),
        text("00100020", "LO", "P1"),
        text("00120062", "CS", "YES"),
        text("0020000D", "UI", "2.25.1"),
        text("0020000E", "UI", series),
        text("00200052", "UI", "2.25.7"),
    ];
    format!("{{{}{more}}}", all.join(","))
}

#[test]
fn a_nifti_image_is_read_with_the_sidecar_beside_it_and_without_one_it_is_quarantined() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let segment = r#","00620002":{"vr":"SQ","Value":[{"00620004":{"vr":"US","Value":[1]},"00620005":{"vr":"LO","Value":["GTV"]}}]}"#;
    write("image.nii", &nifti(7));
    write("image.json", sidecar("CT", "2.25.2", "").as_bytes());
    write("mask.nii", &nifti(1));
    write("mask.json", sidecar("SEG", "2.25.3", segment).as_bytes());
    write("alone.nii", &nifti(1));
    write("alone.nii.gz", &nifti(1));
    write("broken.nii", b"");
    write("broken.json", sidecar("CT", "2.25.9", "").as_bytes());
    write("index.json", b"{}");
    let scan = scan(&launcher(), folder.path(), &rules(), 1, &mut |_, _| {}).unwrap();
    let refused: Vec<_> = scan.quarantined.iter().map(|(p, r)| (p.to_str().unwrap(), *r)).collect();
    let expected = [
        ("alone.nii", Reason::NoSidecar),
        ("alone.nii.gz", Reason::NoSidecar),
        ("broken.nii", Reason::Nifti),
        ("index.json", Reason::NotDicom),
    ];
    assert_eq!(refused, expected);
    let [patient] = scan.patients.as_slice() else { panic!("{} patients", scan.patients.len()) };
    let names = |files: &[u32]| -> Vec<String> {
        files.iter().map(|f| scan.files[*f as usize].path.display().to_string()).collect()
    };
    assert_eq!(names(&patient.series[0].files), ["image.nii", "image.json"]);
    assert_eq!(names(&patient.masks[0].files), ["mask.nii", "mask.json"]);
    assert_eq!(patient.masks[0].segments[0].label, "GTV");
    // Whoever changes a sidecar changes whose the image is: the node holds both files to what was scanned.
    assert_eq!(scan.files.len(), 9);
}
