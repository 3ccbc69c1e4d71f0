use crate::{
    Facts, FileHeader, MaskRecord, PatientRecord, Reason, SeriesFormat, SeriesRecord,
    header::{Content, Shared},
    image::Image,
    mask::{Anchor, MAX_LINKS, linked},
    nifti::NiftiHeader,
    stack::{Slice, Stack, Stacks, stacks},
};
use serde::{Deserialize, Serialize};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};
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
    let mut grouped = Grouped { patients: Vec::new(), refused: Vec::new() };
    for files in sorted(files, |shared| (&shared.issuer, &shared.patient_id)) {
        let Some((_, first)) = files.first() else { continue };
        let Shared { patient_id, issuer, .. } = first.shared.as_ref();
        let (patient_id, issuer) = (patient_id.clone(), issuer.clone());
        let files = without_copies(with_sidecars(files, &mut grouped.refused), &mut grouped.refused);
        let (masks, images) = files.into_iter().partition(|(_, h)| matches!(h.content, Content::Mask(_)));
        let found = patient(images, &mut grouped.refused);
        let masks = link(masks, &found, &mut grouped.refused);
        let series = numbered(found);
        if !series.is_empty() {
            let studies: BTreeSet<_> = series.iter().map(|s| &s.study_uid).collect();
            let studies = u32::try_from(studies.len()).unwrap_or(u32::MAX);
            let facts = Facts::agreed(series.iter().map(|s| &s.facts));
            grouped.patients.push(PatientRecord { patient_id, issuer, studies, facts, series, masks });
        }
    }
    grouped.refused.sort_unstable();
    grouped
}

/// Files in order of a key, those with the same one together and in the order in which they came.
fn sorted(mut files: Vec<File>, key: fn(&Shared) -> (&str, &str)) -> Vec<Vec<File>> {
    let order = |(_, a): &File, (_, b): &File| {
        // Most files of a series share what a key is made of.
        if Arc::ptr_eq(&a.shared, &b.shared) { Ordering::Equal } else { key(&a.shared).cmp(&key(&b.shared)) }
    };
    files.sort_by(order);
    let mut runs: Vec<Vec<File>> = Vec::new();
    for file in files {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| order(last, &file).is_eq()) => run.push(file),
            _ => runs.push(vec![file]),
        }
    }
    runs
}

/// A usable series, with the frame of reference that segmentations find it by.
struct Found {
    record: SeriesRecord,
    frame_of_reference: String,
}

/// Segmentations of one patient with the series that they lie on.
fn link(masks: Vec<File>, series: &[Found], refused: &mut Vec<(u32, Reason)>) -> Vec<MaskRecord> {
    let anchors: Vec<Anchor<'_>> =
        series.iter().map(|s| Anchor { frame: &s.frame_of_reference, uid: &s.record.series_uid }).collect();
    let (mut found, mut left) = (Vec::new(), MAX_LINKS);
    for (index, header) in masks {
        let files = std::iter::once(index).chain(header.sidecar).collect();
        let Content::Mask(mask) = header.content else { continue };
        match linked(&mask, files, &anchors, &mut left) {
            Ok(record) => found.push(record),
            Err(reason) => refused.push((index, reason)),
        }
    }
    found
}

/// The series alone, with frames of reference as numbers: a UID says more than whether two are the same.
fn numbered(found: Vec<Found>) -> Vec<SeriesRecord> {
    let mut frames: BTreeMap<String, u32> = BTreeMap::new();
    let mut number = |uid: String| {
        let next = u32::try_from(frames.len()).unwrap_or(u32::MAX);
        (!uid.is_empty()).then(|| *frames.entry(uid).or_insert(next))
    };
    let numbered = |found: Found| SeriesRecord { frame: number(found.frame_of_reference), ..found.record };
    found.into_iter().map(numbered).collect()
}

