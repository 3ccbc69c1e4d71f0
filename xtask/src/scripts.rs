//! Guests in Python and C: compiled by the tools of their language, and composed with the SDK's kernels to one component.

use crate::run::{cargo, say, step};
use crate::{build, paths, python, setup};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Which guests to build, and where they go.
#[derive(Args)]
pub(crate) struct Options {
    /// Folders with an algorithm.py or algorithm.c
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// The component, of one folder [default: the folder's name, beside the other guests in target/]
    #[arg(long, short)]
    output: Option<PathBuf>,
    /// Import the interface `model` too (Python; a guest in C imports it when it calls it)
    #[arg(long)]
    models: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    C,
    Python,
}

impl Language {
    /// By the file that an author writes.
    fn of(folder: &Path) -> Option<Self> {
        let has = |name: &str| folder.join(name).is_file();
        match (has("algorithm.c"), has("algorithm.py")) {
            (true, false) => Some(Self::C),
            (false, true) => Some(Self::Python),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Python => "python",
        }
    }
}

/// Builds guests, as their author does.
pub(crate) fn guests(options: &Options) -> Result<()> {
    let single = options.folders.len() == 1;
    ensure!(single || options.output.is_none(), "--output names the component of one folder");
    setup::wasm_target()?;
    let parts = Parts::build()?;
    for folder in &options.folders {
        let folder = fs::canonicalize(folder).with_context(|| format!("cannot find {}", folder.display()))?;
        let output = options.output.clone().unwrap_or_else(|| paths::guest(&name_of(&folder)));
        let Some(bytes) = parts.guest(&folder, &output, options.models)? else {
            bail!("there is no Python with venv and pip, from which the compilers come");
        };
        say(&format!("{} is a component of {bytes} bytes", paths::shown(&output)));
    }
    Ok(())
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Builds the examples in Python and C; without Python they are not built, and their tests are skipped.
pub(crate) fn examples() -> Result<()> {
    let folders = paths::script_guests()?;
    let parts = Parts::build()?;
    for folder in folders {
        if parts.guest(&folder, &paths::guest(&name_of(&folder)), false)?.is_none() {
            say("without Python: guests in Python and C are not built, and their tests are skipped");
            return Ok(());
        }
    }
    Ok(())
}

/// What every such guest is composed with, and what composes.
pub(crate) struct Parts {
    tool: PathBuf,
    kernels: PathBuf,
    folder: PathBuf,
}

impl Parts {
    pub(crate) fn build() -> Result<Self> {
        let mut kernels = cargo();
        kernels.args(["build", "--target", "wasm32-unknown-unknown", "--profile", "guest"]);
        kernels.args(["--package", "trocar-kernels"]).args(build::locked());
        step("building the kernels", &mut kernels)?;
        let folder = paths::target().join("scripts");
        fs::create_dir_all(&folder)?;
        Ok(Self { tool: build::compose_tool()?, kernels: paths::guest("trocar-kernels"), folder })
    }

    /// Compiles and composes, and says how many bytes came out; `None` where there is no Python.
    pub(crate) fn guest(&self, folder: &Path, output: &Path, models: bool) -> Result<Option<u64>> {
        let Some(language) = Language::of(folder) else {
            bail!("{} has neither algorithm.c nor algorithm.py, or both", paths::shown(folder));
        };
        let requirements = paths::root().join("sdk").join(language.name()).join("requirements.txt");
        let Some(python) = python::with(&requirements)? else { return Ok(None) };
        let part = self.folder.join(output.file_name().context("the output has no name")?);
        match language {
            Language::C => self.c(&python, folder, &part)?,
            Language::Python => from_python(&python, folder, &part, models)?,
        }
        let mut compose = Command::new(&self.tool);
        compose.arg("compose").arg(&part).arg(&self.kernels).arg(output);
        step("composing it with the kernels", &mut compose)?;
        Ok(Some(fs::metadata(output)?.len()))
    }

    fn c(&self, python: &Path, folder: &Path, output: &Path) -> Result<()> {
        let bindings = self.folder.join("c");
        fs::create_dir_all(&bindings)?;
        step("writing the C bindings", Command::new(&self.tool).arg("bindings").arg(&bindings))?;
        let sdk = paths::root().join("sdk").join("c");
        let mut compile = Command::new(python);
        compile.env("ZIG_GLOBAL_CACHE_DIR", self.folder.join("zig")).current_dir(&self.folder);
        compile.args(["-m", "ziglang", "cc", "-target", "wasm32-freestanding", "-mcpu=generic+bulk_memory"]);
        compile.args(["-std=c11", "-O2", "-g0", "-ffreestanding", "-nostdlib", "-Wall", "-Wextra"]);
        compile.arg("-I").arg(sdk.join("include")).arg("-I").arg(&bindings).arg("-Wl,--no-entry");
        compile.args(sources(folder)?).arg(sdk.join("guest.c")).arg(sdk.join("libc.c"));
        compile.arg(bindings.join("trocar.c")).arg("-o").arg(output);
        step("compiling the guest in C", &mut compile)
    }
}

/// Every .c file beside algorithm.c.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "c") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// `--stub-wasi`: what the interpreter would import from a system traps when it is called.
fn from_python(python: &Path, folder: &Path, output: &Path, models: bool) -> Result<()> {
    let tool = python.with_file_name(format!("componentize-py{}", std::env::consts::EXE_SUFFIX));
    ensure!(tool.is_file(), "there is no {}", tool.display());
    let sdk = paths::root().join("sdk");
    let world = if models { "script-with-models" } else { "script" };
    let mut build = Command::new(tool);
    // The author's own site-packages stay out of the component.
    build.env_remove("VIRTUAL_ENV").env("PYTHONDONTWRITEBYTECODE", "1");
    build.arg("-d").arg(sdk.join("wit")).arg("-d").arg(sdk.join("kernels").join("wit"));
    build.args(["-w", &format!("trocar:kernels/{world}"), "componentize", "--stub-wasi"]);
    build.arg("-p").arg(folder).arg("-p").arg(sdk.join("python")).arg("algorithm").arg("-o").arg(output);
    step("making a component of the guest in Python", &mut build)
}
