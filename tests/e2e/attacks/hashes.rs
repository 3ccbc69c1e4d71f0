//! Hashes and commitments: whoever can guess a patient's data must not be able to check the guess against anything published.

use super::lab::{exported, gather, morning, tiny};
use super::row::Row;
use crate::world::{HELD, World};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeSet;
use std::path::Path;
use trocar_terms::Digest;

#[test]
fn a_dictionary_of_everything_in_the_dataset_opens_no_published_digest() {
    let world = World::at(morning(), "7");
    let cohort = tiny(&world, "cohort", 50);
    world.dataset("liver", &cohort, &[HELD]).exits(0);
    // A count job: its answer is one small number.
    let package = world.pack("attack_trap", &[]);
    world.approve(&package, "liver");
    let said = world.submit(&package, "liver", &["--detach"]).exits(0);
    world.run(&["node", "resume"]).exits(0);
    world.set_clock(said.json()["release_at"].as_str().unwrap().parse().unwrap());
    let (bundle, _) = world.fetch(&said.json()["job"], 0);
    let mut published = said.out.into_bytes();
    published.extend(std::fs::read(bundle).unwrap());
    published.extend(std::fs::read(world.home().join("ledger.log")).unwrap());
    published.extend(exported(&world).1.into_bytes());
    let digests = digests_in(&published);
    assert!(digests.len() > 10, "only {} digests were found", digests.len());
    let guesses = dictionary(&cohort);
    let opened = guesses.iter().filter(|guess| digests.contains(&Digest::of(guess).hex())).count();
    // What the node's own index holds of unkeyed digests stays there, but for the policy's and the hiding commitment.
    let mut index = std::fs::read(world.home().join("index.db")).unwrap();
    index.extend(std::fs::read(world.home().join("index.db-wal")).unwrap_or_default());
    let inner = digests_in(&index);
    assert!(inner.len() > 50, "the index holds no digests: {}", inner.len());
    let log = std::fs::read_to_string(world.home().join("ledger.log")).unwrap();
    let meant = inner.intersection(&digests).filter(|digest| {
        !["\"policy\":\"sha256:", "\"commitment\":\"sha256:"]
            .iter()
            .any(|key| log.contains(&format!("{key}{digest}")))
    });
    assert_eq!(meant.count(), 0, "a digest of the index was published");
    // The same search on a log that holds one unkeyed digest of one file.
    let planted = format!("{}\n", Digest::of(&guesses[0]).hex());
    assert!(digests_in(planted.as_bytes()).contains(planted.trim()), "the search is blind");
    Row {
        name: "hashes and commitments of patients' data",
        guest: "none: a researcher with a dictionary",
        tries: "every file, pixel, UID, id, name, clinical value, index line and count, against every published digest",
        bound: "finds nothing",
        measured: format!("{opened} of {} guesses open one of {} digests", guesses.len(), digests.len()),
        noise_off: "a planted digest of one file is found",
        value: opened as f64,
        unit: "digests opened",
        bar: 0.0,
    }
    .holds();
}

/// Every run of 64 hex digits, and every 32 bytes in base64, as hex.
fn digests_in(published: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(published);
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !"+/=".contains(c));
    let mut found = BTreeSet::new();
    for word in words.filter(|word| word.len() >= 43) {
        let hex = word.to_ascii_lowercase();
        for at in 0..(hex.len() + 1).saturating_sub(64) {
            let run = &hex[at..at + 64];
            if run.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                found.insert(run.to_owned());
            }
        }
        if let Some(bytes) = STANDARD.decode(word).ok().filter(|bytes| bytes.len() == 32) {
            found.insert(hex::encode(bytes));
        } else if let Ok(bytes) = STANDARD.decode(word) {
            // An envelope's payload: digests stand in the JSON within.
            let inner = String::from_utf8_lossy(&bytes).into_owned();
            found.extend(
                inner.split(|c: char| !c.is_ascii_hexdigit()).filter(|w| w.len() == 64).map(str::to_owned),
            );
        }
    }
    found
}

/// What a guesser can write down who knows the patients, down to the files.
fn dictionary(cohort: &Path) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    gather(cohort, &mut files);
    files.sort();
    let mut guesses: Vec<Vec<u8>> = files.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let pixels: Vec<Vec<u8>> =
        guesses.iter().map(|bytes| bytes[bytes.len().saturating_sub(128)..].to_vec()).collect();
    let all = guesses.concat();
    guesses.extend(pixels);
    guesses.extend([all]);
    for path in &files {
        let relative = path.strip_prefix(cohort).unwrap().display().to_string();
        guesses.extend([relative.clone(), path.display().to_string()].map(String::into_bytes));
        guesses.extend(path.components().map(|part| part.as_os_str().as_encoded_bytes().to_vec()));
    }
    let clinical = std::fs::read_to_string(cohort.join("clinical.csv")).unwrap();
    guesses.push(clinical.clone().into_bytes());
    for line in clinical.lines() {
        guesses.push(line.as_bytes().to_vec());
        guesses.push(format!("{line}\n").into_bytes());
        guesses.extend(line.split(',').map(|cell| cell.as_bytes().to_vec()));
    }
    for n in 0..=500_u64 {
        guesses.extend([
            n.to_string().into_bytes(),
            format!("{n}\n").into_bytes(),
            format!("{n}.0").into_bytes(),
        ]);
        guesses.extend([
            n.to_be_bytes().to_vec(),
            n.to_le_bytes().to_vec(),
            (n * 256).to_be_bytes().to_vec(),
        ]);
        guesses.extend([i128::from(n * 256).to_be_bytes().to_vec(), (n as u32).to_be_bytes().to_vec()]);
        // The canonical bytes of the sums of a count job (trocar_filter::Sums::bytes) of 50 patients.
        guesses.push([50_u64.to_be_bytes().to_vec(), i128::from(n * 256).to_be_bytes().to_vec()].concat());
    }
    guesses
}
