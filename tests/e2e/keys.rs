//! A node's key over the years, as the reader of its bundles meets it.

use crate::world::World;
use std::path::PathBuf;
use std::time::Duration;

/// A node with two withheld jobs, the first under its first key, the second under its second.
struct Rotated {
    world: World,
    bundles: [PathBuf; 2],
    old: String,
    keyid: String,
}

fn rotated() -> Rotated {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 2, "CT"), &[]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    let kept = |job: &serde_json::Value, name: &str| {
        let (bundle, _) = world.fetch(job, 4);
        let path = world.path(name);
        std::fs::rename(bundle, &path).unwrap();
        path
    };
    let first = world.submit(&package, "liver", &[]).exits(4).json();
    let one = kept(&first["job"], "one.zip");
    let old = world.path("old.pub").display().to_string();
    let exported = world.run(&["key", "export", "node", "-o", &old]).exits(0).json();
    world.run(&["node", "key", "rotate"]).exits(0);
    // The new key signs what is admitted from the next second on.
    std::thread::sleep(Duration::from_secs(2));
    let second = world.submit(&package, "liver", &["--where", "age_years >= 40"]).exits(4).json();
    let two = kept(&second["job"], "two.zip");
    let keyid = exported["keyid"].as_str().unwrap().to_owned();
    Rotated { bundles: [one, two], old, keyid, world }
}

impl Rotated {
    fn published(&self) -> String {
        let folder = self.world.path("keys").display().to_string();
        self.world.run(&["node", "key", "export", &folder]).exits(0);
        folder
    }

    fn verify(&self, bundle: usize, more: &[&str]) -> crate::world::Said {
        let name = self.bundles[bundle].display().to_string();
        self.world.run(&[&["verify", &name, "--require-trust"], more].concat())
    }
}

#[test]
fn old_bundles_verify_after_a_rotation_and_not_after_a_revocation() {
    let node = rotated();
    let (keys, old) = (node.published(), node.old.clone());
    node.verify(0, &["--key", &old]).exits(0);
    assert!(node.verify(1, &["--key", &old]).exits(5).err.contains("not a key you trust"));
    for bundle in [0, 1] {
        node.verify(bundle, &["--keys", &keys]).exits(0);
        node.verify(bundle, &["--keys", &keys, "--key", &old]).exits(0);
    }
    node.world.run(&["node", "key", "revoke", &node.keyid, "--since", "2020-01-01T00:00:00Z"]).exits(0);
    let keys = node.published();
    let refused = node.verify(0, &["--keys", &keys]).exits(5);
    assert!(refused.err.contains("revoked"), "{refused:?}");
    assert_eq!(refused.json()["verified"], false);
    node.verify(1, &["--keys", &keys]).exits(0);
    // What a thief may have signed over vouches for nobody.
    node.verify(1, &["--keys", &keys, "--key", &old]).exits(5);
    let listed = node.world.run(&["node", "key", "list"]).exits(0).json();
    assert_eq!((&listed[0]["keyid"], &listed[1]["current"]), (&node.keyid.clone().into(), &true.into()));
    node.world.run(&["node", "audit", "--verify"]).exits(0);
}

#[test]
fn a_node_that_was_met_is_held_to_its_key() {
    let node = rotated();
    let file = format!("--trust-on-first-use={}", node.world.path("known/nodes").display());
    let first = node.verify(0, &[&file]).exits(0).json();
    assert_eq!((&first["trusted"], &first["first_use"]), (&true.into(), &true.into()));
    let again = node.verify(0, &[&file]).exits(0).json();
    assert_eq!((&again["trusted"], &again["first_use"]), (&true.into(), &false.into()));
    let other = node.verify(1, &[&file]).exits(5);
    assert!(other.err.contains("--keys DIR"), "{other:?}");
    let keys = node.published();
    node.verify(1, &[&file, "--keys", &keys]).exits(0);
    node.verify(1, &[&file]).exits(0);
    std::fs::write(node.world.path("known/nodes"), "garbage\n").unwrap();
    node.verify(0, &[&file]).exits(1);
}

#[test]
fn the_tree_says_what_was_checked_and_what_failed() {
    let node = rotated();
    let good = node.verify(0, &["--key", &node.old]).exits(0).json();
    let groups: Vec<&str> =
        good["checks"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(groups, ["bag", "node", "asked", "allowed", "log", "contents"]);
    assert!(good["checks"].as_array().unwrap().iter().all(|c| c["ended"] == "ok"), "{good}");
    let mut bytes = std::fs::read(&node.bundles[0]).unwrap();
    bytes.truncate(5000);
    std::fs::write(&node.bundles[0], bytes).unwrap();
    let bad = node.verify(0, &["--key", &node.old]).exits(5).json();
    assert_eq!(
        (&bad["checks"][0]["ended"], &bad["checks"][1]["ended"]),
        (&"failed".into(), &"skipped".into())
    );
}
