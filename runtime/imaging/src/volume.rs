use crate::{
    SubjectSeries,
    codec::decode,
    cost,
    decoded::Kept,
    group::file_order,
    header::read_image,
    image::Image,
    layout::Layout,
    resample::{Resampled, centred, rounded, slab},
    stack::{Slice, Stack, stacks},
    subject::outside,
    tilt,
    values::Values,
};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    iter::repeat_n,
    os::unix::fs::FileExt,
    slice::ChunksExactMut,
    sync::{Arc, Mutex, PoisonError},
};
use trocar_terms::{Fault, Grid, Volume, little_endian};

/// A descriptor read without its shared offset, which another process may move.
pub(crate) struct At<'a> {
    file: &'a File,
    at: u64,
    /// Where somebody has asked the system for it already.
    size: Option<u64>,
}

/// Bytes of an open file, asked without a path: a contained worker may name none.
pub(crate) fn length(file: &File) -> io::Result<u64> {
    u64::try_from(rustix::fs::fstat(file)?.st_size).map_err(io::Error::other)
}

impl<'a> At<'a> {
    pub(crate) const fn new(file: &'a File) -> Self {
        Self { file, at: 0, size: None }
    }

    /// A file of so many bytes.
    pub(crate) const fn sized(file: &'a File, size: u64) -> Self {
        Self { file, at: 0, size: Some(size) }
    }
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
            SeekFrom::End(step) => match self.size {
                Some(size) => (size, step),
                None => (length(self.file)?, step),
            },
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
    /// Its voxels, where they were decoded before. They cost as if they were not.
    kept: Option<Kept>,
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
            let (image, layout, walked) = read_image(At::new(file)).map_err(|_| Fault::Unsupported)?;
            images.push(image);
            layouts.push(layout);
            costs.push(walked.cost());
        }
        let mut volumes = stacks(&images.iter().collect::<Vec<_>>()).volumes.into_iter();
        let stack = volumes.nth(series.part as usize).ok_or(Fault::Unsupported)?;
        let unchanged = stack.info == series.info
            && stack.lattice.place(stack.tilted) == series.place
            && file_order(&stack).iter().copied().eq(0..places.len());
        if !unchanged {
            return Err(Fault::Unsupported);
        }
        let (descriptors, inflated) = (Arc::clone(descriptors), Arc::clone(inflated));
        let kept = series.decoded.as_ref().and_then(|decoded| Kept::new(decoded, &series.info));
        Ok(Self { descriptors, places, images, layouts, stack, costs, kept, inflated })
    }

    /// The slices of a slab, once it is known to be inside the volume and small enough.
    fn slab(&self, first: u32, count: u32, width: usize) -> Result<&[Slice], Fault> {
        let range = slab(self.grid(), first, count, width)?;
        self.stack.slices.get(range.start as usize..range.end as usize).ok_or(Fault::OutOfRange)
    }

    fn outside(&self) -> f32 {
        outside(&self.stack.info)
    }

    /// The bytes of a slice that was decoded before.
    fn kept(&self, slice: u32) -> Option<Vec<u8>> {
        let kept = self.kept.as_ref()?;
        kept.slice(self.descriptors.get(kept.place)?, slice)
    }

    fn whole(&self, slice: &Slice) -> Result<Vec<i16>, Fault> {
        let samples = self.samples(slice)?;
        Ok(samples.mapped(|stored| whole(calibrated(slice, stored))))
    }

    fn real(&self, slice: &Slice) -> Result<Vec<f32>, Fault> {
        let samples = self.samples(slice)?;
        Ok(samples.mapped(|stored| rounded(calibrated(slice, stored))))
    }

    fn whole_into(&self, slice: &Slice, into: &mut [i16]) -> Result<(), Fault> {
        self.mapped_into(slice, into, whole)
    }

    fn mapped_into<T>(&self, slice: &Slice, into: &mut [T], f: impl Fn(f64) -> T) -> Result<(), Fault> {
        let samples = self.samples(slice)?;
        samples.map_into(into, |stored| f(calibrated(slice, stored))).ok_or(Fault::Unsupported)
    }

    /// How many voxels so many slices have.
    fn voxels(&self, slices: usize) -> usize {
        let Grid { columns, rows, .. } = self.grid();
        (columns as usize).saturating_mul(rows as usize).saturating_mul(slices)
    }

    /// Memory of so many slices, slice by slice; `width` elements a voxel.
    fn planes<'a, T>(
        &self,
        slices: usize,
        width: usize,
        into: &'a mut [T],
    ) -> Result<ChunksExactMut<'a, T>, Fault> {
        let plane = self.voxels(1).saturating_mul(width);
        let fits = plane > 0 && plane.checked_mul(slices) == Some(into.len());
        if fits { Ok(into.chunks_exact_mut(plane)) } else { Err(Fault::OutOfRange) }
    }

    /// A slice of a tilted stack, moved onto the grid.
    fn moved(&self, slice: &Slice) -> Result<Vec<f32>, Fault> {
        let size = self.images.get(slice.file).ok_or(Fault::Unsupported)?.format;
        let size = [size.columns, size.rows].map(usize::from);
        Ok(tilt::moved(&self.real(slice)?, size, slice.position, &self.stack.lattice, self.outside()))
    }

    fn samples(&self, slice: &Slice) -> Result<Values, Fault> {
        let (image, layout) = (self.images.get(slice.file), self.layouts.get(slice.file));
        let (image, layout) = image.zip(layout).ok_or(Fault::Unsupported)?;
        let runs = layout.frames.get(slice.frame).ok_or(Fault::Unsupported)?;
        let frame = self.frame(slice.file, layout, runs).ok_or(Fault::Unsupported)?;
        let stored = decode(layout, &image.format, slice.frame, frame).ok_or(Fault::Unsupported)?;
        Ok(match &image.lut {
            Some(lut) => Values::F64(stored.mapped(|v| lut.value(v))),
            None => stored,
        })
    }

    /// The bytes of a frame. The walk has held every run against the file's length.
    fn frame(&self, index: usize, layout: &Layout, runs: &[(u64, u32)]) -> Option<Vec<u8>> {
        let place = *self.places.get(index)?;
        let file = self.descriptors.get(place)?;
        if layout.syntax.deflated {
            let data = self.inflate(place, file)?;
            return gather(&mut io::Cursor::new(&data[..]), runs);
        }
        gather(&mut At::new(file), runs)
    }

    fn inflate(&self, place: usize, file: &File) -> Option<Arc<Vec<u8>>> {
        let mut last = self.inflated.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, data)) = last.as_ref().filter(|(i, _)| *i == place) {
            return Some(Arc::clone(data));
        }
        // Before the next one is made, so that there are never two.
        *last = None;
        let data = Arc::new(read_image(At::new(file)).ok()?.2.inflated?);
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

