//! DICOMweb pulled from a real Orthanc, and from servers that misbehave.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "the helpers of a test may panic as the test itself may"
)]

mod peers;
mod scripted;

use peers::{AMPLE, CT, MR, Orthanc, data_of, file, has, incoming, objects, place};
use scripted::{Answer, Server};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use trocar_intake::{Credentials, IntakeError, Quotas, Refusal, Report, Url, WebSource, pull_web};

fn source(url: Url) -> WebSource {
    WebSource {
        url,
        credentials: Credentials::none(),
        ca: None,
        filters: vec![],
        studies: vec![],
        pause: Duration::from_millis(1),
    }
}

fn counts(report: &Report) -> (u64, u64, BTreeMap<Refusal, u64>) {
    (report.received, report.already_there, report.refused.clone())
}

#[tokio::test]
async fn a_pacs_is_pulled_page_by_page_as_it_was_sent_and_only_once() {
    if !has("Orthanc") {
        return;
    }
    let orthanc = Orthanc::start("");
    let mut sent: Vec<(String, Vec<u8>)> = Vec::new();
    // More than a page in one study, and a second study.
    for i in 0..205 {
        let uid = format!("1.2.3.1.{i}");
        sent.push((uid.clone(), file(CT, "1.2.3.1", &uid)));
    }
    sent.push(("1.2.3.2.1".to_owned(), file(MR, "1.2.3.2", "1.2.3.2.1")));
    sent.iter().for_each(|(_, bytes)| orthanc.upload(bytes));
    let folder = tempfile::tempdir().unwrap();
    let into = incoming(folder.path(), AMPLE);
    let report = pull_web(&source(orthanc.url()), &into).await.unwrap();
    assert_eq!(counts(&report), (206, 0, BTreeMap::new()));
    for (uid, bytes) in &sent {
        let kept = fs::read(place(folder.path(), uid)).unwrap();
        assert!(data_of(&kept) == data_of(bytes), "the data set of {uid} changed on its way");
    }
    // As after a stop half way: what is there is not fetched again, what is not is.
    fs::remove_file(place(folder.path(), "1.2.3.1.7")).unwrap();
    let report = pull_web(&source(orthanc.url()), &into).await.unwrap();
    assert_eq!(counts(&report), (1, 205, BTreeMap::new()));
}

