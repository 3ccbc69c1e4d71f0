use crate::{
    SubjectSeries, cost,
    decode::{Samples, decode},
    group::file_order,
    header::read_image,
    image::Image,
    layout::Layout,
    stack::{MAX_SLAB_BYTES, Slice, Stack, stack},
};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
    sync::{Arc, Mutex, PoisonError},
};
use trocar_terms::{Fault, Grid, Volume};

/// A descriptor read without its shared offset, which another process may move.
struct At<'a> {
    file: &'a File,
    at: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at = self.at.saturating_add(read as u64);
        Ok(read)
    }
}

impl Seek for At<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, step) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::End(step) => (self.file.metadata()?.len(), step),
            SeekFrom::Current(step) => (self.at, step),
        };
        self.at = base.checked_add_signed(step).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// The last deflated file of a patient, by its place among the descriptors, inflated. Files of several volumes that
/// are read in turn share it: one patient never holds more.
pub(crate) type Inflated = Mutex<Option<(usize, Arc<Vec<u8>>)>>;

/// A series, decoded slice by slice when it is read.
pub(crate) struct SeriesVolume {
    descriptors: Arc<[File]>,
    /// Position of each file in `descriptors`.
    places: Vec<usize>,
    images: Vec<Image>,
    layouts: Vec<Layout>,
    stack: Stack,
    /// What reading the header of each file has cost.
    costs: Vec<u64>,
    inflated: Arc<Inflated>,
}

impl SeriesVolume {
    /// Reads the headers again and holds them against what the scan found.
    pub(crate) fn open(
        descriptors: &Arc<[File]>,
        inflated: &Arc<Inflated>,
        series: &SubjectSeries,
    ) -> Result<Self, Fault> {
        let places: Vec<usize> = series.files.iter().map(|f| *f as usize).collect();
        let (mut images, mut layouts, mut costs) = (Vec::new(), Vec::new(), Vec::new());
        for place in &places {
            let file = descriptors.get(*place).ok_or(Fault::Unsupported)?;
            let (image, layout, walked) = read_image(At { file, at: 0 }).map_err(|_| Fault::Unsupported)?;
            images.push(image);
            layouts.push(layout);
            costs.push(walked.cost());
        }
        let stack = stack(&images.iter().collect::<Vec<_>>()).map_err(|_| Fault::Unsupported)?;
        let unchanged = stack.info == series.info && file_order(&stack).iter().copied().eq(0..places.len());
        if !unchanged {
            return Err(Fault::Unsupported);
        }
        let (descriptors, inflated) = (Arc::clone(descriptors), Arc::clone(inflated));
        Ok(Self { descriptors, places, images, layouts, stack, costs, inflated })
    }

    /// The slices of a slab, once it is known to be inside the volume and small enough.
    fn slab(&self, first: u32, count: u32, width: usize) -> Result<&[Slice], Fault> {
        let grid = self.grid();
        let pixels = (grid.columns as usize).saturating_mul(grid.rows as usize);
        let bytes = pixels.saturating_mul(width).saturating_mul(count as usize);
        let end = first.checked_add(count).ok_or(Fault::OutOfRange)?;
        let slices = self.stack.slices.get(first as usize..end as usize).ok_or(Fault::OutOfRange)?;
        if bytes > MAX_SLAB_BYTES { Err(Fault::OutOfRange) } else { Ok(slices) }
    }

    fn samples(&self, slice: &Slice) -> Result<Samples, Fault> {
        let (image, layout) = (self.images.get(slice.file), self.layouts.get(slice.file));
        let (image, layout) = image.zip(layout).ok_or(Fault::Unsupported)?;
        let runs = layout.frames.get(slice.frame).ok_or(Fault::Unsupported)?;
        let frame = self.frame(slice.file, layout, runs).ok_or(Fault::Unsupported)?;
        decode(layout, &image.format, frame).ok_or(Fault::Unsupported)
    }

    /// The bytes of a frame. The walk has held every run against the file's length.
    fn frame(&self, index: usize, layout: &Layout, runs: &[(u64, u32)]) -> Option<Vec<u8>> {
        let place = *self.places.get(index)?;
        let file = self.descriptors.get(place)?;
        if layout.syntax.deflated {
            let data = self.inflate(place, file)?;
            return gather(&mut io::Cursor::new(&data[..]), runs);
        }
        gather(&mut At { file, at: 0 }, runs)
    }

