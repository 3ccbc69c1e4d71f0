//! One patient's files, read and opened as scan, node and worker do.

use crate::{rules, sent};
use std::{
    fs::File,
    io::{Cursor, Write},
    path::PathBuf,
};
use trocar_imaging::{
    FileHeader, OpenPatient, PatientRecord, Reason, Subject, SubjectMask, SubjectSeries, group, open_patient,
    read_header, read_header_nifti,
};
use trocar_terms::{Digest, Fault, Patient as _};

/// A DICOM file, or a NIfTI image with its sidecar.
pub(crate) enum Bytes {
    Dicom(Vec<u8>),
    Nifti(Vec<u8>, String),
}

/// A patient with everything granted, and what was refused of the files, by their number.
pub(crate) struct Opened {
    pub(crate) patient: OpenPatient,
    pub(crate) record: PatientRecord,
    pub(crate) refused: Vec<(usize, Reason)>,
}

fn header(bytes: &Bytes) -> Result<FileHeader, Reason> {
    match bytes {
        Bytes::Dicom(bytes) => read_header(&mut Cursor::new(bytes), &rules()),
        Bytes::Nifti(image, sidecar) => {
            read_header_nifti(&mut Cursor::new(image), &mut sidecar.as_bytes(), &rules())
        }
    }
}

fn on_disk(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Reads files of one patient. A sidecar is the file after its image.
pub(crate) fn open(all: &[Bytes]) -> Opened {
    let (mut headers, mut refused, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for (number, bytes) in all.iter().enumerate() {
        let index = u32::try_from(files.len()).unwrap();
        let mut found = header(bytes);
        match bytes {
            Bytes::Dicom(bytes) => files.push(on_disk(bytes)),
            Bytes::Nifti(image, sidecar) => {
                files.extend([on_disk(image), on_disk(sidecar.as_bytes())]);
                if let Ok(header) = &mut found {
                    header.set_sidecar(index + 1);
                }
            }
        }
        match found {
            Ok(header) => headers.push((index, header)),
            Err(reason) => refused.push((number, reason)),
        }
    }
    let grouped = group(headers);
    refused.extend(grouped.refused.iter().map(|(index, reason)| (*index as usize, *reason)));
    let record = grouped.patients.into_iter().next().expect("a patient");
    let series = record.series.iter().map(|s| SubjectSeries { files: s.files.clone(), ..sent(s) });
    let subject = Subject { columns: [].into(), series: series.collect(), masks: masks(&record) };
    Opened { patient: open_patient(subject, files), record, refused }
}

fn masks(record: &PatientRecord) -> Vec<SubjectMask> {
    let of = record.masks.iter().flat_map(|m| m.segments.iter().map(move |s| (m, s)));
    of.map(|(mask, s)| SubjectMask {
        kind: mask.kind,
        number: s.number,
        label: s.label.clone(),
        files: mask.files.clone(),
        series: s.series.clone(),
        drawn_on: s.drawn_on.clone(),
    })
    .collect()
}

/// Reads files of one patient from the disk.
pub(crate) fn open_paths(paths: &[PathBuf]) -> Opened {
    open(&paths.iter().map(|path| Bytes::Dicom(std::fs::read(path).unwrap())).collect::<Vec<_>>())
}

impl Opened {
    /// The whole mask of a label on a series, slice by slice.
    pub(crate) fn mask(&self, series: u32, label: &str) -> Result<Vec<u8>, Fault> {
        let mask = self.patient.open_mask(series, label)?;
        assert_eq!(mask.grid(), self.record.series[series as usize].info.grid);
        assert_eq!(mask.read(mask.grid().slices, 1).err(), Some(Fault::OutOfRange));
        Ok((0..mask.grid().slices).flat_map(|slice| mask.read(slice, 1).unwrap().to_vec()).collect())
    }

    /// How many voxels a mask has, and the digest of all its bytes.
    pub(crate) fn digest(&self, series: u32, label: &str) -> (u64, String) {
        let mask = self.mask(series, label).unwrap_or_else(|e| panic!("{label}: {e}"));
        (mask.iter().map(|v| u64::from(*v)).sum(), Digest::of(&mask).to_string())
    }

    /// The one series of a modality.
    pub(crate) fn series(&self, modality: &str) -> u32 {
        let found =
            self.record.series.iter().position(|s| s.info.modality == modality).expect("such a series");
        u32::try_from(found).unwrap()
    }
}
