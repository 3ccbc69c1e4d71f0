//! Imports outside the contract: refused by name before any data is read.

use super::lab::{gather, tiny};
use super::row::Row;
use crate::world::{World, manifest, root};
use std::path::PathBuf;
use trocar_manifest::Package;
use trocar_manifest::keys::SecretKey;
use trocar_sandbox::{AdmitError, admit};

pub const GUEST: &str = "attack_imports";

/// Clocks, randomness, words, files, network, a model that was not asked for, and names that are nearly those of the contract.
const FORBIDDEN: &[&str] = &[
    "wasi:clocks/wall-clock@0.2.0",
    "wasi:clocks/monotonic-clock@0.2.0",
    "wasi:random/random@0.2.0",
    "wasi:random/insecure-seed@0.2.0",
    "wasi:cli/stdout@0.2.0",
    "wasi:cli/stderr@0.2.0",
    "wasi:cli/environment@0.2.0",
    "wasi:logging/logging",
    "wasi:filesystem/preopens@0.2.0",
    "wasi:filesystem/types@0.2.0",
    "wasi:sockets/tcp@0.2.0",
    "wasi:http/outgoing-handler@0.2.0",
    "wasi:io/streams@0.2.0",
    "trocar:guest/model@0.1.0",
    "trocar:guest/model@0.1.1",
    "trocar:guest/imaging@0.1.2",
    "trocar:guest/imaging@1.0.0",
    "trocar:guest/imaging",
    "trocar:guest/log@0.1.1",
    "trocar:node/ledger@0.1.0",
    "a",
];

fn wat(name: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(root().join("tests/guests").join(GUEST).join("guest.wat")).unwrap();
    wat::parse_str(text.replace("\"NAME\"", &format!("\"{name}\""))).unwrap()
}

#[test]
fn an_import_outside_the_contract_is_refused_by_name_with_no_data_read() {
    let text = std::fs::read_to_string(manifest("attack_trap")).unwrap();
    let grant = trocar_node::grant_of(&trocar_manifest::Manifest::parse("manifest", &text).unwrap());
    let admitted = FORBIDDEN.iter().filter(|name| {
        !matches!(admit(&wat(name), &grant), Err(AdmitError::ImportRefused { name: said }) if said == **name)
    });
    let admitted: Vec<_> = admitted.collect();
    assert!(admitted.is_empty(), "{admitted:?}");
    let world = World::new();
    let cohort = tiny(&world, "cohort", 3);
    world.dataset("liver", &cohort, &[]).exits(0);
    // What is not there any more is not read.
    let mut files = Vec::new();
    gather(&cohort, &mut files);
    files.iter().for_each(|file| std::fs::remove_file(file).unwrap());
    for name in &FORBIDDEN[..3] {
        let said = world.submit(&packed(&world, &text, &wat(name)), "liver", &[]).exits(3);
        assert_eq!(said.json()["code"], "ADM-06");
        assert!(said.err.contains(name), "{}", said.err);
    }
    let ledger = std::fs::read_to_string(world.home().join("ledger.log")).unwrap();
    assert!(!ledger.contains("\"reserved\""), "a component with a forbidden import was charged");
    Row {
        name: "imports",
        guest: GUEST,
        tries: "clocks, randomness, words, files, network, models, other versions",
        bound: "each refused by name, no data read, nothing charged",
        measured: format!(
            "{} of {} refused, 3 of them by a node without data",
            FORBIDDEN.len(),
            FORBIDDEN.len()
        ),
        noise_off: "the same: nothing here rests on noise",
        value: 0.0,
        unit: "imports admitted",
        bar: 0.0,
    }
    .holds();
}

/// Packed by an adversary, who does not ask `trocar pack`.
pub fn packed(world: &World, manifest: &str, component: &[u8]) -> PathBuf {
    let pem = std::fs::read_to_string(world.home().join("keys/author.pem")).unwrap();
    let key = SecretKey::from_pem(&pem).unwrap();
    let path = world.path("forbidden.trocar");
    std::fs::write(&path, Package::pack(manifest, component, &Default::default(), &key).unwrap()).unwrap();
    path
}
