//! Compiled components, kept under `cache/`: machine code is executed as it is, so it is loaded only where this node made it.
//!
//! A file is named by the manifest's digest, which fixes component and grant, and by the engine's id, which fixes version,
//! settings and the CPU's features. Before a byte of it is used its HMAC under the node's own key is verified, over name and
//! code. A file that somebody else owns or could write, or that is a link, is not even read, and folders likewise: then the
//! component is compiled again, or the job refused, never loaded.

use crate::audit::mac;
use crate::error::{NodeError, ask, file};
use crate::files;
use crate::node::Node;
use hmac::Mac;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::process::geteuid;
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use trocar_manifest::Package;
use trocar_terms::Digest;
use trocar_worker::{CompileError, Grant, MachineCode};

const TAG: usize = 32;

/// The largest machine code that the compiler's process may hand over, and its tag.
const FILE_BYTES: u64 = (512 << 20) + TAG as u64;

/// Bits of a mode that let others than the owner write.
const OTHERS_WRITE: u32 = 0o022;

impl Node {
    /// Compiles a package's component for this engine and CPU, or takes it from the cache.
    ///
    /// The outer error is the node's, the inner one the component's.
    pub(crate) fn machine_code(
        &self,
        package: &Package,
        grant: &Grant,
    ) -> Result<Result<MachineCode, CompileError>, NodeError> {
        let name = cache_name(&package.manifest.digest(), &trocar_worker::engine_id());
        let (folder, path) = (self.home().root().join("cache"), self.home().cache_path(&name));
        let key = self.home().audit_key()?;
        files::private_dir(&folder)?;
        if !ours_alone(&folder)? {
            return ask(
                "the folder cache/ of the node's home is a link, somebody else's or can be written by others: make it a folder of mode 0700",
            );
        }
        if let Some(code) = kept(&path, &name, &key) {
            return Ok(Ok(MachineCode::from_authenticated_bytes(code)));
        }
        let code = match trocar_worker::compile(self.launcher(), &package.component, grant) {
            Ok(code) => code,
            Err(error) => return Ok(Err(error)),
        };
        files::write_durably(&path, &[&tag(code.as_bytes(), &name, &key), code.as_bytes()].concat())?;
        Ok(Ok(code))
    }
}

/// The manifest's digest fixes component and grant; the engine's id fixes version, settings and CPU.
fn cache_name(manifest: &Digest, engine: &str) -> String {
    format!("{}-{}.code", manifest.hex(), Digest::of(engine.as_bytes()).hex())
}

/// Whether a folder is one, belongs to this process's user, and nobody else may put or swap a file in it.
fn ours_alone(folder: &Path) -> Result<bool, NodeError> {
    let seen = std::fs::symlink_metadata(folder).map_err(file("look at", folder))?;
    Ok(seen.is_dir() && belongs_to_us(&seen))
}

fn belongs_to_us(seen: &Metadata) -> bool {
    seen.uid() == geteuid().as_raw() && seen.mode() & OTHERS_WRITE == 0
}

/// The code of a file that this node wrote, unchanged since; of any other nothing.
fn kept(path: &Path, name: &str, key: &[u8; 32]) -> Option<Vec<u8>> {
    // Not through a link, and a pipe must not hold us up.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = File::from(openat(CWD, path, flags, Mode::empty()).ok()?);
    let seen = file.metadata().ok()?;
    if !seen.is_file() || !belongs_to_us(&seen) || seen.len() > FILE_BYTES {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(seen.len()).ok()?);
    file.take(FILE_BYTES).read_to_end(&mut bytes).ok()?;
    authenticated(bytes, name, key)
}

fn tag(code: &[u8], name: &str, key: &[u8; 32]) -> Vec<u8> {
    mac(key, &[b"machine code", name.as_bytes(), code]).finalize().into_bytes().to_vec()
}

