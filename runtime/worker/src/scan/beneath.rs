//! Opening below a folder, through no symbolic link at any place of the path: who may write in an archive must not be able to
//! have the node read what lies outside it.

use rustix::{
    fs::{Mode, OFlags, ResolveFlags, open, openat, openat2},
    io::Errno,
};
use std::{
    ffi::OsStr,
    os::fd::{BorrowedFd, OwnedFd},
    path::{Component, Path},
};

/// Opens a folder that the operator named, to open others below it.
pub(super) fn folder(root: &Path) -> Result<OwnedFd, Errno> {
    open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// Opens `path`, which is relative and has neither `..` nor `.` in it; empty for the folder itself.
///
/// One call of the kernel, Linux 5.6 and later; before that, or where a filter of calls forbids it, one a folder.
pub(super) fn beneath(root: BorrowedFd<'_>, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let named = path.components().all(|component| matches!(component, Component::Normal(_)));
    if !named {
        return Err(Errno::INVAL);
    }
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let whole = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    match openat2(root, whole, flags, Mode::empty(), resolve) {
        Err(Errno::NOSYS | Errno::PERM) => one_by_one(root, &names(path)?, flags),
        opened => opened,
    }
}

/// The components of a path, where each is a name.
fn names(path: &Path) -> Result<Vec<&OsStr>, Errno> {
    let name = |component| match component {
        Component::Normal(name) => Ok(name),
        _ => Err(Errno::INVAL),
    };
    path.components().map(name).collect()
}

/// Each folder from the descriptor of the one above it, none of them through a link.
fn one_by_one(root: BorrowedFd<'_>, names: &[&OsStr], flags: OFlags) -> Result<OwnedFd, Errno> {
    let Some((last, folders)) = names.split_last() else {
        return openat(root, ".", flags, Mode::empty());
    };
    let through = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut here: Option<OwnedFd> = None;
    for name in folders {
        here = Some(match &here {
            Some(folder) => openat(folder, *name, through, Mode::empty())?,
            None => openat(root, *name, through, Mode::empty())?,
        });
    }
    match here {
        Some(folder) => openat(folder, *last, flags, Mode::empty()),
        None => openat(root, *last, flags, Mode::empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::{self, File},
        io::Read,
        os::{fd::AsFd, unix::fs::symlink},
    };

    type Open = fn(BorrowedFd<'_>, &Path) -> Result<OwnedFd, Errno>;
    const WAYS: [Open; 2] = [
        |root, path| beneath(root, path, OFlags::RDONLY),
        |root, path| one_by_one(root, &names(path)?, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC),
    ];

    #[test]
    fn a_file_is_opened_below_its_folder_and_through_no_link_at_any_place() {
        let (outside, tree) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("f"), "secret").unwrap();
        fs::create_dir_all(tree.path().join("a/b")).unwrap();
        fs::write(tree.path().join("a/b/f"), "ours").unwrap();
        symlink(outside.path(), tree.path().join("away")).unwrap();
        symlink("b", tree.path().join("a/c")).unwrap();
        symlink("f", tree.path().join("a/b/g")).unwrap();
        let root = folder(tree.path()).unwrap();
        for open in WAYS {
            let open = |path: &str| open(root.as_fd(), Path::new(path));
            let mut text = String::new();
            File::from(open("a/b/f").unwrap()).read_to_string(&mut text).unwrap();
            assert_eq!(text, "ours");
            assert!(open("").is_ok(), "the folder itself");
            for bad in ["away/f", "a/c/f", "a/b/g", "../f", "a/../a/b/f", "/etc/passwd", "a/b/none"] {
                assert!(open(bad).is_err(), "{bad}");
            }
            let replaced = outside.path().join("f").display().to_string();
            assert!(open(&replaced).is_err(), "a whole path");
        }
    }

    #[test]
    fn a_folder_that_is_replaced_by_a_link_after_it_was_listed_is_not_entered() {
        let (outside, tree) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir_all(tree.path().join("p/study")).unwrap();
        fs::create_dir_all(outside.path().join("study")).unwrap();
        for of in [tree.path().join("p"), outside.path().to_owned()] {
            fs::write(of.join("study/f"), "x").unwrap();
        }
        let root = folder(tree.path()).unwrap();
        for open in WAYS {
            assert!(open(root.as_fd(), Path::new("p/study/f")).is_ok());
        }
        fs::rename(tree.path().join("p"), tree.path().join("q")).unwrap();
        symlink(outside.path(), tree.path().join("p")).unwrap();
        for open in WAYS {
            assert!(open(root.as_fd(), Path::new("p/study/f")).is_err());
            assert!(open(root.as_fd(), Path::new("p/study")).is_err());
        }
    }
}
