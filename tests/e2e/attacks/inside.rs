//! Native code in a patient's worker, as if it had got out of the engine: it reaches nothing, and leaves nothing for the
//! next patient. With containment off the same attempts succeed, or they would show nothing.

use super::row::Row;
use super::sandboxed::component;
use crate::world::{World, guest, manifest};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use trocar_native::{Attempt, FINDS, Plan, TRIES, named};
use trocar_terms::{Limits, Value};
use trocar_worker::{Grant, JobModels, Launcher, Layers, MapJob, Slot, Subject, compile, probe};

/// The patient in whose place native code attacks, the one after her, one who hangs, one who recurses, and any other.
const ATTACKED: i64 = 119;
const FINDING: i64 = 118;
const HANGING: i64 = 117;
const DIGGING: i64 = 116;
const HONEST: i64 = 61;

/// Where workers with native code in them run.
struct Ground {
    folder: TempDir,
    program: PathBuf,
    launcher: Launcher,
    plan: Plan,
    /// Eight bytes that native code looks for in the memory of this process.
    _secret: Box<u64>,
    _port: TcpListener,
}

impl Ground {
    fn new(contained: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("trocar-inside");
        let built = Path::new(env!("CARGO_BIN_EXE_trocar-inside"));
        // A name of its own, with a plan beside it.
        fs::hard_link(built, &program).or_else(|_| fs::copy(built, &program).map(|_| ())).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let secret = Box::new(0x5EC2_E75E_C2E7_5EC2 ^ u64::from(std::process::id()));
        let plan = Plan {
            contained,
            lacks: vec![],
            attacked: ATTACKED,
            finds: FINDING,
            hangs: HANGING,
            digs: DIGGING,
            key: file(&folder, "node.key"),
            other: file(&folder, "other.dcm"),
            absent: folder.path().join("absent").display().to_string(),
            port: port.local_addr().unwrap().port(),
            node: std::process::id().try_into().unwrap(),
            address: std::ptr::from_ref(&*secret).expose_provenance(),
            secret: *secret,
            shared: i32::from(port.local_addr().unwrap().port()) + 0x7A00_0000,
        };
        fs::write(folder.path().join("inside.json"), serde_json::to_vec(&plan).unwrap()).unwrap();
        let launcher = Launcher::new(program.clone());
        Self { folder, program, launcher, plan, _secret: secret, _port: port }
    }

    /// What each of these patients' processes answered, one after the other in one slot.
    fn mapped(&self, job: &MapJob, ages: &[i64]) -> Vec<Option<f64>> {
        let mut slot = Slot::new(&self.launcher, job);
        slot.warm();
        let files = || vec![File::open(self.folder.path().join("hers.dcm")).unwrap()];
        file(&self.folder, "hers.dcm");
        ages.iter().map(|age| number(&mut slot, *age, &files())).collect()
    }

    fn job(&self, shared: bool, seconds: u32) -> MapJob {
        let grant = grant();
        let code = compile(&self.launcher, &component(AGE), &grant).expect("the guest compiles");
        let limits = Limits::new(1_000_000_000, 16, seconds).unwrap();
        let (params, state) = (vec![], vec![]);
        MapJob {
            code,
            models: JobModels::default(),
            grant,
            limits,
            params,
            state,
            shape: vec![1],
            author: false,
            shared,
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // What is left in the kernel for the next patient is left for the next test too.
        let _ = Command::new("ipcrm").arg("-M").arg(self.plan.shared.to_string()).output();
    }
}

fn file(folder: &TempDir, name: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, name).unwrap();
    path.display().to_string()
}

fn grant() -> Grant {
    let columns = vec!["age_years".to_owned()];
    Grant { modalities: vec![], pixels: false, masks: vec![], attributes: vec![], columns, models: false }
}

