//! Where things are. Everything that this program writes lies below the target directory.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The target directory: cargo's own rule, without its configuration files.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Fetched files.
pub(crate) fn data() -> PathBuf {
    target().join("data")
}

/// The real DICOM files, once fetched.
pub(crate) fn pydicom() -> PathBuf {
    data().join("pydicom")
}

/// The built binary.
pub(crate) fn binary() -> PathBuf {
    target().join("debug").join(format!("trocar{}", std::env::consts::EXE_SUFFIX))
}

/// The guests' core modules.
pub(crate) fn guests() -> PathBuf {
    target().join("wasm32-unknown-unknown").join("guest")
}

/// Folders whose subfolders are guests.
const GUEST_FOLDERS: [&str; 2] = ["guest-examples", "tests/guests"];

/// The guest packages, named as their folders, sorted.
pub(crate) fn guest_names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in GUEST_FOLDERS.map(|folder| root().join(folder)) {
        for entry in
            std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?
        {
            let entry = entry?;
            if entry.path().join("Cargo.toml").is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    names.sort();
    Ok(names)
}

/// Folders of the examples in other languages than Rust, sorted.
pub(crate) fn script_guests() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let folder = root().join("guest-examples");
    for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if ["algorithm.c", "algorithm.py"].iter().any(|name| path.join(name).is_file()) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The core module of one guest; of a guest in another language its component.
pub(crate) fn guest(name: &str) -> PathBuf {
    guests().join(format!("{}.wasm", name.replace('-', "_")))
}

/// The path as a person would type it from the root.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
