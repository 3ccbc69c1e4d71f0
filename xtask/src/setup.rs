//! What a bare machine needs. What can be installed is; what cannot is done without, and that is said.

use crate::run::{say, step, works};
use anyhow::Result;
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
    output.status.success() && std::path::Path::new(&folder).is_dir()
}

fn cpp_tools() -> bool {
    let cpp = ["c++", "g++", "clang++"].iter().any(|name| works(name, &["--version"]));
    cpp && (works("cmake", &["--version"]) || install_cmake())
}

fn install_cmake() -> bool {
    apt_install("cmake", "cmake")
}

/// Installs a Debian package for the program in it: only where nobody has to be asked, as root, with apt.
pub(crate) fn apt_install(package: &str, program: &str) -> bool {
    if !is_root() || !works("apt-get", &["--version"]) {
        return false;
    }
    let mut update = Command::new("apt-get");
    let mut install = Command::new("apt-get");
    update.args(["update", "-qq"]);
    install
        .args(["install", "-qq", "-y", "--no-install-recommends", package])
        .env("DEBIAN_FRONTEND", "noninteractive");
    let done = step("apt-get update", &mut update)
        .and_then(|()| step(&format!("installing {package}"), &mut install));
    if let Err(error) = done {
        say(&format!("{package} could not be installed: {error:#}"));
    }
    works(program, &["--version"])
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
