//! The corpus of the fuzz targets (tests/fuzz) as plain tests: good files of every kind, and each damaged in many ways.

use crate::targets;
use std::{fs, path::PathBuf};
use trocar_testkit::mutant::{mutant, seeds};

/// `TROCAR_CORPUS=FOLDER` writes the corpus there, a folder a target, for the fuzzer to begin with.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let good = seeds().into_iter().map(|(name, bytes)| (name.to_owned(), bytes));
    let bad = (0..200).map(|number| mutant(7, number)).filter(|m| m.bytes.len() < 20_000);
    let bad = bad.enumerate().map(|(at, m)| (format!("{}-{}-{at}", m.kind, m.family), m.bytes));
    good.chain(bad).collect()
}

#[test]
fn every_fuzz_target_survives_its_corpus() {
    let corpus = corpus();
    assert!(corpus.len() > 150, "{}", corpus.len());
    for (_, target) in targets::ALL {
        corpus.iter().for_each(|(_, bytes)| target(bytes));
    }
    let Some(folder) = std::env::var_os("TROCAR_CORPUS").map(PathBuf::from) else { return };
    for (target, _) in targets::ALL {
        fs::create_dir_all(folder.join(target)).unwrap();
        corpus.iter().for_each(|(name, bytes)| fs::write(folder.join(target).join(name), bytes).unwrap());
    }
}

#[test]
fn the_good_images_of_the_corpus_are_read() {
    let read = |name: &str| name.starts_with("slice") || name.starts_with("enhanced");
    for (name, bytes) in seeds().into_iter().filter(|(name, _)| read(name)) {
        let jpeg_ls = name == "slice-jpegls";
        if jpeg_ls && !cfg!(feature = "jpeg-ls") {
            continue;
        }
        assert!(targets::scanned(&bytes).is_ok(), "{name}: {:?}", targets::scanned(&bytes).err());
    }
}
