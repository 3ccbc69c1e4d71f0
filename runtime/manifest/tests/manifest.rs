//! Manifests and packages against files: golden pairs, the JSON schema, single flipped bytes, vectors of another
//! implementation. `UPDATE=1` writes what is compared.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops with a panic; clippy excuses #[test] functions alone, not what they share"
)]

mod golden;

use golden::{golden, shown};
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use trocar_manifest::dsse::{self, Envelope};
use trocar_manifest::keys::{PublicKey, SecretKey};
use trocar_manifest::{
    Approval, ApprovalError, Manifest, Package, PackageError, model_path, verify_approval, with_component,
    with_models,
};
use trocar_manifest::{archive, canonical, parameters};
use trocar_terms::{Class, DatasetId, Digest, Timestamp, Value};

fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../manifests")
}

fn toml_files(folder: &str) -> Vec<(String, PathBuf)> {
    let files = std::fs::read_dir(manifests().join(folder)).unwrap();
    let mut files: Vec<PathBuf> = files.map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "toml"));
    files.sort();
    files.into_iter().map(|f| (f.file_name().unwrap().to_str().unwrap().to_owned(), f)).collect()
}

fn key(seed: u64) -> SecretKey {
    SecretKey::generate(&mut ChaCha20Rng::seed_from_u64(seed))
}

fn valid(name: &str) -> (String, Manifest) {
    let text = std::fs::read_to_string(manifests().join("valid").join(name)).unwrap();
    let manifest = Manifest::parse(name, &text).unwrap();
    (text, manifest)
}

#[test]
fn every_valid_manifest_has_its_canonical_form() {
    let files = toml_files("valid");
    assert!(files.len() >= 8);
    for (name, path) in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let manifest = Manifest::parse(&name, &text).unwrap_or_else(|e| panic!("{}", shown(&e)));
        golden(&path.with_extension("json"), std::str::from_utf8(manifest.canonical()).unwrap());
        assert_eq!(manifest.digest(), Digest::of(manifest.canonical()));
    }
}

#[test]
fn every_invalid_manifest_is_refused_with_place_and_help() {
    let files = toml_files("invalid");
    assert!(files.len() >= 25);
    for (name, path) in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let error = Manifest::parse(&name, &text).expect_err(&name);
        golden(&path.with_extension("err"), &shown(&error));
        assert!(!error.problem().help.is_empty(), "{name} says not what to write instead");
        assert!(error.problem().span.end <= text.len(), "{name} points outside the text");
    }
}

#[test]
fn ten_thousand_of_anything_are_refused_at_once_and_in_few_words() {
    let (head, _) = valid("smallest.toml")
        .0
        .split_once("[[outputs]]")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let output = |i: usize| format!("[[outputs]]\nname = \"o{i}\"\nkind = \"count\"\nunit = \"1\"\n");
    let outputs: String = (0..10_000).map(output).collect();
    let derived: String = (0..10_000)
        .map(|i| format!("[[derived]]\nname = \"d{i}\"\nkind = \"roc\"\nfrom = \"o0\"\n"))
        .collect();
    let edges: String = (0..10_000).rev().map(|i| format!("{i}, ")).collect();
    let falling =
        format!("[[outputs]]\nname = \"h\"\nkind = \"histogram\"\nunit = \"1\"\nedges = [{edges}]\n");
    let wide = "[[outputs]]\nname = \"v\"\nkind = \"vector\"\nunit = \"1\"\nlength = 4294967295\nclip = 1.0\ngrid_bits = 4\n";
    let rows = [
        (outputs, "1 to 64 outputs, this one has 10000", "o64"),
        (output(0) + &derived, "up to 64 derived statistics, this one has 10000", "d64"),
        (falling, "edges do not rise strictly: 9998 stands after 9999", "9998"),
        (wide.to_owned(), "more than 65536 numbers", "name"),
    ];
    for (body, message, place) in rows {
        let started = std::time::Instant::now();
        let error = Manifest::parse("many.toml", &format!("{head}{body}")).unwrap_err();
        let text = shown(&error);
        assert!(started.elapsed().as_secs() < 5, "it took {:?}", started.elapsed());
        assert!(text.contains(message) && text.contains(place) && text.contains("here"), "{text}");
        assert!(text.len() < 1500, "{} bytes: {text}", text.len());
    }
}

#[test]
fn the_committed_schema_is_the_one_of_the_code() {
    let schema = serde_json::to_string_pretty(&trocar_manifest::schema()).unwrap();
    golden(&manifests().join("manifest.schema.json"), &format!("{schema}\n"));
}

