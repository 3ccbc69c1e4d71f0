//! opendp 0.16 as an oracle for `runtime/filter`: its privacy map on a grid of 1,000 points, and draws of its sampler.
//!
//! `pin` writes what opendp says to `tests/oracles/opendp_*.tsv`, which the filter's own tests read, so that nothing else builds
//! opendp. `compare` (`cargo xtask attack`) asks opendp again and fails where the files say something else.
//! Neither links the filter: the two meet in the files.

use dashu::integer::IBig;
use dashu::rational::RBig;
use opendp::domains::{AtomDomain, VectorDomain};
use opendp::measurements::make_gaussian;
use opendp::measures::ZeroConcentratedDivergence;
use opendp::metrics::L2Distance;
use opendp::traits::samplers::sample_discrete_gaussian;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Sigmas whose draws are pinned: the gate's least, a count's at rho 0.005, and one that is no power of two.
const SIGMAS: [u64; 3] = [4, 2560, 46_341];
const DRAWS: usize = 1_000_000;
/// Draws with which the pinned ones are compared.
const AGAIN: usize = 200_000;

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("pin") => pin(),
        Some("compare") => compare(),
        _ => Err("say pin or compare".into()),
    }
}

fn oracle(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../oracles").join(name)
}

/// Sensitivities as outputs have them, by 40 sizes of noise: 0.72 to 1,000 times the sensitivity and more.
fn grid() -> Vec<(u64, u64)> {
    let sensitivities = [
        1, 2, 3, 256, 257, 363, 444, 512, 1024, 2897, 4096, 8192, 11_586, 46_341, 65_536, 92_682, 1_000_003, 1 << 24,
        (1 << 27) + 1, 1 << 30, 3_037_000_500, 1 << 36, 1 << 40, (1 << 43) - 1, 1 << 43,
    ];
    let noises = |s: u64| (0..40_u32).map(move |step| noise(s, step));
    sensitivities.into_iter().flat_map(|s| noises(s).map(move |sigma| (s, sigma))).collect()
}

/// Whole numbers that grow by a fifth, and from 4 on, below which no plan has noise.
fn noise(s: u64, step: u32) -> u64 {
    let size = (s as f64 * 0.72 * 1.2_f64.powi(step as i32)).ceil() as u64;
    size.max(4 + u64::from(step))
}

/// opendp's own rho of discrete Gaussian noise with this scale on integers at this distance, rounded up.
fn map(s: u64, sigma: u64) -> Result<f64> {
    let domain = VectorDomain::new(AtomDomain::<IBig>::default());
    let metric = L2Distance::<RBig>::default();
    let gaussian = make_gaussian::<_, _, ZeroConcentratedDivergence>(domain, metric, sigma as f64, None);
    let gaussian = gaussian.map_err(|error| format!("{error:?}"))?;
    gaussian.map(&RBig::from(s)).map_err(|error| format!("{error:?}").into())
}

fn maps() -> Result<String> {
    let mut text = "s\tsigma\trho\n".to_owned();
    for (s, sigma) in grid() {
        text.push_str(&format!("{s}\t{sigma}\t{:e}\n", map(s, sigma)?));
    }
    Ok(text)
}

type Counts = BTreeMap<i128, f64>;

/// How many of `n` draws fall into each cell of an eighth of sigma.
fn draws(sigma: u64, n: usize) -> Result<Counts> {
    let (scale, width) = (RBig::from(sigma), i128::from((sigma / 8).max(1)));
    let mut counts = Counts::new();
    for _ in 0..n {
        let draw = sample_discrete_gaussian(scale.clone()).map_err(|error| format!("{error:?}"))?;
        *counts.entry(i128::try_from(draw)?.div_euclid(width)).or_insert(0.0) += 1.0;
    }
    Ok(counts)
}

fn pin() -> Result<()> {
    fs::write(oracle("opendp_maps.tsv"), maps()?)?;
    let mut text = "sigma\tcell\tcount\n".to_owned();
    for sigma in SIGMAS {
        for (cell, count) in draws(sigma, DRAWS)? {
            text.push_str(&format!("{sigma}\t{cell}\t{count}\n"));
        }
    }
    fs::write(oracle("opendp_draws.tsv"), text)?;
    Ok(())
}

fn compare() -> Result<()> {
    let same = maps()? == fs::read_to_string(oracle("opendp_maps.tsv"))?;
    row("privacy map", "1,000 pairs of sensitivity and sigma, asked again", f64::from(u8::from(!same)), "files that differ", 0.0)?;
    let pinned = fs::read_to_string(oracle("opendp_draws.tsv"))?;
    let mut worst: f64 = 0.0;
    for sigma in SIGMAS {
        worst = worst.max(distance(&pinned_counts(&pinned, sigma)?, &draws(sigma, AGAIN)?));
    }
    // 5 standard deviations of chi-squared: a true sampler passes it once in a million runs.
    row("pinned draws", "chi-squared of 200,000 fresh draws of opendp against its pinned million", worst, "standard deviations", 5.0)
}

fn pinned_counts(text: &str, sigma: u64) -> Result<Counts> {
    let mut counts = Counts::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [of, cell, count] = cells[..] else { return Err("three columns".into()) };
        if of.parse::<u64>()? == sigma {
            counts.insert(cell.parse()?, count.parse()?);
        }
    }
    Ok(counts)
}

/// How many of its standard deviations the two-sample chi-squared lies over its mean.
fn distance(a: &Counts, b: &Counts) -> f64 {
    let total = |counts: &Counts| counts.values().sum::<f64>();
    let (up, down) = ((total(b) / total(a)).sqrt(), (total(a) / total(b)).sqrt());
    let (mut chi2, mut cells) = (0.0, 0.0);
    for (cell, x) in a {
        let y = b.get(cell).copied().unwrap_or(0.0);
        if x + y >= 50.0 {
            chi2 += (up * x - down * y).powi(2) / (x + y);
            cells += 1.0;
        }
    }
    (chi2 - cells) / f64::sqrt(2.0 * cells)
}

/// Prints the row, appends it to the file that `TROCAR_ATTACK_ROWS` names, and fails where it does not hold.
fn row(name: &str, tries: &str, value: f64, unit: &str, bar: f64) -> Result<()> {
    let holds = value <= bar;
    let row = serde_json::json!({"name": format!("opendp 0.16: {name}"), "guest": "none: the pinned files", "tries": tries,
        "bound": format!("at most {bar} {unit}"), "measured": format!("{value:.2}"), "noise_off": "-", "value": value,
        "unit": unit, "against": "opendp 0.16.0", "ratio": null, "bar": bar, "op": "<=", "holds": holds});
    println!("{row}");
    if let Some(file) = std::env::var_os("TROCAR_ATTACK_ROWS") {
        fs::File::options().append(true).create(true).open(file)?.write_all(format!("{row}\n").as_bytes())?;
    }
    if holds { Ok(()) } else { Err(format!("{name} does not hold").into()) }
}
