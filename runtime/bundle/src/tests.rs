//! Whole bundles: what is in them, that one length tells nothing, and that no byte can be changed.

use crate::bag::{self, Files};
use crate::fixture::{ALL, COUNT, DERIVED, Job, job, key, node};
use crate::{VerifyError, verify, write};
use std::collections::BTreeSet;
use trocar_manifest::archive;
use trocar_manifest::dsse;

fn bundle(job: &Job, patients: u32, seed: u64) -> Vec<u8> {
    write(&job.content(&job.outcome(patients, seed)), &node()).unwrap()
}

/// The files without the folder.
fn files(bundle: &[u8]) -> Files {
    let inside = |(path, bytes): (String, Vec<u8>)| (path.split_once('/').unwrap().1.to_owned(), bytes);
    archive::read(bundle).unwrap().into_iter().map(inside).collect()
}

fn zipped(files: &Files, job: &Job) -> Vec<u8> {
    let folder = bag::folder(&job.request);
    archive::write(&files.iter().map(|(path, bytes)| (format!("{folder}{path}"), bytes.clone())).collect())
        .unwrap()
}

/// Lists all files again, as one who changes them would.
fn listed(mut files: Files, job: &Job) -> Vec<u8> {
    bag::add_lists(&mut files);
    zipped(&files, job)
}

#[test]
fn a_bundle_verifies_and_says_what_it_proved() {
    let job = job(ALL);
    let proof = verify(&bundle(&job, 200, 1), &[key(9).public(), node().public()]).unwrap();
    assert!(proof.trusted && proof.signer == node().public() && proof.request == job.request);
    assert_eq!(proof.results["outputs"][0]["name"], "suv_mean");
    assert!(proof.proved.iter().all(|s| s.ends_with('.')) && proof.proved.len() == 7);
    assert!(proof.proved[2].contains("a key that you trust"));
}

#[test]
fn without_a_pinned_key_a_bundle_is_intact_and_not_trusted() {
    let proof = verify(&bundle(&job(COUNT), 200, 1), &[]).unwrap();
    assert!(!proof.trusted && proof.proved[2].contains("intact, signer unknown"));
}

#[test]
fn a_bundle_of_another_signer_than_the_pinned_ones_is_refused() {
    let refused = verify(&bundle(&job(COUNT), 200, 1), &[key(9).public()]);
    assert_eq!(refused, Err(VerifyError::OtherSigner(Box::new(node().public()))));
}

#[test]
fn nine_patients_one_and_none_give_the_same_bundle_but_for_nothing() {
    let job = job(ALL);
    let nine = bundle(&job, 9, 1);
    assert_eq!(verify(&nine, &[]).unwrap().status, crate::Status::Withheld);
    assert!(
        nine == bundle(&job, 1, 2) && nine == bundle(&job, 0, 3),
        "a withheld bundle tells how many there are"
    );
}

#[test]
fn other_numbers_and_no_numbers_make_a_bundle_of_the_same_length() {
    for outputs in [COUNT, ALL, DERIVED] {
        let job = job(outputs);
        let lengths: BTreeSet<usize> = [(200, 1), (200, 2), (499, 3), (80, 4), (0, 5)]
            .map(|(n, seed)| bundle(&job, n, seed).len())
            .into();
        assert_eq!(lengths.len(), 1, "the length tells the outcome: {lengths:?}");
    }
}

