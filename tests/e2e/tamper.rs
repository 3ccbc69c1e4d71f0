//! Bytes that were changed on the way.

use crate::tampered::{self, Originals};
use crate::world::{Said, World, binary};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use trocar_manifest::keys::SecretKey;

/// What a child may have: 256 MiB of addresses and 2 seconds of a processor. `ulimit` counts KiB.
const LIMITS: &str = "ulimit -v 262144; ulimit -t 2; exec \"$0\" \"$@\"";
/// Children at a time.
const LANES: usize = 2;

#[test]
fn a_flipped_byte_of_a_bundle_or_package_exits_5_and_says_where() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 70, "CT"), &[]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    let job = world.submit(&package, "liver", &[]).exits(0).json();
    let (bundle, _) = world.fetch(&job["job"], 0);
    // Every byte is tried in the crates' own tests; here the binary's words and code, across the file.
    let whole = std::fs::read(&bundle).unwrap();
    let bad = world.path("bad.zip");
    let name = bad.display().to_string();
    for at in (0..whole.len()).step_by(whole.len() / 40 + 1).chain([whole.len() - 1]) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&bad, &bytes).unwrap();
        let said = world.run(&["verify", &name]).exits(5);
        assert!(said.err.len() > 20, "byte {at}: no place is named: {said:?}");
        assert_eq!(said.json()["verified"], false, "byte {at}");
    }
    let whole = std::fs::read(&package).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 20 + 1).chain([whole.len() - 1]) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&bad, &bytes).unwrap();
        world.submit(&bad, "liver", &[]).exits(5);
    }
}

#[test]
fn an_unknown_signer_is_said_and_fails_where_trust_is_required() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 2, "CT"), &[]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    let job = world.submit(&package, "liver", &[]).exits(4).json();
    let (bundle, _) = world.fetch(&job["job"], 4);
    let name = bundle.display().to_string();
    assert_eq!(world.run(&["verify", &name]).exits(0).json()["trusted"], false);
    world.run(&["verify", &name, "--require-trust"]).exits(5);
    let other = world.path("author.pub").display().to_string();
    world.run(&["key", "export", "author", "-o", &other]).exits(0);
    world.run(&["verify", &name, "--key", &other, "--require-trust"]).exits(5);
}

/// The binary on one file, under the limits, and how long it took.
fn limited(bundle: &Path, key: &Path) -> (Said, Duration) {
    let mut child = Command::new("sh");
    child.args(["-c", LIMITS]).arg(binary()).args(["--json", "verify"]).arg(bundle).arg("--key").arg(key);
    let begun = Instant::now();
    let said: Said = child.env("NO_COLOR", "1").output().unwrap().into();
    (said, begun.elapsed())
}

/// Bundles of one node: of two jobs, two algorithms and two datasets, one of them withheld.
fn originals(world: &World) -> Originals {
    world.dataset("liver", &world.cohort("cohort", 70, "CT"), &[]).exits(0);
    world.dataset("few", &world.cohort("few-cohort", 3, "CT"), &[]).exits(0);
    // Cohorts of the testkit share patients, and so a budget, of which each project has a share.
    let bundle = |package: &Path, dataset: &str, project: &str, code: i32| {
        world.approve_for(package, dataset, &[project]);
        let job = world.submit(package, dataset, &["--project", project]).exits(code).json();
        let (bundle, _) = world.fetch(&job["job"], code);
        std::fs::read(bundle).unwrap()
    };
    let package = world.pack("ct-intensity", &[]);
    let good = bundle(&package, "liver", "one", 0);
    let withheld = bundle(&package, "few", "two", 4);
    let other = world.pack("ct-intensity", &[("version = \"0.1.0\"", "version = \"0.1.1\"")]);
    let others = vec![withheld, bundle(&other, "liver", "three", 0)];
    Originals { good, others, stranger: SecretKey::generate(&mut ChaCha20Rng::seed_from_u64(66)) }
}

#[test]
fn a_thousand_tampered_bundles_are_refused_in_time_and_memory_with_the_reason() {
    let world = World::new();
    let from = originals(&world);
    tampered::unchanged(&from);
    let (good, key) = (world.path("good.zip"), world.path("node.pub"));
    std::fs::write(&good, &from.good).unwrap();
    limited(&good, &key).0.exits(0);
    std::thread::scope(|scope| {
        for lane in 0..LANES {
            let (from, key) = (&from, &key);
            let path = world.path(&format!("bad-{lane}.zip"));
            scope.spawn(move || {
                (lane..tampered::ALL).step_by(LANES).for_each(|i| refused(from, i, &path, key))
            });
        }
    });
}

fn refused(from: &Originals, i: usize, path: &Path, key: &Path) {
    let bad = tampered::tampered(from, i);
    std::fs::write(path, &bad.bytes).unwrap();
    let (said, took) = limited(path, key);
    let named = bad.reasons.is_empty() || bad.reasons.iter().any(|reason| said.err.contains(reason));
    assert!(said.code == 5 && named && said.err.len() > 20, "{}, number {i}: {said:?}", bad.way);
    let refused = said.out.starts_with("{") && said.json()["verified"] == false;
    assert!(refused && !said.err.contains("panicked"), "{}, number {i}: {said:?}", bad.way);
    assert!(took < Duration::from_secs(2), "{}, number {i}, took {took:?}", bad.way);
}
