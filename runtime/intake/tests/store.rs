//! Object stores: a folder by its URL. An S3-shaped one is in the end-to-end tests, since its settings are the environment's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "the helpers of a test may panic as the test itself may"
)]

mod peers;

use peers::{AMPLE, CT, file, incoming, objects};
use std::fs;
use std::path::Path;
use trocar_intake::{Incoming, IntakeError, Quotas, Refusal, Url, pull_store};

fn url(folder: &Path) -> Url {
    Url::from_directory_path(folder).unwrap()
}

#[tokio::test]
async fn a_folder_is_pulled_once_and_a_changed_file_takes_its_older_self_s_place() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir_all(from.path().join("a/b")).unwrap();
    for i in 0..7 {
        fs::write(from.path().join(format!("a/b/{i}")), file(CT, "1.2.3", &format!("1.2.3.{i}"))).unwrap();
    }
    fs::write(from.path().join("clinical.csv"), "patient_id\nP1\n").unwrap();
    let into = incoming(to.path(), AMPLE);
    let report = pull_store(&url(from.path()), &into).await.unwrap();
    assert_eq!((report.received, report.already_there), (7, 0));
    assert_eq!(report.refused, [(Refusal::NotDicom, 1)].into());
    assert!(report.is_complete(), "a table among the images is no failure");
    let changed = file(CT, "1.2.3", "1.2.3.77");
    fs::write(from.path().join("a/b/3"), &changed).unwrap();
    let report = pull_store(&url(from.path()), &into).await.unwrap();
    assert_eq!((report.received, report.already_there), (1, 6));
    let kept: Vec<_> = objects(to.path()).iter().map(|path| fs::read(path).unwrap()).collect();
    assert_eq!(kept.len(), 7);
    assert!(kept.contains(&changed) && !kept.contains(&file(CT, "1.2.3", "1.2.3.3")));
}

#[tokio::test]
async fn nothing_behind_a_symbolic_link_is_pulled_from_a_folder() {
    let (from, to, outside) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir_all(from.path().join("a b/c")).unwrap();
    fs::create_dir_all(outside.path().join("d")).unwrap();
    let own = file(CT, "1.2.3", "1.2.3.1");
    fs::write(from.path().join("a b/c/1"), &own).unwrap();
    for (at, name) in ["2", "d/3"].into_iter().enumerate() {
        fs::write(outside.path().join(name), file(CT, "1.2.3", &format!("1.2.3.9{at}"))).unwrap();
    }
    std::os::unix::fs::symlink(outside.path().join("2"), from.path().join("a b/2")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("d"), from.path().join("a b/d")).unwrap();
    let report = pull_store(&url(from.path()), &incoming(to.path(), AMPLE)).await.unwrap();
    assert_eq!((report.received, report.refused), (1, [(Refusal::Link, 2)].into()));
    let kept: Vec<_> = objects(to.path()).iter().map(|path| fs::read(path).unwrap()).collect();
    assert_eq!(kept, [own]);
    // The folder itself is the operator's word, and may be one.
    let (named, to) = (outside.path().join("named"), tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink(from.path().join("a b/c"), &named).unwrap();
    let report = pull_store(&url(&named), &incoming(to.path(), AMPLE)).await.unwrap();
    assert_eq!((report.received, report.refusals()), (1, 0));
}

#[tokio::test]
async fn quotas_hold_and_count_what_was_there_before() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for i in 0..9 {
        fs::write(from.path().join(i.to_string()), file(CT, "1.2.3", &format!("1.2.3.{i}"))).unwrap();
    }
    for quotas in [Quotas { objects: 4, ..AMPLE }, Quotas { objects: 6, ..AMPLE }] {
        let report = pull_store(&url(from.path()), &incoming(to.path(), quotas)).await.unwrap();
        assert!(!report.is_complete() && report.refused.contains_key(&Refusal::Quota), "{report:?}");
        assert_eq!(objects(to.path()).len() as u64, quotas.objects);
    }
    let small = Quotas { object_bytes: 100, ..AMPLE };
    let report = pull_store(&url(from.path()), &incoming(to.path(), small)).await.unwrap();
    assert_eq!((report.received, report.already_there), (0, 6));
    assert_eq!(report.refused, [(Refusal::TooLarge, 3)].into());
}

#[test]
fn an_archive_of_the_operator_s_own_is_never_written_to() {
    let dataset = tempfile::tempdir().unwrap();
    let root = dataset.path();
    fs::write(root.join("own.dcm"), "").unwrap();
    let open = |into: Option<&str>| Incoming::open(root, into.map(Path::new), AMPLE);
    assert!(matches!(open(None), Err(IntakeError::NotOurs(_))));
    assert!(open(Some("new/below")).is_ok(), "a new folder below it");
    assert!(open(Some("new/below")).is_ok(), "the same again");
    assert!(open(Some(&root.join("new/below").display().to_string())).is_ok(), "the same by its whole path");
    assert!(matches!(open(Some("new")), Err(IntakeError::NotOurs(_))), "a folder with others' files in it");
    for outside in ["../x", "/etc", "own.dcm/x", "new/../../x", "link"] {
        std::os::unix::fs::symlink("/tmp", root.join("link")).unwrap_or_default();
        assert!(matches!(open(Some(outside)), Err(IntakeError::Outside)), "{outside}");
    }
}

#[test]
fn one_fills_a_folder_at_a_time_and_a_killed_one_s_remains_are_cleared_away() {
    let dataset = tempfile::tempdir().unwrap();
    let first = Incoming::open(dataset.path(), None, AMPLE).unwrap();
    assert!(matches!(Incoming::open(dataset.path(), None, AMPLE), Err(IntakeError::Busy(_))));
    let remains = dataset.path().join(".trocar-incoming/object-x");
    fs::write(&remains, "half").unwrap();
    drop(first);
    assert!(Incoming::open(dataset.path(), None, AMPLE).is_ok());
    assert!(!remains.exists());
}