#[test]
fn another_spelling_of_a_manifest_has_the_same_digest() {
    assert_eq!(valid("mean.toml").1.digest(), valid("another-spelling-of-mean.toml").1.digest());
    assert_ne!(valid("mean.toml").1.digest(), valid("packed.toml").1.digest());
}

#[test]
fn the_digest_of_a_component_is_written_where_it_belongs() {
    for name in ["mean.toml", "packed.toml", "another-spelling-of-mean.toml"] {
        let (text, mut before) = valid(name);
        let written = with_component(name, &text, Digest::of(b"wasm")).unwrap();
        let after = Manifest::parse(name, &written).unwrap();
        before.component = Some(Digest::of(b"wasm"));
        assert_eq!(canonical::json(&after).unwrap(), canonical::json(&before).unwrap(), "{name}");
        assert_eq!(with_component(name, &written, Digest::of(b"wasm")).unwrap(), written, "{name} twice");
    }
}

#[test]
fn parameters_that_are_not_set_have_their_defaults() {
    let manifest = valid("parameters.toml").1;
    let given = BTreeMap::from([("threshold".to_owned(), "0.30".to_owned())]);
    let all = parameters::resolve(&manifest, &given).unwrap();
    let expected = [
        ("bins", Value::Integer(32)),
        ("threshold", Value::Real(0.3)),
        ("window", Value::Text("lung".into())),
    ];
    assert_eq!(all, expected.map(|(n, v)| (n.to_owned(), v)).into());
}

#[test]
fn a_parameter_that_does_not_exist_is_refused_with_the_nearest() {
    let given = BTreeMap::from([("treshold".to_owned(), "1".to_owned())]);
    let error = parameters::resolve(&valid("parameters.toml").1, &given).unwrap_err();
    assert_eq!(error.to_string(), "there is no parameter \"treshold\"; did you mean \"threshold\"?");
}

fn package() -> Vec<u8> {
    Package::pack(&valid("smallest.toml").0, b"\0asm", &BTreeMap::new(), &key(1)).unwrap()
}

#[test]
fn a_package_is_opened_as_it_was_packed() {
    let bytes = package();
    let package = Package::open(&bytes).unwrap();
    assert_eq!(package.author, key(1).public());
    assert_eq!(package.component, b"\0asm");
    assert_eq!(package.manifest.component, Some(Digest::of(b"\0asm")));
    assert_eq!(package.digest(), Digest::of(&bytes));
    assert!(package.manifest_text.starts_with("# The least"), "the author's own text is kept");
    assert_eq!(bytes, self::package(), "packing twice gives the same bytes");
}

#[test]
fn every_flipped_byte_of_a_package_is_refused() {
    let bytes = package();
    for at in 0..bytes.len() {
        for change in [0x01, 0x20, 0x80, 0xff] {
            let mut other = bytes.clone();
            other[at] ^= change;
            let error = Package::open(&other)
                .err()
                .unwrap_or_else(|| panic!("byte {at} xor {change:#x} was accepted"));
            assert!(matches!(error, PackageError::Archive(_)), "byte {at}: {error}");
        }
    }
}

/// The package with one of its files replaced, in an archive that is canonical again.
fn rebuilt(name: &str, contents: &[u8]) -> PackageError {
    let mut files = archive::read(&package()).unwrap();
    files.insert(name.to_owned(), contents.to_vec());
    Package::open(&archive::write(&files).unwrap()).expect_err(name)
}

#[test]
fn a_file_changed_inside_a_canonical_archive_is_refused() {
    let files = archive::read(&package()).unwrap();
    let text = std::str::from_utf8(&files["manifest.toml"]).unwrap();
    assert!(matches!(rebuilt("algorithm.wasm", b"\0asn"), PackageError::Digest { .. }));
    assert!(matches!(
        rebuilt("manifest.toml", text.replace("MIT", "BSD").as_bytes()),
        PackageError::Statement(_)
    ));
    assert!(matches!(
        rebuilt("manifest.toml", format!("{text}# note").as_bytes()),
        PackageError::Statement(_)
    ));
    assert!(matches!(rebuilt("manifest.toml", b"name = 1"), PackageError::Manifest(_)));
    assert!(matches!(rebuilt("extra.txt", b""), PackageError::Files(_)));
    assert!(matches!(rebuilt("models/extra", b""), PackageError::Files(_)));
    let spaced = [files["signatures.dsse.json"].as_slice(), b" "].concat();
    assert!(matches!(rebuilt("signatures.dsse.json", &spaced), PackageError::Files(_)));
}

