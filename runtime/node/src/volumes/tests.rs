use super::*;
use std::time::Duration;
use trocar_terms::{Grid, SeriesInfo};
use trocar_worker::{Place, SeriesFormat};

fn cache(folder: &std::path::Path, bound: u64) -> VolumeCache {
    VolumeCache { folder: folder.to_owned(), key: [7; 32], bound }
}

/// A series of two slices of four whole voxels, in one file.
fn series() -> SubjectSeries {
    let grid = Grid { columns: 2, rows: 2, slices: 2, spacing_mm: (1.0, 1.0, 1.0) };
    let info = SeriesInfo { modality: "CT".into(), unit: "[hnsf'U]".into(), grid, integral: true };
    let directions = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let place = Place { origin_mm: [0.0; 3], directions, tilted: false };
    let (attributes, files, format) = ([].into(), vec![0], SeriesFormat::Dicom);
    SubjectSeries { info, attributes, files, part: 0, decoded: None, place, frame: None, format }
}

fn source(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

const VOXELS: [u8; 16] = [1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0];

/// Keeps a volume as `fill` does once a worker has decoded it.
fn keep(cache: &VolumeCache, name: &str) {
    let digests = VOXELS.chunks(8).map(Digest::of).collect();
    let about = serde_json::to_vec(&About { name: name.to_owned(), digests }).unwrap();
    let tag = cache.mac(&about, 16).finalize().into_bytes();
    fs::write(cache.path(name), [&VOXELS[..], &about, &tag].concat()).unwrap();
}

#[test]
fn a_name_changes_with_every_byte_of_the_content_and_with_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path(), 1 << 20);
    let name = |bytes: &[u8]| cache.name(&series(), &[source(bytes)]).unwrap();
    assert_eq!(name(b"content"), name(b"content"));
    assert_ne!(name(b"content"), name(b"contenu"));
    let other = VolumeCache { key: [8; 32], ..cache.clone() };
    assert_ne!(name(b"content"), other.name(&series(), &[source(b"content")]).unwrap());
    let part = SubjectSeries { part: 1, ..series() };
    assert_ne!(name(b"content"), cache.name(&part, &[source(b"content")]).unwrap());
}

fn entry(mtime_ns: i64) -> FileEntry {
    FileEntry { path: "a.dcm".into(), size: 7, mtime_ns }
}

/// Writes the link that `fill` writes.
fn link(cache: &VolumeCache, entry: &FileEntry, name: &str) -> PathBuf {
    let link = cache.link(&series(), &[entry]).unwrap();
    let path = cache.folder.join(format!("{link}.link"));
    fs::write(&path, [name.as_bytes(), &cache.seal(&link, name).finalize().into_bytes()].concat()).unwrap();
    path
}

#[test]
fn a_kept_volume_is_handed_over_without_a_look_at_its_source() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path(), 1 << 20);
    let (one, later) = (entry(1), entry(2));
    let look = |entry| {
        let mut subject = Subject { series: vec![series()], ..Subject::default() };
        let mut files = vec![source(b"content")];
        let whole = cache.look(&mut subject, &mut files, &[Some(vec![entry])]);
        (whole, files.len(), subject.series[0].decoded.clone().map(|decoded| decoded.file))
    };
    assert_eq!(look(&one), (false, 1, None));
    let name = cache.name(&series(), &[source(b"content")]).unwrap();
    keep(&cache, &name);
    let path = link(&cache, &one, &name);
    assert_eq!(look(&one), (true, 2, Some(1)));
    assert_eq!(
        look(&later),
        (false, 1, None),
        "a file of another time was taken for the one that was scanned"
    );
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, bad).unwrap();
        assert_eq!(look(&one), (false, 1, None), "byte {at} of the link was not covered");
    }
}

#[test]
fn what_is_not_worth_keeping_is_not_looked_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut subject = Subject { series: vec![series()], ..Subject::default() };
    assert!(cache(folder.path(), 1 << 20).look(&mut subject, &mut vec![source(b"x")], &[None]));
}

#[test]
fn a_volume_with_a_changed_account_length_or_name_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path(), 1 << 20);
    keep(&cache, "a");
    assert!(cache.find("a", &series()).is_some());
    let good = fs::read(cache.path("a")).unwrap();
    fs::write(cache.path("b"), &good).unwrap();
    assert!(cache.find("b", &series()).is_none(), "a renamed volume was taken for another");
    for at in 16..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(cache.path("a"), bad).unwrap();
        assert!(cache.find("a", &series()).is_none(), "byte {at} was not covered");
    }
    for length in [0, 15, 16, good.len() - 1] {
        fs::write(cache.path("a"), &good[..length]).unwrap();
        assert!(cache.find("a", &series()).is_none(), "{length} bytes were enough");
    }
}

#[test]
fn the_volumes_used_longest_ago_leave_for_a_new_one_and_those_of_this_job_stay() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, now) = (cache(folder.path(), 4 * BLOCK), SystemTime::now());
    let old = |name: &str, age: u64| {
        let file = File::create(folder.path().join(name)).unwrap();
        file.set_modified(now - Duration::from_secs(age)).unwrap();
    };
    let left = || {
        let names =
            fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    for (name, age) in [("a.volume", 30), ("b.volume", 20), ("dead.part", 7_200), ("young.part", 1)] {
        old(name, age);
    }
    assert!(cache.make_room(2 * BLOCK, now - Duration::from_secs(25)).unwrap());
    assert_eq!(left(), ["b.volume", "young.part"]);
    assert!(
        !cache.make_room(3 * BLOCK, now - Duration::from_secs(25)).unwrap(),
        "a volume of this job was removed"
    );
    assert_eq!(left(), ["b.volume", "young.part"]);
}
