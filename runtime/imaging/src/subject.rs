use crate::{
    Subject, cost,
    resample::Resampled,
    volume::{Inflated, SeriesVolume},
};
use std::{fs::File, sync::Arc};
use trocar_terms::{Fault, Mask, Patient, SeriesInfo, Value, Volume};

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
    fn volume(&self, series: u32) -> Result<SeriesVolume, Fault> {
        let series = self.subject.series.get(series as usize).ok_or(Fault::OutOfRange)?;
        SeriesVolume::open(&self.files, &self.inflated, series)
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
        let series = self.subject.series.get(series as usize).ok_or(Fault::OutOfRange)?;
        series.attributes.get(keyword).cloned().ok_or(Fault::Absent)
    }

    fn open(&self, series: u32) -> Result<Arc<dyn Volume>, Fault> {
        Ok(Arc::new(self.volume(series)?))
    }

    fn open_on(&self, series: u32, like: u32) -> Result<Arc<dyn Volume>, Fault> {
        let (volume, other) = (self.volume(series)?, self.volume(like)?);
        let ((from, frame), (to, same)) = (volume.place(), other.place());
        if frame.is_empty() || frame != same {
            return Err(Fault::Absent);
        }
        let (from, to, outside) = (*from, *to, volume.outside());
        Ok(Arc::new(Resampled::new(Arc::new(volume), from, to, outside)?))
    }

    fn open_cost(&self, series: u32) -> u64 {
        let Some(series) = self.subject.series.get(series as usize) else { return 0 };
        let files = series.files.iter().filter_map(|f| self.files.get(*f as usize)).map(of_file);
        files.fold(0, u64::saturating_add)
    }

    // Segmentations are not read yet, and the contract has a word for that.
    fn open_mask(&self, series: u32, _label: &str) -> Result<Arc<dyn Mask>, Fault> {
        let _ = self.subject.series.get(series as usize).ok_or(Fault::OutOfRange)?;
        Err(Fault::Unsupported)
    }
}

/// A file that does not say how long it is cannot be opened either.
fn of_file(file: &File) -> u64 {
    let bytes = file.metadata().map_or(0, |seen| seen.len());
    bytes.saturating_mul(cost::FILE_BYTE).saturating_add(cost::FILE)
}
