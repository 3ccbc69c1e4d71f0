//! Decoding, syntax by syntax: one thread of ours against one thread of pydicom's plugins on the same slice.

use super::peers::Python;
use super::rows::{Op, Row};
use super::{ROUNDS, folder, median};
use crate::run::{capture, cargo, say, step};
use crate::setup::Tools;
use crate::{build, paths};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const PEER: &str = include_str!("decode.py");

/// The plugins that the bar names; where neither reads a syntax, what does.
const PLUGINS: [&str; 2] = ["gdcm", "pylibjpeg"];

/// Nanoseconds of each file's frame, by plugin.
type Times = BTreeMap<String, BTreeMap<String, f64>>;

pub(super) fn rows(tools: Tools) -> Result<Vec<Row>> {
    let program = example(tools)?;
    let below = folder("decode")?;
    let python = Python::find()?.context("without the Python peers there is nothing to measure against")?;
    let slice = std::env::var_os("TROCAR_TEST_DATA")
        .map_or_else(|| paths::root().join("../shared/data"), PathBuf::from)
        .join("ct512/EVLE.dcm");
    let mut make = python.script(PEER);
    make.arg("make").arg(&below);
    if slice.is_file() {
        make.arg(&slice);
    } else {
        say(&format!("{} is not here: the slice is made from a formula", paths::shown(&slice)));
    }
    step("making a slice in every transfer syntax", &mut make)?;
    let mut rows = compared(&program, &python, &files(&below)?)?;
    rows.push(in_parallel(&program, &below.join("series"))?);
    Ok(rows)
}

/// The decoder by itself, with the features and profile of the binary.
fn example(tools: Tools) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--package", "trocar-imaging", "--example", "decode"]).args(build::locked());
    if tools.jpeg_ls {
        command.args(["--features", "trocar-imaging/jpeg-ls"]);
    }
    step("building the decoder by itself", &mut command)?;
    Ok(paths::target().join("debug/examples/decode"))
}

fn files(below: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(below)? {
        let path = entry?.path();
        if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn compared(program: &Path, python: &Python, files: &[PathBuf]) -> Result<Vec<Row>> {
    let mut ratios: BTreeMap<String, Vec<(f64, String, f64)>> = BTreeMap::new();
    for round in 1..=ROUNDS {
        say(&format!("round {round} of {ROUNDS}"));
        let ours = times(Command::new(program).args(files))?;
        let theirs = times(python.script(PEER).arg("time").args(files))?;
        for (file, ours) in ours {
            let nanoseconds = ours.get("ours").copied().context("the example names no time")?;
            let (plugin, peer) = best(theirs.get(&file))?;
            ratios.entry(file).or_default().push((peer / nanoseconds, plugin, nanoseconds));
        }
    }
    Ok(ratios.into_iter().map(|(file, rounds)| row(&file, rounds)).collect())
}

/// The faster of the two plugins that the bar names, else the fastest of those that read it.
fn best(times: Option<&BTreeMap<String, f64>>) -> Result<(String, f64)> {
    let times = times.context("no peer reads the file")?;
    let named = times.iter().filter(|(plugin, _)| PLUGINS.contains(&plugin.as_str()));
    let all: Vec<_> = if named.clone().next().is_some() { named.collect() } else { times.iter().collect() };
    let fastest =
        all.into_iter().min_by(|(_, a), (_, b)| a.total_cmp(b)).context("no peer reads the file")?;
    Ok((fastest.0.clone(), *fastest.1))
}

/// JPEG 2000, high throughput or not, has a bar of its own; for JPEG XL, which neither gdcm nor pylibjpeg reads, the peer is the
/// reference library in C++, and the bar ours.
fn bar(name: &str) -> f64 {
    if name.contains("2000") || ["htj2k", "jpeg-xl"].contains(&name) { 0.75 } else { 1.0 }
}

/// Bytes of the slice once it is decoded.
const PIXELS: f64 = 512.0 * 512.0;

fn row(file: &str, rounds: Vec<(f64, String, f64)>) -> Row {
    let name =
        Path::new(file).file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let width = if name == "jpeg-8-bits" { 1.0 } else { 2.0 };
    let plugin = rounds.first().map_or_else(String::new, |(_, plugin, _)| plugin.clone());
    let nanoseconds = median(rounds.iter().map(|(.., ns)| *ns).collect());
    let bar = bar(&name);
    Row {
        name: format!("decode, {name}, one thread"),
        value: PIXELS * width * 1e3 / nanoseconds,
        unit: "MB/s",
        against: format!("pydicom 3.0.2 with {plugin}"),
        ratio: Some(median(rounds.into_iter().map(|(ratio, ..)| ratio).collect())),
        bar,
        op: Op::AtLeast,
    }
}

/// Lines of file, plugin, nanoseconds.
fn times(command: &mut Command) -> Result<Times> {
    let output = capture(command)?;
    ensure!(output.status.success(), "{} ended with {}", crate::run::line(command), output.status);
    let mut found = Times::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let [file, plugin, nanoseconds] = line.split('\t').collect::<Vec<_>>()[..] else {
            anyhow::bail!("a line of times is {line:?}");
        };
        found.entry(file.to_owned()).or_default().insert(plugin.to_owned(), nanoseconds.parse()?);
    }
    Ok(found)
}

/// The 32 slices of a JPEG 2000 series, as they are decoded for the node's cache.
fn in_parallel(program: &Path, series: &Path) -> Result<Row> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let run = |threads: usize| {
        let mut command = Command::new(program);
        let found = times(command.arg("--threads").arg(threads.to_string()).args(files(series)?))?;
        let one = found.values().flat_map(BTreeMap::values).copied().next();
        one.context("the example names no time")
    };
    let (mut single, mut several) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        single.push(run(1)?);
        several.push(run(cores)?);
    }
    let (single, several) = (median(single), median(several));
    Ok(Row {
        name: format!("decode, 32 slices of JPEG 2000 on {cores} threads"),
        value: 32.0 * PIXELS * 2.0 * 1e3 / several,
        unit: "MB/s",
        against: "one thread of ours".to_owned(),
        ratio: Some(single / several),
        // Half of what more cores could give: they may be shared.
        bar: 1.0 + (cores as f64 - 1.0) / 2.0,
        op: Op::AtLeast,
    })
}
