//! What a bare machine needs. What can be installed is; what cannot is done without, and that is said.

use crate::run::{on_ci, say, step, works};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";

/// What this machine has beyond Rust and a C compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tools {
    /// cmake and a C++ compiler: the JPEG-LS decoder can be built.
    pub(crate) jpeg_ls: bool,
    /// python3 with pip: the real test files can be fetched.
    pub(crate) pip: bool,
}

impl Tools {
    /// The features of the binary: one set for the demo, the tests and the lints, so that nothing is built twice.
    pub(crate) fn features(self) -> &'static [&'static str] {
        if self.jpeg_ls { &["--features", "trocar/jpeg-ls"] } else { &[] }
    }
}

/// Makes sure of everything that the build needs and says what is missing.
pub(crate) fn setup() -> Result<Tools> {
    wasm_target()?;
    let tools = Tools { jpeg_ls: cpp_tools(), pip: works("python3", &["-m", "pip", "--version"]) };
    if !tools.jpeg_ls {
        say("no cmake or no C++ compiler: building without JPEG-LS; such files will be quarantined");
    }
    if !tools.pip {
        say("no python3 with pip: real test files cannot be fetched");
    }
    Ok(tools)
}

/// Adds the guests' target to the pinned toolchain where it is absent.
pub(crate) fn wasm_target() -> Result<()> {
    if has_target() {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup.current_dir(crate::paths::root()).args(["target", "add", TARGET]);
    step("adding the wasm32 target", &mut rustup)
}

fn has_target() -> bool {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(crate::paths::root()).args(["--print", "target-libdir", "--target", TARGET]);
    let Ok(output) = rustc.output() else { return false };
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success() && Path::new(&folder).is_dir()
}

fn cpp_tools() -> bool {
    let cpp = ["c++", "g++", "clang++"].iter().any(|name| works(name, &["--version"]));
    cpp && (works("cmake", &["--version"]) || install_cmake())
}

fn install_cmake() -> bool {
    apt_install("cmake", "cmake")
}

/// Installs a Debian package for the program in it, where that asks nobody; whether the program works then.
pub(crate) fn apt_install(package: &str, program: &str) -> bool {
    install(&[package]);
    works(program, &["--version"])
}

/// Debian's packages that tests talk to (the ways in, the registry of packages), and a file that each brings.
const PEERS: [(&str, &str); 4] = [
    ("dcmtk", "/usr/bin/storescu"),
    ("orthanc", "/usr/sbin/Orthanc"),
    ("orthanc-dicomweb", "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"),
    ("docker-registry", "/usr/bin/docker-registry"),
];

/// Makes sure of the tests' peers where that asks nobody; without them their tests say that they are skipped.
///
/// # Errors
/// On a build server that has apt they must be there: a test that is skipped there would never run.
pub(crate) fn peers() -> Result<()> {
    let absent = || PEERS.iter().filter(|(_, file)| !Path::new(file).is_file()).map(|(name, _)| *name);
    if absent().next().is_some() {
        install(&absent().collect::<Vec<_>>());
    }
    let missing: Vec<_> = absent().collect();
    let has_apt = works("apt-get", &["--version"]);
    ensure!(missing.is_empty() || !(on_ci() && has_apt), "the tests need {}", missing.join(", "));
    if !missing.is_empty() {
        say(&format!("without {}: the tests that talk to them are skipped", missing.join(", ")));
    }
    Ok(())
}

/// Only where nobody has to be asked: as root, with apt. No service of a package is started.
fn install(packages: &[&str]) {
    if !is_root() || !works("apt-get", &["--version"]) {
        return;
    }
    let mut update = Command::new("apt-get");
    update.args(["update", "-qq"]);
    let what = format!("installing {}", packages.join(", "));
    let done = step("apt-get update", &mut update)
        .and_then(|()| without_services(|| step(&what, &mut apt_get(packages))));
    if let Err(error) = done {
        say(&format!("{what} failed: {error:#}"));
    }
}

fn apt_get(packages: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(["install", "-qq", "-y", "--no-install-recommends"]).args(packages);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Debian asks this program whether a package may start its service (invoke-rc.d); 101 says no.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Where the machine has a policy of its own, that one stands.
fn without_services(run: impl FnOnce() -> Result<()>) -> Result<()> {
    if Path::new(POLICY).exists() {
        return run();
    }
    fs::write(POLICY, "#!/bin/sh\nexit 101\n").with_context(|| format!("cannot write {POLICY}"))?;
    let made = fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755));
    let done = made.map_err(anyhow::Error::from).and_then(|()| run());
    fs::remove_file(POLICY).with_context(|| format!("cannot remove {POLICY}"))?;
    done
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
