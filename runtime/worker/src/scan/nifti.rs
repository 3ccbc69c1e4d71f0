//! NIfTI images and the sidecars beside them: `x.json` beside `x.nii` or `x.nii.gz`.

use super::{
    entry::FileEntry,
    list::{Entry, Folder},
    read::{Kind, Unread},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use trocar_imaging::FileHeader;

/// The name of a NIfTI image's sidecar; `None` for any other file.
fn sidecar_of(name: &str) -> Option<String> {
    let stem = name.strip_suffix(".nii").or_else(|| name.strip_suffix(".nii.gz"))?;
    Some(format!("{stem}.json"))
}

impl Folder {
    /// The name and entry of a NIfTI image's sidecar, which is read with it; `None` for any other file, and no entry where
    /// the image has no sidecar.
    #[must_use]
    pub fn sidecar(&self, name: &str) -> Option<(String, Option<&Entry>)> {
        let sidecar = sidecar_of(name)?;
        let found = self.entries.binary_search_by(|entry| entry.name.as_str().cmp(&sidecar)).ok();
        let entry = found.and_then(|at| self.entries.get(at)).filter(|entry| entry.regular);
        Some((sidecar, entry))
    }
}

/// What the files of a folder are, where their names say more than that they may be DICOM.
pub(super) fn kinds(folder: &Folder) -> BTreeMap<PathBuf, Kind> {
    let mut kinds = BTreeMap::new();
    for entry in folder.entries.iter().filter(|entry| entry.regular) {
        let Some((name, sidecar)) = folder.sidecar(&entry.name) else { continue };
        let path = folder.path_of(&name);
        let beside = sidecar.map(|e| FileEntry { path: path.clone(), size: e.size, mtime_ns: e.mtime_ns });
        if beside.is_some() {
            kinds.insert(path, Kind::Sidecar);
        }
        kinds.insert(folder.path_of(&entry.name), beside.map_or(Kind::Lone, Kind::Nifti));
    }
    kinds
}

/// Tells files that are to be read what they are.
pub(super) fn tell(unread: &mut [Unread], mut kinds: BTreeMap<PathBuf, Kind>) {
    if kinds.is_empty() {
        return;
    }
    for unread in unread {
        if let Some(kind) = kinds.remove(&unread.file.path) {
            unread.kind = kind;
        }
    }
}

/// Gives the header of each NIfTI image the index of its sidecar among `files`, which stand in order of path.
pub fn pair(files: &[FileEntry], headers: &mut [(u32, FileHeader)]) {
    let place = |path: &Path| files.binary_search_by(|file| file.path.as_path().cmp(path)).ok();
    for (index, header) in headers {
        let path = files.get(*index as usize).map(|file| &file.path);
        let sidecar = path.and_then(|path| {
            let name = sidecar_of(path.file_name()?.to_str()?)?;
            u32::try_from(place(&path.with_file_name(name))?).ok()
        });
        if let Some(sidecar) = sidecar {
            header.set_sidecar(sidecar);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sidecar_of_an_image_has_its_name_up_to_nii() {
        assert_eq!(sidecar_of("a.b.nii.gz").as_deref(), Some("a.b.json"));
        assert_eq!(sidecar_of("a.nii").as_deref(), Some("a.json"));
        for other in ["a.gz", "a.json", "nii", "a.nii.json", "a.NII"] {
            assert_eq!(sidecar_of(other), None, "{other}");
        }
    }
}
