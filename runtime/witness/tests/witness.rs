//! A witness in a folder and one behind a socket, and what they refuse.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use trocar_manifest::keys::SecretKey;
use trocar_terms::{FixedClock, Timestamp};
use trocar_tlog::{AddCheckpoint, Checkpoint, KeyKind, KeyName, Note, Tree, Verifier};
use trocar_witness::{Answer, Client, Witness, WitnessError, countersign, serve};

fn random() -> rand::rand_core::UnwrapErr<rand::rngs::SysRng> {
    rand::rand_core::UnwrapErr(rand::rngs::SysRng)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_795_000_000 + seconds)
}

/// A log with its key.
struct Log {
    name: KeyName,
    key: SecretKey,
}

impl Log {
    fn new(name: &str) -> Self {
        Self { name: name.parse().unwrap(), key: SecretKey::generate(&mut random()) }
    }

    fn verifier(&self) -> Verifier {
        Verifier { name: self.name.clone(), kind: KeyKind::Log, key: self.key.public() }
    }

    fn note(&self, tree: &Tree, size: u64) -> Note {
        let root = tree.root(size).unwrap();
        let text = Checkpoint { origin: self.name.clone(), size, root }.to_string();
        Note::sign(&text, &self.name, &self.key).unwrap()
    }

    fn request(&self, tree: &Tree, old: u64, new: u64) -> String {
        let proof = tree.consistency(old, new).unwrap();
        AddCheckpoint { old, proof, note: self.note(tree, new) }.to_string()
    }
}

/// A tree whose entries from `fork` on are others.
fn tree(size: u64, fork: u64) -> Tree {
    let entries: Vec<String> =
        (0..size).map(|i| if i < fork { format!("{i}") } else { format!("other {i}") }).collect();
    Tree::over(entries.iter().map(String::as_bytes))
}

fn witness(folder: &Path, logs: &[&Log]) -> Witness {
    let key = folder.join("key.pem");
    if !key.exists() {
        std::fs::write(&key, SecretKey::generate(&mut random()).to_pem().unwrap().as_bytes()).unwrap();
    }
    let key = SecretKey::from_pem(&std::fs::read_to_string(key).unwrap()).unwrap();
    let logs = logs.iter().map(|log| log.verifier()).collect();
    Witness::open(folder, "example.org/witness".parse().unwrap(), key, logs).unwrap()
}

fn add(witness: &Witness, body: &str) -> Answer {
    witness.add(body.as_bytes(), at(0)).unwrap()
}

#[test]
fn a_head_that_extends_the_last_is_countersigned_and_no_other() {
    let (folder, log) = (tempfile::tempdir().unwrap(), Log::new("example.org/log"));
    let witness = witness(folder.path(), &[&log]);
    let (ours, forked) = (tree(20, 20), tree(20, 5));
    assert!(matches!(add(&witness, &log.request(&ours, 0, 7)), Answer::Cosigned(_)));
    assert_eq!(add(&witness, &log.request(&ours, 0, 9)), Answer::Conflict { size: 7 });
    assert_eq!(add(&witness, &log.request(&ours, 5, 6)), Answer::Conflict { size: 7 }, "it went back");
    assert_eq!(add(&witness, &log.request(&forked, 7, 9)), Answer::Inconsistent);
    assert_eq!(add(&witness, &log.request(&forked, 7, 7)), Answer::Conflict { size: 7 });
    assert!(matches!(add(&witness, &log.request(&ours, 7, 7)), Answer::Cosigned(_)), "the same head again");
    assert!(matches!(add(&witness, &log.request(&ours, 7, 20)), Answer::Cosigned(_)));
}

#[test]
fn what_was_countersigned_outlives_the_process_and_damage_stops_it() {
    let (folder, log) = (tempfile::tempdir().unwrap(), Log::new("example.org/log"));
    let open = || witness(folder.path(), &[&log]);
    let ours = tree(9, 9);
    assert!(matches!(add(&open(), &log.request(&ours, 0, 7)), Answer::Cosigned(_)));
    assert_eq!(add(&open(), &log.request(&ours, 0, 9)), Answer::Conflict { size: 7 });
    let kept = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path());
    let kept = kept.into_iter().find(|p| p.extension().is_some_and(|e| e == "checkpoint")).unwrap();
    let whole = std::fs::read_to_string(&kept).unwrap();
    for bad in [String::new(), whole.replacen("\n7\n", "\n6\n", 1), whole[..whole.len() - 2].to_owned()] {
        std::fs::write(&kept, bad).unwrap();
        let answer = open().add(log.request(&ours, 7, 9).as_bytes(), at(0));
        assert!(matches!(answer, Err(WitnessError::Damaged(_))), "{answer:?}");
    }
}