/// Answers the patient's age.
const AGE: &str = r#"(module
  (import "trocar:guest/imaging@0.1.1" "[method]patient.column" (func $column (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "age_years")
  (global $free (mut i32) (i32.const 8192))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $free)
    (global.set $free (i32.and (i32.add (i32.add (global.get $free) (local.get 3)) (i32.const 7)) (i32.const -8))))
  (func (export "map-patient") (param $patient i32) (param i32 i32 i32 i32) (result i32)
    (call $column (local.get $patient) (i32.const 0) (i32.const 9) (i32.const 64))
    (f64.store (i32.const 1024) (f64.convert_i64_s (i64.load (i32.const 80))))
    (i32.store (i32.const 512) (i32.const 1024)) (i32.store (i32.const 516) (i32.const 1))
    (i32.store (i32.const 500) (i32.const 512)) (i32.store (i32.const 504) (i32.const 1))
    (i32.const 500)))"#;

fn number(slot: &mut Slot<'_>, age: i64, files: &[File]) -> Option<f64> {
    let columns = BTreeMap::from([("age_years".to_owned(), Value::Integer(age))]);
    let subject = Subject { columns, series: vec![], masks: vec![] };
    let mapped = slot.map(&subject, files);
    assert!(!mapped.node_fault, "the node is at fault");
    let json = serde_json::to_value(mapped.contribution.as_ref()?).unwrap();
    json[0][0].as_f64()
}

