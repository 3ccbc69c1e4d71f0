//! Our verifier beside one that is built on others' libraries, and our crates before others' validators. They run where
//! `TROCAR_PYTHON` names a Python that has what tests/oracles pins.

use crate::bag::{self, DATA, Files};
use crate::fixture::{ALL, COUNT, DERIVED, Job, approval, job, key, node, reviewed};
use crate::statement::{self, PAYLOAD_TYPE, Predicate, Status};
use crate::{Trust, examine, verify, write, write_reviewed};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use trocar_manifest::dsse::{self, Envelope};
use trocar_manifest::key_history::{KeyHistory, Revocation, Succession};
use trocar_manifest::keys::{PublicKey, SecretKey};
use trocar_manifest::{Approval, Package, Verdict, archive};

/// A Python with these modules; `None`, said on one line, where there is none.
fn python(modules: &str) -> Option<PathBuf> {
    let python = std::env::var_os("TROCAR_PYTHON").map(PathBuf::from);
    let has = |python: &PathBuf| {
        Command::new(python)
            .args(["-c", &format!("import {modules}")])
            .output()
            .is_ok_and(|o| o.status.success())
    };
    let found = python.filter(has);
    if found.is_none() {
        println!("skipped: TROCAR_PYTHON names no Python with {modules}");
    }
    found
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracles").join(name)
}

/// What the second verifier says of each file, by name: whether it is good, and its words.
fn second(python: &Path, options: &[&str], files: &[PathBuf]) -> BTreeMap<String, (bool, String)> {
    let said =
        Command::new(python).arg(script("verify_bundle.py")).args(options).args(files).output().unwrap();
    let text = String::from_utf8(said.stdout).unwrap();
    let line = |line: &str| {
        let (word, rest) = line.split_once(' ').unwrap();
        (rest.split(':').next().unwrap().to_owned(), (word == "ok", rest.to_owned()))
    };
    let all: BTreeMap<_, _> = text.lines().map(line).collect();
    assert_eq!(all.len(), files.len(), "{text}{}", String::from_utf8_lossy(&said.stderr));
    all
}

fn good() -> Vec<(String, Vec<u8>)> {
    let noised = |name: &str, outputs: &str, patients| {
        let job = job(outputs);
        (name.to_owned(), write(&job.content(&job.outcome(patients, 1)), &node()).unwrap())
    };
    let exact = |name: &str, verdict| {
        (name.to_owned(), write_reviewed(&reviewed(COUNT, 200, verdict).content(), &node()).unwrap())
    };
    vec![
        noised("released.zip", ALL, 200),
        noised("derived.zip", DERIVED, 480),
        noised("withheld.zip", ALL, 3),
        exact("airlock-released.zip", Verdict::Release),
        exact("airlock-withheld.zip", Verdict::Withhold),
    ]
}

fn put(folder: &Path, all: &[(String, Vec<u8>)]) -> Vec<PathBuf> {
    let write = |(name, bytes): &(String, Vec<u8>)| {
        std::fs::write(folder.join(name), bytes).unwrap();
        folder.join(name)
    };
    all.iter().map(write).collect()
}

#[test]
fn crates_of_every_outcome_pass_roc_validator_and_are_read_by_rocrate() {
    let Some(python) = python("rocrate, rocrate_validator") else { return };
    let folder = tempfile::tempdir().unwrap();
    let files = put(folder.path(), &good());
    let said = Command::new(python).arg(script("crate_check.py")).args(files).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success(), "{text}{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!(text.lines().filter(|l| l.starts_with("ok")).count(), 5 * 3 + 3, "{text}");
}

