//! The copy of the tree that mutants live in.

use super::list::Mutant;
use crate::paths;
use crate::run::capture;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders of the target directory that the copy starts from, so that nothing of the registry is built twice.
const BUILT: [&str; 5] = ["debug", "wasm32-unknown-unknown", "guest", "data", "venv"];

/// A copy of every tracked file, with a target directory of its own.
pub(super) struct Tree {
    folder: PathBuf,
}

/// A mutant in its place; the file is whole again when this is dropped.
pub(super) struct Planted {
    file: PathBuf,
    whole: String,
}

impl Tree {
    /// Copies the tracked files as they stand in the working tree, with their times: cargo then finds them built.
    pub(super) fn copy() -> Result<Self> {
        let tree = Self { folder: paths::target().join("mutants") };
        if tree.root().exists() {
            fs::remove_dir_all(tree.root()).context("cannot clear the last copy")?;
        }
        fs::create_dir_all(tree.root())?;
        for file in tracked()? {
            copy_file(&paths::root().join(&file), &tree.root().join(&file))?;
        }
        tree.begin_with_what_is_built()?;
        Ok(tree)
    }

    pub(super) fn root(&self) -> PathBuf {
        self.folder.join("tree")
    }

    pub(super) fn target(&self) -> PathBuf {
        self.folder.join("target")
    }

    /// Where the words of a mutant's tests are kept.
    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// What an earlier run kept says nothing of this one.
    pub(super) fn forget_log(&self, name: &str) {
        let _ = fs::remove_file(self.log(name));
    }

    fn begin_with_what_is_built(&self) -> Result<()> {
        for name in BUILT {
            let (from, to) = (paths::target().join(name), self.target().join(name));
            if !from.is_dir() || to.exists() {
                continue;
            }
            fs::create_dir_all(self.target())?;
            let status =
                Command::new("cp").arg("-a").arg(&from).arg(&to).status().context("cannot run cp")?;
            ensure!(status.success(), "cannot copy {}", paths::shown(&from));
        }
        Ok(())
    }

    /// Puts the bug in.
    pub(super) fn plant(&self, mutant: &Mutant) -> Result<Planted> {
        let file = self.root().join(mutant.file);
        let whole = fs::read_to_string(&file).with_context(|| format!("cannot read {}", mutant.file))?;
        fs::write(&file, mutant.applied(&whole)?)?;
        Ok(Planted { file, whole })
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        // Where this fails, the next run starts from a fresh copy.
        let _ = fs::write(&self.file, &self.whole);
    }
}

fn tracked() -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z"]).current_dir(paths::root());
    let output = capture(&mut git)?;
    ensure!(output.status.success(), "git ls-files failed: the mutants need a git checkout");
    let names = String::from_utf8(output.stdout).context("a file's name is not UTF-8")?;
    Ok(names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let Ok(about) = fs::metadata(from) else {
        // Tracked, and deleted in the working tree.
        return Ok(());
    };
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    fs::copy(from, to).with_context(|| format!("cannot copy {}", paths::shown(from)))?;
    fs::File::options().write(true).open(to)?.set_modified(about.modified()?)?;
    Ok(())
}
