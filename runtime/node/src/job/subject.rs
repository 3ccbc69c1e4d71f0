//! What a worker is given of one patient: what the manifest was granted, and nothing else.

use crate::store::Indexed;
use std::collections::BTreeMap;
use trocar_terms::Value;
use trocar_worker::{Grant, SeriesRecord, Subject, SubjectMask, SubjectSeries};

/// The series of granted modalities.
pub(super) fn granted_series<'a>(
    patient: &'a Indexed,
    grant: &'a Grant,
) -> impl Iterator<Item = &'a SeriesRecord> {
    patient.record.series.iter().filter(|s| is_granted(s, grant))
}

fn is_granted(series: &SeriesRecord, grant: &Grant) -> bool {
    grant.modalities.iter().any(|m| m.code() == series.info.modality)
}

/// What the manifest was granted of one patient, and the numbers of her files in descriptor order.
///
/// Anything else is not sent: for the worker it does not exist.
pub(super) fn subject(patient: &Indexed, grant: &Grant) -> (Subject, Vec<u32>) {
    let mut numbers = Vec::new();
    let mut series = Vec::new();
    for record in granted_series(patient, grant) {
        let files = if grant.pixels { record.files.as_slice() } else { &[] };
        let first = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        numbers.extend_from_slice(files);
        let all = record.subject((first..).take(files.len()).collect());
        series.push(SubjectSeries { attributes: only(&record.attributes, &grant.attributes), ..all });
    }
    let masks = masks(patient, grant, &mut numbers);
    (Subject { columns: only(&patient.columns, &grant.columns), series, masks }, numbers)
}

/// The segments of granted labels on granted series. Series are numbered anew, as the worker counts them.
fn masks(patient: &Indexed, grant: &Grant, numbers: &mut Vec<u32>) -> Vec<SubjectMask> {
    let all = &patient.record.series;
    let granted: Vec<u32> = (0..).zip(all).filter(|(_, s)| is_granted(s, grant)).map(|(i, _)| i).collect();
    let sent = |series: &[u32]| -> Vec<u32> {
        (0..).zip(&granted).filter(|(_, old)| series.contains(old)).map(|(new, _)| new).collect()
    };
    let mut masks = Vec::new();
    for record in &patient.record.masks {
        let first = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        let files: Vec<u32> = (first..).take(record.files.len()).collect();
        let before = masks.len();
        for segment in record.segments.iter().filter(|s| grant.masks.contains(&s.label)) {
            let (series, drawn_on) = (sent(&segment.series), sent(&segment.drawn_on));
            if !series.is_empty() {
                let (number, label, files) = (segment.number, segment.label.clone(), files.clone());
                masks.push(SubjectMask { kind: record.kind, number, label, files, series, drawn_on });
            }
        }
        if masks.len() > before {
            numbers.extend_from_slice(&record.files);
        }
    }
    masks
}

fn only(all: &BTreeMap<String, Value>, granted: &[String]) -> BTreeMap<String, Value> {
    all.iter().filter(|(name, _)| granted.contains(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use trocar_terms::{Grid, Modality, SeriesInfo};
    use trocar_worker::{Facts, MaskKind, MaskRecord, PatientRecord, Place, SegmentRecord, SeriesFormat};

    fn series(modality: &str, files: &[u32]) -> SeriesRecord {
        let grid = Grid { columns: 1, rows: 1, slices: 1, spacing_mm: (1.0, 1.0, 1.0) };
        let directions = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        SeriesRecord {
            study_uid: "1".into(),
            series_uid: modality.into(),
            info: SeriesInfo { modality: modality.into(), unit: "1".into(), grid, integral: true },
            attributes: BTreeMap::new(),
            format: SeriesFormat::Dicom,
            files: files.to_vec(),
            part: 0,
            place: Place { origin_mm: [0.0; 3], directions, tilted: false },
            frame: Some(0),
            compressed: false,
            facts: Facts::default(),
        }
    }

    fn segment(number: u32, label: &str, series: &[u32]) -> SegmentRecord {
        let (series, drawn_on) = (series.to_vec(), vec![2]);
        SegmentRecord { number, label: label.into(), category: None, property: None, series, drawn_on }
    }

    fn patient() -> Indexed {
        let record = |file: u32, segments: Vec<SegmentRecord>| MaskRecord {
            kind: MaskKind::Segmentation,
            files: vec![file],
            segments,
        };
        let masks = vec![
            record(20, vec![segment(1, "liver", &[0, 2])]),
            record(
                21,
                vec![segment(1, "tumour", &[0, 1, 2]), segment(2, "liver", &[2]), segment(3, "tumour", &[0])],
            ),
        ];
        let series = vec![series("CT", &[1, 2]), series("MR", &[3]), series("PT", &[4])];
        let facts = Facts::default();
        let record =
            PatientRecord { patient_id: "P".into(), issuer: String::new(), studies: 1, facts, series, masks };
        Indexed { pseudonym: String::new(), record, columns: BTreeMap::new(), files: Vec::new() }
    }

    fn grant(masks: &[&str], pixels: bool) -> Grant {
        Grant {
            modalities: vec![Modality::MR, Modality::PT],
            pixels,
            masks: masks.iter().map(ToString::to_string).collect(),
            attributes: vec![],
            columns: vec![],
            models: false,
        }
    }

    #[test]
    fn only_segments_of_granted_labels_on_granted_series_are_sent_and_only_their_files() {
        let (subject, files) = subject(&patient(), &grant(&["tumour"], true));
        assert_eq!(files, [3, 4, 21]);
        let [mask] = subject.masks.as_slice() else { panic!("{} masks", subject.masks.len()) };
        assert_eq!((mask.number, mask.label.as_str(), mask.files.as_slice()), (1, "tumour", &[2][..]));
        assert_eq!((mask.series.as_slice(), mask.drawn_on.as_slice()), (&[0, 1][..], &[1][..]));
    }

    #[test]
    fn without_a_granted_label_no_segmentation_is_sent() {
        for masks in [&[][..], &["Tumour"], &["lung"]] {
            let (subject, files) = subject(&patient(), &grant(masks, true));
            assert_eq!((subject.masks.len(), files), (0, vec![3, 4]));
        }
    }

    #[test]
    fn a_segmentation_may_be_granted_without_voxels() {
        let (subject, files) = subject(&patient(), &grant(&["liver"], false));
        assert_eq!((subject.masks.len(), files), (2, vec![20, 21]));
        assert!(subject.series.iter().all(|s| s.files.is_empty()));
    }
}
