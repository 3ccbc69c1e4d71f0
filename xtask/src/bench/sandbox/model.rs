//! Inference: a U-Net against Python's onnxruntime on one thread, and the class volumes of a segmentation network.

use crate::bench::rows::{Op, Row};
use crate::bench::{ROUNDS, folder, median};
use crate::run::{capture, cargo, say, step};
use crate::{build, paths, python};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a round: the first of a process is not counted by either side.
const RUNS: usize = 3;
/// Pixels an edge, as the issue has it.
const SIDE: &str = "256";

/// One program's medians, a number each round.
#[derive(Default)]
struct Times {
    installed: Vec<f64>,
    embedded: Vec<f64>,
    peer: Vec<f64>,
}

pub(super) fn rows() -> Result<Vec<Row>> {
    let Some(python) = python::find()? else { return Ok(Vec::new()) };
    let library = library(&python)?;
    let (writer, timer) = (example("trocar-testkit", "onnx")?, example("trocar-inference", "time")?);
    let place = folder("model")?;
    made(&writer, &["unet", SIDE], &place)?;
    let mut times = Times::default();
    for round in 1..=ROUNDS {
        say(&format!("round {round} of {ROUNDS}"));
        times.installed.push(ours(&timer, &place, Some(&library))?.0);
        times.peer.push(theirs(&python, &place)?);
        times.embedded.push(ours(&timer, &place, None)?.0);
    }
    let mut rows = vec![
        ratio("ONNX UNet 256 x 256 through the host, with ort", &times.installed, &times.peer, 1.1),
        // No bar: what the embedded runtime costs is told, not promised.
        ratio(
            "ONNX UNet 256 x 256 through the host, with tract",
            &times.embedded,
            &times.peer,
            f64::INFINITY,
        ),
    ];
    rows.extend(volumes(&python, &writer, &timer)?);
    Ok(rows)
}

/// Builds an example of a crate and says where it is.
fn example(package: &str, name: &str) -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--package", package, "--example", name]).args(build::locked());
    step(&format!("building {package}'s {name}"), &mut build)?;
    Ok(paths::target().join("debug/examples").join(name))
}

/// onnxruntime's own library, in the wheel.
fn library(python: &Path) -> Result<PathBuf> {
    let script = "import glob, os, onnxruntime as o; print(glob.glob(os.path.dirname(o.__file__) + '/capi/libonnxruntime.so*')[0])";
    Ok(PathBuf::from(said(Command::new(python).args(["-c", script]))?.trim()))
}

fn said(command: &mut Command) -> Result<String> {
    let output = capture(command)?;
    ensure!(output.status.success(), "{command:?} ended with {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

fn made(writer: &Path, what: &[&str], place: &Path) -> Result<()> {
    said(Command::new(writer).args(what).arg(place)).map(drop)
}

/// The median seconds of a run, and the elements of each class.
fn ours(timer: &Path, place: &Path, library: Option<&Path>) -> Result<(f64, String)> {
    let (model, input) = (place.join("model.onnx"), place.join("input.f32"));
    let mut command = Command::new(timer);
    let text = said(command.arg(model).arg(input).arg(RUNS.to_string()).args(library))?;
    let cells =
        |name: &str| text.lines().filter_map(|l| l.strip_prefix(name)).map(str::to_owned).collect::<Vec<_>>();
    let seconds: Result<Vec<f64>, _> = cells("seconds\t").iter().map(|s| s.parse()).collect();
    let volumes = cells("volumes\t").pop().context("no volumes")?;
    Ok((median(seconds?), volumes))
}

fn script(python: &Path, verb: &str, place: &Path) -> Command {
    let mut command = Command::new(python);
    command.arg(paths::root().join("tests/oracles/meshnet.py")).arg(verb);
    command.arg(place.join("model.onnx")).arg(place.join("input.f32"));
    command
}

fn theirs(python: &Path, place: &Path) -> Result<f64> {
    let text = said(script(python, "time", place).arg(RUNS.to_string()))?;
    let seconds: Result<Vec<f64>, _> = text.lines().map(str::parse).collect();
    Ok(median(seconds?))
}

fn ratio(name: &str, ours: &[f64], theirs: &[f64], bar: f64) -> Row {
    Row {
        name: name.to_owned(),
        value: median(ours.to_vec()) * 1e3,
        unit: "ms",
        against: "Python's onnxruntime 1.32 on one thread".to_owned(),
        ratio: Some(median(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect())),
        bar,
        op: Op::AtMost,
    }
}

/// Voxels by which the class volumes of both runtimes differ from Python's onnxruntime: over the real network on the real crop where
/// they are beside the project, else over a seeded one of its kind.
fn volumes(python: &Path, writer: &Path, timer: &Path) -> Result<Vec<Row>> {
    let place = folder("meshnet")?;
    let name = match real(&place)? {
        true => "brain MeshNet on the T1 crop, voxels off",
        false => {
            made(writer, &["meshnet", "64"], &place)?;
            "seeded MeshNet of 64 voxels an edge, voxels off"
        }
    };
    let expected = counts(&said(&mut script(python, "volumes", &place))?)?;
    let library = library(python)?;
    let mut rows = Vec::new();
    for (whose, library) in [("ort", Some(library.as_path())), ("tract", None)] {
        let got = counts(&ours(timer, &place, library)?.1)?;
        ensure!(got.len() == expected.len(), "other classes than onnxruntime's");
        let off = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).sum();
        rows.push(Row {
            name: format!("{name}, with {whose}"),
            value: off,
            unit: "",
            against: "Python's onnxruntime 1.32".to_owned(),
            ratio: None,
            bar: 0.0,
            op: Op::AtMost,
        });
    }
    Ok(rows)
}

fn counts(text: &str) -> Result<Vec<f64>> {
    Ok(text.trim().split('\t').map(str::parse).collect::<Result<_, _>>()?)
}

/// Copies the shared network and its input, if both are there.
fn real(place: &Path) -> Result<bool> {
    let data = std::env::var_os("TROCAR_TEST_DATA")
        .map_or_else(|| paths::root().join("../shared/data"), PathBuf::from);
    let (model, input) = (data.join("onnx/model5_gw_ae.onnx"), data.join("onnx/t1_crop.f32"));
    if !model.is_file() || !input.is_file() {
        say("no network with an input beside the project: a seeded one stands in for it");
        return Ok(false);
    }
    std::fs::copy(model, place.join("model.onnx"))?;
    std::fs::copy(input, place.join("input.f32"))?;
    Ok(true)
}