/// The manifest of two models with the digests of these files.
fn with_two_models() -> (String, BTreeMap<String, Vec<u8>>) {
    let files = BTreeMap::from([("brain".to_owned(), b"one".to_vec()), ("lung".to_owned(), b"two".to_vec())]);
    let digests = files.iter().map(|(name, bytes)| (name.clone(), Digest::of(bytes))).collect();
    (with_models("m.toml", &valid("models.toml").0, &digests).unwrap(), files)
}

#[test]
fn the_digests_of_models_are_written_where_they_belong() {
    let (text, _) = with_two_models();
    let models = Manifest::parse("m.toml", &text).unwrap().models;
    assert_eq!([models[0].digest, models[1].digest], [Digest::of(b"one"), Digest::of(b"two")]);
    let bare: String =
        text.lines().filter(|l| !l.starts_with("digest = ")).map(|l| format!("{l}\n")).collect();
    assert!(Manifest::parse("m.toml", &bare).is_err());
    let digests = models.iter().map(|m| (m.name.to_string(), m.digest)).collect();
    let again = Manifest::parse("m.toml", &with_models("m.toml", &bare, &digests).unwrap()).unwrap();
    assert_eq!(again.models, models);
}

#[test]
fn the_models_of_a_package_are_those_that_its_manifest_and_its_author_named() {
    let (text, files) = with_two_models();
    let pack = |files: &BTreeMap<String, Vec<u8>>| Package::pack(&text, b"\0asm", files, &key(1));
    let bytes = pack(&files).unwrap();
    assert_eq!(Package::open(&bytes).unwrap().models, files);
    let one = BTreeMap::from([("brain".to_owned(), b"one".to_vec())]);
    assert_eq!(pack(&one).unwrap_err().to_string(), "the package lacks the model lung");
    let other =
        BTreeMap::from([("lung".to_owned(), b"two!".to_vec()), ("brain".to_owned(), b"one".to_vec())]);
    assert!(matches!(pack(&other), Err(PackageError::Digest { file, .. }) if file == "models/lung.onnx"));
    for (name, contents) in [("brain", &b"0ne"[..]), ("third", b"three")] {
        let mut files = archive::read(&bytes).unwrap();
        files.insert(model_path(name), contents.to_vec());
        assert!(Package::open(&archive::write(&files).unwrap()).is_err(), "{name}");
    }
    let mut files = archive::read(&bytes).unwrap();
    files.remove("models/lung.onnx");
    let error = Package::open(&archive::write(&files).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "the package lacks the model lung");
}

#[test]
fn every_flipped_byte_of_the_signature_inside_a_canonical_archive_is_refused() {
    let signatures = archive::read(&package()).unwrap()["signatures.dsse.json"].clone();
    for at in 0..signatures.len() {
        let mut other = signatures.clone();
        other[at] ^= 1;
        rebuilt("signatures.dsse.json", &other);
    }
}

#[test]
fn the_statement_of_one_author_signed_by_another_is_refused() {
    let files = archive::read(&package()).unwrap();
    let envelope = Envelope::from_json(&files["signatures.dsse.json"]).unwrap();
    let payload = envelope.unverified_payload("application/vnd.in-toto+json").unwrap();
    let forged = dsse::sign("application/vnd.in-toto+json", &payload, &key(2)).to_json().unwrap();
    assert!(matches!(rebuilt("signatures.dsse.json", &forged), PackageError::Signature(_)));
}

#[test]
fn a_package_that_lacks_a_file_is_refused() {
    for name in ["manifest.toml", "algorithm.wasm", "signatures.dsse.json"] {
        let mut files = archive::read(&package()).unwrap();
        files.remove(name);
        let error = Package::open(&archive::write(&files).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), format!("the package has no {name}"));
    }
}

fn approval() -> Approval {
    Approval {
        dataset: DatasetId::from_bytes([1; 16]),
        manifest: Digest::of(b"manifest"),
        component: Digest::of(b"component"),
        models: vec![],
        class: Class::AnyCode,
        policy: Digest::of(b"policy"),
        project: "any".into(),
        runs: 3,
        rho_max: "0.1".parse().unwrap(),
        permit: None,
        conditions: vec!["weekdays alone".into()],
        approved_at: Timestamp::from_seconds(1_795_000_000),
        expires: Timestamp::from_seconds(1_800_000_000),
    }
}

