//! What a patient costs who has no images: for `cargo xtask bench sandbox`.
//!
//! `patients FORM COUNT` with the form `apart` (a process for each) or `shared` maps so many patients in one slot, clips and
//! sums what they give, and says the seconds that it took. The worker is `trocar-worker` in the folder above.
#![allow(clippy::print_stdout, reason = "its answer")]

use std::{collections::BTreeMap, env, error::Error, process::ExitCode, time::Instant};
use trocar_filter::{Admission, Plan, Sums};
use trocar_terms::{Bounds, Kind, Limits, Output, Value};
use trocar_worker::{Grant, JobModels, Launcher, Layers, MachineCode, MapJob, Slot, Subject, compile};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

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

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match measured(&arguments) {
        Ok(seconds) => {
            println!("{seconds}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measured(arguments: &[String]) -> Result<f64> {
    let [form, count] = arguments else { return Err("patients apart|shared COUNT".into()) };
    let launcher = launcher()?;
    let layers = trocar_worker::probe(&launcher)?;
    if !layers.include(Layers { seccomp: true, landlock: true }) {
        return Err("this kernel lacks a layer: there is nothing to measure".into());
    }
    let plan = plan()?;
    let job = job(&launcher, &plan, form == "shared")?;
    seconds(&launcher, &job, &plan, count.parse()?)
}

fn seconds(launcher: &Launcher, job: &MapJob, plan: &Plan, count: u32) -> Result<f64> {
    let (mut slot, mut sums, mut failed) = (Slot::new(launcher, job), Sums::new(plan), 0_u32);
    slot.warm();
    let begun = Instant::now();
    for patient in 0..count {
        let columns = BTreeMap::from([("age_years".to_owned(), Value::Integer(i64::from(patient % 100)))]);
        let subject = Subject { columns, series: vec![], masks: vec![] };
        match slot.map(&subject, &[]).contribution {
            Some(contribution) => sums.add(contribution),
            None => failed = failed.saturating_add(1),
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    if failed > 0 { Err(format!("{failed} patients of {count} gave nothing").into()) } else { Ok(seconds) }
}

fn launcher() -> Result<Launcher> {
    let own = env::current_exe()?;
    let folder = own.parent().and_then(std::path::Path::parent).ok_or("no folder above")?;
    Ok(Launcher::new(folder.join("trocar-worker")))
}

fn plan() -> Result<Plan> {
    let kind = Kind::Sum(Bounds { lower: 0.0, upper: 128.0, grid_bits: 4 });
    let outputs = [Output { name: "age".parse()?, unit: "a".into(), rho: "0.02".parse()?, kind }];
    let (gate_rho, gate_delta) = ("0.02".parse()?, "1e-8".parse()?);
    Ok(Plan::admit(&Admission {
        outputs: &outputs,
        derived: &[],
        gate_rho,
        gate_delta,
        rounds: 1,
        k: 10,
        n_pub: 1_000_000,
    })?)
}

fn job(launcher: &Launcher, plan: &Plan, shared: bool) -> Result<MapJob> {
    let columns = vec!["age_years".to_owned()];
    let grant = Grant {
        modalities: vec![],
        pixels: false,
        masks: vec![],
        attributes: vec![],
        columns,
        models: false,
    };
    let code: MachineCode = compile(launcher, &component()?, &grant)?;
    let (limits, params, state) = (Limits::new(1_000_000_000, 16, 20)?, vec![], vec![]);
    Ok(MapJob {
        code,
        models: JobModels::default(),
        grant,
        limits,
        params,
        state,
        shape: plan.shape(),
        author: false,
        shared,
    })
}

fn component() -> Result<Vec<u8>> {
    let mut module = wat::parse_str(AGE)?;
    let mut resolve = wit_parser::Resolve::default();
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk/wit");
    let (package, _) = resolve.push_dir(wit)?;
    let world = resolve.select_world(&[package], Some("algorithm"))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    Ok(ComponentEncoder::default().module(&module)?.encode()?)
}