#[test]
fn a_second_verifier_agrees_on_good_bundles_and_on_mutants() {
    let Some(python) = python("bagit, securesystemslib, in_toto_attestation") else { return };
    let folder = tempfile::tempdir().unwrap();
    let pin = folder.path().join("node.pub");
    std::fs::write(&pin, node().public().to_pem().unwrap()).unwrap();
    let mut all = good();
    let number = all.len();
    all.extend(
        mutants().into_iter().zip(0..).map(|((what, bytes), i)| (format!("bad-{i:02}-{what}.zip"), bytes)),
    );
    assert!(all.len() - number >= 50, "only {} mutants", all.len() - number);
    let said = second(&python, &["--key", &pin.display().to_string()], &put(folder.path(), &all));
    for (i, (name, bytes)) in all.iter().enumerate() {
        let (theirs, words) = &said[name];
        let ours = verify(bytes, &[node().public()]);
        assert_eq!(*theirs, i < number, "the second verifier says {words}");
        assert_eq!(ours.is_ok(), i < number, "ours of {name}: {ours:?}");
    }
}

/// The files without the folder.
fn opened(bundle: &[u8]) -> Files {
    let inside = |(path, bytes): (String, Vec<u8>)| (path.split_once('/').unwrap().1.to_owned(), bytes);
    archive::read(bundle).unwrap().into_iter().map(inside).collect()
}

fn zipped(files: &Files, job: &Job) -> Vec<u8> {
    let folder = bag::folder(&job.request);
    archive::write(&files.iter().map(|(path, bytes)| (format!("{folder}{path}"), bytes.clone())).collect())
        .unwrap()
}

/// Lists and signs again what is there, as the node itself could.
fn signed(mut files: Files, job: &Job, status: Status, by: &SecretKey) -> Vec<u8> {
    files.insert(bag::MANIFEST.into(), bag::digests(bag::payload(&files)).into_bytes());
    let said = Predicate { status, request: job.request.clone() };
    let bytes = statement::bytes(&files, &said, &by.public()).unwrap();
    files.insert(bag::PROVENANCE.into(), dsse::sign(PAYLOAD_TYPE, &bytes, by).to_json().unwrap());
    bag::add_tag_manifest(&mut files);
    zipped(&files, job)
}

fn changed(files: &Files, path: &str, from: &str, to: &str) -> Files {
    let old = String::from_utf8(files[path].clone()).unwrap();
    assert!(old.contains(from), "{path} has no {from}");
    let mut new = files.clone();
    new.insert(path.to_owned(), old.replacen(from, to, 1).into_bytes());
    new
}

/// Changes by a stranger, who has no key; by the node, whose key signs anew what does not fit; by another signer.
fn mutants() -> Vec<(&'static str, Vec<u8>)> {
    let job = job(ALL);
    let good = write(&job.content(&job.outcome(200, 1)), &node()).unwrap();
    let files = opened(&good);
    let mut all = of_bytes(&good);
    all.extend(relisted(&files, &job));
    all.extend(signed_anew(&files, &job));
    all.push(("other-signer", write(&job.content(&job.outcome(200, 7)), &key(66)).unwrap()));
    all.push(("withheld-with-numbers", signed(files, &job, Status::Withheld, &node())));
    all
}

fn of_bytes(good: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let flipped = |at: usize| {
        let mut bad = good.to_vec();
        bad[at % good.len()] ^= 0x20;
        ("flipped", bad)
    };
    let mut all: Vec<_> = (0..18).map(|i| flipped(i * good.len() / 18 + 7 * i)).collect();
    all.push(("cut", good[..good.len() - 1].to_vec()));
    all.push(("half", good[..good.len() / 2].to_vec()));
    all.push(("appended", [good, b"\0"].concat()));
    all.push(("before", [b"\0", good].concat()));
    all.push(("empty", Vec::new()));
    all
}

/// A stranger makes the lists of the bag fit.
fn relisted(files: &Files, job: &Job) -> Vec<(&'static str, Vec<u8>)> {
    let list = |mut files: Files| {
        bag::add_lists(&mut files);
        zipped(&files, job)
    };
    let paths = [
        "results.json",
        "results.csv",
        "ro-crate-preview.html",
        "algorithm/manifest.toml",
        "approval.dsse.json",
        "node.pub",
        "log-entry.json",
        "log.tlog-proof",
        "ro-crate-metadata.json",
        "padding",
    ];
    let spaced = |path: &str| {
        let mut bad = files.clone();
        bad.get_mut(&format!("{DATA}{path}")).unwrap().push(b' ');
        ("relisted", list(bad))
    };
    let mut all: Vec<_> = paths.map(spaced).into();
    let (mut added, mut removed, mut tagged) = (files.clone(), files.clone(), files.clone());
    added.insert("data/extra.txt".into(), Vec::new());
    removed.remove("data/results.csv");
    tagged.insert("fetch.txt".into(), b"https://example.org/x 1 data/x\n".to_vec());
    all.extend([("added", list(added)), ("removed", list(removed)), ("fetch", list(tagged))]);
    all
}

