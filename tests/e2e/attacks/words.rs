//! Logs, error text and backtraces: 64-byte canaries in pixels, UIDs and names, looked for in all that leaves a node.

use super::lab::{Lab, exported, files_of_one, morning, tiny, write_voxels};
use super::row::Row;
use crate::world::{HELD, World};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::path::{Path, PathBuf};

pub const GUEST: &str = "attack_words";

/// 64 bytes each; a UID has digits and dots alone.
const NAME: &str = "CanaryCanaryCanaryCanaryCanaryCanaryCanaryCanaryCanaryCanaryCana";
const UID: &str = "2.25.9117911791179117911791179117911791179117911791179117911791";

/// 32 voxels, of which the first says how the guest is to fail.
fn voxels(first: i16) -> Vec<i16> {
    let rest = (1..32_i16).map(|n| (n * 733) % 3_000 - 1_000);
    std::iter::once(first).chain(rest).collect()
}

#[test]
fn no_canary_of_pixels_uids_or_names_is_in_anything_that_leaves() {
    let world = World::at(morning(), "7");
    let cohort = tiny(&world, "cohort", 50);
    let hers = files_of_one(&cohort);
    plant(&hers);
    world.dataset("liver", &cohort, &[HELD]).exits(0);
    let package = world.pack(GUEST, &[]);
    world.approve(&package, "liver");
    let mut left: Vec<(String, Vec<u8>)> = Vec::new();
    for first in [1991, 1992, 1993] {
        hers.iter().for_each(|file| write_voxels(file, &voxels(first)));
        run(&world.twin(), &package, &mut left);
    }
    let forms: Vec<Vec<u8>> =
        [1991, 1992, 1993].into_iter().flat_map(|first| forms(&voxels(first))).collect();
    // The search finds what is there: the files themselves hold two of the forms.
    let file = std::fs::read(&hers[0]).unwrap();
    assert!(forms.iter().filter(|form| holds(&file, form)).count() >= 3, "the search is blind");
    let hits: Vec<&String> = left
        .iter()
        .filter(|(_, bytes)| forms.iter().any(|form| holds(bytes, form)))
        .map(|(name, _)| name)
        .collect();
    assert!(hits.is_empty(), "{hits:?}");
    Row {
        name: "logs, error text, backtraces",
        guest: GUEST,
        tries: "64-byte canaries in pixels, UIDs and names; fails with them in its words",
        bound: "0 hits in every artefact, log and API body",
        measured: format!("0 hits of {} forms in {} artefacts", forms.len(), left.len()),
        noise_off: "the files themselves are found",
        value: hits.len() as f64,
        unit: "artefacts with a canary",
        bar: 0.0,
    }
    .holds();
}

/// All that a researcher gets of one job, all that an operator's screen shows of it, and the log that an auditor reads.
fn run(world: &World, package: &Path, left: &mut Vec<(String, Vec<u8>)>) {
    let submitted = world.submit(package, "liver", &["--detach"]).exits(0);
    let job = submitted.json()["job"].as_str().unwrap().to_owned();
    let at: trocar_terms::Timestamp = submitted.json()["release_at"].as_str().unwrap().parse().unwrap();
    let resumed = world.run(&["node", "resume"]).exits(0);
    let early = world.run(&["status", &job]);
    world.set_clock(at);
    let out = world.path("bundle.zip").display().to_string();
    let calls = [
        world.run(&["status", &job]),
        world.run(&["results", "get", &job, "-o", &out]).exits(0),
        world.run(&["verify", &out]).exits(0),
        world.run(&["node", "budget"]),
        world.run(&["node", "pending"]),
        world.run(&["node", "dataset", "list"]),
        world.run(&["node", "doctor"]),
        world.run(&["node", "audit", "--verify"]),
    ];
    for said in [submitted, resumed, early].into_iter().chain(calls) {
        left.push(("stdout".into(), said.out.into_bytes()));
        left.push(("stderr".into(), said.err.into_bytes()));
    }
    left.push(("public log".into(), exported(world).1.into_bytes()));
    // Stored, not deflated: the bundle's own bytes are the files in it.
    left.push(("bundle".into(), std::fs::read(out).unwrap()));
    left.push(("ledger.log".into(), std::fs::read(world.home().join("ledger.log")).unwrap()));
    for folder in ["bundles", "packages", "policy"] {
        for entry in std::fs::read_dir(world.home().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            left.push((path.display().to_string(), std::fs::read(path).unwrap()));
        }
    }
}

/// Writes name and UID over what the testkit wrote, of the same length.
fn plant(files: &[PathBuf]) {
    for path in files {
        let mut bytes = std::fs::read(path).unwrap();
        replace(&mut bytes, [0x10, 0x00, 0x10, 0x00], b"PN", NAME.as_bytes(), b' ');
        replace(&mut bytes, [0x20, 0x00, 0x0D, 0x00], b"UI", UID.as_bytes(), 0);
        std::fs::write(path, bytes).unwrap();
    }
}

/// Replaces the value of a short explicit element (PS3.5 section 7.1.2).
fn replace(bytes: &mut Vec<u8>, tag: [u8; 4], vr: &[u8; 2], value: &[u8], pad: u8) {
    let head = [&tag[..], vr].concat();
    let at = bytes.windows(6).position(|window| window == head).expect("the element is there") + 6;
    let old = usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(pad);
    }
    let length = u16::try_from(value.len()).unwrap().to_le_bytes();
    bytes.splice(at..at + 2 + old, length.into_iter().chain(value));
}

/// A canary raw, in hex and in base64, and voxels also as a guest would write them in words.
fn forms(voxels: &[i16]) -> Vec<Vec<u8>> {
    let stored: Vec<u8> = voxels.iter().flat_map(|hu| (hu + 1024).to_le_bytes()).collect();
    let values: Vec<u8> = voxels.iter().flat_map(|hu| hu.to_le_bytes()).collect();
    let words = format!("{:?}", &voxels[1..]).trim_matches(['[', ']']).to_owned();
    let canaries = [stored[2..].to_vec(), values[2..].to_vec(), NAME.into(), UID.into(), words.into_bytes()];
    let encoded = |bytes: &[u8]| [hex::encode(bytes), STANDARD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)];
    let all = canaries.iter().flat_map(|bytes| {
        let own = std::iter::once(bytes.clone());
        own.chain(encoded(bytes).map(|text| text.trim_end_matches('=').as_bytes().to_vec()))
    });
    // The last letters of base64 depend on what follows.
    all.map(|form| form[..form.len() - 4].to_vec()).collect()
}

fn holds(bytes: &[u8], form: &[u8]) -> bool {
    bytes.windows(form.len()).any(|window| window == form)
}

#[test]
fn a_guest_that_speaks_is_not_told_from_one_that_is_quiet() {
    let lab = Lab::new(GUEST, 50);
    let (loud, quiet) = (lab.run(1992), lab.run(1990));
    assert!(loud == quiet, "{}", loud.first_difference(&quiet));
}
