//! Bytes that were changed on the way.

use crate::world::World;

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
        assert!(said.err.len() > 20 && said.out.is_empty(), "byte {at}: no place is named: {said:?}");
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