fn biting(attempts: &'static [Attempt]) -> Vec<&'static str> {
    attempts.iter().filter(|one| one.bites).map(|one| one.name).collect()
}

#[test]
fn this_kernel_has_every_layer() {
    let layers = probe(&Ground::new(true).launcher).unwrap();
    assert_eq!(layers, Layers { seccomp: true, landlock: true }, "the attacks below would show nothing");
}

#[test]
fn native_code_in_a_patients_worker_reaches_nothing() {
    let open = Ground::new(false);
    let [Some(did), after] = open.mapped(&open.job(false, 20), &[ATTACKED, HONEST])[..] else {
        panic!("no answer from the worker that is not contained")
    };
    let did = named(TRIES, did);
    let missed: Vec<_> = biting(TRIES).into_iter().filter(|name| !did.contains(name)).collect();
    assert!(
        missed.is_empty(),
        "attempts that show nothing, since they fail without containment too: {missed:?}"
    );
    let closed = Ground::new(true);
    let [Some(reached), other] = closed.mapped(&closed.job(false, 20), &[ATTACKED, HONEST])[..] else {
        panic!("no answer from the contained worker")
    };
    let reached = named(TRIES, reached);
    assert_eq!((after, other), (Some(61.0), Some(61.0)), "the next patient's contribution is not hers");
    Row {
        name: "a guest, decoder or model runtime that escapes the sandbox",
        guest: "native code in a patient's worker",
        tries: "files, /proc, sockets, forks, programs, tracing, memory that runs, signals, descriptors, limits, its own filter",
        bound: "nothing",
        measured: format!("{} of {} attempts: {reached:?}", reached.len(), TRIES.len()),
        noise_off: &format!("not contained: {} succeed", did.len()),
        value: reached.len() as f64,
        unit: "attempts",
        bar: 0.0,
    }
    .holds();
}

#[test]
fn nothing_of_one_patient_is_in_the_next_patients_worker() {
    let found = |contained, shared| {
        let ground = Ground::new(contained);
        let answers = ground.mapped(&ground.job(shared, 20), &[ATTACKED, FINDING]);
        named(FINDS, answers[1].expect("an answer"))
    };
    let memory = ["a byte in static memory", "a trace in its whole memory"];
    // One process for both, and it may look at all of its memory: the search is known to find.
    let together = found(false, true);
    assert!(
        memory.iter().all(|name| together.contains(name)),
        "the search finds nothing at all: {together:?}"
    );
    // A process for each, which may still look: there is nothing of her.
    let apart = found(false, false);
    let leaked: Vec<_> = memory.iter().filter(|name| apart.contains(name)).collect();
    let missed: Vec<_> = biting(FINDS).into_iter().filter(|name| !apart.contains(name)).collect();
    assert!(
        missed.is_empty(),
        "what is left outside of the process is not found without containment: {missed:?}"
    );
    let contained = found(true, false);
    Row {
        name: "Spectre in process",
        guest: "native code in the next patient's worker",
        tries: "reads all memory of its process; looks for a file, a flag, shared memory that the patient before left",
        bound: "nothing",
        measured: format!("in memory {leaked:?}, contained {contained:?}"),
        noise_off: &format!("one worker for both: {together:?}"),
        value: (leaked.len() + contained.len()) as f64,
        unit: "traces",
        bar: 0.0,
    }
    .holds();
}

#[test]
fn a_patient_whose_worker_hangs_takes_her_time_and_nobody_elses() {
    let ground = Ground::new(true);
    let job = ground.job(false, 4);
    let begun = Instant::now();
    let answers = ground.mapped(&job, &[HONEST, HANGING, HONEST]);
    assert_eq!(answers, [Some(61.0), None, Some(61.0)]);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_worker_has_a_stack_for_deep_files() {
    let ground = Ground::new(true);
    assert_eq!(ground.mapped(&ground.job(false, 10), &[DIGGING, HONEST]), [Some(48.0), Some(61.0)]);
}

/// Rows of a rehearsal by the whole program, one a patient.
fn rehearsed(world: &World, program: &Path, cohort: &Path) -> Vec<Json> {
    let name = "survival-by-age";
    let [m, c, d, t] = [&manifest(name), &guest(name), &cohort.to_owned(), &cohort.join("clinical.csv")]
        .map(|p| p.display().to_string());
    let said = Command::new(program)
        .env("TROCAR_HOME", world.home())
        .args(["--json", "test", "--manifest", &m, "--component", &c, "--data", &d, "--clinical", &t])
        .args(["--exact", "--per-patient"])
        .output()
        .unwrap();
    let said = crate::world::Said::from(said).exits(0).json();
    said["per_patient"].as_array().expect("a row a patient").clone()
}

/// Makes the first patient of a cohort so old.
fn aged(cohort: &Path, age: i64) {
    let path = cohort.join("clinical.csv");
    let text = fs::read_to_string(&path).unwrap();
    let mut rows: Vec<Vec<String>> =
        text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    let at = rows[0].iter().position(|name| name == "age_years").expect("a column of ages");
    rows[1][at] = age.to_string();
    let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

#[test]
fn other_patients_give_the_same_whatever_native_code_does_in_one() {
    let (world, ground) = (World::new(), Ground::new(true));
    let cohort = super::lab::tiny(&world, "cohort", 24);
    aged(&cohort, ATTACKED);
    let attacked = rehearsed(&world, &ground.program, &cohort);
    let honest = rehearsed(&world, &crate::world::binary(), &cohort);
    assert_eq!(attacked.len(), 24);
    let differing = attacked.iter().zip(&honest).filter(|(a, b)| a != b).count();
    assert_eq!(differing, 1, "only the attacked patient's row may differ");
}

/// Processes of this program, by their command lines.
fn running(program: &Path) -> usize {
    let own = |entry: fs::DirEntry| {
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        line.starts_with(program.as_os_str().as_encoded_bytes()).then_some(())
    };
    fs::read_dir("/proc").unwrap().filter_map(Result::ok).filter_map(own).count()
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_end_of_a_job_is_the_end_of_all_its_workers_at_once() {
    let (world, ground) = (World::new(), Ground::new(true));
    let cohort = super::lab::tiny(&world, "cohort", 4);
    aged(&cohort, HANGING);
    let name = "survival-by-age";
    let [m, c, d, t] = [&manifest(name), &guest(name), &cohort.clone(), &cohort.join("clinical.csv")]
        .map(|p| p.display().to_string());
    let mut job = Command::new(&ground.program)
        .env("TROCAR_HOME", world.home())
        .args(["--json", "test", "--manifest", &m, "--component", &c, "--data", &d, "--clinical", &t])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // The job, its zygote and the patient that hangs.
    let stands = || running(&ground.program) == 3;
    wait_until("her worker hangs", || {
        stands() && {
            std::thread::sleep(Duration::from_millis(500));
            stands()
        }
    });
    job.kill().unwrap();
    job.wait().unwrap();
    let begun = Instant::now();
    wait_until("all are gone", || running(&ground.program) == 0);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}
