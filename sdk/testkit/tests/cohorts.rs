//! Cohorts of every kind: reproducible patient by patient, and with what their tables say.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic as the test itself may")]

use std::collections::BTreeSet;
use trocar_terms::Modality;
use trocar_testkit::{
    Fault, Size, Syntax, Table,
    cohort::{self, Cohort, Planted, Recipe, TestkitError},
};

fn whole(patients: u32) -> Recipe {
    Recipe {
        modalities: vec![Modality::CT, Modality::MR, Modality::PT],
        size: Size::Tiny,
        syntaxes: Syntax::ALL.to_vec(),
        segmentations: true,
        structure_sets: true,
        varied: true,
        tables: true,
        faults: Some(Planted { kinds: Fault::ALL.to_vec(), every: 3 }),
        ..Recipe::new(patients, 9, Modality::CT)
    }
}

#[test]
fn a_patient_is_the_same_in_whatever_order_and_number_patients_are_made() {
    let (few, many) = (Cohort::new(whole(7)), Cohort::new(whole(40)));
    let in_order: Vec<_> = few.clone().collect();
    assert_eq!(in_order.len(), 7);
    for (index, patient) in (0..7).zip(&in_order).rev() {
        assert!(&many.patient(index) == patient, "{} differs", patient.id);
    }
}

#[test]
fn the_first_series_is_the_same_whatever_is_asked_for_beside_it() {
    let more = Recipe { segmentations: true, tables: true, ..Recipe::new(2, 9, Modality::CT) };
    let (plain, more) = (Cohort::new(Recipe::new(2, 9, Modality::CT)), Cohort::new(more));
    for (plain, more) in plain.zip(more) {
        assert!(plain.files.iter().all(|file| more.files.contains(file)), "{} differs", plain.id);
        assert!(plain.rows.iter().all(|(table, rows)| more.rows.get(table) == Some(rows)));
    }
}

#[test]
fn every_file_has_a_place_and_a_sop_instance_of_its_own() {
    let copied = |fault: &Fault| *fault != Fault::CopiedFile;
    let kinds = Fault::ALL.iter().copied().filter(copied).collect();
    let recipe = Recipe { faults: Some(Planted { kinds, every: 3 }), ..whole(60) };
    let (mut places, mut files) = (BTreeSet::new(), BTreeSet::new());
    for (path, bytes) in Cohort::new(recipe).flat_map(|patient| patient.files) {
        // Preamble, DICM, group length, version and SOP class come before Media Storage SOP Instance UID.
        if let Some(at) = bytes.windows(6).position(|w| w == b"\x02\0\x03\0UI") {
            assert!(files.insert(bytes[at + 8..(at + 52).min(bytes.len())].to_vec()), "{}", path.display());
        }
        assert!(places.insert(path.clone()), "{} comes twice", path.display());
    }
    assert!(places.len() > 700, "{}", places.len());
}

#[test]
fn every_fault_is_planted_in_turn_and_only_where_it_is_said() {
    let planted = Cohort::new(whole(3 * 15)).map(|patient| patient.rows.get(&Table::Faults).cloned());
    let planted: Vec<Option<String>> = planted.collect();
    for (index, rows) in planted.iter().enumerate() {
        assert_eq!(rows.is_some(), index % 3 == 2, "patient {index}");
    }
    for (fault, rows) in Fault::ALL.iter().zip(planted.iter().flatten()) {
        assert!(!rows.is_empty() && rows.lines().all(|row| row.contains(fault.name())), "{rows}");
        assert!(rows.contains(fault.outcome()), "{rows}");
    }
}

#[test]
fn every_table_has_as_many_cells_in_each_row_as_in_its_header() {
    for patient in Cohort::new(whole(15)) {
        for (table, rows) in &patient.rows {
            let cells = table.header().matches(',').count();
            assert!(rows.lines().all(|row| row.matches(',').count() == cells), "{table:?}: {rows}");
        }
    }
}

#[test]
fn a_modality_that_is_named_twice_or_not_at_all_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for modalities in [vec![], vec![Modality::CT, Modality::CT]] {
        let recipe = Recipe { modalities, ..Recipe::new(1, 1, Modality::CT) };
        assert!(matches!(cohort::write(dir.path(), recipe), Err(TestkitError::Modalities)));
    }
}
