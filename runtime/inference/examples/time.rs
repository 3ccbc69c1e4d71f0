//! What runs of a model take on one thread, and the voxels of each class that it gives; for `cargo xtask bench sandbox`:
//! `time MODEL.onnx INPUT.f32 RUNS [LIBRARY]`. Lines of `seconds<TAB>x` and one of `volumes<TAB>n<TAB>n..`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::{error::Error, fs, fs::File, process::ExitCode, time::Instant};
use trocar_inference::{Library, Model, Runtime, Tensor};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match time(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn time(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [model, input, runs, rest @ ..] = arguments else {
        return Err("time MODEL INPUT RUNS [LIBRARY]".into());
    };
    let runtime = match rest.first() {
        Some(path) => Runtime::Installed(Library::open(&File::open(path)?)?),
        None => Runtime::Embedded,
    };
    let model = Model::load(&fs::read(model)?, &runtime)?;
    let bytes = fs::read(input)?;
    let (numbers, _) = bytes.as_chunks::<4>();
    let data: Vec<f32> = numbers.iter().map(|four| f32::from_le_bytes(*four)).collect();
    let shape = model.facts().inputs.first().ok_or("no input")?.shape.clone();
    let mut last = Vec::new();
    for _ in 0..runs.parse::<u32>()? {
        let given = vec![Tensor { shape: shape.clone(), data: data.clone() }];
        let start = Instant::now();
        last = model.infer(given)?;
        println!("seconds\t{}", start.elapsed().as_secs_f64());
    }
    let output = last.first().ok_or("no runs")?;
    println!("volumes\t{}", volumes(output).iter().map(usize::to_string).collect::<Vec<_>>().join("\t"));
    Ok(())
}

/// Elements of each class of the second dimension: the first of equal ones, as numpy's argmax.
fn volumes(output: &Tensor) -> Vec<usize> {
    let classes = output.shape.get(1).map_or(1, |n| *n as usize).max(1);
    let size = output.data.len() / classes;
    let mut counts = vec![0; classes];
    for at in 0..size {
        let score = |class: usize| output.data.get(class * size + at).copied().unwrap_or(f32::NAN);
        let best = (1..classes).fold(0, |best, class| if score(class) > score(best) { class } else { best });
        if let Some(count) = counts.get_mut(best) {
            *count += 1;
        }
    }
    counts
}
