//! A volume's voxels as the node's cache keeps them: decoded once, read many times.

use crate::{Subject, SubjectSeries, subject::open_patient};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io,
    num::NonZero,
    os::unix::fs::FileExt,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};
use trocar_terms::{Digest, Fault, Grid, Patient, SeriesInfo, Volume};

/// Where a worker finds the voxels of a series: slices one after the other, 16 bits signed where the series is
/// integral, else single precision, little endian.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decoded {
    /// Position in the list of descriptors.
    pub file: u32,
    /// One a slice: a slice with another digest is decoded again.
    pub digests: Vec<Digest>,
}

/// Bytes of one slice; `None` for what no memory holds.
fn slice_bytes(info: &SeriesInfo) -> Option<u64> {
    let Grid { columns, rows, .. } = info.grid;
    let width = if info.integral { 2 } else { 4 };
    u64::from(columns).checked_mul(u64::from(rows))?.checked_mul(width)
}

/// Bytes that the decoded voxels of a series take.
#[must_use]
pub fn decoded_bytes(info: &SeriesInfo) -> Option<u64> {
    slice_bytes(info)?.checked_mul(u64::from(info.grid.slices))
}

/// Decodes a whole series into `out`, several slices at once, and gives the digest of each slice.
///
/// # Errors
/// The series cannot be opened or a slice not be decoded; the disk refuses.
pub fn decode_series(
    series: SubjectSeries,
    files: Vec<File>,
    out: &File,
    threads: NonZero<usize>,
) -> io::Result<Vec<Digest>> {
    let info = series.info.clone();
    let subject = Subject { series: vec![series], ..Subject::default() };
    let volume = open_patient(subject, files).open(0).map_err(io::Error::other)?;
    let work = Work { volume: volume.as_ref(), out, slices: info.grid.slices, next: AtomicU32::new(0) };
    let mut done = thread::scope(|scope| {
        let running: Vec<_> = (0..threads.get()).map(|_| scope.spawn(|| work.drain())).collect();
        let joined = running.into_iter().map(|one| one.join().map_err(|_| io::ErrorKind::Other)?);
        joined.collect::<io::Result<Vec<_>>>()
    })?
    .concat();
    done.sort_by_key(|(slice, _)| *slice);
    Ok(done.into_iter().map(|(_, digest)| digest).collect())
}

struct Work<'a> {
    volume: &'a dyn Volume,
    out: &'a File,
    slices: u32,
    next: AtomicU32,
}

impl Work<'_> {
    /// Takes slices until there are no more.
    fn drain(&self) -> io::Result<Vec<(u32, Digest)>> {
        let slices = std::iter::from_fn(|| Some(self.next.fetch_add(1, Ordering::Relaxed)));
        slices.take_while(|slice| *slice < self.slices).map(|slice| Ok((slice, self.write(slice)?))).collect()
    }

    fn write(&self, slice: u32) -> io::Result<Digest> {
        let bytes = bytes(self.volume, slice).map_err(io::Error::other)?;
        self.out.write_all_at(&bytes, u64::from(slice).saturating_mul(bytes.len() as u64))?;
        Ok(Digest::of(&bytes))
    }
}

fn bytes(volume: &dyn Volume, slice: u32) -> Result<Vec<u8>, Fault> {
    Ok(if volume.integral() {
        volume.read_s16(slice, 1)?.iter().flat_map(|v| v.to_le_bytes()).collect()
    } else {
        volume.read_f32(slice, 1)?.iter().flat_map(|v| v.to_le_bytes()).collect()
    })
}

/// Voxels of a series that were decoded before.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) place: usize,
    digests: Vec<Digest>,
    slice_bytes: usize,
}

impl Kept {
    /// `None` where it is not of this series.
    pub(crate) fn new(decoded: &Decoded, info: &SeriesInfo) -> Option<Self> {
        let slice_bytes = usize::try_from(slice_bytes(info)?).ok()?;
        let whole = decoded.digests.len() == info.grid.slices as usize;
        whole.then(|| Self { place: decoded.file as usize, digests: decoded.digests.clone(), slice_bytes })
    }

    /// A slice's bytes; `None` where they are not those that were written.
    pub(crate) fn slice(&self, file: &File, slice: u32) -> Option<Vec<u8>> {
        let mut bytes = vec![0; self.slice_bytes];
        let at = u64::from(slice).checked_mul(self.slice_bytes as u64)?;
        file.read_exact_at(&mut bytes, at).ok()?;
        (Some(&Digest::of(&bytes)) == self.digests.get(slice as usize)).then_some(bytes)
    }
}
