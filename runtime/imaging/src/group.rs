use crate::{
    Facts, FileHeader, PatientRecord, Reason, SeriesRecord,
    lattice::Lattice,
    record::Place,
    stack::{Stack, Stacks, stacks},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use trocar_terms::{Digest, Value};

/// A dataset's files, sorted into patients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grouped {
    /// Patients with at least one usable series, sorted by issuer and id.
    pub patients: Vec<PatientRecord>,
    /// Files of series that cannot be used, by file index.
    pub refused: Vec<(u32, Reason)>,
}

type File = (u32, FileHeader);

/// Sorts files into patients, studies and series. Looks at one patient's files only when it refuses one of them.
#[must_use]
pub fn group(files: Vec<(u32, FileHeader)>) -> Grouped {
    let mut by_patient: BTreeMap<(String, String), Vec<File>> = BTreeMap::new();
    for (index, header) in files {
        let key = (header.issuer.clone(), header.patient_id.clone());
        by_patient.entry(key).or_default().push((index, header));
    }
    let mut grouped = Grouped { patients: Vec::new(), refused: Vec::new() };
    for ((issuer, patient_id), files) in by_patient {
        let series = patient(files, &mut grouped.refused);
        if !series.is_empty() {
            let studies: BTreeSet<_> = series.iter().map(|s| &s.study_uid).collect();
            let studies = u32::try_from(studies.len()).unwrap_or(u32::MAX);
            let facts = Facts::agreed(series.iter().map(|s| &s.facts));
            grouped.patients.push(PatientRecord { patient_id, issuer, studies, facts, series });
        }
    }
    grouped.refused.sort_unstable();
    grouped
}

fn patient(files: Vec<File>, refused: &mut Vec<(u32, Reason)>) -> Vec<SeriesRecord> {
    let mut by_series: BTreeMap<String, Vec<File>> = BTreeMap::new();
    for (index, header) in without_copies(files, refused) {
        by_series.entry(header.series_uid.clone()).or_default().push((index, header));
    }
    let mut found = Vec::new();
    for files in by_series.into_values() {
        series(&files, &mut found, refused);
    }
    // An order that says nothing of when a series was made: ties go by a hash of the UID, never by the UID.
    found.sort_by_cached_key(|s| {
        (
            s.info.modality.clone(),
            geometry(s),
            Digest::of(s.series_uid.as_bytes()).to_string(),
            s.files.clone(),
            s.part,
        )
    });
    found
}

/// A SOP instance that comes a second time is a copy: the first by index stays.
fn without_copies(mut files: Vec<File>, refused: &mut Vec<(u32, Reason)>) -> Vec<File> {
    files.sort_by_key(|(index, _)| *index);
    let mut seen = BTreeSet::new();
    files.retain(|(index, header)| {
        let first = header.sop_uid.is_empty() || seen.insert(header.sop_uid.clone());
        if !first {
            refused.push((*index, Reason::Copy));
        }
        first
    });
    files
}

/// Bits of positive floats sort as the floats do.
fn geometry(series: &SeriesRecord) -> [u64; 6] {
    let grid = &series.info.grid;
    let (x, y, z) = grid.spacing_mm;
    let size = [grid.slices, grid.rows, grid.columns].map(u64::from);
    let [slices, rows, columns] = size;
    [slices, rows, columns, z.to_bits(), y.to_bits(), x.to_bits()]
}

/// The volumes of one series.
fn series(files: &[File], found: &mut Vec<SeriesRecord>, refused: &mut Vec<(u32, Reason)>) {
    let Some((_, first)) = files.first() else { return };
    if files.iter().any(|(_, h)| h.study_uid != first.study_uid) {
        refused.extend(files.iter().map(|(index, _)| (*index, Reason::MixedKind)));
        return;
    }
    let images: Vec<_> = files.iter().map(|(_, h)| &h.image).collect();
    let Stacks { volumes, refused: unused } = stacks(&images);
    refused.extend(unused.iter().filter_map(|(at, reason)| Some((files.get(*at)?.0, *reason))));
    for stack in volumes {
        let used = file_order(&stack).into_iter().filter_map(|at| files.get(at)).collect::<Vec<_>>();
        match record(&used, stack) {
            Some(record) => found.push(record),
            None => refused.extend(used.iter().map(|(index, _)| (*index, Reason::MixedKind))),
        }
    }
}

/// `None` where the worker, which is given these files alone, would not find this volume again.
fn record(used: &[&File], stack: Stack) -> Option<SeriesRecord> {
    let (_, first) = used.first()?;
    let Lattice { origin: origin_mm, directions, .. } = stack.lattice;
    Some(SeriesRecord {
        study_uid: first.study_uid.clone(),
        series_uid: first.series_uid.clone(),
        attributes: attributes(used),
        facts: Facts::agreed(used.iter().map(|(_, h)| &h.facts)),
        files: used.iter().map(|(index, _)| *index).collect(),
        part: part(used, &stack)?,
        compressed: used.iter().any(|(_, header)| header.compressed),
        place: Place { origin_mm, directions, tilted: stack.tilted },
        info: stack.info,
    })
}

/// Which volume a worker finds that is given these files alone, in this order. Files of many frames hold several.
fn part(used: &[&File], stack: &Stack) -> Option<u32> {
    let images: Vec<_> = used.iter().map(|(_, header)| &header.image).collect();
    let again = stacks(&images).volumes;
    let same = |other: &Stack| {
        (&other.info, other.lattice) == (&stack.info, stack.lattice) && frames(other) == frames(stack)
    };
    again.iter().position(same).and_then(|at| u32::try_from(at).ok())
}

/// Frames by number: two volumes of the same files differ in them.
fn frames(stack: &Stack) -> Vec<usize> {
    stack.slices.iter().map(|slice| slice.frame).collect()
}

/// Files in the order of their first slices.
pub(crate) fn file_order(stack: &Stack) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    stack.slices.iter().map(|s| s.file).filter(|file| seen.insert(*file)).collect()
}

fn attributes(files: &[&File]) -> BTreeMap<String, Value> {
    let Some((_, first)) = files.first() else {
        return BTreeMap::new();
    };
    let agreed = |keyword: &String, value: &Value| {
        let same = files.iter().all(|(_, h)| h.attributes.get(keyword) == Some(value));
        if same { value.clone() } else { Value::Missing }
    };
    first.attributes.iter().map(|(k, v)| (k.clone(), agreed(k, v))).collect()
}
