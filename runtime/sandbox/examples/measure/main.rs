//! What a guest costs, for `cargo xtask bench sandbox`. Times are CPU times of this thread, in nanoseconds.
//!
//! - `measure fresh`: a trivial map, instantiate to drop
//! - `measure slabs`: the volume read by a guest that looks at nothing, and the same bytes copied
//! - `measure fuel`: guests that make a unit of fuel take as long as they can
//! - `measure guest FILE [--repeat N] [--outputs 4,256] [--param NAME=NUMBER]... [--fuel N] [--memory MIB] [--mask]`: a guest
//!   (core module, component or WAT) over the volume; the median time, then its outputs as JSON
//! - `measure volume FILE`: writes the volume, 512 x 512 x 300 times 16 bits signed, little endian
//!
//! All but `guest` and `volume` print lines of a name, a tab and a number.
#![allow(clippy::arithmetic_side_effects, reason = "a program of its own, over numbers of its own")]

mod clock;
mod component;
mod fuel;
mod slabs;
mod volume;

use std::{error::Error, fs, path::Path, process::ExitCode};
use trocar_filter::{Contribution, Untrusted};
use trocar_sandbox::{Call, Grant, MapFault, Runner, compile, run};
use trocar_terms::{Limits, Modality, Value};
use volume::Scanned;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Maps of `fresh`.
const FRESH: usize = 2_001;

/// How a guest is called.
struct Options {
    repeat: usize,
    shape: Vec<usize>,
    params: Vec<(String, Value)>,
    fuel: u64,
    memory_mib: u32,
    mask: bool,
}

impl Default for Options {
    fn default() -> Self {
        let (fuel, memory_mib) = (440_000_000_000, 256);
        Self { repeat: 5, shape: vec![1], params: Vec::new(), fuel, memory_mib, mask: false }
    }
}

fn grant() -> Grant {
    let masks = vec!["mask".to_owned()];
    let modalities = vec![Modality::CT];
    Grant { modalities, pixels: true, masks, attributes: Vec::new(), columns: Vec::new(), models: true }
}

fn loaded(file: &[u8]) -> Outcome<Runner> {
    Ok(Runner::load(&compile(&component::of(file)?, &grant())?)?)
}

/// One map of the patient whose volume this is.
fn map(runner: &Runner, scanned: &Scanned, options: &Options) -> Result<Untrusted<Contribution>, MapFault> {
    // An hour is the longest box; what it bounds is not measured here.
    let limits = Limits::new(options.fuel, options.memory_mib, 3_600)
        .map_err(|error| MapFault::Trap(error.to_string()))?;
    let models = std::sync::Arc::default();
    let call = Call {
        grant: &grant(),
        limits: &limits,
        params: &options.params,
        state: &[],
        shape: &options.shape,
        models: &models,
    };
    run(runner, Box::new(scanned.clone()), &call)
}

/// A guest that answers 0 and looks at nothing.
fn fresh() -> Outcome<()> {
    let runner = loaded(component::guest("(call $answer (i32.const 1))").as_bytes())?;
    let nobody = Scanned::empty();
    let options = Options::default();
    let times = clock::times(FRESH, || map(&runner, &nobody, &options).map(drop))?;
    line("fresh", clock::median(times));
    Ok(())
}

fn guest(file: &Path, options: &Options) -> Outcome<()> {
    let runner = loaded(&fs::read(file)?)?;
    let scanned = Scanned::made(options.mask);
    let mut outputs = None;
    let times =
        clock::times(options.repeat, || map(&runner, &scanned, options).map(|out| outputs = Some(out)))?;
    line("guest", clock::median(times));
    words(&format!("outputs\t{}", serde_json::to_string(&outputs.ok_or("nothing was run")?)?));
    Ok(())
}

fn options(arguments: &[String]) -> Outcome<Options> {
    let mut options = Options::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "--mask" {
            options.mask = true;
            continue;
        }
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--repeat" => options.repeat = value.parse()?,
            "--fuel" => options.fuel = value.parse()?,
            "--memory" => options.memory_mib = value.parse()?,
            "--outputs" => options.shape = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--param" => options.params.push(param(value)?),
            other => return Err(format!("there is no {other}").into()),
        }
    }
    Ok(options)
}

/// Whole numbers are integers, others reals.
fn param(text: &str) -> Outcome<(String, Value)> {
    let (name, value) = text.split_once('=').ok_or("--param NAME=NUMBER")?;
    let number = match value.parse() {
        Ok(whole) => Value::Integer(whole),
        Err(_) => Value::Real(value.parse()?),
    };
    Ok((name.to_owned(), number))
}

fn perform(arguments: &[String]) -> Outcome<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["fresh"] => fresh(),
        ["slabs"] => slabs::measure(),
        ["fuel"] => fuel::measure(),
        ["volume", file] => Ok(fs::write(file, volume::bytes())?),
        ["guest", file, ..] => guest(Path::new(file), &options(&arguments[2..])?),
        _ => Err("measure fresh | slabs | fuel | guest FILE ... | volume FILE".into()),
    }
}

fn line(name: &str, nanoseconds: f64) {
    words(&format!("{name}\t{nanoseconds}"));
}

#[allow(clippy::print_stdout, reason = "a program of its own")]
fn words(line: &str) {
    println!("{line}");
}

#[allow(clippy::print_stderr, reason = "a program of its own")]
fn main() -> ExitCode {
    match perform(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("measure: {error}");
            ExitCode::FAILURE
        }
    }
}
