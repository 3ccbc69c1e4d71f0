//! Faults that the testkit plants, as a scan with real workers sees them: exactly the files of `faults.csv` are
//! quarantined, each for the stated reason.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic as the test itself may")]

use std::{collections::BTreeMap, fs, path::Path};
use trocar_terms::{Deidentification, Modality, PrivateGroups};
use trocar_testkit::{
    Fault, Size, Syntax,
    cohort::{self, Planted, Recipe},
};
use trocar_worker::{Launcher, ScanRules, scan};

fn planted(root: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(root.join("faults.csv")).unwrap();
    let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let rows = text.lines().skip(1).map(|line| (cells(line)[0].clone(), cells(line)[2].clone()));
    rows.filter(|(_, outcome)| outcome != "used").collect()
}

fn quarantined(root: &Path) -> BTreeMap<String, String> {
    let rules = ScanRules {
        deidentification: Deidentification { require: true, private_groups: PrivateGroups::Refuse },
        modalities: vec![Modality::CT, Modality::MR, Modality::PT],
        attributes: vec![],
    };
    let launcher = Launcher::new(env!("CARGO_BIN_EXE_trocar-worker").into());
    let found = scan(&launcher, &root.join("dicom"), &rules, 2, &mut |_, _| {}).unwrap();
    let named = |path: &Path| format!("dicom/{}", path.display());
    found.quarantined.iter().map(|(path, reason)| (named(path), reason.word().to_owned())).collect()
}

#[test]
fn a_scan_quarantines_what_was_planted_and_nothing_else_in_every_transfer_syntax() {
    for syntax in Syntax::ALL {
        let folder = tempfile::tempdir().unwrap();
        let recipe = Recipe {
            modalities: vec![Modality::CT, Modality::PT],
            size: Size::Tiny,
            varied: true,
            syntaxes: vec![*syntax],
            faults: Some(Planted { kinds: Fault::ALL.to_vec(), every: 2 }),
            ..Recipe::new(30, 3, Modality::CT)
        };
        cohort::write(folder.path(), recipe).unwrap();
        assert_eq!(quarantined(folder.path()), planted(folder.path()), "{}", syntax.name());
    }
}