fn signed_anew(files: &Files, job: &Job) -> Vec<(&'static str, Vec<u8>)> {
    let id = job.request.job.to_string();
    let other = "0".repeat(32);
    let snapshot = job.request.snapshot.to_string();
    let words = [
        ("results-job", "data/results.json", id.as_str(), other.as_str()),
        ("results-rho", "data/results.json", "\n  \"rho\": \"0.", "\n  \"rho\": \"9."),
        ("table-value", "data/results.csv", ",true", ",false"),
        ("padding", "data/padding", " ", "x"),
        ("crate-time", "data/ro-crate-metadata.json", "2026-11-01T09:00:00Z", "2026-11-01T09:00:01Z"),
        ("crate-snapshot", "data/ro-crate-metadata.json", &snapshot, &other),
        ("crate-part", "data/ro-crate-metadata.json", "\"@id\": \"results.csv\"", "\"@id\": \"results.tsv\""),
        ("log-job", "data/log-entry.json", id.as_str(), other.as_str()),
        ("log-index", "data/log.tlog-proof", "index 4", "index 3"),
        ("log-head", "data/log.tlog-proof", "trocar/fixture\n5", "trocar/fixture\n6"),
        ("manifest", "data/algorithm/manifest.toml", "Mean", "mean"),
        ("bag-info", "bag-info.txt", "External-Identifier: urn:uuid:a7", "External-Identifier: urn:uuid:b7"),
        ("bagit", "bagit.txt", "1.0", "0.97"),
    ];
    let mut all: Vec<_> = words
        .map(|(what, path, from, to)| {
            (what, signed(changed(files, path, from, to), job, Status::Released, &node()))
        })
        .into();
    let with = |path: &str, bytes: Vec<u8>| {
        let mut bad = files.clone();
        bad.insert(path.to_owned(), bytes);
        signed(bad, job, Status::Released, &node())
    };
    let mut missing = files.clone();
    missing.remove("data/ro-crate-preview.html");
    all.extend([
        ("extra", with("data/extra.txt", b"x".to_vec())),
        ("no-report", signed(missing, job, Status::Released, &node())),
        ("approval-other-key", with("data/approval.dsse.json", resigned(&job.approval, &key(9)))),
        ("package-other-key", with("data/algorithm/package.dsse.json", resigned(&job.package, &key(9)))),
        ("other-author", with("data/author.pub", key(9).public().to_pem().unwrap().into_bytes())),
    ]);
    all.extend(other_approvals(files, job));
    all
}

/// The same payload under another key.
fn resigned(envelope: &Envelope, by: &SecretKey) -> Vec<u8> {
    let payload = envelope.unverified_payload(PAYLOAD_TYPE).unwrap();
    dsse::sign(PAYLOAD_TYPE, &payload, by).to_json().unwrap()
}

/// Approvals by the operator that do not cover the job, each with its digest in the request.
fn other_approvals(files: &Files, job: &Job) -> Vec<(&'static str, Vec<u8>)> {
    let package = package(job);
    let good = approval(&package);
    let others = [
        (
            "approval-dataset",
            Approval { dataset: trocar_terms::DatasetId::from_bytes([8; 16]), ..good.clone() },
        ),
        ("approval-expired", Approval { expires: "2026-11-02T00:00:00Z".parse().unwrap(), ..good.clone() }),
        ("approval-class", Approval { class: trocar_terms::Class::ReviewedCode, ..good }),
    ];
    let bundle = |(what, approval): (&'static str, Approval)| {
        let bytes = approval.sign(&key(3)).unwrap().to_json().unwrap();
        let mut of = crate::fixture::job(ALL);
        of.request = job.request.clone();
        of.request.approval = trocar_terms::Digest::of(&bytes);
        let mut bad = files.clone();
        bad.insert("data/approval.dsse.json".into(), bytes);
        (what, signed(bad, &of, Status::Released, &node()))
    };
    others.map(bundle).into()
}

