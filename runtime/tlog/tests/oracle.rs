//! Ours against tests/oracles/tlog.tsv, made by tests/oracles/tlog.py.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use trocar_manifest::keys::SecretKey;
use trocar_terms::Timestamp;
use trocar_tlog::{
    AddCheckpoint, Checkpoint, Hash, Note, NoteError, NoteSignature, Tree, Verifier, verify_consistency,
    verify_inclusion,
};

struct Pinned(BTreeMap<String, String>);

impl Pinned {
    fn read() -> Self {
        let table = include_str!("../../../tests/oracles/tlog.tsv");
        let row = |line: &str| {
            let (name, value) = line.split_once('\t').unwrap();
            (name.to_owned(), value.replace('|', "\n"))
        };
        Self(table.lines().map(row).collect())
    }

    fn get(&self, name: &str) -> &str {
        &self.0[name]
    }

    fn hashes(&self, name: &str) -> Vec<Hash> {
        self.get(name).split_whitespace().map(hash).collect()
    }

    fn verifier(&self, name: &str) -> Verifier {
        self.get(name).parse().unwrap()
    }

    fn note(&self) -> Note {
        Note::parse(self.get("note").as_bytes()).unwrap()
    }
}

fn hash(text: &str) -> Hash {
    let checkpoint = format!("any\n0\n{text}\n");
    Checkpoint::parse(&checkpoint).unwrap().root
}

fn tree() -> Tree {
    let entries: Vec<String> = (0..13).map(|i| format!("entry {i}")).collect();
    Tree::over(entries.iter().map(String::as_bytes))
}

#[test]
fn roots_and_proofs_are_those_of_the_recursions_of_the_rfc() {
    let (pinned, tree) = (Pinned::read(), tree());
    let root = |size: u64| pinned.hashes(&format!("root {size}")).pop().unwrap();
    for new in 0..=13 {
        assert_eq!(tree.root(new), Some(root(new)));
        for index in 0..new {
            let proof = pinned.hashes(&format!("inclusion {index} {new}"));
            assert_eq!(tree.inclusion(index, new).as_ref(), Some(&proof));
            let leaf = trocar_tlog::leaf_hash(format!("entry {index}").as_bytes());
            assert!(verify_inclusion(index, new, &leaf, &proof, &root(new)));
        }
        for old in 1..=new {
            let proof = pinned.hashes(&format!("consistency {old} {new}"));
            assert_eq!(tree.consistency(old, new).as_ref(), Some(&proof));
            assert!(verify_consistency(old, new, &proof, &root(old), &root(new)));
        }
    }
}

#[test]
fn a_checkpoint_is_signed_as_the_oracle_signs_it() {
    let pinned = Pinned::read();
    let (log, key) = (pinned.verifier("log"), SecretKey::from_pem(pinned.get("log_pem")).unwrap());
    let checkpoint = Checkpoint { origin: log.name.clone(), size: 13, root: tree().root(13).unwrap() };
    let note = Note::sign(&checkpoint.to_string(), &log.name, &key).unwrap();
    assert_eq!(note.to_string(), pinned.get("note"));
    assert_eq!(Checkpoint::verified(&pinned.note(), &log), Ok(checkpoint));
    assert_eq!(log.to_string(), pinned.get("log"));
}

#[test]
fn a_checkpoint_is_cosigned_as_the_oracle_cosigns_it() {
    let pinned = Pinned::read();
    let (witness, key) =
        (pinned.verifier("witness"), SecretKey::from_pem(pinned.get("witness_pem")).unwrap());
    let (mut note, time) = (pinned.note(), Timestamp::from_seconds(1_795_000_000));
    assert_eq!(note.cosigned(&witness), Err(NoteError::Untrusted));
    let line = note.cosign(&witness.name, &key, time);
    assert_eq!(line.to_string(), pinned.get("cosignature"));
    note.add(NoteSignature::parse_lines(&line.to_string()).unwrap().pop().unwrap());
    assert_eq!(note.cosigned(&witness), Ok(time));
    assert_eq!(Note::parse(note.to_string().as_bytes()).unwrap(), note);
    assert!(note.verify(&pinned.verifier("log")).is_ok());
    // Neither key stands for the other, and a log's key signs no cosignature.
    assert_eq!(note.verify(&witness), Err(NoteError::Untrusted));
    assert_eq!(note.cosigned(&pinned.verifier("log")), Err(NoteError::Untrusted));
}

#[test]
fn any_changed_character_of_a_note_is_refused() {
    let pinned = Pinned::read();
    let (log, text) = (pinned.verifier("log"), pinned.get("note").to_owned());
    for (at, _) in text.char_indices() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let verified = Note::parse(&bytes).and_then(|note| Checkpoint::verified(&note, &log));
        assert!(verified.is_err(), "byte {at} can be another");
    }
}

#[test]
fn notes_and_keys_of_another_form_are_refused() {
    let pinned = Pinned::read();
    let good = pinned.get("note");
    let cut = good.trim_end_matches('\n');
    let (text, line) = good.rsplit_once("\n\n").unwrap();
    let many = format!("{text}\n\n{}", line.repeat(65));
    let control = good.replacen("13", "13\r", 1);
    for bad in ["", "\n", "text\n", cut, text, &many, &control, &format!("{text}\n\n- a b\n")] {
        assert_eq!(Note::parse(bad.as_bytes()), Err(NoteError::Form), "{bad:?}");
    }
    for bad in ["a\n1\n", "a\n01\nAAAA\n", "a\n-1\nAAAA\n", "a b\n1\nAAAA\n"] {
        assert_eq!(Checkpoint::parse(bad), Err(NoteError::Checkpoint), "{bad:?}");
    }
    let key = pinned.get("log");
    let weak = "a+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for bad in ["", "a", "a+b", &key.replacen("log", "lag", 1), weak, &key[..key.len() - 1]] {
        assert!(bad.parse::<Verifier>().is_err(), "{bad:?} was read as a verifier key");
    }
}

#[test]
fn a_request_is_read_as_it_is_written_and_no_other_form_is() {
    let pinned = Pinned::read();
    let request = AddCheckpoint { old: 5, proof: pinned.hashes("consistency 5 13"), note: pinned.note() };
    let body = request.to_string();
    assert_eq!(AddCheckpoint::parse(body.as_bytes()), Ok(request));
    let many = body.replacen('\n', &format!("\n{}\n", vec!["A".repeat(43) + "="; 64].join("\n")), 1);
    for bad in [
        "",
        "old 5",
        &body.replacen("old 5", "old 05", 1),
        &body.replacen("old 5", "new 5", 1),
        &body.replacen('=', "", 1),
        &body.replacen("\n\n", "\n", 1),
        &many,
        &"a".repeat(70_000),
    ] {
        assert!(AddCheckpoint::parse(bad.as_bytes()).is_err(), "{bad:?} was read as a request");
    }
}