#[test]
fn the_widest_plots_and_the_longest_words_stay_within_the_room_of_their_request() {
    let edges: Vec<u32> = (0..=300).collect();
    let quoted = |c: &str| format!("'{}'", c.repeat(60));
    let histogram = |edges: &str| {
        format!(
            "[[outputs]]\nname = \"h\"\nkind = \"histogram\"\nunit = \"mL\"\nrho = \"0.01\"\nedges = {edges}\n"
        )
    };
    let table = format!(
        "[[outputs]]\nname = \"t\"\nkind = \"table\"\nunit = \"1\"\nrho = \"0.01\"\naxes = [{{ name = \"a\", categories = [{}, {}] }}]\n",
        quoted("\""),
        quoted("&")
    );
    let vector = "[[outputs]]\nname = \"v\"\nkind = \"vector\"\nunit = \"1\"\nrho = \"0.01\"\nlength = 1000\nclip = 1.0\ngrid_bits = 12\n";
    let counts: String =
        (0..64).map(|i| COUNT.replace("tumours", &format!("c{i}")).replace("0.02", "0.001")).collect();
    let long = "x".repeat(60);
    let scores = format!(
        "[[outputs]]\nname = \"s\"\nkind = \"table\"\nunit = \"1\"\nrho = \"0.2\"\naxes = [{{ name = \"score\", edges = {edges:?} }}, {{ name = \"label\", categories = [{}, {}] }}]\n",
        quoted("\""),
        quoted("&")
    );
    let variables: Vec<String> = (0..12)
        .map(|i| format!("{{ name = \"{long}{i:02}\", unit = \"1\", lower = -1, upper = 1e-300 }}"))
        .collect();
    let moments = format!(
        "[[outputs]]\nname = \"m\"\nkind = \"moments\"\nunit = \"1\"\nrho = \"0.4\"\nvariables = [{}]\n",
        variables.join(", ")
    );
    let derived = |kind: &str, more: &str, output: &str, from: &str| {
        format!("{output}[[derived]]\nname = \"{kind}\"\nkind = \"{kind}\"\nfrom = \"{from}\"\n{more}")
    };
    let curves = [
        derived("roc", "", &scores, "s"),
        derived("survival", "", &scores, "s"),
        derived("covariance", "", &moments, "m"),
        derived("linear", &format!("outcome = \"{long}00\"\n"), &moments, "m"),
    ];
    for outputs in curves {
        let job = job(&outputs);
        let lengths: BTreeSet<usize> =
            [(499, 1), (70, 2), (0, 3)].map(|(n, seed)| bundle(&job, n, seed).len()).into();
        assert_eq!(lengths.len(), 1, "{lengths:?} of {outputs}");
    }
    for outputs in [histogram("[0, 1]"), histogram(&format!("{edges:?}")), table, vector.to_owned(), counts] {
        let job = job(&outputs);
        let lengths: BTreeSet<usize> =
            [(499, 1), (70, 2), (0, 3)].map(|(n, seed)| bundle(&job, n, seed).len()).into();
        assert_eq!(lengths.len(), 1, "{lengths:?} of {outputs}");
    }
}

#[test]
fn every_flipped_byte_is_found_and_named() {
    let good = bundle(&job(COUNT), 200, 1);
    let mut bad = good.clone();
    for at in 0..good.len() {
        bad[at] ^= 1 << (at % 8);
        let error = verify(&bad, &[node().public()]).expect_err("a changed byte was accepted");
        assert!(matches!(error, VerifyError::Archive(_)), "byte {at}: {error}");
        bad[at] = good[at];
    }
}

#[test]
fn entries_in_another_order_are_refused() {
    let good = bundle(&job(COUNT), 200, 1);
    let starts: Vec<usize> =
        (0..good.len() - 4).filter(|at| good[*at..].starts_with(b"PK\x03\x04")).collect();
    let [first, second, third] = starts[..3] else { panic!("too few entries") };
    let swapped = [&good[second..third], &good[first..second], &good[third..]].concat();
    assert!(matches!(verify(&swapped, &[]), Err(VerifyError::Archive(_))));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 128, ..Default::default() })]

    #[test]
    fn bits_changed_at_random_are_found(changes in proptest::collection::vec((0_usize..1 << 30, 0_u32..8), 1..6)) {
        static GOOD: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| bundle(&job(COUNT), 200, 1));
        let mut bad = GOOD.clone();
        changes.iter().for_each(|(at, bit)| bad[at % GOOD.len()] ^= 1 << bit);
        proptest::prop_assert!(bad == *GOOD || verify(&bad, &[]).is_err(), "{changes:?} was accepted");
    }

    #[test]
    fn bits_of_files_changed_at_random_in_a_fresh_archive_are_found(which in 0_usize..1000, at in 0_usize..1 << 30, bit in 0_u32..8) {
        static JOB: std::sync::LazyLock<Job> = std::sync::LazyLock::new(|| job(COUNT));
        static GOOD: std::sync::LazyLock<Files> = std::sync::LazyLock::new(|| files(&bundle(&JOB, 200, 1)));
        let (path, bytes) = GOOD.iter().nth(which % GOOD.len()).unwrap();
        let mut changed = bytes.clone();
        changed[at % bytes.len()] ^= 1 << bit;
        let mut bad = GOOD.clone();
        bad.insert(path.clone(), changed);
        proptest::prop_assert!(verify(&zipped(&bad, &JOB), &[]).is_err(), "a bit of {path} was changed");
    }
}

#[test]
fn a_change_inside_a_file_of_a_canonical_archive_is_found_in_that_file() {
    let job = job(COUNT);
    let good = files(&bundle(&job, 200, 1));
    for path in good.keys().filter(|path| !path.contains("manifest-sha512")) {
        let mut bad = good.clone();
        bad.get_mut(path).unwrap()[7] ^= 0x10;
        let error = verify(&zipped(&bad, &job), &[]).unwrap_err();
        assert!(
            matches!(&error, VerifyError::Digest { path: named, .. } if named == path),
            "{path}: {error}"
        );
    }
}