#[test]
fn an_approval_is_read_as_its_operator_signed_it() {
    let envelope = approval().sign(&key(3)).unwrap();
    let operators = [key(4).public(), key(3).public()];
    assert_eq!(verify_approval(&envelope, &operators), Ok((approval(), vec![key(3).public()])));
}

#[test]
fn an_approval_of_someone_who_is_no_operator_is_refused() {
    let envelope = approval().sign(&key(3)).unwrap();
    let refused = Err(ApprovalError::Signature(dsse::DsseError::Untrusted));
    assert_eq!(verify_approval(&envelope, &[key(4).public()]), refused);
    assert_eq!(verify_approval(&envelope, &[]), refused);
}

#[test]
fn a_package_statement_is_no_approval_even_when_an_operator_signed_it() {
    let envelope = Package::open(&package()).unwrap().signature;
    let error = verify_approval(&envelope, &[key(1).public()]).unwrap_err();
    assert!(error.to_string().contains("urn:trocar:package:v1"), "{error}");
}

#[test]
fn an_approval_whose_subjects_say_something_else_is_refused() {
    let kind = "application/vnd.in-toto+json";
    let payload = approval().sign(&key(3)).unwrap().unverified_payload(kind).unwrap();
    let other = Digest::of(b"other").hex();
    let payload = String::from_utf8(payload).unwrap().replacen(&Digest::of(b"component").hex(), &other, 2);
    let subject_alone =
        payload.replacen(&format!("sha256:{other}"), &Digest::of(b"component").to_string(), 1);
    let envelope = dsse::sign(kind, subject_alone.as_bytes(), &key(3));
    let error = verify_approval(&envelope, &[key(3).public()]).unwrap_err();
    assert!(matches!(error, ApprovalError::Statement(_)), "{error}");
}

#[test]
fn what_securesystemslib_signed_verifies_and_ours_is_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let (secret, public) = (read("secret.pem"), read("public.pem"));
    let (secret_pem, public_pem) = (secret, public);
    let secret = SecretKey::from_pem(&secret_pem).unwrap();
    let public = PublicKey::from_pem(&public_pem).unwrap();
    assert_eq!(secret.public(), public);
    assert_eq!(
        (secret.to_pem().unwrap().as_str(), public.to_pem().unwrap()),
        (secret_pem.as_str(), public_pem)
    );
    let vectors: Vec<serde_json::Value> = serde_json::from_str(&read("dsse.json")).unwrap();
    assert!(vectors.len() >= 3);
    for vector in vectors {
        let theirs: Envelope = serde_json::from_value(vector["envelope"].clone()).unwrap();
        let payload = hex::decode(vector["payload_hex"].as_str().unwrap()).unwrap();
        let kind = theirs.payload_type.clone();
        assert_eq!(dsse::verify(&theirs, &kind, &[public]).unwrap().payload, payload);
        assert_eq!(dsse::sign(&kind, &payload, &secret), theirs);
        assert_eq!(hex::encode(dsse::pae(&kind, &payload)), vector["pae_hex"].as_str().unwrap());
    }
}

proptest! {
    #[test]
    fn a_damaged_manifest_is_read_or_refused_but_never_stops_the_program(
        at in 0_usize..2000,
        cut in 0_usize..40,
        put in "[\\x00-\\x7f\u{e9}\u{1f600}]{0,12}",
    ) {
        let text = valid("parameters.toml").0;
        let from = at.min(text.len());
        let to = (from + cut).min(text.len());
        let damaged = [&text[..from], &put, &text[to..]].concat();
        if let Err(error) = Manifest::parse("damaged.toml", &damaged) {
            prop_assert!(!shown(&error).is_empty());
        }
    }

    #[test]
    fn random_bytes_are_no_archive_and_no_package(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(archive::read(&bytes).is_err());
        let headed = [b"PK\x03\x04".as_slice(), &bytes].concat();
        prop_assert!(Package::open(&headed).is_err());
    }
}

#[test]
fn a_countersigned_approval_names_every_operator_once() {
    let envelope =
        trocar_manifest::countersign_approval(&approval().sign(&key(3)).unwrap(), &key(4)).unwrap();
    let operators = [key(4).public(), key(3).public(), key(5).public()];
    let (read, signers) = verify_approval(&envelope, &operators).unwrap();
    assert_eq!((read, signers), (approval(), vec![key(4).public(), key(3).public()]));
    assert!(trocar_manifest::countersign_approval(&envelope, &key(3)).is_err(), "one operator counted twice");
}
