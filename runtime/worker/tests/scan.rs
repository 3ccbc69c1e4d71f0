//! Scans into an index: what is asked for, what is kept, and what one bad file costs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test may panic as the test itself may"
)]

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use trocar_terms::{Deidentification, Modality, PrivateGroups};
use trocar_testkit::cohort::{self, CohortSpec};
use trocar_worker::{
    Crawled, FileEntry, Folder, Index, Launcher, Read, Reason, ScanRules, Unread, WorkerError, crawl, scan,
};

const WORKER: &str = env!("CARGO_BIN_EXE_trocar-worker");
/// Files of the cohort below.
const FILES: usize = 48;

fn rules() -> ScanRules {
    ScanRules {
        deidentification: Deidentification { require: true, private_groups: PrivateGroups::Ignore },
        modalities: vec![Modality::CT],
        attributes: vec![],
    }
}

fn cohort() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    cohort::write(folder.path(), &CohortSpec { patients: 3, seed: 1, modality: Modality::CT }).unwrap();
    folder
}

/// Keeps paths, and stops after so many calls of `keep`.
#[derive(Default)]
struct Paths {
    folders: Vec<Folder>,
    kept: BTreeSet<PathBuf>,
    headers: usize,
    stop: bool,
}

#[derive(Debug)]
struct Stopped;

impl From<WorkerError> for Stopped {
    fn from(_: WorkerError) -> Self {
        Self
    }
}

impl Index for Paths {
    type Error = Stopped;

    fn found(&mut self, folder: Folder) -> Result<Vec<Unread>, Stopped> {
        let regular = folder.entries.iter().filter(|entry| entry.regular);
        let file = |entry: &trocar_worker::Entry| FileEntry {
            path: folder.path_of(&entry.name),
            size: entry.size,
            mtime_ns: entry.mtime_ns,
        };
        let new = regular.map(file).filter(|file| !self.kept.contains(&file.path));
        let unread = new.map(|file| Unread { folder: 0, file, kind: trocar_worker::Kind::Dicom }).collect();
        self.folders.push(folder);
        Ok(unread)
    }

    fn keep(&mut self, read: Vec<Read>) -> Result<(), Stopped> {
        for read in read {
            if let Ok(header) = &read.header {
                self.headers += 1;
                assert!(!header.patient().0.is_empty());
            }
            self.kept.insert(read.unread.file.path);
        }
        if self.stop { Err(Stopped) } else { Ok(()) }
    }
}

fn crawled(root: &Path, index: &mut Paths) -> Result<Crawled, Stopped> {
    crawl(&Launcher::new(WORKER.into()), root, &rules(), 2, index, &mut |_, _| {})
}

#[test]
fn each_folder_comes_once_with_its_entries_in_order() {
    let folder = cohort();
    let mut index = Paths::default();
    let said = crawled(folder.path(), &mut index).unwrap();
    assert_eq!((said.files, said.read), (FILES as u64 + 2, FILES as u64 + 2));
    let mut paths: Vec<_> = index.folders.iter().map(|f| (f.path.as_str(), f.entries.len())).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [("", 2), ("dicom", 0), ("dicom/TK00001", 16), ("dicom/TK00002", 16), ("dicom/TK00003", 16)]
    );
    assert!(index.folders.iter().all(|f| f.entries.is_sorted_by(|a, b| a.name < b.name)));
    assert_eq!(index.headers, FILES);
}

#[test]
fn the_digest_of_a_folder_changes_with_any_file_in_it_and_with_nothing_else() {
    let folder = cohort();
    let dicom = folder.path().join("dicom");
    let digests = || {
        let mut index = Paths::default();
        crawled(&dicom, &mut index).unwrap();
        let mut all: Vec<_> = index.folders.iter().map(|f| (f.path.clone(), f.digest)).collect();
        all.sort_unstable();
        all
    };
    let (before, again) = (digests(), digests());
    assert_eq!(before, again);
    let one = dicom.join("TK00002/0001.dcm");
    let time = fs::metadata(&one).unwrap().modified().unwrap() + std::time::Duration::from_nanos(1);
    File::options().append(true).open(&one).unwrap().set_modified(time).unwrap();
    let after = digests();
    let changed: Vec<_> =
        before.iter().zip(&after).filter(|(a, b)| a != b).map(|(a, _)| a.0.as_str()).collect();
    assert_eq!(changed, ["TK00002"]);
}

#[test]
fn a_scan_that_failed_has_kept_what_it_read_and_the_next_reads_the_rest() {
    let folder = cohort();
    let dicom = folder.path().join("dicom");
    let mut index = Paths { stop: true, ..Paths::default() };
    fs::rename(dicom.join("TK00003"), folder.path().join("later")).unwrap();
    assert!(crawled(&dicom, &mut index).is_err());
    assert_eq!(index.kept.len(), 32);
    fs::rename(folder.path().join("later"), dicom.join("TK00003")).unwrap();
    index.stop = false;
    let said = crawled(&dicom, &mut index).unwrap();
    assert_eq!((said.files, said.read, index.kept.len()), (48, 16, FILES));
}

#[test]
fn a_file_that_kills_its_worker_costs_itself_alone() {
    let folder = cohort();
    let dicom = folder.path().join("dicom");
    // 190 MiB of zeros, deflated: more than a worker may have here.
    let mut bomb = vec![0; 128];
    bomb.extend_from_slice(b"DICM\x02\0\x10\0UI\x16\x001.2.840.10008.1.2.1.99");
    let mut packed = flate2::write::DeflateEncoder::new(bomb, flate2::Compression::fast());
    (0..190).for_each(|_| packed.write_all(&vec![0; 1 << 20]).unwrap());
    fs::write(dicom.join("TK00002/bomb.dcm"), packed.finish().unwrap()).unwrap();
    let program = folder.path().join("program");
    let mut script = File::create(&program).unwrap();
    write!(script, "#!/bin/sh\nulimit -v 250000\nexec {WORKER} worker\n").unwrap();
    script.set_permissions(fs::Permissions::from_mode(0o755)).unwrap();
    drop(script);
    let scan = scan(&Launcher::new(program), &dicom, &rules(), 2, &mut |_, _| {}).unwrap();
    assert_eq!(scan.quarantined, [(PathBuf::from("TK00002/bomb.dcm"), Reason::Died)]);
    assert_eq!((scan.patients.len(), scan.files.len()), (3, FILES + 1));
}

#[test]
fn a_name_that_is_not_utf_8_is_listed_and_not_opened() {
    use std::os::unix::ffi::OsStrExt;
    let folder = cohort();
    let dicom = folder.path().join("dicom");
    let name = std::ffi::OsStr::from_bytes(b"TK00001/\xff.dcm");
    fs::copy(dicom.join("TK00001/0001.dcm"), dicom.join(name)).unwrap();
    fs::create_dir(dicom.join(std::ffi::OsStr::from_bytes(b"\xfe"))).unwrap();
    let scan = scan(&Launcher::new(WORKER.into()), &dicom, &rules(), 2, &mut |_, _| {}).unwrap();
    let refused: Vec<_> =
        scan.quarantined.iter().map(|(path, reason)| (path.to_str().unwrap(), *reason)).collect();
    assert_eq!(refused, [("TK00001/\u{fffd}.dcm", Reason::Unreadable), ("\u{fffd}", Reason::Unreadable)]);
    assert_eq!(scan.patients.len(), 3);
}