#[test]
fn a_change_that_the_lists_of_digests_agree_with_is_found_by_the_signature() {
    let job = job(COUNT);
    let good = files(&bundle(&job, 200, 1));
    for path in good.keys().filter(|path| !path.contains("manifest-sha512") && *path != bag::PROVENANCE) {
        let mut bad = good.clone();
        bad.get_mut(path).unwrap().push(b' ');
        assert!(verify(&listed(bad, &job), &[]).is_err(), "{path} was changed and relisted");
    }
}

#[test]
fn a_changed_envelope_that_is_listed_again_is_refused() {
    let job = job(COUNT);
    let good = files(&bundle(&job, 200, 1));
    let text = String::from_utf8(good[bag::PROVENANCE].clone()).unwrap();
    let spaced = text.replacen(':', ": ", 1);
    let twice = {
        let mut envelope = dsse::Envelope::from_json(text.as_bytes()).unwrap();
        envelope.signatures.push(envelope.signatures[0].clone());
        String::from_utf8(envelope.to_json().unwrap()).unwrap()
    };
    for other in [spaced, twice] {
        let mut bad = good.clone();
        bad.insert(bag::PROVENANCE.into(), other.into_bytes());
        assert!(verify(&listed(bad, &job), &[]).is_err(), "a second spelling of the envelope was accepted");
    }
}

#[test]
fn added_removed_and_renamed_files_are_refused_by_name() {
    let job = job(COUNT);
    let good = files(&bundle(&job, 200, 1));
    let mut added = good.clone();
    added.insert("data/extra".into(), vec![]);
    assert_eq!(verify(&zipped(&added, &job), &[]), Err(VerifyError::Extra("data/extra".into())));
    assert!(verify(&listed(added, &job), &[]).is_err(), "an added and listed file was accepted");
    let mut tagged = good.clone();
    tagged.insert("note.txt".into(), vec![]);
    assert!(verify(&listed(tagged, &job), &[]).is_err(), "an added tag file was accepted");
    for path in good.keys() {
        let mut removed = good.clone();
        let bytes = removed.remove(path).unwrap();
        let error = verify(&zipped(&removed, &job), &[]).unwrap_err();
        assert_eq!(error, VerifyError::Missing(path.clone()));
        removed.insert(format!("{path}x"), bytes);
        assert!(verify(&zipped(&removed, &job), &[]).is_err(), "{path} was renamed");
    }
}

#[test]
fn a_file_beside_the_folder_or_another_folder_is_refused() {
    let job = job(COUNT);
    let good = bundle(&job, 200, 1);
    let mut beside = archive::read(&good).unwrap();
    beside.insert("zzz".into(), vec![]);
    assert_eq!(verify(&archive::write(&beside).unwrap(), &[]), Err(VerifyError::Extra("zzz".into())));
    let moved: Files =
        files(&good).into_iter().map(|(path, bytes)| (format!("other/{path}"), bytes)).collect();
    assert!(matches!(verify(&archive::write(&moved).unwrap(), &[]), Err(VerifyError::Disagrees { .. })));
}

#[test]
fn cut_appended_empty_and_foreign_bytes_are_refused() {
    let good = bundle(&job(COUNT), 200, 1);
    for bad in [
        &[][..],
        b"PK",
        b"no zip",
        &good[..good.len() - 1],
        &good[..good.len() / 2],
        &[&good[..], b"\0"].concat(),
    ] {
        assert!(verify(bad, &[]).is_err(), "{} bytes were accepted", bad.len());
    }
}

#[test]
fn a_bundle_that_somebody_else_signed_anew_is_not_trusted() {
    let job = job(COUNT);
    let forged = write(&job.content(&job.outcome(200, 7)), &key(66)).unwrap();
    assert_eq!(
        verify(&forged, &[node().public()]),
        Err(VerifyError::OtherSigner(Box::new(key(66).public())))
    );
    assert!(!verify(&forged, &[]).unwrap().trusted);
}

#[test]
fn a_request_that_its_approval_does_not_cover_makes_no_bundle() {
    let job = job(COUNT);
    let outcome = job.outcome(200, 1);
    let changes: [fn(&mut crate::Request); 7] = [
        |r| r.dataset_id = trocar_terms::DatasetId::from_bytes([8; 16]),
        |r| r.policy = trocar_terms::Digest::of(b"other"),
        |r| r.manifest = trocar_terms::Digest::of(b"other"),
        |r| r.component = trocar_terms::Digest::of(b"other"),
        |r| r.approval = trocar_terms::Digest::of(b"other"),
        |r| r.admitted_at = "2027-11-01T09:00:00Z".parse().unwrap(),
        |r| r.admitted_at = "2026-10-01T09:00:00Z".parse().unwrap(),
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let mut request = job.request.clone();
        change(&mut request);
        let content =
            crate::Content { asked: crate::Asked { request: &request, ..job.asked() }, outcome: &outcome };
        assert!(
            matches!(write(&content, &node()), Err(crate::BundleError::Disagrees(_))),
            "change {i} was written"
        );
    }
}