#[tokio::test]
async fn real_files_come_through_unchanged_and_filters_and_studies_narrow() {
    let Some(real) = peers::pydicom() else { return };
    if !has("Orthanc") {
        return;
    }
    let orthanc = Orthanc::start("");
    let names = [
        "CT_small.dcm",
        "693_J2KI.dcm",
        "MR_small_RLE.dcm",
        "JPEG2000.dcm",
        "SC_rgb_small_odd_big_endian.dcm",
        "image_dfl.dcm",
        "liver_1frame.dcm",
    ];
    let files: Vec<_> = names.iter().map(|name| fs::read(real.join(name)).unwrap()).collect();
    files.iter().for_each(|bytes| orthanc.upload(bytes));
    orthanc.upload(&file(MR, "1.2.3.2", "1.2.3.2.1"));
    orthanc.upload(&fs::read(real.join("reportsi.dcm")).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let into = incoming(folder.path(), AMPLE);
    let filtered =
        WebSource { filters: vec!["ModalitiesInStudy=CT".parse().unwrap()], ..source(orthanc.url()) };
    let report = pull_web(&filtered, &into).await.unwrap();
    assert_eq!(counts(&report), (2, 0, BTreeMap::new()), "the two CT studies");
    let one = WebSource { studies: vec!["1.2.3.2".parse().unwrap()], ..source(orthanc.url()) };
    assert_eq!(counts(&pull_web(&one, &into).await.unwrap()), (1, 0, BTreeMap::new()));
    let rest = pull_web(&source(orthanc.url()), &into).await.unwrap();
    assert_eq!(counts(&rest), (5, 3, [(Refusal::SopClass, 1)].into()), "a report is not fetched");
    let kept: Vec<_> = objects(folder.path()).iter().map(|path| fs::read(path).unwrap()).collect();
    for (name, bytes) in names.iter().zip(&files) {
        assert!(kept.iter().any(|kept| data_of(kept) == data_of(bytes)), "{name} changed on its way");
    }
}

#[tokio::test]
async fn quotas_end_a_pull_and_a_later_one_goes_on() {
    if !has("Orthanc") {
        return;
    }
    let orthanc = Orthanc::start("");
    (0..9).for_each(|i| orthanc.upload(&file(CT, "1.2.3.1", &format!("1.2.3.1.{i}"))));
    let folder = tempfile::tempdir().unwrap();
    let few = Quotas { objects: 5, ..AMPLE };
    let report = pull_web(&source(orthanc.url()), &incoming(folder.path(), few)).await.unwrap();
    assert!(report.received <= 5 && report.refused.contains_key(&Refusal::Quota) && !report.is_complete());
    assert_eq!(objects(folder.path()).len() as u64, report.received);
    let before = report.received;
    let report = pull_web(&source(orthanc.url()), &incoming(folder.path(), AMPLE)).await.unwrap();
    assert_eq!(counts(&report), (9 - before, before, BTreeMap::new()));
}

#[tokio::test]
async fn tls_and_a_password_are_asked_for_and_given() {
    if !has("Orthanc") || !has("openssl") || !has("python3") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["pacs", "other"] {
        let (key, certificate) = (at(&format!("{name}.key")), at(&format!("{name}.pem")));
        let made = std::process::Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"])
            .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", peers::words(&made));
        fs::write(
            at(&format!("{name}.both")),
            [fs::read(&certificate).unwrap(), fs::read(&key).unwrap()].concat(),
        )
        .unwrap();
    }
    let more = r#", "AuthenticationEnabled": true, "RegisteredUsers": {"trocar": "secret"}"#;
    let orthanc = Orthanc::start(more);
    let (port, script) = (peers::free_port(), at("tls_proxy.py"));
    fs::write(&script, include_str!("peers/tls_proxy.py")).unwrap();
    let mut proxy = std::process::Command::new("python3");
    proxy.arg(&script).arg(port.to_string()).arg(at("pacs.both")).arg(orthanc.port.to_string());
    let _proxy = peers::Running::start(&mut proxy);
    peers::wait_for(port);
    let password = at("password");
    fs::write(&password, "trocar:secret\n").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    let url: Url = format!("https://127.0.0.1:{port}/dicom-web/").parse().unwrap();
    let landing = tempfile::tempdir().unwrap();
    let into = incoming(landing.path(), AMPLE);
    let known = |ca: &str, credentials| WebSource { ca: Some(at(ca)), credentials, ..source(url.clone()) };
    let nobody = pull_web(&known("pacs.pem", Credentials::none()), &into).await;
    assert!(matches!(nobody, Err(IntakeError::Unauthorised)), "{nobody:?}");
    let stranger = pull_web(&known("other.pem", Credentials::basic(&password).unwrap()), &into).await;
    assert!(
        matches!(stranger, Err(IntakeError::Unavailable)),
        "another's certificate was trusted: {stranger:?}"
    );
    let report = pull_web(&known("pacs.pem", Credentials::basic(&password).unwrap()), &into).await.unwrap();
    assert_eq!(report, Report::default());
}

/// Rows of a QIDO-RS answer.
fn rows(instances: &[&str]) -> Answer {
    let row = |uid: &&str| {
        format!(
            r#"{{"0020000D":{{"vr":"UI","Value":["1.2"]}},"0020000E":{{"vr":"UI","Value":["1.2.1"]}},
            "00080018":{{"vr":"UI","Value":["{uid}"]}},"00100010":{{"vr":"PN","Value":[{{"Alphabetic":"N"}}]}}}}"#
        )
    };
    let text = instances.iter().map(row).collect::<Vec<_>>().join(",");
    Answer::ok("application/dicom+json", format!("[{text}]").into_bytes())
}

fn part(bytes: &[u8]) -> Answer {
    let body = [b"--x\r\nContent-Type: application/dicom\r\n\r\n", bytes, b"\r\n--x--\r\n"].concat();
    Answer::ok("multipart/related; type=\"application/dicom\"; boundary=x", body)
}

/// Pulls one study of these instances from a server that answers objects as told.
async fn pull_from(
    instances: &'static [&'static str],
    object: impl Fn(&str, usize) -> Answer + Send + 'static,
) -> (Result<Report, IntakeError>, tempfile::TempDir) {
    let server = Server::start(move |path, count| match path.split_once("/instances/") {
        Some((_, uid)) => object(uid, count),
        // It ignores the offset, as some do.
        None => rows(instances),
    });
    let folder = tempfile::tempdir().unwrap();
    let one = WebSource { studies: vec!["1.2".parse().unwrap()], ..source(server.url()) };
    let report = pull_web(&one, &incoming(folder.path(), AMPLE)).await;
    let partial = fs::read_dir(folder.path().join(".trocar-incoming")).unwrap().count();
    assert_eq!(partial, 0, "a partial file stays");
    (report, folder)
}