    fn inflate(&self, place: usize, file: &File) -> Option<Arc<Vec<u8>>> {
        let mut last = self.inflated.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, data)) = last.as_ref().filter(|(i, _)| *i == place) {
            return Some(Arc::clone(data));
        }
        // Before the next one is made, so that there are never two.
        *last = None;
        let data = Arc::new(read_image(At { file, at: 0 }).ok()?.2.inflated?);
        *last = Some((place, Arc::clone(&data)));
        Some(data)
    }
}

/// Adds up what the slices of a slab cost.
struct Bill<'a> {
    volume: &'a SeriesVolume,
    /// Place of the file that is inflated.
    inflated: Option<usize>,
    units: u64,
}

impl Bill<'_> {
    fn add(&mut self, slice: &Slice) -> Option<()> {
        let volume = self.volume;
        let (image, layout) = (volume.images.get(slice.file)?, volume.layouts.get(slice.file)?);
        let runs = layout.frames.get(slice.frame)?;
        let stored = runs.iter().map(|(_, length)| u64::from(*length)).fold(0, u64::saturating_add);
        let coding = layout.syntax.coding;
        self.take(stored.saturating_mul(cost::stored_byte(coding)));
        self.take((image.format.bytes() as u64).saturating_mul(cost::pixel_byte(coding)));
        self.take(cost::frame(coding));
        self.take((runs.len() as u64).saturating_mul(cost::RUN));
        let place = volume.places.get(slice.file).copied();
        if layout.syntax.deflated && self.inflated != place {
            self.inflated = place;
            self.take(*volume.costs.get(slice.file)?);
        }
        Some(())
    }

    const fn take(&mut self, units: u64) {
        self.units = self.units.saturating_add(units);
    }
}

fn gather(source: &mut (impl Read + Seek), runs: &[(u64, u32)]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for (offset, length) in runs {
        source.seek(SeekFrom::Start(*offset)).ok()?;
        let read = source.take(u64::from(*length)).read_to_end(&mut bytes).ok()?;
        if read != *length as usize {
            return None;
        }
    }
    Some(bytes)
}

impl Volume for SeriesVolume {
    fn grid(&self) -> Grid {
        self.stack.info.grid
    }

    fn integral(&self) -> bool {
        self.stack.info.integral
    }

    fn opening_cost(&self) -> u64 {
        self.costs.iter().copied().fold(0, u64::saturating_add)
    }

    fn slab_cost(&self, first: u32, count: u32) -> u64 {
        let inflated = self.inflated.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(i, _)| *i);
        let mut bill = Bill { volume: self, inflated, units: 0 };
        let slices = self.stack.slices.iter().skip(first as usize).take(count as usize);
        slices.for_each(|slice| {
            // A slice that is not there is not read.
            let _ = bill.add(slice);
        });
        bill.units
    }

    fn read_s16(&self, first: u32, count: u32) -> Result<Arc<[i16]>, Fault> {
        let slices = self.slab(first, count, 2)?;
        if !self.integral() {
            return Err(Fault::Unsupported);
        }
        let mut voxels = Vec::new();
        for slice in slices {
            let samples = self.samples(slice)?;
            voxels.extend(samples.stored().map(|stored| whole(calibrated(slice, stored))));
        }
        Ok(voxels.into())
    }

    fn read_f32(&self, first: u32, count: u32) -> Result<Arc<[f32]>, Fault> {
        let mut voxels = Vec::new();
        for slice in self.slab(first, count, 4)? {
            let samples = self.samples(slice)?;
            voxels.extend(samples.stored().map(|stored| rounded(calibrated(slice, stored))));
        }
        Ok(voxels.into())
    }
}

/// In double precision, so that the one rounding is the last.
fn calibrated(slice: &Slice, stored: i32) -> f64 {
    slice.slope * f64::from(stored) + slice.intercept
}

#[allow(clippy::cast_possible_truncation, reason = "an integral volume holds no value outside 16 bits")]
const fn whole(value: f64) -> i16 {
    value as i16
}

#[allow(clippy::cast_possible_truncation, reason = "rounds to the nearest single")]
const fn rounded(value: f64) -> f32 {
    value as f32
}
