//! Files of the home: written whole or not at all, readable by their owner alone.

use crate::error::{NodeError, file};
use crate::keys::random_bytes;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes a folder that only its owner can enter.
pub(crate) fn private_dir(path: &Path) -> Result<(), NodeError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(file("make the folder", path))
}

/// Takes a folder that exists away from everyone but its owner.
pub(crate) fn make_private(path: &Path) -> Result<(), NodeError> {
    std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(file("protect", path))
}

/// Makes an empty file that only its owner can read, where there is none.
pub(crate) fn private_file(path: &Path) -> Result<(), NodeError> {
    let open = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    open.map(drop).map_err(file("make", path))
}

/// Makes a new file that only its owner can read, and opens it to read and write.
pub(crate) fn create_private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Writes a new file: temporary name, fsync, rename, fsync of the folder. A crash leaves the old state or the new.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    // Two processes may write the same name at once, and the folder may be anybody's: each part is new, under a name that
    // nobody knows before.
    let part = path.with_extension(format!("{}.part", hex::encode(random_bytes::<8>())));
    let written = write_part(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        // A full disk must not stay full of our own remains.
        let _ = std::fs::remove_file(&part);
    }
    written.map_err(file("write", path))?;
    let folder = path.parent().unwrap_or(path);
    File::open(folder).and_then(|d| d.sync_all()).map_err(file("write", folder))
}

fn write_part(part: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut out = create_private(part)?;
    out.write_all(bytes)?;
    out.sync_all()
}

/// Sees to it that a file holds these bytes: a copy that was damaged is mended.
pub(crate) fn keep(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    if std::fs::read(path).is_ok_and(|old| old == bytes) { Ok(()) } else { write_durably(path, bytes) }
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, NodeError> {
    std::fs::read(path).map_err(file("read", path))
}

/// Reads a whole file of text.
pub(crate) fn read_text(path: &Path) -> Result<String, NodeError> {
    std::fs::read_to_string(path).map_err(file("read", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_leaves_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        write_durably(&path, b"old").unwrap();
        std::fs::create_dir(dir.path().join("taken")).unwrap();
        assert!(write_durably(&dir.path().join("taken"), b"new").is_err());
        assert_eq!(read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "a part was left behind");
    }
}