#[test]
fn strangers_and_strange_requests_get_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (log, stranger) = (Log::new("example.org/log"), Log::new("example.org/log"));
    let unknown = Log::new("example.org/unknown");
    let (witness, ours) = (witness(folder.path(), &[&log]), tree(9, 9));
    assert_eq!(add(&witness, &unknown.request(&ours, 0, 3)), Answer::Unknown);
    assert_eq!(add(&witness, &stranger.request(&ours, 0, 3)), Answer::Untrusted);
    assert_eq!(add(&witness, "old 0\n\nno note\n"), Answer::Malformed);
    let backwards = log.request(&ours, 0, 3).replacen("old 0", "old 4", 1);
    assert_eq!(add(&witness, &backwards), Answer::Malformed);
    let proven = log.request(&ours, 2, 3).replacen("old 2", "old 0", 1);
    assert_eq!(add(&witness, &proven), Answer::Inconsistent, "a proof of nothing is empty");
}

#[test]
fn a_folder_that_is_not_there_is_no_witness() {
    let (folder, key) = (tempfile::tempdir().unwrap(), SecretKey::generate(&mut random()));
    let gone = folder.path().join("unmounted");
    assert!(Witness::open(&gone, "w".parse().unwrap(), key, vec![]).is_err());
    assert!(!gone.exists());
}

/// The same heads through either kind of client, and an old copy through both.
async fn old_copies_are_refused(client: &Client, log: &Log) {
    let ours = tree(20, 20);
    let head = |tree: &Tree, size| log.note(tree, size);
    let note = countersign(client, &ours, head(&ours, 12), 0, at(1)).await.unwrap();
    assert_eq!(note.cosigned(&client.verifier()), Ok(at(1)));
    // A client that knows less than the witness, or more, learns better.
    for known in [0, 12, 5] {
        assert!(countersign(client, &ours, head(&ours, 15), known, at(1)).await.is_ok());
    }
    let old = countersign(client, &ours, head(&ours, 14), 12, at(1)).await;
    assert!(matches!(old, Err(WitnessError::Rollback)), "{old:?}");
    let forked = tree(20, 13);
    for size in [15, 20] {
        let other = countersign(client, &forked, head(&forked, size), 15, at(1)).await;
        assert!(matches!(other, Err(WitnessError::OtherHistory)), "{other:?}");
    }
    let stranger = Log::new("example.org/stranger");
    let unknown = countersign(client, &ours, stranger.note(&ours, 20), 0, at(1)).await;
    assert!(matches!(unknown, Err(WitnessError::Unknown)), "{unknown:?}");
}

#[tokio::test]
async fn a_folder_refuses_old_copies() {
    let (folder, log) = (tempfile::tempdir().unwrap(), Log::new("example.org/log"));
    old_copies_are_refused(&Client::Folder(witness(folder.path(), &[&log])), &log).await;
}

#[tokio::test]
async fn a_process_refuses_old_copies() {
    let (folder, log) = (tempfile::tempdir().unwrap(), Log::new("example.org/log"));
    let witness = witness(folder.path(), &[&log]);
    let verifier = witness.verifier();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, witness, Box::new(FixedClock(at(1)))));
    old_copies_are_refused(&Client::remote(&url, verifier.clone()).unwrap(), &log).await;
    let other = Verifier { name: "example.org/other".parse().unwrap(), ..verifier };
    let ours = tree(20, 20);
    let client = Client::remote(&url, other).unwrap();
    let signed = countersign(&client, &ours, log.note(&ours, 20), 15, at(1)).await;
    assert!(matches!(signed, Err(WitnessError::Answer)), "another key than the policy's was believed");
    let nobody = Client::remote("http://127.0.0.1:1/", client.verifier()).unwrap();
    let silent = countersign(&nobody, &ours, log.note(&ours, 20), 15, at(1)).await;
    assert!(matches!(silent, Err(WitnessError::Unreachable(_))), "{silent:?}");
}