pub(crate) fn gather(source: &mut (impl Read + Seek), runs: &[(u64, u32)]) -> Option<Vec<u8>> {
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
        if self.stack.tilted {
            let Grid { columns, rows, .. } = self.grid();
            let voxels = u64::from(columns).saturating_mul(u64::from(rows)).saturating_mul(u64::from(count));
            bill.take(voxels.saturating_mul(tilt::VOXEL));
        }
        bill.units
    }

    fn read_s16(&self, first: u32, count: u32) -> Result<Arc<[i16]>, Fault> {
        let length = self.voxels(self.slab(first, count, 2)?.len());
        let mut voxels = fresh(length);
        self.read_s16_into(first, count, Arc::make_mut(&mut voxels))?;
        Ok(voxels)
    }

    fn read_f32(&self, first: u32, count: u32) -> Result<Arc<[f32]>, Fault> {
        let length = self.voxels(self.slab(first, count, 4)?.len());
        let mut voxels = fresh(length);
        self.read_f32_into(first, count, Arc::make_mut(&mut voxels))?;
        Ok(voxels)
    }

    fn read_s16_into(&self, first: u32, count: u32, into: &mut [i16]) -> Result<(), Fault> {
        let slices = self.slab(first, count, 2)?;
        if !self.integral() {
            return Err(Fault::Unsupported);
        }
        for ((at, slice), plane) in (first..).zip(slices).zip(self.planes(slices.len(), 1, into)?) {
            match self.kept(at) {
                Some(bytes) => each(plane, bytes.as_chunks::<2>().0, |b| i16::from_le_bytes(*b))?,
                None => self.whole_into(slice, plane)?,
            }
        }
        Ok(())
    }

    fn read_f32_into(&self, first: u32, count: u32, into: &mut [f32]) -> Result<(), Fault> {
        let slices = self.slab(first, count, 4)?;
        for ((at, slice), plane) in (first..).zip(slices).zip(self.planes(slices.len(), 1, into)?) {
            match self.kept(at) {
                Some(bytes) if self.integral() => {
                    each(plane, bytes.as_chunks::<2>().0, |b| f32::from(i16::from_le_bytes(*b)))?;
                }
                Some(bytes) => each(plane, bytes.as_chunks::<4>().0, |b| f32::from_le_bytes(*b))?,
                None if self.stack.tilted => each(plane, &self.moved(slice)?, |v| *v)?,
                // Through the same 16 bits that are kept: a stream may hold more bits than the header says.
                None if self.integral() => self.mapped_into(slice, plane, |value| f32::from(whole(value)))?,
                None => self.mapped_into(slice, plane, rounded)?,
            }
        }
        Ok(())
    }

    fn read_bytes_into(&self, first: u32, count: u32, into: &mut [u8]) -> Result<(), Fault> {
        let width = if self.integral() { 2 } else { 4 };
        let slices = self.slab(first, count, width)?;
        for ((at, slice), plane) in (first..).zip(slices).zip(self.planes(slices.len(), width, into)?) {
            match self.kept(at) {
                Some(bytes) => each(plane, &bytes, |b| *b)?,
                None if self.integral() => little_endian(&self.whole(slice)?, plane, i16::to_le_bytes)?,
                None if self.stack.tilted => little_endian(&self.moved(slice)?, plane, f32::to_le_bytes)?,
                None => little_endian(&self.real(slice)?, plane, f32::to_le_bytes)?,
            }
        }
        Ok(())
    }

    fn resampled(self: Arc<Self>, to: Grid) -> Result<Arc<dyn Volume>, Fault> {
        let from = self.stack.lattice;
        let to = centred(&from, to).ok_or(Fault::OutOfRange)?;
        let outside = self.outside();
        Ok(Arc::new(Resampled::new(self, from, to, outside)?))
    }
}

/// Memory for a slab, all of it at once: a vector would be copied to become shared.
fn fresh<T: Copy + Default>(length: usize) -> Arc<[T]> {
    repeat_n(T::default(), length).collect()
}

/// Each element of a slice of a volume from its stored form.
fn each<S, T>(into: &mut [T], from: &[S], f: impl Fn(&S) -> T) -> Result<(), Fault> {
    if into.len() != from.len() {
        return Err(Fault::Unsupported);
    }
    into.iter_mut().zip(from).for_each(|(to, from)| *to = f(from));
    Ok(())
}

/// In double precision, so that the one rounding is the last.
fn calibrated(slice: &Slice, stored: f64) -> f64 {
    slice.slope * stored + slice.intercept
}

#[allow(clippy::cast_possible_truncation, reason = "an integral volume holds no value outside 16 bits")]
const fn whole(value: f64) -> i16 {
    value as i16
}
