//! What the testkit writes, held against the standard's modules by dciodvfy of Debian's dicom3tools, where it is.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it skips"
)]

use std::process::Command;
use trocar_terms::Modality;
use trocar_testkit::{
    Size, Syntax,
    cohort::{Cohort, Recipe},
};

/// Not checked: enhanced files, which leave out the technical functional groups that nobody reads here; and deflated
/// ones, which dciodvfy does not inflate.
#[test]
fn dciodvfy_finds_no_error_in_classic_images_and_masks() {
    if Command::new("dciodvfy").output().is_err() {
        println!("skipped: dciodvfy is not here");
        return;
    }
    let mut syntaxes = Syntax::ALL.to_vec();
    syntaxes.retain(|syntax| *syntax != Syntax::Deflated);
    let recipe = Recipe {
        modalities: vec![Modality::CT, Modality::MR, Modality::PT],
        size: Size::Tiny,
        syntaxes,
        segmentations: true,
        structure_sets: true,
        varied: true,
        ..Recipe::new(13, 5, Modality::CT)
    };
    let classic = Cohort::new(recipe).enumerate().filter(|(index, _)| index % 5 != 4);
    let folder = tempfile::tempdir().unwrap();
    let (mut errors, mut files) = (String::new(), 0);
    for (path, bytes) in classic.flat_map(|(_, patient)| patient.files) {
        let file = folder.path().join("one.dcm");
        std::fs::write(&file, bytes).unwrap();
        let said = Command::new("dciodvfy").arg(&file).output().unwrap();
        let words = String::from_utf8_lossy(&said.stderr).into_owned();
        words.lines().filter(|line| line.starts_with("Error")).for_each(|line| {
            errors.push_str(&format!("{}: {line}\n", path.display()));
        });
        files += 1;
    }
    assert!(files > 150 && errors.is_empty(), "{files} files\n{errors}");
}
