use crate::{
    SeriesFormat, Subject, SubjectSeries, cost,
    lattice::Lattice,
    mask,
    nifti::NiftiVolume,
    resample::{Resampled, fits},
    volume::{Inflated, SeriesVolume, length},
};
use std::{fs::File, sync::Arc};
use trocar_terms::{Fault, Mask, Modality, Patient, SeriesInfo, Value, Volume};

/// One patient, read from descriptors.
#[derive(Debug)]
pub struct OpenPatient {
    subject: Subject,
    files: Arc<[File]>,
    inflated: Arc<Inflated>,
}

/// Opens a patient. Nothing is read until a series is opened.
#[must_use]
pub fn open_patient(subject: Subject, files: Vec<File>) -> OpenPatient {
    OpenPatient { subject, files: files.into(), inflated: Arc::default() }
}

impl OpenPatient {
    fn at(&self, series: u32) -> Result<&SubjectSeries, Fault> {
        self.subject.series.get(series as usize).ok_or(Fault::OutOfRange)
    }
}

impl Patient for OpenPatient {
    fn column(&self, name: &str) -> Result<Value, Fault> {
        self.subject.columns.get(name).cloned().ok_or(Fault::Absent)
    }

    fn series(&self) -> Vec<SeriesInfo> {
        self.subject.series.iter().map(|s| s.info.clone()).collect()
    }

    fn attribute(&self, series: u32, keyword: &str) -> Result<Value, Fault> {
        self.at(series)?.attributes.get(keyword).cloned().ok_or(Fault::Absent)
    }

    fn open(&self, series: u32) -> Result<Arc<dyn Volume>, Fault> {
        let series = self.at(series)?;
        match series.format {
            SeriesFormat::Dicom => Ok(Arc::new(SeriesVolume::open(&self.files, &self.inflated, series)?)),
            SeriesFormat::Nifti => Ok(Arc::new(NiftiVolume::open(&self.files, &self.inflated, series)?)),
        }
    }

    fn open_on(&self, series: u32, like: u32) -> Result<Arc<dyn Volume>, Fault> {
        let (of, other) = (self.at(series)?, self.at(like)?);
        if of.frame.is_none() || of.frame != other.frame {
            return Err(Fault::Absent);
        }
        let lattice = |series: &SubjectSeries| Lattice::of(&series.info, &series.place);
        let to = lattice(other);
        // Before any file is read: a grid of whole numbers may have slices that fit in no slab of floats.
        if !fits(&to, 4) {
            return Err(Fault::Unsupported);
        }
        Ok(Arc::new(Resampled::new(self.open(series)?, lattice(of), to, outside(&of.info))?))
    }

    fn open_cost(&self, series: u32) -> u64 {
        let Some(series) = self.subject.series.get(series as usize) else { return 0 };
        let files = series.files.iter().filter_map(|f| self.files.get(*f as usize)).map(of_file);
        files.fold(0, u64::saturating_add)
    }

    fn open_mask_cost(&self, series: u32, label: &str) -> u64 {
        mask::known_cost(&self.subject.masks, &self.files, series, label)
    }

    fn open_mask(&self, series: u32, label: &str) -> Result<Arc<dyn Mask>, Fault> {
        let of = self.at(series)?;
        let lattice = Lattice::of(&of.info, &of.place);
        Ok(Arc::new(mask::open_mask(&self.subject.masks, &self.files, (series, &lattice), label)?))
    }
}

/// What lies outside a volume: air in a CT, nothing elsewhere.
pub(crate) fn outside(info: &SeriesInfo) -> f32 {
    if info.modality == Modality::CT.code() { -1000.0 } else { 0.0 }
}

/// A file that does not say how long it is cannot be opened either.
fn of_file(file: &File) -> u64 {
    let bytes = length(file).unwrap_or(0);
    bytes.saturating_mul(cost::FILE_BYTE).saturating_add(cost::FILE)
}