fn patient(files: Vec<File>, refused: &mut Vec<(u32, Reason)>) -> Vec<Found> {
    let mut found = Vec::new();
    for files in sorted(files, |shared| (&shared.series_uid, "")) {
        series(&files, &mut found, refused);
    }
    // An order that says nothing of when a series was made: ties go by a hash of the UID, never by the UID.
    found.sort_by_cached_key(|s| {
        let SeriesRecord { info, series_uid, files, part, .. } = &s.record;
        let uid = Digest::of(series_uid.as_bytes()).to_string();
        (info.modality.clone(), geometry(&s.record), uid, files.clone(), *part)
    });
    found
}

/// Sidecars have been read with their images; an image whose sidecar is not there is not used.
fn with_sidecars(mut files: Vec<File>, refused: &mut Vec<(u32, Reason)>) -> Vec<File> {
    files.retain(|(index, header)| {
        if header.lacks_sidecar() {
            refused.push((*index, Reason::NoSidecar));
        }
        !header.lacks_sidecar() && !matches!(header.content, Content::Sidecar)
    });
    files
}

/// A SOP instance that comes a second time is a copy: the first by index stays.
fn without_copies(mut files: Vec<File>, refused: &mut Vec<(u32, Reason)>) -> Vec<File> {
    files.sort_by_key(|(index, _)| *index);
    let mut seen = HashSet::with_capacity(files.len());
    let named = files.iter().filter(|(_, header)| !header.sop_uid.is_empty());
    let again = named.filter(|(_, header)| !seen.insert(header.sop_uid.as_str()));
    let copies: Vec<u32> = again.map(|(index, _)| *index).collect();
    refused.extend(copies.iter().map(|index| (*index, Reason::Copy)));
    if !copies.is_empty() {
        files.retain(|(index, _)| copies.binary_search(index).is_err());
    }
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
fn series(files: &[File], found: &mut Vec<Found>, refused: &mut Vec<(u32, Reason)>) {
    let Some((_, first)) = files.first() else { return };
    let mixed = files.iter().map(|(index, _)| (*index, Reason::MixedKind));
    if files.iter().any(|(_, h)| h.shared.study_uid != first.shared.study_uid) {
        return refused.extend(mixed);
    }
    if let (Content::Nifti(nifti), [file]) = (&first.content, files) {
        found.push(nifti_record(file, nifti));
        return;
    }
    let images: Option<Vec<&Image>> = files.iter().map(|(_, h)| h.image()).collect();
    // Several NIfTI images are no series, nor are files of two formats.
    let Some(images) = images else { return refused.extend(mixed) };
    let Stacks { volumes, refused: unused } = stacks(&images);
    refused.extend(unused.iter().filter_map(|(at, reason)| Some((files.get(*at)?.0, *reason))));
    let orders: Vec<Vec<usize>> = volumes.iter().map(file_order).collect();
    let Some(parts) = parts(&images, &volumes, &orders) else {
        return refused.extend(files.iter().map(|(index, _)| (*index, Reason::TooLarge)));
    };
    for ((stack, order), part) in volumes.into_iter().zip(&orders).zip(parts) {
        let used = order.iter().filter_map(|at| files.get(*at)).collect::<Vec<_>>();
        match part.and_then(|part| record(&used, stack, part)) {
            Some(record) => {
                let frame_of_reference = first_frame(&used);
                found.push(Found { record, frame_of_reference });
            }
            None => refused.extend(used.iter().map(|(index, _)| (*index, Reason::MixedKind))),
        }
    }
}

/// Files of one stack share their frame of reference.
fn first_frame(used: &[&File]) -> String {
    used.first().map_or("", |(_, header)| header.frame_of_reference()).to_owned()
}

fn nifti_record(file: &File, nifti: &NiftiHeader) -> Found {
    let (index, header) = file;
    let record = SeriesRecord {
        study_uid: header.shared.study_uid.clone(),
        series_uid: header.shared.series_uid.clone(),
        attributes: attributes(&[file]),
        files: std::iter::once(*index).chain(header.sidecar).collect(),
        part: 0,
        facts: header.shared.facts.clone(),
        compressed: false,
        place: nifti.lattice.place(false),
        frame: None,
        format: SeriesFormat::Nifti,
        info: nifti.info(),
    };
    Found { record, frame_of_reference: nifti.frame_of_reference.clone() }
}

fn record(used: &[&File], stack: Stack, part: u32) -> Option<SeriesRecord> {
    let (_, first) = used.first()?;
    Some(SeriesRecord {
        study_uid: first.shared.study_uid.clone(),
        series_uid: first.shared.series_uid.clone(),
        attributes: attributes(used),
        facts: Facts::agreed(used.iter().map(|(_, h)| &h.shared.facts)),
        files: used.iter().map(|(index, _)| *index).collect(),
        part,
        compressed: used.iter().any(|(_, header)| header.shared.compressed),
        place: stack.lattice.place(stack.tilted),
        frame: None,
        format: SeriesFormat::Dicom,
        info: stack.info,
    })
}

/// Frames of one series that are arranged once more, to see what a worker finds. A series of one frame a file has each of
/// its frames in one volume, and one file of many frames is not arranged again.
const MAX_AGAIN: usize = 10_000_000;

/// Which volume each one is for a worker that is given its files alone, in its order: files of many frames hold several.
/// `None` in it where the worker would not find that volume again, and instead of it where that is too much to find out.
fn parts(images: &[&Image], volumes: &[Stack], orders: &[Vec<usize>]) -> Option<Vec<Option<u32>>> {
    let mut members: BTreeMap<&[usize], Vec<usize>> = BTreeMap::new();
    orders.iter().enumerate().for_each(|(at, order)| members.entry(order).or_default().push(at));
    let used =
        |order: &[usize]| -> Vec<&Image> { order.iter().filter_map(|at| images.get(*at)).copied().collect() };
    let is_all = |order: &[usize]| order.iter().copied().eq(0..images.len());
    let others = members.keys().filter(|order| !is_all(order)).flat_map(|order| used(order));
    if others.map(|image| image.frames.len()).fold(0, usize::saturating_add) > MAX_AGAIN {
        return None;
    }
    let mut parts = vec![None; volumes.len()];
    for (order, members) in members {
        let again = if is_all(order) {
            // The same files in the same order: the same volumes.
            (0..).zip(0..volumes.len()).map(|(part, at)| (at, part)).collect()
        } else {
            found_again(&stacks(&used(order)).volumes, order, volumes, &members)
        };
        for at in members {
            parts.iter_mut().skip(at).take(1).for_each(|part| *part = again.get(&at).copied());
        }
    }
    Some(parts)
}

/// The places of volumes among those that a worker finds. No frame is in two of them, so the first slice tells which it is.
fn found_again(
    again: &[Stack],
    order: &[usize],
    volumes: &[Stack],
    members: &[usize],
) -> BTreeMap<usize, u32> {
    let place = |slice: &Slice| (order.get(slice.file).copied(), slice.frame);
    let first = |(part, stack): (u32, &Stack)| Some((place(stack.slices.first()?), part));
    let by_first: BTreeMap<_, _> = (0..).zip(again).filter_map(first).collect();
    let find = |at: &usize| {
        let stack = volumes.get(*at)?;
        let own = |slice: &Slice| (Some(slice.file), slice.frame);
        let part = by_first.get(&own(stack.slices.first()?))?;
        let other = again.get(*part as usize)?;
        let same = (&other.info, other.lattice) == (&stack.info, stack.lattice);
        let frames = other.slices.iter().map(place).eq(stack.slices.iter().map(own));
        (same && frames).then_some((*at, *part))
    };
    members.iter().filter_map(find).collect()
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
    let same = |h: &FileHeader| Arc::ptr_eq(&h.shared, &first.shared);
    let others: Vec<&FileHeader> = files.iter().map(|(_, h)| h).filter(|h| !same(h)).collect();
    let agreed = |keyword: &String, value: &Value| {
        let same = others.iter().all(|h| h.shared.attributes.get(keyword) == Some(value));
        if same { value.clone() } else { Value::Missing }
    };
    first.shared.attributes.iter().map(|(k, v)| (k.clone(), agreed(k, v))).collect()
}

#[cfg(test)]
mod tests;