fn package(job: &Job) -> Package {
    // The text that was packed names the component already.
    let text: String =
        job.text.lines().filter(|l| !l.starts_with("component")).map(|l| format!("{l}\n")).collect();
    let bytes = Package::pack(&text, b"component", &BTreeMap::new(), &key(2)).unwrap();
    Package::open(&bytes).unwrap()
}

#[test]
fn a_bundle_of_another_version_is_held_to_the_facts_of_its_crate() {
    let mut job = job(COUNT);
    job.request.trocar_version = "0.0.9".into();
    let good = opened(&write(&job.content(&job.outcome(200, 1)), &node()).unwrap());
    let path = "data/ro-crate-metadata.json";
    let worded =
        changed(&good, path, "Proof that the line is in the log", "Proof for the line within the log");
    let said = verify(&signed(worded, &job, Status::Released, &node()), &[]);
    assert!(said.is_ok(), "other words were refused: {:?}", said.err());
    for (from, to) in [
        ("2026-11-01T09:00:00Z\",", "2026-11-01T09:00:01Z\","),
        ("\"version\": \"0.0.9\"", "\"version\": \"0.0.8\""),
    ] {
        let bad = changed(&good, path, from, to);
        assert!(verify(&signed(bad, &job, Status::Released, &node()), &[]).is_err(), "{from} was changed");
    }
}

/// Statements about keys, by the place of the key in the chain 1, 11, 12.
fn statements(folder: &Path, revoked: Option<&str>) -> Vec<Envelope> {
    let at = |text: &str| text.parse().unwrap();
    let step = |old: &SecretKey, new: &SecretKey, time: &str| {
        Succession { old: old.public(), new: new.public(), at: at(time) }.sign(old, new).unwrap()
    };
    let mut all = vec![
        step(&node(), &key(11), "2026-11-23T10:45:00Z"),
        step(&key(11), &key(12), "2026-12-01T00:00:00Z"),
    ];
    all.extend(revoked.map(|time| Revocation { key: node().public(), at: at(time) }.sign(&key(12)).unwrap()));
    for (envelope, i) in all.iter().zip(1..) {
        std::fs::write(folder.join(format!("{i:04}.dsse.json")), envelope.to_json().unwrap()).unwrap();
    }
    all
}

#[test]
fn a_second_verifier_agrees_on_rotated_and_revoked_keys() {
    let Some(python) = python("bagit, securesystemslib, in_toto_attestation") else { return };
    let job = job(COUNT);
    let signers = [1, 11, 66];
    let bundles =
        signers.map(|s| (format!("by-{s}.zip"), write(&job.content(&job.outcome(200, 1)), &key(s)).unwrap()));
    for revoked in
        [None, Some("2026-11-23T10:00:00Z"), Some("2026-11-23T10:20:00Z"), Some("2026-12-24T00:00:00Z")]
    {
        let folder = tempfile::tempdir().unwrap();
        let said = statements(folder.path(), revoked);
        let history = KeyHistory::read(&said).unwrap();
        for pinned in [1, 12] {
            let pin = folder.path().join("pinned.pub");
            std::fs::write(&pin, key(pinned).public().to_pem().unwrap()).unwrap();
            let (keys, pin) = (folder.path().display().to_string(), pin.display().to_string());
            let theirs = second(&python, &["--keys", &keys, "--key", &pin], &put(folder.path(), &bundles));
            let pinned: [PublicKey; 1] = [key(pinned).public()];
            for (name, bytes) in &bundles {
                let ours = examine(bytes, &Trust { pinned: &pinned, history: &history, log: None }).verified;
                assert_eq!(
                    theirs[name].0,
                    ours.is_ok(),
                    "{revoked:?}: theirs {:?}, ours {ours:?}",
                    theirs[name]
                );
            }
        }
    }
}
