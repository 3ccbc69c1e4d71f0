use super::{
    data::{inflate, slab, values},
    head::Head,
};
use crate::{
    SubjectSeries, cost,
    resample::{self, Resampled, centred},
    subject::outside,
    volume::{At, Inflated},
};
use std::{
    fs::File,
    sync::{Arc, PoisonError},
};
use trocar_terms::{Fault, Grid, Volume};

/// A NIfTI image, slice by slice.
pub(crate) struct NiftiVolume {
    descriptors: Arc<[File]>,
    place: usize,
    head: Head,
    integral: bool,
    /// What lies outside it.
    outside: f32,
    inflated: Arc<Inflated>,
}

impl NiftiVolume {
    /// Reads the header again and holds it against what the scan found.
    pub(crate) fn open(
        descriptors: &Arc<[File]>,
        inflated: &Arc<Inflated>,
        series: &SubjectSeries,
    ) -> Result<Self, Fault> {
        let place = *series.files.first().ok_or(Fault::Unsupported)? as usize;
        let file = descriptors.get(place).ok_or(Fault::Unsupported)?;
        let head = Head::read(&mut At::new(file)).map_err(|_| Fault::Unsupported)?;
        let integral = head.integral();
        let same = (head.lattice.grid(), integral, head.lattice.place(false));
        if same != (series.info.grid, series.info.integral, series.place) {
            return Err(Fault::Unsupported);
        }
        let (descriptors, inflated, outside) =
            (Arc::clone(descriptors), Arc::clone(inflated), outside(&series.info));
        Ok(Self { descriptors, place, head, integral, outside, inflated })
    }

    /// The calibrated values of a slab that is inside the volume and small enough.
    fn read(&self, first: u32, count: u32, width: usize) -> Result<Vec<f64>, Fault> {
        resample::slab(self.grid(), first, count, width)?;
        let values: Vec<f64> = self.values(first, count).ok_or(Fault::Unsupported)?;
        // Not a number is not a value that a unit can be given to.
        if values.iter().all(|v| v.abs() <= f64::from(f32::MAX)) {
            Ok(values)
        } else {
            Err(Fault::Unsupported)
        }
    }

    fn values(&self, first: u32, count: u32) -> Option<Vec<f64>> {
        let file = self.descriptors.get(self.place)?;
        let data = if self.head.packed.is_some() { Some(self.inflate(file)?) } else { None };
        let bytes = slab(&self.head, file, data.as_ref().map(|d| d.as_slice()), first, count)?;
        Some(values(&self.head, &bytes).collect())
    }

    fn inflate(&self, file: &File) -> Option<Arc<Vec<u8>>> {
        let mut last = self.inflated.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, data)) = last.as_ref().filter(|(place, _)| *place == self.place) {
            return Some(Arc::clone(data));
        }
        // Before the next one is made, so that there are never two.
        *last = None;
        let data = Arc::new(inflate(&self.head, file)?);
        *last = Some((self.place, Arc::clone(&data)));
        Some(data)
    }
}

impl Volume for NiftiVolume {
    fn grid(&self) -> Grid {
        self.head.lattice.grid()
    }

    fn integral(&self) -> bool {
        self.integral
    }

    fn opening_cost(&self) -> u64 {
        self.head.opening_cost()
    }

    fn slab_cost(&self, _: u32, count: u32) -> u64 {
        let resident = self.inflated.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(i, _)| *i);
        let inflate = if resident == Some(self.place) { 0 } else { self.head.inflating_cost() };
        let voxels = (self.head.pixels() as u64).saturating_mul(u64::from(count));
        let stored = voxels.saturating_mul(self.head.kind.width() as u64);
        cost::RUN.saturating_add(inflate).saturating_add(stored.saturating_mul(cost::NIFTI_BYTE))
    }

    #[allow(clippy::cast_possible_truncation, reason = "an integral volume holds no value outside 16 bits")]
    fn read_s16(&self, first: u32, count: u32) -> Result<Arc<[i16]>, Fault> {
        let values = self.read(first, count, 2)?;
        if self.integral {
            Ok(values.into_iter().map(|v| v as i16).collect())
        } else {
            Err(Fault::Unsupported)
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "rounds to the nearest single")]
    fn read_f32(&self, first: u32, count: u32) -> Result<Arc<[f32]>, Fault> {
        Ok(self.read(first, count, 4)?.into_iter().map(|v| v as f32).collect())
    }

    fn resampled(self: Arc<Self>, to: Grid) -> Result<Arc<dyn Volume>, Fault> {
        let from = self.head.lattice;
        let to = centred(&from, to).ok_or(Fault::OutOfRange)?;
        let outside = self.outside;
        Ok(Arc::new(Resampled::new(self, from, to, outside)?))
    }
}
