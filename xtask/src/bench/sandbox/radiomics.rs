//! First-order features and the co-occurrence matrix of a lesion inside the sandbox, metered, against pyradiomics: on its own five
//! cases, and on the 51 PET patients where they are on this machine.

use super::super::rows::{Op, Row};
use super::super::{ROUNDS, folder, median};
use super::Measure;
use super::kernels::{Native, guest, inside};
use crate::run::{capture, say, step, works};
use crate::{made, paths};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The work of tests/guests/bench_kernels.
const WHAT: u32 = 4;

/// What pyradiomics 3.0.1 can be built and run with: the last numpy that has what it asks for.
const PACKAGES: [&str; 9] = [
    "numpy==1.23.5",
    "setuptools==65.5.0",
    "wheel==0.48.0",
    "cython==3.3.1",
    "simpleitk==2.5.7",
    "six==1.17.0",
    "pykwalify==1.8.0",
    "PyWavelets==1.9.0",
    "pydicom==3.0.2",
];
const PYRADIOMICS: &str = "pyradiomics==3.0.1";

const PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bench/sandbox/features.py");

/// Time and figures of each case.
type Cases = BTreeMap<String, (f64, Vec<(usize, f64)>)>;

pub(super) fn rows(measure: &Measure) -> Result<Vec<Row>> {
    let Some(python) = environment()? else { return Ok(Vec::new()) };
    made::make()?;
    let (native, guest) = (Native::build()?, guest()?);
    let mut rows = Vec::new();
    for (name, files, width) in sets(&python)? {
        if files.is_empty() {
            say(&format!("radiomics: {name} are not on this machine"));
            continue;
        }
        let mut ratios = Vec::new();
        let mut ours = Vec::new();
        for round in 1..=ROUNDS {
            say(&format!("radiomics, {name}, round {round} of {ROUNDS}"));
            let theirs = peer(&python, &files)?;
            let (mut mine, mut total) = (0.0, 0.0);
            for file in &files {
                let (nanoseconds, figures) =
                    theirs.get(&file.display().to_string()).context("a case is missing")?;
                mine += case(measure, &native, &guest, file, width, figures)?;
                total += nanoseconds;
            }
            ours.push(mine);
            ratios.push(total / mine);
        }
        rows.push(Row {
            name: format!("radiomics first order + GLCM, {name}, metered, transfer included"),
            value: median(ours) / 1e6,
            unit: "ms",
            against: "pyradiomics 3.0.1, the computation alone".to_owned(),
            ratio: Some(median(ratios)),
            bar: 5.0,
            op: Op::AtLeast,
        });
    }
    Ok(rows)
}

/// Nanoseconds of the guest, whose figures must be those of native code and, but for rounding, those of pyradiomics.
fn case(
    measure: &Measure,
    native: &Native,
    guest: &Path,
    file: &Path,
    width: &str,
    theirs: &[(usize, f64)],
) -> Result<f64> {
    let (_, numbers) = native.run(WHAT, file, 1, &[width])?;
    for (at, want) in theirs {
        let found = numbers.get(*at).copied().unwrap_or(f64::NAN);
        let close = (found - want).abs() <= 1e-6 * want.abs().max(1e-9);
        ensure!(close, "{}: figure {at} is {found}, not pyradiomics' {want}", file.display());
    }
    let (scan, param) = (file.display().to_string(), format!("width={width}"));
    inside(measure, guest, WHAT, &numbers, &["--scan", &scan, "--param", &param])
}

/// Names, files and bin widths.
fn sets(python: &Path) -> Result<[(&'static str, Vec<PathBuf>, &'static str); 2]> {
    let own = voxels(&paths::data().join("radiomics"))?;
    Ok([("pyradiomics' own five cases", own, "25"), ("the 51 PET patients", pet(python)?, "0.25")])
}

fn voxels(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "voxels") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The tumours of the archive beside this repository, once they are unpacked.
fn pet(python: &Path) -> Result<Vec<PathBuf>> {
    let into = folder("sandbox")?.join("pet");
    let data = std::env::var_os("TROCAR_TEST_DATA").map(PathBuf::from);
    let data = data.unwrap_or_else(|| paths::root().join("../shared/data"));
    let archive = data.join("sts/sts51_pet_rtstruct.tar.zst");
    if into.is_dir() || !archive.is_file() {
        return voxels(&into);
    }
    let (unpacked, part) = (into.with_extension("sts"), into.with_extension("part/pet"));
    fs::create_dir_all(&unpacked)?;
    let mut tar = Command::new("tar");
    step("unpacking the PET archive", tar.arg("-C").arg(&unpacked).arg("--zstd").arg("-xf").arg(&archive))?;
    let mut cut = Command::new(python);
    cut.arg(PEER).arg("pet").arg(&unpacked).arg(&part).env("PYTHONPATH", paths::root().join("tests/oracles"));
    step("cutting out the tumours", &mut cut)?;
    fs::remove_dir_all(&unpacked)?;
    fs::rename(&part, &into).with_context(|| format!("cannot move to {}", into.display()))?;
    voxels(&into)
}

fn peer(python: &Path, files: &[PathBuf]) -> Result<Cases> {
    let output = capture(Command::new(python).arg(PEER).arg("time").args(files))?;
    ensure!(output.status.success(), "pyradiomics ended with {}", output.status);
    String::from_utf8(output.stdout)?.lines().map(line).collect()
}

/// Its name, its nanoseconds, and its figures by their places.
type Case = (String, (f64, Vec<(usize, f64)>));

fn line(text: &str) -> Result<Case> {
    let cells: Vec<&str> = text.split('\t').collect();
    let [name, nanoseconds, figures] = cells[..] else { anyhow::bail!("not a case: {text}") };
    let figure = |cell: &str| -> Result<(usize, f64)> {
        let (at, value) = cell.split_once('=').with_context(|| format!("not a figure: {cell}"))?;
        Ok((at.parse()?, value.parse()?))
    };
    let figures = figures.split(' ').map(figure).collect::<Result<_>>()?;
    Ok((name.to_owned(), (nanoseconds.parse()?, figures)))
}

/// An interpreter with pyradiomics, built from its source; `None`, said aloud, where it cannot be had.
fn environment() -> Result<Option<PathBuf>> {
    let folder = paths::target().join("venv-radiomics");
    let (python, complete) = (folder.join("bin/python3"), folder.join("complete"));
    if complete.is_file() {
        return Ok(Some(python));
    }
    if !works("python3", &["-m", "venv", "--help"]) {
        say("radiomics: no python3 with venv");
        return Ok(None);
    }
    let pip = |more: &[&str]| {
        let mut command = Command::new(&python);
        command
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(more);
        command.stdin(Stdio::null());
        command
    };
    let needs = [&PACKAGES[..], &["docopt==0.6.2", "python-dateutil==4.0.0", "ruamel.yaml==0.19.1"]].concat();
    let done =
        step("making a virtual environment", Command::new("python3").args(["-m", "venv"]).arg(&folder))
            .and_then(|()| step("fetching what pyradiomics needs", &mut pip(&needs)))
            .and_then(|()| step("building pyradiomics", &mut pip(&["--no-build-isolation", PYRADIOMICS])));
    if done.is_err() {
        say("radiomics: pyradiomics could not be built here");
        return Ok(None);
    }
    fs::write(&complete, PYRADIOMICS)?;
    Ok(Some(python))
}