#[test]
fn the_researchers_and_the_authors_words_are_escaped_wherever_they_appear() {
    let outputs = COUNT
        .replace("unit = \"1\"", "unit = \"<b>&'\"")
        .replace("kind = \"count\"", "kind = \"sum\"\nlower = 0.0\nupper = 4.0\ngrid_bits = 8");
    let mut job = job(&outputs);
    let attack = "</style><script>alert('\"&')</script>";
    job.request.where_ = attack.into();
    job.request.node_name = format!("{attack}\nPayload-Oxum: 0.0");
    job.request.conditions = vec![attack.into()];
    job.request.engine = attack.into();
    let files = files(&bundle(&job, 200, 1));
    for (path, bytes) in files.iter().filter(|(path, _)| path.ends_with("html") || path.ends_with("svg")) {
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(!text.contains("<script") && !text.contains("<b>"), "{path} holds a tag of somebody else");
        assert!(text.contains("&lt;") || text.contains("&#60;"));
    }
    let info = String::from_utf8(files[bag::INFO].clone()).unwrap();
    assert_eq!(info.matches("\nPayload-Oxum").count(), 1, "a name of two lines forged a label");
}

#[test]
fn the_report_needs_nothing_from_outside() {
    let job = job(&[ALL, DERIVED].concat());
    let files = files(&bundle(&job, 200, 1));
    let html = String::from_utf8(files["data/ro-crate-preview.html"].clone()).unwrap();
    for word in ["<script", "javascript:", "<img", "<iframe", "<link", "@import", "url(", "style=\""] {
        assert!(!html.contains(word), "the report has {word}");
    }
    let outside = html.replace("http://www.w3.org/2000/svg", "");
    assert!(!outside.contains("http://") && !outside.contains("https://"), "the report names an address");
    assert!(html.contains("default-src 'none'"));
    assert_eq!(html.matches("<svg").count(), html.matches("<title ").count(), "a plot without a title");
}

#[test]
fn every_kind_and_every_statistic_is_in_table_plots_and_report() {
    let job = job(&[ALL, DERIVED].concat());
    let files = files(&bundle(&job, 480, 1));
    let text = |path: &str| String::from_utf8(files[path].clone()).unwrap();
    let (html, csv) = (text("data/ro-crate-preview.html"), text("data/results.csv"));
    let names =
        job.manifest.outputs.iter().map(|o| &o.name).chain(job.manifest.derived.iter().map(|d| &d.name));
    for name in names {
        assert!(csv.contains(&format!("\r\n{name},")), "{name} is not in the table");
        assert!(html.contains(&format!("id=\"output-{name}\"")), "{name} is not in the report");
        let svg = text(&format!("data/plots/{name}.svg"));
        assert!(svg.contains(&format!("title-{name}")) && svg.len() > 1000 && html.contains(&svg), "{name}");
    }
    for words in
        ["area under the curve", "survival, F, 365", "correlation, age, suv", "coefficient, intercept"]
    {
        assert!(html.contains(words), "the report has not the words {words}");
    }
    let results: serde_json::Value = serde_json::from_slice(&files["data/results.json"]).unwrap();
    let derived = results["derived"].as_array().unwrap();
    assert_eq!(derived.len(), 7);
    assert_eq!((&derived[1]["kind"], &derived[1]["positive"]), (&"roc".into(), &"malignant".into()));
    assert_eq!(derived[4]["parts"][1]["group"], "F");
}

fn keys(value: &serde_json::Value, found: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(map) => map.iter().for_each(|(key, inner)| {
            found.insert(key.clone());
            keys(inner, found);
        }),
        serde_json::Value::Array(list) => list.iter().for_each(|inner| keys(inner, found)),
        _ => {}
    }
}

/// peers_tests.rs has whole files validated; here nothing may be written that the schema does not name.
#[test]
fn the_schema_of_results_names_every_kind_and_every_field() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../../manifests/results.schema.json")).unwrap();
    let (mut named, mut written) = (BTreeSet::new(), BTreeSet::new());
    keys(&schema, &mut named);
    let files = files(&bundle(&job(&[ALL, DERIVED].concat()), 480, 1));
    keys(&serde_json::from_slice(&files["data/results.json"]).unwrap(), &mut written);
    let unnamed: Vec<_> = written.difference(&named).collect();
    assert!(unnamed.is_empty() && written.len() > 25, "{unnamed:?} are not in the schema");
    let text = schema.to_string();
    let job = job(&[ALL, DERIVED].concat());
    let kinds = job.manifest.outputs.iter().map(|o| o.kind.word());
    for kind in kinds.chain(trocar_terms::DERIVED_KINDS) {
        assert!(text.contains(&format!("\"{kind}\"")), "{kind} is not in the schema");
    }
}