fn authenticated(mut bytes: Vec<u8>, name: &str, key: &[u8; 32]) -> Option<Vec<u8>> {
    let (tag, code) = bytes.split_at_checked(TAG)?;
    mac(key, &[b"machine code", name.as_bytes(), code]).verify_slice(tag).ok()?;
    bytes.drain(..TAG);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, hard_link, rename, set_permissions, write};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;
    use tempfile::TempDir;

    const KEY: [u8; 32] = [1; 32];

    fn file_of(code: &[u8], name: &str, key: &[u8; 32]) -> Vec<u8> {
        [tag(code, name, key), code.to_vec()].concat()
    }

    /// A folder with the files `a.code` and `b.code`, as the node writes them.
    fn cache() -> (TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a.code", "b.code"].map(|name| {
            let path = folder.path().join(name);
            files::write_durably(&path, &file_of(name.as_bytes(), name, &KEY)).unwrap();
            path
        });
        (folder, a, b)
    }

    fn mode(path: &Path, mode: u32) {
        set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn machine_code_that_this_node_did_not_make_is_not_loaded() {
        let good = file_of(b"code", "a", &KEY);
        assert_eq!(authenticated(good.clone(), "a", &KEY).as_deref(), Some(&b"code"[..]));
        assert_eq!(authenticated(good.clone(), "b", &KEY), None, "another component's code was accepted");
        assert_eq!(authenticated(good.clone(), "a", &[2; 32]), None, "another node's code was accepted");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(authenticated(bad, "a", &KEY), None, "byte {at} was not covered");
        }
        assert_eq!(authenticated(b"short".to_vec(), "a", &KEY), None);
    }

    #[test]
    fn a_file_that_is_as_it_was_written_is_loaded() {
        let (_folder, a, b) = cache();
        assert_eq!(kept(&a, "a.code", &KEY).as_deref(), Some(&b"a.code"[..]));
        assert_eq!(kept(&b, "b.code", &KEY).as_deref(), Some(&b"b.code"[..]));
    }

    #[test]
    fn a_file_that_stands_where_another_did_is_not_loaded() {
        let (_folder, a, b) = cache();
        rename(&b, &a).unwrap();
        assert_eq!(kept(&a, "a.code", &KEY), None);
        assert_eq!(kept(&b, "b.code", &KEY), None, "a file that is gone was loaded");
    }

    #[test]
    fn code_of_another_engine_or_cpu_has_another_name() {
        let manifests = [Digest::of(b"one"), Digest::of(b"another")];
        let engines = ["wasmtime 48.0.8 x", "wasmtime 48.0.9 x", "wasmtime 48.0.8 y"];
        let names = manifests.iter().flat_map(|m| engines.map(|engine| cache_name(m, engine)));
        assert_eq!(names.collect::<std::collections::BTreeSet<_>>().len(), 6);
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_not_followed() {
        let (folder, a, b) = cache();
        let elsewhere = folder.path().join("elsewhere");
        rename(&a, &elsewhere).unwrap();
        symlink(&elsewhere, &a).unwrap();
        assert_eq!(kept(&a, "a.code", &KEY), None);
        std::fs::remove_file(&a).unwrap();
        hard_link(&elsewhere, &a).unwrap();
        assert!(kept(&a, "a.code", &KEY).is_some(), "the same file under its own name is as it was");
        assert!(kept(&b, "b.code", &KEY).is_some());
    }

    #[test]
    fn a_file_or_folder_that_others_may_write_is_not_read() {
        let (folder, a, _) = cache();
        for bits in [0o620, 0o602, 0o666] {
            mode(&a, bits);
            assert_eq!(kept(&a, "a.code", &KEY), None, "{bits:o}");
        }
        mode(&a, 0o600);
        assert!(kept(&a, "a.code", &KEY).is_some());
        assert!(ours_alone(folder.path()).unwrap());
        for bits in [0o770, 0o707, 0o1777] {
            mode(folder.path(), bits);
            assert!(!ours_alone(folder.path()).unwrap(), "{bits:o}");
        }
    }

    #[test]
    fn what_is_no_folder_or_no_file_is_not_one() {
        let (folder, a, _) = cache();
        let link = folder.path().join("link");
        symlink(folder.path(), &link).unwrap();
        assert!(!ours_alone(&link).unwrap() && !ours_alone(&a).unwrap());
        assert_eq!(kept(folder.path(), "a.code", &KEY), None);
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(kept(&pipe, "pipe", &KEY), None, "a pipe was waited for");
        write(&a, b"").unwrap();
        assert_eq!(kept(&a, "a.code", &KEY), None);
    }
}
