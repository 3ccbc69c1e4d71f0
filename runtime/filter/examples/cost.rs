//! What the filter's own work costs: for `cargo xtask bench filter`.
//!
//! A line is what was measured, whose it is (`ours` or `peer`), and nanoseconds a unit of it: a coordinate, a patient, a draw.

use chacha20::ChaCha20Rng;
use rand::SeedableRng;
use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;
use trocar_filter::{
    Admission, Contribution, GaussianNoise, NoiseSource, Outcome, Plan, Sums, Untrusted, release,
};
use trocar_terms::{Bounds, Kind, Output};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Near the most that a job may have.
const COORDINATES: u32 = 60_000;
const OUTPUTS: usize = 64;
const PATIENTS: usize = 2_000;
/// Of rho 0.02 at a sensitivity of 2^13.
const SIGMA: u64 = 40_960;

fn plan(outputs: &[Output]) -> Result<Plan> {
    Ok(Plan::admit(&Admission {
        outputs,
        derived: &[],
        gate_rho: "0.02".parse()?,
        gate_delta: "1e-8".parse()?,
        rounds: 1,
        k: 10,
        n_pub: 100_000,
    })?)
}

fn output(name: &str, kind: Kind) -> Result<Output> {
    Ok(Output { name: name.parse()?, unit: "1".into(), rho: "0.02".parse()?, kind })
}

fn nanoseconds(units: usize, work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_nanos() as f64 / units as f64
}

/// A release of one long vector, and what of it the sampler takes.
fn a_coordinate() -> Result<(f64, f64)> {
    let units = COORDINATES as usize;
    let plan = plan(&[output("v", Kind::Vector { length: COORDINATES, clip: 2.0, grid_bits: 12 })?])?;
    let mut sums = Sums::new(&plan);
    (0..200).for_each(|_| sums.add_default());
    let (mut rng, mut vector) = (ChaCha20Rng::seed_from_u64(1), vec![0; units]);
    let mut outcome = None;
    let whole = nanoseconds(units, || outcome = Some(release(sums, &mut rng)));
    if !matches!(outcome, Some(Outcome::Released(_))) {
        return Err("200 patients did not open the gate".into());
    }
    let mut noise = GaussianNoise::new(&mut rng);
    let sampler = nanoseconds(units, || noise.add_to(black_box(&mut vector), SIGMA));
    Ok((whole - sampler, sampler))
}

/// Outputs of the kinds that one finds in manifests, in turn, and what a patient gives to each.
fn job() -> Result<(Plan, Contribution)> {
    let bounds = Bounds { lower: -1024.0, upper: 3072.0, grid_bits: 4 };
    let edges: Vec<f64> = (0..=10_u8).map(f64::from).collect();
    let kinds = [
        (Kind::Count, vec![1.0]),
        (Kind::Sum(bounds), vec![61.7]),
        (Kind::Mean(bounds), vec![61.7]),
        (Kind::Variance(bounds), vec![61.7]),
        (Kind::Histogram { edges: edges.clone(), cells_per_patient: 1 }, one_hot(10)),
        (Kind::Quantiles { edges, probabilities: vec![0.5] }, vec![3.3]),
        (Kind::Vector { length: 16, clip: 1.0, grid_bits: 12 }, vec![0.3; 16]),
    ];
    let all = kinds.iter().cycle().take(OUTPUTS).enumerate();
    let (mut outputs, mut given) = (Vec::new(), Vec::new());
    for (at, (kind, values)) in all {
        outputs.push(output(&format!("o{at}"), kind.clone())?);
        given.push(values.clone());
    }
    Ok((plan(&outputs)?, Contribution(given)))
}

fn one_hot(cells: usize) -> Vec<f64> {
    (0..cells).map(|cell| if cell == 3 { 1.0 } else { 0.0 }).collect()
}

/// Quantising, clipping and adding what a patient returned, and a plain loop that adds as many numbers.
fn a_patient() -> Result<(f64, f64)> {
    let (plan, given) = job()?;
    let all: Vec<_> = (0..PATIENTS).map(|_| Untrusted::new(given.clone())).collect();
    let mut sums = Sums::new(&plan);
    let ours = nanoseconds(PATIENTS, || all.into_iter().for_each(|patient| sums.add(patient)));
    black_box(sums.bytes());
    let plain: Vec<i64> = given.0.iter().flatten().zip(1..).map(|(_, at)| at).collect();
    let mut totals = vec![0_i64; plain.len()];
    let peer = nanoseconds(PATIENTS, || {
        for _ in 0..PATIENTS {
            black_box(&plain).iter().zip(&mut totals).for_each(|(q, total)| *total += q);
        }
        black_box(&totals);
    });
    Ok((ours, peer))
}

/// A draw of the own sampler, and one of prio's.
fn a_draw() -> (f64, f64) {
    let mut noise = GaussianNoise::new(&mut ChaCha20Rng::seed_from_u64(2));
    let units = 20_000;
    let mut vector = vec![0; units];
    let ours = nanoseconds(units, || noise.add_to(&mut vector, SIGMA));
    let peer = nanoseconds(units, || {
        (0..units).for_each(|_| {
            black_box(noise.draw(SIGMA));
        });
    });
    (ours, peer)
}

#[allow(clippy::print_stdout, reason = "a program of its own")]
fn run() -> Result<()> {
    for (what, (ours, peer)) in
        [("coordinate", a_coordinate()?), ("patient", a_patient()?), ("draw", a_draw())]
    {
        println!("{what}\tours\t{ours}\n{what}\tpeer\t{peer}");
    }
    Ok(())
}

#[allow(clippy::print_stderr, reason = "a program of its own")]
fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