#[tokio::test]
async fn a_server_that_stumbles_is_asked_again() {
    let (report, _folder) = pull_from(&["1.2.1.1"], |uid, count| match count {
        0 => Answer::status(503),
        1 => Answer { cut: true, ..part(&file(CT, "1.2", uid)) },
        _ => part(&file(CT, "1.2", uid)),
    })
    .await;
    assert_eq!(counts(&report.unwrap()), (1, 0, BTreeMap::new()));
}

#[tokio::test]
async fn another_object_than_was_asked_for_is_not_kept() {
    let (report, folder) = pull_from(&["1.2.1.1", "1.2.1.2", "1.2.1.3", "1.2.1.4"], |uid, _| match uid {
        "1.2.1.1" => part(&file(CT, "1.2", "9.9.9")),
        "1.2.1.2" => part(b"no DICOM at all"),
        "1.2.1.3" => Answer::ok("text/html", b"<html>log in</html>".to_vec()),
        _ => Answer::ok("application/dicom", file(CT, "1.2", uid)),
    })
    .await;
    let refused = [(Refusal::OtherObject, 1), (Refusal::NotDicom, 1), (Refusal::BadAnswer, 1)];
    assert_eq!(counts(&report.unwrap()), (1, 0, refused.into()));
    assert_eq!(objects(folder.path()), [place(folder.path(), "1.2.1.4")]);
}

#[tokio::test]
async fn uids_that_would_walk_in_a_url_and_classes_that_are_not_read_are_not_fetched() {
    let (report, folder) =
        pull_from(&["../../admin", "1.2.1.1%2f", "..", ""], |_, _| Answer::status(200)).await;
    assert_eq!(counts(&report.unwrap()), (0, 0, BTreeMap::new()));
    assert!(objects(folder.path()).is_empty());
}

#[tokio::test]
async fn a_server_that_is_gone_redirects_or_is_no_dicomweb_ends_the_pull() {
    let gone = |_: &str, _: usize| Answer::status(500);
    let many = &["1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "1.9", "1.10", "1.11", "1.12"];
    assert!(matches!(pull_from(many, gone).await.0, Err(IntakeError::Unavailable)));
    for (answer, is_right) in [
        (Answer::status(302), (|e| matches!(e, IntakeError::Redirect)) as fn(&IntakeError) -> bool),
        (Answer::status(401), |e| matches!(e, IntakeError::Unauthorised)),
        (Answer::ok("text/html", b"<html>".to_vec()), |e| matches!(e, IntakeError::NotDicomWeb)),
        (Answer::ok("application/dicom+json", vec![b' '; 17 << 20]), |e| {
            matches!(e, IntakeError::NotDicomWeb)
        }),
        (Answer::ok("application/dicom+json", vec![b'['; 1 << 20]), |e| {
            matches!(e, IntakeError::NotDicomWeb)
        }),
    ] {
        let server = Server::start(move |_, _| answer.clone());
        let folder = tempfile::tempdir().unwrap();
        let error = pull_web(&source(server.url()), &incoming(folder.path(), AMPLE)).await.unwrap_err();
        assert!(is_right(&error), "{error:?}");
    }
}

#[tokio::test]
async fn an_object_larger_than_allowed_is_cut_off() {
    let server = Server::start(|path, _| match path.split_once("/instances/") {
        Some((_, uid)) => part(&[file(CT, "1.2", uid), vec![0; 1 << 20]].concat()),
        None => rows(&["1.2.1.1"]),
    });
    let folder = tempfile::tempdir().unwrap();
    let small = Quotas { object_bytes: 100_000, ..AMPLE };
    let one = WebSource { studies: vec!["1.2".parse().unwrap()], ..source(server.url()) };
    let report = pull_web(&one, &incoming(folder.path(), small)).await.unwrap();
    assert_eq!(counts(&report), (0, 0, [(Refusal::TooLarge, 1)].into()));
}

#[tokio::test]
async fn a_list_without_an_end_is_ended() {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |path, _| {
        let number = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        if path.contains("/instances/") { Answer::status(404) } else { rows(&[&format!("1.2.{number}")]) }
    });
    let folder = tempfile::tempdir().unwrap();
    let few = Quotas { objects: 6, ..AMPLE };
    let one = WebSource { studies: vec!["1.2".parse().unwrap()], ..source(server.url()) };
    let report = pull_web(&one, &incoming(folder.path(), few)).await.unwrap();
    assert_eq!(counts(&report), (0, 0, [(Refusal::Unavailable, 7), (Refusal::Quota, 1)].into()));
}
